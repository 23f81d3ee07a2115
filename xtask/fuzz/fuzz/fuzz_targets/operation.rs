//! See `ankurah_fuzz::operation`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ankurah_fuzzers::run("operation", data));
