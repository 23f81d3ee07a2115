//! An entity as a script that makes it again, operation by operation.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::sync::Arc;

use ankurah_core::catalog::{Model, Property};
use ankurah_core::value::{Value, ValueType};

use super::names::{Names, model_text, property_text};
use super::subject::one;
use crate::dag::time_text;
use crate::message::{Image, Stage};

/// What begins a line that a fixture expects.
const MARK: &str = "--|";

/// A script with the entity's model, as far as it is needed, and the operations that made the entity what it is, each
/// with what it changed in the order of ids; what the script prints is not in it yet. `None` where there is no operation, or
/// the model is not in the catalog.
pub fn script(stages: &[Stage], names: &Names) -> Option<String> {
    let (first, last) = (stages.first()?, stages.last()?);
    let model = names.model(last.image.state.model)?;
    let is_set = |image: &Image, property: &Property| {
        one(image, property.id).value.is_some_and(|value| value != Value::Null)
    };
    let used = |property: &&Arc<Property>| {
        model.is_key(property.id) || stages.iter().any(|stage| is_set(&stage.image, property))
    };
    let mut properties: Vec<_> = model.columns().filter(used).collect();
    if properties.is_empty() {
        // A row needs a value, if it is null.
        properties.extend(model.columns().next());
    }
    let mut out = format!("-- Entity {} of {} operations.\n", last.image.state.entity, last.image.operations);
    if u64::try_from(stages.len()).unwrap_or(u64::MAX) < last.image.operations {
        out.push_str("-- They are too many to be told one by one: this is how it is in the end.\n");
    }
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
    let name = model_text(model);
    let _ = writeln!(out, "create model {name} (");
    let lines: Vec<String> = properties
        .iter()
        .map(|property| {
            let always = property.required && stages.iter().all(|stage| is_set(&stage.image, property));
            declaration(property, model, names, always)
        })
        .collect();
    let _ = writeln!(out, "{}\n);", lines.join(",\n"));
    let given = |property: &&&Arc<Property>| {
        model.is_key(property.id) || is_set(&first.image, property) || properties.len() == 1
    };
    let mut created: Vec<_> = properties.iter().filter(given).collect();
    if created.is_empty() {
        created.extend(properties.first());
    }
    let columns: Vec<String> = created.iter().map(|property| property_text(property)).collect();
    let value = |property: &&&Arc<Property>| literal(one(&first.image, property.id).value.as_ref());
    let values: Vec<String> = created.iter().map(value).collect();
    comment(first, &mut out);
    let _ = writeln!(out, "insert into {name} ({}) values ({});", columns.join(", "), values.join(", "));
    if first.image.state.is_deleted() {
        let _ = writeln!(out, "delete from {name};");
    }
    let mut told = &first.image;
    for stage in stages.iter().skip(1) {
        comment(stage, &mut out);
        let image = &stage.image;
        match (told.state.is_deleted(), image.state.is_deleted()) {
            (true, true) => {
                out.push_str("-- It is deleted, and cannot be changed until it is restored.\n");
                continue;
            }
            (true, false) => {
                let _ = writeln!(out, "restore {name};");
            }
            (false, _) => {}
        }
        let before = out.len();
        change(&name, &properties, told, image, &mut out);
        if image.state.is_deleted() {
            let _ = writeln!(out, "delete from {name};");
        } else if out.len() == before && !told.state.is_deleted() {
            out.push_str("-- It leaves everything as it is.\n");
        }
        told = image;
    }
    let _ = writeln!(out, "select * from {name};");
    Some(out)
}

/// Which operation the next statement stands for.
fn comment(stage: &Stage, out: &mut String) {
    let author = stage.author.map(|author| format!(" of {author}")).unwrap_or_default();
    let time = match time_text(stage.id) {
        time if time.is_empty() => time,
        time => format!(" at {time}"),
    };
    let _ = writeln!(out, "-- {}{author}{time}", stage.id);
}

/// The statements that make of one state of an entity the next.
fn change(name: &str, properties: &[&Arc<Property>], old: &Image, new: &Image, out: &mut String) {
    let mut sets = Vec::new();
    let mut edits = Vec::new();
    for property in properties {
        let (before, after) = (one(old, property.id).value, one(new, property.id).value);
        if before == after {
            continue;
        }
        let column = property_text(property);
        match (&before, &after) {
            (None | Some(Value::String(_)), Some(Value::String(new))) if property.is_text() => {
                let old = match &before {
                    Some(Value::String(old)) => old.as_ref(),
                    _ => "",
                };
                edits.push(format!("edit {name}.{column} {};", edit(old, new)));
            }
            _ => sets.push(format!("{column} = {}", literal(after.as_ref()))),
        }
    }
    if !sets.is_empty() {
        let _ = writeln!(out, "update {name} set {};", sets.join(", "));
    }
    for statement in edits {
        let _ = writeln!(out, "{statement}");
    }
}

/// The edit that makes one text another: what is between the beginning and the end that both have.
fn edit(old: &str, new: &str) -> String {
    let (old, new): (Vec<char>, Vec<char>) = (old.chars().collect(), new.chars().collect());
    let start = old.iter().zip(&new).take_while(|(one, other)| one == other).count();
    let room = old.len().min(new.len()) - start;
    let pairs = old.iter().rev().zip(new.iter().rev());
    let end = pairs.take(room).take_while(|(one, other)| one == other).count();
    let deleted = old.len() - start - end;
    let inserted: String = new.iter().skip(start).take(new.len() - start - end).collect();
    let mut out = format!("at {start}");
    if deleted > 0 {
        let _ = write!(out, " delete {deleted}");
    }
    // A text that becomes one of nothing is written all the same.
    if !inserted.is_empty() || deleted == 0 {
        let _ = write!(out, " insert {}", quote_string(&inserted));
    }
    out
}

fn declaration(property: &Property, model: &Model, names: &Names, required: bool) -> String {
    let kind = match property.value_type {
        _ if property.is_text() => "text".to_owned(),
        ValueType::Ref(other) => match names.model(other) {
            Some(other) => format!("ref({})", model_text(other)),
            None => "ulid".to_owned(),
        },
        other => other.tag().name().to_owned(),
    };
    let key = if model.is_key(property.id) { " key" } else { "" };
    let required = if required && key.is_empty() { " not null" } else { "" };
    format!("    {} {kind}{key}{required}", property_text(property))
}

/// A string as a script writes it. A line that would begin like what a fixture expects begins with a quote instead: the
/// string is cut in two there, and joined again.
fn quote_string(text: &str) -> String {
    ankurah_query_lang::quote_string(text).replace(&format!("\n{MARK}"), &format!("\n' || '{MARK}"))
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
