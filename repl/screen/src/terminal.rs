//! The terminal.

use std::ffi::OsStr;
use std::io::{Read, Write};
use std::num::NonZero;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use tempfile::TempDir;

/// How long a program may write nothing while something is waited for.
const SILENCE: Duration = Duration::from_secs(30);
/// How long something is waited for, whatever the program writes meanwhile.
const LONGEST: Duration = Duration::from_secs(240);

/// How a program is started.
#[derive(Clone, Debug)]
pub struct Start<'a> {
    /// The columns of the terminal.
    pub columns: u16,
    /// Its lines.
    pub lines: u16,
    /// Variables of the environment, beyond `HOME`, `PATH` and `TERM`, which are always the same.
    pub environment: &'a [(&'a str, &'a str)],
}

impl Default for Start<'_> {
    fn default() -> Self {
        Start { columns: 80, lines: 24, environment: &[("NO_COLOR", "1")] }
    }
}

/// A program on a terminal, in an empty home folder of its own.
pub struct Terminal {
    screen: vt100::Parser,
    output: Receiver<Vec<u8>>,
    input: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    home: TempDir,
}

impl Terminal {
    /// Starts a program.
    pub fn start<A: AsRef<OsStr>>(program: &str, arguments: &[A], start: &Start<'_>) -> Self {
        let size = size(start.columns, start.lines);
        let pair = native_pty_system().openpty(size).unwrap();
        let home = tempfile::tempdir().unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env_clear();
        command.env("HOME", home.path());
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("TERM", "xterm-256color");
        start.environment.iter().for_each(|(name, value)| command.env(name, value));
        command.cwd(home.path());
        let child = pair.slave.spawn_command(command).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer.get(..read).unwrap_or(&[]).to_vec()).is_err() {
                    return;
                }
            }
        });
        let input = pair.master.take_writer().unwrap();
        let (lines, columns) = cells(start.columns, start.lines);
        let screen = vt100::Parser::new(lines, columns, 0);
        Terminal { screen, output, input, child, master: pair.master, home }
    }

    /// The program's home folder, in which it was started.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The number of its process.
    pub fn process(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// Presses keys.
    pub fn send(&mut self, keys: &str) {
        self.send_bytes(keys.as_bytes());
    }

    /// Sends bytes as they are, which need not be text.
    pub fn send_bytes(&mut self, bytes: &[u8]) {
        self.input.write_all(bytes).unwrap();
        self.input.flush().unwrap();
    }

    /// Makes the terminal larger or smaller.
    pub fn resize(&mut self, columns: u16, lines: u16) {
        let (rows, width) = cells(columns, lines);
        self.screen.screen_mut().set_size(rows, width);
        self.master.resize(size(columns, lines)).unwrap();
    }

    /// Reads until the screen is as wanted; how long that took.
    ///
    /// # Panics
    /// Where the program ends or writes nothing for long; the message has the screen.
    #[track_caller]
    pub fn wait(&mut self, what: &str, wanted: impl Fn(&str) -> bool) -> Duration {
        self.wait_for(what, |terminal| wanted(&terminal.shown()))
    }

    /// The same for what is no text: colours, the cursor, modes.
    ///
    /// # Panics
    /// As [`Terminal::wait`] does.
    #[track_caller]
    pub fn wait_screen(&mut self, what: &str, wanted: impl Fn(&vt100::Screen) -> bool) -> Duration {
        self.wait_for(what, |terminal| wanted(terminal.screen()))
    }

    #[track_caller]
    fn wait_for(&mut self, what: &str, wanted: impl Fn(&Self) -> bool) -> Duration {
        let start = Instant::now();
        while !wanted(self) {
            match self.output.recv_timeout(SILENCE) {
                Ok(bytes) if start.elapsed() < LONGEST => self.take(&bytes),
                Ok(_) => panic!("{what}: it did not come in {LONGEST:?}; the screen is:\n{}", self.shown()),
                Err(error) => panic!("{what}: {error}; the screen is:\n{}", self.shown()),
            }
        }
        start.elapsed()
    }

    fn take(&mut self, bytes: &[u8]) {
        self.screen.process(bytes);
        // Line editors ask where the cursor is.
        if bytes.windows(4).any(|window| window == b"\x1b[6n") {
            let (row, column) = self.screen.screen().cursor_position();
            self.send(&format!("\u{1b}[{};{}R", row + 1, column + 1));
        }
    }

    /// The screen as text, without blanks at the ends of lines and blank lines at its end.
    pub fn shown(&self) -> String {
        let (_, columns) = self.screen.screen().size();
        let rows = self.screen.screen().rows(0, columns.get());
        let lines: Vec<String> = rows.map(|line| line.trim_end().to_owned()).collect();
        lines.join("\n").trim_end().to_owned()
    }

    /// The screen with its colours.
    pub fn screen(&self) -> &vt100::Screen {
        self.screen.screen()
    }

    /// Everything that the program writes from now until its end, and its exit code.
    pub fn rest(mut self) -> (Vec<u8>, u32) {
        let bytes = self.output.iter().flatten().collect();
        (bytes, self.child.wait().unwrap().exit_code())
    }

    /// Presses keys that end the program; its exit code.
    pub fn end(mut self, keys: &str) -> u32 {
        self.send(keys);
        self.rest().1
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A test that failed leaves nothing running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn size(columns: u16, lines: u16) -> PtySize {
    PtySize { rows: lines, cols: columns, pixel_width: 0, pixel_height: 0 }
}

fn cells(columns: u16, lines: u16) -> (NonZero<u16>, NonZero<u16>) {
    (NonZero::new(lines).unwrap(), NonZero::new(columns).unwrap())
}
