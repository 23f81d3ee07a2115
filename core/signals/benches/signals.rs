//! What a write costs until the effects behind it have run. With the feature `reactive-graph` the same graphs
//! in Leptos' crate, in the same run:
//! `cargo bench -p ankurah-signals --features reactive-graph`.

use std::hint::black_box;

use ankurah_signals::{Signal, WritableSignal, combine, effect};
use criterion::{Criterion, criterion_group, criterion_main};

/// Reads that all effects of a bench do.
fn watch(signal: &Signal<u64>) -> ankurah_signals::Subscription {
    let signal = signal.clone();
    effect(move || {
        black_box(signal.get());
    })
}

fn ours(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("ours");
    let source = WritableSignal::new(0_u64);
    let write = || source.update(|value| *value += 1);
    group.bench_function("read", |bencher| bencher.iter(|| black_box(source.get())));
    group.bench_function("write, nobody listens", |bencher| bencher.iter(|| source.set(black_box(1))));
    {
        let _watch = watch(&source);
        group.bench_function("write to effect", |bencher| bencher.iter(write));
    }
    {
        let (left, right) = (source.map(|value| value + 1), source.map(|value| value + 2));
        let _watch = watch(&combine((&left, &right), |(left, right)| left + right));
        group.bench_function("diamond", |bencher| bencher.iter(write));
    }
    for depth in [100, 1_000] {
        let mut last = source.signal();
        for _ in 0..depth {
            last = last.map(|value| value + 1);
        }
        let _watch = watch(&last);
        group.bench_function(format!("chain of {depth}"), |bencher| bencher.iter(write));
    }
    {
        let _watches: Vec<_> = (0..1_000).map(|_| watch(&source)).collect();
        group.bench_function("fan-out to 1000", |bencher| bencher.iter(write));
    }
    {
        let _many: Vec<_> = (0..100_000).map(|_| watch(&source)).collect();
        group.bench_function("subscribe and leave among 100000", |bencher| bencher.iter(|| watch(&source)));
    }
    group.finish();
}

#[cfg(feature = "reactive-graph")]
fn theirs(criterion: &mut Criterion) {
    use reactive_graph::computed::ArcMemo;
    use reactive_graph::effect::ImmediateEffect;
    use reactive_graph::owner::Owner;
    use reactive_graph::prelude::*;
    use reactive_graph::signal::ArcRwSignal;

    fn watch(read: impl Fn() -> u64 + Send + Sync + 'static) -> ImmediateEffect {
        ImmediateEffect::new_isomorphic(move || {
            black_box(read());
        })
    }

    let owner = Owner::new();
    owner.set();
    let mut group = criterion.benchmark_group("reactive_graph");
    let source = ArcRwSignal::new(0_u64);
    let read = || {
        let source = source.clone();
        move || source.get()
    };
    let write = || source.update(|value| *value += 1);
    group.bench_function("read", |bencher| bencher.iter(|| black_box(source.get_untracked())));
    group.bench_function("write, nobody listens", |bencher| bencher.iter(|| source.set(black_box(1))));
    {
        let _watch = watch(read());
        group.bench_function("write to effect", |bencher| bencher.iter(write));
    }
    {
        let (left, right) = (read(), read());
        let left = ArcMemo::new(move |_| left() + 1);
        let right = ArcMemo::new(move |_| right() + 2);
        let both = ArcMemo::new(move |_| left.get() + right.get());
        let _watch = watch(move || both.get());
        group.bench_function("diamond", |bencher| bencher.iter(write));
    }
    {
        let first = read();
        let mut last = ArcMemo::new(move |_| first() + 1);
        // No longer: it is computed by recursion, and a thousand levels overflow the stack.
        for _ in 1..100 {
            let before = last;
            last = ArcMemo::new(move |_| before.get() + 1);
        }
        let _watch = watch(move || last.get());
        group.bench_function("chain of 100", |bencher| bencher.iter(write));
    }
    {
        let _watches: Vec<_> = (0..1_000).map(|_| watch(read())).collect();
        group.bench_function("fan-out to 1000", |bencher| bencher.iter(write));
    }
    {
        let _many: Vec<_> = (0..100_000).map(|_| watch(read())).collect();
        group.bench_function("subscribe and leave among 100000", |bencher| bencher.iter(|| watch(read())));
    }
    group.finish();
}

#[cfg(not(feature = "reactive-graph"))]
fn theirs(_: &mut Criterion) {}

criterion_group!(benches, ours, theirs);
criterion_main!(benches);
