//! What a commit writes.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::engine::{KvEngine, Published};
use super::record::{self, LogTail, Naming};
use super::{Kv, KvRange, KvWrite, PageLimit, index, layout};
use crate::catalog::reserved;
use crate::dag::Head;
use crate::entity::{State, TextVersion};
use crate::id::{EntityId, ModelId, OpId, Stamp};
use crate::operation::{Change, Operation};
use crate::storage::{
    Batch, CommitError, Index, IndexState, LogChange, LogEntry, Position, StorageError, TextWrite,
};

/// Writes of one commit. Of several for one key the last counts.
#[derive(Debug, Default)]
pub(super) struct Writes(Vec<KvWrite>);

impl Writes {
    pub(super) fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        self.0.push(KvWrite { key, value: Some(value) });
    }

    pub(super) fn delete(&mut self, key: Vec<u8>) {
        self.0.push(KvWrite { key, value: None });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Makes every put of a key that begins with `prefix` a removal.
    fn remove_all(&mut self, prefix: &[u8]) {
        self.0.iter_mut().filter(|write| write.key.starts_with(prefix)).for_each(|write| write.value = None);
    }

    /// The writes in the order of their keys, one for each.
    pub(super) fn into_kv(self) -> Vec<KvWrite> {
        let mut writes = self.0;
        writes.sort_by(|a, b| a.key.cmp(&b.key));
        writes.dedup_by(|later, earlier| {
            let same = later.key == earlier.key;
            if same {
                std::mem::swap(later, earlier);
            }
            same
        });
        writes
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
            && self.rewritten.is_empty()
            && self.bases.is_empty()
            && self.folded.is_empty()
            && self.vanished.is_empty()
            && self.actors.is_empty()
            && self.records.is_empty()
            && self.clock == Stamp::default()
    }
}

/// A commit being put together.
struct Commit<'a, K: Kv> {
    kv: &'a K,
    writes: Writes,
    next: Published,
    log: Vec<LogChange>,
    /// The place of each entity in `log`.
    logged: HashMap<EntityId, usize>,
    /// The place in `log` that was looked up last.
    near: usize,
    /// Models whose counts have changed.
    recounted: BTreeSet<ModelId>,
    /// Models of which it changed what their entities are named by.
    renamed: BTreeSet<ModelId>,
    /// What was read for the batch is still so: nothing was committed since.
    fresh: bool,
}

impl<K: Kv> KvEngine<K> {
    /// Checks a batch against the store as it is and works out what to write, what to publish then, and whose
    /// counts it changes. Under the commit lock.
    pub(super) async fn prepare(
        &self,
        now: &Published,
        batch: Batch,
    ) -> Result<(Writes, Published, BTreeSet<ModelId>), CommitError> {
        if batch.catalog < now.head.catalog {
            return Err(CommitError::CatalogChanged);
        }
        for (entity, _) in &batch.withdrawn {
            self.texts.withdraw(*entity);
        }
        let rewritten = batch.rewritten.iter().map(|operation| operation.entity());
        for entity in rewritten.chain(batch.bases.iter().map(|base| base.entity)) {
            self.texts.withdraw(entity);
        }
        let mut next = now.clone();
        next.head.position = Position(now.head.position.0.saturating_add(1));
        next.head.clock = next.head.clock.max(batch.clock);
        next.head.clean = false;
        let mut commit = Commit {
            kv: &self.kv,
            writes: Writes::default(),
            next,
            log: Vec::new(),
            logged: HashMap::new(),
            near: 0,
            recounted: BTreeSet::new(),
            renamed: BTreeSet::new(),
            fresh: batch.read_at == Some(now.head.position),
        };
        commit.everything(batch).await?;
        Ok((commit.writes, commit.next, commit.recounted))
    }
}

/// Fails where an entity's state is written twice.
fn once(batch: &Batch) -> Result<(), StorageError> {
    let states = batch.states.iter().map(|write| write.state.entity);
    let mut entities: Vec<EntityId> =
        states.chain(batch.vanished.iter().map(|(_, entity, _)| *entity)).collect();
    entities.sort_unstable();
    match entities.windows(2).find(|pair| matches!(pair, [a, b] if a == b)) {
        Some([entity, ..]) => {
            let action = format!("commit entity {entity}");
            Err(StorageError::Io { action, message: "it occurs twice in one commit".to_owned() })
        }
        _ => Ok(()),
    }
}

/// Folding a text in the background leaves the head of its entity alone. So whoever commits may have read how the text
/// was stored before it was folded: what is stored counts.
fn as_stored(state: &mut State, old: &State, writes: &[TextWrite]) {
    let entity = state.entity;
    for (property, version) in &mut state.texts {
        let Some(stored) = old.texts.get(property).filter(|stored| stored.folded != version.folded) else {
            continue;
        };
        let folds = writes.iter().any(|write| match write {
            TextWrite::Fold { entity: of, property: text, .. } => (of, text) == (&entity, property),
            TextWrite::Append { .. } => false,
        });
        if let (false, Some(added)) = (folds, version.operations().checked_sub(stored.operations())) {
            *version = TextVersion { folded: stored.folded, tail: stored.tail.saturating_add(added) };
        }
    }
}

impl<K: Kv> Commit<'_, K> {
    async fn everything(&mut self, batch: Batch) -> Result<(), CommitError> {
        let position = self.next.head.position;
        once(&batch)?;
        // The states that the commit replaces, and then those that vanish.
        let mut old = Vec::with_capacity(batch.states.len());
        for write in &batch.states {
            old.push(self.expect(write.state.model, write.state.entity, &write.expected).await?);
        }
        let mut gone = Vec::with_capacity(batch.vanished.len());
        for (model, entity, expected) in &batch.vanished {
            gone.push(self.expect(*model, *entity, expected).await?);
        }
        self.operations(&batch);
        for (mut write, old) in batch.states.into_iter().zip(old) {
            self.note(write.state.model, write.state.entity, None);
            if let Some(old) = &old {
                as_stored(&mut write.state, old, &batch.texts);
            }
            self.set_state(write.state, old.as_ref());
        }
        for (entity, id) in &batch.withdrawn {
            Box::pin(self.withdraw(*entity, *id, &batch.vanished)).await?;
        }
        for operation in &batch.rewritten {
            Box::pin(self.rewrite(operation)).await?;
        }
        for (entity, id) in &batch.folded {
            self.writes.delete(layout::operation(*entity, *id));
        }
        for mut base in batch.bases {
            if base.positions.1.0 == 0 {
                base.positions = (position, position);
                // What its entity was created with is not told.
                Arc::make_mut(&mut self.next.counts)
                    .change(base.model, |count| count.naming = Naming::Various);
                self.recounted.insert(base.model);
                self.renamed.insert(base.model);
            }
            self.note(base.model, base.entity, None);
            self.writes.put(layout::base(base.entity), record::encode_base(&base));
        }
        if !batch.texts.is_empty() {
            Box::pin(self.texts(&batch.texts)).await?;
        }
        for ((model, entity, _), old) in batch.vanished.iter().zip(gone) {
            self.note(*model, *entity, None);
            Box::pin(self.vanish(*model, *entity, old.as_ref())).await?;
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
        for model in &self.renamed {
            if let Some(count) = self.next.counts.get(*model) {
                self.writes.put(layout::count(*model), count.encode());
            }
        }
        if self.log.iter().any(|change| reserved::is_reserved(change.model)) {
            self.next.head.catalog = position;
        }
        let changes = std::mem::take(&mut self.log);
        let entry = LogEntry { position, transaction: batch.transaction, changes, relayed: batch.relayed };
        let counts = self.recounted.iter().filter_map(|model| {
            self.next.counts.get(*model).map(|count| (*model, count.live, count.deleted))
        });
        let tail = LogTail {
            version: self.next.head.version.saturating_add(1),
            clock: self.next.head.clock,
            counts: counts.collect(),
        };
        self.writes.put(layout::log(position), record::encode_log(&entry, &tail));
        Ok(())
    }

    /// Puts operations, and the runs that they start. The run that begins with an entity follows from its first
    /// operations, so it is not stored apart: it is that of a genesis or, where the genesis is keyed, of the edit
    /// that comes with it, which the record of the genesis names.
    fn operations(&mut self, batch: &Batch) {
        let position = self.next.head.position;
        let mut followers = Vec::new();
        for (place, operation) in batch.operations.iter().enumerate() {
            let follower = match operation.key() {
                Some(_) => batch.operations.get(place.saturating_add(1)),
                None => None,
            };
            let follower = follower.filter(|edit| {
                edit.entity() == operation.entity() && matches!(edit.parents(), [only] if only.is_keyed())
            });
            followers.extend(follower.map(|edit| edit.id()));
            let key = layout::operation(operation.entity(), operation.id());
            let follower = follower.map(|edit| edit.id());
            self.writes.put(key, record::encode_operation(position, follower, operation));
            self.note(operation.model(), operation.entity(), Some(operation.id()));
            self.admit(operation);
        }
        followers.sort_unstable();
        for run in &batch.runs {
            let first = run.first;
            let follows = first.id == run.entity.0 || followers.binary_search(&first.id).is_ok();
            // What it follows from may go.
            let stays = !batch.bases.iter().any(|base| base.entity == run.entity);
            let alone = run.vector.len() == 1 && run.vector.get(first.actor) == first.sequence;
            if !(stays && follows && alone) {
                let key = layout::run(run.entity, first.actor, first.sequence);
                self.writes.put(key, record::encode_run(run));
            }
        }
    }

    /// Notes a change of an entity for the log.
    fn note(&mut self, model: ModelId, entity: EntityId, operation: Option<OpId>) {
        // Operations of an entity come together, and states in the order of the operations.
        let next = self.near.saturating_add(1);
        let is_at = |place: &usize| self.log.get(*place).is_some_and(|change| change.entity == entity);
        self.near = match [self.near, next].into_iter().find(is_at) {
            Some(place) => place,
            None => *self.logged.entry(entity).or_insert_with(|| {
                self.log.push(LogChange { model, entity, operations: Vec::new() });
                self.log.len().saturating_sub(1)
            }),
        };
        if let Some(change) = self.log.get_mut(self.near) {
            change.operations.extend(operation);
        }
    }

    /// The state that is to be replaced, if its head is the expected one.
    async fn expect(
        &self,
        model: ModelId,
        entity: EntityId,
        expected: &Head,
    ) -> Result<Option<State>, CommitError> {
        if self.fresh && expected.is_empty() {
            return Ok(None);
        }
        let state = match self.kv.get(&layout::state(model, entity)).await? {
            Some(bytes) => Some(record::decode_state(model, entity, &bytes)?),
            None => None,
        };
        let none = Head::new();
        let head = state.as_ref().map_or(&none, |state| &state.head);
        if head != expected {
            return Err(CommitError::Conflict { entity, head: head.clone() });
        }
        Ok(state)
    }

    fn set_state(&mut self, mut state: State, old: Option<&State>) {
        let (model, entity) = (state.model, state.entity);
        state.position = self.next.head.position;
        self.writes.put(layout::state(model, entity), record::encode_state(&state));
        self.entries(model, entity, old, Some(&state));
        self.recount(model, old, Some(&state));
    }

    /// Takes note of what a new entity is named by.
    fn admit(&mut self, operation: &Operation) {
        if !operation.is_genesis() {
            return;
        }
        let model = operation.model();
        let mut naming = self.next.counts.get(model).map(|count| count.naming.clone()).unwrap_or_default();
        if naming.admit(operation) {
            Arc::make_mut(&mut self.next.counts).change(model, |count| count.naming = naming);
            self.recounted.insert(model);
            self.renamed.insert(model);
        }
    }

    /// Brings the counts of a model in line with a change of one entity.
    fn recount(&mut self, model: ModelId, old: Option<&State>, new: Option<&State>) {
        let deleted = |state: Option<&State>| state.map(State::is_deleted);
        let (before, after) = (deleted(old), deleted(new));
        if before == after {
            return;
        }
        Arc::make_mut(&mut self.next.counts).change(model, |count| {
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
        });
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

    /// Puts an operation in the place of the one of the same name, with its position and what came with it.
    async fn rewrite(&mut self, operation: &Operation) -> Result<(), StorageError> {
        let (entity, id) = (operation.entity(), operation.id());
        let key = layout::operation(entity, id);
        let Some(bytes) = self.kv.get(&key).await? else {
            let action = format!("rewrite operation {id} of entity {entity}");
            return Err(StorageError::Io { action, message: "there is no such operation".to_owned() });
        };
        let (follower, (position, before)) = record::decode_first_operation(entity, id, &bytes)?;
        if before.digest() != operation.digest() {
            let action = format!("rewrite operation {id} of entity {entity}");
            return Err(StorageError::Io { action, message: "it is another one".to_owned() });
        }
        self.writes.put(key, record::encode_operation(position, follower, operation));
        Ok(())
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

    async fn vanish(
        &mut self,
        model: ModelId,
        entity: EntityId,
        old: Option<&State>,
    ) -> Result<(), StorageError> {
        self.writes.delete(layout::state(model, entity));
        self.writes.delete(layout::base(entity));
        self.entries(model, entity, old, None);
        self.recount(model, old, None);
        for prefix in
            [layout::operations(entity), layout::runs(entity), layout::texts(entity), layout::tails(entity)]
        {
            self.remove_all(&prefix).await?;
        }
        Ok(())
    }

    /// Removes every key that begins with `prefix`, those that this commit has put among them.
    async fn remove_all(&mut self, prefix: &[u8]) -> Result<(), StorageError> {
        self.writes.remove_all(prefix);
        let mut rest = Some(KvRange::prefix(prefix));
        while let Some(range) = rest {
            let page = self.kv.page(range, PageLimit::SCAN).await?;
            page.iter().for_each(|(key, _)| self.writes.delete(key.to_vec()));
            rest = page.rest().cloned();
        }
        Ok(())
    }
}
