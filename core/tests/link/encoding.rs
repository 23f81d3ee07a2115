//! The bytes of frames, requests and events: those of `fixtures/format/protocol.txt`, and no others.

use std::fmt::Write;

use ankurah_core::node::link::frame::Frame;
use ankurah_core::node::link::{decode_event, decode_request, encode_event, encode_request};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::samples::{events, frames, requests};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/format/protocol.txt");

/// Kind, name and bytes of everything.
fn vectors() -> Vec<(&'static str, &'static str, Vec<u8>)> {
    let frames = frames().into_iter().map(|(name, frame)| ("frame", name, frame.encode()));
    let requests = requests().into_iter().map(|(name, request)| ("request", name, encode_request(&request)));
    let events = events().into_iter().map(|(name, event)| ("event", name, encode_event(&event)));
    frames.chain(requests).chain(events).collect()
}

#[test]
fn everything_is_written_as_the_vectors_say() {
    let mut text = "-- Kind, name, bytes. What they say is in core/tests/link/samples.rs.\n".to_owned();
    for (kind, name, bytes) in vectors() {
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(text, "{kind} {name} {hex}").unwrap();
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(FILE, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(FILE).unwrap(), text, "BLESS=1 writes it anew");
}

#[test]
fn everything_reads_back() {
    for (_, frame) in frames() {
        assert_eq!(Frame::decode(&frame.encode()), Ok(frame));
    }
    for (_, request) in requests() {
        assert_eq!(decode_request(&encode_request(&request)), Ok(request));
    }
    for (_, event) in events() {
        assert_eq!(decode_event(&encode_event(&event)), Ok(event));
    }
}

#[test]
fn there_is_a_sample_of_every_kind() {
    let names = |kind: &str| {
        let mut names: Vec<u8> =
            vectors().iter().filter(|(of, ..)| *of == kind).map(|(_, _, bytes)| bytes[0]).collect();
        names.sort_unstable();
        names.dedup();
        names
    };
    // Tags leave no gap, and the one after the last is unknown.
    for kind in ["frame", "request", "event"] {
        let tags = names(kind);
        let last = tags.len() as u8;
        assert_eq!(tags, (1..=last).collect::<Vec<_>>(), "{kind}");
        let next = [last + 1];
        let error = match kind {
            "frame" => Frame::decode(&next).unwrap_err(),
            "request" => decode_request(&next).unwrap_err(),
            _ => decode_event(&next).unwrap_err(),
        };
        assert!(error.to_string().contains("unknown tag"), "{kind}: {error}");
    }
}

#[test]
fn a_count_that_is_not_there_takes_no_memory() {
    // Rows of no columns, of too many columns, of more values than there are bytes.
    for (bytes, expected) in [
        (&[2, 0, 0xff, 0xff, 0xff, 0xff, 0x0f][..], "is over the limit"),
        (&[2, 0xff, 0xff, 0xff, 0xff, 0x0f, 1], "is over the limit"),
        (&[2, 3, 100, 0, 0, 0], "the bytes end here"),
        (&[1, 0xff, 0xff, 0xff, 0xff, 0x0f], "the bytes end here"),
        (&[2, 1, 1, 6, 1, 0xff], "a string is not UTF-8"),
        (&[2, 1, 1, 6, 1, 0], "contains U+0000"),
        (&[2, 1, 1, 12, 2, b' ', b'1'], "not a canonical document"),
    ] {
        let error = decode_event(bytes).unwrap_err().to_string();
        assert!(error.contains(expected), "{bytes:?}: {error}");
    }
}

proptest! {
    /// What can be read is written the same way.
    #[test]
    fn everything_has_one_encoding(
        of in any::<Index>(), at in any::<Index>(), byte in any::<u8>(), cut in any::<Index>(), how in 0..4,
    ) {
        let vectors = vectors();
        let (kind, name, mut bytes) = of.get(&vectors).clone();
        let place = at.index(bytes.len());
        match how {
            0 => bytes[place] = byte,
            1 => bytes.insert(place, byte),
            2 => drop(bytes.remove(place)),
            _ => bytes.truncate(cut.index(bytes.len())),
        }
        let again = match kind {
            "frame" => Frame::decode(&bytes).ok().map(|frame| frame.encode()),
            "request" => decode_request(&bytes).ok().map(|request| encode_request(&request)),
            _ => decode_event(&bytes).ok().map(|event| encode_event(&event)),
        };
        // Later versions may add to the first and the last frame.
        let open = name == "goodbye" || name == "hello";
        if let Some(again) = again {
            prop_assert!(if open { bytes.starts_with(&again) } else { bytes == again }, "{} {}", kind, name);
        }
    }
}
