//! All maintained results of a node.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Weak};
use std::task::Waker;

use super::index::{Found, Index, Numbers};
use super::query::{Query, Standing};
use super::question::{LiveQuestion, Meaning};
use super::queue::{News, Queue};
use super::rate::Counter;
use super::shape::Shape;
use crate::id::{EntityId, ModelId};
use crate::node::protocol::Failure;
use crate::query::BoundSelect;
use crate::storage::Position;

/// The live queries, and how far they are.
#[derive(Debug, Default)]
pub(super) struct Registry {
    queries: BTreeMap<u64, Box<Query>>,
    meanings: HashMap<Meaning, u64>,
    shapes: HashMap<Meaning, Weak<Shape>>,
    /// The queries that changes of the entities of a model may concern.
    models: HashMap<ModelId, Index>,
    /// The indexed queries that an entity is in.
    members: HashMap<EntityId, Numbers>,
    /// Queries that cannot take changes in: they are run again when an entity of one of their models changed.
    stale: BTreeSet<u64>,
    /// Queries that any change may make well: the store failed, or their rows are still to be read.
    unwell: BTreeSet<u64>,
    next: u64,
    /// Every change up to here is in the results of the queries that are not behind.
    position: Position,
    /// Where the step that is being taken ends.
    until: Position,
    /// Queries that joined behind the others; the next step begins where the first of them is.
    late: BTreeSet<u64>,
    /// Those of them that the step which is being taken catches up with.
    catching_up: BTreeSet<u64>,
    /// The catalog that every query is bound in, no older.
    catalog: Position,
    /// The catalog of the step that is being taken.
    catalog_until: Position,
    /// Whether a query joined with an older catalog.
    catalog_late: bool,
    /// Whether the task runs.
    running: bool,
    /// Entities that were looked at because a query is found by nothing.
    pub(super) looks: Counter,
    /// Queries that were run again.
    pub(super) runs: Counter,
}

/// Where a step begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub(super) from: Position,
    /// Whether the queries are to be bound again.
    pub(super) rebind: bool,
}

impl Registry {
    pub(super) fn len(&self) -> usize {
        self.queries.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queries.is_empty()
    }

    pub(super) fn position(&self) -> Position {
        self.position
    }

    pub(super) fn is_behind(&self) -> bool {
        !self.late.is_empty() || self.catalog_late
    }

    /// A query that is not there yet, without its rows.
    pub(super) fn prepare(
        &mut self,
        question: LiveQuestion,
        mut select: BoundSelect,
        position: Position,
    ) -> Query {
        let filter = select.filter.take();
        let meaning = Meaning::of_shape(&select);
        let shape = match self.shapes.get(&meaning).and_then(Weak::upgrade) {
            Some(shape) => shape,
            None => {
                if self.shapes.len() > self.queries.len().saturating_add(16).saturating_mul(2) {
                    self.shapes.retain(|_, shape| shape.strong_count() > 0);
                }
                let shape = Arc::new(Shape::new(select, meaning));
                self.shapes.insert(meaning, Arc::downgrade(&shape));
                shape
            }
        };
        Query::new(question, shape, filter, position)
    }

    pub(super) fn find(&self, meaning: Meaning) -> Option<u64> {
        self.meanings.get(&meaning).copied()
    }

    pub(super) fn get(&self, query: u64) -> Option<&Query> {
        self.queries.get(&query).map(AsRef::as_ref)
    }

    pub(super) fn get_mut(&mut self, query: u64) -> Option<&mut Query> {
        self.queries.get_mut(&query).map(AsMut::as_mut)
    }

    pub(super) fn queries(&self) -> impl Iterator<Item = &Query> {
        self.queries.values().map(AsRef::as_ref)
    }

    pub(super) fn numbers(&self) -> Vec<u64> {
        self.queries.keys().copied().collect()
    }

    /// Adds a query that was bound in a catalog. Its rows are as of its position.
    pub(super) fn add(&mut self, mut query: Query, catalog: Position) -> u64 {
        let number = self.next;
        self.next = self.next.saturating_add(1);
        if self.queries.is_empty() {
            // What was before concerns nobody. A step may be under way all the same.
            self.position = self.position.max(query.position);
            self.catalog = self.catalog.max(catalog);
        }
        if query.position < self.position.max(self.until) {
            query.standing = Standing::Behind;
            self.late.insert(number);
        }
        self.catalog_late |= catalog < self.catalog.max(self.catalog_until);
        self.meanings.insert(query.meaning, number);
        self.queries.insert(number, Box::new(query));
        self.attach(number);
        number
    }

    /// Makes changes find the query.
    fn attach(&mut self, number: u64) {
        let Some(query) = self.queries.get(&number) else { return };
        let own = query.shape.select.model().map(|model| model.id);
        let by = Found::of(query);
        for model in query.shape.models.iter().filter(|_| query.shape.keeps) {
            // What references lead to concerns it in ways that no index tells.
            let found = by.as_ref().filter(|_| own == Some(*model));
            self.models.entry(*model).or_default().add(number, query, found);
        }
        self.enlist(number);
        self.settle(number);
    }

    /// Notes whether a query takes changes in.
    pub(super) fn settle(&mut self, number: u64) {
        match self.queries.get(&number) {
            Some(query) if !query.takes_changes() => self.stale.insert(number),
            _ => self.stale.remove(&number),
        };
    }

    /// The queries that are run again when an entity of one of these models changed.
    pub(super) fn stale<'a>(&'a self, models: &'a BTreeSet<ModelId>) -> impl Iterator<Item = u64> + 'a {
        let concerns = |query: &Query| !query.shape.models.is_disjoint(models);
        self.stale.iter().copied().filter(move |number| self.get(*number).is_some_and(concerns))
    }

    /// Notes which entities an indexed query holds.
    pub(super) fn enlist(&mut self, number: u64) {
        let Some(query) = self.queries.get(&number).filter(|query| query.is_found) else { return };
        for entity in query.state.entities() {
            Numbers::add(&mut self.members, entity, number);
        }
    }

    /// Undoes [`Registry::enlist`].
    pub(super) fn discharge(&mut self, number: u64) {
        let Some(query) = self.queries.get(&number).filter(|query| query.is_found) else { return };
        for entity in query.state.entities() {
            Numbers::remove(&mut self.members, &entity, number);
        }
    }

    /// Notes that an indexed query holds an entity from now on, or no longer.
    pub(super) fn note(&mut self, number: u64, entity: EntityId, holds: bool) {
        if holds {
            Numbers::add(&mut self.members, entity, number);
        } else {
            Numbers::remove(&mut self.members, &entity, number);
        }
    }

    /// Undoes [`Registry::attach`].
    fn detach(&mut self, number: u64) {
        self.discharge(number);
        let Some(query) = self.queries.get(&number) else { return };
        let own = query.shape.select.model().map(|model| model.id);
        let by = Found::of(query);
        for model in query.shape.models.iter().filter(|_| query.shape.keeps) {
            let found = by.as_ref().filter(|_| own == Some(*model));
            let empty = self.models.get_mut(model).is_some_and(|index| {
                index.remove(number, query, found);
                index.is_empty()
            });
            if empty {
                self.models.remove(model);
            }
        }
        self.unwell.remove(&number);
        self.stale.remove(&number);
        self.late.remove(&number);
        self.catching_up.remove(&number);
        if self.meanings.get(&query.meaning) == Some(&number) {
            self.meanings.remove(&query.meaning);
        }
    }

    /// Gives a query another meaning: it keeps its subscribers.
    pub(super) fn rebind(&mut self, number: u64, select: BoundSelect) {
        self.detach(number);
        let Some(old) = self.queries.remove(&number) else { return };
        let mut query = self.prepare(old.question, select, old.position);
        query.subscribers = old.subscribers;
        query.notified = old.notified;
        query.last_failure = old.last_failure;
        query.standing = Standing::Unread;
        self.meanings.entry(query.meaning).or_insert(number);
        self.queries.insert(number, Box::new(query));
        self.attach(number);
        self.unwell.insert(number);
    }

    /// Takes a query its meaning: it fails until it has one again, and keeps its subscribers.
    pub(super) fn suspend(
        &mut self,
        number: u64,
        failure: Box<Failure>,
        position: Position,
        nanos: u64,
        wakers: &mut Vec<Waker>,
    ) {
        if self.get(number).is_some_and(|query| query.broken.as_deref() == Some(&*failure)) {
            return;
        }
        self.rebind(number, Shape::nothing());
        self.unwell.remove(&number);
        if let Some(query) = self.get_mut(number) {
            query.position = query.position.max(position);
            query.break_with(failure, position, nanos, wakers);
        }
    }

    pub(super) fn remove(&mut self, number: u64) -> Option<Box<Query>> {
        self.detach(number);
        self.queries.remove(&number)
    }

    /// Adds a subscriber and gives its number.
    pub(super) fn join(&mut self, query: u64, queue: &Arc<Queue>) -> u64 {
        let number = self.next;
        self.next = self.next.saturating_add(1);
        if let Some(query) = self.get_mut(query) {
            if query.subscribers.is_empty() {
                // Most have one.
                query.subscribers.reserve_exact(1);
            }
            query.subscribers.push((number, Arc::clone(queue)));
        }
        number
    }

    /// Takes a subscriber away; gives the query where it was its last one.
    pub(super) fn leave(&mut self, number: u64, subscriber: u64) -> Option<Box<Query>> {
        let query = self.get_mut(number)?;
        if let Ok(at) = query.subscribers.binary_search_by_key(&subscriber, |(known, _)| *known) {
            query.subscribers.remove(at);
        }
        if query.subscribers.is_empty() { self.remove(number) } else { None }
    }

    /// The position that a query's rows are known to be right at; `None` where they are right nowhere yet.
    pub(super) fn known_at(&self, query: &Query) -> Option<Position> {
        match query.standing {
            Standing::Right => Some(query.position.max(self.position)),
            Standing::Behind | Standing::Unread => None,
        }
    }

    /// The queries that changes of entities of a model may concern.
    pub(super) fn index(&self, model: ModelId) -> Option<&Index> {
        self.models.get(&model)
    }

    /// The indexed queries that an entity was in.
    pub(super) fn holders(&self, entity: EntityId) -> impl Iterator<Item = u64> {
        self.members.get(&entity).into_iter().flat_map(Numbers::iter)
    }

    /// Queries that any change may make well.
    pub(super) fn unwell(&self) -> impl Iterator<Item = u64> {
        self.unwell.iter().copied()
    }

    /// Says whether any change may make a query well.
    pub(super) fn set_unwell(&mut self, query: u64, unwell: bool) {
        if unwell {
            self.unwell.insert(query);
        } else {
            self.unwell.remove(&query);
        }
    }

    /// Begins a step that ends at a position with a catalog; `None` where there is no query. Should the step be given
    /// up, the next one begins where this one did.
    pub(super) fn begin(&mut self, until: Position, catalog: Position) -> Option<Stretch> {
        if self.queries.is_empty() {
            return None;
        }
        // Those of a step that was given up are still among them.
        self.catching_up.append(&mut self.late);
        let behind = self.catching_up.iter().filter_map(|number| self.queries.get(number));
        let from = behind.map(|query| query.position).fold(self.position, Position::min);
        self.until = until;
        let rebind = std::mem::take(&mut self.catalog_late) || catalog > self.catalog;
        if rebind {
            // Should the step be given up, the next one binds again.
            self.catalog = Position(0);
        }
        self.catalog_until = catalog;
        Some(Stretch { from, rebind })
    }

    /// Ends a step. Those who asked for what was behind are given its rows now.
    pub(super) fn finish(&mut self, nanos: u64, wakers: &mut Vec<Waker>) {
        self.position = self.position.max(self.until);
        self.catalog = self.catalog_until;
        for number in std::mem::take(&mut self.catching_up) {
            if let Some(query) = self.queries.get_mut(&number).filter(|query| query.is_behind()) {
                query.standing = Standing::Right;
                query.position = self.position;
                query.tell_all_rows(nanos, wakers);
            }
        }
    }

    /// Says that the task runs; gives whether it did not before.
    pub(super) fn start(&mut self) -> bool {
        !std::mem::replace(&mut self.running, true)
    }

    /// Says that the task ends, if there is nothing left to do. Gives whether it does.
    pub(super) fn stop(&mut self) -> bool {
        if self.queries.is_empty() {
            self.running = false;
        }
        self.queries.is_empty()
    }

    /// Ends a query and its subscribers with a failure.
    pub(super) fn end(&mut self, number: u64, failure: &Failure, wakers: &mut Vec<Waker>) {
        if let Some(query) = self.remove(number) {
            wakers.extend(query.subscribers.iter().filter_map(|(_, queue)| queue.end(failure)));
        }
    }

    /// Ends all queries.
    pub(super) fn end_all(&mut self, failure: &Failure) -> Vec<Waker> {
        let mut wakers = Vec::new();
        for number in self.numbers() {
            self.end(number, failure, &mut wakers);
        }
        wakers
    }
}

impl Query {
    /// Whether it still lacks what changed before it joined.
    pub(super) fn is_behind(&self) -> bool {
        self.standing == Standing::Behind
    }

    /// Tells all subscribers, at a time in nanoseconds. Those of a query that is behind have nothing yet that it could
    /// be a change of.
    pub(super) fn tell(&mut self, news: &News, nanos: u64, wakers: &mut Vec<Waker>) {
        if self.standing != Standing::Right {
            return;
        }
        self.count(nanos);
        wakers.extend(self.subscribers.iter().filter_map(|(_, queue)| queue.push(news)));
    }

    /// Has all subscribers take the rows anew.
    pub(super) fn tell_all_rows(&mut self, nanos: u64, wakers: &mut Vec<Waker>) {
        self.count(nanos);
        wakers.extend(self.subscribers.iter().filter_map(|(_, queue)| queue.reset()));
    }

    fn count(&mut self, nanos: u64) {
        self.notified.count(1, nanos);
    }

    /// Notes that there is no result at a position, and tells it where that or the reason is new.
    pub(super) fn break_with(
        &mut self,
        failure: Box<Failure>,
        position: Position,
        nanos: u64,
        wakers: &mut Vec<Waker>,
    ) {
        let failure: Arc<Failure> = Arc::from(failure);
        let before = std::mem::replace(&mut self.standing, Standing::Right);
        self.last_failure = Some(Arc::clone(&failure));
        let known = self.broken.replace(Arc::clone(&failure));
        // Where nothing was right before, nothing was told.
        if before != Standing::Right || known.is_none_or(|known| known != failure) {
            self.tell(&News::Failed { position, failure }, nanos, wakers);
        }
    }
}
