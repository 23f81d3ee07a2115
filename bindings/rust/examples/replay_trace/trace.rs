//! The file.

use std::error::Error;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use flate2::read::GzDecoder;
use serde::Deserialize;

/// A single edit.
pub(crate) struct Keystroke {
    /// The edits that it is made on, by their places; what they were made on is below it too.
    pub(crate) parents: Vec<usize>,
    /// Who makes it.
    pub(crate) agent: usize,
    /// Where, in Unicode scalar values.
    pub(crate) position: usize,
    /// How many go.
    pub(crate) delete: usize,
    /// What comes.
    pub(crate) insert: String,
}

/// A history of edits.
pub(crate) struct Trace {
    /// Parents before children.
    pub(crate) keystrokes: Vec<Keystroke>,
    /// The edits that nothing follows.
    pub(crate) head: Vec<usize>,
    /// How many write.
    pub(crate) agents: usize,
    /// What it begins with.
    pub(crate) start: String,
    /// What it ends with.
    pub(crate) end: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stored {
    #[serde(default)]
    kind: String,
    #[serde(default)]
    start_content: String,
    end_content: String,
    txns: Vec<Transaction>,
}

#[derive(Deserialize)]
struct Transaction {
    #[serde(default)]
    parents: Vec<usize>,
    #[serde(default)]
    agent: usize,
    patches: Vec<(usize, usize, String)>,
}

impl Trace {
    /// Reads a file of either form. Every patch of a transaction becomes an edit of its own.
    pub(crate) fn read(path: &Path) -> Result<Trace, Box<dyn Error>> {
        let stored: Stored = serde_json::from_reader(BufReader::new(GzDecoder::new(File::open(path)?)))?;
        let concurrent = stored.kind == "concurrent";
        let mut keystrokes: Vec<Keystroke> = Vec::new();
        // The last edit of each transaction; of one without any, what it was made on.
        let mut ends: Vec<Vec<usize>> = Vec::with_capacity(stored.txns.len());
        let mut agents = 1;
        for (number, transaction) in stored.txns.into_iter().enumerate() {
            let mut at: Vec<usize> = Vec::new();
            if concurrent {
                for parent in &transaction.parents {
                    let end = ends.get(*parent).filter(|_| *parent < number);
                    at.extend(end.ok_or_else(|| format!("transaction {number} comes before its parent"))?);
                }
            } else if let Some(last) = ends.last() {
                at.clone_from(last);
            }
            at.sort_unstable();
            at.dedup();
            agents = agents.max(transaction.agent + 1);
            for (position, delete, insert) in transaction.patches {
                let parents = std::mem::replace(&mut at, vec![keystrokes.len()]);
                keystrokes.push(Keystroke { parents, agent: transaction.agent, position, delete, insert });
            }
            ends.push(at);
        }
        let mut is_head = vec![true; keystrokes.len()];
        for parent in keystrokes.iter().flat_map(|keystroke| &keystroke.parents) {
            if let Some(is_head) = is_head.get_mut(*parent) {
                *is_head = false;
            }
        }
        let head = (0..keystrokes.len()).filter(|at| is_head.get(*at).copied().unwrap_or_default()).collect();
        Ok(Trace { keystrokes, head, agents, start: stored.start_content, end: stored.end_content })
    }
}
