//! What waited on a thread that ended before it could react. The next thread that reacts takes it over.

use std::sync::Arc;

use crate::node::Node;

#[cfg(not(target_arch = "wasm32"))]
mod shared {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, Mutex};

    use crate::node::{Node, lock};

    static ORPHANS: Mutex<Vec<Arc<dyn Node>>> = Mutex::new(Vec::new());
    static ANY: AtomicBool = AtomicBool::new(false);

    pub(super) fn leave(nodes: &mut Vec<Arc<dyn Node>>) {
        if !nodes.is_empty() {
            lock(&ORPHANS).append(nodes);
            ANY.store(true, Ordering::Release);
        }
    }

    pub(super) fn adopt(nodes: &mut Vec<Arc<dyn Node>>) {
        if ANY.swap(false, Ordering::Acquire) {
            nodes.append(&mut lock(&ORPHANS));
        }
    }
}

/// A page is one thread, which ends with all that could react.
#[cfg(target_arch = "wasm32")]
mod shared {
    use std::sync::Arc;

    use crate::node::Node;

    pub(super) fn leave(_: &mut Vec<Arc<dyn Node>>) {}

    pub(super) fn adopt(_: &mut Vec<Arc<dyn Node>>) {}
}

/// Leaves what a thread that ends has not got to.
pub(crate) fn leave(nodes: &mut Vec<Arc<dyn Node>>) {
    shared::leave(nodes);
}

/// Adds what other threads have left.
pub(crate) fn adopt(nodes: &mut Vec<Arc<dyn Node>>) {
    shared::adopt(nodes);
}
