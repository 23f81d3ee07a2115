//! What the line editor asks while a person types.

use std::borrow::Cow;

use ankurah_query_lang::{TokenClass, tokenize};
use rustyline::completion::{Candidate, Completer};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter};
use rustyline::history::SearchDirection;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Context, Helper};

use super::complete::{Item, Snapshot, complete};
use super::files::{file_word, files};
use crate::display::{Style, Tone};
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
}

impl Helper for Assistant {}

impl Completer for Assistant {
    type Candidate = Item;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Item>)> {
        Ok(file_word(line, pos).map_or_else(|| complete(line, pos, &self.snapshot), files))
    }
}

impl Validator for Assistant {
    fn validate(&self, ctx: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        Ok(if is_incomplete(ctx.input()) {
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
        waits.then(|| Shadow { text: "; ends the statement".to_owned(), taken: false })
    }
}

/// What may follow the command that was just typed.
fn command_arguments(line: &str) -> Option<&'static str> {
    let command = COMMANDS.iter().find(|command| command.name == line)?;
    if command.arguments.is_empty() { None } else { Some(command.arguments) }
}

impl Highlighter for Assistant {
    fn highlight<'l>(&self, line: &'l str, _pos: usize) -> Cow<'l, str> {
        if !self.style.colour {
            return Cow::Borrowed(line);
        }
        Cow::Owned(highlight(line, self.style))
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(self.style.paint(Tone::Dim, hint))
    }

    fn highlight_candidate<'c>(&self, candidate: &'c str, _: CompletionType) -> Cow<'c, str> {
        match candidate.split_once("  ") {
            Some((name, about)) if self.style.colour => {
                Cow::Owned(format!("{name}  {}", self.style.paint(Tone::Dim, about)))
            }
            _ => Cow::Borrowed(candidate),
        }
    }

    fn highlight_char(&self, _: &str, _: usize, _: CmdKind) -> bool {
        self.style.colour
    }
}

/// A text with its words in colour; the text itself stays the same.
pub fn highlight(text: &str, style: Style) -> String {
    if text.trim_start().starts_with('\\') {
        let end = text.trim_start().find(char::is_whitespace).unwrap_or(text.trim_start().len());
        let (name, rest) = text.split_at(text.len() - text.trim_start().len() + end);
        return format!("{}{rest}", style.paint(Tone::Name, name));
    }
    let mut out = String::with_capacity(text.len() + 32);
    for (span, class) in tokenize(text) {
        let tone = match class {
            TokenClass::Keyword => Tone::Strong,
            TokenClass::Function | TokenClass::Type => Tone::Name,
            TokenClass::String => Tone::String,
            TokenClass::Number | TokenClass::Parameter | TokenClass::Id => Tone::Number,
            TokenClass::Comment => Tone::Dim,
            TokenClass::Error => Tone::Error,
            TokenClass::Name | TokenClass::Operator | TokenClass::Punctuation | TokenClass::Whitespace => {
                Tone::Plain
            }
        };
        // An open string is one that is still being typed.
        let tone = if class == TokenClass::Error && span.text(text).starts_with(['\'', '"']) {
            Tone::String
        } else {
            tone
        };
        for (at, line) in span.text(text).split('\n').enumerate() {
            if at > 0 {
                out.push('\n');
            }
            out.push_str(&style.paint(tone, line));
        }
    }
    out
}

/// The names in a list of candidates, for tests and other tools.
pub fn names(items: &[Item]) -> Vec<&str> {
    items.iter().map(|item| item.replacement().trim_end()).collect()
}
