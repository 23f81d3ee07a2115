//! One side of a link.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::intervals::Intervals;
use super::message::Have;
use super::{Cursor, Message, MessageError};
use crate::id::{EntityId, OpId, StoreId};
use crate::node::compact::Container;
use crate::node::ingest::{IngestError, Role};
use crate::node::{Inner, Node};
use crate::operation::{Decoded, Operation};
use crate::storage::{Aside, Batch, CommitError, Position, ReadView, SetAside, StorageError};

/// Bounds of a link.
#[derive(Clone, Debug)]
pub struct PeerOptions {
    /// On whose behalf the other side sends.
    pub role: Role,
    /// Operations after which a message takes no further commit.
    pub operations: usize,
    /// Bytes of operations after which a message takes no further commit.
    pub bytes: usize,
    /// Messages that may be on their way without an acknowledgement.
    pub window: usize,
    /// After so many milliseconds without progress everything that is not acknowledged is sent again.
    pub resend_millis: u64,
}

impl Default for PeerOptions {
    fn default() -> Self {
        PeerOptions {
            role: Role::Replica,
            operations: 1_000,
            bytes: 1 << 20,
            window: 8,
            resend_millis: 5_000,
        }
    }
}

/// Why a link cannot go on. Close it; a new one begins where this one was.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PeerError {
    /// The other side sent something that is no message.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The other side sent an operation that breaks the format.
    #[error("the other side sent an invalid operation: {0}")]
    Operation(String),
    /// What came could not be taken in.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The other side is this very store.
    #[error("the other side is the same store")]
    Myself,
}

/// The other side, as its `Hello` says.
#[derive(Debug)]
struct Other {
    store: StoreId,
    epoch: u64,
    received: Intervals,
    /// What is stored of `received`.
    recorded: Cursor,
}

/// A piece of the log that was sent and not yet acknowledged.
#[derive(Clone, Copy, Debug)]
struct Sent {
    to: Cursor,
}

/// One side of a link: messages in, messages out. [`Peer::poll`] is to be called when the node's log has grown
/// and every second or so.
pub struct Peer {
    node: Arc<Inner>,
    options: PeerOptions,
    other: Option<Other>,
    /// The other side has everything of this node's log before this place.
    acknowledged: Cursor,
    /// Where the next piece begins.
    next: Cursor,
    /// From `next` to here there is nothing that the other side lacks.
    scanned: Cursor,
    /// The greatest place that was ever sent.
    greatest: Cursor,
    sent: Vec<Sent>,
    /// When there was progress last, in the clock's monotonic nanoseconds.
    progress: u64,
    /// When operations were requested last.
    requested: u64,
    /// What came from the other side and need not be sent back. Bounded; beyond it things are sent back.
    theirs: BTreeSet<OpId>,
    /// The bases that were sent, by their last operations. Bounded, like `theirs`.
    bases: BTreeMap<EntityId, OpId>,
}

/// How many operations of the other side are remembered so as not to send them back.
const THEIRS: usize = 100_000;

/// Bytes of operations after which a commit is split: 6 MiB, so that with one more operation of the greatest
/// size the message stays within its limit.
const MAX_PIECE: usize = 6 << 20;

/// How many operations are requested, and supplied, at a time.
const REQUESTED: usize = 256;

impl Node {
    /// A new link. Send what [`Peer::start`] gives to the other side.
    pub fn peer(&self, options: PeerOptions) -> Peer {
        Peer {
            progress: self.inner.env.clock.monotonic_nanos(),
            node: Arc::clone(&self.inner),
            options,
            other: None,
            acknowledged: Cursor::START,
            next: Cursor::START,
            scanned: Cursor::START,
            greatest: Cursor::START,
            sent: Vec::new(),
            requested: 0,
            theirs: BTreeSet::new(),
            bases: BTreeMap::new(),
        }
    }
}

impl Peer {
    /// The first messages.
    ///
    /// # Errors
    /// [`PeerError`].
    pub async fn start(&mut self) -> Result<Vec<Vec<u8>>, PeerError> {
        let hello = self.hello(true);
        Ok(vec![hello.encode()?])
    }

    /// Everything that the other side is known to have durably of this node's log.
    pub fn acknowledged(&self) -> Cursor {
        self.acknowledged
    }

    /// Takes a message and gives the messages that follow from it.
    ///
    /// # Errors
    /// [`PeerError`]; the link is to be closed then.
    pub async fn receive(&mut self, message: &[u8]) -> Result<Vec<Vec<u8>>, PeerError> {
        let mut answers = Vec::new();
        match Message::decode(message)? {
            Message::Hello { store, epoch, have, answer } => {
                self.meet(store, epoch, have).await?;
                if answer {
                    answers.push(self.hello(false).encode()?);
                }
                answers.extend(self.send().await?);
            }
            Message::Operations { from, to, operations } => {
                // Before the other side has said who it is, nothing can be acknowledged; it sends again.
                if self.other.is_some() {
                    self.take(&operations).await?;
                    answers.extend(self.acknowledge(from, to).await?);
                }
            }
            Message::Ack { upto } => {
                if upto <= self.greatest {
                    self.has(upto);
                    self.progress = self.now();
                }
                answers.extend(self.send().await?);
            }
            Message::Request { operations } => answers.extend(self.supply(&operations).await?),
            Message::Supply { operations } => self.take(&operations).await?,
        }
        Ok(answers)
    }

    /// Gives what is to be sent now: new pieces of the log, pieces again that were not acknowledged in time,
    /// requests for what is missing.
    ///
    /// # Errors
    /// [`PeerError`].
    pub async fn poll(&mut self) -> Result<Vec<Vec<u8>>, PeerError> {
        let mut messages = Vec::new();
        let late = self.now().saturating_sub(self.progress) >= self.resend_nanos();
        if self.other.is_none() {
            if late {
                self.progress = self.now();
                messages.push(self.hello(true).encode()?);
            }
            return Ok(messages);
        }
        if late && !self.sent.is_empty() {
            self.sent.clear();
            self.bases.clear();
            self.next = self.acknowledged;
            self.scanned = self.acknowledged;
            self.progress = self.now();
        }
        messages.extend(self.send().await?);
        messages.extend(self.request().await?);
        Ok(messages)
    }

    fn now(&self) -> u64 {
        self.node.env.clock.monotonic_nanos()
    }

    fn resend_nanos(&self) -> u64 {
        self.options.resend_millis.saturating_mul(1_000_000)
    }

    fn hello(&self, answer: bool) -> Message {
        let info = self.node.engine.info();
        let have = self.other.as_ref().map(|other| Have {
            store: other.store,
            epoch: other.epoch,
            upto: other.received.upto(),
        });
        Message::Hello { store: info.store, epoch: info.epoch, have, answer }
    }

    /// Takes in who the other side is and what it has.
    async fn meet(&mut self, store: StoreId, epoch: u64, have: Option<Have>) -> Result<(), PeerError> {
        let info = self.node.engine.info();
        if store == info.store && epoch == info.epoch {
            return Err(PeerError::Myself);
        }
        if self.other.as_ref().is_none_or(|other| other.store != store || other.epoch != epoch) {
            let view = self.node.engine.view().await?;
            let upto = match view.record(&record_name(store)).await? {
                Some(bytes) => read_record(&bytes, epoch)?,
                None => Cursor::START,
            };
            if !self.node.options.read_only {
                // What was parked before the last shutdown may go on now.
                self.node.ingest(&[], self.options.role).await?;
            }
            if self.other.is_some() {
                // What another store, or an earlier life of this one, has says nothing of what this one has.
                self.acknowledged = Cursor::START;
                self.next = Cursor::START;
                self.scanned = Cursor::START;
                self.greatest = Cursor::START;
                self.sent.clear();
                self.theirs.clear();
                self.bases.clear();
            }
            self.other = Some(Other { store, epoch, received: Intervals::new(upto), recorded: upto });
        }
        if let Some(have) = have.filter(|have| have.store == info.store && have.epoch == info.epoch) {
            let latest = self.node.engine.view().await?.position();
            if have.upto.position <= latest.0.saturating_add(1) {
                self.has(have.upto);
            }
        }
        self.progress = self.now();
        Ok(())
    }

    /// The other side has everything before a place. It may say less than it did, where an older message comes
    /// late: it has more, then, than it says.
    fn has(&mut self, upto: Cursor) {
        self.acknowledged = self.acknowledged.max(upto);
        self.next = self.next.max(self.acknowledged);
        self.scanned = self.scanned.max(self.next);
        self.greatest = self.greatest.max(self.acknowledged);
        self.sent.retain(|sent| sent.to > upto);
    }

    /// Takes operations in.
    async fn take(&mut self, operations: &[Vec<u8>]) -> Result<(), PeerError> {
        let done = self.node.ingest(operations, self.options.role).await?;
        if let Some(invalid) = done.invalid.first() {
            let name = invalid.id.map_or_else(String::new, |id| format!("{id}: "));
            return Err(PeerError::Operation(format!("{name}{}", invalid.reason)));
        }
        // Among the accepted there may be parked ones that another link had brought: the other side lacks those.
        let sent: BTreeSet<OpId> = operations.iter().filter_map(|bytes| name_of(bytes)).collect();
        let room = THEIRS.saturating_sub(self.theirs.len());
        let kept = done.accepted.iter().chain(&done.parked).filter(|id| sent.contains(id));
        self.theirs.extend(kept.take(room));
        Ok(())
    }

    /// Notes that a piece of the other side's log is here, and says so.
    async fn acknowledge(&mut self, from: Cursor, to: Cursor) -> Result<Vec<Vec<u8>>, PeerError> {
        let Some(other) = &mut self.other else { return Ok(Vec::new()) };
        other.received.add(from, to);
        let upto = other.received.upto();
        if upto > other.recorded {
            // What is acknowledged is on disk, whatever the durability of commits.
            self.node.engine.flush().await?;
            if !self.node.options.read_only {
                let record = (record_name(other.store), Some(write_record(other.epoch, upto)));
                let batch = Batch { catalog: Position(u64::MAX), records: vec![record], ..Batch::default() };
                let durability = crate::storage::Durability::Buffered;
                match self.node.engine.commit(batch, durability).await {
                    Ok(_) | Err(CommitError::Conflict { .. } | CommitError::CatalogChanged) => {}
                    Err(CommitError::Storage(error)) => return Err(error.into()),
                }
            }
            other.recorded = upto;
        }
        Ok(vec![Message::Ack { upto }.encode()?])
    }

    /// The next pieces of the log, as many as the window has room for.
    async fn send(&mut self) -> Result<Vec<Vec<u8>>, PeerError> {
        let mut messages = Vec::new();
        if self.other.is_none() || self.sent.len() >= self.options.window {
            return Ok(messages);
        }
        // Only what is flushed leaves the node: a number that was lost in a crash would be used again.
        let flushed = self.node.engine.flush().await?;
        let view = self.node.engine.view().await?;
        while self.sent.len() < self.options.window && self.scanned.position <= flushed.0 {
            let piece = self.piece(view.as_ref(), self.scanned, flushed).await?;
            self.scanned = piece.to;
            if piece.operations.is_empty() {
                continue;
            }
            if self.sent.is_empty() {
                self.progress = self.now();
            }
            self.sent.push(Sent { to: piece.to });
            let message = Message::Operations { from: self.next, to: piece.to, operations: piece.operations };
            self.next = piece.to;
            self.greatest = self.greatest.max(piece.to);
            messages.push(message.encode()?);
        }
        Ok(messages)
    }

    /// A piece of the log from a cursor up to the bounds of a message.
    async fn piece(
        &mut self,
        view: &dyn ReadView,
        from: Cursor,
        flushed: Position,
    ) -> Result<Piece, PeerError> {
        const ENTRIES: usize = 64;
        let mut piece = Piece { to: from, operations: Vec::new() };
        let mut bytes = 0usize;
        loop {
            let after = Position(piece.to.position.saturating_sub(1));
            let entries = view.log(after, ENTRIES).await?;
            let Some(last) = entries.last().map(|entry| entry.position) else { break };
            for entry in entries {
                if entry.position > flushed {
                    return Ok(piece);
                }
                let skip = if entry.position.0 == piece.to.position { piece.to.index } else { 0 };
                let all = entry
                    .changes
                    .iter()
                    .flat_map(|change| change.operations.iter().map(move |id| (change.entity, *id)))
                    .chain(entry.relayed.iter().copied());
                let skip = usize::try_from(skip).unwrap_or(usize::MAX);
                let full = piece.operations.len() >= self.options.operations || bytes >= self.options.bytes;
                if full {
                    return Ok(piece);
                }
                for (number, (entity, id)) in (0u64..).zip(all).skip(skip) {
                    // A commit stays whole where a message can hold it.
                    if bytes >= MAX_PIECE {
                        piece.to = Cursor { position: entry.position.0, index: number };
                        return Ok(piece);
                    }
                    if self.theirs.remove(&id) {
                        continue;
                    }
                    // One that was withdrawn since is not sent.
                    let encoded = match encoded(view, entity, id).await? {
                        None => self.base(view, entity).await?,
                        encoded => encoded,
                    };
                    if let Some(encoded) = encoded {
                        bytes = bytes.saturating_add(encoded.len());
                        piece.operations.push(encoded);
                    }
                }
                piece.to = Cursor { position: entry.position.0.saturating_add(1), index: 0 };
            }
            if last >= flushed {
                break;
            }
        }
        piece.to = piece.to.max(Cursor { position: flushed.0.saturating_add(1), index: 0 });
        Ok(piece)
    }

    /// The base that stands for an operation that is not held any more, if it was not sent to the other side already.
    async fn base(&mut self, view: &dyn ReadView, entity: EntityId) -> Result<Option<Vec<u8>>, StorageError> {
        let Some(base) = view.base(entity).await? else { return Ok(None) };
        if self.bases.len() >= THEIRS {
            self.bases.clear();
        }
        if self.bases.insert(entity, base.last()) == Some(base.last()) {
            return Ok(None);
        }
        Ok(Container::of(view, entity).await?.map(|container| container.encode()))
    }

    /// Asks for parents that nothing on its way brings.
    async fn request(&mut self) -> Result<Vec<Vec<u8>>, PeerError> {
        let waiting = self.other.as_ref().is_none_or(|other| other.received.has_gap());
        if waiting || self.now().saturating_sub(self.requested) < self.resend_nanos() {
            return Ok(Vec::new());
        }
        self.requested = self.now();
        if self.missing().await.is_none() || self.node.options.read_only {
            return Ok(Vec::new());
        }
        // What this node has made itself, or the clock, may have helped meanwhile.
        self.node.ingest(&[], self.options.role).await?;
        let missing = self.missing().await.unwrap_or_default();
        if missing.is_empty() {
            return Ok(Vec::new());
        }
        Ok(vec![Message::Request { operations: missing }.encode()?])
    }

    /// The operations that parked ones wait for; `None` where nothing is parked.
    async fn missing(&self) -> Option<Vec<(EntityId, OpId)>> {
        let parked = self.node.parked.lock().await;
        let parked = parked.as_ref().filter(|parked| parked.len() > 0)?;
        Some(parked.missing(REQUESTED))
    }

    /// What was requested and is here.
    async fn supply(&self, wanted: &[(EntityId, OpId)]) -> Result<Vec<Vec<u8>>, PeerError> {
        self.node.engine.flush().await?;
        let view = self.node.engine.view().await?;
        let mut operations = Vec::new();
        let mut based = BTreeSet::new();
        let mut bytes = 0usize;
        for (entity, id) in wanted.iter().take(REQUESTED) {
            if bytes >= self.options.bytes {
                break;
            }
            let encoded = match encoded(view.as_ref(), *entity, *id).await? {
                None if !based.insert(*entity) => None,
                None => Container::of(view.as_ref(), *entity).await?.map(|container| container.encode()),
                encoded => encoded,
            };
            if let Some(encoded) = encoded {
                bytes = bytes.saturating_add(encoded.len());
                operations.push(encoded);
            }
        }
        if operations.is_empty() {
            return Ok(Vec::new());
        }
        Ok(vec![Message::Supply { operations }.encode()?])
    }
}

struct Piece {
    to: Cursor,
    operations: Vec<Vec<u8>>,
}

/// The id in an encoded operation of any version.
fn name_of(bytes: &[u8]) -> Option<OpId> {
    bytes.get(1..)?.first_chunk::<16>().map(|id| OpId::from_bytes(*id))
}

/// The bytes of an operation that is here: accepted, or kept as it came since its version is not known.
async fn encoded(view: &dyn ReadView, entity: EntityId, id: OpId) -> Result<Option<Vec<u8>>, StorageError> {
    if let Some((_, operation)) = view.operation(entity, id).await? {
        return Ok(Some(operation.encode()));
    }
    let after = OpId::from_bits(id.bits().saturating_sub(1));
    let parked = view.set_aside(SetAside::Parked, after, 1).await?;
    let unknown = |aside: &Aside| {
        aside.id == id && matches!(Operation::decode(&aside.bytes), Ok(Decoded::Unknown { .. }))
    };
    Ok(parked.into_iter().find(unknown).map(|aside| aside.bytes.to_vec()))
}

/// The record of what is here of another store's log.
fn record_name(store: StoreId) -> String {
    format!("peer/{store}")
}

/// Epoch, position and index, 8 bytes each, big-endian.
fn write_record(epoch: u64, upto: Cursor) -> Vec<u8> {
    [epoch, upto.position, upto.index].iter().flat_map(|number| number.to_be_bytes()).collect()
}

/// The place in the record, or the beginning where it is of another epoch.
fn read_record(bytes: &[u8], epoch: u64) -> Result<Cursor, StorageError> {
    let number = |place: usize| -> Option<u64> {
        let bytes = bytes.get(place..place.checked_add(8)?)?;
        Some(u64::from_be_bytes(bytes.try_into().ok()?))
    };
    match (number(0), number(8), number(16), bytes.len()) {
        (Some(of), Some(position), Some(index), 24) => {
            Ok(if of == epoch { Cursor { position, index } } else { Cursor::START })
        }
        _ => Err(StorageError::Damaged {
            what: "record of a peer".to_owned(),
            message: format!("expected 24 bytes, found {}", bytes.len()),
        }),
    }
}
