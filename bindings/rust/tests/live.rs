//! Live queries with typed rows.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod world;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ankurah::signals::effect;
use ankurah::{Context, LiveQuery, LiveStatus, Node, NodeOptions, OpenOptions, RowChange, Target, query};
use futures::executor::block_on;
use futures::{FutureExt, StreamExt};

use self::world::{Album, World};

fn titles(live: &LiveQuery<Album>) -> String {
    live.rows().read().iter().map(|album| album.title().to_owned()).collect::<Vec<_>>().join(" ")
}

#[test]
fn rows_follow_every_change() {
    let world = World::new();
    let live = world.context.live::<Album>(("year > ? order by year", 1970));
    assert_eq!(live.status().get(), LiveStatus::Loading);
    world.settle();
    assert_eq!((titles(&live).as_str(), live.status().get()), ("", LiveStatus::Ready));
    let late = world.create("late", 1990);
    world.create("early", 1971);
    world.create("older", 1960);
    assert_eq!(titles(&live), "early late");
    block_on(world.context.edit(&late, |album| album.set_year(1970))).unwrap();
    world.settle();
    assert_eq!(titles(&live), "early");
    let fetched = block_on(world.context.fetch(query!(Album: "year > 1970"))).unwrap();
    assert_eq!(live.rows().read().iter().map(|row| (**row).clone()).collect::<Vec<_>>(), fetched);
}

#[test]
fn changes_are_told_one_after_the_other() {
    let world = World::new();
    let live = world.context.live::<Album>("order by year");
    let mut changes = live.changes();
    assert!(changes.next().now_or_never().is_none_or(|first| first.unwrap().unwrap().len() == 1));
    world.settle();
    let a = world.create("a", 1);
    let mut told = Vec::new();
    let mut take = |told: &mut Vec<String>| {
        world.settle();
        while let Some(Some(next)) = changes.next().now_or_never() {
            told.extend(next.unwrap().iter().map(|change| match change {
                RowChange::Reset(rows) => format!("reset {}", rows.len()),
                RowChange::Enter { at, row } => format!("+{at} {}", row.title()),
                RowChange::Leave { at, row } => format!("-{at} {}", row.title()),
                RowChange::Update { at, row } => format!("~{at} {}", row.title()),
                RowChange::Move { from, to, row } => format!(">{from} {to} {}", row.title()),
            }));
        }
    };
    take(&mut told);
    let b = world.create("b", 2);
    take(&mut told);
    block_on(world.context.edit(&a, |album| album.set_year(3))).unwrap();
    take(&mut told);
    block_on(world.context.edit(&b, |album| album.set_title("B"))).unwrap();
    take(&mut told);
    block_on(world.context.delete::<Album>(&a)).unwrap();
    take(&mut told);
    assert_eq!(told.last_chunk::<4>().unwrap().join(", "), "+1 b, >0 1 a, ~0 B, -1 a");
}

#[test]
fn changes_follow_the_query_and_end_with_it() {
    let world = World::new();
    world.create("a", 1);
    world.create("b", 2);
    let live = world.context.live::<Album>(("year = ?", 1));
    let mut changes = live.changes();
    let mut told = || {
        let (mut told, mut quiet) = (Vec::new(), 0);
        // What is asked may set something off in the background.
        while quiet < 8 {
            world.settle();
            match changes.next().now_or_never() {
                None => quiet += 1,
                Some(None) => return [told, vec!["end".to_owned()]].concat(),
                Some(Some(next)) => told.extend(next.unwrap().iter().map(|change| match change {
                    RowChange::Reset(rows) => {
                        let titles: Vec<_> = rows.iter().map(|album| album.title()).collect();
                        format!("reset {}", titles.join(" "))
                    }
                    RowChange::Enter { row, .. } => format!("+ {}", row.title()),
                    other => format!("{other:?}"),
                })),
            }
        }
        told
    };
    assert_eq!(told(), ["reset a"]);
    live.set_query(("year = ?", 2));
    live.set_query(("year = ?", 3));
    assert_eq!(told(), ["reset "]);
    world.create("c", 1);
    world.create("d", 3);
    assert_eq!(told(), ["+ d"]);
    drop(live);
    world.create("e", 3);
    assert_eq!(told(), ["end"]);
}

#[test]
fn another_query_can_take_its_place() {
    let world = World::new();
    world.create("a", 1);
    world.create("b", 2);
    let live = world.context.live::<Album>(("year = ?", 1));
    world.settle();
    assert_eq!(titles(&live), "a");
    live.set_query(("year = ?", 2));
    assert_eq!((titles(&live).as_str(), live.status().get()), ("a", LiveStatus::Loading));
    world.settle();
    assert_eq!((titles(&live).as_str(), live.status().get()), ("b", LiveStatus::Ready));
    world.create("c", 1);
    assert_eq!(titles(&live), "b");
}

#[test]
fn what_is_wrong_is_told() {
    let world = World::new();
    let live = world.context.live::<Album>("nothing > 1");
    world.settle();
    let LiveStatus::Ended(error) = live.status().get() else { panic!("{live:?}") };
    assert_eq!(error.kind(), "unknown-property");
    live.set_query("6 / year > 1");
    world.settle();
    let zero = world.create("a", 0);
    let LiveStatus::Failed(error) = live.status().get() else { panic!("{live:?}") };
    assert_eq!(error.kind(), "division-by-zero");
    block_on(world.context.edit(&zero, |album| album.set_year(2))).unwrap();
    world.settle();
    assert_eq!((titles(&live).as_str(), live.status().get()), ("a", LiveStatus::Ready));
    block_on(world.context.close()).unwrap();
    world.settle();
    let LiveStatus::Ended(error) = live.status().get() else { panic!("{live:?}") };
    assert_eq!(error.kind(), "closed");
}

#[test]
fn an_entity_and_a_property_are_signals() {
    let world = World::new();
    let album = world.create("a", 1);
    let live = world.context.live_entity::<Album>(&album);
    let year = live.property(|album| album.year());
    assert_eq!(year.get(), None);
    world.settle();
    assert_eq!(year.get(), Some(1));
    block_on(world.context.edit(&album, |album| album.set_year(2))).unwrap();
    world.settle();
    assert_eq!(year.get(), Some(2));
    let version = year.version();
    block_on(world.context.edit(&album, |album| album.set_title("A"))).unwrap();
    world.settle();
    assert_eq!((year.get(), year.version()), (Some(2), version));
    assert_eq!(live.view().get().unwrap().title(), "A");
    block_on(world.context.delete::<Album>(&album)).unwrap();
    world.settle();
    assert_eq!(year.get(), None);
}

#[test]
fn dropping_it_ends_it() {
    let world = World::new();
    let live = world.context.live::<Album>("");
    let rows = live.rows();
    world.create("a", 1);
    drop(live);
    world.create("b", 1);
    assert_eq!(rows.read().len(), 1);
    assert_eq!(world.fixed.spawn.run_until_stalled(), 0);
}

#[test]
fn a_query_is_changed_without_a_glitch() {
    let world = World::new();
    for (title, year) in [("a", 1), ("b", 1), ("c", 2), ("d", 3)] {
        world.create(title, year);
    }
    let live = Arc::new(world.context.live::<Album>(("year = ?", 1)));
    world.settle();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let _effect = effect({
        let (rows, status, seen) = (live.rows(), live.status(), Arc::clone(&seen));
        move || {
            let titles: Vec<_> = rows.read().iter().map(|album| album.title().to_owned()).collect();
            let ready = status.get() == LiveStatus::Ready;
            seen.lock().unwrap().push(format!(
                "{} {}",
                titles.join(""),
                if ready { "ready" } else { "loading" }
            ));
        }
    });
    // The parameter, then the predicate, twice before the first of them was answered, while others write.
    live.set_query(("year = ?", 2));
    world.settle();
    live.set_query("year > 2");
    live.set_query(("title < ?", "c"));
    world.create("A", 2);
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    // Rows and status are those of one query, always, and whole.
    assert_eq!(seen.first().unwrap(), "ab ready");
    assert_eq!(seen.last().unwrap(), "abA ready");
    let whole = ["ab ready", "ab loading", "c ready", "c loading", "abA ready"];
    assert!(seen.iter().all(|found| whole.contains(&found.as_str())), "{seen:?}");
    assert!(seen.contains(&"c ready".to_owned()), "{seen:?}");
}

#[test]
fn a_subscriber_that_panics_or_changes_the_query_concerns_nobody_else() {
    let world = World::new();
    let live = Arc::new(world.context.live::<Album>("year = 1"));
    world.settle();
    let rows = live.rows();
    let _panics = effect(move || assert!(rows.read().is_empty(), "this subscriber cannot stand rows"));
    // It asks for something else as soon as there is a row, from within the notification.
    let (rows, weak, once) = (live.rows(), Arc::downgrade(&live), AtomicBool::new(false));
    let _changes = effect(move || {
        if rows.read().len() == 2 && !once.swap(true, Ordering::SeqCst) {
            weak.upgrade().unwrap().set_query("year = 2");
        }
    });
    for (title, year) in [("a", 1), ("b", 2), ("c", 1), ("d", 2)] {
        world.create(title, year);
    }
    world.settle();
    assert_eq!((titles(&live).as_str(), live.status().get()), ("b d", LiveStatus::Ready));
}

#[test]
fn a_slow_effect_holds_no_other_query_up() {
    let long = Duration::from_secs(120);
    let context = block_on(OpenOptions::new().open_target(&Target::Memory)).unwrap();
    let (slow, good) = (context.live::<Album>("year > 0"), context.live::<Album>("year > 1"));
    let ((go, wait), (told, is_told)) = (channel::<()>(), channel());
    let wait = Mutex::new(wait);
    let _slow = effect({
        let rows = slow.rows();
        move || {
            if !rows.read().is_empty() {
                // Until the test says so.
                let _ = wait.lock().unwrap().recv();
            }
        }
    });
    let _good = effect({
        let rows = good.rows();
        move || {
            let _ = told.send(rows.read().len());
        }
    });
    for title in ["a", "b", "c"] {
        let album = Album { title: title.to_owned(), year: 2, artist: None };
        block_on(context.create(&album)).unwrap();
    }
    while is_told.recv_timeout(long).unwrap() < 3 {}
    drop(go);
}

#[test]
fn an_effect_can_wait_for_the_store() {
    let long = Duration::from_secs(120);
    let context = block_on(OpenOptions::new().open_target(&Target::Memory)).unwrap();
    let (live, copies) = (context.live::<Album>("year = 1"), context.live::<Album>("year = 2"));
    let (told, is_told) = channel();
    let _effect = effect({
        let (rows, context) = (live.rows(), context.clone());
        move || {
            for album in rows.read().iter() {
                let copy = Album { title: album.title().to_owned(), year: 2, artist: None };
                told.send(block_on(context.create(&copy)).map(|_| ()).map_err(|e| e.to_string())).unwrap();
            }
        }
    });
    let album = Album { title: "a".to_owned(), year: 1, artist: None };
    block_on(context.create(&album)).unwrap();
    assert_eq!(is_told.recv_timeout(long), Ok(Ok(())));
    let mut rows = copies.rows().stream();
    while block_on(rows.next()).unwrap().is_empty() {}
}

#[test]
fn a_model_that_cannot_be_declared_here_is_waited_for() {
    let world = World::new();
    let options = NodeOptions { read_only: true, ..NodeOptions::default() };
    let node =
        block_on(Node::open(Arc::clone(world.context.node().engine()), world.fixed.env.clone(), options));
    let reader = Context::new(node.unwrap());
    let live = reader.live::<Album>("order by year");
    world.settle();
    let LiveStatus::Failed(error) = live.status().get() else { panic!("{live:?}") };
    assert_eq!(error.kind(), "unknown-model");
    world.create("a", 1);
    world.create("b", 0);
    assert_eq!((titles(&live).as_str(), live.status().get()), ("b a", LiveStatus::Ready));
}
