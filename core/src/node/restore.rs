//! Taking in what a dump holds, unit by unit.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ingest::{IngestError, Ingested, Invalid, Role};
use super::{Inner, Node};
use crate::dump::{DumpedAside, Unit};
use crate::id::OpId;
use crate::storage::{Aside, Batch, CommitError, ReadView, SetAside, StorageError};

/// What became of units of a dump.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restored {
    /// Operations that were not here before.
    pub new: u64,
    /// Operations that were here already.
    pub known: u64,
    /// Operations that wait for something, such as parents that neither store nor dump has.
    pub parked: u64,
    /// Operations in the refused set that were not here before.
    pub refused: u64,
    /// Operations that were turned away: they contradict what is here.
    pub invalid: Vec<Invalid>,
}

impl Restored {
    /// Adds up.
    pub fn add(&mut self, other: Restored) {
        self.new = self.new.saturating_add(other.new);
        self.known = self.known.saturating_add(other.known);
        self.parked = self.parked.saturating_add(other.parked);
        self.refused = self.refused.saturating_add(other.refused);
        self.invalid.extend(other.invalid);
    }

    fn take(&mut self, done: Ingested) {
        let count = |ids: &[OpId]| u64::try_from(ids.len()).unwrap_or(u64::MAX);
        self.add(Restored {
            new: count(&done.accepted),
            known: done.duplicates,
            parked: count(&done.parked),
            refused: count(&done.refused),
            invalid: done.invalid,
        });
    }
}

impl Node {
    /// Takes in units of a dump in their order, each as a whole: what is new is added, what is known stays as it is.
    /// Nothing of the other store but its operations is taken over: this one writes under its own name and with its
    /// own actors.
    ///
    /// # Errors
    /// [`IngestError`] where the store fails; the units before the one that failed are here.
    pub async fn restore(&self, units: &[Unit]) -> Result<Restored, IngestError> {
        self.inner.restore(units).await
    }
}

impl Inner {
    pub(crate) async fn restore(&self, units: &[Unit]) -> Result<Restored, IngestError> {
        let mut restored = Restored::default();
        for unit in units {
            match unit {
                Unit::Commit { operations, .. } => {
                    restored.take(self.ingest(operations, Role::Replica).await?);
                }
                Unit::Aside(aside) if aside.set == SetAside::Parked => {
                    let operations = std::slice::from_ref(&aside.bytes);
                    restored.take(self.ingest(operations, Role::Replica).await?);
                }
                Unit::Aside(aside) => match self.restore_aside(aside).await? {
                    true if aside.set == SetAside::Refused => {
                        restored.refused = restored.refused.saturating_add(1);
                    }
                    // One whose actor wrote twice is counted where it is accepted.
                    true => {}
                    false => restored.known = restored.known.saturating_add(1),
                },
            }
        }
        Ok(restored)
    }

    /// Puts an operation into its set, unless this store has decided about it otherwise. Gives whether it is new.
    async fn restore_aside(&self, dumped: &DumpedAside) -> Result<bool, IngestError> {
        if self.options.read_only {
            return Err(IngestError::ReadOnly);
        }
        // Nothing is taken in meanwhile that follows it.
        let _parked = self.parked.lock().await;
        let view = self.engine.view().await?;
        let keyed = dumped.id.stamp().millis() == 0;
        let here = view.operation(dumped.entity, dumped.id).await?.is_some();
        // A keyed genesis may be in the set and in the DAG: others may make the same entity.
        let accepted = here && !keyed && dumped.set == SetAside::Refused;
        if accepted || is_in(view.as_ref(), dumped.set, dumped.id).await? {
            return Ok(false);
        }
        let aside = Aside {
            id: dumped.id,
            entity: dumped.entity,
            bytes: Arc::from(dumped.bytes.as_slice()),
            reason: dumped.reason.clone(),
            missing: Vec::new(),
        };
        let batch =
            Batch { catalog: view.position(), set_aside: vec![(dumped.set, aside)], ..Batch::default() };
        match self.engine.commit(batch, self.options.durability).await {
            Ok(_) => Ok(true),
            Err(CommitError::Storage(error)) => Err(error.into()),
            Err(CommitError::Conflict { .. } | CommitError::CatalogChanged) => Err(IngestError::Busy),
        }
    }
}

async fn is_in(view: &dyn ReadView, set: SetAside, id: OpId) -> Result<bool, StorageError> {
    let after = OpId::from_bits(id.bits().saturating_sub(1));
    let found = view.set_aside(set, after, 1).await?;
    Ok(found.first().is_some_and(|aside| aside.id == id))
}
