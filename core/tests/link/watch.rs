//! What a node says of its links.

use ankurah_core::env::fixed::START_MICROS;
use ankurah_core::node::link::memory::whole;
use ankurah_core::node::protocol::{
    Connection, Event, FrameKind, LinkInfo, Request, TapDirection, TapFrames,
};
use ankurah_core::value::Timestamp;
use futures::StreamExt;
use futures::executor::block_on;

use crate::common::{Site, ask, links, run};

#[test]
fn links_are_listed_with_what_went_over_them() {
    let site = Site::new(1);
    let here = site.node.connect();
    assert!(links(&*here).is_empty());
    let one = site.link(whole());
    site.fixed.clock.advance(5_000_000);
    let two = site.link(whole());
    run(&one, "begin").unwrap();
    run(&one, "select 1").unwrap();
    let listed = links(&two);
    let [first, second] = listed.as_slice() else { panic!("{listed:?}") };
    let LinkInfo { id, peer, program, since, read_only, sessions, open, requests, waiting, .. } = first;
    assert_eq!((*id, peer.transport.as_str(), program.as_str()), (1, "memory", "test"));
    assert_eq!((*since, *read_only), (Timestamp(START_MICROS), false));
    assert_eq!((*sessions, *open, *requests, *waiting), (1, 0, 2, 0));
    // Hello and two requests; welcome, `begin`'s end, columns, rows and the end of `select`.
    assert_eq!((first.frames_in, first.frames_out), (3, 5));
    assert!(first.bytes_in > 40 && first.bytes_out > 60, "{first:?}");
    assert_eq!((second.id, second.since), (2, Timestamp(START_MICROS + 5_000_000)));
    assert_eq!((second.open, second.requests), (1, 1));
    drop((one, two));
    assert!(links(&*here).is_empty());
    let third = site.link(whole());
    assert_eq!(links(&third).first().map(|link| link.id), Some(3));
}

fn next(stream: &mut ankurah_core::node::protocol::EventStream) -> TapFrames {
    match block_on(stream.next()) {
        Some(Event::Tap(frames)) => frames,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_wire_tap_shows_frames_but_not_its_own() {
    let site = Site::new(1);
    let (link, watcher) = (site.link(whole()), site.link(whole()));
    let mut tap = watcher.request(Request::Tap);
    let mut here = site.node.connect().request(Request::Tap);
    // It begins when it is first polled.
    run(&link, "select 0").unwrap();
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(
        here.poll_next_unpin(&mut context).is_pending() && tap.poll_next_unpin(&mut context).is_pending()
    );
    next(&mut here);
    site.fixed.clock.advance(1000);
    run(&link, "select 1").unwrap();
    let seen = next(&mut tap);
    let shown: Vec<_> = seen
        .frames
        .iter()
        .map(|frame| (frame.link, frame.direction, frame.kind, frame.stream, frame.what.as_str()))
        .collect();
    let (data, out) = (FrameKind::Data, TapDirection::Out);
    assert_eq!(
        shown,
        [
            (1, TapDirection::In, data, 2, "execute"),
            (1, out, data, 2, "columns"),
            (1, out, data, 2, "rows"),
            (1, out, data, 2, "done"),
        ]
    );
    assert!(seen.frames.iter().all(|frame| frame.at == Timestamp(START_MICROS + 1000) && frame.bytes > 5));
    assert_eq!(seen.dropped, 0);
    assert_eq!(next(&mut here), seen);
    assert!(
        here.poll_next_unpin(&mut context).is_pending() && tap.poll_next_unpin(&mut context).is_pending()
    );
}

#[test]
fn a_wire_tap_that_is_not_read_counts_what_it_drops() {
    let site = Site::new(1);
    let link = site.link(whole());
    let mut tap = site.node.connect().request(Request::Tap);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(tap.poll_next_unpin(&mut context).is_pending());
    for _ in 0..2000 {
        ask(&link, Request::Info);
    }
    // Each is a frame there and two back; before them hello and welcome.
    let seen = next(&mut tap);
    assert_eq!((seen.frames.len(), seen.dropped), (4096, 6002 - 4096));
    ask(&link, Request::Info);
    let seen = next(&mut tap);
    assert_eq!((seen.frames.len(), seen.dropped), (3, 0));
}
