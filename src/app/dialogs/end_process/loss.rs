//! What a process has open and what is lost with it, in words.

use super::targets::sockets_of;
use crate::model::{Process, Protocol, Socket, State, all_listed, counted};
use crate::track::Table;

const MAX_PORTS: usize = 8;

/// `listens on port 9999 and has 6 open connections`, as far as the table shows it.
pub(super) fn loss(socket: &Socket, process: &Process, table: &Table) -> String {
    let sockets: Vec<_> = sockets_of(process, table).collect();
    let ports = |verb: &str, is_meant: fn(&Socket) -> bool| {
        let sockets = sockets
            .iter()
            .filter(|socket| !socket.is_connection() && is_meant(socket));
        let ports = sockets.filter_map(|socket| Some((socket.port()?, socket.protocol)));
        let mut ports: Vec<_> = ports.collect();
        ports.sort_unstable();
        ports.dedup();
        (!ports.is_empty()).then(|| format!("{verb} {}", port_names(&ports)))
    };
    let connections = sockets.iter().filter(|one| one.is_connection()).count();
    let this = socket.portless.as_ref().map(|_| {
        let name = socket.local_text();
        let name = name.unwrap_or_else(|| "without a name".to_owned());
        format!("has the {} socket {name}", socket.protocol.name())
    });
    let all = [
        this,
        ports("listens on", |socket| socket.state != State::Bound),
        ports("has bound", |socket| socket.state == State::Bound),
        (connections > 0).then(|| {
            let count = counted(connections, "open connection", "open connections");
            format!("has {count}")
        }),
    ];
    let all: Vec<_> = all.into_iter().flatten().collect();
    if all.is_empty() {
        // A bind test may have found it after the table was taken.
        let port = port_names(&[(socket.local.port, socket.protocol)]);
        return format!("has {port}");
    }
    all_listed(all)
}

/// `port 53/udp`, `ports 80, 443`
fn port_names(ports: &[(u16, Protocol)]) -> String {
    let name = |&(port, protocol): &(u16, Protocol)| protocol.port_text(port);
    let listed: Vec<_> = ports.iter().take(MAX_PORTS).map(name).collect();
    let more = if ports.len() > MAX_PORTS { ", …" } else { "" };
    let s = if ports.len() == 1 { "" } else { "s" };
    format!("port{s} {}{more}", listed.join(", "))
}
