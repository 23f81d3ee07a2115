//! A query whose result is kept right.

use std::sync::Arc;

use super::index::Found;
use super::question::{LiveQuestion, Meaning};
use super::queue::Queue;
use super::rate::Counter;
use super::result::TOO_MANY;
use super::shape::{Rowing, Shape};
use super::state::State;
use crate::node::protocol::Failure;
use crate::query::BoundSelect;
use crate::query::expr::Expr;
use crate::storage::Position;

/// What is known of the rows of a query. Nothing is told of it unless they are right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// They are right at the query's position, and wherever the registry is after that.
    Right,
    /// It joined at a position that a step had already passed: what changed since is still to be taken in.
    Behind,
    /// It means something else than before, and its rows are still to be read.
    Unread,
}

/// A query, its result and who observes it.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) question: LiveQuestion,
    pub(super) meaning: Meaning,
    pub(super) shape: Arc<Shape>,
    pub(super) filter: Option<Box<Expr>>,
    /// Whether it is found when an entity changed: [`Found::of`] says by what.
    pub(super) is_found: bool,
    /// What is known of the rows.
    pub(super) standing: Standing,
    /// Since when the rows are as they are; where the query is [`Standing::Behind`], what they are to be caught up from.
    pub(super) position: Position,
    pub(super) state: State,
    /// Why there is no result at the position; the rows are then those from before.
    pub(super) broken: Option<Arc<Failure>>,
    /// Why there was none the last time that there was none.
    pub(super) last_failure: Option<Arc<Failure>>,
    /// It is always run again: it concerns more entities than are kept, or is known without them.
    pub(super) gave_up: bool,
    /// By number, ascending.
    pub(super) subscribers: Vec<(u64, Arc<Queue>)>,
    pub(super) notified: Counter,
}

impl Query {
    pub(super) fn new(
        question: LiveQuestion,
        shape: Arc<Shape>,
        filter: Option<Expr>,
        position: Position,
    ) -> Self {
        let meaning = shape.meaning.with_filter(filter.as_ref());
        let mut query = Query {
            question,
            meaning,
            shape,
            filter: filter.map(Box::new),
            is_found: false,
            standing: Standing::Right,
            position,
            state: State::default(),
            broken: None,
            last_failure: None,
            gave_up: false,
            subscribers: Vec::new(),
            notified: Counter::default(),
        };
        query.is_found = Found::of(&query).is_some();
        // The number of all entities is known without them.
        query.gave_up = query.filter.is_none() && query.shape.counts_all;
        query
    }

    /// Notes why there is no result to begin with.
    pub(super) fn begin_broken(&mut self, failure: Box<Failure>) {
        self.broken = Some(Arc::from(failure));
        self.last_failure.clone_from(&self.broken);
    }

    /// Whether a failure to run it may be gone after a change of the data.
    pub(super) fn is_mended_by_changes(&self, failure: &Failure) -> bool {
        failure.kind != TOO_MANY && !self.shape.models.is_empty()
    }

    /// Whether changes of entities can be taken in as it is now. Otherwise it is run again when an entity of one of its
    /// models changed.
    pub(super) fn takes_changes(&self) -> bool {
        self.state.keeps && self.broken.is_none() && self.standing != Standing::Unread
    }

    /// What is run for its result.
    pub(super) fn asks(&self, live_rows: usize) -> Asks {
        let exact = self.shape.exact(self.filter.as_deref());
        if !self.shape.keeps || self.gave_up {
            return Asks { parts: None, exact: Some(exact), shape: Arc::clone(&self.shape) };
        }
        let mut parts = self.shape.parts(self.filter.as_deref());
        let mut asked = None;
        let is_entities = self.shape.rowing == Rowing::Entities;
        if is_entities {
            let needed = self.shape.window.limit.map(|limit| limit.saturating_add(self.shape.window.offset));
            let most = needed.map_or(live_rows, |needed| needed.max(live_rows));
            asked = self.shape.window.asked().map(|asked| asked.min(most));
            parts.limit = asked.and_then(|asked| u64::try_from(asked).ok());
        }
        // Where rows are neither joined nor left out, it fails as the query does.
        let same = is_entities && self.shape.window == super::kept::Window::WHOLE;
        Asks { parts: Some((parts, asked)), exact: (!same).then_some(exact), shape: Arc::clone(&self.shape) }
    }
}

/// What is run for the result of a query.
pub(super) struct Asks {
    /// What entities contribute, and how many rows are asked for at most.
    pub(super) parts: Option<(BoundSelect, Option<usize>)>,
    /// The query itself, in case that what entities contribute cannot be known.
    pub(super) exact: Option<BoundSelect>,
    pub(super) shape: Arc<Shape>,
}
