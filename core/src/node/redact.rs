//! What a redaction does to what is stored: the operations that it names lose what they did, texts are put together
//! anew, and what was set aside follows.

use std::sync::Arc;

use super::known::{Known, damaged};
use crate::entity::{BaseState, Registers, State};
use crate::id::{EntityId, OpId, PropertyId};
use crate::operation::{Change, Decoded, Operation, Redaction};
use crate::property::text::{Limits, without};
use crate::storage::{Aside, Batch, ReadView, SetAside, StorageError, TextWrite};

/// All sets of operations outside of the DAG.
const SETS: [SetAside; 3] = [SetAside::Parked, SetAside::Refused, SetAside::Equivocal];

/// Replaces an operation in a batch, or has the batch replace it in the store.
fn replace(batch: &mut Batch, operation: &Arc<Operation>) {
    let same =
        |known: &&mut Arc<Operation>| known.id() == operation.id() && known.entity() == operation.entity();
    match batch.operations.iter_mut().chain(&mut batch.rewritten).find(same) {
        Some(place) => *place = Arc::clone(operation),
        None => batch.rewritten.push(Arc::clone(operation)),
    }
}

/// Adds to a batch what an accepted operation redacts. `state` is the entity's state with the operation, which is in
/// the batch.
pub(crate) async fn carry_out(
    view: &dyn ReadView,
    operation: &Operation,
    state: &State,
    batch: &mut Batch,
) -> Result<(), StorageError> {
    let entity = operation.entity();
    let redactions: Vec<_> = operation.redactions().collect();
    for (property, redaction) in redactions {
        let mut named = redaction.operations.clone();
        let mut known = Known::load(view, batch, entity).await?;
        for id in known.closure(operation.parents()) {
            let Some((_, earlier)) = known.operations.get_mut(&id) else { continue };
            let less = earlier.redacted(property, redaction).map_err(|error| damaged(earlier, &error))?;
            if let Some(less) = less {
                named.push(id);
                *earlier = Arc::new(less);
                replace(batch, earlier);
            }
        }
        if let Some(base) = &mut known.base {
            if redact_base(base, property, redaction).map_err(|error| damaged(operation, &error))? {
                batch.bases.retain(|known| known.entity != entity);
                batch.bases.push(base.clone());
            }
        }
        asides(view, entity, property, redaction, &named, batch).await?;
        if state.text(property).is_some() {
            let snapshot = known.text(property)?.snapshot().map_err(|error| damaged(operation, &error))?;
            batch.texts.push(TextWrite::Fold { entity, property, snapshot: Arc::from(snapshot) });
        }
    }
    Ok(())
}

/// Erases what a redaction names in a base. Gives whether there was something.
fn redact_base(
    base: &mut BaseState,
    property: PropertyId,
    redaction: &Redaction,
) -> Result<bool, crate::codec::DecodeError> {
    let mut any = false;
    if base.registers.get(&property).is_some_and(|register| redaction.names(register.winner)) {
        let erased = Redaction { value: None, ..redaction.clone() };
        base.registers.redact(property, &erased, OpId::MIN);
        any = true;
    }
    if let Some(text) = base.texts.get_mut(&property).filter(|_| !redaction.units.is_empty()) {
        text.snapshot = Arc::from(without(&text.snapshot, &redaction.units, Limits::DOCUMENT)?);
        any = true;
    }
    Ok(any)
}

/// Rewrites the forms of named operations that were set aside.
async fn asides(
    view: &dyn ReadView,
    entity: EntityId,
    property: PropertyId,
    redaction: &Redaction,
    named: &[OpId],
    batch: &mut Batch,
) -> Result<(), StorageError> {
    let mut known: Vec<(SetAside, Aside)> = Vec::new();
    batch.set_aside.retain(|(set, aside)| {
        let is_named = aside.entity == entity && named.contains(&aside.id);
        if is_named {
            known.push((*set, aside.clone()));
        }
        !is_named
    });
    for id in named {
        let after = OpId::from_bits(id.bits().saturating_sub(1));
        for set in SETS {
            let has = |(other, aside): &(SetAside, Aside)| *other == set && aside.id == *id;
            if !known.iter().any(has) {
                let found = view.set_aside(set, after, 1).await?;
                known.extend(found.into_iter().filter(|aside| aside.id == *id).map(|aside| (set, aside)));
            }
        }
    }
    for (set, mut aside) in known {
        if let Ok(Decoded::Known(operation)) = Operation::decode(&aside.bytes) {
            let less =
                operation.redacted(property, redaction).map_err(|error| damaged(&operation, &error))?;
            if let Some(less) = less {
                aside.bytes = Arc::from(less.encode());
            }
        }
        batch.set_aside.push((set, aside));
    }
    Ok(())
}

/// The first change that an operation redacts and that is still there, if there is one.
pub(crate) fn left_over(operation: &Operation, known: &Known) -> Result<Option<OpId>, StorageError> {
    for (property, redaction) in operation.redactions() {
        let below = known.closure(operation.parents());
        for earlier in known.iter().filter(|earlier| below.contains(&earlier.id())) {
            if earlier.redacted(property, redaction).map_err(|error| damaged(earlier, &error))?.is_some() {
                return Ok(Some(earlier.id()));
            }
        }
    }
    Ok(None)
}

/// Whether an operation changes what is stored of others.
pub(crate) fn is_record(operation: &Operation) -> bool {
    operation.leaves().iter().any(|leaf| matches!(leaf.change, Change::Redact(_) | Change::Horizon(_)))
}
