//! Random conditions.

use super::expr::{Generator, Scope};
use super::model;
use super::term::{AND, COMPARISON, CONCAT, IS, Kind, NOT, NumberType, OR, RANGE, Term};

impl Generator<'_> {
    /// Two expressions that can be compared, and a third.
    fn comparable(&mut self, depth: usize) -> [Term; 3] {
        match self.some_kind() {
            Kind::Text { .. } => [self.text(depth), self.other_text(depth), self.other_text(0)],
            Kind::Time => {
                let mut others = [self.time(depth), self.time(depth), self.any_time()];
                // A string becomes a timestamp beside one.
                for at in 1..3 {
                    if let Some(bare) = others[at].ours.strip_prefix("timestamp ").map(str::to_owned)
                        && !others[0].constant
                        && self.rng.chance(60)
                    {
                        others[at].ours = bare;
                    }
                }
                others
            }
            Kind::Number(_) | Kind::Bool => {
                let a = self.exact_number(depth);
                let (b, c) = (self.beside(&a, depth), self.beside(&a, 0));
                if b.number().compares(c.number()) { [a, b, c] } else { [a, b.clone(), b] }
            }
        }
    }

    /// A number to compare another with.
    fn beside(&mut self, a: &Term, depth: usize) -> Term {
        for _ in 0..5 {
            let drawn =
                if self.rng.chance(50) { self.drawn(&|kind| matches!(kind, Kind::Number(_))) } else { None };
            let other = drawn.unwrap_or_else(|| self.exact_number(depth));
            if other.number().compares(a.number()) {
                return other;
            }
        }
        a.clone()
    }

    fn other_text(&mut self, depth: usize) -> Term {
        let drawn =
            if self.rng.chance(50) { self.drawn(&|kind| matches!(kind, Kind::Text { .. })) } else { None };
        drawn.unwrap_or_else(|| self.text(depth))
    }

    pub(super) fn exact_number(&mut self, depth: usize) -> Term {
        for _ in 0..5 {
            let found = self.number(depth, None);
            if found.is_exact() {
                return found;
            }
        }
        let ty = *self.rng.pick(&[NumberType::Int, NumberType::Decimal]);
        self.literal(Some(ty))
    }

    /// A condition.
    pub(super) fn truth(&mut self, depth: usize) -> Term {
        let fits = |kind: Kind| matches!(kind, Kind::Bool);
        if depth == 0 {
            if self.rng.chance(40)
                && let Some(found) = self.leaf(&fits)
            {
                return found;
            }
            return self.comparison(0);
        }
        let depth = depth - 1;
        match self.rng.below(22) {
            0..4 => self.comparison(depth),
            4..7 => {
                let (a, b) = (self.truth(depth), self.truth(depth));
                Term::infix(("and", "and"), (&a, AND), (&b, AND), AND, Kind::Bool)
            }
            7..10 => {
                let (a, b) = (self.truth(depth), self.truth(depth));
                Term::infix(("or", "or"), (&a, OR), (&b, OR), OR, Kind::Bool)
            }
            10..12 => {
                let a = self.truth(depth);
                let ours = format!("not {}", a.at(NOT));
                Term { ours, theirs: format!("(not {})", a.theirs), level: NOT, kind: Kind::Bool, ..a }
            }
            12..15 => self.in_list(depth),
            15 | 16 => {
                let [a, low, high] = self.comparable(depth);
                let not = self.maybe_not();
                between(&a, not, &low, &high)
            }
            17 => self.like(depth),
            18 => {
                let a = self.any(depth);
                let test = format!("is {}null", self.maybe_not());
                after(&a, &test, &test)
            }
            19 => {
                let a = self.truth(depth);
                let (ours, theirs) =
                    *self.rng.pick(&[("true", "true"), ("false", "false"), ("unknown", "null")]);
                let not = self.maybe_not();
                after(&a, &format!("is {not}{ours}"), &format!("is {not}{theirs}"))
            }
            20 => {
                let [a, b, _] = self.comparable(depth);
                let op = format!("is {}distinct from", self.maybe_not());
                Term::infix((&op, &op), (&a, IS), (&b, COMPARISON), IS, Kind::Bool)
            }
            _ => {
                let (a, b) = (self.truth(depth), self.truth(depth));
                self.chosen(&a, &b, Kind::Bool, depth)
            }
        }
    }

    /// A condition as people write them and indexes answer them: columns beside literals, joined by `and`, seldom
    /// by `or`.
    pub(super) fn simple(&mut self) -> Term {
        let mut condition = self.simple_part();
        for _ in 0..self.rng.below(3) {
            let part = self.simple_part();
            let (op, level) = if self.rng.chance(80) { ("and", AND) } else { ("or", OR) };
            condition = Term::infix((op, op), (&condition, level), (&part, level), level, Kind::Bool);
        }
        condition
    }

    fn simple_part(&mut self) -> Term {
        let Scope::Row(columns) = self.scope else { return self.truth(0) };
        let column = self.rng.pick(columns).clone();
        let mut drawn = || self.rng.pick(&column.pool).clone();
        let (term, a, b) = (column.term(), drawn(), drawn());
        let text = matches!(column.kind, Kind::Text { .. });
        match self.rng.below(10) {
            0..3 => Term::infix(("=", "="), (&term, RANGE), (&a, RANGE), COMPARISON, Kind::Bool),
            3 | 4 => {
                let op = *self.rng.pick(&["<", "<=", ">", ">="]);
                let (left, right) = if self.rng.chance(70) { (&term, &a) } else { (&a, &term) };
                Term::infix((op, op), (left, RANGE), (right, RANGE), COMPARISON, Kind::Bool)
            }
            5 => between(&term, "", &a, &b),
            6 | 7 => {
                let null = if self.rng.chance(15) { Some(Term::null(column.kind)) } else { None };
                contained(&term, "", &[a, b].into_iter().chain(null).collect::<Vec<_>>())
            }
            8 if text => self.like_pattern(&term),
            8 => Term::infix(("<>", "<>"), (&term, RANGE), (&a, RANGE), COMPARISON, Kind::Bool),
            _ => {
                let test = format!("is {}null", self.maybe_not());
                after(&term, &test, &test)
            }
        }
    }

    fn maybe_not(&mut self) -> &'static str {
        if self.rng.chance(35) { "not " } else { "" }
    }

    fn comparison(&mut self, depth: usize) -> Term {
        let (ours, theirs) = *self.rng.pick(&[
            ("=", "="),
            ("=", "="),
            ("<>", "<>"),
            ("!=", "<>"),
            ("<", "<"),
            ("<=", "<="),
            (">", ">"),
            (">=", ">="),
        ]);
        let [a, mut b] = if self.rng.chance(10) {
            [self.truth(0), self.truth(0)]
        } else {
            let [a, b, _] = self.comparable(depth);
            [a, b]
        };
        if !a.constant && self.rng.chance(4) {
            b = Term::null(a.kind);
        }
        Term::infix((ours, theirs), (&a, RANGE), (&b, RANGE), COMPARISON, Kind::Bool)
    }

    fn in_list(&mut self, depth: usize) -> Term {
        let [a, b, c] = self.comparable(depth);
        let mut list = vec![b, c];
        // Mostly a list of literals, as people write it.
        if self.rng.chance(70) && !a.constant {
            list.clear();
            for _ in 0..=self.rng.below(5) {
                let literal = match a.kind {
                    Kind::Number(number) => match self.drawn(&|kind| matches!(kind, Kind::Number(_))) {
                        Some(drawn) if drawn.number().compares(number) => drawn,
                        _ => self.literal(Some(number.ty)),
                    },
                    Kind::Text { .. } => self
                        .drawn(&|kind| matches!(kind, Kind::Text { .. }))
                        .unwrap_or_else(|| model::text("a")),
                    Kind::Bool | Kind::Time => self.any_time(),
                };
                if !list.iter().any(|it: &Term| matches!((it.kind, literal.kind), (Kind::Number(a), Kind::Number(b)) if !a.compares(b))) {
                    list.push(literal);
                }
            }
        }
        if self.rng.chance(20) {
            let at = self.rng.below(list.len() + 1);
            list.insert(at, Term::null(a.kind));
        }
        let not = self.maybe_not();
        contained(&a, not, &list)
    }

    fn like(&mut self, depth: usize) -> Term {
        let a = self.text(depth);
        self.like_pattern(&a)
    }

    fn like_pattern(&mut self, a: &Term) -> Term {
        let ascii = matches!(a.kind, Kind::Text { ascii: true });
        let pieces: &[&str] = match ascii {
            true => &["a", "b", "A", "%", "_", "%", " ", "5", "ab", "\\%", "\\_", "\\\\", "!%"],
            false => &["a", "é", "É", "%", "_", "%", "日", "🎵", "e\u{301}", "\\%"],
        };
        let pattern: String = (0..=self.rng.below(4)).map(|_| *self.rng.pick(pieces)).collect();
        let quoted = format!("'{pattern}'");
        let not = self.maybe_not();
        let (op, theirs) = match ascii && self.rng.chance(40) {
            true => ("ilike", format!("(lower({}) {not}like lower({quoted}) escape '\\')", a.theirs)),
            false => ("like", format!("({} {not}like {quoted} escape '\\')", a.theirs)),
        };
        // The escape character is the one that both take, said or not.
        let escape = if self.rng.chance(20) { " escape '\\'" } else { "" };
        let ours = format!("{} {not}{op} {quoted}{escape}", a.at(CONCAT));
        Term { ours, theirs, level: RANGE, kind: Kind::Bool, constant: a.constant }
    }
}

/// A test written behind an expression.
fn after(a: &Term, ours: &str, theirs: &str) -> Term {
    Term {
        ours: format!("{} {ours}", a.at(IS)),
        theirs: format!("({} {theirs})", a.theirs),
        level: IS,
        kind: Kind::Bool,
        constant: a.constant,
    }
}

fn between(a: &Term, not: &str, low: &Term, high: &Term) -> Term {
    Term {
        ours: format!("{} {not}between {} and {}", a.at(CONCAT), low.at(CONCAT), high.at(CONCAT)),
        theirs: format!("({} {not}between {} and {})", a.theirs, low.theirs, high.theirs),
        level: RANGE,
        kind: Kind::Bool,
        constant: a.constant && low.constant && high.constant,
    }
}

fn contained(a: &Term, not: &str, list: &[Term]) -> Term {
    let listed = |text: &dyn Fn(&Term) -> String| list.iter().map(text).collect::<Vec<_>>().join(", ");
    Term {
        ours: format!("{} {not}in ({})", a.at(CONCAT), listed(&|it| it.ours.clone())),
        theirs: format!("({} {not}in ({}))", a.theirs, listed(&|it| it.theirs.clone())),
        level: RANGE,
        kind: Kind::Bool,
        constant: a.constant && list.iter().all(|it| it.constant),
    }
}
