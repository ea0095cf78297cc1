//! Requests to the sandbox's API. The law is `refreshd::sandbox::fuzzing::verification`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    refreshd::sandbox::fuzzing::verification(bytes);
});

/// Plain cargo only looks this file over; `fuzz/run` builds the real thing.
#[cfg(not(fuzzing))]
fn main() {}
