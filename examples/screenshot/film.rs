//! Replays the recording in the real tracker and app, and takes the screen two seconds after its last snapshot.
//!
//! The result of a bind test is the kernel's answer while the recording was made: `check-8080.json` is the output of
//! `sockeye check --json 8080` at that time.

#[path = "../../tests/support/evidence.rs"]
mod evidence;

use std::time::Duration;

use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use serde_json::Value;
use sockeye::app::{App, BindReport, Effect, Environment, Input, Msg, Size};
use sockeye::bind::{BindTestResult, Probe, ProbeResult, Prober};
use sockeye::keymap::Key;
use sockeye::model::{Answered, Evidence, Holder, Lineage, Moment, Snapshot, SocketOptions};
use sockeye::query::Tab;
use sockeye::runtime::history::{LastHour, Moments};
use sockeye::settings::Settings;
use sockeye::source::{Replay, Source as _};
use sockeye::theme::{Colour, Depth, Glyphs};
use sockeye::track::Tracker;
use sockeye::ui;

use evidence::evidence;

/// The folder of the recording and the answer.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/screenshot");

/// How long after the last snapshot the screen is taken.
const LAST: Duration = Duration::from_secs(2);

/// The app after the recording.
pub struct Film {
    app: App,
    replay: Replay,
    tracker: Tracker,
    begin: jiff::Timestamp,
    now: Moment,
    last: Snapshot,
    history: LastHour,
    moments: Moments,
}

impl Film {
    /// The whole recording on a terminal of this size.
    pub fn shown(width: u16, height: u16) -> Self {
        let mut film = Self::begun(width, height);
        while film.step() {}
        film.wait(LAST);
        film
    }

    /// A host with containers: one snapshot, in its namespaces.
    pub fn of_containers(width: u16, height: u16) -> Self {
        let mut film = Self::of("containers.jsonl", width, height);
        film.wait(LAST);
        film
    }

    /// Its first snapshot.
    pub fn begun(width: u16, height: u16) -> Self {
        Self::of("scene.jsonl", width, height)
    }

    fn of(recording: &str, width: u16, height: u16) -> Self {
        let path = format!("{FOLDER}/{recording}");
        let mut replay = Replay::open(path).expect("the recording can be read");
        let start = Moment {
            steady: Duration::ZERO,
            wall: jiff::Timestamp::UNIX_EPOCH,
        };
        let last = replay.take(start).expect("it has a snapshot");
        let now = last.taken_at;
        let settings = settings();
        let mut tracker = Tracker::new(settings.linger);
        let mut app = App::new(settings, environment(width, height), now);
        // As a terminal replies to the query of its background.
        app.update(Msg::Input(Input::Background(GROUND)), now);
        app.update(Msg::SnapshotTaken(tracker.apply(last.clone())), now);
        let begin = now.wall;
        let history = LastHour::new(Duration::from_secs(5));
        history.add(&last);
        Self {
            moments: Moments::of_memory(history.clone(), None),
            history,
            app,
            replay,
            tracker,
            begin,
            now,
            last,
        }
    }

    /// Goes on to the next snapshot; `false` if there is none.
    pub fn step(&mut self) -> bool {
        if self.replay.is_at_end().expect("the recording can be read") {
            return false;
        }
        let mut next = self.replay.take(self.now).expect("it has a next snapshot");
        next.taken_at.steady = next.taken_at.wall.duration_since(self.begin).unsigned_abs();
        self.now = next.taken_at;
        self.last = next.clone();
        self.history.add(&next);
        let table = self.tracker.apply(next);
        self.app.update(Msg::SnapshotTaken(table), self.now);
        true
    }

    /// Lets time pass.
    fn wait(&mut self, time: Duration) {
        self.now = Moment {
            steady: self.now.steady + time,
            wall: self.now.wall + time,
        };
        self.app.update(Msg::Woke, self.now);
    }

    /// Presses the keys of these characters.
    pub fn press(&mut self, keys: &str) {
        for c in keys.chars() {
            self.key(Key::Char(c));
        }
    }

    /// Presses a key. A bind test gets its result at once, and a moment is shown at once.
    pub fn key(&mut self, key: Key) {
        for effect in self.app.update(Msg::Input(Input::Key(key)), self.now) {
            let answer = match effect {
                Effect::BindTest { job, target, .. } => {
                    let mut prober = Recorded(&self.last);
                    let test_result = BindTestResult::of(&target, &mut prober);
                    Some(Msg::BindTested(Box::new(BindReport { job, test_result })))
                }
                Effect::ShowMoment(request) => self.moments.answer(&[*request]),
                _ => None,
            };
            if let Some(answer) = answer {
                self.app.update(answer, self.now);
            }
        }
    }

    /// The drawn screen.
    pub fn screen(&self) -> Buffer {
        let view = self.app.view(self.now);
        let backend = TestBackend::new(view.size.width, view.size.height);
        let mut terminal = Terminal::new(backend).expect("a buffer takes everything");
        terminal
            .draw(|frame| ui::draw(frame, &view))
            .expect("a buffer takes everything");
        terminal.backend().buffer().clone()
    }
}

/// The background of the pictures.
const GROUND: Colour = Colour::Rgb(0x16, 0x18, 0x1d);

/// Settings of a live table that shows all rows.
fn settings() -> Settings {
    Settings {
        interval: Duration::from_secs(5),
        view: Tab::All,
        ..Settings::default()
    }
}

/// The environment of root on a live host, not of a recording.
fn environment(width: u16, height: u16) -> Environment {
    Environment {
        host: "web-01".into(),
        origin: sockeye::model::Origin::Own,
        uid: Some(0),
        lineage: Lineage::default(),
        time_zone: TimeZone::UTC,
        size: Size { width, height },
        depth: Depth::Full,
        glyphs: Glyphs::Unicode,
        opener: "xdg-open",
        begin_at: None,
    }
}

/// The recorded state of the machine.
struct Recorded<'a>(&'a Snapshot);

impl Prober for Recorded<'_> {
    fn rows(&mut self) -> Evidence {
        let sockets = self
            .0
            .sockets
            .iter()
            .filter(|socket| socket.local.port == 8080);
        let said = answer();
        let options = SocketOptions {
            reuse_address: said["blockers"][0]["reuse_address"] == true,
            reuse_port: said["blockers"][0]["reuse_port"] == true,
        };
        let holder = |socket: &sockeye::model::Socket| Holder {
            options: Some(options),
            ..Holder::new(socket.clone())
        };
        evidence(self.0.taken_at, sockets.map(holder).collect())
    }

    fn probes(&mut self, _: &dyn Fn(&Probe) -> bool) -> Vec<Probe> {
        let said = answer();
        let probes = said["probes"].as_array().into_iter().flatten();
        probes.map(probe).collect()
    }

    fn explain(&mut self, _: &mut Evidence, _: Answered) {}
}

/// The recorded evidence about the port.
fn answer() -> Value {
    let text = std::fs::read_to_string(format!("{FOLDER}/check-8080.json"));
    let said: Value = serde_json::from_str(&text.expect("the file is there")).expect("it is JSON");
    said["targets"][0].clone()
}

fn probe(said: &Value) -> Probe {
    let result = said["result"].as_str().expect("a bind has a result");
    Probe {
        address: serde_json::from_value(said["address"].clone()).expect("a bind has an address"),
        v6only: said["v6only"].as_bool(),
        reuse_address: said["reuse_address"] == true,
        result: match result {
            "ok" => ProbeResult::Ok,
            name => ProbeResult::Errno(name.to_owned().into()),
        },
    }
}
