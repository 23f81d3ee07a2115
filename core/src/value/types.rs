//! [`Value`], [`ValueType`] and [`TypeTag`].

use std::fmt;
use std::sync::Arc;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::id::{EntityId, ModelId};

/// A point in time: microseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Timestamp(pub i64);

/// A value of a property or of an expression.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Value {
    /// No value.
    Null,
    /// A truth value.
    Bool(bool),
    /// A 64-bit signed integer.
    Int(i64),
    /// A 64-bit float; NaN equals NaN and is greater than every other float.
    Float(f64),
    /// An exact decimal: up to 28 digits, at most 28 of them after the point, without trailing zeros.
    Decimal(Decimal),
    /// A string without U+0000. The value of collaborative text reads as a string too.
    String(Arc<str>),
    /// Bytes.
    Bytes(Arc<[u8]>),
    /// A point in time.
    Timestamp(Timestamp),
    /// A UUID of any version, its big-endian number.
    Uuid(u128),
    /// A ULID, its number.
    Ulid(u128),
    /// An entity.
    Ref(EntityId),
    /// A JSON document in canonical form: compact, keys of objects sorted by bytes.
    Json(Arc<str>),
}

/// The type of a property or of an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ValueType {
    /// `bool`
    Bool,
    /// `i64`
    Int,
    /// `f64`
    Float,
    /// `decimal`
    Decimal,
    /// `string`
    String,
    /// `bytes`
    Bytes,
    /// `timestamp`
    Timestamp,
    /// `uuid`
    Uuid,
    /// `ulid`
    Ulid,
    /// `ref(model)`: an entity of that model
    Ref(ModelId),
    /// `json`
    Json,
}

/// A type without the model that a reference leads to. Its number is the tag in the encodings and its place in
/// the order of values of different types.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[repr(u8)]
pub enum TypeTag {
    /// `bool`
    Bool = 1,
    /// `i64`
    Int = 3,
    /// `f64`
    Float = 4,
    /// `decimal`
    Decimal = 5,
    /// `string`
    String = 6,
    /// `bytes`
    Bytes = 7,
    /// `timestamp`
    Timestamp = 8,
    /// `uuid`
    Uuid = 9,
    /// `ulid`
    Ulid = 10,
    /// `ref`
    Ref = 11,
    /// `json`
    Json = 12,
}

impl TypeTag {
    /// All types, in their order.
    pub const ALL: [TypeTag; 11] = [
        TypeTag::Bool,
        TypeTag::Int,
        TypeTag::Float,
        TypeTag::Decimal,
        TypeTag::String,
        TypeTag::Bytes,
        TypeTag::Timestamp,
        TypeTag::Uuid,
        TypeTag::Ulid,
        TypeTag::Ref,
        TypeTag::Json,
    ];

    /// The type, where a reference leads to `model`.
    pub const fn of(self, model: ModelId) -> ValueType {
        match self {
            TypeTag::Bool => ValueType::Bool,
            TypeTag::Int => ValueType::Int,
            TypeTag::Float => ValueType::Float,
            TypeTag::Decimal => ValueType::Decimal,
            TypeTag::String => ValueType::String,
            TypeTag::Bytes => ValueType::Bytes,
            TypeTag::Timestamp => ValueType::Timestamp,
            TypeTag::Uuid => ValueType::Uuid,
            TypeTag::Ulid => ValueType::Ulid,
            TypeTag::Ref => ValueType::Ref(model),
            TypeTag::Json => ValueType::Json,
        }
    }

    /// The name in the query language.
    pub const fn name(self) -> &'static str {
        match self {
            TypeTag::Bool => "bool",
            TypeTag::Int => "i64",
            TypeTag::Float => "f64",
            TypeTag::Decimal => "decimal",
            TypeTag::String => "string",
            TypeTag::Bytes => "bytes",
            TypeTag::Timestamp => "timestamp",
            TypeTag::Uuid => "uuid",
            TypeTag::Ulid => "ulid",
            TypeTag::Ref => "ref",
            TypeTag::Json => "json",
        }
    }
}

impl fmt::Display for TypeTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl ValueType {
    /// Every type but references, which name a model.
    pub const PLAIN: [ValueType; 10] = [
        ValueType::Bool,
        ValueType::Int,
        ValueType::Float,
        ValueType::Decimal,
        ValueType::String,
        ValueType::Bytes,
        ValueType::Timestamp,
        ValueType::Uuid,
        ValueType::Ulid,
        ValueType::Json,
    ];

    /// The type without the model of a reference.
    pub const fn tag(self) -> TypeTag {
        match self {
            ValueType::Bool => TypeTag::Bool,
            ValueType::Int => TypeTag::Int,
            ValueType::Float => TypeTag::Float,
            ValueType::Decimal => TypeTag::Decimal,
            ValueType::String => TypeTag::String,
            ValueType::Bytes => TypeTag::Bytes,
            ValueType::Timestamp => TypeTag::Timestamp,
            ValueType::Uuid => TypeTag::Uuid,
            ValueType::Ulid => TypeTag::Ulid,
            ValueType::Ref(_) => TypeTag::Ref,
            ValueType::Json => TypeTag::Json,
        }
    }
}

impl fmt::Display for ValueType {
    /// The name in the query language; of a reference `ref(…)` with the model's id, as names are the catalog's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ValueType::Ref(model) => write!(f, "ref({model})"),
            other => f.pad(other.tag().name()),
        }
    }
}
