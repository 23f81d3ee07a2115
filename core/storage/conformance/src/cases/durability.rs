//! Durability: what is acknowledged when, and how many flushes that takes.

use ankurah_core::storage::{CommitError, Durability, Position};
use futures::FutureExt;
use futures::executor::block_on;
use futures::future::join_all;

use super::view;
use crate::data::{Writer, model};
use crate::{Call, Case, Factory, Faults, Faulty, Place, dynamic, open, open_kv};

pub(super) fn cases<F: Factory>() -> Vec<Case<F>> {
    vec![
        Case {
            name: "durability::commits_that_wait_together_share_a_flush",
            run: |f: &F| shared(&f.place()),
        },
        Case { name: "durability::buffered_commits_do_not_flush", run: |f: &F| buffered(&f.place()) },
        Case { name: "durability::threads_commit_synced", run: |f: &F| threads(&f.place()) },
        Case { name: "durability::a_dropped_leader_is_replaced", run: |f: &F| dropped(&f.place()) },
    ]
}

fn shared(place: &impl Place) {
    let faults = Faults::default();
    let engine = dynamic(&open_kv(Faulty::new(place.kv(), faults.clone())).unwrap());
    let mut writer = Writer::new(0);
    faults.fail(Call::Flush, usize::MAX);
    for round in 1..=3 {
        let commits =
            (0..50).map(|_| engine.commit(writer.create(model(0), &[]).batch(), Durability::Synced));
        let results: Result<Vec<Position>, CommitError> = block_on(join_all(commits)).into_iter().collect();
        let mut positions = results.unwrap();
        positions.sort();
        assert!(positions.into_iter().map(|position| position.0).eq(50 * (round - 1) + 1..=50 * round));
        assert_eq!(faults.count(Call::Flush), usize::try_from(round).unwrap());
    }
    block_on(engine.flush()).unwrap();
    assert_eq!(faults.count(Call::Flush), 3, "everything is on disk already");
}

fn buffered(place: &impl Place) {
    let faults = Faults::default();
    let engine = dynamic(&open_kv(Faulty::new(place.kv(), faults.clone())).unwrap());
    let mut writer = Writer::new(0);
    faults.fail(Call::Flush, usize::MAX);
    for _ in 0..20 {
        super::commit(&*engine, writer.create(model(0), &[]).batch());
    }
    assert_eq!(faults.count(Call::Flush), 0);
    assert_eq!(block_on(engine.flush()).unwrap(), Position(20));
    assert_eq!(faults.count(Call::Flush), 1);
}

fn threads(place: &impl Place) {
    const THREADS: u64 = 4;
    const EACH: u64 = 25;
    let faults = Faults::default();
    let engine = dynamic(&open_kv(Faulty::new(place.kv(), faults.clone())).unwrap());
    faults.fail(Call::Flush, usize::MAX);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let engine = &engine;
            scope.spawn(move || {
                let mut writer = Writer::new(thread);
                for _ in 0..EACH {
                    let write = writer.create(model(0), &[]);
                    let position = block_on(engine.commit(write.batch(), Durability::Synced)).unwrap();
                    let state = block_on(view(&**engine).state(model(0), write.entity())).unwrap();
                    assert_eq!(state.map(|state| state.position), Some(position));
                }
            });
        }
    });
    assert_eq!(view(&*engine).position(), Position(THREADS * EACH));
    assert!(u64::try_from(faults.count(Call::Flush)).unwrap() <= THREADS * EACH);
    drop(engine);
    let engine = dynamic(&open(place).unwrap());
    assert_eq!(view(&*engine).position(), Position(THREADS * EACH));
}

fn dropped(place: &impl Place) {
    let engine = dynamic(&open(place).unwrap());
    let mut writer = Writer::new(0);
    let mut leader = engine.commit(writer.create(model(0), &[]).batch(), Durability::Synced);
    assert!((&mut leader).now_or_never().is_none(), "it lets others join first");
    let mut follower = engine.commit(writer.create(model(0), &[]).batch(), Durability::Synced);
    assert!((&mut follower).now_or_never().is_none());
    drop(leader);
    assert_eq!(block_on(follower).unwrap(), Position(2));
    assert_eq!(view(&*engine).position(), Position(2), "both are there");
}
