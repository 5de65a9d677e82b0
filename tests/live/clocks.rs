//! Clocks that jump under the program: set back, set forward, or ahead by hours of suspension. A small
//! library in C replaces the system's clocks, only in the program's own process.

use std::path::PathBuf;

use crate::live::scene::{BINARY, Holder, Live, TempDir, at, listener, listeners, stage};
use crate::program::built_library;
use crate::support::pty::Pty;

/// Clocks that a test sets.
struct Clocks {
    _folder: TempDir,
    file: PathBuf,
}

impl Clocks {
    fn new() -> Self {
        let folder = TempDir::new();
        let file = folder.path().join("clocks");
        let clocks = Self {
            _folder: folder,
            file,
        };
        clocks.shift(0, 0);
        clocks
    }

    /// From now on the wall clock and the steady one are so many seconds ahead.
    fn shift(&self, wall: i64, steady: i64) {
        // Replaced as a whole: the program reads it at any time.
        let next = self.file.with_extension("next");
        std::fs::write(&next, format!("{wall} {steady}")).unwrap();
        std::fs::rename(next, &self.file).unwrap();
    }

    fn start(&self, interval: &str) -> Live {
        let library = built_library("live/helpers/clocks.c");
        let env = [
            ("LD_PRELOAD", library.to_str().unwrap()),
            ("SOCKEYE_TEST_CLOCKS", self.file.to_str().unwrap()),
            ("TZ", "UTC"),
        ];
        let live = Live {
            pty: Pty::spawn(BINARY, &["--interval", interval], (150, 30), &env),
        };
        live.wait_for_row(8080, |row| row.contains("sleep"));
        live
    }
}

#[test]
fn a_wall_clock_that_jumps_changes_no_age() {
    stage(|| {
        let _holder = Holder::of(listeners(&[8080]));
        let clocks = Clocks::new();
        let mut live = clocks.start("100ms");
        let _opened = listener(&at(9000));
        live.wait_for_row(9000, |row| row.starts_with('+'));
        live.press("e");
        for hours in [-5, 5] {
            clocks.shift(hours * 3600, 0);
            live.wait_for_a_reading();
            // Events from now on have the new time.
            let now = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(hours);
            let hours_shown = [0, -1].map(|ago| {
                let then = now + jiff::SignedDuration::from_mins(ago);
                then.strftime("%H:").to_string()
            });
            live.wait_for("an event by the changed clock", |screen| {
                let is_at = |line: &str| hours_shown.iter().any(|hour| line.contains(hour));
                screen
                    .lines()
                    .any(|line| line.contains(":64999") && is_at(line))
            });
            for port in [8080, 9000] {
                let row = live.wait_for_row(port, |_| true);
                let is_in_hours = |word: &str| word == "5h" || word == "10h";
                assert!(!row.split_whitespace().any(is_in_hours), "{row}");
            }
            assert!(!live.pty.screen_text().contains("s ago"));
        }
    });
}

#[test]
fn soon_after_a_suspension_there_is_a_reading_however_long_the_interval() {
    stage(|| {
        let _holder = Holder::of(listeners(&[8080]));
        let clocks = Clocks::new();
        let live = clocks.start("1h");
        let _opened = listener(&at(9000));
        clocks.shift(8 * 3600, 8 * 3600);
        // Within seconds, of which the sleeping clock has counted hardly any.
        live.wait_for_row(9000, |row| row.starts_with('+'));
        assert!(!live.pty.screen_text().contains("s ago"));
    });
}
