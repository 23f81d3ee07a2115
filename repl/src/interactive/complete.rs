//! What can stand at the cursor, with names from the catalog. No I/O: it works on a snapshot.

use std::sync::Arc;

use ankurah_core::catalog::{Model, Property};
use ankurah_core::node::protocol::CatalogView;
use ankurah_core::query::past_table;
use ankurah_core::value::ValueType;
use ankurah_query_lang::ast::{Path, PathStepKind};
use ankurah_query_lang::{
    CompletionContext, Expectation, TYPES, completion_context, functions, quote_identifier,
};
use unicode_width::UnicodeWidthStr;

use crate::display::Safe;
use crate::session::{COMMANDS, Takes, Types, find_model};

/// What completion knows. It is renewed after statements, never on a key press.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The catalog.
    pub catalog: CatalogView,
    /// Names of parameters, without `$`.
    pub parameters: Vec<String>,
}

/// Something that can stand at the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// What is put into the text.
    pub replacement: String,
    /// What it is, in a few words.
    pub about: String,
    /// The line of the list.
    pub display: String,
}

impl rustyline::completion::Candidate for Item {
    fn display(&self) -> &str {
        &self.display
    }

    fn replacement(&self) -> &str {
        &self.replacement
    }
}

/// The offset from which the cursor's word is replaced, and what can stand there, the likeliest first.
pub fn complete(text: &str, cursor: usize, snapshot: &Snapshot) -> (usize, Vec<Item>) {
    let before = text.get(..cursor).unwrap_or(text);
    let line = before.rfind('\n').map_or(0, |at| at + 1);
    let (start, mut items) = if before.get(line..).unwrap_or("").trim_start().starts_with('\\') {
        command(before, line, snapshot)
    } else {
        let context = completion_context(text, cursor);
        let prefix = context.prefix.to_lowercase();
        let all = candidates(&context, snapshot);
        let begins = |item: &Item| bare(&item.replacement).starts_with(&prefix);
        let mut items: Vec<Item> = all.iter().filter(|item| begins(item)).cloned().collect();
        if items.is_empty() && prefix.chars().count() > 1 {
            items = all.into_iter().filter(|item| bare(&item.replacement).contains(&prefix)).collect();
        }
        (context.replace.start, items)
    };
    items.retain(|item| is_harmless(&item.replacement));
    let widest = items.iter().map(|item| item.replacement.trim_end().width()).max().unwrap_or(0);
    for item in &mut items {
        let name = Safe::line(item.replacement.trim_end()).to_string();
        let pad = " ".repeat(widest.saturating_sub(name.width()));
        item.display =
            if item.about.is_empty() { name } else { format!("{name}{pad}  {}", Safe::line(&item.about)) };
    }
    (start, items)
}

/// Whether a text can stand in the line that is edited, which a terminal gets as it is. A name with characters that
/// would act on the terminal is not proposed.
pub(super) fn is_harmless(replacement: &str) -> bool {
    Safe::line(replacement).as_str() == replacement
}

/// A replacement as it is compared with what was typed.
fn bare(replacement: &str) -> String {
    replacement.trim_start_matches('"').to_lowercase()
}

fn item(replacement: impl Into<String>, about: impl Into<String>) -> Item {
    Item { replacement: replacement.into(), about: about.into(), display: String::new() }
}

/// Candidates of a command line.
fn command(before: &str, line: usize, snapshot: &Snapshot) -> (usize, Vec<Item>) {
    let text = before.get(line..).unwrap_or("");
    let trimmed = text.trim_start();
    let begin = line + (text.len() - trimmed.len());
    let Some((name, rest)) = trimmed.split_once(char::is_whitespace) else {
        let items = COMMANDS.iter().filter(|command| command.name.starts_with(trimmed));
        return (begin, items.map(|command| item(command.name, command.about)).collect());
    };
    let word = rest.rsplit(char::is_whitespace).next().unwrap_or("");
    let start = before.len() - word.len();
    let takes = COMMANDS.iter().find(|command| command.name == name).map(|command| command.takes);
    let items = match takes {
        Some(Takes::Model) => {
            let models = snapshot.catalog.models.iter().filter(|model| shown(model, word));
            models.map(|model| item(&*model.label, "model")).collect()
        }
        Some(Takes::Switch) => vec![item("on", ""), item("off", "")],
        Some(Takes::Words(words)) => words.iter().map(|word| item(*word, "")).collect(),
        Some(Takes::Text) if name == "\\unset" => {
            snapshot.parameters.iter().map(|name| item(name, "")).collect()
        }
        Some(Takes::File | Takes::Text) | None => Vec::new(),
    };
    let lower = word.to_lowercase();
    (start, items.into_iter().filter(|item| item.replacement.to_lowercase().starts_with(&lower)).collect())
}

/// Whether a model is proposed: those of the catalog itself only where they are asked for.
fn shown(model: &Model, prefix: &str) -> bool {
    !model.name.starts_with('_') || prefix.starts_with('_')
}

/// Everything that can stand at the cursor, whatever was typed.
fn candidates(context: &CompletionContext, snapshot: &Snapshot) -> Vec<Item> {
    let types = Types::new(&snapshot.catalog);
    let name = |name: &str| {
        if context.quoted { format!("\"{}\"", name.replace('"', "\"\"")) } else { quote_identifier(name) }
    };
    let mut items: Vec<Item> = Vec::new();
    for expectation in ordered(&context.expects) {
        match expectation {
            Expectation::Property if context.tables.is_empty() => {
                // No table is named yet: all could be.
                for model in tables(context, snapshot) {
                    items.extend(model.columns().map(|property| {
                        item(property_text(property, context.quoted), format!("of {}", model.label))
                    }));
                }
            }
            Expectation::Property => {
                for model in tables(context, snapshot) {
                    items.extend(
                        model.columns().map(|property| {
                            item(property_text(property, context.quoted), types.of(property))
                        }),
                    );
                    if !context.quoted {
                        items.push(item("id", format!("ref({})", model.label)));
                    }
                }
                for alias in context.tables.iter().filter_map(|table| table.alias.as_ref()) {
                    items.push(item(format!("{}.", name(alias)), "alias"));
                }
            }
            Expectation::OwnProperty => {
                for model in tables(context, snapshot) {
                    items.extend(
                        model.columns().map(|property| {
                            item(property_text(property, context.quoted), types.of(property))
                        }),
                    );
                }
            }
            Expectation::TextProperty => {
                for model in tables(context, snapshot) {
                    let texts = model.columns().filter(|property| property.is_text());
                    items.extend(
                        texts.map(|property| {
                            item(property_text(property, context.quoted), types.of(property))
                        }),
                    );
                }
            }
            Expectation::PathStep { base } => {
                if let Some(model) = base.as_ref().and_then(|base| target(base, context, snapshot)) {
                    items.extend(
                        model.columns().map(|property| {
                            item(property_text(property, context.quoted), types.of(property))
                        }),
                    );
                    if !context.quoted {
                        items.push(item("id", format!("ref({})", model.label)));
                    }
                }
            }
            Expectation::Model => {
                let models = snapshot.catalog.models.iter().filter(|model| shown(model, &context.prefix));
                items.extend(models.map(|model| item(name(&model.name), "model")));
            }
            Expectation::Alias(alias) => items.push(item(name(alias), "alias")),
            // Too many where nothing of the name was typed.
            Expectation::Function if context.prefix.is_empty() => {}
            Expectation::Function => {
                items.extend(
                    functions::FUNCTIONS
                        .iter()
                        .map(|function| item(format!("{}(", function.name), function.signature)),
                );
            }
            Expectation::Type => items.extend(TYPES.iter().map(|info| item(info.name, info.doc))),
            Expectation::Parameter => {
                items.extend(snapshot.parameters.iter().map(|name| item(format!("${name}"), "parameter")));
            }
            Expectation::Keyword(keyword) => items.push(item(format!("{keyword} "), "")),
            _ => {}
        }
    }
    let mut seen = std::collections::HashSet::new();
    // A property hides the function of the same name.
    items.retain(|item| seen.insert(item.replacement.trim_end_matches('(').to_owned()));
    items
}

/// Names before functions before keywords.
fn ordered(expects: &[Expectation]) -> Vec<&Expectation> {
    let mut expects: Vec<&Expectation> = expects.iter().collect();
    expects.sort_by_key(|expectation| match expectation {
        Expectation::PathStep { .. }
        | Expectation::Property
        | Expectation::OwnProperty
        | Expectation::TextProperty => 0,
        Expectation::Alias(_) => 1,
        Expectation::Model => 2,
        Expectation::Keyword(_) => 3,
        Expectation::Type => 4,
        Expectation::Parameter => 5,
        _ => 6,
    });
    expects
}

/// A property as it is written: `name@id` where a namesake has the bare name.
fn property_text(property: &Property, quoted: bool) -> String {
    let name = if quoted {
        format!("\"{}\"", property.name.replace('"', "\"\""))
    } else {
        quote_identifier(&property.name)
    };
    if property.label == property.name { name } else { format!("{name}@{}", property.id) }
}

/// The models of the tables at the cursor; all models where no table is named yet.
fn tables<'a>(context: &CompletionContext, snapshot: &'a Snapshot) -> Vec<&'a Arc<Model>> {
    if context.tables.is_empty() {
        return snapshot.catalog.models.iter().filter(|model| !model.name.starts_with('_')).collect();
    }
    let names = context.tables.iter().filter_map(|table| table.model.as_deref());
    names.filter_map(|name| table(name, snapshot)).collect()
}

/// The model that a table is of; what reads history has one of its own.
fn table<'a>(name: &str, snapshot: &'a Snapshot) -> Option<&'a Arc<Model>> {
    past_table(name).or_else(|| find_model(&snapshot.catalog, name))
}

/// The model whose properties stand behind a path's last dot.
fn target<'a>(path: &Path, context: &CompletionContext, snapshot: &'a Snapshot) -> Option<&'a Arc<Model>> {
    let root = path.root.ident.name.as_str();
    let found = context.tables.iter().find(|table| {
        table.alias.as_deref().or(table.model.as_deref()).is_some_and(|name| name.eq_ignore_ascii_case(root))
    });
    let mut model = match found {
        Some(found) => table(found.model.as_deref()?, snapshot)?,
        None => {
            // Where no `from` is written yet, it may name the model that the path begins with.
            let named = context.tables.is_empty().then(|| find_model(&snapshot.catalog, root)).flatten();
            let of_tables =
                || tables(context, snapshot).into_iter().find_map(|model| follow(model, root, snapshot));
            named.or_else(of_tables)?
        }
    };
    for step in &path.steps {
        let PathStepKind::Field(name) = &step.kind else { return None };
        model = follow(model, &name.ident.name, snapshot)?;
    }
    Some(model)
}

/// The model that a reference refers to.
fn follow<'a>(model: &'a Arc<Model>, property: &str, snapshot: &'a Snapshot) -> Option<&'a Arc<Model>> {
    if property.eq_ignore_ascii_case("id") {
        return Some(model);
    }
    match model.find(property, false, None).ok()?.value_type {
        ValueType::Ref(id) => snapshot.catalog.models.iter().find(|model| model.id == id),
        _ => None,
    }
}
