//! What is special enough to have a name.

use crate::answer::{Tolerance, difference};
use crate::sqlite::Sqlite;
use crate::store::{EngineKind, Store};

/// A store and a database after the same statements.
fn both(kind: EngineKind, ours: &[&str], theirs: &[&str]) -> (Store, Sqlite) {
    let (store, sqlite) = (Store::new(kind, 3), Sqlite::new());
    ours.iter().for_each(|statement| {
        store.run(statement);
    });
    theirs.iter().for_each(|statement| {
        sqlite.run(statement);
    });
    (store, sqlite)
}

#[track_caller]
fn check(store: &Store, sqlite: &Sqlite, query: &str) {
    let ours = store.ask(query).unwrap_or_else(|failure| panic!("{query}: {failure:?}"));
    let theirs = sqlite.ask(query).unwrap_or_else(|error| panic!("{query}: {error}"));
    if let Some(difference) = difference(&ours, &theirs, true, Tolerance::RELATIVE) {
        panic!("{query}\n  ours:\n{ours}  SQLite's:\n{theirs}  first difference: {difference}");
    }
}

#[track_caller]
fn check_error(store: &Store, query: &str, kind: &str) {
    match store.ask(query) {
        Ok(answer) => panic!("{query} gave\n{answer}"),
        Err(failure) => assert_eq!(failure.kind, kind, "{query}: {}", failure.message),
    }
}

/// Indexes are made in the background by the second query that reads much to keep little; the answers stay.
fn indexes_come_by_themselves(kind: EngineKind) {
    let row = |n: i64| {
        let name = if n % 7 == 0 { "null".to_owned() } else { format!("'n{}'", n % 50) };
        format!("({n}, {}, {name})", n * 7919 % 1201 - 600)
    };
    let rows = (0..1_200).map(row).collect::<Vec<_>>().join(", ");
    let insert = format!("insert into t (k, x, name) values {rows}");
    let (store, sqlite) = both(
        kind,
        &["create model t (k i64, x i64, name string)", &insert],
        &["create table t (k integer, x integer, name text)", &insert],
    );
    let queries = [
        "select k from t where x = 17 order by k",
        "select k, x from t where x between -5 and 5 order by x, k",
        "select k from t where name = 'n3' and x > 550 order by k",
        "select k from t where name in ('n1', 'n2') and x < -590 order by k",
        "select x from t where x > 0 order by x limit 3",
        "select x from t order by x desc nulls last limit 3",
        "select count(*) from t where name is null and x < -550",
        "select max(x) from t where name like 'n4%' and x > 580",
    ];
    check(&store, &sqlite, queries[0]);
    store.run_background();
    assert_eq!(store.indexes(), 0, "{kind}: once is not enough");
    for round in 0..4 {
        queries.iter().for_each(|query| check(&store, &sqlite, query));
        store.run_background();
        if round == 2 {
            // Rows that come, change and go while the indexes are there.
            for statement in [
                "insert into t (k, x, name) values (2000, 17, 'n3'), (2001, null, 'n1')",
                "update t set x = 17 where x = 18",
                "update t set name = 'n1' where x = -600",
                "delete from t where x = 3",
            ] {
                store.run(statement);
                sqlite.run(statement);
            }
        }
    }
    assert!(store.indexes() >= 2, "{kind}: {} indexes", store.indexes());
    let plan = store.ask(&format!("explain {}", queries[0])).unwrap().to_string();
    assert!(plan.contains("index"), "{plan}");
}

#[test]
fn indexes_come_by_themselves_in_memory() {
    indexes_come_by_themselves(EngineKind::Memory);
}

#[test]
fn indexes_come_by_themselves_in_sled() {
    indexes_come_by_themselves(EngineKind::Sled);
}

#[test]
fn indexes_come_by_themselves_in_fjall() {
    indexes_come_by_themselves(EngineKind::Fjall);
}

/// SQLite refuses a sum as soon as a part of it overflows, in whatever order the rows come.
#[test]
fn sums_overflow_only_in_the_end() {
    let insert = "insert into t (k, x) values (1, 9223372036854775807), (2, 1), (3, -2)";
    let (store, sqlite) = both(
        EngineKind::Memory,
        &["create model t (k i64, x i64)", insert],
        &["create table t (k integer, x integer)", insert],
    );
    check(&store, &sqlite, "select sum(x) from t where k <> 2");
    check_error(&store, "select sum(x) from t where k < 3", "overflow");
    let all = store.ask("select sum(x) from t").unwrap().to_string();
    assert_eq!(all.trim(), "9223372036854775806");
}

/// What rows are grouped by is found again under `not`, and in longer chains of `and` and `or`.
#[test]
fn conditions_as_group_keys() {
    let insert = "insert into t (a, b) values (1, 2), (2, 1), (null, 1), (3, 3), (1, 2)";
    let (store, sqlite) = both(
        EngineKind::Memory,
        &["create model t (a i64, b i64)", insert],
        &["create table t (a integer, b integer)", insert],
    );
    for query in [
        "select a > b, not a > b, count(*) from t group by a > b order by 3, 1 nulls first",
        "select count(*) from t group by a > b having not a > b",
        "select count(*) from t group by a is null having not a is null",
        "select count(*) from t group by a is distinct from b having not a is distinct from b",
        "select count(*) from t group by a = 1 or b = 1 having (a = 1 or b = 1) or false order by 1",
        "select count(*) from t group by a = 1 or b = 1 having (a = 1 or b = 1) or (a = 1 or b = 1) order by 1",
        "select count(*) from t group by a = 1 and b = 2 having not (a = 1 and b = 2) and count(*) > 0 order by 1",
        "select count(*) from t group by a = 1 and b = 2 having count(*) > 1 and (a = 1 and b = 2) order by 1",
    ] {
        check(&store, &sqlite, query);
    }
    check_error(&store, "select count(*) from t group by a = 1 or b = 1 having a = 1 or b = 2", "grouping");
}
