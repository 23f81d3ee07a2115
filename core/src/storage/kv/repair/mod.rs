//! Making anew what follows from the operations of a store that nobody has open.
//!
//! States, heads, runs, texts, index entries, counts, the log and its head all follow from the operations, so whatever
//! of them is wrong is made again. What does not follow from anything (an operation, the store's key) can be lost for
//! good: it is named. Operations whose parents are lost are parked, as if they had just come from another store, so
//! that they go on where one brings what they wait for.
//!
//! | module | what it repairs |
//! |---|---|
//! | `log` | the change log and its head |
//! | `entity` | an entity's operations, runs, texts and state |
//! | `rest` | what belongs to no entity any more, indexes, counts, operations outside the DAG, small records |
//!
//! The operations of one entity are held in memory at a time, and what is wrong.

mod entity;
mod log;
mod rest;

use super::commit::Writes;
use super::record::Identity;
use super::{KvStore, layout};
use crate::storage::StorageError;

use log::Log;
use rest::Rest;

/// What a repair did about a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repaired {
    /// Which record, for people.
    pub record: String,
    /// What was wrong with it, or what became of it.
    pub message: String,
    /// Whether something is lost that follows from nothing else.
    pub lost: bool,
}

/// Writes that are applied together.
const WRITES: usize = 512;

/// A repair under way.
struct Repair<'a, S> {
    kv: &'a S,
    writes: Writes,
    count: usize,
    told: Vec<Repaired>,
}

impl<S: KvStore> Repair<'_, S> {
    fn tell(&mut self, record: impl Into<String>, message: impl Into<String>) {
        self.told.push(Repaired { record: record.into(), message: message.into(), lost: false });
    }

    fn lose(&mut self, record: impl Into<String>, message: impl Into<String>) {
        self.told.push(Repaired { record: record.into(), message: message.into(), lost: true });
    }

    /// Tells what a record's decoder said. One of a newer version is none to repair.
    fn told_by(&mut self, error: StorageError, lost: bool) -> Result<(), StorageError> {
        match error {
            StorageError::Damaged { what, message } => {
                self.told.push(Repaired { record: what, message, lost });
                Ok(())
            }
            other => Err(other),
        }
    }

    fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.writes.put(key, value);
        self.count = self.count.saturating_add(1);
    }

    fn delete(&mut self, key: Vec<u8>) {
        self.writes.delete(key);
        self.count = self.count.saturating_add(1);
    }

    /// Applies the writes so far, if there are many.
    async fn apply(&mut self, least: usize) -> Result<(), StorageError> {
        if self.count < least.max(1) {
            return Ok(());
        }
        self.count = 0;
        self.kv.apply(std::mem::take(&mut self.writes).into_kv()).await
    }
}

/// Repairs a store that nobody has open. Gives what was done, nothing where everything was right; then nothing is
/// written either. All of it is on disk when this resolves. Where it is cut short it can be begun again.
///
/// # Errors
/// [`StorageError`] where the store below fails, the store's identity is lost, or something was written by a newer
/// version.
pub async fn repair<S: KvStore>(kv: &S) -> Result<Vec<Repaired>, StorageError> {
    let identity = kv.get(&layout::identity()).await?.ok_or_else(|| StorageError::Damaged {
        what: "identity of the store".to_owned(),
        message: "it is missing, and follows from nothing".to_owned(),
    })?;
    Identity::decode(&identity)?;
    let mut repair = Repair { kv, writes: Writes::default(), count: 0, told: Vec::new() };
    let mut log = Log::read(&mut repair).await?;
    let mut rest = Rest::default();
    entity::all(&mut repair, &mut log, &mut rest).await?;
    log.mend(&mut repair).await?;
    rest.mend(&mut repair, &log).await?;
    log.finish(&mut repair, &rest).await?;
    repair.apply(1).await?;
    kv.flush().await?;
    Ok(repair.told)
}

/// Hands every item of a range to `take`, which may be asked to wait.
macro_rules! each {
    ($kv:expr, $range:expr, |$key:ident, $value:ident| $body:block) => {{
        let mut rest = Some($range);
        while let Some(range) = rest {
            let page = $kv.page(range, PageLimit::SCAN).await?;
            for ($key, $value) in page.iter() $body
            rest = page.rest().cloned();
        }
    }};
}
use each;
