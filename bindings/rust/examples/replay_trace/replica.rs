//! One who writes, with a store in memory.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ankurah::core::catalog::Model;
use ankurah::core::dag::Link;
use ankurah::core::id::{ActorId, EntityId, OpId, PropertyId, Stamp, TransactionId};
use ankurah::core::node::ingest::Role;
use ankurah::core::node::protocol::{Event, Parameters, Request, SessionId};
use ankurah::core::node::{Node, NodeOptions};
use ankurah::core::operation::{Change, Decoded, Leaf, Operation, Origin};
use ankurah::core::property::text::{Edit, TextDocument};
use ankurah::core::storage::kv::{KvRange, KvRead, PageLimit, layout};
use ankurah::core::storage::memory::{self, MemoryEngine};
use ankurah::core::storage::{Engine, Position};
use ankurah::{Context, Durability, Target, Value};
use futures::StreamExt;

use crate::trace::Keystroke;

type Failed = Box<dyn Error>;

/// Where the time of editing went.
#[derive(Default)]
pub(crate) struct Times {
    /// Into the text.
    pub(crate) text: Duration,
    /// Into making the operation.
    pub(crate) operation: Duration,
    /// Into committing it.
    pub(crate) store: Duration,
}

impl Times {
    /// All of it.
    pub(crate) fn total(&self) -> Duration {
        self.text + self.operation + self.store
    }
}

/// Where the text is.
#[derive(Clone)]
struct Place {
    model: Arc<Model>,
    property: PropertyId,
    entity: EntityId,
}

/// A replica of the text, and who writes on it.
pub(crate) struct Replica {
    context: Context,
    engine: Arc<MemoryEngine>,
    place: Place,
    actor: ActorId,
    sequence: u64,
    stamp: Stamp,
    head: BTreeMap<OpId, Link>,
    document: TextDocument,
}

async fn open() -> Result<(Context, Arc<MemoryEngine>), Failed> {
    let env = ankurah::env::native();
    let engine = Arc::new(memory::open(env.random.as_ref()).await?);
    let options = NodeOptions { durability: Durability::Buffered, ..NodeOptions::default() };
    let dynamic: Arc<dyn Engine> = Arc::clone(&engine) as Arc<dyn Engine>;
    Ok((Context::new(Node::open(dynamic, env, options).await?), engine))
}

async fn run(context: &Context, request: Request) -> Result<Vec<Event>, Failed> {
    let events: Vec<Event> = context.node().connect().request(request).collect().await;
    match events.last() {
        Some(Event::Done(_)) => Ok(events),
        Some(Event::Failed(failure)) => Err(failure.message.clone().into()),
        _ => Err("an answer without an end".into()),
    }
}

async fn statement(context: &Context, statement: String) -> Result<Vec<Vec<Value>>, Failed> {
    let (session, parameters) = (SessionId(1), Parameters::default());
    let events = run(context, Request::Execute { session, statement, parameters }).await?;
    let rows = events.into_iter().filter_map(|event| match event {
        Event::Rows(rows) => Some(rows.to_values()),
        _ => None,
    });
    Ok(rows.flatten().collect())
}

/// Every operation of a store, encoded, in the order of its log.
async fn log(context: &Context) -> Result<Vec<Vec<u8>>, Failed> {
    let view = context.node().engine().view().await?;
    let mut operations = Vec::new();
    for entry in view.log(Position(0), usize::MAX).await? {
        for change in entry.changes {
            for id in change.operations {
                let held = view.operation(change.entity, id).await?;
                operations.extend(held.map(|(_, operation)| operation.encode()));
            }
        }
    }
    Ok(operations)
}

impl Replica {
    /// The first replica, with the text as it begins.
    pub(crate) async fn first(start: &str) -> Result<Self, Failed> {
        let (context, engine) = open().await?;
        statement(&context, "create model replayed (body text)".to_owned()).await?;
        let parameters =
            Parameters { positional: vec![Value::String(Arc::from(start))], ..Parameters::default() };
        let insert = "insert into replayed (body) values (?) returning id".to_owned();
        let events =
            run(&context, Request::Execute { session: SessionId(1), statement: insert, parameters }).await?;
        let entity = events.into_iter().find_map(|event| match event {
            Event::Rows(rows) => rows.to_values().into_iter().flatten().next(),
            _ => None,
        });
        let Some(Value::Ref(entity)) = entity else { return Err("the text was not made".into()) };
        let events = run(&context, Request::Catalog).await?;
        let model = events.into_iter().find_map(|event| match event {
            Event::Catalog(catalog) => catalog.models.into_iter().find(|model| &*model.name == "replayed"),
            _ => None,
        });
        let model = model.ok_or("the model was not made")?;
        let property =
            model.columns().next().map(|property| property.id).ok_or("the property was not made")?;
        Self::at(context, engine, Place { model, property, entity }, 0).await
    }

    /// Another replica of what the first one begins with.
    pub(crate) async fn beside(first: &Replica, agent: usize) -> Result<Self, Failed> {
        let (context, engine) = open().await?;
        context.node().ingest(&log(&first.context).await?, Role::Replica).await?;
        Self::at(context, engine, first.place.clone(), agent).await
    }

    async fn at(
        context: Context,
        engine: Arc<MemoryEngine>,
        place: Place,
        agent: usize,
    ) -> Result<Self, Failed> {
        let view = engine.view().await?;
        let state = view.state(place.model.id, place.entity).await?.ok_or("the text is not there")?;
        let actor = ActorId::new(0x1000 + u64::try_from(agent)?);
        let mut document = TextDocument::new(actor);
        for (_, operation) in view.operations(place.entity, OpId::MIN, usize::MAX).await? {
            if let Some(Change::Text(update)) = operation.change(place.property) {
                document.apply(update)?;
            }
        }
        let head = state.head.links().iter().map(|link| (link.id, *link)).collect();
        let stamp = view.clock();
        Ok(Replica { context, engine, place, actor, sequence: 0, stamp, head, document })
    }

    /// Makes an edit: an operation of its own, committed by itself. Gives its bytes.
    pub(crate) async fn edit(&mut self, keystroke: &Keystroke, times: &mut Times) -> Result<Vec<u8>, Failed> {
        let start = Instant::now();
        let edit =
            Edit { position: keystroke.position, delete: keystroke.delete, insert: keystroke.insert.clone() };
        let update = self.document.edit(self.actor, std::slice::from_ref(&edit))?;
        let edited = Instant::now();
        self.stamp = self.stamp.next().ok_or("no stamp is left")?;
        self.sequence += 1;
        let origin = Origin {
            actor: self.actor,
            sequence: self.sequence,
            author: self.context.node().author(),
            transaction: TransactionId(OpId::new(self.stamp, self.actor.get()).bits()),
        };
        let leaves = vec![Leaf { property: self.place.property, change: Change::Text(Arc::from(update)) }];
        let parents: Vec<Link> = self.head.values().copied().collect();
        let salt = OpId::new(self.stamp, self.sequence).to_bytes();
        let Place { model, entity, .. } = &self.place;
        let operation = Operation::edit(*entity, model.id, self.stamp, origin, parents, leaves, salt)?;
        let bytes = operation.encode();
        let made = Instant::now();
        let done = self.context.node().ingest(std::slice::from_ref(&bytes), Role::Replica).await?;
        if done.accepted.len() != 1 || !done.equivocal.is_empty() {
            return Err(format!("an edit was not accepted: {done:?}").into());
        }
        self.head = BTreeMap::from([(operation.id(), operation.link())]);
        let stored = Instant::now();
        times.text += edited - start;
        times.operation += made - edited;
        times.store += stored - made;
        Ok(bytes)
    }

    /// Takes in edits of others.
    pub(crate) async fn merge(&mut self, operations: &[&[u8]]) -> Result<(), Failed> {
        let owned: Vec<Vec<u8>> = operations.iter().map(|bytes| bytes.to_vec()).collect();
        let done = self.context.node().ingest(&owned, Role::Replica).await?;
        if done.accepted.len() != owned.len() || !done.equivocal.is_empty() {
            return Err(format!("what was merged was not accepted: {done:?}").into());
        }
        for bytes in &owned {
            let Decoded::Known(operation) = Operation::decode(bytes)? else {
                return Err("a newer operation".into());
            };
            if let Some(Change::Text(update)) = operation.change(self.place.property) {
                self.document.apply(update)?;
            }
            for parent in operation.parents() {
                self.head.remove(&parent.id);
            }
            self.head.insert(operation.id(), operation.link());
            self.stamp = self.stamp.max(operation.id().stamp());
        }
        Ok(())
    }

    /// The text, which the store and the document have to agree on.
    pub(crate) async fn text(&mut self) -> Result<String, Failed> {
        let stored = self.stored_text().await?;
        if stored != *self.document.text() {
            return Err("the store has another text than the document".into());
        }
        Ok(stored)
    }

    /// The text as the store has it.
    pub(crate) async fn stored_text(&self) -> Result<String, Failed> {
        let query = format!("select body from replayed where id = @{}", self.place.entity);
        match statement(&self.context, query).await?.into_iter().flatten().next() {
            Some(Value::String(text)) => Ok(text.to_string()),
            other => Err(format!("the text reads as {other:?}").into()),
        }
    }

    /// A new replica that takes in what this one began with and then all operations, so many at a time.
    pub(crate) async fn fresh(&self, operations: &[Vec<u8>], batch: usize) -> Result<Replica, Failed> {
        let (context, engine) = open().await?;
        let all = log(&self.context).await?;
        let begun = all.len() - operations.len();
        context.node().ingest(all.get(..begun).unwrap_or_default(), Role::Replica).await?;
        for operations in operations.chunks(batch) {
            let done = context.node().ingest(operations, Role::Replica).await?;
            if done.accepted.len() != operations.len() {
                return Err("a new replica does not accept all operations".into());
            }
        }
        Self::at(context, engine, self.place.clone(), 0).await
    }

    /// Bytes of keys and values in the store, in all and for each kind of record.
    pub(crate) async fn live_bytes(&self) -> Result<(usize, String), Failed> {
        let mut all = 0;
        let mut shown = Vec::new();
        for kind in layout::KINDS {
            let mut bytes = 0;
            let mut rest = Some(KvRange::prefix(&[kind]));
            while let Some(range) = rest {
                let page = self.engine.kv().store().page(range, PageLimit::SCAN).await?;
                bytes += page.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
                rest = page.rest().cloned();
            }
            if bytes > 0 {
                shown.push(format!("{} {bytes}", char::from(kind)));
            }
            all += bytes;
        }
        Ok((all, shown.join(", ")))
    }

    /// Bytes that a store on disk takes for the same.
    pub(crate) async fn on_disk(&self) -> Result<u64, Failed> {
        let folder = tempfile::tempdir()?;
        let place = Target::Fjall(folder.path().join("store"));
        self.context.backup_to(&place).await?;
        size(folder.path())
    }
}

fn size(path: &std::path::Path) -> Result<u64, Failed> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        let kind = entry.metadata()?;
        bytes += if kind.is_dir() { size(&entry.path())? } else { kind.len() };
    }
    Ok(bytes)
}
