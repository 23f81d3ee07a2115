//! Which operations belong to a point.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::PAGE;
use super::checkpoint::Checkpoint;
use crate::dag::{Ancestry, AncestryError, Link, VersionVector};
use crate::entity::{BaseState, State};
use crate::id::{EntityId, OpId, Stamp};
use crate::node::failure::{Explain, Outcome, failure};
use crate::node::transaction::Transaction;
use crate::query::past::{Point, PointKind};
use crate::storage::{Position, ReadView, StorageError};
use crate::value::Timestamp;

/// Which operations of an entity belong to a point. With each operation its parents do, too.
#[derive(Clone, Debug)]
pub(crate) enum Cut {
    /// All.
    All,
    /// Those with ids up to this one: ids order every DAG.
    Ids(OpId),
    /// Those that this node had accepted at a position.
    Position(Position),
    /// Those of one entity that some operations follow, and these.
    Closure(Arc<Closure>),
}

/// Operations of one entity and all that they follow.
#[derive(Clone, Debug)]
pub(crate) struct Closure {
    /// The entity.
    entity: EntityId,
    /// The operations, ascending.
    links: Vec<Link>,
    members: Members,
}

#[derive(Clone, Debug)]
enum Members {
    /// Those that the vector covers.
    Vector(VersionVector),
    /// These: where an actor used a number twice, vectors tell nothing.
    Listed(BTreeSet<OpId>),
}

impl Closure {
    /// The closure of operations that are held.
    pub(crate) async fn of(
        view: &dyn ReadView,
        entity: EntityId,
        mut links: Vec<Link>,
    ) -> Result<Self, StorageError> {
        links.sort_unstable();
        links.dedup();
        let ancestry = Ancestry::open(view, entity).await?;
        let members = if ancestry.has_equivocal() {
            Members::Listed(walk(view, entity, &links).await?)
        } else {
            let vector = ancestry.vector(&links).await.map_err(|error| match error {
                AncestryError::Storage(error) => error,
                AncestryError::NotHeld(_) => StorageError::Damaged {
                    what: format!("runs of entity {entity}"),
                    message: error.to_string(),
                },
            })?;
            Members::Vector(vector)
        };
        Ok(Closure { entity, links, members })
    }

    pub(crate) fn has(&self, link: &Link) -> bool {
        match &self.members {
            Members::Vector(vector) => vector.covers(link),
            Members::Listed(ids) => ids.contains(&link.id),
        }
    }

    fn greatest(&self) -> OpId {
        self.links.last().map_or(OpId::MIN, |link| link.id)
    }
}

/// The closure of operations by walking down from them.
async fn walk(view: &dyn ReadView, entity: EntityId, links: &[Link]) -> Result<BTreeSet<OpId>, StorageError> {
    let mut found = BTreeSet::new();
    let mut stack: Vec<OpId> = links.iter().map(|link| link.id).collect();
    while let Some(id) = stack.pop() {
        if found.insert(id) {
            if let Some((_, operation)) = view.operation(entity, id).await? {
                stack.extend(operation.parents().iter().map(|parent| parent.id));
            }
        }
    }
    Ok(found)
}

impl Cut {
    /// The operations up to a time: those whose millisecond began by then.
    fn until(time: Timestamp) -> Self {
        let Ok(micros) = u64::try_from(time.0) else { return Cut::Ids(OpId::MIN) };
        let last = Stamp::from_bits((micros / 1000) << 16 | 0xffff);
        Cut::Ids(OpId::new(last, u64::MAX))
    }

    /// Whether an operation that was accepted at a position belongs to the point.
    pub(crate) fn has(&self, position: Position, link: &Link) -> bool {
        match self {
            Cut::All => true,
            Cut::Ids(last) => link.id <= *last,
            Cut::Position(last) => position <= *last,
            Cut::Closure(closure) => closure.has(link),
        }
    }

    /// No operation with a greater id belongs to the point.
    pub(crate) fn greatest(&self) -> OpId {
        match self {
            Cut::All | Cut::Position(_) => OpId::MAX,
            Cut::Ids(last) => *last,
            Cut::Closure(closure) => closure.greatest(),
        }
    }

    /// Whether all operations of a state belong to the point.
    pub(crate) fn has_all(&self, state: &State) -> bool {
        match self {
            Cut::All => true,
            Cut::Ids(last) => state.head.greatest().is_none_or(|greatest| greatest <= *last),
            Cut::Position(last) => state.position <= *last,
            Cut::Closure(closure) => closure.links == state.head.links(),
        }
    }

    /// Whether all that a checkpoint was made of belongs to the point.
    pub(super) fn includes(&self, checkpoint: &Checkpoint) -> bool {
        match self {
            Cut::All => true,
            Cut::Ids(last) => checkpoint.last() <= *last,
            Cut::Position(last) => checkpoint.accepted() <= *last,
            Cut::Closure(closure) => match &closure.members {
                Members::Vector(vector) => {
                    checkpoint.last() <= closure.greatest() && vector.includes(checkpoint.vector())
                }
                Members::Listed(_) => false,
            },
        }
    }

    /// Whether a base belongs to the point; `None` where only a part of it does, which cannot be told any more.
    pub(super) fn has_base(&self, base: &BaseState) -> Option<bool> {
        let (first, last) = base.positions;
        match self {
            Cut::All => Some(true),
            Cut::Ids(id) if *id >= base.last() => Some(true),
            Cut::Ids(id) if *id < base.born => Some(false),
            Cut::Position(position) if *position >= last => Some(true),
            Cut::Position(position) if *position < first => Some(false),
            Cut::Ids(_) | Cut::Position(_) => None,
            Cut::Closure(closure) => match &closure.members {
                Members::Vector(vector) => vector.includes(&base.base.vector).then_some(true),
                Members::Listed(ids) => {
                    base.base.frontier.links().iter().all(|link| ids.contains(&link.id)).then_some(true)
                }
            },
        }
    }

    /// The same point for an entity: what operations of one entity follow says nothing of others, of which those
    /// operations count that are not later.
    pub(crate) fn of(&self, entity: EntityId) -> Cut {
        match self {
            Cut::Closure(closure) if closure.entity != entity => Cut::Ids(closure.greatest()),
            cut => cut.clone(),
        }
    }

    /// Whether it is by what had been written, so that an entity of which nothing but its key had been was not there.
    pub(crate) fn is_by_ids(&self) -> bool {
        matches!(self, Cut::Ids(_))
    }
}

impl Transaction {
    /// What a point means: for all entities, or for one.
    pub(super) async fn cut(&self, point: &Point, entity: Option<EntityId>) -> Outcome<Cut> {
        let cut = match &point.kind {
            PointKind::Operations(ids) => self.operations_cut(ids, entity).await,
            PointKind::Time(time) => {
                let now = Timestamp(self.node.env.clock.unix_micros());
                if *time > now {
                    let message = format!("{time} lies in the future");
                    Err(failure("future", message).help(format!("it is {now} now")))
                } else {
                    Ok(Cut::until(*time))
                }
            }
            PointKind::Position(number) => {
                let latest = self.view.position();
                if *number > latest.0 {
                    let message = format!("position {number} lies in the future");
                    Err(failure("future", message).help(format!("the latest position is {}", latest.0)))
                } else {
                    Ok(Cut::Position(Position(*number)))
                }
            }
        };
        cut.map_err(|failure| if failure.span.is_none() { failure.at(point.span) } else { failure })
    }

    async fn operations_cut(&self, ids: &[OpId], entity: Option<EntityId>) -> Outcome<Cut> {
        let view = self.view.as_ref();
        let Some(entity) = entity else {
            let mut greatest = OpId::MIN;
            for id in ids {
                if find(view, *id).await?.is_none() {
                    return Err(unknown(*id));
                }
                greatest = greatest.max(*id);
            }
            return Ok(Cut::Ids(greatest));
        };
        let mut links = Vec::with_capacity(ids.len());
        for id in ids {
            match view.operation(entity, *id).await? {
                Some((_, operation)) => links.push(operation.link()),
                None => {
                    horizon(view, entity, *id).await?;
                    return Err(match find(view, *id).await? {
                        Some(other) => failure(
                            "other-entity",
                            format!("operation {id} belongs to entity {other}, not to {entity}"),
                        ),
                        None => unknown(*id),
                    });
                }
            }
        }
        Ok(Cut::Closure(Arc::new(Closure::of(view, entity, links).await?)))
    }
}

fn unknown(id: OpId) -> Box<crate::node::protocol::Failure> {
    failure("unknown-operation", format!("there is no operation {id}"))
}

/// Fails where an operation that is not held is perhaps below the base of an entity.
pub(super) async fn horizon(view: &dyn ReadView, entity: EntityId, id: OpId) -> Result<(), StorageError> {
    match view.base(entity).await? {
        Some(base) if id <= base.last() => Err(StorageError::Horizon { entity, horizon: base.last() }),
        _ => Ok(()),
    }
}

/// The entity of an accepted operation. Only a genesis names its entity; others are looked for in the log, the latest
/// commits first.
pub(super) async fn find(view: &dyn ReadView, id: OpId) -> Result<Option<EntityId>, StorageError> {
    if view.operation(EntityId(id), id).await?.is_some() {
        return Ok(Some(EntityId(id)));
    }
    horizon(view, EntityId(id), id).await?;
    let page = u64::try_from(PAGE).unwrap_or(u64::MAX);
    let mut before = view.position().0;
    while before > 0 {
        let after = before.saturating_sub(page);
        for entry in view.log(Position(after), PAGE).await? {
            for change in entry.changes {
                if change.operations.contains(&id) {
                    if view.operation(change.entity, id).await?.is_some() {
                        return Ok(Some(change.entity));
                    }
                    horizon(view, change.entity, id).await?;
                }
            }
        }
        before = after;
    }
    Ok(None)
}
