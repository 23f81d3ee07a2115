//! How an event is written.

use std::sync::Arc;

use super::LinkError;
use super::info::{FrameKind, LinkInfo, LinkPeer, TapDirection, TapFrame, TapFrames};
use super::request::whole;
use super::wire::{Wire, wire_enum, wire_struct};
use crate::catalog::{Backend, Model, Property};
use crate::codec::{DecodeError, Problem, Reader, Writer};
use crate::id::{EntityId, ModelId, OpId, PropertyId, StoreId, TransactionId};
use crate::node::ingest::Invalid;
use crate::node::protocol::{
    CatalogView, Column, Done, EntityHead, EntityValues, Event, Failure, JournalLevel, JournalLine,
    LiveChange, LiveEvent, LiveQueryInfo, LiveReport, LiveTotals, NodeInfo, Outcome, Rejected, Restored,
    Timings, TransactionState, Upkeep,
};
use crate::storage::{
    Fault, Footprint, Index, IndexDefinition, IndexId, IndexPart, IndexState, IndexStatistics, LogChange,
    LogEntry, Position, StoreInfo, StoreStatistics,
};
use crate::value::{Rows, Timestamp, Value, ValueType};

wire_struct!(Column { name: String, value_type: Option<ValueType> });
wire_struct!(Timings { parse: u64, plan: u64, fetch: u64 });
wire_enum!(TransactionState { 0 = Idle, 1 = Open, 2 = Failed });
wire_enum!(Outcome {
    0 = Rows(count: u64),
    1 = Created(count: u64),
    2 = Updated(count: u64),
    3 = Deleted(count: u64),
    4 = Restored(count: u64),
    5 = Began,
    6 = Committed,
    7 = RolledBack,
    8 = Defined,
    9 = Upserted { created: u64, updated: u64, unchanged: u64 },
    10 = Answered,
    11 = Redacted(count: u64),
    12 = Compacted(count: u64),
});
wire_struct!(Done { outcome: Outcome, timings: Timings, transaction: TransactionState });
wire_struct!(Failure {
    kind: String,
    message: String,
    span: Option<(usize, usize)>,
    label: Option<String>,
    help: Option<String>,
    transaction: TransactionState,
});
wire_struct!(Rejected { row: u64, message: String });

wire_struct!(StoreInfo { engine: String, store: StoreId, epoch: u64, format: u32 });
wire_struct!(NodeInfo {
    store: StoreInfo,
    position: Position,
    author: String,
    read_only: bool,
    version: String,
});

wire_enum!(Backend { 0 = Lww, 1 = Yrs });
wire_struct!(Property {
    id: PropertyId,
    model: ModelId,
    name: Arc<str>,
    label: Arc<str>,
    value_type: ValueType,
    backend: Backend,
    ordinal: u32,
    required: bool,
    default: Value,
    dropped: bool,
});
wire_struct!(Model {
    id: ModelId,
    name: Arc<str>,
    label: Arc<str>,
    properties: Vec<Arc<Property>>,
    key: Vec<PropertyId>,
});
wire_struct!(CatalogView { position: Position, models: Vec<Arc<Model>> });

wire_enum!(LiveChange {
    0 = Enter { at: u64, row: Vec<Value> },
    1 = Leave { at: u64 },
    2 = Update { at: u64, row: Vec<Value> },
    3 = Move { from: u64, to: u64, row: Vec<Value> },
});
wire_enum!(LiveEvent {
    0 = Reset { position: Position, columns: Vec<Column>, rows: Rows },
    1 = Changes { position: Position, changes: Arc<[LiveChange]> },
    2 = Failed { position: Position, failure: Failure },
});
wire_enum!(Upkeep { 0 = ByEntity, 1 = RunAgain });
wire_struct!(LiveQueryInfo {
    text: String,
    position: Position,
    rows: u64,
    kept: u64,
    subscribers: u64,
    notifications: u64,
    per_second: f64,
    waiting: u64,
    upkeep: Upkeep,
    indexed: bool,
    failure: Option<Failure>,
    last_failure: Option<Failure>,
});
wire_struct!(LiveTotals {
    subscribers: u64,
    indexed: u64,
    residual: u64,
    run_again: u64,
    looks: u64,
    looks_per_second: f64,
    runs: u64,
    runs_per_second: f64,
});
wire_struct!(LiveReport { queries: Vec<LiveQueryInfo>, totals: LiveTotals });

wire_struct!(IndexPart { property: PropertyId, value_type: ValueType, descending: bool });
wire_struct!(IndexDefinition { model: ModelId, parts: Vec<IndexPart> });
wire_enum!(IndexState {
    0 = Building,
    1 = Ready { cut: bool },
    2 = Failed { message: String },
});
wire_struct!(Index { id: IndexId, definition: IndexDefinition, state: IndexState });
wire_struct!(Fault { record: String, message: String });

wire_struct!(LogChange { model: ModelId, entity: EntityId, operations: Vec<OpId> });
wire_struct!(LogEntry {
    position: Position,
    transaction: Option<TransactionId>,
    changes: Vec<LogChange>,
    relayed: Vec<(EntityId, OpId)>,
});

wire_struct!(LinkPeer { transport: String, process: Option<u32>, user: Option<u32> });
wire_struct!(LinkInfo {
    id: u64,
    peer: LinkPeer,
    program: String,
    since: Timestamp,
    read_only: bool,
    sessions: u64,
    open: u64,
    requests: u64,
    waiting: u64,
    frames_in: u64,
    frames_out: u64,
    bytes_in: u64,
    bytes_out: u64,
});
wire_enum!(TapDirection { 0 = In, 1 = Out });
wire_enum!(FrameKind { 1 = Hello, 2 = Welcome, 3 = Data, 4 = Credit, 5 = Cancel, 6 = Goodbye });
wire_struct!(TapFrame {
    at: Timestamp,
    link: u64,
    direction: TapDirection,
    kind: FrameKind,
    stream: u64,
    what: String,
    bytes: u64,
});
wire_struct!(TapFrames { frames: Vec<TapFrame>, dropped: u64 });

wire_struct!(EntityHead { model: ModelId, entity: EntityId, head: Vec<u8> });
wire_struct!(EntityValues { values: Vec<(PropertyId, Value)> });
wire_struct!(Invalid { id: Option<OpId>, reason: String });
wire_struct!(Restored { new: u64, known: u64, parked: u64, refused: u64, invalid: Vec<Invalid> });
wire_struct!(Footprint {
    keys: Option<u64>,
    disk: Option<u64>,
    buffered: Option<u64>,
    cached: Option<u64>,
    cache: Option<u64>,
});
wire_struct!(IndexStatistics { index: IndexId, entries: Option<u64>, scans: u64 });
wire_struct!(StoreStatistics {
    footprint: Footprint,
    entities: u64,
    deleted: u64,
    indexes: Vec<IndexStatistics>,
});

wire_enum!(JournalLevel { 0 = Trace, 1 = Debug, 2 = Info, 3 = Warning, 4 = Error });
wire_struct!(JournalLine { number: u64, at: i64, level: JournalLevel, target: String, text: String });

wire_enum!(Event {
    1 = Columns(columns: Vec<Column>),
    2 = Rows(rows: Rows),
    3 = Rejected(rejected: Rejected),
    4 = Info(info: NodeInfo),
    5 = Catalog(catalog: CatalogView),
    6 = Live(live: LiveEvent),
    7 = LiveQueries(report: LiveReport),
    8 = Indexes(indexes: Vec<Index>),
    9 = Fault(fault: Fault),
    10 = Aside { id: OpId, entity: EntityId, reason: String, missing: Vec<OpId> },
    11 = Operation { position: Position, bytes: Vec<u8> },
    12 = Log(entry: LogEntry),
    13 = Links(links: Vec<LinkInfo>),
    14 = Tap(frames: TapFrames),
    15 = Done(done: Done),
    16 = Failed(failure: Failure),
    17 = Heads(heads: Vec<EntityHead>),
    18 = Values(values: EntityValues),
    19 = Dump(bytes: Vec<u8>),
    20 = Restored(restored: Restored),
    21 = Statistics(statistics: StoreStatistics),
    22 = Journal(lines: Vec<JournalLine>),
});

/// The bytes of an event.
pub fn encode_event(event: &Event) -> Vec<u8> {
    let mut writer = Writer::new();
    event.write(&mut writer);
    writer.into_bytes()
}

/// Reads an event that fills the bytes.
///
/// # Errors
/// [`LinkError::Message`] where they are none.
pub fn decode_event(bytes: &[u8]) -> Result<Event, LinkError> {
    whole(bytes, "event").map_err(|error| LinkError::Message { what: "an answer", error })
}

impl Event {
    /// What it is, in one word of lower case.
    pub fn name(&self) -> &'static str {
        match self {
            Event::Columns(_) => "columns",
            Event::Rows(_) => "rows",
            Event::Rejected(_) => "rejected",
            Event::Info(_) => "info",
            Event::Catalog(_) => "catalog",
            Event::Live(_) => "live",
            Event::LiveQueries(_) => "live-queries",
            Event::Indexes(_) => "indexes",
            Event::Fault(_) => "fault",
            Event::Aside { .. } => "aside",
            Event::Operation { .. } => "operation",
            Event::Log(_) => "log",
            Event::Links(_) => "links",
            Event::Tap(_) => "tap",
            Event::Done(_) => "done",
            Event::Failed(_) => "failed",
            Event::Heads(_) => "heads",
            Event::Values(_) => "values",
            Event::Dump(_) => "dump",
            Event::Restored(_) => "restored",
            Event::Statistics(_) => "statistics",
            Event::Journal(_) => "journal",
        }
    }
}
