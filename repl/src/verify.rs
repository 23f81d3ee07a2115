//! `ankurah verify`: what is at fault in a store.

use std::io::{self, Write};
use std::time::Instant;

use ankurah_core::node::protocol::{Event, Request, SessionId};

use crate::cli::VerifyArgs;
use crate::client::{Client, Interrupt, Pump, Stop};
use crate::display::{Safe, Style, Tone};
use crate::exit::Exit;
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
    let opened = match target::open(&target, target::Mode::Read) {
        Ok(opened) => opened,
        Err(message) => {
            let _ = writeln!(io::stderr(), "{}", render_message(&message, error_style));
            return Exit::CannotOpen;
        }
    };
    let client = Client::new(opened.connection.clone(), SessionId(1), Interrupt::on_ctrl_c(), Pump::Here);
    let start = Instant::now();
    let mut faults: u64 = 0;
    let mut closed = false;
    let mut out = io::stdout().lock();
    let end = client.request(Request::Verify).for_each(|event| {
        if let Event::Fault(fault) = event {
            faults = faults.saturating_add(1);
            let text = format!("{}: {}", fault.record, fault.message);
            closed |= writeln!(out, "{} {}", style.paint(Tone::Error, "fault"), Safe::line(&text)).is_err();
        }
    });
    match end {
        Ok(_) if closed => Exit::Differs,
        Ok(_) => {
            let time = start.elapsed().as_secs_f64();
            let name = Safe::line(&opened.name).to_string();
            let line = match faults {
                0 => style.paint(Tone::Good, &format!("{name} is sound ({time:.1} s)")),
                1 => style.paint(Tone::Error, &format!("{name} has 1 fault ({time:.1} s)")),
                faults => style.paint(Tone::Error, &format!("{name} has {faults} faults ({time:.1} s)")),
            };
            let _ = writeln!(out, "{line}");
            if faults == 0 { Exit::Ok } else { Exit::Differs }
        }
        Err(Stop::Cancelled) => Exit::Cancelled,
        Err(Stop::Failed(failure)) => {
            let _ = writeln!(io::stderr(), "{}", render_failure(&failure, "", None, error_style, 100));
            Exit::Failed
        }
    }
}
