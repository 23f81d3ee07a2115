//! Expressions in both languages at once.
//!
//! Ours is written with as few parentheses as its precedence allows, SQLite's with all of them: a wrong
//! precedence gives another answer. What is known of the values keeps what the two sides rightly differ in out of
//! a query: SQLite computes decimals in floating point, so an expression that is not exact there is shown and
//! compared with a tolerance, but never compared, grouped or sorted by.

/// The type of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NumberType {
    Int,
    Decimal,
    Float,
}

/// What is known of a number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Number {
    pub(super) ty: NumberType,
    /// No value is farther from zero.
    pub(super) max: f64,
    /// All values are multiples of two to the minus this.
    pub(super) bits: Option<u32>,
    /// All values have at most so many digits after the point; `None` where there may be too many to compute
    /// with.
    pub(super) places: Option<u32>,
    /// SQLite has the same number, or the nearest floating-point number, and different numbers are different
    /// there.
    pub(super) exact: bool,
}

/// Integers up to here are floating-point numbers.
const WHOLE: f64 = 9e15;

impl Number {
    pub(super) fn int(max: f64) -> Self {
        Number { ty: NumberType::Int, max, bits: Some(0), places: Some(0), exact: true }
    }

    /// The number with its exactness lowered where its bounds ask for it; `None` where it could overflow, or where
    /// rounding could be seen.
    fn checked(self) -> Option<Number> {
        let dyadic = self.bits.is_some_and(|bits| bits < 40 && self.max * 2f64.powi(bits as i32) < WHOLE);
        let exact = self.exact && (self.ty != NumberType::Decimal || dyadic);
        let limit = match self.ty {
            NumberType::Int => 9e18,
            _ if !exact => 1e6,
            NumberType::Decimal => 1e13,
            NumberType::Float => 1e300,
        };
        let places = self.places.is_some_and(|places| places <= 14);
        (self.max < limit && places).then_some(Number { exact, ..self })
    }

    /// What both become; `None` where SQLite would round an integer on the way.
    fn meet(self, other: Number) -> Option<NumberType> {
        let ty = self.ty.max(other.ty);
        let whole = |it: Number| it.ty != NumberType::Int || ty == NumberType::Int || it.max < WHOLE;
        (whole(self) && whole(other)).then_some(ty)
    }

    fn places_with(self, other: Number, both: impl Fn(u32, u32) -> u32) -> Option<u32> {
        Some(both(self.places?, other.places?))
    }

    pub(super) fn plus(self, other: Number) -> Option<Number> {
        Number {
            ty: self.meet(other)?,
            max: self.max + other.max,
            bits: self.bits.zip(other.bits).map(|(a, b)| a.max(b)),
            places: self.places_with(other, u32::max),
            exact: self.exact && other.exact,
        }
        .checked()
    }

    pub(super) fn times(self, other: Number) -> Option<Number> {
        Number {
            ty: self.meet(other)?,
            max: self.max * other.max,
            bits: self.bits.zip(other.bits).map(|(a, b)| a + b),
            places: self.places_with(other, |a, b| a + b),
            exact: self.exact && other.exact,
        }
        .checked()
    }

    /// Divided by a number that is not zero.
    pub(super) fn over(self, other: Number) -> Option<Number> {
        let ty = self.meet(other)?;
        if ty == NumberType::Int {
            return Number { max: self.max, ..Number::int(0.0) }.checked();
        }
        // The least number that can stand below.
        let least = match (other.bits, other.places?) {
            (Some(bits), _) => 2f64.powi(-(bits as i32)),
            (None, _) if ty == NumberType::Float => return None,
            (None, places) => 10f64.powi(-(places as i32)),
        };
        let exact = ty == NumberType::Float && self.exact && other.exact;
        let max = self.max / least;
        let known = Number { ty, max, bits: None, places: Some(0), exact }.checked()?;
        self.places?;
        Some(Number { places: (ty == NumberType::Float).then_some(0), ..known })
    }

    /// Where either may stand.
    pub(super) fn or(self, other: Number) -> Option<Number> {
        Some(Number {
            ty: self.meet(other)?,
            max: self.max.max(other.max),
            bits: self.bits.zip(other.bits).map(|(a, b)| a.max(b)),
            places: self.places_with(other, u32::max),
            exact: self.exact && other.exact,
        })
    }

    /// Whether both sides give the same answer when the two are compared.
    pub(super) fn compares(self, other: Number) -> bool {
        let float = self.ty == NumberType::Float || other.ty == NumberType::Float;
        self.exact && other.exact && (!float || self.meet(other).is_some())
    }
}

/// What is known of a value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Number(Number),
    Text {
        /// Whether SQLite, which knows no other letters, gives the same upper and lower case.
        ascii: bool,
    },
    Bool,
    Time,
}

/// How tightly an expression holds together.
pub(super) type Level = u8;
pub(super) const OR: Level = 1;
pub(super) const AND: Level = 2;
pub(super) const NOT: Level = 3;
pub(super) const IS: Level = 4;
pub(super) const COMPARISON: Level = 5;
pub(super) const RANGE: Level = 6;
pub(super) const CONCAT: Level = 7;
pub(super) const SUM: Level = 8;
pub(super) const PRODUCT: Level = 9;
pub(super) const UNARY: Level = 10;
pub(super) const PRIMARY: Level = 11;

/// An expression.
#[derive(Clone, Debug)]
pub(super) struct Term {
    pub(super) ours: String,
    pub(super) theirs: String,
    pub(super) level: Level,
    pub(super) kind: Kind,
    /// Whether no column is in it.
    pub(super) constant: bool,
}

impl Term {
    pub(super) fn literal(ours: impl Into<String>, theirs: impl Into<String>, kind: Kind) -> Self {
        let ours = ours.into();
        let level = if ours.starts_with('-') { UNARY } else { PRIMARY };
        Term { ours, theirs: theirs.into(), level, kind, constant: true }
    }

    pub(super) fn null(kind: Kind) -> Self {
        Term::literal("null", "null", kind)
    }

    pub(super) fn int(value: i64) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "a bound")]
        let max = value.unsigned_abs() as f64;
        Term::literal(value.to_string(), format!("({value})"), Kind::Number(Number::int(max)))
    }

    pub(super) fn is_null(&self) -> bool {
        self.ours == "null"
    }

    /// What is known of the number.
    pub(super) fn number(&self) -> Number {
        match self.kind {
            Kind::Number(number) => number,
            Kind::Text { .. } | Kind::Bool | Kind::Time => panic!("`{}` is no number", self.ours),
        }
    }

    /// Whether it can be compared, grouped and sorted by.
    pub(super) fn is_exact(&self) -> bool {
        match self.kind {
            Kind::Number(number) => number.exact,
            Kind::Text { .. } | Kind::Bool | Kind::Time => true,
        }
    }

    /// Our text where an operand must hold together so tightly.
    pub(super) fn at(&self, level: Level) -> String {
        if self.level < level { format!("({})", self.ours) } else { self.ours.clone() }
    }

    /// An operator between two operands, which must hold together so tightly.
    pub(super) fn infix(
        op: (&str, &str),
        (left, left_level): (&Term, Level),
        (right, right_level): (&Term, Level),
        level: Level,
        kind: Kind,
    ) -> Self {
        Term {
            ours: format!("{} {} {}", left.at(left_level), op.0, right.at(right_level)),
            theirs: format!("({} {} {})", left.theirs, op.1, right.theirs),
            level,
            kind,
            constant: left.constant && right.constant,
        }
    }

    /// A call; `theirs` is SQLite's text.
    pub(super) fn call(name: &str, args: &[&Term], theirs: impl Into<String>, kind: Kind) -> Self {
        let ours: Vec<&str> = args.iter().map(|arg| arg.ours.as_str()).collect();
        Term {
            ours: format!("{name}({})", ours.join(", ")),
            theirs: theirs.into(),
            level: PRIMARY,
            kind,
            constant: args.iter().all(|arg| arg.constant),
        }
    }

    /// The same where the other side must be told that an integer has become another number.
    pub(super) fn widened(self, to: NumberType) -> Self {
        match self.kind {
            Kind::Number(number) if number.ty == NumberType::Int && to != NumberType::Int => {
                let theirs = format!("cast({} as real)", self.theirs);
                Term { theirs, kind: Kind::Number(Number { ty: to, ..number }), ..self }
            }
            _ => self,
        }
    }
}
