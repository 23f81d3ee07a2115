//! Sorting.

use std::cmp::Ordering;
use std::collections::VecDeque;

use super::read::{InputRow, ReadRow};
use super::{Memory, RunError, footprint};
use crate::query::bound::{BoundSelect, OrderKey};
use crate::query::expr::Expr;
use crate::turn;
use crate::value::{Value, ValueRef};

/// Rows of which the first ones, up to `limit` and `offset`, are wanted in order.
pub(super) struct Sorter<'a> {
    order: &'a [OrderKey],
    /// Where the value of each key stands in a row.
    columns: Vec<Option<usize>>,
    /// How many rows are wanted.
    wanted: Option<usize>,
    rows: Vec<InputRow>,
    /// A row that so many rows come before that neither it nor any after it is wanted.
    beyond: Option<InputRow>,
    memory: Memory,
}

/// With fewer rows than this nothing is thrown away yet.
const SLACK: usize = 1_024;

impl<'a> Sorter<'a> {
    pub(super) fn new(select: &'a BoundSelect, memory: u64) -> Self {
        let columns = select.order.iter().map(|key| match &key.expr {
            Expr::Column(slot, _) => Some(*slot),
            _ => None,
        });
        let wanted = select.limit.and_then(|limit| usize::try_from(limit.saturating_add(select.offset)).ok());
        Sorter {
            order: &select.order,
            columns: columns.collect(),
            wanted,
            rows: Vec::new(),
            beyond: None,
            memory: Memory::new("sorting", memory),
        }
    }

    /// Whether a row is not among the wanted ones for certain.
    pub(super) fn is_beyond(&self, row: &ReadRow<'_>) -> bool {
        let Some(beyond) = &self.beyond else { return false };
        // A key that is computed may fail, so it is computed of every row.
        if self.columns.contains(&None) {
            return false;
        }
        for (key, column) in self.order.iter().zip(&self.columns) {
            let Some(column) = *column else { return false };
            let Some(value) = row.slot(column) else { return false };
            match order_of(key, value, value_at(beyond, column)) {
                Ordering::Less => return false,
                Ordering::Equal => {}
                Ordering::Greater => return true,
            }
        }
        row.tie() >= beyond.tie
    }

    /// Takes a row. Keys that are computed are kept at its end.
    pub(super) async fn push(&mut self, mut row: InputRow) -> Result<(), RunError> {
        let mut computed = Vec::new();
        for (key, column) in self.order.iter().zip(&self.columns) {
            if column.is_none() {
                computed.push(key.expr.eval(&row.slots)?.into_owned());
            }
        }
        row.slots.extend(computed);
        let bytes = bytes_of(&row);
        self.rows.push(row);
        if let Some(wanted) = self.wanted {
            if self.rows.len() >= wanted.saturating_mul(2).saturating_add(SLACK) {
                Box::pin(self.cut(wanted)).await;
                self.memory.used = 0;
                let kept = self.rows.iter().flat_map(|row| &row.slots).map(footprint).sum::<u64>();
                return self.memory.add(kept);
            }
        }
        self.memory.add(bytes)
    }

    /// Keeps only the first rows.
    async fn cut(&mut self, wanted: usize) {
        if wanted >= self.rows.len() {
            return;
        }
        if self.rows.len() <= RUN && self.memory.used <= RUN_BYTES {
            let (order, columns) = (self.order, &self.columns);
            self.rows.select_nth_unstable_by(wanted, |a, b| compare(order, columns, a, b));
        } else {
            self.rows = sorted(std::mem::take(&mut self.rows), self.order, &self.columns).await;
        }
        self.rows.truncate(wanted.saturating_add(1));
        self.beyond = self.rows.pop();
    }

    /// The rows in order.
    pub(super) async fn finish(mut self) -> Vec<InputRow> {
        if let Some(wanted) = self.wanted {
            self.cut(wanted).await;
        }
        sorted(self.rows, self.order, &self.columns).await
    }
}

/// So many rows are sorted without giving others a turn, or fewer that have [`RUN_BYTES`].
const RUN: usize = 16_384;
const RUN_BYTES: u64 = 4 << 20;

/// About the bytes that a row takes in memory.
fn bytes_of(row: &InputRow) -> u64 {
    row.slots.iter().map(footprint).sum::<u64>().saturating_add(48)
}

/// The rows in order. Others get turns between runs of them, and while the runs are merged.
async fn sorted(rows: Vec<InputRow>, order: &[OrderKey], columns: &[Option<usize>]) -> Vec<InputRow> {
    let compare = |a: &InputRow, b: &InputRow| compare(order, columns, a, b);
    let mut runs: VecDeque<Vec<InputRow>> = VecDeque::new();
    let (mut run, mut bytes) = (Vec::new(), 0_u64);
    for row in rows {
        bytes = bytes.saturating_add(bytes_of(&row));
        run.push(row);
        if run.len() >= RUN || bytes >= RUN_BYTES {
            run.sort_unstable_by(compare);
            turn::pass(bytes.saturating_mul(4)).await;
            runs.push_back(std::mem::take(&mut run));
            bytes = 0;
        }
    }
    run.sort_unstable_by(compare);
    runs.push_back(run);
    // The shortest runs come first, so that all rows are merged about equally often.
    loop {
        let Some(first) = runs.pop_front() else { return Vec::new() };
        let Some(second) = runs.pop_front() else { return first };
        let mut merged = Vec::with_capacity(first.len().saturating_add(second.len()));
        let (mut first, mut second) = (first.into_iter().peekable(), second.into_iter().peekable());
        while let (Some(a), Some(b)) = (first.peek(), second.peek()) {
            let next = if compare(b, a).is_lt() { second.next() } else { first.next() };
            let work = next.as_ref().map_or(0, bytes_of);
            merged.extend(next);
            if turn::is_due(work) {
                turn::give().await;
            }
        }
        merged.extend(first);
        merged.extend(second);
        runs.push_back(merged);
    }
}

/// The order of two rows: by the keys, then by their places.
fn compare(order: &[OrderKey], columns: &[Option<usize>], a: &InputRow, b: &InputRow) -> Ordering {
    let computed = columns.iter().filter(|column| column.is_none()).count();
    let (mut next_a, mut next_b) =
        (a.slots.len().saturating_sub(computed), b.slots.len().saturating_sub(computed));
    for (key, column) in order.iter().zip(columns) {
        let (at_a, at_b) = match column {
            Some(column) => (*column, *column),
            None => {
                let at = (next_a, next_b);
                next_a += 1;
                next_b += 1;
                at
            }
        };
        let ordering = order_of(key, value_at(a, at_a), value_at(b, at_b));
        if ordering.is_ne() {
            return ordering;
        }
    }
    a.tie.cmp(&b.tie)
}

fn value_at(row: &InputRow, at: usize) -> ValueRef<'_> {
    row.slots.get(at).map_or(ValueRef::Null, Value::as_ref)
}

/// The order of two rows by the values of the keys, which stand in the order of those.
pub(crate) fn compare_order_values(order: &[OrderKey], a: &[Value], b: &[Value]) -> Ordering {
    for ((key, x), y) in order.iter().zip(a).zip(b) {
        let ordering = match (x, y) {
            // By far the most frequent.
            (Value::Int(x), Value::Int(y)) if key.descending => y.cmp(x),
            (Value::Int(x), Value::Int(y)) => x.cmp(y),
            _ => order_of(key, x.as_ref(), y.as_ref()),
        };
        if ordering.is_ne() {
            return ordering;
        }
    }
    Ordering::Equal
}

/// The order of two values of a key.
fn order_of(key: &OrderKey, x: ValueRef<'_>, y: ValueRef<'_>) -> Ordering {
    match (x, y) {
        (ValueRef::Null, ValueRef::Null) => Ordering::Equal,
        (ValueRef::Null, _) if key.nulls_first => Ordering::Less,
        (ValueRef::Null, _) => Ordering::Greater,
        (_, ValueRef::Null) if key.nulls_first => Ordering::Greater,
        (_, ValueRef::Null) => Ordering::Less,
        (x, y) if key.descending => y.compare(x),
        (x, y) => x.compare(y),
    }
}
