//! A node behind a socket, and who may reach it.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![allow(clippy::print_stdout, reason = "a test says what it measured")]

use std::io::{Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Arc;

use ankurah_core::env::fixed::FixedEnv;
use ankurah_core::node::link::Remote;
use ankurah_core::node::protocol::{
    Cancel, Connection, Event, Failure, LinkInfo, Parameters, Request, SessionId,
};
use ankurah_core::node::{Node, NodeOptions};
use ankurah_core::storage::{Engine, memory};
use ankurah_transport_local::{LocalError, attach, listen};
use futures::StreamExt;
use futures::executor::block_on;

fn node() -> Node {
    let env = FixedEnv::new(1).env;
    let engine: Arc<dyn Engine> = Arc::new(block_on(memory::open(env.random.as_ref())).unwrap());
    block_on(Node::open(engine, env, NodeOptions::default())).unwrap()
}

fn execute(statement: &str) -> Request {
    let (session, statement) = (SessionId(1), statement.to_owned());
    Request::Execute { session, statement, parameters: Parameters::default() }
}

fn run(connection: &dyn Connection, statement: &str) -> Result<Vec<Event>, Box<Failure>> {
    let events = block_on(connection.request(execute(statement)).collect::<Vec<_>>());
    match events.last() {
        Some(Event::Failed(failure)) => Err(Box::new(failure.clone())),
        _ => Ok(events),
    }
}

fn fill(connection: &dyn Connection, rows: usize) {
    run(connection, "create model m (n i64 key, t string)").unwrap();
    let rows: Vec<_> = (0..rows).map(|n| format!("({n}, '{}')", "x".repeat(200))).collect();
    for values in rows.chunks(1000) {
        run(connection, &format!("insert into m (n, t) values {}", values.join(", "))).unwrap();
    }
}

fn linked(folder: &Path) -> Remote {
    attach(folder, false).unwrap().0
}

fn links(node: &Node) -> Vec<LinkInfo> {
    match block_on(node.connect().request(Request::Links).next()) {
        Some(Event::Links(links)) => links,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_process_attaches_asks_and_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let node = node();
    fill(&*node.connect(), 5000);
    let listener = listen(&node, folder.path()).unwrap();
    let socket = std::fs::symlink_metadata(folder.path().join("socket")).unwrap();
    assert!(socket.file_type().is_socket());
    assert_eq!(socket.permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left there");

    let (remote, welcome) = attach(folder.path(), false).unwrap();
    assert_eq!(welcome.process, Some(std::process::id()));
    assert!(!welcome.read_only && attach(folder.path(), true).unwrap().1.read_only);
    assert_eq!(run(&remote, "select * from m").unwrap(), run(&*node.connect(), "select * from m").unwrap());
    let other = linked(folder.path());
    run(&remote, "begin").unwrap();
    run(&remote, "delete from m").unwrap();
    let listed = links(&node);
    let one = listed.iter().find(|link| link.sessions == 1 && link.requests > 2).unwrap();
    assert_eq!((one.peer.transport.as_str(), one.peer.process), ("local", Some(std::process::id())));
    assert_eq!(one.peer.user, Some(socket.uid()));
    // Who leaves leaves nothing behind.
    drop(remote);
    run(&other, "update m set t = 'y'").unwrap();
    drop(listener);
    assert!(!folder.path().join("socket").exists());
    let failure = run(&other, "select 1").unwrap_err();
    assert_eq!(failure.kind, "connection");
    assert!(failure.message.ends_with("ended the connection: the store was closed"), "{}", failure.message);
    assert!(matches!(attach(folder.path(), false), Err(LocalError::Missing { .. })));
}

#[test]
fn what_is_asked_can_be_given_up_while_it_is_computed() {
    let folder = tempfile::tempdir().unwrap();
    let node = node();
    fill(&*node.connect(), 100);
    let _listener = listen(&node, folder.path()).unwrap();
    let remote = linked(folder.path());
    // Nothing comes of it for a long time, and the thread that answers is inside of it.
    let long = "select count(*) from m where repeat(t, 20000) like '%r_n%'";
    let cancel = Cancel::default();
    let stream = remote.request_unless(execute(long), cancel.clone());
    cancel.cancel();
    let events = block_on(stream.collect::<Vec<_>>());
    assert!(matches!(events.as_slice(), [Event::Failed(failure)] if failure.is_cancelled()), "{events:?}");
    run(&remote, "select 1").unwrap();
    // One that nobody waits for any more does not keep the listener from closing.
    let stream = remote.request(execute(long));
    drop(stream);
}

#[test]
fn who_reads_nothing_holds_up_nobody_and_closing_does_not_wait() {
    let folder = tempfile::tempdir().unwrap();
    let node = node();
    fill(&*node.connect(), 20_000);
    let listener = listen(&node, folder.path()).unwrap();
    let mut silent = UnixStream::connect(folder.path().join("socket")).unwrap();
    use ankurah_core::node::link::encode_request;
    use ankurah_core::node::link::frame::{Frame, VERSION};
    let hello = Frame::Hello { oldest: 1, newest: VERSION, program: "silent".to_owned(), read_only: false };
    silent.write_all(&hello.encode_prefixed()).unwrap();
    for stream in 1..=20 {
        let bytes = encode_request(&execute("select * from m"));
        silent.write_all(&Frame::Data { stream, last: true, over: false, bytes }.encode_prefixed()).unwrap();
        silent.write_all(&Frame::Credit { stream, bytes: u64::MAX }.encode_prefixed()).unwrap();
    }
    let other = linked(folder.path());
    for _ in 0..20 {
        run(&other, "select count(*) from m").unwrap();
    }
    let info = links(&node).into_iter().find(|link| link.program == "silent").unwrap();
    assert!(info.bytes_out < 4 << 20 && info.waiting < 16 << 20, "{info:?}");
    drop(listener);
    assert!(links(&node).is_empty());
}

#[test]
fn something_else_at_the_other_end_is_told_and_let_go() {
    let folder = tempfile::tempdir().unwrap();
    let node = node();
    let _listener = listen(&node, folder.path()).unwrap();
    let mut stream = UnixStream::connect(folder.path().join("socket")).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let mut said = Vec::new();
    let _ = stream.read_to_end(&mut said);
    assert!(String::from_utf8_lossy(&said).contains("a frame of 1195725856 bytes"), "{said:?}");
    // The other way round: something else listens.
    let folder = tempfile::tempdir().unwrap();
    let strange = UnixListener::bind(folder.path().join("socket")).unwrap();
    let answers = std::thread::spawn(move || {
        let (mut stream, _) = strange.accept().unwrap();
        stream.write_all(b"220 mail.example.org ESMTP\r\n").unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    });
    let error = attach(folder.path(), false).unwrap_err();
    assert!(matches!(error, LocalError::Link { .. }), "{error}");
    answers.join().unwrap();
}

#[test]
fn what_a_dead_process_left_is_replaced_and_anything_else_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let node = node();
    // A socket that nobody listens at any more.
    drop(UnixListener::bind(&path).unwrap());
    assert!(matches!(attach(folder.path(), false), Err(LocalError::Stale { .. })));
    let listener = listen(&node, folder.path()).unwrap();
    run(&linked(folder.path()), "select 1").unwrap();
    // Where another took its place, that one is not removed.
    std::fs::remove_file(&path).unwrap();
    let other = UnixListener::bind(&path).unwrap();
    drop(listener);
    assert!(path.exists());
    drop(other);
    // A file, and a link to a socket.
    std::fs::remove_file(&path).unwrap();
    std::fs::write(&path, "mine").unwrap();
    assert!(matches!(listen(&node, folder.path()), Err(LocalError::NoSocket { .. })));
    assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    std::fs::remove_file(&path).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let _elsewhere = listen(&node, elsewhere.path()).unwrap();
    std::os::unix::fs::symlink(elsewhere.path().join("socket"), &path).unwrap();
    assert!(matches!(attach(folder.path(), false), Err(LocalError::NoSocket { .. })));
    assert!(matches!(listen(&node, folder.path()), Err(LocalError::NoSocket { .. })));
    // A folder that is not there.
    assert!(listen(&node, &folder.path().join("none")).is_err());
}

#[test]
fn a_folder_with_a_long_path_has_its_socket_elsewhere() {
    let folder = tempfile::tempdir().unwrap();
    let long = folder.path().join("x".repeat(80)).join("y".repeat(80));
    std::fs::create_dir_all(&long).unwrap();
    let node = node();
    let listener = listen(&node, &long).unwrap();
    let path = listener.path().to_owned();
    assert!(!path.starts_with(folder.path()) && path.exists());
    assert_eq!(std::fs::read_dir(&long).unwrap().count(), 0);
    run(&linked(&long), "select 1").unwrap();
    drop(listener);
    assert!(!path.exists());
}

/// `cargo test -p ankurah-transport-local --test socket cost -- --nocapture` prints what a request over the socket
/// takes, beside the same in the process.
#[test]
fn the_cost_of_a_request_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let node = node();
    fill(&*node.connect(), 20_000);
    let _listener = listen(&node, folder.path()).unwrap();
    let remote = linked(folder.path());
    let here = node.connect();
    for (name, statement, times) in [
        ("one value", "select 1", 1000_u32),
        ("one row by its key", "select * from m where n = 77", 1000),
        ("20,000 rows of 200 bytes", "select * from m", 5),
    ] {
        let timed = |connection: &dyn Connection| {
            let mut all: Vec<_> = (0..times)
                .map(|_| {
                    let start = std::time::Instant::now();
                    let events = run(connection, statement).unwrap();
                    assert!(events.iter().any(|event| matches!(event, Event::Rows(_))));
                    start.elapsed()
                })
                .collect();
            all.sort_unstable();
            let at = |part: usize| all[(all.len() - 1) * part / 100];
            format!("median {:?}, p99 {:?}", at(50), at(99))
        };
        println!("{name}: in the process {}; over the socket {}", timed(&*here), timed(&remote));
    }
}
