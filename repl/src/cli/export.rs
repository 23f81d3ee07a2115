use std::path::PathBuf;

use clap::Args;

use super::{DisplayArgs, TARGETS};

/// `ankurah export`
#[derive(Debug, Args)]
#[command(
    after_help = EXAMPLES,
    after_long_help = format!("{}\n\n{TARGETS}", EXAMPLES)
)]
pub struct ExportArgs {
    /// The store
    pub target: String,
    /// The collection
    #[arg(required_unless_present = "query", conflicts_with = "query")]
    pub collection: Option<String>,
    /// A query whose rows are written
    #[arg(long, value_name = "SELECT")]
    pub query: Option<String>,
    /// The form [default: from the file's name, otherwise csv]
    #[arg(long, value_enum)]
    pub format: Option<ExportFormat>,
    /// The file; it is replaced when the export is complete
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write references as ids
    #[arg(long)]
    pub ids: bool,
    /// Colour and characters.
    #[command(flatten)]
    pub display: DisplayArgs,
}

/// A form of file that can be exported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ExportFormat {
    /// Comma-separated values; NULL is an empty field, the empty string is "".
    Csv,
    /// Tab-separated values.
    Tsv,
    /// One JSON array of objects; decimals are quoted.
    Json,
    /// One JSON object a line; decimals are quoted.
    Jsonl,
    /// A Markdown table.
    Markdown,
}

const EXAMPLES: &str = "\
Examples:
  ankurah export music album -o album.csv
  ankurah export music album --format jsonl | gzip > album.jsonl.gz
  ankurah export music --query \"select name, year from album where year < 1970\"";

/// What the long help begins with.
pub(super) const LONG: &str = "Write a collection or the rows of a query to a file, or to standard output.\n\n\
        It is the inverse of import: strings are written exactly as they are, and a reference to a collection \
        with a key of one property is written as that key. Memory does not grow with the number of rows.";
