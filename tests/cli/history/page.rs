//! The commands of the page on scripts that keep and read a history, as they are printed there.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use sockeye::clock::Clock;
use sockeye::history::{Writer, WriterOptions};
use sockeye::source::System;

use super::{mount_tmpfs, server};
use crate::cli::scene::{sockeye, stage};
use crate::cli::scripts::{block_about_history, run};
use crate::support::wait_until;

/// Where root's history is. The mount is the test's own.
const FOLDER: &str = "/var/lib/sockeye";

/// What is open now, stored as if a recorder had run for three days. It ends now.
fn three_days() {
    let hours = 72;
    let options = WriterOptions {
        min_free: Some(0),
        interval: SignedDuration::from_hours(24).unsigned_abs(),
        ..WriterOptions::default()
    };
    let mut writer = Writer::open(FOLDER, &options).unwrap();
    let taken = System::new().take_once(Clock::start().now()).unwrap();
    for hour in 0..=hours {
        let mut snapshot = taken.clone();
        let ago = SignedDuration::from_hours(hours - hour);
        snapshot.taken_at.wall = Timestamp::now() - ago;
        snapshot.taken_at.steady += SignedDuration::from_hours(hour).unsigned_abs();
        writer.add(&snapshot).unwrap();
        writer.sync().unwrap();
    }
    writer.close().unwrap();
}

#[test]
fn the_commands_about_the_history_do_what_their_page_says() {
    stage(|| {
        mount_tmpfs("size=16g,mode=755", "/var/lib");
        let _server = server("a", 8080);
        three_days();
        let ended = who()["recorded"]["to"].clone();
        let printed = run(block_about_history());
        let lines: Vec<_> = printed.lines().collect();
        let count = |pattern: &str| {
            let pattern = regex::Regex::new(pattern).unwrap();
            lines.iter().filter(|line| pattern.is_match(line)).count()
        };
        // `who`, and `who --json` through jq.
        assert_eq!(
            count(r"^≤.* tcp 0\.0\.0\.0:8080 +sockets_apart \(\d+\)"),
            1,
            "{printed}"
        );
        assert_eq!(count(r"^sockets_apart \d{4}-\d\d-\d\dT"), 1, "{printed}");
        // `list -l --at`, `check --at`.
        assert_eq!(count(r"^tcp +0\.0\.0\.0 +8080 "), 1, "{printed}");
        assert_eq!(count(r"^8080: in use$"), 1, "{printed}");
        // `watch --json --since`: it begins at once, as the port was open all the time.
        assert_eq!(count(r#"^\{"schema":2,"kind":"start""#), 1, "{printed}");
        assert_eq!(count(r#""kind":"present".*"port":8080"#), 1, "{printed}");
        // Neither time differs from now.
        assert_eq!(count("other ports than yesterday"), 0, "{printed}");
        // The recorder of the first line runs on after the shell.
        wait_until("its snapshots", || who()["recorded"]["to"] != ended);
    });
}

/// The whole history.
fn who() -> Value {
    sockeye(&["who", "8080", "--json"]).json()
}
