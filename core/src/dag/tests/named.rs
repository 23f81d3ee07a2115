//! Small DAGs in the notation.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::executor::block_on;

use crate::codec::{Reader, Writer};
use crate::dag::notation::{Notation, print};
use crate::dag::{
    Ancestry, AncestryError, DagIndex, Head, Link, Relation, RunLookup, RunStart, decode_equivocal,
    encode_equivocal,
};
use crate::env::BoxFuture;
use crate::id::{ActorId, Author, EntityId, ModelId, OpId, Stamp, TransactionId};
use crate::operation::{Operation, Origin};
use crate::storage::StorageError;

fn dag(text: &str) -> Notation {
    Notation::parse(text).unwrap()
}

fn head(dag: &Notation, names: &str) -> Head {
    Head::of(names.split_whitespace().map(|name| dag.link(name).unwrap()))
}

#[track_caller]
fn check_head(text: &str, expected: &[&str]) {
    let dag = dag(text);
    assert_eq!(dag.names(dag.index.head().links()), expected);
}

#[test]
fn heads() {
    check_head("A", &["A"]);
    check_head("A; B<-A; C<-A", &["B", "C"]);
    check_head("A; B<-A; C<-A; D<-B,C", &["D"]);
    check_head("A; B<-A; C<-A,B", &["C"]);
    check_head("A; B<-A; C<-B; D<-A; E<-D,A", &["C", "E"]);
}

#[track_caller]
fn check_relation(text: &str, a: &str, b: &str, expected: Relation) {
    let dag = dag(text);
    let ancestry = block_on(Ancestry::open(&dag.index, dag.index.entity())).unwrap();
    let compared = block_on(ancestry.compare(&head(&dag, a), &head(&dag, b))).unwrap();
    assert_eq!(compared, expected, "{a} and {b} in {text}");
}

#[test]
fn relations() {
    let text = "A; B<-A; C<-A; D<-B,C; E<-C";
    check_relation(text, "A", "A", Relation::Equal);
    check_relation(text, "A", "B", Relation::Before);
    check_relation(text, "D", "B", Relation::After);
    check_relation(text, "B", "C", Relation::Concurrent);
    check_relation(text, "D", "E", Relation::Concurrent);
    check_relation(text, "B C", "D", Relation::Before);
    check_relation(text, "D E", "B", Relation::After);
    // One actor's operations with a gap in their numbers.
    check_relation("A@1; B@1.9<-A; C@2<-A; D@1.12<-B", "D", "B", Relation::After);
    check_relation("A@1; B@1.9<-A; C@2<-A; D@1.12<-B", "D", "C", Relation::Concurrent);
    // A keyed genesis has no actor.
    check_relation("A@0; B@1<-A; C@2<-A", "A", "C", Relation::Before);
    check_relation("A@0; B@1<-A; C@2<-A", "B", "C", Relation::Concurrent);
}

#[test]
fn actors_that_fork_are_flagged_and_walked() {
    let text = "A@1; B@2<-A; C@2<-A; D@3<-B; E@3<-D; F@2.3<-C";
    let parsed = dag(text);
    assert_eq!(parsed.index.equivocal(), &BTreeSet::from([ActorId::new(2)]));
    check_relation(text, "B", "C", Relation::Concurrent);
    check_relation(text, "B", "E", Relation::Before);
    check_relation(text, "C", "E", Relation::Concurrent);
    check_relation(text, "C", "F", Relation::Before);
    check_relation(text, "B", "F", Relation::Concurrent);
    // Two operations of one number.
    let text = "A@1; B@2.1<-A; C@2.1<-A; D@3<-B";
    check_relation(text, "C", "D", Relation::Concurrent);
    check_relation(text, "B", "D", Relation::Before);
}

#[test]
fn meets() {
    let dag = dag("A; B<-A; C<-A; D<-B,C; E<-C,B; F<-E");
    let meet = |a, b| dag.index.meet(&head(&dag, a), &head(&dag, b));
    assert_eq!(meet("D", "F"), head(&dag, "B C"));
    assert_eq!(meet("B", "C"), head(&dag, "A"));
    assert_eq!(meet("F", "E"), head(&dag, "E"));
}

#[test]
fn runs() {
    let dag = dag("A@1; B@1<-A; C@1<-B; D@2<-B; E@2<-D; F@1<-C,E; G@1<-F");
    let runs: Vec<(&str, usize)> = dag
        .index
        .runs()
        .map(|run| (dag.name(&run.first).unwrap(), dag.index.run_end(&run.first).1))
        .collect();
    assert_eq!(runs, [("A", 3), ("F", 2), ("D", 2)]);
    for run in dag.index.runs() {
        let mut writer = Writer::new();
        run.encode(&mut writer);
        assert_eq!(RunStart::decode(&mut Reader::new(writer.as_bytes())).as_ref(), Ok(run));
        let mut wrong = run.clone();
        wrong.first.sequence += 1;
        let mut writer = Writer::new();
        wrong.encode(&mut writer);
        assert!(RunStart::decode(&mut Reader::new(writer.as_bytes())).is_err());
    }
}

#[track_caller]
fn check_notation_error(text: &str, message: &str) {
    assert_eq!(Notation::parse(text).unwrap_err().to_string(), message);
}

#[test]
fn notation() {
    let text = "A@1.1; B@2.1<-A; C@1.2<-A; D@2.7<-B,C";
    let dag = dag(text);
    assert_eq!(print(&dag.index, |link| dag.name(link).unwrap().to_owned()), text);
    check_notation_error("", "`` is not a name");
    check_notation_error("A; B<-", "`` is not a name");
    check_notation_error("A; B<-A; A<-B", "there are two operations A");
    check_notation_error("A; B<-C", "B has an unknown parent C");
    check_notation_error("A; B", "the first operation, and no other, has no parents: B");
    check_notation_error("A; B@x<-A", "`x` is not an actor or a sequence number");
    check_notation_error(
        "A; B@9007199254740992<-A",
        "`9007199254740992` is not an actor or a sequence number",
    );
    check_notation_error("A; B@0<-A", "only the genesis is keyed: B");
    check_notation_error("A; B-C", "`B-C` is not a name");
}

#[test]
fn an_index_refuses_what_does_not_fit() {
    let dag = dag("A; B<-A; C<-B");
    let (a, b, c) = (dag.link("A").unwrap(), dag.link("B").unwrap(), dag.link("C").unwrap());
    let mut index = DagIndex::new(dag.index.entity());
    assert!(index.insert(b, &[a]).unwrap_err().to_string().contains("is not known"));
    assert_eq!(index.insert(a, &[]), Ok(true));
    assert_eq!(index.insert(a, &[]), Ok(false));
    let twin = Link { sequence: 2, ..a };
    assert!(index.insert(twin, &[]).unwrap_err().to_string().contains("two operations"));
    assert!(index.insert(b, &[twin]).is_err());
    assert_eq!(index.insert(c, &[a]), Ok(true));
    assert!(index.insert(b, &[c]).unwrap_err().to_string().contains("does not exceed"));
    assert_eq!(index.len(), 2);
}

#[test]
fn what_is_not_held_is_an_error() {
    let (full, empty) = (dag("A; B<-A"), DagIndex::new(dag("A").index.entity()));
    let ancestry = block_on(Ancestry::open(&empty, full.index.entity())).unwrap();
    let (a, b) = (full.link("A").unwrap(), full.link("B").unwrap());
    let result = block_on(ancestry.is_ancestor(&a, &b));
    assert!(matches!(result, Err(AncestryError::NotHeld(link)) if link == b));
}

#[test]
fn equivocal_actors_have_one_encoding() {
    let actors = BTreeSet::from([ActorId::new(3), ActorId::new(300)]);
    let bytes = encode_equivocal(&actors);
    assert_eq!(decode_equivocal(&bytes), Ok(actors));
    assert!(decode_equivocal(&[2, 5, 5]).is_err());
    assert!(decode_equivocal(&[1, 5, 5]).is_err());
    assert!(decode_equivocal(&[200]).is_err());
}

/// Counts what is looked up.
struct Counting<'a>(&'a DagIndex, AtomicUsize);

impl RunLookup for Counting<'_> {
    fn run(
        &self,
        entity: EntityId,
        actor: ActorId,
        sequence: u64,
    ) -> BoxFuture<'_, Result<Option<RunStart>, StorageError>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.run(entity, actor, sequence)
    }

    fn parents(&self, entity: EntityId, id: OpId) -> BoxFuture<'_, Result<Option<Vec<Link>>, StorageError>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.parents(entity, id)
    }

    fn equivocal(&self, entity: EntityId) -> BoxFuture<'_, Result<BTreeSet<ActorId>, StorageError>> {
        RunLookup::equivocal(self.0, entity)
    }
}

#[test]
fn one_lookup_decides_however_long_the_history() {
    let author = Author([1; 16]);
    let origin = |actor, sequence| Origin {
        actor: ActorId::new(actor),
        sequence,
        author,
        transaction: TransactionId(1),
    };
    let model = ModelId(OpId::from_bits(1));
    let genesis =
        Operation::genesis(model, Stamp::from_millis(1), [0; 16], origin(1, 1), vec![], [0; 16]).unwrap();
    let mut index = DagIndex::new(genesis.entity());
    index.accept(&genesis).unwrap();
    let mut last = [genesis.link(); 2];
    let mut first = None;
    for step in 0..3000 {
        for (actor, last) in [1, 2].into_iter().zip(&mut last) {
            let stamp = Stamp::from_millis(10 + step);
            let origin = origin(actor, step + 2);
            let edit = Operation::edit(genesis.entity(), model, stamp, origin, vec![*last], vec![], [0; 16])
                .unwrap();
            index.accept(&edit).unwrap();
            *last = edit.link();
            first.get_or_insert(edit.link());
        }
    }
    let counting = Counting(&index, AtomicUsize::new(0));
    let ancestry = block_on(Ancestry::open(&counting, genesis.entity())).unwrap();
    let first = first.unwrap();
    for link in last {
        let before = counting.1.load(Ordering::Relaxed);
        assert_eq!(block_on(ancestry.is_ancestor(&first, &link)).unwrap(), first.actor == link.actor);
        assert_eq!(counting.1.load(Ordering::Relaxed) - before, 1);
    }
    assert_eq!(index.runs().count(), 2);
}

/// What is looked up to compare the ends of two branches of so many operations each, and each of them with what
/// merges them.
fn lookups_after_a_fork(depth: u64) -> [usize; 3] {
    let model = ModelId(OpId::from_bits(1));
    let origin = |actor, sequence| Origin {
        actor: ActorId::new(actor),
        sequence,
        author: Author([1; 16]),
        transaction: TransactionId(1),
    };
    let genesis =
        Operation::genesis(model, Stamp::from_millis(1), [0; 16], origin(1, 1), vec![], [0; 16]).unwrap();
    let entity = genesis.entity();
    let mut index = DagIndex::new(entity);
    index.accept(&genesis).unwrap();
    let mut edit = |millis, actor, sequence, parents| {
        let (stamp, origin) = (Stamp::from_millis(millis), origin(actor, sequence));
        let edit = Operation::edit(entity, model, stamp, origin, parents, vec![], [0; 16]).unwrap();
        index.accept(&edit).unwrap();
        edit.link()
    };
    let mut last = [genesis.link(); 2];
    for step in 0..depth {
        for (actor, last) in [1, 2].into_iter().zip(&mut last) {
            *last = edit(10 + step, actor, step + 2, vec![*last]);
        }
    }
    let merged = edit(10 + depth, 3, 1, last.to_vec());
    let counting = Counting(&index, AtomicUsize::new(0));
    let ancestry = block_on(Ancestry::open(&counting, entity)).unwrap();
    let compare = |a: Link, b: Link, expected: Relation| {
        let before = counting.1.load(Ordering::Relaxed);
        assert_eq!(block_on(ancestry.compare(&Head::of([a]), &Head::of([b]))).unwrap(), expected);
        counting.1.load(Ordering::Relaxed) - before
    };
    let [left, right] = last;
    [
        compare(left, right, Relation::Concurrent),
        compare(left, merged, Relation::Before),
        compare(merged, right, Relation::After),
    ]
}

#[test]
fn comparing_heads_reads_as_much_after_a_long_fork_as_after_a_short_one() {
    let short = lookups_after_a_fork(2);
    assert_eq!(lookups_after_a_fork(4000), short);
    assert!(short.iter().all(|lookups| *lookups <= 4), "{short:?}");
}
