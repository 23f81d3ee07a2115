//! See `ankurah_fuzz::key`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ankurah_fuzzers::run("key", data));
