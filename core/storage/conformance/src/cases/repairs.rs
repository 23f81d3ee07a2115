//! Repairs: whatever follows from the operations is made again as it was.

use std::collections::BTreeMap;

use ankurah_core::id::{ModelId, PropertyId};
use ankurah_core::node::protocol::{Event, Request};
use ankurah_core::storage::kv::{KvRange, KvStore, KvWrite, PageLimit, Repaired, layout, repair};
use ankurah_core::storage::{IndexDefinition, IndexPart};
use ankurah_core::value::ValueType;
use futures::executor::block_on;

use super::dumps::{Site, fill};
use super::view;
use crate::contents::contents;
use crate::{Case, Factory, Place, dynamic, open, open_kv};

pub(super) fn cases<F: Factory>() -> Vec<Case<F>> {
    vec![
        Case { name: "repairs::every_derived_record_is_made_again", run: |f: &F| derived(&f.place()) },
        Case { name: "repairs::whole_kinds_of_records_are_made_again", run: |f: &F| kinds(&f.place()) },
        Case { name: "repairs::records_that_belong_to_nothing_go", run: |f: &F| strangers(&f.place()) },
        Case { name: "repairs::what_is_lost_is_named_and_comes_again", run: |f: &F| lost(f) },
        Case { name: "repairs::a_sound_store_stays_as_it_is", run: |f: &F| sound(&f.place()) },
        Case { name: "repairs::what_is_redacted_and_folded_is_made_again", run: |f: &F| erased(&f.place()) },
    ]
}

/// What follows from the operations: states, runs, texts, tails, the log, index entries, definitions, counts.
const DERIVED: [u8; 8] = [
    layout::STATE,
    layout::RUN,
    layout::TEXT,
    layout::TAIL,
    layout::LOG,
    layout::ENTRY,
    layout::INDEX,
    layout::COUNT,
];

/// A closed store with history of every kind, a long text and an index. Gives what it holds.
fn filled(place: &impl Place) -> BTreeMap<String, String> {
    let site = Site::on(dynamic(&open(place).unwrap()), 1);
    fill(&site);
    for number in 0..70 {
        site.run(&format!("edit album.note append ' {number}'"));
    }
    site.fixed.spawn.run_until_stalled();
    // The long ones are folded now, and go on with a tail.
    site.run("edit album.note append ' again'");
    let (model, year) = year(&site);
    let part = IndexPart { property: year, value_type: ValueType::Int, descending: false };
    let index = block_on(site.engine.create_index(IndexDefinition { model, parts: vec![part] })).unwrap();
    block_on(site.engine.build_index(index)).unwrap();
    assert_eq!(site.faults(), vec![]);
    let all = contents(&*view(&*site.engine));
    block_on(site.node.close()).unwrap();
    all
}

/// The model `album` and its property `year`.
fn year(site: &Site) -> (ModelId, PropertyId) {
    let catalog = site.ask(Request::Catalog).into_iter().find_map(|event| match event {
        Event::Catalog(catalog) => Some(catalog),
        _ => None,
    });
    let models = catalog.unwrap().models;
    let album = models.iter().find(|model| &*model.name == "album").unwrap();
    (album.id, album.columns().find(|property| &*property.name == "year").unwrap().id)
}

type Item = (Vec<u8>, Vec<u8>);

fn items(kv: &impl KvStore, kind: u8) -> Vec<Item> {
    let mut items = Vec::new();
    let mut rest = Some(KvRange::prefix(&[kind]));
    while let Some(range) = rest {
        let page = block_on(kv.page(range, PageLimit::SCAN)).unwrap();
        items.extend(page.iter().map(|(key, value)| (key.to_vec(), value.to_vec())));
        rest = page.rest().cloned();
    }
    items
}

fn write(kv: &impl KvStore, key: Vec<u8>, value: Option<Vec<u8>>) {
    block_on(kv.apply(vec![KvWrite { key, value }])).unwrap();
}

/// Repairs what was damaged; the store is then as the undamaged one.
fn mended<K: ankurah_core::storage::kv::Kv>(
    kv: K,
    twin: &BTreeMap<String, String>,
    what: &str,
) -> Vec<Repaired> {
    let told = block_on(repair(&kv)).unwrap();
    assert!(!told.is_empty(), "{what}: it is not noticed");
    assert!(told.iter().all(|repaired| !repaired.lost), "{what}: {told:?}");
    assert_eq!(block_on(repair(&kv)).unwrap(), vec![], "{what}: the second time there is nothing to do");
    let engine = open_kv(kv).unwrap();
    assert_eq!(super::faults(&*engine), vec![], "{what}");
    let site = Site::on(dynamic(&engine), 3);
    assert_eq!(site.faults(), vec![], "{what}");
    let found = contents(&*view(&*site.engine));
    for (name, expected) in twin {
        assert_eq!(found.get(name), Some(expected), "{what}: {name}");
    }
    assert_eq!(found.len(), twin.len(), "{what}");
    // It goes on.
    site.run("update album set year = year");
    assert_eq!(site.faults(), vec![], "{what}");
    told
}

/// One in the middle, and the last.
fn some(items: &[Item]) -> impl Iterator<Item = &Item> {
    let places: std::collections::BTreeSet<usize> = [items.len() / 2, items.len() - 1].into();
    places.into_iter().map(|place| &items[place])
}

/// Everything in the store, to be put back.
fn saved(kv: &impl KvStore) -> Vec<Item> {
    layout::KINDS.iter().flat_map(|kind| items(kv, *kind)).collect()
}

/// Makes the store what it was.
fn put_back(kv: &impl KvStore, saved: &[Item]) {
    let mut writes: BTreeMap<Vec<u8>, Option<Vec<u8>>> =
        self::saved(kv).into_iter().map(|(key, _)| (key, None)).collect();
    writes.extend(saved.iter().map(|(key, value)| (key.clone(), Some(value.clone()))));
    let writes = writes.into_iter().map(|(key, value)| KvWrite { key, value }).collect();
    block_on(kv.apply(writes)).unwrap();
}

fn derived(place: &impl Place) {
    let twin = filled(place);
    let before = saved(&place.kv());
    for kind in DERIVED {
        let of_kind: Vec<Item> = before.iter().filter(|(key, _)| key[0] == kind).cloned().collect();
        assert!(!of_kind.is_empty(), "no record of kind {}", char::from(kind));
        for (key, value) in some(&of_kind) {
            // An entry of an index has nothing in it.
            let ways: &[&str] = if value.is_empty() { &["removed"] } else { &["removed", "garbled"] };
            for way in ways {
                let kv = place.kv();
                put_back(&kv, &before);
                // A greater format in the first byte is a newer program's, not damage.
                let garbled =
                    value.iter().enumerate().map(|(at, byte)| if at == 0 { *byte } else { byte ^ 0x55 });
                let damaged = (*way == "garbled").then(|| garbled.collect::<Vec<u8>>());
                write(&kv, key.clone(), damaged);
                let what = format!("a record {} was {way}", char::from(kind));
                // An index that is not there any more is no fault: it is made when it is wanted.
                if kind == layout::INDEX && *way == "removed" {
                    block_on(repair(&kv)).unwrap();
                    assert_eq!(super::faults(&*open_kv(kv).unwrap()), vec![]);
                } else {
                    mended(kv, &twin, &what);
                }
            }
        }
    }
}

fn kinds(place: &impl Place) {
    let twin = filled(place);
    let before = saved(&place.kv());
    let heads = [layout::META].into_iter();
    for kind in DERIVED.into_iter().filter(|kind| *kind != layout::INDEX).chain(heads) {
        let kv = place.kv();
        put_back(&kv, &before);
        for (key, _) in items(&kv, kind) {
            if key != layout::identity() {
                write(&kv, key, None);
            }
        }
        mended(kv, &twin, &format!("all records {} are gone", char::from(kind)));
    }
    let kv = place.kv();
    put_back(&kv, &before);
    for kind in DERIVED {
        items(&kv, kind).into_iter().for_each(|(key, _)| write(&kv, key, None));
    }
    write(&kv, layout::head(), None);
    let told = block_on(repair(&kv)).unwrap();
    assert!(told.iter().all(|repaired| !repaired.lost));
    let site = Site::on(dynamic(&open_kv(kv).unwrap()), 3);
    assert_eq!(site.faults(), vec![]);
    // Which operations were committed together is told by their positions, so the log is the same too.
    let found = contents(&*view(&*site.engine));
    for (name, expected) in &twin {
        assert_eq!(found.get(name), Some(expected), "{name}");
    }
    assert_eq!(found.len(), twin.len());
}

fn strangers(place: &impl Place) {
    let twin = filled(place);
    let before = saved(&place.kv());
    for kind in [layout::STATE, layout::RUN, layout::TEXT, layout::TAIL, layout::ENTRY] {
        let kv = place.kv();
        put_back(&kv, &before);
        let (mut key, value) = items(&kv, kind).pop().unwrap();
        // Another entity; of an entry, of a state and of an operation it is the last part of the key.
        let place_of_entity = if matches!(kind, layout::STATE | layout::ENTRY) { key.len() - 1 } else { 16 };
        key[place_of_entity] ^= 1;
        write(&kv, key, Some(value));
        mended(kv, &twin, &format!("a record {} too many", char::from(kind)));
    }
}

fn lost<F: Factory>(factory: &F) {
    let place = factory.place();
    let twin = filled(&place);
    let dump = {
        let site = Site::on(dynamic(&open(&place).unwrap()), 2);
        site.dump()
    };
    let before = saved(&place.kv());
    let operations: Vec<Item> =
        before.iter().filter(|(key, _)| key[0] == layout::OPERATION).cloned().collect();
    for (number, (key, value)) in operations.iter().enumerate().step_by(operations.len() / 4) {
        let kv = place.kv();
        put_back(&kv, &before);
        let mut garbled = value.clone();
        let last = garbled.len() - 3;
        garbled[last] ^= 0x10;
        write(&kv, key.clone(), (number % 2 == 0).then_some(garbled));
        let told = block_on(repair(&kv)).unwrap();
        let name = layout::split_id(key).map(|(_, id)| id.to_string()).unwrap();
        assert!(
            told.iter().any(|repaired| repaired.lost && repaired.record.contains(&name)),
            "{name}: {told:?}"
        );
        let site = Site::on(dynamic(&open_kv(kv).unwrap()), 4);
        assert_eq!(site.faults(), vec![], "without {name}");
        // It comes again from a dump, and with it what waits for it.
        let (restored, error) = super::dumps::restore(&site, &dump);
        assert_eq!((error, restored.invalid.len()), (None, 0));
        assert_eq!(site.faults(), vec![], "with {name} again");
        let found = contents(&*view(&*site.engine));
        for (name, expected) in twin.iter().filter(|(name, _)| *name != "log") {
            assert_eq!(found.get(name), Some(expected), "{name}");
        }
    }
}

fn erased(place: &impl Place) {
    filled(place);
    let site = Site::on(dynamic(&open(place).unwrap()), 5);
    for statement in [
        "redact album.note",
        "edit album.note append ' anew'",
        "compact album",
        "edit album.note append ' and more'",
        "redact album.note",
        "edit album.note append ' at last'",
        "update album set year = 1",
    ] {
        site.run(statement);
    }
    assert_eq!(site.faults(), vec![]);
    let twin = contents(&*view(&*site.engine));
    block_on(site.node.close()).unwrap();
    drop(site);
    let kv = place.kv();
    let before = saved(&kv);
    assert_eq!(block_on(repair(&kv)).unwrap(), vec![]);
    assert_eq!(saved(&kv), before);
    drop(kv);
    for kind in [layout::STATE, layout::TEXT, layout::TAIL, layout::ENTRY] {
        let of_kind: Vec<Item> = before.iter().filter(|(key, _)| key[0] == kind).cloned().collect();
        for (key, _) in some(&of_kind) {
            let kv = place.kv();
            put_back(&kv, &before);
            write(&kv, key.clone(), None);
            mended(kv, &twin, &format!("a record {} was removed", char::from(kind)));
        }
    }
}

fn sound(place: &impl Place) {
    filled(place);
    let kv = place.kv();
    let before = saved(&kv);
    assert_eq!(block_on(repair(&kv)).unwrap(), vec![]);
    assert_eq!(saved(&kv), before);
}
