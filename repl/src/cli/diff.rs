use clap::Args;

use super::{DisplayArgs, TARGETS};

/// `ankurah diff`
#[derive(Debug, Args)]
#[command(
    after_help = EXAMPLES,
    after_long_help = format!("{EXAMPLES}\n\n{TARGETS}")
)]
pub struct DiffArgs {
    /// A store
    pub a: String,
    /// The store that it is compared with
    pub b: String,
    /// Entities that are shown; those after them are counted
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub limit: u64,
    /// The form
    #[arg(long, value_enum, default_value_t, hide_default_value = true)]
    pub format: DiffFormat,
    /// Colour and characters.
    #[command(flatten)]
    pub display: DisplayArgs,
}

/// A form of comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum DiffFormat {
    /// Lines for people.
    #[default]
    Text,
    /// One JSON object a line for each entity that differs.
    Jsonl,
}

const EXAMPLES: &str = "\
Examples:
  ankurah diff music music-copy
  ankurah diff sled:old fjall:new --format jsonl --limit 1000000";

/// What the long help begins with.
pub(super) const LONG: &str = "Compare two stores, entity by entity in the order of ids.\n\n\
        Entities with the same head have the same history. Of the others it says how many operations each store has \
        that the other lacks, and the first property whose value differs. Memory does not grow with the stores. The \
        exit code is 4 where they differ.";
