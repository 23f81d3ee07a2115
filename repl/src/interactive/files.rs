//! Completion of file names after commands that take one. It reads a folder, and only when Tab is pressed there.

use std::path::Path;

use super::complete::{Item, is_harmless};
use crate::display::Safe;
use crate::session::{COMMANDS, Takes, expand};

/// Names that are proposed at most.
const MOST: usize = 500;

/// The offset and the text of the file name that the cursor is in.
pub(super) fn file_word(line: &str, cursor: usize) -> Option<(usize, &str)> {
    let before = line.get(..cursor)?;
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let text = before.get(start..)?.trim_start();
    let (name, rest) = text.split_once(char::is_whitespace)?;
    COMMANDS.iter().find(|command| command.name == name && command.takes == Takes::File)?;
    let word = rest.trim_start();
    Some((cursor.checked_sub(word.len())?, word))
}

/// The offset from which the name is replaced, and the names that begin so. Names with blanks are quoted.
pub(super) fn files((start, word): (usize, &str)) -> (usize, Vec<Item>) {
    let typed = word.strip_prefix('\'').unwrap_or(word).replace("''", "'");
    let (folder, begin) = match typed.rfind('/') {
        Some(at) => typed.split_at(at + 1),
        None => ("", typed.as_str()),
    };
    let place = if folder.is_empty() { Path::new(".").to_owned() } else { expand(folder) };
    let Ok(entries) = std::fs::read_dir(place) else { return (start, Vec::new()) };
    let mut names: Vec<(String, bool)> = entries
        .flatten()
        .filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.path().is_dir())))
        .filter(|(name, _)| is_harmless(name))
        .filter(|(name, _)| name.starts_with(begin) && (begin.starts_with('.') || !name.starts_with('.')))
        .collect();
    names.sort();
    names.truncate(MOST);
    let item = |(name, is_folder): (String, bool)| {
        let end = if is_folder { "/" } else { "" };
        let path = format!("{folder}{name}{end}");
        let plain = !path.contains(|c: char| c.is_whitespace() || c == '\'');
        let replacement = match (plain, is_folder) {
            (true, _) => path,
            // What follows the folder is still in the quotes.
            (false, true) => format!("'{}", path.replace('\'', "''")),
            (false, false) => format!("'{}'", path.replace('\'', "''")),
        };
        Item { replacement, about: String::new(), display: Safe::line(&format!("{name}{end}")).to_string() }
    };
    (start, names.into_iter().map(item).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_files() {
        assert_eq!(file_word("\\i rep", 6), Some((3, "rep")));
        assert_eq!(file_word("select 1;\n\\o  'a b", 18), Some((14, "'a b")));
        assert_eq!(file_word("\\i ", 3), Some((3, "")));
        assert_eq!(file_word("\\i", 2), None);
        assert_eq!(file_word("\\d al", 5), None);
        assert_eq!(file_word("select \\i a", 11), None);
    }

    #[test]
    fn names_of_a_folder() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["report.sql", "re port.sql", "other", ".hidden"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        std::fs::create_dir(folder.path().join("reports")).unwrap();
        let at = format!("{}/", folder.path().display());
        let names = |word: &str| -> Vec<String> {
            let (start, items) = files((3, &format!("{at}{word}")));
            assert_eq!(start, 3);
            items.into_iter().map(|item| item.replacement.replace(&at, "")).collect()
        };
        assert_eq!(names("re"), ["'re port.sql'", "report.sql", "reports/"]);
        assert_eq!(names("."), [".hidden"]);
        assert_eq!(names("none"), Vec::<String>::new());
        assert_eq!(files((0, "/nowhere/at/all/x")).1, []);
    }
}
