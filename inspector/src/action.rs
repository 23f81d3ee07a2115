//! What a person can do: the one table from which keys, palette, help, footer and documentation come.

use crate::screen::View;

/// Something that a person can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the table below says what each does")]
pub enum Action {
    Show(View),
    Palette,
    Quit,
    Back,
    Enter,
    Down,
    Up,
    Left,
    Right,
    HalfDown,
    HalfUp,
    PageDown,
    PageUp,
    First,
    Last,
    Search,
    SearchNext,
    SearchPrevious,
    Refresh,
    Copy,
    Export,
    Repl,
    Redraw,
    Suspend,
    Verify,
    Query,
    Sort,
    ColumnBefore,
    ColumnNext,
    HideColumn,
    ShowColumns,
    Plan,
    Edit,
    Parent,
    Child,
    Head,
    Collapse,
    Play,
    Faster,
    Slower,
    Unit,
    Mark,
    Now,
    Pause,
    Filter,
    Accept,
    Cancel,
    Complete,
    Backspace,
    Delete,
    DeleteWord,
    Clear,
    CursorLeft,
    CursorRight,
    CursorHome,
    CursorEnd,
    ChoiceUp,
    ChoiceDown,
}

/// Where a key is pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Context {
    /// In every view, wherever no text is typed.
    Everywhere,
    /// In the overview.
    Overview,
    /// In the table of a collection, now and in its timeline.
    Rows,
    /// In the table of a collection as it is now.
    Entities,
    /// In the operation graph of an entity.
    Graph,
    /// In the timeline.
    Timeline,
    /// In the change stream, in the log, and in what goes over links.
    Stream,
    /// While a text is typed: a search, a query, the palette.
    Typing,
}

impl Context {
    /// The heading in help and documentation.
    pub fn title(self) -> &'static str {
        match self {
            Context::Everywhere => "everywhere",
            Context::Overview => "overview",
            Context::Rows => "entities, and the timeline of a collection",
            Context::Entities => "entities",
            Context::Graph => "graph",
            Context::Timeline => "timeline",
            Context::Stream => "changes, log and peers",
            Context::Typing => "while typing",
        }
    }

    /// All contexts, in the order of the documentation.
    pub const ALL: [Context; 8] = [
        Context::Everywhere,
        Context::Overview,
        Context::Rows,
        Context::Entities,
        Context::Graph,
        Context::Timeline,
        Context::Stream,
        Context::Typing,
    ];

    /// Whether keys that count here count there, too.
    pub fn covers(self, there: Context) -> bool {
        match self {
            Context::Everywhere => there != Context::Typing,
            Context::Rows => matches!(there, Context::Rows | Context::Entities | Context::Timeline),
            _ => self == there,
        }
    }

    /// Whether one key press can be meant for either.
    pub fn overlaps(self, other: Context) -> bool {
        self.covers(other) || other.covers(self)
    }
}

/// A line of the table.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The action.
    pub action: Action,
    /// Its name in the palette and in the file of keys.
    pub name: &'static str,
    /// What it does, in a few words.
    pub about: &'static str,
    /// The keys that it has unless told otherwise.
    pub keys: &'static [&'static str],
    /// Where the keys count.
    pub context: Context,
    /// A word for the footer; empty where it is not shown there.
    pub footer: &'static str,
}

const fn entry(
    action: Action,
    context: Context,
    name: &'static str,
    keys: &'static [&'static str],
    footer: &'static str,
    about: &'static str,
) -> Entry {
    Entry { action, name, about, keys, context, footer }
}

use Action as A;
use Context as C;

/// Everything that can be done.
pub const TABLE: &[Entry] = &[
    entry(A::Show(View::Overview), C::Everywhere, "overview", &["1"], "", "the node, its store, its rates"),
    entry(
        A::Show(View::Collections),
        C::Everywhere,
        "collections",
        &["2"],
        "",
        "the collections and their entities",
    ),
    entry(A::Show(View::Graph), C::Everywhere, "graph", &["3"], "", "the operations of an entity as a graph"),
    entry(
        A::Show(View::Timeline),
        C::Everywhere,
        "timeline",
        &["4"],
        "",
        "the entity, or the collection, at any time",
    ),
    entry(A::Show(View::Live), C::Everywhere, "live-queries", &["5"], "", "the live queries of the node"),
    entry(A::Show(View::Changes), C::Everywhere, "changes", &["6"], "", "what is committed, as it happens"),
    entry(
        A::Show(View::Aside),
        C::Everywhere,
        "set-aside",
        &["7"],
        "",
        "operations that are parked, refused or equivocal",
    ),
    entry(
        A::Show(View::Indexes),
        C::Everywhere,
        "indexes",
        &["8"],
        "",
        "the indexes of the store, and the plans of live queries",
    ),
    entry(A::Show(View::Log), C::Everywhere, "log", &["9"], "", "what the program says while it runs"),
    entry(
        A::Show(View::Peers),
        C::Everywhere,
        "peers",
        &["0"],
        "",
        "who is linked to the node, and what goes over the links",
    ),
    entry(
        A::Show(View::Asked),
        C::Everywhere,
        "asked",
        &["a"],
        "",
        "what this inspector asked, and how long it took",
    ),
    entry(A::Show(View::Help), C::Everywhere, "help", &["?", "f1"], "help", "the keys of this view"),
    entry(
        A::Palette,
        C::Everywhere,
        "palette",
        &[":", "ctrl-p"],
        "palette",
        "everything that can be done, by name",
    ),
    entry(A::Quit, C::Everywhere, "quit", &["q", "ctrl-c"], "quit", "leave"),
    entry(A::Back, C::Everywhere, "back", &["esc", "backspace"], "back", "the view before"),
    entry(A::Enter, C::Everywhere, "open", &["enter"], "open", "what is selected"),
    entry(A::Down, C::Everywhere, "down", &["j", "down"], "", "the next line"),
    entry(A::Up, C::Everywhere, "up", &["k", "up"], "", "the line before"),
    entry(A::Left, C::Everywhere, "left", &["h", "left"], "", "the column or step before"),
    entry(A::Right, C::Everywhere, "right", &["l", "right"], "", "the next column or step"),
    entry(A::HalfDown, C::Everywhere, "half-page-down", &["ctrl-d"], "", "half a page on"),
    entry(A::HalfUp, C::Everywhere, "half-page-up", &["ctrl-u"], "", "half a page back"),
    entry(A::PageDown, C::Everywhere, "page-down", &["pagedown", "ctrl-f"], "", "a page on"),
    entry(A::PageUp, C::Everywhere, "page-up", &["pageup", "ctrl-b"], "", "a page back"),
    entry(A::First, C::Everywhere, "first", &["g", "home"], "", "the first line"),
    entry(A::Last, C::Everywhere, "last", &["G", "end"], "", "the last line"),
    entry(A::Search, C::Everywhere, "search", &["/"], "search", "find in this view"),
    entry(A::SearchNext, C::Everywhere, "search-next", &["n"], "", "the next find"),
    entry(A::SearchPrevious, C::Everywhere, "search-previous", &["N"], "", "the find before"),
    entry(A::Refresh, C::Everywhere, "refresh", &["r", "f5"], "", "ask again"),
    entry(A::Edit, C::Everywhere, "edit", &["e"], "", "the value of an entity; needs --write"),
    entry(
        A::Plan,
        C::Everywhere,
        "plan",
        &["P"],
        "",
        "how the node would run the query, or one that is typed",
    ),
    entry(A::Copy, C::Everywhere, "copy", &["y"], "", "the selection to the clipboard of the terminal"),
    entry(A::Export, C::Everywhere, "export", &["x"], "", "the selected entity as a fixture, to a new file"),
    entry(A::Repl, C::Everywhere, "repl", &["o"], "", "a prompt on the selection; leave it to come back"),
    entry(A::Redraw, C::Everywhere, "redraw", &["ctrl-l"], "", "the whole screen again"),
    entry(A::Suspend, C::Everywhere, "suspend", &["ctrl-z"], "", "back to the shell until `fg`"),
    entry(A::Verify, C::Overview, "verify", &["v"], "verify", "check the whole store"),
    entry(A::HideColumn, C::Entities, "hide-column", &["-"], "", "leave the column out"),
    entry(A::ShowColumns, C::Entities, "show-columns", &["="], "", "all columns again"),
    entry(A::Parent, C::Graph, "parent", &["p"], "parent", "the operation that it follows"),
    entry(A::Child, C::Graph, "child", &["c"], "child", "an operation that follows it"),
    entry(A::Head, C::Graph, "head", &["H"], "head", "the next operation of the head"),
    entry(A::Collapse, C::Graph, "collapse", &["z"], "fold", "fold linear runs, or show them"),
    entry(A::Play, C::Timeline, "play", &["space"], "play", "step by step by itself, or stop"),
    entry(A::Faster, C::Timeline, "faster", &[">", "+"], "", "play faster"),
    entry(A::Slower, C::Timeline, "slower", &["<", "-"], "", "play slower"),
    entry(
        A::Unit,
        C::Timeline,
        "unit",
        &["u"],
        "unit",
        "what a step is: operation, transaction, time, position",
    ),
    entry(
        A::Mark,
        C::Timeline,
        "mark",
        &["m"],
        "mark",
        "compare with this point; then with a second one; then no more",
    ),
    entry(A::Now, C::Timeline, "now", &["."], "now", "what is there now, and what comes"),
    entry(A::Query, C::Rows, "query", &["f"], "query", "what is listed: a condition, and an order"),
    entry(A::Sort, C::Rows, "sort", &["s"], "sort", "by the column: up, down, not at all"),
    entry(
        A::ColumnBefore,
        C::Rows,
        "column-before",
        &["["],
        "",
        "the column before, also where steps lead through time",
    ),
    entry(
        A::ColumnNext,
        C::Rows,
        "column-next",
        &["]"],
        "",
        "the next column, also where steps lead through time",
    ),
    entry(A::Pause, C::Stream, "pause", &["space"], "pause", "hold the stream, or let it go on"),
    entry(A::Filter, C::Stream, "filter", &["f"], "filter", "show what has all of these words"),
    entry(A::Accept, C::Typing, "accept", &["enter"], "accept", "what was typed"),
    entry(A::Cancel, C::Typing, "cancel", &["esc", "ctrl-c"], "cancel", "leave it as it was"),
    entry(A::Complete, C::Typing, "complete", &["tab"], "complete", "what can stand there"),
    entry(A::Backspace, C::Typing, "delete-before", &["backspace"], "", "the character before the cursor"),
    entry(A::Delete, C::Typing, "delete-after", &["delete", "ctrl-d"], "", "the character at the cursor"),
    entry(A::DeleteWord, C::Typing, "delete-word", &["ctrl-w"], "", "the word before the cursor"),
    entry(A::Clear, C::Typing, "clear", &["ctrl-u"], "", "all that was typed"),
    entry(A::CursorLeft, C::Typing, "cursor-left", &["left", "ctrl-b"], "", "one to the left"),
    entry(A::CursorRight, C::Typing, "cursor-right", &["right", "ctrl-f"], "", "one to the right"),
    entry(A::CursorHome, C::Typing, "cursor-home", &["home", "ctrl-a"], "", "to the beginning"),
    entry(A::CursorEnd, C::Typing, "cursor-end", &["end", "ctrl-e"], "", "to the end"),
    entry(A::ChoiceUp, C::Typing, "choice-up", &["up", "ctrl-p"], "", "the choice above"),
    entry(A::ChoiceDown, C::Typing, "choice-down", &["down", "ctrl-n"], "", "the choice below"),
];
