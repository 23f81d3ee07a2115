//! Comparing heads after a long fork.

use std::sync::Arc;

use ankurah::Durability;
use ankurah::core::dag::{Ancestry, Head, Link, Relation, RunStart, VersionVector, run_for};
use ankurah::core::entity::State;
use ankurah::core::id::{ActorId, Author, EntityId, ModelId, OpId, Stamp, TransactionId};
use ankurah::core::operation::{Operation, Origin};
use ankurah::core::storage::{Batch, Engine, Position, StateWrite};
use futures::executor::block_on;

use crate::ours::Ours;
use crate::report::{Peer, Report};
use crate::{Error, Setup};

/// Comparisons of heads after a fork of two branches, 100,000 operations deep each, committed and merged.
pub const COMPARE: &str = "compare-heads-100000";

/// How deep the branches are.
const DEPTH: usize = 100_000;
/// How many operations are committed at a time.
const EACH: usize = 2_000;
/// How many comparisons are measured.
const COUNT: usize = 1_000;

/// The ends of both branches and what merges them.
struct Forked {
    entity: EntityId,
    left: Link,
    right: Link,
    merged: Link,
}

/// The version vectors of the ends of branches: each has what its actor wrote, and the genesis of the first.
fn vectors(ends: &[Link]) -> Vec<VersionVector> {
    let vector = |end: &Link| {
        let mut vector = VersionVector::new();
        vector.raise(ActorId::new(1), 1);
        vector.raise(end.actor, end.sequence);
        vector
    };
    ends.iter().map(vector).collect()
}

/// Commits the operations collected so far, with the state that they lead to.
async fn commit(
    engine: &dyn Engine,
    operations: &mut Vec<Arc<Operation>>,
    runs: &mut Vec<RunStart>,
    expected: &mut Head,
    state: &State,
) -> Result<(), Error> {
    let batch = Batch {
        catalog: Position(u64::MAX),
        operations: std::mem::take(operations),
        runs: std::mem::take(runs),
        states: vec![StateWrite { expected: expected.clone(), state: state.clone() }],
        ..Batch::default()
    };
    engine.commit(batch, Durability::Buffered).await?;
    *expected = state.head.clone();
    Ok(())
}

async fn fork(engine: &dyn Engine, depth: usize) -> Result<Forked, Error> {
    let model = ModelId(OpId::from_bits(1));
    let origin = |actor, sequence| Origin {
        actor: ActorId::new(actor),
        sequence,
        author: Author([1; 16]),
        transaction: TransactionId(1),
    };
    let genesis = Operation::genesis(model, Stamp::from_millis(1), [0; 16], origin(1, 1), vec![], [0; 16])?;
    let entity = genesis.entity();
    let mut state = State::begin(&genesis)?;
    let mut last = [genesis.link(); 2];
    let mut expected = Head::default();
    let mut runs: Vec<RunStart> = run_for(&genesis, []).into_iter().collect();
    let mut operations = vec![Arc::new(genesis)];
    let mut millis = 10;
    for step in 0..=depth {
        let merge = step == depth;
        let number = u64::try_from(step)?;
        let edits = if merge { vec![(3, 1)] } else { vec![(1, number + 2), (2, number + 2)] };
        for (actor, sequence) in edits {
            millis += 1;
            let place = usize::from(actor == 2);
            let parents = if merge { last.to_vec() } else { vec![last[place]] };
            let stamp = Stamp::from_millis(millis);
            let edit = Operation::edit(
                entity,
                model,
                stamp,
                origin(actor, sequence),
                parents.clone(),
                vec![],
                [0; 16],
            )?;
            state.apply(&edit)?;
            let vectors = vectors(&parents);
            runs.extend(run_for(&edit, &vectors));
            if !merge {
                last[place] = edit.link();
            }
            operations.push(Arc::new(edit));
        }
        if operations.len() >= EACH || merge {
            commit(engine, &mut operations, &mut runs, &mut expected, &state).await?;
        }
    }
    let [left, right] = last;
    let merged = *state.head.links().first().ok_or("there is no head")?;
    Ok(Forked { entity, left, right, merged })
}

/// Compares the ends of both branches, and each with what merges them, reading from the store.
///
/// # Errors
/// What the store says, and where a comparison is wrong.
pub fn compare(setup: &Setup, report: &mut Report) -> Result<(), Error> {
    for peer in [Peer::OursMemory, Peer::OursFjall, Peer::OursSled] {
        setup.rounds(peer, |folder| {
            let store = Ours::create(peer, folder, Durability::Buffered)?;
            let engine = store.engine();
            let Forked { entity, left, right, merged } =
                block_on(fork(engine.as_ref(), setup.scaled(DEPTH)))?;
            let [left, right, merged] = [left, right, merged].map(|link| Head::of([link]));
            report.time(COMPARE, peer, COUNT * 3, || {
                block_on(async {
                    for _ in 0..COUNT {
                        let view = engine.view().await?;
                        let ancestry = Ancestry::open(view.as_ref(), entity).await?;
                        let found = [
                            ancestry.compare(&left, &right).await?,
                            ancestry.compare(&left, &merged).await?,
                            ancestry.compare(&merged, &right).await?,
                        ];
                        if found != [Relation::Concurrent, Relation::Before, Relation::After] {
                            return Err(Error::from("a comparison is wrong"));
                        }
                    }
                    Ok(())
                })
            })?;
            store.close()
        })?;
    }
    Ok(())
}
