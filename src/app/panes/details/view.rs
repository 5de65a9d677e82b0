//! Everything known of the selected socket: itself, its processes, their ancestors and their other
//! sockets.

use std::time::Duration;

use jiff::Timestamp;

use crate::app::App;
use crate::app::panes::view::MAX_LINES;
use crate::app::view::{Line, Role, span};
use crate::columns::{owner_text, pad, socket_text, wrap};
use crate::model::{
    AcceptQueue, Fill, Moment, Process, Protocol, Queue, Socket, Text, UnixKind, UnixName, counted,
};
use crate::track::Row;

/// Width of the names at the left, and of the space after them.
const LABEL: usize = 12;

impl App {
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
        for (process, others) in processes.iter().zip(self.related_sockets()) {
            lines.extend(other_sockets(process, &others));
        }
        lines.truncate(MAX_LINES);
        lines
    }

    fn socket_lines(&self, row: &Row, columns: usize, now: Moment) -> Vec<Line> {
        let socket = &row.socket;
        let mut lines = vec![fact("socket", socket_text(socket))];
        let (since, opened) = (self.clock(row.state_since), self.opened_text(row));
        let state = socket.state;
        let text = if row.is_closed() {
            format!("closed since {since}, was {state} · {opened}")
        } else if row.state_since == row.first_seen {
            format!("{state} · {opened}")
        } else {
            format!("{state} since {since} · {opened}")
        };
        let end = row.ends_at.filter(|_| !row.is_closed());
        let end = end.map(|at| end_text(at.saturating_sub(self.shown_at(now).steady)));
        lines.push(fact("state", text + &end.unwrap_or_default()));
        if let Some(both) = socket.dual_stack {
            let text = if both {
                "IPv6 and IPv4 (dual-stack)"
            } else {
                "IPv6 only"
            };
            lines.push(fact("takes", text.into()));
        }
        lines.extend(portless_lines(socket));
        if let Some(queue) = socket.queue.filter(|_| !row.is_closed()) {
            lines.push(fact("queue", queue_text(socket, queue)));
            lines.extend(queue_warning(socket, columns));
        }
        lines.extend(
            socket
                .interface
                .as_ref()
                .map(|name| fact("interface", name.to_string())),
        );
        lines.extend(
            socket
                .unit
                .as_ref()
                .map(|unit| fact("unit", unit.to_string())),
        );
        lines.extend(
            socket
                .container
                .as_ref()
                .map(|name| fact("container", name.to_string())),
        );
        let uid = socket.uid.map(|uid| format!("uid {uid}"));
        let user = socket.user.as_ref().map(ToString::to_string);
        let inode = socket.inode.map(|inode| format!("inode {inode}"));
        let identity: Vec<_> = user.into_iter().chain(uid).chain(inode).collect();
        if !identity.is_empty() {
            lines.push(fact("belongs to", identity.join(" · ")));
        }
        lines
    }

    /// `opened at 23:17:59`, or what is known instead: `there before 23:17:59, at least since 23:15:10`.
    fn opened_text(&self, row: &Row) -> String {
        if let Some(opened) = row.opened() {
            return format!("opened at {}", self.time_beside(opened, row.first_seen));
        }
        let known = row
            .state_began_by()
            .filter(|_| row.is_unchanged_since_start());
        let known = known.map(|by| self.time_beside(by, row.first_seen));
        let known = known.map_or_else(String::new, |by| format!(", at least since {by}"));
        format!("there before {}{known}", self.clock(row.first_seen))
    }

    /// The time of a day, with the date where that is not the day of another moment.
    fn time_beside(&self, at: Timestamp, other: Moment) -> String {
        let [at, other] =
            [at, other.wall].map(|it| it.to_zoned(self.environment.time_zone.clone()));
        let format = if at.date() == other.date() {
            "%H:%M:%S"
        } else {
            "%Y-%m-%d %H:%M:%S"
        };
        at.strftime(format).to_string()
    }

    fn process_lines(&self, process: &Process) -> Vec<Line> {
        let user = process.user.as_ref().map(ToString::to_string);
        let since = process.started_at.map(|started| {
            let zoned = started.to_zoned(self.environment.time_zone.clone());
            format!("since {}", zoned.strftime("%Y-%m-%d %H:%M:%S"))
        });
        let name = format!("{} (pid {})", process.name, process.pid);
        let text: Vec<_> = std::iter::once(name).chain(user).chain(since).collect();
        let text = text.join(" · ");
        let mut lines = vec![fact("process", text)];
        lines.extend(
            process
                .command
                .as_ref()
                .map(|command| fact("command", command.to_string())),
        );
        let ancestors = self.ancestors(process);
        if !ancestors.is_empty() {
            lines.push(fact("started by", ancestors.join(" ← ")));
        }
        let path = |label, path: &Option<Text>| {
            let path = path.as_ref()?;
            Some(fact(label, path.to_string()))
        };
        lines.extend(path("folder", &process.cwd));
        lines.extend(path("executable", &process.executable));
        if process.comm != process.name && !process.comm.is_empty() {
            lines.push(fact("comm", process.comm.to_string()));
        }
        lines
    }

    /// Parent first, then its parent, up to the first process.
    fn ancestors(&self, process: &Process) -> Vec<String> {
        let mut line = Vec::new();
        let mut next = process.parent;
        while let Some(parent) = next.and_then(|pid| self.rows.table.processes.get(&pid)) {
            line.push(format!("{} ({})", parent.name, parent.pid));
            // A recording may claim a circle.
            next = parent.parent.filter(|_| line.len() < 32);
        }
        line
    }
}

/// What a unix socket is, and what is at its other end.
fn portless_lines(socket: &Socket) -> Vec<Line> {
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

fn other_sockets(process: &Process, others: &[&Row]) -> Vec<Line> {
    let mut lines = Vec::new();
    if !others.is_empty() {
        let (name, pid) = (&process.name, process.pid);
        let title = format!("other sockets of {name} ({pid}): {}", others.len());
        lines.push(vec![span(title, Role::Dim)]);
    }
    lines.extend(others.iter().map(|other| {
        let text = format!("{} {}", socket_text(&other.socket), other.socket.state);
        fact("", text)
    }));
    lines
}

fn fact(label: &str, text: String) -> Line {
    vec![span(pad(label, LABEL), Role::Dim), span(text, Role::Plain)]
}

/// ` · ends in 43 s`: what is left, in whole seconds that have begun.
fn end_text(left: Duration) -> String {
    match left.as_millis().div_ceil(1000) {
        0 => " · ends now".into(),
        seconds => format!(" · ends in {seconds} s"),
    }
}

fn queue_text(socket: &Socket, queue: Queue) -> String {
    let Queue { receive, send } = queue;
    let how_full = match AcceptQueue::of(socket).map(AcceptQueue::fill) {
        None => {
            let unread = counted(receive, "byte", "bytes");
            return format!("{unread} not yet read, {send} not yet acknowledged");
        }
        Some(Fill::Roomy) => "",
        Some(Fill::Filling) => ": filling",
        Some(Fill::Full) => ": full",
    };
    format!("{receive} waiting to be accepted, backlog {send}{how_full}")
}

/// What a queue that fills means to clients, and what helps; whole, however narrow the pane is.
fn queue_warning(socket: &Socket, columns: usize) -> Vec<Line> {
    let (role, what) = match AcceptQueue::of(socket).map(AcceptQueue::fill) {
        _ if socket.protocol != Protocol::Tcp => return Vec::new(),
        Some(Fill::Filling) => (Role::Warning, FILLING),
        Some(Fill::Full) => (Role::Bad, FULL),
        Some(Fill::Roomy) | None => return Vec::new(),
    };
    let room = columns.saturating_sub(LABEL);
    let line = |text, role| vec![span(pad("", LABEL), Role::Dim), span(text, role)];
    let what = wrap(what, room).into_iter().map(|text| line(text, role));
    let remedy = wrap(REMEDY, room).into_iter();
    what.chain(remedy.map(|text| line(text, Role::Plain)))
        .collect()
}

const FILLING: &str = "the server accepts more slowly than clients connect";
const FULL: &str =
    "new clients get no answer: their SYN is dropped, they try again after 1 s and later";
const REMEDY: &str =
    "see why it does not accept, give it more workers, or a larger backlog and somaxconn";
