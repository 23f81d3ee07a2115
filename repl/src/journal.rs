//! What the libraries tell while the program runs: to standard error where that is asked for, and into a journal
//! that the inspector shows.

use std::fmt::Write;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use ankurah_core::env::fixed::START_MICROS;
use ankurah_core::node::journal::{Journal, JournalLevel};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// What goes into the journal: what happens now and then, and every statement.
const KEPT: &str = "info,ankurah_core=debug";

static JOURNAL: OnceLock<Arc<Journal>> = OnceLock::new();

/// Where a line of the journal has its time from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// The system's clock.
    Now,
    /// The fixed clock's first moment, so that the same program says the same.
    Fixed,
}

/// Listens to what the libraries tell: for standard error where `ANKURAH_LOG` names a level or filter, and for the
/// journal where `keep` says how its lines are timed.
pub fn listen(keep: Option<Time>) {
    let said = std::env::var("ANKURAH_LOG").ok().map(|filter| {
        tracing_subscriber::fmt::layer()
            .with_writer(io::stderr)
            .with_ansi(false)
            .with_filter(EnvFilter::new(filter))
    });
    let kept = keep.map(|time| {
        let journal = Arc::clone(JOURNAL.get_or_init(Arc::default));
        Keeper { journal, time }.with_filter(EnvFilter::new(KEPT))
    });
    if said.is_some() || kept.is_some() {
        // Whoever listens already goes on doing so.
        let _ = tracing_subscriber::registry().with(said).with(kept).try_init();
    }
}

/// The journal of this process, where one is kept.
pub fn journal() -> Option<Arc<Journal>> {
    JOURNAL.get().cloned()
}

/// Puts events into a journal.
struct Keeper {
    journal: Arc<Journal>,
    time: Time,
}

impl<S: Subscriber> Layer<S> for Keeper {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let at = match self.time {
            Time::Fixed => START_MICROS,
            Time::Now => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
            }
        };
        let mut text = Text::default();
        event.record(&mut text);
        let metadata = event.metadata();
        let level = match *metadata.level() {
            Level::ERROR => JournalLevel::Error,
            Level::WARN => JournalLevel::Warning,
            Level::INFO => JournalLevel::Info,
            Level::DEBUG => JournalLevel::Debug,
            Level::TRACE => JournalLevel::Trace,
        };
        let target = text.target.as_deref().unwrap_or(metadata.target());
        let line = format!("{}{}", text.message, text.fields);
        self.journal.add(at, level, target, &line);
    }
}

/// The message of an event, and its fields behind it.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
    /// Where it comes from, of an event that came by way of the crate `log`.
    target: Option<String>,
}

impl Text {
    fn put(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            "log.target" => self.target = Some(value.to_owned()),
            name if name.starts_with("log.") => {}
            // Writing to a string cannot fail.
            name => drop(write!(self.fields, "  {name}={value}")),
        }
    }
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.put(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_become_lines() {
        let journal: Arc<Journal> = Arc::default();
        let keeper = Keeper { journal: Arc::clone(&journal), time: Time::Fixed };
        let subscriber = tracing_subscriber::registry().with(keeper.with_filter(EnvFilter::new("info")));
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(count = 3, name = "a\u{1b}[2J", "something happened");
            tracing::debug!("is not kept");
            tracing::info!(target: "elsewhere", "as it should");
        });
        let lines = journal.after(0, 10);
        let shown: Vec<_> =
            lines.iter().map(|line| (line.level, line.target.as_str(), line.text.as_str())).collect();
        let own = "ankurah_repl::journal::tests";
        assert_eq!(
            shown,
            [
                (JournalLevel::Warning, own, "something happened  count=3  name=a\u{1b}[2J"),
                (JournalLevel::Info, "elsewhere", "as it should"),
            ]
        );
        assert_eq!(lines[0].at, START_MICROS);
    }
}
