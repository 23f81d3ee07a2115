//! Writing: one entity in each commit, and many.

use std::sync::Mutex;

use ankurah::Durability;
use peers_public as public;

use crate::data::{Album, albums};
use crate::ours::Ours;
use crate::raw::{Group, Raw};
use crate::record::{Batch, record};
use crate::report::{Peer, Report, Wanted};
use crate::{Error, Setup, sqlite};

/// Commits of one entity each, acknowledged before they are on disk.
pub const BUFFERED: &str = "commit-buffered";
/// The same by 32 at a time, acknowledged when they are on disk.
pub const SYNCED: &str = "commit-synced-32";
/// A thousand keyed entities in each commit.
pub const BULK: &str = "upsert-1000";

/// How many commit at a time in [`SYNCED`].
const COMMITTERS: usize = 32;
/// How many entities a commit of [`BULK`] has.
const EACH: usize = 1_000;

/// Our engines, and each alone.
const ENGINES: [(Peer, Peer); 3] =
    [(Peer::OursMemory, Peer::RawMemory), (Peer::OursFjall, Peer::RawFjall), (Peer::OursSled, Peer::RawSled)];

/// The ratios that matter.
pub const WANTED: &[Wanted] = &[
    (BUFFERED, Peer::OursMemory, Peer::RawMemory, Some(0.5)),
    (BUFFERED, Peer::OursFjall, Peer::RawFjall, Some(0.5)),
    (BUFFERED, Peer::OursSled, Peer::RawSled, Some(0.5)),
    (BUFFERED, Peer::OursFjall, Peer::PublicSled, Some(8.0)),
    (BUFFERED, Peer::OursSled, Peer::PublicSled, Some(2.0)),
    (BUFFERED, Peer::OursFjall, Peer::Sqlite, None),
    (SYNCED, Peer::OursFjall, Peer::RawFjall, Some(0.5)),
    (SYNCED, Peer::OursSled, Peer::RawSled, Some(0.5)),
    (SYNCED, Peer::OursFjall, Peer::Sqlite, None),
    (BULK, Peer::OursMemory, Peer::RawMemory, None),
    (BULK, Peer::OursFjall, Peer::RawFjall, None),
    (BULK, Peer::OursSled, Peer::RawSled, None),
    (BULK, Peer::OursFjall, Peer::PublicSled, None),
    (BULK, Peer::OursFjall, Peer::Sqlite, None),
];

fn public_albums(albums: &[Album]) -> Vec<public::Album> {
    let album = |album: &Album| public::Album {
        name: album.name.clone(),
        year: album.year.clone(),
        artist: album.artist.clone(),
    };
    albums.iter().map(album).collect()
}

/// One entity in each commit, one after the other.
///
/// # Errors
/// What any peer says.
pub fn buffered(setup: &Setup, report: &mut Report) -> Result<(), Error> {
    let count = setup.scaled(20_000);
    let albums = albums(count);
    // What is the first of its kind declares its model.
    let first = crate::data::albums(1);
    let batches = record(|ours| ours.create_albums(&first), |ours| ours.create_albums(&albums))?;
    for (ours, raw) in ENGINES {
        setup.rounds(ours, |folder| {
            let store = Ours::create(ours, folder, Durability::Buffered)?;
            store.create_albums(&first)?;
            report.time(BUFFERED, ours, count, || store.create_albums(&albums))?;
            store.close()
        })?;
        setup.rounds(raw, |folder| {
            let store = Raw::create(raw, folder)?;
            let batches = batches.clone();
            report.time(BUFFERED, raw, count, || batches.into_iter().try_for_each(|batch| store.apply(batch)))
        })?;
    }
    let theirs = public_albums(&albums);
    setup.rounds(Peer::PublicSled, |folder| {
        let store = public::Store::create(folder)?;
        report.time(BUFFERED, Peer::PublicSled, count, || store.create_albums(&theirs, 1))
    })?;
    setup.rounds(Peer::Sqlite, |folder| {
        let mut store = sqlite::create(folder, Durability::Buffered, false)?;
        report.time(BUFFERED, Peer::Sqlite, count, || sqlite::insert(&mut store, &albums, 1))
    })
}

/// Shares work out to threads, and gives the first error.
fn all_at_once<T: Send>(
    work: impl IntoIterator<Item = T>,
    each: impl Fn(T) -> Result<(), Error> + Sync,
) -> Result<(), Error> {
    let (each, failed) = (&each, &Mutex::new(None));
    std::thread::scope(|scope| {
        for part in work {
            scope.spawn(move || {
                if let Err(error) = each(part) {
                    *failed.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(error);
                }
            });
        }
    });
    failed.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take().map_or(Ok(()), Err)
}

/// One entity in each commit, many at a time, on disk when it is acknowledged.
///
/// # Errors
/// What any peer says.
pub fn synced(setup: &Setup, report: &mut Report) -> Result<(), Error> {
    let count = setup.scaled(6_400).div_ceil(COMMITTERS) * COMMITTERS;
    let share = count / COMMITTERS;
    let albums = albums(count);
    // What is the first of its kind declares its model.
    let first = crate::data::albums(1);
    let batches = record(|ours| ours.create_albums(&first), |ours| ours.create_albums(&albums))?;
    for (ours, raw) in ENGINES {
        if ours == Peer::OursMemory {
            continue;
        }
        setup.rounds(ours, |folder| {
            let store = Ours::create(ours, folder, Durability::Synced)?;
            store.create_albums(&first)?;
            report.time(SYNCED, ours, count, || {
                all_at_once(albums.chunks(share), |albums| store.create_albums(albums))
            })?;
            store.close()
        })?;
        setup.rounds(raw, |folder| {
            let store = Raw::create(raw, folder)?;
            let group = Group::default();
            let parts: Vec<Vec<Batch>> = batches.chunks(share).map(<[Batch]>::to_vec).collect();
            report.time(SYNCED, raw, count, || {
                all_at_once(parts, |part| part.into_iter().try_for_each(|batch| group.commit(&store, batch)))
            })
        })?;
    }
    setup.rounds(Peer::Sqlite, |folder| {
        let store = Mutex::new(sqlite::create(folder, Durability::Synced, false)?);
        report.time(SYNCED, Peer::Sqlite, count, || {
            all_at_once(albums.chunks(share), |albums| {
                for album in albums.chunks(1) {
                    let mut store = store.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    sqlite::insert(&mut store, album, 1)?;
                }
                Ok(())
            })
        })
    })
}

/// Many entities in each commit, named by their keys, as an import does.
///
/// # Errors
/// What any peer says.
pub fn bulk(setup: &Setup, report: &mut Report) -> Result<(), Error> {
    let count = setup.scaled(100_000);
    let albums = albums(count);
    let batches = record(|ours| ours.define(true), |ours| ours.upsert(&albums, EACH))?;
    for (ours, raw) in ENGINES {
        setup.rounds(ours, |folder| {
            let store = Ours::create(ours, folder, Durability::Buffered)?;
            store.define(true)?;
            report.time(BULK, ours, count, || store.upsert(&albums, EACH))?;
            store.close()
        })?;
        setup.rounds(raw, |folder| {
            let store = Raw::create(raw, folder)?;
            let batches = batches.clone();
            report.time(BULK, raw, count, || batches.into_iter().try_for_each(|batch| store.apply(batch)))
        })?;
    }
    let theirs = public_albums(&albums);
    setup.rounds(Peer::PublicSled, |folder| {
        let store = public::Store::create(folder)?;
        report.time(BULK, Peer::PublicSled, count, || store.create_albums(&theirs, EACH))
    })?;
    setup.rounds(Peer::Sqlite, |folder| {
        let mut store = sqlite::create(folder, Durability::Buffered, true)?;
        report.time(BULK, Peer::Sqlite, count, || sqlite::insert(&mut store, &albums, EACH))
    })
}
