//! The rules of the ephemeral range; `tests/kernel/ephemeral.rs` compares them with the kernel.

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

/// So many ports of the range as `connect()` takes them, the even ones first, connected from `local` to
/// `remote`.
fn connections(count: usize, local: &str, remote: &str, state: State) -> Vec<Socket> {
    let local = |port| format!("{local}:{port}");
    let even_first = (40_000..40_020)
        .step_by(2)
        .chain((40_001..40_020).step_by(2));
    even_first
        .map(|port| tcp(&local(port), Some(remote), state))
        .take(count)
        .collect()
}

fn used(ports: &EphemeralPorts, sockets: &[Vec<Socket>]) -> EphemeralUse {
    EphemeralUse::of(ports, sockets.iter().flatten())
}

fn held(bound: usize, connected: usize, time_wait: usize) -> PortUsage {
    PortUsage {
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
        (fullest.remote, fullest.usage),
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
    assert_eq!(used.ports, held(2, 4, 0));
    assert_eq!(used.fullest.unwrap().usage, held(2, 4, 0));
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
        used.fullest.map_or(0, |one| one.usage.total())
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
fn a_shortage_is_a_problem_from_eighty_percent_on_with_its_remedy() {
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
         connections, 1 by a server: close idle connections, or widen net.ipv4.ip_local_port_range"
    );
    assert_eq!(brief, "no port to 10.0.0.9:5432 left: close idle ones");
    let servers = (40_000..40_020).map(|port| tcp(&format!("0.0.0.0:{port}"), None, State::Listen));
    let (_, brief) = told(&[servers.collect()]).unwrap();
    assert_eq!(brief, "no port left: move servers");
}

/// A connection from each of these ports of the range, each to a destination of its own.
fn scattered(ports: impl IntoIterator<Item = u16>, state: State) -> Vec<Socket> {
    let one = |(at, port): (usize, u16)| {
        let remote = format!("10.1.0.{at}:5432");
        tcp(&format!("10.0.0.7:{port}"), Some(&remote), state)
    };
    ports.into_iter().enumerate().map(one).collect()
}

#[test]
fn connections_on_odd_ports_to_many_destinations_were_bound_first_and_are_lost_to_every_destination()
 {
    // `bind()` goes on with the even ports when the odd ones are taken.
    let odd_then_even = (0..20).map(|at| 40_000 + if at < 10 { 2 * at + 1 } else { 2 * (at - 10) });
    let of = |count| {
        used(
            &ports(TimeWaitReuse::Loopback),
            &[scattered(
                odd_then_even.clone().take(count),
                State::Established,
            )],
        )
    };
    for count in 0..=20 {
        let used = of(count);
        assert_eq!(used.bound_first, held(0, count, 0));
        assert_eq!(used.percent(), count * 5);
    }
    assert_eq!(of(15).problem(), None);
    let problem = of(16).problem().unwrap();
    assert_eq!(
        problem.message.to_string(),
        "16 of 20 ephemeral ports are taken, 16 by connections that seem to have been bound before they \
         connected: set IP_BIND_ADDRESS_NO_PORT before bind(), or connect without bind(), or widen \
         net.ipv4.ip_local_port_range"
    );
    assert_eq!(
        problem.brief.to_string(),
        "80% of ports taken: IP_BIND_ADDRESS_NO_PORT"
    );
    let none_left = of(20).problem().unwrap().brief.to_string();
    assert_eq!(none_left, "no port left: IP_BIND_ADDRESS_NO_PORT");
}

#[test]
fn connections_that_were_bound_first_keep_their_ports_while_they_wait_whatever_is_reused() {
    let used = used(
        &ports(TimeWaitReuse::Always),
        &[scattered(40_000..40_020, State::TimeWait)],
    );
    assert_eq!((used.bound_first, used.percent()), (held(0, 0, 20), 100));
}

#[test]
fn connections_on_even_ports_take_them_from_their_destination_alone() {
    let even = || (40_000..40_020).step_by(2);
    let used = used(
        &ports(TimeWaitReuse::Never),
        &[
            scattered(even(), State::Established),
            scattered(even().chain(even()), State::Established),
        ],
    );
    assert_eq!(
        (used.bound_first, used.ports.connected),
        (PortUsage::default(), 10)
    );
    assert_eq!(used.problem(), None);
}

#[test]
fn connections_to_one_destination_come_to_odd_ports_without_a_bind() {
    let one = connections(19, "10.0.0.7", "10.0.0.9:5432", State::Established);
    let other = scattered((40_000..40_020).step_by(2), State::Established);
    let used = used(&ports(TimeWaitReuse::Never), &[one, other]);
    assert_eq!(used.bound_first, PortUsage::default());
    assert_eq!(used.fullest.unwrap().usage, held(0, 19, 0));
}

#[test]
fn connections_that_were_bound_first_are_known_beside_others_and_on_several_own_addresses() {
    let odd = || (40_001..40_020).step_by(2);
    let from = |address: &str| {
        let mut sockets = scattered(40_000..40_020, State::Established);
        for socket in &mut sockets {
            socket.local.address = address.parse().unwrap();
        }
        sockets
    };
    let both = used(
        &ports(TimeWaitReuse::Never),
        &[from("10.0.0.7"), from("10.0.0.8")],
    );
    assert_eq!(both.bound_first, held(0, 20, 0));
    // Ports that `connect()` shares: only the odd ones are certain.
    let even = || scattered((40_000..40_020).step_by(2), State::Established);
    let mixed = [
        scattered(odd(), State::Established),
        even(),
        even().split_off(3),
        even().split_off(3),
    ];
    let mixed = used(&ports(TimeWaitReuse::Never), &mixed);
    assert_eq!((mixed.bound_first, mixed.problem()), (held(0, 10, 0), None));
}
