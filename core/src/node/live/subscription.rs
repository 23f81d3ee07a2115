//! Observing a live query.

use std::fmt;
use std::sync::Arc;

use super::change::LiveEvent;
use super::queue::{News, Next, Queue};
use crate::node::Inner;
use crate::node::protocol::Failure;

/// A live query that is observed. Dropping it ends that.
pub struct Subscription {
    node: Arc<Inner>,
    query: u64,
    number: u64,
    queue: Arc<Queue>,
    places: Places,
}

/// Where the places are that failures of a query name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Places {
    /// In the text that the subscriber wrote.
    InText,
    /// In what another wrote, who asked the same before.
    InAnother,
}

impl Places {
    /// A failure as it is told: places in the text of another mean nothing.
    fn told(self, failure: Failure) -> Failure {
        match self {
            Places::InText => failure,
            Places::InAnother => Failure { span: None, ..failure },
        }
    }
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription").field("query", &self.query).finish_non_exhaustive()
    }
}

impl Subscription {
    pub(super) fn new(node: Arc<Inner>, query: u64, number: u64, queue: Arc<Queue>, places: Places) -> Self {
        Subscription { node, query, number, queue, places }
    }

    /// The next notification; the first one is a reset.
    ///
    /// # Errors
    /// [`Failure`] where there will be none any more: the store was closed, or the query means nothing in the catalog
    /// as it is now.
    pub async fn next(&self) -> Result<LiveEvent, Box<Failure>> {
        loop {
            match self.queue.next().await {
                Next::News(News::Changes { position, changes }) => {
                    return Ok(LiveEvent::Changes { position, changes });
                }
                Next::News(News::Failed { position, failure }) => {
                    let failure = self.places.told(Failure::clone(&failure));
                    return Ok(LiveEvent::Failed { position, failure });
                }
                Next::End(failure) => return Err(Box::new(self.places.told(*failure))),
                Next::Reset => {
                    if let Some(event) = self.all() {
                        return Ok(event);
                    }
                }
            }
        }
    }

    /// All rows as they are now; `None` where there are none yet, or the query was ended.
    fn all(&self) -> Option<LiveEvent> {
        let (position, rows, shape) = {
            let registry = self.node.reactor.registry();
            let query = registry.get(self.query)?;
            self.queue.has_all();
            // As soon as its rows are right they come as a reset.
            let position = registry.known_at(query)?;
            if let Some(failure) = &query.broken {
                let failure = self.places.told(Failure::clone(failure));
                return Some(LiveEvent::Failed { position, failure });
            }
            (position, query.state.snapshot(), Arc::clone(&query.shape))
        };
        let columns = shape.select.columns().to_vec();
        // Nobody waits while they are put together.
        Some(LiveEvent::Reset { position, columns, rows: rows.rows(shape.width()) })
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.node.reactor.leave(self.query, self.number);
    }
}
