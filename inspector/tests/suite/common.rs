//! A store that every test looks into, and screens as text.

use std::sync::Arc;

use ankurah::{OpenOptions, Target};
use ankurah_core::env::fixed::{FixedEnv, START_MICROS};
use ankurah_core::node::journal::{Journal, JournalLevel};
use ankurah_core::node::protocol::{Connection, Event, EventStream, Parameters, Request, SessionId};
use ankurah_core::value::Value;
use ankurah_inspector::headless::{Headless, text};
use ankurah_inspector::key::parse_keys;
use ankurah_inspector::keymap::Keymap;
use ankurah_inspector::state::Options;
use ankurah_inspector::theme::{Palette, Theme};
use futures::StreamExt;
use futures::executor::block_on;
use ratatui::buffer::Buffer;

/// A store in memory with a clock that is moved by hand.
pub(crate) struct World {
    pub(crate) connection: Arc<dyn Connection>,
    pub(crate) journal: Arc<Journal>,
    fixed: FixedEnv,
    lives: Vec<EventStream>,
}

impl World {
    /// An empty store.
    pub(crate) fn empty() -> Self {
        let fixed = FixedEnv::new(1);
        let journal: Arc<Journal> = Arc::default();
        journal.add(START_MICROS, JournalLevel::Info, "ankurah_core::node", "a store is open");
        let context = OpenOptions::new().env(fixed.env.clone()).journal(Arc::clone(&journal));
        let context = block_on(context.open_target(&Target::Memory)).unwrap();
        World { connection: context.node().connect(), journal, fixed, lives: Vec::new() }
    }

    /// Observes a query from now on, as long as the store is there.
    fn observe(&mut self, query: &str) {
        let request = Request::Live { statement: query.to_owned(), parameters: Parameters::default() };
        let mut events = self.connection.request(request);
        let first = block_on(events.next());
        assert!(matches!(first, Some(Event::Live(_))), "{query}: {first:?}");
        self.lives.push(events);
    }

    /// Two collections; one album was edited by three people at once.
    pub(crate) fn music() -> Self {
        let mut world = World::empty();
        world.run("create model artist (name string key)");
        world
            .run("create model album (name string, artist ref(artist), year i64, rating decimal, note text)");
        world.observe("select name, year from album where year = 1969");
        // One that failed once, and one that fails now.
        world.observe("select 100 / (year - 1960) as share from album");
        world.observe("select 100 / (year - 1959) as share from album order by name");
        world.observe("select count(*) from album");
        world.observe("select count(*) from album");
        world.run("insert into artist (name) values ('Miles Davis'), ('Alice Coltrane')");
        for (name, year) in [("Kind of Blue", 1959), ("Ptah, the El Daoud", 1970), ("In a Silent Way", 1969)]
        {
            world.pass(61);
            world
                .run(&format!("insert into album (name, year, note) values ('{name}', {year}, 'A record.')"));
        }
        let edited = "where name = 'Kind of Blue'";
        for rating in 1..=5 {
            world.pass(3600);
            world.run(&format!("update album set rating = {rating}.5 {edited}"));
        }
        for session in 1..=3 {
            world.in_session(session, "begin");
        }
        for (session, change) in [(1, "year = 1958"), (2, "year = 1960"), (3, "name = 'Kind of Blue (Mono)'")]
        {
            world.pass(1);
            world.in_session(session, &format!("update album set {change} {edited}"));
        }
        world.pass(1);
        world.in_session(3, "edit album.note at 2 delete 6 insert 'great record' where year = 1959");
        for session in 1..=3 {
            world.in_session(session, "commit");
        }
        world.pass(86_400);
        world.run("update album set year = 1959 where name = 'Kind of Blue (Mono)'");
        world
    }

    /// Time passes.
    pub(crate) fn pass(&self, seconds: u32) {
        for _ in 0..seconds {
            self.fixed.clock.advance(1_000_000);
        }
    }

    pub(crate) fn run(&self, statement: &str) {
        self.in_session(9, statement);
    }

    /// What a query gives, without ids of rows.
    #[track_caller]
    pub(crate) fn rows(&self, statement: &str) -> Vec<Vec<Value>> {
        let request = Request::Execute {
            session: SessionId(8),
            statement: statement.to_owned(),
            parameters: Parameters::default(),
        };
        let mut found = Vec::new();
        for event in block_on(self.connection.request(request).collect::<Vec<_>>()) {
            match event {
                Event::Rows(rows) => found.extend(rows.iter().map(|row| {
                    let values: Vec<Value> = row.iter().map(|value| value.to_value()).collect();
                    let ids = usize::from(statement.starts_with("select id"));
                    values.into_iter().skip(ids).collect()
                })),
                Event::Failed(failure) => panic!("{statement}: {failure:?}"),
                _ => {}
            }
        }
        found
    }

    #[track_caller]
    pub(crate) fn in_session(&self, session: u64, statement: &str) {
        let request = Request::Execute {
            session: SessionId(session),
            statement: statement.to_owned(),
            parameters: Parameters::default(),
        };
        let mut events = self.connection.request(request);
        while let Some(event) = block_on(events.next()) {
            if let Event::Failed(failure) = event {
                panic!("{statement}: {failure:?}");
            }
        }
        self.fixed.spawn.run_until_stalled();
    }

    /// An inspector of this store.
    pub(crate) fn inspect(&self, size: (u16, u16), write: bool) -> Headless {
        let options = Options { name: "music".to_owned(), write, keymap: Keymap::standard().unwrap() };
        Headless::new(Arc::clone(&self.connection), options, size)
    }

    /// An inspector after some keys.
    pub(crate) fn after(&self, size: (u16, u16), keys: &str) -> Headless {
        let mut headless = self.inspect(size, false);
        press(&mut headless, keys);
        headless
    }
}

#[track_caller]
pub(crate) fn press(headless: &mut Headless, keys: &str) {
    for key in parse_keys(keys).unwrap() {
        headless.press(key);
    }
}

/// What is shown, as text.
pub(crate) fn shown(headless: &Headless) -> String {
    text(&headless.screen(Theme { palette: Palette::None, ascii: true }))
}

/// A screen as text, and below it the style of each cell as a letter, which a legend explains.
pub(crate) fn styled(buffer: &Buffer) -> String {
    let mut styles = Vec::new();
    let mut grid = String::new();
    for line in 0..buffer.area.height {
        let mut letters = String::new();
        for column in 0..buffer.area.width {
            let style = buffer.cell((column, line)).unwrap().style();
            let look = (style.fg, style.bg, style.add_modifier);
            let at = styles.iter().position(|known| *known == look).unwrap_or_else(|| {
                styles.push(look);
                styles.len() - 1
            });
            letters.push(char::from(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[at]));
        }
        // The first style is that of nothing.
        grid.push_str(letters.trim_end_matches('a'));
        grid.push('\n');
    }
    let legend = styles.iter().zip('a'..).map(|((front, back, modifier), letter)| {
        let colour =
            |colour: &Option<ratatui::style::Color>| colour.map_or("-".to_owned(), |one| one.to_string());
        format!("{letter}: {} on {} {modifier:?}\n", colour(front), colour(back))
    });
    format!("{}\n{grid}\n{}", text(buffer), legend.collect::<String>())
}

/// Compares with the snapshot of that name in `/snapshots/inspector`.
#[track_caller]
pub(crate) fn snapshot(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots/inspector"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}
