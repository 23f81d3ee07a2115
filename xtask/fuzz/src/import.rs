//! Import: any file is read to its end, every row is counted once, and what is exported comes back.

use std::cell::RefCell;
use std::io::Cursor;

use ankurah_core::catalog::Property;
use ankurah_core::node::protocol::{Event, Request, SessionId};
use ankurah_core::value::{self, ValueType};
use ankurah_query_lang::quote_identifier;
use ankurah_repl::cli::{Cli, Command, ImportArgs, ImportFormat};
use ankurah_repl::client::{Client, Interrupt, Pump, Stop};
use ankurah_repl::export::{Selection, export};
use ankurah_repl::format::Format;
use ankurah_repl::import::{Field, Guess, Names, Source, Step, Stopped, Summary, Trouble, import};
use ankurah_repl::target::{Opened, fresh_fixed};
use clap::Parser;

/// The first byte says what form the others have and what becomes of them.
pub fn body(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    let form = if first & 1 == 0 { ImportFormat::Csv } else { ImportFormat::Jsonl };
    let rows = rows(rest, form);
    guesses(rest);
    if first & 6 == 0 {
        let keyed = first & 8 != 0;
        whole(rest, form, keyed, rows);
    }
}

/// How many rows there are. Reading again, with the columns known, finds as many.
fn rows(data: &[u8], form: ImportFormat) -> Option<u64> {
    let read = |columns: Vec<String>| {
        let names = Names { columns, ..Names::default() };
        let mut source = Source::new(Cursor::new(data.to_vec()), form, names).ok()?;
        let (mut count, mut last) = (0u64, 0);
        while let Some(row) = source.read().expect("memory can be read") {
            assert!(row.line > last, "lines ascend");
            last = row.line;
            count += 1;
            if let Ok(fields) = row.fields {
                assert_eq!(fields.len(), source.columns().len(), "a field for each column");
                assert!(
                    form == ImportFormat::Jsonl
                        || fields.iter().all(|f| matches!(f, Field::Null | Field::Text(_)))
                );
            }
        }
        Some((count, source.columns().to_vec()))
    };
    let (count, columns) = read(Vec::new())?;
    assert_eq!(read(columns.clone()), Some((count, columns)), "reading twice finds the same");
    Some(count)
}

/// Pieces of the text as fields: neither their order nor how often they come matters to the type, and it reads all
/// of them.
fn guesses(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let pieces: Vec<&str> = text.split([',', '\n', '"']).take(64).collect();
    let (mut forwards, mut backwards, mut twice) = <(Guess, Guess, Guess)>::default();
    pieces.iter().for_each(|piece| forwards.text(piece));
    pieces.iter().rev().for_each(|piece| backwards.text(piece));
    pieces.iter().chain(&pieces).for_each(|piece| twice.text(piece));
    assert_eq!((forwards, forwards), (backwards, twice));
    let value_type = forwards.value_type();
    if value_type != ValueType::String {
        for piece in pieces {
            assert!(value::parse(piece, value_type).is_ok(), "{piece} is no {value_type}");
        }
    }
}

struct Store {
    client: Client,
    _opened: Opened,
}

impl Store {
    fn new() -> Self {
        let opened = fresh_fixed().expect("a store in memory opens");
        let client = Client::new(opened.connection.clone(), SessionId(1), Interrupt::default(), Pump::Here);
        Store { client, _opened: opened }
    }

    /// Imports, and says how often a row was reported as rejected.
    fn import(&self, data: &[u8], form: ImportFormat, key: Option<&str>) -> (Result<Summary, Stopped>, u64) {
        let rejected = RefCell::new(0);
        let open = |columns| Source::new(Cursor::new(data.to_vec()), form, columns);
        let result = import(&arguments(key), &self.client, &open, &mut |step| {
            if let Step::Rejected(..) = step {
                *rejected.borrow_mut() += 1;
            }
        });
        (result, rejected.into_inner())
    }

    fn export(&self, format: Format) -> Vec<u8> {
        let catalog = self.client.catalog().expect("there is a catalog");
        let selection = Selection::of("m", false, &catalog).expect("the collection was made");
        let mut out = Vec::new();
        export(&self.client, &selection, format, true, &mut out).expect("it is exported");
        out
    }

    /// Makes the collection as another store has it.
    fn define_as(&self, other: &Store) {
        let catalog = other.client.catalog().expect("there is a catalog");
        let model = catalog.models.iter().find(|model| &*model.name == "m").expect("the collection was made");
        let define = |property: &std::sync::Arc<Property>| {
            let key = if model.key.contains(&property.id) { " key" } else { "" };
            format!("{} {}{key}", quote_identifier(&property.name), property.value_type)
        };
        let properties: Vec<String> = model.properties.iter().map(define).collect();
        let statement = format!("create model m ({})", properties.join(", "));
        let done = self.client.execute(&statement, Default::default()).for_each(|_| {});
        done.unwrap_or_else(|stop| panic!("{stop:?}: {statement}"));
    }

    fn faults(&self) -> Vec<Event> {
        let mut faults = Vec::new();
        let done = self.client.request(Request::Verify).for_each(|event| faults.push(event));
        done.expect("it is verified");
        faults.retain(|event| matches!(event, Event::Fault(_)));
        faults
    }
}

fn arguments(key: Option<&str>) -> ImportArgs {
    let mut words = vec!["ankurah", "import", "memory:", "m.csv", "--into=m"]
        .into_iter()
        .map(str::to_owned)
        .collect::<Vec<_>>();
    words.extend(key.map(|key| format!("--key={key}")));
    match Cli::parse_from(words).command {
        Command::Import(args) => args,
        other => panic!("{other:?}"),
    }
}

/// Imports, exports, and imports what was exported.
fn whole(data: &[u8], form: ImportFormat, keyed: bool, rows: Option<u64>) {
    let columns = Source::new(Cursor::new(data.to_vec()), form, Names::default())
        .ok()
        .map(|source| source.columns().to_vec());
    let key = if keyed { columns.as_ref().and_then(|columns| columns.first().cloned()) } else { None };
    let from = Store::new();
    let (summary, rejected) = from.import(data, form, key.as_deref());
    let summary = match summary {
        Ok(summary) => summary,
        Err(Stopped { trouble: Trouble::Node(Stop::Failed(failure), statement), .. }) => {
            // What the node refuses is a name or a number of things, never something of its own making.
            assert!(
                !["internal", "damaged", "storage"].contains(&failure.kind.as_str()),
                "{statement}: {failure:?}"
            );
            return;
        }
        Err(_) => return,
    };
    let accepted = summary.created + summary.updated + summary.unchanged;
    assert_eq!(summary.rejected, rejected, "every rejected row is reported");
    assert_eq!(Some(accepted + rejected), rows, "every row is counted once");
    assert!(from.faults().is_empty(), "the store is whole: {:?}", from.faults());
    if summary.created == 0 {
        return;
    }
    for (format, form) in [(Format::Csv, ImportFormat::Csv), (Format::Jsonl, ImportFormat::Jsonl)] {
        let text = from.export(format);
        let shown = || String::from_utf8_lossy(&text).into_owned();
        let to = Store::new();
        to.define_as(&from);
        let again =
            to.import(&text, form, None).0.unwrap_or_else(|stopped| panic!("{stopped:?}: {}", shown()));
        assert_eq!((again.created, again.rejected), (summary.created, 0), "{}", shown());
        assert_eq!(String::from_utf8_lossy(&to.export(format)), shown(), "what is exported comes back");
    }
}
