//! Typed commands and their answers, on tables that the test makes.

use std::collections::HashMap;
use std::sync::Arc;

use super::*;
use crate::app::{Inspected, Size};
use crate::model::{
    Background, Endpoint, Kinds, Limits, Lineage, Origin, Owner, Process, Protocol, Snapshot,
    Socket, State,
};
use crate::query::{GroupBy, GroupFields, Tab};
use crate::theme::{Depth, Glyphs};
use crate::track::Tracker;

mod answers;
mod ends;
mod namespaces;
mod words;

const SECOND: Duration = Duration::from_secs(1);

fn moment(since_start: Duration) -> Moment {
    Moment {
        steady: Duration::from_secs(100) + since_start,
        wall: jiff::Timestamp::from_second(1_767_355_200).unwrap() + since_start,
    }
}

/// A session, the tracker that feeds it, and the time.
struct Desk {
    session: Session,
    tracker: Tracker,
    time: Duration,
    /// The effects of the last message or command.
    effects: Vec<Effect>,
}

impl Desk {
    fn new(sockets: &[Socket]) -> Self {
        Self::of(Origin::Own, sockets)
    }

    fn of(origin: Origin, sockets: &[Socket]) -> Self {
        let settings = Settings {
            view: Tab::All,
            group: Some(GroupFields::one(GroupBy::Process)),
            ..Settings::default()
        };
        let environment = Environment {
            host: "host".into(),
            origin,
            uid: Some(1000),
            lineage: Lineage::default(),
            time_zone: jiff::tz::TimeZone::UTC,
            size: Size {
                width: 1000,
                height: 24,
            },
            depth: Depth::Full,
            glyphs: Glyphs::Unicode,
            opener: "xdg-open",
            begin_at: None,
        };
        let mut desk = Self {
            session: Session::new(adapted(settings), environment, moment(Duration::ZERO)),
            tracker: Tracker::new(SECOND),
            time: Duration::ZERO,
            effects: Vec::new(),
        };
        let start = desk.read(sockets);
        assert!(start[0].starts_with("sockeye on host."), "{start:?}");
        desk
    }

    fn with_ports(ports: &[u16]) -> Self {
        let sockets: Vec<_> = ports.iter().map(|&port| listener(port)).collect();
        Self::new(&sockets)
    }

    /// Takes a snapshot, a second after the last one; returns the lines.
    fn read(&mut self, sockets: &[Socket]) -> Vec<String> {
        self.time += SECOND;
        let update = self.tracker.apply(Snapshot {
            kinds: Kinds::DEFAULT,
            late_namespaces: Vec::new(),
            taken_at: moment(self.time),
            sockets: sockets.to_vec(),
            processes: HashMap::new(),
            problems: Vec::new(),
            ..Snapshot::default()
        });
        self.send(Msg::SnapshotTaken(update))
    }

    fn send(&mut self, msg: Msg) -> Vec<String> {
        let output = self.session.update(msg, moment(self.time));
        self.effects = output.effects;
        output.lines
    }

    /// Types a line, a second after what was before.
    fn types(&mut self, line: &str) -> Vec<String> {
        self.time += SECOND;
        let output = self.session.run(line, moment(self.time));
        self.effects = output.effects;
        output.lines
    }

    /// Answers the request for the background of owners.
    fn inspect(&mut self) -> Vec<String> {
        let Some(Effect::InspectOwner { job, socket }) = self.effects.first() else {
            panic!("{:?}", self.effects);
        };
        let owners = socket.owner.present().iter();
        let found = Inspected {
            job: *job,
            backgrounds: owners.map(|owner| Background::new(owner.pid)).collect(),
            supervisor: None,
            limits: Limits::default(),
        };
        self.send(Msg::OwnerInspected(Box::new(found)))
    }
}

fn process(pid: u32) -> Arc<Process> {
    Arc::new(Process {
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
