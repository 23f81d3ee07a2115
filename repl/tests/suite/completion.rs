//! What can be completed, at any place in a statement.

use std::sync::Arc;

use ankurah_core::catalog::{Backend, Model, Property};
use ankurah_core::id::{ModelId, OpId, PropertyId};
use ankurah_core::node::protocol::CatalogView;
use ankurah_core::storage::Position;
use ankurah_core::value::{Value, ValueType};
use ankurah_repl::interactive::{Snapshot, complete, highlight, names};

use crate::common::snapshot;

fn model(number: u128, name: &str, properties: &[(&str, ValueType, Backend)]) -> Arc<Model> {
    let id = ModelId(OpId::from_bits(number));
    let properties = properties.iter().zip(0..).map(|((name, value_type, backend), ordinal)| {
        Arc::new(Property {
            id: PropertyId(OpId::from_bits(number * 100 + u128::from(ordinal))),
            model: id,
            name: Arc::from(*name),
            label: Arc::from(*name),
            value_type: *value_type,
            backend: *backend,
            ordinal,
            required: false,
            default: Value::Null,
            dropped: false,
        })
    });
    Arc::new(Model {
        id,
        name: Arc::from(name),
        label: Arc::from(name),
        properties: properties.collect(),
        key: vec![],
    })
}

fn music() -> Snapshot {
    use Backend::{Lww, Yrs};
    let artist = model(1, "artist", &[("name", ValueType::String, Lww), ("country", ValueType::String, Lww)]);
    let album = model(
        2,
        "album",
        &[
            ("name", ValueType::String, Lww),
            ("artist", ValueType::Ref(artist.id), Lww),
            ("year", ValueType::Int, Lww),
            ("Release Date", ValueType::Timestamp, Lww),
            ("note", ValueType::String, Yrs),
        ],
    );
    let track =
        model(3, "track", &[("title", ValueType::String, Lww), ("album", ValueType::Ref(album.id), Lww)]);
    let reserved = model(4, "_model", &[("name", ValueType::String, Lww)]);
    let catalog = CatalogView { position: Position(1), models: vec![reserved, album, artist, track] };
    Snapshot { catalog, parameters: vec!["year".to_owned()] }
}

/// The text with `|` at the cursor, and what is proposed.
fn proposals(marked: &str) -> Vec<String> {
    let cursor = marked.find('|').unwrap();
    let text = marked.replacen('|', "", 1);
    let (start, items) = complete(&text, cursor, &music());
    assert!(start <= cursor);
    names(&items).into_iter().map(str::to_owned).collect()
}

#[track_caller]
fn check(marked: &str, expected: &[&str]) {
    assert_eq!(proposals(marked), expected, "{marked}");
}

#[track_caller]
fn check_has(marked: &str, expected: &[&str], not: &[&str]) {
    let found = proposals(marked);
    for name in expected {
        assert!(found.iter().any(|found| found == name), "{marked}: {name} is missing in {found:?}");
    }
    for name in not {
        assert!(!found.iter().any(|found| found == name), "{marked}: {name} is in {found:?}");
    }
}

#[test]
fn names_of_the_tables_at_hand() {
    check("select ye| from album", &["year"]);
    check_has("select c| from album", &["count("], &[]);
    check("select * from album where ye|", &["year"]);
    check("select * from al|", &["album"]);
    check("from album where year > 1970 order by ye|", &["year"]);
    check("select cou| from artist", &["country", "count("]);
    check_has("select | from album", &["name", "artist", "\"Release Date\"", "id"], &["country", "title"]);
    check_has("select * from album a where a.|", &["name", "year", "id"], &["country"]);
}

#[test]
fn only_what_can_be_written_where_something_is_written() {
    for text in
        ["update album set |", "insert into album (|", "insert into album (name, |", "upsert into album (|"]
    {
        check_has(text, &["name", "artist", "\"Release Date\""], &["id", "country"]);
    }
    check("update album set i|", &[]);
    check_has("update album a set |", &["name"], &["id", "a."]);
    check_has("alter model album drop property |", &["name"], &["id"]);
    // Values and conditions can have it.
    check_has("update album set artist = |", &["id"], &[]);
    check_has("update album set year = 1 where |", &["id"], &[]);
    check_has("insert into album (name) values ('x') returning |", &["id"], &[]);
}

/// The line that is edited reaches the terminal as it is.
#[test]
fn names_that_would_act_on_the_terminal_are_not_proposed() {
    let evil = model(
        1,
        "m\u{1b}[2J",
        &[
            ("v\u{1b}]0;title\u{7}", ValueType::Int, Backend::Lww),
            ("v\u{202e}", ValueType::Int, Backend::Lww),
            ("von Björk 🎸", ValueType::Int, Backend::Lww),
        ],
    );
    let catalog = CatalogView { position: Position(1), models: vec![evil] };
    let hostile = Snapshot { catalog, parameters: vec![] };
    for (text, expected) in [
        ("select 1, v", &["\"von Björk 🎸\""][..]),
        ("select \"v", &["\"von Björk 🎸\""]),
        ("select * from m", &[]),
        ("\\d m", &[]),
    ] {
        let (_, items) = complete(text, text.len(), &hostile);
        assert_eq!(names(&items), expected, "{text}");
        let shown = items.iter().map(|item| item.display.as_str()).collect::<String>();
        assert!(!shown.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{shown:?}");
    }
}

#[test]
fn any_property_where_no_table_is_named_yet() {
    check("select ye|", &["year"]);
    check("select album.artist.cou|", &["country"]);
    check_has("select |", &["country", "title"], &["id", "count("]);
}

#[test]
fn a_model_names_its_properties_before_a_from_is_written() {
    check("select album.|", &["name", "artist", "year", "\"Release Date\"", "note", "id"]);
    check("select artist.n|", &["name"]);
    check("select name, Track.|", &["title", "album", "id"]);
    // Once there is one, it alone says what the names mean.
    check("select album.| from artist", &[]);
    check("select album.cou| from artist album", &["country"]);
}

#[test]
fn only_texts_are_edited() {
    check("edit album.|", &["note"]);
    check("edit album.\"|", &["\"note\""]);
    check("explain edit album.|", &["note"]);
    check("edit album.ye|", &[]);
    check("edit artist.|", &[]);
}

#[test]
fn through_references() {
    check("select artist.cou| from album", &["country"]);
    check("select album.artist.na| from track", &["name"]);
    check_has("select t.album.| from track t", &["name", "year"], &["title"]);
}

#[test]
fn statements_before_and_after() {
    check("select 1; select ye| from album; select 2", &["year"]);
    check("select *\nfrom album\nwhere ye|\norder by name", &["year"]);
    check("update album set ye|", &["year"]);
    check("insert into album (na|", &["name"]);
}

/// Where the lines of a statement end makes no difference.
#[test]
fn lines_make_no_difference() {
    for marked in [
        "select album . artist . | from track where title = 1",
        "select title from track where album.|",
        "select title from track where album.artist.| order by 1",
        "select title from track where album.na| order by 1",
        "select title, album.| from track",
        "select t.album.| from track t",
        "select track.album.| from track",
        "from track order by album.|",
        "update track set title = album.| where title = 1",
        "select count(*) from track group by album.|",
        "select album.name from track where (album.|)",
        "select | from track",
        "select title from | where 1",
    ] {
        let expected = proposals(marked);
        let spaces: Vec<usize> = marked.match_indices(' ').map(|(at, _)| at).collect();
        for at in spaces.iter().copied() {
            let mut broken = marked.to_owned();
            broken.replace_range(at..=at, "\n");
            assert_eq!(proposals(&broken), expected, "{broken:?}");
            broken.replace_range(at..=at, "\n  ");
            assert_eq!(proposals(&broken), expected, "{broken:?}");
        }
        assert_eq!(proposals(&marked.replace(' ', "\n")), expected, "{marked}");
        // Before the cursor and after it.
        for joint in [".\n|", "\n.|", "|\n"] {
            let broken = match joint {
                "\n.|" => marked.replace(".|", joint),
                ".\n|" => marked.replace(".|", joint),
                _ => marked.replace("| ", joint),
            };
            assert_eq!(proposals(&broken), expected, "{broken:?}");
        }
    }
}

#[test]
fn keywords_functions_types() {
    check("sel|", &["select"]);
    check("SEL|", &["select"]);
    check("select * from album wh|", &["where"]);
    check("select low| from album", &["lower("]);
    check("create model x (a time|", &["timestamp"]);
    check_has("|", &["select", "insert into", "create model"], &["where"]);
}

#[test]
fn quoted_names_and_parameters() {
    check("select rel| from album", &["\"Release Date\""]);
    check("select \"Rel| from album", &["\"Release Date\""]);
    check("select * from album where year = $y|", &["$year"]);
}

#[test]
fn nothing_in_strings_and_comments() {
    check("select 'sel|", &[]);
    check("select 1 -- sel|", &[]);
}

#[test]
fn reserved_models_only_when_asked_for() {
    check_has("select * from |", &["album", "artist", "track"], &["_model"]);
    check("select * from _|", &["_model"]);
}

#[test]
fn commands() {
    check("\\ti|", &["\\timing"]);
    check("\\d al|", &["album"]);
    check("\\timing o|", &["on", "off"]);
    check("\\format js|", &["json", "jsonl"]);
    check("select 1;\n\\ti|", &["\\timing"]);
    check("\\unset |", &["year"]);
}

#[test]
fn a_part_of_a_name_finds_it_too() {
    check("select elease| from album", &["\"Release Date\""]);
}

#[test]
fn lists() {
    let mut all = String::new();
    for marked in [
        "select | from album",
        "select l| from album",
        "select a.| from album a",
        "\\d|",
        "create model x (a |",
    ] {
        let cursor = marked.find('|').unwrap();
        let (_, items) = complete(&marked.replacen('|', "", 1), cursor, &music());
        all += &format!("== {marked}\n");
        items.iter().take(24).for_each(|item| all += &format!("{}\n", item.display.trim_end()));
    }
    snapshot("completion", &all);
}

#[test]
fn highlighting_changes_no_character() {
    let style = ankurah_repl::display::Style { colour: true, ascii: false };
    for text in
        ["select 'it''s', 1.5 from \"a b\" -- x\nwhere a = $p", "\\d album", "select 'open\nline", "@ \\ é"]
    {
        let shown = highlight(text, style);
        let mut plain = String::new();
        let mut rest = shown.as_str();
        while let Some((before, after)) = rest.split_once('\u{1b}') {
            plain.push_str(before);
            rest = after.split_once('m').unwrap().1;
        }
        plain.push_str(rest);
        assert_eq!(plain, text);
    }
}

proptest::proptest! {
    #[test]
    fn any_text_at_any_place(text in "[select froma.lbum,\"'\\\\$@é\n;(]{0,40}", at in 0..40usize) {
        let mut cursor = at.min(text.len());
        while !text.is_char_boundary(cursor) {
            cursor -= 1;
        }
        let (start, _) = complete(&text, cursor, &music());
        proptest::prop_assert!(start <= cursor && text.is_char_boundary(start));
    }
}
