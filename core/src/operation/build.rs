//! Making operations.

use std::sync::Arc;

use super::commitment::{
    BadText, check_records, check_texts, commitment, content_hash, digest, each_salts, genesis_entity,
    id_bits, key_hash, keyed_id, payload_root, split_text,
};
use super::encode::{LAST_BACKEND, backend};
use super::{
    Change, Content, Header, Kind, Leaf, MAX_REDACTION, Operation, Origin, Redaction, Salts, limits,
};
use crate::dag::Link;
use crate::id::{Digest, EntityId, ModelId, OpId, PropertyId, Stamp};
use crate::property::text;
use crate::value::{DomainError, Value};

/// Why an operation cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OperationError {
    /// The header would break a rule of the format.
    #[error("not a valid operation: {0}")]
    Rule(&'static str),
    /// Two changes of one property.
    #[error("property {0} is changed twice in one operation")]
    Repeated(PropertyId),
    /// The operation has no change of the property.
    #[error("property {0} is not changed by the operation")]
    Missing(PropertyId),
    /// Too many changed properties.
    #[error("an operation changes at most {limit} properties, not {0}", limit = limits::LEAVES)]
    Leaves(usize),
    /// A value outside the domain.
    #[error("property {property}: {source}")]
    Domain {
        /// The property.
        property: PropertyId,
        /// What is wrong with the value.
        source: DomainError,
    },
    /// A string, byte string or document that is too long.
    #[error("property {property}: {}", too_long(*length))]
    Value {
        /// The property.
        property: PropertyId,
        /// Its length in bytes.
        length: usize,
    },
    /// A change that cannot be made: an unacceptable text update, or an opaque change with a known tag.
    #[error("property {property}: {message}")]
    Change {
        /// The property.
        property: PropertyId,
        /// What is wrong with it.
        message: String,
    },
    /// The encoded operation would be too large.
    #[error("the operation has {0} bytes, the limit is {limit}", limit = limits::OPERATION_BYTES)]
    Size(usize),
}

impl OperationError {
    /// The message for people, in which `name` says what a property is called.
    pub fn named(&self, name: impl Fn(PropertyId) -> Option<String>) -> String {
        let (property, message) = match self {
            Self::Rule(_) | Self::Leaves(_) | Self::Size(_) => return self.to_string(),
            Self::Repeated(property) => (property, "changed twice in one operation".to_owned()),
            Self::Missing(property) => (property, "not changed by the operation".to_owned()),
            Self::Domain { property, source } => (property, source.to_string()),
            Self::Value { property, length } => (property, too_long(*length)),
            Self::Change { property, message } => (property, message.clone()),
        };
        name(*property).map_or_else(|| self.to_string(), |name| format!("{name}: {message}"))
    }
}

/// What is wrong with a value of so many bytes.
fn too_long(length: usize) -> String {
    format!("the value has {length} bytes, the limit is {}", limits::VALUE_BYTES)
}

/// Fails where a value is too long for an operation.
pub(crate) fn check_length(property: PropertyId, value: &Value) -> Result<(), OperationError> {
    let length = match value {
        Value::String(text) | Value::Json(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        _ => 0,
    };
    if length > limits::VALUE_BYTES { Err(OperationError::Value { property, length }) } else { Ok(()) }
}

impl Operation {
    /// The id of the entity that [`Operation::genesis`] with the same model, stamp and nonce creates, so that
    /// entities can refer to each other before they are made.
    pub fn genesis_id(model: ModelId, stamp: Stamp, nonce: [u8; 16]) -> EntityId {
        genesis_entity(model, stamp, &nonce)
    }

    /// The id of the entity of a model with a key.
    ///
    /// # Errors
    /// [`OperationError`] where a value is outside the domain.
    pub fn keyed_id(model: ModelId, key: &[(PropertyId, Value)]) -> Result<EntityId, OperationError> {
        Ok(EntityId(keyed_id(&key_hash(model, &normal_key(key.to_vec())?))))
    }

    /// Creates an entity. `nonce` and `salt` are 16 random bytes each; leaves come in any order.
    ///
    /// # Errors
    /// [`OperationError`] where the format does not allow it.
    pub fn genesis(
        model: ModelId,
        stamp: Stamp,
        nonce: [u8; 16],
        origin: Origin,
        leaves: Vec<Leaf>,
        salt: [u8; 16],
    ) -> Result<Operation, OperationError> {
        let entity = genesis_entity(model, stamp, &nonce);
        let kind = Kind::Genesis { nonce };
        let header = Header { id: entity.0, entity, model, kind, origin: Some(origin), parents: Vec::new() };
        finish(header, None, leaves, salt)
    }

    /// Creates the entity of a model with a key: properties in the model's key order with their values.
    ///
    /// # Errors
    /// [`OperationError`] where the key is empty, too long, or has null or a value outside the domain.
    pub fn keyed_genesis(model: ModelId, key: Vec<(PropertyId, Value)>) -> Result<Operation, OperationError> {
        let key = normal_key(key)?;
        let hash = key_hash(model, &key);
        let id = keyed_id(&hash);
        let kind = Kind::KeyedGenesis { key };
        let header = Header { id, entity: EntityId(id), model, kind, origin: None, parents: Vec::new() };
        finish(header, Some(hash), Vec::new(), [0; 16])
    }

    /// Changes an entity. `parents` are the head that the change was made on, leaves come in any order, `salt`
    /// is 16 random bytes. The stamp must make the id exceed every parent's.
    ///
    /// # Errors
    /// [`OperationError`] where the format does not allow it.
    pub fn edit(
        entity: EntityId,
        model: ModelId,
        stamp: Stamp,
        origin: Origin,
        mut parents: Vec<Link>,
        leaves: Vec<Leaf>,
        salt: [u8; 16],
    ) -> Result<Operation, OperationError> {
        parents.sort_unstable();
        parents.dedup();
        let id = OpId::new(stamp, 0);
        let header = Header { id, entity, model, kind: Kind::Edit, origin: Some(origin), parents };
        finish(header, None, leaves, salt)
    }

    /// The operation without the content of one property: only its commitment is left, and the digest stays.
    /// The salts of the others are spelled out, since the seed would help to guess what was erased.
    ///
    /// # Errors
    /// [`OperationError::Missing`] where the operation does not change the property.
    pub fn erase(&self, property: PropertyId) -> Result<Operation, OperationError> {
        let mut salts = each_salts(&self.salts, &self.leaves);
        let mut leaves = self.leaves.clone();
        let found = leaves.iter_mut().zip(salts.iter_mut()).find(|(leaf, _)| leaf.property == property);
        let Some((leaf, salt)) = found else { return Err(OperationError::Missing(property)) };
        let commitment = commitment(&leaf.change, salt.as_ref())
            .map_err(|error| OperationError::Change { property, message: error.to_string() })?;
        leaf.change = Change::Erased(commitment);
        *salt = None;
        Ok(Operation { header: self.header.clone(), salts: Salts::Each(salts), leaves, digest: self.digest })
    }

    /// The operation without the characters that it put into a text. What is left is the structure and a
    /// commitment to the content; its change brings deleted content of equal length, on which later edits
    /// stand as before. The digest stays.
    ///
    /// # Errors
    /// [`OperationError`] where the operation does not change the property, or not as a text.
    pub fn erase_content(&self, property: PropertyId) -> Result<Operation, OperationError> {
        let wrong = |message: String| OperationError::Change { property, message };
        let mut salts = each_salts(&self.salts, &self.leaves);
        let mut leaves = self.leaves.clone();
        let found = leaves.iter_mut().zip(salts.iter_mut()).find(|(leaf, _)| leaf.property == property);
        let Some((leaf, salt)) = found else { return Err(OperationError::Missing(property)) };
        match (&leaf.change, salt.as_mut().map(|salts| &mut salts.content)) {
            (Change::Text(update), Some(content)) => {
                if let Content::Salt(salt) = content {
                    let (structure, characters) =
                        split_text(update).map_err(|error| wrong(error.to_string()))?;
                    let erased = text::erased(&structure, text::Limits::OPERATION)
                        .map_err(|error| wrong(error.to_string()))?;
                    let hash = content_hash(salt, &characters);
                    *content = Content::Erased { structure: Arc::from(structure), hash };
                    leaf.change = Change::Text(Arc::from(erased));
                }
            }
            _ => return Err(wrong("the change is not one of text".to_owned())),
        }
        Ok(Operation { header: self.header.clone(), salts: Salts::Each(salts), leaves, digest: self.digest })
    }
}

/// The value in its canonical form, if it is in the domain and not too long.
fn normal(property: PropertyId, value: Value) -> Result<Value, OperationError> {
    let value = value.normalized().map_err(|source| OperationError::Domain { property, source })?;
    check_length(property, &value)?;
    Ok(value)
}

fn normal_key(key: Vec<(PropertyId, Value)>) -> Result<Vec<(PropertyId, Value)>, OperationError> {
    key.into_iter().map(|(property, value)| Ok((property, normal(property, value)?))).collect()
}

fn normal_leaf(leaf: Leaf) -> Result<Leaf, OperationError> {
    let Leaf { property, change } = leaf;
    let wrong = |message: &str| OperationError::Change { property, message: message.to_owned() };
    let change = match change {
        Change::Set(value) => Change::Set(normal(property, value)?),
        Change::Opaque { .. } if backend(&change) <= LAST_BACKEND => {
            return Err(wrong("an opaque change has the tag of a known backend"));
        }
        Change::Erased(_) => return Err(wrong("an operation is made whole")),
        Change::Redact(redaction) => {
            let value = redaction.value.clone().map(|value| normal(property, value)).transpose()?;
            if redaction.bytes() > MAX_REDACTION {
                return Err(wrong("a redaction names too much"));
            }
            Change::Redact(Arc::new(Redaction { value, ..Redaction::clone(&redaction) }))
        }
        change => change,
    };
    Ok(Leaf { property, change })
}

/// Checks the rules, hashes, and gives an edit the digest bits of its id. `key` is the hash of the key, where the
/// caller has it.
fn finish(
    mut header: Header,
    key: Option<Digest>,
    leaves: Vec<Leaf>,
    salt: [u8; 16],
) -> Result<Operation, OperationError> {
    if leaves.len() > limits::LEAVES {
        return Err(OperationError::Leaves(leaves.len()));
    }
    let mut leaves = leaves.into_iter().map(normal_leaf).collect::<Result<Vec<_>, _>>()?;
    leaves.sort_by_key(|leaf| leaf.property);
    if let Some(property) = repeated(&leaves) {
        return Err(OperationError::Repeated(property));
    }
    let salts = if leaves.is_empty() { Salts::None } else { Salts::Seed(salt) };
    let text_error = |(property, error): (PropertyId, BadText)| OperationError::Change {
        property,
        message: error.to_string(),
    };
    check_texts(&header, &leaves).map_err(text_error)?;
    if let Some((property, problem)) = check_records(&header, &leaves) {
        return Err(OperationError::Change { property, message: problem.to_owned() });
    }
    let root =
        payload_root(&salts, &leaves).map_err(|_| OperationError::Rule("a text update is not acceptable"))?;
    let digest: Digest = digest(&header, key, &root);
    if matches!(header.kind, Kind::Edit) {
        header.id = OpId::new(header.id.stamp(), id_bits(&digest));
    }
    if let Some(problem) = header.problem() {
        return Err(OperationError::Rule(problem));
    }
    let operation = Operation { header, salts, leaves, digest };
    // Only an operation that may be too large is encoded to see whether it is.
    if content_bytes(&operation) > limits::OPERATION_BYTES / 2 {
        let length = operation.encode().len();
        if length > limits::OPERATION_BYTES {
            return Err(OperationError::Size(length));
        }
    }
    Ok(operation)
}

/// Bytes of the contents that have no small bound. All other fields together have less than half the limit: at
/// most 1024 parents of less than 100 bytes, 4096 leaves of less than 100.
fn content_bytes(operation: &Operation) -> usize {
    let value = |value: &Value| match value {
        Value::String(text) | Value::Json(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        _ => 0,
    };
    let key = operation.key().into_iter().flatten().map(|(_, part)| value(part));
    let leaves = operation.leaves.iter().map(|leaf| match &leaf.change {
        Change::Set(set) => value(set),
        Change::Text(bytes) | Change::Opaque { bytes, .. } => bytes.len(),
        Change::Redact(redaction) => redaction.bytes(),
        Change::Horizon(frontier) => frontier.len().saturating_mul(100),
        Change::Erased(_) => 0,
    });
    key.chain(leaves).fold(0, usize::saturating_add)
}

fn repeated(leaves: &[Leaf]) -> Option<PropertyId> {
    let mut last = None;
    for leaf in leaves {
        if last == Some(leaf.property) {
            return last;
        }
        last = Some(leaf.property);
    }
    None
}
