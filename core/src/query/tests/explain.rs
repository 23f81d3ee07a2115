//! What plans look like.

use super::*;

/// The world with indexes.
fn indexed() -> World {
    let mut world = world();
    world.index("album", &["year"]);
    world.index("album", &["genre", "year"]);
    world.index("album", &["name"]);
    world.index("album", &["-rating"]);
    world
}

fn explained(world: &World, text: &str) -> String {
    let Ok(Bound::Select(select)) = world.bind(text, &Parameters::default()) else { panic!("{text}") };
    let lines = plan(*select, &world.lookups()).explain(None);
    format!("{text}\n{}", lines.iter().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n"))
}

fn snapshot(name: &str, world: &World, statements: &[&str]) {
    let plans: Vec<String> = statements.iter().map(|text| explained(world, text)).collect();
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots/core/query"));
    settings.set_prepend_module_to_snapshot(false);
    settings.bind(|| insta::assert_snapshot!(name, plans.join("\n\n")));
}

#[test]
fn with_indexes() {
    snapshot(
        "explain-indexed",
        &indexed(),
        &[
            "select name from album",
            "select 1",
            "select name from album where false",
            "select name from album where year > 1 and year < 1",
            "select name from album where id = '00000000000000000000000034'",
            "select name from album where id in ('00000000000000000000000034', '00000000000000000000000035') order by name",
            "select name from album where id > '00000000000000000000000034' limit 10",
            "select name from album where year = 1974",
            "select name from album where year in (1974, 1978) and name like 'A%'",
            "select name from album where year between 1970 and 1980",
            "select name from album where year > 1970 order by year limit 5",
            "select name from album order by year desc limit 5",
            "select name from album order by year desc nulls last limit 5",
            "select name from album where year > 0 order by year desc nulls last limit 5",
            "select name from album order by rating desc nulls last limit 5",
            "select name from album order by year",
            "select name from album where genre = 'Jazz' order by year",
            "select name from album where genre = 'Jazz' and year >= 1970 order by name",
            "select name from album where genre in ('Jazz', 'Pop') order by genre, year desc",
            "select name from album where name like 'A%'",
            "select name from album where name ilike 'A%'",
            "select name from album where starts_with(name, 'A') and genre is null",
            "select name from album where year = 1 or year = 2 or year is null",
            "select name from album where year = 1 or genre = 'Jazz'",
            "select name from album where rating > 1 and (year in (1, 2) or name like 'A%' or genre = 'Jazz' and year = 3)",
            "select name from album where year = 1 or price = 2",
            "select name from album where year = 1 or year + 1 = 2",
            "select name from album where (year = 1 or genre = 'Jazz') and (name = 'a' or price = 5) order by name limit 2",
            "select name from album where year <> 1974",
            "select name from album where year + 1 = 1975",
            "select name from album where artist.country.code = 'US' and price > 5 and year = 1959",
            "select genre, count(*), sum(price) from album where year > 1960 group by genre having count(*) > 1 order by 2 desc limit 3",
            "select max(year) from album",
            "select min(year) from album where genre = 'Jazz'",
            "select max(year) from album where 1 / year = 0",
            "select name from album where year is not null",
            "select name from album where year is not null order by year desc nulls last limit 1",
            "select name from album where 1 / year = 0 order by year limit 1",
            "select distinct genre from album order by genre desc offset 1",
            "select case when live then 'x' else name || '!' end, data.a[0], -year, cover::string from album where not (live or year is distinct from 5)",
        ],
    );
}

#[test]
fn wanted_indexes() {
    snapshot(
        "explain-wanted",
        &world(),
        &[
            "select name from album",
            "select name from album where year = 1974",
            "select name from album where year = 1974 and genre = 'Jazz' and rating > 3",
            "select name from album where rating > 3 order by year desc limit 2",
            "select name from album where genre = 'Jazz' order by year, name limit 2",
            "select name from album where genre = 'Jazz' order by year, name desc limit 2",
            "select name from album order by year, length(name) limit 2",
            "select max(year) from album",
            "select name from album where year > 1 order by year desc nulls last limit 1",
            "select name from album where note = 'x' and data = '1'",
            "select name from album where artist.name = 'x'",
            "select name from album where year = 1 or genre = 'Jazz' and rating = 5",
        ],
    );
}

#[test]
fn an_index_that_does_not_help_more_is_not_wanted() {
    let world = indexed();
    let wanted = |text: &str| {
        let Ok(Bound::Select(select)) = world.bind(text, &Parameters::default()) else { panic!("{text}") };
        plan(*select, &world.lookups()).wanted_index().map(|definition| definition.parts.len())
    };
    assert_eq!(wanted("select name from album where year = 1974"), None);
    assert_eq!(wanted("select name from album where year = 1974 and genre = 'Jazz'"), None);
    assert_eq!(wanted("select name from album where year = 1974 and name = 'x'"), Some(2));
    assert_eq!(wanted("select name from album order by year limit 1"), None);
}

#[test]
fn the_greatest_value_is_read_alone() {
    let world = indexed();
    let Ok(Bound::Select(select)) = world.bind("select max(year) from album", &Parameters::default()) else {
        panic!()
    };
    let plan = plan(*select, &world.lookups());
    let running = run(plan, Arc::new(world.tables), RunOptions::default());
    let statistics = Arc::clone(&running.statistics);
    assert_eq!(collect(running).0, ["1999"]);
    // One batch.
    assert_eq!(statistics.examined(), 3);
}

#[test]
fn measured() {
    let world = indexed();
    let text = "select genre, count(*) from album where year > 1960 group by genre order by 2 limit 2";
    let Ok(Bound::Select(select)) = world.bind(text, &Parameters::default()) else { panic!("{text}") };
    let plan = plan(*select, &Lookups::default());
    let running = run(plan.clone(), Arc::new(world.tables), RunOptions::default());
    let statistics = Arc::clone(&running.statistics);
    collect(running);
    assert_eq!(
        plan.explain(Some(&statistics)).join("\n"),
        "\
limit 2
  give genre, count(*)  [2 rows, 0.000 ms]
    sort by count(*)  [2 rows, 0.000 ms]
      group by genre for count(*)  [3 rows, 0.000 ms]
        where year > 1960  [4 rows, 0.000 ms]
          read album: all, by id  [6 rows, 0.000 ms]
wanted index: album (year)"
    );
}
