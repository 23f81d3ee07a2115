//! Values from text.

use ankurah_core::value::{self, DomainError, Value, ValueType};

/// The value of a type that `text` says. The message says why there is none.
pub fn parse(text: &str, value_type: ValueType) -> Result<Value, String> {
    value::parse(text, value_type).map_err(|error| error.to_string())
}

/// The JSON document that `text` is. One in which a key comes twice is none here: a statement keeps the last of the
/// two, but of a file nobody would notice.
pub fn json(text: &str) -> Result<Value, String> {
    value::json::with_unique_keys(text).map_err(|error| {
        let shown = text.char_indices().nth(64).and_then(|(end, _)| text.get(..end));
        let shown = shown.map_or_else(|| text.to_owned(), |start| format!("{start}…"));
        format!("`{shown}` is not a valid json: {}", DomainError::from(error))
    })
}
