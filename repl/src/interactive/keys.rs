//! Keys that do something else than the line editor's own: what comes in is text, exactly, and nothing of it acts.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustyline::{
    Cmd, ConditionalEventHandler, Event, EventContext, KeyCode, KeyEvent, Modifiers, Movement, RepeatCount,
};

use super::marks::edited;

/// The largest text that is taken from a paste, in bytes.
const LARGEST: usize = 4 << 20;

/// The most lines of a terminal that the line editor can count, with some to spare.
const MOST_LINES: usize = 60_000;

/// What the keys, the line editor's helper and the loop around them tell each other.
#[derive(Debug, Default)]
pub(super) struct Typing {
    /// The text and cursor when Ctrl-C was pressed.
    pub(super) kept: Option<(String, usize)>,
    /// The text and cursor as they were drawn last.
    pub(super) seen: Option<(String, usize)>,
    /// What is to be said of the last key until the next one.
    pub(super) notice: Option<&'static str>,
    /// Whether candidates are being listed: a key is then an answer to `--More--`.
    pub(super) listing: bool,
    /// The candidate that is listed last, and the empty lines that are needed below it.
    pub(super) below: Option<(String, usize)>,
    /// The columns of the prompt.
    pub(super) prompt: usize,
    /// Whether the history is being searched: a key is then a character to search for.
    pub(super) searching: bool,
    paste: Option<Paste>,
    /// Whether the next key is taken as the character that it is.
    literally: bool,
}

impl Typing {
    /// Whether what comes in is being pasted. It no longer is, then.
    pub(super) fn take_pasting(&mut self) -> bool {
        self.literally = false;
        self.paste.take().is_some()
    }
}

/// What is being typed, as the parts of the editor share it.
#[derive(Clone, Debug, Default)]
pub struct SharedTyping(Arc<Mutex<Typing>>);

impl SharedTyping {
    pub(super) fn lock(&self) -> MutexGuard<'_, Typing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was pasted so far. The line editor's own reading of it leaves escape sequences out without a word, and
/// carriage returns too.
#[derive(Debug, Default)]
struct Paste {
    text: String,
    /// Whether something was left out, as the key does not say which bytes it was.
    lost: bool,
    /// Whether there was more than is taken.
    too_large: bool,
}

impl Paste {
    fn push(&mut self, key: KeyEvent) {
        match character(key) {
            Some(_) if self.text.len() >= LARGEST => self.too_large = true,
            Some(c) => self.text.push(c),
            None => self.lost = true,
        }
    }

    /// Whether an escape sequence that was cut off has swallowed the start of what ends a paste.
    fn has_ended(&self) -> bool {
        self.lost && self.text.ends_with("[201~")
    }

    /// The text. Terminals send a carriage return alone for a line break.
    fn text(&self) -> String {
        let text = if self.has_ended() { self.text.trim_end_matches("[201~") } else { &self.text };
        let mut out = String::with_capacity(text.len());
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            out.push(if c == '\r' && chars.peek() != Some(&'\n') { '\n' } else { c });
        }
        out
    }
}

/// The one character that a key is, where it says which.
fn character(KeyEvent(code, modifiers): KeyEvent) -> Option<char> {
    match code {
        KeyCode::Char(c) if modifiers == Modifiers::NONE => Some(c),
        KeyCode::Char(c @ '@'..='_') if modifiers == Modifiers::CTRL => char::from_u32(u32::from(c) - 0x40),
        KeyCode::Enter if modifiers == Modifiers::NONE => Some('\r'),
        KeyCode::Tab if modifiers == Modifiers::NONE => Some('\t'),
        _ => None,
    }
}

/// The handler of all keys.
pub(super) struct Keys(pub(super) SharedTyping);

impl ConditionalEventHandler for Keys {
    fn handle(&self, event: &Event, _: RepeatCount, positive: bool, at: &EventContext<'_>) -> Option<Cmd> {
        let key = *event.get(0)?;
        let mut typing = self.0.lock();
        // What ends the line next is not the Ctrl-C before it, which a list of candidates may have taken.
        typing.kept = None;
        if let Some(paste) = &mut typing.paste {
            let ends = key.0 == KeyCode::BracketedPasteEnd;
            if !ends {
                paste.push(key);
            }
            if !ends && !paste.has_ended() {
                return Some(Cmd::Noop);
            }
            let paste = typing.paste.take()?;
            return Some(typing.take(&paste, at.line()));
        }
        typing.notice = None;
        if key.0 == KeyCode::BracketedPasteStart {
            typing.paste = Some(Paste::default());
            return Some(if typing.listing { LEAVE } else { Cmd::Noop });
        }
        if typing.listing {
            return leaves(key).then_some(LEAVE);
        }
        if std::mem::take(&mut typing.literally) {
            return Some(match character(key) {
                Some(c) => insert(&c.to_string()),
                None => Cmd::Noop,
            });
        }
        match key {
            KeyEvent(KeyCode::Char('C'), Modifiers::CTRL) => {
                // An interrupt would drop what was typed behind it and read already.
                typing.kept = Some((at.line().to_owned(), at.pos()));
                Some(Cmd::AcceptLine)
            }
            KeyEvent(KeyCode::Char('V' | 'Q'), Modifiers::CTRL) => {
                typing.literally = true;
                Some(Cmd::Noop)
            }
            KeyEvent(KeyCode::Enter, Modifiers::ALT) => Some(Cmd::Newline),
            KeyEvent(KeyCode::Tab, Modifiers::NONE) => indent(at),
            KeyEvent(KeyCode::Char(c), Modifiers::NONE) if positive && !typing.searching => typed(c),
            _ => None,
        }
    }
}

impl Typing {
    /// Takes over what was pasted.
    fn take(&mut self, paste: &Paste, line: &str) -> Cmd {
        let text = paste.text();
        if paste.too_large || lines(line).saturating_add(lines(&text)) > MOST_LINES {
            self.notice = Some("what was pasted is too large for a prompt: \\i runs a file");
            return Cmd::Repaint;
        }
        if paste.lost {
            self.notice = Some("left out of what was pasted: escape sequences or control characters");
        }
        if text.is_empty() { Cmd::Repaint } else { insert(&text) }
    }
}

/// What leaves a list of candidates: Backspace.
const LEAVE: Cmd = Cmd::Kill(Movement::BackwardChar(1));

/// Whether a key leaves a list of candidates. The line editor itself knows `q`, `n` and Backspace.
fn leaves(KeyEvent(code, modifiers): KeyEvent) -> bool {
    code == KeyCode::Esc || matches!(code, KeyCode::Char('C' | 'D' | 'G')) && modifiers == Modifiers::CTRL
}

fn insert(text: &str) -> Cmd {
    Cmd::Insert(1, edited(text).into_owned())
}

/// A character that was typed: one that is not drawn as it is gets a mark.
fn typed(c: char) -> Option<Cmd> {
    let mut bytes = [0; 4];
    let text: &str = c.encode_utf8(&mut bytes);
    // Not as a character alone: given one by a handler, the line editor inserts what was inserted last again.
    match edited(text) {
        Cow::Borrowed(_) => None,
        Cow::Owned(line) => Some(Cmd::Insert(1, line)),
    }
}

/// Tab at the start of a line after the first is a part of text that is typed or pasted, as nothing begins there that
/// could be completed.
fn indent(at: &EventContext<'_>) -> Option<Cmd> {
    let before = at.line().get(..at.pos())?;
    let (_, line) = before.rsplit_once('\n')?;
    line.trim().is_empty().then(|| Cmd::Insert(1, "\t".to_owned()))
}

/// The lines that a text takes on a terminal at most: those of a terminal that is half as wide and has only wide
/// characters.
fn lines(text: &str) -> usize {
    let columns = crossterm::terminal::size().map_or(80, |(columns, _)| usize::from(columns));
    let breaks = text.bytes().filter(|byte| *byte == b'\n').count();
    breaks.saturating_add(text.chars().count() / (columns / 4).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pasted(keys: impl IntoIterator<Item = KeyEvent>) -> Paste {
        let mut paste = Paste::default();
        keys.into_iter().for_each(|key| paste.push(key));
        paste
    }

    #[track_caller]
    fn check(bytes: &str, text: &str) {
        let paste = pasted(bytes.chars().map(KeyEvent::from));
        assert_eq!(paste.text(), text);
        assert!(!paste.lost);
    }

    #[test]
    fn what_is_pasted_is_what_comes() {
        check("select 'a\tb'", "select 'a\tb'");
        check("one\rtwo\nthree\r\nfour\r\rfive\r", "one\ntwo\nthree\r\nfour\n\nfive\n");
        check(
            "a\u{0}\u{1}\u{3}\u{4}\u{11}\u{16}\u{1c}\u{1f}b",
            "a\u{0}\u{1}\u{3}\u{4}\u{11}\u{16}\u{1c}\u{1f}b",
        );
        check("\u{202e}é東🎸", "\u{202e}é東🎸");
    }

    #[test]
    fn what_keys_do_not_tell_is_said_to_be_lost() {
        for key in [
            KeyEvent(KeyCode::UnknownEscSeq, Modifiers::NONE),
            KeyEvent(KeyCode::Up, Modifiers::NONE),
            KeyEvent(KeyCode::Char('x'), Modifiers::ALT),
            KeyEvent::from('\u{7f}'),
            KeyEvent::from('\u{85}'),
        ] {
            let paste = pasted([KeyEvent::from('a'), key, KeyEvent::from('b')]);
            assert_eq!((paste.text().as_str(), paste.lost), ("ab", true), "{key:?}");
        }
    }

    /// `ESC [ 2` right before the `ESC [ 201 ~` that ends a paste: the second ESC is read as a part of the first.
    #[test]
    fn a_cut_off_sequence_does_not_hide_the_end_of_a_paste() {
        let keys = |text: &'static str| text.chars().map(KeyEvent::from);
        let unknown = KeyEvent(KeyCode::UnknownEscSeq, Modifiers::NONE);
        let paste = pasted(keys("a").chain([unknown]).chain(keys("[201~")));
        assert!(paste.has_ended());
        assert_eq!(paste.text(), "a");
        assert!(!pasted(keys("a[201~")).has_ended());
    }

    #[test]
    fn a_text_that_no_terminal_counts_is_not_taken() {
        let mut typing = Typing::default();
        let keys = std::iter::repeat_n(KeyEvent::from('\r'), MOST_LINES + 1);
        assert_eq!(typing.take(&pasted(keys), ""), Cmd::Repaint);
        assert!(typing.notice.is_some());
    }
}
