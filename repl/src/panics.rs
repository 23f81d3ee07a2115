//! Faults of the program itself, and of what it is built of: said in a line, and errors like others where they can be.

use std::any::Any;
use std::cell::Cell;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook};

use crate::display::Safe;

thread_local! {
    /// Whether a panic of this thread is caught, and said by whoever catches it.
    static CAUGHT: Cell<bool> = const { Cell::new(false) };
}

/// Makes a panic that nobody catches one line on standard error. What `RUST_BACKTRACE` asks for is left as it is.
pub fn say_in_a_line() {
    if std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0") {
        let before = std::panic::take_hook();
        return set_hook(Box::new(move |info| {
            if !CAUGHT.get() {
                before(info);
            }
        }));
    }
    set_hook(Box::new(|info| {
        if !CAUGHT.get() {
            let _ = writeln!(io::stderr(), "{}", line(info));
        }
    }));
}

fn line(info: &PanicHookInfo<'_>) -> String {
    let place = info.location().map(|place| format!(" at {}:{}", place.file(), place.line()));
    let message = message(info.payload());
    let text = format!("{message}{}", place.unwrap_or_default());
    format!("error: this is a fault of ankurah itself, please report it: {}", Safe::line(&text))
}

/// What `run` gives, or the message of its panic.
///
/// # Errors
/// Where it panics, as storage engines can on files that were changed. What it worked on must not be used any more.
pub fn caught<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    let outer = CAUGHT.replace(true);
    let result = catch_unwind(AssertUnwindSafe(run));
    CAUGHT.set(outer);
    result.map_err(|panic| message(&*panic).split_whitespace().collect::<Vec<_>>().join(" "))
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no more is known")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_are_messages() {
        assert_eq!(caught(|| 1), Ok(1));
        assert_eq!(caught(|| panic!("left {}\n  right", 1)), Err::<(), _>("left 1 right".to_owned()));
        assert_eq!(caught(|| panic!("plain")), Err::<(), _>("plain".to_owned()));
        assert!(!CAUGHT.get());
    }
}
