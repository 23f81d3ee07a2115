//! What entities contribute to rows that stand for several of them: groups, and rows that are there once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::row::{Key, Ordered, Part, Row};
use crate::id::EntityId;
use crate::query::expr::{Accumulator, Aggregate};
use crate::query::{BoundSelect, EvalError};
use crate::value::Value;

type Values = Arc<[Value]>;

/// The rows that stand for several entities, with those.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts {
    /// The row that each entity is in.
    entities: HashMap<EntityId, Values>,
    rows: BTreeMap<Values, Members>,
}

/// The entities of a row.
#[derive(Clone, Debug, Default)]
struct Members {
    /// What they contribute; nothing where they are only counted.
    entities: BTreeMap<EntityId, Box<[Value]>>,
    /// The aggregates of a group.
    totals: Vec<Accumulator>,
}

impl Parts {
    /// How many entities contribute.
    pub(super) fn len(&self) -> usize {
        self.entities.len()
    }

    /// Whether an entity contributes.
    pub(super) fn has(&self, entity: EntityId) -> bool {
        self.entities.contains_key(&entity)
    }

    /// The entities that contribute.
    pub(super) fn entities(&self) -> impl Iterator<Item = EntityId> {
        self.entities.keys().copied()
    }

    /// The keys of all rows, and of the one that is there although no entity is in it.
    pub(super) fn keys(&self, select: &BoundSelect) -> BTreeSet<Values> {
        let mut keys: BTreeSet<Values> = self.rows.keys().cloned().collect();
        if select.grouping.as_ref().is_some_and(|grouping| grouping.keys.is_empty()) {
            keys.insert(Arc::default());
        }
        keys
    }

    /// Takes in what entities contribute now. Gives the keys of the rows that this may change. Where it fails, what is
    /// kept of rows is not to be relied on; which entities contribute is.
    pub(super) fn take(
        &mut self,
        select: &BoundSelect,
        changed: Vec<(EntityId, Option<Part>)>,
    ) -> Result<BTreeSet<Values>, EvalError> {
        let mut keyed = Vec::with_capacity(changed.len());
        for (entity, part) in changed {
            let part = match part {
                Some(part) => Some((key(select, &part.values)?, part.values)),
                None => None,
            };
            keyed.push((entity, part));
        }
        // What must be computed anew: by row the aggregates, by number.
        let mut anew: BTreeMap<Values, BTreeSet<usize>> = BTreeMap::new();
        let mut outcome = Ok(());
        for (entity, part) in keyed {
            if let Some(old) = self.entities.remove(&entity) {
                let left = self.leave(select, &old, entity, anew.entry(Arc::clone(&old)).or_default());
                outcome = outcome.and(left);
            }
            if let Some((key, values)) = part {
                self.entities.insert(entity, Arc::clone(&key));
                let entered =
                    self.enter(select, &key, entity, values, anew.entry(Arc::clone(&key)).or_default());
                outcome = outcome.and(entered);
            }
        }
        outcome?;
        for (key, numbers) in &anew {
            self.compute(select, key, numbers)?;
        }
        Ok(anew.into_keys().collect())
    }

    fn leave(
        &mut self,
        select: &BoundSelect,
        key: &Values,
        entity: EntityId,
        anew: &mut BTreeSet<usize>,
    ) -> Result<(), EvalError> {
        let Some(members) = self.rows.get_mut(key) else { return Ok(()) };
        let Some(values) = members.entities.remove(&entity) else { return Ok(()) };
        if members.entities.is_empty() {
            self.rows.remove(key);
            anew.clear();
            return Ok(());
        }
        for (number, (total, aggregate)) in members.totals.iter_mut().zip(aggregates(select)).enumerate() {
            if !anew.contains(&number) && !total.remove(aggregate, &values)? {
                anew.insert(number);
            }
        }
        Ok(())
    }

    fn enter(
        &mut self,
        select: &BoundSelect,
        key: &Values,
        entity: EntityId,
        values: Vec<Value>,
        anew: &mut BTreeSet<usize>,
    ) -> Result<(), EvalError> {
        let members = self.rows.entry(Arc::clone(key)).or_insert_with(|| Members {
            entities: BTreeMap::new(),
            totals: aggregates(select).iter().map(Accumulator::new).collect(),
        });
        let is_last = members.entities.last_key_value().is_none_or(|(last, _)| *last < entity);
        for (number, (total, aggregate)) in members.totals.iter_mut().zip(aggregates(select)).enumerate() {
            if anew.contains(&number) {
                continue;
            }
            if is_last || !aggregate.depends_on_order() {
                total.add(aggregate, &values)?;
            } else {
                anew.insert(number);
            }
        }
        // Of rows that are there once the key says all, and of those that are counted nothing is asked.
        let asked = aggregates(select).iter().any(|aggregate| !aggregate.counts_rows());
        members.entities.insert(entity, if asked { values.into() } else { Box::default() });
        Ok(())
    }

    /// Computes aggregates of a group from what its entities contribute.
    fn compute(
        &mut self,
        select: &BoundSelect,
        key: &Values,
        numbers: &BTreeSet<usize>,
    ) -> Result<(), EvalError> {
        let Some(members) = self.rows.get_mut(key) else { return Ok(()) };
        for number in numbers {
            let Some(aggregate) = aggregates(select).get(*number) else { continue };
            let mut total = Accumulator::new(aggregate);
            for values in members.entities.values() {
                total.add(aggregate, values)?;
            }
            if let Some(known) = members.totals.get_mut(*number) {
                *known = total;
            }
        }
        Ok(())
    }

    /// The row with a key; `None` where there is none.
    pub(super) fn row(&self, select: &BoundSelect, key: &Values) -> Result<Option<Row>, EvalError> {
        let members = self.rows.get(key);
        let Some(grouping) = &select.grouping else {
            let Some(members) = members else { return Ok(None) };
            let first = members.entities.first_key_value().map(|(entity, _)| *entity);
            let order = ordered(select, key)?;
            return Ok(Some(Row {
                key: Key::Values(Arc::clone(key)),
                first,
                order,
                values: Arc::clone(key),
            }));
        };
        if members.is_none() && !grouping.keys.is_empty() {
            return Ok(None);
        }
        let mut values: Vec<Value> = key.to_vec();
        for (number, aggregate) in grouping.aggregates.iter().enumerate() {
            let total = members.and_then(|members| members.totals.get(number));
            values.push(match total {
                Some(total) => total.finish(aggregate)?,
                None => Accumulator::new(aggregate).finish(aggregate)?,
            });
        }
        if let Some(having) = &select.having {
            if !having.holds(&values)? {
                return Ok(None);
            }
        }
        let shown = select.output.iter().map(|expr| Ok(expr.eval(&values)?.into_owned()));
        let shown = shown.collect::<Result<_, EvalError>>()?;
        let order = ordered(select, &values)?;
        Ok(Some(Row { key: Key::Values(Arc::clone(key)), first: None, order, values: shown }))
    }
}

/// The aggregates of groups.
fn aggregates(select: &BoundSelect) -> &[Aggregate] {
    select.grouping.as_ref().map_or(&[], |grouping| &grouping.aggregates)
}

/// The key of the row that an entity contributes to.
fn key(select: &BoundSelect, values: &[Value]) -> Result<Values, EvalError> {
    match &select.grouping {
        Some(grouping) => grouping.keys.iter().map(|key| Ok(key.eval(values)?.into_owned())).collect(),
        None => Ok(values.into()),
    }
}

/// The values that a row is ordered by.
fn ordered(select: &BoundSelect, values: &[Value]) -> Result<Ordered, EvalError> {
    let values = select.order.iter().map(|key| Ok(key.expr.eval(values)?.into_owned()));
    Ok(values.collect::<Result<Vec<_>, EvalError>>()?.into())
}
