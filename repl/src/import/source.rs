//! Rows of a file, in whatever form it has.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ankurah_core::catalog::define::{MAX_NAME, MAX_PROPERTIES};

use super::bad::Bad;
use super::csv;
use super::json;
use crate::cli::ImportFormat;

/// A field of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    /// Nothing.
    Null,
    /// A CSV field.
    Text(String),
    /// A JSON string.
    String(String),
    /// A JSON number, as written.
    Number(String),
    /// A JSON truth value.
    Bool(bool),
    /// A JSON array or object.
    Json(String),
}

impl Field {
    /// Its text.
    pub fn text(&self) -> &str {
        match self {
            Field::Null => "",
            Field::Text(text) | Field::String(text) | Field::Number(text) | Field::Json(text) => text,
            Field::Bool(true) => "true",
            Field::Bool(false) => "false",
        }
    }
}

/// A row: its line, and its fields by column or what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The number of its first line, from 1.
    pub line: u64,
    /// As many fields as the source has columns (JSON lines: up to now).
    pub fields: Result<Vec<Field>, Bad>,
}

impl Row {
    /// The bytes of its fields' text.
    pub fn bytes(&self) -> usize {
        self.fields.iter().flatten().map(|field| field.text().len()).fold(0, usize::saturating_add)
    }
}

/// The columns of a file. A CSV file has them in its header; those of JSON lines are the names of all its objects,
/// which the first pass over it finds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The columns.
    pub columns: Vec<String>,
    /// Names that become no columns, and why: an object with such a member is left out.
    pub refused: BTreeMap<String, String>,
    /// Whether these are all, so that an object with another one is left out.
    pub complete: bool,
}

/// The bytes read so far.
pub type Progress = Arc<AtomicU64>;

/// A reader that counts.
struct Counted<R> {
    inner: R,
    count: Progress,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.count.fetch_add(u64::try_from(read).unwrap_or(u64::MAX), Ordering::Relaxed);
        Ok(read)
    }
}

/// An open file.
pub struct Source {
    reader: Form,
    names: Names,
}

enum Form {
    Csv(csv::Reader<Box<dyn BufRead + Send>>),
    Json(json::Reader<Box<dyn BufRead + Send>>),
}

/// Why a file has no rows to read.
#[derive(Debug)]
pub enum Unopened {
    /// It cannot be read.
    Io(io::Error),
    /// What is wrong with it: the line, and what.
    Content(Option<u64>, Bad),
}

impl From<io::Error> for Unopened {
    fn from(error: io::Error) -> Self {
        Unopened::Io(error)
    }
}

/// The form that a file's name says.
pub fn form_of(path: &Path) -> Option<ImportFormat> {
    match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "csv" => Some(ImportFormat::Csv),
        "jsonl" | "ndjson" => Some(ImportFormat::Jsonl),
        _ => None,
    }
}

impl Source {
    /// Reads a file and its header. `names` are those that an earlier pass over JSON lines found.
    ///
    /// # Errors
    /// Where it cannot be read or its header is wrong.
    pub fn open(file: File, form: ImportFormat, names: Names, count: Progress) -> Result<Self, Unopened> {
        Source::new(BufReader::with_capacity(1 << 16, Counted { inner: file, count }), form, names)
    }

    /// Reads from `input`.
    ///
    /// # Errors
    /// Where it cannot be read or its header is wrong.
    pub fn new(
        input: impl BufRead + Send + 'static,
        form: ImportFormat,
        names: Names,
    ) -> Result<Self, Unopened> {
        let input: Box<dyn BufRead + Send> = Box::new(input);
        match form {
            ImportFormat::Jsonl => Ok(Source { reader: Form::Json(json::Reader::new(input)), names }),
            ImportFormat::Csv => {
                let mut reader = csv::Reader::new(input);
                let empty = || Unopened::Content(None, "the file is empty".to_owned().into());
                let header = reader.read()?.ok_or_else(empty)?;
                let bad = |bad: Bad| Unopened::Content(Some(1), bad);
                let header = header.fields.map_err(bad)?;
                let columns = check_header(header).map_err(|message| bad(message.into()))?;
                let names = Names { columns, refused: BTreeMap::new(), complete: true };
                Ok(Source { reader: Form::Csv(reader), names })
            }
        }
    }

    /// Whether the columns are known before the first row.
    pub fn has_header(&self) -> bool {
        matches!(self.reader, Form::Csv(_))
    }

    /// The columns; those of JSON lines grow as rows are read.
    pub fn columns(&self) -> &[String] {
        &self.names.columns
    }

    /// The next row.
    ///
    /// # Errors
    /// Where the file cannot be read on.
    pub fn read(&mut self) -> io::Result<Option<Row>> {
        match &mut self.reader {
            Form::Csv(reader) => loop {
                let Some(record) = reader.read()? else { return Ok(None) };
                let wanted = self.names.columns.len();
                let fields = match record.fields {
                    // A blank line is a NULL where there is one column, and nothing elsewhere.
                    Ok(fields) if wanted > 1 && fields.as_slice() == [None] => continue,
                    Ok(fields) if fields.len() != wanted => {
                        let noun = if fields.len() == 1 { "field" } else { "fields" };
                        Err(format!("the row has {} {noun}, the header has {wanted}", fields.len()).into())
                    }
                    Ok(fields) => {
                        Ok(fields.into_iter().map(|f| f.map_or(Field::Null, Field::Text)).collect())
                    }
                    Err(bad) => Err(bad),
                };
                return Ok(Some(Row { line: record.line, fields }));
            },
            Form::Json(reader) => {
                let Some((line, object)) = reader.read()? else { return Ok(None) };
                let fields = object.and_then(|object| Ok(place(object, &mut self.names)?));
                Ok(Some(Row { line, fields }))
            }
        }
    }
}

/// The members of an object by column; new names become columns.
fn place(object: Vec<(String, Field)>, names: &mut Names) -> Result<Vec<Field>, String> {
    let mut by_name: HashMap<String, Field> = HashMap::with_capacity(object.len());
    let mut new = Vec::new();
    for (name, field) in object {
        if name.is_empty() {
            return Err("a member has no name".to_owned());
        }
        check_name(&name)?;
        if let Some(reason) = names.refused.get(&name) {
            return Err(reason.clone());
        }
        if by_name.contains_key(&name) {
            return Err(format!("`{name}` comes twice"));
        }
        if !names.columns.contains(&name) {
            new.push(name.clone());
        }
        by_name.insert(name, field);
    }
    let room = if names.complete { 0 } else { MAX_PROPERTIES.saturating_sub(names.columns.len()) };
    if new.len() > room {
        return Err(format!(
            "there are more than {MAX_PROPERTIES} names; a collection has no more properties"
        ));
    }
    names.columns.extend(new);
    Ok(names.columns.iter().map(|name| by_name.remove(name).unwrap_or(Field::Null)).collect())
}

/// What is wrong with a name as such.
pub(super) fn check_name(name: &str) -> Result<(), String> {
    const SHOWN: usize = 24;
    if name.is_empty() {
        return Err("a name cannot be empty".to_owned());
    }
    if name.len() > MAX_NAME {
        let start: String = name.chars().take(SHOWN).collect();
        return Err(format!("the name `{start}…` has {} bytes; the limit is {MAX_NAME}", name.len()));
    }
    match name.find('\0') {
        Some(at) => Err(format!("a name cannot contain the character U+0000 (at byte {at} of `{name}`)")),
        None => Ok(()),
    }
}

fn check_header(header: Vec<Option<String>>) -> Result<Vec<String>, String> {
    if header.len() > MAX_PROPERTIES {
        return Err(format!(
            "there are {} columns; a collection has at most {MAX_PROPERTIES} properties",
            header.len()
        ));
    }
    let mut columns: Vec<String> = Vec::with_capacity(header.len());
    for (at, name) in header.into_iter().enumerate() {
        let name = name.unwrap_or_default();
        if name.is_empty() {
            return Err(format!("column {} has no name", at + 1));
        }
        check_name(&name)?;
        if columns.contains(&name) {
            return Err(format!("two columns are called `{name}`"));
        }
        columns.push(name);
    }
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str, form: ImportFormat) -> (Vec<String>, Vec<Row>) {
        let mut source = Source::new(io::Cursor::new(text.to_owned()), form, Names::default()).unwrap();
        let rows = std::iter::from_fn(|| source.read().unwrap()).collect();
        (source.names.columns, rows)
    }

    #[track_caller]
    fn check_header_error(text: &str, message: &str) {
        let found = Source::new(io::Cursor::new(text.to_owned()), ImportFormat::Csv, Names::default());
        match found.err().unwrap() {
            Unopened::Content(_, bad) => assert_eq!(bad.message, message),
            Unopened::Io(error) => panic!("{error}"),
        }
    }

    #[test]
    fn headers() {
        check_header_error("", "the file is empty");
        check_header_error("a,,b\n", "column 2 has no name");
        check_header_error("a,b,a\n", "two columns are called `a`");
        check_header_error("a,\"b", "field 2 has no closing quote");
        check_header_error("a\0,b", "a name cannot contain the character U+0000 (at byte 1 of `a\0`)");
        let long = "n".repeat(256);
        let cut = format!("the name `{}…` has 256 bytes; the limit is 255", &long[..24]);
        check_header_error(&format!("a,{long}"), &cut);
        let many: Vec<String> = (0..1025).map(|number| format!("c{number}")).collect();
        check_header_error(
            &many.join(","),
            "there are 1025 columns; a collection has at most 1024 properties",
        );
    }

    #[track_caller]
    fn check_member_error(text: &str, names: Names, message: &str) {
        let mut source = Source::new(io::Cursor::new(text.to_owned()), ImportFormat::Jsonl, names).unwrap();
        let bad = source.read().unwrap().unwrap().fields.unwrap_err();
        assert_eq!(bad.message, message);
        // The next line has nothing wrong with it.
        assert!(source.read().unwrap().unwrap().fields.is_ok());
    }

    #[test]
    fn a_name_that_is_none_is_wrong_with_its_line_alone() {
        let none = Names::default;
        let cut = format!("the name `{}…` has 300 bytes; the limit is 255", "é".repeat(24));
        check_member_error(&format!("{{\"{}\": 1}}\n{{}}", "é".repeat(150)), none(), &cut);
        check_member_error("{\"\": 1}\n{}", none(), "a member has no name");
        check_member_error(
            "{\"a\\u0000\": 1}\n{}",
            none(),
            "a name cannot contain the character U+0000 (at byte 1 of `a\0`)",
        );
        let many: Vec<String> = (0..1025).map(|number| format!("\"c{number}\": 1")).collect();
        let full = "there are more than 1024 names; a collection has no more properties";
        check_member_error(&format!("{{{}}}\n{{\"a\": 1}}", many.join(",")), none(), full);
        let known = Names {
            columns: vec!["a".to_owned()],
            refused: BTreeMap::from([("b".to_owned(), "no".to_owned())]),
            complete: true,
        };
        check_member_error("{\"a\": 1, \"b\": 1}\n{\"a\": 1}", known.clone(), "no");
        check_member_error("{\"c\": 1}\n{\"a\": 1}", known, full);
    }

    #[test]
    fn ragged_and_blank_rows() {
        let (_, found) = rows("a,b\n1,2\n3\n\n4,5,6\n7,8", ImportFormat::Csv);
        let text = |text: &str| Field::Text(text.to_owned());
        assert_eq!(
            found,
            [
                Row { line: 2, fields: Ok(vec![text("1"), text("2")]) },
                Row { line: 3, fields: Err("the row has 1 field, the header has 2".to_owned().into()) },
                Row { line: 5, fields: Err("the row has 3 fields, the header has 2".to_owned().into()) },
                Row { line: 6, fields: Ok(vec![text("7"), text("8")]) },
            ]
        );
        let (_, found) = rows("a\n\nx\n", ImportFormat::Csv);
        assert_eq!(found[0], Row { line: 2, fields: Ok(vec![Field::Null]) });
    }

    #[test]
    fn json_lines() {
        let text = "{\"a\": 1.50, \"b\": \"x\\n\"}\n\n{\"c\": [1, {}], \"a\": null}\n{\"a\": true}\n{\"a\": 1, \"a\": 2}\n[1]\n{\"a\": 1";
        let (columns, found) = rows(text, ImportFormat::Jsonl);
        assert_eq!(columns, ["a", "b", "c"]);
        assert_eq!(
            found[0],
            Row { line: 1, fields: Ok(vec![Field::Number("1.50".into()), Field::String("x\n".into())]) }
        );
        assert_eq!(
            found[1],
            Row { line: 3, fields: Ok(vec![Field::Null, Field::Null, Field::Json("[1, {}]".into())]) }
        );
        assert_eq!(found[2].fields, Ok(vec![Field::Bool(true), Field::Null, Field::Null]));
        assert_eq!(found[3].fields, Err("`a` comes twice".to_owned().into()));
        assert!(found[4].fields.is_err());
        assert!(found[5].fields.is_err());
        assert_eq!(found.len(), 6);
    }
}
