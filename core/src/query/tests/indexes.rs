//! Which indexes exist changes nothing but the time that an answer takes.

use proptest::prelude::*;

use super::*;
use crate::storage::IndexState;

/// A column of small values of each kind.
const COLUMNS: [(&str, ValueType); 5] = [
    ("a", ValueType::Int),
    ("b", ValueType::Int),
    ("s", ValueType::String),
    ("t", ValueType::Bool),
    ("r", ValueType::Ref(ModelId(OpId::from_bits(9 << 64)))),
];

fn value(column: usize) -> BoxedStrategy<String> {
    match column {
        0 | 1 => (-2..4_i64).prop_map(|n| n.to_string()).boxed(),
        2 => prop::sample::select(vec!["'x'", "'xy'", "'y'", "''", "'xz'"]).prop_map(str::to_owned).boxed(),
        3 => prop::sample::select(vec!["true", "false"]).prop_map(str::to_owned).boxed(),
        _ => (1..5_u128).prop_map(|n| format!("'{}'", entity_id(n))).boxed(),
    }
}

fn condition() -> impl Strategy<Value = String> {
    let comparison = prop::sample::select(vec![
        "=",
        "<>",
        "<",
        "<=",
        ">",
        ">=",
        "is distinct from",
        "is not distinct from",
    ]);
    let leaf = prop_oneof![
        6 => (0..5_usize).prop_flat_map(move |column| (Just(column), comparison.clone(), value(column)))
            .prop_map(|(column, op, value)| format!("{} {op} {value}", COLUMNS[column].0)),
        2 => (0..5_usize).prop_flat_map(|column| (Just(column), prop::collection::vec(value(column), 1..4), any::<bool>()))
            .prop_map(|(column, values, not)| format!("{} {}in ({})", COLUMNS[column].0, if not { "not " } else { "" }, values.join(", "))),
        1 => (0..2_usize, value(0), value(0), any::<bool>())
            .prop_map(|(column, low, high, not)| format!("{} {}between {low} and {high}", COLUMNS[column].0, if not { "not " } else { "" })),
        1 => (0..5_usize, any::<bool>()).prop_map(|(column, not)| format!("{} is {}null", COLUMNS[column].0, if not { "not " } else { "" })),
        1 => prop::sample::select(vec!["s like 'x%'", "s like 'x_'", "s not like 'x%'", "s like 'xy'", "t", "not t", "t is not true", "a = b", "a + b > 1", "1 / a > 0",
            "10 / (b - 1) >= 0", "r.a = 1", "r.s like 'x%'", "starts_with(s, 'x')"]).prop_map(str::to_owned),
        1 => prop::sample::select(vec!["=", "<", ">=", "in", "<>"]).prop_flat_map(|op| (Just(op), 1..12_u128))
            .prop_map(|(op, id)| if op == "in" { format!("id in ('{}', '{}')", entity_id(id), entity_id(id / 2 + 1)) } else { format!("id {op} '{}'", entity_id(id)) }),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            3 => prop::collection::vec(inner.clone(), 2..4).prop_map(|list| format!("({})", list.join(" and "))),
            2 => prop::collection::vec(inner.clone(), 2..4).prop_map(|list| format!("({})", list.join(" or "))),
            1 => inner.prop_map(|inner| format!("not ({inner})")),
        ]
    })
}

fn order() -> impl Strategy<Value = String> {
    let key = (
        prop::sample::select(vec!["a", "b", "s", "t", "r", "id", "a + 1", "r.a"]),
        prop::sample::select(vec!["", " desc", " nulls first", " desc nulls last"]),
    );
    prop::collection::vec(key, 0..3).prop_map(|keys| {
        let keys: Vec<String> =
            keys.into_iter().map(|(key, direction)| format!("{key}{direction}")).collect();
        if keys.is_empty() { String::new() } else { format!(" order by {}", keys.join(", ")) }
    })
}

fn query() -> impl Strategy<Value = String> {
    let what = prop::sample::select(vec![
        "select id, * from m",
        "select id, * from m",
        "select id, r.a from m",
        "select distinct a, t from m",
        "select count(*), sum(a), min(s), max(b), string_agg(s, '') from m",
        "select a, count(*), sum(b) from m",
        "select max(a) from m",
        "select min(s) from m",
    ]);
    let limit = prop_oneof![
        Just(String::new()),
        (0..5_u32, 0..3_u32).prop_map(|(n, o)| format!(" limit {n} offset {o}"))
    ];
    (what, prop::option::weighted(0.9, condition()), order(), limit).prop_map(
        |(what, condition, order, limit)| {
            let condition = condition.map_or(String::new(), |condition| format!(" where {condition}"));
            let group = if what.starts_with("select a,") { " group by a" } else { "" };
            let order = if what.starts_with("select id") {
                order.as_str()
            } else if what.starts_with("select distinct") {
                " order by t desc"
            } else {
                ""
            };
            format!("{what}{condition}{group}{order}{limit}")
        },
    )
}

fn world_of(
    rows: &[Vec<Option<String>>],
    indexes: &[(Vec<(usize, bool)>, bool)],
    count_known: bool,
) -> World {
    let models = Models(vec![model(9, "m", &COLUMNS)]);
    let mut world = World { models, tables: Tables::default() };
    let model = Arc::clone(&world.models.0[0]);
    let table = world.tables.tables.entry(model.id).or_default();
    for (number, row) in (1_u128..).zip(rows) {
        let mut entity = Entity { deleted: number % 6 == 0, ..Entity::default() };
        for (property, text) in model.columns().zip(row) {
            if let Some(text) = text {
                let value = parse(text.trim_matches('\''), property.value_type).unwrap();
                entity.values.insert(property.id, value);
            }
        }
        table.insert(entity_id(number), entity);
    }
    for (parts, cut) in indexes {
        let names: Vec<String> = parts
            .iter()
            .map(|(column, descending)| {
                format!("{}{}", if *descending { "-" } else { "" }, COLUMNS[*column].0)
            })
            .collect();
        world.index("m", &names.iter().map(String::as_str).collect::<Vec<_>>());
        world.tables.indexes.last_mut().unwrap().state = IndexState::Ready { cut: *cut };
    }
    world.tables.count_known = count_known;
    world
}

fn row() -> impl Strategy<Value = Vec<Option<String>>> {
    (0..5_usize).map(|column| prop::option::weighted(0.8, value(column)).boxed()).collect::<Vec<_>>()
}

fn indexes() -> impl Strategy<Value = Vec<(Vec<(usize, bool)>, bool)>> {
    let part = (0..5_usize, any::<bool>());
    let parts = prop::collection::vec(part, 1..4).prop_map(|mut parts: Vec<(usize, bool)>| {
        let mut seen = Vec::new();
        parts.retain(|(column, _)| {
            let fresh = !seen.contains(column);
            seen.push(*column);
            fresh
        });
        parts
    });
    prop::collection::vec((parts, prop::bool::weighted(0.2)), 1..5)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]
    #[test]
    fn the_same_answer_with_any_indexes(
        rows in prop::collection::vec(row(), 0..14),
        indexes in indexes(),
        query in query(),
        count_known: bool,
        collected in 0..4_u64,
    ) {
        let answer = |indexes: &[_], count_known, collected| {
            let options = RunOptions { collected, ..RunOptions::default() };
            let world = world_of(&rows, indexes, count_known);
            let (rows, failure) = rows_with(world, &query, &Parameters::default(), options);
            (rows, failure.map(|error| error.to_string()))
        };
        let plain = answer(&[], false, 1_024);
        prop_assert_eq!(&answer(&indexes, count_known, 1_024), &plain, "{}", query);
        // The same where indexes are given up because they find too many.
        prop_assert_eq!(&answer(&indexes, count_known, collected), &plain, "{}", query);
    }

    /// Against the definition: keep what holds, sort it, cut it.
    #[test]
    fn order_and_limit_agree_with_sorting_everything(
        rows in prop::collection::vec(row(), 0..14),
        keys in prop::collection::vec((0..4_usize, any::<bool>(), any::<bool>()), 1..4),
        limit in 0..8_usize,
        offset in 0..4_usize,
    ) {
        let world = world_of(&rows, &[(vec![(keys[0].0, keys[0].1)], false)], true);
        let model = Arc::clone(&world.models.0[0]);
        let columns: Vec<_> = model.columns().map(|property| property.id).collect();
        let mut expected: Vec<(EntityId, Vec<Value>)> = world.tables.tables[&model.id]
            .iter()
            .filter(|(_, entity)| !entity.deleted)
            .map(|(id, entity)| {
                (*id, columns.iter().map(|column| entity.values.get(column).cloned().unwrap_or(Value::Null)).collect())
            })
            .collect();
        for (column, descending, nulls_first) in keys.iter().rev() {
            expected.sort_by(|(_, a), (_, b)| {
                let (a, b) = (&a[*column], &b[*column]);
                match (a.is_null(), b.is_null()) {
                    (true, true) => std::cmp::Ordering::Equal,
                    (true, false) | (false, true) if *nulls_first => b.is_null().cmp(&a.is_null()),
                    (true, false) | (false, true) => a.is_null().cmp(&b.is_null()),
                    (false, false) if *descending => b.compare(a),
                    (false, false) => a.compare(b),
                }
            });
        }
        let keys: Vec<String> = keys
            .iter()
            .map(|(column, descending, nulls_first)| {
                let direction = if *descending { "desc" } else { "asc" };
                let nulls = if *nulls_first { "first" } else { "last" };
                format!("{} {direction} nulls {nulls}", COLUMNS[*column].0)
            })
            .collect();
        let query = format!("select id from m order by {} limit {limit} offset {offset}", keys.join(", "));
        let expected: Vec<String> =
            expected.into_iter().skip(offset).take(limit).map(|(id, _)| show(&Value::Ref(id))).collect();
        prop_assert_eq!(super::rows(world, &query, &Parameters::default()).0, expected, "{}", query);
    }
}

#[test]
fn an_index_that_finds_too_much_is_given_up() {
    let rows: Vec<Vec<Option<String>>> =
        (0..5_000).map(|n| vec![Some((n % 10).to_string()), None, None, None, None]).collect();
    for (text, gave_up, first) in [
        ("select count(*) from m where a > 0", true, "3667"),
        ("select count(*) from m where a > 8", false, "334"),
        ("select a from m where a > 4 limit 1", true, "6"),
        ("select a from m where a > 4 or a < 0 limit 1", true, "6"),
    ] {
        let world = world_of(&rows, &[(vec![(0, false)], false)], true);
        let Ok(Bound::Select(select)) = world.bind(text, &Parameters::default()) else { panic!("{text}") };
        let running = run(plan(*select, &world.lookups()), Arc::new(world.tables), RunOptions::default());
        let statistics = Arc::clone(&running.statistics);
        let (rows, failure) = collect(running);
        assert!(failure.is_none());
        assert_eq!(rows, [first], "{text}");
        assert_eq!(statistics.gave_up_index(), gave_up, "{text}");
    }
}
