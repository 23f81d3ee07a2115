//! Properties of the byte format: exact, tamper-evident, safe on any input.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::strategy::ValueTree;

use super::arbitrary::{genesis, operation};
use crate::codec::Writer;
use crate::operation::commitment::{id_bits, payload_root};
use crate::operation::{Change, Decoded, Kind, Leaf, Operation, Salts};
use crate::value::codec;

fn known(bytes: &[u8]) -> Operation {
    match Operation::decode(bytes) {
        Ok(Decoded::Known(operation)) => operation,
        other => panic!("{other:?}"),
    }
}

/// Whether changed bytes of `original` are noticed: refused, not understood, or another operation.
#[track_caller]
fn check_noticed(original: &Operation, bytes: &[u8]) {
    match Operation::decode(bytes) {
        Err(_) => {}
        Ok(Decoded::Unknown { bytes: kept, .. }) => assert_eq!(&kept[..], bytes),
        Ok(Decoded::Known(other)) => {
            assert_eq!(other.encode(), bytes, "what decodes has one encoding");
            assert_ne!(other.digest(), original.digest());
        }
    }
}

fn flip(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut flipped = bytes.to_vec();
    flipped[bit / 8] ^= 1 << (bit % 8);
    flipped
}

#[test]
fn every_bit_of_one_operation_counts() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..8 {
        let original = operation().new_tree(&mut runner).unwrap().current();
        let bytes = original.encode();
        for bit in 0..bytes.len() * 8 {
            check_noticed(&original, &flip(&bytes, bit));
        }
    }
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(operation in operation()) {
        let bytes = operation.encode();
        let decoded = known(&bytes);
        prop_assert_eq!(&decoded, &operation);
        prop_assert_eq!(decoded.encode(), bytes);
    }

    #[test]
    fn a_flipped_bit_is_noticed(operation in operation(), bit in any::<prop::sample::Index>()) {
        let bytes = operation.encode();
        check_noticed(&operation, &flip(&bytes, bit.index(bytes.len() * 8)));
    }

    #[test]
    fn a_cut_or_longer_operation_is_refused(
        operation in operation(), cut in any::<prop::sample::Index>(), more in 1usize..4,
    ) {
        let mut bytes = operation.encode();
        prop_assert!(Operation::decode(&bytes[..cut.index(bytes.len())]).is_err());
        bytes.extend(vec![0; more]);
        prop_assert!(Operation::decode(&bytes).is_err());
    }

    #[test]
    fn any_bytes_are_safe(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = Operation::decode(&bytes);
        let mut versioned = vec![1];
        versioned.extend(bytes);
        let _ = Operation::decode(&versioned);
    }

    #[test]
    fn spliced_operations_are_safe(
        a in operation(), b in operation(), from in any::<prop::sample::Index>(),
        to in any::<prop::sample::Index>(), noise in prop::collection::vec(any::<u8>(), 0..4),
    ) {
        let (a_bytes, b_bytes) = (a.encode(), b.encode());
        let mut bytes = a_bytes[..from.index(a_bytes.len())].to_vec();
        bytes.extend(noise);
        bytes.extend(&b_bytes[to.index(b_bytes.len())..]);
        if let Ok(Decoded::Known(other)) = Operation::decode(&bytes) {
            prop_assert_eq!(other.encode(), bytes);
        }
    }

    #[test]
    fn erasing_keeps_the_digest_and_removes_the_content(
        operation in genesis(), which in any::<prop::sample::Index>(),
    ) {
        prop_assume!(!operation.leaves().is_empty());
        prop_assert!(operation.is_whole());
        let leaf = which.get(operation.leaves()).clone();
        let erased = operation.erase(leaf.property).unwrap();
        prop_assert!(!erased.is_whole());
        prop_assert_eq!(erased.link(), operation.link());
        prop_assert!(matches!(erased.change(leaf.property), Some(Change::Erased(_))));
        for other in operation.leaves().iter().filter(|other| other.property != leaf.property) {
            prop_assert_eq!(erased.change(other.property), Some(&other.change));
        }
        let bytes = erased.encode();
        prop_assert_eq!(&known(&bytes), &erased);
        // Neither a content that is odd enough to be looked for, nor the seed of its salt.
        for gone in [body(&leaf.change), seed(&operation)] {
            let distinct: BTreeSet<u8> = gone.iter().copied().collect();
            let elsewhere = erased.leaves().iter().any(|leaf| contains(&body(&leaf.change), &gone));
            if distinct.len() >= 6 && !elsewhere {
                prop_assert!(!contains(&bytes, &gone), "{gone:?}");
            }
        }
        prop_assert_eq!(erased.erase(leaf.property).unwrap(), erased);
    }

    #[test]
    fn the_payload_root_covers_properties_and_commitments_alone(count in 0usize..70) {
        let leaves: Vec<Leaf> = (0..count)
            .map(|index| Leaf {
                property: crate::id::PropertyId(crate::id::OpId::from_bits(index as u128)),
                change: Change::Erased(crate::id::Digest([index as u8; 32])),
            })
            .collect();
        let mut covered = b"ankurah/payload/1\0".to_vec();
        covered.push(count as u8);
        for leaf in &leaves {
            let Change::Erased(commitment) = &leaf.change else { unreachable!() };
            covered.extend(leaf.property.to_bytes());
            covered.extend(commitment.0);
        }
        let root = payload_root(&Salts::Each(vec![None; count]), &leaves).unwrap();
        prop_assert_eq!(root.0, *blake3::hash(&covered).as_bytes());
    }

    #[test]
    fn the_digest_bits_of_an_id_come_from_the_digest_or_the_name(operation in operation()) {
        let bits = operation.id().digest_bits();
        let header = operation.header();
        match &header.kind {
            Kind::Edit => prop_assert_eq!(bits, id_bits(&operation.digest())),
            Kind::Genesis { nonce } => {
                let id = Operation::genesis_id(header.model, header.id.stamp(), *nonce);
                prop_assert_eq!(id, operation.entity());
            }
            Kind::KeyedGenesis { key } => {
                prop_assert_eq!(Operation::keyed_id(header.model, key).unwrap(), operation.entity());
                prop_assert_eq!(operation.id().stamp().millis(), 0);
            }
        }
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    !part.is_empty() && bytes.windows(part.len()).any(|window| window == part)
}

fn seed(operation: &Operation) -> Vec<u8> {
    match operation.salts {
        Salts::Seed(seed) => seed.to_vec(),
        Salts::None | Salts::Each(_) => Vec::new(),
    }
}

fn body(change: &Change) -> Vec<u8> {
    match change {
        Change::Set(value) => {
            let mut writer = Writer::new();
            codec::encode(value, &mut writer);
            writer.into_bytes()
        }
        Change::Text(bytes) | Change::Opaque { bytes, .. } => bytes.to_vec(),
        Change::Redact(_) | Change::Horizon(_) => {
            let mut writer = Writer::new();
            crate::operation::encode::body(change, &mut writer);
            writer.into_bytes()
        }
        Change::Erased(_) => Vec::new(),
    }
}
