//! From what the terminal says to messages.

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use crate::key::{Code, Held, Key, Name};
use crate::message::{Message, Pointer};

/// The message of an event of the terminal; `None` where it means nothing here.
pub fn message(event: Event) -> Option<Message> {
    match event {
        Event::Key(event) => key(event).map(Message::Key),
        Event::Paste(text) => Some(Message::Paste(text)),
        Event::Resize(columns, lines) => Some(Message::Resize { columns, lines }),
        Event::Mouse(event) => mouse(event),
        Event::FocusGained | Event::FocusLost => None,
    }
}

fn key(event: KeyEvent) -> Option<Key> {
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let has = |modifier| event.modifiers.contains(modifier);
    let (ctrl, alt) = (has(KeyModifiers::CONTROL), has(KeyModifiers::ALT));
    let named = |name| Some((Code::Named(name), has(KeyModifiers::SHIFT)));
    let (code, shift) = match event.code {
        // What Shift makes of a character is in the character.
        KeyCode::Char(c) => Some((Code::Char(c), false)),
        KeyCode::F(number) => Some((Code::F(number), has(KeyModifiers::SHIFT))),
        KeyCode::BackTab => Some((Code::Named(Name::Tab), true)),
        KeyCode::Enter => named(Name::Enter),
        KeyCode::Esc => named(Name::Esc),
        KeyCode::Tab => named(Name::Tab),
        KeyCode::Backspace => named(Name::Backspace),
        KeyCode::Delete => named(Name::Delete),
        KeyCode::Insert => named(Name::Insert),
        KeyCode::Up => named(Name::Up),
        KeyCode::Down => named(Name::Down),
        KeyCode::Left => named(Name::Left),
        KeyCode::Right => named(Name::Right),
        KeyCode::Home => named(Name::Home),
        KeyCode::End => named(Name::End),
        KeyCode::PageUp => named(Name::PageUp),
        KeyCode::PageDown => named(Name::PageDown),
        _ => None,
    }?;
    Key::sent(code, Held { ctrl, alt, shift })
}

fn mouse(event: MouseEvent) -> Option<Message> {
    let pointer = match event.kind {
        MouseEventKind::Down(MouseButton::Left) => Pointer::Press,
        MouseEventKind::ScrollUp => Pointer::WheelUp,
        MouseEventKind::ScrollDown => Pointer::WheelDown,
        _ => return None,
    };
    Some(Message::Mouse { pointer, column: event.column, line: event.row })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_the_terminal() {
        let check = |code: KeyCode, modifiers: KeyModifiers, expected: &str| {
            let found = message(Event::Key(KeyEvent::new(code, modifiers)));
            assert_eq!(found, Some(Message::Key(expected.parse().unwrap())));
        };
        check(KeyCode::Char('G'), KeyModifiers::SHIFT, "G");
        check(KeyCode::Char('C'), KeyModifiers::CONTROL, "ctrl-c");
        check(KeyCode::BackTab, KeyModifiers::SHIFT, "shift-tab");
        check(KeyCode::Char(' '), KeyModifiers::NONE, "space");
        check(KeyCode::F(5), KeyModifiers::NONE, "f5");
        // As crossterm reads the bytes 0x08, 0x1c and 0x1f.
        check(KeyCode::Char('h'), KeyModifiers::CONTROL, "backspace");
        check(KeyCode::Char('4'), KeyModifiers::CONTROL, "ctrl-\\");
        check(KeyCode::Char('7'), KeyModifiers::CONTROL, "ctrl-_");
        assert_eq!(message(Event::FocusGained), None);
    }
}
