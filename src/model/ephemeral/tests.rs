//! The range by its rules; `tests/kernel/ephemeral.rs` holds them against the kernel.

use super::*;

fn endpoint(text: &str) -> Endpoint {
    text.parse::<std::net::SocketAddr>().unwrap().into()
}

fn tcp(local: &str, remote: Option<&str>, state: State) -> Socket {
    Socket::new(Protocol::Tcp, endpoint(local), remote.map(endpoint), state)
}

fn ports(reuse: TimeWaitReuse) -> EphemeralPorts {
    EphemeralPorts {
        range: 40_000..=40_019,
        reserved: Vec::new(),
        reuse,
    }
}

/// The first so many ports of the range, connected from `local` to `remote`.
fn connections(count: usize, local: &str, remote: &str, state: State) -> Vec<Socket> {
    let local = |port| format!("{local}:{port}");
    (40_000..40_020)
        .map(|port| tcp(&local(port), Some(remote), state))
        .take(count)
        .collect()
}

fn used(ports: &EphemeralPorts, sockets: &[Vec<Socket>]) -> EphemeralUse {
    EphemeralUse::of(ports, sockets.iter().flatten())
}

fn held(bound: usize, connected: usize, time_wait: usize) -> Held {
    Held {
        bound,
        connected,
        time_wait,
    }
}

#[test]
fn each_destination_and_each_own_address_has_the_range_for_itself() {
    let (one, other) = ("10.0.0.9:5432", "10.0.0.9:5433");
    let used = used(
        &ports(TimeWaitReuse::Never),
        &[
            connections(12, "10.0.0.7", one, State::TimeWait),
            connections(10, "10.0.0.7", other, State::Established),
            connections(10, "10.0.0.8", one, State::Established),
        ],
    );
    assert_eq!((used.capacity, used.ports), (20, held(0, 10, 2)));
    let fullest = used.fullest.unwrap();
    assert_eq!(
        (fullest.remote, fullest.held),
        (endpoint(one), held(0, 0, 12))
    );
    assert_eq!(used.percent(), 60);
}

#[test]
fn what_is_bound_is_lost_to_every_destination_and_its_connections_are_none_of_the_range() {
    let servers = vec![
        tcp("127.0.0.1:40000", None, State::Listen),
        tcp("[::1]:40001", None, State::Bound),
        // Accepted by the first.
        tcp(
            "127.0.0.1:40000",
            Some("127.0.0.1:50000"),
            State::Established,
        ),
        tcp("0.0.0.0:80", None, State::Listen),
    ];
    let used = used(
        &ports(TimeWaitReuse::Never),
        &[
            servers,
            connections(5, "10.0.0.7", "10.0.0.9:1", State::Established),
        ],
    );
    assert_eq!(used.ports, held(2, 3, 0));
    assert_eq!(used.fullest.unwrap().held, held(2, 3, 0));
}

#[test]
fn reserved_ports_are_none_of_the_range() {
    let reserved = vec![
        1..=39_999,
        40_003..=40_006,
        40_005..=40_008,
        65_535..=65_535,
    ];
    let ports = EphemeralPorts {
        reserved,
        ..ports(TimeWaitReuse::Never)
    };
    let used = used(
        &ports,
        &[connections(
            20,
            "10.0.0.7",
            "10.0.0.9:1",
            State::Established,
        )],
    );
    assert_eq!((used.capacity, used.percent()), (14, 100));
    assert_eq!(used.ports.connected, 14);
}

#[test]
fn time_wait_that_gives_its_port_to_the_next_connection_takes_none() {
    use TimeWaitReuse::{Always, Loopback, Never};
    let taken = |reuse, address: &str, remote: &str| {
        let waiting = connections(7, address, remote, State::TimeWait);
        let used = used(&ports(reuse), &[waiting]);
        assert_eq!(used.ports.time_wait, 7);
        used.fullest.map_or(0, |one| one.held.total())
    };
    for (reuse, far, near) in [(Never, 7, 7), (Loopback, 7, 0), (Always, 0, 0)] {
        assert_eq!(taken(reuse, "10.0.0.7", "10.0.0.9:1"), far, "{reuse:?}");
        assert_eq!(taken(reuse, "127.0.0.1", "127.0.0.1:1"), near, "{reuse:?}");
        assert_eq!(taken(reuse, "[::1]", "[::1]:1"), near, "{reuse:?}");
    }
}

#[test]
fn a_range_that_is_none_and_sockets_of_another_protocol_are_no_matter() {
    let mut none = ports(TimeWaitReuse::Never);
    none.range = RangeInclusive::new(9, 1);
    none.reserved = vec![RangeInclusive::new(9, 1)];
    let all = [connections(9, "10.0.0.7", "10.0.0.9:1", State::Established)];
    let empty = used(&none, &all);
    assert_eq!((empty.capacity, empty.percent()), (0, 0));
    assert_eq!(empty.problem(), None);
    let udp = Socket::new(
        Protocol::Udp,
        endpoint("0.0.0.0:40000"),
        None,
        State::Unconn,
    );
    let used = used(&ports(TimeWaitReuse::Never), &[vec![udp]]);
    assert_eq!(used.ports.total(), 0);
}

#[test]
fn a_shortage_is_told_from_eighty_hundredths_on_with_what_helps_against_it() {
    let told = |sockets: &[Vec<Socket>]| {
        let problem = used(&ports(TimeWaitReuse::Never), sockets).problem()?;
        Some((problem.message.to_string(), problem.brief.to_string()))
    };
    let to = |count, state| connections(count, "10.0.0.7", "10.0.0.9:5432", state);
    assert_eq!(told(&[to(15, State::TimeWait)]), None);
    let (message, brief) = told(&[to(16, State::TimeWait)]).unwrap();
    assert_eq!(
        message,
        "16 of 20 ephemeral ports to 10.0.0.9:5432 are taken, 16 by TIME_WAIT, which lasts 60 s each: \
         keep connections open (a pool), or widen net.ipv4.ip_local_port_range"
    );
    assert_eq!(
        brief,
        "80% of ports to 10.0.0.9:5432 taken: pool connections"
    );
    let server = vec![tcp("0.0.0.0:40000", None, State::Listen)];
    let (message, brief) = told(&[to(20, State::Established), server]).unwrap();
    assert_eq!(
        message,
        "no ephemeral port to 10.0.0.9:5432 is left of 20, connect() fails with EADDRNOTAVAIL; 19 by \
         connections, 1 by servers: close idle connections, or widen net.ipv4.ip_local_port_range"
    );
    assert_eq!(brief, "no port to 10.0.0.9:5432 left: close idle ones");
    let servers = (40_000..40_020).map(|port| tcp(&format!("0.0.0.0:{port}"), None, State::Listen));
    let (_, brief) = told(&[servers.collect()]).unwrap();
    assert_eq!(brief, "no port left: move servers");
}
