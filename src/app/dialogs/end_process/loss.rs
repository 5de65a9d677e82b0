//! What ends with a process, as far as the table shows it.

use crate::model::{Owner, Process, Protocol, Socket, State, counted};
use crate::track::Table;

/// No more ports than these are named.
const MAX_PORTS: usize = 8;

/// The open sockets of a process.
pub(crate) fn sockets_of<'a>(
    process: &'a Process,
    table: &'a Table,
) -> impl Iterator<Item = &'a Socket> {
    let open = table.rows.iter().filter(|row| !row.is_closed());
    let sockets = open.map(|row| &row.socket);
    sockets.filter(|socket| socket.owner.has(process))
}

/// `listens on port 9999 and has 6 open connections`
pub(crate) fn of(socket: &Socket, process: &Process, table: &Table) -> String {
    let sockets = || sockets_of(process, table);
    let waiting = |is_meant: fn(&Socket) -> bool| {
        let mut ports: Vec<(u16, Protocol)> = sockets()
            .filter(|socket| !socket.is_connection() && is_meant(socket))
            .filter_map(|socket| Some((socket.port()?, socket.protocol)))
            .collect();
        ports.sort_unstable();
        ports.dedup();
        (!ports.is_empty()).then(|| named(&ports))
    };
    let listens =
        waiting(|socket| socket.state != State::Bound).map(|ports| format!("listens on {ports}"));
    let bound =
        waiting(|socket| socket.state == State::Bound).map(|ports| format!("has bound {ports}"));
    let serves = match sockets().filter(|socket| socket.is_connection()).count() {
        0 => None,
        many => Some(format!(
            "has {}",
            counted(many, "open connection", "open connections")
        )),
    };
    let this = socket.portless.as_ref().map(|_| {
        let name = socket.local_text();
        let name = name.map_or_else(|| "without a name".to_owned(), |name| name.clone());
        format!("has the {} socket {name}", socket.protocol.name())
    });
    let mut all: Vec<_> = [this, listens, bound, serves]
        .into_iter()
        .flatten()
        .collect();
    match all.pop() {
        // What a bind test met may be newer than the table.
        None => format!("has {}", named(&[(socket.local.port, socket.protocol)])),
        Some(last) if all.is_empty() => last,
        Some(last) => format!("{} and {last}", all.join(", ")),
    }
}

/// `port 53/udp`, `ports 80, 443`
fn named(ports: &[(u16, Protocol)]) -> String {
    let name = |&(port, protocol): &(u16, Protocol)| protocol.port_text(port);
    let listed: Vec<_> = ports.iter().take(MAX_PORTS).map(name).collect();
    let more = if ports.len() > MAX_PORTS { ", …" } else { "" };
    let s = if ports.len() == 1 { "" } else { "s" };
    format!("port{s} {}{more}", listed.join(", "))
}

/// A shared socket outlives one of its processes.
pub(crate) fn who_keeps_it(owner: &Owner) -> String {
    match owner.present().len() {
        0 | 1 => String::new(),
        2 => " Another process keeps this socket.".into(),
        many => format!(" {} others keep this socket.", many - 1),
    }
}
