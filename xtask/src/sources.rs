//! Rules for files that no compiler checks.

use std::path::Path;

use crate::workspace::Workspace;

/// Bytes of the largest file that the repository may hold: a clone stays quick.
const MAX_BYTES: usize = 4 << 20;

/// Lines of the longest Rust file: longer ones are to be split by idea.
const MAX_LINES: usize = 1000;

/// Words that mark something unfinished. Split, so that this file does not find itself.
const MARKERS: [&str; 6] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X:"),
    concat!("HA", "CK:"),
    concat!("#[ign", "ore"),
    concat!("unimple", "mented!("),
];

/// Folders that only one person's machine has.
const HOMES: [&str; 2] = [concat!("/ro", "ot/"), concat!("/ho", "me/")];

/// How a file is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Rust source.
    Rust,
    /// Other text that people write.
    Prose,
    /// Data, recordings and whatever else: only its size counts.
    Data,
}

fn kind(path: &Path) -> Kind {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    let recorded = path.starts_with("snapshots") || path.starts_with("fixtures");
    match extension {
        "rs" => Kind::Rust,
        "md" | "toml" | "sh" | "yml" | "yaml" | "ebnf" if !recorded => Kind::Prose,
        _ if path.starts_with(".ci") => Kind::Prose,
        _ => Kind::Data,
    }
}

/// One finding a line that breaks a rule, as `path:line: what is wrong`.
pub(crate) fn check(workspace: &Workspace) -> Result<Vec<String>, String> {
    let mut findings = Vec::new();
    for path in workspace.files()? {
        let bytes = std::fs::read(workspace.root.join(&path))
            .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        findings.extend(check_file(&path, &bytes));
    }
    Ok(findings)
}

fn check_file(path: &Path, bytes: &[u8]) -> Vec<String> {
    let shown = path.display();
    let mut findings = Vec::new();
    if bytes.len() > MAX_BYTES {
        findings.push(format!("{shown}: {} bytes; at most {MAX_BYTES} are allowed", bytes.len()));
    }
    let kind = kind(path);
    if kind == Kind::Data {
        return findings;
    }
    let Ok(text) = std::str::from_utf8(bytes) else {
        findings.push(format!("{shown}: not UTF-8"));
        return findings;
    };
    if !text.is_empty() && !text.ends_with('\n') {
        findings.push(format!("{shown}: the last line has no end"));
    }
    if kind == Kind::Rust && text.lines().count() > MAX_LINES {
        findings.push(format!("{shown}: more than {MAX_LINES} lines; split it by idea"));
    }
    for (number, line) in text.split('\n').enumerate() {
        if let Some(wrong) = check_line(kind, line) {
            findings.push(format!("{shown}:{}: {wrong}", number + 1));
        }
    }
    findings
}

fn check_line(kind: Kind, line: &str) -> Option<String> {
    if let Some(c) = line.chars().find(|&c| is_invisible(c)) {
        return Some(format!("invisible character U+{:04X}; write an escape", u32::from(c)));
    }
    if line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ") {
        return Some("a merge was not finished".into());
    }
    if line.ends_with([' ', '\t']) {
        return Some("space at the end of the line".into());
    }
    if let Some(home) = HOMES.iter().find(|home| line.contains(**home)) {
        return Some(format!("`{home}` is a folder of one machine"));
    }
    let marker = MARKERS.iter().find(|marker| kind == Kind::Rust && line.contains(**marker))?;
    Some(format!("`{marker}` marks something unfinished"))
}

/// Control characters and those that change how other text looks: a reader could not see what the
/// compiler sees.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{0}'..='\u{8}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{ad}' | '\u{61c}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str, expected: &[&str]) {
        assert_eq!(check_file(Path::new(path), text.as_bytes()), expected, "{path}: {text:?}");
    }

    #[test]
    fn clean_files() {
        check("core/src/lib.rs", "//! Text with an accent: é\nfn main() {}\n", &[]);
        check("core/src/empty.rs", "", &[]);
        check("README.md", "What is left to do\n", &[]);
        check("fixtures/odd.ank", "select '\u{202e}' \r\n", &[]);
    }

    #[test]
    fn lines_that_break_a_rule() {
        check("a.rs", "fn a() {} \n", &["a.rs:1: space at the end of the line"]);
        check("a.rs", "\n// a\u{202e}b\n", &["a.rs:2: invisible character U+202E; write an escape"]);
        check("a.md", "a\r\n", &["a.md:1: invisible character U+000D; write an escape"]);
        check("a.toml", "<<<<<<< main\n", &["a.toml:1: a merge was not finished"]);
        check("a.rs", "fn a() {}", &["a.rs: the last line has no end"]);
        for marker in MARKERS {
            let line = format!("// {marker}\n");
            check("a.rs", &line, &[&format!("a.rs:1: `{marker}` marks something unfinished")]);
            check("a.md", &line, &[]);
        }
        for home in HOMES {
            let line = format!("see {home}me\n");
            check(".ci/run", &line, &[&format!(".ci/run:1: `{home}` is a folder of one machine")]);
        }
    }

    #[test]
    fn files_that_break_a_rule() {
        let long = "\n".repeat(MAX_LINES + 1);
        check("a.rs", &long, &[&format!("a.rs: more than {MAX_LINES} lines; split it by idea")]);
        let large = "a".repeat(MAX_BYTES + 1);
        let expected = format!("fixtures/a.csv: {} bytes; at most {MAX_BYTES} are allowed", large.len());
        check("fixtures/a.csv", &large, &[&expected]);
        assert_eq!(check_file(Path::new("a.rs"), b"\xff\n"), ["a.rs: not UTF-8"]);
    }
}
