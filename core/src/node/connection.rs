//! Requests from the same process.

use std::convert::Infallible;
use std::sync::Arc;

use super::Inner;
use super::failure::{Explain, Outcome, failure};
use super::live::{LiveQuestion, Reactor};
use super::protocol::{
    Cancel, Connection, Done, Event, EventStream, Outcome as Did, Parameters, Request, Timings,
    TransactionState,
};
use crate::id::OpId;
use crate::query::{Sink, generate};
use crate::storage::Position;
use crate::turn;
use crate::value::Timestamp;

/// Where an answer goes. An answer that nobody polls any more stops where it is.
pub(crate) type Answer = Sink<Event>;

/// How many operations are read at a time.
const PAGE: usize = 256;

/// A connection to a node in the same process.
pub(crate) struct LocalConnection {
    node: Arc<Inner>,
}

impl LocalConnection {
    pub(crate) fn new(node: Arc<Inner>) -> Self {
        LocalConnection { node }
    }
}

impl Connection for LocalConnection {
    fn request_unless(&self, request: Request, cancel: Cancel) -> EventStream {
        Box::pin(turn::cancellable(self.request(request), cancel))
    }

    fn request(&self, request: Request) -> EventStream {
        let node = Arc::clone(&self.node);
        generate(move |mut answer| async move {
            match request {
                Request::Execute { session, statement, parameters } => {
                    Box::pin(super::execute::execute(&node, session, &statement, &parameters, &mut answer))
                        .await;
                }
                Request::Upsert { session, model, columns, rows } => {
                    Box::pin(super::upsert::upsert(&node, session, &model, &columns, rows, &mut answer))
                        .await;
                }
                Request::Live { statement, parameters } => {
                    let event = match Box::pin(observe(&node, &statement, parameters, &mut answer)).await {
                        Ok(never) => match never {},
                        Err(failure) => Event::Failed(*failure),
                    };
                    answer.give(event).await;
                }
                request => {
                    let started = node.env.clock.monotonic_nanos();
                    let result = Box::pin(node.tell(request, &mut answer)).await;
                    let fetch = node.env.clock.monotonic_nanos().saturating_sub(started);
                    let event = match result {
                        Ok(()) => Event::Done(Done {
                            outcome: Did::Answered,
                            timings: Timings { fetch, ..Timings::default() },
                            transaction: TransactionState::Idle,
                        }),
                        Err(failure) => Event::Failed(*failure),
                    };
                    answer.give(event).await;
                }
            }
        })
    }
}

/// Gives what becomes of a live query, until nobody asks for more or there is none.
async fn observe(
    node: &Arc<Inner>,
    statement: &str,
    parameters: Parameters,
    answer: &mut Answer,
) -> Outcome<Infallible> {
    node.check_length(statement)?;
    let now = Timestamp(node.env.clock.unix_micros());
    let question = LiveQuestion::statement(statement, parameters, now);
    let subscription = Reactor::subscribe(node, question).await?;
    loop {
        answer.give(Event::Live(subscription.next().await?)).await;
    }
}

impl Inner {
    /// Answers what is not about data.
    async fn tell(&self, request: Request, answer: &mut Answer) -> Outcome<()> {
        match request {
            Request::Info => {
                let position = self.engine.view().await?.position();
                answer.give(Event::Info(self.info(position))).await;
            }
            Request::Catalog => {
                let view = self.engine.view().await?;
                let catalog = self.catalog_at(view.as_ref()).await?;
                answer.give(Event::Catalog(catalog.view())).await;
            }
            Request::CloseSession { session } => self.close_session(session),
            Request::Indexes => answer.give(Event::Indexes(self.engine.indexes())).await,
            Request::SetAside { set } => {
                let view = self.engine.view().await?;
                let mut after = OpId::MIN;
                loop {
                    let page = view.set_aside(set, after, PAGE).await?;
                    let Some(last) = page.last() else { break };
                    after = last.id;
                    for aside in page {
                        let event = Event::Aside {
                            id: aside.id,
                            entity: aside.entity,
                            reason: aside.reason,
                            missing: aside.missing,
                        };
                        answer.give(event).await;
                    }
                }
            }
            Request::Operations { entity, after } => {
                let view = self.engine.view().await?;
                let mut after = after.unwrap_or(OpId::MIN);
                loop {
                    let page = view.operations(entity, after, PAGE).await?;
                    let Some((_, last)) = page.last() else { break };
                    after = last.id();
                    for (position, operation) in page {
                        answer.give(Event::Operation { position, bytes: operation.encode() }).await;
                    }
                }
            }
            Request::Statistics => answer.give(Event::Statistics(self.engine.statistics())).await,
            Request::Journal { after } => self.tell_journal(after, answer).await?,
            Request::Log { after, follow } => self.tell_log(after, follow, answer).await?,
            Request::Links => answer.give(Event::Links(self.links.list())).await,
            Request::Tap => {
                let tap = self.links.tap();
                loop {
                    answer.give(Event::Tap(tap.next().await)).await;
                }
            }
            Request::Heads => super::compare::heads(self, answer).await?,
            Request::Values { model, entity } => super::compare::values(self, model, entity, answer).await?,
            Request::Dump => self.tell_dump(answer).await?,
            Request::Restore { units } => answer.give(Event::Restored(self.restore(&units).await?)).await,
            Request::Verify => super::verify::verify(self, answer).await?,
            Request::LiveQueries => answer.give(Event::LiveQueries(self.reactor.list(self).await?)).await,
            Request::Execute { .. } | Request::Upsert { .. } | Request::Live { .. } => {}
        }
        Ok(())
    }

    /// Tells what the program said.
    async fn tell_journal(&self, mut after: u64, answer: &mut Answer) -> Outcome<()> {
        let Some(journal) = &self.options.journal else {
            return Err(failure("no-journal", "this program keeps nothing of what it says while it runs")
                .help("hand a journal to the node when it is opened"));
        };
        loop {
            let lines = journal.after(after, PAGE);
            let Some(last) = lines.last() else { return Ok(()) };
            after = last.number;
            answer.give(Event::Journal(lines)).await;
        }
    }

    /// Tells the change log, and with `follow` what is still to come of it.
    async fn tell_log(&self, mut after: Position, follow: bool, answer: &mut Answer) -> Outcome<()> {
        loop {
            let view = self.engine.view().await?;
            loop {
                let page = view.log(after, PAGE).await?;
                let Some(last) = page.last() else { break };
                after = last.position;
                for entry in page {
                    answer.give(Event::Log(entry)).await;
                }
            }
            if !follow {
                return Ok(());
            }
            drop(view);
            self.engine.wait(after).await?;
        }
    }
}
