//! Recordings from unknown sources: a readable one is clean and can be shown and reported, an unreadable
//! one gives one line with file and line.

use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use sockeye::app::{App, Environment, Input, Msg};
use sockeye::keymap::Key;
use sockeye::model::{Moment, Snapshot};
use sockeye::report;
use sockeye::source::{Replay, Source as _, SourceError};
use sockeye::track::{TableUpdate, Tracker};
use sockeye::ui;

use super::mutation::{Mutation, mutated};
use super::rows::moment;
use super::schema::valid;
use super::stage::{settings, surroundings};

/// A file of the test's own, removed with it.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        static LAST: AtomicUsize = AtomicUsize::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed);
        let name = format!("{name}-{}-{number}.jsonl", std::process::id());
        Self(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// What version 0.1 recorded: tables of all kinds, whole and as changes.
const RECORDED: [&str; 3] = [
    include_str!("../../fuzz/trials/world.jsonl"),
    include_str!("../../examples/screenshot/containers.jsonl"),
    include_str!("../../examples/screenshot/scene.jsonl"),
];

/// The most bytes of a recording to begin with: each case plays it.
const MAX_BYTES: usize = 30_000;

/// The first lines of a recording.
fn recording() -> impl Strategy<Value = Vec<u8>> {
    select(&RECORDED).prop_map(|text| {
        let mut first = String::new();
        for line in text.split_inclusive('\n') {
            if first.is_empty() || first.len() + line.len() <= MAX_BYTES {
                first.push_str(line);
            }
        }
        first.into_bytes()
    })
}

/// The program with the reports, fed from a recording.
struct Player {
    app: App,
    tracker: Tracker,
    now: Moment,
}

impl Player {
    fn new() -> Self {
        let (settings, now) = (settings(), moment(100));
        Self {
            tracker: Tracker::new(settings.linger),
            app: App::new(
                settings,
                Environment {
                    origin: sockeye::model::Origin::Recording,
                    ..surroundings(80, 24)
                },
                now,
            ),
            now,
        }
    }

    /// Shows everything that there is to show of a reading, and reports it.
    fn play(&mut self, snapshot: Snapshot) -> Result<(), TestCaseError> {
        let observation = self.tracker.apply(snapshot);
        is_reported(&observation)?;
        self.app.update(Msg::SnapshotTaken(observation), self.now);
        for key in ['3', 'e', 'e', '$', '$']
            .map(Key::Char)
            .into_iter()
            .chain([Key::Enter, Key::Enter])
        {
            self.app.update(Msg::Input(Input::Key(key)), self.now);
            self.is_drawn()?;
        }
        Ok(())
    }

    fn is_drawn(&self) -> Result<(), TestCaseError> {
        let view = self.app.view(self.now);
        let mut terminal =
            Terminal::new(TestBackend::new(80, 24)).expect("a buffer takes everything");
        let draw = terminal.draw(|frame| ui::draw(frame, &view));
        draw.expect("a buffer takes everything");
        let cells = &terminal.backend().buffer().content;
        let is_clean = |symbol: &str| !symbol.contains(is_hostile);
        prop_assert!(
            cells.iter().all(|cell| is_clean(cell.symbol())),
            "{:?}",
            view
        );
        Ok(())
    }
}

/// What a terminal acts on, of what the mistakes put in.
fn is_hostile(c: char) -> bool {
    c.is_control() || c == '\u{202e}'
}

/// The table is JSON and CSV with a row for each socket, and nothing in them is for a terminal to act on.
fn is_reported(observation: &TableUpdate) -> Result<(), TestCaseError> {
    let table = &observation.table;
    let rows: Vec<_> = table.rows.iter().map(|row| &**row).collect();
    let (mut json, mut csv) = (Vec::new(), Vec::new());
    report::write_json(&mut json, table, &rows, report::RecordedListing::default())
        .expect("a vector takes everything");
    let sheet = report::CsvOptions::default();
    report::write_csv(&mut csv, table, rows.iter().copied(), sheet)
        .expect("a vector takes everything");
    let parsed = valid(std::str::from_utf8(&json).expect("text").trim_end());
    prop_assert_eq!(
        parsed["sockets"].as_array().map(Vec::len),
        Some(table.rows.len())
    );
    let records = csv::Reader::from_reader(&*csv)
        .into_records()
        .map(|record| record.expect("CSV"));
    prop_assert!(records.count() >= table.rows.len());
    for text in [json, csv] {
        let text = String::from_utf8(text).expect("text");
        let acts = |c: char| is_hostile(c) && !matches!(c, '\n' | '\r');
        prop_assert!(!text.contains(acts), "{:?}", text);
    }
    Ok(())
}

/// Plays these bytes to their end or their first fault; returns how many readings were good.
fn is_played_or_refused(name: &str, bytes: &[u8]) -> Result<usize, TestCaseError> {
    let file = Scratch::new(name);
    fs::write(&file.0, bytes).expect("there is room");
    let mut readings = 0;
    match play(&file, &mut readings) {
        Ok(played) => played?,
        Err(error) => {
            let text = error.to_string();
            prop_assert!(!text.contains(char::is_control), "{:?}", text);
            let prefix = format!("{}:", file.0.display());
            let place = text
                .strip_prefix(&prefix)
                .and_then(|rest| rest.split_once(": "));
            let line = place.and_then(|(line, _)| line.parse().ok()).unwrap_or(0);
            let lines = bytes.split_inclusive(|&byte| byte == b'\n').count();
            prop_assert!(
                (1..=lines.max(1)).contains(&line),
                "{:?} of {} lines",
                text,
                lines
            );
        }
    }
    Ok(readings)
}

fn play(file: &Scratch, readings: &mut usize) -> Result<Result<(), TestCaseError>, SourceError> {
    let mut replay = Replay::open(&file.0)?;
    let mut player = Player::new();
    loop {
        player.now.steady += Duration::from_secs(1);
        let snapshot = replay.take(player.now)?;
        if let Err(failure) = player.play(snapshot) {
            return Ok(Err(failure));
        }
        *readings += 1;
        if replay.is_at_end()? {
            return Ok(Ok(()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn what_was_recorded_is_played(bytes in recording()) {
        let lines = bytes.split_inclusive(|&byte| byte == b'\n').count();
        prop_assert_eq!(is_played_or_refused("played", &bytes)?, lines);
    }

    #[test]
    fn any_bytes_are_refused_with_file_and_line(bytes in vec(any::<u8>(), 0..300)) {
        prop_assert_eq!(is_played_or_refused("bytes", &bytes)?, 0);
    }

    #[test]
    fn a_recording_with_mistakes_in_it_is_played_or_refused_with_file_and_line(
        bytes in recording(), other in recording(), mistakes in vec(any::<Mutation>(), 1..3),
    ) {
        is_played_or_refused("mistakes", &mutated(&bytes, &other, &mistakes))?;
    }
}
