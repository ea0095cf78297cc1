//! Texts that are offered as targets. The law is `refreshd::domain::fuzzing::target`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    refreshd::domain::fuzzing::target(bytes);
});

/// Plain cargo only looks this file over; `fuzz/run` builds the real thing.
#[cfg(not(fuzzing))]
fn main() {}
