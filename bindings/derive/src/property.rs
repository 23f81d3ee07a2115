//! `#[derive(Property)]`.

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Error, Fields, Result, Type, Variant};

use crate::attribute::{self, Errors};
use crate::names::snake_case;

/// How a type is stored.
enum Form {
    /// As its only field.
    Newtype(Box<Type>),
    /// As the name of its variant.
    Names(Vec<(syn::Ident, String)>),
    /// As a JSON document.
    Json,
    /// As another type.
    Via(Box<Type>),
}

/// The code for a property type.
pub(crate) fn derive(input: &DeriveInput) -> Result<TokenStream> {
    let mut errors = Errors::default();
    let (mut root, mut json, mut via) = (attribute::default_crate(), None, None);
    let read = attribute::parts(&input.attrs, "property", &["json", "via", "crate"], |part, meta| {
        match part {
            "json" => json = Some(meta.path.span()),
            "via" => via = Some(meta.value()?.parse::<Type>()?),
            _ => root = meta.value()?.call(syn::Path::parse_mod_style)?,
        }
        Ok(())
    });
    errors.take(read);
    if let (Some(span), Some(_)) = (json, &via) {
        errors.push(Error::new(span, "a type is stored as JSON or via another type, not both"));
    }
    if !input.generics.params.is_empty() {
        errors.at(&input.generics, "a property type has no type parameters or lifetimes");
    }
    let form = match (via, json) {
        (Some(ty), _) => Some(Form::Via(Box::new(ty))),
        (None, Some(_)) => Some(Form::Json),
        (None, None) => errors.take(form(input)),
    };
    errors.finish()?;
    let Some(form) = form else { return Ok(TokenStream::new()) };
    Ok(expand(input, &root, &form))
}

fn form(input: &DeriveInput) -> Result<Form> {
    let unfit = |message: &str| Err(Error::new(Span::call_site(), message));
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(_) => Ok(Form::Json),
            Fields::Unnamed(fields) => match fields.unnamed.first() {
                Some(field) if fields.unnamed.len() == 1 => Ok(Form::Newtype(Box::new(field.ty.clone()))),
                _ => unfit(
                    "a tuple struct with one field is stored as that field; for several write \
                     `#[property(json)]` or name them",
                ),
            },
            Fields::Unit => unfit("a struct without fields has nothing to store"),
        },
        Data::Enum(data) => {
            let mut errors = Errors::default();
            let mut names: Vec<(syn::Ident, String)> = Vec::new();
            for variant in &data.variants {
                if let Some(name) = errors.take(variant_name(variant)) {
                    if names.iter().any(|(_, known)| *known == name) {
                        errors.at(variant, &format!("two variants are stored as `{name}`"));
                    }
                    names.push((variant.ident.clone(), name));
                }
            }
            errors.finish()?;
            if names.is_empty() {
                return unfit("an enum without variants has nothing to store");
            }
            Ok(Form::Names(names))
        }
        Data::Union(_) => unfit("a union cannot be a property"),
    }
}

fn variant_name(variant: &Variant) -> Result<String> {
    if !matches!(variant.fields, Fields::Unit) {
        return Err(Error::new(
            variant.span(),
            "an enum whose variants have fields is stored with `#[property(json)]`",
        ));
    }
    let mut name = snake_case(&variant.ident);
    attribute::parts(&variant.attrs, "property", &["name"], |_, meta| {
        name = attribute::name_of(meta)?;
        Ok(())
    })?;
    Ok(name)
}

fn expand(input: &DeriveInput, root: &syn::Path, form: &Form) -> TokenStream {
    let ident = &input.ident;
    let by_reference = quote! { &'a #ident };
    let (kind, to, from, get, gives) = match form {
        Form::Newtype(ty) => (
            quote_spanned! { ty.span() => <#ty as #root::__private::KeyProperty>::Kind },
            quote! { #root::ToValue::to_value(&self.0) },
            quote_spanned! { ty.span() => <#ty as #root::Property>::from_value(value).map(#ident) },
            by_reference,
            quote! { self },
        ),
        Form::Names(names) => {
            let (variants, names): (Vec<_>, Vec<_>) = names.iter().cloned().unzip();
            let expected = format!("`{{}}` is none of `{}`", names.join("`, `"));
            (
                quote! { #root::property::kind::String },
                quote! { #root::ToValue::to_value(match self { #(#ident::#variants => #names),* }) },
                quote! {
                    match #root::__private::text(value)? {
                        #(#names => ::core::result::Result::Ok(#ident::#variants),)*
                        other => ::core::result::Result::Err(#root::PropertyError::invalid(::std::format!(#expected, other))),
                    }
                },
                quote! { #ident },
                quote! { ::core::clone::Clone::clone(self) },
            )
        }
        Form::Json => (
            quote! { #root::property::kind::Json },
            quote! { #root::__private::write_json(self) },
            quote! { #root::__private::read_json(value) },
            by_reference,
            quote! { self },
        ),
        Form::Via(ty) => (
            quote_spanned! { ty.span() => <#ty as #root::__private::KeyProperty>::Kind },
            quote_spanned! { ty.span() =>
                #root::ToValue::to_value(&<#ty as ::core::convert::From<&#ident>>::from(self))
            },
            quote_spanned! { ty.span() =>
                <#ident as ::core::convert::TryFrom<#ty>>::try_from(<#ty as #root::Property>::from_value(value)?)
                    .map_err(#root::PropertyError::invalid)
            },
            by_reference,
            quote! { self },
        ),
    };
    quote! {
        #[automatically_derived]
        impl #root::ToValue for #ident {
            type Kind = #kind;

            fn to_value(&self) -> ::core::result::Result<#root::Value, #root::PropertyError> {
                #to
            }
        }

        #[automatically_derived]
        impl #root::Property for #ident {
            type Get<'a> = #get;

            fn get(&self) -> Self::Get<'_> {
                #gives
            }

            fn from_value(
                value: #root::ValueRef<'_>,
            ) -> ::core::result::Result<Self, #root::PropertyError> {
                #from
            }
        }

        #[automatically_derived]
        impl #root::Scalar for #ident {}
    }
}
