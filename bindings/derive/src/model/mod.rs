//! `#[derive(Model)]`.

mod editor;
mod input;
mod schema;
mod view;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{DeriveInput, Result};

use input::Model;

/// The code for a model.
pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let model = Model::read(input)?;
    let parts = [view::expand(&model), editor::expand(&model), schema::expand(&model)];
    Ok(quote! { #(#parts)* })
}
