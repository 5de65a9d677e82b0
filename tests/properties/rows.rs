//! Arbitrary rows of the table.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use sockeye::model::{Endpoint, Moment, Owner, Process, Protocol, Socket, State, Text};
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
        processes.prop_map(Owner::Past),
        select(vec![Owner::Hidden, Owner::Kernel, Owner::None]),
    ]
}

fn socket() -> impl Strategy<Value = Socket> {
    let place = (
        select(vec![Protocol::Tcp, Protocol::Udp]),
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
    );
    (place, rest).prop_map(|((protocol, local, remote, state), rest)| {
        let (uid, owner, user, unit, interface) = rest;
        Socket {
            uid,
            owner,
            user,
            unit,
            interface,
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
        was_there_at_start: true,
        change,
        is_in_conflict,
        ends_at: None,
    })
}
