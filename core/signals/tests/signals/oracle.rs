//! Random graphs, random batches of writes, and a brute-force oracle.
//!
//! After each batch every derived signal equals what is computed anew from the sources. Each effect has run at
//! most once, it has run if something that it read is different, and it has not run if nothing is.
//! Within every computation all that is read fits together.

use std::sync::{Arc, Mutex};

use ankurah_signals::{Signal, Subscription, WritableSignal, batch, combine, effect, memo, untracked};
use proptest::prelude::*;

/// How a node is derived from nodes before it, named by their numbers; sources come first.
#[derive(Debug, Clone)]
enum Rule {
    Map { of: usize, modulus: i64 },
    Even { of: usize },
    Combine { a: usize, b: usize },
    Sum { of: Vec<usize> },
    Choose { by: usize, yes: usize, no: usize },
    Untracked { of: usize, beside: usize },
}

#[derive(Debug, Clone)]
enum Step {
    Write { source: usize, value: i64 },
    Add { source: usize, value: i64 },
    Read { node: usize },
    Nested(Vec<Step>),
    NewEffect { of: Vec<usize> },
    DropEffect { which: usize },
}

#[derive(Debug, Clone)]
struct Plan {
    sources: usize,
    rules: Vec<Rule>,
    effects: Vec<Vec<usize>>,
    batches: Vec<Vec<Step>>,
}

/// The present values of the sources, and how often each was written.
type Model = Arc<Mutex<Vec<(i64, u64)>>>;

/// The value of a node by definition. What a rule reads untracked is not part of it.
fn expected(plan: &Plan, model: &[(i64, u64)], node: usize) -> i64 {
    let at = |node: usize| expected(plan, model, node);
    let Some(rule) = node.checked_sub(plan.sources).map(|rule| &plan.rules[rule]) else {
        return model[node].0;
    };
    match rule {
        Rule::Map { of, modulus } => at(*of) % modulus,
        Rule::Even { of } => {
            if at(*of) % 2 == 0 {
                at(*of)
            } else {
                -1
            }
        }
        Rule::Combine { a, b } => at(*a) - at(*b),
        Rule::Sum { of } => of.iter().map(|of| at(*of)).sum(),
        Rule::Choose { by, yes, no } => {
            if at(*by) % 2 == 0 {
                at(*yes)
            } else {
                at(*no)
            }
        }
        Rule::Untracked { of, .. } => at(*of) + 1,
    }
}

/// A reading that checks itself: a value that does not fit the sources is a glitch.
#[derive(Clone)]
struct Checked {
    plan: Arc<Plan>,
    model: Model,
    glitches: Arc<Mutex<Vec<String>>>,
}

impl Checked {
    fn read(&self, signal: &Signal<i64>, node: usize) -> i64 {
        let value = signal.get();
        let right = expected(&self.plan, &self.model.lock().unwrap(), node);
        if value != right {
            self.glitches.lock().unwrap().push(format!("node {node} was read as {value}, is {right}"));
        }
        value
    }
}

fn build(checked: &Checked, sources: &[WritableSignal<i64>]) -> Vec<Signal<i64>> {
    let mut nodes: Vec<Signal<i64>> = sources.iter().map(WritableSignal::signal).collect();
    for rule in &checked.plan.rules {
        let (rule, known, checked) = (rule.clone(), nodes.clone(), checked.clone());
        let node = match rule {
            Rule::Map { of, modulus } => nodes[of].map(move |value| value % modulus),
            Rule::Even { of } => nodes[of].filter(|value| value % 2 == 0).map(|value| value.unwrap_or(-1)),
            Rule::Combine { a, b } => combine((&nodes[a], &nodes[b]), |(a, b)| a - b),
            Rule::Sum { of } => memo(move || of.iter().map(|of| checked.read(&known[*of], *of)).sum()),
            Rule::Choose { by, yes, no } => memo(move || {
                let chosen = if checked.read(&known[by], by) % 2 == 0 { yes } else { no };
                checked.read(&known[chosen], chosen)
            }),
            Rule::Untracked { of, beside } => memo(move || {
                untracked(|| checked.read(&known[beside], beside));
                checked.read(&known[of], of) + 1
            }),
        };
        nodes.push(node);
    }
    nodes
}

/// What an effect saw.
type Sight = Vec<(i64, u64)>;

/// An effect, its runs in the present batch, and what it saw in its last run: values, and for sources also
/// how often they were written, for a write of an equal value is a change as well.
struct Watcher {
    of: Vec<usize>,
    runs: Arc<Mutex<(u32, Sight)>>,
    /// What it had seen before the batch; none if it was made in the batch.
    before: Option<Sight>,
    _subscription: Subscription,
}

fn seen(plan: &Plan, model: &[(i64, u64)], of: &[usize]) -> Sight {
    let one = |node: &usize| (expected(plan, model, *node), model.get(*node).map_or(0, |source| source.1));
    of.iter().map(one).collect()
}

fn watch(checked: &Checked, nodes: &[Signal<i64>], of: &[usize]) -> Watcher {
    let runs = Arc::new(Mutex::new((0, Vec::new())));
    let (known, list, to, checked) = (nodes.to_vec(), of.to_vec(), runs.clone(), checked.clone());
    let subscription = effect(move || {
        for node in &list {
            checked.read(&known[*node], *node);
        }
        let saw = seen(&checked.plan, &checked.model.lock().unwrap(), &list);
        let mut runs = to.lock().unwrap();
        runs.0 += 1;
        runs.1 = saw;
    });
    Watcher { of: of.to_vec(), runs, before: None, _subscription: subscription }
}

struct World {
    checked: Checked,
    sources: Vec<WritableSignal<i64>>,
    nodes: Vec<Signal<i64>>,
    watchers: Vec<Watcher>,
    /// Whether something was read inside the batch: what changed and changed back then counts as changed.
    peeked: bool,
}

impl World {
    fn apply(&mut self, step: &Step) {
        match step {
            Step::Write { source, value } => {
                let write = |slot: &mut (i64, u64)| *slot = (*value, slot.1 + 1);
                write(&mut self.checked.model.lock().unwrap()[*source]);
                self.sources[*source].set(*value);
            }
            Step::Add { source, value } => {
                let add = |slot: &mut (i64, u64)| *slot = (slot.0 + value, slot.1 + 1);
                add(&mut self.checked.model.lock().unwrap()[*source]);
                self.sources[*source].update(|slot| *slot += value);
            }
            Step::Read { node } => {
                self.checked.read(&self.nodes[*node], *node);
                self.peeked = true;
            }
            Step::Nested(steps) => batch(|| steps.iter().for_each(|step| self.apply(step))),
            Step::NewEffect { of } => {
                self.watchers.push(watch(&self.checked, &self.nodes, of));
                self.peeked = true;
            }
            Step::DropEffect { which } => {
                if !self.watchers.is_empty() {
                    let which = which % self.watchers.len();
                    self.watchers.swap_remove(which);
                }
            }
        }
    }
}

fn run(plan: Plan) -> Result<(), TestCaseError> {
    let plan = Arc::new(plan);
    let model: Model = Arc::new(Mutex::new(vec![(0, 0); plan.sources]));
    let checked = Checked { plan: plan.clone(), model: model.clone(), glitches: Arc::default() };
    let sources: Vec<_> = (0..plan.sources).map(|_| WritableSignal::new(0)).collect();
    let nodes = build(&checked, &sources);
    let watchers = plan.effects.iter().map(|of| watch(&checked, &nodes, of)).collect();
    let mut world = World { checked, sources, nodes, watchers, peeked: false };
    for (number, steps) in plan.batches.iter().enumerate() {
        for watcher in &mut world.watchers {
            let mut runs = watcher.runs.lock().unwrap();
            runs.0 = 0;
            watcher.before = Some(runs.1.clone());
        }
        world.peeked = false;
        batch(|| steps.iter().for_each(|step| world.apply(step)));
        let model = model.lock().unwrap().clone();
        prop_assert_eq!(&*world.checked.glitches.lock().unwrap(), &Vec::<String>::new());
        for watcher in &world.watchers {
            let (runs, saw) = &*watcher.runs.lock().unwrap();
            let now = seen(&plan, &model, &watcher.of);
            prop_assert_eq!(saw, &now, "batch {}: an effect missed a change", number);
            match &watcher.before {
                Some(before) => {
                    prop_assert!(*runs <= 1, "batch {}: an effect ran {} times", number, runs);
                    let changed = *before != now;
                    prop_assert!(!changed || *runs == 1, "batch {}: an effect did not run", number);
                    prop_assert!(
                        changed || *runs == 0 || world.peeked,
                        "batch {}: it ran for nothing",
                        number
                    );
                }
                // Made in this batch: its first run, and one more if what it read was written after.
                None => {
                    prop_assert!((1..=2).contains(runs), "batch {}: a new effect ran {} times", number, runs);
                }
            }
        }
        if number % 2 == 0 {
            for (node, signal) in world.nodes.iter().enumerate() {
                prop_assert_eq!(
                    signal.get(),
                    expected(&plan, &model, node),
                    "batch {}, node {}",
                    number,
                    node
                );
            }
        }
    }
    // Nothing keeps anything: with the effects and the derived signals gone, no source has a subscriber.
    let World { sources, nodes, watchers, .. } = world;
    drop((nodes, watchers));
    for source in &sources {
        prop_assert_eq!(source.subscribers(), 0);
    }
    Ok(())
}

fn rule(node: usize) -> impl Strategy<Value = Rule> {
    // Mostly near ones, so that graphs grow deep.
    let near = move || prop_oneof![0..node, node.saturating_sub(3)..node];
    prop_oneof![
        (near(), 2_i64..5).prop_map(|(of, modulus)| Rule::Map { of, modulus }),
        near().prop_map(|of| Rule::Even { of }),
        (near(), near()).prop_map(|(a, b)| Rule::Combine { a, b }),
        prop::collection::vec(near(), 1..4).prop_map(|of| Rule::Sum { of }),
        (near(), near(), near()).prop_map(|(by, yes, no)| Rule::Choose { by, yes, no }),
        (near(), near()).prop_map(|(of, beside)| Rule::Untracked { of, beside }),
    ]
}

fn step(sources: usize, nodes: usize) -> impl Strategy<Value = Step> {
    let write = (0..sources, 0_i64..4).prop_map(|(source, value)| Step::Write { source, value });
    let leaf = prop_oneof![
        4 => write,
        2 => (0..sources, -2_i64..3).prop_map(|(source, value)| Step::Add { source, value }),
        1 => (0..nodes).prop_map(|node| Step::Read { node }),
        1 => prop::collection::vec(0..nodes, 1..4).prop_map(|of| Step::NewEffect { of }),
        1 => (0_usize..8).prop_map(|which| Step::DropEffect { which }),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| prop::collection::vec(inner, 1..4).prop_map(Step::Nested))
}

fn plan() -> impl Strategy<Value = Plan> {
    (1_usize..4, 1_usize..14).prop_flat_map(|(sources, derived)| {
        let nodes = sources + derived;
        (
            (sources..nodes).map(rule).collect::<Vec<_>>(),
            prop::collection::vec(prop::collection::vec(0..nodes, 1..5), 0..4),
            prop::collection::vec(prop::collection::vec(step(sources, nodes), 0..5), 1..10),
        )
            .prop_map(move |(rules, effects, batches)| Plan { sources, rules, effects, batches })
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]
    #[test]
    fn every_graph_equals_its_recomputation(plan in plan()) {
        run(plan)?;
    }
}
