//! See `ankurah_fuzz::text`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ankurah_fuzzers::run("text", data));
