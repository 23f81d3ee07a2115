//! Cases for engines whose stores are directories: who may open them, what survives a kill, what damage does.

mod damage;
mod full;
mod kill;
mod load;
mod place;
mod program;
mod read_only;
mod summary;
mod unfinished;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use ankurah_core::id::OpId;
use ankurah_core::storage::{Batch, Durability, Engine, Position, SetAside, StorageError};
use futures::StreamExt;
use futures::executor::block_on;
use libtest_mimic::{Arguments, Trial};

use crate::data::{Writer, model, property};
use crate::skip::skip;
use crate::{Factory, fixture, trials};

/// How a store in a directory is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mode {
    /// Make a store where there is none.
    pub create: bool,
    /// Refuse what writes.
    pub read_only: bool,
}

/// An engine on a directory.
pub type Opened = Result<Arc<dyn Engine>, StorageError>;

/// An engine whose stores are directories.
#[derive(Clone, Copy)]
pub struct Embedded {
    /// Its name.
    pub name: &'static str,
    /// Opens a store.
    pub open: fn(&Path, Mode) -> Opened,
}

const NEW: Mode = Mode { create: true, read_only: false };
const OLD: Mode = Mode { create: false, read_only: false };
const READ: Mode = Mode { create: false, read_only: true };
/// Tells a process that it is to write into the store in this directory until it is killed.
const VICTIM: &str = "ANKURAH_CONFORMANCE_VICTIM";
/// Tells such processes the seed and what else they have to know.
const PLAN: &str = "ANKURAH_CONFORMANCE_PLAN";
/// Tells a process that it is to fill this disk.
const FULL: &str = "ANKURAH_CONFORMANCE_FULL";
/// Tells a process that it is to read the store in this directory.
const READER: &str = "ANKURAH_CONFORMANCE_READER";

/// Runs the suite and the cases for directories as a test program with the usual arguments.
pub fn main<F: Factory>(factory: F, engine: Embedded) -> ExitCode {
    if let Some(path) = std::env::var_os(VICTIM) {
        return kill::victim(&engine, Path::new(&path));
    }
    if let Some(path) = std::env::var_os(FULL) {
        return full::inside(&engine, Path::new(&path));
    }
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("kill") {
        return program::run(&engine, arguments);
    }
    if let Some(path) = std::env::var_os(READER) {
        return read_only::read(&engine, Path::new(&path));
    }
    let mut all = trials(factory);
    type Run = fn(&Embedded);
    let cases: [(&str, Run); 13] = [
        ("file::a_store_is_made_only_when_asked", made),
        ("file::an_unfinished_store_is_made_anew", unfinished::made_anew),
        ("file::a_second_opening_names_the_holder", locked),
        ("file::what_was_acknowledged_survives_a_kill", killed),
        ("file::a_newer_store_is_refused", newer),
        ("file::a_lost_store_is_damage_not_a_new_one", lost),
        ("file::read_only_writes_nothing", read_only::writes_nothing),
        (READ_ONLY_SYSTEM, |engine| needs(READ_ONLY_SYSTEM, read_only::on_a_read_only_file_system(engine))),
        (READ_ONLY_PERMISSION, |engine| needs(READ_ONLY_PERMISSION, read_only::without_permission(engine))),
        ("file::a_store_of_the_first_version_opens", first_version),
        ("file::damage_is_an_error_or_harmless", |engine| damage::places(engine, 4, 60).check()),
        ("file::a_removed_file_is_an_error_or_harmless", |engine| damage::removals(engine, 4).check()),
        (DISK_FULL, disk_full),
    ];
    all.extend(cases.into_iter().map(|(name, run)| {
        Trial::test(name, move || {
            run(&engine);
            Ok(())
        })
    }));
    libtest_mimic::run(&Arguments::from_args(), all).exit_code()
}

const DISK_FULL: &str = "file::what_was_acknowledged_survives_a_full_disk";
const READ_ONLY_SYSTEM: &str = "file::a_store_on_a_read_only_file_system_can_be_read";
const READ_ONLY_PERMISSION: &str = "file::a_store_without_permission_to_write_can_be_read";

/// Says that a case was skipped if it could not be done.
fn needs(case: &str, done: bool) {
    if !done {
        skip(case, "a way to make places that cannot be written", place::ENABLE);
    }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn commit(engine: &dyn Engine, batch: Batch) -> Position {
    block_on(engine.commit(batch, Durability::Synced)).unwrap()
}

fn error(result: Opened) -> StorageError {
    result.map(|_| ()).expect_err("it is refused")
}

fn made(engine: &Embedded) {
    let folder = folder();
    let path = folder.path().join("store");
    for mode in [OLD, Mode { create: true, read_only: true }] {
        assert!(matches!(error((engine.open)(&path, mode)), StorageError::Open { .. }));
        assert!(!path.exists());
    }
    fs::create_dir(&path).unwrap();
    let foreign = path.join("letter.txt");
    fs::write(&foreign, "dear").unwrap();
    assert!(matches!(error((engine.open)(&path, NEW)), StorageError::Open { .. }));
    fs::remove_file(&foreign).unwrap();
    let first = (engine.open)(&path, NEW).unwrap();
    assert_eq!(first.info().engine, engine.name);
    commit(&*first, Writer::new(0).create(model(0), &[]).batch());
    let info = first.info();
    drop(first);
    // What others put beside it does no harm.
    fs::write(&foreign, "dear").unwrap();
    assert_eq!((engine.open)(&path, OLD).unwrap().info(), info);
    let other = path.join("ankurah-store");
    let marker = fs::read_to_string(&other).unwrap();
    fs::write(&other, marker.replace(engine.name, "quantum")).unwrap();
    let message = error((engine.open)(&path, NEW)).to_string();
    assert!(message.contains("it holds a store of engine quantum"), "{message}");
}

fn killed(engine: &Embedded) {
    kill::rounds(engine, 3, 20).check();
}

fn locked(engine: &Embedded) {
    let folder = folder();
    let holder = |pid: u32| {
        let name = std::env::current_exe().unwrap();
        let name: String = name.file_name().unwrap().to_string_lossy().chars().take(64).collect();
        format!("process {pid} ({name})")
    };
    let refused = |pid: u32| match error((engine.open)(folder.path(), NEW)) {
        StorageError::Locked { holder: found, path } => {
            assert_eq!((found, path), (holder(pid), folder.path().display().to_string()));
        }
        other => panic!("{other}"),
    };
    let mut victim = kill::Victim::start(folder.path(), 5, 0, u64::MAX);
    while victim.next().is_some_and(|line| line != "open") {}
    refused(victim.process());
    victim.kill();
    let own = (engine.open)(folder.path(), OLD).unwrap();
    refused(std::process::id());
    let view = block_on(own.view()).unwrap();
    drop(own);
    drop(view);
    (engine.open)(folder.path(), OLD).unwrap();
}

fn newer(engine: &Embedded) {
    let folder = folder();
    drop((engine.open)(folder.path(), NEW).unwrap());
    let path = folder.path().join("ankurah-store");
    let marker = fs::read_to_string(&path).unwrap();
    fs::write(&path, marker.replace("layout 1", "layout 7")).unwrap();
    let found = error((engine.open)(folder.path(), NEW));
    assert!(matches!(found, StorageError::Newer { what: "folder layout", found: 7, known: 1 }), "{found}");
}

fn lost(engine: &Embedded) {
    for keep_folder in [false, true] {
        let folder = folder();
        let first = (engine.open)(folder.path(), NEW).unwrap();
        commit(&*first, Writer::new(0).create(model(0), &[]).batch());
        drop(first);
        fs::remove_dir_all(folder.path().join("data")).unwrap();
        if keep_folder {
            fs::create_dir(folder.path().join("data")).unwrap();
        }
        let found = error((engine.open)(folder.path(), NEW));
        assert!(matches!(found, StorageError::Damaged { .. }), "{found}");
    }
}

/// Everything below a folder.
fn entries(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(entries(&path));
        }
        found.push(path);
    }
    found.sort();
    found
}

/// All files below a folder.
fn files(path: &Path) -> Vec<PathBuf> {
    entries(path).into_iter().filter(|path| path.is_file()).collect()
}

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let target = to.join(file.strip_prefix(from).unwrap());
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(&file, target).unwrap();
    }
}

/// Everything in a store, as one text for each record.
pub(crate) async fn everything(engine: &dyn Engine) -> Result<Vec<String>, StorageError> {
    let view = engine.view().await?;
    let mut all = vec![format!("{:?}", view.position())];
    let mut entities = BTreeMap::new();
    for entry in view.log(Position(0), 10_000).await? {
        all.push(format!("{entry:?}"));
        entities.extend(entry.changes.iter().map(|change| (change.entity, change.model)));
    }
    for (entity, model) in entities {
        all.push(format!("{:?}", view.state(model, entity).await?));
        all.push(format!("{:?}", view.operations(entity, OpId::MIN, 100).await?));
        all.push(format!("{:?}", view.text(entity, property(5)).await?));
    }
    for set in [SetAside::Parked, SetAside::Refused, SetAside::Equivocal] {
        all.push(format!("{:?}", view.set_aside(set, OpId::MIN, 100).await?));
    }
    all.push(format!("{:?} {:?}", view.actors().await?, view.record("key").await?));
    Ok(all)
}

/// Files that are made long in advance end in zeros, which the fixture leaves out.
fn trim(path: &Path) {
    for file in files(path) {
        let bytes = fs::read(&file).unwrap();
        let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
        if bytes.len() > used + 4096 {
            fs::write(&file, &bytes[..used]).unwrap();
        }
    }
}

fn first_version(engine: &Embedded) {
    let fixture = fixture::path(engine.name);
    let folder = folder();
    let (old, new) = (folder.path().join("old"), folder.path().join("new"));
    fixture::fill(&*(engine.open)(&new, NEW).unwrap());
    if fixture::is_blessing() {
        if fixture.exists() {
            fs::remove_dir_all(&fixture).unwrap();
        }
        copy(&new, &fixture);
        fs::remove_file(fixture.join("owner")).unwrap();
        trim(&fixture);
    }
    copy(&fixture, &old);
    let (old, new) = ((engine.open)(&old, OLD).unwrap(), (engine.open)(&new, OLD).unwrap());
    assert!(old.was_clean());
    assert_eq!(block_on(everything(&*old)).unwrap(), block_on(everything(&*new)).unwrap());
    assert_eq!(old.indexes(), new.indexes());
    let faults: Vec<_> = block_on(old.check().collect());
    assert!(faults.is_empty(), "{faults:?}");
}

/// The store cannot be opened or read, names its faults, or holds what it did; never less, as the version at which it
/// was closed is kept apart.
fn disk_full(engine: &Embedded) {
    let _ = engine;
    match full::rounds(6, 20) {
        Some(summary) => summary.check(),
        None => skip(DISK_FULL, "a way to make a small disk", place::ENABLE),
    }
}
