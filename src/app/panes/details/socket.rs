//! The socket itself: what it is, its state, queues and other facts.

use std::time::Duration;

use jiff::Timestamp;

use super::published::placement_lines;
use super::{DATE_TIME, LABEL, fact, known};
use crate::app::App;
use crate::app::view::{Line, Role, hanging};
use crate::columns::{format_short_time, socket_text};
use crate::model::{
    AcceptQueue, Fill, Moment, Protocol, Queue, Socket, UnixKind, UnixName, counted,
};
use crate::track::Row;

impl App {
    /// What it is, and its state.
    pub(super) fn head_lines(&self, row: &Row, now: Moment) -> [Line; 2] {
        [
            fact("socket", socket_text(&row.socket)),
            fact("state", self.state_text(row, now)),
        ]
    }

    fn state_text(&self, row: &Row, now: Moment) -> String {
        let (state, since) = (row.socket.state, self.clock(row.state_since.wall));
        let opened = self.opened_text(row);
        if row.is_short() {
            let within = row.end.as_ref().and_then(|end| end.opened_within);
            let within = within.map_or_else(String::new, |most| {
                // It is cut to tenths.
                let most = most + Duration::from_millis(100);
                format!(", so open for at most {}", format_short_time(most))
            });
            return format!("closed at {since} · opened and closed between two snapshots{within}");
        }
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
}

/// What it accepts, where it is bound, and whom it belongs to.
pub(super) fn fact_lines(socket: &Socket) -> Vec<Line> {
    let families = socket.dual_stack.map(|is_dual| {
        if is_dual {
            "IPv6 and IPv4 (dual-stack)"
        } else {
            "IPv6 only"
        }
    });
    let mut lines = Vec::from_iter(known("accepts", families));
    lines.extend(unix_text(socket).map(|text| fact("unix", text)));
    lines.extend(known("interface", socket.interface.as_ref()));
    lines.extend(placement_lines(socket));
    let uid = socket.uid.map(|uid| format!("uid {uid}"));
    let user = socket.user.as_ref().map(ToString::to_string);
    let inode = socket.inode.map(|inode| format!("inode {inode}"));
    let identity: Vec<_> = user.into_iter().chain(uid).chain(inode).collect();
    if !identity.is_empty() {
        lines.push(fact("belongs to", identity.join(" · ")));
    }
    lines
}

fn unix_text(socket: &Socket) -> Option<String> {
    let unix = socket.unix()?;
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
    Some(format!("{kind} · {name}"))
}

/// The queue; if it fills up, also the effect on clients and the fix, wrapped, so that all of it is visible.
pub(super) fn queue_lines(row: &Row, columns: usize) -> Vec<Line> {
    let socket = &row.socket;
    let Some(Queue { receive, send }) = socket.queue.filter(|_| !row.is_closed()) else {
        return Vec::new();
    };
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
