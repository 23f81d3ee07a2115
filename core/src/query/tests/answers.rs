//! What queries answer.

use std::future::poll_fn;
use std::task::Poll;

use super::*;

#[test]
fn without_from() {
    check(&[
        ("select 1", "1"),
        ("select 1 + 2 * 3 - -4", "11"),
        ("select 'it''s' || ' ' || 5", "it's 5"),
        ("select null", "NULL"),
        ("select 1 where false", ""),
        ("select 1, 2 where 1 = 1", "1 | 2"),
        ("select count(*)", "1"),
        ("select count(*) where false", "0"),
        ("select @00000000000000000000000001", "00000000000000000000000001"),
    ]);
}

#[test]
fn numbers() {
    check(&[
        ("select 7 / 2, -7 / 2, 7 % -2, -7 % 2", "3 | -3 | 1 | -1"),
        ("select 7 / 2.0, 1.50 + 1, 2 * 1e0", "3.5 | 2.5 | 2.0"),
        ("select 1 / 3.0", "0.3333333333333333333333333333"),
        ("select 0.1 + 0.2 = 0.3, 0.1e0 + 0.2e0 = 0.3e0", "true | false"),
        ("select -9223372036854775808", "-9223372036854775808"),
        ("select 9223372036854775808", "9223372036854775808"),
        ("select 9223372036854775807 + 1", "error: 9223372036854775807 + 1 overflows"),
        ("select 1 / 0", "error: division by zero"),
        ("select 1 % 0.0", "error: division by zero"),
        ("select 1 = 1.0, 1 < 1.5, 2.0 = 2e0", "true | true | true"),
        ("select 'NaN'::f64 = 'NaN'::f64, 'NaN'::f64 > 1e300", "true | true"),
        ("select abs(-5), abs(-2.5), sign(-3), sign(0.0)", "5 | 2.5 | -1 | 0"),
        ("select round(2.5), round(-2.5), round(2.345, 2), round(1250, -2)", "3 | -3 | 2.35 | 1300"),
        (
            "select round(2.675e0, 2), round(2.5e0), trunc(-2.7), floor(-2.1), ceil(2.1)",
            "2.68 | 3.0 | -2 | -3 | 3",
        ),
        ("select trunc(2.789, 2), mod(7, 3), sqrt(16), power(2, 10)", "2.78 | 1 | 4.0 | 1024.0"),
        ("select sqrt(-1)", "error: the square root of the negative number -1.0"),
        ("select greatest(1, 2.5, null), least(3, 1, 2), greatest(null)", "2.5 | 1 | NULL"),
        ("select 5::string || '!', '12'::i64 + 1, 2.5::i64, '1.50'::decimal", "5! | 13 | 3 | 1.5"),
        ("select '9999999999999999999'::f64::i64", "error: the conversion of 1e19 to i64 overflows"),
    ]);
}

#[test]
fn strings() {
    check(&[
        ("select lower('ÄB'), upper('äß'), length('日本'), octet_length('日本')", "äb | ÄSS | 2 | 6"),
        ("select substr('hello', 2), substr('hello', 2, 3), substr('hello', -1, 3)", "ello | ell | h"),
        (
            "select left('hello', 2), left('hello', -2), right('hello', 2), right('hello', -2)",
            "he | hel | lo | llo",
        ),
        ("select trim('  a '), ltrim('xxa', 'x'), rtrim('abba', 'ab') || '.'", "a | a | ."),
        ("select replace('a-b-c', '-', '+'), strpos('hello', 'l'), strpos('hello', 'z')", "a+b+c | 3 | 0"),
        (
            "select repeat('ab', 3), reverse('abc'), lpad('7', 3, '0'), rpad('abcd', 2)",
            "ababab | cba | 007 | ab",
        ),
        (
            "select split_part('a,b,c', ',', 2), split_part('a,b', ',', 5) || '.', split_part('a,b', ',', -1)",
            "b | . | b",
        ),
        ("select concat('a', null, 1, true), concat_ws('-', 'a', null, 2)", "a1true | a-2"),
        ("select coalesce(null, 'x'), nullif(1, 1), nullif(1, 2), ifnull(null, 3)", "x | NULL | 1 | 3"),
        (
            "select 'a' || null, starts_with('abc', 'ab'), typeof(1.5), typeof(null)",
            "NULL | true | decimal | null",
        ),
        (
            "select 'abc' like 'a%', 'abc' like '_b_', 'a%c' like 'a!%c' escape '!', 'ABC' ilike 'abc'",
            "true | true | true | true",
        ),
        ("select repeat('a', 100000000)", "error: `repeat` would give more than 16777216 bytes"),
        ("select x'00ff' || x'01', length(x'00ff')", "\\x00ff01 | 2"),
    ]);
}

#[test]
fn times() {
    check(&[
        ("select now()", "2020-09-13 12:26:40"),
        (
            "select extract(year from timestamp '2021-02-03 04:05:06.5'), date_part('second', timestamp '2021-02-03 04:05:06.5')",
            "2021 | 6.5",
        ),
        (
            "select year(now()), month(now()), day(now()), hour(now()), minute(now()), second(now())",
            "2020 | 9 | 13 | 12 | 26 | 40",
        ),
        ("select date_trunc('month', now()), date_part('epoch', now())", "2020-09-01 00:00:00 | 1600000000"),
        ("select name from album where released < '1970-01-01'", "Kind of Blue"),
        (
            "select name from album where released between '1970-01-01' and '1974-12-31' order by released",
            "Bitches Brew; Autobahn",
        ),
    ]);
}

#[test]
fn three_valued_logic() {
    // The truth tables, rows and columns true, false, null.
    let truth = ["true", "false", "null"];
    let tables = [
        ("and", ["true", "false", "NULL", "false", "false", "false", "NULL", "false", "NULL"]),
        ("or", ["true", "true", "true", "true", "false", "NULL", "true", "NULL", "NULL"]),
        ("=", ["true", "false", "NULL", "false", "true", "NULL", "NULL", "NULL", "NULL"]),
        ("is distinct from", ["false", "true", "true", "true", "false", "true", "true", "true", "false"]),
    ];
    for (op, expected) in tables {
        for (at, expected) in expected.iter().enumerate() {
            let (a, b) = (truth[at / 3], truth[at % 3]);
            assert_eq!(ask(&format!("select {a} {op} {b}")), *expected, "{a} {op} {b}");
        }
    }
    check(&[
        (
            "select not null, not true, null is null, null is not true, null is unknown, false is not null",
            "NULL | false | true | true | true | true",
        ),
        (
            "select null in (1, 2), 1 in (1, null), 3 in (1, null), 3 not in (1, null), 3 not in (1, 2)",
            "NULL | true | NULL | NULL | true",
        ),
        (
            "select 1 between null and 0, 1 not between null and 0, 1 between null and 2",
            "false | true | NULL",
        ),
        (
            "select null like 'a', 'a' like null, null || 'a', null + 1, -(null)",
            "NULL | NULL | NULL | NULL | NULL",
        ),
        (
            "select case when null then 1 else 2 end, case null when null then 1 else 2 end, case 2 when 1 then 'a' when 2 then 'b' end, case when false then 1 end",
            "2 | 2 | b | NULL",
        ),
        (
            "select name from album where year > 1975 or not year > 1975 order by id",
            "Autobahn; Kind of Blue; The Man-Machine; Bitches Brew; under_score",
        ),
        ("select name from album where year <> 1974 and rating <> 5", "The Man-Machine; under_score"),
        ("select name from album where year is null", "100% Pure"),
    ]);
}

#[test]
fn a_false_condition_outweighs_one_that_fails() {
    check(&[
        (
            "select name from album where year / (year - 1974) > 0 and year <> 1974",
            "The Man-Machine; under_score",
        ),
        (
            "select name from album where year <> 1974 and year / (year - 1974) > 0",
            "The Man-Machine; under_score",
        ),
        (
            "select name from album where year / (year - 1970) > 0",
            "Autobahn; The Man-Machine; error: division by zero",
        ),
        ("select name from album where year / (year - 1970) > 0 limit 1", "Autobahn"),
        ("select 1974 / (year - 1974) from album", "error: division by zero"),
        ("select case when year = 1974 then 0 else 1 / (year - 1974) end from album limit 2", "0; 0"),
        ("select true or 1 / 0 = 1, false and 1 / 0 = 1, 1 / 0 = 1 and false", "true | false | false"),
    ]);
}

#[test]
fn rows_and_columns() {
    check(&[
        ("select id, name from album limit 2", "@100 | Autobahn; @101 | Kind of Blue"),
        ("select name, year from album a where a.year = 1959", "Kind of Blue | 1959"),
        ("select album.name from ALBUM where Album.YEAR = 1959", "Kind of Blue"),
        ("select * from country", "DE | Germany; US | United States"),
        ("from country where code = 'US'", "US | United States"),
        ("select c.*, 1 from country c limit 1", "DE | Germany | 1"),
        (
            "select name from album order by year desc",
            "100% Pure; under_score; The Man-Machine; Autobahn; Bitches Brew; Kind of Blue",
        ),
        ("select name from album order by year desc nulls last limit 2", "under_score; The Man-Machine"),
        ("select name from album order by year nulls first limit 2 offset 1", "Kind of Blue; Bitches Brew"),
        (
            "select name, rating from album order by rating desc nulls last limit 2",
            "under_score | NaN; Kind of Blue | 5.0",
        ),
        (
            "select genre, year from album order by genre, year desc",
            "Electronic | 1978; Electronic | 1974; Jazz | 1970; Jazz | 1959; Pop | NULL; NULL | 1999",
        ),
        ("select name n, year + 1 y from album order by y limit 1", "Kind of Blue | 1960"),
        ("select name, -year from album where year is not null order by 2 limit 1", "under_score | -1999"),
        ("select name from album order by length(name), name limit 2", "Autobahn; 100% Pure"),
        ("select name from album limit 0", ""),
        ("select name from album offset 5", "under_score"),
        ("select name from album offset 100", ""),
        ("select name from album where note = 'Modal'", "Kind of Blue"),
        ("select name from album where live", "Bitches Brew; 100% Pure"),
        ("select name from album where not live", "Autobahn; Kind of Blue; The Man-Machine"),
        ("select name from album where price = 9.990 order by name desc", "The Man-Machine; Autobahn"),
        (
            "select name from album where name like '100!%%' escape '!' or name like 'under\\_%'",
            "100% Pure; under_score",
        ),
    ]);
}

#[test]
fn references() {
    check(&[
        (
            "select name, artist.name, artist.country.name from album",
            "Autobahn | Kraftwerk | Germany; Kind of Blue | Miles Davis | United States; The Man-Machine | Kraftwerk | Germany; Bitches Brew | Miles Davis | United States; 100% Pure | Nobody | NULL; under_score | NULL | NULL",
        ),
        (
            "select name from album where artist.country.code = 'US' order by artist.name, year desc",
            "Bitches Brew; Kind of Blue",
        ),
        ("select album.artist.name from album where year = 1959", "Miles Davis"),
        (
            "select artist, artist.id, artist.country.id from album where id >= '00000000000000000000000038'",
            "@22 | @22 | NULL; NULL | NULL | NULL",
        ),
        ("select artist.country, artist.country.id from album where year is null", "@12 | NULL"),
        (
            "select artist.name, count(*) from album group by artist.name",
            "Kraftwerk | 2; Miles Davis | 2; Nobody | 1; NULL | 1",
        ),
        ("select distinct artist.country.code from album", "DE; US; NULL"),
        (
            "select name from album where artist.born > 1950 or artist is null",
            "Autobahn; The Man-Machine; under_score",
        ),
        ("select name from album where artist = '0000000000000000000000000N'", "Kind of Blue; Bitches Brew"),
        ("select max(artist.born) from album", "1970"),
        ("select name from artist order by country.name limit 1", "Kraftwerk"),
    ]);
}

#[test]
fn json() {
    check(&[
        (
            "select data.label, data.tags[0], data['tags'][-1], data.nothing from album limit 1",
            "\"Philips\" | \"a\" | \"b\" | NULL",
        ),
        ("select name from album where data.label = 'Columbia'", "Kind of Blue"),
        ("select name from album where data.tracks = 5", "Autobahn; Kind of Blue"),
        ("select name from album where data.tracks > 2.4 and data.tracks < 3", "100% Pure"),
        (
            "select name from album where data.label is null and data is not null",
            "The Man-Machine; 100% Pure; under_score",
        ),
        ("select data.tracks::i64 from album where year = 1974", "5"),
        ("select data.label::string, data.label || '!' from album where year = 1974", "Philips | Philips!"),
        (
            "select data[1], json_array_length(data), json_typeof(data) from album where year = 1999",
            "2 | 2 | array",
        ),
        ("select name from album where data = '{\"tracks\": 2.5}'", "100% Pure"),
        ("select data.tracks + 1 from album where year = 1974", "6"),
        (
            "select json_array_length(data) from album where year = 1974",
            "error: the JSON value {\"label\":\"Philips\",\"tags\":[\"a\",\"b\"],\"tra… is not an array",
        ),
    ]);
}

#[test]
fn groups() {
    check(&[
        (
            "select count(*), count(year), count(distinct genre), min(name), max(year) from album",
            "6 | 5 | 3 | 100% Pure | 1999",
        ),
        ("select genre, count(*) from album group by genre", "Electronic | 2; Jazz | 2; Pop | 1; NULL | 1"),
        (
            "select genre, count(*) c from album group by 1 having count(*) > 1 order by c desc, genre desc",
            "Jazz | 2; Electronic | 2",
        ),
        (
            "select year / 10 * 10 as decade, count(*) from album group by decade order by decade",
            "1950 | 1; 1970 | 3; 1990 | 1; NULL | 1",
        ),
        (
            "select year / 10, sum(price) from album group by year / 10",
            "195 | 12.5; 197 | 34.98; 199 | 0; NULL | NULL",
        ),
        (
            "select avg(year), avg(price), sum(year), sum(rating) from album where year < 1975",
            "1967.666666666666666666666667 | 12.49666666666666666666666667 | 5903 | 9.5",
        ),
        (
            "select sum(year), avg(year), min(year), count(year), count(*) from album where false",
            "NULL | NULL | NULL | 0 | 0",
        ),
        ("select genre from album where false group by genre", ""),
        ("select string_agg(name, ', ') from album where genre = 'Jazz'", "Kind of Blue, Bitches Brew"),
        ("select bool_and(live), bool_or(live), every(year > 1900) from album", "false | true | true"),
        (
            "select count(*) filter (where live), sum(year) filter (where genre = 'Jazz') from album",
            "2 | 3929",
        ),
        ("select sum(9223372036854775807) from album", "error: `sum` overflows"),
        ("select max(year) - min(year), count(*) * 2 from album", "40 | 12"),
        (
            "select genre, max(year) from album group by genre order by max(year) desc nulls last limit 2",
            "NULL | 1999; Electronic | 1978",
        ),
        ("select upper(genre), count(*) from album group by genre having genre like 'E%'", "ELECTRONIC | 2"),
        ("select count(*) from album having count(*) > 100", ""),
        ("select sum(distinct price) from album", "37.49"),
        ("select distinct genre from album", "Electronic; Jazz; Pop; NULL"),
        (
            "select distinct genre, live from album order by genre desc, live limit 3",
            "NULL | NULL; Pop | true; Jazz | false",
        ),
        ("select distinct count(*) from album group by genre", "2; 1"),
    ]);
}

#[test]
fn parameters() {
    let parameters = Parameters {
        positional: vec![Value::Int(1970), Value::String("Jazz".into())],
        named: vec![("n".to_owned(), Value::Int(1)), ("unused".to_owned(), Value::Null)],
    };
    for (text, expected) in [
        ("select name from album where year >= ? and genre = ?", "Bitches Brew"),
        ("select name from album where genre = $2 and year < $1 limit $n", "Kind of Blue"),
        ("select ? + 1, $2 || '!'", "1971 | Jazz!"),
    ] {
        assert_eq!(rows(world(), text, &parameters).0.join("; "), expected, "{text}");
    }
}

#[test]
fn a_failing_scan_is_an_error_after_the_rows_before_it() {
    let mut world = world();
    world.tables.fails_at = Some(1);
    let (rows, failure) = rows(world, "select name from album", &Parameters::default());
    assert_eq!(rows, ["Autobahn", "Kind of Blue", "The Man-Machine"]);
    assert_eq!(failure.unwrap().to_string(), "the store is damaged: state: bad checksum");
}

#[test]
fn a_failing_lookup_is_an_error() {
    let mut world = world();
    world.tables.fails_at = Some(2);
    let (_, failure) = rows(world, "select artist.name from album", &Parameters::default());
    assert_eq!(failure.unwrap().name(), "storage");
}

#[test]
fn memory_is_bounded() {
    for (text, operation) in [
        ("select name from album order by name", "sorting"),
        ("select name, count(*) from album group by name", "grouping"),
        ("select distinct name from album", "distinct"),
        ("select count(distinct name) from album", "grouping"),
    ] {
        let world = world();
        let Ok(Bound::Select(select)) = world.bind(text, &Parameters::default()) else { panic!("{text}") };
        let options = RunOptions { memory: 150, ..RunOptions::default() };
        let (_, failure) = collect(run(plan(*select, &Lookups::default()), Arc::new(world.tables), options));
        let message = failure.unwrap().to_string();
        assert_eq!(message, format!("{operation} needs more than 150 bytes of memory"), "{text}");
    }
}

#[test]
fn a_limit_bounds_the_memory_of_sorting() {
    let mut world = world();
    let rows: Vec<String> = (0..5_000).map(|n| format!("{} | {n}", n * 7_919 % 5_000)).collect();
    world.models.0.push(model(9, "n", &[("x", ValueType::Int), ("y", ValueType::Int)]));
    world.fill("n", 1_000, &rows.join("\n"));
    let Ok(Bound::Select(select)) =
        world.bind("select x from n order by x limit 3 offset 2", &Parameters::default())
    else {
        panic!()
    };
    let options = RunOptions { memory: 300_000, ..RunOptions::default() };
    let (rows, failure) = collect(run(plan(*select, &Lookups::default()), Arc::new(world.tables), options));
    assert!(failure.is_none());
    assert_eq!(rows, ["2", "3", "4"]);
}

#[test]
fn nothing_is_read_beyond_a_limit() {
    let mut world = world();
    world.tables.fails_at = Some(1);
    let (found, failure) =
        rows(world, "select name from album where year > 1900 limit 3", &Parameters::default());
    assert_eq!(found.len(), 3);
    assert!(failure.is_none());
}

#[test]
fn a_known_count_needs_no_scan() {
    let mut world = world();
    world.tables.count_known = true;
    world.tables.fails_at = Some(1);
    assert_eq!(rows(world, "select count(*), count(*) from album", &Parameters::default()).0, ["6 | 6"]);
}

/// An expression that nests `open` and `close` around `inner` as deep as the language allows.
fn nested(open: &str, inner: &str, close: &str) -> String {
    let depth = |depth: usize| {
        format!("select {}{inner}{} from album limit 1", open.repeat(depth), close.repeat(depth))
    };
    (1..=ankurah_query_lang::MAX_DEPTH)
        .rev()
        .map(depth)
        .find(|text| ankurah_query_lang::parse_statement(text).is_ok())
        .unwrap()
}

#[test]
fn the_deepest_expressions_are_computed() {
    for (open, inner, close, expected) in [
        ("(1 + ", "year", ")", None),
        ("abs(", "year", ")", Some("1974")),
        ("not (", "live", ")", None),
        ("coalesce(null, ", "year", ")", Some("1974")),
        ("case when live then 1 else ", "year", " end", Some("1974")),
        ("case ", "year", " when 1 then 2 when 3 then 4 else 5 end", Some("5")),
        ("(", "live", " between false and true)", Some("true")),
        ("(", "live", " in (true, false))", Some("true")),
        ("(live and (true or ", "live", "))", Some("false")),
        ("cast(", "year", " as i64)", Some("1974")),
    ] {
        let text = nested(open, inner, close);
        let answer = ask(&text);
        assert!(!answer.contains("error"), "{answer}");
        if let Some(expected) = expected {
            assert_eq!(answer, expected, "{text}");
        }
    }
}

/// On a stack of 2 MiB, in a debug build too.
#[test]
fn a_chain_of_a_hundred_thousand_operands_is_computed() {
    const N: usize = 100_000;
    const M: usize = 10_000;
    let chain = |first: &str, links: &str, count: usize| {
        format!("select {first}{} from album limit 1", links.repeat(count))
    };
    let run = move || {
        for (text, expected) in [
            (chain("1", " + 1", N - 1), N.to_string()),
            (chain("year", " + 1", N - 1), (1974 + N - 1).to_string()),
            (chain("year", " + 1 - 1.5", N / 2), (1974 - 25_000).to_string()),
            (chain("year", " * 1 % 1975 / 1", M / 3), "1974".to_owned()),
            (chain("rating", " + 1 - null", M / 2), "NULL".to_owned()),
            (chain("name", " || null", M), "NULL".to_owned()),
            (
                format!("select length(x'00'{}) from album limit 1", " || cover || x'00'".repeat(M / 2)),
                "NULL".to_owned(),
            ),
            (
                format!("select length(name{}) from album limit 1", " || name".repeat(M)),
                ((M + 1) * 8).to_string(),
            ),
            (
                format!("select length(genre{}) from album limit 1", " || 1 || '!'".repeat(M / 2)),
                (M + 10).to_string(),
            ),
            (
                format!("select name from album where year{} = 1959", " + 1 - 1".repeat(M / 2)),
                "Kind of Blue".to_owned(),
            ),
        ] {
            assert_eq!(ask(&text), expected, "{:.60}", text);
            let world = world();
            let Ok(Bound::Select(select)) = world.bind(&text, &Parameters::default()) else { panic!() };
            let lines = plan(*select, &world.lookups()).explain(None);
            assert!(lines.iter().any(|line| line.contains("read album")), "{:.60}", text);
        }
        let overflow = chain("9223372036854775000", " + 1", M);
        assert!(ask(&overflow).starts_with("error: "), "{:.60}", ask(&overflow));
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(run).unwrap().join().unwrap();
}

#[test]
fn operands_are_computed_once() {
    check(&[
        ("select case year + 1 when 1975 then 'a' when 1960.0 then 'b' end from album limit 2", "a; b"),
        (
            "select year + 1 between 1970 and 1980, year + 1 not between 1970 and 1980 from album limit 2",
            "true | false; false | true",
        ),
        (
            "select year + 1 between null and 0, year + 1 between 0 and null from album limit 1",
            "false | NULL",
        ),
        ("select case null + 1 when null then 'a' else 'b' end", "b"),
    ]);
}

#[test]
fn queries_that_give_nothing_for_long_give_others_a_turn() {
    for text in ["select name from album where year < 0", "select count(*), max(year) from album"] {
        let world = world();
        let Ok(Bound::Select(select)) = world.bind(text, &Parameters::default()) else { panic!("{text}") };
        let plan = plan(*select, &Lookups::default());
        let mut rows = run(plan, Arc::new(world.tables), RunOptions::default()).rows;
        let mut turns = 0;
        block_on(poll_fn(|context| match rows.poll_next_unpin(context) {
            Poll::Ready(Some(batch)) => {
                batch.unwrap();
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Poll::Ready(None) => Poll::Ready(()),
            Poll::Pending => {
                turns += 1;
                Poll::Pending
            }
        }));
        assert!(turns >= 2, "{text}: {turns}");
    }
}
