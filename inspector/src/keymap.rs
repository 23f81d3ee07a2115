//! Which key does what: the table's keys, changed by a file.
//!
//! The file has a line for each action that is to have other keys: `down = j ctrl-n down`. A line without keys takes
//! all of them away. `#` begins a comment.

use std::collections::BTreeMap;
use std::fmt::Write;

use crate::action::{Action, Context, Entry, TABLE};
use crate::key::{Key, ParseKeyError};

/// Keys and what they do. Whatever way it was made, one key never means two things, and there is a way out.
#[derive(Clone, Debug)]
pub struct Keymap {
    /// The keys of each line of the table.
    keys: Vec<Vec<Key>>,
    found: BTreeMap<(Context, Key), Action>,
}

/// Why a file of keys is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeymapError {
    /// A line of another form.
    #[error("line {line}: write `ACTION = KEY …`")]
    Form {
        /// The line, from 1.
        line: usize,
    },
    /// No such action.
    #[error("line {line}: there is no action `{name}`{}", did_you_mean(name))]
    Action {
        /// The line, from 1.
        line: usize,
        /// The name.
        name: String,
    },
    /// No such key.
    #[error("line {line}: {error}")]
    Key {
        /// The line, from 1.
        line: usize,
        /// Why.
        error: ParseKeyError,
    },
    /// An action that has a line already.
    #[error("line {line}: `{name}` has its keys already")]
    Again {
        /// The line, from 1.
        line: usize,
        /// The action.
        name: String,
    },
    /// A key for two actions.
    #[error("`{key}` would mean both `{one}` and `{other}`: give one of them another key")]
    Conflict {
        /// The key.
        key: Key,
        /// One action.
        one: &'static str,
        /// The other.
        other: &'static str,
    },
    /// Nobody could leave.
    #[error("`{name}` would have no key: there must be a way out")]
    NoWayOut {
        /// The action that needs a key.
        name: &'static str,
    },
}

fn did_you_mean(name: &str) -> String {
    let nearest = ankurah_query_lang::nearest(name, TABLE.iter().map(|entry| entry.name));
    nearest.map(|nearest| format!(": did you mean `{nearest}`?")).unwrap_or_default()
}

impl Keymap {
    /// The keys of the table.
    ///
    /// # Errors
    /// [`KeymapError`] where the table contradicts itself, which a test refuses.
    pub fn standard() -> Result<Self, KeymapError> {
        Keymap::read("")
    }

    /// The keys of the table, changed by the text of a file.
    ///
    /// # Errors
    /// [`KeymapError`] names the line, or the key that would mean two things.
    pub fn read(text: &str) -> Result<Self, KeymapError> {
        let mut given: BTreeMap<Action, Vec<Key>> = BTreeMap::new();
        for (at, line) in text.lines().enumerate() {
            let number = at + 1;
            // `#` is a key too: it begins a comment only where a word begins.
            let words: Vec<&str> =
                line.split_whitespace().take_while(|word| !word.starts_with('#')).collect();
            let (name, keys) = match words.as_slice() {
                [] => continue,
                [name, "=", keys @ ..] => (*name, keys),
                _ => return Err(KeymapError::Form { line: number }),
            };
            let entry = TABLE.iter().find(|entry| entry.name == name);
            let entry = entry
                .ok_or_else(|| KeymapError::Action { line: number, name: name.chars().take(32).collect() })?;
            let keys = keys.iter().map(|key| key.parse()).collect::<Result<Vec<Key>, _>>();
            let keys = keys.map_err(|error| KeymapError::Key { line: number, error })?;
            if given.insert(entry.action, keys).is_some() {
                return Err(KeymapError::Again { line: number, name: name.to_owned() });
            }
        }
        Keymap::of(&given)
    }

    fn of(given: &BTreeMap<Action, Vec<Key>>) -> Result<Self, KeymapError> {
        let mut keys = Vec::with_capacity(TABLE.len());
        for entry in TABLE {
            keys.push(match given.get(&entry.action) {
                Some(keys) => keys.clone(),
                None => {
                    let own = entry.keys.iter().map(|key| key.parse()).collect::<Result<Vec<Key>, _>>();
                    own.map_err(|error| KeymapError::Key { line: 0, error })?
                }
            });
        }
        let mut taken: Vec<(&Entry, Key)> = Vec::new();
        for (entry, keys) in TABLE.iter().zip(&keys) {
            for key in keys {
                let other =
                    taken.iter().find(|(other, taken)| taken == key && other.context.overlaps(entry.context));
                if let Some((other, _)) = other.filter(|(other, _)| other.action != entry.action) {
                    return Err(KeymapError::Conflict { key: *key, one: other.name, other: entry.name });
                }
                taken.push((entry, *key));
            }
            let needed = matches!(entry.action, Action::Quit | Action::Cancel);
            // Characters are typed while typing.
            let works = |key: &Key| entry.context != Context::Typing || key.typed().is_none();
            if needed && !keys.iter().any(works) {
                return Err(KeymapError::NoWayOut { name: entry.name });
            }
        }
        let found = taken.iter().map(|(entry, key)| ((entry.context, *key), entry.action)).collect();
        Ok(Keymap { keys, found })
    }

    /// What a key does in a context, if anything.
    pub fn action(&self, context: Context, key: Key) -> Option<Action> {
        let here = [context, Context::Rows, Context::Everywhere];
        let mut counts = here.into_iter().filter(|place| place.covers(context));
        counts.find_map(|place| self.found.get(&(place, key))).copied()
    }

    /// The lines of the table with their keys.
    pub fn entries(&self) -> impl Iterator<Item = (&'static Entry, &[Key])> {
        TABLE.iter().zip(self.keys.iter().map(Vec::as_slice))
    }

    /// The keys of an action, as they are shown: `j, down`.
    pub fn shown(&self, action: Action) -> String {
        let keys = self.entries().find(|(entry, _)| entry.action == action).map(|(_, keys)| keys);
        let keys: Vec<String> = keys.unwrap_or_default().iter().map(Key::to_string).collect();
        keys.join(", ")
    }

    /// The first key of an action, as it is shown in the footer; empty where it has none.
    pub fn first(&self, action: Action) -> String {
        let keys = self.entries().find(|(entry, _)| entry.action == action).map(|(_, keys)| keys);
        keys.and_then(|keys| keys.first()).map(Key::to_string).unwrap_or_default()
    }

    /// The table as Markdown, for the documentation.
    pub fn documentation(&self) -> String {
        let mut out = String::new();
        for context in Context::ALL {
            // Writing to a string cannot fail.
            let _ = write!(out, "\n### Keys {}\n\n| action | keys | does |\n|---|---|---|\n", place(context));
            for (entry, keys) in self.entries().filter(|(entry, _)| entry.context == context) {
                let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
                let _ = writeln!(out, "| `{}` | {} | {} |", entry.name, keys.join(" "), entry.about);
            }
        }
        out
    }
}

fn place(context: Context) -> String {
    match context {
        Context::Everywhere | Context::Typing => context.title().to_owned(),
        other => format!("in {}", other.title()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_does_not_contradict_itself() {
        let keymap = Keymap::standard().unwrap();
        assert_eq!(keymap.action(Context::Entities, Key::char('j')), Some(Action::Down));
        assert_eq!(keymap.action(Context::Typing, Key::char('j')), None);
        assert_eq!(keymap.action(Context::Timeline, Key::char(' ')), Some(Action::Play));
        assert_eq!(keymap.action(Context::Timeline, Key::char('s')), Some(Action::Sort));
        assert_eq!(keymap.action(Context::Entities, Key::char('s')), Some(Action::Sort));
        assert_eq!(keymap.action(Context::Graph, Key::char('s')), None);
        assert_eq!(keymap.action(Context::Stream, Key::char(' ')), Some(Action::Pause));
        assert_eq!(keymap.action(Context::Graph, Key::char(' ')), None);
    }

    #[test]
    fn every_action_is_in_the_table_once() {
        for entry in TABLE {
            assert_eq!(
                TABLE.iter().filter(|other| other.action == entry.action).count(),
                1,
                "{}",
                entry.name
            );
            assert_eq!(TABLE.iter().filter(|other| other.name == entry.name).count(), 1, "{}", entry.name);
        }
    }

    #[test]
    fn a_file_changes_keys() {
        let keymap = Keymap::read("# mine\ndown = ctrl-n down # as in emacs\nup = \n").unwrap();
        assert_eq!(keymap.action(Context::Graph, "ctrl-n".parse().unwrap()), Some(Action::Down));
        assert_eq!(keymap.action(Context::Graph, Key::char('j')), None);
        assert_eq!(keymap.action(Context::Graph, Key::char('k')), None);
        assert_eq!(keymap.shown(Action::Down), "ctrl-n, down");
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let check =
            |text: &str, expected: &str| assert_eq!(Keymap::read(text).unwrap_err().to_string(), expected);
        check("down", "line 1: write `ACTION = KEY …`");
        check("\ndwon = j", "line 2: there is no action `dwon`: did you mean `down`?");
        check("down = jj", &format!("line 1: {}", "jj".parse::<Key>().unwrap_err()));
        check("down = x\ndown = z", "line 2: `down` has its keys already");
        check("down = k", "`k` would mean both `down` and `up`: give one of them another key");
        check("play = s", "`s` would mean both `play` and `sort`: give one of them another key");
        check("parent = q", "`q` would mean both `quit` and `parent`: give one of them another key");
        check("quit =", "`quit` would have no key: there must be a way out");
        check("cancel = j", "`cancel` would have no key: there must be a way out");
        // Two names of one key, and keys that cannot be pressed.
        check(
            "cancel = ctrl-m",
            "`enter` would mean both `accept` and `cancel`: give one of them another key",
        );
        check("quit = ctrl-[", "`esc` would mean both `quit` and `back`: give one of them another key");
        for key in ["ctrl-shift-q", "f24", "ctrl-é"] {
            check(&format!("quit = {key}"), &format!("line 1: {}", key.parse::<Key>().unwrap_err()));
        }
        assert_eq!(Keymap::read("quit = ctrl-i").unwrap().shown(Action::Quit), "tab");
    }

    #[test]
    fn one_key_may_mean_different_things_in_different_views() {
        assert!(Keymap::read("parent = v\nverify = v").is_ok());
    }
}
