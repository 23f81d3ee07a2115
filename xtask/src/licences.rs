//! Licences and origins of all dependencies, checked offline against deny.toml.
//!
//! This is the part of `cargo deny` that must hold in every build, so it needs nothing installed.
//! Advisories and duplicates stay with `cargo deny` itself.

use crate::command;
use crate::spdx;
use crate::workspace::Workspace;

/// Where every package must come from.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// One finding a package that may not be used.
pub(crate) fn check(workspace: &Workspace) -> Result<Vec<String>, String> {
    let read = |name: &str| {
        std::fs::read_to_string(workspace.root.join(name))
            .map_err(|error| format!("cannot read {name}: {error}"))
    };
    let allowed = allowed(&read("deny.toml")?)?;
    let mut findings = origins(&read("Cargo.lock")?);
    let mut tree = workspace.cargo();
    tree.args(["tree", "--workspace", "--all-features", "--target", "all", "--edges", "normal,build,dev"]);
    tree.args(["--prefix", "none", "--format", "{p}\t{l}"]);
    findings.extend(licences(&command::output(&mut tree)?, &allowed));
    Ok(findings)
}

/// The names in the list `allow = […]` of the section `[licenses]`.
fn allowed(deny: &str) -> Result<Vec<String>, String> {
    let section = deny.split("\n[licenses]").nth(1).and_then(|rest| rest.split("\n[").next());
    let list =
        section.and_then(|text| text.split("allow = [").nth(1)).and_then(|rest| rest.split(']').next());
    let list = list.ok_or("deny.toml has no list `allow` in [licenses]")?;
    let lines = list.lines().map(|line| line.split('#').next().unwrap_or_default());
    let names = lines.flat_map(|line| line.split(','));
    let names = names.map(|name| name.trim().trim_matches('"')).filter(|name| !name.is_empty());
    Ok(names.map(String::from).collect())
}

fn origins(lock: &str) -> Vec<String> {
    let sources = lock.lines().filter_map(|line| line.strip_prefix("source = "));
    let other = sources.map(|source| source.trim_matches('"')).filter(|source| *source != REGISTRY);
    let mut findings: Vec<String> =
        other.map(|source| format!("Cargo.lock: {source} is not the registry of crates.io")).collect();
    findings.sort();
    findings.dedup();
    findings
}

fn licences(tree: &str, allowed: &[String]) -> Vec<String> {
    let mut lines: Vec<&str> = tree.lines().filter(|line| !line.trim().is_empty()).collect();
    lines.sort_unstable();
    lines.dedup();
    let finding = |line: &str| {
        let (package, licence) = line.split_once('\t').unwrap_or((line, ""));
        // `serde v1.0.0 (proc-macro)`, `core v0.1.0 (/path)`: the name and the version will do.
        let package: Vec<&str> = package.split_whitespace().take(2).collect();
        let package = package.join(" ");
        // A mark after the licence says that the package was listed before.
        let licence = licence.trim_end_matches("(*)").trim();
        if licence.is_empty() {
            return Some(format!("{package} states no licence"));
        }
        match spdx::is_allowed(licence, allowed) {
            Ok(true) => None,
            Ok(false) => Some(format!("{package}: `{licence}` is not allowed by deny.toml")),
            Err(reason) => Some(format!("{package}: {reason}")),
        }
    };
    let mut findings: Vec<String> = lines.into_iter().filter_map(finding).collect();
    findings.dedup();
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_of_deny_toml() {
        let deny = "[bans]\nallow = [\"no\"]\n[licenses]\nconfidence = 1\nallow = [\n  \"MIT\", # short\n  \"Zlib\",\n]\n[x]\n";
        assert_eq!(allowed(deny).unwrap(), ["MIT", "Zlib"]);
        assert!(allowed("[bans]\nallow = [\"no\"]\n").is_err());
    }

    #[test]
    fn packages_from_elsewhere_are_found() {
        let lock = format!("source = \"{REGISTRY}\"\nname = \"a\"\nsource = \"git+https://example.org/a\"\n");
        assert_eq!(
            origins(&lock),
            ["Cargo.lock: git+https://example.org/a is not the registry of crates.io"]
        );
    }

    #[test]
    fn packages_with_other_licences_are_found() {
        let tree =
            "a v1.0.0 (proc-macro)\tMIT\nb v2.0.0\tGPL-3.0-only\nb v2.0.0\tGPL-3.0-only (*)\nc v1.0.0\t\n";
        let found = licences(tree, &["MIT".into()]);
        assert_eq!(
            found,
            ["b v2.0.0: `GPL-3.0-only` is not allowed by deny.toml", "c v1.0.0 states no licence"]
                .map(String::from)
                .to_vec()
        );
    }
}
