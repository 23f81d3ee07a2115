//! `compact`: from a statement to horizons of entities.

use super::cut::Cut;
use crate::catalog::reserved;
use crate::dag::{Head, RunLookup};
use crate::id::{EntityId, OpId};
use crate::node::compact::{MAX_BASE, folded};
use crate::node::failure::{Explain, Outcome, failure};
use crate::node::known::Known;
use crate::node::protocol::Outcome as Did;
use crate::node::transaction::Transaction;
use crate::node::write::{Written, collect, count, ids};
use crate::operation::Change;
use crate::query::BoundCompact;
use crate::turn;

/// What it is to fold the operations of an entity, in the count of [`turn`].
const WORK: u64 = 65_536;

/// Declares that history up to a point is kept no longer.
pub(crate) async fn compact(transaction: &Transaction, bound: &BoundCompact) -> Outcome<Written> {
    let rows = collect(transaction, bound.rows.clone()).await?;
    let entities = ids(&rows)?;
    let only = match bound.rows.input.entities.as_deref() {
        Some([only]) => Some(*only),
        _ => None,
    };
    let cut = match &bound.point {
        Some(point) => transaction.cut(point, only).await?,
        None => Cut::All,
    };
    let mut changes = Vec::new();
    let mut changed = Vec::new();
    for entity in entities {
        turn::pass(WORK).await;
        let pending = of_entity(transaction, bound, entity, &cut.of(entity)).await;
        let pending = pending
            .map_err(|failure| if failure.span.is_none() { failure.at(bound.span) } else { failure })?;
        if let Some(pending) = pending {
            changes.push((entity, pending));
            changed.push(entity);
        }
    }
    let outcome = Did::Compacted(count(&changed));
    Ok(Written { changes, entities: changed, outcome })
}

/// The horizon of one entity; `None` where nothing is to be folded.
async fn of_entity(
    transaction: &Transaction,
    bound: &BoundCompact,
    entity: EntityId,
    cut: &Cut,
) -> Outcome<Option<crate::node::draft::Pending>> {
    let view = transaction.view.as_ref();
    if transaction.draft.get(entity).is_some() {
        let message = format!("the transaction has changed entity {entity} already");
        return Err(failure("overlap", message).help("commit first, then compact"));
    }
    let Some(mut pending) = transaction.pending(bound.model.id, entity).await? else { return Ok(None) };
    if !RunLookup::equivocal(view, entity).await?.is_empty() {
        let message =
            format!("the history of entity {entity} is kept: somebody wrote twice under one number in it");
        return Err(failure("equivocal", message).help("choose other entities with `where`"));
    }
    let known = Known::now(view, entity).await?;
    let mut frontier = Head::new();
    let mut count = 0usize;
    for (position, operation) in known.operations.values() {
        // A horizon that there is need not be declared again.
        if cut.has(*position, &operation.link()) {
            frontier.accept(operation);
            count = count.saturating_add(1);
        }
    }
    let is_horizon = |id: OpId| {
        let operation = known.operations.get(&id).map(|(_, operation)| operation);
        operation.is_some_and(|operation| crate::node::compact::horizon(operation).is_some())
    };
    if frontier.is_empty() || (count == 1 && frontier.links().iter().all(|link| is_horizon(link.id))) {
        return Ok(None);
    }
    // Parents that are below a base are no part of it any more.
    let frontier =
        Head::of(frontier.links().iter().copied().filter(|link| known.operations.contains_key(&link.id)));
    if folded(&known, &frontier)?.is_none() {
        let message = format!(
            "the history of entity {entity} is kept: what it comes to has more than {MAX_BASE} bytes"
        );
        return Err(failure("too-large", message).help("choose other entities with `where`"));
    }
    pending.records.insert(*reserved::HORIZON, Change::Horizon(frontier));
    Ok(Some(pending))
}
