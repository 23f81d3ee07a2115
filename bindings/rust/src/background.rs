//! The background threads of a native program: one at a time runs all tasks, side by side. Where a task runs code of
//! the program, such as an effect, which may take as long as it likes, another thread goes on with the other tasks.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use ankurah_core::env::{BoxFuture, Spawn};

/// The most threads. As many pieces of the program's code but one can hold theirs up before tasks wait for them.
const THREADS: usize = 64;
/// Threads that are kept without work.
const SPARE: usize = 2;
/// How long code of the program runs before another thread goes on with the tasks that were ready already.
const PATIENCE: Duration = Duration::from_millis(2);

/// Runs tasks in the background. The threads end when this is dropped and the tasks are done.
#[derive(Debug, Default)]
pub(crate) struct Background(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Tasks that are to be polled.
    ready: VecDeque<Arc<Task>>,
    threads: usize,
    /// Threads that wait.
    idle: usize,
    /// Threads that run tasks and no code of the program. There is more than one only until the others notice.
    running: usize,
    /// A thread is to run tasks at once.
    wanted: bool,
    /// A thread looks whether the code that runs takes long.
    watched: bool,
    /// How often code of the program was begun.
    begun: u64,
    closed: bool,
}

thread_local! {
    /// What this thread works for, unless it runs code of the program.
    static WORKS_FOR: RefCell<Option<Arc<Shared>>> = const { RefCell::new(None) };
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Spawn for Background {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        let task = Task {
            future: Mutex::new(Some(task)),
            turn: Mutex::new(Turn::Ready),
            shared: Arc::clone(&self.0),
        };
        self.0.push(Arc::new(task));
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        lock(&self.0.state).closed = true;
        self.0.changed.notify_all();
    }
}

/// Runs code of the program, which may take long and may wait for what other tasks do: they go on meanwhile.
pub(crate) fn foreign<R>(code: impl FnOnce() -> R) -> R {
    /// Goes on with tasks, however the code ends.
    struct Held(Arc<Shared>);
    impl Drop for Held {
        fn drop(&mut self) {
            let mut state = lock(&self.0.state);
            state.running = state.running.saturating_add(1);
            drop(state);
            let _ = WORKS_FOR.try_with(|works_for| works_for.replace(Some(Arc::clone(&self.0))));
        }
    }
    // Inside of other such code there is nothing to hand over, and neither is there on a thread of the program.
    let shared = WORKS_FOR.try_with(RefCell::take).ok().flatten();
    let _held = shared.map(|shared| {
        shared.hand_over();
        Held(shared)
    });
    code()
}

impl Shared {
    fn push(self: &Arc<Self>, task: Arc<Task>) {
        let mut state = lock(&self.state);
        state.ready.push_back(task);
        if state.running == 0 {
            state.wanted = true;
            self.call(state);
        }
    }

    /// The thread runs code of the program from now on. If that takes long, another one runs what is ready.
    fn hand_over(self: &Arc<Self>) {
        let mut state = lock(&self.state);
        state.running = state.running.saturating_sub(1);
        state.begun = state.begun.wrapping_add(1);
        if state.running == 0 && !state.ready.is_empty() && !state.watched {
            self.call(state);
        }
    }

    /// Has a thread look at what there is to do. Where there are as many as there may be, one of them will.
    fn call(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        if state.idle > 0 || state.watched {
            drop(state);
            self.changed.notify_one();
        } else if state.threads < THREADS {
            state.threads = state.threads.saturating_add(1);
            drop(state);
            let shared = Arc::clone(self);
            let named = std::thread::Builder::new().name("ankurah".to_owned());
            if let Err(error) = named.spawn(move || shared.work()) {
                let mut state = lock(&self.state);
                state.threads = state.threads.saturating_sub(1);
                tracing::error!(%error, "no background thread can be started; tasks wait for the next attempt");
            }
        }
    }

    /// What a thread does, until it is not needed any more.
    fn work(self: Arc<Self>) {
        let _ = WORKS_FOR.try_with(|works_for| works_for.replace(Some(Arc::clone(&self))));
        let mut state = lock(&self.state);
        while let Some(mut taken) = self.is_needed(state) {
            taken.wanted = false;
            taken.running = taken.running.saturating_add(1);
            state = self.run(taken);
            state.running = state.running.saturating_sub(1);
        }
    }

    /// Waits until this thread is to run tasks; `None` where it is to end.
    fn is_needed<'a>(&'a self, mut state: MutexGuard<'a, State>) -> Option<MutexGuard<'a, State>> {
        loop {
            let is_ready = state.running == 0 && !state.ready.is_empty();
            if is_ready && state.wanted {
                return Some(state);
            }
            if is_ready && !state.watched {
                let begun = state.begun;
                state.watched = true;
                let (after, waited) =
                    self.changed.wait_timeout(state, PATIENCE).unwrap_or_else(PoisonError::into_inner);
                state = after;
                state.watched = false;
                let same = waited.timed_out() && state.begun == begun;
                if same && state.running == 0 && !state.ready.is_empty() {
                    return Some(state);
                }
                continue;
            }
            if state.idle >= SPARE || state.closed {
                state.threads = state.threads.saturating_sub(1);
                return None;
            }
            state.idle = state.idle.saturating_add(1);
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle = state.idle.saturating_sub(1);
        }
    }

    /// Runs what is ready, unless another thread does.
    fn run<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        while state.running <= 1 {
            let Some(task) = state.ready.pop_front() else { break };
            drop(state);
            task.run();
            state = lock(&self.state);
        }
        state
    }
}

/// Whether a task is to be polled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Waits,
    Ready,
    Runs,
    /// It runs, and is ready again.
    RunsAgain,
}

struct Task {
    /// Taken out while it is polled; `None` when it is done.
    future: Mutex<Option<BoxFuture<'static, ()>>>,
    turn: Mutex<Turn>,
    shared: Arc<Shared>,
}

impl std::fmt::Debug for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Task").field("turn", &self.turn).finish_non_exhaustive()
    }
}

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        let mut turn = lock(&self.turn);
        match *turn {
            Turn::Waits => *turn = Turn::Ready,
            Turn::Runs => return *turn = Turn::RunsAgain,
            Turn::Ready | Turn::RunsAgain => return,
        }
        drop(turn);
        Arc::clone(&self.shared).push(self);
    }
}

impl Task {
    fn run(self: Arc<Self>) {
        *lock(&self.turn) = Turn::Runs;
        let Some(mut future) = lock(&self.future).take() else { return };
        let waker = Waker::from(Arc::clone(&self));
        match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(&mut Context::from_waker(&waker)))) {
            Ok(Poll::Pending) => {}
            Ok(Poll::Ready(())) => return,
            Err(_) => return tracing::error!("a background task panicked; the others go on"),
        }
        *lock(&self.future) = Some(future);
        let mut turn = lock(&self.turn);
        if *turn == Turn::RunsAgain {
            *turn = Turn::Ready;
            drop(turn);
            Arc::clone(&self.shared).push(self);
        } else {
            *turn = Turn::Waits;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use futures::channel::oneshot;
    use futures::executor::block_on;

    use super::*;

    const LONG: Duration = Duration::from_secs(120);

    #[test]
    fn tasks_go_on_while_code_of_the_program_holds_threads_up() {
        let background = Background::default();
        let (done, is_done): (Sender<usize>, Receiver<usize>) = channel();
        let held: Vec<Sender<()>> = (0..THREADS - 1)
            .map(|number| {
                let (go, wait) = channel();
                let done = done.clone();
                background.spawn(Box::pin(async move {
                    foreign(|| wait.recv().unwrap());
                    done.send(number).unwrap();
                }));
                go
            })
            .collect();
        background.spawn(Box::pin(async move { done.send(THREADS).unwrap() }));
        assert_eq!(is_done.recv_timeout(LONG), Ok(THREADS));
        held.iter().for_each(|go| go.send(()).unwrap());
        let mut finished: Vec<usize> = held.iter().map(|_| is_done.recv_timeout(LONG).unwrap()).collect();
        finished.sort_unstable();
        assert_eq!(finished, (0..THREADS - 1).collect::<Vec<_>>());
    }

    #[test]
    fn code_of_the_program_can_wait_for_another_task() {
        let background = Arc::new(Background::default());
        let (sender, receiver) = channel();
        let again = Arc::clone(&background);
        background.spawn(Box::pin(async move {
            let got = foreign(|| {
                let (inner, wait) = oneshot::channel();
                again.spawn(Box::pin(async move { inner.send(7).unwrap() }));
                block_on(wait).unwrap()
            });
            sender.send(got).unwrap();
        }));
        assert_eq!(receiver.recv_timeout(LONG), Ok(7));
    }

    #[test]
    fn a_task_that_panics_concerns_no_other() {
        let background = Background::default();
        background.spawn(Box::pin(async { panic!("this task always does") }));
        background.spawn(Box::pin(async { foreign(|| panic!("so does this one")) }));
        let (sender, receiver) = channel();
        background.spawn(Box::pin(async move { sender.send(1).unwrap() }));
        assert_eq!(receiver.recv_timeout(LONG), Ok(1));
    }
}
