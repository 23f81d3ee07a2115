//! Export holds a bounded number of rows, however many there are. A test of its own process, since it counts every
//! allocation; `cargo xtask measure` shows the same of the program over a million rows.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io;

use ankurah_core::node::protocol::{Cell, Request, SessionId};
use ankurah_core::value::Value;
use ankurah_repl::client::{Client, Interrupt, Pump};
use ankurah_repl::export::{Selection, export};
use ankurah_repl::format::Format;
use ankurah_repl::target::fresh_fixed;
use peak_alloc::PeakAlloc;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// What the larger export may hold beyond the smaller, in bytes: a small part of its rows.
const GROWTH: usize = 16 << 10;

/// The bytes that an export holds at most beyond the store itself, in a form.
fn held(client: &Client, format: Format, rows: u64) -> usize {
    let selection = Selection::of("m", false, &client.catalog().unwrap()).unwrap();
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    let summary = export(client, &selection, format, true, &mut io::sink()).unwrap();
    assert_eq!(summary.rows, rows);
    MEMORY.peak_usage().saturating_sub(before)
}

#[test]
fn an_export_takes_the_same_memory_for_four_times_the_rows() {
    let opened = fresh_fixed().unwrap();
    let client = Client::new(opened.connection.clone(), SessionId(1), Interrupt::default(), Pump::Here);
    let define = "create model m (number i64 key, text string)";
    client.execute(define, Default::default()).for_each(|_| {}).unwrap();
    let mut rows = 0u64;
    let mut fill = |until: u64| {
        while rows < until {
            let batch = (rows..rows + 1_000).map(|number| {
                let text = format!("{number} {}", "x".repeat(100));
                vec![Cell::Value(Value::Int(number as i64)), Cell::Value(Value::String(text.as_str().into()))]
            });
            let columns = vec!["number".to_owned(), "text".to_owned()];
            let (session, model) = (client.session(), "m".to_owned());
            client
                .request(Request::Upsert { session, model, columns, rows: batch.collect() })
                .for_each(|event| panic!("{event:?}"))
                .unwrap();
            rows += 1_000;
        }
        rows
    };
    let formats = [Format::Csv, Format::Jsonl, Format::Json, Format::Tsv];
    let few = fill(4_000);
    let small = formats.map(|format| held(&client, format, few));
    let many = fill(16_000);
    let large = formats.map(|format| held(&client, format, many));
    for ((format, small), large) in formats.iter().zip(small).zip(large) {
        assert!(
            large < small + GROWTH,
            "{}: {small} bytes for {few} rows, {large} for {many}",
            format.name()
        );
    }
}
