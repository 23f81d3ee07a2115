//! `ankurah inspect`: the terminal inspector.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ankurah_core::node::ReadOnly;
use ankurah_core::node::protocol::{Connection, SessionId};
use ankurah_inspector::keymap::Keymap;
use ankurah_inspector::state::Options;
use ankurah_inspector::theme::{Palette, Theme};
use ankurah_inspector::{End, Host, RunError, dump};

use crate::cli::{InspectArgs, ThemeName};
use crate::client::{Client, Interrupt, Pump};
use crate::display::{Safe, Style};
use crate::exit::Exit;
use crate::fixture;
use crate::format::Format;
use crate::interactive::{self, Places};
use crate::sample;
use crate::session::{Output, Session, Settings, render_message};
use crate::target::{self, Mode, Opened};

/// Runs the command.
pub fn command(args: &InspectArgs) -> Exit {
    let error_style = Style::detect(args.display.color, args.display.ascii, &io::stderr());
    let complain = |message: &str| {
        let _ = writeln!(io::stderr(), "{}", render_message(message, error_style));
    };
    if args.sample && args.target.as_ref().is_some_and(|target| target != "memory:") {
        complain("--sample is a store in memory of its own: give no target with it");
        return Exit::Usage;
    }
    let keymap = match keymap(args) {
        Ok(keymap) => keymap,
        Err(message) => {
            complain(&message);
            return Exit::Usage;
        }
    };
    let (opened, target) = match open(args) {
        Ok(found) => found,
        Err(message) => {
            complain(&message);
            return Exit::CannotOpen;
        }
    };
    if args.dump.is_none() && !(io::stdin().is_terminal() && io::stdout().is_terminal()) {
        complain("inspect needs a terminal; --dump 120x40 prints a screen without one");
        return Exit::Usage;
    }
    let options = Options { name: opened.name.clone(), write: args.write, keymap };
    let theme = theme(args);
    let connection = opened.connection.clone();
    if let Some(size) = args.dump {
        let keys = args.keys.clone().unwrap_or_default().0;
        let screen = dump(connection, options, theme, &keys, size);
        return match io::stdout().write_all(screen.as_bytes()) {
            Ok(()) => Exit::Ok,
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Ok,
            Err(_) => Exit::CannotOpen,
        };
    }
    // From here on Ctrl-C is a key, and the signal a way out.
    let _interrupt = Interrupt::on_any_ctrl_c();
    let mut host = Prompt { opened: &opened, target, args };
    let ended = ankurah_inspector::run(connection, options, theme, &mut host);
    drop(opened);
    match ended {
        Ok(End::Quit) => Exit::Ok,
        Ok(End::Signal(signal)) => {
            // Whoever sent it sees that it was obeyed.
            let _ = signal_hook::low_level::emulate_default_handler(signal);
            Exit::Cancelled
        }
        Err(error @ RunError::Terminal(_)) => {
            complain(&error.to_string());
            Exit::CannotOpen
        }
    }
}

/// What is inspected, and the target that it was opened by.
fn open(args: &InspectArgs) -> Result<(Opened, Option<String>), String> {
    if args.sample {
        let read_only = !args.write;
        let opened =
            if args.dump.is_some() { sample::open_fixed(read_only) } else { sample::open(read_only) };
        return Ok((opened?, None));
    }
    let target = target::or_default(args.target.as_deref())?;
    let opened = target::watch(&target, if args.write { Mode::Write } else { Mode::Read });
    let opened = opened.map_err(|error| error.to_string())?;
    // The title says whose store it is that is looked into.
    let title = opened.place().title(&target);
    Ok((opened.named(&title), Some(target)))
}

fn keymap(args: &InspectArgs) -> Result<Keymap, String> {
    // A screen that is to be the same everywhere does not depend on a person's files.
    let own =
        || directories::ProjectDirs::from("", "", "ankurah").map(|folders| folders.config_dir().join("keys"));
    match (&args.key_file, args.dump) {
        (Some(path), _) => read_keymap(path, false),
        (None, Some(_)) => Keymap::standard().map_err(|error| error.to_string()),
        (None, None) => read_keymap(&own().unwrap_or_default(), true),
    }
}

/// The keys of a file; where it need not be there, a missing one changes nothing.
fn read_keymap(path: &Path, optional: bool) -> Result<Keymap, String> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if optional && error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(format!("cannot read the keys in {}: {error}", path.display())),
    };
    Keymap::read(&text).map_err(|error| format!("{}: {error}", path.display()))
}

fn theme(args: &InspectArgs) -> Theme {
    let colour = args.dump.is_some() || Style::detect(args.display.color, false, &io::stdout()).colour;
    let many = ["TERM", "COLORTERM"].iter().any(|name| {
        std::env::var(name).is_ok_and(|value| value.contains("256color") || value.contains("truecolor"))
    });
    let palette = match args.theme {
        _ if !colour => Palette::None,
        Some(ThemeName::Dark) => Palette::Dark,
        Some(ThemeName::Light) => Palette::Light,
        Some(ThemeName::Ansi) => Palette::Ansi,
        Some(ThemeName::None) => Palette::None,
        None if many => Palette::Dark,
        None => Palette::Ansi,
    };
    Theme { palette, ascii: args.display.ascii }
}

/// What the inspector can have done outside of it.
struct Prompt<'a> {
    opened: &'a Opened,
    /// What was opened, where it is more than a sample.
    target: Option<String>,
    args: &'a InspectArgs,
}

impl Host for Prompt<'_> {
    fn name(&self) -> Option<String> {
        self.target.as_ref().map(|target| self.opened.place().title(target))
    }

    fn repl(&mut self, statement: &str, past: bool) {
        let display = &self.args.display;
        let settings = Settings {
            format: Format::Table,
            terminal: true,
            pager: true,
            style: Style::detect(display.color, display.ascii, &io::stdout()),
            error_style: Style::detect(display.color, display.ascii, &io::stderr()),
            ..Settings::default()
        };
        let read_only = past || !self.args.write;
        let connection: Arc<dyn Connection> = match read_only {
            true => Arc::new(ReadOnly::new(self.opened.connection.clone())),
            false => self.opened.connection.clone(),
        };
        let client = Client::new(connection, SessionId(2), Interrupt::on_any_ctrl_c(), Pump::Thread);
        let name = self.name().unwrap_or_else(|| self.opened.name.clone());
        let mut session = Session::new(client, name.clone(), settings, Output::paged());
        session.fit_terminal();
        let _ = session.say(match past {
            true => "A prompt on the past, which is only read; \\q goes back.",
            false => "A prompt on what is inspected; \\q goes back.",
        });
        if !statement.is_empty() {
            let shown = format!("{name}> {};", Safe::line(statement));
            let _ = session.say(&shown);
            let _ = session.run_script(&format!("{statement};"), None);
        }
        interactive::run(&mut session, &Places::default(), read_only);
    }

    fn save(&mut self, name: &str, script: &str) -> Result<String, String> {
        save(Path::new(name), script)
    }
}

/// Names that are tried for a file.
const NAMES: usize = 1000;

/// Writes a script to a new file, with what it prints, once it is seen to pass. Where there is a file of this name,
/// another one is taken: `a-2.ank` after `a.ank`.
fn save(path: &Path, script: &str) -> Result<String, String> {
    let connect = || target::fresh_fixed().map(|opened| (opened.connection.clone(), Some(opened)));
    let fixture = fixture::complete(script, connect, &Interrupt::default())
        .map_err(|error| format!("nothing is written: the script was tried, and {error}"))?;
    let cannot = |path: &Path, error: io::Error| format!("cannot write {}: {error}", path.display());
    let (mut file, path) = create_beside(path).map_err(|error| cannot(path, error))?;
    if let Err(error) = file.write_all(fixture.as_bytes()) {
        // A part of it is no fixture.
        let _ = std::fs::remove_file(&path);
        return Err(cannot(&path, error));
    }
    Ok(format!("{} is written, and passes", path.display()))
}

/// A new file of this name, or of the first free one like it.
fn create_beside(path: &Path) -> io::Result<(std::fs::File, PathBuf)> {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let extension = path.extension().map(|end| format!(".{}", end.to_string_lossy())).unwrap_or_default();
    let others = (2..=NAMES).map(|number| path.with_file_name(format!("{stem}-{number}{extension}")));
    let mut taken = io::ErrorKind::AlreadyExists.into();
    for path in std::iter::once(path.to_owned()).chain(others) {
        match std::fs::File::create_new(&path) {
            Ok(file) => return Ok((file, path)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => taken = error,
            Err(error) => return Err(error),
        }
    }
    Err(taken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_file_of_keys_that_is_not_there_is_silent() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("keys");
        assert!(read_keymap(&missing, true).is_ok());
        assert!(read_keymap(&missing, false).unwrap_err().contains("cannot read the keys in"));
        // A folder, and bytes that are no text.
        assert!(read_keymap(folder.path(), true).unwrap_err().contains("cannot read the keys in"));
        std::fs::write(&missing, b"quit = \xff").unwrap();
        assert!(read_keymap(&missing, true).unwrap_err().contains("cannot read the keys in"));
        std::fs::write(&missing, "quit = f24").unwrap();
        assert!(read_keymap(&missing, true).unwrap_err().contains("keys: line 1: `f24` is not sent"));
    }

    #[test]
    fn an_exported_file_has_a_name_of_its_own_and_is_never_broken() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("entity.ank");
        let script = "create model a (b string);\ninsert into a (b) values ('c');\nselect b from a;\n";
        for name in ["entity.ank", "entity-2.ank", "entity-3.ank"] {
            let said = save(&path, script).unwrap();
            assert!(said.ends_with(&format!("{name} is written, and passes")), "{said}");
            let written = std::fs::read_to_string(folder.path().join(name)).unwrap();
            assert!(written.ends_with("--|  c\n"), "{written}");
        }
        let said = save(&path, "select 'a\n--| b';\n").unwrap_err();
        assert!(said.contains("nothing is written") && said.contains("inside of a statement"), "{said}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3);
    }
}
