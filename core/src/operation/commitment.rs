//! Every hash of an operation. Each begins with a domain string that ends in a zero byte, so that no input of
//! one is an input of another.

use std::sync::LazyLock;

use super::encode::{BACKEND_LWW, BACKEND_YRS, backend, body};
use super::{Change, Content, Header, Kind, Leaf, LeafSalts, Salts};
use crate::catalog::reserved;
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
const PAYLOAD: &[u8] = b"ankurah/payload/1\0";
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

/// Begins what is to be hashed as a whole.
fn begin(domain: &[u8], room: usize) -> Writer {
    let mut writer = Writer::with_capacity(room);
    writer.raw(domain);
    writer
}

fn hash_of(writer: &Writer) -> Digest {
    Digest(*blake3::hash(writer.as_bytes()).as_bytes())
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
    let mut writer = begin(KEY, ROOM);
    writer.model_id(model);
    writer.count(key.len());
    for (property, value) in key {
        writer.property_id(*property);
        codec::encode(value, &mut writer);
    }
    hash_of(&writer)
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

/// Salts from a seed: 16 bytes each of the extended output of a hash, one after the other.
fn derive(domain: &[u8], seed: &[u8; 16], count: usize) -> Vec<[u8; 16]> {
    let mut output = blake3::Hasher::new().update(domain).update(seed).finalize_xof();
    let mut salts = vec![[0; 16]; count];
    output.fill(salts.as_flattened_mut());
    salts
}

/// The salts of leaves, all of which are there.
fn salts_of(seed: &[u8; 16], leaves: &[Leaf]) -> Vec<Option<LeafSalts>> {
    let is_text = |leaf: &Leaf| matches!(leaf.change, Change::Text(_));
    let contents = match leaves.iter().any(is_text) {
        true => derive(CONTENT_SALT, seed, leaves.len()),
        false => Vec::new(),
    };
    let contents = contents.into_iter().map(Content::Salt).chain(std::iter::repeat(Content::None));
    let salts = derive(LEAF_SALT, seed, leaves.len()).into_iter().zip(contents).zip(leaves);
    let salts = salts.map(|((leaf, content), of)| {
        let content = if is_text(of) { content } else { Content::None };
        (!matches!(of.change, Change::Erased(_))).then_some(LeafSalts { leaf, content })
    });
    salts.collect()
}

/// All salts, leaf by leaf.
pub(crate) fn each_salts(salts: &Salts, leaves: &[Leaf]) -> Vec<Option<LeafSalts>> {
    match salts {
        Salts::None => Vec::new(),
        Salts::Seed(seed) => salts_of(seed, leaves),
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

/// The rule that a redaction or a horizon among the leaves breaks, if any, and of which property.
pub(crate) fn check_records(header: &Header, leaves: &[Leaf]) -> Option<(PropertyId, &'static str)> {
    leaves.iter().find_map(|leaf| {
        let of_horizons = leaf.property == *reserved::HORIZON;
        let problem = match &leaf.change {
            Change::Redact(_) | Change::Horizon(_) if !matches!(header.kind, Kind::Edit) => {
                Some("a genesis redacts or folds nothing")
            }
            Change::Redact(redaction) => redaction.problem(header.id),
            Change::Horizon(_) if !of_horizons => Some("a horizon has a property of its own"),
            Change::Horizon(frontier) if frontier.is_empty() => Some("a horizon without operations"),
            Change::Horizon(frontier) if frontier.greatest().is_some_and(|last| last >= header.id) => {
                Some("a horizon names an operation that it cannot follow")
            }
            Change::Set(_) | Change::Text(_) | Change::Opaque { .. } if of_horizons => {
                Some("the property of horizons is set to something else")
            }
            _ => None,
        };
        problem.map(|problem| (leaf.property, problem))
    })
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
            let mut writer = begin(CHANGE, ROOM);
            writer.raw(salt);
            writer.u8(BACKEND_LWW);
            codec::encode(value, &mut writer);
            hash_of(&writer)
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
        Change::Redact(_) | Change::Horizon(_) => {
            let mut writer = begin(CHANGE, ROOM);
            writer.raw(salt);
            writer.u8(backend(change));
            body(change, &mut writer);
            hash_of(&writer)
        }
        Change::Erased(commitment) => *commitment,
    })
}

/// The root of a payload without leaves.
static NOTHING: LazyLock<Digest> = LazyLock::new(|| hash(PAYLOAD, &[&[0]]));

/// The root of a payload: the hash of all properties with the commitments to their changes, ascending by property.
pub(crate) fn payload_root(salts: &Salts, leaves: &[Leaf]) -> Result<Digest, BadText> {
    if leaves.is_empty() {
        return Ok(*NOTHING);
    }
    let derived = match salts {
        Salts::Seed(seed) => salts_of(seed, leaves),
        Salts::None | Salts::Each(_) => Vec::new(),
    };
    let salts = match salts {
        Salts::Each(each) => each,
        Salts::None | Salts::Seed(_) => &derived,
    };
    let mut writer = begin(PAYLOAD, 32 + 48 * leaves.len());
    writer.count(leaves.len());
    for (index, leaf) in leaves.iter().enumerate() {
        writer.property_id(leaf.property);
        writer.digest(&commitment(&leaf.change, salts.get(index).and_then(Option::as_ref))?);
    }
    Ok(hash_of(&writer))
}

/// The digest of an operation: over the header without the digest bits of the id, and the payload root. `key` is the
/// hash of the key, where the caller has it.
pub(crate) fn digest(header: &Header, key: Option<Digest>, root: &Digest) -> Digest {
    let mut writer = begin(OPERATION, 2 * ROOM);
    header.encode_for_digest(key, &mut writer);
    writer.digest(root);
    hash_of(&writer)
}

/// The id of the entity that a genesis creates, before there is the genesis: so that new entities can refer
/// to each other.
pub(crate) fn genesis_entity(model: ModelId, stamp: Stamp, nonce: &[u8; 16]) -> EntityId {
    EntityId(genesis_id(model, stamp, nonce))
}
