//! The ankurah command: REPL, script runner, import, export, verify.

pub mod cli;
pub mod client;
pub mod convert;
pub mod display;
pub mod exit;
pub mod export;
pub mod fixture;
pub mod format;
pub mod import;
pub mod inspect;
pub mod interactive;
pub mod panics;
pub mod repl;
pub mod sample;
pub mod script;
pub mod session;
pub mod target;
pub mod verify;

use std::io;

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
            print_usage(&error);
            return if error.use_stderr() { Exit::Usage } else { Exit::Ok };
        }
    };
    log_if_asked();
    match &cli.command {
        Command::Repl(args) => repl::command(args),
        Command::Inspect(args) => inspect::command(args),
        Command::Run(args) => fixture::command(args),
        Command::Import(args) => import::command(args),
        Command::Export(args) => export::command(args),
        Command::Verify(args) => verify::command(args),
        Command::Completions(args) => {
            let mut script = Vec::new();
            clap_complete::generate(args.shell, &mut Cli::command(), "ankurah", &mut script);
            match io::Write::write_all(&mut io::stdout(), &script) {
                Ok(()) => Exit::Ok,
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Ok,
                Err(_) => Exit::CannotOpen,
            }
        }
    }
}

/// Prints what is wrong with the arguments, or the help that was asked for. What it quotes came from outside.
fn print_usage(error: &clap::Error) {
    let given: Vec<String> =
        std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect();
    let shown: Vec<Safe<'_>> = given.iter().map(|argument| Safe::line(argument)).collect();
    let is_safe = std::env::args_os().zip(&shown).all(|(given, shown)| given.as_os_str() == shown.as_str());
    if is_safe {
        let _ = error.print();
        return;
    }
    // The same mistake in arguments that can be shown is said in the same words, in colour.
    match Cli::try_parse_from(shown.iter().map(Safe::as_str)) {
        Err(same) if same.kind() == error.kind() => {
            let _ = same.print();
        }
        _ => {
            let text = error.to_string();
            let _ = io::Write::write_all(&mut io::stderr(), Safe::block(&text).as_str().as_bytes());
        }
    }
}

/// Writes what the libraries have to say to standard error, where `ANKURAH_LOG` names a level or filter.
fn log_if_asked() {
    if let Ok(filter) = std::env::var("ANKURAH_LOG") {
        let filter = tracing_subscriber::EnvFilter::new(filter);
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(false).init();
    }
}
