//! The two passes of an import.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::sync_channel;
use std::time::Instant;

use ankurah_core::node::protocol::{CatalogView, Cell, Event, Outcome, Request, SessionId};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::bad::Bad;
use super::input::Input;
use super::plan::{Plan, sort_names};
use super::source::{Names, Progress, Row, Source, Unopened, check_name, form_of};
use crate::cli::ImportArgs;
use crate::client::{Client, Interrupt, Pump, Stop};
use crate::display::{Safe, Style, Tone};
use crate::exit::Exit;
use crate::session::{render_failure, render_message, render_place};
use crate::target;

/// Rows that one transaction writes.
const BATCH: usize = 1_000;
/// The bytes of text at which a batch takes no further row, however few it has.
const BATCH_BYTES: usize = 16 << 20;
/// Batches that are read ahead.
const AHEAD: usize = 2;
/// Rejected rows that are reported one by one.
const REPORTED: u64 = 100;

/// What an import did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// New entities.
    pub created: u64,
    /// Changed entities.
    pub updated: u64,
    /// Entities that had the values already.
    pub unchanged: u64,
    /// Rows that were left out.
    pub rejected: u64,
}

impl Summary {
    /// Rows that are in the store.
    fn written(&self) -> u64 {
        self.created.saturating_add(self.updated).saturating_add(self.unchanged)
    }
}

/// Why an import did not come to its end.
#[derive(Debug)]
pub enum Trouble {
    /// What was asked for does not go together, or not with the file.
    Usage(String),
    /// The file cannot be read.
    File(io::Error),
    /// What is in the file as a whole is wrong: the line, and what.
    Content(Option<u64>, Bad),
    /// The node refused something; the statement that it refused, if it was one.
    Node(Stop, String),
}

impl Trouble {
    /// Something wrong with the file as a whole.
    pub(super) fn content(message: impl Into<String>) -> Self {
        Trouble::Content(None, message.into().into())
    }
}

impl From<String> for Trouble {
    fn from(message: String) -> Self {
        Trouble::Usage(message)
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Trouble::File(error)
    }
}

impl From<Unopened> for Trouble {
    fn from(error: Unopened) -> Self {
        match error {
            Unopened::Io(error) => Trouble::File(error),
            Unopened::Content(line, bad) => Trouble::Content(line, bad),
        }
    }
}

/// An import that did not come to its end, and the rows that it wrote before, if it came to writing.
#[derive(Debug)]
pub struct Stopped {
    /// Why.
    pub trouble: Trouble,
    /// The rows that are in the store all the same.
    pub written: Option<u64>,
}

impl<T: Into<Trouble>> From<T> for Stopped {
    fn from(trouble: T) -> Self {
        Stopped { trouble: trouble.into(), written: None }
    }
}

/// Runs the command.
pub fn command(args: &ImportArgs) -> Exit {
    let style = Style::detect(args.display.color, args.display.ascii, &io::stderr());
    let complain = |message: &str| {
        let _ = writeln!(io::stderr(), "{}", render_message(message, style));
    };
    if let Err(message) = check_name(&args.into) {
        complain(&format!("--into: {message}"));
        return Exit::Usage;
    }
    let name = args.file.display();
    if args.file != Path::new("-")
        && let Err(error) = args.file.metadata()
    {
        complain(&format!("cannot read {name}: {error}"));
        return Exit::CannotOpen;
    }
    let Some(form) = args.format.or_else(|| form_of(&args.file)) else {
        complain(&format!("the name {name} does not say what is in it: give --format csv or --format jsonl"));
        return Exit::Usage;
    };
    // The file is looked at before a store is made.
    let input = match Input::open(&args.file) {
        Ok(input) => input,
        Err(error) => {
            complain(&format!("cannot read {name}: {error}"));
            return Exit::CannotOpen;
        }
    };
    let opened = match target::open(&args.target, target::Mode::Create) {
        Ok(opened) => opened,
        Err(message) => {
            complain(&message);
            return Exit::CannotOpen;
        }
    };
    let client = Client::new(opened.connection.clone(), SessionId(1), Interrupt::on_ctrl_c(), Pump::Here);
    let start = Instant::now();
    let mut reported: u64 = 0;
    let progress = Bar::new(input.length(), io::stderr().is_terminal() && !args.display.ascii);
    let count = &progress.count;
    let open = |names: Names| {
        count.store(0, Ordering::Relaxed);
        Source::open(input.rewound()?, form, names, Arc::clone(count))
    };
    let result = import(args, &client, &open, &mut |step| match step {
        Step::Pass(what) => progress.pass(what),
        Step::Batch => progress.show(),
        Step::Rejected(line, bad) => {
            reported = reported.saturating_add(1);
            if reported <= REPORTED {
                progress.line(&render_bad(bad, &input.name, Some(line), style));
            }
        }
    });
    progress.finish();
    if reported > REPORTED {
        complain(&format!("{} more rows were left out", reported - REPORTED));
    }
    match result {
        Ok(summary) => {
            let line = format!(
                "{}: {} created, {} updated, {} unchanged{} ({:.1} s)",
                Safe::line(&args.into),
                summary.created,
                summary.updated,
                summary.unchanged,
                if summary.rejected > 0 { format!(", {} rejected", summary.rejected) } else { String::new() },
                start.elapsed().as_secs_f64()
            );
            let tone = if summary.rejected > 0 { Tone::Warning } else { Tone::Good };
            let _ = writeln!(io::stderr(), "{}", style.paint(tone, &line));
            if summary.rejected > 0 { Exit::Failed } else { Exit::Ok }
        }
        Err(stopped) => {
            let (text, exit) = stopped_text(&stopped, &input.name, style);
            let _ = writeln!(io::stderr(), "{text}");
            exit
        }
    }
}

/// Why an import stopped and what it has written until then.
fn stopped_text(stopped: &Stopped, name: &str, style: Style) -> (String, Exit) {
    let (mut text, exit) = match &stopped.trouble {
        Trouble::Usage(message) => (render_message(message, style), Exit::Usage),
        Trouble::File(error) => {
            (render_message(&format!("cannot read {name}: {error}"), style), Exit::CannotOpen)
        }
        Trouble::Content(line, bad) => (render_bad(bad, name, *line, style), Exit::Failed),
        Trouble::Node(Stop::Cancelled, _) => (render_message("cancelled", style), Exit::Cancelled),
        Trouble::Node(Stop::Failed(failure), statement) => {
            (render_failure(failure, statement, None, style, None), Exit::Failed)
        }
    };
    match stopped.written {
        Some(0) => text.push_str("\n  = note: no row was written"),
        Some(1) => text.push_str("\n  = note: 1 row was written before"),
        Some(rows) => text.push_str(&format!("\n  = note: {rows} rows were written before")),
        None if exit == Exit::Cancelled => text.push_str("\n  = note: no row was written"),
        None => {}
    }
    (text, exit)
}

/// What is wrong with a row, with its place in it where there is one.
fn render_bad(bad: &Bad, name: &str, line: Option<u64>, style: Style) -> String {
    let Some(place) = &bad.place else {
        let place = line.map_or_else(|| name.to_owned(), |line| format!("{name}:{line}"));
        return render_message(&format!("{place}: {}", bad.message), style);
    };
    let first = line.and_then(|line| usize::try_from(line).ok()).unwrap_or(1);
    render_place(&bad.message, &place.text, place.at, name, first, style)
}

/// What an import says while it goes on.
pub enum Step<'a> {
    /// A pass over the file begins.
    Pass(&'static str),
    /// A batch was read or written.
    Batch,
    /// A row was left out: its line and why.
    Rejected(u64, &'a Bad),
}

/// Opens the file for a pass; the names are those that an earlier pass found.
pub type Open<'a> = &'a dyn Fn(Names) -> Result<Source, Unopened>;

/// Imports what `open` opens.
///
/// # Errors
/// Where it stopped, with the rows that are written all the same.
pub fn import(
    args: &ImportArgs,
    client: &Client,
    open: Open<'_>,
    say: &mut dyn FnMut(Step<'_>),
) -> Result<Summary, Stopped> {
    let catalog = client.catalog().map_err(|stop| Trouble::Node(stop, String::new()))?;
    say(Step::Pass("reading"));
    let names = names(args, open, client, &catalog)?;
    let mut plan = Plan::new(args, &names.columns, &catalog)?;
    let source = open(names.clone())?;
    ahead(
        source,
        |row| row,
        |rows| {
            for row in &rows {
                if let Ok(fields) = &row.fields {
                    plan.look(row.line, fields);
                }
            }
            say(Step::Batch);
            check(client)
        },
    )?;
    plan.settle()?;
    for statement in plan.statements() {
        let done = client.execute(&statement, Default::default()).for_each(|_| {});
        done.map_err(|stop| Trouble::Node(stop, statement.clone()))?;
    }
    say(Step::Pass("writing"));
    let mut summary = Summary::default();
    match write(names, &plan, client, open, &mut summary, say) {
        Ok(()) => Ok(summary),
        Err(trouble) => Err(Stopped { trouble, written: Some(summary.written()) }),
    }
}

/// The columns: of CSV its header, of JSON lines all names in the file that can be ones.
fn names(
    args: &ImportArgs,
    open: Open<'_>,
    client: &Client,
    catalog: &CatalogView,
) -> Result<Names, Trouble> {
    let mut source = open(Names::default())?;
    if source.has_header() {
        let names = sort_names(args, source.columns().to_vec(), catalog);
        return match names.refused.values().next() {
            Some(reason) => Err(Trouble::Content(Some(1), reason.clone().into())),
            None => Ok(names),
        };
    }
    let mut first = None;
    while let Some(row) = source.read()? {
        first = first.or_else(|| row.fields.err().map(|bad| (row.line, bad)));
        check(client)?;
    }
    match (source.columns(), first) {
        ([], Some((line, bad))) => Err(Trouble::Content(Some(line), bad)),
        ([], None) => Err(Trouble::content("no line has an object with members")),
        (columns, _) => {
            let names = sort_names(args, columns.to_vec(), catalog);
            // What is asked for by name is not left out quietly.
            let asked = |column: &str| {
                let of = |pair: &String| pair.split_once('=').is_some_and(|(name, _)| name == column);
                args.key.iter().chain(&args.text).any(|name| name == column)
                    || args.column_type.iter().chain(&args.reference).any(of)
            };
            match names.refused.iter().find(|(name, _)| asked(name)) {
                Some((_, reason)) => Err(Trouble::content(reason.clone())),
                None => Ok(names),
            }
        }
    }
}

/// Ctrl-C between two rows.
fn check(client: &Client) -> Result<(), Trouble> {
    if client.interrupt().take() { Err(Trouble::Node(Stop::Cancelled, String::new())) } else { Ok(()) }
}

fn write(
    names: Names,
    plan: &Plan,
    client: &Client,
    open: Open<'_>,
    summary: &mut Summary,
    say: &mut dyn FnMut(Step<'_>),
) -> Result<(), Trouble> {
    let source = open(names)?;
    let cells = |row: Row| (row.line, row.fields.and_then(|fields| Ok(plan.cells(&fields)?)));
    ahead(source, cells, |rows| {
        let mut batch = Batch::default();
        for (line, cells) in rows {
            match cells {
                Ok(cells) => {
                    batch.lines.push(line);
                    batch.rows.push(cells);
                }
                Err(bad) => {
                    summary.rejected = summary.rejected.saturating_add(1);
                    say(Step::Rejected(line, &bad));
                }
            }
        }
        if batch.rows.is_empty() { Ok(()) } else { batch.send(plan, client, summary, say) }
    })
}

/// Reads all rows and makes something of each in a thread of its own, which is a few batches ahead of `take`.
fn ahead<T: Send>(
    mut source: Source,
    make: impl Fn(Row) -> T + Send,
    mut take: impl FnMut(Vec<T>) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let (sender, receiver) = sync_channel(AHEAD);
    let read = move || {
        loop {
            let mut rows = Vec::with_capacity(BATCH);
            let mut bytes: usize = 0;
            while rows.len() < BATCH && bytes < BATCH_BYTES {
                match source.read() {
                    Ok(Some(row)) => {
                        bytes = bytes.saturating_add(row.bytes());
                        rows.push(make(row));
                    }
                    Ok(None) if rows.is_empty() => return,
                    Ok(None) => break,
                    Err(error) => {
                        // Who does not take it any more has stopped already.
                        let _ = sender.send(Ok(rows)).and_then(|()| sender.send(Err(error)));
                        return;
                    }
                }
            }
            if sender.send(Ok(rows)).is_err() {
                return;
            }
        }
    };
    std::thread::scope(|scope| {
        std::thread::Builder::new().name("rows".to_owned()).spawn_scoped(scope, read)?;
        // The receiver is gone when this ends, and with it the thread.
        for rows in receiver {
            take(rows?)?;
        }
        Ok(())
    })
}

#[derive(Default)]
struct Batch {
    lines: Vec<u64>,
    rows: Vec<Vec<Cell>>,
}

impl Batch {
    fn send(
        &mut self,
        plan: &Plan,
        client: &Client,
        summary: &mut Summary,
        say: &mut dyn FnMut(Step<'_>),
    ) -> Result<(), Trouble> {
        let request = Request::Upsert {
            session: client.session(),
            model: plan.model.clone(),
            columns: plan.columns.iter().map(|column| column.property.clone()).collect(),
            rows: std::mem::take(&mut self.rows),
        };
        let mut rejected = Vec::new();
        // Ctrl-C waits for the end of the batch, so that it is known what was written.
        check(client)?;
        let done = client.request_whole(request).for_each(|event| {
            if let Event::Rejected(row) = event {
                rejected.push(row);
            }
        });
        let done = done.map_err(|stop| Trouble::Node(stop, String::new()))?;
        for row in rejected {
            let line = usize::try_from(row.row).ok().and_then(|at| self.lines.get(at)).copied().unwrap_or(0);
            summary.rejected = summary.rejected.saturating_add(1);
            say(Step::Rejected(line, &row.message.into()));
        }
        if let Outcome::Upserted { created, updated, unchanged } = done.outcome {
            summary.created = summary.created.saturating_add(created);
            summary.updated = summary.updated.saturating_add(updated);
            summary.unchanged = summary.unchanged.saturating_add(unchanged);
        }
        self.lines.clear();
        say(Step::Batch);
        Ok(())
    }
}

/// A progress bar over the bytes of a file; nothing where there is no terminal.
struct Bar {
    bar: ProgressBar,
    count: Progress,
    terminal: bool,
}

impl Bar {
    fn new(length: u64, terminal: bool) -> Self {
        let target = if terminal { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(length), target);
        let form = "{msg:8} {wide_bar:.dim} {bytes}/{total_bytes} {eta}";
        if let Ok(style) = ProgressStyle::with_template(form) {
            bar.set_style(style);
        }
        Bar { bar, count: Progress::default(), terminal }
    }

    fn pass(&self, what: &'static str) {
        self.bar.reset();
        self.bar.set_message(what);
    }

    fn show(&self) {
        self.bar.set_position(self.count.load(Ordering::Relaxed));
    }

    fn line(&self, text: &str) {
        if self.terminal {
            self.bar.println(text);
        } else {
            let _ = writeln!(io::stderr(), "{text}");
        }
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ankurah_core::node::protocol::{Failure, TransactionState};

    #[track_caller]
    fn check(trouble: Trouble, written: Option<u64>, text: &str, exit: Exit) {
        let found = stopped_text(&Stopped { trouble, written }, "a.csv", Style::PLAIN);
        assert_eq!((found.0.as_str(), found.1), (text, exit));
    }

    #[test]
    fn what_was_written_before_is_said() {
        let full = || {
            let failure = Failure {
                kind: "storage".to_owned(),
                message: "the disk is full".to_owned(),
                span: None,
                label: None,
                help: None,
                transaction: TransactionState::Idle,
            };
            Trouble::Node(Stop::Failed(Box::new(failure)), String::new())
        };
        let said = "error: the disk is full\n  = note: 3000 rows were written before";
        check(full(), Some(3000), said, Exit::Failed);
        check(full(), Some(0), "error: the disk is full\n  = note: no row was written", Exit::Failed);
        check(full(), None, "error: the disk is full", Exit::Failed);
        let cancelled = || Trouble::Node(Stop::Cancelled, String::new());
        check(cancelled(), None, "error: cancelled\n  = note: no row was written", Exit::Cancelled);
        check(
            Trouble::File(io::ErrorKind::StaleNetworkFileHandle.into()),
            Some(1),
            "error: cannot read a.csv: stale network file handle\n  = note: 1 row was written before",
            Exit::CannotOpen,
        );
        check(
            Trouble::Content(Some(1), Bad::at("expected `:`", "{\"a\" 1}", 5)),
            None,
            "error: expected `:`\n --> a.csv:1:6\n  |\n1 | {\"a\" 1}\n  |      ^",
            Exit::Failed,
        );
    }
}
