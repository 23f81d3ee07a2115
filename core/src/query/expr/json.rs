//! Parts of JSON documents. Documents are canonical: compact, so that a part is a slice of the whole, and a key
//! has one spelling.

use std::sync::Arc;

use rust_decimal::Decimal;

use super::{Place, arithmetic, convert};
use crate::query::error::{EvalError, EvalErrorKind};
use crate::value::{Value, ValueType, json::write_string};

/// A step into a JSON document.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum JsonStep {
    /// The value of a key of an object.
    Key {
        /// The key.
        name: Arc<str>,
        /// The key as a JSON string.
        literal: Arc<str>,
    },
    /// An element of an array, from 0; negative from the end.
    Index(i64),
}

impl JsonStep {
    /// The step to a key.
    pub(crate) fn key(name: &str) -> Self {
        let mut literal = String::new();
        write_string(name, &mut literal);
        JsonStep::Key { name: name.into(), literal: literal.into() }
    }
}

/// The length of the value that a canonical text begins with.
fn value_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for (at, byte) in bytes.iter().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
        } else {
            match byte {
                b'"' => in_string = true,
                b'{' | b'[' => depth += 1,
                b'}' | b']' | b',' | b':' if depth == 0 => return at,
                b'}' | b']' => depth -= 1,
                _ => {}
            }
        }
        if depth == 0 && !in_string && matches!(byte, b'"' | b'}' | b']') {
            return at + 1;
        }
    }
    bytes.len()
}

/// The elements of an array, or the keys (as JSON strings) and values of an object.
struct Members<'a> {
    rest: &'a str,
    is_object: bool,
}

impl<'a> Members<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let is_object = text.starts_with('{');
        (is_object || text.starts_with('[')).then(|| Members { rest: text.get(1..).unwrap_or(""), is_object })
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let mut rest = self.rest.strip_prefix(',').unwrap_or(self.rest);
        if rest.is_empty() || rest.starts_with(['}', ']']) {
            return None;
        }
        let mut key = "";
        if self.is_object {
            (key, rest) = rest.split_at_checked(value_length(rest))?;
            rest = rest.strip_prefix(':')?;
        }
        let (value, rest) = rest.split_at_checked(value_length(rest))?;
        self.rest = rest;
        Some((key, value))
    }
}

/// The place of an element among `length`, where there is one.
fn element(index: i64, length: usize) -> Option<usize> {
    match usize::try_from(index) {
        Ok(index) => (index < length).then_some(index),
        Err(_) => length.checked_sub(usize::try_from(index.unsigned_abs()).ok()?),
    }
}

fn step<'a>(text: &'a str, step: &JsonStep) -> Option<&'a str> {
    let mut members = Members::of(text)?;
    match step {
        JsonStep::Key { literal, .. } if members.is_object => {
            members.find(|(key, _)| *key == &**literal).map(|(_, value)| value)
        }
        JsonStep::Index(index) if !members.is_object => {
            let at = match usize::try_from(*index) {
                Ok(at) => at,
                Err(_) => element(*index, Members::of(text)?.count())?,
            };
            members.nth(at).map(|(_, value)| value)
        }
        JsonStep::Key { .. } | JsonStep::Index(_) => None,
    }
}

/// The part of a document at a path; null where it is not there or is JSON's `null`.
pub(super) fn path(document: &Value, steps: &[JsonStep]) -> Value {
    let Value::Json(text) = document else { return Value::Null };
    match steps.iter().try_fold(&**text, |text, next| step(text, next)) {
        None | Some("null") => Value::Null,
        Some(part) => Value::Json(part.into()),
    }
}

/// The string that a JSON string is.
fn unescape(text: &str) -> Option<String> {
    serde_json::from_str(text).ok()
}

/// A JSON value as a value of a type; null where it is of another kind. Every kind has a text form as a string:
/// strings as they are, everything else as JSON.
pub(super) fn scalar(value: &Value, to: ValueType, place: Place) -> Result<Value, EvalError> {
    let Value::Json(text) = value else { return Ok(Value::Null) };
    let is_number = text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    let range =
        || place.error(EvalErrorKind::Overflow { operation: format!("the JSON number {text} as {to}") });
    Ok(match to {
        ValueType::Json => value.clone(),
        ValueType::Bool => match &**text {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => Value::Null,
        },
        ValueType::Float if is_number => {
            let float = text.parse::<f64>().ok().filter(|float| float.is_finite()).ok_or_else(range)?;
            arithmetic::float_value(float)
        }
        ValueType::Decimal | ValueType::Int if is_number => {
            let decimal = Decimal::from_str_exact(text).or_else(|_| Decimal::from_scientific(text));
            let value = arithmetic::decimal_value(decimal.ok()).ok_or_else(range)?;
            if to == ValueType::Int { convert::cast(&value, to, place)? } else { value }
        }
        ValueType::Float | ValueType::Decimal | ValueType::Int => Value::Null,
        ValueType::String if &**text == "null" => Value::Null,
        ValueType::String => Value::String(match unescape(text) {
            Some(string) => string.into(),
            None => Arc::clone(text),
        }),
        ValueType::Bytes | ValueType::Timestamp | ValueType::Uuid | ValueType::Ulid | ValueType::Ref(_) => {
            match unescape(text) {
                Some(text) => convert::cast(&Value::String(text.into()), to, place).unwrap_or(Value::Null),
                None => Value::Null,
            }
        }
    })
}

/// A value as a JSON document: null, booleans, numbers and documents as themselves, everything else as a string.
pub(super) fn from_value(value: &Value) -> Arc<str> {
    match value {
        Value::Null => "null".into(),
        Value::Bool(value) => if *value { "true" } else { "false" }.into(),
        Value::Int(n) => n.to_string().into(),
        Value::Float(x) if x.is_finite() => {
            let text = format!("{x:?}");
            crate::value::json::canonical(&text).unwrap_or(text).into()
        }
        Value::Decimal(d) => {
            let text = d.to_string();
            crate::value::json::canonical(&text).unwrap_or(text).into()
        }
        Value::Json(text) => Arc::clone(text),
        other => {
            let mut out = String::new();
            write_string(&convert::text(other), &mut out);
            out.into()
        }
    }
}

/// A document with `new` at a path. Missing objects on the way are made; an index may be one past the end.
pub(super) fn set(document: &str, steps: &[JsonStep], new: &str) -> Result<String, EvalErrorKind> {
    let Some((first, rest)) = steps.split_first() else { return Ok(new.to_owned()) };
    let document = if document == "null" {
        match first {
            JsonStep::Key { .. } => "{}",
            JsonStep::Index(_) => "[]",
        }
    } else {
        document
    };
    let (is_object, wrong) = match first {
        JsonStep::Key { name, .. } => (true, format!("a key `{name}` cannot be set in")),
        JsonStep::Index(index) => (false, format!("an element [{index}] cannot be set in")),
    };
    let members = Members::of(document).filter(|members| members.is_object == is_object);
    let Some(members) = members else {
        return Err(EvalErrorKind::InvalidArgument(format!("{wrong} the JSON value {}", shorten(document))));
    };
    let mut members: Vec<(&str, std::borrow::Cow<'_, str>)> =
        members.map(|(key, value)| (key, value.into())).collect();
    match first {
        JsonStep::Key { name, literal } => {
            let found = members.iter_mut().find(|(key, _)| *key == &**literal);
            match found {
                Some((_, value)) => *value = set(value, rest, new)?.into(),
                None => {
                    let value = set("null", rest, new)?;
                    let at = members.partition_point(|(key, _)| {
                        unescape(key).is_some_and(|key| key.as_bytes() < name.as_bytes())
                    });
                    members.insert(at, (literal, value.into()));
                }
            }
        }
        JsonStep::Index(index) => {
            let length = members.len();
            let appended = usize::try_from(*index).is_ok_and(|index| index == length);
            if appended {
                members.push(("", set("null", rest, new)?.into()));
            } else {
                let slot = element(*index, length).and_then(|at| members.get_mut(at));
                let Some((_, value)) = slot else {
                    return Err(EvalErrorKind::InvalidArgument(format!(
                        "there is no element [{index}] in a JSON array of {length}"
                    )));
                };
                *value = set(value, rest, new)?.into();
            }
        }
    }
    let mut out = String::from(if is_object { "{" } else { "[" });
    for (at, (key, value)) in members.iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        if is_object {
            out.push_str(key);
            out.push(':');
        }
        out.push_str(value);
    }
    out.push(if is_object { '}' } else { ']' });
    Ok(out)
}

/// A path as the JSON array that [`Function::JsonSet`](super::Function::JsonSet) takes.
pub(crate) fn path_value(steps: &[JsonStep]) -> Value {
    let steps: Vec<String> = steps
        .iter()
        .map(|step| match step {
            JsonStep::Key { literal, .. } => literal.as_ref().to_owned(),
            JsonStep::Index(index) => index.to_string(),
        })
        .collect();
    Value::Json(format!("[{}]", steps.join(",")).into())
}

/// The steps of a path as [`path_value`] writes it.
pub(super) fn path_steps(text: &str) -> Option<Vec<JsonStep>> {
    let steps: Vec<serde_json::Value> = serde_json::from_str(text).ok()?;
    let step = |step: &serde_json::Value| match step {
        serde_json::Value::String(key) => Some(JsonStep::key(key)),
        other => other.as_i64().map(JsonStep::Index),
    };
    steps.iter().map(step).collect()
}

/// The kind of a document: `object`, `array`, `string`, `number`, `boolean` or `null`.
pub(super) fn kind(text: &str) -> &'static str {
    match text.as_bytes().first() {
        Some(b'{') => "object",
        Some(b'[') => "array",
        Some(b'"') => "string",
        Some(b't' | b'f') => "boolean",
        Some(b'n') => "null",
        _ => "number",
    }
}

/// The number of elements of an array.
pub(super) fn array_length(text: &str) -> Option<usize> {
    Members::of(text).filter(|members| !members.is_object).map(Iterator::count)
}

/// The beginning of a document, for messages.
pub(super) fn shorten(text: &str) -> String {
    let mut start: String = text.chars().take(40).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = r#"{"a":{"b":[1,"x,]}",{"c":null}]},"d\"e":2.5,"z":true}"#;

    fn steps(steps: &[&str]) -> Vec<JsonStep> {
        steps.iter().map(|step| step.parse().map_or_else(|_| JsonStep::key(step), JsonStep::Index)).collect()
    }

    fn check(path_steps: &[&str], expected: Option<&str>) {
        let found = path(&Value::Json(DOCUMENT.into()), &steps(path_steps));
        assert_eq!(found, expected.map_or(Value::Null, |text| Value::Json(text.into())), "{path_steps:?}");
    }

    #[test]
    fn paths() {
        check(&[], Some(DOCUMENT));
        check(&["a", "b"], Some(r#"[1,"x,]}",{"c":null}]"#));
        check(&["a", "b", "0"], Some("1"));
        check(&["a", "b", "1"], Some(r#""x,]}""#));
        check(&["a", "b", "-1"], Some(r#"{"c":null}"#));
        check(&["a", "b", "-3"], Some("1"));
        check(&["a", "b", "-4"], None);
        check(&["a", "b", "3"], None);
        check(&["a", "b", "2", "c"], None);
        check(&["d\"e"], Some("2.5"));
        check(&["z"], Some("true"));
        check(&["z", "y"], None);
        check(&["nope"], None);
        check(&["0"], None);
    }

    fn check_set(document: &str, path_steps: &[&str], expected: Result<&str, &str>) {
        let found = set(document, &steps(path_steps), "9").map_err(|error| error.to_string());
        assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned), "{document} {path_steps:?}");
    }

    #[test]
    fn setting() {
        check_set("null", &["b", "a"], Ok(r#"{"b":{"a":9}}"#));
        check_set(r#"{"a":1,"c":2}"#, &["b"], Ok(r#"{"a":1,"b":9,"c":2}"#));
        check_set(r#"{"a":1,"c":2}"#, &["c"], Ok(r#"{"a":1,"c":9}"#));
        check_set("[1,2]", &["-1"], Ok("[1,9]"));
        check_set("[1,2]", &["2"], Ok("[1,2,9]"));
        check_set("[1,2]", &["3"], Err("there is no element [3] in a JSON array of 2"));
        check_set("[1,2]", &["a"], Err("a key `a` cannot be set in the JSON value [1,2]"));
    }

    #[test]
    fn scalars() {
        let as_type = |text: &str, to| scalar(&Value::Json(text.into()), to, Place::default());
        assert_eq!(as_type("1.5", ValueType::Decimal), Ok(Value::Decimal("1.5".parse().unwrap())));
        assert_eq!(as_type("\"1.5\"", ValueType::Decimal), Ok(Value::Null));
        assert_eq!(as_type("\"a\\\"b\"", ValueType::String), Ok(Value::String("a\"b".into())));
        assert_eq!(as_type("1", ValueType::String), Ok(Value::String("1".into())));
        assert_eq!(as_type("null", ValueType::String), Ok(Value::Null));
        assert_eq!(as_type("true", ValueType::Bool), Ok(Value::Bool(true)));
        assert!(as_type("1e300", ValueType::Decimal).is_err());
        assert_eq!(as_type("1e300", ValueType::Float), Ok(Value::Float(1e300)));
    }
}
