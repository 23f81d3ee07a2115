//! Rows of a maintained result, and what entities contribute to them.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use crate::id::EntityId;
use crate::query::{OrderKey, compare_order_values};
use crate::value::Value;

/// What a row is known by as its values change.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Key {
    /// The entity that it shows.
    Entity(EntityId),
    /// The values by which it was grouped, or all of its values where each row is there once.
    Values(Arc<[Value]>),
    /// Its place, where it shows nothing that is stored.
    Number(u64),
}

/// The values that a row is ordered by: mostly one, which then is where the row is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Ordered {
    One(Value),
    Many(Box<[Value]>),
}

impl Default for Ordered {
    fn default() -> Self {
        Ordered::Many(Box::default())
    }
}

impl From<Vec<Value>> for Ordered {
    fn from(mut values: Vec<Value>) -> Self {
        match values.pop() {
            Some(only) if values.is_empty() => Ordered::One(only),
            last => {
                values.extend(last);
                Ordered::Many(values.into())
            }
        }
    }
}

impl Deref for Ordered {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        match self {
            Ordered::One(value) => std::slice::from_ref(value),
            Ordered::Many(values) => values,
        }
    }
}

/// A row of a maintained result.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) key: Key,
    /// The first of the entities that it stands for, where rows that are ordered alike stand in the order of those
    /// instead of that of their keys.
    pub(super) first: Option<EntityId>,
    /// The values that it is ordered by, where the order is kept.
    pub(super) order: Ordered,
    /// What is shown.
    pub(super) values: Arc<[Value]>,
}

impl Row {
    pub(super) fn entity(&self) -> Option<EntityId> {
        match &self.key {
            Key::Entity(entity) => Some(*entity),
            Key::Values(_) | Key::Number(_) => None,
        }
    }

    /// How it stands to another row.
    pub(super) fn compare(&self, order: &[OrderKey], other: &Row) -> Ordering {
        compare_order_values(order, &self.order, &other.order)
            .then_with(|| self.first.cmp(&other.first))
            .then_with(|| self.key.cmp(&other.key))
    }
}

/// A row, to be found by its key.
#[derive(Clone, Debug)]
pub(super) struct ByKey(pub(super) Arc<Row>);

impl Borrow<Key> for ByKey {
    fn borrow(&self) -> &Key {
        &self.0.key
    }
}

impl PartialEq for ByKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.key == other.0.key
    }
}

impl Eq for ByKey {}

impl Hash for ByKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.key.hash(state);
    }
}

/// What an entity that the condition holds for contributes to a result.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    /// The row; where rows are grouped what every slot holds.
    pub(super) values: Vec<Value>,
    /// The values that the row is ordered by, where it is a row of its own.
    pub(super) order: Vec<Value>,
}
