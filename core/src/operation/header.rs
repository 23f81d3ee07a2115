//! The rules and the bytes of a header.

use super::commitment::key_hash;
use super::encode::VERSION;
use super::{Header, Kind, Origin, limits};
use crate::codec::{DecodeError, Reader, Writer};
use crate::dag::Link;
use crate::id::Digest;
use crate::value::codec;

pub(super) const GENESIS: u8 = 1;
pub(crate) const EDIT: u8 = 2;
pub(super) const KEYED_GENESIS: u8 = 3;

/// The key is there in full. Form 2 is reserved for its hash alone.
pub(super) const KEY_IN_FULL: u8 = 1;

impl Origin {
    fn encode(&self, writer: &mut Writer) {
        writer.actor(self.actor);
        writer.varint(self.sequence);
        writer.author(&self.author);
        writer.transaction_id(self.transaction);
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Origin {
            actor: reader.actor("actor")?,
            sequence: reader.varint("sequence")?,
            author: reader.author("author")?,
            transaction: reader.transaction_id("transaction")?,
        })
    }
}

impl Header {
    /// The first rule of the format that the header breaks, if any. Whether the id fits the content is not
    /// asked here.
    pub(super) fn problem(&self) -> Option<&'static str> {
        let (genesis, keyed) = match &self.kind {
            Kind::Genesis { .. } => (true, false),
            Kind::KeyedGenesis { .. } => (true, true),
            Kind::Edit => (false, false),
        };
        if keyed != (self.id.stamp().millis() == 0) {
            return Some("a keyed genesis, and nothing else, has an id of millisecond zero");
        }
        if genesis && self.entity.0 != self.id {
            return Some("the entity of a genesis is not its id");
        }
        if genesis != self.parents.is_empty() {
            return Some(if genesis { "a genesis has parents" } else { "an edit has no parents" });
        }
        match &self.origin {
            None if !keyed => return Some("the origin is missing"),
            Some(_) if keyed => return Some("a keyed genesis has an origin"),
            Some(origin) if origin.sequence == 0 => return Some("the sequence number is zero"),
            Some(origin) if origin.actor.get() == 0 => return Some("the actor is zero"),
            _ => {}
        }
        if let Kind::KeyedGenesis { key } = &self.kind {
            if key.is_empty() || key.len() > limits::KEY_PARTS {
                return Some("a key has 1 to 16 properties");
            }
            if key.iter().any(|(_, value)| matches!(value, crate::value::Value::Null)) {
                return Some("a key value is null");
            }
            let repeats = |(index, (property, _)): (usize, &(_, _))| {
                key.iter().take(index).any(|(earlier, _)| earlier == property)
            };
            if key.iter().enumerate().any(repeats) {
                return Some("a property is twice in the key");
            }
        }
        self.parents_problem()
    }

    fn parents_problem(&self) -> Option<&'static str> {
        if self.parents.len() > limits::PARENTS {
            return Some("there are more than 1024 parents");
        }
        let mut last: Option<&Link> = None;
        for parent in &self.parents {
            if let Some(problem) = parent.problem() {
                return Some(problem);
            }
            if last.is_some_and(|last| last.id >= parent.id) {
                return Some("parents are not ascending");
            }
            if parent.id >= self.id {
                return Some("the id does not exceed the id of a parent");
            }
            if parent.id < self.entity.0 || (parent.is_keyed() && parent.id != self.entity.0) {
                return Some("a parent is not of the entity");
            }
            let own = self.origin.as_ref().is_some_and(|origin| origin.actor == parent.actor);
            if own && self.origin.as_ref().is_some_and(|origin| origin.sequence <= parent.sequence) {
                return Some("the sequence number does not exceed that of the actor's own parent");
            }
            last = Some(parent);
        }
        None
    }

    /// Writes the header as it is stored and sent.
    pub(super) fn encode(&self, writer: &mut Writer) {
        writer.u8(VERSION);
        writer.op_id(self.id);
        writer.entity_id(self.entity);
        self.encode_kind(writer);
        if let Kind::KeyedGenesis { key } = &self.kind {
            writer.u8(KEY_IN_FULL);
            writer.count(key.len());
            for (property, value) in key {
                writer.property_id(*property);
                codec::encode(value, writer);
            }
        }
        self.encode_origin(writer);
    }

    /// Writes what the digest covers: the same but for the digest bits of the id, and with the key's hash in
    /// place of the key, which is computed where it is not given.
    pub(super) fn encode_for_digest(&self, hash: Option<Digest>, writer: &mut Writer) {
        writer.u8(VERSION);
        writer.u64(self.id.stamp().bits());
        writer.entity_id(self.entity);
        self.encode_kind(writer);
        if let Kind::KeyedGenesis { key } = &self.kind {
            writer.digest(&hash.unwrap_or_else(|| key_hash(self.model, key)));
        }
        self.encode_origin(writer);
    }

    fn encode_kind(&self, writer: &mut Writer) {
        writer.u8(match self.kind {
            Kind::Genesis { .. } => GENESIS,
            Kind::Edit => EDIT,
            Kind::KeyedGenesis { .. } => KEYED_GENESIS,
        });
        writer.model_id(self.model);
        if let Kind::Genesis { nonce } = &self.kind {
            writer.raw(nonce);
        }
    }

    fn encode_origin(&self, writer: &mut Writer) {
        if let Some(origin) = &self.origin {
            origin.encode(writer);
        }
        if matches!(self.kind, Kind::Edit) {
            writer.count(self.parents.len());
            for parent in &self.parents {
                parent.encode(writer);
            }
        }
    }
}
