//! The kinds of sockets beside TCP and UDP: real ones, compared with `ss` and `/proc/net`.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use socket2::{Domain, Protocol as Number, Socket, Type};
use sockeye::model::{self, Kinds, Owner, Portless, ProblemCode, Protocol, Snapshot, State};
use sockeye::source::System;

use crate::kernel::scene::{at, is_inner, listener, run_under};
use crate::program::built;
use crate::support::netns::stage;

fn seen(kinds: &[Protocol]) -> Snapshot {
    let kinds = kinds.iter().copied().collect();
    System::new().with_kinds(kinds).take_once(at(0)).unwrap()
}

/// Those of one protocol, nothing being wrong with it.
fn only(protocol: Protocol) -> Vec<model::Socket> {
    let seen = seen(&[protocol]);
    assert_eq!(seen.problems, []);
    let sockets = seen.sockets.into_iter();
    sockets.filter(|one| one.protocol == protocol).collect()
}

/// What a tool prints.
fn printed(command: &str) -> String {
    let mut words = command.split(' ');
    let output = Command::new(words.next().unwrap())
        .args(words)
        .output()
        .unwrap();
    assert!(output.status.success(), "{command}: {output:?}");
    // Names may have any bytes.
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn state(socket: &model::Socket) -> &'static str {
    match socket.state {
        State::Established => "ESTAB",
        other => other.as_str(),
    }
}

fn raw_socket(domain: Domain, kind: Type, number: i32, address: &str) -> Socket {
    let socket = Socket::new(domain, kind, Some(Number::from(number))).unwrap();
    let address: std::net::SocketAddr = address.parse().unwrap();
    socket.bind(&address.into()).unwrap();
    socket
}

fn assert_is_ours(socket: &model::Socket) {
    let pids: Vec<_> = socket.owner.present().iter().map(|one| one.pid).collect();
    assert_eq!(pids, [std::process::id()], "{socket:?}");
    assert_eq!(socket.uid, Some(rustix::process::geteuid().as_raw()));
}

// Unix sockets.

/// A folder of the test's own, removed with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("sockeye-families-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// One of each type, in each state, with and without names.
struct UnixSockets {
    listener: UnixListener,
    _rest: Vec<OwnedFd>,
}

impl UnixSockets {
    fn open(folder: &Folder) -> Self {
        let listener = UnixListener::bind(folder.path("app.sock")).unwrap();
        let named = SocketAddr::from_abstract_name("families-test").unwrap();
        let abstract_listener = UnixListener::bind_addr(&named).unwrap();
        let datagrams = UnixDatagram::bind(folder.path("dgr.sock")).unwrap();
        let sender = UnixDatagram::unbound().unwrap();
        sender.connect(folder.path("dgr.sock")).unwrap();
        let client = UnixStream::connect(folder.path("app.sock")).unwrap();
        let (server, _) = listener.accept().unwrap();
        let waiting = UnixStream::connect_addr(&named).unwrap();
        let sequence = Socket::new(Domain::UNIX, Type::SEQPACKET, None).unwrap();
        let address = socket2::SockAddr::unix(folder.path("seq.sock")).unwrap();
        sequence.bind(&address).unwrap();
        sequence.listen(3).unwrap();
        let bound = Socket::new(Domain::UNIX, Type::STREAM, None).unwrap();
        let address = socket2::SockAddr::unix(folder.path("bound.sock")).unwrap();
        bound.bind(&address).unwrap();
        let pair = UnixStream::pair().unwrap();
        let rest = vec![
            abstract_listener.into(),
            datagrams.into(),
            sender.into(),
            client.into(),
            server.into(),
            pair.0.into(),
            pair.1.into(),
            waiting.into(),
            sequence.into(),
            bound.into(),
        ];
        Self {
            listener,
            _rest: rest,
        }
    }
}

/// A unix socket in the words of `ss -Hxan`: type, state, queues, name and inode, peer's inode.
fn unix_words(socket: &model::Socket) -> String {
    let unix = socket.unix().unwrap();
    let queue = socket.queue.unwrap();
    format!(
        "{} {} {} {} {} {} {}",
        socket.protocol_and_family(),
        state(socket),
        queue.receive,
        queue.send,
        socket.local_text().unwrap_or_else(|| "*".into()),
        socket.inode.unwrap(),
        unix.peer.as_ref().map_or(0, |peer| peer.inode),
    )
}

fn unix_of_ss() -> BTreeSet<String> {
    let lines = printed("ss -Hxan");
    let line = |line: &str| {
        let mut words: Vec<_> = line.split_whitespace().take(8).collect();
        // The peer's name, which ss never has here.
        assert_eq!(words.remove(6), "*", "{line}");
        words.join(" ")
    };
    lines.lines().map(line).collect()
}

#[test]
fn every_unix_socket_of_ss_is_ours_and_every_one_of_ours_is_in_ss() {
    stage(|| {
        let folder = Folder::new("ss");
        let sockets = UnixSockets::open(&folder);
        let all = only(Protocol::Unix);
        let ours: BTreeSet<_> = all.iter().map(unix_words).collect();
        assert_eq!(ours, unix_of_ss());
        assert_eq!(all.len(), 11, "{ours:?}");
        all.iter().for_each(assert_is_ours);
        let path = folder.path("app.sock");
        let has_name = |one: &&model::Socket| one.local_text().as_deref() == Some(&*path);
        let named: Vec<_> = all.iter().filter(has_name).collect();
        let [listening, server] = named[..] else {
            panic!("the listener and what it accepted: {named:?}")
        };
        let (listening, server) = match listening.state {
            State::Listen => (listening, server),
            _ => (server, listening),
        };
        assert!(listening.is_listening() && !listening.is_connection());
        assert!(server.is_connection() && !server.is_listening());
        drop(sockets.listener);
    });
}

#[test]
fn both_ends_of_a_unix_connection_name_the_other() {
    stage(|| {
        let folder = Folder::new("peers");
        let listener = UnixListener::bind(folder.path("app.sock")).unwrap();
        let _client = UnixStream::connect(folder.path("app.sock")).unwrap();
        let _server = listener.accept().unwrap();
        let all = only(Protocol::Unix);
        let me = std::process::id();
        let connections = all.iter().filter(|one| one.is_connection());
        let mut texts: Vec<_> = connections.map(|one| one.remote_text().unwrap()).collect();
        texts.sort();
        let [to_server, to_client] = &texts[..] else {
            panic!("{texts:?}")
        };
        assert!(to_server.starts_with(&folder.path("app.sock")), "{texts:?}");
        for text in [to_server, to_client] {
            assert!(text.ends_with(&format!("({me})")), "{texts:?}");
        }
    });
}

#[test]
fn names_of_any_bytes_are_shown_harmlessly_and_each_socket_is_one_row() {
    stage(|| {
        let folder = Folder::new("hostile");
        let names: [&[u8]; 5] = [b"a\0b", b"\x1b[2J\x1b]0;x\x07", b"", b"\0\0\0", b"\xff\n@"];
        let sockets = names.map(|name| {
            let address = SocketAddr::from_abstract_name(name).unwrap();
            UnixListener::bind_addr(&address).unwrap()
        });
        let long = [b'x'; 107];
        let address = SocketAddr::from_abstract_name(long).unwrap();
        let _long = UnixListener::bind_addr(&address).unwrap();
        let path = folder.path("\x1b[31m red\n");
        let _path = UnixListener::bind(path).unwrap();
        let all = only(Protocol::Unix);
        assert_eq!(all.len(), 7);
        let shown: BTreeSet<_> = all.iter().filter_map(model::Socket::local_text).collect();
        for name in &shown {
            assert_eq!(model::clean(name), *name);
        }
        let long = format!("@{}", "x".repeat(107));
        for expected in [
            "@a\\x00b",
            "@\\x1b[2J\\x1b]0;x\\x07",
            "@\\x00\\x00\\x00",
            &long,
        ] {
            assert!(shown.contains(expected), "{expected} in {shown:?}");
        }
        assert!(
            shown.iter().any(|name| name.ends_with("\\x1b[31m red\\n")),
            "{shown:?}"
        );
        drop(sockets);
    });
}

// Raw, ping and packet sockets.

#[test]
fn raw_sockets_are_those_of_ss_and_ping_sockets_those_of_proc_net() {
    stage(|| {
        let groups = "/proc/sys/net/ipv4/ping_group_range";
        let group = rustix::process::getegid().as_raw();
        std::fs::write(groups, format!("{group} {group}")).unwrap();
        let _raw = [
            raw_socket(Domain::IPV4, Type::RAW, 1, "0.0.0.0:0"),
            raw_socket(Domain::IPV4, Type::RAW, 200, "127.0.0.1:0"),
            raw_socket(Domain::IPV6, Type::RAW, 58, "[::1]:0"),
        ];
        let _ping = raw_socket(Domain::IPV4, Type::DGRAM, 1, "127.0.0.1:4242");
        let all = only(Protocol::Raw);
        all.iter().for_each(assert_is_ours);
        let number = |socket: &model::Socket| match socket.portless.as_deref() {
            Some(Portless::Raw(raw)) => *raw,
            other => panic!("{other:?}"),
        };
        let (ping, raw): (Vec<_>, Vec<_>) = all
            .iter()
            .partition(|socket| number(socket).identifier.is_some());
        let words = |socket: &&model::Socket| {
            let address = match socket.local.address {
                std::net::IpAddr::V4(v4) => v4.to_string(),
                std::net::IpAddr::V6(v6) => format!("[{v6}]"),
            };
            format!("{} {address}:{}", state(socket), number(socket).number)
        };
        let ours: BTreeSet<_> = raw.iter().map(words).collect();
        let lines = printed("ss -Hwan");
        let of_ss = lines.lines().map(|line| {
            let words: Vec<_> = line.split_whitespace().collect();
            format!("{} {}", words[0], words[3])
        });
        assert_eq!(ours, of_ss.collect());
        assert_eq!(ours.len(), 3);
        let [ping] = ping[..] else { panic!("{ping:?}") };
        assert_eq!(ping.local_text().as_deref(), Some("127.0.0.1:icmp/4242"));
        let table = std::fs::read_to_string("/proc/net/icmp").unwrap();
        let inode = ping.inode.unwrap().to_string();
        let mut words = table.split_whitespace();
        assert!(words.any(|word| word == inode), "{inode} in {table}");
    });
}

/// A child that has packet sockets; ends with the test.
struct PacketSockets(Child);

impl PacketSockets {
    fn open() -> Self {
        let mut command = Command::new(built("kernel/helpers/packet.c"));
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        let out = child.stdout.as_mut().unwrap();
        BufReader::new(out).read_line(&mut line).unwrap();
        let sockets = Self(child);
        assert_eq!(line, "open\n", "the kernel refuses packet sockets");
        sockets
    }
}

impl Drop for PacketSockets {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

fn packet_words(socket: &model::Socket) -> String {
    let interface = socket.interface.as_deref().unwrap_or("*");
    format!(
        "{} {} {interface} {}",
        socket.protocol_and_family(),
        state(socket),
        socket.inode.unwrap()
    )
}

#[test]
fn packet_sockets_are_those_of_ss_with_interface_ethertype_and_owner() {
    stage(|| {
        let sockets = PacketSockets::open();
        let all = only(Protocol::Packet);
        let ours: BTreeSet<_> = all.iter().map(packet_words).collect();
        let lines = printed("ss -0Hane");
        let of_ss = lines
            .lines()
            .filter(|line| line.contains("ino:"))
            .map(|line| {
                let words: Vec<_> = line.split_whitespace().collect();
                let interface = words[4].rsplit(':').next().unwrap();
                let inode = words.iter().find_map(|word| word.strip_prefix("ino:"));
                format!("{} {} {interface} {}", words[0], words[1], inode.unwrap())
            });
        assert_eq!(ours, of_ss.collect());
        let texts: BTreeSet<_> = all.iter().filter_map(model::Socket::local_text).collect();
        assert_eq!(texts, ["all".to_owned(), "arp".to_owned()].into());
        for socket in &all {
            let pids: Vec<_> = socket.owner.present().iter().map(|one| one.pid).collect();
            assert_eq!(pids, [sockets.0.id()]);
        }
    });
}

// UDP-Lite and SCTP.

#[test]
fn udplite_sockets_are_those_of_proc_net_and_have_ports_of_their_own() {
    stage(|| {
        let _sockets = [
            raw_socket(Domain::IPV4, Type::DGRAM, 136, "127.0.0.1:5353"),
            raw_socket(Domain::IPV6, Type::DGRAM, 136, "[::]:5354"),
        ];
        let _udp = std::net::UdpSocket::bind("127.0.0.1:5353").unwrap();
        let all = only(Protocol::UdpLite);
        all.iter().for_each(assert_is_ours);
        let ours: BTreeSet<_> = all
            .iter()
            .map(|one| (one.port().unwrap(), one.inode.unwrap()))
            .collect();
        let tables = ["/proc/net/udplite", "/proc/net/udplite6"];
        let tables = tables.map(|path| std::fs::read_to_string(path).unwrap());
        let lines = tables.iter().flat_map(|table| table.lines().skip(1));
        let listed = lines.map(|line| {
            let words: Vec<_> = line.split_whitespace().collect();
            let port = words[1].rsplit(':').next().unwrap();
            (
                u16::from_str_radix(port, 16).unwrap(),
                words[9].parse().unwrap(),
            )
        });
        assert_eq!(ours, listed.collect());
        assert_eq!(ours.len(), 2);
    });
}

/// Which of the two is so depends on the kernel, and the kernel says it.
#[test]
fn sctp_is_listed_or_said_not_to_be_and_only_where_it_is_requested() {
    stage(|| {
        let protocols = std::fs::read_to_string("/proc/net/protocols").unwrap();
        let is_there = protocols.lines().any(|line| line.starts_with("SCTP "));
        let problems = seen(&[Protocol::Sctp]).problems;
        let codes: Vec<_> = problems.iter().map(|problem| problem.code).collect();
        if is_there {
            assert_eq!(codes, []);
        } else {
            assert_eq!(codes, [ProblemCode::NotListed]);
            let message = &*problems[0].message;
            assert!(
                message.starts_with("SCTP sockets can't be listed: "),
                "{message}"
            );
            assert!(message.ends_with("(sock_diag says ENOENT)"), "{message}");
        }
        assert_eq!(seen(&[]).problems, []);
        assert_eq!(seen(&[Protocol::Unix, Protocol::Raw]).problems, []);
    });
}

// What is read, and what is not.

#[test]
fn none_of_them_is_read_unless_it_is_requested() {
    stage(|| {
        let folder = Folder::new("default");
        let _unix = UnixSockets::open(&folder);
        let _raw = raw_socket(Domain::IPV4, Type::RAW, 1, "0.0.0.0:0");
        let _listening = listener("127.0.0.1:8080");
        let seen = System::new().take_once(at(0)).unwrap();
        let protocols: Vec<_> = seen.sockets.iter().map(|one| one.protocol).collect();
        assert_eq!(protocols, [Protocol::Tcp]);
        assert_eq!(seen.kinds, Kinds::DEFAULT);
    });
}

#[test]
fn without_sock_diag_proc_net_has_them_and_what_is_missing_is_said() {
    stage(|| {
        let folder = Folder::new("proc");
        let _unix = UnixSockets::open(&folder);
        let _packet = PacketSockets::open();
        let _lite = raw_socket(Domain::IPV4, Type::DGRAM, 136, "127.0.0.1:5353");
        let expected = text(&seen(&[
            Protocol::Unix,
            Protocol::Packet,
            Protocol::UdpLite,
        ]));
        let path = std::env::temp_dir().join(format!("sockeye-families-{}", std::process::id()));
        std::fs::write(&path, expected).unwrap();
        let cage = built("bind/helpers/cage.c");
        for mode in ["no-netlink", "no-diag"] {
            run_under(
                &[cage.to_str().unwrap(), mode],
                "families::reader_of_proc_net",
            );
        }
        std::fs::remove_file(path).unwrap();
    });
}

/// All that both ways say of sockets.
fn text(seen: &Snapshot) -> String {
    let mut lines: Vec<_> = seen
        .sockets
        .iter()
        .filter(|one| !Kinds::DEFAULT.has(one.protocol))
        .map(|one| {
            let local = one.local_text();
            format!(
                "{} {} {local:?} {:?} {:?} {}\n",
                one.protocol_and_family(),
                // /proc/net does not identify a connected datagram socket by its state alone.
                if one.protocol == Protocol::Unix && one.state == State::Listen {
                    "LISTEN"
                } else {
                    ""
                },
                one.interface,
                one.inode,
                matches!(one.owner, Owner::Known(_))
            )
        })
        .collect();
    lines.sort();
    lines.concat()
}

#[test]
fn reader_of_proc_net() {
    if !is_inner("families::reader_of_proc_net") {
        return;
    }
    let parent = rustix::process::getppid().unwrap().as_raw_nonzero();
    let path = std::env::temp_dir().join(format!("sockeye-families-{parent}"));
    let expected = std::fs::read_to_string(path).unwrap();
    let seen = seen(&[Protocol::Unix, Protocol::Packet, Protocol::UdpLite]);
    assert_eq!(text(&seen), expected);
    let messages: Vec<_> = seen.problems.iter().map(|one| &*one.message).collect();
    let says = |end: &str| messages.iter().any(|message| message.ends_with(end));
    assert!(
        says("unix sockets are read from /proc/net, without peers, queues and users"),
        "{messages:?}"
    );
    assert!(
        says(
            "UDP-Lite sockets are read from /proc/net, without interfaces and whether they are dual-stack"
        ),
        "{messages:?}"
    );
}
