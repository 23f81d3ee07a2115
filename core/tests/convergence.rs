//! Nodes that change the same things at the same time, over links that delay, reorder, repeat and lose messages,
//! end up the same.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;
use std::sync::Arc;

use ankurah_core::catalog::Model;
use ankurah_core::env::Random;
use ankurah_core::env::fixed::{FixedEnv, SeededRandom};
use ankurah_core::id::{EntityId, OpId};
use ankurah_core::node::ingest::Role;
use ankurah_core::node::protocol::{Cell, Event, Outcome, Parameters, Request, SessionId};
use ankurah_core::node::sync::{Peer, PeerOptions};
use ankurah_core::node::{Node, NodeOptions};
use ankurah_core::storage::{Access, Deleted, Engine, Position, Scan, SetAside, memory};
use ankurah_core::value::Value;
use futures::StreamExt;
use futures::executor::block_on;

const SEEDS: u64 = 50;

struct Site {
    node: Node,
    fixed: FixedEnv,
    engine: Arc<dyn Engine>,
}

impl Site {
    fn new(seed: u64) -> Self {
        let fixed = FixedEnv::new(seed);
        let engine: Arc<dyn Engine> = Arc::new(block_on(memory::open(fixed.env.random.as_ref())).unwrap());
        let node =
            block_on(Node::open(Arc::clone(&engine), fixed.env.clone(), NodeOptions::default())).unwrap();
        Site { node, fixed, engine }
    }

    fn ask(&self, request: Request) -> Vec<Event> {
        block_on(self.node.connect().request(request).collect())
    }

    /// Runs a statement that may well fail: what it is about may not be here yet, or be here already.
    fn run(&self, statement: &str) -> Vec<Event> {
        let events = self.ask(Request::Execute {
            session: SessionId(1),
            statement: statement.to_owned(),
            parameters: Parameters::default(),
        });
        if let Some(Event::Failed(failure)) = events.last() {
            let expected =
                ["unknown-model", "unknown-property", "duplicate-property", "duplicate-key", "equivocal"];
            assert!(expected.contains(&failure.kind.as_str()), "{statement}: {failure:?}");
        }
        events
    }

    fn rows(&self, statement: &str) -> Vec<Vec<Value>> {
        let rows = |event| match event {
            Event::Rows(rows) => rows.to_values(),
            _ => Vec::new(),
        };
        self.run(statement).into_iter().flat_map(rows).collect()
    }

    fn models(&self) -> Vec<Arc<Model>> {
        match self.ask(Request::Catalog).into_iter().next() {
            Some(Event::Catalog(view)) => view.models,
            other => panic!("{other:?}"),
        }
    }

    /// Everything that has to be the same everywhere, as text.
    fn shown(&self) -> BTreeMap<String, String> {
        let mut shown = BTreeMap::new();
        let view = block_on(self.engine.view()).unwrap();
        for model in self.models() {
            shown.insert(format!("model {}", model.label), format!("{model:?}"));
            let rows = self.rows(&format!("select id, * from {}", model.label));
            shown.insert(format!("rows of {}", model.label), format!("{rows:?}"));
            let scan = Scan {
                model: model.id,
                access: Access::All { after: None },
                columns: Vec::new(),
                deleted: Deleted::Include,
                limit: None,
                expected: None,
            };
            let batches: Vec<_> = block_on(view.scan(scan).collect());
            for row in batches.into_iter().flat_map(Result::unwrap) {
                let state = block_on(view.state(model.id, row.entity)).unwrap().unwrap();
                let texts: Vec<_> = state.texts.keys().collect();
                let what = format!("{:?} {:?} {texts:?}", state.head, state.registers);
                shown.insert(format!("state of {} {}", model.label, row.entity), what);
            }
        }
        shown
    }

    fn set_aside(&self, set: SetAside) -> usize {
        self.ask(Request::SetAside { set }).len() - 1
    }
}

struct Dice(SeededRandom);

impl Dice {
    fn below(&self, end: u64) -> u64 {
        self.0.next_u64() % end
    }

    fn place(&self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap()
    }

    fn pick<'a, T>(&self, items: &'a [T]) -> &'a T {
        &items[self.place(items.len())]
    }
}

/// A link: what `ends[0]` sends is on its way in `pipes[0]`, and the other way round.
struct Wire {
    ends: [Peer; 2],
    pipes: [Vec<Vec<u8>>; 2],
}

impl Wire {
    fn new(a: &Site, b: &Site) -> Self {
        // Small pieces and a small window, so that there are many messages to mix up.
        let options = || PeerOptions { operations: 3, window: 4, ..PeerOptions::default() };
        let mut ends = [a.node.peer(options()), b.node.peer(options())];
        let pipes = [0, 1].map(|end: usize| block_on(ends[end].start()).unwrap());
        Wire { ends, pipes }
    }

    fn poll(&mut self) {
        for (end, pipe) in self.ends.iter_mut().zip(&mut self.pipes) {
            pipe.extend(block_on(end.poll()).unwrap());
        }
    }

    /// Delivers any message that is on its way from one end; where `lossy`, some are lost and some come again.
    /// Gives whether there was one.
    fn deliver(&mut self, from: usize, dice: &Dice, lossy: bool) -> bool {
        let pipe = &mut self.pipes[from];
        if pipe.is_empty() {
            return false;
        }
        let at = dice.place(pipe.len());
        let fate = if lossy { dice.below(20) } else { 19 };
        let message = if fate < 3 { pipe[at].clone() } else { pipe.swap_remove(at) };
        if fate != 3 {
            let answers = block_on(self.ends[1 - from].receive(&message)).unwrap();
            self.pipes[1 - from].extend(answers);
        }
        true
    }
}

const TITLES: [&str; 6] = ["Blue", "Hejira", "Court and Spark", "Clouds", "Mingus", "Song to a Seagull"];

fn import(site: &Site, dice: &Dice) {
    let row = |_| {
        let year = i64::try_from(dice.below(50)).unwrap();
        [Value::string(*dice.pick(&TITLES)).unwrap(), Value::Int(year), Value::string("imported").unwrap()]
            .map(Cell::Value)
            .to_vec()
    };
    let request = Request::Upsert {
        session: SessionId(2),
        model: "album".to_owned(),
        columns: ["title", "year", "note"].map(str::to_owned).to_vec(),
        rows: (0..3).map(row).collect(),
    };
    match site.ask(request).pop() {
        Some(Event::Done(done)) => assert!(matches!(done.outcome, Outcome::Upserted { .. })),
        Some(Event::Failed(failure)) => assert!(failure.kind.starts_with("unknown-"), "{failure:?}"),
        other => panic!("{other:?}"),
    }
}

/// Something that a user of a node may do.
fn act(site: &Site, dice: &Dice, forgets: bool) {
    let title = dice.pick(&TITLES);
    let number = dice.below(100);
    let statement = match dice.below(if forgets { 18 } else { 14 }) {
        14 => format!("redact album.note where title = '{title}'"),
        15 => format!("redact album.year where title = '{title}'"),
        16 => format!("redact album.year to {number} where title = '{title}'"),
        17 => format!("compact album where title = '{title}'"),
        0 | 1 => "create model if not exists album (title string key, year i64, note text)".to_owned(),
        2 => "create model if not exists song (name string, album ref(album))".to_owned(),
        3 => format!("alter model album add property rating {}", dice.pick(&["i64", "string", "decimal"])),
        4 | 5 => return import(site, dice),
        6 => format!("insert into album (title, year, note) values ('{title}', {number}, 'new')"),
        7 => format!(
            "insert into song (name, album) select 'song {number}', id from album where title = '{title}'"
        ),
        8 => format!("update album set year = {number} where title = '{title}'"),
        9 | 10 => {
            format!("edit album.note at 0 insert '{number} ', append ' é🎵{number}' where title = '{title}'")
        }
        11 => format!("update album set note = 'rewritten {number}' where title = '{title}'"),
        12 => format!("delete from album where title = '{title}'"),
        _ => format!("restore album where title = '{title}'"),
    };
    site.run(&statement);
}

/// Runs one simulation and gives how many entities there were in the end.
fn simulate(seed: u64, count: usize, forgets: bool) -> usize {
    let dice = Dice(SeededRandom::new(seed));
    let sites: Vec<Site> = (0..count).map(|number| Site::new(1_000 + seed * 10 + number as u64)).collect();
    let mut wires = Vec::new();
    for a in 0..count {
        for b in a + 1..count {
            // Three nodes stand in a row or in a ring.
            if b == a + 1 || seed % 2 == 0 {
                wires.push(Wire::new(&sites[a], &sites[b]));
            }
        }
    }
    for _ in 0..60 {
        act(dice.pick(&sites), &dice, forgets);
        for site in &sites {
            site.fixed.clock.advance(u32::try_from(dice.below(200_000)).unwrap());
        }
        for wire in &mut wires {
            wire.poll();
            for _ in 0..dice.below(6) {
                wire.deliver(dice.place(2), &dice, true);
            }
        }
    }
    settle(seed, &sites, &mut wires, &dice);
    let what = format!("seed {seed}, {count} nodes");
    if forgets {
        gone(&what, &sites);
    }
    compare(&what, &sites)
}

/// Lets the links work until nothing moves any more.
fn settle(seed: u64, sites: &[Site], wires: &mut [Wire], dice: &Dice) {
    let mut quiet = 0;
    for _ in 0..1_000 {
        let mut moved = false;
        for wire in wires.iter_mut() {
            wire.poll();
            for from in [0, 1] {
                while wire.deliver(from, dice, false) {
                    moved = true;
                }
            }
        }
        sites.iter().for_each(|site| site.fixed.clock.advance(6_000_000));
        quiet = if moved { 0 } else { quiet + 1 };
        if quiet == 3 {
            return;
        }
    }
    panic!("seed {seed}: the links do not come to rest");
}

fn compare(what: &str, sites: &[Site]) -> usize {
    let shown: Vec<_> = sites.iter().map(Site::shown).collect();
    for other in &shown[1..] {
        for (thing, here) in &shown[0] {
            assert_eq!(Some(here), other.get(thing), "{what}: {thing}");
        }
        assert_eq!(shown[0].len(), other.len(), "{what}");
    }
    for site in sites {
        for set in [SetAside::Parked, SetAside::Refused, SetAside::Equivocal] {
            assert_eq!(site.set_aside(set), 0, "{what}: {set:?}");
        }
        let faults = site.ask(Request::Verify);
        assert!(matches!(faults.as_slice(), [Event::Done(_)]), "{what}: {faults:?}");
    }
    shown[0].keys().filter(|thing| thing.starts_with("state of")).count()
}

/// A node that comes later gets everything, of what was folded the base; and what was erased by one is nowhere.
fn gone(what: &str, sites: &[Site]) {
    let later = [&sites[0]].into_iter().map(|site| (site, Site::new(9_999))).collect::<Vec<_>>();
    for (site, new) in &later {
        let mut wire = Wire::new(site, new);
        let dice = Dice(SeededRandom::new(7));
        for _ in 0..200 {
            wire.poll();
            for from in [0, 1] {
                while wire.deliver(from, &dice, false) {}
            }
            [site, new].into_iter().for_each(|site| site.fixed.clock.advance(6_000_000));
        }
        assert_eq!(new.shown(), site.shown(), "{what}");
        let faults = new.ask(Request::Verify);
        assert!(matches!(faults.as_slice(), [Event::Done(_)]), "{what}: {faults:?}");
    }
}

fn all_seeds(count: usize, forgets: bool) {
    let half = |rest| {
        (0..SEEDS).filter(|seed| seed % 2 == rest).map(|seed| simulate(seed, count, forgets)).sum::<usize>()
    };
    let entities: usize = std::thread::scope(|scope| {
        let halves = [0, 1].map(|rest| scope.spawn(move || half(rest)));
        halves.into_iter().map(|half| half.join().unwrap()).sum()
    });
    // A simulation in which nothing happens would converge, too.
    assert!(entities > 500, "{entities} entities in all");
}

#[test]
fn two_nodes_converge() {
    all_seeds(2, false);
}

#[test]
fn three_nodes_converge() {
    all_seeds(3, false);
}

/// Values are erased and histories folded while others still write on what was.
#[test]
fn nodes_that_redact_and_compact_converge() {
    all_seeds(2, true);
    all_seeds(3, true);
}

#[test]
fn entities_of_the_same_key_are_the_same() {
    let ids: Vec<EntityId> = [1, 2]
        .into_iter()
        .map(|seed| {
            let site = Site::new(seed);
            site.run("create model album (title string key, year i64)");
            site.run("insert into album (title) values ('Blue')");
            match site.rows("select id from album").first().and_then(|row| row.first()) {
                Some(Value::Ref(id)) => *id,
                other => panic!("{other:?}"),
            }
        })
        .collect();
    assert_eq!(ids[0], ids[1]);
}

#[test]
fn a_store_that_takes_the_place_of_another_on_a_link_is_sent_everything() {
    let sites = [1, 2, 3].map(Site::new);
    let dice = Dice(SeededRandom::new(1));
    sites[0].run("create model album (title string key, year i64)");
    sites[0].run("insert into album (title) values ('Blue')");
    let mut wires = [Wire::new(&sites[0], &sites[1])];
    settle(1, &sites, &mut wires, &dice);
    // The other side comes back as another store, say a restored one.
    wires[0].ends[1] = sites[2].node.peer(PeerOptions::default());
    wires[0].pipes = [Vec::new(), block_on(wires[0].ends[1].start()).unwrap()];
    settle(1, &sites, &mut wires, &dice);
    compare("another store on the link", &sites);
}

/// An operation of a version that nobody here knows: only its beginning means something.
fn of_a_later_version(number: u8) -> Vec<u8> {
    let mut bytes = vec![99];
    bytes.extend([1, 2, 3, 4, 5, number, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    bytes.extend([1, 2, 3, 4, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    bytes.extend(vec![number; usize::from(number) + 1]);
    bytes
}

/// A row waits in the middle for its catalog, which then comes from the other side: that side has not seen the row.
#[test]
fn what_one_link_frees_is_sent_on_by_it() {
    let sites: Vec<Site> = (0..3).map(Site::new).collect();
    for site in [&sites[0], &sites[2]] {
        site.run("create model album (title string key, year i64)");
    }
    sites[0].run("insert into album (title) values ('Blue')");
    let mut wires = [Wire::new(&sites[0], &sites[1]), Wire::new(&sites[1], &sites[2])];
    // The row alone, as if its catalog had been lost on the way.
    let view = block_on(sites[0].engine.view()).unwrap();
    let row = block_on(view.log(Position(0), 100))
        .unwrap()
        .into_iter()
        .flat_map(|entry| entry.changes)
        .last()
        .unwrap();
    let (_, operation) = block_on(view.operation(row.entity, row.operations[0])).unwrap().unwrap();
    let done = block_on(sites[1].node.ingest(&[operation.encode()], Role::Replica)).unwrap();
    assert_eq!(done.parked.len(), 1);
    settle(0, &sites[1..], &mut wires[1..], &Dice(SeededRandom::new(0)));
    assert_eq!(sites[2].rows("select title from album"), [[Value::string("Blue").unwrap()]]);
}

/// Operations of versions that are not known are kept, and reach nodes that stand beyond those that cannot read
/// them, however the links lose and repeat what they carry.
#[test]
fn what_is_not_understood_is_passed_on() {
    for seed in 0..10 {
        let dice = Dice(SeededRandom::new(seed));
        let sites: Vec<Site> = (0..3).map(|number| Site::new(2_000 + seed * 10 + number)).collect();
        let mut wires = [Wire::new(&sites[0], &sites[1]), Wire::new(&sites[1], &sites[2])];
        let mut expected = BTreeMap::new();
        for number in 0..20 {
            let (site, bytes) = (dice.pick(&sites), of_a_later_version(number));
            let done = block_on(site.node.ingest(std::slice::from_ref(&bytes), Role::Replica)).unwrap();
            expected.insert(done.parked[0], bytes);
            site.run("create model if not exists album (title string key, year i64, note text)");
            site.run(&format!("insert into album (title) values ('{number}')"));
            for wire in &mut wires {
                wire.poll();
                wire.deliver(dice.place(2), &dice, true);
            }
        }
        settle(seed, &sites, &mut wires, &dice);
        for site in &sites {
            let view = block_on(site.engine.view()).unwrap();
            let kept = block_on(view.set_aside(SetAside::Parked, OpId::MIN, 100)).unwrap();
            let kept: BTreeMap<_, _> =
                kept.into_iter().map(|aside| (aside.id, aside.bytes.to_vec())).collect();
            assert_eq!(kept, expected, "seed {seed}");
            assert_eq!(site.rows("select * from album"), sites[0].rows("select * from album"), "seed {seed}");
            let faults = site.ask(Request::Verify);
            assert!(matches!(faults.as_slice(), [Event::Done(_)]), "seed {seed}: {faults:?}");
        }
    }
}
