//! What the probes do to others: nothing.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use sockeye::bind::{Address, probe};
use sockeye::clock::Clock;
use sockeye::inspect::BindTester;
use sockeye::model::Protocol;

use crate::support::netns::in_netns;

const PORT: u16 = 20_000;

/// Probes in a loop on another thread while `body` runs, at least once before it starts.
fn while_probing(wants_plain: bool, body: impl FnOnce()) {
    let (rounds, done) = (AtomicUsize::new(0), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                probe(Protocol::Tcp, Address::Every, PORT, &|_| wants_plain);
                rounds.fetch_add(1, Ordering::Relaxed);
            }
        });
        while rounds.load(Ordering::Relaxed) == 0 {
            thread::yield_now();
        }
        // A panic must stop the other thread too, or the scope would wait for it forever.
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
        done.store(true, Ordering::Relaxed);
        result.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    });
    println!("{} rounds of probes", rounds.into_inner());
}

#[test]
fn repeated_probes_never_keep_a_reusing_server_from_starting() {
    let name = "safety::repeated_probes_never_keep_a_reusing_server_from_starting";
    in_netns(name, || {
        while_probing(false, || {
            for start in 0..2_000 {
                // The standard library's listener sets SO_REUSEADDR.
                if let Err(error) = TcpListener::bind(("0.0.0.0", PORT)) {
                    panic!("start {start}: {error}");
                }
            }
        });
    });
}

/// What the kernel counts as sent, of IPv4 and IPv6 alike, and on the loopback device.
fn packets_sent() -> Vec<String> {
    let words = |file: &str, wanted: &str| -> Vec<String> {
        let text = std::fs::read_to_string(file).unwrap();
        let lines = text.lines().filter(|line| line.contains(wanted));
        lines.map(str::to_owned).collect()
    };
    [
        words("/proc/net/dev", "lo:"),
        words("/proc/net/snmp", "Ip:"),
        words("/proc/net/snmp", "Tcp:"),
        words("/proc/net/snmp6", "Ip6OutRequests"),
    ]
    .concat()
}

/// A test beside each kind of holder, down to the last row of its evidence.
#[test]
fn a_test_sends_no_packet_and_leaves_no_socket() {
    let name = "safety::a_test_sends_no_packet_and_leaves_no_socket";
    in_netns(name, || {
        let listener = TcpListener::bind(("127.0.0.1", PORT)).unwrap();
        let client = TcpStream::connect(("127.0.0.1", PORT)).unwrap();
        let _server = listener.accept().unwrap();
        let mut tester = BindTester::new(Clock::start());
        // A line to the kernel is kept from one test to the next.
        tester.test(&"1".parse().unwrap());
        let (sent, open) = (packets_sent(), open_sockets());
        let near = client.local_addr().unwrap().port();
        let port = |port: u16, kind: &str| format!("{port}{kind}");
        for target in [
            port(PORT, ""),
            port(PORT, "/udp"),
            port(near, ""),
            format!("localhost:{PORT}"),
            format!("192.0.2.1:{PORT}"),
            port(PORT + 1, ""),
        ] {
            tester.test(&target.parse().unwrap());
        }
        assert_eq!(packets_sent(), sent);
        assert_eq!(open_sockets(), open);
    });
}

#[test]
fn no_client_ever_reaches_a_probe() {
    in_netns("safety::no_client_ever_reaches_a_probe", || {
        while_probing(true, || {
            for address in ["127.0.0.1", "::1"] {
                let server = SocketAddr::new(address.parse().unwrap(), PORT);
                for _ in 0..1_000 {
                    let refused = TcpStream::connect(server).expect_err("nobody listens");
                    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
                }
            }
        });
    });
}

#[test]
fn nothing_is_left_after_a_probe() {
    in_netns("safety::nothing_is_left_after_a_probe", || {
        let before = open_sockets();
        for protocol in [Protocol::Tcp, Protocol::Udp] {
            for address in [Address::Every, Address::Loopback] {
                probe(protocol, address, PORT, &|_| true);
            }
        }
        assert_eq!(open_sockets(), before);
        let output = Command::new("ss")
            .arg("-Htuan")
            .output()
            .expect("ss starts");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "");
        // A bound socket that does not listen is invisible to ss, but it would be in the way.
        let again = probe(Protocol::Tcp, Address::Every, PORT, &|_| true);
        assert!(again.iter().all(|probe| probe.result.is_ok()), "{again:?}");
    });
}

/// The sockets among this process's files.
fn open_sockets() -> Vec<String> {
    let mut sockets: Vec<_> = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok())
        .map(|link| link.to_string_lossy().into_owned())
        .filter(|link| link.starts_with("socket:"))
        .collect();
    sockets.sort();
    sockets
}
