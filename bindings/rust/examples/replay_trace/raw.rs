//! The same edits by yrs alone.

use std::error::Error;
use std::time::{Duration, Instant};

use yrs::block::ClientID;
use yrs::updates::decoder::Decode;
use yrs::{Doc, GetString, OffsetKind, Options, ReadTxn, StateVector, Text, TextRef, Transact, Update};

use crate::plan::{Plan, Step};
use crate::trace::Trace;

/// What it took.
pub(crate) struct Raw {
    /// To make the edits, each with its update.
    pub(crate) editing: Duration,
    /// To apply all the updates, one by one, to an empty document.
    pub(crate) ingest: Duration,
    /// Bytes of the updates.
    pub(crate) updates: usize,
    /// Bytes of the document as one update.
    pub(crate) document: usize,
}

fn document(client: u64) -> (Doc, TextRef) {
    let mut options = Options::with_client_id(ClientID::new(client));
    options.offset_kind = OffsetKind::Utf16;
    let doc = Doc::with_options(options);
    let text = doc.get_or_insert_text("t");
    (doc, text)
}

/// Replays a trace; all that are merged, and what is edited, as the plan says.
pub(crate) fn replay(trace: &Trace, plan: &Plan) -> Result<Raw, Box<dyn Error>> {
    let replicas: Vec<(Doc, TextRef)> = (0..trace.agents).map(|agent| document(agent as u64 + 1)).collect();
    let mut updates: Vec<Vec<u8>> = Vec::with_capacity(trace.keystrokes.len());
    let mut editing = Duration::ZERO;
    let mut first = Vec::new();
    if let Some((doc, text)) = replicas.first().filter(|_| !trace.start.is_empty()) {
        let mut transaction = doc.transact_mut();
        text.insert(&mut transaction, 0, &trace.start);
        first = transaction.encode_update_v1();
        drop(transaction);
        for (doc, _) in replicas.iter().skip(1) {
            doc.transact_mut().apply_update(Update::decode_v1(&first)?)?;
        }
    }
    for step in &plan.steps {
        match step {
            Step::Merge { agent, edits } => {
                let (doc, _) = replicas.get(*agent).ok_or("no such agent")?;
                for edit in edits {
                    let update = updates.get(*edit).ok_or("an edit too early")?;
                    doc.transact_mut().apply_update(Update::decode_v1(update)?)?;
                }
            }
            Step::Edit { agent, edit } => {
                let (doc, text) = replicas.get(*agent).ok_or("no such agent")?;
                let keystroke = trace.keystrokes.get(*edit).ok_or("no such edit")?;
                let start = Instant::now();
                let mut transaction = doc.transact_mut();
                let position = u32::try_from(keystroke.position)?;
                if keystroke.delete > 0 {
                    text.remove_range(&mut transaction, position, u32::try_from(keystroke.delete)?);
                }
                if !keystroke.insert.is_empty() {
                    text.insert(&mut transaction, position, &keystroke.insert);
                }
                let update = transaction.encode_update_v1();
                drop(transaction);
                editing += start.elapsed();
                updates.push(update);
            }
        }
    }
    for (doc, text) in &replicas {
        if text.get_string(&doc.transact()) != trace.end {
            return Err("yrs by itself does not reach the final text".into());
        }
    }
    let start = Instant::now();
    let (doc, text) = document(0);
    for update in [&first].into_iter().filter(|first| !first.is_empty()).chain(&updates) {
        doc.transact_mut().apply_update(Update::decode_v1(update)?)?;
    }
    let ingest = start.elapsed();
    if text.get_string(&doc.transact()) != trace.end {
        return Err("yrs by itself does not reach the final text from the updates".into());
    }
    let document = doc.transact().encode_state_as_update_v1(&StateVector::default()).len();
    Ok(Raw { editing, ingest, updates: updates.iter().map(Vec::len).sum(), document })
}
