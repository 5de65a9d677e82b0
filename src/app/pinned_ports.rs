//! Ports of our own namespace that the user has pinned, and the alerts about them.
//!
//! An alert is about a listening or bound socket: it opened, closed or has another owner. Connections come and go.

use std::collections::{BTreeSet, HashSet};

use crate::app::notices::Alert;
use crate::app::view::{Line, Role, span};
use crate::app::{App, Effect};
use crate::columns::{owner_change_text, owner_with_pid};
use crate::model::{Moment, OwnerKind, Protocol, Socket};
use crate::settings::Notify;
use crate::track::{ChangeKind, Event, Table, TableUpdate};

const MAX_NAMED: usize = 8;

/// How many alerts are shown at once; older ones are in the events.
const MAX_ALERTS: usize = 8;

type Port = (u16, Protocol);

#[derive(Clone, Debug, Default)]
pub(crate) struct PinnedPorts(BTreeSet<Port>);

impl PinnedPorts {
    /// Pins these ports, or unpins them if all are pinned; returns whether they are pinned now.
    fn toggle(&mut self, ports: &BTreeSet<Port>) -> bool {
        if ports.is_subset(&self.0) {
            self.0.retain(|port| !ports.contains(port));
            return false;
        }
        self.0.extend(ports);
        true
    }

    /// Pins a port or unpins it; returns whether it was pinned.
    pub fn set(&mut self, port: Port, is_pinned: bool) -> bool {
        if is_pinned {
            !self.0.insert(port)
        } else {
            self.0.remove(&port)
        }
    }

    pub fn has(&self, socket: &Socket) -> bool {
        socket.is_own() && self.0.contains(&port_of(socket))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The ports as a list, `5432, 8080, 5353/udp`; `None` if there are none.
    pub fn text(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| names(&self.0))
    }

    /// The alerts about these events, each once, given the table after them.
    fn alerts(&self, events: &[Event], table: &Table) -> Vec<(Moment, String)> {
        let is_concerned = |socket: &Socket| self.has(socket) && !socket.is_connection();
        let mut events = events
            .iter()
            .filter(|event| is_concerned(&event.row.socket))
            .peekable();
        if events.peek().is_none() {
            return Vec::new();
        }
        let rows = table.rows.iter().filter(|row| !row.is_closed());
        let open = rows
            .map(|row| &row.socket)
            .filter(|socket| is_concerned(socket));
        let open: HashSet<Port> = open.map(port_of).collect();
        // A program that listens on every address of 127.0.0.0/8 can close as many sockets at once.
        let mut seen = HashSet::new();
        let alerts = events.filter_map(|event| {
            let text = alert(event, open.contains(&port_of(&event.row.socket)))?;
            Some((event.change.at, text))
        });
        alerts
            .filter(|(_, text)| seen.insert(text.clone()))
            .collect()
    }
}

/// `8080 closed: was node(40211)`. The address is named if the port stays open on another one.
fn alert(event: &Event, is_open: bool) -> Option<String> {
    let socket = &event.row.socket;
    let (port, owner) = (port_name(socket), owner_with_pid(socket));
    let kind = socket.owner.kind();
    let is_named = !matches!(kind, OwnerKind::None | OwnerKind::Unknown);
    match &event.change.kind {
        ChangeKind::Opened if is_named => Some(format!("{port} opened: {owner}")),
        ChangeKind::Opened => Some(format!("{port} opened")),
        ChangeKind::Closed => {
            let address = if is_open {
                format!(" on {}", socket.local)
            } else {
                String::new()
            };
            let was = match kind {
                OwnerKind::Known => format!(": was {owner}"),
                _ if is_named => format!(": {owner}"),
                _ => String::new(),
            };
            Some(format!("{port} closed{address}{was}"))
        }
        ChangeKind::GoneBetween => {
            let may_have_listened = event.row.may_have_listened();
            may_have_listened.then(|| format!("{port} opened and closed"))
        }
        ChangeKind::Owner { from } => {
            let handover = owner_change_text(socket, from);
            Some(format!("{port} changed its owner: {handover}"))
        }
        ChangeKind::State { .. } => None,
    }
}

fn names(ports: &BTreeSet<Port>) -> String {
    let first = ports.iter().take(MAX_NAMED);
    let names = first.map(|&(port, protocol)| protocol.port_text(port));
    let mut names: Vec<_> = names.collect();
    if ports.len() > MAX_NAMED {
        names.push(format!("{} more", ports.len() - MAX_NAMED));
    }
    names.join(", ")
}

const fn port_of(socket: &Socket) -> Port {
    (socket.local.port, socket.protocol)
}

/// `8080`, `5353/udp`.
fn port_name(socket: &Socket) -> String {
    socket.protocol.port_text(socket.local.port)
}

impl App {
    pub(crate) fn toggle_pinned(&mut self, now: Moment) {
        let rows = self.acted_on_rows();
        let Some(first) = rows.first() else {
            return self.warn("no port is selected", now);
        };
        let sockets = rows.iter().map(|row| &row.socket);
        let sockets = sockets.filter(|socket| socket.is_own() && socket.protocol.has_ports());
        let ports: BTreeSet<Port> = sockets.map(port_of).collect();
        if let Some(other) = first.socket.namespace.as_ref().filter(|_| ports.is_empty()) {
            let text = format!(
                "only ports of the own namespace are pinned; this one is in {}",
                other.name
            );
            return self.warn(text, now);
        }
        if ports.is_empty() {
            let kind = first.socket.protocol.name();
            return self.warn(format!("a {kind} socket has no port to pin"), now);
        }
        let named = names(&ports);
        let text = if self.pinned.toggle(&ports) {
            format!(
                "pinned {named}: you get an alert when a listener opens, closes or changes there"
            )
        } else {
            format!("unpinned {named}")
        };
        self.report(text, now);
    }

    pub(crate) fn alert(&mut self, update: &TableUpdate, now: Moment) {
        let alerts = self.pinned.alerts(&update.events, &update.table);
        if alerts.is_empty() {
            return;
        }
        let texts: Vec<_> = alerts.iter().map(|(_, text)| text.as_str()).collect();
        let text = texts.join(", ");
        let alerts = alerts.into_iter().map(|(at, text)| Alert {
            text: format!("{} {text}", self.clock(at.wall)),
            since: now,
        });
        let mut alerts: Vec<_> = alerts.collect();
        alerts.append(&mut self.notices.alerts);
        self.notices.unseen_alerts += alerts.len().saturating_sub(MAX_ALERTS);
        alerts.truncate(MAX_ALERTS);
        self.notices.alerts = alerts;
        let notify = self.settings.notify;
        if matches!(notify, Notify::Bell | Notify::Both) {
            self.request(Effect::Bell);
        }
        if matches!(notify, Notify::Desktop | Notify::Both) {
            self.request(Effect::DesktopNotice(text));
        }
    }

    /// How many lines the alerts take: one, which they share.
    pub(crate) fn alert_lines(&self) -> u16 {
        u16::from(!self.notices.alerts.is_empty())
    }

    /// The recent alerts, the latest first: `14:03:12 8080 opened: node(123)`.
    pub(crate) fn alerts_line(&self) -> Option<Line> {
        let alerts = self.notices.alerts.iter();
        let texts: Vec<_> = alerts.map(|alert| alert.text.as_str()).collect();
        let line = || vec![span(format!(" {}", texts.join(" · ")), Role::Warning)];
        (!texts.is_empty()).then(line)
    }
}
