//! One of everything that goes over a link.

use std::sync::Arc;

use ankurah_core::catalog::{Backend, Model, Property};
use ankurah_core::dump::{DumpedAside, Unit};
use ankurah_core::id::{EntityId, ModelId, OpId, PropertyId, StoreId, TransactionId};
use ankurah_core::node::ingest::Invalid;
use ankurah_core::node::link::frame::{Frame, VERSION, WINDOW};
use ankurah_core::node::protocol::{
    CatalogView, Cell, Column, Done, EntityHead, EntityValues, Event, Failure, FrameKind, JournalLevel,
    JournalLine, LinkInfo, LinkPeer, LiveChange, LiveEvent, LiveQueryInfo, LiveReport, LiveTotals, NodeInfo,
    Outcome, Parameters, Rejected, Request, Restored, SessionId, TapDirection, TapFrame, TapFrames, Timings,
    TransactionState, Upkeep,
};
use ankurah_core::storage::{
    Fault, Footprint, Index, IndexDefinition, IndexId, IndexPart, IndexState, IndexStatistics, LogChange,
    LogEntry, Position, SetAside, StoreInfo, StoreStatistics,
};
use ankurah_core::value::{Timestamp, Value, ValueType};

fn id(number: u8) -> OpId {
    OpId::from_bytes([number; 16])
}

fn model() -> ModelId {
    ModelId(id(0x11))
}

fn entity() -> EntityId {
    EntityId(id(0x22))
}

fn property() -> PropertyId {
    PropertyId(id(0x33))
}

fn text(text: &str) -> Value {
    Value::String(text.into())
}

fn failure() -> Failure {
    Failure {
        kind: "syntax".to_owned(),
        message: "expected a statement".to_owned(),
        span: Some((0, 300)),
        label: Some("here".to_owned()),
        help: None,
        transaction: TransactionState::Failed,
    }
}

fn columns() -> Vec<Column> {
    vec![
        Column { name: "name".to_owned(), value_type: Some(ValueType::String) },
        Column { name: "album".to_owned(), value_type: Some(ValueType::Ref(model())) },
        Column { name: "null".to_owned(), value_type: None },
    ]
}

fn rows() -> Vec<Vec<Value>> {
    let every = vec![
        Value::Null,
        Value::Bool(true),
        Value::Int(-2),
        Value::Float(1.5),
        Value::decimal("12.30".parse().unwrap()),
        text("\u{fc}"),
        Value::bytes([0_u8, 255]),
        Value::timestamp(-1),
        Value::Uuid(1),
        Value::Ulid(2),
        Value::Ref(entity()),
        Value::json("{\"a\":1}").unwrap(),
    ];
    let nulls = vec![Value::Null; every.len()];
    vec![every, nulls]
}

pub(crate) fn frames() -> Vec<(&'static str, Frame)> {
    let hello = |newest| Frame::Hello { oldest: 1, newest, program: "ankurah".to_owned(), read_only: true };
    vec![
        ("hello", hello(VERSION)),
        (
            "welcome",
            Frame::Welcome {
                version: VERSION,
                program: "app".to_owned(),
                process: Some(1234),
                read_only: false,
                open: 256,
                window: WINDOW,
            },
        ),
        ("data", Frame::Data { stream: 1, last: true, over: false, bytes: vec![1] }),
        ("data-piece", Frame::Data { stream: 300, last: false, over: false, bytes: vec![2, 3] }),
        ("data-over", Frame::Data { stream: 1, last: true, over: true, bytes: Vec::new() }),
        ("credit", Frame::Credit { stream: 1, bytes: 131_072 }),
        ("cancel", Frame::Cancel { stream: 1 }),
        ("goodbye", Frame::Goodbye { reason: "it closed the store".to_owned() }),
    ]
}

pub(crate) fn requests() -> Vec<(&'static str, Request)> {
    let parameters = Parameters {
        positional: vec![Value::Int(7), Value::Null],
        named: vec![("year".to_owned(), Value::Int(1977))],
    };
    let row = vec![Cell::Value(text("Blue")), Cell::Key(vec![Value::Int(3)])];
    vec![
        ("info", Request::Info),
        ("catalog", Request::Catalog),
        ("execute", Request::Execute { session: SessionId(1), statement: "select ?".to_owned(), parameters }),
        ("live", Request::Live { statement: "live select 1".to_owned(), parameters: Parameters::default() }),
        ("live-queries", Request::LiveQueries),
        ("close-session", Request::CloseSession { session: SessionId(128) }),
        (
            "upsert",
            Request::Upsert {
                session: SessionId(1),
                model: "album".to_owned(),
                columns: vec!["name".to_owned(), "artist".to_owned()],
                rows: vec![row, Vec::new()],
            },
        ),
        ("verify", Request::Verify),
        ("indexes", Request::Indexes),
        ("set-aside", Request::SetAside { set: SetAside::Equivocal }),
        ("operations", Request::Operations { entity: entity(), after: Some(id(0x44)) }),
        ("operations-all", Request::Operations { entity: entity(), after: None }),
        ("log", Request::Log { after: Position(9), follow: true }),
        ("links", Request::Links),
        ("tap", Request::Tap),
        ("heads", Request::Heads),
        ("values", Request::Values { model: model(), entity: entity() }),
        ("dump", Request::Dump),
        ("restore", Request::Restore { units: units() }),
        ("statistics", Request::Statistics),
        ("journal", Request::Journal { after: 300 }),
    ]
}

fn totals() -> LiveTotals {
    LiveTotals {
        subscribers: 3,
        indexed: 1,
        residual: 2,
        run_again: 1,
        looks: 300,
        looks_per_second: 0.5,
        runs: 7,
        runs_per_second: 0.1,
    }
}

fn outcomes() -> Vec<Outcome> {
    vec![
        Outcome::Rows(1),
        Outcome::Created(2),
        Outcome::Updated(3),
        Outcome::Deleted(4),
        Outcome::Restored(5),
        Outcome::Began,
        Outcome::Committed,
        Outcome::RolledBack,
        Outcome::Defined,
        Outcome::Upserted { created: 1, updated: 2, unchanged: 300 },
        Outcome::Answered,
        Outcome::Redacted(4),
        Outcome::Compacted(5),
    ]
}

pub(crate) fn events() -> Vec<(&'static str, Event)> {
    let mut events = vec![
        ("columns", Event::Columns(columns())),
        ("rows", Event::Rows(rows().into())),
        ("rows-none", Event::Rows(Vec::new().into())),
        ("rejected", Event::Rejected(Rejected { row: 4, message: "a name is required".to_owned() })),
        ("info", Event::Info(info())),
        ("catalog", Event::Catalog(catalog())),
        (
            "live-reset",
            Event::Live(LiveEvent::Reset { position: Position(3), columns: columns(), rows: rows().into() }),
        ),
        ("live-changes", Event::Live(changes())),
        ("live-failed", Event::Live(LiveEvent::Failed { position: Position(5), failure: failure() })),
        ("live-queries", Event::LiveQueries(LiveReport { queries: vec![query()], totals: totals() })),
        ("indexes", Event::Indexes(indexes())),
        (
            "fault",
            Event::Fault(Fault { record: "state of 01".to_owned(), message: "it is not there".to_owned() }),
        ),
        (
            "aside",
            Event::Aside {
                id: id(1),
                entity: entity(),
                reason: "parents".to_owned(),
                missing: vec![id(2), id(3)],
            },
        ),
        ("operation", Event::Operation { position: Position(6), bytes: vec![1, 2, 3] }),
        ("log", Event::Log(entry())),
        ("links", Event::Links(vec![link()])),
        ("heads", Event::Heads(vec![EntityHead { model: model(), entity: entity(), head: vec![1, 2, 3] }])),
        ("values", Event::Values(EntityValues { values: vec![(property(), text("a"))] })),
        ("dump", Event::Dump(b"ankurah dump".to_vec())),
        ("restored", Event::Restored(restored())),
        ("tap", Event::Tap(TapFrames { frames: tapped(), dropped: 12 })),
        ("failed", Event::Failed(failure())),
        ("statistics", Event::Statistics(statistics())),
        ("journal", Event::Journal(journal())),
    ];
    let done = |outcome| {
        let timings = Timings { parse: 1, plan: 2, fetch: 1_000_000 };
        Event::Done(Done { outcome, timings, transaction: TransactionState::Open })
    };
    events.extend(outcomes().into_iter().map(|outcome| ("done", done(outcome))));
    events
}

fn units() -> Vec<Unit> {
    let aside = DumpedAside {
        set: SetAside::Refused,
        id: id(1),
        entity: entity(),
        reason: "not wanted".to_owned(),
        bytes: vec![4, 5],
    };
    vec![Unit::Commit { position: Position(3), operations: vec![vec![1, 2], vec![3]] }, Unit::Aside(aside)]
}

fn restored() -> Restored {
    let invalid = vec![Invalid { id: Some(id(1)), reason: "it is wrong".to_owned() }];
    Restored { new: 1, known: 2, parked: 3, refused: 4, invalid }
}

fn statistics() -> StoreStatistics {
    let footprint =
        Footprint { keys: Some(300), disk: Some(1 << 40), cache: Some(7), ..Footprint::default() };
    let index = IndexStatistics { index: IndexId(3), entries: Some(12), scans: 400 };
    let building = IndexStatistics { entries: None, ..index };
    StoreStatistics { footprint, entities: 12, deleted: 1, indexes: vec![index, building] }
}

fn journal() -> Vec<JournalLine> {
    use JournalLevel::{Debug, Error, Info, Trace, Warning};
    let line = |(number, level)| JournalLine {
        number,
        at: -1,
        level,
        target: "core".to_owned(),
        text: format!("line {number}"),
    };
    (1..).zip([Trace, Debug, Info, Warning, Error]).map(line).collect()
}

fn info() -> NodeInfo {
    let store = StoreInfo { engine: "fjall".to_owned(), store: StoreId([9; 16]), epoch: 1, format: 3 };
    NodeInfo {
        store,
        position: Position(12),
        author: "ab".to_owned(),
        read_only: false,
        version: "0.1.0".to_owned(),
    }
}

fn catalog() -> CatalogView {
    let property = |name: &str, value_type, backend, default| {
        Arc::new(Property {
            id: property(),
            model: model(),
            name: name.into(),
            label: name.into(),
            value_type,
            backend,
            ordinal: 1,
            required: true,
            default,
            dropped: false,
        })
    };
    let model = Model {
        id: model(),
        name: "album".into(),
        label: "album@1".into(),
        properties: vec![
            property("name", ValueType::String, Backend::Yrs, Value::Null),
            property("year", ValueType::Int, Backend::Lww, Value::Int(1970)),
        ],
        key: vec![self::property()],
    };
    CatalogView { position: Position(2), models: vec![Arc::new(model)] }
}

fn changes() -> LiveEvent {
    let changes = [
        LiveChange::Enter { at: 0, row: vec![text("a")] },
        LiveChange::Leave { at: 1 },
        LiveChange::Update { at: 2, row: vec![] },
        LiveChange::Move { from: 3, to: 4, row: vec![Value::Null] },
    ];
    LiveEvent::Changes { position: Position(4), changes: Arc::from(changes) }
}

fn query() -> LiveQueryInfo {
    LiveQueryInfo {
        text: "select 1".to_owned(),
        position: Position(1),
        rows: 2,
        kept: 3,
        subscribers: 4,
        notifications: 5,
        per_second: 0.5,
        waiting: 6,
        upkeep: Upkeep::RunAgain,
        indexed: true,
        failure: Some(failure()),
        last_failure: None,
    }
}

fn indexes() -> Vec<Index> {
    let part = IndexPart { property: property(), value_type: ValueType::Timestamp, descending: true };
    let definition = IndexDefinition { model: model(), parts: vec![part] };
    let index = |number, state| Index { id: IndexId(number), definition: definition.clone(), state };
    vec![
        index(1, IndexState::Building),
        index(2, IndexState::Ready { cut: true }),
        index(3, IndexState::Failed { message: "no room".to_owned() }),
    ]
}

fn entry() -> LogEntry {
    LogEntry {
        position: Position(8),
        transaction: Some(TransactionId(77)),
        changes: vec![LogChange { model: model(), entity: entity(), operations: vec![id(5)] }],
        relayed: vec![(entity(), id(6))],
    }
}

fn link() -> LinkInfo {
    let peer = LinkPeer { transport: "local".to_owned(), process: Some(42), user: Some(1000) };
    LinkInfo {
        id: 1,
        peer,
        program: "ankurah".to_owned(),
        since: Timestamp(1_704_067_200_000_000),
        read_only: true,
        sessions: 1,
        open: 2,
        requests: 3,
        waiting: 4,
        frames_in: 5,
        frames_out: 6,
        bytes_in: 7,
        bytes_out: 8,
    }
}

fn tapped() -> Vec<TapFrame> {
    use FrameKind::{Cancel, Credit, Data, Goodbye, Hello, Welcome};
    let frame = |kind| TapFrame {
        at: Timestamp(-1),
        link: 1,
        direction: if kind == Welcome { TapDirection::Out } else { TapDirection::In },
        kind,
        stream: 2,
        what: kind.name().to_owned(),
        bytes: 64,
    };
    [Hello, Welcome, Data, Credit, Cancel, Goodbye].into_iter().map(frame).collect()
}
