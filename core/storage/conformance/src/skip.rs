//! Cases that need something from the system that it may not give.

use std::fs::OpenOptions;
use std::io::Write;

/// Says that a case is skipped, as `cargo xtask test` expects: what is missing, and how to enable it.
pub(crate) fn skip(case: &str, missing: &str, enable: &str) {
    let line = format!("{case}\t{missing}\t{enable}\n");
    let _ = std::io::stderr().write_all(format!("skipped: {line}").as_bytes());
    if let Some(list) = std::env::var_os("ANKURAH_SKIPS") {
        let mut file = OpenOptions::new().create(true).append(true).open(list).unwrap();
        file.write_all(line.as_bytes()).unwrap();
    }
}
