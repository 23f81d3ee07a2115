//! What a live query asks: kept as text, so that it can be bound again when the catalog changes.

use std::fmt::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::panicked;

use ankurah_query_lang::parse_statement;

use crate::catalog::Catalog;
use crate::env::{MaybeSend, MaybeSync};
use crate::node::failure::{Explain, Outcome, failure};
use crate::node::protocol::{Failure, Parameters};
use crate::query::expr::Expr;
use crate::query::{Bound, BoundSelect, Context, Slot, bind_statement};
use crate::value::Timestamp;

/// A question that is asked again and again.
#[derive(Clone)]
pub struct LiveQuestion {
    text: Arc<str>,
    binder: Option<Arc<dyn LiveBinder>>,
    parameters: Option<Arc<Parameters>>,
    /// What `now()` is in it.
    now: Timestamp,
    /// Whether it waits for a model that is not there.
    waiting: bool,
}

impl fmt::Debug for LiveQuestion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveQuestion").field("text", &self.text).finish_non_exhaustive()
    }
}

/// What a question means in a catalog that is not written as a statement.
pub trait LiveBinder: MaybeSend + MaybeSync {
    /// What it means in a catalog. It is asked again when the catalog has changed.
    ///
    /// # Errors
    /// [`Failure`] where it means nothing there; the live query then ends with it.
    fn bind(
        &self,
        catalog: &Arc<Catalog>,
        parameters: &Parameters,
        now: Timestamp,
    ) -> Result<BoundSelect, Box<Failure>>;
}

impl LiveQuestion {
    /// A statement of the language: `select …` or `live select …`. `now` is what `now()` is in it.
    pub fn statement(text: &str, parameters: Parameters, now: Timestamp) -> Self {
        LiveQuestion {
            text: Arc::from(text),
            binder: None,
            parameters: some(parameters),
            now,
            waiting: false,
        }
    }

    /// What a binder makes of parameters; the text is for people.
    pub fn bound_by(text: &str, parameters: Parameters, now: Timestamp, binder: Arc<dyn LiveBinder>) -> Self {
        let (text, binder, parameters) = (Arc::from(text), Some(binder), some(parameters));
        LiveQuestion { text, binder, parameters, now, waiting: false }
    }

    /// The same question, asked by one who knows that there will be an answer: where the catalog lacks a model that it
    /// names, or no longer has it, the live query fails until the model is there, instead of being refused or ended.
    #[must_use]
    pub fn waiting(self) -> Self {
        LiveQuestion { waiting: true, ..self }
    }

    /// Whether it waits until the reason of a failure is gone.
    pub(super) fn waits(&self, failure: &Failure) -> bool {
        self.waiting && failure.kind == "unknown-model"
    }

    /// Its text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it means in a catalog.
    pub(super) fn bind(&self, catalog: &Arc<Catalog>) -> Outcome<BoundSelect> {
        let none = Parameters::default();
        let parameters = self.parameters.as_deref().unwrap_or(&none);
        if let Some(binder) = &self.binder {
            let bound = catch_unwind(AssertUnwindSafe(|| binder.bind(catalog, parameters, self.now)));
            return bound.unwrap_or_else(|panic| Err(panicked(panic.as_ref())));
        }
        let context = Context { names: catalog.as_ref(), parameters, now: self.now };
        let statement = parse_statement(&self.text)?;
        match bind_statement(&statement, context)? {
            Bound::Select(select) | Bound::Live(select) if select.is_past() => {
                Err(failure("not-live", "what was does not change: there is nothing to observe")
                    .at(statement.span)
                    .help("leave `live` away to read it once"))
            }
            Bound::Select(select) | Bound::Live(select) => Ok(*select),
            _ => {
                Err(failure("not-a-query", "only the result of a `select` can be observed")
                    .at(statement.span))
            }
        }
    }
}

fn some(parameters: Parameters) -> Option<Arc<Parameters>> {
    (parameters != Parameters::default()).then(|| Arc::new(parameters))
}

/// What a bound query means, as a number: equal queries have equal ones, however they were written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Meaning([u8; 16]);

/// A hash as a place to write to.
struct Digest(blake3::Hasher);

impl Write for Digest {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text.as_bytes());
        Ok(())
    }
}

impl Digest {
    fn finish(self) -> Meaning {
        let mut bytes = [0; 16];
        self.0.finalize_xof().fill(&mut bytes);
        Meaning(bytes)
    }
}

impl Meaning {
    /// The meaning of a query without its condition.
    pub(super) fn of_shape(select: &BoundSelect) -> Self {
        let mut digest = Digest(blake3::Hasher::new());
        // Writing to a digest never fails.
        let _ = write_shape(select, &mut digest);
        digest.finish()
    }

    /// The meaning of a query of a shape with a condition.
    pub(super) fn with_filter(self, filter: Option<&Expr>) -> Self {
        let mut digest = Digest(blake3::Hasher::new());
        digest.0.update(&self.0);
        let _ = write!(digest, "{filter:?}");
        digest.finish()
    }
}

fn write_shape(select: &BoundSelect, out: &mut Digest) -> fmt::Result {
    let input = &select.input;
    write!(out, "{:?} {:?} {:?}", input.model.as_ref().map(|model| model.id), input.deleted, input.entities)?;
    for slot in &input.slots {
        match slot {
            Slot::Id => out.write_str(" id")?,
            Slot::Property(property) => write!(out, " {:?} {:?}", property.id, property.value_type)?,
            Slot::Hop(hop) => write!(out, " {} {:?} {:?}", hop.from, hop.model, hop.column())?,
        }
    }
    let (grouping, having) = (&select.grouping, &select.having);
    let (output, columns) = (&select.output, &select.columns);
    write!(out, " {grouping:?} {having:?} {output:?} {columns:?}")?;
    let (distinct, order) = (select.distinct, &select.order);
    write!(out, " {distinct} {order:?} {:?} {}", select.limit, select.offset)
}
