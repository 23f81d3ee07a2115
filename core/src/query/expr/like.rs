//! `like` and `ilike`.
//!
//! A pattern is cut at its `%` into pieces. The first and the last are anchored, those between are looked for
//! from left to right: the leftmost place of one leaves the most room for the next, so there is never anything
//! to try again.

use crate::query::error::EvalErrorKind;

/// A pattern of `like`, ready to match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// What stands between the `%`; one piece where there is none.
    pieces: Vec<Piece>,
    fold_case: bool,
    /// The pattern as it was written, for people.
    source: String,
}

/// A part of a pattern without `%`: the characters, `None` for any one.
type Piece = Vec<Option<char>>;

/// The string in lower case, character by character, as `lower` and `ilike` mean it.
pub(super) fn fold(text: &str) -> impl Iterator<Item = char> {
    text.chars().flat_map(char::to_lowercase)
}

impl Pattern {
    /// A pattern in which `%` is any run of characters and `_` any one, unless `escape` stands before it.
    pub(crate) fn new(source: &str, escape: Option<char>, fold_case: bool) -> Result<Self, EvalErrorKind> {
        let mut pieces = Vec::new();
        let mut piece = Piece::new();
        let mut characters = source.chars();
        while let Some(character) = characters.next() {
            let literal = if escape == Some(character) {
                Some(characters.next().ok_or_else(|| {
                    EvalErrorKind::InvalidArgument(
                        "a `like` pattern cannot end with its escape character".to_owned(),
                    )
                })?)
            } else {
                match character {
                    '%' => {
                        pieces.push(std::mem::take(&mut piece));
                        continue;
                    }
                    '_' => None,
                    other => Some(other),
                }
            };
            match literal {
                Some(literal) if fold_case => piece.extend(literal.to_lowercase().map(Some)),
                other => piece.push(other),
            }
        }
        pieces.push(piece);
        Ok(Pattern { pieces, fold_case, source: source.to_owned() })
    }

    /// Whether all of a string fits the pattern.
    pub(crate) fn matches(&self, text: &str) -> bool {
        if !self.fold_case {
            // Mostly decided by the first piece, without looking at the rest of a long text.
            if let Some(first) = self.pieces.first() {
                if !starts_with(text.chars(), first) {
                    return false;
                }
            }
            return self.matches_characters(&text.chars().collect::<Vec<_>>());
        }
        self.matches_characters(&fold(text).collect::<Vec<_>>())
    }

    fn matches_characters(&self, text: &[char]) -> bool {
        let Some((first, rest)) = self.pieces.split_first() else { return text.is_empty() };
        let Some((last, middle)) = rest.split_last() else {
            return text.len() == first.len() && fits(text, first);
        };
        let Some((head, mut text)) = text.split_at_checked(first.len()) else { return false };
        if !fits(head, first) {
            return false;
        }
        for piece in middle {
            match find(text, piece) {
                Some(rest) => text = rest,
                None => return false,
            }
        }
        text.len().checked_sub(last.len()).and_then(|at| text.get(at..)).is_some_and(|tail| fits(tail, last))
    }

    /// What every matching string begins with, and whether that is all of it. Nothing where case is ignored.
    pub(crate) fn prefix(&self) -> (String, bool) {
        let first = self.pieces.first().map_or(&[][..], Vec::as_slice);
        if self.fold_case {
            return (String::new(), false);
        }
        let prefix: String = first.iter().map_while(|character| *character).collect();
        let whole = self.pieces.len() == 1 && first.iter().all(Option::is_some);
        (prefix, whole)
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

fn starts_with(mut text: impl Iterator<Item = char>, piece: &[Option<char>]) -> bool {
    piece.iter().all(|wanted| text.next().is_some_and(|found| wanted.is_none_or(|wanted| wanted == found)))
}

fn fits(text: &[char], piece: &[Option<char>]) -> bool {
    text.iter().zip(piece).all(|(found, wanted)| wanted.is_none_or(|wanted| wanted == *found))
}

/// What follows the leftmost place of a piece.
fn find<'a>(text: &'a [char], piece: &[Option<char>]) -> Option<&'a [char]> {
    if piece.is_empty() {
        return Some(text);
    }
    let at = text.windows(piece.len()).position(|window| fits(window, piece))?;
    text.get(at + piece.len()..)
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
            expected,
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
        let matches =
            |text: &str, pattern: &str| Pattern::new(pattern, Some('\\'), true).unwrap().matches(text);
        assert!(matches("Straße ÄÖ", "%äö"));
        assert!(matches("ΣΑΣ", "σασ"));
        assert!(!matches("abc", "ABD"));
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
        assert!(!Pattern::new(&pattern, None, false).unwrap().matches(&text));
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
        fn agrees_with_brute_force(text in "[ab%_]{0,8}", pattern in "[ab%_!]{0,8}") {
            let characters = |s: &str| s.chars().collect::<Vec<_>>();
            if let Ok(compiled) = Pattern::new(&pattern, Some('!'), false) {
                prop_assert_eq!(
                    compiled.matches(&text),
                    brute_force(&characters(&text), &characters(&pattern), Some('!'))
                );
            }
        }
    }
}
