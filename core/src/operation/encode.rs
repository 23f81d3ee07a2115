//! Writing operations.

use super::commitment::each_salts;
use super::{Change, Content, Leaf, LeafSalts, Operation, Salts};
use crate::codec::Writer;
use crate::value::codec;

/// The version of the operation format that this program writes.
pub const VERSION: u8 = 1;

/// The backend tag of a set `lww` value.
pub const BACKEND_LWW: u8 = 1;

/// The backend tag of a yrs text update.
pub const BACKEND_YRS: u8 = 2;

/// The backend tag of a redaction.
pub const BACKEND_REDACTION: u8 = 3;

/// The backend tag of a horizon.
pub const BACKEND_HORIZON: u8 = 4;

/// The backends that this version knows are those with tags up to this one.
pub(super) const LAST_BACKEND: u8 = BACKEND_HORIZON;

/// No leaves.
pub(super) const PAYLOAD_EMPTY: u8 = 0;
/// All leaves, and the seed of their salts.
pub(super) const PAYLOAD_WHOLE: u8 = 1;
/// Leaves with a salt each, some erased.
pub(super) const PAYLOAD_PARTS: u8 = 2;

/// Of a leaf only the commitment is there.
pub(super) const LEAF_ERASED: u8 = 0;
/// The leaf is there.
pub(super) const LEAF_PRESENT: u8 = 1;
/// Of a text only the structure and the hash of the content are there.
pub(super) const LEAF_STRUCTURE: u8 = 2;

/// No signature.
pub(super) const SIGNATURE_NONE: u8 = 0;

impl Operation {
    /// The operation's bytes, as `docs/format.md` says. [`Operation::decode`] gives the same operation back.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(512);
        self.encode_into(&mut writer);
        writer.into_bytes()
    }

    /// Writes the operation's bytes.
    pub(crate) fn encode_into(&self, writer: &mut Writer) {
        self.header.encode(writer);
        match &self.salts {
            Salts::None => writer.u8(PAYLOAD_EMPTY),
            Salts::Seed(seed) => {
                writer.u8(PAYLOAD_WHOLE);
                writer.raw(seed);
                writer.count(self.leaves.len());
                for leaf in &self.leaves {
                    writer.property_id(leaf.property);
                    writer.u8(backend(&leaf.change));
                    write_body(&leaf.change, writer);
                }
            }
            Salts::Each(_) => {
                writer.u8(PAYLOAD_PARTS);
                writer.count(self.leaves.len());
                for (leaf, salts) in self.leaves.iter().zip(each_salts(&self.salts, &self.leaves)) {
                    write_part(leaf, salts, writer);
                }
            }
        }
        writer.u8(SIGNATURE_NONE);
    }
}

fn write_part(leaf: &Leaf, salts: Option<LeafSalts>, writer: &mut Writer) {
    writer.property_id(leaf.property);
    match (&leaf.change, salts) {
        (Change::Erased(commitment), _) => {
            writer.u8(LEAF_ERASED);
            writer.digest(commitment);
        }
        (_, Some(LeafSalts { leaf, content: Content::Erased { structure, hash } })) => {
            writer.u8(LEAF_STRUCTURE);
            writer.raw(&leaf);
            writer.bytes(&structure);
            writer.digest(&hash);
        }
        (change, salts) => {
            let salts = salts.unwrap_or(LeafSalts { leaf: [0; 16], content: Content::None });
            writer.u8(LEAF_PRESENT);
            writer.u8(backend(change));
            writer.raw(&salts.leaf);
            if let Content::Salt(content) = salts.content {
                writer.raw(&content);
            }
            write_body(change, writer);
        }
    }
}

/// The tag of a change's backend; 0 for an erased one, which has none.
pub(super) fn backend(change: &Change) -> u8 {
    match change {
        Change::Set(_) => BACKEND_LWW,
        Change::Text(_) => BACKEND_YRS,
        Change::Redact(_) => BACKEND_REDACTION,
        Change::Horizon(_) => BACKEND_HORIZON,
        Change::Opaque { backend, .. } => *backend,
        Change::Erased(_) => 0,
    }
}

/// Writes a change's body with its length before it. Of an erased one there is none.
fn write_body(change: &Change, writer: &mut Writer) {
    if !matches!(change, Change::Erased(_)) {
        writer.part(|writer| body(change, writer));
    }
}

/// Writes a change's body.
pub(super) fn body(change: &Change, writer: &mut Writer) {
    match change {
        Change::Set(value) => codec::encode(value, writer),
        Change::Text(bytes) | Change::Opaque { bytes, .. } => writer.raw(bytes),
        Change::Redact(redaction) => redaction.encode(writer),
        Change::Horizon(frontier) => frontier.encode(writer),
        Change::Erased(_) => {}
    }
}
