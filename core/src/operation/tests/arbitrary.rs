//! Generators of operations.

use std::sync::Arc;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use yrs::updates::decoder::Decode;
use yrs::{Doc, ReadTxn, StateVector, Text, Transact, Update};

use crate::dag::Link;
use crate::id::{ActorId, Author, Digest, EntityId, ModelId, OpId, PropertyId, Stamp, TransactionId};
use crate::operation::{Change, Leaf, Operation, Origin};
use crate::value::testing::any_value;

pub(super) fn model() -> impl Strategy<Value = ModelId> {
    any::<u128>().prop_map(|bits| ModelId(OpId::from_bits(bits)))
}

pub(super) fn property() -> impl Strategy<Value = PropertyId> {
    prop_oneof![0u128..8, any::<u128>()].prop_map(|bits| PropertyId(OpId::from_bits(bits)))
}

pub(super) fn origin() -> impl Strategy<Value = Origin> {
    (1u64..1 << 53, 1u64.., any::<[u8; 16]>(), any::<u128>()).prop_map(
        |(actor, sequence, author, transaction)| Origin {
            actor: ActorId::new(actor),
            sequence,
            author: Author(author),
            transaction: TransactionId(transaction),
        },
    )
}

/// The update of typing `text` and removing its first `removed` characters, as client `client`.
pub(super) fn text_update(client: u64, text: &str, removed: usize) -> Arc<[u8]> {
    let doc = Doc::with_client_id(client);
    let root = doc.get_or_insert_text("t");
    {
        let mut transaction = doc.transact_mut();
        root.insert(&mut transaction, 0, text);
    }
    {
        let mut transaction = doc.transact_mut();
        // yrs counts in bytes here.
        let bytes: usize = text.chars().take(removed).map(char::len_utf8).sum();
        root.remove_range(&mut transaction, 0, u32::try_from(bytes).unwrap());
    }
    let update = doc.transact().encode_state_as_update_v1(&StateVector::default());
    assert!(Update::decode_v1(&update).is_ok());
    Arc::from(update)
}

fn change(actor: ActorId) -> impl Strategy<Value = Change> {
    let text = ("[a-zäöü😀 ]{1,20}", 0usize..10)
        .prop_map(move |(text, removed)| Change::Text(text_update(actor.get(), &text, removed)));
    let opaque = (5u8.., vec(any::<u8>(), 0..40))
        .prop_map(|(backend, bytes)| Change::Opaque { backend, bytes: Arc::from(bytes) });
    prop_oneof![4 => any_value().prop_map(Change::Set), 1 => text, 1 => opaque]
}

/// An origin and changes, of which the texts are by its actor.
fn authored() -> impl Strategy<Value = (Origin, Vec<Leaf>)> {
    origin().prop_flat_map(|origin| {
        let leaves = btree_map(property(), change(origin.actor), 0..6);
        leaves.prop_map(move |changes| {
            (origin, changes.into_iter().map(|(property, change)| Leaf { property, change }).collect())
        })
    })
}

pub(super) fn genesis() -> impl Strategy<Value = Operation> {
    let stamp = (1u64 << 16..).prop_map(Stamp::from_bits);
    (model(), stamp, any::<[u8; 16]>(), authored(), any::<[u8; 16]>()).prop_map(
        |(model, stamp, nonce, (origin, leaves), salt)| {
            Operation::genesis(model, stamp, nonce, origin, leaves, salt).unwrap()
        },
    )
}

pub(super) fn keyed_genesis() -> impl Strategy<Value = Operation> {
    let value = any_value().prop_filter("keys have no null", |value| !value.is_null());
    (model(), btree_map(property(), value, 1..4))
        .prop_map(|(model, key)| Operation::keyed_genesis(model, key.into_iter().rev().collect()).unwrap())
}

/// An edit of an entity with up to five parents between it and its genesis.
pub(super) fn edit() -> impl Strategy<Value = Operation> {
    let millis = btree_map(2u64..1000, any::<([u8; 32], u64)>(), 0..5);
    let genesis = prop_oneof![genesis_link(), keyed_genesis().prop_map(|operation| operation.link())];
    (model(), genesis, millis, authored(), any::<[u8; 16]>(), option::of(Just(()))).prop_map(
        |(model, genesis, parents, (origin, leaves), salt, redundant)| {
            let origin = Origin { sequence: origin.sequence | (1 << 63), ..origin };
            let mut links: Vec<Link> = parents
                .into_iter()
                .map(|(millis, (digest, bits))| Link {
                    id: OpId::new(Stamp::from_millis(millis), bits),
                    digest: Digest(digest),
                    actor: ActorId::new(bits | 1),
                    sequence: (bits >> 1).max(1),
                })
                .collect();
            if links.is_empty() || redundant.is_some() {
                links.push(genesis);
            }
            let entity = EntityId(genesis.id);
            let stamp = Stamp::from_millis(1000);
            Operation::edit(entity, model, stamp, origin, links, leaves, salt).unwrap()
        },
    )
}

fn genesis_link() -> impl Strategy<Value = Link> {
    (1u64..1 << 53, 1u64..100, any::<[u8; 32]>()).prop_map(|(actor, sequence, digest)| Link {
        id: OpId::new(Stamp::from_millis(1), sequence),
        digest: Digest(digest),
        actor: ActorId::new(actor),
        sequence,
    })
}

/// Any operation, at times with some properties erased.
pub(super) fn operation() -> impl Strategy<Value = Operation> {
    let whole = prop_oneof![2 => genesis(), 1 => keyed_genesis(), 3 => edit()];
    (whole, any::<u8>()).prop_map(|(mut operation, erased)| {
        if erased < 0x80 {
            let properties: Vec<PropertyId> = operation.leaves().iter().map(|leaf| leaf.property).collect();
            for (index, property) in properties.into_iter().enumerate() {
                let text = matches!(operation.change(property), Some(Change::Text(_)));
                if text && erased % 3 > 0 {
                    operation = operation.erase_content(property).unwrap();
                }
                if (erased >> index.min(6)) & 1 == 1 {
                    operation = operation.erase(property).unwrap();
                }
            }
        }
        operation
    })
}
