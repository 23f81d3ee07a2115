//! Every output format, as people and programs get it.

use std::sync::Arc;

use ankurah_core::node::protocol::Column;
use ankurah_core::value::{Timestamp, Value, ValueType};
use ankurah_repl::display::Style;
use ankurah_repl::format::{Format, Options, writer};

use crate::common::snapshot;

fn string(text: &str) -> Value {
    Value::String(Arc::from(text))
}

fn columns() -> Vec<Column> {
    [
        ("name", ValueType::String),
        ("year", ValueType::Int),
        ("price", ValueType::Decimal),
        ("score", ValueType::Float),
        ("live", ValueType::Bool),
        ("added", ValueType::Timestamp),
        ("tags", ValueType::Json),
    ]
    .map(|(name, value_type)| Column { name: name.to_owned(), value_type: Some(value_type) })
    .into()
}

fn rows() -> Vec<Vec<Value>> {
    let decimal = |text: &str| ankurah_core::value::parse(text, ValueType::Decimal).unwrap();
    let time = Value::Timestamp(Timestamp(1_580_515_199_123_400));
    let json = |text: &str| Value::json(text).unwrap();
    vec![
        vec![
            string("Blue Train"),
            Value::Int(1957),
            decimal("9.99"),
            Value::Float(4.5),
            Value::Bool(true),
            time,
            json(r#"["jazz", {"b": 1, "a": "\u202e"}]"#),
        ],
        vec![
            string("東京ジャズ, \"live\""),
            Value::Int(-1),
            decimal("-1000000.5"),
            Value::Float(f64::NAN),
            Value::Bool(false),
            Value::Null,
            Value::Null,
        ],
        vec![
            string("evil \u{1b}[2J\u{202e}\u{200b}name"),
            Value::Null,
            Value::Null,
            Value::Float(1e300),
            Value::Null,
            Value::Null,
            json("{}"),
        ],
        vec![
            string("two\nlines\tand | a \\ <b>"),
            Value::Int(0),
            decimal("0"),
            Value::Null,
            Value::Null,
            Value::Null,
            json("1"),
        ],
        vec![string(""), Value::Null, Value::Null, Value::Null, Value::Null, Value::Null, Value::Null],
        vec![string("NULL"), Value::Null, Value::Null, Value::Null, Value::Null, Value::Null, Value::Null],
    ]
}

fn render(options: &Options, columns: &[Column], rows: &[Vec<Value>]) -> String {
    let mut out = Vec::new();
    let mut writer = writer(options);
    writer.begin(columns, &mut out).unwrap();
    for row in rows {
        writer.row(row, &mut out).unwrap();
    }
    writer.end(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn options(format: Format) -> Options {
    Options { format, ..Options::default() }
}

const ALL: [Format; 8] = [
    Format::Table,
    Format::Box,
    Format::Vertical,
    Format::Csv,
    Format::Tsv,
    Format::Json,
    Format::Jsonl,
    Format::Markdown,
];

#[test]
fn every_format() {
    for format in ALL {
        snapshot(&format!("format_{}", format.name()), &render(&options(format), &columns(), &rows()));
    }
}

#[test]
fn frames_of_ascii() {
    let ascii = Style { colour: false, ascii: true };
    let mut all = String::new();
    for format in [Format::Table, Format::Box, Format::Vertical] {
        all += &render(&Options { style: ascii, ..options(format) }, &columns()[..2], &rows()[..2]);
    }
    snapshot("format_ascii", &all);
}

#[test]
fn narrow_terminals_cut_values() {
    let mut all = String::new();
    for format in [Format::Table, Format::Box] {
        let text = render(&Options { width: Some(48), ..options(format) }, &columns()[..3], &rows());
        assert!(text.lines().all(|line| ankurah_repl::display::width(line) <= 48), "{text}");
        all += &text;
    }
    snapshot("format_narrow", &all);
}

#[test]
fn terminals_too_narrow_for_a_table_get_a_line_for_each_value() {
    for format in [Format::Table, Format::Box] {
        let narrow = render(&Options { width: Some(30), ..options(format) }, &columns(), &rows());
        assert_eq!(narrow, render(&options(Format::Vertical), &columns(), &rows()));
    }
}

#[test]
fn no_rows() {
    let all: Vec<String> = ALL.iter().map(|format| render(&options(*format), &columns()[..2], &[])).collect();
    snapshot("format_empty", &all.join("=\n"));
}

#[test]
fn nothing_acts_on_a_terminal() {
    for format in ALL {
        let text = render(&options(format), &columns(), &rows());
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{200b}', '\r']), "{format:?}");
    }
}

#[test]
fn json_is_exact() {
    let text = render(&options(Format::Json), &columns(), &rows());
    let parsed: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(parsed[2]["name"], "evil \u{1b}[2J\u{202e}\u{200b}name");
    assert_eq!(parsed[0]["price"], "9.99");
    assert_eq!(parsed[0]["tags"][1]["a"], "\u{202e}");
    assert_eq!(parsed[1]["year"], -1);
    assert!(parsed[1]["tags"].is_null());
}

#[test]
fn exact_csv_is_exact() {
    let options = Options { exact: true, ..options(Format::Csv) };
    let text =
        render(&options, &columns()[..1], &rows().iter().map(|row| row[..1].to_vec()).collect::<Vec<_>>());
    let mut reader = ankurah_repl::import::csv::Reader::new(text.as_bytes());
    let mut found = Vec::new();
    while let Some(record) = reader.read().unwrap() {
        found.push(record.fields.unwrap().remove(0));
    }
    let expected: Vec<Option<String>> = std::iter::once(Some("name".to_owned()))
        .chain(rows().iter().map(|row| match &row[0] {
            Value::String(text) => Some(text.to_string()),
            _ => None,
        }))
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn memory_of_a_table_is_bounded() {
    let columns = &columns()[..2];
    let row = vec![string("x"), Value::Int(1)];
    let mut out = Vec::new();
    let mut writer = writer(&options(Format::Table));
    writer.begin(columns, &mut out).unwrap();
    for _ in 0..999 {
        writer.row(&row, &mut out).unwrap();
    }
    assert!(out.is_empty(), "widths are found over the first rows");
    writer.row(&row, &mut out).unwrap();
    assert!(!out.is_empty(), "after 1,000 rows they are written");
    let before = out.len();
    writer.row(&row, &mut out).unwrap();
    assert!(out.len() > before, "and every row after them at once");
}
