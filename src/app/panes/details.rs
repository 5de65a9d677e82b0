//! Everything known about the selected socket: itself, its processes, their ancestors and other sockets.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::app::view::{Line, MAX_LINES, Role, hanging, span};
use crate::app::{App, Pane};
use crate::columns::{owner_text, pad, socket_text};
use crate::model::{
    AcceptQueue, Fill, Moment, Process, Protocol, Queue, Socket, UnixKind, UnixName, counted,
};
use crate::track::{Row, RowId, Table};

/// The most processes of a socket whose other sockets are searched.
const MAX_PROCESSES: usize = 8;

/// The most sockets of each process to keep.
const MAX_SOCKETS: usize = 1000;

/// The other sockets of the processes that have the selected one. Found once for each table and selection, as walking
/// all rows for each draw is too slow.
#[derive(Clone, Debug)]
pub(crate) struct RelatedSockets {
    table: Arc<Table>,
    of: RowId,
    /// For each process of the row the rows of its other sockets.
    by_process: Vec<Vec<usize>>,
}

/// Cells of the labels.
const LABEL: usize = 12;

const DATE_TIME: &str = "%Y-%m-%d %H:%M:%S";

/// The most ancestors to follow, as a recording may contain a cycle.
const MAX_ANCESTORS: usize = 32;

impl App {
    /// Finds the related sockets of the selected row, if they are visible and not known yet: the rows of its processes'
    /// other open sockets.
    pub(crate) fn refresh_related_sockets(&mut self) {
        let is_open = matches!(self.dock.pane, Some(Pane::Details));
        let Some(row) = self.selected().filter(|_| is_open) else {
            self.dock.related = None;
            return;
        };
        let (table, of) = (&self.rows.table, row.id);
        let known = self.dock.related.as_ref();
        if known.is_some_and(|known| Arc::ptr_eq(&known.table, table) && known.of == of) {
            return;
        }
        let processes = row.socket.owner.processes().iter().take(MAX_PROCESSES);
        let by_process = processes.map(|process| {
            let is_other =
                |row: &Row| row.id != of && row.socket.owner.has(process) && !row.is_closed();
            let others = (0..).zip(&table.rows).filter(|(_, row)| is_other(row));
            others.map(|(at, _)| at).take(MAX_SOCKETS).collect()
        });
        self.dock.related = Some(RelatedSockets {
            by_process: by_process.collect(),
            table: Arc::clone(table),
            of,
        });
    }

    pub(crate) fn details(&self, row: &Row, columns: usize, now: Moment) -> Vec<Line> {
        let socket = &row.socket;
        let mut lines = self.socket_lines(row, columns, now);
        let processes = socket.owner.processes();
        if processes.is_empty() {
            lines.push(fact("owner", owner_text(&row.socket)));
        }
        for process in processes.iter().take(MAX_LINES / 4) {
            lines.extend(self.process_lines(process));
        }
        if let Some(RelatedSockets {
            table, by_process, ..
        }) = &self.dock.related
        {
            for (process, others) in processes.iter().zip(by_process) {
                if !others.is_empty() {
                    let (name, pid) = (&process.name, process.pid);
                    let title = format!("other sockets of {name} ({pid}): {}", others.len());
                    lines.push(vec![span(title, Role::Dim)]);
                }
                lines.extend(others.iter().map(|&at| {
                    let other = &table.rows[at].socket;
                    fact("", format!("{} {}", socket_text(other), other.state))
                }));
            }
        }
        lines.truncate(MAX_LINES);
        lines
    }

    fn socket_lines(&self, row: &Row, columns: usize, now: Moment) -> Vec<Line> {
        let socket = &row.socket;
        let mut lines = vec![
            fact("socket", socket_text(socket)),
            fact("state", self.state_text(row, now)),
        ];
        let families = socket.dual_stack.map(|is_dual| {
            if is_dual {
                "IPv6 and IPv4 (dual-stack)"
            } else {
                "IPv6 only"
            }
        });
        lines.extend(known("accepts", families));
        lines.extend(unix_lines(socket));
        if let Some(queue) = socket.queue.filter(|_| !row.is_closed()) {
            lines.extend(queue_lines(socket, queue, columns));
        }
        lines.extend(known("interface", socket.interface.as_ref()));
        lines.extend(known("unit", socket.unit.as_ref()));
        lines.extend(known("container", socket.container.as_ref()));
        let uid = socket.uid.map(|uid| format!("uid {uid}"));
        let user = socket.user.as_ref().map(ToString::to_string);
        let inode = socket.inode.map(|inode| format!("inode {inode}"));
        let identity: Vec<_> = user.into_iter().chain(uid).chain(inode).collect();
        if !identity.is_empty() {
            lines.push(fact("belongs to", identity.join(" · ")));
        }
        lines
    }

    fn state_text(&self, row: &Row, now: Moment) -> String {
        let (state, since) = (row.socket.state, self.clock(row.state_since.wall));
        let opened = self.opened_text(row);
        if row.is_closed() {
            return format!("closed since {since}, was {state} · {opened}");
        }
        let since = if row.state_since == row.first_seen {
            String::new()
        } else {
            format!(" since {since}")
        };
        let left = |at: Duration| at.saturating_sub(self.shown_at(now).steady);
        // In seconds, rounded up.
        let end = match row.ends_at.map(|at| left(at).as_millis().div_ceil(1000)) {
            None => String::new(),
            Some(0) => " · ends now".into(),
            Some(seconds) => format!(" · ends in {seconds} s"),
        };
        format!("{state}{since} · {opened}{end}")
    }

    /// `opened at 23:17:59`, or a bound: `already open (first seen 23:17:59), since 23:15:10 or earlier`.
    fn opened_text(&self, row: &Row) -> String {
        if let Some(opened) = row.opened() {
            return format!("opened at {}", self.time_beside(opened, row.first_seen));
        }
        let by = row.state_began_by();
        let by = by.filter(|_| row.is_unchanged_since_start());
        let by = by.map(|by| self.time_beside(by, row.first_seen));
        let began = by.map_or_else(String::new, |by| format!(", since {by} or earlier"));
        let seen = self.clock(row.first_seen.wall);
        format!("already open (first seen {seen}){began}")
    }

    /// The time of day, with the date if it is on another day than `other`.
    fn time_beside(&self, at: Timestamp, other: Moment) -> String {
        let is_same_day = self.time(at, "%F") == self.time(other.wall, "%F");
        self.time(at, if is_same_day { "%H:%M:%S" } else { DATE_TIME })
    }

    fn process_lines(&self, process: &Process) -> Vec<Line> {
        let user = process.user.as_ref().map(ToString::to_string);
        let since = process.started_at.map(|at| self.time(at, DATE_TIME));
        let since = since.map(|since| format!("since {since}"));
        let name = format!("{} (pid {})", process.name, process.pid);
        let text: Vec<_> = std::iter::once(name).chain(user).chain(since).collect();
        let mut lines = vec![fact("process", text.join(" · "))];
        lines.extend(known("command", process.command.as_ref()));
        let ancestors = self.ancestors(process);
        let ancestors = (!ancestors.is_empty()).then(|| ancestors.join(" ← "));
        lines.extend(known("parents", ancestors));
        lines.extend(known("folder", process.cwd.as_ref()));
        lines.extend(known("project", process.project.as_ref()));
        lines.extend(known("executable", process.executable.as_ref()));
        let comm = Some(&process.comm).filter(|comm| **comm != process.name && !comm.is_empty());
        lines.extend(known("comm", comm));
        lines
    }

    /// The parent, its parent, and so on up to the first process.
    fn ancestors(&self, process: &Process) -> Vec<String> {
        let parent = |pid: Option<u32>| pid.and_then(|pid| self.rows.table.processes.get(&pid));
        let first = parent(process.parent);
        let ancestors = std::iter::successors(first, |process| parent(process.parent));
        let names = ancestors.map(|process| format!("{} ({})", process.name, process.pid));
        names.take(MAX_ANCESTORS).collect()
    }
}

fn unix_lines(socket: &Socket) -> Vec<Line> {
    let Some(unix) = socket.unix() else {
        return Vec::new();
    };
    let kind = match unix.kind {
        UnixKind::Stream => "stream",
        UnixKind::Datagram => "datagrams",
        UnixKind::SeqPacket => "packets in sequence (seqpacket)",
    };
    let name = match &unix.name {
        None => "no name",
        Some(UnixName::Path(_)) => "bound to a path",
        Some(UnixName::Abstract(_)) => "bound to an abstract name",
    };
    let mut lines = vec![fact("unix", format!("{kind} · {name}"))];
    if let Some(peer) = &unix.peer {
        let known = match (&peer.name, &peer.process) {
            (None, None) => String::new(),
            _ => format!("{peer} · "),
        };
        lines.push(fact("peer", format!("{known}inode {}", peer.inode)));
    }
    lines
}

pub(super) fn fact(label: &str, text: impl Into<String>) -> Line {
    vec![span(pad(label, LABEL), Role::Dim), span(text, Role::Plain)]
}

fn known(label: &str, value: Option<impl ToString>) -> Option<Line> {
    value.map(|value| fact(label, value.to_string()))
}

/// The queue; if it fills up, also the effect on clients and the fix, wrapped, so that all of it is visible.
fn queue_lines(socket: &Socket, queue: Queue, columns: usize) -> Vec<Line> {
    let Queue { receive, send } = queue;
    let (how_full, warning) = match AcceptQueue::of(socket).map(AcceptQueue::fill) {
        None => {
            let unread = counted(receive, "byte", "bytes");
            let text = format!("{unread} not yet read, {send} not yet acknowledged");
            return vec![fact("queue", text)];
        }
        Some(Fill::Roomy) => ("", None),
        Some(Fill::Filling) => (": filling", Some((FILLING, Role::Warning))),
        Some(Fill::Full) => (": full", Some((FULL, Role::Bad))),
    };
    let text = format!("{receive} waiting to be accepted, backlog {send}{how_full}");
    let mut lines = vec![fact("queue", text)];
    if let Some(warning) = warning.filter(|_| socket.protocol == Protocol::Tcp) {
        for (text, role) in [warning, (REMEDY, Role::Plain)] {
            lines.extend(hanging(("", Role::Dim), LABEL, text, role, columns));
        }
    }
    lines
}

const FILLING: &str = "the server accepts connections more slowly than clients connect";

const FULL: &str =
    "new clients get no answer: their SYN is dropped, they retry after 1 s and later";

const REMEDY: &str =
    "find out why it does not accept, add workers, or raise its backlog and somaxconn";
