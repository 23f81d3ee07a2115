//! Opening what a target string names.

use std::sync::Arc;

use ankurah::{Context, Durability, OpenError, OpenOptions, Target};
use ankurah_core::env::fixed::FixedEnv;
use ankurah_core::node::NodeError;
use ankurah_core::node::protocol::{
    Cancel, Connection, Event, EventStream, Failure, Request, TransactionState,
};
use ankurah_core::storage::StorageError;
use ankurah_query_lang::ast::{Statement, StatementKind};
use ankurah_query_lang::parse_statement;
use futures::executor::block_on;

use crate::journal;
use crate::panics::caught;

/// What a target is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Reading and writing; a store that does not exist is made.
    Create,
    /// As [`Mode::Create`], to write much that can be written again: [`Opened::finish`] sees to it that it is on disk.
    Fill,
    /// Reading and writing a store that exists.
    Write,
    /// Reading alone.
    Read,
    /// Reading alone, most of it once: what the engine keeps in memory would not be read again.
    Once,
}

/// What an engine may cache of what is read once, in bytes: enough for paths through references.
const CACHE_ONCE: u64 = 16 << 20;

/// An open target. It is closed when it is dropped.
pub struct Opened {
    /// The way to its node.
    pub connection: Arc<dyn Connection>,
    /// What is shown of it: without secrets.
    pub name: String,
    context: Context,
}

impl Opened {
    /// The same under another name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Everything that was written is on disk when this returns, and nothing can be written any more. The message says
    /// what went wrong.
    pub fn finish(&self) -> Result<(), String> {
        caught(|| block_on(self.context.close()))
            .unwrap_or_else(|message| Err(StorageError::Io { action: "close the store".to_owned(), message }))
            .map_err(|error| error.to_string())
    }

    /// The same, refusing what writes.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.connection = Arc::new(ReadOnly(self.connection.clone()));
        self
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        // What was acknowledged is safe without it; the next opening is quicker with it.
        let _ = caught(|| block_on(self.context.close()));
    }
}

/// Opens a target. The message says what went wrong and what to do.
pub fn open(target: &str, mode: Mode) -> Result<Opened, String> {
    try_open(target, mode).map_err(|error| error.to_string())
}

/// The same with the error as such.
pub fn try_open(target: &str, mode: Mode) -> Result<Opened, OpenError> {
    // What an engine panics at is what it did not expect in its files.
    caught(|| open_context(target, mode)).unwrap_or_else(|message| {
        let message = format!("the engine met something there that cannot be ({message})");
        let error = NodeError::Storage(StorageError::Damaged { what: "its files".to_owned(), message });
        Err(OpenError::Node { target: target.to_owned(), error })
    })
}

fn open_context(target: &str, mode: Mode) -> Result<Opened, OpenError> {
    let read_only = matches!(mode, Mode::Read | Mode::Once);
    let create = matches!(mode, Mode::Create | Mode::Fill);
    let mut options = options().create(create).read_only(read_only);
    if mode == Mode::Fill {
        options = options.durability(Durability::Buffered);
    }
    if mode == Mode::Once {
        options = options.cache(CACHE_ONCE);
    }
    let context = block_on(options.open(target))?;
    Ok(Opened { connection: context.node().connect(), name: target.to_owned(), context })
}

/// How a node is opened; it tells what this process says, where that is kept.
fn options() -> OpenOptions {
    let options = OpenOptions::new();
    match journal::journal() {
        Some(journal) => options.journal(journal),
        None => options,
    }
}

/// Whether the target is a place on disk where there is nothing.
pub fn is_missing(target: &str) -> bool {
    let parsed = Target::parse(target).ok();
    parsed.as_ref().and_then(Target::path).is_some_and(|path| !path.exists())
}

/// An empty store in memory with a fixed clock and fixed randomness.
pub fn fresh_fixed() -> Result<Opened, String> {
    const SEED: u64 = 1;
    let env = FixedEnv::new(SEED).env;
    let context = block_on(options().env(env).open_target(&Target::Memory));
    let context = context.map_err(|error| error.to_string())?;
    Ok(Opened { connection: context.node().connect(), name: "memory:".to_owned(), context })
}

/// The target given, or the store in the user's data folder.
pub fn or_default(target: Option<&str>) -> Result<String, String> {
    if let Some(target) = target {
        return Ok(target.to_owned());
    }
    match ankurah::default_target() {
        Some(target) => Ok(target.to_string()),
        None => Err("no target is given and there is no home folder to keep a store in".to_owned()),
    }
}

/// A connection that refuses what writes, for a store that had to be written to first.
struct ReadOnly(Arc<dyn Connection>);

impl ReadOnly {
    /// What is said to a request that writes.
    fn refusal(request: &Request) -> Option<EventStream> {
        let writes = match request {
            Request::Upsert { .. } | Request::Restore { .. } => true,
            // What cannot be read is for the node to refuse.
            Request::Execute { statement, .. } => {
                parse_statement(statement).is_ok_and(|parsed| writes(&parsed))
            }
            _ => false,
        };
        if !writes {
            return None;
        }
        let failure = Failure {
            kind: "read-only".to_owned(),
            message: "the store is open read-only".to_owned(),
            span: None,
            label: None,
            help: Some("open it without --read-only to change it".to_owned()),
            transaction: TransactionState::Idle,
        };
        Some(Box::pin(futures::stream::iter([Event::Failed(failure)])))
    }
}

impl Connection for ReadOnly {
    fn request(&self, request: Request) -> EventStream {
        Self::refusal(&request).unwrap_or_else(|| self.0.request(request))
    }

    fn request_unless(&self, request: Request, cancel: Cancel) -> EventStream {
        Self::refusal(&request).unwrap_or_else(|| self.0.request_unless(request, cancel))
    }
}

/// Whether a statement changes a store or its catalog.
pub(crate) fn writes(statement: &Statement) -> bool {
    match &statement.kind {
        StatementKind::Select(_)
        | StatementKind::Live(_)
        | StatementKind::Begin { .. }
        | StatementKind::Commit
        | StatementKind::Rollback => false,
        StatementKind::Explain { analyze, statement } => *analyze && writes(statement),
        _ => true,
    }
}
