//! Links that break, and other sides that do not keep to the protocol.

use std::task::{Context, Poll, Waker};

use ankurah_core::node::link::frame::{Frame, MAX_FRAME, MAX_OPEN, Splitter, VERSION, WINDOW};
use ankurah_core::node::link::memory::whole;
use ankurah_core::node::link::{
    ClientOptions, LinkEnd, LinkError, Remote, ServerIncoming, ServerOptions, ServerOutgoing, connect,
    encode_event, encode_request,
};
use ankurah_core::node::protocol::{
    Connection, Done, Event, EventStream, Outcome, Request, Timings, TransactionState,
};
use futures::executor::block_on;
use futures::{Stream, StreamExt};
use proptest::prelude::*;

use crate::common::{Site, ask, breaks_after, execute, number, run};

/// What a stream has to say now.
fn polled<S: Stream + Unpin>(stream: &mut S) -> Vec<S::Item> {
    let mut items = Vec::new();
    let mut context = Context::from_waker(Waker::noop());
    while let Poll::Ready(Some(item)) = stream.poll_next_unpin(&mut context) {
        items.push(item);
    }
    items
}

fn frames(bytes: &[Vec<u8>]) -> Vec<Frame> {
    let mut splitter = Splitter::default();
    let mut frames = Vec::new();
    for bytes in bytes {
        splitter.push(bytes);
        while let Some((frame, _)) = splitter.next_frame().unwrap() {
            frames.push(frame);
        }
    }
    frames
}

#[test]
fn a_link_may_break_at_any_byte() {
    // How much there is to be carried.
    let script = |connection: &dyn Connection| -> Vec<Event> {
        let statements = [
            "begin",
            "update album set note = 'b'",
            "select * from album order by number",
            "commit",
            "select 1",
        ];
        statements.iter().flat_map(|statement| ask(connection, execute(1, statement))).collect()
    };
    let site = Site::new(1);
    site.fill(3, "a");
    let (carry, carried) = breaks_after(usize::MAX);
    let expected = script(&site.link(carry));
    let total = *carried.lock().unwrap();
    assert!(total > 200, "{total}");
    for at in 0..total {
        let site = Site::new(1);
        site.fill(3, "a");
        let link = site.link(breaks_after(at).0);
        let found = script(&link);
        // What came is right, and after it every answer fails.
        let came = found.iter().zip(&expected).take_while(|(found, expected)| found == expected).count();
        let failed = found.get(came..).unwrap();
        assert!(
            !failed.is_empty()
                && failed
                    .iter()
                    .all(|event| matches!(event, Event::Failed(failure) if failure.kind == "connection")),
            "at {at}: {failed:?}"
        );
        assert_eq!(link.remote().end(), Some(LinkEnd::Lost), "at {at}");
        // The node goes on without it; what was not committed is gone, and nothing is locked.
        let here = site.node.connect();
        let changed = number(&*here, "select count(*) from album where note = 'b'");
        assert!(changed == 0 || changed == 3, "at {at}: {changed}");
        run(&*here, "update album set note = 'c'").unwrap();
        let links = ask(&*here, Request::Links);
        assert!(matches!(links.first(), Some(Event::Links(links)) if links.is_empty()), "at {at}: {links:?}");
    }
}

#[test]
fn the_end_of_the_node_is_told() {
    let site = Site::new(1);
    let link = site.link(whole());
    run(&link, "select 1").unwrap();
    link.close("it closed the store");
    let failure = run(&link, "select 1").unwrap_err();
    assert_eq!(failure.kind, "connection");
    assert_eq!(failure.message, "loopback ended the connection: it closed the store");
    assert!(failure.help.as_deref().is_some_and(|help| help.contains("rolled back")));
    // It stays so.
    assert_eq!(run(&link, "select 1").unwrap_err().message, failure.message);
}

fn server(site: &Site) -> (ServerIncoming, ServerOutgoing) {
    let options = ServerOptions { program: "test".to_owned(), ..ServerOptions::default() };
    let (incoming, outgoing, _) = site.node.serve(options);
    (incoming, outgoing)
}

fn hello() -> Frame {
    Frame::Hello { oldest: 1, newest: VERSION, program: "test".to_owned(), read_only: false }
}

fn request(stream: u64, request: &Request) -> Frame {
    Frame::Data { stream, last: true, over: false, bytes: encode_request(request) }
}

/// What the node's end says last to one who says these things.
#[track_caller]
fn refused(said: &[Vec<u8>], expected: &str) {
    let site = Site::new(1);
    let (mut incoming, mut outgoing) = server(&site);
    let taken = said.iter().map(|bytes| incoming.receive(bytes)).find(Result::is_err);
    let error = taken.expect("it is refused").unwrap_err();
    assert!(error.to_string().starts_with(expected), "{error}");
    let bytes: Vec<Vec<u8>> = block_on((&mut outgoing).collect());
    let goodbye = frames(&bytes).pop();
    assert_eq!(goodbye, Some(Frame::Goodbye { reason: error.to_string() }));
}

#[test]
fn who_does_not_keep_to_the_protocol_is_told_why_and_let_go() {
    let hello = hello().encode_prefixed();
    let frame = |frame: Frame| frame.encode_prefixed();
    refused(&[frame(request(1, &Request::Info))], "the other side does not speak the protocol");
    refused(&[b"GET / HTTP/1.1\r\n\r\n".to_vec()], "a frame of 1195725856 bytes; the limit is 65600");
    refused(&[vec![0, 0, 0, 8, 1, 1, 1, 1, 1, 1, 1, 1]], "the other side does not speak the protocol");
    let newer = Frame::Hello { oldest: 7, newest: 9, program: String::new(), read_only: false };
    refused(
        &[frame(newer)],
        "the other side speaks versions 7 to 9 of the protocol, this one 1 to 1: use the same",
    );
    refused(&[hello.clone(), hello.clone()], "a second hello");
    refused(
        &[hello.clone(), vec![0, 0, 0, 1, 99]],
        "a frame cannot be read: frame kind at byte 0: unknown tag 99",
    );
    refused(&[hello.clone(), vec![0, 1, 0, 65]], "a frame of 65601 bytes");
    let unknown = Frame::Data { stream: 1, last: true, over: false, bytes: vec![200] };
    refused(&[hello.clone(), frame(unknown)], "a request cannot be read: request at byte 0: unknown tag 200");
    let info = frame(request(4, &Request::Info));
    refused(&[hello.clone(), info.clone(), info], "a piece of a request that is whole or given up");
    let over = Frame::Data { stream: 1, last: true, over: true, bytes: vec![1] };
    refused(&[hello.clone(), frame(over)], "a frame that only the other side sends");
    let mut many = vec![hello.clone()];
    many.extend((1..=257).map(|stream| frame(request(stream, &Request::Tap))));
    refused(&many, &format!("more than {MAX_OPEN} requests are open"));
    let mut long = vec![hello];
    let piece = Frame::Data { stream: 1, last: false, over: false, bytes: vec![0; 64 << 10] };
    long.extend((0..1025).map(|_| frame(piece.clone())));
    refused(&long, "a request of more than 67108864 bytes");
}

#[test]
fn a_newer_program_that_knows_this_version_is_welcome() {
    let site = Site::new(1);
    let (mut incoming, mut outgoing) = server(&site);
    let mut body = Frame::Hello { oldest: 1, newest: 9, program: "new".to_owned(), read_only: true }.encode();
    body.extend([1, 2, 3]);
    let mut bytes = u32::try_from(body.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend(body);
    incoming.receive(&bytes).unwrap();
    let said = frames(&polled(&mut outgoing));
    assert!(matches!(said.as_slice(), [Frame::Welcome { version: 1, read_only: true, .. }]), "{said:?}");
}

#[test]
fn requests_that_are_given_up_at_once_are_never_begun() {
    let site = Site::new(1);
    let (mut incoming, mut outgoing) = server(&site);
    incoming.receive(&hello().encode_prefixed()).unwrap();
    for stream in 1..100_000 {
        incoming.receive(&request(stream, &Request::Tap).encode_prefixed()).unwrap();
        incoming.receive(&Frame::Cancel { stream }.encode_prefixed()).unwrap();
        // Neither does credit for what is over add up to anything.
        incoming.receive(&Frame::Credit { stream, bytes: u64::MAX }.encode_prefixed()).unwrap();
    }
    let said = frames(&polled(&mut outgoing));
    assert!(matches!(said.as_slice(), [Frame::Welcome { .. }]), "{said:?}");
    assert_eq!(site.the_link().requests, 99_999);
}

/// A client's end, with the welcome taken in.
fn client() -> (ankurah_core::node::link::ClientIncoming, ankurah_core::node::link::ClientOutgoing, Remote) {
    let (mut incoming, outgoing, remote) =
        connect(ClientOptions { program: "test".to_owned(), read_only: false });
    let welcome = Frame::Welcome {
        version: 1,
        program: "other".to_owned(),
        process: Some(7),
        read_only: false,
        open: 2,
        window: WINDOW,
    };
    incoming.receive(&welcome.encode_prefixed()).unwrap();
    (incoming, outgoing, remote)
}

fn answer(stream: u64, event: &Event) -> Vec<u8> {
    let over = matches!(event, Event::Done(_) | Event::Failed(_));
    Frame::Data { stream, last: true, over, bytes: encode_event(event) }.encode_prefixed()
}

#[test]
fn a_node_that_does_not_keep_to_the_protocol_is_left() {
    let check = |said: &[Vec<u8>], expected: &str| {
        let (mut incoming, mut outgoing, remote) = client();
        let mut stream = remote.request(Request::Info);
        let error =
            said.iter().map(|bytes| incoming.receive(bytes)).find(Result::is_err).unwrap().unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
        assert_eq!(remote.end(), Some(LinkEnd::Wrong(error.clone())));
        let failed = polled(&mut stream);
        let said = format!("the connection to process 7 (other) was given up: {error}");
        assert!(matches!(failed.last(), Some(Event::Failed(failure)) if failure.message == said), "{said}");
        let told = frames(&polled(&mut outgoing));
        assert_eq!(told.last(), Some(&Frame::Goodbye { reason: error.to_string() }));
    };
    let done = Event::Done(Done {
        outcome: Outcome::Answered,
        timings: Timings::default(),
        transaction: TransactionState::Idle,
    });
    check(&[answer(9, &done)], "an answer to no request");
    check(&[hello().encode_prefixed()], "a frame that only the other side sends");
    let bad = Frame::Data { stream: 1, last: true, over: false, bytes: vec![99] };
    check(&[bad.encode_prefixed()], "an answer cannot be read: event at byte 0: unknown tag 99");
    let much = answer(1, &Event::Operation { position: Default::default(), bytes: vec![0; 60_000] });
    check(&vec![much; 5], "more of an answer than there was credit for");
    assert_eq!(LinkError::Stranger.to_string(), "the other side does not speak the protocol of Ankurah");
}

#[test]
fn credit_is_given_for_what_was_read_alone() {
    let (mut incoming, mut outgoing, remote) = client();
    let mut stream = remote.request(Request::Verify);
    polled(&mut outgoing);
    let piece = answer(1, &Event::Operation { position: Default::default(), bytes: vec![0; 60_000] });
    for _ in 0..4 {
        incoming.receive(&piece).unwrap();
    }
    assert_eq!(polled(&mut outgoing), Vec::<Vec<u8>>::new());
    let mut context = Context::from_waker(Waker::noop());
    let mut credits = Vec::new();
    for _ in 0..4 {
        assert!(stream.poll_next_unpin(&mut context).is_ready());
        credits.extend(frames(&polled(&mut outgoing)));
    }
    assert!(matches!(credits.as_slice(), [Frame::Credit { stream: 1, bytes: 180_015 }]), "{credits:?}");
}

#[test]
fn a_request_that_was_not_sent_yet_is_taken_back() {
    let (_incoming, mut outgoing, remote) = client();
    assert!(matches!(frames(&polled(&mut outgoing)).as_slice(), [Frame::Hello { .. }]));
    drop(remote.request(Request::Info));
    assert!(polled(&mut outgoing).is_empty());
    let stream = remote.request(Request::Info);
    assert!(matches!(frames(&polled(&mut outgoing)).as_slice(), [Frame::Data { stream: 2, .. }]));
    drop(stream);
    assert!(matches!(frames(&polled(&mut outgoing)).as_slice(), [Frame::Cancel { stream: 2 }]));
    // Control goes ahead of what is long, and what is long goes piece by piece.
    let long = "x".repeat(200_000);
    let streams: Vec<EventStream> = (0..2).map(|_| remote.request(execute(1, &long))).collect();
    let mut context = Context::from_waker(Waker::noop());
    let Poll::Ready(Some(first)) = outgoing.poll_next_unpin(&mut context) else { panic!("nothing is sent") };
    drop(streams);
    let told = frames(&[vec![first], polled(&mut outgoing)].concat());
    assert!(
        matches!(told.as_slice(), [Frame::Data { stream: 3, last: false, .. }, Frame::Cancel { stream: 3 }]),
        "{told:?}"
    );
    drop(remote);
    assert!(matches!(frames(&polled(&mut outgoing)).as_slice(), [Frame::Goodbye { .. }]));
    const { assert!(MAX_FRAME < 70_000) };
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Whatever is said to a node, it answers, refuses or waits.
    #[test]
    fn any_frames_are_taken_or_refused(
        frames in prop::collection::vec(
            (0_u8..8, 1_u64..5, any::<bool>(), prop::collection::vec(any::<u8>(), 0..40)), 0..40,
        ),
        sizes in prop::collection::vec(1_usize..50, 1..8),
    ) {
        let site = Site::new(1);
        site.fill(3, "a");
        let (mut incoming, mut outgoing) = server(&site);
        let mut bytes = hello().encode_prefixed();
        for (kind, stream, last, data) in frames {
            let frame = match kind {
                0 => Frame::Credit { stream, bytes: u64::MAX },
                1 => Frame::Cancel { stream },
                2 => request(stream, &execute(stream, "select * from album")),
                3 => request(stream, &Request::Tap),
                4 => Frame::Data { stream, last, over: false, bytes: data },
                5 => request(stream, &execute(stream, "begin")),
                6 => Frame::Credit { stream, bytes: 1 },
                _ => {
                    bytes.extend(data);
                    continue;
                }
            };
            bytes.extend(frame.encode_prefixed());
        }
        let mut sizes = sizes.iter().cycle();
        while !bytes.is_empty() {
            let size = (*sizes.next().unwrap()).min(bytes.len());
            let piece: Vec<u8> = bytes.drain(..size).collect();
            if incoming.receive(&piece).is_err() {
                break;
            }
            self::frames(&polled(&mut outgoing));
        }
        self::frames(&polled(&mut outgoing));
        drop(incoming);
        prop_assert_eq!(outgoing.poll_next_unpin(&mut Context::from_waker(Waker::noop())), Poll::Ready(None));
        drop(outgoing);
        run(&*site.node.connect(), "update album set note = 'b'").unwrap();
    }
}
