//! Values as text.

use std::borrow::Cow;

use ankurah_core::value::Value;

/// A value as plain text, the same that reads back as that value. NULL is empty. Not made safe to look at.
pub fn text(value: &Value) -> Cow<'_, str> {
    match value {
        Value::Null => Cow::Borrowed(""),
        Value::String(text) | Value::Json(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_string()),
    }
}

/// A finite float in the form that no other type has, with an exponent: what reads it finds the type again.
pub(super) fn exact_float(value: &Value) -> Option<String> {
    match value {
        Value::Float(number) if number.is_finite() => Some(format!("{number:e}")),
        _ => None,
    }
}
