//! What `sockeye check` says of rules that send packets elsewhere, next to where the packets really go.
//!
//! Each case loads rules with the real tool, connects over a veth pair from another namespace and from
//! this one, and notes which of two listeners answers: the one at the port or the one at the rule's
//! target. The sentence and the answers stand side by side.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::process::{Child, Command, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use socket2::{Domain, Socket, Type};

use crate::support::is_required;
use crate::support::netns::stage;

const BINARY: &str = env!("CARGO_BIN_EXE_sockeye");

/// Below the ephemeral range.
const PORT: u16 = 20_000;

/// Where the rules of the cases send packets.
const TARGET: u16 = 21_000;

const HERE: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 1);
const PEER: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 2);
const OTHER_PEER: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 3);

/// Another namespace, joined to this one by a veth pair.
struct Peer(Child);

impl Peer {
    fn new() -> Self {
        let mut child = Command::new("unshare")
            .args(["-n", "sh", "-c", "echo ready; read end"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = [0; 6];
        let out = child.stdout.as_mut().unwrap();
        out.read_exact(&mut ready).unwrap();
        let pid = child.id();
        run(&format!(
            "ip link add veth0 type veth peer name veth1 netns {pid}; ip addr add {HERE}/24 dev veth0; \
             ip link set veth0 up; nsenter -t {pid} -n sh -ec 'ip addr add {PEER}/24 dev veth1; \
             ip addr add {OTHER_PEER}/24 dev veth1; ip link set veth1 up; ip link set lo up'"
        ));
        Self(child)
    }

    /// The namespace of its process.
    fn namespace(&self) -> File {
        File::open(format!("/proc/{}/ns/net", self.0.id())).unwrap()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Runs a shell's words, which must succeed.
fn run(words: &str) {
    assert!(try_run(words), "{words}");
}

fn try_run(words: &str) -> bool {
    let script = format!("PATH=$PATH:/usr/sbin:/sbin; export XTABLES_LOCKFILE=/dev/null; {words}");
    let status = Command::new("sh").args(["-ec", &script]).status();
    status.unwrap().success()
}

/// A listener at a port of every IPv4 address that answers each client with one byte; ended with it.
struct Server {
    socket: Socket,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn at(port: u16, letter: u8) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_reuse_address(true).unwrap();
        socket.set_ip_transparent_v4(true).unwrap();
        let address: SocketAddr = (Ipv4Addr::UNSPECIFIED, port).into();
        socket.bind(&address.into()).unwrap();
        socket.listen(16).unwrap();
        let listener = TcpListener::from(socket.try_clone().unwrap());
        let serve = move || {
            while let Ok((mut client, _)) = listener.accept() {
                let _ = client.write_all(&[letter]);
                // The client closes first, so that TIME_WAIT is not left at this port.
                let _ = client.read(&mut [0]);
            }
        };
        let thread = Some(thread::spawn(serve));
        Self { socket, thread }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.socket.shutdown(Shutdown::Both);
        let ended = self.thread.take().map(JoinHandle::join);
        assert!(ended.is_none_or(|ended| ended.is_ok()));
    }
}

/// Which listener answers a client from `source` at `to`: the port's own one or the target's.
fn reached(source: Ipv4Addr, to: Ipv4Addr) -> &'static str {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket
        .bind(&SocketAddr::new(IpAddr::V4(source), 0).into())
        .unwrap();
    let to: SocketAddr = (to, PORT).into();
    if socket
        .connect_timeout(&to.into(), Duration::from_secs(10))
        .is_err()
    {
        return "nothing";
    }
    let mut letter = [0];
    TcpStream::from(socket).read_exact(&mut letter).unwrap();
    match letter[0] {
        b'p' => "port",
        _ => "target",
    }
}

/// From the peer's two addresses, from here to the own address, and by the loopback interface.
fn reached_by_all(peer: &Peer) -> [&'static str; 4] {
    let namespace = peer.namespace();
    let from_peer = move |source| {
        let namespace = namespace.try_clone().unwrap();
        let client = move || {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            reached(source, HERE)
        };
        thread::spawn(client).join().unwrap()
    };
    [
        from_peer(PEER),
        from_peer(OTHER_PEER),
        reached(Ipv4Addr::UNSPECIFIED, HERE),
        reached(Ipv4Addr::UNSPECIFIED, Ipv4Addr::LOCALHOST),
    ]
}

/// What the program says of the port's packets: the note, without what every one ends with.
fn said() -> Option<String> {
    let mut check = Command::new(BINARY);
    let output = check.args(["check", &PORT.to_string()]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut gaps = text
        .lines()
        .filter(|line| line.contains("not known: packet redirects"));
    // An ordinary user's namespace may not read which legacy tables there are.
    assert!(gaps.all(|gap| gap.contains("tables_names")), "{text}");
    let ending = ": a server that binds the port may never see them.";
    let mut notes = text
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("note: "));
    notes.find_map(|note| Some(note.strip_suffix(ending)?.to_owned()))
}

/// Loads rules, then compares where packets go with what is said.
fn holds(peer: &Peer, rules: &str, expected: [&str; 4], sentence: &str) {
    run(rules);
    assert_eq!(said().as_deref().unwrap_or_default(), sentence, "{rules}");
    let _server = Server::at(PORT, b'p');
    assert_eq!(reached_by_all(peer), expected, "{rules}");
}

/// Whether a tool can load rules here; says so and fails where it is required.
fn works(tool: &str, facility: &str) -> bool {
    let is_there = try_run(&format!("{tool} >/dev/null 2>&1"));
    assert!(is_there || !is_required(facility), "{tool} is required");
    if !is_there {
        eprintln!("NOT RUN: {tool} does not work here");
    }
    is_there
}

/// Everything that comes from another namespace, and nothing else.
const INCOMING: [&str; 4] = ["target", "target", "port", "port"];

const NONE: [&str; 4] = ["port"; 4];

fn nft(rules: &str) -> String {
    format!("nft flush ruleset; nft -f - <<'E'\n{rules}\nE\n")
}

/// A table with one chain of type nat in front of what comes in.
fn nft_nat(sets: &str, rules: &str) -> String {
    nft(&format!(
        "table ip t {{\n{sets}\nchain pre {{\ntype nat hook prerouting priority -100\n{rules}\n}}\n}}"
    ))
}

#[test]
fn rules_of_nftables() {
    stage(|| {
        if !works("nft list ruleset", "netns") {
            return;
        }
        let peer = Peer::new();
        let _target = Server::at(TARGET, b't');
        let here = "(nftables ip t pre)";
        let holds = |sets: &str, rules: &str, expected, sentence: &str| {
            holds(&peer, &nft_nat(sets, rules), expected, sentence);
        };
        holds(
            "",
            "tcp dport 20000 redirect to :21000",
            INCOMING,
            &format!("Incoming packets for this port that are IPv4 go to port 21000 {here}"),
        );
        holds(
            "",
            "ip saddr != 10.9.0.3 meta l4proto tcp redirect to :21000",
            ["target", "port", "port", "port"],
            &format!(
                "Incoming packets for this port that do not come from 10.9.0.3 and are IPv4 go to port 21000 \
                 {here}"
            ),
        );
        holds(
            "chain go {\nip saddr 10.9.0.2 return\nmeta l4proto tcp redirect to :21000\n}\n\
             map v {\ntype ipv4_addr . inet_proto . inet_service : verdict\n\
             elements = { 10.9.0.1 . tcp . 20000 : goto go, 10.9.0.77 . tcp . 20000 : goto go }\n}",
            "ip daddr . meta l4proto . th dport vmap @v",
            ["port", "target", "port", "port"],
            "Incoming packets for this port that do not come from 10.9.0.2, are for 10.9.0.1 and are IPv4 go \
             to port 21000 (nftables ip t go)",
        );
        holds(
            "map m {\ntype inet_service : ipv4_addr . inet_service\n\
             elements = { 20000 : 10.9.0.1 . 21000, 20001 : 10.9.0.1 . 21001 }\n}",
            "dnat ip to tcp dport map @m",
            INCOMING,
            &format!("Incoming packets for this port go to 10.9.0.1:21000 {here}"),
        );
        for no_redirect in [
            "iifname lo tcp dport 20000 redirect to :21000",
            "tcp dport != 20000 redirect to :21000",
            "ip daddr 10.9.0.77 tcp dport 20000 redirect to :21000",
            "tcp dport 20000 accept\ntcp dport 20000 redirect to :21000",
            "ct state established tcp dport 20000 redirect to :21000",
            "udp dport 20000 redirect to :21000",
            "tcp dport 20000 redirect",
        ] {
            holds("", no_redirect, NONE, "");
        }
        let dormant = nft_nat("flags dormant", "tcp dport 20000 redirect to :21000");
        self::holds(&peer, &dormant, NONE, "");
    });
}

#[test]
fn rules_on_what_is_sent_here() {
    stage(|| {
        if !works("nft list ruleset", "netns") {
            return;
        }
        let peer = Peer::new();
        let _target = Server::at(TARGET, b't');
        let output = |rule: &str| {
            nft(&format!(
                "table inet t {{\nchain out {{\ntype nat hook output priority -100\n{rule}\n}}\n}}"
            ))
        };
        holds(
            &peer,
            &output(
                "ip daddr != 127.0.0.0/8 fib daddr type local tcp dport 20000 redirect to :21000",
            ),
            ["port", "port", "target", "port"],
            "Packets from this machine for this port that are not for 127.0.0.0/8, are for this machine's own \
             addresses and are IPv4 go to port 21000 (nftables inet t out)",
        );
        // What is sent to an own address goes out by the loopback interface.
        let by_device = "oifname veth0 tcp dport 20000 redirect to :21000";
        holds(&peer, &output(by_device), NONE, "");
    });
}

#[test]
fn transparent_proxies() {
    stage(|| {
        if !works("nft list ruleset", "netns") {
            return;
        }
        let peer = Peer::new();
        let _target = Server::at(TARGET, b't');
        let mangle = |rules: &str| {
            nft(&format!(
                "table inet t {{\nchain pre {{\ntype filter hook prerouting priority -150\n{rules}\n}}\n}}"
            ))
        };
        holds(
            &peer,
            &mangle("tcp dport 20000 tproxy ip to :21000 accept"),
            ["target"; 4],
            "Packets for this port that are IPv4 go to port 21000 (nftables inet t pre)",
        );
        holds(
            &peer,
            &mangle("iifname lo accept\nmeta l4proto tcp tproxy to :21000"),
            INCOMING,
            "Incoming packets for this port that do not come in by lo go to port 21000 (nftables inet t pre)",
        );
    });
}

/// Both kinds of `iptables`: the same rules, the same answers, another name.
fn rules_of(kind: &str) {
    let tool = format!("iptables-{kind}");
    if !works(&format!("{tool} -t nat -S"), "iptables") {
        return;
    }
    let name = if kind == "nft" {
        "iptables"
    } else {
        "iptables-legacy"
    };
    let peer = Peer::new();
    let _target = Server::at(TARGET, b't');
    let holds = |rules: &[&str], expected, sentence: &str| {
        let flush = format!("for t in nat mangle; do {tool} -t $t -F; {tool} -t $t -X; done; ");
        let rules: Vec<_> = rules
            .iter()
            .map(|rule| format!("{tool} -t {rule}; "))
            .collect();
        let sentence = sentence.replace("iptables", name);
        holds(&peer, &(flush + &rules.concat()), expected, &sentence);
    };
    holds(
        &["nat -A PREROUTING -p tcp --dport 20000 -j REDIRECT --to-ports 21000"],
        INCOMING,
        "Incoming packets for this port that are IPv4 go to port 21000 (iptables nat PREROUTING)",
    );
    holds(
        &["nat -A PREROUTING -i veth+ -p tcp -j REDIRECT --to-ports 21000"],
        INCOMING,
        "Packets for this port that come in by veth+ and are IPv4 go to port 21000 (iptables nat PREROUTING)",
    );
    holds(
        &[
            "nat -A PREROUTING ! -s 10.9.0.3 -p tcp -m multiport --dports 1:30000 -j DNAT --to 10.9.0.1:21000",
        ],
        ["target", "port", "port", "port"],
        "Incoming packets for this port that do not come from 10.9.0.3 go to 10.9.0.1:21000 \
         (iptables nat PREROUTING)",
    );
    holds(
        &[
            "nat -N DOCKER",
            "nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER",
            "nat -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER",
            "nat -A DOCKER -i docker0 -j RETURN",
            "nat -A DOCKER ! -i docker0 -p tcp --dport 20000 -j DNAT --to-destination 10.9.0.1:21000",
        ],
        ["target", "target", "target", "port"],
        "Incoming packets for this port that do not come in by docker0 and are for this machine's own \
         addresses, and packets from this machine for this port that are not for 127.0.0.0/8 and are for this \
         machine's own addresses, go to 10.9.0.1:21000 (iptables nat DOCKER)",
    );
    holds(
        &[
            "nat -N SVC",
            "nat -N SEP-1",
            "nat -A PREROUTING -p tcp --dport 20000 -m comment --comment \"ns/web\" -j SVC",
            "nat -A SVC -s 10.9.0.2 -j RETURN",
            "nat -A SVC -j SEP-1",
            "nat -A SEP-1 -p tcp -j DNAT --to-destination 10.9.0.1:21000",
        ],
        ["port", "target", "port", "port"],
        "Incoming packets for this port that do not come from 10.9.0.2 go to 10.9.0.1:21000 \
         (iptables nat SEP-1: ns/web)",
    );
    holds(
        &["mangle -A PREROUTING ! -s 10.9.0.3 -p tcp --dport 20000 -j TPROXY --on-port 21000"],
        ["target", "port", "target", "target"],
        "Packets for this port that do not come from 10.9.0.3 and are IPv4 go to port 21000 \
         (iptables mangle PREROUTING)",
    );
    for no_redirect in [
        "nat -A PREROUTING -p tcp ! --dport 20000 -j REDIRECT --to-ports 21000",
        "nat -A PREROUTING -i lo -p tcp -j REDIRECT --to-ports 21000",
        "nat -A PREROUTING -d 10.9.0.77 -p tcp -j REDIRECT --to-ports 21000",
        "nat -A PREROUTING -p udp -j REDIRECT --to-ports 21000",
        "nat -A OUTPUT -o veth0 -p tcp -j REDIRECT --to-ports 21000",
    ] {
        holds(&[no_redirect], NONE, "");
    }
}

#[test]
fn rules_of_iptables_in_nftables() {
    stage(|| rules_of("nft"));
}

#[test]
fn rules_of_legacy_iptables() {
    stage(|| {
        if works("cat /proc/net/ip_tables_names", "users") {
            rules_of("legacy");
        }
    });
}

/// What is left of a container that was killed: its rule stays, its address has no route any more.
#[test]
fn a_leftover_rule_is_noted_on_a_free_port() {
    stage(|| {
        if !works("nft list ruleset", "netns") {
            return;
        }
        run(&nft_nat("", "tcp dport 20000 dnat to 10.88.0.2:80"));
        let sentence = "Incoming packets for this port go to 10.88.0.2:80, to which this machine has no route \
                        (nftables ip t pre)";
        assert_eq!(said().as_deref(), Some(sentence));
    });
}
