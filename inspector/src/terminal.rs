//! The inspector on a terminal, which is given back as it was on every way out.

use std::io::{self, Stdout, Write, stdout};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, resume_unwind, set_hook, take_hook};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use ankurah_core::node::protocol::Connection;
use crossterm::cursor::{Hide, Show};
use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture, poll, read,
};
use crossterm::execute;
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen,
    disable_raw_mode, enable_raw_mode, size,
};
use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;

use crate::beat::{self, Came, World};
use crate::connection::Workers;
use crate::input;
use crate::message::{Effect, Message};
use crate::state::{Options, State};
use crate::theme::Theme;
use crate::view::draw;

/// Messages that may wait to be taken in.
const WAITING: usize = 256;
/// How often the thread that reads keys looks whether it is to stand still.
const LOOK: Duration = Duration::from_millis(100);

/// How the inspector was left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// By a key.
    Quit,
    /// By a signal, its number.
    Signal(i32),
}

/// Why the inspector cannot run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The terminal cannot be used.
    #[error("the terminal cannot be used: {0}")]
    Terminal(#[from] io::Error),
}

/// What the program around the inspector does for it.
pub trait Host {
    /// What is inspected is called now, where that may change; asked in the thread that draws, so it must not wait.
    fn name(&self) -> Option<String> {
        None
    }

    /// Gives the terminal to a prompt on the same node until it is left; the statement, unless it is empty, is run
    /// there first. What is `past` is only read.
    fn repl(&mut self, statement: &str, past: bool);

    /// Completes the script of an entity, sees that it passes, and writes it to a new file of this name.
    ///
    /// # Errors
    /// Why not, for people.
    fn save(&mut self, name: &str, script: &str) -> Result<String, String>;
}

/// What happens outside of the state.
enum Happening {
    Message(Message),
    Signal(i32),
    Broken(io::Error),
}

/// Runs the inspector until it is left. The standard output must be a terminal.
///
/// # Errors
/// [`RunError`] where the terminal cannot be used. It is then as it was before.
pub fn run(
    connection: Arc<dyn Connection>,
    options: Options,
    theme: Theme,
    host: &mut dyn Host,
) -> Result<End, RunError> {
    let panics = Panics::catch();
    // The guard is inside, so that the terminal is itself again before anything is said of a panic.
    let ended = catch_unwind(AssertUnwindSafe(|| Loop::new(connection, options, theme, host)?.run()));
    drop(panics);
    match ended {
        Ok(end) => end,
        Err(panic) => resume_unwind(panic),
    }
}

/// The message of the last panic of this thread goes to where the hook before says it, after the terminal is itself
/// again; those of other threads are answers of the node, and said on the screen.
struct Panics {
    before: Arc<dyn Fn(&PanicHookInfo<'_>) + Sync + Send>,
}

impl Panics {
    fn catch() -> Self {
        let before: Arc<dyn Fn(&PanicHookInfo<'_>) + Sync + Send> = Arc::from(take_hook());
        let own = std::thread::current().id();
        let said = Arc::clone(&before);
        set_hook(Box::new(move |info| {
            if std::thread::current().id() == own {
                restore();
                said(info);
            }
        }));
        Panics { before }
    }
}

impl Drop for Panics {
    fn drop(&mut self) {
        // A hook cannot be changed while its thread panics.
        if !std::thread::panicking() {
            let before = Arc::clone(&self.before);
            set_hook(Box::new(move |info| before(info)));
        }
    }
}

/// Whether the terminal is ours now.
static OURS: AtomicBool = AtomicBool::new(false);

fn take_over() -> io::Result<()> {
    enable_raw_mode()?;
    OURS.store(true, Ordering::SeqCst);
    execute!(stdout(), EnterAlternateScreen, EnableBracketedPaste, EnableMouseCapture, Hide)
}

/// Gives the terminal back, if it is ours. What cannot be undone any more is left.
fn restore() {
    if OURS.swap(false, Ordering::SeqCst) {
        let mut out = stdout();
        let _ = execute!(
            out,
            EndSynchronizedUpdate,
            DisableMouseCapture,
            DisableBracketedPaste,
            LeaveAlternateScreen,
            Show
        );
        let _ = out.flush();
        let _ = disable_raw_mode();
    }
}

/// The terminal while it is ours.
struct Guard;

impl Guard {
    fn new() -> io::Result<Self> {
        let guard = Guard;
        take_over()?;
        Ok(guard)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        restore();
    }
}

/// Whether the thread that reads keys is to stand still, and whether it does.
#[derive(Default)]
struct Standing {
    state: Mutex<(bool, bool)>,
    changed: Condvar,
}

impl Standing {
    /// Makes the other thread stand still, and waits until it does.
    fn stop(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 = true;
        while !state.1 {
            let waited = self.changed.wait_timeout(state, 4 * LOOK).unwrap_or_else(PoisonError::into_inner);
            state = waited.0;
            if waited.1.timed_out() {
                return;
            }
        }
    }

    fn go_on(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).0 = false;
        self.changed.notify_all();
    }

    /// Stands still as long as it is told to.
    fn obey(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.0 {
            state.1 = true;
            self.changed.notify_all();
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.1 = false;
    }
}

struct Loop<'a> {
    state: State,
    theme: Theme,
    host: &'a mut dyn Host,
    screen: Terminal<CrosstermBackend<Stdout>>,
    workers: Workers,
    happenings: Receiver<Happening>,
    standing: Arc<Standing>,
    ended: Arc<AtomicBool>,
    begun: Instant,
    // Dropped last, when nothing draws any more.
    _guard: Guard,
}

impl<'a> Loop<'a> {
    fn new(
        connection: Arc<dyn Connection>,
        options: Options,
        theme: Theme,
        host: &'a mut dyn Host,
    ) -> Result<Self, RunError> {
        let (sender, happenings) = sync_channel(WAITING);
        listen_to_signals(sender.clone())?;
        let guard = Guard::new()?;
        let screen = Terminal::new(CrosstermBackend::new(stdout()))?;
        let (standing, ended) = (Arc::new(Standing::default()), Arc::new(AtomicBool::new(false)));
        read_keys(sender.clone(), Arc::clone(&standing), Arc::clone(&ended))?;
        let workers =
            Workers::new(connection, move |message| sender.send(Happening::Message(message)).is_ok());
        let state = State::new(options, size()?, now());
        let begun = Instant::now();
        Ok(Loop { state, theme, host, screen, workers, happenings, standing, ended, begun, _guard: guard })
    }

    fn run(mut self) -> Result<End, RunError> {
        let effects = self.state.begin();
        if let Some(end) = self.carry_out(effects)? {
            return Ok(end);
        }
        beat::run(&mut self)
    }

    fn update(&mut self, message: Message) -> Result<Option<End>, RunError> {
        let effects = self.state.update(message);
        self.carry_out(effects)
    }

    fn carry_out(&mut self, effects: Vec<Effect>) -> Result<Option<End>, RunError> {
        for effect in effects {
            match effect {
                Effect::Ask { slot, ticket, ask } => self.workers.ask(slot, ticket, ask),
                Effect::Forget(slot) => self.workers.forget(slot),
                Effect::Copy(text) => copy(&text)?,
                Effect::Save { name, content } => {
                    let said = self.host.save(&name, &content);
                    let (good, text) = match said {
                        Ok(text) => (true, text),
                        Err(text) => (false, text),
                    };
                    self.state.update(Message::Said { good, text });
                }
                Effect::Repl { statement, past } => {
                    self.lend()?;
                    self.host.repl(&statement, past);
                    self.take_back()?;
                }
                Effect::Redraw => self.screen.clear()?,
                Effect::Suspend => self.suspend()?,
                Effect::Quit => return Ok(Some(End::Quit)),
            }
        }
        Ok(None)
    }

    fn lend(&mut self) -> io::Result<()> {
        self.standing.stop();
        restore();
        Ok(())
    }

    fn take_back(&mut self) -> io::Result<()> {
        take_over()?;
        self.screen.clear()?;
        self.standing.go_on();
        Ok(())
    }

    #[cfg(unix)]
    fn suspend(&mut self) -> io::Result<()> {
        self.lend()?;
        // It comes back when the program is told to go on.
        signal_hook::low_level::emulate_default_handler(signal_hook::consts::SIGTSTP)?;
        self.take_back()
    }

    #[cfg(not(unix))]
    fn suspend(&mut self) -> io::Result<()> {
        Ok(())
    }

    #[cfg(unix)]
    fn signal(&mut self, signal: i32) -> Result<Option<End>, RunError> {
        if signal == signal_hook::consts::SIGTSTP {
            self.suspend()?;
            return Ok(None);
        }
        Ok(Some(End::Signal(signal)))
    }

    #[cfg(not(unix))]
    fn signal(&mut self, signal: i32) -> Result<Option<End>, RunError> {
        Ok(Some(End::Signal(signal)))
    }
}

impl World for Loop<'_> {
    type Happening = Happening;

    fn draw(&mut self) -> Result<(), RunError> {
        if let Some(name) = self.host.name().filter(|name| *name != self.state.options.name) {
            self.state.update(Message::Named(name));
        }
        execute!(stdout(), BeginSynchronizedUpdate)?;
        let (state, theme) = (&mut self.state, self.theme);
        self.screen.draw(|frame| {
            let area = frame.area();
            if state.size != (area.width, area.height) {
                state.update(Message::Resize { columns: area.width, lines: area.height });
            }
            if let Some(cursor) = draw(state, theme, frame.buffer_mut()) {
                frame.set_cursor_position(cursor);
            }
        })?;
        Ok(execute!(stdout(), EndSynchronizedUpdate)?)
    }

    fn wake(&self) -> Option<u64> {
        self.state.wake()
    }

    fn next(&mut self, wait: Option<Duration>) -> Came<Happening> {
        let next = match wait {
            None => self.happenings.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(wait) => self.happenings.recv_timeout(wait),
        };
        match next {
            Ok(happening) => Came::Happening(happening),
            Err(RecvTimeoutError::Timeout) => Came::Nothing,
            Err(RecvTimeoutError::Disconnected) => Came::Closed,
        }
    }

    fn take(&mut self, happening: Happening) -> Result<Option<End>, RunError> {
        match happening {
            Happening::Message(message) => {
                // Whatever is asked is asked at its time, not at that of the last tick.
                self.state.now = now();
                self.update(message)
            }
            Happening::Signal(signal) => self.signal(signal),
            Happening::Broken(error) => Err(RunError::Terminal(error)),
        }
    }

    fn tick(&mut self) -> Result<Option<End>, RunError> {
        self.update(Message::Tick { now: now() })
    }

    fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }
}

impl Drop for Loop<'_> {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::SeqCst);
        self.standing.go_on();
    }
}

/// Puts a text into the clipboard of the terminal: the control sequence OSC 52.
fn copy(text: &str) -> io::Result<()> {
    let mut out = stdout();
    write!(out, "\u{1b}]52;c;{}\u{7}", base64(text.as_bytes()))?;
    out.flush()
}

/// Base 64 as RFC 4648 has it.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits =
            chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = usize::try_from(bits >> (18 - 6 * place) & 63).unwrap_or(0);
            let digit = DIGITS.get(digit).copied().map_or('=', char::from);
            out.push(if place <= chunk.len() { digit } else { '=' });
        }
    }
    out
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// Reads what the terminal says, in a thread of its own.
fn read_keys(
    sender: SyncSender<Happening>,
    standing: Arc<Standing>,
    ended: Arc<AtomicBool>,
) -> io::Result<()> {
    let thread = std::thread::Builder::new().name("inspect keys".to_owned());
    thread.spawn(move || {
        while !ended.load(Ordering::SeqCst) {
            standing.obey();
            let event = match poll(LOOK) {
                Ok(false) => continue,
                Ok(true) => read(),
                Err(error) => Err(error),
            };
            let happening = match event {
                Ok(event) => match input::message(event) {
                    Some(message) => Happening::Message(message),
                    None => continue,
                },
                Err(error) => Happening::Broken(error),
            };
            let broken = matches!(happening, Happening::Broken(_));
            if sender.send(happening).is_err() || broken {
                return;
            }
        }
    })?;
    Ok(())
}

/// Hears signals, in a thread of its own, as long as the program runs.
#[cfg(unix)]
fn listen_to_signals(sender: SyncSender<Happening>) -> io::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGTSTP};
    use signal_hook::iterator::Signals;
    let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT, SIGTSTP])?;
    let thread = std::thread::Builder::new().name("inspect signals".to_owned());
    thread.spawn(move || {
        for signal in signals.forever() {
            if sender.send(Happening::Signal(signal)).is_err() {
                return;
            }
        }
    })?;
    Ok(())
}

#[cfg(not(unix))]
fn listen_to_signals(_: SyncSender<Happening>) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base_64() {
        for (text, expected) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
        ] {
            assert_eq!(base64(text.as_bytes()), expected);
        }
    }
}
