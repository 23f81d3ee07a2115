//! The test vectors in `fixtures/format/dag.txt`.

use std::fmt::Write;

use crate::codec::{Reader, Writer};
use crate::dag::{Base, Head, Link, RunStart, VersionVector, decode_equivocal, encode_equivocal};
use crate::id::{ActorId, Digest};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/format/dag.txt");

fn digest(hex: &str) -> Digest {
    let byte = |at: usize| u8::from_str_radix(&hex[at * 2..at * 2 + 2], 16).unwrap();
    Digest(std::array::from_fn(byte))
}

fn actor(word: &str) -> ActorId {
    ActorId::exact(word.parse().unwrap()).unwrap()
}

/// The bytes of one record; what they decode to has the same bytes.
fn record(kind: &str, fields: &[(&str, Vec<&str>)]) -> Vec<u8> {
    let all = |name: &'static str| {
        fields.iter().filter(move |(field, _)| *field == name).map(|(_, words)| words.as_slice())
    };
    let links: Vec<Link> = all("link")
        .map(|words| Link {
            id: words[0].parse().unwrap(),
            digest: digest(words[1]),
            actor: actor(words[2]),
            sequence: words[3].parse().unwrap(),
        })
        .collect();
    let vector: VersionVector =
        all("entry").map(|words| (actor(words[0]), words[1].parse().unwrap())).collect();
    let mut writer = Writer::new();
    match kind {
        "vector" => vector.encode(&mut writer),
        "head" => Head::of(links).encode(&mut writer),
        "base" => Base { frontier: Head::of(links), vector }.encode(&mut writer),
        "run" => {
            let entity = all("entity").next().unwrap()[0].parse().unwrap();
            RunStart { entity, first: links[0], vector }.encode(&mut writer);
        }
        "equivocal" => {
            writer.raw(&encode_equivocal(&all("entry").map(|words| actor(words[0])).collect()));
        }
        other => panic!("record {other}"),
    }
    let bytes = writer.into_bytes();
    let (mut reader, mut again) = (Reader::new(&bytes), Writer::new());
    match kind {
        "vector" => VersionVector::decode(&mut reader).unwrap().encode(&mut again),
        "head" => Head::decode(&mut reader).unwrap().encode(&mut again),
        "base" => Base::decode(&mut reader).unwrap().encode(&mut again),
        "run" => RunStart::decode(&mut reader).unwrap().encode(&mut again),
        _ => {
            again.raw(&encode_equivocal(&decode_equivocal(&bytes).unwrap()));
            reader.raw("all", bytes.len()).unwrap();
        }
    }
    reader.finish().unwrap();
    assert_eq!(again.as_bytes(), bytes);
    bytes
}

/// Set `BLESS` to write the computed lines after a change that is meant.
#[test]
fn records_are_the_bytes_that_the_format_says() {
    let text = std::fs::read_to_string(FILE).unwrap();
    let mut computed = String::new();
    for block in text.split("\n\n") {
        let lines: Vec<&str> = block.lines().filter(|line| !line.starts_with('=')).collect();
        let fields: Vec<(&str, Vec<&str>)> = lines
            .iter()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| {
                let mut words = line.split_whitespace();
                Some((words.next()?, words.collect()))
            })
            .collect();
        if !computed.is_empty() {
            computed.push('\n');
        }
        for line in lines {
            writeln!(computed, "{line}").unwrap();
        }
        if let Some((_, kind)) = fields.iter().find(|(field, _)| *field == "record") {
            let hex: String = record(kind[0], &fields).iter().map(|byte| format!("{byte:02x}")).collect();
            writeln!(computed, "= bytes {hex}").unwrap();
        }
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(FILE, computed).unwrap();
    } else {
        assert!(text.matches("\n= bytes").count() >= 6);
        assert_eq!(computed, text, "run with BLESS=1 if the change of the format is meant");
    }
}
