//! One line for each value.

use std::io::{self, Write};

use ankurah_core::node::protocol::Column;
use ankurah_core::value::Value;

use super::{Options, Writer, text};
use crate::display::{Safe, Style, Tone, width};

pub(super) struct Vertical {
    style: Style,
    null: String,
    names: Vec<String>,
    widest: usize,
    rows: u64,
}

impl Vertical {
    pub(super) fn new(options: &Options) -> Self {
        Vertical { style: options.style, null: options.null.clone(), names: Vec::new(), widest: 0, rows: 0 }
    }
}

impl Writer for Vertical {
    fn begin(&mut self, columns: &[Column], _out: &mut dyn Write) -> io::Result<()> {
        self.names =
            columns.iter().map(|column| Safe::line(&column.name).into_inner().into_owned()).collect();
        self.widest = self.names.iter().map(|name| width(name)).max().unwrap_or(0);
        Ok(())
    }

    fn row(&mut self, row: &[Value], out: &mut dyn Write) -> io::Result<()> {
        self.rows = self.rows.saturating_add(1);
        let (dash, bar) = if self.style.ascii { ("-", "|") } else { ("─", "│") };
        let title = format!("{dash}[ {} ]", self.rows);
        let rest = (self.widest + 12).saturating_sub(width(&title));
        writeln!(out, "{}", self.style.paint(Tone::Dim, &format!("{title}{}", dash.repeat(rest))))?;
        let bar = self.style.paint(Tone::Dim, bar);
        for (name, value) in self.names.iter().zip(row) {
            let pad = " ".repeat(self.widest.saturating_sub(width(name)));
            if matches!(value, Value::Null) {
                let null = self.style.paint(Tone::Dim, &self.null);
                writeln!(out, "{}{pad} {bar} {null}", self.style.paint(Tone::Strong, name))?;
                continue;
            }
            let text = text(value);
            let shown = Safe::block(&text).into_inner();
            let shown = if !self.null.is_empty() && shown == self.null.as_str() {
                format!("'{shown}'").into()
            } else {
                shown
            };
            for (at, line) in shown.split('\n').enumerate() {
                if at == 0 {
                    writeln!(out, "{}{pad} {bar} {line}", self.style.paint(Tone::Strong, name))?;
                } else {
                    writeln!(out, "{} {bar} {line}", " ".repeat(self.widest))?;
                }
            }
        }
        Ok(())
    }

    fn end(&mut self, _out: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }
}
