//! [`Safe`]: the one way by which text that came from data reaches a terminal.

use std::borrow::Cow;
use std::fmt;

use ankurah_query_lang::visible;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Text with nothing in it that a terminal would obey or a reader could not see.
///
/// Control characters, escape sequences, bidirectional overrides and invisible characters become `\u{…}`; line
/// breaks, carriage returns and tabs become `\n`, `\r` and `\t` unless they are kept on purpose. The two
/// zero-width joiners and the variation selectors stay where writing needs them (beside characters outside ASCII, as in
/// emoji and Persian).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Safe<'a>(Cow<'a, str>);

impl<'a> Safe<'a> {
    /// Text for one line.
    pub fn line(text: &'a str) -> Self {
        if is_plain(text) { Safe(Cow::Borrowed(text)) } else { Safe(Cow::Owned(escape(text, |_| false))) }
    }

    /// Text that may span lines: line breaks and tabs stay.
    pub fn block(text: &'a str) -> Self {
        let keep = |c| matches!(c, '\n' | '\t');
        if is_plain(text) { Safe(Cow::Borrowed(text)) } else { Safe(Cow::Owned(escape(text, keep))) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text, without a copy where it was safe as it came.
    pub fn into_inner(self) -> Cow<'a, str> {
        self.0
    }

    /// The number of terminal columns that it takes.
    pub fn width(&self) -> usize {
        width(&self.0)
    }

    /// The text in at most `columns` terminal columns, `mark` at its end where something was cut.
    pub fn cut(self, columns: usize, mark: &str) -> Self {
        if self.width() <= columns {
            return self;
        }
        let mark = if width(mark) < columns { mark } else { "" };
        let room = columns.saturating_sub(width(mark));
        let mut used = 0;
        let mut out = String::new();
        for c in self.0.chars() {
            used += c.width().unwrap_or(0);
            if used > room {
                break;
            }
            out.push(c);
        }
        out.push_str(mark);
        Safe(Cow::Owned(out))
    }
}

impl fmt::Display for Safe<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The number of terminal columns that `text` takes.
pub fn width(text: &str) -> usize {
    if is_plain(text) { text.len() } else { text.width() }
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

fn escape(text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut run = 0;
    let mut before = None;
    // Whether that is a selector which belongs to what stands before it.
    let mut selects = false;
    for (at, c) in text.char_indices() {
        let after = at + c.len_utf8();
        let replacement = match c {
            c if keep(c) => Some(c.to_string()),
            '\n' => Some("\\n".to_owned()),
            '\r' => Some("\\r".to_owned()),
            '\t' => Some("\\t".to_owned()),
            '\u{200c}' | '\u{200d}' => {
                let next = text.get(after..).and_then(|rest| rest.chars().next());
                let joins = (selects || before.is_some_and(is_shown)) && next.is_some_and(is_shown);
                Some(if joins { c.to_string() } else { hidden(c) })
            }
            '\u{fe00}'..='\u{fe0f}' => {
                // It selects how the character before it looks: an emoji, or a digit on a key.
                let next = text.get(after..).and_then(|rest| rest.chars().next());
                selects = before.is_some_and(is_shown) || next == Some('\u{20e3}');
                Some(if selects { c.to_string() } else { hidden(c) })
            }
            c if is_blank(c) => Some(hidden(c)),
            _ => None,
        };
        if let Some(replacement) = replacement {
            out.push_str(&visible(text.get(run..at).unwrap_or("")));
            out.push_str(&replacement);
            run = after;
        }
        selects = selects && matches!(c, '\u{fe00}'..='\u{fe0f}');
        before = Some(c);
    }
    out.push_str(&visible(text.get(run..).unwrap_or("")));
    out
}

/// What nobody can see although it is no control character.
fn is_blank(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{34f}'
            | '\u{115f}'
            | '\u{1160}'
            | '\u{17b4}'
            | '\u{17b5}'
            | '\u{180b}'..='\u{180f}'
            | '\u{2800}'
            | '\u{3164}'
            | '\u{ffa0}'
            | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}'
    )
}

/// Whether a character is one outside ASCII that is seen, so that a joiner or selector beside it belongs to it.
fn is_shown(c: char) -> bool {
    let works = matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}');
    let mut bytes = [0; 4];
    let text: &str = c.encode_utf8(&mut bytes);
    !c.is_ascii() && !works && !is_blank(c) && visible(text) == text
}

fn hidden(c: char) -> String {
    format!("\\u{{{:x}}}", u32::from(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(text: &str, line: &str) {
        assert_eq!(Safe::line(text).as_str(), line);
    }

    #[test]
    fn shows_what_could_act() {
        check("plain", "plain");
        check("Zażółć 東京 🎸", "Zażółć 東京 🎸");
        check("\u{1b}[31mred\u{1b}[0m", "\\u{1b}[31mred\\u{1b}[0m");
        check("a\u{202e}b\u{2066}c", "a\\u{202e}b\\u{2066}c");
        check("a\u{7}\u{8}\u{7f}\u{9b}0m", "a\\u{7}\\u{8}\\u{7f}\\u{9b}0m");
        check("one\ntwo\r\tthree", "one\\ntwo\\r\\tthree");
    }

    #[test]
    fn shows_what_could_hide() {
        check("ad\u{200b}min", "ad\\u{200b}min");
        check("ad\u{200d}min", "ad\\u{200d}min");
        check("soft\u{ad}hyphen", "soft\\u{ad}hyphen");
        check("\u{feff}x", "\\u{feff}x");
        check("a\u{2800}\u{1bca0}\u{1d17a}", "a\\u{2800}\\u{1bca0}\\u{1d17a}");
        check("👩\u{200d}🚀", "👩\u{200d}🚀");
        check("❤\u{fe0f}\u{200d}🔥", "❤\u{fe0f}\u{200d}🔥");
        check("❤\u{fe0f} 1\u{fe0f}\u{20e3}", "❤\u{fe0f} 1\u{fe0f}\u{20e3}");
        check("\u{fe0f}ad\u{fe0f}min", "\\u{fe0f}ad\\u{fe0f}min");
        check("❤\u{fe0f}\u{fe0f}", "❤\u{fe0f}\\u{fe0f}");
        check("می\u{200c}خواهم", "می\u{200c}خواهم");
        check("\u{202e}\u{200d}\u{202e}\u{fe0f}", "\\u{202e}\\u{200d}\\u{202e}\\u{fe0f}");
    }

    #[test]
    fn blocks_keep_their_lines() {
        assert_eq!(Safe::block("a\n\tb\u{1b}c\r").as_str(), "a\n\tb\\u{1b}c\\r");
    }

    #[test]
    fn cut_counts_columns() {
        assert_eq!(Safe::line("abcdef").cut(6, "…").as_str(), "abcdef");
        assert_eq!(Safe::line("abcdefg").cut(6, "…").as_str(), "abcde…");
        assert_eq!(Safe::line("東京都庁").cut(6, "…").as_str(), "東京…");
        assert_eq!(Safe::line("abc").cut(1, "...").as_str(), "a");
    }

    proptest! {
        #[test]
        fn nothing_reaches_the_terminal(text in "(.|[\u{200b}-\u{202e}\u{fe0f}a❤])*") {
            let shown = Safe::line(&text);
            prop_assert!(!shown.as_str().chars().any(char::is_control));
            prop_assert!(shown.clone().cut(7, "…").width() <= 7);
            let twice = Safe::line(shown.as_str());
            prop_assert_eq!(twice.as_str(), shown.as_str());
        }
    }
}
