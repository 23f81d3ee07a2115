//! Reading takes no more memory than its bytes may. Alone in its program, as memory is the program's.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]
#![allow(clippy::print_stderr, reason = "a test names the input that it runs")]

use std::path::Path;

use ankurah_fuzz::TARGETS;
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

#[test]
fn no_input_takes_more_memory_than_it_may() {
    for target in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/fuzz").join(target.name);
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let data = std::fs::read(&path).unwrap();
            eprintln!("{}", path.display());
            target.run_measured(&data, &MEMORY);
        }
    }
}
