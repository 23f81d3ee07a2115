//! From a draft to operations, from operations to a batch, from a batch to the store.

use std::sync::{Arc, PoisonError};

use super::Inner;
use super::actors::Lease;
use super::compact;
use super::draft::{Birth, Pending};
use super::failure::{Explain, Outcome, failure};
use super::fold;
use super::gate::Gate;
use super::overlay::Reads;
use super::redact;
use super::runs;
use super::text;
use super::transaction::{Isolation, Transaction};
use super::write::{WRITE, invalid};
use crate::catalog::Catalog;
use crate::dag::{RunLookup, RunStart};
use crate::entity::State;
use crate::id::{EntityId, OpId, PropertyId, Stamp, TransactionId};
use crate::node::protocol::Failure;
use crate::operation::{Change, Leaf, Operation, OperationError, Origin, limits};
use crate::storage::{Batch, CommitError, Position, ReadView, SetAside, StateWrite, TextWrite};
use crate::turn;
use crate::value::Value;

/// Why a transaction was not committed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum NotCommitted {
    /// Something that it wrote has changed, or the catalog has: do it again in a new transaction.
    #[error("what the transaction writes has changed meanwhile")]
    Again,
    /// It cannot be. [`Failure::is_conflict`] tells whether doing it again may help.
    #[error("{}", .0.message)]
    Failed(Box<Failure>),
}

impl From<Box<Failure>> for NotCommitted {
    fn from(failure: Box<Failure>) -> Self {
        NotCommitted::Failed(failure)
    }
}

impl From<crate::storage::StorageError> for NotCommitted {
    fn from(error: crate::storage::StorageError) -> Self {
        NotCommitted::Failed(error.into())
    }
}

/// The operations that a transaction makes of one entity.
struct Made {
    entity: EntityId,
    pending: Arc<Pending>,
    operations: Vec<Arc<Operation>>,
}

/// What a transaction makes; it stays the same however often the commit has to be tried.
struct Work {
    id: TransactionId,
    made: Vec<Made>,
    runs: Vec<RunStart>,
    clock: Stamp,
}

/// A transaction that is being committed. The view that it read is apart, since it is let go before the store is
/// written: what a view shows costs the store something as long as it is open.
struct Committing {
    node: Arc<Inner>,
    catalog: Arc<Catalog>,
    isolation: Isolation,
    reads: Reads,
    take_back: Vec<(SetAside, OpId)>,
    /// Where the transaction read.
    base: Position,
    work: Work,
    lease: Lease,
}

impl Transaction {
    /// Commits what was written. A transaction that wrote nothing has nothing to commit.
    ///
    /// # Errors
    /// [`NotCommitted`]; nothing of it is in the store then, unless the store itself failed.
    pub async fn commit(self) -> Result<Position, NotCommitted> {
        if self.draft.iter().all(|(_, pending)| pending.is_unchanged()) {
            if self.isolation == Isolation::Serializable {
                Box::pin(self.check_reads()).await?;
            }
            return Ok(self.view.position());
        }
        if self.node.options.read_only {
            return Err(read_only().into());
        }
        let mut lease = self.node.actors.lease(self.view.position(), self.node.env.random.as_ref());
        let work = self.work(&mut lease).await?;
        let Transaction { node, view, catalog, isolation, reads, take_back, .. } = self;
        let gate = Arc::clone(&node);
        let base = view.position();
        let mut committing = Committing { node, catalog, isolation, reads, take_back, base, work, lease };
        match isolation {
            Isolation::Snapshot => {
                let _together = gate.gate.shared().await;
                committing.check_lease()?;
                committing.store(view).await
            }
            Isolation::Serializable => {
                drop(view);
                Box::pin(committing.alone(&gate.gate)).await
            }
            Isolation::Merge => Box::pin(committing.merging(&gate.gate, view)).await,
        }
    }

    /// Fails if anything that was read has changed since.
    async fn check_reads(&self) -> Result<(), NotCommitted> {
        let latest = self.node.engine.view().await?;
        check_reads(&self.reads, &self.catalog, self.view.position(), latest.as_ref()).await
    }

    /// Makes the operations.
    async fn work(&self, lease: &mut Lease) -> Outcome<Work> {
        let node = &self.node;
        let stamp = node.clock.next(node.env.clock.as_ref())?;
        let id = TransactionId(OpId::new(stamp, node.env.random.next_u64()).bits());
        let mut pending: Vec<_> = self
            .draft
            .iter()
            .filter(|(_, pending)| !pending.is_unchanged())
            .map(|(entity, pending)| (entity, Arc::clone(pending)))
            .collect();
        // An actor's operations have ascending ids: geneses drew theirs before, edits do now.
        pending.sort_by_key(|(entity, pending)| match pending.birth {
            Birth::Plain { stamp, .. } => (0, stamp, *entity),
            Birth::Existing | Birth::Keyed { .. } => (1, Default::default(), *entity),
        });
        let mut work =
            Work { id, made: Vec::with_capacity(pending.len()), runs: Vec::new(), clock: Stamp::default() };
        for (entity, pending) in pending {
            turn::pass(WRITE).await;
            // What is seldom needed is boxed: futures are moved around as a whole.
            let leaves = match pending.texts.is_empty() && pending.records.is_empty() {
                true => sets(&pending),
                false => Box::pin(self.leaves(entity, &pending, lease)).await?,
            };
            let operations = self.operations(id, entity, &pending, leaves, lease)?;
            for operation in &operations {
                work.runs.extend(match runs::known(operation) {
                    Some(run) => run,
                    None => Box::pin(runs::starts(self.view.as_ref(), operation)).await?,
                });
            }
            work.made.push(Made { entity, pending, operations });
        }
        work.clock = node.clock.high();
        Ok(work)
    }

    fn operations(
        &self,
        transaction: TransactionId,
        entity: EntityId,
        pending: &Pending,
        leaves: Vec<Leaf>,
        lease: &mut Lease,
    ) -> Outcome<Vec<Arc<Operation>>> {
        let node = &self.node;
        let mut salt = [0; 16];
        node.env.random.fill(&mut salt);
        let origin = |lease: &mut Lease| Origin {
            actor: lease.actor(),
            sequence: lease.next_sequence(),
            author: node.author,
            transaction,
        };
        let model = pending.model;
        let not_valid = |error: OperationError| invalid(self.catalog.model(model).map(Arc::as_ref), &error);
        let mut made = Vec::with_capacity(2);
        let parents = match &pending.birth {
            Birth::Plain { stamp, nonce } => {
                let operation = Operation::genesis(model, *stamp, *nonce, origin(lease), leaves, salt);
                return Ok(vec![Arc::new(operation.map_err(not_valid)?)]);
            }
            Birth::Keyed { key, .. } => {
                let genesis = Arc::new(Operation::keyed_genesis(model, key.clone()).map_err(not_valid)?);
                let parents = vec![genesis.link()];
                made.push(genesis);
                parents
            }
            Birth::Existing => {
                let head = pending.base.as_ref().map(|state| &state.head);
                head.map(|head| head.parents_for(lease.actor(), limits::PARENTS)).unwrap_or_default()
            }
        };
        if !leaves.is_empty() {
            let stamp = node.clock.next(node.env.clock.as_ref())?;
            let edit = Operation::edit(entity, model, stamp, origin(lease), parents, leaves, salt);
            made.push(Arc::new(edit.map_err(not_valid)?));
        }
        Ok(made)
    }

    async fn leaves(&self, entity: EntityId, pending: &Pending, lease: &Lease) -> Outcome<Vec<Leaf>> {
        let mut leaves = sets(pending);
        for (property, draft) in &pending.texts {
            let base = pending.base.as_deref();
            let update =
                text::update(self.view.as_ref(), base, entity, *property, lease.actor(), &draft.splices)
                    .await?;
            if let Some(update) = update {
                leaves.push(Leaf { property: *property, change: Change::Text(update) });
            }
        }
        let records = pending.records.iter();
        leaves.extend(records.map(|(property, change)| Leaf { property: *property, change: change.clone() }));
        Ok(leaves)
    }
}

/// The changes of properties that are not text.
fn sets(pending: &Pending) -> Vec<Leaf> {
    let leaf = |(property, value): (&PropertyId, &Value)| Leaf {
        property: *property,
        change: Change::Set(value.clone()),
    };
    pending.sets.iter().map(leaf).collect()
}

impl Committing {
    /// Commits while nobody else does, if nothing that was read has changed.
    async fn alone(mut self, gate: &Gate) -> Result<Position, NotCommitted> {
        let _alone = gate.exclusive().await;
        self.check_lease()?;
        let latest = self.node.engine.view().await?;
        self.check_reads(latest.as_ref()).await?;
        self.store(latest).await
    }

    /// Commits on top of whatever came meanwhile.
    async fn merging(mut self, gate: &Gate, view: Arc<dyn ReadView>) -> Result<Position, NotCommitted> {
        let _together = gate.shared().await;
        self.check_lease()?;
        let mut view = view;
        for _ in 0..self.node.options.limits.retries {
            match self.store(view).await {
                Err(NotCommitted::Again) => view = self.node.engine.view().await?,
                other => return other,
            }
        }
        Err(busy().into())
    }

    /// Fails where something that the actor wrote was refused meanwhile: its numbers would be used again.
    fn check_lease(&self) -> Result<(), NotCommitted> {
        match (self.lease.is_retired(), self.isolation) {
            (false, _) => Ok(()),
            (true, Isolation::Snapshot) => Err(NotCommitted::Again),
            (true, Isolation::Merge | Isolation::Serializable) => Err(busy().into()),
        }
    }

    async fn check_reads(&self, latest: &dyn ReadView) -> Result<(), NotCommitted> {
        check_reads(&self.reads, &self.catalog, self.base, latest).await
    }

    /// Puts the work on top of what the view shows and commits it.
    async fn store(&mut self, view: Arc<dyn ReadView>) -> Result<Position, NotCommitted> {
        let runs = match self.isolation {
            // Only here is it tried again.
            Isolation::Merge => self.work.runs.clone(),
            Isolation::Snapshot | Isolation::Serializable => std::mem::take(&mut self.work.runs),
        };
        let mut batch = Batch {
            transaction: Some(self.work.id),
            catalog: if self.isolation == Isolation::Snapshot {
                self.catalog.position()
            } else {
                self.catalog.position().max(view.position())
            },
            read_at: Some(view.position()),
            runs,
            clock: self.work.clock,
            take_back: self.take_back.clone(),
            ..Batch::default()
        };
        for made in &self.work.made {
            turn::pass(WRITE).await;
            self.place(made, view.as_ref(), &mut batch).await?;
        }
        drop(view);
        let long = fold::long(&batch);
        self.lease.begin_commit();
        let result = self.node.engine.commit(batch, self.node.options.durability).await;
        match result {
            Ok(position) => {
                self.lease.committed(position);
                fold::spawn(&self.node, long);
                Ok(position)
            }
            Err(CommitError::Conflict { .. } | CommitError::CatalogChanged) => {
                self.lease.not_committed();
                Err(NotCommitted::Again)
            }
            // Whether it got into the store is not known, so the actor stays in doubt.
            Err(CommitError::Storage(error)) => Err(NotCommitted::Failed(error.into())),
        }
    }

    /// Adds an entity's operations and its new state to the batch.
    async fn place(&self, made: &Made, view: &dyn ReadView, batch: &mut Batch) -> Result<(), NotCommitted> {
        let model = made.pending.model;
        let same_view = view.position() == self.base;
        let mut state: Option<State> = match (&made.pending.birth, same_view) {
            (Birth::Plain { .. }, _) => None,
            (Birth::Existing, true) => made.pending.base.as_deref().cloned(),
            (Birth::Keyed { .. }, true) => None,
            (Birth::Existing | Birth::Keyed { .. }, false) => view.state(model, made.entity).await?,
        };
        let expected = state.as_ref().map(|state| state.head.clone()).unwrap_or_default();
        if !same_view && matches!(made.pending.birth, Birth::Existing) {
            Box::pin(self.check_parents(made, view)).await?;
        }
        for operation in &made.operations {
            if operation.key().is_some() && state.is_some() {
                // Someone else made the same entity meanwhile.
                if matches!(made.pending.birth, Birth::Keyed { exclusive: true, .. }) {
                    return Err(exists(made.entity).into());
                }
                continue;
            }
            let applied = match &mut state {
                Some(state) => state.apply(operation),
                None => State::begin(operation).map(|begun| state = Some(begun)),
            };
            applied.map_err(|error| failure("invalid-operation", error.to_string()))?;
            for leaf in operation.leaves() {
                if let Change::Text(_) = leaf.change {
                    batch.texts.push(TextWrite::Append {
                        entity: made.entity,
                        property: leaf.property,
                        operation: operation.id(),
                    });
                }
            }
            batch.operations.push(Arc::clone(operation));
            if let (true, Some(state)) = (redact::is_record(operation), &mut state) {
                Box::pin(redact::carry_out(view, operation, state, batch)).await?;
                let equivocal = Box::pin(RunLookup::equivocal(view, made.entity)).await?;
                Box::pin(compact::carry_out(view, operation, !equivocal.is_empty(), state, batch)).await?;
            }
        }
        if let Some(state) = state.filter(|state| state.head != expected) {
            batch.states.push(StateWrite { expected, state });
        }
        Ok(())
    }

    /// Fails where what the operations follow has been refused since.
    async fn check_parents(&self, made: &Made, view: &dyn ReadView) -> Result<(), NotCommitted> {
        let base = made.pending.base.as_ref().and_then(|state| state.base.as_ref());
        for parent in made.operations.iter().flat_map(|operation| operation.parents()) {
            let covered = base.is_some_and(|base| base.covers(parent));
            if !covered && view.operation(made.entity, parent.id).await?.is_none() {
                let message = format!("what the transaction changed of entity {} was refused", made.entity);
                return Err(failure("conflict", message).help("run the transaction again").into());
            }
        }
        Ok(())
    }
}

/// Fails if anything that a transaction read at `after` has changed since.
async fn check_reads(
    reads: &Reads,
    catalog: &Catalog,
    mut after: Position,
    latest: &dyn ReadView,
) -> Result<(), NotCommitted> {
    const PAGE: usize = 256;
    let Some(reads) = reads else { return Ok(()) };
    loop {
        let entries = latest.log(after, PAGE).await?;
        let Some(last) = entries.last() else { return Ok(()) };
        after = last.position;
        let reads = reads.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = entries
            .iter()
            .flat_map(|entry| &entry.changes)
            .find(|change| reads.entities.contains(&change.entity) || reads.models.contains(&change.model));
        if let Some(change) = changed {
            let name = catalog.model(change.model).map_or("", |model| &model.label);
            let message = format!("{name} {} has changed since the transaction read it", change.entity);
            return Err(failure("conflict", message).help("run the transaction again").into());
        }
    }
}

/// The failure of a write to a store that is open for reading.
pub(crate) fn read_only() -> Box<Failure> {
    failure("read-only", "the store is open read-only")
        .help("open it for writing; where another process has it open, that one has to")
}

/// The failure of a statement whose entities changed every time that it was tried.
pub(crate) fn busy() -> Box<Failure> {
    failure("conflict", "what it writes keeps changing elsewhere").help("run it again")
}

fn exists(entity: EntityId) -> Box<Failure> {
    failure("duplicate-key", format!("an entity with the same key exists already: {entity}"))
        .help("use `upsert` to change the one that exists")
}
