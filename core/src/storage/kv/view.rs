//! [`KvView`]: reading a store at one position.

use std::sync::Arc;

use super::engine::Published;
use super::entries::Entries;
use super::index::Scans;
use super::states::States;
use super::text::Texts;
use super::{Kv, KvRange, KvRead, Page, PageLimit, layout, record};
use crate::dag::{RunStart, run_for};
use crate::entity::{BaseState, State};
use crate::env::BoxFuture;
use crate::id::{ActorId, EntityId, ModelId, OpId, PropertyId, Stamp};
use crate::storage::{
    Accepted, ActorRecord, Aside, Index, LogEntry, Position, ReadView, RowStream, Scan, SetAside,
    StorageError, TextRecord,
};

/// A view of a store at one position.
pub(super) struct KvView<K: Kv> {
    pub(super) snapshot: K::Snapshot,
    pub(super) published: Published,
    pub(super) texts: Arc<Texts>,
    pub(super) states: Arc<States>,
    pub(super) entries: Arc<Entries>,
    pub(super) scans: Arc<Scans>,
}

/// The key right after `key`.
fn after(mut key: Vec<u8>) -> Vec<u8> {
    key.push(0);
    key
}

/// Reads a range to its end or to `limit` items.
pub(super) async fn collect<T>(
    kv: &impl KvRead,
    range: KvRange,
    limit: usize,
    mut item: impl FnMut(&[u8], &[u8]) -> Result<T, StorageError>,
) -> Result<Vec<T>, StorageError> {
    let mut items = Vec::new();
    let mut rest = Some(range).filter(|range| !range.is_empty() && limit > 0);
    while let Some(range) = rest {
        let page = kv.page(range, PageLimit::items(limit.saturating_sub(items.len()))).await?;
        for (key, value) in page.iter() {
            if items.len() >= limit {
                return Ok(items);
            }
            items.push(item(key, value)?);
        }
        rest = page.rest().filter(|_| items.len() < limit).cloned();
    }
    Ok(items)
}

pub(super) async fn read_state(
    kv: &impl KvRead,
    model: ModelId,
    entity: EntityId,
) -> Result<Option<State>, StorageError> {
    let bytes = kv.get(&layout::state(model, entity)).await?;
    bytes.map(|bytes| record::decode_state(model, entity, &bytes)).transpose()
}

pub(super) async fn read_base(kv: &impl KvRead, entity: EntityId) -> Result<Option<BaseState>, StorageError> {
    let bytes = kv.get(&layout::base(entity)).await?;
    bytes.map(|bytes| record::decode_base(entity, &bytes)).transpose()
}

pub(super) async fn read_operation(
    kv: &impl KvRead,
    entity: EntityId,
    id: OpId,
) -> Result<Option<Accepted>, StorageError> {
    let bytes = kv.get(&layout::operation(entity, id)).await?;
    bytes.map(|bytes| record::decode_operation(entity, id, &bytes)).transpose()
}

pub(super) async fn read_text(
    kv: &impl KvRead,
    entity: EntityId,
    property: PropertyId,
) -> Result<TextRecord, StorageError> {
    let bytes = kv.get(&layout::text(entity, property)).await?;
    let snapshot = bytes.map(|bytes| record::decode_text(entity, &bytes)).transpose()?;
    let range = KvRange::prefix(&layout::tail(entity, property));
    let tail = collect(kv, range, usize::MAX, |_, value| record::decode_tail(entity, value)).await?;
    Ok(TextRecord { snapshot, tail })
}

impl<K: Kv> KvView<K> {
    pub(super) fn new(
        snapshot: K::Snapshot,
        published: Published,
        texts: Arc<Texts>,
        states: Arc<States>,
        entries: Arc<Entries>,
        scans: Arc<Scans>,
    ) -> Self {
        KvView { snapshot, published, texts, states, entries, scans }
    }

    /// A page of entries of an index.
    pub(super) async fn page_of_entries(
        &self,
        range: KvRange,
        limit: PageLimit,
    ) -> Result<Page, StorageError> {
        self.entries.page(&self.snapshot, range, limit, self.published.head.version).await
    }

    async fn read_operations(
        &self,
        entity: EntityId,
        from: OpId,
        limit: usize,
    ) -> Result<Vec<Accepted>, StorageError> {
        let all = layout::operations(entity);
        let range = KvRange::new(after(layout::operation(entity, from)), layout::after_prefix(&all));
        collect(&self.snapshot, range, limit, |key, value| {
            let id = layout::id_at(key, all.len()).ok_or_else(|| record::bad_key("an operation", key))?;
            record::decode_operation(entity, id, value)
        })
        .await
    }

    async fn read_run(
        &self,
        entity: EntityId,
        actor: ActorId,
        sequence: u64,
    ) -> Result<Option<RunStart>, StorageError> {
        let start = layout::runs_of(entity, actor);
        let range = KvRange::new(start, after(layout::run(entity, actor, sequence))).reversed();
        let runs = collect(&self.snapshot, range, 1, |_, value| record::decode_run(entity, value)).await?;
        let found = runs.into_iter().next();
        // A run of an actor that forked may have begun before the entity's first.
        if found.as_ref().is_some_and(|run| run.vector.get(actor) == run.first.sequence) {
            return Ok(found);
        }
        let first = self.first_run(entity).await?;
        let first = first.filter(|run| run.first.actor == actor && run.first.sequence <= sequence);
        Ok(found.into_iter().chain(first).max_by_key(|run| run.first.sequence))
    }

    /// The run that began with the entity, which is not stored apart.
    async fn first_run(&self, entity: EntityId) -> Result<Option<RunStart>, StorageError> {
        let range = KvRange::prefix(&layout::operations(entity));
        let first = collect(&self.snapshot, range, 1, |key, value| {
            let id = layout::id_at(key, 17).ok_or_else(|| record::bad_key("an operation", key))?;
            record::decode_first_operation(entity, id, value)
        });
        let Some((follower, (_, genesis))) = first.await?.into_iter().next() else { return Ok(None) };
        match follower {
            None if genesis.key().is_none() && genesis.is_genesis() => Ok(run_for(&genesis, [])),
            None => Ok(None),
            Some(follower) => {
                let follower = read_operation(&self.snapshot, entity, follower).await?;
                Ok(follower.and_then(|(_, follower)| run_for(&follower, [])))
            }
        }
    }

    async fn read_log(&self, from: Position, limit: usize) -> Result<Vec<LogEntry>, StorageError> {
        let range = KvRange::new(after(layout::log(from)), layout::after_prefix(&[layout::LOG]));
        let expected = |entry: &LogEntry, before: Position| entry.position.0 == before.0.saturating_add(1);
        let entries = collect(&self.snapshot, range, limit, |key, value| {
            let number = key.get(1..).and_then(|number| <[u8; 8]>::try_from(number).ok());
            let position = number.map(u64::from_be_bytes).map(Position);
            record::decode_log(position.ok_or_else(|| record::bad_key("a log entry", key))?, value)
        })
        .await?;
        let mut before = from;
        for entry in &entries {
            if !expected(entry, before) {
                let what = format!("log entry {}", before.0.saturating_add(1));
                return Err(StorageError::Damaged { what, message: "it is missing".to_owned() });
            }
            before = entry.position;
        }
        if entries.len() < limit && before < self.published.head.position {
            let what = format!("log entry {}", before.0.saturating_add(1));
            return Err(StorageError::Damaged { what, message: "it is missing".to_owned() });
        }
        Ok(entries)
    }

    async fn read_set(&self, set: SetAside, from: OpId, limit: usize) -> Result<Vec<Aside>, StorageError> {
        let all = layout::asides(set);
        let range = KvRange::new(after(layout::aside(set, from)), layout::after_prefix(&all));
        collect(&self.snapshot, range, limit, |key, value| {
            let id = layout::id_at(key, all.len())
                .ok_or_else(|| record::bad_key("an operation that was set aside", key))?;
            record::decode_aside(id, value)
        })
        .await
    }
}

impl<K: Kv> ReadView for KvView<K> {
    fn position(&self) -> Position {
        self.published.head.position
    }

    fn state(&self, model: ModelId, entity: EntityId) -> BoxFuture<'_, Result<Option<State>, StorageError>> {
        Box::pin(read_state(&self.snapshot, model, entity))
    }

    fn model_of(&self, entity: EntityId) -> BoxFuture<'_, Result<Option<ModelId>, StorageError>> {
        Box::pin(async move {
            let first = self.read_operations(entity, OpId::MIN, 1).await?;
            match first.first() {
                Some((_, operation)) => Ok(Some(operation.model())),
                None => Ok(read_base(&self.snapshot, entity).await?.map(|base| base.model)),
            }
        })
    }

    fn operation(&self, entity: EntityId, id: OpId) -> BoxFuture<'_, Result<Option<Accepted>, StorageError>> {
        Box::pin(read_operation(&self.snapshot, entity, id))
    }

    fn operations(
        &self,
        entity: EntityId,
        after: OpId,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Accepted>, StorageError>> {
        Box::pin(self.read_operations(entity, after, limit))
    }

    fn run(
        &self,
        entity: EntityId,
        actor: ActorId,
        sequence: u64,
    ) -> BoxFuture<'_, Result<Option<RunStart>, StorageError>> {
        Box::pin(self.read_run(entity, actor, sequence))
    }

    fn base(&self, entity: EntityId) -> BoxFuture<'_, Result<Option<BaseState>, StorageError>> {
        Box::pin(read_base(&self.snapshot, entity))
    }

    fn text(
        &self,
        entity: EntityId,
        property: PropertyId,
    ) -> BoxFuture<'_, Result<TextRecord, StorageError>> {
        Box::pin(read_text(&self.snapshot, entity, property))
    }

    fn scan(&self, scan: Scan) -> RowStream<'_> {
        self.scan_rows(scan)
    }

    fn log(&self, after: Position, limit: usize) -> BoxFuture<'_, Result<Vec<LogEntry>, StorageError>> {
        Box::pin(self.read_log(after, limit))
    }

    fn set_aside(
        &self,
        set: SetAside,
        after: OpId,
        limit: usize,
    ) -> BoxFuture<'_, Result<Vec<Aside>, StorageError>> {
        Box::pin(self.read_set(set, after, limit))
    }

    fn actors(&self) -> BoxFuture<'_, Result<Vec<ActorRecord>, StorageError>> {
        let range = KvRange::prefix(&[layout::ACTOR]);
        Box::pin(collect(&self.snapshot, range, usize::MAX, record::decode_actor))
    }

    fn record(&self, name: &str) -> BoxFuture<'_, Result<Option<Vec<u8>>, StorageError>> {
        let name = name.to_owned();
        Box::pin(async move {
            let bytes = self.snapshot.get(&layout::record(&name)).await?;
            bytes.map(|bytes| record::decode_record(&name, &bytes)).transpose()
        })
    }

    fn count_hint(&self, model: ModelId) -> Option<u64> {
        Some(self.published.counts.get(model).map_or(0, |count| count.live))
    }

    fn named_by(&self, model: ModelId, key: &[PropertyId]) -> bool {
        self.published.counts.get(model).is_none_or(|count| count.naming.is_by(key))
    }

    fn clock(&self) -> Stamp {
        self.published.head.clock
    }

    fn catalog(&self) -> Position {
        self.published.head.catalog
    }

    fn indexes(&self) -> Arc<Vec<Index>> {
        Arc::clone(&self.published.indexes)
    }
}
