//! All of the Chinook music store, imported with one command a file, and every query of `fixtures/chinook/`
//! asked of both sides.

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ankurah_repl::cli::{Cli, Command};
use ankurah_repl::import::{Progress, Source, Step, Summary, form_of, import};
use clap::Parser;

use crate::answer::{Tolerance, difference};
use crate::sqlite::Sqlite;
use crate::store::{EngineKind, Store};

/// The files: the name, how many columns its key has, and which columns refer to which others. A file comes
/// after those that it refers to.
const FILES: &[(&str, usize, &[&str])] = &[
    ("artist", 1, &[]),
    ("genre", 1, &[]),
    ("mediatype", 1, &[]),
    ("playlist", 1, &[]),
    ("album", 1, &["ArtistId=artist.ArtistId"]),
    ("track", 1, &["AlbumId=album.AlbumId", "MediaTypeId=mediatype.MediaTypeId", "GenreId=genre.GenreId"]),
    ("employee", 1, &["ReportsTo=employee.EmployeeId"]),
    ("customer", 1, &["SupportRepId=employee.EmployeeId"]),
    ("invoice", 1, &["CustomerId=customer.CustomerId"]),
    ("invoiceline", 1, &["InvoiceId=invoice.InvoiceId", "TrackId=track.TrackId"]),
    ("playlisttrack", 2, &["PlaylistId=playlist.PlaylistId", "TrackId=track.TrackId"]),
];

/// As many queries at least.
const QUERIES: usize = 150;

#[test]
fn chinook_in_memory() {
    compare(EngineKind::Memory);
}

#[test]
fn chinook_in_sled() {
    compare(EngineKind::Sled);
}

#[test]
fn chinook_in_fjall() {
    compare(EngineKind::Fjall);
}

fn compare(kind: EngineKind) {
    let Some(folder) = data(&format!("chinook in {kind}")) else { return };
    let queries = queries();
    let sqlite = Sqlite::new();
    let rows: Vec<usize> =
        FILES.iter().map(|(name, ..)| sqlite.load_csv(&folder.join(format!("{name}.csv")), name)).collect();
    let mut failures = String::new();
    let mut failed = 0;
    for refs in [false, true] {
        let store = Store::new(kind, 1);
        for ((name, keys, references), rows) in FILES.iter().zip(&rows) {
            let references = if refs { *references } else { &[] };
            let summary = import_file(&store, &folder.join(format!("{name}.csv")), name, *keys, references);
            assert_eq!(summary, Summary { created: *rows as u64, ..Summary::default() }, "{name}");
        }
        // The second time round, indexes that the first time called for are there.
        for round in 0..2 {
            for query in queries.iter().filter(|query| query.refs == refs) {
                if let Some(failure) = ask_both(&store, &sqlite, query) {
                    failed += 1;
                    let _ = writeln!(failures, "# {} ({kind}, round {round})\n{failure}", query.name);
                }
            }
            store.run_background();
        }
        assert!(refs || store.indexes() > 0, "no query called for an index");
        if !refs {
            // Importing again by key changes nothing.
            let summary = import_file(&store, &folder.join("genre.csv"), "genre", 1, &[]);
            assert_eq!((summary.created, summary.updated, summary.rejected), (0, 0, 0));
        }
    }
    assert!(failed == 0, "{failed} answers differ\n\n{failures}");
    let _ = writeln!(std::io::stderr(), "chinook in {kind}: {} queries agree, twice each", queries.len());
}

/// What is wrong with our answer.
fn ask_both(store: &Store, sqlite: &Sqlite, query: &Query) -> Option<String> {
    let theirs = sqlite.ask(&query.theirs).unwrap_or_else(|error| panic!("# {}: {error}", query.name));
    match store.ask(&query.ours) {
        Err(failure) => Some(format!("{}\n  failed: {} ({:?})\n", query.ours, failure.message, failure.span)),
        Ok(ours) => {
            let difference = difference(&ours, &theirs, query.ordered, Tolerance::RELATIVE)?;
            Some(format!(
                "{}\n  ours:\n{ours}  SQLite's, to `{}`:\n{theirs}  first difference: {difference}\n",
                query.ours, query.theirs
            ))
        }
    }
}

/// Imports a file as the command does.
fn import_file(store: &Store, path: &Path, into: &str, keys: usize, references: &[&str]) -> Summary {
    let header = std::fs::read_to_string(path).unwrap();
    let columns: Vec<&str> = header.lines().next().unwrap().split(',').collect();
    let mut words = vec!["ankurah", "import", "memory:", path.to_str().unwrap(), "--into", into];
    columns.iter().take(keys).for_each(|column| words.extend(["--key", column]));
    references.iter().for_each(|reference| words.extend(["--ref", reference]));
    let Ok(Command::Import(args)) = Cli::try_parse_from(words).map(|cli| cli.command) else {
        panic!("the command is not understood");
    };
    let form = form_of(&args.file).unwrap();
    let count = Progress::default();
    let open = |names| Source::open(std::fs::File::open(&args.file)?, form, names, Arc::clone(&count));
    let mut rejected = Vec::new();
    let result = import(&args, &store.client, &open, &mut |step| {
        if let Step::Rejected(line, bad) = step {
            rejected.push(format!("{into}:{line}: {}", bad.message));
        }
    });
    assert!(rejected.is_empty(), "{rejected:#?}");
    result.unwrap_or_else(|trouble| panic!("{into}: {trouble:?}"))
}

/// The folder with the data; where it is missing, the test says so and is skipped.
fn data(test: &str) -> Option<PathBuf> {
    let is_there = |folder: &Path| folder.join("chinook/track.csv").is_file();
    let found = match std::env::var_os("ANKURAH_DATA") {
        Some(folder) => Some(PathBuf::from(folder)).filter(|folder| is_there(folder)),
        None => Path::new(env!("CARGO_MANIFEST_DIR"))
            .ancestors()
            .skip(2)
            .map(|parent| parent.join("shared/data"))
            .find(|folder| is_there(folder)),
    };
    if let Some(folder) = found {
        return Some(folder.join("chinook"));
    }
    let line = format!("{test}\tthe Chinook data\tset ANKURAH_DATA to a folder with chinook/track.csv\n");
    let _ = std::io::stderr().write_all(format!("skipped: {line}").as_bytes());
    if let Some(list) = std::env::var_os("ANKURAH_SKIPS") {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(list).unwrap();
        file.write_all(line.as_bytes()).unwrap();
    }
    None
}

#[derive(Debug, PartialEq, Eq)]
struct Query {
    name: String,
    ordered: bool,
    refs: bool,
    ours: String,
    theirs: String,
}

fn queries() -> Vec<Query> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/chinook/queries.txt");
    let text = std::fs::read_to_string(path).unwrap();
    let queries: Vec<Query> = text.trim_end().split("\n\n").map(block).collect();
    assert!(queries.len() >= QUERIES, "{} queries", queries.len());
    for (at, query) in queries.iter().enumerate() {
        assert!(!queries.iter().skip(at + 1).any(|other| other.name == query.name), "# {} twice", query.name);
    }
    queries
}

fn block(text: &str) -> Query {
    let mut lines = text.lines().peekable();
    let name = lines.next().and_then(|line| line.strip_prefix("# ")).unwrap_or_else(|| panic!("{text}"));
    let ordered = lines.next_if_eq(&"ordered: yes").is_some();
    let refs = lines.next_if_eq(&"refs: yes").is_some();
    let rest: Vec<&str> = lines.collect();
    let mut parts = rest.split(|line| *line == "sqlite:");
    let ours = parts.next().map(|lines| lines.join("\n")).unwrap();
    let theirs = parts.next().map_or_else(|| ours.clone(), |lines| lines.join("\n"));
    assert!(!ours.is_empty() && !theirs.is_empty() && parts.next().is_none(), "{text}");
    Query { name: name.to_owned(), ordered, refs, ours, theirs }
}
