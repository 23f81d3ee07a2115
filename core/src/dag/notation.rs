//! A short notation of DAGs, for tests and for showing one.
//!
//! ```text
//! dag       = operation { ";" operation } [ ";" ]
//! operation = name [ "@" actor [ "." sequence ] ] [ "<-" name { "," name } ]
//! ```
//!
//! `A; B<-A; C<-A; D<-B,C` is a fork and its merge. The first operation is the genesis, the others name their
//! parents, which stand before them; ids ascend in the order of the text. Names are of letters, digits and
//! `_`. An operation without `@` is of an actor of its own; without a sequence number it takes the actor's
//! next. Actor 0 marks a keyed genesis.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::{DagError, DagIndex, Link};
use crate::id::{ActorId, Digest, EntityId, OpId, Stamp};

/// The first actor that operations without `@` get.
const OWN_ACTORS: u64 = 1 << 32;

/// A text that is not a DAG in the notation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotationError {
    /// A name is missing or has other characters.
    #[error("`{0}` is not a name")]
    Name(String),
    /// Not an actor, or not a sequence number.
    #[error("`{0}` is not an actor or a sequence number")]
    Number(String),
    /// A name stands twice.
    #[error("there are two operations {0}")]
    Twice(String),
    /// A parent that does not stand before.
    #[error("{child} has an unknown parent {parent}")]
    Parent {
        /// The operation.
        child: String,
        /// Its parent.
        parent: String,
    },
    /// An operation without parents that is not the first, or a first one with parents.
    #[error("the first operation, and no other, has no parents: {0}")]
    Root(String),
    /// An operation after the first with actor 0, or a sequence number 0.
    #[error("only the genesis is keyed: {0}")]
    Keyed(String),
    /// The DAG does not take it.
    #[error(transparent)]
    Dag(#[from] DagError),
}

/// A DAG and the names of its operations.
#[derive(Clone, Debug)]
pub struct Notation {
    /// The DAG.
    pub index: DagIndex,
    links: BTreeMap<String, Link>,
}

impl Notation {
    /// Reads a DAG. Digests and ids follow from the names, actors and parents, so that equal texts make equal
    /// DAGs.
    ///
    /// # Errors
    /// [`NotationError`] where the text is not in the notation.
    pub fn parse(text: &str) -> Result<Self, NotationError> {
        let mut notation = Notation { index: DagIndex::new(EntityId(OpId::MIN)), links: BTreeMap::new() };
        let mut place: u64 = 0;
        let items = text.trim().trim_end_matches(';').split(';');
        for item in items {
            notation.operation(item, place)?;
            place = place.saturating_add(1);
        }
        Ok(notation)
    }

    fn operation(&mut self, item: &str, place: u64) -> Result<(), NotationError> {
        let (left, right) = match item.split_once("<-") {
            Some((left, right)) => (left, Some(right)),
            None => (item, None),
        };
        let (name, author) = match left.split_once('@') {
            Some((name, author)) => (name, Some(author.trim())),
            None => (left, None),
        };
        let name = word(name)?;
        if self.links.contains_key(name) {
            return Err(NotationError::Twice(name.to_owned()));
        }
        let mut parents = Vec::new();
        for parent in right.map(|right| right.split(',')).into_iter().flatten() {
            let parent = word(parent)?;
            let unknown = || NotationError::Parent { child: name.to_owned(), parent: parent.to_owned() };
            parents.push(*self.links.get(parent).ok_or_else(unknown)?);
        }
        parents.sort_unstable();
        parents.dedup();
        if parents.is_empty() != (place == 0) {
            return Err(NotationError::Root(name.to_owned()));
        }
        let (actor, sequence) = self.author(author, place)?;
        let keyed = actor.get() == 0;
        if (keyed && place > 0) || (keyed != (sequence == 0)) {
            return Err(NotationError::Keyed(name.to_owned()));
        }
        let link = synthetic(name, actor, sequence, &parents, place);
        if place == 0 {
            self.index = DagIndex::new(EntityId(link.id));
        }
        self.index.insert(link, &parents)?;
        self.links.insert(name.to_owned(), link);
        Ok(())
    }

    fn author(&self, author: Option<&str>, place: u64) -> Result<(ActorId, u64), NotationError> {
        let Some(author) = author else {
            return Ok((ActorId::new(OWN_ACTORS.saturating_add(place)), 1));
        };
        let number =
            |text: &str| text.trim().parse::<u64>().map_err(|_| NotationError::Number(author.to_owned()));
        let (actor, sequence) = match author.split_once('.') {
            Some((actor, sequence)) => (actor, Some(number(sequence)?)),
            None => (author, None),
        };
        let actor = ActorId::exact(number(actor)?).ok_or(NotationError::Number(author.to_owned()))?;
        let next = if actor.get() == 0 { 0 } else { self.index.vector().get(actor).saturating_add(1) };
        Ok((actor, sequence.unwrap_or(next)))
    }

    /// The operation of a name.
    pub fn link(&self, name: &str) -> Option<Link> {
        self.links.get(name).copied()
    }

    /// The name of an operation.
    pub fn name(&self, link: &Link) -> Option<&str> {
        self.links.iter().find(|(_, named)| *named == link).map(|(name, _)| name.as_str())
    }

    /// The names of operations, in the order of the links.
    pub fn names(&self, links: &[Link]) -> Vec<&str> {
        links.iter().filter_map(|link| self.name(link)).collect()
    }
}

/// The DAG in the notation, with actors and sequence numbers spelled out.
pub fn print(index: &DagIndex, name: impl Fn(&Link) -> String) -> String {
    let mut out = String::new();
    for node in index.iter() {
        if !out.is_empty() {
            out.push_str("; ");
        }
        let link = &node.link;
        // Writing to a string does not fail.
        let _ = write!(out, "{}@{}.{}", name(link), link.actor.get(), link.sequence);
        for (place, parent) in node.parents.iter().enumerate() {
            out.push_str(if place == 0 { "<-" } else { "," });
            out.push_str(&name(parent));
        }
    }
    out
}

fn word(text: &str) -> Result<&str, NotationError> {
    let text = text.trim();
    let fits = |c: char| c.is_alphanumeric() || c == '_';
    if text.is_empty() || !text.chars().all(fits) {
        return Err(NotationError::Name(text.to_owned()));
    }
    Ok(text)
}

/// A link as an operation of that name might have.
fn synthetic(name: &str, actor: ActorId, sequence: u64, parents: &[Link], place: u64) -> Link {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"ankurah/notation/1\0");
    hasher.update(&actor.get().to_be_bytes());
    hasher.update(&sequence.to_be_bytes());
    for parent in parents {
        hasher.update(&parent.digest.0);
    }
    hasher.update(name.as_bytes());
    let digest = Digest(*hasher.finalize().as_bytes());
    let Digest([a, b, c, d, e, f, g, h, ..]) = digest;
    let bits = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
    let millis = if sequence == 0 { 0 } else { place.saturating_add(1000) };
    Link { id: OpId::new(Stamp::from_millis(millis), bits), digest, actor, sequence }
}
