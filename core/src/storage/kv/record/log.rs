//! The change log: its entries and its head.

use super::{FORMAT, FORMAT_2, MAX_ITEMS, decode, decode_up_to, encode, position};
use crate::codec::{DecodeError, Reader, Writer};
use crate::id::{ModelId, Stamp};
use crate::storage::{LogChange, LogEntry, Position, StorageError};

/// How far the store is. The record of it is written now and then; the entries of the log after its position tell
/// the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogHead {
    /// The number of the engine's last write, commits and index changes alike.
    pub(crate) version: u64,
    /// The last commit.
    pub(crate) position: Position,
    /// The last commit that changed the catalog.
    pub(crate) catalog: Position,
    /// The greatest stamp made or taken in.
    pub(crate) clock: Stamp,
    /// Whether the store was closed after the last write.
    pub(crate) clean: bool,
}

impl LogHead {
    pub(crate) fn encode(&self) -> Vec<u8> {
        encode(40, |writer| {
            writer.varint(self.version);
            writer.varint(self.position.0);
            writer.varint(self.catalog.0);
            writer.u64(self.clock.bits());
            writer.bool(self.clean);
        })
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, StorageError> {
        decode(
            bytes,
            || "head of the log".to_owned(),
            |reader| {
                Ok(LogHead {
                    version: reader.varint("version")?,
                    position: position(reader)?,
                    catalog: position(reader)?,
                    clock: Stamp::from_bits(reader.u64("clock")?),
                    clean: reader.bool("shutdown mark")?,
                })
            },
        )
    }
}

/// What an entry of the log says of the store besides its change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogTail {
    /// The number of the write.
    pub(crate) version: u64,
    /// The greatest stamp made or taken in.
    pub(crate) clock: Stamp,
    /// Models whose counts it changed, with the live and the deleted entities after it.
    pub(crate) counts: Vec<(ModelId, u64, u64)>,
}

/// Format 2 names relayed operations too.
pub(crate) fn encode_log(entry: &LogEntry, tail: &LogTail) -> Vec<u8> {
    let mut writer = Writer::with_capacity(96 + 52 * entry.changes.len());
    writer.u8(if entry.relayed.is_empty() { FORMAT } else { FORMAT_2 });
    writer.varint(tail.version);
    writer.u64(tail.clock.bits());
    writer.count(tail.counts.len());
    for (model, live, deleted) in &tail.counts {
        writer.model_id(*model);
        writer.varint(*live);
        writer.varint(*deleted);
    }
    writer.bool(entry.transaction.is_some());
    if let Some(transaction) = entry.transaction {
        writer.transaction_id(transaction);
    }
    writer.count(entry.changes.len());
    for change in &entry.changes {
        writer.model_id(change.model);
        writer.entity_id(change.entity);
        writer.count(change.operations.len());
        change.operations.iter().for_each(|id| writer.op_id(*id));
    }
    if !entry.relayed.is_empty() {
        writer.count(entry.relayed.len());
        for (entity, id) in &entry.relayed {
            writer.entity_id(*entity);
            writer.op_id(*id);
        }
    }
    writer.into_bytes()
}

fn read_tail(reader: &mut Reader<'_>) -> Result<LogTail, DecodeError> {
    let (version, clock) = (reader.varint("version")?, Stamp::from_bits(reader.u64("clock")?));
    let count = reader.count("counts", MAX_ITEMS, 18)?;
    let counts = (0..count).map(|_| {
        let model = reader.model_id("model")?;
        Ok((model, reader.varint("entities")?, reader.varint("deleted entities")?))
    });
    Ok(LogTail { version, clock, counts: counts.collect::<Result<_, DecodeError>>()? })
}

pub(crate) fn decode_log(at: Position, bytes: &[u8]) -> Result<LogEntry, StorageError> {
    decode_log_tail(at, bytes).map(|(entry, _)| entry)
}

pub(crate) fn decode_log_tail(at: Position, bytes: &[u8]) -> Result<(LogEntry, LogTail), StorageError> {
    decode_up_to(
        FORMAT_2,
        bytes,
        || format!("log entry {}", at.0),
        |format, reader| {
            let tail = read_tail(reader)?;
            let transaction = match reader.bool("transaction mark")? {
                true => Some(reader.transaction_id("transaction")?),
                false => None,
            };
            let count = reader.count("changes", MAX_ITEMS, 33)?;
            let mut changes = Vec::with_capacity(count);
            for _ in 0..count {
                let (model, entity) = (reader.model_id("model")?, reader.entity_id("entity")?);
                let count = reader.count("operations", MAX_ITEMS, 16)?;
                let operations = (0..count).map(|_| reader.op_id("operation")).collect::<Result<_, _>>()?;
                changes.push(LogChange { model, entity, operations });
            }
            let count = match format {
                FORMAT => 0,
                _ => reader.count("relayed operations", MAX_ITEMS, 32)?,
            };
            let relayed = (0..count).map(|_| Ok((reader.entity_id("entity")?, reader.op_id("operation")?)));
            let relayed = relayed.collect::<Result<_, DecodeError>>()?;
            Ok((LogEntry { position: at, transaction, changes, relayed }, tail))
        },
    )
}
