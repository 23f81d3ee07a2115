//! The implementation of the model itself.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;

use super::input::{Default, Field, Former, Model, is_constant, is_string_literal};

pub(super) fn expand(model: &Model) -> TokenStream {
    let Model { ident, root, name, defined_as, .. } = model;
    let [view, editor, fields] = ["View", "Editor", "Fields"].map(|suffix| model.companion(suffix));
    let properties = model.fields.iter().map(|field| property(model, field));
    let idents: Vec<_> = model.fields.iter().map(|field| &field.ident).collect();
    let values = model.fields.iter().map(|field| {
        let (name, ident, ty) = (&field.name, field.in_type(), &field.ty);
        quote_spanned! { ty.span() => <#ty as #root::Property>::__value(&self.#ident, #name)? }
    });
    let reads = model.fields.iter().map(|field| read(model, field));
    let declared_fields = declare_fields(model);
    let keyed = keyed(model);
    let values = match idents.is_empty() {
        true => quote! { ::core::result::Result::Ok(::std::vec::Vec::new()) },
        false => quote! {
            ::core::result::Result::Ok(::std::vec![#(#values),*])
        },
    };
    quote! {
        #declared_fields

        #[automatically_derived]
        impl #root::Model for #ident {
            type View = #view;
            type Editor = #editor;
            type Fields = #fields;
            const FIELDS: #fields = #fields::__NEW;

            fn schema() -> &'static #root::schema::ModelSchema {
                static SCHEMA: #root::schema::ModelSchema = #root::schema::ModelSchema {
                    name: #name,
                    defined_as: #defined_as,
                    properties: &[#(#properties),*],
                };
                &SCHEMA
            }

            fn to_values(&self) -> ::core::result::Result<::std::vec::Vec<#root::Value>, #root::FieldError> {
                #values
            }

            #[allow(unused_variables, unused_mut, clippy::redundant_closure)]
            fn from_values(
                values: &[#root::ValueRef<'_>],
            ) -> ::core::result::Result<Self, #root::FieldError> {
                let mut values = values.iter().copied();
                ::core::result::Result::Ok(#ident { #(#idents: #reads),* })
            }
        }

        #keyed
    }
}

/// The schema of a property.
fn property(model: &Model, field: &Field) -> TokenStream {
    let root = &model.root;
    let Field { ty, name, defined_as, key, .. } = field;
    let default = match &field.default {
        Some(default) if is_catalog_default(default) => {
            let value = default_value(field, default);
            quote! {
                ::core::option::Option::Some(|| {
                    let value: #ty = #value;
                    #root::ToValue::to_value(&value)
                })
            }
        }
        _ => quote! { ::core::option::Option::None },
    };
    // Where this program knows what to read instead, programs that do not know of the property may leave it null.
    let computed = field.default.as_ref().is_some_and(|default| !is_catalog_default(default));
    let required = match computed || field.former.is_some() {
        true => quote! { required: false, },
        false => TokenStream::new(),
    };
    let former = match &field.former {
        Some(former) => self::former(root, ty, former),
        None => quote! { ::core::option::Option::None },
    };
    quote_spanned! { ty.span() =>
        #root::schema::PropertySchema {
            name: #name,
            defined_as: #defined_as,
            key: #key,
            default: #default,
            former: #former,
            #required
            ..<#ty as #root::Property>::__SCHEMA
        }
    }
}

fn former(root: &syn::Path, ty: &syn::Type, former: &Former) -> TokenStream {
    let Former { name, ty: old, with } = former;
    let convert = match with {
        Some(with) => quote_spanned! { with.span() =>
            |value| #root::__private::convert_with::<#old, #ty, _>(value, #with)
        },
        None => quote! { |value| #root::__private::convert::<#old, #ty>(value) },
    };
    quote_spanned! { old.span() =>
        ::core::option::Option::Some(#root::schema::FormerProperty {
            name: #name,
            property_type: <<#old as #root::ToValue>::Kind as #root::property::Kind>::TYPE,
            convert: #convert,
        })
    }
}

fn is_catalog_default(default: &Default) -> bool {
    match default {
        Default::OfType => true,
        Default::Expr(expr) => is_constant(expr),
    }
}

fn default_value(field: &Field, default: &Default) -> TokenStream {
    let ty = &field.ty;
    match default {
        Default::OfType => quote_spanned! { ty.span() => <#ty as ::core::default::Default>::default() },
        Default::Expr(expr) if is_string_literal(expr) => {
            quote_spanned! { expr.span() => <#ty as ::core::convert::From<&str>>::from(#expr) }
        }
        Default::Expr(expr) => quote! { #expr },
    }
}

/// What reads a field from the next value.
fn read(model: &Model, field: &Field) -> TokenStream {
    let root = &model.root;
    let Field { ty, name, .. } = field;
    match &field.default {
        None => quote_spanned! { ty.span() => <#ty as #root::Property>::__read(values.next(), #name)? },
        Some(default) => {
            let value = default_value(field, default);
            quote_spanned! { ty.span() =>
                <#ty as #root::Property>::__read_or(values.next(), #name, || #value)?
            }
        }
    }
}

/// The properties as `query!` knows them.
fn declare_fields(model: &Model) -> TokenStream {
    let Model { ident, visibility, root, .. } = model;
    let fields = model.companion("Fields");
    // A name that is no identifier cannot be written in `query!` either.
    let named = model.fields.iter().filter_map(|field| {
        let name = syn::parse_str::<syn::Ident>(&field.name)
            .or_else(|_| syn::parse_str(&format!("r#{}", field.name)))
            .ok()?;
        Some((name, &field.ty))
    });
    let (names, types): (Vec<_>, Vec<_>) = named.unzip();
    let doc = format!("The properties of [`{ident}`] as `query!` knows them.");
    quote! {
        #[doc = #doc]
        #[allow(dead_code, non_snake_case, missing_docs)]
        #visibility struct #fields {
            #visibility id: #root::__private::Field<#root::Ref<#ident>>,
            #(#visibility #names: #root::__private::Field<#types>),*
        }

        #[automatically_derived]
        impl #fields {
            #[doc(hidden)]
            #visibility const __NEW: Self = #fields {
                id: #root::__private::Field::NEW,
                #(#names: #root::__private::Field::NEW),*
            };
        }
    }
}

/// The key, where there is one.
fn keyed(model: &Model) -> TokenStream {
    let Model { ident, root, .. } = model;
    let keys: Vec<&Field> = model.keys().collect();
    let names = keys.iter().map(|field| &field.name);
    let gets: Vec<_> = keys
        .iter()
        .map(|field| {
            let ty = &field.ty;
            quote_spanned! { ty.span() => <#ty as #root::__private::KeyProperty>::Key<'a> }
        })
        .collect();
    let parts: Vec<_> = (0..keys.len()).map(|number| format_ident!("part_{number}")).collect();
    let (key, pattern) = match (gets.as_slice(), parts.as_slice()) {
        ([], _) => return TokenStream::new(),
        ([get], [part]) => (quote! { #get }, quote! { #part }),
        _ => (quote! { (#(#gets),*) }, quote! { (#(#parts),*) }),
    };
    quote! {
        #[automatically_derived]
        impl #root::Keyed for #ident {
            type Key<'a> = #key;

            fn key_values(
                key: Self::Key<'_>,
            ) -> ::core::result::Result<::std::vec::Vec<#root::Value>, #root::FieldError> {
                let #pattern = key;
                ::core::result::Result::Ok(::std::vec![#(#root::__private::to_value(&#parts, #names)?),*])
            }
        }
    }
}
