//! A result, and what it is kept right with.

use std::sync::Arc;

use super::diff::{diff, number};
use super::kept::{Kept, Told};
use super::parts::Parts;
use super::row::{Key, Ordered, Part, Row};
use super::shape::{Rowing, Shape};
use crate::id::EntityId;
use crate::query::EvalError;
use crate::value::{Rows, Value};

/// Where several rows change at once in a window of at most so many, what is told is what differs in the end.
const COMPARED: usize = 1_024;

/// The rows of a query.
#[derive(Debug, Default)]
pub(super) struct State {
    kept: Kept,
    /// What the rows stand for, where that is more than one entity.
    parts: Option<Box<Parts>>,
    /// Whether changes of entities can be taken in; otherwise the query is run again.
    pub(super) keeps: bool,
}

/// What changes came to.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The changes of the rows that are shown, and which entities are kept from now on or no longer.
    Told(Told),
    /// So much changed that all rows are told.
    Anew(Moved),
}

/// Entities that are kept from now on, or no longer.
pub(super) type Moved = Vec<(EntityId, bool)>;

/// What changed cannot be taken in: the query is to be run again. What is kept may be of no use any more, but for the
/// rows that are shown.
#[derive(Debug)]
pub(super) struct RunAgain(pub(super) Moved);

impl State {
    /// The rows that follow from what entities contribute: all entities, or, where only the first rows are asked for and
    /// each is an entity, the first `asked` of them in their order.
    pub(super) fn of_parts(
        shape: &Shape,
        found: Vec<Vec<Value>>,
        asked: Option<usize>,
    ) -> Result<Self, EvalError> {
        let select = &shape.select;
        let complete = asked.is_none_or(|asked| found.len() < asked);
        let found = found.into_iter().filter_map(|row| part_of(shape, row));
        if shape.rowing == Rowing::Entities {
            let rows = found.map(|(entity, part)| Arc::new(row_of(entity, part))).collect();
            let kept = Kept::new(rows, shape.window, complete, shape.by_key());
            return Ok(State { kept, parts: None, keeps: true });
        }
        let mut parts = Parts::default();
        parts.take(select, found.map(|(entity, part)| (entity, Some(part))).collect())?;
        let mut rows = Vec::new();
        for key in parts.keys(select) {
            rows.extend(parts.row(select, &key)?.map(Arc::new));
        }
        rows.sort_by(|a, b| a.compare(&select.order, b));
        let kept = Kept::new(rows, shape.window, true, shape.by_key());
        Ok(State { kept, parts: Some(Box::new(parts)), keeps: true })
    }

    /// The rows that the query gives, [`Shape::exact`], of which nothing more is known.
    pub(super) fn of_rows(shape: &Shape, found: Vec<Vec<Value>>) -> Self {
        let width = shape.width();
        let mut rows = Vec::with_capacity(found.len());
        for (at, mut values) in found.into_iter().enumerate() {
            let rest = values.split_off(width.min(values.len()));
            let key = match (shape.rowing, rest.first()) {
                (Rowing::Entities, Some(Value::Ref(id))) => Key::Entity(*id),
                (Rowing::Groups(_), _) => Key::Values(rest.into()),
                (Rowing::Distinct, _) => Key::Values(values.clone().into()),
                (Rowing::Entities | Rowing::None, _) => Key::Number(number(at)),
            };
            rows.push(Arc::new(Row { key, first: None, order: Ordered::default(), values: values.into() }));
        }
        State { kept: Kept::shown_only(rows), parts: None, keeps: false }
    }

    /// How many rows are shown.
    pub(super) fn len(&self) -> usize {
        self.kept.shown_len()
    }

    /// How many entities are kept.
    pub(super) fn size(&self) -> usize {
        self.parts.as_ref().map_or(self.kept.len(), |parts| parts.len())
    }

    /// Whether rows stand for several entities.
    pub(super) fn is_joined(&self) -> bool {
        self.parts.is_some()
    }

    /// The entities that the rows stand for.
    pub(super) fn entities(&self) -> Box<dyn Iterator<Item = EntityId> + '_> {
        match &self.parts {
            Some(parts) => Box::new(parts.entities()),
            None => Box::new(self.kept.rows().filter_map(|row| row.entity())),
        }
    }

    /// A copy of the rows alone, which costs little.
    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot(self.kept.snapshot())
    }

    /// The changes from the rows of another state to these.
    pub(super) fn changes_from(&self, old: &State) -> Outcome {
        let rows = |state: &State| state.kept.shown().cloned().collect::<Vec<_>>();
        match diff(&rows(old), &rows(self)) {
            Some(changes) => Outcome::Told(Told { changes, moved: Vec::new() }),
            None => Outcome::Anew(Vec::new()),
        }
    }

    /// Takes in what entities contribute now.
    pub(super) fn take(
        &mut self,
        shape: &Shape,
        changed: Vec<(EntityId, Option<Part>)>,
    ) -> Result<Outcome, RunAgain> {
        let order = &shape.select.order;
        let (mut rows, moved) = self.rows_of(shape, changed)?;
        // What goes makes room first, so that nothing moves out of its way.
        rows.sort_by_key(|(_, row)| row.is_some());
        if self.kept.runs_dry(order, rows.iter().map(|(key, row)| (key, row.as_ref()))) {
            return Err(RunAgain(moved));
        }
        let window = self.kept.window.limit.is_some_and(|limit| limit <= COMPARED);
        let before: Option<Vec<Arc<Row>>> =
            (rows.len() > 1 && window).then(|| self.kept.shown().cloned().collect());
        let mut told = Told { changes: Vec::new(), moved };
        for (key, row) in rows {
            self.kept.put(order, &key, row, &mut told);
        }
        if let Some(before) = before {
            let after: Vec<Arc<Row>> = self.kept.shown().cloned().collect();
            match diff(&before, &after) {
                Some(changes) => told.changes = changes,
                None => return Ok(Outcome::Anew(told.moved)),
            }
        }
        Ok(Outcome::Told(told))
    }

    /// What becomes of rows where entities contribute something else.
    #[expect(clippy::type_complexity, reason = "rows by their keys, and entities")]
    fn rows_of(
        &mut self,
        shape: &Shape,
        changed: Vec<(EntityId, Option<Part>)>,
    ) -> Result<(Vec<(Key, Option<Row>)>, Moved), RunAgain> {
        let Some(parts) = &mut self.parts else {
            let row = |(entity, part): (EntityId, Option<Part>)| {
                (Key::Entity(entity), part.map(|part| row_of(entity, part)))
            };
            return Ok((changed.into_iter().map(row).collect(), Vec::new()));
        };
        let before: Moved = changed.iter().map(|(entity, _)| (*entity, parts.has(*entity))).collect();
        let taken = parts.take(&shape.select, changed);
        let moved = before.into_iter().filter(|(entity, held)| parts.has(*entity) != *held);
        let moved: Moved = moved.map(|(entity, held)| (entity, !held)).collect();
        let row = |key| Ok((Key::Values(Arc::clone(&key)), parts.row(&shape.select, &key)?));
        let rows = taken.and_then(|keys| keys.into_iter().map(row).collect::<Result<Vec<_>, EvalError>>());
        // What the failure is, and whether it is one, is known when the query is run.
        match rows {
            Ok(rows) => Ok((rows, moved)),
            Err(_) => Err(RunAgain(moved)),
        }
    }
}

/// The rows of a state as they were when it was taken.
#[derive(Debug)]
pub(super) struct Snapshot(Kept);

impl Snapshot {
    /// All rows that are shown.
    pub(super) fn rows(&self, width: usize) -> Rows {
        let mut rows = Rows::new(width);
        for row in self.0.shown() {
            rows.push(row.values.iter().map(Value::as_ref));
        }
        rows
    }
}

/// A row of [`Shape::parts`] as an entity and what it contributes.
pub(super) fn part_of(shape: &Shape, mut row: Vec<Value>) -> Option<(EntityId, Part)> {
    let Some(Value::Ref(entity)) = row.pop() else { return None };
    let width = match shape.rowing {
        Rowing::Groups(_) => shape.select.input.slots.len(),
        Rowing::Entities | Rowing::Distinct | Rowing::None => shape.width(),
    };
    let order = row.split_off(width.min(row.len()));
    Some((entity, Part { values: row, order }))
}

fn row_of(entity: EntityId, part: Part) -> Row {
    Row { key: Key::Entity(entity), first: None, order: part.order.into(), values: part.values.into() }
}
