//! What a program declares: from its models to what the catalog lacks of them.
//!
//! A program is bound to what it was compiled with by the ids that follow from names and types, so neither a
//! rename by hand nor another program's property of the same name gets in its way.

use std::collections::BTreeSet;

use super::define::{
    CatalogWrite, DefineError, PropertyDefinition, Target, check_property, check_well_named, existing,
    property_key, property_write, set_property, string,
};
use super::define::{MAX_PROPERTIES, model_key};
use super::{Catalog, Model, Property, reserved};
use crate::id::{EntityId, ModelId, PropertyId};
use crate::operation::Operation;
use crate::value::Value;

/// A model as a program declares it.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelDeclaration {
    /// Its name.
    pub name: String,
    /// The name that it was first defined with, from which its id follows: the same, unless it was renamed.
    pub defined_as: String,
    /// Its properties, in the program's order.
    pub properties: Vec<PropertyDeclaration>,
}

/// A property as a program declares it.
#[derive(Clone, Debug, PartialEq)]
pub struct PropertyDeclaration {
    /// What it is.
    pub definition: PropertyDefinition,
    /// The name that it was first defined with: the same, unless it was renamed.
    pub defined_as: String,
}

/// Which model and properties of the catalog a declaration means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// The model.
    pub model: ModelId,
    /// The properties, in the order of the declaration.
    pub properties: Vec<PropertyId>,
}

/// The id of a declared model: of the one first defined with that name, or else of the one that has the name now,
/// or else of the one that is to be made.
///
/// # Errors
/// [`DefineError`] where the name cannot be one.
pub fn declared_model(catalog: &Catalog, name: &str, defined_as: &str) -> Result<ModelId, DefineError> {
    let id = ModelId(Operation::keyed_id(*reserved::MODEL, &model_key(defined_as))?.0);
    let named = || catalog.models().find(|model| *model.label == *name).map(|model| model.id);
    Ok(if catalog.model(id).is_some() { id } else { named().unwrap_or(id) })
}

/// What a declaration means, and what has to be written for it: nothing where the catalog has all of it.
///
/// # Errors
/// [`DefineError`] where the declaration is not one that a model can have, or has another key than the model in the
/// catalog.
pub fn declare(
    catalog: &Catalog,
    declaration: &ModelDeclaration,
) -> Result<(Declared, Vec<CatalogWrite>), DefineError> {
    check_well_named(&declaration.name)?;
    let model = declared_model(catalog, &declaration.name, &declaration.defined_as)?;
    let known = catalog.model(model);
    let mut declarer = Declarer { model, known: known.map(AsRef::as_ref), writes: Vec::new() };
    declarer.name(catalog, declaration);
    let mut names = BTreeSet::new();
    let mut properties = Vec::with_capacity(declaration.properties.len());
    let mut keys = Vec::new();
    for (index, property) in declaration.properties.iter().enumerate() {
        let name = &property.definition.name;
        check_property(&property.definition, index)?;
        if !names.insert(name.as_str()) {
            return Err(DefineError::DuplicateProperty { name: name.clone(), property: index });
        }
        let id = declarer.property(property, index, keys.len())?;
        if property.definition.key {
            keys.push(id);
        }
        properties.push(id);
    }
    if let Some(known) = known.filter(|known| known.key != keys) {
        return Err(DefineError::KeyDiffers {
            model: known.label.to_string(),
            found: key_names(known),
            declared: declared_key(declaration),
        });
    }
    Ok((Declared { model, properties }, declarer.writes))
}

struct Declarer<'a> {
    model: ModelId,
    /// The model as the catalog has it.
    known: Option<&'a Model>,
    writes: Vec<CatalogWrite>,
}

impl Declarer<'_> {
    /// Makes the model, or gives it its new name where it still has the one that it was defined with.
    fn name(&mut self, catalog: &Catalog, declaration: &ModelDeclaration) {
        let ModelDeclaration { name, defined_as, .. } = declaration;
        let is_taken = || catalog.models().any(|other| other.id != self.model && *other.name == **name);
        match self.known {
            None => self.writes.push(CatalogWrite {
                model: *reserved::MODEL,
                target: Target::Keyed(model_key(defined_as)),
                set: vec![(*reserved::MODEL_NAME, string(name))],
            }),
            Some(known) if name != defined_as && *known.name == **defined_as && !is_taken() => {
                let entity = EntityId::from(self.model);
                self.writes.push(existing(*reserved::MODEL, entity, *reserved::MODEL_NAME, string(name)));
            }
            Some(_) => {}
        }
    }

    fn property(
        &mut self,
        property: &PropertyDeclaration,
        index: usize,
        key_place: usize,
    ) -> Result<PropertyId, DefineError> {
        let PropertyDeclaration { definition, defined_as } = property;
        let key = property_key(self.model, defined_as, definition);
        let id = PropertyId(Operation::keyed_id(*reserved::PROPERTY, &key)?.0);
        let Some(known) = self.known else {
            self.add(key, definition, index, key_place);
            return Ok(id);
        };
        if let Some(found) = known.property(id) {
            self.keep(known, found, property);
            return Ok(id);
        }
        let same = |other: &&std::sync::Arc<Property>| {
            *other.label == *definition.name
                && other.value_type == definition.value_type
                && other.backend == definition.backend
        };
        if let Some(found) = known.columns().find(same) {
            return Ok(found.id);
        }
        if definition.key {
            return Err(DefineError::KeyOfExisting);
        }
        if known.properties.len().saturating_add(self.writes.len()) >= MAX_PROPERTIES {
            return Err(DefineError::TooMany);
        }
        let greatest = known.properties.iter().filter_map(|property| usize::try_from(property.ordinal).ok());
        let ordinal = greatest.max().map_or(0, |greatest| greatest.saturating_add(1));
        self.add(key, definition, ordinal.saturating_add(index), key_place);
        Ok(id)
    }

    fn add(
        &mut self,
        key: Vec<(PropertyId, Value)>,
        definition: &PropertyDefinition,
        ordinal: usize,
        key_place: usize,
    ) {
        let place = i64::try_from(key_place).ok().filter(|_| definition.key).map_or(Value::Null, Value::Int);
        self.writes.push(property_write(key, definition, ordinal, place));
    }

    /// A property that was dropped is shown again; one that still has the name that it was defined with gets its
    /// new one.
    fn keep(&mut self, known: &Model, found: &Property, declared: &PropertyDeclaration) {
        let name = &declared.definition.name;
        if found.dropped {
            self.writes.push(set_property(found.id, *reserved::PROPERTY_DROPPED, Value::Bool(false)));
        }
        let is_taken = || known.columns().any(|other| other.id != found.id && *other.name == **name);
        if *name != declared.defined_as && *found.name == *declared.defined_as && !is_taken() {
            self.writes.push(set_property(found.id, *reserved::PROPERTY_NAME, string(name)));
        }
    }
}

fn key_names(model: &Model) -> String {
    let names = model.key.iter().filter_map(|id| Some(model.property(*id)?.label.to_string()));
    list(&names.collect::<Vec<_>>())
}

fn declared_key(declaration: &ModelDeclaration) -> String {
    let keys = declaration.properties.iter().filter(|property| property.definition.key);
    list(&keys.map(|property| property.definition.name.clone()).collect::<Vec<_>>())
}

fn list(names: &[String]) -> String {
    if names.is_empty() { "no key".to_owned() } else { format!("the key ({})", names.join(", ")) }
}
