//! Judging one operation after the other, and the batch that comes of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::parked::Waiting;
use super::{Candidate, IngestError, Role};
use crate::catalog::{Backend, Catalog, is_reserved, reserved};
use crate::dag::{
    Ancestry, AncestryError, Base, Head, Link, Overlay, RunLookup, encode_equivocal, equivocal_record,
};
use crate::entity::State;
use crate::env::Clock;
use crate::id::{EntityId, ModelId, OpId, PropertyId};
use crate::node::clock;
use crate::node::compact::{self, Container};
use crate::node::redact;
use crate::node::runs::not_held;
use crate::operation::{Change, Operation};
use crate::storage::{Aside, Batch, ReadView, SetAside, StateWrite, StorageError, TextWrite};
use crate::value::Value;

/// What a node lacks to accept an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Lack {
    /// Parents.
    Parents(Vec<OpId>),
    /// The version of the format is newer.
    Version(u8),
    /// A model or property.
    Catalog(String),
    /// It comes from the future.
    Clock,
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lack::Parents(_) => f.write_str("waits for parents"),
            Lack::Version(version) => write!(f, "its format version {version} is not known here"),
            Lack::Catalog(what) => write!(f, "waits for the catalog: {what}"),
            Lack::Clock => f.write_str("its time has not come: it is too far ahead of this node's clock"),
        }
    }
}

/// What to do with an operation.
pub(crate) enum Verdict {
    /// It has been added to the work.
    Accept {
        /// Whether it does not follow all operations of its actor.
        equivocal: bool,
    },
    /// It is held already.
    Duplicate,
    /// It has to wait.
    Lacks(Lack),
    /// It descends from a refused one.
    Refused(String),
    /// It breaks a rule.
    Invalid(String),
}

/// An entity that the work changes.
struct Entity {
    expected: Head,
    state: Option<State>,
}

/// Everything that one attempt accepts and sets aside.
pub(crate) struct Work<'v> {
    view: &'v dyn ReadView,
    catalog: Arc<Catalog>,
    clock: &'v dyn Clock,
    role: Role,
    overlay: Overlay<'v, dyn ReadView + 'v>,
    entities: BTreeMap<EntityId, Entity>,
    accepted: BTreeMap<OpId, Arc<Operation>>,
    batch: Batch,
    /// Whether catalog operations were accepted since the catalog was read.
    stale: bool,
    changed: bool,
    pub(crate) parked_now: BTreeMap<OpId, Waiting>,
    /// Parked ones that leave the parked set.
    pub(crate) taken: BTreeSet<OpId>,
}

impl<'v> Work<'v> {
    pub(crate) fn new(
        view: &'v dyn ReadView,
        catalog: Arc<Catalog>,
        clock: &'v dyn Clock,
        role: Role,
    ) -> Self {
        Work {
            view,
            catalog,
            clock,
            role,
            overlay: Overlay::new(view),
            entities: BTreeMap::new(),
            accepted: BTreeMap::new(),
            batch: Batch { catalog: view.position(), ..Batch::default() },
            stale: false,
            changed: false,
            parked_now: BTreeMap::new(),
            taken: BTreeSet::new(),
        }
    }

    /// Whether the work changes the catalog.
    pub(crate) fn changed_catalog(&self) -> bool {
        self.changed
    }

    /// Reads the catalog again if the work has changed it.
    pub(crate) async fn renew_catalog(&mut self) -> Result<(), IngestError> {
        if !self.stale {
            return Ok(());
        }
        let mut states = Catalog::states(self.view).await.map_err(|error| match error {
            crate::catalog::CatalogError::Storage(error) => IngestError::Storage(error),
        })?;
        states.retain(|state| !self.entities.contains_key(&state.entity));
        let own = self.entities.values().filter_map(|entity| entity.state.clone());
        states.extend(own.filter(|state| is_reserved(state.model)));
        self.catalog = Arc::new(Catalog::from_states(self.view.position(), &states));
        self.stale = false;
        Ok(())
    }

    pub(crate) fn park(&mut self, id: OpId, entity: EntityId, bytes: &Arc<[u8]>, lack: &Lack) {
        let missing = match lack {
            Lack::Parents(missing) => missing.clone(),
            Lack::Version(_) | Lack::Catalog(_) | Lack::Clock => Vec::new(),
        };
        if let Lack::Version(_) = lack {
            self.batch.relayed.push((entity, id));
        }
        self.parked_now.insert(id, Waiting { entity, missing: missing.clone(), clock: *lack == Lack::Clock });
        let reason = lack.to_string();
        let aside = Aside { id, entity, bytes: Arc::clone(bytes), reason, missing };
        self.batch.set_aside.push((SetAside::Parked, aside));
    }

    /// Those parked by this attempt that may go on since `accepted` were.
    pub(crate) fn freed(&self, accepted: &BTreeSet<OpId>) -> Vec<OpId> {
        let may_go_on = |waiting: &Waiting| {
            waiting.missing.iter().any(|id| accepted.contains(id))
                || (waiting.missing.is_empty() && !waiting.clock && self.changed && !accepted.is_empty())
        };
        self.parked_now.iter().filter(|(_, waiting)| may_go_on(waiting)).map(|(id, _)| *id).collect()
    }

    pub(crate) fn set_aside(&mut self, set: SetAside, candidate: &Candidate, reason: String) {
        let (id, entity) = (candidate.operation.id(), candidate.operation.entity());
        let bytes = Arc::clone(&candidate.bytes);
        self.batch.set_aside.push((set, Aside { id, entity, bytes, reason, missing: Vec::new() }));
    }

    /// Decides about one operation and, if it can be accepted, does.
    pub(crate) async fn judge(&mut self, candidate: &Candidate) -> Result<Verdict, IngestError> {
        let operation = &candidate.operation;
        if let Role::Client(author) = self.role {
            if let Some(reason) = foreign(operation, author, self.clock) {
                return Ok(Verdict::Invalid(reason));
            }
        }
        if let Some(verdict) = self.known(operation).await? {
            return Ok(verdict);
        }
        if clock::is_ahead(operation.id().stamp(), self.clock) {
            return Ok(Verdict::Lacks(Lack::Clock));
        }
        if let Some(verdict) = self.parents(operation).await? {
            return Ok(verdict);
        }
        match self.fits_catalog(operation) {
            Fit::Yes => {}
            Fit::Unknown(what) => return Ok(Verdict::Lacks(Lack::Catalog(what))),
            Fit::No(reason) => return Ok(Verdict::Invalid(reason)),
        }
        self.accept(candidate).await
    }

    /// The verdict where the operation, or another of its name, is here already.
    async fn known(&mut self, operation: &Operation) -> Result<Option<Verdict>, StorageError> {
        let id = operation.id();
        let held = match self.accepted.get(&id) {
            Some(held) => Some(Arc::clone(held)),
            None => self.view.operation(operation.entity(), id).await?.map(|(_, held)| held),
        };
        if let Some(held) = held {
            return Ok(Some(if held.digest() == operation.digest() {
                Verdict::Duplicate
            } else {
                Verdict::Invalid("another operation with the same id is known".to_owned())
            }));
        }
        self.open(operation.model(), operation.entity()).await?;
        let is_below = self.base_of(operation.entity()).is_some_and(|base| base.covers(&operation.link()));
        if is_below || self.is_refused(id).await? {
            return Ok(Some(Verdict::Duplicate));
        }
        Ok(None)
    }

    /// Whether an operation was refused. A keyed genesis never stays so: others may make the same entity.
    async fn is_refused(&self, id: OpId) -> Result<bool, StorageError> {
        if id.stamp().millis() == 0 {
            return Ok(false);
        }
        let after = OpId::from_bits(id.bits().saturating_sub(1));
        let found = self.view.set_aside(SetAside::Refused, after, 1).await?;
        Ok(found.first().is_some_and(|aside| aside.id == id))
    }

    async fn link_of(&self, entity: EntityId, id: OpId) -> Result<Option<Link>, StorageError> {
        if let Some(operation) = self.accepted.get(&id) {
            return Ok((operation.entity() == entity).then(|| operation.link()));
        }
        Ok(self.view.operation(entity, id).await?.map(|(_, operation)| operation.link()))
    }

    /// The verdict where not all parents are known as the operation says they are.
    async fn parents(&mut self, operation: &Operation) -> Result<Option<Verdict>, StorageError> {
        let entity = operation.entity();
        self.open(operation.model(), entity).await?;
        let base = self.entities.get(&entity).and_then(|entity| entity.state.as_ref()?.base.clone());
        let mut missing = Vec::new();
        for parent in operation.parents() {
            match self.link_of(entity, parent.id).await? {
                Some(link) if link == *parent => {}
                Some(_) => {
                    let reason = format!("its link to {} is not what that operation is", parent.id);
                    return Ok(Some(Verdict::Invalid(reason)));
                }
                None if base.as_ref().is_some_and(|base| base.covers(parent)) => {}
                None if self.is_refused(parent.id).await? => {
                    let reason = format!("it follows {}, which was refused", parent.id);
                    return Ok(Some(Verdict::Refused(reason)));
                }
                None => missing.push(parent.id),
            }
        }
        Ok((!missing.is_empty()).then_some(Verdict::Lacks(Lack::Parents(missing))))
    }

    /// Reads an entity's state, if it was not before.
    async fn open(&mut self, model: ModelId, entity: EntityId) -> Result<(), StorageError> {
        if !self.entities.contains_key(&entity) {
            let state = self.view.state(model, entity).await?;
            let expected = state.as_ref().map(|state| state.head.clone()).unwrap_or_default();
            self.entities.insert(entity, Entity { expected, state });
        }
        Ok(())
    }

    /// Whether model and properties are known, and the changes of their kind. A property's type never changes,
    /// so this is the same on every node that knows it.
    fn fits_catalog(&self, operation: &Operation) -> Fit {
        let Some(model) = self.catalog.model(operation.model()) else {
            return Fit::Unknown(format!("model {}", operation.model()));
        };
        let own = is_reserved(model.id);
        let check = |id: PropertyId, value: Option<&Value>, is_text: bool| {
            if id == *reserved::DELETED {
                return match value {
                    Some(Value::Bool(_)) => Fit::Yes,
                    _ => Fit::No("`deleted` is set to something that is no truth value".to_owned()),
                };
            }
            let Some(property) = model.property(id) else {
                // A newer version may say more about models and properties than this one knows.
                return if own { Fit::Yes } else { Fit::Unknown(format!("property {id}")) };
            };
            let fits = match property.backend {
                Backend::Yrs => is_text,
                Backend::Lww => value.is_some_and(|value| value.is_of(property.value_type)),
            };
            if fits {
                Fit::Yes
            } else {
                Fit::No(format!("`{}` is changed in a way that its type does not have", property.label))
            }
        };
        for (id, value) in operation.key().unwrap_or_default() {
            match check(*id, Some(value), false) {
                Fit::Yes => {}
                other => return other,
            }
        }
        for leaf in operation.leaves() {
            let fit = match &leaf.change {
                Change::Set(value) => check(leaf.property, Some(value), false),
                Change::Text(_) => check(leaf.property, None, true),
                Change::Redact(redaction) => match (&redaction.value, redaction.units.is_empty()) {
                    (Some(value), true) => check(leaf.property, Some(value), false),
                    (None, false) => check(leaf.property, None, true),
                    (None, true) => Fit::Yes,
                    (Some(_), false) => {
                        Fit::No("a redaction of a text has a value to put in its place".to_owned())
                    }
                },
                // What stands for a text that was erased is its structure.
                Change::Erased(_) if self.is_text(operation.model(), leaf.property) => {
                    Fit::No("of a text not even the structure is there".to_owned())
                }
                Change::Erased(_) | Change::Horizon(_) | Change::Opaque { .. } => Fit::Yes,
            };
            match fit {
                Fit::Yes => {}
                other => return other,
            }
        }
        Fit::Yes
    }

    fn is_text(&self, model: ModelId, property: PropertyId) -> bool {
        let property = self.catalog.model(model).and_then(|model| model.property(property));
        property.is_some_and(|property| property.is_text())
    }

    async fn accept(&mut self, candidate: &Candidate) -> Result<Verdict, IngestError> {
        let operation = &candidate.operation;
        let entity = operation.entity();
        if let Some(verdict) = Box::pin(self.foreign_record(operation)).await? {
            return Ok(verdict);
        }
        let Some(place) = self.entities.get_mut(&entity) else {
            return Ok(Verdict::Invalid("its entity was not looked up".to_owned()));
        };
        let head = place.state.as_ref().map(|state| state.head.clone()).unwrap_or_default();
        let applied = match &mut place.state {
            Some(state) => state.apply(operation),
            None => State::begin(operation).map(|begun| place.state = Some(begun)),
        };
        if let Err(error) = applied {
            return Ok(Verdict::Invalid(error.to_string()));
        }
        let ancestry = Ancestry::open(&self.overlay, entity).await?;
        let placement = ancestry
            .place(&head, operation)
            .await
            .map_err(|error| IngestError::Storage(not_held(operation, error)))?;
        self.overlay.accept(operation);
        if let Some(run) = placement.run {
            self.overlay.start(run.clone());
            self.batch.runs.push(run);
        }
        if placement.forked {
            if let Some(origin) = operation.origin() {
                self.overlay.flag(entity, origin.actor);
                let reason = format!(
                    "actor {} has written {} without all that it wrote before",
                    origin.actor, origin.sequence
                );
                self.set_aside(SetAside::Equivocal, candidate, reason);
            }
        }
        for leaf in operation.leaves() {
            if let Change::Text(_) = leaf.change {
                let property = leaf.property;
                self.batch.texts.push(TextWrite::Append { entity, property, operation: operation.id() });
            }
        }
        if is_reserved(operation.model()) {
            self.stale = true;
            self.changed = true;
        }
        self.accepted.insert(operation.id(), Arc::clone(operation));
        self.batch.operations.push(Arc::clone(operation));
        if redact::is_record(operation) {
            if let Some(state) = self.entities.get_mut(&entity).and_then(|entity| entity.state.as_mut()) {
                Box::pin(redact::carry_out(self.view, operation, state, &mut self.batch)).await?;
                let equivocal = !RunLookup::equivocal(&self.overlay, entity).await?.is_empty();
                let batch = &mut self.batch;
                Box::pin(compact::carry_out(self.view, operation, equivocal, state, batch)).await?;
            }
        }
        Ok(Verdict::Accept { equivocal: placement.forked })
    }

    /// The verdict where an operation redacts what it does not follow.
    async fn foreign_record(&self, operation: &Operation) -> Result<Option<Verdict>, IngestError> {
        if !redact::is_record(operation) {
            return Ok(None);
        }
        let entity = operation.entity();
        let has_base = self.base_of(entity).is_some();
        let ancestry = Ancestry::open(&self.overlay, entity).await?;
        let frontier: Vec<Link> =
            compact::horizon(operation).map(|frontier| frontier.links().to_vec()).unwrap_or_default();
        for link in frontier {
            let follows = match self.link_of(entity, link.id).await? {
                Some(known) => known == link && self.follows(&ancestry, operation, &link).await?,
                None => self.base_of(entity).is_some_and(|base| base.covers(&link)),
            };
            if !follows {
                let reason = format!("its horizon is at {}, which it does not follow", link.id);
                return Ok(Some(Verdict::Invalid(reason)));
            }
        }
        let redactions: Vec<_> = operation.redactions().collect();
        for (_, redaction) in redactions {
            for id in &redaction.operations {
                let follows = match self.link_of(entity, *id).await? {
                    Some(link) => self.follows(&ancestry, operation, &link).await?,
                    // What is below a base cannot be looked up.
                    None => has_base,
                };
                if !follows {
                    return Ok(Some(Verdict::Invalid(format!("it redacts {id}, which it does not follow"))));
                }
            }
        }
        Ok(None)
    }

    /// Whether an operation follows another one, as its parents say.
    async fn follows(
        &self,
        ancestry: &Ancestry<'_, Overlay<'v, dyn ReadView + 'v>>,
        operation: &Operation,
        link: &Link,
    ) -> Result<bool, IngestError> {
        let below = ancestry.is_below(link, operation.parents()).await;
        below.map_err(|error| IngestError::Storage(not_held(operation, error)))
    }

    fn base_of(&self, entity: EntityId) -> Option<&Base> {
        self.entities.get(&entity)?.state.as_ref()?.base.as_ref()
    }

    /// Takes in a base that another replica made. Gives whether it brought something.
    pub(crate) async fn adopt(&mut self, container: &Container) -> Result<bool, IngestError> {
        let (model, entity) = (container.base.model, container.base.entity);
        // Without its model nobody can use it; it will be asked for again.
        if self.catalog.model(model).is_none() || is_reserved(model) {
            return Ok(false);
        }
        self.open(model, entity).await?;
        let ancestry = Ancestry::open(&self.overlay, entity).await?;
        let Some(place) = self.entities.get_mut(&entity) else { return Ok(false) };
        let head = place.state.as_ref().map(|state| state.head.clone()).unwrap_or_default();
        let closure = ancestry.vector(head.links()).await.map_err(|error| match error {
            AncestryError::Storage(error) => IngestError::Storage(error),
            AncestryError::NotHeld(_) => IngestError::Other(error.to_string()),
        })?;
        let adopted = compact::adopt(self.view, container, &closure, &mut place.state, &mut self.batch);
        let adopted = Box::pin(adopted).await?;
        if adopted {
            container.runs.iter().for_each(|run| self.overlay.start(run.clone()));
        }
        Ok(adopted)
    }

    /// Forgets that operations were parked which were then accepted after all.
    pub(crate) fn settle(&mut self) {
        let taken = &self.taken;
        self.parked_now.retain(|id, _| !taken.contains(id));
    }

    /// The batch to commit.
    pub(crate) async fn finish(mut self) -> Result<Batch, StorageError> {
        let flagged: Vec<_> = self.overlay.flagged().map(|(entity, _)| entity).collect();
        for entity in flagged {
            let actors = RunLookup::equivocal(&self.overlay, entity).await?;
            self.batch.records.push((equivocal_record(entity), Some(encode_equivocal(&actors))));
        }
        for entity in self.entities.into_values() {
            if let Some(state) = entity.state.filter(|state| state.head != entity.expected) {
                self.batch.states.push(StateWrite { expected: entity.expected, state });
            }
        }
        let transactions: BTreeSet<_> = self
            .batch
            .operations
            .iter()
            .filter_map(|operation| operation.origin().map(|origin| origin.transaction))
            .collect();
        if transactions.len() == 1 {
            self.batch.transaction = transactions.first().copied();
        }
        let taken = &self.taken;
        self.batch.set_aside.retain(|(set, aside)| *set != SetAside::Parked || !taken.contains(&aside.id));
        self.batch.take_back = self.taken.iter().map(|id| (SetAside::Parked, *id)).collect();
        Ok(self.batch)
    }
}

enum Fit {
    Yes,
    Unknown(String),
    No(String),
}

/// Why a client may not submit the operation.
fn foreign(operation: &Operation, author: crate::id::Author, wall: &dyn Clock) -> Option<String> {
    if operation.origin().is_some_and(|origin| origin.author != author) {
        return Some("it is by another author than the one who submits it".to_owned());
    }
    clock::is_ahead(operation.id().stamp(), wall)
        .then(|| "it is too far ahead of this node's clock".to_owned())
}
