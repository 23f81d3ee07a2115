//! [`Overlay`].

use std::collections::{BTreeMap, BTreeSet};

use super::{Link, RunLookup, RunStart};
use crate::env::BoxFuture;
use crate::id::{ActorId, EntityId, OpId};
use crate::operation::Operation;
use crate::storage::StorageError;

/// Operations that are about to be accepted, over a lookup of those that are: to place the operations of one
/// batch one after the other before anything is committed.
#[derive(Debug)]
pub struct Overlay<'a, L: ?Sized> {
    below: &'a L,
    runs: BTreeMap<(EntityId, ActorId, u64), RunStart>,
    parents: BTreeMap<(EntityId, OpId), Vec<Link>>,
    equivocal: BTreeMap<EntityId, BTreeSet<ActorId>>,
}

impl<'a, L: RunLookup + ?Sized> Overlay<'a, L> {
    /// Nothing yet, over `below`.
    pub fn new(below: &'a L) -> Self {
        Overlay { below, runs: BTreeMap::new(), parents: BTreeMap::new(), equivocal: BTreeMap::new() }
    }

    /// Adds an operation.
    pub fn accept(&mut self, operation: &Operation) {
        self.insert(operation.entity(), operation.id(), operation.parents());
    }

    /// Adds an operation by its id and parents.
    pub fn insert(&mut self, entity: EntityId, id: OpId, parents: &[Link]) {
        self.parents.insert((entity, id), parents.to_vec());
    }

    /// Adds a run.
    pub fn start(&mut self, run: RunStart) {
        self.runs.insert((run.entity, run.first.actor, run.first.sequence), run);
    }

    /// Flags an actor on an entity as equivocal.
    pub fn flag(&mut self, entity: EntityId, actor: ActorId) {
        self.equivocal.entry(entity).or_default().insert(actor);
    }

    /// The actors flagged here, by entity, without those that were flagged below.
    pub fn flagged(&self) -> impl Iterator<Item = (EntityId, &BTreeSet<ActorId>)> {
        self.equivocal.iter().map(|(entity, actors)| (*entity, actors))
    }
}

impl<L: RunLookup + ?Sized> RunLookup for Overlay<'_, L> {
    fn run(
        &self,
        entity: EntityId,
        actor: ActorId,
        sequence: u64,
    ) -> BoxFuture<'_, Result<Option<RunStart>, StorageError>> {
        Box::pin(async move {
            let range = (entity, actor, 0)..=(entity, actor, sequence);
            let here = self.runs.range(range).next_back().map(|(_, run)| run);
            let below = match here {
                Some(run) if run.first.sequence == sequence => None,
                _ => self.below.run(entity, actor, sequence).await?,
            };
            let later = |run: &&RunStart| {
                below.as_ref().is_none_or(|below| run.first.sequence >= below.first.sequence)
            };
            Ok(here.filter(later).cloned().or(below))
        })
    }

    fn parents(&self, entity: EntityId, id: OpId) -> BoxFuture<'_, Result<Option<Vec<Link>>, StorageError>> {
        Box::pin(async move {
            match self.parents.get(&(entity, id)) {
                Some(parents) => Ok(Some(parents.clone())),
                None => self.below.parents(entity, id).await,
            }
        })
    }

    fn equivocal(&self, entity: EntityId) -> BoxFuture<'_, Result<BTreeSet<ActorId>, StorageError>> {
        Box::pin(async move {
            let mut actors = self.below.equivocal(entity).await?;
            actors.extend(self.equivocal.get(&entity).into_iter().flatten());
            Ok(actors)
        })
    }
}
