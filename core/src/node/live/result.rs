//! Running a query for its result.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::task::Waker;

use futures::StreamExt;

use super::query::{Asks, Standing};
use super::queue::News;
use super::state::{Outcome as Came, State};
use super::{Reactor, wake};
use crate::node::Inner;
use crate::node::failure::{Explain, Outcome, failure, is_of_store};
use crate::node::protocol::Failure;
use crate::query::{BoundSelect, Lookups, RunError, RunOptions, ViewSource, plan, run};
use crate::storage::{Position, ReadView, StorageError};
use crate::value::Value;

/// The rows of a query, no more than a live query may have. An index that it misses is made in the background.
pub(super) async fn load(
    node: &Inner,
    view: &Arc<dyn ReadView>,
    select: BoundSelect,
) -> Outcome<Vec<Vec<Value>>> {
    let lookups = Lookups::of(view.as_ref(), &select);
    let options = RunOptions { memory: node.options.limits.query_memory, ..RunOptions::default() };
    let plan = plan(select, &lookups);
    let wanted = plan.wanted_index().cloned();
    let mut running = run(plan, Arc::new(ViewSource(Arc::clone(view))), options);
    let mut rows = Vec::new();
    while let Some(batch) = running.rows.next().await {
        rows.extend(batch?);
        if rows.len() > node.options.limits.live_rows {
            return Err(too_many(node));
        }
    }
    if let Some(wanted) = wanted.filter(|_| !node.options.read_only) {
        node.indexer.note(&node.env, &node.engine, &wanted, &running.statistics);
    }
    Ok(rows)
}

pub(super) fn too_many(node: &Inner) -> Box<Failure> {
    let limit = node.options.limits.live_rows;
    failure(TOO_MANY, format!("a live query has at most {limit} rows"))
        .help("ask for fewer with `where` or `limit`")
}

pub(super) const TOO_MANY: &str = "too-many-rows";

/// The result of a query, and whether it concerns too many entities to be kept right by what changed.
pub(super) async fn result_of(node: &Inner, view: &Arc<dyn ReadView>, asks: Asks) -> Outcome<(State, bool)> {
    let Asks { parts, exact, shape } = asks;
    let mut gave_up = false;
    if let Some((parts, asked)) = parts {
        match load(node, view, parts).await {
            Ok(found) => match State::of_parts(&shape, found, asked) {
                Ok(state) => return Ok((state, false)),
                Err(error) if exact.is_none() => return Err(RunError::from(error).into()),
                Err(_) => {}
            },
            Err(failure) if exact.is_none() || is_of_store(&failure) => return Err(failure),
            Err(failure) => gave_up = failure.kind == TOO_MANY,
        }
    } else {
        gave_up = true;
    }
    match exact {
        Some(exact) => Ok((State::of_rows(&shape, load(node, view, exact).await?), gave_up)),
        // Without it the query fails as what entities contribute does.
        None => Ok((State::default(), gave_up)),
    }
}

/// Runs a query again and tells what came of it.
pub(super) async fn run_again(reactor: &Reactor, node: &Inner, view: &Arc<dyn ReadView>, number: u64) {
    let position = view.position();
    let asks = match reactor.registry().get(number) {
        Some(query) if query.position <= position => query.asks(node.options.limits.live_rows),
        _ => return,
    };
    let found = result_of(node, view, asks).await;
    let nanos = node.env.clock.monotonic_nanos();
    let mut wakers = Vec::new();
    let mut old = None;
    let mut registry = reactor.registry();
    registry.runs.count(1, nanos);
    // Its rows may become others.
    registry.discharge(number);
    match (registry.get_mut(number), found) {
        (None, _) => return,
        (Some(query), Ok((state, gave_up))) => {
            let before = std::mem::replace(&mut query.standing, Standing::Right);
            let well = query.broken.take().is_none() && before == Standing::Right;
            let came = well.then(|| state.changes_from(&query.state));
            old = Some(std::mem::replace(&mut query.state, state));
            query.position = position;
            query.gave_up = gave_up;
            match came {
                Some(Came::Told(told)) if told.changes.is_empty() => {}
                Some(Came::Told(told)) => {
                    let news = News::Changes { position, changes: told.changes.into() };
                    query.tell(&news, nanos, &mut wakers);
                }
                Some(Came::Anew(_)) | None => query.tell_all_rows(nanos, &mut wakers),
            }
            registry.set_unwell(number, false);
        }
        (Some(_), Err(failure)) if failure.kind == TOO_MANY => registry.end(number, &failure, &mut wakers),
        (Some(query), Err(failure)) => {
            let by_store = is_of_store(&failure);
            query.position = position;
            query.break_with(failure, position, nanos, &mut wakers);
            registry.set_unwell(number, by_store);
        }
    }
    registry.enlist(number);
    registry.settle(number);
    drop(registry);
    // What it held is dropped without the lock.
    drop(old);
    wake(wakers);
}

/// Says of some queries that the store failed.
pub(super) fn fail(
    reactor: &Reactor,
    node: &Inner,
    queries: impl IntoIterator<Item = u64>,
    error: &StorageError,
    position: Position,
) {
    let nanos = node.env.clock.monotonic_nanos();
    let mut wakers: Vec<Waker> = Vec::new();
    let mut registry = reactor.registry();
    for number in queries.into_iter().collect::<BTreeSet<u64>>() {
        if let Some(query) = registry.get_mut(number) {
            query.position = position;
            query.break_with(error.clone().into(), position, nanos, &mut wakers);
            registry.set_unwell(number, true);
            registry.settle(number);
        }
    }
    drop(registry);
    wake(wakers);
}
