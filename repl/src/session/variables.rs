//! Parameters, and names for ids.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use ankurah_core::id::EntityId;
use ankurah_core::node::protocol::{Failure, Parameters};
use ankurah_core::value::{Value, ValueType};
use ankurah_query_lang::ast::{Expr, ExprKind, Literal};
use ankurah_query_lang::parse_expr;

use crate::convert;
use crate::import::Guess;

/// The parameters of a session.
#[derive(Clone, Debug, Default)]
pub struct Variables {
    named: BTreeMap<String, Value>,
    naming: Option<Naming>,
}

/// Names for entities by their first appearance: `$e1`, `$e2`, ….
#[derive(Clone, Debug, Default)]
pub struct Naming {
    names: HashMap<EntityId, String>,
}

impl Naming {
    fn name(&mut self, id: EntityId) -> &str {
        let number = self.names.len() + 1;
        self.names.entry(id).or_insert_with(|| format!("e{number}"))
    }
}

impl Variables {
    /// Shows and takes ids by names from now on.
    pub fn use_naming(&mut self) {
        self.naming = Some(Naming::default());
    }

    /// Sets `$name` to what `text` says: `null`, `true`, a number, a string in quotes, or any other text as it is.
    pub fn set(&mut self, name: &str, text: &str) -> Result<(), String> {
        let good = |c: char| c == '_' || c.is_alphanumeric();
        if name.is_empty() || !name.chars().all(good) || name.starts_with(|c: char| c.is_numeric()) {
            return Err(format!("`{name}` is not a name: letters, digits and `_`, no digit first"));
        }
        let value = read(text)?;
        self.named.insert(name.to_owned(), value);
        Ok(())
    }

    /// Sets from `NAME=VALUE`.
    pub fn set_pair(&mut self, pair: &str) -> Result<(), String> {
        match pair.split_once('=') {
            Some((name, text)) => self.set(name.trim(), text),
            None => Err(format!("`{pair}` is not NAME=VALUE")),
        }
    }

    /// Forgets `$name`; whether it was set.
    pub fn unset(&mut self, name: &str) -> bool {
        self.named.remove(name).is_some()
    }

    /// All, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.named.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// What a statement is given.
    pub fn parameters(&self) -> Parameters {
        let mut named: Vec<(String, Value)> =
            self.named.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        if let Some(naming) = &self.naming {
            let ids = naming.names.iter().filter(|(_, name)| !self.named.contains_key(*name));
            named.extend(ids.map(|(id, name)| (name.clone(), Value::Ref(*id))));
        }
        Parameters { positional: Vec::new(), named }
    }

    /// Puts names in the place of ids.
    pub(super) fn name_row(&mut self, row: &mut [Value]) {
        let Some(naming) = &mut self.naming else { return };
        for value in row {
            match value {
                Value::Ref(id) => *value = Value::String(Arc::from(format!("${}", naming.name(*id)))),
                Value::String(text) if is_ids(text) => {
                    *value = Value::String(Arc::from(name_in_text(text, naming)));
                }
                _ => {}
            }
        }
    }

    /// A failure with names in the place of ids.
    pub(super) fn name_ids(&mut self, failure: &Failure) -> Failure {
        let mut failure = failure.clone();
        let Some(naming) = &mut self.naming else { return failure };
        failure.message = name_in_text(&failure.message, naming);
        failure.label = failure.label.map(|text| name_in_text(&text, naming));
        failure.help = failure.help.map(|text| name_in_text(&text, naming));
        failure
    }
}

/// Whether a text is a list of ids, such as the parents of an operation.
fn is_ids(text: &str) -> bool {
    let is_id = |word: &str| word.len() == 26 && word.parse::<EntityId>().is_ok();
    !text.is_empty() && text.split(' ').all(is_id)
}

/// `text` with every id in it, with or without its `@`, replaced by its name.
fn name_in_text(text: &str, naming: &mut Naming) -> String {
    let word = |c: char| c.is_ascii_alphanumeric();
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(word) {
        let (before, from) = rest.split_at(start);
        let end = from.find(|c| !word(c)).unwrap_or(from.len());
        let (token, after) = from.split_at(end);
        match token.parse::<EntityId>() {
            Ok(id) if token.len() == 26 => {
                out.push_str(before.strip_suffix('@').unwrap_or(before));
                out.push('$');
                out.push_str(naming.name(id));
            }
            _ => {
                out.push_str(before);
                out.push_str(token);
            }
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

fn read(text: &str) -> Result<Value, String> {
    let text = text.trim();
    let quoted = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\''));
    if let Some(inner) = quoted {
        let bare = inner.replace("''", "");
        return if bare.contains('\'') {
            Err(format!("{text} is not a string: a quote inside is written twice"))
        } else {
            convert::parse(&inner.replace("''", "'"), ValueType::String)
        };
    }
    if text.eq_ignore_ascii_case("null") {
        return Ok(Value::Null);
    }
    if let Some(id) = text.strip_prefix('@').and_then(|id| id.parse::<EntityId>().ok()) {
        return Ok(Value::Ref(id));
    }
    let mut guess = Guess::default();
    guess.text(text);
    let value_type = match guess.value_type() {
        ValueType::Timestamp => ValueType::String,
        // What a column would keep as it is written is a mistake in a single value.
        ValueType::String if is_number(text) => {
            return Err(format!("the number {text} is out of range; in quotes it is a string: `'{text}'`"));
        }
        value_type => value_type,
    };
    convert::parse(text, value_type)
}

/// Whether a text is written like a number, of whatever size, without a leading plus or needless zeros.
fn is_number(text: &str) -> bool {
    let parsed = parse_expr(text.strip_prefix('-').unwrap_or(text));
    let zeros = text.trim_start_matches('-').bytes().take(2).all(|byte| byte.is_ascii_digit());
    let padded = zeros && text.trim_start_matches('-').starts_with('0');
    !padded && matches!(parsed, Ok(Expr { kind: ExprKind::Literal(Literal::Number(_)), .. }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &Value) {
        assert_eq!(read(text).unwrap(), *expected, "{text}");
    }

    #[test]
    fn values() {
        check("null", &Value::Null);
        check("true", &Value::Bool(true));
        check(" 42 ", &Value::Int(42));
        check("'42'", &Value::String("42".into()));
        check("'it''s'", &Value::String("it's".into()));
        check("Blue Train", &Value::String("Blue Train".into()));
        check("007", &Value::String("007".into()));
        assert!(read("'it's'").is_err());
        check("1e30", &Value::float(1e30));
        check("00000000000000000000000000000012", &Value::String("00000000000000000000000000000012".into()));
        for number in ["1e400", "-1e400", "1e-400", "12345678901234567890123456789012"] {
            let error = read(number).unwrap_err();
            assert!(error.starts_with(&format!("the number {number} is out of range")), "{error}");
        }
    }

    #[test]
    fn names() {
        let mut variables = Variables::default();
        assert!(variables.set_pair("year=1977").is_ok());
        assert!(variables.set_pair("1year=1977").is_err());
        assert!(variables.set_pair("year").is_err());
        assert!(variables.set("a b", "1").is_err());
        assert_eq!(variables.parameters().named, [("year".to_owned(), Value::Int(1977))]);
    }

    #[test]
    fn ids_have_names_by_first_appearance() {
        let mut naming = Naming::default();
        let (a, b) = ("01ARZ3NDEKTSV4RRFFQ69G5FAV", "01BX5ZZKBKACTAV9WEVGEMMVS0");
        let text = name_in_text(&format!("@{b} and {a}, {b}; {a}1"), &mut naming);
        assert_eq!(text, format!("$e1 and $e2, $e1; {a}1"));
    }
}
