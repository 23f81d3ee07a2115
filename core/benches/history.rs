//! What reading history costs, in memory, beside what it may cost: an entity at points of a long history, ancestry
//! near the end of histories of different depths, and checking a whole store.
//!
//! ```sh
//! cargo bench -p ankurah-core --bench history
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, missing_docs)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use ankurah_core::dag::{Ancestry, Link, Overlay, RunStart, VersionVector, run_start};
use ankurah_core::entity::State;
use ankurah_core::env::fixed::FixedEnv;
use ankurah_core::id::{ActorId, Author, EntityId, ModelId, OpId, PropertyId, Stamp, TransactionId};
use ankurah_core::node::protocol::{Event, Parameters, Request, SessionId};
use ankurah_core::node::{Node, NodeOptions};
use ankurah_core::operation::{Change, Leaf, Operation, Origin};
use ankurah_core::storage::{Batch, Durability, Engine, Position, StateWrite, memory};
use ankurah_core::value::Value;
use futures::StreamExt;
use futures::executor::block_on;

/// Operations of the entity that is read at points.
const LONG: u64 = 100_000;
/// Points at which it is read.
const POINTS: u64 = 200;
/// Operations after a fork, on each side.
const DIVERGED: u64 = 100;
/// Depths below the fork.
const DEPTHS: [u64; 2] = [1_000, 1_000_000];
/// Entities that are checked, and edits of each.
const CHECKED: (u64, u64) = (20_000, 9);
/// Operations that are committed at a time.
const BATCH: usize = 2_000;

struct World {
    node: Node,
    engine: Arc<dyn Engine>,
    model: ModelId,
    properties: Vec<PropertyId>,
}

fn ask(node: &Node, request: Request) -> Vec<Event> {
    let events = block_on(node.connect().request(request).collect::<Vec<_>>());
    assert!(matches!(events.last(), Some(Event::Done(_))), "{:?}", events.last());
    events
}

fn run(node: &Node, statement: &str) -> Vec<Event> {
    let (session, parameters) = (SessionId(1), Parameters::default());
    ask(node, Request::Execute { session, statement: statement.to_owned(), parameters })
}

fn open() -> World {
    let fixed = FixedEnv::new(1);
    let engine: Arc<dyn Engine> = Arc::new(block_on(memory::open(fixed.env.random.as_ref())).unwrap());
    let options = NodeOptions { durability: Durability::Buffered, ..NodeOptions::default() };
    let node = block_on(Node::open(Arc::clone(&engine), fixed.env, options)).unwrap();
    run(&node, "create model counter (a i64, b i64, c i64)");
    let catalog = ask(&node, Request::Catalog);
    let Some(Event::Catalog(catalog)) = catalog.first() else { panic!("no catalog") };
    let model = catalog.models.iter().find(|model| &*model.name == "counter").unwrap();
    let properties = model.columns().map(|property| property.id).collect();
    World { node, engine, model: model.id, properties }
}

/// One entity, written as fast as the store takes it.
struct Writing<'w> {
    world: &'w World,
    state: Option<State>,
    entity: EntityId,
    stamp: u64,
    sequences: Vec<u64>,
    batch: Batch,
    expected: ankurah_core::dag::Head,
}

impl<'w> Writing<'w> {
    fn new(world: &'w World, stamp: u64) -> Self {
        Writing {
            world,
            state: None,
            entity: EntityId(OpId::MIN),
            stamp,
            sequences: vec![0; 8],
            batch: Batch { catalog: Position(u64::MAX), ..Batch::default() },
            expected: ankurah_core::dag::Head::default(),
        }
    }

    /// Adds an operation by an actor on parents, each with the vector of its closure.
    fn add(&mut self, actor: usize, parents: &[(Link, VersionVector)]) -> (Link, VersionVector) {
        self.stamp += 1;
        self.put(actor, parents, Stamp::from_millis(self.stamp))
    }

    fn put(
        &mut self,
        actor: usize,
        parents: &[(Link, VersionVector)],
        stamp: Stamp,
    ) -> (Link, VersionVector) {
        self.sequences[actor] += 1;
        let number = self.sequences[actor];
        let origin = Origin {
            actor: ActorId::new(actor as u64 + 1),
            sequence: number,
            author: Author([1; 16]),
            transaction: TransactionId(u128::from(number)),
        };
        let property = self.world.properties[(number % 3) as usize];
        let leaves = vec![Leaf { property, change: Change::Set(Value::Int(number as i64)) }];
        let links: Vec<Link> = parents.iter().map(|(link, _)| *link).collect();
        let model = self.world.model;
        let operation = match parents {
            [] => Operation::genesis(
                model,
                stamp,
                self.stamp.to_be_bytes().repeat(2).try_into().unwrap(),
                origin,
                leaves,
                [0; 16],
            ),
            _ => Operation::edit(self.entity, model, stamp, origin, links.clone(), leaves, [0; 16]),
        }
        .unwrap();
        self.entity = operation.entity();
        match &mut self.state {
            Some(state) => state.apply(&operation).unwrap(),
            none => *none = Some(State::begin(&operation).unwrap()),
        }
        let link = operation.link();
        let run: Option<RunStart> =
            run_start(self.entity, link, &links, parents.iter().map(|(_, vector)| vector));
        let mut vector = VersionVector::new();
        parents.iter().for_each(|(_, of)| vector.join(of));
        vector.raise(link.actor, link.sequence);
        self.batch.runs.extend(run);
        self.batch.operations.push(Arc::new(operation));
        if self.batch.operations.len() >= BATCH {
            self.commit();
        }
        (link, vector)
    }

    fn commit(&mut self) {
        let next = Batch { catalog: Position(u64::MAX), ..Batch::default() };
        let mut batch = std::mem::replace(&mut self.batch, next);
        let Some(state) = self.state.clone().filter(|_| !batch.operations.is_empty()) else { return };
        let expected = std::mem::replace(&mut self.expected, state.head.clone());
        batch.states.push(StateWrite { expected, state });
        block_on(self.world.engine.commit(batch, Durability::Buffered)).unwrap();
    }
}

fn told(what: &str, each: Duration, wanted: &str) {
    println!("{what}: {each:.2?} ({wanted})");
}

fn as_of() {
    let world = open();
    let mut writing = Writing::new(&world, 1_700_000_000_000);
    let mut last = writing.add(0, &[]);
    let mut ids = vec![last.0.id];
    for _ in 1..LONG {
        last = writing.add(0, &[last]);
        ids.push(last.0.id);
    }
    writing.commit();
    let entity = writing.entity;
    let start = Instant::now();
    run(&world.node, &format!("select a, b, c from @{entity} as of @{}", ids[ids.len() / 2]));
    told(
        "an entity of 100,000 operations as of its middle, the first time",
        start.elapsed(),
        "at most 5 ms wanted",
    );
    run(&world.node, &format!("select a, b, c from @{entity} as of @{}", ids[ids.len() - 1]));
    let mut times: Vec<Duration> = (0..POINTS)
        .map(|point| {
            let id = ids[((point * 7_919 * 13) % LONG) as usize];
            let start = Instant::now();
            run(&world.node, &format!("select a, b, c from @{entity} as of @{id}"));
            start.elapsed()
        })
        .collect();
    times.sort();
    told("  at any point after that, median", times[times.len() / 2], "at most 5 ms wanted");
    told("  the slowest", times[times.len() - 1], "at most 5 ms wanted");
    // After another operation what is kept still holds.
    last = writing.add(0, &[last]);
    writing.commit();
    let start = Instant::now();
    run(&world.node, &format!("select a, b, c from @{entity} as of @{}", ids[ids.len() / 3]));
    told("  after another operation", start.elapsed(), "at most 5 ms wanted");
    let _ = last;
}

fn ancestry() {
    for depth in DEPTHS {
        let world = open();
        let mut writing = Writing::new(&world, 1_000);
        let mut trunk = writing.add(0, &[]);
        let mut middle = trunk.clone();
        for step in 1..depth {
            trunk = writing.add(0, &[trunk]);
            if step == depth / 2 {
                middle = trunk.clone();
            }
        }
        let (mut left, mut right) = (trunk.clone(), trunk.clone());
        for _ in 0..DIVERGED {
            left = writing.add(1, &[left]);
            right = writing.add(2, &[right]);
        }
        // Late ones: made on the middle, with ids that are old by now.
        let mut late = middle.clone();
        for step in 0..DIVERGED {
            let stamp = Stamp::from_bits(middle.0.id.stamp().bits() + 1 + step);
            late = writing.put(3, &[late], stamp);
        }
        writing.commit();
        let view = block_on(world.engine.view()).unwrap();
        let entity = writing.entity;
        let pairs = [
            ("two branches", left.0, right.0, false),
            ("the trunk and a branch", trunk.0, left.0, true),
            ("a late operation and a branch", late.0, left.0, false),
            ("the middle and a late operation", middle.0, late.0, true),
        ];
        for (what, a, b, expected) in pairs {
            const TIMES: u32 = 1_000;
            let start = Instant::now();
            for _ in 0..TIMES {
                let found = block_on(async {
                    let ancestry = Ancestry::open(view.as_ref(), entity).await?;
                    ancestry.is_ancestor(&a, &b).await
                });
                assert_eq!(found.unwrap(), expected, "{what}");
            }
            told(
                &format!("ancestry at depth {depth}: {what}"),
                start.elapsed() / TIMES,
                "the same at every depth wanted",
            );
        }
        // Taking a late operation in asks where it stands.
        let head = block_on(view.state(world.model, entity)).unwrap().unwrap().head;
        let stamp = Stamp::from_bits(late.0.id.stamp().bits() + 1);
        let origin = Origin {
            actor: ActorId::new(4),
            sequence: writing.sequences[3] + 1,
            author: Author([1; 16]),
            transaction: TransactionId(1),
        };
        let operation =
            Operation::edit(entity, world.model, stamp, origin, vec![late.0], Vec::new(), [0; 16]).unwrap();
        let start = Instant::now();
        const TIMES: u32 = 1_000;
        for _ in 0..TIMES {
            block_on(async {
                let overlay = Overlay::new(view.as_ref());
                let ancestry = Ancestry::open(&overlay, entity).await.unwrap();
                ancestry.place(&head, &operation).await.unwrap();
            });
        }
        told(
            &format!("  placing a late operation at depth {depth}"),
            start.elapsed() / TIMES,
            "the same at every depth wanted",
        );
    }
}

fn verify() {
    let world = open();
    let (entities, edits) = CHECKED;
    let mut stamp = 1_000;
    for _ in 0..entities {
        let mut writing = Writing::new(&world, stamp);
        let mut last = writing.add(0, &[]);
        for _ in 0..edits {
            last = writing.add(0, &[last]);
        }
        stamp = writing.stamp;
        writing.commit();
    }
    let count = entities * (edits + 1);
    let start = Instant::now();
    let events = ask(&world.node, Request::Verify);
    let time = start.elapsed();
    assert!(!events.iter().any(|event| matches!(event, Event::Fault(_))), "{:?}", events.first());
    println!(
        "verify: {count} operations in {time:.2?}, {:.0} a second (at least 200,000 wanted)",
        count as f64 / time.as_secs_f64()
    );
}

fn main() {
    // What `cargo test` asks of a bench is that it can be built.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    as_of();
    ancestry();
    verify();
}
