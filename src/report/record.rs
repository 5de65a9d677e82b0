//! The shared parts of all JSON output: sockets, processes, problems, times. A key means the same everywhere; `null` is
//! unknown.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;
use std::time::Duration;

use jiff::fmt::temporal::DateTimePrinter;
use jiff::{RoundMode, Timestamp, TimestampRound, Unit};
use serde::{Serialize, Serializer};

use super::counters::CountersRecord;
use crate::model::{
    Container, Endpoint, Engine, LeftOver, Namespace, Owner, OwnerKind, PacketType, Pid, Portless,
    Problem, ProblemCode, Process, Protocol, Published, PublishedBy, Queue, Socket, State, Text,
    UnixName,
};
use crate::track::{Flows, Row};

/// Version of every JSON output; raised when a key or a type changes, not when one is added.
pub const SCHEMA: u32 = 2;

#[derive(Serialize)]
pub struct ProblemRecord<'a> {
    code: ProblemCode,
    count: Option<usize>,
    message: &'a str,
}

impl<'a> ProblemRecord<'a> {
    pub fn of(problem: &'a Problem) -> Self {
        Self {
            code: problem.code,
            count: problem.count,
            message: &problem.message,
        }
    }
}

#[derive(Serialize)]
pub struct SocketRecord<'a> {
    pub protocol: Protocol,
    pub family: &'static str,
    /// `null` of a unix or packet socket.
    pub local: Option<EndRecord>,
    pub remote: Option<EndRecord>,
    pub state: State,
    pub service: Option<&'a str>,
    pub dual_stack: Option<bool>,
    pub interface: Option<&'a str>,
    pub inode: Option<u32>,
    pub uid: Option<u32>,
    pub user: Option<&'a str>,
    pub owner: OwnerKind,
    pub pids: Vec<Pid>,
    pub unit: Option<&'a str>,
    pub container: Option<&'a str>,
    /// `null` of our own.
    pub namespace: Option<NamespaceRecord<'a>>,
    pub published: Option<PublishedRecord<'a>>,
    pub queue: Option<Queue>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub portless: Option<PortlessRecord<'a>>,
    pub first_seen: String,
    pub state_since: Option<String>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub counters: Option<CountersRecord>,
}

impl<'a> SocketRecord<'a> {
    /// A tracked socket, with its counters if they were read. A closed one is `CLOSED`, and its owners are past.
    pub fn of_row(row: &'a Row, flows: &Flows, processes: &Processes<'_>) -> Self {
        let mut record = Self::of(&row.socket, row.first_seen.wall, processes);
        record.state = state(row);
        record.owner = owner_kind(&row.socket.owner, row);
        record.state_since = row.state_began().map(time);
        record.counters = CountersRecord::of(row, flows);
        record
    }

    /// An open socket, first seen at this time. Its processes are among these.
    pub fn of(socket: &'a Socket, first_seen: Timestamp, processes: &Processes<'_>) -> Self {
        Self {
            protocol: socket.protocol,
            family: socket.family_name(),
            local: EndRecord::of(Some(socket.local), socket),
            remote: EndRecord::of(socket.remote, socket),
            state: socket.state,
            service: socket.service(),
            dual_stack: socket.dual_stack,
            interface: socket.interface.as_deref(),
            inode: socket.inode,
            uid: socket.uid,
            user: socket.user.as_deref(),
            owner: socket.owner.kind(),
            pids: processes.pids(&socket.owner),
            unit: socket.unit.as_deref(),
            container: socket.container_name().map(|name| &**name),
            namespace: socket.namespace.as_deref().map(NamespaceRecord::of),
            published: socket.published.as_deref().map(PublishedRecord::of),
            queue: socket.queue,
            portless: socket.portless.as_deref().map(PortlessRecord::of),
            first_seen: time(first_seen),
            state_since: None,
            counters: None,
        }
    }
}

/// A network namespace other than our own.
#[derive(Serialize)]
pub struct NamespaceRecord<'a> {
    pub inode: Option<u64>,
    pub name: &'a str,
    container: Option<ContainerRecord<'a>>,
}

impl<'a> NamespaceRecord<'a> {
    pub fn of(namespace: &'a Namespace) -> Self {
        Self {
            inode: namespace.inode,
            name: &namespace.name,
            container: namespace.container.as_deref().map(ContainerRecord::of),
        }
    }
}

#[derive(Serialize)]
struct ContainerRecord<'a> {
    engine: Option<Engine>,
    id: Option<&'a str>,
    name: &'a str,
    image: Option<&'a str>,
}

impl<'a> ContainerRecord<'a> {
    fn of(container: &'a Container) -> Self {
        Self {
            engine: container.engine,
            id: container.id.as_deref(),
            name: &container.name,
            image: container.image.as_deref(),
        }
    }
}

/// Where the traffic for a published port goes.
#[derive(Serialize)]
pub struct PublishedRecord<'a> {
    pub by: PublishedBy,
    relay: Option<&'a str>,
    container: Option<ContainerRecord<'a>>,
    pub address: Option<IpAddr>,
    pub port: Option<u16>,
    process: Option<NamedProcess<'a>>,
}

#[derive(Serialize)]
struct NamedProcess<'a> {
    pid: Pid,
    name: &'a str,
}

impl<'a> PublishedRecord<'a> {
    fn of(published: &'a Published) -> Self {
        let process = published.process.as_ref();
        Self {
            by: published.by,
            relay: published.relay.as_deref(),
            container: published.container.as_deref().map(ContainerRecord::of),
            address: published.address,
            port: published.port,
            process: process.map(|(pid, name)| NamedProcess { pid: *pid, name }),
        }
    }
}

/// One end of a socket with an address. A raw socket has no port.
#[derive(Clone, Copy, Serialize)]
pub struct EndRecord {
    pub address: IpAddr,
    pub port: Option<u16>,
}

impl EndRecord {
    pub fn of(end: Option<Endpoint>, socket: &Socket) -> Option<Self> {
        let end = end.filter(|_| socket.has_address())?;
        Some(Self {
            address: end.address,
            port: socket.protocol.has_ports().then_some(end.port),
        })
    }
}

#[derive(Default, Serialize)]
pub struct PortlessRecord<'a> {
    /// `stream`, `datagram` or `seqpacket` of a unix socket, `raw` or `datagram` of a packet socket, `raw`
    /// or `ping` of a raw one.
    #[serde(rename = "type")]
    pub kind: Option<&'static str>,
    #[serde(flatten)]
    pub name: NameRecord<'a>,
    pub peer: Option<PeerRecord<'a>>,
    pub ethertype: Option<u16>,
    pub ip_protocol: Option<u8>,
    pub icmp_identifier: Option<u16>,
}

/// What a unix socket is bound to, its abstract name without the zero byte before it.
#[derive(Default, Serialize)]
pub struct NameRecord<'a> {
    pub path: Option<&'a str>,
    #[serde(rename = "abstract")]
    pub abstract_name: Option<&'a str>,
}

/// The other end of a unix socket.
#[derive(Serialize)]
pub struct PeerRecord<'a> {
    pub inode: u32,
    #[serde(flatten)]
    name: NameRecord<'a>,
    process: Option<&'a str>,
}

impl<'a> PortlessRecord<'a> {
    pub fn of(portless: &'a Portless) -> Self {
        match portless {
            Portless::Unix(unix) => Self {
                kind: Some(unix.kind.as_str()),
                name: NameRecord::of(unix.name.as_ref()),
                peer: unix.peer.as_ref().map(|peer| PeerRecord {
                    inode: peer.inode,
                    name: NameRecord::of(peer.name.as_ref()),
                    process: peer.process.as_deref(),
                }),
                ..Self::default()
            },
            Portless::Packet(packet) => Self {
                kind: Some(match packet.kind {
                    PacketType::Raw => "raw",
                    PacketType::Datagram => "datagram",
                }),
                ethertype: Some(packet.ethertype),
                ..Self::default()
            },
            Portless::Raw(raw) => Self {
                kind: Some(match raw.identifier {
                    None => "raw",
                    Some(_) => "ping",
                }),
                ip_protocol: Some(raw.number),
                icmp_identifier: raw.identifier,
                ..Self::default()
            },
        }
    }
}

impl<'a> NameRecord<'a> {
    fn of(name: Option<&'a UnixName>) -> Self {
        let (path, abstract_name) = match name {
            None => (None, None),
            Some(UnixName::Path(path)) => (Some(&**path), None),
            Some(UnixName::Abstract(name)) => (None, Some(&**name)),
        };
        Self {
            path,
            abstract_name,
        }
    }
}

/// The state now; `row.socket` has the last one before the socket was closed.
pub fn state(row: &Row) -> State {
    if row.is_closed() {
        State::Closed
    } else {
        row.socket.state
    }
}

/// The kind of an owner of a row. The owners of a closed row are past.
pub fn owner_kind(owner: &Owner, row: &Row) -> OwnerKind {
    match owner.kind() {
        OwnerKind::Known if row.is_closed() => OwnerKind::Former,
        kind => kind,
    }
}

#[derive(Serialize)]
pub struct ProcessRecord<'a> {
    pub pid: Pid,
    pub parent: Option<Pid>,
    pub name: &'a str,
    pub comm: Option<&'a str>,
    pub executable: Option<&'a str>,
    pub argv: Option<&'a [Text]>,
    pub argv_truncated: bool,
    pub cwd: Option<&'a str>,
    pub user: Option<&'a str>,
    pub uid: Option<u32>,
    pub started_at: Option<String>,
    pub unit: Option<&'a str>,
    /// Always unknown.
    pub container: Option<&'a str>,
    pub project: Option<&'a str>,
    pub branch: Option<&'a str>,
    pub worktree: Option<&'a str>,
    pub started_by: Option<StartedByRecord<'a>>,
    pub left_over: Option<&'static str>,
}

/// What started a process.
#[derive(Clone, Copy, Serialize)]
pub struct StartedByRecord<'a> {
    pub kind: &'static str,
    pub name: &'a str,
    pub pid: Option<Pid>,
}

impl<'a> ProcessRecord<'a> {
    pub fn of(process: &'a Process) -> Self {
        Self {
            pid: process.pid,
            parent: process.parent,
            name: &process.name,
            comm: Some(&*process.comm).filter(|comm| !comm.is_empty()),
            executable: process.executable.as_deref(),
            argv: process.argv.as_deref(),
            argv_truncated: process.is_argv_truncated,
            cwd: process.cwd.as_deref(),
            user: process.user.as_deref(),
            uid: process.uid,
            started_at: process.started_at.map(time),
            unit: None,
            container: None,
            project: process.project.as_deref(),
            branch: process.branch.as_deref(),
            worktree: process.worktree.as_deref(),
            started_by: process.started_by.as_ref().map(|by| StartedByRecord {
                kind: by.kind.as_str(),
                name: &by.name,
                pid: by.pid,
            }),
            left_over: process.left_over.map(LeftOver::as_str),
        }
    }
}

/// The processes of one object, each once, by pid.
#[derive(Default)]
pub struct Processes<'a> {
    /// With their units, where known.
    by_pid: BTreeMap<Pid, (&'a Process, Option<&'a str>)>,
    /// Whether two processes had the same pid.
    was_reused: bool,
}

impl<'a> Processes<'a> {
    /// The processes of these rows. A reused pid is the process that has a socket now.
    pub fn of_rows(rows: &[&'a Row]) -> Self {
        let open = rows.iter().filter(|row| !row.is_closed());
        let closed = rows.iter().filter(|row| row.is_closed());
        Self::of(open.chain(closed).map(|row| &row.socket.owner))
    }

    /// The processes of these owners. The first process with a pid counts; present owners come before past ones.
    pub fn of(owners: impl Iterator<Item = &'a Owner> + Clone) -> Self {
        let is_former = |owner: &&Owner| owner.kind() == OwnerKind::Former;
        let present = owners.clone().filter(|owner| !is_former(owner));
        let mut processes = Self::default();
        // Thousands of sockets may have the same thousands of owners.
        let mut seen = HashSet::new();
        let owners = present.chain(owners.filter(is_former));
        let distinct = owners.filter(|owner| seen.insert(owner.processes().as_ptr()));
        for process in distinct.flat_map(Owner::processes) {
            let known = processes.by_pid.entry(process.pid);
            let (known, _) = known.or_insert((process, None));
            processes.was_reused |= !known.is_same(process);
        }
        processes
    }

    /// Adds a process, unless one with its pid is known.
    pub fn add(&mut self, process: &'a Process) {
        self.by_pid.entry(process.pid).or_insert((process, None));
    }

    /// Sets the unit in which a process runs.
    pub fn set_unit(&mut self, pid: Pid, unit: &'a str) {
        if let Some((_, known)) = self.by_pid.get_mut(&pid) {
            *known = Some(unit);
        }
    }

    /// The pids of an owner, without those that are another process's here.
    pub fn pids(&self, owner: &Owner) -> Vec<Pid> {
        let is_there = |process: &Process| {
            let known = self.by_pid.get(&process.pid);
            known.is_some_and(|(known, _)| known.is_same(process))
        };
        let processes = owner.processes().iter();
        let these = processes.filter(|process| !self.was_reused || is_there(process));
        these.map(|process| process.pid).collect()
    }
}

impl Serialize for Processes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.by_pid.iter().map(|(pid, &(process, unit))| {
            let mut record = ProcessRecord::of(process);
            record.unit = unit;
            (pid, record)
        }))
    }
}

/// A duration in JSON.
pub fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// `2026-01-02T03:04:05.678Z`: always three digits, so that times compare as text; what is less is cut off, as in a history.
pub fn time(at: Timestamp) -> String {
    const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));
    let floor = TimestampRound::new()
        .smallest(Unit::Millisecond)
        .mode(RoundMode::Floor);
    let at = at.round(floor).unwrap_or(at);
    PRINTER.timestamp_to_string(&at)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn by(pid: Pid, tick: u64) -> Arc<[Arc<Process>]> {
        Arc::new([Arc::new(Process {
            started_at_tick: Some(tick),
            ..Process::new(pid, "node")
        })])
    }

    #[test]
    fn a_pid_never_leads_to_another_process_that_has_it_now() {
        let owners = [
            Owner::Former(by(7, 1)),
            Owner::Known(by(7, 2)),
            Owner::Former(by(8, 1)),
        ];
        let processes = Processes::of(owners.iter());
        let pids = owners.each_ref().map(|owner| processes.pids(owner));
        assert_eq!(pids, [vec![], vec![7], vec![8]]);
        assert_eq!(processes.by_pid[&7].0.started_at_tick, Some(2));
    }
}
