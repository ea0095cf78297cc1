//! Bodies of `POST /v1/jobs`. The law is `refreshd::api::fuzzing::job_body`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    refreshd::api::fuzzing::job_body(bytes);
});

/// Plain cargo only looks this file over; `fuzz/run` builds the real thing.
#[cfg(not(fuzzing))]
fn main() {}
