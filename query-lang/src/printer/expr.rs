//! Expressions, with no more parentheses than needed.

use super::{AnyIdent, quote, separated};
use crate::ast::{
    Call, CallArgs, CaseBranch, ChainLink, DataType, DataTypeKind, Expr, ExprKind, IsTest, Literal,
    Parameter, ParameterKind, Path, PathStep, PathStepKind, Select, UnaryOp,
};
use crate::precedence::Level;
use std::fmt::{self, Display, Formatter};

/// An expression where everything below a level needs parentheses.
struct AtLeast<'a>(&'a Expr, Level);

impl Display for AtLeast<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(expr, min) = self;
        if level(&expr.kind) < *min { write!(f, "({expr})") } else { expr.fmt(f) }
    }
}

/// How tightly the outermost operator binds, as it is printed.
fn level(kind: &ExprKind) -> Level {
    match kind {
        ExprKind::Or(_) => Level::Or,
        ExprKind::And(_) => Level::And,
        ExprKind::Unary { op: UnaryOp::Not, .. } => Level::Not,
        ExprKind::Unary { .. } => Level::Unary,
        ExprKind::Is { .. } | ExprKind::IsDistinctFrom { .. } => Level::Is,
        ExprKind::Compare { .. } => Level::Comparison,
        ExprKind::Chain { rest, .. } => rest.first().map_or(Level::Primary, |link| Level::of(link.op)),
        ExprKind::Between { .. }
        | ExprKind::InList { .. }
        | ExprKind::InQuery { .. }
        | ExprKind::Like { .. } => Level::Range,
        ExprKind::Literal(_)
        | ExprKind::Path(_)
        | ExprKind::Access { .. }
        | ExprKind::Parameter(_)
        | ExprKind::Case { .. }
        | ExprKind::Cast { .. }
        | ExprKind::Call(_)
        | ExprKind::Exists(_)
        | ExprKind::Query(_) => Level::Primary,
    }
}

/// `not ` or nothing.
fn not(negated: bool) -> &'static str {
    if negated { "not " } else { "" }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ExprKind::Literal(literal) => literal.fmt(f),
            ExprKind::Path(path) => path.fmt(f),
            ExprKind::Parameter(parameter) => parameter.fmt(f),
            ExprKind::Call(call) => call.fmt(f),
            ExprKind::Query(query) => write!(f, "({query})"),
            ExprKind::Exists(query) => write!(f, "exists ({query})"),
            ExprKind::Cast { expr, to } => write!(f, "cast({expr} as {to})"),
            ExprKind::And(operands) => logical(f, operands, " and ", Level::And),
            ExprKind::Or(operands) => logical(f, operands, " or ", Level::Or),
            ExprKind::Chain { first, rest } => chain(f, first, rest),
            ExprKind::Access { base, steps } => access(f, base, steps),
            ExprKind::Unary { op, expr } => unary(f, *op, expr),
            ExprKind::Case { operand, branches, otherwise } => {
                case(f, operand.as_deref(), branches, otherwise.as_deref())
            }
            kind => operator(f, kind),
        }
    }
}

/// What operators make of their operands.
fn operator(f: &mut Formatter<'_>, kind: &ExprKind) -> fmt::Result {
    let operand = |expr| AtLeast(expr, Level::Range.above());
    match kind {
        ExprKind::Compare { op, left, right } => {
            let level = Level::Comparison.above();
            write!(f, "{} {} {}", AtLeast(left, level), op.symbol(), AtLeast(right, level))
        }
        ExprKind::Between { negated, expr, low, high } => {
            write!(f, "{} {}between {} and {}", operand(expr), not(*negated), operand(low), operand(high))
        }
        ExprKind::InList { negated, expr, list } => {
            write!(f, "{} {}in (", operand(expr), not(*negated))?;
            separated(f, list, ", ")?;
            f.write_str(")")
        }
        ExprKind::InQuery { negated, expr, query } => in_query(f, &operand(expr), *negated, query),
        ExprKind::Like { negated, case_insensitive, expr, pattern, escape } => {
            let word = if *case_insensitive { "ilike" } else { "like" };
            write!(f, "{} {}{word} {}", operand(expr), not(*negated), operand(pattern))?;
            escape.as_deref().map_or(Ok(()), |escape| write!(f, " escape {}", operand(escape)))
        }
        ExprKind::Is { negated, expr, test } => {
            let test = match test {
                IsTest::Null => "null",
                IsTest::True => "true",
                IsTest::False => "false",
                IsTest::Unknown => "unknown",
            };
            write!(f, "{} is {}{test}", AtLeast(expr, Level::Is), not(*negated))
        }
        ExprKind::IsDistinctFrom { negated, left, right } => {
            let right = AtLeast(right, Level::Is.above());
            write!(f, "{} is {}distinct from {right}", AtLeast(left, Level::Is), not(*negated))
        }
        _ => Ok(()),
    }
}

fn chain(f: &mut Formatter<'_>, first: &Expr, rest: &[ChainLink]) -> fmt::Result {
    let level = rest.first().map_or(Level::Primary, |link| Level::of(link.op));
    AtLeast(first, level).fmt(f)?;
    rest.iter().try_for_each(|ChainLink { op, operand }| {
        write!(f, " {} {}", op.symbol(), AtLeast(operand, level.above()))
    })
}

fn in_query(f: &mut Formatter<'_>, expr: &AtLeast<'_>, negated: bool, query: &Select) -> fmt::Result {
    write!(f, "{expr} {}in ({query})", not(negated))
}

fn logical(f: &mut Formatter<'_>, operands: &[Expr], word: &str, level: Level) -> fmt::Result {
    for (at, operand) in operands.iter().enumerate() {
        if at > 0 {
            f.write_str(word)?;
        }
        AtLeast(operand, level.above()).fmt(f)?;
    }
    Ok(())
}

fn access(f: &mut Formatter<'_>, base: &Expr, steps: &[PathStep]) -> fmt::Result {
    let field_first = matches!(steps.first().map(|step| &step.kind), Some(PathStepKind::Field(_)));
    let bare = match &base.kind {
        ExprKind::Path(_) | ExprKind::Access { .. } => false,
        ExprKind::Literal(Literal::Number(_)) => !field_first,
        kind => level(kind) == Level::Primary,
    };
    if bare {
        base.fmt(f)?;
    } else {
        write!(f, "({base})")?;
    }
    separated(f, steps, "")
}

fn unary(f: &mut Formatter<'_>, op: UnaryOp, expr: &Expr) -> fmt::Result {
    match op {
        UnaryOp::Not => return write!(f, "not {}", AtLeast(expr, Level::Not)),
        UnaryOp::Neg => f.write_str("-")?,
        UnaryOp::Plus => f.write_str("+")?,
    }
    if matches!(expr.kind, ExprKind::Unary { op: UnaryOp::Neg | UnaryOp::Plus, .. }) {
        // Two minus signs side by side would begin a comment.
        f.write_str(" ")?;
    }
    AtLeast(expr, Level::Unary).fmt(f)
}

fn case(
    f: &mut Formatter<'_>,
    operand: Option<&Expr>,
    branches: &[CaseBranch],
    otherwise: Option<&Expr>,
) -> fmt::Result {
    f.write_str("case")?;
    if let Some(operand) = operand {
        write!(f, " {operand}")?;
    }
    for branch in branches {
        write!(f, " when {} then {}", branch.when, branch.then)?;
    }
    if let Some(otherwise) = otherwise {
        write!(f, " else {otherwise}")?;
    }
    f.write_str(" end")
}

impl Display for Literal {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(number) => f.write_str(&number.text),
            Self::String(text) => quote(f, text, '\''),
            Self::Bytes(bytes) => {
                f.write_str("x'")?;
                for byte in bytes {
                    write!(f, "{byte:02x}")?;
                }
                f.write_str("'")
            }
            Self::Typed { ty, text } => {
                write!(f, "{ty} ")?;
                quote(f, text, '\'')
            }
            Self::Id(id) => id.fmt(f),
        }
    }
}

impl Display for Path {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.root.fmt(f)?;
        separated(f, &self.steps, "")
    }
}

impl Display for PathStep {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            PathStepKind::Field(name) => {
                write!(f, ".{}", AnyIdent(&name.ident))?;
                name.id.as_ref().map_or(Ok(()), |id| id.fmt(f))
            }
            PathStepKind::Key(key) => {
                f.write_str("[")?;
                quote(f, key, '\'')?;
                f.write_str("]")
            }
            PathStepKind::Index(index) => write!(f, "[{index}]"),
        }
    }
}

impl Display for Parameter {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ParameterKind::Positional(_) => f.write_str("?"),
            ParameterKind::Numbered(number) => write!(f, "${number}"),
            ParameterKind::Named(name) => write!(f, "${name}"),
        }
    }
}

impl Display for Call {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // The two reserved words that are functions too.
        if ["left", "right"].iter().any(|word| self.name.name.eq_ignore_ascii_case(word)) {
            AnyIdent(&self.name).fmt(f)?;
        } else {
            self.name.fmt(f)?;
        }
        f.write_str(if self.distinct { "(distinct " } else { "(" })?;
        match &self.args {
            CallArgs::Star => f.write_str("*")?,
            CallArgs::List(args) => separated(f, args, ", ")?,
        }
        f.write_str(")")?;
        self.filter.as_deref().map_or(Ok(()), |filter| write!(f, " filter (where {filter})"))
    }
}

impl Display for DataType {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl Display for DataTypeKind {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bool => "bool",
            Self::I64 => "i64",
            Self::F64 => "f64",
            Self::Decimal => "decimal",
            Self::String => "string",
            Self::Text => "text",
            Self::Bytes => "bytes",
            Self::Timestamp => "timestamp",
            Self::Uuid => "uuid",
            Self::Ulid => "ulid",
            Self::Json => "json",
            Self::Ref(model) => return write!(f, "ref({model})"),
        })
    }
}
