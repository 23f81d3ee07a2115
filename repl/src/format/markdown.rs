//! A Markdown table.

use std::io::{self, Write};

use ankurah_core::node::protocol::Column;
use ankurah_core::value::Value;

use super::{Writer, is_numeric, text};
use crate::display::Safe;

pub(super) struct Markdown;

fn cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("<br>"),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' => {
                out.push('\\');
                out.push(c);
            }
            '<' => out.push_str("&lt;"),
            '&' => out.push_str("&amp;"),
            c => out.push(c),
        }
    }
    Safe::line(&out).into_inner().into_owned()
}

impl Writer for Markdown {
    fn begin(&mut self, columns: &[Column], out: &mut dyn Write) -> io::Result<()> {
        let names: Vec<String> = columns.iter().map(|column| cell(&column.name)).collect();
        writeln!(out, "| {} |", names.join(" | "))?;
        for column in columns {
            out.write_all(if is_numeric(column.value_type) { b"| ---: " } else { b"| --- " })?;
        }
        out.write_all(b"|\n")
    }

    fn row(&mut self, row: &[Value], out: &mut dyn Write) -> io::Result<()> {
        for value in row {
            let shown = if matches!(value, Value::Null) { String::new() } else { cell(&text(value)) };
            write!(out, "| {shown} ")?;
        }
        out.write_all(b"|\n")
    }

    fn end(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}
