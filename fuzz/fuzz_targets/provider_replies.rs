//! Bytes that come back from the provider. The law is `refreshd::provider::tencent::fuzzing::provider_replies`.
#![cfg_attr(fuzzing, no_main)]

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    refreshd::provider::tencent::fuzzing::provider_replies(bytes);
});

/// Plain cargo only looks this file over; `fuzz/run` builds the real thing.
#[cfg(not(fuzzing))]
fn main() {}
