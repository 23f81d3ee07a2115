//! Reading some properties out of an encoded state without building the rest.

use crate::codec::{DecodeError, Problem, Reader};
use crate::id::{EntityId, ModelId, PropertyId};
use crate::storage::Position;
use crate::value::codec::Unread;
use crate::value::{Rows, codec as values};

use super::TextVersion;
use super::codec::{DELETED, HAS_BASE, MAX_PROPERTIES, STATE_VERSION};

/// The properties that a scan asks for, prepared once for all its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// Ascending by property, with the place of each in a row.
    sorted: Vec<(PropertyId, usize)>,
}

impl Columns {
    /// The columns in the order that rows should have. A property may be asked for more than once.
    pub fn new(properties: &[PropertyId]) -> Self {
        let mut sorted: Vec<_> = properties.iter().copied().enumerate().map(|(at, id)| (id, at)).collect();
        sorted.sort_unstable();
        Columns { sorted }
    }

    /// Number of columns.
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }
}

/// An encoded state of which only the beginning was read.
#[derive(Clone, Debug)]
pub struct StateReader<'a> {
    rest: Reader<'a>,
    pub(super) flags: u8,
    entity: EntityId,
    model: ModelId,
    position: Position,
}

impl<'a> StateReader<'a> {
    /// Reads the beginning of an encoded state.
    ///
    /// # Errors
    /// [`DecodeError`] where the bytes do not begin like a state of a known version.
    pub fn new(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut rest = Reader::new(bytes);
        let version = rest.u8("state version")?;
        if version != STATE_VERSION {
            return Err(rest.error_at(0, "state version", Problem::Tag(u64::from(version))));
        }
        let flags = rest.u8("flags")?;
        if flags & !(DELETED | HAS_BASE) != 0 {
            return Err(rest.error_at(1, "flags", Problem::Tag(u64::from(flags))));
        }
        let entity = rest.entity_id("entity")?;
        let model = rest.model_id("model")?;
        let position = Position(rest.varint("position")?);
        Ok(StateReader { rest, flags, entity, model, position })
    }

    /// The entity.
    pub fn entity(&self) -> EntityId {
        self.entity
    }

    /// Its model.
    pub fn model(&self) -> ModelId {
        self.model
    }

    /// The log position of the last change.
    pub fn position(&self) -> Position {
        self.position
    }

    /// Whether the entity is deleted.
    pub fn is_deleted(&self) -> bool {
        self.flags & DELETED != 0
    }

    /// A reader at the count of registers.
    pub(super) fn registers(&self) -> Reader<'a> {
        self.rest.clone()
    }

    /// Adds a row to `rows`, all of which is read.
    ///
    /// # Errors
    /// [`DecodeError`] where the bytes are not those of a state.
    pub fn columns(
        &self,
        columns: &Columns,
        rows: &mut Rows,
        text: impl FnMut(usize, TextVersion),
    ) -> Result<(), DecodeError> {
        self.unread_columns(columns, rows, text)?;
        let wrong = |_| self.rest.error("string", Problem::Rule("not UTF-8 without U+0000"));
        rows.settle().map_err(wrong)
    }

    /// Adds a row to `rows`: one value for each column; null where an `lww` property was never set, and for
    /// texts. Texts that were ever written are named to `text` by their places in the row, with their versions.
    ///
    /// Values that were not asked for are stepped over, not checked. After an error the row is there, but
    /// incomplete. Strings are empty before [`Rows::settle`].
    ///
    /// # Errors
    /// [`DecodeError`] where the bytes are not those of a state.
    pub(crate) fn unread_columns(
        &self,
        columns: &Columns,
        rows: &mut Rows,
        mut text: impl FnMut(usize, TextVersion),
    ) -> Result<(), DecodeError> {
        let row = rows.len();
        rows.push_nulls();
        let mut reader = self.rest.clone();
        let mut wanted = columns.sorted.as_slice();
        let count = reader.count("registers", MAX_PROPERTIES, 18)?;
        for _ in 0..count {
            let property = reader.property_id("property")?;
            reader.varint("winner's number")?;
            if !starts_with(&mut wanted, property) {
                values::skip(&mut reader)?;
                continue;
            }
            match values::decode_unread(&mut reader)? {
                Unread::String(bytes) => {
                    while let Some(place) = take(&mut wanted, property) {
                        rows.set_unread(row, place, bytes);
                    }
                }
                Unread::Value(value) => {
                    while let Some(place) = take(&mut wanted, property) {
                        rows.set(row, place, value);
                    }
                }
            }
        }
        // A property is never both a register and a text, so texts start from the first column again.
        let mut wanted = columns.sorted.as_slice();
        let count = reader.count("texts", MAX_PROPERTIES, 18)?;
        for _ in 0..count {
            let property = reader.property_id("property")?;
            let version =
                TextVersion { folded: reader.varint("folded operations")?, tail: reader.varint("tail")? };
            starts_with(&mut wanted, property);
            while let Some(place) = take(&mut wanted, property) {
                text(place, version);
            }
        }
        Ok(())
    }
}

/// Drops the columns before `property` and tells whether it is wanted.
fn starts_with(wanted: &mut &[(PropertyId, usize)], property: PropertyId) -> bool {
    while let Some(((first, _), rest)) = wanted.split_first() {
        if *first >= property {
            return *first == property;
        }
        *wanted = rest;
    }
    false
}

/// Takes the first column if it is of `property`.
fn take(wanted: &mut &[(PropertyId, usize)], property: PropertyId) -> Option<usize> {
    let ((first, place), rest) = wanted.split_first()?;
    if *first != property {
        return None;
    }
    *wanted = rest;
    Some(*place)
}
