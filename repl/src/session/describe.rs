//! The `\d` family.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ankurah_core::catalog::{Backend, Model, Property};
use ankurah_core::id::{ModelId, PropertyId};
use ankurah_core::node::protocol::{CatalogView, Column, Event, Request};
use ankurah_core::storage::{IndexState, SetAside};
use ankurah_core::value::{Value, ValueType};

use super::{Halt, Session};
use crate::client::Stop;
use crate::display::{Safe, Tone};

/// The file that every folder of a store has.
const MARKER: &str = "ankurah-store";

/// Names of types, with the names of the models that references refer to.
pub(crate) struct Types<'a>(HashMap<ModelId, &'a str>);

impl<'a> Types<'a> {
    pub(crate) fn new(catalog: &'a CatalogView) -> Self {
        Types(catalog.models.iter().map(|model| (model.id, &*model.name)).collect())
    }

    /// The type of a property as the query language writes it.
    pub(crate) fn of(&self, property: &Property) -> String {
        match (property.backend, property.value_type) {
            (Backend::Yrs, _) => "text".to_owned(),
            (Backend::Lww, ValueType::Ref(model)) => match self.0.get(&model) {
                Some(name) => format!("ref({name})"),
                None => format!("ref(@{model})"),
            },
            (Backend::Lww, other) => other.to_string(),
        }
    }
}

/// A name as it is given to a command: perhaps in quotes, perhaps with a semicolon behind it.
fn name_of(word: &str) -> &str {
    word.trim_end_matches(';').trim_matches('"')
}

impl Session {
    pub(super) fn describe(&mut self, command: &str, words: &[String]) -> Result<(), Halt> {
        match (command, words) {
            ("\\d", [name, ..]) => self.describe_model(name, false),
            ("\\d+", [name, ..]) => self.describe_model(name, true),
            ("\\d" | "\\dt", []) => self.list_models(false, false),
            ("\\d+", []) => self.list_models(false, true),
            ("\\dS", _) => self.list_models(true, false),
            ("\\l", _) => self.list_stores(),
            ("\\dt", _) => self.fail("\\dt takes no argument; \\d MODEL shows one model"),
            ("\\di", words) => self.list_indexes(words.first().map(String::as_str)),
            ("\\df", words) => self.list_functions(words.first().map(String::as_str)),
            ("\\dp", _) => self.list_aside(),
            _ => self.connection_info(),
        }
    }

    /// Says why a request of a command failed.
    fn stopped<T>(&mut self, stop: Stop) -> Result<T, Halt> {
        match stop {
            Stop::Cancelled => Err(Halt::Cancelled),
            Stop::Failed(failure) => {
                self.show_failure("", &failure)?;
                Err(Halt::Failed)
            }
        }
    }

    /// Says that a name names nothing, and which one is near.
    fn unknown<'a>(
        &mut self,
        what: &str,
        name: &str,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Result<(), Halt> {
        let near = ankurah_query_lang::nearest(name, names);
        let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        self.fail(&format!("there is no {what} `{name}`{hint}"))
    }

    fn list_models(&mut self, reserved: bool, counted: bool) -> Result<(), Halt> {
        let catalog = match self.catalog() {
            Ok(catalog) => catalog,
            Err(stop) => return self.stopped(stop),
        };
        let models: Vec<_> =
            catalog.models.iter().filter(|model| reserved || !model.name.starts_with('_')).collect();
        if models.is_empty() {
            return self.say(
                "There is no model yet. `create model NAME (…)` makes one, `ankurah import` fills one.",
            );
        }
        let mut columns = vec![strings("model"), strings("key"), numbers("properties")];
        if counted {
            columns.push(numbers("entities"));
        }
        let mut rows = Vec::with_capacity(models.len());
        for model in models {
            let mut row =
                vec![string(&model.label), string(&key_text(model)), number(model.columns().count())];
            if counted {
                row.push(match self.count(model) {
                    Ok(count) => count,
                    Err(stop) => return self.stopped(stop),
                });
            }
            rows.push(row);
        }
        self.show_table(&columns, &rows)
    }

    /// The number of entities of a model.
    fn count(&mut self, model: &Model) -> Result<Value, Stop> {
        let name = ankurah_query_lang::quote_identifier(&model.name);
        let named = if model.label == model.name { name } else { format!("{name}@{}", model.id) };
        let mut count = Value::Null;
        self.client.execute(&format!("select count(*) from {named}"), Default::default()).for_each(
            |event| {
                if let Event::Rows(rows) = event {
                    count = rows.into_iter().flatten().next().unwrap_or(Value::Null);
                }
            },
        )?;
        Ok(count)
    }

    /// The store that is open, and those in the same folder; beside a store in memory, those in the current folder.
    fn list_stores(&mut self) -> Result<(), Halt> {
        let open =
            ankurah::Target::parse(&self.target).ok().and_then(|target| target.path().map(Path::to_owned));
        let open = open.map(|path| std::path::absolute(&path).unwrap_or(path));
        let folder = open.as_deref().and_then(Path::parent).unwrap_or(Path::new("."));
        let mut found: Vec<PathBuf> = std::fs::read_dir(folder)
            .map(|entries| {
                entries.flatten().map(|entry| entry.path()).filter(|path| is_store(path)).collect()
            })
            .unwrap_or_default();
        found.sort();
        let mut rows = Vec::with_capacity(found.len() + 1);
        if open.is_none() {
            rows.push(vec![string(&self.target), string("open")]);
        }
        for path in found {
            let path = path.strip_prefix("./").unwrap_or(&path);
            let state = if open.as_deref() == Some(path) { "open" } else { "" };
            rows.push(vec![string(&path.display().to_string()), string(state)]);
        }
        self.show_table(&[strings("store"), strings("state")], &rows)
    }

    fn describe_model(&mut self, name: &str, more: bool) -> Result<(), Halt> {
        let catalog = match self.catalog() {
            Ok(catalog) => catalog,
            Err(stop) => return self.stopped(stop),
        };
        let Some(model) = find_model(&catalog, name_of(name)) else {
            return self.unknown("model", name_of(name), catalog.models.iter().map(|model| &*model.name));
        };
        let types = Types::new(&catalog);
        let place = |id: &PropertyId| model.key.iter().position(|key| key == id);
        let mut columns = ["property", "type", "key", "null", "default"].map(strings).to_vec();
        if more {
            columns.push(strings("id"));
        }
        let mut conflicts = false;
        let rows: Vec<Vec<Value>> = model
            .columns()
            .map(|property| {
                conflicts |= property.label != property.name;
                let key = match place(&property.id) {
                    Some(_) if model.key.len() == 1 => "key".to_owned(),
                    Some(at) => format!("key {}", at + 1),
                    None => String::new(),
                };
                let null = if property.required || place(&property.id).is_some() { "not null" } else { "" };
                let default = match &property.default {
                    Value::String(text) => string(&format!("'{}'", text.replace('\'', "''"))),
                    other => other.clone(),
                };
                let mut row = vec![
                    string(&property.label),
                    string(&types.of(property)),
                    string(&key),
                    string(null),
                    default,
                ];
                if more {
                    row.push(string(&property.id.to_string()));
                }
                row
            })
            .collect();
        let title = self.settings.style.paint(Tone::Strong, Safe::line(&model.label).as_str());
        self.output.note(&format!("model {title}"))?;
        self.show_table(&columns, &rows)?;
        if more {
            let count = match self.count(model) {
                Ok(count) => count,
                Err(stop) => return self.stopped(stop),
            };
            self.say(&format!("entities: {count}; the model's id: {}", model.id))?;
            self.list_indexes(Some(&model.label))?;
        }
        if conflicts {
            self.say(&format!(
                "Some properties share a name but not a type: another node defined them otherwise. The bare name \
                 means the one without id;\n`alter model {0} resolve property NAME to NAME@ID` chooses.",
                Safe::line(&model.label)
            ))?;
        }
        Ok(())
    }

    fn list_indexes(&mut self, only: Option<&str>) -> Result<(), Halt> {
        let catalog = match self.catalog() {
            Ok(catalog) => catalog,
            Err(stop) => return self.stopped(stop),
        };
        let only = match only.map(name_of) {
            None => None,
            Some(name) => match find_model(&catalog, name) {
                Some(model) => Some(model.id),
                None => {
                    let names = catalog.models.iter().map(|model| &*model.name);
                    return self.unknown("model", name, names);
                }
            },
        };
        let mut indexes = Vec::new();
        let answer = self.client.request(Request::Indexes).for_each(|event| {
            if let Event::Indexes(more) = event {
                indexes.extend(more);
            }
        });
        if let Err(stop) = answer {
            return self.stopped(stop);
        }
        let mut rows = Vec::new();
        for index in &indexes {
            let definition = &index.definition;
            if only.is_some_and(|only| only != definition.model) {
                continue;
            }
            let model = catalog.models.iter().find(|model| model.id == definition.model);
            let name =
                model.map_or_else(|| format!("@{}", definition.model), |model| model.label.to_string());
            let parts: Vec<String> = definition
                .parts
                .iter()
                .map(|part| {
                    let property = model.and_then(|model| model.property(part.property));
                    let name =
                        property.map_or_else(|| format!("@{}", part.property), |p| p.label.to_string());
                    if part.descending { format!("{name} desc") } else { name }
                })
                .collect();
            let state = match &index.state {
                IndexState::Ready { .. } => "ready".to_owned(),
                IndexState::Building => "being built".to_owned(),
                IndexState::Failed { message } => format!("failed: {message}"),
            };
            rows.push(vec![string(&name), string(&parts.join(", ")), string(&state)]);
        }
        if rows.is_empty() {
            return self.say("There is no index yet: the store makes them by itself when queries need them.");
        }
        self.show_table(&[strings("model"), strings("properties"), strings("state")], &rows)
    }

    fn list_functions(&mut self, only: Option<&str>) -> Result<(), Halt> {
        let rows: Vec<Vec<Value>> = ankurah_query_lang::functions::FUNCTIONS
            .iter()
            .filter(|function| only.is_none_or(|only| function.name.contains(&only.to_lowercase())))
            .map(|function| vec![string(function.signature), string(function.doc)])
            .collect();
        if let (Some(name), true) = (only, rows.is_empty()) {
            let names = ankurah_query_lang::functions::FUNCTIONS.iter().map(|function| function.name);
            return self.unknown("function", name, names);
        }
        self.show_table(&[strings("function"), strings("what it gives")], &rows)
    }

    fn list_aside(&mut self) -> Result<(), Halt> {
        let sets = [
            ("parked", SetAside::Parked),
            ("refused", SetAside::Refused),
            ("equivocal", SetAside::Equivocal),
        ];
        let mut rows = Vec::new();
        for (name, set) in sets {
            let answer = self.client.request(Request::SetAside { set }).for_each(|event| {
                if let Event::Aside { id, entity, reason, missing } = event {
                    let missing: Vec<String> = missing.iter().map(ToString::to_string).collect();
                    rows.push(vec![
                        string(name),
                        string(&id.to_string()),
                        string(&entity.to_string()),
                        string(&reason),
                        string(&missing.join(" ")),
                    ]);
                }
            });
            if let Err(stop) = answer {
                return self.stopped(stop);
            }
        }
        if rows.is_empty() {
            self.output.note("No operation is set aside.")?;
            return Ok(());
        }
        self.show_table(&["set", "operation", "entity", "reason", "waits for"].map(strings), &rows)
    }

    fn connection_info(&mut self) -> Result<(), Halt> {
        let info = match self.client.info() {
            Ok(info) => info,
            Err(stop) => return self.stopped(stop),
        };
        let access = if info.read_only { "read-only" } else { "read and write" };
        let lines = [
            ("target", self.target.clone()),
            ("engine", format!("{}, format {}", info.store.engine, info.store.format)),
            ("store", format!("{}, epoch {}", info.store.store, info.store.epoch)),
            ("position", info.position.0.to_string()),
            ("author", info.author),
            ("access", access.to_owned()),
            ("version", info.version),
        ];
        for (name, text) in lines {
            self.say(&format!("{name:9} {}", Safe::line(&text)))?;
        }
        Ok(())
    }
}

/// Whether a store of ours is in a folder.
fn is_store(folder: &Path) -> bool {
    folder.join(MARKER).is_file()
}

/// The model of a name: exactly, or regardless of case where that is unambiguous.
pub(crate) fn find_model<'a>(catalog: &'a CatalogView, name: &str) -> Option<&'a Arc<Model>> {
    if let Some(model) = catalog.models.iter().find(|model| &*model.name == name) {
        return Some(model);
    }
    let lower = name.to_lowercase();
    let mut alike = catalog.models.iter().filter(|model| model.name.to_lowercase() == lower);
    match (alike.next(), alike.next()) {
        (Some(model), None) => Some(model),
        _ => None,
    }
}

fn key_text(model: &Model) -> String {
    let name =
        |id: &PropertyId| model.property(*id).map_or_else(String::new, |property| property.label.to_string());
    model.key.iter().map(name).collect::<Vec<_>>().join(", ")
}

fn strings(name: &str) -> Column {
    Column { name: name.to_owned(), value_type: Some(ValueType::String) }
}

fn numbers(name: &str) -> Column {
    Column { name: name.to_owned(), value_type: Some(ValueType::Int) }
}

fn string(text: &str) -> Value {
    Value::String(Arc::from(text))
}

fn number(number: usize) -> Value {
    Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
}
