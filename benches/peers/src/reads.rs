//! Reading: everything, and what indexes find.

use std::path::Path;

use ankurah::core::entity::{Columns, StateReader};
use ankurah::core::storage::{IndexDefinition, IndexPart};
use ankurah::core::value::{Rows, ValueRef};
use ankurah::{Durability, Value};
use peers_public as public;
use rusqlite::{Connection, Params};

use crate::data::{Album, albums};
use crate::ours::{Layout, Ours};
use crate::raw::Raw;
use crate::record::record;
use crate::report::{Peer, Report, Wanted};
use crate::{Error, Setup, sqlite};

/// All entities as typed views, and their strings.
pub const FETCH: &str = "fetch-all-typed";
/// The ten albums of an artist, by an index.
pub const EQUALITY: &str = "equality-10-rows";
/// One album by its name, by an index.
pub const ONE: &str = "equality-1-row";
/// A hundred albums whose names lie between two, by an index.
pub const RANGE: &str = "range-111-rows";
/// The first ten by an index.
pub const FIRST: &str = "order-limit-10";
/// The first ten where no index helps.
pub const TOP: &str = "order-limit-10-no-index";
/// How many there are of a year, without an index.
pub const COUNT: &str = "count-where-no-index";

/// The ratios that matter.
pub const WANTED: &[Wanted] = &[
    (FETCH, Peer::OursMemory, Peer::RawMemory, Some(0.5)),
    (FETCH, Peer::OursFjall, Peer::RawFjall, Some(0.5)),
    (FETCH, Peer::OursSled, Peer::RawSled, Some(0.5)),
    (FETCH, Peer::OursFjall, Peer::PublicSled, Some(30.0)),
    (FETCH, Peer::OursSled, Peer::PublicSled, Some(30.0)),
    (FETCH, Peer::OursFjall, Peer::Sqlite, Some(0.5)),
    (EQUALITY, Peer::OursFjall, Peer::SqlitePrepares, Some(1.0)),
    (EQUALITY, Peer::OursFjall, Peer::Sqlite, Some(1.0)),
    (ONE, Peer::OursFjall, Peer::SqlitePrepares, Some(1.0)),
    (ONE, Peer::OursFjall, Peer::Sqlite, Some(1.0)),
    (RANGE, Peer::OursFjall, Peer::SqlitePrepares, Some(1.0)),
    (RANGE, Peer::OursFjall, Peer::Sqlite, Some(1.0)),
    (FIRST, Peer::OursFjall, Peer::SqlitePrepares, Some(1.0)),
    (FIRST, Peer::OursFjall, Peer::Sqlite, Some(1.0)),
    (TOP, Peer::OursFjall, Peer::Sqlite, None),
    (COUNT, Peer::OursFjall, Peer::Sqlite, None),
];

/// How many albums there are.
const ALBUMS: usize = 100_000;
/// How many the public crates are given, which take long.
const FEW: usize = 10_000;
/// How many are written in one commit.
const EACH: usize = 1_000;
/// How often a query is asked in a round.
const TIMES: usize = 2_000;

const ENGINES: [(Peer, Peer); 3] =
    [(Peer::OursMemory, Peer::RawMemory), (Peer::OursFjall, Peer::RawFjall), (Peer::OursSled, Peer::RawSled)];

/// A store of ours with albums and, where asked, with indexes over `artist` and over `name`.
fn filled(peer: Peer, folder: &Path, albums: &[Album], indexed: bool) -> Result<Ours, Error> {
    let store = Ours::create(peer, folder, Durability::Buffered)?;
    store.define(true)?;
    store.upsert(albums, EACH)?;
    if indexed {
        let layout = store.layout()?;
        for number in [2, 0] {
            let part = |property| IndexPart {
                property,
                value_type: ankurah::core::value::ValueType::String,
                descending: false,
            };
            let parts = layout.properties.get(number).copied().map(part).into_iter().collect();
            store.index(IndexDefinition { model: layout.model, parts })?;
        }
    }
    Ok(store)
}

/// A row of strings.
fn album<'a>(mut values: impl Iterator<Item = ValueRef<'a>>) -> Album {
    let mut text = || match values.next() {
        Some(ValueRef::String(text)) => text.to_owned(),
        _ => String::new(),
    };
    Album { name: text(), year: text(), artist: text() }
}

/// Scans an engine for the states of our albums, and builds the same strings.
fn scan(raw: &Raw, layout: &Layout) -> Result<Vec<Album>, Error> {
    let columns = Columns::new(&layout.properties);
    let mut prefix = vec![b'S'];
    prefix.extend(layout.model.to_bytes());
    let mut found = Vec::new();
    raw.each(&prefix, |state| {
        let mut row = Rows::new(columns.len());
        StateReader::new(state)?.columns(&columns, &mut row, |_, _| {})?;
        found.extend(row.first().map(|row| album(row.iter())));
        Ok(())
    })?;
    Ok(found)
}

fn check(found: &[Album], expected: usize) -> Result<(), Error> {
    let whole = found.iter().filter(|album| !album.name.is_empty() && !album.artist.is_empty()).count();
    if whole == expected { Ok(()) } else { Err(format!("{whole} albums were found, not {expected}").into()) }
}

/// All entities.
///
/// # Errors
/// What any peer says.
pub fn fetch(setup: &Setup, report: &mut Report) -> Result<(), Error> {
    let count = setup.scaled(ALBUMS);
    let all = albums(count);
    let batches = record(|ours| ours.define(true), |ours| ours.upsert(&all, EACH))?;
    for (ours, raw) in ENGINES.into_iter().filter(|(ours, _)| setup.wants(*ours)) {
        let folder = tempfile::tempdir_in(setup.folder())?;
        let store = filled(ours, folder.path(), &all, false)?;
        let layout = store.layout()?;
        setup.rounds(ours, |_| {
            let found = report.time(FETCH, ours, count, || store.typed(""))?;
            check(&found, count)
        })?;
        store.close()?;
        let folder = tempfile::tempdir_in(setup.folder())?;
        let store = Raw::create(raw, folder.path())?;
        batches.iter().try_for_each(|batch| store.apply(batch.clone()))?;
        setup.rounds(raw, |_| {
            let found = report.time(FETCH, raw, count, || scan(&store, &layout))?;
            check(&found, count)
        })?;
    }
    let folder = tempfile::tempdir_in(setup.folder())?;
    let mut store = sqlite::create(folder.path(), Durability::Buffered, true)?;
    sqlite::insert(&mut store, &all, EACH)?;
    setup.rounds(Peer::Sqlite, |_| {
        let text = "select name, year, artist from album";
        let found = report.time(FETCH, Peer::Sqlite, count, || select(&store, text, [], true))?;
        check(&found, count)
    })?;
    if !setup.wants(Peer::PublicSled) {
        return Ok(());
    }
    let few = count.min(FEW);
    let theirs: Vec<public::Album> = all
        .iter()
        .take(few)
        .map(|album| public::Album {
            name: album.name.clone(),
            year: album.year.clone(),
            artist: album.artist.clone(),
        })
        .collect();
    let folder = tempfile::tempdir_in(setup.folder())?;
    let store = public::Store::create(folder.path())?;
    store.create_albums(&theirs, EACH)?;
    setup.rounds(Peer::PublicSled, |_| {
        let found = report.time(FETCH, Peer::PublicSled, few, || store.strings("year > '1'"))?;
        if found.len() == few {
            Ok(())
        } else {
            Err(format!("the public crates found {} of {few}", found.len()).into())
        }
    })
}

/// What SQLite finds; `cached` where the statement is prepared once.
fn select(
    connection: &Connection,
    text: &str,
    parameters: impl Params,
    cached: bool,
) -> Result<Vec<Album>, Error> {
    let row =
        |row: &rusqlite::Row<'_>| Ok(Album { name: row.get(0)?, year: row.get(1)?, artist: row.get(2)? });
    let found = if cached {
        connection.prepare_cached(text)?.query_map(parameters, row)?.collect::<Result<_, _>>()
    } else {
        connection.prepare(text)?.query_map(parameters, row)?.collect::<Result<_, _>>()
    };
    Ok(found?)
}

/// A query: what follows `select name, year, artist from album`, its parameters for the n-th time, and how many
/// rows it finds among so many albums.
struct Query {
    bench: &'static str,
    text: &'static str,
    parameters: fn(usize) -> Vec<String>,
    times: usize,
}

/// The queries that indexes serve.
const INDEXED: &[Query] = &[
    Query {
        bench: ONE,
        text: "where name = ?",
        parameters: |time| vec![format!("Origin of Symmetry, volume {}", time * 37 % 1_000)],
        times: TIMES,
    },
    Query {
        bench: EQUALITY,
        text: "where artist = ?",
        parameters: |time| vec![format!("Artist {}", time * 37 % 10_000)],
        times: TIMES,
    },
    Query {
        bench: RANGE,
        text: "where name >= ? and name < ?",
        parameters: |time| {
            let from = 500 + time % 100;
            [from, from + 1].map(|volume| format!("Origin of Symmetry, volume {volume}")).to_vec()
        },
        times: TIMES / 4,
    },
    Query { bench: FIRST, text: "order by name limit 10", parameters: |_| Vec::new(), times: TIMES },
];

/// The queries that none serves.
const SCANNING: &[Query] = &[
    Query { bench: TOP, text: "order by year desc, artist limit 10", parameters: |_| Vec::new(), times: 3 },
    Query { bench: COUNT, text: "where year = ?", parameters: |_| vec!["1984".to_owned()], times: 3 },
];

/// What indexes find, and what takes a scan: statements by their text, with parameters.
///
/// # Errors
/// What any peer says, and where peers find different rows.
pub fn queries(setup: &Setup, report: &mut Report) -> Result<(), Error> {
    let all = albums(setup.scaled(ALBUMS));
    let folder = tempfile::tempdir_in(setup.folder())?;
    let mut lite = sqlite::create(folder.path(), Durability::Buffered, true)?;
    sqlite::insert(&mut lite, &all, EACH)?;
    lite.execute_batch("create index album_artist on album (artist); analyze;")?;
    for (peer, _) in ENGINES.into_iter().filter(|(peer, _)| setup.wants(*peer)) {
        let folder = tempfile::tempdir_in(setup.folder())?;
        let store = filled(peer, folder.path(), &all, true)?;
        for query in INDEXED.iter().chain(SCANNING) {
            let text = format!("select name, year, artist from album {}", query.text);
            let mut expected = None;
            for (by, cached) in [(Peer::Sqlite, true), (Peer::SqlitePrepares, false)] {
                setup.rounds(by, |_| {
                    let ask = |time| -> Result<usize, Error> {
                        let parameters = rusqlite::params_from_iter((query.parameters)(time));
                        Ok(select(&lite, &text, parameters, cached)?.len())
                    };
                    let work = || (0..query.times).map(ask).sum::<Result<usize, Error>>();
                    expected = Some(report.time(query.bench, by, query.times, work)?);
                    Ok(())
                })?;
            }
            setup.rounds(peer, |_| {
                let ask = |time| -> Result<usize, Error> {
                    let texts = (query.parameters)(time);
                    let values = texts.iter().map(|text| Value::string(text.as_str()));
                    let values = values.collect::<Result<_, _>>()?;
                    Ok(store.select(&text, values, |row| album(row))?.len())
                };
                let work = || (0..query.times).map(ask).sum::<Result<usize, Error>>();
                let found = report.time(query.bench, peer, query.times, work)?;
                if expected.is_none_or(|expected| expected == found) {
                    Ok(())
                } else {
                    Err(format!("{}: {found} rows were found, not {expected:?}", query.bench).into())
                }
            })?;
        }
        store.close()?;
    }
    Ok(())
}
