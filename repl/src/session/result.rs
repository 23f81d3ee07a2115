//! Statements and what is shown of their results.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use ankurah_core::node::protocol::{Column, Done, Event, Outcome, TransactionState};
use ankurah_core::value::Value;

use super::{Halt, Session, Settings};
use crate::client::{Next, Stop};
use crate::display::Tone;
use crate::format::{Options, Writer, writer};

impl Session {
    /// Runs one statement and shows what it gives.
    pub fn run_statement(&mut self, statement: &str) -> Result<(), Halt> {
        let parameters = self.variables.parameters();
        let mut answer = self.client.execute(statement, parameters);
        self.catalog_may_differ = true;
        let mut shown = Shown::new(self.row_settings().options());
        let mut render = Duration::ZERO;
        let end = loop {
            let event = match answer.advance() {
                Ok(Next::Event(event)) => event,
                Ok(Next::Done(done)) => break Ok(done),
                Err(stop) => break Err(stop),
            };
            let start = Instant::now();
            shown.event(event, self)?;
            render += start.elapsed();
        };
        // What is left of the answer is cancelled before anything else is asked.
        drop(answer);
        let start = Instant::now();
        shown.end(end.is_ok(), self)?;
        self.last_had_rows = shown.begun;
        match end {
            Ok(done) => {
                self.transaction = done.transaction;
                self.output.rows().flush()?;
                render += start.elapsed();
                self.show_done(&done, &shown, render)
            }
            Err(Stop::Cancelled) => {
                // The terminal has written ^C where the cursor was.
                let line = if self.settings.pager { "\n" } else { "" };
                let word = self.settings.error_style.paint(Tone::Warning, "cancelled");
                self.output.diagnostic(&format!("{line}{word}"))?;
                if self.transaction == TransactionState::Open {
                    self.ask_transaction_state();
                }
                Err(Halt::Cancelled)
            }
            Err(Stop::Failed(failure)) => {
                self.transaction = failure.transaction;
                self.show_failure(statement, &failure)?;
                Err(Halt::Failed)
            }
        }
    }

    /// The settings for where rows go now.
    pub(super) fn row_settings(&self) -> Cow<'_, Settings> {
        if self.output.is_redirected() {
            Cow::Owned(self.settings.for_file())
        } else {
            Cow::Borrowed(&self.settings)
        }
    }

    /// Finds out what a cancelled statement left of the transaction.
    fn ask_transaction_state(&mut self) {
        match self.client.execute("select 1", Default::default()).for_each(|_| {}) {
            Ok(done) => self.transaction = done.transaction,
            Err(Stop::Failed(failure)) => self.transaction = failure.transaction,
            Err(Stop::Cancelled) => {}
        }
    }

    /// Shows rows that did not come from a statement, as an answer to a command.
    pub(super) fn show_table(&mut self, columns: &[Column], rows: &[Vec<Value>]) -> Result<(), Halt> {
        /// A narrower terminal has no room for columns in which there is nothing.
        const NARROW: usize = 60;
        let narrow = self.settings.terminal && self.settings.width.is_some_and(|width| width < NARROW);
        let is_empty = |value: &Value| match value {
            Value::Null => true,
            Value::String(text) => text.is_empty(),
            _ => false,
        };
        let blank = |at: usize| rows.iter().all(|row| row.get(at).is_none_or(is_empty));
        let kept: Vec<bool> = (0..columns.len()).map(|at| !narrow || !blank(at)).collect();
        let pick = |row: &[Value]| -> Vec<Value> {
            row.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(value, _)| value.clone()).collect()
        };
        let shown = columns.iter().zip(&kept).filter(|(_, kept)| **kept).map(|(column, _)| column.clone());
        let mut writer = writer(&self.row_settings().table_options());
        let out = self.output.rows();
        writer.begin(&shown.collect::<Vec<_>>(), out)?;
        for row in rows {
            writer.row(&pick(row), out)?;
        }
        writer.end(out)?;
        self.output.flush()?;
        Ok(())
    }

    fn show_done(&mut self, done: &Done, shown: &Shown, render: Duration) -> Result<(), Halt> {
        let counted = self.settings.row_counts || !matches!(done.outcome, Outcome::Rows(_));
        if self.settings.footer && counted {
            let cut = if shown.cut { "; values were cut to fit, \\x shows all of them" } else { "" };
            if let Some(line) = outcome_line(&done.outcome, cut) {
                let line = self.folded(&line);
                let line = if shown.begun { self.settings.style.paint(Tone::Dim, &line) } else { line };
                self.output.note(&line)?;
            }
        }
        if self.settings.timing {
            let dot = if self.settings.style.ascii { "," } else { " ·" };
            let times = &done.timings;
            let line = format!(
                "parse {}{dot} plan {}{dot} fetch {}{dot} render {}",
                nanos(times.parse),
                nanos(times.plan),
                nanos(times.fetch),
                nanos(u64::try_from(render.as_nanos()).unwrap_or(u64::MAX)),
            );
            let line = if self.settings.style.ascii { line.replace('µ', "u") } else { line };
            let line = self.settings.style.paint(Tone::Dim, &self.folded(&line));
            self.output.note(&line)?;
        }
        Ok(())
    }
}

/// What is shown of one result.
pub(super) struct Shown {
    options: Options,
    writer: Option<Box<dyn Writer>>,
    begun: bool,
    cut: bool,
}

impl Shown {
    pub(super) fn new(options: Options) -> Self {
        Shown { options, writer: None, begun: false, cut: false }
    }

    pub(super) fn event(&mut self, event: Event, session: &mut Session) -> Result<(), Halt> {
        match event {
            Event::Columns(columns) => {
                let mut writer = writer(&self.options);
                writer.begin(&columns, session.output.rows())?;
                self.writer = Some(writer);
                self.begun = true;
            }
            Event::Rows(rows) => {
                let Some(writer) = &mut self.writer else { return Ok(()) };
                for mut row in rows {
                    session.variables.name_row(&mut row);
                    writer.row(&row, session.output.rows())?;
                }
            }
            Event::Rejected(rejected) => {
                let text = super::render_message(
                    &format!("row {}: {}", rejected.row, rejected.message),
                    session.settings.error_style,
                );
                session.output.diagnostic(&text)?;
            }
            // Statements give rows; the rest answers other requests.
            _ => {}
        }
        Ok(())
    }

    pub(super) fn end(&mut self, complete: bool, session: &mut Session) -> Result<(), Halt> {
        let Some(mut writer) = self.writer.take() else { return Ok(()) };
        let out = session.output.rows();
        if complete {
            writer.end(out)?;
        } else {
            writer.abort(out)?;
        }
        self.cut = writer.has_cut();
        Ok(())
    }
}

/// What is said of an outcome.
fn outcome_line(outcome: &Outcome, cut: &str) -> Option<String> {
    let count =
        |number: u64, one: &str, many: &str| format!("{number} {}", if number == 1 { one } else { many });
    let entities = |number: u64| count(number, "entity", "entities");
    Some(match *outcome {
        Outcome::Rows(rows) => format!("({}{cut})", count(rows, "row", "rows")),
        Outcome::Created(number) => format!("{} created", entities(number)),
        Outcome::Updated(number) => format!("{} updated", entities(number)),
        Outcome::Deleted(number) => format!("{} deleted", entities(number)),
        Outcome::Restored(number) => format!("{} restored", entities(number)),
        Outcome::Redacted(number) => format!("{} redacted", entities(number)),
        Outcome::Compacted(number) => format!("{} compacted", entities(number)),
        Outcome::Began => "transaction open".to_owned(),
        Outcome::Committed => "committed".to_owned(),
        Outcome::RolledBack => "rolled back".to_owned(),
        Outcome::Defined => "defined".to_owned(),
        Outcome::Upserted { created, updated, unchanged } => {
            format!("{} created, {updated} updated, {unchanged} unchanged", entities(created))
        }
        Outcome::Answered => return None,
    })
}

/// A duration for people, three digits and a unit.
fn nanos(nanos: u64) -> String {
    let (unit, scale) = match nanos {
        0..1_000 => return format!("{nanos} ns"),
        1_000..1_000_000 => ("µs", 1e3),
        1_000_000..1_000_000_000 => ("ms", 1e6),
        _ => ("s", 1e9),
    };
    // Only three digits are shown.
    let number = nanos as f64 / scale;
    let digits = if number >= 100.0 {
        0
    } else if number >= 10.0 {
        1
    } else {
        2
    };
    format!("{number:.digits$} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (number, text) in [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_000, "1.00 µs"),
            (12_345, "12.3 µs"),
            (123_456, "123 µs"),
            (1_500_000, "1.50 ms"),
            (61_000_000_000, "61.0 s"),
        ] {
            assert_eq!(nanos(number), text);
        }
    }

    #[test]
    fn outcomes() {
        assert_eq!(outcome_line(&Outcome::Rows(1), "").unwrap(), "(1 row)");
        assert_eq!(outcome_line(&Outcome::Created(2), "").unwrap(), "2 entities created");
        assert_eq!(outcome_line(&Outcome::Deleted(1), "").unwrap(), "1 entity deleted");
    }
}
