//! A whole store as a dump, at one position of the log, while others go on writing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::compact::Container;
use super::connection::Answer;
use super::failure::Outcome;
use super::protocol::Event;
use super::{Inner, Node};
use crate::dump::{DumpedAside, Encoder, Header, MAX_UNIT};
use crate::env::BoxStream;
use crate::id::{EntityId, OpId};
use crate::query::{Sink, generate};
use crate::storage::{LogEntry, Position, ReadView, SetAside, StorageError};
use crate::value::Timestamp;

/// Bytes after which a piece of the dump is given: 64 KiB.
const PIECE: usize = 64 << 10;

/// How many entries are read at a time.
const PAGE: usize = 256;

/// The sets of operations outside the DAG.
pub(crate) const SETS: [SetAside; 3] = [SetAside::Refused, SetAside::Equivocal, SetAside::Parked];

impl Node {
    /// The whole store as it is at one position of the log, now, in the bytes that `docs/dump.md` describes. Others go
    /// on writing meanwhile; memory does not grow with the store. The dump ends after the first error.
    ///
    /// # Errors
    /// [`StorageError`] where the store fails, or an operation that the log names cannot be read.
    pub fn dump(&self) -> BoxStream<'static, Result<Vec<u8>, StorageError>> {
        let node = Arc::clone(&self.inner);
        generate(move |mut sink: Sink<Result<Vec<u8>, StorageError>>| async move {
            let mut writing = Writing { node: &node, absent: BTreeMap::new(), based: BTreeSet::new() };
            if let Err(error) = Box::pin(writing.everything(&mut Out::Stream(&mut sink))).await {
                sink.give(Err(error)).await;
            }
        })
    }
}

impl Inner {
    /// The same as an answer.
    pub(crate) async fn tell_dump(&self, answer: &mut Answer) -> Outcome<()> {
        let mut writing = Writing { node: self, absent: BTreeMap::new(), based: BTreeSet::new() };
        Ok(Box::pin(writing.everything(&mut Out::Answer(answer))).await?)
    }
}

/// Where a dump goes.
enum Out<'a> {
    Stream(&'a mut Sink<Result<Vec<u8>, StorageError>>),
    Answer(&'a mut Answer),
}

impl Out<'_> {
    async fn give(&mut self, bytes: Vec<u8>) {
        match self {
            Out::Stream(sink) => sink.give(Ok(bytes)).await,
            Out::Answer(answer) => answer.give(Event::Dump(bytes)).await,
        }
    }
}

struct Writing<'a> {
    node: &'a Inner,
    /// Operations that the log names but that there are not, by how often it names them.
    absent: BTreeMap<OpId, (EntityId, u64)>,
    /// Entities of which the base was given in the place of what was folded into it.
    based: BTreeSet<EntityId>,
}

impl Writing<'_> {
    async fn everything(&mut self, out: &mut Out<'_>) -> Result<(), StorageError> {
        let engine = &self.node.engine;
        let mut view = engine.view().await?;
        let end = view.position();
        let info = engine.info();
        let mut encoder = Encoder::new(&Header {
            store: info.store,
            epoch: info.epoch,
            position: end,
            made: Timestamp(self.node.env.clock.unix_micros()),
            engine: info.engine,
            program: env!("CARGO_PKG_VERSION").to_owned(),
        });
        for set in SETS {
            let mut after = OpId::MIN;
            loop {
                let page = view.set_aside(set, after, PAGE).await?;
                let Some(last) = page.last() else { break };
                after = last.id;
                for aside in page {
                    let (id, entity, bytes) = (aside.id, aside.entity, aside.bytes.to_vec());
                    encoder.aside(&DumpedAside { set, id, entity, reason: aside.reason, bytes });
                    give(&mut encoder, PIECE, out).await;
                }
            }
        }
        let mut after = Position(0);
        while after < end {
            let entries = match view.log(after, PAGE).await {
                // The log up to here stays as it is, so a later view shows the same of it.
                Err(StorageError::Expired) => {
                    view = engine.view().await?;
                    view.log(after, PAGE).await?
                }
                entries => entries?,
            };
            for entry in entries {
                after = entry.position;
                if after > end {
                    break;
                }
                self.commit(&entry, &mut view, &mut encoder, out).await?;
            }
        }
        self.nothing_is_lost()?;
        encoder.end();
        give(&mut encoder, 0, out).await;
        Ok(())
    }

    /// The operations that a commit accepted and that are still there.
    async fn commit(
        &mut self,
        entry: &LogEntry,
        view: &mut Arc<dyn ReadView>,
        encoder: &mut Encoder,
        out: &mut Out<'_>,
    ) -> Result<(), StorageError> {
        let mut operations = Vec::new();
        let mut bytes = 0usize;
        for change in &entry.changes {
            for id in &change.operations {
                let Some(operation) = self.find(change.entity, *id, entry.position, view).await? else {
                    continue;
                };
                bytes = bytes.saturating_add(operation.len());
                operations.push(operation);
                if bytes >= MAX_UNIT {
                    encoder.commit(entry.position, &operations);
                    give(encoder, PIECE, out).await;
                    operations.clear();
                    bytes = 0;
                }
            }
        }
        if !operations.is_empty() {
            encoder.commit(entry.position, &operations);
            give(encoder, PIECE, out).await;
        }
        Ok(())
    }

    /// An operation, where this is the commit that accepted it.
    async fn find(
        &mut self,
        entity: EntityId,
        id: OpId,
        at: Position,
        view: &mut Arc<dyn ReadView>,
    ) -> Result<Option<Vec<u8>>, StorageError> {
        let found = match view.operation(entity, id).await {
            Err(StorageError::Expired) => {
                *view = self.node.engine.view().await?;
                view.operation(entity, id).await?
            }
            found => found?,
        };
        Ok(match found {
            Some((accepted, operation)) if accepted == at => Some(operation.encode()),
            // Withdrawn here, and accepted again later.
            Some(_) => None,
            None if view.base(entity).await?.is_some_and(|base| id <= base.last()) => {
                match self.based.insert(entity) {
                    true => Container::of(view.as_ref(), entity).await?.map(|base| base.encode()),
                    false => None,
                }
            }
            None => {
                let (_, times) = self.absent.entry(id).or_insert((entity, 0));
                *times = times.saturating_add(1);
                None
            }
        })
    }

    /// An operation that was accepted and withdrawn is named twice by the log; one that is named once more should be
    /// there.
    fn nothing_is_lost(&self) -> Result<(), StorageError> {
        match self.absent.iter().find(|(_, (_, times))| times % 2 == 1) {
            None => Ok(()),
            Some((id, (entity, _))) => Err(StorageError::Damaged {
                what: format!("operation {id}"),
                message: format!("the log names it, but entity {entity} does not have it"),
            }),
        }
    }
}

/// Gives what was written, if it is at least so many bytes.
async fn give(encoder: &mut Encoder, least: usize, out: &mut Out<'_>) {
    if encoder.len() >= least.max(1) {
        out.give(encoder.take()).await;
    }
}
