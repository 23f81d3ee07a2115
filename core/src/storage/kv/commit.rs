//! What a commit writes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::engine::{KvEngine, Published};
use super::record;
use super::{Kv, KvRange, KvWrite, PageLimit, index, layout};
use crate::catalog::reserved;
use crate::dag::Head;
use crate::entity::State;
use crate::id::{EntityId, ModelId, OpId};
use crate::operation::{Change, Operation};
use crate::storage::{
    Batch, CommitError, Index, IndexState, LogChange, LogEntry, Position, StorageError, TextWrite,
};

/// Writes of one commit: at most one for each key.
#[derive(Debug, Default)]
pub(super) struct Writes(BTreeMap<Vec<u8>, Option<Vec<u8>>>);

impl Writes {
    pub(super) fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.0.insert(key, Some(value));
    }

    pub(super) fn delete(&mut self, key: Vec<u8>) {
        self.0.insert(key, None);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn into_kv(self) -> Vec<KvWrite> {
        self.0.into_iter().map(|(key, value)| KvWrite { key, value }).collect()
    }
}

impl Batch {
    /// Whether the batch changes nothing. Committing it only waits for the durability.
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
            && self.runs.is_empty()
            && self.states.is_empty()
            && self.texts.is_empty()
            && self.set_aside.is_empty()
            && self.relayed.is_empty()
            && self.take_back.is_empty()
            && self.withdrawn.is_empty()
            && self.vanished.is_empty()
            && self.actors.is_empty()
            && self.records.is_empty()
            && self.raised.is_empty()
    }
}

/// A commit being put together.
struct Commit<'a, K: Kv> {
    kv: &'a K,
    writes: Writes,
    next: Published,
    /// The states of the entities that the commit has touched so far.
    states: BTreeMap<EntityId, Option<State>>,
    log: Vec<LogChange>,
    /// The place of each entity in `log`.
    logged: BTreeMap<EntityId, usize>,
    /// Models whose counts have changed.
    recounted: BTreeSet<ModelId>,
    /// What was read for the batch is still so: nothing was committed since.
    fresh: bool,
}

impl<K: Kv> KvEngine<K> {
    /// Checks a batch against the store as it is and works out what to write. Under the commit lock.
    pub(super) async fn prepare(
        &self,
        now: &Published,
        batch: Batch,
    ) -> Result<(Writes, Published), CommitError> {
        if batch.catalog < now.head.catalog {
            return Err(CommitError::CatalogChanged);
        }
        for (entity, _) in &batch.withdrawn {
            self.texts.withdraw(*entity);
        }
        let mut next = now.clone();
        next.head.position = Position(now.head.position.0.saturating_add(1));
        let mut commit = Commit {
            kv: &self.kv,
            writes: Writes::default(),
            next,
            states: BTreeMap::new(),
            log: Vec::new(),
            logged: BTreeMap::new(),
            recounted: BTreeSet::new(),
            fresh: batch.read_at == Some(now.head.position),
        };
        commit.everything(batch).await?;
        Ok((commit.writes, commit.next))
    }
}

impl<K: Kv> Commit<'_, K> {
    async fn everything(&mut self, batch: Batch) -> Result<(), CommitError> {
        let position = self.next.head.position;
        for write in &batch.states {
            self.expect(write.state.model, write.state.entity, &write.expected).await?;
        }
        for (model, entity, expected) in &batch.vanished {
            self.expect(*model, *entity, expected).await?;
        }
        for operation in &batch.operations {
            let key = layout::operation(operation.entity(), operation.id());
            self.writes.put(key, record::encode_operation(position, operation));
            self.note(operation.model(), operation.entity(), Some(operation.id()));
            self.admit(operation);
        }
        for run in &batch.runs {
            let key = layout::run(run.entity, run.first.actor, run.first.sequence);
            self.writes.put(key, record::encode_run(run));
        }
        for write in batch.states {
            self.note(write.state.model, write.state.entity, None);
            self.set_state(write.state);
        }
        for (entity, id) in &batch.withdrawn {
            self.withdraw(*entity, *id, &batch.vanished).await?;
        }
        self.texts(&batch.texts).await?;
        for (model, entity, _) in &batch.vanished {
            self.note(*model, *entity, None);
            self.vanish(*model, *entity).await?;
        }
        for (set, id) in batch.take_back {
            self.writes.delete(layout::aside(set, id));
        }
        for (set, aside) in &batch.set_aside {
            self.writes.put(layout::aside(*set, aside.id), record::encode_aside(aside));
        }
        for actor in &batch.actors {
            self.writes.put(layout::actor(actor.actor), record::encode_actor(actor));
        }
        for (name, value) in batch.records {
            match value {
                Some(value) => self.writes.put(layout::record(&name), record::encode_record(&value)),
                None => self.writes.delete(layout::record(&name)),
            }
        }
        for (name, value) in batch.raised {
            let key = layout::record(&name);
            let kept = match self.kv.get(&key).await? {
                Some(bytes) => record::decode_record(&name, &bytes)? > value,
                None => false,
            };
            if !kept {
                self.writes.put(key, record::encode_record(&value));
            }
        }
        for model in std::mem::take(&mut self.recounted) {
            if let Some(count) = self.next.counts.get(&model) {
                self.writes.put(layout::count(model), count.encode());
            }
        }
        if self.log.iter().any(|change| reserved::is_reserved(change.model)) {
            self.next.head.catalog = position;
        }
        let changes = std::mem::take(&mut self.log);
        let entry = LogEntry { position, transaction: batch.transaction, changes, relayed: batch.relayed };
        self.writes.put(layout::log(position), record::encode_log(&entry));
        Ok(())
    }

    /// Notes a change of an entity for the log.
    fn note(&mut self, model: ModelId, entity: EntityId, operation: Option<OpId>) {
        let place = *self.logged.entry(entity).or_insert_with(|| {
            self.log.push(LogChange { model, entity, operations: Vec::new() });
            self.log.len().saturating_sub(1)
        });
        if let Some(change) = self.log.get_mut(place) {
            change.operations.extend(operation);
        }
    }

    async fn expect(&mut self, model: ModelId, entity: EntityId, expected: &Head) -> Result<(), CommitError> {
        if self.states.contains_key(&entity) {
            let action = format!("commit entity {entity}");
            let message = "it occurs twice in one commit".to_owned();
            return Err(StorageError::Io { action, message }.into());
        }
        if self.fresh && expected.is_empty() {
            self.states.insert(entity, None);
            return Ok(());
        }
        let state = match self.kv.get(&layout::state(model, entity)).await? {
            Some(bytes) => Some(record::decode_state(model, entity, &bytes)?),
            None => None,
        };
        let head = state.as_ref().map(|state| state.head.clone()).unwrap_or_default();
        if head != *expected {
            return Err(CommitError::Conflict { entity, head });
        }
        self.states.insert(entity, state);
        Ok(())
    }

    fn set_state(&mut self, mut state: State) {
        let (model, entity) = (state.model, state.entity);
        state.position = self.next.head.position;
        let old = self.states.remove(&entity).flatten();
        if old.is_none() {
            self.writes.put(layout::model_of(entity), record::encode_model_of(model));
        }
        self.writes.put(layout::state(model, entity), record::encode_state(&state));
        self.entries(model, entity, old.as_ref(), Some(&state));
        self.recount(model, old.as_ref(), Some(&state));
    }

    /// Takes note of what a new entity is named by.
    fn admit(&mut self, operation: &Operation) {
        let model = operation.model();
        let known = self.next.counts.get(&model).map(|count| count.naming.clone()).unwrap_or_default();
        let mut naming = known;
        if naming.admit(operation) {
            let count = Arc::make_mut(&mut self.next.counts).entry(model).or_default();
            count.naming = naming;
            self.recounted.insert(model);
        }
    }

    /// Brings the counts of a model in line with a change of one entity.
    fn recount(&mut self, model: ModelId, old: Option<&State>, new: Option<&State>) {
        let deleted = |state: Option<&State>| state.map(State::is_deleted);
        let (before, after) = (deleted(old), deleted(new));
        if before == after {
            return;
        }
        let count = Arc::make_mut(&mut self.next.counts).entry(model).or_default();
        match before {
            Some(true) => count.deleted = count.deleted.saturating_sub(1),
            Some(false) => count.live = count.live.saturating_sub(1),
            None => {}
        }
        match after {
            Some(true) => count.deleted = count.deleted.saturating_add(1),
            Some(false) => count.live = count.live.saturating_add(1),
            None => {}
        }
        self.recounted.insert(model);
    }

    /// Brings the entries of every maintained index in line with a change of one entity.
    fn entries(&mut self, model: ModelId, entity: EntityId, old: Option<&State>, new: Option<&State>) {
        let indexes = self.next.indexes.clone();
        let maintained = |index: &&Index| {
            index.definition.model == model && !matches!(index.state, IndexState::Failed { .. })
        };
        for index in indexes.iter().filter(maintained) {
            let before = index::key_of_state(&index.definition, old);
            let after = index::key_of_state(&index.definition, new);
            if before == after {
                continue;
            }
            if let Some(before) = before {
                self.writes.delete(layout::entry(index.id, &before.bytes, entity));
            }
            if let Some(after) = after {
                self.writes.put(layout::entry(index.id, &after.bytes, entity), Vec::new());
                if after.cut {
                    index::mark_cut(&mut self.writes, &mut self.next, index.id);
                }
            }
        }
    }

    async fn withdraw(
        &mut self,
        entity: EntityId,
        id: OpId,
        vanished: &[(ModelId, EntityId, Head)],
    ) -> Result<(), StorageError> {
        let key = layout::operation(entity, id);
        let Some(bytes) = self.kv.get(&key).await? else {
            let action = format!("withdraw operation {id} of entity {entity}");
            return Err(StorageError::Io { action, message: "there is no such operation".to_owned() });
        };
        let (_, operation) = record::decode_operation(entity, id, &bytes)?;
        self.writes.delete(key);
        self.note(operation.model(), entity, Some(id));
        if let Some(origin) = operation.header().origin {
            let key = layout::run(entity, origin.actor, origin.sequence);
            if self.kv.get(&key).await?.is_some() {
                self.writes.delete(key);
            }
        }
        if vanished.iter().any(|(_, gone, _)| *gone == entity) {
            return Ok(());
        }
        self.leave_tails(&operation).await
    }

    /// Removes an operation from the tails of the texts that it changes.
    async fn leave_tails(&mut self, operation: &Operation) -> Result<(), StorageError> {
        let entity = operation.entity();
        let texts = operation.leaves().iter().filter(|leaf| matches!(leaf.change, Change::Text(_)));
        for leaf in texts {
            let mut rest = Some(KvRange::prefix(&layout::tail(entity, leaf.property)));
            while let Some(range) = rest {
                let page = self.kv.page(range, PageLimit::SCAN).await?;
                for (key, value) in page.iter() {
                    if record::decode_tail(entity, value)? == operation.id() {
                        self.writes.delete(key.to_vec());
                    }
                }
                rest = page.rest().cloned();
            }
        }
        Ok(())
    }

    async fn texts(&mut self, texts: &[TextWrite]) -> Result<(), StorageError> {
        let position = self.next.head.position;
        let mut number = 0u32;
        for text in texts {
            match text {
                TextWrite::Append { entity, property, operation } => {
                    let key = layout::tail_item(*entity, *property, position, number);
                    self.writes.put(key, record::encode_tail(*operation));
                    number = number.saturating_add(1);
                }
                TextWrite::Fold { entity, property, snapshot } => {
                    self.remove_all(&layout::tail(*entity, *property)).await?;
                    self.writes.put(layout::text(*entity, *property), record::encode_text(snapshot));
                }
            }
        }
        Ok(())
    }

    async fn vanish(&mut self, model: ModelId, entity: EntityId) -> Result<(), StorageError> {
        let old = self.states.remove(&entity).flatten();
        self.writes.delete(layout::state(model, entity));
        self.writes.delete(layout::model_of(entity));
        self.entries(model, entity, old.as_ref(), None);
        self.recount(model, old.as_ref(), None);
        for prefix in
            [layout::operations(entity), layout::runs(entity), layout::texts(entity), layout::tails(entity)]
        {
            self.remove_all(&prefix).await?;
        }
        Ok(())
    }

    /// Removes every key that begins with `prefix`, those that this commit has put among them.
    async fn remove_all(&mut self, prefix: &[u8]) -> Result<(), StorageError> {
        for (_, value) in self.writes.0.range_mut(prefix.to_vec()..layout::after_prefix(prefix)) {
            *value = None;
        }
        let mut rest = Some(KvRange::prefix(prefix));
        while let Some(range) = rest {
            let page = self.kv.page(range, PageLimit::SCAN).await?;
            page.iter().for_each(|(key, _)| self.writes.delete(key.to_vec()));
            rest = page.rest().cloned();
        }
        Ok(())
    }
}
