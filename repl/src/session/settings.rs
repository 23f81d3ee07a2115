//! What a session can be told.

use crate::display::Style;
use crate::format::{Format, Options};

/// What a session can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The form of rows.
    pub format: Format,
    /// Whether the form was set by hand, so that a file gets it too.
    pub format_is_set: bool,
    /// Whether rows are shown one value a line whatever the form (`\x`).
    pub expanded: bool,
    /// What stands for NULL in forms for people.
    pub null: String,
    /// Whether headings are written.
    pub header: bool,
    /// Whether it is said what statements did, and how many rows there were.
    pub footer: bool,
    /// Whether that is said of rows too.
    pub row_counts: bool,
    /// Whether `\timing` is on.
    pub timing: bool,
    /// Whether long results go through a pager.
    pub pager: bool,
    /// Whether the output is a terminal.
    pub terminal: bool,
    /// The number of columns of the terminal; values are cut to it.
    pub width: Option<usize>,
    /// Whether the width was set by hand, so that the terminal does not change it.
    pub width_is_set: bool,
    /// The number of lines of the terminal.
    pub height: usize,
    /// Colour and characters of rows.
    pub style: Style,
    /// Colour and characters of diagnostics.
    pub error_style: Style,
    /// Whether a script goes on after a statement that fails.
    pub keep_going: bool,
    /// Whether what is printed is compared with what is expected: then it goes to no file and shows no times.
    pub compared: bool,
    /// Whether live queries are told as JSON lines.
    pub live_json: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            format: Format::Tsv,
            format_is_set: false,
            expanded: false,
            null: "NULL".to_owned(),
            header: true,
            footer: true,
            row_counts: true,
            timing: false,
            pager: false,
            terminal: false,
            width: None,
            width_is_set: false,
            height: 24,
            style: Style::PLAIN,
            error_style: Style::PLAIN,
            keep_going: false,
            compared: false,
            live_json: false,
        }
    }
}

impl Settings {
    /// How rows are written.
    pub fn options(&self) -> Options {
        Options {
            format: if self.expanded { Format::Vertical } else { self.format },
            null: self.null.clone(),
            header: self.header,
            style: self.style,
            width: self.width,
            exact: false,
        }
    }

    /// How the same is written to a file: without colour, whole, and in the form of a pipe where none was set.
    pub fn for_file(&self) -> Self {
        let mut settings = self.clone();
        if self.terminal && !self.format_is_set {
            settings.format = Format::Tsv;
        }
        if !self.width_is_set {
            settings.width = None;
        }
        settings.style.colour = false;
        settings
    }

    /// How answers to commands such as `\d` are written: one row a line.
    pub fn table_options(&self) -> Options {
        Options { format: self.format, null: String::new(), header: true, ..self.options() }
    }
}
