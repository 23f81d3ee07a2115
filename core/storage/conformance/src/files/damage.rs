//! Files of a closed store that are changed or cut at any place: an error, or what was there before.

use std::fmt;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use super::load::{Items, Server, scripts};
use super::{Embedded, NEW, OLD, copy, files, folder, trim};
use crate::data::Dice;

/// What came out of damage at many places.
#[derive(Debug, Default)]
pub(super) struct Damage {
    /// The store did not open, or reading it failed, and said why.
    errors: u64,
    /// `verify` named faults.
    faults: u64,
    /// Nothing was wrong with what was read.
    same: u64,
    /// Where a program would have been brought down.
    panics: Vec<String>,
    /// Where something else was read, and nothing said so.
    wrong: Vec<String>,
}

impl Damage {
    /// Panics if a place was neither reported nor harmless.
    pub(super) fn check(&self) {
        assert!(
            self.panics.is_empty() && self.wrong.is_empty(),
            "{self}\n{:#?}\n{:#?}",
            self.panics,
            self.wrong
        );
        assert!(self.errors > 0, "{self}");
    }

    /// What went wrong.
    pub(super) fn troubles(&self) -> impl Iterator<Item = &String> {
        self.panics.iter().chain(&self.wrong)
    }

    /// The heading of the table.
    pub(super) const HEAD: &'static str = "places  error  faults named  unharmed  panics  wrong data";
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (panics, wrong) = (self.panics.len() as u64, self.wrong.len() as u64);
        let places = self.errors + self.faults + self.same + panics + wrong;
        let Damage { errors, faults, same, .. } = self;
        write!(f, "{places:6}  {errors:5}  {faults:12}  {same:8}  {panics:6}  {wrong:10}")
    }
}

/// A closed store, and what is in it. With long notes it holds so much that engines move it to other files than a
/// journal.
fn make(engine: &Embedded, path: &Path, seed: u64, long: bool) -> Items {
    const LONG: usize = 6;
    let mut items = Items::new();
    for round in 0..2 {
        let server = Server::open(engine, path, NEW, seed + round).unwrap();
        server.define().unwrap();
        for number in 0..if long && round == 0 { LONG } else { 0 } {
            server.insert_long(&format!("long {number}")).unwrap();
        }
        for end in server.write(scripts(seed, round, &items), 15, |_| {}) {
            end.unwrap();
        }
        items = server.items().unwrap();
        server.close().unwrap();
    }
    items
}

/// Hurts the engine's files at one place. Gives what was done.
fn hurt(data: &Path, dice: &mut Dice) -> String {
    let all: Vec<(PathBuf, usize)> = files(data)
        .into_iter()
        .map(|file| (file.clone(), usize::try_from(fs::metadata(&file).unwrap().len()).unwrap()))
        .filter(|(_, length)| *length > 0)
        .collect();
    // Small files matter as much as large ones, so half of the places are spread over files, half over bytes.
    let (file, at) = if dice.below(2) == 0 {
        let (file, length) = &all[dice.below(all.len())];
        (file, dice.below(*length))
    } else {
        let mut at = dice.below(all.iter().map(|(_, length)| length).sum());
        let hit = all.iter().find(|(_, length)| {
            let is_here = at < *length;
            at -= if is_here { 0 } else { *length };
            is_here
        });
        (&hit.unwrap().0, at)
    };
    let name = file.strip_prefix(data).unwrap().display().to_string();
    let mut bytes = fs::read(file).unwrap();
    let done = if dice.below(3) == 0 {
        bytes.truncate(at);
        format!("{name} cut at {at}")
    } else {
        let bit = dice.below(8);
        bytes[at] ^= 1 << bit;
        format!("{name} bit {bit} of byte {at}")
    };
    fs::write(file, bytes).unwrap();
    done
}

/// Damages a store at so many places, one at a time.
pub(super) fn places(engine: &Embedded, seed: u64, places: u64) -> Damage {
    let folder = folder();
    let stores = stores(engine, folder.path(), seed);
    let mut dice = Dice::new(seed);
    let mut damage = Damage::default();
    for place in 0..places {
        let path = folder.path().join(format!("damaged-{place}"));
        let (sound, expected) = &stores[dice.below(2)];
        copy(sound, &path);
        let done = hurt(&path.join("data"), &mut dice);
        damage.look(engine, seed, &path, expected, &done);
    }
    damage
}

/// Removes each file of a store in turn.
pub(super) fn removals(engine: &Embedded, seed: u64) -> Damage {
    let folder = folder();
    let mut damage = Damage::default();
    for (sound, expected) in stores(engine, folder.path(), seed) {
        for file in files(&sound.join("data")) {
            let path = folder.path().join("damaged");
            copy(&sound, &path);
            let place = file.strip_prefix(&sound).unwrap();
            fs::remove_file(path.join(place)).unwrap();
            damage.look(engine, seed, &path, &expected, &format!("{} removed", place.display()));
        }
    }
    damage
}

/// A small store and a longer one, and what is in them.
fn stores(engine: &Embedded, folder: &Path, seed: u64) -> [(PathBuf, Items); 2] {
    [false, true].map(|long| {
        let sound = folder.join(format!("sound-{long}"));
        let expected = make(engine, &sound, seed, long);
        trim(&sound);
        let unharmed = folder.join(format!("unharmed-{long}"));
        copy(&sound, &unharmed);
        let server = Server::open(engine, &unharmed, OLD, seed + 3).unwrap();
        assert_eq!(server.items(), Ok(expected.clone()));
        (sound, expected)
    })
}

impl Damage {
    /// Reads a damaged store, and removes it.
    fn look(&mut self, engine: &Embedded, seed: u64, path: &Path, expected: &Items, done: &str) {
        let read = || {
            let server = Server::open(engine, path, OLD, seed + 2).map_err(|error| error.to_string())?;
            let items = server.items()?;
            Ok::<_, String>((items, server.faults()?))
        };
        match catch_unwind(AssertUnwindSafe(read)) {
            Err(_) => self.panics.push(format!("seed {seed}: {done}")),
            Ok(Err(_)) => self.errors += 1,
            Ok(Ok((_, faults))) if !faults.is_empty() => self.faults += 1,
            Ok(Ok((items, _))) if items != *expected => self.wrong.push(format!("seed {seed}: {done}")),
            Ok(Ok(_)) => self.same += 1,
        }
        let _ = fs::remove_dir_all(path);
    }
}
