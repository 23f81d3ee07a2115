//! The picture of a session in the README, drawn from a real terminal screen.

use crate::command;
use crate::report::Report;
use crate::workspace::Workspace;

/// Makes the test that compares the picture with the screen write it instead.
const VARIABLE: &str = "ANKURAH_PICTURE";

/// Draws it again.
pub(crate) fn run(workspace: &Workspace, report: &mut Report) {
    report.step("docs/images/repl.svg", || {
        let mut test = workspace.cargo();
        test.args(["test", "--quiet", "--package", "ankurah-repl", "--test", "suite", "--", "picture::"]);
        command::run(test.env(VARIABLE, "draw")).into()
    });
    report.step("docs/inspect.md, its keys and its pictures", || {
        let mut test = workspace.cargo();
        test.args([
            "test",
            "--quiet",
            "--package",
            "ankurah-inspector",
            "--test",
            "suite",
            "--",
            "documents::",
        ]);
        command::run(test.env(VARIABLE, "draw")).into()
    });
}
