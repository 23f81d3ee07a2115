//! Installing what the tasks need, as far as this machine allows it.

use std::path::Path;
use std::process::Command;

use crate::command;
use crate::report::{Outcome, Report};
use crate::wasm;
use crate::workspace::{DATA_VARIABLE, Workspace};

/// Seconds after which a download by rustup is given up.
const RUSTUP_LIMIT: &str = "90";

/// Installs what is missing and names what could not be installed.
pub(crate) fn run(workspace: &Workspace, report: &mut Report) {
    report.step("rustfmt and clippy", components);
    report.step("C compiler", c_compiler);
    report.step("wasm32 toolchain", wasm_toolchain);
    report.step("real data", || data(workspace));
}

/// Makes sure that there is a toolchain for wasm32; `test` does this by itself.
pub(crate) fn wasm_toolchain() -> Outcome {
    if wasm::toolchain().is_some() {
        return Outcome::Passed("already there".into());
    }
    if command::succeeds("rustup", &["--version"]) {
        let added = if command::succeeds("timeout", &["--version"]) {
            let mut limited = Command::new("timeout");
            command::run(limited.args([RUSTUP_LIMIT, "rustup", "target", "add", wasm::TARGET]))
        } else {
            command::run(Command::new("rustup").args(["target", "add", wasm::TARGET]))
        };
        match added {
            Ok(()) if wasm::toolchain().is_some() => return Outcome::Passed("installed by rustup".into()),
            Ok(()) => println!("rustup added the target, but not for the toolchain in use"),
            Err(reason) => println!("{reason}"),
        }
    }
    if let Some(reason) = no_apt() {
        return Outcome::skipped(reason, wasm::how_to_enable());
    }
    match install(&["rustc-web", "rust-web-src"]) {
        Ok(()) if wasm::toolchain().is_some() => Outcome::Passed("installed by apt-get".into()),
        Ok(()) => Outcome::Failed("the packages rustc-web and rust-web-src do not fit together".into()),
        Err(reason) => Outcome::skipped(reason, wasm::how_to_enable()),
    }
}

fn components() -> Outcome {
    let parts = [("fmt", "rustfmt"), ("clippy", "clippy")];
    let missing = || {
        let absent = |(command, _): &&(&str, &str)| !command::succeeds("cargo", &[command, "--version"]);
        parts.iter().filter(absent).map(|(_, component)| *component).collect::<Vec<_>>()
    };
    let absent = missing();
    if absent.is_empty() {
        return Outcome::Passed("already there".into());
    }
    let how = format!("rustup component add {}", absent.join(" "));
    match command::run(Command::new("rustup").args(["component", "add"]).args(&absent)) {
        Ok(()) if missing().is_empty() => Outcome::Passed("installed by rustup".into()),
        Ok(()) => Outcome::skipped("rustup added them, but not for the toolchain in use", how),
        Err(reason) => Outcome::skipped(reason, how),
    }
}

fn c_compiler() -> Outcome {
    let there = || command::succeeds("cc", &["--version"]);
    if there() {
        return Outcome::Passed("already there".into());
    }
    let how = "install a C compiler, such as Debian's package build-essential";
    if let Some(reason) = no_apt() {
        return Outcome::skipped(reason, how);
    }
    match install(&["build-essential"]) {
        Ok(()) if there() => Outcome::Passed("installed by apt-get".into()),
        Ok(()) => Outcome::Failed("build-essential is installed, but there is no `cc`".into()),
        Err(reason) => Outcome::skipped(reason, how),
    }
}

fn data(workspace: &Workspace) -> Outcome {
    match workspace.data() {
        Some(folder) => Outcome::Passed(folder.display().to_string()),
        None => Outcome::skipped(
            "no real data sets (chinook/track.csv)",
            format!("set {DATA_VARIABLE} to their folder, or put it at shared/data beside the repository"),
        ),
    }
}

/// Why packages of the distribution cannot be installed here, if they cannot.
fn no_apt() -> Option<String> {
    if !Path::new("/etc/debian_version").exists() {
        return Some("not Debian, or a system derived from it".into());
    }
    match command::output(Command::new("id").arg("-u")) {
        Ok(id) if id.trim() == "0" => None,
        _ => Some("installing packages needs root".into()),
    }
}

fn install(packages: &[&str]) -> Result<(), String> {
    let apt = || {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").arg("--quiet");
        apt
    };
    command::run(apt().arg("update"))?;
    command::run(apt().args(["install", "--yes", "--no-install-recommends"]).args(packages))
}
