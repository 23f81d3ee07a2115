//! Keys, and how they are written: `j`, `G`, `enter`, `ctrl-c`, `shift-tab`, `f5`. Names may be in any case.

use std::fmt;
use std::str::FromStr;

/// What was pressed, without Ctrl, Alt and Shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// A character, as it is typed: `G` is Shift and the key of `g`.
    Char(char),
    /// A function key, from 1 to 12.
    F(u8),
    /// A key with a name.
    Named(Name),
}

/// What is held down beside a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Held {
    /// Ctrl.
    pub ctrl: bool,
    /// Alt.
    pub alt: bool,
    /// Shift; it is said of named keys and function keys alone.
    pub shift: bool,
}

/// A key with what is held down beside it: one that a terminal sends, in the one form that stands for all that mean the
/// same bytes, as `tab` does for `ctrl-i`. There is no other way to one than [`Key::sent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    code: Code,
    held: Held,
}

/// The keys that are no characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names say which key is meant")]
pub enum Name {
    Enter,
    Esc,
    Tab,
    Backspace,
    Delete,
    Insert,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
}

/// How they are written.
const NAMES: [(&str, Name); 14] = [
    ("enter", Name::Enter),
    ("esc", Name::Esc),
    ("tab", Name::Tab),
    ("backspace", Name::Backspace),
    ("delete", Name::Delete),
    ("insert", Name::Insert),
    ("up", Name::Up),
    ("down", Name::Down),
    ("left", Name::Left),
    ("right", Name::Right),
    ("home", Name::Home),
    ("end", Name::End),
    ("pageup", Name::PageUp),
    ("pagedown", Name::PageDown),
];

/// A text that stands for no key that can be pressed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseKeyError {
    /// It names none.
    #[error(
        "`{text}` is not a key: write `j`, `G`, `space`, `enter`, `ctrl-c`, `alt-x`, `shift-tab` or `f5`"
    )]
    Unknown {
        /// The text.
        text: String,
    },
    /// No terminal says that it was pressed.
    #[error(
        "`{text}` is not sent by terminals: Ctrl goes with `a` to `z`, `space` and arrows, Shift with `tab` and \
         arrows, function keys end with `f12`"
    )]
    Unsent {
        /// The text.
        text: String,
    },
}

impl Key {
    /// The key of these, as far as terminals send it. They know no Shift beside a character, nor the case of one with
    /// Ctrl; some of those with Ctrl are other keys.
    pub fn sent(code: Code, held: Held) -> Option<Self> {
        let Held { ctrl, alt, shift } = held;
        let plain = |name| Some((Code::Named(name), false));
        let (code, ctrl) = match code {
            Code::Char(c) if c.is_control() || shift => None,
            Code::Char(c) if !ctrl => Some((Code::Char(c), false)),
            Code::Char(c) => match c.to_ascii_lowercase() {
                'i' => plain(Name::Tab),
                'm' => plain(Name::Enter),
                'h' => plain(Name::Backspace),
                '[' => plain(Name::Esc),
                ' ' | '@' => Some((Code::Char(' '), true)),
                // These bytes are told by the digits that send them, too.
                '\\' | '4' => Some((Code::Char('\\'), true)),
                ']' | '5' => Some((Code::Char(']'), true)),
                '^' | '6' => Some((Code::Char('^'), true)),
                '_' | '7' | '/' => Some((Code::Char('_'), true)),
                letter @ 'a'..='z' => Some((Code::Char(letter), true)),
                _ => None,
            },
            Code::F(number) => (1..=12).contains(&number).then_some((code, ctrl)),
            Code::Named(Name::Tab) => (!ctrl).then_some((code, false)),
            Code::Named(Name::Enter | Name::Esc | Name::Backspace) => {
                (!ctrl && !shift).then_some((code, false))
            }
            Code::Named(_) => Some((code, ctrl)),
        }?;
        // With Alt, a key comes after the byte of Esc, which may not make another sequence of it.
        let other = matches!(code, Code::Named(Name::Esc) | Code::Char('[' | 'O')) && !ctrl;
        let key = Key { code, held: Held { ctrl, alt, shift } };
        (!alt || !other).then_some(key)
    }

    /// A character by itself.
    pub const fn char(c: char) -> Self {
        Key { code: Code::Char(c), held: Held { ctrl: false, alt: false, shift: false } }
    }

    /// The character that it types into a text, if any.
    pub fn typed(self) -> Option<char> {
        match self.code {
            Code::Char(c) if !self.held.ctrl && !self.held.alt => Some(c),
            _ => None,
        }
    }
}

/// What follows a beginning, whatever its case.
fn after<'a>(text: &'a str, beginning: &str) -> Option<&'a str> {
    let head = text.get(..beginning.len())?;
    if head.eq_ignore_ascii_case(beginning) { text.get(beginning.len()..) } else { None }
}

/// The character that Shift makes of one, where that is known whatever the keyboard.
fn shifted(c: char) -> Option<char> {
    let mut upper = c.to_uppercase();
    let first = upper.next()?;
    (c.is_alphabetic() && upper.next().is_none()).then_some(first)
}

impl FromStr for Key {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        let start = || text.chars().take(32).collect();
        let unknown = || ParseKeyError::Unknown { text: start() };
        let unsent = || ParseKeyError::Unsent { text: start() };
        let mut rest = text;
        let mut held = Held::default();
        loop {
            if let Some(after) = after(rest, "ctrl-") {
                (held.ctrl, rest) = (true, after);
            } else if let Some(after) = after(rest, "alt-") {
                (held.alt, rest) = (true, after);
            } else if let Some(after) = after(rest, "shift-") {
                (held.shift, rest) = (true, after);
            } else {
                break;
            }
        }
        let mut characters = rest.chars();
        let code = match (characters.next(), characters.next()) {
            // Shift with a letter is that letter; with Ctrl it is not told.
            (Some(c), None) if held.shift && !held.ctrl => {
                held.shift = false;
                Code::Char(shifted(c).ok_or_else(unsent)?)
            }
            (Some(c), None) => Code::Char(c),
            _ if rest.eq_ignore_ascii_case("space") => Code::Char(' '),
            (Some('f' | 'F'), Some('0'..='9')) => {
                Code::F(rest.get(1..).and_then(|digits| digits.parse().ok()).ok_or_else(unknown)?)
            }
            _ => {
                let named = NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(rest));
                Code::Named(named.ok_or_else(unknown)?.1)
            }
        };
        Key::sent(code, held).ok_or_else(unsent)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Held { ctrl, alt, shift } = self.held;
        for (held, name) in [(ctrl, "ctrl-"), (alt, "alt-"), (shift, "shift-")] {
            if held {
                f.write_str(name)?;
            }
        }
        match self.code {
            Code::Char(' ') => f.write_str("space"),
            Code::Char(c) => write!(f, "{c}"),
            Code::F(number) => write!(f, "f{number}"),
            Code::Named(name) => {
                let written = NAMES.iter().find(|(_, known)| *known == name);
                f.write_str(written.map_or("", |(written, _)| written))
            }
        }
    }
}

/// Reads keys that stand in a row, separated by spaces. A word in single quotes is typed letter by letter, and may
/// hold spaces, and quotes that are doubled: `2 enter / 'blue note' enter`, `/ 'it''s'`.
///
/// # Errors
/// [`ParseKeyError`] names the first word that is no key.
pub fn parse_keys(text: &str) -> Result<Vec<Key>, ParseKeyError> {
    let mut keys = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if let Some((typed, after)) = quoted(rest) {
            keys.extend(typed.chars().map(Key::char));
            rest = after.trim_start();
            continue;
        }
        let (word, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        keys.push(word.parse()?);
        rest = after.trim_start();
    }
    Ok(keys)
}

/// A text in quotes that are closed, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut rest = text.strip_prefix('\'')?;
    let mut typed = String::new();
    loop {
        let (part, after) = rest.split_once('\'')?;
        typed.push_str(part);
        match after.strip_prefix('\'') {
            Some(after) => {
                typed.push('\'');
                rest = after;
            }
            None => return Some((typed, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_and_written() {
        for text in [
            "j",
            "G",
            "space",
            "enter",
            "ctrl-c",
            "alt-x",
            "shift-tab",
            "f5",
            "ctrl-alt-f12",
            "-",
            ":",
            "alt--",
            "ctrl-left",
        ] {
            assert_eq!(text.parse::<Key>().unwrap().to_string(), text);
        }
        let check =
            |text: &str, expected: &str| assert_eq!(text.parse::<Key>().unwrap().to_string(), expected);
        check("shift-g", "G");
        check("ctrl-C", "ctrl-c");
        // Different names of the same bytes.
        check("ctrl-i", "tab");
        check("ctrl-M", "enter");
        check("ctrl-[", "esc");
        check("ctrl-h", "backspace");
        check("ctrl-4", "ctrl-\\");
        check("ctrl-@", "ctrl-space");
        check("alt-ctrl-m", "alt-enter");
        // Names may be written in any case, characters are what they are.
        check("F9", "f9");
        check("Enter", "enter");
        check("SPACE", "space");
        check("Ctrl-Alt-PageDown", "ctrl-alt-pagedown");
        check("Shift-TAB", "shift-tab");
        check("G", "G");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "foo", "fx", "f999", "ctrl-", "ctrlx", "hyper-a"] {
            let error = text.parse::<Key>().unwrap_err();
            assert!(matches!(error, ParseKeyError::Unknown { .. }), "{text}");
        }
    }

    #[test]
    fn what_no_terminal_sends_is_refused() {
        for text in [
            "ctrl-shift-q",
            "ctrl-shift-Q",
            "f0",
            "f13",
            "f24",
            "ctrl-é",
            "ctrl-1",
            "ctrl--",
            "shift-1",
            "shift-space",
            "ctrl-enter",
            "shift-enter",
            "ctrl-tab",
            "ctrl-backspace",
            "shift-esc",
            "alt-esc",
            "alt-[",
            "alt-O",
            "\u{1}",
        ] {
            let error = text.parse::<Key>().unwrap_err();
            assert!(matches!(error, ParseKeyError::Unsent { .. }), "{text}");
        }
    }

    #[test]
    fn keys_in_a_row() {
        let shown =
            |text: &str| parse_keys(text).map(|keys| keys.iter().map(Key::to_string).collect::<Vec<_>>());
        assert_eq!(shown("j  j enter").unwrap(), ["j", "j", "enter"]);
        assert_eq!(shown("/ 'a b' enter").unwrap(), ["/", "a", "space", "b", "enter"]);
        assert_eq!(shown("").unwrap(), Vec::<String>::new());
        assert_eq!(shown("/ 'it''s'").unwrap(), ["/", "i", "t", "'", "s"]);
        assert_eq!(shown("'''' ''").unwrap(), ["'"]);
        let unknown = ParseKeyError::Unknown { text: "bogus".to_owned() };
        assert_eq!(shown("j bogus").unwrap_err(), unknown);
        // A quote that is not closed is the key.
        assert_eq!(shown("' x").unwrap(), ["'", "x"]);
    }
}
