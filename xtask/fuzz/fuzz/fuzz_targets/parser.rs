//! See `ankurah_fuzz::parser`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ankurah_fuzzers::run("parser", data));
