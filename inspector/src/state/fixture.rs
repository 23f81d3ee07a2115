//! An entity as a script that makes it again.

use std::collections::BTreeSet;
use std::fmt::Write;

use ankurah_core::catalog::{Model, Property};
use ankurah_core::value::{Value, ValueType};
use ankurah_query_lang::quote_string;

use super::names::{Names, model_text, property_text};
use super::subject::one;
use crate::message::Image;

/// A script with the entity's model, as far as it is needed, and the entity; what it prints is not in it yet. `None`
/// where the model is not in the catalog.
pub fn script(image: &Image, names: &Names) -> Option<String> {
    let model = names.model(image.state.model)?;
    let set = |property: &&std::sync::Arc<Property>| {
        let value = one(image, property.id).value;
        value.is_some_and(|value| value != Value::Null) || property.required || model.is_key(property.id)
    };
    let properties: Vec<_> = model.columns().filter(set).collect();
    let mut out = format!("-- Entity {} of {} operations.\n", image.state.entity, image.operations);
    let mut others = BTreeSet::new();
    for property in &properties {
        if let ValueType::Ref(other) = property.value_type
            && other != model.id
            && others.insert(other)
        {
            let other = names.model(other)?;
            // Writing to a string cannot fail.
            let _ = writeln!(out, "create model {} (stub bool);", model_text(other));
        }
    }
    let _ = writeln!(out, "create model {} (", model_text(model));
    let lines: Vec<String> = properties.iter().map(|property| declaration(property, model, names)).collect();
    let _ = writeln!(out, "{}\n);", lines.join(",\n"));
    let columns: Vec<String> = properties.iter().map(|property| property_text(property)).collect();
    let values: Vec<String> =
        properties.iter().map(|property| literal(one(image, property.id).value.as_ref())).collect();
    let _ = writeln!(
        out,
        "insert into {} ({}) values ({});",
        model_text(model),
        columns.join(", "),
        values.join(", ")
    );
    if image.state.is_deleted() {
        let _ = writeln!(out, "delete from {};", model_text(model));
    }
    let _ = writeln!(out, "select * from {};", model_text(model));
    Some(out)
}

fn declaration(property: &Property, model: &Model, names: &Names) -> String {
    let kind = match property.value_type {
        _ if property.is_text() => "text".to_owned(),
        ValueType::Ref(other) => match names.model(other) {
            Some(other) => format!("ref({})", model_text(other)),
            None => "ulid".to_owned(),
        },
        other => other.tag().name().to_owned(),
    };
    let key = if model.is_key(property.id) { " key" } else { "" };
    let required = if property.required && key.is_empty() { " not null" } else { "" };
    format!("    {} {kind}{key}{required}", property_text(property))
}

/// A value as a statement writes it.
pub fn literal(value: Option<&Value>) -> String {
    let cast = |text: &str, name: &str| format!("cast({} as {name})", quote_string(text));
    match value {
        None | Some(Value::Null) => "null".to_owned(),
        Some(Value::String(text)) => quote_string(text),
        Some(value @ (Value::Bool(_) | Value::Int(_) | Value::Decimal(_))) => value.to_string(),
        Some(Value::Ref(id)) => format!("@{id}"),
        Some(value) => match value.type_of() {
            Some(tag) => cast(&value.to_string(), tag.name()),
            None => "null".to_owned(),
        },
    }
}
