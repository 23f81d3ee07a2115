//! The long form of the cases for crashes, which `cargo xtask kill` runs.

use std::io::Write as _;
use std::process::ExitCode;

use super::damage::Damage;
use super::summary::Summary;
use super::{Embedded, damage, full, kill, place};

/// Reads `kill --rounds N --disks N --places N --seed S`, runs as much, and prints what came out.
pub(super) fn run(engine: &Embedded, arguments: impl Iterator<Item = String>) -> ExitCode {
    let (mut rounds, mut disks, mut places, mut seed) = (20, 20, 1000, 1);
    let mut arguments = arguments.into_iter();
    while let Some(option) = arguments.next() {
        let number = arguments.next().and_then(|number| number.parse::<u64>().ok());
        match (option.as_str(), number) {
            ("--rounds", Some(number)) => rounds = number,
            ("--disks", Some(number)) => disks = number,
            ("--places", Some(number)) => places = number,
            ("--seed", Some(number)) => seed = number,
            _ => panic!("kill takes --rounds, --disks, --places and --seed with a number, not {option}"),
        }
    }
    let mut out = std::io::stdout().lock();
    let mut say = |text: String| writeln!(out, "{text}").and_then(|()| out.flush()).unwrap();
    let mut is_good = true;
    let mut tell = |name: &str, summary: Option<Summary>| {
        let name = format!("{} {name}", engine.name);
        match summary {
            Some(summary) => {
                is_good &= summary.troubles.is_empty();
                say(format!("{:24}  {}\n{name:24}  {summary}", "", Summary::HEAD));
                summary.troubles.iter().for_each(|trouble| say(format!("    {trouble}")));
            }
            None => say(format!("{name} skipped: {}", place::ENABLE)),
        }
    };
    if rounds > 0 {
        tell("killed", Some(kill::rounds(engine, seed, rounds)));
    }
    if disks > 0 {
        tell("disk full", full::rounds(seed, disks));
    }
    if places > 0 {
        let damage = damage::places(engine, seed, places);
        is_good &= damage.troubles().next().is_none();
        let name = format!("{} damaged", engine.name);
        say(format!("{:24}  {}\n{name:24}  {damage}", "", Damage::HEAD));
        damage.troubles().for_each(|trouble| say(format!("    {trouble}")));
    }
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
