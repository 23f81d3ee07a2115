//! The format of stores: what is written now, and what was written once.

use ankurah_core::storage::StorageError;
use ankurah_core::storage::kv::{KvRead as _, KvStore as _, KvWrite, layout};
use futures::executor::block_on;

use crate::files::everything;
use crate::{Case, Factory, Place, dynamic, fixture, open};

pub(super) fn cases<F: Factory>() -> Vec<Case<F>> {
    vec![
        Case {
            name: "format::stores_are_written_as_the_first_version_says",
            run: |f: &F| written(&f.place()),
        },
        Case { name: "format::a_store_of_the_first_version_opens", run: opened },
        Case {
            name: "format::a_store_from_before_the_first_version_is_told",
            run: |f: &F| older(&f.place()),
        },
    ]
}

fn written(place: &impl Place) {
    fixture::fill(&*dynamic(&open(place).unwrap()));
    let found = fixture::dump(&place.kv());
    let expected = fixture::first_format(&found);
    for (line, (found, expected)) in found.lines().zip(expected.lines()).enumerate() {
        assert_eq!(found, expected, "line {}", line + 1);
    }
    assert_eq!(found.len(), expected.len());
}

/// In format 1 the identity is the same but for its number; other records had other contents.
fn older(place: &impl Place) {
    fixture::fill(&*dynamic(&open(place).unwrap()));
    let kv = place.kv();
    let key = layout::identity();
    let mut identity = block_on(kv.get(&key)).unwrap().unwrap();
    assert_eq!(identity[..2], [1, 2]);
    identity[1] = 1;
    block_on(kv.apply(vec![KvWrite { key, value: Some(identity) }])).unwrap();
    block_on(kv.flush()).unwrap();
    drop(kv);
    let found = open(place).map(drop).unwrap_err();
    assert!(matches!(found, StorageError::Older { found: 1, known: 2 }), "{found}");
}

fn opened<F: Factory>(factory: &F) {
    let (old, new) = (factory.place(), factory.place());
    fixture::fill(&*dynamic(&open(&new).unwrap()));
    let kv = new.kv();
    let dump = fixture::first_format(&fixture::dump(&kv));
    drop(kv);
    fixture::load(&old.kv(), &dump);
    let (old, new) = (dynamic(&open(&old).unwrap()), dynamic(&open(&new).unwrap()));
    assert_eq!(block_on(everything(&*old)).unwrap(), block_on(everything(&*new)).unwrap());
    assert_eq!(old.indexes(), new.indexes());
    let faults = super::faults(&*old);
    assert!(faults.is_empty(), "{faults:?}");
}
