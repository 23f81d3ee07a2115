//! Definitions become writes, writes become states, states become a catalog.

use std::collections::BTreeMap;

use super::define::{self, CatalogWrite, DefineError, PropertyDefinition, Target};
use super::*;
use crate::dag::Head;
use crate::entity::{Register, State};
use crate::id::{EntityId, Stamp};
use crate::operation::Operation;

/// A small world: states of the reserved models, changed by writes the way operations change them.
#[derive(Clone, Default)]
struct World {
    states: BTreeMap<EntityId, State>,
    stamp: u64,
}

impl World {
    fn apply(&mut self, writes: &[CatalogWrite]) {
        for write in writes {
            let (entity, key) = match &write.target {
                Target::Keyed(key) => (Operation::keyed_id(write.model, key).unwrap(), key.clone()),
                Target::Existing(entity) => (*entity, Vec::new()),
            };
            self.stamp += 1;
            let winner = OpId::new(Stamp::from_millis(self.stamp), 0);
            let state = self.states.entry(entity).or_insert_with(|| State {
                entity,
                model: write.model,
                position: Position(1),
                head: Head::default(),
                base: None,
                registers: BTreeMap::new(),
                texts: BTreeMap::new(),
            });
            for (property, value) in key.into_iter().chain(write.set.iter().cloned()) {
                state.registers.insert(property, Register { value, winner });
            }
        }
    }

    fn catalog(&self) -> Catalog {
        Catalog::from_states(Position(7), self.states.values())
    }

    fn create(&mut self, name: &str, properties: &[PropertyDefinition]) -> ModelId {
        let (id, writes) = define::create_model(&self.catalog(), name, properties).unwrap();
        self.apply(&writes);
        id
    }

    /// Models with their columns, as `album(name string, year i64)`.
    fn shown(&self) -> Vec<String> {
        let catalog = self.catalog();
        let models = catalog.models().filter(|model| !is_reserved(model.id));
        let mut shown: Vec<String> = models
            .map(|model| {
                let columns: Vec<String> = model
                    .columns()
                    .map(|property| {
                        let base = catalog.type_text(property.value_type, property.backend);
                        format!("{} {base}", short(&property.label))
                    })
                    .collect();
                format!("{}({})", short(&model.label), columns.join(", "))
            })
            .collect();
        shown.sort();
        shown
    }
}

/// `name@01H…` as `name@`, so that expectations need no ids.
fn short(label: &str) -> &str {
    label.find('@').map_or(label, |at| &label[..=at])
}

fn property(name: &str, value_type: ValueType) -> PropertyDefinition {
    PropertyDefinition {
        name: name.to_owned(),
        value_type,
        backend: Backend::Lww,
        key: false,
        required: false,
        default: Value::Null,
    }
}

fn key(name: &str, value_type: ValueType) -> PropertyDefinition {
    PropertyDefinition { key: true, ..property(name, value_type) }
}

fn text(name: &str) -> PropertyDefinition {
    PropertyDefinition { backend: Backend::Yrs, ..property(name, ValueType::String) }
}

#[test]
fn a_definition_comes_back_as_it_was_given() {
    let mut world = World::default();
    let year =
        PropertyDefinition { required: true, default: Value::Int(2000), ..property("year", ValueType::Int) };
    let id = world.create("album", &[key("name", ValueType::String), year, text("note")]);
    let catalog = world.catalog();
    assert_eq!(catalog.position(), Position(7));
    let album = catalog.find("album", false, None).unwrap();
    assert_eq!(album.id, id);
    let columns: Vec<_> = album
        .columns()
        .map(|it| {
            (&*it.name, it.value_type, it.backend, it.required, it.default.clone(), album.is_key(it.id))
        })
        .collect();
    assert_eq!(
        columns,
        [
            ("name", ValueType::String, Backend::Lww, true, Value::Null, true),
            ("year", ValueType::Int, Backend::Lww, true, Value::Int(2000), false),
            ("note", ValueType::String, Backend::Yrs, false, Value::Null, false),
        ]
    );
}

#[test]
fn two_nodes_that_define_the_same_make_the_same() {
    let mut one = World::default();
    one.create("album", &[key("name", ValueType::String), text("note")]);
    let again =
        define::create_model(&Catalog::empty(), "album", &[key("name", ValueType::String), text("note")]);
    let before = one.shown();
    one.apply(&again.unwrap().1);
    assert_eq!(one.shown(), before);
}

#[test]
fn one_name_with_two_types_is_two_properties_until_resolved() {
    let mut world = World::default();
    world.create("album", &[property("rating", ValueType::Int)]);
    let other = define::create_model(&Catalog::empty(), "album", &[property("rating", ValueType::String)]);
    world.apply(&other.unwrap().1);
    let catalog = world.catalog();
    let album = catalog.find("album", false, None).unwrap();
    let bare = album.find("rating", false, None).unwrap();
    let aside = album.columns().find(|it| it.id != bare.id).unwrap();
    assert!(bare.id < aside.id);
    assert_eq!(*aside.label, *format!("rating@{}", aside.id));
    assert_eq!(album.find("rating", false, Some(aside.id.0)).unwrap().id, aside.id);
    let writes = define::resolve_property(album, aside.id).unwrap();
    world.apply(&writes);
    let resolved = world.catalog();
    let album = resolved.find("album", false, None).unwrap();
    assert_eq!(album.find("rating", false, None).unwrap().id, aside.id);
    assert_eq!(album.find("rating", false, Some(bare.id.0)).unwrap().id, bare.id);
}

type Make<'a> = dyn Fn(&Catalog, &Model) -> Result<Vec<CatalogWrite>, DefineError> + 'a;

#[test]
fn names_can_be_used_again_after_renaming_and_dropping() {
    let mut world = World::default();
    let id = world.create("album", &[property("a", ValueType::Int), property("b", ValueType::Int)]);
    let change = |world: &mut World, make: &Make<'_>| {
        let catalog = world.catalog();
        let writes = make(&catalog, catalog.model(id).unwrap()).unwrap();
        world.apply(&writes);
    };
    let find = |model: &Model, name: &str| model.find(name, true, None).unwrap().id;
    change(&mut world, &|_, model| define::rename_property(model, find(model, "a"), "c"));
    assert_eq!(world.shown(), ["album(c i64, b i64)"]);
    change(&mut world, &|_, model| define::add_property(model, &property("a", ValueType::Int)));
    assert_eq!(world.shown(), ["album(c i64, b i64, a i64)"]);
    change(&mut world, &|_, model| define::drop_property(model, find(model, "b"), true));
    change(&mut world, &|_, model| define::add_property(model, &property("b", ValueType::Int)));
    assert_eq!(world.shown(), ["album(c i64, a i64, b i64)"]);
    change(&mut world, &|catalog, model| define::rename_model(catalog, model, "record"));
    let new = define::new_model_id(&world.catalog(), "album").unwrap();
    assert_eq!(
        world.create("album", &[property("of", ValueType::Ref(id)), property("up", ValueType::Ref(new))]),
        new
    );
    assert_eq!(world.shown(), ["album(of ref(record), up ref(album))", "record(c i64, a i64, b i64)"]);
}

#[test]
fn names_match_exactly_first_and_then_regardless_of_case() {
    let mut world = World::default();
    let names = ["Name", "year", "Year", "TITLE", "Title"];
    world.create("Album", &names.map(|name| property(name, ValueType::Int)));
    let catalog = world.catalog();
    let album = catalog.find("ALBUM", false, None).unwrap();
    let check = |name: &str, quoted: bool, expected: Result<&str, &str>| {
        let found = album.find(name, quoted, None).map(|it| it.label.to_string()).map_err(|e| e.to_string());
        assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned), "{name}");
    };
    check("name", false, Ok("Name"));
    check("name", true, Err("`name` is not known"));
    check("year", false, Ok("year"));
    check("YEAR", false, Err("`YEAR` may mean Year or year"));
    check("Title", true, Ok("Title"));
    check("title", false, Err("`title` may mean TITLE or Title"));
    let error = album.find("nmae", false, None).unwrap_err();
    assert_eq!(error, NameError::Unknown { name: "nmae".to_owned(), nearest: Some("Name".to_owned()) });
    assert!(catalog.find("_model", false, None).is_ok());
}

#[test]
fn what_cannot_be_defined_is_refused() {
    let mut world = World::default();
    world.create("album", &[]);
    let catalog = world.catalog();
    let check = |name: &str, properties: &[PropertyDefinition], expected: DefineError| {
        assert_eq!(define::create_model(&catalog, name, properties).unwrap_err(), expected);
    };
    let int = ValueType::Int;
    check("album", &[], DefineError::DuplicateModel { name: "album".to_owned() });
    check("_x", &[], DefineError::ReservedModel);
    check("", &[], DefineError::BadName { property: None });
    check(&"x".repeat(256), &[], DefineError::BadName { property: None });
    check("b", &[property("a", int), property("", int)], DefineError::BadName { property: Some(1) });
    for (name, says) in
        [("Id", "is the id that every entity has"), ("deleted", "says of every entity whether it is deleted")]
    {
        let error = DefineError::ReservedProperty { name: name.to_owned(), says, property: 0 };
        check("b", &[property(name, int)], error);
    }
    check(
        "b",
        &[property("a", int), property("a", ValueType::Bool)],
        DefineError::DuplicateProperty { name: "a".to_owned(), property: 1 },
    );
    check("b", &[PropertyDefinition { key: true, ..text("t") }], DefineError::TextKey { property: 0 });
    check("b", &vec![property("a", int); MANY], DefineError::TooMany);
    let reserved = catalog.model(*reserved::MODEL).unwrap();
    assert!(matches!(define::rename_model(&catalog, reserved, "m"), Err(DefineError::ReservedAlter { .. })));
    let album = catalog.find("album", false, None).unwrap();
    assert_eq!(define::add_property(album, &key("k", int)), Err(DefineError::KeyOfExisting));
}

const MANY: usize = define::MAX_PROPERTIES + 1;

#[test]
fn types_have_one_text() {
    let model = ModelId::from_bytes([7; 16]);
    for (value_type, backend) in [
        (ValueType::Bool, Backend::Lww),
        (ValueType::Int, Backend::Lww),
        (ValueType::Float, Backend::Lww),
        (ValueType::Decimal, Backend::Lww),
        (ValueType::String, Backend::Lww),
        (ValueType::String, Backend::Yrs),
        (ValueType::Bytes, Backend::Lww),
        (ValueType::Timestamp, Backend::Lww),
        (ValueType::Uuid, Backend::Lww),
        (ValueType::Ulid, Backend::Lww),
        (ValueType::Json, Backend::Lww),
        (ValueType::Ref(model), Backend::Lww),
    ] {
        let text = define::type_key(value_type, backend);
        assert_eq!(define::parse_type_key(&text), Some((value_type, backend)), "{text}");
    }
    for text in ["", "int", "ref()", "ref(album)", "ref(00000000000000000000000000"] {
        assert_eq!(define::parse_type_key(text), None, "{text}");
    }
}
