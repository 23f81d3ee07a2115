//! Live queries with typed rows, as signals and as streams.

use std::any::Any;
use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};

use ankurah_core::env::BoxStream;
use ankurah_core::node::live::{LiveList, Subscription};
use ankurah_core::node::protocol::{Failure, LiveChange, LiveEvent};
use ankurah_core::value::{Value, ValueRef};
use ankurah_signals::{Signal, WritableSignal, memo_by};
use futures::future::{AbortHandle, Either, abortable, ready, select};
use futures::{FutureExt, StreamExt, stream};

use crate::background::foreign;
use crate::context::{Context, TypedRows, question};
use crate::error::Error;
use crate::model::Model;
use crate::property::ToRef;
use crate::query::{IntoQuery, Query};

/// How a live query is.
#[derive(Clone, Debug, Default)]
pub enum LiveStatus {
    /// Its first rows have not come yet.
    #[default]
    Loading,
    /// Its rows are what the query gives.
    Ready,
    /// The query fails now; the rows are those from before. It goes on by itself as soon as it gives rows again. So it
    /// does where the model is not there and cannot be declared: it waits until someone else has done that.
    Failed(Arc<Error>),
    /// It is over: the query is wrong, or the store was closed. [`LiveQuery::set_query`] begins anew.
    Ended(Arc<Error>),
}

impl LiveStatus {
    /// Why there are no rows, where something failed.
    pub fn error(&self) -> Option<&Arc<Error>> {
        match self {
            LiveStatus::Loading | LiveStatus::Ready => None,
            LiveStatus::Failed(error) | LiveStatus::Ended(error) => Some(error),
        }
    }
}

impl PartialEq for LiveStatus {
    /// Failures are the same where their kinds and messages are.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (LiveStatus::Loading, LiveStatus::Loading) | (LiveStatus::Ready, LiveStatus::Ready) => true,
            (LiveStatus::Failed(a), LiveStatus::Failed(b)) | (LiveStatus::Ended(a), LiveStatus::Ended(b)) => {
                a.kind() == b.kind() && a.to_string() == b.to_string()
            }
            _ => false,
        }
    }
}

/// What became of the rows of a live query; to be followed one after the other. Places count from 0.
#[derive(Clone, Debug, PartialEq)]
pub enum RowChange<V> {
    /// These are all rows now.
    Reset(LiveList<Arc<V>>),
    /// A row that was not there stands at a place.
    Enter {
        /// The place.
        at: usize,
        /// The row.
        row: Arc<V>,
    },
    /// A row is no longer there.
    Leave {
        /// Where it stood.
        at: usize,
        /// The row.
        row: Arc<V>,
    },
    /// A row has other values.
    Update {
        /// The place.
        at: usize,
        /// The row now.
        row: Arc<V>,
    },
    /// A row was taken from a place and put to another.
    Move {
        /// The place before.
        from: usize,
        /// The place now.
        to: usize,
        /// The row now.
        row: Arc<V>,
    },
}

/// A query whose rows are kept right: the same rows as [`Context::fetch`] gives, now and after every change, whoever
/// made it. Dropping it ends that; its signals keep their last values.
///
/// ```
/// # use ankurah::Model;
/// # #[derive(Model)] struct Album { name: String, year: i64 }
/// # futures::executor::block_on(async {
/// use futures::StreamExt;
///
/// let context = ankurah::open("memory:").await?;
/// let live = context.live::<Album>(("year > ? order by year", 1990));
/// let mut rows = live.rows().stream();
/// context.create(&Album { name: "Dots and Loops".into(), year: 1997 }).await?;
/// while live.rows().read().is_empty() {
///     rows.next().await;
/// }
/// assert_eq!(live.rows().read().first().unwrap().name(), "Dots and Loops");
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub struct LiveQuery<M: Model> {
    context: Context,
    shown: WritableSignal<Shown<M::View>>,
    rows: Signal<LiveList<Arc<M::View>>>,
    status: Signal<LiveStatus>,
    asked: WritableSignal<Asked<M>>,
    following: Mutex<Following>,
}

/// What is asked; what becomes of it is told for as long as that is so.
struct Asked<M> {
    /// The number of the query.
    turn: u64,
    /// `None` when nothing is asked any more.
    query: Option<Arc<Query<M>>>,
}

impl<M> Clone for Asked<M> {
    fn clone(&self) -> Self {
        Asked { turn: self.turn, query: self.query.clone() }
    }
}

/// What is known of a query. It is one value, so that no reader finds rows and a status that do not fit.
struct Shown<V> {
    /// The number of the query: what comes late of one that was replaced is passed over.
    turn: u64,
    rows: LiveList<Arc<V>>,
    status: LiveStatus,
}

impl<V> Clone for Shown<V> {
    fn clone(&self) -> Self {
        Shown { turn: self.turn, rows: self.rows.clone(), status: self.status.clone() }
    }
}

struct Following {
    turn: u64,
    task: AbortHandle,
}

impl<M: Model> fmt::Debug for LiveQuery<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveQuery").field("status", &self.status).finish_non_exhaustive()
    }
}

impl<M: Model> LiveQuery<M> {
    pub(crate) fn new(context: Context, query: Query<M>) -> Self {
        let rows = LiveList::default();
        let shown = WritableSignal::new(Shown { turn: 0, rows, status: LiveStatus::Loading });
        let task = follow(&context, &query, &shown, 0);
        let source = shown.signal();
        let rows = memo_by(move || source.read().rows.clone(), LiveList::is_same);
        let status = shown.map(|shown| shown.status.clone());
        let asked = WritableSignal::new(Asked { turn: 0, query: Some(Arc::new(query)) });
        let following = Mutex::new(Following { turn: 0, task });
        LiveQuery { context, shown, rows, status, asked, following }
    }

    /// The rows, in their order: a list of which a copy costs little, however long it is.
    pub fn rows(&self) -> Signal<LiveList<Arc<M::View>>> {
        self.rows.clone()
    }

    /// Whether the rows have come, and whether the query fails.
    pub fn status(&self) -> Signal<LiveStatus> {
        self.status.clone()
    }

    /// What becomes of the rows: all of them first, then change after change, each with those that belong together.
    /// After [`LiveQuery::set_query`] all rows of the other query are next. It ends when the live query is dropped, and
    /// after the error that ends the query.
    pub fn changes(&self) -> BoxStream<'static, Result<Vec<RowChange<M::View>>, Error>> {
        changes(self.context.clone(), &self.asked.signal())
    }

    /// Asks something else from now on. The rows stay those of the former query, with the status
    /// [`LiveStatus::Loading`], until those of this one are there.
    pub fn set_query(&self, query: impl IntoQuery<M>) {
        let query = query.into_query();
        let turn = {
            let mut following = self.following.lock().unwrap_or_else(PoisonError::into_inner);
            following.task.abort();
            following.turn = following.turn.saturating_add(1);
            following.turn
        };
        let query = Arc::new(query);
        self.asked.update(|asked| {
            if asked.turn < turn {
                *asked = Asked { turn, query: Some(Arc::clone(&query)) };
            }
        });
        // Without a lock: whoever observes it may change the query, too.
        self.shown.update(|shown| {
            if shown.turn < turn {
                (shown.turn, shown.status) = (turn, LiveStatus::Loading);
            }
        });
        let task = follow(&self.context, &query, &self.shown, turn);
        let mut following = self.following.lock().unwrap_or_else(PoisonError::into_inner);
        if following.turn == turn {
            following.task = task;
        } else {
            // Another query has taken its place meanwhile.
            task.abort();
        }
    }
}

impl<M: Model> Drop for LiveQuery<M> {
    fn drop(&mut self) {
        self.following.lock().unwrap_or_else(PoisonError::into_inner).task.abort();
        self.asked.set(Asked { turn: u64::MAX, query: None });
    }
}

/// An entity that is kept right. Dropping it ends that.
///
/// ```
/// # use ankurah::Model;
/// # #[derive(Model)] struct Album { name: String, plays: i64 }
/// # futures::executor::block_on(async {
/// use futures::StreamExt;
///
/// let context = ankurah::open("memory:").await?;
/// let album = context.create(&Album { name: "Blue".into(), plays: 0 }).await?;
/// let live = context.live_entity::<Album>(&album);
/// let plays = live.property(|album| album.plays());
/// let mut seen = plays.stream();
/// context.edit(&album, |album| album.set_plays(7)).await?;
/// while plays.get() != Some(7) {
///     seen.next().await;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
pub struct LiveEntity<M: Model> {
    query: LiveQuery<M>,
    view: Signal<Option<Arc<M::View>>>,
}

impl<M: Model> fmt::Debug for LiveEntity<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveEntity").field("query", &self.query).finish()
    }
}

impl<M: Model> LiveEntity<M> {
    pub(crate) fn new(context: Context, entity: impl ToRef<M>) -> Self
    where
        M::View: PartialEq,
    {
        let query = LiveQuery::new(context, Query::new("id = ?").bind(entity.to_ref()));
        let view = query.rows().map(|rows| rows.first().cloned());
        LiveEntity { query, view }
    }

    /// The entity; `None` where it is not there, is deleted, or has not come yet.
    pub fn view(&self) -> Signal<Option<Arc<M::View>>> {
        self.view.clone()
    }

    /// Something of the entity, such as one property: it changes only where its value does.
    pub fn property<T>(&self, read: impl Fn(&M::View) -> T + Send + Sync + 'static) -> Signal<Option<T>>
    where
        T: PartialEq + Send + Sync + 'static,
    {
        self.view.map(move |view| view.as_deref().map(&read))
    }

    /// Whether it has come, and whether reading it fails.
    pub fn status(&self) -> Signal<LiveStatus> {
        self.query.status()
    }
}

/// Keeps what is shown right in a task of its own, for as long as it is this query's turn.
fn follow<M: Model>(
    context: &Context,
    query: &Query<M>,
    shown: &WritableSignal<Shown<M::View>>,
    turn: u64,
) -> AbortHandle {
    let shown = shown.clone();
    let mut feed = Feed::new(context.clone(), query.into_query());
    let (task, handle) = abortable(async move {
        loop {
            // Where the program's own code panics, such as a property that is read, that ends the query, not the task
            // of someone else.
            let next = AssertUnwindSafe(feed.next(None)).catch_unwind().await;
            let status = match next.unwrap_or_else(|panic| Err(panicked(panic.as_ref()))) {
                Ok(()) => LiveStatus::Ready,
                Err(Error::Live { error, ended: false }) => LiveStatus::Failed(Arc::from(error)),
                Err(Error::Live { error, ended: true }) => LiveStatus::Ended(Arc::from(error)),
                Err(error) => LiveStatus::Ended(Arc::new(error)),
            };
            // What is shown is a copy, which shares all but what changes next.
            let rows = (status == LiveStatus::Ready).then_some(&feed.rows);
            let show = |shown: &mut Shown<M::View>| {
                if shown.turn == turn {
                    if let Some(rows) = rows {
                        shown.rows.clone_from(rows);
                    }
                    shown.status.clone_from(&status);
                }
            };
            // Whoever observes it may take long.
            foreign(|| shown.update(show));
            if matches!(status, LiveStatus::Ended(_)) {
                return;
            }
        }
    });
    context.node().spawn(Box::pin(async move {
        // Being given up is no failure.
        let _ = task.await;
    }));
    handle
}

/// What a panic of the program's own code is.
fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    over(Error::app(format!("it panicked: {}", text.unwrap_or("of what is not known"))))
}

/// A live query on its way.
struct Feed<M: Model> {
    context: Context,
    query: Query<M>,
    open: Option<Subscription>,
    /// What its columns are, once that is known.
    typed: Option<TypedRows<M>>,
    rows: LiveList<Arc<M::View>>,
}

/// What becomes of the query that is asked, as a stream.
fn changes<M: Model>(
    context: Context,
    asked: &Signal<Asked<M>>,
) -> BoxStream<'static, Result<Vec<RowChange<M::View>>, Error>> {
    let Asked { turn, query } = asked.get();
    let feed = query.map(|query| (turn, Feed::new(context, (&*query).into_query()), asked.stream()));
    Box::pin(stream::unfold(feed, |feed| async move {
        let (mut turn, mut feed, mut asked) = feed?;
        loop {
            let mut told = Vec::new();
            let came = {
                // The query that takes the place of this one.
                let other = asked.by_ref().filter(|asked| ready(asked.turn != turn));
                let next = feed.next(Some(&mut told));
                futures::pin_mut!(other, next);
                let came = select(other.next(), next).await;
                match came {
                    Either::Left((other, _)) => Either::Left(other),
                    Either::Right((next, _)) => Either::Right(next),
                }
            };
            let other = match came {
                Either::Left(other) => other,
                Either::Right(next) => {
                    let ended = matches!(&next, Err(Error::Live { ended: true, .. }));
                    return Some((next.map(|()| told), (!ended).then_some((turn, feed, asked))));
                }
            };
            let Asked { turn: later, query } = other?;
            (turn, feed) = (later, Feed::new(feed.context, (&*query?).into_query()));
        }
    }))
}

fn over(error: Error) -> Error {
    Error::Live { error: Box::new(error), ended: true }
}

impl<M: Model> Feed<M> {
    fn new(context: Context, query: Query<M>) -> Self {
        Feed { context, query, open: None, typed: None, rows: LiveList::default() }
    }

    /// Takes in what comes next, and adds it to what is told.
    async fn next(&mut self, mut told: Option<&mut Vec<RowChange<M::View>>>) -> Result<(), Error> {
        loop {
            if self.open.is_none() {
                self.typed = match self.context.typed_rows::<M>().await {
                    Ok(typed) => Some(typed),
                    // It cannot be declared here. Someone else may do that.
                    Err(error) if error.kind() == "read-only" => None,
                    Err(error) => return Err(over(error)),
                };
                let question = question(&self.query, &self.context).map_err(over)?.waiting();
                let opened = self.context.node().live(question).await;
                self.open = Some(opened.map_err(|failure| over(self.explain(failure)))?);
            }
            let Some(subscription) = &self.open else { continue };
            let event = subscription.next().await.map_err(|failure| over(self.explain(failure)))?;
            match event {
                LiveEvent::Reset { rows, .. } => {
                    // Should the catalog give the model other properties, the rows have other columns.
                    let now = self.context.typed_rows::<M>().await.map_err(over)?;
                    if !self.typed.as_ref().is_some_and(|typed| now.same_columns(typed)) {
                        self.open = None;
                        continue;
                    }
                    let mut views = Vec::with_capacity(rows.len());
                    for row in rows.iter() {
                        let values: Vec<ValueRef<'_>> = row.iter().collect();
                        views.push(Arc::new(now.view(&values).map_err(over)?));
                    }
                    self.typed = Some(now);
                    self.rows = views.into_iter().collect();
                    if let Some(told) = told {
                        told.push(RowChange::Reset(self.rows.clone()));
                    }
                    return Ok(());
                }
                LiveEvent::Changes { changes, .. } => {
                    let Some(typed) = &self.typed else { continue };
                    for change in changes.iter() {
                        let change = change_rows(typed, &mut self.rows, change).map_err(over)?;
                        if let Some(told) = &mut told {
                            told.push(change);
                        }
                    }
                    return Ok(());
                }
                LiveEvent::Failed { failure, .. } => {
                    let error = Box::new(self.explain(Box::new(failure)));
                    return Err(Error::Live { error, ended: false });
                }
            }
        }
    }

    fn explain(&self, failure: Box<Failure>) -> Error {
        match failure.span {
            Some(_) => Error::Query { text: self.query.text().to_owned(), failure },
            None => Error::Node(failure),
        }
    }
}

/// Makes a change to rows, and says what it is.
fn change_rows<M: Model>(
    typed: &TypedRows<M>,
    rows: &mut LiveList<Arc<M::View>>,
    change: &LiveChange,
) -> Result<RowChange<M::View>, Error> {
    let view = |row: &[Value]| -> Result<Arc<M::View>, Error> {
        let values: Vec<ValueRef<'_>> = row.iter().map(Value::as_ref).collect();
        Ok(Arc::new(typed.view(&values)?))
    };
    let place = |at: u64| usize::try_from(at).unwrap_or(usize::MAX);
    let lacking = || Error::app("a row changed that was not there");
    Ok(match change {
        LiveChange::Enter { at, row } => {
            let (at, row) = (place(*at), view(row)?);
            rows.insert(at, Arc::clone(&row));
            RowChange::Enter { at, row }
        }
        LiveChange::Update { at, row } => {
            let (at, row) = (place(*at), view(row)?);
            rows.replace(at, Arc::clone(&row)).ok_or_else(lacking)?;
            RowChange::Update { at, row }
        }
        LiveChange::Move { from, to, row } => {
            let (from, to, row) = (place(*from), place(*to), view(row)?);
            rows.remove(from).ok_or_else(lacking)?;
            rows.insert(to, Arc::clone(&row));
            RowChange::Move { from, to, row }
        }
        LiveChange::Leave { at } => {
            let at = place(*at);
            RowChange::Leave { at, row: rows.remove(at).ok_or_else(lacking)? }
        }
    })
}
