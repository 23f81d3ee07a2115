//! Columns under headings, with or without a frame.

use std::io::{self, Write};

use ankurah_core::node::protocol::Column;
use ankurah_core::value::Value;

use super::vertical::Vertical;
use super::{Options, Writer, is_numeric, text};
use crate::display::{Safe, Style, Tone, width};

/// Rows that are looked at before the widths are fixed.
const LOOK_AHEAD_ROWS: usize = 1_000;
/// Bytes that are looked at before the widths are fixed.
const LOOK_AHEAD_BYTES: usize = 1 << 20;
/// No value is cut shorter than this many columns.
const NARROWEST: usize = 8;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame {
    Open,
    Closed,
}

pub(super) struct Aligned {
    frame: Frame,
    style: Style,
    null: String,
    header: bool,
    limit: Option<usize>,
    columns: Vec<Heading>,
    kept: Vec<Vec<Value>>,
    /// What writes instead where a line has no room for all columns.
    narrow: Vertical,
    is_narrow: bool,
    bytes: usize,
    fixed: bool,
    cut: bool,
}

struct Heading {
    name: String,
    right: bool,
    width: usize,
}

struct Cell {
    text: String,
    null: bool,
}

/// The characters of a frame: horizontal, vertical, and for each rule its left, middle and right crossing.
struct Lines {
    dash: &'static str,
    bar: &'static str,
    top: [&'static str; 3],
    middle: [&'static str; 3],
    bottom: [&'static str; 3],
}

const UNICODE: Lines =
    Lines {
        dash: "─", bar: "│", top: ["╭", "┬", "╮"], middle: ["├", "┼", "┤"], bottom: ["╰", "┴", "╯"]
    };
const ASCII: Lines =
    Lines { dash: "-", bar: "|", top: ["+", "+", "+"], middle: ["+", "+", "+"], bottom: ["+", "+", "+"] };

impl Aligned {
    pub(super) fn new(options: &Options, frame: Frame) -> Self {
        Aligned {
            frame,
            style: options.style,
            null: options.null.clone(),
            header: options.header,
            limit: options.width,
            columns: Vec::new(),
            kept: Vec::new(),
            narrow: Vertical::new(options),
            is_narrow: false,
            bytes: 0,
            fixed: false,
            cut: false,
        }
    }

    fn lines(&self) -> &'static Lines {
        if self.style.ascii { &ASCII } else { &UNICODE }
    }

    fn cell(&self, value: &Value) -> Cell {
        if matches!(value, Value::Null) {
            return Cell { text: self.null.clone(), null: true };
        }
        let shown = text(value);
        let shown = Safe::line(&shown);
        // A string that looks like NULL is told apart by its quotes.
        let text = if !self.null.is_empty() && shown.as_str() == self.null {
            format!("'{shown}'")
        } else {
            shown.to_string()
        };
        Cell { text, null: false }
    }

    /// Finds the widths and writes everything up to the last kept row.
    fn fix(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.fixed = true;
        let kept = std::mem::take(&mut self.kept);
        let cells: Vec<Vec<Cell>> =
            kept.iter().map(|row| row.iter().map(|value| self.cell(value)).collect()).collect();
        for row in &cells {
            for (heading, cell) in self.columns.iter_mut().zip(row) {
                heading.width = heading.width.max(width(&cell.text));
            }
        }
        if self.limit.is_some_and(|limit| !self.shrink(limit)) && !kept.is_empty() {
            self.is_narrow = true;
            return kept.iter().try_for_each(|row| self.narrow.row(row, out));
        }
        if self.frame == Frame::Closed {
            self.rule(&self.lines().top, out)?;
        }
        if self.header {
            let names: Vec<Cell> =
                self.columns.iter().map(|c| Cell { text: c.name.clone(), null: false }).collect();
            self.write_row(&names, Some(Tone::Strong), out)?;
            self.rule(&self.lines().middle, out)?;
        }
        cells.iter().try_for_each(|row| self.write_row(row, None, out))
    }

    /// Takes columns from the widest values until a line fits `limit`; whether it does.
    fn shrink(&mut self, limit: usize) -> bool {
        let frame = match self.frame {
            Frame::Open => self.columns.len() * 3,
            Frame::Closed => self.columns.len() * 3 + 1,
        };
        let total = |columns: &[Heading]| columns.iter().map(|c| c.width).sum::<usize>() + frame;
        let mut over = total(&self.columns).saturating_sub(limit);
        while over > 0 {
            let widest = self.columns.iter().filter(|c| !c.right).map(|c| c.width).max().unwrap_or(0);
            if widest <= NARROWEST {
                return false;
            }
            let second = self.columns.iter().filter(|c| !c.right && c.width < widest).map(|c| c.width).max();
            let equals = self.columns.iter().filter(|c| !c.right && c.width == widest).count().max(1);
            let floor = second.unwrap_or(0).max(NARROWEST);
            let step = (widest - floor).min(over.div_ceil(equals)).max(1);
            for column in self.columns.iter_mut().filter(|c| !c.right && c.width == widest) {
                column.width = widest - step;
            }
            over = total(&self.columns).saturating_sub(limit);
        }
        true
    }

    fn rule(&self, [left, middle, right]: &[&str; 3], out: &mut dyn Write) -> io::Result<()> {
        let dash = self.lines().dash;
        let pieces: Vec<String> = self.columns.iter().map(|c| dash.repeat(c.width + 2)).collect();
        let joined = pieces.join(middle);
        let line = match self.frame {
            Frame::Open => joined,
            Frame::Closed => format!("{left}{joined}{right}"),
        };
        writeln!(out, "{}", self.style.paint(Tone::Dim, &line))
    }

    fn write_row(&mut self, row: &[Cell], tone: Option<Tone>, out: &mut dyn Write) -> io::Result<()> {
        let bar = self.style.paint(Tone::Dim, self.lines().bar);
        let mut line = String::new();
        if self.frame == Frame::Closed {
            line.push_str(&bar);
        }
        let last = self.columns.len().saturating_sub(1);
        for (at, (heading, cell)) in self.columns.iter().zip(row).enumerate() {
            if at > 0 {
                line.push_str(&bar);
            }
            let mut shown = cell.text.as_str();
            let short;
            // Without a limit nothing is cut, even where the widths were fixed too early.
            if self.limit.is_some() && width(shown) > heading.width {
                short = Safe::line(shown).cut(heading.width, self.style.ellipsis()).to_string();
                shown = &short;
                self.cut = true;
            }
            let pad = " ".repeat(heading.width.saturating_sub(width(shown)));
            let tone = tone.unwrap_or(if cell.null { Tone::Dim } else { Tone::Plain });
            let painted = self.style.paint(tone, shown);
            line.push(' ');
            if heading.right {
                line.push_str(&pad);
                line.push_str(&painted);
            } else {
                line.push_str(&painted);
                if at < last || self.frame == Frame::Closed {
                    line.push_str(&pad);
                }
            }
            if at < last || self.frame == Frame::Closed {
                line.push(' ');
            }
        }
        if self.frame == Frame::Closed {
            line.push_str(&bar);
        }
        line.push('\n');
        out.write_all(line.as_bytes())
    }
}

impl Writer for Aligned {
    fn begin(&mut self, columns: &[Column], out: &mut dyn Write) -> io::Result<()> {
        self.narrow.begin(columns, out)?;
        self.columns = columns
            .iter()
            .map(|column| {
                let name = Safe::line(&column.name).to_string();
                let name_width = if self.header { width(&name) } else { 0 };
                Heading { right: is_numeric(column.value_type), width: name_width, name }
            })
            .collect();
        Ok(())
    }

    fn row(&mut self, row: &[Value], out: &mut dyn Write) -> io::Result<()> {
        if self.is_narrow {
            return self.narrow.row(row, out);
        }
        if self.fixed {
            let cells: Vec<Cell> = row.iter().map(|value| self.cell(value)).collect();
            return self.write_row(&cells, None, out);
        }
        self.bytes += row.iter().map(|value| text(value).len()).sum::<usize>();
        self.kept.push(row.to_vec());
        if self.kept.len() >= LOOK_AHEAD_ROWS || self.bytes >= LOOK_AHEAD_BYTES {
            self.fix(out)?;
        }
        Ok(())
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if !self.fixed {
            self.fix(out)?;
        }
        if self.frame == Frame::Closed && !self.is_narrow {
            self.rule(&self.lines().bottom, out)?;
        }
        Ok(())
    }

    fn abort(&mut self, out: &mut dyn Write) -> io::Result<()> {
        // A heading alone would look like an answer without rows.
        if self.fixed || !self.kept.is_empty() { self.end(out) } else { Ok(()) }
    }

    fn has_cut(&self) -> bool {
        self.cut
    }
}
