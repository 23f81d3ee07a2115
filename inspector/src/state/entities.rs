//! The entities of a collection, of which only what is near the screen is read.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use ankurah_core::catalog::{Model, Property};
use ankurah_core::id::EntityId;
use ankurah_core::node::protocol::{Event, Parameters, Request, SessionId};
use ankurah_core::value::{Value, ValueRef};
use ankurah_query_lang::ast::Predicate;
use ankurah_query_lang::parse_predicate;

use super::list::List;
use super::names::{model_text, property_text};
use super::timeline::Point;

/// Rows that are read together.
pub const PAGE: usize = 128;
/// Pages that are kept.
const KEPT: usize = 24;
/// Characters of a value that are kept: more than any terminal is wide.
const LONGEST: usize = 600;
/// The sessions of what is read here.
const ROWS: SessionId = SessionId(101);
const COUNT: SessionId = SessionId(102);

/// A row: the entity and its values, in the order of the shown columns.
#[derive(Clone, Debug, PartialEq)]
pub struct EntityRow {
    /// The entity.
    pub id: EntityId,
    /// The values, cut where they are long.
    pub values: Vec<Value>,
}

/// The table of one collection.
#[derive(Clone, Debug)]
pub struct Entities {
    /// The model.
    pub model: Arc<Model>,
    /// The columns that are shown.
    pub columns: Vec<Arc<Property>>,
    /// The column that is in focus; 0 is the id.
    pub focus: usize,
    /// The property that rows are sorted by, and whether downwards.
    pub sort: Option<(Arc<Property>, bool)>,
    /// What is asked after `where`; empty is everything.
    pub condition: String,
    /// The point as of which it is listed; `None` is now.
    pub at: Option<Point>,
    /// How many rows there are, once that is known.
    pub count: Option<usize>,
    /// Where one is.
    pub list: List,
    /// Why there are no rows.
    pub failure: Option<String>,
    pages: BTreeMap<usize, Vec<EntityRow>>,
    /// Pages that are to be read again, and shown as they are until then.
    old: BTreeSet<usize>,
    /// The page that is being read.
    reading: Option<usize>,
    /// Whether that has become out of date meanwhile.
    again: bool,
    /// What came of it.
    arriving: Vec<EntityRow>,
    /// The rows that were shown before the last step in time, and whether they were all that there were.
    before: HashMap<EntityId, Vec<Value>>,
    all_before: bool,
}

impl Entities {
    /// The table of a model: all columns, in id order.
    pub fn new(model: Arc<Model>) -> Self {
        let columns = model.columns().cloned().collect();
        Entities {
            model,
            columns,
            focus: 0,
            sort: None,
            condition: String::new(),
            at: None,
            count: None,
            list: List::default(),
            failure: None,
            pages: BTreeMap::new(),
            old: BTreeSet::new(),
            reading: None,
            again: false,
            arriving: Vec::new(),
            before: HashMap::new(),
            all_before: false,
        }
    }

    /// How many rows the list has, as far as is known.
    pub fn len(&self) -> usize {
        let read = self.pages.iter().map(|(page, rows)| page * PAGE + rows.len()).max().unwrap_or(0);
        self.count.unwrap_or(read)
    }

    /// Whether it has none, as far as is known.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A row, if it was read.
    pub fn row(&self, number: usize) -> Option<&EntityRow> {
        self.pages.get(&(number / PAGE))?.get(number % PAGE)
    }

    /// Rows that were read, with their numbers.
    pub fn rows(&self) -> impl Iterator<Item = (usize, &EntityRow)> {
        self.pages.iter().flat_map(|(page, rows)| {
            let first = page * PAGE;
            rows.iter().enumerate().map(move |(at, row)| (first + at, row))
        })
    }

    /// Forgets what was read.
    pub fn reset(&mut self) {
        self.pages.clear();
        self.old.clear();
        self.forget_before();
        self.arriving.clear();
        self.reading = None;
        self.count = None;
        self.failure = None;
    }

    /// What was read is out of date; it is shown until something else has come.
    pub fn renew(&mut self) {
        self.old = self.pages.keys().copied().collect();
        self.again = self.reading.is_some();
    }

    /// Goes to another point in time. What is shown, as far as it is up to date, is what that is compared with.
    pub fn travel(&mut self, at: Option<Point>) {
        self.remember();
        self.at = at;
        self.failure = None;
        self.reading = None;
        self.arriving.clear();
        self.renew();
    }

    /// What is shown is what comes next is compared with.
    pub fn remember(&mut self) {
        let current = |row: usize| !self.old.contains(&(row / PAGE));
        let rows: Vec<_> = self.rows().filter(|(number, _)| current(*number)).collect();
        if rows.is_empty() && !self.old.is_empty() {
            // Its successor is still to come: it was compared with already.
            return;
        }
        let all = self.count == Some(rows.len());
        let before = rows.into_iter().map(|(_, row)| (row.id, row.values.clone())).collect();
        (self.before, self.all_before) = (before, all);
    }

    /// Whether what is shown is compared with what was shown before.
    pub fn compares(&self) -> bool {
        !self.before.is_empty() || self.all_before
    }

    /// What a row was before the last step in time; `None` where that is not known.
    pub fn before(&self, row: &EntityRow) -> Option<&[Value]> {
        self.before.get(&row.id).map(Vec::as_slice)
    }

    /// Whether a row has come with the last step in time.
    pub fn is_new(&self, row: &EntityRow) -> bool {
        self.all_before && !self.before.contains_key(&row.id)
    }

    /// Forgets what was shown before.
    pub fn forget_before(&mut self) {
        self.before.clear();
        self.all_before = false;
    }

    /// The property in focus; `None` is the id.
    pub fn focused(&self) -> Option<&Arc<Property>> {
        self.focus.checked_sub(1).and_then(|at| self.columns.get(at))
    }

    /// Puts the next column in focus, or the one before.
    pub fn focus_on(&mut self, next: bool) {
        let last = self.columns.len();
        self.focus = if next { (self.focus + 1).min(last) } else { self.focus.saturating_sub(1) };
    }

    /// Sorts by the column in focus: upwards, downwards, not at all.
    pub fn cycle_sort(&mut self) {
        let Some(property) = self.focused().cloned() else {
            self.sort = None;
            return;
        };
        self.sort = match &self.sort {
            Some((by, false)) if by.id == property.id => Some((property, true)),
            Some((by, true)) if by.id == property.id => None,
            _ => Some((property, false)),
        };
    }

    /// Whether the condition says in which order: the column's then counts for nothing.
    pub fn has_own_order(&self) -> bool {
        parsed(&self.condition).is_some_and(|predicate| !predicate.order_by.is_empty())
    }

    /// The property that rows are in fact sorted by, and whether downwards.
    pub fn sorted(&self) -> Option<&(Arc<Property>, bool)> {
        self.sort.as_ref().filter(|_| !self.has_own_order())
    }

    /// Leaves the column in focus out.
    pub fn hide_column(&mut self) {
        if let Some(at) = self.focus.checked_sub(1).filter(|at| *at < self.columns.len()) {
            self.columns.remove(at);
            self.focus = self.focus.min(self.columns.len());
        }
    }

    /// All columns again.
    pub fn show_columns(&mut self) {
        self.columns = self.model.columns().cloned().collect();
    }

    /// What stands after `from`: the model, as of a position where one is chosen.
    fn source(&self) -> String {
        let model = model_text(&self.model);
        match self.at {
            Some(point) => format!("{model} as of {}", point.text()),
            None => model,
        }
    }

    /// The condition and the order after `from`: printed from what was understood, so that nothing that is typed, such as
    /// a comment, reaches beyond it.
    fn tail(&self) -> String {
        let rest = match parsed(&self.condition) {
            Some(predicate) if predicate.filter.is_some() => format!(" where {predicate}"),
            // An order alone is no condition.
            Some(predicate) => format!(" {predicate}"),
            None => String::new(),
        };
        let order = match self.sorted() {
            Some((property, down)) => {
                format!(" order by {}{}", property_text(property), if *down { " desc" } else { "" })
            }
            None => String::new(),
        };
        format!(" from {}{rest}{order}", self.source())
    }

    /// The statement that gives what is listed.
    pub fn statement(&self) -> String {
        let columns = self.columns.iter().map(|property| format!(", {}", property_text(property)));
        format!("select id{}{}", columns.collect::<String>(), self.tail())
    }

    /// What is wrong with the condition, if anything: known without asking.
    pub fn wrong(condition: &str) -> Option<String> {
        let condition = condition.trim();
        if condition.is_empty() {
            return None;
        }
        match parse_predicate(condition) {
            Err(error) => Some(error.to_string()),
            Ok(predicate) if predicate.limit.is_some() || predicate.offset.is_some() => {
                Some("leave the limit out: only what is seen is read".to_owned())
            }
            Ok(_) => None,
        }
    }

    /// The request that counts the rows.
    pub fn count_request(&self) -> Request {
        let filter = parsed(&self.condition).and_then(|predicate| predicate.filter);
        let condition = filter.map(|filter| format!(" where {filter}")).unwrap_or_default();
        execute(COUNT, format!("select count(*) from {}{condition}", self.source()))
    }

    /// The request of what is missing near the screen, if anything is.
    pub fn wanted(&mut self, height: usize) -> Option<Request> {
        if self.reading.is_some() || self.failure.is_some() {
            return None;
        }
        let first = self.list.top / PAGE;
        let last = self.list.top.saturating_add(height.max(1)) / PAGE;
        let ahead = self.list.top.saturating_add(height.max(1) + PAGE / 2) / PAGE;
        let behind = self.list.top.saturating_sub(PAGE / 2) / PAGE;
        let exists = |page: &usize| *page == 0 || self.count.is_none_or(|count| page * PAGE < count);
        let page = [first, last, ahead, behind]
            .into_iter()
            .filter(exists)
            .find(|page| !self.pages.contains_key(page) || self.old.contains(page))?;
        self.reading = Some(page);
        self.arriving.clear();
        Some(execute(ROWS, format!("{} limit {PAGE} offset {}", self.statement(), page * PAGE)))
    }

    /// Takes a part of a page in.
    pub fn take(&mut self, events: Vec<Event>) {
        for event in events {
            let Event::Rows(rows) = event else { continue };
            for row in rows.iter() {
                let mut values = row.iter();
                if let Some(ValueRef::Ref(id)) = values.next() {
                    let values = values.map(shortened).collect();
                    self.arriving.push(EntityRow { id, values });
                }
            }
        }
    }

    /// The page is whole, or there is none.
    pub fn finish(&mut self, failure: Option<String>) {
        let rows = std::mem::take(&mut self.arriving);
        let Some(page) = self.reading.take() else { return };
        if failure.is_some() {
            self.failure = failure;
            return;
        }
        if !std::mem::take(&mut self.again) {
            self.old.remove(&page);
        }
        self.pages.insert(page, rows);
        while self.pages.len() > KEPT {
            let here = self.list.top / PAGE;
            let farthest = self.pages.keys().max_by_key(|page| page.abs_diff(here)).copied();
            if farthest.and_then(|page| self.pages.remove(&page)).is_none() {
                break;
            }
        }
    }

    /// Whether rows are being read.
    pub fn is_reading(&self) -> bool {
        self.reading.is_some()
    }

    /// Whether some of the rows on a screen of so many lines are out of date, or still to be read.
    pub fn is_waiting(&self, height: usize) -> bool {
        let seen = [self.list.top, self.list.top.saturating_add(height.saturating_sub(1))];
        let length = self.len();
        self.failure.is_none()
            && seen.map(|row| row.min(length.saturating_sub(1)) / PAGE).iter().any(|page| {
                self.old.contains(page) || !self.pages.contains_key(page) || self.reading == Some(*page)
            })
    }

    /// Takes the number of rows in.
    pub fn take_count(&mut self, events: &[Event]) {
        if let Some(count) = counted(events) {
            self.count = usize::try_from(count).ok();
        }
    }
}

/// What a condition says; `None` where it is empty or wrong.
fn parsed(condition: &str) -> Option<Predicate> {
    parse_predicate(condition.trim()).ok().filter(|_| !condition.trim().is_empty())
}

/// The number that a count gave.
pub fn counted(events: &[Event]) -> Option<i64> {
    events.iter().find_map(|event| match event {
        Event::Rows(rows) => match rows.first().map(|row| row.get(0)) {
            Some(ValueRef::Int(count)) => Some(count),
            _ => None,
        },
        _ => None,
    })
}

/// A request to run a statement.
pub fn execute(session: SessionId, statement: String) -> Request {
    Request::Execute { session, statement, parameters: Parameters::default() }
}

/// A value of which no more is kept than can be shown.
fn shortened(value: ValueRef<'_>) -> Value {
    let cut = |text: &str| match text.char_indices().nth(LONGEST) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned(),
        None => text.to_owned(),
    };
    match value {
        ValueRef::String(text) => Value::String(cut(text).into()),
        // What is cut is no document any more, and only shown.
        ValueRef::Json(text) => Value::Json(cut(text).into()),
        ValueRef::Bytes(bytes) => Value::Bytes(bytes.get(..LONGEST).unwrap_or(bytes).into()),
        other => other.to_value(),
    }
}
