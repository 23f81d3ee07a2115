//! Where the socket of a store is.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use nix::unistd::geteuid;

use crate::LocalError;

/// The socket in the store's folder.
const NAME: &str = "socket";
/// A new socket before it takes the name.
const NEW: &str = ".new";
/// The most bytes of a socket's path: the least that a system allows, without the zero at its end.
const MAX_PATH: usize = 103;

/// The places that the socket of a store may have.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The socket.
    pub(crate) path: PathBuf,
    /// A folder that has to be made for it.
    own: Option<PathBuf>,
}

fn system(path: &Path, error: std::io::Error) -> LocalError {
    LocalError::System { path: path.to_owned(), error }
}

fn fits(path: &Path) -> bool {
    path.as_os_str().len().saturating_add(NEW.len()) <= MAX_PATH
}

impl Place {
    /// The place for the store in a folder.
    pub(crate) fn of(folder: &Path) -> Result<Self, LocalError> {
        // One folder has one place, whichever way leads to it, and wherever the program goes later.
        let folder = &fs::canonicalize(folder).map_err(|error| system(folder, error))?;
        let path = folder.join(NAME);
        if fits(&path) {
            return Ok(Place { path, own: None });
        }
        let found = fs::metadata(folder).map_err(|error| system(folder, error))?;
        let mut identity = blake3::Hasher::new_derive_key("ankurah local socket 1");
        identity.update(&found.dev().to_be_bytes()).update(&found.ino().to_be_bytes());
        let hash: String = identity.finalize().to_hex().chars().take(24).collect();
        let name = format!("ankurah-{hash}");
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let runtime = runtime.filter(|runtime| runtime.is_absolute() && fits(&runtime.join(&name)));
        if let Some(runtime) = runtime {
            return Ok(Place { path: runtime.join(name), own: None });
        }
        let own = std::env::temp_dir().join(format!("ankurah-{}", geteuid()));
        Ok(Place { path: own.join(name), own: Some(own) })
    }

    /// Makes the folder that the socket needs, if it does.
    pub(crate) fn prepare(&self) -> Result<(), LocalError> {
        let Some(own) = &self.own else { return Ok(()) };
        match fs::DirBuilder::new().mode(0o700).create(own) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(system(own, error)),
            _ => self.check(),
        }
    }

    /// Whether the folder is this user's alone.
    pub(crate) fn check(&self) -> Result<(), LocalError> {
        let Some(own) = &self.own else { return Ok(()) };
        let found = match fs::symlink_metadata(own) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(LocalError::Missing { path: self.path.clone() });
            }
            found => found.map_err(|error| system(own, error))?,
        };
        let is_own = found.is_dir() && found.uid() == geteuid().as_raw() && found.mode() & 0o077 == 0;
        if is_own { Ok(()) } else { Err(LocalError::Unsafe { path: own.clone() }) }
    }

    /// Where a new socket is made, to be given its name when it is ready.
    pub(crate) fn new_path(&self) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(NEW);
        path.into()
    }
}

/// The socket at a path; links are not followed.
pub(crate) fn look(path: &Path) -> Result<fs::Metadata, LocalError> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => Ok(found),
        Ok(_) => Err(LocalError::NoSocket { path: path.to_owned() }),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Err(LocalError::Missing { path: path.to_owned() })
        }
        Err(error) => Err(system(path, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_path_is_in_the_folder_and_a_long_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::of(folder.path()).unwrap();
        assert_eq!(place.path, folder.path().join("socket"));
        let long = folder.path().join("x".repeat(60)).join("y".repeat(60));
        fs::create_dir_all(&long).unwrap();
        let place = Place::of(&long).unwrap();
        assert!(!place.path.starts_with(folder.path()) && fits(&place.path), "{place:?}");
        // Another way to the same folder leads to the same place, and another folder to another.
        let beside = folder.path().join("x".repeat(60)).join(".").join("y".repeat(60));
        assert_eq!(Place::of(&beside).unwrap().path, place.path);
        let other = folder.path().join("x".repeat(60)).join("z".repeat(60));
        fs::create_dir_all(&other).unwrap();
        assert_ne!(Place::of(&other).unwrap().path, place.path);
    }

    #[test]
    fn what_is_no_socket_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("socket");
        assert!(matches!(look(&path), Err(LocalError::Missing { .. })));
        fs::write(&path, "").unwrap();
        assert!(matches!(look(&path), Err(LocalError::NoSocket { .. })));
        fs::remove_file(&path).unwrap();
        let real = folder.path().join("real");
        let _listener = std::os::unix::net::UnixListener::bind(&real).unwrap();
        std::os::unix::fs::symlink(&real, &path).unwrap();
        assert!(matches!(look(&path), Err(LocalError::NoSocket { .. })));
        assert!(look(&real).is_ok());
    }
}
