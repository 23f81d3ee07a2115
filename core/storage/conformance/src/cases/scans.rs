//! Scans without an index.

use ankurah_core::id::EntityId;
use ankurah_core::storage::{Access, Deleted, Row, Scan};
use ankurah_core::value::Value;

use super::{all_of, commit, entities, rows, view};
use crate::data::{Write, Writer, batch, deleted, model, property, text};
use crate::{Case, Factory, Place, dynamic, open};

pub(super) fn cases<F: Factory>() -> Vec<Case<F>> {
    vec![
        Case { name: "scan::columns_come_in_the_asked_order", run: |f: &F| columns(&f.place()) },
        Case { name: "scan::all_comes_by_id_over_many_pages", run: |f: &F| pages(&f.place()) },
        Case { name: "scan::given_entities_come_in_the_given_order", run: |f: &F| given(&f.place()) },
    ]
}

fn columns(place: &impl Place) {
    let engine = dynamic(&open(place).unwrap());
    let mut writer = Writer::new(0);
    let write = writer.create(
        model(0),
        &[(property(2), text("Miles")), (property(0), Value::Null), (property(1), Value::Float(1.5))],
    );
    commit(&*engine, write.batch());
    let view = view(&*engine);
    let asked = [property(1), property(9), property(2), property(1), property(0)];
    let found = rows(&*view, all_of(model(0), &asked));
    let expected = [Value::Float(1.5), Value::Null, text("Miles"), Value::Float(1.5), Value::Null];
    assert_eq!(found.len(), 1);
    assert_eq!((found[0].entity, found[0].values.as_slice()), (write.entity(), expected.as_slice()));
    assert!(rows(&*view, all_of(model(1), &asked)).is_empty());
}

fn pages(place: &impl Place) {
    let engine = dynamic(&open(place).unwrap());
    let mut writer = Writer::new(0);
    let mut writes = Vec::new();
    for number in 0..1500i64 {
        let model = model(u64::try_from(number % 2).unwrap());
        let mut values = vec![(property(0), Value::Int(number))];
        if number % 10 < 2 {
            values.push(deleted(true));
        }
        writes.push(writer.create(model, &values));
    }
    for writes in writes.chunks(400) {
        commit(&*engine, batch(writes));
    }
    let view = view(&*engine);
    let mut of_model: Vec<&Write> = writes.iter().filter(|write| write.state.model == model(0)).collect();
    of_model.sort_by_key(|write| write.entity());
    let expected = |wanted: Deleted| -> Vec<EntityId> {
        let wants = |deleted: bool| match wanted {
            Deleted::Exclude => !deleted,
            Deleted::Only => deleted,
            Deleted::Include => true,
        };
        of_model.iter().filter(|write| wants(write.state.is_deleted())).map(|write| write.entity()).collect()
    };
    for wanted in [Deleted::Exclude, Deleted::Only, Deleted::Include] {
        let scan =
            |access, limit| Scan { deleted: wanted, access, limit, ..all_of(model(0), &[property(0)]) };
        let all = expected(wanted);
        assert_eq!(entities(&*view, scan(Access::All { after: None }, None)), all);
        for limit in [0, 1, 7, 300, 10_000] {
            let cut = &all[..limit.min(all.len())];
            let limit = Some(u64::try_from(limit).unwrap());
            assert_eq!(entities(&*view, scan(Access::All { after: None }, limit)), cut, "{limit:?}");
        }
        for at in [0, all.len() / 2, all.len() - 1] {
            let after = Some(all[at]);
            assert_eq!(entities(&*view, scan(Access::All { after }, None)), all[at + 1..]);
        }
    }
    assert_eq!(view.count_hint(model(0)), Some(u64::try_from(expected(Deleted::Exclude).len()).unwrap()));
    let number = |row: &Row| row.values.clone();
    let of_row = |row: &Row| writes.iter().find(|write| write.entity() == row.entity).unwrap();
    for row in rows(&*view, all_of(model(0), &[property(0)])) {
        assert_eq!(number(&row), [of_row(&row).state.get(property(0)).unwrap().clone()]);
    }
}

fn given(place: &impl Place) {
    let engine = dynamic(&open(place).unwrap());
    let mut writer = Writer::new(0);
    let writes: Vec<Write> = (0..5)
        .map(|number| writer.create(model(0), &[(property(0), Value::Int(number)), deleted(number == 3)]))
        .collect();
    let other = writer.create(model(1), &[(property(0), Value::Int(9))]);
    commit(&*engine, batch(&writes));
    commit(&*engine, other.batch());
    let view = view(&*engine);
    let ids = |numbers: &[usize]| numbers.iter().map(|at| writes[*at].entity()).collect::<Vec<_>>();
    let missing = writer.create(model(0), &[]).entity();
    let mut asked = ids(&[4, 1, 3, 1, 0]);
    asked.insert(2, other.entity());
    asked.insert(0, missing);
    let scan = |deleted| Scan {
        access: Access::Entities(asked.clone()),
        deleted,
        ..all_of(model(0), &[property(0)])
    };
    assert_eq!(entities(&*view, scan(Deleted::Exclude)), ids(&[4, 1, 1, 0]));
    assert_eq!(entities(&*view, scan(Deleted::Include)), ids(&[4, 1, 3, 1, 0]));
    assert_eq!(entities(&*view, Scan { limit: Some(2), ..scan(Deleted::Exclude) }), ids(&[4, 1]));
}
