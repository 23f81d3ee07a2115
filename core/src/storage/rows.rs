//! A batch of a scan's rows.

use super::Row;
use crate::id::EntityId;
use crate::value::{RowRef, Rows, Value};

/// Rows of a scan: what [`Row`] is one by one, all together.
#[derive(Clone, Debug, Default)]
pub struct ScanRows {
    entities: Vec<EntityId>,
    values: Rows,
}

impl ScanRows {
    /// No rows yet, of `width` columns each.
    pub fn new(width: usize) -> Self {
        ScanRows { entities: Vec::new(), values: Rows::new(width) }
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.entities.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.entities.is_empty()
    }

    /// The entity of each row.
    pub fn entities(&self) -> &[EntityId] {
        &self.entities
    }

    /// The values, a row for each entity.
    pub fn values(&self) -> &Rows {
        &self.values
    }

    /// The entities and their values.
    pub fn into_parts(self) -> (Vec<EntityId>, Rows) {
        (self.entities, self.values)
    }

    /// The rows in order.
    pub fn iter(&self) -> impl Iterator<Item = (EntityId, RowRef<'_>)> {
        self.entities.iter().copied().zip(self.values.iter())
    }

    /// Adds a row.
    pub fn push(&mut self, row: &Row) {
        self.entities.push(row.entity);
        self.values.push(row.values.iter().map(Value::as_ref));
    }

    /// Adds a row of nulls.
    pub(crate) fn push_nulls(&mut self, entity: EntityId) {
        self.entities.push(entity);
        self.values.push_nulls();
    }

    /// Adds a row that lies elsewhere.
    pub(crate) fn push_ref(&mut self, entity: EntityId, values: RowRef<'_>) {
        self.entities.push(entity);
        self.values.push(values.iter());
    }

    /// Adds the row that `write` adds to the values; none where it gives false.
    pub(crate) fn push_with<E>(
        &mut self,
        entity: EntityId,
        write: impl FnOnce(&mut Rows) -> Result<bool, E>,
    ) -> Result<(), E> {
        if write(&mut self.values)? {
            self.entities.push(entity);
        }
        Ok(())
    }

    /// Makes room for so many more rows with so many bytes of text.
    pub(crate) fn reserve(&mut self, rows: usize, text: usize) {
        self.entities.reserve(rows);
        self.values.reserve(rows, text);
    }

    /// Reads the strings that were put in unread; see [`Rows::settle`].
    ///
    /// # Errors
    /// The entity of the first row with a string that is no text.
    pub(crate) fn settle(&mut self) -> Result<(), Option<EntityId>> {
        self.values.settle().map_err(|row| self.entities.get(row).copied())
    }

    /// The values, to be replaced.
    pub(crate) fn values_mut(&mut self) -> &mut Rows {
        &mut self.values
    }

    /// Keeps only the first rows.
    pub fn truncate(&mut self, length: usize) {
        self.entities.truncate(length);
        self.values.truncate(length);
    }
}

impl FromIterator<Row> for ScanRows {
    /// Rows as wide as the first one.
    fn from_iter<T: IntoIterator<Item = Row>>(rows: T) -> Self {
        let mut rows = rows.into_iter().peekable();
        let mut collected = ScanRows::new(rows.peek().map_or(0, |row| row.values.len()));
        rows.for_each(|row| collected.push(&row));
        collected
    }
}

/// The rows one by one, with values of their own.
#[derive(Debug)]
pub struct IntoIter {
    rows: ScanRows,
    next: usize,
}

impl Iterator for IntoIter {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let entity = *self.rows.entities.get(self.next)?;
        let values = self.rows.values.get(self.next)?.to_values();
        self.next = self.next.saturating_add(1);
        Some(Row { entity, values })
    }
}

impl IntoIterator for ScanRows {
    type Item = Row;
    type IntoIter = IntoIter;

    fn into_iter(self) -> IntoIter {
        IntoIter { rows: self, next: 0 }
    }
}
