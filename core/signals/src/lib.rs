//! Values that change over time, and what follows from them: always right, from every thread, without a
//! runtime.
//!
//! | | |
//! |---|---|
//! | [`WritableSignal`] | a value that is written |
//! | [`Signal`] | a value that is read, be it written or derived: [`map`](Signal::map), [`filter`](Signal::filter), [`combine`], [`memo`] |
//! | [`effect`], [`Signal::subscribe`] | code that runs after changes, for as long as its [`Subscription`] lives |
//! | [`Observer`] | tells a user interface that what it has drawn is out of date |
//! | [`Signal::stream`] | a `futures::Stream` of the latest value |
//! | [`batch`], [`untracked`] | several writes as one change; reading without depending |
//!
//! ```
//! use ankurah_signals::{WritableSignal, effect, memo};
//!
//! let (price, count) = (WritableSignal::new(5), WritableSignal::new(2));
//! let total = memo({
//!     let (price, count) = (price.clone(), count.clone());
//!     move || price.get() * count.get()
//! });
//! let _subscription = effect(move || assert!(total.get() >= 10));
//! count.set(3);
//! ```
//!
//! # Design
//!
//! **Marks are pushed, values are pulled.** A write replaces the value, counts its version and marks all that
//! depends on it as *stale*; nothing is computed. A stale signal that is read walks its sources in the
//! order in which it read them last: each is brought up to date first, and as soon as one has another version
//! than the one that was read, the signal is computed anew; if none has, it was up to date all along. So
//! every value is computed at most once for a change and never from sources that do not fit each other
//! (no *glitches*), what comes out equal stops the change, and a source that would no longer be read is
//! not computed. This is the algorithm of Reactively
//! (<https://dev.to/modderme123/super-charging-fine-grained-reactive-performance-47ph>), which SolidJS and
//! Leptos' `reactive_graph` use; versions on the edges take the place of its second colour, because they
//! cannot be missed when several threads compute.
//!
//! **Tracking.** While a computation runs, a frame on a stack of its thread notes what is read. Its end turns
//! the notes into edges, keeping those that are the same. A future has a frame only while it is polled:
//! [`Observer::track_future`]. A read without a frame notes and allocates nothing.
//!
//! **Who keeps whom.** A derived signal keeps its sources. A source keeps no subscriber: its half of the edge is
//! weak and stands in a slot, so that ending a subscription takes the same time among two subscribers and
//! among a hundred thousand. An effect lives as long as its [`Subscription`], an observer as long as its
//! handles. The parts of a chain are dropped one after the other, not nested.
//!
//! **Depth.** Marking, walking and dropping use lists instead of recursion. Only what a computation reads and
//! has not read before is computed on the stack; where that nests too deep, the computation is given the
//! old value, what it lacked is computed from the list, and it runs again: it must be pure.
//!
//! **Threads.** Handles are `Send` and `Sync`. No lock is held while foreign code runs, be it a computation, a
//! comparison, a waker or the drop of a value: values are read as shared snapshots, and [`update`] changes
//! a copy. *A read has every write that had returned when it began*, of its own thread or another, however deep.
//! (The reads of a computation begin with the read that it is computed for, or with the last write that it has
//! made itself.) Two invariants keep that. *What reads a stale node is stale*: a run makes its node up to date
//! only if each source, looked at with the edge in place, is as it was read, and no mark came meanwhile; one lock
//! orders the spreading of marks. *A value never gives way to one that knows less*: two threads that need the
//! same stale signal may both compute it, and the run for the earlier reading comes too late. A read computes
//! each signal at most once, however much is written meanwhile. While other threads write, its sources may be
//! from before and after a write; the signal then stays stale for the next read, and an effect runs again.
//!
//! **Effects** run after the write on the thread that wrote, at the end of its outermost [`batch`], in the order
//! in which they were made, each once, and only if something that it read has another version. What they
//! write sets off the next turn. An effect that is already waiting on another thread runs there, and sees
//! both changes. A batch is one change for subscribers, not a transaction for other threads.
//!
//! **Slow readers.** Nothing is queued. A stream and an observer remember that something changed, not what: they
//! give the latest value when asked, and a reader that never asks costs its writers one mark.
//!
//! **Faults.** A panic is caught where it leaves the computation, and stays there as a [`Fault`]: a derived
//! signal keeps its last good value and tells all that derive from it, an effect runs again at the next
//! change, and who writes never notices. (Where panics abort, as in browsers, they do.) A signal that reads
//! itself has the fault [`Fault::Cycle`], in whatever way the circle came to be; an effect that sets off
//! itself without end is stopped with [`Fault::Unsettled`]. Neither hangs.
//!
//! **Derived signals are computed once when they are made**, so that there always is a value. A panic then is
//! the caller's.
//!
//! # Features
//!
//! `reactive-graph`: conversions from and to the signals of Leptos; see `examples/leptos.rs`.
//!
//! [`update`]: WritableSignal::update
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod batch;
mod bounds;
mod cause;
mod context;
mod derive;
mod effect;
mod fault;
mod grave;
#[cfg(feature = "reactive-graph")]
mod interop;
mod node;
mod observer;
mod orphans;
mod signal;
mod slots;
mod stream;
mod walk;
mod writable;

pub use batch::{batch, untracked};
pub use bounds::{MaybeSend, MaybeSync, Value};
pub use derive::{AsSignal, Signals, Sources, combine, memo, memo_by};
pub use effect::{Subscription, effect};
pub use fault::{Fault, MAX_ROUNDS};
pub use observer::{Observer, TrackedFuture};
pub use signal::Signal;
pub use stream::SignalStream;
pub use writable::WritableSignal;
