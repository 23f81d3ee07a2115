//! What one row holds never ends an import: a row that cannot be stored is left out, and named by its line.

use std::io::Cursor;

use ankurah_core::node::protocol::{Event, SessionId};
use ankurah_core::operation::limits::VALUE_BYTES;
use ankurah_core::value::Value;
use ankurah_repl::cli::{Cli, Command};
use ankurah_repl::client::{Client, Interrupt, Pump};
use ankurah_repl::import::{Source, Step, form_of, import};
use ankurah_repl::target::fresh_fixed;
use clap::Parser;

/// Imports a text into a fresh store. Gives the rows that were left out, and how many were created. `before` is run
/// first.
fn run(before: &str, line: &str, text: &[u8]) -> (Vec<(u64, String)>, u64) {
    let opened = fresh_fixed().unwrap();
    let client = Client::new(opened.connection.clone(), SessionId(1), Interrupt::default(), Pump::Here);
    if !before.is_empty() {
        client.execute(before, Default::default()).for_each(|_| {}).unwrap();
    }
    let words = ["ankurah", "import", "memory:"].into_iter().chain(line.split_whitespace());
    let Command::Import(args) = Cli::parse_from(words).command else { panic!("another command") };
    let form = form_of(&args.file).unwrap();
    let open = |names| Source::new(Cursor::new(text.to_vec()), form, names);
    let mut left_out = Vec::new();
    let summary = import(&args, &client, &open, &mut |step| {
        if let Step::Rejected(line, bad) = step {
            left_out.push((line, bad.message.clone()));
        }
    });
    let summary = summary.unwrap();
    assert_eq!(summary.rejected, left_out.len() as u64);
    (left_out, summary.created)
}

/// Imports three rows of which the second is left out.
#[track_caller]
fn check(line: &str, text: impl AsRef<[u8]>, message: &str) {
    let (left_out, created) = run("", line, text.as_ref());
    let line = if line.contains(".csv") { 3 } else { 2 };
    assert_eq!(left_out, [(line, message.to_owned())]);
    assert_eq!(created, 2);
}

/// A CSV file of three rows, and JSON lines with the same.
fn csv(value: &str) -> String {
    format!("k,v\n1,a\n2,{value}\n3,c\n")
}

fn jsonl(good: &str, bad: &str) -> String {
    format!("{{\"k\": 1, \"v\": {good}}}\n{{\"k\": 2, \"v\": {bad}}}\n{{\"k\": 3, \"v\": {good}}}\n")
}

#[test]
fn a_value_that_is_too_large_is_one_row_left_out() {
    let large = "x".repeat(VALUE_BYTES + 1);
    let said = "column `v`: the value has 4194305 bytes; the limit is 4194304";
    check("a.csv --into t --key k", csv(&large), said);
    check("a.csv --into t --text v", csv(&large), said);
    check("a.csv --into t --key v", csv(&large), said);
    check("a.jsonl --into t", jsonl("\"a\"", &format!("\"{large}\"")), said);
    check("a.jsonl --into t --type v=json", jsonl("[1]", &format!("\"{}\"", &large[2..])), said);
    check("a.jsonl --into t", jsonl("[1]", &format!("[\"{}\"]", &large[4..])), said);
    let fits = "x".repeat(VALUE_BYTES);
    for line in ["a.csv --into t --key k", "a.csv --into t --text v", "a.csv --into t --key v"] {
        assert_eq!(run("", line, csv(&fits).as_bytes()), (Vec::new(), 3), "{line}");
    }
}

#[test]
fn a_reference_by_a_key_that_is_too_large_is_one_row_left_out() {
    let text = csv(&"x".repeat(VALUE_BYTES + 1));
    let said = "column `v`: the value has 4194305 bytes; the limit is 4194304";
    let line = "a.csv --into t --ref v=genre.name";
    assert_eq!(
        run("create model genre (name string key)", line, text.as_bytes()),
        (vec![(3, said.to_owned())], 2)
    );
}

#[test]
fn a_row_that_is_too_large_in_total_is_left_out() {
    let row = |value: &str| format!("{0},{0},{0},{0}", value);
    let file = |large: &str| {
        let (small, large) = (row("a"), row(large));
        format!("k,a,b,c,d\n1,{small}\n2,{large}\n3,{small}\n")
    };
    let most = (16 << 20) - (256 << 10);
    let said = format!("the values of the row have {} bytes together; the limit is {most}", most + 4);
    for more in ["", " --key k", " --text a --text b --text c --text d"] {
        check(&format!("a.csv --into t{more}"), file(&"x".repeat(most / 4 + 1)), &said);
    }
    assert_eq!(run("", "a.csv --into t --key k", file(&"x".repeat(most / 4)).as_bytes()), (Vec::new(), 3));
}

#[test]
fn content_that_no_value_has_is_one_row_left_out() {
    let nul =
        "column `v`: `b\0c` is not a valid string: a string cannot contain the character U+0000 (at byte 1)";
    check("a.csv --into t --key v", csv("b\0c"), nul);
    for more in ["", " --text v"] {
        check(&format!("a.csv --into t{more}"), csv("b\0c"), nul);
        check(&format!("a.jsonl --into t{more}"), jsonl("\"a\"", "\"b\\u0000c\""), nul);
    }
    let deep = format!("{}{}", "[".repeat(129), "]".repeat(129));
    let said = format!(
        "column `v`: `{}…` is not a valid json: invalid json: nested deeper than 128 levels at byte 128",
        "[".repeat(64)
    );
    check("a.jsonl --into t", jsonl("[]", &deep), &said);
    check("a.csv --into t", b"k,v\n1,a\n2,\xff\n3,c\n", "invalid UTF-8 at byte 3 of the record");
    check(
        "a.jsonl --into t",
        b"{\"k\": 1}\n{\"k\": \"\xff\"}\n{\"k\": 3}",
        "invalid UTF-8 at byte 8 of the line",
    );
}

#[test]
fn a_name_that_no_property_can_have_is_one_row_left_out() {
    let with = |member: &str| format!("{{\"k\": 1}}\n{{\"k\": 2, \"{member}\": 1}}\n{{\"k\": 3}}\n");
    let said = format!("the name `{}…` has 256 bytes; the limit is 255", "n".repeat(24));
    check("a.jsonl --into t", with(&"n".repeat(256)), &said);
    let said = "a name cannot contain the character U+0000 (at byte 1 of `a\0`)";
    check("a.jsonl --into t", with("a\\u0000"), said);
    let many: Vec<String> = (0..1024).map(|number| format!("c{number}\": 1, \"")).collect();
    let said = "there are more than 1024 names; a collection has no more properties";
    check("a.jsonl --into t", with(&format!("{}d", many.concat())), said);
    let said = "the columns `id` and `id_` would both be the property `id_`";
    let text = b"{\"id\": 1}\n{\"id_\": 2}\n{\"id\": 3}\n";
    check("a.jsonl --into t", text, said);
    let twice = "the columns `K` and `k` would both be the property `k`";
    let model = "create model t (k i64)";
    assert_eq!(run(model, "a.jsonl --into t", b"{\"K\": 1}\n{\"k\": 2}\n"), (vec![(2, twice.to_owned())], 1));
}

#[test]
fn a_name_for_which_a_collection_has_no_room_is_one_row_left_out() {
    let names: Vec<String> = (0..1023).map(|number| format!("c{number} i64")).collect();
    let model = format!("create model t ({})", names.join(", "));
    let (left_out, created) =
        run(&model, "a.jsonl --into t", b"{\"c1\": 1, \"x\": 1}\n{\"y\": 1}\n{\"x\": 2}\n");
    let said = "there is no room for a property `y`: a collection has at most 1024, dropped ones included";
    assert_eq!((left_out, created), (vec![(2, said.to_owned())], 2));
}

#[test]
fn lines_of_a_classic_mac_file_are_rows_with_their_numbers() {
    let text = b"k,v\r1,\"a\rb\"\rx,c\r\r4,d";
    let (left_out, created) = run("create model t (k i64 key, v string)", "a.csv --into t", text);
    let said = "column `k`: `x` is not a valid i64: expected digits";
    assert_eq!((left_out, created), (vec![(4, said.to_owned())], 2));
}

#[test]
fn rows_that_are_large_together_are_imported() {
    let row = |number: u32| format!("{number},{}\n", "x".repeat(1 << 20));
    let text: String = (0..18).map(row).collect();
    assert_eq!(run("", "a.csv --into t", format!("k,v\n{text}").as_bytes()), (Vec::new(), 18));
}

/// The rows that a query gives after an import, as values joined by `|`.
fn imported(line: &str, text: &str, query: &str) -> Vec<String> {
    let opened = fresh_fixed().unwrap();
    let client = Client::new(opened.connection.clone(), SessionId(1), Interrupt::default(), Pump::Here);
    let words = ["ankurah", "import", "memory:"].into_iter().chain(line.split_whitespace());
    let Command::Import(args) = Cli::parse_from(words).command else { panic!("another command") };
    let open = |names| Source::new(Cursor::new(text.to_owned()), form_of(&args.file).unwrap(), names);
    import(&args, &client, &open, &mut |_| {}).unwrap();
    let mut rows = Vec::new();
    let asked = client.execute(query, Default::default()).for_each(|event| {
        if let Event::Rows(batch) = event {
            let row = |row: Vec<Value>| row.iter().map(ToString::to_string).collect::<Vec<_>>().join("|");
            rows.extend(batch.into_iter().map(row));
        }
    });
    asked.unwrap();
    rows
}

#[test]
fn keys_that_a_float_would_round_into_one_stay_apart() {
    let file = "k,v\n9007199254740993,a\n9007199254740992,b\n1e3,c\n";
    assert_eq!(
        imported("a.csv --into t --key k", file, "select k, typeof(k), v from t order by k"),
        ["1000|decimal|c", "9007199254740992|decimal|b", "9007199254740993|decimal|a"]
    );
    let lines = "{\"k\": 9007199254740993}\n{\"k\": 9007199254740992}\n{\"k\": 1e300}\n";
    assert_eq!(
        imported("a.jsonl --into t --key k", lines, "select k, typeof(k) from t order by k"),
        ["1e300|string", "9007199254740992|string", "9007199254740993|string"]
    );
}

#[test]
fn digits_that_a_type_would_round_are_kept() {
    let file = "d,t\n0.1234567890123456789012,2020-01-31 23:59:59.1234567\n1e0,9999-12-31 23:59:59.9999999\n";
    assert_eq!(
        imported("a.csv --into t", file, "select d, t from t order by d"),
        ["0.1234567890123456789012|2020-01-31 23:59:59.1234567", "1|9999-12-31 23:59:59.9999999"]
    );
}

/// What a type cannot hold is one row left out where the type was asked for, unless rounding is what it is for.
#[test]
fn a_type_that_was_asked_for_rounds_as_in_sql_or_leaves_the_row_out() {
    let fraction = "column `v`: `1.5` is not a valid i64: expected digits";
    check("a.csv --into t --type v=i64", "k,v\n1,1\n2,1.5\n3,2\n", fraction);
    let digits = "column `v`: `1e-30` is not a valid decimal: a decimal holds 28 digits";
    check("a.csv --into t --type v=decimal", "k,v\n1,1\n2,1e-30\n3,2\n", digits);
    let year = "column `v`: `9999-12-31 23:59:59.9999999` is not a valid timestamp: the year is out of range";
    let times = "k,v\n1,2020-01-01\n2,9999-12-31 23:59:59.9999999\n3,2020-01-01\n";
    check("a.csv --into t --type v=timestamp", times, year);
    let line = "a.csv --into t --type v=f64 --type t=timestamp";
    assert_eq!(
        imported(line, "v,t\n9007199254740993,2020-01-31 23:59:59.1234567\n", "select v, t from t"),
        ["9007199254740992.0|2020-01-31 23:59:59.123457"]
    );
}

#[test]
fn an_object_in_which_a_key_comes_twice_is_one_row_left_out() {
    let said = |text: &str, at| {
        format!(
            "column `v`: `{text}` is not a valid json: invalid json: the key comes twice in its object at byte {at}"
        )
    };
    let nested = r#"{"a":[{"b":1,"b":2}]}"#;
    check("a.jsonl --into t", jsonl("[]", nested), &said(nested, 13));
    let escaped = r#"{"a":1,"\u0061":2}"#;
    check("a.jsonl --into t", jsonl("[]", escaped), &said(escaped, 7));
    let csv = "k,v\n1,[]\n2,\"{\"\"a\"\":1,\"\"a\"\":2}\"\n3,[]\n";
    check("a.csv --into t --type v=json", csv, &said(r#"{"a":1,"a":2}"#, 7));
}

#[test]
fn json_lines_may_end_with_carriage_returns() {
    for end in ["\n", "\r\n", "\r"] {
        let text = ["{\"k\": 1}", "{\"k\": oops}", "{\"k\": 3}"].join(end);
        let said = "expected a JSON value".to_owned();
        assert_eq!(run("", "a.jsonl --into t", text.as_bytes()), (vec![(2, said)], 2), "{end:?}");
    }
}
