//! What became of each step, and the table at the end.

use std::fmt;
use std::time::{Duration, Instant};

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It ran and found nothing wrong; the text may add what it did.
    Passed(String),
    /// It ran and found something wrong, or could not run though it should.
    Failed(String),
    /// This machine lacks something that it needs.
    Skipped {
        /// What is missing.
        reason: String,
        /// What to do to have it run.
        enable: String,
    },
}

impl Outcome {
    /// Skipped for `reason`, until someone does `enable`.
    pub(crate) fn skipped(reason: impl Into<String>, enable: impl Into<String>) -> Outcome {
        Outcome::Skipped { reason: reason.into(), enable: enable.into() }
    }
}

impl From<Result<(), String>> for Outcome {
    fn from(result: Result<(), String>) -> Outcome {
        match result {
            Ok(()) => Outcome::Passed(String::new()),
            Err(reason) => Outcome::Failed(reason),
        }
    }
}

impl From<Result<String, String>> for Outcome {
    fn from(result: Result<String, String>) -> Outcome {
        match result {
            Ok(detail) => Outcome::Passed(detail),
            Err(reason) => Outcome::Failed(reason),
        }
    }
}

#[derive(Debug)]
struct Row {
    step: String,
    outcome: Outcome,
    took: Duration,
}

/// All steps of a task, in the order in which they ran.
#[derive(Debug, Default)]
pub(crate) struct Report {
    rows: Vec<Row>,
}

impl Report {
    /// Announces a step, runs it and keeps its outcome; tells whether it passed.
    pub(crate) fn step(&mut self, name: &str, run: impl FnOnce() -> Outcome) -> bool {
        println!("\n== {name}");
        let start = Instant::now();
        let outcome = run();
        match &outcome {
            Outcome::Passed(_) => {}
            Outcome::Failed(reason) => println!("{name} failed: {reason}"),
            Outcome::Skipped { reason, enable } => println!("{name} skipped: {reason}; to enable: {enable}"),
        }
        let passed = matches!(outcome, Outcome::Passed(_));
        self.add(name, outcome, start.elapsed());
        passed
    }

    /// Keeps the outcome of something that ran as a part of another step.
    pub(crate) fn add(&mut self, name: impl Into<String>, outcome: Outcome, took: Duration) {
        self.rows.push(Row { step: name.into(), outcome, took });
    }

    /// Whether nothing failed and, if `no_skips`, nothing was skipped.
    pub(crate) fn is_ok(&self, no_skips: bool) -> bool {
        self.rows.iter().all(|row| match row.outcome {
            Outcome::Passed(_) => true,
            Outcome::Failed(_) => false,
            Outcome::Skipped { .. } => !no_skips,
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|row| row.step.chars().count()).max().unwrap_or(0);
        let (mut passed, mut failed, mut skipped) = (0, 0, 0);
        for Row { step, outcome, took } in &self.rows {
            let seconds = took.as_secs_f64();
            let (word, detail) = match outcome {
                Outcome::Passed(detail) => {
                    passed += 1;
                    ("passed", detail.clone())
                }
                Outcome::Failed(reason) => {
                    failed += 1;
                    ("FAILED", reason.clone())
                }
                Outcome::Skipped { reason, .. } => {
                    skipped += 1;
                    ("skipped", reason.clone())
                }
            };
            let line = format!("{step:width$}  {word:7}  {seconds:>6.1} s  {detail}");
            writeln!(f, "{}", line.trim_end())?;
            if let Outcome::Skipped { enable, .. } = outcome {
                writeln!(f, "{:width$}  to enable: {enable}", "")?;
            }
        }
        write!(f, "{passed} passed, {failed} failed, {skipped} skipped")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(outcomes: &[(&str, Outcome)]) -> Report {
        let mut report = Report::default();
        for (name, outcome) in outcomes {
            report.add(*name, outcome.clone(), Duration::from_millis(1250));
        }
        report
    }

    #[test]
    fn verdicts() {
        let passed = ("a", Outcome::Passed(String::new()));
        let failed = ("b", Outcome::Failed("exit status: 1".into()));
        let skipped = ("c", Outcome::skipped("no cargo-deny", "cargo install cargo-deny"));
        let check = |outcomes: &[(&str, Outcome)], lenient, strict| {
            let report = report(outcomes);
            assert_eq!((report.is_ok(false), report.is_ok(true)), (lenient, strict), "{report}");
        };
        check(&[], true, true);
        check(std::slice::from_ref(&passed), true, true);
        check(&[passed.clone(), skipped.clone()], true, false);
        check(&[passed, skipped, failed], false, false);
    }

    #[test]
    fn table() {
        let report = report(&[
            ("unit tests", Outcome::Passed(String::new())),
            ("docs", Outcome::Failed("exit status: 1".into())),
            ("wasm32", Outcome::skipped("no toolchain", "cargo xtask setup")),
        ]);
        let expected = "\
unit tests  passed      1.2 s
docs        FAILED      1.2 s  exit status: 1
wasm32      skipped     1.2 s  no toolchain
            to enable: cargo xtask setup
1 passed, 1 failed, 1 skipped";
        assert_eq!(report.to_string(), expected);
    }
}
