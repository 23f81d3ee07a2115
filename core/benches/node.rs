//! What a node does in a second: bulk writes and queries, in memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::sync::Arc;

use ankurah_core::env::fixed::FixedEnv;
use ankurah_core::node::protocol::{Cell, Event, Parameters, Request, SessionId};
use ankurah_core::node::{Node, NodeOptions};
use ankurah_core::storage::{Engine, memory};
use ankurah_core::value::Value;
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use futures::StreamExt;
use futures::executor::block_on;

const ROWS: usize = 10_000;

fn open() -> Node {
    let fixed = FixedEnv::new(1);
    let engine: Arc<dyn Engine> = Arc::new(block_on(memory::open(fixed.env.random.as_ref())).unwrap());
    let node = block_on(Node::open(engine, fixed.env, NodeOptions::default())).unwrap();
    run(&node, "create model track (number i64 key, name string, seconds i64, price decimal)");
    node
}

fn ask(node: &Node, request: Request) {
    let events = block_on(node.connect().request(request).collect::<Vec<_>>());
    assert!(matches!(events.last(), Some(Event::Done(_))), "{:?}", events.last());
}

fn run(node: &Node, statement: &str) {
    let (session, parameters) = (SessionId(1), Parameters::default());
    ask(node, Request::Execute { session, statement: statement.to_owned(), parameters });
}

fn upsert() -> Request {
    let row = |number: usize| {
        let number = i64::try_from(number).unwrap();
        let name = Value::string(format!("track number {number}")).unwrap();
        [Value::Int(number), name, Value::Int(number % 600), Value::decimal(99.into())]
            .map(Cell::Value)
            .to_vec()
    };
    Request::Upsert {
        session: SessionId(1),
        model: "track".to_owned(),
        columns: ["number", "name", "seconds", "price"].map(str::to_owned).to_vec(),
        rows: (0..ROWS).map(row).collect(),
    }
}

fn node(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("node");
    group.sample_size(10).throughput(Throughput::Elements(ROWS as u64));
    group.bench_function("upsert new rows", |bencher| {
        bencher.iter_batched(
            || (open(), upsert()),
            |(node, upsert)| ask(&node, upsert),
            BatchSize::LargeInput,
        );
    });
    let node = open();
    ask(&node, upsert());
    group.bench_function("upsert known rows", |bencher| {
        bencher.iter_batched(upsert, |upsert| ask(&node, upsert), BatchSize::LargeInput);
    });
    group.bench_function("scan, filter and sort", |bencher| {
        bencher
            .iter(|| run(&node, "select name from track where seconds > 300 order by price, name limit 10"));
    });
    group.finish();
}

criterion_group!(benches, node);
criterion_main!(benches);
