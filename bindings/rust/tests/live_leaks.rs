//! Memory: live queries that are gone leave nothing behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod world;

use ankurah::Timestamp;
use ankurah::core::node::live::LiveQuestion;
use ankurah::protocol::Parameters;
use ankurah_counting::{Counting, leaves_at_most};
use futures::executor::block_on;

use self::world::{Album, World};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// What a store and its maps may keep for the next time, in bytes, however often.
const KEPT: i64 = 32_768;

fn world() -> World {
    let world = World::new();
    (0..40).for_each(|year| drop(world.create(&format!("title {year}"), year)));
    world
}

/// How often, in all: `ANKURAH_LEAK_TIMES` sets it.
fn times() -> usize {
    std::env::var("ANKURAH_LEAK_TIMES").map_or(20_000, |times| times.parse().unwrap())
}

#[test]
fn subscriptions_of_every_kind_leave_nothing() {
    let world = world();
    let kinds = [
        "select * from album where year = ",
        "select title from album order by title limit 3 offset ",
        "select year % 3, count(*), sum(year), max(title) from album group by 1 order by 1 limit ",
        "select distinct title from album where year <> ",
        "select title, artist.name from album where artist.name is null and year > ",
        "select 6 / (year - 100) from album where year > ",
        "select count(*) from album where 1 = ",
        "select * from nowhere where year = ",
    ];
    let work = |times: usize| {
        let mut kept = Vec::new();
        for number in 0..times {
            let text = format!("{}{}", kinds[number % kinds.len()], number % 50);
            let question = LiveQuestion::statement(&text, Parameters::default(), Timestamp(0)).waiting();
            kept.push(block_on(world.context.node().live(question)).unwrap());
            // Up to two hundred live at a time, dropped in changing order.
            if kept.len() == 200 {
                world.settle();
                if number % 2 == 0 { kept.clear() } else { kept.drain(..).rev().for_each(drop) }
            }
        }
        drop(kept);
        world.settle();
    };
    leaves_at_most(KEPT, times(), work);
}

#[test]
fn typed_live_queries_and_their_signals_leave_nothing() {
    let world = world();
    let work = |times: usize| {
        for number in 0..times / 10 {
            let live = world.context.live::<Album>(("year > ? order by title limit 5", number as i64 % 50));
            let count = live.rows().map(|rows| rows.len());
            world.settle();
            live.set_query("year < 3");
            world.settle();
            assert_eq!(count.get(), 3);
        }
        world.settle();
    };
    leaves_at_most(KEPT, times(), work);
}
