//! Which live queries a changed entity can concern, found without looking at the others.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;
use std::sync::{Arc, OnceLock};

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

/// Some queries: as good as always one.
#[derive(Debug)]
#[expect(clippy::box_collection, reason = "there are as many of these as queries, and few are lists")]
pub(super) enum Numbers {
    One(u64),
    Many(Box<Vec<u64>>),
}

impl Numbers {
    /// Adds a query to those at a place of a map.
    pub(super) fn add<K: Eq + Hash>(map: &mut HashMap<K, Numbers>, key: K, number: u64) {
        match map.entry(key) {
            Entry::Vacant(place) => drop(place.insert(Numbers::One(number))),
            Entry::Occupied(mut place) => match place.get_mut() {
                Numbers::Many(numbers) => numbers.push(number),
                Numbers::One(first) => {
                    let both = Box::new(vec![*first, number]);
                    *place.get_mut() = Numbers::Many(both);
                }
            },
        }
    }

    /// Takes a query from those at a place of a map.
    pub(super) fn remove<K: Eq + Hash>(map: &mut HashMap<K, Numbers>, key: &K, number: u64) {
        let empty = match map.get_mut(key) {
            None => return,
            Some(Numbers::One(only)) => *only == number,
            Some(Numbers::Many(numbers)) => {
                if let Some(at) = numbers.iter().position(|known| *known == number) {
                    numbers.swap_remove(at);
                }
                numbers.is_empty()
            }
        };
        if empty {
            map.remove(key);
        }
    }

    /// The queries.
    pub(super) fn iter(&self) -> impl Iterator<Item = u64> {
        match self {
            Numbers::One(number) => std::slice::from_ref(number),
            Numbers::Many(numbers) => numbers.as_slice(),
        }
        .iter()
        .copied()
    }
}

/// What a query is found by: values of one property that its condition leaves possible. It follows from the query, and
/// is worked out again when that is taken away, since many queries are kept and few go.
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
        let filter = query.filter.as_deref()?;
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
    points: HashMap<Place, HashMap<Value, Numbers>>,
    ranges: HashMap<Place, Intervals>,
    /// For each indexed property how many queries are found by it.
    places: BTreeMap<Place, usize>,
    /// For each property how many of the queries need it.
    columns: BTreeMap<PropertyId, usize>,
    /// These as columns to read, once they were asked for.
    read: OnceLock<Arc<Columns>>,
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
            if *count == 1 {
                self.read = OnceLock::new();
            }
        }
        let Some(found) = found else {
            self.residual.insert(number);
            return;
        };
        let count = self.places.entry(found.place).or_default();
        *count = count.saturating_add(1);
        for value in found.points() {
            Numbers::add(self.points.entry(found.place).or_default(), value, number);
        }
        for interval in found.ranges() {
            self.ranges.entry(found.place).or_default().insert(interval.clone(), number);
        }
    }

    /// Takes a query away that was added with the same arguments.
    pub(super) fn remove(&mut self, number: u64, query: &Query, found: Option<&Found>) {
        for property in needed(query) {
            if decrease(&mut self.columns, &property) {
                self.read = OnceLock::new();
            }
        }
        let Some(found) = found else {
            self.residual.remove(&number);
            return;
        };
        let _ = decrease(&mut self.places, &found.place);
        if let Some(points) = self.points.get_mut(&found.place) {
            for value in found.points() {
                Numbers::remove(points, &value, number);
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
    pub(super) fn columns(&self) -> Arc<Columns> {
        let columns = self.read.get_or_init(|| {
            let mut columns = Columns::default();
            self.columns.keys().for_each(|property| columns.add(*property));
            Arc::new(columns)
        });
        Arc::clone(columns)
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
            points.into_iter().flat_map(Numbers::iter).for_each(&mut each);
            if let (Some(ranges), false) = (self.ranges.get(place), value.is_null()) {
                ranges.holding(&value, &mut each);
            }
        }
    }
}

/// Counts one less; gives whether none is left.
fn decrease<K: Ord>(counts: &mut BTreeMap<K, usize>, key: &K) -> bool {
    let Some(count) = counts.get_mut(key) else { return false };
    *count = count.saturating_sub(1);
    let none = *count == 0;
    if none {
        counts.remove(key);
    }
    none
}

/// The properties of each entity that a query needs which is kept right by what changed.
fn needed(query: &Query) -> impl Iterator<Item = PropertyId> {
    let slots = query.shape.select.input.slots.iter().filter(|_| query.shape.keeps);
    slots.filter_map(|slot| match slot {
        Slot::Property(property) => Some(property.id),
        Slot::Id | Slot::Hop(_) => None,
    })
}
