//! `ankurah dump` and `ankurah backup`: a whole store at one position.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;

use ankurah::Target;
use ankurah_core::dump::{Decoder, DumpError, Header, Totals};
use ankurah_core::node::protocol::{Event, Failure, Request, Restored, SessionId};

use crate::cli::{BackupArgs, DumpArgs};
use crate::client::{Client, Interrupt, Next, Pump, Stop};
use crate::display::{Safe, Style};
use crate::exit::Exit;
use crate::replace::replace;
use crate::restore::Filler;
use crate::session::{render_failure, render_message};
use crate::target::{self, Mode, Opened};

/// Why a dump did not come to its end.
#[derive(Debug)]
pub enum Trouble {
    /// The file cannot be written.
    Output(io::Error),
    /// The node refused something.
    Node(Stop),
    /// What the node gave is not a dump.
    Dump(DumpError),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Trouble::Output(error)
    }
}

/// Runs `ankurah dump`.
pub fn command(args: &DumpArgs) -> Exit {
    let style = Style::detect(args.display.color, args.display.ascii, &io::stderr());
    let complain = |message: &str| {
        let _ = writeln!(io::stderr(), "{}", render_message(message, style));
    };
    let file = args.file.as_deref().filter(|file| *file != Path::new("-"));
    if file.is_none() && io::stdout().is_terminal() {
        complain("a dump is bytes, which a terminal cannot show: name a file, or write it to a pipe");
        return Exit::Usage;
    }
    let opened = match target::open(&args.target, Mode::Once) {
        Ok(opened) => opened,
        Err(message) => {
            complain(&message);
            return Exit::CannotOpen;
        }
    };
    let client = Client::new(opened.connection.clone(), SessionId(1), Interrupt::on_ctrl_c(), Pump::Thread);
    let result = match file {
        None => dump(&client, &mut BufWriter::with_capacity(1 << 16, io::stdout().lock())),
        Some(path) => replace(path, |_, out| dump(&client, out)),
    };
    match result {
        Ok(done) => {
            let _ = writeln!(io::stderr(), "dumped {}: {}", Safe::line(&opened.name), done.told());
            Exit::Ok
        }
        Err(Trouble::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Ok,
        Err(Trouble::Output(error)) => {
            let place = file.map_or("the output".to_owned(), |path| path.display().to_string());
            complain(&format!("cannot write {place}: {error}"));
            Exit::CannotOpen
        }
        Err(trouble) => failed(&trouble, style),
    }
}

/// Runs `ankurah backup`.
pub fn backup(args: &BackupArgs) -> Exit {
    let style = Style::detect(args.display.color, args.display.ascii, &io::stderr());
    let complain = |message: &str| {
        let _ = writeln!(io::stderr(), "{}", render_message(message, style));
    };
    if args.path.exists() {
        complain(&format!("{} exists already: a backup is a new store", args.path.display()));
        return Exit::Usage;
    }
    let opened = match target::open(&args.target, Mode::Once) {
        Ok(opened) => opened,
        Err(message) => {
            complain(&message);
            return Exit::CannotOpen;
        }
    };
    let client = Client::new(opened.connection.clone(), SessionId(1), Interrupt::on_ctrl_c(), Pump::Thread);
    let made = client.info().map_err(Trouble::Node).and_then(|info| {
        let place = match info.store.engine.as_str() {
            "sled" => Target::Sled(args.path.clone()),
            "fjall" => Target::Fjall(args.path.clone()),
            _ => Target::Path(args.path.clone()),
        };
        match target::open(&place.to_string(), Mode::Fill) {
            Ok(store) => Ok(store),
            Err(message) => Err(Trouble::Output(io::Error::other(message))),
        }
    });
    let result = made.and_then(|store| copy(&client, &store));
    match result {
        Ok((done, restored)) => {
            let _ = writeln!(
                io::stderr(),
                "backed up {} to {}: {}",
                Safe::line(&opened.name),
                Safe::line(&args.path.display().to_string()),
                done.told()
            );
            if restored.invalid.is_empty() { Exit::Ok } else { Exit::Differs }
        }
        Err(trouble) => {
            // What is there is not the whole store.
            let _ = std::fs::remove_dir_all(&args.path);
            match trouble {
                Trouble::Output(error) => {
                    complain(&error.to_string());
                    Exit::CannotOpen
                }
                trouble => failed(&trouble, style),
            }
        }
    }
}

/// Says why it failed.
fn failed(trouble: &Trouble, style: Style) -> Exit {
    let mut err = io::stderr();
    match trouble {
        Trouble::Node(Stop::Cancelled) => {
            let _ = writeln!(err, "{}", render_message("cancelled", style));
            Exit::Cancelled
        }
        Trouble::Node(Stop::Failed(failure)) => {
            let _ = writeln!(err, "{}", render_failure(failure, "", None, style, None));
            if is_fault(failure) { Exit::Differs } else { Exit::Failed }
        }
        Trouble::Output(error) => {
            let _ = writeln!(err, "{}", render_message(&error.to_string(), style));
            Exit::CannotOpen
        }
        Trouble::Dump(error) => {
            let _ = writeln!(err, "{}", render_message(&error.to_string(), style));
            Exit::Differs
        }
    }
}

/// Whether a failure says that the store is at fault.
fn is_fault(failure: &Failure) -> bool {
    matches!(failure.kind.as_str(), "damaged" | "engine")
}

/// What was dumped.
struct Done {
    header: Option<Header>,
    totals: Totals,
    bytes: u64,
}

impl Done {
    fn told(&self) -> String {
        let position = self.header.as_ref().map_or(0, |header| header.position.0);
        let Totals { commits, operations, asides } = self.totals;
        let mut told = format!(
            "{} in {}, up to position {position}, {}",
            counted(operations, "operation"),
            counted(commits, "commit"),
            size(self.bytes)
        );
        if asides > 0 {
            told += &format!("; {} outside the history", counted(asides, "operation"));
        }
        told
    }
}

/// A number of things in words.
pub(crate) fn counted(number: u64, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// A number of bytes in words.
fn size(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match UNITS.iter().find(|(unit, _)| bytes >= *unit) {
        None => format!("{bytes} bytes"),
        Some((unit, name)) => {
            let tenths = u128::from(bytes).saturating_mul(10) / u128::from(*unit);
            format!("{}.{} {name}", tenths / 10, tenths % 10)
        }
    }
}

/// Reads the dump of a node piece by piece, checking it on the way.
fn pieces(
    client: &Client,
    mut take: impl FnMut(&[u8], &mut Decoder) -> Result<(), Trouble>,
) -> Result<Done, Trouble> {
    let mut decoder = Decoder::new();
    let mut bytes = 0u64;
    let mut answer = client.request(Request::Dump);
    loop {
        match answer.advance().map_err(Trouble::Node)? {
            Next::Event(Event::Dump(piece)) => {
                bytes = bytes.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
                decoder.feed(&piece);
                take(&piece, &mut decoder)?;
            }
            Next::Event(_) => {}
            Next::Done(_) => {
                let totals = decoder.finish().map_err(Trouble::Dump)?;
                return Ok(Done { header: decoder.header().cloned(), totals, bytes });
            }
        }
    }
}

fn dump(client: &Client, out: &mut dyn Write) -> Result<Done, Trouble> {
    let done = pieces(client, |piece, decoder| {
        while decoder.advance().map_err(Trouble::Dump)?.is_some() {}
        Ok(out.write_all(piece)?)
    })?;
    out.flush()?;
    Ok(done)
}

fn copy(client: &Client, store: &Opened) -> Result<(Done, Restored), Trouble> {
    let mut filler = Filler::new(store, client.interrupt().clone());
    let done = pieces(client, |_, decoder| {
        while let Some(unit) = decoder.advance().map_err(Trouble::Dump)? {
            filler.take(unit).map_err(Trouble::Node)?;
        }
        Ok(())
    })?;
    let restored = filler.finish().map_err(Trouble::Node)?;
    store.finish().map_err(io::Error::other)?;
    Ok((done, restored))
}
