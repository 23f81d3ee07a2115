//! What comes to the state, and what it wants done.

use ankurah_core::entity::State as EntityState;
use ankurah_core::id::{Author, EntityId, ModelId, OpId, PropertyId, TransactionId};
use ankurah_core::node::protocol::{Event, Request};
use ankurah_core::operation::Operation;
use ankurah_core::storage::{LogEntry, Position};
use std::sync::Arc;

use crate::key::Key;

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// A key was pressed.
    Key(Key),
    /// A text was pasted.
    Paste(String),
    /// The mouse did something at a cell.
    Mouse {
        /// What.
        pointer: Pointer,
        /// The column, from 0.
        column: u16,
        /// The line, from 0.
        line: u16,
    },
    /// The terminal has another size.
    Resize {
        /// Columns.
        columns: u16,
        /// Lines.
        lines: u16,
    },
    /// It is so late.
    Tick {
        /// Microseconds since the Unix epoch.
        now: i64,
    },
    /// What is inspected is called otherwise now: another process has it open.
    Named(String),
    /// A part of an answer.
    Reply {
        /// What it is an answer to.
        slot: Slot,
        /// The number of the question; answers to earlier ones are old news.
        ticket: u64,
        /// The part.
        reply: Reply,
    },
    /// What the program has to say about something that it was asked to do.
    Said {
        /// Whether it went well.
        good: bool,
        /// The text.
        text: String,
    },
}

/// What the mouse did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pointer {
    /// The left button went down.
    Press,
    /// The wheel was turned towards the top.
    WheelUp,
    /// The wheel was turned towards the bottom.
    WheelDown,
}

/// A place for one question at a time: a new question takes the place of the last one, whose answer nobody wants any
/// more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    /// What the node is.
    Info,
    /// The catalog.
    Catalog,
    /// How many entities the collections have.
    Counts,
    /// Rows of a collection.
    Page,
    /// How many rows there are.
    Count,
    /// The operations of an entity.
    Entity,
    /// One operation.
    Operation,
    /// An entity at a time.
    Past,
    /// The live queries.
    Live,
    /// The change log.
    Changes,
    /// Operations outside the graph.
    Aside,
    /// Indexes.
    Indexes,
    /// What the store takes.
    Statistics,
    /// The plan of a query.
    Plan,
    /// What the program says.
    Journal,
    /// Who is linked.
    Links,
    /// What goes over links.
    Tap,
    /// The operations of a collection.
    Track,
    /// An entity as a script.
    Export,
    /// Checking the store.
    Verify,
    /// A change of a value.
    Write,
}

impl Slot {
    /// A name for people.
    pub fn name(self) -> &'static str {
        match self {
            Slot::Info => "info",
            Slot::Catalog => "catalog",
            Slot::Counts => "counts",
            Slot::Page => "rows",
            Slot::Count => "count",
            Slot::Entity => "operations",
            Slot::Operation => "operation",
            Slot::Past => "timeline",
            Slot::Live => "live queries",
            Slot::Changes => "changes",
            Slot::Aside => "set aside",
            Slot::Indexes => "indexes",
            Slot::Verify => "verify",
            Slot::Statistics => "statistics",
            Slot::Plan => "plan",
            Slot::Journal => "log",
            Slot::Links => "links",
            Slot::Tap => "wire tap",
            Slot::Track => "history",
            Slot::Export => "export",
            Slot::Write => "write",
        }
    }
}

/// What is asked, and in which form the answer is wanted.
#[derive(Clone, Debug, PartialEq)]
pub enum Ask {
    /// The events of a request as they come.
    Events(Request),
    /// The events of several requests, one after the other; the parts of the answer tell which one they belong to.
    Each(Vec<Request>),
    /// The operations of an entity: their place in the graph, and at the end what they give.
    Entity {
        /// The entity.
        entity: EntityId,
    },
    /// One operation, with the entity before and after it.
    Operation {
        /// The entity.
        entity: EntityId,
        /// The operation.
        id: OpId,
        /// The operations with smaller ids that it does not know of: those outside its closure. Ascending.
        without: Arc<[OpId]>,
    },
    /// The entity as the operations up to one give it, those accepted after a position left out.
    Past {
        /// The entity.
        entity: EntityId,
        /// The last operation.
        upto: OpId,
        /// The position.
        position: Option<Position>,
    },
    /// The operations of a collection, as the change log tells them.
    Track {
        /// The collection's model.
        model: ModelId,
        /// Only those accepted after this position.
        after: Position,
    },
    /// An entity, operation after operation.
    Script {
        /// The entity.
        entity: EntityId,
    },
}

/// A part of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// Events of a request.
    Events(Vec<Event>),
    /// The same, of the request with this number among those that were asked.
    Of(usize, Vec<Event>),
    /// Operations, ascending by id, each greater than all before it.
    Summaries(Vec<Summary>),
    /// What all operations of an entity give.
    Image(Box<Image>),
    /// One operation, with the entity before and after it.
    Operation(Box<Detail>),
    /// An entity at a time.
    Past {
        /// The last operation.
        upto: OpId,
        /// What it was; `None` before its beginning.
        image: Option<Box<Image>>,
    },
    /// Commits that changed a collection, with what they changed of it alone; in the order of the log.
    Track(Vec<LogEntry>),
    /// Operations of an entity, ascending by id, each with what the entity is after it.
    Stages(Vec<Stage>),
    /// The end; how long it took, in nanoseconds.
    End {
        /// Nanoseconds.
        took: u64,
    },
    /// The end, with a failure.
    Failed {
        /// What happened, and what to do.
        message: String,
        /// Nanoseconds.
        took: u64,
    },
}

/// What the graph shows of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// The operation.
    pub id: OpId,
    /// When it was accepted.
    pub position: Position,
    /// Who wrote it; `None` for a keyed genesis.
    pub author: Option<Author>,
    /// Its transaction; `None` for a keyed genesis.
    pub transaction: Option<TransactionId>,
    /// The operations that it follows.
    pub parents: Vec<OpId>,
    /// The properties that it changes.
    pub properties: Vec<PropertyId>,
    /// Whether its version is known: otherwise nothing but its id is.
    pub known: bool,
}

/// An entity as some of its operations give it.
#[derive(Clone, Debug, PartialEq)]
pub struct Image {
    /// Head and registers.
    pub state: EntityState,
    /// Texts, each with the operation that last touched it.
    pub texts: Vec<(PropertyId, Arc<str>, OpId)>,
    /// How many operations there are.
    pub operations: u64,
}

/// An operation and what it leaves.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// The operation.
    pub id: OpId,
    /// Who wrote it; `None` for a keyed genesis.
    pub author: Option<Author>,
    /// The entity after it: what all operations up to it give.
    pub image: Image,
}

/// One operation in full.
#[derive(Clone, Debug, PartialEq)]
pub struct Detail {
    /// When it was accepted.
    pub position: Position,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What they say; why they cannot be read otherwise. Reading verifies the digest.
    pub operation: Result<Operation, String>,
    /// The entity before it: what the operations that it knows of give.
    pub before: Option<Box<Image>>,
    /// The entity after it.
    pub after: Option<Box<Image>>,
}

/// Something that is to be done outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Ask the node.
    Ask {
        /// The place.
        slot: Slot,
        /// The number of the question.
        ticket: u64,
        /// The question.
        ask: Ask,
    },
    /// Nobody wants the answer any more.
    Forget(Slot),
    /// Put a text into the clipboard of the terminal.
    Copy(String),
    /// Write a file that does not exist yet, and say so.
    Save {
        /// Its name.
        name: String,
        /// Its content.
        content: String,
    },
    /// Give the terminal to a prompt on the same node until it is left.
    Repl {
        /// What is shown first; empty is nothing.
        statement: String,
        /// Whether nothing may be written there: what is shown is the past.
        past: bool,
    },
    /// Draw everything again.
    Redraw,
    /// Go back to the shell until told to go on.
    Suspend,
    /// Leave.
    Quit,
}
