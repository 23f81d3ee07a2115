//! The node: overview, collections, live queries, what is set aside, indexes, what was asked.

use std::ops::Range;

use ankurah_core::node::protocol::{LiveQueryInfo, Upkeep};
use ankurah_core::storage::{IndexState, SetAside};

use super::{Page, count, duration, grouped, moment, number, size};
use crate::line::{Line, Role};
use crate::state::names::short;
use crate::state::{State, Verification};
use crate::theme::Theme;

/// Rates that are drawn.
const RATES: usize = 60;

fn field(name: &str) -> Line {
    Line::new().own(Role::Dim, format!("  {name:<14} "))
}

pub(super) fn overview_lines(state: &State, theme: Theme) -> Vec<Line> {
    let mut lines = vec![Line::new().own(Role::Strong, "Node")];
    if let Some(trouble) = &state.trouble {
        lines.push(field("trouble").data(Role::Error, trouble));
    }
    if let Some(info) = &state.info {
        lines.push(field("version").own(Role::Text, &info.version));
        lines.push(field("author").own(Role::Id, &info.author));
        lines.push(field("engine").data(Role::Name, &info.store.engine));
        let store = format!("{}  epoch {}  format {}", info.store.store, info.store.epoch, info.store.format);
        lines.push(field("store").own(Role::Id, store));
        lines.push(field("position").own(Role::Number, info.position.0.to_string()));
        let access = match (info.read_only, state.options.write) {
            (true, _) => "the node is open read-only",
            (false, true) => "this inspector may change values",
            (false, false) => "this inspector only reads",
        };
        lines.push(field("access").own(Role::Text, access));
    } else {
        lines.push(field("").own(Role::Dim, "asking ..."));
    }
    let entities: i64 = state.counts.values().sum();
    let own = state.names.models().iter().filter(|model| !model.name.starts_with('_')).count();
    let collections = count(own, "collection", "collections");
    let entities = count(usize::try_from(entities).unwrap_or(0), "entity", "entities");
    lines.push(Line::new());
    lines.push(Line::new().own(Role::Strong, "Data"));
    lines.push(
        field("collections").own(Role::Number, format!("{collections}, {entities} with the catalog's")),
    );
    let totals = &state.live.totals;
    let live = count(state.live.queries.len(), "query", "queries");
    let observers = count(usize::try_from(totals.subscribers).unwrap_or(0), "observer", "observers");
    let residual = match totals.residual {
        0 => String::new(),
        some => format!(", {some} residual ({:.1} looks/s)", totals.looks_per_second),
    };
    lines.push(field("live").own(Role::Number, format!("{live}, {observers}{residual}")));
    let rates = rates(state);
    let last = rates.last().copied().unwrap_or(0);
    let spark = theme.spark(rates.get(rates.len().saturating_sub(RATES)..).unwrap_or_default());
    lines.push(field("commits/s").own(Role::Number, format!("{last:<6} ")).own(Role::Good, spark));
    lines.push(Line::new());
    lines.push(Line::new().own(Role::Strong, "Storage"));
    lines.extend(storage(state));
    lines.push(Line::new());
    lines.push(Line::new().own(Role::Strong, "Soundness"));
    let key = state.options.keymap.first(crate::action::Action::Verify);
    lines.push(match &state.verification {
        Verification::Not => {
            field("verify").own(Role::Dim, format!("{key} checks every digest, link and state"))
        }
        Verification::Running => field("verify").own(Role::Dim, "checking ..."),
        Verification::Done(took) if state.faults.is_empty() => {
            field("verify").own(Role::Good, format!("sound ({})", duration(*took)))
        }
        Verification::Done(_) => {
            field("verify").own(Role::Error, count(state.faults.len(), "fault", "faults"))
        }
        Verification::Failed(message) => field("verify").data(Role::Error, message),
    });
    for fault in &state.faults {
        let line = Line::new().own(Role::Error, "  fault ").data(Role::Text, &fault.record);
        lines.push(line.own(Role::Text, ": ").data(Role::Text, &fault.message));
    }
    lines
}

/// What the store takes, as far as its engine can tell.
fn storage(state: &State) -> Vec<Line> {
    let Some(statistics) = &state.statistics else {
        return vec![field("").own(Role::Dim, "asking ...")];
    };
    let known = |name: &str, number: Option<u64>, text: fn(u64) -> String| match number {
        Some(number) => field(name).own(Role::Number, text(number)),
        None => field(name).own(Role::Dim, "not known to this engine"),
    };
    let footprint = &statistics.footprint;
    let cache = match (footprint.cached, footprint.cache) {
        (Some(used), Some(all)) => {
            field("cache").own(Role::Number, format!("{} of {}", size(used), size(all)))
        }
        (None, Some(all)) => field("cache").own(Role::Number, format!("at most {}", size(all))),
        (used, None) => known("cache", used, size),
    };
    let uses: u64 = statistics.indexes.iter().map(|index| index.scans).fold(0, u64::saturating_add);
    let indexes = count(statistics.indexes.len(), "index", "indexes");
    let deleted = format!("{} and {} deleted", number(statistics.entities), number(statistics.deleted));
    vec![
        known("on disk", footprint.disk, size),
        known("keys", footprint.keys, |keys| format!("about {}", number(keys))),
        known("to be written", footprint.buffered, size),
        cache,
        field("entities").own(Role::Number, deleted),
        field("indexes").own(Role::Number, format!("{indexes}, read {} times", number(uses))),
    ]
}

/// Commits a second, from the positions that were seen.
fn rates(state: &State) -> Vec<u64> {
    let pairs = state.points.iter().zip(state.points.iter().skip(1));
    pairs
        .map(|((before, from), (after, to))| {
            let micros = u64::try_from(after - before).unwrap_or(0).max(1);
            to.saturating_sub(*from).saturating_mul(1_000_000) / micros
        })
        .collect()
}

pub(super) fn overview(state: &State, theme: Theme) -> Page<'_> {
    let lines = overview_lines(state, theme);
    let rows = move |range: Range<usize>| lines.get(range).unwrap_or_default().to_vec();
    Page { rows: Box::new(rows), ..Page::bare("Overview", Line::new()) }
}

pub(super) fn collections(state: &State) -> Page<'_> {
    let models = state.names.models();
    let widest = models.iter().map(|model| ankurah_display::width(&crate::line::safe(&model.label))).max();
    let widest = widest.unwrap_or(0).clamp(10, 40);
    let head = Line::new().own(Role::Dim, "collection").pad(widest + 2);
    let rows = move |range: Range<usize>| {
        let shown = models.get(range.clone()).unwrap_or_default().iter().zip(range);
        shown
            .map(|(model, number)| {
                let line = Line::new().data(Role::Name, &model.label).cut(widest, "~").pad(widest + 2);
                let entities = state
                    .counts
                    .get(&number)
                    .map_or("...".to_owned(), |count| grouped(usize::try_from(*count).unwrap_or(0)));
                let mut line = line.own(Role::Number, format!("{entities:>12}  "));
                let properties: Vec<_> = model.columns().collect();
                for (at, property) in properties.iter().enumerate() {
                    let comma = if at > 0 { ", " } else { "" };
                    let role = if model.is_key(property.id) { Role::Strong } else { Role::Text };
                    line = line.own(Role::Dim, comma).data(role, &property.label);
                    let key = if model.is_key(property.id) { " key" } else { "" };
                    line = line.own(Role::Dim, format!(" {}{key}", state.names.type_name(property)));
                }
                line
            })
            .collect()
    };
    Page {
        head: vec![head.own(Role::Dim, format!("{:>12}  properties", "entities"))],
        rows: Box::new(rows),
        ..Page::bare("Collections", Line::new().own(Role::Dim, "There is no collection yet."))
    }
}

/// How many lines stand above the live queries: what of the selected one is too long for its line, and the headings.
pub(super) fn live_head(state: &State) -> usize {
    if state.live.queries.is_empty() { 1 } else { 3 }
}

pub(super) fn live(state: &State, columns: usize) -> Page<'_> {
    // Without room for everything the query and how it is kept are what matters.
    let all = columns >= 76;
    let rows = move |range: Range<usize>| {
        let queries = state.live.queries.get(range).unwrap_or_default();
        queries
            .iter()
            .map(|query| {
                let mut facts = format!("{:>7} ", query.rows);
                if all {
                    facts = format!("{facts}{:>4} {:>8} ", query.subscribers, query.notifications);
                }
                facts = format!("{facts}{:>6.1} ", query.per_second);
                if all {
                    facts = format!("{facts}{:>7} ", query.waiting);
                }
                let line = Line::new().own(Role::Number, facts);
                let (role, mark) = match (&query.failure, &query.last_failure) {
                    (Some(_), _) => (Role::Error, "fails: "),
                    (None, Some(_)) => (Role::Warning, "failed: "),
                    (None, None) => (Role::Text, ""),
                };
                let line = line.own(Role::Text, format!("{:<9} ", upkeep(query)));
                line.own(role, mark).data(Role::Text, &query.text)
            })
            .collect()
    };
    let headings = match all {
        true => format!(
            "{:>7} {:>4} {:>8} {:>6} {:>7} {:<9} query",
            "rows", "obs", "told", "/s", "waiting", "kept"
        ),
        false => format!("{:>7} {:>6} {:<9} query", "rows", "/s", "kept"),
    };
    let mut head = Vec::new();
    if let Some(query) = state.live.queries.get(state.list().selected) {
        head.push(Line::new().data(Role::Strong, &query.text));
        head.push(match (&query.failure, &query.last_failure) {
            (Some(failure), _) => Line::new().own(Role::Error, "fails: ").data(Role::Error, &failure.message),
            (None, Some(failure)) => {
                Line::new().own(Role::Warning, "last error: ").data(Role::Warning, &failure.message)
            }
            (None, None) => Line::new().own(Role::Dim, "last error: none"),
        });
    }
    head.push(Line::new().own(Role::Dim, headings));
    Page {
        head,
        rows: Box::new(rows),
        ..Page::bare("Live queries", Line::new().own(Role::Dim, "Nobody observes a query now."))
    }
}

/// How the result of a live query is kept right.
fn upkeep(query: &LiveQueryInfo) -> &'static str {
    match (query.upkeep, query.indexed) {
        (Upkeep::ByEntity, true) => "indexed",
        (Upkeep::ByEntity, false) => "residual",
        (Upkeep::RunAgain, _) => "run again",
    }
}

pub(super) fn aside(state: &State) -> Page<'_> {
    let rows = move |range: Range<usize>| {
        let rows = state.aside.get(range).unwrap_or_default();
        rows.iter()
            .map(|row| {
                let set = match row.set {
                    SetAside::Parked => "parked",
                    SetAside::Refused => "refused",
                    SetAside::Equivocal => "equivocal",
                };
                let line = Line::new().own(Role::Warning, format!("{set:<10} "));
                let line = line.own(Role::Id, format!("{}  {}  ", row.id, short(row.entity.0)));
                let line = line.data(Role::Text, &row.reason);
                let missing: Vec<String> = row.missing.iter().map(|id| short(*id)).collect();
                if missing.is_empty() {
                    return line;
                }
                line.own(Role::Dim, format!("; waits for {}", missing.join(", ")))
            })
            .collect()
    };
    let head = format!("{:<10} {:<26}  {:<8}  reason", "set", "operation", "entity");
    let empty = "Nothing is parked, refused or equivocal.";
    Page {
        head: vec![Line::new().own(Role::Dim, head)],
        rows: Box::new(rows),
        ..Page::bare("Set aside", Line::new().own(Role::Good, empty))
    }
}

pub(super) fn indexes(state: &State) -> Page<'_> {
    let rows = move |range: Range<usize>| {
        let indexes = state.indexes.get(range).unwrap_or_default();
        indexes
            .iter()
            .map(|index| {
                let (role, text) = match &index.state {
                    IndexState::Building => (Role::Warning, "building"),
                    IndexState::Ready { cut: false } => (Role::Good, "ready"),
                    IndexState::Ready { cut: true } => (Role::Good, "ready, cut"),
                    IndexState::Failed { .. } => (Role::Error, "failed"),
                };
                let mut line = Line::new().own(Role::Number, format!("{:>6}  ", index.id.0));
                line = line.own(role, format!("{text:<11} "));
                let told = state.statistics.as_ref().map(|statistics| &statistics.indexes);
                let told = told.and_then(|told| told.iter().find(|told| told.index == index.id));
                let entries = told.and_then(|told| told.entries).map_or("-".to_owned(), number);
                let uses = told.map_or("-".to_owned(), |told| number(told.scans));
                line = line.own(Role::Number, format!("{entries:>10} {uses:>10}  "));
                line = line.data(Role::Name, &state.names.model_name(index.definition.model));
                line = line.own(Role::Dim, " (");
                for (at, part) in index.definition.parts.iter().enumerate() {
                    let comma = if at > 0 { ", " } else { "" };
                    line = line.own(Role::Dim, comma);
                    line = line.data(Role::Text, &state.names.property_name(part.property));
                    line = line.own(Role::Dim, if part.descending { " desc" } else { "" });
                }
                line = line.own(Role::Dim, ")");
                match &index.state {
                    IndexState::Failed { message } => line.own(Role::Text, "  ").data(Role::Error, message),
                    _ => line,
                }
            })
            .collect()
    };
    let empty = "There is no index: the node makes one when a query would have used it.";
    Page {
        head: vec![Line::new().own(
            Role::Dim,
            format!("{:>6}  {:<11} {:>10} {:>10}  over", "number", "state", "entries", "reads"),
        )],
        rows: Box::new(rows),
        ..Page::bare("Indexes", Line::new().own(Role::Dim, empty))
    }
}

pub(super) fn asked(state: &State) -> Page<'_> {
    let rows = move |range: Range<usize>| {
        let asked = state.asked.iter().rev().skip(range.start).take(range.len());
        asked
            .map(|asked| {
                let time = moment(asked.at);
                let time = time.split(' ').next_back().unwrap_or_default().to_owned();
                let took = asked.took.map_or("...".to_owned(), duration);
                let line = Line::new().own(Role::Dim, format!("{time} "));
                let line = line.own(Role::Number, format!("{took:>8} {:>6}  ", asked.parts));
                let line = line.own(Role::Name, format!("{:<13} ", asked.slot.name()));
                let line = line.data(Role::Text, &asked.what);
                match &asked.failure {
                    Some(failure) => line.own(Role::Error, "  failed: ").data(Role::Error, failure),
                    None => line,
                }
            })
            .collect()
    };
    let head = format!("{:<8} {:>8} {:>6}  {:<13} asked", "time", "took", "parts", "for");
    Page {
        head: vec![Line::new().own(Role::Dim, head)],
        rows: Box::new(rows),
        ..Page::bare("What this inspector asked", Line::new())
    }
}

pub(super) fn plan(state: &State) -> Page<'_> {
    let plan = &state.plan;
    let title = Line::new().own(Role::Strong, "Plan").own(Role::Dim, " of ");
    let query = plan.statement.strip_prefix("explain ").unwrap_or(&plan.statement);
    let empty = match &plan.failure {
        Some(failure) => Line::new().data(Role::Error, failure),
        None => Line::new().own(Role::Dim, "asking ..."),
    };
    let rows = move |range: Range<usize>| plan.lines.get(range).unwrap_or_default().to_vec();
    Page { title: title.data(Role::Text, query), head: Vec::new(), rows: Box::new(rows), empty }
}
