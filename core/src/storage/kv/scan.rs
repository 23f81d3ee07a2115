//! Scans: rows of a view as a stream of batches.

use std::collections::VecDeque;

use futures::stream::try_unfold;

use super::index::range_of_keys;
use super::view::KvView;
use super::{Kv, KvRange, KvRead, PageLimit, layout, record};
use crate::entity::Columns;
use crate::id::{EntityId, ModelId, PropertyId};
use crate::property::text::TextKey;
use crate::storage::{Access, Deleted, IndexState, RowStream, Scan, ScanRows, StorageError};
use crate::value::ValueRef;

/// Rows in the first batch of a scan, at most, unless it is known how many are expected. Each batch may have four
/// times as many as the one before.
const BATCH: usize = 256;

/// Rows in the first batch of a scan where few are expected.
const MIN_BATCH: usize = 8;

/// Room that is made for the text of a row, in bytes, where it is not known.
const TEXT_EXPECTED: usize = 64;

/// Rows in a batch, at most.
const MAX_BATCH: usize = 1024;

/// Where a scan is.
struct Cursor {
    model: ModelId,
    properties: Vec<PropertyId>,
    columns: Columns,
    deleted: Deleted,
    /// Rows still wanted.
    left: u64,
    /// Rows in the next batch, at most.
    size: usize,
    from: From,
}

/// What a scan walks.
enum From {
    /// A range of states.
    States(Option<KvRange>),
    /// Given entities.
    Entities(std::vec::IntoIter<EntityId>),
    /// Entries of an index.
    Index(Walk),
}

/// A walk over ranges of an index.
struct Walk {
    /// Ranges still to walk, in order.
    ranges: VecDeque<KvRange>,
    /// The rest of entries with one key, walked forward within a reverse walk.
    group: Option<KvRange>,
}

impl Cursor {
    /// Rows that the next batch may have.
    fn room(&self) -> usize {
        usize::try_from(self.left).unwrap_or(usize::MAX).min(self.size)
    }

    fn wants(&self, deleted: bool) -> bool {
        match self.deleted {
            Deleted::Exclude => !deleted,
            Deleted::Only => deleted,
            Deleted::Include => true,
        }
    }
}

impl<K: Kv> KvView<K> {
    pub(super) fn scan_rows(&self, scan: Scan) -> RowStream<'_> {
        Box::pin(try_unfold(Start::Scan(scan), async |start| {
            let mut cursor = match start {
                Start::Scan(scan) => self.cursor(scan)?,
                Start::Cursor(cursor) => cursor,
            };
            Ok(self.batch(&mut cursor).await?.map(|rows| (rows, Start::Cursor(cursor))))
        }))
    }

    fn cursor(&self, scan: Scan) -> Result<Cursor, StorageError> {
        let from = match scan.access {
            Access::All { after } => {
                let all = KvRange::prefix(&layout::states(scan.model));
                From::States(Some(match after {
                    None => all,
                    Some(entity) => {
                        let mut start = layout::state(scan.model, entity);
                        start.push(0);
                        KvRange { start, ..all }
                    }
                }))
            }
            Access::Entities(entities) => From::Entities(entities.into_iter()),
            Access::Index { index: id, ranges, reverse } => {
                let wrong = |message: &str| StorageError::Io {
                    action: format!("scan index {}", id.0),
                    message: message.to_owned(),
                };
                let index = self.published.index(id).ok_or_else(|| wrong("there is no such index"))?;
                if !matches!(index.state, IndexState::Ready { .. }) {
                    return Err(wrong("it is not ready"));
                }
                if index.definition.model != scan.model {
                    return Err(wrong("it is an index of another model"));
                }
                if scan.deleted != Deleted::Exclude {
                    return Err(wrong("it has no deleted entities"));
                }
                self.scans.count(id);
                let keys = ranges.iter().map(|range| range_of_keys(index, range));
                let mut ranges = keys.collect::<Result<VecDeque<_>, _>>()?;
                ranges.retain(|range| !range.is_empty());
                if reverse {
                    ranges = ranges.into_iter().rev().map(KvRange::reversed).collect();
                }
                From::Index(Walk { ranges, group: None })
            }
        };
        let Scan { model, columns: properties, deleted, limit, expected, .. } = scan;
        let expected = expected.and_then(|rows| usize::try_from(rows).ok());
        let size = expected.unwrap_or(BATCH).clamp(MIN_BATCH, BATCH);
        let columns = Columns::new(&properties);
        Ok(Cursor { model, properties, columns, deleted, left: limit.unwrap_or(u64::MAX), size, from })
    }

    /// The next rows; `None` at the end.
    async fn batch(&self, cursor: &mut Cursor) -> Result<Option<ScanRows>, StorageError> {
        let mut rows = ScanRows::new(cursor.properties.len());
        while rows.is_empty() {
            let room = cursor.room();
            if room == 0 {
                return Ok(None);
            }
            let mut texts = Vec::new();
            let more = match &mut cursor.from {
                From::States(None) => false,
                From::States(rest) => match rest.take() {
                    None => false,
                    Some(range) => {
                        let mut page = self.snapshot.page(range, PageLimit::items(room)).await?;
                        *rest = page.take_rest();
                        rows.reserve(page.len(), page.bytes.len() / 2);
                        for (key, value) in page.iter() {
                            let Some((_, entity)) = layout::split_id(key) else {
                                return Err(record::bad_key("a state", key));
                            };
                            cursor.row(EntityId(entity), value, &mut rows, &mut texts)?;
                        }
                        true
                    }
                },
                From::Entities(entities) => {
                    let entities: Vec<EntityId> = entities.by_ref().take(room).collect();
                    self.rows_of(cursor, &entities, &mut rows, &mut texts).await?;
                    !entities.is_empty()
                }
                From::Index(walk) => match walk.entities(self, room).await? {
                    None => false,
                    Some(entities) => {
                        self.rows_of(cursor, &entities, &mut rows, &mut texts).await?;
                        true
                    }
                },
            };
            rows.settle().map_err(record::bad_text)?;
            for Text { row, place, key } in texts {
                let text = self.texts.read(&self.snapshot, key).await?;
                rows.values_mut().set(row, place, ValueRef::String(&text));
            }
            if !more {
                return Ok(None);
            }
        }
        rows.truncate(usize::try_from(cursor.left).unwrap_or(usize::MAX));
        cursor.left = cursor.left.saturating_sub(u64::try_from(rows.len()).unwrap_or(u64::MAX));
        cursor.size = cursor.size.saturating_mul(4).min(MAX_BATCH);
        Ok(Some(rows))
    }

    async fn rows_of(
        &self,
        cursor: &Cursor,
        entities: &[EntityId],
        rows: &mut ScanRows,
        texts: &mut Vec<Text>,
    ) -> Result<(), StorageError> {
        // An index holds just the entities that are not deleted: who asks for no column needs no state.
        if cursor.properties.is_empty() && matches!(cursor.from, From::Index(_)) {
            for entity in entities {
                rows.push_nulls(*entity);
            }
            return Ok(());
        }
        let (model, version) = (cursor.model, self.published.head.version);
        rows.reserve(entities.len(), entities.len().saturating_mul(TEXT_EXPECTED));
        for entity in entities {
            if let Some(state) = self.states.get(model, *entity, version) {
                cursor.row(*entity, &state, rows, texts)?;
                continue;
            }
            match self.snapshot.get(&layout::state(model, *entity)).await? {
                Some(state) => {
                    cursor.row(*entity, &state, rows, texts)?;
                    self.states.put(model, *entity, version, &state);
                }
                None if matches!(cursor.from, From::Index(_)) => {
                    return Err(StorageError::Damaged {
                        what: format!("index entry of entity {entity}"),
                        message: "the entity does not exist".to_owned(),
                    });
                }
                None => {}
            }
        }
        Ok(())
    }
}

/// A text that is still to be read into a row.
struct Text {
    row: usize,
    place: usize,
    key: TextKey,
}

impl Cursor {
    /// Adds the row of an entity, unless the scan leaves it out.
    fn row(
        &self,
        entity: EntityId,
        bytes: &[u8],
        rows: &mut ScanRows,
        texts: &mut Vec<Text>,
    ) -> Result<(), StorageError> {
        let row = rows.len();
        rows.push_with(entity, |values| {
            let wants = |deleted| self.wants(deleted);
            record::decode_columns(
                (self.model, entity),
                &self.columns,
                wants,
                bytes,
                values,
                |place, version| {
                    if let Some(property) = self.properties.get(place) {
                        texts.push(Text {
                            row,
                            place,
                            key: TextKey { entity, property: *property, version },
                        });
                    }
                },
            )
        })
    }
}

/// A scan before and after its first step: its plan is checked when it is first polled.
enum Start {
    Scan(Scan),
    Cursor(Cursor),
}

impl Walk {
    /// Walks this range next.
    fn push_front(&mut self, range: Option<KvRange>) {
        if let Some(range) = range.filter(|range| !range.is_empty()) {
            self.ranges.push_front(range);
        }
    }

    /// Some next entities in order, possibly none; `None` at the end.
    async fn entities<K: Kv>(
        &mut self,
        view: &KvView<K>,
        room: usize,
    ) -> Result<Option<Vec<EntityId>>, StorageError> {
        if let Some(range) = self.group.take() {
            let page = view.page_of_entries(range, PageLimit::items(room)).await?;
            self.group = page.rest().cloned();
            return ids(page.iter()).map(Some);
        }
        let Some(range) = self.ranges.pop_front() else { return Ok(None) };
        if !range.reverse {
            let page = view.page_of_entries(range, PageLimit::items(room)).await?;
            self.push_front(page.rest().cloned());
            return ids(page.iter()).map(Some);
        }
        // One more than wanted, so that a page of single entries shows where the last group ends.
        let page =
            view.page_of_entries(range.clone(), PageLimit::items(room.saturating_add(1).max(16))).await?;
        let mut groups: Vec<(&[u8], Vec<EntityId>)> = Vec::new();
        for (key, _) in page.iter() {
            let Some((group, id)) = layout::split_id(key) else { return Err(bad_entry(key)) };
            match groups.last_mut().filter(|(last, _)| *last == group) {
                Some((_, members)) => members.push(EntityId(id)),
                None => groups.push((group, vec![EntityId(id)])),
            }
        }
        if let Some(rest) = page.rest() {
            // The last group may go on in the rest: it is read again from its beginning.
            match groups.pop() {
                None => self.ranges.push_front(rest.clone()),
                Some((group, _)) if groups.is_empty() => {
                    let start = range.start.clone().max(group.to_vec());
                    self.group = Some(KvRange::new(start, layout::after_prefix(group)));
                    let before = KvRange { end: group.to_vec(), ..range };
                    self.push_front(Some(before));
                }
                Some((group, _)) => {
                    self.ranges.push_front(KvRange { end: layout::after_prefix(group), ..range });
                }
            }
        }
        Ok(Some(groups.into_iter().flat_map(|(_, members)| members.into_iter().rev()).collect()))
    }
}

fn bad_entry(key: &[u8]) -> StorageError {
    record::bad_key("an index entry", key)
}

fn ids<'a>(items: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Result<Vec<EntityId>, StorageError> {
    items
        .map(|(key, _)| layout::split_id(key).map(|(_, id)| EntityId(id)).ok_or_else(|| bad_entry(key)))
        .collect()
}
