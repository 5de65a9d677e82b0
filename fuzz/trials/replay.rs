//! Any bytes as a recording: what is refused says where in one clean line, and what is accepted goes
//! through the tracker, the live table with each of its panes, the drawing and the reports, as a
//! recording from another machine would.
//!
//! `fuzz_targets/replay.rs` feeds it new bytes, `tests/properties/corpus.rs` those that were kept.

use std::io::Cursor;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use sockeye::app::view::View;
use sockeye::app::{App, Environment, Input, Msg, Size};
use sockeye::columns::{CellContext, LocalPeers};
use sockeye::keymap::Key;
use sockeye::model::{Kinds, Lineage, Moment, clean};
use sockeye::query::Tab;
use sockeye::report;
use sockeye::settings::Settings;
use sockeye::source::{Replay, Source as _};
use sockeye::theme::{Depth, Glyphs};
use sockeye::track::{Row, Table, TableUpdate, Tracker};
use sockeye::ui;

/// What is longer is cut.
const LONGEST_TEXT: usize = 4096;

/// More readings than this bring nothing new.
const MOST_READINGS: u64 = 16;

/// What a person may do with what is there: views, panes, menus, and moving about.
const KEYS: &str = "1234Ge]\x1b$\x1b/nginx\r\x1b?\x1bkC\x1bcw\x1bnsSstuP \x1bbfmK\x1b";

/// One input.
pub fn run(bytes: &[u8]) {
    let recording = Cursor::new(bytes.to_vec());
    let mut replay = match Replay::from_reader("recording", recording) {
        Ok(replay) => replay,
        Err(error) => return is_clean(&error.to_string()),
    };
    let mut screen = Screen::new();
    for second in 0..MOST_READINGS {
        screen.now = at(second);
        match replay.take(screen.now) {
            Ok(reading) => screen.observe(reading),
            Err(error) => {
                is_clean(&error.to_string());
                screen.tell(Msg::SnapshotFailed(error.to_string()));
            }
        }
        screen.draw();
        if replay.is_at_end().expect("memory can be read") {
            break;
        }
    }
    screen.press(Key::Enter);
    for key in KEYS.chars() {
        screen.press(match key {
            '\x1b' => Key::Esc,
            '\r' => Key::Enter,
            key => Key::Char(key),
        });
    }
    screen.tell(Msg::Input(Input::Resized {
        width: 33,
        height: 7,
    }));
    screen.draw();
}

/// The live table without a terminal, and the tracker that feeds it.
struct Screen {
    app: App,
    tracker: Tracker,
    now: Moment,
}

impl Screen {
    fn new() -> Self {
        let now = at(0);
        Self {
            app: App::new(settings(), surroundings(), now),
            tracker: Tracker::new(Duration::from_secs(10)),
            now,
        }
    }

    fn observe(&mut self, reading: sockeye::model::Snapshot) {
        let observation = self.tracker.apply(reading);
        is_reported(&observation, self.now);
        self.tell(Msg::SnapshotTaken(observation));
    }

    fn tell(&mut self, msg: Msg) {
        self.app.update(msg, self.now);
    }

    fn press(&mut self, key: Key) {
        self.tell(Msg::Input(Input::Key(key)));
        self.draw();
    }

    fn draw(&self) {
        let view = self.app.view(self.now);
        is_clean_view(&view);
        let backend = TestBackend::new(view.size.width, view.size.height);
        let mut terminal = Terminal::new(backend).expect("a buffer takes everything");
        terminal
            .draw(|frame| ui::draw(frame, &view))
            .expect("a buffer takes everything");
    }
}

/// Nothing that a terminal acts on is in what is drawn.
fn is_clean_view(view: &View) {
    let lines = view
        .footer
        .iter()
        .chain([&view.header, &view.header_right, &view.filter]);
    let pane = view.pane.iter().flat_map(|pane| &pane.lines);
    let overlay = view.overlay.iter().flat_map(|overlay| &overlay.lines);
    for span in lines.chain(pane).chain(overlay).flatten() {
        is_clean(&span.text);
    }
    let cells = view.rows.iter().flat_map(|row| &row.cells);
    for text in cells.map(|cell| &cell.text).chain(&view.empty) {
        is_clean(text);
    }
}

/// As the program itself would clean it; of a text that it would cut, character by character.
fn is_clean(text: &str) {
    let shows = |text: &str| clean(text) == text;
    let is_plain = |c: char| (' '..='~').contains(&c);
    let held = if text.len() <= LONGEST_TEXT {
        shows(text)
    } else {
        text.chars().all(|c| is_plain(c) || shows(&format!("a{c}")))
    };
    assert!(held, "{text:?}");
}

/// Every report of it: one line each, clean, and readable by its parser.
fn is_reported(observation: &TableUpdate, now: Moment) {
    let Table { rows, .. } = &*observation.table;
    let rows: Vec<&Row> = rows.iter().map(|row| &**row).collect();
    let json = written(|out| {
        report::write_json(
            out,
            &observation.table,
            &rows,
            report::RecordedListing::default(),
        )
    });
    is_clean(json.trim_end_matches('\n'));
    let listing: serde_json::Value = serde_json::from_str(&json).expect("it is JSON");
    assert_eq!(
        listing["sockets"].as_array().map(Vec::len),
        Some(rows.len())
    );

    let lines = written(|out| report::write_ndjson(out, &observation.table, &rows));
    lines.lines().for_each(is_clean);

    let sheet = report::CsvOptions::default();
    let table =
        written(|out| report::write_csv(out, &observation.table, rows.iter().copied(), sheet));
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let columns = reader.headers().expect("it is CSV").len();
    for record in reader.records() {
        let record = record.expect("it is CSV");
        assert_eq!(record.len(), columns);
        record.iter().for_each(is_clean);
    }

    let context = CellContext {
        table: &observation.table,
        now,
        highlight: Duration::from_secs(5),
        names: true,
        local_peers: LocalPeers::Process,
        has_user: false,
        room: usize::MAX,
        skipped: 0,
    };
    let layout = report::Layout::default();
    let text = written(|out| report::write_text(out, &rows, &context, &layout));
    text.lines().for_each(is_clean);

    for event in &observation.events {
        let (kind, row) = (Some(&event.change.kind), &event.row);
        let line = written(|out| {
            report::write_change_json(out, &observation.table.flows, (now, kind, row))
        });
        is_clean(line.trim_end_matches('\n'));
        let line =
            written(|out| report::write_change(out, (now, kind, row), &TimeZone::UTC, false));
        is_clean(line.trim_end_matches('\n'));
    }
}

fn written(write: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).expect("memory takes everything");
    String::from_utf8(out).expect("it is text")
}

fn settings() -> Settings {
    Settings {
        linger: Duration::from_secs(10),
        highlight: Duration::from_secs(5),
        view: Tab::All,
        kinds: Kinds::ALL,
        ..Settings::default()
    }
}

fn surroundings() -> Environment {
    Environment {
        host: "recording".to_owned(),
        origin: sockeye::model::Origin::Recording,
        uid: Some(1000),
        lineage: Lineage::default(),
        time_zone: TimeZone::UTC,
        size: Size {
            width: 100,
            height: 30,
        },
        depth: Depth::Full,
        glyphs: Glyphs::Unicode,
        opener: "xdg-open",
        begin_at: None,
    }
}

fn at(second: u64) -> Moment {
    let steady = Duration::from_secs(second);
    Moment {
        steady,
        wall: Timestamp::UNIX_EPOCH + steady,
    }
}
