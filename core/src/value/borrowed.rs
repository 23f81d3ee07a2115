//! Values whose text and bytes stay where they are.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::types::{Timestamp, TypeTag, Value};
use crate::id::EntityId;

/// A [`Value`] that borrows its text or bytes: from a `Value`, or from the encoding that it was read from. What is
/// read this way copies nothing until someone wants to keep it.
#[derive(Clone, Copy, Debug)]
pub enum ValueRef<'a> {
    /// No value.
    Null,
    /// A truth value.
    Bool(bool),
    /// A 64-bit signed integer.
    Int(i64),
    /// A 64-bit float.
    Float(f64),
    /// An exact decimal.
    Decimal(Decimal),
    /// A string without U+0000, or what a collaborative text reads as.
    String(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
    /// A point in time.
    Timestamp(Timestamp),
    /// A UUID, its big-endian number.
    Uuid(u128),
    /// A ULID, its number.
    Ulid(u128),
    /// An entity.
    Ref(EntityId),
    /// A JSON document in canonical form.
    Json(&'a str),
}

impl Value {
    /// The value, borrowed.
    pub fn as_ref(&self) -> ValueRef<'_> {
        match self {
            Value::Null => ValueRef::Null,
            Value::Bool(value) => ValueRef::Bool(*value),
            Value::Int(value) => ValueRef::Int(*value),
            Value::Float(value) => ValueRef::Float(*value),
            Value::Decimal(value) => ValueRef::Decimal(*value),
            Value::String(value) => ValueRef::String(value),
            Value::Bytes(value) => ValueRef::Bytes(value),
            Value::Timestamp(value) => ValueRef::Timestamp(*value),
            Value::Uuid(value) => ValueRef::Uuid(*value),
            Value::Ulid(value) => ValueRef::Ulid(*value),
            Value::Ref(value) => ValueRef::Ref(*value),
            Value::Json(value) => ValueRef::Json(value),
        }
    }
}

impl ValueRef<'_> {
    /// The value with text and bytes of its own.
    pub fn to_value(self) -> Value {
        match self {
            ValueRef::Null => Value::Null,
            ValueRef::Bool(value) => Value::Bool(value),
            ValueRef::Int(value) => Value::Int(value),
            ValueRef::Float(value) => Value::Float(value),
            ValueRef::Decimal(value) => Value::Decimal(value),
            ValueRef::String(value) => Value::String(Arc::from(value)),
            ValueRef::Bytes(value) => Value::Bytes(Arc::from(value)),
            ValueRef::Timestamp(value) => Value::Timestamp(value),
            ValueRef::Uuid(value) => Value::Uuid(value),
            ValueRef::Ulid(value) => Value::Ulid(value),
            ValueRef::Ref(value) => Value::Ref(value),
            ValueRef::Json(value) => Value::Json(Arc::from(value)),
        }
    }

    /// The type, without the model that a reference leads to; `None` for null.
    pub fn type_of(self) -> Option<TypeTag> {
        Some(match self {
            ValueRef::Null => return None,
            ValueRef::Bool(_) => TypeTag::Bool,
            ValueRef::Int(_) => TypeTag::Int,
            ValueRef::Float(_) => TypeTag::Float,
            ValueRef::Decimal(_) => TypeTag::Decimal,
            ValueRef::String(_) => TypeTag::String,
            ValueRef::Bytes(_) => TypeTag::Bytes,
            ValueRef::Timestamp(_) => TypeTag::Timestamp,
            ValueRef::Uuid(_) => TypeTag::Uuid,
            ValueRef::Ulid(_) => TypeTag::Ulid,
            ValueRef::Ref(_) => TypeTag::Ref,
            ValueRef::Json(_) => TypeTag::Json,
        })
    }

    /// Whether this is null.
    pub fn is_null(self) -> bool {
        matches!(self, ValueRef::Null)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::value::testing::any_value;

    proptest! {
        #[test]
        fn borrowing_loses_nothing(value in any_value()) {
            prop_assert_eq!(&value.as_ref().to_value(), &value);
            prop_assert_eq!(value.as_ref().type_of(), value.type_of());
            prop_assert_eq!(value.as_ref().is_null(), value.is_null());
        }
    }
}
