//! The request and stream interface of a node: what the REPL, the inspector and every other program say to it,
//! whether it is open in the same process or at the end of a socket.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::catalog::Model;
use crate::dump::Unit;
use crate::env::BoxStream;
use crate::env::{MaybeSend, MaybeSync};
use crate::id::{EntityId, ModelId, OpId};
use crate::query::EvalErrorKind;
use crate::storage::{Fault, Index, LogEntry, Position, SetAside, StoreInfo, StoreStatistics};
use crate::value::{Rows, Value, ValueType};

pub use crate::turn::Cancel;

pub use super::compare::{EntityHead, EntityValues};
pub use super::journal::{JournalLevel, JournalLine};
pub use super::link::{FrameKind, LinkInfo, LinkPeer, TapDirection, TapFrame, TapFrames};
pub use super::live::change::{LiveChange, LiveEvent, LiveRows, Misfit};
pub use super::live::info::{LiveQueryInfo, LiveReport, LiveTotals, Upkeep};
pub use super::restore::Restored;

/// A session of a connection: it holds at most one open transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SessionId(pub u64);

/// Values for the parameters of a statement.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Parameters {
    /// For `?` in order, and `$1`, `$2`, ….
    pub positional: Vec<Value>,
    /// For `$name`.
    pub named: Vec<(String, Value)>,
}

/// What a program asks of a node. Every request is answered by a stream of [`Event`]s that ends with
/// [`Event::Done`] or [`Event::Failed`]; dropping the stream cancels the request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// What the node is: [`Event::Info`].
    Info,
    /// The catalog: [`Event::Catalog`].
    Catalog,
    /// Runs one statement of the query language.
    Execute {
        /// The session, opened on first use.
        session: SessionId,
        /// The statement, without or with its semicolon.
        statement: String,
        /// Its parameters.
        parameters: Parameters,
    },
    /// Observes the result of a `select` or `live select`: [`Event::Live`] until the stream is dropped. What it shows is
    /// committed. It fails where the statement does, and ends with [`Event::Failed`] where there will be no more
    /// rows.
    Live {
        /// The statement.
        statement: String,
        /// Its parameters.
        parameters: Parameters,
    },
    /// The live queries: [`Event::LiveQueries`], after all that was committed before has reached their subscribers'
    /// queues.
    LiveQueries,
    /// Ends a session; an open transaction is rolled back.
    CloseSession {
        /// The session.
        session: SessionId,
    },
    /// Writes many rows in one transaction: those with a key that exists are updated, others created.
    /// [`Event::Rejected`] names rows that were left out.
    Upsert {
        /// The session; must have no open transaction.
        session: SessionId,
        /// The model's name; it must exist.
        model: String,
        /// Names of properties, in the order of the rows' values.
        columns: Vec<String>,
        /// The rows. Values of references may be given as the key value of the entity that they refer to, see
        /// [`Cell::Key`].
        rows: Vec<Vec<Cell>>,
    },
    /// Checks the whole store: [`Event::Fault`] each.
    Verify,
    /// The indexes: [`Event::Indexes`].
    Indexes,
    /// Operations outside the DAG: [`Event::Aside`] each.
    SetAside {
        /// Which set.
        set: SetAside,
    },
    /// The operations of an entity in the order of ids: [`Event::Operation`] each.
    Operations {
        /// The entity.
        entity: EntityId,
        /// Only those with greater ids.
        after: Option<OpId>,
    },
    /// The change log: [`Event::Log`] each commit, in its order.
    Log {
        /// Only those after this position.
        after: Position,
        /// Whether to wait for what is still to come, until the stream is dropped. Otherwise the answer ends with
        /// what is there.
        follow: bool,
    },
    /// The links over which other programs ask this node: [`Event::Links`].
    Links,
    /// The frames that go over the links from now on: [`Event::Tap`] each time that there are some, until the stream is
    /// dropped. Frames about a wire tap are not shown.
    Tap,
    /// The head of every entity, deleted or not, ascending by model and entity: [`Event::Heads`] in pieces.
    Heads,
    /// The values of an entity, deleted or not: [`Event::Values`], or nothing where it is not there.
    Values {
        /// The entity's model.
        model: ModelId,
        /// The entity.
        entity: EntityId,
    },
    /// The whole store as it is at one position: [`Event::Dump`] in pieces.
    Dump,
    /// Takes in units of a dump, each as a whole: [`Event::Restored`].
    Restore {
        /// The units, in their order.
        units: Vec<Unit>,
    },
    /// What the store takes: [`Event::Statistics`].
    Statistics,
    /// What the program said while it ran: [`Event::Journal`], the lines that it still has. It fails where the program
    /// keeps none.
    Journal {
        /// Only lines with greater numbers.
        after: u64,
    },
}

/// A value to write.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Cell {
    /// The value itself.
    Value(Value),
    /// For a reference: the key of the entity referred to, which need not exist yet.
    Key(Vec<Value>),
}

/// A column of a result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// Its heading.
    pub name: String,
    /// Its type; `None` where only null can come, as in `select null`.
    pub value_type: Option<ValueType>,
}

/// Where the time of a statement went, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timings {
    /// Lexing and parsing.
    pub parse: u64,
    /// Binding and planning.
    pub plan: u64,
    /// Reading, computing and, for writes, committing.
    pub fetch: u64,
}

/// What a statement did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Gave so many rows.
    Rows(u64),
    /// Created so many entities.
    Created(u64),
    /// Changed so many entities.
    Updated(u64),
    /// Deleted so many entities.
    Deleted(u64),
    /// Restored so many entities.
    Restored(u64),
    /// Erased values of so many entities.
    Redacted(u64),
    /// Declared a horizon for so many entities.
    Compacted(u64),
    /// Opened a transaction.
    Began,
    /// Committed a transaction.
    Committed,
    /// Rolled a transaction back.
    RolledBack,
    /// Changed the catalog.
    Defined,
    /// Created and changed so many entities.
    Upserted {
        /// New entities.
        created: u64,
        /// Changed entities.
        updated: u64,
        /// Entities that had the values already.
        unchanged: u64,
    },
    /// Answered a request that is not a statement.
    Answered,
}

/// The transaction state of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TransactionState {
    /// None open: every statement commits by itself.
    #[default]
    Idle,
    /// One open.
    Open,
    /// One open in which a statement failed: only `rollback` goes on.
    Failed,
}

/// The end of a successful answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// What happened.
    pub outcome: Outcome,
    /// Where the time went.
    pub timings: Timings,
    /// The session's transaction now.
    pub transaction: TransactionState,
}

/// A failure for people: what happened, where in the statement, what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// A stable name of the kind of failure, in kebab-case: `syntax`, `unknown-property`, `type-mismatch`,
    /// `overflow`, `conflict`, `storage`, ….
    pub kind: String,
    /// What happened, in one sentence without a full stop.
    pub message: String,
    /// The byte range in the statement that it is about.
    pub span: Option<(usize, usize)>,
    /// What is written under the caret.
    pub label: Option<String>,
    /// What to do.
    pub help: Option<String>,
    /// The session's transaction now.
    pub transaction: TransactionState,
}

impl Failure {
    /// Whether others changed meanwhile what it is about, so that doing it again in a new transaction may succeed.
    pub fn is_conflict(&self) -> bool {
        matches!(self.kind.as_str(), "conflict" | "catalog-changed" | "view-expired")
    }

    /// Whether the answer was given up: see [`Connection::request_unless`].
    pub fn is_cancelled(&self) -> bool {
        self.kind == EvalErrorKind::Cancelled.name()
    }
}

/// A row that a bulk write left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rejected {
    /// Its index in the request's rows.
    pub row: u64,
    /// Why.
    pub message: String,
}

/// A part of an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// The columns of the rows that follow.
    Columns(Vec<Column>),
    /// Some rows.
    Rows(Rows),
    /// A row that was left out.
    Rejected(Rejected),
    /// What the node is.
    Info(NodeInfo),
    /// The catalog.
    Catalog(CatalogView),
    /// A notification of a live query.
    Live(LiveEvent),
    /// The live queries.
    LiveQueries(LiveReport),
    /// The indexes.
    Indexes(Vec<Index>),
    /// A fault of the store.
    Fault(Fault),
    /// An operation outside the DAG.
    Aside {
        /// Its name.
        id: OpId,
        /// The entity.
        entity: EntityId,
        /// Why it is there.
        reason: String,
        /// The parents that it waits for.
        missing: Vec<OpId>,
    },
    /// An operation, encoded as `docs/format.md` says, with the log position of its acceptance.
    Operation {
        /// When it was accepted.
        position: Position,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// A commit of the change log.
    Log(LogEntry),
    /// The links, by number.
    Links(Vec<LinkInfo>),
    /// Frames that went over the links.
    Tap(TapFrames),
    /// Heads of entities.
    Heads(Vec<EntityHead>),
    /// The values of an entity.
    Values(EntityValues),
    /// The next bytes of a dump, as `docs/dump.md` describes them.
    Dump(Vec<u8>),
    /// What became of units of a dump.
    Restored(Restored),
    /// What the store takes.
    Statistics(StoreStatistics),
    /// Some lines that the program said, ascending by number.
    Journal(Vec<JournalLine>),
    /// The end of a successful answer.
    Done(Done),
    /// The end of an answer that failed.
    Failed(Failure),
}

/// What a node is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeInfo {
    /// The store.
    pub store: StoreInfo,
    /// The latest position.
    pub position: Position,
    /// The author of what this node writes.
    pub author: String,
    /// Whether writes are refused.
    pub read_only: bool,
    /// The version of the program.
    pub version: String,
}

/// The catalog at a position.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CatalogView {
    /// The position of the last change of the catalog.
    pub position: Position,
    /// The models that are not deleted, by name; reserved ones are named `_…`.
    pub models: Vec<Arc<Model>>,
}

/// A stream of events.
pub type EventStream = BoxStream<'static, Event>;

/// A way to a node: an open store, a socket, a WebSocket.
pub trait Connection: MaybeSend + MaybeSync {
    /// Asks; the answer comes as the stream is polled. Dropping the stream gives it up, which can happen whenever it
    /// is not being polled: it gives others a turn every few milliseconds.
    fn request(&self, request: Request) -> EventStream;

    /// The same, where the answer can also be given up while it is being polled, so that not even an expression that
    /// takes long for one row is waited for. The answer then ends with a [`Failure`] of the kind `cancelled`, and an
    /// open transaction stays as it was.
    fn request_unless(&self, request: Request, cancel: Cancel) -> EventStream {
        let _ = cancel;
        self.request(request)
    }
}
