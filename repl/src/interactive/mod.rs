//! The prompt on a terminal.

mod complete;
mod files;
mod helper;
mod history;
mod keys;
mod marks;
mod prompt;
mod terminal;

use std::borrow::Cow;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use rustyline::config::Configurer;
use rustyline::error::ReadlineError;
use rustyline::history::{FileHistory, History};
use rustyline::{ColorMode, CompletionType, Config, Editor, Event, EventHandler, ExternalPrinter};

pub use complete::{Item, Snapshot, complete};
pub use helper::{Assistant, highlight, names};
pub use keys::SharedTyping;
pub use prompt::{prompt, short_name};

use crate::display::{TAB, width};
use crate::exit::Exit;
use crate::script::{PieceKind, pieces};
use crate::session::{Halt, Session};
use history::Recalled;
use keys::Keys;

/// Statements that the history keeps.
const HISTORY: usize = 10_000;

/// Where a prompt keeps what outlives it.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// The history of statements.
    pub history: Option<PathBuf>,
    /// A script that is run first.
    pub rc: Option<PathBuf>,
}

/// Reads and runs statements until the person leaves.
pub fn run(session: &mut Session, places: &Places, read_only: bool) -> Exit {
    let _watch = terminal::restore_on_signals();
    let mut prompt_loop = match Prompt::new(session, places, read_only) {
        Ok(prompt_loop) => prompt_loop,
        Err(error) => {
            let _ = session.output().diagnostic(&format!("error: cannot read from this terminal: {error}"));
            return Exit::CannotOpen;
        }
    };
    if let Some(rc) = &places.rc
        && rc.is_file()
        && let Err(Halt::Quit) = session.run_rc(rc)
    {
        session.leave();
        return Exit::Ok;
    }
    let exit = prompt_loop.run(session);
    session.leave();
    exit
}

struct Prompt {
    editor: Editor<Assistant, Recalled>,
    typing: SharedTyping,
    read_only: bool,
    history: Option<PathBuf>,
    last: String,
}

impl Prompt {
    fn new(session: &mut Session, places: &Places, read_only: bool) -> rustyline::Result<Self> {
        let style = session.settings.style;
        let config = Config::builder()
            .max_history_size(HISTORY)?
            .history_ignore_dups(true)?
            .history_ignore_space(true)
            .completion_type(CompletionType::List)
            .completion_show_all_if_ambiguous(true)
            // What draws the line is asked for marks too, not for colours alone.
            .color_mode(ColorMode::Forced)
            .bracketed_paste(true)
            .tab_stop(TAB)
            .build();
        let history = Recalled::new(FileHistory::with_config(&config));
        let mut editor = Editor::with_history(config, history)?;
        // A long list has pages, which can be left.
        editor.set_completion_prompt_limit(usize::MAX);
        let typing = SharedTyping::default();
        let snapshot = Snapshot::default();
        editor.set_helper(Some(Assistant { snapshot, style, older: 0, typing: typing.clone() }));
        if let Ok(mut printer) = editor.create_external_printer() {
            session.print_news(Arc::new(Mutex::new(move |text| {
                // A terminal that is gone is noticed by whoever reads from it.
                let _ = printer.print(text);
            })));
        }
        editor.bind_sequence(Event::Any, EventHandler::Conditional(Box::new(Keys(typing.clone()))));
        if let Some(path) = &places.history {
            if let Some(folder) = path.parent() {
                let _ = std::fs::create_dir_all(folder);
            }
            if let Err(message) = editor.history_mut().open(path) {
                session.complain(&message);
            }
        }
        let older = editor.history().len();
        if let Some(assistant) = editor.helper_mut() {
            assistant.older = older;
        }
        for entry in editor.history().texts() {
            session.push_history(entry);
        }
        Ok(Prompt { editor, typing, read_only, history: places.history.clone(), last: String::new() })
    }

    fn run(&mut self, session: &mut Session) -> Exit {
        let mut initial = (String::new(), 0);
        let mut interrupted = String::new();
        loop {
            self.refresh(session);
            // Ctrl-C is a signal until the line editor has the keys again. Pressed too late for the last statement it
            // is not for the next one; behind a first Ctrl-C it is the second.
            if session.client().interrupt().take() && initial.0 == interrupted {
                initial = (String::new(), 0);
                interrupted.clear();
            }
            let target = session.target().to_owned();
            let shown = prompt(
                &target,
                session.session_name(),
                self.read_only,
                session.transaction(),
                session.settings.style,
            );
            self.typing.lock().prompt = width(&shown.0);
            let (left, right) = initial.0.split_at_checked(initial.1).unwrap_or((&initial.0, ""));
            let read =
                self.editor.readline_with_initial(&(shown.0.as_str(), shown.1.as_str()), (left, right));
            initial = (String::new(), 0);
            let (kept, seen, pasting) = {
                let mut typing = self.typing.lock();
                (typing.kept.take(), typing.seen.take(), typing.take_pasting())
            };
            match read {
                Ok(line) if kept.is_none() => {
                    interrupted.clear();
                    // On a terminal without cursor nothing is drawn, and no key makes a mark.
                    let text = if seen.is_some() { marks::text(&line) } else { Cow::Borrowed(line.as_str()) };
                    match self.accept(session, &text) {
                        Ok(next) => {
                            let next = marks::edited(&next).into_owned();
                            initial = (next.clone(), next.len());
                        }
                        Err(exit) => return exit,
                    }
                }
                Ok(_) | Err(ReadlineError::Interrupted) => {
                    let (text, cursor) = kept.unwrap_or_default();
                    // Once keeps the text, twice clears it.
                    if text.is_empty() || text == interrupted {
                        interrupted.clear();
                    } else {
                        let _ = session.say("(the text is kept; Ctrl-C again clears it)");
                        interrupted.clone_from(&text);
                        initial = (text, cursor);
                    }
                }
                Err(ReadlineError::Eof) => return Exit::Ok,
                Err(ReadlineError::Signal(_)) => {}
                // What the line editor has read already is lost with it, and the rest of it must not be run.
                Err(ReadlineError::Io(error)) if error.kind() == ErrorKind::InvalidData => {
                    terminal::discard_input();
                    if seen.is_some() {
                        terminal::clear_below();
                    }
                    let message = if pasting {
                        "what was pasted is no UTF-8 text: nothing of it was taken"
                    } else {
                        "what was typed is no UTF-8 text: it was left out, and what came right behind it"
                    };
                    session.complain(message);
                    initial = seen.unwrap_or_default();
                }
                Err(error) => {
                    session.complain(&format!("cannot read from this terminal: {error}"));
                    return Exit::CannotOpen;
                }
            }
        }
    }

    /// Renews what completion knows.
    fn refresh(&mut self, session: &mut Session) {
        let Some(assistant) = self.editor.helper_mut() else { return };
        assistant.snapshot.parameters = session.variables.iter().map(|(name, _)| name.to_owned()).collect();
        if session.take_catalog_may_differ()
            && let Ok(catalog) = session.catalog()
        {
            assistant.snapshot.catalog = catalog;
        }
    }

    /// Runs what was typed. Gives the text to begin the next line with.
    fn accept(&mut self, session: &mut Session, text: &str) -> Result<String, Exit> {
        let text = text.trim_end();
        if text.trim().is_empty() {
            return Ok(String::new());
        }
        let is_edit = |text: &str| text.trim_end_matches([';', ' ']) == "\\e";
        if is_edit(text.trim()) {
            return Ok(self.edit(session));
        }
        self.remember(session, text);
        for piece in pieces(text) {
            if piece.kind == PieceKind::Command && is_edit(piece.text) {
                return Ok(self.edit(session));
            }
            if piece.kind != PieceKind::Command {
                self.last = format!("{};", piece.text);
            }
            match session.run_piece(piece.kind, piece.text) {
                Ok(()) => {}
                Err(Halt::Quit) => return Err(Exit::Ok),
                // The pager was left, or the person said stop: back to the prompt.
                Err(Halt::Closed | Halt::Cancelled | Halt::Failed) => break,
                Err(Halt::Output(error)) => {
                    let _ =
                        session.output().diagnostic(&format!("error: the output cannot be written: {error}"));
                    let _ = session.output().redirect(None);
                    break;
                }
            }
        }
        Ok(String::new())
    }

    fn remember(&mut self, session: &mut Session, text: &str) {
        if matches!(self.editor.add_history_entry(marks::edited(text).as_ref()), Ok(true)) {
            session.push_history(text);
            if let Some(path) = &self.history {
                // A history that cannot be written is no reason to stop.
                let _ = self.editor.append_history(path);
            }
        }
    }

    /// The last statement, edited in the person's editor.
    fn edit(&mut self, session: &mut Session) -> String {
        match terminal::edit(&self.last) {
            Ok(text) => text,
            Err(message) => {
                let _ = session.output().diagnostic(&format!("error: {message}"));
                String::new()
            }
        }
    }
}
