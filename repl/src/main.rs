//! The `ankurah` command.

use std::process::ExitCode;

/// A store makes and drops many small things; the system's allocator takes a quarter of the time of an import.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    ankurah_repl::main().into()
}
