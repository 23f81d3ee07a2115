//! Storage: the [`Engine`] trait that a node speaks to, the key-value layer that embedded engines share, and
//! the memory engine.
//!
//! An engine knows operations, states, indexes and the change log; it does not know the query language.

pub mod kv;
pub mod memory;
mod rows;
mod statistics;

use std::fmt;
use std::ops::Bound;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::dag::{Head, RunStart};
use crate::entity::{BaseState, State, TextVersion};
use crate::env::{BoxFuture, BoxStream, MaybeSend, MaybeSync};
use crate::id::{ActorId, EntityId, ModelId, OpId, PropertyId, Stamp, StoreId, TransactionId};
use crate::operation::Operation;
use crate::value::{Value, ValueType};

pub use rows::ScanRows;
pub use statistics::{Footprint, IndexStatistics, StoreStatistics};

/// A place in a store's change log: the number of the commit, from 1. Zero is before the first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position(pub u64);

/// When a commit is acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Durability {
    /// After the flush; commits that wait at the same time share one.
    #[default]
    Synced,
    /// As soon as it is visible; a crash may lose the last ones, never a part of one.
    Buffered,
}

/// What a store says about itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoreInfo {
    /// `memory`, `sled`, `fjall`, …
    pub engine: String,
    /// The store.
    pub store: StoreId,
    /// Raised when the store is found to be a copy or was restored; positions of another epoch mean nothing.
    pub epoch: u64,
    /// The version of the format of the store's records.
    pub format: u32,
}

/// A failure of an engine. Reads fail with it rather than give a shorter answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StorageError {
    /// The operating system or the engine below failed.
    #[error("{action}: {message}")]
    Io {
        /// What was being done, such as `read state of 01H…`.
        action: String,
        /// What failed.
        message: String,
    },
    /// The disk is full.
    #[error("the disk is full: {message}")]
    Full {
        /// What failed.
        message: String,
    },
    /// Bytes in the store are not what the format says.
    #[error("the store is damaged: {what}: {message}")]
    Damaged {
        /// Which record.
        what: String,
        /// What is wrong with it.
        message: String,
    },
    /// Another process holds the store.
    #[error("the store at {path} is in use by {holder}")]
    Locked {
        /// Where the store is.
        path: String,
        /// `process 123 (ankurah)` or, where that cannot be found out, `another process`.
        holder: String,
    },
    /// The store was written by a newer version.
    #[error("the store has {what} {found}, this program reads up to {known}: upgrade the program")]
    Newer {
        /// What is newer: `record format`, or `folder layout`, that of the files around an engine's own.
        what: &'static str,
        /// Its version in the store.
        found: u32,
        /// The greatest that this program reads.
        known: u32,
    },
    /// The store was written by a build from before the first release.
    #[error(
        "the store has record format {found}, which a build from before the first release wrote; this program reads \
         {known}: export the data with the program that wrote it, and import it into a new store"
    )]
    Older {
        /// The version of the store's records.
        found: u32,
        /// The one that this program reads.
        known: u32,
    },
    /// The store cannot be opened where it was asked for.
    #[error("cannot open {path}: {message}")]
    Open {
        /// Where.
        path: String,
        /// Why.
        message: String,
    },
    /// The view is too old: later commits replaced more than the engine keeps for views. Take a new one.
    #[error("the view of the store is too old: too much was changed since it was taken")]
    Expired,
    /// What is asked of is below the base of an entity.
    #[error(
        "what entity {entity} was before operation {horizon} is not kept: its history was compacted up to there"
    )]
    Horizon {
        /// The entity.
        entity: EntityId,
        /// The last operation of the base.
        horizon: OpId,
    },
    /// The store is closed.
    #[error("the store is closed")]
    Closed,
    /// The store is open for reading only.
    #[error("the store is open read-only")]
    ReadOnly,
}

/// Why a commit did not happen. Nothing of it is visible.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CommitError {
    /// The entity's head is not what the batch expects.
    #[error("entity {entity} has changed since it was read")]
    Conflict {
        /// The entity.
        entity: EntityId,
        /// Its head now.
        head: Head,
    },
    /// The catalog has changed since the batch was prepared: read it again and retry.
    #[error("the catalog has changed")]
    CatalogChanged,
    /// The engine failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// A new state of an entity, and the head that it replaces.
#[derive(Clone, Debug)]
pub struct StateWrite {
    /// The head that the store must have for the entity; empty where it must not exist.
    pub expected: Head,
    /// The new state. Its position is set by the engine.
    pub state: State,
}

/// A change of the stored form of one text property.
#[derive(Clone, Debug)]
pub enum TextWrite {
    /// The operation joins the tail.
    Append {
        /// The entity.
        entity: EntityId,
        /// The text property.
        property: PropertyId,
        /// The operation with a text leaf for the property.
        operation: OpId,
    },
    /// A new snapshot stands for everything up to now; the tail is emptied. The state written in the same
    /// batch says the same.
    Fold {
        /// The entity.
        entity: EntityId,
        /// The text property.
        property: PropertyId,
        /// The document as one yrs update, encoding v1.
        snapshot: Arc<[u8]>,
    },
}

/// A stored text property.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TextRecord {
    /// The document as one yrs update, where one was folded.
    pub snapshot: Option<Arc<[u8]>>,
    /// The operations after it in the order of their acceptance.
    pub tail: Vec<OpId>,
}

impl TextRecord {
    /// Whether it is the record of this version: otherwise a part of it has been lost.
    pub fn is_of(&self, version: TextVersion) -> bool {
        u64::try_from(self.tail.len()) == Ok(version.tail) && self.snapshot.is_some() == (version.folded > 0)
    }
}

/// Which durable set of operations outside the DAG.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SetAside {
    /// Waiting: for parents, for the catalog, for a newer version, for the clock.
    Parked,
    /// Refused by policy, with everything that descends from it.
    Refused,
    /// The second of two operations with one place in an actor's sequence.
    Equivocal,
}

/// An operation in a durable set outside the DAG. It is kept as bytes: its version may be unknown.
#[derive(Clone, Debug, PartialEq)]
pub struct Aside {
    /// The operation's name.
    pub id: OpId,
    /// The entity, where it could be read.
    pub entity: EntityId,
    /// The encoded operation, as it came.
    pub bytes: Arc<[u8]>,
    /// Why it is here, for people.
    pub reason: String,
    /// The parents that it waits for; empty where it waits for something else.
    pub missing: Vec<OpId>,
}

/// The durable state of an actor in the pool of this store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ActorRecord {
    /// The actor.
    pub actor: ActorId,
    /// The last sequence number that it used.
    pub sequence: u64,
    /// Given up: after an unclean shutdown, a restore, or in a copy. It never writes again.
    pub retired: bool,
}

/// Everything that one commit changes, atomically.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// The transaction, where the commit is one.
    pub transaction: Option<TransactionId>,
    /// The catalog's position that the batch was prepared against.
    pub catalog: Position,
    /// Where the states were read, if all were at one position: if that is still the last one, entities that were
    /// not there then are not looked for again.
    pub read_at: Option<Position>,
    /// Accepted operations, parents before children.
    pub operations: Vec<Arc<Operation>>,
    /// The runs that they start.
    pub runs: Vec<RunStart>,
    /// New states, one an entity.
    pub states: Vec<StateWrite>,
    /// Changes of stored texts.
    pub texts: Vec<TextWrite>,
    /// Operations set aside.
    pub set_aside: Vec<(SetAside, Aside)>,
    /// Those of them that other stores are to have although this one cannot take them in: the log names them.
    pub relayed: Vec<(EntityId, OpId)>,
    /// Operations taken out of a set.
    pub take_back: Vec<(SetAside, OpId)>,
    /// Accepted operations that leave the DAG (they were refused); their entities' states come in `states`,
    /// or in `vanished` where nothing is left.
    pub withdrawn: Vec<(EntityId, OpId)>,
    /// Accepted operations that are there and lose content: what is stored of them is replaced. Nothing that was read
    /// of their entities before is kept.
    pub rewritten: Vec<Arc<Operation>>,
    /// Bases of entities, in the place of those that there were. Without positions they were made elsewhere, and the
    /// engine puts in that of the commit.
    pub bases: Vec<BaseState>,
    /// Accepted operations that are below the bases of their entities now, and go.
    pub folded: Vec<(EntityId, OpId)>,
    /// Entities of which nothing is left, with their models and the heads that the store must have.
    pub vanished: Vec<(ModelId, EntityId, Head)>,
    /// Actors of the pool.
    pub actors: Vec<ActorRecord>,
    /// Named small records of the node, such as its key; `None` removes.
    pub records: Vec<(String, Option<Vec<u8>>)>,
    /// A stamp that the node has made or taken in; the store keeps the greatest. Commits may reach the store in
    /// another order than they drew their stamps.
    pub clock: Stamp,
}

/// One entity's part of a log entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogChange {
    /// The model.
    pub model: ModelId,
    /// The entity.
    pub entity: EntityId,
    /// The operations accepted or withdrawn, in order.
    pub operations: Vec<OpId>,
}

/// One commit in the change log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// Its position.
    pub position: Position,
    /// The transaction, where the commit was one.
    pub transaction: Option<TransactionId>,
    /// What changed.
    pub changes: Vec<LogChange>,
    /// Operations that were set aside as this version does not know theirs, and that other stores are to have.
    pub relayed: Vec<(EntityId, OpId)>,
}

/// A part of an index key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IndexPart {
    /// The `lww` property.
    pub property: PropertyId,
    /// Its type.
    pub value_type: ValueType,
    /// Whether the part descends. Nulls are last in either direction.
    pub descending: bool,
}

/// What an index is over: entities of a model that are not deleted, by the parts, then by id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IndexDefinition {
    /// The model.
    pub model: ModelId,
    /// The parts, at least one.
    pub parts: Vec<IndexPart>,
}

/// The number of an index in its store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IndexId(pub u32);

/// How far an index is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IndexState {
    /// Being filled; writers maintain it, no reader uses it.
    Building,
    /// Complete.
    Ready {
        /// Whether some value was too long and its key was cut: the index then finds candidates, to be checked
        /// again, but gives no order.
        cut: bool,
    },
    /// Filling failed; writers and readers leave it alone.
    Failed {
        /// Why.
        message: String,
    },
}

/// An index of a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    /// Its number.
    pub id: IndexId,
    /// What it is over.
    pub definition: IndexDefinition,
    /// How far it is.
    pub state: IndexState,
}

/// A range of index keys: the leading parts equal the given values (null included), the next part lies between
/// the bounds, the rest are free. Bounds are in the order of values, whatever the part's direction. With both
/// bounds unbounded nulls are included, otherwise not.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexRange {
    /// Values of the leading parts.
    pub equal: Vec<Value>,
    /// Lower bound of the next part.
    pub lower: Bound<Value>,
    /// Upper bound of the next part.
    pub upper: Bound<Value>,
}

/// Where the rows of a scan come from, and so in which order.
#[derive(Clone, Debug, PartialEq)]
pub enum Access {
    /// Every entity of the model, ascending by id, from the one after `after`.
    All {
        /// Where to start.
        after: Option<EntityId>,
    },
    /// These entities, in this order, where they exist.
    Entities(Vec<EntityId>),
    /// By an index: ranges in the given order, each ascending by key and, where keys are equal, by id. With
    /// `reverse`, ranges and keys are walked backwards, ids of equal keys still ascending.
    Index {
        /// A ready index.
        index: IndexId,
        /// Disjoint ranges.
        ranges: Vec<IndexRange>,
        /// Walk backwards.
        reverse: bool,
    },
}

/// Which entities a scan gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deleted {
    /// Those that are not deleted.
    #[default]
    Exclude,
    /// Only deleted ones. Not together with an index.
    Only,
    /// All. Not together with an index.
    Include,
}

/// A planned scan.
#[derive(Clone, Debug, PartialEq)]
pub struct Scan {
    /// The model.
    pub model: ModelId,
    /// Where rows come from.
    pub access: Access,
    /// The properties to give, `lww` or text, in this order.
    pub columns: Vec<PropertyId>,
    /// Deleted entities.
    pub deleted: Deleted,
    /// At most so many rows.
    pub limit: Option<u64>,
    /// How many rows are likely to be used, where not all are: no more need be read ahead.
    pub expected: Option<u64>,
}

/// A row of a scan.
#[derive(Clone, Debug)]
pub struct Row {
    /// The entity.
    pub entity: EntityId,
    /// One value for each asked column; null where the property was never set. Text reads as a string.
    pub values: Vec<Value>,
}

/// An accepted operation, with the log position at which it was accepted.
pub type Accepted = (Position, Arc<Operation>);

/// A stream of batches of rows, none empty. Ends after the first error.
pub type RowStream<'a> = BoxStream<'a, Result<ScanRows, StorageError>>;

/// A consistent view of a store at one log position, unaffected by later commits.
pub trait ReadView: MaybeSend + MaybeSync {
    /// The position.
    fn position(&self) -> Position;

    /// The state of an entity of a known model.
    fn state(&self, model: ModelId, entity: EntityId) -> BoxFuture<'_, Result<Option<State>, StorageError>>;

    /// The model of an entity of which an operation is held.
    fn model_of(&self, entity: EntityId) -> BoxFuture<'_, Result<Option<ModelId>, StorageError>>;

    /// An accepted operation, with the log position at which it was accepted.
    fn operation(&self, entity: EntityId, id: OpId) -> BoxFuture<'_, Result<Option<Accepted>, StorageError>>;

    /// Up to `limit` accepted operations of an entity with ids greater than `after`, ascending.
    fn operations(
        &self,
        entity: EntityId,
        after: OpId,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Accepted>, StorageError>>;

    /// The run of `actor` on `entity` with the greatest first sequence number not above `sequence`.
    fn run(
        &self,
        entity: EntityId,
        actor: ActorId,
        sequence: u64,
    ) -> BoxFuture<'_, Result<Option<RunStart>, StorageError>>;

    /// The base of an entity, where it has one.
    fn base(&self, entity: EntityId) -> BoxFuture<'_, Result<Option<BaseState>, StorageError>>;

    /// The stored form of a text property.
    fn text(&self, entity: EntityId, property: PropertyId)
    -> BoxFuture<'_, Result<TextRecord, StorageError>>;

    /// Rows. Dropping the stream ends the scan.
    fn scan(&self, scan: Scan) -> RowStream<'_>;

    /// Up to `limit` log entries after a position, ascending.
    fn log(&self, after: Position, limit: usize) -> BoxFuture<'_, Result<Vec<LogEntry>, StorageError>>;

    /// Up to `limit` operations of a set with ids greater than `after`, ascending.
    fn set_aside(
        &self,
        set: SetAside,
        after: OpId,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Aside>, StorageError>>;

    /// The actors of the pool.
    fn actors(&self) -> BoxFuture<'_, Result<Vec<ActorRecord>, StorageError>>;

    /// A named small record.
    fn record(&self, name: &str) -> BoxFuture<'_, Result<Option<Vec<u8>>, StorageError>>;

    /// Number of entities of a model that are not deleted, at this view, if it is known without a scan.
    fn count_hint(&self, model: ModelId) -> Option<u64>;

    /// Whether every entity of a model has the id that follows from its values of these properties in this
    /// order, so that the one with given values can be looked up instead of searched. False where that is not
    /// known.
    fn named_by(&self, model: ModelId, key: &[PropertyId]) -> bool;

    /// The greatest stamp that the node had made or taken in.
    fn clock(&self) -> Stamp;

    /// The position of the last change of the catalog that this view shows.
    fn catalog(&self) -> Position;

    /// The indexes as of this view: one that is ready here can be scanned here, whatever became of it since.
    fn indexes(&self) -> Arc<Vec<Index>>;
}

/// One fault that checking a store found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// Which record, for people: `operation 01H… of entity 01H…`.
    pub record: String,
    /// What is wrong with it.
    pub message: String,
}

/// A storage engine. Commits are serialised by the engine; views are taken at any time.
pub trait Engine: MaybeSend + MaybeSync + fmt::Debug {
    /// What the store says about itself.
    fn info(&self) -> StoreInfo;

    /// A view at the latest position.
    fn view(&self) -> BoxFuture<'_, Result<Arc<dyn ReadView>, StorageError>>;

    /// Applies a batch atomically, for a whole transaction, if every expected head and the catalog's position
    /// hold. Resolves when the durability is reached.
    fn commit(&self, batch: Batch, durability: Durability) -> BoxFuture<'_, Result<Position, CommitError>>;

    /// Everything committed so far is on disk when this resolves. Gives that position.
    fn flush(&self) -> BoxFuture<'_, Result<Position, StorageError>>;

    /// Resolves when a position greater than `after` is visible, with the latest.
    fn wait(&self, after: Position) -> BoxFuture<'_, Result<Position, StorageError>>;

    /// What the store takes, as far as that is known without reading everything.
    fn statistics(&self) -> StoreStatistics;

    /// The indexes now. To scan a view, choose from [`ReadView::indexes`] instead.
    fn indexes(&self) -> Vec<Index>;

    /// Makes an index in state [`IndexState::Building`], or gives the one that exists for the definition.
    fn create_index(&self, definition: IndexDefinition) -> BoxFuture<'_, Result<IndexId, StorageError>>;

    /// Fills a building index; resolves when it is ready, failed or gone. Writers go on meanwhile. Calling it
    /// again, after a restart too, starts over.
    fn build_index(&self, index: IndexId) -> BoxFuture<'_, Result<(), StorageError>>;

    /// Removes an index and its entries.
    fn drop_index(&self, index: IndexId) -> BoxFuture<'_, Result<(), StorageError>>;

    /// Checks what only the engine knows: record formats, index entries against states, log against operations.
    fn check(&self) -> BoxStream<'_, Result<Fault, StorageError>>;

    /// Marks the shutdown as clean and flushes. The engine refuses commits afterwards.
    fn close(&self) -> BoxFuture<'_, Result<(), StorageError>>;

    /// Whether the last shutdown was clean. A new store is clean.
    fn was_clean(&self) -> bool;
}
