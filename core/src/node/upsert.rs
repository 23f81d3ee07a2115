//! Bulk writes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ankurah_query_lang::ast::InsertMode;

use super::Inner;
use super::commit::{NotCommitted, busy, read_only};
use super::connection::Answer;
use super::failure::{Explain, Outcome, failure, unknown};
use super::protocol::{Cell, Done, Event, Outcome as Did, Rejected, SessionId, Timings};
use super::session::Session;
use super::transaction::{Isolation, Transaction};
use super::write::{Tally, Writer, keyed_id};
use crate::catalog::{Catalog, Model, Property, is_reserved};
use crate::id::{EntityId, PropertyId};
use crate::value::{Value, ValueType, cast};

/// Writes many rows in one transaction and gives the whole answer.
pub(crate) async fn upsert(
    node: &Arc<Inner>,
    session: SessionId,
    model: &str,
    columns: &[String],
    rows: Vec<Vec<Cell>>,
    answer: &mut Answer,
) {
    let session = match node.session(session) {
        Ok(session) => session,
        Err(failure) => return answer.give(Event::Failed(*failure)).await,
    };
    let session = session.lock().await;
    let started = node.env.clock.monotonic_nanos();
    let result = match *session {
        Session::Idle => attempt(node, model, columns, &rows).await,
        Session::Open(_) | Session::Failed => {
            Err(failure("transaction-open", "a bulk write is a transaction of its own")
                .help("commit or roll back first"))
        }
    };
    let state = session.state();
    drop(session);
    let fetch = node.env.clock.monotonic_nanos().saturating_sub(started);
    match result {
        Ok((outcome, rejected)) => {
            for rejected in rejected {
                answer.give(Event::Rejected(rejected)).await;
            }
            let timings = Timings { fetch, ..Timings::default() };
            answer.give(Event::Done(Done { outcome, timings, transaction: state })).await;
        }
        Err(mut failure) => {
            failure.transaction = state;
            answer.give(Event::Failed(*failure)).await;
        }
    }
}

async fn attempt(
    node: &Arc<Inner>,
    model: &str,
    columns: &[String],
    rows: &[Vec<Cell>],
) -> Outcome<(Did, Vec<Rejected>)> {
    let limits = &node.options.limits;
    if node.options.read_only {
        return Err(read_only());
    }
    if rows.len() > limits.upsert_rows {
        let message = format!("{} rows at once; the limit is {}", rows.len(), limits.upsert_rows);
        return Err(failure("too-large", message).help("send them in several requests"));
    }
    for _ in 0..limits.retries.max(1) {
        let mut transaction = Transaction::begin(node, Isolation::Snapshot).await?;
        let (changes, outcome, rejected) = write(&transaction, model, columns, rows).await?;
        transaction.apply(changes).await?;
        match transaction.commit().await {
            Ok(_) => return Ok((outcome, rejected)),
            Err(NotCommitted::Again) => {}
            Err(NotCommitted::Failed(failure)) => return Err(failure),
        }
    }
    Err(busy())
}

type Changes = Vec<(EntityId, super::draft::Pending)>;

async fn write(
    transaction: &Transaction,
    model: &str,
    columns: &[String],
    rows: &[Vec<Cell>],
) -> Outcome<(Changes, Did, Vec<Rejected>)> {
    let catalog = Arc::clone(&transaction.catalog);
    let model = catalog.find(model, false, None).map_err(|error| unknown("model", &error, None))?;
    if is_reserved(model.id) {
        let message = format!("`{}` cannot be written", model.label);
        return Err(failure("not-writable", message).help("use `create model` and `alter model`"));
    }
    let mut properties = Vec::with_capacity(columns.len());
    let mut seen = BTreeSet::new();
    for column in columns {
        let property = model.find(column, false, None).map_err(|error| unknown("property", &error, None))?;
        if !seen.insert(property.id) {
            return Err(failure("duplicate", format!("`{column}` is named twice")));
        }
        properties.push(Arc::clone(property));
    }
    let mut writer = Writer::new(transaction);
    let mut tally = Tally::default();
    let mut rejected = Vec::new();
    let converted: Vec<_> = rows.iter().map(|row| convert(&catalog, &properties, row)).collect();
    fetch_texts(transaction, &mut writer, model, &properties, &converted).await?;
    for (number, given) in (0u64..).zip(converted) {
        let written = match given {
            Ok(given) => match writer.row(model, &given, InsertMode::Upsert).await {
                Ok((_, outcome)) => Ok(outcome),
                Err(failure) if failure.kind == "not-null" || failure.kind == "invalid-value" => {
                    Err(failure.message)
                }
                Err(failure) => return Err(failure),
            },
            Err(message) => Err(message),
        };
        match written {
            Ok(outcome) => tally.count(outcome),
            Err(message) => rejected.push(Rejected { row: number, message }),
        }
    }
    Ok((writer.finish(), tally.outcome(), rejected))
}

/// Reads the texts that rows with a known key will be compared with, all at once.
async fn fetch_texts(
    transaction: &Transaction,
    writer: &mut Writer<'_>,
    model: &Model,
    properties: &[Arc<Property>],
    rows: &[Result<BTreeMap<PropertyId, Value>, String>],
) -> Outcome<()> {
    let texts: Vec<PropertyId> =
        properties.iter().filter(|property| property.is_text()).map(|property| property.id).collect();
    if texts.is_empty() || model.key.is_empty() {
        return Ok(());
    }
    let mut entities = BTreeSet::new();
    for row in rows.iter().flatten() {
        let key: Option<Vec<(PropertyId, Value)>> =
            model.key.iter().map(|id| Some((*id, row.get(id)?.clone()))).collect();
        if let Some(entity) = key.and_then(|key| keyed_id(model, &key).ok()) {
            if transaction.view.state(model.id, entity).await?.is_some() {
                entities.insert(entity);
            }
        }
    }
    writer.fetch_texts(model, entities.into_iter().collect(), &texts).await
}

/// The values of a row in the types of its properties, or why it cannot be written.
fn convert(
    catalog: &Catalog,
    properties: &[Arc<Property>],
    row: &[Cell],
) -> Result<BTreeMap<PropertyId, Value>, String> {
    if row.len() != properties.len() {
        return Err(format!("{} values for {} properties", row.len(), properties.len()));
    }
    let mut given = BTreeMap::new();
    for (property, cell) in properties.iter().zip(row) {
        let value = match cell {
            Cell::Value(value) => fit(value, property.value_type),
            Cell::Key(key) => reference(catalog, property, key),
        };
        given.insert(property.id, value.map_err(|message| format!("{}: {message}", property.label))?);
    }
    Ok(given)
}

fn fit(value: &Value, value_type: ValueType) -> Result<Value, String> {
    let value = match value.is_of(value_type) {
        true => value.clone(),
        false => cast(value, value_type).map_err(|error| error.to_string())?,
    };
    value.normalized().map_err(|error| error.to_string())
}

/// The entity with a key, which need not exist yet.
fn reference(catalog: &Catalog, property: &Property, key: &[Value]) -> Result<Value, String> {
    let ValueType::Ref(model) = property.value_type else {
        return Err("a key is given, but the property is not a reference".to_owned());
    };
    let model = catalog.model(model).ok_or("the model that it refers to is not known")?;
    if model.key.is_empty() {
        return Err(format!("`{}` has no key to refer to", model.label));
    }
    if key.len() != model.key.len() {
        return Err(format!("the key of `{}` has {} parts, not {}", model.label, model.key.len(), key.len()));
    }
    if key.iter().any(Value::is_null) {
        return Ok(Value::Null);
    }
    let mut parts = Vec::with_capacity(key.len());
    for (id, value) in model.key.iter().zip(key) {
        let part = model.property(*id).ok_or("its key is not known")?;
        parts.push((*id, fit(value, part.value_type)?));
    }
    keyed_id(model, &parts).map(Value::Ref).map_err(|failure| failure.message)
}
