//! Replays a keystroke-level history of a text as operations on one entity, with a replica for each who wrote.
//!
//! ```sh
//! cargo run --release --example replay_trace -- FILE.json.gz
//! ```
//!
//! Every keystroke is an operation of its own, made on exactly the operations that the file says and committed by
//! itself. The program ends with 0 only where every replica reaches the file's final text. Beside what it took it
//! prints what yrs takes by itself for the same edits.

#![allow(clippy::print_stdout)]

mod plan;
mod raw;
mod replica;
mod trace;

use std::error::Error;
use std::path::Path;
use std::time::{Duration, Instant};

use plan::{Plan, Step};
use replica::{Replica, Times};
use trace::Trace;

type Failed = Box<dyn Error>;

/// Operations that a new replica takes in at a time.
const BATCH: usize = 1_000;

/// The most memory that this process had, in MiB, where the system tells.
fn peak() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? / 1024)
}

fn told(name: &str, ours: Duration, raw: Duration, count: usize, most: f64) {
    let each = |time: Duration| time.as_secs_f64() * 1e6 / count.max(1) as f64;
    let ratio = ours.as_secs_f64() / raw.as_secs_f64();
    println!(
        "{name}: {:.2} s, {:.1} us each; yrs {:.2} s, {:.1} us each; {ratio:.1} times (at most {most} wanted)",
        ours.as_secs_f64(),
        each(ours),
        raw.as_secs_f64(),
        each(raw),
    );
}

async fn all(file: &Path) -> Result<(), Failed> {
    let trace = Trace::read(file)?;
    let plan = Plan::new(&trace)?;
    let count = trace.keystrokes.len();
    println!("{count} operations by {} writers", trace.agents);
    let before = peak();
    let mut replicas = vec![Replica::first(&trace.start).await?];
    for agent in 1..trace.agents {
        let next = Replica::beside(replicas.first().ok_or("no replica")?, agent).await?;
        replicas.push(next);
    }
    let mut operations: Vec<Vec<u8>> = Vec::with_capacity(count);
    let mut times = Times::default();
    let mut merging = Duration::ZERO;
    for step in &plan.steps {
        match step {
            Step::Merge { agent, edits } => {
                let replica = replicas.get_mut(*agent).ok_or("no such agent")?;
                let start = Instant::now();
                for edits in edits.chunks(BATCH) {
                    let some: Vec<&[u8]> =
                        edits.iter().filter_map(|edit| operations.get(*edit)).map(Vec::as_slice).collect();
                    replica.merge(&some).await?;
                }
                merging += start.elapsed();
            }
            Step::Edit { agent, edit } => {
                let replica = replicas.get_mut(*agent).ok_or("no such agent")?;
                let keystroke = trace.keystrokes.get(*edit).ok_or("no such edit")?;
                operations.push(replica.edit(keystroke, &mut times).await?);
            }
        }
    }
    for (agent, replica) in replicas.iter_mut().enumerate() {
        if replica.text().await? != trace.end {
            return Err(format!("replica {agent} does not reach the final text").into());
        }
    }
    println!("every replica reaches the final text of {} bytes", trace.end.len());
    let first = replicas.first().ok_or("no replica")?;
    let start = Instant::now();
    let fresh = first.fresh(&operations, BATCH).await?;
    let ingest = start.elapsed();
    if fresh.stored_text().await? != trace.end {
        return Err("a replica that takes in all operations does not reach the final text".into());
    }
    let (live, by_kind) = first.live_bytes().await?;
    let each = live as f64 / count.max(1) as f64;
    println!(
        "stored: {live} bytes of keys and values, {each:.1} an operation (at most 40 wanted): {by_kind}"
    );
    let disk = first.on_disk().await?;
    println!("on disk (fjall): {disk} bytes, {:.1} an operation", disk as f64 / count.max(1) as f64);
    if let (Some(before), Some(after)) = (before, peak()) {
        println!("peak memory: {after} MiB, {before} of them with the file alone");
    }
    let raw = raw::replay(&trace, &plan)?;
    println!("yrs by itself: {} bytes of updates, {} as one document", raw.updates, raw.document);
    told("editing", times.total(), raw.editing, count, 3.0);
    println!(
        "  of it: the text {:.2?}, the operation {:.2?}, the store {:.2?}",
        times.text, times.operation, times.store
    );
    told("ingest", ingest, raw.ingest, count, 10.0);
    if merging > Duration::ZERO {
        println!("merging beside editing: {merging:.2?}");
    }
    Ok(())
}

fn main() -> Result<(), Failed> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(file), None) = (arguments.next(), arguments.next()) else {
        return Err("usage: replay_trace FILE.json.gz".into());
    };
    futures::executor::block_on(all(Path::new(&file)))
}
