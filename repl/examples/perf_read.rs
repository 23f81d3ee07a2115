#![allow(clippy::all, missing_docs, clippy::unwrap_used, clippy::print_stdout)]
use ankurah::Node;
use ankurah_core::node::protocol::*;
use ankurah_core::value::Value;
use futures::{StreamExt, executor::block_on};
use std::time::Instant;

fn ask(node: &Node, request: Request) -> usize {
    let connection = node.connect();
    let mut s = connection.request(request);
    let mut n = 0;
    block_on(async {
        while let Some(e) = s.next().await {
            match e {
                Event::Rows(r) => {
                    n += r.len();
                }
                Event::Failed(f) => panic!("{f:?}"),
                Event::Done(d) => BEST.with(|b| {
                    let mut b = b.get();
                    b.parse = b.parse.min(d.timings.parse);
                    b.plan = b.plan.min(d.timings.plan);
                    b.fetch = b.fetch.min(d.timings.fetch);
                    BEST.with(|c| c.set(b));
                }),
                _ => {}
            }
        }
    });
    n
}
fn run(node: &Node, statement: &str, parameters: Parameters) -> usize {
    ask(node, Request::Execute { session: SessionId(1), statement: statement.to_owned(), parameters })
}
thread_local! { static BEST: std::cell::Cell<Timings> = const { std::cell::Cell::new(Timings { parse: u64::MAX, plan: u64::MAX, fetch: u64::MAX }) }; }
const N: usize = 100_000;
fn main() {
    let dir = std::env::temp_dir().join("pr-100k");
    let db = std::env::temp_dir().join("pr-100k.db");
    let fresh = !dir.exists();
    let node = block_on(ankurah::open(
        &format!("fjall:{}", dir.display()),
        ankurah::OpenOptions { create: true, ..Default::default() },
    ))
    .unwrap();
    if fresh {
        run(
            &node,
            "create model album (name string, artist string, genre string, year i64)",
            Parameters::default(),
        );
        for chunk in 0..N / 1000 {
            let rows = (0..1000)
                .map(|i| {
                    let n = chunk * 1000 + i;
                    vec![
                        Cell::Value(Value::string(format!("album number {n}")).unwrap()),
                        Cell::Value(Value::string(format!("artist {}", n % 1000)).unwrap()),
                        Cell::Value(Value::string(["rock", "jazz", "pop"][n % 3]).unwrap()),
                        Cell::Value(Value::Int((n * 7919 % N) as i64)),
                    ]
                })
                .collect();
            ask(
                &node,
                Request::Upsert {
                    session: SessionId(1),
                    model: "album".into(),
                    columns: ["name", "artist", "genre", "year"].map(str::to_owned).to_vec(),
                    rows,
                },
            );
        }
        let _ = std::fs::remove_file(&db);
        let c = rusqlite::Connection::open(&db).unwrap();
        c.execute_batch("create table album(id text primary key, name text, artist text, genre text, year integer); begin;").unwrap();
        {
            let mut s = c.prepare("insert into album values (?,?,?,?,?)").unwrap();
            for n in 0..N {
                s.execute((
                    format!("{n:026}"),
                    format!("album number {n}"),
                    format!("artist {}", n % 1000),
                    ["rock", "jazz", "pop"][n % 3],
                    (n * 7919 % N) as i64,
                ))
                .unwrap();
            }
        }
        c.execute_batch("commit; create index a on album(artist); create index y on album(year);create index n on album(name);").unwrap();
    }
    let c = rusqlite::Connection::open(&db).unwrap();
    let only = std::env::args().nth(1);
    let secs: f64 = std::env::args().nth(2).map_or(0.5, |s| s.parse().unwrap());
    let queries = [
        ("all", "select name, artist, genre, year from album"),
        ("filter", "select name, artist, genre, year from album where genre = 'jazz' and name <> 'x'"),
        ("count", "select count(*) from album"),
        ("eq1", "select name, artist, genre, year from album where name = 'album number 777'"),
        ("eq100", "select name, artist, genre, year from album where artist = 'artist 7'"),
        ("eqint", "select name, artist, genre, year from album where year = 777"),
        ("range100", "select name, artist, genre, year from album where year >= 5000 and year < 5100"),
        ("order10", "select name, artist, genre, year from album order by year limit 10"),
        ("order10desc", "select name, artist, genre, year from album order by year desc nulls last limit 10"),
        ("range10", "select name, artist, genre, year from album where year > 50000 order by year limit 10"),
        ("topk", "select name, artist, genre, year from album order by genre, artist desc limit 10"),
        ("const", "select 1"),
    ];
    for (name, q) in queries {
        if only.as_deref().is_some_and(|o| o != "-" && o != name) {
            continue;
        }
        let mut n = 0;
        for _ in 0..4 {
            n = run(&node, q, Parameters::default());
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        BEST.with(|b| b.set(Timings { parse: u64::MAX, plan: u64::MAX, fetch: u64::MAX }));
        let mut best = f64::MAX;
        let t = Instant::now();
        while t.elapsed().as_secs_f64() < secs {
            let s = Instant::now();
            run(&node, q, Parameters::default());
            best = best.min(s.elapsed().as_secs_f64());
        }
        let (mut bs, mut bp) = (f64::MAX, f64::MAX);
        if only.is_none() {
            let mut rows = 0;
            let mut read = |s: &mut rusqlite::Statement<'_>| {
                let k = s.column_count();
                let mut r = s.query([]).unwrap();
                rows = 0;
                let mut out: Vec<(Vec<String>, i64)> = vec![];
                while let Some(row) = r.next().unwrap() {
                    rows += 1;
                    if k == 4 {
                        out.push((
                            (0..3).map(|i| row.get::<_, String>(i).unwrap()).collect(),
                            row.get(3).unwrap(),
                        ));
                    }
                }
                std::hint::black_box(out);
            };
            let t = Instant::now();
            while t.elapsed().as_secs_f64() < secs {
                let s = Instant::now();
                let mut st = c.prepare(q).unwrap();
                read(&mut st);
                bs = bs.min(s.elapsed().as_secs_f64());
                drop(st);
                let mut st = c.prepare(q).unwrap();
                read(&mut st);
                let s = Instant::now();
                read(&mut st);
                bp = bp.min(s.elapsed().as_secs_f64());
            }
            assert_eq!(n, rows, "{q}");
        }
        println!(
            "{name:12} rows {n:6} ours {:9.1}us sqlite {:9.1}us prepared {:9.1}us {:?}",
            best * 1e6,
            bs * 1e6,
            bp * 1e6,
            BEST.with(|b| b.get())
        );
    }
}
