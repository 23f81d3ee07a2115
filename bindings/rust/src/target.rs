//! What a target says.

use std::fmt;
use std::path::{Path, PathBuf};

/// Where a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `memory:` – a store that is gone with the program.
    Memory,
    /// `sled:PATH`
    Sled(PathBuf),
    /// `fjall:PATH`
    Fjall(PathBuf),
    /// A path: whichever embedded store is there.
    Path(PathBuf),
}

/// Why a text is not a target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Nothing is named.
    #[error("the target is empty: write `memory:`, `fjall:PATH`, `sled:PATH` or a path")]
    Empty,
    /// A scheme without its path.
    #[error("`{scheme}:` needs a path, as in `{scheme}:music`")]
    NoPath {
        /// The scheme.
        scheme: String,
    },
    /// `memory:` with something behind it.
    #[error("`memory:` takes nothing behind the colon, but `{rest}` is there")]
    MemoryWithName {
        /// What is there.
        rest: String,
    },
    /// A scheme that a later version will have.
    #[error(
        "`{scheme}:` is not available in this version; available are `memory:`, `fjall:PATH`, `sled:PATH` and \
         a path"
    )]
    NotAvailable {
        /// The scheme.
        scheme: String,
    },
    /// A scheme that nobody knows.
    #[error(
        "there is no target `{scheme}:`; available are `memory:`, `fjall:PATH`, `sled:PATH` and a path \
         (write `./{scheme}:…` for a path with a colon)"
    )]
    Unknown {
        /// The scheme.
        scheme: String,
    },
}

impl Target {
    /// Reads a target. Whatever has no scheme is a path; a single letter before a colon is a drive, not a scheme.
    ///
    /// # Errors
    /// [`TargetError`] says what is wrong and what there is.
    pub fn parse(text: &str) -> Result<Target, TargetError> {
        if text.is_empty() {
            return Err(TargetError::Empty);
        }
        let Some((scheme, rest)) = text.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) else {
            return Ok(Target::Path(PathBuf::from(text)));
        };
        let path = || match rest {
            "" => Err(TargetError::NoPath { scheme: scheme.to_owned() }),
            path => Ok(PathBuf::from(path)),
        };
        match scheme {
            "memory" if rest.is_empty() => Ok(Target::Memory),
            "memory" => Err(TargetError::MemoryWithName { rest: rest.to_owned() }),
            "sled" => Ok(Target::Sled(path()?)),
            "fjall" => Ok(Target::Fjall(path()?)),
            "postgres" | "postgresql" | "ws" | "wss" | "tikv" => {
                Err(TargetError::NotAvailable { scheme: scheme.to_owned() })
            }
            _ => Err(TargetError::Unknown { scheme: scheme.to_owned() }),
        }
    }

    /// Where the store is on disk; `None` in memory.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Target::Memory => None,
            Target::Sled(path) | Target::Fjall(path) | Target::Path(path) => Some(path),
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Target::Memory => f.write_str("memory:"),
            Target::Sled(path) => write!(f, "sled:{}", path.display()),
            Target::Fjall(path) => write!(f, "fjall:{}", path.display()),
            Target::Path(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Two or more characters of the kind that schemes have.
fn is_scheme(text: &str) -> bool {
    text.len() >= 2
        && text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(|it| it.is_ascii_alphanumeric() || matches!(it, '+' | '-'))
}

/// The store of someone who names none: `store` in the user's data directory. `None` where the system names no
/// such directory.
pub fn default_target() -> Option<Target> {
    let directories = directories::ProjectDirs::from("", "", "ankurah")?;
    Some(Target::Path(directories.data_dir().join("store")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_read_and_written() {
        let check = |text: &str, expected: Target| {
            assert_eq!(Target::parse(text), Ok(expected.clone()), "{text}");
            assert_eq!(expected.to_string(), text);
        };
        check("memory:", Target::Memory);
        check("sled:a/b", Target::Sled("a/b".into()));
        check("fjall:/a b", Target::Fjall("/a b".into()));
        check("music", Target::Path("music".into()));
        check("./sled:x", Target::Path("./sled:x".into()));
        check("c:\\music", Target::Path("c:\\music".into()));
    }

    #[test]
    fn wrong_targets_say_what_there_is() {
        let check = |text: &str, expected: &str| {
            let error = Target::parse(text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{text}: {error}");
        };
        check("", "the target is empty");
        check("sled:", "`sled:` needs a path");
        check("memory:x", "`memory:` takes nothing");
        check("postgres://host/db", "`postgres:` is not available in this version; available are `memory:`");
        check("wss://host", "`wss:` is not available");
        check("redis:x", "there is no target `redis:`");
    }

    #[test]
    fn there_is_a_default() {
        let Some(Target::Path(path)) = default_target() else { return };
        assert!(path.ends_with("store") && path.is_absolute());
    }
}
