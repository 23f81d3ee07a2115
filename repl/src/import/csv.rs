//! A reader of comma-separated values after RFC 4180 that keeps what import needs and general readers drop:
//! whether a field was quoted (`""` is the empty string, nothing is NULL), line numbers, and bad rows.

use std::io::{self, BufRead};

use super::bad::Bad;

/// The greatest length of a record in bytes.
pub const MAX_RECORD: usize = 64 << 20;

/// A record: the line that it begins at, and its fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The number of its first line, from 1.
    pub line: u64,
    /// Its fields, or what is wrong with it.
    pub fields: Result<Vec<Option<String>>, Bad>,
}

/// Reads records.
pub struct Reader<R> {
    input: R,
    line: u64,
    start: bool,
}

impl<R: BufRead> Reader<R> {
    /// A reader of `input` from its first line; a byte order mark is skipped.
    pub fn new(input: R) -> Self {
        Reader { input, line: 1, start: true }
    }

    /// The next record, or `None` at the end. Blank lines are records of one NULL.
    pub fn read(&mut self) -> io::Result<Option<Record>> {
        let line = self.line;
        let mut bytes = Vec::new();
        let mut checked = 0;
        let mut quotes = Quotes::Outside;
        loop {
            let room =
                u64::try_from(MAX_RECORD.saturating_sub(bytes.len()).saturating_add(1)).unwrap_or(u64::MAX);
            let read = io::Read::take(&mut self.input, room).read_until(b'\n', &mut bytes)?;
            if self.start {
                self.start = false;
                if bytes.starts_with(b"\xef\xbb\xbf") {
                    bytes.drain(..3);
                }
            }
            if read == 0 {
                break;
            }
            if bytes.len() > MAX_RECORD {
                return self.too_long(line, &bytes).map(Some);
            }
            if bytes.last() == Some(&b'\n') {
                self.line = self.line.saturating_add(1);
            }
            for byte in bytes.get(checked..).unwrap_or(&[]) {
                quotes = quotes.after(*byte);
            }
            checked = bytes.len();
            if quotes != Quotes::Inside {
                break;
            }
        }
        if bytes.is_empty() {
            return Ok(None);
        }
        let mut last = self.line;
        if bytes.last() == Some(&b'\n') {
            last = last.saturating_sub(1);
            bytes.pop();
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
        }
        let mut fields = split(bytes);
        if let (Err(bad), true) = (&mut fields, quotes == Quotes::Inside && last > line) {
            bad.message.push_str(&format!("; it takes in all lines up to {last}"));
        }
        Ok(Some(Record { line, fields }))
    }

    fn too_long(&mut self, line: u64, bytes: &[u8]) -> io::Result<Record> {
        let open = bytes.last() != Some(&b'\n');
        let mut rest = Vec::new();
        if open {
            loop {
                rest.clear();
                let read = io::Read::take(&mut self.input, 1 << 16).read_until(b'\n', &mut rest)?;
                if read == 0 || rest.last() == Some(&b'\n') {
                    break;
                }
            }
        }
        self.line = self.line.saturating_add(1);
        Ok(Record { line, fields: Err(format!("the record is longer than {} MiB", MAX_RECORD >> 20).into()) })
    }
}

/// Where in a record a byte stands, as far as line breaks need to know.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quotes {
    /// At the start of a field.
    Outside,
    /// In an unquoted field; quotes mean nothing there.
    Bare,
    /// In a quoted field.
    Inside,
    /// After a quote in a quoted field: its end or the first of two.
    Closed,
}

impl Quotes {
    fn after(self, byte: u8) -> Self {
        match (self, byte) {
            (Quotes::Inside, b'"') => Quotes::Closed,
            (Quotes::Inside, _) | (Quotes::Closed | Quotes::Outside, b'"') => Quotes::Inside,
            (_, b',' | b'\n') => Quotes::Outside,
            (_, _) => Quotes::Bare,
        }
    }
}

fn split(bytes: Vec<u8>) -> Result<Vec<Option<String>>, Bad> {
    let text = String::from_utf8(bytes)
        .map_err(|error| Bad::utf8(error.as_bytes(), error.utf8_error().valid_up_to(), "record"))?;
    // Where what is left of the text begins.
    let bad = |message: String, rest: &str| Bad::at(message, &text, text.len().saturating_sub(rest.len()));
    let mut fields = Vec::new();
    let mut rest = text.as_str();
    loop {
        let number = fields.len() + 1;
        if let Some(quoted) = rest.strip_prefix('"') {
            let (field, after) =
                unquote(quoted).ok_or_else(|| bad(format!("field {number} has no closing quote"), rest))?;
            fields.push(Some(field));
            match after.chars().next() {
                None => return Ok(fields),
                Some(',') => rest = after.get(1..).unwrap_or(""),
                Some(_) => return Err(bad(format!("field {number} goes on after its closing quote"), after)),
            }
        } else {
            let (field, after) = match rest.split_once(',') {
                Some((field, after)) => (field, Some(after)),
                None => (rest, None),
            };
            fields.push(if field.is_empty() { None } else { Some(field.to_owned()) });
            match after {
                Some(after) => rest = after,
                None => return Ok(fields),
            }
        }
    }
}

/// The field whose opening quote was just read, and what follows its closing quote.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let (piece, after) = rest.split_once('"')?;
        field.push_str(piece);
        match after.strip_prefix('"') {
            Some(after) => {
                field.push('"');
                rest = after;
            }
            None => return Some((field, after)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::csv_field;
    use proptest::prelude::*;

    fn records(bytes: &[u8]) -> Vec<Record> {
        let mut reader = Reader::new(bytes);
        std::iter::from_fn(|| reader.read().unwrap()).collect()
    }

    #[track_caller]
    fn check(text: &str, expected: &[(u64, &[Option<&str>])]) {
        let found = records(text.as_bytes());
        let expected: Vec<Record> = expected
            .iter()
            .map(|(line, fields)| Record {
                line: *line,
                fields: Ok(fields.iter().map(|f| f.map(str::to_owned)).collect()),
            })
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn null_is_not_the_empty_string() {
        check("a,,\"\"\n", &[(1, &[Some("a"), None, Some("")])]);
        check("\n", &[(1, &[None])]);
        check("", &[]);
    }

    #[test]
    fn quotes_hold_anything() {
        check(
            "\"a\nb\",\"c\"\"d\"\r\n\"x,y\",z",
            &[(1, &[Some("a\nb"), Some("c\"d")]), (3, &[Some("x,y"), Some("z")])],
        );
        check("5\" vinyl,b\"c\n", &[(1, &[Some("5\" vinyl"), Some("b\"c")])]);
    }

    #[test]
    fn marks_and_line_ends() {
        check("\u{feff}a,b\r\n1,2\r\n", &[(1, &[Some("a"), Some("b")]), (2, &[Some("1"), Some("2")])]);
        check("\u{feff}", &[]);
    }

    #[track_caller]
    fn check_bad(bytes: &[u8], message: &str, rest: &str, after: usize) {
        let found = records(bytes);
        let bad = found.first().unwrap().fields.clone().unwrap_err();
        let place = bad.place.unwrap();
        assert_eq!((bad.message.as_str(), &place.text[place.at..]), (message, rest));
        assert_eq!(found.len(), 1 + after);
        assert!(found.iter().skip(1).all(|record| record.fields.is_ok()));
    }

    #[test]
    fn a_bad_record_does_not_spoil_the_next() {
        check_bad(b"\"a\"b,c\nd,e\n", "field 1 goes on after its closing quote", "b,c", 1);
        check_bad(b"a,\xff\nd,e\n", "invalid UTF-8 at byte 3 of the record", "\u{fffd}", 1);
        check_bad(b"a,\"b", "field 2 has no closing quote", "\"b", 0);
        check_bad(
            b"a,\"b\nc,d\n",
            "field 2 has no closing quote; it takes in all lines up to 2",
            "\"b\nc,d",
            0,
        );
    }

    proptest! {
        #[test]
        fn reads_what_export_writes(rows in prop::collection::vec(prop::collection::vec(prop::option::of("[a,\"\r\n\\PC\u{feff}]{0,6}"), 2..4), 0..5)) {
            let mut text = String::new();
            for row in &rows {
                let fields: Vec<_> = row.iter().map(|f| f.as_deref().map(|f| csv_field(f, true)).unwrap_or_default()).collect();
                text.push_str(&fields.join(","));
                text.push('\n');
            }
            let found: Vec<_> = records(text.as_bytes()).into_iter().map(|record| record.fields.unwrap()).collect();
            prop_assert_eq!(found, rows);
        }

        #[test]
        fn agrees_with_the_csv_crate(text in "[a,\"\n]{0,40}") {
            let found = records(text.as_bytes());
            prop_assume!(found.iter().all(|record| record.fields.is_ok()));
            let found: Vec<Vec<String>> = found.into_iter()
                .map(|record| record.fields.unwrap().into_iter().map(Option::unwrap_or_default).collect::<Vec<_>>())
                .filter(|fields: &Vec<String>| fields.len() > 1 || !fields[0].is_empty())
                .collect();
            let expected: Vec<Vec<String>> = csv::ReaderBuilder::new().has_headers(false).flexible(true)
                .from_reader(text.as_bytes()).into_records()
                .map(|record| record.unwrap().iter().map(str::to_owned).collect::<Vec<_>>())
                .filter(|fields: &Vec<String>| fields.len() > 1 || !fields[0].is_empty())
                .collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn any_bytes_are_read_to_their_end(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            records(&bytes);
        }
    }
}
