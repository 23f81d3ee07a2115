//! Tests that skip themselves, and how the runner hears of it.
//!
//! A test that needs something from outside looks for it and, where it is absent, appends one line
//! `test name`, tab, `what is missing`, tab, `how to enable it` to the file that `ANKURAH_SKIPS` names
//! (if it is set), says the same on standard error and returns. Nothing else may make a test skip.

use std::path::{Path, PathBuf};

use crate::report::Outcome;

/// Names the file to which tests append what they skipped.
pub(crate) const SKIPS_VARIABLE: &str = "ANKURAH_SKIPS";

/// The file for the tests of one run.
#[derive(Debug)]
pub(crate) struct SkipFile(PathBuf);

impl SkipFile {
    /// Makes the file, empty, in the target folder.
    pub(crate) fn create(target: &Path) -> Result<SkipFile, String> {
        let path = target.join("xtask-skipped-tests.tsv");
        let problem = |error: std::io::Error| format!("cannot write {}: {error}", path.display());
        std::fs::create_dir_all(target).map_err(problem)?;
        std::fs::write(&path, "").map_err(problem)?;
        Ok(SkipFile(path))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// What the tests wrote since, each test once, as steps of the report.
    pub(crate) fn read(&self) -> Result<Vec<(String, Outcome)>, String> {
        let text = std::fs::read_to_string(&self.0)
            .map_err(|error| format!("cannot read {}: {error}", self.0.display()))?;
        Ok(parse(&text))
    }
}

fn parse(text: &str) -> Vec<(String, Outcome)> {
    let mut lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines.sort_unstable();
    lines.dedup();
    let rows = lines.into_iter().map(|line| {
        let mut fields = line.splitn(3, '\t').map(str::trim);
        let name = fields.next().unwrap_or_default();
        let reason = fields.next().unwrap_or("no reason given");
        let enable = fields.next().unwrap_or("see the test");
        (format!("test {name}"), Outcome::skipped(reason, enable))
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_test_is_named_once() {
        let text = "chinook\tno data\tset ANKURAH_DATA\n\nb\nchinook\tno data\tset ANKURAH_DATA\n";
        let expected = vec![
            ("test b".to_owned(), Outcome::skipped("no reason given", "see the test")),
            ("test chinook".to_owned(), Outcome::skipped("no data", "set ANKURAH_DATA")),
        ];
        assert_eq!(parse(text), expected);
        assert_eq!(parse(""), vec![]);
    }
}
