//! Deciding ancestry by looking up runs.

use std::collections::BTreeSet;

use super::{Base, Head, Link, Relation, RunStart, VersionVector, continues_run, in_sequence, run_for};
use crate::codec::{DecodeError, Problem, Reader, Writer};
use crate::env::{BoxFuture, MaybeSend, MaybeSync};
use crate::id::{ActorId, EntityId, OpId};
use crate::operation::Operation;
use crate::storage::{ReadView, StorageError};

/// What deciding ancestry reads.
pub trait RunLookup: MaybeSend + MaybeSync {
    /// The run of `actor` on `entity` with the greatest first sequence number not above `sequence`.
    fn run(
        &self,
        entity: EntityId,
        actor: ActorId,
        sequence: u64,
    ) -> BoxFuture<'_, Result<Option<RunStart>, StorageError>>;

    /// The parents of an accepted operation; `None` where it is not held.
    fn parents(&self, entity: EntityId, id: OpId) -> BoxFuture<'_, Result<Option<Vec<Link>>, StorageError>>;

    /// The actors whose operations on the entity do not follow each other, so that a sequence number tells
    /// nothing of ancestry. [`in_sequence`] finds them.
    fn equivocal(&self, entity: EntityId) -> BoxFuture<'_, Result<BTreeSet<ActorId>, StorageError>>;
}

impl<'v> RunLookup for dyn ReadView + 'v {
    fn run(
        &self,
        entity: EntityId,
        actor: ActorId,
        sequence: u64,
    ) -> BoxFuture<'_, Result<Option<RunStart>, StorageError>> {
        ReadView::run(self, entity, actor, sequence)
    }

    fn parents(&self, entity: EntityId, id: OpId) -> BoxFuture<'_, Result<Option<Vec<Link>>, StorageError>> {
        Box::pin(async move {
            let held = self.operation(entity, id).await?;
            Ok(held.map(|(_, operation)| operation.parents().to_vec()))
        })
    }

    fn equivocal(&self, entity: EntityId) -> BoxFuture<'_, Result<BTreeSet<ActorId>, StorageError>> {
        Box::pin(async move {
            let name = equivocal_record(entity);
            let Some(bytes) = self.record(&name).await? else { return Ok(BTreeSet::new()) };
            decode_equivocal(&bytes).map_err(|error| StorageError::Damaged {
                what: format!("record {name}"),
                message: error.to_string(),
            })
        })
    }
}

/// The name of the record that lists the equivocal actors of an entity.
pub fn equivocal_record(entity: EntityId) -> String {
    format!("equivocal/{entity}")
}

/// The bytes of a list of equivocal actors: the count and the actors, ascending.
pub fn encode_equivocal(actors: &BTreeSet<ActorId>) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.count(actors.len());
    for actor in actors {
        writer.actor(*actor);
    }
    writer.into_bytes()
}

/// The inverse of [`encode_equivocal`].
pub fn decode_equivocal(bytes: &[u8]) -> Result<BTreeSet<ActorId>, DecodeError> {
    let mut reader = Reader::new(bytes);
    let count = reader.count("equivocal actors", VersionVector::LIMIT, 1)?;
    let mut actors = BTreeSet::new();
    for _ in 0..count {
        let at = reader.offset();
        let actor = reader.actor("equivocal actor")?;
        if actors.last().is_some_and(|last| *last >= actor) {
            return Err(reader.error_at(at, "equivocal actor", Problem::Rule("actors are not ascending")));
        }
        actors.insert(actor);
    }
    reader.finish()?;
    Ok(actors)
}

/// Why ancestry cannot be decided.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AncestryError {
    /// An operation is neither held nor the start of a run: it is unknown, or within a base, of which only
    /// the vector is known.
    #[error("operation {} is not held", .0.id)]
    NotHeld(Link),
    /// Reading failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// Where a new operation stands in the DAG; see [`Ancestry::place`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The run that it starts; `None` where it continues one, or is a keyed genesis.
    pub run: Option<RunStart>,
    /// Whether it does not follow all of its actor's operations on the entity. The actor is then to be listed
    /// in the record [`equivocal_record`] in the same commit.
    pub forked: bool,
}

/// Decides ancestry among the accepted operations of one entity.
///
/// `a ≤ b` exactly if the version vector of b's closure has reached a's sequence number; the vector comes from
/// the run that b is in. Where an equivocal actor is involved, the operations are walked instead: those of
/// that actor one by one, of other actors run by run.
#[derive(Debug)]
pub struct Ancestry<'a, L: ?Sized> {
    lookup: &'a L,
    entity: EntityId,
    equivocal: BTreeSet<ActorId>,
}

impl<'a, L: RunLookup + ?Sized> Ancestry<'a, L> {
    /// For an entity; reads which of its actors are equivocal.
    ///
    /// # Errors
    /// [`StorageError`] where reading fails.
    pub async fn open(lookup: &'a L, entity: EntityId) -> Result<Self, StorageError> {
        let equivocal = lookup.equivocal(entity).await?;
        Ok(Ancestry { lookup, entity, equivocal })
    }

    /// Whether an actor of the entity is equivocal, so that vectors alone do not tell what is in a closure.
    pub fn has_equivocal(&self) -> bool {
        !self.equivocal.is_empty()
    }

    /// Whether `a ≤ b`: `a` is `b` or an ancestor of it. Both must be accepted operations.
    ///
    /// # Errors
    /// [`AncestryError`] where an operation that is needed is not held, or reading fails.
    pub async fn is_ancestor(&self, a: &Link, b: &Link) -> Result<bool, AncestryError> {
        self.is_below(a, std::slice::from_ref(b)).await
    }

    /// Whether `a ≤ b` for one of `links`: whether `a` is in their closure.
    ///
    /// # Errors
    /// As [`Ancestry::is_ancestor`].
    pub async fn is_below(&self, a: &Link, links: &[Link]) -> Result<bool, AncestryError> {
        if a.is_keyed() && !links.is_empty() {
            return Ok(true);
        }
        let walked = self.equivocal.contains(&a.actor);
        let mut seen = BTreeSet::new();
        let mut stack = links.to_vec();
        while let Some(link) = stack.pop() {
            if link == *a {
                return Ok(true);
            }
            // An ancestor's id is smaller than those of all that follow it.
            if link.id <= a.id || !seen.insert(link.id) {
                continue;
            }
            if self.equivocal.contains(&link.actor) {
                // What is below a base has no parents any more; vectors have to do there.
                if let Some(parents) = self.lookup.parents(self.entity, link.id).await? {
                    stack.extend(parents);
                    continue;
                }
            }
            let run = self.run(&link).await?;
            let reached = if a.actor == link.actor { link.sequence } else { run.vector.get(a.actor) };
            match (reached >= a.sequence, walked) {
                (true, false) => return Ok(true),
                // The vector bounds the sequence numbers in the closure from above: `a` may be there.
                (true, true) => match self.lookup.parents(self.entity, run.first.id).await? {
                    Some(parents) => stack.extend(parents),
                    None => return Ok(true),
                },
                (false, _) => {}
            }
        }
        Ok(false)
    }

    /// The version vector of the closure of `links`.
    ///
    /// # Errors
    /// As [`Ancestry::is_ancestor`].
    pub async fn vector(&self, links: &[Link]) -> Result<VersionVector, AncestryError> {
        let mut vector = VersionVector::new();
        let mut seen = BTreeSet::new();
        let mut stack = links.to_vec();
        while let Some(link) = stack.pop() {
            if link.is_keyed() || !seen.insert(link.id) {
                continue;
            }
            vector.raise(link.actor, link.sequence);
            let walked = self.equivocal.contains(&link.actor);
            match if walked { self.lookup.parents(self.entity, link.id).await? } else { None } {
                Some(parents) => stack.extend(parents),
                None => vector.join(&self.run(&link).await?.vector),
            }
        }
        Ok(vector)
    }

    /// The operations of `links` that are no ancestor of another of them.
    ///
    /// # Errors
    /// As [`Ancestry::is_ancestor`].
    pub async fn maximal(&self, links: impl IntoIterator<Item = Link>) -> Result<Head, AncestryError> {
        // By descending id, each can be below only those before it that were kept.
        let all = Head::of(links);
        let mut kept: Vec<Link> = Vec::new();
        for link in all.links().iter().rev() {
            if !self.is_below(link, &kept).await? {
                kept.push(*link);
            }
        }
        Ok(Head::of(kept))
    }

    /// How the closures of two heads relate.
    ///
    /// # Errors
    /// As [`Ancestry::is_ancestor`].
    pub async fn compare(&self, a: &Head, b: &Head) -> Result<Relation, AncestryError> {
        if a == b {
            return Ok(Relation::Equal);
        }
        Ok(Relation::of(self.is_within(a, b).await?, self.is_within(b, a).await?))
    }

    /// Whether the closure of `a` is within that of `b`.
    async fn is_within(&self, a: &Head, b: &Head) -> Result<bool, AncestryError> {
        for link in a.links() {
            if !self.is_below(link, b.links()).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Where an operation that is new to the entity stands: everything that accepting it needs to know of the
    /// DAG. `head` is the entity's head before it; its parents must be accepted.
    ///
    /// # Errors
    /// As [`Ancestry::is_ancestor`].
    pub async fn place(&self, head: &Head, operation: &Operation) -> Result<Placement, AncestryError> {
        let (link, parents) = (operation.link(), operation.parents());
        if link.is_keyed() || (head.links() == parents && continues_run(&link, parents)) {
            return Ok(Placement { run: None, forked: false });
        }
        let closure = self.vector(parents).await?;
        let forked = if head.links() == parents {
            !in_sequence(&closure, &closure, &link)
        } else {
            !in_sequence(&self.vector(head.links()).await?, &closure, &link)
        };
        Ok(Placement { run: run_for(operation, [&closure]), forked })
    }

    async fn run(&self, link: &Link) -> Result<RunStart, AncestryError> {
        let run = self.lookup.run(self.entity, link.actor, link.sequence).await?;
        run.ok_or(AncestryError::NotHeld(*link))
    }
}

/// Whether a node knows an operation of an entity: it holds it, or its base covers it.
///
/// # Errors
/// [`StorageError`] where reading fails.
pub async fn is_known<L: RunLookup + ?Sized>(
    lookup: &L,
    entity: EntityId,
    link: &Link,
    base: Option<&Base>,
) -> Result<bool, StorageError> {
    let covered = super::known(link, false, base);
    Ok(covered || lookup.parents(entity, link.id).await?.is_some())
}
