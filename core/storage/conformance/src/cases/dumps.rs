//! Dumps: a store comes back with every id and head, whatever the engines.

use std::sync::Arc;

use ankurah_core::dump::{DumpReader, Unit};
use ankurah_core::env::fixed::FixedEnv;
use ankurah_core::node::ingest::Role;
use ankurah_core::node::protocol::{Event, Parameters, Request, SessionId};
use ankurah_core::node::{Node, NodeOptions, Restored};
use ankurah_core::operation::{Decoded, Operation};
use ankurah_core::storage::{Durability, Engine, Position, SetAside, memory};
use futures::StreamExt;
use futures::executor::block_on;

use super::view;
use crate::contents::contents;
use crate::data::Dice;
use crate::{Case, Factory, Place, dynamic, open};

pub(super) fn cases<F: Factory>() -> Vec<Case<F>> {
    vec![
        Case { name: "dumps::a_round_trip_keeps_every_id_and_head", run: |f: &F| round_trip(f) },
        Case { name: "dumps::restoring_twice_or_into_another_store_merges", run: |f: &F| merge(f) },
        Case { name: "dumps::what_is_before_a_cut_is_restored", run: |f: &F| cut(f) },
        Case { name: "dumps::a_flipped_bit_stores_nothing_wrong", run: |f: &F| flipped(f) },
        Case { name: "dumps::a_dump_is_one_position_while_others_write", run: |f: &F| online(&f.place()) },
    ]
}

/// A node on a store.
pub(crate) struct Site {
    pub(crate) node: Node,
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) fixed: FixedEnv,
}

impl Site {
    pub(crate) fn on(engine: Arc<dyn Engine>, seed: u64) -> Self {
        let fixed = FixedEnv::new(seed);
        let options = NodeOptions { durability: Durability::Buffered, ..NodeOptions::default() };
        let node = block_on(Node::open(Arc::clone(&engine), fixed.env.clone(), options)).unwrap();
        Site { node, engine, fixed }
    }

    fn memory(seed: u64) -> Self {
        let fixed = FixedEnv::new(seed);
        let engine = block_on(memory::open(fixed.env.random.as_ref())).unwrap();
        Site::on(Arc::new(engine), seed)
    }

    pub(crate) fn ask(&self, request: Request) -> Vec<Event> {
        block_on(self.node.connect().request(request).collect())
    }

    pub(crate) fn run(&self, statement: &str) {
        self.run_in(1, statement);
    }

    fn run_in(&self, session: u64, statement: &str) {
        let (session, statement) = (SessionId(session), statement.to_owned());
        let events = self.ask(Request::Execute { session, statement, parameters: Parameters::default() });
        assert!(!matches!(events.last(), Some(Event::Failed(_))), "{events:?}");
    }

    /// Every operation in the order of the log, encoded.
    fn log(&self) -> Vec<Vec<u8>> {
        let view = view(&*self.engine);
        let changes =
            block_on(view.log(Position(0), usize::MAX)).unwrap().into_iter().flat_map(|entry| entry.changes);
        let ids = changes.flat_map(|change| change.operations.into_iter().map(move |id| (change.entity, id)));
        ids.filter_map(|(entity, id)| block_on(view.operation(entity, id)).unwrap())
            .map(|(_, operation)| operation.encode())
            .collect()
    }

    pub(crate) fn dump(&self) -> Vec<u8> {
        let pieces: Vec<_> = block_on(self.node.dump().collect());
        pieces.into_iter().flat_map(Result::unwrap).collect()
    }

    fn contents(&self) -> std::collections::BTreeMap<String, String> {
        contents(&*view(&*self.engine))
    }

    pub(crate) fn faults(&self) -> Vec<Event> {
        let mut events = self.ask(Request::Verify);
        assert!(matches!(events.pop(), Some(Event::Done(_))));
        events
    }
}

/// Some history of every kind: models, keys, changes, texts, deletions, forks, operations that are parked, refused,
/// of a newer version, or of an actor that wrote twice.
pub(crate) fn fill(site: &Site) {
    for statement in [
        "create model artist (name string key, born i64)",
        "create model album (title string, year i64, artist ref(artist), note text)",
        "insert into artist (name, born) values ('Joni', 1943), ('Miles', 1926)",
        "insert into album (title, year, note) values ('Blue', 1971, 'one'), ('Kind of Blue', 1959, 'two')",
        "update album set year = 1972 where title = 'Blue'",
        "edit album.note append ' more'",
        "delete from artist where name = 'Miles'",
        "alter model album add property rating decimal",
        "update album set rating = 4.5",
    ] {
        site.run(statement);
    }
    // Another store with the same history goes on by itself, and some of what it writes comes here.
    let other = Site::memory(7);
    block_on(other.node.ingest(&site.log(), Role::Replica)).unwrap();
    let before = other.log().len();
    other.run("update album set year = 2000");
    other.run("edit album.note append ' elsewhere'");
    other.run("insert into artist (name, born) values ('Nina', 1933)");
    site.run("update album set title = 'both'");
    let later: Vec<Vec<u8>> = other.log().split_off(before);
    block_on(site.node.ingest(&later, Role::Replica)).unwrap();
    other.run("update artist set born = 1 where name = 'Nina'");
    other.run("update artist set born = 2 where name = 'Nina'");
    other.run("update artist set born = 3 where name = 'Joni'");
    let mut last = other.log();
    let refused = last.pop().unwrap();
    block_on(site.node.ingest(std::slice::from_ref(&refused), Role::Replica)).unwrap();
    let Ok(Decoded::Known(operation)) = Operation::decode(&refused) else { panic!("no operation") };
    let transaction = operation.origin().unwrap().transaction;
    assert_eq!(block_on(site.node.refuse(transaction, "not wanted")).unwrap().len(), 1);
    let mut newer = refused;
    newer[0] = 2;
    newer[16] ^= 1;
    let waits = last.pop().unwrap();
    assert_eq!(block_on(site.node.ingest(&[waits, newer], Role::Replica)).unwrap().parked.len(), 2);
    site.run("update album set year = 1973 where year > 1970");
}

fn filled<F: Factory>(place: &F::Place) -> Site {
    let site = Site::on(dynamic(&open(place).unwrap()), 1);
    fill(&site);
    assert_eq!(site.faults(), vec![]);
    site
}

/// Takes in a dump as far as it is right.
pub(crate) fn restore(site: &Site, dump: &[u8]) -> (Restored, Option<String>) {
    let mut restored = Restored::default();
    let mut reader = match DumpReader::open(dump) {
        Ok((reader, _)) => reader,
        Err(error) => return (restored, Some(error.to_string())),
    };
    loop {
        match reader.advance() {
            Ok(Some(unit)) => restored.add(block_on(site.node.restore(&[unit])).unwrap()),
            Ok(None) => return (restored, None),
            Err(error) => return (restored, Some(error.to_string())),
        }
    }
}

fn round_trip<F: Factory>(factory: &F) {
    let (there, back) = (factory.place(), factory.place());
    let site = filled::<F>(&there);
    let dump = site.dump();
    let memory = Site::memory(2);
    let (restored, error) = restore(&memory, &dump);
    assert_eq!((error, restored.invalid.as_slice(), restored.known), (None, [].as_slice(), 0));
    assert_eq!(memory.contents(), site.contents());
    assert_eq!(memory.faults(), vec![]);
    // And from memory into the engine again.
    let again = Site::on(dynamic(&open(&back).unwrap()), 3);
    let second = memory.dump();
    assert_eq!(restore(&again, &second), (restored, None));
    assert_eq!(again.contents(), site.contents());
    assert_eq!(again.faults(), vec![]);
    // Each writes on under its own name.
    again.run("update album set year = 1 where title = 'both'");
    assert_eq!(again.faults(), vec![]);
    assert_ne!(again.node.author(), site.node.author());
    block_on(again.node.close()).unwrap();
    drop(again);
    let reopened = Site::on(dynamic(&open(&back).unwrap()), 4);
    assert_eq!(reopened.faults(), vec![]);
}

fn merge<F: Factory>(factory: &F) {
    let (one, two) = (factory.place(), factory.place());
    let site = filled::<F>(&one);
    let dump = site.dump();
    let before = site.contents();
    let (again, error) = restore(&site, &dump);
    assert_eq!((error, again.new, again.parked, again.refused, again.invalid.len()), (None, 0, 0, 0, 0));
    assert_eq!(site.contents(), before, "it changes nothing");
    // A store with other data of its own keeps them.
    let other = Site::on(dynamic(&open(&two).unwrap()), 9);
    other.run("create model artist (name string key, born i64)");
    other.run("insert into artist (name, born) values ('Joni', 0), ('Tom', 1949)");
    let (restored, error) = restore(&other, &dump);
    assert_eq!((error, restored.invalid.len()), (None, 0));
    assert!(restored.new > 0 && restored.known > 0, "{restored:?}");
    assert_eq!(other.faults(), vec![]);
    // Both ways, and they are the same.
    restore(&site, &other.dump());
    let states = |site: &Site| -> Vec<(String, String)> {
        site.contents().into_iter().filter(|(name, _)| name != "log").collect()
    };
    assert_eq!(states(&site), states(&other));
}

fn cut<F: Factory>(factory: &F) {
    let place = factory.place();
    let site = filled::<F>(&place);
    let dump = site.dump();
    let (all, units) = (site.contents(), units(&dump));
    // In memory all of them, with the engine some.
    let target = factory.place();
    let engine = Site::on(dynamic(&open(&target).unwrap()), 5);
    let mut dice = Dice::new(5);
    for end in (0..dump.len()).step_by(97).chain([dump.len() - 1]) {
        let site = Site::memory(5);
        let (_, error) = restore(&site, &dump[..end]);
        let error =
            error.unwrap_or_else(|| panic!("a dump cut at byte {end} is restored as if it were whole"));
        assert!(error.contains("cut short"), "{error}");
        assert_eq!(site.faults(), vec![], "cut at byte {end}");
        for (name, bytes) in site.contents().iter().filter(|(name, _)| name.starts_with("operations")) {
            assert!(bytes.len() <= all[name].len());
        }
    }
    let end = dump.len() / 2 + dice.below(dump.len() / 4);
    restore(&engine, &dump[..end]);
    assert_eq!(engine.faults(), vec![]);
    // The rest is taken in afterwards.
    let (rest, error) = restore(&engine, &dump);
    assert_eq!((error, engine.contents()), (None, all), "{rest:?} of {units}");
}

fn units(dump: &[u8]) -> usize {
    let (mut reader, _) = DumpReader::open(dump).unwrap();
    let mut count = 0;
    while let Some(unit) = reader.advance().unwrap() {
        count += usize::from(matches!(unit, Unit::Commit { .. } | Unit::Aside(_)));
    }
    count
}

fn flipped<F: Factory>(factory: &F) {
    let place = factory.place();
    let site = filled::<F>(&place);
    let dump = site.dump();
    let all = site.contents();
    let mut dice = Dice::new(6);
    for _ in 0..100 {
        let mut dump = dump.clone();
        let at = dice.below(dump.len());
        dump[at] ^= 1 << dice.below(8);
        let site = Site::memory(6);
        let (_, error) = restore(&site, &dump);
        assert!(error.is_some(), "a bit flipped at byte {at} goes unseen");
        assert_eq!(site.faults(), vec![]);
        for (name, found) in site.contents().iter().filter(|(name, _)| name.starts_with("Refused")) {
            assert_eq!(Some(found), all.get(name));
        }
    }
}

fn online(place: &impl Place) {
    const ROWS: i64 = 400;
    let site = Site::on(dynamic(&open(place).unwrap()), 1);
    site.run("create model counter (n i64 key, twice i64)");
    let writer = |thread: i64| {
        for n in 0..ROWS {
            let key = thread * ROWS + n;
            site.run_in(
                thread.unsigned_abs(),
                &format!("insert into counter (n, twice) values ({key}, {})", 2 * key),
            );
        }
    };
    let dumps: Vec<Vec<u8>> = std::thread::scope(|scope| {
        for thread in 0..3 {
            scope.spawn(move || writer(thread));
        }
        (0..4).map(|_| site.dump()).collect()
    });
    for dump in dumps {
        let (_, header) = DumpReader::open(dump.as_slice()).unwrap();
        let copy = Site::memory(8);
        let (_, error) = restore(&copy, &dump);
        assert_eq!(error, None);
        // It has what the log named up to its position, all of it and nothing else.
        let view = view(&*site.engine);
        let entries = block_on(view.log(Position(0), usize::MAX)).unwrap();
        let upto = entries.iter().filter(|entry| entry.position <= header.position);
        let expected: usize =
            upto.flat_map(|entry| &entry.changes).map(|change| change.operations.len()).sum();
        assert_eq!(copy.log().len(), expected);
        assert_eq!(copy.faults(), vec![]);
    }
    assert_eq!(
        block_on(view(&*site.engine).set_aside(SetAside::Parked, ankurah_core::id::OpId::MIN, 9)).unwrap(),
        vec![]
    );
}
