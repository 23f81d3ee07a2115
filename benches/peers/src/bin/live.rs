//! What live queries cost: a commit beside many of them, each of them, many subscriptions, a long result, a window that
//! runs dry. On the buffered memory engine, in one thread: a commit and the step of the reactor after it are measured
//! together, nothing runs beside them. Beside that, commits of the public crates with live queries, on sled.
//!
//! Each figure is the least of many samples, since what else the machine does only adds to them.
#![expect(unsafe_code, reason = "an allocator that counts is only possible so")]

use std::alloc::{GlobalAlloc, Layout};
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use ankurah::core::env::fixed::FixedEnv;
use ankurah::core::node::live::{LiveQuestion, Subscription};
use ankurah::core::node::protocol::{LiveEvent, LiveRows};
use ankurah::protocol::{Connection, Event, Parameters, Request, SessionId};
use ankurah::{Context, Durability, OpenOptions, Target, Timestamp};
use clap::Parser;
use futures::StreamExt;
use futures::executor::block_on;
use peers_public::{Album, Store};

/// What goes wrong.
type Error = Box<dyn std::error::Error + Send + Sync>;

/// The allocator of our command, counting bytes.
struct Counting;

static BYTES: AtomicI64 = AtomicI64::new(0);
static INNER: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn bytes(layout: Layout) -> i64 {
    i64::try_from(layout.size()).unwrap_or(i64::MAX)
}

// SAFETY: every call is handed on unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.fetch_add(bytes(layout), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { INNER.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        BYTES.fetch_sub(bytes(layout), Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { INNER.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

mod typed {
    #![allow(missing_docs, reason = "the fields speak for themselves")]

    /// What is asked for.
    #[derive(ankurah::Model)]
    pub struct Item {
        pub number: i64,
        pub score: i64,
    }
}

use typed::Item;

/// Measures what live queries cost.
#[derive(Debug, Parser)]
#[command(name = "live")]
struct Args {
    /// Run only the benches whose names contain this: `commit`, `long`, `window`, `public`.
    #[arg(long, value_name = "NAME", default_value = "")]
    only: String,
    /// How many live queries there are beside a commit.
    #[arg(long, default_value_t = 100_000)]
    queries: i64,
    /// How many rows the long result has.
    #[arg(long, default_value_t = 100_000)]
    rows: i64,
    /// Among how many rows a window is refilled.
    #[arg(long, default_value_t = 1_000_000)]
    among: i64,
    /// How often each thing is measured.
    #[arg(long, default_value_t = 2_000)]
    samples: u32,
    /// How many live queries the public crates have beside a commit.
    #[arg(long, default_value_t = 1_000)]
    public: i64,
}

/// A store of ours in memory.
struct Ours {
    context: Context,
    connection: Arc<dyn Connection>,
    fixed: FixedEnv,
}

impl Ours {
    fn new() -> Result<Self, Error> {
        let fixed = FixedEnv::new(1);
        let options = OpenOptions::new().env(fixed.env.clone()).durability(Durability::Buffered);
        let context = block_on(options.open_target(&Target::Memory))?;
        let ours = Ours { connection: context.node().connect(), context, fixed };
        ours.create(-1, -1)?;
        Ok(ours)
    }

    /// A commit, and everything that follows from it.
    fn create(&self, number: i64, score: i64) -> Result<(), Error> {
        block_on(self.context.create(&Item { number, score }))?;
        self.fixed.spawn.run_until_stalled();
        Ok(())
    }

    /// So many items, whose scores are their numbers.
    fn fill(&self, count: i64) -> Result<(), Error> {
        let mut next = 0;
        while next < count {
            let end = count.min(next + 1_000);
            let rows: Vec<String> = (next..end).map(|number| format!("({number}, {number})")).collect();
            self.run(format!("insert into item (number, score) values {}", rows.join(", ")))?;
            next = end;
        }
        Ok(())
    }

    fn run(&self, statement: String) -> Result<(), Error> {
        let request =
            Request::Execute { session: SessionId(1), statement, parameters: Parameters::default() };
        for event in block_on(self.connection.request(request).collect::<Vec<_>>()) {
            if let Event::Failed(failure) = event {
                return Err(failure.message.into());
            }
        }
        self.fixed.spawn.run_until_stalled();
        Ok(())
    }

    fn live(&self, text: &str) -> Result<Subscription, Error> {
        let question = LiveQuestion::statement(text, Parameters::default(), Timestamp(0));
        let subscription =
            block_on(self.context.node().live(question)).map_err(|failure| failure.message.clone());
        // Such as the making of an index that it would have needed.
        self.fixed.spawn.run_until_stalled();
        Ok(subscription?)
    }
}

/// Half of them ask for one number, half for a range of scores; no two are equal.
fn question(number: i64) -> String {
    if number % 2 == 0 {
        format!("select * from item where number = {number}")
    } else {
        let from = number * 10;
        format!("select * from item where score between {from} and {}", from + 5)
    }
}

/// The least time of many.
fn least(samples: u32, mut work: impl FnMut(u32) -> Result<Duration, Error>) -> Result<f64, Error> {
    let mut least = Duration::MAX;
    for sample in 0..samples {
        least = least.min(work(sample)?);
    }
    Ok(least.as_secs_f64() * 1e6)
}

/// The time of something.
fn timed<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<(Duration, T), Error> {
    let start = Instant::now();
    let result = work()?;
    Ok((start.elapsed(), result))
}

fn commits(args: &Args) -> Result<(), Error> {
    let ours = Ours::new()?;
    let matching = |sample: u32| {
        // Now one that asks for a number, now one that asks for a range.
        if sample % 2 == 0 { (0, -1) } else { (-1, 12) }
    };
    let measure = |matches: bool| {
        least(args.samples, |sample| {
            let (number, score) = if matches { matching(sample) } else { (-1, -1) };
            Ok(timed(|| ours.create(number, score))?.0)
        })
    };
    let none = measure(false)?;
    let two = (ours.live(&question(0))?, ours.live(&question(1))?);
    let (one_not, one_matching) = (measure(false)?, measure(true)?);
    let (all, mut kept) = timed(|| {
        (2..args.queries).map(|number| ours.live(&question(number))).collect::<Result<Vec<_>, _>>()
    })?;
    let (many_not, many_matching) = (measure(false)?, measure(true)?);
    println!("commit, no live query                {none:9.2} µs");
    println!("commit that matches none, beside 2   {one_not:9.2} µs");
    println!("the same beside {:<20} {many_not:9.2} µs  {:.2} times", args.queries, many_not / one_not);
    println!("commit that matches one, beside 2    {one_matching:9.2} µs");
    println!(
        "the same beside {:<20} {many_matching:9.2} µs  {:.2} times",
        args.queries,
        many_matching / one_matching
    );
    println!("{} subscriptions made            {:9.2} s", args.queries, all.as_secs_f64());
    let number = i64::from(10_000_u32);
    let (made, _) = timed(|| {
        let more: Result<Vec<_>, _> =
            (args.queries..args.queries + number).map(|number| ours.live(&question(number))).collect();
        Ok(drop(more?))
    })?;
    println!("10000 made and dropped beside them   {:9.3} s", made.as_secs_f64());
    let leave = least(1_000, |_| {
        let Some(subscription) = kept.pop() else { return Ok(Duration::MAX) };
        Ok(timed(|| Ok(drop(subscription)))?.0)
    })?;
    println!("one dropped among {:<18} {leave:9.2} µs", args.queries);
    // What they take is what is there no more without them. The store keeps what it has read for them, up to a bound.
    let bytes = BYTES.load(Ordering::Relaxed);
    let gone = i64::try_from(kept.len().saturating_sub(1_000))?;
    kept.truncate(1_000);
    kept.shrink_to_fit();
    let each = (bytes - BYTES.load(Ordering::Relaxed)) / gone.max(1);
    println!("memory of a query                    {each:9} bytes");
    let leave = least(1_000, |_| {
        let Some(subscription) = kept.pop() else { return Ok(Duration::MAX) };
        Ok(timed(|| Ok(drop(subscription)))?.0)
    })?;
    println!("one dropped among 1000               {leave:9.2} µs");
    drop(two);
    Ok(())
}

fn long(args: &Args) -> Result<(), Error> {
    let ours = Ours::new()?;
    ours.fill(args.rows)?;
    let spread = |sample: u32| (i64::from(sample) * 7919) % args.rows;
    let create = |sample| Ok(timed(|| ours.create(-2, spread(sample)))?.0);
    let alone = least(args.samples, create)?;
    let subscription = ours.live("select * from item where score >= 0 order by score")?;
    let mut rows = LiveRows::default();
    let mut take = |event: LiveEvent| rows.apply(&event).map_err(|misfit| misfit.to_string());
    take(block_on(subscription.next()).map_err(|failure| failure.message.clone())?)?;
    let reactor = least(args.samples, |sample| {
        let spent = create(sample)?;
        take(block_on(subscription.next()).map_err(|failure| failure.message.clone())?)?;
        Ok(spent)
    })?;
    let folded = least(args.samples, |sample| {
        Ok(timed(|| {
            ours.create(-2, spread(sample))?;
            Ok(take(block_on(subscription.next()).map_err(|failure| failure.message.clone())?)?)
        })?
        .0)
    })?;
    drop(subscription);
    let live = ours.context.live::<Item>("score >= 0 order by score");
    ours.fixed.spawn.run_until_stalled();
    let signal = live.rows();
    let signalled = least(args.samples, |sample| {
        Ok(timed(|| {
            ours.create(-2, spread(sample))?;
            black_box(signal.read().len());
            Ok(())
        })?
        .0)
    })?;
    let length = signal.read().len();
    println!("commit, no live query                {alone:9.2} µs");
    println!("insert into a query of {length} rows   {:9.2} µs more", reactor - alone);
    println!("the same, told and folded            {:9.2} µs more", folded - alone);
    println!("the same, as a signal of typed rows  {:9.2} µs more", signalled - alone);
    Ok(())
}

fn window(args: &Args) -> Result<(), Error> {
    let ours = Ours::new()?;
    ours.fill(args.among)?;
    let ask = "select * from item where score >= 0 order by score limit 10";
    let delete = |sample: u32| format!("delete from item where score = {sample}");
    // Asked twice, so that the store makes the indexes for both.
    for _ in 0..3 {
        ours.run(ask.to_owned())?;
        ours.run("select * from item where score = -5".to_owned())?;
    }
    let samples = args.samples.min(1_000);
    let mut at = 0;
    let mut next = || {
        at += 1;
        at - 1
    };
    let alone: Vec<Duration> =
        (0..samples).map(|_| Ok(timed(|| ours.run(delete(next())))?.0)).collect::<Result<_, Error>>()?;
    let (begun, subscription) = timed(|| ours.live(ask))?;
    let spent: Vec<Duration> =
        (0..samples).map(|_| Ok(timed(|| ours.run(delete(next())))?.0)).collect::<Result<_, Error>>()?;
    let of = |mut times: Vec<Duration>, part: usize| {
        times.sort();
        times.get(times.len() * part / 100).map_or(0.0, |time| time.as_secs_f64() * 1e6)
    };
    println!("`limit 10` of {} rows begun   {:9.2} µs", args.among, begun.as_secs_f64() * 1e6);
    for part in [50, 90, 99] {
        println!(
            "delete the first row: alone, then with the window refilled, the {part}th of 100   {:9.2} {:9.2} µs",
            of(alone.clone(), part),
            of(spent.clone(), part)
        );
    }
    drop(subscription);
    Ok(())
}

fn public(args: &Args) -> Result<(), Error> {
    let folder = tempfile::tempdir()?;
    let store = Store::create(folder.path())?;
    let album = |year: i64| Album { name: "a".to_owned(), year: year.to_string(), artist: "b".to_owned() };
    let measure = || least(args.samples.min(300), |_| Ok(timed(|| store.create_albums(&[album(-1)], 1))?.0));
    let none = measure()?;
    let one = store.live((0..1).map(|year| format!("year = '{year}'")))?;
    let beside_one = measure()?;
    let (made, many) = timed(|| store.live((1..args.public).map(|year| format!("year = '{year}'"))))?;
    let beside_many = measure()?;
    println!("public crates, commit, no live query {none:9.2} µs");
    println!("the same beside 1                    {beside_one:9.2} µs");
    println!(
        "the same beside {:<20} {beside_many:9.2} µs  {:.2} times",
        args.public,
        beside_many / beside_one
    );
    println!("{} subscriptions made              {:9.3} s", args.public, made.as_secs_f64());
    let (dropped, ()) = timed(|| Ok(drop(many)))?;
    println!("and dropped                          {:9.3} s", dropped.as_secs_f64());
    drop(one);
    Ok(())
}

fn main() -> Result<(), Error> {
    let args = Args::parse();
    let benches: [(&str, fn(&Args) -> Result<(), Error>); 4] =
        [("commit", commits), ("long", long), ("window", window), ("public", public)];
    for (_, run) in benches.iter().filter(|(name, _)| name.contains(&args.only)) {
        run(&args)?;
    }
    Ok(())
}
