//! Queries on one model.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::{Arc, OnceLock};

use ankurah_core::node::protocol::{Failure, Parameters, TransactionState};
use ankurah_query_lang::ast::Predicate;
use ankurah_query_lang::{ParseError, parse_predicate};

use crate::error::Error;
use crate::property::{PropertyError, ToValue};

/// A query on the entities of a model: what stands after `where` in the query language, and values for its parameters.
///
/// ```
/// # use ankurah::{Model, Query};
/// # #[derive(Model)] struct Album { name: String, year: i64 }
/// # futures::executor::block_on(async {
/// # let context = ankurah::open("memory:").await?;
/// let query = Query::<Album>::new("year between ? and $last order by name limit 10").bind(1990).bind_named("last", 1999);
/// let nineties: Vec<AlbumView> = context.fetch(query).await?;
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Query<M> {
    text: Cow<'static, str>,
    parsed: Option<&'static OnceLock<Arc<Predicate>>>,
    parameters: Parameters,
    failure: Option<(usize, PropertyError)>,
    model: PhantomData<fn() -> M>,
}

impl<M> Query<M> {
    /// A query by its text: `year > ? order by name limit 10`. An empty one means all entities.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        Query {
            text: text.into(),
            parsed: None,
            parameters: Parameters::default(),
            failure: None,
            model: PhantomData,
        }
    }

    /// The value of the next `?`, or of the next of `$1`, `$2`, ….
    #[must_use]
    pub fn bind(mut self, value: impl ToValue) -> Self {
        let number = self.parameters.positional.len().saturating_add(1);
        match value.to_value() {
            Ok(value) => self.parameters.positional.push(value),
            Err(problem) => {
                self.failure.get_or_insert((number, problem));
            }
        }
        self
    }

    /// The value of `$name`.
    #[must_use]
    pub fn bind_named(mut self, name: &str, value: impl ToValue) -> Self {
        match value.to_value() {
            Ok(value) => self.parameters.named.push((name.to_owned(), value)),
            Err(problem) => {
                let number = self.parameters.named.len().saturating_add(1);
                self.failure.get_or_insert((number, problem));
            }
        }
        self
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// A query of `query!`, whose text is parsed once.
    #[doc(hidden)]
    pub fn __of_macro(text: &'static str, parsed: &'static OnceLock<Arc<Predicate>>) -> Self {
        Query { parsed: Some(parsed), ..Query::new(text) }
    }

    pub(crate) fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The query as a tree.
    pub(crate) fn parse(&self) -> Result<Arc<Predicate>, Error> {
        if let Some((number, error)) = &self.failure {
            return Err(Error::Parameter { number: *number, error: error.clone() });
        }
        if let Some(parsed) = self.parsed.and_then(OnceLock::get) {
            return Ok(Arc::clone(parsed));
        }
        let tree = Arc::new(parse_predicate(&self.text).map_err(|error| self.syntax(&error))?);
        if let Some(parsed) = self.parsed {
            return Ok(Arc::clone(parsed.get_or_init(|| tree)));
        }
        Ok(tree)
    }

    fn syntax(&self, error: &ParseError) -> Error {
        let diagnostic = error.diagnostic();
        let failure = Failure {
            kind: "syntax".to_owned(),
            message: diagnostic.message,
            span: Some((diagnostic.span.start, diagnostic.span.end)),
            label: diagnostic.label,
            help: diagnostic.help,
            transaction: TransactionState::Idle,
        };
        Error::Query { text: self.text.clone().into_owned(), failure: Box::new(failure) }
    }
}

/// What can be asked of a model: a text, a text with the values of its `?` in a tuple, a [`Query`], or what `query!`
/// gives.
///
/// ```
/// # use ankurah::Model;
/// # #[derive(Model)] struct Album { name: String, year: i64 }
/// # futures::executor::block_on(async {
/// # let context = ankurah::open("memory:").await?;
/// let all = context.fetch::<Album>("order by name").await?;
/// let old = context.fetch::<Album>(("year < ? and name <> ?", 1980, "Blue")).await?;
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a query on `{M}`",
    note = "give a text, a tuple of a text and the values of its `?`, a `Query`, or `query!(…)`"
)]
pub trait IntoQuery<M> {
    /// The query.
    fn into_query(self) -> Query<M>;
}

impl<M> IntoQuery<M> for Query<M> {
    fn into_query(self) -> Query<M> {
        self
    }
}

impl<M> IntoQuery<M> for &Query<M> {
    fn into_query(self) -> Query<M> {
        Query {
            text: self.text.clone(),
            parsed: self.parsed,
            parameters: self.parameters.clone(),
            failure: self.failure.clone(),
            model: PhantomData,
        }
    }
}

impl<M> IntoQuery<M> for &str {
    fn into_query(self) -> Query<M> {
        Query::new(self.to_owned())
    }
}

impl<M> IntoQuery<M> for String {
    fn into_query(self) -> Query<M> {
        Query::new(self)
    }
}

macro_rules! tuples {
    ($($($name:ident)+;)*) => {
        $(
            impl<M, $($name: ToValue),+> IntoQuery<M> for (&str, $($name),+) {
                #[allow(non_snake_case)]
                fn into_query(self) -> Query<M> {
                    let (text, $($name),+) = self;
                    Query::new(text.to_owned())$(.bind($name))+
                }
            }
        )*
    };
}

tuples! {
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
    A B C D E F G;
    A B C D E F G H;
}
