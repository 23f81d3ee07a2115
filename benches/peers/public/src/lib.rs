//! What is measured of the public `ankurah` crates, on sled.

use std::path::Path;
use std::sync::Arc;

use ankurah::policy::{DEFAULT_CONTEXT, PermissiveAgent};
use ankurah::{Context, LiveQuery, Model, Node};
use ankurah_storage_sled::SledStorageEngine;
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

/// What goes wrong.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

mod album {
    #![allow(missing_docs, reason = "what is derived has no documentation")]
    use super::*;

    /// The model that everything is measured with.
    #[derive(Model, Debug, Clone, Serialize, Deserialize)]
    pub struct Album {
        pub name: String,
        pub year: String,
        pub artist: String,
    }
}

pub use album::{Album, AlbumView};

/// An open store.
pub struct Store {
    runtime: Runtime,
    context: Context,
    _node: Node<SledStorageEngine, PermissiveAgent>,
}

impl Store {
    /// Makes a store in a folder.
    ///
    /// # Errors
    /// What the crates say.
    pub fn create(path: &Path) -> Result<Self, Error> {
        let runtime = Runtime::new()?;
        let (node, context) = runtime.block_on(async {
            let engine = Arc::new(SledStorageEngine::with_path(path.to_owned())?);
            let node = Node::new_durable(engine, PermissiveAgent::new());
            node.system.create().await?;
            let context = node.context_async(DEFAULT_CONTEXT).await;
            Ok::<_, Error>((node, context))
        })?;
        Ok(Store { runtime, context, _node: node })
    }

    /// Creates albums, `each` in one transaction.
    ///
    /// # Errors
    /// What the crates say.
    pub fn create_albums(&self, albums: &[Album], each: usize) -> Result<(), Error> {
        self.runtime.block_on(async {
            for albums in albums.chunks(each.max(1)) {
                let transaction = self.context.begin();
                for album in albums {
                    transaction.create(album).await?;
                }
                transaction.commit().await?;
            }
            Ok(())
        })
    }

    /// The strings of the albums that a predicate finds: name, year, artist.
    ///
    /// # Errors
    /// What the crates say.
    pub fn strings(&self, predicate: &str) -> Result<Vec<[String; 3]>, Error> {
        let found = self.fetch(predicate)?;
        found.iter().map(|album| Ok([album.name()?, album.year()?, album.artist()?])).collect()
    }

    /// The albums that a predicate finds.
    ///
    /// # Errors
    /// What the crates say.
    pub fn fetch(&self, predicate: &str) -> Result<Vec<AlbumView>, Error> {
        Ok(self.runtime.block_on(self.context.fetch::<AlbumView>(predicate))?)
    }

    /// Live queries on albums, once they have their rows.
    ///
    /// # Errors
    /// What the crates say.
    pub fn live(
        &self,
        predicates: impl IntoIterator<Item = String>,
    ) -> Result<Vec<LiveQuery<AlbumView>>, Error> {
        self.runtime.block_on(async {
            let mut queries = Vec::new();
            for predicate in predicates {
                queries.push(self.context.query_wait::<AlbumView>(predicate.as_str()).await?);
            }
            Ok(queries)
        })
    }
}
