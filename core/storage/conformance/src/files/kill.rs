//! Rounds in which a process that writes is killed at any moment, and what is then in the store.

use std::io::{BufRead, BufReader, Lines, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitCode, Stdio};
use std::time::Instant;

use super::load::{Items, Server, WRITERS, compare, scripts};
use super::summary::Summary;
use super::{Embedded, NEW, OLD, PLAN, VICTIM, folder};
use crate::data::Dice;

/// After so many rounds a new store is begun.
const ROUNDS_A_STORE: u64 = 25;
/// The longest wait before a kill, in turns of a loop.
const LONGEST: usize = 3_000_000;

/// A process that opens a store, writes into it and closes it.
pub(super) struct Victim {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Victim {
    /// Starts one that does so many steps with each writer.
    pub(super) fn start(path: &Path, seed: u64, round: u64, steps: u64) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.env(VICTIM, path).env(PLAN, format!("{seed} {round} {steps}"));
        let mut child = command.stdout(Stdio::piped()).stdin(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Victim { child, lines }
    }

    pub(super) fn process(&self) -> u32 {
        self.child.id()
    }

    /// What it says next; `None` where it has ended.
    pub(super) fn next(&mut self) -> Option<String> {
        self.lines.next().map(|line| line.unwrap())
    }

    /// Kills it. Gives what it had still said: that counts as well.
    pub(super) fn kill(mut self) -> Vec<String> {
        self.child.kill().unwrap();
        let said = self.lines.map_while(Result::ok).collect();
        self.child.wait().unwrap();
        said
    }
}

/// What a victim does. It says what it is about to do, and the number of a writer for each step that was acknowledged.
pub(super) fn victim(engine: &Embedded, path: &Path) -> ExitCode {
    let plan = std::env::var(PLAN).unwrap();
    let plan: Vec<u64> = plan.split(' ').map(|number| number.parse().unwrap()).collect();
    let [seed, round, steps] = plan[..] else { panic!("a plan {plan:?}") };
    let say = |what: &str| {
        let mut out = std::io::stdout().lock();
        // Nobody may be listening any more.
        let _ = writeln!(out, "{what}").and_then(|()| out.flush());
    };
    let run = || {
        say("opening");
        let server =
            Server::open(engine, path, NEW, seed_of(seed, round, 1)).map_err(|error| error.to_string())?;
        server.define()?;
        let items = server.items()?;
        say("open");
        let said = say;
        let ends = server.write(scripts(seed, round, &items), steps, move |writer| said(&writer.to_string()));
        ends.into_iter().collect::<Result<(), _>>()?;
        say("closing");
        server.close().map_err(|error| error.to_string())?;
        drop(server);
        say("closed");
        Ok(())
    };
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            let message: String = message;
            say(&format!("error {message}"));
            ExitCode::FAILURE
        }
    }
}

/// A seed for the randomness of one opening of a store.
fn seed_of(seed: u64, round: u64, opening: u64) -> u64 {
    seed.wrapping_mul(1_000_003).wrapping_add(round << 8).wrapping_add(opening)
}

/// Runs so many rounds.
pub(super) fn rounds(engine: &Embedded, seed: u64, rounds: u64) -> Summary {
    let mut summary = Summary::default();
    let mut dice = Dice::new(seed);
    let mut place = folder();
    let mut items = Items::new();
    for round in 0..rounds {
        if round.is_multiple_of(ROUNDS_A_STORE) {
            place = folder();
            items.clear();
        }
        let found = one(engine, place.path(), seed, round, &mut dice, &items, &mut summary);
        match found {
            Ok(found) => items = found,
            Err(message) => {
                summary.trouble(format!("seed {seed} round {round}: {message}"));
                place = folder();
                items.clear();
            }
        }
        summary.rounds += 1;
    }
    summary
}

/// The last thing that a victim says before it is killed.
enum Moment {
    Says(&'static str),
    Acknowledges(usize),
}

/// Lets a victim work on a store with these items, kills it and looks at what is left.
fn one(
    engine: &Embedded,
    path: &Path,
    seed: u64,
    round: u64,
    dice: &mut Dice,
    items: &Items,
    summary: &mut Summary,
) -> Result<Items, String> {
    let (moment, steps) = match dice.below(8) {
        0 => (Moment::Says("opening"), u64::MAX),
        1 => (Moment::Says("closing"), 1 + dice.number() % 20),
        2 => (Moment::Says("closed"), 1 + dice.number() % 20),
        _ => (Moment::Acknowledges(dice.below(150)), u64::MAX),
    };
    let mut acknowledged = vec![0; usize::try_from(WRITERS).unwrap()];
    let mut victim = Victim::start(path, seed, round, steps);
    let mut count = |line: &str| -> Result<bool, String> {
        match line.parse::<usize>() {
            Ok(writer) => {
                acknowledged[writer] += 1;
                Ok(true)
            }
            Err(_) if line.starts_with("error") => Err(format!("the writer failed: {line}")),
            Err(_) => Ok(false),
        }
    };
    let mut total = 0;
    loop {
        let Some(line) = victim.next() else { return Err("the writer ended by itself".to_owned()) };
        total += usize::from(count(&line)?);
        match moment {
            Moment::Says(what) if line == what => break,
            Moment::Acknowledges(least) if total >= least && line != "opening" => break,
            _ => {}
        }
    }
    for turn in 0..dice.below(LONGEST) {
        std::hint::black_box(turn);
    }
    for line in victim.kill() {
        count(&line)?;
    }
    summary.acknowledged += acknowledged.iter().sum::<u64>();
    let start = Instant::now();
    let server = Server::open(
        engine,
        path,
        if round.is_multiple_of(ROUNDS_A_STORE) { NEW } else { OLD },
        seed_of(seed, round, 2),
    );
    let server = server.map_err(|error| {
        summary.failed_opens += 1;
        format!("it does not open: {error}")
    })?;
    summary.slowest_open = summary.slowest_open.max(start.elapsed());
    server.define()?;
    let found = server.items()?;
    compare(scripts(seed, round, items), &acknowledged, &found).inspect_err(|_| summary.lost += 1)?;
    let faults = server.faults()?;
    if !faults.is_empty() {
        summary.faults += 1;
        return Err(format!("{faults:?}"));
    }
    if dice.below(2) == 0 {
        server.close().map_err(|error| error.to_string())?;
    }
    Ok(found)
}
