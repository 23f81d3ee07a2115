//! What the columns of a file become: properties and their types.

use std::collections::HashMap;
use std::sync::Arc;

use ankurah_core::catalog::define::{MAX_PROPERTIES, reserved_name};
use ankurah_core::catalog::{Model, Property};
use ankurah_core::node::protocol::{CatalogView, Cell};
use ankurah_core::operation::limits::{OPERATION_BYTES, VALUE_BYTES};
use ankurah_core::query::value_type;
use ankurah_core::value::{Value, ValueType};
use ankurah_query_lang::ast::StatementKind;
use ankurah_query_lang::{nearest, parse_statement, quote_identifier};

use super::infer::Guess;
use super::run::Trouble;
use super::source::{Field, Names};
use crate::cli::ImportArgs;
use crate::convert;
use crate::session::{Types, find_model};

/// What a column becomes.
#[derive(Clone, Debug)]
pub struct Column {
    /// Its name in the file.
    pub name: String,
    /// The property's name.
    pub property: String,
    /// What its values are.
    pub kind: Kind,
    /// Whether it is part of the key.
    pub key: bool,
    /// Whether the model has the property already.
    pub exists: bool,
    /// What its values have been so far.
    pub guess: Guess,
    /// Of values that must be of a known type: how many are.
    pub good: u64,
    /// The first that is not: its line and what is wrong with it.
    pub bad: Option<(u64, String)>,
}

/// What the values of a column are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// To be found out.
    Open,
    /// Of a known type, and how the language writes it.
    Known(ValueType, String),
    /// Keys of entities of another model: the type of the key, and how the language writes the reference.
    Reference(ValueType, String),
    /// Keys of entities of the same model, which has to exist first.
    OwnKey(String),
}

/// What a file becomes.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The model's name.
    pub model: String,
    /// Whether it exists.
    pub exists: bool,
    /// The columns in the order of the file.
    pub columns: Vec<Column>,
}

impl Plan {
    /// A plan for the columns of a file, before its rows are looked at.
    pub fn new(args: &ImportArgs, names: &[String], catalog: &CatalogView) -> Result<Self, Trouble> {
        let model = find_model(catalog, &args.into);
        let types = Types::new(catalog);
        let asked = Asked::new(args, names)?;
        let mut columns = Vec::with_capacity(names.len());
        for name in names {
            columns.push(asked.column(name, model, catalog, &types)?);
        }
        let plan = Plan {
            model: model.map_or_else(|| args.into.clone(), |model| model.label.to_string()),
            exists: model.is_some(),
            columns,
        };
        if let Some(model) = model {
            plan.check_key(args, model)?;
        }
        Ok(plan)
    }

    /// An existing model has a key or none; what is asked for must agree.
    fn check_key(&self, args: &ImportArgs, model: &Model) -> Result<(), Trouble> {
        let names: Vec<&str> =
            model.key.iter().filter_map(|id| model.property(*id)).map(|property| &*property.label).collect();
        if !args.key.is_empty() {
            let mut asked: Vec<&str> = self
                .columns
                .iter()
                .filter(|column| column.key)
                .map(|column| column.property.as_str())
                .collect();
            let mut has = names.clone();
            asked.sort_unstable();
            has.sort_unstable();
            if asked != has {
                let key = if has.is_empty() {
                    "no key".to_owned()
                } else {
                    format!("the key {}", names.join(", "))
                };
                return Err(Trouble::Usage(format!(
                    "collection `{}` exists with {key}, which cannot be changed to {}",
                    self.model,
                    asked.join(", ")
                )));
            }
        }
        match names.iter().find(|name| !self.columns.iter().any(|column| column.property == **name)) {
            Some(missing) => {
                let message = format!("there is no column for `{missing}`, the key of `{}`", self.model);
                Err(Trouble::Content(Some(1), message.into()))
            }
            None => Ok(()),
        }
    }

    /// Takes a row of the first pass into account.
    pub fn look(&mut self, line: u64, fields: &[Field]) {
        for (column, field) in self.columns.iter_mut().zip(fields) {
            column.look(line, field);
        }
    }

    /// Fixes the types after the first pass; an error where a column is something else than it must be.
    pub fn settle(&mut self) -> Result<(), Trouble> {
        for column in &mut self.columns {
            if let (0, Some((line, message))) = (column.good, &column.bad) {
                let what = if column.exists {
                    format!("property `{}` of `{}`", column.property, self.model)
                } else {
                    "what was asked for".to_owned()
                };
                let message = format!(
                    "column `{}` does not fit {what}: no value does, beginning with this: {message}",
                    column.name
                );
                return Err(Trouble::Content(Some(*line), message.into()));
            }
            if column.kind == Kind::Open {
                let value_type = column.guess.value_type();
                column.kind = Kind::Known(value_type, value_type.to_string());
            }
        }
        let key = self.columns.iter().find(|column| column.key).and_then(|column| match column.kind {
            Kind::Known(value_type, _) => Some(value_type),
            _ => None,
        });
        for column in &mut self.columns {
            if let Kind::OwnKey(reference) = &column.kind {
                column.kind = Kind::Reference(key.unwrap_or(ValueType::String), reference.clone());
            }
        }
        Ok(())
    }

    /// The statements that make the model and its properties.
    pub fn statements(&self) -> Vec<String> {
        let model = quote_identifier(&self.model);
        let define = |column: &Column| {
            let (Kind::Known(_, written) | Kind::Reference(_, written) | Kind::OwnKey(written)) =
                &column.kind
            else {
                return quote_identifier(&column.property);
            };
            let key = if column.key { " key" } else { "" };
            format!("{} {written}{key}", quote_identifier(&column.property))
        };
        if self.exists {
            let new = self.columns.iter().filter(|column| !column.exists);
            return new
                .map(|column| format!("alter model {model} add property {}", define(column)))
                .collect();
        }
        let properties: Vec<String> = self.columns.iter().map(define).collect();
        vec![format!("create model {model} ({})", properties.join(", "))]
    }

    /// The cells of a row.
    ///
    /// # Errors
    /// Why it cannot be stored: a value is not of its column's type, or too large, or all of them are together.
    pub fn cells(&self, fields: &[Field]) -> Result<Vec<Cell>, String> {
        let mut cells = Vec::with_capacity(self.columns.len());
        let mut bytes: usize = 0;
        for (column, field) in self.columns.iter().zip(fields.iter().chain(std::iter::repeat(&Field::Null))) {
            let wrong = |message: String| format!("column `{}`: {message}", column.name);
            let cell = column.cell(field).map_err(wrong)?;
            let length = cell_bytes(&cell);
            if length > VALUE_BYTES {
                return Err(wrong(format!("the value has {length} bytes; the limit is {VALUE_BYTES}")));
            }
            bytes = bytes.saturating_add(length);
            cells.push(cell);
        }
        if bytes > ROW_BYTES {
            return Err(format!(
                "the values of the row have {bytes} bytes together; the limit is {ROW_BYTES}"
            ));
        }
        Ok(cells)
    }
}

/// The bytes that a row's values may have together: an operation of them, with what else is in it, is then not too
/// large.
const ROW_BYTES: usize = OPERATION_BYTES - (256 << 10);

/// The bytes of what has no small bound.
fn cell_bytes(cell: &Cell) -> usize {
    let of = |value: &Value| match value {
        Value::String(text) | Value::Json(text) => text.len(),
        Value::Bytes(bytes) => bytes.len(),
        _ => 0,
    };
    match cell {
        Cell::Value(value) => of(value),
        Cell::Key(key) => key.iter().map(of).max().unwrap_or(0),
    }
}

/// Which names in a file become columns, and why others do not.
pub(super) fn sort_names(args: &ImportArgs, found: Vec<String>, catalog: &CatalogView) -> Names {
    let model = find_model(catalog, &args.into);
    let mut room = MAX_PROPERTIES.saturating_sub(model.map_or(0, |model| model.properties.len()));
    let mut names = Names { complete: true, ..Names::default() };
    let mut taken: HashMap<String, String> = HashMap::with_capacity(found.len());
    for name in found {
        let (property, exists) = property_of(&name, model);
        let exists = exists.is_some();
        if let Some(other) = taken.get(&property) {
            let reason =
                format!("the columns `{other}` and `{name}` would both be the property `{property}`");
            names.refused.insert(name, reason);
        } else if room == 0 && !exists {
            let reason = format!(
                "there is no room for a property `{property}`: a collection has at most {MAX_PROPERTIES}, dropped \
                 ones included"
            );
            names.refused.insert(name, reason);
        } else {
            room = room.saturating_sub(usize::from(!exists));
            taken.insert(property, name.clone());
            names.columns.push(name);
        }
    }
    names
}

/// The name of the property that a column becomes, and the property where the model has it.
fn property_of<'a>(name: &str, model: Option<&'a Arc<Model>>) -> (String, Option<&'a Arc<Property>>) {
    let find = |name: &str| model.and_then(|model| model.find(name, false, None).ok());
    let property = match reserved_name(name) {
        Some(_) if find(name).is_none() => format!("{name}_"),
        _ => name.to_owned(),
    };
    match find(&property) {
        Some(found) => (found.label.to_string(), Some(found)),
        None => (property, None),
    }
}

impl Column {
    fn look(&mut self, line: u64, field: &Field) {
        if *field == Field::Null {
            return;
        }
        if self.kind == Kind::Open || matches!(self.kind, Kind::OwnKey(_)) {
            look(&mut self.guess, field);
            return;
        }
        match self.cell(field) {
            Ok(_) => self.good = self.good.saturating_add(1),
            Err(message) if self.bad.is_none() => self.bad = Some((line, message)),
            Err(_) => {}
        }
    }

    fn cell(&self, field: &Field) -> Result<Cell, String> {
        if *field == Field::Null {
            return Ok(Cell::Value(Value::Null));
        }
        match &self.kind {
            Kind::Known(ValueType::Ref(_), _) => reference(field).map(Cell::Value),
            // A JSON string is a document of its own; a CSV field holds the document's text.
            Kind::Known(ValueType::Json, _) => match field {
                Field::String(text) => {
                    let document = serde_json::Value::String(text.clone()).to_string();
                    convert::parse(&document, ValueType::Json).map(Cell::Value)
                }
                other => convert::json(other.text()).map(Cell::Value),
            },
            Kind::Known(value_type, _) => convert::parse(field.text(), *value_type).map(Cell::Value),
            Kind::Reference(key, _) => match field.text().strip_prefix('@') {
                Some(_) => reference(field).map(Cell::Value),
                None => Ok(Cell::Key(vec![convert::parse(field.text(), *key)?])),
            },
            Kind::OwnKey(_) | Kind::Open => Err("its type is not known yet".to_owned()),
        }
    }
}

/// An id, with or without its `@`.
fn reference(field: &Field) -> Result<Value, String> {
    let text = field.text();
    let id = text.strip_prefix('@').unwrap_or(text);
    id.parse().map(Value::Ref).map_err(|error: ankurah_core::id::ParseIdError| error.to_string())
}

fn look(guess: &mut Guess, field: &Field) {
    match field {
        Field::Null => {}
        Field::Text(text) => guess.text(text),
        Field::String(text) => guess.string(text),
        Field::Number(text) => guess.number(text),
        Field::Bool(_) => guess.bool(),
        Field::Json(_) => guess.json(),
    }
}

/// What the command line says of columns.
struct Asked<'a> {
    args: &'a ImportArgs,
    types: Vec<(&'a str, &'a str)>,
    references: Vec<(&'a str, &'a str, &'a str)>,
}

impl<'a> Asked<'a> {
    fn new(args: &'a ImportArgs, names: &[String]) -> Result<Self, String> {
        let split = |text: &'a str, option: &str| {
            text.split_once('=')
                .ok_or_else(|| format!("--{option} {text}: write COLUMN={}", option.to_uppercase()))
        };
        let types = args.column_type.iter().map(|text| split(text, "type")).collect::<Result<Vec<_>, _>>()?;
        let mut references = Vec::new();
        for text in &args.reference {
            let (column, to) = split(text, "ref")?;
            let (model, key) =
                to.split_once('.').ok_or_else(|| format!("--ref {text}: write COLUMN=COLLECTION.KEY"))?;
            references.push((column, model, key));
        }
        let asked = Asked { args, types, references };
        let columns = asked.types.iter().map(|(column, _)| *column);
        let columns = columns.chain(asked.references.iter().map(|(column, _, _)| *column));
        for column in columns.chain(args.key.iter().chain(&args.text).map(String::as_str)) {
            if !names.iter().any(|name| name == column) {
                let near = nearest(column, names.iter().map(String::as_str));
                let hint = near.map_or_else(|| names.join(", "), |near| format!("did you mean `{near}`?"));
                return Err(format!("the file has no column `{column}`: {hint}"));
            }
        }
        Ok(asked)
    }

    fn column(
        &self,
        name: &str,
        model: Option<&Arc<Model>>,
        catalog: &CatalogView,
        types: &Types<'_>,
    ) -> Result<Column, String> {
        let (property, found) = property_of(name, model);
        let asked_kind = self.kind(name, catalog)?;
        let kind = match found {
            Some(found) => self.of_existing(found, asked_kind, catalog, types)?,
            None => asked_kind,
        };
        Ok(Column {
            name: name.to_owned(),
            property,
            kind,
            key: self.args.key.iter().any(|key| key == name),
            exists: found.is_some(),
            guess: Guess::default(),
            good: 0,
            bad: None,
        })
    }

    /// What was asked for a column.
    fn kind(&self, name: &str, catalog: &CatalogView) -> Result<Kind, String> {
        let text = self.args.text.iter().any(|column| column == name);
        let asked = self.types.iter().find(|(column, _)| *column == name);
        let reference = self.references.iter().find(|(column, _, _)| *column == name);
        if usize::from(text) + usize::from(asked.is_some()) + usize::from(reference.is_some()) > 1 {
            return Err(format!("column `{name}` is given more than one type"));
        }
        if text {
            return Ok(Kind::Known(ValueType::String, "text".to_owned()));
        }
        if let Some((_, written)) = asked {
            return known_type(written, catalog)
                .map(|value_type| Kind::Known(value_type, (*written).to_owned()));
        }
        match reference {
            Some((_, model, key)) => self.reference(name, model, key, catalog),
            None => Ok(Kind::Open),
        }
    }

    fn reference(&self, column: &str, model: &str, key: &str, catalog: &CatalogView) -> Result<Kind, String> {
        let Some(found) = find_model(catalog, model) else {
            if model == self.args.into {
                let own = self.args.key.as_slice() == [key.to_owned()];
                return if own {
                    Ok(Kind::OwnKey(format!("ref({})", quote_identifier(model))))
                } else {
                    Err(format!("--ref {column}={model}.{key}: `{key}` is not the key; say --key {key}"))
                };
            }
            let near = nearest(model, catalog.models.iter().map(|model| &*model.name));
            let hint =
                near.map_or_else(|| "import it first".to_owned(), |near| format!("did you mean `{near}`?"));
            return Err(format!("--ref {column}={model}.{key}: there is no collection `{model}`: {hint}"));
        };
        let only = match found.key.as_slice() {
            [only] => found.property(*only),
            _ => None,
        };
        match only {
            Some(property) if property.name.eq_ignore_ascii_case(key) => {
                Ok(Kind::Reference(property.value_type, format!("ref({})", quote_identifier(&found.label))))
            }
            Some(property) => {
                Err(format!("--ref {column}={model}.{key}: the key of `{model}` is `{}`", property.label))
            }
            None => Err(format!("--ref {column}={model}.{key}: `{model}` has no key of one property")),
        }
    }

    /// What the values of an existing property are.
    fn of_existing(
        &self,
        property: &Property,
        asked: Kind,
        catalog: &CatalogView,
        types: &Types<'_>,
    ) -> Result<Kind, String> {
        let written = types.of(property);
        let fits = match &asked {
            Kind::Open => true,
            Kind::Known(value_type, text) => {
                *value_type == property.value_type && (text == "text") == property.is_text()
            }
            Kind::Reference(_, text) | Kind::OwnKey(text) => *text == written,
        };
        if !fits {
            let wanted = match asked {
                Kind::Known(_, text) | Kind::Reference(_, text) | Kind::OwnKey(text) => text,
                Kind::Open => String::new(),
            };
            return Err(format!(
                "property `{}` of `{}` is {written} already, not {wanted}; import the column into another property \
                 or collection",
                property.label, self.args.into
            ));
        }
        if let ValueType::Ref(model) = property.value_type {
            // Without --ref a column of keys is still a column of keys.
            let target = catalog.models.iter().find(|found| found.id == model);
            let key = target.and_then(|target| match target.key.as_slice() {
                [only] => target.property(*only),
                _ => None,
            });
            if let Some(key) = key {
                return Ok(Kind::Reference(key.value_type, written));
            }
        }
        Ok(Kind::Known(property.value_type, written))
    }
}

/// The type of a name such as `decimal` or `ref(artist)`.
fn known_type(written: &str, catalog: &CatalogView) -> Result<ValueType, String> {
    let statement = format!("create model m (c {written})");
    let unknown = || {
        let near = nearest(written, ankurah_query_lang::TYPES.iter().map(|info| info.name));
        let hint = near.map(|near| format!(": did you mean {near}?")).unwrap_or_default();
        format!("there is no type `{written}`{hint}")
    };
    let parsed = parse_statement(&statement).map_err(|_| unknown())?;
    let StatementKind::CreateModel(create) = parsed.kind else { return Err(unknown()) };
    let [definition] = create.properties.as_slice() else { return Err(unknown()) };
    if definition.key || definition.not_null || definition.default.is_some() {
        return Err(unknown());
    }
    value_type(&definition.ty.kind, |name| match find_model(catalog, &name.ident.name) {
        Some(model) => Ok(model.id),
        None => Err(format!("there is no collection `{}`", name.ident.name)),
    })
}
