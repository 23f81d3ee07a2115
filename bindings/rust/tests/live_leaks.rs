//! Memory: live queries that are gone leave nothing behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![expect(unsafe_code, reason = "an allocator that counts is only possible so")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use ankurah::core::env::fixed::FixedEnv;
use ankurah::core::node::live::LiveQuestion;
use ankurah::protocol::Parameters;
use ankurah::{Context, Durability, Model, OpenOptions, Ref, Target, Timestamp};
use futures::executor::block_on;

/// The system's allocator, counting what each thread does. A test is one thread.
struct Counting;

thread_local! {
    static LIVE: Cell<i64> = const { Cell::new(0) };
}

fn bytes(layout: Layout) -> i64 {
    i64::try_from(layout.size()).unwrap_or(i64::MAX)
}

// SAFETY: every call is handed on unchanged to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.set(LIVE.get() + bytes(layout));
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.set(LIVE.get() - bytes(layout));
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

#[derive(Debug, Model)]
struct Artist {
    name: String,
}

#[derive(Debug, Model)]
struct Album {
    title: String,
    year: i64,
    artist: Option<Ref<Artist>>,
}

struct World {
    context: Context,
    fixed: FixedEnv,
}

impl World {
    fn new() -> Self {
        let fixed = FixedEnv::new(1);
        let options = OpenOptions::new().env(fixed.env.clone()).durability(Durability::Buffered);
        let context = block_on(options.open_target(&Target::Memory)).unwrap();
        for year in 0..40 {
            let album = Album { title: format!("title {year}"), year, artist: None };
            block_on(context.create(&album)).unwrap();
        }
        World { context, fixed }
    }
}

/// Asserts that `work` leaves as many bytes behind as it found, but for what a store and its maps keep for the next time,
/// which does not grow with `times`. It runs once before.
fn check(work: impl Fn(usize), times: usize) {
    work(1_000);
    let before = LIVE.get();
    work(times);
    let left = LIVE.get() - before;
    assert!(left < 32_768, "{left} bytes are left of {times} times");
}

/// How often, in all: `ANKURAH_LEAK_TIMES` sets it.
fn times() -> usize {
    std::env::var("ANKURAH_LEAK_TIMES").map_or(20_000, |times| times.parse().unwrap())
}

#[test]
fn subscriptions_of_every_kind_leave_nothing() {
    let world = World::new();
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
                world.fixed.spawn.run_until_stalled();
                if number % 2 == 0 { kept.clear() } else { kept.drain(..).rev().for_each(drop) }
            }
        }
        drop(kept);
        world.fixed.spawn.run_until_stalled();
    };
    check(work, times());
}

#[test]
fn typed_live_queries_and_their_signals_leave_nothing() {
    let world = World::new();
    let work = |times: usize| {
        for number in 0..times / 10 {
            let live = world.context.live::<Album>(("year > ? order by title limit 5", number as i64 % 50));
            let count = live.rows().map(|rows| rows.len());
            world.fixed.spawn.run_until_stalled();
            live.set_query("year < 3");
            world.fixed.spawn.run_until_stalled();
            assert_eq!(count.get(), 3);
        }
        world.fixed.spawn.run_until_stalled();
    };
    check(work, times());
}
