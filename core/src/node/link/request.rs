//! How a request is written.

use super::LinkError;
use super::wire::{Wire, wire_enum, wire_struct};
use crate::codec::{DecodeError, Problem, Reader, Writer};
use crate::dump::{DumpedAside, Unit};
use crate::id::{EntityId, ModelId, OpId};
use crate::node::protocol::{Cell, Parameters, Request, SessionId};
use crate::storage::{Position, SetAside};
use crate::value::Value;

wire_struct!(Parameters { positional: Vec<Value>, named: Vec<(String, Value)> });

wire_enum!(Cell {
    0 = Value(value: Value),
    1 = Key(key: Vec<Value>),
});

wire_enum!(SetAside {
    0 = Parked,
    1 = Refused,
    2 = Equivocal,
});

wire_struct!(DumpedAside { set: SetAside, id: OpId, entity: EntityId, reason: String, bytes: Vec<u8> });

wire_enum!(Unit {
    0 = Commit { position: Position, operations: Vec<Vec<u8>> },
    1 = Aside(aside: DumpedAside),
});

wire_enum!(Request {
    1 = Info,
    2 = Catalog,
    3 = Execute { session: SessionId, statement: String, parameters: Parameters },
    4 = Live { statement: String, parameters: Parameters },
    5 = LiveQueries,
    6 = CloseSession { session: SessionId },
    7 = Upsert { session: SessionId, model: String, columns: Vec<String>, rows: Vec<Vec<Cell>> },
    8 = Verify,
    9 = Indexes,
    10 = SetAside { set: SetAside },
    11 = Operations { entity: EntityId, after: Option<OpId> },
    12 = Log { after: Position, follow: bool },
    13 = Links,
    14 = Tap,
    15 = Heads,
    16 = Values { model: ModelId, entity: EntityId },
    17 = Dump,
    18 = Restore { units: Vec<Unit> },
    19 = Statistics,
    20 = Journal { after: u64 },
});

/// The bytes of a request.
pub fn encode_request(request: &Request) -> Vec<u8> {
    let mut writer = Writer::new();
    request.write(&mut writer);
    writer.into_bytes()
}

/// Reads a request that fills the bytes.
///
/// # Errors
/// [`LinkError::Message`] where they are none.
pub fn decode_request(bytes: &[u8]) -> Result<Request, LinkError> {
    whole(bytes, "request").map_err(|error| LinkError::Message { what: "a request", error })
}

pub(super) fn whole<T: Wire>(bytes: &[u8], what: &'static str) -> Result<T, DecodeError> {
    let mut reader = Reader::new(bytes);
    let found = T::read(&mut reader, what)?;
    reader.finish()?;
    Ok(found)
}

impl Request {
    /// What it is, in one word of lower case.
    pub fn name(&self) -> &'static str {
        match self {
            Request::Info => "info",
            Request::Catalog => "catalog",
            Request::Execute { .. } => "execute",
            Request::Live { .. } => "live",
            Request::LiveQueries => "live-queries",
            Request::CloseSession { .. } => "close-session",
            Request::Upsert { .. } => "upsert",
            Request::Verify => "verify",
            Request::Indexes => "indexes",
            Request::SetAside { .. } => "set-aside",
            Request::Operations { .. } => "operations",
            Request::Log { .. } => "log",
            Request::Links => "links",
            Request::Tap => "tap",
            Request::Heads => "heads",
            Request::Values { .. } => "values",
            Request::Dump => "dump",
            Request::Restore { .. } => "restore",
            Request::Statistics => "statistics",
            Request::Journal { .. } => "journal",
        }
    }

    /// The session that it is about.
    pub(super) fn session_mut(&mut self) -> Option<&mut SessionId> {
        match self {
            Request::Execute { session, .. }
            | Request::Upsert { session, .. }
            | Request::CloseSession { session } => Some(session),
            Request::Info
            | Request::Catalog
            | Request::Live { .. }
            | Request::LiveQueries
            | Request::Verify
            | Request::Indexes
            | Request::SetAside { .. }
            | Request::Operations { .. }
            | Request::Log { .. }
            | Request::Links
            | Request::Tap
            | Request::Heads
            | Request::Values { .. }
            | Request::Dump
            | Request::Restore { .. }
            | Request::Statistics
            | Request::Journal { .. } => None,
        }
    }
}
