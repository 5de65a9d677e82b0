//! `list --json`: the names and types that scripts rely on. What is not known is `null`.

use std::io::{self, Write};

use jiff::{Timestamp, Unit};
use serde::Serialize;

use crate::model::{
    Endpoint, Family, OwnerKind, Pid, ProblemCode, Process, Protocol, Queue, Socket, State,
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
    protocol: Protocol,
    family: Family,
    local: Endpoint,
    remote: Option<Endpoint>,
    state: State,
    service: Option<&'a str>,
    dual_stack: Option<bool>,
    interface: Option<&'a str>,
    inode: Option<u32>,
    uid: Option<u32>,
    user: Option<&'a str>,
    owner: OwnerKind,
    processes: Vec<ProcessRecord<'a>>,
    unit: Option<&'a str>,
    container: Option<&'a str>,
    queue: Option<Queue>,
    first_seen: String,
    state_since: Option<String>,
}

#[derive(Serialize)]
struct ProcessRecord<'a> {
    pid: Pid,
    name: &'a str,
    command: Option<&'a str>,
    started_at: Option<String>,
    user: Option<&'a str>,
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
        sockets: rows.into_iter().map(socket_record).collect(),
    };
    serde_json::to_writer(&mut *out, &listing)?;
    writeln!(out)
}

fn socket_record(row: &Row) -> SocketRecord<'_> {
    let record = SocketRecord::of(&row.socket, row.first_seen.wall);
    let owner = match record.owner {
        OwnerKind::Known if row.is_closed() => OwnerKind::Past,
        owner => owner,
    };
    let state = if row.is_closed() {
        State::Closed
    } else {
        record.state
    };
    SocketRecord {
        state,
        owner,
        state_since: row.began_its_state().map(|at| time(at.wall)),
        ..record
    }
}

impl<'a> SocketRecord<'a> {
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
            processes: socket
                .owner
                .processes()
                .iter()
                .map(|one| process_record(one))
                .collect(),
            unit: socket.unit.as_deref(),
            container: socket.container.as_deref(),
            queue: socket.queue,
            first_seen: time(first_seen),
            state_since: None,
        }
    }
}

fn process_record(process: &Process) -> ProcessRecord<'_> {
    ProcessRecord {
        pid: process.pid,
        name: &process.name,
        command: process.command.as_deref(),
        started_at: process.started_at.map(time),
        user: process.user.as_deref(),
    }
}

/// `2026-01-02T03:04:05.678Z`: three digits always, so that times of one output compare as text.
fn time(at: Timestamp) -> String {
    let at = at.round(Unit::Millisecond).unwrap_or(at);
    at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}
