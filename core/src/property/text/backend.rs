//! [`TextDocument`] as a property backend.

use super::{Limits, TextDocument, without};
use crate::id::OpId;
use crate::operation::Change;
use crate::property::{BackendError, Difference, PropertyBackend, text_difference};
use crate::value::Value;

impl PropertyBackend for TextDocument {
    fn empty() -> Self {
        TextDocument::default()
    }

    fn apply(&mut self, operation: OpId, change: &Change) -> Result<(), BackendError> {
        match change {
            Change::Text(update) => {
                TextDocument::apply(self, update)?;
                Ok(())
            }
            Change::Redact(redaction) if !redaction.units.is_empty() && self.is_written() => {
                let snapshot = without(&TextDocument::snapshot(self)?, &redaction.units, Limits::DOCUMENT)?;
                *self = TextDocument::load(crate::id::ActorId::new(0), Some(&snapshot), [])?;
                Ok(())
            }
            Change::Erased(_) | Change::Redact(_) => Ok(()),
            Change::Set(_) | Change::Horizon(_) | Change::Opaque { .. } => {
                Err(BackendError::Backend { operation })
            }
        }
    }

    fn join(&mut self, other: &Self) -> Result<(), BackendError> {
        if other.is_written() {
            self.merge(&TextDocument::snapshot(other)?)?;
        }
        Ok(())
    }

    /// A text that was never written has a snapshot of no bytes.
    fn snapshot(&self) -> Result<Vec<u8>, BackendError> {
        if self.is_written() { Ok(TextDocument::snapshot(self)?) } else { Ok(Vec::new()) }
    }

    fn restore(snapshot: &[u8]) -> Result<Self, BackendError> {
        let mut document = TextDocument::default();
        if !snapshot.is_empty() {
            document.merge(snapshot)?;
        }
        Ok(document)
    }

    fn value(&mut self) -> Option<Value> {
        self.is_written().then(|| Value::String(self.text()))
    }

    fn difference(&mut self, earlier: &mut Self) -> Difference {
        Difference::Text(text_difference(&earlier.text(), &self.text()))
    }
}
