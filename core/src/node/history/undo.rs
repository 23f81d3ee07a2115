//! `undo`: changes that take earlier ones back.

use std::sync::Arc;

use super::PAGE;
use super::cut::{self, Closure, Cut};
use super::replay::{Replayed, Texts};
use super::units::{Ranges, inverse};
use crate::catalog::{Model, reserved};
use crate::id::{EntityId, OpId, PropertyId};
use crate::node::draft::{Pending, TextDraft};
use crate::node::failure::{Explain, Outcome, failure};
use crate::node::protocol::{Failure, Outcome as Did};
use crate::node::transaction::Transaction;
use crate::node::write::Written;
use crate::operation::{Change, Operation};
use crate::property::text::{Limits, TextDocument, prescan};
use crate::query::BoundUndo;
use crate::storage::{Position, StorageError};
use crate::value::Value;

/// Takes an operation back, or all operations of a transaction.
pub(crate) async fn undo(transaction: &Transaction, undo: &BoundUndo) -> Outcome<Written> {
    let found = if undo.transaction {
        let found = of_transaction(transaction, undo.id).await?;
        if found.is_empty() {
            return Err(
                failure("unknown-transaction", format!("there is no transaction {}", undo.id)).at(undo.span)
            );
        }
        found
    } else {
        let view = transaction.view.as_ref();
        let operation = match cut::find(view, undo.id).await? {
            Some(entity) => view.operation(entity, undo.id).await?,
            None => None,
        };
        let Some((_, operation)) = operation else {
            return Err(
                failure("unknown-operation", format!("there is no operation {}", undo.id)).at(undo.span)
            );
        };
        vec![operation]
    };
    let mut changes = Vec::with_capacity(found.len());
    for operation in &found {
        let pending = take_back(transaction, operation, undo.force)
            .await
            .map_err(|failure| if failure.span.is_none() { failure.at(undo.span) } else { failure })?;
        if !pending.is_unchanged() {
            changes.push((operation.entity(), pending));
        }
    }
    let entities: Vec<EntityId> = changes.iter().map(|(entity, _)| *entity).collect();
    let count = u64::try_from(entities.len()).unwrap_or(u64::MAX);
    Ok(Written { changes, entities, outcome: Did::Updated(count) })
}

/// The operations of a transaction, looked for in the log, the latest commits first.
async fn of_transaction(transaction: &Transaction, id: OpId) -> Outcome<Vec<Arc<Operation>>> {
    let view = transaction.view.as_ref();
    let page = u64::try_from(PAGE).unwrap_or(u64::MAX);
    let mut found: Vec<Arc<Operation>> = Vec::new();
    let mut before = view.position().0;
    while before > 0 && found.is_empty() {
        let after = before.saturating_sub(page);
        for entry in view.log(Position(after), PAGE).await? {
            // A commit of another transaction holds nothing of this one; what came from outside may hold several.
            if entry.transaction.is_some_and(|other| other.0 != id.bits()) {
                continue;
            }
            for change in entry.changes {
                for operation in change.operations {
                    let held = view.operation(change.entity, operation).await?;
                    if held.is_none() && entry.transaction.is_some() {
                        cut::horizon(view, change.entity, operation).await?;
                    }
                    let of_it = |operation: &Operation| {
                        operation.origin().is_some_and(|origin| origin.transaction.0 == id.bits())
                    };
                    found.extend(held.map(|(_, operation)| operation).filter(|operation| of_it(operation)));
                }
            }
        }
        before = after;
    }
    Ok(found)
}

/// What an operation's entity becomes without what it changed.
async fn take_back(transaction: &Transaction, operation: &Operation, force: bool) -> Outcome<Pending> {
    let view = transaction.view.as_ref();
    let (entity, id) = (operation.entity(), operation.id());
    if transaction.draft.get(entity).is_some() {
        let message = format!("the transaction has changed entity {entity} already");
        return Err(failure("overlap", message).help("commit first, then undo"));
    }
    if reserved::is_reserved(operation.model()) {
        return Err(
            failure("not-writable", "what a model is cannot be undone").help("change it with `alter model`")
        );
    }
    let state = view.state(operation.model(), entity).await?;
    let Some(state) = state else {
        return Err(failure("unknown-entity", format!("there is no entity {entity}")));
    };
    let catalog = Arc::clone(&transaction.catalog);
    let model = catalog.model(operation.model()).map(AsRef::as_ref);
    let mut pending = Pending::existing(Arc::new(state));
    if creates(operation) {
        // What else was done to it is a later change of all of it.
        let alone = pending.base.as_ref().is_some_and(|state| state.head.links() == [operation.link()]);
        if !alone && !force {
            return Err(overlap("the entity that it created was changed later"));
        }
        pending.sets.insert(*reserved::DELETED, Value::Bool(true));
        return Ok(pending);
    }
    let texts = operation.leaves().iter().filter(|leaf| matches!(leaf.change, Change::Text(_)));
    let texts = Texts::These(texts.map(|leaf| leaf.property).collect());
    let closure = Closure::of(view, entity, operation.parents().to_vec()).await?;
    let cut = Cut::Closure(Arc::new(closure));
    let mut before = Replayed::at(view, entity, &cut, &texts).await?.unwrap_or_default();
    for leaf in operation.leaves() {
        match &leaf.change {
            Change::Set(_) => {
                let register = pending.base.as_ref().and_then(|state| state.registers.get(&leaf.property));
                let old = before.value(leaf.property).unwrap_or(Value::Null);
                let Some(register) = register.filter(|register| register.value != old) else { continue };
                if register.winner != id && !force {
                    return Err(overlap(&format!(
                        "`{}` was set again by operation {}",
                        super::label(model, leaf.property),
                        register.winner
                    )));
                }
                check_required(model, leaf.property, &old)?;
                pending.sets.insert(leaf.property, old);
            }
            Change::Text(_) if operation.is_redacted(leaf.property) => return Err(redacted(id)),
            Change::Text(update) => {
                let now = Replayed::at(view, entity, &Cut::All, &texts).await?.unwrap_or_default();
                let empty = TextDocument::default();
                let old = before.texts.get(&leaf.property).unwrap_or(&empty);
                let Some(now) = now.texts.get(&leaf.property) else { continue };
                if let Some(draft) = text_back(old, now, update, model, leaf.property, force)? {
                    pending.texts.insert(leaf.property, draft);
                }
            }
            Change::Erased(_) => return Err(redacted(id)),
            Change::Redact(_) | Change::Horizon(_) => {
                let message = format!("what operation {id} erased or folded cannot come back");
                return Err(failure("redacted", message));
            }
            Change::Opaque { .. } => {
                let message = format!("this version does not know how operation {id} changes an entity");
                return Err(failure("not-available", message));
            }
        }
    }
    Ok(pending)
}

/// Whether an operation makes its entity: as its genesis, or as the first one after a genesis that is a key alone.
fn creates(operation: &Operation) -> bool {
    operation.is_genesis()
        || matches!(operation.parents(), [only] if only.is_keyed() && only.id == operation.entity().0)
}

fn check_required(model: Option<&Model>, property: PropertyId, value: &Value) -> Outcome<()> {
    let property = model.and_then(|model| model.property(property));
    match (model, property) {
        (Some(model), Some(property)) if property.required && value.is_null() => {
            Err(crate::node::write::missing(model, property))
        }
        _ => Ok(()),
    }
}

/// The edits that take an operation's change of a text back.
fn text_back(
    old: &TextDocument,
    now: &TextDocument,
    update: &[u8],
    model: Option<&Model>,
    property: PropertyId,
    force: bool,
) -> Outcome<Option<TextDraft>> {
    let damaged = |message: String| -> Box<Failure> {
        StorageError::Damaged { what: format!("text {property}"), message }.into()
    };
    let snapshot = old.snapshot().map_err(|error| damaged(error.to_string()))?;
    let mut after = TextDocument::default();
    after.merge(&snapshot).map_err(|error| damaged(error.to_string()))?;
    after.apply(update).map_err(|error| damaged(error.to_string()))?;
    let scan = prescan(update, Limits::OPERATION).map_err(|error| damaged(error.to_string()))?;
    let inserted: Ranges = scan.inserts().collect();
    let inverse = inverse(old, &after, now, &inserted);
    if inverse.overlaps && !force {
        let name = super::label(model, property);
        return Err(overlap(&format!("`{name}` was edited again in the same place")));
    }
    if inverse.splices.is_empty() {
        return Ok(None);
    }
    let mut text: Vec<char> =
        now.pieces().iter().flat_map(|(_, piece)| piece.chars().collect::<Vec<_>>()).collect();
    for splice in &inverse.splices {
        let end = splice.at.saturating_add(splice.delete).min(text.len());
        text.splice(splice.at.min(end)..end, splice.insert.chars());
    }
    Ok(Some(TextDraft { text: text.into_iter().collect::<String>().into(), splices: inverse.splices }))
}

fn redacted(id: OpId) -> Box<Failure> {
    failure("redacted", format!("what operation {id} changed was redacted"))
        .help("set the property to another value instead")
}

fn overlap(message: &str) -> Box<Failure> {
    failure("overlap", format!("later changes overlap: {message}"))
        .help("add `force` to undo it all the same")
}
