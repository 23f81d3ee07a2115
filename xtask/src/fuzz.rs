//! Fuzzing with a stable toolchain: the coverage that libFuzzer needs is what LLVM's own pass records.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::command;
use crate::options::Options;
use crate::report::{Outcome, Report};
use crate::workspace::Workspace;

/// The workspace of the fuzzers.
const FOLDER: &str = "xtask/fuzz/fuzz";

/// Where the corpora are that the repository holds.
const CORPORA: &str = "fixtures/fuzz";

/// How long a target runs where nothing else is asked for.
const SECONDS: u64 = 60;

/// Inputs of a target that the repository holds at most, and their bytes together.
const KEPT: (usize, usize) = (200, 128 << 10);

/// What the compiler does besides: counters of edges, a table of them, calls before comparisons.
const FLAGS: &str = "-Cpasses=sancov-module \
                     -Cllvm-args=-sanitizer-coverage-level=4 \
                     -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
                     -Cllvm-args=-sanitizer-coverage-pc-table \
                     -Cllvm-args=-sanitizer-coverage-trace-compares \
                     -Ccodegen-units=1 --cfg=fuzzing";

/// Builds the fuzzers and runs the named targets, or all, one after another.
pub(crate) fn run(workspace: &Workspace, options: &Options, report: &mut Report) {
    let all = match targets(workspace) {
        Ok(all) => all,
        Err(reason) => return report.add("targets", Outcome::Failed(reason), Duration::ZERO),
    };
    if let Some(wrong) = options.filters.iter().find(|name| !all.contains(name)) {
        let reason = format!("there is no target `{wrong}`: there are {}", all.join(", "));
        return report.add("targets", Outcome::Failed(reason), Duration::ZERO);
    }
    let chosen = if options.filters.is_empty() { &all } else { &options.filters };
    let host = match host() {
        Ok(host) => host,
        Err(reason) => return report.add("toolchain", Outcome::Failed(reason), Duration::ZERO),
    };
    let mut built = true;
    report.step("fuzzers", || {
        let outcome = command::run(&mut build(workspace, &host, chosen)).into();
        built = matches!(outcome, Outcome::Passed(_));
        outcome
    });
    for name in chosen.iter().filter(|_| built) {
        let target = Target { workspace, name, host: &host };
        report.step(name, || {
            let done = target.fuzz(options.seconds.unwrap_or(SECONDS));
            done.and_then(|()| if options.merge { target.merge() } else { Ok(String::new()) })
                .map_or_else(Outcome::Failed, Outcome::Passed)
        });
    }
}

/// The names of all targets: a program each.
fn targets(workspace: &Workspace) -> Result<Vec<String>, String> {
    let folder = workspace.root.join(FOLDER).join("fuzz_targets");
    let mut names = Vec::new();
    for path in list(&folder)? {
        names.extend(path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
    }
    Ok(names)
}

/// The machine's own target: named, so that build scripts are built without the flags.
fn host() -> Result<String, String> {
    let version = command::output(Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned).ok_or_else(|| "rustc does not say its host".to_owned())
}

fn target_folder(workspace: &Workspace) -> PathBuf {
    workspace.target().join("fuzz")
}

fn build(workspace: &Workspace, host: &str, chosen: &[String]) -> Command {
    let mut cargo = workspace.cargo();
    cargo.current_dir(workspace.root.join(FOLDER)).args(["build", "--release", "--target", host]);
    cargo.args(chosen.iter().flat_map(|name| ["--bin", name]));
    if !chosen.iter().any(|name| name == "import") {
        // Without it the fuzzers need not build the whole command line program.
        cargo.arg("--no-default-features");
    }
    cargo.env("RUSTFLAGS", FLAGS).env("CARGO_TARGET_DIR", target_folder(workspace));
    cargo
}

struct Target<'a> {
    workspace: &'a Workspace,
    name: &'a str,
    host: &'a str,
}

impl Target<'_> {
    fn folder(&self, what: &str) -> PathBuf {
        target_folder(self.workspace).join(what).join(self.name)
    }

    fn program(&self) -> Command {
        let folder = target_folder(self.workspace).join(self.host).join("release");
        let mut program = Command::new(folder.join(format!("{}{}", self.name, std::env::consts::EXE_SUFFIX)));
        program.current_dir(&self.workspace.root);
        program
    }

    /// Runs for so many seconds. What it finds goes on in the corpus under `target/`; the repository's is read.
    fn fuzz(&self, seconds: u64) -> Result<(), String> {
        let (corpus, artifacts) = (self.folder("corpus"), self.folder("artifacts"));
        let kept = self.workspace.root.join(CORPORA).join(self.name);
        for folder in [&corpus, &artifacts, &kept] {
            fs::create_dir_all(folder)
                .map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
        }
        let mut program = self.program();
        program.args([
            format!("-max_total_time={seconds}"),
            "-max_len=4096".to_owned(),
            "-timeout=20".to_owned(),
            "-rss_limit_mb=2048".to_owned(),
            "-print_final_stats=1".to_owned(),
            format!("-artifact_prefix={}/", artifacts.display()),
        ]);
        let words = self.workspace.root.join(FOLDER).join("dictionaries").join(format!("{}.dict", self.name));
        if words.is_file() {
            program.arg(format!("-dict={}", words.display()));
        }
        command::run(program.args([&corpus, &kept]))
    }

    /// Makes the repository's corpus anew: of the inputs that between them reach all that both corpora reach, some
    /// of every length. What has a name of its own stays.
    fn merge(&self) -> Result<String, String> {
        let kept = self.workspace.root.join(CORPORA).join(self.name);
        let merged = self.folder("merged");
        let failed = |error: std::io::Error| format!("cannot write {}: {error}", kept.display());
        if merged.exists() {
            fs::remove_dir_all(&merged).map_err(failed)?;
        }
        fs::create_dir_all(&merged).map_err(failed)?;
        let mut program = self.program();
        program.args(["-set_cover_merge=1", "-max_len=4096", "-rss_limit_mb=2048"]);
        command::run(program.arg(&merged).arg(self.folder("corpus")).arg(&kept))?;
        for path in list(&kept)?.iter().filter(|path| !has_a_name(path)) {
            fs::remove_file(path).map_err(failed)?;
        }
        let mut inputs = Vec::new();
        for path in list(&merged)? {
            let length = fs::metadata(&path).map_err(failed)?.len();
            inputs.push((usize::try_from(length).unwrap_or(usize::MAX), path));
        }
        let (found, chosen) = (inputs.len(), some_of_every_length(inputs));
        for path in &chosen {
            fs::copy(path, kept.join(path.file_name().unwrap_or_default())).map_err(failed)?;
        }
        Ok(format!("{} of {found} inputs kept", chosen.len()))
    }
}

/// Whether an input was named by a person: the fuzzer names them by their digests.
fn has_a_name(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    name.len() != 40 || !name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// As many inputs as the repository holds, of all lengths.
fn some_of_every_length(mut inputs: Vec<(usize, PathBuf)>) -> Vec<PathBuf> {
    let (count, mut room) = KEPT;
    inputs.sort();
    let step = inputs.len().div_ceil(count).max(1);
    let fits = |(length, path)| {
        room = usize::checked_sub(room, length)?;
        Some(path)
    };
    inputs.into_iter().step_by(step).map_while(fits).collect()
}

/// The files of a folder, sorted.
fn list(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let failed = |error: std::io::Error| format!("cannot read {}: {error}", folder.display());
    let mut files = Vec::new();
    for file in fs::read_dir(folder).map_err(failed)? {
        files.push(file.map_err(failed)?.path());
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_the_programs() {
        let workspace = Workspace::find().unwrap();
        let names = targets(&workspace).unwrap();
        assert_eq!(names, ["frame", "import", "key", "link", "operation", "parser", "text"]);
        let manifest = fs::read_to_string(workspace.root.join(FOLDER).join("Cargo.toml")).unwrap();
        for name in names {
            assert!(manifest.contains(&format!("[[bin]]\nname = \"{name}\"\n")), "{name} is not built");
            assert!(workspace.root.join(CORPORA).join(&name).is_dir(), "{name} has no corpus");
        }
    }

    #[test]
    fn named_inputs_are_told_from_found_ones() {
        for (name, expected) in [
            ("crash-of-an-empty-key", true),
            ("da39a3ee5e6b4b0d3255bfef95601890afd80709", false),
            ("da39a3ee", true),
            ("of-forty-characters-and-no-digest-at-all", true),
        ] {
            assert_eq!(has_a_name(Path::new(name)), expected, "{name}");
        }
    }

    #[test]
    fn the_inputs_that_are_kept_are_few_and_of_all_lengths() {
        let input = |length: usize| (length, PathBuf::from(length.to_string()));
        let check = |lengths: &mut dyn Iterator<Item = usize>, expected: &[usize]| {
            let chosen = some_of_every_length(lengths.map(input).collect());
            let expected: Vec<_> = expected.iter().map(|length| input(*length).1).collect();
            assert_eq!(chosen, expected);
        };
        check(&mut std::iter::empty(), &[]);
        check(&mut [3, 1, 2].into_iter(), &[1, 2, 3]);
        check(&mut [KEPT.1, 1].into_iter(), &[1]);
        let every_other: Vec<usize> = (0..KEPT.0).map(|n| 2 * n).collect();
        check(&mut (0..2 * KEPT.0), &every_other);
    }
}
