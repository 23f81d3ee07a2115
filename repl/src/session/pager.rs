//! Long results through a pager.

use std::io::{self, Write};
use std::process::{Child, Command, Stdio};

/// Writes to standard output; a page that is higher than the terminal goes through a pager.
pub(super) struct Pager {
    state: State,
}

enum State {
    /// Straight through.
    Direct,
    /// Held back until it is known whether it fits.
    Holding { bytes: Vec<u8>, lines: usize, most: usize },
    /// To the pager.
    Paging(Child),
    /// The pager was left.
    Left,
}

impl Pager {
    pub(super) fn new() -> Self {
        Pager { state: State::Direct }
    }

    /// Begins a page for a terminal of `most` lines.
    pub(super) fn begin(&mut self, most: usize) {
        if matches!(self.state, State::Direct) {
            self.state = State::Holding { bytes: Vec::new(), lines: 0, most };
        }
    }

    /// Ends a page; waits until the pager is left.
    pub(super) fn end(&mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.state, State::Direct) {
            State::Direct => io::stdout().flush(),
            State::Left => Ok(()),
            State::Holding { bytes, .. } => {
                let mut out = io::stdout().lock();
                out.write_all(&bytes)?;
                out.flush()
            }
            State::Paging(mut child) => {
                drop(child.stdin.take());
                child.wait().map(|_| ())
            }
        }
    }
}

/// The pager that the environment names, or less.
fn spawn() -> io::Result<Child> {
    let named = ["ANKURAH_PAGER", "PAGER"].iter().find_map(|name| std::env::var(name).ok());
    let pager = named.filter(|pager| !pager.trim().is_empty()).unwrap_or_else(|| "less".to_owned());
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("exec {pager}")).stdin(Stdio::piped());
    // Only to look: what is on the screen came from data, so no shell, no editor, no file, and no searches kept.
    command.env("LESSSECURE", "1").env("LESSHISTFILE", "-");
    if std::env::var_os("LESS").is_none() {
        // Leave what fits on the screen, keep colours, do not fold long lines.
        command.env("LESS", "FRSX");
    }
    command.spawn()
}

impl Write for Pager {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.state {
            State::Direct => return io::stdout().write(bytes),
            State::Left => return Err(io::ErrorKind::BrokenPipe.into()),
            State::Holding { bytes: held, lines, most } => {
                held.extend_from_slice(bytes);
                *lines += bytes.iter().filter(|byte| **byte == b'\n').count();
                if lines <= most {
                    return Ok(bytes.len());
                }
                let held = std::mem::take(held);
                match spawn() {
                    Ok(child) => self.state = State::Paging(child),
                    Err(_) => self.state = State::Direct,
                }
                self.write_all(&held)?;
                return Ok(bytes.len());
            }
            State::Paging(child) => {
                let written = match &mut child.stdin {
                    Some(input) => input.write(bytes),
                    None => Err(io::ErrorKind::BrokenPipe.into()),
                };
                match written {
                    Ok(written) => return Ok(written),
                    Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                        let _ = child.wait();
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        self.state = State::Left;
        Err(io::ErrorKind::BrokenPipe.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.state {
            State::Direct => io::stdout().flush(),
            State::Paging(child) => child.stdin.as_mut().map_or(Ok(()), Write::flush),
            State::Holding { .. } | State::Left => Ok(()),
        }
    }
}
