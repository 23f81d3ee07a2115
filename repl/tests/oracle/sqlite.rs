//! SQLite's side.

use std::path::Path;

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, params_from_iter};

use crate::answer::{Answer, Cell};

/// A database in memory.
pub(crate) struct Sqlite {
    connection: Connection,
}

impl Sqlite {
    pub(crate) fn new() -> Self {
        let connection = Connection::open_in_memory().unwrap();
        connection.pragma_update(None, "case_sensitive_like", true).unwrap();
        Sqlite { connection }
    }

    pub(crate) fn ask(&self, query: &str) -> Result<Answer, String> {
        let asked = || -> rusqlite::Result<Answer> {
            let mut statement = self.connection.prepare(query)?;
            let columns = statement.column_count();
            let mut rows = statement.query([])?;
            let mut answer = Answer::default();
            while let Some(row) = rows.next()? {
                let cells = (0..columns).map(|at| row.get_ref(at).map(cell));
                answer.rows.push(cells.collect::<rusqlite::Result<_>>()?);
            }
            Ok(answer)
        };
        asked().map_err(|error| error.to_string())
    }

    /// Runs a statement that must not fail, and gives how many rows it wrote.
    #[track_caller]
    pub(crate) fn run(&self, statement: &str) -> u64 {
        match self.connection.execute(statement, []) {
            Ok(count) => u64::try_from(count).unwrap(),
            Err(error) => panic!("SQLite: {error}\n  {statement}"),
        }
    }

    /// Reads a CSV file into a table. A column is INTEGER where all its values are integers, NUMERIC where all
    /// are numbers, TEXT otherwise; an empty field is NULL.
    pub(crate) fn load_csv(&self, path: &Path, table: &str) -> usize {
        let mut reader = csv::Reader::from_path(path).unwrap();
        let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
        let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
        let all = |at: usize, is: &dyn Fn(&str) -> bool| {
            rows.iter().filter_map(|row| row.get(at)).filter(|field| !field.is_empty()).all(is)
        };
        let kinds: Vec<&str> = (0..header.len())
            .map(|at| {
                if all(at, &|field| field.parse::<i64>().is_ok()) {
                    "INTEGER"
                } else if all(at, &|field| field.parse::<f64>().is_ok()) {
                    "NUMERIC"
                } else {
                    "TEXT"
                }
            })
            .collect();
        let columns = header.iter().zip(&kinds).map(|(name, kind)| format!("\"{name}\" {kind}"));
        self.run(&format!("create table \"{table}\" ({})", columns.collect::<Vec<_>>().join(", ")));
        let places = vec!["?"; header.len()].join(", ");
        self.run("begin");
        let mut insert =
            self.connection.prepare(&format!("insert into \"{table}\" values ({places})")).unwrap();
        for row in &rows {
            let value =
                |field: &str| if field.is_empty() { Value::Null } else { Value::Text(field.to_owned()) };
            insert.execute(params_from_iter(row.iter().map(value))).unwrap();
        }
        self.run("commit");
        rows.len()
    }
}

fn cell(value: ValueRef<'_>) -> Cell {
    match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(int) => Cell::Int(int),
        ValueRef::Real(real) => Cell::Real(real),
        ValueRef::Text(text) => Cell::Text(String::from_utf8(text.to_vec()).unwrap()),
        ValueRef::Blob(bytes) => Cell::Bytes(bytes.to_vec()),
    }
}
