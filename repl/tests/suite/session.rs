//! A session over a connection that answers what the test says: cancelling, closed outputs, failures.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ankurah_core::node::protocol::{
    Column, Connection, Done, Event, EventStream, Failure, Outcome, Request, SessionId, TransactionState,
};
use ankurah_core::value::{Value, ValueType};
use ankurah_repl::client::{Client, Interrupt, Pump};
use ankurah_repl::display::Style;
use ankurah_repl::format::Format;
use ankurah_repl::session::{Halt, Output, Session, Settings, Shared, render_failure};
use futures::StreamExt;
use futures::stream;

use crate::common::snapshot;

/// Answers by the first word of the statement.
struct Scripted {
    sent: Arc<AtomicUsize>,
}

fn done(outcome: Outcome) -> Event {
    Event::Done(Done { outcome, timings: Default::default(), transaction: TransactionState::Idle })
}

fn columns() -> Event {
    Event::Columns(vec![Column { name: "n".to_owned(), value_type: Some(ValueType::Int) }])
}

fn failure(span: Option<(usize, usize)>) -> Event {
    Event::Failed(Failure {
        kind: "unknown-property".to_owned(),
        message: "there is no property `y\u{1b}[31mer`".to_owned(),
        span,
        label: Some("not a property of `album`".to_owned()),
        help: Some("did you mean `year`?".to_owned()),
        transaction: TransactionState::Idle,
    })
}

impl Connection for Scripted {
    fn request(&self, request: Request) -> EventStream {
        let Request::Execute { statement, .. } = request else {
            return Box::pin(stream::iter([done(Outcome::Answered)]));
        };
        let sent = self.sent.clone();
        let count = move |event| {
            sent.fetch_add(1, Ordering::SeqCst);
            event
        };
        let rows = |from: i64| Event::Rows((from..from + 10).map(|n| vec![Value::Int(n)]).collect());
        match statement.split_whitespace().next().unwrap_or("") {
            "forever" => {
                let rest = stream::iter(0..).map(move |n| rows(n * 10));
                Box::pin(stream::iter([columns()]).chain(rest).map(count))
            }
            "stuck" => Box::pin(stream::iter([columns()]).chain(stream::pending())),
            "broken" => Box::pin(stream::iter([columns(), rows(0), failure(None)])),
            "cut" => Box::pin(stream::iter([columns(), rows(0)])),
            "wrong" => Box::pin(stream::iter([failure(Some((6, 10)))])),
            _ => Box::pin(stream::iter([columns(), rows(0), done(Outcome::Rows(10))])),
        }
    }
}

fn client(pump: Pump) -> (Client, Interrupt, Arc<AtomicUsize>) {
    let sent = Arc::new(AtomicUsize::new(0));
    let interrupt = Interrupt::default();
    let connection = Arc::new(Scripted { sent: sent.clone() });
    (Client::new(connection, SessionId(1), interrupt.clone(), pump), interrupt, sent)
}

fn session(pump: Pump, settings: Settings) -> (Session, Shared, Interrupt) {
    let (client, interrupt, _) = client(pump);
    let buffer = Shared::default();
    (Session::new(client, "test".to_owned(), settings, Output::shared(&buffer)), buffer, interrupt)
}

#[test]
fn ctrl_c_stops_a_statement_that_gives_nothing() {
    let (mut session, buffer, interrupt) = session(Pump::Thread, Settings::default());
    interrupt.raise();
    let start = Instant::now();
    assert!(matches!(session.run_script("stuck;", None), Err(Halt::Cancelled)));
    assert!(start.elapsed() < Duration::from_millis(100), "{:?}", start.elapsed());
    assert!(buffer.take().ends_with("cancelled\n"));
    assert!(!interrupt.is_raised());
}

#[test]
fn ctrl_c_stops_a_statement_that_gives_rows_for_ever() {
    for pump in [Pump::Here, Pump::Thread] {
        let (client, interrupt, sent) = client(pump);
        // Pressed as soon as rows come.
        let press = Pressing { interrupt, lines: 0 };
        let output = Output::split(Box::new(press), Box::new(io::sink()), Box::new(io::sink()));
        let mut session = Session::new(client, "test".to_owned(), Settings::default(), output);
        assert!(matches!(session.run_script("forever;", None), Err(Halt::Cancelled)));
        assert!(sent.load(Ordering::SeqCst) < 100);
    }
}

/// An output that presses Ctrl-C after a few rows.
struct Pressing {
    interrupt: Interrupt,
    lines: usize,
}

impl Write for Pressing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.lines += bytes.iter().filter(|byte| **byte == b'\n').count();
        if self.lines > 20 {
            self.interrupt.raise();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A pipe whose reader leaves after a few bytes.
struct Closing(usize);

impl Write for Closing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.checked_sub(bytes.len()) {
            Some(left) => {
                self.0 = left;
                Ok(bytes.len())
            }
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_closed_pipe_stops_the_statement() {
    let (client, _, sent) = client(Pump::Here);
    let output = Output::split(Box::new(Closing(100)), Box::new(io::sink()), Box::new(io::sink()));
    let mut session = Session::new(client, "test".to_owned(), Settings::default(), output);
    assert!(matches!(session.run_script("forever;", None), Err(Halt::Closed)));
    assert!(sent.load(Ordering::SeqCst) < 100);
}

#[test]
fn a_full_disk_is_said() {
    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (client, _, _) = client(Pump::Here);
    let output = Output::split(Box::new(Full), Box::new(io::sink()), Box::new(io::sink()));
    let mut session = Session::new(client, "test".to_owned(), Settings::default(), output);
    match session.run_script("rows;", None) {
        Err(Halt::Output(error)) => assert_eq!(error.kind(), io::ErrorKind::StorageFull),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_first_failure_stops_a_script() {
    let (mut session, buffer, _) = session(Pump::Here, Settings { row_counts: false, ..Settings::default() });
    assert!(matches!(session.run_script("rows; wrong yaer; rows;", None), Err(Halt::Failed)));
    assert_eq!(buffer.take().matches("9\n").count(), 1);
    session.settings.keep_going = true;
    assert!(matches!(session.run_script("rows; wrong yaer; rows;", None), Err(Halt::Failed)));
    assert_eq!(buffer.take().matches("9\n").count(), 2);
}

#[test]
fn failures() {
    let mut all = String::new();
    for (style, origin) in [
        (Style::PLAIN, None),
        (Style::PLAIN, Some("report.ank")),
        (Style { colour: true, ascii: false }, None),
    ] {
        let settings = Settings { error_style: style, format: Format::Table, ..Settings::default() };
        let (mut session, buffer, _) = session(Pump::Here, settings);
        for script in [
            "wrong yaer;",
            "rows;\n  wrong yaer;",
            "\n\nbroken;",
            "cut;",
            "\\unknwon",
            "\\timing maybe",
            "\\i missing.ank",
        ] {
            assert!(matches!(session.run_script(script, origin), Err(Halt::Failed)));
            all += &buffer.take().replace('\u{1b}', "ESC");
        }
        all += "==\n";
    }
    snapshot("failures", &all);
}

#[test]
fn a_script_cannot_include_itself() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let place = folder.path().display().to_string();
    let own = file("own", format!("\\i {place}/own\n\\i {place}/./own\n"));
    let first = file("first", format!("\\i {place}/second\n\\i {place}/second\n\\echo end\n"));
    file("second", format!("\\i {place}/first\n"));
    let (mut session, buffer, _) = session(Pump::Here, Settings { keep_going: true, ..Settings::default() });
    let mut said = |path| {
        assert!(matches!(session.run_file(path), Err(Halt::Failed)));
        buffer.take().replace(&place, "P")
    };
    let own_said = "P/own is being run already: a script cannot include itself\n";
    let expected =
        format!("error: P/own:1: {own_said}error: P/own:2: {}", own_said.replace("P/own", "P/./own"));
    assert_eq!(said(&own), expected);
    let each = "error: P/second:1: P/first is being run already: a script cannot include itself\n";
    assert_eq!(said(&first), format!("{each}{each}end\n"));
    // One after the other is fine.
    file("second", "\\echo second\n".to_owned());
    session.run_file(&first).unwrap();
    assert_eq!(buffer.take(), "second\nsecond\nend\n");
}

#[test]
fn ascii_is_ascii() {
    let ascii = Style { colour: false, ascii: true };
    let settings =
        Settings { style: ascii, error_style: ascii, timing: true, width: Some(40), ..Settings::default() };
    let (mut session, buffer, _) = session(Pump::Here, settings);
    session.run_script("rows;", None).unwrap();
    assert!(session.run_script("\\i missing", None).is_err());
    let long = format!("wrong {}", "x ".repeat(100));
    assert!(session.run_script(&long, None).is_err());
    let shown = buffer.take();
    assert!(shown.is_ascii() && shown.contains("..."), "{shown}");
    let parsed = ankurah_query_lang::parse_statement("selec 1").unwrap_err().diagnostic();
    let failure = Failure {
        kind: "syntax".to_owned(),
        message: parsed.message,
        span: Some((0, 5)),
        label: parsed.label,
        help: parsed.help,
        transaction: Default::default(),
    };
    let shown = render_failure(&failure, "selec 1", None, ascii, None);
    assert!(shown.is_ascii() && shown.contains("`delete`, ..."), "{shown}");
}

#[test]
fn timing_and_help() {
    // As wide as any terminal, whichever the tests run on.
    let settings = Settings { terminal: true, width_is_set: true, ..Settings::default() };
    let (mut session, buffer, _) = session(Pump::Here, settings);
    session.run_script("\\timing on\nrows;", None).unwrap();
    let shown = buffer.take();
    let last = shown.lines().last().unwrap();
    assert!(last.starts_with("parse 0 ns · plan 0 ns · fetch 0 ns · render "), "{last}");
    session.run_script("\\timing off\n\\?", None).unwrap();
    snapshot("commands", &buffer.take());
}
