//! What a transaction reads: its view of the store with its own writes on top.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt;

use super::draft::{Draft, Pending};
use crate::id::{EntityId, ModelId};
use crate::query::Source;
use crate::query::generate;
use crate::storage::{Access, Deleted, ReadView, Row, RowStream, Scan, ScanRows, StorageError};
use crate::value::Value;

/// What a serializable transaction has read.
#[derive(Debug, Default)]
pub(crate) struct ReadSet {
    /// Entities that were asked for by id.
    pub(crate) entities: BTreeSet<EntityId>,
    /// Models that were scanned.
    pub(crate) models: BTreeSet<ModelId>,
}

/// Where a read set is noted; `None` where nobody asks.
pub(crate) type Reads = Option<Arc<Mutex<ReadSet>>>;

pub(crate) fn note_entities(reads: &Reads, entities: impl IntoIterator<Item = EntityId>) {
    if let Some(reads) = reads {
        reads.lock().unwrap_or_else(PoisonError::into_inner).entities.extend(entities);
    }
}

/// A view with a transaction's writes over it.
pub(crate) struct Overlay {
    pub(crate) view: Arc<dyn ReadView>,
    pub(crate) draft: Arc<Draft>,
    pub(crate) reads: Reads,
}

impl Source for Overlay {
    fn scan(&self, scan: Scan) -> RowStream<'_> {
        match &scan.access {
            Access::Entities(entities) => note_entities(&self.reads, entities.iter().copied()),
            Access::All { .. } | Access::Index { .. } => {
                if let Some(reads) = &self.reads {
                    reads.lock().unwrap_or_else(PoisonError::into_inner).models.insert(scan.model);
                }
            }
        }
        if self.draft.touches(scan.model) { self.merged(scan) } else { self.view.scan(scan) }
    }

    fn count_hint(&self, model: ModelId) -> Option<u64> {
        if let Some(reads) = &self.reads {
            reads.lock().unwrap_or_else(PoisonError::into_inner).models.insert(model);
        }
        if self.draft.touches(model) { None } else { self.view.count_hint(model) }
    }
}

impl Overlay {
    fn merged(&self, scan: Scan) -> RowStream<'_> {
        generate(move |mut sink| async move {
            let result = match &scan.access {
                Access::All { after } => self.all(&scan, *after, &mut sink).await,
                Access::Entities(entities) => self.entities(&scan, entities, &mut sink).await,
                // The planner is not shown the indexes of models that the transaction writes.
                Access::Index { .. } => self.all(&scan, None, &mut sink).await,
            };
            if let Err(error) = result {
                sink.give(Err(error)).await;
            }
        })
    }

    async fn all(&self, scan: &Scan, after: Option<EntityId>, sink: &mut Out) -> Result<(), StorageError> {
        let pending: Vec<_> = self.draft.of_model(scan.model, after).collect();
        let mut mine = self.rows(scan, &pending).await?.into_iter().peekable();
        let access = Access::All { after };
        let mut theirs = self.view.scan(Scan { access, limit: None, ..scan.clone() });
        while let Some(batch) = theirs.next().await {
            let batch = batch?;
            let mut out = ScanRows::new(scan.columns.len());
            for (entity, values) in batch.iter() {
                while let Some((_, own)) = mine.next_if(|(own, _)| *own < entity) {
                    out.push(&own);
                }
                if self.draft.get(entity).is_none() {
                    out.push_ref(entity, values);
                }
            }
            if !out.is_empty() {
                sink.give(Ok(out)).await;
            }
        }
        let rest: ScanRows = mine.map(|(_, row)| row).collect();
        if !rest.is_empty() {
            sink.give(Ok(rest)).await;
        }
        Ok(())
    }

    async fn entities(&self, scan: &Scan, entities: &[EntityId], sink: &mut Out) -> Result<(), StorageError> {
        for chunk in entities.chunks(CHUNK) {
            let pending: Vec<_> = chunk
                .iter()
                .filter_map(|entity| Some((*entity, self.draft.get(*entity)?)))
                .filter(|(_, pending)| pending.model == scan.model)
                .collect();
            let mut rows = self.rows(scan, &pending).await?;
            let others: Vec<EntityId> =
                chunk.iter().filter(|entity| self.draft.get(**entity).is_none()).copied().collect();
            let access = Access::Entities(others);
            let mut theirs = self.view.scan(Scan { access, limit: None, ..scan.clone() });
            while let Some(batch) = theirs.next().await {
                rows.extend(batch?.into_iter().map(|row| (row.entity, row)));
            }
            let out: ScanRows = chunk.iter().filter_map(|entity| rows.get(entity).cloned()).collect();
            if !out.is_empty() {
                sink.give(Ok(out)).await;
            }
        }
        Ok(())
    }

    /// The rows of entities that the transaction writes.
    async fn rows(
        &self,
        scan: &Scan,
        pending: &[(EntityId, &Arc<Pending>)],
    ) -> Result<BTreeMap<EntityId, Row>, StorageError> {
        let old = pending.iter().filter(|(_, pending)| pending.base.is_some()).map(|(entity, _)| *entity);
        let mut below = BTreeMap::new();
        let mut stream = self.view.scan(Scan {
            access: Access::Entities(old.collect()),
            deleted: Deleted::Include,
            limit: None,
            ..scan.clone()
        });
        while let Some(batch) = stream.next().await {
            below.extend(batch?.into_iter().map(|row| (row.entity, row.values)));
        }
        let wanted = |pending: &Pending| match scan.deleted {
            Deleted::Exclude => !pending.is_deleted(),
            Deleted::Only => pending.is_deleted(),
            Deleted::Include => true,
        };
        let mut rows = BTreeMap::new();
        for (entity, pending) in pending.iter().filter(|(_, pending)| wanted(pending)) {
            // Who asks for an entity twice has its row made once.
            if rows.contains_key(entity) {
                continue;
            }
            let mut below = below.remove(entity).unwrap_or_default().into_iter();
            let values = scan.columns.iter().map(|column| {
                let old = below.next().unwrap_or(Value::Null);
                match pending.texts.get(column) {
                    Some(text) => Value::String(Arc::clone(&text.text)),
                    None => pending.value(*column).cloned().unwrap_or(old),
                }
            });
            rows.insert(*entity, Row { entity: *entity, values: values.collect() });
        }
        Ok(rows)
    }
}

/// How many entities are looked up at a time.
const CHUNK: usize = 1024;

type Out = crate::query::Sink<Result<ScanRows, StorageError>>;
