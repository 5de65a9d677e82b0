//! Sockets and their processes, by invented events.

use std::net::SocketAddr;

use super::TraceKind::{Close, Connect, Destroy, Listen, StopListening};
use super::*;

const SERVER: &str = "10.0.0.9:80";
const CLIENT: &str = "10.0.0.1:40000";
const UNBOUND: &str = "10.0.0.1:0";

fn end(text: &str) -> Endpoint {
    text.parse::<SocketAddr>().unwrap().into()
}

/// An event of the socket at address 1. The name of a process is its pid.
fn event(kind: TraceKind, pid: Pid, local: &str, remote: &str) -> TraceEvent {
    TraceEvent {
        kind,
        at: Duration::from_secs(u64::from(pid)),
        pid,
        tid: pid,
        comm: Text::new(&pid.to_string()),
        process: None,
        socket: 1,
        local: end(local),
        remote: (!remote.is_empty()).then(|| end(remote)),
        cookie: (kind == Destroy).then_some(NonZeroU64::MIN),
    }
}

/// The pid of the socket that is freed last.
fn pid_after(events: &[TraceEvent]) -> Option<Pid> {
    let mut owners = TraceOwners::default();
    owners.add(events.to_vec());
    owners.owner_of(NonZeroU64::MIN).map(|owner| owner.pid)
}

#[test]
fn a_client_is_the_process_that_connected_whatever_ran_when_it_was_freed() {
    let opened = event(Connect, 7, UNBOUND, SERVER);
    let closed = event(Close, 7, CLIENT, SERVER);
    for freed in [0, 7, 99] {
        let freed = event(Destroy, freed, CLIENT, SERVER);
        let all = [opened.clone(), closed.clone(), freed.clone()];
        assert_eq!(pid_after(&all), Some(7));
        assert_eq!(pid_after(&[opened.clone(), freed]), Some(7));
    }
}

#[test]
fn an_accepted_connection_is_of_the_process_that_closed_it() {
    let closed = event(Close, 8, SERVER, CLIENT);
    let freed = event(Destroy, 0, SERVER, CLIENT);
    assert_eq!(pid_after(&[closed, freed.clone()]), Some(8));
    assert_eq!(pid_after(&[freed]), None);
}

#[test]
fn a_socket_that_one_process_opened_and_another_closed_has_none() {
    let freed = event(Destroy, 8, CLIENT, SERVER);
    let events = [
        event(Connect, 7, UNBOUND, SERVER),
        event(Close, 8, CLIENT, SERVER),
    ];
    assert_eq!(pid_after(&[&events[..], &[freed]].concat()), None);
}

#[test]
fn a_pid_that_was_reused_between_connect_and_close_is_none() {
    let of = |kind, local, tick| TraceEvent {
        process: Some(Arc::new(Process {
            started_at_tick: Some(tick),
            ..Process::new(7, "web")
        })),
        ..event(kind, 7, local, SERVER)
    };
    let freed = event(Destroy, 7, CLIENT, SERVER);
    let after = |tick| {
        let events = [of(Connect, UNBOUND, 100), of(Close, CLIENT, tick)];
        pid_after(&[&events[..], std::slice::from_ref(&freed)].concat())
    };
    assert_eq!(after(100), Some(7));
    assert_eq!(after(200), None);
}

#[test]
fn an_address_that_is_used_again_is_another_socket_even_if_the_first_one_was_not_seen_freed() {
    let first = [
        event(Connect, 7, UNBOUND, SERVER),
        event(Close, 7, CLIENT, SERVER),
    ];
    let accepted = event(Close, 8, "10.0.0.1:22", "10.0.0.5:50000");
    let freed = event(Destroy, 0, "10.0.0.1:22", "10.0.0.5:50000");
    let with = |last: &[TraceEvent]| pid_after(&[&first[..], last].concat());
    assert_eq!(with(&[accepted, freed.clone()]), Some(8));
    // The other side closed it, or its close was not seen.
    assert_eq!(with(&[freed]), None);
    let again = event(Connect, 9, UNBOUND, SERVER);
    let freed = event(Destroy, 0, CLIENT, SERVER);
    assert_eq!(with(&[again, freed.clone()]), Some(9));
    // A second close begins another socket.
    assert_eq!(with(&[event(Close, 9, CLIENT, SERVER), freed]), Some(9));
}

#[test]
fn other_endpoints_are_another_socket() {
    let opened = event(Connect, 7, "10.0.0.1:1024", SERVER);
    for (local, remote) in [
        (CLIENT, SERVER),
        ("10.0.0.2:1024", SERVER),
        ("10.0.0.1:1024", "10.0.0.9:81"),
        ("10.0.0.1:1024", "10.0.0.8:80"),
    ] {
        let freed = event(Destroy, 7, local, remote);
        assert_eq!(
            pid_after(&[opened.clone(), freed]),
            None,
            "{local} {remote}"
        );
    }
    let mapped = event(Destroy, 0, "[::ffff:10.0.0.1]:1024", "[::ffff:10.0.0.9]:80");
    assert_eq!(pid_after(&[opened, mapped]), Some(7));
}

#[test]
fn one_that_failed_or_was_reset_is_freed_by_its_own_process_without_endpoints() {
    let opened = event(Connect, 7, UNBOUND, SERVER);
    for remote in ["", "10.0.0.9:0"] {
        let freed = |pid| event(Destroy, pid, "0.0.0.0:40000", remote);
        assert_eq!(pid_after(&[opened.clone(), freed(7)]), Some(7));
        assert_eq!(pid_after(&[opened.clone(), freed(8)]), None);
    }
}

#[test]
fn a_listener_is_of_the_process_that_listened_and_closed_it() {
    let listening = event(Listen, 7, SERVER, "");
    let closed = |pid| event(StopListening, pid, SERVER, "");
    let freed = |pid| event(Destroy, pid, SERVER, "");
    assert_eq!(
        pid_after(&[listening.clone(), closed(7), freed(7)]),
        Some(7)
    );
    assert_eq!(pid_after(&[closed(7), freed(7)]), Some(7));
    // `ss -K` of one that listened before the trace: the process that closes it later is not known.
    assert_eq!(pid_after(&[closed(99), freed(7)]), None);
    assert_eq!(pid_after(&[listening, closed(99), freed(7)]), None);
}

#[test]
fn a_connection_accepted_at_the_address_of_a_listener_is_not_the_listeners() {
    let listening = event(Listen, 7, SERVER, "");
    let freed = event(Destroy, 7, SERVER, CLIENT);
    assert_eq!(pid_after(&[listening, freed]), None);
}

#[test]
fn a_process_of_another_pid_namespace_is_none_and_ends_what_was_known() {
    let first = event(Connect, 7, UNBOUND, SERVER);
    let freed = event(Destroy, 0, CLIENT, SERVER);
    for unknown in [0, Pid::MAX] {
        let outside = event(Connect, unknown, UNBOUND, SERVER);
        assert_eq!(pid_after(&[first.clone(), outside, freed.clone()]), None);
        let outside = event(Close, unknown, CLIENT, SERVER);
        assert_eq!(pid_after(&[first.clone(), outside, freed.clone()]), None);
    }
}

#[test]
fn a_thread_of_the_kernel_that_closes_is_not_the_process() {
    let by_kernel = |parent, argv: Option<&str>| TraceEvent {
        process: Some(Arc::new(Process {
            parent: Some(parent),
            argv: argv.map(|argv| Arc::from([Text::new(argv)])),
            ..Process::new(90, "kworker/u8:1")
        })),
        ..event(Close, 90, CLIENT, SERVER)
    };
    let opened = event(Connect, 7, UNBOUND, SERVER);
    let freed = event(Destroy, 90, CLIENT, SERVER);
    assert_eq!(pid_after(&[by_kernel(2, None), freed.clone()]), None);
    assert_eq!(
        pid_after(&[opened, by_kernel(2, None), freed.clone()]),
        None
    );
    assert_eq!(pid_after(&[by_kernel(3, None), freed.clone()]), Some(90));
    assert_eq!(pid_after(&[by_kernel(2, Some("init")), freed]), Some(90));
}

#[test]
fn the_record_that_says_more_counts() {
    let opened = TraceEvent {
        comm: Text::default(),
        ..event(Connect, 7, UNBOUND, SERVER)
    };
    let process = Some(Arc::new(Process::new(7, "node server.js")));
    let closed = TraceEvent {
        process: process.clone(),
        at: Duration::from_secs(9),
        ..event(Close, 7, CLIENT, SERVER)
    };
    let mut owners = TraceOwners::default();
    owners.add([opened, closed, event(Destroy, 0, CLIENT, SERVER)]);
    let expected = TracedOwner {
        pid: 7,
        comm: "7".into(),
        process,
        at: Duration::from_secs(9),
        opened_at: Some(Duration::from_secs(7)),
    };
    assert_eq!(owners.owner_of(NonZeroU64::MIN), Some(&expected));
}

#[test]
fn after_a_loss_open_sockets_are_unknown() {
    let mut owners = TraceOwners::default();
    owners.add([event(Connect, 7, UNBOUND, SERVER)]);
    owners.clear();
    owners.add([event(Destroy, 7, CLIENT, SERVER)]);
    assert_eq!(owners.owner_of(NonZeroU64::MIN), None);
}

#[test]
fn memory_is_bounded_and_the_newest_stay() {
    let mut owners = TraceOwners::default();
    let kept_open = TraceEvent {
        socket: u64::MAX,
        ..event(Connect, 5, UNBOUND, SERVER)
    };
    owners.add([kept_open]);
    for number in 1..=100_000_u64 {
        let of = |kind| TraceEvent {
            socket: number,
            cookie: (kind == Destroy).then(|| NonZeroU64::new(number).unwrap()),
            ..event(kind, 7, CLIENT, SERVER)
        };
        owners.add([of(Connect), of(Destroy)]);
    }
    assert_eq!(owners.open.len(), 1);
    assert!(owners.order.len() <= 2 * MAX_OPEN);
    assert_eq!(owners.freed.lengths(), (MAX_FREED, MAX_FREED));
    assert!(owners.owner_of(NonZeroU64::new(100_000).unwrap()).is_some());
    assert!(owners.owner_of(NonZeroU64::MIN).is_none());
    for number in 1..=40_000_u64 {
        let opened = event(Connect, 7, CLIENT, SERVER);
        owners.add([TraceEvent {
            socket: number,
            ..opened
        }]);
    }
    assert_eq!(owners.open.len(), MAX_OPEN);
    assert!(owners.order.len() <= 2 * MAX_OPEN);
}
