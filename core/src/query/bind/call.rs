//! Calls of functions and aggregates.

use ankurah_query_lang::ast::{self, Call, CallArgs, ExprKind, Literal};
use ankurah_query_lang::{Span, functions};

use super::expr::{Aggregates, Binder, mismatch};
use super::literal::count;
use super::types::{Conversion, Ty, Typed, convert, is_number};
use crate::query::error::{BindError, BindErrorKind};
use crate::query::expr::{Aggregate, AggregateFunction, Arithmetic, DateField, Expr, Function, Place};
use crate::value::{Value, ValueType};

/// What a function takes at a place.
#[derive(Clone, Copy)]
enum Takes {
    /// A number of any type.
    Number,
    /// A string or bytes.
    Length,
    /// A value of a type.
    Of(ValueType),
}

const STRING: Takes = Takes::Of(ValueType::String);
const INT: Takes = Takes::Of(ValueType::Int);
const FLOAT: Takes = Takes::Of(ValueType::Float);

/// The function, its parameters and the type of its result; none where that is the first argument's.
fn signature(name: &str) -> Option<(Function, &'static [Takes], Option<ValueType>)> {
    use ValueType::{Bool, Float, Int, String};
    Some(match name {
        "abs" => (Function::Abs, &[Takes::Number], None),
        "ceil" => (Function::Ceiling, &[Takes::Number], None),
        "floor" => (Function::Floor, &[Takes::Number], None),
        "round" => (Function::Round, &[Takes::Number, INT], None),
        "trunc" => (Function::Truncate, &[Takes::Number, INT], None),
        "sign" => (Function::Sign, &[Takes::Number], None),
        "sqrt" => (Function::SquareRoot, &[FLOAT], Some(Float)),
        "power" => (Function::Power, &[FLOAT, FLOAT], Some(Float)),
        "exp" => (Function::Exponential, &[FLOAT], Some(Float)),
        "ln" => (Function::NaturalLogarithm, &[FLOAT], Some(Float)),
        "lower" => (Function::Lower, &[STRING], Some(String)),
        "upper" => (Function::Upper, &[STRING], Some(String)),
        "length" => (Function::Length, &[Takes::Length], Some(Int)),
        "octet_length" => (Function::OctetLength, &[Takes::Length], Some(Int)),
        "trim" => (Function::Trim, &[STRING, STRING], Some(String)),
        "ltrim" => (Function::TrimLeft, &[STRING, STRING], Some(String)),
        "rtrim" => (Function::TrimRight, &[STRING, STRING], Some(String)),
        "substr" => (Function::Substring, &[STRING, INT, INT], Some(String)),
        "left" => (Function::Left, &[STRING, INT], Some(String)),
        "right" => (Function::Right, &[STRING, INT], Some(String)),
        "replace" => (Function::Replace, &[STRING, STRING, STRING], Some(String)),
        "strpos" => (Function::Position, &[STRING, STRING], Some(Int)),
        "starts_with" => (Function::StartsWith, &[STRING, STRING], Some(Bool)),
        "split_part" => (Function::SplitPart, &[STRING, STRING, INT], Some(String)),
        "repeat" => (Function::Repeat, &[STRING, INT], Some(String)),
        "reverse" => (Function::Reverse, &[STRING], Some(String)),
        "lpad" => (Function::PadLeft, &[STRING, INT, STRING], Some(String)),
        "rpad" => (Function::PadRight, &[STRING, INT, STRING], Some(String)),
        "json_typeof" => (Function::JsonKind, &[Takes::Of(ValueType::Json)], Some(String)),
        "json_array_length" => (Function::JsonArrayLength, &[Takes::Of(ValueType::Json)], Some(Int)),
        _ => return None,
    })
}

fn unary_field(name: &str) -> Option<DateField> {
    Some(match name {
        "year" => DateField::Year,
        "month" => DateField::Month,
        "day" => DateField::Day,
        "hour" => DateField::Hour,
        "minute" => DateField::Minute,
        "second" => DateField::Second,
        _ => return None,
    })
}

type Bound = Result<Typed, BindError>;

/// The built-in function that a call names, if it takes so many arguments.
fn known_function(call: &Call, span: Span) -> Result<&'static functions::Function, BindError> {
    let name = &call.name.name;
    let Some(function) = functions::find(name) else {
        let error = BindError::new(BindErrorKind::UnknownFunction(name.clone()), call.name.span);
        return Err(error.nearest(name, functions::names()));
    };
    let given = match &call.args {
        CallArgs::Star => 1,
        CallArgs::List(args) => args.len(),
    };
    if function.takes(given) {
        return Ok(function);
    }
    let expected = match (function.min_args, function.max_args) {
        (0, Some(0)) => "no argument".to_owned(),
        (min, Some(max)) if min == max => count(min, "argument", "arguments"),
        (min, Some(max)) if max == min + 1 => format!("{min} or {max} arguments"),
        (min, Some(max)) => format!("{min} to {max} arguments"),
        (min, None) => format!("{} or more", count(min, "argument", "arguments")),
    };
    let kind =
        BindErrorKind::WrongArgumentCount { function: function.name.to_owned(), expected, found: given };
    Err(BindError::new(kind, span).help(format!("it is called as `{}`", function.signature)))
}

/// The arguments of a function that is no aggregate.
fn plain_arguments<'c>(
    function: &functions::Function,
    call: &'c Call,
    span: Span,
) -> Result<&'c [ast::Expr], BindError> {
    let what = match &call.args {
        CallArgs::Star => "`*`",
        CallArgs::List(_) if call.distinct => "`distinct`",
        CallArgs::List(_) if call.filter.is_some() => "`filter`",
        CallArgs::List(args) => return Ok(args),
    };
    let message = format!("`{}` is not an aggregate and takes no {what}", function.name);
    Err(BindError::new(BindErrorKind::AggregateMisuse(message), span))
}

impl Binder<'_, '_> {
    pub(super) fn call(&mut self, call: &Call, span: Span) -> Bound {
        let function = known_function(call, span)?;
        if function.is_aggregate() {
            return self.aggregate(function, call, span);
        }
        let args = plain_arguments(function, call, span)?;
        let mut values = Vec::with_capacity(args.len());
        for arg in args {
            values.push(self.expr(arg)?);
        }
        self.function(function.name, args, values, span)
    }

    fn function(&mut self, name: &'static str, args: &[ast::Expr], values: Vec<Typed>, span: Span) -> Bound {
        let place = Place(span);
        match name {
            "now" => {
                let now = Expr::Constant(Value::Timestamp(self.session.context.now));
                return Ok(Typed::new(now, ValueType::Timestamp, span));
            }
            "date_part" | "date_trunc" => return self.date(name == "date_trunc", args, &values, span),
            _ => {}
        }
        if let Some(field) = unary_field(name) {
            let time = self.argument(name, values.first(), Takes::Of(ValueType::Timestamp))?.0;
            return Ok(date_part(field, time, name == "second", span));
        }
        if let Some((function, parameters, result)) = signature(name) {
            let mut exprs = Vec::with_capacity(values.len());
            let mut first = None;
            for (value, takes) in values.iter().zip(parameters) {
                let (expr, ty) = self.argument(name, Some(value), *takes)?;
                first = first.or(ty);
                exprs.push(expr);
            }
            let Some(ty) = result.or(first) else { return Ok(Typed::null(span)) };
            return Ok(Typed::new(Expr::Call(function, exprs, place), ty, span));
        }
        let what = format!("the arguments of `{name}`");
        let same = match name {
            "coalesce" | "ifnull" => Some(Function::Coalesce),
            "nullif" => Some(Function::NullIf),
            "greatest" => Some(Function::Greatest),
            "least" => Some(Function::Least),
            _ => None,
        };
        if let Some(function) = same {
            let (exprs, ty) = self.unify(&values, &what)?;
            let Some(ty) = ty else { return Ok(Typed::null(span)) };
            return Ok(Typed::new(Expr::Call(function, exprs, place), ty, span));
        }
        match (name, values.as_slice()) {
            ("mod", [left, right]) => {
                self.arithmetic(Arithmetic::Remainder, left.clone(), right.clone(), span)
            }
            ("typeof", [value]) => {
                let (expr, _) = value.clone().settle();
                Ok(Typed::new(Expr::Call(Function::TypeOf, vec![expr], place), ValueType::String, span))
            }
            ("concat" | "concat_ws", _) => {
                let function = if name == "concat" { Function::Concat } else { Function::ConcatWith };
                let exprs =
                    values.into_iter().map(|value| self.text_form(value)).collect::<Result<Vec<_>, _>>()?;
                Ok(Typed::new(Expr::Call(function, exprs, place), ValueType::String, span))
            }
            _ => {
                let what = format!("the function `{name}` is");
                Err(BindError::new(BindErrorKind::NotAvailable(what), span))
            }
        }
    }

    /// An argument as what a function takes, and its type.
    fn argument(
        &mut self,
        function: &str,
        value: Option<&Typed>,
        takes: Takes,
    ) -> Result<(Expr, Option<ValueType>), BindError> {
        let Some(value) = value else { return Ok((Expr::NULL, None)) };
        let (wanted, ty) = match (takes, value.ty) {
            (_, Ty::Null) => return Ok((Expr::NULL, None)),
            (Takes::Number, Ty::Of(ty)) if is_number(ty) => ("a number", Some(ty)),
            (Takes::Number, Ty::JsonPart) => ("a number", Some(ValueType::Decimal)),
            (Takes::Number, _) => ("a number", None),
            (Takes::Length, Ty::Of(ValueType::Bytes)) => ("a string or bytes", Some(ValueType::Bytes)),
            (Takes::Length, _) => ("a string or bytes", Some(ValueType::String)),
            (Takes::Of(ty), _) => (
                match ty {
                    ValueType::String => "a string",
                    ValueType::Int => "an integer",
                    ValueType::Float => "a number",
                    ValueType::Timestamp => "a timestamp",
                    ValueType::Json => "json",
                    _ => "another type",
                },
                Some(ty),
            ),
        };
        let expr = match ty {
            Some(ty) => convert(value, ty, Conversion::Implicit)?,
            None => None,
        };
        match expr {
            Some(expr) => Ok((expr, ty)),
            None => {
                let found = self.describe(value.ty);
                Err(mismatch(format!("`{function}` takes {wanted} here, not {found}"), value.span))
            }
        }
    }

    fn date(&mut self, truncate: bool, args: &[ast::Expr], values: &[Typed], span: Span) -> Bound {
        let name = if truncate { "date_trunc" } else { "date_part" };
        let ([field_arg, _], [_, time]) = (args, values) else { return Ok(Typed::null(span)) };
        let fields = || DateField::NAMES.iter().filter(|(_, field)| !truncate || field.is_unit());
        let ExprKind::Literal(Literal::String(field)) = &field_arg.kind else {
            let message = format!("the field of `{name}` must be a string literal");
            return Err(mismatch(message, field_arg.span).help("for example `'year'`"));
        };
        let Some(field) = DateField::named(field).filter(|field| !truncate || field.is_unit()) else {
            let message = format!("`{name}` knows no field `{field}`");
            let error = BindError::new(BindErrorKind::InvalidValue(message), field_arg.span);
            return Err(error.nearest(field, fields().map(|(name, _)| *name)));
        };
        let (time, _) = self.argument(name, Some(time), Takes::Of(ValueType::Timestamp))?;
        if truncate {
            let expr = Expr::Call(Function::DateTruncate(field), vec![time], Place(span));
            return Ok(Typed::new(expr, ValueType::Timestamp, span));
        }
        Ok(date_part(field, time, false, span))
    }

    fn aggregate(&mut self, info: &functions::Function, call: &Call, span: Span) -> Bound {
        let misuse = |message: String| BindError::new(BindErrorKind::AggregateMisuse(message), span);
        let name = info.name;
        match self.position {
            Aggregates::Allowed => {}
            Aggregates::Forbidden("where") => {
                return Err(misuse(format!("the aggregate `{name}` cannot stand in `where`"))
                    .help("conditions on groups go into `having`"));
            }
            Aggregates::Forbidden(place) => {
                return Err(misuse(format!("the aggregate `{name}` cannot stand in `{place}`")));
            }
            Aggregates::Inside => return Err(misuse("aggregates cannot be nested".to_owned())),
        }
        let Some(function) = AggregateFunction::named(name) else {
            let what = format!("the aggregate `{name}` is");
            return Err(BindError::new(BindErrorKind::NotAvailable(what), span));
        };
        self.position = Aggregates::Inside;
        let aggregate = self.aggregate_parts(function, call, span);
        self.position = Aggregates::Allowed;
        let aggregate = aggregate?;
        let ty = aggregate.value_type;
        let next = self.aggregates.len();
        let number = *self.numbers.entry(aggregate).or_insert_with_key(|aggregate| {
            self.aggregates.push(aggregate.clone());
            next
        });
        let expr = Expr::Aggregate(number, Place(span));
        Ok(Typed { expr, ty: ty.map_or(Ty::Null, Ty::Of), span })
    }

    fn aggregate_parts(
        &mut self,
        function: AggregateFunction,
        call: &Call,
        span: Span,
    ) -> Result<Aggregate, BindError> {
        let filter = call.filter.as_ref().map(|filter| self.condition(filter)).transpose()?;
        let mut aggregate = Aggregate {
            function,
            argument: None,
            separator: None,
            distinct: call.distinct,
            filter,
            argument_type: None,
            value_type: Some(ValueType::Int),
            place: Place(span),
        };
        let args = match &call.args {
            CallArgs::Star if function == AggregateFunction::Count && !call.distinct => return Ok(aggregate),
            CallArgs::Star => {
                let message = format!("`{}` cannot be taken of `*`", function.name());
                return Err(BindError::new(BindErrorKind::AggregateMisuse(message), span));
            }
            CallArgs::List(args) => args,
        };
        let values = args.iter().map(|arg| self.expr(arg)).collect::<Result<Vec<_>, _>>()?;
        let name = function.name();
        let first = values.first();
        let (argument, ty) = match function {
            AggregateFunction::Count | AggregateFunction::Minimum | AggregateFunction::Maximum => {
                first.cloned().map_or((Expr::NULL, None), Typed::settle)
            }
            AggregateFunction::Sum | AggregateFunction::Average => {
                self.argument(name, first, Takes::Number)?
            }
            AggregateFunction::Every | AggregateFunction::Some => {
                (args.first().map_or(Ok(Expr::NULL), |arg| self.condition(arg))?, Some(ValueType::Bool))
            }
            AggregateFunction::Join => self.argument(name, first, STRING)?,
        };
        if function == AggregateFunction::Join {
            aggregate.separator = Some(self.argument(name, values.get(1), STRING)?.0);
        }
        aggregate.argument = Some(argument);
        aggregate.argument_type = ty;
        aggregate.value_type = match function {
            AggregateFunction::Count => Some(ValueType::Int),
            AggregateFunction::Average if ty == Some(ValueType::Int) => Some(ValueType::Decimal),
            AggregateFunction::Join => Some(ValueType::String),
            _ => ty,
        };
        Ok(aggregate)
    }
}

/// A part of a timestamp; `whole` leaves its fraction away.
fn date_part(field: DateField, time: Expr, whole: bool, span: Span) -> Typed {
    let place = Place(span);
    let expr = Expr::Call(Function::DatePart(field), vec![time], place);
    if field.is_fractional() && !whole {
        return Typed::new(expr, ValueType::Decimal, span);
    }
    if field.is_fractional() {
        let cut = Expr::Call(Function::Truncate, vec![expr], place);
        return Typed::new(Expr::Cast(Box::new(cut), ValueType::Int, place), ValueType::Int, span);
    }
    Typed::new(expr, ValueType::Int, span)
}
