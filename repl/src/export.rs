//! `ankurah export`: from entities to files.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;

use ankurah_core::catalog::{Model, Property};
use ankurah_core::node::protocol::{CatalogView, Column, Event, SessionId};
use ankurah_core::value::{Value, ValueType};
use ankurah_query_lang::ast::StatementKind;
use ankurah_query_lang::{nearest, parse_statement, quote_identifier};

use crate::cli::{ExportArgs, ExportFormat};
use crate::client::{Client, Interrupt, Next, Pump, Stop};
use crate::display::Style;
use crate::exit::Exit;
use crate::format::{Format, Options, writer};
use crate::replace::replace;
use crate::session::{find_model, render_failure, render_message, rows_are_piped};
use crate::target;

/// Runs the command.
pub fn command(args: &ExportArgs) -> Exit {
    let style = Style::detect(args.display.color, args.display.ascii, &io::stderr());
    let complain = |message: &str| {
        let _ = writeln!(io::stderr(), "{}", render_message(message, style));
    };
    let opened = match target::open(&args.target, target::Mode::Once) {
        Ok(opened) => opened,
        Err(message) => {
            complain(&message);
            return Exit::CannotOpen;
        }
    };
    let client = Client::new(opened.connection.clone(), SessionId(1), Interrupt::on_ctrl_c(), Pump::Thread);
    let selection = match (&args.query, &args.collection) {
        (Some(query), _) => Selection::rows_of(query).map_err(Trouble::Usage),
        (None, Some(collection)) => match client.catalog() {
            Ok(catalog) => Selection::of(collection, args.ids, &catalog).map_err(Trouble::Unknown),
            Err(stop) => Err(Trouble::Node(stop)),
        },
        (None, None) => Err(Trouble::Usage("give a collection or --query".to_owned())),
    };
    let statement = selection.as_ref().map(|selection| selection.statement.clone()).unwrap_or_default();
    let format = format(args);
    let result = selection.and_then(|selection| match &args.output {
        None => {
            let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
            // Bytes are exact for a file or a program; a terminal would obey them.
            export(&client, &selection, format, !io::stdout().is_terminal(), &mut out)
        }
        Some(path) => replace(path, |exact, out| export(&client, &selection, format, exact, out)),
    });
    match result {
        Ok(summary) => {
            if summary.dangling > 0 {
                let _ = writeln!(
                    io::stderr(),
                    "{} references are to entities that do not exist here; they are written as @ID",
                    summary.dangling
                );
            }
            let rows = if summary.rows == 1 { "row" } else { "rows" };
            if args.output.is_some() || !rows_are_piped() {
                let _ = writeln!(io::stderr(), "{} {rows}", summary.rows);
            }
            Exit::Ok
        }
        Err(Trouble::Usage(message)) => {
            complain(&message);
            Exit::Usage
        }
        Err(Trouble::Unknown(message)) => {
            complain(&message);
            Exit::Failed
        }
        Err(Trouble::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Exit::Ok,
        Err(Trouble::Output(error)) => {
            let place =
                args.output.as_ref().map_or("the output".to_owned(), |path| path.display().to_string());
            complain(&format!("cannot write {place}: {error}"));
            Exit::CannotOpen
        }
        Err(Trouble::Node(Stop::Cancelled)) => {
            complain("cancelled");
            Exit::Cancelled
        }
        Err(Trouble::Node(Stop::Failed(failure))) => {
            let _ = writeln!(io::stderr(), "{}", render_failure(&failure, &statement, None, style, None));
            Exit::Failed
        }
    }
}

/// Why an export did not come to its end.
#[derive(Debug)]
pub enum Trouble {
    /// What was asked for does not go together.
    Usage(String),
    /// What was asked for does not exist in the store.
    Unknown(String),
    /// The file cannot be written.
    Output(io::Error),
    /// The node refused something.
    Node(Stop),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Trouble::Output(error)
    }
}

/// What an export did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Rows written.
    pub rows: u64,
    /// References whose entity does not exist, so that it has no key.
    pub dangling: u64,
}

fn format(args: &ExportArgs) -> Format {
    let of_name = args.output.as_deref().and_then(Path::extension).and_then(|name| name.to_str());
    let named = match args.format {
        Some(ExportFormat::Csv) => Some("csv"),
        Some(ExportFormat::Tsv) => Some("tsv"),
        Some(ExportFormat::Json) => Some("json"),
        Some(ExportFormat::Jsonl) => Some("jsonl"),
        Some(ExportFormat::Markdown) => Some("md"),
        None => of_name,
    };
    match named {
        Some("tsv") => Format::Tsv,
        Some("json") => Format::Json,
        Some("jsonl" | "ndjson") => Format::Jsonl,
        Some("md") => Format::Markdown,
        _ => Format::Csv,
    }
}

/// What is exported.
pub struct Selection {
    /// The query.
    pub statement: String,
    /// For a collection: a heading each, and whether the column is a reference followed by its key.
    pub columns: Vec<(String, bool)>,
}

impl Selection {
    /// The rows of a query.
    fn rows_of(query: &str) -> Result<Self, String> {
        // What cannot be read is for the node to refuse, with its place.
        let takes = parse_statement(query).map_or(true, |parsed| match parsed.kind {
            StatementKind::Select(_) => true,
            StatementKind::Explain { .. } => !ankurah_core::node::statement_writes(&parsed),
            _ => false,
        });
        if !takes {
            return Err("--query takes a `select`: export reads a store and changes nothing in it".to_owned());
        }
        Ok(Selection { statement: query.to_owned(), columns: Vec::new() })
    }

    /// All properties of a collection; with `ids`, references as ids instead of keys.
    pub fn of(collection: &str, ids: bool, catalog: &CatalogView) -> Result<Self, String> {
        let Some(model) = find_model(catalog, collection) else {
            let near = nearest(collection, catalog.models.iter().map(|model| &*model.name));
            let hint = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            return Err(format!("there is no collection `{collection}`{hint}"));
        };
        let mut items = Vec::new();
        let mut columns = Vec::new();
        for property in model.columns() {
            let name = written(property);
            items.push(name.clone());
            let key = if ids { None } else { key_of_target(property, catalog) };
            if let Some(key) = key {
                items.push(format!("{name}.{}", written(key)));
            }
            columns.push((property.label.to_string(), key.is_some()));
        }
        if items.is_empty() {
            return Err(format!("collection `{collection}` has no property"));
        }
        let statement = format!("select {} from {}", items.join(", "), written_model(model));
        Ok(Selection { statement, columns })
    }
}

/// A property as the language writes it.
fn written(property: &Property) -> String {
    let name = quote_identifier(&property.name);
    if property.label == property.name { name } else { format!("{name}@{}", property.id) }
}

fn written_model(model: &Model) -> String {
    let name = quote_identifier(&model.name);
    if model.label == model.name { name } else { format!("{name}@{}", model.id) }
}

/// The only key property of the model that a reference refers to.
fn key_of_target<'a>(property: &Property, catalog: &'a CatalogView) -> Option<&'a Property> {
    let ValueType::Ref(id) = property.value_type else { return None };
    let model = catalog.models.iter().find(|model| model.id == id)?;
    match model.key.as_slice() {
        [only] => model
            .property(*only)
            .map(|property| &**property)
            .filter(|p| !matches!(p.value_type, ValueType::Ref(_))),
        _ => None,
    }
}

/// Writes what is selected, row by row; not `exact`, safe to look at.
pub fn export(
    client: &Client,
    selection: &Selection,
    format: Format,
    exact: bool,
    out: &mut dyn Write,
) -> Result<Summary, Trouble> {
    let mut writer = writer(&Options { format, exact, ..Options::default() });
    let mut summary = Summary::default();
    let keyed = selection.columns.iter().any(|(_, keyed)| *keyed);
    let mut answer = client.execute(&selection.statement, Default::default());
    loop {
        match answer.advance().map_err(Trouble::Node)? {
            Next::Event(Event::Columns(columns)) => {
                let columns =
                    if selection.columns.is_empty() { columns } else { merged(selection, &columns) };
                writer.begin(&columns, out)?;
            }
            Next::Event(Event::Rows(rows)) => {
                for row in rows.iter() {
                    summary.rows = summary.rows.saturating_add(1);
                    if keyed {
                        writer.row(&merge(selection, row.to_values(), &mut summary.dangling), out)?;
                    } else {
                        writer.row_ref(row, out)?;
                    }
                }
            }
            Next::Event(_) => {}
            Next::Done(_) => {
                writer.end(out)?;
                out.flush()?;
                return Ok(summary);
            }
        }
    }
}

/// The columns with each reference and its key made one.
fn merged(selection: &Selection, columns: &[Column]) -> Vec<Column> {
    let mut rest = columns.iter();
    let mut merged = Vec::with_capacity(selection.columns.len());
    for (name, keyed) in &selection.columns {
        let own = rest.next();
        let shown = if *keyed { rest.next() } else { own };
        merged.push(Column { name: name.clone(), value_type: shown.and_then(|column| column.value_type) });
    }
    merged
}

fn merge(selection: &Selection, row: Vec<Value>, dangling: &mut u64) -> Vec<Value> {
    let mut rest = row.into_iter();
    let mut merged = Vec::with_capacity(selection.columns.len());
    for (_, keyed) in &selection.columns {
        let own = rest.next().unwrap_or(Value::Null);
        if !*keyed {
            merged.push(own);
            continue;
        }
        merged.push(match (own, rest.next().unwrap_or(Value::Null)) {
            (Value::Ref(id), Value::Null) => {
                *dangling = dangling.saturating_add(1);
                Value::String(Arc::from(format!("@{id}")))
            }
            (_, key) => key,
        });
    }
    merged
}
