//! Refusing a transaction with everything that descends from it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::IngestError;
use crate::dag::DagIndex;
use crate::entity::{self, State};
use crate::id::{ActorId, EntityId, ModelId, OpId, TransactionId};
use crate::node::Inner;
use crate::node::history::operations;
use crate::node::known::Known;
use crate::operation::Operation;
use crate::storage::{
    Aside, Batch, CommitError, Position, ReadView, SetAside, StateWrite, StorageError, TextWrite,
};

const PAGE: usize = 256;

/// The history of an entity.
struct History {
    model: ModelId,
    operations: Vec<Arc<Operation>>,
}

pub(super) async fn refuse(
    node: &Inner,
    transaction: TransactionId,
    reason: &str,
) -> Result<Vec<OpId>, IngestError> {
    if node.options.read_only {
        return Err(IngestError::ReadOnly);
    }
    // Parked operations may follow from what is refused; nothing is taken in meanwhile.
    let _parked = node.parked.lock().await;
    for _ in 0..node.options.limits.retries.max(1) {
        let _alone = node.gate.exclusive().await;
        let view = node.engine.view().await?;
        let Some((batch, refused, actors)) = prepare(view.as_ref(), transaction, reason).await? else {
            return Ok(Vec::new());
        };
        // What an actor wrote in a text is gone, so it would number the same places again.
        node.actors.retire(&actors);
        match node.engine.commit(batch, node.options.durability).await {
            Ok(_) => return Ok(refused),
            Err(CommitError::Conflict { .. } | CommitError::CatalogChanged) => {}
            Err(CommitError::Storage(error)) => return Err(error.into()),
        }
    }
    Err(IngestError::Busy)
}

async fn prepare(
    view: &dyn ReadView,
    transaction: TransactionId,
    reason: &str,
) -> Result<Option<(Batch, Vec<OpId>, BTreeSet<ActorId>)>, IngestError> {
    let index = Transactions::read(view).await?;
    let mut histories: BTreeMap<EntityId, History> = BTreeMap::new();
    let mut refused: BTreeSet<OpId> = BTreeSet::new();
    let mut actors = BTreeSet::new();
    let mut pending = vec![transaction];
    let mut done = BTreeSet::new();
    while let Some(next) = pending.pop() {
        if !done.insert(next) {
            continue;
        }
        for (entity, id) in index.operations(next) {
            if let std::collections::btree_map::Entry::Vacant(place) = histories.entry(entity) {
                let Some(model) = view.model_of(entity).await? else { continue };
                place.insert(History { model, operations: operations(view, entity).await? });
            }
            let Some(history) = histories.get(&entity) else { continue };
            for operation in descendants(&history.operations, id) {
                refused.insert(operation.id());
                pending.extend(operation.origin().map(|origin| origin.transaction));
                actors.extend(operation.origin().map(|origin| origin.actor));
            }
        }
    }
    if refused.is_empty() {
        return Ok(None);
    }
    let mut batch = Batch { catalog: view.position(), ..Batch::default() };
    for (entity, history) in &histories {
        withdraw(view, *entity, history, &refused, reason, &mut batch).await?;
    }
    Ok(Some((batch, refused.into_iter().collect(), actors)))
}

/// The operation and all that have it among their ancestors.
fn descendants(operations: &[Arc<Operation>], id: OpId) -> Vec<&Arc<Operation>> {
    let mut below = BTreeSet::from([id]);
    let mut found = Vec::new();
    // Ids are a linear extension of the DAG, and these are in their order.
    for operation in operations {
        if operation.id() == id || operation.parents().iter().any(|parent| below.contains(&parent.id)) {
            below.insert(operation.id());
            found.push(operation);
        }
    }
    found
}

/// Takes refused operations out of one entity.
async fn withdraw(
    view: &dyn ReadView,
    entity: EntityId,
    history: &History,
    refused: &BTreeSet<OpId>,
    reason: &str,
    batch: &mut Batch,
) -> Result<(), IngestError> {
    let Some(state) = view.state(history.model, entity).await? else { return Ok(()) };
    let (gone, left): (Vec<_>, Vec<_>) =
        history.operations.iter().partition(|operation| refused.contains(&operation.id()));
    if gone.is_empty() {
        return Ok(());
    }
    for operation in &gone {
        batch.withdrawn.push((entity, operation.id()));
        batch.set_aside.push((SetAside::Refused, aside(operation, reason)));
    }
    let expected = state.head.clone();
    // A keyed genesis says nothing by itself: an entity of which only that is left is as good as never made.
    // It goes to the refused as well, for its key's sake, but does not stay refused: see `Work::is_refused`.
    let base = view.base(entity).await?;
    if base.is_none() && left.iter().all(|operation| operation.key().is_some()) {
        for operation in left {
            batch.withdrawn.push((entity, operation.id()));
            batch.set_aside.push((SetAside::Refused, aside(operation, reason)));
        }
        batch.vanished.push((history.model, entity, expected));
        return Ok(());
    }
    let mut dag = DagIndex::new(entity);
    let mut next: Option<State> = base.as_ref().map(|base| base.state());
    for operation in &left {
        let damaged =
            |message: String| StorageError::Damaged { what: format!("history of entity {entity}"), message };
        if base.is_none() {
            dag.accept(operation).map_err(|error| damaged(error.to_string()))?;
        }
        next = Some(entity::apply(next.as_ref(), operation).map_err(|error| damaged(error.to_string()))?);
    }
    let Some(mut next) = next else { return Ok(()) };
    let operations = left.iter().map(|operation| (operation.id(), (Position(0), Arc::clone(operation))));
    let known = Known { base, operations: operations.collect() };
    next.base = state.base.clone();
    for (property, version) in &mut next.texts {
        let was = state.text(*property).unwrap_or_default();
        if was.folded == 0 {
            continue;
        }
        // The snapshot may hold what was withdrawn, so it is made again from what is left.
        let snapshot =
            known.text(*property)?.snapshot().map_err(|error| IngestError::Other(error.to_string()))?;
        *version = version.folded();
        batch.texts.push(TextWrite::Fold { entity, property: *property, snapshot: Arc::from(snapshot) });
    }
    batch.states.push(StateWrite { expected, state: next });
    Ok(())
}

fn aside(operation: &Operation, reason: &str) -> Aside {
    Aside {
        id: operation.id(),
        entity: operation.entity(),
        bytes: Arc::from(operation.encode()),
        reason: reason.to_owned(),
        missing: Vec::new(),
    }
}

/// Which operations transactions have.
struct Transactions {
    by_transaction: BTreeMap<TransactionId, Vec<(EntityId, OpId)>>,
}

impl Transactions {
    /// Reads them from the log; where a commit took in several transactions, from the operations.
    async fn read(view: &dyn ReadView) -> Result<Self, StorageError> {
        let mut by_transaction: BTreeMap<TransactionId, Vec<(EntityId, OpId)>> = BTreeMap::new();
        let mut after = Position(0);
        loop {
            let entries = view.log(after, PAGE).await?;
            let Some(last) = entries.last() else { return Ok(Transactions { by_transaction }) };
            after = last.position;
            for change in entries.iter().flat_map(|entry| &entry.changes) {
                for id in &change.operations {
                    let Some((_, operation)) = view.operation(change.entity, *id).await? else { continue };
                    if let Some(origin) = operation.origin() {
                        by_transaction.entry(origin.transaction).or_default().push((change.entity, *id));
                    }
                }
            }
        }
    }

    fn operations(&self, transaction: TransactionId) -> Vec<(EntityId, OpId)> {
        self.by_transaction.get(&transaction).cloned().unwrap_or_default()
    }
}
