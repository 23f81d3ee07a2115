//! Live queries: results that are kept right while the store changes.
//!
//! | module | what it holds |
//! |---|---|
//! | [`change`] | what is told, and folding it back into rows |
//! | `question` | what is asked, and what it means |
//! | `query`, `row`, `ranked` | a maintained result |
//! | `diff` | the changes between two results |
//! | `queue`, `subscription` | what waits for one subscriber, and how it is taken |
//! | `registry` | all maintained results of a node |
//! | `index`, `intervals` | which queries a changed entity can concern |
//! | [`info`] | what a node says of its live queries |
//! | `step`, `evaluate` | from a stretch of the change log to changes of results |
//!
//! # Design
//!
//! The **reactor** is fed from the change log alone. A *step* takes a view, reads the log from where the last step
//! ended up to the view's position, and brings every result that the changed entities can affect to that position.
//! Positions between are passed over, so a burst of commits costs one step. A step can be done twice: it asks what the
//! changed entities are *now*, so one that was given up half-way is begun again and a query that joined late is caught
//! up with by reading the log from its position.
//!
//! A **result** is kept row by row where a change of an entity tells all there is to know: a condition, an order and
//! columns of one model that cannot fail. Any other query is run again when an entity of one of its models changed,
//! and what it gives is compared with what it gave. Equal queries, however they are written, share one result.
//!
//! **Which queries** a changed entity concerns is looked up, where a query is kept row by row and its condition leaves
//! but some values of a property possible: by the values that the entity has now, and by the queries that it is in. So a
//! commit costs nothing for the queries that it cannot match. The others, the *residual*, are looked at with every
//! change of their models.
//!
//! **Subscribers** have bounded queues. What no longer fits gives way to a reset, taken from the result when the
//! subscriber comes for it, so that a slow one costs nothing but its queue. Writers only wake the reactor's task, which
//! runs as long as there is a live query.

pub mod change;
mod diff;
mod evaluate;
mod index;
pub mod info;
mod intervals;
mod query;
mod question;
mod queue;
mod ranked;
mod registry;
mod row;
mod step;
mod subscription;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use std::task::Waker;

use futures::StreamExt;
use futures::future::{Either, select};

use self::info::LiveQueryInfo;
use self::queue::Queue;
use self::registry::Registry;
use super::Inner;
use super::failure::{Explain, Outcome, failure};
use super::protocol::Failure;
use crate::query::{BoundSelect, Lookups, RunOptions, ViewSource, plan, run};
use crate::storage::kv::Watched;
use crate::storage::{Position, ReadView};
use crate::value::Value;

pub use question::{LiveBinder, LiveQuestion};
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
        let select = question.bind(&catalog)?;
        let reactor = &node.reactor;
        let mut query = {
            let mut registry = reactor.registry();
            let query = registry.prepare(question, select, view.position());
            if let Some(known) = registry.find(query.meaning) {
                return Ok(reactor.join(node, &mut registry, known));
            }
            if registry.len() >= node.options.limits.live_queries {
                let limit = node.options.limits.live_queries;
                let message = format!("there are {limit} live queries, which is the limit");
                return Err(failure("too-many-live-queries", message).help("stop one first"));
            }
            query
        };
        let found = load(node, &view, query.keyed()).await?;
        let rows = query.rows_of(found);
        query.fill(rows);
        let mut registry = reactor.registry();
        // Someone else may have asked the same meanwhile.
        let number = match registry.find(query.meaning) {
            Some(known) => known,
            None => registry.add(query, catalog.position()),
        };
        let subscription = reactor.join(node, &mut registry, number);
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

    fn join(self: &Arc<Self>, node: &Arc<Inner>, registry: &mut Registry, query: u64) -> Subscription {
        let queue = Arc::new(Queue::default());
        let number = registry.join(query, &queue);
        Subscription::new(Arc::clone(node), query, number, queue)
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
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Every live query, after it was brought up to what the store holds now.
    ///
    /// # Errors
    /// [`Failure`] where the store fails.
    pub(crate) async fn list(&self, node: &Inner) -> Outcome<Vec<LiveQueryInfo>> {
        self.settle(node).await?;
        let registry = self.registry();
        Ok(registry.queries().map(|query| query.info(registry.known_at(query))).collect())
    }

    /// Brings every result up to what the store holds now.
    pub(crate) async fn settle(&self, node: &Inner) -> Outcome<()> {
        step::step(self, node).await.map(|_| ()).map_err(step::Stopped::into_failure)
    }
}

/// The rows of a query, no more than a live query may have.
async fn load(node: &Inner, view: &Arc<dyn ReadView>, select: BoundSelect) -> Outcome<Vec<Vec<Value>>> {
    let lookups = Lookups::of(view.as_ref(), &select);
    let options = RunOptions { memory: node.options.limits.query_memory, clock: None };
    let mut running = run(plan(select, &lookups), Arc::new(ViewSource(Arc::clone(view))), options);
    let mut rows = Vec::new();
    while let Some(batch) = running.rows.next().await {
        rows.extend(batch?);
        if rows.len() > node.options.limits.live_rows {
            return Err(too_many(node));
        }
    }
    Ok(rows)
}

fn too_many(node: &Inner) -> Box<Failure> {
    let limit = node.options.limits.live_rows;
    failure("too-many-rows", format!("a live query has at most {limit} rows"))
        .help("ask for fewer with `where` or `limit`")
}

/// The reactor's task: a step whenever something was committed, until there is no live query any more.
async fn drive(reactor: Arc<Reactor>, node: Weak<Inner>, mut done: Position) {
    loop {
        let Some(strong) = node.upgrade() else { return };
        match step::step(&reactor, &strong).await {
            Ok(Some(position)) => done = position,
            Ok(None) => {
                if reactor.registry().stop() {
                    return;
                }
            }
            Err(stopped) => {
                reactor.end_all(&stopped.into_failure());
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
