//! A row, and a change of it, as one line: the facts in a fixed order, from what it is to who has it.

use std::net::IpAddr;

use super::Session;
use crate::columns::socket_text;
use crate::model::{Moment, Owner, Process, Socket, State};
use crate::track::{ChangeKind, Row, TroubleKind};

/// `tcp port 8080, listening on all addresses, node, pid 123, user ann`
pub(super) fn row_text(row: &Row, now: Moment) -> String {
    let state = if row.is_closed() {
        format!("closed, was {}", state_text(&row.socket))
    } else {
        state_text(&row.socket)
    };
    match row.trouble(now) {
        Some(kind) => format!(
            "{}, trouble: {}",
            facts(&row.socket, &state),
            trouble_text(kind)
        ),
        None => facts(&row.socket, &state),
    }
}

/// What is wrong, in words.
fn trouble_text(kind: TroubleKind) -> &'static str {
    match kind {
        TroubleKind::Orphan => "orphan",
        kind => kind.name(),
    }
}

/// `opened: tcp port 8080, …`. Without a change the row matches only now, for example because its owner was found.
pub(super) fn change_text(change: Option<&ChangeKind>, row: &Row, now: Moment) -> String {
    let socket = &row.socket;
    match change {
        None => format!("matches now: {}", row_text(row, now)),
        Some(ChangeKind::Opened) => format!("opened: {}", facts(socket, &state_text(socket))),
        Some(ChangeKind::Closed) => {
            let state = format!("was {}", state_text(socket));
            format!("closed: {}", facts(socket, &state))
        }
        Some(ChangeKind::GoneBetween) => {
            format!(
                "opened and closed: {}",
                facts(socket, "between two snapshots")
            )
        }
        Some(ChangeKind::State { from }) => {
            let state = format!("{from} to {}", state_text(socket));
            format!("state: {}", facts(socket, &state))
        }
        Some(ChangeKind::Owner { from }) => {
            let facts = facts(socket, &state_text(socket));
            format!("owner: {facts}, before: {}", owner_text(from))
        }
    }
}

fn facts(socket: &Socket, state: &str) -> String {
    let user = match (&socket.user, socket.uid) {
        (Some(user), _) => Some(format!("user {user}")),
        (None, uid) => uid.map(|uid| format!("uid {uid}")),
    };
    let peer = socket.remote.filter(|_| socket.portless.is_none());
    let peer = peer.map(|peer| format!("peer {peer}"));
    let namespace = socket.namespace.as_ref();
    let namespace = namespace.map(|other| format!("in namespace {}", other.name));
    let facts = [Some(name(socket)), Some(state.to_owned()), peer, namespace];
    let facts = facts.into_iter().flatten();
    let facts = facts.chain([owner_text(&socket.owner)]).chain(user);
    let published = socket.published.as_ref();
    let facts = facts.chain(published.map(|one| format!("leads to {}", one.describe())));
    facts.collect::<Vec<_>>().join(", ")
}

/// `tcp port 443 (https)`, or the name of a socket without a port.
fn name(socket: &Socket) -> String {
    let Some(port) = socket.port() else {
        return socket_text(socket);
    };
    let service = socket.service();
    let service = service.map_or_else(String::new, |name| format!(" ({name})"));
    format!("{} port {port}{service}", socket.protocol.as_str())
}

/// `listening on all addresses`, `ESTABLISHED on 127.0.0.1`
fn state_text(socket: &Socket) -> String {
    let state = match socket.state {
        State::Listen => "listening",
        State::Dnat => "published by a rule",
        other => other.as_str(),
    };
    if socket.portless.is_some() {
        return state.to_owned();
    }
    let on = match (socket.local.address, socket.dual_stack) {
        (IpAddr::V4(address), _) if address.is_unspecified() => "all IPv4 addresses".to_owned(),
        (IpAddr::V6(address), Some(true)) if address.is_unspecified() => "all addresses".to_owned(),
        (IpAddr::V6(address), _) if address.is_unspecified() => "all IPv6 addresses".to_owned(),
        (address, _) => address.to_canonical().to_string(),
    };
    let interface = socket.interface.as_ref();
    let interface = interface.map_or_else(String::new, |name| format!(" of {name}"));
    format!("{state} on {on}{interface}")
}

/// `node, pid 123`, `nginx, pid 12 and 4 more`, `owner hidden`
pub(super) fn owner_text(owner: &Owner) -> String {
    match (owner, owner.processes()) {
        (Owner::Hidden, _) => "owner hidden".into(),
        (Owner::Kernel, _) => "kernel".into(),
        (Owner::Unknown, _) => "owner not found yet".into(),
        (Owner::Former(_), [first, ..]) => format!("was {}", named(first)),
        (Owner::Inferred(_), [first, ..]) => {
            format!("accepted by the listener of {}", named(first))
        }
        (_, [only]) => named(only),
        (_, [first, others @ ..]) => format!("{} and {} more", named(first), others.len()),
        (Owner::Known(_) | Owner::Former(_) | Owner::Inferred(_) | Owner::None, []) => {
            "no process".into()
        }
    }
}

fn named(process: &Process) -> String {
    format!("{}, pid {}", process.name, process.pid)
}

impl Session {
    /// Prints a listing: each row with its number, which `row` takes.
    pub(super) fn print_rows(&mut self, places: &[usize], count: usize, now: Moment) {
        let now = self.app.shown_at(now);
        let table = std::sync::Arc::clone(self.app.table());
        let rows = places.iter().map(|&at| &*table.rows[at]);
        self.listed = rows.clone().map(|row| row.id).collect();
        let numbered = (1..).zip(rows);
        let lines = numbered.map(|(number, row)| format!("{number}. {}", row_text(row, now)));
        self.print_page(lines, count);
    }

    /// Prints the current row and its place.
    pub(super) fn print_current(&mut self, now: Moment) {
        let rows = self.app.rows();
        let (place, all) = (rows.cursor.place() + 1, rows.selection.shown().len());
        let now = self.app.shown_at(now);
        let text = match self.app.selected() {
            Some(row) => format!("row {place} of {all}: {}", row_text(row, now)),
            None => "no row is selected".to_owned(),
        };
        self.print(text);
    }

    /// The indices of the rows that are shown, in their order.
    pub(super) fn shown_places(&self) -> Vec<usize> {
        let table = self.app.table();
        let rows = self.app.rows().selection.shown().rows(table);
        rows.filter_map(|row| table.position(row.id)).collect()
    }
}
