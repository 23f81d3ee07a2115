//! `redact`: from a statement to redactions of entities.

use std::sync::Arc;

use crate::id::{EntityId, OpId};
use crate::node::draft::{Pending, TextDraft};
use crate::node::failure::{Explain, Outcome, failure};
use crate::node::known::Known;
use crate::node::protocol::Outcome as Did;
use crate::node::transaction::Transaction;
use crate::node::write::{Written, collect, count, ids, missing};
use crate::operation::{Change, Operation, Redaction};
use crate::property::text::{Limits, Span, TextDocument, Units, prescan, without};
use crate::query::BoundRedact;
use crate::storage::StorageError;
use crate::turn;
use crate::value::Value;

/// What it is to look through the operations of an entity, in the count of [`turn`].
const WORK: u64 = 4_096;

/// Erases what a property was set to, by all operations or by some.
pub(crate) async fn redact(transaction: &Transaction, bound: &BoundRedact) -> Outcome<Written> {
    let rows = collect(transaction, bound.rows.clone()).await?;
    let entities = ids(&rows)?;
    let mut changes = Vec::with_capacity(entities.len());
    let mut changed = Vec::with_capacity(entities.len());
    let mut found: Vec<OpId> = Vec::new();
    for (entity, row) in entities.iter().zip(&rows) {
        turn::pass(WORK).await;
        let value = bound.replacement.then(|| row.get(1).cloned().unwrap_or(Value::Null));
        let pending = of_entity(transaction, bound, *entity, value, &mut found)
            .await
            .map_err(|failure| if failure.span.is_none() { failure.at(bound.span) } else { failure })?;
        if let Some(pending) = pending {
            changes.push((*entity, pending));
            changed.push(*entity);
        }
    }
    if let Some((id, span)) = bound.of.iter().find(|(id, _)| !found.contains(id)) {
        let message = format!("operation {id} did not change `{}` of what is redacted", bound.property.label);
        return Err(failure("unknown-operation", message).at(*span));
    }
    let outcome = Did::Redacted(count(&changed));
    Ok(Written { changes, entities: changed, outcome })
}

/// The redaction of one entity; `None` where there is nothing to erase.
async fn of_entity(
    transaction: &Transaction,
    bound: &BoundRedact,
    entity: EntityId,
    value: Option<Value>,
    found: &mut Vec<OpId>,
) -> Outcome<Option<Pending>> {
    if transaction.draft.get(entity).is_some() {
        let message = format!("the transaction has changed entity {entity} already");
        return Err(failure("overlap", message).help("commit first, then redact"));
    }
    let Some(mut pending) = transaction.pending(bound.model.id, entity).await? else { return Ok(None) };
    let known = Known::now(transaction.view.as_ref(), entity).await?;
    let wanted = |id: OpId| bound.of.is_empty() || bound.of.iter().any(|(of, _)| *of == id);
    let of_it: Vec<&Arc<Operation>> = known
        .iter()
        .filter(|operation| operation.change(bound.property.id).is_some() && wanted(operation.id()))
        .collect();
    found.extend(of_it.iter().map(|operation| operation.id()));
    let change = match bound.property.is_text() {
        true => text(bound, &known, &of_it, &mut pending)?,
        false => register(bound, &known, &of_it, value, &pending)?,
    };
    if let Some(change) = change {
        pending.records.insert(bound.property.id, change);
        return Ok(Some(pending));
    }
    Ok(None)
}

/// Of a property that is no text: the operations that set it, with those that earlier redactions of theirs named.
fn register(
    bound: &BoundRedact,
    known: &Known,
    of: &[&Arc<Operation>],
    value: Option<Value>,
    pending: &Pending,
) -> Outcome<Option<Change>> {
    let property = bound.property.id;
    let mut named: Vec<OpId> = Vec::new();
    let mut any = value.is_some() && !of.is_empty();
    let register = pending.base.as_ref().and_then(|state| state.registers.get(&property));
    // Of those below a base only the one that won is known.
    let below = known.base.as_ref().and_then(|base| base.registers.get(&property));
    if let Some(below) = below.filter(|_| bound.of.is_empty()) {
        any |= !below.value.is_null() || value.is_some();
        named.push(below.winner);
    }
    for operation in of {
        match operation.change(property) {
            Some(Change::Redact(earlier)) => {
                named.extend(&earlier.operations);
                // That it redacts is no value.
                if earlier.value.is_none() {
                    continue;
                }
                any = true;
            }
            Some(Change::Erased(_)) | None => {}
            Some(_) => any = true,
        }
        named.push(operation.id());
    }
    if !any {
        return Ok(None);
    }
    named.sort_unstable();
    named.dedup();
    let redaction = Redaction { operations: named, units: Units::default(), value };
    let erases = register.is_some_and(|register| redaction.names(register.winner));
    let left = match (&redaction.value, erases) {
        (Some(value), _) => !value.is_null(),
        (None, erases) => !erases,
    };
    if bound.property.required && !left {
        return Err(missing(&bound.model, &bound.property)
            .help(format!("say what `{}` is to be instead: `redact … to …`", bound.property.label)));
    }
    Ok(Some(Change::Redact(Arc::new(redaction))))
}

/// Of a text: the units that operations wrote.
fn text(
    bound: &BoundRedact,
    known: &Known,
    of: &[&Arc<Operation>],
    pending: &mut Pending,
) -> Outcome<Option<Change>> {
    let property = bound.property.id;
    let mut spans: Vec<Span> = Vec::new();
    for operation in of {
        let Some(Change::Text(update)) = operation.change(property) else { continue };
        let damaged = |message: String| StorageError::Damaged {
            what: format!("operation {} of entity {}", operation.id(), operation.entity()),
            message,
        };
        let scan = prescan(update, Limits::OPERATION).map_err(|error| damaged(error.to_string()))?;
        if scan.strings().next().is_some() {
            spans.extend(scan.inserts());
        }
    }
    // What a base has of it was written by operations that are not held.
    let base = known.base.as_ref().and_then(|base| base.texts.get(&property));
    if let Some(base) = base.filter(|_| bound.of.is_empty()) {
        let damaged = |error: crate::codec::DecodeError| StorageError::Damaged {
            what: format!("base of text {property}"),
            message: error.to_string(),
        };
        let scan = prescan(&base.snapshot, Limits::DOCUMENT).map_err(damaged)?;
        if scan.strings().next().is_some() {
            spans.extend(scan.inserts());
        }
    }
    let units: Units = spans.into_iter().collect();
    if units.is_empty() {
        return Ok(None);
    }
    // What the transaction sees of it from now on.
    let damaged = |message: String| StorageError::Damaged { what: format!("text {property}"), message };
    let snapshot = known.text(property)?.snapshot().map_err(|error| damaged(error.to_string()))?;
    let left = without(&snapshot, &units, Limits::DOCUMENT).map_err(|error| damaged(error.to_string()))?;
    let mut after = TextDocument::default();
    after.merge(&left).map_err(|error| damaged(error.to_string()))?;
    pending.texts.insert(property, TextDraft { text: after.text(), splices: Vec::new() });
    let redaction = Redaction { operations: Vec::new(), units, value: None };
    Ok(Some(Change::Redact(Arc::new(redaction))))
}
