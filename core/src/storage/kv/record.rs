//! The bytes of records. Each begins with a byte that names its format; the rest is read within bounds.

mod log;

use std::sync::Arc;

pub(crate) use log::{LogHead, LogTail, decode_log, decode_log_tail, encode_log};

use super::layout;
use crate::codec::{DecodeError, Problem, Reader, Writer};
use crate::dag::{Link, RunStart, VersionVector};
use crate::entity::{BaseState, Columns, STATE_VERSION, State, StateReader, TextVersion};
use crate::id::{ActorId, EntityId, ModelId, OpId, PropertyId, StoreId};
use crate::operation::{Decoded, EDIT, Kind, Operation, VERSION, limits};
use crate::storage::{
    Accepted, ActorRecord, Aside, Index, IndexDefinition, IndexId, IndexPart, IndexState, Position,
    StorageError,
};
use crate::value::{Rows, TypeTag, ValueType};

/// The version of the store's format as a whole. Builds from before the first release wrote 1, in which a commit had
/// other records.
pub(crate) const STORE_FORMAT: u32 = 2;
/// The format byte of nearly every record that this version writes.
const FORMAT: u8 = 1;
/// The format byte of the records that have a second format.
const FORMAT_2: u8 = 2;

/// The greatest encoded operation that a set aside keeps, in bytes.
const MAX_ASIDE: usize = 17 << 20;
/// The longest text for people in a record, in bytes.
const MAX_MESSAGE: usize = 64 << 10;
/// The most items of a list in a record.
const MAX_ITEMS: usize = 1 << 24;
/// The most parts of an index.
pub(crate) const MAX_INDEX_PARTS: usize = 16;

/// Reads a record: its format byte, then `read`, which must use up the rest.
fn decode<'a, T>(
    bytes: &'a [u8],
    what: impl FnOnce() -> String,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, DecodeError>,
) -> Result<T, StorageError> {
    decode_up_to(FORMAT, bytes, what, |_, reader| read(reader))
}

/// Reads a record that has several formats: `read` is given which.
fn decode_up_to<'a, T>(
    newest: u8,
    bytes: &'a [u8],
    what: impl FnOnce() -> String,
    read: impl FnOnce(u8, &mut Reader<'a>) -> Result<T, DecodeError>,
) -> Result<T, StorageError> {
    let mut reader = Reader::new(bytes);
    let result = reader.u8("format").and_then(|format| match format {
        0 => Err(reader.error_at(0, "format", Problem::Tag(0))),
        known if known <= newest => {
            let value = read(known, &mut reader)?;
            reader.finish()?;
            Ok(Ok(value))
        }
        newer => Ok(Err(StorageError::Newer {
            what: "record format",
            found: u32::from(newer),
            known: u32::from(newest),
        })),
    });
    match result {
        Ok(result) => result,
        Err(error) => Err(StorageError::Damaged { what: what(), message: error.to_string() }),
    }
}

fn encode(capacity: usize, write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut writer = Writer::with_capacity(capacity.saturating_add(1));
    writer.u8(FORMAT);
    write(&mut writer);
    writer.into_bytes()
}

fn position(reader: &mut Reader<'_>) -> Result<Position, DecodeError> {
    reader.varint("position").map(Position)
}

/// What identifies a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) format: u32,
    pub(crate) store: StoreId,
    pub(crate) epoch: u64,
}

impl Identity {
    pub(crate) fn encode(&self) -> Vec<u8> {
        encode(32, |writer| {
            writer.varint(u64::from(self.format));
            writer.store_id(&self.store);
            writer.varint(self.epoch);
        })
    }

    /// Reads the identity. What follows the format version is read only where the version is known.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, StorageError> {
        let what = || "identity of the store".to_owned();
        let mut head = Reader::new(bytes);
        if let (Ok(FORMAT), Ok(found)) = (head.u8("format"), head.varint32("format of the store")) {
            if found > STORE_FORMAT {
                return Err(StorageError::Newer { what: "record format", found, known: STORE_FORMAT });
            }
            if found < STORE_FORMAT {
                return Err(StorageError::Older { found, known: STORE_FORMAT });
            }
        }
        decode(bytes, what, |reader| {
            let format = reader.varint32("format of the store")?;
            Ok(Identity { format, store: reader.store_id("store")?, epoch: reader.varint("epoch")? })
        })
    }
}

/// Counts of a model's entities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    /// Not deleted.
    pub(crate) live: u64,
    /// Deleted.
    pub(crate) deleted: u64,
    /// By what they are named.
    pub(crate) naming: Naming,
}

/// By what the entities of a model are named.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Naming {
    /// There was none yet.
    #[default]
    Unused,
    /// All by the values of these properties, in this order.
    Key(Arc<[PropertyId]>),
    /// By different keys, or without one.
    Various,
}

impl Naming {
    /// Takes in that an entity was created by this operation; gives whether that changes anything. Edits say
    /// nothing.
    pub(crate) fn admit(&mut self, operation: &Operation) -> bool {
        let next = match (&*self, &operation.header().kind) {
            (Naming::Various, _) | (_, Kind::Edit) => return false,
            (_, Kind::Genesis { .. }) => Naming::Various,
            (Naming::Unused, Kind::KeyedGenesis { key }) => {
                Naming::Key(key.iter().map(|(property, _)| *property).collect())
            }
            (Naming::Key(known), Kind::KeyedGenesis { key }) => {
                if known.iter().eq(key.iter().map(|(property, _)| property)) {
                    return false;
                }
                Naming::Various
            }
        };
        *self = next;
        true
    }

    /// Whether entities that are named as `found` says are also named as this says.
    pub(crate) fn covers(&self, found: &Naming) -> bool {
        matches!((self, found), (Naming::Various, _) | (_, Naming::Unused)) || self == found
    }

    /// Whether every entity has the id that follows from its values of these properties.
    pub(crate) fn is_by(&self, key: &[PropertyId]) -> bool {
        match self {
            Naming::Unused => true,
            Naming::Key(known) => **known == *key,
            Naming::Various => false,
        }
    }
}

const UNUSED: u8 = 0;
const BY_KEY: u8 = 1;

impl Count {
    /// Format 2 says by what the entities are named, format 1 that it is not known or that they differ.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(64);
        writer.u8(if self.naming == Naming::Various { FORMAT } else { FORMAT_2 });
        writer.varint(self.live);
        writer.varint(self.deleted);
        match &self.naming {
            Naming::Various => {}
            Naming::Unused => writer.u8(UNUSED),
            Naming::Key(key) => {
                writer.u8(BY_KEY);
                writer.count(key.len());
                key.iter().for_each(|property| writer.property_id(*property));
            }
        }
        writer.into_bytes()
    }

    pub(crate) fn decode(model: ModelId, bytes: &[u8]) -> Result<Self, StorageError> {
        decode_up_to(
            FORMAT_2,
            bytes,
            || format!("counts of model {model}"),
            |format, reader| {
                let (live, deleted) = (reader.varint("entities")?, reader.varint("deleted entities")?);
                let naming = match format {
                    FORMAT => Naming::Various,
                    _ => Self::decode_naming(reader)?,
                };
                Ok(Count { live, deleted, naming })
            },
        )
    }

    fn decode_naming(reader: &mut Reader<'_>) -> Result<Naming, DecodeError> {
        let at = reader.offset();
        match reader.u8("naming")? {
            UNUSED => Ok(Naming::Unused),
            BY_KEY => {
                let count = reader.count("properties of the key", limits::KEY_PARTS, 16)?;
                let key = (0..count).map(|_| reader.property_id("property of the key"));
                Ok(Naming::Key(key.collect::<Result<_, _>>()?))
            }
            other => Err(reader.error_at(at, "naming", Problem::Tag(u64::from(other)))),
        }
    }
}

/// The record of a state is the state's own encoding, whose version byte is the record's format.
pub(crate) fn encode_state(state: &State) -> Vec<u8> {
    state.encode()
}

/// Reads a state as `read` does, and checks that it is the one that its key says.
fn decode_state_as<T>(
    model: ModelId,
    entity: EntityId,
    bytes: &[u8],
    read: impl FnOnce(StateReader<'_>) -> Result<T, DecodeError>,
) -> Result<T, StorageError> {
    if let Some(newer) = bytes.first().filter(|version| **version > STATE_VERSION) {
        return Err(StorageError::Newer {
            what: "record format",
            found: u32::from(*newer),
            known: u32::from(STATE_VERSION),
        });
    }
    let damaged = |message| StorageError::Damaged { what: format!("state of entity {entity}"), message };
    let reader = StateReader::new(bytes).map_err(|error| damaged(error.to_string()))?;
    if reader.entity() != entity || reader.model() != model {
        return Err(damaged(format!("it holds entity {} of model {}", reader.entity(), reader.model())));
    }
    read(reader).map_err(|error| damaged(error.to_string()))
}

pub(crate) fn decode_state(model: ModelId, entity: EntityId, bytes: &[u8]) -> Result<State, StorageError> {
    decode_state_as(model, entity, bytes, |_| State::decode(bytes))
}

/// Adds a row of the asked values of a state to `rows`, which are to be settled, if `wants` its deletion mark, and tells whether it did.
/// Columns that are texts, whose values are stored elsewhere, are named to `text` by their places.
pub(crate) fn decode_columns(
    (model, entity): (ModelId, EntityId),
    columns: &Columns,
    wants: impl FnOnce(bool) -> bool,
    bytes: &[u8],
    rows: &mut Rows,
    text: impl FnMut(usize, TextVersion),
) -> Result<bool, StorageError> {
    decode_state_as(model, entity, bytes, |reader| {
        if !wants(reader.is_deleted()) {
            return Ok(false);
        }
        reader.unread_columns(columns, rows, text)?;
        Ok(true)
    })
}

/// The state of an entity has a string that is no text.
pub(crate) fn bad_text(entity: Option<EntityId>) -> StorageError {
    let what = entity.map_or("a state".to_owned(), |entity| format!("state of entity {entity}"));
    StorageError::Damaged { what, message: "a string of it is not UTF-8 without U+0000".to_owned() }
}

/// Format 2 names the operation that came with a keyed genesis.
pub(crate) fn encode_operation(at: Position, follower: Option<OpId>, operation: &Operation) -> Vec<u8> {
    let mut writer = Writer::with_capacity(512);
    writer.u8(if follower.is_none() { FORMAT } else { FORMAT_2 });
    writer.varint(at.0);
    if let Some(follower) = follower {
        writer.op_id(follower);
    }
    operation.encode_into(&mut writer);
    writer.into_bytes()
}

/// When an edit was accepted, and its model. Nothing else of it is read; `None` where it is none.
pub(crate) fn edit_of(entity: EntityId, id: OpId, bytes: &[u8]) -> Option<(Position, ModelId)> {
    let mut reader = Reader::new(bytes);
    let single = reader.u8("format").ok()? == FORMAT;
    let at = position(&mut reader).ok()?;
    let is_it = single
        && reader.u8("version").ok()? == VERSION
        && reader.op_id("id").ok()? == id
        && reader.entity_id("entity").ok()? == entity;
    let is_edit = is_it && reader.u8("kind").ok()? == EDIT;
    is_edit.then(|| reader.model_id("model").ok()).flatten().map(|model| (at, model))
}

pub(crate) fn decode_operation(entity: EntityId, id: OpId, bytes: &[u8]) -> Result<Accepted, StorageError> {
    decode_first_operation(entity, id, bytes).map(|(_, accepted)| accepted)
}

/// When an operation was accepted, without reading the operation itself; `None` where that cannot be read.
pub(crate) fn accepted_at(bytes: &[u8]) -> Option<Position> {
    let mut reader = Reader::new(bytes);
    let format = reader.u8("format").ok().filter(|format| (FORMAT..=FORMAT_2).contains(format));
    format.and_then(|_| position(&mut reader).ok())
}

/// An operation, and the one that came with it where it is a keyed genesis.
pub(crate) fn decode_first_operation(
    entity: EntityId,
    id: OpId,
    bytes: &[u8],
) -> Result<(Option<OpId>, Accepted), StorageError> {
    let what = || format!("operation {id} of entity {entity}");
    let (at, follower, encoded) = decode_up_to(FORMAT_2, bytes, what, |format, reader| {
        let at = position(reader)?;
        let follower = match format {
            FORMAT => None,
            _ => Some(reader.op_id("operation that came with it")?),
        };
        let rest = reader.rest();
        Ok((at, follower, reader.raw("operation", rest.len())?))
    })?;
    let damaged = |message: String| StorageError::Damaged { what: what(), message };
    let operation = match Operation::decode(encoded).map_err(|error| damaged(error.to_string()))? {
        Decoded::Known(operation) => operation,
        Decoded::Unknown { version, .. } => {
            return Err(damaged(format!("it has version {version}, which is not known")));
        }
    };
    if operation.id() != id || operation.entity() != entity {
        let message = format!("it holds operation {} of entity {}", operation.id(), operation.entity());
        return Err(damaged(message));
    }
    Ok((follower, (at, Arc::new(operation))))
}

pub(crate) fn encode_run(run: &RunStart) -> Vec<u8> {
    encode(96, |writer| {
        run.first.encode(writer);
        run.vector.encode(writer);
    })
}

pub(crate) fn decode_run(entity: EntityId, bytes: &[u8]) -> Result<RunStart, StorageError> {
    decode(
        bytes,
        || format!("run of entity {entity}"),
        |reader| {
            Ok(RunStart { entity, first: Link::decode(reader)?, vector: VersionVector::decode(reader)? })
        },
    )
}

/// The positions are those of the store.
pub(crate) fn encode_base(state: &BaseState) -> Vec<u8> {
    encode(512, |writer| {
        writer.varint(state.positions.0.0);
        writer.varint(state.positions.1.0);
        state.encode(writer);
    })
}

pub(crate) fn decode_base(entity: EntityId, bytes: &[u8]) -> Result<BaseState, StorageError> {
    let what = || format!("base of entity {entity}");
    let state = decode(bytes, what, |reader| {
        let positions = (position(reader)?, position(reader)?);
        Ok(BaseState { positions, ..BaseState::decode(reader)? })
    })?;
    if state.entity != entity {
        let message = format!("it is that of entity {}", state.entity);
        return Err(StorageError::Damaged { what: what(), message });
    }
    Ok(state)
}

pub(crate) fn encode_text(snapshot: &[u8]) -> Vec<u8> {
    encode(snapshot.len(), |writer| writer.raw(snapshot))
}

pub(crate) fn decode_text(entity: EntityId, bytes: &[u8]) -> Result<Arc<[u8]>, StorageError> {
    decode(
        bytes,
        || format!("text of entity {entity}"),
        |reader| {
            let rest = reader.rest();
            reader.raw("text", rest.len()).map(Arc::from)
        },
    )
}

pub(crate) fn encode_tail(operation: OpId) -> Vec<u8> {
    encode(16, |writer| writer.op_id(operation))
}

pub(crate) fn decode_tail(entity: EntityId, bytes: &[u8]) -> Result<OpId, StorageError> {
    decode(bytes, || format!("text tail of entity {entity}"), |reader| reader.op_id("operation"))
}

pub(crate) fn encode_aside(aside: &Aside) -> Vec<u8> {
    encode(aside.bytes.len().saturating_add(128), |writer| {
        writer.entity_id(aside.entity);
        writer.bytes(&aside.bytes);
        writer.string(truncated(&aside.reason));
        writer.count(aside.missing.len());
        aside.missing.iter().for_each(|id| writer.op_id(*id));
    })
}

pub(crate) fn decode_aside(id: OpId, bytes: &[u8]) -> Result<Aside, StorageError> {
    decode(
        bytes,
        || format!("operation {id}, which was set aside"),
        |reader| {
            let entity = reader.entity_id("entity")?;
            let bytes = Arc::from(reader.bytes("operation", MAX_ASIDE)?);
            let reason = reader.string("reason", MAX_MESSAGE)?.to_owned();
            let count = reader.count("missing parents", MAX_ITEMS, 16)?;
            let missing = (0..count).map(|_| reader.op_id("missing parent")).collect::<Result<_, _>>()?;
            Ok(Aside { id, entity, bytes, reason, missing })
        },
    )
}

pub(crate) fn encode_actor(record: &ActorRecord) -> Vec<u8> {
    encode(12, |writer| {
        writer.varint(record.sequence);
        writer.bool(record.retired);
    })
}

pub(crate) fn decode_actor(key: &[u8], bytes: &[u8]) -> Result<ActorRecord, StorageError> {
    let number = key.get(1..).and_then(|number| <[u8; 8]>::try_from(number).ok()).map(u64::from_be_bytes);
    let Some(actor) = number.and_then(ActorId::exact) else {
        return Err(bad_key("an actor of the pool", key));
    };
    decode(
        bytes,
        || format!("actor {actor}"),
        |reader| {
            Ok(ActorRecord { actor, sequence: reader.varint("sequence")?, retired: reader.bool("retired")? })
        },
    )
}

pub(crate) fn encode_record(value: &[u8]) -> Vec<u8> {
    encode(value.len(), |writer| writer.raw(value))
}

pub(crate) fn decode_record(name: &str, bytes: &[u8]) -> Result<Vec<u8>, StorageError> {
    decode(
        bytes,
        || format!("record {name}"),
        |reader| {
            let rest = reader.rest();
            reader.raw("record", rest.len()).map(<[u8]>::to_vec)
        },
    )
}

const BUILDING: u8 = 0;
const READY: u8 = 1;
const READY_CUT: u8 = 2;
const FAILED: u8 = 3;

fn encode_type(value_type: ValueType, writer: &mut Writer) {
    writer.u8(value_type.tag() as u8);
    if let ValueType::Ref(model) = value_type {
        writer.model_id(model);
    }
}

fn decode_type(reader: &mut Reader<'_>) -> Result<ValueType, DecodeError> {
    let at = reader.offset();
    let tag = reader.u8("type")?;
    if tag == TypeTag::Ref as u8 {
        return reader.model_id("model of the reference").map(ValueType::Ref);
    }
    let plain = ValueType::PLAIN.into_iter().find(|plain| plain.tag() as u8 == tag);
    plain.ok_or_else(|| reader.error_at(at, "type", Problem::Tag(u64::from(tag))))
}

pub(crate) fn encode_index(index: &Index) -> Vec<u8> {
    encode(64, |writer| {
        writer.model_id(index.definition.model);
        writer.count(index.definition.parts.len());
        for part in &index.definition.parts {
            writer.property_id(part.property);
            encode_type(part.value_type, writer);
            writer.bool(part.descending);
        }
        match &index.state {
            IndexState::Building => writer.u8(BUILDING),
            IndexState::Ready { cut: false } => writer.u8(READY),
            IndexState::Ready { cut: true } => writer.u8(READY_CUT),
            IndexState::Failed { message } => {
                writer.u8(FAILED);
                writer.string(truncated(message));
            }
        }
    })
}

pub(crate) fn decode_index(key: &[u8], bytes: &[u8]) -> Result<Index, StorageError> {
    let number = key.get(1..).and_then(|number| <[u8; 4]>::try_from(number).ok()).map(u32::from_be_bytes);
    let Some(id) = number.map(IndexId) else { return Err(bad_key("an index", key)) };
    decode(
        bytes,
        || format!("index {}", id.0),
        |reader| {
            let model = reader.model_id("model")?;
            let count = reader.count("parts", MAX_INDEX_PARTS, 18)?;
            let mut parts = Vec::with_capacity(count);
            for _ in 0..count {
                parts.push(IndexPart {
                    property: reader.property_id("property")?,
                    value_type: decode_type(reader)?,
                    descending: reader.bool("descending")?,
                });
            }
            let at = reader.offset();
            let state = match reader.u8("state")? {
                BUILDING => IndexState::Building,
                READY => IndexState::Ready { cut: false },
                READY_CUT => IndexState::Ready { cut: true },
                FAILED => IndexState::Failed { message: reader.string("message", MAX_MESSAGE)?.to_owned() },
                other => return Err(reader.error_at(at, "state", Problem::Tag(u64::from(other)))),
            };
            Ok(Index { id, definition: IndexDefinition { model, parts }, state })
        },
    )
}

/// The beginning of a message that fits into a record.
pub(crate) fn truncated(message: &str) -> &str {
    let mut end = message.len().min(MAX_MESSAGE / 2);
    while !message.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    message.get(..end).unwrap_or_default()
}

/// A key that is not what the layout says.
pub(crate) fn bad_key(what: &str, key: &[u8]) -> StorageError {
    let hex: String = key.iter().take(64).map(|byte| format!("{byte:02x}")).collect();
    let known = if layout::is_known(key) { "" } else { " of an unknown kind" };
    StorageError::Damaged { what: what.to_owned(), message: format!("bad key {hex}{known}") }
}

#[cfg(test)]
mod tests;
