//! What two stores tell of their entities to be compared.

use futures::StreamExt;
use serde::{Deserialize, Serialize};

use super::Inner;
use super::connection::Answer;
use super::failure::Outcome;
use super::protocol::Event;
use super::verify::models;
use crate::codec::Writer;
use crate::id::{ActorId, EntityId, ModelId, PropertyId};
use crate::storage::{Access, Deleted, Scan};
use crate::value::Value;

/// How many heads are told at a time.
const PIECE: usize = 256;

/// An entity's head.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntityHead {
    /// The entity's model.
    pub model: ModelId,
    /// The entity.
    pub entity: EntityId,
    /// The head, encoded as `docs/format.md` says. Two entities with the same head have the same operations.
    pub head: Vec<u8>,
}

/// The values of an entity, deleted or not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EntityValues {
    /// Each property that was ever set, ascending by id; texts are strings.
    pub values: Vec<(PropertyId, Value)>,
}

/// Tells the head of every entity, ascending by model and entity.
pub(crate) async fn heads(node: &Inner, answer: &mut Answer) -> Outcome<()> {
    let view = node.engine.view().await?;
    let catalog = node.catalog_at(view.as_ref()).await?;
    let mut heads = Vec::new();
    for model in models(view.as_ref(), &catalog).await? {
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
                let Some(state) = view.state(model, row.entity).await? else { continue };
                let mut writer = Writer::new();
                state.head.encode(&mut writer);
                heads.push(EntityHead { model, entity: row.entity, head: writer.into_bytes() });
                if heads.len() >= PIECE {
                    answer.give(Event::Heads(std::mem::take(&mut heads))).await;
                }
            }
        }
    }
    if !heads.is_empty() {
        answer.give(Event::Heads(heads)).await;
    }
    Ok(())
}

/// Tells the values of an entity; nothing where it is not there.
pub(crate) async fn values(
    node: &Inner,
    model: ModelId,
    entity: EntityId,
    answer: &mut Answer,
) -> Outcome<()> {
    let view = node.engine.view().await?;
    let Some(state) = view.state(model, entity).await? else { return Ok(()) };
    let mut values: Vec<(PropertyId, Value)> =
        state.registers.into_iter().map(|(property, register)| (property, register.value)).collect();
    for (property, version) in &state.texts {
        let writer = ActorId::new(0);
        let mut document = super::text::load(view.as_ref(), entity, *property, *version, writer).await?;
        values.push((*property, Value::String(document.text())));
    }
    values.sort_by_key(|(property, _)| *property);
    answer.give(Event::Values(EntityValues { values })).await;
    Ok(())
}
