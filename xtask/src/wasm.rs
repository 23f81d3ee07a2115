//! The build of the crates that also run in a browser.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command;
use crate::report::{Outcome, Report};
use crate::workspace::Workspace;

/// The target without an operating system: what a browser runs.
pub(crate) const TARGET: &str = "wasm32-unknown-unknown";

/// The crates that must build for it, each alone, so that no feature that another turns on hides a fault.
const CRATES: [&str; 3] = ["ankurah-query-lang", "ankurah-signals", "ankurah-core"];

/// Debian's compiler, beside which its library source may be installed.
const DISTRIBUTION_RUSTC: &str = "/usr/bin/rustc";

/// What can build for [`TARGET`] here.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Toolchain {
    /// The toolchain in use has the target installed.
    Installed,
    /// Another compiler with its library source, from which the standard library is built as well.
    FromSource {
        /// That compiler.
        rustc: PathBuf,
        /// The linker of the toolchain in use.
        linker: PathBuf,
    },
}

/// Builds the crates, or says what is missing.
pub(crate) fn run(workspace: &Workspace, report: &mut Report) {
    let toolchain = toolchain();
    for name in CRATES {
        report.step(&format!("{name} for wasm32"), || match &toolchain {
            Some(toolchain) => command::run(&mut build(workspace, toolchain, name)).into(),
            None => Outcome::skipped(format!("no compiler has the target {TARGET}"), how_to_enable()),
        });
    }
}

/// How to have a toolchain for wasm32.
pub(crate) fn how_to_enable() -> String {
    format!("rustup target add {TARGET}, or on Debian: apt-get install rustc-web rust-web-src")
}

/// The first toolchain that can build for wasm32, the installed target first.
pub(crate) fn toolchain() -> Option<Toolchain> {
    let sysroot = sysroot("rustc")?;
    if sysroot.join("lib/rustlib").join(TARGET).join("lib").is_dir() {
        return Some(Toolchain::Installed);
    }
    let source = self::sysroot(DISTRIBUTION_RUSTC)?.join("lib/rustlib/src/rust/library/std/Cargo.toml");
    let linker = linker(&sysroot)?;
    source.is_file().then(|| Toolchain::FromSource { rustc: DISTRIBUTION_RUSTC.into(), linker })
}

fn sysroot(rustc: &str) -> Option<PathBuf> {
    let printed = command::output(Command::new(rustc).args(["--print", "sysroot"])).ok()?;
    Some(PathBuf::from(printed.trim()))
}

/// `rust-lld` is in the folder of the host's target: the only one that has a `bin`.
fn linker(sysroot: &Path) -> Option<PathBuf> {
    let targets = std::fs::read_dir(sysroot.join("lib/rustlib")).ok()?;
    let mut found: Vec<PathBuf> = targets
        .flatten()
        .map(|entry| entry.path().join("bin/rust-lld"))
        .filter(|path| path.is_file())
        .collect();
    found.sort();
    found.into_iter().next()
}

fn build(workspace: &Workspace, toolchain: &Toolchain, name: &str) -> Command {
    let mut cargo = workspace.cargo();
    cargo.args(["build", "--package", name, "--target", TARGET]);
    // Nothing runs what is built here, so dependencies need no optimisation.
    cargo.args(["--config", "profile.dev.package.\"*\".opt-level=0"]);
    if let Toolchain::FromSource { rustc, linker } = toolchain {
        cargo.arg("-Zbuild-std=std,panic_abort");
        cargo.env("RUSTC", rustc).env("RUSTC_BOOTSTRAP", "1");
        cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        // Two compilers in one folder would rebuild each other's build scripts at every turn.
        cargo.env("CARGO_TARGET_DIR", workspace.target().join("wasm-from-source"));
    }
    cargo
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_source_uses_the_other_compiler_and_our_linker() {
        let workspace = Workspace { root: "/repository".into() };
        let toolchain = Toolchain::FromSource { rustc: "/usr/bin/rustc".into(), linker: "/lld".into() };
        let command = build(&workspace, &toolchain, "ankurah-core");
        let variables: Vec<String> =
            command.get_envs().map(|(name, _)| name.to_string_lossy().into_owned()).collect();
        assert_eq!(
            variables,
            ["CARGO_TARGET_DIR", "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", "RUSTC", "RUSTC_BOOTSTRAP"]
        );
        assert!(command.get_args().any(|argument| argument == "-Zbuild-std=std,panic_abort"));
    }

    #[test]
    fn an_installed_target_needs_nothing_else() {
        let workspace = Workspace { root: "/repository".into() };
        let command = build(&workspace, &Toolchain::Installed, "ankurah-core");
        assert_eq!(command.get_envs().count(), 0);
        assert!(!command.get_args().any(|argument| argument.to_string_lossy().starts_with("-Z")));
    }
}
