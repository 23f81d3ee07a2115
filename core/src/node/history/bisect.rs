//! The first operation after which a condition holds.

use std::sync::Arc;

use futures::StreamExt;

use super::as_of::AsOf;
use super::cut::Cut;
use crate::id::{EntityId, OpId};
use crate::node::failure::{Outcome, failure};
use crate::node::transaction::Transaction;
use crate::query::{BoundSelect, Lookups, RunOptions, plan, run};
use crate::value::Value;

/// The first operation of an entity, in the order of ids, after which a condition holds; `None` where it does not hold
/// now. Where it comes to hold more than once, one of those operations.
///
/// `test` counts 1 where the condition holds. It is asked for a number of times that is logarithmic in the number of
/// operations.
pub(super) async fn first(
    transaction: &Transaction,
    entity: EntityId,
    test: &BoundSelect,
) -> Outcome<Option<OpId>> {
    let view = transaction.view.as_ref();
    let mut ids: Vec<OpId> = Vec::new();
    let base = view.base(entity).await?;
    let horizon = base.as_ref().map_or(OpId::MIN, |base| base.last());
    if base.is_some() && holds(transaction, test, horizon).await? {
        let message =
            format!("the condition holds at operation {horizon} already, and what came before is not kept");
        return Err(failure("horizon", message));
    }
    loop {
        let after = ids.last().copied().unwrap_or(horizon);
        let page = view.operations(entity, after, super::PAGE).await?;
        if page.is_empty() {
            break;
        }
        ids.extend(page.iter().map(|(_, operation)| operation.id()));
    }
    let Some(last) = ids.last() else { return Ok(None) };
    if !holds(transaction, test, *last).await? {
        return Ok(None);
    }
    // It holds after `holding`, and does not before `from`.
    let (mut from, mut holding) = (0usize, ids.len().saturating_sub(1));
    while from < holding {
        let middle = from.midpoint(holding);
        let Some(id) = ids.get(middle) else { break };
        if holds(transaction, test, *id).await? {
            holding = middle;
        } else {
            from = middle.saturating_add(1);
        }
    }
    Ok(ids.get(holding).copied())
}

/// Whether the condition holds after an operation and all with smaller ids.
async fn holds(transaction: &Transaction, test: &BoundSelect, id: OpId) -> Outcome<bool> {
    let checkpoints = Arc::clone(&transaction.node.checkpoints);
    let source = Arc::new(AsOf::new(Arc::clone(&transaction.view), checkpoints, Cut::Ids(id)));
    let memory = transaction.node.options.limits.query_memory;
    let options = RunOptions { memory, ..RunOptions::default() };
    let mut running = run(plan(test.clone(), &Lookups::default()), source, options);
    let mut found = false;
    while let Some(batch) = running.rows.next().await {
        for row in batch? {
            found |= row.first() == Some(&Value::Int(1));
        }
    }
    Ok(found)
}
