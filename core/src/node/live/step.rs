//! A step: from a stretch of the change log to changes of results.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::task::Waker;

use futures::StreamExt;

use super::change::LiveChange;
use super::evaluate::{Columns, evaluate};
use super::query::{Outcome as Refreshed, Query};
use super::queue::News;
use super::registry::Registry;
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
        let columns = {
            let registry = reactor.registry();
            let Some(index) = registry.index(model) else { continue };
            let mut row_by_row = index.has_places();
            for number in index.residual() {
                match registry.get(number) {
                    Some(query) if query.row_by_row => row_by_row = true,
                    Some(_) => {
                        again.insert(number);
                    }
                    None => {}
                }
            }
            if !row_by_row {
                continue;
            }
            index.columns()
        };
        match read(view, model, &entities, &columns).await {
            Ok(found) => {
                let read = Read { columns, entities, found };
                let more = apply(reactor, node, model, &read, again, view.position());
                again.extend(more);
            }
            Err(error) => {
                // Which of them it concerns is not known.
                let all: Vec<u64> = {
                    let registry = reactor.registry();
                    let of_model = |query: &Query| query.shape.models.contains(&model);
                    let numbers = registry.numbers().into_iter();
                    numbers.filter(|number| registry.get(*number).is_some_and(of_model)).collect()
                };
                fail(reactor, &all, &error, view.position());
            }
        }
    }
}

/// The queries that are kept row by row and that the entities concern, with the numbers of those among the entities.
fn concerned(
    registry: &Registry,
    model: ModelId,
    read: &Read,
    again: &BTreeSet<u64>,
) -> BTreeMap<u64, BTreeSet<usize>> {
    let mut concerned: BTreeMap<u64, BTreeSet<usize>> = BTreeMap::new();
    let Some(index) = registry.index(model) else { return concerned };
    for number in index.residual() {
        if registry.get(number).is_some_and(|query| query.row_by_row) {
            concerned.insert(number, (0..read.entities.len()).collect());
        }
    }
    let mut found = read.found.iter().peekable();
    for (at, entity) in read.entities.iter().enumerate() {
        let mut add = |number| {
            concerned.entry(number).or_default().insert(at);
        };
        registry.holders(*entity).for_each(&mut add);
        if let Some((_, values)) = found.next_if(|(known, _)| known == entity) {
            index.concerned(&read.columns, *entity, values, &mut add);
        }
    }
    concerned.retain(|number, _| {
        // What is run again is right without it.
        let well = |query: &Query| query.broken.is_none() && !query.pending;
        !again.contains(number) && registry.get(*number).is_some_and(well)
    });
    concerned
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

/// Applies what was read to each query that it concerns. Gives those of which a row cannot be computed, which are run
/// again instead.
fn apply(
    reactor: &Reactor,
    node: &Inner,
    model: ModelId,
    read: &Read,
    again: &BTreeSet<u64>,
    position: Position,
) -> Vec<u64> {
    let mut wakers = Vec::new();
    let mut failed = Vec::new();
    let mut guard = reactor.registry();
    let registry = &mut *guard;
    let entities: Vec<EntityId> = read.entities.iter().copied().collect();
    // The entities that are there, by their numbers.
    let mut values = read.found.iter().peekable();
    let values: Vec<_> = entities
        .iter()
        .map(|entity| values.next_if(|(known, _)| known == entity).map(|(_, row)| row))
        .collect();
    for (number, concerned) in concerned(registry, model, read, again) {
        let Some(query) = registry.get_mut(number) else { continue };
        if query.position > position {
            continue;
        }
        let rows = concerned.into_iter().filter_map(|at| Some((*entities.get(at)?, values.get(at)?)));
        let rows = rows.map(|(entity, values)| {
            let row = values.map(|values| evaluate(query, &read.columns, entity, values));
            Ok((entity, row.transpose()?.flatten()))
        });
        let Ok(rows) = rows.collect::<Result<Vec<_>, EvalError>>() else {
            failed.push(number);
            continue;
        };
        let mut changes = Vec::new();
        let mut moved = Vec::new();
        for (entity, row) in rows {
            let Some(change) = query.put(entity, row) else { continue };
            match change {
                LiveChange::Enter { .. } => moved.push((entity, true)),
                LiveChange::Leave { .. } => moved.push((entity, false)),
                LiveChange::Update { .. } | LiveChange::Move { .. } => {}
            }
            changes.push(change);
        }
        let indexed = query.found.is_some();
        query.position = position;
        let too_long = query.len() > node.options.limits.live_rows;
        if !changes.is_empty() {
            query.tell(&News::Changes { position, changes: changes.into() }, &mut wakers);
        }
        if indexed {
            moved.into_iter().for_each(|(entity, holds)| registry.note(number, entity, holds));
        }
        if too_long {
            registry.end(number, &too_many(node), &mut wakers);
        }
    }
    drop(guard);
    wake(wakers);
    failed
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
    // Its rows may become others.
    registry.discharge(number);
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
    registry.enlist(number);
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

impl Query {
    fn break_with(&mut self, failure: Box<Failure>, position: Position, wakers: &mut Vec<Waker>) {
        let failure: Arc<Failure> = Arc::from(failure);
        self.pending = false;
        let known = self.broken.replace(Arc::clone(&failure));
        if known.is_none_or(|known| known != failure) {
            self.tell(&News::Failed { position, failure }, wakers);
        }
    }
}
