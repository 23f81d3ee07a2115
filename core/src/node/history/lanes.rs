//! The states along a DAG: of each operation what its parents' join made of the entity, and what it makes of that.
//!
//! Operations come in the order of ids. What each left is kept for those that follow it, as long as that is likely to
//! be soon; what was given up is replayed.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::cut::{Closure, Cut};
use super::replay::{Replayed, Texts};
use crate::id::{EntityId, OpId};
use crate::operation::Operation;
use crate::storage::{ReadView, StorageError};

/// How many states are kept that no operation in sight follows.
const KEPT: usize = 16;

/// The states along a DAG.
pub(super) struct Lanes<'v> {
    view: &'v dyn ReadView,
    entity: EntityId,
    texts: Texts,
    /// What each operation left.
    kept: BTreeMap<OpId, Replayed>,
    /// How many operations in sight follow each.
    followers: BTreeMap<OpId, usize>,
}

impl<'v> Lanes<'v> {
    pub(super) fn new(view: &'v dyn ReadView, entity: EntityId, texts: Texts) -> Self {
        Lanes { view, entity, texts, kept: BTreeMap::new(), followers: BTreeMap::new() }
    }

    /// Tells of an operation that [`Lanes::before`] will be asked of.
    pub(super) fn expect(&mut self, operation: &Operation) {
        for parent in operation.parents() {
            let count = self.followers.entry(parent.id).or_default();
            *count = count.saturating_add(1);
        }
    }

    /// What the operations that an operation follows made of the entity.
    pub(super) async fn before(&mut self, operation: &Operation) -> Result<Replayed, StorageError> {
        let parents: Vec<OpId> = operation.parents().iter().map(|parent| parent.id).collect();
        let here = parents.iter().all(|parent| self.kept.contains_key(parent));
        let mut states = Vec::with_capacity(parents.len());
        for parent in &parents {
            let last = self.release(*parent);
            if here {
                states.push(match last {
                    true => self.kept.remove(parent),
                    false => self.kept.get(parent).and_then(|state| state.copy().ok()),
                });
            }
        }
        let joined = states.into_iter().reduce(|joined, state| {
            let (mut joined, state) = (joined?, state?);
            joined.join(&state).is_ok().then_some(joined)
        });
        match joined.flatten() {
            Some(joined) => Ok(joined),
            None if parents.is_empty() => Ok(Replayed::default()),
            None => {
                let links = operation.parents().to_vec();
                let closure = Closure::of(self.view, self.entity, links).await?;
                let cut = Cut::Closure(Arc::new(closure));
                let replayed = Replayed::at(self.view, self.entity, &cut, &self.texts).await?;
                Ok(replayed.unwrap_or_default())
            }
        }
    }

    /// Makes of a state what an operation makes of it.
    pub(super) fn apply(&self, state: &mut Replayed, operation: &Operation) -> Result<(), StorageError> {
        state.apply(operation, &self.texts)
    }

    /// Keeps what an operation left.
    pub(super) fn keep(&mut self, id: OpId, state: Replayed) {
        self.kept.insert(id, state);
        let spare = self.kept.keys().filter(|id| !self.followers.contains_key(id)).count();
        if spare > KEPT {
            // The oldest is the one that is the least likely to be followed.
            let oldest = self.kept.keys().find(|id| !self.followers.contains_key(id)).copied();
            if let Some(oldest) = oldest {
                self.kept.remove(&oldest);
            }
        }
    }

    /// One operation less in sight follows another. Gives whether it was the last one.
    fn release(&mut self, parent: OpId) -> bool {
        match self.followers.get_mut(&parent) {
            Some(count) if *count > 1 => {
                *count -= 1;
                false
            }
            _ => {
                self.followers.remove(&parent);
                true
            }
        }
    }
}
