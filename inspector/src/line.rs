//! A line of text in pieces that look different. Whatever came from data is made safe as it is put in.

use ankurah_display::{Safe, width};

/// What a piece of text is; a theme says how that looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Text.
    Text,
    /// What is there for order: frames, hints, null.
    Dim,
    /// Headings, and what counts most.
    Strong,
    /// The view that is shown.
    Tab,
    /// Names of keys.
    Key,
    /// Numbers and constants.
    Number,
    /// Strings.
    String,
    /// Names of models, properties and types.
    Name,
    /// Ids.
    Id,
    /// Success, what is current.
    Good,
    /// Warnings.
    Warning,
    /// Errors.
    Error,
    /// What came in.
    Added,
    /// What went.
    Removed,
    /// What has just changed.
    Changed,
    /// What a search found.
    Found,
    /// A lane of the graph, by its number.
    Lane(u8),
}

/// A line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    pieces: Vec<(Role, String)>,
}

/// Characters of a text from data that are looked at: more than any terminal is wide.
const LONGEST: usize = 1000;

impl Line {
    /// An empty line.
    pub fn new() -> Self {
        Line::default()
    }

    /// Adds a text of the program.
    #[must_use]
    pub fn own(mut self, role: Role, text: impl Into<String>) -> Self {
        self.pieces.push((role, text.into()));
        self
    }

    /// Adds a text that came from data.
    #[must_use]
    pub fn data(mut self, role: Role, text: &str) -> Self {
        self.pieces.push((role, safe(text)));
        self
    }

    /// Adds what another line has.
    #[must_use]
    pub fn with(mut self, other: Line) -> Self {
        self.pieces.extend(other.pieces);
        self
    }

    /// The pieces.
    pub fn pieces(&self) -> &[(Role, String)] {
        &self.pieces
    }

    /// The columns that it takes.
    pub fn width(&self) -> usize {
        self.pieces.iter().map(|(_, text)| width(text)).sum()
    }

    /// Fills up with spaces.
    #[must_use]
    pub fn pad(self, columns: usize) -> Self {
        let missing = columns.saturating_sub(self.width());
        if missing == 0 { self } else { self.own(Role::Text, " ".repeat(missing)) }
    }

    /// The line in at most so many columns.
    #[must_use]
    pub fn cut(mut self, columns: usize, ellipsis: &str) -> Self {
        if self.width() <= columns {
            return self;
        }
        let mut room = columns;
        let mut kept = Vec::new();
        for (role, text) in self.pieces.drain(..) {
            let wide = width(&text);
            if wide < room {
                room -= wide;
                kept.push((role, text));
                continue;
            }
            // Something follows, or the piece is too wide: the mark takes the last column.
            let cut = Safe::line(&format!("{text}{}", " ".repeat(columns))).cut(room, ellipsis).to_string();
            kept.push((role, cut));
            break;
        }
        Line { pieces: kept }
    }

    /// The text alone.
    pub fn text(&self) -> String {
        self.pieces.iter().map(|(_, text)| text.as_str()).collect()
    }
}

/// A text from data on one line, of which no more is looked at than can be shown.
pub fn safe(text: &str) -> String {
    let end = text.char_indices().nth(LONGEST).map_or(text.len(), |(end, _)| end);
    Safe::line(text.get(..end).unwrap_or_default()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_and_padded() {
        let line = || Line::new().own(Role::Key, "ab").data(Role::Text, "東京\u{1b}");
        assert_eq!(line().text(), "ab東京\\u{1b}");
        assert_eq!(line().cut(5, "…").text(), "ab東…");
        assert_eq!(line().cut(2, "…").text(), "a…");
        assert_eq!(line().cut(0, "…").text(), "");
        assert_eq!(Line::new().own(Role::Text, "a").pad(3).text(), "a  ");
        assert_eq!(line().cut(12, "…").text(), "ab東京\\u{1b}");
    }

    #[test]
    fn no_more_is_looked_at_than_can_be_shown() {
        assert_eq!(safe(&"x".repeat(1 << 20)).len(), LONGEST);
    }
}
