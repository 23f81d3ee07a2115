//! All operations of an entity.

use std::sync::Arc;

use crate::id::{EntityId, OpId};
use crate::operation::Operation;
use crate::storage::{ReadView, StorageError};

/// How many are read at a time.
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
