//! Taking in what entities became.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::task::Waker;

use futures::StreamExt;

use super::evaluate::{Columns, evaluate};
use super::query::Query;
use super::queue::News;
use super::registry::Registry;
use super::result::{fail, load, too_many};
use super::row::Part;
use super::state::{Outcome as Came, RunAgain, part_of};
use super::{Reactor, wake};
use crate::id::{EntityId, ModelId};
use crate::node::Inner;
use crate::query::EvalError;
use crate::storage::{Access, Deleted, ReadView, Scan, ScanRows, StorageError};
use crate::value::Value;

/// Where references lead to what changed from more entities than these, the query is run again instead.
const MOST_REFERRING: usize = 16_384;

/// What changed in a stretch of the log.
#[derive(Debug, Default)]
pub(super) struct Changed {
    pub(super) entities: BTreeMap<ModelId, BTreeSet<EntityId>>,
    /// There were so many that they are not listed.
    pub(super) too_many: bool,
}

/// Entities of one model as they are now.
struct Read {
    columns: Arc<Columns>,
    entities: Arc<BTreeSet<EntityId>>,
    found: ScanRows,
}

/// What changed that concerns a query which follows references.
#[derive(Debug, Default)]
struct Following {
    /// Of the model that it asks.
    own: BTreeSet<EntityId>,
    /// Of the models that its references lead to.
    led_to: BTreeMap<ModelId, Arc<BTreeSet<EntityId>>>,
}

/// Takes in what changed; adds the queries that must be run again for it to `again`.
pub(super) async fn take_in(
    reactor: &Reactor,
    node: &Inner,
    view: &Arc<dyn ReadView>,
    changed: Changed,
    again: &mut BTreeSet<u64>,
) {
    if changed.too_many {
        again.extend(reactor.registry().numbers());
        return;
    }
    let models: BTreeSet<ModelId> = changed.entities.keys().copied().collect();
    again.extend(reactor.registry().stale(&models));
    let mut following: BTreeMap<u64, Following> = BTreeMap::new();
    for (model, entities) in changed.entities {
        let entities = Arc::new(entities);
        let Some(columns) = look(&reactor.registry(), model, &entities, &mut following) else { continue };
        match read(view.as_ref(), model, &entities, &columns).await {
            Ok(found) => {
                let read = Read { columns, entities, found };
                apply(reactor, node, model, &read, view, again, &mut following);
            }
            Err(error) => {
                // Which of them it concerns is not known.
                let all: Vec<u64> = {
                    let registry = reactor.registry();
                    let of_model = |query: &Query| query.shape.models.contains(&model);
                    let numbers = registry.numbers().into_iter();
                    numbers.filter(|number| registry.get(*number).is_some_and(of_model)).collect()
                };
                fail(reactor, node, all, &error, view.position());
            }
        }
    }
    for (number, concerned) in following {
        if !again.contains(&number) && !follow(reactor, node, view, number, concerned).await {
            again.insert(number);
        }
    }
}

/// Notes what changed for the queries that follow references and that every change of a model concerns. Gives what is to
/// be read of the entities for others; `None` where there are none.
fn look(
    registry: &Registry,
    model: ModelId,
    entities: &Arc<BTreeSet<EntityId>>,
    following: &mut BTreeMap<u64, Following>,
) -> Option<Arc<Columns>> {
    let index = registry.index(model)?;
    let mut others = index.has_places();
    for number in index.residual() {
        let Some(query) = registry.get(number) else { continue };
        if !query.shape.follows {
            others = true;
            continue;
        }
        let concerned = following.entry(number).or_default();
        let is_own = query.shape.select.model().is_some_and(|own| own.id == model);
        if is_own {
            concerned.own.extend(entities.iter());
        }
        if !is_own || query.shape.follows_own {
            concerned.led_to.insert(model, Arc::clone(entities));
        }
    }
    others.then(|| index.columns())
}

/// The queries of a model that the entities concern, with the numbers of those among the entities.
fn concerned(
    registry: &Registry,
    model: ModelId,
    read: &Read,
    again: &BTreeSet<u64>,
) -> BTreeMap<u64, BTreeSet<usize>> {
    let mut concerned: BTreeMap<u64, BTreeSet<usize>> = BTreeMap::new();
    let Some(index) = registry.index(model) else { return concerned };
    for number in index.residual() {
        if registry.get(number).is_some_and(|query| !query.shape.follows) {
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
    // What is run again is right without it.
    concerned.retain(|number, _| {
        !again.contains(number) && registry.get(*number).is_some_and(Query::takes_changes)
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

/// Applies what was read to each query that it concerns. Adds those of which a row cannot be computed to `again`, and
/// what concerns those that follow references to `following`.
fn apply(
    reactor: &Reactor,
    node: &Inner,
    model: ModelId,
    read: &Read,
    view: &Arc<dyn ReadView>,
    again: &mut BTreeSet<u64>,
    following: &mut BTreeMap<u64, Following>,
) {
    let mut wakers = Vec::new();
    let mut guard = reactor.registry();
    let registry = &mut *guard;
    let entities: Vec<EntityId> = read.entities.iter().copied().collect();
    // The entities that are there, by their numbers.
    let mut values = read.found.iter().peekable();
    let values: Vec<_> = entities
        .iter()
        .map(|entity| values.next_if(|(known, _)| known == entity).map(|(_, row)| row))
        .collect();
    let concerned = concerned(registry, model, read, again);
    let is_residual = |number: &&u64| registry.get(**number).is_some_and(|query| !query.is_found);
    let residual = concerned.keys().filter(is_residual).count();
    let nanos = node.env.clock.monotonic_nanos();
    registry.looks.count(residual.saturating_mul(entities.len()), nanos);
    for (number, concerned) in concerned {
        let Some(query) = registry.get(number) else { continue };
        if query.shape.follows {
            let own = concerned.into_iter().filter_map(|at| entities.get(at));
            following.entry(number).or_default().own.extend(own);
            continue;
        }
        let rows = concerned.into_iter().filter_map(|at| Some((*entities.get(at)?, values.get(at)?)));
        let parts = rows.map(|(entity, values)| {
            let part = values.map(|values| evaluate(query, &read.columns, entity, values));
            Ok((entity, part.transpose()?.flatten()))
        });
        let taken = match parts.collect::<Result<Vec<_>, EvalError>>() {
            Ok(parts) => take(registry, node, number, parts, view, nanos, &mut wakers),
            Err(_) => false,
        };
        if !taken {
            again.insert(number);
        }
    }
    drop(guard);
    wake(wakers);
}

/// Takes in what concerns a query that follows references. Gives whether it could be.
async fn follow(
    reactor: &Reactor,
    node: &Inner,
    view: &Arc<dyn ReadView>,
    number: u64,
    concerned: Following,
) -> bool {
    let (shape, filter) = match reactor.registry().get(number) {
        Some(query) if query.takes_changes() => (Arc::clone(&query.shape), query.filter.clone()),
        _ => return true,
    };
    let Following { own: mut entities, led_to } = concerned;
    if !led_to.is_empty() {
        let Ok(rows) = load(node, view, shape.referring(&led_to)).await else { return false };
        entities.extend(rows.iter().filter_map(|row| match row.first() {
            Some(Value::Ref(entity)) => Some(*entity),
            _ => None,
        }));
    }
    if entities.is_empty() {
        return true;
    }
    if entities.len() > MOST_REFERRING {
        return false;
    }
    let entities: Vec<EntityId> = entities.into_iter().collect();
    let select = shape.parts_of(filter.as_deref(), entities.clone());
    let Ok(rows) = load(node, view, select).await else { return false };
    let mut parts: BTreeMap<EntityId, Part> =
        rows.into_iter().filter_map(|row| part_of(&shape, row)).collect();
    let parts: Vec<_> = entities.into_iter().map(|entity| (entity, parts.remove(&entity))).collect();
    let nanos = node.env.clock.monotonic_nanos();
    let mut wakers = Vec::new();
    let mut registry = reactor.registry();
    if registry.get(number).is_some_and(|query| !query.is_found) {
        registry.looks.count(parts.len(), nanos);
    }
    let taken = take(&mut registry, node, number, parts, view, nanos, &mut wakers);
    drop(registry);
    wake(wakers);
    taken
}

/// Has a query take in what entities contribute now, and tells what came of it. Gives whether it could.
fn take(
    registry: &mut Registry,
    node: &Inner,
    number: u64,
    parts: Vec<(EntityId, Option<Part>)>,
    view: &Arc<dyn ReadView>,
    nanos: u64,
    wakers: &mut Vec<Waker>,
) -> bool {
    let position = view.position();
    let Some(query) = registry.get_mut(number) else { return true };
    if query.position > position {
        return true;
    }
    let shape = Arc::clone(&query.shape);
    let (moved, taken) = match query.state.take(&shape, parts) {
        Ok(Came::Told(told)) => {
            if !told.changes.is_empty() {
                let news = News::Changes { position, changes: told.changes.into() };
                query.tell(&news, nanos, wakers);
            }
            (told.moved, true)
        }
        Ok(Came::Anew(moved)) => {
            if !query.is_behind() {
                query.tell_all_rows(nanos, wakers);
            }
            (moved, true)
        }
        Err(RunAgain(moved)) => (moved, false),
    };
    // One that is behind may have joined in the midst of this step, and lack what changed before.
    if taken && !query.is_behind() {
        query.position = position;
    }
    let limit = node.options.limits.live_rows;
    let too_long = query.state.len() > limit;
    // What is grouped or distinct can be had without keeping all that it stands for.
    let too_large = query.state.is_joined() && query.state.size() > limit;
    query.gave_up |= too_large;
    if query.is_found {
        moved.into_iter().for_each(|(entity, holds)| registry.note(number, entity, holds));
    }
    if too_long && !too_large {
        registry.end(number, &too_many(node), wakers);
    }
    taken && !too_large
}
