//! Rows that are computed, as a source of queries.

use crate::catalog::Model;
use crate::id::{EntityId, OpId};
use crate::query::Sink;
use crate::storage::{Row, Scan, ScanRows, StorageError};
use crate::value::{Timestamp, Value};

/// Rows of one batch.
const BATCH: usize = 64;

/// Where the rows of a table go.
pub(super) struct Table<'a> {
    sink: &'a mut Sink<Result<ScanRows, StorageError>>,
    /// For each column of the scan its place in the table.
    places: Vec<Option<usize>>,
    rows: ScanRows,
    left: u64,
}

impl<'a> Table<'a> {
    /// For a scan of a table.
    pub(super) fn new(
        model: &Model,
        scan: &Scan,
        sink: &'a mut Sink<Result<ScanRows, StorageError>>,
    ) -> Self {
        let place = |column| {
            let ordinal = model.property(column)?.ordinal;
            usize::try_from(ordinal).ok()
        };
        Table {
            sink,
            places: scan.columns.iter().map(|column| place(*column)).collect(),
            rows: ScanRows::new(scan.columns.len()),
            left: scan.limit.unwrap_or(u64::MAX),
        }
    }

    /// Whether a column of the table is asked for.
    pub(super) fn wants(&self, column: u32) -> bool {
        usize::try_from(column).is_ok_and(|column| self.places.contains(&Some(column)))
    }

    /// Adds a row of all columns. Gives whether more are wanted.
    pub(super) async fn push(&mut self, id: OpId, row: Vec<Value>) -> bool {
        if self.left == 0 {
            return false;
        }
        let values = self.places.iter().map(|place| {
            let value = place.and_then(|place| row.get(place));
            value.cloned().unwrap_or(Value::Null)
        });
        self.rows.push(&Row { entity: EntityId(id), values: values.collect() });
        self.left = self.left.saturating_sub(1);
        if self.rows.len() >= BATCH {
            self.flush().await;
        }
        self.left > 0
    }

    /// Gives the rows that wait.
    pub(super) async fn flush(&mut self) {
        if !self.rows.is_empty() {
            let rows = std::mem::replace(&mut self.rows, ScanRows::new(self.places.len()));
            self.sink.give(Ok(rows)).await;
        }
    }
}

/// A text as a value.
pub(super) fn string(text: impl Into<std::sync::Arc<str>>) -> Value {
    Value::String(text.into())
}

/// When an operation was written; null for one that has no time.
pub(super) fn time(id: OpId) -> Value {
    let millis = id.stamp().millis();
    match i64::try_from(millis.saturating_mul(1000)) {
        Ok(micros) if micros > 0 => Value::Timestamp(Timestamp(micros)),
        _ => Value::Null,
    }
}
