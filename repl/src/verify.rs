//! `ankurah verify`: what is at fault in a store.

use std::io::{self, Write};
use std::time::Instant;

use ankurah::{OpenError, Repaired, Target};
use ankurah_core::catalog::CatalogError;
use ankurah_core::node::NodeError;
use ankurah_core::node::protocol::{Event, Request, SessionId};
use ankurah_core::storage::StorageError;
use futures::executor::block_on;

use crate::cli::VerifyArgs;
use crate::client::{Client, Interrupt, Pump, Stop};
use crate::display::{Safe, Style, Tone};
use crate::exit::Exit;
use crate::panics::caught;
use crate::session::{render_failure, render_message};
use crate::target;

/// Runs the command.
pub fn command(args: &VerifyArgs) -> Exit {
    let style = Style::detect(args.display.color, args.display.ascii, &io::stdout());
    let error_style = Style::detect(args.display.color, args.display.ascii, &io::stderr());
    let target = match target::or_default(args.target.as_deref()) {
        Ok(target) => target,
        Err(message) => {
            let _ = writeln!(io::stderr(), "{}", render_message(&message, error_style));
            return Exit::Usage;
        }
    };
    let mut lost = false;
    if args.repair {
        match repair(&target, style) {
            Ok(found) => lost = found,
            Err(error) => {
                if let Some((record, message)) = damage(&error) {
                    let mut out = io::stdout().lock();
                    let _ = writeln!(out, "{}", fault_line(record, message, style));
                    let line = format!("{} cannot be repaired", Safe::line(&target));
                    let _ = writeln!(out, "{}", style.paint(Tone::Error, &line));
                    return Exit::Differs;
                }
                let _ = writeln!(io::stderr(), "{}", render_message(&error.to_string(), error_style));
                return Exit::CannotOpen;
            }
        }
    }
    let opened = match target::try_open(&target, target::Mode::Once) {
        Ok(opened) => opened,
        Err(error) => {
            if let Some((record, message)) = damage(&error) {
                let mut out = io::stdout().lock();
                let _ = writeln!(out, "{}", fault_line(record, message, style));
                let line = format!("{} cannot be opened", Safe::line(&target));
                let _ = writeln!(out, "{}", style.paint(Tone::Error, &line));
                return Exit::Differs;
            }
            let _ = writeln!(io::stderr(), "{}", render_message(&error.to_string(), error_style));
            return Exit::CannotOpen;
        }
    };
    opened.announce();
    let client = Client::new(opened.connection.clone(), SessionId(1), Interrupt::on_ctrl_c(), Pump::Here);
    let start = Instant::now();
    let mut faults: u64 = 0;
    let mut closed = false;
    let mut out = io::stdout().lock();
    let end = client.request(Request::Verify).for_each(|event| {
        if let Event::Fault(fault) = event {
            faults = faults.saturating_add(1);
            closed |= writeln!(out, "{}", fault_line(&fault.record, &fault.message, style)).is_err();
        }
    });
    let end = match end {
        // Where the engine cannot read on, what it says of that is a fault like others.
        Err(Stop::Failed(failure)) if matches!(failure.kind.as_str(), "damaged" | "engine") => {
            faults = faults.saturating_add(1);
            let message = format!("{}; what comes after it was not looked at", failure.message);
            closed |= writeln!(out, "{}", fault_line("the files of the store", &message, style)).is_err();
            Ok(())
        }
        other => other.map(|_| ()),
    };
    match end {
        Ok(()) if closed => Exit::Differs,
        Ok(()) => {
            let time = start.elapsed().as_secs_f64();
            let name = Safe::line(&opened.name).to_string();
            let line = match faults {
                0 => style.paint(Tone::Good, &format!("{name} is sound ({time:.1} s)")),
                1 => style.paint(Tone::Error, &format!("{name} has 1 fault ({time:.1} s)")),
                faults => style.paint(Tone::Error, &format!("{name} has {faults} faults ({time:.1} s)")),
            };
            let _ = writeln!(out, "{line}");
            if faults == 0 && !lost { Exit::Ok } else { Exit::Differs }
        }
        Err(Stop::Cancelled) => Exit::Cancelled,
        Err(Stop::Failed(failure)) => {
            let _ = writeln!(io::stderr(), "{}", render_failure(&failure, "", None, error_style, None));
            Exit::Failed
        }
    }
}

/// Repairs a store, and says what was done. Gives whether something is lost.
fn repair(target: &str, style: Style) -> Result<bool, OpenError> {
    let target = Target::parse(target)?;
    let start = Instant::now();
    let done = caught(|| block_on(ankurah::repair(&target))).unwrap_or_else(|message| {
        let message = format!("the engine met something there that cannot be ({message})");
        let error = NodeError::Storage(StorageError::Damaged { what: "its files".to_owned(), message });
        Err(OpenError::Node { target: target.to_string(), error })
    })?;
    let mut out = io::stdout().lock();
    for Repaired { record, message, lost } in &done {
        let (mark, tone) = if *lost { ("lost", Tone::Error) } else { ("mended", Tone::Good) };
        let line = format!("{record}: {message}");
        let _ = writeln!(out, "{} {}", style.paint(tone, mark), Safe::line(&line));
    }
    let lost = done.iter().filter(|repaired| repaired.lost).count();
    let time = start.elapsed().as_secs_f64();
    let name = target.to_string();
    let _ = writeln!(
        out,
        "{}: {} mended, {lost} lost ({time:.1} s)",
        Safe::line(&name),
        done.len().saturating_sub(lost)
    );
    Ok(lost > 0)
}

fn fault_line(record: &str, message: &str, style: Style) -> String {
    format!("{} {}", style.paint(Tone::Error, "fault"), Safe::line(&format!("{record}: {message}")))
}

/// The record and what is wrong with it, where a store cannot be opened for being damaged.
fn damage(error: &OpenError) -> Option<(&str, &str)> {
    let OpenError::Node { error, .. } = error else { return None };
    match error {
        NodeError::Storage(StorageError::Damaged { what, message })
        | NodeError::Catalog(CatalogError::Storage(StorageError::Damaged { what, message })) => {
            Some((what, message))
        }
        _ => None,
    }
}
