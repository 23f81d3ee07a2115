//! The change log as it grows.

use ankurah_core::storage::{LogEntry, Position};

use super::names::Names;
use super::stream::{Stream, Weigh};
use crate::fold::has_all;

/// Entities and operations of a commit that a filter looks at.
const LOOKED_AT: usize = 256;

impl Weigh for LogEntry {
    fn weight(&self) -> usize {
        let operations: usize = self.changes.iter().map(|change| change.operations.len()).sum();
        size_of::<LogEntry>() + 64 * self.changes.len() + 16 * operations + 32 * self.relayed.len()
    }
}

/// What was committed.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The commits.
    pub stream: Stream<LogEntry>,
    last: Position,
}

impl Changes {
    /// The position up to which it was read.
    pub fn last(&self) -> Position {
        self.last
    }

    /// Where to go on reading a log that has come to a position: it may be shorter than what was read of it, where
    /// what was not on disk was lost.
    pub fn go_on(&mut self, position: Position) -> Position {
        self.stream.failure = None;
        self.last = self.last.min(position);
        self.last
    }

    /// Takes a commit in.
    pub fn take(&mut self, entry: LogEntry, names: &Names) {
        if entry.position > self.last {
            self.last = entry.position;
            self.stream.take(entry, |entry, words| fits(entry, words, names));
        }
    }

    /// Holds, or goes on with what was held.
    pub fn pause(&mut self, names: &Names) {
        self.stream.pause(|entry, words| fits(entry, words, names));
    }

    /// Shows only commits that have all words of a text: in the names of their models, in ids of their transaction,
    /// entities and operations, or as their position.
    pub fn set_filter(&mut self, text: &str, names: &Names) {
        self.stream.set_filter(text, |entry, words| fits(entry, words, names));
    }
}

fn fits(entry: &LogEntry, words: &[String], names: &Names) -> bool {
    let mut text = entry.position.0.to_string();
    let mut add = |part: &str| {
        text.push(' ');
        text.push_str(part);
    };
    if let Some(transaction) = entry.transaction {
        add(&transaction.to_string());
    }
    for change in entry.changes.iter().take(LOOKED_AT) {
        add(&names.model_name(change.model));
        add(&change.entity.to_string());
        change.operations.iter().take(LOOKED_AT).for_each(|operation| add(&operation.to_string()));
    }
    has_all(&text, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(position: u64) -> LogEntry {
        LogEntry { position: Position(position), transaction: None, changes: Vec::new(), relayed: Vec::new() }
    }

    #[test]
    fn what_was_seen_before_is_not_shown_again() {
        let (mut changes, names) = (Changes::default(), Names::default());
        for position in [1, 2, 3, 2, 3, 4] {
            changes.take(entry(position), &names);
        }
        assert_eq!((changes.stream.len(), changes.last()), (4, Position(4)));
        changes.set_filter("3", &names);
        assert_eq!(changes.stream.entry(0).unwrap().position, Position(3));
        assert_eq!(changes.stream.len(), 1);
    }
}
