//! `ankurah repl`: which statements come from where, and where their results go.

use std::borrow::Cow;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};

use ankurah_core::node::protocol::SessionId;

use crate::cli::ReplArgs;
use crate::client::{Client, Interrupt, Pump};
use crate::display::{Safe, Style, wrap};
use crate::exit::Exit;
use crate::format::Format;
use crate::interactive::{self, Places};
use crate::sample;
use crate::script::{is_incomplete, without_mark};
use crate::session::{Halt, Output, Session, Settings, render_message, rows_are_piped};
use crate::target::{self, Mode, Opened};

/// Runs the command.
pub fn command(args: &ReplArgs) -> Exit {
    let scripted = !args.command.is_empty() || !args.file.is_empty();
    let interactive = !scripted && io::stdin().is_terminal() && io::stdout().is_terminal();
    let error_style = Style::detect(args.display.color, args.display.ascii, &io::stderr());
    let complain = |message: &str| {
        let _ = writeln!(io::stderr(), "{}", render_message(message, error_style));
    };
    if args.sample && args.target.as_ref().is_some_and(|target| target != "memory:") {
        complain("--sample is a store in memory of its own: give no target with it");
        return Exit::Usage;
    }
    for file in args.file.iter().filter(|file| file.as_path() != Path::new("-")) {
        if let Err(error) = readable(file) {
            complain(&format!("cannot read {}: {error}", file.display()));
            return Exit::CannotOpen;
        }
    }
    let opened = match open(args) {
        Ok(opened) => opened,
        Err(message) => {
            complain(&message);
            return Exit::CannotOpen;
        }
    };
    let (interrupt, pump) = if interactive {
        (Interrupt::on_any_ctrl_c(), Pump::Thread)
    } else {
        (Interrupt::on_ctrl_c(), Pump::Here)
    };
    let output = if interactive { Output::paged() } else { Output::standard(io::stdout().is_terminal()) };
    let client = Client::new(opened.connection.clone(), SessionId(1), interrupt, pump);
    let mut session =
        Session::new(client, opened.name.clone(), settings(args, interactive, error_style), output);
    session.fit_terminal();
    for pair in &args.variable {
        if let Err(message) = session.variables.set_pair(pair) {
            complain(&message);
            return Exit::Usage;
        }
    }
    if interactive {
        if args.sample {
            let _ = session.say(
                "A sample in memory: the collection `album`. \\d album describes it, \\? is help, \\q leaves.\n\
                 Try:  select name, year from album where rating >= 4.5 order by year limit 5;",
            );
        }
        let places = places(args.no_rc);
        return interactive::run(&mut session, &places, args.read_only);
    }
    let result = run(args, scripted, &mut session).and_then(|()| session.follow_lives());
    // The last rows may still be on their way.
    let flushed = session.output().flush().map_err(Halt::from);
    let exit = exit(result.and(flushed), &mut session);
    // What a script did not commit is lost to it.
    if session.leave() && exit == Exit::Ok { Exit::Failed } else { exit }
}

/// Whether a script can be read: whether it is there, may be opened, and is no folder.
fn readable(file: &Path) -> io::Result<()> {
    let kind = std::fs::File::open(file)?.metadata()?;
    if kind.is_dir() { Err(io::ErrorKind::IsADirectory.into()) } else { Ok(()) }
}

fn open(args: &ReplArgs) -> Result<Opened, String> {
    if args.sample {
        return sample::open(args.read_only);
    }
    let target = target::or_default(args.target.as_deref())?;
    let is_new = target::is_missing(&target);
    let opened = target::open(&target, if args.read_only { Mode::Read } else { Mode::Create })?;
    if is_new {
        // Said, so that a name with a slip of the pen is seen.
        let said = format!("made a new store at {}", Safe::line(&target));
        let size = crossterm::terminal::size().ok().filter(|_| io::stderr().is_terminal());
        let said = wrap(&said, size.map(|(columns, _)| usize::from(columns)), 2);
        let _ = writeln!(io::stderr(), "{said}");
    }
    Ok(opened)
}

fn settings(args: &ReplArgs, interactive: bool, error_style: Style) -> Settings {
    let terminal = io::stdout().is_terminal();
    let format = args.format.unwrap_or(if terminal { Format::Table } else { Format::Tsv });
    Settings {
        format,
        format_is_set: args.format.is_some(),
        terminal,
        pager: interactive,
        style: Style::detect(args.display.color, args.display.ascii, &io::stdout()),
        error_style,
        row_counts: !rows_are_piped(),
        keep_going: args.keep_going,
        live_json: !interactive,
        ..Settings::default()
    }
}

/// Where the history and the rc file are.
fn places(no_rc: bool) -> Places {
    let Some(folders) = directories::ProjectDirs::from("", "", "ankurah") else { return Places::default() };
    let history = std::env::var_os("ANKURAH_HISTORY").map(PathBuf::from);
    Places {
        history: Some(history.unwrap_or_else(|| folders.data_dir().join("history"))),
        rc: (!no_rc).then(|| folders.config_dir().join("replrc")),
    }
}

fn run(args: &ReplArgs, scripted: bool, session: &mut Session) -> Result<(), Halt> {
    let mut failed = false;
    let mut keep = |result: Result<(), Halt>| match result {
        Err(Halt::Failed) if args.keep_going => {
            failed = true;
            Ok(())
        }
        other => other,
    };
    for command in &args.command {
        keep(session.run_script(command, None))?;
    }
    for file in &args.file {
        if file == Path::new("-") {
            keep(standard_input(session))?;
        } else {
            keep(session.run_file(file))?;
        }
    }
    if !scripted {
        keep(standard_input(session))?;
    }
    if failed { Err(Halt::Failed) } else { Ok(()) }
}

/// Runs statements from standard input, each as soon as it is complete. A line that is no UTF-8 fails, and with it
/// the statement that it is a part of: what can be read of it is not run.
fn standard_input(session: &mut Session) -> Result<(), Halt> {
    let mut input = io::stdin().lock();
    let interrupt = session.client().interrupt().clone();
    let mut script = String::new();
    let mut failed = false;
    let mut is_text = true;
    let mut run = |session: &mut Session, script: &mut String, is_text: bool| {
        let script = std::mem::take(script);
        let result = if is_text { session.run_script(&script, None) } else { Err(Halt::Failed) };
        match result {
            Err(Halt::Failed) if session.settings.keep_going => {
                failed = true;
                Ok(())
            }
            other => other,
        }
    };
    for number in 1u64.. {
        let mut bytes = Vec::new();
        let Some(read) = interrupt.unless_raised(|| input.read_until(b'\n', &mut bytes)) else {
            return Err(Halt::Cancelled);
        };
        match read {
            Ok(0) => break,
            Ok(_) => {}
            Err(error) => {
                complain(session, &format!("cannot read the input: {error}"))?;
                return Err(Halt::Failed);
            }
        }
        let line = match std::str::from_utf8(&bytes) {
            Ok(line) => Cow::Borrowed(line),
            Err(error) => {
                let byte = error.valid_up_to() + 1;
                let place = format!("standard input:{number}");
                complain(session, &format!("{place}: invalid UTF-8 at byte {byte} of the line"))?;
                if !session.settings.keep_going {
                    return Err(Halt::Failed);
                }
                is_text = false;
                String::from_utf8_lossy(&bytes)
            }
        };
        let ends = line.contains(';')
            || script.trim().is_empty()
            || line.contains("*/")
            || line.contains(['\'', '"']);
        script.push_str(if number == 1 { without_mark(&line) } else { &line });
        if ends && !is_incomplete(&script) {
            run(session, &mut script, is_text)?;
            is_text = true;
        }
    }
    run(session, &mut script, is_text)?;
    if failed { Err(Halt::Failed) } else { Ok(()) }
}

/// Says what is wrong with the input.
fn complain(session: &mut Session, message: &str) -> Result<(), Halt> {
    let message = render_message(message, session.settings.error_style);
    Ok(session.output().diagnostic(&message)?)
}

fn exit(result: Result<(), Halt>, session: &mut Session) -> Exit {
    match result {
        Ok(()) | Err(Halt::Quit | Halt::Closed) => Exit::Ok,
        Err(Halt::Cancelled) => Exit::Cancelled,
        Err(Halt::Failed) => Exit::Failed,
        Err(Halt::Output(error)) => {
            let style = session.settings.error_style;
            let message = render_message(&format!("the output cannot be written: {error}"), style);
            let _ = writeln!(io::stderr(), "{message}");
            Exit::CannotOpen
        }
    }
}
