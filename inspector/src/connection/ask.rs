//! One question, from its request to its last part.

use std::sync::Arc;

use ankurah_core::id::{EntityId, ModelId, OpId};
use ankurah_core::node::protocol::{Connection, Event, EventStream, Failure, Request};
use ankurah_core::operation::{Decoded, Operation};
use ankurah_core::storage::Position;
use futures::StreamExt;

use super::replay::{Replay, Replays};
use crate::message::{Ask, Detail, Reply, Stage, Summary};

/// Events that are handed on together, where so many are there.
const TOGETHER: usize = 256;
/// Operations that the first part of an answer holds; later ones hold as many as all before them, so that whoever
/// looks at all of them after each part looks at each twice.
const FIRST: usize = 128;

/// Where the parts of an answer go; false where nobody wants them any more.
pub(super) type Emit<'a> = &'a mut (dyn FnMut(Reply) -> bool + Send);

/// Why there is no answer.
enum Stop {
    /// Nobody wants it any more.
    Unwanted,
    /// Something failed.
    Failed(String),
}

/// Asks, and gives the parts of the answer but its end.
///
/// # Errors
/// What happened and what to do, for people.
pub async fn answer(
    connection: &Arc<dyn Connection>,
    ask: Ask,
    replays: &Replays,
    emit: Emit<'_>,
) -> Result<(), String> {
    let done = match ask {
        Ask::Events(request) => events(connection.request(request), emit, Reply::Events).await,
        Ask::Each(requests) => each(connection, requests, emit).await,
        Ask::Entity { entity } => whole_entity(connection, entity, replays, emit).await,
        Ask::Operation { entity, id, without } => {
            operation(connection, entity, id, &without, replays, emit).await
        }
        Ask::Past { entity, upto, position } => past(connection, entity, upto, position, replays, emit).await,
        Ask::Track { model, after } => track(connection, model, after, emit).await,
        Ask::Script { entity } => stages(connection, entity, emit).await,
    };
    match done {
        Ok(()) | Err(Stop::Unwanted) => Ok(()),
        Err(Stop::Failed(message)) => Err(message),
    }
}

fn said(failure: &Failure) -> String {
    match &failure.help {
        Some(help) => format!("{}; {help}", failure.message),
        None => failure.message.clone(),
    }
}

fn give(emit: &mut (dyn FnMut(Reply) -> bool + Send), reply: Reply) -> Result<(), Stop> {
    if emit(reply) { Ok(()) } else { Err(Stop::Unwanted) }
}

async fn events(
    stream: EventStream,
    emit: &mut (dyn FnMut(Reply) -> bool + Send),
    part: impl Fn(Vec<Event>) -> Reply,
) -> Result<(), Stop> {
    let mut chunks = stream.ready_chunks(TOGETHER);
    while let Some(mut events) = chunks.next().await {
        let failed = match events.last() {
            Some(Event::Failed(failure)) => Some(said(failure)),
            _ => None,
        };
        events.retain(|event| !matches!(event, Event::Failed(_)));
        if !events.is_empty() {
            give(emit, part(events))?;
        }
        if let Some(message) = failed {
            return Err(Stop::Failed(message));
        }
    }
    Ok(())
}

async fn each(
    connection: &Arc<dyn Connection>,
    requests: Vec<Request>,
    emit: &mut (dyn FnMut(Reply) -> bool + Send),
) -> Result<(), Stop> {
    for (number, request) in requests.into_iter().enumerate() {
        events(connection.request(request), emit, |events| Reply::Of(number, events)).await?;
    }
    Ok(())
}

/// Operations of an entity, one after the other.
pub(super) struct Operations {
    stream: EventStream,
}

/// An operation as the node holds it.
pub(super) struct Held {
    pub(super) position: Position,
    pub(super) bytes: Vec<u8>,
    /// What its bytes say; why they cannot be read otherwise.
    pub(super) operation: Result<Operation, String>,
}

impl Operations {
    pub(super) fn of(connection: &Arc<dyn Connection>, entity: EntityId, after: Option<OpId>) -> Self {
        Operations { stream: connection.request(Request::Operations { entity, after }) }
    }

    pub(super) async fn next(&mut self) -> Result<Option<Held>, String> {
        loop {
            match self.stream.next().await {
                Some(Event::Operation { position, bytes }) => {
                    let operation = match Operation::decode(&bytes) {
                        Ok(Decoded::Known(operation)) => Ok(operation),
                        Ok(Decoded::Unknown { version, .. }) => {
                            Err(format!("its version {version} is newer than this program"))
                        }
                        Err(error) => Err(error.to_string()),
                    };
                    return Ok(Some(Held { position, bytes, operation }));
                }
                Some(Event::Failed(failure)) => return Err(said(&failure)),
                Some(Event::Done(_)) | None => return Ok(None),
                Some(_) => {}
            }
        }
    }
}

fn summary(held: &Held) -> Option<Summary> {
    let operation = held.operation.as_ref().ok()?;
    Some(Summary {
        id: operation.id(),
        position: held.position,
        author: operation.origin().map(|origin| origin.author),
        transaction: operation.origin().map(|origin| origin.transaction),
        parents: operation.parents().iter().map(|parent| parent.id).collect(),
        properties: match operation.key() {
            Some(key) => key.iter().map(|(property, _)| *property).collect(),
            None => operation.leaves().iter().map(|leaf| leaf.property).collect(),
        },
        known: true,
    })
}

async fn whole_entity(
    connection: &Arc<dyn Connection>,
    entity: EntityId,
    replays: &Replays,
    emit: &mut (dyn FnMut(Reply) -> bool + Send),
) -> Result<(), Stop> {
    let mut operations = Operations::of(connection, entity, None);
    let mut replay = Replay::default();
    let mut marks = replays.begin(entity);
    let mut waiting: Vec<Summary> = Vec::new();
    let mut given = 0_usize;
    while let Some(held) = operations.next().await.map_err(Stop::Failed)? {
        waiting.extend(summary(&held));
        if let Ok(operation) = &held.operation {
            replay.take(operation, held.position).map_err(Stop::Failed)?;
            marks.note(&replay);
        }
        if waiting.len() >= FIRST.max(given) {
            given = given.saturating_add(waiting.len());
            give(emit, Reply::Summaries(std::mem::take(&mut waiting)))?;
        }
    }
    if !waiting.is_empty() {
        give(emit, Reply::Summaries(waiting))?;
    }
    replays.keep(marks);
    if let Some(image) = replay.image() {
        give(emit, Reply::Image(Box::new(image)))?;
    }
    Ok(())
}

async fn operation(
    connection: &Arc<dyn Connection>,
    entity: EntityId,
    id: OpId,
    without: &[OpId],
    replays: &Replays,
    emit: &mut (dyn FnMut(Reply) -> bool + Send),
) -> Result<(), Stop> {
    let before_it = OpId::from_bits(id.bits().saturating_sub(1));
    let mut replay = replays.from(entity, before_it, None, without.first().copied()).map_err(Stop::Failed)?;
    let mut operations = Operations::of(connection, entity, replay.last());
    while let Some(held) = operations.next().await.map_err(Stop::Failed)? {
        let found = match &held.operation {
            Ok(operation) if operation.id() < id => {
                if without.binary_search(&operation.id()).is_err() {
                    replay.take(operation, held.position).map_err(Stop::Failed)?;
                }
                continue;
            }
            Ok(operation) => operation.id() == id,
            Err(_) => false,
        };
        if !found {
            break;
        }
        let before = replay.image().map(Box::new);
        if let Ok(operation) = &held.operation {
            replay.take(operation, held.position).map_err(Stop::Failed)?;
        }
        let after = replay.image().map(Box::new);
        let Held { position, bytes, operation } = held;
        return give(emit, Reply::Operation(Box::new(Detail { position, bytes, operation, before, after })));
    }
    Err(Stop::Failed(format!("operation {id} is not held any more")))
}

async fn past(
    connection: &Arc<dyn Connection>,
    entity: EntityId,
    upto: OpId,
    position: Option<Position>,
    replays: &Replays,
    emit: &mut (dyn FnMut(Reply) -> bool + Send),
) -> Result<(), Stop> {
    let mut replay = replays.from(entity, upto, position, None).map_err(Stop::Failed)?;
    if replay.last().is_none_or(|last| last < upto) {
        let mut operations = Operations::of(connection, entity, replay.last());
        while let Some(held) = operations.next().await.map_err(Stop::Failed)? {
            let Ok(operation) = &held.operation else { continue };
            if operation.id() > upto {
                break;
            }
            if position.is_none_or(|position| held.position <= position) {
                replay.take(operation, held.position).map_err(Stop::Failed)?;
            }
        }
    }
    give(emit, Reply::Past { upto, image: replay.image().map(Box::new) })
}

/// Tells what of the change log is about one model.
async fn track(
    connection: &Arc<dyn Connection>,
    model: ModelId,
    after: Position,
    emit: &mut (dyn FnMut(Reply) -> bool + Send),
) -> Result<(), Stop> {
    let of_it = |mut events: Vec<Event>| {
        let mut entries = Vec::new();
        for event in events.drain(..) {
            let Event::Log(mut entry) = event else { continue };
            entry.changes.retain(|change| change.model == model);
            entry.relayed = Vec::new();
            if !entry.changes.is_empty() {
                entries.push(entry);
            }
        }
        Reply::Track(entries)
    };
    events(connection.request(Request::Log { after, follow: false }), emit, of_it).await
}

/// The operations of an entity that a script tells one by one, and the bytes of their texts, at most.
const STAGES: usize = 5_000;
const STAGED: usize = 16 << 20;

/// Tells an entity operation after operation; where there are too many, how it is in the end alone.
async fn stages(
    connection: &Arc<dyn Connection>,
    entity: EntityId,
    emit: &mut (dyn FnMut(Reply) -> bool + Send),
) -> Result<(), Stop> {
    let mut operations = Operations::of(connection, entity, None);
    let mut replay = Replay::default();
    let mut stages = Vec::new();
    let mut bytes = 0_usize;
    let mut last = None;
    while let Some(held) = operations.next().await.map_err(Stop::Failed)? {
        let Ok(operation) = &held.operation else { continue };
        replay.take(operation, held.position).map_err(Stop::Failed)?;
        let (id, author) = (operation.id(), operation.origin().map(|origin| origin.author));
        last = Some((id, author));
        if stages.len() < STAGES && bytes < STAGED {
            if let Some(image) = replay.image() {
                bytes = bytes.saturating_add(image.texts.iter().map(|(_, text, _)| text.len()).sum());
                stages.push(Stage { id, author, image });
            }
        } else {
            stages = Vec::new();
            bytes = usize::MAX;
        }
    }
    if let (true, Some((id, author)), Some(image)) = (stages.is_empty(), last, replay.image()) {
        stages.push(Stage { id, author, image });
    }
    give(emit, Reply::Stages(stages))
}
