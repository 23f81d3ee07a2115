//! The ankurah command: REPL, script runner, import, export, verify.

pub mod cli;
pub mod client;
pub mod convert;
pub mod diff;
pub mod display;
pub mod dump;
pub mod exit;
pub mod export;
pub mod fixture;
pub mod format;
pub mod import;
pub mod inspect;
pub mod interactive;
pub mod journal;
pub mod panics;
mod reattach;
pub mod repl;
pub mod replace;
pub mod restore;
pub mod sample;
pub mod script;
pub mod session;
pub mod target;
pub mod verify;

use std::io::{self, Write};

use clap::{CommandFactory, Parser};

use crate::cli::{Cli, Command};
use crate::display::Safe;
use crate::exit::Exit;

/// Runs the program with the arguments of the process.
pub fn main() -> Exit {
    client::end_on_ctrl_c();
    panics::say_in_a_line();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let printed = print_usage(&error).and_then(|()| io::stdout().flush());
            return if error.use_stderr() { Exit::Usage } else { written(printed) };
        }
    };
    journal::listen(match &cli.command {
        Command::Inspect(args) if args.dump.is_some() => Some(journal::Time::Fixed),
        Command::Inspect(_) | Command::Repl(_) => Some(journal::Time::Now),
        _ => None,
    });
    match &cli.command {
        Command::Repl(args) => repl::command(args),
        Command::Inspect(args) => inspect::command(args),
        Command::Run(args) => fixture::command(args),
        Command::Import(args) => import::command(args),
        Command::Export(args) => export::command(args),
        Command::Dump(args) => dump::command(args),
        Command::Restore(args) => restore::command(args),
        Command::Backup(args) => dump::backup(args),
        Command::Diff(args) => diff::command(args),
        Command::Verify(args) => verify::command(args),
        Command::Completions(args) => {
            let mut script = Vec::new();
            clap_complete::generate(args.shell, &mut Cli::command(), "ankurah", &mut script);
            let mut out = io::stdout();
            written(out.write_all(&script).and_then(|()| out.flush()))
        }
    }
}

/// How a command ends that only writes a text. A reader that has seen enough closes the pipe.
fn written(result: io::Result<()>) -> Exit {
    match result {
        Ok(()) => Exit::Ok,
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Ok,
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: the output cannot be written: {error}");
            Exit::CannotOpen
        }
    }
}

/// Prints what is wrong with the arguments, or the help that was asked for. What it quotes came from outside.
fn print_usage(error: &clap::Error) -> io::Result<()> {
    let given: Vec<String> =
        std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let shown: Vec<Safe<'_>> = given.iter().map(|argument| Safe::line(argument)).collect();
    let is_safe = std::env::args_os().zip(&shown).all(|(given, shown)| given.as_os_str() == shown.as_str());
    if is_safe {
        return error.print();
    }
    // The same mistake in arguments that can be shown is said in the same words, in colour.
    match Cli::try_parse_from(shown.iter().map(Safe::as_str)) {
        Err(same) if same.kind() == error.kind() => same.print(),
        _ => {
            let text = error.to_string();
            io::stderr().write_all(Safe::block(&text).as_str().as_bytes())
        }
    }
}
