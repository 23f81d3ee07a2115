//! Which runs new operations start.

use crate::dag::{Ancestry, AncestryError, Link, RunStart, continues_run, run_for};
use crate::operation::Operation;
use crate::storage::{ReadView, StorageError};

/// The run that an operation made here starts, if it starts one and that follows from the operation alone.
/// `None` where [`starts`] has to tell.
pub(crate) fn known(operation: &Operation) -> Option<Option<RunStart>> {
    let alone = continues_run(&operation.link(), operation.parents())
        || operation.parents().iter().all(Link::is_keyed);
    alone.then(|| run_for(operation, []))
}

/// The run that an operation made here starts. Its parents must be in the view.
pub(crate) async fn starts(
    view: &dyn ReadView,
    operation: &Operation,
) -> Result<Option<RunStart>, StorageError> {
    let ancestry = Ancestry::open(view, operation.entity()).await?;
    let vector = ancestry.vector(operation.parents()).await.map_err(|error| not_held(operation, error))?;
    Ok(run_for(operation, [&vector]))
}

/// A run or an operation that must be there is not.
pub(crate) fn not_held(operation: &Operation, error: AncestryError) -> StorageError {
    match error {
        AncestryError::Storage(error) => error,
        error @ AncestryError::NotHeld(_) => StorageError::Damaged {
            what: format!("history of entity {}", operation.entity()),
            message: error.to_string(),
        },
    }
}
