//! Project tasks, run as `cargo xtask TASK`.
//!
//! Each task is a list of steps. A step passes, fails, or is skipped because this machine lacks
//! something; the table at the end names every one, and says how to enable what was skipped.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a task runner talks to the terminal")]

mod command;
mod fuzz;
mod kill;
mod layers;
mod licences;
mod lint;
mod measure;
mod options;
mod picture;
mod report;
mod setup;
mod skips;
mod sources;
mod spdx;
mod test;
mod wasm;
mod workspace;

use std::process::ExitCode;

use options::{Options, Parsed, Task};
use report::Report;
use workspace::Workspace;

fn main() -> ExitCode {
    match options::parse(std::env::args().skip(1)) {
        Parsed::Help(text) => {
            println!("{text}");
            ExitCode::SUCCESS
        }
        Parsed::Wrong(message) => {
            eprintln!("error: {message}\n\n{}", options::OVERVIEW);
            ExitCode::from(2)
        }
        Parsed::Run(options) => run(&options),
    }
}

fn run(options: &Options) -> ExitCode {
    let workspace = match Workspace::find() {
        Ok(workspace) => workspace,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    let mut report = Report::default();
    match options.task {
        Task::Test => test::run(&workspace, options, &mut report),
        Task::Lint => lint::run(&workspace, &mut report),
        Task::Wasm => wasm::run(&workspace, &mut report),
        Task::Measure => measure::run(&workspace, &mut report),
        Task::Picture => picture::run(&workspace, &mut report),
        Task::Fuzz => fuzz::run(&workspace, options, &mut report),
        Task::Setup => setup::run(&workspace, &mut report),
        Task::Kill => kill::run(&workspace, &options.kill, &mut report),
    }
    println!("\n{report}");
    if report.is_ok(options.no_skips) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
