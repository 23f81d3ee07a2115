//! Indexes on demand: the second query that read many rows to keep few gets its index, in the background.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::env::Env;
use crate::query::Statistics;
use crate::storage::{Engine, IndexDefinition, IndexState};

/// A query that examined fewer rows needs no index.
pub(crate) const EXAMINED: u64 = 1_000;

/// A query that kept more than one row in so many needs no index.
pub(crate) const ONE_IN: u64 = 10;

/// How often an index must be missed before it is made.
const MISSED: u32 = 2;

/// How many kinds of missed indexes are counted; beyond it counting starts over.
const COUNTED: usize = 1_024;

/// How many indexes are made for one model.
const PER_MODEL: usize = 16;

/// Counts missed indexes.
#[derive(Debug, Default)]
pub(crate) struct Indexer {
    missed: Mutex<BTreeMap<IndexDefinition, u32>>,
}

impl Indexer {
    /// Takes note of a finished query that wanted an index. Never waits.
    pub(crate) fn note(
        &self,
        env: &Env,
        engine: &Arc<dyn Engine>,
        wanted: &IndexDefinition,
        statistics: &Statistics,
    ) {
        let examined = statistics.examined();
        if examined < EXAMINED || statistics.used().saturating_mul(ONE_IN) > examined {
            return;
        }
        if self.is_due(wanted) && has_room(engine, wanted) {
            let (engine, wanted) = (Arc::clone(engine), wanted.clone());
            env.spawn.spawn(Box::pin(async move {
                let made = match engine.create_index(wanted).await {
                    Ok(index) => engine.build_index(index).await,
                    Err(error) => Err(error),
                };
                if let Err(error) = made {
                    tracing::warn!(%error, "an index could not be made");
                }
            }));
        }
    }

    fn is_due(&self, wanted: &IndexDefinition) -> bool {
        let mut missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
        if missed.len() >= COUNTED && !missed.contains_key(wanted) {
            missed.clear();
        }
        let count = missed.entry(wanted.clone()).or_default();
        *count = count.saturating_add(1);
        *count == MISSED
    }
}

fn has_room(engine: &Arc<dyn Engine>, wanted: &IndexDefinition) -> bool {
    let indexes = engine.indexes();
    let alive = indexes.iter().filter(|index| {
        index.definition.model == wanted.model && !matches!(index.state, IndexState::Failed { .. })
    });
    indexes.iter().all(|index| index.definition != *wanted) && alive.count() < PER_MODEL
}
