//! The prompt on a real terminal: what a person sees after each key.

use std::io::{Read, Write};
use std::num::NonZero;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, PtySize, native_pty_system};

use crate::common::snapshot;

const ESC_PASTE: &str = "\u{1b}[200~";
const ESC_PASTE_END: &str = "\u{1b}[201~";
const CTRL_C: &str = "\u{3}";
const CTRL_D: &str = "\u{4}";
const UP: &str = "\u{1b}[A";

/// A program on a terminal of 80 columns and 24 lines.
struct Terminal {
    screen: vt100::Parser,
    output: Receiver<Vec<u8>>,
    input: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    _home: tempfile::TempDir,
    _master: Box<dyn portable_pty::MasterPty + Send>,
}

impl Terminal {
    fn start(arguments: &[&str]) -> Self {
        let size = PtySize { rows: 24, cols: 80, pixel_width: 0, pixel_height: 0 };
        let pair = native_pty_system().openpty(size).unwrap();
        let home = tempfile::tempdir().unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_ankurah"));
        command.args(arguments);
        command.env("HOME", home.path());
        for name in ["XDG_CONFIG_HOME", "XDG_DATA_HOME", "PAGER", "ANKURAH_PAGER", "LESS", "INPUTRC"] {
            command.env_remove(name);
        }
        command.env("TERM", "xterm");
        command.env("NO_COLOR", "1");
        command.cwd(home.path());
        let child = pair.slave.spawn_command(command).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(read @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        let input = pair.master.take_writer().unwrap();
        let screen = vt100::Parser::new(NonZero::new(24).unwrap(), NonZero::new(80).unwrap(), 0);
        Terminal { screen, output, input, child, _home: home, _master: pair.master }
    }

    fn send(&mut self, keys: &str) {
        self.input.write_all(keys.as_bytes()).unwrap();
        self.input.flush().unwrap();
    }

    /// Reads until the screen is as wanted; how long that took.
    #[track_caller]
    fn wait(&mut self, what: &str, wanted: impl Fn(&str) -> bool) -> Duration {
        let start = Instant::now();
        loop {
            let shown = self.shown();
            if wanted(&shown) {
                return start.elapsed();
            }
            match self.output.recv_timeout(Duration::from_secs(20)) {
                Ok(bytes) => {
                    self.screen.process(&bytes);
                    // The line editor asks where the cursor is.
                    if bytes.windows(4).any(|window| window == b"\x1b[6n") {
                        let (row, column) = self.screen.screen().cursor_position();
                        self.send(&format!("\u{1b}[{};{}R", row + 1, column + 1));
                    }
                }
                Err(error) => panic!("{what}: {error}; the screen is:\n{shown}"),
            }
        }
    }

    /// The screen without blank lines at its end.
    fn shown(&self) -> String {
        let lines: Vec<String> =
            self.screen.screen().rows(0, 80).map(|line| line.trim_end().to_owned()).collect();
        lines.join("\n").trim_end().to_owned()
    }

    fn end(mut self) -> u32 {
        self.send(CTRL_D);
        self.child.wait().unwrap().exit_code()
    }
}

/// A prompt on the sample.
fn sample() -> Terminal {
    let mut terminal = Terminal::start(&["repl", "--sample", "--no-rc"]);
    terminal.wait("the prompt", |shown| shown.ends_with("sample>"));
    terminal
}

#[test]
fn a_statement_over_several_lines() {
    let mut terminal = sample();
    terminal.send("select name, year\rfrom album\rwhere year < 1959\rorder by year, name;\r");
    terminal.wait("the answer", |shown| shown.ends_with("sample>") && shown.contains("rows)"));
    terminal.send("begin;\r");
    terminal.wait("the open transaction", |shown| shown.ends_with("sample*>"));
    terminal.send("select yaer from album;\r");
    terminal.wait("the failed transaction", |shown| shown.ends_with("sample!>"));
    snapshot("terminal", &terminal.shown());
    assert_eq!(terminal.end(), 0);
}

#[test]
fn ctrl_d_says_that_the_open_transaction_is_lost() {
    let mut terminal = sample();
    terminal.send("begin;\r");
    terminal.wait("the open transaction", |shown| shown.ends_with("sample*>"));
    terminal.send(CTRL_D);
    terminal.wait("the message", |shown| shown.ends_with("\nerror: the open transaction was rolled back"));
    assert_eq!(terminal.child.wait().unwrap().exit_code(), 0);
}

#[test]
fn ctrl_c_keeps_the_text_and_clears_it_the_second_time() {
    let mut terminal = sample();
    terminal.send("select name from");
    terminal.wait("the text", |shown| shown.ends_with("select name from"));
    terminal.send(CTRL_C);
    terminal.wait("the kept text", |shown| {
        shown.ends_with("(the text is kept; Ctrl-C again clears it)\nsample> select name from")
    });
    terminal.send(" album limit 1;\r");
    terminal.wait("the answer", |shown| shown.ends_with("(1 row)\nsample>"));
    terminal.send("gone");
    terminal.wait("the text", |shown| shown.ends_with("gone"));
    terminal.send(CTRL_C);
    terminal.wait("the kept text", |shown| shown.ends_with("clears it)\nsample> gone"));
    terminal.send(CTRL_C);
    terminal.wait("the cleared text", |shown| shown.ends_with("sample>"));
    assert_eq!(terminal.end(), 0);
}

#[test]
fn completion_and_history() {
    let mut terminal = sample();
    terminal.send("select ye\t");
    terminal.wait("the property", |shown| shown.ends_with("sample> select year"));
    terminal.send(" fr\tal\t lim\t1;\r");
    terminal.wait("the answer", |shown| shown.ends_with("(1 row)\nsample>"));
    assert!(terminal.shown().contains("sample> select year from album limit 1;"), "{}", terminal.shown());
    terminal.send(UP);
    terminal.wait("the statement again", |shown| shown.ends_with("sample> select year from album limit 1;"));
    terminal.send(CTRL_C);
    // Keys sent before the prompt stands again are not the line editor's.
    terminal.wait("the kept text", |shown| {
        shown.ends_with("clears it)\nsample> select year from album limit 1;")
    });
    terminal.send(CTRL_C);
    terminal.wait("the cleared text", |shown| shown.ends_with("sample>"));
    assert_eq!(terminal.end(), 0);
}

#[test]
fn pasted_text_is_exact() {
    let mut terminal = sample();
    let text = "select 'a\tb;\n  --| c' as pasted,\n\t2 as two;";
    terminal.send(&format!("\\x on\r{ESC_PASTE}{text}{ESC_PASTE_END}"));
    terminal.wait("the text, not yet run", |shown| shown.ends_with("2 as two;"));
    terminal.send("\r");
    terminal.wait("the answer", |shown| shown.ends_with("(1 row)\nsample>"));
    assert!(terminal.shown().contains("  │   --| c"), "{}", terminal.shown());
    assert_eq!(terminal.end(), 0);
}

#[test]
fn an_export_to_a_terminal_is_safe_to_look_at() {
    let query = "select 'x\u{1b}]0;title\u{7}y' as a";
    for format in ["csv", "tsv", "json", "jsonl", "markdown"] {
        let terminal = Terminal::start(&["export", "memory:", "--query", query, "--format", format]);
        let bytes: Vec<u8> = terminal.output.iter().flatten().collect();
        let text = String::from_utf8(bytes).unwrap();
        assert!(text.contains("title"), "{format}: {text}");
        assert!(!text.contains(['\u{1b}', '\u{7}']), "{format}: {text:?}");
    }
}

#[test]
fn rows_sent_to_a_file_are_plain_unless_a_form_was_set() {
    let mut terminal = Terminal::start(&["repl", "--sample", "--no-rc", "--color", "always"]);
    terminal.wait("the prompt", |shown| shown.ends_with("sample>"));
    terminal
        .send("\\o rows.tsv\rselect 1 as a, 'b' as b;\r\\o set.txt\r\\format table\rselect 1 as a;\r\\o\r");
    terminal.send("select 'all ' || 'done' as word;\r");
    terminal.wait("the answer", |shown| shown.contains(" all done") && shown.ends_with("sample>"));
    let file = |name: &str| std::fs::read_to_string(terminal._home.path().join(name)).unwrap();
    assert_eq!(file("rows.tsv"), "a\tb\n1\tb\n");
    let set = file("set.txt");
    assert!(set.starts_with(" a\n") && !set.contains('\u{1b}'), "{set:?}");
    assert_eq!(terminal.end(), 0);
}

#[test]
fn long_results_go_through_the_pager() {
    let mut terminal = sample();
    terminal.send("\\pset pager off\rselect name from album order by name;\r");
    terminal.wait("the answer", |shown| shown.ends_with("rows)\nsample>"));
    terminal.send("\\pset pager on\rselect year from album order by year;\r");
    // Where there is no pager, everything is printed.
    terminal.wait("the pager", |shown| shown.ends_with(':') || shown.ends_with("rows)\nsample>"));
    terminal.send("q");
    terminal.wait("the prompt", |shown| shown.trim_end_matches('q').trim_end().ends_with("sample>"));
}
