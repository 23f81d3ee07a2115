//! Transactions of typed models, keys, and what is counted.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use ankurah::core::env::fixed::FixedEnv;
use ankurah::{Context, Error, Isolation, Model, OpenOptions, Query, Ref};
use futures::executor::block_on;

#[derive(Model)]
struct Counter {
    #[model(key)]
    name: String,
    #[model(key)]
    shard: i64,
    value: i64,
}

fn counter(name: &str, shard: i64, value: i64) -> Counter {
    Counter { name: name.to_owned(), shard, value }
}

async fn context() -> Context {
    OpenOptions::new().env(FixedEnv::new(1).env).open("memory:").await.unwrap()
}

#[test]
fn an_increment_is_never_lost() {
    const THREADS: usize = 4;
    const TIMES: usize = 50;
    let context = block_on(context());
    // The first to come defines the model; the others find that someone did.
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                block_on(async {
                    for _ in 0..TIMES {
                        let done = context.transaction(|tx| async move {
                            match tx.find_by_key::<Counter>(("hits", 0)).await? {
                                Some(hits) => tx.edit(&hits, |hits| hits.set_value(hits.value() + 1)).await,
                                None => tx.create(&counter("hits", 0, 1)).await,
                            }
                        });
                        match done.await {
                            Ok(_) => {}
                            Err(error) => panic!("{error}"),
                        }
                    }
                });
            });
        }
    });
    let hits = block_on(context.find_by_key::<Counter>(("hits", 0))).unwrap().unwrap();
    assert_eq!(hits.value(), i64::try_from(THREADS * TIMES).unwrap());
}

#[test]
fn what_fails_leaves_nothing_behind() {
    block_on(async {
        let context = context().await;
        let failed = context.transaction(|tx| async move {
            tx.create(&counter("a", 0, 1)).await?;
            assert_eq!(tx.count::<Counter>("").await?, 1);
            Err::<(), _>(Error::app("no more"))
        });
        let error = failed.await.unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), ("app", "no more"));
        assert_eq!(context.count::<Counter>("").await.unwrap(), 0);
        let error = context.create_all(&[counter("a", 0, 1), counter("b", 0, 2), counter("a", 0, 3)]).await;
        assert_eq!(error.unwrap_err().kind(), "duplicate-key");
        assert!(!context.exists::<Counter>("").await.unwrap());
    });
}

#[test]
fn isolation_decides_what_a_change_meanwhile_means() {
    /// What commits a transaction that read one counter and wrote another, while the one that it read, or the one that
    /// it wrote, was changed.
    async fn attempt(isolation: Isolation, meanwhile: &str) -> Result<(), Error> {
        let context = context().await;
        let [read, written] = ["read", "written"].map(|name| counter(name, 0, 0));
        let [read, written] = [context.create(&read).await?, context.create(&written).await?];
        let tx = context.begin(isolation).await?;
        let seen = tx.get(&read).await?.value();
        tx.edit(&written, |written| written.set_value(seen + 1)).await?;
        let other = if meanwhile == "read" { read.id() } else { written.id() };
        context.edit(other, |other| other.set_value(7)).await?;
        tx.commit().await
    }
    for (isolation, meanwhile, commits) in [
        (Isolation::Snapshot, "read", true),
        (Isolation::Snapshot, "written", false),
        (Isolation::Merge, "read", true),
        (Isolation::Merge, "written", true),
        (Isolation::Serializable, "read", false),
        (Isolation::Serializable, "written", false),
    ] {
        let done = block_on(attempt(isolation, meanwhile));
        let conflicts = done.as_ref().is_err_and(Error::is_conflict);
        assert_eq!((done.is_ok(), conflicts), (commits, !commits), "{isolation:?} {meanwhile}: {done:?}");
    }
}

#[test]
fn a_transaction_that_was_committed_does_nothing_more() {
    block_on(async {
        let context = context().await;
        let tx = context.begin(Isolation::Snapshot).await.unwrap();
        let other = tx.clone();
        tx.create(&counter("a", 0, 1)).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(other.count::<Counter>("").await.unwrap_err().kind(), "no-transaction");
        assert_eq!(other.commit().await.unwrap_err().kind(), "no-transaction");
        assert_eq!(context.count::<Counter>("").await.unwrap(), 1);
    });
}

#[test]
fn keys_name_entities_before_they_exist() {
    block_on(async {
        let context = context().await;
        let id: Ref<Counter> = context.reference(("a", 1)).await.unwrap();
        assert_eq!(context.find_by_key::<Counter>(("a", 1)).await.unwrap(), None);
        let made = context.upsert(&counter("a", 1, 5)).await.unwrap();
        assert_eq!(made.id(), id);
        assert_eq!(context.upsert(&counter("a", 1, 6)).await.unwrap().id(), id);
        assert_eq!(context.get(id).await.unwrap().value(), 6);
        let error = context.create(&counter("a", 1, 7)).await.unwrap_err().to_string();
        assert!(error.starts_with("`counter` has an entity with name = a, shard = 1 already: "), "{error}");
        context.delete(id).await.unwrap();
        assert_eq!(context.delete(id).await.unwrap_err().kind(), "not-found");
        // A deleted one with the same key is there again.
        assert_eq!(context.upsert(&counter("a", 1, 8)).await.unwrap().id(), id);
        assert_eq!(context.get(id).await.unwrap().value(), 8);
    });
}

#[test]
fn what_is_asked_wrongly_is_shown_in_the_query() {
    block_on(async {
        let context = context().await;
        for (query, expected) in [
            (
                Query::new("valeu > 1"),
                "error: model `counter` has no property `valeu`\n --> 1:1\n  |\n1 | valeu > 1\n  | ^^^^^\n  \
                 = help: did you mean `value`?",
            ),
            (
                Query::new("value >"),
                "error: unexpected end of the statement\n --> 1:8\n  |\n1 | value >\n  |        ^ expected an expression",
            ),
            (
                Query::new("value > ?"),
                "error: no value was given for `?`\n --> 1:9\n  |\n1 | value > ?\n  |         ^\n  = help: 0 values were given",
            ),
            (
                Query::new("value > ?").bind(u64::MAX),
                "parameter 1: 18446744073709551615 does not fit into i64",
            ),
        ] {
            let error = context.fetch::<Counter>(query).await.unwrap_err();
            assert_eq!(error.to_string(), expected);
        }
    });
}

#[test]
fn limits_and_offsets_count_too() {
    block_on(async {
        let context = context().await;
        let all: Vec<Counter> = (0..10).map(|shard| counter("a", shard, shard * shard)).collect();
        context.create_all(&all).await.unwrap();
        for (query, count, first) in [
            ("", 10, Some(0)),
            ("value > 20 order by value desc", 5, Some(9)),
            ("order by value limit 3", 3, Some(0)),
            ("order by value limit 5 offset 8", 2, Some(8)),
            ("limit 0", 0, None),
            ("value = 7", 0, None),
        ] {
            assert_eq!(context.count::<Counter>(query).await.unwrap(), count, "{query}");
            assert_eq!(context.exists::<Counter>(query).await.unwrap(), count > 0, "{query}");
            let found = context.fetch_first::<Counter>(query).await;
            let shards: Vec<i64> =
                context.fetch::<Counter>(query).await.unwrap().iter().map(CounterView::shard).collect();
            assert_eq!(u64::try_from(shards.len()).unwrap(), count, "{query}");
            if !query.is_empty() {
                assert_eq!(found.unwrap().map(|counter| counter.shard()), first, "{query}");
            }
        }
        let error = context.fetch_one::<Counter>("value = 7").await.unwrap_err().to_string();
        assert_eq!(error, "no counter matches");
    });
}
