//! The ports for outgoing connections, filled until the kernel has none left.
//!
//! Compared with it: each destination, and each own address, has the whole range, odd ports and even ones;
//! what is bound is lost to all, also by a client that binds before it connects; what is reserved is none of it; and `TIME_WAIT` gives its port to the next
//! connection a second later where `tcp_tw_reuse` says so. By default that is so on loopback addresses, which
//! `10.0.0.9` is not, though it is on `lo`.

use std::io::{self, ErrorKind, Read as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;

use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::IpBindAddressNoPort;
use socket2::{Domain, Socket, Type};
use sockeye::model::{PortUsage, ProblemCode};
use sockeye::source::{Source as _, System};
use sockeye::track::{Table, Tracker};

use crate::kernel::scene::at;
use crate::support::netns::{in_netns, stage};
use crate::support::wait_until;

const FIRST: u16 = 40_000;
const PORTS: usize = 20;

/// Twenty ports and three addresses that are not loopback.
fn prepare() {
    set("ip_local_port_range", "40000 40019");
    for address in ["10.0.0.7", "10.0.0.8", "10.0.0.9"] {
        ip(&format!("address add {address} dev lo"));
    }
}

fn ip(command: &str) {
    let status = Command::new("ip").args(command.split(' ')).status();
    assert!(status.unwrap().success(), "ip {command}");
}

fn set(name: &str, value: &str) {
    std::fs::write(format!("/proc/sys/net/ipv4/{name}"), value).unwrap();
}

fn server(address: &str) -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind(address).unwrap();
    let at = listener.local_addr().unwrap();
    (listener, at)
}

/// Connects as one does that wants no port of its own; both ends.
fn connect(server: &TcpListener) -> io::Result<[TcpStream; 2]> {
    let client = TcpStream::connect(server.local_addr()?)?;
    Ok([client, server.accept()?.0])
}

/// Connects until the kernel has no port left.
fn fill(server: &TcpListener) -> Vec<[TcpStream; 2]> {
    let mut open = Vec::new();
    loop {
        match connect(server) {
            Ok(connection) => open.push(connection),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::AddrNotAvailable, "{error}");
                return open;
            }
        }
    }
}

/// The client closes first, and keeps the port in `TIME_WAIT`.
fn close(connections: Vec<[TcpStream; 2]>) {
    for [client, mut server] in connections {
        drop(client);
        assert_eq!(server.read(&mut [0]).unwrap(), 0);
    }
}

/// The server closes first: the ports are free again. How many there were.
fn give_back(connections: Vec<[TcpStream; 2]>) -> usize {
    let count = connections.len();
    for [mut client, server] in connections {
        drop(server);
        assert_eq!(client.read(&mut [0]).unwrap(), 0);
    }
    count
}

/// What the program makes of it now.
fn table() -> Table {
    let mut tracker = Tracker::new(std::time::Duration::from_secs(5));
    let snapshot = System::new().take(at(0)).unwrap();
    Table::clone(&tracker.apply(snapshot).table)
}

/// The destination with the fewest ports left, and what uses them.
fn fullest(table: &Table) -> (SocketAddr, PortUsage) {
    let fullest = table.ephemeral.as_ref().unwrap().fullest.unwrap();
    let remote = fullest.remote;
    (SocketAddr::new(remote.address, remote.port), fullest.usage)
}

#[test]
fn a_destination_that_runs_out_of_ports_is_at_a_hundred_and_another_one_still_works() {
    in_netns(
        "ephemeral::a_destination_that_runs_out_of_ports_is_at_a_hundred_and_another_one_still_works",
        || {
            prepare();
            let (one, address) = server("10.0.0.9:5432");
            let open = fill(&one);
            assert_eq!(open.len(), PORTS);
            let full = table();
            let ephemeral = full.ephemeral.as_ref().unwrap();
            assert_eq!((ephemeral.capacity, ephemeral.percent()), (PORTS, 100));
            let connected = PortUsage {
                connected: PORTS,
                ..PortUsage::default()
            };
            assert_eq!(fullest(&full), (address, connected));
            let [problem] = full.problems.as_slice() else {
                panic!("{:?}", full.problems);
            };
            assert_eq!(problem.code, ProblemCode::EphemeralPorts);
            assert!(
                problem
                    .message
                    .starts_with("no ephemeral port to 10.0.0.9:5432 is left of 20")
            );

            let (other, _) = server("10.0.0.9:5433");
            assert_eq!(give_back(fill(&other)), PORTS, "another destination");
            ip("route replace local 10.0.0.9 dev lo table local src 10.0.0.8");
            assert_eq!(give_back(fill(&one)), PORTS, "another own address");
            ip("route replace local 10.0.0.9 dev lo table local src 10.0.0.9");

            close(open);
            let time_wait = PortUsage {
                time_wait: PORTS,
                ..PortUsage::default()
            };
            wait_until("TIME_WAIT alone", || {
                fullest(&table()) == (address, time_wait)
            });
            assert_eq!(fill(&one).len(), 0, "TIME_WAIT keeps the ports");
            assert!(table().problems[0].message.contains("20 by TIME_WAIT"));
        },
    );
}

#[test]
fn bound_and_reserved_ports_are_lost_to_every_destination() {
    in_netns(
        "ephemeral::bound_and_reserved_ports_are_lost_to_every_destination",
        || {
            prepare();
            set("ip_local_reserved_ports", "40010-40013,50000");
            let _bound = [FIRST, FIRST + 1].map(|port| server(&format!("127.0.0.1:{port}")));
            let _bound6 = TcpListener::bind(("::1", FIRST + 2)).unwrap();
            let (one, address) = server("10.0.0.9:5432");
            let open = fill(&one);
            assert_eq!(open.len(), PORTS - 4 - 3);
            let table = table();
            let ephemeral = table.ephemeral.as_ref().unwrap();
            assert_eq!((ephemeral.capacity, ephemeral.percent()), (PORTS - 4, 100));
            let usage = PortUsage {
                bound: 3,
                connected: 13,
                time_wait: 0,
            };
            assert_eq!(fullest(&table), (address, usage));
        },
    );
}

#[test]
fn a_port_in_time_wait_is_free_only_where_the_kernel_reuses_it() {
    in_netns(
        "ephemeral::a_port_in_time_wait_is_free_only_where_the_kernel_reuses_it",
        || {
            prepare();
            set("tcp_tw_reuse", "2");
            let (far, address) = server("10.0.0.9:5432");
            let (near, _) = server("127.0.0.1:5432");
            close(fill(&far));
            close(fill(&near));
            wait_until("TIME_WAIT alone", || table().counts.time_wait == 2 * PORTS);
            let time_wait = PortUsage {
                time_wait: PORTS,
                ..PortUsage::default()
            };
            assert_eq!(fullest(&table()), (address, time_wait));
            // Not before a second has passed.
            wait_until("a port for loopback", || connect(&near).is_ok());
            assert_eq!(fill(&far).len(), 0);
        },
    );
}

/// How a client comes to its port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Connect,
    /// By `bind()` to port 0 of this address.
    Bind(&'static str),
    /// The same with `SO_REUSEADDR`.
    BindReusable(&'static str),
    /// The same with `IP_BIND_ADDRESS_NO_PORT`: the port is left to `connect()`.
    BindWithoutPort(&'static str),
}

/// Connects like that to this destination; both ends.
fn connect_by(way: Way, server: &TcpListener, to: [u8; 4]) -> io::Result<[TcpStream; 2]> {
    let client = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    let address = match way {
        Way::Connect => None,
        Way::Bind(address) | Way::BindReusable(address) | Way::BindWithoutPort(address) => {
            Some(address)
        }
    };
    if matches!(way, Way::BindReusable(_)) {
        client.set_reuse_address(true)?;
    }
    if matches!(way, Way::BindWithoutPort(_)) {
        setsockopt(&client, IpBindAddressNoPort, &true)?;
    }
    if let Some(address) = address {
        client.bind(&SocketAddr::new(address.parse().unwrap(), 0).into())?;
    }
    client.connect(&SocketAddr::from((to, server.local_addr()?.port())).into())?;
    Ok([client.into(), server.accept()?.0])
}

/// A destination for each number.
fn destination(number: usize) -> [u8; 4] {
    let [high, low] = u16::try_from(number).unwrap().to_be_bytes();
    [127, 1, high, low]
}

/// Connects so often, each time to another destination, or until the kernel refuses.
fn scatter(way: Way, count: usize, server: &TcpListener) -> Vec<[TcpStream; 2]> {
    (0..count)
        .map_while(|number| connect_by(way, server, destination(number)).ok())
        .collect()
}

/// Whether `connect()` to a new destination, and whether `bind()` to port 0, find a port.
fn finds_port(server: &TcpListener) -> (bool, bool) {
    let connection = connect_by(Way::Connect, server, [127, 9, 9, 9]);
    let connects = connection.map(|one| give_back(vec![one]));
    let is_kind = |error: &io::Error, kind| assert_eq!(error.kind(), kind);
    let _ = connects
        .as_ref()
        .inspect_err(|error| is_kind(error, ErrorKind::AddrNotAvailable));
    let binds = TcpListener::bind("0.0.0.0:0");
    let _ = binds
        .as_ref()
        .inspect_err(|error| is_kind(error, ErrorKind::AddrInUse));
    (connects.is_ok(), binds.is_ok())
}

/// The message about a shortage.
fn shortage(table: &Table) -> Option<String> {
    let mut problems = table.problems.iter();
    let problem = problems.find(|problem| problem.code == ProblemCode::EphemeralPorts);
    problem.map(|problem| problem.message.to_string())
}

/// As many as there are even ports, which `connect()` takes, and odd ones, which `bind()` does.
const MANY: usize = 200;

#[test]
fn clients_that_bind_before_they_connect_use_up_the_range_for_every_destination() {
    stage(|| {
        set("ip_local_port_range", "40000 40199");
        let (server, _) = server("0.0.0.0:5432");
        for way in [
            Way::Bind("127.0.0.1"),
            Way::Bind("0.0.0.0"),
            Way::BindReusable("127.0.0.1"),
        ] {
            let most = scatter(way, MANY * 4 / 5 - 1, &server);
            assert_eq!(shortage(&table()), None, "{way:?}: 159 of 200");
            assert_eq!(finds_port(&server), (true, true));
            give_back(most);
            let all = scatter(way, MANY + 1, &server);
            assert_eq!(all.len(), MANY, "{way:?}");
            assert_eq!(finds_port(&server), (false, false), "{way:?}");
            let full = table();
            let connected = PortUsage {
                connected: MANY,
                ..PortUsage::default()
            };
            assert_eq!(full.ephemeral.as_ref().unwrap().bound_first, connected);
            let message = shortage(&full).unwrap();
            assert!(
                message.starts_with("no ephemeral port is left of 200"),
                "{message}"
            );
            assert!(message.contains("IP_BIND_ADDRESS_NO_PORT"), "{message}");
            give_back(all);
            wait_until("the ports are free", || finds_port(&server) == (true, true));
        }
        // A client that closes first keeps the port in `TIME_WAIT`, from every destination too.
        set("tcp_tw_reuse", "1");
        close(scatter(Way::Bind("127.0.0.1"), MANY, &server));
        wait_until("TIME_WAIT alone", || {
            table().ephemeral.unwrap().bound_first.time_wait == MANY
        });
        assert_eq!(finds_port(&server), (false, false));
        let message = shortage(&table()).unwrap();
        assert!(
            message.starts_with("no ephemeral port is left of 200"),
            "{message}"
        );
    });
}

#[test]
fn clients_that_leave_the_port_to_connect_use_up_nothing_that_another_destination_needs() {
    stage(|| {
        set("ip_local_port_range", "40000 40199");
        let (server, _) = server("0.0.0.0:5432");
        for way in [Way::Connect, Way::BindWithoutPort("127.0.0.1")] {
            let open = scatter(way, 3 * MANY, &server);
            assert_eq!(open.len(), 3 * MANY, "{way:?}");
            assert_eq!(finds_port(&server), (true, true), "{way:?}");
            let table = table();
            let ephemeral = table.ephemeral.as_ref().unwrap();
            assert_eq!(ephemeral.bound_first, PortUsage::default(), "{way:?}");
            assert_eq!(shortage(&table), None, "{way:?}");
            give_back(open);
        }
    });
}

#[test]
fn with_clients_that_bind_first_only_their_ports_are_lost_to_every_destination() {
    stage(|| {
        set("ip_local_port_range", "40000 40199");
        let (server, _) = server("0.0.0.0:5432");
        let _bound_first = scatter(Way::Bind("127.0.0.1"), MANY / 2, &server);
        let _connected = scatter(Way::Connect, MANY, &server);
        assert_eq!(finds_port(&server), (true, true));
        let table = table();
        let bound_first = table.ephemeral.as_ref().unwrap().bound_first;
        assert!(bound_first.connected >= MANY / 2, "{bound_first:?}");
        assert_eq!(shortage(&table), None);
    });
}
