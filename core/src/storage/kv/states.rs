//! States that were read one by one, kept for the next time.
//!
//! A state is kept with the number of the write up to which the view that read it saw the store. Views that see at
//! least that much may have it, as long as no later write touched the entity. What writes touched is noted in a
//! table of fixed size, so entities share places in it: at worst a state is read again.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::layout;
use crate::id::{EntityId, ModelId};

/// The memory that kept states may take, in bytes, roughly.
const BOUND: usize = 16 << 20;
/// What an entry costs besides its bytes, roughly.
const ENTRY_COST: usize = 96;
/// Parts with a lock each.
const SHARDS: usize = 16;
/// Places in which writes are noted.
const PLACES: usize = 8_192;

/// Encoded states that views have read, shared by all views of an engine.
#[derive(Debug)]
pub(super) struct States {
    /// For each place the number of the last write that touched a state there.
    touched: Vec<AtomicU64>,
    shards: Vec<Mutex<Shard>>,
}

/// The states of the last while and of the while before. When the new ones take half of the memory, the old ones are
/// forgotten.
#[derive(Debug, Default)]
struct Shard {
    new: HashMap<(ModelId, EntityId), Kept, BuildHasherDefault<OfIds>>,
    old: HashMap<(ModelId, EntityId), Kept, BuildHasherDefault<OfIds>>,
    bytes: usize,
}

/// A hash of ids: the last halves of them are of a digest, and thus hashes already. Whoever looks for ids with a
/// common hash slows down some lookups among the few thousand ids of a shard, and nothing else.
#[derive(Clone, Copy, Debug, Default)]
struct OfIds(u64);

impl Hasher for OfIds {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u128(u128::from(*byte)));
    }

    fn write_u128(&mut self, id: u128) {
        let last = u64::try_from(id & u128::from(u64::MAX)).unwrap_or_default();
        self.0 = self.0.rotate_left(5) ^ last;
    }
}

#[derive(Clone, Debug)]
struct Kept {
    bytes: Arc<[u8]>,
    /// The last write that the view saw which read the state.
    seen: u64,
}

impl Default for States {
    fn default() -> Self {
        States {
            touched: (0..PLACES).map(|_| AtomicU64::new(0)).collect(),
            shards: (0..SHARDS).map(|_| Mutex::default()).collect(),
        }
    }
}

/// The last bits of an id, which are those of a digest.
fn number(entity: EntityId) -> usize {
    let [.., a, b, c, d] = entity.to_bytes();
    usize::try_from(u32::from_be_bytes([a, b, c, d])).unwrap_or_default()
}

impl States {
    fn shard(&self, entity: EntityId) -> Option<MutexGuard<'_, Shard>> {
        let shard = self.shards.get((number(entity) / PLACES) % SHARDS)?;
        Some(shard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn last_touched(&self, entity: EntityId) -> u64 {
        self.touched.get(number(entity) % PLACES).map_or(u64::MAX, |place| place.load(Ordering::Acquire))
    }

    /// A write is about to be made that touches a key. To be told before any view can see the write.
    pub(super) fn touch(&self, key: &[u8], version: u64) {
        let entity = if key.first() == Some(&layout::STATE) { layout::split_id(key) } else { None };
        let Some((_, entity)) = entity else { return };
        if let Some(place) = self.touched.get(number(EntityId(entity)) % PLACES) {
            place.fetch_max(version, Ordering::AcqRel);
        }
    }

    /// Forgets all states.
    pub(super) fn clear(&self) {
        for shard in &self.shards {
            *shard.lock().unwrap_or_else(PoisonError::into_inner) = Shard::default();
        }
    }

    /// The state of an entity as a view that sees `version` has it, if it is kept.
    pub(super) fn get(&self, model: ModelId, entity: EntityId, version: u64) -> Option<Arc<[u8]>> {
        let mut shard = self.shard(entity)?;
        let id = (model, entity);
        let (kept, is_old) = match shard.new.get(&id) {
            Some(kept) => (kept, false),
            None => (shard.old.get(&id)?, true),
        };
        if kept.seen > version || self.last_touched(entity) > kept.seen {
            return None;
        }
        let kept = kept.clone();
        let bytes = Arc::clone(&kept.bytes);
        if is_old {
            shard.put(id, kept);
        }
        Some(bytes)
    }

    /// Keeps a state that a view which sees `version` has read.
    pub(super) fn put(&self, model: ModelId, entity: EntityId, version: u64, bytes: &[u8]) {
        if bytes.len() > BOUND / SHARDS / 8 || self.last_touched(entity) > version {
            return;
        }
        if let Some(mut shard) = self.shard(entity) {
            shard.put((model, entity), Kept { bytes: Arc::from(bytes), seen: version });
        }
    }
}

impl Shard {
    fn put(&mut self, id: (ModelId, EntityId), kept: Kept) {
        let cost = kept.bytes.len().saturating_add(ENTRY_COST);
        if self.bytes.saturating_add(cost) > BOUND / SHARDS / 2 {
            self.old = std::mem::take(&mut self.new);
            self.bytes = 0;
        }
        self.bytes = self.bytes.saturating_add(cost);
        if let Some(before) = self.new.insert(id, kept) {
            self.bytes = self.bytes.saturating_sub(before.bytes.len().saturating_add(ENTRY_COST));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::OpId;

    const MODEL: ModelId = ModelId(OpId::MIN);

    fn entity(number: u128) -> EntityId {
        EntityId(OpId::from_bits(number))
    }

    #[test]
    fn a_state_is_kept_until_a_write_touches_it() {
        let states = States::default();
        let (one, other) = (entity(1), entity(2));
        states.put(MODEL, one, 5, b"a");
        states.put(MODEL, other, 5, b"b");
        let found = |id, version| states.get(MODEL, id, version).map(|bytes| bytes.to_vec());
        assert_eq!(found(one, 5), Some(b"a".to_vec()));
        assert_eq!(found(one, 9), Some(b"a".to_vec()));
        // What an older view has may be another state.
        assert_eq!(found(one, 4), None);
        states.touch(&layout::state(MODEL, one), 10);
        states.touch(&layout::operation(other, OpId::MIN), 10);
        assert_eq!((found(one, 9), found(one, 10)), (None, None));
        assert_eq!(found(other, 10), Some(b"b".to_vec()));
        // An old view cannot put back what was replaced.
        states.put(MODEL, one, 9, b"a");
        assert_eq!(found(one, 10), None);
        states.put(MODEL, one, 10, b"c");
        assert_eq!(found(one, 10), Some(b"c".to_vec()));
    }

    #[test]
    fn the_memory_is_bounded() {
        let states = States::default();
        let large = vec![0; BOUND / SHARDS / 8];
        for number in 0..40_000 {
            states.put(MODEL, entity(number), 1, &large);
        }
        let kept = |shard: &Mutex<Shard>| {
            let shard = shard.lock().unwrap();
            let bytes =
                shard.new.values().chain(shard.old.values()).map(|kept| kept.bytes.len() + ENTRY_COST);
            bytes.sum::<usize>()
        };
        assert!(states.shards.iter().map(kept).sum::<usize>() <= BOUND);
        states.put(MODEL, entity(1), 1, &vec![0; BOUND]);
        assert!(states.get(MODEL, entity(1), 1).is_none_or(|bytes| bytes.len() < BOUND));
    }

    proptest! {
        /// Views of several versions read through the cache while writes come; each must see what its version has.
        #[test]
        fn a_view_never_sees_another_version(steps in proptest::collection::vec((0..3u8, 0..4u128, 0..6usize), 1..60)) {
            let states = States::default();
            // For each version the states of all entities.
            let mut versions: Vec<[u8; 4]> = vec![[0; 4]];
            for (kind, id, back) in steps {
                let at = usize::try_from(id).unwrap();
                let latest = versions.len() - 1;
                if kind == 0 {
                    let mut next = versions[latest];
                    next[at] = next[at].wrapping_add(1);
                    states.touch(&layout::state(MODEL, entity(id)), u64::try_from(latest + 1).unwrap());
                    versions.push(next);
                    continue;
                }
                let view = latest.saturating_sub(back);
                let version = u64::try_from(view).unwrap();
                let truth = versions[view][at];
                match states.get(MODEL, entity(id), version) {
                    Some(bytes) => prop_assert_eq!(&*bytes, &[truth]),
                    None => states.put(MODEL, entity(id), version, &[truth]),
                }
            }
        }
    }
}
