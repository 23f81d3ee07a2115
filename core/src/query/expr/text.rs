//! Functions of strings. Positions and lengths count characters (Unicode scalar values).

use std::collections::HashSet;
use std::sync::Arc;

use super::{MAX_VALUE_LENGTH, Place};
use crate::query::error::{EvalError, EvalErrorKind};
use crate::value::Value;

fn too_long(operation: &str, place: Place) -> EvalError {
    place.error(EvalErrorKind::TooLong { operation: operation.to_owned(), limit: MAX_VALUE_LENGTH })
}

pub(super) fn check_length(length: usize, operation: &str, place: Place) -> Result<(), EvalError> {
    if length > MAX_VALUE_LENGTH { Err(too_long(operation, place)) } else { Ok(()) }
}

/// Strings, or bytes, one after the other; null where one of them is.
pub(super) enum Joined {
    /// One alone.
    One(Value),
    /// Strings.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl Joined {
    /// The first one.
    pub(super) fn new(first: Value) -> Self {
        Joined::One(first)
    }

    /// Adds one.
    pub(super) fn push(&mut self, next: &Value, place: Place) -> Result<(), EvalError> {
        if let Joined::One(first) = self {
            *self = match first {
                Value::String(text) => Joined::Text(text.as_ref().to_owned()),
                Value::Bytes(bytes) => Joined::Bytes(bytes.to_vec()),
                _ => return Ok(()),
            };
        }
        match (&mut *self, next) {
            (Joined::Text(text), Value::String(next)) => {
                check_length(text.len().saturating_add(next.len()), "`||`", place)?;
                text.push_str(next);
            }
            (Joined::Bytes(bytes), Value::Bytes(next)) => {
                check_length(bytes.len().saturating_add(next.len()), "`||`", place)?;
                bytes.extend_from_slice(next);
            }
            _ => *self = Joined::One(Value::Null),
        }
        Ok(())
    }

    /// All of them.
    pub(super) fn finish(self) -> Value {
        match self {
            Joined::One(value) => value,
            Joined::Text(text) => Value::String(text.into()),
            Joined::Bytes(bytes) => Value::Bytes(bytes.into()),
        }
    }
}

/// The part of a string from the character `start` (from 1), `length` characters long where that is given. The
/// window may begin before the string and end after it.
pub(super) fn substring(
    text: &str,
    start: i64,
    length: Option<i64>,
    place: Place,
) -> Result<String, EvalError> {
    let end = match length {
        None => i64::MAX,
        Some(length) if length < 0 => {
            return Err(place.error(EvalErrorKind::InvalidArgument(format!(
                "the length of a part of a string cannot be negative, but is {length}"
            ))));
        }
        Some(length) => start.saturating_add(length),
    };
    let skip = usize::try_from(start.saturating_sub(1)).unwrap_or(0);
    let take = usize::try_from(end.saturating_sub(start.max(1))).unwrap_or(0);
    Ok(text.chars().skip(skip).take(take).collect())
}

/// The place of the first `part` in a string, in characters from 1; 0 where there is none.
pub(super) fn position(text: &str, part: &str) -> i64 {
    match text.find(part) {
        None => 0,
        Some(at) => count(text.get(..at).unwrap_or("")).saturating_add(1),
    }
}

/// The number of characters.
pub(super) fn count(text: &str) -> i64 {
    i64::try_from(text.chars().count()).unwrap_or(i64::MAX)
}

/// The first `n` characters; without the last `-n` where it is negative.
pub(super) fn left(text: &str, n: i64) -> String {
    let length = if n < 0 { count(text).saturating_add(n) } else { n };
    text.chars().take(usize::try_from(length).unwrap_or(0)).collect()
}

/// The last `n` characters; without the first `-n` where it is negative.
pub(super) fn right(text: &str, n: i64) -> String {
    let skip = if n < 0 { n.saturating_neg() } else { count(text).saturating_sub(n) };
    text.chars().skip(usize::try_from(skip).unwrap_or(0)).collect()
}

/// The string `n` times.
pub(super) fn repeat(text: &str, n: i64, place: Place) -> Result<String, EvalError> {
    let n = usize::try_from(n).unwrap_or(0);
    let length = text.len().checked_mul(n).ok_or_else(|| too_long("`repeat`", place))?;
    check_length(length, "`repeat`", place)?;
    Ok(text.repeat(n))
}

/// The string with each `from` replaced by `to`; nothing where `from` is empty.
pub(super) fn replace(text: &str, from: &str, to: &str, place: Place) -> Result<String, EvalError> {
    if from.is_empty() {
        return Ok(text.to_owned());
    }
    let found = text.matches(from).count();
    let length = found.checked_mul(to.len()).and_then(|added| added.checked_add(text.len()));
    check_length(length.unwrap_or(usize::MAX), "`replace`", place)?;
    Ok(text.replace(from, to))
}

/// The string brought to `length` characters: cut at its end, or filled with `fill` at one side.
pub(super) fn pad(
    text: &str,
    length: i64,
    fill: &str,
    at_start: bool,
    place: Place,
) -> Result<String, EvalError> {
    let length = usize::try_from(length).unwrap_or(0);
    let missing = length.saturating_sub(text.chars().count());
    check_length(length.saturating_mul(if missing > 0 { 4 } else { 0 }), "padding", place)?;
    if missing == 0 {
        return Ok(text.chars().take(length).collect());
    }
    let filling: String = fill.chars().cycle().take(missing).collect();
    Ok(if at_start { filling + text } else { text.to_owned() + &filling })
}

/// The `n`-th of the parts between `separator`, from 1, negative from the end; empty where there is none.
pub(super) fn split_part(text: &str, separator: &str, n: i64, place: Place) -> Result<String, EvalError> {
    let index = usize::try_from(n.unsigned_abs()).unwrap_or(usize::MAX);
    let Some(index) = index.checked_sub(1) else {
        return Err(place.error(EvalErrorKind::InvalidArgument("parts are counted from 1, not 0".to_owned())));
    };
    let part = if separator.is_empty() {
        (index == 0).then_some(text)
    } else if n > 0 {
        text.split(separator).nth(index)
    } else {
        text.rsplit(separator).nth(index)
    };
    Ok(part.unwrap_or("").to_owned())
}

/// Which ends of a string are trimmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    Both,
    Start,
    End,
}

/// The string without the characters of `set` at its ends.
pub(super) fn trim(text: &Arc<str>, set: &str, ends: Ends) -> Value {
    // A long set is not looked through for every character.
    let many = (set.len() > 32).then(|| set.chars().collect::<HashSet<char>>());
    let in_set = |character: char| {
        many.as_ref().map_or_else(|| set.contains(character), |set| set.contains(&character))
    };
    let trimmed = match ends {
        Ends::Both => text.trim_matches(in_set),
        Ends::Start => text.trim_start_matches(in_set),
        Ends::End => text.trim_end_matches(in_set),
    };
    Value::String(if trimmed.len() == text.len() { Arc::clone(text) } else { trimmed.into() })
}
