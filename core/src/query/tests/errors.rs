//! What is said about wrong statements.

use ankurah_query_lang::RenderOptions;

use super::*;

fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots/core/query"));
    settings.set_prepend_module_to_snapshot(false);
    settings
}

/// The error of a statement that cannot be bound.
fn error(text: &str) -> String {
    match world().bind(text, &Parameters::default()) {
        Ok(bound) => panic!("{text} was bound: {bound:?}"),
        Err(error) => {
            format!("{}\n{}", error.kind.name(), error.diagnostic().render(text, &RenderOptions::default()))
        }
    }
}

fn snapshot(name: &str, statements: &[&str]) {
    let errors: Vec<String> = statements.iter().map(|text| error(text)).collect();
    settings().bind(|| insta::assert_snapshot!(name, errors.join("\n\n")));
}

#[test]
fn names() {
    snapshot(
        "errors-names",
        &[
            "select * from albun",
            "select * from something_else",
            "select nme from album",
            "select zzz from country",
            "select \"NAME\" from album",
            "select dropped from album",
            "select artist.nmae from album",
            "select name.first from album",
            "select year[0] from album",
            "select x.name from album a",
            "select album.name from album a",
            "select b.* from album a",
            "select name",
            "select *",
            "select name from album where y > 1",
            "select name n from album where n = 'a'",
            "select coalesce(artist, artist).name from album",
            "select lenght(name) from album",
            "select frobnicate(name) from album",
        ],
    );
}

#[test]
fn types() {
    snapshot(
        "errors-types",
        &[
            "select * from album where year = genre",
            "select * from album where genre > 5",
            "select * from album where year",
            "select * from album where year = 'abc'",
            "select * from album where released > 'yesterday'",
            "select * from album where artist = 5",
            "select * from album where artist = artist.country",
            "select * from album where year and live",
            "select * from album where not genre",
            "select year + genre from album",
            "select genre + 'x' from album",
            "select -genre from album",
            "select 1 || 2",
            "select * from album where year like '19%'",
            "select * from album where genre like 'a!' escape '!'",
            "select * from album where genre like 'a' escape 'ab'",
            "select case when live then 1 else 'x' || genre end from album",
            "select * from album where year in (1, genre)",
            "select * from album where year between 1 and live",
            "select data < data from album",
            "select live::timestamp from album",
            "select 'abc'::i64",
            "select timestamp '2020-13-01'",
            "select lower(year) from album",
            "select round(genre) from album",
            "select substr(name, 1.5) from album",
            "select sum(genre) from album",
            "select date_part('yaer', released) from album",
            "select date_part(genre, released) from album",
            "select 99999999999999999999999999999",
            "select 1e999",
            "select * from album limit -1",
            "select * from album limit 'x'",
            "select * from album limit year",
        ],
    );
}

#[test]
fn calls_and_groups() {
    snapshot(
        "errors-groups",
        &[
            "select lower() from album",
            "select substr(name) from album",
            "select coalesce() from album",
            "select now(1)",
            "select lower(distinct name) from album",
            "select name from album where count(*) > 1",
            "select sum(count(*)) from album",
            "select sum(*) from album",
            "select name, count(*) from album",
            "select year from album group by genre",
            "select genre from album group by genre having year > 1",
            "select genre from album group by genre order by year",
            "select * from album group by genre",
            "select name from album group by count(*)",
            "select name from album group by 2",
            "select name from album order by 2",
            "select name from album order by 0",
            "select year a, genre a from album order by a",
            "select distinct name from album order by year",
            "select name from album where id in (select id from album)",
            "select a.name from album a, artist b",
            "select name from (select name from album) t",
            "select ?",
            "select $name",
        ],
    );
}

#[test]
fn writes() {
    snapshot(
        "errors-writes",
        &[
            "insert into albun (name) values ('a')",
            "insert into album (name, yaer) values ('a', 1)",
            "insert into album (name, name) values ('a', 'b')",
            "insert into album (id, name) values ('a', 'b')",
            "insert into album (name, year) values ('a')",
            "insert into album (name, year) values ('a', 'b')",
            "insert into album (name, year) values ('a', 1.5)",
            "insert into album (name, live) values ('a', 1)",
            "insert into album (name, year) values (genre, 1)",
            "insert into album (name, year) values ('a', 1 / 0)",
            "insert into album (name) values (null)",
            "insert into album (year) values (1)",
            "insert into country (name) values ('a')",
            "insert into country (code) values (null)",
            "insert into album (name, year) select name from album",
            "insert into album (name, year) select name, genre from album",
            "upsert into album (name) values ('a')",
            "update album set yaer = 1",
            "update album set year = 'x'",
            "update album set year = 1, year = 2",
            "update album set id = '00000000000000000000000001'",
            "update album set name = null",
            "update country set code = 'FR'",
            "update album set year.x = 1",
            "update album set year = count(*)",
            "update album set year = 1 where yaer = 2",
            "delete from album where yaer = 2",
            "delete from album returning count(*)",
            "edit album.name append 'x'",
            "edit album.note at 'x' delete 1",
            "edit album.note append 5",
        ],
    );
}

#[test]
fn too_many_parameters() {
    let parameters = Parameters { positional: vec![Value::Int(1), Value::Int(2)], named: Vec::new() };
    let error = world().bind("select ?", &parameters).unwrap_err();
    assert_eq!(error.kind.name(), "parameter-extra");
    assert_eq!(
        error.to_string(),
        "2 values were given for parameters, but the statement does not use number 2"
    );
}

#[test]
fn names_regardless_of_case_must_be_clear() {
    let mut world = world();
    world.models.0.push(model(9, "mixed", &[("Name", ValueType::Int), ("name", ValueType::Int)]));
    let bind = |text| world.bind(text, &Parameters::default()).map(|_| ()).map_err(|error| error.to_string());
    assert_eq!(bind("select Name, name from mixed"), Ok(()));
    assert_eq!(bind("select NAME from mixed"), Err("`NAME` can mean `Name` and `name`".to_owned()));
}
