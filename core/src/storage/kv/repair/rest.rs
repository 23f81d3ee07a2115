//! What belongs to no entity any more, indexes, counts, operations outside the DAG, small records.

use std::collections::{BTreeMap, BTreeSet};

use super::super::index::key_of_state;
use super::super::record::{self, Count, Naming};
use super::super::view::read_state;
use super::super::{KvRange, KvStore, PageLimit, layout};
use super::log::Log;
use super::{Repair, WRITES, each};
use crate::entity::State;
use crate::id::{EntityId, ModelId};
use crate::operation::Operation;
use crate::storage::{Index, IndexId, IndexState, StorageError};

/// What the repair of entities found out.
#[derive(Default)]
pub(super) struct Rest {
    /// Entities that start from a base: what is below it follows from nothing here.
    pub(super) based: BTreeMap<EntityId, ModelId>,
    /// The models of which there are such entities.
    folded: BTreeSet<ModelId>,
    /// The models of the entities of which there are operations.
    pub(super) models: BTreeMap<EntityId, ModelId>,
    /// The entities that have a state now.
    pub(super) known: BTreeSet<EntityId>,
    /// Counts by model.
    pub(super) counts: BTreeMap<ModelId, Count>,
}

/// The length of the secret half of a key pair.
const KEY: usize = 32;

impl Rest {
    /// Finds the entities that start from a base.
    pub(super) async fn find_based<S: KvStore>(
        &mut self,
        repair: &Repair<'_, S>,
    ) -> Result<(), StorageError> {
        each!(repair.kv, KvRange::prefix(&[layout::STATE]), |key, value| {
            let Some((model, entity)) = state_of(key) else { continue };
            if let Ok(State { base: Some(_), .. }) = record::decode_state(model, entity, value) {
                self.based.insert(entity, model);
                self.models.insert(entity, model);
            }
        });
        each!(repair.kv, KvRange::prefix(&[layout::BASE]), |key, value| {
            let Some(entity) = layout::id_at(key, 1).map(EntityId) else { continue };
            if let Ok(base) = record::decode_base(entity, value) {
                self.based.insert(entity, base.model);
                self.models.insert(entity, base.model);
            }
        });
        Ok(())
    }

    /// Mends what is left. States are right when this is called.
    pub(super) async fn mend<S: KvStore>(
        &mut self,
        repair: &mut Repair<'_, S>,
        log: &Log,
    ) -> Result<(), StorageError> {
        repair.apply(1).await?;
        self.leftovers(repair).await?;
        repair.apply(1).await?;
        let indexes = indexes(repair).await?;
        self.states(repair, &indexes).await?;
        repair.apply(1).await?;
        entries(repair, &indexes).await?;
        asides(repair).await?;
        records(repair).await?;
        repair.apply(1).await?;
        self.counted(repair, log);
        Ok(())
    }

    fn is_known(&self, entity: EntityId) -> bool {
        self.known.contains(&entity) || self.based.contains_key(&entity)
    }

    /// Removes what belongs to an entity that there is not, or to a text that it has not.
    async fn leftovers<S: KvStore>(&self, repair: &mut Repair<'_, S>) -> Result<(), StorageError> {
        each!(repair.kv, KvRange::prefix(&[layout::STATE]), |key, _value| {
            let Some((model, entity)) = state_of(key) else { continue };
            if !self.is_known(entity) || self.models.get(&entity) != Some(&model) {
                repair.tell(format!("state of entity {entity}"), "no operation gives it");
                repair.delete(key.to_vec());
            }
        });
        for (kind, what) in [(layout::RUN, "run"), (layout::TEXT, "text"), (layout::TAIL, "tail of a text")] {
            each!(repair.kv, KvRange::prefix(&[kind]), |key, _value| {
                let Some(entity) = layout::id_at(key, 1).map(EntityId) else { continue };
                let mut belongs = self.is_known(entity);
                if belongs && kind != layout::RUN {
                    let property = layout::id_at(key, 17).map(crate::id::PropertyId);
                    let model = self.models.get(&entity).copied();
                    let state = match model {
                        Some(model) => read_state(repair.kv, model, entity).await?,
                        None => None,
                    };
                    belongs =
                        state.zip(property).is_some_and(|(state, property)| state.text(property).is_some());
                }
                if !belongs {
                    repair.tell(format!("{what} of entity {entity}"), "no operation gives it");
                    repair.delete(key.to_vec());
                }
            });
        }
        Ok(())
    }

    /// Counts states, and puts index entries that are missing.
    async fn states<S: KvStore>(
        &mut self,
        repair: &mut Repair<'_, S>,
        indexes: &[Index],
    ) -> Result<(), StorageError> {
        let mut cut: BTreeSet<IndexId> = BTreeSet::new();
        each!(repair.kv, KvRange::prefix(&[layout::STATE]), |key, value| {
            let Some((model, entity)) = state_of(key) else { continue };
            let Ok(state) = record::decode_state(model, entity, value) else { continue };
            let count = self.counts.entry(model).or_default();
            let part = if state.is_deleted() { &mut count.deleted } else { &mut count.live };
            *part = part.saturating_add(1);
            if state.base.is_some() {
                self.folded.insert(model);
            }
            for index in indexes.iter().filter(|index| index.definition.model == model) {
                let Some(expected) = key_of_state(&index.definition, Some(&state)) else { continue };
                if expected.cut && index.state == (IndexState::Ready { cut: false }) {
                    cut.insert(index.id);
                }
                let entry = layout::entry(index.id, &expected.bytes, entity);
                if repair.kv.get(&entry).await?.is_none() {
                    repair.tell(
                        format!("index {}", index.id.0),
                        format!("the entry of entity {entity} was missing"),
                    );
                    repair.put(entry, Vec::new());
                    repair.apply(WRITES).await?;
                }
            }
        });
        for index in indexes.iter().filter(|index| cut.contains(&index.id)) {
            repair.tell(format!("index {}", index.id.0), "it did not say that it has keys that were cut");
            let index = Index { state: IndexState::Ready { cut: true }, ..index.clone() };
            repair.put(layout::index(index.id), record::encode_index(&index));
        }
        Ok(())
    }

    /// Compares counts with those that opening the store would find.
    fn counted<S: KvStore>(&mut self, repair: &mut Repair<'_, S>, log: &Log) {
        let none = Count::default();
        let models: BTreeSet<ModelId> = log.counts.keys().chain(self.counts.keys()).copied().collect();
        for model in models {
            let kept = log.counts.get(&model);
            let found = self.counts.entry(model).or_default();
            if self.folded.contains(&model) {
                // By what those are named whose beginning was folded is told by nothing else.
                let kept = kept.filter(|kept| kept.naming.covers(&found.naming));
                found.naming = kept.map_or(Naming::Various, |kept| kept.naming.clone());
            }
            let covers = kept.unwrap_or(&none).naming.covers(&found.naming);
            let kept_or_none = kept.unwrap_or(&none);
            if covers && (kept_or_none.live, kept_or_none.deleted) == (found.live, found.deleted) {
                // What entities were named by that are gone may still be said.
                found.naming = kept_or_none.naming.clone();
                continue;
            }
            repair.tell(format!("counts of model {model}"), "they were not those of the states");
        }
    }
}

fn state_of(key: &[u8]) -> Option<(ModelId, EntityId)> {
    Some((ModelId(layout::id_at(key, 1)?), EntityId(layout::id_at(key, 17)?)))
}

/// The ready indexes. One whose definition cannot be read goes: it is made again when a query wants it.
async fn indexes<S: KvStore>(repair: &mut Repair<'_, S>) -> Result<Vec<Index>, StorageError> {
    let mut indexes = Vec::new();
    each!(repair.kv, KvRange::prefix(&[layout::INDEX]), |key, value| {
        match record::decode_index(key, value) {
            Ok(index) => indexes.push(index),
            Err(error) => {
                repair.told_by(error, false)?;
                repair.delete(key.to_vec());
            }
        }
    });
    Ok(indexes)
}

/// Removes index entries that no state gives.
async fn entries<S: KvStore>(repair: &mut Repair<'_, S>, indexes: &[Index]) -> Result<(), StorageError> {
    each!(repair.kv, KvRange::prefix(&[layout::ENTRY]), |key, _value| {
        let id =
            key.get(1..).and_then(|rest| rest.first_chunk::<4>()).map(|id| IndexId(u32::from_be_bytes(*id)));
        let (Some(id), Some((_, entity))) = (id, layout::split_id(key)) else { continue };
        let entity = EntityId(entity);
        let belongs = match indexes.iter().find(|index| index.id == id) {
            None => false,
            // Nobody reads it, and it goes when it is dropped or made.
            Some(Index { state: IndexState::Failed { .. } | IndexState::Building, .. }) => true,
            Some(index) => {
                let state = read_state(repair.kv, index.definition.model, entity).await?;
                let expected = key_of_state(&index.definition, state.as_ref());
                expected.is_some_and(|expected| layout::entry(id, &expected.bytes, entity) == key)
            }
        };
        if !belongs {
            repair.tell(
                format!("index {}", id.0),
                format!("an entry of entity {entity} was not what its state says"),
            );
            repair.delete(key.to_vec());
            repair.apply(WRITES).await?;
        }
    });
    Ok(())
}

/// Removes operations outside the DAG that cannot be read.
async fn asides<S: KvStore>(repair: &mut Repair<'_, S>) -> Result<(), StorageError> {
    each!(repair.kv, KvRange::prefix(&[layout::ASIDE]), |key, value| {
        let Some(id) = layout::id_at(key, 2) else { continue };
        let problem = match record::decode_aside(id, value) {
            Ok(aside) => match Operation::decode(&aside.bytes) {
                Ok(_) => continue,
                Err(error) => StorageError::Damaged {
                    what: format!("operation {id}, which was set aside"),
                    message: error.to_string(),
                },
            },
            Err(error) => error,
        };
        repair.told_by(problem, true)?;
        repair.delete(key.to_vec());
    });
    Ok(())
}

/// Removes small records that cannot be read.
async fn records<S: KvStore>(repair: &mut Repair<'_, S>) -> Result<(), StorageError> {
    each!(repair.kv, KvRange::prefix(&[layout::RECORD]), |key, value| {
        let name = String::from_utf8_lossy(key.get(1..).unwrap_or_default()).into_owned();
        match record::decode_record(&name, value) {
            Ok(bytes) if name == "key" && bytes.len() != KEY => {
                repair
                    .lose("the store's key", "it cannot be read: the store gets a new one, and a new author");
                repair.delete(key.to_vec());
            }
            Ok(_) => {}
            Err(error) => {
                repair.told_by(error, name == "key")?;
                repair.delete(key.to_vec());
            }
        }
    });
    each!(repair.kv, KvRange::prefix(&[layout::ACTOR]), |key, value| {
        // One that is not in the pool never writes again.
        if let Err(error) = record::decode_actor(key, value) {
            repair.told_by(error, false)?;
            repair.delete(key.to_vec());
        }
    });
    Ok(())
}
