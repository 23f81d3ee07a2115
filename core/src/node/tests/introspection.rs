//! What a node says of its store and of its program.

use std::sync::Arc;

use super::World;
use crate::node::NodeOptions;
use crate::node::journal::{Journal, JournalLevel};
use crate::node::protocol::{Event, Request};
use crate::storage::StoreStatistics;

fn statistics(world: &World) -> StoreStatistics {
    match world.ask(Request::Statistics).unwrap().1.others.as_slice() {
        [Event::Statistics(statistics)] => statistics.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_the_store_takes_and_how_often_indexes_are_read() {
    let world = World::new();
    let empty = statistics(&world);
    world.run("create model album (title string, year i64)");
    for start in 0..20 {
        let rows: Vec<String> = (0..100).map(|row| format!("('t', {})", start * 100 + row)).collect();
        world.run(&format!("insert into album (title, year) values {}", rows.join(", ")));
    }
    world.run("delete from album where year = 7");
    // The second query that would have used it has the index made.
    for _ in 0..2 {
        world.run("select title from album where year = 78");
    }
    world.fixed.spawn.run_until_stalled();
    let made = statistics(&world);
    assert_eq!(made.indexes.len(), 1);
    assert_eq!(made.indexes[0].index, world.engine.indexes()[0].id);
    assert_eq!((made.indexes[0].entries, made.indexes[0].scans), (Some(1999), 0));
    assert_eq!((made.entities - empty.entities, made.deleted), (1999 + 3, 1));
    // A memory engine knows its keys, and has neither a disk nor a cache.
    assert!(made.footprint.keys > empty.footprint.keys);
    assert_eq!((made.footprint.disk, made.footprint.cache), (None, None));
    for read in 1..=3 {
        world.run("select title from album where year = 78");
        assert_eq!(statistics(&world).indexes[0].scans, read);
    }
}

#[test]
fn the_journal_is_told_from_a_line_on() {
    let journal = Arc::new(Journal::new());
    let options = NodeOptions { journal: Some(Arc::clone(&journal)), ..NodeOptions::default() };
    let world = World::with(options);
    let numbers = |after: u64| -> Vec<u64> {
        let events = world.ask(Request::Journal { after }).unwrap().1.others;
        let lines = events.into_iter().flat_map(|event| match event {
            Event::Journal(lines) => lines,
            other => panic!("{other:?}"),
        });
        lines.map(|line| line.number).collect()
    };
    assert_eq!(numbers(0), Vec::<u64>::new());
    for line in 0..600 {
        journal.add(line, JournalLevel::Info, "test", "line");
    }
    assert_eq!(numbers(0), (1..=600).collect::<Vec<u64>>());
    assert_eq!(numbers(598), [599, 600]);
    let failure = World::new().ask(Request::Journal { after: 0 }).unwrap_err();
    assert_eq!(failure.kind, "no-journal");
}
