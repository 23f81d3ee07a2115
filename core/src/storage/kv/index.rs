//! Indexes: keys of entries, ranges of keys, and the filling beside writers.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::commit::Writes;
use super::engine::{KvEngine, Published, Writing};
use super::watch::yield_once;
use super::{Kv, KvRange, PageLimit, layout, record};
use crate::entity::State;
use crate::id::EntityId;
use crate::storage::{Index, IndexDefinition, IndexId, IndexRange, IndexState, StorageError};
use crate::value::{Value, key as value_key};

/// The most indexes of a store.
const MAX_INDEXES: usize = 1024;
/// How many entries are removed, or states read, under one hold of the commit lock.
const PAGE: PageLimit = PageLimit { items: 256, bytes: 256 << 10 };
/// What a failed index says while it is being dropped.
const DROPPING: &str = "it is being dropped";

/// How often each index was read since the store was opened.
#[derive(Debug, Default)]
pub(super) struct Scans(Mutex<BTreeMap<IndexId, u64>>);

impl Scans {
    fn counts(&self) -> MutexGuard<'_, BTreeMap<IndexId, u64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An index is read once more.
    pub(super) fn count(&self, index: IndexId) {
        let mut counts = self.counts();
        let count = counts.entry(index).or_default();
        *count = count.saturating_add(1);
    }

    /// How often an index was read.
    pub(super) fn of(&self, index: IndexId) -> u64 {
        self.counts().get(&index).copied().unwrap_or(0)
    }
}

/// The key of an entry, without index and entity.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct EntryKey {
    pub(super) bytes: Vec<u8>,
    pub(super) cut: bool,
}

impl EntryKey {
    fn of_parts<'a>(parts: impl Iterator<Item = (&'a Value, bool)>) -> Self {
        let mut key = EntryKey::default();
        for (value, descending) in parts {
            key.cut |= value_key::encode(value, descending, &mut key.bytes);
        }
        key
    }
}

/// The entry's key of an entity; `None` where it has none, because it is deleted or gone.
pub(super) fn key_of_state(definition: &IndexDefinition, state: Option<&State>) -> Option<EntryKey> {
    let state = state.filter(|state| !state.is_deleted())?;
    let parts = definition.parts.iter().map(|part| {
        let register = state.registers.get(&part.property);
        (register.map_or(&Value::Null, |register| &register.value), part.descending)
    });
    Some(EntryKey::of_parts(parts))
}

/// Notes that some key of an index was cut.
pub(super) fn mark_cut(writes: &mut Writes, next: &mut Published, id: IndexId) {
    let indexes = Arc::make_mut(&mut next.indexes);
    let Some(index) = indexes.iter_mut().find(|index| index.id == id) else { return };
    match index.state {
        IndexState::Ready { cut: false } => {
            index.state = IndexState::Ready { cut: true };
            writes.put(layout::index(id), record::encode_index(index));
        }
        // Said when the filling ends.
        IndexState::Building => {
            next.cut.insert(id);
        }
        IndexState::Ready { cut: true } | IndexState::Failed { .. } => {}
    }
}

/// Writes the definition of an index, replacing an older one.
fn stage(writes: &mut Writes, next: &mut Published, index: Index) {
    writes.put(layout::index(index.id), record::encode_index(&index));
    let indexes = Arc::make_mut(&mut next.indexes);
    match indexes.iter_mut().find(|other| other.id == index.id) {
        Some(other) => *other = index,
        None => indexes.push(index),
    }
}

/// The keys of a range, index and all, ascending.
pub(super) fn range_of_keys(index: &Index, range: &IndexRange) -> Result<KvRange, StorageError> {
    let parts = &index.definition.parts;
    let wrong = |message: &str| StorageError::Io {
        action: format!("scan index {}", index.id.0),
        message: message.to_owned(),
    };
    let free = range.lower == Bound::Unbounded && range.upper == Bound::Unbounded;
    let next = parts.get(range.equal.len());
    if range.equal.len() > parts.len() || (next.is_none() && !free) {
        return Err(wrong("the range has more parts than the index"));
    }
    let mut prefix = Vec::new();
    for (value, part) in range.equal.iter().zip(parts) {
        value_key::encode(value, part.descending, &mut prefix);
    }
    // All keys that begin with these parts.
    let all = |parts: &[u8]| KvRange::prefix(&[&layout::entries(index.id), parts].concat());
    let Some(part) = next.filter(|_| !free) else { return Ok(all(&prefix)) };
    let with = |value: &Value| {
        let mut parts = prefix.clone();
        let cut = value_key::encode(value, part.descending, &mut parts);
        (all(&parts), cut)
    };
    let (first, last) = match part.descending {
        false => (&range.lower, &range.upper),
        true => (&range.upper, &range.lower),
    };
    // Where a bound is cut, what is beyond it cannot be told from what is within: it counts as within.
    let start = match first {
        Bound::Unbounded => all(&prefix).start,
        Bound::Included(value) => with(value).0.start,
        Bound::Excluded(value) => match with(value) {
            (range, true) => range.start,
            (range, false) => range.end,
        },
    };
    let end = match last {
        // Nulls come last and are outside of a bounded range.
        Bound::Unbounded => with(&Value::Null).0.start,
        Bound::Included(value) => with(value).0.end,
        Bound::Excluded(value) => match with(value) {
            (range, true) => range.end,
            (range, false) => range.start,
        },
    };
    Ok(KvRange::new(start, end))
}

/// Whether a filling goes on.
enum Filling {
    /// From after this key.
    On(KvRange),
    /// It ended: ready, failed or gone.
    Over,
}

impl<K: Kv> KvEngine<K> {
    pub(super) async fn make_index(&self, definition: IndexDefinition) -> Result<IndexId, StorageError> {
        let wrong = |message: String| StorageError::Io { action: "create an index".to_owned(), message };
        if definition.parts.is_empty() || definition.parts.len() > record::MAX_INDEX_PARTS {
            return Err(wrong(format!("it needs 1 to {} parts", record::MAX_INDEX_PARTS)));
        }
        let mut writing = self.begin_write().await?;
        let now = self.published();
        if let Some(index) = now.indexes.iter().find(|index| index.definition == definition) {
            writing.dropping.remove(&index.id);
            return Ok(index.id);
        }
        if now.indexes.len() >= MAX_INDEXES {
            return Err(wrong(format!("the store has {MAX_INDEXES} indexes already")));
        }
        let greatest = now.indexes.iter().map(|index| index.id.0).max().unwrap_or(0);
        let Some(id) = greatest.checked_add(1).map(IndexId) else {
            return Err(wrong("there is no number left".to_owned()));
        };
        self.put_index(&mut writing, now, Index { id, definition, state: IndexState::Building }).await?;
        Ok(id)
    }

    async fn put_index(
        &self,
        writing: &mut Writing,
        mut next: Published,
        index: Index,
    ) -> Result<(), StorageError> {
        let mut writes = Writes::default();
        stage(&mut writes, &mut next, index);
        self.apply(writing, writes, next).await.map(|_| ())
    }

    pub(super) async fn fill_index(&self, id: IndexId) -> Result<(), StorageError> {
        self.clear_failed(id).await?;
        let Some(index) = self.published().index(id).cloned() else { return Ok(()) };
        let mut cut = false;
        let mut range = KvRange::prefix(&layout::states(index.definition.model));
        loop {
            match self.fill_page(id, range, &mut cut).await {
                Ok(Filling::On(rest)) => range = rest,
                Ok(Filling::Over) => return Ok(()),
                Err(error @ (StorageError::Closed | StorageError::ReadOnly)) => return Err(error),
                Err(error) => return self.fail_index(id, &error).await,
            }
            yield_once().await;
        }
    }

    /// A failed index was not maintained: removes its entries, then lets writers maintain it.
    async fn clear_failed(&self, id: IndexId) -> Result<(), StorageError> {
        let failed = |index: &Index| matches!(index.state, IndexState::Failed { .. });
        loop {
            let mut writing = self.begin_write().await?;
            let now = self.published();
            let Some(index) = now.index(id).filter(|index| failed(index)).cloned() else { return Ok(()) };
            writing.dropping.remove(&id);
            if !self.remove_entries(&mut writing, &now, id).await? {
                let index = Index { state: IndexState::Building, ..index };
                return self.put_index(&mut writing, now, index).await;
            }
            drop(writing);
            yield_once().await;
        }
    }

    /// Removes a page of entries. Gives whether there was one.
    async fn remove_entries(
        &self,
        writing: &mut Writing,
        now: &Published,
        id: IndexId,
    ) -> Result<bool, StorageError> {
        let page = self.kv.page(KvRange::prefix(&layout::entries(id)), PAGE).await?;
        let mut writes = Writes::default();
        page.iter().for_each(|(key, _)| writes.delete(key.to_vec()));
        if !writes.is_empty() {
            self.apply(writing, writes, now.clone()).await?;
        }
        Ok(!page.is_empty())
    }

    /// Fills in a page of states under the commit lock, or ends the filling.
    async fn fill_page(&self, id: IndexId, range: KvRange, cut: &mut bool) -> Result<Filling, StorageError> {
        let mut writing = self.begin_write().await?;
        let now = self.published();
        let Some(index) = now.index(id).filter(|index| index.state == IndexState::Building) else {
            return Ok(Filling::Over);
        };
        let page = self.kv.page(range, PAGE).await?;
        let mut writes = Writes::default();
        for (key, value) in page.iter() {
            let Some((_, entity)) = layout::split_id(key) else {
                return Err(record::bad_key("a state", key));
            };
            let state = record::decode_state(index.definition.model, EntityId(entity), value)?;
            if let Some(entry) = key_of_state(&index.definition, Some(&state)) {
                *cut |= entry.cut;
                writes.put(layout::entry(id, &entry.bytes, EntityId(entity)), Vec::new());
            }
        }
        let mut next = now.clone();
        if page.rest().is_none() {
            let cut = *cut || next.cut.remove(&id);
            stage(&mut writes, &mut next, Index { state: IndexState::Ready { cut }, ..index.clone() });
        }
        self.apply(&mut writing, writes, next).await?;
        if page.rest().is_none() {
            tracing::info!(index = id.0, "an index is ready");
        }
        Ok(page.rest().map_or(Filling::Over, |rest| Filling::On(rest.clone())))
    }

    async fn fail_index(&self, id: IndexId, error: &StorageError) -> Result<(), StorageError> {
        tracing::warn!(index = id.0, %error, "an index could not be filled");
        let mut writing = self.begin_write().await?;
        let now = self.published();
        let Some(index) = now.index(id).filter(|index| index.state == IndexState::Building).cloned() else {
            return Ok(());
        };
        let message = record::truncated(&error.to_string()).to_owned();
        self.put_index(&mut writing, now, Index { state: IndexState::Failed { message }, ..index }).await
    }

    pub(super) async fn remove_index(&self, id: IndexId) -> Result<(), StorageError> {
        {
            let mut writing = self.begin_write().await?;
            let now = self.published();
            let Some(index) = now.index(id).cloned() else { return Ok(()) };
            let state = IndexState::Failed { message: DROPPING.to_owned() };
            self.put_index(&mut writing, now, Index { state, ..index }).await?;
            writing.dropping.insert(id);
        }
        loop {
            yield_once().await;
            let mut writing = self.begin_write().await?;
            if !writing.dropping.contains(&id) {
                return Ok(());
            }
            let mut now = self.published();
            if self.remove_entries(&mut writing, &now, id).await? {
                continue;
            }
            let mut writes = Writes::default();
            writes.delete(layout::index(id));
            Arc::make_mut(&mut now.indexes).retain(|index| index.id != id);
            self.apply(&mut writing, writes, now).await?;
            writing.dropping.remove(&id);
            return Ok(());
        }
    }
}
