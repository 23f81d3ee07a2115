//! A line that is typed.

use crate::action::Action;
use crate::key::Key;

/// The longest text that is taken.
const LONGEST: usize = 4096;

/// A text and the cursor in it, which stands between characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Input {
    text: String,
    cursor: usize,
}

impl Input {
    /// A text with the cursor behind it.
    pub fn new(text: &str) -> Self {
        Input { text: text.to_owned(), cursor: text.len() }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where the cursor is, in bytes.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// The text before the cursor.
    pub fn before(&self) -> &str {
        self.text.get(..self.cursor).unwrap_or(&self.text)
    }

    /// Takes a character, or a text that was pasted; line breaks become spaces, other control characters are left out.
    pub fn insert(&mut self, text: &str) {
        for c in text.chars() {
            let c = if matches!(c, '\n' | '\t') { ' ' } else { c };
            if !c.is_control() && self.text.len() + c.len_utf8() <= LONGEST {
                self.text.insert(self.cursor, c);
                self.cursor += c.len_utf8();
            }
        }
    }

    /// Takes a key that types.
    pub fn take(&mut self, key: Key) {
        if let Some(c) = key.typed() {
            self.insert(c.encode_utf8(&mut [0; 4]));
        }
    }

    /// Replaces what stands between a place and the cursor.
    pub fn replace(&mut self, start: usize, text: &str) {
        if start <= self.cursor && self.text.is_char_boundary(start) {
            self.text.replace_range(start..self.cursor, "");
            self.cursor = start;
            self.insert(text);
        }
    }

    /// Edits; false where the action is none of a text.
    pub fn edit(&mut self, action: Action) -> bool {
        match action {
            Action::Backspace => {
                let start = self.left(self.cursor);
                self.cut(start, self.cursor);
            }
            Action::Delete => self.cut(self.cursor, self.right(self.cursor)),
            Action::DeleteWord => {
                let kept = self.before().trim_end().rfind(' ').map_or(0, |at| at + 1);
                self.cut(kept, self.cursor);
            }
            Action::Clear => *self = Input::default(),
            Action::CursorLeft => self.cursor = self.left(self.cursor),
            Action::CursorRight => self.cursor = self.right(self.cursor),
            Action::CursorHome => self.cursor = 0,
            Action::CursorEnd => self.cursor = self.text.len(),
            _ => return false,
        }
        true
    }

    fn cut(&mut self, start: usize, end: usize) {
        self.text.replace_range(start..end, "");
        self.cursor = start;
    }

    fn left(&self, at: usize) -> usize {
        let before = self.text.get(..at).and_then(|text| text.chars().next_back());
        at - before.map_or(0, char::len_utf8)
    }

    fn right(&self, at: usize) -> usize {
        let after = self.text.get(at..).and_then(|text| text.chars().next());
        at + after.map_or(0, char::len_utf8)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_edited() {
        let mut input = Input::new("größe = 1");
        for action in [Action::CursorHome, Action::CursorRight, Action::CursorRight, Action::Delete] {
            assert!(input.edit(action));
        }
        assert_eq!(input.text(), "grße = 1");
        input.edit(Action::CursorEnd);
        input.edit(Action::DeleteWord);
        assert_eq!(input.text(), "grße = ");
        input.insert("2\n\u{1b}3");
        assert_eq!(input.text(), "grße = 2 3");
        input.replace(8, "four");
        assert_eq!(input.text(), "grße = four");
        input.edit(Action::CursorHome);
        input.edit(Action::Backspace);
        input.edit(Action::CursorLeft);
        assert_eq!((input.text(), input.cursor()), ("grße = four", 0));
        input.edit(Action::Clear);
        assert_eq!(input, Input::default());
        assert!(!input.edit(Action::Quit));
    }

    #[test]
    fn a_line_has_a_length() {
        let mut input = Input::default();
        input.insert(&"ä".repeat(LONGEST));
        assert_eq!(input.text().len(), LONGEST);
    }
}
