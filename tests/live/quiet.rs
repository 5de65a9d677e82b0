//! A program with nothing to say writes nothing.

use std::time::Duration;

use crate::live::scene::{Live, at, connection, listener, stage};

#[test]
fn an_idle_table_writes_nothing() {
    stage(|| {
        let listening = listener(&at(8080));
        let _connection = connection(&listening);
        // So narrow that AGE is left out, which is in seconds for the first minute.
        let live = Live::start_in(
            (82, 24),
            &["-a", "--highlight", "500ms", "--linger", "500ms"],
        );
        live.wait_for_a_reading();
        live.wait_for("the witness's end", |screen| !screen.contains("64999"));
        // The pictures of the last minutes know the witness for five more, and move on every 25 seconds.
        let time = Duration::from_secs(3);
        if live.pty.bytes_written_during(time) > 0 {
            assert_quiet(&live, time);
        }
    });
}

/// Not a byte is written within this time.
fn assert_quiet(live: &Live, time: Duration) {
    let before = live.pty.raw().len();
    assert_eq!(
        live.pty.bytes_written_during(time),
        0,
        "{:?}",
        live.pty.raw().get(before..)
    );
}

#[test]
fn a_paused_table_writes_nothing_though_marks_and_rows_would_have_ended() {
    stage(|| {
        let closes = listener(&at(8080));
        let mut live = Live::start(&["--highlight", "500ms", "--linger", "500ms"]);
        drop(closes);
        live.wait_for_row(8080, |row| row.starts_with('-'));
        live.press("p");
        live.wait_for_text("paused");
        assert_quiet(&live, Duration::from_secs(2));
        live.wait_for_row(8080, |row| row.starts_with('-'));
    });
}
