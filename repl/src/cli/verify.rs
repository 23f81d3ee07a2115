use clap::Args;

use super::{DisplayArgs, TARGETS};

/// `ankurah verify`
#[derive(Debug, Args)]
#[command(
    after_help = "\
Examples:
  ankurah verify music
  ankurah verify music --repair",
    after_long_help = format!("Examples:\n  ankurah verify music\n  ankurah verify music --repair\n\n{TARGETS}")
)]
pub struct VerifyArgs {
    /// The store; without it the one in your data folder
    pub target: Option<String>,
    /// Make anew whatever follows from the operations and is not right
    #[arg(long)]
    pub repair: bool,
    /// Colour and characters.
    #[command(flatten)]
    pub display: DisplayArgs,
}

/// What the long help begins with.
pub(super) const LONG: &str = "Check a whole store and name each fault.\n\n\
        Digests, ids, links, heads, states and indexes are computed again from the operations and compared with \
        what is stored. Nothing is changed. The exit code is 4 where something is at fault.\n\n\
        With --repair, states, heads, texts, indexes, counts and the log are first made anew from the operations \
        where they are not right, and each is named. An operation that is lost follows from nothing: it is named, what \
        comes after it is parked until it comes again (from another store, or from a dump), and the exit code is 4. \
        No other program may have the store open.";
