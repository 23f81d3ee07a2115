//! The one way in for operations from outside: whichever way they came, they are decoded, verified, and then
//! accepted, parked, or turned away here.
//!
//! Validity depends on an operation and its ancestors alone. What a node lacks (parents, a part of the catalog,
//! a newer version, time) parks the operation durably; it is tried again when the lack may be gone.

mod check;
mod parked;
mod rebase;
mod refuse;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::compact::{CONTAINER, Container};
use super::failure::Outcome;
use super::protocol::Failure;
use super::{Inner, Node, fold};
use crate::codec::DecodeError;
use crate::id::{Author, EntityId, OpId};
use crate::operation::{Decoded, Operation};
use crate::storage::{Aside, CommitError, SetAside, StorageError};
use check::{Lack, Verdict, Work};
pub(crate) use parked::Parked;

/// On whose behalf operations come. Taken from the authenticated connection, never from a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A replica, which relays anyone's.
    Replica,
    /// A client, which submits only its own, and none from the future.
    Client(Author),
}

/// An operation that was turned away. Nothing of it was kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invalid {
    /// Its name, where it could be read.
    pub id: Option<OpId>,
    /// Why.
    pub reason: String,
}

/// What became of operations from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ingested {
    /// Now part of the DAG, those that had been parked among them.
    pub accepted: Vec<OpId>,
    /// Known already.
    pub duplicates: u64,
    /// Parked.
    pub parked: Vec<OpId>,
    /// Kept among the refused, since they descend from refused ones.
    pub refused: Vec<OpId>,
    /// Accepted, though their actor's operations do not follow each other: it wrote twice under one number, or
    /// from two places. They are listed in the set of equivocal operations.
    pub equivocal: Vec<OpId>,
    /// Turned away.
    pub invalid: Vec<Invalid>,
}

/// Why nothing was taken in.
#[derive(Clone, Debug, thiserror::Error)]
pub enum IngestError {
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// More operations are parked than the node keeps; take what they wait for first.
    #[error("{limit} operations are parked, which is the limit")]
    TooManyParked {
        /// The limit.
        limit: usize,
    },
    /// The store is open read-only.
    #[error("the store is open read-only")]
    ReadOnly,
    /// What it changes kept changing.
    #[error("the entities kept changing while the operations were taken in")]
    Busy,
    /// Anything else, in words.
    #[error("{0}")]
    Other(String),
}

/// How many operations are parked at most.
pub const MAX_PARKED: usize = 100_000;

/// An operation on its way in.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    operation: Arc<Operation>,
    bytes: Arc<[u8]>,
    was_parked: bool,
}

impl Node {
    /// Takes operations in, encoded as `docs/format.md` says, in any order. Resolves when what was kept is as
    /// durable as the node's commits are. With none it only tries the parked ones again.
    ///
    /// # Errors
    /// [`IngestError`]; nothing was kept then.
    pub async fn ingest(&self, operations: &[Vec<u8>], role: Role) -> Result<Ingested, IngestError> {
        self.inner.ingest(operations, role).await
    }

    /// Moves a transaction, and every transaction that descends from it, to the refused set. Heads and states are
    /// computed again from what is left. Gives the operations that were moved.
    ///
    /// # Errors
    /// [`IngestError`] where the store fails or is open read-only.
    pub async fn refuse(
        &self,
        transaction: crate::id::TransactionId,
        reason: &str,
    ) -> Result<Vec<OpId>, IngestError> {
        refuse::refuse(&self.inner, transaction, reason).await
    }

    /// Issues what a refused transaction wrote again, on top of what is there now, and takes its operations out
    /// of the refused set. Entities that it had created get new ids unless they have a key.
    ///
    /// # Errors
    /// A [`Failure`] for people: nothing of the transaction is refused, or the store fails.
    pub async fn rebase(&self, transaction: crate::id::TransactionId) -> Result<(), Failure> {
        rebase::rebase(&self.inner, transaction).await.map_err(|failure| *failure)
    }
}

impl Inner {
    pub(crate) async fn ingest(&self, operations: &[Vec<u8>], role: Role) -> Result<Ingested, IngestError> {
        if self.options.read_only {
            return Err(IngestError::ReadOnly);
        }
        let mut decoded = Vec::with_capacity(operations.len());
        let mut unknown = Vec::new();
        let mut report = Ingested::default();
        let mut bases = Vec::new();
        for bytes in operations {
            if bytes.first() == Some(&CONTAINER) {
                match (role, Container::decode(bytes)) {
                    (Role::Replica, Ok(container)) => bases.push(container),
                    (Role::Client(_), Ok(_)) => {
                        let reason = "a client submits operations, not bases".to_owned();
                        report.invalid.push(Invalid { id: None, reason });
                    }
                    (_, Err(error)) => report.invalid.push(Invalid { id: None, reason: error.to_string() }),
                }
                continue;
            }
            match Operation::decode(bytes) {
                Ok(Decoded::Known(operation)) => decoded.push(Candidate {
                    operation: Arc::new(operation),
                    bytes: Arc::from(bytes.as_slice()),
                    was_parked: false,
                }),
                Ok(Decoded::Unknown { version, id, entity, bytes }) => {
                    unknown.push((version, id, entity, bytes));
                }
                Err(error) => report.invalid.push(Invalid { id: None, reason: error.to_string() }),
            }
        }
        // One at a time: what is parked is looked at and changed as a whole.
        let mut parked = self.parked.lock().await;
        let parked = match &mut *parked {
            Some(parked) => parked,
            empty => empty.insert(Parked::load(self.engine.view().await?.as_ref()).await?),
        };
        for _ in 0..self.options.limits.retries.max(1) {
            let attempt = self.attempt(&decoded, &unknown, &bases, role, parked, report.clone()).await?;
            if let Some(done) = attempt {
                return Ok(done);
            }
        }
        Err(IngestError::Busy)
    }

    /// One attempt on one view; `None` where something changed meanwhile.
    async fn attempt(
        &self,
        decoded: &[Candidate],
        unknown: &[(u8, OpId, EntityId, Arc<[u8]>)],
        bases: &[Container],
        role: Role,
        parked: &mut Parked,
        mut report: Ingested,
    ) -> Result<Option<Ingested>, IngestError> {
        let view = self.engine.view().await?;
        let catalog = self.catalog_at(view.as_ref()).await.map_err(|error| match error {
            crate::catalog::CatalogError::Storage(error) => IngestError::Storage(error),
        })?;
        let mut work = Work::new(view.as_ref(), catalog, self.env.clock.as_ref(), role);
        for (version, id, entity, bytes) in unknown {
            if parked.contains(*id) {
                report.duplicates = report.duplicates.saturating_add(1);
            } else {
                work.park(*id, *entity, bytes, &Lack::Version(*version));
            }
        }
        let mut stood_on = BTreeSet::new();
        for container in bases {
            if work.adopt(container).await? {
                stood_on.extend(parked.waiting_in(container.base.entity));
            }
        }
        let mut round: Vec<Candidate> = decoded.to_vec();
        let mut due = parked.due(view.catalog(), self.env.clock.as_ref());
        let mut made_here = BTreeSet::new();
        for (entity, id) in parked.keyed() {
            if view.operation(entity, id).await?.is_some() {
                made_here.insert(id);
            }
        }
        due.extend(parked.freed(&made_here, false, &BTreeSet::new()));
        due.extend(stood_on);
        round.extend(self.fetch(view.as_ref(), &due).await?);
        let mut held_back = BTreeMap::new();
        while !round.is_empty() {
            let accepted = self.pass(&mut work, round, parked, &mut held_back, &mut report).await?;
            let mut freed = parked.freed(&accepted, work.changed_catalog(), &work.taken);
            freed.retain(|id| !held_back.contains_key(id));
            round = self.fetch(view.as_ref(), &freed).await?;
            for id in work.freed(&accepted) {
                round.extend(held_back.remove(&id));
            }
        }
        work.settle();
        if parked.len().saturating_add(work.parked_now.len()) > MAX_PARKED {
            return Err(IngestError::TooManyParked { limit: MAX_PARKED });
        }
        report.parked.extend(work.parked_now.keys());
        let (parked_now, taken) = (work.parked_now.clone(), work.taken.clone());
        let mut batch = work.finish().await?;
        if !batch.is_empty() {
            let brought = bases.iter().map(|container| container.base.last().stamp());
            if let Some(high) = report.accepted.iter().map(|id| id.stamp()).chain(brought).max() {
                self.clock.observe(high);
                batch.clock = self.clock.high();
            }
            let _together = self.gate.shared().await;
            let long = fold::long(&batch);
            match self.engine.commit(batch, self.options.durability).await {
                Ok(_) => fold::spawn(self, long),
                Err(CommitError::Conflict { .. } | CommitError::CatalogChanged) => return Ok(None),
                Err(CommitError::Storage(error)) => return Err(error.into()),
            }
        }
        parked.update(parked_now, &taken);
        parked.looked_at(view.catalog());
        Ok(Some(report))
    }

    /// Checks candidates, catalog first and parents before children, and accepts those that can be. Gives the
    /// accepted ones.
    async fn pass(
        &self,
        work: &mut Work<'_>,
        mut round: Vec<Candidate>,
        parked: &Parked,
        held_back: &mut BTreeMap<OpId, Candidate>,
        report: &mut Ingested,
    ) -> Result<BTreeSet<OpId>, IngestError> {
        round.sort_by_key(|candidate| {
            let operation = &candidate.operation;
            (!crate::catalog::is_reserved(operation.model()), operation.id())
        });
        let mut accepted = BTreeSet::new();
        let mut defines = true;
        for candidate in round {
            let operation = Arc::clone(&candidate.operation);
            let id = operation.id();
            if defines && !crate::catalog::is_reserved(operation.model()) {
                defines = false;
                work.renew_catalog().await?;
            }
            let known = parked.contains(id) || work.parked_now.contains_key(&id);
            if !candidate.was_parked && known {
                report.duplicates = report.duplicates.saturating_add(1);
                continue;
            }
            match work.judge(&candidate).await? {
                Verdict::Accept { equivocal } => {
                    if equivocal {
                        report.equivocal.push(id);
                    }
                    if candidate.was_parked {
                        work.taken.insert(id);
                    }
                    report.accepted.push(id);
                    accepted.insert(id);
                }
                Verdict::Duplicate => {
                    if candidate.was_parked {
                        work.taken.insert(id);
                    }
                    report.duplicates = report.duplicates.saturating_add(1);
                }
                Verdict::Lacks(lack) => {
                    // One that is parked stays; what it waits for may have changed.
                    work.park(id, operation.entity(), &candidate.bytes, &lack);
                    held_back.insert(id, Candidate { was_parked: true, ..candidate });
                }
                Verdict::Refused(reason) => {
                    if candidate.was_parked {
                        work.taken.insert(id);
                    }
                    work.set_aside(SetAside::Refused, &candidate, reason);
                    report.refused.push(id);
                }
                Verdict::Invalid(reason) => {
                    if candidate.was_parked {
                        work.taken.insert(id);
                    }
                    report.invalid.push(Invalid { id: Some(id), reason });
                }
            }
        }
        if defines {
            work.renew_catalog().await?;
        }
        Ok(accepted)
    }

    /// Parked operations by name. Those of an unknown version stay where they are.
    async fn fetch(
        &self,
        view: &dyn crate::storage::ReadView,
        ids: &BTreeSet<OpId>,
    ) -> Result<Vec<Candidate>, StorageError> {
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            let after = OpId::from_bits(id.bits().saturating_sub(1));
            let aside = view.set_aside(SetAside::Parked, after, 1).await?;
            let Some(aside) = aside.into_iter().find(|aside| aside.id == *id) else { continue };
            match Operation::decode(&aside.bytes) {
                Ok(Decoded::Known(operation)) => found.push(Candidate {
                    operation: Arc::new(operation),
                    bytes: aside.bytes,
                    was_parked: true,
                }),
                Ok(Decoded::Unknown { .. }) => {}
                Err(error) => return Err(damaged(&aside, &error)),
            }
        }
        Ok(found)
    }
}

fn damaged(aside: &Aside, error: &DecodeError) -> StorageError {
    StorageError::Damaged {
        what: format!("operation {} that was set aside", aside.id),
        message: error.to_string(),
    }
}

/// The operations of a set, all of them.
pub(crate) async fn all_aside(
    view: &dyn crate::storage::ReadView,
    set: SetAside,
) -> Outcome<BTreeMap<OpId, Aside>> {
    const PAGE: usize = 256;
    let mut all = BTreeMap::new();
    let mut after = OpId::MIN;
    loop {
        let page = view.set_aside(set, after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(all) };
        after = last.id;
        all.extend(page.into_iter().map(|aside| (aside.id, aside)));
    }
}
