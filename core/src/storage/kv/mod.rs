//! The key-value layer: what an ordered key-value store has to offer ([`Kv`]), and the engine that is built on
//! any of them ([`KvEngine`]).
//!
//! | module | what it holds |
//! |---|---|
//! | [`layout`] | which key a record has |
//! | [`preimage`] | snapshots for stores that have none |
//! | `record` | the bytes of records |
//! | `engine`, `commit`, `view`, `scan`, `index`, `counts`, `check` | the engine |
//! | `repair` | making anew what follows from the operations |
//! | `entries`, `states`, `text` | what views have read, kept for the next ones |
//! | `group`, `watch` | commits that share a flush, and waiting without a runtime |

mod check;
mod commit;
mod counts;
mod engine;
mod entries;
mod group;
mod index;
pub mod layout;
pub mod preimage;
mod record;
mod repair;
mod scan;
mod states;
mod text;
mod view;
mod watch;

pub use engine::{KvEngine, OpenStore};
pub use repair::{Repaired, repair};
pub(crate) use watch::{Watched, yield_once};

use std::fmt;
use std::future::Future;
use std::ops::Range;

use super::{Footprint, StorageError};
use crate::env::{MaybeSend, MaybeSync};

/// A change of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KvWrite {
    /// The key.
    pub key: Vec<u8>,
    /// The new value; `None` removes the key.
    pub value: Option<Vec<u8>>,
}

/// Keys from `start` (inclusive) to `end` (exclusive), in the order of their bytes or against it.
///
/// The engine only asks for ranges whose keys share their first byte, so that a store may keep a tree for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KvRange {
    /// The first key, inclusive.
    pub start: Vec<u8>,
    /// The end, exclusive. Never empty.
    pub end: Vec<u8>,
    /// From the greatest key to the smallest.
    pub reverse: bool,
}

impl KvRange {
    /// From `start` to before `end`, ascending.
    pub fn new(start: Vec<u8>, end: Vec<u8>) -> Self {
        KvRange { start, end, reverse: false }
    }

    /// All keys that begin with `prefix`, ascending.
    pub fn prefix(prefix: &[u8]) -> Self {
        KvRange::new(prefix.to_vec(), layout::after_prefix(prefix))
    }

    /// The same keys, descending.
    pub fn reversed(self) -> Self {
        KvRange { reverse: true, ..self }
    }

    /// Whether no key can be in the range.
    pub fn is_empty(&self) -> bool {
        self.start >= self.end
    }

    /// The part of the range that is left after `key`.
    fn after(self, key: &[u8]) -> Self {
        if self.reverse {
            KvRange { end: key.to_vec(), ..self }
        } else {
            let mut start = Vec::with_capacity(key.len().saturating_add(1));
            start.extend_from_slice(key);
            start.push(0);
            KvRange { start, ..self }
        }
    }
}

/// How much one page of a range holds: it is full when either bound is reached, and has at least one item if
/// there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageLimit {
    /// Items.
    pub items: usize,
    /// Bytes of keys and values.
    pub bytes: usize,
}

impl PageLimit {
    /// A page for scans: 256 items, 256 KiB.
    pub const SCAN: PageLimit = PageLimit { items: 256, bytes: 256 << 10 };

    /// A page of up to `items` items and 256 KiB.
    pub fn items(items: usize) -> Self {
        PageLimit { items: items.clamp(1, 4096), bytes: 256 << 10 }
    }
}

/// A page of a range: keys and values in one buffer, and what is left of the range.
#[derive(Clone, Debug)]
pub struct Page {
    bytes: Vec<u8>,
    /// For each item the end of its key and the end of its value in `bytes`.
    ends: Vec<(usize, usize)>,
    rest: Option<KvRange>,
}

impl Page {
    /// The items in the order of the range.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&[u8], &[u8])> {
        (0..self.ends.len()).filter_map(|at| self.get(at))
    }

    /// The item at a place in the page.
    pub fn get(&self, at: usize) -> Option<(&[u8], &[u8])> {
        let (key_end, value_end) = *self.ends.get(at)?;
        let start = match at.checked_sub(1) {
            None => 0,
            Some(before) => self.ends.get(before)?.1,
        };
        Some((self.bytes.get(start..key_end)?, self.bytes.get(key_end..value_end)?))
    }

    /// The number of items. A page can be empty though there is a rest.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether the page has no item.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Takes out what is left of the range.
    fn take_rest(&mut self) -> Option<KvRange> {
        self.rest.take()
    }

    /// What is left of the range; `None` when the page reaches its end.
    pub fn rest(&self) -> Option<&KvRange> {
        self.rest.as_ref()
    }
}

/// Collects a [`Page`].
#[derive(Debug)]
pub struct PageBuilder {
    page: Page,
    limit: PageLimit,
}

impl PageBuilder {
    /// A builder of an empty page.
    pub fn new(limit: PageLimit) -> Self {
        PageBuilder { page: Page { bytes: Vec::new(), ends: Vec::new(), rest: None }, limit }
    }

    /// A builder of a page with some items of another one.
    fn of(page: &Page, items: Range<usize>, limit: PageLimit) -> Self {
        let mut builder = PageBuilder::new(limit);
        let before = items.start.checked_sub(1).and_then(|before| page.ends.get(before));
        let start = before.map_or(0, |(_, end)| *end);
        let ends = page.ends.get(items).unwrap_or_default();
        let end = ends.last().map_or(start, |(_, end)| *end);
        builder.page.bytes.extend_from_slice(page.bytes.get(start..end).unwrap_or_default());
        let moved = |(key, value): &(usize, usize)| (key.saturating_sub(start), value.saturating_sub(start));
        builder.page.ends.extend(ends.iter().map(moved));
        builder
    }

    /// Adds an item, in the order of the range. Gives whether there is room for another.
    pub fn push(&mut self, key: &[u8], value: &[u8]) -> bool {
        let page = &mut self.page;
        page.bytes.extend_from_slice(key);
        let key_end = page.bytes.len();
        page.bytes.extend_from_slice(value);
        page.ends.push((key_end, page.bytes.len()));
        page.ends.len() < self.limit.items && page.bytes.len() < self.limit.bytes
    }

    /// The page, if it reaches the end of the range.
    pub fn end(self) -> Page {
        self.page
    }

    /// The page, if it was filled before the end of `range`: the rest begins after the last item.
    pub fn full(mut self, range: KvRange) -> Page {
        let last =
            self.page.len().checked_sub(1).and_then(|at| self.page.get(at)).map(|(key, _)| key.to_vec());
        self.page.rest = match last {
            Some(key) => Some(range.after(&key)),
            None => Some(range),
        };
        self.page
    }

    /// The page, if it was not filled but `rest` is still to be read, unless that is empty.
    fn up_to(mut self, rest: KvRange) -> Page {
        self.page.rest = Some(rest).filter(|rest| !rest.is_empty());
        self.page
    }
}

/// Reading keys. A failing read is an error, never a missing key or a shorter page.
pub trait KvRead: MaybeSend + MaybeSync {
    /// The value of a key.
    fn get(&self, key: &[u8]) -> impl Future<Output = Result<Option<Vec<u8>>, StorageError>> + MaybeSend;

    /// A page of a range.
    fn page(
        &self,
        range: KvRange,
        limit: PageLimit,
    ) -> impl Future<Output = Result<Page, StorageError>> + MaybeSend;
}

/// An ordered key-value store without snapshots: reads see the latest applied writes.
pub trait KvStore: KvRead + fmt::Debug + 'static {
    /// Makes all writes, or none if it fails. Each key occurs once. Reads see them when this resolves.
    fn apply(&self, writes: Vec<KvWrite>) -> impl Future<Output = Result<(), StorageError>> + MaybeSend;

    /// Everything applied before the call is on disk when this resolves.
    fn flush(&self) -> impl Future<Output = Result<(), StorageError>> + MaybeSend;

    /// The engine's name, such as `memory`.
    fn name(&self) -> &'static str;

    /// What it takes, as far as it can tell without reading everything.
    fn footprint(&self) -> Footprint {
        Footprint::default()
    }

    /// Lets other threads run for a moment, where there are any.
    fn pause(&self) {}

    /// What is replaced and removed from now on must not stay in the store's files when it is closed.
    ///
    /// # Errors
    /// [`StorageError`] where that cannot be noted on the disk.
    fn scrub(&self) -> Result<(), StorageError> {
        Ok(())
    }

    /// The version that [`KvStore::set_closed`] was last given, kept apart from the store, so that a store which
    /// lost its end is found out. 0 where nothing is kept.
    fn closed(&self) -> u64 {
        0
    }

    /// The store is closed and on disk at this version of its writes.
    fn set_closed(&self, version: u64) -> impl Future<Output = Result<(), StorageError>> + MaybeSend {
        let _ = version;
        std::future::ready(Ok(()))
    }
}

/// An ordered key-value store with snapshots.
pub trait Kv: KvStore {
    /// A view that later writes do not change.
    type Snapshot: KvRead + 'static;

    /// A snapshot of everything applied so far. It never shows a part of an [`KvStore::apply`].
    fn snapshot(&self) -> impl Future<Output = Result<Self::Snapshot, StorageError>> + MaybeSend;
}

impl<S: KvRead> KvRead for std::sync::Arc<S> {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        S::get(self, key).await
    }

    async fn page(&self, range: KvRange, limit: PageLimit) -> Result<Page, StorageError> {
        S::page(self, range, limit).await
    }
}

impl<S: KvStore> KvStore for std::sync::Arc<S> {
    async fn apply(&self, writes: Vec<KvWrite>) -> Result<(), StorageError> {
        S::apply(self, writes).await
    }

    async fn flush(&self) -> Result<(), StorageError> {
        S::flush(self).await
    }

    fn name(&self) -> &'static str {
        S::name(self)
    }

    fn footprint(&self) -> Footprint {
        S::footprint(self)
    }

    fn pause(&self) {
        S::pause(self);
    }

    fn scrub(&self) -> Result<(), StorageError> {
        S::scrub(self)
    }

    fn closed(&self) -> u64 {
        S::closed(self)
    }

    async fn set_closed(&self, version: u64) -> Result<(), StorageError> {
        S::set_closed(self, version).await
    }
}
