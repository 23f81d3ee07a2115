//! Random expressions.

use super::model::{self, Column};
use super::rng::Rng;
use super::term::{CONCAT, Kind, Number, NumberType, PRIMARY, PRODUCT, SUM, Term, UNARY};

/// What expressions can be made of.
#[derive(Clone, Copy)]
pub(super) enum Scope<'a> {
    /// The columns of a row.
    Row(&'a [Column]),
    /// The keys of a group, and aggregates over its rows.
    Group { keys: &'a [Term], columns: &'a [Column], rows: f64 },
}

pub(super) struct Generator<'a> {
    pub(super) rng: &'a mut Rng,
    pub(super) scope: Scope<'a>,
}

impl Generator<'_> {
    fn columns(&self) -> &[Column] {
        match self.scope {
            Scope::Row(columns) | Scope::Group { columns, .. } => columns,
        }
    }

    /// A column or a group's key or aggregate that `fits`.
    pub(super) fn leaf(&mut self, fits: &dyn Fn(Kind) -> bool) -> Option<Term> {
        let found: Vec<Term> = match self.scope {
            Scope::Row(columns) => columns.iter().map(Column::term).filter(|it| fits(it.kind)).collect(),
            Scope::Group { keys, .. } => {
                if self.rng.chance(60)
                    && let Some(found) = (0..4).map(|_| self.aggregate()).find(|it| fits(it.kind))
                {
                    return Some(found);
                }
                keys.iter().filter(|it| fits(it.kind)).cloned().collect()
            }
        };
        (!found.is_empty()).then(|| self.rng.pick(&found).clone())
    }

    /// A literal of the values that some column of the kind holds.
    pub(super) fn drawn(&mut self, fits: &dyn Fn(Kind) -> bool) -> Option<Term> {
        let fitting: Vec<Column> = self.columns().iter().filter(|it| fits(it.kind)).cloned().collect();
        if fitting.is_empty() {
            return None;
        }
        let column = self.rng.pick(&fitting).clone();
        Some(self.rng.pick(&column.pool).clone())
    }

    /// A kind, most often that of a column.
    pub(super) fn some_kind(&mut self) -> Kind {
        let kinds: Vec<Kind> = self.columns().iter().map(|column| column.kind).collect();
        if self.rng.chance(85) && !kinds.is_empty() {
            return *self.rng.pick(&kinds);
        }
        *self.rng.pick(&[Kind::Number(Number::int(0.0)), Kind::Text { ascii: true }, Kind::Bool, Kind::Time])
    }

    /// An expression of any type.
    pub(super) fn any(&mut self, depth: usize) -> Term {
        match self.some_kind() {
            Kind::Number(_) => self.number(depth, None),
            Kind::Text { .. } => self.text(depth),
            Kind::Bool => self.truth(depth),
            Kind::Time => self.time(depth),
        }
    }

    /// An expression of any type that can be compared and is not constant, most often a column.
    pub(super) fn key(&mut self) -> Term {
        for _ in 0..20 {
            let depth = usize::from(self.rng.chance(40));
            let found = match depth {
                0 => self.leaf(&|_| true),
                _ => Some(self.any(depth)),
            };
            if let Some(found) = found.filter(|it| it.is_exact() && !it.constant) {
                return found;
            }
        }
        self.leaf(&|kind| matches!(kind, Kind::Number(Number { exact: true, .. }))).unwrap_or_else(|| {
            let theirs = "count(*)";
            Term { constant: false, ..Term::literal(theirs, theirs, Kind::Number(Number::int(1e6))) }
        })
    }

    /// An expression of a kind like that of a column.
    pub(super) fn like_column(&mut self, column: &Column, depth: usize) -> Term {
        match column.kind {
            Kind::Number(Number { ty, .. }) => self.number(depth, Some(ty)),
            Kind::Text { .. } => self.text(depth),
            Kind::Bool => self.truth(depth),
            Kind::Time => self.time(depth),
        }
    }

    /// A number, of a type where one is given.
    pub(super) fn number(&mut self, depth: usize, ty: Option<NumberType>) -> Term {
        let fits = move |kind: Kind| match kind {
            Kind::Number(number) => ty.is_none_or(|ty| number.ty == ty),
            Kind::Text { .. } | Kind::Bool | Kind::Time => false,
        };
        if depth == 0 || self.rng.chance(15) {
            if self.rng.chance(75)
                && let Some(found) = self.leaf(&fits)
            {
                return found;
            }
            if self.rng.chance(60)
                && let Some(found) = self.drawn(&fits)
            {
                return found;
            }
            return self.literal(ty);
        }
        for _ in 0..5 {
            let found = self.computed(depth - 1, ty);
            if let Some(found) = found.filter(|it| fits(it.kind)) {
                return found;
            }
        }
        self.number(0, ty)
    }

    pub(super) fn literal(&mut self, ty: Option<NumberType>) -> Term {
        let small = self.rng.between(-9, 12);
        match ty.unwrap_or(*self.rng.pick(&[NumberType::Int, NumberType::Int, NumberType::Decimal])) {
            NumberType::Int => Term::int(small),
            ty @ (NumberType::Decimal | NumberType::Float) => {
                #[expect(clippy::cast_precision_loss, reason = "small")]
                let value = small as f64 / 4.0;
                let number = Number { ty, max: value.abs(), bits: Some(2), places: Some(2), exact: true };
                match ty {
                    NumberType::Float => model::float(value, number),
                    _ => model::decimal(&value.to_string(), number),
                }
            }
        }
    }

    /// A computed number; `None` where what came up could overflow, or is of another type.
    fn computed(&mut self, depth: usize, ty: Option<NumberType>) -> Option<Term> {
        let operand = |own: &mut Self| {
            // Any type not wider than the one that is wanted.
            let narrower = match ty {
                Some(NumberType::Int) => Some(NumberType::Int),
                Some(wanted) if own.rng.chance(60) => Some(wanted),
                _ => None,
            };
            own.number(depth, narrower)
        };
        let choice = self.rng.below(20);
        match choice {
            0..3 => self.arithmetic("+", operand),
            3..6 => self.arithmetic("-", operand),
            6..8 => self.arithmetic("*", operand),
            8..10 => self.division(operand),
            10 => {
                let inner = operand(self);
                let number = inner.number().plus(Number::int(0.0))?;
                // Two signs side by side would begin a comment.
                let inside = inner.at(UNARY);
                let space = if inside.starts_with('-') { " " } else { "" };
                let ours = format!("-{space}{inside}");
                let theirs = format!("(-{})", inner.theirs);
                Some(Term {
                    ours,
                    theirs,
                    level: UNARY,
                    kind: Kind::Number(number),
                    constant: inner.constant,
                })
            }
            11 => {
                let inner = operand(self);
                let number = inner.number().plus(Number::int(0.0))?;
                let theirs = format!("abs({})", inner.theirs);
                Some(Term::call("abs", &[&inner], theirs, Kind::Number(number)))
            }
            12 => {
                let inner = operand(self);
                let number = inner.number();
                let kind = Kind::Number(number.plus(Number::int(1.0))?);
                let dyadic = number.bits.is_some() && number.ty != NumberType::Int && number.exact;
                dyadic.then(|| Term::call("round", &[&inner], format!("round({})", inner.theirs), kind))
            }
            13..15 => {
                let (a, b) = (operand(self), operand(self));
                let number = a.number().or(b.number())?;
                let (a, b) = (a.widened(number.ty), b.widened(number.ty));
                Some(self.chosen(&a, &b, Kind::Number(number), depth))
            }
            15 => {
                let text = self.text(depth);
                let name = *self.rng.pick(&["length", "char_length", "octet_length"]);
                let theirs = match name {
                    "octet_length" => format!("length(cast({} as blob))", text.theirs),
                    _ => format!("length({})", text.theirs),
                };
                Some(Term::call(name, &[&text], theirs, Kind::Number(Number::int(1e4))))
            }
            16 => {
                let (text, part) = (self.text(depth), self.text(0));
                let theirs = format!("instr({}, {})", text.theirs, part.theirs);
                Some(Term::call("strpos", &[&text, &part], theirs, Kind::Number(Number::int(1e4))))
            }
            17 => {
                let time = self.time(depth);
                let (part, code) = *self.rng.pick(&[
                    ("year", "%Y"),
                    ("month", "%m"),
                    ("day", "%d"),
                    ("hour", "%H"),
                    ("minute", "%M"),
                    ("second", "%S"),
                ]);
                let theirs = format!("cast(strftime('{code}', {}) as integer)", time.theirs);
                let mut term = Term::call(part, &[&time], theirs, Kind::Number(Number::int(1e4)));
                if part != "second" && self.rng.chance(30) {
                    term.ours = format!("extract({part} from {})", time.ours);
                }
                Some(term)
            }
            18 => {
                let inner = operand(self);
                let number = inner.number();
                let (name, to) =
                    *self.rng.pick(&[("decimal", NumberType::Decimal), ("f64", NumberType::Float)]);
                let bounded = number.plus(Number { ty: to, ..Number::int(0.0) })?;
                if number.ty > to || !number.exact {
                    return None;
                }
                Some(self.cast(
                    &inner,
                    name,
                    format!("cast({} as real)", inner.theirs),
                    Kind::Number(bounded),
                ))
            }
            _ => {
                let inner = self.number(depth, Some(NumberType::Decimal));
                let number = inner.number();
                if number.bits.is_none() || !number.exact || number.max > 1e12 {
                    return None;
                }
                let theirs = format!("cast(round({}) as integer)", inner.theirs);
                Some(self.cast(&inner, "i64", theirs, Kind::Number(Number::int(number.max + 1.0))))
            }
        }
    }

    fn arithmetic(&mut self, op: &str, mut operand: impl FnMut(&mut Self) -> Term) -> Option<Term> {
        let (a, b) = (operand(self), operand(self));
        let (level, number) = match op {
            "*" => (PRODUCT, a.number().times(b.number())?),
            _ => (SUM, a.number().plus(b.number())?),
        };
        Some(Term::infix((op, op), (&a, level), (&b, level + 1), level, Kind::Number(number)))
    }

    /// A division by something that is not zero: a number, or what is NULL instead.
    fn division(&mut self, mut operand: impl FnMut(&mut Self) -> Term) -> Option<Term> {
        let (a, b) = (operand(self), operand(self));
        let number = a.number().over(b.number())?;
        let zero = Term::int(0);
        let theirs = format!("nullif({}, 0)", b.theirs);
        let divisor = Term::call("nullif", &[&b, &zero], theirs, b.kind);
        let op = if number.ty == NumberType::Int && self.rng.chance(40) { "%" } else { "/" };
        Some(Term::infix((op, op), (&a, PRODUCT), (&divisor, UNARY), PRODUCT, Kind::Number(number)))
    }

    fn cast(&mut self, inner: &Term, to: &str, theirs: String, kind: Kind) -> Term {
        let ours = match self.rng.chance(50) {
            true => format!("cast({} as {to})", inner.ours),
            false => format!("{}::{to}", inner.at(PRIMARY)),
        };
        Term { ours, theirs, level: PRIMARY, kind, constant: inner.constant }
    }

    /// One of two expressions of one kind, in one of the ways in which one can be chosen.
    pub(super) fn chosen(&mut self, a: &Term, b: &Term, kind: Kind, depth: usize) -> Term {
        let comparable = a.is_exact() && b.is_exact() && !matches!(kind, Kind::Bool);
        match self.rng.below(7) {
            0 => {
                let theirs = format!("coalesce({}, {})", a.theirs, b.theirs);
                Term::call("coalesce", &[a, b], theirs, kind)
            }
            1 if comparable => {
                let theirs = format!("nullif({}, {})", a.theirs, b.theirs);
                Term::call("nullif", &[a, b], theirs, kind)
            }
            // SQLite's give NULL where one is.
            2 if comparable => extreme("greatest", "max", a, b, kind),
            3 if comparable => extreme("least", "min", a, b, kind),
            4 => {
                let subject = self.text(0);
                let when = self.text(0);
                case(Some(&subject), &[(&when, a)], Some(b), kind)
            }
            5 => {
                let when = self.truth(depth);
                let null = Term::null(kind);
                case(None, &[(&when, a)], if self.rng.chance(50) { None } else { Some(&null) }, kind)
            }
            _ => {
                let (first, second) = (self.truth(depth), self.truth(0));
                let null = Term::null(kind);
                let branches = [(&first, a), (&second, if self.rng.chance(30) { &null } else { a })];
                case(None, &branches, Some(b), kind)
            }
        }
    }

    /// A string.
    pub(super) fn text(&mut self, depth: usize) -> Term {
        let fits = |kind: Kind| matches!(kind, Kind::Text { .. });
        if depth == 0 || self.rng.chance(25) {
            if self.rng.chance(70)
                && let Some(found) = self.leaf(&fits)
            {
                return found;
            }
            return self.drawn(&fits).unwrap_or_else(|| model::text("ab"));
        }
        let depth = depth - 1;
        let ascii = |term: &Term| matches!(term.kind, Kind::Text { ascii: true });
        let a = self.text(depth);
        match self.rng.below(11) {
            0 => {
                let b = self.text(depth);
                concat(&a, &b, Kind::Text { ascii: ascii(&a) && ascii(&b) })
            }
            1 => {
                let b = self.number(depth, Some(NumberType::Int));
                match self.rng.chance(50) {
                    true => concat(&a, &b, a.kind),
                    false => concat(&b, &a, a.kind),
                }
            }
            2 if ascii(&a) => {
                let name = *self.rng.pick(&["lower", "upper"]);
                Term::call(name, &[&a], format!("{name}({})", a.theirs), a.kind)
            }
            3 | 4 => {
                let (start, length) = (self.rng.between(1, 4), self.rng.between(0, 3));
                let (start, length) = (Term::int(start), Term::int(length));
                let theirs = format!("substr({}, {}, {})", a.theirs, start.ours, length.ours);
                match self.rng.below(4) {
                    0 => Term::call(
                        "left",
                        &[&a, &length],
                        format!("substr({}, 1, {})", a.theirs, length.ours),
                        a.kind,
                    ),
                    1 => Term::call(
                        "substr",
                        &[&a, &start],
                        format!("substr({}, {})", a.theirs, start.ours),
                        a.kind,
                    ),
                    2 => Term::call("substr", &[&a, &start, &length], theirs, a.kind),
                    _ => {
                        let ours = format!("substring({} from {} for {})", a.ours, start.ours, length.ours);
                        Term { ours, theirs, level: PRIMARY, kind: a.kind, constant: a.constant }
                    }
                }
            }
            5 => {
                let (name, theirs) =
                    *self.rng.pick(&[("trim", "trim"), ("ltrim", "ltrim"), ("rtrim", "rtrim")]);
                Term::call(name, &[&a], format!("{theirs}({})", a.theirs), a.kind)
            }
            6 => {
                let (from, to) = (self.text(0), self.text(0));
                let kind = Kind::Text { ascii: ascii(&a) && ascii(&to) };
                let (x, y, z) = (&a.theirs, &from.theirs, &to.theirs);
                // SQLite's looks for nothing and gives the string, even where it should put NULL in its place.
                let theirs = format!("(case when {z} is not null then replace({x}, {y}, {z}) end)");
                Term::call("replace", &[&a, &from, &to], theirs, kind)
            }
            7 => {
                let number = self.number(depth, Some(NumberType::Int));
                let theirs = format!("cast({} as text)", number.theirs);
                self.cast(&number, "string", theirs, Kind::Text { ascii: true })
            }
            8 => {
                let b = self.text(depth);
                let kind = Kind::Text { ascii: ascii(&a) && ascii(&b) };
                let theirs = format!("(coalesce({}, '') || coalesce({}, ''))", a.theirs, b.theirs);
                Term::call("concat", &[&a, &b], theirs, kind)
            }
            _ => {
                let b = self.text(depth);
                let kind = Kind::Text { ascii: ascii(&a) && ascii(&b) };
                self.chosen(&a, &b, kind, depth)
            }
        }
    }

    /// A timestamp.
    pub(super) fn time(&mut self, depth: usize) -> Term {
        let fits = |kind: Kind| matches!(kind, Kind::Time);
        if depth > 0 && self.rng.chance(30) {
            let a = self.time(depth - 1);
            if self.rng.chance(50) {
                let b = self.time(depth - 1);
                return self.chosen(&a, &b, Kind::Time, depth - 1);
            }
            let (unit, form) = *self.rng.pick(&[
                ("year", "%Y-01-01 00:00:00"),
                ("month", "%Y-%m-01 00:00:00"),
                ("day", "%Y-%m-%d 00:00:00"),
                ("hour", "%Y-%m-%d %H:00:00"),
                ("minute", "%Y-%m-%d %H:%M:00"),
            ]);
            let theirs = format!("strftime('{form}', {})", a.theirs);
            let ours = format!("date_trunc('{unit}', {})", a.ours);
            return Term { ours, theirs, level: PRIMARY, kind: Kind::Time, constant: a.constant };
        }
        let found = if self.rng.chance(70) { self.leaf(&fits) } else { None };
        found.unwrap_or_else(|| self.any_time())
    }

    pub(super) fn any_time(&mut self) -> Term {
        let time: &&str = self.rng.pick(model::TIMES);
        model::time(time)
    }

    /// An aggregate over rows of a group.
    pub(super) fn aggregate(&mut self) -> Term {
        let Scope::Group { columns, rows, .. } = self.scope else {
            return self.number(0, Some(NumberType::Int));
        };
        let count = Kind::Number(Number::int(rows));
        let mut row = Generator { rng: self.rng, scope: Scope::Row(columns) };
        let depth = usize::from(row.rng.chance(30));
        let distinct = if row.rng.chance(25) { "distinct " } else { "" };
        let (name, theirs, argument, kind, distinct) = match row.rng.below(12) {
            0 | 1 => ("count", "count", None, count, ""),
            2 => {
                let argument = row.any(depth);
                let distinct = if argument.is_exact() { distinct } else { "" };
                ("count", "count", Some(argument), count, distinct)
            }
            3 | 4 => {
                let argument = row.exact_number(depth);
                let many = Number { max: rows, ..Number::int(0.0) };
                match argument
                    .number()
                    .times(many)
                    .filter(|sum| sum.ty != NumberType::Float || sum.bits.is_some())
                {
                    Some(sum) => ("sum", "sum", Some(argument), Kind::Number(sum), distinct),
                    None => ("count", "count", Some(argument), count, distinct),
                }
            }
            5 | 6 => {
                let argument = row.exact_number(depth);
                let number = argument.number();
                let many = Number { max: rows, ..Number::int(0.0) };
                let ty = number.ty.max(NumberType::Decimal);
                let mean = Number { ty, max: number.max, bits: None, places: None, exact: false };
                let computes = number.times(many).is_some() && number.max < 1e6;
                match computes && (ty != NumberType::Float || number.bits.is_some()) {
                    true => ("avg", "avg", Some(argument), Kind::Number(mean), distinct),
                    false => ("max", "max", Some(argument), Kind::Number(number), ""),
                }
            }
            7..11 => {
                let name = *row.rng.pick(&["min", "max"]);
                let argument = match row.rng.below(4) {
                    0 => row.text(depth),
                    1 => row.time(depth),
                    _ => row.exact_number(depth),
                };
                let kind = argument.kind;
                (name, name, Some(argument), kind, distinct)
            }
            _ => {
                let (name, theirs) =
                    *row.rng.pick(&[("bool_and", "min"), ("bool_or", "max"), ("every", "min")]);
                (name, theirs, Some(row.truth(depth)), Kind::Bool, "")
            }
        };
        let filter = row.rng.chance(15).then(|| row.truth(1));
        let call = |name: &str, text: &dyn Fn(&Term) -> String| {
            let argument = argument.as_ref().map_or("*".to_owned(), text);
            let filter = filter.as_ref().map_or(String::new(), |it| format!(" filter (where {})", text(it)));
            format!("{name}({distinct}{argument}){filter}")
        };
        Term {
            ours: call(name, &|it| it.ours.clone()),
            theirs: call(theirs, &|it| it.theirs.clone()),
            level: PRIMARY,
            kind,
            constant: false,
        }
    }
}

fn concat(a: &Term, b: &Term, kind: Kind) -> Term {
    Term::infix(("||", "||"), (a, CONCAT), (b, SUM), CONCAT, kind)
}

fn extreme(ours: &str, theirs: &str, a: &Term, b: &Term, kind: Kind) -> Term {
    let (x, y) = (&a.theirs, &b.theirs);
    let theirs =
        format!("(case when {x} is null then {y} when {y} is null then {x} else {theirs}({x}, {y}) end)");
    Term::call(ours, &[a, b], theirs, kind)
}

fn case(subject: Option<&Term>, branches: &[(&Term, &Term)], otherwise: Option<&Term>, kind: Kind) -> Term {
    let text = |of: &dyn Fn(&Term) -> String| {
        let subject = subject.map_or(String::new(), |it| format!(" {}", of(it)));
        let branches: String =
            branches.iter().map(|(when, then)| format!(" when {} then {}", of(when), of(then))).collect();
        let otherwise = otherwise.map_or(String::new(), |it| format!(" else {}", of(it)));
        format!("case{subject}{branches}{otherwise} end")
    };
    let mut all = subject.into_iter().chain(otherwise).chain(branches.iter().flat_map(|(a, b)| [*a, *b]));
    Term {
        ours: text(&|it| it.ours.clone()),
        theirs: format!("({})", text(&|it| it.theirs.clone())),
        level: PRIMARY,
        kind,
        constant: all.all(|it| it.constant),
    }
}
