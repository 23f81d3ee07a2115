//! Live queries: results that are kept right while the store changes.
//!
//! | module | what it holds |
//! |---|---|
//! | [`change`] | what is told, and folding it back into rows |
//! | `list` | a list of rows whose copies and changes cost little |
//! | `question`, `shape` | what is asked, what it means, what is to be read for it |
//! | `query`, `state` | a maintained result |
//! | `row`, `kept`, `parts` | its rows, their order and the window of them that is shown, what rows stand for |
//! | `diff` | the changes between two results |
//! | `queue`, `subscription` | what waits for one subscriber, and how it is taken |
//! | `registry` | all maintained results of a node |
//! | `index`, `intervals` | which queries a changed entity can concern |
//! | [`info`], `rate` | what a node says of its live queries |
//! | `step`, `apply`, `evaluate`, `result` | from a stretch of the change log to changes of results |
//!
//! # Design
//!
//! The **reactor** is fed from the change log alone. A *step* takes a view, reads the log from where the last step
//! ended up to the view's position, and brings every result that the changed entities can affect to that position.
//! Positions between are passed over, so a burst of commits costs one step. A step can be done twice: it asks what the
//! changed entities are *now*, so one that was given up half-way is begun again and a query that joined late is caught
//! up with by reading the log from its position; until then nothing is told of it, since its rows are right nowhere that
//! the others are. Equal queries, however they are written, share one result.
//!
//! A result is kept right **by entity**: what an entity *contributes* follows from the entity alone, and from those that
//! its references lead to. A step finds out what each changed entity contributes now, and puts that in the place of what
//! it contributed before.
//!
//! - Where each row is an entity, the contribution is the row with the values that it is ordered by. Rows are kept in
//!   their order, in pieces of some hundred (`list`), and found by their entities: a change costs the logarithm of their
//!   number, and is told as a change of one place.
//! - A **window** (`limit`, `offset`) keeps rows beyond its end: when it is filled as many as it shows. What is kept
//!   are always the first rows of the whole order: a row that comes to stand behind the last one that is kept is let go
//!   of, since what stands between is not known. When fewer are kept than the window needs, the query is run again for
//!   its first rows. An index that gives the order makes that a read of these rows; without one the store makes it on
//!   demand, as for any query. As many rows have left by then as are read, so that a row that leaves costs two reads.
//! - **Groups** keep what each entity contributes to its group: counts, sums of integers and `distinct` are kept by adding
//!   and taking away; `min` and `max` until the least or greatest value leaves. Anything else (sums of
//!   other numbers, which are rounded in the order of entities, `string_agg`, `bool_and`, `bool_or`) is computed anew from
//!   what the group keeps where it is not added at its end, so that the result is what running the query gives, bit by
//!   bit. Only a group that changed is looked at, and the store never.
//! - **Distinct** rows keep the entities that have their values; the first of them says where the row stands.
//! - **References**: when an entity changed to which references lead, those that refer to it are asked for like by any
//!   query, by an index on the reference where there is one, and count as changed.
//!
//! A query is **run again** with each change of one of its models, and what it gives is compared with what it gave, where
//! it is distinct over groups, counts all entities and nothing else (their number is known), joins more entities than
//! [`Limits::live_rows`](crate::node::Limits::live_rows), or cannot be computed at present; [`Upkeep`](info::Upkeep) says
//! so of each. Where an expression fails for an entity that changed, running the query tells whether it fails too: a row
//! behind its `limit` does not matter to it.
//!
//! **Which queries** a changed entity concerns is looked up, where the condition of a query leaves but some values of a
//! property possible: by the values that the entity has now, and by the queries that it contributes to. So a commit
//! costs nothing for the queries that it cannot match. The others, the *residual*, are looked at with every change of
//! their models.
//!
//! **Subscribers** have bounded queues. What no longer fits gives way to a reset, taken from the result when the
//! subscriber comes for it, so that a slow one costs nothing but its queue. Writers only wake the reactor's task, which
//! runs as long as there is a live query. A waker that panics is passed over; should a step panic, all live
//! queries end with that as their failure.
//!
//! **A query that fails on the data**, be it when it is asked first, is observed like any other: it tells the failure, and
//! its rows as soon as they are there. Refused is what no change of the data mends.
//!
//! **A model that is not there**: whoever asks with [`LiveQuestion::waiting`] gets a failure that lasts until the model is
//! there, then its rows; others are refused, since a name that nobody knows is most likely misspelt. When the catalog
//! changes, queries are bound again: where they mean the same nothing is told, where they mean something else all rows
//! are, and where they mean nothing any more they wait or end with the failure.

mod apply;
pub mod change;
mod diff;
mod evaluate;
mod index;
pub mod info;
mod intervals;
mod kept;
mod list;
mod parts;
mod query;
mod question;
mod queue;
mod rate;
mod registry;
mod result;
mod row;
mod shape;
mod state;
mod step;
mod subscription;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;

use futures::FutureExt;
use futures::future::{Either, select};

use self::info::LiveReport;
use self::queue::Queue;
use self::registry::Registry;
use self::result::result_of;
use self::shape::Shape;
use super::Inner;
use super::failure::{Explain, Outcome, failure, is_of_store};
use super::protocol::Failure;
use crate::storage::Position;
use crate::storage::kv::Watched;

pub use list::{LiveList, LiveListIter};
pub use question::{LiveBinder, LiveQuestion};
use subscription::Places;

pub use subscription::Subscription;

/// Keeps the results of a node's live queries right.
#[derive(Debug, Default)]
pub(crate) struct Reactor {
    registry: Mutex<Registry>,
    /// Held by whoever takes a step.
    stepping: futures::lock::Mutex<()>,
    /// Whether the task is to look at the registry, although nothing was committed.
    nudged: Watched<bool>,
}

impl Reactor {
    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn nudge(&self) {
        self.nudged.update(|nudged| *nudged = true);
    }

    /// Observes what a question asks for.
    pub(crate) async fn subscribe(node: &Arc<Inner>, question: LiveQuestion) -> Outcome<Subscription> {
        let view = node.engine.view().await?;
        let catalog = node.catalog_at(view.as_ref()).await?;
        let (select, waits_for) = match question.bind(&catalog) {
            Ok(select) => (select, None),
            Err(failure) if question.waits(&failure) => (Shape::nothing(), Some(failure)),
            Err(failure) => return Err(failure),
        };
        let reactor = &node.reactor;
        let mut query = {
            let mut registry = reactor.registry();
            let query = registry.prepare(question, select, view.position());
            if let Some(known) = registry.find(query.meaning).filter(|_| waits_for.is_none()) {
                return Ok(reactor.join(node, &mut registry, known, query.question.text()));
            }
            if registry.len() >= node.options.limits.live_queries {
                let limit = node.options.limits.live_queries;
                let message = format!("there are {limit} live queries, which is the limit");
                return Err(failure("too-many-live-queries", message).help("stop one first"));
            }
            query
        };
        let waits = waits_for.is_some();
        let mut by_store = false;
        if let Some(failure) = waits_for {
            query.begin_broken(failure);
        } else {
            let asks = query.asks(node.options.limits.live_rows);
            match Box::pin(result_of(node, &view, asks)).await {
                Ok((state, gave_up)) => (query.state, query.gave_up) = (state, gave_up),
                Err(failure) if query.is_mended_by_changes(&failure) => {
                    by_store = is_of_store(&failure);
                    query.begin_broken(failure);
                }
                Err(failure) => return Err(failure),
            }
        }
        let question = query.question.clone();
        let mut registry = reactor.registry();
        // Someone else may have asked the same meanwhile.
        let number = match registry.find(query.meaning).filter(|_| !waits) {
            Some(known) => known,
            None => {
                let number = registry.add(query, catalog.position());
                registry.set_unwell(number, by_store);
                number
            }
        };
        let subscription = reactor.join(node, &mut registry, number, question.text());
        if registry.start() {
            let task = drive(Arc::clone(reactor), Arc::downgrade(node), registry.position());
            drop(registry);
            node.env.spawn.spawn(Box::pin(task));
        } else if registry.is_behind() {
            drop(registry);
            reactor.nudge();
        }
        Ok(subscription)
    }

    /// Has one who asked with a text observe a query.
    fn join(
        self: &Arc<Self>,
        node: &Arc<Inner>,
        registry: &mut Registry,
        query: u64,
        text: &str,
    ) -> Subscription {
        let queue = Arc::new(Queue::default());
        let number = registry.join(query, &queue);
        let same = registry.get(query).is_some_and(|query| query.question.text() == text);
        let places = if same { Places::InText } else { Places::InAnother };
        Subscription::new(Arc::clone(node), query, number, queue, places)
    }

    /// Someone observes a query no more.
    fn leave(&self, query: u64, number: u64) {
        let mut registry = self.registry();
        let gone = registry.leave(query, number);
        let empty = registry.is_empty();
        drop(registry);
        // What the query held is dropped without the lock.
        drop(gone);
        if empty {
            self.nudge();
        }
    }

    /// Ends every live query.
    fn end_all(&self, failure: &Failure) {
        let wakers = self.registry().end_all(failure);
        wake(wakers);
    }

    /// Every live query, after it was brought up to what the store holds now.
    ///
    /// # Errors
    /// [`Failure`] where the store fails.
    pub(crate) async fn list(&self, node: &Inner) -> Outcome<LiveReport> {
        self.settle(node).await?;
        let nanos = node.env.clock.monotonic_nanos();
        let registry = self.registry();
        let queries = registry
            .queries()
            .map(|query| query.info(registry.known_at(query).unwrap_or(query.position), nanos))
            .collect();
        Ok(LiveReport::new(queries, registry.looks, registry.runs, nanos))
    }

    /// Brings every result up to what the store holds now.
    pub(crate) async fn settle(&self, node: &Inner) -> Outcome<()> {
        self.step(node).await.map(|_| ())
    }

    /// Takes a step. Should it panic, which it must not, that ends what is live and goes no further.
    async fn step(&self, node: &Inner) -> Outcome<Option<Position>> {
        match AssertUnwindSafe(Box::pin(step::step(self, node))).catch_unwind().await {
            Ok(done) => done.map_err(step::Stopped::into_failure),
            Err(panic) => {
                let failure = panicked(panic.as_ref());
                self.end_all(&failure);
                Err(failure)
            }
        }
    }
}

/// Wakes subscribers. What happens to be in a waker is foreign: its panic concerns nobody else.
fn wake(wakers: Vec<Waker>) {
    for waker in wakers {
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
            tracing::error!(message = panicked(panic.as_ref()).message, "a subscriber's waker");
        }
    }
}

/// What is told of a panic.
fn panicked(panic: &(dyn Any + Send)) -> Box<Failure> {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    failure("panicked", format!("it panicked: {}", text.unwrap_or("of what is not known")))
}

/// The reactor's task: a step whenever something was committed, until there is no live query any more.
async fn drive(reactor: Arc<Reactor>, node: Weak<Inner>, mut done: Position) {
    loop {
        let Some(strong) = node.upgrade() else { return };
        match reactor.step(&strong).await {
            Ok(Some(position)) => done = position,
            Ok(None) => {
                if reactor.registry().stop() {
                    return;
                }
            }
            Err(failure) => {
                reactor.end_all(&failure);
                if reactor.registry().stop() {
                    return;
                }
            }
        }
        let engine = Arc::clone(&strong.engine);
        drop(strong);
        let nudged = reactor.nudged.until(|nudged| std::mem::take(nudged).then_some(()));
        let committed = engine.wait(done);
        futures::pin_mut!(nudged);
        if let Either::Left((Err(error), _)) = select(committed, nudged).await {
            reactor.end_all(&Box::<Failure>::from(error));
        }
    }
}
