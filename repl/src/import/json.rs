//! A reader of JSON lines that keeps numbers as they are written.

use std::fmt;
use std::io::{self, BufRead};

use ankurah_core::value::json::canonical;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::bad::Bad;
use super::csv::MAX_RECORD;
use super::source::Field;

/// The members of an object in their order, names that come twice too.
struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Members;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

/// Reads objects. A line ends with LF, CRLF or CR, none of which stands in a JSON string.
pub(super) struct Reader<R> {
    input: R,
    line: u64,
    /// Whether a CR ended the last line, so that an LF after it is a part of the same end.
    carriage: bool,
}

/// The members of an object, or what is wrong with its line.
pub(super) type Object = Result<Vec<(String, Field)>, Bad>;

impl<R: BufRead> Reader<R> {
    /// A reader of `input` from its first line.
    pub(super) fn new(input: R) -> Self {
        Reader { input, line: 0, carriage: false }
    }

    /// The next object with the number of its line. Blank lines are skipped.
    pub(super) fn read(&mut self) -> io::Result<Option<(u64, Object)>> {
        let mut bytes = Vec::new();
        while let Some(length) = self.line(&mut bytes)? {
            self.line = self.line.saturating_add(1);
            if length >= MAX_RECORD {
                let message = format!("the line is longer than {} MiB", MAX_RECORD >> 20);
                return Ok(Some((self.line, Err(message.into()))));
            }
            if self.line == 1 && bytes.starts_with(b"\xef\xbb\xbf") {
                bytes.drain(..3);
            }
            if !bytes.iter().all(u8::is_ascii_whitespace) {
                return Ok(Some((self.line, object(bytes.trim_ascii_end()))));
            }
        }
        Ok(None)
    }

    /// Reads up to the end of a line, which is left away. Gives its length, `None` where there is nothing any more.
    /// Of a line that is too long the rest is only counted.
    fn line(&mut self, bytes: &mut Vec<u8>) -> io::Result<Option<usize>> {
        bytes.clear();
        let mut length: usize = 0;
        loop {
            let buffer = match self.input.fill_buf() {
                Ok(buffer) => buffer,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if std::mem::take(&mut self.carriage) && buffer.first() == Some(&b'\n') {
                self.input.consume(1);
                continue;
            }
            if buffer.is_empty() {
                return Ok((length > 0).then_some(length));
            }
            let end = buffer.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let piece = end.and_then(|end| buffer.get(..end)).unwrap_or(buffer);
            length = length.saturating_add(piece.len());
            if length < MAX_RECORD {
                bytes.extend_from_slice(piece);
            }
            self.carriage = end.and_then(|end| buffer.get(end)) == Some(&b'\r');
            let read = piece.len().saturating_add(usize::from(end.is_some()));
            self.input.consume(read);
            if end.is_some() {
                return Ok(Some(length));
            }
        }
    }
}

fn object(bytes: &[u8]) -> Object {
    let text = std::str::from_utf8(bytes).map_err(|error| Bad::utf8(bytes, error.valid_up_to(), "line"))?;
    let members: Members = serde_json::from_str(text).map_err(|_| wrong(text))?;
    members
        .0
        .into_iter()
        .map(|(name, raw)| Ok((name, field(raw.get()).ok_or_else(|| wrong(text))?)))
        .collect()
}

/// What is wrong with a line that is no object.
fn wrong(text: &str) -> Bad {
    if let Err(error) = canonical(text) {
        return Bad::at(error.problem.to_string(), text, error.offset);
    }
    let start = text.len() - text.trim_start().len();
    let what = match text.as_bytes().get(start) {
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a truth value",
        Some(b'n') => "null",
        Some(b'{') | None => "something else",
        Some(_) => "a number",
    };
    Bad::at(format!("a line holds one object in braces; this is {what}"), text, start)
}

fn field(raw: &str) -> Option<Field> {
    Some(match raw.as_bytes().first() {
        Some(b'n') | None => Field::Null,
        Some(b't') => Field::Bool(true),
        Some(b'f') => Field::Bool(false),
        Some(b'"') => Field::String(serde_json::from_str(raw).ok()?),
        Some(b'[' | b'{') => Field::Json(raw.to_owned()),
        Some(_) => Field::Number(raw.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The message, and the text from the place that it points at.
    #[track_caller]
    fn check(line: &[u8], expected: &str, rest: &str) {
        let mut reader = Reader::new(line);
        let (_, object) = reader.read().unwrap().unwrap();
        let bad = object.unwrap_err();
        let place = bad.place.unwrap();
        assert_eq!((bad.message.as_str(), &place.text[place.at..]), (expected, rest));
    }

    #[test]
    fn what_is_wrong_is_said_in_our_words_and_pointed_at() {
        check(b"{oops}\n", "expected a key in double quotes", "oops}");
        check(b"{\"a\" 1}\r\n", "expected `:`", "1}");
        check(b"{\"a\": }", "expected a JSON value", "}");
        check(b"{\"a\": 1", "expected `,` or `}`", "");
        check(b"{\"a\": 01}", "expected a number without leading zeros", "01}");
        check(b"{\"a\": \"x}", "expected the closing `\"`", "");
        check(b"{\"a\": \"\\x\"}", "expected an escape character after `\\`", "x\"}");
        check(b"{\"a\": \"\\ud800\"}", "an escape names half a surrogate pair", "\\ud800\"}");
        check(b"{\"a\": 1} {", "unexpected text after the document", "{");
        check(b"  [1]", "a line holds one object in braces; this is an array", "[1]");
        check(b"7", "a line holds one object in braces; this is a number", "7");
        check(b"null", "a line holds one object in braces; this is null", "null");
        check(b"{\"a\": \"\xff\"}", "invalid UTF-8 at byte 8 of the line", "\u{fffd}\"}");
    }

    /// The lines that have an object, and how many members it has; 0 where it is none.
    fn lines(mut reader: Reader<impl BufRead>) -> Vec<(u64, usize)> {
        let next =
            || reader.read().unwrap().map(|(line, object)| (line, object.map_or(0, |members| members.len())));
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn lines_end_with_any_of_the_three_ends() {
        for end in ["\n", "\r\n", "\r"] {
            let text = ["\u{feff}{\"a\": 1}", "", "{\"a\": 1, \"b\": 2}", "{\"a\": ", "{\"a\": 3}"].join(end);
            let expected = [(1, 1), (3, 2), (4, 0), (5, 1)];
            assert_eq!(lines(Reader::new(text.as_bytes())), expected, "{end:?}");
            assert_eq!(lines(Reader::new((text.clone() + end).as_bytes())), expected, "{end:?}");
            // A buffer may end between the two bytes of an end.
            let small = io::BufReader::with_capacity(1, text.as_bytes());
            assert_eq!(lines(Reader::new(small)), expected, "{end:?}");
        }
    }

    proptest! {
        #[test]
        fn any_line_is_an_object_or_is_pointed_at(line in "[{}\\[\\]\"a:,0-9.eE+\\\\ \u{0}é-]{1,24}") {
            if let Some((_, Err(bad))) = Reader::new(line.as_bytes()).read().unwrap() {
                let place = bad.place.unwrap();
                prop_assert!(place.text.is_char_boundary(place.at) && !bad.message.contains("something else"));
            }
        }
    }
}
