//! Queries over a small world, from text to rows.

mod answers;
mod errors;
mod explain;
mod indexes;
mod large;
mod source;
mod writes;

use std::sync::Arc;

use futures::StreamExt;
use futures::executor::block_on;

use self::source::{Entity, Tables};
use super::{BindError, Bound, Context, Lookups, Names, RunError, RunOptions, bind_statement, plan, run};
use crate::catalog::{Backend, Model, NameError, Property};
use crate::id::{EntityId, ModelId, OpId, PropertyId};
use crate::node::protocol::Parameters;
use crate::storage::{IndexDefinition, IndexPart};
use crate::value::{Timestamp, Value, ValueType, parse};

/// Some models, by their names.
#[derive(Clone, Debug, Default)]
struct Models(Vec<Arc<Model>>);

impl Names for Models {
    fn find(&self, name: &str, quoted: bool, _: Option<OpId>) -> Result<&Arc<Model>, NameError> {
        let exact = self.0.iter().find(|model| &*model.name == name);
        let loose = || self.0.iter().find(|model| !quoted && model.name.eq_ignore_ascii_case(name));
        exact.or_else(loose).ok_or_else(|| NameError::Unknown {
            name: name.to_owned(),
            nearest: ankurah_query_lang::nearest(name, self.0.iter().map(|model| &*model.name))
                .map(str::to_owned),
        })
    }

    fn model(&self, id: ModelId) -> Option<&Arc<Model>> {
        self.0.iter().find(|model| model.id == id)
    }
}

fn model_id(number: u128) -> ModelId {
    ModelId(OpId::from_bits(number << 64))
}

fn entity_id(number: u128) -> EntityId {
    EntityId(OpId::from_bits(number))
}

/// A model of `name type` pairs; `text` is collaborative, a leading `*` marks the key, a trailing `!` what is
/// required.
fn model(number: u128, name: &str, properties: &[(&str, ValueType)]) -> Arc<Model> {
    let id = model_id(number);
    let mut key = Vec::new();
    let properties = properties.iter().enumerate().map(|(at, (name, value_type))| {
        let property = PropertyId(OpId::from_bits((number << 64) + 1 + at as u128));
        if name.starts_with('*') {
            key.push(property);
        }
        let backend = if name.starts_with('~') { Backend::Yrs } else { Backend::Lww };
        let bare: Arc<str> = name.trim_matches(['*', '~', '!', '-']).into();
        Arc::new(Property {
            id: property,
            model: id,
            name: Arc::clone(&bare),
            label: bare,
            value_type: *value_type,
            backend,
            ordinal: u32::try_from(at).unwrap(),
            required: name.ends_with('!'),
            default: Value::Null,
            dropped: name.starts_with('-'),
        })
    });
    let properties = properties.collect();
    Arc::new(Model { id, name: name.into(), label: name.into(), properties, key })
}

/// Models and rows.
struct World {
    models: Models,
    tables: Tables,
}

const NOW: Timestamp = Timestamp(1_600_000_000_000_000);

impl World {
    /// Adds rows, a line each, the values between bars; an empty one is null. Ids count from `first`.
    fn fill(&mut self, name: &str, first: u128, rows: &str) {
        let model = Arc::clone(self.models.find(name, true, None).unwrap());
        let table = self.tables.tables.entry(model.id).or_default();
        for (number, line) in (first..).zip(rows.trim().lines()) {
            let line = line.trim();
            let deleted = line.starts_with('-');
            let mut entity = Entity { deleted, ..Entity::default() };
            for (property, text) in model.columns().zip(line.trim_start_matches('-').split('|')) {
                let text = text.trim();
                if !text.is_empty() {
                    let text = match property.value_type {
                        ValueType::Ref(_) => entity_id(text.parse().unwrap()).to_string(),
                        _ => text.to_owned(),
                    };
                    entity.values.insert(property.id, parse(&text, property.value_type).unwrap());
                }
            }
            table.insert(entity_id(number), entity);
        }
    }

    fn index(&mut self, name: &str, parts: &[&str]) {
        let model = Arc::clone(self.models.find(name, true, None).unwrap());
        let parts = parts.iter().map(|part| {
            let property = model.find(part.trim_start_matches('-'), true, None).unwrap();
            IndexPart {
                property: property.id,
                value_type: property.value_type,
                descending: part.starts_with('-'),
            }
        });
        let definition = IndexDefinition { model: model.id, parts: parts.collect() };
        self.tables.with_index(definition);
    }

    fn lookups(&self) -> Lookups {
        Lookups { indexes: Arc::new(self.tables.indexes.clone()), by_key: false }
    }

    fn bind(&self, text: &str, parameters: &Parameters) -> Result<Bound, BindError> {
        let statement = ankurah_query_lang::parse_statement(text)
            .unwrap_or_else(|error| panic!("{}", error.render(text)));
        bind_statement(&statement, Context { names: &self.models, parameters, now: NOW })
    }
}

/// Two models with all types.
fn world() -> World {
    use ValueType::{Bool, Bytes, Decimal, Float, Int, Json, Ref, String, Timestamp, Uuid};
    let models = Models(vec![
        model(1, "country", &[("*code", String), ("name", String)]),
        model(2, "artist", &[("name", String), ("country", Ref(model_id(1))), ("born", Int)]),
        model(
            3,
            "album",
            &[
                ("name!", String),
                ("artist", Ref(model_id(2))),
                ("year", Int),
                ("genre", String),
                ("rating", Float),
                ("price", Decimal),
                ("live", Bool),
                ("~note", String),
                ("data", Json),
                ("released", Timestamp),
                ("cover", Bytes),
                ("code", Uuid),
                ("-dropped", Int),
            ],
        ),
    ]);
    let mut world = World { models, tables: Tables::default() };
    world.fill("country", 10, "DE | Germany\nUS | United States\n-XX | Nowhere");
    world.fill("artist", 20, "Kraftwerk | 10 | 1970\nMiles Davis | 11 | 1926\nNobody | 12 |\nUnknown | |");
    world.fill(
        "album",
        100,
        r#"Autobahn        | 20 | 1974 | Electronic | 4.5 | 9.99  | false | On the road | {"label":"Philips","tracks":5,"tags":["a","b"]} | 1974-11-01 00:00:00
           Kind of Blue    | 21 | 1959 | Jazz       | 5   | 12.50 | false | Modal       | {"label":"Columbia","tracks":5} | 1959-08-17 00:00:00
           The Man-Machine | 20 | 1978 | Electronic | 4.0 | 9.99  | false |             | {"label":null,"tracks":"six"} | 1978-05-19 12:30:00
           Bitches Brew    | 21 | 1970 | Jazz       |     | 15    | true  | Long        |  | 1970-03-30 00:00:00
           100% Pure       | 22 |      | Pop        | 1.5 |       | true  |             | {"tracks":2.5} |
           under_score     |    | 1999 |            | NaN | 0     |       |             | [1,2] |
           -Gone           | 20 | 1974 | Electronic | 3   | 1     | false |             |  |"#,
    );
    world
}

fn show(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Ref(id) => format!("@{}", id.0.bits()),
        other => other.to_string(),
    }
}

/// The rows of a select, a line each; an error after the rows that came before it.
fn rows(world: World, text: &str, parameters: &Parameters) -> (Vec<String>, Option<RunError>) {
    rows_with(world, text, parameters, RunOptions::default())
}

/// The same, run in some way.
fn rows_with(
    world: World,
    text: &str,
    parameters: &Parameters,
    options: RunOptions,
) -> (Vec<String>, Option<RunError>) {
    let bound = world.bind(text, parameters).unwrap_or_else(|error| {
        panic!("{text}\n{}", error.diagnostic().render(text, &ankurah_query_lang::RenderOptions::default()))
    });
    let Bound::Select(select) = bound else { panic!("{text} is not a select") };
    let plan = plan(*select, &world.lookups());
    collect(run(plan, Arc::new(world.tables), options))
}

fn collect(running: super::Running) -> (Vec<String>, Option<RunError>) {
    let mut rows = Vec::new();
    let mut failure = None;
    for batch in block_on(running.rows.collect::<Vec<_>>()) {
        assert!(failure.is_none(), "something came after an error");
        match batch {
            Ok(batch) => {
                assert!(!batch.is_empty(), "an empty batch");
                for row in batch {
                    assert_eq!(row.len(), running.columns.len());
                    for (value, column) in row.iter().zip(&running.columns) {
                        match column.value_type {
                            Some(value_type) => assert!(value.is_of(value_type), "{value:?} in {column:?}"),
                            None => assert!(value.is_null(), "{value:?} in {column:?}"),
                        }
                    }
                    rows.push(row.iter().map(show).collect::<Vec<_>>().join(" | "));
                }
            }
            Err(error) => failure = Some(error),
        }
    }
    (rows, failure)
}

/// Asks the small world.
fn ask(text: &str) -> String {
    let (mut rows, failure) = rows(world(), text, &Parameters::default());
    rows.extend(failure.map(|error| format!("error: {error}")));
    rows.join("\n")
}

/// Checks the answers to questions: each expected one is its lines joined by `; `.
#[track_caller]
fn check(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(ask(text).replace('\n', "; "), *expected, "{text}");
    }
}
