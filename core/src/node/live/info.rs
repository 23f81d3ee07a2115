//! What a node says of its live queries.

use serde::{Deserialize, Serialize};

use super::query::Query;
use super::rate::Counter;
use crate::node::protocol::Failure;
use crate::storage::Position;

/// How the result of a live query is kept right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Upkeep {
    /// By looking at the entities that changed, and at those that refer to them.
    ByEntity,
    /// It is run again when an entity of one of its models changed.
    RunAgain,
}

/// A live query of a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LiveQueryInfo {
    /// What was asked, as the first of its subscribers wrote it.
    pub text: String,
    /// The position that its rows are right at.
    pub position: Position,
    /// How many rows it has.
    pub rows: u64,
    /// How many entities are kept for it: those of its rows, those behind its `limit`, those of its groups.
    pub kept: u64,
    /// How many observe it.
    pub subscribers: u64,
    /// How many notifications it has sent to each.
    pub notifications: u64,
    /// How many notifications it has sent to each in a second, over the last ten seconds.
    pub per_second: f64,
    /// How many notifications wait for the slowest subscriber.
    pub waiting: u64,
    /// How it is kept right now.
    pub upkeep: Upkeep,
    /// Whether it is found by the values of changed entities; otherwise every change of its models concerns it.
    pub indexed: bool,
    /// Why it has no result now.
    pub failure: Option<Failure>,
    /// Why it had no result the last time that it had none.
    pub last_failure: Option<Failure>,
}

/// The live queries of a node, and what they come to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LiveReport {
    /// Each of them, in the order in which they were first asked.
    pub queries: Vec<LiveQueryInfo>,
    /// All together.
    pub totals: LiveTotals,
}

/// What the live queries of a node come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LiveTotals {
    /// How many observe one.
    pub subscribers: u64,
    /// How many are found by the values of changed entities.
    pub indexed: u64,
    /// How many are not: every change of their models concerns them.
    pub residual: u64,
    /// How many of these are run again with every change.
    pub run_again: u64,
    /// How many entities were looked at for those that are not found by values, ever: what they cost.
    pub looks: u64,
    /// How many in a second, over the last ten seconds.
    pub looks_per_second: f64,
    /// How often a query was run again, ever: because it always is, because its window had run dry, or because it had
    /// failed.
    pub runs: u64,
    /// How often in a second, over the last ten seconds.
    pub runs_per_second: f64,
}

impl LiveReport {
    /// What is said of some queries, and of what was done for all that there ever were, at a time in nanoseconds.
    pub(super) fn new(queries: Vec<LiveQueryInfo>, looks: Counter, runs: Counter, nanos: u64) -> Self {
        let count = |counts: fn(&LiveQueryInfo) -> bool| {
            let found = queries.iter().filter(|query| counts(query)).count();
            u64::try_from(found).unwrap_or(u64::MAX)
        };
        let totals = LiveTotals {
            subscribers: queries.iter().map(|query| query.subscribers).fold(0, u64::saturating_add),
            indexed: count(|query| query.indexed),
            residual: count(|query| !query.indexed),
            run_again: count(|query| query.upkeep == Upkeep::RunAgain),
            looks: looks.all,
            looks_per_second: looks.rate.per_second(nanos),
            runs: runs.all,
            runs_per_second: runs.rate.per_second(nanos),
        };
        LiveReport { queries, totals }
    }
}

impl Query {
    /// What is said of it at a position and a time, in nanoseconds.
    pub(super) fn info(&self, position: Position, nanos: u64) -> LiveQueryInfo {
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        LiveQueryInfo {
            text: self.question.text().to_owned(),
            position,
            rows: number(self.state.len()),
            kept: number(self.state.size()),
            subscribers: number(self.subscribers.len()),
            notifications: self.notified.all,
            per_second: self.notified.rate.per_second(nanos),
            waiting: number(self.subscribers.iter().map(|(_, queue)| queue.depth()).max().unwrap_or(0)),
            upkeep: if self.takes_changes() { Upkeep::ByEntity } else { Upkeep::RunAgain },
            indexed: self.is_found && self.takes_changes(),
            failure: self.broken.as_deref().cloned(),
            last_failure: self.last_failure.as_deref().cloned(),
        }
    }
}
