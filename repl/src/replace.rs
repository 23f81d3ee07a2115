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
    let mut partial = path.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let mut out = BufWriter::with_capacity(1 << 16, File::create(&partial)?);
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
