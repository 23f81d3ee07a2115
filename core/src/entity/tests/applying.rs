use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::catalog::reserved;
use crate::dag::{Base, Head, Link};
use crate::entity::{ApplyError, State, TextVersion, apply};
use crate::id::{ActorId, Author, EntityId, ModelId, OpId, PropertyId, Stamp, TransactionId};
use crate::operation::{Change, Leaf, Operation, Origin};
use crate::value::Value;

fn property(number: u128) -> PropertyId {
    PropertyId(OpId::from_bits(number))
}

fn model(number: u128) -> ModelId {
    ModelId(OpId::from_bits(number))
}

fn origin(actor: u64, sequence: u64) -> Origin {
    Origin {
        actor: ActorId::new(actor),
        sequence,
        author: Author([1; 16]),
        transaction: TransactionId(u128::from(sequence)),
    }
}

fn set(number: u128, value: Value) -> Leaf {
    Leaf { property: property(number), change: Change::Set(value) }
}

fn genesis(leaves: Vec<Leaf>) -> Operation {
    Operation::genesis(model(1), Stamp::from_millis(1), [0; 16], origin(1, 1), leaves, [7; 16]).unwrap()
}

fn edit(of: EntityId, millis: u64, by: Origin, parents: &[Link], leaves: Vec<Leaf>) -> Operation {
    Operation::edit(of, model(1), Stamp::from_millis(millis), by, parents.to_vec(), leaves, [8; 16]).unwrap()
}

#[test]
fn a_genesis_and_its_edits() {
    let first = genesis(vec![set(1, Value::Int(1)), set(2, Value::Null)]);
    let mut state = apply(None, &first).unwrap();
    assert_eq!(state.head.links(), [first.link()]);
    assert_eq!((state.get(property(1)), state.get(property(2))), (Some(&Value::Int(1)), Some(&Value::Null)));
    assert_eq!(state.get(property(3)), None);

    // Two concurrent edits: the greater id wins, whichever comes first.
    let left = edit(first.entity(), 2, origin(1, 2), &[first.link()], vec![set(1, Value::Int(2))]);
    let right = edit(first.entity(), 3, origin(2, 1), &[first.link()], vec![set(1, Value::Int(3))]);
    let both = apply(Some(&apply(Some(&state), &left).unwrap()), &right).unwrap();
    state.apply(&right).unwrap();
    state.apply(&left).unwrap();
    assert_eq!(state, both);
    assert_eq!(state.head.links(), [left.link(), right.link()]);
    assert_eq!(state.get(property(1)), Some(&Value::Int(3)));

    // An edit of both joins the head, and wins though it says less.
    let merge = edit(first.entity(), 4, origin(1, 3), state.head.links(), vec![set(1, Value::Int(0))]);
    state.apply(&merge).unwrap();
    assert_eq!(state.head.links(), [merge.link()]);
    assert_eq!(state.get(property(1)), Some(&Value::Int(0)));
}

#[test]
fn a_keyed_genesis_sets_its_key() {
    let key = vec![(property(5), Value::Int(70)), (property(4), Value::string("x").unwrap())];
    let first = Operation::keyed_genesis(model(1), key).unwrap();
    let state = apply(None, &first).unwrap();
    assert_eq!(state.get(property(5)), Some(&Value::Int(70)));
    assert!(state.registers.values().all(|register| register.winner == first.id()));
}

#[test]
fn deletion_and_texts() {
    let text = |number| Leaf { property: property(number), change: Change::Text(Arc::from([0u8, 0])) };
    let deleted = |value| Leaf { property: *reserved::DELETED, change: Change::Set(Value::Bool(value)) };
    let first = genesis(vec![text(9), set(1, Value::Int(1))]);
    let mut state = apply(None, &first).unwrap();
    assert!(!state.is_deleted());
    assert_eq!(state.text(property(9)), Some(TextVersion { folded: 0, tail: 1 }));
    assert_eq!(state.text(property(8)), None);

    let gone = edit(first.entity(), 2, origin(1, 2), &[first.link()], vec![deleted(true)]);
    let typed = edit(first.entity(), 3, origin(2, 1), &[first.link()], vec![text(9)]);
    state.apply(&gone).unwrap();
    state.apply(&typed).unwrap();
    assert!(state.is_deleted());
    assert_eq!(state.text(property(9)), Some(TextVersion { folded: 0, tail: 2 }));
    let version = state.text(property(9)).unwrap();
    assert_eq!((version.folded(), version.operations()), (TextVersion { folded: 2, tail: 0 }, 2));

    let back = edit(first.entity(), 4, origin(1, 3), state.head.links(), vec![deleted(false)]);
    state.apply(&back).unwrap();
    assert!(!state.is_deleted());
}

#[test]
fn erased_changes_are_null() {
    let first = genesis(vec![set(1, Value::Int(1)), set(2, Value::Int(2))]);
    let state = apply(None, &first.erase(property(1)).unwrap()).unwrap();
    assert_eq!((state.get(property(1)), state.get(property(2))), (Some(&Value::Null), Some(&Value::Int(2))));
    assert_eq!(state.head.links(), [first.link()]);
}

#[test]
fn what_cannot_be_applied_is_an_error() {
    let first = genesis(vec![]);
    let state = apply(None, &first).unwrap();
    let next = edit(first.entity(), 2, origin(1, 2), &[first.link()], vec![]);
    let after = edit(first.entity(), 3, origin(1, 3), &[next.link()], vec![]);
    let other = EntityId(OpId::from_bits(77));
    let strange = edit(other, 4, origin(1, 2), &[first.link()], vec![]);
    let elsewhere = Operation::edit(
        first.entity(),
        model(2),
        Stamp::from_millis(4),
        origin(1, 2),
        vec![first.link()],
        vec![],
        [0; 16],
    )
    .unwrap();
    for (state, operation, expected) in [
        (None, &next, ApplyError::NoGenesis { operation: next.id(), entity: first.entity() }),
        (Some(&state), &first, ApplyError::Again { operation: first.id() }),
        (Some(&state), &after, ApplyError::Parent { operation: after.id(), parent: next.id() }),
        (
            Some(&state),
            &strange,
            ApplyError::Entity { operation: strange.id(), expected: first.entity(), found: other },
        ),
        (
            Some(&state),
            &elsewhere,
            ApplyError::Model { operation: elsewhere.id(), expected: model(1), found: model(2) },
        ),
    ] {
        assert_eq!(apply(state, operation), Err(expected));
    }
    let moved = apply(Some(&state), &next).unwrap();
    assert_eq!(apply(Some(&moved), &first), Err(ApplyError::Exists { operation: first.id() }));
}

#[test]
fn a_base_covers_parents() {
    let first = genesis(vec![]);
    let next = edit(first.entity(), 2, origin(1, 2), &[first.link()], vec![]);
    let after = edit(first.entity(), 3, origin(1, 3), &[next.link()], vec![set(1, Value::Int(1))]);
    let mut state = apply(Some(&apply(None, &first).unwrap()), &next).unwrap();
    state.base = Some(Base {
        frontier: Head::of([next.link()]),
        vector: [(ActorId::new(1), 2)].into_iter().collect(),
    });
    // An edit of another replica that stands on the middle of the base.
    let fork = edit(first.entity(), 4, origin(2, 1), &[first.link()], vec![]);
    state.apply(&fork).unwrap();
    state.apply(&after).unwrap();
    assert_eq!(state.head.links(), [after.link(), fork.link()]);
}

/// What a replica does: sets a property to a number, or reads all that another has.
#[derive(Clone, Debug)]
enum Step {
    Set(u128, i64),
    Read(usize),
}

fn step() -> impl Strategy<Value = (usize, Step)> {
    let step = prop_oneof![2 => (0u128..3, 0i64..9).prop_map(|(id, value)| Step::Set(id, value)), 1 => (0usize..3).prop_map(Step::Read)];
    (0usize..3, step)
}

struct Replica {
    state: State,
    has: Vec<usize>,
    written: u64,
}

proptest! {
    #[test]
    fn every_order_gives_the_same_state(steps in vec(step(), 1..30), seed: u64) {
        let first = genesis(vec![]);
        let begin = || Replica { state: apply(None, &first).unwrap(), has: Vec::new(), written: 1 };
        let mut replicas = [begin(), begin(), begin()];
        let mut operations: Vec<Operation> = Vec::new();
        for (time, (who, step)) in (2u64..).zip(steps) {
            match step {
                Step::Set(id, value) => {
                    let replica = &mut replicas[who];
                    replica.written += 1;
                    let by = origin(u64::try_from(who).unwrap() + 1, replica.written);
                    let operation =
                        edit(first.entity(), time, by, replica.state.head.links(), vec![set(id, Value::Int(value))]);
                    replica.state.apply(&operation).unwrap();
                    replica.has.push(operations.len());
                    operations.push(operation);
                }
                Step::Read(whom) => {
                    for operation in replicas[whom].has.clone() {
                        if !replicas[who].has.contains(&operation) {
                            replicas[who].state.apply(&operations[operation]).unwrap();
                            replicas[who].has.push(operation);
                        }
                    }
                }
            }
        }

        // Any order in which parents come first.
        let mut state = apply(None, &first).unwrap();
        let mut left: Vec<&Operation> = operations.iter().collect();
        let mut random = seed;
        while !left.is_empty() {
            let waits = |operation: &Operation, left: &[&Operation]| {
                operation.parents().iter().any(|parent| left.iter().any(|other| other.link() == *parent))
            };
            let ready: Vec<usize> = (0..left.len()).filter(|at| !waits(left[*at], &left)).collect();
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let pick = ready[usize::try_from(random >> 33).unwrap() % ready.len()];
            state.apply(left.remove(pick)).unwrap();
        }

        for id in 0..3 {
            let expected = operations
                .iter()
                .filter_map(|operation| match operation.change(property(id)) {
                    Some(Change::Set(value)) => Some((operation.id(), value)),
                    _ => None,
                })
                .max_by_key(|(winner, _)| *winner)
                .map(|(_, value)| value);
            prop_assert_eq!(state.get(property(id)), expected);
        }
        let maximal = operations.iter().chain([&first]).map(Operation::link);
        let maximal = Head::of(maximal.filter(|link| !operations.iter().any(|other| other.parents().contains(link))));
        prop_assert_eq!(&state.head, &maximal);
        prop_assert_eq!(State::decode(&state.encode()), Ok(state));
    }
}
