//! The two passes of an import.

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use ankurah_core::node::protocol::{Cell, Event, Outcome, Request, SessionId};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::plan::Plan;
use super::source::{Progress, Source, form_of};
use crate::cli::ImportArgs;
use crate::client::{Client, Interrupt, Pump, Stop};
use crate::display::{Safe, Style, Tone};
use crate::exit::Exit;
use crate::session::{render_failure, render_message};
use crate::target;

/// Rows that one transaction writes.
const BATCH: usize = 1_000;
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

/// Why an import did not come to its end.
#[derive(Debug)]
pub enum Trouble {
    /// What was asked for does not go together, or not with the file.
    Usage(String),
    /// The file cannot be read.
    File(String),
    /// The node refused something; the statement that it refused, if it was one.
    Node(Stop, String),
}

/// Runs the command.
pub fn command(args: &ImportArgs) -> Exit {
    let style = Style::detect(args.display.color, args.display.ascii, &io::stderr());
    let complain = |message: &str| {
        let _ = writeln!(io::stderr(), "{}", render_message(message, style));
    };
    // The file is looked at before a store is made.
    if let Err(error) = std::fs::File::open(&args.file) {
        complain(&format!("cannot read {}: {error}", args.file.display()));
        return Exit::CannotOpen;
    }
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
    let name = args.file.display().to_string();
    let progress = Bar::new(&args.file, io::stderr().is_terminal() && !args.display.ascii);
    let form = args.format.or_else(|| form_of(&args.file));
    let Some(form) = form else {
        complain(&format!("the name of {name} does not say what it is: give --format csv or --format jsonl"));
        return Exit::Usage;
    };
    let count = &progress.count;
    let open = |names: Vec<String>| {
        count.store(0, Ordering::Relaxed);
        Source::open(&args.file, form, names, Arc::clone(count))
    };
    let result = import(args, &client, &open, &mut |step| match step {
        Step::Pass(what) => progress.pass(what),
        Step::Batch => progress.show(),
        Step::Rejected(line, message) => {
            reported = reported.saturating_add(1);
            if reported <= REPORTED {
                progress.line(&render_message(&format!("{name}:{line}: {message}"), style));
            }
        }
    });
    progress.finish();
    if reported > REPORTED {
        complain(&format!("… and {} more rows", reported - REPORTED));
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
        Err(Trouble::Usage(message)) => {
            complain(&message);
            Exit::Usage
        }
        Err(Trouble::File(message)) => {
            complain(&message);
            Exit::CannotOpen
        }
        Err(Trouble::Node(Stop::Cancelled, done)) => {
            complain(&format!("cancelled; {done}"));
            Exit::Cancelled
        }
        Err(Trouble::Node(Stop::Failed(failure), statement)) => {
            let _ = writeln!(io::stderr(), "{}", render_failure(&failure, &statement, None, style, 100));
            Exit::Failed
        }
    }
}

/// What an import says while it goes on.
pub enum Step<'a> {
    /// A pass over the file begins.
    Pass(&'static str),
    /// A batch was read or written.
    Batch,
    /// A row was left out: its line and why.
    Rejected(u64, &'a str),
}

/// Opens the file for a pass; the names are the columns that an earlier pass found.
pub type Open<'a> = &'a dyn Fn(Vec<String>) -> Result<Source, String>;

/// Imports what `open` opens.
pub fn import(
    args: &ImportArgs,
    client: &Client,
    open: Open<'_>,
    say: &mut dyn FnMut(Step<'_>),
) -> Result<Summary, Trouble> {
    let catalog = client.catalog().map_err(|stop| Trouble::Node(stop, String::new()))?;
    say(Step::Pass("reading"));
    let names = names(args, open, client)?;
    let mut plan = Plan::new(args, &names, &catalog).map_err(Trouble::Usage)?;
    let mut rows: usize = 0;
    let mut source = open(names.clone()).map_err(Trouble::File)?;
    while let Some(row) = source.read().map_err(|error| unreadable(args, &error))? {
        if let Ok(fields) = &row.fields {
            plan.look(row.line, fields);
        }
        rows = rows.wrapping_add(1);
        if rows.is_multiple_of(BATCH) {
            say(Step::Batch);
            check(client)?;
        }
    }
    plan.settle().map_err(Trouble::Usage)?;
    for statement in plan.statements() {
        let done = client.execute(&statement, Default::default()).for_each(|_| {});
        done.map_err(|stop| Trouble::Node(stop, statement.clone()))?;
    }
    say(Step::Pass("writing"));
    write(args, names, &plan, client, open, say)
}

/// The columns: of CSV its header, of JSON lines all names in the file.
fn names(args: &ImportArgs, open: Open<'_>, client: &Client) -> Result<Vec<String>, Trouble> {
    let mut source = open(Vec::new()).map_err(Trouble::File)?;
    if source.has_header() {
        return Ok(source.columns().to_vec());
    }
    while source.read().map_err(|error| unreadable(args, &error))?.is_some() {
        check(client)?;
    }
    if source.columns().is_empty() {
        return Err(Trouble::File(format!("{}: no line is a JSON object", args.file.display())));
    }
    Ok(source.columns().to_vec())
}

fn unreadable(args: &ImportArgs, error: &io::Error) -> Trouble {
    Trouble::File(format!("cannot read {}: {error}", args.file.display()))
}

/// Ctrl-C between two rows.
fn check(client: &Client) -> Result<(), Trouble> {
    if client.interrupt().take() {
        return Err(Trouble::Node(Stop::Cancelled, "nothing was written".to_owned()));
    }
    Ok(())
}

fn write(
    args: &ImportArgs,
    names: Vec<String>,
    plan: &Plan,
    client: &Client,
    open: Open<'_>,
    say: &mut dyn FnMut(Step<'_>),
) -> Result<Summary, Trouble> {
    let mut source = open(names).map_err(Trouble::File)?;
    let mut batch = Batch::default();
    let mut summary = Summary::default();
    while let Some(row) = source.read().map_err(|error| unreadable(args, &error))? {
        match row.fields.and_then(|fields| plan.cells(&fields)) {
            Ok(cells) => {
                batch.lines.push(row.line);
                batch.rows.push(cells);
            }
            Err(message) => {
                summary.rejected = summary.rejected.saturating_add(1);
                say(Step::Rejected(row.line, &message));
            }
        }
        if batch.rows.len() >= BATCH {
            batch.send(plan, client, &mut summary, say)?;
        }
    }
    if !batch.rows.is_empty() {
        batch.send(plan, client, &mut summary, say)?;
    }
    Ok(summary)
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
        let done = client.request(request).for_each(|event| {
            if let Event::Rejected(row) = event {
                rejected.push(row);
            }
        });
        let done = done.map_err(|stop| {
            let rows = summary.created.saturating_add(summary.updated).saturating_add(summary.unchanged);
            let said = if stop == Stop::Cancelled {
                format!("{rows} rows were written before")
            } else {
                String::new()
            };
            Trouble::Node(stop, said)
        })?;
        for row in &rejected {
            let line = usize::try_from(row.row).ok().and_then(|at| self.lines.get(at)).copied().unwrap_or(0);
            summary.rejected = summary.rejected.saturating_add(1);
            say(Step::Rejected(line, &row.message));
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
    fn new(file: &Path, terminal: bool) -> Self {
        let length = std::fs::metadata(file).map_or(0, |meta| meta.len());
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
