//! The value domain, the same on every engine: types, order, text forms and encodings.

mod types;

pub use types::{Timestamp, Value, ValueType};
