//! The links that a node has.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::info::{FrameKind, LinkInfo, LinkPeer, TapDirection, TapFrame};
use super::tap::{Queue, Tap};
use crate::env::Clock;
use crate::node::protocol::SessionId;
use crate::value::Timestamp;

/// The number of the first session that a link is given: programs in the same process choose smaller ones.
const FIRST_SESSION: u64 = 1 << 63;

/// The links of a node, and those who watch them.
#[derive(Default)]
pub(crate) struct Links {
    state: Mutex<State>,
    sessions: AtomicU64,
}

#[derive(Default)]
struct State {
    last: u64,
    links: BTreeMap<u64, Weak<Link>>,
    taps: Vec<Weak<Queue>>,
}

impl Links {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new link. It is one of the node's until it is dropped.
    pub(super) fn open(self: &Arc<Self>, peer: LinkPeer, clock: Arc<dyn Clock>) -> Arc<Link> {
        let mut state = self.lock();
        state.last = state.last.saturating_add(1);
        let link = Arc::new(Link {
            id: state.last,
            peer,
            since: Timestamp(clock.unix_micros()),
            clock,
            links: Arc::clone(self),
            said: Mutex::new(Said::default()),
            counts: Counts::default(),
        });
        state.links.insert(link.id, Arc::downgrade(&link));
        link
    }

    /// The number of a session that nobody else has.
    pub(super) fn session(&self) -> SessionId {
        SessionId(FIRST_SESSION | self.sessions.fetch_add(1, Ordering::Relaxed))
    }

    /// What is known of each link, by number.
    pub(crate) fn list(&self) -> Vec<LinkInfo> {
        let links: Vec<_> = self.lock().links.values().filter_map(Weak::upgrade).collect();
        links.iter().map(|link| link.info()).collect()
    }

    /// Watches all links from now on.
    pub(crate) fn tap(&self) -> Tap {
        let queue = Arc::new(Queue::default());
        self.lock().taps.push(Arc::downgrade(&queue));
        Tap(queue)
    }
}

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.list()).finish()
    }
}

/// What the other side said of itself.
#[derive(Clone, Debug, Default)]
struct Said {
    program: String,
    read_only: bool,
}

#[derive(Debug, Default)]
struct Counts {
    sessions: AtomicU64,
    open: AtomicU64,
    requests: AtomicU64,
    waiting: AtomicU64,
    frames_in: AtomicU64,
    frames_out: AtomicU64,
    bytes_in: AtomicU64,
    bytes_out: AtomicU64,
}

/// One link.
pub(super) struct Link {
    id: u64,
    peer: LinkPeer,
    since: Timestamp,
    clock: Arc<dyn Clock>,
    links: Arc<Links>,
    said: Mutex<Said>,
    counts: Counts,
}

impl Link {
    /// The other side said what it is.
    pub(super) fn greet(&self, program: &str, read_only: bool) {
        let said = Said { program: program.to_owned(), read_only };
        *self.said.lock().unwrap_or_else(PoisonError::into_inner) = said;
    }

    /// A request came.
    pub(super) fn asked(&self) {
        self.counts.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// So much is open and waits now.
    pub(super) fn holds(&self, open: usize, sessions: usize, waiting: usize) {
        let set = |to: &AtomicU64, count: usize| {
            to.store(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
        };
        set(&self.counts.open, open);
        set(&self.counts.sessions, sessions);
        set(&self.counts.waiting, waiting);
    }

    /// A frame of so many bytes went over the link. `hidden` is one that is about a wire tap, which does not show
    /// itself.
    pub(super) fn saw(
        &self,
        direction: TapDirection,
        kind: FrameKind,
        stream: u64,
        what: &str,
        bytes: usize,
        hidden: bool,
    ) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let (frames, total) = match direction {
            TapDirection::In => (&self.counts.frames_in, &self.counts.bytes_in),
            TapDirection::Out => (&self.counts.frames_out, &self.counts.bytes_out),
        };
        frames.fetch_add(1, Ordering::Relaxed);
        total.fetch_add(bytes, Ordering::Relaxed);
        if hidden {
            return;
        }
        let taps: Vec<Arc<Queue>> = {
            let mut state = self.links.lock();
            if state.taps.is_empty() {
                return;
            }
            state.taps.retain(|tap| tap.strong_count() > 0);
            state.taps.iter().filter_map(Weak::upgrade).collect()
        };
        let at = Timestamp(self.clock.unix_micros());
        let frame = TapFrame { at, link: self.id, direction, kind, stream, what: what.to_owned(), bytes };
        taps.iter().for_each(|tap| tap.push(&frame));
    }

    fn info(&self) -> LinkInfo {
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        LinkInfo {
            id: self.id,
            peer: self.peer.clone(),
            program: said.program,
            since: self.since,
            read_only: said.read_only,
            sessions: get(&self.counts.sessions),
            open: get(&self.counts.open),
            requests: get(&self.counts.requests),
            waiting: get(&self.counts.waiting),
            frames_in: get(&self.counts.frames_in),
            frames_out: get(&self.counts.frames_out),
            bytes_in: get(&self.counts.bytes_in),
            bytes_out: get(&self.counts.bytes_out),
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.links.lock().links.remove(&self.id);
    }
}
