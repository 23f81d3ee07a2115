//! Issuing what was refused again.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::all_aside;
use crate::id::{ActorId, EntityId, OpId, TransactionId};
use crate::node::Inner;
use crate::node::commit::{NotCommitted, busy, read_only};
use crate::node::draft::{Birth, Pending};
use crate::node::failure::{Outcome, failure};
use crate::node::text;
use crate::node::transaction::{Isolation, Transaction, set_text};
use crate::operation::{Change, Decoded, Operation};
use crate::property::text::TextDocument;
use crate::storage::SetAside;
use crate::value::Value;

pub(super) async fn rebase(node: &Arc<Inner>, transaction: TransactionId) -> Outcome<()> {
    if node.options.read_only {
        return Err(read_only());
    }
    for _ in 0..node.options.limits.retries.max(1) {
        let mut again = Transaction::begin(node, Isolation::Snapshot).await?;
        let refused = refused(&again, transaction).await?;
        if refused.is_empty() {
            return Err(failure("not-refused", "nothing of that transaction is refused"));
        }
        let (changes, keys) = reissue(&again, &refused).await?;
        again.apply(changes).await?;
        let ids = refused.iter().map(Operation::id).chain(keys);
        again.take_back = ids.map(|id| (SetAside::Refused, id)).collect();
        match again.commit().await {
            Ok(_) => return Ok(()),
            Err(NotCommitted::Again) => {}
            Err(NotCommitted::Failed(failure)) => return Err(failure),
        }
    }
    Err(busy())
}

/// The refused operations of a transaction in the order of ids.
async fn refused(again: &Transaction, transaction: TransactionId) -> Outcome<Vec<Operation>> {
    let mut found: BTreeMap<OpId, Operation> = BTreeMap::new();
    for (id, aside) in all_aside(again.view.as_ref(), SetAside::Refused).await? {
        if let Ok(Decoded::Known(operation)) = Operation::decode(&aside.bytes) {
            if operation.origin().is_some_and(|origin| origin.transaction == transaction) {
                found.insert(id, operation);
            }
        }
    }
    Ok(found.into_values().collect())
}

/// What to write, and the keyed geneses that are used again.
async fn reissue(
    again: &Transaction,
    refused: &[Operation],
) -> Outcome<(Vec<(EntityId, Pending)>, Vec<OpId>)> {
    let mut keys = Vec::new();
    let mut ids: BTreeMap<EntityId, EntityId> = BTreeMap::new();
    let mut changes: BTreeMap<EntityId, Pending> = BTreeMap::new();
    for operation in refused {
        let (entity, pending) = target(again, operation).await?;
        if matches!(pending.birth, Birth::Keyed { .. }) {
            keys.push(entity.0);
        }
        ids.insert(operation.entity(), entity);
        changes.insert(entity, pending);
    }
    for operation in refused {
        let entity = ids.get(&operation.entity()).copied().unwrap_or(operation.entity());
        let Some(pending) = changes.get_mut(&entity) else { continue };
        for leaf in operation.leaves() {
            match &leaf.change {
                // References among what is issued again follow to the new ids.
                Change::Set(Value::Ref(to)) => {
                    let to = ids.get(to).copied().unwrap_or(*to);
                    pending.sets.insert(leaf.property, Value::Ref(to));
                }
                Change::Set(value) => {
                    pending.sets.insert(leaf.property, value.clone());
                }
                Change::Text(update) => {
                    let view = again.view.as_ref();
                    let mut document = match pending.base.as_ref().and_then(|state| state.text(leaf.property))
                    {
                        Some(version) => {
                            text::load(view, entity, leaf.property, version, ActorId::new(0)).await?
                        }
                        None => TextDocument::new(ActorId::new(0)),
                    };
                    let before = document.text();
                    document.apply(update).map_err(|error| failure("invalid-text", error.to_string()))?;
                    set_text(pending, leaf.property, &before, &document.text());
                }
                // What was erased stays so.
                Change::Erased(_) | Change::Redact(_) | Change::Horizon(_) | Change::Opaque { .. } => {}
            }
        }
    }
    Ok((changes.into_iter().collect(), keys))
}

/// The entity that an operation is issued again for.
async fn target(again: &Transaction, operation: &Operation) -> Outcome<(EntityId, Pending)> {
    let (model, entity) = (operation.model(), operation.entity());
    if let Some(pending) = again.pending(model, entity).await? {
        return Ok((entity, pending));
    }
    if operation.is_genesis() {
        return again.new_plain(model);
    }
    // An edit of an entity that is gone: it can be made again only if it is named by a key, and then it was
    // withdrawn with its keyed genesis.
    let after = OpId::from_bits(entity.0.bits().saturating_sub(1));
    let found = again.view.set_aside(SetAside::Refused, after, 1).await?;
    let genesis = found.first().filter(|aside| aside.id == entity.0);
    let genesis = genesis.and_then(|aside| Operation::decode(&aside.bytes).ok());
    match genesis {
        Some(Decoded::Known(genesis)) if genesis.key().is_some() => {
            let key = genesis.key().unwrap_or_default().to_vec();
            Ok((entity, Pending::new(model, Birth::Keyed { key, exclusive: false })))
        }
        _ => Err(failure("conflict", format!("entity {entity} does not exist any more"))),
    }
}
