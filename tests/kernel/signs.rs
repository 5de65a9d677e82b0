//! Each sign of trouble produced for real, and none on healthy connections.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::process::Command;
use std::time::{Duration, Instant};

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use socket2::SockRef;
use sockeye::model::Moment;
use sockeye::source::{Source as _, System};
use sockeye::track::{Tracker, TroubleKind};

use crate::kernel::scene::listener;
use crate::support::netns::in_netns;

/// Healthy connections beside those of a test: every second one is idle, the others exchange some bytes.
struct Healthy(Vec<(TcpStream, TcpStream)>);

impl Healthy {
    const COUNT: usize = 1000;

    fn open() -> Self {
        let most = getrlimit(Resource::RLIMIT_NOFILE).unwrap().1;
        setrlimit(Resource::RLIMIT_NOFILE, most, most).unwrap();
        let listener = TcpListener::bind("127.0.0.1:9000").unwrap();
        let pairs = (0..Self::COUNT).map(|_| {
            let client = TcpStream::connect("127.0.0.1:9000").unwrap();
            (client, listener.accept().unwrap().0)
        });
        Self(pairs.collect())
    }

    fn exchange(&mut self) {
        for (client, server) in self.0.iter_mut().step_by(2) {
            client.write_all(&[1; 1000]).unwrap();
            server.read_exact(&mut [0; 1000]).unwrap();
            server.write_all(&[1; 300]).unwrap();
            client.read_exact(&mut [0; 300]).unwrap();
        }
    }
}

/// A tracker of this machine, by the clock, beside healthy connections.
struct Watch {
    healthy: Healthy,
    system: System,
    tracker: Tracker,
    began: Instant,
}

impl Watch {
    fn begin() -> Self {
        Self {
            healthy: Healthy::open(),
            system: System::new().with_counters(true),
            tracker: Tracker::default(),
            began: Instant::now(),
        }
    }

    /// What is wrong now, by local port.
    fn signs(&mut self) -> Vec<(u16, TroubleKind)> {
        self.healthy.exchange();
        let now = Moment {
            steady: self.began.elapsed(),
            ..Moment::default()
        };
        let table = self.tracker.apply(self.system.take(now).unwrap()).table;
        let rows = table.rows.iter();
        let signs = rows.filter_map(|row| Some((row.socket.local.port, row.sign?)));
        signs.collect()
    }

    /// Takes a snapshot five times a second, after `act`, until there is a sign.
    fn until_there_is_one(&mut self, mut act: impl FnMut()) -> Vec<(u16, TroubleKind)> {
        let deadline = Instant::now() + Duration::from_secs(30);
        while Instant::now() < deadline {
            act();
            let signs = self.signs();
            if !signs.is_empty() {
                return signs;
            }
            std::thread::sleep(Duration::from_millis(200));
        }
        panic!("there was none");
    }
}

fn pair() -> (TcpStream, TcpStream, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:8080").unwrap();
    let client = TcpStream::connect("127.0.0.1:8080").unwrap();
    let (server, _) = listener.accept().unwrap();
    (client, server, listener)
}

fn port(stream: &TcpStream) -> u16 {
    stream.local_addr().unwrap().port()
}

fn nft(rules: &str) {
    let status = Command::new("nft")
        .arg(rules)
        .status()
        .expect("nftables is installed");
    assert!(status.success(), "{rules}");
}

#[test]
fn a_reader_that_stops_is_seen_at_both_ends() {
    in_netns("signs::a_reader_that_stops_is_seen_at_both_ends", || {
        let (mut client, _server, _listener) = pair();
        client.set_nonblocking(true).unwrap();
        let mut watch = Watch::begin();
        let mut fill = || while client.write(&[1; 16384]).is_ok() {};
        let first = watch.until_there_is_one(&mut fill);
        let at_client = (port(&client), TroubleKind::PeerNotReading);
        assert_eq!(first, [at_client], "after three seconds");
        let deadline = Instant::now() + Duration::from_secs(20);
        while !watch.signs().contains(&(8080, TroubleKind::NotReading)) {
            assert!(Instant::now() < deadline, "the server reads nothing");
            std::thread::sleep(Duration::from_millis(200));
        }
        assert!(watch.signs().contains(&at_client));
    });
}

#[test]
fn a_peer_behind_a_firewall_that_drops_everything_is_silent() {
    in_netns(
        "signs::a_peer_behind_a_firewall_that_drops_everything_is_silent",
        || {
            let (mut client, _server, _listener) = pair();
            let mut watch = Watch::begin();
            assert_eq!(watch.signs(), []);
            nft("add table inet t");
            nft("add chain inet t in { type filter hook input priority 0; }");
            nft("add rule inet t in tcp dport 8080 drop");
            client.write_all(b"is anybody there?").unwrap();
            let signs = watch.until_there_is_one(|| ());
            assert_eq!(signs, [(port(&client), TroubleKind::PeerSilent)]);
            // The answer comes once it may.
            nft("flush ruleset");
            let deadline = Instant::now() + Duration::from_secs(20);
            while !watch.signs().is_empty() {
                assert!(Instant::now() < deadline, "it is answered");
                std::thread::sleep(Duration::from_millis(100));
            }
        },
    );
}

#[test]
fn a_way_that_loses_packets_is_lossy_at_the_sender() {
    in_netns(
        "signs::a_way_that_loses_packets_is_lossy_at_the_sender",
        || {
            let (mut client, mut server, _listener) = pair();
            nft("add table inet t");
            nft("add chain inet t in { type filter hook input priority 0; }");
            nft("add rule inet t in tcp dport 8080 numgen random mod 100 < 6 drop");
            let reader = std::thread::spawn(move || {
                let mut buffer = vec![0; 1 << 16];
                while server.read(&mut buffer).is_ok_and(|count| count > 0) {}
            });
            client.set_nonblocking(true).unwrap();
            let mut watch = Watch::begin();
            let sender = port(&client);
            let signs = watch.until_there_is_one(|| while client.write(&[1; 16384]).is_ok() {});
            assert_eq!(signs, [(sender, TroubleKind::Lossy)]);
            nft("flush ruleset");
            drop(client);
            reader.join().unwrap();
        },
    );
}

#[test]
fn a_full_accept_queue_drops_handshakes_and_a_small_buffer_drops_packets() {
    in_netns(
        "signs::a_full_accept_queue_drops_handshakes_and_a_small_buffer_drops_packets",
        || {
            let _never_accepts = listener("127.0.0.1:8080");
            let server: SocketAddr = "127.0.0.1:8080".parse().unwrap();
            let connect = || TcpStream::connect_timeout(&server, Duration::from_millis(200));
            let clients: Vec<_> = (0..9).map(|_| connect().unwrap()).collect();
            let mut watch = Watch::begin();
            assert_eq!(watch.signs(), []);
            let signs = watch.until_there_is_one(|| drop(connect()));
            assert!(
                signs.contains(&(8080, TroubleKind::QueueDropping)),
                "{signs:?}"
            );
            drop((clients, watch));

            let udp = UdpSocket::bind("127.0.0.1:5353").unwrap();
            SockRef::from(&udp).set_recv_buffer_size(2304).unwrap();
            let client = UdpSocket::bind("127.0.0.1:0").unwrap();
            let mut watch = Watch::begin();
            assert_eq!(watch.signs(), []);
            let flood = || {
                for _ in 0..20 {
                    client.send_to(&[0; 500], "127.0.0.1:5353").unwrap();
                }
            };
            let signs = watch.until_there_is_one(flood);
            assert_eq!(signs, [(5353, TroubleKind::PacketsDropped)]);
        },
    );
}

#[test]
fn healthy_connections_busy_idle_and_with_a_slow_reader_have_none() {
    in_netns(
        "signs::healthy_connections_busy_idle_and_with_a_slow_reader_have_none",
        || {
            let (mut client, mut server, listener) = pair();
            let idle = TcpStream::connect("127.0.0.1:8080").unwrap();
            let (idle_server, _) = listener.accept().unwrap();
            // It reads a little at a time, so that data always waits, and its window is closed now and then.
            let mut slow = TcpStream::connect("127.0.0.1:8080").unwrap();
            let (mut slow_server, _) = listener.accept().unwrap();
            slow.set_nonblocking(true).unwrap();
            client.set_nonblocking(true).unwrap();
            let reader = std::thread::spawn(move || {
                let mut buffer = vec![0; 1 << 16];
                while server.read(&mut buffer).is_ok_and(|count| count > 0) {}
            });
            let mut watch = Watch::begin();
            let deadline = Instant::now() + Duration::from_secs(13);
            while Instant::now() < deadline {
                while slow.write(&[1; 16384]).is_ok() {}
                for _ in 0..50 {
                    let _ = client.write(&[1; 16384]);
                }
                let _ = slow_server.read(&mut vec![0; 200_000]).unwrap();
                assert_eq!(watch.signs(), []);
                std::thread::sleep(Duration::from_millis(200));
            }
            drop((client, idle, idle_server));
            reader.join().unwrap();
        },
    );
}
