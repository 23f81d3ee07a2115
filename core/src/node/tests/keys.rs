//! Entities looked up by their keys.

use proptest::prelude::*;

use super::*;
use crate::id::{EntityId, ModelId, OpId, PropertyId};
use crate::node::ingest::Role;
use crate::operation::{Change, Leaf, Operation};

impl World {
    /// How a query reads: the last line of its plan that says so.
    fn reading(&self, query: &str) -> String {
        let plan = self.run(&format!("explain {query}")).1.text();
        let line = plan.lines().map(str::trim).find(|line| line.starts_with("read ")).unwrap().to_owned();
        match line.split_once('@') {
            Some((before, _)) => format!("{before}ID"),
            None => line,
        }
    }
}

#[test]
fn a_key_is_looked_up() {
    let world = World::new();
    world.check(
        "create model album (title string key, year i64)
         create model seat (hall i64 key, row string key, number i64 key, taken bool)
         insert into album (title, year) values ('Blue', 1971), ('Hejira', 1976), ('Clouds', 1969)
         insert into seat (hall, row, number) values (1, 'a', 1), (1, 'a', 2), (2, 'b', 1)",
    );
    let readings = [
        ("select year from album where title = 'Blue'", "read album by its key: ID"),
        ("select year from album where 'Blue' = title and year > 3", "read album by its key: ID"),
        ("select year from album where title in ('Blue', 'Clouds', 'x')", "read album: 3 by their keys"),
        ("select year from album where title = 'Blue' or title = 'x'", "read album: 2 by their keys"),
        ("select count(*) from album where title is not distinct from 'Blue'", "read album by its key: ID"),
        ("select year from album where title = null", "read nothing"),
        ("select year from album where title > 'Blue'", "read album: all, by id"),
        ("select year from album where title <> 'Blue'", "read album: all, by id"),
        ("select year from album where title = 'Blue' or year = 1", "read album: all, by id"),
        ("select year from album where lower(title) = 'blue'", "read album: all, by id"),
        ("select taken from seat where hall = 1 and row = 'a' and number = 2", "read seat by its key: ID"),
        (
            "select taken from seat where number = 2 and hall = 1 and row in ('a', 'b')",
            "read seat: 2 by their keys",
        ),
        ("select taken from seat where hall = 1 and row = 'a'", "read seat: all, by id"),
        ("select taken from seat where hall = 1 and row = 'a' and number = 2.5", "read seat: all, by id"),
    ];
    for (query, expected) in readings {
        assert_eq!(world.reading(query), expected, "{query}");
    }
    let plan = |statement: &str| world.run(&format!("explain {statement}")).1.text();
    for write in ["update album set year = 1", "delete from album"] {
        let plan = plan(&format!("{write} where title = 'Blue'"));
        assert!(plan.contains("read album by its key: @"), "{plan}");
    }
    world.check(
        "select year from album where title = 'Blue' => 1971
         select title from album where title in ('Hejira', 'x', 'Blue') order by title => Blue; Hejira
         select hall, row, number from seat where number = 2 and row = 'a' and hall = 1 => 1|a|2
         delete from album where title = 'Blue' => Deleted(1)
         select year from album where title = 'Blue'
         update album set year = 1 where title = 'Blue' => Updated(0)
         restore album where title = 'Blue' => Restored(1)
         select year from album where title = 'Blue' => 1971",
    );
    assert_eq!(world.run("select year from album where title = 'x'").1.text(), "");
}

#[test]
fn parameters_are_looked_up() {
    let world = World::new();
    world.check(
        "create model album (title string key, year i64)
         insert into album (title, year) values ('Blue', 1971), ('Hejira', 1976)",
    );
    let parameters = |values: &[Value]| Parameters { positional: values.to_vec(), ..Parameters::default() };
    let ask = |statement: &str, values: &[Value]| {
        let (session, statement) = (SessionId(1), statement.to_owned());
        world.ask(Request::Execute { session, statement, parameters: parameters(values) }).unwrap().1.text()
    };
    let blue = [Value::string("Blue").unwrap()];
    assert!(ask("explain select year from album where title = ?", &blue).contains("by its key: @"));
    assert_eq!(ask("select year from album where title = ?", &blue), "1971");
    assert_eq!(ask("select year from album where title = ?", &[Value::Null]), "");
    let Value::Ref(id) = world.run("select id from album where title = 'Blue'").1.rows[0][0] else {
        panic!()
    };
    assert!(ask("explain select year from album where id = ?", &[Value::Ref(id)]).contains("read album: @"));
    assert_eq!(ask("select year from album where id = ?", &[Value::Ref(id)]), "1971");
}

/// The ids that an operation needs to be made by hand.
fn ids(world: &World) -> (ModelId, PropertyId, PropertyId) {
    match world.ask(Request::Catalog).unwrap().1.others.first() {
        Some(Event::Catalog(view)) => {
            let model = view.models.iter().find(|model| &*model.name == "album").unwrap();
            let property = |name: &str| model.find(name, true, None).unwrap().id;
            (model.id, property("title"), property("year"))
        }
        other => panic!("{other:?}"),
    }
}

/// Entities that other programs have named otherwise are found, too: all are read then.
#[test]
fn entities_that_are_not_named_by_the_key_are_found() {
    let world = World::new();
    world.check(
        "create model album (title string key, year i64)
         insert into album (title, year) values ('Blue', 1971)",
    );
    let (model, title, year) = ids(&world);
    let query = "select year from album where title = 'Blue'";
    assert_eq!(world.reading(query), "read album by its key: ID");
    let other =
        Operation::keyed_genesis(model, vec![(year, Value::Int(5)), (title, Value::string("Blue").unwrap())]);
    let done = block_on(world.node.ingest(&[other.unwrap().encode()], Role::Replica)).unwrap();
    assert_eq!(done.accepted.len(), 1);
    assert_eq!(world.reading(query), "read album: all, by id");
    assert_eq!(world.run("select year from album where title = 'Blue' order by year").1.text(), "5\n1971");
    assert_eq!(world.reopen().reading(query), "read album: all, by id");
    assert_eq!(world.ask(Request::Verify).unwrap().1.others, vec![]);
}

/// Whoever could change a key would leave an entity that its key does not name.
#[test]
fn an_edit_of_a_key_is_no_operation() {
    let world = World::new();
    world.check(
        "create model album (title string key, year i64)
         insert into album (title, year) values ('Blue', 1971)",
    );
    let (model, title, _) = ids(&world);
    let entity = Operation::keyed_id(model, &[(title, Value::string("Blue").unwrap())]).unwrap();
    let view = block_on(world.engine.view()).unwrap();
    let state = block_on(view.state(model, entity)).unwrap().unwrap();
    let last = state.head.greatest().unwrap();
    let (_, operation) = block_on(view.operation(entity, last)).unwrap().unwrap();
    let mut origin = *operation.origin().unwrap();
    origin.sequence += 1;
    let leaf = Leaf { property: title, change: Change::Set(Value::string("Red").unwrap()) };
    let stamp = crate::id::Stamp::from_bits(last.stamp().bits() + 1);
    let parents = state.head.links().to_vec();
    let edit = Operation::edit(entity, model, stamp, origin, parents, vec![leaf], [0; 16]).unwrap();
    let done = block_on(world.node.ingest(&[edit.encode()], Role::Replica)).unwrap();
    assert_eq!((done.accepted.len(), done.invalid.len()), (0, 1), "{done:?}");
    assert!(done.invalid[0].reason.contains("part of its entity's key"), "{done:?}");
    assert_eq!(world.run("select title from album").1.text(), "Blue");
}

/// Types of keys, with literals that are stored and compared.
const TYPES: [(&str, &[&str]); 11] = [
    ("i64", &["0", "1", "-1", "9223372036854775807", "1.0", "1.5", "1e0", "'1'", "null"]),
    ("f64", &["0", "'-0'", "'NaN'", "'inf'", "1", "1.5", "1e0", "0.1", "null"]),
    ("decimal", &["0", "-0.0", "0.10", "0.1", "1", "1.00", "1e0", "'1.0'", "null"]),
    ("string", &["''", "'a'", "'A'", "'a '", "'ä'", "repeat('x', 3000)", "null"]),
    ("bool", &["true", "false", "'true'", "null"]),
    ("bytes", &["x''", "x'00'", "x'ff00'", "null"]),
    ("timestamp", &["'2020-01-01'", "'2020-01-01 00:00:00'", "'1969-12-31 23:59:59.999999'", "null"]),
    ("uuid", &["'00000000-0000-0000-0000-000000000000'", "'67e55044-10b1-426f-9247-bb680e5fe0c8'", "null"]),
    ("ulid", &["'00000000000000000000000000'", "'01ARZ3NDEKTSV4RRFFQ69G5FAV'", "null"]),
    ("ref(k)", &["'00000000000000000000000000'", "'01ARZ3NDEKTSV4RRFFQ69G5FAV'", "null"]),
    ("json", &["'{\"a\":1,\"b\":2}'", "'{ \"b\":2, \"a\":1 }'", "'1'", "'1.0'", "'null'", "null"]),
];

#[derive(Clone, Debug)]
enum Step {
    Insert(Vec<usize>),
    Delete(Vec<usize>),
    Restore(Vec<usize>),
    Update(Vec<usize>),
    Begin,
    End(bool),
    /// Values of each key property; the last numbers say how the condition is written.
    Ask(Vec<Vec<usize>>, usize),
}

fn steps(parts: usize) -> impl Strategy<Value = Vec<Step>> {
    let one = || proptest::collection::vec(0..16_usize, parts);
    let many = proptest::collection::vec(proptest::collection::vec(0..16_usize, 1..4), parts);
    let step = prop_oneof![
        4 => one().prop_map(Step::Insert),
        1 => one().prop_map(Step::Delete),
        1 => one().prop_map(Step::Restore),
        1 => one().prop_map(Step::Update),
        1 => Just(Step::Begin),
        1 => any::<bool>().prop_map(Step::End),
        6 => (many, 0..6_usize).prop_map(|(values, form)| Step::Ask(values, form)),
    ];
    proptest::collection::vec(step, 1..25)
}

fn cases() -> impl Strategy<Value = (Vec<usize>, Vec<Step>)> {
    proptest::collection::vec(0..TYPES.len(), 1..4).prop_flat_map(|types| {
        let parts = types.len();
        (Just(types), steps(parts))
    })
}

fn literal(kind: usize, at: usize) -> &'static str {
    let (_, literals) = TYPES[kind];
    literals[at % literals.len()]
}

/// A condition on the key, with the columns written as `column` makes them.
fn condition(
    types: &[usize],
    values: &[Vec<usize>],
    form: usize,
    column: &dyn Fn(usize) -> String,
) -> String {
    let parts = types.iter().zip(values).enumerate().map(|(at, (kind, values))| {
        let column = column(at);
        let texts: Vec<&str> = values.iter().map(|value| literal(*kind, *value)).collect();
        match (form + at) % 6 {
            0 => format!("{column} = {}", texts[0]),
            1 => format!("{column} in ({})", texts.join(", ")),
            2 => format!(
                "({})",
                texts.iter().map(|text| format!("{column} = {text}")).collect::<Vec<_>>().join(" or ")
            ),
            3 => format!("{} = {column}", texts[0]),
            4 => format!("{column} is not distinct from {}", texts[0]),
            _ => format!("({column} is null or {column} = {})", texts[0]),
        }
    });
    parts.collect::<Vec<_>>().join(" and ")
}

/// Runs a case and gives how many queries were looked up, and found something.
fn compare(types: &[usize], steps: &[Step]) -> (usize, usize) {
    let world = World::new();
    let names: Vec<String> = (0..types.len()).map(|at| format!("k{at}")).collect();
    let columns: Vec<String> =
        names.iter().zip(types).map(|(name, kind)| format!("{name} {} key", TYPES[*kind].0)).collect();
    world.run(&format!("create model k ({}, n i64)", columns.join(", ")));
    // A condition that no plan sees through.
    let hidden = |at: usize| format!("coalesce(k{at}, k{at})");
    let plain = |at: usize| format!("k{at}");
    let of = |values: &[usize]| {
        condition(types, &values.iter().map(|at| vec![*at]).collect::<Vec<_>>(), 0, &hidden)
    };
    let (mut looked_up, mut found) = (0, 0);
    for step in steps {
        let statement = match step {
            Step::Insert(values) => {
                let values: Vec<&str> =
                    types.iter().zip(values).map(|(kind, at)| literal(*kind, *at)).collect();
                format!("upsert into k ({}, n) values ({}, 1)", names.join(", "), values.join(", "))
            }
            Step::Delete(values) => format!("delete from k where {}", of(values)),
            Step::Restore(values) => format!("restore k where {}", of(values)),
            Step::Update(values) => format!("update k set n = n + 1 where {}", of(values)),
            Step::Begin => "begin".to_owned(),
            Step::End(commit) => if *commit { "commit" } else { "rollback" }.to_owned(),
            Step::Ask(values, form) => {
                let query = |column: &dyn Fn(usize) -> String| {
                    format!("select id, n from k where {}", condition(types, values, *form, column))
                };
                let ask = |query: &str| world.run_in(2, query).or_else(|_| world.run_in(1, query));
                let (fast, slow) = (query(&plain), query(&hidden));
                for session in [1, 2] {
                    let rows = |query: &str| world.run_in(session, query).map(|(_, answer)| answer.rows);
                    match (rows(&fast), rows(&slow)) {
                        (Ok(fast_rows), Ok(slow_rows)) => {
                            assert_eq!(fast_rows, slow_rows, "{fast} in session {session}");
                            found += usize::from(!fast_rows.is_empty());
                        }
                        (Err(_), Err(_)) => {}
                        (a, b) => panic!("{fast}: {a:?}, but {slow}: {b:?}"),
                    }
                }
                if let Ok((_, plan)) = ask(&format!("explain {fast}")) {
                    looked_up +=
                        usize::from(plan.text().contains("by its key") || plan.text().contains("keys"));
                }
                continue;
            }
        };
        // What cannot be written is not; a transaction goes on after that.
        if world.run_in(1, &statement).is_err() {
            let _ = world.run_in(1, "rollback");
        }
    }
    (looked_up, found)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn looking_up_finds_what_reading_everything_finds((types, steps) in cases()) {
        compare(&types, &steps);
    }
}

/// The comparison above compares something: every type is looked up and found.
#[test]
fn every_type_is_looked_up() {
    for (kind, (name, literals)) in TYPES.iter().enumerate() {
        let mut steps: Vec<Step> = (0..literals.len()).map(|at| Step::Insert(vec![at])).collect();
        let asks = (0..literals.len())
            .flat_map(|at| (0..6).map(move |form| Step::Ask(vec![vec![at, at + 1]], form)));
        steps.extend(asks);
        let (looked_up, found) = compare(&[kind], &steps);
        assert!(looked_up >= literals.len(), "{name}: {looked_up}");
        assert!(found >= literals.len(), "{name}: {found}");
    }
}

#[test]
fn a_model_without_entities_is_looked_up() {
    let world = World::new();
    world.run("create model album (title string key)");
    assert_eq!(world.reading("select title from album where title = 'x'"), "read album by its key: ID");
    let nothing = EntityId(OpId::MIN);
    assert_eq!(world.run(&format!("select title from album where id = '{nothing}'")).1.text(), "");
}
