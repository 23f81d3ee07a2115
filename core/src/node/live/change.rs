//! What a live query tells, and folding it back into rows.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::list::LiveList;
use crate::node::protocol::{Column, Failure};
use crate::storage::Position;
use crate::value::{RowRef, Rows, Value};

/// A notification of a live query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum LiveEvent {
    /// The whole result at a position. It comes first, after what was told became too much for the one who reads,
    /// when the query is well again after a failure, and when the catalog gave it another meaning.
    Reset {
        /// The position.
        position: Position,
        /// The columns.
        columns: Vec<Column>,
        /// The rows, in their order.
        rows: Rows,
    },
    /// What became of the result up to a position: changes to be made one after the other, each to the rows that
    /// the ones before it left.
    Changes {
        /// The position.
        position: Position,
        /// The changes, at least one.
        changes: Arc<[LiveChange]>,
    },
    /// At a position the query fails. It goes on: as soon as it gives rows again they come as a reset.
    Failed {
        /// The position.
        position: Position,
        /// Why.
        failure: Failure,
    },
}

impl LiveEvent {
    /// The position that it tells of.
    pub fn position(&self) -> Position {
        match self {
            LiveEvent::Reset { position, .. }
            | LiveEvent::Changes { position, .. }
            | LiveEvent::Failed { position, .. } => *position,
        }
    }
}

/// A change of a list of rows. Places count from 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum LiveChange {
    /// A row that was not there.
    Enter {
        /// Its place.
        at: u64,
        /// The row.
        row: Vec<Value>,
    },
    /// The row at a place is no longer there.
    Leave {
        /// The place.
        at: u64,
    },
    /// The row at a place has other values.
    Update {
        /// The place.
        at: u64,
        /// The row now.
        row: Vec<Value>,
    },
    /// The row at a place is taken away and put to another one; perhaps it has other values.
    Move {
        /// The place before.
        from: u64,
        /// The place after it was taken away.
        to: u64,
        /// The row now.
        row: Vec<Value>,
    },
}

/// A notification that does not fit the rows that it should change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a change of row {at} came to a live query of {rows} rows: ask for it again")]
pub struct Misfit {
    /// The place that the change is about.
    pub at: u64,
    /// How many rows there are.
    pub rows: usize,
}

/// The rows of a live query, kept right by its notifications.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveRows {
    position: Position,
    columns: Vec<Column>,
    rows: LiveList<Vec<Value>>,
    failure: Option<Failure>,
}

impl LiveRows {
    /// The position up to which the rows are known.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The columns.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The rows in their order.
    pub fn rows(&self) -> &LiveList<Vec<Value>> {
        &self.rows
    }

    /// Why the query gives no rows at the position; the rows are then those from before.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// Takes a notification in.
    ///
    /// # Errors
    /// [`Misfit`] where it tells of a place that is not there; the rows are then not to be relied on.
    pub fn apply(&mut self, event: &LiveEvent) -> Result<(), Misfit> {
        self.apply_with(event, |_, _| {})
    }

    /// The same, showing each change, with the row that it replaces or takes away, before it is made.
    ///
    /// # Errors
    /// [`Misfit`], as with [`LiveRows::apply`].
    pub fn apply_with(
        &mut self,
        event: &LiveEvent,
        mut each: impl FnMut(&LiveChange, Option<&[Value]>),
    ) -> Result<(), Misfit> {
        self.position = event.position();
        match event {
            LiveEvent::Reset { columns, rows, .. } => {
                self.columns.clone_from(columns);
                self.rows = rows.iter().map(RowRef::to_values).collect();
                self.failure = None;
            }
            LiveEvent::Changes { changes, .. } => {
                for change in changes.iter() {
                    let old = match change {
                        LiveChange::Enter { .. } => None,
                        LiveChange::Leave { at }
                        | LiveChange::Update { at, .. }
                        | LiveChange::Move { from: at, .. } => usize::try_from(*at).ok(),
                    };
                    each(change, old.and_then(|at| self.rows.get(at)).map(Vec::as_slice));
                    change_rows(&mut self.rows, change)?;
                }
            }
            LiveEvent::Failed { failure, .. } => self.failure = Some(failure.clone()),
        }
        Ok(())
    }
}

/// Makes one change to a list of rows.
///
/// # Errors
/// [`Misfit`] where there is no such place.
pub fn change_rows(rows: &mut LiveList<Vec<Value>>, change: &LiveChange) -> Result<(), Misfit> {
    let length = rows.len();
    // A place is less than `bound`.
    let place = |at: u64, bound: usize| {
        usize::try_from(at).ok().filter(|at| *at < bound).ok_or(Misfit { at, rows: length })
    };
    match change {
        LiveChange::Enter { at, row } => rows.insert(place(*at, length.saturating_add(1))?, row.clone()),
        LiveChange::Leave { at } => {
            rows.remove(place(*at, length)?);
        }
        LiveChange::Update { at, row } => {
            let at = place(*at, length)?;
            rows.replace(at, row.clone());
        }
        LiveChange::Move { from, to, row } => {
            let (from, to) = (place(*from, length)?, place(*to, length)?);
            rows.remove(from);
            rows.insert(to, row.clone());
        }
    }
    Ok(())
}
