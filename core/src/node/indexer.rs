//! Indexes on demand: the second query that read many rows to keep few gets its index, in the background.
//!
//! What was missed once is remembered in the store when it is closed, so that programs that ask one thing and end
//! get their indexes, too. An index that was not finished is taken up again when the store is opened.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::env::Env;
use crate::query::Statistics;
use crate::storage::{
    Batch, CommitError, Durability, Engine, IndexDefinition, IndexState, Position, ReadView, StorageError,
};

/// A query that examined fewer rows needs no index.
pub(crate) const EXAMINED: u64 = 1_000;

/// A query that kept more than one row in so many needs no index.
pub(crate) const ONE_IN: u64 = 10;

/// How many missed indexes are remembered; beyond it remembering starts over.
const REMEMBERED: usize = 256;

/// How many indexes are made for one model.
const PER_MODEL: usize = 16;

/// The record of indexes that were missed: a version byte, then the definitions in postcard.
const RECORD: &str = "missed";

/// The version of the record.
const VERSION: u8 = 1;

/// Remembers missed indexes and makes them.
#[derive(Debug, Default)]
pub(crate) struct Indexer {
    wishes: Mutex<Wishes>,
    /// Held while indexes are made: one after the other.
    making: futures::lock::Mutex<()>,
}

#[derive(Debug, Default)]
struct Wishes {
    /// Missed once.
    missed: BTreeSet<IndexDefinition>,
    /// Whether `missed` differs from what the store remembers.
    changed: bool,
    /// To be made.
    due: Vec<IndexDefinition>,
}

impl Indexer {
    /// What the view's store remembers, and the indexes that were not finished.
    pub(crate) async fn open(view: &dyn ReadView) -> Result<Self, StorageError> {
        // The record saves time, nothing else: one that cannot be read is none.
        let missed = view.record(RECORD).await?.and_then(|bytes| decode(&bytes)).unwrap_or_default();
        let indexes = view.indexes();
        let unfinished = indexes.iter().filter(|index| index.state == IndexState::Building);
        let due = unfinished.map(|index| index.definition.clone()).collect();
        let wishes = Wishes { missed, changed: false, due };
        Ok(Indexer { wishes: Mutex::new(wishes), ..Indexer::default() })
    }

    fn wishes(&self) -> MutexGuard<'_, Wishes> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes note of a finished query that wanted an index. Never waits.
    pub(crate) fn note(
        self: &Arc<Self>,
        env: &Env,
        engine: &Arc<dyn Engine>,
        wanted: &IndexDefinition,
        statistics: &Statistics,
    ) {
        let examined = statistics.examined();
        if examined < EXAMINED || statistics.used().saturating_mul(ONE_IN) > examined {
            return;
        }
        if self.wishes().miss(wanted) && has_room(engine, wanted) {
            self.wishes().due.push(wanted.clone());
            self.start(env, engine);
        }
    }

    /// Makes what is due in the background.
    pub(crate) fn start(self: &Arc<Self>, env: &Env, engine: &Arc<dyn Engine>) {
        if self.wishes().due.is_empty() {
            return;
        }
        let (indexer, engine) = (Arc::clone(self), Arc::clone(engine));
        env.spawn.spawn(Box::pin(async move { indexer.make(engine.as_ref()).await }));
    }

    /// Makes what is due, or waits until it is made.
    async fn make(&self, engine: &dyn Engine) {
        let _alone = self.making.lock().await;
        loop {
            let Some(wanted) = self.wishes().due.pop() else { return };
            let made = match engine.create_index(wanted).await {
                Ok(index) => engine.build_index(index).await,
                Err(error) => Err(error),
            };
            if let Err(error) = made {
                tracing::warn!(%error, "an index could not be made");
            }
        }
    }

    /// Finishes the indexes that are being made and lets the store remember what was missed, before it is
    /// closed. A store in which nothing changed is not written.
    pub(crate) async fn finish(&self, engine: &dyn Engine) {
        self.make(engine).await;
        let record = {
            let mut wishes = self.wishes();
            if !std::mem::take(&mut wishes.changed) {
                return;
            }
            encode(&wishes.missed)
        };
        let batch = Batch {
            catalog: Position(u64::MAX),
            records: vec![(RECORD.to_owned(), record)],
            ..Batch::default()
        };
        match engine.commit(batch, Durability::Buffered).await {
            Ok(_) | Err(CommitError::Storage(StorageError::Closed | StorageError::ReadOnly)) => {}
            Err(error) => tracing::warn!(%error, "which indexes were missed could not be remembered"),
        }
    }
}

impl Wishes {
    /// Takes note of a missed index; gives whether it was missed before and is due now.
    fn miss(&mut self, wanted: &IndexDefinition) -> bool {
        self.changed = true;
        if self.missed.remove(wanted) {
            return true;
        }
        if self.missed.len() >= REMEMBERED {
            self.missed.clear();
        }
        self.missed.insert(wanted.clone());
        false
    }
}

/// The record of what was missed; `None` where there is nothing to remember.
fn encode(missed: &BTreeSet<IndexDefinition>) -> Option<Vec<u8>> {
    if missed.is_empty() {
        return None;
    }
    postcard::to_extend(missed, vec![VERSION]).ok()
}

fn decode(bytes: &[u8]) -> Option<BTreeSet<IndexDefinition>> {
    let (version, body) = bytes.split_first()?;
    if *version != VERSION {
        return None;
    }
    let (missed, rest): (BTreeSet<IndexDefinition>, _) = postcard::take_from_bytes(body).ok()?;
    (rest.is_empty() && missed.len() <= REMEMBERED).then_some(missed)
}

fn has_room(engine: &Arc<dyn Engine>, wanted: &IndexDefinition) -> bool {
    let indexes = engine.indexes();
    let alive = indexes.iter().filter(|index| {
        index.definition.model == wanted.model && !matches!(index.state, IndexState::Failed { .. })
    });
    indexes.iter().all(|index| index.definition != *wanted) && alive.count() < PER_MODEL
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::{ModelId, OpId, PropertyId};
    use crate::storage::IndexPart;
    use crate::value::ValueType;

    fn definition(number: u128) -> IndexDefinition {
        let part = IndexPart {
            property: PropertyId(OpId::from_bits(number)),
            value_type: ValueType::Ref(ModelId(OpId::from_bits(number))),
            descending: number % 2 == 0,
        };
        IndexDefinition { model: ModelId(OpId::from_bits(1)), parts: vec![part, part] }
    }

    #[test]
    fn what_was_missed_is_due_the_second_time() {
        let mut wishes = Wishes::default();
        let due: Vec<bool> = [1, 2, 1, 1, 2, 1].map(|number| wishes.miss(&definition(number))).to_vec();
        assert_eq!(due, [false, false, true, false, true, true]);
        assert_eq!(encode(&wishes.missed), None);
    }

    #[test]
    fn no_more_than_a_bound_is_remembered() {
        let mut wishes = Wishes::default();
        for number in 0..3 * REMEMBERED as u128 + 7 {
            wishes.miss(&definition(number));
            assert!(wishes.missed.len() <= REMEMBERED);
        }
        let bytes = encode(&wishes.missed).unwrap();
        assert_eq!(decode(&bytes), Some(wishes.missed));
    }

    proptest! {
        #[test]
        fn any_record_is_read_or_passed_over(mut bytes in any::<Vec<u8>>(), known in any::<bool>()) {
            if let Some(first) = bytes.first_mut().filter(|_| known) {
                *first = VERSION;
            }
            let _ = decode(&bytes);
        }
    }
}
