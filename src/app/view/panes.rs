//! What is in the pane below the table: details, events, a bind test.

use super::super::layout::{Area, Layout};
use super::super::{App, BindReport, Pane};
use super::{Line, PaneView, Role, cut_line, mark_role, span};
use crate::bind::{self, Probe, Target};
use crate::columns::{owner_text, pad};
use crate::filter;
use crate::model::{Moment, Process, Socket};
use crate::track::{ChangeKind, Event, Mark, Row};

/// More lines than this are not made, however long a pane could be.
const MAX_LINES: usize = 1000;

/// Width of the names at the left of the details, and of the space after them.
const LABEL: usize = 12;

impl App {
    pub(super) fn pane_view(&self, layout: &Layout, now: Moment) -> Option<PaneView> {
        let pane = self.pane.as_ref()?;
        let height = pane_height(layout);
        let lines = self.pane_lines_of(pane, now);
        let scroll = self.pane_scroll.min(lines.len().saturating_sub(height));
        let below = lines.len().saturating_sub(scroll + height);
        let (title, keys) = match pane {
            Pane::Details => ("details".to_owned(), "Enter"),
            Pane::Events => (format!("events · {}", self.log.len()), "e"),
            Pane::Bind { target, .. } => {
                (format!("bind test · {}", spoken(target)), "r again · Esc")
            }
        };
        let hint = if below > 0 {
            format!("{below} more ] · {keys}")
        } else {
            keys.to_owned()
        };
        let columns = usize::from(pane_area(layout).width);
        let in_sight = lines.into_iter().skip(scroll).take(height);
        let lines = in_sight.map(|line| cut_line(line, columns)).collect();
        Some(PaneView { title, hint, lines })
    }

    /// How far the open pane can be scrolled.
    pub(in crate::app) fn last_pane_scroll(&self, now: Moment) -> usize {
        let height = pane_height(&self.layout());
        let lines = self
            .pane
            .as_ref()
            .map_or(0, |pane| self.pane_lines_of(pane, now).len());
        lines.saturating_sub(height)
    }

    fn pane_lines_of(&self, pane: &Pane, now: Moment) -> Vec<Line> {
        match pane {
            Pane::Details => match self.selected() {
                Some(row) => self.details(row),
                None => vec![vec![span("no row is selected", Role::Dim)]],
            },
            Pane::Events => self.events(now),
            Pane::Bind { target, report } => self.bind_lines(target, report.as_ref()),
        }
    }

    fn details(&self, row: &Row) -> Vec<Line> {
        let socket = &row.socket;
        let mut lines = self.socket_lines(row);
        let processes = socket.owner.processes();
        if processes.is_empty() {
            lines.push(fact("owner", owner_text(row)));
        }
        for process in processes.iter().take(MAX_LINES / 4) {
            lines.extend(self.process_lines(process));
        }
        for process in processes.iter().take(8) {
            lines.extend(self.other_sockets(row, process));
        }
        lines.truncate(MAX_LINES);
        lines
    }

    fn socket_lines(&self, row: &Row) -> Vec<Line> {
        let socket = &row.socket;
        let mut lines = vec![fact("socket", address_text(socket))];
        let seen = if row.was_there_at_start {
            "there before"
        } else {
            "opened at"
        };
        let since = self.clock(row.state_since);
        lines.push(fact(
            "state",
            if row.state_since == row.first_seen {
                format!("{} · {seen} {since}", socket.state)
            } else {
                format!(
                    "{} since {since} · {seen} {}",
                    socket.state,
                    self.clock(row.first_seen)
                )
            },
        ));
        if let Some(both) = socket.dual_stack {
            let text = if both {
                "IPv6 and IPv4 (dual-stack)"
            } else {
                "IPv6 only"
            };
            lines.push(fact("takes", text.into()));
        }
        if let Some(queue) = socket.queue {
            lines.push(fact("queue", queue_text(socket, queue)));
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

    fn process_lines(&self, process: &Process) -> Vec<Line> {
        let user = process.user.as_ref().map(ToString::to_string);
        let since = process.started_at.map(|started| {
            let zoned = started.to_zoned(self.settings.time_zone.clone());
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
        lines
    }

    /// Parent first, then its parent, up to the first process.
    fn ancestors(&self, process: &Process) -> Vec<String> {
        let mut line = Vec::new();
        let mut next = process.parent;
        while let Some(parent) = next.and_then(|pid| self.table.processes.get(&pid)) {
            line.push(format!("{} ({})", parent.name, parent.pid));
            // A recording may claim a circle.
            next = parent.parent.filter(|_| line.len() < 32);
        }
        line
    }

    fn other_sockets(&self, row: &Row, process: &Process) -> Vec<Line> {
        let others = self
            .table
            .rows
            .iter()
            .filter(|other| other.id != row.id && !other.is_closed())
            .filter(|other| {
                other
                    .socket
                    .owner
                    .present()
                    .iter()
                    .any(|one| one.is_same(process))
            });
        let mut lines: Vec<Line> = others
            .take(MAX_LINES)
            .map(|other| {
                vec![
                    span(pad("", LABEL, false), Role::Dim),
                    span(
                        format!("{} {}", address_text(&other.socket), other.socket.state),
                        Role::Plain,
                    ),
                ]
            })
            .collect();
        if !lines.is_empty() {
            let title = format!(
                "other sockets of {} ({}): {}",
                process.name,
                process.pid,
                lines.len()
            );
            lines.insert(0, vec![span(title, Role::Dim)]);
        }
        lines
    }

    /// The journal, newest first, as far as it matches the filter.
    fn events(&self, now: Moment) -> Vec<Line> {
        let context = filter::Context {
            now,
            highlight: self.settings.highlight,
            uid: self.settings.uid,
        };
        let matches = |event: &&Event| {
            self.criteria.filter.is_empty()
                || self.criteria.filter.matches(&row_of(event), &context)
        };
        let mut lines: Vec<Line> = self
            .log
            .iter()
            .rev()
            .filter(matches)
            .take(MAX_LINES)
            .map(|event| self.event_line(event))
            .collect();
        if lines.is_empty() {
            let text = if self.log.is_empty() {
                "nothing has opened, changed or closed yet"
            } else {
                "no event matches the filter"
            };
            lines.push(vec![span(text, Role::Dim)]);
        }
        lines
    }

    fn event_line(&self, event: &Event) -> Line {
        let row = row_of(event);
        let (mark, what) = match &event.kind {
            ChangeKind::Opened => (Mark::Opened, format!("opened {}", event.socket.state)),
            ChangeKind::Closed => (Mark::Closed, format!("closed {}", event.socket.state)),
            ChangeKind::State { from } => {
                (Mark::Changed, format!("{from} → {}", event.socket.state))
            }
            ChangeKind::Owner { from } => {
                let old = Row {
                    socket: with_owner(&event.socket, from),
                    ..row.clone()
                };
                (
                    Mark::Changed,
                    format!("owner {} → {}", owners(&old), owners(&row)),
                )
            }
        };
        let mut line = vec![
            span(format!("{} ", self.clock(event.at)), Role::Dim),
            span(format!("{} ", mark.glyph()), mark_role(mark)),
            span(format!("{}  ", address_text(&event.socket)), Role::Strong),
            span(what, mark_role(mark)),
        ];
        if !matches!(event.kind, ChangeKind::Owner { .. }) {
            line.push(span(format!("  {}", owners(&row)), Role::Plain));
        }
        line
    }

    fn bind_lines(&self, target: &Target, report: Option<&BindReport>) -> Vec<Line> {
        let mut lines = match report {
            None => vec![vec![span("binding…", Role::Dim)]],
            Some(report) => matrix(&report.probes),
        };
        let holders = bind::holders(&self.table, target.protocol, *target.ports.start());
        let title = match holders.len() {
            0 => "no row of the table holds this port".to_owned(),
            1 => "1 row of the table holds this port:".to_owned(),
            many => format!("{many} rows of the table hold this port:"),
        };
        lines.push(vec![span(title, Role::Dim)]);
        lines.extend(holders.into_iter().take(MAX_LINES).map(|row| {
            vec![
                span(format!("  {}  ", address_text(&row.socket)), Role::Strong),
                span(format!("{}  ", row.socket.state), Role::Plain),
                span(owners(row), Role::Plain),
            ]
        }));
        lines
    }
}

/// Lines of a pane's content that are in sight.
fn pane_height(layout: &Layout) -> usize {
    usize::from(pane_area(layout).height)
}

/// Where a pane's content is.
const fn pane_area(layout: &Layout) -> Area {
    if layout.has_borders {
        layout.pane.inside_border()
    } else {
        layout.pane
    }
}

fn fact(label: &str, text: String) -> Line {
    vec![
        span(pad(label, LABEL, false), Role::Dim),
        span(text, Role::Plain),
    ]
}

/// `tcp 127.0.0.1:8080`, and the peer if there is one.
fn address_text(socket: &Socket) -> String {
    let remote = socket
        .remote
        .map_or(String::new(), |remote| format!(" → {remote}"));
    format!("{} {}{remote}", socket.protocol_and_family(), socket.local)
}

fn queue_text(socket: &Socket, queue: crate::model::Queue) -> String {
    if socket.state == crate::model::State::Listen {
        format!(
            "{} waiting to be accepted, backlog {}",
            queue.receive, queue.send
        )
    } else {
        format!(
            "{} bytes not yet read, {} not yet acknowledged",
            queue.receive, queue.send
        )
    }
}

fn owners(row: &Row) -> String {
    match row.socket.owner.present() {
        [process] => format!("{}({})", process.name, process.pid),
        _ => owner_text(row),
    }
}

fn with_owner(socket: &Socket, owner: &crate::model::Owner) -> std::sync::Arc<Socket> {
    std::sync::Arc::new(Socket {
        owner: owner.clone(),
        ..socket.clone()
    })
}

/// The row that an event speaks of, as it was then.
fn row_of(event: &Event) -> Row {
    Row {
        id: event.row,
        socket: std::sync::Arc::clone(&event.socket),
        first_seen: event.at,
        state_since: event.at,
        was_there_at_start: false,
        change: Some(crate::track::Change {
            at: event.at,
            kind: event.kind.clone(),
        }),
        is_in_conflict: false,
    }
}

fn spoken(target: &Target) -> String {
    let text = target.to_string();
    format!(
        "{} {}",
        target.protocol.as_str(),
        text.trim_end_matches("/udp")
    )
}

/// Address × (with, without `SO_REUSEADDR`).
fn matrix(probes: &[Probe]) -> Vec<Line> {
    let mut addresses: Vec<(std::net::IpAddr, Option<bool>)> = Vec::new();
    for probe in probes {
        if !addresses.contains(&(probe.address, probe.v6only)) {
            addresses.push((probe.address, probe.v6only));
        }
    }
    let answer = |address, v6only, reuse| {
        let found = probes
            .iter()
            .find(|p| (p.address, p.v6only, p.reuse_address) == (address, v6only, reuse));
        match found {
            None => span(pad("–", 20, false), Role::Dim),
            Some(probe) if probe.result.is_ok() => span(pad("ok", 20, false), Role::Good),
            Some(probe) => span(pad(probe.result.as_str(), 20, false), Role::Bad),
        }
    };
    let heading = ["address", "with SO_REUSEADDR", "without"]
        .map(|text| span(pad(text, 20, false), Role::Dim));
    std::iter::once(heading.to_vec())
        .chain(addresses.into_iter().map(|(address, v6only)| {
            let name = match (address, v6only) {
                (std::net::IpAddr::V4(v4), _) => v4.to_string(),
                (std::net::IpAddr::V6(v6), Some(true)) if v6.is_unspecified() => {
                    format!("[{v6}] v6 only")
                }
                (std::net::IpAddr::V6(v6), _) => format!("[{v6}]"),
            };
            vec![
                span(pad(&name, 20, false), Role::Strong),
                answer(address, v6only, true),
                answer(address, v6only, false),
            ]
        }))
        .collect()
}
