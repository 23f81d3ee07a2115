//! The helps, as people read them.

use clap::CommandFactory;

use ankurah_repl::cli::Cli;

use crate::common::snapshot;

#[test]
fn every_command() {
    let mut cli = Cli::command().term_width(100);
    cli.build();
    snapshot("help", &cli.render_long_help().to_string());
    for name in [
        "repl",
        "inspect",
        "run",
        "import",
        "export",
        "dump",
        "restore",
        "backup",
        "diff",
        "verify",
        "completions",
    ] {
        let command = cli.find_subcommand_mut(name).unwrap().clone().term_width(100);
        snapshot(&format!("help_{name}"), &command.clone().render_long_help().to_string());
    }
}

#[test]
fn the_command_line_is_sound() {
    Cli::command().debug_assert();
}
