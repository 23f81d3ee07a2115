//! SQLite, with the pragmas that programs commonly set.

use std::path::Path;

use ankurah::Durability;
use rusqlite::Connection;

use crate::Error;
use crate::data::Album;

/// Makes a database in a folder: with a write-ahead log, which `Synced` flushes at every commit.
///
/// # Errors
/// What SQLite says.
pub fn create(folder: &Path, durability: Durability, keyed: bool) -> Result<Connection, Error> {
    let connection = Connection::open(folder.join("sqlite.db"))?;
    let synchronous = match durability {
        Durability::Synced => "full",
        Durability::Buffered => "normal",
    };
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", synchronous)?;
    let key = if keyed { " primary key" } else { "" };
    let table = format!("create table album (name text{key}, year text, artist text)");
    connection.execute(&table, [])?;
    Ok(connection)
}

/// Inserts albums, `each` in one transaction.
///
/// # Errors
/// What SQLite says.
pub fn insert(connection: &mut Connection, albums: &[Album], each: usize) -> Result<(), Error> {
    for albums in albums.chunks(each.max(1)) {
        let transaction = connection.transaction()?;
        {
            let mut insert =
                transaction.prepare_cached("insert into album (name, year, artist) values (?, ?, ?)")?;
            for album in albums {
                insert.execute((&album.name, &album.year, &album.artist))?;
            }
        }
        transaction.commit()?;
    }
    Ok(())
}
