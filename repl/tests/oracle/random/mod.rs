//! Random models, rows, changes and queries, the same on both sides.
//!
//! A seed gives one model. Its rows are inserted, queries run without an index; then indexes are made, rows are
//! inserted, updated, deleted and restored, in a transaction of their own or in one that is committed or rolled
//! back, and queries run again at each stage. Every engine holds all models in one store.
//!
//! `ANKURAH_ORACLE_SEEDS=N` runs N seeds instead of [`SEEDS`], `ANKURAH_ORACLE_SEEDS=A..B` those from A up to B.

mod condition;
mod edges;
mod expr;
mod model;
mod query;
mod rng;
mod run;
mod term;

use std::io::Write as _;
use std::ops::Range;

use run::Tally;

use crate::store::{EngineKind, Store};

/// How many seeds a run has.
const SEEDS: u64 = 40;

/// How many differences are shown before a test gives up.
const SHOWN: usize = 5;

fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("ANKURAH_ORACLE_SEEDS") else { return 0..SEEDS };
    let parsed = match text.split_once("..") {
        Some((first, last)) => first.parse().ok().zip(last.parse().ok()).map(|(first, last)| first..last),
        None => text.parse().ok().map(|count| 0..count),
    };
    parsed.unwrap_or_else(|| panic!("ANKURAH_ORACLE_SEEDS is `{text}`: give a number, or two as in 3..4"))
}

fn compare(kind: EngineKind) {
    let mut store = Store::new(kind, 0);
    let mut tally = Tally::default();
    let seeds = seeds();
    for seed in seeds.clone() {
        // A store has room for so many indexes.
        if store.indexes() > 500 {
            store = Store::new(kind, seed);
        }
        run::seed(&store, seed, seeds.end - seeds.start == 1, &mut tally);
        if tally.differences.len() >= SHOWN {
            break;
        }
    }
    let differences = tally.differences.join("\n");
    assert!(tally.differences.is_empty(), "answers differ\n\n{differences}");
    let _ = writeln!(
        std::io::stderr(),
        "random in {kind}: {} queries agree ({} gave rows, {} used an index), and so does what {} statements wrote",
        tally.queries,
        tally.with_rows,
        tally.indexed,
        tally.writes
    );
    // A generator that asks for nothing would agree, too.
    if seeds == (0..SEEDS) {
        assert!(tally.queries >= 30 * SEEDS, "{} queries", tally.queries);
        assert!(tally.with_rows * 2 > tally.queries, "{} queries gave rows", tally.with_rows);
        assert!(tally.indexed > SEEDS, "{} queries used an index", tally.indexed);
    }
}

#[test]
fn random_in_memory() {
    compare(EngineKind::Memory);
}

#[test]
fn random_in_sled() {
    compare(EngineKind::Sled);
}

#[test]
fn random_in_fjall() {
    compare(EngineKind::Fjall);
}
