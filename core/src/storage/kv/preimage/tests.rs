use std::collections::BTreeMap;

use futures::FutureExt;
use futures::executor::block_on;
use proptest::prelude::*;

use super::*;
use crate::storage::memory::MemoryStore;

fn write(key: u8, value: Option<u8>) -> KvWrite {
    KvWrite { key: vec![b'k', key], value: value.map(|value| vec![value; 100]) }
}

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

/// All of a snapshot, read in small pages and key by key.
fn all(kv: &impl KvRead, reverse: bool, items: usize) -> Result<Map, StorageError> {
    block_on(async {
        let mut found = Map::new();
        let range = KvRange::prefix(b"k");
        let mut rest = Some(if reverse { range.reversed() } else { range });
        let mut last: Option<Vec<u8>> = None;
        while let Some(range) = rest {
            let page = kv.page(range, PageLimit { items, bytes: usize::MAX }).await?;
            for (key, value) in page.iter() {
                assert!(last.is_none_or(|last| (last.as_slice() < key) != reverse), "out of order");
                assert_eq!(kv.get(key).await?.as_deref(), Some(value));
                last = Some(key.to_vec());
                found.insert(key.to_vec(), value.to_vec());
            }
            rest = page.rest().cloned();
        }
        Ok(found)
    })
}

#[derive(Clone, Debug)]
enum Step {
    Write(Vec<(u8, Option<u8>)>),
    Open,
    Close(usize),
    Read(usize, bool, usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let writes = proptest::collection::vec((0..20u8, any::<Option<u8>>()), 1..6);
    let step = prop_oneof![
        3 => writes.prop_map(Step::Write),
        2 => Just(Step::Open),
        1 => any::<usize>().prop_map(Step::Close),
        3 => (any::<usize>(), any::<bool>(), 1..8usize).prop_map(|(at, reverse, items)| Step::Read(at, reverse, items)),
    ];
    proptest::collection::vec(step, 1..60)
}

proptest! {
    #[test]
    fn snapshots_show_what_was_there(steps in steps()) {
        let kv = Preimages::new(MemoryStore::new());
        let mut now = Map::new();
        let mut open: Vec<(Snapshot<MemoryStore>, Map)> = Vec::new();
        for step in steps {
            match step {
                Step::Write(writes) => {
                    let writes: BTreeMap<u8, Option<u8>> = writes.into_iter().collect();
                    let writes: Vec<KvWrite> = writes.into_iter().map(|(key, value)| write(key, value)).collect();
                    for write in &writes {
                        match &write.value {
                            Some(value) => now.insert(write.key.clone(), value.clone()),
                            None => now.remove(&write.key),
                        };
                    }
                    block_on(kv.apply(writes)).unwrap();
                }
                Step::Open => open.push((block_on(kv.snapshot()).unwrap(), now.clone())),
                Step::Close(at) if !open.is_empty() => drop(open.swap_remove(at % open.len())),
                Step::Read(at, reverse, items) if !open.is_empty() => {
                    let (snapshot, expected) = &open[at % open.len()];
                    prop_assert_eq!(&all(snapshot, reverse, items).unwrap(), expected);
                }
                Step::Close(_) | Step::Read(..) => {}
            }
        }
        for (snapshot, expected) in &open {
            prop_assert_eq!(&all(snapshot, false, 3).unwrap(), expected);
        }
        prop_assert_eq!(&all(&kv, true, 3).unwrap(), &now);
        drop(open);
        prop_assert_eq!(kv.kept_bytes(), 0);
    }
}

#[test]
fn beyond_the_bound_the_oldest_snapshots_are_given_up() {
    let kv = Preimages::with_bound(MemoryStore::new(), 2000);
    let put = |value: u8| block_on(kv.apply((0..4).map(|key| write(key, Some(value))).collect())).unwrap();
    put(1);
    let first = block_on(kv.snapshot()).unwrap();
    put(2);
    let second = block_on(kv.snapshot()).unwrap();
    assert!(all(&first, false, 9).unwrap().values().all(|value| value[0] == 1));
    put(3);
    let third = block_on(kv.snapshot()).unwrap();
    put(4);
    assert!(matches!(all(&first, false, 9), Err(StorageError::Expired)));
    assert!(matches!(block_on(first.get(b"k\0")), Err(StorageError::Expired)));
    assert!(all(&second, false, 9).unwrap().values().all(|value| value[0] == 2));
    put(5);
    put(6);
    put(7);
    assert!(matches!(all(&second, false, 9), Err(StorageError::Expired)));
    assert!(matches!(all(&third, false, 9), Err(StorageError::Expired)));
    assert!(kv.kept_bytes() <= 2000);
    let fourth = block_on(kv.snapshot()).unwrap();
    drop((first, second, third));
    put(8);
    assert!(all(&fourth, true, 2).unwrap().values().all(|value| value[0] == 7));
    drop(fourth);
    assert_eq!(kv.kept_bytes(), 0);
}

/// A store whose writes wait to be let go.
#[derive(Debug)]
struct Slow(MemoryStore, futures::lock::Mutex<()>);

impl KvRead for Slow {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.0.get(key).await
    }

    async fn page(&self, range: KvRange, limit: PageLimit) -> Result<Page, StorageError> {
        self.0.page(range, limit).await
    }
}

impl KvStore for Slow {
    async fn apply(&self, writes: Vec<KvWrite>) -> Result<(), StorageError> {
        let (first, second) = writes.split_at(writes.len() / 2);
        self.0.apply(first.to_vec()).await?;
        drop(self.1.lock().await);
        self.0.apply(second.to_vec()).await
    }

    async fn flush(&self) -> Result<(), StorageError> {
        Ok(())
    }

    fn name(&self) -> &'static str {
        "slow"
    }
}

#[test]
fn a_snapshot_during_a_write_shows_none_of_it() {
    let kv = Preimages::new(Slow(MemoryStore::new(), futures::lock::Mutex::new(())));
    let batch = |value: u8| (0..4).map(|key| write(key, Some(value))).collect::<Vec<_>>();
    let shows = |snapshot: &Snapshot<Slow>, value: u8| {
        let found = all(snapshot, false, 9).unwrap();
        assert!(found.values().all(|found| found[0] == value), "{found:?}");
    };
    block_on(kv.apply(batch(1))).unwrap();

    // Nobody looked when the write began: a snapshot waits for its end.
    let hold = kv.store().1.try_lock().unwrap();
    let mut writing = Box::pin(kv.apply(batch(2)));
    assert!((&mut writing).now_or_never().is_none());
    let mut opening = Box::pin(kv.snapshot());
    assert!((&mut opening).now_or_never().is_none());
    drop(hold);
    block_on(writing).unwrap();
    let before = opening.now_or_never().unwrap().unwrap();
    shows(&before, 2);

    // Somebody looks: the write notes what it replaces, and a new snapshot sees it too.
    let hold = kv.store().1.try_lock().unwrap();
    let mut writing = Box::pin(kv.apply(batch(3)));
    assert!((&mut writing).now_or_never().is_none());
    let during = kv.snapshot().now_or_never().unwrap().unwrap();
    shows(&before, 2);
    shows(&during, 2);
    drop(hold);
    block_on(writing).unwrap();
    shows(&before, 2);
    shows(&during, 2);
    shows(&block_on(kv.snapshot()).unwrap(), 3);
}
