//! Every hash of an operation. Each begins with a domain string that ends in a zero byte, so that no input of
//! one is an input of another.

use std::sync::LazyLock;

use super::encode::{BACKEND_LWW, BACKEND_YRS};
use super::{Change, Content, Header, Kind, Leaf, LeafSalts, Salts};
use crate::codec::Writer;
use crate::id::{Digest, EntityId, ModelId, OpId, PropertyId, Stamp};
use crate::property::text;
use crate::value::{Value, codec};

const GENESIS: &[u8] = b"ankurah/genesis/1\0";
const KEY: &[u8] = b"ankurah/key/1\0";
const LEAF_SALT: &[u8] = b"ankurah/leaf-salt/1\0";
const CONTENT_SALT: &[u8] = b"ankurah/content-salt/1\0";
const CHANGE: &[u8] = b"ankurah/change/1\0";
const STRUCTURE: &[u8] = b"ankurah/text-structure/1\0";
const CONTENT: &[u8] = b"ankurah/text-content/1\0";
const LEAF: &[u8] = b"ankurah/leaf/1\0";
const NODE: &[u8] = b"ankurah/node/1\0";
const EMPTY: &[u8] = b"ankurah/empty/1\0";
const OPERATION: &[u8] = b"ankurah/operation/1\0";

/// Bytes that most of what is hashed fits into.
const ROOM: usize = 128;

/// A text update that the format does not accept.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text update is not acceptable: {0}")]
pub(crate) struct BadText(pub(crate) String);

fn hash(domain: &[u8], parts: &[&[u8]]) -> Digest {
    // Most inputs are short. Put together and hashed at once they take half the time.
    if let Some(whole) = put_together(&mut [0; 256], domain, parts) {
        return Digest(*blake3::hash(whole).as_bytes());
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update(domain);
    for part in parts {
        hasher.update(part);
    }
    Digest(*hasher.finalize().as_bytes())
}

/// All parts, one after the other, if there is space for them.
fn put_together<'a>(space: &'a mut [u8], domain: &[u8], parts: &[&[u8]]) -> Option<&'a [u8]> {
    let mut end = 0usize;
    for part in std::iter::once(&domain).chain(parts) {
        let next = end.checked_add(part.len())?;
        space.get_mut(end..next)?.copy_from_slice(part);
        end = next;
    }
    space.get(..end)
}

/// The first 16 bytes of a hash.
fn half(digest: &Digest) -> [u8; 16] {
    let Digest([half @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _]) = *digest;
    half
}

/// The first 8 bytes of a hash, as a big-endian number.
pub(crate) fn id_bits(digest: &Digest) -> u64 {
    let Digest([a, b, c, d, e, f, g, h, ..]) = *digest;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// The id of a plain genesis.
pub(crate) fn genesis_id(model: ModelId, stamp: Stamp, nonce: &[u8; 16]) -> OpId {
    OpId::new(stamp, id_bits(&hash(GENESIS, &[&model.to_bytes(), nonce])))
}

/// The commitment to a model and a key.
pub(crate) fn key_hash(model: ModelId, key: &[(PropertyId, Value)]) -> Digest {
    let mut writer = Writer::with_capacity(ROOM);
    writer.count(key.len());
    for (property, value) in key {
        writer.property_id(*property);
        codec::encode(value, &mut writer);
    }
    hash(KEY, &[&model.to_bytes(), writer.as_bytes()])
}

/// The id of a keyed genesis: millisecond 0, then 80 bits of the key's hash.
pub(crate) fn keyed_id(key: &Digest) -> OpId {
    let Digest([a, b, c, d, e, f, g, h, i, j, ..]) = *key;
    OpId::from_bytes([0, 0, 0, 0, 0, 0, a, b, c, d, e, f, g, h, i, j])
}

/// The id that the header's kind fixes: of a genesis.
pub(crate) fn fixed_id(header: &Header) -> Option<OpId> {
    match &header.kind {
        Kind::Genesis { nonce } => Some(genesis_id(header.model, header.id.stamp(), nonce)),
        Kind::KeyedGenesis { key } => Some(keyed_id(&key_hash(header.model, key))),
        Kind::Edit => None,
    }
}

/// The salts of a leaf whose change is there.
pub(crate) fn leaf_salts(seed: &[u8; 16], leaf: &Leaf) -> Option<LeafSalts> {
    let property = leaf.property.to_bytes();
    let salt = |domain| half(&hash(domain, &[seed, &property]));
    match leaf.change {
        Change::Set(_) | Change::Opaque { .. } => {
            Some(LeafSalts { leaf: salt(LEAF_SALT), content: Content::None })
        }
        Change::Text(_) => {
            Some(LeafSalts { leaf: salt(LEAF_SALT), content: Content::Salt(salt(CONTENT_SALT)) })
        }
        Change::Erased(_) => None,
    }
}

/// All salts, leaf by leaf.
pub(crate) fn each_salts(salts: &Salts, leaves: &[Leaf]) -> Vec<Option<LeafSalts>> {
    match salts {
        Salts::None => Vec::new(),
        Salts::Seed(seed) => leaves.iter().map(|leaf| leaf_salts(seed, leaf)).collect(),
        Salts::Each(each) => each.clone(),
    }
}

/// Structure and content of a text update, which are committed to apart.
pub(crate) fn split_text(update: &[u8]) -> Result<(Vec<u8>, Vec<u8>), BadText> {
    text::split(update, text::Limits::OPERATION).map_err(|error| BadText(error.to_string()))
}

/// Checks that all content of the text updates was written by the operation's actor: the actor is the yrs
/// client, and its sequence is what keeps it from using a clock twice.
pub(crate) fn check_texts(header: &Header, leaves: &[Leaf]) -> Result<(), (PropertyId, BadText)> {
    for leaf in leaves {
        let Change::Text(update) = &leaf.change else { continue };
        let bad = |message: String| (leaf.property, BadText(message));
        let scan = text::prescan(update, text::Limits::OPERATION).map_err(|error| bad(error.to_string()))?;
        if !header.origin.is_some_and(|origin| scan.is_only_by(origin.actor)) {
            return Err(bad("it has content of another actor".to_owned()));
        }
    }
    Ok(())
}

/// The commitment to the content of a text.
pub(crate) fn content_hash(salt: &[u8; 16], content: &[u8]) -> Digest {
    hash(CONTENT, &[salt, content])
}

/// The commitment to a change; for an erased one, the one that is left.
pub(crate) fn commitment(change: &Change, salts: Option<&LeafSalts>) -> Result<Digest, BadText> {
    const NONE: LeafSalts = LeafSalts { leaf: [0; 16], content: Content::None };
    let LeafSalts { leaf: salt, content } = salts.unwrap_or(&NONE);
    Ok(match change {
        Change::Set(value) => {
            let mut writer = Writer::with_capacity(ROOM);
            codec::encode(value, &mut writer);
            hash(CHANGE, &[salt, &[BACKEND_LWW], writer.as_bytes()])
        }
        Change::Text(update) => {
            let text = |structure: &[u8], content: &Digest| {
                let structure = hash(STRUCTURE, &[salt, structure]);
                hash(CHANGE, &[salt, &[BACKEND_YRS], &structure.0, &content.0])
            };
            match content {
                Content::Erased { structure, hash } => text(structure, hash),
                Content::Salt(salt) => {
                    let (structure, content) = split_text(update)?;
                    text(&structure, &content_hash(salt, &content))
                }
                Content::None => return Err(BadText("its content has no salt".to_owned())),
            }
        }
        Change::Opaque { backend, bytes } => hash(CHANGE, &[salt, &[*backend], bytes]),
        Change::Erased(commitment) => *commitment,
    })
}

/// The root of a payload without leaves.
static NOTHING: LazyLock<Digest> = LazyLock::new(|| hash(EMPTY, &[]));

/// The root of the Merkle tree over the leaves, ascending by property. The tree is that of RFC 6962: the left
/// part is the greatest power of two of leaves that leaves some over.
pub(crate) fn payload_root(salts: &Salts, leaves: &[Leaf]) -> Result<Digest, BadText> {
    if leaves.is_empty() {
        return Ok(*NOTHING);
    }
    let salts = each_salts(salts, leaves);
    let mut level = Vec::with_capacity(leaves.len());
    for (index, leaf) in leaves.iter().enumerate() {
        let salts = salts.get(index).and_then(Option::as_ref);
        let commitment = commitment(&leaf.change, salts)?;
        level.push(hash(LEAF, &[&leaf.property.to_bytes(), &commitment.0]));
    }
    // Pairing neighbours and carrying an odd last one up, level by level, makes the same tree.
    while level.len() > 1 {
        level = level
            .chunks(2)
            .map(|pair| match pair {
                [left, right] => hash(NODE, &[&left.0, &right.0]),
                [Digest(alone)] => Digest(*alone),
                _ => *NOTHING,
            })
            .collect();
    }
    Ok(level.pop().unwrap_or(*NOTHING))
}

/// The digest of an operation: over the header without the digest bits of the id, and the payload root. `key` is the
/// hash of the key, where the caller has it.
pub(crate) fn digest(header: &Header, key: Option<Digest>, root: &Digest) -> Digest {
    let mut writer = Writer::with_capacity(2 * ROOM);
    header.encode_for_digest(key, &mut writer);
    hash(OPERATION, &[writer.as_bytes(), &root.0])
}

/// The id of the entity that a genesis creates, before there is the genesis: so that new entities can refer
/// to each other.
pub(crate) fn genesis_entity(model: ModelId, stamp: Stamp, nonce: &[u8; 16]) -> EntityId {
    EntityId(genesis_id(model, stamp, nonce))
}
