//! A source of rows over plain vectors, whose indexes are computed anew for every scan.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Mutex;

use futures::StreamExt;

use crate::id::{EntityId, ModelId, PropertyId};
use crate::query::Source;
use crate::storage::{
    Access, Deleted, Index, IndexDefinition, IndexId, IndexPart, IndexRange, IndexState, Row, RowStream,
    Scan, ScanRows, StorageError,
};
use crate::value::Value;

#[derive(Clone, Debug, Default)]
pub(super) struct Entity {
    pub(super) deleted: bool,
    pub(super) values: BTreeMap<PropertyId, Value>,
}

/// Tables in memory.
#[derive(Default)]
pub(super) struct Tables {
    pub(super) tables: BTreeMap<ModelId, BTreeMap<EntityId, Entity>>,
    pub(super) indexes: Vec<Index>,
    pub(super) count_known: bool,
    /// The scan of this number fails after its first batch.
    pub(super) fails_at: Option<usize>,
    /// The scans so far.
    pub(super) scans: Mutex<Vec<Scan>>,
}

fn value(entity: &Entity, property: PropertyId) -> Value {
    entity.values.get(&property).cloned().unwrap_or(Value::Null)
}

/// The order of one part of a key: nulls last in either direction.
fn part_order(part: &IndexPart, a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Null, _) | (_, Value::Null) => matches!(a, Value::Null).cmp(&matches!(b, Value::Null)),
        _ if part.descending => b.compare(a),
        _ => a.compare(b),
    }
}

fn in_range(range: &IndexRange, key: &[Value]) -> bool {
    if !range.equal.iter().zip(key).all(|(a, b)| a == b) {
        return false;
    }
    let Some(next) = key.get(range.equal.len()) else { return true };
    if range.lower == Bound::Unbounded && range.upper == Bound::Unbounded {
        return true;
    }
    let above = match &range.lower {
        Bound::Unbounded => true,
        Bound::Included(bound) => next >= bound,
        Bound::Excluded(bound) => next > bound,
    };
    let below = match &range.upper {
        Bound::Unbounded => true,
        Bound::Included(bound) => next <= bound,
        Bound::Excluded(bound) => next < bound,
    };
    *next != Value::Null && above && below
}

impl Tables {
    /// A complete index, not cut.
    pub(super) fn with_index(&mut self, definition: IndexDefinition) {
        let id = IndexId(u32::try_from(self.indexes.len()).unwrap() + 1);
        self.indexes.push(Index { id, definition, state: IndexState::Ready { cut: false } });
    }

    fn by_index(&self, scan: &Scan, index: IndexId, ranges: &[IndexRange], reverse: bool) -> Vec<EntityId> {
        assert_eq!(scan.deleted, Deleted::Exclude, "an index holds no deleted entities");
        let index = self.indexes.iter().find(|known| known.id == index).unwrap();
        let IndexState::Ready { cut } = index.state else { panic!("the index is not ready") };
        let parts = &index.definition.parts;
        let mut keys: Vec<(Vec<Value>, EntityId)> = self.tables[&scan.model]
            .iter()
            .filter(|(_, entity)| !entity.deleted)
            .map(|(id, entity)| (parts.iter().map(|part| value(entity, part.property)).collect(), *id))
            .collect();
        let key_order = |a: &[Value], b: &[Value]| {
            parts
                .iter()
                .zip(a.iter().zip(b))
                .fold(Ordering::Equal, |order, (part, (a, b))| order.then_with(|| part_order(part, a, b)))
        };
        keys.sort_by(|(a, x), (b, y)| {
            let order = key_order(a, b);
            (if reverse { order.reverse() } else { order }).then(x.cmp(y))
        });
        let mut ranges: Vec<&IndexRange> = ranges.iter().collect();
        if reverse {
            ranges.reverse();
        }
        let mut found = Vec::new();
        for range in ranges {
            let hits = keys.iter().filter(|(key, _)| in_range(range, key)).map(|(_, id)| *id);
            let before = found.len();
            found.extend(hits);
            assert!(
                found[..before].iter().all(|id| !found[before..].contains(id)),
                "ranges overlap: {scan:?}"
            );
        }
        if cut {
            // A cut key gives no order, and may find too much.
            found.sort_by_key(|id| id.0.bits().wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835));
            found.extend(
                keys.iter()
                    .map(|(_, id)| *id)
                    .filter(|id| id.0.bits() % 7 == 0 && !found.contains(id))
                    .collect::<Vec<_>>(),
            );
        }
        found
    }
}

impl Source for Tables {
    fn scan(&self, scan: Scan) -> RowStream<'_> {
        let number = {
            let mut scans = self.scans.lock().unwrap();
            scans.push(scan.clone());
            scans.len()
        };
        let empty = BTreeMap::new();
        let table = self.tables.get(&scan.model).unwrap_or(&empty);
        let ids: Vec<EntityId> = match &scan.access {
            Access::All { after } => {
                table.keys().copied().filter(|id| after.is_none_or(|after| *id > after)).collect()
            }
            Access::Entities(ids) => ids.clone(),
            Access::Index { index, ranges, reverse } => self.by_index(&scan, *index, ranges, *reverse),
        };
        let rows: Vec<Row> = ids
            .into_iter()
            .filter_map(|id| table.get(&id).map(|entity| (id, entity)))
            .filter(|(_, entity)| match scan.deleted {
                Deleted::Exclude => !entity.deleted,
                Deleted::Only => entity.deleted,
                Deleted::Include => true,
            })
            .map(|(id, entity)| Row {
                entity: id,
                values: scan.columns.iter().map(|column| value(entity, *column)).collect(),
            })
            .take(scan.limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap()))
            .collect();
        let mut batches: Vec<Result<ScanRows, StorageError>> =
            rows.chunks(3).map(|batch| Ok(batch.iter().cloned().collect())).collect();
        if self.fails_at == Some(number) {
            batches.truncate(1);
            batches.push(Err(StorageError::Damaged {
                what: "state".to_owned(),
                message: "bad checksum".to_owned(),
            }));
        }
        futures::stream::iter(batches).boxed()
    }

    fn count_hint(&self, model: ModelId) -> Option<u64> {
        let live =
            || self.tables.get(&model).map_or(0, |table| table.values().filter(|e| !e.deleted).count());
        self.count_known.then(|| u64::try_from(live()).unwrap())
    }
}
