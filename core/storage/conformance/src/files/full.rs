//! Rounds in which the disk fills up while a store is written, and what is in it once there is room again.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use ankurah_core::storage::StorageError;
use futures::executor::block_on;

use super::load::{Items, Server, WRITERS, compare, scripts};
use super::summary::Summary;
use super::{Embedded, FULL, NEW, OLD, PLAN, READ, everything, folder, place};
use crate::data::Dice;

/// The size of the disk, as `mount` is told.
const SIZE: &str = "size=24m";
/// The most room that is left for writing, in bytes.
const MOST_ROOM: usize = 400 << 10;
/// After so many rounds a new store is begun.
const ROUNDS_A_STORE: u64 = 10;

/// Runs so many rounds on a small disk; `None` where the system allows none to be made.
pub(super) fn rounds(seed: u64, rounds: u64) -> Option<Summary> {
    let disk = folder();
    let program = std::env::current_exe().unwrap();
    let script = format!("mount -t tmpfs -o {SIZE} none \"$2\" && exec \"$1\"");
    let mut command = place::mounting(&script, &[&program, disk.path()])?;
    command.env(FULL, disk.path()).env(PLAN, format!("{seed} {rounds}"));
    let output = command.stderr(Stdio::inherit()).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let mut lines = said.lines();
    let numbers = lines.next().unwrap_or_default().split(' ').map(str::parse);
    let numbers: Vec<u64> = numbers.collect::<Result<_, _>>().unwrap_or_default();
    let [rounds, acknowledged, lost, failed_opens, faults, slowest] = numbers[..] else {
        let mut summary = Summary { rounds, ..Summary::default() };
        summary.trouble(format!("the process ended with {}: {said}", output.status));
        return Some(summary);
    };
    Some(Summary {
        rounds,
        acknowledged,
        lost,
        failed_opens,
        faults,
        slowest_open: Duration::from_millis(slowest),
        troubles: lines.map(str::to_owned).collect(),
    })
}

/// What the process does that sees the small disk.
pub(super) fn inside(engine: &Embedded, disk: &Path) -> ExitCode {
    let plan = std::env::var(PLAN).unwrap();
    let (seed, rounds) = plan.split_once(' ').unwrap();
    let (seed, rounds) = (seed.parse().unwrap(), rounds.parse().unwrap());
    let mut summary = Summary::default();
    let mut dice = Dice::new(seed);
    let mut items = Items::new();
    for round in 0..rounds {
        let path = disk.join(format!("store-{}", round / ROUNDS_A_STORE));
        if u64::is_multiple_of(round, ROUNDS_A_STORE) {
            items.clear();
        }
        match one(engine, &path, seed, round, &mut dice, &items, &mut summary) {
            Ok(found) => items = found,
            Err(message) => {
                summary.trouble(format!("seed {seed} round {round}: {message}"));
                summary.rounds = round + 1;
                break;
            }
        }
        summary.rounds = round + 1;
        if summary.rounds.is_multiple_of(ROUNDS_A_STORE) {
            fs::remove_dir_all(&path).unwrap();
        }
    }
    let Summary { rounds, acknowledged, lost, failed_opens, faults, slowest_open, troubles } = summary;
    let mut out = std::io::stdout().lock();
    let slowest = slowest_open.as_millis();
    writeln!(out, "{rounds} {acknowledged} {lost} {failed_opens} {faults} {slowest}").unwrap();
    for trouble in troubles {
        writeln!(out, "{}", trouble.replace('\n', " ")).unwrap();
    }
    ExitCode::SUCCESS
}

/// Fills the disk with a file, but for so many bytes.
fn fill(ballast: &Path, room: usize) {
    let mut file = File::create(ballast).unwrap();
    let (mut length, piece) = (0u64, vec![1; 64 << 10]);
    while let Ok(written) = file.write(&piece) {
        length += u64::try_from(written).unwrap();
    }
    file.set_len(length.saturating_sub(u64::try_from(room).unwrap())).unwrap();
}

fn full(what: &str, error: &StorageError) -> Result<(), String> {
    match error {
        StorageError::Full { .. } => Ok(()),
        other => Err(format!("{what} a full disk: {other}")),
    }
}

fn one(
    engine: &Embedded,
    path: &Path,
    seed: u64,
    round: u64,
    dice: &mut Dice,
    items: &Items,
    summary: &mut Summary,
) -> Result<Items, String> {
    let ballast = path.with_extension("ballast");
    let opening = |opening: u64| seed.wrapping_mul(1_000_003) + (round << 8) + opening;
    let server = Server::open(engine, path, NEW, opening(1)).map_err(|error| error.to_string())?;
    server.define()?;
    fill(&ballast, dice.below(MOST_ROOM));
    let counts: Arc<Vec<AtomicU64>> = Arc::new((0..WRITERS).map(|_| AtomicU64::new(0)).collect());
    let counted = counts.clone();
    let ends = server.write(scripts(seed, round, items), 100_000, move |writer| {
        counted[usize::try_from(writer).unwrap()].fetch_add(1, Ordering::SeqCst);
    });
    let acknowledged: Vec<u64> = counts.iter().map(|count| count.load(Ordering::SeqCst)).collect();
    summary.acknowledged += acknowledged.iter().sum::<u64>();
    let said: Vec<String> = ends.into_iter().filter_map(Result::err).collect();
    if !said.iter().any(|message| message.contains("the disk is full")) {
        return Err(format!("a full disk is said so: {said:?}"));
    }
    if dice.below(2) == 0
        && let Err(error) = server.close()
    {
        full("closing on", &error)?;
    }
    drop(server);
    let check = |found: &Items, summary: &mut Summary| {
        compare(scripts(seed, round, items), &acknowledged, found).inspect_err(|_| summary.lost += 1)
    };
    // On the full disk it opens and holds everything, or says why not.
    match Server::open(engine, path, OLD, opening(2)) {
        Ok(server) => check(&server.items()?, summary)?,
        Err(error) => full("opening on", &error)?,
    }
    // To be read, it opens where there is no room at all.
    fill(&path.with_extension("more"), 0);
    let read = || {
        let store =
            (engine.open)(path, READ).map_err(|error| format!("a full disk cannot be read: {error}"))?;
        block_on(everything(&*store)).map_err(|error| error.to_string())
    };
    let on_full = read()?;
    fs::remove_file(path.with_extension("more")).unwrap();
    fs::remove_file(&ballast).unwrap();
    if on_full != read()? {
        return Err("on a full disk it reads otherwise than with room".to_owned());
    }
    let start = Instant::now();
    let server = Server::open(engine, path, OLD, opening(3)).map_err(|error| {
        summary.failed_opens += 1;
        format!("it does not open once there is room: {error}")
    })?;
    summary.slowest_open = summary.slowest_open.max(start.elapsed());
    let found = server.items()?;
    check(&found, summary)?;
    let faults = server.faults()?;
    if !faults.is_empty() {
        summary.faults += 1;
        return Err(format!("{faults:?}"));
    }
    // It goes on.
    server.write(scripts(seed, round + 500_000, &found), 3, |_| {}).into_iter().collect::<Result<(), _>>()?;
    let found = server.items()?;
    server.close().map_err(|error| error.to_string())?;
    Ok(found)
}
