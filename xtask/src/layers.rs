//! Which crate may depend on which, and what the inner ones may not touch.
//!
//! ARCHITECTURE.md states these as absences; here they are checked.

use std::path::{Path, PathBuf};

use crate::workspace::Workspace;

/// Our crates that a crate may depend on (tests aside). A name that ends in `*` stands for all that begin so.
const MAY_USE: [(&str, &[&str]); 10] = [
    ("query-lang", &[]),
    ("core/signals", &[]),
    ("core", &["ankurah-query-lang", "ankurah-signals"]),
    ("core/storage", &["ankurah-core", "ankurah-query-lang", "ankurah-storage-directory"]),
    ("core/storage/directory", &["ankurah-core"]),
    ("core/transport", &["ankurah-core"]),
    ("bindings", &["ankurah*"]),
    ("repl", &["ankurah", "ankurah-core", "ankurah-display", "ankurah-query-lang", "ankurah-inspector"]),
    ("repl/display", &["ankurah-query-lang"]),
    ("inspector", &["ankurah-core", "ankurah-display", "ankurah-query-lang"]),
];

/// Where nothing outside the program may be touched except through traits.
const PURE: [&str; 3] = ["core/src", "core/signals/src", "query-lang/src"];

/// What touches it: files, sockets, other programs, threads, the clock, the environment, randomness.
const OUTSIDE: [&str; 9] = [
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "std::env",
    "std::io::std",
    "SystemTime",
    "Instant::now",
    "getrandom::",
];

/// One finding a dependency or a use that the layers do not allow.
pub(crate) fn check(workspace: &Workspace) -> Result<Vec<String>, String> {
    let mut findings = Vec::new();
    let read = |path: &PathBuf| {
        std::fs::read_to_string(workspace.root.join(path))
            .map_err(|error| format!("cannot read {}: {error}", path.display()))
    };
    for path in workspace.files()? {
        if path.ends_with("Cargo.toml") && path != Path::new("Cargo.toml") {
            findings.extend(check_manifest(&path, &read(&path)?));
        } else if is_pure(&path) {
            findings.extend(check_source(&path, &read(&path)?));
        }
    }
    Ok(findings)
}

fn check_manifest(path: &Path, text: &str) -> Vec<String> {
    let mut findings = Vec::new();
    if !text.contains("[lints]\nworkspace = true") {
        findings.push(format!("{}: lacks `[lints] workspace = true`", path.display()));
    }
    // The longest folder that matches decides: core/storage/sled is a storage crate, not core.
    let rules = MAY_USE.iter().filter(|(folder, _)| path.starts_with(folder));
    let Some((_, may_use)) = rules.max_by_key(|(folder, _)| folder.len()) else { return findings };
    for name in own_dependencies(text) {
        let matches = |rule: &&str| match rule.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => **rule == *name,
        };
        if !may_use.iter().any(matches) {
            findings.push(format!("{}: must not depend on {name}", path.display()));
        }
    }
    findings
}

/// The crates of this workspace that a manifest names as dependencies, those of its tests aside.
fn own_dependencies(manifest: &str) -> Vec<&str> {
    let mut counted = false;
    let mut names = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            counted = line.ends_with("dependencies]") && !line.ends_with("dev-dependencies]");
        } else if counted && line.starts_with("ankurah") {
            names.extend(line.split(['.', '=', ' ']).next());
        }
    }
    names
}

fn is_pure(path: &Path) -> bool {
    let is_test = path.file_stem().is_some_and(|stem| stem == "tests" || stem == "testing")
        || path.components().any(|part| part.as_os_str() == "tests");
    let is_rust = path.extension().is_some_and(|extension| extension == "rs");
    is_rust && !is_test && PURE.iter().any(|folder| path.starts_with(folder))
}

/// Looks at the code above the file's tests, comments left out.
fn check_source(path: &Path, text: &str) -> Vec<String> {
    let code = text.lines().enumerate().take_while(|(_, line)| line.trim() != "#[cfg(test)]");
    let code = code.filter(|(_, line)| !line.trim_start().starts_with("//"));
    let finding = |(number, line): (usize, &str)| {
        let touched = OUTSIDE.iter().find(|what| line.contains(**what))?;
        Some(format!("{}:{}: `{touched}` reaches outside; take it by trait", path.display(), number + 1))
    };
    code.filter_map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_dependencies(path: &str, dependencies: &str, expected: &[&str]) {
        let text = format!("[package]\n[lints]\nworkspace = true\n{dependencies}");
        assert_eq!(check_manifest(Path::new(path), &text), expected, "{path}");
    }

    #[test]
    fn dependencies_point_one_way() {
        check_dependencies("core/Cargo.toml", "[dependencies]\nankurah-query-lang.workspace = true\n", &[]);
        check_dependencies(
            "query-lang/Cargo.toml",
            "[dependencies]\nnom = \"8\"\nankurah-core = { path = \"../core\" }\n",
            &["query-lang/Cargo.toml: must not depend on ankurah-core"],
        );
        check_dependencies(
            "core/storage/sled/Cargo.toml",
            "[dependencies]\nankurah-core.workspace = true\n[dev-dependencies]\nankurah-storage-conformance = \"1\"\n",
            &[],
        );
        check_dependencies(
            "repl/Cargo.toml",
            "[target.'cfg(unix)'.dependencies]\nankurah-storage-sled.workspace = true\n",
            &["repl/Cargo.toml: must not depend on ankurah-storage-sled"],
        );
        check_dependencies("bindings/rust/Cargo.toml", "[dependencies]\nankurah-storage-sled = \"1\"\n", &[]);
        check_dependencies("elsewhere/Cargo.toml", "[dependencies]\nankurah = \"1\"\n", &[]);
    }

    #[test]
    fn every_crate_has_the_lints() {
        let found = check_manifest(Path::new("core/Cargo.toml"), "[package]\n");
        assert_eq!(found, ["core/Cargo.toml: lacks `[lints] workspace = true`"]);
    }

    #[test]
    fn uses_of_the_outside_are_found_above_the_tests() {
        let text = "// std::fs is not for us\nuse std::fs;\n#[cfg(test)]\nmod tests { use std::thread; }\n";
        let found = check_source(Path::new("core/src/a.rs"), text);
        assert_eq!(found, ["core/src/a.rs:2: `std::fs` reaches outside; take it by trait"]);
    }

    #[test]
    fn tests_and_outer_crates_may_reach_outside() {
        for (path, expected) in [
            ("core/src/dag/mod.rs", true),
            ("query-lang/src/lib.rs", true),
            ("core/signals/src/node.rs", true),
            ("core/signals/tests/leaks.rs", false),
            ("core/src/dag/tests.rs", false),
            ("core/src/tests/walk.rs", false),
            ("core/storage/sled/src/lib.rs", false),
            ("core/src/notes.md", false),
        ] {
            assert_eq!(is_pure(Path::new(path)), expected, "{path}");
        }
    }
}
