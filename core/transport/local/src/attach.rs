//! Attaching to the process that has a store open.

use std::io::ErrorKind;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ankurah_core::node::link::{ClientOptions, ClientOutgoing, Remote, Welcome, connect};

use crate::place::{Place, look};
use crate::{LocalError, peer, program, threads};

/// How long the other side may take to answer at all.
const PATIENCE: Duration = Duration::from_secs(5);

/// Attaches to the process that has the store in a folder open. With `read_only` the other side refuses what writes.
/// The link ends when the [`Remote`], its clones and its answers are dropped.
///
/// # Errors
/// [`LocalError`] where there is none, or it cannot be attached to.
pub fn attach(folder: &Path, read_only: bool) -> Result<(Remote, Welcome), LocalError> {
    attach_within(PATIENCE, folder, read_only)
}

fn attach_within(
    patience: Duration,
    folder: &Path,
    read_only: bool,
) -> Result<(Remote, Welcome), LocalError> {
    let place = Place::of(folder)?;
    place.check()?;
    let path = place.path;
    look(&path)?;
    let failed = |error| LocalError::System { path: path.clone(), error };
    let stream = match UnixStream::connect(&path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            return Err(LocalError::Stale { path });
        }
        Err(error) if error.kind() == ErrorKind::NotFound => return Err(LocalError::Missing { path }),
        stream => stream.map_err(failed)?,
    };
    // Whoever listens there could tell us anything.
    let (_, user) = peer::credentials(&stream).map_err(|error| failed(error.into()))?;
    if !peer::is_trusted(user) {
        return Err(LocalError::Stranger { path, user });
    }
    let (mut incoming, outgoing, remote) = connect(ClientOptions { program: program(), read_only });
    let stream = Arc::new(stream);
    let reads = Arc::clone(&stream);
    let reader = threads::start("ankurah link in", move || {
        threads::read(&reads, |bytes| incoming.receive(bytes).is_ok());
    });
    reader.map_err(failed)?;
    let writer = threads::start("ankurah link out", move || {
        threads::write(&stream, outgoing, ClientOutgoing::look_for_cancelled);
    });
    writer.map_err(failed)?;
    match threads::within(patience, remote.welcome()) {
        Some(Ok(welcome)) => Ok((remote, welcome)),
        Some(Err(end)) => Err(LocalError::Link { path, end }),
        None => Err(LocalError::Silent { path }),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn who_listens_and_does_not_answer_is_told_from_who_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let _hangs = UnixListener::bind(folder.path().join("socket")).unwrap();
        let error = attach_within(Duration::ZERO, folder.path(), true).unwrap_err();
        assert!(matches!(error, LocalError::Silent { .. }), "{error}");
    }
}
