//! From a definition to what has to be written: keyed entities of the reserved models and their values.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::reserved;
use super::{Backend, Catalog, Model};
use crate::id::{EntityId, ModelId, PropertyId};
use crate::operation::{Operation, OperationError};
use crate::value::{Value, ValueType};

/// The greatest length of a model's or property's name in bytes.
pub const MAX_NAME: usize = 255;

/// The greatest number of properties of a model, dropped ones included.
pub const MAX_PROPERTIES: usize = 1024;

/// A property to be defined.
#[derive(Clone, Debug, PartialEq)]
pub struct PropertyDefinition {
    /// Its name.
    pub name: String,
    /// The type of its values.
    pub value_type: ValueType,
    /// How concurrent changes become one.
    pub backend: Backend,
    /// Whether it is part of the key.
    pub key: bool,
    /// Whether null is refused on write. Key properties are always required.
    pub required: bool,
    /// What a new entity gets where nothing is given, of the property's type or null.
    pub default: Value,
}

/// Which entity of a reserved model is written.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// The one with this key; it is created where it does not exist.
    Keyed(Vec<(PropertyId, Value)>),
    /// One that exists.
    Existing(EntityId),
}

/// A write to one entity of a reserved model.
#[derive(Clone, Debug, PartialEq)]
pub struct CatalogWrite {
    /// The reserved model.
    pub model: ModelId,
    /// Which entity.
    pub target: Target,
    /// What is set.
    pub set: Vec<(PropertyId, Value)>,
}

/// Why something cannot be defined. `property` is the index of the offending definition, where there are
/// several.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DefineError {
    /// A model of that name exists.
    #[error("a model `{name}` exists already")]
    DuplicateModel {
        /// The name.
        name: String,
    },
    /// The model has a property of that name.
    #[error("the model has a property `{name}` already")]
    DuplicateProperty {
        /// The name.
        name: String,
        /// Which definition.
        property: usize,
    },
    /// Names of models that begin with `_` are the catalog's own.
    #[error("names of models that begin with `_` are reserved")]
    ReservedModel,
    /// A name that means something of every entity.
    #[error("a property cannot be called `{name}`: that {says}")]
    ReservedProperty {
        /// The name.
        name: String,
        /// What the name stands for.
        says: &'static str,
        /// Which definition.
        property: usize,
    },
    /// A name without characters, too long, or with U+0000.
    #[error("a name has 1 to {MAX_NAME} bytes and no U+0000")]
    BadName {
        /// Which definition; `None` for the model's name.
        property: Option<usize>,
    },
    /// Text changes in place, so it cannot be a key.
    #[error("collaborative text cannot be part of a key; use `string`")]
    TextKey {
        /// Which definition.
        property: usize,
    },
    /// Keys are immutable.
    #[error("the key of a model cannot be changed after it was created")]
    KeyOfExisting,
    /// A default for text.
    #[error("collaborative text cannot have a default")]
    TextDefault {
        /// Which definition.
        property: usize,
    },
    /// Too many properties.
    #[error("a model has at most {MAX_PROPERTIES} properties")]
    TooMany,
    /// The catalog describes itself.
    #[error("the reserved model `{name}` cannot be altered")]
    ReservedAlter {
        /// The model.
        name: String,
    },
    /// A key property cannot be dropped.
    #[error("`{name}` is part of the key and cannot be dropped")]
    DropKey {
        /// The property.
        name: String,
    },
    /// A program declares another key than the model has.
    #[error("model `{model}` has {found}, but {declared} is declared")]
    KeyDiffers {
        /// The model.
        model: String,
        /// What it has: `the key (a, b)` or `no key`.
        found: String,
        /// What is declared.
        declared: String,
    },
    /// A name that no operation can carry.
    #[error(transparent)]
    Operation(#[from] OperationError),
}

/// What `create model` writes, and the model's id.
pub fn create_model(
    catalog: &Catalog,
    name: &str,
    properties: &[PropertyDefinition],
) -> Result<(ModelId, Vec<CatalogWrite>), DefineError> {
    check_model_name(catalog, name)?;
    if properties.len() > MAX_PROPERTIES {
        return Err(DefineError::TooMany);
    }
    let (id, key) = fresh_model(catalog, name)?;
    let mut writes = vec![CatalogWrite {
        model: *reserved::MODEL,
        target: Target::Keyed(key),
        set: vec![(*reserved::MODEL_NAME, string(name))],
    }];
    let mut names = BTreeSet::new();
    let mut keys = 0i64;
    for (index, definition) in properties.iter().enumerate() {
        check_property(definition, index)?;
        if !names.insert(definition.name.as_str()) {
            return Err(DefineError::DuplicateProperty { name: definition.name.clone(), property: index });
        }
        let place = if definition.key { Value::Int(keys) } else { Value::Null };
        keys += i64::from(definition.key);
        let key = property_key(id, &definition.name, definition);
        writes.push(property_write(key, definition, index, place));
    }
    Ok((id, writes))
}

/// What the model that `create model name` would make is called by id: so that its own properties can refer
/// to it.
pub fn new_model_id(catalog: &Catalog, name: &str) -> Result<ModelId, DefineError> {
    check_model_name(catalog, name)?;
    Ok(fresh_model(catalog, name)?.0)
}

/// What `alter model … rename to` writes.
pub fn rename_model(catalog: &Catalog, model: &Model, to: &str) -> Result<Vec<CatalogWrite>, DefineError> {
    check_alterable(model)?;
    if *model.name != *to {
        check_model_name(catalog, to)?;
    }
    Ok(vec![existing(*reserved::MODEL, EntityId::from(model.id), *reserved::MODEL_NAME, string(to))])
}

/// What `alter model … add property` writes.
pub fn add_property(
    model: &Model,
    definition: &PropertyDefinition,
) -> Result<Vec<CatalogWrite>, DefineError> {
    check_alterable(model)?;
    check_property(definition, 0)?;
    if definition.key {
        return Err(DefineError::KeyOfExisting);
    }
    if model.columns().any(|property| *property.name == *definition.name) {
        return Err(DefineError::DuplicateProperty { name: definition.name.clone(), property: 0 });
    }
    if model.properties.len() >= MAX_PROPERTIES {
        return Err(DefineError::TooMany);
    }
    let ordinal = model
        .properties
        .iter()
        .filter_map(|property| usize::try_from(property.ordinal).ok())
        .max()
        .map_or(0, |greatest| greatest.saturating_add(1));
    let key = fresh(&definition.name, |name| {
        let key = property_key(model.id, name, definition);
        let id = PropertyId(Operation::keyed_id(*reserved::PROPERTY, &key)?.0);
        Ok(model.property(id).is_none().then_some(key))
    })?;
    Ok(vec![property_write(key, definition, ordinal, Value::Null)])
}

/// What `alter model … rename property` writes.
pub fn rename_property(
    model: &Model,
    property: PropertyId,
    to: &str,
) -> Result<Vec<CatalogWrite>, DefineError> {
    check_alterable(model)?;
    check_property_name(to, 0)?;
    if model.columns().any(|other| other.id != property && *other.name == *to) {
        return Err(DefineError::DuplicateProperty { name: to.to_owned(), property: 0 });
    }
    Ok(vec![set_property(property, *reserved::PROPERTY_NAME, string(to))])
}

/// What `alter model … drop property` and `restore property` write.
pub fn drop_property(
    model: &Model,
    property: PropertyId,
    dropped: bool,
) -> Result<Vec<CatalogWrite>, DefineError> {
    check_alterable(model)?;
    if dropped && model.is_key(property) {
        let name = model.property(property).map_or_else(String::new, |property| property.label.to_string());
        return Err(DefineError::DropKey { name });
    }
    Ok(vec![set_property(property, *reserved::PROPERTY_DROPPED, Value::Bool(dropped))])
}

/// What `alter model … resolve property` writes: the bare name shall mean this property.
pub fn resolve_property(model: &Model, property: PropertyId) -> Result<Vec<CatalogWrite>, DefineError> {
    check_alterable(model)?;
    Ok(vec![set_property(property, *reserved::PROPERTY_PREFERRED, Value::Bool(true))])
}

pub(super) fn set_property(property: PropertyId, what: PropertyId, value: Value) -> CatalogWrite {
    existing(*reserved::PROPERTY, EntityId::from(property), what, value)
}

pub(super) fn existing(model: ModelId, entity: EntityId, what: PropertyId, value: Value) -> CatalogWrite {
    CatalogWrite { model, target: Target::Existing(entity), set: vec![(what, value)] }
}

pub(super) fn property_write(
    key: Vec<(PropertyId, Value)>,
    definition: &PropertyDefinition,
    ordinal: usize,
    key_place: Value,
) -> CatalogWrite {
    let ordinal = i64::try_from(ordinal).unwrap_or(i64::MAX);
    let default = match &definition.default {
        Value::Null => Value::Null,
        value => Value::String(Arc::from(value.to_string())),
    };
    CatalogWrite {
        model: *reserved::PROPERTY,
        target: Target::Keyed(key),
        set: vec![
            (*reserved::PROPERTY_NAME, string(&definition.name)),
            (*reserved::PROPERTY_ORDINAL, Value::Int(ordinal)),
            (*reserved::PROPERTY_KEY, key_place),
            (*reserved::PROPERTY_REQUIRED, Value::Bool(definition.required || definition.key)),
            (*reserved::PROPERTY_DEFAULT, default),
            (*reserved::PROPERTY_DROPPED, Value::Bool(false)),
        ],
    }
}

pub(super) fn property_key(
    model: ModelId,
    name: &str,
    definition: &PropertyDefinition,
) -> Vec<(PropertyId, Value)> {
    vec![
        (*reserved::PROPERTY_MODEL, Value::Ref(EntityId::from(model))),
        (*reserved::PROPERTY_DEFINED_AS, string(name)),
        (*reserved::PROPERTY_TYPE, string(&type_key(definition.value_type, definition.backend))),
    ]
}

/// The key of the model that is defined with a name.
pub(super) fn model_key(name: &str) -> Vec<(PropertyId, Value)> {
    vec![(*reserved::MODEL_DEFINED_AS, string(name))]
}

/// The key of a model to be created: its name or, where a model that was renamed since was defined with that
/// name, the name with a number.
fn fresh_model(catalog: &Catalog, name: &str) -> Result<(ModelId, Vec<(PropertyId, Value)>), OperationError> {
    fresh(name, |name| {
        let key = model_key(name);
        let id = ModelId(Operation::keyed_id(*reserved::MODEL, &key)?.0);
        Ok(catalog.model(id).is_none().then_some((id, key)))
    })
}

/// The first of `name`, `name~2`, `name~3`, … that is free.
fn fresh<T>(
    name: &str,
    free: impl Fn(&str) -> Result<Option<T>, OperationError>,
) -> Result<T, OperationError> {
    let mut candidate = name.to_owned();
    let mut number = 2u64;
    loop {
        if let Some(found) = free(&candidate)? {
            return Ok(found);
        }
        candidate = format!("{name}~{number}");
        number = number.saturating_add(1);
    }
}

fn check_alterable(model: &Model) -> Result<(), DefineError> {
    if reserved::is_reserved(model.id) {
        return Err(DefineError::ReservedAlter { name: model.name.to_string() });
    }
    Ok(())
}

/// Whether a model can have the name.
pub(super) fn check_well_named(name: &str) -> Result<(), DefineError> {
    if name.starts_with('_') {
        return Err(DefineError::ReservedModel);
    }
    if is_name(name) { Ok(()) } else { Err(DefineError::BadName { property: None }) }
}

fn check_model_name(catalog: &Catalog, name: &str) -> Result<(), DefineError> {
    check_well_named(name)?;
    if catalog.models().any(|model| *model.name == *name) {
        return Err(DefineError::DuplicateModel { name: name.to_owned() });
    }
    Ok(())
}

pub(super) fn check_property(definition: &PropertyDefinition, index: usize) -> Result<(), DefineError> {
    check_property_name(&definition.name, index)?;
    if definition.backend == Backend::Yrs {
        if definition.key {
            return Err(DefineError::TextKey { property: index });
        }
        if definition.default != Value::Null {
            return Err(DefineError::TextDefault { property: index });
        }
    }
    Ok(())
}

fn check_property_name(name: &str, index: usize) -> Result<(), DefineError> {
    if !is_name(name) {
        return Err(DefineError::BadName { property: Some(index) });
    }
    match reserved_name(name) {
        Some(says) => Err(DefineError::ReservedProperty { name: name.to_owned(), says, property: index }),
        None => Ok(()),
    }
}

/// What a name, in whatever case, says of every entity, so that no property can be called that; `None` for all
/// other names.
pub fn reserved_name(name: &str) -> Option<&'static str> {
    match name.to_ascii_lowercase().as_str() {
        "id" => Some("is the id that every entity has"),
        "deleted" => Some("says of every entity whether it is deleted"),
        _ => None,
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= MAX_NAME && !name.contains('\0')
}

pub(super) fn string(text: &str) -> Value {
    Value::String(Arc::from(text))
}

/// The type of a property as its key holds it: `i64`, `text`, `ref(01H…)`.
pub fn type_key(value_type: ValueType, backend: Backend) -> String {
    match value_type {
        ValueType::String if backend == Backend::Yrs => "text".to_owned(),
        // A reference names the model by its id.
        other => other.to_string(),
    }
}

/// The inverse of [`type_key`]; `None` for a type that this version does not know.
pub fn parse_type_key(text: &str) -> Option<(ValueType, Backend)> {
    if text == "text" {
        return Some((ValueType::String, Backend::Yrs));
    }
    let value_type = match ValueType::PLAIN.into_iter().find(|plain| plain.tag().name() == text) {
        Some(plain) => plain,
        None => ValueType::Ref(text.strip_prefix("ref(")?.strip_suffix(')')?.parse().ok()?),
    };
    Some((value_type, Backend::Lww))
}
