//! The total order of values, and the hash that goes with it.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};

use super::borrowed::ValueRef;
use super::domain::float_bits;
use super::types::Value;

/// The order of floats: NaN is equal to itself and greater than all others, the two zeros are equal.
pub fn compare_floats(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

impl ValueRef<'_> {
    /// The total order of values. Within a type: false before true; numbers by size, NaN last; strings, bytes
    /// and canonical JSON by bytes; times, identifiers and references by number. Values of different types
    /// follow the order of [`super::TypeTag`], and null is greater than all.
    pub fn compare(self, other: ValueRef<'_>) -> Ordering {
        use ValueRef::{Bool, Bytes, Decimal, Float, Int, Json, Ref, String, Timestamp, Ulid, Uuid};
        match (self, other) {
            (Bool(a), Bool(b)) => a.cmp(&b),
            (Int(a), Int(b)) => a.cmp(&b),
            (Float(a), Float(b)) => compare_floats(a, b),
            (Decimal(a), Decimal(b)) => a.cmp(&b),
            (String(a), String(b)) | (Json(a), Json(b)) => a.as_bytes().cmp(b.as_bytes()),
            (Bytes(a), Bytes(b)) => a.cmp(b),
            (Timestamp(a), Timestamp(b)) => a.cmp(&b),
            (Uuid(a), Uuid(b)) | (Ulid(a), Ulid(b)) => a.cmp(&b),
            (Ref(a), Ref(b)) => a.cmp(&b),
            (a, b) => match (a.type_of(), b.type_of()) {
                (Some(a), Some(b)) => a.cmp(&b),
                (a, b) => a.is_none().cmp(&b.is_none()),
            },
        }
    }
}

impl Value {
    /// The total order of values; see [`ValueRef::compare`].
    pub fn compare(&self, other: &Value) -> Ordering {
        self.as_ref().compare(other.as_ref())
    }
}

impl PartialEq for Value {
    /// Values of different types differ; NaN equals NaN, and the two zeros are equal.
    fn eq(&self, other: &Self) -> bool {
        self.compare(other).is_eq()
    }
}

impl Eq for Value {}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        self.compare(other)
    }
}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.type_of().hash(state);
        match self {
            Value::Null => {}
            Value::Bool(value) => value.hash(state),
            Value::Int(value) => value.hash(state),
            Value::Float(value) => float_bits(*value).hash(state),
            Value::Decimal(value) => value.hash(state),
            Value::String(value) | Value::Json(value) => value.hash(state),
            Value::Bytes(value) => value.hash(state),
            Value::Timestamp(value) => value.hash(state),
            Value::Uuid(value) | Value::Ulid(value) => value.hash(state),
            Value::Ref(value) => value.hash(state),
        }
    }
}
