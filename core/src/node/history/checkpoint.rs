//! States of entities in the midst of their histories, so that reading a point does not begin at the genesis.
//!
//! They are made as histories are replayed and kept in memory. Each is what all operations up to an id made of an
//! entity's registers. The log tells whether another operation with a smaller id came later; then they are given up.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::PAGE;
use super::cut::Cut;
use super::replay::Replayed;
use crate::dag::{Head, VersionVector};
use crate::id::{EntityId, OpId, PropertyId};
use crate::node::redact::is_record;
use crate::property::Lww;
use crate::query::footprint;
use crate::storage::{Position, ReadView, StorageError};

/// Operations between two checkpoints; few in tests, whose histories are short.
pub(super) const STEP: usize = if cfg!(test) { 3 } else { 256 };

/// How much all checkpoints together may take, in bytes, estimated.
const BOUND: u64 = 64 << 20;

/// How many log entries are looked through to find out whether checkpoints still hold.
const LOOKED_AT: u64 = 4096;

/// What all operations of an entity up to an id made of it.
#[derive(Debug)]
pub(super) struct Checkpoint {
    /// The greatest of them.
    last: OpId,
    head: Head,
    registers: BTreeMap<PropertyId, Lww>,
    /// How far they go, actor by actor.
    vector: VersionVector,
    /// The position at which the last of them was taken in.
    accepted: Position,
}

impl Checkpoint {
    /// Of a state that no text belongs to.
    pub(super) fn new(last: OpId, state: &Replayed, vector: VersionVector, accepted: Position) -> Self {
        Checkpoint { last, head: state.head.clone(), registers: state.registers.clone(), vector, accepted }
    }

    pub(super) fn last(&self) -> OpId {
        self.last
    }

    pub(super) fn accepted(&self) -> Position {
        self.accepted
    }

    pub(super) fn vector(&self) -> &VersionVector {
        &self.vector
    }

    /// The state to go on from, without texts.
    pub(super) fn state(&self) -> Replayed {
        Replayed { head: self.head.clone(), registers: self.registers.clone(), texts: BTreeMap::new() }
    }

    fn bytes(&self) -> u64 {
        const EACH: u64 = 256;
        let registers = self.registers.values().map(|register| footprint(&register.value).saturating_add(64));
        let vector = u64::try_from(self.vector.len()).unwrap_or(u64::MAX).saturating_mul(48);
        registers.fold(EACH.saturating_add(vector), u64::saturating_add)
    }
}

/// The checkpoints of an entity, ascending, and the position up to which they are known to hold.
#[derive(Clone, Default)]
struct OfEntity {
    known: Position,
    list: Vec<Arc<Checkpoint>>,
}

#[derive(Default)]
struct Kept {
    entities: HashMap<EntityId, OfEntity>,
    bytes: u64,
}

/// The checkpoints of a node. When they take too much all are forgotten.
#[derive(Default)]
pub(crate) struct Checkpoints(Mutex<Kept>);

impl fmt::Debug for Checkpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checkpoints").finish_non_exhaustive()
    }
}

impl Checkpoints {
    /// The last checkpoint that all belongs to what a point has, as a view shows it. `changed` is where the entity was
    /// last changed.
    pub(super) async fn best(
        &self,
        view: &dyn ReadView,
        entity: EntityId,
        changed: Position,
        cut: &Cut,
    ) -> Result<Option<Arc<Checkpoint>>, StorageError> {
        let now = view.position();
        let Some(kept) = self.with(|kept| kept.entities.get(&entity).cloned()) else { return Ok(None) };
        if kept.known < now {
            let least = match changed <= kept.known {
                true => OpId::MAX,
                false => least_since(view, entity, kept.known).await?,
            };
            self.with(|kept| kept.confirm(entity, now, least));
        }
        let kept = self.with(|kept| kept.entities.get(&entity).cloned()).unwrap_or_default();
        // A view of before shows what was there then.
        if kept.known != now {
            return Ok(None);
        }
        let fits = |checkpoint: &&Arc<Checkpoint>| cut.includes(checkpoint);
        Ok(kept.list.iter().rev().find(fits).cloned())
    }

    /// Keeps checkpoints that were made of what a view shows.
    pub(super) fn keep(&self, position: Position, entity: EntityId, made: Vec<Checkpoint>) {
        if made.is_empty() {
            return;
        }
        self.with(|kept| {
            let of_entity =
                kept.entities.entry(entity).or_insert_with(|| OfEntity { known: position, list: Vec::new() });
            // What was made of an older view may lack what came since, what was kept of an older one too.
            if of_entity.known != position {
                return;
            }
            for checkpoint in made {
                if let Err(place) = of_entity.list.binary_search_by_key(&checkpoint.last, |known| known.last)
                {
                    kept.bytes = kept.bytes.saturating_add(checkpoint.bytes());
                    of_entity.list.insert(place, Arc::new(checkpoint));
                }
            }
            if kept.bytes > BOUND {
                *kept = Kept::default();
            }
        });
    }

    fn with<T>(&self, act: impl FnOnce(&mut Kept) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Kept {
    /// Notes that up to a position no operation of an entity came or went with an id smaller than `least`.
    fn confirm(&mut self, entity: EntityId, position: Position, least: OpId) {
        let Some(of_entity) = self.entities.get_mut(&entity) else { return };
        let mut freed = 0u64;
        of_entity.list.retain(|checkpoint| {
            let holds = checkpoint.last < least;
            if !holds {
                freed = freed.saturating_add(checkpoint.bytes());
            }
            holds
        });
        of_entity.known = of_entity.known.max(position);
        self.bytes = self.bytes.saturating_sub(freed);
    }
}

/// The smallest id of the operations of an entity that were accepted or withdrawn after a position; that of none where
/// too much was written since to look.
async fn least_since(view: &dyn ReadView, entity: EntityId, after: Position) -> Result<OpId, StorageError> {
    if view.position().0.saturating_sub(after.0) > LOOKED_AT {
        return Ok(OpId::MIN);
    }
    let mut least = OpId::MAX;
    let mut after = after;
    loop {
        let page = view.log(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(least) };
        after = last.position;
        let changes = page.iter().flat_map(|entry| &entry.changes).filter(|change| change.entity == entity);
        for change in changes {
            // A base came, or a text was put together anew.
            if change.operations.is_empty() {
                return Ok(OpId::MIN);
            }
            for id in &change.operations {
                least = least.min(*id);
                let held = view.operation(entity, *id).await?;
                if held.is_none_or(|(_, operation)| is_record(&operation)) {
                    return Ok(OpId::MIN);
                }
            }
        }
    }
}
