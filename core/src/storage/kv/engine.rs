//! [`KvEngine`]: opening, publishing, flushing, closing.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError};

use futures::lock::{Mutex, MutexGuard};

use super::commit::Writes;
use super::counts::Counts;
use super::entries::Entries;
use super::group::Group;
use super::index::Scans;
use super::record::{self, Count, Identity, LogHead};
use super::states::States;
use super::text::Texts;
use super::view::KvView;
use super::watch::{Watched, yield_once};
use super::{Kv, KvRange, KvRead, KvWrite, PageLimit, layout};
use crate::env::{BoxFuture, BoxStream, Random};
use crate::id::{ModelId, StoreId};
use crate::storage::{
    Batch, CommitError, Durability, Engine, Fault, Index, IndexDefinition, IndexId, IndexState,
    IndexStatistics, Position, ReadView, StorageError, StoreInfo, StoreStatistics,
};

/// How a store is opened.
#[derive(Clone, Copy)]
pub struct OpenStore<'a> {
    /// Where a new store's id comes from.
    pub random: &'a dyn Random,
    /// Make a store where there is none; otherwise that is an error.
    pub create: bool,
    /// Refuse everything that writes. Nothing is made then.
    pub read_only: bool,
}

impl fmt::Debug for OpenStore<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenStore")
            .field("create", &self.create)
            .field("read_only", &self.read_only)
            .finish_non_exhaustive()
    }
}

/// An [`Engine`] on an ordered key-value store with snapshots.
pub struct KvEngine<K: Kv> {
    pub(super) kv: K,
    info: StoreInfo,
    was_clean: bool,
    read_only: bool,
    /// The commit lock.
    writing: Mutex<Writing>,
    /// What readers see.
    published: Watched<Published>,
    /// The version of the last write that was begun. As long as it is the published one, no write is under way.
    begun: AtomicU64,
    /// What the write that is under way will publish.
    coming: std::sync::Mutex<Option<Published>>,
    group: Group,
    pub(super) texts: Arc<Texts>,
    states: Arc<States>,
    entries: Arc<Entries>,
    scans: Arc<Scans>,
    /// The last view that was taken, given again until the next write.
    recent: std::sync::Mutex<Option<Arc<KvView<K>>>>,
}

/// What the commit lock guards.
#[derive(Debug, Default)]
pub(super) struct Writing {
    /// A write failed or was dropped half-way: what the store holds is read again before the next one.
    unsure: bool,
    /// No write is accepted any more.
    closed: bool,
    /// Indexes that are being dropped.
    pub(super) dropping: BTreeSet<IndexId>,
    /// What the records of the head and of the counts lack.
    unsaved: Unsaved,
}

/// What the records of the head and of the counts lack: only the entries of the log have it.
#[derive(Debug, Default)]
struct Unsaved {
    /// The head of the log, as its record is.
    head: LogHead,
    /// Models whose records of counts may be older than the log.
    counts: BTreeSet<ModelId>,
}

/// How often the commit lock is tried before it is waited for.
const TRIES: usize = 16;

/// How many writes there are at most since the record of the head was written. So many entries of the log are read
/// when the store is opened.
const SAVE_EVERY: u64 = 256;

/// What the last write left, in memory. Every view has the one that belongs to its snapshot.
#[derive(Clone, Debug, Default)]
pub(super) struct Published {
    pub(super) head: LogHead,
    pub(super) indexes: Arc<Vec<Index>>,
    pub(super) counts: Arc<Counts>,
    /// Indexes being filled of which a writer has cut a key.
    pub(super) cut: BTreeSet<IndexId>,
    closed: bool,
}

impl Published {
    pub(super) fn index(&self, id: IndexId) -> Option<&Index> {
        self.indexes.iter().find(|index| index.id == id)
    }
}

impl<K: Kv> fmt::Debug for KvEngine<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KvEngine").field("info", &self.info).finish_non_exhaustive()
    }
}

impl<K: Kv> KvEngine<K> {
    /// Opens the store in `kv`, or makes one where `kv` is empty.
    ///
    /// Fails where `kv` cannot be read, holds something else, is damaged, was written by a newer version, or is
    /// empty though no store is to be made.
    pub async fn open(kv: K, options: OpenStore<'_>) -> Result<Self, StorageError> {
        let (identity, (published, unsaved)) = match kv.get(&layout::identity()).await? {
            Some(bytes) => {
                let identity = Identity::decode(&bytes)?;
                (identity, load(&kv).await?)
            }
            None => create(&kv, options).await?,
        };
        if published.head.version < kv.closed() {
            return Err(StorageError::Damaged {
                what: "end of the log".to_owned(),
                message: format!(
                    "the store was closed after {} writes, but holds {}",
                    kv.closed(),
                    published.head.version
                ),
            });
        }
        check_groups(&kv, &published).await?;
        let info = StoreInfo {
            engine: kv.name().to_owned(),
            store: identity.store,
            epoch: identity.epoch,
            format: identity.format,
        };
        Ok(KvEngine {
            kv,
            info,
            was_clean: published.head.clean,
            read_only: options.read_only,
            writing: Mutex::new(Writing { unsaved, ..Writing::default() }),
            begun: AtomicU64::new(published.head.version),
            coming: std::sync::Mutex::new(None),
            published: Watched::new(published),
            group: Group::default(),
            texts: Arc::default(),
            states: Arc::default(),
            entries: Arc::default(),
            scans: Arc::default(),
            recent: std::sync::Mutex::default(),
        })
    }

    /// The key-value store below.
    pub fn kv(&self) -> &K {
        &self.kv
    }

    pub(super) fn published(&self) -> Published {
        self.published.read(Published::clone)
    }

    /// Takes the commit lock. It is held so briefly that letting others run is mostly enough: being woken takes
    /// longer.
    async fn lock_writing(&self) -> MutexGuard<'_, Writing> {
        for _ in 0..TRIES {
            match self.writing.try_lock() {
                Some(writing) => return writing,
                None => self.kv.pause(),
            }
        }
        self.writing.lock().await
    }

    /// Takes the commit lock, for a write.
    pub(super) async fn begin_write(&self) -> Result<MutexGuard<'_, Writing>, StorageError> {
        if self.read_only {
            return Err(StorageError::ReadOnly);
        }
        let mut writing = self.lock_writing().await;
        if writing.closed {
            return Err(StorageError::Closed);
        }
        self.group.check()?;
        if writing.unsure {
            let (mut found, unsaved) = Box::pin(load(&self.kv)).await?;
            writing.unsaved = unsaved;
            // Whether the unsure write cut keys of an index that is being filled is not known any more.
            let building = found.indexes.iter().filter(|index| index.state == IndexState::Building);
            found.cut = building.map(|index| index.id).collect();
            self.published.update(|published| *published = found);
            writing.unsure = false;
        }
        Ok(writing)
    }

    /// Applies writes under the commit lock, then shows `next` to readers. Gives the write's version.
    pub(super) async fn apply(
        &self,
        writing: &mut Writing,
        mut writes: Writes,
        mut next: Published,
    ) -> Result<u64, StorageError> {
        next.head.version = next.head.version.saturating_add(1);
        let is_commit = self.published.read(|now| now.head.position) < next.head.position;
        let saved = writing.unsaved.head;
        let saves = !is_commit
            || saved.clean != next.head.clean
            || saved.catalog != next.head.catalog
            || next.head.version.saturating_sub(saved.version) >= SAVE_EVERY;
        if saves {
            writes.put(layout::head(), next.head.encode());
            for model in &writing.unsaved.counts {
                if let Some(count) = next.counts.get(*model) {
                    writes.put(layout::count(*model), count.encode());
                }
            }
        }
        writing.unsure = true;
        // A store without snapshots of its own would keep for it what this write replaces.
        drop(self.recent().take());
        let writes = writes.into_kv();
        for write in &writes {
            self.states.touch(&write.key, next.head.version);
            self.entries.touch(&write.key, next.head.version);
        }
        let head = next.head;
        let version = head.version;
        *self.coming() = Some(next.clone());
        self.begun.store(version, Ordering::SeqCst);
        self.kv.apply(writes).await?;
        self.published.update(|published| *published = next);
        writing.unsure = false;
        if saves {
            writing.unsaved = Unsaved { head, counts: BTreeSet::new() };
        }
        Ok(version)
    }

    /// Resolves when a version is on disk.
    pub(super) async fn reach(&self, version: u64) -> Result<(), StorageError> {
        let applied = || self.published.read(|published| published.head.version);
        self.group.reach(version, applied, || self.kv.flush(), || self.kv.pause()).await
    }

    fn coming(&self) -> std::sync::MutexGuard<'_, Option<Published>> {
        self.coming.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn recent(&self) -> std::sync::MutexGuard<'_, Option<Arc<KvView<K>>>> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A view of the latest write. Statements that come between two writes share one.
    pub(super) async fn take_view(&self) -> Result<Arc<KvView<K>>, StorageError> {
        let version = self.published.read(|now| (!now.closed).then_some(now.head.version));
        let recent = self.recent().clone();
        if let Some(view) = recent.filter(|view| Some(view.published.head.version) == version) {
            return Ok(view);
        }
        let view = Arc::new(Box::pin(self.new_view()).await?);
        if version.is_some() {
            *self.recent() = Some(Arc::clone(&view));
        }
        Ok(view)
    }

    /// A view of the latest write that nobody else has.
    pub(super) async fn new_view(&self) -> Result<KvView<K>, StorageError> {
        let view = |snapshot, published| {
            let (texts, states) = (self.texts.clone(), self.states.clone());
            KvView::new(snapshot, published, texts, states, self.entries.clone(), self.scans.clone())
        };
        // A snapshot and what is published are taken apart, so they are compared.
        for _ in 0..64 {
            let published = self.published();
            let coming = self.coming().clone();
            let snapshot = self.kv.snapshot().await?;
            let begun = self.begun.load(Ordering::SeqCst);
            if begun == published.head.version {
                return Ok(view(snapshot, published));
            }
            // The snapshot shows what was published. If it does not show the next write, it shows no later one.
            let follows = |coming: &Published| {
                coming.head.version == published.head.version.saturating_add(1)
                    && coming.head.position > published.head.position
            };
            if let Some(coming) = coming.filter(follows) {
                if snapshot.get(&layout::log(coming.head.position)).await?.is_none() {
                    return Ok(view(snapshot, published));
                }
                if begun == coming.head.version {
                    return Ok(view(snapshot, coming));
                }
            }
            yield_once().await;
        }
        let _writing = self.writing.lock().await;
        let snapshot = self.kv.snapshot().await?;
        let (published, _) = load(&snapshot).await?;
        Ok(view(snapshot, published))
    }

    async fn commit_batch(&self, batch: Batch, durability: Durability) -> Result<Position, CommitError> {
        let (position, version) = if batch.is_empty() {
            let head = self.published.read(|published| published.head);
            (head.position, head.version)
        } else {
            let _joining = (durability == Durability::Synced).then(|| self.group.join());
            let mut writing = self.begin_write().await?;
            let now = self.published();
            let erases = !batch.rewritten.is_empty() || !batch.bases.is_empty();
            let scrubs = !batch.rewritten.is_empty() || (!batch.bases.is_empty() && batch.folded.is_empty());
            let (writes, next, recounted) = self.prepare(&now, batch).await?;
            if scrubs {
                self.kv.scrub()?;
            }
            writing.unsaved.counts.extend(recounted);
            let position = next.head.position;
            let version = self.apply(&mut writing, writes, next).await?;
            if erases {
                // Older views put no state back that a write has touched since.
                self.states.clear();
            }
            (position, version)
        };
        if durability == Durability::Synced {
            Box::pin(self.reach(version)).await.map_err(|error| unflushed(position, error))?;
        }
        Ok(position)
    }

    async fn shut(&self) -> Result<(), StorageError> {
        let mut writing = match self.begin_write().await {
            Err(StorageError::Closed | StorageError::ReadOnly) => return Ok(()),
            other => other?,
        };
        let mut next = self.published();
        if !next.head.clean {
            next.head.clean = true;
            let version = self.apply(&mut writing, Writes::default(), next).await?;
            self.reach(version).await?;
            self.kv.set_closed(version).await?;
        }
        writing.closed = true;
        self.published.update(|published| published.closed = true);
        Ok(())
    }
}

fn unflushed(position: Position, error: StorageError) -> StorageError {
    match error {
        StorageError::Io { message, .. } => StorageError::Io {
            action: format!("flush commit {} (it may be lost when the store is opened again)", position.0),
            message,
        },
        other => other,
    }
}

async fn create<K: Kv>(kv: &K, options: OpenStore<'_>) -> Result<(Identity, Loaded), StorageError> {
    for kind in layout::KINDS {
        let page = kv.page(KvRange::prefix(&[kind]), PageLimit::items(1)).await?;
        if let Some((key, _)) = page.get(0) {
            return Err(record::bad_key("identity of the store is missing, though it holds records", key));
        }
    }
    if options.read_only || !options.create {
        let what = "identity of the store".to_owned();
        return Err(StorageError::Damaged { what, message: "it is missing".to_owned() });
    }
    let mut store = [0; 16];
    options.random.fill(&mut store);
    let identity = Identity { format: record::STORE_FORMAT, store: StoreId(store), epoch: 1 };
    let head = LogHead { clean: true, ..LogHead::default() };
    let write = |key, value| KvWrite { key, value: Some(value) };
    let writes = vec![write(layout::head(), head.encode()), write(layout::identity(), identity.encode())];
    kv.apply(writes).await?;
    kv.flush().await?;
    let unsaved = Unsaved { head, counts: BTreeSet::new() };
    Ok((identity, (Published { head, ..Published::default() }, unsaved)))
}

async fn read_head(kv: &impl KvRead) -> Result<LogHead, StorageError> {
    match kv.get(&layout::head()).await? {
        Some(bytes) => LogHead::decode(&bytes),
        None => Err(StorageError::Damaged {
            what: "head of the log".to_owned(),
            message: "it is missing".to_owned(),
        }),
    }
}

/// Everything that is kept in memory.
type Loaded = (Published, Unsaved);

/// Reads everything that is kept in memory from the store.
async fn load(kv: &impl KvRead) -> Result<Loaded, StorageError> {
    let saved = read_head(kv).await?;
    let mut indexes = Vec::new();
    let mut counts = Counts::default();
    let mut rest = Some(KvRange::prefix(&[layout::INDEX]));
    while let Some(range) = rest {
        let page = kv.page(range, PageLimit::SCAN).await?;
        for (key, value) in page.iter() {
            indexes.push(record::decode_index(key, value)?);
        }
        rest = page.rest().cloned();
    }
    let mut rest = Some(KvRange::prefix(&[layout::COUNT]));
    while let Some(range) = rest {
        let page = kv.page(range, PageLimit::SCAN).await?;
        for (key, value) in page.iter() {
            let model = layout::id_at(key, 1).ok_or_else(|| record::bad_key("counts of a model", key))?;
            let found = Count::decode(ModelId(model), value)?;
            counts.change(ModelId(model), |count| *count = found);
        }
        rest = page.rest().cloned();
    }
    let mut unsaved = Unsaved { head: saved, counts: BTreeSet::new() };
    let head = read_entries(kv, saved, &mut counts, &mut unsaved.counts).await?;
    let published =
        Published { head, indexes: Arc::new(indexes), counts: Arc::new(counts), ..Published::default() };
    Ok((published, unsaved))
}

/// Every group of records that must have some has some: an engine that keeps groups in files of their own may have
/// lost one as a whole, and would read on as if it had just been begun.
async fn check_groups(kv: &impl KvRead, published: &Published) -> Result<(), StorageError> {
    let live = |model| published.counts.get(model).map_or(0, |count| count.live);
    let mut groups = Vec::new();
    if published.head.position.0 > 0 {
        groups.push(("log", vec![layout::LOG]));
    }
    if published.counts.models().any(|model| live(model) > 0) {
        groups.push(("states of entities", vec![layout::STATE]));
        groups.push(("operations", vec![layout::OPERATION]));
    }
    for index in published.indexes.iter() {
        if live(index.definition.model) > 0 && matches!(index.state, IndexState::Ready { .. }) {
            groups.push(("entries of an index", layout::entries(index.id)));
        }
    }
    for (what, prefix) in groups {
        if kv.page(KvRange::prefix(&prefix), PageLimit { items: 1, ..PageLimit::SCAN }).await?.is_empty() {
            let message = "they are missing, all of them".to_owned();
            return Err(StorageError::Damaged { what: what.to_owned(), message });
        }
    }
    Ok(())
}

/// Takes in the entries of the log after the head that was saved.
async fn read_entries(
    kv: &impl KvRead,
    mut head: LogHead,
    counts: &mut Counts,
    recounted: &mut BTreeSet<ModelId>,
) -> Result<LogHead, StorageError> {
    let next = |position: Position| Position(position.0.saturating_add(1));
    let mut rest = Some(KvRange::new(layout::log(next(head.position)), layout::after_prefix(&[layout::LOG])));
    while let Some(range) = rest {
        let page = kv.page(range, PageLimit::SCAN).await?;
        for (key, value) in page.iter() {
            let position = next(head.position);
            if key != layout::log(position) {
                let what = format!("log entry {}", position.0);
                return Err(StorageError::Damaged { what, message: "it is missing".to_owned() });
            }
            let (_, tail) = record::decode_log_tail(position, value)?;
            head = LogHead {
                version: head.version.max(tail.version),
                position,
                clock: head.clock.max(tail.clock),
                clean: false,
                ..head
            };
            for (model, live, deleted) in tail.counts {
                counts.change(model, |count| (count.live, count.deleted) = (live, deleted));
                recounted.insert(model);
            }
        }
        rest = page.rest().cloned();
    }
    Ok(head)
}

impl<K: Kv> Engine for KvEngine<K> {
    fn info(&self) -> StoreInfo {
        self.info.clone()
    }

    fn view(&self) -> BoxFuture<'_, Result<Arc<dyn ReadView>, StorageError>> {
        Box::pin(async { Ok(self.take_view().await? as Arc<dyn ReadView>) })
    }

    fn commit(&self, batch: Batch, durability: Durability) -> BoxFuture<'_, Result<Position, CommitError>> {
        Box::pin(self.commit_batch(batch, durability))
    }

    fn flush(&self) -> BoxFuture<'_, Result<Position, StorageError>> {
        Box::pin(async {
            let head = self.published.read(|published| published.head);
            self.reach(head.version).await?;
            Ok(head.position)
        })
    }

    fn wait(&self, after: Position) -> BoxFuture<'_, Result<Position, StorageError>> {
        Box::pin(self.published.until(move |published| {
            if published.head.position > after {
                Some(Ok(published.head.position))
            } else if published.closed {
                Some(Err(StorageError::Closed))
            } else {
                None
            }
        }))
    }

    fn statistics(&self) -> StoreStatistics {
        let published = self.published();
        let of_index = |index: &Index| {
            // Every entity that is not deleted has one entry.
            let count = published.counts.get(index.definition.model).map_or(0, |count| count.live);
            let entries = matches!(index.state, IndexState::Ready { .. }).then_some(count);
            IndexStatistics { index: index.id, entries, scans: self.scans.of(index.id) }
        };
        let (entities, deleted) = published.counts.total();
        let indexes = published.indexes.iter().map(of_index).collect();
        StoreStatistics { footprint: self.kv.footprint(), entities, deleted, indexes }
    }

    fn indexes(&self) -> Vec<Index> {
        self.published.read(|published| published.indexes.to_vec())
    }

    fn create_index(&self, definition: IndexDefinition) -> BoxFuture<'_, Result<IndexId, StorageError>> {
        Box::pin(self.make_index(definition))
    }

    fn build_index(&self, index: IndexId) -> BoxFuture<'_, Result<(), StorageError>> {
        Box::pin(self.fill_index(index))
    }

    fn drop_index(&self, index: IndexId) -> BoxFuture<'_, Result<(), StorageError>> {
        Box::pin(self.remove_index(index))
    }

    fn check(&self) -> BoxStream<'_, Result<Fault, StorageError>> {
        self.check_store()
    }

    fn close(&self) -> BoxFuture<'_, Result<(), StorageError>> {
        Box::pin(self.shut())
    }

    fn was_clean(&self) -> bool {
        self.was_clean
    }
}
