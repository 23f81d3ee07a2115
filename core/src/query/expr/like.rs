//! `like` and `ilike`.
//!
//! A pattern is cut at its `%` into pieces. The first and the last are anchored, those between are looked for
//! from left to right: the leftmost place of one leaves the most room for the next, so there is never anything
//! to try again. A piece without `_` is looked for as a string, which takes time in proportion to the text. One with
//! `_` is tried wherever its first string is found, which may take longer; it can be given up meanwhile.

use std::borrow::Cow;

use crate::query::error::EvalErrorKind;
use crate::turn::{GivenUp, touch};

/// A pattern of `like`, ready to match.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    /// What stands between the `%`; one piece where there is none.
    pieces: Vec<Piece>,
    fold_case: bool,
    /// The pattern as it was written, for people.
    source: String,
}

/// A part of a pattern without `%`: no two of a kind stand side by side.
type Piece = Vec<Part>;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Part {
    /// These characters, at least one.
    String(String),
    /// So many of any kind, at least one.
    Any(usize),
}

/// A text of more bytes is matched where that can be given up.
const QUICK: usize = 16 << 10;

/// A character as `ilike` compares it: in lower case, where that is one character too, so that `_` stands for one of the
/// text's own.
fn fold(character: char) -> char {
    let mut lower = character.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(lower), None) => lower,
        _ => character,
    }
}

fn push_literal(piece: &mut Piece, literal: char) {
    match piece.last_mut() {
        Some(Part::String(string)) => string.push(literal),
        _ => piece.push(Part::String(literal.to_string())),
    }
}

fn push_any(piece: &mut Piece) {
    match piece.last_mut() {
        Some(Part::Any(count)) => *count = count.saturating_add(1),
        _ => piece.push(Part::Any(1)),
    }
}

impl Pattern {
    /// A pattern in which `%` is any run of characters and `_` any one, unless `escape` stands before it.
    pub(crate) fn new(source: &str, escape: Option<char>, fold_case: bool) -> Result<Self, EvalErrorKind> {
        let mut pieces = Vec::new();
        let mut piece = Piece::new();
        let mut characters = source.chars();
        while let Some(character) = characters.next() {
            let literal = if escape == Some(character) {
                characters.next().ok_or_else(|| {
                    EvalErrorKind::InvalidArgument(
                        "a `like` pattern cannot end with its escape character".to_owned(),
                    )
                })?
            } else {
                match character {
                    '%' => {
                        pieces.push(std::mem::take(&mut piece));
                        continue;
                    }
                    '_' => {
                        push_any(&mut piece);
                        continue;
                    }
                    other => other,
                }
            };
            push_literal(&mut piece, if fold_case { fold(literal) } else { literal });
        }
        pieces.push(piece);
        Ok(Pattern { pieces, fold_case, source: source.to_owned() })
    }

    /// Whether all of a string fits the pattern. Fails where the answer is given up.
    pub(crate) fn matches(&self, text: &str) -> Result<bool, GivenUp> {
        // Mostly decided by the first piece, without looking at the rest of a long text.
        if !self.fold_case && self.pieces.first().is_some_and(|first| after(text, first).is_none()) {
            return Ok(false);
        }
        touch(text.len())?;
        let folded = if self.fold_case {
            Cow::Owned(text.chars().map(fold).collect::<String>())
        } else {
            Cow::Borrowed(text)
        };
        let Some((first, rest)) = self.pieces.split_first() else { return Ok(folded.is_empty()) };
        let Some(mut text) = after(&folded, first) else { return Ok(false) };
        let Some((last, middle)) = rest.split_last() else { return Ok(text.is_empty()) };
        for piece in middle {
            match find(text, piece)? {
                Some(rest) => text = rest,
                None => return Ok(false),
            }
        }
        Ok(ends_with(text, last))
    }

    /// Whether all of a string fits the pattern, where that is told in no time.
    pub(crate) fn matches_quickly(&self, text: &str) -> Option<bool> {
        let tries = self.pieces.iter().any(|piece| piece.len() > 2);
        if text.len() > QUICK || (tries && self.source.len() > 64) { None } else { self.matches(text).ok() }
    }

    /// What every matching string begins with, and whether that is all of it. Nothing where case is ignored.
    pub(crate) fn prefix(&self) -> (String, bool) {
        if self.fold_case {
            return (String::new(), false);
        }
        let one = self.pieces.len() == 1;
        match self.pieces.first().map(Vec::as_slice) {
            None | Some([]) => (String::new(), one),
            Some([Part::String(prefix)]) => (prefix.clone(), one),
            Some([Part::String(prefix), ..]) => (prefix.clone(), false),
            Some([Part::Any(_), ..]) => (String::new(), false),
        }
    }

    /// Whether case is ignored.
    pub(crate) fn folds_case(&self) -> bool {
        self.fold_case
    }

    /// The pattern as it was written.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }
}

/// What follows so many characters.
fn skip(text: &str, count: usize) -> Option<&str> {
    let Some(last) = count.checked_sub(1) else { return Some(text) };
    let (at, character) = text.char_indices().nth(last)?;
    text.get(at.saturating_add(character.len_utf8())..)
}

/// What follows a piece at the start of a text.
fn after<'a>(text: &'a str, piece: &[Part]) -> Option<&'a str> {
    piece.iter().try_fold(text, |rest, part| match part {
        Part::String(string) => rest.strip_prefix(string.as_str()),
        Part::Any(count) => skip(rest, *count),
    })
}

fn ends_with(text: &str, piece: &[Part]) -> bool {
    let before = piece.iter().rev().try_fold(text, |rest, part| match part {
        Part::String(string) => rest.strip_suffix(string.as_str()),
        Part::Any(count) => match count.checked_sub(1) {
            Some(last) => rest.char_indices().nth_back(last).and_then(|(at, _)| rest.get(..at)),
            None => Some(rest),
        },
    });
    before.is_some()
}

/// What follows the leftmost place of a piece.
fn find<'a>(text: &'a str, piece: &[Part]) -> Result<Option<&'a str>, GivenUp> {
    // Any characters that come first leave the rest to be found after them.
    let (text, piece) = match piece.split_first() {
        Some((Part::Any(count), rest)) => match skip(text, *count) {
            Some(text) => (text, rest),
            None => return Ok(None),
        },
        _ => (text, piece),
    };
    let Some((Part::String(string), others)) = piece.split_first() else { return Ok(Some(text)) };
    let mut rest = text;
    while let Some(at) = rest.find(string.as_str()) {
        let end = at.saturating_add(string.len());
        let Some(found) = rest.get(end..) else { break };
        if let Some(found) = after(found, others) {
            return Ok(Some(found));
        }
        // It may have been compared up to its end.
        touch(end.saturating_add(others.iter().map(Part::bytes).sum()))?;
        rest = rest.get(at..).and_then(|rest| skip(rest, 1)).unwrap_or("");
    }
    Ok(None)
}

impl Part {
    /// About how many bytes it is compared with.
    fn bytes(&self) -> usize {
        match self {
            Part::String(string) => string.len(),
            Part::Any(count) => *count,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition of `like`, tried in every way.
    fn brute_force(text: &[char], pattern: &[char], escape: Option<char>) -> bool {
        match pattern.split_first() {
            None => text.is_empty(),
            Some((c, rest)) if escape == Some(*c) => rest.split_first().is_some_and(|(literal, rest)| {
                text.first() == Some(literal) && brute_force(&text[1..], rest, escape)
            }),
            Some(('%', rest)) => (0..=text.len()).any(|at| brute_force(&text[at..], rest, escape)),
            Some(('_', rest)) => !text.is_empty() && brute_force(&text[1..], rest, escape),
            Some((c, rest)) => text.first() == Some(c) && brute_force(&text[1..], rest, escape),
        }
    }

    fn check(text: &str, pattern: &str, expected: bool) {
        assert_eq!(
            Pattern::new(pattern, Some('\\'), false).unwrap().matches(text),
            Ok(expected),
            "{text} like {pattern}"
        );
    }

    #[test]
    fn examples() {
        check("", "", true);
        check("", "%", true);
        check("", "_", false);
        check("abc", "a%", true);
        check("abc", "%b%", true);
        check("abc", "a_c", true);
        check("abc", "ab", false);
        check("aba", "ab%ba", false);
        check("abba", "ab%ba", true);
        check("a%c", "a\\%c", true);
        check("abc", "a\\%c", false);
        check("a\nb", "a_b", true);
        check("日本", "_本", true);
    }

    #[test]
    fn case_is_ignored_by_ilike() {
        let matches = |text: &str, pattern: &str| {
            Pattern::new(pattern, Some('\\'), true).unwrap().matches(text).unwrap()
        };
        assert!(matches("Straße ÄÖ", "%äö"));
        assert!(matches("ΣΑΣ", "σασ"));
        assert!(!matches("abc", "ABD"));
        assert!(matches("İ", "_"));
        assert!(!matches("İ", "__"));
        assert!(matches("xİY", "X_y"));
    }

    #[test]
    fn an_escape_at_the_end_is_an_error() {
        assert!(Pattern::new("a\\", Some('\\'), false).is_err());
        assert!(Pattern::new("a\\", None, false).is_ok());
    }

    #[test]
    fn many_wildcards_are_quick() {
        let text = "a".repeat(20_000);
        let pattern = format!("{}b", "%a".repeat(2_000));
        assert_eq!(Pattern::new(&pattern, None, false).unwrap().matches(&text), Ok(false));
    }

    /// A text in which a piece could be at every place, but is nowhere: looked for in every way it would take hours.
    #[test]
    fn what_nearly_matches_everywhere_is_quick() {
        let text = "a".repeat(2_000_000);
        let pattern = |piece: &str| Pattern::new(&format!("%{piece}%"), None, false).unwrap().matches(&text);
        assert_eq!(pattern(&format!("{}b", "a".repeat(200_000))), Ok(false));
        assert_eq!(pattern(&format!("b{}", "a".repeat(200_000))), Ok(false));
        assert_eq!(pattern(&"_".repeat(200_000)), Ok(true));
        assert_eq!(pattern(&"_".repeat(2_000_001)), Ok(false));
    }

    #[test]
    fn prefixes() {
        let prefix = |pattern| Pattern::new(pattern, Some('\\'), false).unwrap().prefix();
        assert_eq!(prefix("ab%"), ("ab".to_owned(), false));
        assert_eq!(prefix("ab_d"), ("ab".to_owned(), false));
        assert_eq!(prefix("a\\%"), ("a%".to_owned(), true));
        assert_eq!(prefix("%a"), (String::new(), false));
    }

    proptest! {
        #[test]
        fn agrees_with_brute_force(text in "[abé%_]{0,8}", pattern in "[abé%_!]{0,8}") {
            let characters = |s: &str| s.chars().collect::<Vec<_>>();
            if let Ok(compiled) = Pattern::new(&pattern, Some('!'), false) {
                let expected = brute_force(&characters(&text), &characters(&pattern), Some('!'));
                prop_assert_eq!(compiled.matches(&text), Ok(expected));
                prop_assert_eq!(compiled.matches_quickly(&text), Some(expected));
            }
        }
    }
}
