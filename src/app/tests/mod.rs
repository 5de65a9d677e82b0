//! The effect of keys, snapshots and time on the app, part by part.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::app::view::View;
use crate::columns;
use crate::keymap::{Action, KEYMAP, Key, Keymap, Mode};
use crate::model::{
    Background, ClosedSocket, Endpoint, Kinds, Limits, Lineage, Owner, Process, Protocol, Snapshot,
    Socket, State, TcpInfo,
};
use crate::query::{Sort, Tab};
use crate::settings::{CustomView, Notify};
use crate::theme::{Depth, Glyphs};
use crate::track::{RowId, Tracker};

mod columns_menu;
mod counters;
mod dialogs;
mod lines;
mod panes;
mod table;

const HIGHLIGHT: Duration = Duration::from_secs(5);
const LINGER: Duration = Duration::from_secs(10);
const SECOND: Duration = Duration::from_secs(1);

fn moment(since_start: Duration) -> Moment {
    Moment {
        steady: Duration::from_secs(100) + since_start,
        wall: jiff::Timestamp::from_second(1_767_355_200).unwrap() + since_start,
    }
}

/// The program on a terminal of 80×24, the tracker that feeds it, and the time.
struct Desk {
    app: App,
    tracker: Tracker,
    time: Duration,
    /// Whether the scene itself answers requests for owners.
    inspects_itself: bool,
}

impl Desk {
    fn new() -> Self {
        Self::with(Settings {
            linger: LINGER,
            highlight: HIGHLIGHT,
            view: Tab::All,
            ..Settings::default()
        })
    }

    fn with(settings: Settings) -> Self {
        let surroundings = Environment {
            host: "host".into(),
            origin: crate::model::Origin::Own,
            uid: Some(1000),
            lineage: Lineage::default(),
            time_zone: jiff::tz::TimeZone::UTC,
            size: Size {
                width: 80,
                height: 24,
            },
            depth: Depth::Full,
            glyphs: Glyphs::Unicode,
            opener: "xdg-open",
            begin_at: None,
        };
        Self {
            app: App::new(settings, surroundings, moment(Duration::ZERO)),
            tracker: Tracker::new(LINGER),
            time: Duration::ZERO,
            inspects_itself: false,
        }
    }

    fn resize(&mut self, width: u16, height: u16) -> &mut Self {
        self.send(Msg::Input(Input::Resized { width, height }));
        self
    }

    /// With listeners on these ports.
    fn with_ports(ports: &[u16]) -> Self {
        let mut desk = Self::new();
        desk.read_ports(ports);
        desk
    }

    fn now(&self) -> Moment {
        moment(self.time)
    }

    fn wait(&mut self, time: Duration) -> &mut Self {
        self.time += time;
        self
    }

    fn wake(&mut self) -> Vec<Effect> {
        self.send(Msg::Woke)
    }

    /// Unless a scene looks for itself, what is behind owners is read at once and is nothing.
    fn send(&mut self, msg: Msg) -> Vec<Effect> {
        let now = self.now();
        let effects = self.app.update(msg, now);
        self.inspect(effects)
    }

    fn inspect(&mut self, mut effects: Vec<Effect>) -> Vec<Effect> {
        let now = self.now();
        let is_inspection = |effect: &Effect| matches!(effect, Effect::InspectOwner { .. });
        while let Some(at) = effects
            .iter()
            .position(is_inspection)
            .filter(|_| !self.inspects_itself)
        {
            let found = ordinary(&effects.remove(at));
            effects.extend(self.app.update(Msg::OwnerInspected(Box::new(found)), now));
        }
        effects
    }

    fn read(&mut self, sockets: &[Socket]) {
        self.read_closed(sockets, &[]);
    }

    /// Reads these sockets, and the reports that others were closed before.
    fn read_closed(&mut self, sockets: &[Socket], closed: &[ClosedSocket]) {
        let observation = self.tracker.apply(Snapshot {
            kinds: self.app.rows.criteria.kinds.and(Kinds::DEFAULT),
            taken_at: self.now(),
            sockets: sockets.to_vec(),
            closed: closed.to_vec(),
            ..Snapshot::default()
        });
        self.send(Msg::SnapshotTaken(observation));
    }

    fn read_ports(&mut self, ports: &[u16]) {
        let sockets: Vec<_> = ports.iter().map(|&port| listener(port)).collect();
        self.read(&sockets);
    }

    /// Reads these ports twice, a second apart: what closed is known to have closed then.
    fn settle_on(&mut self, ports: &[u16]) {
        for _ in 0..2 {
            self.wait(SECOND).read_ports(ports);
        }
    }

    fn key(&mut self, key: Key) -> Vec<Effect> {
        self.send(Msg::Input(Input::Key(key)))
    }

    fn press(&mut self, keys: &str) -> Vec<Effect> {
        keys.chars().flat_map(|c| self.key(Key::Char(c))).collect()
    }

    /// Sorts by the next column, for which no key is bound.
    fn sort_by_next(&mut self) {
        let now = self.now();
        let action = Action::Table(crate::keymap::TableAction::SortByNext);
        self.app.perform(action, now);
    }

    fn view(&self) -> View {
        self.app.view(self.now())
    }

    fn selected_port(&self) -> Option<u16> {
        self.app.selected().map(|row| row.socket.local.port)
    }

    /// The ports in sight, from the top.
    fn ports(&self) -> Vec<u16> {
        let rows = self.app.rows_in_view();
        rows.map(|row| row.socket.local.port).collect()
    }

    /// Line of the screen on which the cursor is, counted from the first row.
    pub fn line(&self) -> usize {
        self.app.rows.cursor.place() - self.app.rows.cursor.top()
    }

    fn mode(&self) -> Mode {
        self.app.mode()
    }
}

fn process(pid: u32) -> Arc<Process> {
    Arc::new(Process {
        command: Some("app --serve".into()),
        user: Some("ann".into()),
        ..Process::new(pid, "app")
    })
}

fn listener(port: u16) -> Socket {
    let local = Endpoint::new("127.0.0.1".parse().unwrap(), port);
    Socket {
        inode: Some(u32::from(port)),
        uid: Some(1000),
        user: Some("ann".into()),
        owner: Owner::Known([process(u32::from(port))].into()),
        ..Socket::new(Protocol::Tcp, local, None, State::Listen)
    }
}

/// The answer to a request for what is behind owners: nothing.
fn ordinary(effect: &Effect) -> Inspected {
    let Effect::InspectOwner { job, socket } = effect else {
        panic!("{effect:?}")
    };
    let owners = socket.owner.present().iter();
    Inspected {
        job: *job,
        backgrounds: owners.map(|owner| Background::new(owner.pid)).collect(),
        supervisor: None,
        limits: Limits::default(),
    }
}

fn pane_text(desk: &Desk) -> String {
    let pane = desk.view().pane.expect("a pane is open");
    let lines = pane.lines.iter().flatten();
    lines.map(|span| span.text.as_str()).collect()
}

fn footer(desk: &Desk) -> String {
    let view = desk.view();
    let spans = view.footer.iter().flatten();
    spans.map(|span| span.text.as_str()).collect()
}

fn pane_title(desk: &Desk) -> String {
    desk.view().pane.expect("a pane is open").title
}
