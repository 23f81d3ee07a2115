//! [`TextDocument`].

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use yrs::block::ClientID;
use yrs::types::text::Diff;
use yrs::updates::decoder::Decode;
use yrs::{
    Any, Doc, GetString, ID, OffsetKind, Options, Out, ReadTxn, Snapshot, StateVector, Text, TextRef,
    Transact, Update,
};

use super::update::{Limits, MAX_CLOCK, ROOT, Scan, Span, prescan, units};
use super::{MAX_EDITS, MAX_INSERT, MAX_TEXT, TextError};
use crate::id::ActorId;

/// One change of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Where, in Unicode scalar values from the start of the text as the edits before this one left it.
    pub position: usize,
    /// How many scalar values after the position are deleted.
    pub delete: usize,
    /// What is put there instead.
    pub insert: String,
}

/// What became of an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// It changed the document, perhaps together with others that had waited for it.
    Now,
    /// The document had its content already.
    Known,
    /// It waits for content that the document does not have yet.
    Waits,
}

/// A text in memory.
///
/// Equal sets of updates give equal texts, whatever the order in which they came: an update that stands on
/// content that is missing waits for it.
pub struct TextDocument {
    doc: Doc,
    root: TextRef,
    /// Units known of each actor.
    known: BTreeMap<ActorId, u32>,
    /// Whether it was ever written: an update makes the text even where nothing is in it.
    written: bool,
    waiting: Vec<Arc<[u8]>>,
    /// The text, where it has been asked for since the last change.
    text: Option<Arc<str>>,
    blocks: usize,
    bytes: usize,
}

impl fmt::Debug for TextDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextDocument")
            .field("known", &self.known)
            .field("waiting", &self.waiting.len())
            .finish_non_exhaustive()
    }
}

impl Default for TextDocument {
    fn default() -> Self {
        TextDocument::new(ActorId::new(0))
    }
}

fn refused(error: impl fmt::Display) -> TextError {
    TextError::Refused(error.to_string())
}

impl TextDocument {
    /// An empty text that `actor` is going to edit. Another actor can edit it too, at the cost of a copy.
    pub fn new(actor: ActorId) -> Self {
        let mut options = Options::with_client_id(ClientID::new(actor.get()));
        options.offset_kind = OffsetKind::Utf16;
        let doc = Doc::with_options(options);
        let root = doc.get_or_insert_text(ROOT);
        TextDocument {
            doc,
            root,
            known: BTreeMap::new(),
            written: false,
            waiting: Vec::new(),
            text: None,
            blocks: 0,
            bytes: 0,
        }
    }

    /// A text of a snapshot and the updates after it, parents before their children.
    ///
    /// # Errors
    /// [`TextError::Update`] where one of them is not an update of plain text.
    pub fn load<'a>(
        actor: ActorId,
        snapshot: Option<&[u8]>,
        tail: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, TextError> {
        let mut document = TextDocument::new(actor);
        if let Some(snapshot) = snapshot {
            document.merge(snapshot)?;
        }
        for update in tail {
            document.apply(update)?;
        }
        Ok(document)
    }

    /// Applies the update of an operation.
    ///
    /// Content that begins before what is known of its actor is left out, as an actor's units are written once;
    /// its deletions count.
    ///
    /// # Errors
    /// [`TextError::Update`] where it does not pass the scan. The document is then unchanged.
    pub fn apply(&mut self, update: &[u8]) -> Result<Applied, TextError> {
        let scan = prescan(update, Limits::OPERATION)?;
        self.take(update, &scan)
    }

    /// Joins a whole document, as [`TextDocument::snapshot`] gives it.
    ///
    /// # Errors
    /// [`TextError::Update`] where it does not pass the scan. The document is then unchanged.
    pub fn merge(&mut self, snapshot: &[u8]) -> Result<Applied, TextError> {
        let scan = prescan(snapshot, Limits::DOCUMENT)?;
        self.take(snapshot, &scan)
    }

    fn take(&mut self, update: &[u8], scan: &Scan<'_>) -> Result<Applied, TextError> {
        self.written = true;
        if !self.stands(scan) {
            self.waiting.push(Arc::from(update));
            return Ok(Applied::Waits);
        }
        let news =
            scan.inserts().any(|span| span.end > self.units(span.actor)) || scan.deletes().next().is_some();
        if !news {
            return Ok(Applied::Known);
        }
        self.integrate(update, scan)?;
        self.retry()?;
        Ok(Applied::Now)
    }

    /// Applies what waited and need not any more, until nothing more can be.
    fn retry(&mut self) -> Result<(), TextError> {
        loop {
            let before = self.waiting.len();
            for update in std::mem::take(&mut self.waiting) {
                let scan = prescan(&update, Limits::DOCUMENT)?;
                if self.stands(&scan) {
                    self.integrate(&update, &scan)?;
                } else {
                    self.waiting.push(update);
                }
            }
            if self.waiting.len() == before {
                return Ok(());
            }
        }
    }

    /// Units known of an actor.
    fn units(&self, actor: ActorId) -> u32 {
        self.known.get(&actor).copied().unwrap_or(0)
    }

    /// Whether everything that the update stands on is known, or in the update itself.
    fn stands(&self, scan: &Scan<'_>) -> bool {
        let mut brings = BTreeMap::new();
        for span in scan.inserts() {
            if span.start > self.units(span.actor) {
                return false;
            }
            brings.insert(span.actor, span.end);
        }
        let has = |actor: ActorId, end: u32| {
            end <= self.units(actor) || brings.get(&actor).is_some_and(|brought| end <= *brought)
        };
        scan.origins().all(|origin| has(origin.actor, origin.clock.saturating_add(1)))
            && scan.deletes().all(|span| has(span.actor, span.end))
    }

    fn integrate(&mut self, update: &[u8], scan: &Scan<'_>) -> Result<(), TextError> {
        let decoded = Update::decode_v1(update).map_err(refused)?;
        self.text = None;
        let mut txn = self.doc.transact_mut();
        txn.apply_update(decoded).map_err(refused)?;
        drop(txn);
        for span in scan.inserts() {
            let known = self.known.entry(span.actor).or_insert(0);
            *known = (*known).max(span.end);
        }
        self.blocks = self.blocks.saturating_add(scan.blocks());
        self.bytes = self.bytes.saturating_add(update.len());
        Ok(())
    }

    /// The text.
    pub fn text(&mut self) -> Arc<str> {
        match &self.text {
            Some(text) => text.clone(),
            None => {
                let text: Arc<str> = self.root.get_string(&self.doc.transact()).into();
                self.text = Some(text.clone());
                text
            }
        }
    }

    /// The text in the pieces in which it was written: who wrote each, and as which of their units. Adjacent pieces of
    /// one actor with consecutive units may come as one.
    pub fn pieces(&self) -> Vec<(Span, String)> {
        let mut txn = self.doc.transact_mut();
        let (now, nothing) = (txn.snapshot(), Snapshot::default());
        let pieces = self.root.diff_range(&mut txn, Some(&now), Some(&nothing), |change| change.id);
        let piece = |piece: Diff<ID>| match (piece.insert, piece.ychange) {
            (Out::Any(Any::String(text)), Some(id)) => {
                let end = id.clock.saturating_add(u32::try_from(units(&text)).unwrap_or(u32::MAX));
                let span = Span { actor: ActorId::new(id.client.get()), start: id.clock, end };
                Some((span, text.as_ref().to_owned()))
            }
            _ => None,
        };
        pieces.into_iter().filter_map(piece).collect()
    }

    /// The whole document as one update, encoding v1.
    ///
    /// # Errors
    /// [`TextError::Waiting`] where updates wait: they would be lost.
    pub fn snapshot(&self) -> Result<Vec<u8>, TextError> {
        if self.waiting.is_empty() {
            Ok(self.doc.transact().encode_state_as_update_v1(&StateVector::default()))
        } else {
            Err(TextError::Waiting { count: self.waiting.len() })
        }
    }

    /// How many UTF-16 units of each actor the document has: its state vector.
    pub fn known(&self) -> &BTreeMap<ActorId, u32> {
        &self.known
    }

    /// Whether the text was ever written, if only with nothing in it. One that never was reads as null.
    pub fn is_written(&self) -> bool {
        self.written
    }

    /// Updates that wait for others.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Roughly how many bytes of memory the document takes.
    pub fn weight(&self) -> usize {
        // A block of yrs takes some 200 bytes with its places in maps; strings are held once or twice.
        const BASE: usize = 2048;
        let waiting: usize = self.waiting.iter().map(|update| update.len()).sum();
        let text = self.text.as_ref().map_or(0, |text| text.len());
        self.blocks
            .saturating_mul(200)
            .saturating_add(self.bytes)
            .saturating_add(waiting)
            .saturating_add(text)
            .saturating_add(BASE)
    }

    /// Edits the text as `actor`, all in one transaction, and gives the update for the operation. Where the edits
    /// change nothing, the update is empty ([`Scan::is_empty`]) and need not be written, unless it makes the text.
    ///
    /// # Errors
    /// [`TextError::OutOfRange`], [`TextError::Nul`], [`TextError::TooLong`], [`TextError::TooMuch`],
    /// [`TextError::Waiting`]; the text is then unchanged.
    pub fn edit(&mut self, actor: ActorId, edits: &[Edit]) -> Result<Vec<u8>, TextError> {
        if !self.waiting.is_empty() {
            return Err(TextError::Waiting { count: self.waiting.len() });
        }
        let plan = plan(&self.text(), self.units(actor), edits)?;
        if self.doc.client_id().get() != actor.get() {
            *self = TextDocument::load(actor, Some(&self.snapshot()?), [])?;
        }
        let mut txn = self.doc.transact_mut();
        for step in &plan.steps {
            if step.delete > 0 {
                self.root.remove_range(&mut txn, step.position, step.delete);
            }
            if !step.insert.is_empty() {
                self.root.insert(&mut txn, step.position, step.insert);
            }
        }
        let update = txn.encode_update_v1();
        drop(txn);
        let scan = prescan(&update, Limits::DOCUMENT)?;
        for span in scan.inserts() {
            self.known.insert(span.actor, span.end);
        }
        self.blocks = self.blocks.saturating_add(scan.blocks());
        self.bytes = self.bytes.saturating_add(update.len());
        self.written = true;
        self.text = Some(plan.text.into());
        Ok(update)
    }
}

/// An edit in UTF-16 units.
struct Step<'a> {
    position: u32,
    delete: u32,
    insert: &'a str,
}

struct Plan<'a> {
    steps: Vec<Step<'a>>,
    text: String,
}

/// Checks the edits and turns their positions into UTF-16 units. `written` is what the actor wrote already.
fn plan<'a>(text: &str, written: u32, edits: &'a [Edit]) -> Result<Plan<'a>, TextError> {
    let inserted: usize = edits.iter().map(|edit| edit.insert.len()).sum();
    if edits.len() > MAX_EDITS || inserted > MAX_INSERT {
        return Err(TextError::TooMuch);
    }
    let mut text = text.to_owned();
    let mut steps = Vec::with_capacity(edits.len());
    let mut written = usize::try_from(written).unwrap_or(usize::MAX);
    let most = usize::try_from(MAX_CLOCK).unwrap_or(usize::MAX);
    for Edit { position, delete, insert } in edits {
        if insert.contains('\0') {
            return Err(TextError::Nul);
        }
        let outside =
            || TextError::OutOfRange { position: *position, delete: *delete, length: text.chars().count() };
        let (before, rest) = split_scalars(&text, *position).ok_or_else(outside)?;
        let (deleted, _) = split_scalars(rest, *delete).ok_or_else(outside)?;
        written = written.saturating_add(units(insert));
        let length = (text.len() - deleted.len()).saturating_add(insert.len());
        if length > MAX_TEXT || written >= most {
            return Err(TextError::TooLong);
        }
        let small = |units: usize| u32::try_from(units).map_err(|_| TextError::TooLong);
        steps.push(Step { position: small(units(before))?, delete: small(units(deleted))?, insert });
        let range = before.len()..before.len() + deleted.len();
        text.replace_range(range, insert);
    }
    Ok(Plan { steps, text })
}

/// Splits a text after so many scalar values; `None` where it has fewer.
fn split_scalars(text: &str, count: usize) -> Option<(&str, &str)> {
    let mut rest = text.chars();
    if let Some(last) = count.checked_sub(1) {
        rest.nth(last)?;
    }
    text.split_at_checked(text.len() - rest.as_str().len())
}
