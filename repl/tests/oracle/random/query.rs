//! Random queries and changes, in both languages.

use super::expr::{Generator, Scope};
use super::model::{Column, Model};
use super::rng::Rng;
use super::term::{Kind, Number, Term};

/// A statement in both languages.
#[derive(Clone, Debug)]
pub(super) struct Statement {
    pub(super) ours: String,
    pub(super) theirs: String,
    /// Whether the order of the rows is certain.
    pub(super) ordered: bool,
}

fn list(terms: &[Term], text: impl Fn(&Term) -> &String) -> String {
    terms.iter().map(|term| text(term).as_str()).collect::<Vec<_>>().join(", ")
}

impl Model {
    /// A condition over rows, or nothing.
    fn filter(&self, percent: usize, rng: &mut Rng) -> [String; 2] {
        if !rng.chance(percent) {
            return [String::new(), String::new()];
        }
        let depth = 1 + rng.below(3);
        let simple = rng.chance(45);
        let columns = self.reachable(rng);
        let mut row = Generator { rng, scope: Scope::Row(&columns) };
        let condition = if simple { row.simple() } else { row.truth(depth) };
        [format!(" where {}", condition.ours), format!(" where {}", condition.theirs)]
    }

    pub(super) fn query(&self, rng: &mut Rng) -> Statement {
        match rng.below(10) {
            0..5 => self.plain(rng),
            5 | 6 => self.distinct(rng),
            _ => self.grouped(rng),
        }
    }

    /// Rows: what nothing orders comes in the order of ids.
    fn plain(&self, rng: &mut Rng) -> Statement {
        let [our_filter, their_filter] = self.filter(80, rng);
        let columns = self.reachable(rng);
        let mut row = Generator { rng, scope: Scope::Row(&columns) };
        let star = row.rng.chance(25);
        let short = star && row.rng.chance(40);
        let mut items: Vec<Term> = Vec::new();
        if !star {
            for _ in 0..=row.rng.below(4) {
                let depth = row.rng.below(3);
                items.push(row.any(depth));
            }
        }
        let mut order = Order::default();
        if row.rng.chance(60) {
            for _ in 0..=row.rng.below(3) {
                let key = row.key();
                order.by(&key.ours, &key.theirs, row.rng);
            }
        }
        order.theirs.push("_id".to_owned());
        let [our_limits, their_limits] = limits(40, row.rng);
        let name = &self.name;
        let (ours, theirs) = match (star, short) {
            (_, true) => (format!("from {name}"), self.star()),
            (true, _) => (format!("select * from {name}"), self.star()),
            _ => {
                let ours = items.iter().enumerate().map(|(at, item)| {
                    if rng.chance(20) { format!("{} as c{at}", item.ours) } else { item.ours.clone() }
                });
                let ours = ours.collect::<Vec<_>>().join(", ");
                (format!("select {ours} from {name}"), list(&items, |it| &it.theirs))
            }
        };
        Statement {
            ours: format!("{ours}{our_filter}{}{our_limits}", order.ours()),
            theirs: format!("select {theirs} from {name}{their_filter}{}{their_limits}", order.theirs()),
            ordered: true,
        }
    }

    fn distinct(&self, rng: &mut Rng) -> Statement {
        let [our_filter, their_filter] = self.filter(50, rng);
        let columns = self.reachable(rng);
        let mut row = Generator { rng, scope: Scope::Row(&columns) };
        let items: Vec<Term> = (0..=row.rng.below(3)).map(|_| row.key()).collect();
        // All columns or none: with fewer, the rest of the order would be anyone's choice.
        let mut order = Order::default();
        let ordered = rng.chance(70);
        if ordered {
            let mut places: Vec<usize> = (1..=items.len()).collect();
            rng.shuffle(&mut places);
            places.iter().for_each(|place| order.by(&place.to_string(), &place.to_string(), rng));
        }
        let [our_limits, their_limits] = if ordered { limits(40, rng) } else { Default::default() };
        let name = &self.name;
        let (ours, theirs) = (list(&items, |it| &it.ours), list(&items, |it| &it.theirs));
        Statement {
            ours: format!("select distinct {ours} from {name}{our_filter}{}{our_limits}", order.ours()),
            theirs: format!(
                "select distinct {theirs} from {name}{their_filter}{}{their_limits}",
                order.theirs()
            ),
            ordered,
        }
    }

    fn grouped(&self, rng: &mut Rng) -> Statement {
        let [our_filter, their_filter] = self.filter(50, rng);
        let columns = self.reachable(rng);
        let mut row = Generator { rng, scope: Scope::Row(&columns) };
        let keys: Vec<Term> = (0..row.rng.below(4)).map(|_| row.key()).collect();
        #[expect(clippy::cast_precision_loss, reason = "a bound")]
        let rows = self.rows as f64 + 10.0;
        let scope = Scope::Group { keys: &keys, columns: &columns, rows };
        let mut group = Generator { rng, scope };
        // Keys among the items can be named in `group by` by alias or place.
        let (mut our_items, mut their_items) = (Vec::new(), Vec::new());
        let mut our_keys: Vec<String> = keys.iter().map(|key| key.ours.clone()).collect();
        for (at, key) in keys.iter().enumerate() {
            if group.rng.chance(70) {
                their_items.push(key.theirs.clone());
                match group.rng.below(3) {
                    0 => our_items.push(key.ours.clone()),
                    1 => {
                        our_items.push(format!("{} as g{at}", key.ours));
                        our_keys[at] = format!("g{at}");
                    }
                    _ => {
                        our_items.push(key.ours.clone());
                        our_keys[at] = our_items.len().to_string();
                    }
                }
            }
        }
        for _ in 0..=group.rng.below(3) {
            let item =
                if our_items.is_empty() || group.rng.chance(65) { group.aggregate() } else { group.any(1) };
            their_items.push(item.theirs);
            our_items.push(item.ours);
        }
        let having = group.rng.chance(35).then(|| group.truth(1));
        let mut order = Order::default();
        let ordered = group.rng.chance(70);
        if ordered {
            if group.rng.chance(50) {
                let key = group.aggregate();
                if key.is_exact() {
                    order.by(&key.ours, &key.theirs, group.rng);
                }
            }
            keys.iter().for_each(|key| order.by(&key.ours, &key.theirs, group.rng));
        }
        let [our_limits, their_limits] = if ordered { limits(30, rng) } else { Default::default() };
        let grouping = |keys: &str| if keys.is_empty() { String::new() } else { format!(" group by {keys}") };
        let having_of = |text: Option<&String>| text.map_or(String::new(), |it| format!(" having {it}"));
        let name = &self.name;
        Statement {
            ours: format!(
                "select {} from {name}{our_filter}{}{}{}{our_limits}",
                our_items.join(", "),
                grouping(&our_keys.join(", ")),
                having_of(having.as_ref().map(|it| &it.ours)),
                order.ours()
            ),
            theirs: format!(
                "select {} from {name}{their_filter}{}{}{}{their_limits}",
                their_items.join(", "),
                grouping(&list(&keys, |it| &it.theirs)),
                having_of(having.as_ref().map(|it| &it.theirs)),
                order.theirs()
            ),
            ordered,
        }
    }

    /// Rows to insert: one statement, the columns in any order, those with a default sometimes left out.
    /// Some refer to rows that are there already, of which these are the ids.
    pub(super) fn insert(&self, keys: std::ops::Range<i64>, ids: &[String], rng: &mut Rng) -> Statement {
        let mut columns: Vec<&Column> = self.columns.iter().collect();
        if rng.chance(50) {
            rng.shuffle(&mut columns);
            columns.retain(|column| column.default.is_none() || rng.chance(60));
        }
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for k in keys {
            let row: Vec<Term> = columns
                .iter()
                .map(|column| if column.name == "k" { Term::int(k) } else { column.value(rng) })
                .collect();
            let [our_parent, their_parent] = match ids.is_empty() || rng.chance(30) {
                true => ["null".to_owned(), "null".to_owned()],
                false => {
                    let id = rng.pick(ids);
                    [format!("@{id}"), format!("'{id}'")]
                }
            };
            ours.push(format!("({}, {our_parent})", list(&row, |it| &it.ours)));
            theirs.push(format!("({}, {their_parent})", list(&row, |it| &it.theirs)));
        }
        let names = |name: &dyn Fn(&Column) -> String| {
            columns.iter().map(|it| name(it)).collect::<Vec<_>>().join(", ")
        };
        let into = &self.name;
        Statement {
            ours: format!("insert into {into} ({}, parent) values {}", names(&Column::ours), ours.join(", ")),
            theirs: format!(
                "insert into {into} ({}, parent) values {}",
                names(&Column::theirs),
                theirs.join(", ")
            ),
            ordered: false,
        }
    }

    /// An update of some columns; what is known of them becomes what is known of both.
    pub(super) fn update(&mut self, rng: &mut Rng) -> Option<Statement> {
        let [our_filter, their_filter] = self.filter(85, rng);
        let mut targets: Vec<usize> = (0..self.columns.len()).collect();
        rng.shuffle(&mut targets);
        targets.retain(|at| self.columns.get(*at).is_some_and(|column| column.name != "k"));
        targets.truncate(1 + rng.below(2));
        let (mut ours, mut theirs, mut kinds) = (Vec::new(), Vec::new(), Vec::new());
        for at in targets {
            let column = &self.columns[at];
            let depth = rng.below(3);
            let mut row = Generator { rng, scope: Scope::Row(&self.columns) };
            let value = match column.nullable {
                true if row.rng.chance(15) => Term::null(column.kind),
                true => row.like_column(column, depth),
                false => column.value(row.rng),
            };
            let kind = match (column.kind, value.kind) {
                _ if value.is_null() => column.kind,
                (Kind::Number(before), Kind::Number(after)) if before.ty == after.ty && value.is_exact() => {
                    Kind::Number(stored(before, after)?)
                }
                (Kind::Text { ascii: a }, Kind::Text { ascii: b }) => Kind::Text { ascii: a && b },
                (Kind::Bool, Kind::Bool) => Kind::Bool,
                (Kind::Time, Kind::Time) => Kind::Time,
                _ => continue,
            };
            ours.push(format!("{} = {}", column.ours(), value.ours));
            theirs.push(format!("{} = {}", column.theirs(), value.theirs));
            kinds.push((at, kind));
        }
        if ours.is_empty() {
            return None;
        }
        let name = &self.name;
        let statement = Statement {
            ours: format!("update {name} set {}{our_filter} returning *", ours.join(", ")),
            theirs: format!(
                "update {name} set {}{their_filter} returning {}",
                theirs.join(", "),
                self.star()
            ),
            ordered: false,
        };
        for (at, kind) in kinds {
            self.columns[at].kind = kind;
        }
        Some(statement)
    }

    /// A deletion, or the restoring of deleted rows: our statement and SQLite's two.
    pub(super) fn remove(&self, restore: bool, rng: &mut Rng) -> (String, [String; 2]) {
        let depth = 1 + rng.below(2);
        let condition = Generator { rng, scope: Scope::Row(&self.columns) }.truth(depth);
        let name = &self.name;
        let deleted = format!("{name}_deleted");
        let (ours, from, to) = match restore {
            true => (format!("restore {name}"), &deleted, name),
            false => (format!("delete from {name}"), name, &deleted),
        };
        // The columns of a deleted row read as they did before.
        let moved = format!("_id in (select _id from {from} where {})", condition.theirs);
        let theirs = [
            format!("insert into {to} select * from {from} where {moved}"),
            format!("delete from {from} where _id in (select _id from {to})"),
        ];
        (format!("{ours} where {}", condition.ours), theirs)
    }

    /// Every row, to see that both sides hold the same.
    pub(super) fn everything(&self) -> Statement {
        Statement {
            ours: format!("select id, * from {}", self.name),
            theirs: format!("select _id, {} from {} order by _id", self.star(), self.name),
            ordered: true,
        }
    }

    /// The parts of a random index.
    pub(super) fn index(&self, rng: &mut Rng) -> Vec<(&'static str, bool)> {
        let mut parts: Vec<(&str, bool)> = self.columns.iter().map(|it| (it.name, rng.chance(40))).collect();
        rng.shuffle(&mut parts);
        parts.truncate(1 + rng.below(3));
        parts
    }
}

/// What a column holds once values of another expression are among its own; `None` where their bounds grow too far.
fn stored(before: Number, after: Number) -> Option<Number> {
    let both = before.or(after)?;
    // Decimals that are neither eighths nor short would be too close to others.
    let known = both.bits.is_some() || both.places.is_some();
    (both.exact && known && both.max <= before.max.max(1e12)).then_some(both)
}

/// An order in both languages: NULLs are where ours has them, said or not.
#[derive(Default)]
struct Order {
    ours: Vec<String>,
    theirs: Vec<String>,
}

impl Order {
    fn by(&mut self, ours: &str, theirs: &str, rng: &mut Rng) {
        let (direction, descending) =
            *rng.pick(&[("", false), (" asc", false), (" desc", true), (" desc", true)]);
        let (nulls, first) =
            *rng.pick(&[("", descending), ("", descending), (" nulls first", true), (" nulls last", false)]);
        let place = if first { "first" } else { "last" };
        self.ours.push(format!("{ours}{direction}{nulls}"));
        self.theirs.push(format!("{theirs}{direction} nulls {place}"));
    }

    fn ours(&self) -> String {
        if self.ours.is_empty() { String::new() } else { format!(" order by {}", self.ours.join(", ")) }
    }

    fn theirs(&self) -> String {
        if self.theirs.is_empty() { String::new() } else { format!(" order by {}", self.theirs.join(", ")) }
    }
}

fn limits(percent: usize, rng: &mut Rng) -> [String; 2] {
    if !rng.chance(percent) {
        return Default::default();
    }
    let (limit, offset) = (rng.between(0, 12), rng.between(0, 8));
    let both = format!(" limit {limit} offset {offset}");
    match rng.below(4) {
        0 => [format!(" limit {limit}"), format!(" limit {limit}")],
        1 => [format!(" offset {offset}"), format!(" limit -1 offset {offset}")],
        2 => [format!(" offset {offset} limit {limit}"), both],
        _ => [both.clone(), both],
    }
}
