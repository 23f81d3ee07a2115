//! Entries of indexes that were read lately, kept for the next time.
//!
//! What is kept are stretches: all entries from one key to another, however few. A stretch holds for every view that
//! sees at least as much as the view that read it, until a write touches a key within it.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{KvRange, KvRead, Page, PageBuilder, PageLimit, layout};
use crate::storage::StorageError;

/// The memory that kept entries may take, in bytes, roughly.
const BOUND: usize = 16 << 20;
/// What a stretch costs besides its keys, roughly.
const STRETCH_COST: usize = 256;
/// What an entry costs besides its key.
const ENTRY_COST: usize = 16;

/// Entries that views have read, shared by all views of an engine.
#[derive(Debug, Default)]
pub(super) struct Entries(Mutex<Kept>);

/// The stretches of the last while and of the while before, by their first keys. Those of one while have no key in
/// common. When the new ones take half of the memory, the old ones are forgotten.
#[derive(Debug, Default)]
struct Kept {
    new: BTreeMap<Vec<u8>, Stretch>,
    old: BTreeMap<Vec<u8>, Stretch>,
    /// What the new ones take.
    bytes: usize,
    /// The last write that touched an entry.
    touched: u64,
}

#[derive(Debug)]
struct Stretch {
    /// The first key after it.
    end: Vec<u8>,
    /// Its entries, ascending.
    entries: Page,
    /// The last write that the view saw which read it.
    seen: u64,
}

/// The part of a range that a page has, ascending.
fn covered(range: &KvRange, page: &Page) -> KvRange {
    let (start, end) = match page.rest() {
        None => (&range.start, &range.end),
        Some(rest) if range.reverse => (&rest.end, &range.end),
        Some(rest) => (&range.start, &rest.start),
    };
    KvRange::new(start.clone(), end.clone())
}

impl Stretch {
    fn cost(&self) -> usize {
        let entries = self.entries.bytes.len().saturating_add(self.entries.len().saturating_mul(ENTRY_COST));
        entries.saturating_add(self.end.len().saturating_mul(2)).saturating_add(STRETCH_COST)
    }

    /// The first of its entries that is not before a key.
    fn place(&self, key: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.entries.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.entries.get(middle) {
                Some((entry, _)) if entry < key => low = middle.saturating_add(1),
                _ => high = middle,
            }
        }
        low
    }

    /// What it has of a range that begins in it, which was read at once and so is not long; where the range is walked backwards, that ends in it. `start` is its
    /// own first key.
    fn page(&self, start: &[u8], range: &KvRange, limit: PageLimit) -> Page {
        let inside = self.place(&range.start)..self.place(&range.end);
        if !range.reverse {
            let end = inside.end.min(inside.start.saturating_add(limit.items));
            let page = PageBuilder::of(&self.entries, inside.start..end, limit);
            return match end < inside.end {
                true => page.full(range.clone()),
                false => page.up_to(KvRange { start: self.end.clone(), ..range.clone() }),
            };
        }
        let mut page = PageBuilder::new(limit);
        for at in inside.rev() {
            if self.entries.get(at).is_some_and(|(key, value)| !page.push(key, value)) {
                return page.full(range.clone());
            }
        }
        page.up_to(KvRange { end: start.to_vec(), ..range.clone() })
    }
}

/// The stretch of `stretches` in which a range begins or, walked backwards, ends.
fn find<'a>(
    stretches: &'a BTreeMap<Vec<u8>, Stretch>,
    range: &KvRange,
) -> Option<(&'a Vec<u8>, &'a Stretch)> {
    let before = match range.reverse {
        false => Bound::Included(range.start.as_slice()),
        true => Bound::Excluded(range.end.as_slice()),
    };
    let (start, stretch) = stretches.range::<[u8], _>((Bound::Unbounded, before)).next_back()?;
    let inside = if range.reverse { stretch.end >= range.end } else { stretch.end > range.start };
    inside.then_some((start, stretch))
}

impl Kept {
    /// Forgets the stretches that have a key of a range. Gives what they took.
    fn forget(stretches: &mut BTreeMap<Vec<u8>, Stretch>, range: &KvRange) -> usize {
        let mut cost = 0usize;
        loop {
            let before = (Bound::Unbounded, Bound::Excluded(range.end.as_slice()));
            let last = stretches.range::<[u8], _>(before).next_back();
            let Some(start) = last.filter(|(_, last)| last.end > range.start).map(|(start, _)| start.clone())
            else {
                return cost;
            };
            cost = cost.saturating_add(stretches.remove(&start).map_or(0, |stretch| stretch.cost()));
        }
    }

    fn put(&mut self, range: KvRange, entries: Page, seen: u64) {
        let stretch = Stretch { end: range.end.clone(), entries, seen };
        let cost = stretch.cost();
        if self.bytes.saturating_add(cost) > BOUND / 2 {
            self.old = std::mem::take(&mut self.new);
            self.bytes = 0;
        }
        self.bytes = self.bytes.saturating_sub(Self::forget(&mut self.new, &range)).saturating_add(cost);
        self.new.insert(range.start, stretch);
    }
}

impl Entries {
    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A write is about to be made that touches a key. To be told before any view can see the write.
    pub(super) fn touch(&self, key: &[u8], version: u64) {
        if key.first() != Some(&layout::ENTRY) {
            return;
        }
        let mut kept = self.lock();
        kept.touched = kept.touched.max(version);
        if kept.new.is_empty() && kept.old.is_empty() {
            return;
        }
        let mut end = key.to_vec();
        end.push(0);
        let range = KvRange::new(key.to_vec(), end);
        kept.bytes = kept.bytes.saturating_sub(Kept::forget(&mut kept.new, &range));
        Kept::forget(&mut kept.old, &range);
    }

    /// What is kept of the beginning of a range as a view that sees `version` has it.
    fn get(&self, range: &KvRange, limit: PageLimit, version: u64) -> Option<Page> {
        let mut kept = self.lock();
        if let Some((start, stretch)) = find(&kept.new, range).filter(|(_, stretch)| stretch.seen <= version)
        {
            return Some(stretch.page(start, range, limit));
        }
        let (start, stretch) = find(&kept.old, range).filter(|(_, stretch)| stretch.seen <= version)?;
        let (start, page) = (start.clone(), stretch.page(start, range, limit));
        if let Some(Stretch { end, entries, seen }) = kept.old.remove(&start) {
            kept.put(KvRange::new(start, end), entries, seen);
        }
        Some(page)
    }

    /// A page of a range of entries as a view that sees `version` has it; what is not kept is read from its snapshot.
    pub(super) async fn page(
        &self,
        snapshot: &impl KvRead,
        range: KvRange,
        limit: PageLimit,
        version: u64,
    ) -> Result<Page, StorageError> {
        if let Some(page) = self.get(&range, limit, version) {
            return Ok(page);
        }
        let page = snapshot.page(range.clone(), limit).await?;
        let stretch = covered(&range, &page);
        let mut ascending = PageBuilder::new(PageLimit { items: usize::MAX, bytes: usize::MAX });
        for at in 0..page.len() {
            let at = if range.reverse { page.len().saturating_sub(at).saturating_sub(1) } else { at };
            if let Some((key, value)) = page.get(at) {
                ascending.push(key, value);
            }
        }
        let mut kept = self.lock();
        // An older view may have read what a later write has replaced.
        if version >= kept.touched && !stretch.is_empty() {
            kept.put(stretch, ascending.end(), version);
        }
        Ok(page)
    }
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use proptest::prelude::*;

    use super::*;

    /// A snapshot: the entries of an index by the byte after `I`.
    #[derive(Clone, Debug, Default)]
    struct Snapshot(BTreeMap<Vec<u8>, Vec<u8>>);

    impl KvRead for Snapshot {
        async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
            Ok(self.0.get(key).cloned())
        }

        async fn page(&self, range: KvRange, limit: PageLimit) -> Result<Page, StorageError> {
            let mut page = PageBuilder::new(limit);
            let mut items = self.0.range(range.start.clone()..range.end.clone());
            while let Some((key, value)) = if range.reverse { items.next_back() } else { items.next() } {
                if !page.push(key, value) {
                    return Ok(page.full(range));
                }
            }
            Ok(page.end())
        }
    }

    fn key(number: u8) -> Vec<u8> {
        vec![layout::ENTRY, number]
    }

    fn range(from: u8, to: u8, reverse: bool) -> KvRange {
        KvRange { start: key(from), end: key(to), reverse }
    }

    /// All keys of a range, page by page.
    fn read(
        entries: &Entries,
        snapshot: &Snapshot,
        version: u64,
        range: KvRange,
        items: usize,
    ) -> Vec<Vec<u8>> {
        let (mut keys, mut rest, limit) = (Vec::new(), Some(range), PageLimit::items(items));
        while let Some(range) = rest {
            let page = block_on(entries.page(snapshot, range.clone(), limit, version)).unwrap();
            assert!(page.len() <= items);
            assert_ne!(page.rest(), Some(&range), "no page leaves all of its range");
            keys.extend(page.iter().map(|(key, _)| key.to_vec()));
            rest = page.rest().cloned();
        }
        keys
    }

    #[derive(Clone, Debug)]
    enum Step {
        Write { key: u8, present: bool },
        Read { age: usize, from: u8, to: u8, reverse: bool, items: usize },
    }

    fn step() -> impl Strategy<Value = Step> {
        let write = (0..24_u8, any::<bool>()).prop_map(|(key, present)| Step::Write { key, present });
        let read = (0..4_usize, 0..24_u8, 1..8_u8, any::<bool>(), 1..6_usize).prop_map(
            |(age, from, length, reverse, items)| Step::Read { age, from, to: from + length, reverse, items },
        );
        prop_oneof![1 => write, 3 => read]
    }

    proptest! {
        #[test]
        fn what_is_kept_is_what_each_view_sees(steps in proptest::collection::vec(step(), 0..80)) {
            let entries = Entries::default();
            let mut versions = vec![Snapshot::default()];
            for step in steps {
                match step {
                    Step::Write { key: number, present } => {
                        let mut next = versions.last().unwrap().clone();
                        if present {
                            next.0.insert(key(number), Vec::new());
                        } else {
                            next.0.remove(&key(number));
                        }
                        entries.touch(&key(number), versions.len() as u64);
                        versions.push(next);
                    }
                    Step::Read { age, from, to, reverse, items } => {
                        let version = versions.len().saturating_sub(age + 1);
                        let snapshot = &versions[version];
                        let found = read(&entries, snapshot, version as u64, range(from, to, reverse), items);
                        let mut expected: Vec<_> = snapshot.0.range(key(from)..key(to)).map(|(key, _)| key.clone()).collect();
                        if reverse {
                            expected.reverse();
                        }
                        prop_assert_eq!(found, expected);
                    }
                }
            }
            let kept = entries.lock();
            prop_assert_eq!(kept.bytes, kept.new.values().map(Stretch::cost).sum::<usize>());
        }
    }

    #[test]
    fn what_was_read_is_not_read_again() {
        let (entries, empty) = (Entries::default(), Snapshot::default());
        let snapshot = Snapshot([2, 4, 6].map(|number| (key(number), Vec::new())).into());
        let keys = |numbers: &[u8]| numbers.iter().map(|number| key(*number)).collect::<Vec<_>>();
        assert_eq!(read(&entries, &snapshot, 1, range(1, 6, false), 10), keys(&[2, 4]));
        // Another snapshot would show that it was read.
        assert_eq!(read(&entries, &empty, 1, range(2, 5, true), 10), keys(&[4, 2]));
        assert_eq!(read(&entries, &empty, 1, range(3, 9, false), 1), keys(&[4]));
        // A view that sees less reads for itself.
        assert_eq!(read(&entries, &empty, 0, range(1, 6, false), 10), keys(&[]));
        entries.touch(&key(3), 2);
        assert_eq!(read(&entries, &empty, 2, range(1, 6, false), 10), keys(&[]));
    }

    #[test]
    fn the_memory_is_bounded() {
        let entries = Entries::default();
        for number in 0..60_000_u32 {
            let start = [&[layout::ENTRY], number.to_be_bytes().as_slice()].concat();
            let range = KvRange::prefix(&start);
            let entry = [start.as_slice(), &[0; 300]].concat();
            let snapshot = Snapshot([(entry, Vec::new())].into());
            block_on(entries.page(&snapshot, range, PageLimit::SCAN, 1)).unwrap();
        }
        let kept = entries.lock();
        let cost =
            |stretches: &BTreeMap<Vec<u8>, Stretch>| stretches.values().map(Stretch::cost).sum::<usize>();
        assert!(cost(&kept.new) + cost(&kept.old) <= BOUND);
        assert_eq!(cost(&kept.new), kept.bytes);
    }
}
