//! Everything that can be tested on this machine.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::command;
use crate::options::Options;
use crate::report::{Outcome, Report};
use crate::setup;
use crate::skips::{SKIPS_VARIABLE, SkipFile};
use crate::wasm;
use crate::workspace::{DATA_VARIABLE, Workspace};

/// Fixtures given to one run of the program: keeps the command line within every system's limit.
const FIXTURES_A_RUN: usize = 200;

/// Runs all tests; with filters, only the unit and integration tests that they name.
pub(crate) fn run(workspace: &Workspace, options: &Options, report: &mut Report) {
    if options.filters.is_empty() {
        let build = || command::run(workspace.whole(&["build"]).args(["--bins", "--examples"])).into();
        if !report.step("programs and examples", build) {
            return;
        }
        report.step("fixtures", || fixtures(workspace));
        report.step("examples", || examples(workspace));
        report.step("documentation tests", || {
            command::run(with_data(workspace, workspace.whole(&["test"])).arg("--doc")).into()
        });
        if wasm::toolchain().is_none() {
            report.step("wasm32 toolchain", setup::wasm_toolchain);
        }
        wasm::run(workspace, report);
    }
    // Last, so that the runner's own summary stands right above the table.
    rust_tests(workspace, options, report);
}

fn rust_tests(workspace: &Workspace, options: &Options, report: &mut Report) {
    let skips = SkipFile::create(&workspace.target());
    report.step("unit and integration tests", || match &skips {
        Err(reason) => Outcome::Failed(reason.clone()),
        Ok(skips) => {
            let mut tests = with_data(workspace, rust_test_command(workspace, options));
            command::run(tests.env(SKIPS_VARIABLE, skips.path())).into()
        }
    });
    match skips.and_then(|skips| skips.read()) {
        Ok(skipped) => {
            for (name, outcome) in skipped {
                report.add(name, outcome, Duration::ZERO);
            }
        }
        Err(reason) => report.add("skipped tests", Outcome::Failed(reason), Duration::ZERO),
    }
}

/// nextest where it is installed: a process a test, so a crash names its test; else cargo's own runner.
fn rust_test_command(workspace: &Workspace, options: &Options) -> Command {
    if command::succeeds("cargo", &["nextest", "--version"]) {
        let mut nextest = workspace.whole(&["nextest", "run"]);
        nextest.arg("--no-fail-fast").args(&options.filters);
        nextest
    } else {
        let mut test = workspace.whole(&["test"]);
        test.args(["--no-fail-fast", "--lib", "--bins", "--tests", "--"]).args(&options.filters);
        test
    }
}

/// Tells the tests where the real data is, so that they and the report agree.
fn with_data(workspace: &Workspace, mut command: Command) -> Command {
    if let Some(data) = workspace.data() {
        command.env(DATA_VARIABLE, data);
    }
    command
}

/// Every script under fixtures/ through the program as a user has it.
fn fixtures(workspace: &Workspace) -> Outcome {
    let files = match workspace.files() {
        Ok(files) => scripts(&files),
        Err(reason) => return Outcome::Failed(reason),
    };
    if files.is_empty() {
        return Outcome::Failed("there is no .ank file under fixtures/".into());
    }
    let program = workspace.built("", "ankurah");
    for some in files.chunks(FIXTURES_A_RUN) {
        let mut run = with_data(workspace, Command::new(&program));
        if let Err(reason) = command::run(run.current_dir(&workspace.root).arg("run").args(some)) {
            return Outcome::Failed(reason);
        }
    }
    Outcome::Passed(format!("{} files", files.len()))
}

/// Every example as a user runs it, without arguments. They check themselves what they show.
fn examples(workspace: &Workspace) -> Outcome {
    let files = match workspace.files() {
        Ok(files) => files,
        Err(reason) => return Outcome::Failed(reason),
    };
    let names: Vec<&str> = files.iter().filter_map(|file| example(file)).collect();
    for name in &names {
        let mut example = Command::new(workspace.built("examples", name));
        if let Err(reason) = command::run(example.current_dir(&workspace.root)) {
            return Outcome::Failed(format!("{name}: {reason}"));
        }
    }
    Outcome::Passed(names.join(", "))
}

/// The name of the example that a file is.
fn example(file: &Path) -> Option<&str> {
    let is_rust = file.extension().is_some_and(|extension| extension == "rs");
    let is_example = file.parent() == Some(Path::new("bindings/rust/examples"));
    file.file_stem().filter(|_| is_rust && is_example)?.to_str()
}

fn scripts(files: &[PathBuf]) -> Vec<PathBuf> {
    let is_script =
        |file: &Path| file.starts_with("fixtures") && file.extension().is_some_and(|e| e == "ank");
    files.iter().filter(|file| is_script(file)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn examples_are_the_files_of_their_folder() {
        let check =
            |file: &str, expected: Option<&str>| assert_eq!(example(Path::new(file)), expected, "{file}");
        check("bindings/rust/examples/todo.rs", Some("todo"));
        check("bindings/rust/examples/notes.md", None);
        check("bindings/rust/examples/deep/main.rs", None);
        check("bindings/rust/src/lib.rs", None);
    }

    #[test]
    fn only_scripts_under_fixtures_are_run() {
        let files = ["core/a.ank", "fixtures/a.ank", "fixtures/deep/b.ank", "fixtures/sample/album.csv"];
        let files: Vec<PathBuf> = files.iter().map(PathBuf::from).collect();
        assert_eq!(scripts(&files), [PathBuf::from("fixtures/a.ank"), PathBuf::from("fixtures/deep/b.ank")]);
    }
}
