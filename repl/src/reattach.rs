//! A connection that outlives the process that it leads to.
//!
//! Who looks without writing never opens a store that it was attached to: it would hold it, and the program that was
//! ended could not have it again. It waits until somebody has it open.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ankurah_core::node::protocol::{
    Cancel, Connection, Event, EventStream, Failure, Request, TransactionState,
};
use futures::StreamExt;

use crate::target::{Mode, Opened, Place, attach_only, open_once};

/// A way to a store that another process has open. When that process ends, the next statement fails, since what it
/// relied on, such as an open transaction, is gone; the one after it opens the store, or attaches to whoever has it open
/// by then.
pub(crate) struct Reattach {
    target: String,
    mode: Mode,
    manner: Manner,
    now: Mutex<Now>,
    /// The same that `now` has, to be looked at while the store is being opened.
    place: Mutex<Place>,
}

struct Now {
    opened: Opened,
    /// Whether a statement was told that the connection broke.
    told: Arc<AtomicBool>,
}

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Someone who relies on what a session holds: only a statement that fails tells of the end, and it is said where the
    /// store is open next.
    Asking,
    /// Someone who looks, on a screen of its own: whatever fails tells of the end, and nothing is said.
    Watching,
}

/// What is said while nobody has the store open.
const NOBODY: &str = "no program has the store open now: what it holds is shown again as soon as one does (leave and \
                      inspect it again to open it here)";

/// A connection, and where it is to be noted that a statement was told of its end.
type Way = (Arc<dyn Connection>, Arc<AtomicBool>);

impl Reattach {
    /// One that leads to an open target, until that ends.
    pub(crate) fn new(opened: Opened, target: &str, mode: Mode, manner: Manner) -> Self {
        // What was there once is not made anew.
        let mode = if matches!(mode, Mode::Create | Mode::Fill) { Mode::Write } else { mode };
        let place = Mutex::new(opened.place());
        let now = Mutex::new(Now { opened, told: Arc::default() });
        Reattach { target: target.to_owned(), mode, manner, now, place }
    }

    /// Where the store is open now. It does not wait.
    pub(crate) fn place(&self) -> Place {
        self.place.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn lock(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the store, or attaches to whoever has it open. That waits, which one who is asked within a future must not
    /// do in the same thread.
    fn open(&self) -> Result<Opened, String> {
        let attaches = self.manner == Manner::Watching && self.mode == Mode::Read;
        let open = || match attaches {
            true => attach_only(&self.target).ok_or_else(|| NOBODY.to_owned()),
            false => open_once(&self.target, self.mode).map_err(|error| error.to_string()),
        };
        let opened = std::thread::scope(|scope| scope.spawn(open).join());
        match opened {
            Ok(opened) => opened,
            Err(_) => Err(format!("cannot open {}: it panicked", self.target)),
        }
    }

    /// The way there now.
    fn connection(&self) -> Result<Way, Box<Failure>> {
        let mut now = self.lock();
        if now.opened.is_broken() && now.told.load(Ordering::SeqCst) {
            let opened = self.open().map_err(|message| Failure {
                kind: "connection".to_owned(),
                message,
                span: None,
                label: None,
                help: None,
                transaction: TransactionState::Idle,
            })?;
            if self.manner == Manner::Asking {
                opened.announce_again();
            }
            *self.place.lock().unwrap_or_else(PoisonError::into_inner) = opened.place();
            *now = Now { opened, told: Arc::default() };
        }
        Ok((now.opened.connection.clone(), now.told.clone()))
    }

    fn ask(
        &self,
        request: Request,
        ask: impl FnOnce(&dyn Connection, Request) -> EventStream,
    ) -> EventStream {
        let (connection, told) = match self.connection() {
            Ok(found) => found,
            Err(failure) => return Box::pin(futures::stream::iter([Event::Failed(*failure)])),
        };
        let is_statement = matches!(request, Request::Execute { .. } | Request::Upsert { .. });
        let answer = ask(&*connection, request);
        if !is_statement && self.manner == Manner::Asking {
            return answer;
        }
        Box::pin(answer.inspect(move |event| {
            if matches!(event, Event::Failed(failure) if failure.kind == "connection") {
                told.store(true, Ordering::SeqCst);
            }
        }))
    }
}

impl Connection for Reattach {
    fn request(&self, request: Request) -> EventStream {
        self.ask(request, |connection, request| connection.request(request))
    }

    fn request_unless(&self, request: Request, cancel: Cancel) -> EventStream {
        self.ask(request, |connection, request| connection.request_unless(request, cancel))
    }
}
