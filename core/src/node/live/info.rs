//! What a node says of its live queries.

use serde::{Deserialize, Serialize};

use super::query::Query;
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
            notifications: self.notifications,
            per_second: self.rate.per_second(nanos),
            waiting: number(self.subscribers.iter().map(|(_, queue)| queue.depth()).max().unwrap_or(0)),
            upkeep: if self.takes_changes() { Upkeep::ByEntity } else { Upkeep::RunAgain },
            indexed: self.found.is_some() && self.takes_changes(),
            failure: self.broken.as_deref().cloned(),
            last_failure: self.last_failure.as_deref().cloned(),
        }
    }
}
