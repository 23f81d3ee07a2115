use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use super::text::{Edit, TextDocument};
use super::*;
use crate::id::{ActorId, Stamp};
use crate::value::testing::any_value;

fn op(millis: u64) -> OpId {
    OpId::new(Stamp::from_millis(millis), 1)
}

/// What every backend keeps: applying in any order and any number of times, and joining replicas that saw
/// parts of the changes, all give the same value; snapshots stand for the property.
fn check_laws<B: PropertyBackend>(changes: &[(OpId, Change)], split: usize) {
    let all = |order: &mut dyn Iterator<Item = &(OpId, Change)>| {
        let mut property = B::empty();
        order.for_each(|(operation, change)| property.apply(*operation, change).unwrap());
        property
    };
    let expected = all(&mut changes.iter()).value();
    assert_eq!(all(&mut changes.iter().rev()).value(), expected, "backwards");
    assert_eq!(all(&mut changes.iter().chain(changes)).value(), expected, "twice");

    let (first, rest) = changes.split_at(split);
    let mut one = all(&mut first.iter());
    let other = all(&mut rest.iter().rev());
    if let Ok(snapshot) = other.snapshot() {
        one.join(&other).unwrap();
        assert_eq!(one.value(), expected, "joined");
        let mut late = B::restore(&snapshot).unwrap();
        first.iter().for_each(|(operation, change)| late.apply(*operation, change).unwrap());
        assert_eq!(late.value(), expected, "restored, then the rest");
    }
    assert!(all(&mut changes.iter()).difference(&mut all(&mut changes.iter())).is_empty());
}

proptest! {
    #[test]
    fn lww_keeps_the_laws(values in vec(any_value(), 0..6), split in any::<proptest::sample::Index>()) {
        let changes: Vec<_> =
            (1u64..).zip(values).map(|(millis, value)| (op(millis), Change::Set(value))).collect();
        check_laws::<Lww>(&changes, split.index(changes.len() + 1));
    }

    #[test]
    fn text_keeps_the_laws(
        edits in vec((1u64..4, any::<proptest::sample::Index>(), "[a-z😀]{0,3}", any::<bool>()), 0..8),
        split in any::<proptest::sample::Index>(),
    ) {
        let mut document = TextDocument::default();
        let mut changes = Vec::new();
        for (millis, (actor, at, insert, delete)) in (1u64..).zip(edits) {
            let length = document.text().chars().count();
            let position = at.index(length + 1);
            let delete = usize::from(delete && position < length);
            let update = document.edit(ActorId::new(actor), &[Edit { position, delete, insert }]).unwrap();
            changes.push((op(millis), Change::Text(Arc::from(update))));
        }
        check_laws::<TextDocument>(&changes, split.index(changes.len() + 1));
    }
}

#[test]
fn a_change_of_another_backend_is_an_error() {
    let error = Err(BackendError::Backend { operation: op(1) });
    assert_eq!(PropertyBackend::apply(&mut Lww::empty(), op(1), &Change::Text(Arc::from([0, 0]))), error);
    assert_eq!(PropertyBackend::apply(&mut TextDocument::empty(), op(1), &Change::Set(Value::Null)), error);
    assert!(Lww::restore(&[0; 16]).is_err());
    assert!(TextDocument::restore(&[9, 9]).is_err());
}

#[test]
fn differences() {
    let mut before = Lww { value: Value::Int(1), winner: op(1) };
    let mut after = Lww { value: Value::Int(2), winner: op(2) };
    assert_eq!(after.difference(&mut before).to_string(), "1 → 2");
    assert_eq!(after.difference(&mut Lww::empty()).to_string(), "unset → 2");

    let edit = |position, delete, insert: &str| Edit { position, delete, insert: insert.to_owned() };
    let mut before = TextDocument::default();
    let first = before.edit(ActorId::new(1), &[edit(0, 0, "a fine day")]).unwrap();
    let mut after = TextDocument::restore(&first).unwrap();
    after.edit(ActorId::new(2), &[edit(2, 4, "rainy")]).unwrap();
    assert_eq!(after.difference(&mut before).to_string(), "a [-fine-]{+rainy+} day");
}
