//! The byte format of states.
//!
//! Registers come first and ascend by property, so that a scan reads some of them and stops. Winners stand in
//! a table, as most registers share one.

use std::collections::BTreeMap;

use crate::codec::{DecodeError, Problem, Reader, Writer};
use crate::dag::{Base, Head};
use crate::id::{OpId, PropertyId};
use crate::property::Lww;
use crate::storage::Position;
use crate::value::codec as values;

use super::{State, StateReader, TextVersion};

/// The version byte of encoded states.
pub const STATE_VERSION: u8 = 1;

/// Flag: the entity is deleted.
pub(super) const DELETED: u8 = 1;
/// Flag: there is a base.
pub(super) const HAS_BASE: u8 = 2;

/// The most registers, and the most texts, of a state.
pub(super) const MAX_PROPERTIES: usize = 1 << 20;

impl State {
    /// The encoding, as `docs/format.md` describes it.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(128 + 48 * self.registers.len());
        writer.u8(STATE_VERSION);
        writer
            .u8(if self.is_deleted() { DELETED } else { 0 } | if self.base.is_some() { HAS_BASE } else { 0 });
        writer.entity_id(self.entity);
        writer.model_id(self.model);
        writer.varint(self.position.0);

        let mut winners: Vec<OpId> = self.registers.values().map(|register| register.winner).collect();
        winners.sort_unstable();
        winners.dedup();
        writer.count(self.registers.len());
        for (property, register) in &self.registers {
            writer.property_id(*property);
            // Every winner is in the table.
            writer.count(winners.binary_search(&register.winner).unwrap_or(0));
            values::encode(&register.value, &mut writer);
        }
        writer.count(self.texts.len());
        for (property, version) in &self.texts {
            writer.property_id(*property);
            writer.varint(version.folded);
            writer.varint(version.tail);
        }
        writer.count(winners.len());
        winners.iter().for_each(|winner| writer.op_id(*winner));
        self.head.encode(&mut writer);
        if let Some(base) = &self.base {
            base.encode(&mut writer);
        }
        writer.into_bytes()
    }

    /// Reads an encoded state.
    ///
    /// # Errors
    /// [`DecodeError`] where the bytes are not the encoding of a state.
    pub fn decode(bytes: &[u8]) -> Result<State, DecodeError> {
        let header = StateReader::new(bytes)?;
        let mut reader = header.registers();
        let count = reader.count("registers", MAX_PROPERTIES, 18)?;
        let mut raw = Vec::with_capacity(count);
        for _ in 0..count {
            let at = reader.offset();
            let property = reader.property_id("property")?;
            ascends(&reader, at, raw.last().map(|(last, _, _)| *last), property)?;
            let winner = reader.varint32("winner's number")?;
            raw.push((property, winner, values::decode(&mut reader)?));
        }
        let texts = decode_texts(&mut reader)?;
        let winners = decode_winners(&mut reader)?;
        let mut used = vec![false; winners.len()];
        let mut registers = BTreeMap::new();
        for (property, index, value) in raw {
            let at = usize::try_from(index).unwrap_or(usize::MAX);
            let (Some(winner), Some(used)) = (winners.get(at), used.get_mut(at)) else {
                return Err(reader.error("winner's number", Problem::Rule("not in the table of winners")));
            };
            *used = true;
            registers.insert(property, Lww { value, winner: *winner });
        }
        if used.contains(&false) {
            return Err(reader.error("winners", Problem::Rule("a winner of no register")));
        }
        let head = Head::decode(&mut reader)?;
        let base = if header.flags & HAS_BASE != 0 { Some(Base::decode(&mut reader)?) } else { None };
        let state = State {
            entity: header.entity(),
            model: header.model(),
            position: Position(header.position().0),
            head,
            base,
            registers,
            texts,
        };
        if state.is_deleted() != header.is_deleted() {
            return Err(reader.error_at(1, "flags", Problem::Rule("deleted contradicts its register")));
        }
        reader.finish()?;
        Ok(state)
    }
}

/// Checks that a property follows the one before it.
pub(super) fn ascends(
    reader: &Reader<'_>,
    at: usize,
    last: Option<PropertyId>,
    property: PropertyId,
) -> Result<(), DecodeError> {
    if last.is_some_and(|last| last >= property) {
        return Err(reader.error_at(at, "property", Problem::Rule("properties do not ascend")));
    }
    Ok(())
}

fn decode_texts(reader: &mut Reader<'_>) -> Result<BTreeMap<PropertyId, TextVersion>, DecodeError> {
    let count = reader.count("texts", MAX_PROPERTIES, 18)?;
    let mut texts = BTreeMap::new();
    let mut last = None;
    for _ in 0..count {
        let at = reader.offset();
        let property = reader.property_id("property")?;
        ascends(reader, at, last, property)?;
        last = Some(property);
        let version =
            TextVersion { folded: reader.varint("folded operations")?, tail: reader.varint("tail")? };
        texts.insert(property, version);
    }
    Ok(texts)
}

fn decode_winners(reader: &mut Reader<'_>) -> Result<Vec<OpId>, DecodeError> {
    let count = reader.count("winners", MAX_PROPERTIES, 16)?;
    let mut winners: Vec<OpId> = Vec::with_capacity(count);
    for _ in 0..count {
        let at = reader.offset();
        let winner = reader.op_id("winner")?;
        if winners.last().is_some_and(|last| *last >= winner) {
            return Err(reader.error_at(at, "winner", Problem::Rule("winners do not ascend")));
        }
        winners.push(winner);
    }
    Ok(winners)
}
