//! The rules of sharing, each as a case that was measured.

use super::*;
use crate::model::SocketOptions;

const NONE: SocketOptions = options(false, false);
const RA: SocketOptions = options(true, false);
const RP: SocketOptions = options(false, true);

const fn options(reuse_address: bool, reuse_port: bool) -> SocketOptions {
    SocketOptions {
        reuse_address,
        reuse_port,
    }
}

fn holder(protocol: Protocol, state: State, local: &str, options: SocketOptions) -> Holder {
    let local: std::net::SocketAddr = local.parse().unwrap();
    let mut socket = Socket::new(protocol, local.into(), None, state);
    socket.inode = Some(1);
    socket.uid = Some(1000);
    let is_one_v6 = local.is_ipv6() && !local.ip().is_unspecified();
    Holder {
        options: Some(options),
        v6only: is_one_v6.then_some(true),
        ..Holder::new(socket)
    }
}

fn tcp(state: State, local: &str, options: SocketOptions) -> Holder {
    holder(Protocol::Tcp, state, local, options)
}

fn with_v6only(v6only: Option<bool>, holder: Holder) -> Holder {
    Holder { v6only, ..holder }
}

fn changed(mut holder: Holder, change: impl FnOnce(&mut Socket)) -> Holder {
    let mut socket = (*holder.socket).clone();
    change(&mut socket);
    holder.socket = socket.into();
    holder
}

/// A TCP bind with these options by the holder's own user.
fn request(address: &str, options: SocketOptions) -> Request {
    Request {
        protocol: Protocol::Tcp,
        address: address.parse().unwrap(),
        v6only: false,
        reuse_address: options.reuse_address,
        reuse_port: options.reuse_port,
        uid: Some(1000),
        device: None,
    }
}

fn v6only(address: &str) -> Request {
    Request {
        v6only: true,
        ..request(address, NONE)
    }
}

#[test]
fn addresses_overlap_within_a_family_and_dual_stack_within_both() {
    let on = |local| tcp(State::Listen, local, NONE);
    let dual = with_v6only(Some(false), on("[::]:80"));
    let v6_only = with_v6only(Some(true), on("[::]:80"));
    let cases = [
        ("0.0.0.0", on("127.0.0.1:80"), Answer::Yes),
        ("127.0.0.2", on("127.0.0.1:80"), Answer::No),
        ("::1", on("127.0.0.1:80"), Answer::No),
        ("::", on("127.0.0.1:80"), Answer::Yes),
        ("::ffff:127.0.0.1", on("127.0.0.1:80"), Answer::Yes),
        ("127.0.0.1", on("[::ffff:127.0.0.1]:80"), Answer::Yes),
        ("0.0.0.0", dual.clone(), Answer::Yes),
        ("127.0.0.1", dual, Answer::Yes),
        ("0.0.0.0", v6_only.clone(), Answer::No),
        ("::1", v6_only, Answer::Yes),
        ("0.0.0.0", on("[::1]:80"), Answer::No),
    ];
    for (address, holder, expected) in cases {
        let found = conflicts(&request(address, NONE), &holder);
        assert_eq!(found, expected, "{address} beside {}", holder.socket.local);
    }
    assert_eq!(conflicts(&v6only("::"), &on("127.0.0.1:80")), Answer::No);
    assert_eq!(conflicts(&v6only("::"), &on("[::1]:80")), Answer::Yes);
}

#[test]
fn a_connection_on_an_ipv6_address_that_was_never_bound_blocks_the_ipv4_wildcard() {
    let connection = |v6only| {
        let one = tcp(State::Established, "[2001:db8::1]:80", NONE);
        with_v6only(v6only, one)
    };
    let against = |v6only, address| conflicts(&request(address, NONE), &connection(v6only));
    assert_eq!(against(Some(false), "0.0.0.0"), Answer::Yes);
    assert_eq!(against(Some(true), "0.0.0.0"), Answer::No);
    assert_eq!(against(None, "0.0.0.0"), Answer::Depends);
    assert_eq!(against(Some(false), "127.0.0.1"), Answer::No);
    assert_eq!(against(Some(false), "2001:db8::1"), Answer::Yes);
}

#[test]
fn the_shadow_of_an_ipv6_connection_does_not_reach_the_mapped_wildcard() {
    let connection = with_v6only(Some(false), tcp(State::Established, "[::1]:80", NONE));
    let against = |address| conflicts(&request(address, NONE), &connection);
    assert_eq!(against("0.0.0.0"), Answer::Yes);
    assert_eq!(against("::ffff:0.0.0.0"), Answer::No);
    let on = |local| tcp(State::Listen, local, NONE);
    for (address, holder) in [
        ("::ffff:0.0.0.0", on("0.0.0.0:80")),
        ("::ffff:0.0.0.0", on("127.0.0.1:80")),
        ("127.0.0.1", on("[::ffff:0.0.0.0]:80")),
        ("::ffff:0.0.0.0", on("[::ffff:0.0.0.0]:80")),
    ] {
        let found = conflicts(&request(address, NONE), &holder);
        assert_eq!(found, Answer::Yes, "{address} is still all of IPv4");
    }
}

#[test]
fn reuse_address_shares_with_all_that_does_not_listen_and_set_it_too() {
    for (state, options, expected) in [
        (State::Listen, RA, Answer::Yes),
        (State::Bound, RA, Answer::No),
        (State::Bound, NONE, Answer::Yes),
        (State::TimeWait, RA, Answer::No),
        (State::TimeWait, NONE, Answer::Yes),
        (State::SynSent, RA, Answer::No),
    ] {
        let holder = tcp(state, "0.0.0.0:80", options);
        let found = conflicts(&request("0.0.0.0", RA), &holder);
        assert_eq!(found, expected, "{state} {options:?}");
        let plain = conflicts(&request("0.0.0.0", NONE), &holder);
        assert_eq!(plain, Answer::Yes, "{state} {options:?}");
    }
}

#[test]
fn reuse_port_shares_with_the_same_user_and_with_any_leftover() {
    let by = |uid, state| {
        let holder = tcp(state, "0.0.0.0:80", RP);
        let holder = changed(holder, |socket| socket.uid = Some(uid));
        conflicts(&request("0.0.0.0", RP), &holder)
    };
    assert_eq!(by(1000, State::Listen), Answer::No);
    assert_eq!(by(0, State::Listen), Answer::Yes);
    assert_eq!(by(0, State::TimeWait), Answer::No);
    let orphan = changed(tcp(State::FinWait2, "0.0.0.0:80", RP), |socket| {
        (socket.inode, socket.uid) = (None, None);
    });
    assert_eq!(conflicts(&request("0.0.0.0", RP), &orphan), Answer::No);
}

#[test]
fn udp_shares_by_reuse_address_with_any_user() {
    let request = |options| Request {
        protocol: Protocol::Udp,
        uid: Some(0),
        ..request("0.0.0.0", options)
    };
    let socket = |options| holder(Protocol::Udp, State::Unconn, "0.0.0.0:53", options);
    assert_eq!(conflicts(&request(RA), &socket(RA)), Answer::No);
    assert_eq!(conflicts(&request(RA), &socket(RP)), Answer::Yes);
    assert_eq!(conflicts(&request(RP), &socket(RP)), Answer::Yes);
    let tcp = tcp(State::Listen, "0.0.0.0:53", NONE);
    assert_eq!(conflicts(&request(NONE), &tcp), Answer::No);
}

#[test]
fn different_devices_never_conflict_and_no_device_conflicts_with_each() {
    let bound = changed(tcp(State::Listen, "0.0.0.0:80", NONE), |socket| {
        socket.interface = Some("eth0".into());
    });
    let from = |device: Option<&str>| {
        let device = device.map(Text::new);
        let request = Request {
            device,
            ..request("0.0.0.0", NONE)
        };
        conflicts(&request, &bound)
    };
    assert_eq!(from(None), Answer::Yes);
    assert_eq!(from(Some("eth0")), Answer::Yes);
    assert_eq!(from(Some("eth1")), Answer::No);
}

#[test]
fn a_connection_that_a_peer_is_opening_has_no_port_yet() {
    let half_open = changed(tcp(State::SynRecv, "0.0.0.0:80", NONE), |socket| {
        socket.inode = None;
    });
    assert_eq!(conflicts(&request("0.0.0.0", NONE), &half_open), Answer::No);
    let both_at_once = tcp(State::SynRecv, "127.0.0.1:80", NONE);
    let found = conflicts(&request("0.0.0.0", NONE), &both_at_once);
    assert_eq!(found, Answer::Yes);
}

#[test]
fn unread_facts_make_an_answer_depend_only_if_they_matter() {
    let unread = |state| Holder {
        options: None,
        ..tcp(state, "0.0.0.0:80", NONE)
    };
    let found = |options, state| conflicts(&request("0.0.0.0", options), &unread(state));
    assert_eq!(found(RA, State::TimeWait), Answer::Depends);
    assert_eq!(found(NONE, State::TimeWait), Answer::Yes);
    assert_eq!(found(RA, State::Listen), Answer::Yes);
    assert_eq!(found(RP, State::Listen), Answer::Depends);
    let wildcard = with_v6only(None, tcp(State::Listen, "[::]:80", NONE));
    let found = conflicts(&request("0.0.0.0", NONE), &wildcard);
    assert_eq!(found, Answer::Depends);
    assert_eq!(conflicts(&v6only("::"), &wildcard), Answer::Yes);
}

/// The listener of `nobody` shares; the connection that root accepted from it would not, and the
/// kernel checks only the first. The same with UDP, where the order decides.
#[test]
fn a_socket_that_shares_may_let_a_bind_pass_the_others() {
    let of = |uid, holder| changed(holder, |socket: &mut Socket| socket.uid = Some(uid));
    let listener = with_v6only(Some(false), tcp(State::Listen, "[::]:80", RP));
    let accepted = with_v6only(Some(false), tcp(State::Established, "[::1]:80", RP));
    let others = of(0, accepted);
    let refused =
        |options, holders: &[Holder]| predict(&request("0.0.0.0", options), holders).is_refused();
    assert_eq!(refused(RP, std::slice::from_ref(&others)), Answer::Yes);
    assert_eq!(
        refused(RP, &[listener.clone(), others.clone()]),
        Answer::Depends
    );
    assert_eq!(
        refused(RA, &[listener, others]),
        Answer::Yes,
        "only with `SO_REUSEPORT`"
    );
}

/// The listener belonged to `nobody`, root accepted from it, and it is closed: the kernel still lets `nobody`
/// share its port.
#[test]
fn a_connection_may_have_another_user_than_its_listener() {
    let of = |uid, holder| changed(holder, |socket: &mut Socket| socket.uid = Some(uid));
    let connection = |options| {
        let peer: std::net::SocketAddr = "127.0.0.1:40000".parse().unwrap();
        let accepted = tcp(State::Established, "127.0.0.1:80", options);
        of(
            0,
            changed(accepted, |socket| socket.remote = Some(peer.into())),
        )
    };
    let refused =
        |options, holder: Holder| predict(&request("127.0.0.1", options), &[holder]).is_refused();
    assert_eq!(refused(RP, connection(RP)), Answer::Depends);
    assert_eq!(refused(RA, connection(RP)), Answer::Yes);
    assert_eq!(refused(RP, connection(NONE)), Answer::Yes);
    let opened_here = Holder {
        opening: Some(Opening::Active),
        ..connection(RP)
    };
    assert_eq!(refused(RP, opened_here), Answer::Yes, "it has none");
    let listener = of(0, tcp(State::Listen, "127.0.0.1:80", RP));
    assert_eq!(refused(RP, listener), Answer::Yes, "it tells whose it is");
}

#[test]
fn a_prediction_is_as_certain_as_its_most_certain_blocker() {
    let other = tcp(State::Listen, "127.0.0.2:80", NONE);
    let unread = Holder {
        options: None,
        ..tcp(State::TimeWait, "127.0.0.1:80", NONE)
    };
    let listener = tcp(State::Listen, "127.0.0.1:80", NONE);
    let predicted = |holders: &[Holder]| predict(&request("127.0.0.1", RA), holders);
    assert_eq!(
        predicted(std::slice::from_ref(&other)).is_refused(),
        Answer::No
    );
    let doubtful = predicted(&[other.clone(), unread.clone()]);
    assert_eq!(doubtful.is_refused(), Answer::Depends);
    let certain = predicted(&[other, unread, listener]);
    assert_eq!(certain.is_refused(), Answer::Yes);
    assert_eq!((certain.blockers, certain.doubtful), (vec![2], vec![1]));
}
