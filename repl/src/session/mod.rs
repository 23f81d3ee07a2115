//! A session as a person or a script has it: statements and commands in, results out.

mod command;
mod describe;
mod failure;
mod graph;
mod help;
mod live;
mod log;
mod meta;
mod output;
mod pager;
mod result;
mod settings;
mod several;
mod variables;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ankurah_core::node::protocol::{CatalogView, Failure, TransactionState};

use crate::client::{Client, Stop};
use crate::display::{Safe, Tone, wrap};
use crate::script::{PieceKind, decode, pieces, without_mark};

pub(crate) use command::expand;
pub(crate) use describe::{Types, find_model};
use failure::render_message_in;
pub use failure::{render_failure, render_message, render_place};
pub use help::{COMMANDS, CommandInfo, Takes};
use live::Lives;
pub use live::Printer;
pub use output::{Output, Shared, rows_are_piped};
pub use settings::Settings;
use several::Several;
pub use variables::{Naming, Variables};

/// Why a session stops in the midst of its input.
#[derive(Debug)]
pub enum Halt {
    /// `\q`
    Quit,
    /// Nobody reads the output any more.
    Closed,
    /// Ctrl-C.
    Cancelled,
    /// A statement or command failed; it has been said.
    Failed,
    /// The output cannot be written.
    Output(io::Error),
}

impl From<io::Error> for Halt {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Halt::Closed } else { Halt::Output(error) }
    }
}

/// How deep scripts may include scripts.
const DEEPEST: usize = 16;

/// Where in which script a statement stands.
#[derive(Clone)]
struct Place {
    name: Option<Arc<str>>,
    script: Arc<str>,
    start: usize,
    line: usize,
}

/// Where a script ended before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unrun {
    /// The first line of the statement at which it ended, from 1.
    pub line: usize,
    /// The statements and commands behind that one.
    pub rest: usize,
}

/// A session.
pub struct Session {
    client: Client,
    /// What `\set`, `\pset` and their kin change.
    pub settings: Settings,
    /// Parameters.
    pub variables: Variables,
    output: Output,
    target: String,
    transaction: TransactionState,
    catalog_may_differ: bool,
    /// The scripts that are being run, each included by the one before it.
    scripts: Vec<PathBuf>,
    place: Option<Place>,
    history: Vec<String>,
    unrun: Option<Unrun>,
    last_had_rows: bool,
    several: Several,
    lives: Lives,
}

impl Session {
    /// A session of a client. `target` is what is shown of it: no secret may be in it.
    pub fn new(client: Client, target: String, settings: Settings, output: Output) -> Self {
        let several = Several::new(client.session());
        Session {
            client,
            settings,
            variables: Variables::default(),
            output,
            target,
            transaction: TransactionState::Idle,
            catalog_may_differ: true,
            scripts: Vec::new(),
            place: None,
            history: Vec::new(),
            unrun: None,
            last_had_rows: false,
            several,
            lives: Lives::default(),
        }
    }

    /// The client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// What is shown of the target.
    pub fn target(&self) -> &str {
        &self.target
    }

    /// The transaction state after the last statement.
    pub fn transaction(&self) -> TransactionState {
        self.transaction
    }

    /// Whether the last statement gave rows, if only a heading.
    pub fn last_had_rows(&self) -> bool {
        self.last_had_rows
    }

    /// Where results go.
    pub fn output(&mut self) -> &mut Output {
        &mut self.output
    }

    /// Adds to what `\history` shows.
    pub fn push_history(&mut self, statement: &str) {
        self.history.push(statement.to_owned());
    }

    /// Whether a statement ran since the last call that may have changed the catalog.
    pub fn take_catalog_may_differ(&mut self) -> bool {
        std::mem::take(&mut self.catalog_may_differ)
    }

    /// The catalog now.
    pub fn catalog(&self) -> Result<CatalogView, Stop> {
        self.client.catalog()
    }

    /// Says that the open transaction is lost, where there is one. Gives whether there is.
    pub fn leave(&mut self) -> bool {
        if self.transaction == TransactionState::Idle && !self.several.any_open() {
            return false;
        }
        let text = render_message("the open transaction was rolled back", self.settings.error_style);
        // Where nobody listens, the exit code still says it.
        let _ = self.output.diagnostic(&text);
        true
    }

    /// Runs a script: every piece, until one fails. `origin` names it in messages.
    pub fn run_script(&mut self, script: &str, origin: Option<&str>) -> Result<(), Halt> {
        let name: Option<Arc<str>> = origin.map(Arc::from);
        let shared: Arc<str> = Arc::from(script);
        let mut failed = false;
        let pieces = pieces(script);
        for (at, piece) in pieces.iter().enumerate() {
            let (start, line) = (piece.start, piece.line);
            self.place = Some(Place { name: name.clone(), script: shared.clone(), start, line });
            match self.run_piece(piece.kind, piece.text) {
                Ok(()) => {}
                Err(Halt::Failed) if self.settings.keep_going => failed = true,
                Err(halt) => {
                    self.place = None;
                    self.unrun = Some(Unrun { line, rest: pieces.len() - at - 1 });
                    return Err(halt);
                }
            }
        }
        self.place = None;
        if failed { Err(Halt::Failed) } else { Ok(()) }
    }

    /// Runs the script that stands before the first prompt. Where it ends before its end, it says what was not run.
    pub fn run_rc(&mut self, path: &Path) -> Result<(), Halt> {
        self.unrun = None;
        let result = self.run_file(path);
        // A file that cannot be read has been complained about.
        let (Err(Halt::Failed | Halt::Cancelled), Some(unrun)) = (&result, self.unrun) else { return result };
        let what = match unrun.rest {
            0 => "it was the last statement".to_owned(),
            1 => "the statement behind it was not run".to_owned(),
            rest => format!("the {rest} statements behind it were not run"),
        };
        let name = path.display().to_string();
        let text = format!("{} ended at line {}: {what}", Safe::line(&name), unrun.line);
        let text = self.settings.error_style.paint(Tone::Warning, &self.folded(&text));
        self.output.diagnostic(&text)?;
        result
    }

    /// Runs a script file.
    pub fn run_file(&mut self, path: &Path) -> Result<(), Halt> {
        let name = path.display().to_string();
        let known = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        // It would do so for ever, as nothing in a script can be left out.
        if self.scripts.contains(&known) {
            return self.fail(&format!("{name} is being run already: a script cannot include itself"));
        }
        if self.scripts.len() >= DEEPEST {
            return self.fail(&format!("{name}: scripts include each other more than {DEEPEST} deep"));
        }
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) => return self.fail(&format!("cannot read {name}: {error}")),
        };
        let script = match decode(bytes) {
            Ok(script) => script,
            Err((line, byte)) => {
                return self.fail(&format!("{name}:{line}: invalid UTF-8 at byte {byte} of the line"));
            }
        };
        self.scripts.push(known);
        let outer = self.place.take();
        let result = self.run_script(without_mark(&script), Some(&name));
        self.place = outer;
        self.scripts.pop();
        result
    }

    /// Runs one statement or command.
    pub fn run_piece(&mut self, kind: PieceKind, text: &str) -> Result<(), Halt> {
        // It may have another size than when the last prompt was shown.
        self.fit_terminal();
        if self.settings.pager && self.scripts.is_empty() {
            self.output.begin_page(self.settings.height.saturating_sub(1))?;
        }
        let result = match kind {
            PieceKind::Command => self.run_command(text),
            PieceKind::Statement | PieceKind::Rest => {
                let done = self.run_live(text).unwrap_or_else(|| self.run_statement(text));
                // What it did to live queries is shown in any case.
                self.tell_lives().and(done)
            }
        };
        if !self.scripts.is_empty() {
            return result;
        }
        let ended = self.output.end_page();
        result.and_then(|()| Ok(ended?))
    }

    /// Finds out how large the terminal is.
    pub fn fit_terminal(&mut self) {
        // Where there is none, it would be looked for at length.
        if !self.settings.terminal {
            return;
        }
        if let Ok((columns, lines)) = crossterm::terminal::size() {
            self.settings.height = usize::from(lines);
            if !self.settings.width_is_set {
                self.settings.width = Some(usize::from(columns)).filter(|columns| *columns > 0);
            }
        }
    }

    /// Says what a failed statement was about.
    fn show_failure(&mut self, statement: &str, failure: &Failure) -> Result<(), Halt> {
        let mut failure = self.variables.name_ids(failure);
        let place = self.place.clone();
        let mut source = statement;
        if let Some(place) = &place {
            // Shown where it stands in the script.
            source = &place.script;
            failure.span = failure.span.map(|(from, to)| (from + place.start, to + place.start));
        }
        let origin = place.as_ref().and_then(|place| Some((place.name.as_deref()?, place.line)));
        let text = render_failure(&failure, source, origin, self.settings.error_style, self.settings.width);
        Ok(self.output.diagnostic(&text)?)
    }

    /// Says something that is no row, broken between words where the terminal is narrow.
    pub fn say(&mut self, text: &str) -> Result<(), Halt> {
        let text = self.folded(text);
        Ok(self.output.note(&text)?)
    }

    /// Says that something went wrong that is no statement's or command's, in lines as broken as [`Session::say`]'s.
    pub fn complain(&mut self, message: &str) {
        let (style, columns) = (self.settings.error_style, self.settings.width);
        let text = render_message_in(message, style, columns.filter(|_| self.settings.terminal));
        // Where nobody listens, there is nobody else to tell.
        let _ = self.output.diagnostic(&text);
    }

    /// A text with its lines broken between words where the output is a terminal.
    fn folded(&self, text: &str) -> String {
        wrap(text, self.settings.width.filter(|_| self.settings.terminal), 2)
    }

    /// Says that a command failed.
    fn fail(&mut self, message: &str) -> Result<(), Halt> {
        let place =
            self.place.as_ref().and_then(|place| Some(format!("{}:{}: ", place.name.as_ref()?, place.line)));
        let place = place.unwrap_or_default();
        let (style, columns) = (self.settings.error_style, self.settings.width);
        let text = render_message_in(&format!("{place}{message}"), style, columns);
        self.output.diagnostic(&text)?;
        Err(Halt::Failed)
    }
}
