//! Binding, planning and running queries.
//!
//! A statement's text becomes a tree in `ankurah_query_lang`; the rest happens here, in three steps:
//!
//! 1. [`bind_statement`] resolves names through [`Names`], checks types and evaluates what is constant.
//! 2. [`plan()`] chooses how the rows are read: all, by ids, or by an index.
//! 3. [`run`] reads them through a [`Source`] and gives batches of rows as a stream.
//!
//! The same predicate gives the same rows in the same order, whichever indexes exist. Rows without `order by`
//! come in id order, groups in the order of their keys.

mod bind;
mod bound;
mod error;
pub mod expr;
mod names;
pub(crate) mod past;
mod plan;
mod run;
#[cfg(test)]
mod tests;

pub use bind::{Context, Projection, bind_predicate, bind_statement, value_type};
pub use bound::{
    Bound, BoundCompact, BoundDelete, BoundEdit, BoundInsert, BoundRedact, BoundSelect, BoundUndo,
    BoundUpdate, Define, InsertRows, Returning, Target, TextEdit, TransactionControl,
};
pub(crate) use bound::{Input, OrderKey, Slot};
pub use error::{BindError, BindErrorKind, EvalError, EvalErrorKind, RunError};
pub use names::Names;
pub use past::{entity_of, past_table};
pub(crate) use plan::{Interval, Set, lower_order, possible, took, upper_order};
pub use plan::{Lookups, Plan, plan};
pub(crate) use run::generate::{Sink, generate};
pub use run::{Measure, ResultRows, RunOptions, Running, Source, Statistics, ViewSource, run};
pub(crate) use run::{compare_order_values, footprint};
