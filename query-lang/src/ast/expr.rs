//! Expressions.

use super::{Id, Ident, Name, Select};

node! {
    /// An expression.
    pub struct Expr {
        /// What it is.
        pub kind: ExprKind,
    }
}

/// What an expression is. Parentheses leave no trace: the tree's shape says what binds to what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExprKind {
    /// A constant.
    Literal(Literal),
    /// A property, possibly qualified, possibly reaching into JSON or through references.
    Path(Path),
    /// Steps into the value of an expression that is not a name: `coalesce(a, b).title`, `(data)['k']`.
    Access {
        /// What is stepped into.
        base: Box<Expr>,
        /// The steps, at least one.
        steps: Vec<PathStep>,
    },
    /// A place for a value that the caller supplies.
    Parameter(Parameter),
    /// `-x`, `+x`, `not x`.
    Unary {
        /// The operator.
        op: UnaryOp,
        /// Its operand.
        expr: Box<Expr>,
    },
    /// A comparison.
    Compare {
        /// The operator, one of `= <> < <= > >=`.
        op: BinaryOp,
        /// The left operand.
        left: Box<Expr>,
        /// The right operand.
        right: Box<Expr>,
    },
    /// `a + b - c`, `a * b / c`, `a || b`: operators that bind equally tightly, computed from the left. Flat, so
    /// that a long chain is no deep tree: `first` is never itself a chain of operators that bind as tightly.
    Chain {
        /// The first operand.
        first: Box<Expr>,
        /// The others, at least one.
        rest: Vec<ChainLink>,
    },
    /// `a and b and c`: two or more operands, flat as written.
    And(Vec<Expr>),
    /// `a or b or c`: two or more operands, flat as written.
    Or(Vec<Expr>),
    /// `x [not] between low and high`.
    Between {
        /// Whether `not` was written.
        negated: bool,
        /// The value tested.
        expr: Box<Expr>,
        /// The lower bound, included.
        low: Box<Expr>,
        /// The upper bound, included.
        high: Box<Expr>,
    },
    /// `x [not] in (a, b, c)`; the list has at least one element.
    InList {
        /// Whether `not` was written.
        negated: bool,
        /// The value tested.
        expr: Box<Expr>,
        /// The elements.
        list: Vec<Expr>,
    },
    /// `x [not] in (select …)`.
    InQuery {
        /// Whether `not` was written.
        negated: bool,
        /// The value tested.
        expr: Box<Expr>,
        /// The query, of one column.
        query: Box<Select>,
    },
    /// `x [not] like pattern [escape e]`, and `ilike`.
    Like {
        /// Whether `not` was written.
        negated: bool,
        /// Whether it is `ilike`.
        case_insensitive: bool,
        /// The value tested.
        expr: Box<Expr>,
        /// The pattern: `%` any run of characters, `_` one character.
        pattern: Box<Expr>,
        /// The escape character; a backslash where none is given, as in Postgres.
        escape: Option<Box<Expr>>,
    },
    /// `x is [not] null`, `is [not] true`, `is [not] false`, `is [not] unknown`. Never NULL itself.
    Is {
        /// Whether `not` was written.
        negated: bool,
        /// The value tested.
        expr: Box<Expr>,
        /// What it is tested for.
        test: IsTest,
    },
    /// `a is [not] distinct from b`: inequality (equality) that treats NULL as a value.
    IsDistinctFrom {
        /// Whether `not` was written.
        negated: bool,
        /// The left operand.
        left: Box<Expr>,
        /// The right operand.
        right: Box<Expr>,
    },
    /// `case [operand] when … then … [else …] end`.
    Case {
        /// The value that each `when` is compared with; without it each `when` is a condition.
        operand: Option<Box<Expr>>,
        /// The branches, at least one.
        branches: Vec<CaseBranch>,
        /// The value where no branch matches; NULL where there is none.
        otherwise: Option<Box<Expr>>,
    },
    /// `cast(x as t)` or `x::t`.
    Cast {
        /// The value converted.
        expr: Box<Expr>,
        /// The type to convert to.
        to: DataType,
    },
    /// A function or aggregate call.
    Call(Call),
    /// `[not] exists (select …)`; the `not` is a [`UnaryOp::Not`] around it.
    Exists(Box<Select>),
    /// `(select …)` used as a value: one column, at most one row.
    Query(Box<Select>),
}

/// An operator in a chain, and the operand on its right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainLink {
    /// The operator: no comparison.
    pub op: BinaryOp,
    /// Its right operand; the left one is everything before it.
    pub operand: Expr,
}

/// A constant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal {
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number without sign, as text, so that the binder can fold a minus before it checks the range.
    Number(Number),
    /// `'it''s'`, unescaped.
    String(String),
    /// `x'0aff'`
    Bytes(Vec<u8>),
    /// A type and a text to be read as that type: `timestamp '2020-01-01 00:00:00'`, `uuid '…'`,
    /// `json '{"a": 1}'`. The binder reads the text.
    Typed {
        /// The type.
        ty: DataType,
        /// The text, unescaped.
        text: String,
    },
    /// The id of an entity: `@01HZX3Y7ZV9W8Q6R5T4S3P2N1M`.
    Id(Id),
}

/// A number without sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number {
    /// How it was written.
    pub kind: NumberKind,
    /// The digits as written: `007`, `1.50`, `.5`, `5.`, `1e-3`. ASCII.
    pub text: String,
}

/// How a number was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NumberKind {
    /// Digits alone.
    Integer,
    /// With a decimal point, without an exponent.
    Decimal,
    /// With an exponent.
    Exponent,
}

node! {
    /// A name and the steps from it. `a.b` may be a property `b` of the table `a`, a path through the
    /// reference `a`, or a key `b` in the JSON property `a`: the binder decides.
    pub struct Path {
        /// The first name.
        pub root: Name,
        /// The steps from there, possibly none.
        pub steps: Vec<PathStep>,
    }
}

node! {
    /// One step of a path.
    pub struct PathStep {
        /// What it is. The span covers the dot or the brackets.
        pub kind: PathStepKind,
    }
}

/// What a step of a path is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathStepKind {
    /// `.name`: a property of the table or of what a reference points to, or a JSON key.
    Field(Name),
    /// `['key']`: a JSON key.
    Key(String),
    /// `[0]`, `[-1]`: an element of a JSON array, from 0, negative from the end.
    Index(i64),
}

node! {
    /// A place for a value that the caller supplies.
    pub struct Parameter {
        /// How it is named.
        pub kind: ParameterKind,
    }
}

/// How a parameter is named.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ParameterKind {
    /// `?`, with its place among all `?` of the text parsed, from 0.
    Positional(usize),
    /// `$1`, from 1.
    Numbered(u32),
    /// `$name`
    Named(String),
}

/// An operator before its operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `-`
    Neg,
    /// `+`
    Plus,
    /// `not`
    Not,
}

/// An operator between two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `=`
    Eq,
    /// `<>`, also `!=`
    NotEq,
    /// `<`
    Lt,
    /// `<=`
    LtEq,
    /// `>`
    Gt,
    /// `>=`
    GtEq,
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Rem,
    /// `||`
    Concat,
}

impl BinaryOp {
    /// The operator as the printer writes it.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Eq => "=",
            Self::NotEq => "<>",
            Self::Lt => "<",
            Self::LtEq => "<=",
            Self::Gt => ">",
            Self::GtEq => ">=",
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Rem => "%",
            Self::Concat => "||",
        }
    }

    /// Whether it is one of `= <> < <= > >=`.
    pub fn is_comparison(self) -> bool {
        matches!(self, Self::Eq | Self::NotEq | Self::Lt | Self::LtEq | Self::Gt | Self::GtEq)
    }
}

/// What `is` tests for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IsTest {
    /// `null`
    Null,
    /// `true`
    True,
    /// `false`
    False,
    /// `unknown`: NULL, of a condition.
    Unknown,
}

node! {
    /// `when … then …`
    pub struct CaseBranch {
        /// The condition, or the value that the operand is compared with.
        pub when: Expr,
        /// The result.
        pub then: Expr,
    }
}

node! {
    /// A function or aggregate call.
    ///
    /// Standard spellings become plain calls: `extract(year from t)` is `date_part('year', t)`,
    /// `substring(s from 2 for 3)` is `substr(s, 2, 3)`, `position(a in b)` is `strpos(b, a)`,
    /// `trim(both a from b)` is `trim(b, a)` (`leading`: `ltrim`, `trailing`: `rtrim`) and
    /// `current_timestamp` is `now()`.
    pub struct Call {
        /// The function's name; see [`functions`](crate::functions) for the built-in ones.
        pub name: Ident,
        /// Whether `distinct` stands before the arguments.
        pub distinct: bool,
        /// The arguments.
        pub args: CallArgs,
        /// The condition of `filter (where …)`.
        pub filter: Option<Box<Expr>>,
    }
}

/// The arguments of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallArgs {
    /// `count(*)`
    Star,
    /// Expressions, possibly none.
    List(Vec<Expr>),
}

node! {
    /// A type as written in `create model`, `cast` and typed literals.
    pub struct DataType {
        /// Which type. Synonyms (`int`, `bigint`, …) leave no trace.
        pub kind: DataTypeKind,
    }
}

/// A type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DataTypeKind {
    /// `bool`
    Bool,
    /// `i64`, `int`, `integer`, `bigint`
    I64,
    /// `f64`, `float`, `real`, `double [precision]`
    F64,
    /// `decimal`, `numeric`
    Decimal,
    /// `string`, `varchar`
    String,
    /// `text`: collaborative text. In a cast it means `string`.
    Text,
    /// `bytes`, `bytea`, `blob`
    Bytes,
    /// `timestamp`, `timestamptz`, `datetime`
    Timestamp,
    /// `uuid`
    Uuid,
    /// `ulid`
    Ulid,
    /// `json`, `jsonb`
    Json,
    /// `ref(model)`
    Ref(Box<Name>),
}
