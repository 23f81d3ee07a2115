//! Dropping long chains without recursion.
//!
//! A derived signal owns its sources, so the end of a chain that is dropped takes all of it along, and drop
//! glue would nest as deep as the chain is long. Nodes bury what they own instead, and the outermost drop
//! on the thread empties the grave.

use std::cell::{Cell, RefCell};

/// What can be dropped later.
pub(crate) trait Garbage {}
impl<T> Garbage for T {}

struct Grave {
    buried: RefCell<Vec<Box<dyn Garbage>>>,
    open: Cell<bool>,
}

thread_local! {
    static GRAVE: Grave = const { Grave { buried: RefCell::new(Vec::new()), open: Cell::new(false) } };
}

/// Drops `garbage` when the outermost [`Digging`] on this thread ends; at once, if the thread ends.
pub(crate) fn bury(garbage: Box<dyn Garbage>) {
    let mut garbage = Some(garbage);
    let bury = |grave: &Grave| grave.buried.borrow_mut().extend(garbage.take());
    // Otherwise it is still here, and dropped with this function.
    GRAVE.try_with(bury).unwrap_or(());
}

/// Opens the grave, unless it is open.
pub(crate) fn dig() -> Digging {
    Digging { outermost: GRAVE.try_with(|grave| !grave.open.replace(true)).unwrap_or(false) }
}

/// While it lives, what is buried stays. The outermost one drops all, also what is buried by that.
#[must_use]
pub(crate) struct Digging {
    outermost: bool,
}

impl Drop for Digging {
    fn drop(&mut self) {
        /// Closes the grave, also when what is dropped panics.
        struct Close;
        impl Drop for Close {
            fn drop(&mut self) {
                GRAVE.try_with(|grave| grave.open.set(false)).unwrap_or(());
            }
        }
        if !self.outermost {
            return;
        }
        let _close = Close;
        let last = |grave: &Grave| {
            let mut buried = grave.buried.borrow_mut();
            let last = buried.pop();
            // The memory for a long chain is not kept.
            if buried.is_empty() && buried.capacity() > 64 {
                *buried = Vec::new();
            }
            last
        };
        while let Some(garbage) = GRAVE.try_with(last).ok().flatten() {
            drop(garbage);
        }
    }
}
