//! Terms that ask what a row is: protocol, state, address and flags.

use super::*;
use crate::model::Age;

#[test]
fn protocol_words_without_a_number_match_both_families() {
    check(
        &listener(),
        &["tcp", "TCP4", "proto:tcp"],
        &["tcp6", "udp", "proto:udp"],
    );
    check(
        &leftover(),
        &["tcp", "tcp6", "proto:tcp6"],
        &["tcp4", "udp6"],
    );
    check(&resolver(), &["udp", "udp6", "proto:udp"], &["udp4", "tcp"]);
}

#[test]
fn states_are_found_in_every_spelling() {
    check(
        &listener(),
        &["state:listen", "state:LISTEN"],
        &["state:bound"],
    );
    check(
        &leftover(),
        &["state:time-wait", "state:TIME_WAIT", "state:timewait"],
        &[],
    );
    let closing = row(Protocol::Tcp, "0.0.0.0:1", None, State::FinWait1, |_| {});
    check(
        &closing,
        &["state:fin_wait_1", "state:FIN_WAIT1", "state:fin-wait-1"],
        &[],
    );
}

#[test]
fn a_closed_row_is_closed_and_still_what_it_was() {
    let gone = changed(listener(), 1, ChangeKind::Closed);
    check(
        &gone,
        &["state:closed", "state:listen", "closed", "is:closed"],
        &["is:changed"],
    );
    check(&listener(), &[], &["state:closed", "closed", "is:closed"]);
}

#[test]
fn addr_is_the_own_address_and_remote_the_peers() {
    let yes = [
        "addr:10.0.0.7",
        "addr:10.0.0.0/8",
        "addr:10.0.0.7:51314",
        "addr::51314",
    ];
    check(
        &connection(),
        &yes,
        &["addr:1.1.1.1", "addr:10.0.0.7:443", "addr:localhost"],
    );
    let yes = [
        "remote:1.1.1.1",
        "remote:1.1.1.1:443",
        "remote:443",
        "remote:400-499",
        "remote:https",
        "remote::443",
        "remote::https",
    ];
    check(
        &connection(),
        &yes,
        &["remote:10.0.0.7", "remote:1.1.1.1:80", "remote:::443"],
    );
    check(
        &connection(),
        &["remote:1.0.0.0/8:400-499"],
        &["remote:1.0.0.0/8:500-599"],
    );
    check(
        &leftover(),
        &["addr:localhost", "addr:::1", "addr:[::1]:8443"],
        &["addr:[::1]:80"],
    );
    check(
        &leftover(),
        &["remote:localhost:40000", "remote:::/0"],
        &["addr:127.0.0.1"],
    );
    check(
        &listener(),
        &["addr:0.0.0.0"],
        &[
            "remote:0.0.0.0",
            "remote::8080",
            "remote:8080",
            "addr:localhost",
        ],
    );
}

#[test]
fn an_address_alone_is_either_end() {
    check(
        &connection(),
        &["1.1.1.1:443", "10.0.0.7:51314", "10.0.0.0/8"],
        &["1.1.1.1:44"],
    );
    check(
        &leftover(),
        &["::1", "[::1]:8443", "[::1]", "localhost:8443"],
        &["[::1]:1", "::2"],
    );
    check(&listener(), &[], &["127.0.0.1:8080", "::1"]);
}

#[test]
fn a_mapped_address_is_the_ipv4_address_in_it() {
    let mapped = Some("[::ffff:1.1.1.1]:443");
    let dual = row(
        Protocol::Tcp,
        "[::ffff:10.0.0.7]:80",
        mapped,
        State::Established,
        |_| {},
    );
    let yes = [
        "addr:10.0.0.7",
        "addr:10.0.0.0/8",
        "remote:1.1.1.1:443",
        "addr:::ffff:10.0.0.7",
    ];
    check(&dual, &yes, &["addr:127.0.0.1"]);
    check(
        &dual,
        &["addr:::ffff:0:0/96", "addr:[::ffff:10.0.0.7]:80", "tcp6"],
        &[],
    );
    check(&connection(), &["addr:::ffff:10.0.0.7"], &[]);
}

#[test]
fn new_and_changed_last_as_long_as_the_highlight() {
    let opened = |seconds| changed(listener(), seconds, ChangeKind::Opened);
    check(&opened(6), &["is:new"], &["is:changed", "is:closed"]);
    check(&opened(5), &[], &["is:new", "is:changed"]);
    let from = State::Bound;
    let moved = |seconds| changed(listener(), seconds, ChangeKind::State { from });
    check(&moved(6), &["is:changed"], &["is:new"]);
    check(&moved(5), &[], &["is:changed"]);
}

#[test]
fn flags_test_what_the_row_is() {
    check(
        &resolver(),
        &["is:hidden"],
        &["is:mine", "is:loopback", "is:public"],
    );
    check(
        &connection(),
        &["is:mine", "is:public"],
        &["is:hidden", "is:loopback"],
    );
    check(&leftover(), &["is:loopback"], &["is:public", "is:mine"]);
    check(&listener(), &["is:public"], &["is:conflict", "is:mine"]);
    let mut disputed = listener();
    disputed.is_in_conflict = true;
    check(&disputed, &["is:conflict", "IS:Conflict"], &[]);
}

#[test]
fn nothing_is_mine_without_a_uid() {
    let nobody = Context {
        uid: None,
        ..context()
    };
    for row in [connection(), leftover()] {
        assert!(!filter("is:mine").matches(&row, &nobody));
    }
}

#[test]
fn a_listener_is_filling_from_half_of_its_backlog_on_and_full_beyond_it() {
    let waits = |receive| {
        row(Protocol::Tcp, "0.0.0.0:80", None, State::Listen, |socket| {
            socket.queue = Some(Queue { receive, send: 128 });
        })
    };
    check(&waits(63), &[], &["is:filling", "is:full"]);
    check(&waits(64), &["is:filling"], &["is:full"]);
    check(&waits(129), &["is:filling", "is:full"], &[]);
    let gone = changed(waits(129), 1, ChangeKind::Closed);
    check(&gone, &[], &["is:filling", "is:full"]);
    // Of a connection the same figures are bytes.
    let mut busy = connection();
    busy.socket.queue = waits(129).socket.queue;
    check(&busy, &[], &["is:filling", "is:full"]);
}

#[test]
fn a_row_is_in_trouble_once_its_state_has_lasted_too_long() {
    let state = |state, seconds: u64| {
        let mut row = connection();
        (row.socket.state, row.state_since) = (state, at(10 - seconds));
        row.was_open_at_start = false;
        row
    };
    check(&state(State::SynSent, 3), &["is:trouble"], &["!is:trouble"]);
    check(&state(State::SynSent, 2), &["!is:trouble"], &["is:trouble"]);
    check(&state(State::CloseWait, 10), &[], &["is:trouble"]);
    let mut old = state(State::CloseWait, 10);
    old.was_open_at_start = true;
    (old.first_seen, old.socket.age) =
        (old.state_since, Some(Age::AtLeast(Duration::from_secs(20))));
    check(&old, &["is:trouble"], &[]);
    // Before the row and its owner are known: impossible, or undecided.
    let trouble = filter("is:trouble");
    let could_match = |row: &Row| trouble.could_match(&row.socket, &context());
    assert_eq!(could_match(&connection()), Some(false));
    assert_eq!(could_match(&old), None);
}

#[test]
fn an_address_with_an_interface_is_that_of_a_socket_bound_to_it() {
    let on = |interface: &str| {
        row(
            Protocol::Tcp,
            "[fe80::1]:80",
            Some("[fe80::2]:40000"),
            State::Established,
            |socket| socket.interface = Some(interface.into()),
        )
    };
    let yes = [
        "addr:fe80::1%eth0",
        "addr:[fe80::1%eth0]:80",
        "remote:[fe80::2%eth0]:40000",
        "[fe80::1%eth0]",
        "[fe80::2%eth0]:40000",
        "addr:fe80::1",
    ];
    check(
        &on("eth0"),
        &yes,
        &["addr:[fe80::1%eth0]:81", "addr:fe80::2%eth0"],
    );
    check(&on("eth1"), &["addr:fe80::1"], &yes[..5]);
}
