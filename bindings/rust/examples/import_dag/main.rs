//! Makes one entity whose history has exactly the shape of a real one, and checks what the store says of it.
//!
//! ```sh
//! cargo run --release --example import_dag -- FILE.csv.gz TARGET
//! ```
//!
//! The file has a line `index,parents,unix_seconds` for each operation, parents before children and separated by
//! spaces. Parents that follow from others are kept, and so are times that go backwards: an operation's id then has
//! the least time that exceeds its parents'. Importing a file twice is the same as importing it once.
//!
//! Head, ancestry of 10,000 random pairs, and the entity at 1,000 random points are compared with what a plain walk
//! over the file gives. The program ends with 0 only where all agree.

#![allow(clippy::print_stdout)]

mod oracle;
mod shape;

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use ankurah::core::catalog::Model;
use ankurah::core::dag::{Ancestry, Link};
use ankurah::core::id::{ActorId, Author, EntityId, ModelId, OpId, PropertyId, Stamp, TransactionId};
use ankurah::core::node::ingest::Role;
use ankurah::core::node::protocol::{Event, Parameters, Request, SessionId};
use ankurah::core::operation::{Change, Leaf, Operation, Origin};
use ankurah::core::value::Value;
use ankurah::{Context, Durability, OpenOptions};
use futures::StreamExt;

use oracle::{Dice, Oracle};
use shape::Shape;

/// Properties that the operations set in turn.
const SLOTS: usize = 8;
/// Operations that are taken in at a time.
const BATCH: usize = 1_000;
/// Pairs whose ancestry is compared.
const PAIRS: usize = 10_000;
/// Points at which the entity is compared.
const POINTS: usize = 1_000;

type Failed = Box<dyn Error>;

/// The model, and its slots in their order.
struct Target {
    model: ModelId,
    slots: Vec<PropertyId>,
}

async fn ask(context: &Context, request: Request) -> Result<Vec<Event>, Failed> {
    let events: Vec<Event> = context.node().connect().request(request).collect().await;
    match events.last() {
        Some(Event::Done(_)) => Ok(events),
        Some(Event::Failed(failure)) => Err(failure.message.clone().into()),
        _ => Err("an answer without an end".into()),
    }
}

async fn run(context: &Context, statement: String) -> Result<Vec<Vec<Value>>, Failed> {
    let (session, parameters) = (SessionId(1), Parameters::default());
    let events = ask(context, Request::Execute { session, statement, parameters }).await?;
    let rows = events.into_iter().filter_map(|event| match event {
        Event::Rows(rows) => Some(rows.to_values()),
        _ => None,
    });
    Ok(rows.flatten().collect())
}

async fn find_model(context: &Context, name: &str) -> Result<Option<Arc<Model>>, Failed> {
    let events = ask(context, Request::Catalog).await?;
    Ok(events.into_iter().find_map(|event| match event {
        Event::Catalog(catalog) => catalog.models.into_iter().find(|model| &*model.name == name),
        _ => None,
    }))
}

async fn target(context: &Context) -> Result<Target, Failed> {
    const NAME: &str = "imported_history";
    let model = match find_model(context, NAME).await? {
        Some(model) => model,
        None => {
            let slots: Vec<String> = (0..SLOTS).map(|slot| format!("slot{slot} i64")).collect();
            run(context, format!("create model {NAME} ({})", slots.join(", "))).await?;
            find_model(context, NAME).await?.ok_or("the model was not made")?
        }
    };
    let slot = |number: usize| {
        let name = format!("slot{number}");
        model.columns().find(|property| *property.name == *name).map(|property| property.id)
    };
    let slots = (0..SLOTS).map(slot).collect::<Option<_>>().ok_or("the model has other properties")?;
    Ok(Target { model: model.id, slots })
}

/// The operations of a shape. They follow from the file alone.
fn operations(shape: &Shape, oracle: &Oracle, target: &Target) -> Result<Vec<Operation>, Failed> {
    let author = Author(*b"a history's file");
    let mut made: Vec<Operation> = Vec::with_capacity(shape.nodes.len());
    let mut sequences: Vec<u64> = Vec::new();
    for (index, (node, actor)) in shape.nodes.iter().zip(&oracle.actors).enumerate() {
        let parents: Vec<Link> =
            node.parents.iter().filter_map(|parent| made.get(*parent)).map(Operation::link).collect();
        let least = parents.iter().filter_map(|link| link.id.stamp().next()).max().unwrap_or_default();
        let stamp = Stamp::from_millis(node.seconds.saturating_mul(1_000).max(1)).max(least);
        if sequences.len() <= *actor {
            sequences.resize(actor + 1, 0);
        }
        let sequence = sequences.get_mut(*actor).ok_or("an actor too many")?;
        *sequence += 1;
        let number = u64::try_from(*actor)? + 1;
        let origin = Origin {
            actor: ActorId::new(shape.seed ^ (number << 8)),
            sequence: *sequence,
            author,
            transaction: TransactionId(OpId::new(stamp, u64::try_from(index)?).bits()),
        };
        let slot = target.slots.get(index % SLOTS).copied().ok_or("no slot")?;
        let leaves = vec![Leaf { property: slot, change: Change::Set(Value::Int(i64::try_from(index)?)) }];
        let nonce = u128::from(shape.seed).to_be_bytes();
        let operation = match made.first().map(Operation::entity) {
            None => Operation::genesis(target.model, stamp, nonce, origin, leaves, nonce)?,
            Some(entity) => Operation::edit(entity, target.model, stamp, origin, parents, leaves, nonce)?,
        };
        made.push(operation);
    }
    Ok(made)
}

async fn import(context: &Context, operations: &[Operation]) -> Result<(), Failed> {
    let (mut new, mut known) = (0, 0);
    for batch in operations.chunks(BATCH) {
        let encoded: Vec<Vec<u8>> = batch.iter().map(Operation::encode).collect();
        let done = context.node().ingest(&encoded, Role::Replica).await?;
        if let Some(invalid) = done.invalid.first() {
            return Err(format!("an operation was turned away: {}", invalid.reason).into());
        }
        if !done.parked.is_empty() || !done.equivocal.is_empty() {
            return Err("an operation was parked, or its actor forked".into());
        }
        new += done.accepted.len();
        known += usize::try_from(done.duplicates)?;
    }
    println!("{new} operations taken in, {known} known before");
    Ok(())
}

/// Compares the head, and every operation's parents.
async fn check_shape(
    context: &Context,
    target: &Target,
    made: &[Operation],
    oracle: &Oracle,
) -> Result<(), Failed> {
    let view = context.node().engine().view().await?;
    let entity = made.first().map(Operation::entity).ok_or("no operation")?;
    let state = view.state(target.model, entity).await?.ok_or("the entity is not there")?;
    let mut expected: Vec<OpId> =
        oracle.head.iter().filter_map(|at| made.get(*at)).map(Operation::id).collect();
    expected.sort();
    let found: Vec<OpId> = state.head.links().iter().map(|link| link.id).collect();
    if found != expected {
        return Err(format!("the head is {found:?}, it should be {expected:?}").into());
    }
    let (mut after, mut count) = (OpId::MIN, 0usize);
    loop {
        let page = view.operations(entity, after, BATCH).await?;
        let Some((_, last)) = page.last() else { break };
        after = last.id();
        count += page.len();
    }
    if count != made.len() {
        return Err(format!("the entity has {count} operations, it should have {}", made.len()).into());
    }
    println!("{count} operations, {} in the head: agree", expected.len());
    Ok(())
}

async fn check_ancestry(context: &Context, made: &[Operation], oracle: &Oracle) -> Result<(), Failed> {
    let view = context.node().engine().view().await?;
    let entity = made.first().map(Operation::entity).ok_or("no operation")?;
    let ancestry = Ancestry::open(view.as_ref(), entity).await?;
    let mut dice = Dice::new(1);
    let start = Instant::now();
    let mut ancestors = 0usize;
    for _ in 0..PAIRS {
        let (a, b) = (dice.below(made.len()), dice.below(made.len()));
        let (Some(one), Some(other)) = (made.get(a), made.get(b)) else { return Err("no such pair".into()) };
        let found = ancestry.is_ancestor(&one.link(), &other.link()).await?;
        if found != oracle.is_below(a, b) {
            return Err(format!("the store says {found} to {a} being an ancestor of {b}").into());
        }
        ancestors += usize::from(found);
    }
    let each = start.elapsed() / u32::try_from(PAIRS)?;
    println!("ancestry of {PAIRS} pairs, {ancestors} of them related: agree, {each:?} each");
    Ok(())
}

fn point(made: &[Operation], indexes: &[usize]) -> String {
    let ids: Vec<String> = indexes
        .iter()
        .filter_map(|at| made.get(*at))
        .map(|operation| format!("@{}", operation.id()))
        .collect();
    match ids.as_slice() {
        [only] => only.clone(),
        several => format!("({})", several.join(", ")),
    }
}

async fn check_points(context: &Context, made: &[Operation], oracle: &Oracle) -> Result<(), Failed> {
    let entity: EntityId = made.first().map(Operation::entity).ok_or("no operation")?;
    let ids: Vec<OpId> = made.iter().map(Operation::id).collect();
    let slots: Vec<String> = (0..SLOTS).map(|slot| format!("slot{slot}")).collect();
    let mut dice = Dice::new(2);
    let start = Instant::now();
    for round in 0..POINTS {
        // Every other point is a frontier of several operations.
        let indexes: Vec<usize> = (0..1 + (round % 2) * 2).map(|_| dice.below(made.len())).collect();
        let statement = format!("select {} from @{entity} as of {}", slots.join(", "), point(made, &indexes));
        let found = run(context, statement).await?;
        let expected: Vec<Value> = (0..SLOTS)
            .map(|slot| match oracle.winner(&indexes, &ids, |index| index % SLOTS == slot) {
                Some(index) => Value::Int(i64::try_from(index).unwrap_or(i64::MAX)),
                None => Value::Null,
            })
            .collect();
        if found != [expected.clone()] {
            return Err(
                format!("as of {indexes:?} the store has {found:?}, it should have {expected:?}").into()
            );
        }
    }
    println!("{POINTS} points: agree, {:?} each", start.elapsed() / u32::try_from(POINTS)?);
    Ok(())
}

async fn all(file: &Path, name: &str) -> Result<(), Failed> {
    let shape = Shape::read(file)?;
    let oracle = Oracle::new(&shape)?;
    println!(
        "{} operations, {} of them merges, {} parents that follow from others, {} times that go backwards, {} actors",
        shape.nodes.len(),
        shape.nodes.iter().filter(|node| node.parents.len() > 1).count(),
        oracle.redundant,
        oracle.backwards,
        oracle.actors.iter().max().map_or(0, |last| last + 1),
    );
    let context = OpenOptions::new().durability(Durability::Buffered).open(name).await?;
    let target = target(&context).await?;
    let made = operations(&shape, &oracle, &target)?;
    let start = Instant::now();
    import(&context, &made).await?;
    println!("in {:?}", start.elapsed());
    check_shape(&context, &target, &made, &oracle).await?;
    check_ancestry(&context, &made, &oracle).await?;
    check_points(&context, &made, &oracle).await?;
    println!("the entity is @{}", made.first().map(Operation::entity).ok_or("no operation")?);
    context.close().await?;
    Ok(())
}

fn main() -> Result<(), Failed> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(file), Some(target), None) = (arguments.next(), arguments.next(), arguments.next()) else {
        return Err("usage: import_dag FILE.csv.gz TARGET".into());
    };
    let target = target.into_string().map_err(|_| "the target is not UTF-8")?;
    futures::executor::block_on(all(Path::new(&file), &target))
}
