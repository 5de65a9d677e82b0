//! A small world, passed snapshot by snapshot to the real tracker and the real app.
//!
//! Nothing here reaches into either: sockets go in as a `Snapshot`, keys as `Input`, and what
//! comes out is what `view` says. Time is what the test says it is.
#![allow(dead_code, reason = "each test binary uses its own part of the stage")]

#[path = "evidence.rs"]
mod evidence;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sockeye::app::{App, Effect, Environment, Input, Inspected, Mouse, Msg, Size};
use sockeye::bind::{BindTestResult, Probe, ProbeResult, Prober, Target};
use sockeye::keymap::Key;
use sockeye::model::{
    Answered, Background, Endpoint, EphemeralPorts, Evidence, Holder, Kinds, Limits, Lineage,
    Moment, Owner, Pid, Playback, Problem, Process, Protocol, Queue, Refresh, RefreshTimings,
    Snapshot, Socket, State, Text,
};
use sockeye::query::Tab;
use sockeye::runtime::history::{LastHour, Moments};
use sockeye::settings::Settings;
use sockeye::theme::{Depth, Glyphs};
use sockeye::track::{Event, Tracker};

use evidence::evidence;

/// 2026-01-02 12:00:00 UTC: when every scene begins.
const BEGIN: i64 = 1_767_355_200;

/// For how long the scenes mark a change.
pub const HIGHLIGHT: Duration = Duration::from_secs(5);

/// For how long the scenes keep a closed row.
pub const LINGER: Duration = Duration::from_secs(10);

/// The moment this long after the beginning.
pub fn after(since_begin: Duration) -> Moment {
    let wall = Timestamp::from_second(BEGIN).expect("within range") + since_begin;
    // The steady clock has another zero than the wall clock, as in real life.
    let steady = Duration::from_secs(1000) + since_begin;
    Moment { steady, wall }
}

/// What a scene is started with.
pub fn settings() -> Settings {
    Settings {
        linger: LINGER,
        highlight: HIGHLIGHT,
        view: Tab::All,
        ..Settings::default()
    }
}

/// Where a scene plays.
pub fn surroundings(width: u16, height: u16) -> Environment {
    Environment {
        host: "web-01".into(),
        origin: sockeye::model::Origin::Own,
        uid: Some(1000),
        lineage: Lineage::default(),
        time_zone: TimeZone::UTC,
        size: Size { width, height },
        depth: Depth::Full,
        glyphs: Glyphs::Unicode,
        opener: "xdg-open",
        begin_at: None,
    }
}

/// The program, the tracker that feeds it, and the time.
pub struct Stage {
    pub app: App,
    pub now: Moment,
    tracker: Tracker,
    since_begin: Duration,
    /// What the table can go back in.
    history: LastHour,
    moments: Moments,
    processes: HashMap<Pid, Arc<Process>>,
    /// The ports that outgoing connections get, where the scene knows them.
    pub ephemeral: Option<EphemeralPorts>,
    /// Where in a recording the scene is.
    pub playback: Option<Playback>,
}

impl Stage {
    pub fn new(width: u16, height: u16) -> Self {
        Self::with(settings(), surroundings(width, height))
    }

    pub fn with(settings: Settings, surroundings: Environment) -> Self {
        let now = after(Duration::ZERO);
        let history = LastHour::new(Duration::from_secs(1));
        Self {
            moments: Moments::of_memory(history.clone(), None),
            history,
            tracker: Tracker::new(settings.linger),
            app: App::new(settings, surroundings, now),
            now,
            since_begin: Duration::ZERO,
            processes: HashMap::new(),

            ephemeral: None,
            playback: None,
        }
    }

    /// Lets time pass; the program notices only if it is woken or something else happens.
    pub fn wait(&mut self, time: Duration) -> &mut Self {
        self.since_begin += time;
        self.now = after(self.since_begin);
        self
    }

    pub fn wait_secs(&mut self, seconds: u64) -> &mut Self {
        self.wait(Duration::from_secs(seconds))
    }

    /// Makes these processes known as ancestors.
    pub fn know(&mut self, processes: &[Arc<Process>]) -> &mut Self {
        for process in processes {
            self.processes.insert(process.pid, Arc::clone(process));
        }
        self
    }

    /// A reading of these sockets.
    pub fn read(&mut self, sockets: &[Socket]) -> Vec<Event> {
        self.read_with(sockets, &[])
    }

    /// A reading of these sockets that had these problems.
    pub fn read_with(&mut self, sockets: &[Socket], problems: &[Problem]) -> Vec<Event> {
        let mut processes = self.processes.clone();
        for process in sockets.iter().flat_map(|socket| socket.owner.present()) {
            processes.insert(process.pid, Arc::clone(process));
        }
        let snapshot = Snapshot {
            kinds: Kinds::DEFAULT,
            taken_at: self.now,
            sockets: sockets.to_vec(),
            processes,
            problems: problems.to_vec(),
            ephemeral: self.ephemeral.clone(),
            ..Snapshot::default()
        };
        self.history.add(&snapshot);
        let mut observation = self.tracker.apply(snapshot);
        observation.playback = self.playback;
        let events = observation.events.clone();
        self.send(Msg::SnapshotTaken(observation));
        events
    }

    /// A reading that took this, after a draw that took `drawing`.
    pub fn refresh(&mut self, sockets: &[Socket], cost: RefreshTimings, drawing: Duration) {
        self.send(Msg::Drawn(drawing));
        self.send(Msg::RefreshMeasured(Refresh {
            taken_at: self.now,
            rows: sockets.len(),
            cost,
        }));
        self.read(sockets);
    }

    /// What is behind owners is read at once, and is nothing; moments of the history are found at once, too.
    pub fn send(&mut self, msg: Msg) -> Vec<Effect> {
        let mut effects = self.app.update(msg, self.now);
        while let Some(at) = effects
            .iter()
            .position(|effect| matches!(effect, Effect::ShowMoment(_)))
        {
            if let Effect::ShowMoment(request) = effects.remove(at)
                && let Some(answer) = self.moments.answer(&[*request])
            {
                effects.extend(self.app.update(answer, self.now));
            }
        }
        while let Some(at) = effects
            .iter()
            .position(|effect| matches!(effect, Effect::InspectOwner { .. }))
        {
            let Effect::InspectOwner { job, socket } = effects.remove(at) else {
                continue;
            };
            let owners = socket.owner.present().iter();
            let found = Inspected {
                job,
                backgrounds: owners.map(|owner| Background::new(owner.pid)).collect(),
                supervisor: None,
                limits: Limits::default(),
            };
            effects.extend(
                self.app
                    .update(Msg::OwnerInspected(Box::new(found)), self.now),
            );
        }
        effects
    }

    /// Presses the keys of these characters, one after the other.
    pub fn press(&mut self, keys: &str) -> Vec<Effect> {
        keys.chars().flat_map(|c| self.key(Key::Char(c))).collect()
    }

    pub fn key(&mut self, key: Key) -> Vec<Effect> {
        self.send(Msg::Input(Input::Key(key)))
    }

    pub fn click(&mut self, column: u16, row: u16) -> Vec<Effect> {
        self.send(Msg::Input(Input::Mouse(Mouse::Click { column, row })))
    }

    pub fn resize(&mut self, width: u16, height: u16) -> &mut Self {
        self.send(Msg::Input(Input::Resized { width, height }));
        self
    }
}

/// What the kernel answers to one trial bind: address, `IPV6_V6ONLY`, whether with `SO_REUSEADDR`,
/// and the error if it refuses.
pub type Answer = (&'static str, Option<bool>, bool, Option<&'static str>);

/// A bind test beside these holders, with these answers of the kernel.
pub fn test_result(
    target: &Target,
    taken_at: Moment,
    holders: &[Holder],
    answers: &[Answer],
) -> BindTestResult {
    BindTestResult::of(
        target,
        &mut Told {
            taken_at,
            holders,
            answers,
        },
    )
}

/// A witness who says the same each time.
struct Told<'a> {
    taken_at: Moment,
    holders: &'a [Holder],
    answers: &'a [Answer],
}

impl Prober for Told<'_> {
    fn rows(&mut self) -> Evidence {
        evidence(self.taken_at, self.holders.to_vec())
    }

    fn probes(&mut self, _: &dyn Fn(&Probe) -> bool) -> Vec<Probe> {
        let probe = |&(address, v6only, reuse_address, error): &Answer| Probe {
            address: address.parse().expect("an address"),
            v6only,
            reuse_address,
            result: error.map_or(ProbeResult::Ok, |name| ProbeResult::Errno(name.into())),
        };
        self.answers.iter().map(probe).collect()
    }

    fn explain(&mut self, _: &mut Evidence, _: Answered) {}
}

/// The bind test that these effects ask for.
pub fn asked_test(effects: &[Effect]) -> Option<(u64, Target)> {
    effects.iter().find_map(|effect| match effect {
        Effect::BindTest { job, target, .. } => Some((*job, target.clone())),
        _ => None,
    })
}

/// A process that started this long before the scene began.
pub fn process(pid: Pid, name: &str, user: &str, age: Duration) -> Arc<Process> {
    Arc::new(Process {
        parent: (pid != 1).then_some(1),
        command: Some(Text::new(&format!("/usr/bin/{name} --serve"))),
        started_at: Some(Timestamp::from_second(BEGIN).expect("within range") - age),
        user: Some(user.into()),
        ..Process::new(pid, name)
    })
}

pub fn known(processes: &[&Arc<Process>]) -> Owner {
    Owner::Known(processes.iter().map(|&one| Arc::clone(one)).collect())
}

pub fn endpoint(text: &str) -> Endpoint {
    let address: std::net::SocketAddr = text.parse().expect("an address and a port");
    address.into()
}

/// A TCP listener.
pub fn listener(local: &str, inode: u32, owner: Owner) -> Socket {
    let queue = Queue {
        receive: 0,
        send: 511,
    };
    Socket {
        queue: Some(queue),
        ..owned(
            Socket::new(Protocol::Tcp, endpoint(local), None, State::Listen),
            inode,
            owner,
        )
    }
}

/// A TCP connection.
pub fn connection(local: &str, remote: &str, state: State, inode: u32, owner: Owner) -> Socket {
    let remote = Some(endpoint(remote));
    let socket = Socket::new(Protocol::Tcp, endpoint(local), remote, state);
    owned(socket, inode, owner)
}

/// A UDP socket.
pub fn udp(local: &str, remote: Option<&str>, inode: u32, owner: Owner) -> Socket {
    let state = if remote.is_some() {
        State::Established
    } else {
        State::Unconn
    };
    let remote = remote.map(endpoint);
    let socket = Socket::new(Protocol::Udp, endpoint(local), remote, state);
    owned(socket, inode, owner)
}

/// The same connection after its process closed it: no inode, no owner.
pub fn abandoned(connection: &Socket, state: State) -> Socket {
    Socket {
        state,
        inode: None,
        uid: None,
        user: None,
        owner: Owner::None,
        queue: None,
        ..connection.clone()
    }
}

fn owned(socket: Socket, inode: u32, owner: Owner) -> Socket {
    let user = owner
        .processes()
        .first()
        .and_then(|process| process.user.clone());
    let uid = user.as_deref().map(uid_of);
    Socket {
        inode: Some(inode),
        uid,
        user,
        owner,
        ..socket
    }
}

pub fn uid_of(user: &str) -> u32 {
    match user {
        "root" => 0,
        "ann" => 1000,
        "postgres" => 70,
        _ => 101,
    }
}
