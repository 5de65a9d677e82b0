//! The sockets that no snapshot has: what the kernel reports of their end, compared with what both ends wrote.
//!
//! The clients and servers are threads of the test. Snapshots are half a second apart, so nearly every connection opens and
//! closes between two of them. The reports are read without any capability, as by an ordinary user.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{
    IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket,
};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};
use socket2::{Domain, SockRef, Type};
use sockeye::clock::Clock;
use sockeye::model::{LostCloses, Owner, Protocol, State};
use sockeye::source::{Source as _, System};
use sockeye::track::{ChangeKind, Event, Table, Tracker};

use crate::kernel::scene::Apart;
use crate::support::netns::stage;
use crate::support::wait_until;

const INTERVAL: Duration = Duration::from_millis(500);

/// Takes snapshots and keeps the events.
struct Watch {
    system: System,
    tracker: Tracker,
    clock: Clock,
    events: Vec<Event>,
    table: Arc<Table>,
    lost: LostCloses,
}

impl Watch {
    /// Begins with a first snapshot, without any capability.
    fn begin() -> Self {
        let none = CapabilitySets {
            effective: CapabilitySet::empty(),
            permitted: CapabilitySet::empty(),
            inheritable: CapabilitySet::empty(),
        };
        // Of this thread only.
        set_capabilities(None, none).unwrap();
        Self::begin_with(System::new().with_closes())
    }

    fn begin_with(system: System) -> Self {
        let mut watch = Self {
            system,
            tracker: Tracker::new(Duration::ZERO),
            clock: Clock::start(),
            events: Vec::new(),
            table: Arc::default(),
            lost: LostCloses::default(),
        };
        watch.take();
        watch
    }

    fn take(&mut self) {
        let snapshot = self.system.take(self.clock.now()).unwrap();
        self.lost.overruns += snapshot.lost_closes.overruns;
        self.lost.dropped += snapshot.lost_closes.dropped;
        let update = self.tracker.apply(snapshot);
        self.events.extend(update.events);
        self.table = update.table;
    }

    fn take_for(&mut self, time: Duration) {
        let end = Instant::now() + time;
        while Instant::now() < end {
            thread::sleep(INTERVAL);
            self.take();
        }
    }

    /// What is said about the end of each connection: when it has closed, or once it waits in `TIME_WAIT`.
    fn ends(&self) -> Ends {
        let closed = self.of_kind(&ChangeKind::GoneBetween);
        let closed = closed.chain(self.of_kind(&ChangeKind::Closed));
        let closed = closed.map(|event| &event.row);
        let waiting = self.table.rows.iter();
        let waiting = waiting.filter(|row| row.socket.state == State::TimeWait);
        let mut found = Ends::new();
        for row in closed.chain(waiting) {
            if let Some(remote) = row.socket.remote {
                let ends = (address(row.socket.local), address(remote));
                let tcp = row.end.as_ref().and_then(|end| end.tcp);
                let bytes = tcp.map(|tcp| (tcp.bytes_sent, tcp.bytes_received));
                found.entry(ends).or_default().push(bytes);
            }
        }
        found
    }

    fn of_kind<'a>(&'a self, kind: &'a ChangeKind) -> impl Iterator<Item = &'a Event> {
        self.events
            .iter()
            .filter(move |event| event.change.kind == *kind)
    }
}

/// The ports of a connection's two ends, and how many bytes each end has sent and received.
type Ends = BTreeMap<(SocketAddr, SocketAddr), Vec<Option<(u64, u64)>>>;

fn address(endpoint: sockeye::model::Endpoint) -> SocketAddr {
    SocketAddr::new(endpoint.address, endpoint.port)
}

/// Which end closes first.
#[derive(Clone, Copy, PartialEq)]
enum First {
    Client,
    Server,
    /// The server shuts down its side, reads the end of the client's, and closes then.
    ServerByShutdown,
}

/// Serves connections one after the other: reads `question` bytes and writes `answer` bytes, both of `sizes`.
fn serve(
    listener: &TcpListener,
    connections: usize,
    sizes: fn(usize) -> (usize, usize),
    first: First,
) {
    for number in 0..connections {
        let (question, answer) = sizes(number);
        let (mut stream, _) = listener.accept().unwrap();
        let mut buffer = [0; 4096];
        stream.read_exact(&mut buffer[..question]).unwrap();
        stream.write_all(&buffer[..answer]).unwrap();
        match first {
            First::Server => {}
            First::Client => assert_eq!(stream.read(&mut buffer).unwrap(), 0),
            First::ServerByShutdown => {
                stream.shutdown(Shutdown::Write).unwrap();
                assert_eq!(stream.read(&mut buffer).unwrap(), 0);
            }
        }
    }
}

/// Connects so many times, at most `rate` a second; returns the client's address of each.
fn connect(
    server: SocketAddr,
    connections: usize,
    rate: u32,
    sizes: fn(usize) -> (usize, usize),
    first: First,
) -> Vec<SocketAddr> {
    let began = Instant::now();
    let each = Duration::from_secs(1) / rate;
    let client = |number: usize| {
        let (question, answer) = sizes(number);
        let mut stream = TcpStream::connect(server).unwrap();
        let own = stream.local_addr().unwrap();
        let mut buffer = [0; 4096];
        stream.write_all(&buffer[..question]).unwrap();
        stream.read_exact(&mut buffer[..answer]).unwrap();
        if first != First::Client {
            assert_eq!(stream.read(&mut buffer).unwrap(), 0);
        }
        drop(stream);
        let due = each * u32::try_from(number).unwrap();
        thread::sleep(due.saturating_sub(began.elapsed()));
        own
    };
    (0..connections).map(client).collect()
}

/// Makes connections on these addresses at once, watches them, and compares each end's bytes with what was written. Whether no
/// report was lost; else there is no comparison.
fn compare(servers: &[(IpAddr, First)], connections: usize, rate: u32) -> bool {
    let sizes: fn(usize) -> (usize, usize) = |number| (1 + number % 700, number % 300);
    let listeners: Vec<_> = servers
        .iter()
        .map(|&(ip, first)| (TcpListener::bind((ip, 0)).unwrap(), first))
        .collect();
    let mut watch = Watch::begin();
    let made = thread::scope(|scope| {
        let mut clients = Vec::new();
        for (listener, first) in &listeners {
            let server = listener.local_addr().unwrap();
            scope.spawn(move || serve(listener, connections, sizes, *first));
            let client = move || connect(server, connections, rate, sizes, *first);
            clients.push((server, scope.spawn(client)));
        }
        watch.take_for(Duration::from_secs(
            connections as u64 / u64::from(rate) + 1,
        ));
        let made = clients.into_iter();
        let made: Vec<_> = made
            .map(|(server, one)| (server, one.join().unwrap()))
            .collect();
        made
    });
    watch.take_for(Duration::from_secs(1));
    if watch.lost.are_any() {
        eprintln!("once more: {:?}", watch.lost);
        return false;
    }
    let mut found = watch.ends();
    let mut expected = Ends::new();
    for (server, clients) in made {
        for (number, client) in clients.into_iter().enumerate() {
            let (question, answer) = sizes(number);
            let (question, answer) = (question as u64, answer as u64);
            expected
                .entry((client, server))
                .or_default()
                .push(Some((question, answer)));
            expected
                .entry((server, client))
                .or_default()
                .push(Some((answer, question)));
        }
    }
    for all in found.values_mut().chain(expected.values_mut()) {
        all.sort_unstable();
    }
    let differs = expected
        .iter()
        .filter(|(ends, bytes)| found.get(ends) != Some(bytes));
    let differs: Vec<_> = differs
        .map(|(ends, bytes)| (ends, bytes, found.get(ends)))
        .take(5)
        .collect();
    assert_eq!(differs, [], "of {} ends", expected.len());
    assert_eq!(found.len(), expected.len(), "nothing is invented");
    true
}

#[test]
fn every_connection_of_a_millisecond_is_reported_once_with_its_bytes() {
    stage(|| {
        let v4 = |last| IpAddr::V4(Ipv4Addr::new(127, 0, 0, last));
        let servers = [
            (v4(1), First::Client),
            (v4(2), First::Server),
            (v4(3), First::ServerByShutdown),
            (IpAddr::V6(Ipv6Addr::LOCALHOST), First::Server),
        ];
        // A machine that is busy may lose some, which is counted.
        let is_whole = (0..5).any(|_| compare(&servers, 1500, 500));
        assert!(is_whole, "reports were lost each time");
    });
}

/// The events about sockets on this local port, each as `kind remote bytes-sent`.
fn on_port(watch: &Watch, port: u16) -> Vec<String> {
    let of_port = watch
        .events
        .iter()
        .filter(|event| event.row.socket.local.port == port);
    let line = |event: &Event| {
        let (kind, socket) = (&event.change.kind, &event.row.socket);
        let remote = socket
            .remote
            .map_or("-".to_owned(), |peer| peer.to_string());
        let tcp = event.row.end.as_ref().and_then(|end| end.tcp);
        let sent = tcp.map_or("-".to_owned(), |tcp| tcp.bytes_sent.to_string());
        format!("{kind:?} {remote} {sent}")
    };
    of_port.map(line).collect()
}

#[test]
fn what_the_kernel_clears_of_a_reset_or_failed_connection_is_left_out() {
    stage(|| {
        let listener = TcpListener::bind("127.0.0.1:8080").unwrap();
        let mut watch = Watch::begin();
        let mut client = TcpStream::connect("127.0.0.1:8080").unwrap();
        let (mut server, _) = listener.accept().unwrap();
        client.write_all(b"four").unwrap();
        server.read_exact(&mut [0; 4]).unwrap();
        let reset = client.local_addr().unwrap().port();
        SockRef::from(&client)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
        drop(client);
        // The other side gets the reset, and keeps its counters.
        server.read(&mut [0]).unwrap_err();
        drop(server);
        let failed = socket2::Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        failed.bind(&address_of("127.0.0.1:5000").into()).unwrap();
        failed
            .connect(&address_of("127.0.0.1:9").into())
            .unwrap_err();
        drop(failed);
        watch.take_for(INTERVAL * 2);
        assert_eq!(on_port(&watch, reset), ["GoneBetween - -"]);
        assert_eq!(on_port(&watch, 5000), ["GoneBetween - -"]);
        let peer = format!("GoneBetween 127.0.0.1:{reset} 0");
        assert_eq!(on_port(&watch, 8080), [peer]);
        let accepted = watch
            .events
            .iter()
            .find(|event| event.row.socket.local.port == 8080);
        let owner = &accepted.unwrap().row.socket.owner;
        let Owner::Inferred(processes) = owner else {
            panic!("{owner:?}");
        };
        assert_eq!(processes[0].pid, std::process::id());
    });
}

fn address_of(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

#[test]
fn a_udp_socket_is_reported_if_it_was_ever_bound() {
    stage(|| {
        let mut watch = Watch::begin();
        drop(UdpSocket::bind("127.0.0.1:5300").unwrap());
        let connected = UdpSocket::bind("127.0.0.1:5301").unwrap();
        connected.connect("127.0.0.1:9").unwrap();
        drop(connected);
        // Never bound.
        drop(socket2::Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap());
        drop(socket2::Socket::new(Domain::IPV6, Type::STREAM, None).unwrap());
        watch.take_for(INTERVAL * 2);
        assert_eq!(on_port(&watch, 5300), ["GoneBetween - -"]);
        assert_eq!(on_port(&watch, 5301), ["GoneBetween 127.0.0.1:9 -"]);
        assert_eq!(watch.events.len(), 2, "{:?}", watch.events);
        let rows = watch.events.iter().map(|event| &event.row);
        assert!(rows.clone().all(|row| row.socket.protocol == Protocol::Udp));
        let may_listen: Vec<_> = rows.map(|row| row.may_have_listened()).collect();
        assert_eq!(may_listen, [true, false]);
    });
}

#[test]
fn a_listener_that_closes_is_closed_in_the_next_snapshot() {
    stage(|| {
        let listener = TcpListener::bind("127.0.0.1:8080").unwrap();
        let mut watch = Watch::begin();
        drop(listener);
        wait_until("the report was read", || {
            watch.take();
            watch.events.len() == 1
        });
        assert_eq!(watch.events[0].change.kind, ChangeKind::Closed);
        // Without a report a second snapshot has to prove it.
        assert!(watch.events[0].row.end.is_some());
    });
}

#[test]
fn sockets_of_other_namespaces_are_reported_too_and_nothing_keeps_their_namespace() {
    stage(|| {
        let apart = Apart::new();
        apart.run(|inside| {
            inside
                .listeners
                .push(TcpListener::bind("127.0.0.1:8080").unwrap());
            let peer = std::process::id().to_string();
            let add = [
                "link", "add", "inner", "type", "veth", "peer", "name", "outer",
            ];
            let mut ip = std::process::Command::new("ip");
            assert!(
                ip.args(add)
                    .args(["netns", &peer])
                    .status()
                    .unwrap()
                    .success()
            );
        });
        let mut watch = Watch::begin_with(System::new().with_all_namespaces().with_closes());
        // The same port of our own, so that it has to be known whose it was.
        let own = TcpListener::bind("127.0.0.1:8080").unwrap();
        watch.take();
        watch.events.clear();
        apart.run(|inside| {
            for _ in 0..100 {
                let mut client = TcpStream::connect("127.0.0.1:8080").unwrap();
                client.write_all(b"four").unwrap();
                let (mut server, _) = inside.listeners[0].accept().unwrap();
                server.read_exact(&mut [0; 4]).unwrap();
                drop(server);
                assert_eq!(client.read(&mut [0]).unwrap(), 0);
            }
        });
        watch.take_for(INTERVAL * 2);
        assert!(watch.events.iter().all(|event| !event.row.socket.is_own()));
        let found = watch.ends();
        let of_server = |ends: &&(SocketAddr, SocketAddr)| ends.0.port() == 8080;
        let servers = found.keys().filter(of_server).count();
        assert_eq!((servers, found.len()), (100, 200));
        let bytes: BTreeMap<_, usize> =
            found
                .values()
                .flatten()
                .fold(BTreeMap::new(), |mut all, one| {
                    *all.entry(*one).or_default() += 1;
                    all
                });
        assert_eq!(bytes, [(Some((0, 4)), 100), (Some((4, 0)), 100)].into());
        drop(apart);
        wait_until("the namespace ends with its devices", || {
            let show = ["link", "show", "outer"];
            !std::process::Command::new("ip")
                .args(show)
                .output()
                .unwrap()
                .status
                .success()
        });
        watch.take_for(INTERVAL * 2);
        let last = watch.events.last().unwrap();
        assert_eq!(last.change.kind, ChangeKind::Closed, "{last:?}");
        drop(own);
    });
}

fn ip(words: &str) {
    let status = std::process::Command::new("ip")
        .args(words.split(' '))
        .status();
    assert!(status.unwrap().success(), "ip {words}");
}

/// The other end is in another network namespace, so nothing says what it has sent.
#[test]
fn one_end_alone_has_the_bytes_that_were_written() {
    stage(|| {
        let sizes: fn(usize) -> (usize, usize) = |number| (1 + number % 700, number % 300);
        let apart = Apart::new();
        let pid = std::process::id();
        apart.run(move |_| {
            ip(&format!(
                "link add inner type veth peer name outer netns {pid}"
            ));
            ip("addr add 10.9.0.2/24 dev inner");
            ip("link set inner up");
        });
        ip("addr add 10.9.0.1/24 dev outer");
        ip("link set outer up");
        let firsts = [First::Client, First::Server, First::ServerByShutdown];
        for (port, first) in (8080..).zip(firsts) {
            let address: SocketAddr = ([10, 9, 0, 1], port).into();
            let listener = TcpListener::bind(address).unwrap();
            let mut watch = Watch::begin_with(System::new().with_closes());
            thread::scope(|scope| {
                scope.spawn(|| serve(&listener, 100, sizes, first));
                apart.run(move |_| {
                    connect(address, 100, 1000, sizes, first);
                });
            });
            watch.take_for(INTERVAL * 2);
            let bytes = watch.ends().into_values().flatten().flatten();
            let mut bytes: Vec<_> = bytes.collect();
            bytes.sort_unstable();
            let expected = (0..100)
                .map(sizes)
                .map(|(question, answer)| (answer as u64, question as u64));
            let mut expected: Vec<_> = expected.collect();
            expected.sort_unstable();
            assert_eq!(bytes, expected, "the server's end on {port}");
        }
    });
}

/// The kernel frees a connection once its end is acknowledged, and keeps a smaller one until the peer closes, too.
#[test]
fn an_end_that_waits_for_its_peer_is_one_row_that_closes_with_it() {
    stage(|| {
        let listener = TcpListener::bind("127.0.0.1:8080").unwrap();
        let mut watch = Watch::begin();
        let mut client = TcpStream::connect("127.0.0.1:8080").unwrap();
        let port = client.local_addr().unwrap().port();
        let (mut server, _) = listener.accept().unwrap();
        client.write_all(b"four").unwrap();
        server.read_exact(&mut [0; 4]).unwrap();
        drop(client);
        watch.take_for(INTERVAL * 3);
        let rows = watch.table.rows.iter();
        let of_client: Vec<_> = rows.filter(|row| row.socket.local.port == port).collect();
        let [row] = &of_client[..] else {
            panic!("{of_client:?}");
        };
        assert_eq!(row.socket.state, State::FinWait2);
        let tcp = row.end.as_ref().unwrap().tcp.unwrap();
        assert_eq!((tcp.bytes_sent, tcp.bytes_received), (4, 0));
        assert_eq!(
            on_port(&watch, port).len(),
            1,
            "{:?}",
            on_port(&watch, port)
        );
        drop(server);
    });
}
