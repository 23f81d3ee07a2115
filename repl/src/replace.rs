//! Files that are replaced as a whole.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

/// Writes beside the file and puts it in its place once it is complete and on disk. `write` is told whether exactly:
/// the file may be a terminal, which would obey what it gets.
pub fn replace<T, E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(bool, &mut dyn Write) -> Result<T, E>,
) -> Result<T, E> {
    // A device or a pipe has no place beside it.
    if path.exists() && !path.is_file() {
        let device = File::create(path)?;
        let exact = !device.is_terminal();
        let mut out = BufWriter::new(device);
        let result = write(exact, &mut out)?;
        out.flush()?;
        return Ok(result);
    }
    // A link stays one: what it leads to is replaced.
    let path = &path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let mut out = BufWriter::with_capacity(1 << 16, File::create(&partial)?);
    if let Ok(former) = path.metadata() {
        out.get_ref().set_permissions(former.permissions())?;
    }
    let result = write(true, &mut out).and_then(|result| {
        out.flush()?;
        out.get_ref().sync_all()?;
        std::fs::rename(&partial, path)?;
        Ok(result)
    });
    if result.is_err() {
        let _ = std::fs::remove_file(&partial);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_written_leaves_the_file_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "former").unwrap();
        let failed = replace(&path, |_, out| {
            out.write_all(b"half of it")?;
            Err::<(), _>(io::Error::from(io::ErrorKind::StorageFull))
        });
        assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "former");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_and_permissions_stay() {
        use std::os::unix::fs::{PermissionsExt, symlink};
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("file"), folder.path().join("link"));
        std::fs::write(&path, "former").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o751)).unwrap();
        symlink("file", &link).unwrap();
        replace(&link, |_, out| out.write_all(b"new")).unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o751);
    }
}
