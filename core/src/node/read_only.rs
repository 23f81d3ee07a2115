//! A connection that refuses what writes.

use std::sync::Arc;

use ankurah_query_lang::ast::{Statement, StatementKind};
use ankurah_query_lang::parse_statement;

use super::failure::{Explain, failure};
use super::protocol::{Cancel, Connection, Event, EventStream, Request};

/// A connection that refuses what writes, to a node that may write. A live query and an explanation pass; what cannot
/// be read is for the node to refuse.
pub struct ReadOnly(Arc<dyn Connection>);

impl ReadOnly {
    /// The same connection, for reading alone.
    pub fn new(connection: Arc<dyn Connection>) -> Self {
        ReadOnly(connection)
    }
}

impl Connection for ReadOnly {
    fn request(&self, request: Request) -> EventStream {
        refusal(&request).unwrap_or_else(|| self.0.request(request))
    }

    fn request_unless(&self, request: Request, cancel: Cancel) -> EventStream {
        refusal(&request).unwrap_or_else(|| self.0.request_unless(request, cancel))
    }
}

/// What is said to a request that writes.
fn refusal(request: &Request) -> Option<EventStream> {
    let refused = request.writes().then(|| {
        failure("read-only", "the store is open read-only").help("open it without --read-only to change it")
    });
    refused.map(|failure| -> EventStream { Box::pin(futures::stream::iter([Event::Failed(*failure)])) })
}

impl Request {
    /// Whether it changes the store or its catalog. A statement that cannot be read does not.
    pub fn writes(&self) -> bool {
        match self {
            Request::Upsert { .. } | Request::Restore { .. } => true,
            Request::Execute { statement, .. } => {
                parse_statement(statement).is_ok_and(|parsed| statement_writes(&parsed))
            }
            Request::Info
            | Request::Catalog
            | Request::Live { .. }
            | Request::LiveQueries
            | Request::CloseSession { .. }
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
            | Request::Statistics
            | Request::Journal { .. } => false,
        }
    }
}

/// Whether a statement changes a store or its catalog.
pub fn statement_writes(statement: &Statement) -> bool {
    match &statement.kind {
        StatementKind::Select(_)
        | StatementKind::Live(_)
        | StatementKind::Begin { .. }
        | StatementKind::Commit
        | StatementKind::Rollback => false,
        StatementKind::Explain { analyze, statement } => *analyze && statement_writes(statement),
        _ => true,
    }
}
