//! `query!`.

mod check;
mod scan;

use ankurah_query_lang::{Diagnostic, RenderOptions, parse_predicate};
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, LitStr, Path, Result, Token};

use check::Checker;
use scan::Value;

/// `Album: "year > ?", 1990`
pub(crate) struct Input {
    model: Path,
    text: LitStr,
    values: Punctuated<Expr, Token![,]>,
}

impl Parse for Input {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        const SHAPE: &str = "write the model, a colon and the query: `query!(Album: \"year > {min}\")`";
        let shape = |error: Error| Error::new(error.span(), SHAPE);
        let model = input.parse::<Path>().map_err(shape)?;
        input.parse::<Token![:]>().map_err(shape)?;
        let text = input.parse::<LitStr>().map_err(shape)?;
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
        Ok(Input { model, text, values: Punctuated::parse_terminated(input)? })
    }
}

/// An error of the compiler that shows the place in the query.
fn shown(span: Span, source: &str, diagnostic: &Diagnostic) -> Error {
    let shown = diagnostic.render(source, &RenderOptions::default());
    Error::new(span, shown.strip_prefix("error: ").unwrap_or(&shown))
}

/// The code for a query.
pub(crate) fn expand(input: &Input) -> Result<TokenStream> {
    let Input { model, text, values } = input;
    let span = text.span();
    let scanned = scan::scan(text)?;
    let source = &scanned.text;
    let predicate = parse_predicate(source).map_err(|error| shown(span, source, &error.diagnostic()))?;
    let mut given = values.iter();
    let mut parameters: Vec<Expr> = Vec::with_capacity(scanned.values.len());
    for value in scanned.values {
        parameters.push(match value {
            Value::Inline(expr) => *expr,
            Value::Next => given
                .next()
                .cloned()
                .ok_or_else(|| Error::new(span, "there are more `?` in the query than values after it"))?,
        });
    }
    if let Some(extra) = given.next() {
        return Err(Error::new_spanned(extra, "the query has no `?` for this value"));
    }
    let names: Vec<_> = (0..parameters.len()).map(|number| format_ident!("parameter_{number}")).collect();
    let checks = Checker::new(span, source, &names).predicate(&predicate)?;
    let fields = quote_spanned! { span => <#model as ::ankurah::Model>::FIELDS };
    Ok(quote! {{
        static PARSED: ::ankurah::__private::Parsed = ::ankurah::__private::Parsed::new();
        match (#(&(#parameters),)*) {
            (#(#names,)*) => {
                if false {
                    let fields = #fields;
                    let _ = &fields;
                    #checks
                }
                ::ankurah::Query::<#model>::__of_macro(#source, &PARSED)#(.bind(#names))*
            }
        }
    }})
}
