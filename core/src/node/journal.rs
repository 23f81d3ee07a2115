//! What a program says while it runs, kept for those who look later.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

/// Lines that are kept.
const LINES: usize = 10_000;
/// Bytes of text that are kept.
const BYTES: usize = 4 << 20;
/// Bytes of a line that are kept.
const LINE: usize = 16 << 10;
/// Bytes that the name of a part may have.
const TARGET: usize = 256;

/// How much a line of a [`Journal`] matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum JournalLevel {
    /// Every little thing.
    Trace,
    /// What helps to find out why something happened.
    Debug,
    /// What happens now and then, as it should.
    Info,
    /// What should be looked at.
    Warning,
    /// What went wrong.
    Error,
}

/// A line of a [`Journal`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalLine {
    /// Its number, from 1; numbers of lines that are not kept any more are missing.
    pub number: u64,
    /// When, in microseconds since the Unix epoch.
    pub at: i64,
    /// How much it matters.
    pub level: JournalLevel,
    /// Which part of the program says it, such as `ankurah_core::node`.
    pub target: String,
    /// What it says, with its fields. It may hold anything that came from data.
    pub text: String,
}

/// The last lines that a program said: at most 10,000, and 4 MiB. The program fills it, from what its libraries tell
/// `tracing` for example; [`Request::Journal`](super::protocol::Request::Journal) reads it.
#[derive(Debug, Default)]
pub struct Journal(Mutex<Lines>);

#[derive(Debug, Default)]
struct Lines {
    kept: VecDeque<JournalLine>,
    bytes: usize,
    last: u64,
}

impl Journal {
    /// An empty journal.
    pub fn new() -> Self {
        Journal::default()
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a line, said at a time in microseconds since the Unix epoch. The oldest lines make room for it.
    pub fn add(&self, at: i64, level: JournalLevel, target: &str, text: &str) {
        let (target, text) = (shortened(target, TARGET), shortened(text, LINE));
        let mut lines = self.lines();
        lines.last = lines.last.saturating_add(1);
        lines.bytes = lines.bytes.saturating_add(cost(&target, &text));
        let number = lines.last;
        lines.kept.push_back(JournalLine { number, at, level, target, text });
        while lines.kept.len() > LINES || lines.bytes > BYTES {
            let Some(oldest) = lines.kept.pop_front() else { break };
            lines.bytes = lines.bytes.saturating_sub(cost(&oldest.target, &oldest.text));
        }
    }

    /// The first lines with numbers greater than `after`, at most so many.
    pub fn after(&self, after: u64, limit: usize) -> Vec<JournalLine> {
        let lines = self.lines();
        let start = lines.kept.partition_point(|line| line.number <= after);
        lines.kept.iter().skip(start).take(limit).cloned().collect()
    }
}

fn cost(target: &str, text: &str) -> usize {
    target.len().saturating_add(text.len())
}

fn shortened(text: &str, longest: usize) -> String {
    let mut end = text.len().min(longest);
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    text.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept() {
        let journal = Journal::new();
        let count = u64::try_from(LINES).unwrap().saturating_add(5);
        for number in 1..=count {
            journal.add(0, JournalLevel::Info, "test", &number.to_string());
        }
        let all = journal.after(0, usize::MAX);
        assert_eq!((all.len(), all.first().unwrap().number, all.last().unwrap().number), (LINES, 6, count));
        let some = journal.after(count - 3, 2);
        assert_eq!(some.iter().map(|line| line.number).collect::<Vec<_>>(), [count - 2, count - 1]);
        assert!(journal.after(count, 9).is_empty());
    }

    #[test]
    fn no_more_than_a_bound_is_kept() {
        let journal = Journal::new();
        let long = "ä".repeat(LINE);
        for _ in 0..2 * BYTES / LINE {
            journal.add(0, JournalLevel::Debug, &long, &long);
            let lines = journal.lines();
            let taken: usize = lines.kept.iter().map(|line| cost(&line.target, &line.text)).sum();
            assert_eq!(taken, lines.bytes);
            assert!(taken <= BYTES);
        }
        let kept = journal.after(0, 1);
        assert_eq!((kept[0].target.len(), kept[0].text.len()), (TARGET, LINE));
    }
}
