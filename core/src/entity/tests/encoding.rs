use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::catalog::reserved;
use crate::dag::{Base, Head, Link, VersionVector};
use crate::entity::{Columns, Register as Lww, State, StateReader, TextVersion};

use crate::id::{ActorId, Digest, EntityId, ModelId, OpId, PropertyId, Stamp};
use crate::storage::Position;
use crate::value::testing::any_value;
use crate::value::{Rows, Value};

fn property(number: u128) -> PropertyId {
    PropertyId(OpId::from_bits(number))
}

fn op_id(millis: u64, bits: u64) -> OpId {
    OpId::new(Stamp::from_millis(millis), bits)
}

fn link(millis: u64, actor: u64, sequence: u64) -> Link {
    Link { id: op_id(millis, 7), digest: Digest([3; 32]), actor: ActorId::new(actor), sequence }
}

fn any_state() -> impl Strategy<Value = State> {
    let registers = proptest::collection::btree_map(0u128..40, (any_value(), 1u64..6), 0..12);
    let texts = proptest::collection::btree_map(40u128..50, (0u64..300, 0u64..3), 0..3);
    let head = proptest::collection::btree_map(1u64..99, (1u64..9, 1u64..9), 1..4);
    let vector = proptest::option::of(proptest::collection::btree_map(1u64..9, 1u64..9, 1..4));
    (registers, texts, head, vector, any::<Option<bool>>(), any::<u64>()).prop_map(
        |(registers, texts, head, vector, deleted, position)| {
            let mut registers: BTreeMap<_, _> = registers
                .into_iter()
                .map(|(id, (value, millis))| (property(id), Lww { value, winner: op_id(millis, 0) }))
                .collect();
            if let Some(deleted) = deleted {
                registers
                    .insert(*reserved::DELETED, Lww { value: Value::Bool(deleted), winner: op_id(9, 9) });
            }
            let head =
                Head::of(head.into_iter().map(|(millis, (actor, sequence))| link(millis, actor, sequence)));
            let base = vector.map(|vector| Base {
                frontier: head.clone(),
                vector: vector
                    .into_iter()
                    .map(|(actor, to)| (ActorId::new(actor), to))
                    .collect::<VersionVector>(),
            });
            State {
                entity: EntityId(op_id(1, 1)),
                model: ModelId(op_id(1, 2)),
                position: Position(position),
                head,
                base,
                registers,
                texts: texts
                    .into_iter()
                    .map(|(id, (folded, tail))| (property(id), TextVersion { folded, tail }))
                    .collect(),
            }
        },
    )
}

proptest! {
    #[test]
    fn reads_what_it_writes(state in any_state()) {
        prop_assert_eq!(State::decode(&state.encode()), Ok(state));
    }

    #[test]
    fn columns_are_those_of_the_state(state in any_state(), asked in proptest::collection::vec(0u128..52, 0..8)) {
        let bytes = state.encode();
        let reader = StateReader::new(&bytes).unwrap();
        prop_assert_eq!(reader.is_deleted(), state.is_deleted());
        prop_assert_eq!((reader.entity(), reader.model(), reader.position()), (state.entity, state.model, state.position));
        let asked: Vec<_> = asked.into_iter().map(property).collect();
        let (mut rows, mut texts) = (Rows::new(asked.len()), Vec::new());
        reader.columns(&Columns::new(&asked), &mut rows, |place, version| texts.push((place, version))).unwrap();
        let expected: Vec<_> = asked.iter().map(|id| state.get(*id).cloned().unwrap_or(Value::Null)).collect();
        prop_assert_eq!(rows.to_values(), [expected]);
        texts.sort_by_key(|(place, _)| *place);
        let expected: Vec<_> =
            asked.iter().enumerate().filter_map(|(at, id)| Some((at, state.text(*id)?))).collect();
        prop_assert_eq!(texts, expected);
    }

    #[test]
    fn damaged_bytes_are_an_error_or_another_state(
        state in any_state(),
        at in any::<proptest::sample::Index>(),
        flip in 1u8..,
        cut in any::<proptest::sample::Index>(),
    ) {
        let bytes = state.encode();
        let cut = cut.index(bytes.len());
        prop_assert!(State::decode(&bytes[..cut]).is_err());
        let mut damaged = bytes.clone();
        damaged[at.index(bytes.len())] ^= flip;
        if let Ok(other) = State::decode(&damaged) {
            prop_assert_eq!(&other.encode(), &damaged);
        }
        if let Ok(reader) = StateReader::new(&damaged) {
            let asked = Columns::new(&[property(3), property(41)]);
            let _ = reader.columns(&asked, &mut Rows::new(2), |_, _| {});
        }
    }
}

#[test]
fn a_state_of_nine_columns_is_small() {
    let winner = op_id(5, 5);
    let state = State {
        entity: EntityId(op_id(1, 1)),
        model: ModelId(op_id(1, 2)),
        position: Position(1_000_000),
        head: Head::of([link(5, 1, 1)]),
        base: None,
        registers: (0..9).map(|id| (property(id), Lww { value: Value::Int(1), winner })).collect(),
        texts: BTreeMap::new(),
    };
    assert_eq!(state.encode().len(), 278);
}
