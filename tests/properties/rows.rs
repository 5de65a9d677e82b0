//! Arbitrary rows of the table.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use sockeye::model::{
    Age, Container, Endpoint, Engine, Moment, Namespace, NamespaceId, Owner, PacketSocket,
    PacketType, Portless, Process, Protocol, Published, PublishedBy, Queue, RawSocket, Socket,
    State, Text, UnixKind, UnixName, UnixPeer, UnixSocket,
};
use sockeye::track::{Change, ChangeKind, Row, RowId};

/// Any address, and often one that means something.
pub fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        select(vec![
            "127.0.0.1",
            "0.0.0.0",
            "::1",
            "::",
            "::ffff:10.0.0.7",
            "8.8.8.8"
        ])
        .prop_map(|address| address.parse().expect("an address")),
        any::<Ipv4Addr>().prop_map(IpAddr::V4),
        any::<Ipv6Addr>().prop_map(IpAddr::V6),
    ]
}

/// Short texts that terms are likely to be a part of.
fn name() -> impl Strategy<Value = Text> {
    prop_oneof!["[a-c0-9./ ]{0,6}", ".{0,12}"].prop_map(|name| Text::new(&name))
}

fn endpoint() -> impl Strategy<Value = Endpoint> {
    (address(), any::<u16>()).prop_map(|(address, port)| Endpoint::new(address, port))
}

fn owner() -> impl Strategy<Value = Owner> {
    let process = (0..2000u32, name(), option::of(name()), option::of(name()));
    let process = process.prop_map(|(pid, name, command, user)| {
        let (parent, started_at) = (None, None);
        Arc::new(Process {
            parent,
            command,
            started_at,
            user,
            ..Process::new(pid, name)
        })
    });
    let processes = vec(process, 1..3).prop_map(Arc::<[_]>::from).boxed();
    prop_oneof![
        processes.clone().prop_map(Owner::Known),
        processes.prop_map(Owner::Former),
        select(vec![Owner::Hidden, Owner::Kernel, Owner::None]),
    ]
}

/// What a socket without a port has in its place.
fn portless() -> impl Strategy<Value = Portless> {
    let unix_name = prop_oneof![
        name().prop_map(UnixName::Path),
        name().prop_map(UnixName::Abstract)
    ];
    let unix_name = option::of(unix_name).boxed();
    let peer = (0..4u32, unix_name.clone(), option::of(name()));
    let peer = peer.prop_map(|(inode, name, process)| UnixPeer {
        inode,
        name,
        process,
    });
    let types = vec![UnixKind::Stream, UnixKind::Datagram, UnixKind::SeqPacket];
    let unix = (select(types), unix_name, option::of(peer));
    let unix = unix.prop_map(|(kind, name, peer)| Portless::Unix(UnixSocket { kind, name, peer }));
    let packet = (select(vec![PacketType::Raw, PacketType::Datagram]), 0..8u16);
    let packet = packet.prop_map(|(kind, ethertype)| PacketSocket { kind, ethertype });
    let raw = (0..4u8, option::of(0..3u16));
    let raw = raw.prop_map(|(number, identifier)| RawSocket { number, identifier });
    prop_oneof![
        2 => unix,
        1 => packet.prop_map(Portless::Packet),
        1 => raw.prop_map(Portless::Raw),
    ]
}

/// The container of the second namespace.
fn container() -> Arc<Container> {
    Arc::new(Container {
        engine: Some(Engine::Podman),
        id: Some("0123456789ab".into()),
        name: "a b/c".into(),
        image: Some("c:1".into()),
        project: None,
        service: Some("b".into()),
        pod: Some("a-pod".into()),
    })
}

/// Of a snapshot, so that one id never means two.
fn namespace() -> impl Strategy<Value = Option<Arc<Namespace>>> {
    let other = |id, name: &str, container| {
        Some(Arc::new(Namespace {
            id: NamespaceId(id),
            inode: Some(4_026_532_000 + u64::from(id)),
            cookie: None,
            name: name.into(),
            container,
        }))
    };
    let container = Some(container());
    select(vec![
        None,
        None,
        other(1, "ab", None),
        other(2, "c", container),
    ])
}

fn published() -> impl Strategy<Value = Arc<Published>> {
    let target = (option::of(address()), option::of(any::<u16>()));
    let process = option::of((0..2000u32, name()));
    let by = select(vec![PublishedBy::Proxy, PublishedBy::Rule]);
    (by, any::<bool>(), target, process).prop_map(
        |(by, has_container, (address, port), process)| {
            Arc::new(Published {
                relay: None,
                by,
                container: has_container.then(container),
                address,
                port,
                process,
                target: None,
            })
        },
    )
}

/// One with a port, or one of those that have none.
fn socket() -> impl Strategy<Value = Socket> {
    let without = (
        option::of(0..4u32),
        portless().boxed(),
        address(),
        option::of(endpoint()),
        socket_with_port().boxed(),
    );
    let without = without.prop_map(|(inode, portless, address, remote, like)| {
        let is_raw = portless.protocol() == Protocol::Raw;
        let bare = Socket::without_port(portless, Some(address).filter(|_| is_raw), like.state);
        Socket {
            inode,
            protocol: bare.protocol,
            local: bare.local,
            remote: remote.filter(|_| is_raw),
            portless: bare.portless,
            ..like
        }
    });
    prop_oneof![3 => socket_with_port().boxed(), 1 => without.boxed()]
}

fn socket_with_port() -> impl Strategy<Value = Socket> {
    let place = (
        select(vec![
            Protocol::Tcp,
            Protocol::Tcp,
            Protocol::Udp,
            Protocol::UdpLite,
            Protocol::Sctp,
        ]),
        endpoint(),
        option::of(endpoint()),
        select(State::ALL.to_vec()),
    );
    let rest = (
        option::of(0..3u32),
        owner(),
        option::of(name()),
        option::of(name()),
        option::of(name()),
        option::of((0..9000u32, 0..4u32)),
        option::of((any::<bool>(), 0..3_600_000u64)),
        namespace(),
        option::weighted(0.2, published()),
    );
    (place, rest).prop_map(|((protocol, local, remote, state), rest)| {
        let (uid, owner, user, unit, interface, queue, age, namespace, published) = rest;
        let age = age.map(|(is_exact, millis)| {
            let age = Duration::from_millis(millis);
            if is_exact {
                Age::Exactly(age)
            } else {
                Age::AtLeast(age)
            }
        });
        Socket {
            uid,
            owner,
            user,
            unit,
            interface,
            queue: queue.map(|(receive, send)| Queue { receive, send }),
            age,
            namespace,
            published,
            ..Socket::new(protocol, local, remote, state)
        }
    })
}

/// A moment this long after the start.
pub fn moment(seconds: u64) -> Moment {
    Moment {
        steady: Duration::from_secs(seconds),
        wall: jiff::Timestamp::UNIX_EPOCH,
    }
}

/// Rows in every state, with every kind of owner; changed, if at all, in the first ten seconds.
pub fn row() -> impl Strategy<Value = Row> {
    let kind = select(vec![
        ChangeKind::Opened,
        ChangeKind::State {
            from: State::Listen,
        },
        ChangeKind::Owner { from: Owner::None },
        ChangeKind::Closed,
    ]);
    let change = (0..10u64, kind).prop_map(|(at, kind)| Change {
        at: moment(at),
        kind,
    });
    (socket(), option::of(change), any::<bool>()).prop_map(|(socket, change, is_in_conflict)| Row {
        id: RowId(0),
        socket,
        first_seen: moment(0),
        state_since: moment(0),
        was_open_at_start: true,
        change,
        is_in_conflict,
        sign: None,
        ends_at: None,
        end: None,
    })
}
