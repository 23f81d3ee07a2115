//! Rows of values that lie together.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::borrowed::ValueRef;
use super::types::{Timestamp, Value};
use crate::id::{EntityId, OpId};

/// Rows of values of one width. Their text and bytes lie together in one piece of memory, so that a thousand rows
/// cost a few allocations; they are read as [`ValueRef`]s.
#[derive(Clone, Default)]
pub struct Rows {
    width: usize,
    /// Rows without columns are counted too.
    length: usize,
    cells: Vec<Cell>,
    text: String,
    /// What was put in as strings and is still to be read as text; it comes after `text`. See [`Rows::settle`].
    unread: Vec<u8>,
    bytes: Vec<u8>,
}

/// Where text or bytes lie.
#[derive(Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
}

#[derive(Clone, Copy)]
enum Cell {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Decimal(Decimal),
    String(Span),
    Bytes(Span),
    Timestamp(Timestamp),
    Uuid([u8; 16]),
    Ulid([u8; 16]),
    Ref([u8; 16]),
    Json(Span),
}

/// What [`Rows::select`] puts into a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pick {
    /// What a column of the old rows holds.
    Column(usize),
    /// A reference to the row's entity.
    Entity,
}

impl Rows {
    /// No rows yet, of `width` columns each.
    pub fn new(width: usize) -> Self {
        Rows { width, ..Rows::default() }
    }

    /// The number of columns.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// A row, from 0; `None` after the last one.
    #[inline]
    pub fn get(&self, row: usize) -> Option<RowRef<'_>> {
        if row >= self.length {
            return None;
        }
        let start = row.checked_mul(self.width)?;
        let cells = self.cells.get(start..start.checked_add(self.width)?)?;
        Some(RowRef { cells, text: &self.text, bytes: &self.bytes })
    }

    /// The rows in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = RowRef<'_>> {
        (0..self.length).filter_map(|row| self.get(row))
    }

    /// The first row.
    pub fn first(&self) -> Option<RowRef<'_>> {
        self.get(0)
    }

    /// Adds a row: columns that `values` has too few for are null, what it has too much is left out.
    pub fn push<'a>(&mut self, values: impl IntoIterator<Item = ValueRef<'a>>) {
        for value in values.into_iter().take(self.width) {
            self.push_cell(value);
        }
        self.end_row();
    }

    /// Adds the next cell of the row that [`Rows::end_row`] ends.
    pub(crate) fn push_cell(&mut self, value: ValueRef<'_>) {
        let cell = self.cell(value);
        self.cells.push(cell);
    }

    /// Ends a row: cells that it lacks are null.
    pub(crate) fn end_row(&mut self) {
        self.length = self.length.saturating_add(1);
        self.cells.resize(self.length.saturating_mul(self.width), Cell::Null);
    }

    /// Adds a row of nulls, to be filled by [`Rows::set`].
    pub(crate) fn push_nulls(&mut self) {
        self.end_row();
    }

    /// Takes the last row away.
    pub(crate) fn pop(&mut self) {
        self.length = self.length.saturating_sub(1);
        self.cells.truncate(self.length.saturating_mul(self.width));
    }

    /// Keeps only the first rows.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
        self.cells.truncate(self.length.saturating_mul(self.width));
    }

    /// Replaces a value. Without such a row or column nothing happens.
    #[inline]
    pub(crate) fn set(&mut self, row: usize, column: usize, value: ValueRef<'_>) {
        if column < self.width {
            let cell = self.cell(value);
            let at = row.saturating_mul(self.width).saturating_add(column);
            if let Some(old) = self.cells.get_mut(at) {
                *old = cell;
            }
        }
    }

    /// Adds the rows of `more`, of which each has as many columns.
    pub(crate) fn append(&mut self, more: &Rows) {
        for row in more.iter() {
            self.push(row.iter());
        }
    }

    /// Some of the rows, ascending, with some of the columns; all rows where `kept` is `None`. `entity` gives
    /// the entity of a row.
    pub(crate) fn select(
        self,
        kept: Option<&[usize]>,
        picks: &[Pick],
        entity: impl Fn(usize) -> Option<EntityId>,
    ) -> Rows {
        let same =
            picks.len() == self.width && picks.iter().enumerate().all(|(at, pick)| *pick == Pick::Column(at));
        if kept.is_none() && same {
            return self;
        }
        let length = kept.map_or(self.length, <[usize]>::len);
        let mut cells = Vec::with_capacity(length.saturating_mul(picks.len()));
        for at in 0..length {
            let row = kept.map_or(Some(at), |kept| kept.get(at).copied());
            let start = row.unwrap_or(usize::MAX).saturating_mul(self.width);
            let old = self.cells.get(start..start.saturating_add(self.width)).unwrap_or_default();
            cells.extend(picks.iter().map(|pick| match pick {
                Pick::Column(column) => old.get(*column).copied().unwrap_or(Cell::Null),
                Pick::Entity => row.and_then(&entity).map_or(Cell::Null, |id| Cell::Ref(id.to_bytes())),
            }));
        }
        let few = length.saturating_mul(4) < self.length;
        let picked = Rows {
            width: picks.len(),
            length,
            cells,
            text: self.text,
            unread: self.unread,
            bytes: self.bytes,
        };
        if !few {
            return picked;
        }
        // What was left out is let go of.
        let mut compact = Rows::new(picked.width);
        compact.append(&picked);
        compact
    }

    /// The rows as values of their own.
    pub fn to_values(&self) -> Vec<Vec<Value>> {
        self.iter().map(RowRef::to_values).collect()
    }

    #[inline]
    fn cell(&mut self, value: ValueRef<'_>) -> Cell {
        match value {
            ValueRef::Null => Cell::Null,
            ValueRef::Bool(value) => Cell::Bool(value),
            ValueRef::Int(value) => Cell::Int(value),
            ValueRef::Float(value) => Cell::Float(value),
            ValueRef::Decimal(value) => Cell::Decimal(value),
            ValueRef::String(value) => Cell::String(self.keep_text(value)),
            ValueRef::Bytes(value) => {
                let start = self.bytes.len();
                self.bytes.extend_from_slice(value);
                Cell::Bytes(Span { start, end: self.bytes.len() })
            }
            ValueRef::Timestamp(value) => Cell::Timestamp(value),
            ValueRef::Uuid(value) => Cell::Uuid(value.to_ne_bytes()),
            ValueRef::Ulid(value) => Cell::Ulid(value.to_ne_bytes()),
            ValueRef::Ref(value) => Cell::Ref(value.to_bytes()),
            ValueRef::Json(value) => Cell::Json(self.keep_text(value)),
        }
    }

    #[inline]
    fn keep_text(&mut self, text: &str) -> Span {
        if !self.unread.is_empty() {
            return self.keep_unread(text.as_bytes());
        }
        let start = self.text.len();
        self.text.push_str(text);
        Span { start, end: self.text.len() }
    }

    #[inline]
    fn keep_unread(&mut self, bytes: &[u8]) -> Span {
        let start = self.text.len().saturating_add(self.unread.len());
        self.unread.extend_from_slice(bytes);
        Span { start, end: start.saturating_add(bytes.len()) }
    }

    /// Makes room for so many more rows with so many bytes of text.
    pub(crate) fn reserve(&mut self, rows: usize, text: usize) {
        self.cells.reserve(rows.saturating_mul(self.width));
        self.unread.reserve(text);
    }

    /// Replaces a value by a string that [`Rows::settle`] reads together with all others; until then it is empty.
    #[inline]
    pub(crate) fn set_unread(&mut self, row: usize, column: usize, bytes: &[u8]) {
        if column < self.width {
            let cell = Cell::String(self.keep_unread(bytes));
            let at = row.saturating_mul(self.width).saturating_add(column);
            if let Some(old) = self.cells.get_mut(at) {
                *old = cell;
            }
        }
    }

    /// Reads the strings that were put in unread, all at once, which takes a fraction of the time that it takes one
    /// by one.
    ///
    /// # Errors
    /// The first row with a string that is not UTF-8 or contains U+0000.
    pub(crate) fn settle(&mut self) -> Result<(), usize> {
        if self.unread.is_empty() {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.unread);
        let before = self.text.len();
        let has_nul = bytes.contains(&0);
        let read = match String::from_utf8(bytes) {
            Ok(read) => read,
            Err(error) => return Err(self.first_wrong(before, error.as_bytes())),
        };
        if has_nul {
            return Err(self.first_wrong(before, read.as_bytes()));
        }
        if before == 0 {
            self.text = read;
        } else {
            self.text.push_str(&read);
        }
        // All of it is text; so is each string that begins and ends with a character.
        let text = self.text.as_str();
        let wrong = self.cells.iter().position(|cell| match cell {
            Cell::String(span) | Cell::Json(span) => {
                !text.is_char_boundary(span.start) || !text.is_char_boundary(span.end)
            }
            _ => false,
        });
        wrong.map_or(Ok(()), |at| Err(at.checked_div(self.width).unwrap_or(0)))
    }

    /// The first row with a string among `bytes`, which come after the first `before` ones of the text, that is not
    /// text.
    fn first_wrong(&self, before: usize, bytes: &[u8]) -> usize {
        let is_wrong = |cell: &Cell| match cell {
            Cell::String(span) | Cell::Json(span) => span.start.checked_sub(before).is_some_and(|start| {
                let part = bytes.get(start..span.end.saturating_sub(before)).unwrap_or_default();
                part.contains(&0) || std::str::from_utf8(part).is_err()
            }),
            _ => false,
        };
        let at = self.cells.iter().position(is_wrong).unwrap_or(0);
        at.checked_div(self.width).unwrap_or(0)
    }
}

/// A row of [`Rows`].
#[derive(Clone, Copy)]
pub struct RowRef<'a> {
    cells: &'a [Cell],
    text: &'a str,
    bytes: &'a [u8],
}

impl<'a> RowRef<'a> {
    /// The number of columns.
    pub fn len(self) -> usize {
        self.cells.len()
    }

    /// Whether there is no column.
    pub fn is_empty(self) -> bool {
        self.cells.is_empty()
    }

    /// The value of a column, from 0; null where there is no such column.
    #[inline]
    pub fn get(self, column: usize) -> ValueRef<'a> {
        self.cells.get(column).map_or(ValueRef::Null, |cell| self.value(*cell))
    }

    /// The values in order.
    #[inline]
    pub fn iter(self) -> impl ExactSizeIterator<Item = ValueRef<'a>> {
        self.cells.iter().map(move |cell| self.value(*cell))
    }

    /// The values with text and bytes of their own.
    pub fn to_values(self) -> Vec<Value> {
        self.iter().map(ValueRef::to_value).collect()
    }

    #[inline]
    fn value(self, cell: Cell) -> ValueRef<'a> {
        // Each span was made when its text was put there.
        let text = |span: Span| self.text.get(span.start..span.end).unwrap_or_default();
        match cell {
            Cell::Null => ValueRef::Null,
            Cell::Bool(value) => ValueRef::Bool(value),
            Cell::Int(value) => ValueRef::Int(value),
            Cell::Float(value) => ValueRef::Float(value),
            Cell::Decimal(value) => ValueRef::Decimal(value),
            Cell::String(span) => ValueRef::String(text(span)),
            Cell::Bytes(span) => ValueRef::Bytes(self.bytes.get(span.start..span.end).unwrap_or_default()),
            Cell::Timestamp(value) => ValueRef::Timestamp(value),
            Cell::Uuid(value) => ValueRef::Uuid(u128::from_ne_bytes(value)),
            Cell::Ulid(value) => ValueRef::Ulid(u128::from_ne_bytes(value)),
            Cell::Ref(value) => ValueRef::Ref(EntityId(OpId::from_bytes(value))),
            Cell::Json(span) => ValueRef::Json(text(span)),
        }
    }
}

impl fmt::Debug for RowRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl PartialEq for RowRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().zip(other.iter()).all(|(a, b)| a.compare(b).is_eq())
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl PartialEq for Rows {
    fn eq(&self, other: &Self) -> bool {
        self.width == other.width && self.length == other.length && self.iter().eq(other.iter())
    }
}

impl From<Vec<Vec<Value>>> for Rows {
    /// Rows as wide as the first one; see [`Rows::push`].
    fn from(rows: Vec<Vec<Value>>) -> Self {
        rows.into_iter().collect()
    }
}

impl FromIterator<Vec<Value>> for Rows {
    /// Rows as wide as the first one; see [`Rows::push`].
    fn from_iter<T: IntoIterator<Item = Vec<Value>>>(rows: T) -> Self {
        let mut rows = rows.into_iter().peekable();
        let mut collected = Rows::new(rows.peek().map_or(0, Vec::len));
        rows.for_each(|row| collected.push(row.iter().map(Value::as_ref)));
        collected
    }
}

/// The rows of [`Rows`] as values of their own.
#[derive(Debug)]
pub struct IntoIter {
    rows: Rows,
    next: usize,
}

impl Iterator for IntoIter {
    type Item = Vec<Value>;

    fn next(&mut self) -> Option<Vec<Value>> {
        let row = self.rows.get(self.next)?.to_values();
        self.next = self.next.saturating_add(1);
        Some(row)
    }
}

impl IntoIterator for Rows {
    type Item = Vec<Value>;
    type IntoIter = IntoIter;

    fn into_iter(self) -> IntoIter {
        IntoIter { rows: self, next: 0 }
    }
}

impl Serialize for Rows {
    /// As a sequence of rows, each a sequence of values.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.to_values())
    }
}

impl<'de> Deserialize<'de> for Rows {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rows = Vec::<Vec<Value>>::deserialize(deserializer)?;
        let width = rows.first().map_or(0, Vec::len);
        match rows.iter().find(|row| row.len() != width) {
            Some(row) => Err(serde::de::Error::invalid_length(row.len(), &"rows of one width")),
            None => Ok(rows.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::value::testing::any_value;

    fn table() -> impl Strategy<Value = Vec<Vec<Value>>> {
        (0..4_usize).prop_flat_map(|width| {
            proptest::collection::vec(proptest::collection::vec(any_value(), width), 0..12)
        })
    }

    proptest! {
        #[test]
        fn gives_back_what_was_put_in(table in table()) {
            let rows = Rows::from(table.clone());
            prop_assert_eq!(rows.len(), table.len());
            prop_assert_eq!(rows.to_values(), table.as_slice());
            let listed: Vec<_> = rows.clone().into_iter().collect();
            prop_assert_eq!(listed.as_slice(), table.as_slice());
            prop_assert!(rows == rows.clone() && (table.is_empty() || rows != Rows::new(rows.width())));
            let bytes = postcard::to_stdvec(&rows).unwrap();
            prop_assert_eq!(&bytes, &postcard::to_stdvec(&table).unwrap());
            prop_assert_eq!(postcard::from_bytes::<Rows>(&bytes).unwrap(), rows);
        }

        #[test]
        fn selects_rows_and_columns(
            table in table(), keep in proptest::collection::vec(any::<bool>(), 12), picks in proptest::collection::vec(0..5_usize, 0..4),
        ) {
            let kept: Vec<usize> = (0..table.len()).filter(|row| keep[*row]).collect();
            let id = |row: usize| EntityId(OpId::from_bits(row as u128));
            let pick = |column: &usize| if *column == 4 { Pick::Entity } else { Pick::Column(*column) };
            let picks: Vec<Pick> = picks.iter().map(pick).collect();
            let of = |row: usize| picks.iter().map(|pick| match pick {
                Pick::Entity => Value::Ref(id(row)),
                Pick::Column(column) => table[row].get(*column).cloned().unwrap_or(Value::Null),
            }).collect::<Vec<_>>();
            let selected = Rows::from(table.clone()).select(Some(&kept), &picks, |row| Some(id(row)));
            prop_assert_eq!(selected.to_values(), kept.iter().map(|row| of(*row)).collect::<Vec<_>>());
            let all = Rows::from(table.clone()).select(None, &picks, |row| Some(id(row)));
            prop_assert_eq!(all.to_values(), (0..table.len()).map(of).collect::<Vec<_>>());
        }
    }

    #[test]
    fn strings_are_read_together() {
        let check = |strings: &[&[u8]], wrong: Option<usize>| {
            let mut rows = Rows::new(2);
            rows.push([ValueRef::String("before"), ValueRef::Int(1)]);
            for (row, bytes) in (1..).zip(strings) {
                rows.push_nulls();
                rows.set_unread(row, 1, bytes);
                rows.set(row, 0, ValueRef::String("ü"));
            }
            assert_eq!(rows.settle().err(), wrong, "{strings:?}");
            if wrong.is_none() {
                let text = |text: &str| Value::String(text.into());
                let row = |bytes: &&[u8]| vec![text("ü"), text(std::str::from_utf8(bytes).unwrap())];
                let mut expected = vec![vec![text("before"), Value::Int(1)]];
                expected.extend(strings.iter().map(row));
                assert_eq!(rows.to_values(), expected);
            }
        };
        check(&[], None);
        check(&[b"", b"a", "\u{1f600}é".as_bytes()], None);
        check(&[b"a", b"b\0", b"\xff"], Some(2));
        check(&[b"a", b"b", b"\xff"], Some(3));
        // Together these are text, but not each of them.
        check(&[b"\xc3", b"\xa9"], Some(1));
        check(&[b"a\xc3"], Some(1));
    }

    #[test]
    fn rows_of_another_width_are_filled_or_cut() {
        let one = || Value::Int(1).as_ref().to_value();
        let rows = Rows::from(vec![vec![one(), one()], vec![one()], vec![one(), one(), one()]]);
        assert_eq!(rows.to_values(), [vec![one(), one()], vec![one(), Value::Null], vec![one(), one()]]);
        assert!(postcard::from_bytes::<Rows>(&postcard::to_stdvec(&[vec![one()], vec![]]).unwrap()).is_err());
    }

    #[test]
    fn rows_are_built_cell_by_cell() {
        let mut rows = Rows::new(2);
        rows.push_nulls();
        rows.set(0, 1, ValueRef::String("b"));
        rows.set(0, 2, ValueRef::Int(1));
        rows.set(1, 0, ValueRef::Int(1));
        rows.push([ValueRef::Int(1), ValueRef::Null]);
        rows.pop();
        rows.push([ValueRef::Int(2), ValueRef::Json("{}")]);
        rows.push([]);
        rows.truncate(2);
        let text = |text: &str| Value::String(text.into());
        let expected = [vec![Value::Null, text("b")], vec![Value::Int(2), Value::Json("{}".into())]];
        assert_eq!(rows.to_values(), expected);
        assert_eq!(rows.get(2), None);
        assert_eq!(format!("{:?}", rows.first().unwrap()), r#"[Null, String("b")]"#);
    }
}
