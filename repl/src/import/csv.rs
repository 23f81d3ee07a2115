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

/// Reads records. A line ends with LF, CRLF or CR.
pub struct Reader<R> {
    input: R,
    line: u64,
    start: bool,
    /// Whether a CR ended the last line, so that an LF after it is a part of the same end.
    carriage: bool,
    /// Whether a CR alone ends lines in this file, known from the first record's end.
    classic: Option<bool>,
}

/// The bytes of a record, without the end of its last line.
#[derive(Default)]
struct Raw {
    bytes: Vec<u8>,
    /// The LFs and CRLFs in its quotes.
    breaks: u64,
    /// The CRs alone in its quotes, which end lines where the others of the file are such.
    returns: u64,
    /// Whether a quote is open at its end.
    open: bool,
    /// Whether it is longer than may be; what is left of its line is skipped then.
    too_long: bool,
}

impl Raw {
    /// Without the line end that comes last in quotes that nothing closes.
    fn drop_last_end(&mut self) {
        match self.bytes.last() {
            Some(b'\n') => {
                self.bytes.pop();
                self.breaks = self.breaks.saturating_sub(1);
                if self.bytes.last() == Some(&b'\r') {
                    self.bytes.pop();
                }
            }
            Some(b'\r') => {
                self.bytes.pop();
                self.returns = self.returns.saturating_sub(1);
            }
            _ => {}
        }
    }
}

impl<R: BufRead> Reader<R> {
    /// A reader of `input` from its first line; a byte order mark is skipped.
    pub fn new(input: R) -> Self {
        Reader { input, line: 1, start: true, carriage: false, classic: None }
    }

    /// The next record, or `None` at the end. Blank lines are records of one NULL.
    ///
    /// # Errors
    /// Where the input cannot be read.
    pub fn read(&mut self) -> io::Result<Option<Record>> {
        let line = self.line;
        let Some(raw) = self.raw()? else { return Ok(None) };
        let classic = self.classic == Some(true);
        let inner = if classic { raw.breaks.saturating_add(raw.returns) } else { raw.breaks };
        let last = line.saturating_add(inner);
        self.line = last.saturating_add(1);
        if raw.too_long {
            let message = format!("the record is longer than {} MiB", MAX_RECORD >> 20);
            return Ok(Some(Record { line, fields: Err(message.into()) }));
        }
        let mut fields = split(raw.bytes);
        if let Err(bad) = &mut fields {
            if raw.open && inner > 0 {
                bad.message.push_str(&format!("; it takes in all lines up to {last}"));
            }
            if let (Some(place), true) = (&mut bad.place, classic) {
                // Shown in the lines that it has.
                place.text = place.text.replace('\r', "\n");
            }
        }
        Ok(Some(Record { line, fields }))
    }

    /// Reads up to the end of a record; `None` where there is nothing any more.
    fn raw(&mut self) -> io::Result<Option<Raw>> {
        let mut raw = Raw::default();
        let mut quotes = Quotes::Outside;
        if std::mem::take(&mut self.start) {
            self.skip_mark(&mut raw.bytes)?;
            if !raw.bytes.is_empty() {
                quotes = Quotes::Bare;
            }
        }
        if std::mem::take(&mut self.carriage) && self.peek()? == Some(b'\n') {
            self.input.consume(1);
        }
        let mut before = b' ';
        let mut ended = None;
        while ended.is_none() {
            let Some(_) = self.peek()? else { break };
            let buffer = self.input.fill_buf()?;
            let mut length = buffer.len();
            for (at, byte) in buffer.iter().enumerate() {
                quotes = quotes.after(*byte);
                if matches!(byte, b'\n' | b'\r') {
                    if quotes != Quotes::Inside || raw.too_long {
                        ended = Some(*byte);
                        length = at;
                        break;
                    }
                    match (before, byte) {
                        (b'\r', b'\n') => {
                            raw.returns = raw.returns.saturating_sub(1);
                            raw.breaks = raw.breaks.saturating_add(1);
                        }
                        (_, b'\n') => raw.breaks = raw.breaks.saturating_add(1),
                        _ => raw.returns = raw.returns.saturating_add(1),
                    }
                }
                before = *byte;
            }
            if !raw.too_long {
                raw.bytes.extend_from_slice(buffer.get(..length).unwrap_or(&[]));
            }
            self.input.consume(length.saturating_add(usize::from(ended.is_some())));
            if raw.bytes.len() > MAX_RECORD {
                raw.too_long = true;
                raw.bytes = Vec::new();
            }
        }
        raw.open = quotes == Quotes::Inside;
        if raw.open {
            raw.drop_last_end();
        }
        if let Some(byte) = ended {
            self.carriage = byte == b'\r';
            if self.classic.is_none() {
                self.classic = Some(self.carriage && self.peek()? != Some(b'\n'));
            }
        }
        let nothing = ended.is_none() && raw.bytes.is_empty() && !raw.too_long;
        Ok((!nothing).then_some(raw))
    }

    /// The next byte, which stays there; `None` at the end.
    fn peek(&mut self) -> io::Result<Option<u8>> {
        loop {
            match self.input.fill_buf() {
                Ok(buffer) => return Ok(buffer.first().copied()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Skips a byte order mark. What is only the beginning of one is put into `bytes`.
    fn skip_mark(&mut self, bytes: &mut Vec<u8>) -> io::Result<()> {
        for expected in *b"\xef\xbb\xbf" {
            if self.peek()? != Some(expected) {
                return Ok(());
            }
            self.input.consume(1);
            bytes.push(expected);
        }
        bytes.clear();
        Ok(())
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
            (_, b',' | b'\n' | b'\r') => Quotes::Outside,
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
        check("\u{feff}\"a,b\"\n", &[(1, &[Some("a,b")])]);
    }

    #[test]
    fn lines_end_with_carriage_returns_in_classic_mac_files() {
        let two = |first, second| [(1, first), (2, second)];
        check("k,v\r1,a\r", &two(&[Some("k"), Some("v")][..], &[Some("1"), Some("a")]));
        check("k,v\r1,a", &two(&[Some("k"), Some("v")][..], &[Some("1"), Some("a")]));
        check("a\r\rb\r", &[(1, &[Some("a")]), (2, &[None]), (3, &[Some("b")])]);
        check("\u{feff}a\rb\r", &[(1, &[Some("a")]), (2, &[Some("b")])]);
        // A line end in quotes is one line further, whichever it is.
        check(
            "a\r\"b\rc\r\nd\ne\"\rf\r",
            &[(1, &[Some("a")]), (2, &[Some("b\rc\r\nd\ne")]), (6, &[Some("f")])],
        );
        check("\"a\rb\"\rc\r", &[(1, &[Some("a\rb")]), (3, &[Some("c")])]);
        // In a file whose lines end otherwise, it is as no editor counts it.
        check("a\n\"b\rc\"\nd\n", &[(1, &[Some("a")]), (2, &[Some("b\rc")]), (3, &[Some("d")])]);
        check("a\r\nb\r\n\r\nc", &[(1, &[Some("a")]), (2, &[Some("b")]), (3, &[None]), (4, &[Some("c")])]);
    }

    #[test]
    fn the_place_of_a_bad_record_is_right_in_classic_mac_files() {
        let bad = |text: &str| records(text.as_bytes()).into_iter().find_map(|record| record.fields.err());
        let found = bad("a\r\"b\rc\"d\re\r").unwrap();
        let place = found.place.unwrap();
        assert_eq!((place.text.as_str(), &place.text[place.at..]), ("\"b\nc\"d", "d"));
        let found = bad("a\r\"b\rc\rd").unwrap();
        assert_eq!(found.message, "field 1 has no closing quote; it takes in all lines up to 4");
    }

    /// Gives one byte at a time, so that every line end and mark is cut in two.
    struct Trickle<'a>(&'a [u8]);

    impl io::Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let length = self.0.len().min(buffer.len()).min(1);
            self.0.read(&mut buffer[..length])
        }
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
        fn how_much_is_read_at_a_time_makes_no_difference(text in "\u{feff}?[a,\"\n\r\u{feff}]{0,30}") {
            let mut reader = Reader::new(io::BufReader::new(Trickle(text.as_bytes())));
            let found: Vec<_> = std::iter::from_fn(|| reader.read().unwrap()).collect();
            prop_assert_eq!(found, records(text.as_bytes()));
        }

        #[test]
        fn agrees_with_the_csv_crate(text in "[a,\"\n\r]{0,40}") {
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
