//! `ankurah diff`: what one of two stores has and the other has not.

use std::collections::VecDeque;
use std::io::{self, BufWriter, Write};

use ankurah_core::catalog::Model;
use ankurah_core::id::{EntityId, ModelId, OpId, PropertyId};
use ankurah_core::node::protocol::{CatalogView, EntityHead, EntityValues, Event, Request, SessionId};
use ankurah_core::value::Value;
use serde_json::json;

use crate::cli::{DiffArgs, DiffFormat};
use crate::client::{Answer, Client, Interrupt, Next, Pump, Stop};
use crate::display::{Safe, Style, Tone};
use crate::dump::counted;
use crate::exit::Exit;
use crate::session::{render_failure, render_message};
use crate::target::{self, Mode, Opened};

/// Operations that are named of each side.
const NAMED: usize = 5;
/// The longest value that is shown, in characters.
const SHOWN: usize = 60;

/// Runs the command.
pub fn command(args: &DiffArgs) -> Exit {
    let style = Style::detect(args.display.color, args.display.ascii, &io::stdout());
    let error_style = Style::detect(args.display.color, args.display.ascii, &io::stderr());
    let open = |name: &str| {
        target::open(name, Mode::Once).inspect_err(|message| {
            let _ = writeln!(io::stderr(), "{}", render_message(message, error_style));
        })
    };
    let (Ok(a), Ok(b)) = (open(&args.a), open(&args.b)) else { return Exit::CannotOpen };
    let interrupt = Interrupt::on_ctrl_c();
    let mut out = BufWriter::new(io::stdout().lock());
    let result = Sides::new(&a, &b, &interrupt)
        .and_then(|sides| Diff { sides, args, style, sums: Sums::default() }.run(&mut out));
    match result.and_then(|sums| out.flush().map(|()| sums).map_err(Trouble::Output)) {
        Ok(sums) if sums.is_none() => Exit::Ok,
        Ok(_) => Exit::Differs,
        Err(Trouble::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Ok,
        Err(Trouble::Output(error)) => {
            let message = format!("the output cannot be written: {error}");
            let _ = writeln!(io::stderr(), "{}", render_message(&message, error_style));
            Exit::CannotOpen
        }
        Err(Trouble::Node(Stop::Cancelled)) => Exit::Cancelled,
        Err(Trouble::Node(Stop::Failed(failure))) => {
            let _ = writeln!(io::stderr(), "{}", render_failure(&failure, "", None, error_style, None));
            Exit::Failed
        }
    }
}

/// Why a comparison did not come to its end.
enum Trouble {
    Output(io::Error),
    Node(Stop),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Trouble::Output(error)
    }
}

impl From<Stop> for Trouble {
    fn from(stop: Stop) -> Self {
        Trouble::Node(stop)
    }
}

/// Parts of an answer, one by one.
struct Items<T> {
    answer: Answer,
    ready: VecDeque<T>,
    take: fn(Event) -> Vec<T>,
    ended: bool,
}

impl<T> Items<T> {
    fn new(answer: Answer, take: fn(Event) -> Vec<T>) -> Self {
        Items { answer, ready: VecDeque::new(), take, ended: false }
    }

    fn advance(&mut self) -> Result<Option<T>, Stop> {
        while self.ready.is_empty() && !self.ended {
            match self.answer.advance()? {
                Next::Event(event) => self.ready.extend((self.take)(event)),
                Next::Done(_) => self.ended = true,
            }
        }
        Ok(self.ready.pop_front())
    }
}

/// One of the two stores.
struct Side {
    client: Client,
    catalog: CatalogView,
    heads: Items<EntityHead>,
    next: Option<EntityHead>,
}

impl Side {
    fn new(opened: &Opened, interrupt: &Interrupt) -> Result<Self, Stop> {
        let client = Client::new(opened.connection.clone(), SessionId(1), interrupt.clone(), Pump::Here);
        let catalog = client.catalog()?;
        let mut heads = Items::new(client.request(Request::Heads), |event| match event {
            Event::Heads(heads) => heads,
            _ => Vec::new(),
        });
        let next = heads.advance()?;
        Ok(Side { client, catalog, heads, next })
    }

    fn take(&mut self) -> Result<Option<EntityHead>, Stop> {
        let next = self.heads.advance()?;
        Ok(std::mem::replace(&mut self.next, next))
    }

    /// The ids of an entity's operations, ascending.
    fn operations(&self, entity: EntityId) -> Items<OpId> {
        Items::new(self.client.request(Request::Operations { entity, after: None }), |event| match event {
            // An operation of any version begins with its version and its id.
            Event::Operation { bytes, .. } => {
                let id = bytes.get(1..).and_then(|rest| rest.first_chunk::<16>());
                id.map(|id| OpId::from_bytes(*id)).into_iter().collect()
            }
            _ => Vec::new(),
        })
    }

    fn values(&self, model: ModelId, entity: EntityId) -> Result<Vec<(PropertyId, Value)>, Stop> {
        let mut found = Vec::new();
        self.client.request(Request::Values { model, entity }).for_each(|event| {
            if let Event::Values(EntityValues { values }) = event {
                found = values;
            }
        })?;
        Ok(found)
    }

    fn model(&self, id: ModelId) -> Option<&Model> {
        self.catalog.models.iter().find(|model| model.id == id).map(AsRef::as_ref)
    }
}

struct Sides {
    a: Side,
    b: Side,
}

impl Sides {
    fn new(a: &Opened, b: &Opened, interrupt: &Interrupt) -> Result<Self, Trouble> {
        Ok(Sides { a: Side::new(a, interrupt)?, b: Side::new(b, interrupt)? })
    }

    fn model(&self, id: ModelId) -> Option<&Model> {
        self.a.model(id).or_else(|| self.b.model(id))
    }
}

/// What was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sums {
    entities: u64,
    /// Entities whose heads differ that both have something of.
    both: u64,
    only_a: u64,
    only_b: u64,
}

impl Sums {
    fn is_none(&self) -> bool {
        *self == Sums::default()
    }
}

/// Operations that one side has alone.
#[derive(Default)]
struct Only {
    count: u64,
    first: Vec<OpId>,
}

impl Only {
    fn add(&mut self, id: OpId) {
        self.count = self.count.saturating_add(1);
        if self.first.len() < NAMED {
            self.first.push(id);
        }
    }

    fn named(&self) -> String {
        let mut named: Vec<String> = self.first.iter().map(|id| format!("@{id}")).collect();
        if usize::try_from(self.count).is_ok_and(|count| count > self.first.len()) {
            named.push("…".to_owned());
        }
        named.join(", ")
    }
}

/// A property and its two values as text.
type Difference = (String, Option<String>, Option<String>);

struct Diff<'a> {
    sides: Sides,
    args: &'a DiffArgs,
    style: Style,
    sums: Sums,
}

impl Diff<'_> {
    fn run(mut self, out: &mut dyn Write) -> Result<Sums, Trouble> {
        loop {
            let name = |head: &EntityHead| (head.model, head.entity);
            let (a, b) = (self.sides.a.next.as_ref().map(name), self.sides.b.next.as_ref().map(name));
            let Some(least) = a.into_iter().chain(b).min() else { break };
            let a = if a == Some(least) { self.sides.a.take()? } else { None };
            let b = if b == Some(least) { self.sides.b.take()? } else { None };
            let head = |side: &Option<EntityHead>| side.as_ref().map(|head| head.head.clone());
            if head(&a) != head(&b) {
                self.entity(least.0, least.1, a.is_some() && b.is_some(), out)?;
            }
        }
        if self.args.format == DiffFormat::Text {
            self.told(out)?;
        }
        Ok(self.sums)
    }

    /// One that differs.
    fn entity(
        &mut self,
        model: ModelId,
        entity: EntityId,
        both: bool,
        out: &mut dyn Write,
    ) -> Result<(), Trouble> {
        self.sums.entities = self.sums.entities.saturating_add(1);
        let (mut only_a, mut only_b) = (Only::default(), Only::default());
        let (mut from_a, mut from_b) = (self.sides.a.operations(entity), self.sides.b.operations(entity));
        let (mut a, mut b) = (from_a.advance()?, from_b.advance()?);
        loop {
            match (a, b) {
                (None, None) => break,
                (Some(one), Some(other)) if one == other => (a, b) = (from_a.advance()?, from_b.advance()?),
                (Some(one), other) if other.is_none_or(|other| one < other) => {
                    only_a.add(one);
                    a = from_a.advance()?;
                }
                (_, Some(other)) => {
                    only_b.add(other);
                    b = from_b.advance()?;
                }
                (Some(_), None) => a = from_a.advance()?,
            }
        }
        self.sums.only_a = self.sums.only_a.saturating_add(only_a.count);
        self.sums.only_b = self.sums.only_b.saturating_add(only_b.count);
        self.sums.both = self.sums.both.saturating_add(u64::from(both));
        if self.sums.entities > self.args.limit {
            return Ok(());
        }
        let property = if both { self.first_difference(model, entity)? } else { None };
        let name = self.sides.model(model).map_or_else(|| model.to_string(), |model| model.label.to_string());
        match self.args.format {
            DiffFormat::Text => self.text(&name, entity, (&only_a, &only_b), property.as_ref(), out)?,
            DiffFormat::Jsonl => {
                let ids = |only: &Only| only.first.iter().map(ToString::to_string).collect::<Vec<_>>();
                let line = json!({
                    "model": name,
                    "entity": entity.to_string(),
                    "in": if both { "both" } else if only_a.count > 0 { "a" } else { "b" },
                    "only_a": { "count": only_a.count, "first": ids(&only_a) },
                    "only_b": { "count": only_b.count, "first": ids(&only_b) },
                    "property": property.map(|(name, a, b)| json!({ "name": name, "a": a, "b": b })),
                });
                writeln!(out, "{line}")?;
            }
        }
        Ok(())
    }

    /// The first property that differs, in the order of the model, with its values as text.
    fn first_difference(&self, model: ModelId, entity: EntityId) -> Result<Option<Difference>, Stop> {
        let (a, b) = (self.sides.a.values(model, entity)?, self.sides.b.values(model, entity)?);
        let known = self.sides.model(model);
        let mut order: Vec<(PropertyId, String)> = known
            .into_iter()
            .flat_map(Model::columns)
            .map(|property| (property.id, property.label.to_string()))
            .collect();
        for (property, _) in a.iter().chain(&b) {
            if !order.iter().any(|(id, _)| id == property) {
                order.push((*property, property_name(*property)));
            }
        }
        let value = |values: &[(PropertyId, Value)], property: PropertyId| {
            values.iter().find(|(id, _)| *id == property).map(|(_, value)| value.clone())
        };
        Ok(order.into_iter().find_map(|(property, name)| {
            let (a, b) = (value(&a, property), value(&b, property));
            let text = |value: Option<Value>| {
                value.filter(|value| *value != Value::Null).map(|value| value.to_string())
            };
            (a != b).then(|| (name, text(a), text(b)))
        }))
    }

    fn text(
        &self,
        name: &str,
        entity: EntityId,
        (a, b): (&Only, &Only),
        property: Option<&Difference>,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let heading = format!("{name} @{entity}");
        writeln!(out, "{}", self.style.paint(Tone::Strong, Safe::line(&heading).as_str()))?;
        for (only, side) in [(a, "A"), (b, "B")] {
            if only.count > 0 {
                let line =
                    format!("  only in {side}: {}: {}", counted(only.count, "operation"), only.named());
                writeln!(out, "{}", Safe::line(&line))?;
            }
        }
        if let Some((name, a, b)) = property {
            let shown = |value: &Option<String>| value.as_ref().map_or("NULL".to_owned(), |value| cut(value));
            let line = format!("  {name}: {} in A, {} in B", shown(a), shown(b));
            writeln!(out, "{}", Safe::line(&line))?;
        }
        Ok(())
    }

    /// What it comes to.
    fn told(&self, out: &mut dyn Write) -> io::Result<()> {
        let Sums { entities, both, only_a, only_b } = self.sums;
        if self.sums.is_none() {
            return writeln!(out, "{}", self.style.paint(Tone::Good, "the stores have the same history"));
        }
        if let Some(more) = entities.checked_sub(self.args.limit).filter(|more| *more > 0) {
            writeln!(out, "… and {more} more; --limit shows them")?;
        }
        let line = format!(
            "{} differ, {both} of them in both stores: {} only in A, {} only in B",
            if entities == 1 { "1 entity".to_owned() } else { format!("{entities} entities") },
            counted(only_a, "operation"),
            counted(only_b, "operation"),
        );
        writeln!(out, "{}", self.style.paint(Tone::Error, &line))
    }
}

fn property_name(property: PropertyId) -> String {
    if property == *ankurah_core::catalog::reserved::DELETED {
        "deleted".to_owned()
    } else {
        property.to_string()
    }
}

/// The beginning of a long value.
fn cut(value: &str) -> String {
    match value.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", value.get(..end).unwrap_or_default()),
        None => value.to_owned(),
    }
}
