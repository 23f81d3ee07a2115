//! What values are to queries: which of them can be compared. Types alone, without values.

use std::fmt;
use std::marker::PhantomData;

use ankurah_core::id::ModelId;
use ankurah_core::value::ValueType;

use crate::model::Model;
use crate::schema::ModelSchema;

/// The type of a property in the catalog. A reference names the model that it leads to.
#[derive(Clone, Copy)]
pub enum PropertyType {
    /// `bool`
    Bool,
    /// `i64`
    Int,
    /// `f64`
    Float,
    /// `decimal`
    Decimal,
    /// `string`, and `text` where it is collaborative
    String,
    /// `bytes`
    Bytes,
    /// `timestamp`
    Timestamp,
    /// `uuid`
    Uuid,
    /// `ulid`
    Ulid,
    /// `ref(model)`
    Ref(fn() -> &'static ModelSchema),
    /// `json`
    Json,
}

impl PropertyType {
    /// The type in a catalog, where `model` knows the models that references lead to.
    pub(crate) fn value_type<E>(
        self,
        model: impl FnOnce(&'static ModelSchema) -> Result<ModelId, E>,
    ) -> Result<ValueType, E> {
        Ok(match self {
            PropertyType::Bool => ValueType::Bool,
            PropertyType::Int => ValueType::Int,
            PropertyType::Float => ValueType::Float,
            PropertyType::Decimal => ValueType::Decimal,
            PropertyType::String => ValueType::String,
            PropertyType::Bytes => ValueType::Bytes,
            PropertyType::Timestamp => ValueType::Timestamp,
            PropertyType::Uuid => ValueType::Uuid,
            PropertyType::Ulid => ValueType::Ulid,
            PropertyType::Json => ValueType::Json,
            PropertyType::Ref(target) => ValueType::Ref(model(target())?),
        })
    }
}

impl fmt::Debug for PropertyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PropertyType::Bool => f.write_str("bool"),
            PropertyType::Int => f.write_str("i64"),
            PropertyType::Float => f.write_str("f64"),
            PropertyType::Decimal => f.write_str("decimal"),
            PropertyType::String => f.write_str("string"),
            PropertyType::Bytes => f.write_str("bytes"),
            PropertyType::Timestamp => f.write_str("timestamp"),
            PropertyType::Uuid => f.write_str("uuid"),
            PropertyType::Ulid => f.write_str("ulid"),
            PropertyType::Ref(model) => write!(f, "ref({})", model().name),
            PropertyType::Json => f.write_str("json"),
        }
    }
}

/// A kind of values.
pub trait Kind: 'static {
    /// The type that a property of this kind has.
    const TYPE: PropertyType;
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub enum $name {}

            impl Kind for $name {
                const TYPE: PropertyType = PropertyType::$name;
            }
        )*
    };
}

kinds! {
    /// Truth values.
    Bool
    /// Integers.
    Int
    /// Floats.
    Float
    /// Exact decimals.
    Decimal
    /// Strings and texts.
    String
    /// Bytes.
    Bytes
    /// Points in time.
    Timestamp
    /// UUIDs.
    Uuid
    /// ULIDs.
    Ulid
    /// JSON documents.
    Json
}

/// References to entities of a model.
#[derive(Clone, Copy, Debug)]
pub struct Ref<M>(PhantomData<M>);

impl<M: Model> Kind for Ref<M> {
    const TYPE: PropertyType = PropertyType::Ref(M::schema);
}
