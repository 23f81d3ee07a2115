//! Lines broken between words.

use super::width;

/// The narrowest text that hangs below its start; a narrower terminal gets lines that begin at its edge.
const NARROWEST: usize = 16;

/// `text` with every line that takes more than `columns` broken between words, and no word broken that fits a line.
/// What follows a break stands under column `hang` where there is room for that. Without `columns` nothing is broken.
/// Escape sequences count as text, so colours are to be added afterwards.
pub fn wrap(text: &str, columns: Option<usize>, hang: usize) -> String {
    let Some(columns) = columns.filter(|columns| *columns > 0) else { return text.to_owned() };
    let hang = if columns.saturating_sub(hang) < NARROWEST { 0 } else { hang };
    let mut out = String::with_capacity(text.len());
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            out.push('\n');
        }
        if width(line) <= columns {
            out.push_str(line);
            continue;
        }
        let indent = line.len() - line.trim_start_matches(' ').len();
        let under = if columns.saturating_sub(indent + hang) < NARROWEST { hang } else { indent + hang };
        let mut used = 0;
        for (number, word) in line.split_inclusive(' ').enumerate() {
            if number > 0 && used + width(word.trim_end_matches(' ')) > columns && used > under {
                out.truncate(out.trim_end_matches(' ').len());
                out.push('\n');
                out.push_str(&" ".repeat(under));
                used = under;
            }
            out.push_str(word);
            used += width(word);
        }
        out.truncate(out.trim_end_matches(' ').len());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, columns: usize, hang: usize, expected: &str) {
        assert_eq!(wrap(text, Some(columns), hang), expected);
    }

    #[test]
    fn lines_break_between_words() {
        check("one two three", 20, 0, "one two three");
        check("one two three", 13, 0, "one two three");
        check("one two three", 12, 0, "one two\nthree");
        check("one two three", 3, 0, "one\ntwo\nthree");
        check("one  two\n three four", 6, 0, "one\ntwo\n three\nfour");
        check("東京 都庁 a", 5, 0, "東京\n都庁\na");
        assert_eq!(wrap("one two", None, 0), "one two");
    }

    #[test]
    fn what_follows_hangs_where_there_is_room() {
        check("error: one two three four", 24, 7, "error: one two three\n       four");
        check("error: one two three", 18, 7, "error: one two\nthree");
        check("  = help: one two three four five", 30, 8, "  = help: one two three four\n          five");
    }

    #[test]
    fn words_that_fit_no_line_are_left_whole() {
        check("abcdefghij kl", 5, 0, "abcdefghij\nkl");
        check("a abcdefghij", 5, 0, "a\nabcdefghij");
    }
}
