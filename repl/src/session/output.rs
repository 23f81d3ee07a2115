//! Where results, counts and diagnostics go.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::sync::{Arc, Mutex};

use super::pager::Pager;

/// Whether a program reads the rows while a person reads what is said of them: how many rows there were is then not
/// for the person, who sees what the program made of them, as after `| head`.
pub fn rows_are_piped() -> bool {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd;
        use std::os::unix::fs::FileTypeExt;

        let kind = || File::from(io::stdout().as_fd().try_clone_to_owned().ok()?).metadata().ok();
        io::stderr().is_terminal() && kind().is_some_and(|kind| kind.file_type().is_fifo())
    }
    #[cfg(not(unix))]
    false
}

/// A buffer that several writers share.
#[derive(Clone, Debug, Default)]
pub struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    /// What was written since the last call, as text.
    pub fn take(&self) -> String {
        let bytes = match self.0.lock() {
            Ok(mut bytes) => std::mem::take(&mut *bytes),
            Err(poisoned) => std::mem::take(&mut *poisoned.into_inner()),
        };
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.lock() {
            Ok(mut buffer) => buffer.extend_from_slice(bytes),
            Err(poisoned) => poisoned.into_inner().extend_from_slice(bytes),
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Where results, counts and diagnostics go.
pub struct Output {
    rows: Rows,
    notes: Option<Box<dyn Write>>,
    diagnostics: Box<dyn Write>,
    file: Option<BufWriter<File>>,
}

enum Rows {
    Plain(Box<dyn Write>),
    Paged(BufWriter<Pager>),
}

impl Rows {
    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Rows::Plain(writer) => writer,
            Rows::Paged(writer) => writer,
        }
    }
}

impl Output {
    /// Rows to standard output; counts there too on a terminal, otherwise to standard error with the diagnostics.
    pub fn standard(terminal: bool) -> Self {
        let notes: Option<Box<dyn Write>> = if terminal { None } else { Some(Box::new(io::stderr())) };
        Output {
            rows: Rows::Plain(Box::new(BufWriter::with_capacity(1 << 16, io::stdout()))),
            notes,
            diagnostics: Box::new(io::stderr()),
            file: None,
        }
    }

    /// Everything to the terminal, long results through a pager.
    pub fn paged() -> Self {
        let rows = Rows::Paged(BufWriter::with_capacity(1 << 16, Pager::new()));
        Output { rows, notes: None, diagnostics: Box::new(io::stderr()), file: None }
    }

    /// Begins what may go through a pager where it is longer than `lines`.
    pub fn begin_page(&mut self, lines: usize) -> io::Result<()> {
        if let (Rows::Paged(pager), None) = (&mut self.rows, &self.file) {
            pager.flush()?;
            pager.get_mut().begin(lines);
        }
        Ok(())
    }

    /// Ends it: waits until the pager is left.
    pub fn end_page(&mut self) -> io::Result<()> {
        if let Rows::Paged(pager) = &mut self.rows {
            let flushed = pager.flush();
            if flushed.is_err() {
                // What the pager did not take is nobody's.
                let fresh = BufWriter::with_capacity(1 << 16, Pager::new());
                let (mut left, _) = std::mem::replace(pager, fresh).into_parts();
                left.end()?;
                return flushed;
            }
            pager.get_mut().end()?;
        }
        Ok(())
    }

    /// Everything to one buffer.
    pub fn shared(buffer: &Shared) -> Self {
        let rows = Rows::Plain(Box::new(buffer.clone()));
        Output { rows, notes: None, diagnostics: Box::new(buffer.clone()), file: None }
    }

    /// Rows to one place, counts and diagnostics to others.
    pub fn split(rows: Box<dyn Write>, notes: Box<dyn Write>, diagnostics: Box<dyn Write>) -> Self {
        Output { rows: Rows::Plain(rows), notes: Some(notes), diagnostics, file: None }
    }

    /// The place of rows.
    pub fn rows(&mut self) -> &mut dyn Write {
        match &mut self.file {
            Some(file) => file,
            None => self.rows.writer(),
        }
    }

    /// Whether rows go to a file of `\o`.
    pub fn is_redirected(&self) -> bool {
        self.file.is_some()
    }

    /// Sends rows to a file, or back.
    pub fn redirect(&mut self, file: Option<File>) -> io::Result<()> {
        self.flush()?;
        self.file = file.map(BufWriter::new);
        Ok(())
    }

    /// Writes a line that is no row: a count, an answer to a command.
    pub fn note(&mut self, line: &str) -> io::Result<()> {
        self.flush()?;
        match &mut self.notes {
            // Where nobody reads them, the rows still matter.
            Some(notes) => {
                let _ = writeln!(notes, "{line}").and_then(|()| notes.flush());
                Ok(())
            }
            None => {
                let rows = self.rows.writer();
                writeln!(rows, "{line}").and_then(|()| rows.flush())
            }
        }
    }

    /// Writes lines about what went wrong.
    pub fn diagnostic(&mut self, text: &str) -> io::Result<()> {
        self.end_page()?;
        self.flush()?;
        // Where nobody listens, the exit code still says it.
        let _ = writeln!(self.diagnostics, "{text}").and_then(|()| self.diagnostics.flush());
        Ok(())
    }

    /// Writes everything out.
    pub fn flush(&mut self) -> io::Result<()> {
        if let Some(file) = &mut self.file {
            file.flush()?;
        }
        self.rows.writer().flush()
    }
}
