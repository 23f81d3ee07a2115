//! Random questions.

use crate::live::Dice;
use crate::live::schema::{Kind, Schema, value as constant};

/// A random `select`.
pub(super) fn select(dice: &Dice, schema: &Schema) -> String {
    let from = &From::new(dice, schema);
    let mut text = String::from("select ");
    let grouped = dice.one_in(4);
    let mut order: Vec<String> = Vec::new();
    if grouped {
        let keys: Vec<String> = (0..dice.below(3)).map(|_| dice.pick(&from.values).clone()).collect();
        let mut items: Vec<String> = keys.clone();
        items.extend((0..=dice.below(2)).map(|_| aggregate(dice, from)));
        text += &items.join(", ");
        text += &format!(" from {}", from.model);
        text += &filter(dice, from);
        if !keys.is_empty() {
            text += &format!(" group by {}", keys.join(", "));
        }
        if dice.one_in(4) {
            text += &format!(" having count(*) > {}", dice.below(3));
        }
        order.extend((1..=items.len()).map(|at| at.to_string()));
    } else {
        let distinct = dice.one_in(5);
        let items: Vec<String> = match dice.below(4) {
            0 if !distinct => vec!["*".to_owned()],
            1 if !distinct => vec!["id".to_owned(), "*".to_owned()],
            _ => (0..=dice.below(3)).map(|_| value(dice, from)).collect(),
        };
        if distinct {
            text += "distinct ";
            order.extend((1..=items.len()).map(|at| at.to_string()));
        } else {
            order.extend((0..3).map(|_| value(dice, from)));
        }
        text += &format!("{} from {}", items.join(", "), from.model);
        text += &filter(dice, from);
    }
    if dice.one_in(2) {
        let keys: Vec<String> = (0..=dice.below(1))
            .map(|_| {
                format!(
                    "{}{}{}",
                    dice.pick(&order),
                    dice.pick(&["", " desc"]),
                    dice.pick(&["", " nulls first", " nulls last"])
                )
            })
            .collect();
        text += &format!(" order by {}", keys.join(", "));
    }
    if dice.one_in(3) {
        text += &format!(" limit {}", dice.below(6));
    }
    if dice.one_in(5) {
        text += &format!(" offset {}", dice.below(4));
    }
    text
}

/// What can be asked of a model.
struct From {
    model: String,
    numbers: Vec<String>,
    texts: Vec<String>,
    truths: Vec<String>,
    values: Vec<String>,
    /// What is compared with constants of its own type.
    plain: Vec<(String, Kind)>,
}

impl From {
    fn new(dice: &Dice, schema: &Schema) -> Self {
        // The last model is the one from which references lead furthest.
        let last = schema.models.len() - 1;
        let number = if dice.one_in(3) { dice.place(last + 1) } else { last };
        let model = &schema.models[number];
        let mut paths = schema.paths(number);
        if dice.one_in(2) {
            paths.retain(|(path, _)| !path.contains('.'));
        }
        let mut from = From {
            model: model.name.clone(),
            numbers: Vec::new(),
            texts: Vec::new(),
            truths: Vec::new(),
            values: vec!["id".to_owned()],
            plain: Vec::new(),
        };
        for (path, kind) in paths {
            match kind {
                Kind::Int => {
                    from.numbers.extend([path.clone(), path.clone(), format!("{path} % 7")]);
                    from.numbers.extend([format!("coalesce({path}, 0)"), format!("abs({path})")]);
                    from.numbers.extend([format!("{path} + 1"), format!("-{path} - -3")]);
                    from.values.extend([format!("{path} / 10"), format!("10 / {path}")]);
                    from.truths.push(format!("{path} > 1972"));
                }
                Kind::Float | Kind::Decimal => {
                    from.numbers.extend([path.clone(), format!("{path} * 2")]);
                    from.values.push(format!("cast({path} as string)"));
                }
                Kind::Bool => from.truths.extend([path.clone(), format!("{path} is not false")]),
                Kind::String | Kind::Text => {
                    from.numbers.push(format!("length({path})"));
                    from.texts.extend([path.clone(), path.clone(), format!("lower({path})")]);
                    from.texts.extend([format!("coalesce({path}, 'x')"), format!("{path} || upper({path})")]);
                    from.texts.push(format!("substr({path}, 1, 1)"));
                }
                Kind::Json => from.texts.push(format!("{path}.label")),
                Kind::Bytes | Kind::Timestamp | Kind::Uuid | Kind::Ulid | Kind::Ref(_) => {}
            }
            if !matches!(kind, Kind::Text | Kind::Json | Kind::Ref(_)) {
                from.plain.push((path.clone(), kind));
            }
            from.values.push(path);
        }
        from
    }
}

fn value(dice: &Dice, from: &From) -> String {
    match dice.below(8) {
        0 => format!("case when {} then 1 else 2 end", condition(dice, from, 1)),
        1 => format!("coalesce({}, 'none')", dice.pick(&from.texts)),
        _ => dice.pick(&from.values).clone(),
    }
}

fn aggregate(dice: &Dice, from: &From) -> String {
    let number = dice.pick(&from.numbers);
    let text = dice.pick(&from.texts);
    let call = match dice.below(9) {
        0 => "count(*)".to_owned(),
        1 => format!("count(distinct {text})"),
        2 => format!("sum({number})"),
        3 => format!("avg({number})"),
        4 => format!("min({number})"),
        5 => format!("max({text})"),
        6 => format!("string_agg({text}, ', ')"),
        7 => format!("bool_or({})", dice.pick(&from.truths)),
        _ => format!("sum(distinct {number})"),
    };
    if dice.one_in(4) { format!("{call} filter (where {})", condition(dice, from, 1)) } else { call }
}

fn filter(dice: &Dice, from: &From) -> String {
    if dice.one_in(4) { String::new() } else { format!(" where {}", condition(dice, from, 0)) }
}

fn condition(dice: &Dice, from: &From, depth: u32) -> String {
    let inner = || condition(dice, from, depth + 1);
    if depth < 3 && dice.one_in(2) {
        return match dice.below(3) {
            0 => format!("({} and {})", inner(), inner()),
            1 => format!("({} or {})", inner(), inner()),
            _ => format!("not {}", inner()),
        };
    }
    let number = dice.pick(&from.numbers);
    let text = dice.pick(&from.texts);
    let not = dice.pick(&["", "not "]);
    let (plain, kind) = dice.pick(&from.plain);
    let same = || constant(dice, *kind);
    match dice.below(14) {
        9 | 10 => format!("{plain} {} {}", dice.pick(&["=", "<>", "<", "<=", ">", ">="]), same()),
        11 => format!("{plain} {not}between {} and {}", same(), same()),
        12 => format!("{plain} {not}in ({}, {})", same(), same()),
        13 => format!("{text} {not}ilike '{}' escape 'b'", dice.pick(&["%A%", "bbB%", "_", "b%"])),
        0 | 1 => format!("{number} {} {}", dice.pick(&["=", "<>", "<", "<=", ">", ">="]), near(dice)),
        2 => format!("{number} {not}between {} and {}", near(dice), near(dice)),
        3 => format!("{number} {not}in ({}, {}, {})", near(dice), near(dice), dice.pick(&["null", "1972"])),
        4 => format!("{text} {not}like '{}'", dice.pick(&["%a%", "B%", "_b%", "a", "%"])),
        5 => format!("{text} {} '{}'", dice.pick(&["=", "<>", "<", ">="]), dice.pick(WORDS)),
        6 => format!("{} is {not}null", dice.pick(&from.values)),
        7 => dice.pick(&from.truths).clone(),
        _ => format!("{text} is {not}distinct from '{}'", dice.pick(WORDS)),
    }
}

/// Words that come again and again.
pub(super) const WORDS: &[&str] = &["a", "B", "abc", "Blue", "x", "bb"];

fn near(dice: &Dice) -> u64 {
    match dice.below(3) {
        0 => dice.below(10),
        _ => 1969 + dice.below(8),
    }
}
