//! A connection that outlives the process that it leads to.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ankurah_core::node::protocol::{
    Cancel, Connection, Event, EventStream, Failure, Request, TransactionState,
};
use futures::StreamExt;

use crate::target::{Mode, Opened, open_once};

/// A way to a store that another process has open. When that process ends, the next statement fails, since what it
/// relied on, such as an open transaction, is gone; the one after it opens the store, or attaches to whoever has it open
/// by then.
pub(crate) struct Reattach {
    target: String,
    mode: Mode,
    manner: Manner,
    now: Mutex<Now>,
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

/// A connection, and where it is to be noted that a statement was told of its end.
type Way = (Arc<dyn Connection>, Arc<AtomicBool>);

impl Reattach {
    /// One that leads to an open target, until that ends.
    pub(crate) fn new(opened: Opened, target: &str, mode: Mode, manner: Manner) -> Self {
        // What was there once is not made anew.
        let mode = if matches!(mode, Mode::Create | Mode::Fill) { Mode::Write } else { mode };
        let now = Mutex::new(Now { opened, told: Arc::default() });
        Reattach { target: target.to_owned(), mode, manner, now }
    }

    fn lock(&self) -> MutexGuard<'_, Now> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens the store, or attaches to whoever has it open. That waits, which one who is asked within a future must not
    /// do in the same thread.
    fn open(&self) -> Result<Opened, String> {
        let opened = std::thread::scope(|scope| scope.spawn(|| open_once(&self.target, self.mode)).join());
        match opened {
            Ok(opened) => opened.map_err(|error| error.to_string()),
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
