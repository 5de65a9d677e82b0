//! The index against a plain reading of the rules, and the rules themselves.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::model::{
    Endpoint, Namespace, NamespaceId, Owner, Portless, Process, Protocol, Socket, UnixKind,
    UnixName, UnixPeer, UnixSocket,
};
use crate::track::{Change, ChangeKind};

fn end(text: &str) -> Endpoint {
    text.parse::<std::net::SocketAddr>().unwrap().into()
}

fn by(pids: &[u32]) -> Owner {
    let process = |&pid: &u32| Arc::new(Process::new(pid, "app"));
    Owner::Known(pids.iter().map(process).collect())
}

fn listener(local: &str, pid: u32) -> Socket {
    Socket {
        owner: by(&[pid]),
        ..Socket::new(Protocol::Tcp, end(local), None, State::Listen)
    }
}

fn connection(local: &str, remote: &str, pid: u32) -> Socket {
    Socket {
        owner: by(&[pid]),
        ..Socket::new(
            Protocol::Tcp,
            end(local),
            Some(end(remote)),
            State::Established,
        )
    }
}

fn row(id: u64, socket: Socket) -> Arc<Row> {
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
}

fn found(sockets: &[Socket]) -> Connections {
    let rows: Vec<_> = (0..)
        .zip(sockets)
        .map(|(id, socket)| row(id, socket.clone()))
        .collect();
    Connections::of(&rows, Window::default())
}

/// How many connections each of the listeners has, which come first.
fn counts(sockets: &[Socket]) -> Vec<usize> {
    let found = found(sockets);
    let clients = (0..).map_while(|id| found.clients(RowId(id)));
    clients.map(|clients| clients.established).collect()
}

#[test]
fn a_connection_counts_for_the_most_specific_listener() {
    let sockets = [
        listener("127.0.0.1:80", 1),
        listener("0.0.0.0:80", 2),
        listener("[::1]:80", 3),
        listener("[::]:80", 4),
        listener("0.0.0.0:81", 5),
        connection("127.0.0.1:80", "127.0.0.1:5000", 1),
        connection("10.0.0.7:80", "10.0.0.9:5000", 2),
        connection("10.0.0.7:80", "10.0.0.9:5001", 2),
        connection("[::1]:80", "[::1]:5000", 3),
        connection("[2001:db8::1]:80", "[2001:db8::9]:5000", 4),
        connection("[::ffff:10.0.0.7]:80", "[::ffff:10.0.0.9]:5002", 4),
        connection("10.0.0.7:82", "10.0.0.9:5000", 6),
    ];
    assert_eq!(counts(&sockets), [1, 2, 1, 2, 0]);
}

#[test]
fn a_listener_for_ipv6_alone_has_no_ipv4_connection() {
    let any = |is_dual| Socket {
        dual_stack: Some(is_dual),
        ..listener("[::]:80", 1)
    };
    let mapped = connection("[::ffff:10.0.0.7]:80", "[::ffff:10.0.0.9]:5000", 1);
    let ipv4 = connection("10.0.0.7:80", "10.0.0.9:5001", 1);
    let ipv6 = connection("[::1]:80", "[::1]:5000", 1);
    let connections = [mapped, ipv4, ipv6];
    let of = |is_dual| counts(&[vec![any(is_dual)], connections.to_vec()].concat());
    assert_eq!((of(false), of(true)), (vec![1], vec![3]));
}

fn on(interface: &str, socket: Socket) -> Socket {
    Socket {
        interface: Some(interface.into()),
        ..socket
    }
}

#[test]
fn a_listener_on_the_interface_of_the_connection_comes_before_one_on_none() {
    let sockets = [
        listener("0.0.0.0:80", 1),
        on("eth0", listener("0.0.0.0:80", 2)),
        on("eth0", connection("10.0.0.7:80", "10.0.0.9:1", 2)),
        on("eth1", connection("10.0.0.7:80", "10.0.0.9:2", 1)),
        connection("10.0.0.7:80", "10.0.0.9:3", 1),
    ];
    assert_eq!(counts(&sockets), [2, 1]);
}

#[test]
fn a_listener_on_the_interface_for_ipv6_alone_leaves_ipv4_to_one_on_none() {
    let any = |is_dual| Socket {
        dual_stack: Some(is_dual),
        ..listener("[::]:80", 1)
    };
    let sockets = [
        on("eth0", any(false)),
        any(true),
        on("eth0", connection("10.0.0.7:80", "10.0.0.9:1", 1)),
        on(
            "eth0",
            connection("[::ffff:10.0.0.7]:80", "[::ffff:10.0.0.9]:2", 1),
        ),
        on("eth0", connection("[2001:db8::1]:80", "[2001:db8::9]:3", 1)),
    ];
    assert_eq!(counts(&sockets), [1, 2]);
}

#[test]
fn of_twins_each_has_the_connections_of_its_process_and_all_those_of_no_known_one() {
    let hidden = Socket {
        owner: Owner::Hidden,
        ..connection("10.0.0.7:80", "10.0.0.9:9", 0)
    };
    let sockets = [
        listener("0.0.0.0:80", 1),
        listener("0.0.0.0:80", 2),
        connection("10.0.0.7:80", "10.0.0.9:1", 1),
        connection("10.0.0.7:80", "10.0.0.9:2", 1),
        connection("10.0.0.7:80", "10.0.0.9:3", 2),
        hidden,
        // Its process is neither's.
        connection("10.0.0.7:80", "10.0.0.9:4", 3),
    ];
    assert_eq!(counts(&sockets), [4, 3]);
    let found = found(&sockets);
    let of = |id| {
        found
            .accepted_by(RowId(id))
            .map(|id| id.0)
            .collect::<Vec<_>>()
    };
    assert_eq!((of(0), of(1)), (vec![2, 3, 5, 6], vec![4, 5, 6]));
    assert_eq!(found.listener_of(RowId(4)), Some(RowId(1)));
    assert_eq!(found.listener_of(RowId(5)), Some(RowId(0)));
    assert_eq!(found.listener_of(RowId(0)), None);
}

#[test]
fn twins_that_share_their_processes_have_all_connections_each() {
    let shared = |port: &str| Socket {
        owner: by(&[1, 2]),
        ..listener(port, 0)
    };
    let sockets = [
        shared("0.0.0.0:80"),
        shared("0.0.0.0:80"),
        connection("10.0.0.7:80", "10.0.0.9:1", 1),
        connection("10.0.0.7:80", "10.0.0.9:2", 2),
    ];
    assert_eq!(counts(&sockets), [2, 2]);
}

#[test]
fn both_ends_find_each_other_whatever_form_their_addresses_have() {
    let sockets = [
        connection("127.0.0.1:5000", "127.0.0.1:80", 1),
        connection("[::ffff:127.0.0.1]:80", "[::ffff:127.0.0.1]:5000", 2),
        connection("127.0.0.1:5001", "127.0.0.1:80", 1),
        connection("10.0.0.7:5000", "127.0.0.1:80", 1),
        // Connected to itself.
        connection("127.0.0.1:6000", "127.0.0.1:6000", 3),
    ];
    let found = found(&sockets);
    let peers: Vec<_> = (0..5).map(|id| found.peer(RowId(id))).collect();
    assert_eq!(peers, [Some(RowId(1)), Some(RowId(0)), None, None, None]);
}

#[test]
fn unix_sockets_are_joined_by_inode_and_counted_by_name() {
    let name = UnixName::Path("/run/app.sock".into());
    let unix = |inode: u32, name: Option<&UnixName>, peer: Option<u32>| {
        let state = if peer.is_some() {
            State::Established
        } else {
            State::Listen
        };
        let unix = UnixSocket {
            kind: UnixKind::Stream,
            name: name.cloned(),
            peer: peer.map(|inode| UnixPeer {
                inode,
                name: None,
                process: None,
            }),
        };
        Socket {
            inode: Some(inode),
            ..Socket::without_port(Portless::Unix(unix), None, state)
        }
    };
    let sockets = [
        unix(10, Some(&name), None),
        unix(11, Some(&name), Some(12)),
        unix(12, None, Some(11)),
        unix(13, Some(&name), Some(99)),
    ];
    assert_eq!(counts(&sockets), [2]);
    let found = found(&sockets);
    assert_eq!(found.peer(RowId(1)), Some(RowId(2)));
    assert_eq!(found.peer(RowId(2)), Some(RowId(1)));
    assert_eq!(found.peer(RowId(3)), None);
}

fn at(millis: u64) -> Moment {
    Moment {
        steady: Duration::from_millis(millis),
        ..Moment::default()
    }
}

#[test]
fn the_rate_is_of_the_last_five_seconds_or_of_two_snapshots_further_apart() {
    let mut times = SnapshotTimes::default();
    let window = |times: &mut SnapshotTimes, millis| {
        let Window { since, length } = times.add(at(millis));
        (since.as_millis(), length.as_millis())
    };
    assert_eq!(window(&mut times, 1000), (1000, 0));
    assert_eq!(window(&mut times, 2000), (1000, 1000));
    for second in 3..7 {
        window(&mut times, 1000 * second);
    }
    assert_eq!(window(&mut times, 7000), (2000, 5000));
    assert_eq!(window(&mut times, 7200), (2000, 5200));
    assert_eq!(window(&mut times, 67_000), (7200, 59_800));
    assert_eq!(window(&mut times, 500), (500, 0), "moved back");
}

#[test]
fn a_rate_has_a_unit_and_one_decimal_below_one() {
    let text = |opened, seconds| {
        let length = Duration::from_secs(seconds);
        let since = Duration::ZERO;
        Window { since, length }.rate_text(opened)
    };
    assert_eq!(text(0, 5), None);
    assert_eq!(text(3, 0), None, "nothing to compare with");
    assert_eq!(text(15, 5).as_deref(), Some("+3/s"));
    assert_eq!(text(13, 5).as_deref(), Some("+3/s"));
    assert_eq!(text(2, 5).as_deref(), Some("+0.4/s"));
    assert_eq!(text(1, 60).as_deref(), Some("+0.1/s"));
}

#[test]
fn a_connection_that_has_closed_counts_for_the_rate_alone() {
    let opened = |id, state, seen, is_closed: bool| {
        let socket = Socket {
            state,
            ..connection("10.0.0.7:80", &format!("10.0.0.9:{id}"), 1)
        };
        let closed = Change {
            at: at(seen),
            kind: ChangeKind::Closed,
        };
        Arc::new(Row {
            first_seen: at(seen),
            was_open_at_start: false,
            change: is_closed.then_some(closed),
            ..(*row(id, socket)).clone()
        })
    };
    let rows = [
        row(0, listener("0.0.0.0:80", 1)),
        opened(1, State::Established, 900, false),
        opened(2, State::Established, 2000, false),
        opened(3, State::Established, 2000, true),
        opened(4, State::TimeWait, 3000, false),
        opened(5, State::SynRecv, 3000, false),
    ];
    let window = Window {
        since: Duration::from_secs(1),
        length: Duration::from_secs(2),
    };
    let clients = Connections::of(&rows, window).clients(RowId(0)).unwrap();
    assert_eq!((clients.established, clients.opened), (2, 3));
}

/// A few addresses of every kind and two ports, so that many match.
fn endpoint() -> impl Strategy<Value = Endpoint> {
    let addresses = vec![
        "0.0.0.0",
        "127.0.0.1",
        "10.0.0.7",
        "::",
        "::1",
        "::ffff:10.0.0.7",
        "::ffff:127.0.0.1",
    ];
    let port = 1..3u16;
    (select(addresses), port)
        .prop_map(|(address, port)| Endpoint::new(address.parse().unwrap(), port))
}

fn socket() -> impl Strategy<Value = Socket> {
    let owner = prop_oneof![
        vec(0..3u32, 1..3).prop_map(|pids| {
            let pids: std::collections::BTreeSet<_> = pids.into_iter().collect();
            by(&Vec::from_iter(pids))
        }),
        Just(Owner::Hidden)
    ];
    let protocol = select(vec![
        Protocol::Tcp,
        Protocol::Tcp,
        Protocol::Sctp,
        Protocol::Udp,
    ]);
    let interface = select(vec![None, None, Some("eth0"), Some("eth1")]);
    let dual_stack = select(vec![None, Some(true), Some(false)]);
    let ends = (endpoint(), proptest::option::weighted(0.6, endpoint()));
    (ends, protocol, owner, interface, dual_stack).prop_map(
        |((local, remote), protocol, owner, interface, dual_stack)| Socket {
            owner,
            interface: interface.map(Into::into),
            dual_stack: dual_stack.filter(|_| local.is_v6_wildcard() && remote.is_none()),
            ..Socket::new(
                protocol,
                local,
                remote,
                match (remote, protocol) {
                    (Some(_), _) => State::Established,
                    (None, Protocol::Udp) => State::Unconn,
                    (None, _) => State::Listen,
                },
            )
        },
    )
}

/// How well a listener matches a connection, the best first; `None` if it can't have accepted it.
fn fitness(listener: &Socket, socket: &Socket, all: &[Socket]) -> Option<(u8, u8)> {
    let is_alike = listener.protocol == socket.protocol && listener.local.port == socket.local.port;
    let own = socket.local.address;
    let bound = listener.local.address;
    let is_ipv4 = own.to_canonical().is_ipv4();
    let is_bound_alike = |other: &&Socket| {
        let place = |one: &Socket| (one.protocol, one.local, one.interface.clone());
        other.state == State::Listen && place(other) == place(listener)
    };
    let mut twins = all.iter().filter(is_bound_alike);
    let is_dual = twins.any(|twin| twin.dual_stack != Some(false));
    let wildcard = |is_v6: bool| bound.is_unspecified() && bound.is_ipv6() == is_v6;
    let address = if bound == own {
        0
    } else if wildcard(own.is_ipv6()) && (own.is_ipv4() || !is_ipv4 || is_dual) {
        1
    } else if bound == own.to_canonical() {
        2
    } else if is_ipv4 && wildcard(own.is_ipv4()) && (own.is_ipv6() || is_dual) {
        3
    } else {
        return None;
    };
    let interface = match (&listener.interface, &socket.interface) {
        (Some(one), Some(other)) if one == other => 0,
        (None, _) => 1,
        _ => return None,
    };
    let is_listener = listener.state == State::Listen;
    (is_alike && is_listener).then_some((address, interface))
}

/// The listeners that a connection counts for, by the rules one after the other.
fn expected(socket: &Socket, all: &[Socket]) -> Vec<usize> {
    if socket.remote.is_none() || socket.protocol == Protocol::Udp {
        return Vec::new();
    }
    let fits = all.iter().map(|one| fitness(one, socket, all));
    let fits: Vec<_> = fits.collect();
    let best = fits.iter().flatten().min();
    let at_best = |at: &usize| fits[*at].is_some() && fits[*at].as_ref() == best;
    let twins: Vec<usize> = (0..all.len()).filter(at_best).collect();
    let accepted_from = |pid| {
        let has = |&&at: &&usize| all[at].owner.present().iter().any(|one| one.pid == pid);
        twins.iter().filter(has).collect::<Vec<_>>()
    };
    let pids = socket.owner.processes().iter().map(|one| one.pid);
    let by_process: Vec<_> = pids.map(accepted_from).collect();
    match by_process.first() {
        Some(first) if first.len() == 1 && by_process.iter().all(|one| one == first) => {
            vec![*first[0]]
        }
        _ => twins,
    }
}

proptest! {
    #[test]
    fn the_index_gives_what_the_rules_give_one_after_the_other(sockets in vec(socket(), 1..24)) {
        let found = found(&sockets);
        let mut counts = vec![0; sockets.len()];
        let mut accepted = vec![Vec::new(); sockets.len()];
        for (at, socket) in sockets.iter().enumerate() {
            for listener in expected(socket, &sockets) {
                counts[listener] += 1;
                accepted[listener].push(RowId(at as u64));
            }
        }
        for (at, socket) in sockets.iter().enumerate() {
            let id = RowId(at as u64);
            let clients = found.clients(id);
            prop_assert_eq!(clients.is_some(), socket.state == State::Listen);
            prop_assert_eq!(clients.map_or(0, |clients| clients.established), counts[at], "{}", at);
            prop_assert_eq!(found.accepted_by(id).collect::<Vec<_>>(), accepted[at].clone());
            let first = expected(socket, &sockets).first().map(|&at| RowId(at as u64));
            prop_assert_eq!(found.listener_of(id), first);
        }
    }

    #[test]
    fn a_peer_has_the_same_ends_in_the_other_order(sockets in vec(socket(), 1..24)) {
        let found = found(&sockets);
        let ends = |socket: &Socket| {
            let remote = socket.remote.map(Endpoint::to_canonical)?;
            Some((socket.protocol, socket.local.to_canonical(), remote))
        };
        for (at, socket) in sockets.iter().enumerate() {
            let swapped = ends(socket).map(|(protocol, own, remote)| (protocol, remote, own));
            let is_itself = ends(socket) == swapped;
            let mut others = sockets.iter();
            let has_peer = swapped.is_some() && !is_itself && others.any(|one| ends(one) == swapped);
            let peer = found.peer(RowId(at as u64));
            prop_assert_eq!(peer.is_some(), has_peer, "{} {:?}", at, peer);
            if let Some(RowId(peer)) = peer {
                let peer = &sockets[usize::try_from(peer).unwrap()];
                prop_assert_eq!(ends(peer), swapped);
            }
        }
    }
}

/// In this namespace.
fn inside(id: u32, socket: Socket) -> Socket {
    let namespace = Namespace {
        id: NamespaceId(id),
        inode: None,
        cookie: None,
        name: "web".into(),
        container: None,
    };
    Socket {
        namespace: Some(Arc::new(namespace)),
        ..socket
    }
}

#[test]
fn connections_belong_to_the_listener_of_their_own_namespace() {
    let sockets = [
        listener("0.0.0.0:80", 1),
        inside(1, listener("0.0.0.0:80", 2)),
        inside(1, connection("127.0.0.1:80", "127.0.0.1:5000", 2)),
        inside(1, connection("127.0.0.1:5000", "127.0.0.1:80", 3)),
    ];
    let found = found(&sockets);
    let established = [0, 1].map(|id| found.clients(RowId(id)).unwrap().established);
    assert_eq!(established, [0, 1]);
    assert_eq!(found.peer(RowId(2)), Some(RowId(3)));
}

#[test]
fn the_ends_of_a_connection_may_be_in_two_namespaces_unless_that_is_ambiguous() {
    let client = connection("172.17.0.1:5000", "172.17.0.2:80", 1);
    let server = connection("172.17.0.2:80", "172.17.0.1:5000", 2);
    let of = |sockets: &[Socket]| found(sockets).peer(RowId(0));
    assert_eq!(
        of(&[client.clone(), inside(1, server.clone())]),
        Some(RowId(1))
    );
    assert_eq!(
        of(&[inside(2, client.clone()), inside(1, server.clone())]),
        Some(RowId(1))
    );
    // Another engine gave the same addresses.
    let twins = [client, inside(1, server.clone()), inside(2, server)];
    assert_eq!(of(&twins), None);
    // The loopback of another namespace is another one.
    let client = connection("127.0.0.1:5000", "127.0.0.1:80", 1);
    let server = connection("127.0.0.1:80", "127.0.0.1:5000", 2);
    assert_eq!(of(&[client, inside(1, server)]), None);
}
