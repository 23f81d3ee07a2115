//! What comes over a link: any frame, request or event is read or refused and has one encoding, and whatever is said to
//! a node over a link, it answers, refuses or waits, and its store stays whole.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use ankurah_core::env::fixed::FixedEnv;
use ankurah_core::node::link::frame::{Frame, Splitter, VERSION};
use ankurah_core::node::link::{
    ClientOptions, ServerOptions, connect, decode_event, decode_request, encode_event, encode_request,
};
use ankurah_core::node::protocol::{Connection, Event, Parameters, Request, SessionId};
use ankurah_core::node::{Node, NodeOptions};
use ankurah_core::storage::{Engine, memory};
use futures::executor::block_on;
use futures::{Stream, StreamExt};

/// The first byte says what the others are.
pub fn body(data: &[u8]) {
    let Some((first, rest)) = data.split_first() else { return };
    match first % 5 {
        0 => any_frame(rest),
        1 => {
            if let Ok(request) = decode_request(rest) {
                assert_eq!(encode_request(&request), rest, "a request has one encoding");
            }
        }
        2 => {
            if let Ok(event) = decode_event(rest) {
                assert_eq!(encode_event(&event), rest, "an event has one encoding");
            }
        }
        3 => to_a_node(rest),
        _ => to_a_client(rest),
    }
}

fn any_frame(data: &[u8]) {
    if let Ok(frame) = Frame::decode(data) {
        let bytes = frame.encode();
        let open = matches!(frame, Frame::Hello { .. } | Frame::Goodbye { .. });
        assert!(if open { data.starts_with(&bytes) } else { data == bytes }, "a frame has one encoding");
    }
}

/// Everything that is there to be sent.
fn drain(stream: &mut (impl Stream<Item = Vec<u8>> + Unpin)) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    let mut splitter = Splitter::default();
    // An answer may go on for ever, where it was given credit for that.
    for _ in 0..1000 {
        match stream.poll_next_unpin(&mut context) {
            Poll::Ready(Some(bytes)) => {
                splitter.push(&bytes);
                assert!(matches!(splitter.next_frame(), Ok(Some(_))), "what is sent is a frame");
            }
            Poll::Ready(None) => return true,
            Poll::Pending => return false,
        }
    }
    false
}

/// Pieces of the data, each of a size that it says itself, as a node's end takes them.
fn to_a_node(mut data: &[u8]) {
    let fixed = FixedEnv::new(1);
    let engine: Arc<dyn Engine> =
        Arc::new(block_on(memory::open(fixed.env.random.as_ref())).expect("memory opens"));
    let node = block_on(Node::open(engine, fixed.env, NodeOptions::default())).expect("memory opens");
    let run = |statement: &str| {
        let (session, statement) = (SessionId(1), statement.to_owned());
        let request = Request::Execute { session, statement, parameters: Parameters::default() };
        block_on(node.connect().request(request).collect::<Vec<_>>())
    };
    run("create model album (name string key, year i64)");
    run("insert into album (name, year) values ('Blue', 1971)");
    let (mut incoming, mut outgoing, _closer) = node.serve(ServerOptions::default());
    let hello = Frame::Hello { oldest: 1, newest: VERSION, program: "fuzz".to_owned(), read_only: false };
    incoming.receive(&hello.encode_prefixed()).expect("hello is welcome");
    while let Some((size, rest)) = data.split_first() {
        let (piece, rest) = rest.split_at(usize::from(*size).min(rest.len()));
        data = rest;
        if incoming.receive(piece).is_err() {
            break;
        }
        drain(&mut outgoing);
    }
    drain(&mut outgoing);
    drop(incoming);
    assert!(drain(&mut outgoing), "it ends with what came");
    drop(outgoing);
    let faults = block_on(node.connect().request(Request::Verify).collect::<Vec<_>>());
    assert!(matches!(faults.as_slice(), [Event::Done(_)]), "{faults:?}");
}

/// The data as the end of a program takes it, which asked two things.
fn to_a_client(data: &[u8]) {
    let (mut incoming, mut outgoing, remote) = connect(ClientOptions::default());
    let mut answers = [remote.request(Request::Info), remote.request(Request::Tap)];
    for piece in data.chunks(7) {
        if incoming.receive(piece).is_err() {
            break;
        }
        drain(&mut outgoing);
    }
    drop(incoming);
    assert!(drain(&mut outgoing), "it ends with what came");
    for answer in &mut answers {
        let events = block_on(answer.collect::<Vec<_>>());
        assert!(matches!(events.last(), None | Some(Event::Done(_) | Event::Failed(_))) || events.len() > 1);
    }
}
