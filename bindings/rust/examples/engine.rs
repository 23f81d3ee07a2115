//! A storage engine of your own: an ordered map in memory, with a log file that it is read from again.
//!
//! An engine gets, pages, applies and flushes; indexes, the change log, views and everything else come with
//! [`KvEngine`]. `tests/engine.rs` runs the conformance suite against this one. `cargo run --example engine`

use std::error::Error;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use ankurah::core::codec::{Reader, Writer};
use ankurah::core::storage::StorageError;
use ankurah::core::storage::kv::preimage::Preimages;
use ankurah::core::storage::kv::{KvEngine, KvRange, KvRead, KvStore, KvWrite, OpenStore, Page, PageLimit};
use ankurah::core::storage::memory::MemoryStore;
use ankurah::{Context, Model, Node, NodeOptions, env};

/// The store: everything is in the map, and every batch of writes is in the log before it is in the map.
#[derive(Debug)]
pub struct LogStore {
    map: MemoryStore,
    log: Mutex<File>,
}

/// The longest batch that is read back, in bytes.
const MAX: usize = 1 << 30;

fn failed(action: &str) -> impl Fn(io::Error) -> StorageError {
    move |error| StorageError::Io { action: action.to_owned(), message: error.to_string() }
}

impl LogStore {
    /// Opens a log, or makes an empty one. A batch at the end that a crash cut short was never acknowledged; it is
    /// cut off.
    pub async fn open(path: &Path) -> Result<Self, StorageError> {
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create(true).truncate(false);
        let mut log = options.open(path).map_err(failed("open the log"))?;
        log.try_lock().map_err(|error| failed("lock the log")(error.into()))?;
        let mut bytes = Vec::new();
        log.read_to_end(&mut bytes).map_err(failed("read the log"))?;
        let map = MemoryStore::new();
        let mut whole = 0;
        while let Some((writes, length)) = read_batch(bytes.get(whole..).unwrap_or_default()) {
            map.apply(writes).await?;
            whole += length;
        }
        let end = u64::try_from(whole).unwrap_or(u64::MAX);
        log.set_len(end).and_then(|()| log.seek(SeekFrom::Start(end))).map_err(failed("cut the log"))?;
        Ok(LogStore { map, log: Mutex::new(log) })
    }
}

/// A batch as bytes: their length and a hash of them first, so that a batch that is not whole is found out.
fn write_batch(writes: &[KvWrite]) -> Vec<u8> {
    let mut body = Writer::new();
    body.count(writes.len());
    for write in writes {
        body.bytes(&write.key);
        body.bool(write.value.is_some());
        body.bytes(write.value.as_deref().unwrap_or_default());
    }
    let mut batch = Writer::new();
    batch.bytes(body.as_bytes());
    batch.raw(blake3::hash(body.as_bytes()).as_bytes());
    batch.into_bytes()
}

/// The first batch of the bytes and its length; `None` where there is none that is whole.
fn read_batch(bytes: &[u8]) -> Option<(Vec<KvWrite>, usize)> {
    let mut batch = Reader::new(bytes);
    let body = batch.bytes("batch", MAX).ok()?;
    let hash: [u8; 32] = batch.array("hash").ok()?;
    if *blake3::hash(body).as_bytes() != hash {
        return None;
    }
    let mut reader = Reader::new(body);
    let mut writes = Vec::new();
    for _ in 0..reader.count("writes", MAX, 3).ok()? {
        let key = reader.bytes("key", MAX).ok()?.to_vec();
        let is_set = reader.bool("is set").ok()?;
        let value = reader.bytes("value", MAX).ok()?.to_vec();
        writes.push(KvWrite { key, value: is_set.then_some(value) });
    }
    Some((writes, batch.offset()))
}

impl KvRead for LogStore {
    async fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.map.get(key).await
    }

    async fn page(&self, range: KvRange, limit: PageLimit) -> Result<Page, StorageError> {
        self.map.page(range, limit).await
    }
}

impl KvStore for LogStore {
    async fn apply(&self, writes: Vec<KvWrite>) -> Result<(), StorageError> {
        let batch = write_batch(&writes);
        let log = || self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log().write_all(&batch).map_err(failed("write the log"))?;
        self.map.apply(writes).await
    }

    async fn flush(&self) -> Result<(), StorageError> {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.sync_data().map_err(failed("flush the log"))
    }

    fn name(&self) -> &'static str {
        "log"
    }
}

/// A context on a log.
async fn open(path: &Path) -> Result<Context, Box<dyn Error>> {
    let env = env::native();
    let options = OpenStore { random: env.random.as_ref(), create: true, read_only: false };
    // The store has no snapshots of its own; `Preimages` keeps what views still need of what was overwritten.
    let engine = KvEngine::open(Preimages::new(LogStore::open(path).await?), options).await?;
    Ok(Context::new(Node::open(Arc::new(engine), env, NodeOptions::default()).await?))
}

#[derive(Model)]
struct Visit {
    place: String,
}

#[allow(clippy::print_stdout, dead_code)]
fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("visits.log");
    futures::executor::block_on(async {
        for (round, place) in ["Reykjavík", "Köln"].into_iter().enumerate() {
            let context = open(&path).await?;
            context.create(&Visit { place: place.to_owned() }).await?;
            let visits = context.fetch::<Visit>("").await?;
            println!("{place}: {} visits, {} bytes", visits.len(), path.metadata()?.len());
            assert_eq!(visits.len(), round + 1);
            context.close().await?;
        }
        Ok(())
    })
}
