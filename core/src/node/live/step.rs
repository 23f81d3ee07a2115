//! A step: from a stretch of the change log to changes of results.

use std::collections::BTreeSet;

use super::apply::{Changed, take_in};
use super::result::{fail, run_again};
use super::{Reactor, wake};
use crate::node::Inner;
use crate::node::protocol::Failure;
use crate::storage::{Position, ReadView, StorageError};

/// Log entries that are read at a time.
const PAGE: usize = 1_024;
/// Where more entities than these changed in a stretch, queries are run again instead of looking at each.
const MOST_ENTITIES: usize = 65_536;

/// Why no step is taken any more.
#[derive(Debug)]
pub(super) struct Stopped(StorageError);

impl Stopped {
    pub(super) fn into_failure(self) -> Box<Failure> {
        self.0.into()
    }
}

/// Brings all results to the latest position and gives it; `None` where there is no live query.
pub(super) async fn step(reactor: &Reactor, node: &Inner) -> Result<Option<Position>, Stopped> {
    let _alone = reactor.stepping.lock().await;
    let view = node.engine.view().await.map_err(Stopped)?;
    let until = view.position();
    let Some(stretch) = reactor.registry().begin(until, view.catalog()) else { return Ok(None) };
    let mut again: BTreeSet<u64> = BTreeSet::new();
    if stretch.from < until || stretch.rebind {
        if stretch.rebind {
            again = rebind(reactor, node, view.as_ref()).await;
        }
        match changed(view.as_ref(), stretch.from).await {
            Ok(changed) => take_in(reactor, node, &view, changed, &mut again).await,
            // What is not known may concern every query.
            Err(error) => {
                let queries = reactor.registry().numbers();
                fail(reactor, node, queries, &error, until);
            }
        }
        again.extend(reactor.registry().unwell());
        for query in again {
            run_again(reactor, node, &view, query).await;
        }
    }
    let nanos = node.env.clock.monotonic_nanos();
    let mut wakers = Vec::new();
    reactor.registry().finish(nanos, &mut wakers);
    wake(wakers);
    Ok(Some(until))
}

/// The entities that changed after a position.
async fn changed(view: &dyn ReadView, from: Position) -> Result<Changed, StorageError> {
    let mut changed = Changed::default();
    let mut count: usize = 0;
    let mut after = from;
    while after < view.position() && !changed.too_many {
        let entries = view.log(after, PAGE).await?;
        let Some(last) = entries.last() else { break };
        after = last.position;
        for change in entries.iter().flat_map(|entry| &entry.changes) {
            if changed.entities.entry(change.model).or_default().insert(change.entity) {
                count = count.saturating_add(1);
            }
        }
        if count > MOST_ENTITIES {
            changed.entities.clear();
            changed.too_many = true;
        }
    }
    Ok(changed)
}

/// Binds every query in the catalog as it is now. Gives those that mean something else than before.
async fn rebind(reactor: &Reactor, node: &Inner, view: &dyn ReadView) -> BTreeSet<u64> {
    let nanos = node.env.clock.monotonic_nanos();
    let mut wakers = Vec::new();
    let mut again = BTreeSet::new();
    match node.catalog_at(view).await {
        Ok(catalog) => {
            let mut registry = reactor.registry();
            for number in registry.numbers() {
                let Some(query) = registry.get(number) else { continue };
                let (question, before) = (query.question.clone(), query.meaning);
                match question.bind(&catalog) {
                    Ok(select) => {
                        if registry.prepare(question, select.clone(), view.position()).meaning != before {
                            registry.rebind(number, select);
                            again.insert(number);
                        }
                    }
                    Err(failure) if question.waits(&failure) => {
                        registry.suspend(number, failure, view.position(), nanos, &mut wakers);
                    }
                    Err(failure) => registry.end(number, &failure, &mut wakers),
                }
            }
        }
        Err(error) => wakers = reactor.registry().end_all(&Box::<Failure>::from(error)),
    }
    wake(wakers);
    again
}
