//! What each thread knows: which computations run on it, whether a batch is open, what is to react.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::cause::Cause;
use crate::fault::Fault;
use crate::node::{Dependency, Node, Reads};
use crate::orphans;

/// How many computations may stand on one thread's stack before the rest of a deep graph is computed from
/// a list instead.
const MAX_NESTED: usize = 32;

/// Numbers that are given out once in a program: threads, frames, readings, walks over the graph, subscribers. Who
/// has a greater number sees all that was written before the smaller one was given out.
pub(crate) fn unique() -> u64 {
    static LAST: AtomicU64 = AtomicU64::new(0);
    LAST.fetch_add(1, Ordering::AcqRel) + 1
}

thread_local! {
    static CONTEXT: Context = const {
        Context {
            token: Cell::new(0),
            frames: RefCell::new(Vec::new()),
            held: Cell::new(0),
            flushing: Cell::new(false),
            reacting: Cell::new(0),
            set_off_by: RefCell::new(None),
            cause: RefCell::new(None),
            queue: RefCell::new(Vec::new()),
        }
    };
}

struct Context {
    /// The thread's own number; 0 until asked for.
    token: Cell<u64>,
    /// The computations on the stack, the innermost last.
    frames: RefCell<Vec<Frame>>,
    /// Open batches and running computations: while there are any, nothing reacts.
    held: Cell<u32>,
    flushing: Cell<bool>,
    /// The effect that runs because of a change, and what set it off.
    reacting: Cell<u64>,
    set_off_by: RefCell<Option<Arc<Cause>>>,
    /// The cause of what it writes, as soon as it has written.
    cause: RefCell<Option<Arc<Cause>>>,
    /// What reacts when nothing is held any more.
    queue: RefCell<Vec<Arc<dyn Node>>>,
}

/// A computation on the stack and what it has read.
pub(crate) struct Frame {
    id: u64,
    /// The node that is computed; null for a new one.
    node: *const (),
    /// The reading that it is computed for, or 0 where each read is a reading of its own. A computation that has
    /// one may be run twice.
    reading: u64,
    tracking: bool,
    pub(crate) reads: Reads,
    /// The first fault among the sources that were read.
    pub(crate) fault: Option<Fault>,
    /// Sources that were too deep to be brought up to date from here. They are to be done first, and the
    /// computation is to run again.
    pub(crate) postponed: Vec<Arc<dyn Node>>,
}

/// Whether a computation may be run twice.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    /// It may, and is computed for this reading.
    Pure(u64),
    Effect,
}

/// The result of running foreign code: what it returned, or its panic; and what it read. There is no frame
/// when the thread is being torn down.
pub(crate) type Evaluated<R> = (Result<R, Box<dyn Any + Send>>, Option<Frame>);

/// Runs `f` as the computation of `node` and records what it reads. A panic is caught.
pub(crate) fn evaluate<R>(kind: Kind, node: *const (), f: impl FnOnce() -> R) -> Evaluated<R> {
    let frame = Frame {
        id: unique(),
        node,
        reading: match kind {
            Kind::Pure(reading) => reading,
            Kind::Effect => 0,
        },
        tracking: true,
        reads: Reads::default(),
        fault: None,
        postponed: Vec::new(),
    };
    let pushed = CONTEXT.try_with(|context| context.frames.borrow_mut().push(frame)).is_ok();
    let outcome = catch_unwind(AssertUnwindSafe(f));
    let frame = if pushed {
        CONTEXT.try_with(|context| context.frames.borrow_mut().pop()).ok().flatten()
    } else {
        None
    };
    (outcome, frame)
}

/// Runs `f`, whose reads are not recorded.
pub(crate) fn untracked<R>(f: impl FnOnce() -> R) -> R {
    /// Gives the innermost frame its tracking back, however `f` ends.
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            set_tracking(self.0);
        }
    }
    let _restore = Restore(set_tracking(false));
    f()
}

fn set_tracking(tracking: bool) -> bool {
    let set = |context: &Context| match context.frames.borrow_mut().last_mut() {
        Some(frame) => std::mem::replace(&mut frame.tracking, tracking),
        None => false,
    };
    CONTEXT.try_with(set).unwrap_or(false)
}

/// Tells the innermost computation that it read a source, unless it knows already. Nothing is allocated
/// where nobody tracks.
pub(crate) fn track(last_frame: &AtomicU64, fault: Option<&Fault>, dependency: impl FnOnce() -> Dependency) {
    let note = |context: &Context| {
        let mut frames = context.frames.borrow_mut();
        let Some(frame) = frames.last_mut().filter(|frame| frame.tracking) else { return };
        if let Some(fault) = fault {
            frame.fault.get_or_insert_with(|| fault.clone());
        }
        if last_frame.swap(frame.id, Ordering::Relaxed) != frame.id {
            frame.reads.dependencies.push(dependency());
        }
    };
    // A thread that is being torn down tracks nothing.
    CONTEXT.try_with(note).unwrap_or(());
}

/// What is to be done about a source that is not up to date when a computation reads it.
pub(crate) enum Access {
    /// Bring it up to date.
    Refresh,
    /// Take its present value, which is good for the reading that the computation is for.
    Good,
    /// Take its present value; the computation will run again.
    Postponed,
    /// Take its present value, and do not depend on it: that would be a circle.
    Circular,
}

pub(crate) fn access(node: &Arc<dyn Node>) -> Access {
    let decide = |context: &Context| {
        let mut frames = context.frames.borrow_mut();
        let nested = frames.len();
        let address = Arc::as_ptr(node).cast::<()>();
        let circular = frames.iter().any(|frame| frame.node == address);
        match frames.last_mut() {
            Some(frame) if circular => {
                frame.reads.circular.push(Arc::clone(node));
                Access::Circular
            }
            Some(frame) if frame.reading > 0 && node.core().is_good_for(frame.reading) => Access::Good,
            Some(frame) if frame.reading > 0 && nested >= MAX_NESTED => {
                frame.postponed.push(Arc::clone(node));
                Access::Postponed
            }
            _ => Access::Refresh,
        }
    };
    CONTEXT.try_with(decide).unwrap_or(Access::Refresh)
}

/// The reading that a read on this thread belongs to: that of the computation that runs, or a new one.
pub(crate) fn reading() -> u64 {
    let reading = |context: &Context| context.frames.borrow().last().map_or(0, |frame| frame.reading);
    match CONTEXT.try_with(reading) {
        Ok(reading) if reading > 0 => reading,
        _ => unique(),
    }
}

/// Something was written on this thread: the computations that run begin a new reading.
pub(crate) fn wrote() {
    let renew = |context: &Context| {
        let mut frames = context.frames.borrow_mut();
        if frames.is_empty() {
            return;
        }
        let reading = unique();
        for frame in frames.iter_mut().filter(|frame| frame.reading > 0) {
            frame.reading = reading;
        }
    };
    CONTEXT.try_with(renew).unwrap_or(());
}

/// Leaves sources to the innermost computation, if it can be run again; otherwise they are returned.
pub(crate) fn hand_over(mut postponed: Vec<Arc<dyn Node>>) -> Vec<Arc<dyn Node>> {
    let hand_over = |context: &Context| {
        if let Some(frame) = context.frames.borrow_mut().last_mut().filter(|frame| frame.reading > 0) {
            frame.postponed.append(&mut postponed);
        }
    };
    CONTEXT.try_with(hand_over).unwrap_or(());
    postponed
}

/// Whether `node` is being computed on this thread.
pub(crate) fn is_running(node: &Arc<dyn Node>) -> bool {
    let address = Arc::as_ptr(node).cast::<()>();
    let running = |context: &Context| context.frames.borrow().iter().any(|frame| frame.node == address);
    CONTEXT.try_with(running).unwrap_or(false)
}

/// Whether so much is on the stack that sources are computed before what reads them.
pub(crate) fn is_deep() -> bool {
    CONTEXT.try_with(|context| context.frames.borrow().len() >= MAX_NESTED).unwrap_or(false)
}

/// The thread's number.
pub(crate) fn thread_token() -> u64 {
    let token = |context: &Context| {
        if context.token.get() == 0 {
            context.token.set(unique());
        }
        context.token.get()
    };
    CONTEXT.try_with(token).unwrap_or(0)
}

/// The cause of what is written now; none if that is no effect that was set off.
pub(crate) fn cause() -> Option<Arc<Cause>> {
    let cause = |context: &Context| {
        if !context.flushing.get() {
            return None;
        }
        let mut cause = context.cause.borrow_mut();
        let make = || Arc::new(Cause::new(context.reacting.get(), context.set_off_by.borrow().clone()));
        Some(Arc::clone(cause.get_or_insert_with(make)))
    };
    CONTEXT.try_with(cause).unwrap_or(None)
}

/// Lets these react as soon as nothing is held on this thread.
pub(crate) fn enqueue(nodes: impl IntoIterator<Item = Arc<dyn Node>>) {
    let mut nodes: Vec<_> = nodes.into_iter().collect();
    if CONTEXT.try_with(|context| context.queue.borrow_mut().append(&mut nodes)).is_err() {
        orphans::leave(&mut nodes);
    }
}

/// While it lives, nothing reacts on this thread. The end of the outermost one lets everything react.
#[must_use]
pub(crate) struct Hold(());

impl Hold {
    pub(crate) fn new() -> Self {
        // Without a context there is no queue, and so nothing to hold.
        CONTEXT.try_with(|context| context.held.set(context.held.get().saturating_add(1))).unwrap_or(());
        Hold(())
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let release = |context: &Context| {
            if context.held.get() == 1 && !context.flushing.get() {
                flush(context);
            }
            context.held.set(context.held.get().saturating_sub(1));
        };
        CONTEXT.try_with(release).unwrap_or(());
    }
}

/// Everything reacts, in the order in which it was made; what is set off by that comes in the next turn.
fn flush(context: &Context) {
    context.flushing.set(true);
    loop {
        orphans::adopt(&mut context.queue.borrow_mut());
        let mut ready = std::mem::take(&mut *context.queue.borrow_mut());
        if ready.is_empty() {
            break;
        }
        ready.sort_by_key(|node| node.order());
        for node in ready {
            react(context, node);
        }
    }
    context.flushing.set(false);
}

/// Lets one subscriber react. Whatever it does, the others still do, and who wrote never notices.
fn react(context: &Context, node: Arc<dyn Node>) {
    let set_off_by = node.core().take_cause();
    let endless = set_off_by.as_ref().is_some_and(|cause| cause.is_endless(node.order()));
    context.reacting.set(node.order());
    context.set_off_by.replace(set_off_by);
    let reacted = catch_unwind(AssertUnwindSafe(|| {
        if endless {
            node.stop(Fault::Unsettled);
        } else if node.react(&node) {
            context.queue.borrow_mut().push(node);
        }
        // The node is dropped here, inside: its last reference may run foreign code.
    }));
    if let Err(payload) = reacted {
        report(&Fault::panicked(&*payload));
    }
    context.set_off_by.take();
    context.cause.take();
}

/// Writes a fault to the log: the subscriber may never ask for it.
pub(crate) fn report(fault: &Fault) {
    tracing::error!(%fault, "a subscriber of a signal failed");
}

impl Drop for Context {
    fn drop(&mut self) {
        orphans::leave(self.queue.get_mut());
    }
}
