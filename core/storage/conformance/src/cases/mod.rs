//! The cases, by what they are about.

mod commits;
pub(crate) mod dumps;
mod durability;
mod faults;
mod format;
mod indexes;
mod repairs;
mod scans;
mod views;

use std::sync::Arc;

use ankurah_core::id::{EntityId, ModelId, PropertyId};
use ankurah_core::storage::{
    Access, Batch, CommitError, Deleted, Durability, Engine, Fault, Position, ReadView, Row, Scan,
    StorageError,
};
use futures::StreamExt;
use futures::executor::block_on;

use crate::{Case, Factory};

pub(crate) fn all<F: Factory>() -> Vec<Case<F>> {
    let mut cases = Vec::new();
    cases.extend(commits::cases());
    cases.extend(views::cases());
    cases.extend(scans::cases());
    cases.extend(indexes::cases());
    cases.extend(durability::cases());
    cases.extend(faults::cases());
    cases.extend(format::cases());
    cases.extend(dumps::cases());
    cases.extend(repairs::cases());
    cases.extend(crate::live::cases());
    cases
}

/// Commits, buffered, what must succeed.
fn commit(engine: &dyn Engine, batch: Batch) -> Position {
    block_on(engine.commit(batch, Durability::Buffered)).unwrap()
}

/// Commits what must be refused.
fn refused(engine: &dyn Engine, batch: Batch) -> CommitError {
    block_on(engine.commit(batch, Durability::Buffered)).unwrap_err()
}

fn view(engine: &dyn Engine) -> Arc<dyn ReadView> {
    block_on(engine.view()).unwrap()
}

fn all_of(model: ModelId, columns: &[PropertyId]) -> Scan {
    Scan {
        model,
        access: Access::All { after: None },
        columns: columns.to_vec(),
        deleted: Deleted::Exclude,
        limit: None,
        expected: None,
    }
}

async fn read_rows(view: &dyn ReadView, scan: Scan) -> Result<Vec<Row>, StorageError> {
    let mut rows = Vec::new();
    let mut stream = view.scan(scan);
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        assert!(!batch.is_empty(), "a batch without rows");
        rows.extend(batch);
    }
    Ok(rows)
}

fn try_rows(view: &dyn ReadView, scan: Scan) -> Result<Vec<Row>, StorageError> {
    block_on(read_rows(view, scan))
}

fn rows(view: &dyn ReadView, scan: Scan) -> Vec<Row> {
    try_rows(view, scan).unwrap()
}

fn entities(view: &dyn ReadView, scan: Scan) -> Vec<EntityId> {
    rows(view, scan).into_iter().map(|row| row.entity).collect()
}

fn faults(engine: &dyn Engine) -> Vec<Fault> {
    block_on(engine.check().map(Result::unwrap).collect())
}
