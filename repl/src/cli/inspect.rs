use std::path::PathBuf;

use ankurah_inspector::key::{Key, parse_keys};
use clap::Args;

use super::{DisplayArgs, TARGETS};

/// `ankurah inspect`
#[derive(Debug, Default, Args)]
#[command(
    after_help = EXAMPLES,
    after_long_help = format!("{}\n\n{TARGETS}", EXAMPLES)
)]
pub struct InspectArgs {
    /// The store to look into; without it the one in your data folder
    pub target: Option<String>,
    /// Look into a memory store with a sample: 150 and more albums in the collection `album`
    #[arg(long)]
    pub sample: bool,
    /// Allow that values are changed; otherwise everything is only read
    #[arg(long)]
    pub write: bool,
    /// Press these keys first: `2 enter`, letters of a text in quotes: `/ 'it''s' enter`
    #[arg(long, value_name = "KEYS", value_parser = keys, requires = "dump", allow_hyphen_values = true)]
    pub keys: Option<Keys>,
    /// Print a screen of this size, without a terminal and always the same, and end
    #[arg(long, value_name = "COLUMNSxLINES", value_parser = size)]
    pub dump: Option<(u16, u16)>,
    /// Colours [default: dark, or ansi where the terminal has 16 colours]
    #[arg(long, value_name = "THEME", value_enum)]
    pub theme: Option<ThemeName>,
    /// Keys: a file of lines `ACTION = KEY …` [default: ~/.config/ankurah/keys]
    #[arg(long, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
    /// Colour and characters.
    #[command(flatten)]
    pub display: DisplayArgs,
}

/// Colours of the inspector.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum ThemeName {
    /// For dark terminals.
    Dark,
    /// For light terminals.
    Light,
    /// The terminal's own sixteen colours.
    Ansi,
    /// No colour.
    None,
}

/// Keys that are pressed one after the other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys(pub Vec<Key>);

fn keys(text: &str) -> Result<Keys, String> {
    parse_keys(text).map(Keys).map_err(|error| error.to_string())
}

fn size(text: &str) -> Result<(u16, u16), String> {
    let wrong = || "write columns and lines, as in 120x40; at most 1000x1000".to_owned();
    let (columns, lines) = text.split_once('x').ok_or_else(wrong)?;
    let number = |text: &str| text.parse().ok().filter(|number: &u16| *number <= 1000);
    Ok((number(columns).ok_or_else(wrong)?, number(lines).ok_or_else(wrong)?))
}

const EXAMPLES: &str = "\
Examples:
  ankurah inspect --sample
  ankurah inspect music
  ankurah inspect music --write
  ankurah inspect --sample --keys \"2 enter\" --dump 120x40";

/// What the long help begins with.
pub(super) const LONG: &str = "See inside a store: collections, entities, their operations as a graph, their \
        history, live queries, what is committed.\n\n\
        ? shows the keys, : everything that can be done, q leaves. Nothing is changed without --write. With \
        --dump, clock and seed are fixed: the same keys print the same bytes.";
