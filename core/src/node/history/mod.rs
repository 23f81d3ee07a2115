//! The past of entities, read out of their operations.
//!
//! | module | what it holds |
//! |---|---|
//! | `cut` | which operations belong to a point |
//! | `replay` | what operations make of an entity |
//! | `checkpoint` | states in the midst of histories, kept in memory |
//! | `as_of` | entities as they were, as a source of queries |
//! | `lanes` | the states along a DAG, each before the operation that changed it |
//! | `log` | `history of` |
//! | `bisect` | the first operation after which a condition holds |
//! | `diff` | `diff` |
//! | `why` | `why` |
//! | `undo` | changes that take earlier ones back |
//! | `redact`, `compact` | what is to be erased, what to be folded |
//! | `units` | texts as the units that they were written in |
//! | `table` | rows that are computed, as a source of queries |

mod as_of;
mod bisect;
mod checkpoint;
mod compact;
mod cut;
mod diff;
mod lanes;
mod log;
mod redact;
mod replay;
mod table;
mod undo;
mod units;
mod why;

use std::sync::Arc;

use super::failure::{Explain, Outcome, failure};
use super::transaction::Transaction;
use crate::id::{EntityId, ModelId, OpId};
use crate::operation::Operation;
use crate::query::past::{Past, PastKind, Subject};
use crate::query::{BoundSelect, Source};
use crate::storage::{ReadView, StorageError};
use as_of::AsOf;
use cut::Cut;

pub(crate) use checkpoint::Checkpoints;
pub(crate) use compact::compact;
pub(crate) use redact::redact;
pub(crate) use undo::undo;

/// How many operations are read at a time.
const PAGE: usize = 256;

/// The accepted operations of an entity, ascending.
pub(crate) async fn operations(
    view: &dyn ReadView,
    entity: EntityId,
) -> Result<Vec<Arc<Operation>>, StorageError> {
    let mut all = Vec::new();
    let mut after = OpId::MIN;
    loop {
        let page = view.operations(entity, after, PAGE).await?;
        let Some((_, last)) = page.last() else { return Ok(all) };
        after = last.id();
        all.extend(page.into_iter().map(|(_, operation)| operation));
    }
}

impl Transaction {
    /// What a query reads: the store with the transaction's own writes, or what was.
    pub(crate) async fn source_of(&self, select: &BoundSelect) -> Outcome<Arc<dyn Source>> {
        match &select.input.past {
            None => Ok(self.source()),
            Some(past) => Box::pin(self.past(past)).await,
        }
    }

    async fn past(&self, past: &Past) -> Outcome<Arc<dyn Source>> {
        let view = &self.view;
        Ok(match &past.kind {
            PastKind::AsOf { entity, point } => {
                let cut = self.cut(point, *entity).await?;
                Arc::new(AsOf::new(Arc::clone(view), Arc::clone(&self.node.checkpoints), cut))
            }
            PastKind::History { entity } => {
                let model = self.model_of(*entity, past).await?;
                Arc::new(log::Log::new(Arc::clone(view), Arc::clone(&self.catalog), model, *entity))
            }
            PastKind::Bisect { entity, test } => {
                let model = self.model_of(*entity, past).await?;
                let first = bisect::first(self, *entity, test).await?;
                let log = log::Log::new(Arc::clone(view), Arc::clone(&self.catalog), model, *entity);
                Arc::new(log.only(first))
            }
            PastKind::Diff { subject, from, to } => {
                let (model, entity) = match subject {
                    Subject::Model(model) => (model.id, None),
                    Subject::Entity(entity) => (self.model_of(*entity, past).await?, Some(*entity)),
                };
                let from = self.cut(from, entity).await?;
                let to = match to {
                    Some(to) => self.cut(to, entity).await?,
                    None => Cut::All,
                };
                let catalog = Arc::clone(&self.catalog);
                Arc::new(diff::Diff::new(Arc::clone(view), catalog, model, entity, [from, to]))
            }
            PastKind::Why { entity, property, point } => {
                let model = self.model_of(*entity, past).await?;
                let cut = match point {
                    Some(point) => self.cut(point, Some(*entity)).await?,
                    None => Cut::All,
                };
                let property = self.property_of(model, property)?;
                Arc::new(why::Why::new(Arc::clone(view), model, *entity, property, cut))
            }
        })
    }

    /// The model of an entity of which there is an operation.
    async fn model_of(&self, entity: EntityId, past: &Past) -> Outcome<ModelId> {
        let model = self.view.model_of(entity).await?;
        model.ok_or_else(|| failure("unknown-entity", format!("there is no entity {entity}")).at(past.span))
    }

    /// The property of a model that a name in a statement means; `deleted` is one of every model.
    fn property_of(
        &self,
        model: ModelId,
        name: &ankurah_query_lang::ast::Name,
    ) -> Outcome<crate::id::PropertyId> {
        use crate::catalog::reserved;
        let id = name.id.as_ref().and_then(|id| id.text.parse().ok());
        let Some(model) = self.catalog.model(model) else {
            return Err(failure("unknown-model", format!("model {model} is not in the catalog")));
        };
        match model.find(&name.ident.name, name.ident.quoted, id) {
            Ok(property) => Ok(property.id),
            Err(_) if id.is_none() && name.ident.name.eq_ignore_ascii_case(DELETED) => Ok(*reserved::DELETED),
            Err(error) => Err(super::failure::unknown("property", &error, Some(name.span))),
        }
    }
}

/// What the property is called that says whether an entity is deleted.
const DELETED: &str = "deleted";
const HORIZON: &str = "horizon";

/// What a property is called, where it is known.
fn label(model: Option<&crate::catalog::Model>, property: crate::id::PropertyId) -> String {
    if property == *crate::catalog::reserved::DELETED {
        return DELETED.to_owned();
    }
    if property == *crate::catalog::reserved::HORIZON {
        return HORIZON.to_owned();
    }
    match model.and_then(|model| model.property(property)) {
        Some(property) => property.label.as_ref().to_owned(),
        None => format!("@{property}"),
    }
}

/// The place of a property among those of its model.
fn ordinal(model: Option<&crate::catalog::Model>, property: crate::id::PropertyId) -> u32 {
    let found = model.and_then(|model| model.property(property));
    found.map_or(u32::MAX, |property| property.ordinal)
}
