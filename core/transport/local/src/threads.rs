//! Carrying bytes: a thread that reads, and one that writes.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle, Thread};
use std::time::Duration;

use futures::{Stream, StreamExt};

use crate::BUFFER;

/// How often it is looked whether answers were given up.
const LOOK: Duration = Duration::from_millis(20);

/// Starts a thread with a name.
pub(crate) fn start(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<JoinHandle<()>> {
    thread::Builder::new().name(name.to_owned()).spawn(run)
}

/// Gives everything that comes to `take`, until it wants no more, nothing comes any more, or reading fails.
pub(crate) fn read(mut stream: &UnixStream, mut take: impl FnMut(&[u8]) -> bool) {
    let mut buffer = vec![0; BUFFER];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) if take(buffer.get(..count).unwrap_or_default()) => {}
            Ok(_) => return,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Writes everything that `bytes` gives until it ends, or writing fails; then the socket is shut in both directions.
/// While nothing comes, `look` is called: where it says so, again every few milliseconds.
pub(crate) fn write<S>(mut stream: &UnixStream, mut bytes: S, mut look: impl FnMut(&S) -> bool)
where
    S: Stream<Item = Vec<u8>> + Unpin,
{
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    loop {
        match bytes.poll_next_unpin(&mut context) {
            Poll::Ready(Some(piece)) => {
                if stream.write_all(&piece).is_err() {
                    break;
                }
            }
            Poll::Ready(None) => break,
            Poll::Pending if look(&bytes) => thread::park_timeout(LOOK),
            Poll::Pending => thread::park(),
        }
    }
    drop(bytes);
    let _ = stream.shutdown(Shutdown::Both);
}

/// What `future` gives, unless it takes longer than `limit`: then `None`.
pub(crate) fn within<T>(limit: Duration, future: impl Future<Output = T>) -> Option<T> {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    let mut left = limit;
    loop {
        if let Poll::Ready(found) = future.as_mut().poll(&mut context) {
            return Some(found);
        }
        let started = std::time::Instant::now();
        thread::park_timeout(left);
        left = left.checked_sub(started.elapsed()).filter(|left| !left.is_zero())?;
    }
}
