//! What the probes answer, beside sockets that the test holds.

use std::io::Read;
use std::net::{Ipv6Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;

use socket2::{Domain, Socket, Type};
use sockeye::bind::{Address, Probe, probe};
use sockeye::model::Protocol;

use crate::support::netns::in_netns;
use crate::support::wait_until;

/// Below the ephemeral range, so that no client of a test gets it by chance.
const PORT: u16 = 20_000;

/// Set for the run of this binary that has given up its capabilities.
const POWERLESS: &str = "SOCKEYE_TEST_POWERLESS";

/// `0.0.0.0 RA ok`, one line for each probe.
fn results(probes: &[Probe]) -> Vec<String> {
    probes
        .iter()
        .map(|probe| {
            let v6only = probe.v6only == Some(true);
            format!(
                "{}{} {} {}",
                probe.address,
                if v6only { " v6only" } else { "" },
                if probe.reuse_address { "RA" } else { "plain" },
                probe.result
            )
        })
        .collect()
}

fn tcp(address: Address) -> Vec<String> {
    results(&probe(Protocol::Tcp, address, PORT, &|_| true))
}

fn udp(address: Address) -> Vec<String> {
    results(&probe(Protocol::Udp, address, PORT, &|_| true))
}

fn one(address: &str) -> Address {
    Address::One(address.parse().unwrap())
}

const ALL_FREE: [&str; 4] = [
    "0.0.0.0 RA ok",
    "0.0.0.0 plain ok",
    ":: v6only RA ok",
    ":: v6only plain ok",
];

#[test]
fn a_free_port_can_be_bound_everywhere() {
    in_netns("answers::a_free_port_can_be_bound_everywhere", || {
        assert_eq!(tcp(Address::Every), ALL_FREE);
        let loopback = [
            "127.0.0.1 RA ok",
            "127.0.0.1 plain ok",
            "::1 RA ok",
            "::1 plain ok",
        ];
        assert_eq!(tcp(Address::Loopback), loopback);
        assert_eq!(
            udp(Address::Every),
            ["0.0.0.0 plain ok", ":: v6only plain ok"]
        );
    });
}

#[test]
fn a_loopback_listener_blocks_its_address_and_the_wildcard_of_its_family() {
    let name = "answers::a_loopback_listener_blocks_its_address_and_the_wildcard_of_its_family";
    in_netns(name, || {
        let _listener = TcpListener::bind(("127.0.0.1", PORT)).unwrap();
        let expected = [
            "0.0.0.0 RA EADDRINUSE",
            "127.0.0.1 RA EADDRINUSE",
            ":: v6only RA ok",
            ":: v6only plain ok",
        ];
        assert_eq!(tcp(Address::Every), expected);
        assert_eq!(
            tcp(one("127.0.0.2")),
            ["127.0.0.2 RA ok", "127.0.0.2 plain ok"]
        );
        assert_eq!(tcp(one("0.0.0.0")), ["0.0.0.0 RA EADDRINUSE"]);
        assert_eq!(
            udp(Address::Every),
            ["0.0.0.0 plain ok", ":: v6only plain ok"]
        );
    });
}

#[test]
fn a_dual_stack_listener_blocks_both_families() {
    in_netns(
        "answers::a_dual_stack_listener_blocks_both_families",
        || {
            let listener = Socket::new(Domain::IPV6, Type::STREAM, None).unwrap();
            listener.set_only_v6(false).unwrap();
            let every = SocketAddr::from((Ipv6Addr::UNSPECIFIED, PORT));
            listener.bind(&every.into()).unwrap();
            listener.listen(1).unwrap();
            let expected = [
                "0.0.0.0 RA EADDRINUSE",
                "127.0.0.1 RA EADDRINUSE",
                ":: v6only RA EADDRINUSE",
                "::1 RA EADDRINUSE",
            ];
            assert_eq!(tcp(Address::Every), expected);
        },
    );
}

#[test]
fn leftovers_of_a_reusing_server_block_only_a_plain_bind() {
    let name = "answers::leftovers_of_a_reusing_server_block_only_a_plain_bind";
    in_netns(name, || {
        leave_time_wait();
        let expected = [
            "0.0.0.0 RA ok",
            "0.0.0.0 plain EADDRINUSE",
            ":: v6only RA ok",
            ":: v6only plain ok",
        ];
        assert_eq!(tcp(Address::Every), expected);
        assert_eq!(
            results(&probe(Protocol::Tcp, Address::Every, PORT, &|_| false)),
            ["0.0.0.0 RA ok", ":: v6only RA ok"]
        );
    });
}

/// Serves one connection and closes it first, so that the server's side ends in `TIME_WAIT`.
/// The standard library's listener sets `SO_REUSEADDR`, and what it accepts inherits that.
fn leave_time_wait() {
    let listener = TcpListener::bind(("127.0.0.1", PORT)).unwrap();
    let mut client = TcpStream::connect(("127.0.0.1", PORT)).unwrap();
    drop(listener.accept().unwrap());
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    drop(client);
    drop(listener);
    wait_until("the connection ends in TIME_WAIT", || {
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let end_of_local = format!(":{PORT:04X} ");
        table
            .lines()
            .filter_map(|line| line.split_once(&end_of_local))
            .any(|(_, rest)| rest.split_whitespace().nth(1) == Some("06"))
    });
}

#[test]
fn a_udp_socket_blocks_its_address_and_the_wildcard_of_its_family() {
    let name = "answers::a_udp_socket_blocks_its_address_and_the_wildcard_of_its_family";
    in_netns(name, || {
        let _socket = UdpSocket::bind(("::1", PORT)).unwrap();
        let expected = [
            "0.0.0.0 plain ok",
            ":: v6only plain EADDRINUSE",
            "::1 plain EADDRINUSE",
        ];
        assert_eq!(udp(Address::Every), expected);
        assert_eq!(tcp(Address::Every), ALL_FREE);
    });
}

#[test]
fn an_address_of_another_host_is_not_available_and_a_mapped_one_is() {
    let name = "answers::an_address_of_another_host_is_not_available_and_a_mapped_one_is";
    in_netns(name, || {
        assert_eq!(tcp(one("192.0.2.1")), ["192.0.2.1 RA EADDRNOTAVAIL"]);
        let mapped = ["::ffff:127.0.0.1 RA ok", "::ffff:127.0.0.1 plain ok"];
        assert_eq!(tcp(one("::ffff:127.0.0.1")), mapped);
    });
}

#[test]
fn a_privileged_port_is_denied_without_the_capability() {
    let name = "answers::a_privileged_port_is_denied_without_the_capability";
    if std::env::var_os(POWERLESS).is_some() {
        let denied = results(&probe(Protocol::Tcp, Address::Every, 80, &|_| true));
        let expected = [
            "0.0.0.0 RA EACCES",
            "127.0.0.1 RA EACCES",
            ":: v6only RA EACCES",
            "::1 RA EACCES",
        ];
        assert_eq!(denied, expected);
        assert_eq!(tcp(Address::Every), ALL_FREE);
        return;
    }
    in_netns(name, || {
        let output = Command::new("setpriv")
            .args(["--bounding-set=-all", "--inh-caps=-all"])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", &format!("bind::{name}"), "--nocapture"])
            .env(POWERLESS, "1")
            .output()
            .expect("setpriv starts");
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{stdout}");
        assert!(stdout.contains("1 passed"), "{stdout}");
    });
}
