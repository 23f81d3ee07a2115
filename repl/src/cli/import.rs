use std::path::PathBuf;

use clap::Args;

use super::{DisplayArgs, TARGETS};

/// `ankurah import`
#[derive(Debug, Args)]
#[command(
    after_help = EXAMPLES,
    after_long_help = format!("{}\n\n{TARGETS}", EXAMPLES)
)]
pub struct ImportArgs {
    /// The store; it is made where it does not exist
    pub target: String,
    /// The file: .csv, or .jsonl / .ndjson; - is standard input
    pub file: PathBuf,
    /// The collection to write to
    #[arg(long, value_name = "COLLECTION")]
    pub into: String,
    /// A column of the key; give it once for each
    #[arg(long, value_name = "COLUMN")]
    pub key: Vec<String>,
    /// A column that holds keys of another collection
    #[arg(long = "ref", value_name = "COLUMN=COLLECTION.KEY")]
    pub reference: Vec<String>,
    /// The type of a column, instead of the one found
    #[arg(long = "type", value_name = "COLUMN=TYPE")]
    pub column_type: Vec<String>,
    /// A column that is collaborative text
    #[arg(long, value_name = "COLUMN")]
    pub text: Vec<String>,
    /// The form of the file, where its name does not say
    #[arg(long, value_enum)]
    pub format: Option<ImportFormat>,
    /// Colour and characters.
    #[command(flatten)]
    pub display: DisplayArgs,
}

/// A form of file that can be imported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ImportFormat {
    /// Comma-separated values with a header.
    Csv,
    /// One JSON object a line.
    Jsonl,
}

const EXAMPLES: &str = "\
Examples:
  ankurah import music artist.csv --into artist --key ArtistId
  ankurah import music album.csv --into album --key AlbumId --ref ArtistId=artist.ArtistId
  ankurah import music notes.jsonl --into note --text body --type rating=decimal
  curl … | ankurah import music - --format jsonl --into note";

/// What the long help begins with.
pub(super) const LONG: &str = "Read a CSV or JSON lines file into a collection.\n\n\
        The file is read twice: once to find the types of its columns over all rows, once to write them. The \
        collection is made, or gets the properties that it lacks. An empty CSV field is NULL, \"\" is the empty \
        string. Numbers that a number type would not give back (007, +5) stay strings; 0.99 is a decimal; \
        `2020-01-31 23:59:59` is a timestamp in UTC. A column called id becomes id_.\n\n\
        With --key, a row whose key exists updates that entity: importing twice is the same as importing once. \
        Rows that cannot be read or written are left out and reported with their line numbers; the exit code \
        is then 3, and all other rows are in the store.";
