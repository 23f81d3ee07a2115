//! The screen without a terminal: keys in, text out, the same every time.

use std::collections::VecDeque;
use std::sync::Arc;

use ankurah_core::env::fixed::START_MICROS;
use ankurah_core::node::protocol::Connection;
use ratatui::buffer::Buffer;

use crate::connection::Workers;
use crate::key::Key;
use crate::message::{Effect, Message};
use crate::state::{Options, State};
use crate::theme::Theme;
use crate::view::{blank, draw};

/// An inspector without a terminal. Its clock stands still; everything is asked and answered before a key returns.
pub struct Headless {
    /// What is shown.
    pub state: State,
    /// What came of effects that only a terminal can have, in their order.
    pub outside: Vec<Effect>,
    workers: Workers,
}

impl Headless {
    /// The first page.
    pub fn new(connection: Arc<dyn Connection>, options: Options, size: (u16, u16)) -> Self {
        let state = State::new(options, size, START_MICROS);
        let mut headless =
            Headless { state, outside: Vec::new(), workers: Workers::new(connection, |_| true) };
        let effects = headless.state.begin();
        headless.carry_out(effects);
        headless
    }

    /// Takes a message in, and all that follows from it.
    pub fn take(&mut self, message: Message) {
        let effects = self.state.update(message);
        self.carry_out(effects);
        // What was written makes what is shown out of date, which is read again at the next moment.
        if self.state.is_stale() {
            let effects = self.state.update(Message::Tick { now: START_MICROS });
            self.carry_out(effects);
        }
    }

    /// Presses a key.
    pub fn press(&mut self, key: Key) {
        self.take(Message::Key(key));
    }

    fn carry_out(&mut self, effects: Vec<Effect>) {
        let mut effects = VecDeque::from(effects);
        while let Some(effect) = effects.pop_front() {
            match effect {
                Effect::Ask { slot, ticket, ask } => {
                    for message in self.workers.ask_here(slot, ticket, ask) {
                        effects.extend(self.state.update(message));
                    }
                }
                Effect::Forget(_) => {}
                effect => self.outside.push(effect),
            }
        }
    }

    /// The screen.
    pub fn screen(&self, theme: Theme) -> Buffer {
        let mut buffer = blank(self.state.size.0, self.state.size.1);
        draw(&self.state, theme, &mut buffer);
        buffer
    }
}

/// The screen after some keys, as text: so many lines, without blanks at their ends.
pub fn dump(
    connection: Arc<dyn Connection>,
    options: Options,
    theme: Theme,
    keys: &[Key],
    size: (u16, u16),
) -> String {
    let mut headless = Headless::new(connection, options, size);
    for key in keys {
        if headless.outside.contains(&Effect::Quit) {
            break;
        }
        headless.press(*key);
    }
    text(&headless.screen(theme))
}

/// The text of a buffer.
pub fn text(buffer: &Buffer) -> String {
    let area = buffer.area;
    let mut out = String::new();
    for line in 0..area.height {
        let mut text = String::new();
        let mut skip = 0_usize;
        for column in 0..area.width {
            let Some(cell) = buffer.cell((column, line)) else { continue };
            if skip > 0 {
                skip -= 1;
                continue;
            }
            text.push_str(cell.symbol());
            skip = ankurah_display::width(cell.symbol()).saturating_sub(1);
        }
        out.push_str(text.trim_end());
        out.push('\n');
    }
    out
}
