//! What fjall does not check itself, and would follow wherever it leads: the list of the tables of a tree, and the
//! table of contents of each table file.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Cursor, ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use ankurah_core::storage::StorageError;
use ankurah_storage_directory::open_error;
use xxhash_rust::xxh3::xxh3_128;

/// The end of a table file: four letters, two bytes for versions, the checksum of the table of contents, where that
/// begins, and how long it is.
const TRAILER: usize = 4 + 1 + 1 + 16 + 8 + 8;
/// A table of contents names a handful of parts; a longer one is none.
const MAX_CONTENTS: u64 = 1 << 20;

/// Checks the files of a database, if there is one.
pub(crate) fn check(data: &Path, what: &str) -> Result<(), StorageError> {
    let damaged = |message: String| StorageError::Damaged { what: what.to_owned(), message };
    let failed = |error: io::Error| open_error(data, &error);
    let trees = data.join("keyspaces");
    for tree in folder(&trees).map_err(failed)? {
        let tree = trees.join(tree);
        // What is not on the list was not finished before a crash or on a full disk; fjall removes it.
        for number in list(&tree).map_err(failed)?.map_err(damaged)? {
            let table = tree.join("tables").join(number.to_string());
            if contents(&table).map_err(failed)?.is_none() {
                return Err(damaged(format!("the table file {number} is damaged or missing")));
            }
        }
    }
    Ok(())
}

/// The names in a folder; none where there is no such folder.
fn folder(path: &Path) -> io::Result<Vec<OsString>> {
    match fs::read_dir(path) {
        Ok(entries) => entries.map(|entry| Ok(entry?.file_name())).collect(),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}

/// What a file holds; `None` where it is missing.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        read => read.map(Some),
    }
}

/// The numbers of the tables of a tree, from the list of which the checksum is kept apart; or what is wrong with it.
fn list(tree: &Path) -> io::Result<Result<Vec<u64>, String>> {
    let Some(current) = read(&tree.join("current"))? else {
        // A tree that was just being made has no table yet; fjall makes it again.
        let is_new = folder(&tree.join("tables"))?.is_empty();
        return Ok(if is_new { Ok(Vec::new()) } else { Err("one of its files is missing".to_owned()) });
    };
    let numbers = current.get(..8).zip(current.get(8..24)).filter(|_| current.len() == 25);
    let numbers = numbers.and_then(|(id, sum)| Some((id.try_into().ok()?, sum.try_into().ok()?)));
    let Some((id, sum)) = numbers else {
        return Ok(Err("the file that names a list of table files is damaged".to_owned()));
    };
    let list = read(&tree.join(format!("v{}", u64::from_le_bytes(id))))?;
    let list = list.filter(|bytes| xxh3_128(bytes) == u128::from_le_bytes(sum));
    let tables = list.and_then(|bytes| tables(&bytes));
    Ok(tables.ok_or_else(|| "a list of table files is damaged or missing".to_owned()))
}

/// The numbers of the tables on a list: for each level its runs, for each run its tables, each of those with number,
/// kind of checksum, checksum, and the number of a write.
fn tables(list: &[u8]) -> Option<Vec<u64>> {
    const REST: usize = 1 + 16 + 8;
    let contents = sfa::Reader::from_reader(&mut Cursor::new(list)).ok()?;
    let part = contents.toc().section(b"tables")?;
    let start = usize::try_from(part.pos()).ok()?;
    let end = start.checked_add(usize::try_from(part.len()).ok()?)?;
    let mut bytes = list.get(start..end)?;
    let mut tables = Vec::new();
    for _ in 0..take::<1>(&mut bytes)?[0] {
        for _ in 0..take::<1>(&mut bytes)?[0] {
            for _ in 0..u32::from_le_bytes(take(&mut bytes)?) {
                tables.push(u64::from_le_bytes(take(&mut bytes)?));
                take::<REST>(&mut bytes)?;
            }
        }
    }
    Some(tables)
}

/// Takes the first bytes.
fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*first)
}

/// Checks the table of contents of a table file. `None` where it is damaged.
fn contents(path: &Path) -> io::Result<Option<()>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let length = file.metadata()?.len();
    let size = u64::try_from(TRAILER).unwrap_or(u64::MAX);
    let Some(end) = length.checked_sub(size) else { return Ok(None) };
    file.seek(SeekFrom::Start(end))?;
    let mut trailer = [0; TRAILER];
    file.read_exact(&mut trailer)?;
    let sum = trailer.get(6..22).and_then(|bytes| Some(u128::from_le_bytes(bytes.try_into().ok()?)));
    let start = trailer.get(22..30).and_then(|bytes| Some(u64::from_le_bytes(bytes.try_into().ok()?)));
    let (Some(sum), Some(start)) = (sum, start) else { return Ok(None) };
    let long = end.checked_sub(start).filter(|long| *long <= MAX_CONTENTS);
    let Some(long) = long.and_then(|long| usize::try_from(long).ok()) else { return Ok(None) };
    let mut bytes = vec![0; long];
    file.seek(SeekFrom::Start(start))?;
    file.read_exact(&mut bytes)?;
    Ok((xxh3_128(&bytes) == sum).then_some(()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fjall::{Database, KeyspaceCreateOptions};

    /// A database with tables in one tree; gives its folder and that of the tree.
    fn made() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::builder(folder.path()).open().unwrap();
        let tree = database.keyspace("a", KeyspaceCreateOptions::default).unwrap();
        for round in 0..3u8 {
            for key in 0..100u8 {
                tree.insert([round, key], [key; 50]).unwrap();
            }
            tree.rotate_memtable_and_wait().unwrap();
        }
        let place = tree.path().to_owned();
        (folder, place)
    }

    fn said(folder: &Path) -> Option<String> {
        check(folder, "it").err().map(|error| error.to_string())
    }

    #[test]
    fn tables_on_the_list_are_found() {
        let (folder, tree) = made();
        assert_eq!(said(folder.path()), None);
        let mut listed = list(&tree).unwrap().unwrap();
        listed.sort_unstable();
        let mut found: Vec<u64> = super::folder(&tree.join("tables"))
            .unwrap()
            .into_iter()
            .map(|name| name.to_string_lossy().parse().unwrap())
            .collect();
        found.sort_unstable();
        assert_eq!((listed.len(), listed), (3, found));
    }

    #[test]
    fn what_is_not_on_the_list_does_no_harm() {
        let (folder, tree) = made();
        fs::write(tree.join("tables/99"), "cut").unwrap();
        let new = folder.path().join("keyspaces/7");
        fs::create_dir_all(new.join("tables")).unwrap();
        fs::write(new.join("v0"), "cut").unwrap();
        assert_eq!(said(folder.path()), None);
    }

    #[test]
    fn every_bit_of_a_list_counts() {
        let (folder, tree) = made();
        let current = fs::read(tree.join("current")).unwrap();
        let version = u64::from_le_bytes(current[..8].try_into().unwrap());
        for name in ["current".to_owned(), format!("v{version}")] {
            let file = tree.join(&name);
            let sound = fs::read(&file).unwrap();
            // The last byte of `current` is the kind of checksum, which fjall does not read either.
            for at in 0..sound.len().min(if name == "current" { 24 } else { usize::MAX }) {
                let mut bytes = sound.clone();
                bytes[at] ^= 4;
                fs::write(&file, bytes).unwrap();
                assert!(said(folder.path()).is_some(), "{name} {at}");
            }
            for length in 0..sound.len() {
                fs::write(&file, &sound[..length]).unwrap();
                assert!(said(folder.path()).is_some(), "{name} cut at {length}");
            }
            fs::write(&file, &sound).unwrap();
        }
        assert_eq!(said(folder.path()), None);
    }

    #[test]
    fn a_table_file_that_ends_otherwise_is_damaged() {
        let (folder, tree) = made();
        let file = fs::read_dir(tree.join("tables")).unwrap().next().unwrap().unwrap().path();
        let sound = fs::read(&file).unwrap();
        for length in [0, 1, TRAILER - 1, TRAILER, sound.len() / 2, sound.len() - 1] {
            fs::write(&file, &sound[..length]).unwrap();
            assert!(
                said(folder.path()).is_some_and(|said| said.contains("is damaged or missing")),
                "{length}"
            );
        }
        fs::remove_file(&file).unwrap();
        assert!(said(folder.path()).is_some());
    }
}
