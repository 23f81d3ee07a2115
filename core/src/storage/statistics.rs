//! What a store takes, as far as its engine can tell.

use serde::{Deserialize, Serialize};

use super::IndexId;

/// What the key-value store below an engine takes, as far as it can tell without reading everything; `None` where it
/// cannot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Footprint {
    /// Keys. Those that were replaced or removed lately may be counted too.
    pub keys: Option<u64>,
    /// Bytes on disk.
    pub disk: Option<u64>,
    /// Bytes of memory for what was written and is not in its place on disk yet.
    pub buffered: Option<u64>,
    /// Bytes of memory that keep what was read.
    pub cached: Option<u64>,
    /// Bytes of memory that may do so.
    pub cache: Option<u64>,
}

/// What a store takes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoreStatistics {
    /// What the key-value store takes.
    pub footprint: Footprint,
    /// Entities that are not deleted, those of the catalog included.
    pub entities: u64,
    /// Deleted entities.
    pub deleted: u64,
    /// The indexes, in the order of [`Engine::indexes`](super::Engine::indexes).
    pub indexes: Vec<IndexStatistics>,
}

/// What an index holds, and how often it was of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexStatistics {
    /// The index.
    pub index: IndexId,
    /// How many entries it holds; `None` where that is not known because it is not complete.
    pub entries: Option<u64>,
    /// How many scans have read it since the store was opened.
    pub scans: u64,
}
