//! `diff`: what differs between two points, of an entity or of all entities of a model.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures::StreamExt;

use super::cut::Cut;
use super::log::{REDACTED, text_change};
use super::replay::{Replayed, Texts};
use super::table::{Table, string};
use super::{label, ordinal};
use crate::catalog::{Catalog, Model};
use crate::id::{EntityId, ModelId, PropertyId};
use crate::property::Difference;
use crate::query::past::DIFF;
use crate::query::{Sink, Source, generate};
use crate::storage::{Access, Deleted, ReadView, RowStream, Scan, ScanRows, StorageError};
use crate::value::Value;

/// What differs between two points, as rows: one for each property that has another value.
pub(super) struct Diff {
    view: Arc<dyn ReadView>,
    catalog: Arc<Catalog>,
    model: ModelId,
    entity: Option<EntityId>,
    /// The earlier and the later point.
    cuts: [Cut; 2],
}

impl Diff {
    pub(super) fn new(
        view: Arc<dyn ReadView>,
        catalog: Arc<Catalog>,
        model: ModelId,
        entity: Option<EntityId>,
        cuts: [Cut; 2],
    ) -> Self {
        Diff { view, catalog, model, entity, cuts }
    }

    async fn give(
        &self,
        scan: &Scan,
        sink: &mut Sink<Result<ScanRows, StorageError>>,
    ) -> Result<(), StorageError> {
        let mut table = Table::new(&DIFF, scan, sink);
        let model = self.catalog.model(self.model).map(AsRef::as_ref);
        if let Some(entity) = self.entity {
            self.entity(model, entity, &mut table).await?;
            table.flush().await;
            return Ok(());
        }
        let mut ids = self.view.scan(Scan {
            model: self.model,
            access: Access::All { after: None },
            columns: Vec::new(),
            deleted: Deleted::Include,
            limit: None,
            expected: None,
        });
        while let Some(batch) = ids.next().await {
            for entity in batch?.entities() {
                if !self.entity(model, *entity, &mut table).await? {
                    table.flush().await;
                    return Ok(());
                }
            }
        }
        table.flush().await;
        Ok(())
    }

    /// Adds the rows of an entity. Gives whether more are wanted.
    async fn entity(
        &self,
        model: Option<&Model>,
        entity: EntityId,
        table: &mut Table<'_>,
    ) -> Result<bool, StorageError> {
        let [from, to] = &self.cuts;
        let (from, to) = (from.of(entity), to.of(entity));
        if let Some(state) = self.view.state(self.model, entity).await? {
            if from.has_all(&state) && to.has_all(&state) {
                return Ok(true);
            }
        }
        let mut old = self.at(entity, &from).await?;
        let mut new = self.at(entity, &to).await?;
        let there = |state: &Option<Replayed>| state.as_ref().is_some_and(|state| !state.is_deleted());
        let what = match (there(&old), there(&new)) {
            (false, true) if old.is_none() => "created",
            (false, true) => "restored",
            (true, false) if new.is_some() => "deleted",
            (true, false) => "absent",
            _ => "changed",
        };
        let of = |state: &Option<Replayed>| -> Vec<PropertyId> {
            let state = state.iter();
            state.flat_map(|state| state.registers.keys().chain(state.texts.keys()).copied()).collect()
        };
        let properties: BTreeSet<PropertyId> = of(&old).into_iter().chain(of(&new)).collect();
        let mut properties: Vec<PropertyId> = properties.into_iter().collect();
        properties.sort_by_key(|property| (ordinal(model, *property), *property));
        let mut any = false;
        for property in properties {
            let is_text = [&old, &new].into_iter().flatten().any(|state| state.texts.contains_key(&property));
            let value = |state: &mut Option<Replayed>| state.as_mut().and_then(|state| state.value(property));
            let (before, after) = (value(&mut old), value(&mut new));
            let was_redacted = self.is_redacted(entity, old.as_ref(), property).await?;
            let is_redacted = self.is_redacted(entity, new.as_ref(), property).await?;
            if before == after && was_redacted == is_redacted {
                continue;
            }
            any = true;
            let change = if was_redacted || is_redacted {
                format!("{} → {}", shown(before, was_redacted), shown(after, is_redacted))
            } else if is_text {
                text_change(before.as_ref(), after.as_ref()).to_string()
            } else {
                Difference::Set { old: before, new: after }.to_string()
            };
            let row = vec![Value::Ref(entity), string(what), string(label(model, property)), string(change)];
            if !table.push(entity.0, row).await {
                return Ok(false);
            }
        }
        // An entity without any value comes and goes, too.
        if !any && old.is_some() != new.is_some() {
            let row = vec![Value::Ref(entity), string(what), Value::Null, Value::Null];
            return Ok(table.push(entity.0, row).await);
        }
        Ok(true)
    }

    /// Whether what a property was at a point has been redacted.
    async fn is_redacted(
        &self,
        entity: EntityId,
        state: Option<&Replayed>,
        property: PropertyId,
    ) -> Result<bool, StorageError> {
        let register = state.and_then(|state| state.registers.get(&property));
        let Some(register) = register.filter(|register| register.value.is_null()) else { return Ok(false) };
        let winner = self.view.operation(entity, register.winner).await?;
        Ok(winner.is_some_and(|(_, operation)| operation.is_redacted(property)))
    }

    async fn at(&self, entity: EntityId, cut: &Cut) -> Result<Option<Replayed>, StorageError> {
        let state = Replayed::at(self.view.as_ref(), entity, cut, &Texts::All).await?;
        Ok(state.filter(|state| !(cut.is_by_ids() && state.is_key_alone(entity))))
    }
}

/// A value, or that it was redacted.
fn shown(value: Option<Value>, is_redacted: bool) -> String {
    match value {
        _ if is_redacted => REDACTED.to_owned(),
        None => Value::Null.to_string(),
        Some(value) => value.to_string(),
    }
}

impl Source for Diff {
    fn scan(&self, scan: Scan) -> RowStream<'_> {
        generate(move |mut sink| async move {
            if let Err(error) = self.give(&scan, &mut sink).await {
                sink.give(Err(error)).await;
            }
        })
    }
}
