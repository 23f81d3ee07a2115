//! What came out of many rounds.

use std::fmt;
use std::time::Duration;

/// What came out of rounds that end badly for a process or a disk.
#[derive(Debug, Default)]
pub(super) struct Summary {
    pub(super) rounds: u64,
    /// Steps that were acknowledged as synced.
    pub(super) acknowledged: u64,
    /// Rounds after which something acknowledged was not there, or something else was.
    pub(super) lost: u64,
    /// Rounds after which the store did not open.
    pub(super) failed_opens: u64,
    /// Rounds after which `verify` found something.
    pub(super) faults: u64,
    pub(super) slowest_open: Duration,
    /// Everything that went wrong, for people.
    pub(super) troubles: Vec<String>,
}

impl Summary {
    pub(super) fn trouble(&mut self, message: String) {
        self.troubles.push(message);
    }

    /// Panics if anything went wrong.
    pub(super) fn check(&self) {
        assert!(self.troubles.is_empty(), "{self}\n{}", self.troubles.join("\n"));
    }

    /// The heading of the table of summaries.
    pub(super) const HEAD: &'static str =
        "rounds  acknowledged  lost  failed opens  with faults  other troubles  slowest open";
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.lost + self.failed_opens + self.faults;
        let others = u64::try_from(self.troubles.len()).map_or(0, |all| all.saturating_sub(known));
        write!(
            f,
            "{:6}  {:12}  {:4}  {:12}  {:11}  {:14}  {:9} ms",
            self.rounds,
            self.acknowledged,
            self.lost,
            self.failed_opens,
            self.faults,
            others,
            self.slowest_open.as_millis()
        )
    }
}
