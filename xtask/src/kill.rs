//! Rounds of killed processes, full disks and damaged files.

use crate::command;
use crate::report::Report;
use crate::workspace::Workspace;

/// How much is done, and to which engines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kill {
    /// Rounds with a killed process.
    pub(crate) rounds: u64,
    /// Rounds with a full disk.
    pub(crate) disks: u64,
    /// Damaged places.
    pub(crate) places: u64,
    /// Where chance begins.
    pub(crate) seed: u64,
    /// Engines; empty means all.
    pub(crate) engines: Vec<String>,
    /// With optimised programs.
    pub(crate) release: bool,
}

impl Default for Kill {
    fn default() -> Self {
        Kill { rounds: 20, disks: 20, places: 1000, seed: 1, engines: Vec::new(), release: false }
    }
}

impl Kill {
    /// The engines whose stores are files.
    const ENGINES: [&str; 2] = ["fjall", "sled"];

    /// Takes an option and its value from the arguments. `None` where there is no such option.
    pub(crate) fn take(
        &mut self,
        option: &str,
        arguments: &mut impl Iterator<Item = String>,
    ) -> Option<Result<(), String>> {
        let number = |value: Option<String>| match value.as_deref().map(str::parse) {
            Some(Ok(number)) => Ok(number),
            _ => Err(format!("`{option}` needs a number")),
        };
        Some(match option {
            "--release" => {
                self.release = true;
                Ok(())
            }
            "--rounds" => number(arguments.next()).map(|number| self.rounds = number),
            "--disks" => number(arguments.next()).map(|number| self.disks = number),
            "--places" => number(arguments.next()).map(|number| self.places = number),
            "--seed" => number(arguments.next()).map(|number| self.seed = number),
            "--engine" => match arguments.next() {
                Some(engine) if Kill::ENGINES.contains(&engine.as_str()) => {
                    self.engines.push(engine);
                    Ok(())
                }
                _ => Err(format!("`--engine` is one of {}", Kill::ENGINES.join(", "))),
            },
            _ => return None,
        })
    }
}

/// Runs the rounds, which are a part of each engine's conformance test.
pub(crate) fn run(workspace: &Workspace, kill: &Kill, report: &mut Report) {
    let all = Kill::ENGINES.map(str::to_owned);
    let engines = if kill.engines.is_empty() { &all[..] } else { &kill.engines[..] };
    for engine in engines {
        report.step(engine, || {
            let mut cargo = workspace.cargo();
            cargo.args(["test", "--package", &format!("ankurah-storage-{engine}"), "--test", "conformance"]);
            if kill.release {
                cargo.arg("--release");
            }
            let Kill { rounds, disks, places, seed, .. } = kill;
            cargo.args(["--", "kill"]);
            let numbers = [("--rounds", rounds), ("--disks", disks), ("--places", places), ("--seed", seed)];
            for (option, number) in numbers {
                cargo.args([option, &number.to_string()]);
            }
            command::run(&mut cargo).into()
        });
    }
}
