//! What the line editor asks while a person types.

use std::borrow::Cow;

use ankurah_query_lang::{TokenClass, tokenize};
use rustyline::completion::{Candidate, Completer};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter};
use rustyline::history::SearchDirection;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Context, Helper};
use unicode_width::UnicodeWidthChar;

use super::complete::{Item, Snapshot, complete};
use super::files::{file_word, files};
use super::keys::SharedTyping;
use super::marks::{self, units};
use crate::display::{Safe, Style, TAB, Tone, width};
use crate::script::is_incomplete;
use crate::session::COMMANDS;

/// What the line editor asks while a person types.
pub struct Assistant {
    /// What completion knows.
    pub snapshot: Snapshot,
    /// Colours.
    pub style: Style,
    /// The statements of the history that are older than this session: they may be about another store.
    pub older: usize,
    /// What the keys tell.
    pub typing: SharedTyping,
}

/// The most candidates that are listed.
const MOST_LISTED: usize = 1_000;

/// The most hidden characters that are named.
const MOST_NAMED: usize = 4;

impl Assistant {
    /// Notes what is drawn: where the line editor fails, it keeps nothing.
    fn see(&self, line: &str, pos: usize) {
        let mut typing = self.typing.lock();
        typing.seen = Some((line.to_owned(), pos));
        typing.listing = false;
    }

    /// What is said of the line behind it.
    fn remark(&self, line: &str) -> Option<Shadow> {
        let hidden = || {
            let hidden = marks::hidden(line);
            let named = hidden.iter().take(MOST_NAMED).map(|c| format!("\\u{{{:x}}}", u32::from(*c)));
            let mut named = named.collect::<Vec<_>>().join(" ");
            if hidden.len() > MOST_NAMED {
                named.push_str(&format!(" {}", self.style.ellipsis()));
            }
            (!named.is_empty()).then(|| format!("hidden: {named}"))
        };
        let remark = self.typing.lock().notice.map(str::to_owned).or_else(hidden)?;
        Some(Shadow { text: format!("  ({remark})"), taken: false })
    }
}

impl Helper for Assistant {}

impl Completer for Assistant {
    type Candidate = Item;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Item>)> {
        let text = marks::text(line);
        let cursor = marks::text(line.get(..pos).unwrap_or(line)).len();
        let (start, mut items) =
            file_word(&text, cursor).map_or_else(|| complete(&text, cursor, &self.snapshot), files);
        items.truncate(MOST_LISTED);
        let columns = columns();
        for item in &mut items {
            item.replacement = marks::edited(&item.replacement).into_owned();
            // The pages of a list are counted in lines.
            let cut = Safe::line(&item.display).cut(columns.saturating_sub(1), self.style.ellipsis());
            item.display = cut.to_string();
        }
        let mut typing = self.typing.lock();
        let rows = rows(line, typing.prompt, columns);
        typing.below = last_listed(&items, columns).map(|last| (last.display.clone(), rows));
        Ok((marks::offset_in_line(line, start), items))
    }
}

impl Validator for Assistant {
    fn validate(&self, ctx: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(if is_incomplete(&marks::text(ctx.input())) {
            ValidationResult::Incomplete
        } else {
            ValidationResult::Valid(None)
        })
    }
}

/// What is shown in grey after the cursor.
pub struct Shadow {
    text: String,
    taken: bool,
}

impl Hint for Shadow {
    fn display(&self) -> &str {
        &self.text
    }

    fn completion(&self) -> Option<&str> {
        self.taken.then_some(self.text.as_str())
    }
}

impl Hinter for Assistant {
    type Hint = Shadow;

    fn hint(&self, line: &str, pos: usize, ctx: &Context<'_>) -> Option<Shadow> {
        if let Some(remark) = self.remark(line) {
            return Some(remark);
        }
        if pos < line.len() || line.trim().is_empty() {
            return None;
        }
        if let Some(arguments) = command_arguments(line) {
            return Some(Shadow { text: format!(" {arguments}"), taken: false });
        }
        let history = ctx.history();
        if let Some(last) = history.len().checked_sub(1)
            && let Ok(Some(found)) = history.starts_with(line, last, SearchDirection::Reverse)
            && found.idx >= self.older
            && let Some(rest) = found.entry.get(line.len()..)
            && !rest.is_empty()
        {
            return Some(Shadow { text: rest.to_owned(), taken: true });
        }
        let waits = line.ends_with('\n') && is_incomplete(line);
        waits.then(|| Shadow { text: what_ends(line).to_owned(), taken: false })
    }
}

/// What ends a text that is not complete.
fn what_ends(text: &str) -> &'static str {
    let last = tokenize(text).into_iter().next_back();
    match last.filter(|(span, _)| span.end == text.len()) {
        Some((span, TokenClass::Error)) if span.text(text).starts_with('\'') => "' ends the string",
        Some((span, TokenClass::Error)) if span.text(text).starts_with('"') => "\" ends the name",
        Some((span, _)) if span.text(text).starts_with("/*") => "*/ ends the comment",
        _ => "; ends the statement",
    }
}

/// What may follow the command that was just typed.
fn command_arguments(line: &str) -> Option<&'static str> {
    let command = COMMANDS.iter().find(|command| command.name == line)?;
    if command.arguments.is_empty() { None } else { Some(command.arguments) }
}

impl Highlighter for Assistant {
    fn highlight<'l>(&self, line: &'l str, pos: usize) -> Cow<'l, str> {
        self.see(line, pos);
        if self.style.colour {
            Cow::Owned(highlight(line, self.style))
        } else {
            marks::drawn(line, self.style)
        }
    }

    fn highlight_prompt<'b, 's: 'b, 'p: 'b>(&'s self, prompt: &'p str, default: bool) -> Cow<'b, str> {
        // Another one holds what is searched for.
        self.typing.lock().searching = !default;
        if default { Cow::Borrowed(prompt) } else { marks::drawn(prompt, self.style) }
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(self.style.paint(Tone::Dim, &marks::drawn(hint, Style { colour: false, ..self.style })))
    }

    fn highlight_candidate<'c>(&self, candidate: &'c str, _: CompletionType) -> Cow<'c, str> {
        let mut typing = self.typing.lock();
        typing.listing = true;
        // To draw the line again, the line editor clears as many lines as it takes: those of the list, otherwise.
        let below = typing.below.take_if(|(last, _)| last == candidate).map_or(0, |(_, rows)| rows);
        let below = "\n".repeat(below);
        match candidate.split_once("  ") {
            Some((name, about)) if self.style.colour => {
                Cow::Owned(format!("{name}  {}{below}", self.style.paint(Tone::Dim, about)))
            }
            _ if !below.is_empty() => Cow::Owned(format!("{candidate}{below}")),
            _ => Cow::Borrowed(candidate),
        }
    }

    fn highlight_char(&self, line: &str, pos: usize, _: CmdKind) -> bool {
        self.see(line, pos);
        // What is typed would be written as it stands in the line.
        self.style.colour || marks::has_marks(line)
    }
}

/// An edited line with its words in colour and its hidden characters as marks; otherwise it stays the same.
pub fn highlight(line: &str, style: Style) -> String {
    let text = marks::text(line);
    let mut tones = tones(&text).into_iter().peekable();
    let mut out = String::with_capacity(line.len() + 32);
    let (mut run, mut of_run) = (String::new(), Tone::Plain);
    let mut at = 0;
    for unit in units(line) {
        while tones.next_if(|(end, _)| *end <= at).is_some() {}
        let tone = tones.peek().map_or(Tone::Plain, |(_, tone)| *tone);
        if tone != of_run || unit.is_mark() || unit.text == '\n' {
            out.push_str(&style.paint(of_run, &run));
            run.clear();
            of_run = tone;
        }
        if unit.is_mark() || unit.text == '\n' {
            unit.draw(style, &mut out);
        } else {
            run.push(unit.text);
        }
        at += unit.text.len_utf8();
    }
    out.push_str(&style.paint(of_run, &run));
    out
}

/// Where each word of a text ends, and its tone.
fn tones(text: &str) -> Vec<(usize, Tone)> {
    let begin = text.len() - text.trim_start().len();
    let command = text.get(begin..).unwrap_or("");
    if command.starts_with('\\') {
        let name = command.find(char::is_whitespace).unwrap_or(command.len());
        return vec![(begin, Tone::Plain), (begin + name, Tone::Name)];
    }
    let tone = |span: ankurah_query_lang::Span, class| match class {
        TokenClass::Keyword => Tone::Strong,
        TokenClass::Function | TokenClass::Type => Tone::Name,
        TokenClass::String => Tone::String,
        TokenClass::Number | TokenClass::Parameter | TokenClass::Id => Tone::Number,
        TokenClass::Comment => Tone::Dim,
        // An open string is one that is still being typed.
        TokenClass::Error if span.text(text).starts_with(['\'', '"']) => Tone::String,
        TokenClass::Error => Tone::Error,
        TokenClass::Name | TokenClass::Operator | TokenClass::Punctuation | TokenClass::Whitespace => {
            Tone::Plain
        }
    };
    tokenize(text).into_iter().map(|(span, class)| (span.end, tone(span, class))).collect()
}

/// The columns of the terminal.
fn columns() -> usize {
    crossterm::terminal::size().map_or(80, |(columns, _)| usize::from(columns)).max(1)
}

/// The lines of a terminal above the last one that a prompt of so many columns and the text behind it take.
fn rows(text: &str, prompt: usize, columns: usize) -> usize {
    let (mut row, mut column) = (0, prompt);
    for c in text.chars() {
        let width = match c {
            '\n' => {
                (row, column) = (row + 1, 0);
                continue;
            }
            '\t' => usize::from(TAB) - column % usize::from(TAB),
            c => c.width().unwrap_or(0),
        };
        column += width;
        if column > columns {
            (row, column) = (row + 1, width);
        }
    }
    if column >= columns { row + 1 } else { row }
}

/// The candidate that the line editor writes last: it fills columns from the top, and writes line by line.
fn last_listed(items: &[Item], columns: usize) -> Option<&Item> {
    const GAP: usize = 2;
    let widest = items.iter().map(|item| width(&item.display)).max()?;
    let across = (columns / (widest + GAP).min(columns)).max(1);
    let down = items.len().div_ceil(across);
    items.iter().skip(down.checked_sub(1)?).step_by(down).next_back()
}

/// The names in a list of candidates, for tests and other tools.
pub fn names(items: &[Item]) -> Vec<&str> {
    items.iter().map(|item| item.replacement().trim_end()).collect()
}
