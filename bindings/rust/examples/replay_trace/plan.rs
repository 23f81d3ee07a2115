//! Who merges and edits what, and when.

use std::collections::BTreeSet;
use std::error::Error;

use crate::trace::Trace;

/// A step of a replica.
pub(crate) enum Step {
    /// It takes in edits of others, parents before children.
    Merge {
        /// Which.
        agent: usize,
        /// The edits.
        edits: Vec<usize>,
    },
    /// It makes an edit.
    Edit {
        /// Which.
        agent: usize,
        /// The edit.
        edit: usize,
    },
}

/// The steps that replay a trace.
pub(crate) struct Plan {
    /// In their order. At the end every replica has every edit.
    pub(crate) steps: Vec<Step>,
}

impl Plan {
    /// Of a trace. Each replica merges exactly what the parents of its next edit say; that it does not know more than
    /// they say is checked.
    pub(crate) fn new(trace: &Trace) -> Result<Plan, Box<dyn Error>> {
        let mut known: Vec<Vec<bool>> = vec![vec![false; trace.keystrokes.len()]; trace.agents];
        let mut heads: Vec<BTreeSet<usize>> = vec![BTreeSet::new(); trace.agents];
        let mut steps = Vec::new();
        for (edit, keystroke) in trace.keystrokes.iter().enumerate() {
            let agent = keystroke.agent;
            let (Some(known), Some(head)) = (known.get_mut(agent), heads.get_mut(agent)) else {
                return Err("no such agent".into());
            };
            merge(trace, agent, known, head, &keystroke.parents, &mut steps);
            if !head.iter().eq(&keystroke.parents) {
                return Err(format!(
                    "edit {edit} is made on {:?}, its agent is at {head:?}",
                    keystroke.parents
                )
                .into());
            }
            steps.push(Step::Edit { agent, edit });
            if let Some(known) = known.get_mut(edit) {
                *known = true;
            }
            *head = BTreeSet::from([edit]);
        }
        for (agent, (known, head)) in known.iter_mut().zip(&mut heads).enumerate() {
            merge(trace, agent, known, head, &trace.head, &mut steps);
        }
        Ok(Plan { steps })
    }
}

/// Adds the step that brings an agent what it lacks of some edits and all below them.
fn merge(
    trace: &Trace,
    agent: usize,
    known: &mut [bool],
    head: &mut BTreeSet<usize>,
    wanted: &[usize],
    steps: &mut Vec<Step>,
) {
    let mut lacking = BTreeSet::new();
    let mut stack = wanted.to_vec();
    while let Some(edit) = stack.pop() {
        if known.get(edit) == Some(&false) && lacking.insert(edit) {
            stack.extend(trace.keystrokes.get(edit).into_iter().flat_map(|keystroke| &keystroke.parents));
        }
    }
    if lacking.is_empty() {
        return;
    }
    for edit in &lacking {
        if let Some(known) = known.get_mut(*edit) {
            *known = true;
        }
        for parent in trace.keystrokes.get(*edit).into_iter().flat_map(|keystroke| &keystroke.parents) {
            head.remove(parent);
        }
        head.insert(*edit);
    }
    steps.push(Step::Merge { agent, edits: lacking.into_iter().collect() });
}
