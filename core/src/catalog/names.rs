//! Finding what a name means.

use std::sync::Arc;

use ankurah_query_lang::nearest;

use super::{Model, Property};
use crate::id::OpId;

/// Something that has a name, an id, and a label that tells it from its namesakes.
pub(super) trait Named {
    fn name(&self) -> &str;
    fn label(&self) -> &str;
    fn id(&self) -> OpId;
}

impl Named for Model {
    fn name(&self) -> &str {
        &self.name
    }
    fn label(&self) -> &str {
        &self.label
    }
    fn id(&self) -> OpId {
        self.id.0
    }
}

impl Named for Property {
    fn name(&self) -> &str {
        &self.name
    }
    fn label(&self) -> &str {
        &self.label
    }
    fn id(&self) -> OpId {
        self.id.0
    }
}

/// Why a name means nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing has the name.
    #[error("`{name}` is not known")]
    Unknown {
        /// The name as written.
        name: String,
        /// The nearest name that there is.
        nearest: Option<String>,
    },
    /// What had exactly this name was dropped.
    #[error("`{name}` was dropped")]
    Dropped {
        /// The name as written.
        name: String,
        /// What the name means regardless of case.
        other: Option<String>,
    },
    /// Several names are equal to it regardless of case, and none exactly.
    #[error("`{name}` may mean {}", candidates.join(" or "))]
    Ambiguous {
        /// The name as written.
        name: String,
        /// What it may mean.
        candidates: Vec<String>,
    },
}

impl NameError {
    /// What to do about it, where that can be said.
    pub fn help(&self) -> Option<String> {
        match self {
            NameError::Unknown { nearest, .. } => {
                nearest.as_ref().map(|nearest| format!("did you mean `{nearest}`?"))
            }
            NameError::Dropped { other: Some(other), name } => {
                Some(format!("write `{other}` for that one, or bring `{name}` back with `restore property`"))
            }
            NameError::Dropped { other: None, name } => {
                Some(format!("`alter model … restore property {name}` brings it back"))
            }
            NameError::Ambiguous { .. } => None,
        }
    }
}

pub(super) fn find<'a, T: Named + 'a>(
    items: impl Iterator<Item = &'a Arc<T>> + Clone,
    name: &str,
    quoted: bool,
    id: Option<OpId>,
) -> Result<&'a Arc<T>, NameError> {
    let is_meant = |item: &&'a Arc<T>| match id {
        Some(id) => item.id() == id,
        None => item.name() == item.label(),
    };
    if let Some(found) = items.clone().find(|item| item.name() == name && is_meant(item)) {
        return Ok(found);
    }
    let mut loose: Vec<&'a Arc<T>> = Vec::new();
    if !quoted {
        let alike = |item: &&'a Arc<T>| same_regardless_of_case(item.name(), name) && is_meant(item);
        loose.extend(items.clone().filter(alike));
    }
    match (loose.pop(), loose.is_empty()) {
        (Some(found), true) => Ok(found),
        (Some(last), false) => {
            let mut candidates: Vec<String> =
                loose.iter().chain([&last]).map(|item| item.label().to_owned()).collect();
            candidates.sort();
            Err(NameError::Ambiguous { name: name.to_owned(), candidates })
        }
        (None, _) => Err(NameError::Unknown {
            name: match id {
                Some(id) => format!("{name}@{id}"),
                None => name.to_owned(),
            },
            nearest: nearest(name, items.map(|item| item.label())).map(str::to_owned),
        }),
    }
}

fn same_regardless_of_case(a: &str, b: &str) -> bool {
    a.chars().flat_map(char::to_lowercase).eq(b.chars().flat_map(char::to_lowercase))
}
