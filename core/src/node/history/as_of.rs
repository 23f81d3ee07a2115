//! Entities as they were, as a source of queries.

use std::sync::Arc;

use futures::StreamExt;

use super::checkpoint::Checkpoints;
use super::cut::Cut;
use super::replay::{Replayed, Texts};
use crate::entity::State;
use crate::id::{ActorId, EntityId, ModelId};
use crate::node::text;
use crate::query::{Sink, Source, generate};
use crate::storage::{Access, Deleted, ReadView, Row, RowStream, Scan, ScanRows, StorageError};
use crate::value::Value;

/// Rows of one batch.
const BATCH: usize = 256;

/// Entities as they were at a point.
pub(super) struct AsOf {
    view: Arc<dyn ReadView>,
    checkpoints: Arc<Checkpoints>,
    cut: Cut,
}

type Out = Sink<Result<ScanRows, StorageError>>;

impl AsOf {
    pub(super) fn new(view: Arc<dyn ReadView>, checkpoints: Arc<Checkpoints>, cut: Cut) -> Self {
        AsOf { view, checkpoints, cut }
    }

    async fn give(&self, scan: &Scan, sink: &mut Out) -> Result<(), StorageError> {
        let mut left = scan.limit.unwrap_or(u64::MAX);
        match &scan.access {
            Access::Entities(entities) => {
                for chunk in entities.chunks(BATCH) {
                    if !self.chunk(scan, chunk, &mut left, sink).await? {
                        return Ok(());
                    }
                }
            }
            access => {
                let after = match access {
                    Access::All { after } => *after,
                    // The planner is shown no index of what was.
                    Access::Index { .. } | Access::Entities(_) => None,
                };
                let mut ids = self.view.scan(Scan {
                    access: Access::All { after },
                    columns: Vec::new(),
                    deleted: Deleted::Include,
                    limit: None,
                    expected: None,
                    ..scan.clone()
                });
                while let Some(batch) = ids.next().await {
                    for chunk in batch?.entities().chunks(BATCH) {
                        if !self.chunk(scan, chunk, &mut left, sink).await? {
                            return Ok(());
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Gives the rows of some entities. Gives whether more are wanted.
    async fn chunk(
        &self,
        scan: &Scan,
        entities: &[EntityId],
        left: &mut u64,
        sink: &mut Out,
    ) -> Result<bool, StorageError> {
        let mut rows = ScanRows::new(scan.columns.len());
        for entity in entities {
            if *left == 0 {
                break;
            }
            if let Some(row) = self.row(scan, *entity).await? {
                rows.push(&row);
                *left = left.saturating_sub(1);
            }
        }
        if !rows.is_empty() {
            sink.give(Ok(rows)).await;
        }
        Ok(*left > 0)
    }

    async fn row(&self, scan: &Scan, entity: EntityId) -> Result<Option<Row>, StorageError> {
        let Some(state) = self.view.state(scan.model, entity).await? else { return Ok(None) };
        let cut = self.cut.of(entity);
        let values = if cut.has_all(&state) {
            if !wanted(scan.deleted, state.is_deleted()) {
                return Ok(None);
            }
            self.now(scan, &state).await?
        } else {
            let texts = scan.columns.iter().filter(|column| state.text(**column).is_some());
            let texts: Vec<_> = texts.copied().collect();
            let view = self.view.as_ref();
            let then = match texts.is_empty() {
                true => Replayed::resumed(view, &self.checkpoints, &state, &cut).await?,
                false => Replayed::at(view, entity, &cut, &Texts::These(texts)).await?,
            };
            let Some(mut then) = then else { return Ok(None) };
            let unborn = cut.is_by_ids() && then.is_key_alone(entity);
            if unborn || !wanted(scan.deleted, then.is_deleted()) {
                return Ok(None);
            }
            scan.columns.iter().map(|column| then.value(*column).unwrap_or(Value::Null)).collect()
        };
        Ok(Some(Row { entity, values }))
    }

    /// The values of an entity that has not changed since.
    async fn now(&self, scan: &Scan, state: &State) -> Result<Vec<Value>, StorageError> {
        let mut values = Vec::with_capacity(scan.columns.len());
        for column in &scan.columns {
            values.push(match (state.get(*column), state.text(*column)) {
                (Some(value), _) => value.clone(),
                (None, None) => Value::Null,
                (None, Some(version)) => {
                    let (view, writer) = (self.view.as_ref(), ActorId::new(0));
                    let mut document = text::load(view, state.entity, *column, version, writer).await?;
                    Value::String(document.text())
                }
            });
        }
        Ok(values)
    }
}

fn wanted(deleted: Deleted, is_deleted: bool) -> bool {
    match deleted {
        Deleted::Exclude => !is_deleted,
        Deleted::Only => is_deleted,
        Deleted::Include => true,
    }
}

impl Source for AsOf {
    fn scan(&self, scan: Scan) -> RowStream<'_> {
        generate(move |mut sink| async move {
            if let Err(error) = self.give(&scan, &mut sink).await {
                sink.give(Err(error)).await;
            }
        })
    }

    fn count_hint(&self, _: ModelId) -> Option<u64> {
        None
    }
}
