//! Transactions of a program, without statements.

use std::ops::ControlFlow;

use ankurah_query_lang::ast::InsertMode;
use ankurah_query_lang::parse_predicate;
use futures::executor::block_on;

use super::*;
use crate::catalog::Backend;
use crate::catalog::declare::{Declared, ModelDeclaration, PropertyDeclaration};
use crate::catalog::define::PropertyDefinition;
use crate::id::{EntityId, PropertyId};
use crate::node::{EntityChange, Isolation, NotCommitted, RowOutcome, Transaction};
use crate::property::text::Edit;
use crate::query::{Context, Projection, bind_predicate};
use crate::value::ValueType;

fn property(text: &str) -> PropertyDeclaration {
    let (text, defined_as) = text.split_once(" was ").unwrap_or((text, ""));
    let words: Vec<&str> = text.split(' ').collect();
    let (value_type, backend) = match words[1] {
        "i64" => (ValueType::Int, Backend::Lww),
        "text" => (ValueType::String, Backend::Yrs),
        _ => (ValueType::String, Backend::Lww),
    };
    let definition = PropertyDefinition {
        name: words[0].to_owned(),
        value_type,
        backend,
        key: words.contains(&"key"),
        required: words.contains(&"required"),
        default: Value::Null,
    };
    let defined_as = if defined_as.is_empty() { words[0] } else { defined_as };
    PropertyDeclaration { definition, defined_as: defined_as.to_owned() }
}

/// `name: property type, …`, with `a was b` where something was called `b` before.
fn model(text: &str) -> ModelDeclaration {
    let (name, properties) = text.split_once(": ").unwrap();
    let (name, defined_as) = name.split_once(" was ").unwrap_or((name, name));
    ModelDeclaration {
        name: name.to_owned(),
        defined_as: defined_as.to_owned(),
        properties: properties.split(", ").map(property).collect(),
    }
}

fn declare(world: &World, text: &str) -> Result<Declared, String> {
    let mut transaction = block_on(world.node.begin(Isolation::Snapshot)).unwrap();
    let declared =
        block_on(transaction.declare(&[model(text)])).map_err(|failure| failure.message)?.pop().unwrap();
    block_on(transaction.commit()).unwrap();
    Ok(declared)
}

fn described(world: &World) -> String {
    let catalog = block_on(async {
        world.node.begin(Isolation::Snapshot).await.map(|transaction| Arc::clone(transaction.catalog()))
    });
    let mut lines = Vec::new();
    for model in catalog.unwrap().view().models.iter().filter(|model| !model.name.starts_with('_')) {
        let columns: Vec<String> = model
            .columns()
            .map(|property| {
                let key = if model.is_key(property.id) { " key" } else { "" };
                format!("{} {}{key}", property.name, property.value_type)
            })
            .collect();
        lines.push(format!("{}: {}", model.name, columns.join(", ")));
    }
    lines.join("\n")
}

#[test]
fn declaring_again_writes_nothing_and_means_the_same() {
    let world = World::new();
    let declared = declare(&world, "album: name string key, year i64").unwrap();
    let position = block_on(world.engine.view()).unwrap().position();
    assert_eq!(declare(&world, "album: name string key, year i64").unwrap(), declared);
    assert_eq!(block_on(world.engine.view()).unwrap().position(), position);
    assert_eq!(described(&world), "album: name string key, year i64");
    // Whoever declares it elsewhere means the same.
    let other = World::seeded(2, NodeOptions::default());
    assert_eq!(declare(&other, "album: name string key, year i64").unwrap(), declared);
}

#[test]
fn a_declaration_adds_what_is_missing_and_finds_what_was_made_by_hand() {
    let world = World::new();
    world.run("create model album (name string key)");
    let declared = declare(&world, "album: year i64, name string key, note text").unwrap();
    assert_eq!(described(&world), "album: name string key, year i64, note string");
    // Renamed by hand, it is still what the program was compiled with.
    world.run("alter model album rename property year to released");
    world.run("alter model album drop property note");
    assert_eq!(declare(&world, "album: year i64, name string key, note text").unwrap(), declared);
    assert_eq!(described(&world), "album: name string key, released i64, note string");
}

#[test]
fn what_was_called_otherwise_is_renamed_wherever_it_is_declared_first() {
    let world = World::new();
    let old = declare(&world, "record: title string, year i64").unwrap();
    let new = declare(&world, "album was record: name string was title, year i64").unwrap();
    assert_eq!(new, old);
    assert_eq!(described(&world), "album: name string, year i64");
    // The old program goes on, and gives nothing its old name again.
    assert_eq!(declare(&world, "record: title string, year i64").unwrap(), old);
    assert_eq!(described(&world), "album: name string, year i64");
    let fresh = World::seeded(2, NodeOptions::default());
    assert_eq!(declare(&fresh, "album was record: name string was title, year i64").unwrap(), old);
    assert_eq!(described(&fresh), "album: name string, year i64");
}

#[test]
fn a_declaration_that_does_not_fit_is_refused_and_leaves_nothing() {
    let world = World::new();
    declare(&world, "album: name string key").unwrap();
    let check = |text: &str, expected: &str| {
        assert_eq!(declare(&world, text).unwrap_err(), expected);
        assert_eq!(described(&world), "album: name string key");
    };
    check(
        "_album: name string",
        "model `_album` cannot be declared: names of models that begin with `_` are reserved",
    );
    check(
        "album: name string, year i64",
        "model `album` cannot be declared: model `album` has the key (name), but no key is declared",
    );
    check(
        "album: name string key, year i64 key",
        "model `album` cannot be declared: the key of a model cannot be changed after it was created",
    );
    check("song: a i64, a i64", "model `song` cannot be declared: the model has a property `a` already");
    check(
        "song: ID i64",
        "model `song` cannot be declared: a property cannot be called `ID`: that is the id that every entity has",
    );
}

/// A world with albums, and what their declaration means.
fn albums(text: &str) -> (World, Declared) {
    let world = World::new();
    let declared = declare(&world, text).unwrap();
    (world, declared)
}

fn begin(world: &World) -> Transaction {
    block_on(world.node.begin(Isolation::Snapshot)).unwrap()
}

fn string(text: &str) -> Value {
    Value::string(text).unwrap()
}

fn insert(
    transaction: &mut Transaction,
    declared: &Declared,
    values: &[(usize, Value)],
    mode: InsertMode,
) -> Result<(EntityId, RowOutcome), String> {
    let model = Arc::clone(transaction.catalog().model(declared.model).unwrap());
    let values = values.iter().map(|(at, value)| (declared.properties[*at], value.clone())).collect();
    block_on(transaction.insert(&model, values, mode)).map_err(|failure| failure.message)
}

fn change(
    transaction: &mut Transaction,
    declared: &Declared,
    entity: EntityId,
    change: EntityChange,
) -> Result<bool, String> {
    let model = Arc::clone(transaction.catalog().model(declared.model).unwrap());
    block_on(transaction.change(&model, entity, change)).map_err(|failure| failure.message)
}

fn set(property: PropertyId, value: Value) -> EntityChange {
    EntityChange { values: vec![(property, value)], texts: Vec::new() }
}

#[test]
fn what_is_written_is_read_in_the_transaction_and_after_its_commit() {
    let (world, declared) = albums("album: name string required, note text");
    let [name, note] = declared.properties[..] else { panic!() };
    let mut transaction = begin(&world);
    let values = [(0, string("Blue")), (1, string("1971"))];
    let (entity, outcome) = insert(&mut transaction, &declared, &values, InsertMode::Insert).unwrap();
    assert_eq!(outcome, RowOutcome::Created);
    let edits = vec![
        Edit { position: 4, delete: 0, insert: ", June".to_owned() },
        Edit { position: 0, delete: 2, insert: "'".to_owned() },
    ];
    let edited = EntityChange { values: Vec::new(), texts: vec![(note, edits)] };
    assert_eq!(change(&mut transaction, &declared, entity, edited), Ok(true));
    let expected = Some(vec![string("'71, June"), string("Blue")]);
    assert_eq!(block_on(transaction.get(declared.model, entity, &[note, name])).unwrap(), expected);
    block_on(transaction.commit()).unwrap();
    let mut transaction = begin(&world);
    assert_eq!(block_on(transaction.get(declared.model, entity, &[note, name])).unwrap(), expected);
    assert!(block_on(transaction.set_deleted(declared.model, entity, true)).unwrap());
    assert!(!block_on(transaction.set_deleted(declared.model, entity, true)).unwrap());
    assert_eq!(block_on(transaction.get(declared.model, entity, &[name])).unwrap(), None);
    assert_eq!(change(&mut transaction, &declared, entity, set(name, string("x"))), Ok(false));
    assert!(block_on(transaction.set_deleted(declared.model, entity, false)).unwrap());
    assert_eq!(
        block_on(transaction.get(declared.model, entity, &[name])).unwrap(),
        Some(vec![string("Blue")])
    );
}

#[test]
fn values_that_do_not_fit_are_refused_and_the_transaction_goes_on() {
    let (world, declared) = albums("album: name string key, year i64 required, note text");
    let [name, year, note] = declared.properties[..] else { panic!() };
    let mut transaction = begin(&world);
    let values = [(0, string("Blue")), (1, Value::Int(1971))];
    let (entity, _) = insert(&mut transaction, &declared, &values, InsertMode::Insert).unwrap();
    let mut refused = |values: &[(usize, Value)], expected: &str| {
        let error = insert(&mut transaction, &declared, values, InsertMode::Insert).unwrap_err();
        assert!(error.starts_with(expected), "{error}");
    };
    refused(&values, "`album` has an entity with name = Blue already: ");
    refused(&[(0, string("Hejira"))], "`year` of `album` cannot be null");
    refused(&[(0, Value::Int(1))], "`name` is string, not i64");
    refused(&[(0, Value::String("a\0".into()))], "`name`: a string cannot contain the character U+0000");
    let mut refused = |edit: EntityChange, expected: &str| {
        assert_eq!(change(&mut transaction, &declared, entity, edit).unwrap_err(), expected);
    };
    refused(set(name, string("Hejira")), "`name` is part of the key of `album`");
    refused(set(year, Value::Null), "`year` of `album` cannot be null");
    refused(set(PropertyId(entity.0), Value::Null), "a property of `album` is not known any more");
    let beyond = vec![Edit { position: 1, delete: 0, insert: String::new() }];
    let beyond = EntityChange { values: Vec::new(), texts: vec![(note, beyond)] };
    refused(beyond, "position 1 is beyond the end of the text, which has 0 characters");
    let again = [(0, string("Blue")), (1, Value::Int(1972))];
    for expected in [RowOutcome::Updated, RowOutcome::Unchanged] {
        let done = insert(&mut transaction, &declared, &again, InsertMode::Upsert);
        assert_eq!(done, Ok((entity, expected)));
    }
    block_on(transaction.commit()).unwrap();
    assert_eq!(world.run("select name, year, note from album").1.text(), "Blue|1972|null");
}

#[test]
fn a_snapshot_transaction_is_not_committed_over_what_changed_meanwhile() {
    let (world, declared) = albums("counter: value i64");
    let value = declared.properties[0];
    let mut first = begin(&world);
    let (entity, _) = insert(&mut first, &declared, &[(0, Value::Int(0))], InsertMode::Insert).unwrap();
    block_on(first.commit()).unwrap();
    let mut one = begin(&world);
    let mut two = begin(&world);
    change(&mut one, &declared, entity, set(value, Value::Int(1))).unwrap();
    change(&mut two, &declared, entity, set(value, Value::Int(2))).unwrap();
    block_on(one.commit()).unwrap();
    assert!(matches!(block_on(two.commit()), Err(NotCommitted::Again)));
    assert_eq!(world.run("select value from counter").1.text(), "1");
}

#[test]
fn a_query_shows_its_rows_until_it_is_broken_off() {
    let (world, declared) = albums("album: name string, year i64");
    let mut transaction = begin(&world);
    for (name, year) in [("a", 3), ("b", 1), ("c", 2)] {
        let values = [(0, string(name)), (1, Value::Int(year))];
        insert(&mut transaction, &declared, &values, InsertMode::Insert).unwrap();
    }
    let rows = |text: &str, projection: Projection<'_>, most: usize| {
        let parameters = Parameters { positional: vec![Value::Int(1)], ..Parameters::default() };
        let names = transaction.catalog().as_ref();
        let context = Context { names, parameters: &parameters, now: world.node.now() };
        let predicate = parse_predicate(text).unwrap();
        let select = bind_predicate(&predicate, declared.model, projection, context).unwrap();
        let mut rows = Vec::new();
        let visited = transaction.visit(select, |row| {
            let values = row.iter().filter(|value| !matches!(value, crate::value::ValueRef::Ref(_)));
            rows.push(values.map(|value| value.to_value().to_string()).collect::<Vec<_>>().join(" "));
            if rows.len() == most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        block_on(visited).unwrap();
        rows
    };
    let [name, year] = declared.properties[..] else { panic!() };
    assert_eq!(rows("year > ? order by year", Projection::Properties(&[year, name]), 9), ["2 c", "3 a"]);
    assert_eq!(rows("year >= ? order by name", Projection::Declared, 2), ["a 3", "b 1"]);
    assert_eq!(rows("year > ?", Projection::Count, 9), ["2"]);
}

#[test]
fn a_store_that_is_open_for_reading_declares_nothing_new() {
    let world = World::new();
    declare(&world, "album: name string").unwrap();
    let options = NodeOptions { read_only: true, ..NodeOptions::default() };
    let node = block_on(Node::open(Arc::clone(&world.engine), world.fixed.env.clone(), options)).unwrap();
    let mut transaction = block_on(node.begin(Isolation::Snapshot)).unwrap();
    block_on(transaction.declare(&[model("album: name string")])).unwrap();
    let failure = block_on(transaction.declare(&[model("album: name string, year i64")])).unwrap_err();
    assert_eq!(failure.kind, "read-only");
}
