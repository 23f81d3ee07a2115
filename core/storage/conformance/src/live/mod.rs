//! Live queries against the only thing that they may be: the query run again.
//!
//! `ANKURAH_LIVE_SEEDS` sets how many random worlds are tried (`40`), or which (`1000..2000`).

mod question;
mod schema;
mod world;

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use ankurah_core::env::Random;
use ankurah_core::env::fixed::SeededRandom;
use ankurah_core::node::protocol::{Event, EventStream, Failure, LiveRows, Parameters, Request};
use futures::StreamExt;

use self::schema::Schema;
use self::world::World;
use crate::{Case, Factory, Place, dynamic, open};

const SEEDS: Range<u64> = 0..24;
const STEPS: usize = 30;
const QUERIES: usize = 12;

pub(crate) fn cases<F: Factory>() -> Vec<Case<F>> {
    vec![Case { name: "live_queries_are_the_query_run_again", run: run_seeds }]
}

fn seeds() -> Range<u64> {
    let Ok(given) = std::env::var("ANKURAH_LIVE_SEEDS") else { return SEEDS };
    let number = |text: &str| text.trim().parse::<u64>().expect("ANKURAH_LIVE_SEEDS is `40` or `1000..2000`");
    match given.split_once("..") {
        Some((from, to)) => number(from)..number(to),
        None => 0..number(&given),
    }
}

fn run_seeds<F: Factory>(factory: &F) {
    let mut counted = Counted::default();
    for seed in seeds() {
        let place = factory.place();
        run_seed(&place, seed, &mut counted);
    }
    // Most questions have an answer, and it changes.
    assert!(counted.answered * 3 > counted.asked * 2, "{counted:?}");
    assert!(counted.told > counted.answered * 2, "{counted:?}");
}

/// What was tried.
#[derive(Debug, Default)]
struct Counted {
    asked: usize,
    /// Questions that had rows at first.
    answered: usize,
    told: usize,
}

impl Counted {
    fn add(&mut self, query: &Followed) {
        self.asked += 1;
        self.answered += usize::from(query.told > 0);
        self.told += query.told;
    }
}

/// A live query that is followed.
struct Followed {
    text: String,
    stream: EventStream,
    rows: LiveRows,
    told: usize,
    ended: Option<Failure>,
}

impl Followed {
    fn new(world: &World, text: String) -> Self {
        let request = Request::Live { statement: text.clone(), parameters: Parameters::default() };
        let stream = world.node.connect().request(request);
        Followed { text, stream, rows: LiveRows::default(), told: 0, ended: None }
    }

    /// Takes everything that waits.
    fn take(&mut self) {
        while let Some(event) = next(&mut self.stream) {
            match event {
                Event::Live(event) => {
                    self.rows.apply(&event).unwrap_or_else(|misfit| panic!("{}: {misfit}", self.text));
                    self.told += 1;
                }
                Event::Failed(failure) => self.ended = Some(failure),
                other => panic!("{}: {other:?}", self.text),
            }
        }
    }

    /// Fails unless what was told is what the query gives now.
    fn check(&self, world: &World, what: &str) {
        let now = world.run(&self.text);
        let told = match (&self.ended, self.rows.failure()) {
            (Some(failure), _) | (None, Some(failure)) => Err(Box::new(failure.clone())),
            (None, None) => Ok(self.rows.rows().iter().cloned().collect::<Vec<_>>()),
        };
        let same = match (&told, &now) {
            (Ok(told), Ok(now)) => told == now,
            (Err(told), Err(now)) => told.kind == now.kind,
            _ => false,
        };
        assert!(same, "{what}\n{}\ntold {told:?}\nnow  {now:?}", self.text);
        assert!(self.ended.is_some() || self.told > 0, "{what}: nothing came of {}", self.text);
        assert!(self.rows.position() <= world.position(), "{what}: {}", self.text);
    }
}

fn run_seed<P: Place>(place: &P, seed: u64, counted: &mut Counted) {
    let dice = Dice(SeededRandom::new(seed));
    let mut world = World::new(dynamic(&open(place).unwrap()), seed, Schema::random(&dice));
    let mut followed: Vec<Followed> = Vec::new();
    for step in 0..STEPS {
        let what = format!("seed {seed}, step {step}");
        while followed.len() < QUERIES && dice.one_in(2) {
            followed.push(Followed::new(&world, question::select(&dice, world.schema())));
        }
        if followed.len() > 1 && dice.one_in(10) {
            counted.add(&followed.swap_remove(dice.place(followed.len())));
        }
        for _ in 0..=dice.below(3) {
            world.change(&dice);
            // A query that is first asked for while the reactor is behind.
            if dice.one_in(6) {
                let mut new = Followed::new(&world, question::select(&dice, world.schema()));
                new.take();
                if new.ended.is_some() {
                    // It was refused for what there is now, which the next change may mend.
                    new.check(&world, &what);
                    counted.add(&new);
                } else {
                    followed.push(new);
                }
            }
        }
        for query in &mut followed {
            query.take();
        }
        // Either the reactor's own task goes on, or whoever asks for the live queries has it done.
        if dice.one_in(2) {
            world.fixed.spawn.run_until_stalled();
        } else {
            let listed = world.ask(Request::LiveQueries);
            assert!(matches!(listed.first(), Some(Event::LiveQueries(_))), "{what}: {listed:?}");
        }
        for query in &mut followed {
            // Sometimes one is slow.
            if !dice.one_in(5) {
                query.take();
                query.check(&world, &what);
            }
        }
        for ended in followed.extract_if(.., |query| query.ended.is_some()) {
            counted.add(&ended);
        }
    }
    followed.iter().for_each(|query| counted.add(query));
}

/// Whether a stream is to be polled again.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// The next event of a stream, unless it waits for something.
fn next(stream: &mut EventStream) -> Option<Event> {
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    loop {
        match stream.poll_next_unpin(&mut Context::from_waker(&waker)) {
            Poll::Ready(event) => return event,
            Poll::Pending if woken.0.swap(false, Ordering::SeqCst) => {}
            Poll::Pending => return None,
        }
    }
}

/// Chance.
pub(crate) struct Dice(SeededRandom);

impl Dice {
    fn below(&self, end: u64) -> u64 {
        self.0.next_u64() % end.max(1)
    }

    fn one_in(&self, many: u64) -> bool {
        self.below(many) == 0
    }

    fn place(&self, length: usize) -> usize {
        usize::try_from(self.below(u64::try_from(length).unwrap())).unwrap()
    }

    fn pick<'a, T>(&self, items: &'a [T]) -> &'a T {
        &items[self.place(items.len())]
    }
}
