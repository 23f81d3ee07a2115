//! Checking a whole store: digests, ids, links, runs, heads, states, texts, and what the engine checks itself.

use std::collections::BTreeSet;

use futures::StreamExt;

use super::Inner;
use super::connection::Answer;
use super::failure::Outcome;
use super::known::Known;
use super::protocol::Event;
use super::redact;
use crate::catalog::{Catalog, Model};
use crate::dag::{DagIndex, RunStart};
use crate::entity::{BaseState, State, TextVersion};
use crate::id::{ActorId, EntityId, ModelId, PropertyId};
use crate::operation::Operation;
use crate::storage::{Access, Deleted, Fault, Position, ReadView, Scan, StorageError};

/// How many entries of the log are read at a time.
const PAGE: usize = 256;

/// Names every fault of the store that the engine can read up to.
pub(crate) async fn verify(node: &Inner, answer: &mut Answer) -> Outcome<()> {
    let view = node.engine.view().await?;
    let mut faults = node.engine.check();
    while let Some(fault) = faults.next().await {
        answer.give(Event::Fault(fault?)).await;
    }
    let catalog = Catalog::read(view.as_ref()).await?;
    let models = models(view.as_ref(), &catalog).await?;
    for model in models {
        let scan = Scan {
            model,
            access: Access::All { after: None },
            columns: Vec::new(),
            deleted: Deleted::Include,
            limit: None,
            expected: None,
        };
        let mut rows = view.scan(scan);
        while let Some(batch) = rows.next().await {
            for row in batch? {
                let known = catalog.model(model).map(AsRef::as_ref);
                for fault in check_entity(view.as_ref(), known, model, row.entity).await? {
                    answer.give(Event::Fault(fault)).await;
                }
            }
        }
    }
    Ok(())
}

/// The models of the catalog and those that the log names besides.
pub(crate) async fn models(
    view: &dyn ReadView,
    catalog: &Catalog,
) -> Result<BTreeSet<ModelId>, StorageError> {
    let mut models: BTreeSet<_> = catalog.models().map(|model| model.id).collect();
    let mut after = Position(0);
    loop {
        let entries = view.log(after, PAGE).await?;
        let Some(last) = entries.last() else { return Ok(models) };
        after = last.position;
        models.extend(entries.iter().flat_map(|entry| &entry.changes).map(|change| change.model));
    }
}

/// The faults of one entity.
async fn check_entity(
    view: &dyn ReadView,
    model: Option<&Model>,
    model_id: ModelId,
    entity: EntityId,
) -> Result<Vec<Fault>, StorageError> {
    let mut check = Check { entity, faults: Vec::new() };
    let state = match view.state(model_id, entity).await {
        Ok(Some(state)) => state,
        Ok(None) => {
            check.fault("state", "the entity is listed, yet it has no state");
            return Ok(check.faults);
        }
        Err(StorageError::Damaged { what, message }) => {
            check.faults.push(Fault { record: what, message });
            return Ok(check.faults);
        }
        Err(error) => return Err(error),
    };
    let known = match state.base {
        // That there is none the engine has checked.
        None => Known::without_base(view, entity).await,
        Some(_) => Known::now(view, entity).await,
    };
    let known = match known {
        Ok(known) => known,
        Err(StorageError::Damaged { what, message }) => {
            check.faults.push(Fault { record: what, message });
            return Ok(check.faults);
        }
        Err(error) => return Err(error),
    };
    check.operations(model_id, &known);
    check.history(view, &state, &known).await?;
    if let Some(model) = model {
        check.types(model, &state);
    }
    for (property, version) in &state.texts {
        check.text(view, *property, *version, &known).await?;
    }
    Ok(check.faults)
}

/// Whether the parents of an operation above a base are there, or below it.
fn above(base: &BaseState, known: &Known, operation: &Operation) -> Result<(), String> {
    let held = |link: &crate::dag::Link| {
        known.operations.get(&link.id).is_some_and(|(_, held)| held.link() == *link)
    };
    match operation.parents().iter().find(|parent| !base.covers(parent) && !held(parent)) {
        Some(parent) => Err(format!("it follows operation {}, which is not there", parent.id)),
        None if operation.is_genesis() => Err("it is a genesis above a base".to_owned()),
        None => Ok(()),
    }
}

struct Check {
    entity: EntityId,
    faults: Vec<Fault>,
}

impl Check {
    fn fault(&mut self, what: &str, message: impl Into<String>) {
        self.faults
            .push(Fault { record: format!("{what} of entity {}", self.entity), message: message.into() });
    }

    /// The place of every operation. Its digest and its id were computed again when it was read.
    fn operations(&mut self, model: ModelId, known: &Known) {
        for operation in known.iter() {
            let id = operation.id();
            if operation.entity() != self.entity || operation.model() != model {
                self.fault(&format!("operation {id}"), "it belongs to another entity or model");
            }
        }
    }

    /// Links, head, runs and state: all replayed from the base and the operations.
    async fn history(
        &mut self,
        view: &dyn ReadView,
        state: &State,
        known: &Known,
    ) -> Result<(), StorageError> {
        let base = known.base.as_ref();
        if base.map(|base| &base.base) != state.base.as_ref() {
            self.fault("base", "it is not the one that the state says");
            return Ok(());
        }
        let mut dag = DagIndex::new(self.entity);
        let mut replayed: Option<State> = base.map(BaseState::state);
        for operation in known.iter() {
            let placed = match base {
                None => dag.accept(operation).map(drop).map_err(|error| error.to_string()),
                Some(base) => above(base, known, operation),
            };
            let applied = placed.and_then(|()| {
                match &mut replayed {
                    Some(state) => state.apply(operation),
                    None => State::begin(operation).map(|begun| replayed = Some(begun)),
                }
                .map_err(|error| error.to_string())
            });
            if let Err(message) = applied {
                self.fault(&format!("operation {}", operation.id()), message);
                return Ok(());
            }
            if let Some(earlier) = redact::left_over(operation, known)? {
                let message = format!("it still holds what operation {} redacted", operation.id());
                self.fault(&format!("operation {earlier}"), message);
            }
        }
        let Some(replayed) = replayed else {
            self.fault("state", "there is a state but no operation");
            return Ok(());
        };
        if replayed.head != state.head {
            self.fault("head", "it is not what the operations give");
        }
        if replayed.registers != state.registers {
            self.fault("state", "its values are not what the operations give");
        }
        let counts = |state: &State| -> Vec<(PropertyId, u64)> {
            state.texts.iter().map(|(property, version)| (*property, version.operations())).collect()
        };
        if counts(&replayed) != counts(state) {
            self.fault("state", "its text versions are not what the operations give");
        }
        for run in dag.runs() {
            // The one that begins with a genesis is stored nowhere.
            if run.first.id != self.entity.0 {
                self.run(view, run).await?;
            }
        }
        for operation in known.iter().filter(|_| base.is_some()) {
            let link = operation.link();
            if !link.is_keyed() && view.run(self.entity, link.actor, link.sequence).await?.is_none() {
                self.fault(&format!("run of {}", link.id), "it is missing");
            }
        }
        Ok(())
    }

    async fn run(&mut self, view: &dyn ReadView, run: &RunStart) -> Result<(), StorageError> {
        let stored = view.run(self.entity, run.first.actor, run.first.sequence).await?;
        match stored {
            None => self.fault(&format!("run of {}", run.first.id), "it is missing"),
            Some(stored) if stored.first != run.first => {
                self.fault(&format!("run of {}", run.first.id), "it is missing");
            }
            Some(stored) if stored.vector != run.vector => {
                self.fault(&format!("run of {}", run.first.id), "its version vector is wrong");
            }
            Some(_) => {}
        }
        Ok(())
    }

    /// Values have the types of their properties.
    fn types(&mut self, model: &Model, state: &State) {
        for (property, register) in &state.registers {
            let Some(property) = model.property(*property) else { continue };
            if !register.value.is_of(property.value_type) {
                let message = format!("`{}` holds a value of another type", property.label);
                self.fault("state", message);
            }
        }
    }

    /// The stored text is what the operations give.
    async fn text(
        &mut self,
        view: &dyn ReadView,
        property: PropertyId,
        version: TextVersion,
        known: &Known,
    ) -> Result<(), StorageError> {
        let replayed = known.text(property);
        let stored = super::text::load(view, self.entity, property, version, ActorId::new(0)).await;
        match (replayed, stored) {
            (Ok(mut replayed), Ok(mut stored)) => {
                if replayed.text() != stored.text() {
                    self.fault(&format!("text {property}"), "it is not what the operations give");
                }
            }
            (Err(StorageError::Damaged { message, .. }), _)
            | (_, Err(StorageError::Damaged { message, .. })) => {
                self.fault(&format!("text {property}"), message);
            }
            (Err(error), _) | (_, Err(error)) => return Err(error),
        }
        Ok(())
    }
}
