//! Several sessions with one node, one at a time: each has its own transaction.

use std::collections::BTreeMap;

use ankurah_core::node::protocol::{SessionId, TransactionState};

use super::{Halt, Session};
use crate::display::Safe;

/// The name of the session that there is from the start.
const FIRST: &str = "main";

/// The sessions of a terminal or a script.
pub(super) struct Several {
    /// The name of the one that statements go to.
    current: String,
    /// The others, and what their transactions were when they were left.
    others: BTreeMap<String, (SessionId, TransactionState)>,
    next: u64,
}

impl Several {
    /// One session, whose number is `first`.
    pub(super) fn new(first: SessionId) -> Self {
        Several { current: FIRST.to_owned(), others: BTreeMap::new(), next: first.0.saturating_add(1) }
    }

    /// Whether a transaction of a session that was left is open.
    pub(super) fn any_open(&self) -> bool {
        self.others.values().any(|(_, state)| *state != TransactionState::Idle)
    }
}

impl Session {
    /// The name of the session, where it is not the first one.
    pub fn session_name(&self) -> Option<&str> {
        Some(self.several.current.as_str()).filter(|name| *name != FIRST)
    }

    /// Goes to the session of a name, a new one where there is none.
    pub(super) fn change_session(&mut self, name: &str) -> Result<(), Halt> {
        let good = |c: char| c == '_' || c.is_alphanumeric();
        if name.is_empty() || !name.chars().all(good) {
            return self.fail(&format!("\\session: `{name}` is not a name: letters, digits and `_`"));
        }
        if name != self.several.current {
            let several = &mut self.several;
            let (id, transaction) = several.others.remove(name).unwrap_or_else(|| {
                let id = SessionId(several.next);
                several.next = several.next.saturating_add(1);
                (id, TransactionState::Idle)
            });
            let left = (self.client.session(), self.transaction);
            several.others.insert(std::mem::replace(&mut several.current, name.to_owned()), left);
            self.client.set_session(id);
            self.transaction = transaction;
        }
        // Scripts are quiet about where they are.
        if self.settings.terminal { self.list_sessions() } else { Ok(()) }
    }

    /// Says which sessions there are.
    pub(super) fn list_sessions(&mut self) -> Result<(), Halt> {
        let mut all: Vec<(String, TransactionState, &str)> =
            self.several.others.iter().map(|(name, (_, state))| (name.clone(), *state, "")).collect();
        all.push((self.several.current.clone(), self.transaction, " (this one)"));
        all.sort_by(|a, b| a.0.cmp(&b.0));
        for (name, state, here) in all {
            let state = match state {
                TransactionState::Idle => "no transaction",
                TransactionState::Open => "a transaction is open",
                TransactionState::Failed => "its transaction failed",
            };
            self.say(&format!("{}: {state}{here}", Safe::line(&name)))?;
        }
        Ok(())
    }
}
