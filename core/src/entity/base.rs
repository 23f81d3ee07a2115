//! What the folded part of an entity's history made of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::codec::{MAX_PROPERTIES, ascends};
use super::{Register, State, TextVersion};
use crate::codec::{DecodeError, Problem, Reader, Writer};
use crate::dag::{Base, Link};
use crate::id::{EntityId, ModelId, OpId, PropertyId};
use crate::property::Lww;
use crate::property::text::Limits;
use crate::storage::Position;
use crate::value::codec as values;

/// A text at a base.
#[derive(Clone, Debug, PartialEq)]
pub struct BaseText {
    /// How many operations changed it.
    pub operations: u64,
    /// The document as one yrs update, encoding v1.
    pub snapshot: Arc<[u8]>,
}

/// What the operations below a frontier, which are no longer held, made of an entity.
#[derive(Clone, Debug, PartialEq)]
pub struct BaseState {
    /// The entity.
    pub entity: EntityId,
    /// Its model.
    pub model: ModelId,
    /// The frontier, and how far everything below it goes.
    pub base: Base,
    /// The first of the operations that has a time.
    pub born: OpId,
    /// The positions at which the first and the last of them were taken in here.
    pub positions: (Position, Position),
    /// The `lww` properties, key properties included.
    pub registers: BTreeMap<PropertyId, Register>,
    /// The text properties.
    pub texts: BTreeMap<PropertyId, BaseText>,
}

impl BaseState {
    /// Whether the base has an operation.
    pub fn covers(&self, link: &Link) -> bool {
        self.base.covers(link)
    }

    /// The greatest operation of the base, which all others of it precede in the order of ids.
    pub fn last(&self) -> OpId {
        self.base.frontier.greatest().unwrap_or(OpId::MIN)
    }

    /// The state of an entity of which nothing but the base is known.
    pub fn state(&self) -> State {
        let text = |text: &BaseText| TextVersion { folded: text.operations, tail: 0 };
        State {
            entity: self.entity,
            model: self.model,
            position: Position::default(),
            head: self.base.frontier.clone(),
            base: Some(self.base.clone()),
            registers: self.registers.clone(),
            texts: self.texts.iter().map(|(property, known)| (*property, text(known))).collect(),
        }
    }

    /// Writes it, as `docs/format.md` says. The positions are those of a store and not part of it.
    pub fn encode(&self, writer: &mut Writer) {
        writer.entity_id(self.entity);
        writer.model_id(self.model);
        self.base.encode(writer);
        writer.op_id(self.born);
        writer.count(self.registers.len());
        for (property, register) in &self.registers {
            writer.property_id(*property);
            writer.op_id(register.winner);
            values::encode(&register.value, writer);
        }
        writer.count(self.texts.len());
        for (property, text) in &self.texts {
            writer.property_id(*property);
            writer.varint(text.operations);
            writer.bytes(&text.snapshot);
        }
    }

    /// Reads it.
    ///
    /// # Errors
    /// [`DecodeError`] where the bytes are not one.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let (entity, model) = (reader.entity_id("entity")?, reader.model_id("model")?);
        let at = reader.offset();
        let base = Base::decode(reader)?;
        if base.frontier.is_empty() {
            return Err(reader.error_at(at, "frontier", Problem::Rule("it is empty")));
        }
        let born = reader.op_id("first operation")?;
        let count = reader.count("registers", MAX_PROPERTIES, 33)?;
        let mut registers: BTreeMap<PropertyId, Register> = BTreeMap::new();
        for _ in 0..count {
            let at = reader.offset();
            let property = reader.property_id("property")?;
            ascends(reader, at, registers.keys().next_back().copied(), property)?;
            let winner = reader.op_id("winner")?;
            registers.insert(property, Lww { value: values::decode(reader)?, winner });
        }
        let count = reader.count("texts", MAX_PROPERTIES, 18)?;
        let mut texts: BTreeMap<PropertyId, BaseText> = BTreeMap::new();
        for _ in 0..count {
            let at = reader.offset();
            let property = reader.property_id("property")?;
            ascends(reader, at, texts.keys().next_back().copied(), property)?;
            let operations = reader.varint("operations")?;
            let at = reader.offset();
            let snapshot = reader.bytes("snapshot", Limits::DOCUMENT.bytes)?;
            if operations == 0 {
                return Err(reader.error_at(at, "text", Problem::Rule("no operation changed it")));
            }
            texts.insert(property, BaseText { operations, snapshot: Arc::from(snapshot) });
        }
        let positions = (Position::default(), Position::default());
        Ok(BaseState { entity, model, base, born, positions, registers, texts })
    }
}
