//! The loop of the inspector: what happens is taken in as it comes, drawn in pictures, and the time is told when the
//! state wants to know it, however much else happens meanwhile.

use std::time::Duration;

use crate::terminal::{End, RunError};

/// How long happenings are taken in before the screen is drawn again.
const FRAME: Duration = Duration::from_millis(12);

/// What came of waiting.
pub enum Came<T> {
    /// This happened.
    Happening(T),
    /// Nothing, so long.
    Nothing,
    /// Nothing will happen any more.
    Closed,
}

/// What the loop goes round in: a state, a screen, a clock, and what happens.
pub trait World {
    /// Something that happens.
    type Happening;

    /// Draws the state.
    ///
    /// # Errors
    /// Where the terminal cannot be used.
    fn draw(&mut self) -> Result<(), RunError>;

    /// After how many milliseconds the state wants to know the time again; `None` where nothing depends on it.
    fn wake(&self) -> Option<u64>;

    /// Waits for what happens next, at most so long; `None` is forever.
    fn next(&mut self, wait: Option<Duration>) -> Came<Self::Happening>;

    /// Takes in what happened; where it ends the inspector, how.
    ///
    /// # Errors
    /// Where the terminal cannot be used.
    fn take(&mut self, happening: Self::Happening) -> Result<Option<End>, RunError>;

    /// Tells the state the time.
    ///
    /// # Errors
    /// Where the terminal cannot be used.
    fn tick(&mut self) -> Result<Option<End>, RunError>;

    /// The time since some moment that stays the same.
    fn elapsed(&self) -> Duration;
}

/// Goes round until something ends it.
///
/// # Errors
/// Those of the world.
pub fn run(world: &mut impl World) -> Result<End, RunError> {
    let mut told = world.elapsed();
    loop {
        world.draw()?;
        let due = world.wake().map(|millis| told.saturating_add(Duration::from_millis(millis)));
        let mut wait = due.map(|due| due.saturating_sub(world.elapsed()));
        // What is there goes into one picture, as long as that does not take too long.
        let mut begun = None;
        loop {
            if wait != Some(Duration::ZERO) || begun.is_some() {
                match world.next(wait) {
                    Came::Happening(happening) => {
                        if let Some(end) = world.take(happening)? {
                            return Ok(end);
                        }
                    }
                    Came::Nothing => break,
                    Came::Closed => return Ok(End::Quit),
                }
            }
            let begun = *begun.get_or_insert_with(|| world.elapsed());
            if world.elapsed().saturating_sub(begun) >= FRAME {
                break;
            }
            wait = Some(Duration::ZERO);
        }
        let now = world.elapsed();
        if due.is_some_and(|due| due <= now) {
            told = now;
            if let Some(end) = world.tick()? {
                return Ok(end);
            }
        }
    }
}
