//! Which selected column or group key an expression is. Keys and columns may be thousands, so they are found by
//! their hash.

use std::cell::OnceCell;
use std::collections::HashMap;

use ankurah_query_lang::ast::{self, ExprKind};

use super::literal::count;
use super::scope::{Scope, folded};
use super::select::Item;
use crate::query::bound::Grouping;
use crate::query::error::{BindError, BindErrorKind};
use crate::query::expr::{Expr, Place, SlotNames};

/// Each expression with its number; of equal ones the first.
pub(super) fn numbered<'a>(exprs: impl Iterator<Item = &'a Expr>) -> HashMap<&'a Expr, usize> {
    let mut numbers = HashMap::new();
    for (number, expr) in exprs.enumerate() {
        numbers.entry(expr).or_insert(number);
    }
    numbers
}

/// The names of selected columns.
pub(super) struct Labels<'i> {
    items: &'i [Item],
    /// Made when the first name is looked for.
    found: OnceCell<Found<'i>>,
}

#[derive(Default)]
struct Found<'i> {
    exact: HashMap<&'i str, Same>,
    /// By names in lower case.
    folded: HashMap<String, Same>,
}

/// The columns of one name.
struct Same {
    /// The number of the first.
    first: usize,
    count: usize,
    /// Whether all are the same expression.
    equal: bool,
}

impl Same {
    fn add(same: &mut Option<Same>, items: &[Item], number: usize) {
        let expr = |number: usize| items.get(number).map(|item| &item.typed.expr);
        match same {
            None => *same = Some(Same { first: number, count: 1, equal: true }),
            Some(same) => {
                same.count = same.count.saturating_add(1);
                same.equal = same.equal && expr(same.first) == expr(number);
            }
        }
    }
}

impl<'i> Labels<'i> {
    pub(super) fn new(items: &'i [Item]) -> Self {
        Labels { items, found: OnceCell::new() }
    }

    fn found(&self) -> &Found<'i> {
        self.found.get_or_init(|| {
            let mut exact: HashMap<&str, Option<Same>> = HashMap::new();
            let mut by_case: HashMap<String, Option<Same>> = HashMap::new();
            for (number, item) in self.items.iter().enumerate() {
                Same::add(exact.entry(&item.name).or_default(), self.items, number);
                Same::add(by_case.entry(folded(&item.name).collect()).or_default(), self.items, number);
            }
            Found {
                exact: exact.into_iter().filter_map(|(name, same)| Some((name, same?))).collect(),
                folded: by_case.into_iter().filter_map(|(name, same)| Some((name, same?))).collect(),
            }
        })
    }

    /// The selected column that a bare name means: exactly, or else regardless of case.
    pub(super) fn find(&self, expr: &ast::Expr) -> Result<Option<&'i Item>, BindError> {
        let ExprKind::Path(path) = &expr.kind else { return Ok(None) };
        if !path.steps.is_empty() || path.root.id.is_some() {
            return Ok(None);
        }
        let ident = &path.root.ident;
        let found = self.found();
        let same = match found.exact.get(ident.name.as_str()) {
            None if !ident.quoted => found.folded.get(&folded(&ident.name).collect::<String>()),
            same => same,
        };
        match same {
            None => Ok(None),
            Some(same) if same.equal => Ok(self.items.get(same.first)),
            Some(same) => {
                let candidates = count(same.count, "selected column", "selected columns");
                let kind = BindErrorKind::Ambiguous { name: ident.name.clone(), candidates };
                Err(BindError::new(kind, expr.span).help("give the columns different names with `as`"))
            }
        }
    }
}

pub(super) fn contains_aggregate(expr: &Expr) -> bool {
    let mut found = matches!(expr, Expr::Aggregate(..));
    expr.children(&mut |child| found |= contains_aggregate(child));
    found
}

/// Which chain of conditions a key is.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Chain {
    And,
    Or,
}

/// What rows are grouped by.
pub(super) struct Groups<'a> {
    grouping: &'a Grouping,
    scope: &'a Scope<'a>,
    keys: HashMap<&'a Expr, usize>,
    /// The keys that are chains, by the first two of their conditions, ascending.
    chains: HashMap<(Chain, &'a Expr, &'a Expr), Vec<Part<'a>>>,
}

/// The number of a key and its conditions.
type Part<'a> = (usize, &'a [Expr]);

impl<'a> Groups<'a> {
    pub(super) fn new(grouping: &'a Grouping, scope: &'a Scope<'a>) -> Self {
        let mut chains: HashMap<_, Vec<(usize, &[Expr])>> = HashMap::new();
        for (number, key) in grouping.keys.iter().enumerate() {
            let (chain, list) = match key {
                Expr::And(list) => (Chain::And, list),
                Expr::Or(list) => (Chain::Or, list),
                _ => continue,
            };
            if let [first, second, ..] = list.as_slice() {
                chains.entry((chain, first, second)).or_default().push((number, list.as_slice()));
            }
        }
        Groups { grouping, scope, keys: numbered(grouping.keys.iter()), chains }
    }

    /// Makes an expression over input rows one over groups: group keys, then aggregates.
    pub(super) fn regroup(&self, expr: &mut Expr) -> Result<(), BindError> {
        if let Some(key) = self.keys.get(&*expr) {
            let place = match expr {
                Expr::Constant(_) => return Ok(()),
                Expr::Column(_, place) => *place,
                _ => Place::default(),
            };
            *expr = Expr::Column(*key, place);
            return Ok(());
        }
        // Binding pushes `not` into comparisons: `not a > b` beside the key `a > b` is `a <= b` by now.
        if matches!(expr, Expr::Compare(..) | Expr::Is { .. } | Expr::IsDistinct { .. }) {
            if let Some(key) = self.keys.get(&super::expr::not(expr.clone())) {
                *expr = Expr::Not(Box::new(Expr::Column(*key, Place::default())));
                return Ok(());
            }
        }
        match expr {
            Expr::Aggregate(number, place) => {
                *expr = Expr::Column(self.grouping.keys.len().saturating_add(*number), *place);
                Ok(())
            }
            Expr::Column(slot, place) => Err(self.not_grouped(&self.scope.slot_name(*slot), *place)),
            Expr::And(list) => self.regroup_chain(list, Chain::And),
            Expr::Or(list) => self.regroup_chain(list, Chain::Or),
            other => {
                let mut result = Ok(());
                other.children_mut(&mut |child| {
                    if result.is_ok() {
                        result = self.regroup(child);
                    }
                });
                result
            }
        }
    }

    /// Chains of `and` and of `or` are flat: the key `a or b` is a part of the list that `(a or b) or c` is.
    fn regroup_chain(&self, list: &mut Vec<Expr>, chain: Chain) -> Result<(), BindError> {
        let mut rest = std::mem::take(list).into_iter();
        while !rest.as_slice().is_empty() {
            if let Some((key, length)) = self.chain_at(rest.as_slice(), chain) {
                rest.by_ref().take(length).for_each(drop);
                list.push(Expr::Column(key, Place::default()));
            } else if let Some(mut next) = rest.next() {
                self.regroup(&mut next)?;
                list.push(next);
            }
        }
        Ok(())
    }

    /// The first key that is a chain with which a list of conditions begins, and how many conditions it has.
    fn chain_at(&self, list: &[Expr], chain: Chain) -> Option<(usize, usize)> {
        if self.chains.is_empty() {
            return None;
        }
        let [first, second, ..] = list else { return None };
        let keys = self.chains.get(&(chain, first, second))?;
        keys.iter().find(|(_, part)| list.starts_with(part)).map(|(number, part)| (*number, part.len()))
    }

    fn not_grouped(&self, name: &str, place: Place) -> BindError {
        let message = if self.grouping.keys.is_empty() {
            format!("`{name}` stands beside an aggregate, but the rows are not grouped by it")
        } else {
            format!("the rows are not grouped by `{name}`")
        };
        BindError::new(BindErrorKind::Grouping(message), place.0)
            .help(format!("add `{name}` to `group by`, or use it inside an aggregate such as `max({name})`"))
    }
}
