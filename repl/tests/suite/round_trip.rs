//! What is exported and imported again is the same, whatever the values.

use std::io::Cursor;
use std::sync::Arc;

use ankurah_core::node::protocol::{Cell, Event, Request, SessionId};
use ankurah_core::value::{RowRef, Timestamp, Value};
use ankurah_repl::cli::{Cli, Command, ImportArgs, ImportFormat};
use ankurah_repl::client::{Client, Interrupt, Pump};
use ankurah_repl::export::{Selection, export};
use ankurah_repl::format::Format;
use ankurah_repl::import::{Source, import};
use ankurah_repl::target::{Opened, fresh_fixed};
use clap::Parser;
use proptest::prelude::*;

/// A collection `m` with a property of each type, keyed by `number`.
const MODEL: &str = "create model m (number i64 key, a string, b bool, c f64, d decimal, e timestamp, f json, \
                     g text, h ref(m), \"order by\" string)";
const TYPES: &str = "--type a=string --type b=bool --type c=f64 --type d=decimal --type e=timestamp --type f=json \
                     --text g --key number --ref h=m.number --type orderby=string";

fn client(opened: &Opened) -> Client {
    Client::new(opened.connection.clone(), SessionId(1), Interrupt::default(), Pump::Here)
}

fn args() -> ImportArgs {
    let words =
        ["ankurah", "import", "memory:", "m.csv", "--into", "m"].into_iter().chain(TYPES.split_whitespace());
    match Cli::parse_from(words.map(|word| word.replace("orderby", "order by"))).command {
        Command::Import(args) => args,
        other => panic!("{other:?}"),
    }
}

fn exported(client: &Client, format: Format) -> String {
    let selection = Selection::of("m", false, &client.catalog().unwrap()).unwrap();
    let mut out = Vec::new();
    let summary = export(client, &selection, format, true, &mut out).unwrap();
    assert_eq!(summary.dangling, 0);
    String::from_utf8(out).unwrap()
}

/// The texts of the exported collection as they are read.
fn texts(client: &Client) -> Vec<Value> {
    let mut texts = Vec::new();
    client
        .execute("select g from m order by number", Default::default())
        .for_each(|event| {
            if let Event::Rows(rows) = event {
                texts.extend(rows.iter().flat_map(RowRef::to_values));
            }
        })
        .unwrap();
    texts
}

fn string() -> impl Strategy<Value = Value> {
    let text = "[a-c,\"'\r\n\t\\\\ \u{1b}\u{202e}é🎸\u{feff}@0-9-]{0,8}";
    prop_oneof![Just(Value::Null), text.prop_map(|text| Value::String(Arc::from(text)))]
}

fn row() -> impl Strategy<Value = Vec<Value>> {
    let boolean = prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::Bool)];
    let float = prop_oneof![Just(Value::Null), any::<f64>().prop_map(Value::float)];
    let decimal = prop_oneof![
        Just(Value::Null),
        (any::<i64>(), 0..12u32).prop_map(|(digits, scale)| Value::decimal(rust_decimal(digits, scale)))
    ];
    let time = prop_oneof![
        Just(Value::Null),
        (-62_000_000_000_000_000..250_000_000_000_000_000i64).prop_map(|at| Value::Timestamp(Timestamp(at)))
    ];
    let json = prop_oneof![
        Just(Value::Null),
        Just(Value::json(r#"{"a": [1, "x,\"\n", null], "b": 1.50}"#).unwrap()),
        Just(Value::json("\"text\"").unwrap()),
    ];
    (string(), boolean, float, decimal, time, json, string(), string())
        .prop_map(|(a, b, c, d, e, f, g, h)| vec![a, b, c, d, e, f, g, h])
}

fn rust_decimal(digits: i64, scale: u32) -> rust_decimal::Decimal {
    rust_decimal::Decimal::new(digits, scale)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn every_value_comes_back(rows in prop::collection::vec(row(), 1..5)) {
        let from = fresh_fixed().unwrap();
        let from = (client(&from), from);
        from.0.execute(MODEL, Default::default()).for_each(|_| {}).unwrap();
        let cells = rows.iter().zip(0i64..).map(|(row, number)| {
            let mut cells = vec![Cell::Value(Value::Int(number))];
            cells.extend(row[..7].iter().cloned().map(Cell::Value));
            cells.push(if number == 0 { Cell::Value(Value::Null) } else { Cell::Key(vec![Value::Int(number - 1)]) });
            cells.push(Cell::Value(row[7].clone()));
            cells
        });
        let columns = ["number", "a", "b", "c", "d", "e", "f", "g", "h", "order by"];
        let upsert = Request::Upsert {
            session: SessionId(1),
            model: "m".to_owned(),
            columns: columns.map(str::to_owned).into(),
            rows: cells.collect(),
        };
        from.0.request(upsert).for_each(|event| panic!("{event:?}")).unwrap();
        // An empty text is another thing than none.
        let written: Vec<Value> = rows.iter().map(|row| row[6].clone()).collect();
        prop_assert_eq!(&texts(&from.0), &written);
        for (format, form) in [(Format::Csv, ImportFormat::Csv), (Format::Jsonl, ImportFormat::Jsonl)] {
            let text = exported(&from.0, format);
            let to = fresh_fixed().unwrap();
            let to = (client(&to), to);
            let open = |names| Source::new(Cursor::new(text.clone()), form, names);
            let summary = import(&args(), &to.0, &open, &mut |_| {}).unwrap();
            prop_assert_eq!((summary.created, summary.rejected), (rows.len() as u64, 0));
            prop_assert_eq!(&exported(&to.0, format), &text);
            prop_assert_eq!(&texts(&to.0), &written);
            // Once more changes nothing.
            let again = import(&args(), &to.0, &open, &mut |_| {}).unwrap();
            prop_assert_eq!(again.unchanged, rows.len() as u64);
        }
    }
}

/// The types that import finds in what was exported of the last of some statements, and what is then exported again.
#[track_caller]
fn check_found(statements: &str, types: &[&str], csv: &str) {
    for (format, form) in [(Format::Csv, ImportFormat::Csv), (Format::Jsonl, ImportFormat::Jsonl)] {
        let from = fresh_fixed().unwrap();
        let from = (client(&from), from);
        for statement in statements.split(';') {
            from.0.execute(statement, Default::default()).for_each(|_| {}).unwrap();
        }
        let text = exported(&from.0, format);
        if format == Format::Csv {
            assert_eq!(text, csv);
        }
        let to = fresh_fixed().unwrap();
        let to = (client(&to), to);
        let words = ["ankurah", "import", "memory:", "m.csv", "--into", "m"];
        let Command::Import(args) = Cli::parse_from(words).command else { panic!("another command") };
        let open = |names| Source::new(Cursor::new(text.clone()), form, names);
        import(&args, &to.0, &open, &mut |_| {}).unwrap();
        let catalog = to.0.catalog().unwrap();
        let model = catalog.models.iter().find(|model| &*model.name == "m").unwrap();
        let found: Vec<String> = model.columns().map(|property| property.value_type.to_string()).collect();
        assert_eq!(found, types, "{text}");
        assert_eq!(exported(&to.0, format), text);
    }
}

#[test]
fn floats_are_found_to_be_floats_again() {
    check_found(
        "create model m (f f64); insert into m (f) values (1e5), (-0e0), (2.5e0), (1e-7), (1.5e300), (0.1e0)",
        &["f64"],
        "f\n1e5\n0e0\n2.5e0\n1e-7\n1.5e300\n1e-1\n",
    );
}

#[test]
fn a_decimal_is_its_value_without_zeros_at_its_end() {
    let opened = fresh_fixed().unwrap();
    let client = client(&opened);
    let mut rows = Vec::new();
    client
        .execute("select 1.50 as a, 1.50 = 1.5 as same, cast(1.50 as string) as text", Default::default())
        .for_each(|event| {
            if let Event::Rows(more) = event {
                rows.extend(more);
            }
        })
        .unwrap();
    let shown: Vec<String> = rows[0].iter().map(ToString::to_string).collect();
    assert_eq!(shown, ["1.5", "true", "1.5"]);
}
