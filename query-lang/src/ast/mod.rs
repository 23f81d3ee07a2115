//! The syntax tree.
//!
//! Every node carries its [`Span`]. Equality of nodes ignores spans, so that two expressions written in
//! different places (`select year / 10 … group by year / 10`) compare equal, and printing a tree and
//! parsing the text again gives an equal tree.
//!
//! The height of a tree is bounded by [`MAX_DEPTH`](crate::MAX_DEPTH), so code may walk it recursively.

use crate::Span;

/// Declares a node: a struct with a `span`, which equality ignores.
macro_rules! node {
    ($(#[$meta:meta])* pub struct $name:ident { $($(#[$field_meta:meta])* pub $field:ident : $type:ty,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone)]
        pub struct $name {
            $($(#[$field_meta])* pub $field: $type,)+
            /// Where it stands in the source. Equality ignores it.
            pub span: $crate::Span,
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                $(self.$field == other.$field)&&+
            }
        }

        impl Eq for $name {}
    };
}

mod expr;
mod past;
mod query;
mod statement;

pub use expr::*;
pub use past::*;
pub use query::*;
pub use statement::*;

node! {
    /// An identifier as written. Names match exactly first, then (unless quoted) regardless of case where
    /// that is unambiguous; the binder does the matching.
    pub struct Ident {
        /// The name, without quotes, with its case as written.
        pub name: String,
        /// Whether it was written in double quotes, which asks for an exact match.
        pub quoted: bool,
    }
}

node! {
    /// The id of an entity, a model or a property: `@01HZX3Y7ZV9W8Q6R5T4S3P2N1M`.
    pub struct Id {
        /// The 26 characters of the ULID, in upper case, without the `@`. Always a valid ULID.
        pub text: String,
    }
}

node! {
    /// The name of a model or a property, with the id that tells namesakes apart: `rating` or `rating@01HZ…`.
    pub struct Name {
        /// The name.
        pub ident: Ident,
        /// The id after `@`, where one was written.
        pub id: Option<Id>,
    }
}

impl Ident {
    /// An identifier that is quoted only where it must be.
    pub fn new(name: impl Into<String>, span: Span) -> Self {
        let name = name.into();
        let quoted = !crate::keywords::is_plain_identifier(&name);
        Self { name, quoted, span }
    }
}

impl From<Ident> for Name {
    fn from(ident: Ident) -> Self {
        let span = ident.span;
        Self { ident, id: None, span }
    }
}
