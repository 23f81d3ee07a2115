//! [`TextCache`].

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::TextDocument;
use crate::entity::TextVersion;
use crate::id::{EntityId, PropertyId};

/// Which text, and which version of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TextKey {
    /// The entity.
    pub entity: EntityId,
    /// The text property.
    pub property: PropertyId,
    /// The version.
    pub version: TextVersion,
}

/// Texts in memory, the least recently used given up where they take more than a number of bytes.
///
/// A version names a text only as long as no operation is withdrawn; forget the entity when one is.
#[derive(Debug)]
pub struct TextCache {
    limit: usize,
    weight: usize,
    clock: u64,
    entries: HashMap<TextKey, Entry>,
    /// Keys by the time of their last use.
    by_use: BTreeMap<u64, TextKey>,
}

#[derive(Debug)]
struct Entry {
    document: TextDocument,
    weight: usize,
    used: u64,
}

impl TextCache {
    /// A cache of at most `limit` bytes, by the documents' own estimates.
    pub fn new(limit: usize) -> Self {
        TextCache { limit, weight: 0, clock: 0, entries: HashMap::new(), by_use: BTreeMap::new() }
    }

    /// Bytes in use.
    pub fn weight(&self) -> usize {
        self.weight
    }

    /// Number of texts.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The text, where it is held.
    pub fn text(&mut self, key: &TextKey) -> Option<Arc<str>> {
        // Out and in again: reading the text may make the document heavier, and it is used.
        let mut document = self.take(key)?;
        let text = document.text();
        self.put(*key, document);
        Some(text)
    }

    /// Takes a document out, to edit it or to apply more to it. Put it back under its new version.
    pub fn take(&mut self, key: &TextKey) -> Option<TextDocument> {
        let entry = self.entries.remove(key)?;
        self.by_use.remove(&entry.used);
        self.weight = self.weight.saturating_sub(entry.weight);
        Some(entry.document)
    }

    /// Puts a document in as the most recently used. One that is larger than the whole cache is dropped.
    pub fn put(&mut self, key: TextKey, document: TextDocument) {
        self.take(&key);
        let weight = document.weight();
        if weight > self.limit {
            return;
        }
        self.clock = self.clock.saturating_add(1);
        self.by_use.insert(self.clock, key);
        self.entries.insert(key, Entry { document, weight, used: self.clock });
        self.weight = self.weight.saturating_add(weight);
        while self.weight > self.limit {
            let Some((_, oldest)) = self.by_use.first_key_value() else { break };
            let oldest = *oldest;
            self.take(&oldest);
        }
    }

    /// Gives up every version of every text of an entity.
    pub fn forget(&mut self, entity: EntityId) {
        let keys: Vec<_> = self.entries.keys().filter(|key| key.entity == entity).copied().collect();
        for key in keys {
            self.take(&key);
        }
    }
}
