//! How long parsing takes: under 5 µs for a typical query.

use ankurah_query_lang::{completion_context, parse_predicate, parse_script, parse_statement, tokenize};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

const TYPICAL: &str = "select name, artist, year from album where year >= 1990 and artist <> 'Various' order by year desc, name limit 20";

const LARGE: &str = "select g.name as genre, count(*) as tracks, round(avg(t.unit_price * (1 - 0.19)), 2) as net, \
    case when sum(t.milliseconds) / 60000 > 600 then 'long' else 'short' end as size \
    from track as t where t.album.artist.name not like 'The %' escape '!' and t.unit_price between 0.5 and 1.99 \
    and (t.composer is not null or t.genre in ('Rock', 'Jazz', 'Blues') or lower(t.name) ilike $pattern) \
    group by g.name having count(*) > ? order by net desc nulls last, 1 limit 10 offset 20";

fn parse(c: &mut Criterion) {
    let mut group = c.benchmark_group("parse");
    group.bench_function("typical", |b| b.iter(|| parse_statement(black_box(TYPICAL))));
    group.bench_function("large", |b| b.iter(|| parse_statement(black_box(LARGE))));
    group.bench_function("predicate", |b| {
        b.iter(|| parse_predicate(black_box("year > ? order by name limit 5")));
    });
    group.bench_function("error", |b| {
        b.iter(|| parse_statement(black_box("select name, artist form album where year > 1990")));
    });
    let script = format!("{LARGE};\n").repeat(100);
    group.throughput(Throughput::Bytes(u64::try_from(script.len()).unwrap_or(0)));
    group.bench_function("script", |b| b.iter(|| parse_script(black_box(&script))));
    group.finish();
}

fn edit(c: &mut Criterion) {
    let mut group = c.benchmark_group("edit");
    let cursor = LARGE.find("order by net").unwrap_or(LARGE.len()) + 9;
    group.bench_function("complete", |b| b.iter(|| completion_context(black_box(LARGE), black_box(cursor))));
    group.bench_function("highlight", |b| b.iter(|| tokenize(black_box(LARGE))));
    group.bench_function("print", |b| {
        let tree = parse_statement(LARGE).ok();
        b.iter(|| black_box(&tree).as_ref().map(ToString::to_string));
    });
    group.finish();
}

criterion_group!(benches, parse, edit);
criterion_main!(benches);
