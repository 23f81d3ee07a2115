//! The `lww` backend: the greatest operation id wins.

use crate::id::OpId;
use crate::value::Value;

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
}
