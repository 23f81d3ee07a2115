//! The value of a stored text.

use std::sync::Arc;

use yrs::updates::decoder::Decode;
use yrs::{GetString, Transact};

use super::KvRead;
use super::view::read_operation;
use crate::id::{EntityId, PropertyId};
use crate::operation::Change;
use crate::storage::{StorageError, TextRecord};

/// The string that a text reads as: its snapshot and the operations after it.
pub(super) async fn materialise(
    kv: &impl KvRead,
    entity: EntityId,
    property: PropertyId,
    record: &TextRecord,
) -> Result<Arc<str>, StorageError> {
    let mut updates: Vec<Arc<[u8]>> = record.snapshot.iter().cloned().collect();
    for id in &record.tail {
        let damaged = |message: &str| StorageError::Damaged {
            what: format!("text of entity {entity}"),
            message: format!("operation {id} of its tail {message}"),
        };
        let Some((_, operation)) = read_operation(kv, entity, *id).await? else {
            return Err(damaged("does not exist"));
        };
        let leaf = operation.leaves().iter().find(|leaf| leaf.property == property);
        match leaf.map(|leaf| &leaf.change) {
            Some(Change::Text(update)) => updates.push(update.clone()),
            Some(_) => {}
            None => return Err(damaged("does not change it")),
        }
    }
    let doc = yrs::Doc::new();
    let text = doc.get_or_insert_text(ROOT);
    let mut transaction = doc.transact_mut();
    for update in updates {
        join(&mut transaction, entity, &update)?;
    }
    Ok(Arc::from(text.get_string(&transaction)))
}

/// The name of the text inside its document.
const ROOT: &str = "t";

fn join(document: &mut yrs::TransactionMut<'_>, entity: EntityId, update: &[u8]) -> Result<(), StorageError> {
    let damaged =
        |message: String| StorageError::Damaged { what: format!("text of entity {entity}"), message };
    let update = yrs::Update::decode_v1(update).map_err(|error| damaged(error.to_string()))?;
    document.apply_update(update).map_err(|error| damaged(error.to_string()))
}
