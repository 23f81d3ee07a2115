use clap::Args;

use super::{DisplayArgs, TARGETS};

/// `ankurah verify`
#[derive(Debug, Args)]
#[command(
    after_help = "\
Examples:
  ankurah verify music",
    after_long_help = format!("Examples:\n  ankurah verify music\n\n{TARGETS}")
)]
pub struct VerifyArgs {
    /// The store; without it the one in your data folder
    pub target: Option<String>,
    /// Colour and characters.
    #[command(flatten)]
    pub display: DisplayArgs,
}

/// What the long help begins with.
pub(super) const LONG: &str = "Check a whole store and name each fault.\n\n\
        Digests, ids, links, heads, states and indexes are computed again from the operations and compared with \
        what is stored. Nothing is changed. The exit code is 4 where something is at fault.";
