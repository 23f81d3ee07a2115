//! The loop, in a world whose clock stands as long as nothing happens in it.

use std::collections::VecDeque;
use std::time::Duration;

use ankurah_core::env::fixed::START_MICROS;

use ankurah_inspector::beat::{Came, World, run};
use ankurah_inspector::keymap::Keymap;
use ankurah_inspector::message::{Effect, Message, Reply, Slot};
use ankurah_inspector::state::{Options, State, View};
use ankurah_inspector::{End, RunError};

/// A node that answers at once, and says something every so many milliseconds.
struct Stream {
    state: State,
    clock: Duration,
    every: Duration,
    next: Duration,
    until: Duration,
    answers: VecDeque<Message>,
    pictures: usize,
    ticks: Vec<Duration>,
    asked: usize,
}

impl Stream {
    fn run(every: u64, until: u64, prepare: impl FnOnce(&mut State)) -> Self {
        let keymap = Keymap::standard().unwrap();
        let options = Options { name: "a stream".to_owned(), write: false, keymap };
        let mut state = State::new(options, (80, 24), START_MICROS);
        prepare(&mut state);
        let every = Duration::from_millis(every);
        let mut stream = Stream {
            state,
            clock: Duration::ZERO,
            every,
            next: every,
            until: Duration::from_millis(until),
            answers: VecDeque::new(),
            pictures: 0,
            ticks: Vec::new(),
            asked: 0,
        };
        run(&mut stream).unwrap();
        stream
    }

    fn update(&mut self, message: Message) {
        for effect in self.state.update(message) {
            if let Effect::Ask { slot, ticket, .. } = effect {
                self.asked += usize::from(slot == Slot::Info);
                self.answers.push_back(Message::Reply { slot, ticket, reply: Reply::End { took: 0 } });
            }
        }
    }
}

impl World for Stream {
    type Happening = Message;

    fn draw(&mut self) -> Result<(), RunError> {
        self.pictures += 1;
        self.clock += Duration::from_micros(500);
        Ok(())
    }

    fn wake(&self) -> Option<u64> {
        self.state.wake()
    }

    fn next(&mut self, wait: Option<Duration>) -> Came<Message> {
        if self.clock >= self.until {
            return Came::Closed;
        }
        if let Some(answer) = self.answers.pop_front() {
            return Came::Happening(answer);
        }
        let limit = wait.map_or(self.until, |wait| self.clock + wait);
        if self.next <= limit {
            self.clock = self.clock.max(self.next);
            self.next += self.every;
            // An answer that nobody waits for, as commits of a log that is followed are.
            let reply = Reply::Events(Vec::new());
            return Came::Happening(Message::Reply { slot: Slot::Changes, ticket: 0, reply });
        }
        self.clock = limit;
        Came::Nothing
    }

    fn take(&mut self, message: Message) -> Result<Option<End>, RunError> {
        self.clock += Duration::from_micros(500);
        self.update(message);
        Ok(None)
    }

    fn tick(&mut self) -> Result<Option<End>, RunError> {
        self.ticks.push(self.clock);
        let now = START_MICROS + i64::try_from(self.clock.as_micros()).unwrap();
        self.update(Message::Tick { now });
        Ok(None)
    }

    fn elapsed(&self) -> Duration {
        self.clock
    }
}

#[test]
fn the_clock_goes_on_however_much_happens() {
    // Milliseconds between two messages: none to speak of, many a picture, few a second.
    for every in [0, 1, 11, 200, 900, 999, 60_000] {
        let stream = Stream::run(every, 20_000, |_| {});
        assert!((19..=20).contains(&stream.ticks.len()), "every {every} ms: {:?}", stream.ticks);
        assert!(stream.asked >= 19, "every {every} ms: {} questions", stream.asked);
        // It is drawn at least as often as there is something new, up to the length of a frame.
        assert!(stream.pictures >= 20, "every {every} ms: {} pictures", stream.pictures);
    }
}

#[test]
fn nothing_is_told_the_time_that_does_not_ask_for_it() {
    let stream = Stream::run(200, 20_000, |state| state.view = View::Help);
    assert_eq!(stream.ticks, []);
    assert!((100..=101).contains(&stream.pictures), "{} pictures", stream.pictures);
}
