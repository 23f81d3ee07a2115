use clap::Args;

use super::{DisplayArgs, TARGETS};

/// `ankurah verify`
#[derive(Debug, Args)]
#[command(
    long_about = "Check a whole store and name each fault.\n\n\
        Digests, ids, links, heads, states and indexes are computed again from the operations and compared with \
        what is stored. Nothing is changed. The exit code is 4 where something is at fault.",
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
