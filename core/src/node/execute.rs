//! Statements: parse, bind, plan, run.

use std::sync::Arc;

use ankurah_query_lang::ast::{self, InsertMode};
use futures::StreamExt;

use super::Inner;
use super::commit::{NotCommitted, busy, read_only};
use super::connection::Answer;
use super::define;
use super::failure::{Explain, Outcome, failure};
use super::history;
use super::protocol::{
    Column, Done, Event, Outcome as Did, Parameters, SessionId, Timings, TransactionState,
};
use super::session::Session;
use super::transaction::{Isolation, Transaction};
use super::write::{self, Written};
use crate::catalog::{Catalog, Model, NameError};
use crate::id::{EntityId, ModelId, OpId};
use crate::query::{
    Bound, BoundSelect, Context, Names, Plan, Returning, RunOptions, Source, Statistics, TransactionControl,
    bind_statement, entity_of, plan, run, took,
};
use crate::value::{Timestamp, Value, ValueType};

/// Runs one statement in a session and gives the whole answer.
pub(crate) async fn execute(
    node: &Arc<Inner>,
    session: SessionId,
    source: &str,
    parameters: &Parameters,
    answer: &mut Answer,
) {
    let session = match node.session(session) {
        Ok(session) => session,
        Err(failure) => return answer.give(Event::Failed(*failure)).await,
    };
    let mut session = session.lock().await;
    let mut statement = Statement { node, source, parameters, timings: Timings::default() };
    let event = match statement.run(&mut session, answer).await {
        Ok(outcome) => {
            Event::Done(Done { outcome, timings: statement.timings, transaction: session.state() })
        }
        Err(mut failure) => {
            // What is given up leaves nothing behind, not even a transaction that can only be rolled back.
            if !failure.is_cancelled() {
                session.fail();
            }
            failure.transaction = session.state();
            Event::Failed(*failure)
        }
    };
    drop(session);
    match &event {
        Event::Failed(failure) => {
            tracing::debug!(kind = failure.kind, why = failure.message, "{}", shortened(source));
        }
        _ => tracing::debug!("{}", shortened(source)),
    }
    answer.give(event).await;
}

/// As much of a statement as says which one it is.
fn shortened(source: &str) -> &str {
    const LONGEST: usize = 500;
    source.char_indices().nth(LONGEST).and_then(|(end, _)| source.get(..end)).unwrap_or(source)
}

impl Inner {
    /// Fails where a statement is too long.
    pub(crate) fn check_length(&self, source: &str) -> Outcome<()> {
        let (length, limit) = (source.len(), self.options.limits.statement_bytes);
        if length > limit {
            let message = format!("the statement has {length} bytes; the limit is {limit}");
            return Err(failure("too-long", message));
        }
        Ok(())
    }
}

struct Statement<'a> {
    node: &'a Arc<Inner>,
    source: &'a str,
    parameters: &'a Parameters,
    timings: Timings,
}

/// The rows that a writing statement returns.
type Returned = Option<(Vec<Column>, Vec<Vec<Value>>)>;

impl Statement<'_> {
    fn nanos(&self) -> u64 {
        self.node.env.clock.monotonic_nanos()
    }

    /// What is rarer than a query is boxed where it is awaited, so that the future of a query stays small.
    async fn run(&mut self, session: &mut Session, answer: &mut Answer) -> Outcome<Did> {
        self.node.check_length(self.source)?;
        let started = self.nanos();
        let parsed = self.node.statements.parse(self.source);
        self.timings.parse = self.nanos().saturating_sub(started);
        let parsed = parsed?;
        let controlled = match parsed.kind {
            ast::StatementKind::Live(_) => Err(failure("live", "a live query is a request of its own")
                .help("leave `live` away to run the query once")),
            ast::StatementKind::Begin { serializable } => Box::pin(self.begin(session, serializable)).await,
            ast::StatementKind::Commit => Box::pin(self.commit(session)).await,
            ast::StatementKind::Rollback => rollback(session),
            _ => match session {
                Session::Idle => return self.alone(&parsed, answer).await,
                Session::Open(transaction) => {
                    return Box::pin(self.within(transaction, &parsed, answer)).await;
                }
                Session::Failed => Err(aborted()),
            },
        };
        // What is wrong with the transaction is wrong with the statement as a whole.
        controlled.map_err(|failure| if failure.span.is_none() { failure.at(parsed.span) } else { failure })
    }

    async fn begin(&mut self, session: &mut Session, serializable: bool) -> Outcome<Did> {
        match session {
            Session::Idle => {
                let isolation = if serializable { Isolation::Serializable } else { Isolation::Merge };
                let started = self.nanos();
                *session = Session::Open(Box::new(Transaction::begin(self.node, isolation).await?));
                self.timings.fetch = self.nanos().saturating_sub(started);
                Ok(Did::Began)
            }
            Session::Open(_) => Err(failure("transaction-open", "a transaction is open already")
                .help("commit or roll back first")),
            Session::Failed => Err(aborted()),
        }
    }

    async fn commit(&mut self, session: &mut Session) -> Outcome<Did> {
        match std::mem::take(session) {
            Session::Idle => Err(no_transaction()),
            Session::Failed => {
                *session = Session::Failed;
                Err(aborted())
            }
            Session::Open(transaction) => {
                let started = self.nanos();
                let result = Box::pin(transaction.commit()).await;
                self.timings.fetch = self.nanos().saturating_sub(started);
                match result {
                    Ok(_) => Ok(Did::Committed),
                    Err(NotCommitted::Again) => Err(busy()),
                    Err(NotCommitted::Failed(failure)) => Err(failure),
                }
            }
        }
    }

    /// A statement that is its own transaction. Where what it writes has changed meanwhile, it is run again on
    /// what is there now, so that `x = x + 1` never loses an increment.
    async fn alone(&mut self, parsed: &ast::Statement, answer: &mut Answer) -> Outcome<Did> {
        for _ in 0..self.node.options.limits.retries.max(1) {
            let mut transaction = Transaction::begin(self.node, Isolation::Snapshot).await?;
            let started = self.nanos();
            let now = self.now();
            let bound = self.bind(&transaction, parsed, now).await?;
            self.timings.plan = self.nanos().saturating_sub(started);
            if !writes(&bound) {
                return self.read(&transaction, bound, answer).await;
            }
            let started = self.nanos();
            let (outcome, returned) = Box::pin(self.write(&mut transaction, bound, now)).await?;
            let result = Box::pin(transaction.commit()).await;
            self.timings.fetch = self.nanos().saturating_sub(started);
            match result {
                Ok(_) => {
                    give_returned(returned, answer).await;
                    return Ok(outcome);
                }
                Err(NotCommitted::Again) => {}
                Err(NotCommitted::Failed(failure)) => return Err(failure),
            }
        }
        Err(busy())
    }

    /// A statement of an open transaction.
    async fn within(
        &mut self,
        transaction: &mut Transaction,
        parsed: &ast::Statement,
        answer: &mut Answer,
    ) -> Outcome<Did> {
        let started = self.nanos();
        let now = self.now();
        let bound = self.bind(transaction, parsed, now).await?;
        self.timings.plan = self.nanos().saturating_sub(started);
        if !writes(&bound) {
            return self.read(transaction, bound, answer).await;
        }
        let started = self.nanos();
        let (outcome, returned) = Box::pin(self.write(transaction, bound, now)).await?;
        self.timings.fetch = self.nanos().saturating_sub(started);
        give_returned(returned, answer).await;
        Ok(outcome)
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.node.env.clock.unix_micros())
    }

    async fn bind(
        &self,
        transaction: &Transaction,
        parsed: &ast::Statement,
        now: Timestamp,
    ) -> Outcome<Bound> {
        let catalog = transaction.catalog.as_ref();
        let named = match entity_of(parsed, self.parameters) {
            Some(entity) => transaction.view.model_of(entity).await?.map(|model| (entity, model)),
            None => None,
        };
        let known;
        let names: &dyn Names = match named {
            Some((entity, model)) => {
                known = WithEntity { catalog, entity, model };
                &known
            }
            None => catalog,
        };
        let context = Context { names, parameters: self.parameters, now };
        Ok(bind_statement(parsed, context)?)
    }

    /// Applies a writing statement to the transaction; what it did and gives.
    async fn write(
        &self,
        transaction: &mut Transaction,
        bound: Bound,
        now: Timestamp,
    ) -> Outcome<(Did, Returned)> {
        if self.node.options.read_only {
            return Err(read_only());
        }
        if let Bound::Explain { statement, .. } = bound {
            return self.explain_written(transaction, *statement, now).await;
        }
        let (written, returning) = self.apply(transaction, bound, now).await?;
        let returned = self.returned(transaction, returning, written.entities).await?;
        Ok((written.outcome, returned))
    }

    /// Applies a writing statement to the transaction.
    async fn apply(
        &self,
        transaction: &mut Transaction,
        bound: Bound,
        now: Timestamp,
    ) -> Outcome<(Written, Option<Returning>)> {
        let (mut written, returning) = match bound {
            Bound::Insert(bound) => (write::insert(transaction, &bound).await?, bound.returning),
            Bound::Update(bound) => (write::update(transaction, &bound).await?, bound.returning),
            Bound::Delete(bound) => (write::delete(transaction, &bound, true).await?, bound.returning),
            Bound::Restore(bound) => (write::delete(transaction, &bound, false).await?, bound.returning),
            Bound::Edit(bound) => (write::edit(transaction, &bound).await?, bound.returning),
            Bound::Undo(bound) => (Box::pin(history::undo(transaction, &bound)).await?, None),
            Bound::Redact(bound) => {
                let written = Box::pin(history::redact(transaction, &bound)).await?;
                // What was typed is not to be kept either.
                self.node.statements.forget();
                (written, bound.returning)
            }
            Bound::Compact(bound) => (Box::pin(history::compact(transaction, &bound)).await?, None),
            Bound::Define(statement) => {
                let changes = define::define(transaction, &statement, self.parameters, now).await?;
                (Written { changes, entities: Vec::new(), outcome: Did::Defined }, None)
            }
            Bound::Select(_) | Bound::Live(_) | Bound::Transaction(_) | Bound::Explain { .. } => {
                return Err(failure("internal", "a statement that writes nothing was to write"));
            }
        };
        transaction.apply(std::mem::take(&mut written.changes)).await?;
        Ok((written, returning))
    }

    async fn returned(
        &self,
        transaction: &Transaction,
        returning: Option<Returning>,
        entities: Vec<crate::id::EntityId>,
    ) -> Outcome<Returned> {
        let Some(returning) = returning else { return Ok(None) };
        let columns = returning.columns().to_vec();
        let rows = write::collect(transaction, returning.select(entities)).await?;
        Ok(Some((columns, rows)))
    }

    /// Runs a statement that only reads.
    async fn read(&mut self, transaction: &Transaction, bound: Bound, answer: &mut Answer) -> Outcome<Did> {
        match bound {
            Bound::Select(select) => self.select(transaction, *select, answer).await,
            Bound::Explain { analyze, statement } => {
                Box::pin(self.explain(transaction, analyze, &statement, answer)).await
            }
            Bound::Live(_)
            | Bound::Transaction(TransactionControl::Begin { .. })
            | Bound::Transaction(TransactionControl::Commit | TransactionControl::Rollback)
            | Bound::Insert(_)
            | Bound::Update(_)
            | Bound::Delete(_)
            | Bound::Restore(_)
            | Bound::Edit(_)
            | Bound::Undo(_)
            | Bound::Redact(_)
            | Bound::Compact(_)
            | Bound::Define(_) => Err(failure("internal", "a statement that does not read was to read")),
        }
    }

    /// How a query is run; `measured` where its steps are to be timed.
    fn options(&self, measured: bool) -> RunOptions {
        RunOptions {
            memory: self.node.options.limits.query_memory,
            clock: measured.then(|| Arc::clone(&self.node.env.clock)),
            ..RunOptions::default()
        }
    }

    async fn select(
        &mut self,
        transaction: &Transaction,
        select: BoundSelect,
        answer: &mut Answer,
    ) -> Outcome<Did> {
        let started = self.nanos();
        let lookups = transaction.lookups(&select);
        let source = transaction.source_of(&select).await?;
        let plan = plan(select, &lookups);
        let wanted = plan.wanted_index().cloned();
        self.timings.plan = self.timings.plan.saturating_add(self.nanos().saturating_sub(started));
        let mut running = run(plan, source, self.options(false));
        let columns = std::mem::take(&mut running.columns);
        answer.give(Event::Columns(columns)).await;
        let mut given = 0u64;
        loop {
            let started = self.nanos();
            let batch = running.rows.next().await;
            self.timings.fetch = self.timings.fetch.saturating_add(self.nanos().saturating_sub(started));
            let Some(batch) = batch else { break };
            let rows = batch?;
            given = given.saturating_add(u64::try_from(rows.len()).unwrap_or(u64::MAX));
            answer.give(Event::Rows(rows)).await;
        }
        if let Some(wanted) = wanted.filter(|_| !self.node.options.read_only) {
            self.node.indexer.note(&self.node.env, &self.node.engine, &wanted, &running.statistics);
        }
        Ok(Did::Rows(given))
    }

    /// `explain`; with `analyze` the query is run, too.
    async fn explain(
        &mut self,
        transaction: &Transaction,
        analyze: bool,
        statement: &Bound,
        answer: &mut Answer,
    ) -> Outcome<Did> {
        let started = self.nanos();
        let lines = self.plan_of(transaction, analyze, statement).await?;
        if analyze {
            self.timings.fetch = self.nanos().saturating_sub(started);
        }
        let (columns, rows) = plan_rows(lines);
        let count = u64::try_from(rows.len()).unwrap_or(u64::MAX);
        give_returned(Some((columns, rows)), answer).await;
        Ok(Did::Rows(count))
    }

    /// `explain analyze` of a statement that writes: what its query took, and what writing took.
    async fn explain_written(
        &self,
        transaction: &mut Transaction,
        statement: Bound,
        now: Timestamp,
    ) -> Outcome<(Did, Returned)> {
        let mut lines = Box::pin(self.plan_of(transaction, true, &statement)).await?;
        let started = self.nanos();
        let (written, _) = Box::pin(self.apply(transaction, statement, now)).await?;
        if let Some(title) = lines.first_mut() {
            let entities = u64::try_from(written.entities.len()).unwrap_or(u64::MAX);
            title.push_str(&format!("  {}", took(entities, self.nanos().saturating_sub(started))));
        }
        let count = u64::try_from(lines.len()).unwrap_or(u64::MAX);
        Ok((Did::Rows(count), Some(plan_rows(lines))))
    }

    /// The plan of a statement as lines of text; with `measured` its query is run.
    async fn plan_of(
        &self,
        transaction: &Transaction,
        measured: bool,
        statement: &Bound,
    ) -> Outcome<Vec<String>> {
        let (title, select) = match statement {
            Bound::Select(select) => (None, Some(&**select)),
            Bound::Insert(bound) => {
                let word = match bound.mode {
                    InsertMode::Insert => "insert",
                    InsertMode::Upsert => "upsert",
                };
                let select = match &bound.rows {
                    crate::query::InsertRows::Query(select, _) => Some(&**select),
                    crate::query::InsertRows::Values(_) => None,
                };
                (Some(format!("{word} into {}", bound.model.label)), select)
            }
            Bound::Update(bound) => (Some(format!("update {}", bound.model.label)), Some(&bound.rows)),
            Bound::Delete(bound) => (Some(format!("delete from {}", bound.model.label)), Some(&bound.rows)),
            Bound::Restore(bound) => (Some(format!("restore {}", bound.model.label)), Some(&bound.rows)),
            Bound::Edit(bound) => {
                let title = format!("edit {}.{}", bound.model.label, bound.target.property.label);
                (Some(title), Some(&bound.rows))
            }
            Bound::Undo(bound) => {
                let what = if bound.transaction { "transaction" } else { "operation" };
                (Some(format!("undo {what} {}", bound.id)), None)
            }
            Bound::Redact(bound) => {
                let title = format!("redact {}.{}", bound.model.label, bound.property.label);
                (Some(title), Some(&bound.rows))
            }
            Bound::Compact(bound) => (Some(format!("compact {}", bound.model.label)), Some(&bound.rows)),
            Bound::Define(_) => (Some("change the catalog".to_owned()), None),
            Bound::Live(_) | Bound::Transaction(_) | Bound::Explain { .. } => {
                return Err(failure("syntax", "there is nothing to explain about this statement"));
            }
        };
        let mut lines = Vec::new();
        let indent = if title.is_some() { "  " } else { "" };
        lines.extend(title);
        if let Some(select) = select {
            let lookups = transaction.lookups(select);
            let source = transaction.source_of(select).await?;
            let plan = plan(select.clone(), &lookups);
            let statistics = if measured { Some(self.measure(source, plan.clone()).await?) } else { None };
            let shown = plan.explain(statistics.as_deref());
            lines.extend(shown.into_iter().map(|line| format!("{indent}{line}")));
        }
        Ok(lines)
    }

    async fn measure(&self, source: Arc<dyn Source>, plan: Plan) -> Outcome<Arc<Statistics>> {
        let mut running = run(plan, source, self.options(true));
        while let Some(batch) = running.rows.next().await {
            batch?;
        }
        Ok(running.statistics)
    }
}

/// A plan as rows of one column.
fn plan_rows(lines: Vec<String>) -> (Vec<Column>, Vec<Vec<Value>>) {
    let rows = lines.into_iter().map(|line| vec![Value::String(Arc::from(line))]).collect();
    (vec![Column { name: "plan".to_owned(), value_type: Some(ValueType::String) }], rows)
}

/// The catalog, and the model of an entity that a statement names.
struct WithEntity<'a> {
    catalog: &'a Catalog,
    entity: EntityId,
    model: ModelId,
}

impl Names for WithEntity<'_> {
    fn find(&self, name: &str, quoted: bool, id: Option<OpId>) -> Result<&Arc<Model>, NameError> {
        self.catalog.find(name, quoted, id)
    }

    fn model(&self, id: ModelId) -> Option<&Arc<Model>> {
        self.catalog.model(id)
    }

    fn model_of(&self, entity: EntityId) -> Option<ModelId> {
        (entity == self.entity).then_some(self.model)
    }
}

async fn give_returned(returned: Returned, answer: &mut Answer) {
    /// Rows of one event.
    const BATCH: usize = 1024;
    let Some((columns, rows)) = returned else { return };
    answer.give(Event::Columns(columns)).await;
    for batch in rows.chunks(BATCH) {
        answer.give(Event::Rows(batch.to_vec().into())).await;
    }
}

fn writes(bound: &Bound) -> bool {
    match bound {
        Bound::Insert(_)
        | Bound::Update(_)
        | Bound::Delete(_)
        | Bound::Restore(_)
        | Bound::Edit(_)
        | Bound::Undo(_)
        | Bound::Redact(_)
        | Bound::Compact(_)
        | Bound::Define(_) => true,
        Bound::Explain { analyze, statement } => *analyze && writes(statement),
        Bound::Select(_) | Bound::Live(_) | Bound::Transaction(_) => false,
    }
}

fn rollback(session: &mut Session) -> Outcome<Did> {
    match std::mem::take(session) {
        Session::Idle => Err(no_transaction()),
        Session::Open(_) | Session::Failed => Ok(Did::RolledBack),
    }
}

fn no_transaction() -> Box<super::protocol::Failure> {
    failure("no-transaction", "no transaction is open").help("open one with `begin`")
}

fn aborted() -> Box<super::protocol::Failure> {
    let mut failure = failure("transaction-failed", "a statement of this transaction failed")
        .help("only `rollback` goes on from here");
    failure.transaction = TransactionState::Failed;
    failure
}
