//! Live queries: `live select …`, what is told of them, `\live`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ankurah_core::node::protocol::{
    Event, EventStream, LiveChange, LiveEvent, LiveQueryInfo, LiveReport, LiveRows, Request, Upkeep,
};
use ankurah_core::value::Value;
use ankurah_query_lang::ast::StatementKind;
use futures::StreamExt;
use futures::executor::block_on;
use futures::stream::{AbortHandle, abortable, select_all};

use super::result::Shown;
use super::{Halt, Session};
use crate::client::{Stop, next_unless, poll_once};
use crate::display::Safe;
use crate::format::{json_row, text};

/// How often a wait for news looks whether it was interrupted.
const LOOK: Duration = Duration::from_millis(50);
/// Rows of a reset that are shown on a terminal.
const MOST_ROWS: usize = 100;

/// Prints a text above the line that is being edited.
pub type Printer = Arc<Mutex<dyn FnMut(String) + Send>>;

/// The live queries of a session.
#[derive(Default)]
pub(super) struct Lives {
    list: BTreeMap<u64, Live>,
    last: u64,
    /// Where news is printed as it comes. Without, it is shown after each statement.
    printer: Option<Printer>,
    /// Whether the last statement was a live query.
    pub(super) just_begun: bool,
}

/// A live query.
struct Live {
    text: String,
    state: Arc<Mutex<State>>,
    source: Source,
}

enum Source {
    /// Asked after each statement.
    Here(EventStream),
    /// Followed by a thread, which ends with it.
    Thread(AbortHandle),
}

impl Drop for Live {
    fn drop(&mut self) {
        if let Source::Thread(thread) = &self.source {
            thread.abort();
        }
    }
}

/// What is known of a live query.
struct State {
    number: u64,
    rows: LiveRows,
    null: String,
    json: bool,
    told: u64,
    ended: bool,
}

/// What is said of a row: the word, the places of a move, the place, the row.
type Said = (&'static str, Option<(u64, u64)>, u64, Vec<Value>);

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Session {
    /// Has news of live queries printed as it comes.
    pub fn print_news(&mut self, printer: Printer) {
        self.lives.printer = Some(printer);
    }

    /// Runs a statement that is a live query: shows its rows, and follows it. `None` where it is another statement.
    pub(super) fn run_live(&mut self, statement: &str) -> Option<Result<(), Halt>> {
        self.lives.just_begun = false;
        let first = statement.get(..4)?;
        if !first.eq_ignore_ascii_case("live") {
            return None;
        }
        // What cannot be parsed is for the node to explain.
        let parsed = ankurah_query_lang::parse_statement(statement).ok()?;
        matches!(parsed.kind, StatementKind::Live(_)).then(|| self.begin_live(statement))
    }

    fn begin_live(&mut self, statement: &str) -> Result<(), Halt> {
        let parameters = self.variables.parameters();
        let request = Request::Live { statement: statement.to_owned(), parameters };
        let mut stream = self.client.stream(request);
        let interrupt = self.client.interrupt().clone();
        let event = match next_unless(&mut stream, || interrupt.take()) {
            Some(Some(Event::Live(event))) => event,
            Some(Some(Event::Failed(failure))) => {
                self.show_failure(statement, &failure)?;
                return Err(Halt::Failed);
            }
            Some(_) => return self.fail("the node did not answer a live query"),
            None => return self.cancelled(),
        };
        let number = self.lives.last.saturating_add(1);
        let mut state = State {
            number,
            rows: LiveRows::default(),
            null: self.settings.null.clone(),
            json: self.settings.live_json,
            told: 0,
            ended: false,
        };
        if state.json {
            let lines = state.take(&Event::Live(event), |_| {});
            self.write_lines(&lines)?;
        } else {
            self.show_first_rows(&event)?;
            // The first event is a reset, which always fits, or a failure.
            let _ = state.rows.apply(&event);
            if let LiveEvent::Failed { failure, .. } = &event {
                // It goes on: its rows come as soon as there are some.
                self.write_lines(&[state.message("failed", &failure.message)])?;
            }
        }
        if self.settings.terminal {
            self.say(&format!("live query {number}: \\live lists them, \\live stop {number} ends it"))?;
        }
        let state = Arc::new(Mutex::new(state));
        let source = match &self.lives.printer {
            Some(printer) => follow(stream, &state, printer).map_err(Halt::Output)?,
            None => Source::Here(stream),
        };
        self.lives.last = number;
        self.lives.just_begun = true;
        self.lives.list.insert(number, Live { text: statement.to_owned(), state, source });
        Ok(())
    }

    /// Shows the first rows as those of any query.
    fn show_first_rows(&mut self, event: &LiveEvent) -> Result<(), Halt> {
        let LiveEvent::Reset { columns, rows, .. } = event else {
            return Ok(());
        };
        let mut shown = Shown::new(self.row_settings().options());
        shown.event(Event::Columns(columns.clone()), self)?;
        shown.event(Event::Rows(rows.clone()), self)?;
        shown.end(true, self)?;
        self.last_had_rows = true;
        Ok(self.output.rows().flush()?)
    }

    fn cancelled(&mut self) -> Result<(), Halt> {
        self.output.diagnostic("cancelled")?;
        Err(Halt::Cancelled)
    }

    fn write_lines(&mut self, lines: &[String]) -> Result<(), Halt> {
        let out = self.output.rows();
        for line in lines {
            writeln!(out, "{line}")?;
        }
        Ok(out.flush()?)
    }

    /// Shows what has become of the live queries that nobody follows in between.
    pub(super) fn tell_lives(&mut self) -> Result<(), Halt> {
        let here = |live: &Live| matches!(live.source, Source::Here(_));
        if !self.lives.list.values().any(here) {
            return Ok(());
        }
        // When this is answered, all that was committed is in the queues.
        match self.client.request(Request::LiveQueries).for_each(|_| {}) {
            Ok(_) => {}
            Err(Stop::Cancelled) => return self.cancelled(),
            // The store was closed: the queries say so themselves.
            Err(Stop::Failed(_)) => {}
        }
        let mut lines = Vec::new();
        let variables = &mut self.variables;
        for live in self.lives.list.values_mut() {
            let Source::Here(stream) = &mut live.source else { continue };
            let mut state = lock(&live.state);
            while let Some(event) = poll_once(stream) {
                lines.extend(state.take(&event, |row| variables.name_row(row)));
            }
        }
        self.lives.list.retain(|_, live| !lock(&live.state).ended);
        self.last_had_rows |= !lines.is_empty();
        self.write_lines(&lines)
    }

    /// Where the last statement of a script was a live query: shows its news until it is interrupted or over.
    pub fn follow_lives(&mut self) -> Result<(), Halt> {
        if !self.lives.just_begun {
            return Ok(());
        }
        let mut streams = Vec::new();
        let mut states = BTreeMap::new();
        for (number, live) in &mut self.lives.list {
            let empty: EventStream = Box::pin(futures::stream::empty());
            if let Source::Here(stream) = &mut live.source {
                let number = *number;
                states.insert(number, live.state.clone());
                streams.push(std::mem::replace(stream, empty).map(move |event| (number, event)));
            }
        }
        let (sender, receiver) = sync_channel(16);
        let (mut all, end) = abortable(select_all(streams));
        let named = std::thread::Builder::new().name("live".to_owned());
        let thread = named.spawn(move || {
            while let Some(news) = block_on(all.next()) {
                if sender.send(news).is_err() {
                    return;
                }
            }
        })?;
        let interrupt = self.client.interrupt().clone();
        let result = loop {
            if interrupt.take() {
                break Err(Halt::Cancelled);
            }
            let (number, event) = match receiver.recv_timeout(LOOK) {
                Ok(news) => news,
                Err(RecvTimeoutError::Timeout) => continue,
                // What ended the last of them has been said.
                Err(RecvTimeoutError::Disconnected) => break Err(Halt::Failed),
            };
            let lines = match states.get(&number) {
                Some(state) => lock(state).take(&event, |_| {}),
                None => Vec::new(),
            };
            if let Err(halt) = self.write_lines(&lines) {
                break Err(halt);
            }
        };
        end.abort();
        drop(receiver);
        // It holds the store open.
        let _ = thread.join();
        result
    }

    /// Says what live queries the node keeps right, whoever observes them.
    fn report_lives(&mut self) -> Result<(), Halt> {
        let mut report = LiveReport::default();
        let asked = self.client.request(Request::LiveQueries).for_each(|event| {
            if let Event::LiveQueries(found) = event {
                report = found;
            }
        });
        match asked {
            Ok(_) => {}
            Err(Stop::Cancelled) => return self.cancelled(),
            Err(Stop::Failed(failure)) => return self.fail(&Safe::line(&failure.message).to_string()),
        }
        let kept = report.queries.len();
        self.output.note(&format!("the node keeps {}", count(kept, "live query", "live queries")))?;
        for query in &report.queries {
            self.output.note(&format!("  {}", described(query)))?;
        }
        Ok(())
    }

    /// `\live`: lists the live queries or ends one.
    pub(super) fn command_live(&mut self, words: &[String]) -> Result<(), Halt> {
        match words {
            [] => {
                self.lives.list.retain(|_, live| !lock(&live.state).ended);
                for (number, live) in &self.lives.list {
                    let state = lock(&live.state);
                    let rows = state.rows.rows().len();
                    let failure =
                        state.rows.failure().map(|failure| Safe::line(&failure.message).to_string());
                    let failure = failure.map_or(String::new(), |failure| format!("; fails: {failure}"));
                    let line = format!(
                        "{number}: {}, {} told: {}{failure}",
                        count(rows, "row", "rows"),
                        count(usize::try_from(state.told).unwrap_or(usize::MAX), "change", "changes"),
                        Safe::line(&live.text)
                    );
                    drop(state);
                    self.output.note(&line)?;
                }
                self.report_lives()
            }
            [stop, which] if stop == "stop" => {
                if which == "all" {
                    self.lives.list.clear();
                    return Ok(());
                }
                let found = which.parse().ok().and_then(|number: u64| self.lives.list.remove(&number));
                match found {
                    Some(_) => Ok(()),
                    None => self.fail(&format!("\\live: there is no live query {}", Safe::line(which))),
                }
            }
            _ => self.fail("\\live: give nothing to list them, `stop` and a number, or `stop all`"),
        }
    }
}

/// What a node says of a live query: rows, observers, notifications a second, those that wait for the slowest observer,
/// how it is kept right, its text, and why it failed last.
fn described(query: &LiveQueryInfo) -> String {
    let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let kept = match (query.upkeep, query.indexed) {
        (Upkeep::ByEntity, true) => "indexed",
        (Upkeep::ByEntity, false) => "residual",
        (Upkeep::RunAgain, _) => "run again",
    };
    let failure = match (&query.failure, &query.last_failure) {
        (Some(failure), _) => format!("; fails: {}", Safe::line(&failure.message)),
        (None, Some(failure)) => format!("; last error: {}", Safe::line(&failure.message)),
        (None, None) => String::new(),
    };
    format!(
        "{}, {}, {:.1}/s, {} waiting, {kept}: {}{failure}",
        count(number(query.rows), "row", "rows"),
        count(number(query.subscribers), "observer", "observers"),
        query.per_second,
        query.waiting,
        Safe::line(&query.text),
    )
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// Follows a live query in a thread of its own.
fn follow(stream: EventStream, state: &Arc<Mutex<State>>, printer: &Printer) -> std::io::Result<Source> {
    let (mut stream, end) = abortable(stream);
    let (state, printer) = (state.clone(), printer.clone());
    std::thread::Builder::new().name("live".to_owned()).spawn(move || {
        while let Some(event) = block_on(stream.next()) {
            let mut text = String::new();
            for line in lock(&state).take(&event, |_| {}) {
                // Writing to a string cannot fail.
                let _ = writeln!(text, "{line}");
            }
            if !text.is_empty() && !stream.is_aborted() {
                printer.lock().unwrap_or_else(PoisonError::into_inner)(text);
            }
        }
    })?;
    Ok(Source::Thread(end))
}

impl State {
    /// Takes an event in and gives what is said of it, line by line. `name` changes rows before they are shown.
    fn take(&mut self, event: &Event, mut name: impl FnMut(&mut Vec<Value>)) -> Vec<String> {
        let event = match event {
            Event::Live(event) => event,
            Event::Failed(failure) => {
                self.ended = true;
                return vec![self.message("ended", &failure.message)];
            }
            _ => return Vec::new(),
        };
        let mut lines = Vec::new();
        let mut changes: Vec<Said> = Vec::new();
        let fits = self.rows.apply_with(event, |change, old| {
            changes.push(match change {
                LiveChange::Enter { at, row } => ("enter", None, *at, row.clone()),
                LiveChange::Leave { at } => {
                    ("leave", None, *at, old.map(<[Value]>::to_vec).unwrap_or_default())
                }
                LiveChange::Update { at, row } => ("update", None, *at, row.clone()),
                LiveChange::Move { from, to, row } => ("move", Some((*from, *to)), *to, row.clone()),
            });
        });
        if let LiveEvent::Reset { rows, .. } = event {
            let all = rows.len();
            lines.push(if self.json {
                let (number, position) = (self.number, event.position().0);
                format!("{{\"live\":{number},\"position\":{position},\"change\":\"reset\",\"rows\":{all}}}")
            } else {
                format!("[{}] reset: {}", self.number, count(all, "row", "rows"))
            });
            let shown = if self.json { usize::MAX } else { MOST_ROWS };
            for (at, mut row) in rows.to_values().into_iter().enumerate().take(shown) {
                name(&mut row);
                lines.push(self.line("enter", None, u64::try_from(at).unwrap_or(u64::MAX), &row));
            }
            if all > shown {
                lines.push(format!("[{}] and {} more", self.number, all - shown));
            }
        }
        if let LiveEvent::Failed { failure, .. } = event {
            lines.push(self.message("failed", &failure.message));
        }
        self.told = self.told.saturating_add(u64::try_from(changes.len()).unwrap_or(u64::MAX));
        for (what, from, at, mut row) in changes {
            name(&mut row);
            lines.push(self.line(what, from, at, &row));
        }
        if let Err(misfit) = fits {
            self.ended = true;
            lines.push(self.message("ended", &misfit.to_string()));
        }
        lines
    }

    fn message(&self, what: &str, message: &str) -> String {
        if self.json {
            let row = [Value::String(message.into())];
            let message = json_row(&["message"], &row);
            let message = message.trim_start_matches('{');
            return format!("{{\"live\":{},\"change\":\"{what}\",{message}", self.number);
        }
        format!("[{}] {what}: {}", self.number, Safe::line(message))
    }

    /// What is said of one row.
    fn line(&self, what: &str, from: Option<(u64, u64)>, at: u64, row: &[Value]) -> String {
        if self.json {
            let names: Vec<&str> = self.rows.columns().iter().map(|column| column.name.as_str()).collect();
            let (number, position) = (self.number, self.rows.position().0);
            let from = from.map_or(String::new(), |(from, _)| format!(",\"from\":{from}"));
            let row = json_row(&names, row);
            return format!(
                "{{\"live\":{number},\"position\":{position},\"change\":\"{what}\"{from},\"at\":{at},\"row\":{row}}}"
            );
        }
        let sign = match what {
            "enter" => '+',
            "leave" => '-',
            "update" => '~',
            _ => '>',
        };
        let values: Vec<String> = row
            .iter()
            .map(
                |value| {
                    if value.is_null() { self.null.clone() } else { Safe::line(&text(value)).to_string() }
                },
            )
            .collect();
        // People count from one.
        let moved = from.map_or(String::new(), |(from, to)| {
            format!(" (from {} to {})", from.saturating_add(1), to.saturating_add(1))
        });
        format!("[{}] {sign} {}{moved}", self.number, values.join(" | "))
    }
}
