//! What names mean inside a statement: the model after `from` and the slots of its rows.

use std::sync::Arc;

use ankurah_query_lang::Span;
use ankurah_query_lang::ast::{Ident, Name, Path, PathStep, PathStepKind};

use super::types::{Ty, Typed, describe};
use super::{model_error, op_id};
use crate::catalog::{Model, NameError, Property};
use crate::query::bound::{Hop, Input, Slot};
use crate::query::error::{BindError, BindErrorKind};
use crate::query::expr::{Expr, JsonStep, Place, SlotNames};
use crate::query::names::Names;
use crate::query::past::{Past, PastKind};
use crate::storage::Deleted;
use crate::value::ValueType;

/// The name of the column with an entity's id.
pub(super) const ID: &str = "id";

/// What to say of a name in double quotes that names nothing.
const NAMES_ARE_NO_STRINGS: &str = "double quotes are for names; strings are written in single quotes";

/// The rows that expressions of a statement are about.
pub(super) struct Scope<'a> {
    names: &'a dyn Names,
    model: Option<Arc<Model>>,
    alias: Option<Ident>,
    slots: Vec<Slot>,
    /// What is read of the history, if it is not what is there now.
    past: Option<Box<Past>>,
    /// What has no properties, for errors.
    place: &'static str,
    /// What to write there instead of a name.
    instead: &'static str,
}

/// What a path leads to so far.
enum Reached {
    Slot(usize),
    Json { document: Expr, steps: Vec<JsonStep> },
}

/// A name regardless of its case.
pub(super) fn folded(name: &str) -> impl Iterator<Item = char> {
    name.chars().flat_map(char::to_lowercase)
}

/// Whether an identifier of a statement means a name.
pub(super) fn means(ident: &Ident, name: &str) -> bool {
    ident.name == name || (!ident.quoted && folded(&ident.name).eq(folded(name)))
}

impl<'a> Scope<'a> {
    pub(super) fn of_model(names: &'a dyn Names, model: Arc<Model>, alias: Option<Ident>) -> Self {
        Scope { names, model: Some(model), alias, slots: Vec::new(), past: None, place: "", instead: "" }
    }

    pub(super) fn of_past(names: &'a dyn Names, model: Arc<Model>, alias: Option<Ident>, past: Past) -> Self {
        Scope { past: Some(Box::new(past)), ..Scope::of_model(names, model, alias) }
    }

    /// A place without rows: what it is called, and what stands there instead of the name of a property.
    pub(super) fn empty(names: &'a dyn Names, place: &'static str, instead: &'static str) -> Self {
        Scope { names, model: None, alias: None, slots: Vec::new(), past: None, place, instead }
    }

    pub(super) fn model(&self) -> Option<&Arc<Model>> {
        self.model.as_ref()
    }

    /// The input that was found to be needed.
    pub(super) fn into_input(self, deleted: Deleted) -> Input {
        let entities = self.past.as_ref().and_then(|past| match &past.kind {
            PastKind::AsOf { entity, .. } => entity.map(|entity| vec![entity]),
            PastKind::History { .. }
            | PastKind::Bisect { .. }
            | PastKind::Diff { .. }
            | PastKind::Why { .. } => None,
        });
        Input { model: self.model, slots: self.slots, deleted, entities, past: self.past }
    }

    fn slot(&mut self, slot: Slot) -> usize {
        match self.slots.iter().position(|known| *known == slot) {
            Some(at) => at,
            None => {
                self.slots.push(slot);
                self.slots.len() - 1
            }
        }
    }

    /// The expression that is the entity's id.
    pub(super) fn id(&mut self, span: Span) -> Expr {
        Expr::Column(self.slot(Slot::Id), Place(span))
    }

    /// The expression that is a property of the model.
    pub(super) fn property(&mut self, property: &Arc<Property>, span: Span) -> Typed {
        let slot = self.slot(Slot::Property(Arc::clone(property)));
        Typed { expr: Expr::Column(slot, Place(span)), ty: Ty::Of(property.value_type), span }
    }

    /// Whether a name qualifies properties of the model.
    pub(super) fn is_qualifier(&self, name: &Name) -> bool {
        match (&self.alias, &self.model) {
            (Some(alias), _) => name.id.is_none() && means(&name.ident, &alias.name),
            (None, Some(model)) => {
                means(&name.ident, &model.name)
                    && name.id.as_ref().is_none_or(|id| op_id(id) == Some(model.id.0))
            }
            (None, None) => false,
        }
    }

    fn slot_type(&self, slot: usize) -> Option<ValueType> {
        let model = |id| ValueType::Ref(id);
        Some(match self.slots.get(slot)? {
            Slot::Id => model(self.model.as_ref()?.id),
            Slot::Property(property) => property.value_type,
            Slot::Hop(hop) => hop.property.as_ref().map_or(model(hop.model), |property| property.value_type),
        })
    }

    /// The property of the model that a name means, for writing.
    pub(super) fn find_property(&self, name: &Name) -> Result<&Arc<Property>, BindError> {
        match &self.model {
            Some(model) => find_property(model, name),
            None => Err(self.no_model(name)),
        }
    }

    fn no_model(&self, name: &Name) -> BindError {
        let kind =
            BindErrorKind::UnknownProperty { model: self.place.to_owned(), name: name.ident.name.clone() };
        BindError::new(kind, name.span).help(if name.ident.quoted {
            NAMES_ARE_NO_STRINGS
        } else {
            self.instead
        })
    }

    /// What a path means: its value, and what its column is called.
    pub(super) fn path(&mut self, path: &Path) -> Result<(Typed, String), BindError> {
        let Some(model) = self.model.clone() else { return Err(self.no_model(&path.root)) };
        if let Some((first, rest)) = path.steps.split_first() {
            if self.is_qualifier(&path.root) {
                if let PathStepKind::Field(name) = &first.kind {
                    let found = self.own(&model, name);
                    // A property may have the name of its model: `album.title` in a model `album`.
                    if found.is_ok()
                        || model.find(&path.root.ident.name, path.root.ident.quoted, None).is_err()
                    {
                        return self.steps(found?, rest, path.span);
                    }
                }
            }
        }
        let slot = self.own(&model, &path.root).map_err(|error| match (path.steps.first(), &self.alias) {
            // What was meant to qualify a property.
            (Some(PathStep { kind: PathStepKind::Field(_), .. }), Some(alias)) => {
                error.help(format!("after `from` the rows are called `{}`", alias.name))
            }
            _ => error,
        })?;
        self.steps(slot, &path.steps, path.span)
    }

    /// The slot of a property (or the id) of the model.
    fn own(&mut self, model: &Arc<Model>, name: &Name) -> Result<usize, BindError> {
        match find_property(model, name) {
            Ok(property) => {
                let slot = Slot::Property(Arc::clone(property));
                Ok(self.slot(slot))
            }
            Err(_) if is_id(name) => Ok(self.slot(Slot::Id)),
            Err(error) => Err(error),
        }
    }

    fn steps(&mut self, slot: usize, steps: &[PathStep], span: Span) -> Result<(Typed, String), BindError> {
        let mut reached = Reached::Slot(slot);
        for step in steps {
            reached = self.step(reached, step, span)?;
        }
        Ok(match reached {
            Reached::Slot(slot) => {
                let ty = self.slot_type(slot).map_or(Ty::Null, Ty::Of);
                let name = match self.slots.get(slot) {
                    Some(Slot::Property(property) | Slot::Hop(Hop { property: Some(property), .. })) => {
                        property.label.as_ref().to_owned()
                    }
                    _ => ID.to_owned(),
                };
                (Typed { expr: Expr::Column(slot, Place(span)), ty, span }, name)
            }
            Reached::Json { document, steps } => {
                let name = match steps.last() {
                    Some(JsonStep::Key { name, .. }) => name.as_ref().to_owned(),
                    Some(JsonStep::Index(index)) => format!("[{index}]"),
                    None => String::new(),
                };
                (
                    Typed { expr: Expr::JsonPath(Box::new(document), steps.into()), ty: Ty::JsonPart, span },
                    name,
                )
            }
        })
    }

    fn step(&mut self, reached: Reached, step: &PathStep, span: Span) -> Result<Reached, BindError> {
        let slot = match reached {
            Reached::Json { document, mut steps } => {
                steps.push(json_step(step));
                return Ok(Reached::Json { document, steps });
            }
            Reached::Slot(slot) => slot,
        };
        match (self.slot_type(slot), &step.kind) {
            (Some(ValueType::Json), _) => {
                let document = Expr::Column(slot, Place(span));
                Ok(Reached::Json { document, steps: vec![json_step(step)] })
            }
            (Some(ValueType::Ref(id)), PathStepKind::Field(name)) => {
                let Some(model) = self.names.model(id) else {
                    let kind = BindErrorKind::UnknownModel(format!("@{id}"));
                    return Err(BindError::new(kind, name.span));
                };
                let property = match find_property(model, name) {
                    Ok(property) => Some(Arc::clone(property)),
                    Err(_) if is_id(name) => None,
                    Err(error) => return Err(error),
                };
                // A step from the entity itself stays on it.
                let hop = Slot::Hop(Hop { from: slot, model: id, property });
                Ok(Reached::Slot(self.slot(hop)))
            }
            (ty, _) => Err(no_step(ty.map_or(Ty::Null, Ty::Of), step, self.names)),
        }
    }

    /// The steps into a value that is not a property.
    pub(super) fn access(&self, base: Typed, steps: &[PathStep], span: Span) -> Result<Typed, BindError> {
        match (base.ty, steps.first()) {
            (Ty::Of(ValueType::Json) | Ty::JsonPart, _) => {
                let steps = steps.iter().map(json_step).collect();
                let expr = Expr::JsonPath(Box::new(base.expr), steps).fold();
                Ok(Typed { expr, ty: Ty::JsonPart, span })
            }
            (Ty::Of(ValueType::Ref(_)) | Ty::AnyRef, Some(step)) => {
                let what = "steps from a reference that is computed are".to_owned();
                Err(BindError::new(BindErrorKind::NotAvailable(what), step.span)
                    .help("begin the path at a property, as in `track.album.title`"))
            }
            (ty, Some(step)) => Err(no_step(ty, step, self.names)),
            (_, None) => Ok(base),
        }
    }
}

impl SlotNames for Scope<'_> {
    fn slot_name(&self, slot: usize) -> String {
        slot_name(&self.slots, slot)
    }
}

impl SlotNames for Input {
    fn slot_name(&self, slot: usize) -> String {
        slot_name(&self.slots, slot)
    }
}

fn slot_name(slots: &[Slot], slot: usize) -> String {
    match slots.get(slot) {
        None => format!("${slot}"),
        Some(Slot::Id) => ID.to_owned(),
        Some(Slot::Property(property)) => property.label.as_ref().to_owned(),
        Some(Slot::Hop(hop)) => {
            let property = hop.property.as_ref().map_or(ID, |property| &property.label);
            // A hop stands after the slot that it starts from, so this ends.
            let from = if hop.from < slot { slot_name(slots, hop.from) } else { String::new() };
            format!("{from}.{property}")
        }
    }
}

fn is_id(name: &Name) -> bool {
    name.id.is_none() && means(&name.ident, ID)
}

/// The property of a model that a name means.
pub(super) fn find_property<'m>(model: &'m Model, name: &Name) -> Result<&'m Arc<Property>, BindError> {
    let id = name.id.as_ref().and_then(op_id);
    model.find(&name.ident.name, name.ident.quoted, id).map_err(|error| {
        let help = error.help();
        let of_model = format!("model `{}`", model.label);
        match error {
            NameError::Unknown { name: unknown, .. } => {
                let kind = BindErrorKind::UnknownProperty { model: of_model, name: unknown };
                let help = help.or_else(|| what_there_is(model, name));
                BindError { help, ..BindError::new(kind, name.span) }
            }
            NameError::Dropped { name: dropped, .. } => {
                let kind = BindErrorKind::DroppedProperty { model: of_model, name: dropped };
                BindError { help, ..BindError::new(kind, name.span) }
            }
            NameError::Ambiguous { name: unclear, candidates } => {
                model_error(unclear, &candidates, name.span)
            }
        }
    })
}

/// What to write instead of a name that no property is near to.
fn what_there_is(model: &Model, name: &Name) -> Option<String> {
    let columns: Vec<&str> = model.columns().map(|property| &*property.label).collect();
    match columns.len() {
        _ if name.ident.quoted => Some(NAMES_ARE_NO_STRINGS.to_owned()),
        0 => Some("it has no properties besides `id`".to_owned()),
        1..=12 => Some(format!("it has {}", list(&columns))),
        _ => None,
    }
}

/// Names in a row: `` `a`, `b` and `c` ``.
pub(super) fn list<S: AsRef<str>>(names: &[S]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{}`", name.as_ref())).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some((last, _)) => last.clone(),
        None => String::new(),
    }
}

pub(super) fn json_step(step: &PathStep) -> JsonStep {
    match &step.kind {
        PathStepKind::Field(name) => JsonStep::key(&name.ident.name),
        PathStepKind::Key(key) => JsonStep::key(key),
        PathStepKind::Index(index) => JsonStep::Index(*index),
    }
}

fn no_step(ty: Ty, step: &PathStep, names: &dyn Names) -> BindError {
    let message = match &step.kind {
        PathStepKind::Field(name) => {
            format!("{} has no property `{}`", describe(ty, names), name.ident.name)
        }
        PathStepKind::Key(key) => format!("{} has no key `{key}`", describe(ty, names)),
        PathStepKind::Index(index) => format!("{} has no element [{index}]", describe(ty, names)),
    };
    BindError::new(BindErrorKind::TypeMismatch(message), step.span)
        .help("a path goes on through references and into json only")
}
