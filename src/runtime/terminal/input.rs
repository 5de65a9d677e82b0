//! Keys, mouse, pastes and new sizes, from crossterm's events to [`Input`].
//!
//! The only module that uses crossterm's event types.

use std::io;
use std::ops::ControlFlow;

use crossterm::event::{
    self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseButton, MouseEventKind,
};

use super::background::{Found, Reply};
use crate::app::{Input, Mouse};
use crate::keymap::Key;

/// Reads the terminal until `callback` breaks. An error means that the terminal can't be read; it
/// is the last thing that the callback gets. Blocks the calling thread.
pub fn read_forever(mut callback: impl FnMut(io::Result<Input>) -> ControlFlow<()>) {
    let mut reply = Reply::default();
    loop {
        let inputs = match event::read() {
            Ok(event) => inputs_of(event, &mut reply),
            Err(error) => {
                let _ = callback(Err(error));
                return;
            }
        };
        for input in inputs {
            if callback(Ok(input)).is_break() {
                return;
            }
        }
    }
}

/// Keys may belong to the reply to a query.
fn inputs_of(event: Event, reply: &mut Reply) -> Vec<Input> {
    let Event::Key(key) = event else {
        return input_of(event).into_iter().collect();
    };
    match reply.next(key) {
        Found::Part => Vec::new(),
        Found::Color(color) => color.map(Input::Background).into_iter().collect(),
        Found::Keys(keys) => keys
            .into_iter()
            .filter_map(key_of)
            .map(Input::Key)
            .collect(),
    }
}

/// Returns within about a second after the terminal is gone: that on standard input, or on standard output
/// if the input is a recording. Blocks the calling thread.
///
/// crossterm never reports that: its read spins on the error at full speed. `SIGHUP` usually ends
/// the program first, but it may be ignored (`nohup`) or go to another session.
///
/// # Errors
/// If it cannot be watched.
#[cfg(unix)]
pub fn wait_for_hangup() -> io::Result<()> {
    use std::io::IsTerminal as _;
    use std::os::fd::AsFd as _;
    use std::time::Duration;

    use rustix::event::PollFlags;

    use crate::runtime::process::stdio::poll_stream;

    let (stdin, stdout) = (io::stdin(), io::stdout());
    let terminal = if stdin.is_terminal() {
        stdin.as_fd()
    } else {
        stdout.as_fd()
    };
    loop {
        // Polling for input would wake it for every key; a hangup is reported in any case. Not every kind of
        // hangup wakes a poll, so it is repeated every second.
        match poll_stream(terminal, PollFlags::empty(), Some(Duration::from_secs(1))) {
            Err(rustix::io::Errno::INTR) => {}
            Ok(events) if events.is_empty() => {}
            Err(error) => return Err(error.into()),
            Ok(_) => return Ok(()),
        }
    }
}

/// `None` for an event that the program does not use.
fn input_of(event: Event) -> Option<Input> {
    match event {
        Event::Key(key) => key_of(key).map(Input::Key),
        Event::Mouse(mouse) => {
            let (column, row) = (mouse.column, mouse.row);
            Some(Input::Mouse(match mouse.kind {
                MouseEventKind::Down(MouseButton::Left) => Mouse::Click { column, row },
                MouseEventKind::Drag(MouseButton::Left) => Mouse::Drag { column, row },
                MouseEventKind::Up(MouseButton::Left) => Mouse::Release,
                MouseEventKind::ScrollUp => Mouse::WheelUp { column, row },
                MouseEventKind::ScrollDown => Mouse::WheelDown { column, row },
                _ => return None,
            }))
        }
        Event::Paste(text) => Some(Input::Paste(text)),
        Event::Resize(width, height) => {
            let (width, height) = super::used(width, height);
            Some(Input::Resized { width, height })
        }
        Event::FocusGained | Event::FocusLost => None,
    }
}

/// Presses and repeats, not releases. A key with a name is that key whatever the modifiers.
fn key_of(key: KeyEvent) -> Option<Key> {
    if key.kind == KeyEventKind::Release {
        return None;
    }
    let shift = key.modifiers.contains(KeyModifiers::SHIFT);
    Some(match key.code {
        KeyCode::Char(c) => return char_key(c, key.modifiers),
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Esc,
        KeyCode::Tab if shift => Key::BackTab,
        KeyCode::Tab => Key::Tab,
        KeyCode::BackTab => Key::BackTab,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Delete => Key::Delete,
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::F(number) => Key::F(number),
        _ => return None,
    })
}

/// A character, or a letter with Ctrl. With Alt it is neither text nor a shortcut.
fn char_key(c: char, modifiers: KeyModifiers) -> Option<Key> {
    let has_ctrl = modifiers.contains(KeyModifiers::CONTROL);
    match (has_ctrl, modifiers.contains(KeyModifiers::ALT)) {
        // AltGr.
        (true, true) if cfg!(windows) => Some(Key::Char(c)),
        (false, false) => Some(Key::Char(c)),
        (true, false) if c.is_ascii_alphabetic() => Some(Key::Ctrl(c.to_ascii_lowercase())),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use crossterm::event::MouseEvent;

    use super::*;

    const NONE: KeyModifiers = KeyModifiers::NONE;
    const SHIFT: KeyModifiers = KeyModifiers::SHIFT;
    const CTRL: KeyModifiers = KeyModifiers::CONTROL;
    const ALT: KeyModifiers = KeyModifiers::ALT;

    #[test]
    fn every_key_has_its_meaning() {
        let cases = [
            (KeyCode::Char('j'), NONE, Some(Key::Char('j'))),
            (KeyCode::Char('J'), SHIFT, Some(Key::Char('J'))),
            (KeyCode::Char('ü'), NONE, Some(Key::Char('ü'))),
            (KeyCode::Char('c'), CTRL, Some(Key::Ctrl('c'))),
            (KeyCode::Char('C'), CTRL | SHIFT, Some(Key::Ctrl('c'))),
            (KeyCode::Char('4'), CTRL, None),
            (KeyCode::Char('j'), ALT, None),
            (KeyCode::Tab, NONE, Some(Key::Tab)),
            (KeyCode::Tab, SHIFT, Some(Key::BackTab)),
            (KeyCode::BackTab, SHIFT, Some(Key::BackTab)),
            (KeyCode::Up, CTRL, Some(Key::Up)),
            (KeyCode::PageDown, NONE, Some(Key::PageDown)),
            (KeyCode::F(1), NONE, Some(Key::F(1))),
            (KeyCode::Insert, NONE, None),
        ];
        for (code, modifiers, key) in cases {
            let event = Event::Key(KeyEvent::new(code, modifiers));
            assert_eq!(
                input_of(event),
                key.map(Input::Key),
                "{code:?} {modifiers:?}"
            );
        }
    }

    #[test]
    fn a_repeated_key_counts_and_a_released_one_does_not() {
        let key = |kind| {
            let key = KeyEvent::new_with_kind(KeyCode::Down, NONE, kind);
            input_of(Event::Key(key))
        };
        assert_eq!(key(KeyEventKind::Press), Some(Input::Key(Key::Down)));
        assert_eq!(key(KeyEventKind::Repeat), Some(Input::Key(Key::Down)));
        assert_eq!(key(KeyEventKind::Release), None);
    }

    #[test]
    fn the_mouse_clicks_and_drags_with_its_left_button_and_turns_its_wheel() {
        let (column, row) = (3, 4);
        let cases = [
            (
                MouseEventKind::Down(MouseButton::Left),
                Some(Mouse::Click { column, row }),
            ),
            (
                MouseEventKind::ScrollUp,
                Some(Mouse::WheelUp { column, row }),
            ),
            (
                MouseEventKind::ScrollDown,
                Some(Mouse::WheelDown { column, row }),
            ),
            (
                MouseEventKind::Drag(MouseButton::Left),
                Some(Mouse::Drag { column, row }),
            ),
            (MouseEventKind::Up(MouseButton::Left), Some(Mouse::Release)),
            (MouseEventKind::Down(MouseButton::Right), None),
            (MouseEventKind::Drag(MouseButton::Right), None),
            (MouseEventKind::Moved, None),
        ];
        for (kind, mouse) in cases {
            let modifiers = NONE;
            let event = Event::Mouse(MouseEvent {
                kind,
                column,
                row,
                modifiers,
            });
            assert_eq!(input_of(event), mouse.map(Input::Mouse), "{kind:?}");
        }
    }

    #[test]
    fn a_paste_and_a_new_size_are_passed_on_and_focus_is_not() {
        let paste = Event::Paste("a\nb".to_owned());
        assert_eq!(input_of(paste), Some(Input::Paste("a\nb".to_owned())));
        let (width, height) = (80, 24);
        let resized = Input::Resized { width, height };
        assert_eq!(input_of(Event::Resize(width, height)), Some(resized));
        assert_eq!(input_of(Event::FocusLost), None);
    }
}
