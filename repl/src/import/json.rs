//! A reader of JSON lines that keeps numbers as they are written.

use std::fmt;
use std::io::{self, BufRead};

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

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
                f.write_str("one object a line")
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

/// Reads objects.
pub(super) struct Reader<R> {
    input: R,
    line: u64,
}

/// The members of an object, or what is wrong with its line.
pub(super) type Object = Result<Vec<(String, Field)>, String>;

impl<R: BufRead> Reader<R> {
    /// A reader of `input` from its first line.
    pub(super) fn new(input: R) -> Self {
        Reader { input, line: 0 }
    }

    /// The next object with the number of its line. Blank lines are skipped.
    pub(super) fn read(&mut self) -> io::Result<Option<(u64, Object)>> {
        let mut bytes = Vec::new();
        loop {
            bytes.clear();
            let room = u64::try_from(MAX_RECORD).unwrap_or(u64::MAX);
            if io::Read::take(&mut self.input, room).read_until(b'\n', &mut bytes)? == 0 {
                return Ok(None);
            }
            self.line = self.line.saturating_add(1);
            if bytes.len() >= MAX_RECORD {
                let message = format!("the line is longer than {} MiB", MAX_RECORD >> 20);
                while bytes.last() != Some(&b'\n') {
                    bytes.clear();
                    if io::Read::take(&mut self.input, 1 << 16).read_until(b'\n', &mut bytes)? == 0 {
                        break;
                    }
                }
                return Ok(Some((self.line, Err(message))));
            }
            if self.line == 1 && bytes.starts_with(b"\xef\xbb\xbf") {
                bytes.drain(..3);
            }
            if !bytes.iter().all(u8::is_ascii_whitespace) {
                return Ok(Some((self.line, object(&bytes))));
            }
        }
    }
}

fn object(bytes: &[u8]) -> Object {
    let text =
        std::str::from_utf8(bytes).map_err(|e| format!("invalid UTF-8 at byte {}", e.valid_up_to() + 1))?;
    let said = |error: serde_json::Error| {
        let message = error.to_string();
        // It counts lines within this one.
        match message.rsplit_once(" at line ") {
            Some((what, _)) if error.column() > 0 => format!("{what} at column {}", error.column()),
            _ => message,
        }
    };
    let members: Members = serde_json::from_str(text).map_err(said)?;
    members.0.into_iter().map(|(name, raw)| Ok((name, field(raw.get()).map_err(said)?))).collect()
}

fn field(raw: &str) -> Result<Field, serde_json::Error> {
    Ok(match raw.as_bytes().first() {
        Some(b'n') | None => Field::Null,
        Some(b't') => Field::Bool(true),
        Some(b'f') => Field::Bool(false),
        Some(b'"') => Field::String(serde_json::from_str(raw)?),
        Some(b'[' | b'{') => Field::Json(raw.to_owned()),
        Some(_) => Field::Number(raw.to_owned()),
    })
}
