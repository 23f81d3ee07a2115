//! Statements, one after the other.

use super::*;
use crate::storage::{IndexDefinition, IndexPart, IndexState};

/// The text with every id as `ID`.
fn without_ids(text: &str) -> String {
    let word = |word: &str| match word.parse::<crate::id::OpId>() {
        Ok(_) => "ID".to_owned(),
        Err(_) => word.to_owned(),
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

impl World {
    /// Runs statements and compares: `statement => expected`, where the expectation is the rows, or what
    /// happened, or `kind: message` of the failure. A line that begins with a digit and `>` runs in that session.
    pub(crate) fn check(&self, script: &str) {
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (statement, expected) = line.split_once("=>").unwrap_or((line, ""));
            let (session, statement) = match statement.split_once('>') {
                Some((number, rest)) if number.len() == 1 && number.parse::<u64>().is_ok() => {
                    (number.parse().unwrap(), rest)
                }
                _ => (1, statement),
            };
            let (statement, expected) = (statement.trim(), expected.trim());
            let shown = match self.run_in(session, statement) {
                Ok((Outcome::Rows(_), answer)) => answer.text().replace('\n', "; "),
                Ok((outcome, answer)) if answer.rows.is_empty() => format!("{outcome:?}"),
                Ok((outcome, answer)) => format!("{outcome:?} {}", answer.text().replace('\n', "; ")),
                Err(failure) => format!("{}: {}", failure.kind, failure.message),
            };
            let shown = without_ids(&shown);
            if expected.is_empty() {
                assert!(!shown.contains(": "), "{line}\n{shown}");
            } else {
                assert_eq!(shown, expected, "{line}");
            }
        }
    }
}

#[test]
fn rows_are_written_and_read() {
    let world = World::new();
    world.check(
        "create model album (title string key, year i64 not null default 2000, rating f64, note text) => Defined
         insert into album (title, year) values ('Blue', 1971), ('Hejira', 1976) => Created(2)
         insert into album (title) values ('New') returning title, year, rating, note => Created(1) New|2000|null|null
         select title, year from album order by year => Blue|1971; Hejira|1976; New|2000
         update album set year = year + 1 where title = 'Blue' returning year => Updated(1) 1972
         update album set note = 'so blue' where title = 'Blue' => Updated(1)
         edit album.note at 3 delete 4 insert 'red', append '!' where title = 'Blue' returning note => Updated(1) so red!
         edit album.note at 9 insert 'x' where title = 'Blue' => out-of-range: position 9 is beyond the end of the text, which has 7 characters
         edit album.note at 0 delete 8 where title = 'Blue' => out-of-range: position 8 is beyond the end of the text, which has 7 characters
         delete from album where title = 'Hejira' returning title => Deleted(1) Hejira
         select count(*) from album => 2
         restore album where title = 'Hejira' => Restored(1)
         select title, year from album where year < 1980 order by title => Blue|1972; Hejira|1976
         update album set year = null => not-null: `year` cannot be null
         insert into album (year) values (1) => not-null: `title` is part of the key of `album` and must be given
         insert into album (title) values ('Blue') => duplicate-key: `album` has an entity with title = Blue already: ID",
    );
}

#[test]
fn an_empty_text_is_not_null() {
    let world = World::new();
    world.check(
        "create model memo (k i64 key, x text not null, y text)
         insert into memo values (1, '', ''), (2, 'two', null) => Created(2)
         select k, x, x is null, y, y is null from memo order by k => 1||false||false; 2|two|false|null|true
         insert into memo (k) values (3) => not-null: `x` is `not null`, has no default and must be given
         update memo set x = null where k = 1 => not-null: `x` cannot be null
         update memo set y = null where k = 2 returning y is null => Updated(1) true
         update memo set x = '', y = '' where k = 2 returning x, y is null => Updated(1) |false
         edit memo.y append 'more' where k = 1 returning y => Updated(1) more
         edit memo.y at 0 delete 4 where k = 1 returning y is null => Updated(1) false
         upsert into memo values (1, '', ''), (4, '', ''), (5, '', null) => Upserted { created: 2, updated: 0, unchanged: 1 }
         upsert into memo values (4, '', ''), (5, '', '') => Upserted { created: 0, updated: 1, unchanged: 1 }
         select k from memo where y is null => ",
    );
    assert_eq!(world.run("select count(*) from memo where y is null or x is null").1.text(), "0");
    world.check(
        "1> begin => Began
         1> insert into memo values (6, '', null), (7, 'a', '')
         1> update memo set x = '' where k = 7
         1> select k, x, y is null from memo where k > 5 order by k => 6||true; 7||false
         1> update memo set y = '' where k = 6 => Updated(1)
         1> commit => Committed
         2> select k, x, y is null from memo where k > 5 order by k => 6||false; 7||false",
    );
    let (_, faults) = world.ask(Request::Verify).unwrap();
    assert_eq!(faults.others, vec![]);
}

#[test]
fn a_key_names_an_entity_for_good() {
    let world = World::new();
    world.check(
        "create model album (title string key, year i64, note text)
         insert into album (title, year, note) values ('Blue', 1971, 'a') => Created(1)
         upsert into album (title, year) values ('Blue', 1972), ('New', 1) => Upserted { created: 1, updated: 1, unchanged: 0 }
         upsert into album (title, year) values ('Blue', 1972) => Upserted { created: 0, updated: 0, unchanged: 1 }
         delete from album where title = 'Blue' => Deleted(1)
         insert into album (title) values ('Blue') returning title, year, note => Created(1) Blue|null|
         select title from album order by title => Blue; New
         insert into album (title) values ('a'), ('b'), ('a') => duplicate-key: `album` has an entity with title = a already: ID
         select count(*) from album => 2",
    );
}

#[test]
fn a_transaction_sees_its_own_writes_and_nobody_else_does() {
    let world = World::new();
    world.check(
        "create model album (title string key, year i64, note text)
         insert into album (title, year, note) values ('Blue', 1971, 'a')
         1> begin => Began
         1> insert into album (title, year) values ('New', 1) => Created(1)
         1> update album set year = year + 1, note = note || 'b' => Updated(2)
         1> select title, year, note from album order by title => Blue|1972|ab; New|2|null
         1> delete from album where title = 'New' => Deleted(1)
         1> select title, count(*) over_ from album group by title => Blue|1
         1> restore album where title = 'New' => Restored(1)
         2> select title, year, note from album => Blue|1971|a
         1> begin => transaction-open: a transaction is open already
         1> rollback => RolledBack
         1> select title, year from album => Blue|1971
         1> begin => Began
         1> create model song (name string key, album ref(album)) => Defined
         1> insert into song (name) values ('River') => Created(1)
         1> select name from song => River
         2> select name from song => unknown-model: there is no model `song`
         1> commit => Committed
         2> select name from song => River
         1> commit => no-transaction: no transaction is open",
    );
}

#[test]
fn a_failed_statement_fails_its_transaction() {
    let world = World::new();
    world.check(
        "create model album (title string key, year i64)
         1> begin => Began
         1> insert into album (title) values ('a') => Created(1)
         1> select 1 / 0 => division-by-zero: division by zero
         1> select 1 => transaction-failed: a statement of this transaction failed
         1> commit => transaction-failed: a statement of this transaction failed
         1> rollback => RolledBack
         1> select count(*) from album => 0",
    );
    let failure = world.run_in(1, "selec 1").unwrap_err();
    assert_eq!(
        (failure.kind.as_str(), failure.transaction),
        ("syntax", super::super::protocol::TransactionState::Idle)
    );
    world.run("begin");
    let failure = world.run_in(1, "select nope from album").unwrap_err();
    assert_eq!(failure.transaction, super::super::protocol::TransactionState::Failed);
    assert_eq!(failure.span, Some((7, 11)));
}

#[test]
fn plain_transactions_merge_and_serializable_ones_conflict() {
    let world = World::new();
    world.check(
        "create model album (title string key, year i64, note text)
         insert into album (title, year, note) values ('Blue', 1971, 'note'), ('Other', 1, '')
         1> begin => Began
         2> begin => Began
         1> update album set year = 1 where title = 'Blue' => Updated(1)
         1> edit album.note append ' one' where title = 'Blue' => Updated(1)
         2> update album set year = 2 where title = 'Blue' => Updated(1)
         2> edit album.note at 0 insert 'two ' where title = 'Blue' => Updated(1)
         1> commit => Committed
         2> select year, note from album where title = 'Blue' => 2|two note
         2> commit => Committed
         1> select year, note from album where title = 'Blue' => 2|two note one
         3> begin serializable => Began
         3> select year from album where title = 'Other' => 1
         1> update album set year = 5 where title = 'Other' => Updated(1)
         3> update album set year = 6 where title = 'Blue' => Updated(1)
         3> commit => conflict: album ID has changed since the transaction read it
         1> select year from album where title = 'Blue' => 2
         3> begin serializable => Began
         3> update album set year = 7 where title = 'Blue' => Updated(1)
         3> commit => Committed
         4> begin => Began
         4> insert into album (title) values ('Same') => Created(1)
         1> insert into album (title) values ('Same') => Created(1)
         4> commit => duplicate-key: an entity with the same key exists already: ID",
    );
    let (_, faults) = world.ask(Request::Verify).unwrap();
    assert_eq!(faults.others, vec![]);
}

#[test]
fn help_about_a_name_that_is_taken_is_for_the_statement_at_hand() {
    let world = World::new();
    world.check("create model p (a i64, b i64)");
    world.check("create model c (a i64)");
    for (statement, at, help) in [
        ("create model c (a i64)", "c (", "write `create model if not exists` to leave it as it is"),
        ("alter model p rename to c", "c", "choose a name that is not taken"),
        ("alter model p rename property a to b", "b", "choose a name that is not taken"),
    ] {
        let failure = world.run_in(1, statement).unwrap_err();
        let start = statement.rfind(at).unwrap();
        assert_eq!(failure.help.as_deref(), Some(help), "{statement}");
        assert_eq!(failure.span, Some((start, start + 1)), "{statement}");
    }
}

#[test]
fn rows_of_a_query_that_cannot_be_inserted_are_said_with_its_place() {
    let world = World::new();
    world.check("create model album (title string key, year i64 not null)");
    world.check("create model draft (title string, year i64)");
    world.check("insert into album values ('Blue', 1971)");
    world.check("insert into draft values ('Blue', 1971)");
    for (source, kind) in [
        ("select title, year from draft", "duplicate-key"),
        ("from album", "duplicate-key"),
        ("select 'New', null from draft", "not-null"),
    ] {
        let statement = format!("insert into album {source} returning title");
        let failure = world.run_in(1, &statement).unwrap_err();
        assert_eq!(failure.kind, kind, "{statement}: {failure:?}");
        let (start, end) = failure.span.unwrap();
        assert_eq!(&statement[start..end], source);
    }
}

#[test]
fn definitions_change_and_refuse() {
    let world = World::new();
    world.check(
        "create model album (title string key, year i64)
         create model album (x i64) => duplicate-model: a model `album` exists already
         create model if not exists album (x i64) => Defined
         create model _x () => reserved-name: names of models that begin with `_` are reserved
         create model x (id i64) => reserved-name: a property cannot be called `id`: that is the id that every entity has
         create model x (a i64, a i64) => duplicate-property: the model has a property `a` already
         create model x (a ref(nothing)) => unknown-model: there is no model `nothing`
         create model employee (name string key, boss ref(employee)) => Defined
         insert into album (title, year) values ('Blue', 1971)
         alter model album add property rating decimal default 4.5 => Defined
         insert into album (title) values ('New') returning rating => Created(1) 4.5
         alter model album rename property year to released => Defined
         select title, released, rating from album order by title => Blue|1971|null; New|null|4.5
         alter model album drop property released => Defined
         select released from album => unknown-property: `released` of model `album` was dropped
         alter model album restore property released => Defined
         select released from album where title = 'Blue' => 1971
         alter model album drop property title => invalid-definition: `title` is part of the key and cannot be dropped
         alter model album rename to record => Defined
         select count(*) from album => unknown-model: there is no model `album`
         select count(*) from record => 2
         alter model _model rename to x => invalid-definition: the reserved model `_model` cannot be altered
         select name from _model order by name => employee; record",
    );
    let failure = world.run_in(1, "create model y (ok i64, id i64)").unwrap_err();
    assert_eq!((failure.span, failure.help.as_deref()), (Some((24, 26)), Some("call it `id_`")));
}

#[test]
fn increments_are_not_lost() {
    let world = World::new();
    world.check("create model counter (name string key, n i64)");
    world.check("insert into counter (name, n) values ('a', 0)");
    let connection = world.node.connect();
    let add = |session| {
        connection
            .request(Request::Execute {
                session: SessionId(session),
                statement: "update counter set n = n + 1".to_owned(),
                parameters: Parameters::default(),
            })
            .collect::<Vec<_>>()
    };
    let all = futures::future::join_all((10..60).map(add));
    let ends = block_on(all);
    assert!(ends.iter().all(|events| matches!(events.last(), Some(Event::Done(_)))), "{ends:?}");
    world.check("select n from counter => 50");
}

#[test]
fn an_index_is_made_for_a_query_that_misses_it_twice() {
    let world = World::new();
    world.check("create model album (title string key, year i64)");
    let rows: Vec<String> = (0..1200).map(|n| format!("('t{n}', {n})")).collect();
    world.run(&format!("insert into album (title, year) values {}", rows.join(", ")));
    let indexes = || world.engine.indexes().len();
    world.check("select title from album where year = 77 => t77");
    assert_eq!((world.fixed.spawn.run_until_stalled(), indexes()), (0, 0));
    world.check("select title from album where year = 78 => t78");
    assert_eq!((world.fixed.spawn.run_until_stalled(), indexes()), (0, 1));
    let (_, plan) = world.run("explain select title from album where year = 78");
    assert!(plan.text().contains("index"), "{}", plan.text());
    world.check(
        "select title from album where year = 78 => t78
         begin
         update album set year = 78 where title = 't5' => Updated(1)
         select title from album where year = 78 order by title => t5; t78
         commit
         select title from album where year = 78 order by title => t5; t78",
    );
    let (_, faults) = world.ask(Request::Verify).unwrap();
    assert_eq!(faults.others, vec![]);
}

/// A program that asks one thing and ends does not ask the second time in the same process.
#[test]
fn an_index_is_made_for_queries_of_different_processes() {
    let first = World::new();
    first.check("create model album (title string key, year i64)");
    let rows: Vec<String> = (0..1200).map(|n| format!("('t{n}', {n})")).collect();
    first.run(&format!("insert into album (title, year) values {}", rows.join(", ")));
    let finish = |world: &World| block_on(world.node.inner.indexer.finish(world.engine.as_ref()));
    let position = |world: &World| block_on(world.engine.view()).unwrap().position();
    first.check("select title from album where year = 77 => t77");
    finish(&first);
    let second = first.reopen();
    let before = position(&second);
    second.check("select title from album where title = 't5' => t5");
    finish(&second);
    assert_eq!(position(&second), before, "nothing was missed, nothing is written");
    let third = second.reopen();
    third.check("select title from album where year = 78 => t78");
    // Nobody ran the task in the background.
    assert_eq!(third.engine.indexes(), vec![]);
    finish(&third);
    let states: Vec<_> = third.engine.indexes().into_iter().map(|index| index.state).collect();
    assert_eq!(states, [IndexState::Ready { cut: false }]);
    let fourth = third.reopen();
    assert!(fourth.run("explain select title from album where year = 78").1.text().contains("by index"));
    fourth.check("select title from album where year = 78 => t78");
    assert_eq!(fourth.ask(Request::Verify).unwrap().1.others, vec![]);
}

/// The process ended while the index was being made.
#[test]
fn an_unfinished_index_is_taken_up_again() {
    let world = World::new();
    world.check(
        "create model album (title string key, year i64)
         insert into album (title, year) values ('a', 1), ('b', 2)",
    );
    let catalog = match world.ask(Request::Catalog).unwrap().1.others.into_iter().next() {
        Some(Event::Catalog(view)) => view,
        other => panic!("{other:?}"),
    };
    let model = catalog.models.iter().find(|model| &*model.name == "album").unwrap();
    let year = model.find("year", true, None).unwrap();
    let part = IndexPart { property: year.id, value_type: year.value_type, descending: false };
    let definition = IndexDefinition { model: model.id, parts: vec![part] };
    block_on(world.engine.create_index(definition)).unwrap();
    let read_only = NodeOptions { read_only: true, ..NodeOptions::default() };
    block_on(Node::open(Arc::clone(&world.engine), world.fixed.env.clone(), read_only)).unwrap();
    world.fixed.spawn.run_until_stalled();
    assert_eq!(
        world.engine.indexes()[0].state,
        IndexState::Building,
        "a store open for reading is left alone"
    );
    let again = world.reopen();
    world.fixed.spawn.run_until_stalled();
    assert_eq!(again.engine.indexes()[0].state, IndexState::Ready { cut: false });
    again.check("select title from album where year = 2 => b");
}

#[test]
fn a_dropped_name_means_nothing_else() {
    let world = World::new();
    world.check(
        "create model album (Year i64, year i64, title string)
         insert into album (\"Year\", year) values (1, 2) => Created(1)
         select YEAR from album => ambiguous: `YEAR` can mean `Year` and `year`
         alter model album drop property year => Defined
         select year from album => unknown-property: `year` of model `album` was dropped
         select Year, YEAR from album => 1|1
         update album set year = 3 => unknown-property: `year` of model `album` was dropped
         alter model album drop property year => unknown-property: `year` was dropped
         alter model album restore property year => Defined
         select year from album => 2
         alter model album drop property title => Defined
         select title from album => unknown-property: `title` of model `album` was dropped",
    );
    let failure = world
        .run_in(1, "alter model album drop property year")
        .and_then(|_| world.run_in(1, "select year from album"));
    let help = failure.unwrap_err().help.unwrap();
    assert_eq!(help, "write `Year` for that one, or bring `year` back with `restore property`");
}

#[test]
fn names_that_every_entity_has_are_refused() {
    let world = World::new();
    world.check(
        "create model a (id i64) => reserved-name: a property cannot be called `id`: that is the id that every entity has
         create model a (Deleted bool) => reserved-name: a property cannot be called `Deleted`: that says of every entity whether it is deleted
         create model a (deleted_ bool) => Defined
         alter model a add property deleted bool => reserved-name: a property cannot be called `deleted`: that says of every entity whether it is deleted
         alter model a rename property deleted_ to deleted => reserved-name: a property cannot be called `deleted`: that says of every entity whether it is deleted",
    );
}

/// An index holds the beginning of a long string, and a shorter string may be all of that.
#[test]
fn what_an_index_finds_is_what_was_asked_for() {
    let world = World::new();
    world.check("create model album (title string, year i64)");
    let long = "x".repeat(1024);
    let rows: Vec<String> = (0..1200).map(|n| format!("('{long}', {n})")).collect();
    for rows in rows.chunks(600) {
        world.run(&format!("insert into album (title, year) values {}", rows.join(", ")));
    }
    let statement =
        |condition: &str| format!("select count(*), min(year), max(year) from album where {condition}");
    for condition in ["title = 'y'", "year = 7", "title = 'y' and year = 7"] {
        for _ in 0..3 {
            world.run(&statement(condition));
            world.fixed.spawn.run_until_stalled();
        }
    }
    assert!(world.engine.indexes().len() >= 2);
    let found = |condition: &str| {
        let (_, plan) = world.run(&format!("explain {}", statement(condition)));
        assert!(plan.text().contains("index"), "{condition}: {}", plan.text());
        world.run(&statement(condition)).1.text()
    };
    assert_eq!(found(&format!("title = '{long}' and year between 3 and 5")), "3|3|5");
    assert_eq!(found(&format!("title = '{long}y' and year in (3, 5)")), "0|null|null");
    assert_eq!(found(&format!("title > '{long}' and year > 1000")), "0|null|null");
    assert_eq!(found(&format!("title = '{long}y'")), "0|null|null");
    assert_eq!(found("year >= 3 and year < 6 and year <> 4"), "2|3|5");
    assert_eq!(found("year in (9, 3, 77, 4000)"), "3|3|77");
    let (_, first) = world.run("select year from album where year between 10 and 20 limit 2 offset 3");
    assert_eq!(first.rows.len(), 2);
}
