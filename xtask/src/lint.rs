//! Everything that can be checked without running the program.

use crate::command;
use crate::report::{Outcome, Report};
use crate::workspace::Workspace;
use crate::{layers, licences, sources};

/// Runs all checks, the quick ones first.
pub(crate) fn run(workspace: &Workspace, report: &mut Report) {
    report.step("formatting", || {
        command::run(workspace.cargo().args(["fmt", "--all", "--", "--check"])).into()
    });
    report.step("sources", || findings(sources::check(workspace)));
    report.step("layers", || findings(layers::check(workspace)));
    report.step("licences and origins", || findings(licences::check(workspace)));
    report.step("clippy", || {
        command::run(workspace.whole(&["clippy"]).args(["--all-targets", "--", "-D", "warnings"])).into()
    });
    report.step("documentation", || {
        command::run(workspace.whole(&["doc"]).arg("--no-deps").env("RUSTDOCFLAGS", "-D warnings")).into()
    });
    report.step("advisories (cargo deny)", || {
        if !command::succeeds("cargo", &["deny", "--version"]) {
            return Outcome::skipped("cargo-deny is not installed", "cargo install --locked cargo-deny");
        }
        command::run(workspace.cargo().args(["deny", "check"])).into()
    });
}

/// Prints what a check found, one a line; finding nothing is passing.
fn findings(found: Result<Vec<String>, String>) -> Outcome {
    match found {
        Err(reason) => Outcome::Failed(reason),
        Ok(found) if found.is_empty() => Outcome::Passed(String::new()),
        Ok(found) => {
            for finding in &found {
                println!("{finding}");
            }
            Outcome::Failed(match found.len() {
                1 => "1 finding".into(),
                count => format!("{count} findings"),
            })
        }
    }
}
