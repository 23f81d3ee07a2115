//! A step: from a stretch of the change log to changes of results.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::task::Waker;

use futures::StreamExt;

use super::evaluate::{Columns, evaluate};
use super::query::Outcome as Refreshed;
use super::queue::News;
use super::{Reactor, load, too_many};
use crate::id::{EntityId, ModelId};
use crate::node::Inner;
use crate::node::failure::{Outcome, is_of_store};
use crate::node::protocol::Failure;
use crate::query::EvalError;
use crate::storage::{Access, Deleted, Position, ReadView, Scan, ScanRows, StorageError};

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

/// What changed in a stretch of the log.
#[derive(Debug, Default)]
struct Changed {
    entities: BTreeMap<ModelId, BTreeSet<EntityId>>,
    count: usize,
    /// There were so many that they are not listed.
    too_many: bool,
}

/// Entities of one model as they are now.
struct Read {
    columns: Columns,
    entities: BTreeSet<EntityId>,
    found: ScanRows,
    queries: Vec<u64>,
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
            Ok(changed) => take_in(reactor, node, view.as_ref(), changed, &mut again).await,
            // What is not known may concern every query.
            Err(error) => fail_all(reactor, &error, until),
        }
        again.extend(reactor.registry().unwell());
        for query in again {
            run_again(reactor, node, &view, query).await;
        }
    }
    reactor.registry().finish();
    Ok(Some(until))
}

/// The entities that changed after a position.
async fn changed(view: &dyn ReadView, from: Position) -> Result<Changed, StorageError> {
    let mut changed = Changed::default();
    let mut after = from;
    while after < view.position() && !changed.too_many {
        let entries = view.log(after, PAGE).await?;
        let Some(last) = entries.last() else { break };
        after = last.position;
        for change in entries.iter().flat_map(|entry| &entry.changes) {
            if changed.entities.entry(change.model).or_default().insert(change.entity) {
                changed.count = changed.count.saturating_add(1);
            }
        }
        if changed.count > MOST_ENTITIES {
            changed.entities.clear();
            changed.too_many = true;
        }
    }
    Ok(changed)
}

/// Binds every query in the catalog as it is now. Gives those that mean something else than before.
async fn rebind(reactor: &Reactor, node: &Inner, view: &dyn ReadView) -> BTreeSet<u64> {
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
                    Err(failure) => registry.end(number, &failure, &mut wakers),
                }
            }
        }
        Err(error) => wakers = reactor.registry().end_all(&Box::<Failure>::from(error)),
    }
    wake(wakers);
    again
}

fn wake(wakers: Vec<Waker>) {
    wakers.into_iter().for_each(Waker::wake);
}

/// Takes in what changed where that is told row by row; adds the other queries that it concerns to `again`.
async fn take_in(
    reactor: &Reactor,
    node: &Inner,
    view: &dyn ReadView,
    changed: Changed,
    again: &mut BTreeSet<u64>,
) {
    if changed.too_many {
        again.extend(reactor.registry().numbers());
        return;
    }
    for (model, entities) in changed.entities {
        let mut columns = Columns::default();
        let mut queries = Vec::new();
        {
            let registry = reactor.registry();
            for number in registry.dependents(model) {
                let Some(query) = registry.get(number) else { continue };
                if !query.row_by_row || query.broken.is_some() || query.pending {
                    again.insert(number);
                } else if !again.contains(&number) {
                    columns.add(query);
                    queries.push(number);
                }
            }
        }
        if queries.is_empty() {
            continue;
        }
        match read(view, model, &entities, &columns).await {
            Ok(found) => {
                let read = Read { columns, entities, found, queries };
                again.extend(apply(reactor, node, &read, view.position()));
            }
            Err(error) => fail(reactor, &queries, &error, view.position()),
        }
    }
}

/// The entities as they are now.
async fn read(
    view: &dyn ReadView,
    model: ModelId,
    entities: &BTreeSet<EntityId>,
    columns: &Columns,
) -> Result<ScanRows, StorageError> {
    let mut stream = view.scan(Scan {
        model,
        access: Access::Entities(entities.iter().copied().collect()),
        columns: columns.list().to_vec(),
        deleted: Deleted::Exclude,
        limit: None,
        expected: None,
    });
    let mut found = ScanRows::new(columns.list().len());
    while let Some(batch) = stream.next().await {
        for (entity, values) in batch?.iter() {
            found.push_ref(entity, values);
        }
    }
    Ok(found)
}

/// Applies what was read to each query. Gives those of which a row cannot be computed, which are run again instead.
fn apply(reactor: &Reactor, node: &Inner, read: &Read, position: Position) -> Vec<u64> {
    let mut wakers = Vec::new();
    let mut again = Vec::new();
    let mut registry = reactor.registry();
    for number in &read.queries {
        let Some(query) = registry.get_mut(*number) else { continue };
        if query.position > position {
            continue;
        }
        let mut found = read.found.iter().peekable();
        let rows = read.entities.iter().map(|entity| {
            let row = match found.next_if(|(known, _)| known == entity) {
                None => None,
                Some((_, values)) => evaluate(query, &read.columns, *entity, values)?,
            };
            Ok((*entity, row))
        });
        let Ok(rows) = rows.collect::<Result<Vec<_>, EvalError>>() else {
            again.push(*number);
            continue;
        };
        let changes: Vec<_> = rows.into_iter().filter_map(|(entity, row)| query.put(entity, row)).collect();
        query.position = position;
        if query.len() > node.options.limits.live_rows {
            registry.end(*number, &too_many(node), &mut wakers);
        } else if !changes.is_empty() {
            query.tell(&News::Changes { position, changes: changes.into() }, &mut wakers);
        }
    }
    drop(registry);
    wake(wakers);
    again
}

/// Runs a query again and tells what came of it.
async fn run_again(reactor: &Reactor, node: &Inner, view: &Arc<dyn ReadView>, number: u64) {
    let position = view.position();
    let select = match reactor.registry().get(number) {
        Some(query) if query.position <= position => query.keyed(),
        _ => return,
    };
    let found: Outcome<_> = load(node, view, select).await;
    let mut wakers = Vec::new();
    let mut registry = reactor.registry();
    let Some(query) = registry.get_mut(number) else { return };
    match found {
        Ok(found) => {
            let rows = query.rows_of(found);
            let outcome = query.refresh(rows);
            query.position = position;
            match outcome {
                Refreshed::Same => {}
                Refreshed::Changed(changes) => {
                    query.tell(&News::Changes { position, changes: changes.into() }, &mut wakers);
                }
                Refreshed::Anew => query.tell_all_rows(&mut wakers),
            }
            registry.set_unwell(number, false);
        }
        Err(failure) if failure.kind == "too-many-rows" => registry.end(number, &failure, &mut wakers),
        Err(failure) => {
            let by_store = is_of_store(&failure);
            query.position = position;
            query.break_with(failure, position, &mut wakers);
            registry.set_unwell(number, by_store);
        }
    }
    drop(registry);
    wake(wakers);
}

/// Says of some queries that the store failed.
fn fail(reactor: &Reactor, queries: &[u64], error: &StorageError, position: Position) {
    let mut wakers = Vec::new();
    let mut registry = reactor.registry();
    for number in queries {
        if let Some(query) = registry.get_mut(*number) {
            query.position = position;
            query.break_with(error.clone().into(), position, &mut wakers);
            registry.set_unwell(*number, true);
        }
    }
    drop(registry);
    wake(wakers);
}

fn fail_all(reactor: &Reactor, error: &StorageError, position: Position) {
    let queries = reactor.registry().numbers();
    fail(reactor, &queries, error, position);
}

impl super::Query {
    fn break_with(&mut self, failure: Box<Failure>, position: Position, wakers: &mut Vec<Waker>) {
        let failure: Arc<Failure> = Arc::from(failure);
        self.pending = false;
        let known = self.broken.replace(Arc::clone(&failure));
        if known.is_none_or(|known| known != failure) {
            self.tell(&News::Failed { position, failure }, wakers);
        }
    }
}
