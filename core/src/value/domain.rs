//! Constructors that keep values inside the domain, and the check for values that were built by hand.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::json::{self, JsonError};
use super::types::{Timestamp, TypeTag, Value, ValueType};

/// A value that the domain does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DomainError {
    /// Strings have no U+0000.
    #[error("a string cannot contain the character U+0000 (at byte {offset})")]
    Nul {
        /// Byte offset of the character.
        offset: usize,
    },
    /// Not a JSON document.
    #[error("invalid json: {0}")]
    Json(#[from] JsonError),
}

fn check_string(text: &str) -> Result<(), DomainError> {
    match text.bytes().position(|byte| byte == 0) {
        Some(offset) => Err(DomainError::Nul { offset }),
        None => Ok(()),
    }
}

/// The decimal without trailing zeros and without negative zero.
pub(super) fn normalize_decimal(decimal: Decimal) -> Decimal {
    decimal.normalize()
}

impl Value {
    /// A string.
    ///
    /// # Errors
    /// [`DomainError::Nul`] where it contains U+0000.
    pub fn string(text: impl Into<Arc<str>> + AsRef<str>) -> Result<Value, DomainError> {
        check_string(text.as_ref())?;
        Ok(Value::String(text.into()))
    }

    /// Bytes.
    pub fn bytes(bytes: impl Into<Arc<[u8]>>) -> Value {
        Value::Bytes(bytes.into())
    }

    /// A float; negative zero becomes zero, and there is one NaN.
    pub fn float(float: f64) -> Value {
        Value::Float(f64::from_bits(float_bits(float)))
    }

    /// A decimal without trailing zeros.
    pub fn decimal(decimal: Decimal) -> Value {
        Value::Decimal(normalize_decimal(decimal))
    }

    /// A point in time, in microseconds since the Unix epoch.
    pub fn timestamp(micros: i64) -> Value {
        Value::Timestamp(Timestamp(micros))
    }

    /// A JSON document, brought to canonical form.
    ///
    /// # Errors
    /// [`DomainError::Json`] where the text is not a document, is nested deeper than [`json::MAX_DEPTH`], or
    /// contains U+0000.
    pub fn json(text: &str) -> Result<Value, DomainError> {
        Ok(Value::Json(json::canonical(text)?.into()))
    }

    /// Whether this is null.
    pub fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// The value in its canonical form inside the domain: equal values become identical ones.
    ///
    /// # Errors
    /// [`DomainError`] where the domain has no such value.
    pub fn normalized(self) -> Result<Value, DomainError> {
        Ok(match self {
            Value::Float(float) => Value::float(float),
            Value::Decimal(decimal) => Value::decimal(decimal),
            Value::String(text) => {
                check_string(&text)?;
                Value::String(text)
            }
            Value::Json(text) => Value::json(&text)?,
            other @ (Value::Null
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Bytes(_)
            | Value::Timestamp(_)
            | Value::Uuid(_)
            | Value::Ulid(_)
            | Value::Ref(_)) => other,
        })
    }

    /// The type, without the model that a reference leads to; `None` for null.
    pub fn type_of(&self) -> Option<TypeTag> {
        Some(match self {
            Value::Null => return None,
            Value::Bool(_) => TypeTag::Bool,
            Value::Int(_) => TypeTag::Int,
            Value::Float(_) => TypeTag::Float,
            Value::Decimal(_) => TypeTag::Decimal,
            Value::String(_) => TypeTag::String,
            Value::Bytes(_) => TypeTag::Bytes,
            Value::Timestamp(_) => TypeTag::Timestamp,
            Value::Uuid(_) => TypeTag::Uuid,
            Value::Ulid(_) => TypeTag::Ulid,
            Value::Ref(_) => TypeTag::Ref,
            Value::Json(_) => TypeTag::Json,
        })
    }

    /// Whether the value may stand in a property of this type. Null may stand anywhere; the model that a
    /// reference leads to is not known from the value.
    pub fn is_of(&self, value_type: ValueType) -> bool {
        self.type_of().is_none_or(|tag| tag == value_type.tag())
    }
}

/// The bits of the one NaN.
pub(super) const NAN_BITS: u64 = 0x7ff8_0000_0000_0000;

/// The IEEE 754 bits of the float in its one form: one zero, one NaN.
pub(super) fn float_bits(float: f64) -> u64 {
    if float.is_nan() {
        NAN_BITS
    } else if float == 0.0 {
        0
    } else {
        float.to_bits()
    }
}
