//! Graphs in a notation of their own: an operation, then its parents: `A B<A C<A D<BC`.

use std::collections::BTreeSet;

use ankurah_core::id::{Author, OpId, PropertyId, Stamp};
use ankurah_core::storage::Position;
use proptest::prelude::*;

use super::*;
use crate::message::Summary;

fn id(number: u64) -> OpId {
    OpId::new(Stamp::from_millis(number + 1), number)
}

fn summary(number: u64, parents: &[u64]) -> Summary {
    Summary {
        id: id(number),
        position: Position(number),
        author: Some(Author([u8::try_from(number % 3).unwrap(); 16])),
        transaction: None,
        parents: parents.iter().map(|parent| id(*parent)).collect(),
        properties: vec![PropertyId(id(number % 2))],
        known: true,
    }
}

fn graph(notation: &str) -> Graph {
    let mut graph = Graph::default();
    for (number, word) in notation.split_whitespace().enumerate() {
        let parents: Vec<u64> = word.bytes().skip(2).map(|letter| u64::from(letter - b'A')).collect();
        graph.push(&summary(u64::try_from(number).unwrap(), &parents));
    }
    graph
}

/// Lanes from the newest row: `o` the row's own, `|` others above, `+` a link that joins, `\` one that opens a lane.
fn drawn(graph: &Graph, layout: &Layout) -> Vec<String> {
    let rows = layout.window(graph, 0, usize::MAX);
    let letter = |op: Op| char::from(b'A' + u8::try_from(op).unwrap());
    let line = |window: &Window| {
        let mut cells: Vec<char> = window.above.iter().map(|above| if *above { '|' } else { ' ' }).collect();
        let mut put = |lane: u16, c: char| {
            let place = usize::from(lane);
            cells.resize(cells.len().max(place + 1), ' ');
            cells[place] = c;
        };
        for link in window.links.iter().filter(|link| Some(link.lane) != window.lane) {
            put(link.lane, if link.joins { '+' } else { '\\' });
        }
        put(window.lane.unwrap(), 'o');
        let text: String = cells.into_iter().collect();
        let folded = if window.row.count > 1 { format!("*{}", window.row.count) } else { String::new() };
        format!("{}{folded} {}", letter(window.row.op), text.trim_end())
    };
    rows.iter().map(line).collect()
}

#[track_caller]
fn check(notation: &str, fold: bool, expected: &[&str]) {
    let graph = graph(notation);
    assert_eq!(drawn(&graph, &Layout::new(&graph, fold, &BTreeSet::new())), expected);
}

#[test]
fn lanes() {
    check("A", false, &["A o"]);
    check("A B<A C<B", false, &["C o", "B o", "A o"]);
    check("A B<A C<A D<BC", false, &["D o\\", "C |o", "B o+", "A  o"]);
    check("A B<A C<A", false, &["C o", "B +o", "A o"]);
}

#[test]
fn linear_runs_are_folded() {
    check("A B<A C<B D<C E<D F<E", true, &["F o", "E*4 o", "A o"]);
    // Two are not worth it.
    check("A B<A C<B D<C", true, &["D o", "C o", "B o", "A o"]);
    // A run between a fork and a merge.
    let expected = ["H o\\", "G |o", "F o|", "E*3 o|", "B o+", "A  o"];
    check("A B<A C<B D<C E<D F<E G<A H<FG", true, &expected);
}

#[test]
fn runs_that_are_open_are_shown() {
    let graph = graph("A B<A C<B D<C E<D F<E");
    let open = BTreeSet::from([4]);
    assert_eq!(Layout::new(&graph, true, &open).len(), 6);
}

#[test]
fn parents_that_are_not_held() {
    let mut graph = Graph::default();
    graph.push(&summary(5, &[2]));
    graph.push(&summary(6, &[3, 5]));
    assert_eq!(graph.missing(0).collect::<Vec<_>>(), [id(2)]);
    assert_eq!(graph.missing(1).collect::<Vec<_>>(), [id(3)]);
    assert_eq!(graph.parents(1).collect::<Vec<_>>(), [0]);
    assert_eq!(graph.first_child(0), Some(1));
    for op in graph.ops() {
        let expected: Vec<u32> =
            graph.ops().filter(|child| graph.parents(*child).any(|parent| parent == op)).collect();
        assert_eq!(graph.all_children(op), expected);
    }
    assert!(graph.is_head(1) && !graph.is_head(0));
}

#[test]
fn operations_are_found() {
    let graph = graph("A B<A C<B D<C");
    let name = |property: PropertyId| if property == PropertyId(id(0)) { "title" } else { "year" }.to_owned();
    let found = |text: &str| -> Vec<Op> {
        let search = Search::new(&graph, text, name);
        graph.ops().filter(|op| search.finds(&graph, *op)).collect()
    };
    assert_eq!(found("titl"), [0, 2]);
    assert_eq!(found("prop:year"), [1, 3]);
    assert_eq!(found("author:0101"), [1]);
    assert_eq!(found(&format!("id:{}", id(3))), [3]);
    assert_eq!(found("1970-01-01 00:00:00.002"), [1]);
    assert_eq!(found("time:1970"), [0, 1, 2, 3]);
    assert_eq!(found("nothing"), Vec::<Op>::new());
    assert_eq!(found(""), Vec::<Op>::new());
}

/// Random graphs: each operation follows up to three of those before it.
fn any_graph() -> impl Strategy<Value = Graph> {
    prop::collection::vec(prop::collection::btree_set(0u64..12, 0..3), 1..700).prop_map(|operations| {
        let mut graph = Graph::default();
        for (number, back) in operations.into_iter().enumerate() {
            let number = u64::try_from(number).unwrap();
            let parents: BTreeSet<u64> =
                back.into_iter().filter_map(|back| number.checked_sub(back + 1)).collect();
            graph.push(&summary(number, &parents.into_iter().collect::<Vec<_>>()));
        }
        graph
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn every_link_leads_down_its_lane_to_the_parent(graph in any_graph(), fold: bool, start in 0usize..600) {
        let layout = Layout::new(&graph, fold, &BTreeSet::new());
        let rows = layout.window(&graph, 0, usize::MAX);
        prop_assert_eq!(rows.len(), layout.len());
        prop_assert_eq!(graph.heads(), graph.ops().filter(|op| graph.is_head(*op)).count());
        let counted: u32 = rows.iter().map(|window| window.row.count).sum();
        prop_assert_eq!(usize::try_from(counted).unwrap(), graph.len());
        // What each lane leads to, by walking down the drawing.
        let mut leads: Vec<Option<usize>> = Vec::new();
        for (at, window) in rows.iter().enumerate() {
            let lane = usize::from(window.lane.unwrap());
            leads.resize(leads.len().max(window.above.len()).max(lane + 1), None);
            for (lane, to) in leads.iter().enumerate() {
                prop_assert_eq!(window.above.get(lane).copied().unwrap_or(false), to.is_some());
            }
            prop_assert!(leads[lane].is_none_or(|to| to == at));
            leads[lane] = None;
            let parents: Vec<usize> =
                graph.parents(window.row.last).filter_map(|parent| layout.row_of(parent)).collect();
            prop_assert_eq!(parents.len(), window.links.len());
            for (parent, link) in parents.iter().zip(&window.links) {
                let place = usize::from(link.lane);
                leads.resize(leads.len().max(place + 1), None);
                prop_assert_eq!(link.joins, leads[place].is_some());
                prop_assert!(leads[place].is_none_or(|to| to == *parent));
                prop_assert!(*parent > at);
                leads[place] = Some(*parent);
            }
        }
        prop_assert!(leads.iter().all(Option::is_none));
        // A window is a part of the whole.
        let part = layout.window(&graph, start, 20);
        let end = rows.len().min(start + 20);
        prop_assert_eq!(part.as_slice(), rows.get(start..end).unwrap_or_default());
    }
}
