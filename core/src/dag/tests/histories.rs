//! Random histories, taken in in random orders.

use std::collections::{BTreeMap, BTreeSet};

use futures::executor::block_on;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::dag::notation::{Notation, print};
use crate::dag::{Ancestry, Base, DagIndex, Head, Link, Overlay, Relation, known, run_start};
use crate::id::{ActorId, Digest, EntityId, OpId, Stamp};

/// An operation of a generated history: link and parents.
type Step = (Link, Vec<Link>);

/// The choices for one operation: actor, gap before its sequence number, parents by index (modulo what is
/// there), digest bits.
type Choice = (u64, u64, Vec<prop::sample::Index>, u64);

fn choices() -> impl Strategy<Value = Vec<Choice>> {
    vec((1u64..5, 1u64..4, vec(any::<prop::sample::Index>(), 1..4), any::<u64>()), 1..24)
}

/// A history in which every actor is sequential, or not (`forks`): then an operation need not follow its
/// actor's earlier ones, and numbers may repeat.
fn history(choices: &[Choice], keyed: bool, forks: bool) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut last: BTreeMap<u64, Link> = BTreeMap::new();
    for (place, (actor, gap, parents, bits)) in choices.iter().enumerate() {
        let digest = Digest([u8::try_from(place).unwrap(); 32]);
        if place == 0 && keyed {
            steps.push((Link::keyed(OpId::from_bits(u128::from(*bits) | 1), digest), vec![]));
            continue;
        }
        let previous = last.get(actor);
        let sequence = match forks {
            true => *gap,
            false => previous.map_or(0, |link| link.sequence) + gap,
        };
        // Several operations in one millisecond too; digest bits in the order of ids there.
        let stamp = Stamp::from_millis(1 + u64::try_from(place).unwrap() / 2);
        let id = OpId::new(stamp, (bits >> 1) | (u64::try_from(place % 2).unwrap() << 63));
        let mut links: Vec<Link> = match place {
            0 => vec![],
            _ => parents.iter().map(|index| steps[index.index(place)].0).collect(),
        };
        if !forks {
            links.extend(previous);
        }
        links.sort_unstable();
        links.dedup();
        let link = Link { id, digest, actor: ActorId::new(*actor), sequence };
        last.insert(*actor, link);
        steps.push((link, links));
    }
    steps
}

/// The steps in another order in which parents come before children.
fn reordered(steps: &[Step], picks: &[prop::sample::Index]) -> Vec<Step> {
    let mut rest: Vec<Step> = steps.to_vec();
    let mut order: Vec<Step> = Vec::new();
    let mut done: BTreeSet<Link> = BTreeSet::new();
    let mut picks = picks.iter().cycle();
    while !rest.is_empty() {
        let ready: Vec<usize> = (0..rest.len())
            .filter(|place| rest[*place].1.iter().all(|parent| done.contains(parent)))
            .collect();
        let step = rest.remove(ready[picks.next().unwrap().index(ready.len())]);
        done.insert(step.0);
        order.push(step);
    }
    order
}

fn index(steps: &[Step]) -> DagIndex {
    let mut index = DagIndex::new(EntityId(steps[0].0.id));
    for (link, parents) in steps {
        assert_eq!(index.insert(*link, parents), Ok(true));
    }
    index
}

/// The links at or below each link, by the transitive closure of the parent relation.
fn closures(steps: &[Step]) -> BTreeMap<Link, BTreeSet<Link>> {
    let mut closures: BTreeMap<Link, BTreeSet<Link>> = BTreeMap::new();
    for (link, parents) in steps {
        let mut closure = BTreeSet::from([*link]);
        for parent in parents {
            closure.extend(&closures[parent]);
        }
        closures.insert(*link, closure);
    }
    closures
}

/// Actors with two operations of which neither follows the other with a greater number.
fn forked(steps: &[Step], closures: &BTreeMap<Link, BTreeSet<Link>>) -> BTreeSet<ActorId> {
    let mut forked = BTreeSet::new();
    for (a, _) in steps {
        for (b, _) in steps.iter().filter(|(b, _)| b.actor == a.actor && b != a && !b.is_keyed()) {
            let follows = |x: &Link, y: &Link| closures[y].contains(x) && x.sequence < y.sequence;
            if !follows(a, b) && !follows(b, a) {
                forked.insert(a.actor);
            }
        }
    }
    forked
}

fn maximal(links: &BTreeSet<Link>, closures: &BTreeMap<Link, BTreeSet<Link>>) -> Head {
    let below = |a: &Link| links.iter().any(|b| b != a && closures[b].contains(a));
    Head::of(links.iter().filter(|link| !below(link)).copied())
}

fn union(head: &[Link], closures: &BTreeMap<Link, BTreeSet<Link>>) -> BTreeSet<Link> {
    head.iter().flat_map(|link| closures[link].iter().copied()).collect()
}

fn picked(steps: &[Step], picks: &[prop::sample::Index]) -> BTreeSet<Link> {
    picks.iter().map(|pick| pick.get(steps).0).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn ancestry_is_the_closure_of_parents(
        choices in choices(), keyed: bool, forks: bool,
        order in vec(any::<prop::sample::Index>(), 24),
    ) {
        let steps = history(&choices, keyed, forks);
        let closures = closures(&steps);
        let index = index(&reordered(&steps, &order));
        prop_assert_eq!(index.equivocal(), &forked(&steps, &closures));
        if !forks {
            prop_assert!(index.equivocal().is_empty());
        }
        let ancestry = block_on(Ancestry::open(&index, index.entity())).unwrap();
        for (a, _) in &steps {
            for (b, _) in &steps {
                let expected = closures[b].contains(a);
                prop_assert_eq!(block_on(ancestry.is_ancestor(a, b)).unwrap(), expected, "{:?} {:?}", a, b);
                prop_assert_eq!(index.closure(&[*b]).contains(&a.id), expected);
            }
        }
    }

    #[test]
    fn the_head_is_maximal_in_any_order(
        choices in choices(), keyed: bool, forks: bool,
        order in vec(any::<prop::sample::Index>(), 24),
    ) {
        let steps = history(&choices, keyed, forks);
        let closures = closures(&steps);
        let mut index = DagIndex::new(EntityId(steps[0].0.id));
        let mut held = BTreeSet::new();
        for (link, parents) in reordered(&steps, &order) {
            index.insert(link, &parents).unwrap();
            held.insert(link);
            prop_assert_eq!(index.head(), &maximal(&held, &closures));
        }
        // By ids, parents come before children.
        let mut before = BTreeSet::new();
        for node in index.iter() {
            prop_assert!(node.parents.iter().all(|parent| before.contains(parent)));
            before.insert(node.link);
        }
    }

    #[test]
    fn heads_compare_as_their_closures(
        choices in choices(), keyed: bool, forks: bool,
        a in vec(any::<prop::sample::Index>(), 1..4), b in vec(any::<prop::sample::Index>(), 1..4),
    ) {
        let steps = history(&choices, keyed, forks);
        let closures = closures(&steps);
        let index = index(&steps);
        let ancestry = block_on(Ancestry::open(&index, index.entity())).unwrap();
        let (a, b) = (picked(&steps, &a), picked(&steps, &b));
        let head_a = block_on(ancestry.maximal(a.iter().copied())).unwrap();
        prop_assert_eq!(&head_a, &maximal(&a, &closures));
        let head_b = maximal(&b, &closures);
        let (all_a, all_b) = (union(head_a.links(), &closures), union(head_b.links(), &closures));
        let relation = Relation::of(all_a.is_subset(&all_b), all_b.is_subset(&all_a));
        prop_assert_eq!(block_on(ancestry.compare(&head_a, &head_b)).unwrap(), relation);

        let vector_a = block_on(ancestry.vector(head_a.links())).unwrap();
        for (link, _) in &steps {
            let most = all_a.iter().filter(|other| other.actor == link.actor).map(|other| other.sequence).max();
            prop_assert_eq!(vector_a.get(link.actor), most.unwrap_or(0));
        }
        let both: BTreeSet<Link> = all_a.intersection(&all_b).copied().collect();
        let meet = index.meet(&head_a, &head_b);
        prop_assert_eq!(&meet, &maximal(&both, &closures));
        if index.equivocal().is_empty() {
            let vector_b = block_on(ancestry.vector(head_b.links())).unwrap();
            prop_assert_eq!(vector_a.compare(&vector_b), relation);
            prop_assert_eq!(block_on(ancestry.vector(meet.links())).unwrap(), vector_a.meet(&vector_b));
        }
    }

    #[test]
    fn an_overlay_answers_as_if_committed(
        choices in choices(), keyed: bool, forks: bool, cut in any::<prop::sample::Index>(),
        order in vec(any::<prop::sample::Index>(), 24),
    ) {
        let steps = reordered(&history(&choices, keyed, forks), &order);
        let closures = closures(&steps);
        let (committed, pending) = steps.split_at(1 + cut.index(steps.len()));
        let below = index(committed);
        let mut overlay = Overlay::new(&below);
        let mut head = below.head().clone();
        for (link, parents) in pending {
            let ancestry = block_on(Ancestry::open(&overlay, below.entity())).unwrap();
            let closure = block_on(ancestry.vector(parents)).unwrap();
            let all = block_on(ancestry.vector(head.links())).unwrap();
            let forked = !crate::dag::in_sequence(&all, &closure, link);
            let run = run_start(below.entity(), *link, parents, [&closure]);
            overlay.insert(below.entity(), link.id, parents);
            if let Some(run) = run {
                overlay.start(run);
            }
            if forked {
                overlay.flag(below.entity(), link.actor);
            }
            head.advance(*link, parents);
        }
        let committed = index(&steps);
        prop_assert_eq!(&head, committed.head());
        let ancestry = block_on(Ancestry::open(&overlay, below.entity())).unwrap();
        for (a, _) in &steps {
            for (b, _) in &steps {
                let expected = closures[b].contains(a);
                prop_assert_eq!(block_on(ancestry.is_ancestor(a, b)).unwrap(), expected);
            }
        }
    }

    #[test]
    fn a_base_stands_for_what_is_below_it(
        choices in choices(), keyed: bool, frontier in vec(any::<prop::sample::Index>(), 1..4),
    ) {
        let steps = history(&choices, keyed, false);
        let closures = closures(&steps);
        let full = index(&steps);
        let ancestry = block_on(Ancestry::open(&full, full.entity())).unwrap();
        let frontier = maximal(&picked(&steps, &frontier), &closures);
        let below = union(frontier.links(), &closures);
        let vector = block_on(ancestry.vector(frontier.links())).unwrap();
        let base = Base { frontier: frontier.clone(), vector };

        // The partial replica: operations above the base, and run starts where they stand on it.
        let nothing = DagIndex::new(full.entity());
        let mut partial = Overlay::new(&nothing);
        let above: Vec<&Step> = steps.iter().filter(|(link, _)| !below.contains(link)).collect();
        let stood_on = above.iter().flat_map(|(_, parents)| parents).filter(|link| below.contains(link));
        for link in stood_on.chain(frontier.links()).filter(|link| !link.is_keyed()) {
            let vector = block_on(ancestry.vector(&[*link])).unwrap();
            partial.start(crate::dag::RunStart { entity: full.entity(), first: *link, vector });
        }
        for (link, parents) in &above {
            partial.insert(full.entity(), link.id, parents);
            let closure = {
                let partial = block_on(Ancestry::open(&partial, full.entity())).unwrap();
                block_on(partial.vector(parents)).unwrap()
            };
            if let Some(run) = run_start(full.entity(), *link, parents, [&closure]) {
                partial.start(run);
            }
        }
        let partial = block_on(Ancestry::open(&partial, full.entity())).unwrap();
        for (a, _) in &steps {
            prop_assert_eq!(known(a, !below.contains(a), Some(&base)), true);
            prop_assert_eq!(base.covers(a), below.contains(a));
            for b in above.iter().map(|(link, _)| link).chain(frontier.links()) {
                prop_assert_eq!(block_on(partial.is_ancestor(a, b)).unwrap(), closures[b].contains(a));
            }
        }
    }

    #[test]
    fn printed_dags_are_read_back(choices in choices(), keyed: bool, forks: bool) {
        let steps = history(&choices, keyed, forks);
        let full = index(&steps);
        let names: BTreeMap<Link, String> =
            steps.iter().enumerate().map(|(place, (link, _))| (*link, format!("N{place}"))).collect();
        let text = print(&full, |link| names[link].clone());
        let read = Notation::parse(&text).unwrap();
        prop_assert_eq!(print(&read.index, |link| read.name(link).unwrap().to_owned()), text);
        prop_assert_eq!(read.index.len(), full.len());
        prop_assert_eq!(read.index.equivocal(), full.equivocal());
    }

    #[test]
    fn any_text_is_safe(text in "[A-C@.0-2;<, -]{0,30}") {
        let _ = Notation::parse(&text);
    }
}
