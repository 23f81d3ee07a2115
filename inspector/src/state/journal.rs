//! What the program says while it runs.

use ankurah_core::node::journal::{JournalLevel, JournalLine};

use super::stream::{Stream, Weigh};
use crate::fold::has_all;

impl Weigh for JournalLine {
    fn weight(&self) -> usize {
        size_of::<JournalLine>() + self.target.len() + self.text.len()
    }
}

/// How much a line matters, as it is shown.
pub fn level_name(level: JournalLevel) -> &'static str {
    match level {
        JournalLevel::Trace => "trace",
        JournalLevel::Debug => "debug",
        JournalLevel::Info => "info",
        JournalLevel::Warning => "warning",
        JournalLevel::Error => "error",
    }
}

/// The lines that were read.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    /// The lines.
    pub stream: Stream<JournalLine>,
    /// Lines that the program had dropped before they were read.
    pub missed: u64,
    last: u64,
}

fn fits(line: &JournalLine, words: &[String]) -> bool {
    has_all(&format!("{} {} {}", level_name(line.level), line.target, line.text), words)
}

impl Journal {
    /// The number of the last line that was read.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Takes lines in.
    pub fn take(&mut self, lines: Vec<JournalLine>) {
        for line in lines {
            if line.number <= self.last {
                continue;
            }
            // Before the first one nothing was missed: it was said before anybody looked.
            if self.last > 0 {
                self.missed = self.missed.saturating_add(line.number - self.last - 1);
            }
            self.last = line.number;
            self.stream.take(line, fits);
        }
    }

    /// Holds, or goes on with what was held.
    pub fn pause(&mut self) {
        self.stream.pause(fits);
    }

    /// Shows only lines that have all words of a text.
    pub fn set_filter(&mut self, text: &str) {
        self.stream.set_filter(text, fits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_once_and_gaps_are_counted() {
        let line = |number: u64| JournalLine {
            number,
            at: 0,
            level: JournalLevel::Warning,
            target: "core".to_owned(),
            text: format!("line {number}"),
        };
        let mut journal = Journal::default();
        journal.take(vec![line(7), line(8)]);
        journal.take(vec![line(8), line(12)]);
        assert_eq!((journal.stream.len(), journal.missed, journal.last()), (3, 3, 12));
        journal.set_filter("WARN 12");
        assert_eq!(journal.stream.len(), 1);
    }
}
