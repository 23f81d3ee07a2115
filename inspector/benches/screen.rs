//! What the inspector takes: large graphs, large collections, a slow node, a flood of changes.
//!
//! `cargo bench -p ankurah-inspector`. Real shapes of histories are read from `dag/` in the folder of data sets that
//! CONTRIBUTING.md tells of; without it only generated ones are measured.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use ankurah::{OpenOptions, Target};
use ankurah_core::id::{Author, EntityId, ModelId, OpId, PropertyId, Stamp, TransactionId};
use ankurah_core::node::protocol::{Connection, Event, EventStream, Parameters, Request, SessionId};
use ankurah_core::storage::{LogChange, LogEntry, Position};
use ankurah_inspector::connection::Workers;
use ankurah_inspector::dag::{Graph, Layout};
use ankurah_inspector::headless::Headless;
use ankurah_inspector::key::{Key, parse_keys};
use ankurah_inspector::keymap::Keymap;
use ankurah_inspector::message::{Ask, Effect, Message, Reply, Slot, Summary};
use ankurah_inspector::state::{Options, State};
use ankurah_inspector::theme::Theme;
use ankurah_inspector::view::{blank, draw};
use ankurah_inspector::{Host, run};
use ankurah_screen::{Start, Terminal};
use futures::StreamExt;
use futures::executor::block_on;

const SIZE: (u16, u16) = (160, 50);

/// Set for a process that is to be the inspector itself.
const INSPECTOR: &str = "ANKURAH_BENCH_INSPECTOR";

fn main() {
    if std::env::var_os(INSPECTOR).is_some() {
        return inspector();
    }
    if let Some(lazygit) = lazygit() {
        history("lazygit, 8,156 operations", &lazygit);
    } else {
        println!("(no data sets: lazygit's history is not measured)");
    }
    history("8 writers, 100,000 operations", &generated(100_000, 8));
    history("256 writers, 100,000 operations", &generated(100_000, 256));
    scrub(4_000);
    scrub_collection(20_000);
    slow_node();
    flood();
    process();
}

fn line(what: &str, figure: &str) {
    println!("  {what:<64} {figure:>20}");
}

fn millis(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}

/// The 50th and the 99th of 100. Where the machine has other work to do, the latter says how long one waits for one's turn.
fn spread(mut times: Vec<Duration>) -> String {
    times.sort();
    let of_100 =
        |part: usize| times.get(times.len() * part / 100).or(times.last()).copied().unwrap_or_default();
    format!("{} / {}", millis(of_100(50)), millis(of_100(99)))
}

fn operation(number: u64, parents: &[u64]) -> Summary {
    let id = |number: u64| OpId::new(Stamp::from_millis(1_700_000_000_000 + number * 1000), number);
    Summary {
        id: id(number),
        position: Position(number),
        author: Some(Author([u8::try_from(number % 7).unwrap(); 16])),
        transaction: Some(TransactionId(u128::from(number))),
        parents: parents.iter().map(|parent| id(*parent)).collect(),
        properties: vec![PropertyId(id(number % 5))],
        known: true,
    }
}

/// Lazygit's commits as operations.
fn lazygit() -> Option<Vec<Summary>> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let given = std::env::var_os("ANKURAH_DATA").map(PathBuf::from);
    let beside = here.ancestors().map(|folder| folder.join("shared/data"));
    let file = given
        .into_iter()
        .chain(beside)
        .map(|folder| folder.join("dag/lazygit.csv.gz"))
        .find(|file| file.exists())?;
    let text = Command::new("gzip").arg("-dc").arg(file).output().ok()?.stdout;
    let text = String::from_utf8(text).ok()?;
    let summaries = text.lines().skip(1).map(|line| {
        let mut fields = line.split(',');
        let number: u64 = fields.next().unwrap().parse().unwrap();
        let parents = fields.next().unwrap().split_whitespace().map(|parent| parent.parse().unwrap());
        operation(number, &parents.collect::<Vec<u64>>())
    });
    Some(summaries.collect())
}

/// Writers beside each other, each following itself, and now and then another.
fn generated(count: u64, writers: u64) -> Vec<Summary> {
    let mut seed = 1_u64;
    (0..count)
        .map(|number| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let own = number
                .checked_sub(writers)
                .or(number.checked_sub(1))
                .map(|own| if number < writers { 0 } else { own });
            let other = (seed >> 33).is_multiple_of(10) && number > writers;
            let mut parents: BTreeSet<u64> = own.into_iter().collect();
            if other {
                parents.insert(number - 1 - (seed >> 40) % writers.min(number));
            }
            operation(number, &parents.into_iter().collect::<Vec<_>>())
        })
        .collect()
}

fn state() -> State {
    let options = Options { name: "bench".to_owned(), write: false, keymap: Keymap::standard().unwrap() };
    State::new(options, SIZE, 0)
}

fn keys(state: &mut State, text: &str) -> Vec<Effect> {
    parse_keys(text).unwrap().into_iter().flat_map(|key| state.update(Message::Key(key))).collect()
}

fn paint(state: &State) {
    let mut buffer = blank(SIZE.0, SIZE.1);
    draw(state, Theme::default(), &mut buffer);
    std::hint::black_box(buffer);
}

fn history(name: &str, operations: &[Summary]) {
    println!("{name}");
    let mut graph = Graph::default();
    operations.iter().for_each(|summary| graph.push(summary));
    graph.shrink();
    let started = Instant::now();
    let layout = Layout::new(&graph, false, &BTreeSet::new());
    line("layout", &millis(started.elapsed()));
    let started = Instant::now();
    let folded = Layout::new(&graph, true, &BTreeSet::new());
    line(&format!("layout, linear runs folded to {} rows", folded.len()), &millis(started.elapsed()));
    line("lanes", &layout.width().to_string());
    let bytes = graph.bytes() + layout.bytes();
    line("memory an operation", &format!("{:.1} bytes", bytes as f64 / graph.len() as f64));

    let mut state = state();
    let genesis = operations.first().map(|summary| summary.id).unwrap();
    let effects = keys(&mut state, &format!(": '{genesis}' enter 3"));
    let ticket = effects
        .iter()
        .find_map(|effect| match effect {
            Effect::Ask { slot: Slot::Entity, ticket, .. } => Some(*ticket),
            _ => None,
        })
        .unwrap();
    let reply = |reply| Message::Reply { slot: Slot::Entity, ticket, reply };
    let started = Instant::now();
    let mut given = 0;
    let mut frames = Vec::new();
    while given < operations.len() {
        let frame = Instant::now();
        let count = given.max(128).min(operations.len() - given);
        state.update(reply(Reply::Summaries(operations[given..given + count].to_vec())));
        paint(&state);
        if given == 0 {
            line("first screen, from the first answer", &millis(started.elapsed()));
        }
        given += count;
        frames.push(frame.elapsed());
    }
    line("all parts taken in and painted", &millis(started.elapsed()));
    state.update(reply(Reply::End { took: 0 }));
    keys(&mut state, "z");
    measure("scroll step, median / p99", &mut state, &["j", "ctrl-d", "pagedown", "G", "k", "ctrl-u", "g"]);
    keys(&mut state, "g / 'prop:0' enter");
    measure("search step, median / p99", &mut state, &["n", "n", "N"]);
    keys(&mut state, "g / 'author:0606' enter");
    measure("search step by author, median / p99", &mut state, &["n", "n", "N"]);
    measure("unknown text over all operations, median / p99", &mut state, &["/", "z", "z", "z", "enter"]);
    measure("walk to parent, child and head, median / p99", &mut state, &["p", "p", "c", "H"]);
}

/// Presses keys in turn, painting after each.
fn measure(what: &str, state: &mut State, turn: &[&str]) {
    let turn: Vec<Key> = turn.iter().map(|key| key.parse().unwrap()).collect();
    let times = (0..40).flat_map(|_| turn.iter()).map(|key| {
        let started = Instant::now();
        state.update(Message::Key(*key));
        paint(state);
        started.elapsed()
    });
    let times = times.collect();
    line(what, &spread(times));
}

/// Steps of the timeline over a real store: from the key to the picture with the answer in it.
fn scrub(operations: u32) {
    println!("one entity in a memory store, {operations} operations, its timeline");
    let context = block_on(OpenOptions::new().open_target(&Target::Memory)).unwrap();
    let connection = context.node().connect();
    let run = |statement: String| {
        let (session, parameters) = (SessionId(1), Parameters::default());
        block_on(connection.request(Request::Execute { session, statement, parameters }).collect::<Vec<_>>())
    };
    run("create model counter (n i64, label string)".to_owned());
    run("insert into counter (n, label) values (0, 'first')".to_owned());
    (1..operations).for_each(|n| drop(run(format!("update counter set n = {n}"))));
    let options = Options { name: "bench".to_owned(), write: false, keymap: Keymap::standard().unwrap() };
    let mut headless = Headless::new(Arc::clone(&connection), options, SIZE);
    let started = Instant::now();
    for key in parse_keys("2 enter enter 4").unwrap() {
        headless.press(key);
    }
    line("from the first page to all operations read and replayed", &millis(started.elapsed()));
    let times = (0..300).map(|step| {
        let started = Instant::now();
        headless.press(Key::char(if step % 5 == 4 { 'l' } else { 'h' }));
        paint(&headless.state);
        started.elapsed()
    });
    let times = times.collect();
    line("scrub step, median / p99", &spread(times));
}

/// Steps of the timeline of a whole collection: from the key to the picture with the rows in it.
fn scrub_collection(entities: u32) {
    println!("a collection of {entities} entities in a memory store, its timeline");
    let connection = filled(entities);
    let options = Options { name: "bench".to_owned(), write: false, keymap: Keymap::standard().unwrap() };
    let mut headless = Headless::new(Arc::clone(&connection), options, SIZE);
    for key in parse_keys("2 enter").unwrap() {
        headless.press(key);
    }
    let started = Instant::now();
    headless.press(Key::char('4'));
    line("its operations read from the log", &millis(started.elapsed()));
    let track = headless.state.track.as_ref().unwrap();
    let bytes = track.bytes() as f64 / headless.state.moments().unwrap().len() as f64;
    line("memory an operation", &format!("{bytes:.1} bytes"));
    for (unit, key) in [("operation", '4'), ("position", 'u')] {
        if key == 'u' {
            (0..5).for_each(|_| headless.press(Key::char('u')));
        }
        let mut asking = Vec::new();
        let mut own = Vec::new();
        for step in 0..100 {
            let key = Key::char(if step % 5 == 4 { 'l' } else { 'h' });
            // The key itself, and the picture right after it, while the answer is still to come.
            let mut before = headless.state.clone();
            let started = Instant::now();
            before.update(Message::Key(key));
            paint(&before);
            own.push(started.elapsed());
            let started = Instant::now();
            headless.press(key);
            paint(&headless.state);
            asking.push(started.elapsed());
        }
        line(&format!("scrub step by {unit}, key to paint, median / p99"), &spread(own));
        line(&format!("scrub step by {unit}, until the rows are there, median / p99"), &spread(asking));
    }
}

/// A store in memory with a collection.
fn filled(entities: u32) -> Arc<dyn Connection> {
    let context = block_on(OpenOptions::new().open_target(&Target::Memory)).unwrap();
    let connection = context.node().connect();
    let run = |statement: String| {
        let (session, parameters) = (SessionId(1), Parameters::default());
        let request = Request::Execute { session, statement, parameters };
        let events = block_on(connection.request(request).collect::<Vec<_>>());
        assert!(!matches!(events.last(), Some(Event::Failed(_))), "{events:?}");
    };
    run("create model item (n i64, label string)".to_owned());
    for n in 0..entities {
        run(format!("insert into item (n, label) values ({n}, 'item {n}')"));
    }
    connection
}

/// What a process of its own is that shows a store in memory.
fn inspector() {
    struct Nothing;
    impl Host for Nothing {
        fn repl(&mut self, _: &str, _: bool) {}

        fn save(&mut self, _: &str, _: &str) -> Result<String, String> {
            Ok(String::new())
        }
    }
    let options = Options { name: "bench".to_owned(), write: false, keymap: Keymap::standard().unwrap() };
    run(filled(100), options, Theme::default(), &mut Nothing).unwrap();
}

/// A real process on a terminal: how soon it is there, and what it takes while nobody does anything.
fn process() {
    println!("a process on a terminal of 160 by 50");
    let own = std::env::current_exe().unwrap();
    let start = Start { columns: SIZE.0, lines: SIZE.1, environment: &[(INSPECTOR, "1")] };
    let started = Instant::now();
    let mut terminal = Terminal::start(own.to_str().unwrap(), &[] as &[&str], &start);
    terminal.wait("the first page", |shown| shown.contains("this inspector only reads"));
    line("from its start to the first page, 100 entities made", &millis(started.elapsed()));
    for (page, key, wanted) in [("overview", "1", "Soundness"), ("a table", "2\r", "100 entities")] {
        terminal.send(key);
        terminal.wait(page, |shown| shown.contains(wanted));
        std::thread::sleep(Duration::from_secs(1));
        let before = busy(terminal.process());
        std::thread::sleep(Duration::from_secs(10));
        let taken = busy(terminal.process()).saturating_sub(before);
        let share = taken.as_secs_f64() * 10.0;
        line(&format!("processor of 10 s idle, {page}"), &format!("{share:.3} %"));
    }
    assert_eq!(terminal.end("q"), 0);
}

/// The time that a process has had a processor for.
fn busy(process: u32) -> Duration {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).unwrap();
    let nanos = tasks.map(|task| {
        let file = task.unwrap().path().join("schedstat");
        let text = std::fs::read_to_string(file).unwrap_or_default();
        text.split_whitespace().next().and_then(|nanos| nanos.parse::<u64>().ok()).unwrap_or(0)
    });
    Duration::from_nanos(nanos.sum())
}

/// A node that has a million entities and takes two seconds to say anything of them.
struct Slow(Arc<dyn Connection>);

impl Connection for Slow {
    fn request(&self, request: Request) -> EventStream {
        if let Request::Execute { .. } = request {
            std::thread::sleep(Duration::from_secs(2));
        }
        self.0.request(request)
    }
}

fn slow_node() {
    println!("a node that takes 2 s for each statement, a table of 1,000,000 entities");
    let context = block_on(OpenOptions::new().open_target(&Target::Memory)).unwrap();
    let connection = context.node().connect();
    let request = Request::Execute {
        session: SessionId(1),
        statement: "create model track (name string, n i64)".to_owned(),
        parameters: Parameters::default(),
    };
    block_on(connection.request(request).collect::<Vec<_>>());
    let (sender, receiver) = sync_channel(256);
    let mut workers = Workers::new(Arc::new(Slow(connection)), move |message| sender.send(message).is_ok());
    let mut state = state();
    let effects = state.begin();
    carry_out(&mut workers, effects);
    answers(&mut state, &mut workers, &receiver, Duration::from_millis(300));
    let mut effects = keys(&mut state, "2 enter");
    let count = effects.iter().find_map(|effect| match effect {
        Effect::Ask { slot: Slot::Count, ticket, ask: Ask::Events(_) } => Some(*ticket),
        _ => None,
    });
    effects.retain(|effect| !matches!(effect, Effect::Ask { slot: Slot::Count, .. }));
    carry_out(&mut workers, effects);
    // The store says that there are a million.
    let mut rows = ankurah_core::value::Rows::new(1);
    rows.push([ankurah_core::value::ValueRef::Int(1_000_000)]);
    let reply = Reply::Events(vec![Event::Rows(rows)]);
    state.update(Message::Reply { slot: Slot::Count, ticket: count.unwrap(), reply });
    let turn: Vec<Key> = parse_keys("j j pagedown ctrl-d G k pageup l s").unwrap();
    let times = (0..20).flat_map(|_| turn.iter()).map(|key| {
        let started = Instant::now();
        let effects = state.update(Message::Key(*key));
        carry_out(&mut workers, effects);
        paint(&state);
        started.elapsed()
    });
    let times = times.collect();
    line("key to paint while it does not answer, median / p99", &spread(times));
}

fn carry_out(workers: &mut Workers, effects: Vec<Effect>) {
    for effect in effects {
        if let Effect::Ask { slot, ticket, ask } = effect {
            workers.ask(slot, ticket, ask);
        }
    }
}

fn answers(state: &mut State, workers: &mut Workers, receiver: &Receiver<Message>, time: Duration) {
    let end = Instant::now() + time;
    while let Ok(message) = receiver.recv_timeout(end.saturating_duration_since(Instant::now())) {
        let effects = state.update(message);
        carry_out(workers, effects);
    }
}

/// 50,000 commits a second, painted 60 times a second.
fn flood() {
    println!("50,000 changes a second");
    let mut state = state();
    keys(&mut state, "6");
    let effects = state.begin();
    let info = effects.iter().find_map(|effect| match effect {
        Effect::Ask { slot: Slot::Info, ticket, .. } => Some(*ticket),
        _ => None,
    });
    let context = block_on(OpenOptions::new().open_target(&Target::Memory)).unwrap();
    let events = block_on(context.node().connect().request(Request::Info).collect::<Vec<_>>());
    let message = Message::Reply { slot: Slot::Info, ticket: info.unwrap(), reply: Reply::Events(events) };
    let ticket = state
        .update(message)
        .iter()
        .find_map(|effect| match effect {
            Effect::Ask { slot: Slot::Changes, ticket, .. } => Some(*ticket),
            _ => None,
        })
        .unwrap();
    let mut position = 10;
    let times = (0..180).map(|_| {
        let batches: Vec<Message> = (0..4)
            .map(|_| {
                let entries = (0..208).map(|_| {
                    position += 1;
                    let id = OpId::new(Stamp::from_millis(1_700_000_000_000 + position), position);
                    let change = LogChange { model: ModelId(id), entity: EntityId(id), operations: vec![id] };
                    let (position, transaction) = (Position(position), None);
                    Event::Log(LogEntry { position, transaction, changes: vec![change], relayed: Vec::new() })
                });
                Message::Reply { slot: Slot::Changes, ticket, reply: Reply::Events(entries.collect()) }
            })
            .collect();
        let started = Instant::now();
        for message in batches {
            state.update(message);
        }
        paint(&state);
        started.elapsed()
    });
    let times = times.collect();
    line("a frame with its 832 changes, median / p99", &spread(times));
    line("changes that were taken in", &state.changes.stream.seen.to_string());
}
