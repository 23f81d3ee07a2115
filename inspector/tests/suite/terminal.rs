//! A real terminal: what it is like while the inspector runs, and afterwards.
#![cfg(target_os = "linux")]

use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

use ankurah_screen::{Start, Terminal};

fn program() -> String {
    let tests = std::env::current_exe().unwrap();
    let program: PathBuf = tests.parent().unwrap().parent().unwrap().join("examples/faulty");
    program.display().to_string()
}

/// The inspector in a shell that writes the settings of the terminal down before and after.
fn start() -> Terminal {
    let program = program();
    let script = format!("stty -a > before; {program}; echo ended with $?; stty -a > after; echo finished");
    let mut terminal = Terminal::start("sh", &["-c", &script], &Start::default());
    terminal.wait("the first page", |shown| shown.contains("[1 Over]") && shown.contains("memory"));
    terminal
}

/// The inspector's process, which is the shell's only child.
fn inspector(terminal: &Terminal) -> String {
    let shell = terminal.process();
    let children = std::fs::read_to_string(format!("/proc/{shell}/task/{shell}/children")).unwrap();
    children.trim().to_owned()
}

fn signal(terminal: &Terminal, name: &str) {
    let status = Command::new("kill").args([name, &inspector(terminal)]).status().unwrap();
    assert!(status.success());
}

/// The longest time in which a process stops that is about to.
const STOPS: Duration = Duration::from_secs(60);

/// Lets a stopped inspector go on. It gives the terminal back before it stops itself, and a signal that comes in
/// between would be lost, so this waits until it has stopped.
#[track_caller]
fn go_on(terminal: &Terminal) {
    let process = inspector(terminal);
    let begun = Instant::now();
    loop {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
        // Behind the name, which is in parentheses and may hold anything.
        let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
        if state == Some('T') {
            break;
        }
        assert!(begun.elapsed() < STOPS, "it does not stop: {stat}");
        std::thread::yield_now();
    }
    signal(terminal, "-CONT");
}

/// Waits for the end, and sees that everything is as it was.
#[track_caller]
fn ended(mut terminal: Terminal, code: u32) -> String {
    terminal.wait("the end", |shown| shown.ends_with("finished"));
    let file = |name: &str| std::fs::read_to_string(terminal.home().join(name)).unwrap();
    assert_eq!(file("before"), file("after"));
    let screen = terminal.screen();
    assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste());
    assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    let shown = terminal.shown();
    assert!(shown.contains(&format!("ended with {code}\n")), "{shown}");
    shown
}

#[test]
fn it_is_left_by_a_key() {
    let mut terminal = start();
    assert!(terminal.screen().alternate_screen());
    terminal.send("2");
    terminal.wait("the collections", |shown| shown.contains("note"));
    terminal.send("q");
    ended(terminal, 0);
}

#[test]
fn it_follows_the_size_of_the_terminal() {
    let mut terminal = start();
    terminal.resize(120, 30);
    terminal.wait("long names", |shown| shown.contains("[1 Overview]"));
    terminal.resize(30, 8);
    terminal.wait("the name of the page", |shown| shown.starts_with("[1 Over]2 3 "));
    terminal.resize(1, 1);
    terminal.resize(80, 24);
    terminal.wait("short names", |shown| shown.contains("[1 Over]"));
    terminal.send("q");
    ended(terminal, 0);
}

#[test]
fn a_signal_ends_it() {
    for (name, code) in [("-TERM", 115), ("-HUP", 101), ("-INT", 102)] {
        let terminal = start();
        signal(&terminal, name);
        ended(terminal, code);
    }
}

#[test]
fn it_stops_and_goes_on() {
    let mut terminal = start();
    signal(&terminal, "-TSTP");
    terminal.wait_screen("the screen before", |screen| !screen.alternate_screen());
    assert!(!terminal.screen().hide_cursor());
    go_on(&terminal);
    terminal.wait("the page again", |shown| shown.contains("[1 Over]"));
    // The key does the same.
    terminal.send("\u{1a}");
    terminal.wait_screen("the screen before", |screen| !screen.alternate_screen());
    go_on(&terminal);
    terminal.wait("the page again", |shown| shown.contains("[1 Over]"));
    terminal.send("q");
    ended(terminal, 0);
}

#[test]
fn a_panic_gives_the_terminal_back() {
    let mut terminal = start();
    terminal.send("2\r");
    terminal.wait("the entity", |shown| shown.contains("first"));
    terminal.send("\r");
    terminal.wait("its page", |shown| shown.contains("operations  1"));
    terminal.send("x");
    let shown = ended(terminal, 101);
    assert!(shown.contains("the file is on fire"), "{shown}");
}

#[test]
fn a_panic_of_a_worker_leaves_the_screen_alive() {
    let mut terminal = start();
    terminal.send("8");
    terminal.wait("what happened", |shown| {
        shown.contains("indexes: the node gave up: the index is on fire") && shown.contains("[8 Indx]")
    });
    terminal.send("2");
    terminal.wait("the next page", |shown| shown.contains("[2 Coll]") && shown.contains("note"));
    terminal.send("8");
    terminal.wait("it can be asked again", |shown| shown.contains("the index is on fire"));
    terminal.send("q");
    ended(terminal, 0);
}

/// What it writes goes into a pipe that is closed soon: the error ends it, and the terminal that it reads keys from is as
/// it was.
#[test]
fn an_error_gives_the_terminal_back() {
    let program = program();
    let script = format!(
        "stty -a > before; {{ {program}; echo $? > code; }} | head -c 200 > /dev/null; stty -a > after; echo finished"
    );
    let mut terminal = Terminal::start("sh", &["-c", &script], &Start::default());
    terminal.wait("the end", |shown| shown.ends_with("finished"));
    let file = |name: &str| std::fs::read_to_string(terminal.home().join(name)).unwrap();
    assert_eq!((file("before"), file("code").as_str()), (file("after"), "2\n"));
}
