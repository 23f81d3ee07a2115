//! Sessions: each holds at most one open transaction.

use std::sync::{Arc, PoisonError};

use super::Inner;
use super::failure::{Explain, Outcome, failure};
use super::protocol::{SessionId, TransactionState};
use super::transaction::Transaction;

/// What a session holds.
#[derive(Default)]
pub(crate) enum Session {
    /// Every statement commits by itself.
    #[default]
    Idle,
    /// A transaction is open.
    Open(Box<Transaction>),
    /// A statement of the open transaction failed.
    Failed,
}

impl Session {
    pub(crate) fn state(&self) -> TransactionState {
        match self {
            Session::Idle => TransactionState::Idle,
            Session::Open(_) => TransactionState::Open,
            Session::Failed => TransactionState::Failed,
        }
    }

    /// A statement failed: an open transaction can only be rolled back.
    pub(crate) fn fail(&mut self) {
        if matches!(self, Session::Open(_)) {
            *self = Session::Failed;
        }
    }
}

impl Inner {
    /// The session with a number, opened on first use.
    pub(crate) fn session(&self, id: SessionId) -> Outcome<Arc<futures::lock::Mutex<Session>>> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = sessions.get(&id) {
            return Ok(Arc::clone(session));
        }
        let limit = self.options.limits.sessions;
        if sessions.len() >= limit {
            return Err(failure(
                "too-many-sessions",
                format!("there are {limit} sessions, which is the limit"),
            )
            .help("close one first"));
        }
        let session = Arc::new(futures::lock::Mutex::new(Session::default()));
        sessions.insert(id, Arc::clone(&session));
        Ok(session)
    }

    /// Ends a session; an open transaction is forgotten.
    pub(crate) fn close_session(&self, id: SessionId) {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }
}
