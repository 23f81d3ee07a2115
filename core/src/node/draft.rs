//! What a transaction has written and not yet committed.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::catalog::reserved;
use crate::entity::{Register, State};
use crate::id::{EntityId, ModelId, OpId, PropertyId, Stamp};
use crate::operation::Change;
use crate::storage::Position;
use crate::value::Value;

/// A splice of a text: at a place counted in Unicode scalar values, so many of them go and `insert` comes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Splice {
    pub(crate) at: usize,
    pub(crate) delete: usize,
    pub(crate) insert: Arc<str>,
}

/// A text property that the transaction changed.
#[derive(Clone, Debug, Default)]
pub(crate) struct TextDraft {
    /// What it reads as now.
    pub(crate) text: Arc<str>,
    /// What happened to it, in order, starting from what it was in the transaction's view.
    pub(crate) splices: Vec<Splice>,
}

/// How an entity that a transaction writes comes to be.
#[derive(Clone, Debug)]
pub(crate) enum Birth {
    /// It was there.
    Existing,
    /// It is new.
    Plain {
        /// The stamp of its genesis.
        stamp: Stamp,
        /// The nonce of its genesis.
        nonce: [u8; 16],
    },
    /// It is new and named by its key.
    Keyed {
        /// The key.
        key: Vec<(PropertyId, Value)>,
        /// Whether it is an error if it comes to be elsewhere before the commit.
        exclusive: bool,
    },
}

/// An entity that the transaction writes.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) model: ModelId,
    pub(crate) birth: Birth,
    /// The state in the transaction's view; `None` for new ones.
    pub(crate) base: Option<Arc<State>>,
    pub(crate) sets: BTreeMap<PropertyId, Value>,
    pub(crate) texts: BTreeMap<PropertyId, TextDraft>,
    /// Redactions and horizons: changes of the history.
    pub(crate) records: BTreeMap<PropertyId, Change>,
}

impl Pending {
    pub(crate) fn existing(state: Arc<State>) -> Self {
        Pending {
            model: state.model,
            birth: Birth::Existing,
            base: Some(state),
            sets: BTreeMap::new(),
            texts: BTreeMap::new(),
            records: BTreeMap::new(),
        }
    }

    pub(crate) fn new(model: ModelId, birth: Birth) -> Self {
        Pending {
            model,
            birth,
            base: None,
            sets: BTreeMap::new(),
            texts: BTreeMap::new(),
            records: BTreeMap::new(),
        }
    }

    /// The value of a property that is not text, as the transaction sees it.
    pub(crate) fn value(&self, property: PropertyId) -> Option<&Value> {
        if let Some(value) = self.sets.get(&property) {
            return Some(value);
        }
        if let Birth::Keyed { key, .. } = &self.birth {
            if let Some((_, value)) = key.iter().find(|(id, _)| *id == property) {
                return Some(value);
            }
        }
        let register = self.base.as_ref()?.registers.get(&property);
        match (self.records.get(&property), register) {
            (Some(Change::Redact(redaction)), _) if redaction.value.is_some() => redaction.value.as_ref(),
            (Some(Change::Redact(redaction)), Some(register)) if redaction.names(register.winner) => {
                Some(&Value::Null)
            }
            (_, register) => register.map(|register| &register.value),
        }
    }

    /// Whether the transaction's view shows the text, empty or not.
    pub(crate) fn has_stored_text(&self, property: PropertyId) -> bool {
        self.base.as_ref().is_some_and(|state| state.text(property).is_some())
    }

    /// Whether the transaction sees the text: one that was never written is null.
    pub(crate) fn has_text(&self, property: PropertyId) -> bool {
        self.texts.contains_key(&property) || self.has_stored_text(property)
    }

    /// Whether the transaction sees it as deleted.
    pub(crate) fn is_deleted(&self) -> bool {
        self.value(*reserved::DELETED) == Some(&Value::Bool(true))
    }

    /// Whether nothing would be written.
    pub(crate) fn is_unchanged(&self) -> bool {
        matches!(self.birth, Birth::Existing)
            && self.sets.is_empty()
            && self.texts.is_empty()
            && self.records.is_empty()
    }

    /// What the transaction sees as the state. Its own writes have the greatest id as their winner; head and
    /// texts are those of the view.
    pub(crate) fn provisional(&self, entity: EntityId) -> State {
        let mut state = match &self.base {
            Some(state) => State::clone(state),
            None => State {
                entity,
                model: self.model,
                position: Position(0),
                head: crate::dag::Head::default(),
                base: None,
                registers: BTreeMap::new(),
                texts: BTreeMap::new(),
            },
        };
        let mut set = |property: &PropertyId, value: &Value| {
            state.registers.insert(*property, Register { value: value.clone(), winner: OpId::MAX });
        };
        if let Birth::Keyed { key, .. } = &self.birth {
            key.iter().for_each(|(property, value)| set(property, value));
        }
        for property in self.records.keys() {
            if let Some(value) = self.value(*property) {
                set(property, value);
            }
        }
        self.sets.iter().for_each(|(property, value)| set(property, value));
        state
    }
}

/// The entities that a transaction writes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Draft {
    entities: BTreeMap<EntityId, Arc<Pending>>,
    models: BTreeMap<ModelId, usize>,
}

impl Draft {
    pub(crate) fn len(&self) -> usize {
        self.entities.len()
    }

    /// Whether it writes entities of the model.
    pub(crate) fn touches(&self, model: ModelId) -> bool {
        self.models.contains_key(&model)
    }

    pub(crate) fn get(&self, entity: EntityId) -> Option<&Arc<Pending>> {
        self.entities.get(&entity)
    }

    /// The entities in the order of ids.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (EntityId, &Arc<Pending>)> {
        self.entities.iter().map(|(entity, pending)| (*entity, pending))
    }

    /// The entities of a model with ids after `after`, in the order of ids.
    pub(crate) fn of_model(
        &self,
        model: ModelId,
        after: Option<EntityId>,
    ) -> impl Iterator<Item = (EntityId, &Arc<Pending>)> {
        let from = after.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        self.entities
            .range((from, std::ops::Bound::Unbounded))
            .filter(move |(_, pending)| pending.model == model)
            .map(|(entity, pending)| (*entity, pending))
    }

    pub(crate) fn put(&mut self, entity: EntityId, pending: Pending) {
        let model = pending.model;
        if self.entities.insert(entity, Arc::new(pending)).is_none() {
            let count = self.models.entry(model).or_default();
            *count = count.saturating_add(1);
        }
    }
}
