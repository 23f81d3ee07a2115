//! The editor: what changes one entity.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::input::{Field, Model};
use super::view::getters;

pub(super) fn expand(model: &Model) -> TokenStream {
    let Model { ident, visibility, root, .. } = model;
    let editor = model.companion("Editor");
    let getters = getters(model);
    let changers = model.fields.iter().enumerate().filter(|(_, field)| !field.key);
    let changers = changers.map(|(number, field)| changer(model, number, field));
    let doc = format!("What changes one [`{ident}`].");
    quote! {
        #[doc = #doc]
        #visibility struct #editor {
            id: #root::Ref<#ident>,
            model: #ident,
            edits: #root::Edits,
        }

        #[automatically_derived]
        #[allow(dead_code)]
        impl #editor {
            /// The id.
            #visibility fn id(&self) -> #root::Ref<#ident> {
                self.id
            }

            #(#getters)*
            #(#changers)*
        }

        #[automatically_derived]
        impl #root::Editor for #editor {
            type Model = #ident;

            fn new(id: #root::Ref<#ident>, current: #ident) -> Self {
                #editor { id, model: current, edits: ::core::default::Default::default() }
            }

            fn into_parts(self) -> (#ident, #root::Edits) {
                (self.model, self.edits)
            }
        }
    }
}

/// What changes a field: a setter, or the handle of a text.
fn changer(model: &Model, number: usize, field: &Field) -> TokenStream {
    let Field { ty, name, .. } = field;
    let ident = field.in_type();
    let Model { root, visibility, .. } = model;
    if field.is_text() {
        let edit = field.method("edit");
        let doc = format!("Changes the text `{name}` in place.");
        return quote_spanned! { ty.span() =>
            #[doc = #doc]
            #visibility fn #edit(&mut self) -> #root::TextEditor<'_> {
                self.edits.text(#number, &mut self.model.#ident)
            }
        };
    }
    let set = field.method("set");
    let doc = format!("Sets `{name}`.");
    let (given, value) = match field.is_string() {
        true => (quote! { impl ::core::convert::Into<#ty> }, quote! { ::core::convert::Into::into(value) }),
        false => (quote! { #ty }, quote! { value }),
    };
    quote_spanned! { ty.span() =>
        #[doc = #doc]
        #visibility fn #set(&mut self, value: #given) {
            self.model.#ident = #value;
            self.edits.set(#number, <#ty as #root::Property>::__value(&self.model.#ident, #name));
        }
    }
}
