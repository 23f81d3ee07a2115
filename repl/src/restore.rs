//! `ankurah restore`: from a dump into a store.

use std::fs::File;
use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;

use ankurah_core::dump::{DumpError, DumpReader, Header, ReadError, Unit};
use ankurah_core::node::protocol::{Event, Request, Restored, SessionId};

use crate::cli::RestoreArgs;
use crate::client::{Client, Interrupt, Pump, Stop};
use crate::display::{Safe, Style};
use crate::dump::counted;
use crate::exit::Exit;
use crate::session::{render_failure, render_message};
use crate::target::{self, Mode, Opened};

/// Units that are handed to the node at a time.
const UNITS: usize = 256;
/// The bytes at which no further unit is added to those.
const BYTES: usize = 1 << 20;
/// Operations that were turned away that are told one by one.
const TOLD: usize = 20;

/// Runs the command.
pub fn command(args: &RestoreArgs) -> Exit {
    let style = Style::detect(args.display.color, args.display.ascii, &io::stderr());
    let complain = |message: &str| {
        let _ = writeln!(io::stderr(), "{}", render_message(message, style));
    };
    let file = args.file.as_deref().filter(|file| *file != Path::new("-"));
    let name = file.map_or("standard input".to_owned(), |path| path.display().to_string());
    if file.is_none() && io::stdin().is_terminal() {
        complain("no dump is given: name a file, or write one to standard input");
        return Exit::Usage;
    }
    let input: Box<dyn Read> = match file {
        None => Box::new(io::stdin().lock()),
        Some(path) => match open(path) {
            Ok(file) => Box::new(file),
            Err(error) => {
                complain(&format!("cannot read {name}: {error}"));
                return Exit::CannotOpen;
            }
        },
    };
    // What is no dump changes nothing, so no store is made for it.
    let (reader, header) = match DumpReader::open(input) {
        Ok(opened) => opened,
        Err(error) => {
            complain(&format!("{name}: {error}"));
            return match error {
                ReadError::Dump(DumpError::Damaged { .. } | DumpError::Cut { .. }) => Exit::Differs,
                ReadError::Dump(_) | ReadError::Io(_) => Exit::CannotOpen,
            };
        }
    };
    let opened = match target::open(&args.target, Mode::Fill) {
        Ok(opened) => opened,
        Err(message) => {
            complain(&message);
            return Exit::CannotOpen;
        }
    };
    let mut filler = Filler::new(&opened, Interrupt::on_ctrl_c());
    let end = fill(reader, &mut filler);
    let kept = filler.finish();
    let safe = opened.finish();
    let restored = match kept {
        Ok(restored) => restored,
        Err(stop) => return stopped(&stop, style),
    };
    tell(&opened.name, &header, &restored, style);
    if let Err(message) = safe {
        complain(&message);
        return Exit::CannotOpen;
    }
    match end {
        Ok(()) if restored.invalid.is_empty() => Exit::Ok,
        Ok(()) => Exit::Differs,
        Err(Trouble::Read(error)) => {
            complain(&format!("{name}: {error}; what is before it was restored, what is after it was not"));
            match error {
                ReadError::Dump(_) => Exit::Differs,
                ReadError::Io(_) => Exit::CannotOpen,
            }
        }
        Err(Trouble::Node(stop)) => stopped(&stop, style),
    }
}

fn open(path: &Path) -> io::Result<File> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    Ok(file)
}

/// Says why the node did not go on.
fn stopped(stop: &Stop, style: Style) -> Exit {
    let mut err = io::stderr();
    match stop {
        Stop::Cancelled => {
            let _ = writeln!(err, "{}", render_message("cancelled; what was restored stays", style));
            Exit::Cancelled
        }
        Stop::Failed(failure) => {
            let _ = writeln!(err, "{}", render_failure(failure, "", None, style, None));
            Exit::Failed
        }
    }
}

/// Says what came of it.
fn tell(target: &str, header: &Header, restored: &Restored, style: Style) {
    let mut err = io::stderr();
    let mut told = vec![format!("{} new", counted(restored.new, "operation"))];
    let mut add = |number: u64, what: &str| {
        if number > 0 {
            told.push(format!("{number} {what}"));
        }
    };
    add(restored.known, "known before");
    add(restored.parked, "parked");
    add(restored.refused, "refused as before");
    let invalid = u64::try_from(restored.invalid.len()).unwrap_or(u64::MAX);
    add(invalid, "turned away");
    let line = format!(
        "restored {} from a dump of store {} at position {}: {}",
        target,
        header.store,
        header.position.0,
        told.join(", ")
    );
    let _ = writeln!(err, "{}", Safe::line(&line));
    for one in restored.invalid.iter().take(TOLD) {
        let name = one.id.map_or("an operation".to_owned(), |id| format!("operation {id}"));
        let _ =
            writeln!(err, "{}", render_message(&format!("{name} was turned away: {}", one.reason), style));
    }
    if let Some(more) = restored.invalid.len().checked_sub(TOLD).filter(|more| *more > 0) {
        let _ = writeln!(err, "{}", render_message(&format!("{more} more were turned away"), style));
    }
}

/// Why not everything of a dump was taken in.
enum Trouble {
    Read(ReadError),
    Node(Stop),
}

fn fill<R: Read>(mut reader: DumpReader<R>, filler: &mut Filler) -> Result<(), Trouble> {
    while let Some(unit) = reader.advance().map_err(Trouble::Read)? {
        filler.take(unit).map_err(Trouble::Node)?;
    }
    Ok(())
}

/// Hands units to a node, some at a time.
pub(crate) struct Filler {
    client: Client,
    units: Vec<Unit>,
    bytes: usize,
    restored: Restored,
}

impl Filler {
    pub(crate) fn new(store: &Opened, interrupt: Interrupt) -> Self {
        let client = Client::new(store.connection.clone(), SessionId(1), interrupt, Pump::Here);
        Filler { client, units: Vec::new(), bytes: 0, restored: Restored::default() }
    }

    /// Takes a unit.
    pub(crate) fn take(&mut self, unit: Unit) -> Result<(), Stop> {
        let bytes = match &unit {
            Unit::Commit { operations, .. } => operations.iter().map(Vec::len).sum(),
            Unit::Aside(aside) => aside.bytes.len(),
        };
        self.bytes = self.bytes.saturating_add(bytes);
        self.units.push(unit);
        if self.units.len() >= UNITS || self.bytes >= BYTES { self.hand_over() } else { Ok(()) }
    }

    fn hand_over(&mut self) -> Result<(), Stop> {
        let units = std::mem::take(&mut self.units);
        self.bytes = 0;
        if units.is_empty() {
            return Ok(());
        }
        let restored = &mut self.restored;
        self.client.request(Request::Restore { units }).for_each(|event| {
            if let Event::Restored(done) = event {
                restored.add(done);
            }
        })?;
        Ok(())
    }

    /// Hands over what is left, and gives what became of everything.
    pub(crate) fn finish(mut self) -> Result<Restored, Stop> {
        self.hand_over()?;
        Ok(self.restored)
    }
}
