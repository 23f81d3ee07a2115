//! Threads that ask.

use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Instant;

use ankurah_core::node::protocol::{Cancel, Connection, EventStream, Request};
use futures::executor::block_on;

use super::ask::answer;
use super::replay::Replays;
use crate::message::{Ask, Message, Reply, Slot};

/// Where messages go; false where nobody reads them any more.
type Send = Arc<dyn Fn(Message) -> bool + std::marker::Send + Sync>;

/// A thread for each slot that something was asked in. A question that is asked while the thread still works takes
/// the place of the one before it, so however slow the node is, no more than one question a slot waits.
pub struct Workers {
    connection: Arc<dyn Connection>,
    replays: Replays,
    send: Send,
    slots: BTreeMap<Slot, Arc<Place>>,
}

#[derive(Default)]
struct Place {
    /// The number of the question whose answer is wanted; 0 is none.
    wanted: AtomicU64,
    /// Gives up the answer that is being computed.
    cancel: Mutex<Cancel>,
    next: Mutex<Next>,
    changed: Condvar,
}

impl Place {
    /// Gives up what is being answered.
    fn give_up(&self) {
        self.cancel.lock().unwrap_or_else(PoisonError::into_inner).cancel();
    }

    /// What gives up the next answer.
    fn begin(&self) -> Cancel {
        let cancel = Cancel::default();
        *self.cancel.lock().unwrap_or_else(PoisonError::into_inner) = cancel.clone();
        cancel
    }
}

/// A connection whose answers can be given up.
struct Unless {
    connection: Arc<dyn Connection>,
    cancel: Cancel,
}

impl Connection for Unless {
    fn request(&self, request: Request) -> EventStream {
        self.connection.request_unless(request, self.cancel.clone())
    }
}

#[derive(Default)]
struct Next {
    question: Option<(u64, Ask)>,
    closed: bool,
}

impl Workers {
    /// Workers on a connection; messages are given to `send`, which may wait and says whether they are still wanted.
    pub fn new(
        connection: Arc<dyn Connection>,
        send: impl Fn(Message) -> bool + std::marker::Send + Sync + 'static,
    ) -> Self {
        Workers { connection, replays: Replays::default(), send: Arc::new(send), slots: BTreeMap::new() }
    }

    /// Asks. The answer comes as messages; where no thread can be started, that is the answer.
    pub fn ask(&mut self, slot: Slot, ticket: u64, ask: Ask) {
        let place = match self.slots.get(&slot) {
            Some(place) => Arc::clone(place),
            None => {
                let place = Arc::new(Place::default());
                let (connection, replays) = (Arc::clone(&self.connection), self.replays.clone());
                let (send, own) = (Arc::clone(&self.send), Arc::clone(&place));
                let thread = std::thread::Builder::new().name(format!("inspect {}", slot.name()));
                let started = thread.spawn(move || work(slot, &own, &connection, &replays, &send));
                if let Err(error) = started {
                    let message = format!("no thread could be started: {error}");
                    let reply = Reply::Failed { message, took: 0 };
                    (self.send)(Message::Reply { slot, ticket, reply });
                    return;
                }
                self.slots.insert(slot, Arc::clone(&place));
                place
            }
        };
        place.wanted.store(ticket, Ordering::SeqCst);
        place.give_up();
        place.next.lock().unwrap_or_else(PoisonError::into_inner).question = Some((ticket, ask));
        place.changed.notify_one();
    }

    /// Wants no more of the answer in a slot.
    pub fn forget(&mut self, slot: Slot) {
        if let Some(place) = self.slots.get(&slot) {
            place.wanted.store(0, Ordering::SeqCst);
            place.give_up();
            place.next.lock().unwrap_or_else(PoisonError::into_inner).question = None;
        }
    }

    /// Asks and gives the whole answer at once, in this thread. A change log is not followed, and
    /// what goes over links from now on is not waited for.
    pub fn ask_here(&mut self, slot: Slot, ticket: u64, mut ask: Ask) -> Vec<Message> {
        if let Ask::Events(Request::Log { follow, .. }) = &mut ask {
            *follow = false;
        }
        if ask == Ask::Events(Request::Tap) {
            return Vec::new();
        }
        let mut messages = Vec::new();
        let mut emit = |reply: Reply| {
            messages.push(Message::Reply { slot, ticket, reply });
            true
        };
        let reply = match run(&self.connection, ask, &self.replays, &mut emit) {
            Ok(()) => Reply::End { took: 0 },
            Err(message) => Reply::Failed { message, took: 0 },
        };
        emit(reply);
        messages
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        for place in self.slots.values() {
            place.wanted.store(0, Ordering::SeqCst);
            place.give_up();
            place.next.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
            place.changed.notify_one();
        }
    }
}

fn work(slot: Slot, place: &Place, connection: &Arc<dyn Connection>, replays: &Replays, send: &Send) {
    loop {
        let (ticket, ask) = {
            let mut next = place.next.lock().unwrap_or_else(PoisonError::into_inner);
            loop {
                if next.closed {
                    return;
                }
                if let Some(question) = next.question.take() {
                    break question;
                }
                next = place.changed.wait(next).unwrap_or_else(PoisonError::into_inner);
            }
        };
        let started = Instant::now();
        // A question that came meanwhile is seen below: then nothing of this answer is wanted.
        let unless: Arc<dyn Connection> =
            Arc::new(Unless { connection: Arc::clone(connection), cancel: place.begin() });
        let wanted = || place.wanted.load(Ordering::SeqCst) == ticket;
        let mut emit = |reply: Reply| wanted() && send(Message::Reply { slot, ticket, reply });
        let done = if wanted() { run(&unless, ask, replays, &mut emit) } else { Ok(()) };
        let took = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
        emit(match done {
            Ok(()) => Reply::End { took },
            Err(message) => Reply::Failed { message, took },
        });
    }
}

/// Asks; a panic of what answers is a failure like others.
fn run(
    connection: &Arc<dyn Connection>,
    ask: Ask,
    replays: &Replays,
    emit: &mut (dyn FnMut(Reply) -> bool + std::marker::Send),
) -> Result<(), String> {
    let work = AssertUnwindSafe(|| block_on(answer(connection, ask, replays, emit)));
    catch_unwind(work).unwrap_or_else(|panic| Err(format!("the node gave up: {}", panic_text(&*panic))))
}

/// What a panic says.
pub(crate) fn panic_text(panic: &(dyn Any + std::marker::Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no more is known");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
