//! The forms in which rows are written.
//!
//! All of them stream; `table` and `box` look at the first rows to find the widths of the columns.

mod aligned;
mod csv;
mod json;
mod markdown;
mod text;
mod tsv;
mod vertical;

use std::io::{self, Write};

use ankurah_core::node::protocol::Column;
use ankurah_core::value::{RowRef, Value, ValueType};

use crate::display::Style;

pub use csv::field as csv_field;
pub(crate) use json::row as json_row;
use text::exact_float;
pub use text::text;

/// A form of output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Columns under headings: what a terminal gets.
    #[default]
    Table,
    /// The same in a frame.
    Box,
    /// One line for each value.
    Vertical,
    /// Comma-separated values; NULL is an empty field, the empty string is "".
    Csv,
    /// Tab-separated values; NULL is empty; tab, line break and backslash as \t, \n, \\: what a pipe gets.
    Tsv,
    /// One JSON array of objects; decimals are quoted.
    Json,
    /// One JSON object a line; decimals are quoted.
    Jsonl,
    /// A Markdown table.
    Markdown,
}

impl Format {
    /// Its name, as given on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Format::Table => "table",
            Format::Box => "box",
            Format::Vertical => "vertical",
            Format::Csv => "csv",
            Format::Tsv => "tsv",
            Format::Json => "json",
            Format::Jsonl => "jsonl",
            Format::Markdown => "markdown",
        }
    }

    /// Whether it is meant for people.
    pub fn is_for_people(self) -> bool {
        matches!(self, Format::Table | Format::Box | Format::Vertical)
    }
}

/// How rows are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The form.
    pub format: Format,
    /// What stands for NULL in `table`, `box` and `vertical`.
    pub null: String,
    /// Whether headings are written where the form has any.
    pub header: bool,
    /// Colour and frame characters.
    pub style: Style,
    /// The number of columns that a line may take; longer values of `table` and `box` are cut.
    pub width: Option<usize>,
    /// Whether strings are written as they are in forms that can (`csv`), not made safe to look at.
    pub exact: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            format: Format::Table,
            null: "NULL".to_owned(),
            header: true,
            style: Style::PLAIN,
            width: None,
            exact: false,
        }
    }
}

/// Writes one result: the columns, the rows, the end.
pub trait Writer {
    /// Begins with the columns.
    fn begin(&mut self, columns: &[Column], out: &mut dyn Write) -> io::Result<()>;
    /// Writes a row, or keeps it until widths are known.
    fn row(&mut self, row: &[Value], out: &mut dyn Write) -> io::Result<()>;
    /// Writes a row that lies elsewhere.
    fn row_ref(&mut self, row: RowRef<'_>, out: &mut dyn Write) -> io::Result<()> {
        self.row(&row.to_values(), out)
    }
    /// Writes what was kept and the end.
    fn end(&mut self, out: &mut dyn Write) -> io::Result<()>;
    /// Writes what was kept; for a result that breaks off.
    fn abort(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.end(out)
    }
    /// Whether values were cut to fit.
    fn has_cut(&self) -> bool {
        false
    }
}

/// A writer of the form that the options name. It writes nothing of a result that fails before its first row.
pub fn writer(options: &Options) -> Box<dyn Writer> {
    Box::new(Held { inner: plain(options), columns: None })
}

/// A writer that keeps the columns until there is a row, or the end.
struct Held {
    inner: Box<dyn Writer>,
    columns: Option<Vec<Column>>,
}

impl Held {
    fn release(&mut self, out: &mut dyn Write) -> io::Result<()> {
        match self.columns.take() {
            Some(columns) => self.inner.begin(&columns, out),
            None => Ok(()),
        }
    }
}

impl Writer for Held {
    fn begin(&mut self, columns: &[Column], _out: &mut dyn Write) -> io::Result<()> {
        self.columns = Some(columns.to_vec());
        Ok(())
    }

    fn row(&mut self, row: &[Value], out: &mut dyn Write) -> io::Result<()> {
        self.release(out)?;
        self.inner.row(row, out)
    }

    fn row_ref(&mut self, row: RowRef<'_>, out: &mut dyn Write) -> io::Result<()> {
        self.release(out)?;
        self.inner.row_ref(row, out)
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.release(out)?;
        self.inner.end(out)
    }

    fn abort(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.columns.is_some() { Ok(()) } else { self.inner.abort(out) }
    }

    fn has_cut(&self) -> bool {
        self.inner.has_cut()
    }
}

fn plain(options: &Options) -> Box<dyn Writer> {
    match options.format {
        Format::Table => Box::new(aligned::Aligned::new(options, aligned::Frame::Open)),
        Format::Box => Box::new(aligned::Aligned::new(options, aligned::Frame::Closed)),
        Format::Vertical => Box::new(vertical::Vertical::new(options)),
        Format::Csv => Box::new(csv::Csv::new(options)),
        Format::Tsv => Box::new(tsv::Tsv::new(options)),
        Format::Json => Box::new(json::Json::array(options)),
        Format::Jsonl => Box::new(json::Json::lines(options)),
        Format::Markdown => Box::new(markdown::Markdown),
    }
}

/// Whether values of the type are set flush right.
fn is_numeric(value_type: Option<ValueType>) -> bool {
    matches!(value_type, Some(ValueType::Int | ValueType::Float | ValueType::Decimal))
}
