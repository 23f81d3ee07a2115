//! Which key a record has. `docs/format.md`, section "Storage", describes it for other programs.
//!
//! A key is one byte that names the kind of record, then fields of fixed width, big-endian, so that the order
//! of keys is the order of fields. A record name or an index key, which vary in length, come last or before a
//! field of fixed width.

use crate::id::{ActorId, EntityId, ModelId, OpId, PropertyId};
use crate::storage::{IndexId, Position, SetAside};

/// The store's own records: identity and head of the log.
pub const META: u8 = b'M';
/// States: model, entity.
pub const STATE: u8 = b'S';
/// Operations: entity, operation.
pub const OPERATION: u8 = b'O';
/// Starts of runs: entity, actor, sequence.
pub const RUN: u8 = b'R';
/// Snapshots of texts: entity, property.
pub const TEXT: u8 = b'T';
/// Tails of texts: entity, property, position, number in the commit.
pub const TAIL: u8 = b'U';
/// Bases: entity.
pub const BASE: u8 = b'B';
/// The change log: position.
pub const LOG: u8 = b'L';
/// Operations outside the DAG: set, operation.
pub const ASIDE: u8 = b'Q';
/// Actors of the pool: actor.
pub const ACTOR: u8 = b'A';
/// Named records of the node: name.
pub const RECORD: u8 = b'N';
/// Definitions of indexes: number.
pub const INDEX: u8 = b'D';
/// Entries of indexes: number, key, entity.
pub const ENTRY: u8 = b'I';
/// Counts of entities: model.
pub const COUNT: u8 = b'C';

/// Every first byte of a key, ascending.
pub const KINDS: [u8; 14] =
    [ACTOR, BASE, COUNT, INDEX, ENTRY, LOG, META, RECORD, OPERATION, ASIDE, RUN, STATE, TEXT, TAIL];

/// The record that identifies the store.
pub fn identity() -> Vec<u8> {
    vec![META, b'i']
}

/// The head of the log: position, version, shutdown mark.
pub fn head() -> Vec<u8> {
    vec![META, b'h']
}

fn key<const N: usize>(kind: u8, fields: [&[u8]; N]) -> Vec<u8> {
    let length = fields.iter().map(|field| field.len()).sum::<usize>();
    let mut key = Vec::with_capacity(length.saturating_add(1));
    key.push(kind);
    fields.iter().for_each(|field| key.extend_from_slice(field));
    key
}

/// All states of a model.
pub fn states(model: ModelId) -> Vec<u8> {
    key(STATE, [&model.to_bytes()])
}

/// A state.
pub fn state(model: ModelId, entity: EntityId) -> Vec<u8> {
    key(STATE, [&model.to_bytes(), &entity.to_bytes()])
}

/// All operations of an entity.
pub fn operations(entity: EntityId) -> Vec<u8> {
    key(OPERATION, [&entity.to_bytes()])
}

/// An operation.
pub fn operation(entity: EntityId, id: OpId) -> Vec<u8> {
    key(OPERATION, [&entity.to_bytes(), &id.to_bytes()])
}

/// All run starts of an entity.
pub fn runs(entity: EntityId) -> Vec<u8> {
    key(RUN, [&entity.to_bytes()])
}

/// All run starts of an actor on an entity.
pub fn runs_of(entity: EntityId, actor: ActorId) -> Vec<u8> {
    key(RUN, [&entity.to_bytes(), &actor.get().to_be_bytes()])
}

/// The start of a run.
pub fn run(entity: EntityId, actor: ActorId, sequence: u64) -> Vec<u8> {
    key(RUN, [&entity.to_bytes(), &actor.get().to_be_bytes(), &sequence.to_be_bytes()])
}

/// All text snapshots of an entity.
pub fn texts(entity: EntityId) -> Vec<u8> {
    key(TEXT, [&entity.to_bytes()])
}

/// The base of an entity.
pub fn base(entity: EntityId) -> Vec<u8> {
    key(BASE, [&entity.to_bytes()])
}

/// The snapshot of a text.
pub fn text(entity: EntityId, property: PropertyId) -> Vec<u8> {
    key(TEXT, [&entity.to_bytes(), &property.to_bytes()])
}

/// All text tails of an entity.
pub fn tails(entity: EntityId) -> Vec<u8> {
    key(TAIL, [&entity.to_bytes()])
}

/// The tail of a text.
pub fn tail(entity: EntityId, property: PropertyId) -> Vec<u8> {
    key(TAIL, [&entity.to_bytes(), &property.to_bytes()])
}

/// One operation of a text's tail.
pub fn tail_item(entity: EntityId, property: PropertyId, position: Position, number: u32) -> Vec<u8> {
    key(TAIL, [&entity.to_bytes(), &property.to_bytes(), &position.0.to_be_bytes(), &number.to_be_bytes()])
}

/// An entry of the change log.
pub fn log(position: Position) -> Vec<u8> {
    key(LOG, [&position.0.to_be_bytes()])
}

fn set_tag(set: SetAside) -> u8 {
    match set {
        SetAside::Parked => b'p',
        SetAside::Refused => b'r',
        SetAside::Equivocal => b'e',
    }
}

/// All operations of a set.
pub fn asides(set: SetAside) -> Vec<u8> {
    key(ASIDE, [&[set_tag(set)]])
}

/// An operation in a set.
pub fn aside(set: SetAside, id: OpId) -> Vec<u8> {
    key(ASIDE, [&[set_tag(set)], &id.to_bytes()])
}

/// An actor of the pool.
pub fn actor(actor: ActorId) -> Vec<u8> {
    key(ACTOR, [&actor.get().to_be_bytes()])
}

/// A named record.
pub fn record(name: &str) -> Vec<u8> {
    key(RECORD, [name.as_bytes()])
}

/// The definition of an index.
pub fn index(id: IndexId) -> Vec<u8> {
    key(INDEX, [&id.0.to_be_bytes()])
}

/// All entries of an index.
pub fn entries(id: IndexId) -> Vec<u8> {
    key(ENTRY, [&id.0.to_be_bytes()])
}

/// An entry of an index.
pub fn entry(id: IndexId, index_key: &[u8], entity: EntityId) -> Vec<u8> {
    key(ENTRY, [&id.0.to_be_bytes(), index_key, &entity.to_bytes()])
}

/// The counts of a model.
pub fn count(model: ModelId) -> Vec<u8> {
    key(COUNT, [&model.to_bytes()])
}

/// The smallest key after all keys that begin with `prefix`. `prefix` must have a byte below 255, as every key
/// here has in its first.
pub fn after_prefix(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if let Some(next) = last.checked_add(1) {
            end.push(next);
            return end;
        }
    }
    // Only for a prefix of nothing but 255: a key of this length that no record reaches.
    vec![u8::MAX; prefix.len().saturating_add(1)]
}

/// The 16 bytes of a key that start at `from`, as an id.
pub(crate) fn id_at(key: &[u8], from: usize) -> Option<OpId> {
    let (bytes, _) = key.get(from..)?.split_first_chunk::<16>()?;
    Some(OpId::from_bytes(*bytes))
}

/// The last 16 bytes of a key, as an id, and the bytes before them.
pub fn split_id(key: &[u8]) -> Option<(&[u8], OpId)> {
    let (before, bytes) = key.split_last_chunk::<16>()?;
    Some((before, OpId::from_bytes(*bytes)))
}

/// Whether `key` has a form that this version writes: its kind is known and its length fits.
pub fn is_known(key: &[u8]) -> bool {
    let Some((kind, rest)) = key.split_first() else { return false };
    match *kind {
        META => rest.len() == 1,
        STATE | OPERATION | TEXT => rest.len() == 32,
        RUN => rest.len() == 32,
        COUNT | BASE => rest.len() == 16,
        TAIL => rest.len() == 44,
        LOG | ACTOR => rest.len() == 8,
        ASIDE => rest.len() == 17,
        INDEX => rest.len() == 4,
        RECORD => std::str::from_utf8(rest).is_ok(),
        ENTRY => rest.len() >= 20,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ids() -> impl Strategy<Value = OpId> {
        prop_oneof![any::<u128>(), Just(0), Just(u128::MAX), Just(1)].prop_map(OpId::from_bits)
    }

    proptest! {
        #[test]
        fn keys_order_as_their_fields(a in (ids(), ids()), b in (ids(), ids()), p in any::<(u64, u32)>(), q in any::<(u64, u32)>()) {
            let states = |(m, e): (OpId, OpId)| state(ModelId(m), EntityId(e));
            prop_assert_eq!(states(a).cmp(&states(b)), a.cmp(&b));
            let ops = |(e, o): (OpId, OpId)| operation(EntityId(e), o);
            prop_assert_eq!(ops(a).cmp(&ops(b)), a.cmp(&b));
            let runs = |e: OpId, (actor, sequence): (u64, u32)| run(EntityId(e), ActorId::new(actor), sequence.into());
            let field = |e: OpId, (actor, sequence): (u64, u32)| (e, ActorId::new(actor), sequence);
            prop_assert_eq!(runs(a.0, p).cmp(&runs(b.0, q)), field(a.0, p).cmp(&field(b.0, q)));
            let tails = |(e, t): (OpId, OpId), (position, number): (u64, u32)| tail_item(EntityId(e), PropertyId(t), Position(position), number);
            prop_assert_eq!(tails(a, p).cmp(&tails(b, q)), (a, p).cmp(&(b, q)));
            prop_assert_eq!(log(Position(p.0)).cmp(&log(Position(q.0))), p.0.cmp(&q.0));
        }

        #[test]
        fn a_prefix_range_holds_exactly_the_keys_with_the_prefix(
            prefix in proptest::collection::vec(prop_oneof![Just(0u8), Just(255), any::<u8>()], 1..5),
            key in proptest::collection::vec(prop_oneof![Just(0u8), Just(255), any::<u8>()], 0..7),
        ) {
            prop_assume!(prefix.iter().any(|byte| *byte != 255));
            let end = after_prefix(&prefix);
            prop_assert_eq!(key.starts_with(&prefix), prefix <= key && key < end);
        }

        #[test]
        fn every_key_is_known_and_only_of_its_kind(e in ids(), o in ids(), n in any::<(u64, u32)>(), name in ".{0,20}", k in proptest::collection::vec(any::<u8>(), 0..40)) {
            let (model, entity, property) = (ModelId(o), EntityId(e), PropertyId(o));
            let (position, index_id, by) = (Position(n.0), IndexId(n.1), ActorId::new(n.0));
            let keys = [
                identity(), head(), state(model, entity), operation(entity, o),
                run(entity, by, n.0), text(entity, property), tail_item(entity, property, position, n.1),
                log(position), aside(SetAside::Refused, o), actor(by), record(&name), index(index_id),
                entry(index_id, &k, entity), count(model), base(entity),
            ];
            for key in &keys {
                prop_assert!(is_known(key), "{:?}", key);
            }
            prop_assert!(KINDS.is_sorted());
            prop_assert!(keys.iter().all(|key| KINDS.contains(&key[0])));
            prop_assert_eq!(split_id(&entry(index_id, &k, entity)).map(|(_, id)| id), Some(e));
            prop_assert_eq!(id_at(&state(model, entity), 1), Some(o));
        }
    }
}
