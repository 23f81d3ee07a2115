//! Messages that point into a source text.

use crate::Span;
use std::fmt::Write;
use unicode_width::UnicodeWidthStr;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Severity {
    /// The statement cannot be run.
    Error,
    /// The statement runs, though perhaps not as meant.
    Warning,
}

/// A message about a place in a source text. The parser makes them of its errors; whoever checks a
/// statement further (names, types) makes them for their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one line without full stop.
    pub message: String,
    /// Where.
    pub span: Span,
    /// A few words beside the caret.
    pub label: Option<String>,
    /// What to do about it.
    pub help: Option<String>,
    /// Further remarks.
    pub notes: Vec<String>,
}

/// How a [`Diagnostic`] is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderOptions {
    /// Where the source comes from, shown before line and column: a file's name.
    pub origin: Option<String>,
    /// The number of the source's first line, 1 by default.
    pub first_line: usize,
    /// The greatest width of a source line in columns; longer ones are cut around the caret. 100 by default.
    pub width: usize,
    /// What stands where a source line was cut, `…` by default.
    pub mark: &'static str,
}

impl Default for RenderOptions {
    fn default() -> Self {
        Self { origin: None, first_line: 1, width: 100, mark: "…" }
    }
}

impl Diagnostic {
    /// An error.
    pub fn error(message: impl Into<String>, span: Span) -> Self {
        Self {
            severity: Severity::Error,
            message: message.into(),
            span,
            label: None,
            help: None,
            notes: Vec::new(),
        }
    }

    /// A warning.
    pub fn warning(message: impl Into<String>, span: Span) -> Self {
        Self { severity: Severity::Warning, ..Self::error(message, span) }
    }

    /// The same with a few words beside the caret.
    #[must_use]
    pub fn with_label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same with the help that the nearest of `candidates` to `name` is meant, where one is near.
    #[must_use]
    pub fn with_nearest<'a>(self, name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Self {
        match crate::nearest(name, candidates) {
            Some(near) => self.with_help(format!("did you mean `{near}`?")),
            None => self,
        }
    }

    /// The same with a further remark.
    #[must_use]
    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// The message, line and column, the source line with carets under the span, help and notes; ends
    /// without a line break. Control characters, bidirectional overrides and the like are shown as
    /// `\u{1b}`, whether they come from the source or the message.
    ///
    /// ```
    /// # use ankurah_query_lang::{Diagnostic, RenderOptions, Span};
    /// let d = Diagnostic::error("there is no property `yaer`", Span::new(7, 11)).with_nearest("yaer", ["name", "year"]);
    /// assert_eq!(d.render("select yaer from album", &RenderOptions::default()), "\
    /// error: there is no property `yaer`
    ///  --> 1:8
    ///   |
    /// 1 | select yaer from album
    ///   |        ^^^^
    ///   = help: did you mean `year`?");
    /// ```
    pub fn render(&self, source: &str, options: &RenderOptions) -> String {
        let place = Place::find(source, self.span);
        let line = options.first_line.saturating_add(place.line);
        let number = line.to_string();
        let gutter = " ".repeat(number.len());
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let origin = options.origin.as_deref().map(|name| format!("{}:", visible(name))).unwrap_or_default();
        let (text, before, under) = place.fit(options.width.max(12), options.mark);
        let mut out = format!("{severity}: {}\n", visible(&self.message));
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{gutter}--> {origin}{line}:{}", place.column);
        let _ = writeln!(out, "{gutter} |");
        let _ = writeln!(out, "{}", format!("{number} | {text}").trim_end());
        let _ = write!(out, "{gutter} | {}{}", " ".repeat(before), "^".repeat(under));
        if let Some(label) = &self.label {
            let _ = write!(out, " {}", visible(label));
        }
        if let Some(help) = &self.help {
            let _ = write!(out, "\n{gutter} = help: {}", visible(help));
        }
        for note in &self.notes {
            let _ = write!(out, "\n{gutter} = note: {}", visible(note));
        }
        out
    }
}

/// The line that a span begins in, cut in three as it is shown.
struct Place {
    /// The line's number, from 0.
    line: usize,
    /// The column of the span's first character, in characters from 1.
    column: usize,
    before: String,
    under: String,
    after: String,
}

impl Place {
    fn find(source: &str, span: Span) -> Self {
        let start = floor_boundary(source, span.start);
        let end = floor_boundary(source, span.end.max(start));
        let (head, tail) = source.split_at(start);
        let line_start = head.rfind('\n').map_or(0, |at| at + 1);
        let line_end = start + tail.find('\n').unwrap_or(tail.len());
        let end = end.min(line_end);
        let before = source.get(line_start..start).unwrap_or("");
        let under = source.get(start..end).unwrap_or("").trim_end_matches('\r');
        let after = source.get(end..line_end).unwrap_or("").trim_end_matches('\r');
        Self {
            line: head.matches('\n').count(),
            column: before.chars().count() + 1,
            before: visible(before),
            under: visible(under),
            after: visible(after),
        }
    }

    /// The shown line, the width before the carets and the width of the carets, cut to about `width` columns.
    fn fit(&self, width: usize, mark: &str) -> (String, usize, usize) {
        let (before, under) = (self.before.width(), self.under.width());
        if before + under + self.after.width() <= width {
            return (format!("{}{}{}", self.before, self.under, self.after), before, under.max(1));
        }
        let head = keep_end(&self.before, width / 3, mark);
        let shown = keep_start(&self.under, width / 2, mark);
        let rest = width.saturating_sub(head.width() + shown.width());
        let tail = if shown.width() < under { String::new() } else { keep_start(&self.after, rest, mark) };
        let (before, under) = (head.width(), shown.width().max(1));
        (format!("{head}{shown}{tail}"), before, under)
    }
}

/// The start of `text` in at most `width` columns, with `mark` where something was cut.
fn keep_start(text: &str, width: usize, mark: &str) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut used = mark.width();
    for c in text.chars() {
        used += unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
        if used > width {
            break;
        }
        out.push(c);
    }
    out.push_str(mark);
    out
}

/// The end of `text` in at most `width` columns, with `mark` where something was cut.
fn keep_end(text: &str, width: usize, mark: &str) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut used = mark.width();
    let mut from = text.len();
    for (at, c) in text.char_indices().rev() {
        used += unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
        if used > width {
            break;
        }
        from = at;
    }
    format!("{mark}{}", text.get(from..).unwrap_or(""))
}

/// The greatest character boundary of `text` that is not after `at`.
pub(crate) fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// `text` with everything shown that could hide or act: control characters (line breaks too), bidirectional
/// overrides, invisible characters become `\u{…}`; a tab becomes four spaces.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => out.push_str("    "),
            c if is_hidden(c) => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out
}

fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}
