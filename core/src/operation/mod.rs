//! Immutable operations: header, payload, digest and byte format (`docs/format.md`).
//!
//! | module | what it holds |
//! |---|---|
//! | [`limits`] | how large an operation can be |
//! | `build` | making operations, erasing properties from them |
//! | `commitment` | every hash: ids, leaves, payload root, digest |
//! | `header` | the header's rules and bytes |
//! | `encode`, `decode` | the byte format |
//! | `redaction` | what a redaction erases, and operations without it |

mod build;
mod commitment;
mod decode;
mod encode;
mod header;
pub mod limits;
mod redaction;
#[cfg(test)]
mod tests;

pub use build::OperationError;
pub(crate) use build::check_length;
pub use decode::Decoded;
pub use encode::{BACKEND_HORIZON, BACKEND_LWW, BACKEND_REDACTION, BACKEND_YRS, VERSION};
pub(crate) use header::EDIT;
pub(crate) use redaction::MAX_BYTES as MAX_REDACTION;
pub use redaction::Redaction;

use std::sync::Arc;

use crate::dag::{Head, Link};
use crate::id::{ActorId, Author, Digest, EntityId, ModelId, OpId, PropertyId, TransactionId};
use crate::value::Value;

/// What an operation is.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Creates an entity. Its id's digest bits cover the model and the nonce alone.
    Genesis {
        /// 16 random bytes.
        nonce: [u8; 16],
    },
    /// Creates an entity named by its key. It has no time, author, actor or transaction, so that any two
    /// nodes that create the same key make the same operation.
    KeyedGenesis {
        /// The key: properties in the model's key order, with their values, none of them null.
        key: Vec<(PropertyId, Value)>,
    },
    /// Changes an entity.
    Edit,
}

/// The writer of an operation, and when and in what it wrote. A keyed genesis has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The strictly sequential writer.
    pub actor: ActorId,
    /// The operation's number among the actor's, from 1 without gaps.
    pub sequence: u64,
    /// Whose it is.
    pub author: Author,
    /// The transaction that the operation belongs to.
    pub transaction: TransactionId,
}

/// Everything that the digest covers besides the payload.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// Name and sort key.
    pub id: OpId,
    /// The entity: for a genesis, its own id.
    pub entity: EntityId,
    /// The entity's model.
    pub model: ModelId,
    /// What the operation is.
    pub kind: Kind,
    /// Who wrote it; `None` exactly for a keyed genesis.
    pub origin: Option<Origin>,
    /// The operations that it follows, ascending by id; empty exactly for a genesis.
    pub parents: Vec<Link>,
}

/// A change of one property.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Sets an `lww` property.
    Set(Value),
    /// Applies a yrs update (encoding v1) to a text property. It has passed the pre-scan.
    Text(Arc<[u8]>),
    /// Erases what earlier operations did to the property.
    Redact(Arc<Redaction>),
    /// Everything up to these operations is folded into a base. Of the reserved property of horizons alone.
    Horizon(Head),
    /// The content was erased or withheld: only its commitment is left.
    Erased(Digest),
    /// A change of a backend that this version does not know: kept and relayed as it came.
    Opaque {
        /// The backend's tag in the byte format.
        backend: u8,
        /// The bytes.
        bytes: Arc<[u8]>,
    },
}

/// One leaf of a payload: a property and its change.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    /// The property.
    pub property: PropertyId,
    /// What happens to it.
    pub change: Change,
}

/// What keeps a leaf's commitment from being guessed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LeafSalts {
    /// The salt of the leaf.
    pub(crate) leaf: [u8; 16],
    /// Of the content of a text.
    pub(crate) content: Content,
}

/// How the content of a leaf is committed to apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// It is not: the leaf is no text.
    None,
    /// With this salt.
    Salt([u8; 16]),
    /// It was erased. The leaf's update brings deleted content in its place.
    Erased {
        /// The structure of the update as it was.
        structure: Arc<[u8]>,
        /// The hash of its content.
        hash: Digest,
    },
}

/// The salts of the leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Salts {
    /// There are no leaves.
    None,
    /// All are derived from a seed.
    Seed([u8; 16]),
    /// Each by itself, in the order of the leaves; `None` where the leaf is erased. A seed would tell the
    /// salts of erased leaves too.
    Each(Vec<Option<LeafSalts>>),
}

/// An operation whose digest has been computed or verified.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    header: Header,
    salts: Salts,
    leaves: Vec<Leaf>,
    digest: Digest,
}

impl Operation {
    /// The header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Name and sort key.
    pub fn id(&self) -> OpId {
        self.header.id
    }

    /// The entity that it belongs to.
    pub fn entity(&self) -> EntityId {
        self.header.entity
    }

    /// The model of the entity.
    pub fn model(&self) -> ModelId {
        self.header.model
    }

    /// The identity, which parent links chain.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The link by which other operations refer to it.
    pub fn link(&self) -> Link {
        match &self.header.origin {
            Some(origin) => Link {
                id: self.header.id,
                digest: self.digest,
                actor: origin.actor,
                sequence: origin.sequence,
            },
            None => Link::keyed(self.header.id, self.digest),
        }
    }

    /// The operations that it follows, ascending by id; empty exactly for a genesis.
    pub fn parents(&self) -> &[Link] {
        &self.header.parents
    }

    /// Who wrote it; `None` exactly for a keyed genesis.
    pub fn origin(&self) -> Option<&Origin> {
        self.header.origin.as_ref()
    }

    /// Whether it creates its entity, keyed or not.
    pub fn is_genesis(&self) -> bool {
        !matches!(self.header.kind, Kind::Edit)
    }

    /// The key, where it is a keyed genesis.
    pub fn key(&self) -> Option<&[(PropertyId, Value)]> {
        match &self.header.kind {
            Kind::KeyedGenesis { key } => Some(key),
            Kind::Genesis { .. } | Kind::Edit => None,
        }
    }

    /// The change of a property.
    pub fn change(&self, property: PropertyId) -> Option<&Change> {
        let place = self.leaves.binary_search_by_key(&property, |leaf| leaf.property).ok()?;
        self.leaves.get(place).map(|leaf| &leaf.change)
    }

    /// The changes, ascending by property.
    pub fn leaves(&self) -> &[Leaf] {
        &self.leaves
    }

    /// Whether what it did to a property is erased or withheld.
    pub fn is_redacted(&self, property: PropertyId) -> bool {
        let Ok(place) = self.leaves.binary_search_by_key(&property, |leaf| leaf.property) else {
            return false;
        };
        match &self.salts {
            Salts::None | Salts::Seed(_) => false,
            Salts::Each(each) => each.get(place).is_some_and(|salts| {
                salts.as_ref().is_none_or(|salts| matches!(salts.content, Content::Erased { .. }))
            }),
        }
    }

    /// Whether nothing of it is erased or withheld.
    pub fn is_whole(&self) -> bool {
        match &self.salts {
            Salts::None | Salts::Seed(_) => true,
            Salts::Each(each) => !each.iter().any(|salts| {
                salts.as_ref().is_none_or(|salts| matches!(salts.content, Content::Erased { .. }))
            }),
        }
    }
}
