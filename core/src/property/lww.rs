//! The `lww` backend: the greatest operation id wins.

use crate::codec::{Reader, Writer};
use crate::id::OpId;
use crate::operation::Change;
use crate::value::{Value, codec};

use super::{BackendError, Difference, PropertyBackend};

/// A register. A causally later operation has a greater id and always wins; concurrent ones fall the same way
/// everywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lww {
    /// The value; null where it was set to null.
    pub value: Value,
    /// The operation that set it: the greatest id of all that did.
    pub winner: OpId,
}

impl Lww {
    /// Takes in another register of the same property. Joining is commutative, associative and idempotent:
    /// for one id with two values, which only a forger makes, the greater value stays.
    pub fn join(&mut self, other: Lww) {
        if (other.winner, &other.value) > (self.winner, &self.value) {
            *self = other;
        }
    }

    fn is_set(&self) -> bool {
        self.winner != OpId::MIN
    }
}

impl PropertyBackend for Lww {
    fn empty() -> Self {
        // No operation has the smallest id.
        Lww { value: Value::Null, winner: OpId::MIN }
    }

    fn apply(&mut self, operation: OpId, change: &Change) -> Result<(), BackendError> {
        match change {
            Change::Set(value) => {
                Lww::join(self, Lww { value: value.clone(), winner: operation });
                Ok(())
            }
            Change::Erased(_) => {
                Lww::join(self, Lww { value: Value::Null, winner: operation });
                Ok(())
            }
            Change::Redact(redaction) => {
                if redaction.names(self.winner) {
                    self.value = Value::Null;
                }
                if let Some(value) = &redaction.value {
                    Lww::join(self, Lww { value: value.clone(), winner: operation });
                }
                Ok(())
            }
            Change::Text(_) | Change::Horizon(_) | Change::Opaque { .. } => {
                Err(BackendError::Backend { operation })
            }
        }
    }

    fn join(&mut self, other: &Self) -> Result<(), BackendError> {
        if other.is_set() {
            Lww::join(self, other.clone());
        }
        Ok(())
    }

    fn snapshot(&self) -> Result<Vec<u8>, BackendError> {
        let mut writer = Writer::new();
        writer.op_id(self.winner);
        codec::encode(&self.value, &mut writer);
        Ok(writer.into_bytes())
    }

    fn restore(snapshot: &[u8]) -> Result<Self, BackendError> {
        let mut reader = Reader::new(snapshot);
        let winner = reader.op_id("winner")?;
        let value = codec::decode(&mut reader)?;
        reader.finish()?;
        Ok(Lww { value, winner })
    }

    fn value(&mut self) -> Option<Value> {
        self.is_set().then(|| self.value.clone())
    }

    fn difference(&mut self, earlier: &mut Self) -> Difference {
        Difference::Set { old: earlier.value(), new: self.value() }
    }
}
