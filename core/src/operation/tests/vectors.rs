//! The test vectors in `fixtures/format/operations.txt`, which the program must make byte for byte.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Arc;

use crate::codec::Reader;
use crate::dag::Head;
use crate::id::{ActorId, Author, OpId, Stamp, TransactionId};
use crate::operation::commitment::payload_root;
use crate::operation::{Change, Decoded, Leaf, Operation, Origin, Redaction};
use crate::value::{Value, codec};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/format/operations.txt");

fn bytes(hex: &str) -> Vec<u8> {
    assert!(hex.len() % 2 == 0, "{hex}");
    (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect()
}

fn array<const N: usize>(hex: &str) -> [u8; N] {
    bytes(hex).try_into().unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn value(hex: &str) -> Value {
    let bytes = bytes(hex);
    let mut reader = Reader::new(&bytes);
    let value = codec::decode(&mut reader).unwrap();
    reader.finish().unwrap();
    value
}

/// The input fields of one operation.
struct Fields<'a>(Vec<(&'a str, Vec<&'a str>)>);

impl<'a> Fields<'a> {
    fn all(&self, name: &str) -> impl Iterator<Item = &Vec<&'a str>> {
        self.0.iter().filter(move |(field, _)| *field == name).map(|(_, words)| words)
    }

    fn one(&self, name: &str) -> &'a str {
        self.all(name).next().unwrap_or_else(|| panic!("field {name} is missing"))[0]
    }

    fn number(&self, name: &str) -> u64 {
        self.one(name).parse().unwrap()
    }

    fn stamp(&self) -> Stamp {
        let (millis, counter) = self.one("stamp").split_once('.').unwrap();
        Stamp::from_bits((millis.parse::<u64>().unwrap() << 16) | counter.parse::<u64>().unwrap())
    }

    fn origin(&self) -> Origin {
        Origin {
            actor: ActorId::exact(self.number("actor")).unwrap(),
            sequence: self.number("sequence"),
            author: Author(array(self.one("author"))),
            transaction: TransactionId(self.one("transaction").parse::<OpId>().unwrap().bits()),
        }
    }

    fn leaves(&self, earlier: &BTreeMap<&str, Operation>) -> Vec<Leaf> {
        let leaf = |words: &Vec<&str>| {
            let change = match words[1] {
                "lww" => Change::Set(value(words[2])),
                "yrs" => Change::Text(Arc::from(bytes(words[2]))),
                "redaction" => {
                    let bytes = bytes(words[2]);
                    Change::Redact(Arc::new(Redaction::decode(&mut Reader::new(&bytes)).unwrap()))
                }
                "horizon" => Change::Horizon(Head::of(words[2..].iter().map(|name| earlier[*name].link()))),
                tag => Change::Opaque { backend: tag.parse().unwrap(), bytes: Arc::from(bytes(words[2])) },
            };
            Leaf { property: words[0].parse().unwrap(), change }
        };
        self.all("leaf").map(leaf).collect()
    }

    fn operation(&self, earlier: &BTreeMap<&str, Operation>) -> Operation {
        let model = self.one("model").parse().unwrap();
        let salt = || self.all("salt").next().map_or([0; 16], |words| array(words[0]));
        let operation = match self.one("kind") {
            "genesis" => {
                let nonce = array(self.one("nonce"));
                Operation::genesis(model, self.stamp(), nonce, self.origin(), self.leaves(earlier), salt())
            }
            "keyed-genesis" => {
                let key = self.all("key").map(|words| (words[0].parse().unwrap(), value(words[1])));
                Operation::keyed_genesis(model, key.collect())
            }
            "edit" => {
                let parents: Vec<_> = self.all("parent").map(|words| earlier[words[0]].link()).collect();
                let entity = earlier[self.one("of")].entity();
                Operation::edit(
                    entity,
                    model,
                    self.stamp(),
                    self.origin(),
                    parents,
                    self.leaves(earlier),
                    salt(),
                )
            }
            other => panic!("kind {other}"),
        };
        let properties = |name| self.all(name).map(|words| words[0].parse().unwrap());
        let operation = properties("erase-content")
            .fold(operation.unwrap(), |operation, property| operation.erase_content(property).unwrap());
        properties("erase").fold(operation, |operation, property| operation.erase(property).unwrap())
    }
}

/// The file with every computed line, which begins with `=`, computed again.
fn computed(text: &str) -> String {
    let mut earlier = BTreeMap::new();
    let mut out = String::new();
    for block in text.split("\n\n") {
        let lines: Vec<&str> = block.lines().filter(|line| !line.starts_with('=')).collect();
        let fields: Vec<_> = lines
            .iter()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| {
                let mut words = line.split_whitespace();
                Some((words.next()?, words.collect::<Vec<_>>()))
            })
            .collect();
        if !out.is_empty() {
            out.push('\n');
        }
        for line in &lines {
            writeln!(out, "{line}").unwrap();
        }
        if fields.is_empty() {
            continue;
        }
        let fields = Fields(fields);
        let operation = fields.operation(&earlier);
        let encoded = operation.encode();
        assert_eq!(Operation::decode(&encoded), Ok(Decoded::Known(operation.clone())));
        let root = payload_root(&operation.salts, &operation.leaves).unwrap();
        writeln!(out, "= id      {}", operation.id()).unwrap();
        writeln!(out, "= root    {root}").unwrap();
        writeln!(out, "= digest  {}", operation.digest()).unwrap();
        writeln!(out, "= bytes   {}", hex(&encoded)).unwrap();
        earlier.insert(fields.one("operation"), operation);
    }
    out
}

/// Set `BLESS` to write the computed lines after a change that is meant.
#[test]
fn operations_are_the_bytes_that_the_format_says() {
    let text = std::fs::read_to_string(FILE).unwrap();
    let computed = computed(&text);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(FILE, computed).unwrap();
    } else {
        assert!(text.matches("\n= bytes").count() >= 8);
        assert_eq!(computed, text, "run with BLESS=1 if the change of the format is meant");
    }
}

/// One operation, put together as the document says, without any of the code that the program uses.
#[test]
fn the_document_alone_leads_to_the_same_digest() {
    fn hash(parts: &[&[u8]]) -> [u8; 32] {
        *blake3::hash(&parts.concat()).as_bytes()
    }
    let id = |text: &str| text.parse::<OpId>().unwrap().to_bytes();
    let text = std::fs::read_to_string(FILE).unwrap();
    let block = text.split("\n\n").find(|block| block.contains("\noperation genesis\n")).unwrap();
    let line = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim();

    let (model, nonce, seed) = (id(line("model")), bytes(line("nonce")), bytes(line("salt")));
    let stamp = (1_763_800_000_000u64 << 16).to_be_bytes();
    let bits = hash(&[b"ankurah/genesis/1\0", &model, &nonce]);
    let entity = [&stamp[..], &bits[..8]].concat();
    assert_eq!(OpId::from_bytes(entity.clone().try_into().unwrap()).to_string(), line("= id"));

    // Actor 2^52 + 1 as a varint, sequence 1.
    let actor = [0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x08];
    let transaction = id(line("transaction"));
    let origin = [&actor[..], &[1], &bytes(line("author")), &transaction].concat();
    let leaves = [
        ("01JD8Q0000BBBBBBBBBBBBBBBB", "0354"),
        ("01JD8Q0000CCCCCCCCCCCCCCCC", "0605416c696365"),
        ("01JD8Q0000DDDDDDDDDDDDDDDD", "00"),
    ];
    let mut salts = [0; 48];
    let salted = [&b"ankurah/leaf-salt/1\0"[..], &seed].concat();
    blake3::Hasher::new().update(&salted).finalize_xof().fill(&mut salts);
    let mut committed = vec![3];
    for ((property, body), salt) in leaves.iter().zip(salts.chunks(16)) {
        committed.extend(id(property));
        committed.extend(hash(&[b"ankurah/change/1\0", salt, &[1], &bytes(body)]));
    }
    let root = hash(&[b"ankurah/payload/1\0", &committed]);
    assert_eq!(hex(&root), line("= root"));
    let header = [&[1][..], &stamp, &entity, &[1], &model, &nonce, &origin].concat();
    let digest = hash(&[b"ankurah/operation/1\0", &header, &root]);
    assert_eq!(hex(&digest), line("= digest"));

    let mut encoded = [&[1][..], &entity, &entity, &[1], &model, &nonce, &origin, &[1], &seed, &[3]].concat();
    for (property, body) in leaves {
        let body = bytes(body);
        encoded.extend(id(property));
        encoded.extend([1, u8::try_from(body.len()).unwrap()]);
        encoded.extend(body);
    }
    encoded.push(0);
    assert_eq!(hex(&encoded), line("= bytes"));
}
