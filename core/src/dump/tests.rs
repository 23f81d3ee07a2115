//! Bytes of dumps, right and wrong. That whole stores come back is tested with every engine.

use std::fmt::Write;

use proptest::prelude::*;

use super::*;
use crate::operation::Operation;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/format/dump.txt");
const OPERATIONS: &str = include_str!("../../../fixtures/format/operations.txt");

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The operations of the vectors of the operation format.
fn operations() -> Vec<Vec<u8>> {
    let lines = OPERATIONS.lines().filter_map(|line| line.strip_prefix("= bytes"));
    let all: Vec<Vec<u8>> = lines.map(|line| bytes(line.trim())).collect();
    all.into_iter()
        .filter(|bytes| matches!(Operation::decode(bytes), Ok(crate::operation::Decoded::Known(_))))
        .collect()
}

fn header() -> Header {
    Header {
        store: StoreId([0xab; 16]),
        epoch: 1,
        position: Position(7),
        made: Timestamp(1_763_800_000_000_000),
        engine: "memory".to_owned(),
        program: "0.1.0".to_owned(),
    }
}

fn aside() -> DumpedAside {
    let bytes = operations().swap_remove(1);
    let Ok(crate::operation::Decoded::Known(operation)) = Operation::decode(&bytes) else {
        panic!("no operation")
    };
    let (id, entity) = (operation.id(), operation.entity());
    DumpedAside { set: SetAside::Refused, id, entity, reason: "no".to_owned(), bytes }
}

/// A small dump, and where its records begin.
fn small() -> (Vec<u8>, Vec<(&'static str, usize)>) {
    let operations = operations();
    let mut starts = vec![("header", MAGIC.len() + 1)];
    let mut encoder = Encoder::new(&header());
    let mut dump = encoder.take();
    for (what, write) in [
        ("aside", Box::new(|encoder: &mut Encoder| encoder.aside(&aside())) as Box<dyn Fn(&mut Encoder)>),
        ("commit", Box::new(|encoder| encoder.commit(Position(3), &operations[..1]))),
        ("end", Box::new(|encoder| assert_eq!(encoder.end().commits, 1))),
    ] {
        starts.push((what, dump.len()));
        write(&mut encoder);
        dump.extend(encoder.take());
    }
    (dump, starts)
}

/// What is read of bytes that come in pieces of a size, and how it ends.
fn read(dump: &[u8], piece: usize) -> (Vec<Unit>, Result<Totals, DumpError>) {
    let mut decoder = Decoder::new();
    let mut units = Vec::new();
    for piece in dump.chunks(piece) {
        decoder.feed(piece);
        loop {
            match decoder.advance() {
                Ok(Some(unit)) => units.push(unit),
                Ok(None) => break,
                Err(error) => return (units, Err(error)),
            }
        }
    }
    (units, decoder.finish())
}

#[test]
fn the_vector_is_made_byte_for_byte() {
    let (dump, starts) = small();
    let mut shown = String::from(
        "# A dump of one refused operation and one commit with one operation, both from operations.txt;\n\
         # docs/dump.md explains the fields. Each line ends before the record that the next one names.\n",
    );
    let ends = starts.iter().map(|(_, start)| *start).skip(1).chain([dump.len()]);
    writeln!(shown, "preamble {}", hex(&dump[..starts[0].1])).unwrap();
    for ((what, start), end) in starts.iter().zip(ends) {
        writeln!(shown, "{what} {}", hex(&dump[*start..end])).unwrap();
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(FILE, &shown).unwrap();
    }
    assert_eq!(std::fs::read_to_string(FILE).unwrap(), shown, "BLESS=1 writes it again");
}

#[test]
fn a_dump_comes_back_in_pieces_of_any_size() {
    let (dump, _) = small();
    let expected = vec![
        Unit::Aside(aside()),
        Unit::Commit { position: Position(3), operations: operations()[..1].to_vec() },
    ];
    for piece in [1, 2, 7, 64, dump.len()] {
        let (units, end) = read(&dump, piece);
        assert_eq!(units, expected);
        assert_eq!(end, Ok(Totals { commits: 1, operations: 1, asides: 1 }));
    }
    let (mut reader, found) = DumpReader::open(dump.as_slice()).unwrap();
    assert_eq!(found, header());
    let mut units = Vec::new();
    while let Some(unit) = reader.advance().unwrap() {
        units.push(unit);
    }
    assert_eq!(units, expected);
}

#[test]
fn a_dump_cut_anywhere_says_where() {
    let (dump, starts) = small();
    let (all, _) = read(&dump, dump.len());
    for end in 0..dump.len() {
        let (units, error) = read(&dump[..end], 50);
        assert!(all.starts_with(&units), "cut at {end}");
        let Err(DumpError::Cut { offset, end: told, .. }) = error else { panic!("cut at {end}: {error:?}") };
        assert_eq!(told, end as u64);
        assert!(
            offset <= told
                && starts.iter().filter(|(_, start)| *start <= end).all(|(_, start)| *start as u64 <= told)
        );
    }
}

#[test]
fn other_bytes_and_newer_dumps_are_refused() {
    let check = |bytes: &[u8], expected: &str| {
        let (units, error) = read(bytes, 5);
        assert_eq!((units, error.unwrap_err().to_string()), (vec![], expected.to_owned()));
    };
    let (dump, _) = small();
    check(b"artist,album\n", "this is not a dump: a dump begins with `ankurah dump`");
    check(b"ankurah store", "this is not a dump: a dump begins with `ankurah dump`");
    check(b"", "the dump is cut short: it ends at byte 0, within record 1, which begins at byte 0");
    let mut newer = dump.clone();
    newer[MAGIC.len()] = 2;
    check(&newer, "the dump has format 2, this program reads up to 1: upgrade the program");
    let more = [dump.clone(), vec![0]].concat();
    let (units, error) = read(&more, 1000);
    assert_eq!(units.len(), 2);
    let end = dump.len();
    let expected = format!(
        "record 6 of the dump, at byte {end}, is damaged: there is something after the end of the dump"
    );
    assert_eq!(error.unwrap_err().to_string(), expected);
}

#[test]
fn records_that_were_moved_or_left_out_are_noticed() {
    let (dump, starts) = small();
    let part = |at: usize| {
        let end = starts.get(at + 1).map_or(dump.len(), |(_, start)| *start);
        &dump[starts[at].1..end]
    };
    let head = &dump[..starts[1].1];
    for parts in [[2, 1, 3].as_slice(), &[2, 3], &[1, 3], &[3], &[1, 1, 2, 3]] {
        let bytes: Vec<u8> =
            [head].into_iter().chain(parts.iter().map(|at| part(*at))).flatten().copied().collect();
        let (_, error) = read(&bytes, 1000);
        assert!(matches!(error, Err(DumpError::Damaged { .. })), "{parts:?}: {error:?}");
    }
}

proptest! {
    #[test]
    fn no_flipped_bit_goes_unseen(at in any::<prop::sample::Index>(), bit in 0..8, piece in 1..400usize) {
        let (mut dump, _) = small();
        let (all, _) = read(&dump, dump.len());
        let at = at.index(dump.len());
        dump[at] ^= 1u8 << bit;
        let (units, error) = read(&dump, piece);
        prop_assert!(error.is_err());
        prop_assert!(all.starts_with(&units));
        if let Err(DumpError::Damaged { offset, .. } | DumpError::Cut { offset, .. }) = error {
            prop_assert!(offset <= at as u64);
        }
    }

    #[test]
    fn any_bytes_are_read_or_refused(rest in prop::collection::vec(any::<u8>(), 0..300)) {
        let (dump, starts) = small();
        for begin in [0, MAGIC.len() + 1, starts[1].1] {
            let bytes = [&dump[..begin], &rest].concat();
            let _ = read(&bytes, 33);
        }
    }
}
