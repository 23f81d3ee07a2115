//! The prompt on a terminal.

mod complete;
mod files;
mod helper;
mod prompt;
mod terminal;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rustyline::config::Configurer;
use rustyline::error::ReadlineError;
use rustyline::history::{FileHistory, History};
use rustyline::{
    Cmd, ColorMode, CompletionType, ConditionalEventHandler, Config, Editor, Event, EventContext,
    EventHandler, ExternalPrinter, KeyCode, KeyEvent, Modifiers, RepeatCount,
};

pub use complete::{Item, Snapshot, complete};
pub use helper::{Assistant, highlight, names};
pub use prompt::{prompt, short_name};

use crate::exit::Exit;
use crate::script::{PieceKind, pieces};
use crate::session::{Halt, Session};

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

/// The text and cursor when Ctrl-C was pressed.
type Kept = Arc<Mutex<Option<(String, usize)>>>;

/// Ctrl-C: keeps the text and ends the line with it. An interrupt would drop what was typed behind it and read
/// already.
struct KeepText(Kept);

impl ConditionalEventHandler for KeepText {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext<'_>) -> Option<Cmd> {
        let text = (context.line().to_owned(), context.pos());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(text);
        Some(Cmd::AcceptLine)
    }
}

/// Any other key: what ends the line next is not the Ctrl-C before it, which a list of candidates may have taken.
struct ForgetText(Kept);

impl ConditionalEventHandler for ForgetText {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, _: &EventContext<'_>) -> Option<Cmd> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
        None
    }
}

/// Tab at the start of a line after the first is a part of text that is typed or pasted, as nothing begins there that
/// could be completed.
struct Indent;

impl ConditionalEventHandler for Indent {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext<'_>) -> Option<Cmd> {
        let before = context.line().get(..context.pos())?;
        let (_, line) = before.rsplit_once('\n')?;
        line.trim().is_empty().then(|| Cmd::Insert(1, "\t".to_owned()))
    }
}

/// Reads and runs statements until the person leaves.
pub fn run(session: &mut Session, places: &Places, read_only: bool) -> Exit {
    terminal::restore_on_signals();
    let mut prompt_loop = match Prompt::new(session, places, read_only) {
        Ok(prompt_loop) => prompt_loop,
        Err(error) => {
            let _ = session.output().diagnostic(&format!("error: cannot read from this terminal: {error}"));
            return Exit::CannotOpen;
        }
    };
    if let Some(rc) = &places.rc
        && rc.is_file()
        && let Err(Halt::Quit) = session.run_file(rc)
    {
        session.leave();
        return Exit::Ok;
    }
    let exit = prompt_loop.run(session);
    session.leave();
    exit
}

struct Prompt {
    editor: Editor<Assistant, FileHistory>,
    kept: Kept,
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
            .color_mode(if style.colour { ColorMode::Forced } else { ColorMode::Disabled })
            .bracketed_paste(true)
            .tab_stop(4)
            .build();
        let mut editor = Editor::with_history(config.clone(), FileHistory::with_config(&config))?;
        editor.set_completion_prompt_limit(200);
        editor.set_helper(Some(Assistant { snapshot: Snapshot::default(), style, older: 0 }));
        if let Ok(mut printer) = editor.create_external_printer() {
            session.print_news(Arc::new(Mutex::new(move |text| {
                // A terminal that is gone is noticed by whoever reads from it.
                let _ = printer.print(text);
            })));
        }
        let kept = Kept::default();
        let ctrl_c = KeyEvent(KeyCode::Char('C'), Modifiers::CTRL);
        editor.bind_sequence(ctrl_c, EventHandler::Conditional(Box::new(KeepText(kept.clone()))));
        editor.bind_sequence(Event::Any, EventHandler::Conditional(Box::new(ForgetText(kept.clone()))));
        let tab = KeyEvent(KeyCode::Tab, Modifiers::NONE);
        editor.bind_sequence(tab, EventHandler::Conditional(Box::new(Indent)));
        let alt_enter = KeyEvent(KeyCode::Enter, Modifiers::ALT);
        editor.bind_sequence(alt_enter, EventHandler::Simple(Cmd::Newline));
        if let Some(path) = &places.history {
            if let Some(folder) = path.parent() {
                let _ = std::fs::create_dir_all(folder);
            }
            // The first time there is none.
            let _ = editor.load_history(path);
        }
        let older = editor.history().len();
        if let Some(assistant) = editor.helper_mut() {
            assistant.older = older;
        }
        for entry in editor.history().iter() {
            session.push_history(entry);
        }
        Ok(Prompt { editor, kept, read_only, history: places.history.clone(), last: String::new() })
    }

    fn run(&mut self, session: &mut Session) -> Exit {
        let mut initial = (String::new(), 0);
        let mut interrupted = String::new();
        loop {
            self.refresh(session);
            // What was pressed too late for the last statement is not for the next one.
            session.client().interrupt().take();
            let target = session.target().to_owned();
            let shown = prompt(
                &target,
                session.session_name(),
                self.read_only,
                session.transaction(),
                session.settings.style,
            );
            let (left, right) = initial.0.split_at_checked(initial.1).unwrap_or((&initial.0, ""));
            let read =
                self.editor.readline_with_initial(&(shown.0.as_str(), shown.1.as_str()), (left, right));
            initial = (String::new(), 0);
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
            match read {
                Ok(text) if kept.is_none() => {
                    interrupted.clear();
                    match self.accept(session, &text) {
                        Ok(next) => initial = (next.clone(), next.len()),
                        Err(exit) => return exit,
                    }
                }
                Ok(_) | Err(ReadlineError::Interrupted) => {
                    let (text, cursor) = kept.unwrap_or_default();
                    // Once keeps the text, twice clears it.
                    if text.is_empty() || text == interrupted {
                        interrupted.clear();
                    } else {
                        let _ = session.output().note("(the text is kept; Ctrl-C again clears it)");
                        interrupted.clone_from(&text);
                        initial = (text, cursor);
                    }
                }
                Err(ReadlineError::Eof) => return Exit::Ok,
                Err(ReadlineError::Signal(_)) => {}
                Err(error) => {
                    let _ = session
                        .output()
                        .diagnostic(&format!("error: cannot read from this terminal: {error}"));
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
        if matches!(self.editor.add_history_entry(text), Ok(true)) {
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
