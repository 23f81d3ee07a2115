//! Dumps of a small store that were cut at every byte, and damaged at a thousand places.

use std::collections::BTreeMap;

use super::*;
use crate::dump::{Decoder, DumpError, MAGIC, Unit};
use crate::env::Random;
use crate::env::fixed::SeededRandom;
use crate::node::Restored;

impl World {
    fn dump(&self) -> Vec<u8> {
        let pieces: Vec<_> = block_on(self.node.dump().collect());
        pieces.into_iter().flat_map(Result::unwrap).collect()
    }

    fn restore(&self, units: &[Unit]) -> Restored {
        block_on(self.node.restore(units)).unwrap()
    }
}

fn small() -> World {
    let world = World::seeded(2, NodeOptions::default());
    world.check(
        "create model album (title string key, year i64, note text)
         insert into album (title, year, note) values ('Blue', 1971, 'one'), ('Post', 1995, 'two')
         update album set year = 1972 where title = 'Blue'
         edit album.note append ' more'
         delete from album where title = 'Post'",
    );
    world
}

/// What is read of a dump, and how it ends.
fn read(dump: &[u8]) -> (Vec<Unit>, Result<(), DumpError>) {
    let mut decoder = Decoder::new();
    decoder.feed(dump);
    let mut units = Vec::new();
    loop {
        match decoder.advance() {
            Ok(Some(unit)) => units.push(unit),
            Ok(None) => return (units, decoder.finish().map(drop)),
            Err(error) => return (units, Err(error)),
        }
    }
}

/// Stores the first units of a dump, once for each number of them, and checks what is stored.
struct Checked {
    all: Vec<Unit>,
    seen: BTreeMap<usize, String>,
}

impl Checked {
    fn check(&mut self, units: &[Unit], what: &str) {
        assert!(self.all.starts_with(units), "{what}: it reads as something else");
        let all = &self.all;
        self.seen.entry(units.len()).or_insert_with(|| {
            let world = World::new();
            let restored = world.restore(units);
            assert_eq!((restored.invalid.as_slice(), restored.parked), ([].as_slice(), 0), "{what}");
            assert_eq!(world.ask(Request::Verify).unwrap().1.others, vec![], "{what}");
            // The whole dump brings the rest.
            world.restore(all);
            world.run("select title, year, note from album").1.text()
        });
    }
}

#[test]
fn a_dump_cut_at_any_byte_keeps_what_is_before() {
    let (world, dump) = (small(), small().dump());
    let mut checked = Checked { all: read(&dump).0, seen: BTreeMap::new() };
    for end in 0..dump.len() {
        let (units, error) = read(&dump[..end]);
        let Err(DumpError::Cut { end: told, .. }) = error else { panic!("cut at {end}: {error:?}") };
        assert_eq!(told, end as u64);
        checked.check(&units, &format!("cut at {end}"));
    }
    let whole = world.run("select title, year, note from album").1.text();
    assert_eq!(checked.seen.len(), checked.all.len() + 1, "every number of units was met");
    assert!(checked.seen.values().all(|found| *found == whole));
}

#[test]
fn a_dump_damaged_anywhere_stores_nothing_wrong() {
    let dump = small().dump();
    let mut checked = Checked { all: read(&dump).0, seen: BTreeMap::new() };
    let dice = SeededRandom::new(7);
    for _ in 0..1_000 {
        let at = usize::try_from(dice.next_u64() % dump.len() as u64).unwrap();
        let mut damaged = dump.clone();
        damaged[at] ^= 1u8 << (dice.next_u64() % 8);
        let (units, error) = read(&damaged);
        match error {
            Err(DumpError::NotADump | DumpError::Newer { .. }) => assert!(at <= MAGIC.len()),
            Err(DumpError::Damaged { offset, .. } | DumpError::Cut { offset, .. }) => {
                assert!(offset <= at as u64);
            }
            Ok(()) => panic!("a bit flipped at byte {at} goes unseen"),
        }
        checked.check(&units, &format!("damaged at byte {at}"));
    }
}
