//! Opening what a target string names.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use ankurah::{Attached, Context, Durability, LocalError, OpenError, OpenOptions, Target};
use ankurah_core::env::fixed::FixedEnv;
use ankurah_core::node::protocol::Connection;
use ankurah_core::node::{Node, NodeError, ReadOnly};
use ankurah_core::storage::StorageError;
use futures::executor::block_on;

use crate::display::Safe;
use crate::journal;
use crate::panics::caught;
use crate::reattach::{Manner, Reattach};

/// What a target is opened for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Reading and writing; a store that does not exist is made.
    Create,
    /// As [`Mode::Create`], to write much that can be written again: [`Opened::finish`] sees to it that it is on disk.
    Fill,
    /// Reading and writing a store that exists.
    Write,
    /// Reading alone.
    Read,
    /// Reading alone, most of it once: what the engine keeps in memory would not be read again.
    Once,
}

/// What an engine may cache of what is read once, in bytes: enough for paths through references.
const CACHE_ONCE: u64 = 16 << 20;

/// How often opening a store that another process has open is tried again, and how long to wait each time.
const TRIES: u32 = 10;
const PAUSE: Duration = Duration::from_millis(20);

/// An open target. It is closed when it is dropped.
pub struct Opened {
    /// The way to its node.
    pub connection: Arc<dyn Connection>,
    /// What is shown of it: without secrets.
    pub name: String,
    held: Held,
    /// What finds the store again, where the process that was attached to ends.
    again: Option<Arc<Reattach>>,
}

/// Where a store is open.
#[derive(Clone, Debug)]
pub enum Place {
    /// In this process.
    Here,
    /// In another process.
    There(Attached),
}

impl Place {
    /// What a target is called that is open there.
    pub fn title(&self, target: &str) -> String {
        let Place::There(attached) = self else { return target.to_owned() };
        match attached.welcome().process {
            _ if !attached.is_linked() => format!("{target} (nobody has it open)"),
            Some(process) => format!("{target} (process {process})"),
            None => target.to_owned(),
        }
    }
}

/// What keeps a target open.
#[derive(Clone)]
enum Held {
    /// The store is open in this process.
    Here(Context),
    /// It is open in another process.
    There(Attached),
}

impl Opened {
    /// The same under another name.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// Everything that was written is on disk when this returns, and nothing can be written any more; of a store that is
    /// open in another process that is for that one to see to. The message says what went wrong.
    pub fn finish(&self) -> Result<(), String> {
        let Held::Here(context) = &self.held else { return Ok(()) };
        caught(|| block_on(context.close()))
            .unwrap_or_else(|message| Err(StorageError::Io { action: "close the store".to_owned(), message }))
            .map_err(|error| error.to_string())
    }

    /// What is to be said where the store is open in another process: `attached to process 123 (ankurah), …`.
    pub fn notice(&self) -> Option<String> {
        let Held::There(attached) = &self.held else { return None };
        let welcome = attached.welcome();
        let read_only = if welcome.read_only { ", for reading alone" } else { "" };
        Some(format!("attached to {welcome}, which has the store open{read_only}"))
    }

    /// The node, where it is one of this process.
    pub fn node(&self) -> Option<&Node> {
        match &self.held {
            Held::Here(context) => Some(context.node()),
            Held::There(_) => None,
        }
    }

    /// Says so to the person, beside what is asked for.
    pub fn announce(&self) {
        if let Some(notice) = self.notice() {
            let _ = writeln!(io::stderr(), "{}", Safe::line(&notice));
        }
    }

    /// Says where the store is open after the process that was attached to ended.
    pub(crate) fn announce_again(&self) {
        if matches!(self.held, Held::Here(_)) {
            let _ = writeln!(io::stderr(), "the store is now open here");
        }
        self.announce();
    }

    /// Whether the process that was attached to has ended.
    pub(crate) fn is_broken(&self) -> bool {
        matches!(&self.held, Held::There(attached) if !attached.is_linked())
    }

    /// Where the store is open now, which changes where the process that was attached to ends. It does not wait.
    pub fn place(&self) -> Place {
        match (&self.again, &self.held) {
            (Some(again), _) => again.place(),
            (None, Held::Here(_)) => Place::Here,
            (None, Held::There(attached)) => Place::There(attached.clone()),
        }
    }

    /// The same, refusing what writes.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.connection = Arc::new(ReadOnly::new(self.connection.clone()));
        self
    }
}

impl Drop for Opened {
    fn drop(&mut self) {
        // What was acknowledged is safe without it; the next opening is quicker with it.
        if let Held::Here(context) = &self.held {
            let _ = caught(|| block_on(context.close()));
        }
    }
}

/// Opens a target; where another process has its store open, attaches to that one and says so on standard error. The
/// message says what went wrong and what to do.
pub fn open(target: &str, mode: Mode) -> Result<Opened, String> {
    let opened = try_open(target, mode).map_err(|error| error.to_string())?;
    opened.announce();
    Ok(opened)
}

/// The same with the error as such, saying nothing.
pub fn try_open(target: &str, mode: Mode) -> Result<Opened, OpenError> {
    open_in_manner(target, mode, Manner::Asking)
}

/// The same for someone who looks at it on a screen of its own: nothing is said there when the process that is attached
/// to has ended and the store is opened again.
pub fn watch(target: &str, mode: Mode) -> Result<Opened, OpenError> {
    open_in_manner(target, mode, Manner::Watching)
}

fn open_in_manner(target: &str, mode: Mode, manner: Manner) -> Result<Opened, OpenError> {
    let opened = open_once(target, mode)?;
    if matches!(opened.held, Held::Here(_)) {
        return Ok(opened);
    }
    let (name, held) = (opened.name.clone(), opened.held.clone());
    let again = Arc::new(Reattach::new(opened, target, mode, manner));
    Ok(Opened { connection: again.clone(), name, held, again: Some(again) })
}

/// Attaches for reading to whoever has the store of a target open; `None` where nobody has.
pub(crate) fn attach_only(target: &str) -> Option<Opened> {
    ankurah::attach(target, true).ok().map(|attached| attached_to(target, attached))
}

fn attached_to(target: &str, attached: Attached) -> Opened {
    let (connection, name) = (attached.connection(), target.to_owned());
    Opened { connection, name, held: Held::There(attached), again: None }
}

/// The same, where an end of the process that is attached to is the end of it.
pub(crate) fn open_once(target: &str, mode: Mode) -> Result<Opened, OpenError> {
    // What an engine panics at is what it did not expect in its files.
    caught(|| open_context(target, mode)).unwrap_or_else(|message| {
        let message = format!("the engine met something there that cannot be ({message})");
        let error = NodeError::Storage(StorageError::Damaged { what: "its files".to_owned(), message });
        Err(OpenError::Node { target: target.to_owned(), error })
    })
}

fn open_context(target: &str, mode: Mode) -> Result<Opened, OpenError> {
    let read_only = matches!(mode, Mode::Read | Mode::Once);
    let create = matches!(mode, Mode::Create | Mode::Fill);
    let mut options = options().create(create).read_only(read_only);
    if mode == Mode::Fill {
        options = options.durability(Durability::Buffered);
    }
    if mode == Mode::Once {
        options = options.cache(CACHE_ONCE);
    }
    let mut tries = TRIES;
    loop {
        let error = match block_on(options.open(target)) {
            Ok(context) => {
                let connection = context.node().connect();
                let (name, held) = (target.to_owned(), Held::Here(context));
                return Ok(Opened { connection, name, held, again: None });
            }
            Err(error) if is_locked(&error) => error,
            Err(error) => return Err(error),
        };
        match ankurah::attach(target, read_only) {
            Ok(attached) => return Ok(attached_to(target, attached)),
            // It may just be opening the store, or closing it.
            Err(LocalError::Silent { .. }) => return Err(error),
            Err(_) if tries == 0 => return Err(error),
            Err(_) => {
                tries -= 1;
                std::thread::sleep(PAUSE);
            }
        }
    }
}

/// Whether another process has the store open.
fn is_locked(error: &OpenError) -> bool {
    matches!(error, OpenError::Node { error: NodeError::Storage(StorageError::Locked { .. }), .. })
}

/// How a node is opened; it tells what this process says, where that is kept.
fn options() -> OpenOptions {
    let options = OpenOptions::new();
    match journal::journal() {
        Some(journal) => options.journal(journal),
        None => options,
    }
}

/// Whether the target is a place on disk where there is nothing.
pub fn is_missing(target: &str) -> bool {
    let parsed = Target::parse(target).ok();
    parsed.as_ref().and_then(Target::path).is_some_and(|path| !path.exists())
}

/// An empty store in memory with a fixed clock and fixed randomness.
pub fn fresh_fixed() -> Result<Opened, String> {
    const SEED: u64 = 1;
    let env = FixedEnv::new(SEED).env;
    let context = block_on(options().env(env).open_target(&Target::Memory));
    let context = context.map_err(|error| error.to_string())?;
    let (connection, name) = (context.node().connect(), "memory:".to_owned());
    Ok(Opened { connection, name, held: Held::Here(context), again: None })
}

/// The target given, or the store in the user's data folder.
pub fn or_default(target: Option<&str>) -> Result<String, String> {
    if let Some(target) = target {
        return Ok(target.to_owned());
    }
    match ankurah::default_target() {
        Some(target) => Ok(target.to_string()),
        None => Err("no target is given and there is no home folder to keep a store in".to_owned()),
    }
}
