//! What `\?` says.

use crate::display::{Style, Tone, width, wrap};

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
    command(LOOK, "\\d+", "[MODEL]", Takes::Model, "the same with counts, ids and indexes"),
    command(LOOK, "\\dt", "", Takes::Text, "models and their keys"),
    command(LOOK, "\\dS", "", Takes::Text, "models, with those of the catalog itself"),
    command(LOOK, "\\di", "[MODEL]", Takes::Model, "indexes"),
    command(LOOK, "\\df", "[NAME]", Takes::Text, "functions"),
    command(LOOK, "\\dp", "", Takes::Text, "operations set aside: parked, refused, equivocal"),
    command(
        LOOK,
        "\\log",
        "ID [NUMBER]",
        Takes::Text,
        "the operations of an entity as a graph, the newest first",
    ),
    command(LOOK, "\\l", "", Takes::Text, "stores: the open one and those beside it"),
    command(LOOK, "\\conninfo", "", Takes::Text, "what this is connected to"),
    command(SHOW, "\\format", "[FORMAT]", Takes::Words(FORMATS), "how rows are written"),
    command(SHOW, "\\x", "[on|off]", Takes::Switch, "one line for each value"),
    command(SHOW, "\\timing", "[on|off]", Takes::Switch, "where the time goes: parse, plan, fetch, render"),
    command(SHOW, "\\pset", "[NAME [VALUE]]", Takes::Words(PSET), "all that can be set of the output"),
    command(SHOW, "\\o", "[FILE]", Takes::File, "write rows to a file, or no longer"),
    command(RUN, "\\i", "FILE", Takes::File, "run a script"),
    command(RUN, "\\e", "", Takes::Text, "edit the last statement in $EDITOR; it comes back"),
    command(RUN, "\\set", "[NAME [VALUE]]", Takes::Text, "set the parameter $NAME"),
    command(RUN, "\\unset", "NAME", Takes::Text, "forget a parameter"),
    command(RUN, "\\session", "[NAME]", Takes::Text, "go to another session, which has its own transaction"),
    command(RUN, "\\live", "[stop NUMBER|all]", Takes::Words(&["stop"]), "live queries, or the end of one"),
    command(RUN, "\\echo", "TEXT", Takes::Text, "print a text"),
    command(SESSION, "\\history", "[NUMBER]", Takes::Text, "the last statements"),
    command(SESSION, "\\?", "", Takes::Text, "this help"),
    command(SESSION, "\\q", "", Takes::Text, "leave (Ctrl-D does too)"),
];

const KEYS: [(&str, &str); 5] = [
    ("Tab", "complete"),
    ("Right", "take the hint"),
    ("Up, Ctrl-R", "earlier statements; search them"),
    ("Alt-Enter", "a new line"),
    ("Ctrl-C", "cancel what runs; twice at the prompt: clear the text"),
];

const END: &str = "A statement ends with `;`. The prompt shows * in a transaction and ! in a failed one.";

/// Columns that what is said of a command takes at least, for it to stand beside the command.
const BESIDE: usize = 24;

/// The help as text, for a terminal of so many columns.
pub(super) fn text(style: Style, columns: Option<usize>) -> String {
    let commands = COMMANDS.iter().map(|c| (c.group, format!("{} {}", c.name, c.arguments), c.about));
    let keys = KEYS.iter().map(|(key, about)| ("Keys", (*key).to_owned(), *about));
    let entries: Vec<(&str, String, &str)> = commands.chain(keys).collect();
    let widest = entries.iter().map(|(_, head, _)| width(head)).max().unwrap_or(0);
    let under = widest + 4;
    let beside = columns.is_none_or(|columns| columns >= under + BESIDE);
    let mut out = String::new();
    let mut group = "";
    for (heading, head, about) in &entries {
        if *heading != group {
            group = heading;
            out.push_str(&format!("{}\n", style.paint(Tone::Strong, group)));
        }
        if beside {
            let about = wrap(about, columns.map(|columns| columns.saturating_sub(under)), 0);
            let about = about.replace('\n', &format!("\n{}", " ".repeat(under)));
            out.push_str(&format!("  {head:widest$}  {about}\n"));
        } else {
            out.push_str(&format!("  {}\n{}\n", head.trim_end(), wrap(&format!("    {about}"), columns, 0)));
        }
    }
    out.push('\n');
    out.push_str(&wrap(END, columns, 0));
    out
}
