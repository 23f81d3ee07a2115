//! From a query's tree to calls that the compiler checks; see `ankurah::__private::check`.

use ankurah_query_lang::ast::{
    BinaryOp, Call, CallArgs, DataTypeKind, Expr, ExprKind, Ident as Name, IsTest, Literal, NumberKind,
    Parameter, ParameterKind, Path, PathStepKind, Predicate, UnaryOp,
};
use ankurah_query_lang::functions::{self, FunctionKind};
use ankurah_query_lang::{Diagnostic, Span as Place, nearest};
use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{Error, Result};

pub(super) struct Checker<'a> {
    span: Span,
    source: &'a str,
    parameters: &'a [Ident],
}

impl<'a> Checker<'a> {
    pub(super) fn new(span: Span, source: &'a str, parameters: &'a [Ident]) -> Self {
        Checker { span, source, parameters }
    }

    /// Statements that check the whole query.
    pub(super) fn predicate(&self, predicate: &Predicate) -> Result<TokenStream> {
        let mut checks = TokenStream::new();
        if let Some(filter) = &predicate.filter {
            let filter = self.call("condition", &[filter])?;
            checks.extend(quote! { let _ = #filter; });
        }
        for item in &predicate.order_by {
            let expr = self.expr(&item.expr)?;
            checks.extend(quote! { let _ = #expr; });
        }
        for count in [&predicate.limit, &predicate.offset].into_iter().flatten() {
            let count = self.call("rows", &[count])?;
            checks.extend(quote! { #count; });
        }
        Ok(checks)
    }

    fn error(&self, place: Place, message: &str, help: Option<String>) -> Error {
        let mut diagnostic = Diagnostic::error(message, place);
        diagnostic.help = help;
        super::shown(self.span, self.source, &diagnostic)
    }

    fn function(&self, name: &str) -> TokenStream {
        let name = Ident::new(name, self.span);
        quote_spanned! { self.span => ::ankurah::__private::check::#name }
    }

    /// A call of a checking function with references to expressions.
    fn call(&self, function: &str, operands: &[&Expr]) -> Result<TokenStream> {
        let function = self.function(function);
        let operands: Vec<_> = operands.iter().map(|expr| self.expr(expr)).collect::<Result<_>>()?;
        Ok(quote_spanned! { self.span => #function(#(&#operands),*) })
    }

    /// An expression of a kind that is known from here.
    fn of(&self, kind: &str) -> TokenStream {
        let function = self.function("of");
        let kind = match kind {
            "Any" | "AnyRef" | "Null" | "Literal" => self.function(kind),
            kind => {
                let kind = Ident::new(kind, self.span);
                quote_spanned! { self.span => ::ankurah::property::kind::#kind }
            }
        };
        quote_spanned! { self.span => #function::<#kind>() }
    }

    /// An expression of a known kind, after checks.
    fn after(&self, checks: &[TokenStream], kind: &str) -> TokenStream {
        let result = self.of(kind);
        quote_spanned! { self.span => { #(let _ = #checks;)* #result } }
    }

    fn expr(&self, expr: &Expr) -> Result<TokenStream> {
        Ok(match &expr.kind {
            ExprKind::Literal(literal) => self.of(literal_kind(literal)),
            ExprKind::Path(path) => self.path(path)?,
            ExprKind::Access { base, .. } => self.after(&[self.expr(base)?], "Any"),
            ExprKind::Parameter(parameter) => self.parameter(parameter)?,
            ExprKind::Unary { op: UnaryOp::Not, expr } => self.call("condition", &[expr])?,
            ExprKind::Unary { op: UnaryOp::Neg | UnaryOp::Plus, expr } => self.call("number", &[expr])?,
            ExprKind::Compare { left, right, .. } => self.call("compare", &[left, right])?,
            ExprKind::Chain { first, rest } => {
                let operands = std::iter::once(&**first).chain(rest.iter().map(|link| &link.operand));
                if rest.iter().all(|link| link.op == BinaryOp::Concat) {
                    let checks: Vec<_> = operands.map(|operand| self.expr(operand)).collect::<Result<_>>()?;
                    self.after(&checks, "String")
                } else {
                    let checks: Vec<_> =
                        operands.map(|operand| self.call("number", &[operand])).collect::<Result<_>>()?;
                    self.after(&checks, "Any")
                }
            }
            ExprKind::And(list) | ExprKind::Or(list) => {
                let checks: Vec<_> =
                    list.iter().map(|expr| self.call("condition", &[expr])).collect::<Result<_>>()?;
                self.after(&checks, "Bool")
            }
            ExprKind::Between { expr, low, high, .. } => {
                let checks = [self.call("compare", &[expr, low])?, self.call("compare", &[expr, high])?];
                self.after(&checks, "Bool")
            }
            ExprKind::InList { expr, list, .. } => {
                let checks: Vec<_> =
                    list.iter().map(|item| self.call("compare", &[expr, item])).collect::<Result<_>>()?;
                self.after(&checks, "Bool")
            }
            ExprKind::Like { expr, pattern, escape, .. } => {
                let operands = [Some(expr), Some(pattern), escape.as_ref()];
                let checks: Vec<_> = operands
                    .into_iter()
                    .flatten()
                    .map(|operand| self.call("textual", &[operand]))
                    .collect::<Result<_>>()?;
                self.after(&checks, "Bool")
            }
            ExprKind::Is { expr, test: IsTest::Null, .. } => self.after(&[self.expr(expr)?], "Bool"),
            ExprKind::Is { expr, .. } => self.call("condition", &[expr])?,
            ExprKind::IsDistinctFrom { left, right, .. } => self.call("compare", &[left, right])?,
            ExprKind::Case { operand, branches, otherwise } => {
                let mut checks = Vec::new();
                for branch in branches {
                    checks.push(match operand {
                        Some(operand) => self.call("compare", &[operand, &branch.when])?,
                        None => self.call("condition", &[&branch.when])?,
                    });
                    checks.push(self.expr(&branch.then)?);
                }
                checks.extend(otherwise.as_ref().map(|otherwise| self.expr(otherwise)).transpose()?);
                self.after(&checks, "Any")
            }
            ExprKind::Cast { expr, to } => self.after(&[self.expr(expr)?], type_kind(&to.kind)),
            ExprKind::Call(call) => self.function_call(call)?,
            ExprKind::InQuery { .. } | ExprKind::Exists(_) | ExprKind::Query(_) => {
                return Err(self.error(expr.span, "subqueries are not available in this version", None));
            }
        })
    }

    fn parameter(&self, parameter: &Parameter) -> Result<TokenStream> {
        let number = match &parameter.kind {
            ParameterKind::Positional(number) => Some(*number),
            ParameterKind::Numbered(_) | ParameterKind::Named(_) => None,
        };
        let name = number.and_then(|number| self.parameters.get(number)).ok_or_else(|| {
            self.error(
                parameter.span,
                "`query!` takes its values in place",
                Some("write `{expr}`, or `?`".to_owned()),
            )
        })?;
        let function = self.function("parameter");
        Ok(quote_spanned! { self.span => #function(#name) })
    }

    fn path(&self, path: &Path) -> Result<TokenStream> {
        if path.root.id.is_some() {
            return Ok(self.of("Any"));
        }
        let root = self.field(&path.root.ident)?;
        let mut place = quote_spanned! { self.span => fields.#root };
        for step in &path.steps {
            match &step.kind {
                PathStepKind::Field(name) => {
                    let follow = self.function("follow");
                    let name = self.field(&name.ident)?;
                    place = quote_spanned! { self.span => #follow(&#place).#name };
                }
                PathStepKind::Key(_) | PathStepKind::Index(_) => return Ok(self.part(&place)),
            }
        }
        let field = self.function("field");
        Ok(quote_spanned! { self.span => #field(&#place) })
    }

    /// A part of a document. What follows it is known only when the query runs.
    fn part(&self, place: &TokenStream) -> TokenStream {
        let (field, part) = (self.function("field"), self.function("part"));
        quote_spanned! { self.span => #part(#field(&#place)) }
    }

    fn field(&self, name: &Name) -> Result<Ident> {
        let parsed = syn::parse_str::<Ident>(&name.name);
        let ident = parsed.or_else(|_| syn::parse_str::<Ident>(&format!("r#{}", name.name)));
        let mut ident = ident.map_err(|_| {
            let message = format!("`{}` is not the name of a field", name.name);
            self.error(name.span, &message, Some("use `Query::new` for such a name".to_owned()))
        })?;
        ident.set_span(self.span);
        Ok(ident)
    }

    fn function_call(&self, call: &Call) -> Result<TokenStream> {
        let name = call.name.name.to_lowercase();
        let Some(function) = functions::find(&name) else {
            let near = nearest(&name, functions::names());
            let help = near.map(|near| format!("did you mean `{near}`?"));
            return Err(self.error(call.name.span, &format!("there is no function `{name}`"), help));
        };
        let args = match &call.args {
            CallArgs::List(args) if function.kind != FunctionKind::Aggregate => args.as_slice(),
            _ => {
                let message = "an aggregate cannot stand in a query of entities";
                return Err(self.error(call.span, message, None));
            }
        };
        if !function.takes(args.len()) {
            let message = format!("`{name}` is called as `{}`", function.signature);
            return Err(self.error(call.span, &message, None));
        }
        let checks: Vec<_> = args.iter().map(|arg| self.expr(arg)).collect::<Result<_>>()?;
        Ok(self.after(&checks, result_kind(function.name)))
    }
}

fn literal_kind(literal: &Literal) -> &'static str {
    match literal {
        Literal::Null => "Null",
        Literal::Bool(_) => "Bool",
        Literal::Number(number) if number.kind == NumberKind::Integer => "Int",
        Literal::Number(_) => "Decimal",
        Literal::String(_) => "Literal",
        Literal::Bytes(_) => "Bytes",
        Literal::Typed { ty, .. } => type_kind(&ty.kind),
        Literal::Id(_) => "AnyRef",
    }
}

fn type_kind(kind: &DataTypeKind) -> &'static str {
    match kind {
        DataTypeKind::Bool => "Bool",
        DataTypeKind::I64 => "Int",
        DataTypeKind::F64 => "Float",
        DataTypeKind::Decimal => "Decimal",
        DataTypeKind::String | DataTypeKind::Text => "String",
        DataTypeKind::Bytes => "Bytes",
        DataTypeKind::Timestamp => "Timestamp",
        DataTypeKind::Uuid => "Uuid",
        DataTypeKind::Ulid => "Ulid",
        DataTypeKind::Json => "Json",
        DataTypeKind::Ref(_) => "AnyRef",
    }
}

/// What a function gives, where that does not depend on its arguments.
fn result_kind(function: &str) -> &'static str {
    match function {
        "lower" | "upper" | "trim" | "ltrim" | "rtrim" | "replace" | "substr" | "concat" => "String",
        "length" | "strpos" => "Int",
        "now" => "Timestamp",
        _ => "Any",
    }
}
