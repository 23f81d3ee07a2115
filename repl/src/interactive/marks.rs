//! Marks: what stands in the line that is edited for a character that a terminal would obey or nobody could see.
//!
//! The line editor counts columns by the characters of its line, so what has no width cannot be shown there. While it
//! is edited, each such character is therefore another one, of a block for private use, that takes one column and is
//! drawn as a mark. What leaves the line, to be run, completed or kept, is the text again: `text(&edited(t)) == t` for
//! every text, those with characters of the block included.

use std::borrow::Cow;

use unicode_width::UnicodeWidthChar;

use crate::display::{Style, Tone};

/// The characters that get a mark, in order: control characters but tab and line feed, what directs, joins or selects
/// without being seen, fillers, and what is blank without being a space.
const HIDDEN: &[(u32, u32)] = &[
    (0x00, 0x08),
    (0x0b, 0x1f),
    (0x7f, 0x9f),
    (0xad, 0xad),
    (0x34f, 0x34f),
    (0x61c, 0x61c),
    (0x115f, 0x1160),
    (0x17b4, 0x17b5),
    (0x180b, 0x180f),
    (0x200b, 0x200f),
    (0x2028, 0x202e),
    (0x2060, 0x206f),
    (0x2800, 0x2800),
    (0x3164, 0x3164),
    (0xfe00, 0xfe0f),
    (0xfeff, 0xfeff),
    (0xffa0, 0xffa0),
    (0xfff0, 0xfffb),
    (0x1_bca0, 0x1_bca3),
    (0x1_d173, 0x1_d17a),
    (0xe_0000, 0xe_0fff),
];

/// The first character of the block.
const FIRST: u32 = 0x10_e000;

/// The last one of the block: the character after it stands for itself.
const LITERAL: char = '\u{10fffd}';

/// The character that stands in the line for a hidden one.
fn mark_of(c: char) -> Option<char> {
    let code = u32::from(c);
    if (0x20..0x7f).contains(&code) {
        return None;
    }
    let mut before = 0;
    for (first, last) in HIDDEN {
        if code < *first {
            return None;
        }
        if code <= *last {
            return char::from_u32(FIRST + before + (code - first));
        }
        before += last - first + 1;
    }
    None
}

/// The hidden character that a mark stands for.
fn hidden_of(mark: char) -> Option<char> {
    let mut index = u32::from(mark).checked_sub(FIRST)?;
    for (first, last) in HIDDEN {
        let length = last - first + 1;
        if index < length {
            return char::from_u32(first + index);
        }
        index -= length;
    }
    None
}

fn is_of_block(c: char) -> bool {
    (FIRST..=u32::from(LITERAL)).contains(&u32::from(c))
}

/// A text as it stands in the line that is edited.
pub(super) fn edited(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| mark_of(c).is_some() || is_of_block(c)) {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match mark_of(c) {
            Some(mark) => line.push(mark),
            None => {
                if is_of_block(c) {
                    line.push(LITERAL);
                }
                line.push(c);
            }
        }
    }
    Cow::Owned(line)
}

/// The text that an edited line stands for.
pub(super) fn text(line: &str) -> Cow<'_, str> {
    if !line.chars().any(is_of_block) {
        return Cow::Borrowed(line);
    }
    Cow::Owned(units(line).map(|unit| unit.text).collect())
}

/// The offset in an edited line of an offset in its text.
pub(super) fn offset_in_line(line: &str, offset: usize) -> usize {
    let (mut of_text, mut of_line) = (0, 0);
    for unit in units(line) {
        if of_text >= offset {
            break;
        }
        of_text += unit.text.len_utf8();
        of_line += unit.length;
    }
    of_line
}

/// The hidden characters of an edited line, each once, in the order in which they come.
pub(super) fn hidden(line: &str) -> Vec<char> {
    let mut found = Vec::new();
    for mark in line.chars().filter(|c| is_of_block(*c)) {
        if let Some(c) = hidden_of(mark).filter(|c| !found.contains(c)) {
            found.push(c);
        }
    }
    found
}

/// Whether an edited line has a character that is not drawn as it is.
pub(super) fn has_marks(line: &str) -> bool {
    line.chars().any(|c| is_of_block(c) || mark_of(c).is_some())
}

/// One character of a text, and how it stands in the line.
pub(super) struct Unit {
    /// The character of the text.
    pub(super) text: char,
    /// The bytes that it takes in the line.
    length: usize,
    shown: Shown,
}

enum Shown {
    AsItIs,
    /// By a mark.
    Mark,
    /// A character of the block that stands for itself, behind the one that says so.
    Literal,
    /// A hidden character that got into the line by itself.
    Bare,
}

impl Unit {
    /// Whether it is drawn as something else than itself.
    pub(super) fn is_mark(&self) -> bool {
        !matches!(self.shown, Shown::AsItIs)
    }

    /// What is drawn of it, in as many columns as the editor counts.
    pub(super) fn draw(&self, style: Style, out: &mut String) {
        let columns = match self.shown {
            Shown::AsItIs => return out.push(self.text),
            Shown::Mark => 1,
            Shown::Literal => 2,
            Shown::Bare => self.text.width().unwrap_or(0),
        };
        let glyph = glyph(self.text, style).to_string().repeat(columns);
        out.push_str(&style.paint(Tone::Hidden, &glyph));
    }
}

/// The characters of an edited line.
pub(super) fn units(line: &str) -> impl Iterator<Item = Unit> {
    let mut chars = line.chars();
    std::iter::from_fn(move || {
        let c = chars.next()?;
        let own = c.len_utf8();
        if !is_of_block(c) {
            let shown = if mark_of(c).is_some() { Shown::Bare } else { Shown::AsItIs };
            return Some(Unit { text: c, length: own, shown });
        }
        if c == LITERAL
            && let Some(next) = chars.next()
        {
            return Some(Unit { text: next, length: own + next.len_utf8(), shown: Shown::Literal });
        }
        Some(Unit { text: hidden_of(c).unwrap_or(c), length: own, shown: Shown::Mark })
    })
}

/// An edited line as it is drawn, with its marks set off.
pub(super) fn drawn(line: &str, style: Style) -> Cow<'_, str> {
    if !has_marks(line) {
        return Cow::Borrowed(line);
    }
    let mut out = String::with_capacity(line.len() + 16);
    units(line).for_each(|unit| unit.draw(style, &mut out));
    Cow::Owned(out)
}

/// What is drawn for a character, one column wide: a picture of it where there is one.
fn glyph(c: char, style: Style) -> char {
    match u32::from(c) {
        _ if style.ascii => '?',
        code @ 0..=0x1f => char::from_u32(0x2400 + code).unwrap_or('¤'),
        0x7f => '␡',
        _ => '¤',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[track_caller]
    fn check(content: &str, shown: &str) {
        let line = edited(content);
        assert_eq!(text(&line), content);
        assert_eq!(drawn(&line, Style::PLAIN), shown);
    }

    #[test]
    fn what_is_hidden_has_a_mark() {
        check("select 'Zażółć 東京 🎸\n\t'", "select 'Zażółć 東京 🎸\n\t'");
        check("a\u{202e}b\u{2066}c\u{fe0f}d\u{200b}", "a¤b¤c¤d¤");
        check("a\u{1b}[2J\r\u{0}\u{7f}\u{9b}b", "a␛[2J␍␀␡¤b");
        check("👩\u{200d}🚀 ❤\u{fe0f}", "👩¤🚀 ❤¤");
        check("e\u{301}", "e\u{301}");
        assert_eq!(drawn(&edited("a\u{202e}"), Style { ascii: true, ..Style::PLAIN }), "a?");
    }

    /// They stand for others in the line, and must not when they are meant themselves.
    #[test]
    fn characters_of_the_block_stand_for_themselves() {
        check("a\u{10e000}b", "a¤¤b");
        check("\u{10fffd}\u{10fffd}", "¤¤¤¤");
        check("\u{100000}\u{f0000}", "\u{100000}\u{f0000}");
    }

    #[test]
    fn all_marks_fit_into_the_block_and_take_one_column() {
        let mut before = None;
        for (first, last) in HIDDEN {
            assert!(before < Some(*first) && first <= last, "{first:x}");
            before = Some(*last);
            for code in *first..=*last {
                let Some(c) = char::from_u32(code) else { continue };
                let mark = mark_of(c).unwrap();
                assert!(is_of_block(mark) && mark != LITERAL, "{code:x}");
                assert_eq!(hidden_of(mark), Some(c));
                assert_eq!(mark.width(), Some(1));
                assert_eq!(glyph(c, Style::PLAIN).width(), Some(1));
            }
        }
        assert_eq!(LITERAL.width(), Some(1));
    }

    #[test]
    fn offsets() {
        let content = "a\u{202e}\u{10e000}é";
        let line = edited(content);
        for (at, _) in content.char_indices().chain([(content.len(), ' ')]) {
            assert_eq!(offset_in_line(&line, at), edited(content.get(..at).unwrap()).len());
        }
        assert_eq!(offset_in_line(&line, 100), line.len());
        // Half a pair, as deleting leaves it.
        assert_eq!(offset_in_line("a\u{10fffd}", 5), 5);
        assert_eq!(hidden(&edited("a\u{202e}b\u{200b}\u{202e}")), ['\u{202e}', '\u{200b}']);
    }

    /// The columns of each character, as the line editor counts them.
    fn columns(line: &str) -> usize {
        line.chars().map(|c| c.width().unwrap_or(0)).sum()
    }

    fn texts() -> impl Strategy<Value = String> {
        let hidden = (0..HIDDEN.len(), any::<prop::sample::Index>()).prop_map(|(range, index)| {
            let (first, last) = HIDDEN.get(range).copied().unwrap();
            let offset = index.index(usize::try_from(last - first + 1).unwrap());
            char::from_u32(first + u32::try_from(offset).unwrap()).unwrap()
        });
        let block = (FIRST..=u32::from(LITERAL)).prop_map(|code| char::from_u32(code).unwrap());
        let one = prop_oneof![any::<char>(), hidden, block, Just('\n')];
        prop::collection::vec(one, 0..24).prop_map(String::from_iter)
    }

    proptest! {
        #[test]
        fn what_is_run_is_what_came(content in texts()) {
            let line = edited(&content);
            prop_assert_eq!(text(&line), content.as_str());
            prop_assert!(line.chars().all(|c| mark_of(c).is_none()));
        }

        /// Whatever is in the line: nothing hidden is drawn, and the cursor stands where the editor counts.
        #[test]
        fn nothing_hidden_is_drawn_and_columns_stay(line in texts()) {
            for line in [edited(&line).into_owned(), line] {
                let shown = drawn(&line, Style::PLAIN);
                prop_assert!(shown.chars().all(|c| mark_of(c).is_none() && !is_of_block(c)), "{shown:?}");
                prop_assert_eq!(columns(&shown), columns(&line));
            }
        }
    }
}
