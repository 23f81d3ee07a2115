//! Reading the catalog from the states of its entities.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use futures::StreamExt;

use super::reserved::{self, MODELS};
use super::{Catalog, Model, Property, define};
use crate::entity::State;
use crate::id::{EntityId, ModelId, OpId, PropertyId};
use crate::storage::{Access, Deleted, Position, ReadView, Scan, StorageError};
use crate::value::{Value, ValueType, parse};

/// The catalog cannot be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CatalogError {
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// What one property entity says, besides what the catalog shows of it.
struct Entry {
    property: Property,
    key: Option<i64>,
    preferred: Option<OpId>,
}

impl Catalog {
    /// The catalog of a store without definitions: the reserved models alone.
    pub fn empty() -> Self {
        Catalog { position: Position(0), models: MODELS.iter().map(Arc::clone).collect() }
    }

    /// Reads the catalog at the position of a view.
    pub async fn read(view: &dyn ReadView) -> Result<Self, CatalogError> {
        Ok(Self::from_states(view.position(), &Self::states(view).await?))
    }

    /// The states of the entities of the reserved models.
    pub(crate) async fn states(view: &dyn ReadView) -> Result<Vec<State>, CatalogError> {
        let mut states = Vec::new();
        for model in MODELS.iter() {
            let scan = Scan {
                model: model.id,
                access: Access::All { after: None },
                columns: Vec::new(),
                deleted: Deleted::Exclude,
                limit: None,
                expected: None,
            };
            let mut rows = view.scan(scan);
            while let Some(batch) = rows.next().await {
                for row in batch? {
                    states.extend(view.state(model.id, row.entity).await?);
                }
            }
        }
        Ok(states)
    }

    /// The catalog that the states of the reserved models' entities describe. States of other models and
    /// entries of a shape that no version writes are left out.
    pub fn from_states<'a>(position: Position, states: impl IntoIterator<Item = &'a State>) -> Self {
        let mut names: BTreeMap<ModelId, Arc<str>> = BTreeMap::new();
        let mut entries: BTreeMap<ModelId, Vec<Entry>> = BTreeMap::new();
        for state in states {
            if state.model == *reserved::MODEL {
                if let Some(name) =
                    text(state, *reserved::MODEL_NAME).or_else(|| text(state, *reserved::MODEL_DEFINED_AS))
                {
                    names.insert(ModelId(state.entity.0), name);
                }
            } else if state.model == *reserved::PROPERTY {
                if let Some(entry) = property(state) {
                    entries.entry(entry.property.model).or_default().push(entry);
                }
            }
        }
        let mut catalog = Catalog { position, ..Catalog::empty() };
        let mut taken = BTreeSet::new();
        for (id, name) in names {
            // Ascending by id, so the smallest id of several has the bare name.
            let label = label(&name, id.0, taken.insert(Arc::clone(&name)));
            let model = assemble(id, name, label, entries.remove(&id).unwrap_or_default());
            catalog.models.push(Arc::new(model));
        }
        catalog.models.sort_by_key(|model| model.id);
        catalog
    }
}

fn label(name: &Arc<str>, id: OpId, bare: bool) -> Arc<str> {
    if bare { Arc::clone(name) } else { Arc::from(format!("{name}@{id}")) }
}

fn assemble(id: ModelId, name: Arc<str>, label_: Arc<str>, mut entries: Vec<Entry>) -> Model {
    // Who has the bare name: shown before dropped, the one preferred last, then the smallest id.
    entries
        .sort_by_key(|entry| (entry.property.dropped, std::cmp::Reverse(entry.preferred), entry.property.id));
    let mut taken = BTreeSet::new();
    for entry in &mut entries {
        let bare = taken.insert(Arc::clone(&entry.property.name));
        entry.property.label = label(&entry.property.name, entry.property.id.0, bare);
    }
    entries.sort_by_key(|entry| (entry.property.ordinal, entry.property.id));
    let mut key: Vec<(i64, PropertyId)> =
        entries.iter().filter_map(|entry| Some((entry.key?, entry.property.id))).collect();
    key.sort_unstable();
    Model {
        id,
        name,
        label: label_,
        properties: entries.into_iter().map(|entry| Arc::new(entry.property)).collect(),
        key: key.into_iter().map(|(_, id)| id).collect(),
    }
}

fn property(state: &State) -> Option<Entry> {
    let Some(Value::Ref(EntityId(model))) = value(state, *reserved::PROPERTY_MODEL) else { return None };
    let (value_type, backend) = define::parse_type_key(&text(state, *reserved::PROPERTY_TYPE)?)?;
    let name =
        text(state, *reserved::PROPERTY_NAME).or_else(|| text(state, *reserved::PROPERTY_DEFINED_AS))?;
    let preferred = state
        .registers
        .get(&reserved::PROPERTY_PREFERRED)
        .filter(|register| register.value == Value::Bool(true))
        .map(|register| register.winner);
    let property = Property {
        id: PropertyId(state.entity.0),
        model: ModelId(*model),
        label: Arc::clone(&name),
        name,
        value_type,
        backend,
        ordinal: number(state, *reserved::PROPERTY_ORDINAL)
            .and_then(|ordinal| u32::try_from(ordinal).ok())
            .unwrap_or(u32::MAX),
        required: flag(state, *reserved::PROPERTY_REQUIRED),
        default: default(state, value_type),
        dropped: flag(state, *reserved::PROPERTY_DROPPED),
    };
    Some(Entry { property, key: number(state, *reserved::PROPERTY_KEY), preferred })
}

fn default(state: &State, value_type: ValueType) -> Value {
    text(state, *reserved::PROPERTY_DEFAULT)
        .and_then(|text| parse(&text, value_type).ok())
        .unwrap_or(Value::Null)
}

fn value(state: &State, property: PropertyId) -> Option<&Value> {
    state.registers.get(&property).map(|register| &register.value)
}

fn text(state: &State, property: PropertyId) -> Option<Arc<str>> {
    match value(state, property) {
        Some(Value::String(text)) => Some(Arc::clone(text)),
        _ => None,
    }
}

fn number(state: &State, property: PropertyId) -> Option<i64> {
    match value(state, property) {
        Some(Value::Int(number)) => Some(*number),
        _ => None,
    }
}

fn flag(state: &State, property: PropertyId) -> bool {
    value(state, property) == Some(&Value::Bool(true))
}
