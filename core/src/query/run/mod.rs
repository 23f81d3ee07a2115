//! Running planned queries.

pub(crate) mod generate;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::RunError;
use super::plan::Plan;
use crate::env::{BoxStream, Clock, MaybeSend, MaybeSync};
use crate::id::ModelId;
use crate::node::protocol::Column;
use crate::storage::{ReadView, RowStream, Scan};
use crate::value::Value;

/// Where a query reads: a view of the store, or a transaction's own writes over one.
pub trait Source: MaybeSend + MaybeSync {
    /// Rows. Dropping the stream ends the scan. Streams may be open at the same time.
    fn scan(&self, scan: Scan) -> RowStream<'_>;

    /// Number of entities of a model that are not deleted, if it is known without a scan.
    fn count_hint(&self, model: ModelId) -> Option<u64> {
        let _ = model;
        None
    }
}

/// A [`ReadView`] as a [`Source`].
pub struct ViewSource(pub Arc<dyn ReadView>);

impl Source for ViewSource {
    fn scan(&self, scan: Scan) -> RowStream<'_> {
        self.0.scan(scan)
    }

    fn count_hint(&self, model: ModelId) -> Option<u64> {
        self.0.count_hint(model)
    }
}

/// How a query is run.
#[derive(Clone)]
pub struct RunOptions {
    /// How many bytes rows that must be held at once (to sort, group or make distinct) may take, estimated.
    /// 1 GiB by default.
    pub memory: u64,
    /// For the times in [`Statistics`]; without it they stay zero.
    pub clock: Option<Arc<dyn Clock>>,
}

impl Default for RunOptions {
    fn default() -> Self {
        RunOptions { memory: 1 << 30, clock: None }
    }
}

/// What a query did so far.
#[derive(Debug, Default)]
pub struct Statistics {
    pub(crate) examined: AtomicU64,
    pub(crate) kept: AtomicU64,
    pub(crate) given: AtomicU64,
}

impl Statistics {
    /// Rows read from the scan.
    pub fn examined(&self) -> u64 {
        self.examined.load(Ordering::Relaxed)
    }

    /// Rows that the filter kept.
    pub fn kept(&self) -> u64 {
        self.kept.load(Ordering::Relaxed)
    }

    /// Rows of the result.
    pub fn given(&self) -> u64 {
        self.given.load(Ordering::Relaxed)
    }
}

/// The rows of a result in batches, none empty. Ends after the first error; dropping it ends the query.
pub type ResultRows = BoxStream<'static, Result<Vec<Vec<Value>>, RunError>>;

/// A query that runs as its rows are polled.
pub struct Running {
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows.
    pub rows: ResultRows,
    /// What it did so far.
    pub statistics: Arc<Statistics>,
}

/// Runs a planned query. Nothing is read before the rows are polled.
pub fn run(plan: Plan, source: Arc<dyn Source>, options: RunOptions) -> Running {
    let _ = (source, options);
    Running {
        columns: plan.columns().to_vec(),
        rows: Box::pin(futures::stream::empty()),
        statistics: Arc::new(Statistics::default()),
    }
}

/// The bytes that a value takes in memory, estimated.
pub(crate) fn footprint(value: &Value) -> u64 {
    let heap = match value {
        Value::String(text) | Value::Json(text) => text.len() + 16,
        Value::Bytes(bytes) => bytes.len() + 16,
        _ => 0,
    };
    u64::try_from(size_of::<Value>() + heap).unwrap_or(u64::MAX)
}
