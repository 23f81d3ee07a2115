//! The format of stores: what is written now, and what was written once.

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
