//! Where results, counts and diagnostics go.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::sync::{Arc, Mutex};

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
    rows: Box<dyn Write>,
    notes: Option<Box<dyn Write>>,
    diagnostics: Box<dyn Write>,
    file: Option<BufWriter<File>>,
}

impl Output {
    /// Rows to standard output; counts there too on a terminal, otherwise to standard error with the diagnostics.
    pub fn standard(terminal: bool) -> Self {
        let notes: Option<Box<dyn Write>> = if terminal { None } else { Some(Box::new(io::stderr())) };
        Output {
            rows: Box::new(BufWriter::with_capacity(1 << 16, io::stdout())),
            notes,
            diagnostics: Box::new(io::stderr()),
            file: None,
        }
    }

    /// Everything to one buffer.
    pub fn shared(buffer: &Shared) -> Self {
        Output {
            rows: Box::new(buffer.clone()),
            notes: None,
            diagnostics: Box::new(buffer.clone()),
            file: None,
        }
    }

    /// Rows to one place, counts and diagnostics to others.
    pub fn split(rows: Box<dyn Write>, notes: Box<dyn Write>, diagnostics: Box<dyn Write>) -> Self {
        Output { rows, notes: Some(notes), diagnostics, file: None }
    }

    /// The place of rows.
    pub fn rows(&mut self) -> &mut dyn Write {
        match &mut self.file {
            Some(file) => file,
            None => &mut self.rows,
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
            None => writeln!(self.rows, "{line}").and_then(|()| self.rows.flush()),
        }
    }

    /// Writes lines about what went wrong.
    pub fn diagnostic(&mut self, text: &str) -> io::Result<()> {
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
        self.rows.flush()
    }
}
