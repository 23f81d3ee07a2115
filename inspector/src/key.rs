//! Keys, and how they are written: `j`, `G`, `enter`, `ctrl-c`, `shift-tab`, `f5`. Names may be in any case.

use std::fmt;
use std::str::FromStr;

/// What was pressed, without Ctrl, Alt and Shift.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// A character, as it is typed: `G` is Shift and the key of `g`.
    Char(char),
    /// A function key.
    F(u8),
    /// A key with a name.
    Named(&'static str),
}

/// A key with what is held down beside it. Shift is said of named keys alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The key.
    pub code: Code,
    /// Whether Ctrl is held.
    pub ctrl: bool,
    /// Whether Alt is held.
    pub alt: bool,
    /// Whether Shift is held.
    pub shift: bool,
}

/// The names of keys that are no characters.
const NAMES: [&str; 14] = [
    "enter",
    "esc",
    "tab",
    "backspace",
    "delete",
    "insert",
    "up",
    "down",
    "left",
    "right",
    "home",
    "end",
    "pageup",
    "pagedown",
];

/// A text that names no key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a key: write `j`, `G`, `space`, `enter`, `ctrl-c`, `alt-x`, `shift-tab` or `f5`")]
pub struct ParseKeyError {
    /// The text.
    pub text: String,
}

impl Key {
    /// A key by itself.
    pub const fn plain(code: Code) -> Self {
        Key { code, ctrl: false, alt: false, shift: false }
    }

    /// A character by itself.
    pub const fn char(c: char) -> Self {
        Key::plain(Code::Char(c))
    }

    /// The character that it types into a text, if any.
    pub fn typed(self) -> Option<char> {
        match self.code {
            Code::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }

    /// The named key, which must be one of those that there are.
    pub fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|known| **known == name).map(|known| Key::plain(Code::Named(known)))
    }
}

/// What follows a beginning, whatever its case.
fn after<'a>(text: &'a str, beginning: &str) -> Option<&'a str> {
    let head = text.get(..beginning.len())?;
    if head.eq_ignore_ascii_case(beginning) { text.get(beginning.len()..) } else { None }
}

impl FromStr for Key {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        let error = || ParseKeyError { text: text.chars().take(32).collect() };
        let mut rest = text;
        let (mut ctrl, mut alt, mut shift) = (false, false, false);
        loop {
            if let Some(after) = after(rest, "ctrl-") {
                (ctrl, rest) = (true, after);
            } else if let Some(after) = after(rest, "alt-") {
                (alt, rest) = (true, after);
            } else if let Some(after) = after(rest, "shift-") {
                (shift, rest) = (true, after);
            } else {
                break;
            }
        }
        let mut characters = rest.chars();
        let code = match (characters.next(), characters.next()) {
            (Some(c), None) => Code::Char(c),
            _ if rest.eq_ignore_ascii_case("space") => Code::Char(' '),
            (Some('f' | 'F'), Some('0'..='9')) => {
                let number = rest.get(1..).and_then(|digits| digits.parse().ok());
                Code::F(number.filter(|number| (1..=24).contains(number)).ok_or_else(error)?)
            }
            _ => {
                let named = NAMES.iter().find(|name| name.eq_ignore_ascii_case(rest));
                named.map(|name| Code::Named(name)).ok_or_else(error)?
            }
        };
        let code = match code {
            // Terminals say Shift with a letter by the letter, and Ctrl without its case.
            Code::Char(c) if shift => Code::Char(c.to_uppercase().next().unwrap_or(c)),
            Code::Char(c) if ctrl => Code::Char(c.to_ascii_lowercase()),
            code => code,
        };
        let shift = shift && !matches!(code, Code::Char(_));
        Ok(Key { code, ctrl, alt, shift })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, name) in [(self.ctrl, "ctrl-"), (self.alt, "alt-"), (self.shift, "shift-")] {
            if held {
                f.write_str(name)?;
            }
        }
        match self.code {
            Code::Char(' ') => f.write_str("space"),
            Code::Char(c) => write!(f, "{c}"),
            Code::F(number) => write!(f, "f{number}"),
            Code::Named(name) => f.write_str(name),
        }
    }
}

/// Reads keys that stand in a row, separated by spaces. A word in single quotes is typed letter by letter, and may
/// hold spaces: `2 enter / 'blue note' enter`.
///
/// # Errors
/// [`ParseKeyError`] names the first word that is no key.
pub fn parse_keys(text: &str) -> Result<Vec<Key>, ParseKeyError> {
    let mut keys = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let quoted = rest.strip_prefix('\'').and_then(|after| after.split_once('\''));
        if let Some((typed, after)) = quoted {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_and_written() {
        for text in
            ["j", "G", "space", "enter", "ctrl-c", "alt-x", "shift-tab", "f5", "ctrl-alt-f12", "-", ":"]
        {
            assert_eq!(text.parse::<Key>().unwrap().to_string(), text);
        }
        let check =
            |text: &str, expected: &str| assert_eq!(text.parse::<Key>().unwrap().to_string(), expected);
        check("shift-g", "G");
        check("ctrl-C", "ctrl-c");
        check("ctrl--", "ctrl--");
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
        for text in ["", "foo", "f0", "f99", "ctrl-", "ctrlx", "hyper-a"] {
            assert!(text.parse::<Key>().is_err(), "{text}");
        }
    }

    #[test]
    fn keys_in_a_row() {
        let shown =
            |text: &str| parse_keys(text).map(|keys| keys.iter().map(Key::to_string).collect::<Vec<_>>());
        assert_eq!(shown("j  j enter").unwrap(), ["j", "j", "enter"]);
        assert_eq!(shown("/ 'a b' enter").unwrap(), ["/", "a", "space", "b", "enter"]);
        assert_eq!(shown("").unwrap(), Vec::<String>::new());
        assert_eq!(shown("j bogus").unwrap_err().text, "bogus");
        // A quote that is not closed is the key.
        assert_eq!(shown("' x").unwrap(), ["'", "x"]);
    }
}
