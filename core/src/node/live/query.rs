//! A query whose result is kept right.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use super::change::LiveChange;
use super::diff::{diff, number};
use super::index::Found;
use super::question::{LiveQuestion, Meaning, Rowing, Shape};
use super::queue::Queue;
use super::ranked::Ranked;
use super::row::{Key, Row};
use crate::id::EntityId;
use crate::node::protocol::Failure;
use crate::query::expr::Expr;
use crate::query::{BoundSelect, compare_order_values};
use crate::storage::Position;
use crate::value::{Rows, Value};

/// A query, its result and who observes it.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) question: LiveQuestion,
    pub(super) meaning: Meaning,
    pub(super) shape: Arc<Shape>,
    pub(super) filter: Option<Expr>,
    /// Whether a change of an entity is told from the entity alone.
    pub(super) row_by_row: bool,
    /// What it is found by when an entity changed.
    pub(super) found: Option<Found>,
    /// Since when the rows are as they are.
    pub(super) position: Position,
    rows: Ranked<Arc<Row>>,
    /// The rows by their entities, where they are not in the order of those.
    members: HashMap<EntityId, Arc<Row>>,
    /// Why there is no result at the position; the rows are then those from before.
    pub(super) broken: Option<Arc<Failure>>,
    /// It means something else than before, and its rows are still to be read.
    pub(super) pending: bool,
    /// By number, ascending.
    pub(super) subscribers: Vec<(u64, Arc<Queue>)>,
    pub(super) notifications: u64,
}

/// What came of running a query again.
#[derive(Debug)]
pub(super) enum Outcome {
    Same,
    Changed(Vec<LiveChange>),
    /// So much changed that all rows are told.
    Anew,
}

impl Query {
    pub(super) fn new(
        question: LiveQuestion,
        shape: Arc<Shape>,
        filter: Option<Expr>,
        position: Position,
    ) -> Self {
        let meaning = shape.meaning.with_filter(filter.as_ref());
        let row_by_row = shape.row_by_row && !filter.as_ref().is_some_and(Expr::can_fail);
        let mut query = Query {
            question,
            meaning,
            shape,
            filter,
            row_by_row,
            found: None,
            position,
            rows: Ranked::default(),
            members: HashMap::new(),
            broken: None,
            pending: false,
            subscribers: Vec::new(),
            notifications: 0,
        };
        query.found = Found::of(&query);
        query
    }

    /// The entities of the rows.
    pub(super) fn entities(&self) -> impl Iterator<Item = EntityId> {
        self.rows.iter().filter_map(|row| row.entity())
    }

    /// What is run for the whole result.
    pub(super) fn keyed(&self) -> BoundSelect {
        self.shape.keyed(self.filter.as_ref())
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// All rows.
    pub(super) fn all(&self) -> Rows {
        let mut rows = Rows::new(self.shape.select.columns().len());
        for row in self.rows.iter() {
            rows.push(row.values.iter().map(Value::as_ref));
        }
        rows
    }

    /// Whether the order of the rows is another than that of the ids.
    fn is_ordered(&self) -> bool {
        !self.shape.select.order.is_empty()
    }

    /// The rows of [`Query::keyed`] as rows of the result.
    pub(super) fn rows_of(&self, found: Vec<Vec<Value>>) -> Vec<Arc<Row>> {
        let width = self.shape.select.columns().len();
        let mut rows = Vec::with_capacity(found.len());
        for (at, mut values) in found.into_iter().enumerate() {
            let mut rest = values.split_off(width.min(values.len()));
            let key = match self.shape.rowing {
                Rowing::Entities => match rest.first() {
                    Some(Value::Ref(id)) => {
                        let id = *id;
                        rest.remove(0);
                        Key::Entity(id)
                    }
                    _ => Key::Number(number(at)),
                },
                Rowing::Groups(_) => Key::Values(std::mem::take(&mut rest).into()),
                Rowing::Distinct => Key::Values(values.clone().into()),
                Rowing::None => Key::Number(number(at)),
            };
            rows.push(Arc::new(Row { key, order: rest.into(), values: values.into() }));
        }
        rows
    }

    /// Makes these the rows.
    pub(super) fn fill(&mut self, rows: Vec<Arc<Row>>) {
        self.members = HashMap::new();
        if self.row_by_row && self.is_ordered() {
            self.members = rows.iter().filter_map(|row| Some((row.entity()?, Arc::clone(row)))).collect();
        }
        self.rows = rows.into_iter().collect();
    }

    /// Takes in what the query gives now.
    pub(super) fn refresh(&mut self, rows: Vec<Arc<Row>>) -> Outcome {
        let well = self.broken.take().is_none() && !std::mem::take(&mut self.pending);
        let outcome = match well.then(|| diff(&self.rows, &rows)).flatten() {
            Some(changes) if changes.is_empty() => Outcome::Same,
            Some(changes) => Outcome::Changed(changes),
            None => Outcome::Anew,
        };
        if !matches!(outcome, Outcome::Same) {
            self.fill(rows);
        }
        outcome
    }

    /// Takes in what became of an entity: its row now, or that it is in the result no more.
    pub(super) fn put(&mut self, entity: EntityId, row: Option<Row>) -> Option<LiveChange> {
        let old = self.rank(entity);
        match (old, row) {
            (None, None) => None,
            (Some(at), None) => {
                self.rows.remove(at);
                self.members.remove(&entity);
                Some(LiveChange::Leave { at: number(at) })
            }
            (None, Some(row)) => {
                let at = self.insert(entity, row)?;
                let values = self.rows.get(at)?.values.to_vec();
                Some(LiveChange::Enter { at: number(at), row: values })
            }
            (Some(from), Some(row)) => {
                let before = self.rows.get(from)?;
                let same_values = before.values == row.values;
                if before.order == row.order {
                    if same_values {
                        return None;
                    }
                    let values = row.values.to_vec();
                    let row = Arc::new(row);
                    if self.is_ordered() {
                        self.members.insert(entity, Arc::clone(&row));
                    }
                    self.rows.replace(from, row);
                    return Some(LiveChange::Update { at: number(from), row: values });
                }
                self.rows.remove(from);
                let to = self.insert(entity, row)?;
                let values = self.rows.get(to)?.values.to_vec();
                match (from == to, same_values) {
                    (true, true) => None,
                    (true, false) => Some(LiveChange::Update { at: number(to), row: values }),
                    (false, _) => Some(LiveChange::Move { from: number(from), to: number(to), row: values }),
                }
            }
        }
    }

    /// The place of an entity's row.
    fn rank(&self, entity: EntityId) -> Option<usize> {
        if self.is_ordered() {
            let row = self.members.get(&entity)?;
            self.search(entity, row).ok()
        } else {
            self.rows.search(|row| row.entity().cmp(&Some(entity))).ok()
        }
    }

    fn search(&self, entity: EntityId, row: &Row) -> Result<usize, usize> {
        let order = &self.shape.select.order;
        self.rows.search(|known| match compare_order_values(order, &known.order, &row.order) {
            Ordering::Equal => known.entity().cmp(&Some(entity)),
            other => other,
        })
    }

    /// Puts a row that is not there in its place.
    fn insert(&mut self, entity: EntityId, row: Row) -> Option<usize> {
        let at = self.search(entity, &row).err()?;
        let row = Arc::new(row);
        if self.is_ordered() {
            self.members.insert(entity, Arc::clone(&row));
        }
        self.rows.insert(at, row);
        Some(at)
    }
}

impl Row {
    pub(super) fn entity(&self) -> Option<EntityId> {
        match &self.key {
            Key::Entity(entity) => Some(*entity),
            Key::Values(_) | Key::Number(_) => None,
        }
    }
}
