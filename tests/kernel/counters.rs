//! The counters of sockets against what both ends wrote and read, and against `ss` of iproute2.

use std::collections::HashMap;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use sockeye::model::{Counters, Endpoint, Snapshot, Socket, State, TcpInfo};
use sockeye::source::{Source as _, System};
use sockeye::track::{Bytes, Flow, Table, Tracker};

use crate::kernel::scene::{at, listener};
use crate::support::netns::in_netns;

/// The counters of the socket with this port and peer, if the snapshot has them.
fn counters(snapshot: &Snapshot, local: u16, remote: Option<u16>) -> Counters {
    let port = |end: Endpoint| end.port;
    let is_it = |one: &&Socket| one.local.port == local && one.remote.map(port) == remote;
    let socket = snapshot.sockets.iter().find(is_it).expect("it is open");
    let counted = snapshot.counters.as_ref().expect("they were requested");
    let mut own = counted
        .iter()
        .filter(|one| (one.namespace, Some(one.cookie)) == (socket.namespace_id(), socket.cookie));
    let found = own.next().expect("it is counted").counters;
    assert_eq!(own.next(), None, "once");
    found
}

fn ports(stream: &TcpStream) -> (u16, Option<u16>) {
    let [local, peer] = [stream.local_addr(), stream.peer_addr()];
    (local.unwrap().port(), Some(peer.unwrap().port()))
}

fn tcp(snapshot: &Snapshot, stream: &TcpStream) -> TcpInfo {
    let (local, remote) = ports(stream);
    counters(snapshot, local, remote).tcp.expect("a connection")
}

/// A client and a server, and its listener.
fn pair(address: &str) -> (TcpStream, TcpStream, TcpListener) {
    let listener = TcpListener::bind(address).unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (server, _) = listener.accept().unwrap();
    (client, server, listener)
}

fn transfer(from: &mut TcpStream, to: &mut TcpStream, bytes: usize) {
    let mut writer = from.try_clone().unwrap();
    let written = std::thread::spawn(move || writer.write_all(&vec![7; bytes]).unwrap());
    to.read_exact(&mut vec![0; bytes]).unwrap();
    written.join().unwrap();
}

fn snapshot() -> Snapshot {
    let mut system = System::new().with_counters(true);
    system.take_once(at(0)).unwrap()
}

#[test]
fn they_are_what_both_ends_wrote_and_read_of_both_families() {
    in_netns(
        "counters::they_are_what_both_ends_wrote_and_read_of_both_families",
        || {
            for address in ["127.0.0.1:8080", "[::1]:8080"] {
                let (mut client, mut server, _listener) = pair(address);
                transfer(&mut client, &mut server, 3_000_017);
                transfer(&mut server, &mut client, 5);
                let seen = snapshot();
                let (at_client, at_server) = (tcp(&seen, &client), tcp(&seen, &server));
                assert_eq!(
                    (at_client.bytes_sent, at_client.bytes_received),
                    (3_000_017, 5)
                );
                assert_eq!(
                    (at_server.bytes_sent, at_server.bytes_received),
                    (5, 3_000_017)
                );
                assert_eq!(at_client.unsent, 0);
                assert!(at_client.rtt > Duration::ZERO);
                assert!(at_client.idle() < Duration::from_secs(5));
                // The FIN of the peer is no payload.
                drop(client);
                let closed =
                    crate::kernel::scene::wait_for(crate::kernel::scene::has(State::CloseWait));
                assert!(closed.counters.is_none(), "they were not requested");
                assert_eq!(tcp(&snapshot(), &server).bytes_received, 3_000_017);
            }
        },
    );
}

#[test]
fn unless_they_are_requested_there_are_none() {
    in_netns("counters::unless_they_are_requested_there_are_none", || {
        let _pair = pair("127.0.0.1:8080");
        let mut system = System::new();
        assert_eq!(system.take(at(0)).unwrap().counters, None);
        assert!(system.set_counters(true) && !system.set_counters(true));
        let counted = system.take(at(1)).unwrap().counters.unwrap();
        assert_eq!(counted.len(), 3, "two ends and the listener");
        system.reset();
        assert!(system.take(at(2)).unwrap().counters.is_some());
        assert!(system.set_counters(false));
        assert_eq!(system.take(at(3)).unwrap().counters, None);
    });
}

/// The fields of `ss -tinm` by their names, of the line behind that of a socket: `bytes_sent:5`, `rtt:0.03/0.01`, `d0`.
fn ss(stream: &TcpStream) -> HashMap<String, String> {
    let (local, remote) = ports(stream);
    let filter = format!("sport = :{local} and dport = :{}", remote.unwrap());
    let output = Command::new("ss").args(["-HtinmO", &filter]).output();
    let output = String::from_utf8(output.expect("iproute2 is installed").stdout).unwrap();
    let words = output
        .split_whitespace()
        .filter_map(|word| word.split_once(':'));
    words
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// The counters and what `ss` prints, once nothing is sent in between.
fn at_rest(stream: &TcpStream) -> (TcpInfo, HashMap<String, String>) {
    for _ in 0..100 {
        let (before, printed) = (tcp(&snapshot(), stream), ss(stream));
        let after = tcp(&snapshot(), stream);
        let sent = |tcp: TcpInfo| {
            (
                tcp.bytes_sent,
                tcp.bytes_retransmitted,
                tcp.rtt,
                tcp.min_rtt,
            )
        };
        if sent(before) == sent(after) {
            return (before, printed);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("it never rests");
}

#[test]
fn they_are_those_that_ss_prints() {
    in_netns("counters::they_are_those_that_ss_prints", || {
        let (mut client, mut server, _listener) = pair("127.0.0.1:8080");
        transfer(&mut client, &mut server, 100_000);
        // The server does not read: data waits to be sent.
        client.set_nonblocking(true).unwrap();
        while client.write(&[1; 16384]).is_ok() {}
        let (seen, printed) = at_rest(&client);
        let number = |name: &str| printed.get(name).map_or(0, |value| value.parse().unwrap());
        assert_eq!(
            seen.bytes_sent + seen.bytes_retransmitted,
            number("bytes_sent")
        );
        assert_eq!(u64::from(seen.unsent), number("notsent"));
        assert!(seen.unsent > 0);
        let rtt: f64 = printed["rtt"].split('/').next().unwrap().parse().unwrap();
        assert!(
            (seen.rtt.as_secs_f64() * 1000.0 - rtt).abs() < 0.002,
            "{seen:?} {rtt}"
        );
        let least: f64 = printed["minrtt"].parse().unwrap();
        let own = seen.min_rtt.unwrap().as_secs_f64() * 1000.0;
        assert!((own - least).abs() < 0.002, "{own} {least}");
        let memory = &printed["skmem"];
        assert!(memory.contains(",d0"), "{memory}");
        let (local, remote) = ports(&client);
        assert_eq!(counters(&snapshot(), local, remote).drops, Some(0));
    });
}

#[test]
fn a_listener_and_udp_have_drops_and_nothing_else() {
    in_netns(
        "counters::a_listener_and_udp_have_drops_and_nothing_else",
        || {
            let _listener = listener("127.0.0.1:8080");
            let udp = UdpSocket::bind("127.0.0.1:5353").unwrap();
            let small = socket2::SockRef::from(&udp);
            small.set_recv_buffer_size(2304).unwrap();
            let client = UdpSocket::bind("127.0.0.1:0").unwrap();
            let before = counters(&snapshot(), 5353, None);
            assert_eq!((before.tcp, before.drops), (None, Some(0)));
            for _ in 0..100 {
                client.send_to(&[0; 500], "127.0.0.1:5353").unwrap();
            }
            udp.set_nonblocking(true).unwrap();
            let drops = counters(&snapshot(), 5353, None).drops.unwrap();
            let mut received = 0;
            while udp.recv(&mut [0; 600]).is_ok() {
                received += 1;
            }
            assert_eq!(drops + received, 100);
            assert!(drops > 0);
            let waiting = counters(&snapshot(), 8080, None);
            assert_eq!((waiting.tcp, waiting.drops), (None, Some(0)));
        },
    );
}

fn flow(table: &Table, stream: &TcpStream) -> Flow {
    let (local, remote) = ports(stream);
    let is_it = |row: &&Arc<sockeye::track::Row>| {
        let socket = &row.socket;
        socket.local.port == local && socket.remote.map(|remote| remote.port) == remote
    };
    let row = table.rows.iter().find(is_it).expect("it has a row");
    *table.flows.of(row.id).expect("it is counted")
}

#[test]
fn rates_and_the_total_of_a_process_are_those_of_the_bytes_written() {
    in_netns(
        "counters::rates_and_the_total_of_a_process_are_those_of_the_bytes_written",
        || {
            let (mut client, mut server, _listener) = pair("127.0.0.1:8080");
            let (mut system, mut tracker) = (System::new().with_counters(true), Tracker::default());
            let mut seen = |second| tracker.apply(system.take(at(second)).unwrap()).table;
            transfer(&mut client, &mut server, 1000);
            assert_eq!(flow(&seen(0), &client).rates, None);
            transfer(&mut client, &mut server, 50_000);
            transfer(&mut server, &mut client, 20);
            let table = seen(2);
            let rates = |received, sent| Some(Bytes { received, sent });
            assert_eq!(flow(&table, &client).rates, rates(10, 25_000));
            assert_eq!(flow(&table, &server).rates, rates(25_000, 10));
            // This process has both ends.
            let total = |table: &Table| table.flows.totals_of(std::process::id());
            assert_eq!(total(&table), rates(51_020, 51_020));
            drop((client, server));
            assert_eq!(total(&seen(3)), rates(51_020, 51_020));
            assert_eq!(total(&seen(9)), rates(51_020, 51_020));
        },
    );
}
