//! What every JSON output is made of: sockets, processes, problems, times. A name means the same everywhere, and what
//! is not known is `null`.

use std::collections::{BTreeMap, HashSet};

use jiff::{Timestamp, Unit};
use serde::{Serialize, Serializer};

use super::portless::{EndRecord, PortlessRecord};
use crate::model::{
    Owner, OwnerKind, Pid, Problem, ProblemCode, Process, Protocol, Queue, Socket, State, Text,
};
use crate::track::Row;

/// Version of every JSON output; raised when a name or a type changes, not when one is added.
pub const SCHEMA: u32 = 2;

#[derive(Serialize)]
pub(super) struct ProblemRecord<'a> {
    code: ProblemCode,
    count: Option<usize>,
    message: &'a str,
}

impl<'a> ProblemRecord<'a> {
    pub(super) fn of(problem: &'a Problem) -> Self {
        Self {
            code: problem.code,
            count: problem.count,
            message: &problem.message,
        }
    }
}

#[derive(Serialize)]
pub(super) struct SocketRecord<'a> {
    pub(super) protocol: Protocol,
    pub(super) family: &'static str,
    /// `null` of a unix or packet socket.
    pub(super) local: Option<EndRecord>,
    pub(super) remote: Option<EndRecord>,
    pub(super) state: State,
    pub(super) service: Option<&'a str>,
    pub(super) dual_stack: Option<bool>,
    pub(super) interface: Option<&'a str>,
    pub(super) inode: Option<u32>,
    pub(super) uid: Option<u32>,
    pub(super) user: Option<&'a str>,
    pub(super) owner: OwnerKind,
    pub(super) pids: Vec<Pid>,
    pub(super) unit: Option<&'a str>,
    pub(super) container: Option<&'a str>,
    pub(super) queue: Option<Queue>,
    /// Of a socket without a port.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(super) portless: Option<PortlessRecord<'a>>,
    pub(super) first_seen: String,
    pub(super) state_since: Option<String>,
}

impl<'a> SocketRecord<'a> {
    /// A tracked socket; a closed one is `CLOSED`, and those who had it are past.
    pub(super) fn of_row(row: &'a Row, processes: &Processes<'_>) -> Self {
        let record = Self::of(&row.socket, row.first_seen.wall, processes);
        Self {
            state: state(row),
            owner: owner_kind(&row.socket.owner, row),
            state_since: row.state_began().map(time),
            ..record
        }
    }

    /// A socket that is there, seen first at this time. Its processes are among these.
    pub(super) fn of(socket: &'a Socket, first_seen: Timestamp, processes: &Processes<'_>) -> Self {
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
            container: socket.container.as_deref(),
            queue: socket.queue,
            portless: socket.portless.as_deref().map(PortlessRecord::of),
            first_seen: time(first_seen),
            state_since: None,
        }
    }
}

/// The state of a row: a closed one shows which it had last.
pub(super) fn state(row: &Row) -> State {
    if row.is_closed() {
        State::Closed
    } else {
        row.socket.state
    }
}

/// The kind of an owner of a row: of a closed one, those who had it are past.
pub(super) fn owner_kind(owner: &Owner, row: &Row) -> OwnerKind {
    match owner.kind() {
        OwnerKind::Known if row.is_closed() => OwnerKind::Past,
        kind => kind,
    }
}

#[derive(Serialize)]
pub(super) struct ProcessRecord<'a> {
    pub(super) pid: Pid,
    pub(super) parent: Option<Pid>,
    pub(super) name: &'a str,
    pub(super) comm: Option<&'a str>,
    pub(super) executable: Option<&'a str>,
    pub(super) argv: Option<&'a [Text]>,
    pub(super) argv_truncated: bool,
    pub(super) cwd: Option<&'a str>,
    pub(super) user: Option<&'a str>,
    pub(super) uid: Option<u32>,
    pub(super) started_at: Option<String>,
    pub(super) unit: Option<&'a str>,
    /// Not found out yet.
    pub(super) container: Option<&'a str>,
    /// Not found out yet.
    pub(super) project: Option<&'a str>,
}

impl<'a> ProcessRecord<'a> {
    pub(super) fn of(process: &'a Process) -> Self {
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
            project: None,
        }
    }
}

/// The processes of one object, each once, by pid.
#[derive(Default)]
pub(super) struct Processes<'a> {
    by_pid: BTreeMap<Pid, Known<'a>>,
    /// Whether a pid was two processes'.
    was_reused: bool,
}

struct Known<'a> {
    process: &'a Process,
    unit: Option<&'a str>,
}

impl<'a> Processes<'a> {
    /// Those of these rows. A pid that was reused is the process's that has a socket now.
    pub(super) fn of_rows(rows: &[&'a Row]) -> Self {
        let open = rows.iter().filter(|row| !row.is_closed());
        let closed = rows.iter().filter(|row| row.is_closed());
        Self::of(open.chain(closed).map(|row| &row.socket.owner))
    }

    /// Those of these owners, of which the first to name a pid counts; those that have their socket come before those
    /// that had it.
    pub(super) fn of(owners: impl Iterator<Item = &'a Owner> + Clone) -> Self {
        let is_past = |owner: &&Owner| owner.kind() == OwnerKind::Past;
        let present = owners.clone().filter(|owner| !is_past(owner));
        let mut processes = Self::default();
        // Thousands of sockets may have the same thousands of owners.
        let mut seen = HashSet::new();
        for owner in present.chain(owners.filter(is_past)) {
            if seen.insert(owner.processes().as_ptr()) {
                processes.add(owner);
            }
        }
        processes
    }

    fn add(&mut self, owner: &'a Owner) {
        for process in owner.processes() {
            let unit = None;
            let known = self.by_pid.entry(process.pid);
            let known = known.or_insert(Known { process, unit });
            self.was_reused |= !known.process.is_same(process);
        }
    }

    /// Says in which unit a process runs.
    pub(super) fn set_unit(&mut self, pid: Pid, unit: &'a str) {
        if let Some(known) = self.by_pid.get_mut(&pid) {
            known.unit = Some(unit);
        }
    }

    /// The pids of an owner. One that is another process's here is left out: what it leads to would be wrong.
    pub(super) fn pids(&self, owner: &Owner) -> Vec<Pid> {
        let is_there = |process: &Process| {
            let known = self.by_pid.get(&process.pid);
            known.is_some_and(|known| known.process.is_same(process))
        };
        let processes = owner.processes().iter();
        let these = processes.filter(|process| !self.was_reused || is_there(process));
        these.map(|process| process.pid).collect()
    }
}

impl Serialize for Processes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.by_pid.iter().map(|(pid, known)| {
            let record = ProcessRecord {
                unit: known.unit,
                ..ProcessRecord::of(known.process)
            };
            (pid, record)
        }))
    }
}

/// `2026-01-02T03:04:05.678Z`: three digits always, so that times of one output compare as text.
pub(super) fn time(at: Timestamp) -> String {
    let at = at.round(Unit::Millisecond).unwrap_or(at);
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
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
            Owner::Past(by(7, 1)),
            Owner::Known(by(7, 2)),
            Owner::Past(by(8, 1)),
        ];
        let processes = Processes::of(owners.iter());
        let pids = owners.each_ref().map(|owner| processes.pids(owner));
        assert_eq!(pids, [vec![], vec![7], vec![8]]);
        assert_eq!(processes.by_pid[&7].process.started_at_tick, Some(2));
    }
}
