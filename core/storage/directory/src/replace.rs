//! Putting a folder of files in the place of another, so that one of the two is there whatever interrupts it.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use super::DATA;

/// The new files, until they have their place.
const FRESH: &str = "data.fresh";
/// The old files, until they are removed. While they are there and the others are not, the new files are whole.
const REPLACED: &str = "data.replaced";

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Finishes what was interrupted.
pub(crate) fn recover(path: &Path) -> io::Result<()> {
    let (data, fresh, replaced) = (path.join(DATA), path.join(FRESH), path.join(REPLACED));
    if replaced.is_dir() && !data.is_dir() {
        fs::rename(&fresh, &data)?;
    }
    remove(&fresh)?;
    remove(&replaced)
}

/// The folder for the new files, which is empty and not made yet.
pub(crate) fn fresh(path: &Path) -> io::Result<PathBuf> {
    recover(path)?;
    Ok(path.join(FRESH))
}

/// Replaces the files by the new ones.
pub(crate) fn replace(path: &Path) -> io::Result<()> {
    let (data, fresh, replaced) = (path.join(DATA), path.join(FRESH), path.join(REPLACED));
    fs::rename(&data, &replaced)?;
    fs::rename(&fresh, &data)?;
    File::open(path)?.sync_all()?;
    remove(&replaced)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(of: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for name in of {
            fs::create_dir(folder.path().join(name)).unwrap();
            fs::write(folder.path().join(name).join("is"), name).unwrap();
        }
        folder
    }

    fn what_is_there(path: &Path) -> (String, usize) {
        let is = fs::read_to_string(path.join(DATA).join("is")).unwrap();
        (is, fs::read_dir(path).unwrap().count())
    }

    #[test]
    fn whatever_interrupts_it_one_of_the_two_is_there() {
        for (before, after) in [
            (vec![DATA], DATA),
            (vec![DATA, FRESH], DATA),
            (vec![FRESH, REPLACED], FRESH),
            (vec![DATA, REPLACED], DATA),
        ] {
            let folder = folder(&before);
            recover(folder.path()).unwrap();
            assert_eq!(what_is_there(folder.path()), (after.to_owned(), 1), "{before:?}");
        }
        let folder = folder(&[DATA, FRESH]);
        replace(folder.path()).unwrap();
        assert_eq!(what_is_there(folder.path()), (FRESH.to_owned(), 1));
    }
}
