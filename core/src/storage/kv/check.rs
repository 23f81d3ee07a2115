//! Checking what only the engine knows.

use super::Kv;
use super::engine::KvEngine;
use crate::env::BoxStream;
use crate::storage::{Fault, StorageError};

impl<K: Kv> KvEngine<K> {
    pub(super) fn check_store(&self) -> BoxStream<'_, Result<Fault, StorageError>> {
        Box::pin(futures::stream::empty())
    }
}
