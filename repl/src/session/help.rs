//! What `\?` says.

use crate::display::{Style, Tone, width};

/// A command of the prompt.
#[derive(Clone, Copy, Debug)]
pub struct CommandInfo {
    /// Its name, with the backslash.
    pub name: &'static str,
    /// What may follow it.
    pub arguments: &'static str,
    /// What it does.
    pub about: &'static str,
    /// What its argument is, for completion.
    pub takes: Takes,
    /// The heading under which it is listed.
    pub group: &'static str,
}

/// What the argument of a command is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// None, or any text.
    Text,
    /// A model.
    Model,
    /// A file.
    File,
    /// `on` or `off`.
    Switch,
    /// One of some words.
    Words(&'static [&'static str]),
}

const FORMATS: &[&str] = &["table", "box", "vertical", "csv", "tsv", "json", "jsonl", "markdown"];
/// What `\pset` can set.
pub(super) const PSET: &[&str] =
    &["format", "null", "header", "footer", "expanded", "pager", "timing", "width"];

const fn command(
    group: &'static str,
    name: &'static str,
    arguments: &'static str,
    takes: Takes,
    about: &'static str,
) -> CommandInfo {
    CommandInfo { name, arguments, about, takes, group }
}

const LOOK: &str = "Look";
const SHOW: &str = "Show";
const RUN: &str = "Run";
const SESSION: &str = "Session";

/// All commands.
pub const COMMANDS: &[CommandInfo] = &[
    command(LOOK, "\\d", "[MODEL]", Takes::Model, "models, or the properties of one"),
    command(LOOK, "\\dt", "", Takes::Text, "models and their keys"),
    command(LOOK, "\\dS", "", Takes::Text, "models, with those of the catalog itself"),
    command(LOOK, "\\di", "[MODEL]", Takes::Model, "indexes"),
    command(LOOK, "\\df", "[NAME]", Takes::Text, "functions"),
    command(LOOK, "\\dp", "", Takes::Text, "operations set aside: parked, refused, equivocal"),
    command(LOOK, "\\conninfo", "", Takes::Text, "what this is connected to"),
    command(SHOW, "\\format", "[FORMAT]", Takes::Words(FORMATS), "how rows are written"),
    command(SHOW, "\\x", "[on|off]", Takes::Switch, "one line for each value"),
    command(SHOW, "\\timing", "[on|off]", Takes::Switch, "where the time goes: parse, plan, fetch, render"),
    command(SHOW, "\\pset", "[NAME [VALUE]]", Takes::Words(PSET), "all that can be set of the output"),
    command(SHOW, "\\o", "[FILE]", Takes::File, "write rows to a file, or no longer"),
    command(RUN, "\\i", "FILE", Takes::File, "run a script"),
    command(RUN, "\\e", "", Takes::Text, "edit the last statement in $EDITOR, then run it"),
    command(RUN, "\\set", "[NAME [VALUE]]", Takes::Text, "set the parameter $NAME"),
    command(RUN, "\\unset", "NAME", Takes::Text, "forget a parameter"),
    command(RUN, "\\echo", "TEXT", Takes::Text, "print a text"),
    command(SESSION, "\\history", "[NUMBER]", Takes::Text, "the last statements"),
    command(SESSION, "\\?", "", Takes::Text, "this help"),
    command(SESSION, "\\q", "", Takes::Text, "leave (Ctrl-D does too)"),
];

/// The help as text.
pub(super) fn text(style: Style) -> String {
    let mut out = String::new();
    let heads: Vec<String> = COMMANDS.iter().map(|c| format!("{} {}", c.name, c.arguments)).collect();
    let widest = heads.iter().map(|head| width(head)).max().unwrap_or(0);
    let mut group = "";
    for (command, head) in COMMANDS.iter().zip(&heads) {
        if command.group != group {
            group = command.group;
            out.push_str(&format!("{}\n", style.paint(Tone::Strong, group)));
        }
        out.push_str(&format!("  {head:widest$}  {}\n", command.about));
    }
    let keys = [
        ("Tab", "complete"),
        ("Right", "take the hint"),
        ("Up, Ctrl-R", "earlier statements; search them"),
        ("Alt-Enter", "a new line"),
        ("Ctrl-C", "cancel what runs; twice at the prompt: clear the text"),
    ];
    out.push_str(&format!("{}\n", style.paint(Tone::Strong, "Keys")));
    for (key, about) in keys {
        out.push_str(&format!("  {key:widest$}  {about}\n"));
    }
    out.push_str("\nA statement ends with `;`. The prompt shows * in a transaction and ! in a failed one.");
    out
}
