//! Reading and filtering input rows.

use futures::StreamExt;

use super::hops::Hops;
use super::{Query, ROW, RunError};
use crate::id::{EntityId, ModelId, PropertyId};
use crate::query::bound::Slot;
use crate::query::expr::Expr;
use crate::query::plan::{Reading, Stage};
use crate::storage::kv::yield_once;
use crate::storage::{Access, IndexId, IndexRange, RowStream, Scan, ScanRows, StorageError};
use crate::turn;
use crate::value::{Pick, RowRef, Rows, Value, ValueRef};

/// A row with its slots, and its place among rows that are otherwise equal: the bits of its id.
#[derive(Clone, Debug)]
pub(super) struct InputRow {
    pub(super) tie: u128,
    pub(super) slots: Vec<Value>,
}

/// Some rows that the filter kept.
pub(super) enum Input {
    /// As they were read.
    Read(Selection),
    /// With what references lead to.
    Own(Vec<InputRow>),
}

impl Input {
    pub(super) fn len(&self) -> usize {
        match self {
            Input::Read(selection) => selection.len(),
            Input::Own(rows) => rows.len(),
        }
    }

    /// The rows, each with slots of its own.
    pub(super) fn into_own(self, places: &[Option<Pick>]) -> Vec<InputRow> {
        match self {
            Input::Read(selection) => selection.iter(places).map(|row| row.to_own()).collect(),
            Input::Own(rows) => rows,
        }
    }
}

/// Rows of a batch.
pub(super) struct Selection {
    pub(super) entities: Vec<EntityId>,
    pub(super) values: Rows,
    /// The numbers of the selected ones, ascending; `None` for all.
    pub(super) kept: Option<Vec<usize>>,
}

impl Selection {
    pub(super) fn len(&self) -> usize {
        self.kept.as_ref().map_or(self.entities.len(), Vec::len)
    }

    /// The selected rows in order.
    pub(super) fn iter<'a>(&'a self, places: &'a [Option<Pick>]) -> impl Iterator<Item = ReadRow<'a>> {
        (0..self.len()).filter_map(move |at| {
            let number = self.kept.as_ref().map_or(Some(at), |kept| kept.get(at).copied())?;
            ReadRow::new(places, &self.entities, &self.values, number)
        })
    }

    /// Leaves away the first `skip` rows, then all but `limit`.
    pub(super) fn cut(&mut self, skip: usize, limit: usize) {
        if skip == 0 && limit >= self.len() {
            return;
        }
        let mut kept = self.kept.take().unwrap_or_else(|| (0..self.entities.len()).collect());
        kept.drain(..skip.min(kept.len()));
        kept.truncate(limit);
        self.kept = Some(kept);
    }
}

/// A row as it was read.
#[derive(Clone, Copy)]
pub(super) struct ReadRow<'a> {
    places: &'a [Option<Pick>],
    entity: EntityId,
    values: RowRef<'a>,
}

impl<'a> ReadRow<'a> {
    fn new(
        places: &'a [Option<Pick>],
        entities: &[EntityId],
        values: &'a Rows,
        number: usize,
    ) -> Option<Self> {
        Some(ReadRow { places, entity: *entities.get(number)?, values: values.get(number)? })
    }

    /// What a slot holds; `None` where a reference is to be followed first.
    pub(super) fn slot(&self, slot: usize) -> Option<ValueRef<'a>> {
        match self.places.get(slot) {
            None => Some(ValueRef::Null),
            Some(None) => None,
            Some(Some(Pick::Entity)) => Some(ValueRef::Ref(self.entity)),
            Some(Some(Pick::Column(column))) => Some(self.values.get(*column)),
        }
    }

    /// Its place among rows that are otherwise equal.
    pub(super) fn tie(&self) -> u128 {
        self.entity.0.bits()
    }

    /// The row with slots of its own; null where a reference is to be followed.
    pub(super) fn to_own(self) -> InputRow {
        let slots = 0..self.places.len();
        let slots = slots.map(|slot| self.slot(slot).map_or(Value::Null, ValueRef::to_value));
        InputRow { tie: self.tie(), slots: slots.collect() }
    }
}

/// Where each slot of an input row comes from; `None` for those that references lead to.
pub(super) fn places(slots: &[Slot]) -> Vec<Option<Pick>> {
    let mut columns = 0..;
    slots
        .iter()
        .map(|slot| match slot {
            Slot::Id => Some(Pick::Entity),
            Slot::Property(_) => columns.next().map(Pick::Column),
            Slot::Hop(_) => None,
        })
        .collect()
}

/// An index that finds more rows than this part of all of them is no help.
const WORTHWHILE_PART: u64 = 4;

/// How many times as many ids of an index are collected where the number of entities is not known.
const COLLECT_UNKNOWN: u64 = 64;

/// Reads input rows that the filter keeps.
pub(super) struct Reader<'a> {
    query: Query<'a>,
    stream: Option<RowStream<'a>>,
    until: Option<EntityId>,
    /// How many rows there must still be: an index found them.
    found: Option<usize>,
    places: Vec<Option<Pick>>,
    /// What rows must fulfil when they are read; `None` where nothing is asked for, or an index has answered it.
    filter: Option<&'a Expr>,
    /// The conditions of the filter that need no hop; empty where none of them does.
    early: Option<Expr>,
    filter_hops: Hops,
    order_hops: Hops,
    failure: Option<RunError>,
    one: bool,
}

impl<'a> Reader<'a> {
    pub(super) async fn open(query: Query<'a>) -> Result<Self, RunError> {
        let plan = query.plan;
        let select = query.select();
        let filter_hops = Hops::new(plan, &[Stage::Filter]);
        let is_hop = |slot: usize| matches!(select.input.slots.get(slot), Some(Slot::Hop(_)));
        let early = select.filter.as_ref().filter(|_| !filter_hops.is_empty()).map(|filter| {
            let conditions = filter.conjuncts().iter().filter(|condition| {
                let mut hops = false;
                condition.slots(&mut |slot| hops |= is_hop(slot));
                !hops
            });
            Expr::And(conditions.cloned().collect())
        });
        let mut reader = Reader {
            query,
            stream: None,
            until: None,
            found: None,
            places: places(&select.input.slots),
            filter: select.filter.as_ref().filter(|_| plan.filters),
            early,
            filter_hops,
            order_hops: Hops::new(plan, &[Stage::Order]),
            failure: None,
            one: plan.reading == Reading::One,
        };
        let Some(model) = select.input.model.as_ref().map(|model| model.id) else { return Ok(reader) };
        let access = match &plan.reading {
            Reading::One | Reading::Nothing => return Ok(reader),
            Reading::All { after, until } => {
                reader.until = *until;
                Access::All { after: *after }
            }
            Reading::Entities(entities) => Access::Entities(entities.clone()),
            Reading::InOrder { index, ranges, reverse } => {
                Access::Index { index: *index, ranges: ranges.clone(), reverse: *reverse }
            }
            Reading::Collected(lookups) => match collect(query, model, lookups).await? {
                Some(entities) => {
                    reader.found = Some(entities.len());
                    Access::Entities(entities)
                }
                // What the index would have answered is asked of every entity.
                None => {
                    reader.filter = select.filter.as_ref();
                    Access::All { after: None }
                }
            },
        };
        let columns: Vec<PropertyId> = select
            .input
            .slots
            .iter()
            .filter_map(|slot| match slot {
                Slot::Property(property) => Some(property.id),
                Slot::Id | Slot::Hop(_) => None,
            })
            .collect();
        // Where nothing is left out after the scan, it need not give more than is asked for.
        let all_used =
            reader.filter.is_none() && !plan.sorts && !select.distinct && select.grouping.is_none();
        let wanted = select.limit.map(|limit| limit.saturating_add(select.offset));
        let limit = wanted.filter(|_| all_used);
        let most = limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
        reader.found = reader.found.map(|found| found.min(most));
        let expected = wanted.filter(|_| !plan.sorts && !select.distinct && select.grouping.is_none());
        let deleted = select.input.deleted;
        reader.stream = Some(query.source.scan(Scan { model, access, columns, deleted, limit, expected }));
        Ok(reader)
    }

    /// The next rows that the filter keeps; `None` after the last ones. An error comes after the rows before it.
    pub(super) async fn next(&mut self) -> Result<Option<Input>, RunError> {
        if std::mem::take(&mut self.one) {
            self.query.statistics.examined.add(1, 0);
            let rows = self.filtered(vec![InputRow { tie: 0, slots: Vec::new() }]).await;
            self.query.statistics.kept.add(rows.len(), 0);
            return Ok(Some(Input::Own(rows)));
        }
        loop {
            if let Some(failure) = self.failure.take() {
                self.stream = None;
                return Err(failure);
            }
            let Some(stream) = &mut self.stream else { return Ok(None) };
            // Where few rows or none are kept, this is where other tasks get a turn and the query can be given up.
            yield_once().await;
            let start = self.query.nanos();
            let Some(batch) = stream.next().await else {
                self.stream = None;
                return match self.found {
                    Some(missing) if missing > 0 => Err(lost(missing)),
                    _ => Ok(None),
                };
            };
            let mut batch = batch?;
            self.found = self.found.map(|found| found.saturating_sub(batch.len()));
            if let Some(until) = self.until {
                let inside = batch.entities().partition_point(|entity| *entity <= until);
                if inside < batch.len() {
                    batch.truncate(inside);
                    self.stream = None;
                }
            }
            self.query.statistics.examined.add(batch.len(), self.query.nanos().saturating_sub(start));
            let start = self.query.nanos();
            let input = if self.filter_hops.is_empty() && self.order_hops.is_empty() {
                Input::Read(self.select(batch).await)
            } else {
                let rows =
                    batch.iter().map(|(entity, values)| ReadRow { places: &self.places, entity, values });
                let rows = rows.map(ReadRow::to_own).collect();
                let mut rows = self.filtered(rows).await;
                self.order_hops.fill(self.query.source, &mut rows).await?;
                Input::Own(rows)
            };
            self.query.statistics.kept.add(input.len(), self.query.nanos().saturating_sub(start));
            if input.len() > 0 {
                return Ok(Some(input));
            }
        }
    }

    /// Where the slots of a row come from.
    pub(super) fn places(&self) -> &[Option<Pick>] {
        &self.places
    }

    /// The rows that the filter keeps, up to the first one for which it cannot be computed; where no reference is
    /// followed.
    async fn select(&mut self, batch: ScanRows) -> Selection {
        let (entities, values) = batch.into_parts();
        let Some(filter) = self.filter else {
            return Selection { entities, values, kept: None };
        };
        let mut kept = Vec::new();
        for number in 0..entities.len() {
            if turn::is_due(self.query.costs.filter) {
                turn::give().await;
            }
            let Some(row) = ReadRow::new(&self.places, &entities, &values, number) else { break };
            let holds = match filter.holds_quickly(&|slot| row.slot(slot)) {
                Some(holds) => Ok(holds),
                None => filter.holds(&row.to_own().slots),
            };
            match holds {
                Ok(true) => kept.push(number),
                Ok(false) => {}
                Err(error) => {
                    self.failure = Some(error.into());
                    break;
                }
            }
        }
        Selection { entities, values, kept: Some(kept) }
    }

    /// The rows that the filter keeps, up to the first one for which it cannot be computed.
    async fn filtered(&mut self, mut rows: Vec<InputRow>) -> Vec<InputRow> {
        let Some(filter) = self.filter else { return rows };
        if !self.filter_hops.is_empty() {
            // What fails here is computed again below, as another condition may still be false.
            if let Some(early) = &self.early {
                let mut kept = Vec::with_capacity(rows.len());
                for row in rows {
                    turn::pass(self.query.costs.filter).await;
                    if early.holds(&row.slots).unwrap_or(true) {
                        kept.push(row);
                    }
                }
                rows = kept;
            }
            if let Err(error) = self.filter_hops.fill(self.query.source, &mut rows).await {
                self.failure = Some(error);
                return Vec::new();
            }
        }
        let mut kept = Vec::with_capacity(rows.len());
        for row in rows {
            turn::pass(self.query.costs.filter).await;
            match filter.holds(&row.slots) {
                Ok(true) => kept.push(row),
                Ok(false) => {}
                Err(error) => {
                    self.failure = Some(error.into());
                    break;
                }
            }
        }
        kept
    }
}

fn lost(missing: usize) -> RunError {
    let message = format!("it has entries of {missing} entities that do not exist");
    StorageError::Damaged { what: "an index".to_owned(), message }.into()
}

/// The ids that indexes find, ascending; `None` where they are so many that reading everything is quicker.
async fn collect(
    query: Query<'_>,
    model: ModelId,
    lookups: &[(IndexId, Vec<IndexRange>)],
) -> Result<Option<Vec<EntityId>>, RunError> {
    let bound = match query.source.count_hint(model) {
        Some(count) => (count / WORTHWHILE_PART).max(query.options.collected),
        None => query.options.collected.saturating_mul(COLLECT_UNKNOWN),
    };
    let start = query.nanos();
    let mut entities: Vec<EntityId> = Vec::new();
    for (index, ranges) in lookups {
        let found = u64::try_from(entities.len()).unwrap_or(u64::MAX);
        let scan = Scan {
            model,
            access: Access::Index { index: *index, ranges: ranges.clone(), reverse: false },
            columns: Vec::new(),
            deleted: query.select().input.deleted,
            limit: Some(bound.saturating_sub(found).saturating_add(1)),
            expected: None,
        };
        let mut stream = query.source.scan(scan);
        while let Some(batch) = stream.next().await {
            let batch = batch?;
            entities.extend(batch.entities());
            turn::pass(u64::try_from(batch.len()).unwrap_or(u64::MAX).saturating_mul(ROW)).await;
        }
        drop(stream);
        if u64::try_from(entities.len()).unwrap_or(u64::MAX) > bound {
            break;
        }
    }
    query.statistics.examined.add(0, query.nanos().saturating_sub(start));
    if u64::try_from(entities.len()).unwrap_or(u64::MAX) > bound {
        query.statistics.gave_up_index.store(true, std::sync::atomic::Ordering::Relaxed);
        return Ok(None);
    }
    entities.sort_unstable();
    // Where several indexes are read, more than one may find an entity.
    entities.dedup();
    Ok(Some(entities))
}
