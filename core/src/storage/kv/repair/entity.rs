//! An entity's operations, runs, texts and state.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::super::record;
use super::super::view::{read_base, read_operation, read_text};
use super::super::{KvRange, KvStore, PageLimit, layout};
use super::log::{Log, names};
use super::rest::Rest;
use super::{Repair, WRITES, each};
use crate::dag::{DagIndex, RunStart, decode_equivocal, encode_equivocal, equivocal_record};
use crate::entity::{BaseState, State, TextVersion, apply};
use crate::id::{ActorId, EntityId, ModelId, OpId, PropertyId};
use crate::operation::{Change, Operation};
use crate::property::text::TextDocument;
use crate::storage::{Aside, Position, SetAside, StorageError};

/// Operations of a text after which they are made into a snapshot instead of being left as a tail.
const TAIL: usize = 64;

/// An operation as it was found.
struct Found {
    at: Position,
    follower: Option<OpId>,
    operation: Arc<Operation>,
}

/// The operations of an entity as they were found, ascending.
#[derive(Default)]
struct History {
    found: Vec<Found>,
    /// Those that cannot be read.
    lost: Vec<OpId>,
}

/// Repairs every entity of which there are operations.
pub(super) async fn all<S: KvStore>(
    repair: &mut Repair<'_, S>,
    log: &mut Log,
    rest: &mut Rest,
) -> Result<(), StorageError> {
    rest.find_based(repair).await?;
    let mut current: Option<(EntityId, History)> = None;
    let mut named = 0u64;
    each!(repair.kv, KvRange::prefix(&[layout::OPERATION]), |key, value| {
        let (Some(entity), Some(id)) = (layout::id_at(key, 1).map(EntityId), layout::id_at(key, 17)) else {
            continue;
        };
        if current.as_ref().is_some_and(|(last, _)| *last != entity) {
            if let Some((last, history)) = current.take() {
                one(repair, log, rest, last, history).await?;
                repair.apply(WRITES).await?;
            }
        }
        let (_, history) = current.get_or_insert_with(|| (entity, History::default()));
        match record::decode_first_operation(entity, id, value) {
            Ok((follower, (at, operation))) => {
                named = named.saturating_add(1);
                history.found.push(Found { at, follower, operation });
            }
            Err(error) => {
                repair.told_by(error, true)?;
                repair.delete(key.to_vec());
                history.lost.push(id);
            }
        }
    });
    if let Some((last, history)) = current.take() {
        one(repair, log, rest, last, history).await?;
    }
    repair.apply(1).await?;
    for (entity, id) in log.lost() {
        if rest.based.contains_key(&entity) {
            continue;
        }
        repair.lose(
            format!("operation {id}"),
            format!("the log names it, but entity {entity} does not have it"),
        );
        let model = rest.models.get(&entity).copied();
        if let Some(model) = model {
            log.forget(model, entity, id);
        }
    }
    if log.named() < named {
        unnamed(repair, log).await?;
    }
    Ok(())
}

/// Finds the operations that no entry of the log names.
async fn unnamed<S: KvStore>(repair: &mut Repair<'_, S>, log: &mut Log) -> Result<(), StorageError> {
    each!(repair.kv, KvRange::prefix(&[layout::OPERATION]), |key, value| {
        let (Some(entity), Some(id)) = (layout::id_at(key, 1).map(EntityId), layout::id_at(key, 17)) else {
            continue;
        };
        let Ok((follower, (at, operation))) = record::decode_first_operation(entity, id, value) else {
            continue;
        };
        if log.is_mended(at) || names(repair.kv, at, entity, id).await? {
            continue;
        }
        repair.tell(format!("operation {id}"), "the log did not name it");
        let at = log.add(&operation);
        repair.put(key.to_vec(), record::encode_operation(at, follower, &operation));
    });
    Ok(())
}

/// Repairs one entity.
async fn one<S: KvStore>(
    repair: &mut Repair<'_, S>,
    log: &mut Log,
    rest: &mut Rest,
    entity: EntityId,
    mut history: History,
) -> Result<(), StorageError> {
    changed_genesis(repair, log, rest, entity, &mut history);
    let based = rest.based.contains_key(&entity);
    let mut dag = DagIndex::new(entity);
    let mut state: Option<State> = None;
    let mut kept: Vec<Found> = Vec::with_capacity(history.found.len());
    let mut last = Position::default();
    for mut found in history.found {
        let operation = Arc::clone(&found.operation);
        let model = *rest.models.entry(entity).or_insert_with(|| operation.model());
        let place = log.accepted(found.at, operation.id());
        // What stands on a base cannot be told from what stands on nothing by the operations alone.
        let stands = based || stands(&mut dag, &mut state, model, &operation);
        if !stands {
            park(repair, log, &dag, &operation);
            continue;
        }
        let at = log.keep(&operation, place);
        if at != found.at {
            let what = format!("operation {} of entity {entity}", operation.id());
            repair.tell(
                what,
                format!("it said that position {} took it in, which the log does not", found.at.0),
            );
            found.at = at;
            let key = layout::operation(entity, operation.id());
            repair.put(key, record::encode_operation(at, found.follower, &operation));
        }
        if operation.is_genesis() {
            rest.counts.entry(model).or_default().naming.admit(&operation);
        }
        last = last.max(at);
        kept.push(found);
    }
    for id in history.lost {
        if let Some(model) =
            rest.models.get(&entity).copied().or_else(|| state.as_ref().map(|state| state.model))
        {
            log.forget(model, entity, id);
        }
    }
    let base = if based { stored_base(repair, entity).await? } else { None };
    if let Some(base) = &base {
        state = above(base, &kept);
        last = last.max(base.positions.1);
    }
    let Some(mut state) = state else { return Ok(()) };
    state.position = last;
    if !based {
        rest.known.insert(entity);
        runs(repair, &dag, &kept).await?;
        equivocal(repair, &dag).await?;
    }
    let stored = stored_state(repair, state.model, entity).await?;
    texts(repair, &mut state, stored.as_ref(), base.as_ref(), &kept).await?;
    let same = stored.as_ref().is_some_and(|stored| {
        let moved = State { position: stored.position, ..state.clone() };
        *stored == moved && stored.position >= last && stored.position <= log.end()
    });
    if !same {
        if stored.is_some() {
            repair.tell(format!("state of entity {entity}"), "it was not what the operations give");
        }
        repair.put(layout::state(state.model, entity), record::encode_state(&state));
    }
    Ok(())
}

/// The base of an entity, if it can be read: nothing else gives it.
async fn stored_base<S: KvStore>(
    repair: &mut Repair<'_, S>,
    entity: EntityId,
) -> Result<Option<BaseState>, StorageError> {
    match read_base(repair.kv, entity).await {
        Err(error @ StorageError::Damaged { .. }) => repair.told_by(error, true).map(|()| None),
        base => base,
    }
}

/// The state that a base and the operations above it give.
fn above(base: &BaseState, kept: &[Found]) -> Option<State> {
    let mut state = base.state();
    kept.iter().try_for_each(|found| state.apply(&found.operation)).ok().map(|()| state)
}

/// The id of a genesis says nothing of its content, so that it was changed is told by those that follow it: then it is
/// as good as lost.
fn changed_genesis<S: KvStore>(
    repair: &mut Repair<'_, S>,
    log: &mut Log,
    rest: &mut Rest,
    entity: EntityId,
    history: &mut History,
) {
    let Some(genesis) = history.found.first().filter(|found| found.operation.is_genesis()) else { return };
    let (link, model) = (genesis.operation.link(), genesis.operation.model());
    let contradicts = |found: &Found| {
        found.operation.parents().iter().any(|parent| parent.id == link.id && *parent != link)
    };
    if !history.found.iter().any(contradicts) {
        return;
    }
    let what = format!("operation {} of entity {entity}", link.id);
    repair.lose(what, "its content is not the one that the operations after it follow");
    repair.delete(layout::operation(entity, link.id));
    rest.models.insert(entity, model);
    log.forget(model, entity, link.id);
    history.found.remove(0);
}

/// Takes an operation in after its parents; `false` where one of them is not there, or it cannot follow them.
fn stands(dag: &mut DagIndex, state: &mut Option<State>, model: ModelId, operation: &Operation) -> bool {
    if operation.model() != model || operation.parents().iter().any(|parent| dag.get(parent.id).is_none()) {
        return false;
    }
    let Ok(next) = apply(state.as_ref(), operation) else { return false };
    if dag.accept(operation).is_err() {
        return false;
    }
    *state = Some(next);
    true
}

/// Parks an operation of which a parent is lost.
fn park<S: KvStore>(repair: &mut Repair<'_, S>, log: &mut Log, dag: &DagIndex, operation: &Operation) {
    let (id, entity) = (operation.id(), operation.entity());
    let lacking = operation.parents().iter().filter(|parent| dag.get(parent.id).is_none());
    let missing: Vec<OpId> = lacking.map(|parent| parent.id).collect();
    let named: Vec<String> = missing.iter().map(ToString::to_string).collect();
    let message = format!("it is parked, as what it follows is lost: {}", named.join(", "));
    repair.tell(format!("operation {id} of entity {entity}"), message);
    log.withdraw(operation);
    let reason = "waits for parents".to_owned();
    let aside = Aside { id, entity, bytes: Arc::from(operation.encode()), reason, missing };
    repair.delete(layout::operation(entity, id));
    repair.put(layout::aside(SetAside::Parked, id), record::encode_aside(&aside));
}

async fn stored_state<S: KvStore>(
    repair: &mut Repair<'_, S>,
    model: ModelId,
    entity: EntityId,
) -> Result<Option<State>, StorageError> {
    match repair.kv.get(&layout::state(model, entity)).await? {
        None => repair.tell(format!("state of entity {entity}"), "it was missing"),
        Some(bytes) => match record::decode_state(model, entity, &bytes) {
            Ok(state) => return Ok(Some(state)),
            Err(error) => repair.told_by(error, false)?,
        },
    }
    Ok(None)
}

/// The runs that are stored, of those that the operations give: the one that begins with the entity follows from its
/// first operations.
fn stored_runs<'d>(dag: &'d DagIndex, kept: &[Found]) -> BTreeMap<(u64, u64), &'d RunStart> {
    let genesis = kept.first();
    let follows = |run: &RunStart| {
        let id = run.first.id;
        let first = id == run.entity.0 || genesis.is_some_and(|genesis| genesis.follower == Some(id));
        first && run.vector.len() == 1 && run.vector.get(run.first.actor) == run.first.sequence
    };
    dag.runs()
        .filter(|run| !follows(run))
        .map(|run| ((run.first.actor.get(), run.first.sequence), run))
        .collect()
}

async fn runs<S: KvStore>(
    repair: &mut Repair<'_, S>,
    dag: &DagIndex,
    kept: &[Found],
) -> Result<(), StorageError> {
    let entity = dag.entity();
    let what = |actor: u64, sequence: u64| format!("run of actor {actor} from {sequence} of entity {entity}");
    let mut expected = stored_runs(dag, kept);
    each!(repair.kv, KvRange::prefix(&layout::runs(entity)), |key, value| {
        let number = |from: usize| {
            key.get(from..).and_then(|rest| rest.first_chunk::<8>()).map(|it| u64::from_be_bytes(*it))
        };
        let (Some(actor), Some(sequence)) = (number(17), number(25)) else { continue };
        // Runs of an actor that wrote twice mean nothing.
        if dag.equivocal().contains(&ActorId::new(actor)) {
            expected.remove(&(actor, sequence));
            continue;
        }
        match (expected.remove(&(actor, sequence)), record::decode_run(entity, value)) {
            (Some(run), Ok(found)) if found == *run => {}
            (Some(run), _) => {
                repair.tell(what(actor, sequence), "it was not what the operations give");
                repair.put(key.to_vec(), record::encode_run(run));
            }
            // One that begins with the entity may be stored all the same.
            (None, Ok(found)) if dag.runs().any(|run| *run == found) => {}
            (None, _) => {
                repair.tell(what(actor, sequence), "there is no such run");
                repair.delete(key.to_vec());
            }
        }
    });
    for ((actor, sequence), run) in expected {
        if !dag.equivocal().contains(&run.first.actor) {
            repair.tell(what(actor, sequence), "it was missing");
            repair.put(layout::run(entity, run.first.actor, sequence), record::encode_run(run));
        }
    }
    Ok(())
}

/// The record of the actors that wrote twice.
async fn equivocal<S: KvStore>(repair: &mut Repair<'_, S>, dag: &DagIndex) -> Result<(), StorageError> {
    let name = equivocal_record(dag.entity());
    let key = layout::record(&name);
    let found = match repair.kv.get(&key).await? {
        None if dag.equivocal().is_empty() => return Ok(()),
        None => None,
        Some(bytes) => {
            record::decode_record(&name, &bytes).ok().and_then(|bytes| decode_equivocal(&bytes).ok())
        }
    };
    // Actors may be listed of which the operations were withdrawn since.
    if found.as_ref().is_some_and(|found| found.is_superset(dag.equivocal())) {
        return Ok(());
    }
    repair.tell(format!("record {name}"), "it was not what the operations give");
    repair.put(key, record::encode_record(&encode_equivocal(dag.equivocal())));
    Ok(())
}

/// Compares each text with what the operations give. One that is right stays as it is stored.
async fn texts<S: KvStore>(
    repair: &mut Repair<'_, S>,
    state: &mut State,
    stored: Option<&State>,
    base: Option<&BaseState>,
    kept: &[Found],
) -> Result<(), StorageError> {
    let entity = state.entity;
    let properties: Vec<PropertyId> = state.texts.keys().copied().collect();
    for property in properties {
        // Redactions count as changes of a text, too.
        let all = state.text(property).map_or(0, TextVersion::operations);
        let updates: Vec<(&Found, &Arc<[u8]>)> = kept
            .iter()
            .filter_map(|found| match found.operation.change(property) {
                Some(Change::Text(update)) => Some((found, update)),
                _ => None,
            })
            .collect();
        let of_state = stored.and_then(|state| state.text(property));
        let expected = Expected {
            entity,
            property,
            count: all,
            base: base.and_then(|base| base.texts.get(&property)).map(|text| Arc::clone(&text.snapshot)),
            updates,
        };
        if let Some(version) = sound_text(repair, of_state, &expected).await? {
            state.texts.insert(property, version);
            continue;
        }
        repair.tell(format!("text {property} of entity {entity}"), "it was not what the operations give");
        for prefix in [layout::tail(entity, property), layout::text(entity, property)] {
            each!(repair.kv, KvRange::prefix(&prefix), |key, _value| {
                repair.delete(key.to_vec());
            });
        }
        state.texts.insert(property, write_text(repair, &expected)?);
    }
    Ok(())
}

/// What a text is to be.
struct Expected<'f> {
    entity: EntityId,
    property: PropertyId,
    /// How many operations changed it.
    count: u64,
    /// What is below the entity's base.
    base: Option<Arc<[u8]>>,
    /// What operations say that are there.
    updates: Vec<(&'f Found, &'f Arc<[u8]>)>,
}

impl Expected<'_> {
    fn document(&self) -> Option<TextDocument> {
        let updates = self.updates.iter().map(|(_, update)| &***update);
        TextDocument::load(ActorId::new(0), self.base.as_deref(), updates).ok()
    }
}

/// The version of a stored text, if it is what the operations give and says how many it has.
async fn sound_text<S: KvStore>(
    repair: &Repair<'_, S>,
    of_state: Option<TextVersion>,
    expected: &Expected<'_>,
) -> Result<Option<TextVersion>, StorageError> {
    let Expected { entity, property, count, updates, .. } = expected;
    let (entity, property) = (*entity, *property);
    let stored = match read_text(repair.kv, entity, property).await {
        Ok(stored) => stored,
        Err(StorageError::Damaged { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let all: BTreeSet<OpId> = updates.iter().map(|(found, _)| found.operation.id()).collect();
    let tail: BTreeSet<OpId> = stored.tail.iter().copied().collect();
    if tail.len() != stored.tail.len() || !tail.is_subset(&all) {
        return Ok(None);
    }
    let long = |length: usize| u64::try_from(length).unwrap_or(u64::MAX);
    let folded = count.saturating_sub(long(tail.len()));
    if (folded > 0) != stored.snapshot.is_some() {
        return Ok(None);
    }
    let mut changes = Vec::with_capacity(stored.tail.len());
    for id in &stored.tail {
        match read_operation(repair.kv, entity, *id).await {
            Ok(Some((_, operation))) => changes.push(operation),
            Ok(None) | Err(StorageError::Damaged { .. }) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
    let tail_updates = changes.iter().filter_map(|operation| match operation.change(property) {
        Some(Change::Text(update)) => Some(&**update),
        _ => None,
    });
    let Ok(mut found) = TextDocument::load(ActorId::new(0), stored.snapshot.as_deref(), tail_updates) else {
        return Ok(None);
    };
    let Some(mut expected) = expected.document() else { return Ok(None) };
    let version = TextVersion { folded, tail: long(tail.len()) };
    let same = found.text() == expected.text()
        && found.known() == expected.known()
        && found.waiting() == expected.waiting()
        && of_state
            .is_none_or(|of_state| of_state == version || of_state.operations() != version.operations());
    Ok(same.then_some(version))
}

/// Writes a text anew.
fn write_text<S: KvStore>(
    repair: &mut Repair<'_, S>,
    expected: &Expected<'_>,
) -> Result<TextVersion, StorageError> {
    let Expected { entity, property, count, updates, .. } = expected;
    let (entity, property, count) = (*entity, *property, *count);
    // Some of what changed it is there no longer, or is no update.
    let folded = u64::try_from(updates.len()).is_ok_and(|updates| updates < count);
    let long = folded || updates.len() > TAIL;
    let snapshot = expected.document().filter(|_| long).and_then(|document| document.snapshot().ok());
    if let Some(snapshot) = snapshot {
        repair.put(layout::text(entity, property), record::encode_text(&snapshot));
        return Ok(TextVersion { folded: count, tail: 0 });
    }
    for (number, (found, _)) in (0u32..).zip(updates) {
        let key = layout::tail_item(entity, property, found.at, number);
        repair.put(key, record::encode_tail(found.operation.id()));
    }
    Ok(TextVersion { folded: 0, tail: count })
}
