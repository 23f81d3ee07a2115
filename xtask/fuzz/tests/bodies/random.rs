//! Random bytes, and random changes of what fuzzers kept.

use ankurah_fuzz::{LONGEST, target};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::corpus::inputs;

/// A change of an input.
#[derive(Clone, Debug)]
enum Change {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, u8),
    Repeat(Index, u8),
    Splice(Index, Index, Index),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    prop_oneof![
        3 => (at(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        2 => (at(), prop::collection::vec(any::<u8>(), 1..8)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        2 => (at(), any::<u8>()).prop_map(|(at, count)| Change::Remove(at, count)),
        1 => (at(), any::<u8>()).prop_map(|(at, count)| Change::Repeat(at, count)),
        1 => (at(), at(), at()).prop_map(|(other, head, tail)| Change::Splice(other, head, tail)),
    ]
}

fn changed(corpus: &[(String, Vec<u8>)], of: Index, changes: &[Change]) -> Vec<u8> {
    let mut data = of.get(corpus).1.clone();
    for change in changes {
        let end = |at: &Index, count: u8| (at.index(data.len() + 1) + usize::from(count)).min(data.len());
        match change {
            Change::Set(at, byte) if !data.is_empty() => {
                let at = at.index(data.len());
                data[at] = *byte;
            }
            Change::Set(_, byte) => data.push(*byte),
            Change::Insert(at, bytes) => {
                let at = at.index(data.len() + 1);
                data.splice(at..at, bytes.iter().copied());
            }
            Change::Remove(at, count) => {
                let end = end(at, *count);
                data.drain(at.index(data.len() + 1)..end);
            }
            Change::Repeat(at, count) => {
                let end = end(at, *count);
                let piece = data[at.index(data.len() + 1)..end].to_vec();
                data.splice(end..end, piece);
            }
            Change::Splice(other, head, tail) => {
                let other = &other.get(corpus).1;
                data.truncate(head.index(data.len() + 1));
                data.extend_from_slice(&other[tail.index(other.len() + 1)..]);
            }
        }
    }
    data
}

fn check(name: &str, cases: u32) {
    let target = target(name).unwrap();
    let corpus = inputs(name);
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let bytes = prop::collection::vec(any::<u8>(), 0..300);
    let of_corpus = (any::<Index>(), prop::collection::vec(change(), 1..6))
        .prop_map(move |(of, changes)| changed(&corpus, of, &changes));
    let any = prop_oneof![1 => bytes, 3 => of_corpus];
    let result = proptest::test_runner::TestRunner::new(config).run(&any, |mut data| {
        data.truncate(LONGEST);
        (target.body)(&data);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

#[test]
fn key() {
    check("key", 2000);
}

#[test]
fn operation() {
    check("operation", 500);
}

#[test]
fn frame() {
    check("frame", 100);
}

#[test]
fn link() {
    check("link", 500);
}

#[test]
fn parser() {
    check("parser", 500);
}

#[test]
fn text() {
    check("text", 500);
}

#[cfg(feature = "import")]
#[test]
fn import() {
    check("import", 200);
}
