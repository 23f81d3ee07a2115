//! Comma-separated values after RFC 4180.

use std::borrow::Cow;
use std::io::{self, Write};

use ankurah_core::node::protocol::Column;
use ankurah_core::value::{RowRef, Value, ValueRef};

use super::{Options, Writer};
use crate::display::Safe;

pub(super) struct Csv {
    header: bool,
    exact: bool,
    /// The line that is being written.
    line: Vec<u8>,
}

impl Csv {
    pub(super) fn new(options: &Options) -> Self {
        Csv { header: options.header, exact: options.exact, line: Vec::new() }
    }

    /// Adds a cell to the line.
    fn cell(&mut self, value: ValueRef<'_>) -> io::Result<()> {
        match value {
            ValueRef::Null => Ok(()),
            ValueRef::String(text) | ValueRef::Json(text) => {
                self.line.extend_from_slice(field(text, self.exact).as_bytes());
                Ok(())
            }
            // The exponent says that it is a float to whatever reads it.
            ValueRef::Float(number) if self.exact && number.is_finite() => write!(self.line, "{number:e}"),
            // Numbers, times and ids have nothing in them that would need quotes.
            other => write!(self.line, "{other}"),
        }
    }

    fn values<'a>(&mut self, row: impl Iterator<Item = ValueRef<'a>>, out: &mut dyn Write) -> io::Result<()> {
        self.line.clear();
        for (at, value) in row.enumerate() {
            if at > 0 {
                self.line.push(b',');
            }
            self.cell(value)?;
        }
        self.line.push(b'\n');
        out.write_all(&self.line)
    }
}

/// A field that is not NULL: quoted where it must be. Not `exact`, it is safe to look at; its line breaks stay.
pub fn field(text: &str, exact: bool) -> Cow<'_, str> {
    let text = if exact { Cow::Borrowed(text) } else { Safe::block(text).into_inner() };
    let special = |byte| matches!(byte, b',' | b'"' | b'\n' | b'\r');
    let mark = text.starts_with('\u{feff}');
    if text.is_empty() || mark || text.bytes().any(special) {
        Cow::Owned(format!("\"{}\"", text.replace('"', "\"\"")))
    } else {
        text
    }
}

fn line<'a>(cells: impl Iterator<Item = Cow<'a, str>>, out: &mut dyn Write) -> io::Result<()> {
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            out.write_all(b",")?;
        }
        out.write_all(cell.as_bytes())?;
    }
    out.write_all(b"\n")
}

impl Writer for Csv {
    fn begin(&mut self, columns: &[Column], out: &mut dyn Write) -> io::Result<()> {
        if !self.header {
            return Ok(());
        }
        line(columns.iter().map(|column| field(&column.name, self.exact)), out)
    }

    fn row(&mut self, row: &[Value], out: &mut dyn Write) -> io::Result<()> {
        self.values(row.iter().map(Value::as_ref), out)
    }

    fn row_ref(&mut self, row: RowRef<'_>, out: &mut dyn Write) -> io::Result<()> {
        self.values(row.iter(), out)
    }

    fn end(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}
