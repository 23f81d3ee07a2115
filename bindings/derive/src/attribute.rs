//! Reading `#[model(…)]` and `#[property(…)]`.

use ankurah_query_lang::nearest;
use proc_macro2::Span;
use syn::meta::ParseNestedMeta;
use syn::spanned::Spanned;
use syn::{Attribute, Error, LitStr, Result};

/// Reads the parts of all attributes called `name`. Every part may stand once. `take` reads the part of a name, one of
/// `known`.
pub(crate) fn parts(
    attributes: &[Attribute],
    name: &str,
    known: &[&str],
    mut take: impl FnMut(&str, &ParseNestedMeta<'_>) -> Result<()>,
) -> Result<()> {
    let mut seen: Vec<String> = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident(name)) {
        attribute.parse_nested_meta(|meta| {
            let part = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
            if !known.contains(&part.as_str()) {
                return Err(meta.error(unknown(name, &part, known)));
            }
            if seen.contains(&part) {
                return Err(meta.error(format!("`{part}` is given twice")));
            }
            take(&part, &meta)?;
            seen.push(part);
            Ok(())
        })?;
    }
    Ok(())
}

fn unknown(attribute: &str, part: &str, known: &[&str]) -> String {
    let list: Vec<String> = known.iter().map(|known| format!("`{known}`")).collect();
    match nearest(part, known.iter().copied()) {
        Some(near) => format!("`{attribute}` has no `{part}` here; did you mean `{near}`?"),
        None => format!("`{attribute}` has no `{part}` here; there is {}", list.join(", ")),
    }
}

/// A name given as a string: `name = "…"`.
pub(crate) fn name_of(meta: &ParseNestedMeta<'_>) -> Result<String> {
    let literal: LitStr = meta.value()?.parse()?;
    let name = literal.value();
    if name.is_empty() || name.len() > 255 || name.contains('\0') {
        return Err(Error::new(literal.span(), "a name has 1 to 255 bytes and no U+0000"));
    }
    Ok(name)
}

/// Keeps all errors, to be told together.
#[derive(Default)]
pub(crate) struct Errors(Option<Error>);

impl Errors {
    /// Notes an error.
    pub(crate) fn push(&mut self, error: Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            None => self.0 = Some(error),
        }
    }

    /// Notes an error at a place.
    pub(crate) fn at(&mut self, place: &impl Spanned, message: &str) {
        self.push(Error::new(place.span(), message));
    }

    /// Notes an error, if there is one.
    pub(crate) fn take<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    /// The errors, if there are any.
    pub(crate) fn finish(self) -> Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}

/// The crate that everything comes from.
pub(crate) fn default_crate() -> syn::Path {
    syn::Path {
        leading_colon: Some(syn::token::PathSep::default()),
        segments: std::iter::once(syn::PathSegment::from(syn::Ident::new("ankurah", Span::call_site())))
            .collect(),
    }
}
