//! An entity at any time.

use ankurah_core::id::OpId;

use super::list::List;
use crate::dag::{Graph, Op};
use crate::message::Image;

/// What a step is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unit {
    /// One operation.
    #[default]
    Operation,
    /// The operations of a transaction.
    Transaction,
    /// Those of a second.
    Second,
    /// Those of an hour.
    Hour,
    /// Those of a day.
    Day,
    /// Those accepted at one position of the log.
    Position,
}

impl Unit {
    const ALL: [Unit; 6] =
        [Unit::Operation, Unit::Transaction, Unit::Second, Unit::Hour, Unit::Day, Unit::Position];

    /// The next one.
    pub fn next(self) -> Self {
        let at = Unit::ALL.iter().position(|unit| *unit == self).unwrap_or(0);
        Unit::ALL.get((at + 1) % Unit::ALL.len()).copied().unwrap_or_default()
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Unit::Operation => "operation",
            Unit::Transaction => "transaction",
            Unit::Second => "second",
            Unit::Hour => "hour",
            Unit::Day => "day",
            Unit::Position => "position",
        }
    }

    /// What the operations of one step have in common.
    fn key(self, graph: &Graph, op: Op) -> u128 {
        let seconds = |seconds: u64| u128::from(graph.id(op).stamp().millis() / 1000 / seconds);
        match self {
            Unit::Operation => u128::from(op),
            Unit::Transaction => graph.transaction(op).map_or(0, |transaction| transaction.0),
            Unit::Second => seconds(1),
            Unit::Hour => seconds(3600),
            Unit::Day => seconds(86_400),
            Unit::Position => u128::from(graph.position(op).0),
        }
    }
}

/// Milliseconds between two steps, from slow to fast.
const SPEEDS: [u64; 7] = [2000, 1000, 500, 250, 100, 50, 20];

/// Where one is in the history of an entity.
#[derive(Clone, Debug)]
pub struct Timeline {
    /// How many operations, in the order of their ids, count; `None` is all of them, also those to come.
    pub at: Option<usize>,
    /// What they give.
    pub image: Option<Image>,
    /// What was shown before.
    pub before: Option<Image>,
    /// A point to compare with, and what it was.
    pub mark: Option<(usize, Option<Image>)>,
    /// What a step is.
    pub unit: Unit,
    /// Whether it goes on by itself.
    pub playing: bool,
    speed: usize,
    /// Where one is among the properties.
    pub list: List,
    /// Why a point cannot be shown.
    pub failure: Option<String>,
}

impl Default for Timeline {
    fn default() -> Self {
        Timeline {
            at: None,
            image: None,
            before: None,
            mark: None,
            unit: Unit::default(),
            playing: false,
            speed: 2,
            list: List::default(),
            failure: None,
        }
    }
}

impl Timeline {
    /// How many operations count.
    pub fn count(&self, graph: &Graph) -> usize {
        self.at.unwrap_or(graph.len()).min(graph.len())
    }

    /// The last operation that counts.
    pub fn last(&self, graph: &Graph) -> Option<Op> {
        self.count(graph).checked_sub(1).and_then(|at| u32::try_from(at).ok())
    }

    /// Goes one step on, or back; false at the end.
    pub fn step(&mut self, graph: &Graph, back: bool) -> bool {
        let count = self.count(graph);
        let op = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let to = if back {
            let Some(last) = count.checked_sub(1) else { return false };
            let key = self.unit.key(graph, op(last));
            (0..last).rev().find(|at| self.unit.key(graph, op(*at)) != key).map_or(0, |at| at + 1)
        } else {
            if count >= graph.len() {
                return false;
            }
            let key = self.unit.key(graph, op(count));
            (count..graph.len()).find(|at| self.unit.key(graph, op(*at)) != key).unwrap_or(graph.len())
        };
        self.go(to, graph);
        true
    }

    /// What is shown now is what the next point is compared with.
    pub fn leave_now(&mut self, now: Option<&Image>) {
        if self.at.is_none() {
            self.image = now.cloned();
        }
    }

    /// Goes to a point.
    pub fn go(&mut self, to: usize, graph: &Graph) {
        self.at = Some(to).filter(|to| *to < graph.len());
    }

    /// Goes to the point right after an operation.
    pub fn go_to(&mut self, id: OpId, graph: &Graph) {
        self.go(graph.count_upto(id), graph);
    }

    /// Takes in what a point is.
    pub fn take(&mut self, image: Option<Image>) {
        self.before = std::mem::replace(&mut self.image, image);
    }

    /// Plays faster or slower.
    pub fn speed(&mut self, faster: bool) {
        self.speed =
            if faster { (self.speed + 1).min(SPEEDS.len() - 1) } else { self.speed.saturating_sub(1) };
    }

    /// Milliseconds between two steps.
    pub fn pause(&self) -> u64 {
        SPEEDS.get(self.speed).copied().unwrap_or(500)
    }
}
