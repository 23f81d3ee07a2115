//! Tab-separated values: one row a line, whatever the values hold.

use std::io::{self, Write};

use ankurah_core::node::protocol::Column;
use ankurah_core::value::Value;

use super::{Options, Writer, text};
use crate::display::Safe;

pub(super) struct Tsv {
    header: bool,
}

impl Tsv {
    pub(super) fn new(options: &Options) -> Self {
        Tsv { header: options.header }
    }
}

fn cell(text: &str, out: &mut dyn Write) -> io::Result<()> {
    if text.contains('\\') {
        let doubled = text.replace('\\', "\\\\");
        return out.write_all(Safe::line(&doubled).as_str().as_bytes());
    }
    out.write_all(Safe::line(text).as_str().as_bytes())
}

impl Writer for Tsv {
    fn begin(&mut self, columns: &[Column], out: &mut dyn Write) -> io::Result<()> {
        if !self.header {
            return Ok(());
        }
        for (at, column) in columns.iter().enumerate() {
            if at > 0 {
                out.write_all(b"\t")?;
            }
            cell(&column.name, out)?;
        }
        out.write_all(b"\n")
    }

    fn row(&mut self, row: &[Value], out: &mut dyn Write) -> io::Result<()> {
        for (at, value) in row.iter().enumerate() {
            if at > 0 {
                out.write_all(b"\t")?;
            }
            if !matches!(value, Value::Null) {
                cell(&text(value), out)?;
            }
        }
        out.write_all(b"\n")
    }

    fn end(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}
