//! The change log and its head.

use std::collections::{BTreeMap, BTreeSet};

use super::super::record::{self, Count, LogHead, LogTail};
use super::super::{KvRange, KvStore, PageLimit, layout};
use super::rest::Rest;
use super::{Repair, each};
use crate::catalog::is_reserved;
use crate::id::{EntityId, ModelId, OpId, Stamp, TransactionId};
use crate::operation::Operation;
use crate::storage::{LogChange, LogEntry, Position, StorageError};

/// What is known of an operation that an entry is made anew for.
#[derive(Clone, Copy)]
struct Named {
    model: ModelId,
    entity: EntityId,
    id: OpId,
    transaction: Option<TransactionId>,
}

/// The log as it was found.
#[derive(Default)]
pub(super) struct Log {
    /// The head as it was saved, where it could be read.
    saved: Option<LogHead>,
    /// What the head has to be.
    head: LogHead,
    /// Counts as opening the store would find them.
    pub(super) counts: BTreeMap<ModelId, Count>,
    /// Entries that cannot be read.
    bad: BTreeSet<u64>,
    /// What those and the missing ones named.
    renewed: BTreeMap<u64, Vec<Named>>,
    /// Operations that the log names at another place than they say, with the last such place.
    elsewhere: BTreeMap<OpId, (Position, bool)>,
    /// Operations that are named but that there are not, by how often.
    absent: BTreeMap<OpId, (EntityId, u64)>,
    /// Operations that are there where the log names them.
    named: u64,
    /// What a new entry at the end is to name: operations that no entry names, or that leave the DAG.
    added: Vec<Named>,
    /// The last write that any record tells of.
    version: u64,
}

impl Log {
    pub(super) async fn read<S: KvStore>(repair: &mut Repair<'_, S>) -> Result<Self, StorageError> {
        let mut log = Log::default();
        match repair.kv.get(&layout::head()).await? {
            None => repair.tell("head of the log", "it was missing"),
            Some(bytes) => match LogHead::decode(&bytes) {
                Ok(head) => log.saved = Some(head),
                Err(error) => repair.told_by(error, false)?,
            },
        }
        let saved = log.saved.unwrap_or_default();
        log.head = saved;
        log.version = saved.version.max(repair.kv.closed());
        each!(repair.kv, KvRange::prefix(&[layout::COUNT]), |key, value| {
            let Some(model) = layout::id_at(key, 1).map(ModelId) else { continue };
            match Count::decode(model, value) {
                Ok(count) => drop(log.counts.insert(model, count)),
                Err(error) => {
                    repair.told_by(error, false)?;
                    repair.delete(key.to_vec());
                }
            }
        });
        let mut expected = 1u64;
        each!(repair.kv, KvRange::prefix(&[layout::LOG]), |key, value| {
            let number = key.get(1..).and_then(|rest| rest.split_first_chunk::<8>());
            let Some(at) = number.map(|(bytes, _)| u64::from_be_bytes(*bytes)) else { continue };
            // A position far beyond what was ever committed is no entry of this log.
            if at == 0 || at.saturating_sub(expected) > MAX_GAP {
                repair.tell(format!("log entry {at}"), "it is no part of the log");
                repair.delete(key.to_vec());
                continue;
            }
            log.bad.extend(expected..at);
            (expected..at).for_each(|gap| repair.tell(format!("log entry {gap}"), "it was missing"));
            expected = at.saturating_add(1);
            match record::decode_log_tail(Position(at), value) {
                Ok((entry, tail)) => log.entry(repair, &entry, &tail).await?,
                Err(error) => {
                    repair.told_by(error, false)?;
                    log.bad.insert(at);
                }
            }
        });
        let last = match log.saved {
            Some(saved) => saved.position.0.min(expected.saturating_add(MAX_GAP)),
            None => last_told(repair.kv, expected).await?,
        };
        for gap in expected..=last {
            repair.tell(format!("log entry {gap}"), "it was missing");
            log.bad.insert(gap);
        }
        log.head.position = Position(last.max(expected.saturating_sub(1)));
        Ok(log)
    }

    async fn entry<S: KvStore>(
        &mut self,
        repair: &Repair<'_, S>,
        entry: &LogEntry,
        tail: &LogTail,
    ) -> Result<(), StorageError> {
        self.version = self.version.max(tail.version);
        self.head.clock = self.head.clock.max(tail.clock);
        if entry.position > self.saved.unwrap_or_default().position {
            for (model, live, deleted) in &tail.counts {
                let count = self.counts.entry(*model).or_default();
                (count.live, count.deleted) = (*live, *deleted);
            }
        }
        for change in &entry.changes {
            if is_reserved(change.model) {
                self.head.catalog = self.head.catalog.max(entry.position);
            }
            for id in &change.operations {
                let Some(bytes) = repair.kv.get(&layout::operation(change.entity, *id)).await? else {
                    let (_, times) = self.absent.entry(*id).or_insert((change.entity, 0));
                    *times = times.saturating_add(1);
                    continue;
                };
                // One that cannot be read is told where operations are.
                let Ok((at, _)) = record::decode_operation(change.entity, *id, &bytes) else { continue };
                if at == entry.position {
                    self.named = self.named.saturating_add(1);
                }
                if at != entry.position || self.elsewhere.contains_key(id) {
                    let right = at == entry.position
                        || (at < entry.position && names(repair.kv, at, change.entity, *id).await?);
                    let place = self.elsewhere.entry(*id).or_insert((entry.position, false));
                    place.0 = place.0.max(entry.position);
                    place.1 |= right;
                }
            }
        }
        Ok(())
    }

    /// Where an operation was accepted: as it says, or as the log does where that contradicts it.
    pub(super) fn accepted(&self, at: Position, id: OpId) -> Option<Position> {
        match self.elsewhere.get(&id) {
            Some((last, false)) => Some(*last),
            _ if at.0 == 0 || at > self.head.position => None,
            _ => Some(at),
        }
    }

    /// Notes an operation that is part of the DAG. Where no entry can name it at its place, gives its new place.
    pub(super) fn keep(&mut self, operation: &Operation, at: Option<Position>) -> Position {
        self.head.clock = self.head.clock.max(operation.id().stamp());
        let named = named(operation);
        match at {
            Some(at) if self.bad.contains(&at.0) => {
                if is_reserved(operation.model()) {
                    self.head.catalog = self.head.catalog.max(at);
                }
                self.renewed.entry(at.0).or_default().push(named);
                at
            }
            Some(at) => at,
            None => {
                self.added.push(named);
                self.next()
            }
        }
    }

    /// Notes that no entry names an operation though one should. Gives its new place.
    pub(super) fn add(&mut self, operation: &Operation) -> Position {
        self.added.push(named(operation));
        self.next()
    }

    /// Notes that an operation leaves the DAG.
    pub(super) fn withdraw(&mut self, operation: &Operation) {
        self.added.push(named(operation));
    }

    /// Notes that an operation is lost: the log stops naming it.
    pub(super) fn forget(&mut self, model: ModelId, entity: EntityId, id: OpId) {
        self.absent.remove(&id);
        self.added.push(Named { model, entity, id, transaction: None });
    }

    /// The last position, with the entry that is added.
    pub(super) fn end(&self) -> Position {
        if self.added.is_empty() { self.head.position } else { self.next() }
    }

    /// Whether the entry at a position is made anew.
    pub(super) fn is_mended(&self, at: Position) -> bool {
        at > self.head.position || self.bad.contains(&at.0)
    }

    /// The position of the entry that is added.
    fn next(&self) -> Position {
        Position(self.head.position.0.saturating_add(1))
    }

    /// Operations of which nothing is left but their name in the log.
    pub(super) fn lost(&self) -> Vec<(EntityId, OpId)> {
        let odd = self.absent.iter().filter(|(_, (_, times))| times % 2 == 1);
        odd.map(|(id, (entity, _))| (*entity, *id)).collect()
    }

    /// How many operations the log names where they are.
    pub(super) fn named(&self) -> u64 {
        self.named
    }

    /// Writes the entries that were missing or could not be read.
    pub(super) async fn mend<S: KvStore>(&mut self, repair: &mut Repair<'_, S>) -> Result<(), StorageError> {
        for position in std::mem::take(&mut self.bad) {
            let named = self.renewed.remove(&position).unwrap_or_default();
            self.write(repair, Position(position), &named);
            repair.apply(super::WRITES).await?;
        }
        Ok(())
    }

    /// Writes a new entry at the end, if there is something to name, and head and counts, if anything was wrong.
    pub(super) async fn finish<S: KvStore>(
        &mut self,
        repair: &mut Repair<'_, S>,
        rest: &Rest,
    ) -> Result<(), StorageError> {
        let added = std::mem::take(&mut self.added);
        if !added.is_empty() {
            let position = self.next();
            if added.iter().any(|named| is_reserved(named.model)) {
                self.head.catalog = position;
            }
            self.write(repair, position, &added);
            self.head.position = position;
        }
        if let Some(saved) = self.saved.filter(|saved| saved.catalog > self.head.position) {
            let message = format!("it named {} as a change of the catalog", saved.catalog.0);
            repair.tell("head of the log", message);
            self.head.catalog = self.head.position;
        }
        if repair.told.is_empty() {
            return Ok(());
        }
        for (model, count) in &rest.counts {
            repair.put(layout::count(*model), count.encode());
        }
        self.head.version = self.version.saturating_add(1);
        // Whoever wrote last may have used numbers that are lost.
        self.head.clean = false;
        repair.put(layout::head(), self.head.encode());
        Ok(())
    }

    fn write<S: KvStore>(&mut self, repair: &mut Repair<'_, S>, position: Position, named: &[Named]) {
        let mut changes: Vec<LogChange> = Vec::new();
        let mut transactions = BTreeSet::new();
        for Named { model, entity, id, transaction } in named {
            transactions.extend(*transaction);
            match changes.iter_mut().find(|change| change.entity == *entity) {
                Some(change) => change.operations.push(*id),
                None => changes.push(LogChange { model: *model, entity: *entity, operations: vec![*id] }),
            }
        }
        let transaction = transactions.first().copied().filter(|_| transactions.len() == 1);
        let clock = named.iter().map(|named| named.id.stamp()).max().unwrap_or(Stamp::default());
        let tail = LogTail { version: self.version, clock, counts: Vec::new() };
        let entry = LogEntry { position, transaction, changes, relayed: Vec::new() };
        repair.put(layout::log(position), record::encode_log(&entry, &tail));
    }
}

/// The last position that an operation says, where that can be: there are not many more commits than operations.
async fn last_told<S: KvStore>(kv: &S, expected: u64) -> Result<u64, StorageError> {
    let (mut positions, mut count) = (BTreeSet::new(), 0u64);
    each!(kv, KvRange::prefix(&[layout::OPERATION]), |key, value| {
        let (Some(entity), Some(id)) = (layout::id_at(key, 1), layout::id_at(key, 17)) else { continue };
        let Ok((at, _)) = record::decode_operation(EntityId(entity), id, value) else { continue };
        count = count.saturating_add(1);
        positions.insert(at.0);
        // The greatest ones are enough to leave out some that are damaged.
        while positions.len() > 1024 {
            positions.pop_first();
        }
    });
    let most = expected.saturating_add(count.saturating_mul(64)).saturating_add(1024);
    let likely = positions.into_iter().rev().find(|at| *at <= most.min(expected.saturating_add(MAX_GAP)));
    Ok(likely.unwrap_or_default())
}

/// Whether the entry at a position names an operation.
pub(super) async fn names<S: KvStore>(
    kv: &S,
    at: Position,
    entity: EntityId,
    id: OpId,
) -> Result<bool, StorageError> {
    let Some(bytes) = kv.get(&layout::log(at)).await? else { return Ok(false) };
    let Ok(entry) = record::decode_log(at, &bytes) else { return Ok(false) };
    let mut changes = entry.changes.iter().filter(|change| change.entity == entity);
    Ok(changes.any(|change| change.operations.contains(&id)))
}

fn named(operation: &Operation) -> Named {
    Named {
        model: operation.model(),
        entity: operation.entity(),
        id: operation.id(),
        transaction: operation.origin().map(|origin| origin.transaction),
    }
}

/// Entries that are missing one after the other at most; what is beyond that belongs to no log of this store.
const MAX_GAP: u64 = 1 << 24;
