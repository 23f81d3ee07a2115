//! From what the terminal says to messages.

use crossterm::event::{
    Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEvent, MouseEventKind,
};

use crate::key::{Code, Key};
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
    let (ctrl, alt, shift) = (has(KeyModifiers::CONTROL), has(KeyModifiers::ALT), has(KeyModifiers::SHIFT));
    let (code, shift) = match event.code {
        KeyCode::Char(c) if ctrl => (Code::Char(c.to_ascii_lowercase()), false),
        KeyCode::Char(c) => (Code::Char(c), false),
        KeyCode::F(number) => (Code::F(number), shift),
        KeyCode::BackTab => (Code::Named("tab"), true),
        KeyCode::Enter => (Code::Named("enter"), shift),
        KeyCode::Esc => (Code::Named("esc"), shift),
        KeyCode::Tab => (Code::Named("tab"), shift),
        KeyCode::Backspace => (Code::Named("backspace"), shift),
        KeyCode::Delete => (Code::Named("delete"), shift),
        KeyCode::Insert => (Code::Named("insert"), shift),
        KeyCode::Up => (Code::Named("up"), shift),
        KeyCode::Down => (Code::Named("down"), shift),
        KeyCode::Left => (Code::Named("left"), shift),
        KeyCode::Right => (Code::Named("right"), shift),
        KeyCode::Home => (Code::Named("home"), shift),
        KeyCode::End => (Code::Named("end"), shift),
        KeyCode::PageUp => (Code::Named("pageup"), shift),
        KeyCode::PageDown => (Code::Named("pagedown"), shift),
        _ => return None,
    };
    Some(Key { code, ctrl, alt, shift })
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
        assert_eq!(message(Event::FocusGained), None);
    }
}
