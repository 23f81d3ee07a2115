//! See `ankurah_fuzz::import`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| ankurah_fuzzers::run("import", data));
