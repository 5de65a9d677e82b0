//! `list --json`: the names and types that scripts rely on. What is not known is `null`.

use std::io::{self, Write};

use jiff::{Timestamp, Unit};
use serde::Serialize;

use crate::model::{
    Endpoint, Family, Owner, OwnerKind, Pid, ProblemCode, Process, Protocol, Queue, Socket, State,
    Text,
};
use crate::track::{Row, Table};

/// Version of the output; raised when a name or a type changes, not when one is added.
pub const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Listing<'a> {
    schema: u32,
    taken_at: String,
    problems: Vec<ProblemRecord<'a>>,
    sockets: Vec<SocketRecord<'a>>,
}

#[derive(Serialize)]
struct ProblemRecord<'a> {
    code: ProblemCode,
    count: Option<usize>,
    message: &'a str,
}

#[derive(Serialize)]
pub(super) struct SocketRecord<'a> {
    pub(super) protocol: Protocol,
    pub(super) family: Family,
    pub(super) local: Endpoint,
    pub(super) remote: Option<Endpoint>,
    pub(super) state: State,
    pub(super) service: Option<&'a str>,
    pub(super) dual_stack: Option<bool>,
    pub(super) interface: Option<&'a str>,
    pub(super) inode: Option<u32>,
    pub(super) uid: Option<u32>,
    pub(super) user: Option<&'a str>,
    pub(super) owner: OwnerKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) processes: Option<Vec<ProcessRecord<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pids: Option<Vec<Pid>>,
    pub(super) unit: Option<&'a str>,
    pub(super) container: Option<&'a str>,
    pub(super) queue: Option<Queue>,
    pub(super) first_seen: String,
    pub(super) state_since: Option<String>,
}

#[derive(Serialize)]
pub(super) struct ProcessRecord<'a> {
    pub(super) pid: Pid,
    pub(super) name: &'a str,
    pub(super) command: Option<&'a str>,
    pub(super) started_at: Option<String>,
    pub(super) user: Option<&'a str>,
    /// Only where a single port is spoken of: a table would be many times as long.
    #[serde(flatten)]
    pub(super) program: Option<ProgramRecord<'a>>,
}

/// What a process executes, and whose it is.
#[derive(Serialize)]
pub(super) struct ProgramRecord<'a> {
    parent: Option<Pid>,
    comm: Option<&'a str>,
    executable: Option<&'a str>,
    argv: Option<&'a [Text]>,
    cwd: Option<&'a str>,
    uid: Option<u32>,
    unit: Option<&'a str>,
    container: Option<&'a str>,
    /// Not found out yet.
    project: Option<&'a str>,
}

impl<'a> ProgramRecord<'a> {
    /// A process that has this socket: unit and container are the socket's.
    fn of(process: &'a Process, socket: &'a Socket) -> Self {
        Self {
            parent: process.parent,
            comm: Some(&*process.comm).filter(|comm| !comm.is_empty()),
            executable: process.executable.as_deref(),
            argv: process.argv.as_deref(),
            cwd: process.cwd.as_deref(),
            uid: process.uid,
            unit: socket.unit.as_deref(),
            container: socket.container.as_deref(),
            project: None,
        }
    }
}

/// Writes the table's problems and these of its rows as one JSON object, then a line feed.
/// Times are RFC 3339 in UTC with milliseconds.
///
/// # Errors
/// What the writer says.
pub fn write_json<'a>(
    out: &mut dyn Write,
    table: &Table,
    rows: impl IntoIterator<Item = &'a Row>,
) -> io::Result<()> {
    let listing = Listing {
        schema: SCHEMA,
        taken_at: time(table.taken_at.wall),
        problems: table
            .problems
            .iter()
            .map(|problem| ProblemRecord {
                code: problem.code,
                count: problem.count,
                message: &problem.message,
            })
            .collect(),
        sockets: rows.into_iter().map(SocketRecord::of_row).collect(),
    };
    serde_json::to_writer(&mut *out, &listing)?;
    writeln!(out)
}

impl<'a> SocketRecord<'a> {
    /// A tracked socket; a closed one is `CLOSED`, and those who had it are past.
    pub(super) fn of_row(row: &'a Row) -> Self {
        let record = Self::of(&row.socket, row.first_seen.wall);
        let owner = match record.owner {
            OwnerKind::Known if row.is_closed() => OwnerKind::Past,
            owner => owner,
        };
        let state = if row.is_closed() {
            State::Closed
        } else {
            record.state
        };
        Self {
            state,
            owner,
            state_since: row.began_its_state().map(time),
            ..record
        }
    }

    /// The same with the pids of its processes, which stand elsewhere.
    pub(super) fn with_pids(socket: &'a Socket, first_seen: Timestamp) -> Self {
        let processes = socket.owner.processes().iter();
        Self {
            processes: None,
            pids: Some(processes.map(|process| process.pid).collect()),
            ..Self::of(socket, first_seen)
        }
    }

    /// A socket that is there, seen first at this time.
    pub(super) fn of(socket: &'a Socket, first_seen: Timestamp) -> Self {
        Self {
            protocol: socket.protocol,
            family: socket.family(),
            local: socket.local,
            remote: socket.remote,
            state: socket.state,
            service: socket.service(),
            dual_stack: socket.dual_stack,
            interface: socket.interface.as_deref(),
            inode: socket.inode,
            uid: socket.uid,
            user: socket.user.as_deref(),
            owner: socket.owner.kind(),
            processes: Some(process_records(&socket.owner)),
            pids: None,
            unit: socket.unit.as_deref(),
            container: socket.container.as_deref(),
            queue: socket.queue,
            first_seen: time(first_seen),
            state_since: None,
        }
    }
}

pub(super) fn process_records(owner: &Owner) -> Vec<ProcessRecord<'_>> {
    let processes = owner.processes().iter();
    processes.map(|process| process_record(process)).collect()
}

fn process_record(process: &Process) -> ProcessRecord<'_> {
    ProcessRecord {
        pid: process.pid,
        name: &process.name,
        command: process.command.as_deref(),
        started_at: process.started_at.map(time),
        user: process.user.as_deref(),
        program: None,
    }
}

/// The processes of a socket with all that is known of them.
pub(super) fn programs(socket: &Socket) -> impl Iterator<Item = (Pid, ProcessRecord<'_>)> {
    let processes = socket.owner.processes().iter();
    processes.map(|process| {
        let record = ProcessRecord {
            program: Some(ProgramRecord::of(process, socket)),
            ..process_record(process)
        };
        (process.pid, record)
    })
}

/// `2026-01-02T03:04:05.678Z`: three digits always, so that times of one output compare as text.
pub(super) fn time(at: Timestamp) -> String {
    let at = at.round(Unit::Millisecond).unwrap_or(at);
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
