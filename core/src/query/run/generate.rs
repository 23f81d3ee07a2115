//! Streams out of async code.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use futures::Stream;

use crate::env::{BoxFuture, BoxStream, MaybeSend};

/// Where the async code of [`generate`] puts its items.
pub(crate) struct Sink<T> {
    slot: Arc<Mutex<Option<T>>>,
}

/// The items that `body` gives to its [`Sink`], in order. The stream ends when the future does; dropping the
/// stream drops the future at the point that it has reached.
pub(crate) fn generate<'a, T, F>(body: impl FnOnce(Sink<T>) -> F) -> BoxStream<'a, T>
where
    T: MaybeSend + 'a,
    F: Future<Output = ()> + MaybeSend + 'a,
{
    let slot = Arc::new(Mutex::new(None));
    let body = body(Sink { slot: Arc::clone(&slot) });
    Box::pin(Generate::<'a, T> { body: Some(Box::pin(body)), slot })
}

struct Generate<'a, T> {
    body: Option<BoxFuture<'a, ()>>,
    slot: Arc<Mutex<Option<T>>>,
}

fn take<T>(slot: &Mutex<Option<T>>) -> Option<T> {
    slot.lock().unwrap_or_else(PoisonError::into_inner).take()
}

impl<T> Stream for Generate<'_, T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<T>> {
        let Some(body) = self.body.as_mut() else { return Poll::Ready(None) };
        let done = body.as_mut().poll(context).is_ready();
        if done {
            self.body = None;
        }
        match take(&self.slot) {
            Some(item) => Poll::Ready(Some(item)),
            None if done => Poll::Ready(None),
            None => Poll::Pending,
        }
    }
}

impl<T> Sink<T> {
    /// Gives an item; goes on when the stream is polled for the next one.
    pub(crate) fn give(&mut self, item: T) -> Give<'_, T> {
        Give { sink: self, item: Some(item) }
    }
}

/// The future of [`Sink::give`].
pub(crate) struct Give<'a, T> {
    sink: &'a mut Sink<T>,
    item: Option<T>,
}

impl<T> Unpin for Give<'_, T> {}

impl<T> Future for Give<'_, T> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        match self.item.take() {
            // The stream gives the item out of this very poll, so nobody needs to be woken.
            Some(item) => {
                *self.sink.slot.lock().unwrap_or_else(PoisonError::into_inner) = Some(item);
                Poll::Pending
            }
            None => Poll::Ready(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use futures::StreamExt;
    use futures::executor::block_on;

    use super::*;

    #[test]
    fn gives_every_item_in_order_and_ends() {
        let stream = generate(|mut sink| async move {
            for n in 0..1000 {
                sink.give(n).await;
            }
        });
        assert_eq!(block_on(stream.collect::<Vec<_>>()), (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn runs_no_further_than_it_is_polled() {
        let reached = Arc::new(Mutex::new(0));
        let seen = Arc::clone(&reached);
        let mut stream = generate(|mut sink| async move {
            for n in 1..10 {
                *seen.lock().unwrap() = n;
                sink.give(n).await;
            }
        });
        assert_eq!(block_on(stream.next()), Some(1));
        assert_eq!(block_on(stream.next()), Some(2));
        drop(stream);
        assert_eq!(*reached.lock().unwrap(), 2);
    }
}
