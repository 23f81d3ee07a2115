use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::Args;

use super::DisplayArgs;

/// `ankurah run`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ankurah run fixtures
  ankurah run fixtures/null.ank --bless
  ankurah run fixtures --junit target/fixtures.xml --jobs 4

A fixture:
  select 1 + 1 as two;
  --|  two
  --| -----
  --|    2")]
pub struct RunArgs {
    /// Scripts, and folders that are searched for *.ank
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Run against this store instead of a fresh one for each file; files then run one after the other
    #[arg(long)]
    pub target: Option<String>,
    /// Write what is printed into the files; refused where the environment variable CI is set
    #[arg(long)]
    pub bless: bool,
    /// Write a JUnit report
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// How many files run at the same time [default: the number of processors]
    #[arg(long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
    /// Colour and characters.
    #[command(flatten)]
    pub display: DisplayArgs,
}

/// What the long help begins with.
pub(super) const LONG: &str = "Run scripts and compare what they print with what they say they print.\n\n\
        A fixture is a plain script (.ank). What a statement prints stands after it in comment lines that \
        begin with `--| `, errors too. Ids are bound by their first appearance: the first entity is $e1 from \
        then on, in statements and in output. Every file has a fresh store in memory, a fixed clock and fixed \
        randomness unless --target says otherwise.\n\n\
        A mismatch prints the difference and the command that accepts it; the exit code is 4.";
