//! Listening for a node.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io::{self, ErrorKind, Read};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ankurah_core::node::Node;
use ankurah_core::node::link::{LinkPeer, ServerCloser, ServerOptions};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::place::{Place, look};
use crate::{LocalError, peer, program, threads};

/// The most links at the same time; further ones are shut at once.
const MAX_LINKS: usize = 256;
/// How long the other sides have to take what is still sent to them when the listener closes.
const GRACE: Duration = Duration::from_millis(500);
/// How long to wait after the system refused a link, as it does where too many files are open.
const PAUSE: Duration = Duration::from_millis(50);

/// A socket that listens for a node. Dropping it ends all links and removes the socket.
#[derive(Debug)]
pub struct Listener {
    path: PathBuf,
    /// The device and number of the socket, so that only this one is removed.
    identity: (u64, u64),
    /// Shut to end the thread that accepts.
    stop: Option<UnixStream>,
    accepts: Option<JoinHandle<()>>,
    links: Arc<Links>,
}

/// The links that are open.
#[derive(Debug, Default)]
struct Links(Mutex<Open>);

#[derive(Debug, Default)]
struct Open {
    last: u64,
    links: BTreeMap<u64, Link>,
}

#[derive(Debug)]
struct Link {
    stream: Arc<UnixStream>,
    closer: ServerCloser,
    threads: Vec<JoinHandle<()>>,
}

impl Links {
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Listens for a node whose store is in a folder. Whoever calls this holds the store's lock, so that nobody else
/// listens for it.
///
/// # Errors
/// [`LocalError`] where no socket can be made there: the system refuses, such as in a folder that cannot be written, or
/// there is something else in its place.
pub fn listen(node: &Node, folder: &Path) -> Result<Listener, LocalError> {
    let place = Place::of(folder)?;
    place.prepare()?;
    let failed = |error| LocalError::System { path: place.path.clone(), error };
    match look(&place.path) {
        Ok(_) | Err(LocalError::Missing { .. }) => {}
        Err(error) => return Err(error),
    }
    // It gets its name when nobody else can use it any more; that takes the place of one that was left behind.
    let new = place.new_path();
    if look(&new).is_ok() {
        fs::remove_file(&new).map_err(failed)?;
    }
    let listener = UnixListener::bind(&new).map_err(failed)?;
    let ready = || {
        fs::set_permissions(&new, Permissions::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        let found = fs::symlink_metadata(&new)?;
        fs::rename(&new, &place.path)?;
        io::Result::Ok((found.dev(), found.ino()))
    };
    let identity = ready().map_err(|error| {
        let _ = fs::remove_file(&new);
        failed(error)
    })?;
    let links = Arc::new(Links::default());
    let mut made =
        Listener { path: place.path.clone(), identity, stop: None, accepts: None, links: Arc::clone(&links) };
    let (stop, stopped) = UnixStream::pair().map_err(failed)?;
    let node = node.clone();
    let accepts = threads::start("ankurah socket", move || accept(&listener, &stopped, &node, &links));
    made.accepts = Some(accepts.map_err(failed)?);
    made.stop = Some(stop);
    Ok(made)
}

impl Listener {
    /// Where the socket is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Ends all links, telling the other sides why, and removes the socket. What is being answered is given up.
    pub fn close(&mut self, reason: &str) {
        let ours = fs::symlink_metadata(&self.path);
        if ours.is_ok_and(|found| (found.dev(), found.ino()) == self.identity) {
            let _ = fs::remove_file(&self.path);
        }
        self.stop = None;
        if let Some(accepts) = self.accepts.take() {
            let _ = accepts.join();
        }
        let links = std::mem::take(&mut self.links.lock().links);
        links.values().for_each(|link| link.closer.close(reason));
        let until = Instant::now().checked_add(GRACE);
        for link in links.into_values() {
            while !link.threads.iter().all(JoinHandle::is_finished) {
                if until.is_none_or(|until| Instant::now() >= until) {
                    break;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            // Who does not take what is sent holds up nobody.
            let _ = link.stream.shutdown(Shutdown::Both);
            link.threads.into_iter().for_each(|thread| drop(thread.join()));
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.close("the store was closed");
    }
}

/// Accepts links until the other end of `stopped` is shut.
fn accept(listener: &UnixListener, stopped: &UnixStream, node: &Node, links: &Arc<Links>) {
    loop {
        let mut waits = [
            PollFd::new(listener.as_fd(), PollFlags::POLLIN),
            PollFd::new(stopped.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut waits, PollTimeout::NONE) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(error) => {
                tracing::warn!(%error, "the local socket of the store listens no more");
                return;
            }
        }
        let [_, stop] = &waits;
        if stop.any().unwrap_or(true) {
            return;
        }
        match listener.accept() {
            Ok((stream, _)) => {
                if let Err(error) = begin(stream, node, links) {
                    tracing::warn!(%error, "a link over the local socket was refused");
                }
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => {
                tracing::warn!(%error, "a link over the local socket was not accepted");
                let _ = wait(stopped);
            }
        }
    }
}

/// Waits for a moment, or until the listener is closed.
fn wait(stopped: &UnixStream) -> io::Result<usize> {
    stopped.set_read_timeout(Some(PAUSE))?;
    let mut reader = stopped;
    reader.read(&mut [0])
}

/// Begins to carry a link.
fn begin(stream: UnixStream, node: &Node, links: &Arc<Links>) -> Result<(), io::Error> {
    let (process, user) = peer::credentials(&stream)?;
    if !peer::is_trusted(user) {
        return Err(io::Error::new(ErrorKind::PermissionDenied, format!("it comes from user {user}")));
    }
    // It may have what the listener has.
    stream.set_nonblocking(false)?;
    let mut open = links.lock();
    if open.links.len() >= MAX_LINKS {
        return Err(io::Error::other(format!("there are {MAX_LINKS} already")));
    }
    let peer = LinkPeer { transport: "local".to_owned(), process, user: Some(user) };
    let options = ServerOptions { program: program(), process: Some(std::process::id()), peer };
    let (mut incoming, outgoing, closer) = node.serve(options);
    open.last = open.last.saturating_add(1);
    let (number, stream) = (open.last, Arc::new(stream));
    let reads = Arc::clone(&stream);
    let reader = threads::start("ankurah link in", move || {
        threads::read(&reads, |bytes| incoming.receive(bytes).is_ok());
    })?;
    let (writes, all) = (Arc::clone(&stream), Arc::downgrade(links));
    let writer = threads::start("ankurah link out", move || {
        threads::write(&writes, outgoing, |_| false);
        // Where the listener is closing, it waits for this thread and has the link itself.
        if let Some(links) = all.upgrade() {
            let ended = links.lock().links.remove(&number);
            drop(ended);
        }
    });
    let writer = writer.inspect_err(|_| drop(stream.shutdown(Shutdown::Both)))?;
    open.links.insert(number, Link { stream, closer, threads: vec![reader, writer] });
    Ok(())
}
