//! Ports that the user has pinned, and the alerts about them.
//!
//! An alert is about a listening or bound socket: it opened, closed or has another owner. Connections come and go.

use std::collections::{BTreeSet, HashSet};

use crate::app::view::{Line, Role, span};
use crate::app::{App, Dialog, Effect};
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

    pub fn has(&self, socket: &Socket) -> bool {
        self.0.contains(&port_of(socket))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The ports as a list, `5432, 8080, 5353/udp`; `None` if there are none.
    pub fn text(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| names(&self.0))
    }

    /// The alerts about these events, each once, given the table after them.
    fn alerts(&self, events: &[Event], table: &Table) -> Vec<String> {
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
        events
            .filter_map(|event| alert(event, open.contains(&port_of(&event.row.socket))))
            .filter(|alert| seen.insert(alert.clone()))
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
        let sockets = sockets.filter(|socket| socket.protocol.has_ports());
        let ports: BTreeSet<Port> = sockets.map(port_of).collect();
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

    pub(crate) fn alert(&mut self, update: &TableUpdate) {
        let mut alerts = self.pinned.alerts(&update.events, &update.table);
        if alerts.is_empty() {
            return;
        }
        let text = alerts.join(", ");
        alerts.append(&mut self.notices.alerts);
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

    /// Whether alerts are visible: menus and questions need the line for their keys.
    pub(crate) fn shows_alerts(&self) -> bool {
        let has_room = matches!(
            self.dialog,
            Dialog::None | Dialog::Prompt(_) | Dialog::GoTo(_)
        );
        has_room && !self.notices.alerts.is_empty()
    }

    pub(crate) fn alerts_line(&self) -> Option<Line> {
        let text = || format!(" {}", self.notices.alerts.join(" · "));
        let line = || vec![span(text(), Role::Warning)];
        self.shows_alerts().then(line)
    }
}
