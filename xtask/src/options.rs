//! The command line of `cargo xtask`.

use crate::kill::Kill;

/// Printed by `cargo xtask help` and after a wrong command line.
pub(crate) const OVERVIEW: &str = "\
Project tasks.

Usage: cargo xtask TASK [OPTIONS]

Tasks:
  test     set up what can be set up, then run everything that this machine can run
  lint     formatting, clippy, documentation, licences and the rules for sources
  wasm     build the crates that run in a browser for wasm32-unknown-unknown
  setup    install what the other tasks need and this machine lacks
  kill     many rounds of killed processes, full disks and damaged files on embedded engines
  measure  measure the program as users have it: how quickly it starts, what an export takes
  picture  draw the picture of the README again, from a real terminal screen
  fuzz     give what reads bytes from outside changing inputs, and watch what they reach
  help     this text, or that of one task: cargo xtask help test

Exit codes: 0 all steps passed, 1 a step failed, 2 the command line or the workspace is wrong.";

const TEST: &str = "\
Run everything that this machine can run.

Usage: cargo xtask test [--no-skips] [FILTER]...

Steps: every fixture under fixtures/ through the built `ankurah run`, tests in documentation, the wasm32
build, and the unit and integration tests (cargo nextest where it is installed, else cargo test).
A step that needs something that is missing here is skipped; the table at the end names it and how to
enable it. Tests that skip themselves, because real data is absent for example, are named there too.

Arguments:
  FILTER      run only the unit and integration tests whose name contains one of these

Options:
  --no-skips  a skipped step or test is a failure: what CI uses

Environment:
  ANKURAH_DATA  folder with the real data sets; otherwise shared/data beside the repository or
                beside one of its parent folders
  CI            passed on: with it set, no expectation or snapshot is ever rewritten";

const LINT: &str = "\
Check everything that can be checked without running the program.

Usage: cargo xtask lint [--no-skips]

Steps: cargo fmt --check; clippy on all targets and rustdoc, with warnings denied; the rules for
sources (sizes, leftover markers, invisible characters, which crate may use what); licences and
origins of all dependencies against deny.toml; cargo deny check where it is installed.

Options:
  --no-skips  a skipped step is a failure";

const WASM: &str = "\
Build ankurah-query-lang, ankurah-signals and ankurah-core for wasm32-unknown-unknown.

Usage: cargo xtask wasm [--no-skips]

Uses the target of the installed toolchain (rustup target add wasm32-unknown-unknown). Where it cannot
be downloaded, uses Debian's compiler and library source (packages rustc-web and rust-web-src) and
builds the standard library as well.

Options:
  --no-skips  having no toolchain for wasm32 is a failure";

const SETUP: &str = "\
Install what the other tasks need and this machine lacks.

Usage: cargo xtask setup [--no-skips]

rustfmt, clippy and the wasm32 target come through rustup. Where the target cannot be had so, on Debian
and as root, Debian's compiler (rustc-web, rust-web-src) comes through apt-get, and so does a C compiler,
which the bundled SQLite of the tests needs. What cannot be installed here is named, with the command to
use.

Options:
  --no-skips  anything that could not be installed is a failure";

const MEASURE: &str = "\
Measure the program as users have it.

Usage: cargo xtask measure

Builds it in release mode. Starts it 100 times for one query: the quickest start must take less than 10 ms.
Imports 100,000 and 1,000,000 rows into a store of each engine and exports them: the most memory that an
export holds is bounded by what the engine caches and 96 MiB. Takes a few minutes.";

const PICTURE: &str = "\
Draw docs/images/repl.svg again.

Usage: cargo xtask picture

Runs the program on a terminal that nobody looks at, types what repl/tests/suite/picture.rs says and draws
the screen. The tests compare the picture with the screen, so a picture that is out of date fails.";

const KILL: &str = "\
Have embedded stores survive what should not happen, many times over.

Usage: cargo xtask kill [--rounds N] [--disks N] [--places N] [--seed N] [--engine ENGINE]... [--release]

Three kinds of rounds, all of which a number, the seed, can repeat:
- a process writes with several sessions at once, synced, and is killed at some moment: while it opens,
  writes or closes the store;
- the disk fills up while the store is written, and then has room again;
- a bit of a file of a closed store is flipped, or a file is cut.
After each the store is opened, compared with what was acknowledged, and verified. The tables at the
end count the rounds, and what was lost, did not open or was read wrongly: all of that must be 0.
`cargo xtask test` runs a few rounds of each.

Options:
  --rounds N       rounds with a killed process [default: 20]
  --disks N        rounds with a full disk [default: 20]
  --places N       places at which files are damaged [default: 1000]
  --seed N         where chance begins [default: 1]
  --engine ENGINE  fjall or sled; may be given more than once [default: both]
  --release        with optimised programs";

const FUZZ: &str = "\
Give what reads bytes from outside changing inputs, and watch what they reach.

Usage: cargo xtask fuzz [--seconds N] [--merge] [TARGET]...

Builds the fuzzers of xtask/fuzz with libFuzzer and the coverage of the stable compiler, and runs the
targets one after another. They begin with the inputs under fixtures/fuzz/TARGET and keep what they find
in target/fuzz/corpus/TARGET; an input that shows a fault goes to target/fuzz/artifacts/TARGET. Tests run
over the inputs under fixtures/ each time.

Arguments:
  TARGET       frame, import, key, operation, parser or text; all where none is named

Options:
  --seconds N  how long each target runs; 60 where it is not said
  --merge      then make fixtures/fuzz/TARGET anew, of some of the inputs that reach all that was reached";

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Task {
    /// Run all tests.
    Test,
    /// Run all static checks.
    Lint,
    /// Build for wasm32.
    Wasm,
    /// Run the fuzzers.
    Fuzz,
    /// Install what is missing.
    Setup,
    /// Kill, fill and damage stores.
    Kill,
    /// Measure the program.
    Measure,
    /// Draw the picture of the README.
    Picture,
}

/// A command line that was understood.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// What to do.
    pub(crate) task: Task,
    /// Whether a skip is a failure.
    pub(crate) no_skips: bool,
    /// Parts of names of the tests to run, or names of fuzz targets; empty means all.
    pub(crate) filters: Vec<String>,
    /// What `kill` does.
    pub(crate) kill: Kill,
    /// How long a fuzz target runs.
    pub(crate) seconds: Option<u64>,
    /// Whether the corpora are made anew after fuzzing.
    pub(crate) merge: bool,
}

/// What a command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    /// Run a task.
    Run(Options),
    /// Print this help.
    Help(&'static str),
    /// The command line is wrong, for this reason.
    Wrong(String),
}

/// Reads the arguments that follow the program's name.
pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> Parsed {
    let mut arguments = arguments.into_iter();
    let Some(first) = arguments.next() else { return Parsed::Wrong("a task is missing".into()) };
    if matches!(first.as_str(), "help" | "--help" | "-h") {
        return match arguments.next() {
            None => Parsed::Help(OVERVIEW),
            Some(name) => match task(&name) {
                Some((_, help)) => Parsed::Help(help),
                None => Parsed::Wrong(format!("there is no task `{name}`")),
            },
        };
    }
    let Some((task, help)) = task(&first) else {
        return Parsed::Wrong(format!("there is no task `{first}`"));
    };
    let mut options = Options {
        task,
        no_skips: false,
        filters: Vec::new(),
        kill: Kill::default(),
        seconds: None,
        merge: false,
    };
    while let Some(argument) = arguments.next() {
        if task == Task::Kill {
            match options.kill.take(&argument, &mut arguments) {
                Some(Ok(())) => continue,
                Some(Err(message)) => return Parsed::Wrong(message),
                None => {}
            }
        }
        match argument.as_str() {
            "--help" | "-h" => return Parsed::Help(help),
            "--no-skips" if task != Task::Kill => options.no_skips = true,
            "--merge" if task == Task::Fuzz => options.merge = true,
            "--seconds" if task == Task::Fuzz => {
                let seconds = arguments.next().and_then(|number| number.parse().ok());
                let Some(seconds) = seconds.filter(|seconds| *seconds > 0) else {
                    return Parsed::Wrong("`--seconds` needs a number of seconds".into());
                };
                options.seconds = Some(seconds);
            }
            option if option.starts_with('-') => {
                return Parsed::Wrong(format!("`{first}` has no option `{option}`"));
            }
            _ if matches!(task, Task::Test | Task::Fuzz) => options.filters.push(argument),
            _ => return Parsed::Wrong(format!("`{first}` takes no argument `{argument}`")),
        }
    }
    Parsed::Run(options)
}

fn task(name: &str) -> Option<(Task, &'static str)> {
    Some(match name {
        "test" => (Task::Test, TEST),
        "lint" => (Task::Lint, LINT),
        "wasm" => (Task::Wasm, WASM),
        "fuzz" => (Task::Fuzz, FUZZ),
        "setup" => (Task::Setup, SETUP),
        "kill" => (Task::Kill, KILL),
        "picture" => (Task::Picture, PICTURE),
        "measure" => (Task::Measure, MEASURE),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &Parsed) {
        assert_eq!(parse(line.split_whitespace().map(String::from)), *expected, "{line}");
    }

    fn options(task: Task, no_skips: bool, filters: &[&str]) -> Parsed {
        let filters = filters.iter().map(ToString::to_string).collect();
        Parsed::Run(Options { task, no_skips, filters, kill: Kill::default(), seconds: None, merge: false })
    }

    #[test]
    fn command_lines() {
        check("test", &options(Task::Test, false, &[]));
        check("test --no-skips", &options(Task::Test, true, &[]));
        check("test dag --no-skips codec", &options(Task::Test, true, &["dag", "codec"]));
        check("lint", &options(Task::Lint, false, &[]));
        check("wasm --no-skips", &options(Task::Wasm, true, &[]));
        check("setup", &options(Task::Setup, false, &[]));
        check("picture", &options(Task::Picture, false, &[]));
        check("measure", &options(Task::Measure, false, &[]));
    }

    #[test]
    fn kill() {
        let check_kill = |line: &str, kill: Kill| {
            let filters = Vec::new();
            let task = Task::Kill;
            check(
                line,
                &Parsed::Run(Options { task, no_skips: false, filters, kill, seconds: None, merge: false }),
            );
        };
        check_kill("kill", Kill::default());
        let engines = vec!["sled".to_owned()];
        check_kill(
            "kill --rounds 500 --disks 5 --engine sled --places 7 --seed 9 --release",
            Kill { rounds: 500, disks: 5, places: 7, seed: 9, engines, release: true },
        );
        check("kill --rounds", &Parsed::Wrong("`--rounds` needs a number".into()));
        check("kill --seed x", &Parsed::Wrong("`--seed` needs a number".into()));
        check("kill --engine memory", &Parsed::Wrong("`--engine` is one of fjall, sled".into()));
        check("kill --no-skips", &Parsed::Wrong("`kill` has no option `--no-skips`".into()));
        check("test --rounds 5", &Parsed::Wrong("`test` has no option `--rounds`".into()));
        check("kill -h", &Parsed::Help(KILL));
    }

    #[test]
    fn fuzzing() {
        let fuzz = |filters: &[&str], seconds, merge| match options(Task::Fuzz, false, filters) {
            Parsed::Run(options) => Parsed::Run(Options { seconds, merge, ..options }),
            other => other,
        };
        check("fuzz", &fuzz(&[], None, false));
        check("fuzz key --seconds 5 text --merge", &fuzz(&["key", "text"], Some(5), true));
        let number = Parsed::Wrong("`--seconds` needs a number of seconds".into());
        check("fuzz --seconds", &number);
        check("fuzz --seconds 0", &number);
        check("lint --seconds 5", &Parsed::Wrong("`lint` has no option `--seconds`".into()));
    }

    #[test]
    fn help() {
        check("help", &Parsed::Help(OVERVIEW));
        check("--help", &Parsed::Help(OVERVIEW));
        check("help test", &Parsed::Help(TEST));
        check("lint -h", &Parsed::Help(LINT));
        check("wasm --no-skips --help", &Parsed::Help(WASM));
    }

    #[test]
    fn wrong() {
        check("", &Parsed::Wrong("a task is missing".into()));
        check("tset", &Parsed::Wrong("there is no task `tset`".into()));
        check("help tset", &Parsed::Wrong("there is no task `tset`".into()));
        check("lint --fast", &Parsed::Wrong("`lint` has no option `--fast`".into()));
        check("lint core", &Parsed::Wrong("`lint` takes no argument `core`".into()));
    }
}
