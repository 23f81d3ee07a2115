//! The view: what was read of one entity.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::input::{Field, Model};

/// A getter for each field, of something that has the struct as `model`.
pub(super) fn getters(model: &Model) -> Vec<TokenStream> {
    let Model { root, visibility, .. } = model;
    let getter = |field: &Field| {
        let Field { ty, docs, name, .. } = field;
        let ident = field.in_type();
        let doc = format!("`{name}`");
        let docs = if docs.is_empty() {
            quote! { #[doc = #doc] }
        } else {
            quote! { #(#docs)* }
        };
        quote_spanned! { ty.span() =>
            #docs
            #visibility fn #ident(&self) -> <#ty as #root::Property>::Get<'_> {
                <#ty as #root::Property>::get(&self.model.#ident)
            }
        }
    };
    model.fields.iter().map(getter).collect()
}

pub(super) fn expand(model: &Model) -> TokenStream {
    let Model { ident, visibility, root, .. } = model;
    let view = model.companion("View");
    let view_name = view.to_string();
    let getters = getters(model);
    let of_fields = |make: fn(&syn::Path, &Field) -> TokenStream| -> Vec<TokenStream> {
        model.fields.iter().map(|field| make(root, field)).collect()
    };
    let copies = of_fields(|root, field| {
        let (name, ident, ty) = (&field.ident, field.in_type(), &field.ty);
        let copy = quote_spanned! { ty.span() => <#ty as #root::Property>::__copy(&self.model.#ident) };
        quote! { #name: #copy }
    });
    let shown = of_fields(|root, field| {
        let (name, ident, ty) = (&field.name, field.in_type(), &field.ty);
        quote_spanned! { ty.span() => .field(#name, <#ty as #root::Property>::__debug(&self.model.#ident)) }
    });
    let same = of_fields(|root, field| {
        let (ident, ty) = (field.in_type(), &field.ty);
        quote_spanned! { ty.span() =>
            && <#ty as #root::Property>::__same(&self.model.#ident, &other.model.#ident)
        }
    });
    let doc = format!("What was read of one [`{ident}`]. It does not change.");
    quote! {
        #[doc = #doc]
        #visibility struct #view {
            id: #root::Ref<#ident>,
            model: #ident,
        }

        #[automatically_derived]
        #[allow(dead_code)]
        impl #view {
            /// The id.
            #visibility fn id(&self) -> #root::Ref<#ident> {
                self.id
            }

            #(#getters)*
        }

        #[automatically_derived]
        impl ::core::clone::Clone for #view {
            fn clone(&self) -> Self {
                #view {
                    id: self.id,
                    model: #ident { #(#copies),* },
                }
            }
        }

        #[automatically_derived]
        impl ::core::fmt::Debug for #view {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.debug_struct(#view_name).field("id", &self.id)#(#shown)*.finish()
            }
        }

        #[automatically_derived]
        impl ::core::cmp::PartialEq for #view {
            fn eq(&self, other: &Self) -> bool {
                self.id == other.id #(#same)*
            }
        }

        #[automatically_derived]
        impl #root::View for #view {
            type Model = #ident;

            fn new(id: #root::Ref<#ident>, model: #ident) -> Self {
                #view { id, model }
            }

            fn as_model(&self) -> &#ident {
                &self.model
            }

            fn into_model(self) -> #ident {
                self.model
            }
        }

        #[automatically_derived]
        impl #root::ToRef<#ident> for #view {
            fn to_ref(&self) -> #root::Ref<#ident> {
                self.id
            }
        }

        #[automatically_derived]
        impl #root::ToValue for #view {
            type Kind = #root::property::kind::Ref<#ident>;

            fn to_value(&self) -> ::core::result::Result<#root::Value, #root::PropertyError> {
                #root::ToValue::to_value(&self.id)
            }
        }

        #[automatically_derived]
        impl ::core::convert::From<#view> for #ident {
            fn from(view: #view) -> #ident {
                view.model
            }
        }
    }
}
