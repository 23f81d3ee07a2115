//! The command line.

mod diff;
mod dump;
mod export;
mod import;
mod inspect;
mod repl;
mod run;
mod verify;

use clap::{Args, Parser, Subcommand};

pub use diff::{DiffArgs, DiffFormat};
pub use dump::{BackupArgs, DumpArgs, RestoreArgs};
pub use export::{ExportArgs, ExportFormat};
pub use import::{ImportArgs, ImportFormat};
pub use inspect::{InspectArgs, Keys, ThemeName};
pub use repl::ReplArgs;
pub use run::RunArgs;
pub use verify::VerifyArgs;

use crate::display::Colour;

/// What a target is, for the long helps.
const TARGETS: &str = "\
Targets:
  memory:         an empty store in memory, gone at the end
  fjall:PATH      an embedded store in the folder PATH
  sled:PATH       the same with the engine sled
  PATH            whichever embedded store is there; a new one is a fjall store
  (none)          the store in your data folder";

const EXIT_CODES: &str = "\
Exit codes:
  0    ok
  1    wrong usage
  2    the target or a file cannot be opened
  3    a statement failed, a row was rejected
  4    something differs or is at fault
  130  cancelled with Ctrl-C";

/// Ask, fill, check and test Ankurah stores.
#[derive(Debug, Parser)]
#[command(
    name = "ankurah",
    version,
    about = "Ask, fill, check and test Ankurah stores",
    after_help = "Try it:  ankurah repl --sample",
    after_long_help = format!("{TARGETS}\n\n{EXIT_CODES}\n\nTry it:\n  ankurah repl --sample"),
    arg_required_else_help = true,
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Ask a store: statements, one after the other
    #[command(long_about = repl::LONG)]
    Repl(ReplArgs),
    /// See inside a store: a terminal inspector
    #[command(long_about = inspect::LONG)]
    Inspect(InspectArgs),
    /// Run scripts and compare what they print with what they say they print
    #[command(long_about = run::LONG)]
    Run(RunArgs),
    /// Read a CSV or JSON lines file into a collection
    #[command(long_about = import::LONG)]
    Import(ImportArgs),
    /// Write a collection or the rows of a query to a file
    #[command(long_about = export::LONG)]
    Export(ExportArgs),
    /// Write a whole store, with its history, to a file
    #[command(long_about = dump::DUMP)]
    Dump(DumpArgs),
    /// Take a dump into a store
    #[command(long_about = dump::RESTORE)]
    Restore(RestoreArgs),
    /// Make a copy of a store that is in use
    #[command(long_about = dump::BACKUP)]
    Backup(BackupArgs),
    /// Compare two stores
    #[command(long_about = diff::LONG)]
    Diff(DiffArgs),
    /// Check a whole store and name each fault
    #[command(long_about = verify::LONG)]
    Verify(VerifyArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
}

/// Options that every command has.
#[derive(Clone, Debug, Default, Args)]
pub struct DisplayArgs {
    /// When to use colour
    #[arg(long, value_name = "WHEN", value_enum, default_value_t, hide_default_value = true)]
    pub color: Colour,
    /// Draw frames and marks with ASCII alone
    #[arg(long)]
    pub ascii: bool,
}

/// `ankurah completions`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ankurah completions bash > ~/.local/share/bash-completion/completions/ankurah
  ankurah completions zsh > ~/.zfunc/_ankurah
  ankurah completions fish > ~/.config/fish/completions/ankurah.fish")]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}
