//! What a redaction erases, and operations without it.

use std::sync::Arc;

use super::{Change, Operation, OperationError, limits};
use crate::codec::{DecodeError, Problem, Reader, Writer};
use crate::id::{OpId, PropertyId};
use crate::property::text::{self, Units};
use crate::value::{Value, codec};

/// The most operations that a redaction names.
const MAX_NAMED: usize = 1 << 19;

/// What an operation erases of a property: everything that it names, of the operations that it follows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Redaction {
    /// The operations whose values are erased, ascending.
    pub operations: Vec<OpId>,
    /// The units of a text whose characters are erased.
    pub units: Units,
    /// The value that the property gets instead, where it gets one.
    pub value: Option<Value>,
}

impl Redaction {
    /// Whether a value that an operation set is erased.
    pub fn names(&self, operation: OpId) -> bool {
        self.operations.binary_search(&operation).is_ok()
    }

    /// Writes the body of the change, as `docs/format.md` says.
    pub(super) fn encode(&self, writer: &mut Writer) {
        writer.count(self.operations.len());
        self.operations.iter().for_each(|id| writer.op_id(*id));
        self.units.encode(writer);
        match &self.value {
            None => writer.u8(0),
            Some(value) => {
                writer.u8(1);
                codec::encode(value, writer);
            }
        }
    }

    pub(super) fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let count = reader.count("redacted operations", MAX_NAMED, 16)?;
        let mut operations: Vec<OpId> = Vec::with_capacity(count);
        for _ in 0..count {
            let at = reader.offset();
            let id = reader.op_id("redacted operation")?;
            if operations.last().is_some_and(|last| *last >= id) {
                return Err(reader.error_at(at, "redacted operation", Problem::Rule("they do not ascend")));
            }
            operations.push(id);
        }
        let units = Units::decode(reader, text::Limits::OPERATION)?;
        let value = match reader.bool("replacement")? {
            true => Some(codec::decode(reader)?),
            false => None,
        };
        Ok(Redaction { operations, units, value })
    }

    /// The rule that the redaction breaks in an operation, if any.
    pub(super) fn problem(&self, operation: OpId) -> Option<&'static str> {
        if self.operations.len() > MAX_NAMED {
            return Some("a redaction names too many operations");
        }
        if self.operations.windows(2).any(|pair| matches!(pair, [a, b] if a >= b)) {
            return Some("the operations that a redaction names do not ascend");
        }
        // Ids of what an operation follows are smaller than its own.
        if self.operations.last().is_some_and(|last| *last >= operation) {
            return Some("a redaction names an operation that it cannot follow");
        }
        None
    }

    /// Bytes of what has no small bound.
    pub(super) fn bytes(&self) -> usize {
        let value = match &self.value {
            Some(Value::String(text) | Value::Json(text)) => text.len(),
            Some(Value::Bytes(bytes)) => bytes.len(),
            _ => 0,
        };
        let named = self.operations.len().saturating_mul(16);
        value.saturating_add(named).saturating_add(self.units.len().saturating_mul(16))
    }
}

impl Operation {
    /// The operation without what a redaction of a property erases of it; `None` where that is nothing.
    ///
    /// # Errors
    /// [`OperationError`] where a text update of it is not one.
    pub fn redacted(
        &self,
        property: PropertyId,
        redaction: &Redaction,
    ) -> Result<Option<Operation>, OperationError> {
        match self.change(property) {
            Some(Change::Text(update)) => {
                let wrong = |message: String| OperationError::Change { property, message };
                let scan = text::prescan(update, text::Limits::OPERATION)
                    .map_err(|error| wrong(error.to_string()))?;
                let named = scan.inserts().any(|span| redaction.units.touches(span));
                if !named || scan.strings().next().is_none() {
                    return Ok(None);
                }
                self.erase_content(property).map(Some)
            }
            // That it redacts is no value.
            Some(Change::Redact(earlier)) if earlier.value.is_none() => Ok(None),
            Some(Change::Set(_) | Change::Redact(_) | Change::Opaque { .. })
                if redaction.names(self.id()) =>
            {
                self.erase(property).map(Some)
            }
            Some(Change::Set(_) | Change::Redact(_) | Change::Horizon(_) | Change::Opaque { .. })
            | Some(Change::Erased(_))
            | None => Ok(None),
        }
    }

    /// What the operation redacts, by property.
    pub fn redactions(&self) -> impl Iterator<Item = (PropertyId, &Arc<Redaction>)> {
        self.leaves.iter().filter_map(|leaf| match &leaf.change {
            Change::Redact(redaction) => Some((leaf.property, redaction)),
            _ => None,
        })
    }
}

/// Bytes that a redaction may take: less than half of an operation.
pub(crate) const MAX_BYTES: usize = limits::OPERATION_BYTES / 2;
