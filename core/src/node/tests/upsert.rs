//! Bulk writes.

use super::*;
use crate::node::protocol::Cell;
use crate::operation::limits::VALUE_BYTES;

fn row(values: &[Value]) -> Vec<Cell> {
    values.iter().cloned().map(Cell::Value).collect()
}

fn text(text: &str) -> Value {
    Value::string(text).unwrap()
}

impl World {
    fn upsert(&self, model: &str, columns: &[&str], rows: Vec<Vec<Cell>>) -> (Outcome, Vec<(u64, String)>) {
        let (outcome, answer) = self
            .ask(Request::Upsert {
                session: SessionId(9),
                model: model.to_owned(),
                columns: columns.iter().map(|&it| it.to_owned()).collect(),
                rows,
            })
            .unwrap();
        (outcome, answer.rejected)
    }
}

fn upserted(created: u64, updated: u64, unchanged: u64) -> Outcome {
    Outcome::Upserted { created, updated, unchanged }
}

#[test]
fn the_same_rows_again_write_nothing() {
    let world = World::new();
    world.run("create model album (title string key, year i64, note text)");
    let rows = || {
        vec![
            row(&[text("Blue"), Value::Int(1971), text("lovely")]),
            row(&[text("Kind of Blue"), Value::Null, Value::Null]),
        ]
    };
    let columns = ["title", "year", "note"];
    assert_eq!(world.upsert("album", &columns, rows()), (upserted(2, 0, 0), vec![]));
    let before = block_on(world.engine.view()).unwrap().position();
    assert_eq!(world.upsert("album", &columns, rows()), (upserted(0, 0, 2), vec![]));
    assert_eq!(block_on(world.engine.view()).unwrap().position(), before);
    let changed = vec![row(&[text("Blue"), Value::Int(1972), text("very lovely")])];
    assert_eq!(world.upsert("album", &columns, changed), (upserted(0, 1, 0), vec![]));
    assert_eq!(
        world.run("select title, year, note from album order by title").1.text(),
        "Blue|1972|very lovely\nKind of Blue|null|null"
    );
}

#[test]
fn a_store_that_was_written_has_no_faults() {
    let world = World::new();
    world.run("create model album (title string key, year i64, note text)");
    let rows = (0..50).map(|n| row(&[text(&format!("t{n}")), Value::Int(n), text("a note")])).collect();
    world.upsert("album", &["title", "year", "note"], rows);
    let rows = (0..50).map(|n| row(&[text(&format!("t{n}")), text("another note")])).collect();
    world.upsert("album", &["title", "note"], rows);
    let (outcome, answer) = world.ask(Request::Verify).unwrap();
    assert_eq!((outcome, answer.others), (Outcome::Answered, vec![]));
}

#[test]
fn a_value_that_is_too_large_names_its_property() {
    let world = World::new();
    world.run("create model album (title string key, year i64, note string, cover bytes)");
    let large = || "x".repeat(VALUE_BYTES + 1);
    let rows = vec![
        row(&[text("a"), text(&large()), Value::Null]),
        row(&[text(&large()), Value::Null, Value::Null]),
        row(&[text("b"), text("fine"), Value::Null]),
        row(&[text("c"), Value::Null, Value::bytes(vec![0; VALUE_BYTES + 1])]),
    ];
    let said = |name: &str| format!("`album.{name}`: the value has 4194305 bytes, the limit is 4194304");
    assert_eq!(
        world.upsert("album", &["title", "note", "cover"], rows),
        (upserted(1, 0, 0), vec![(0, said("note")), (1, said("title")), (3, said("cover"))])
    );
    let expect = |statement: &str, name: &str| {
        let failure = world.run_in(1, statement).unwrap_err();
        assert_eq!((failure.kind.as_str(), failure.message.as_str()), ("invalid-value", said(name).as_str()));
    };
    expect("update album set note = repeat('x', 4194305)", "note");
    expect("insert into album (title) values (repeat('x', 4194305))", "title");
    expect("insert into album (title, note) values ('d', repeat('x', 4194305))", "note");
}
