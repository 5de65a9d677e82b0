//! The numbers of the levels, compared with the facts that they are made of.

use super::*;
use crate::columns::ColumnId;
use crate::model::{Moment, Portless, Protocol, Socket, State, UnixKind, UnixName, UnixSocket};
use crate::track::RowId;

fn ends() -> Vec<Endpoint> {
    let addresses = [
        "0.0.0.0",
        "127.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::1:0:0:0",
        "2001:db8::1",
        "2001:db8::1:0:0",
        "fe80::1",
        "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    ];
    let of = |address: &str| [1, 65_535].map(|port| Endpoint::new(address.parse().unwrap(), port));
    addresses.into_iter().flat_map(of).collect()
}

fn unix(name: Option<&str>) -> Socket {
    let unix = UnixSocket {
        kind: UnixKind::Stream,
        name: name.map(|name| UnixName::Path(name.into())),
        peer: None,
    };
    Socket::without_port(Portless::Unix(unix), None, State::Established)
}

/// Every column but the place is equal in them, and each is there twice.
fn rows() -> Vec<Arc<Row>> {
    let long = "x".repeat(8 * NAME_LEVELS);
    // No level has the last byte of these two.
    let names = [format!("{long}b"), format!("{long}a")];
    let names = names.iter().map(String::as_str);
    let names = names.chain(["", "/run/b", "/run/a", "/run/a.sock", "/run/a.sock.2"]);
    let mut sockets: Vec<_> = names.map(|name| unix(Some(name))).collect();
    sockets.push(unix(None));
    for local in ends() {
        let is_alike = |remote: &Endpoint| remote.family() == local.family();
        let remotes = ends().into_iter().filter(is_alike).map(Some);
        for (at, remote) in remotes.chain([None]).enumerate() {
            let protocol = [Protocol::Udp, Protocol::Tcp][at % 2];
            sockets.push(Socket::new(protocol, local, remote, State::Established));
        }
    }
    let count = sockets.len();
    // Far from their order, as 7 has no divisor with their number in common.
    assert!(!count.is_multiple_of(7));
    let twice = (0..2 * count).map(|at| sockets[at * 7 % count].clone());
    let row = |(id, socket)| {
        Arc::new(Row {
            id: RowId(id),
            socket,
            first_seen: Moment::default(),
            state_since: Moment::default(),
            was_open_at_start: true,
            change: None,
            is_in_conflict: false,
            sign: None,
            ends_at: None,
            end: None,
        })
    };
    (1..).zip(twice).map(row).collect()
}

#[test]
fn rows_with_an_equal_column_are_in_the_order_of_their_place_however_they_came() {
    let rows = rows();
    let facts = |&at: &usize| {
        let socket = &rows[at].socket;
        let name = socket.unix().map(|unix| unix.name.as_ref());
        let name = name.map(|name| {
            let text = name.map_or("", |name| name.text().as_str());
            (name.is_none(), text[..text.len().min(64)].to_owned())
        });
        let end = (socket.local.port, socket.protocol, socket.local.address);
        (end, socket.remote, name, rows[at].id)
    };
    let all: Vec<usize> = (0..rows.len()).collect();
    let table = Table {
        rows: rows.clone(),
        ..Table::default()
    };
    let mut expected = all.clone();
    expected.sort_by_key(facts);
    for descending in [false, true] {
        let by = ColumnId::State;
        let sort = Sort { by, descending };
        assert_eq!(sorted(&table, &all, sort), expected);
        let (new, known): (Vec<_>, Vec<_>) = all.iter().partition(|at| *at % 3 == 0);
        let [new, known] = [new, known].map(|some| sorted(&table, &some, sort));
        assert_eq!(merged(&table, &known, &new, sort), expected);
    }
}
