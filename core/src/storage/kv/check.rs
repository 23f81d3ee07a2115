//! Checking what only the engine knows: records, and that they agree with each other.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use futures::{StreamExt, stream};

use super::engine::{KvEngine, Published};
use super::index::key_of_state;
use super::record::{self, Count};
use super::view::{KvView, read_base, read_state, read_text};
use super::{Kv, KvRange, KvRead, PageLimit, layout};
use crate::entity::State;
use crate::env::BoxStream;
use crate::id::{EntityId, ModelId, OpId};
use crate::storage::{Fault, IndexId, IndexState, Position, StorageError};

/// A check under way: ranges still to read, and what is added up on the way.
struct Check<K: Kv> {
    view: KvView<K>,
    ranges: VecDeque<KvRange>,
    counts: BTreeMap<ModelId, Count>,
    /// The last log entry.
    logged: Position,
    /// Operations that there are, and those that the log entry of their acceptance names.
    operations: u64,
    named: u64,
    /// Operations that the log names but that there are not, by how often it names them.
    missing: BTreeMap<OpId, (EntityId, u64)>,
    /// Of entities that lack operations the last ones of their bases.
    bases: BTreeMap<EntityId, OpId>,
    /// Whose operation was read last.
    entity: Option<EntityId>,
    done: bool,
}

impl<K: Kv> KvEngine<K> {
    pub(super) fn check_store(&self) -> BoxStream<'_, Result<Fault, StorageError>> {
        let faults = stream::try_unfold(None, async |check: Option<Check<K>>| {
            let mut check = match check {
                Some(check) => check,
                None => Check::new(self.new_view().await?),
            };
            Ok::<_, StorageError>(check.step().await?.map(|faults| (faults, Some(check))))
        });
        Box::pin(faults.flat_map(|faults| {
            stream::iter(match faults {
                Ok(faults) => faults.into_iter().map(Ok).collect(),
                Err(error) => vec![Err(error)],
            })
        }))
    }
}

/// An error about a record as a fault; other errors stay errors.
fn fault_of(error: StorageError) -> Result<Fault, StorageError> {
    match error {
        StorageError::Damaged { what, message } => Ok(Fault { record: what, message }),
        newer @ StorageError::Newer { .. } => {
            Ok(Fault { record: "a record".to_owned(), message: newer.to_string() })
        }
        other => Err(other),
    }
}

fn fault(record: String, message: impl Into<String>) -> StorageError {
    StorageError::Damaged { what: record, message: message.into() }
}

fn number_at(key: &[u8], from: usize) -> Option<u64> {
    key.get(from..)?.split_first_chunk::<8>().map(|(bytes, _)| u64::from_be_bytes(*bytes))
}

impl<K: Kv> Check<K> {
    fn new(view: KvView<K>) -> Self {
        Check {
            view,
            ranges: layout::KINDS.iter().map(|kind| KvRange::prefix(&[*kind])).collect(),
            counts: BTreeMap::new(),
            logged: Position(0),
            operations: 0,
            named: 0,
            missing: BTreeMap::new(),
            bases: BTreeMap::new(),
            entity: None,
            done: false,
        }
    }

    fn published(&self) -> &Published {
        &self.view.published
    }

    /// Checks a page, or at the end what was added up; `None` after that.
    async fn step(&mut self) -> Result<Option<Vec<Fault>>, StorageError> {
        let Some(range) = self.ranges.pop_front() else {
            let last = !std::mem::replace(&mut self.done, true);
            return Ok(last.then(|| self.sums()));
        };
        let page = self.view.snapshot.page(range, PageLimit::SCAN).await?;
        if let Some(rest) = page.rest() {
            self.ranges.push_front(rest.clone());
        }
        let mut faults = Vec::new();
        for (key, value) in page.iter() {
            if let Err(error) = self.item(key, value).await {
                faults.push(fault_of(error)?);
            }
        }
        Ok(Some(faults))
    }

    async fn item(&mut self, key: &[u8], value: &[u8]) -> Result<(), StorageError> {
        let bad = || record::bad_key("a record", key);
        if !layout::is_known(key) {
            return Err(bad());
        }
        let first = layout::id_at(key, 1);
        let second = layout::id_at(key, 17);
        match (key.first().copied().unwrap_or_default(), first, second) {
            (layout::STATE, Some(model), Some(entity)) => {
                self.state(ModelId(model), EntityId(entity), value).await
            }
            (layout::OPERATION, Some(entity), Some(id)) => {
                self.operations = self.operations.saturating_add(1);
                let at = self.operation(EntityId(entity), id, value).await?;
                match at.0 == 0 || at > self.published().head.position {
                    true => Err(fault(format!("operation {id}"), "it has a position that is not in the log")),
                    false => Ok(()),
                }
            }
            (layout::RUN, Some(entity), _) => {
                let entity = EntityId(entity);
                let run = record::decode_run(entity, value)?;
                let place = (Some(run.first.actor.get()), Some(run.first.sequence));
                if place != (number_at(key, 17), number_at(key, 25)) {
                    return Err(fault(format!("run of entity {entity}"), "it is not the one its key says"));
                }
                match read_base(&self.view.snapshot, entity).await? {
                    Some(base) if base.covers(&run.first) => Ok(()),
                    _ => self.exists(entity, run.first.id, &format!("run of entity {entity}")).await,
                }
            }
            (layout::BASE, Some(entity), _) => {
                let base = record::decode_base(EntityId(entity), value)?;
                let state = read_state(&self.view.snapshot, base.model, base.entity).await?;
                match state.is_some_and(|state| state.base == Some(base.base)) {
                    true => Ok(()),
                    false => Err(fault(
                        format!("base of entity {}", base.entity),
                        "its state does not stand on it",
                    )),
                }
            }
            (layout::TEXT, Some(entity), _) => record::decode_text(EntityId(entity), value).map(drop),
            (layout::TAIL, Some(entity), Some(property)) => {
                let id = record::decode_tail(EntityId(entity), value)?;
                let what = format!("tail of text {property} of entity {entity}");
                self.exists(EntityId(entity), id, &what).await
            }
            (layout::LOG, ..) => self.log_entry(Position(number_at(key, 1).ok_or_else(bad)?), value).await,
            (layout::ENTRY, ..) => self.entry(key).await,
            (layout::ASIDE, ..) => {
                record::decode_aside(layout::id_at(key, 2).ok_or_else(bad)?, value).map(drop)
            }
            (layout::RECORD, ..) => record::decode_record(&String::from_utf8_lossy(key), value).map(drop),
            (layout::ACTOR, ..) => record::decode_actor(key, value).map(drop),
            // These have been read to take the view, or to open the store.
            _ => Ok(()),
        }
    }

    /// When an operation was accepted. What an edit says is read where its entity is checked, which there has to be.
    async fn operation(
        &mut self,
        entity: EntityId,
        id: OpId,
        value: &[u8],
    ) -> Result<Position, StorageError> {
        let is_new = self.entity.replace(entity) != Some(entity);
        if let Some((at, model)) = record::edit_of(entity, id, value) {
            if is_new {
                self.has_state(model, entity).await?;
            }
            return Ok(at);
        }
        let (at, operation) = record::decode_operation(entity, id, value)?;
        self.counts.entry(operation.model()).or_default().naming.admit(&operation);
        if is_new || operation.is_genesis() {
            self.has_state(operation.model(), entity).await?;
        }
        Ok(at)
    }

    /// Notes the base of an entity that lacks an operation.
    async fn base(&mut self, entity: EntityId) -> Result<(), StorageError> {
        if let std::collections::btree_map::Entry::Vacant(place) = self.bases.entry(entity) {
            let base = match read_base(&self.view.snapshot, entity).await {
                // Found where bases are read.
                Err(StorageError::Damaged { .. } | StorageError::Newer { .. }) => None,
                base => base?,
            };
            place.insert(base.map_or(OpId::MIN, |base| base.last()));
        }
        Ok(())
    }

    async fn exists(&self, entity: EntityId, id: OpId, what: &str) -> Result<(), StorageError> {
        match self.view.snapshot.get(&layout::operation(entity, id)).await? {
            Some(_) => Ok(()),
            None => Err(fault(what.to_owned(), format!("operation {id} does not exist"))),
        }
    }

    async fn state(&mut self, model: ModelId, entity: EntityId, value: &[u8]) -> Result<(), StorageError> {
        let state = record::decode_state(model, entity, value)?;
        let count = self.counts.entry(model).or_default();
        let part = if state.is_deleted() { &mut count.deleted } else { &mut count.live };
        *part = part.saturating_add(1);
        let what = || format!("state of entity {entity}");
        if state.position.0 == 0 || state.position > self.published().head.position {
            return Err(fault(what(), "it has a position that is not in the log"));
        }
        match &state.base {
            None => self.exists(entity, entity.0, &what()).await?,
            Some(base) => match read_base(&self.view.snapshot, entity).await? {
                Some(stored) if *base == stored.base => {}
                _ => return Err(fault(what(), "its base is not the one that is stored")),
            },
        }
        for (property, version) in &state.texts {
            let text = read_text(&self.view.snapshot, entity, *property).await?;
            if !text.is_of(*version) {
                return Err(fault(
                    what(),
                    format!("its text {property} is not stored as the version of the state says"),
                ));
            }
        }
        self.entries_of(&state).await
    }

    /// Every ready index has the entity's entry.
    async fn entries_of(&self, state: &State) -> Result<(), StorageError> {
        let ready = self.published().indexes.iter().filter(|index| {
            index.definition.model == state.model && matches!(index.state, IndexState::Ready { .. })
        });
        for index in ready {
            let Some(key) = key_of_state(&index.definition, Some(state)) else { continue };
            let key = layout::entry(index.id, &key.bytes, state.entity);
            if self.view.snapshot.get(&key).await?.is_none() {
                let what = format!("index {}", index.id.0);
                return Err(fault(what, format!("the entry of entity {} is missing", state.entity)));
            }
        }
        Ok(())
    }

    async fn has_state(&self, model: ModelId, entity: EntityId) -> Result<(), StorageError> {
        match self.view.snapshot.get(&layout::state(model, entity)).await? {
            Some(_) => Ok(()),
            None => Err(fault(format!("entity {entity}"), "it has operations, but no state")),
        }
    }

    async fn entry(&self, key: &[u8]) -> Result<(), StorageError> {
        let id = key.get(1..).and_then(|rest| rest.split_first_chunk::<4>());
        let Some((id, entity)) = id.zip(layout::split_id(key)).map(|((id, _), (_, entity))| (id, entity))
        else {
            return Err(record::bad_key("an index entry", key));
        };
        let id = IndexId(u32::from_be_bytes(*id));
        let what = || format!("index {}", id.0);
        let Some(index) = self.published().index(id) else {
            return Err(fault(what(), "there are entries, but no such index"));
        };
        if matches!(index.state, IndexState::Failed { .. }) {
            return Ok(());
        }
        let entity = EntityId(entity);
        let state = read_state(&self.view.snapshot, index.definition.model, entity).await?;
        let expected = key_of_state(&index.definition, state.as_ref());
        match expected.is_some_and(|expected| layout::entry(id, &expected.bytes, entity) == key) {
            true => Ok(()),
            false => Err(fault(what(), format!("an entry of entity {entity} is not what its state says"))),
        }
    }

    async fn log_entry(&mut self, at: Position, value: &[u8]) -> Result<(), StorageError> {
        let expected = self.logged.0.saturating_add(1);
        self.logged = at;
        let entry = record::decode_log(at, value)?;
        for change in &entry.changes {
            for id in &change.operations {
                // The operation itself is read where operations are.
                let bytes = self.view.snapshot.get(&layout::operation(change.entity, *id)).await?;
                match bytes.map(|bytes| record::accepted_at(&bytes)) {
                    Some(Some(accepted)) if accepted == at => self.named = self.named.saturating_add(1),
                    Some(Some(accepted)) if accepted < at => {
                        let message = format!("it was withdrawn at {}, but exists", at.0);
                        return Err(fault(format!("operation {id}"), message));
                    }
                    Some(Some(_)) => {}
                    None => {
                        self.base(change.entity).await?;
                        let (_, times) = self.missing.entry(*id).or_insert((change.entity, 0));
                        *times = times.saturating_add(1);
                    }
                    // Told where operations are read.
                    Some(None) => self.named = self.named.saturating_add(1),
                }
            }
        }
        match at.0 == expected {
            true => Ok(()),
            false => Err(fault(format!("log entry {expected}"), "it is missing")),
        }
    }

    /// What does not add up.
    fn sums(&self) -> Vec<Fault> {
        let fault = |record: String, message: String| Fault { record, message };
        let mut faults = Vec::new();
        if self.logged < self.published().head.position {
            let first = self.logged.0.saturating_add(1);
            faults.push(fault(format!("log entry {first}"), "it is missing".to_owned()));
        }
        // Accepted and withdrawn again is named twice.
        for (id, (entity, times)) in &self.missing {
            let folded = self.bases.get(entity).is_some_and(|last| id <= last);
            if times % 2 == 1 && !folded {
                let message = format!("the log names it, but entity {entity} does not have it");
                faults.push(fault(format!("operation {id}"), message));
            }
        }
        if self.named != self.operations {
            let message = format!("it names {} of {} operations", self.named, self.operations);
            faults.push(fault("the log".to_owned(), message));
        }
        let kept = self.published().counts.as_ref();
        let none = Count::default();
        let models: BTreeSet<ModelId> = kept.models().chain(self.counts.keys().copied()).collect();
        for model in models {
            let (kept, found) = (kept.get(model).unwrap_or(&none), self.counts.get(&model).unwrap_or(&none));
            let record = || format!("counts of model {model}");
            if (kept.live, kept.deleted) != (found.live, found.deleted) {
                faults.push(fault(record(), "they are not those of the states".to_owned()));
            }
            if !kept.naming.covers(&found.naming) {
                let message = "what its entities are named by is not what they were created with";
                faults.push(fault(record(), message.to_owned()));
            }
        }
        faults
    }
}
