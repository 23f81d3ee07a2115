//! Which live queries a changed entity can concern, found without looking at the others.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::evaluate::Columns;
use super::intervals::Intervals;
use super::query::Query;
use crate::id::{EntityId, PropertyId};
use crate::query::{Interval, Set, Slot, possible};
use crate::value::{RowRef, Value};

/// A condition that leaves more single values than these is looked up as ranges, if it leaves few of those.
const POINTS: usize = 64;
const RANGES: usize = 8;

/// The property whose values a query is found by; `None` is the entity's id.
type Place = Option<PropertyId>;

/// What a query is found by: values of one property that its condition leaves possible.
#[derive(Clone, Debug)]
pub(super) struct Found {
    place: Place,
    set: Set,
}

impl Found {
    /// What finds a query best; `None` where nothing does, so that every change of the model concerns it.
    pub(super) fn of(query: &Query) -> Option<Self> {
        // An entity that a reference leads to may concern any other.
        if !query.shape.keeps || query.shape.follows_own {
            return None;
        }
        let filter = query.filter.as_ref()?;
        let slots = query.shape.select.input.slots.iter().enumerate();
        let found = slots.filter_map(|(slot, kind)| {
            let place = match kind {
                Slot::Id => None,
                Slot::Property(property) if !property.is_text() => Some(property.id),
                Slot::Property(_) | Slot::Hop(_) => return None,
            };
            let set = possible(filter, slot)?;
            // What leaves fewer values is better: few single ones, then bounded ranges, then open ones.
            let cost = match set.point_count() {
                Some(count) if count <= POINTS => count,
                _ if set.intervals.len() > RANGES || set.is_unbounded() => return None,
                _ => POINTS.saturating_add(set.intervals.len()),
            };
            Some((cost, Found { place, set }))
        });
        found.min_by_key(|(cost, _)| *cost).map(|(_, found)| found)
    }

    fn is_points(&self) -> bool {
        self.set.point_count().is_some_and(|count| count <= POINTS)
    }

    fn points(&self) -> impl Iterator<Item = Value> {
        let values =
            self.set.intervals.iter().filter(|_| self.is_points()).filter_map(Interval::as_point).cloned();
        values.chain(self.set.null.then_some(Value::Null))
    }

    fn ranges(&self) -> impl Iterator<Item = &Interval> {
        self.set.intervals.iter().filter(|_| !self.is_points())
    }
}

/// The live queries that changes of one model's entities can concern.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Those that every change may concern.
    residual: BTreeSet<u64>,
    points: HashMap<Place, HashMap<Value, Vec<u64>>>,
    ranges: HashMap<Place, Intervals>,
    /// For each indexed property how many queries are found by it.
    places: BTreeMap<Place, usize>,
    /// For each property how many of the queries need it.
    columns: BTreeMap<PropertyId, usize>,
}

impl Index {
    pub(super) fn is_empty(&self) -> bool {
        self.residual.is_empty() && self.columns.is_empty() && self.places.is_empty()
    }

    /// Whether there are queries that are found by values.
    pub(super) fn has_places(&self) -> bool {
        !self.places.is_empty()
    }

    /// Those that every change may concern.
    pub(super) fn residual(&self) -> impl Iterator<Item = u64> {
        self.residual.iter().copied()
    }

    /// Adds a query.
    pub(super) fn add(&mut self, number: u64, query: &Query, found: Option<&Found>) {
        for property in needed(query) {
            let count = self.columns.entry(property).or_default();
            *count = count.saturating_add(1);
        }
        let Some(found) = found else {
            self.residual.insert(number);
            return;
        };
        let count = self.places.entry(found.place).or_default();
        *count = count.saturating_add(1);
        for value in found.points() {
            self.points.entry(found.place).or_default().entry(value).or_default().push(number);
        }
        for interval in found.ranges() {
            self.ranges.entry(found.place).or_default().insert(interval.clone(), number);
        }
    }

    /// Takes a query away that was added with the same arguments.
    pub(super) fn remove(&mut self, number: u64, query: &Query, found: Option<&Found>) {
        for property in needed(query) {
            decrease(&mut self.columns, &property);
        }
        let Some(found) = found else {
            self.residual.remove(&number);
            return;
        };
        decrease(&mut self.places, &found.place);
        if let Some(points) = self.points.get_mut(&found.place) {
            for value in found.points() {
                if let Some(queries) = points.get_mut(&value) {
                    if let Some(at) = queries.iter().position(|known| *known == number) {
                        queries.swap_remove(at);
                    }
                    if queries.is_empty() {
                        points.remove(&value);
                    }
                }
            }
            if points.is_empty() {
                self.points.remove(&found.place);
            }
        }
        if let Some(ranges) = self.ranges.get_mut(&found.place) {
            found.ranges().for_each(|interval| ranges.remove(interval, number));
            if ranges.is_empty() {
                self.ranges.remove(&found.place);
            }
        }
    }

    /// The columns that tell which queries an entity concerns, and what it is in those.
    pub(super) fn columns(&self) -> Columns {
        let mut columns = Columns::default();
        self.columns.keys().for_each(|property| columns.add(*property));
        columns
    }

    /// Calls `each` with the indexed queries that an entity may be in, as it is now.
    pub(super) fn concerned(
        &self,
        columns: &Columns,
        entity: EntityId,
        read: RowRef<'_>,
        mut each: impl FnMut(u64),
    ) {
        for place in self.places.keys() {
            let value = match place {
                None => Value::Ref(entity),
                Some(property) => columns.value(*property, read).to_value(),
            };
            let points = self.points.get(place).and_then(|points| points.get(&value));
            points.into_iter().flatten().copied().for_each(&mut each);
            if let (Some(ranges), false) = (self.ranges.get(place), value.is_null()) {
                ranges.holding(&value, &mut each);
            }
        }
    }
}

fn decrease<K: Ord>(counts: &mut BTreeMap<K, usize>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(key);
        }
    }
}

/// The properties of each entity that a query needs which is kept right by what changed.
fn needed(query: &Query) -> impl Iterator<Item = PropertyId> {
    let slots = query.shape.select.input.slots.iter().filter(|_| query.shape.keeps);
    slots.filter_map(|slot| match slot {
        Slot::Property(property) => Some(property.id),
        Slot::Id | Slot::Hop(_) => None,
    })
}
