//! Reading operations.

use std::sync::Arc;

use super::commitment::{check_records, check_texts, digest, fixed_id, id_bits, payload_root};
use super::encode::{
    BACKEND_HORIZON, BACKEND_LWW, BACKEND_REDACTION, BACKEND_YRS, LEAF_ERASED, LEAF_PRESENT, LEAF_STRUCTURE,
    PAYLOAD_EMPTY, PAYLOAD_PARTS, PAYLOAD_WHOLE, SIGNATURE_NONE, VERSION,
};
use super::header::{EDIT, GENESIS, KEY_IN_FULL, KEYED_GENESIS};
use super::{Change, Content, Header, Kind, Leaf, LeafSalts, Operation, Origin, Redaction, Salts, limits};
use crate::codec::{DecodeError, Problem, Reader};
use crate::dag::{Head, decode_links};
use crate::id::{EntityId, OpId};
use crate::property::text;
use crate::value::codec;

/// What bytes turned out to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Decoded {
    /// An operation; its digest and id have been verified.
    Known(Operation),
    /// An operation of a version, or with a form, that this program does not know. It is kept and relayed as
    /// it came; what is told of it is unverified.
    Unknown {
        /// The format's version.
        version: u8,
        /// What the operation calls itself.
        id: OpId,
        /// The entity that it says it belongs to.
        entity: EntityId,
        /// All its bytes.
        bytes: Arc<[u8]>,
    },
}

/// Why reading ended early.
enum Stop {
    /// The bytes are wrong.
    Wrong(DecodeError),
    /// The bytes may be right for a newer program.
    Newer,
}

impl From<DecodeError> for Stop {
    fn from(error: DecodeError) -> Self {
        Stop::Wrong(error)
    }
}

fn rule(reader: &Reader<'_>, at: usize, what: &'static str, rule: &'static str) -> Stop {
    Stop::Wrong(reader.error_at(at, what, Problem::Rule(rule)))
}

impl Operation {
    /// Reads an operation and verifies it: limits, order of parents and leaves, the rules of its kind, the
    /// digest, and the id's digest bits. That the parents are what their links say is left to the one who
    /// holds them.
    ///
    /// # Errors
    /// [`DecodeError`] where the bytes break the format.
    pub fn decode(bytes: &[u8]) -> Result<Decoded, DecodeError> {
        let mut reader = Reader::new(bytes);
        if bytes.len() > limits::OPERATION_BYTES {
            let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            let limit = u64::try_from(limits::OPERATION_BYTES).unwrap_or(u64::MAX);
            return Err(reader.error("operation", Problem::OverLimit { length, limit }));
        }
        let version = reader.u8("version")?;
        // 0 is never written, and 128 and above begin containers of operations, not operations.
        if version == 0 || version >= 0x80 {
            return Err(reader.error_at(0, "version", Problem::Tag(u64::from(version))));
        }
        let id = reader.op_id("id")?;
        let entity = reader.entity_id("entity")?;
        let unknown = || Decoded::Unknown { version, id, entity, bytes: Arc::from(bytes) };
        if version != VERSION {
            return Ok(unknown());
        }
        match decode_known(reader, id, entity) {
            Ok(operation) => Ok(Decoded::Known(operation)),
            Err(Stop::Newer) => Ok(unknown()),
            Err(Stop::Wrong(error)) => Err(error),
        }
    }
}

fn decode_known(mut reader: Reader<'_>, id: OpId, entity: EntityId) -> Result<Operation, Stop> {
    let header = decode_header(&mut reader, id, entity)?;
    let at = reader.offset();
    if let Some(problem) = header.problem() {
        return Err(rule(&reader, 0, "header", problem));
    }
    let (salts, leaves) = decode_payload(&mut reader)?;
    if matches!(header.kind, Kind::KeyedGenesis { .. }) && !leaves.is_empty() {
        return Err(rule(&reader, at, "payload", "a keyed genesis has a payload"));
    }
    if reader.u8("signature")? != SIGNATURE_NONE {
        return Err(Stop::Newer);
    }
    let bad_text = || rule(&reader, at, "payload", "a text update is not acceptable");
    check_texts(&header, &leaves).map_err(|_| bad_text())?;
    if let Some((_, problem)) = check_records(&header, &leaves) {
        return Err(rule(&reader, at, "payload", problem));
    }
    let root = payload_root(&salts, &leaves).map_err(|_| bad_text())?;
    let digest = digest(&header, None, &root);
    let expected = fixed_id(&header).unwrap_or_else(|| OpId::new(id.stamp(), id_bits(&digest)));
    if expected != id {
        return Err(rule(&reader, 1, "id", "the id does not fit the content"));
    }
    reader.finish()?;
    Ok(Operation { header, salts, leaves, digest })
}

fn decode_header(reader: &mut Reader<'_>, id: OpId, entity: EntityId) -> Result<Header, Stop> {
    let tag = reader.u8("kind")?;
    if !matches!(tag, GENESIS | EDIT | KEYED_GENESIS) {
        return Err(Stop::Newer);
    }
    let model = reader.model_id("model")?;
    let kind = match tag {
        GENESIS => Kind::Genesis { nonce: reader.array("nonce")? },
        EDIT => Kind::Edit,
        _ => {
            if reader.u8("key's form")? != KEY_IN_FULL {
                return Err(Stop::Newer);
            }
            let count = reader.count("key's length", limits::KEY_PARTS, 17)?;
            let mut key = Vec::with_capacity(count);
            for _ in 0..count {
                key.push((reader.property_id("key property")?, codec::decode(reader)?));
            }
            Kind::KeyedGenesis { key }
        }
    };
    let origin = match kind {
        Kind::KeyedGenesis { .. } => None,
        Kind::Genesis { .. } | Kind::Edit => Some(Origin::decode(reader)?),
    };
    let parents = match kind {
        Kind::Edit => decode_links(reader, "parents", limits::PARENTS)?,
        Kind::Genesis { .. } | Kind::KeyedGenesis { .. } => Vec::new(),
    };
    Ok(Header { id, entity, model, kind, origin, parents })
}

fn decode_payload(reader: &mut Reader<'_>) -> Result<(Salts, Vec<Leaf>), Stop> {
    let (seed, least) = match reader.u8("payload's form")? {
        PAYLOAD_EMPTY => return Ok((Salts::None, Vec::new())),
        PAYLOAD_WHOLE => (Some(reader.array::<16>("salt")?), 18),
        PAYLOAD_PARTS => (None, 35),
        _ => return Err(Stop::Newer),
    };
    let at = reader.offset();
    let count = reader.count("number of leaves", limits::LEAVES, least)?;
    if count == 0 {
        return Err(rule(reader, at, "payload", "a payload without leaves has a form of its own"));
    }
    let mut leaves: Vec<Leaf> = Vec::with_capacity(count);
    let mut each = Vec::new();
    for _ in 0..count {
        let at = reader.offset();
        let property = reader.property_id("property")?;
        if leaves.last().is_some_and(|last| last.property >= property) {
            return Err(rule(reader, at, "property", "leaves are not ascending"));
        }
        let change = if seed.is_some() {
            let backend = reader.u8("backend")?;
            decode_change(reader, backend)?
        } else {
            let (change, salts) = decode_part(reader)?;
            each.push(salts);
            change
        };
        leaves.push(Leaf { property, change });
    }
    Ok((seed.map_or(Salts::Each(each), Salts::Seed), leaves))
}

fn decode_part(reader: &mut Reader<'_>) -> Result<(Change, Option<LeafSalts>), Stop> {
    match reader.u8("leaf's state")? {
        LEAF_ERASED => Ok((Change::Erased(reader.digest("commitment")?), None)),
        LEAF_PRESENT => {
            let backend = reader.u8("backend")?;
            let leaf = reader.array("leaf's salt")?;
            let content = match backend {
                BACKEND_YRS => Content::Salt(reader.array("content's salt")?),
                _ => Content::None,
            };
            let change = decode_change(reader, backend)?;
            Ok((change, Some(LeafSalts { leaf, content })))
        }
        LEAF_STRUCTURE => {
            let leaf = reader.array("leaf's salt")?;
            let at = reader.offset();
            let structure = reader.bytes("text structure", limits::OPERATION_BYTES)?;
            let update = text::erased(structure, text::Limits::OPERATION)
                .map_err(|_| rule(reader, at, "text structure", "not the structure of a text update"))?;
            let hash = reader.digest("content's hash")?;
            let content = Content::Erased { structure: Arc::from(structure), hash };
            Ok((Change::Text(Arc::from(update)), Some(LeafSalts { leaf, content })))
        }
        _ => Err(Stop::Newer),
    }
}

fn decode_change(reader: &mut Reader<'_>, backend: u8) -> Result<Change, Stop> {
    let at = reader.offset();
    match backend {
        0 => Err(rule(reader, at, "backend", "a leaf has no backend")),
        BACKEND_LWW => {
            let mut body = reader.part("value", limits::OPERATION_BYTES)?;
            let value = codec::decode(&mut body)?;
            body.finish()?;
            Ok(Change::Set(value))
        }
        BACKEND_REDACTION => {
            let mut body = reader.part("redaction", limits::OPERATION_BYTES)?;
            let redaction = Redaction::decode(&mut body)?;
            body.finish()?;
            Ok(Change::Redact(Arc::new(redaction)))
        }
        BACKEND_HORIZON => {
            let mut body = reader.part("horizon", limits::OPERATION_BYTES)?;
            let frontier = Head::decode(&mut body)?;
            body.finish()?;
            Ok(Change::Horizon(frontier))
        }
        BACKEND_YRS => Ok(Change::Text(Arc::from(reader.bytes("text update", limits::OPERATION_BYTES)?))),
        backend => {
            let bytes = Arc::from(reader.bytes("opaque change", limits::OPERATION_BYTES)?);
            Ok(Change::Opaque { backend, bytes })
        }
    }
}
