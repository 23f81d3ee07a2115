//! Listening for other programs that want the store which this one has open.

#[cfg(not(any(feature = "fjall", feature = "sled")))]
mod none {
    use ankurah_core::node::Node;
    use std::path::Path;

    /// Without an embedded engine there is no store that another program could want.
    #[derive(Debug)]
    pub(crate) enum Listener {}

    impl Listener {
        pub(crate) fn close(&mut self, _: &str) {
            match *self {}
        }
    }

    pub(crate) fn listen(_: &Node, _: &Path) -> Option<Listener> {
        None
    }
}

#[cfg(any(feature = "fjall", feature = "sled"))]
mod local {
    use ankurah_core::node::Node;
    pub(crate) use ankurah_transport_local::Listener;
    use std::path::Path;

    /// Listens for the store at a path. A store that nobody can attach to is a store all the same.
    pub(crate) fn listen(node: &Node, path: &Path) -> Option<Listener> {
        let listening = ankurah_transport_local::listen(node, path);
        listening.inspect_err(|error| tracing::debug!(%error, "no program can attach to the store")).ok()
    }
}

#[cfg(any(feature = "fjall", feature = "sled"))]
pub(crate) use local::{Listener, listen};
#[cfg(not(any(feature = "fjall", feature = "sled")))]
pub(crate) use none::{Listener, listen};
