//! A small store with something of everything, which every later version has to open.
//!
//! `fixtures/stores/format-2.txt` lists its keys and values as the first released format has them, and
//! the folders beside it are such stores of each engine. With `ANKURAH_BLESS` set they are written anew.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use ankurah_core::catalog::reserved;
use ankurah_core::id::{ActorId, OpId, Stamp, TransactionId};
use ankurah_core::storage::kv::{KvRange, KvRead, KvStore, KvWrite, PageLimit, layout};
use ankurah_core::storage::{
    ActorRecord, Aside, Batch, Durability, Engine, IndexDefinition, IndexPart, Position, SetAside,
    StateWrite, TextWrite,
};
use ankurah_core::value::{Timestamp, Value, ValueType};
use futures::executor::block_on;

use crate::data::{Typist, Writer, batch, deleted, model, property, text};

/// A file or folder beside the other fixtures of stores.
pub(crate) fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../fixtures/stores").join(name)
}

/// Whether fixtures are to be written anew.
pub(crate) fn is_blessing() -> bool {
    std::env::var_os("ANKURAH_BLESS").is_some()
}

/// Every type of value.
fn values() -> Vec<Value> {
    vec![
        Value::Null,
        Value::Bool(true),
        Value::Int(-7),
        Value::Float(1.5),
        Value::Decimal("12.34".parse().unwrap()),
        text("Ænima"),
        Value::Bytes([0, 255].as_slice().into()),
        Value::Timestamp(Timestamp(1_000_000)),
        Value::Uuid(1),
        Value::Ulid(2),
        Value::Ref(model(3).into()),
        Value::Json("{\"a\":1}".into()),
    ]
}

/// Fills a new store, always the same way.
pub(crate) fn fill(engine: &dyn Engine) {
    let mut catalog = Position(0);
    let mut commit = |batch: Batch| {
        let position = block_on(engine.commit(Batch { catalog, ..batch }, Durability::Buffered)).unwrap();
        catalog = position;
    };
    let mut writer = Writer::new(0);
    let note = property(20);
    commit(writer.create(*reserved::MODEL, &[(*reserved::MODEL_NAME, text("album"))]).batch());
    let part =
        |number, value_type, descending| IndexPart { property: property(number), value_type, descending };
    let by_number = vec![part(0, ValueType::Int, false), part(1, ValueType::Ref(model(3)), true)];
    for parts in [by_number, vec![part(2, ValueType::String, true)]] {
        let id = block_on(engine.create_index(IndexDefinition { model: model(0), parts })).unwrap();
        block_on(engine.build_index(id)).unwrap();
    }
    let unfinished = IndexDefinition { model: model(0), parts: vec![part(5, ValueType::String, false)] };
    block_on(engine.create_index(unfinished)).unwrap();
    let all: Vec<_> = values().into_iter().zip(0..).map(|(value, at)| (property(at), value)).collect();
    let mut first = writer.create(model(0), &all);
    let second = writer.create(model(0), &[(property(0), Value::Int(3)), (property(2), text("b"))]);
    let gone = writer.create(model(0), &[deleted(true)]);
    let transaction = Some(TransactionId(77));
    commit(Batch { transaction, ..batch(&[first.clone(), second.clone(), gone]) });
    let mut typist = Typist::new();
    for word in ["some ", "words", " more"] {
        first = writer.edit_text(&first.state, note, typist.append(word));
        let (entity, operation) = (first.entity(), first.operation.id());
        let texts = vec![TextWrite::Append { entity, property: note, operation }];
        commit(Batch { texts, ..first.batch() });
        if word == "words" {
            let snapshot = typist.snapshot().into();
            let version = first.state.texts[&note].folded();
            first.state.texts.insert(note, version);
            commit(Batch {
                texts: vec![TextWrite::Fold { entity, property: note, snapshot }],
                states: vec![StateWrite { expected: first.state.head.clone(), state: first.state.clone() }],
                ..Batch::default()
            });
        }
    }
    let edit = writer.edit(&second.state, &[(property(0), Value::Null)]);
    commit(edit.batch());
    commit(Batch {
        withdrawn: vec![(edit.entity(), edit.operation.id())],
        states: vec![StateWrite { expected: edit.state.head.clone(), state: second.state }],
        ..Batch::default()
    });
    let aside = |number: u64| Aside {
        id: OpId::new(Stamp::from_bits(number), number),
        entity: first.entity(),
        bytes: [7, 8, 9].into(),
        reason: "its parent is missing".to_owned(),
        missing: vec![OpId::from_bits(5)],
    };
    commit(Batch {
        set_aside: vec![
            (SetAside::Parked, aside(1)),
            (SetAside::Refused, aside(2)),
            (SetAside::Equivocal, aside(3)),
        ],
        actors: vec![ActorRecord { actor: ActorId::new(1), sequence: 9, retired: true }],
        records: vec![("key".to_owned(), Some(vec![1, 2, 3]))],
        ..Batch::default()
    });
    block_on(engine.close()).unwrap();
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn from_hex(text: &str) -> Vec<u8> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// All keys and values of a store, a line each.
pub(crate) fn dump(kv: &impl KvRead) -> String {
    let mut text = String::new();
    for kind in layout::KINDS {
        let mut rest = Some(KvRange::prefix(&[kind]));
        while let Some(range) = rest {
            let page = block_on(kv.page(range, PageLimit::SCAN)).unwrap();
            for (key, value) in page.iter() {
                writeln!(text, "{} {}", hex(key), hex(value)).unwrap();
            }
            rest = page.rest().cloned();
        }
    }
    text
}

/// Puts the lines of a dump into an empty store.
pub(crate) fn load(kv: &impl KvStore, dump: &str) {
    let write = |line: &str| {
        let (key, value) = line.split_once(' ').unwrap();
        KvWrite { key: from_hex(key), value: Some(from_hex(value)) }
    };
    block_on(kv.apply(dump.lines().map(write).collect())).unwrap();
    block_on(kv.flush()).unwrap();
}

/// The dump of the first version; with `found` when blessing.
pub(crate) fn first_format(found: &str) -> String {
    let path = path("format-2.txt");
    if is_blessing() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, found).unwrap();
    }
    fs::read_to_string(&path).unwrap()
}
