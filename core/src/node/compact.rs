//! Folding the history of an entity up to a horizon into a base, and taking in bases that were made elsewhere.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::known::{Known, damaged};
use crate::codec::{DecodeError, Problem, Reader, Writer};
use crate::dag::{Head, RunStart};
use crate::entity::{BaseState, BaseText, State};
use crate::id::{EntityId, OpId, PropertyId};
use crate::operation::{Change, Operation};
use crate::property::Lww;
use crate::property::text::TextDocument;
use crate::storage::{Batch, Position, ReadView, StorageError, TextWrite};

/// The greatest base in bytes, 12 MiB: with the runs it must fit into a message between nodes. What would become larger
/// is not folded.
pub(crate) const MAX_BASE: usize = 12 << 20;

/// The most runs that go with a base.
const MAX_RUNS: usize = 1 << 20;

/// The first byte of a base with its runs, among operations that nodes send each other.
pub(crate) const CONTAINER: u8 = 0x81;

/// The operations up to a frontier that an operation of an entity declares the horizon, if it does.
pub(crate) fn horizon(operation: &Operation) -> Option<&Head> {
    operation.leaves().iter().find_map(|leaf| match &leaf.change {
        Change::Horizon(frontier) => Some(frontier),
        _ => None,
    })
}

/// What is known of an entity, with everything up to a frontier folded into its base: the base, and the operations that
/// went into it. `None` where there is nothing to fold, or the base would be too large.
pub(crate) fn folded(
    known: &Known,
    frontier: &Head,
) -> Result<Option<(BaseState, BTreeSet<OpId>)>, StorageError> {
    let closure = known.closure(frontier.links());
    let mut state: Option<State> = known.base.as_ref().map(BaseState::state);
    let mut base = match &known.base {
        Some(base) => base.base.clone(),
        None => Default::default(),
    };
    let mut born = known.base.as_ref().map_or(OpId::MAX, |base| base.born);
    let mut positions = known.base.as_ref().map(|base| base.positions);
    let mut written: BTreeSet<PropertyId> = BTreeSet::new();
    for id in &closure {
        let Some((position, operation)) = known.operations.get(id) else { continue };
        match &mut state {
            Some(state) => state.apply(operation),
            None => State::begin(operation).map(|begun| state = Some(begun)),
        }
        .map_err(|error| damaged(operation, &error))?;
        if let Some(origin) = operation.origin() {
            base.vector.raise(origin.actor, origin.sequence);
            born = born.min(*id);
        }
        let (first, last) = positions.unwrap_or((*position, *position));
        positions = Some((first.min(*position), last.max(*position)));
        let texts = operation.leaves().iter().filter(|leaf| matches!(leaf.change, Change::Text(_)));
        written.extend(texts.map(|leaf| leaf.property));
    }
    let (Some(state), false) = (state, closure.is_empty()) else { return Ok(None) };
    base.frontier = state.head.clone();
    let mut folded = BaseState {
        entity: state.entity,
        model: state.model,
        base,
        born,
        positions: positions.unwrap_or_default(),
        registers: state.registers.clone(),
        texts: Default::default(),
    };
    for (property, version) in &state.texts {
        let mut document = TextDocument::default();
        if let Some(text) = known.base.as_ref().and_then(|base| base.texts.get(property)) {
            document.merge(&text.snapshot).map_err(|error| bad_base(state.entity, &error))?;
        }
        for (_, operation) in closure.iter().filter_map(|id| known.operations.get(id)) {
            if let Some(Change::Text(update)) = operation.change(*property) {
                document.apply(update).map_err(|error| damaged(operation, &error))?;
            }
        }
        // Where something is missing it cannot stand for its operations.
        let Ok(snapshot) = document.snapshot() else { return Ok(None) };
        let text = BaseText { operations: version.operations(), snapshot: Arc::from(snapshot) };
        folded.texts.insert(*property, text);
    }
    let mut writer = Writer::new();
    folded.encode(&mut writer);
    Ok((writer.as_bytes().len() <= MAX_BASE).then_some((folded, closure)))
}

fn bad_base(entity: EntityId, error: &impl ToString) -> StorageError {
    StorageError::Damaged { what: format!("base of entity {entity}"), message: error.to_string() }
}

/// Puts a base into a batch in the place of operations, and texts anew into the store.
fn put(
    base: BaseState,
    gone: BTreeSet<OpId>,
    known: &Known,
    state: &mut State,
    batch: &mut Batch,
) -> Result<(), StorageError> {
    let entity = base.entity;
    state.base = Some(base.base.clone());
    for property in state.texts.keys().copied().collect::<Vec<_>>() {
        let snapshot = known.text(property)?.snapshot().map_err(|error| bad_base(entity, &error))?;
        if let Some(version) = state.texts.get_mut(&property) {
            *version = version.folded();
        }
        batch.texts.push(TextWrite::Fold { entity, property, snapshot: Arc::from(snapshot) });
    }
    batch.folded.extend(gone.into_iter().map(|id| (entity, id)));
    batch.bases.retain(|known| known.entity != entity);
    batch.bases.push(base);
    Ok(())
}

/// Adds to a batch what follows from an operation that declares a horizon. `state` is the entity's state with the
/// operation, which is in the batch. Where an actor of the entity wrote twice under one number, nothing is folded: only
/// the operations tell then what is known.
pub(crate) async fn carry_out(
    view: &dyn ReadView,
    operation: &Operation,
    equivocal: bool,
    state: &mut State,
    batch: &mut Batch,
) -> Result<(), StorageError> {
    let Some(frontier) = horizon(operation).filter(|_| !equivocal) else { return Ok(()) };
    let known = Known::load(view, batch, operation.entity()).await?;
    let Some((base, gone)) = folded(&known, frontier)? else { return Ok(()) };
    first_runs(view, &known, batch).await?;
    put(base, gone, &known, state, batch)
}

/// Adds the runs that begin with an entity to a batch: they are not stored apart as long as its genesis is there.
async fn first_runs(view: &dyn ReadView, known: &Known, batch: &mut Batch) -> Result<(), StorageError> {
    let all: Vec<_> = known.iter().collect();
    for first in all {
        let begins = first.is_genesis() || first.parents().iter().all(crate::dag::Link::is_keyed);
        if let Some(origin) = first.origin().filter(|_| begins) {
            let run = view.run(first.entity(), origin.actor, origin.sequence).await?;
            batch.runs.extend(run.filter(|run| run.first.id == first.id()));
        }
    }
    Ok(())
}

/// A base as nodes send it, with the runs by which ancestry is decided.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Container {
    pub(crate) base: BaseState,
    pub(crate) runs: Vec<RunStart>,
}

impl Container {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.u8(CONTAINER);
        self.base.encode(&mut writer);
        writer.count(self.runs.len());
        self.runs.iter().for_each(|run| run.encode(&mut writer));
        writer.into_bytes()
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        if reader.u8("container")? != CONTAINER {
            return Err(reader.error_at(0, "container", Problem::Rule("not that of a base")));
        }
        let base = BaseState::decode(&mut reader)?;
        let count = reader.count("runs", MAX_RUNS, 80)?;
        let mut runs = Vec::with_capacity(count.min(1024));
        for _ in 0..count {
            let at = reader.offset();
            let run = RunStart::decode(&mut reader)?;
            if run.entity != base.entity {
                return Err(reader.error_at(at, "run", Problem::Rule("it is of another entity")));
            }
            runs.push(run);
        }
        reader.finish()?;
        Ok(Container { base, runs })
    }

    /// The base of an entity, where it has one, with its runs up to the last operation.
    pub(crate) async fn of(view: &dyn ReadView, entity: EntityId) -> Result<Option<Self>, StorageError> {
        let Some(base) = view.base(entity).await? else { return Ok(None) };
        let mut runs = Vec::new();
        let actors: Vec<_> = base.base.vector.iter().collect();
        for (actor, last) in actors {
            let mut sequence = last;
            while let Some(run) = view.run(entity, actor, sequence).await? {
                sequence = run.first.sequence.saturating_sub(1);
                runs.push(run);
                if sequence == 0 {
                    break;
                }
            }
        }
        Ok(Some(Container { base, runs }))
    }
}

/// The join of two bases of an entity.
fn join(a: BaseState, b: &BaseState) -> Result<BaseState, StorageError> {
    let frontier = union(&a.base.frontier, |link| a.covers(link), &b.base.frontier, |link| b.covers(link));
    let mut joined = a;
    joined.base.frontier = frontier;
    joined.base.vector.join(&b.base.vector);
    joined.born = joined.born.min(b.born);
    // It was not all here before now.
    joined.positions = (Position::default(), Position::default());
    for (property, register) in &b.registers {
        join_register(&mut joined.registers, *property, register);
    }
    for (property, text) in &b.texts {
        match joined.texts.get_mut(property) {
            None => {
                joined.texts.insert(*property, text.clone());
            }
            Some(own) => {
                let mut document = TextDocument::default();
                for snapshot in [&own.snapshot, &text.snapshot] {
                    document.merge(snapshot).map_err(|error| bad_base(joined.entity, &error))?;
                }
                let snapshot = document.snapshot().map_err(|error| bad_base(joined.entity, &error))?;
                let operations = own.operations.max(text.operations);
                *own = BaseText { operations, snapshot: Arc::from(snapshot) };
            }
        }
    }
    Ok(joined)
}

fn join_register(
    registers: &mut std::collections::BTreeMap<PropertyId, Lww>,
    property: PropertyId,
    register: &Lww,
) {
    match registers.get_mut(&property) {
        Some(own) => own.join(register.clone()),
        None => {
            registers.insert(property, register.clone());
        }
    }
}

/// The maximal operations of the union of two closed sets, by those of each and what each has.
fn union(
    a: &Head,
    in_a: impl Fn(&crate::dag::Link) -> bool,
    b: &Head,
    in_b: impl Fn(&crate::dag::Link) -> bool,
) -> Head {
    let of_a = a.links().iter().filter(|link| b.contains(link) || !in_b(link));
    let of_b = b.links().iter().filter(|link| a.contains(link) || !in_a(link));
    Head::of(of_a.chain(of_b).copied())
}

/// Takes in a base that was made elsewhere: adds it to a batch, and joins it into what is known of the entity. Gives
/// whether it brought anything. `closure` is how far everything known of the entity goes.
pub(crate) async fn adopt(
    view: &dyn ReadView,
    container: &Container,
    closure: &crate::dag::VersionVector,
    state: &mut Option<State>,
    batch: &mut Batch,
) -> Result<bool, StorageError> {
    let brought = &container.base;
    let entity = brought.entity;
    let Some(own) = state else {
        let mut fresh = brought.state();
        let known = Known { base: Some(brought.clone()), operations: Default::default() };
        put(brought.clone(), BTreeSet::new(), &known, &mut fresh, batch)?;
        batch.runs.extend(container.runs.iter().cloned());
        *state = Some(fresh);
        return Ok(true);
    };
    // What is here says the same in more words.
    if own.model != brought.model || closure.includes(&brought.base.vector) {
        return Ok(false);
    }
    let mut known = Known::load(view, batch, entity).await?;
    first_runs(view, &known, batch).await?;
    let base = match known.base.take() {
        Some(base) => join(base, brought)?,
        None => brought.clone(),
    };
    let below = known.operations.iter().filter(|(_, (_, operation))| base.covers(&operation.link()));
    let gone: BTreeSet<OpId> = below.map(|(id, _)| *id).collect();
    known.operations.retain(|id, _| !gone.contains(id));
    own.head =
        union(&own.head, |link| closure.covers(link), &brought.base.frontier, |link| brought.covers(link));
    for (property, register) in &base.registers {
        join_register(&mut own.registers, *property, register);
    }
    let mut joined = base.state();
    for operation in known.iter() {
        // Only to count what changed its texts.
        let _ = joined.apply(operation);
    }
    own.texts = joined.texts;
    known.base = Some(base.clone());
    put(base, gone, &known, own, batch)?;
    batch.runs.extend(container.runs.iter().cloned());
    Ok(true)
}
