//! The value of a stored text.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::KvRead;
use super::view::{read_operation, read_text};
use crate::id::{ActorId, EntityId};
use crate::operation::Change;
use crate::property::text::{TextCache, TextDocument, TextKey};
use crate::storage::StorageError;

/// Texts that scans have read lately, shared by all views of an engine.
#[derive(Debug)]
pub(super) struct Texts(Mutex<Held>);

#[derive(Debug)]
struct Held {
    cache: TextCache,
    /// Entities from which an operation was withdrawn: a version does not name one text of theirs any more.
    ambiguous: BTreeSet<EntityId>,
}

/// The memory that cached texts may take, in bytes.
const CACHE: usize = 16 << 20;

impl Default for Texts {
    fn default() -> Self {
        Texts(Mutex::new(Held { cache: TextCache::new(CACHE), ambiguous: BTreeSet::new() }))
    }
}

impl Texts {
    fn lock(&self) -> MutexGuard<'_, Held> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An operation of the entity is about to be withdrawn.
    pub(super) fn withdraw(&self, entity: EntityId) {
        let mut held = self.lock();
        held.ambiguous.insert(entity);
        held.cache.forget(entity);
    }

    /// The string that a version of a text reads as.
    pub(super) async fn read(&self, kv: &impl KvRead, key: TextKey) -> Result<Arc<str>, StorageError> {
        if let Some(text) = self.lock().cache.text(&key) {
            return Ok(text);
        }
        let mut document = load(kv, key).await?;
        let text = document.text();
        let mut held = self.lock();
        if !held.ambiguous.contains(&key.entity) {
            held.cache.put(key, document);
        }
        Ok(text)
    }
}

/// Puts a text together from its snapshot and the operations after it.
async fn load(kv: &impl KvRead, key: TextKey) -> Result<TextDocument, StorageError> {
    let TextKey { entity, property, version } = key;
    let damaged =
        |message: String| StorageError::Damaged { what: format!("text of entity {entity}"), message };
    let record = read_text(kv, entity, property).await?;
    if !record.is_of(version) {
        return Err(damaged("a part of it is missing".to_owned()));
    }
    let mut operations = Vec::with_capacity(record.tail.len());
    for id in &record.tail {
        match read_operation(kv, entity, *id).await? {
            Some((_, operation)) => operations.push(operation),
            None => return Err(damaged(format!("operation {id} of its tail does not exist"))),
        }
    }
    let updates = operations.iter().filter_map(|operation| match operation.change(property) {
        Some(Change::Text(update)) => Some(&**update),
        _ => None,
    });
    TextDocument::load(ActorId::new(0), record.snapshot.as_deref(), updates)
        .map_err(|error| damaged(error.to_string()))
}
