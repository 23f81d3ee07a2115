//! A session with a node: requests in, events out, with Ctrl-C in between.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ankurah_core::node::protocol::{
    Cancel, CatalogView, Connection, Event, EventStream, Failure, NodeInfo, Parameters, Request, SessionId,
    TransactionState,
};
use futures::StreamExt;
use futures::executor::block_on;
use signal_hook::consts::SIGINT;

use crate::panics::caught;

/// How often a wait looks whether it was interrupted.
const LOOK: Duration = Duration::from_millis(20);
/// Events that may wait for the one who reads them.
const WAITING: usize = 4;
/// So long, and in such steps, whoever is done waits for the threads of answers that were given up: what they hold
/// of the store is to be closed properly, but a long computation is not to hold up the end of the program.
const FAREWELL: Duration = Duration::from_millis(500);
const FAREWELL_STEP: Duration = Duration::from_millis(5);

/// Whether Ctrl-C still ends the program at once, as nobody looks for it yet.
static UNWATCHED: OnceLock<Arc<AtomicBool>> = OnceLock::new();

/// Makes Ctrl-C end the program with 130 until there is an [`Interrupt`] that it sets instead.
pub fn end_on_ctrl_c() {
    let unwatched = UNWATCHED.get_or_init(|| Arc::new(AtomicBool::new(true)));
    // Where no handler can be set, Ctrl-C ends the program as it does by itself.
    let _ = signal_hook::flag::register_conditional_shutdown(SIGINT, 130, unwatched.clone());
}

/// Says whether somebody looks for Ctrl-C from now on.
fn watch_ctrl_c(watched: bool) {
    if let Some(unwatched) = UNWATCHED.get() {
        unwatched.store(!watched, Ordering::SeqCst);
    }
}

/// Whether Ctrl-C was pressed.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// One that Ctrl-C sets. A second Ctrl-C while the first waits to be seen ends the program with 130.
    pub fn on_ctrl_c() -> Self {
        let flag = Arc::new(AtomicBool::new(false));
        // Where no handler can be set, Ctrl-C ends the program as it does by itself.
        let _ = signal_hook::flag::register_conditional_shutdown(SIGINT, 130, flag.clone());
        let _ = signal_hook::flag::register(SIGINT, flag.clone());
        watch_ctrl_c(true);
        Interrupt(flag)
    }

    /// One that Ctrl-C sets, however often it is pressed.
    pub fn on_any_ctrl_c() -> Self {
        let flag = Arc::new(AtomicBool::new(false));
        let _ = signal_hook::flag::register(SIGINT, flag.clone());
        watch_ctrl_c(true);
        Interrupt(flag)
    }

    /// Waits for something outside, such as the next line of the input: Ctrl-C ends the program there and then.
    /// `None` where it was pressed before.
    pub fn unless_raised<T>(&self, wait: impl FnOnce() -> T) -> Option<T> {
        watch_ctrl_c(false);
        let found = (!self.take()).then(wait);
        watch_ctrl_c(true);
        found
    }

    /// Sets it.
    pub fn raise(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether it is set.
    pub fn is_raised(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Clears it, and says whether it was set.
    pub fn take(&self) -> bool {
        self.0.swap(false, Ordering::SeqCst)
    }
}

/// Where answers are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pump {
    /// In the thread that reads them. Ctrl-C is seen wherever the node gives others a turn.
    Here,
    /// In a thread of their own, so that Ctrl-C is seen at any time.
    Thread,
}

/// A session with a node.
pub struct Client {
    connection: Arc<dyn Connection>,
    session: SessionId,
    interrupt: Interrupt,
    pump: Pump,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Drop for Client {
    fn drop(&mut self) {
        let mut threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let deadline = Instant::now() + FAREWELL;
        while Instant::now() < deadline {
            threads.retain(|thread| !thread.is_finished());
            if threads.is_empty() {
                return;
            }
            std::thread::sleep(FAREWELL_STEP);
        }
    }
}

impl Client {
    /// A session on a connection.
    pub fn new(
        connection: Arc<dyn Connection>,
        session: SessionId,
        interrupt: Interrupt,
        pump: Pump,
    ) -> Self {
        Client { connection, session, interrupt, pump, threads: Mutex::default() }
    }

    /// The session.
    pub fn session(&self) -> SessionId {
        self.session
    }

    /// Goes over to another session of the same connection; what was open in the last one stays open.
    pub fn set_session(&mut self, session: SessionId) {
        self.session = session;
    }

    /// What Ctrl-C sets.
    pub fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// Asks for the answer to a statement.
    pub fn execute(&self, statement: &str, parameters: Parameters) -> Answer {
        self.request(Request::Execute { session: self.session, statement: statement.to_owned(), parameters })
    }

    /// Asks for events that nobody waits for yet; dropping the stream cancels the request.
    pub fn stream(&self, request: Request) -> EventStream {
        self.connection.request(request)
    }

    /// Asks; dropping the answer cancels the request.
    pub fn request(&self, request: Request) -> Answer {
        self.request_until(request, self.interrupt.clone())
    }

    /// Asks for what is short and is to come to its end: Ctrl-C is left for whoever looks next.
    pub fn request_whole(&self, request: Request) -> Answer {
        self.request_until(request, Interrupt::default())
    }

    fn request_until(&self, request: Request, interrupt: Interrupt) -> Answer {
        if self.pump == Pump::Here {
            let stream = self.connection.request_unless(request, Cancel::from(interrupt.0.clone()));
            return Answer { interrupt, source: Source::Stream(stream), ended: false };
        }
        let (sender, receiver) = sync_channel(WAITING);
        let dropped = Cancel::default();
        let stop = Stopping(dropped.clone());
        let mut stream = self.connection.request_unless(request, dropped.clone());
        let spawned = std::thread::Builder::new().name("statement".to_owned()).spawn(move || {
            while let Some(Some(event)) = next_unless(&mut stream, || dropped.is_cancelled()) {
                if sender.send(event).is_err() {
                    return;
                }
            }
        });
        match spawned {
            Ok(thread) => {
                let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
                threads.retain(|thread| !thread.is_finished());
                threads.push(thread);
                Answer { interrupt, source: Source::Channel { receiver, _stop: stop }, ended: false }
            }
            Err(error) => {
                let failure = broken(format!("no thread for the statement could be started: {error}"));
                Answer { interrupt, source: Source::Failed(Box::new(failure)), ended: false }
            }
        }
    }

    /// The catalog.
    pub fn catalog(&self) -> Result<CatalogView, Stop> {
        let mut found = None;
        self.request(Request::Catalog).for_each(|event| {
            if let Event::Catalog(view) = event {
                found = Some(view);
            }
        })?;
        found.ok_or_else(|| Stop::Failed(Box::new(broken("the node sent no catalog".to_owned()))))
    }

    /// What the node is.
    pub fn info(&self) -> Result<NodeInfo, Stop> {
        let mut found = None;
        self.request(Request::Info).for_each(|event| {
            if let Event::Info(info) = event {
                found = Some(info);
            }
        })?;
        found.ok_or_else(|| Stop::Failed(Box::new(broken("the node did not say what it is".to_owned()))))
    }
}

/// Why an answer did not come to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// Ctrl-C.
    Cancelled,
    /// The node said why.
    Failed(Box<Failure>),
}

/// A part of an answer, or its end.
#[derive(Debug)]
pub enum Next {
    /// A part.
    Event(Event),
    /// Its successful end.
    Done(ankurah_core::node::protocol::Done),
}

/// The next event; `None` where it was given up, which `given_up` is asked whenever the node gives others a turn.
pub(crate) fn next_unless(stream: &mut EventStream, given_up: impl Fn() -> bool) -> Option<Option<Event>> {
    let poll = |context: &mut Context<'_>| {
        if given_up() { Poll::Ready(None) } else { stream.poll_next_unpin(context).map(Some) }
    };
    caught(|| block_on(poll_fn(poll))).unwrap_or_else(|message| {
        let message = format!(
            "the files of the store may be damaged: the engine met something there that cannot be ({message})"
        );
        Some(Some(Event::Failed(Failure { kind: "engine".to_owned(), ..broken(message) })))
    })
}

/// Whether a stream is to be polled again.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// The next event of a stream, if it is there without waiting for anything.
pub(crate) fn poll_once(stream: &mut EventStream) -> Option<Event> {
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(woken.clone());
    loop {
        match stream.poll_next_unpin(&mut Context::from_waker(&waker)) {
            Poll::Ready(event) => return event,
            Poll::Pending if woken.0.swap(false, Ordering::SeqCst) => {}
            Poll::Pending => return None,
        }
    }
}

/// Tells the thread of an answer that nobody waits for it any more, so that what it holds is free again.
struct Stopping(Cancel);

impl Drop for Stopping {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

enum Source {
    Stream(EventStream),
    Channel { receiver: Receiver<Event>, _stop: Stopping },
    Failed(Box<Failure>),
}

/// An answer while it comes.
pub struct Answer {
    interrupt: Interrupt,
    source: Source,
    ended: bool,
}

impl Answer {
    /// Waits for the next part.
    pub fn advance(&mut self) -> Result<Next, Stop> {
        if self.ended {
            return Err(Stop::Failed(Box::new(broken("the answer is over".to_owned()))));
        }
        let event = self.event();
        let event = match event {
            Ok(Some(event)) => event,
            Ok(None) => {
                self.ended = true;
                let failure = broken("the connection to the node ended before the answer did".to_owned());
                return Err(Stop::Failed(Box::new(failure)));
            }
            Err(stop) => {
                self.ended = true;
                return Err(stop);
            }
        };
        match event {
            Event::Done(done) => {
                self.ended = true;
                Ok(Next::Done(done))
            }
            // It was given up in the middle of a row.
            Event::Failed(failure) if failure.is_cancelled() => {
                self.interrupt.take();
                self.ended = true;
                Err(Stop::Cancelled)
            }
            Event::Failed(failure) => {
                self.ended = true;
                Err(Stop::Failed(Box::new(failure)))
            }
            event => Ok(Next::Event(event)),
        }
    }

    /// Hands every part to `take` until the end.
    pub fn for_each(
        mut self,
        mut take: impl FnMut(Event),
    ) -> Result<ankurah_core::node::protocol::Done, Stop> {
        loop {
            match self.advance()? {
                Next::Event(event) => take(event),
                Next::Done(done) => return Ok(done),
            }
        }
    }

    fn event(&mut self) -> Result<Option<Event>, Stop> {
        match &mut self.source {
            Source::Stream(stream) => {
                let interrupt = &self.interrupt;
                next_unless(stream, || interrupt.take()).ok_or(Stop::Cancelled)
            }
            Source::Channel { receiver, .. } => loop {
                if self.interrupt.take() {
                    return Err(Stop::Cancelled);
                }
                match receiver.recv_timeout(LOOK) {
                    Ok(event) => return Ok(Some(event)),
                    Err(RecvTimeoutError::Disconnected) => return Ok(None),
                    Err(RecvTimeoutError::Timeout) => {}
                }
            },
            Source::Failed(failure) => Err(Stop::Failed(failure.clone())),
        }
    }
}

/// A failure on the way to the node.
fn broken(message: String) -> Failure {
    Failure {
        kind: "connection".to_owned(),
        message,
        span: None,
        label: None,
        help: None,
        transaction: TransactionState::Idle,
    }
}
