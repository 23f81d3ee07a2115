//! What writing statements are bound to.

use super::*;
use crate::query::{InsertRows, Projection, Returning, TextEdit};

fn bind(text: &str) -> Bound {
    world().bind(text, &Parameters::default()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn select(select: super::super::BoundSelect) -> String {
    let world = world();
    let (mut rows, failure) =
        collect(run(plan(select, &Lookups::default()), Arc::new(world.tables), RunOptions::default()));
    rows.extend(failure.map(|error| format!("error: {error}")));
    rows.join("; ")
}

fn returned(returning: Option<Returning>, entities: &[u128]) -> String {
    select(returning.unwrap().select(entities.iter().map(|number| entity_id(*number)).collect()))
}

#[test]
fn inserted_values_have_the_types_of_the_properties() {
    let text = "insert into album (name, price, rating, released, artist, data, note, live) values \
        ('a' || 'b', 2, 1.5, '2020-01-01', @0000000000000000000000000M, '{\"b\": 1, \"a\": 2}', 'n', 'true'), \
        ('c', 1e0, 7, now(), null, null, null, null) returning id, name || '!'";
    let Bound::Insert(insert) = bind(text) else { panic!() };
    let InsertRows::Values(rows) = insert.rows else { panic!() };
    let shown: Vec<String> =
        rows.iter().map(|(row, _)| row.iter().map(show).collect::<Vec<_>>().join(" | ")).collect();
    assert_eq!(
        shown,
        [
            "ab | 2 | 1.5 | 2020-01-01 00:00:00 | @20 | {\"a\":2,\"b\":1} | n | true",
            "c | 1 | 7.0 | 2020-09-13 12:26:40 | NULL | NULL | NULL | NULL"
        ]
    );
    for (row, _) in &rows {
        for (value, target) in row.iter().zip(&insert.targets) {
            assert!(value.is_of(target.property.value_type));
        }
    }
    assert_eq!(
        returned(insert.returning, &[103, 106, 100]),
        "@103 | Bitches Brew!; @106 | Gone!; @100 | Autobahn!"
    );
}

#[test]
fn inserted_queries_have_the_types_of_the_properties() {
    let Bound::Insert(insert) = bind(
        "insert into album (name, price) select upper(name), max(year) from album group by name order by 1 limit 1",
    ) else {
        panic!()
    };
    let InsertRows::Query(query, _) = insert.rows else { panic!() };
    assert_eq!(query.columns()[1].value_type, Some(ValueType::Decimal));
    assert_eq!(select(*query), "100% PURE | NULL");
}

#[test]
fn all_columns_where_none_are_named() {
    let Bound::Insert(insert) = bind("upsert into country values ('FR', 'France')") else { panic!() };
    let names: Vec<_> = insert.targets.iter().map(|target| &*target.property.name).collect();
    assert_eq!(names, ["code", "name"]);
}

#[test]
fn updates_see_the_values_before() {
    let text = "update album set year = year + 1, genre = artist.name, data.label = 'EMI', data.tags[0] = null \
        where year = 1974 or year is null returning *";
    let Bound::Update(update) = bind(text) else { panic!() };
    let names: Vec<_> = update.targets.iter().map(|target| &*target.property.name).collect();
    assert_eq!(names, ["year", "genre", "data"]);
    assert_eq!(
        select(update.rows),
        "@100 | 1975 | Kraftwerk | {\"label\":\"EMI\",\"tags\":[null,\"b\"],\"tracks\":5}; \
         error: there is no element"
            .replace(
                "error: there is no element",
                "@104 | NULL | Nobody | {\"label\":\"EMI\",\"tags\":[null],\"tracks\":2.5}"
            )
    );
    assert_eq!(update.returning.unwrap().columns().len(), 12);
}

#[test]
fn deletes_and_restores() {
    let Bound::Delete(delete) = bind("delete from album a where a.genre = 'Electronic'") else { panic!() };
    assert_eq!(select(delete.rows), "@100; @102");
    let Bound::Restore(restore) = bind("restore album where genre = 'Electronic' returning name") else {
        panic!()
    };
    assert_eq!(select(restore.rows), "@106");
    assert_eq!(returned(restore.returning, &[106]), "Gone");
}

#[test]
fn edits_of_text() {
    let text = "edit album.note at length(note) - 1 delete 1 insert upper(name), append '!', at 0 delete 2 where year = 1974";
    let Bound::Edit(edit) = bind(text) else { panic!() };
    let row = [
        Value::Null,
        Value::Int(10),
        Value::Int(1),
        Value::String("AUTOBAHN".into()),
        Value::String("!".into()),
        Value::Int(0),
        Value::Int(2),
    ];
    let edits = edit.edits(&row).unwrap();
    let shown = |edit: &TextEdit| (edit.position, edit.delete, edit.insert.to_string());
    assert_eq!(
        edits.iter().map(shown).collect::<Vec<_>>(),
        [(Some(10), 1, "AUTOBAHN".to_owned()), (None, 0, "!".to_owned()), (Some(0), 2, String::new())]
    );
    assert_eq!(select(edit.rows.clone()), "@100 | 10 | 1 | AUTOBAHN | ! | 0 | 2");
    let mut negative = row;
    negative[1] = Value::Int(-1);
    assert_eq!(
        edit.edits(&negative).unwrap_err().to_string(),
        "a position in a text cannot be negative, but is -1"
    );
    negative[1] = Value::Null;
    assert_eq!(edit.edits(&negative).unwrap_err().to_string(), "a position in a text cannot be null");
}

#[test]
fn predicates_give_the_id_and_all_properties() {
    let world = world();
    let text = "year > ? order by name limit 1";
    let predicate = ankurah_query_lang::parse_predicate(text).unwrap();
    let parameters = Parameters { positional: vec![Value::Int(1970)], named: Vec::new() };
    let context = Context { names: &world.models, parameters: &parameters, now: NOW };
    let bound = super::super::bind_predicate(&predicate, model_id(3), Projection::Declared, context).unwrap();
    let names: Vec<_> = bound.columns().iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names[..3], ["id", "name", "artist"]);
    assert_eq!(names.len(), 13);
    assert!(select(bound).starts_with("@100 | Autobahn | @20 | 1974"));
}

#[test]
fn other_statements() {
    use crate::query::{Define, TransactionControl};
    assert!(matches!(
        bind("begin serializable"),
        Bound::Transaction(TransactionControl::Begin { serializable: true })
    ));
    assert!(matches!(bind("rollback"), Bound::Transaction(TransactionControl::Rollback)));
    assert!(matches!(bind("create model x (a i64)"), Bound::Define(Define::CreateModel(_))));
    assert!(matches!(bind("alter model x rename to y"), Bound::Define(Define::AlterModel(_))));
    let Bound::Explain { analyze: true, statement } = bind("explain analyze delete from album") else {
        panic!()
    };
    assert!(matches!(*statement, Bound::Delete(_)));
}
