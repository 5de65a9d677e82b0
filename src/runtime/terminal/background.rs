//! Queries the terminal's background colour (`OSC 11` of xterm's control sequences), and finds the reply in what is typed.
//!
//! The program starts without waiting for the reply. crossterm does not know such replies: it reports their bytes as keys,
//! the first one with Alt. Those keys are kept back until they are a whole reply, and passed on if they are none. A
//! terminal that does not know the query sends nothing.

#[cfg(unix)]
use std::io::{self, Write as _, stdout};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use crate::clock::Clock;
#[cfg(unix)]
use crate::runtime::process::stdio::RetryWriter;
use crate::theme::Colour;

/// The query.
#[cfg(unix)]
const QUERY: &[u8] = b"\x1b]11;?\x1b\\";

/// What a reply begins with, after the Alt of the first key.
const START: &str = "]11;rgb";

/// No reply is longer: `]11;rgba:ffff/ffff/ffff/ffff`.
const MAX_KEYS: usize = 28;

/// Counts from the query whose reply is expected.
static QUERIED: (Mutex<Option<Clock>>, Condvar) = (Mutex::new(None), Condvar::new());

/// How long the end of the program waits for a reply: one that comes later is typed into the shell.
const PATIENCE: Duration = Duration::from_millis(150);

/// How long after the query the end of the program still waits at all: a terminal that is silent for so long does not
/// know the query.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// How long after the query keys are kept back: over a slow connection replies come late.
const MAX_DELAY: Duration = Duration::from_secs(5);

/// Queries the background colour of the terminal, whose reply is an [`Input`](crate::app::Input). Only one with more than
/// sixteen colours is likely to know the query.
///
/// # Errors
/// If the terminal cannot be written: it is gone.
#[cfg(unix)]
pub(in crate::runtime) fn query() -> io::Result<()> {
    expect(true);
    let mut out = RetryWriter(stdout().lock());
    out.write_all(QUERY)?;
    out.flush()
}

/// Notes that the query was sent, or that the reply has come.
fn expect(is_expected: bool) {
    let mut queried = QUERIED.0.lock().unwrap_or_else(PoisonError::into_inner);
    *queried = is_expected.then(Clock::start);
    QUERIED.1.notify_all();
}

fn is_expected() -> bool {
    let queried = *QUERIED.0.lock().unwrap_or_else(PoisonError::into_inner);
    queried.is_some_and(|clock| may_arrive(clock.now().steady))
}

/// Whether a reply may come this long after the query.
fn may_arrive(silence: Duration) -> bool {
    silence < MAX_DELAY
}

/// How long to wait for a reply that has not come this long after the query.
fn patience_after(silence: Duration) -> Duration {
    PATIENCE.min(MAX_WAIT.saturating_sub(silence))
}

/// Waits a moment for a reply that is still expected, while another thread reads the terminal.
pub(super) fn wait_for_reply() {
    let queried = QUERIED.0.lock().unwrap_or_else(PoisonError::into_inner);
    let silence = queried.map(|clock| clock.now().steady);
    let patience = silence.map_or(Duration::ZERO, patience_after);
    let _ = QUERIED
        .1
        .wait_timeout_while(queried, patience, |queried| queried.is_some());
    expect(false);
}

/// The keys that may be the beginning of a reply.
#[derive(Default)]
pub(super) struct Reply {
    keys: Vec<KeyEvent>,
}

/// What a key turns out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Perhaps a part of a reply.
    Part,
    /// These are keys that were typed.
    Keys(Vec<KeyEvent>),
    /// A reply ends with it: the colour, if it can be read.
    Color(Option<Colour>),
}

impl Reply {
    /// Takes the next key.
    pub(super) fn next(&mut self, key: KeyEvent) -> Found {
        self.take(key, is_expected())
    }

    fn take(&mut self, key: KeyEvent, is_expected: bool) -> Found {
        self.keys.push(key);
        if !is_expected {
            return Found::Keys(std::mem::take(&mut self.keys));
        }
        let text = self.text();
        if is_end(key) && text.starts_with(START) {
            self.keys.clear();
            expect(false);
            return Found::Color(color(&text));
        }
        let begins = self.keys[0].modifiers == KeyModifiers::ALT;
        let fits = START.starts_with(&text) || text.starts_with(START);
        let is_text = text.len() == self.keys.len() && self.keys.len() <= MAX_KEYS;
        if begins && fits && is_text {
            return Found::Part;
        }
        Found::Keys(std::mem::take(&mut self.keys))
    }

    /// The characters of its keys.
    fn text(&self) -> String {
        let characters = self.keys.iter().enumerate().filter_map(|(at, key)| {
            let modifiers = key.modifiers.difference(KeyModifiers::SHIFT);
            let is_plain = modifiers.is_empty() || at == 0;
            key.code.as_char().filter(|c| c.is_ascii() && is_plain)
        });
        characters.collect()
    }
}

/// `ESC \` or BEL.
fn is_end(key: KeyEvent) -> bool {
    matches!(
        (key.code, key.modifiers),
        (KeyCode::Char('\\'), KeyModifiers::ALT) | (KeyCode::Char('g'), KeyModifiers::CONTROL)
    )
}

/// Reads `]11;rgb:1e1e/1e1e/2e2e`: one to four hexadecimal digits for each part, as `XParseColor(3)` has them.
fn color(reply: &str) -> Option<Colour> {
    let (_, parts) = reply.split_once(':')?;
    let mut parts = parts.split('/').map(|part| {
        let value = u32::from_str_radix(part, 16).ok()?;
        let most = 16u32.checked_pow(u32::try_from(part.len()).ok()?)? - 1;
        u8::try_from(value * 255 / most.max(1)).ok()
    });
    let mut next = || parts.next().flatten();
    Some(Colour::Rgb(next()?, next()?, next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(c: char, modifiers: KeyModifiers) -> KeyEvent {
        KeyEvent::new(KeyCode::Char(c), modifiers)
    }

    /// As crossterm reports these bytes: ESC is Alt of the next, BEL is Ctrl-G.
    fn typed(bytes: &str) -> Vec<KeyEvent> {
        let mut keys = Vec::new();
        let mut characters = bytes.chars();
        while let Some(c) = characters.next() {
            keys.push(match c {
                '\x1b' => key(characters.next().unwrap_or('['), KeyModifiers::ALT),
                '\x07' => key('g', KeyModifiers::CONTROL),
                c => key(c, KeyModifiers::NONE),
            });
        }
        keys
    }

    /// The colours found, and how many keys are left.
    fn found(bytes: &str) -> (Vec<Option<Colour>>, usize) {
        let (mut reply, mut colors, mut left) = (Reply::default(), Vec::new(), 0);
        for key in typed(bytes) {
            match reply.take(key, true) {
                Found::Part => {}
                Found::Keys(keys) => left += keys.len(),
                Found::Color(color) => colors.push(color),
            }
        }
        (colors, left)
    }

    #[test]
    fn a_reply_is_a_colour_with_any_number_of_digits_and_either_end() {
        for (reply, color) in [
            (
                "\x1b]11;rgb:1e1e/ffff/0000\x1b\\",
                Colour::Rgb(0x1e, 255, 0),
            ),
            ("\x1b]11;rgb:1e/ff/00\x07", Colour::Rgb(0x1e, 255, 0)),
            ("\x1b]11;rgb:f/0/8\x1b\\", Colour::Rgb(255, 0, 136)),
            (
                "\x1b]11;rgba:ffff/ffff/ffff/0000\x07",
                Colour::Rgb(255, 255, 255),
            ),
        ] {
            assert_eq!(found(reply), (vec![Some(color)], 0), "{reply:?}");
        }
    }

    #[test]
    fn a_reply_that_can_t_be_read_is_no_keys_either() {
        for reply in [
            "\x1b]11;rgb:x/y\x07",
            "\x1b]11;rgb\x1b\\",
            "\x1b]11;rgb:////\x07",
        ] {
            assert_eq!(found(reply), (vec![None], 0), "{reply:?}");
        }
    }

    #[test]
    fn keys_that_are_no_reply_stay_keys() {
        for keys in [
            "q", "]11;rgb:", "\x1b]12", "\x1b]1x", "\x1b]q", "\x1b\\", "\x07",
        ] {
            assert_eq!(found(keys), (vec![], typed(keys).len()), "{keys:?}");
        }
        let endless = format!("\x1b]11;rgb:{}", "f".repeat(100));
        assert_eq!(found(&endless).1, typed(&endless).len());
    }

    #[test]
    fn a_terminal_that_never_replies_delays_neither_keys_nor_the_end_for_long() {
        let after = |millis| patience_after(Duration::from_millis(millis));
        assert_eq!(after(0), PATIENCE);
        assert_eq!(after(900), Duration::from_millis(100));
        assert_eq!(after(1000), Duration::ZERO);
        assert!(may_arrive(Duration::from_secs(4)));
        assert!(!may_arrive(Duration::from_secs(5)));
    }

    #[test]
    fn keys_that_were_kept_back_are_passed_on_when_no_reply_is_expected_any_more() {
        let (mut reply, keys) = (Reply::default(), typed("\x1b]q"));
        assert_eq!(reply.take(keys[0], true), Found::Part);
        assert_eq!(reply.take(keys[1], false), Found::Keys(keys));
    }
}
