use std::path::PathBuf;

use clap::Args;

use super::{DisplayArgs, TARGETS};
use crate::format::Format;

/// `ankurah repl`
#[derive(Debug, Default, Args)]
#[command(
    after_help = EXAMPLES,
    after_long_help = format!("{}\n\n{TARGETS}", EXAMPLES)
)]
pub struct ReplArgs {
    /// The store to ask; without it the one in your data folder
    pub target: Option<String>,
    /// Run a statement (or several, separated by `;`) and end
    #[arg(short, long, value_name = "STATEMENT")]
    pub command: Vec<String>,
    /// Run a script and end; `-` is standard input
    #[arg(short, long, value_name = "FILE")]
    pub file: Vec<PathBuf>,
    /// How rows are written [default: table on a terminal, tsv elsewhere]
    #[arg(long, value_enum, hide_possible_values = false)]
    pub format: Option<Format>,
    /// Open a memory store with a sample: 150 and more albums in the collection `album`
    #[arg(long)]
    pub sample: bool,
    /// Refuse everything that writes
    #[arg(long)]
    pub read_only: bool,
    /// Set the parameter $NAME
    #[arg(short, long = "variable", value_name = "NAME=VALUE")]
    pub variable: Vec<String>,
    /// Go on after a statement that fails; the exit code stays 3
    #[arg(long)]
    pub keep_going: bool,
    /// Do not read ~/.config/ankurah/replrc
    #[arg(long)]
    pub no_rc: bool,
    /// Colour and characters.
    #[command(flatten)]
    pub display: DisplayArgs,
}

const EXAMPLES: &str = "\
Examples:
  ankurah repl --sample
  ankurah repl music
  ankurah repl memory: -c \"select 1 + 1\"
  ankurah repl music -c \"select name from album where year < 1970\" --format csv
  ankurah repl music -f report.ank -v year=1977
  echo 'select count(*) from album' | ankurah repl music --read-only";

/// What the long help begins with.
pub(super) const LONG: &str = "Ask a store: statements, one after the other.\n\n\
        On a terminal it is a prompt with completion, history and help (\\?). Where the output is not a \
        terminal, rows are tab-separated with a header, counts and messages go to stderr, and nothing is \
        coloured. The first statement that fails ends a script with exit code 3.";
