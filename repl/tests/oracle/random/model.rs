//! Random models, and the values that their columns hold.

use super::rng::Rng;
use super::term::{Kind, Number, NumberType, PRIMARY, Term};

/// A column: what is known of its values now, and the few values that rows and literals are drawn from, so that
/// they meet.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) pool: Vec<Term>,
    pub(super) nullable: bool,
    /// The value of a row that gives none.
    pub(super) default: Option<Term>,
    /// Where the column is one of the row that a row refers to: the path to it, and SQLite's query for it.
    reached: Option<[String; 2]>,
}

/// Names: short ones, ones in other letters, ones that have to be quoted.
const NAMES: &[&str] = &[
    "a",
    "Price",
    "note",
    "order",
    "two words",
    "Größe",
    "x1",
    "Flag",
    "say \"hi\"",
    "date_",
    "status",
    "n",
];

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

impl Column {
    /// The name in our language.
    pub(super) fn ours(&self) -> String {
        let plain = self.name.chars().all(|it| it.is_ascii_alphanumeric() || it == '_');
        if plain && self.name != "order" { self.name.to_owned() } else { quoted(self.name) }
    }

    pub(super) fn theirs(&self) -> String {
        quoted(self.name)
    }

    /// The column as an expression.
    pub(super) fn term(&self) -> Term {
        let [ours, theirs] = self.reached.clone().unwrap_or_else(|| [self.ours(), self.theirs()]);
        Term { ours, theirs, level: PRIMARY, kind: self.kind, constant: false }
    }

    fn types(&self) -> (&'static str, &'static str) {
        match self.kind {
            Kind::Number(Number { ty: NumberType::Int, .. }) => ("i64", "integer"),
            Kind::Number(Number { ty: NumberType::Decimal, .. }) => ("decimal", "real"),
            Kind::Number(Number { ty: NumberType::Float, .. }) => ("f64", "real"),
            Kind::Text { .. } => ("string", "text"),
            Kind::Bool => ("bool", "integer"),
            Kind::Time => ("timestamp", "text"),
        }
    }

    pub(super) fn value(&self, rng: &mut Rng) -> Term {
        if self.nullable && rng.chance(25) { Term::null(self.kind) } else { rng.pick(&self.pool).clone() }
    }
}

/// A model with a column `k` of different integers and some others. Rows may refer to rows of the same model, by
/// the property `parent`.
#[derive(Clone, Debug)]
pub(super) struct Model {
    pub(super) name: String,
    /// Whether `k` is its key.
    pub(super) keyed: bool,
    /// All columns, `k` among them.
    pub(super) columns: Vec<Column>,
    /// How many rows it gets.
    pub(super) rows: i64,
}

impl Model {
    pub(super) fn random(seed: u64, rng: &mut Rng) -> Self {
        let rows = match seed % 10 {
            0 => rng.between(0, 2),
            5 => rng.between(200, 260),
            _ => rng.between(15, 45),
        };
        let mut names = NAMES.to_vec();
        rng.shuffle(&mut names);
        let count = 3 + rng.below(5);
        let mut columns: Vec<Column> = names.into_iter().take(count).map(|name| column(name, rng)).collect();
        #[expect(clippy::cast_precision_loss, reason = "a bound")]
        let bound = rows.max(1) as f64 * 2.0;
        let k = Column {
            name: "k",
            kind: Kind::Number(Number::int(bound)),
            pool: (0..=rows.max(1)).map(Term::int).collect(),
            nullable: false,
            default: None,
            reached: None,
        };
        columns.insert(rng.below(columns.len() + 1), k);
        Model { name: format!("m{seed}"), keyed: rng.chance(50), columns, rows }
    }

    /// What creates it on both sides. SQLite's table holds our ids, too: rows that nothing else orders come in
    /// their order.
    pub(super) fn create(&self) -> ([String; 2], [String; 2]) {
        let mut ours = Vec::new();
        let mut theirs = vec!["_id text".to_owned()];
        for column in &self.columns {
            let (our_type, their_type) = column.types();
            let key = if column.name == "k" && self.keyed { " key" } else { "" };
            let required = if column.nullable || !key.is_empty() { "" } else { " not null" };
            let default =
                |text: Option<&String>| text.map_or(String::new(), |text| format!(" default {text}"));
            let our_default = default(column.default.as_ref().map(|term| &term.ours));
            let their_default = default(column.default.as_ref().map(|term| &term.theirs));
            ours.push(format!("{} {our_type}{key}{required}{our_default}", column.ours()));
            theirs.push(format!("{} {their_type}{required}{their_default}", column.theirs()));
        }
        let name = &self.name;
        theirs.push("parent text".to_owned());
        let theirs = theirs.join(", ");
        (
            [
                format!("create model {name} ({})", ours.join(", ")),
                format!("alter model {name} add property parent ref({name})"),
            ],
            [format!("create table {name} ({theirs})"), format!("create table {name}_deleted ({theirs})")],
        )
    }

    /// The columns in SQLite, as `*` means them here.
    pub(super) fn star(&self) -> String {
        self.columns.iter().map(Column::theirs).chain(["parent".to_owned()]).collect::<Vec<_>>().join(", ")
    }

    /// The columns of a row, and sometimes those of the rows that it refers to.
    pub(super) fn reachable(&self, rng: &mut Rng) -> Vec<Column> {
        let mut columns = self.columns.clone();
        let steps = if rng.chance(70) { 0 } else { 1 + rng.below(2) };
        for column in columns.iter_mut().filter(|_| steps > 0 && rng.chance(50)) {
            let (name, part) = (&self.name, column.theirs());
            let mut row = format!("{name}.parent");
            for _ in 1..steps {
                row = format!("(select up.parent from {name} as up where up._id = {row})");
            }
            column.reached = Some([
                format!("{}{}", "parent.".repeat(steps), column.ours()),
                format!("(select top.{part} from {name} as top where top._id = {row})"),
            ]);
        }
        columns
    }
}

fn column(name: &'static str, rng: &mut Rng) -> Column {
    let (kind, mut pool) = match rng.below(10) {
        0..3 => ints(rng),
        3..5 => decimals(rng),
        5 => floats(rng),
        6..8 => texts(rng),
        8 => (Kind::Bool, vec![truth(true), truth(false)]),
        _ => times(),
    };
    // Few values, so that there are duplicates.
    rng.shuffle(&mut pool);
    pool.truncate(3 + rng.below(12));
    let nullable = rng.chance(75);
    let default = rng.chance(30).then(|| rng.pick(&pool).clone());
    Column { name, kind, pool, nullable, default, reached: None }
}

pub(super) fn truth(value: bool) -> Term {
    let text = if value { "true" } else { "false" };
    Term::literal(text, text, Kind::Bool)
}

fn ints(rng: &mut Rng) -> (Kind, Vec<Term>) {
    let values: Vec<i64> = match rng.below(3) {
        0 => (-5..=5).collect(),
        1 => (0..20).map(|_| rng.between(-1000, 1000)).collect(),
        _ => vec![
            i64::MIN,
            i64::MIN + 1,
            -(1 << 53) - 1,
            -2,
            -1,
            0,
            1,
            2,
            (1 << 53) + 1,
            i64::MAX - 1,
            i64::MAX,
        ],
    };
    #[expect(clippy::cast_precision_loss, reason = "a bound")]
    let max = values.iter().map(|it| it.unsigned_abs()).max().unwrap_or(0) as f64;
    (Kind::Number(Number::int(max)), values.into_iter().map(Term::int).collect())
}

/// A decimal with a point, so that SQLite takes it for a floating-point number.
pub(super) fn decimal(text: &str, number: Number) -> Term {
    let text = if text.contains('.') { text.to_owned() } else { format!("{text}.0") };
    Term::literal(text.clone(), format!("({text})"), Kind::Number(number))
}

fn eighth(rng: &mut Rng, far: i64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "small")]
    let eighths = rng.between(-far, far) as f64;
    eighths / 8.0
}

fn decimals(rng: &mut Rng) -> (Kind, Vec<Term>) {
    let ty = NumberType::Decimal;
    let (number, texts): (Number, Vec<String>) = match rng.below(3) {
        0 => (
            Number { ty, max: 10.0, bits: Some(3), places: Some(3), exact: true },
            (0..15).map(|_| eighth(rng, 80).to_string()).collect(),
        ),
        1 => (
            Number { ty, max: 100.0, bits: None, places: Some(2), exact: true },
            (0..15)
                .map(|_| {
                    let cents = rng.between(-9999, 9999);
                    let sign = if cents < 0 { "-" } else { "" };
                    format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100)
                })
                .collect(),
        ),
        _ => {
            let texts = [
                "9999999999999999999999999999.0",
                "-9999999999999999999999999999.0",
                "0.0000000000000000000000000001",
                "-0.0000000000000000000000000001",
                "12345678901234.567890123456",
                "-12345678901234.567890123456",
                "123456789012.25",
                "0.0",
                "0.1",
                "-0.1",
                "1000000.000001",
                "3.1415926535897932384626",
            ];
            let number = Number { ty, max: 1e28, bits: None, places: None, exact: true };
            (number, texts.map(str::to_owned).to_vec())
        }
    };
    (Kind::Number(number), texts.iter().map(|text| decimal(text, number)).collect())
}

pub(super) fn float(value: f64, number: Number) -> Term {
    let text = format!("{value:e}");
    Term::literal(text.clone(), format!("({text})"), Kind::Number(number))
}

fn floats(rng: &mut Rng) -> (Kind, Vec<Term>) {
    let ty = NumberType::Float;
    let (number, values): (Number, Vec<f64>) = if rng.chance(60) {
        let number = Number { ty, max: 10.0, bits: Some(3), places: Some(0), exact: true };
        (number, (0..15).map(|_| eighth(rng, 80)).collect())
    } else {
        let number = Number { ty, max: f64::MAX, bits: None, places: Some(0), exact: true };
        let values = [
            f64::MAX,
            f64::MIN,
            5e-324,
            -5e-324,
            f64::MIN_POSITIVE,
            1e300,
            -1e300,
            0.1,
            -0.1,
            0.0,
            -0.0,
            1.0,
        ];
        (number, values.to_vec())
    };
    (Kind::Number(number), values.into_iter().map(|value| float(value, number)).collect())
}

/// A string literal: the same on both sides.
pub(super) fn text(value: &str) -> Term {
    let quoted = format!("'{}'", value.replace('\'', "''"));
    Term::literal(quoted.clone(), quoted, Kind::Text { ascii: value.is_ascii() })
}

const ASCII: &[&str] = &[
    "", " ", "a", "A", "ab", "aB", "AB", "abc", "b", " a ", "a b", "it's", "50%", "5_0", "a\\b", "\"q\"",
    "aaab", "0", "10", "9", "-1", "null", "a\nb", "--", "/*", ";", "?", "$1",
];

const UNICODE: &[&str] = &[
    "", "a", "é", "É", "e\u{301}", "ß", "Straße", "日本", "日", "🎵", "a🎵b", "z", "Ω", "\u{ff5e}", "\u{7f}",
    "ÿ",
];

fn texts(rng: &mut Rng) -> (Kind, Vec<Term>) {
    let ascii = rng.chance(65);
    let values = if ascii { ASCII } else { UNICODE };
    (Kind::Text { ascii }, values.iter().map(|value| text(value)).collect())
}

pub(super) const TIMES: &[&str] = &[
    "0001-01-01 00:00:00",
    "1899-12-31 23:59:59",
    "1969-12-31 23:59:59",
    "1969-12-31 23:59:59.5",
    "1970-01-01 00:00:00",
    "2000-02-29 12:00:00",
    "2000-02-29 12:00:00.000001",
    "2000-02-29 12:00:00.25",
    "2000-03-01 00:00:00",
    "2024-12-31 23:59:59",
    "2025-01-01 00:00:00",
    "9999-12-31 23:59:59",
];

pub(super) fn time(value: &str) -> Term {
    Term::literal(format!("timestamp '{value}'"), format!("'{value}'"), Kind::Time)
}

fn times() -> (Kind, Vec<Term>) {
    (Kind::Time, TIMES.iter().map(|value| time(value)).collect())
}
