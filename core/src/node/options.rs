//! How a node is opened, and its limits.

use std::sync::Arc;

use super::journal::Journal;
use crate::storage::Durability;

/// How a node is opened.
#[derive(Clone, Debug, Default)]
pub struct NodeOptions {
    /// Whether writes are refused. Nothing is written to the store then, its first key pair neither.
    pub read_only: bool,
    /// When a commit is acknowledged.
    pub durability: Durability,
    /// Bounds.
    pub limits: Limits,
    /// What the program says while it runs, where it keeps that.
    pub journal: Option<Arc<Journal>>,
}

/// Bounds of a node. Whatever exceeds one is refused with a failure that names it.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of a statement.
    pub statement_bytes: usize,
    /// Rows of one [`Request::Upsert`](super::protocol::Request::Upsert).
    pub upsert_rows: usize,
    /// Entities that one transaction writes.
    pub transaction_entities: usize,
    /// Open sessions.
    pub sessions: usize,
    /// Times that a statement of its own, whose entities changed meanwhile, is run again.
    pub retries: usize,
    /// Bytes that a query may hold to sort, group and make distinct.
    pub query_memory: u64,
    /// Live queries, equal ones counted once.
    pub live_queries: usize,
    /// Rows of a live query.
    pub live_rows: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            statement_bytes: ankurah_query_lang::MAX_LENGTH,
            upsert_rows: 100_000,
            transaction_entities: 1_000_000,
            sessions: 10_000,
            retries: 1_000,
            query_memory: 1 << 30,
            live_queries: 1_000_000,
            live_rows: 1_000_000,
        }
    }
}
