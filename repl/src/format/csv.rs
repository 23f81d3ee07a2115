//! Comma-separated values after RFC 4180.

use std::borrow::Cow;
use std::io::{self, Write};

use ankurah_core::node::protocol::Column;
use ankurah_core::value::Value;

use super::{Options, Writer, text};
use crate::display::Safe;

pub(super) struct Csv {
    header: bool,
    exact: bool,
}

impl Csv {
    pub(super) fn new(options: &Options) -> Self {
        Csv { header: options.header, exact: options.exact }
    }

    fn cell<'a>(&self, value: &'a Value) -> Cow<'a, str> {
        if let Value::Null = value {
            return Cow::Borrowed("");
        }
        match text(value) {
            Cow::Borrowed(text) => field(text, self.exact),
            Cow::Owned(text) => Cow::Owned(field(&text, self.exact).into_owned()),
        }
    }
}

/// A field that is not NULL: quoted where it must be. Not `exact`, it is safe to look at; its line breaks stay.
pub fn field(text: &str, exact: bool) -> Cow<'_, str> {
    let text = if exact { Cow::Borrowed(text) } else { Safe::block(text).into_inner() };
    let special = |c| matches!(c, ',' | '"' | '\n' | '\r');
    let mark = text.starts_with('\u{feff}');
    if text.is_empty() || mark || text.contains(special) {
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
        line(row.iter().map(|value| self.cell(value)), out)
    }

    fn end(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}
