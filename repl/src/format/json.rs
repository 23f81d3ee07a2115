//! JSON, as one array or one object a line.
//!
//! Hidden characters are written as `\u` escapes, so that the text is exact and safe to look at.

use std::collections::{HashMap, HashSet};
use std::fmt::Write as _;
use std::io::{self, Write};

use ankurah_core::node::protocol::Column;
use ankurah_core::value::Value;

use super::{Options, Writer, exact_float, text};
use crate::display::Safe;

pub(super) struct Json {
    lines: bool,
    exact: bool,
    keys: Vec<String>,
    rows: u64,
}

impl Json {
    pub(super) fn array(options: &Options) -> Self {
        Json { lines: false, exact: options.exact, keys: Vec::new(), rows: 0 }
    }

    pub(super) fn lines(options: &Options) -> Self {
        Json { lines: true, ..Json::array(options) }
    }
}

/// Names for the columns in which none comes twice: the second `a` is `a_2`.
fn keys(columns: &[Column]) -> Vec<String> {
    let mut taken: HashSet<String> = columns.iter().map(|column| column.name.clone()).collect();
    // The number that is tried next for each name.
    let mut numbers: HashMap<&str, u64> = HashMap::new();
    let mut keys = Vec::with_capacity(columns.len());
    for column in columns {
        let key = match numbers.get_mut(column.name.as_str()) {
            None => {
                numbers.insert(&column.name, 2);
                column.name.clone()
            }
            Some(number) => loop {
                let key = format!("{}_{number}", column.name);
                *number = number.saturating_add(1);
                if taken.insert(key.clone()) {
                    break key;
                }
            },
        };
        keys.push(string(&key));
    }
    keys
}

/// A row as one object. Where names come twice the later ones get a number.
pub(crate) fn row(names: &[&str], values: &[Value]) -> String {
    let columns = names.iter().map(|name| Column { name: (*name).to_owned(), value_type: None });
    let columns: Vec<Column> = columns.collect();
    let pairs: Vec<String> = keys(&columns)
        .iter()
        .zip(values)
        .map(|(key, value)| format!("{key}:{}", value_text(value)))
        .collect();
    format!("{{{}}}", pairs.join(","))
}

/// `text` as a JSON string.
fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c => push_safe(c, &mut out),
        }
    }
    out.push('"');
    out
}

/// A character, as `\u` escapes where it would be hidden.
fn push_safe(c: char, out: &mut String) {
    if (' '..='~').contains(&c) {
        return out.push(c);
    }
    let mut bytes = [0; 4];
    let alone: &str = c.encode_utf8(&mut bytes);
    if Safe::line(alone).as_str() == alone {
        return out.push(c);
    }
    for unit in c.encode_utf16(&mut [0; 2]) {
        // Writing to a string cannot fail.
        let _ = write!(out, "\\u{unit:04x}");
    }
}

fn value_text(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(_) | Value::Int(_) => text(value).into_owned(),
        Value::Float(number) if number.is_finite() => serde_json::Number::from_f64(*number)
            .map_or_else(|| "null".to_owned(), |number| number.to_string()),
        // Hidden characters can only be inside its strings.
        Value::Json(document) => {
            let mut out = String::with_capacity(document.len());
            document.chars().for_each(|c| push_safe(c, &mut out));
            out
        }
        other => string(&text(other)),
    }
}

impl Writer for Json {
    fn begin(&mut self, columns: &[Column], out: &mut dyn Write) -> io::Result<()> {
        self.keys = keys(columns);
        if self.lines { Ok(()) } else { out.write_all(b"[") }
    }

    fn row(&mut self, row: &[Value], out: &mut dyn Write) -> io::Result<()> {
        if !self.lines {
            out.write_all(if self.rows == 0 { b"\n" } else { b",\n" })?;
        }
        self.rows = self.rows.saturating_add(1);
        out.write_all(b"{")?;
        for (at, (key, value)) in self.keys.iter().zip(row).enumerate() {
            if at > 0 {
                out.write_all(b",")?;
            }
            let exact = if self.exact { exact_float(value) } else { None };
            write!(out, "{key}:{}", exact.unwrap_or_else(|| value_text(value)))?;
        }
        out.write_all(if self.lines { b"}\n" } else { b"}" })
    }

    fn end(&mut self, out: &mut dyn Write) -> io::Result<()> {
        match (self.lines, self.rows) {
            (true, _) => Ok(()),
            (false, 0) => out.write_all(b"]\n"),
            (false, _) => out.write_all(b"\n]\n"),
        }
    }

    fn abort(&mut self, out: &mut dyn Write) -> io::Result<()> {
        // Left open on purpose: nobody shall take it for a whole answer.
        if self.lines { Ok(()) } else { out.write_all(b"\n") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_comes_twice() {
        let columns = ["a", "a", "a_2", "a"].map(|name| Column { name: name.to_owned(), value_type: None });
        assert_eq!(keys(&columns), ["\"a\"", "\"a_3\"", "\"a_2\"", "\"a_4\""]);
    }

    /// In time that grows with their number alone.
    #[test]
    fn many_columns_of_one_name_have_keys_at_once() {
        let column = Column { name: "a".to_owned(), value_type: None };
        let keys = keys(&vec![column; 200_000]);
        assert_eq!(keys.last().map(String::as_str), Some("\"a_200000\""));
    }

    #[test]
    fn strings_are_exact_and_visible() {
        let text = "q\" b\\ \u{1b}[0m \u{202e} 🎸\u{e0041} \n";
        let json = string(text);
        assert_eq!(json, r#""q\" b\\ \u001b[0m \u202e 🎸\udb40\udc41 \n""#);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
