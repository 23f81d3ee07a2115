//! The `ankurah` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    ankurah_repl::main().into()
}
