//! The prompt: where statements go, and whether a transaction is open.

use std::path::Path;

use ankurah_core::node::protocol::TransactionState;

use crate::display::{Safe, Style, Tone};

/// The prompt, plain and in colour.
pub fn prompt(
    target: &str,
    session: Option<&str>,
    read_only: bool,
    state: TransactionState,
    style: Style,
) -> (String, String) {
    let mut name = short_name(target, style);
    if let Some(session) = session {
        name.push_str(&format!(".{}", Safe::line(session).cut(16, style.ellipsis())));
    }
    let access = if read_only { " (read-only)" } else { "" };
    let (mark, tone) = match state {
        TransactionState::Idle => ("", Tone::Plain),
        TransactionState::Open => ("*", Tone::Warning),
        TransactionState::Failed => ("!", Tone::Error),
    };
    let plain = format!("{name}{access}{mark}> ");
    let styled = format!("{}{access}{}> ", style.paint(Tone::Strong, &name), style.paint(tone, mark));
    (plain, styled)
}

/// A target in a word: the last part of its path.
pub fn short_name(target: &str, style: Style) -> String {
    let path = match target.split_once(':') {
        Some(("memory", "")) => return "memory".to_owned(),
        Some(("fjall" | "sled", path)) => path,
        Some((_, rest)) if rest.starts_with("//") => {
            rest.rsplit('@').next().unwrap_or(rest).trim_start_matches('/')
        }
        _ => target,
    };
    let last = Path::new(path).file_name().map(|name| name.to_string_lossy().into_owned());
    let name = last.filter(|name| !name.is_empty()).unwrap_or_else(|| path.to_owned());
    Safe::line(&name).cut(32, style.ellipsis()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (target, name) in [
            ("memory:", "memory"),
            ("fjall:/data/music", "music"),
            ("sled:music", "music"),
            ("music/", "music"),
            ("./store", "store"),
            ("ws://me:secret@host:80/db", "db"),
            ("evil\u{1b}[2J", "evil\\u{1b}[2J"),
        ] {
            assert_eq!(short_name(target, Style::PLAIN), name);
        }
    }

    #[test]
    fn states() {
        let shown = |state| prompt("music", None, false, state, Style::PLAIN).0;
        assert_eq!(shown(TransactionState::Idle), "music> ");
        assert_eq!(shown(TransactionState::Open), "music*> ");
        assert_eq!(shown(TransactionState::Failed), "music!> ");
        assert_eq!(
            prompt("music", None, true, TransactionState::Idle, Style::PLAIN).0,
            "music (read-only)> "
        );
        assert_eq!(prompt("music", Some("b"), false, TransactionState::Open, Style::PLAIN).0, "music.b*> ");
    }
}
