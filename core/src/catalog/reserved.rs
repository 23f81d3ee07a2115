//! The reserved models that describe all others, with ids that every version of every program agrees on.
//!
//! An id is zero milliseconds of time and 80 bits of BLAKE3 over the name, so it looks like the id of any
//! other keyed entity. `docs/format.md` lists the values.

use std::sync::{Arc, LazyLock};

use super::{Backend, Model, Property};
use crate::id::{ModelId, OpId, PropertyId};
use crate::value::{Value, ValueType};

fn derive(name: &str) -> OpId {
    let mut hasher = blake3::Hasher::new_derive_key("ankurah reserved catalog id 1");
    hasher.update(name.as_bytes());
    let mut bytes = [0u8; 16];
    let hash = hasher.finalize();
    for (to, from) in bytes.iter_mut().skip(6).zip(hash.as_bytes()) {
        *to = *from;
    }
    OpId::from_bytes(bytes)
}

macro_rules! reserved {
    ($(#[$doc:meta])* $name:ident: $type:ident = $text:literal) => {
        $(#[$doc])*
        pub static $name: LazyLock<$type> = LazyLock::new(|| $type(derive($text)));
    };
}

reserved!(
    /// The model of models.
    MODEL: ModelId = "_model"
);
reserved!(
    /// The model of properties.
    PROPERTY: ModelId = "_property"
);
reserved!(
    /// Of every entity of every model: whether it is deleted. `lww`, bool.
    DELETED: PropertyId = "deleted"
);
reserved!(
    /// Of every entity of every model: where its history was folded into a base. It has no value.
    HORIZON: PropertyId = "horizon"
);
reserved!(
    /// Key of a model: the name that it was defined with.
    MODEL_DEFINED_AS: PropertyId = "_model.defined_as"
);
reserved!(
    /// The name of a model now.
    MODEL_NAME: PropertyId = "_model.name"
);
reserved!(
    /// Key of a property: its model.
    PROPERTY_MODEL: PropertyId = "_property.model"
);
reserved!(
    /// Key of a property: the name that it was defined with.
    PROPERTY_DEFINED_AS: PropertyId = "_property.defined_as"
);
reserved!(
    /// Key of a property: its type as text; references name the model by id.
    PROPERTY_TYPE: PropertyId = "_property.type"
);
reserved!(
    /// The name of a property now.
    PROPERTY_NAME: PropertyId = "_property.name"
);
reserved!(
    /// The place of a property in the declared order, from 0.
    PROPERTY_ORDINAL: PropertyId = "_property.ordinal"
);
reserved!(
    /// The place of a property in the model's key, from 0; null where it is not part of it.
    PROPERTY_KEY: PropertyId = "_property.key"
);
reserved!(
    /// Whether null is refused on write.
    PROPERTY_REQUIRED: PropertyId = "_property.required"
);
reserved!(
    /// The default, in the text form of the property's type; null where there is none.
    PROPERTY_DEFAULT: PropertyId = "_property.default"
);
reserved!(
    /// Whether the property was dropped.
    PROPERTY_DROPPED: PropertyId = "_property.dropped"
);
reserved!(
    /// Set to true by `resolve property`: of several namesakes, the one set last has the bare name.
    PROPERTY_PREFERRED: PropertyId = "_property.preferred"
);

/// Whether `model` is one of the catalog's own.
pub fn is_reserved(model: ModelId) -> bool {
    model == *MODEL || model == *PROPERTY
}

/// The catalog's own models.
pub static MODELS: LazyLock<[Arc<Model>; 2]> = LazyLock::new(|| {
    let property_model = ValueType::Ref(*MODEL);
    [
        model(
            *MODEL,
            "_model",
            1,
            &[(*MODEL_DEFINED_AS, "defined_as", ValueType::String), (*MODEL_NAME, "name", ValueType::String)],
        ),
        model(
            *PROPERTY,
            "_property",
            3,
            &[
                (*PROPERTY_MODEL, "model", property_model),
                (*PROPERTY_DEFINED_AS, "defined_as", ValueType::String),
                (*PROPERTY_TYPE, "type", ValueType::String),
                (*PROPERTY_NAME, "name", ValueType::String),
                (*PROPERTY_ORDINAL, "ordinal", ValueType::Int),
                (*PROPERTY_KEY, "key", ValueType::Int),
                (*PROPERTY_REQUIRED, "required", ValueType::Bool),
                (*PROPERTY_DEFAULT, "default", ValueType::String),
                (*PROPERTY_DROPPED, "dropped", ValueType::Bool),
                (*PROPERTY_PREFERRED, "preferred", ValueType::Bool),
            ],
        ),
    ]
});

/// A reserved model whose first `keys` properties are its key.
fn model(id: ModelId, name: &str, keys: usize, properties: &[(PropertyId, &str, ValueType)]) -> Arc<Model> {
    let make = |(ordinal, (property, name, value_type)): (u32, &(PropertyId, &str, ValueType))| {
        let name: Arc<str> = Arc::from(*name);
        Arc::new(Property {
            id: *property,
            model: id,
            label: Arc::clone(&name),
            name,
            value_type: *value_type,
            backend: Backend::Lww,
            ordinal,
            required: false,
            default: Value::Null,
            dropped: false,
        })
    };
    let name: Arc<str> = Arc::from(name);
    Arc::new(Model {
        id,
        label: Arc::clone(&name),
        name,
        properties: (0..).zip(properties).map(make).collect(),
        key: properties.iter().take(keys).map(|(id, ..)| *id).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_what_they_were_when_the_first_store_was_written() {
        let ids = [MODEL.0, PROPERTY.0, DELETED.0, HORIZON.0, MODEL_DEFINED_AS.0, PROPERTY_MODEL.0]
            .map(|id| id.to_string());
        assert_eq!(
            ids,
            [
                "00000000007ERC2HNJ2631RPDT",
                "0000000000BVYG3R33MTPP78MR",
                "000000000058BG45CDT30KYQSD",
                "0000000000Z4APQ5V5T1DCT231",
                "0000000000Q59QPSEAHZRK3H9W",
                "00000000000J102Q9ECPNEK06Q",
            ]
        );
    }

    #[test]
    fn all_ids_differ_and_have_no_time() {
        let mut ids: Vec<OpId> = MODELS
            .iter()
            .flat_map(|model| model.properties.iter().map(|property| property.id.0).chain([model.id.0]))
            .chain([DELETED.0, HORIZON.0])
            .collect();
        assert!(ids.iter().all(|id| id.stamp().millis() == 0 && *id != OpId::MIN));
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!((count, ids.len()), (16, 16));
    }
}
