//! Our store.

use std::path::Path;
use std::sync::Arc;

use ankurah::core::id::{ModelId, PropertyId};
use ankurah::core::node::protocol::{Cell, Event, Outcome};
use ankurah::core::storage::{Engine, IndexDefinition};
use ankurah::protocol::{Connection, Parameters, Request, SessionId};
use ankurah::{Context, Durability, Node, NodeOptions, OpenOptions, Target, Value, ValueRef, View};
use futures::StreamExt;
use futures::executor::block_on;

use crate::Error;
use crate::data::Album;
use crate::report::Peer;

mod typed {
    #![allow(missing_docs, reason = "the fields speak for themselves")]

    /// An album, as a program declares it.
    #[derive(ankurah::Model)]
    pub struct Album {
        #[model(key)]
        pub name: String,
        pub year: String,
        pub artist: String,
    }
}

/// What albums are called in the bytes of a store.
pub struct Layout {
    /// The model.
    pub model: ModelId,
    /// Name, year and artist.
    pub properties: Vec<PropertyId>,
}

/// An open store of ours.
#[derive(Clone)]
pub struct Ours {
    connection: Arc<dyn Connection>,
    node: Node,
}

impl Ours {
    /// Makes a store of the peer's engine in a folder.
    ///
    /// # Errors
    /// What the store says.
    pub fn create(peer: Peer, folder: &Path, durability: Durability) -> Result<Self, Error> {
        let target = match peer {
            Peer::OursFjall => Target::Fjall(folder.to_owned()),
            Peer::OursSled => Target::Sled(folder.to_owned()),
            _ => Target::Memory,
        };
        let options = OpenOptions::new().create(true).durability(durability);
        let node = block_on(options.open_target(&target))?.node().clone();
        Ok(Ours { connection: node.connect(), node })
    }

    /// A store on an engine of the caller's.
    ///
    /// # Errors
    /// What the store says.
    pub fn on(engine: Arc<dyn Engine>, durability: Durability) -> Result<Self, Error> {
        let options = NodeOptions { durability, ..NodeOptions::default() };
        let node = block_on(Node::open(engine, ankurah::env::native(), options))?;
        Ok(Ours { connection: node.connect(), node })
    }

    /// The engine.
    pub fn engine(&self) -> Arc<dyn Engine> {
        Arc::clone(self.node.engine())
    }

    /// Asks, and waits for the end.
    ///
    /// # Errors
    /// What the node says.
    pub fn ask(&self, request: Request) -> Result<Outcome, Error> {
        block_on(async {
            let mut events = self.connection.request(request);
            while let Some(event) = events.next().await {
                match event {
                    Event::Done(done) => return Ok(done.outcome),
                    Event::Failed(failure) => return Err(failure.message.into()),
                    _ => {}
                }
            }
            Err("the answer has no end".into())
        })
    }

    /// Runs a statement.
    ///
    /// # Errors
    /// What the node says.
    pub fn run(&self, statement: &str) -> Result<Outcome, Error> {
        let (session, parameters) = (SessionId(0), Parameters::default());
        self.ask(Request::Execute { session, statement: statement.to_owned(), parameters })
    }

    /// Makes the model of albums, with or without a key.
    ///
    /// # Errors
    /// What the node says.
    pub fn define(&self, keyed: bool) -> Result<(), Error> {
        let key = if keyed { " key" } else { "" };
        self.run(&format!("create model album (name string{key}, year string, artist string)"))?;
        Ok(())
    }

    /// Creates albums, each in a transaction of its own.
    ///
    /// # Errors
    /// What the store says.
    pub fn create_albums(&self, albums: &[Album]) -> Result<(), Error> {
        let context = Context::new(self.node.clone());
        block_on(async {
            for album in albums {
                context.create(album).await?;
            }
            Ok(())
        })
    }

    /// Writes albums by their keys, `each` in one transaction, as an import does.
    ///
    /// # Errors
    /// What the node says.
    pub fn upsert(&self, albums: &[Album], each: usize) -> Result<(), Error> {
        for albums in albums.chunks(each.max(1)) {
            let row = |album: &Album| {
                let values =
                    [&album.name, &album.year, &album.artist].map(|text| Value::string(text.as_str()));
                values.into_iter().map(|value| value.map(Cell::Value)).collect()
            };
            let request = Request::Upsert {
                session: SessionId(0),
                model: "album".to_owned(),
                columns: ["name", "year", "artist"].map(str::to_owned).to_vec(),
                rows: albums.iter().map(row).collect::<Result<_, _>>()?,
            };
            let outcome = self.ask(request)?;
            if outcome != (Outcome::Upserted { created: albums.len() as u64, updated: 0, unchanged: 0 }) {
                return Err(format!("not all albums were created: {outcome:?}").into());
            }
        }
        Ok(())
    }

    /// The ids by which our store knows albums.
    ///
    /// # Errors
    /// What the node says, and where there is no such model.
    pub fn layout(&self) -> Result<Layout, Error> {
        let catalog = block_on(async {
            let mut events = self.connection.request(Request::Catalog);
            while let Some(event) = events.next().await {
                if let Event::Catalog(catalog) = event {
                    return Ok(catalog);
                }
            }
            Err(Error::from("the node gave no catalog"))
        })?;
        let model =
            catalog.models.iter().find(|model| *model.name == *"album").ok_or("there are no albums")?;
        let properties = ["name", "year", "artist"].map(|name| model.find(name, true, None));
        let properties = properties.into_iter().map(|property| property.ok().map(|property| property.id));
        let properties = properties.collect::<Option<_>>().ok_or("albums have other properties")?;
        Ok(Layout { model: model.id, properties })
    }

    /// Makes an index, and waits until it is ready.
    ///
    /// # Errors
    /// What the store says.
    pub fn index(&self, definition: IndexDefinition) -> Result<(), Error> {
        let engine = self.node.engine();
        let index = block_on(engine.create_index(definition))?;
        Ok(block_on(engine.build_index(index))?)
    }

    /// The albums that a query finds, as typed views of which all is read.
    ///
    /// # Errors
    /// What the store says.
    pub fn typed(&self, query: &'static str) -> Result<Vec<Album>, Error> {
        let context = Context::new(self.node.clone());
        let views = block_on(context.fetch::<typed::Album>(query))?;
        let album = |view: typed::AlbumView| {
            let typed::Album { name, year, artist } = view.into_model();
            Album { name, year, artist }
        };
        Ok(views.into_iter().map(album).collect())
    }

    /// The rows that a statement gives, each made something.
    ///
    /// # Errors
    /// What the node says.
    pub fn select<T>(
        &self,
        statement: &str,
        positional: Vec<Value>,
        make: impl Fn(&mut dyn Iterator<Item = ValueRef<'_>>) -> T,
    ) -> Result<Vec<T>, Error> {
        let parameters = Parameters { positional, ..Parameters::default() };
        let statement = statement.to_owned();
        block_on(async {
            let mut made = Vec::new();
            let request = Request::Execute { session: SessionId(0), statement, parameters };
            let mut events = self.connection.request(request);
            while let Some(event) = events.next().await {
                match event {
                    Event::Rows(rows) => made.extend(rows.iter().map(|row| make(&mut row.iter()))),
                    Event::Done(_) => return Ok(made),
                    Event::Failed(failure) => return Err(failure.message.into()),
                    _ => {}
                }
            }
            Err("the answer has no end".into())
        })
    }

    /// Closes the store.
    ///
    /// # Errors
    /// What the store says.
    pub fn close(self) -> Result<(), Error> {
        Ok(block_on(self.node.close())?)
    }
}
