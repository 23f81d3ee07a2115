//! What import asks of a node: definitions, typed rows, and what it leaves out.

use std::io::Cursor;
use std::sync::{Arc, Mutex};

use ankurah_core::catalog::{Backend, Model, Property};
use ankurah_core::id::{ModelId, OpId, PropertyId};
use ankurah_core::node::protocol::{
    CatalogView, Connection, Done, Event, EventStream, Failure, Outcome, Rejected, Request, SessionId,
};
use ankurah_core::storage::Position;
use ankurah_core::value::{Value, ValueType};
use ankurah_repl::cli::{Cli, Command, ImportArgs, ImportFormat};
use ankurah_repl::client::{Client, Interrupt, Pump};
use ankurah_repl::import::{Bad, Source, Step, Trouble, import};
use clap::Parser;
use futures::stream;

use crate::common::snapshot;

/// Writes down what it is asked, and rejects rows that hold `reject me`.
#[derive(Default)]
struct Recorder {
    catalog: CatalogView,
    asked: Mutex<Vec<String>>,
    /// Fails what comes after so many rows.
    room: Option<u64>,
    /// Raised when the first rows come.
    interrupt: Option<Interrupt>,
}

impl Connection for Recorder {
    fn request(&self, request: Request) -> EventStream {
        let mut asked = self.asked.lock().unwrap();
        let mut events = Vec::new();
        let mut outcome = Outcome::Answered;
        match request {
            Request::Catalog => events.push(Event::Catalog(self.catalog.clone())),
            Request::Execute { statement, .. } => asked.push(statement),
            Request::Upsert { .. } if self.room.is_some_and(|room| room <= asked.len() as u64) => {
                let failure = Failure {
                    kind: "storage".to_owned(),
                    message: "the disk is full".to_owned(),
                    span: None,
                    label: None,
                    help: None,
                    transaction: Default::default(),
                };
                return Box::pin(stream::iter([Event::Failed(failure)]));
            }
            Request::Upsert { model, columns, rows, .. } => {
                self.interrupt.iter().for_each(Interrupt::raise);
                asked.push(format!("upsert {model} ({})", columns.join(", ")));
                let mut created = 0;
                for (row, number) in rows.iter().zip(0..) {
                    let text = format!("{row:?}");
                    if text.contains("reject me") {
                        events.push(Event::Rejected(Rejected { row: number, message: "no".to_owned() }));
                        continue;
                    }
                    created += 1;
                    asked.push(text);
                }
                outcome = Outcome::Upserted { created, updated: 0, unchanged: 0 };
            }
            other => panic!("{other:?}"),
        }
        let done = Done { outcome, timings: Default::default(), transaction: Default::default() };
        events.push(Event::Done(done));
        Box::pin(stream::iter(events))
    }
}

fn args(line: &str) -> ImportArgs {
    let words = ["ankurah", "import", "memory:"].into_iter().chain(line.split_whitespace());
    match Cli::parse_from(words).command {
        Command::Import(args) => args,
        other => panic!("{other:?}"),
    }
}

/// What is wrong with a row, and the rest of its line from there.
fn wrong(line: Option<u64>, bad: &Bad) -> String {
    let line = line.map_or_else(|| "the file".to_owned(), |line| format!("line {line}"));
    let rest = bad.place.as_ref().map(|place| format!(" at `{}`", &place.text[place.at..]));
    format!("{line}: {}{}", bad.message, rest.unwrap_or_default())
}

/// What an import of `text` asks for and says.
fn run(line: &str, text: &[u8], catalog: CatalogView) -> String {
    let recorder = Arc::new(Recorder { catalog, ..Recorder::default() });
    let client = Client::new(recorder.clone(), SessionId(1), Interrupt::default(), Pump::Here);
    let args = args(line);
    let form = ankurah_repl::import::form_of(&args.file).unwrap();
    let bytes = text.to_vec();
    let open = |names| Source::new(Cursor::new(bytes.clone()), form, names);
    let mut said = Vec::new();
    let result = import(&args, &client, &open, &mut |step| {
        if let Step::Rejected(line, bad) = step {
            said.push(wrong(Some(line), bad));
        }
    });
    said.push(match result {
        Ok(summary) => format!("{summary:?}"),
        Err(stopped) => match stopped.trouble {
            Trouble::Usage(message) => format!("usage: {message}"),
            Trouble::Content(line, bad) => format!("content: {}", wrong(line, &bad)),
            other => panic!("{other:?}"),
        },
    });
    let asked = recorder.asked.lock().unwrap().join("\n");
    format!("$ {line}\n{}\n{asked}\n{}\n", String::from_utf8_lossy(text).trim_end(), said.join("\n"))
}

fn existing(key: bool) -> CatalogView {
    let id = ModelId(OpId::from_bits(1));
    let property = |number: u32, name: &str, value_type, backend| {
        Arc::new(Property {
            id: PropertyId(OpId::from_bits(100 + u128::from(number))),
            model: id,
            name: Arc::from(name),
            label: Arc::from(name),
            value_type,
            backend,
            ordinal: number,
            required: false,
            default: Value::Null,
            dropped: false,
        })
    };
    let properties = vec![
        property(0, "ArtistId", ValueType::Int, Backend::Lww),
        property(1, "Name", ValueType::String, Backend::Lww),
        property(2, "Bio", ValueType::String, Backend::Yrs),
    ];
    let key = if key { vec![properties[0].id] } else { Vec::new() };
    let model = Model { id, name: Arc::from("artist"), label: Arc::from("artist"), properties, key };
    CatalogView { position: Position(1), models: vec![Arc::new(model)] }
}

#[test]
fn imports() {
    let none = CatalogView::default;
    let all = [
        run(
            "a.csv --into album --key AlbumId",
            b"AlbumId,Title,Price,Code\n1,Debut,0.99,007\n2,\"\",,+5\n",
            none(),
        ),
        run("a.csv --into album", b"id,When,Live,Empty\n5,2020-01-31 23:59:59,true,\n", none()),
        run("a.csv --into album --text Note --type Year=string", b"Year,Note\n1990,hello\n", none()),
        run(
            "a.csv --into album --ref ArtistId=artist.ArtistId",
            b"Title,ArtistId\nDebut,3\nLost,\nById,@01ARZ3NDEKTSV4RRFFQ69G5FAV\n",
            existing(true),
        ),
        run("a.csv --into employee --key Id_ --ref Boss=employee.Id_", b"Id_,Boss\n1,\n2,1\n", none()),
        run("a.csv --into artist", b"ArtistId,Name,Country\n1,Bj\xc3\xb6rk,IS\n", existing(true)),
        run(
            "a.csv --into album",
            b"a,b\n1,2\n3\n\"x\"y,4\n\"two\nlines\",5\nbad \xff,6\nreject me,7\n8,9\n\"open,1\n",
            none(),
        ),
        run("a.csv --into album --type a=i64", b"a\n1\nx\n3\n", none()),
        run(
            "a.jsonl --into album",
            b"{\"a\": 1, \"b\": 0.10}\n{\"b\": 2, \"c\": [1, {\"x\": null}]}\n{oops}\n{\"a\": \"2\"}\n",
            none(),
        ),
        run(
            "a.jsonl --into album",
            b"{\"n\": 12345678901234567890.12, \"t\": \"2020-01-31T00:00:00Z\"}\n",
            none(),
        ),
    ];
    snapshot("import", &all.join("\n"));
}

/// Names that every entity has are given to no property.
#[test]
fn reserved_names_get_an_underscore() {
    let plan = run("a.csv --into artist", b"ID,Deleted,name\n1,true,x\n", CatalogView::default());
    for name in ["ID_ ", "Deleted_ ", "name "] {
        assert!(plan.contains(name), "{name}: {plan}");
    }
}

#[test]
fn what_does_not_go_together() {
    let none = CatalogView::default;
    let all = [
        run("a.csv --into album --key Nmae", b"Name\nx\n", none()),
        run("a.csv --into album --type Name=strng", b"Name\nx\n", none()),
        run("a.csv --into album --type Name", b"Name\nx\n", none()),
        run("a.csv --into album --text Name --type Name=string", b"Name\nx\n", none()),
        run("a.csv --into album --ref Name=artits.ArtistId", b"Name\nx\n", existing(true)),
        run("a.csv --into album --ref Name=artist.Name", b"Name\nx\n", existing(true)),
        run("a.csv --into album --ref Name=artist.ArtistId", b"Name\nx\n", existing(false)),
        run("a.csv --into album --ref Name=album.Name", b"Name\nx\n", none()),
        run("a.csv --into artist", b"Name\nx\n", existing(true)),
        run("a.csv --into artist --key Name", b"ArtistId,Name\n1,x\n", existing(true)),
        run("a.csv --into artist --text Name", b"ArtistId,Name\n1,x\n", existing(true)),
        run("a.csv --into artist", b"ArtistId,Name\none,x\ntwo,y\n", existing(true)),
        run("a.csv --into artist", b"", none()),
        run("a.csv --into artist", b"a,a\n1,2\n", none()),
        run("a.csv --into artist", b"ID,id_\n1,2\n", none()),
        run("a.csv --into artist", b"id,id_\n1,2\n", none()),
        run("a.jsonl --into artist", b"1\n", none()),
    ];
    snapshot("import_errors", &all.join("\n"));
}

#[test]
fn rows_that_were_written_before_a_failure_are_counted() {
    let text: String = (0..2_500).map(|number| format!("{{\"a\": {number}}}\n")).collect();
    for (room, written) in [(0, None), (1, Some(0)), (1_500, Some(2_000))] {
        let recorder = Arc::new(Recorder { room: Some(room), ..Recorder::default() });
        let client = Client::new(recorder, SessionId(1), Interrupt::default(), Pump::Here);
        if room == 0 {
            client.interrupt().raise();
        }
        let open = |names| Source::new(Cursor::new(text.clone()), ImportFormat::Jsonl, names);
        let stopped = import(&args("a.jsonl --into m"), &client, &open, &mut |_| {}).unwrap_err();
        assert_eq!(stopped.written, written, "{stopped:?}");
    }
}

#[test]
fn a_batch_that_is_being_written_when_an_import_is_cancelled_is_counted() {
    let text: String = (0..2_500).map(|number| format!("{{\"a\": {number}}}\n")).collect();
    for pump in [Pump::Here, Pump::Thread] {
        let interrupt = Interrupt::default();
        let recorder = Arc::new(Recorder { interrupt: Some(interrupt.clone()), ..Recorder::default() });
        let client = Client::new(recorder, SessionId(1), interrupt, pump);
        let open = |names| Source::new(Cursor::new(text.clone()), ImportFormat::Jsonl, names);
        let stopped = import(&args("a.jsonl --into m"), &client, &open, &mut |_| {}).unwrap_err();
        assert_eq!(stopped.written, Some(1_000), "{stopped:?}");
    }
}
