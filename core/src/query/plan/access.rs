//! Which index serves a query.

use std::ops::Bound;

use super::set::{Interval, Set};
use crate::catalog::Model;
use crate::id::{EntityId, OpId, PropertyId};
use crate::operation::Operation;
use crate::query::bound::{OrderKey, Slot};
use crate::query::expr::Expr;
use crate::storage::{Index, IndexDefinition, IndexId, IndexPart, IndexRange, IndexState};
use crate::value::{Timestamp, Value, ValueType};

/// More ranges than this are not looked up one by one.
const MAX_RANGES: usize = 4096;

/// An index on demand has at most so many parts.
const MAX_WANTED_PARTS: usize = 4;

/// What the filter and the order of a query say.
pub(super) struct Question<'a> {
    /// The slots of the input.
    pub(super) slots: &'a [Slot],
    /// The values that each slot can have.
    pub(super) sets: &'a [Option<Set>],
    /// The order that rows must come in; empty for the order of ids.
    pub(super) order: &'a [OrderKey],
    /// Whether only some of the rows are wanted, so that their order saves reading.
    pub(super) limited: bool,
}

/// A way to read by an index.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) index: IndexId,
    pub(super) ranges: Vec<IndexRange>,
    /// Whether rows come in the order that is wanted.
    pub(super) in_order: bool,
    pub(super) reverse: bool,
    pub(super) score: u32,
    /// How many parts of the index have none but the values that the filter leaves.
    pub(super) narrowed: usize,
}

/// The least value of a type, where that is known.
pub(super) fn lowest(value_type: ValueType) -> Option<Value> {
    Some(match value_type {
        ValueType::Bool => Value::Bool(false),
        ValueType::Int => Value::Int(i64::MIN),
        ValueType::Float => Value::Float(f64::NEG_INFINITY),
        ValueType::String => Value::String("".into()),
        ValueType::Bytes => Value::Bytes([].as_slice().into()),
        ValueType::Timestamp => Value::Timestamp(Timestamp(i64::MIN)),
        ValueType::Uuid => Value::Uuid(0),
        ValueType::Ulid => Value::Ulid(0),
        ValueType::Ref(_) => Value::Ref(EntityId(OpId::MIN)),
        ValueType::Decimal | ValueType::Json => return None,
    })
}

/// How an index narrows the rows.
struct Narrowed {
    ranges: Vec<IndexRange>,
    score: u32,
    /// How many parts have none but the values that the filter leaves.
    parts: usize,
}

impl Question<'_> {
    fn set(&self, property: PropertyId) -> Option<&Set> {
        let slot = self
            .slots
            .iter()
            .position(|slot| matches!(slot, Slot::Property(known) if known.id == property))?;
        self.sets.get(slot)?.as_ref()
    }

    /// Whether every row that the filter keeps has one and the same value.
    fn is_constant(&self, property: PropertyId) -> bool {
        self.set(property).is_some_and(|set| set.single().is_some())
    }

    /// The best of the indexes, where one is worth reading by.
    pub(super) fn best(&self, indexes: &[&Index]) -> Option<Candidate> {
        indexes.iter().filter_map(|index| self.candidate(index)).fold(
            None,
            |best: Option<Candidate>, next| match best {
                Some(best) if best.score >= next.score => Some(best),
                _ => Some(next),
            },
        )
    }

    fn candidate(&self, index: &Index) -> Option<Candidate> {
        let IndexState::Ready { cut } = index.state else { return None };
        let narrowed = self.narrow(&index.definition.parts);
        let direction = if cut { None } else { self.direction(&index.definition.parts) };
        let score = narrowed.score + self.order_score(direction.is_some());
        (score > 0).then(|| Candidate {
            index: index.id,
            ranges: narrowed.ranges,
            in_order: direction.is_some(),
            reverse: direction.unwrap_or(false),
            score,
            // What is beyond a key that was cut cannot be told from what is within.
            narrowed: if cut { 0 } else { narrowed.parts },
        })
    }

    /// What it is worth that rows come in order: much where only the first are read, nothing where all are.
    fn order_score(&self, in_order: bool) -> u32 {
        if in_order && self.limited && !self.order.is_empty() { 60 } else { 0 }
    }

    /// The ranges of keys that the filter leaves, in the order of keys.
    fn narrow(&self, parts: &[IndexPart]) -> Narrowed {
        let mut prefixes: Vec<Vec<Value>> = vec![Vec::new()];
        let (mut score, mut narrowed) = (0, 0);
        for (at, part) in parts.iter().enumerate() {
            let Some(set) = self.set(part.property) else { break };
            if set.is_unbounded() {
                // Leaving the nulls away is worth nothing by itself, but they may stand in the way.
                let lowest = if set.null { None } else { lowest(part.value_type) };
                let Some(lowest) = lowest else { break };
                let ranges = prefixes.into_iter().map(|equal| IndexRange {
                    equal,
                    lower: Bound::Included(lowest.clone()),
                    upper: Bound::Unbounded,
                });
                return Narrowed { ranges: ranges.collect(), score, parts: narrowed };
            }
            let count = set.intervals.len() + usize::from(set.null);
            if prefixes.len().saturating_mul(count) > MAX_RANGES {
                break;
            }
            let intervals: Vec<&Interval> = if part.descending {
                set.intervals.iter().rev().collect()
            } else {
                set.intervals.iter().collect()
            };
            if set.point_count().is_some() {
                let values: Vec<Value> = intervals
                    .iter()
                    .filter_map(|interval| interval.as_point().cloned())
                    .chain(set.null.then_some(Value::Null))
                    .collect();
                prefixes = prefixes
                    .iter()
                    .flat_map(|prefix| {
                        values.iter().map(|value| prefix.iter().chain([value]).cloned().collect())
                    })
                    .collect();
                score += 100;
                narrowed = at.saturating_add(1);
                continue;
            }
            let two_sided = set
                .intervals
                .iter()
                .all(|interval| interval.lower != Bound::Unbounded && interval.upper != Bound::Unbounded);
            // Everything but one value is no use.
            if set.intervals.len() > 1 && !two_sided {
                break;
            }
            let mut ranges = Vec::new();
            for prefix in &prefixes {
                ranges.extend(intervals.iter().map(|interval| IndexRange {
                    equal: prefix.clone(),
                    lower: interval.lower.clone(),
                    upper: interval.upper.clone(),
                }));
                if set.null {
                    let equal = prefix.iter().cloned().chain([Value::Null]).collect();
                    ranges.push(IndexRange { equal, lower: Bound::Unbounded, upper: Bound::Unbounded });
                }
            }
            let parts = at.saturating_add(1);
            return Narrowed { ranges, score: score + if two_sided { 50 } else { 30 }, parts };
        }
        let range = |equal| IndexRange { equal, lower: Bound::Unbounded, upper: Bound::Unbounded };
        Narrowed { ranges: prefixes.into_iter().map(range).collect(), score, parts: narrowed }
    }

    /// The entities with the keys that the filter leaves, ascending; `None` where it leaves too many. Only for a
    /// model whose entities are named by their keys: a key has no nulls there.
    pub(super) fn named(&self, model: &Model) -> Option<Vec<EntityId>> {
        let mut keys: Vec<Vec<(PropertyId, Value)>> = vec![Vec::new()];
        for property in &model.key {
            let set = self.set(*property)?;
            set.point_count()?;
            if keys.len().saturating_mul(set.intervals.len()) > MAX_RANGES {
                return None;
            }
            let values: Vec<&Value> = set.intervals.iter().filter_map(Interval::as_point).collect();
            keys = keys
                .iter()
                .flat_map(|key| {
                    values
                        .iter()
                        .map(|value| key.iter().cloned().chain([(*property, Value::clone(value))]).collect())
                })
                .collect();
        }
        let entities = keys.iter().map(|key| Operation::keyed_id(model.id, key).ok());
        let mut entities: Vec<EntityId> = entities.collect::<Option<_>>()?;
        entities.sort_unstable();
        entities.dedup();
        Some(entities)
    }

    /// Whether an index gives the rows in the order that is wanted (then ids ascending), and in which direction:
    /// true for backwards.
    fn direction(&self, parts: &[IndexPart]) -> Option<bool> {
        let (mut forward, mut backward) = (true, true);
        let mut parts = parts.iter().filter(|part| !self.is_constant(part.property));
        for key in self.order {
            let property = match &key.expr {
                Expr::Column(slot, _) => match self.slots.get(*slot)? {
                    Slot::Property(property) => property,
                    // Ids come last and ascending in either direction, if every part came before.
                    Slot::Id if !key.descending => break,
                    Slot::Id | Slot::Hop(_) => return None,
                },
                _ => return None,
            };
            if self.is_constant(property.id) {
                continue;
            }
            let part = parts.next().filter(|part| part.property == property.id)?;
            let no_nulls = self.set(property.id).is_some_and(|set| !set.null);
            forward &= key.descending == part.descending && (no_nulls || !key.nulls_first);
            backward &= key.descending != part.descending && (no_nulls || key.nulls_first);
        }
        if parts.next().is_some() {
            return None;
        }
        match (forward, backward) {
            (true, _) => Some(false),
            (false, true) => Some(true),
            (false, false) => None,
        }
    }

    /// The parts of an index that would serve the query better than `score`.
    pub(super) fn wanted(&self, score: u32) -> Option<Vec<IndexPart>> {
        let indexable = |slot: usize| match self.slots.get(slot) {
            Some(Slot::Property(property))
                if !property.is_text() && property.value_type != ValueType::Json =>
            {
                Some(property)
            }
            _ => None,
        };
        let part = |property: &crate::catalog::Property, descending| IndexPart {
            property: property.id,
            value_type: property.value_type,
            descending,
        };
        let narrowed = |wanted: &dyn Fn(&Set) -> bool| {
            self.sets
                .iter()
                .enumerate()
                .filter(|(_, set)| set.as_ref().is_some_and(|set| !set.is_unbounded() && wanted(set)))
                .filter_map(|(slot, _)| indexable(slot))
                .collect::<Vec<_>>()
        };
        let mut parts: Vec<IndexPart> =
            narrowed(&|set| set.point_count().is_some_and(|count| count <= MAX_RANGES))
                .into_iter()
                .map(|property| part(property, false))
                .collect();
        let mut with_order = parts.clone();
        let mut ends = false;
        let all_descending = self.order.iter().all(|key| key.descending);
        for key in self.order.iter().take_while(|_| self.limited) {
            let property = match &key.expr {
                Expr::Column(slot, _) => match self.slots.get(*slot) {
                    Some(Slot::Id) if !key.descending => break,
                    _ => indexable(*slot),
                },
                _ => None,
            };
            let Some(property) = property else {
                ends = true;
                break;
            };
            if !self.is_constant(property.id) {
                // Backwards where nulls are to come first or there are none, so that the usual orders need no
                // more than ascending parts.
                let no_nulls = self.set(property.id).is_some_and(|set| !set.null);
                let backwards = key.nulls_first || (no_nulls && all_descending);
                let descending = key.descending != backwards;
                with_order.retain(|known| known.property != property.id);
                with_order.push(part(property, descending));
            }
        }
        let served = !ends && !self.order.is_empty() && self.direction(&with_order).is_some();
        if served && self.limited {
            parts = with_order;
        } else if let Some(property) = narrowed(&|set| set.point_count().is_none()).first() {
            parts.push(part(property, false));
        }
        if parts.is_empty() || parts.len() > MAX_WANTED_PARTS {
            return None;
        }
        let in_order = self.direction(&parts).is_some();
        let better = self.narrow(&parts).score + self.order_score(in_order);
        (better > score).then_some(parts)
    }
}

/// Whether there is an index already, in whatever state.
pub(super) fn exists(indexes: &[&Index], definition: &IndexDefinition) -> bool {
    indexes.iter().any(|index| index.definition == *definition)
}
