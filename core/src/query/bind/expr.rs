//! Expressions.

use std::collections::HashMap;

use ankurah_query_lang::Span;
use ankurah_query_lang::ast::{
    self, BinaryOp, CaseBranch, ChainLink, DataType, DataTypeKind, ExprKind, IsTest, Literal, NumberKind,
    UnaryOp,
};

use super::Session;
use super::literal;
use super::scope::Scope;
use super::types::{Conversion, Ty, Typed, common, constant_set, convert, describe, is_number, type_name};
use crate::query::error::{BindError, BindErrorKind};
use crate::query::expr::{Aggregate, Arithmetic, Comparison, Expr, Pattern, Place, Test, escape_character};
use crate::value::{Value, ValueType, cast::is_castable};

/// Where aggregates can stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aggregates {
    /// Here.
    Allowed,
    /// Not here: the name of the clause.
    Forbidden(&'static str),
    /// Not inside another one.
    Inside,
}

/// Binds the expressions of a statement, over the rows of a scope.
pub(super) struct Binder<'s, 'a> {
    pub(super) session: &'s Session<'a>,
    pub(super) scope: Scope<'a>,
    /// The aggregates found so far.
    pub(super) aggregates: Vec<Aggregate>,
    /// The place of each of them.
    pub(super) numbers: HashMap<Aggregate, usize>,
    /// Where the binder is.
    pub(super) position: Aggregates,
}

type Bound = Result<Typed, BindError>;

pub(super) fn mismatch(message: impl Into<String>, span: Span) -> BindError {
    BindError::new(BindErrorKind::TypeMismatch(message.into()), span)
}

fn no_subquery(span: Span) -> Bound {
    Err(BindError::new(BindErrorKind::NotAvailable("subqueries are".to_owned()), span))
}

/// How one of two operands becomes what the other one is: a constant one rather than the other.
fn conversion(left: (&ast::Expr, &Typed), right: (&ast::Expr, &Typed)) -> Option<String> {
    let (from, to) = if right.1.expr.constant().is_some() { (right, left) } else { (left, right) };
    let type_of = |ty| match ty {
        Ty::Of(ty) => Some(ty),
        Ty::Literal => Some(ValueType::String),
        Ty::Null | Ty::AnyRef | Ty::JsonPart => None,
    };
    let (source, target) = (type_of(from.1.ty)?, type_of(to.1.ty)?);
    let possible = is_castable(source.tag(), target.tag()) && !matches!(target, ValueType::Ref(_));
    let cast = ast::Expr {
        kind: ExprKind::Cast { expr: Box::new(from.0.clone()), to: data_type(target)? },
        span: from.0.span,
    };
    possible.then(|| cast.to_string())
}

/// A type as it is written; not of a reference.
fn data_type(ty: ValueType) -> Option<DataType> {
    let kind = match ty {
        ValueType::Bool => DataTypeKind::Bool,
        ValueType::Int => DataTypeKind::I64,
        ValueType::Float => DataTypeKind::F64,
        ValueType::Decimal => DataTypeKind::Decimal,
        ValueType::String => DataTypeKind::String,
        ValueType::Bytes => DataTypeKind::Bytes,
        ValueType::Timestamp => DataTypeKind::Timestamp,
        ValueType::Uuid => DataTypeKind::Uuid,
        ValueType::Ulid => DataTypeKind::Ulid,
        ValueType::Json => DataTypeKind::Json,
        ValueType::Ref(_) => return None,
    };
    Some(DataType { kind, span: Span::default() })
}

/// The negation of a condition, pushed into comparisons so that indexes can serve it.
pub(super) fn not(expr: Expr) -> Expr {
    match expr {
        Expr::Not(inner) => *inner,
        Expr::Compare(op, left, right) => Expr::Compare(op.negated(), left, right),
        Expr::Is { negated, test, expr } => Expr::Is { negated: !negated, test, expr },
        Expr::IsDistinct { negated, left, right } => Expr::IsDistinct { negated: !negated, left, right },
        other => Expr::Not(Box::new(other)),
    }
}

impl<'s, 'a> Binder<'s, 'a> {
    pub(super) fn new(session: &'s Session<'a>, scope: Scope<'a>) -> Self {
        Binder {
            session,
            scope,
            aggregates: Vec::new(),
            numbers: HashMap::new(),
            position: Aggregates::Forbidden("this place"),
        }
    }

    fn type_name(&self, ty: ValueType) -> String {
        type_name(ty, self.session.context.names)
    }

    pub(super) fn describe(&self, ty: Ty) -> String {
        describe(ty, self.session.context.names)
    }

    /// Binds an expression. Each kind has a function of its own, so that the deepest tree needs little stack.
    pub(super) fn expr(&mut self, expr: &ast::Expr) -> Bound {
        let span = expr.span;
        match &expr.kind {
            ExprKind::Literal(literal) => self.session.literal(literal, span),
            ExprKind::Parameter(parameter) => self.session.parameter(parameter),
            ExprKind::Path(path) => self.path(path),
            ExprKind::Access { base, steps } => self.access(base, steps, span),
            ExprKind::Unary { op: UnaryOp::Not, expr } => self.negation(expr, span),
            ExprKind::Unary { op, expr } => self.unary(*op, expr, span),
            ExprKind::Compare { op, left, right } => self.comparison(*op, left, right, span),
            ExprKind::Chain { first, rest } => self.chain(first, rest),
            ExprKind::And(list) => self.junction(list, Expr::And, span),
            ExprKind::Or(list) => self.junction(list, Expr::Or, span),
            ExprKind::Between { negated, expr, low, high } => self.between(*negated, expr, low, high, span),
            ExprKind::InList { negated, expr, list } => self.in_list(*negated, expr, list, span),
            ExprKind::Like { .. } => self.like_expr(&expr.kind, span),
            ExprKind::Is { negated, expr, test } => self.is(*negated, expr, *test, span),
            ExprKind::IsDistinctFrom { negated, left, right } => {
                self.is_distinct(*negated, left, right, span)
            }
            ExprKind::Case { operand, branches, otherwise } => {
                self.case(operand.as_deref(), branches, otherwise.as_deref(), span)
            }
            ExprKind::Cast { expr, to } => self.cast(expr, to, span),
            ExprKind::Call(call) => self.call(call, span),
            ExprKind::InQuery { .. } | ExprKind::Exists(_) | ExprKind::Query(_) => no_subquery(span),
        }
    }

    fn path(&mut self, path: &ast::Path) -> Bound {
        Ok(self.scope.path(path)?.0)
    }

    fn access(&mut self, base: &ast::Expr, steps: &[ast::PathStep], span: Span) -> Bound {
        let base = self.expr(base)?;
        self.scope.access(base, steps, span)
    }

    fn negation(&mut self, expr: &ast::Expr, span: Span) -> Bound {
        let expr = self.condition(expr)?;
        Ok(Typed::new(not(expr), ValueType::Bool, span))
    }

    fn junction(&mut self, list: &[ast::Expr], of: fn(Vec<Expr>) -> Expr, span: Span) -> Bound {
        let mut conditions = Vec::with_capacity(list.len());
        for expr in list {
            conditions.push(self.condition(expr)?);
        }
        Ok(Typed::new(of(conditions), ValueType::Bool, span))
    }

    fn like_expr(&mut self, kind: &ExprKind, span: Span) -> Bound {
        let ExprKind::Like { negated, case_insensitive, expr, pattern, escape } = kind else {
            return Ok(Typed::null(span));
        };
        let found = self.like(*case_insensitive, expr, pattern, escape.as_deref(), span)?;
        Ok(Typed::new(if *negated { not(found) } else { found }, ValueType::Bool, span))
    }

    fn is(&mut self, negated: bool, expr: &ast::Expr, test: IsTest, span: Span) -> Bound {
        let operand = match test {
            IsTest::Null => self.expr(expr)?.expr,
            IsTest::True | IsTest::False | IsTest::Unknown => self.condition(expr)?,
        };
        let test = match test {
            IsTest::Null | IsTest::Unknown => Test::Null,
            IsTest::True => Test::True,
            IsTest::False => Test::False,
        };
        Ok(Typed::new(Expr::Is { negated, test, expr: Box::new(operand) }, ValueType::Bool, span))
    }

    fn is_distinct(&mut self, negated: bool, left: &ast::Expr, right: &ast::Expr, span: Span) -> Bound {
        let (left, right) = (self.expr(left)?, self.expr(right)?);
        let (left, right) = self.comparable(&left, &right, span)?;
        let expr = Expr::IsDistinct { negated, left: Box::new(left), right: Box::new(right) };
        Ok(Typed::new(expr, ValueType::Bool, span))
    }

    /// Binds an expression that must be true, false or null.
    pub(super) fn condition(&mut self, expr: &ast::Expr) -> Result<Expr, BindError> {
        let typed = self.expr(expr)?;
        match convert(&typed, ValueType::Bool, Conversion::Implicit)? {
            Some(expr) => Ok(expr),
            None => {
                let found = self.describe(typed.ty);
                Err(mismatch(format!("expected a condition, found {found}"), expr.span)
                    .label(format!("this is {found}")))
            }
        }
    }

    /// Two expressions as values of one type.
    fn comparable(&mut self, left: &Typed, right: &Typed, span: Span) -> Result<(Expr, Expr), BindError> {
        let pair = match common(&[left.ty, right.ty]) {
            Ok(None) => return Ok((Expr::NULL, Expr::NULL)),
            Ok(Some(ty)) => {
                let left = convert(left, ty, Conversion::Implicit)?;
                let right = convert(right, ty, Conversion::Implicit)?;
                left.zip(right)
            }
            Err(_) => None,
        };
        pair.ok_or_else(|| {
            let (a, b) = (self.describe(left.ty), self.describe(right.ty));
            let error = mismatch(format!("cannot compare {a} with {b}"), span);
            match [left.ty, right.ty].iter().any(|ty| matches!(ty, Ty::Of(ValueType::Ref(_)))) {
                true => error.help(
                    "a reference is compared with an id, or by a property of what it leads to: `reference.property`",
                ),
                false => error,
            }
        })
    }

    fn compare(
        &mut self,
        op: Comparison,
        left: &Typed,
        right: &Typed,
        span: Span,
    ) -> Result<Expr, BindError> {
        let is_json = |ty| matches!(ty, Ty::JsonPart | Ty::Of(ValueType::Json));
        if is_json(left.ty) && is_json(right.ty) && !matches!(op, Comparison::Equal | Comparison::NotEqual) {
            return Err(mismatch(
                format!("json values have no order, so `{}` means nothing", op.symbol()),
                span,
            )
            .help("convert them first, as in `data.year::i64`"));
        }
        let (left, right) = self.comparable(left, right, span)?;
        Ok(Expr::Compare(op, Box::new(left), Box::new(right)))
    }

    fn unary(&mut self, op: UnaryOp, expr: &ast::Expr, span: Span) -> Bound {
        if let (UnaryOp::Neg, ExprKind::Literal(Literal::Number(number))) = (op, &expr.kind) {
            if number.kind == NumberKind::Integer {
                let (value, ty) = literal::number(number, true, span)?;
                return Ok(Typed { expr: Expr::Constant(value), ty: Ty::Of(ty), span });
            }
        }
        let typed = self.expr(expr)?;
        let (expr, ty) = match typed.ty {
            Ty::Null => return Ok(Typed::null(span)),
            Ty::Of(ty) if is_number(ty) => (typed.expr, ty),
            Ty::JsonPart => {
                let place = Place(typed.span);
                (Expr::JsonAs(Box::new(typed.expr), ValueType::Decimal, place), ValueType::Decimal)
            }
            other => {
                let symbol = if op == UnaryOp::Neg { "-" } else { "+" };
                return Err(mismatch(
                    format!("`{symbol}` needs a number, not {}", self.describe(other)),
                    expr.span,
                ));
            }
        };
        if op == UnaryOp::Plus {
            return Ok(Typed { expr, ty: Ty::Of(ty), span });
        }
        Ok(Typed::new(Expr::Negate(Box::new(expr), Place(span)), ty, span))
    }

    fn comparison(&mut self, op: BinaryOp, left: &ast::Expr, right: &ast::Expr, span: Span) -> Bound {
        let bound_left = self.expr(left)?;
        let bound_right = self.expr(right)?;
        // The parser puts no other operators here.
        let op = Comparison::of(op).unwrap_or(Comparison::Equal);
        let expr = self.compare(op, &bound_left, &bound_right, span).map_err(|error| {
            match conversion((left, &bound_left), (right, &bound_right)) {
                Some(example)
                    if error.help.is_none() && matches!(error.kind, BindErrorKind::TypeMismatch(_)) =>
                {
                    error.help(format!("convert one side, as in `{example}`"))
                }
                _ => error,
            }
        })?;
        Ok(Typed::new(expr, ValueType::Bool, span))
    }

    /// Operators of one level, from the left. Every operation has the place of all that it computes.
    fn chain(&mut self, first: &ast::Expr, rest: &[ChainLink]) -> Bound {
        let mut left = self.expr(first)?;
        for ChainLink { op, operand } in rest {
            let right = self.expr(operand)?;
            let span = Span::new(first.span.start, operand.span.end);
            left = match Arithmetic::of(*op) {
                Some(op) => self.arithmetic(op, left, right, span)?,
                None => self.concat(left, right, span)?,
            };
        }
        Ok(left)
    }

    pub(super) fn arithmetic(&mut self, op: Arithmetic, left: Typed, right: Typed, span: Span) -> Bound {
        let (left_ty, right_ty) = (left.ty, right.ty);
        let wrong = |binder: &Self| {
            let (a, b) = (binder.describe(left_ty), binder.describe(right_ty));
            mismatch(format!("`{}` needs two numbers, not {a} and {b}", op.symbol()), span)
        };
        let ty = match common(&[left_ty, right_ty]) {
            Ok(None) => return Ok(Typed::null(span)),
            Ok(Some(ValueType::Json)) if left_ty == Ty::JsonPart || right_ty == Ty::JsonPart => {
                ValueType::Decimal
            }
            Ok(Some(ty)) if is_number(ty) => ty,
            Ok(Some(_)) | Err(_) => {
                let error = wrong(self);
                let strings = [Ty::Literal, Ty::Of(ValueType::String)];
                return Err(
                    if op == Arithmetic::Add && (strings.contains(&left_ty) || strings.contains(&right_ty)) {
                        error.help("strings are joined with `||`")
                    } else {
                        error
                    },
                );
            }
        };
        let left = left.converted(ty)?;
        let right = right.converted(ty)?;
        let (Some(left), Some(right)) = (left, right) else { return Err(wrong(self)) };
        Ok(Typed { expr: left.arithmetic(op, right, Place(span)), ty: Ty::Of(ty), span })
    }

    /// The text form of a value, as `||` and `concat` take it.
    pub(super) fn text_form(&mut self, typed: Typed) -> Result<Expr, BindError> {
        let place = Place(typed.span);
        if typed.ty == Ty::Of(ValueType::String) {
            return Ok(typed.expr);
        }
        if let Some(expr) = convert(&typed, ValueType::String, Conversion::Implicit)? {
            return Ok(expr);
        }
        Ok(Expr::Cast(Box::new(typed.expr), ValueType::String, place).fold())
    }

    fn concat(&mut self, left: Typed, right: Typed, span: Span) -> Bound {
        let bytes = Ty::Of(ValueType::Bytes);
        let typed = |expr, ty| Ok(Typed { expr, ty: Ty::Of(ty), span });
        if left.ty == bytes && matches!(right.ty, Ty::Null | Ty::Literal | Ty::Of(ValueType::Bytes))
            || right.ty == bytes && matches!(left.ty, Ty::Null | Ty::Literal)
        {
            let left = left.converted(ValueType::Bytes)?.unwrap_or(Expr::NULL);
            let right = right.converted(ValueType::Bytes)?.unwrap_or(Expr::NULL);
            return typed(left.concat(right, Place(span)), ValueType::Bytes);
        }
        let is_string = |ty| matches!(ty, Ty::Null | Ty::Literal | Ty::JsonPart | Ty::Of(ValueType::String));
        if !is_string(left.ty) && !is_string(right.ty) {
            let (a, b) = (self.describe(left.ty), self.describe(right.ty));
            return Err(mismatch(format!("`||` needs a string on one side, not {a} and {b}"), span)
                .help("convert one side, as in `cast(… as string)`"));
        }
        let (left, right) = (self.text_form(left)?, self.text_form(right)?);
        typed(left.concat(right, Place(span)), ValueType::String)
    }

    /// Some expressions as values of one type, and that type.
    pub(super) fn unify(
        &mut self,
        list: &[Typed],
        what: &str,
    ) -> Result<(Vec<Expr>, Option<ValueType>), BindError> {
        let types: Vec<Ty> = list.iter().map(|typed| typed.ty).collect();
        let ty = match common(&types) {
            Ok(None) => return Ok((vec![Expr::NULL; list.len()], None)),
            Ok(Some(ty)) => ty,
            Err((first, second)) => {
                let describe = |at: usize| types.get(at).map_or(String::new(), |ty| self.describe(*ty));
                let (a, b) = (describe(first), describe(second));
                let span = list.get(second).map_or_else(Span::default, |typed| typed.span);
                return Err(mismatch(format!("{what} must have one type, but there are {a} and {b}"), span)
                    .label(format!("this is {b}")));
            }
        };
        let mut exprs = Vec::with_capacity(list.len());
        for typed in list {
            let converted = convert(typed, ty, Conversion::Implicit)?.ok_or_else(|| {
                let (a, b) = (self.type_name(ty), self.describe(typed.ty));
                mismatch(format!("{what} must have one type, but there are {a} and {b}"), typed.span)
            })?;
            exprs.push(converted);
        }
        Ok((exprs, Some(ty)))
    }

    fn between(
        &mut self,
        negated: bool,
        expr: &ast::Expr,
        low: &ast::Expr,
        high: &ast::Expr,
        span: Span,
    ) -> Bound {
        let (value, low, high) = (self.expr(expr)?, self.expr(low)?, self.expr(high)?);
        let found = if matches!(value.expr, Expr::Constant(_) | Expr::Column(..)) {
            // Two comparisons, which an index can serve.
            let above = self.compare(Comparison::GreaterOrEqual, &value, &low, span)?;
            let below = self.compare(Comparison::LessOrEqual, &value, &high, span)?;
            if negated { Expr::Or(vec![not(above), not(below)]) } else { Expr::And(vec![above, below]) }
        } else {
            let (exprs, _) = self.unify(&[value, low, high], "the value and the bounds of `between`")?;
            let mut exprs = exprs.into_iter().map(Box::new);
            let mut next = || exprs.next().unwrap_or(Box::new(Expr::NULL));
            let found = Expr::Between { expr: next(), low: next(), high: next() };
            if negated { not(found) } else { found }
        };
        Ok(Typed::new(found, ValueType::Bool, span))
    }

    fn in_list(&mut self, negated: bool, expr: &ast::Expr, list: &[ast::Expr], span: Span) -> Bound {
        let value = self.expr(expr)?;
        let mut all = Vec::with_capacity(list.len() + 1);
        all.push(value);
        for element in list {
            all.push(self.expr(element)?);
        }
        let (mut exprs, _) = self.unify(&all, "the value and the elements of `in`")?;
        let list = exprs.split_off(1);
        let expr = Box::new(exprs.pop().unwrap_or(Expr::NULL));
        let found = match constant_set(&list) {
            Some((set, has_null)) => Expr::InSet { expr, set, has_null },
            None => Expr::InList(expr, list),
        };
        Ok(Typed::new(if negated { not(found) } else { found }, ValueType::Bool, span))
    }

    /// An expression as a string.
    fn string(&mut self, expr: &ast::Expr, what: &str) -> Result<Expr, BindError> {
        let typed = self.expr(expr)?;
        convert(&typed, ValueType::String, Conversion::Implicit)?.ok_or_else(|| {
            mismatch(format!("{what} must be a string, not {}", self.describe(typed.ty)), typed.span)
        })
    }

    fn like(
        &mut self,
        fold_case: bool,
        expr: &ast::Expr,
        pattern: &ast::Expr,
        escape: Option<&ast::Expr>,
        span: Span,
    ) -> Result<Expr, BindError> {
        let word = if fold_case { "`ilike`" } else { "`like`" };
        let expr = Box::new(self.string(expr, &format!("the left side of {word}"))?);
        let pattern_span = pattern.span;
        let pattern = self.string(pattern, &format!("the pattern of {word}"))?;
        let escape_span = escape.map(|escape| escape.span);
        let escape = escape.map(|escape| self.string(escape, "the escape character")).transpose()?;
        let invalid = |kind: crate::query::EvalErrorKind, span| {
            BindError::new(BindErrorKind::InvalidValue(kind.to_string()), span)
        };
        let constant_escape = match &escape {
            None => Some(Some('\\')),
            Some(Expr::Constant(Value::String(text))) => {
                Some(escape_character(text).map_err(|kind| invalid(kind, escape_span.unwrap_or(span)))?)
            }
            Some(_) => None,
        };
        match (&pattern, constant_escape) {
            (Expr::Constant(Value::String(text)), Some(escape)) => {
                let pattern =
                    Pattern::new(text, escape, fold_case).map_err(|kind| invalid(kind, pattern_span))?;
                Ok(Expr::Like(expr, pattern.into()))
            }
            _ => Ok(Expr::LikeComputed {
                expr,
                pattern: Box::new(pattern),
                escape: escape.map(Box::new),
                fold_case,
                place: Place(span),
            }),
        }
    }

    fn case(
        &mut self,
        operand: Option<&ast::Expr>,
        branches: &[CaseBranch],
        otherwise: Option<&ast::Expr>,
        span: Span,
    ) -> Bound {
        let mut conditions = Vec::with_capacity(branches.len());
        let mut results = Vec::with_capacity(branches.len() + 1);
        // The operand first, then what it is compared with.
        let mut compared =
            operand.map(|operand| self.expr(operand)).transpose()?.map(|operand| vec![operand]);
        for branch in branches {
            match &mut compared {
                None => conditions.push(self.condition(&branch.when)?),
                Some(compared) => compared.push(self.expr(&branch.when)?),
            }
            results.push(self.expr(&branch.then)?);
        }
        let mut operand = None;
        if let Some(compared) = compared {
            let (mut exprs, _) =
                self.unify(&compared, "the operand of `case` and what it is compared with")?;
            conditions = exprs.split_off(1);
            operand = exprs.pop();
        }
        if let Some(otherwise) = otherwise {
            results.push(self.expr(otherwise)?);
        }
        let (mut results, ty) = self.unify(&results, "the results of `case`")?;
        let otherwise = if otherwise.is_some() { results.pop().map(Box::new) } else { None };
        let branches = conditions.into_iter().zip(results).collect();
        let expr = match operand {
            Some(operand) => Expr::Switch { operand: Box::new(operand), branches, otherwise },
            None => Expr::Case { branches, otherwise },
        };
        Ok(match ty {
            Some(ty) => Typed::new(expr, ty, span),
            None => Typed::null(span),
        })
    }

    fn cast(&mut self, expr: &ast::Expr, to: &DataType, span: Span) -> Bound {
        let target = self.session.data_type(to)?;
        let typed = self.expr(expr)?;
        let place = Place(span);
        let expr = match typed.ty {
            Ty::Null => Expr::NULL,
            Ty::Literal | Ty::AnyRef => {
                // A literal is read now, so that what is wrong with it is said at its place.
                match convert(&typed, target, Conversion::Implicit)? {
                    Some(expr) => expr,
                    None => return Err(self.no_cast(typed.ty, target, span)),
                }
            }
            Ty::JsonPart if matches!(target, ValueType::Json) => typed.expr,
            Ty::JsonPart => {
                let as_scalar = matches!(
                    target,
                    ValueType::Int | ValueType::Float | ValueType::Decimal | ValueType::Bool
                );
                let inner = if as_scalar {
                    typed.expr
                } else {
                    Expr::JsonAs(Box::new(typed.expr), ValueType::String, place).fold()
                };
                Expr::Cast(Box::new(inner), target, place)
            }
            Ty::Of(from) if from == target => typed.expr,
            Ty::Of(from) if is_castable(from.tag(), target.tag()) => {
                Expr::Cast(Box::new(typed.expr), target, place)
            }
            Ty::Of(_) => return Err(self.no_cast(typed.ty, target, span)),
        };
        Ok(Typed::new(expr, target, span))
    }

    fn no_cast(&self, from: Ty, to: ValueType, span: Span) -> BindError {
        mismatch(format!("{} cannot be converted to {}", self.describe(from), self.type_name(to)), span)
    }
}
