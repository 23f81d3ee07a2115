//! The macros of the crate `ankurah`, which gives them on: depend on that one.

mod attribute;
mod model;
mod names;
mod property;
mod query;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes a struct with named fields a model: see `ankurah::Model`.
///
/// Besides the implementation it writes, for a struct `Album`,
///
/// - `AlbumView`: an album as it was read, with a getter for every field;
/// - `AlbumEditor`: what changes an album, with getters, a setter `set_name` for every field that is not part of the key,
///   and a handle `edit_note` for every field of type `Text`;
/// - `AlbumFields`: the properties as `query!` knows them.
///
/// # Attributes of the struct
///
/// | attribute | meaning |
/// |---|---|
/// | `#[model(name = "record")]` | the name of the collection, instead of the struct's name in snake case |
/// | `#[model(was = "record")]` | the name that the model was first defined with, after it was renamed |
/// | `#[model(crate = path)]` | where the crate `ankurah` is |
///
/// # Attributes of a field
///
/// | attribute | meaning |
/// |---|---|
/// | `#[model(key)]` | part of the key, which names an entity and never changes |
/// | `#[model(default)]`, `#[model(default = expr)]` | what is read where a stored entity has no value. A constant is also what other programs' inserts get |
/// | `#[model(name = "type")]` | the name of the property, instead of the field's |
/// | `#[model(was = "title")]` | the name that the property was first defined with, after it was renamed |
/// | `#[model(from = String)]` | the type that the property had before. Values of it are converted where they are read, by the language's cast |
/// | `#[model(from = String, with = function)]` | the same, converted by a function from what a getter of the old type gives to a `Result` of the new type |
#[proc_macro_derive(Model, attributes(model))]
pub fn derive_model(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    model::derive(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes a type one that a field of a model can have: see `ankurah::Property`. It must be `Clone` and `Debug`.
///
/// | type | stored as |
/// |---|---|
/// | `struct Email(String)` | the field's type: it is compared, ordered and indexed like it |
/// | an enum of variants without fields | a string: the variant's name in snake case, or `#[property(name = "…")]` |
/// | a struct with named fields | JSON, by serde's `Serialize` and `Deserialize` |
/// | any type with `#[property(json)]` | JSON, by serde's `Serialize` and `Deserialize` |
/// | any type with `#[property(via = T)]` | a `T`, by `From<&Self> for T` and `TryFrom<T>` |
#[proc_macro_derive(Property, attributes(property))]
pub fn derive_property(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    property::derive(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// A query whose names and types the compiler checks: `query!(Album: "year > {min} and name like 'A%' order by name")`.
///
/// The text is that of `ankurah::Query`. `{expr}` puts a value in its place, as a parameter, so that nothing needs to be
/// quoted; `?` takes the next of the values after the text, as in `query!(Album: "year > ?", min)`. The text is parsed
/// when the program is compiled; a name that no field has, or a comparison of kinds that cannot be compared, is an error
/// of the compiler.
#[proc_macro]
pub fn query(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as query::Input);
    query::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}
