//! Everything that a store holds, as text to compare.

use std::collections::{BTreeMap, BTreeSet};

use ankurah_core::id::{EntityId, ModelId, OpId};
use ankurah_core::storage::{Access, Deleted, Position, ReadView, Scan, SetAside};
use ankurah_core::value::Value;
use futures::StreamExt;
use futures::executor::block_on;

/// What has to be the same in two stores with the same operations, whatever their engines: operations, states,
/// texts, operations outside the DAG, and the order of the log. By what it is about.
pub fn contents(view: &dyn ReadView) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut entities: BTreeSet<(ModelId, EntityId)> = BTreeSet::new();
    let mut named: Vec<Vec<(EntityId, OpId)>> = Vec::new();
    for entry in block_on(view.log(Position(0), usize::MAX)).unwrap() {
        let mut accepted = Vec::new();
        for change in entry.changes {
            entities.insert((change.model, change.entity));
            for id in change.operations {
                let found = block_on(view.operation(change.entity, id)).unwrap();
                if found.is_some_and(|(position, _)| position == entry.position) {
                    accepted.push((change.entity, id));
                }
            }
        }
        if !accepted.is_empty() {
            accepted.sort();
            named.push(accepted);
        }
    }
    all.insert("log".to_owned(), format!("{named:?}"));
    for (model, entity) in entities {
        let operations = block_on(view.operations(entity, OpId::MIN, usize::MAX)).unwrap();
        let bytes: Vec<_> = operations.iter().map(|(_, operation)| operation.encode()).collect();
        all.insert(format!("operations of {entity}"), format!("{bytes:?}"));
        let Some(state) = block_on(view.state(model, entity)).unwrap() else { continue };
        let texts: Vec<_> = state.texts.iter().map(|(id, version)| (*id, version.operations())).collect();
        all.insert(
            format!("state of {entity}"),
            format!("{:?} {:?} {:?} {texts:?}", state.head, state.base, state.registers),
        );
        for property in state.texts.keys() {
            let scan = Scan {
                model,
                access: Access::Entities(vec![entity]),
                columns: vec![*property],
                deleted: Deleted::Include,
                limit: None,
                expected: None,
            };
            let rows: Vec<_> = block_on(view.scan(scan).collect::<Vec<_>>());
            let values: Vec<Value> =
                rows.into_iter().flat_map(|rows| rows.unwrap()).flat_map(|row| row.values).collect();
            all.insert(format!("text {property} of {entity}"), format!("{values:?}"));
        }
    }
    for set in [SetAside::Parked, SetAside::Refused, SetAside::Equivocal] {
        for aside in block_on(view.set_aside(set, OpId::MIN, usize::MAX)).unwrap() {
            all.insert(format!("{set:?} {}", aside.id), format!("{aside:?}"));
        }
    }
    all
}
