//! Values from text.

use ankurah_core::value::{self, Value, ValueType};

/// The value of a type that `text` says. The message says why there is none.
pub fn parse(text: &str, value_type: ValueType) -> Result<Value, String> {
    value::parse(text, value_type).map_err(|error| error.to_string())
}
