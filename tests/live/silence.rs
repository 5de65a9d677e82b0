//! The whole program where a packet could leave, and none does.
//!
//! The namespace has a way out: an interface, addresses and default routes of both families, and a
//! resolver. At its doors nftables counts what is sent, over the loopback too. What the kernel itself
//! says to its neighbours over IPv6 is kept from beginning and, where it can't be, not counted. Each
//! test ends with packets sent on purpose: were the doors not watched, it would fail.

use std::net::{TcpListener, TcpStream, ToSocketAddrs as _, UdpSocket};
use std::process::{Command, Stdio};

use sockeye::keymap::Key;

use crate::live::scene::{BINARY, Live, TempDir};
use crate::schema::hold;
use crate::support::netns::in_netns_with_files;
use crate::support::pty::is_available;

const SET_UP: &str = r#"
ip link add out type veth peer name world
echo 1 >/proc/sys/net/ipv6/conf/world/disable_ipv6
echo 0 >/proc/sys/net/ipv6/conf/out/router_solicitations
echo 0 >/proc/sys/net/ipv6/conf/out/accept_dad
ip address add 192.0.2.1/24 dev out
ip -6 address add 2001:db8::1/64 dev out nodad
ip link set world up
ip link set out up
ip route add default via 192.0.2.53
ip -6 route add default via 2001:db8::53
echo 'nameserver 192.0.2.53
nameserver 2001:db8::53
options timeout:1 attempts:1' >resolv.conf
echo 'hosts: dns' >nsswitch.conf
mount --bind resolv.conf /etc/resolv.conf
mount --bind nsswitch.conf /etc/nsswitch.conf
nft -f - <<'END'
table inet doors {
  chain out {
    type filter hook output priority 0
    icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, mld2-listener-report } accept
    counter drop
  }
}
table netdev doors {
  chain past-ip {
    type filter hook egress device "out" priority 0
    icmpv6 type { nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, mld2-listener-report } accept
    counter drop
  }
}
END
"#;

/// Sockets of every kind, some with outside peers whose name could be looked up.
struct Sockets {
    _tcp: (TcpListener, TcpListener, TcpStream),
    udp: [UdpSocket; 3],
}

impl Sockets {
    /// Opened before the doors are watched, as connecting over the loopback sends packets.
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:8080").unwrap();
        let client = TcpStream::connect("127.0.0.1:8080").unwrap();
        let udp = |local: &str| UdpSocket::bind(local).unwrap();
        Self {
            _tcp: (listener, TcpListener::bind("[::]:8081").unwrap(), client),
            udp: [udp("0.0.0.0:5353"), udp("0.0.0.0:0"), udp("[::]:0")],
        }
    }

    /// Connects to outside peers; for UDP this sends nothing.
    fn connect(&self) {
        let [_, over_v4, over_v6] = &self.udp;
        over_v4.connect("198.51.100.7:443").unwrap();
        over_v6.connect("[2001:db8:1::7]:443").unwrap();
    }
}

/// Runs `body` where a packet could leave; none may have tried to.
fn watched(name: &str, body: impl FnOnce()) {
    if !is_available(name) {
        return;
    }
    in_netns_with_files(name, || {
        let directory = TempDir::new();
        std::env::set_current_dir(directory.path()).unwrap();
        let sockets = Sockets::open();
        let set_up = Command::new("sh").args(["-euc", SET_UP]).status();
        assert!(set_up.unwrap().success());
        sockets.connect();
        body();
        assert_eq!(packets(), 0, "{}", rules());
        the_doors_are_watched();
    });
}

/// A datagram and a name lookup are both counted.
fn the_doors_are_watched() {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    // The kernel may or may not report the drop to the sender.
    let _ = socket.send_to(b"x", "198.51.100.7:9");
    assert_eq!(packets(), 1, "{}", rules());
    let _ = socket.send_to(b"x", "127.0.0.1:9");
    assert_eq!(packets(), 2, "the loopback too: {}", rules());
    assert!(("sockeye.example", 80).to_socket_addrs().is_err());
    assert!(packets() > 2, "no resolver was asked: {}", rules());
}

/// How many packets came to the doors.
fn packets() -> u64 {
    let rules = rules();
    let counts: Vec<u64> = rules
        .split("counter packets ")
        .skip(1)
        .map(|rest| rest.split(' ').next().unwrap().parse().unwrap())
        .collect();
    assert_eq!(counts.len(), 2, "{rules}");
    counts.iter().sum()
}

fn rules() -> String {
    let output = Command::new("nft")
        .args(["list", "ruleset"])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Every command, with the exit code that shows that it did its work.
const COMMANDS: &[(&str, i32)] = &[
    ("list", 0),
    ("list --all --json", 0),
    ("list --all --ndjson", 0),
    ("list --count", 0),
    ("list --all --csv", 0),
    ("list remote:198.51.100.7", 0),
    ("list service:https user:root", 0),
    ("list --all --stats", 0),
    ("watch --for 300ms", 0),
    ("watch --json --for 300ms --record recording", 0),
    ("list --replay recording", 0),
    ("check 8080", 1),
    ("check localhost:8080 https 5353/udp", 1),
    ("check 3000-3010 198.51.100.7:80 [2001:db8::1]:80", 1),
    ("check --json 8080 8081 9000", 1),
    ("check --retry 8080", 1),
    ("check sockeye.example:80", 2),
    ("free", 0),
    ("free 3000-3010", 0),
    ("free --tcp --count 3 --json", 0),
    ("free --stable", 0),
    ("free 127.0.0.1:8000-8999", 0),
    ("free 3000-3010 -- true", 0),
    ("free --hold -- true", 0),
    ("wait --for free 9000", 0),
    ("wait --for listening localhost:8080", 0),
    ("wait --for free --timeout 300ms 8080", 1),
    ("completions bash", 0),
    ("man check", 0),
    ("keys", 0),
    ("config", 0),
    ("--help", 0),
    ("--version", 0),
];

#[test]
fn no_command_sends_a_packet() {
    watched("silence::no_command_sends_a_packet", || {
        for (command, code) in COMMANDS {
            let output = Command::new(BINARY)
                .args(command.split(' '))
                .stdin(Stdio::null())
                .stderr(Stdio::inherit())
                .output()
                .unwrap();
            assert_eq!(output.status.code(), Some(*code), "sockeye {command}");
            hold(&String::from_utf8_lossy(&output.stdout));
            assert_eq!(packets(), 0, "sockeye {command}: {}", rules());
        }
    });
}

/// Keys, and what they bring to the screen.
type Steps = &'static [(&'static str, &'static str)];

const TABLE: Steps = &[
    ("3", "198.51.100.7:443"),
    ("n", "198.51.100.7:443"),
    ("n\r", "parents"),
    ("e", "┌ events"),
    ("$", "┌ stats"),
    ("?", "┌ help"),
    ("q/:8080\r", "filter :8080"),
    ("b", "in the way"),
    ("r", "in the way"),
    ("w", "does not end by itself"),
];

const BIND_TEST_OF_A_FREE_PORT: Steps = &[
    ("B443\r", "✓ free"),
    ("f", "is free (a test bind of"),
    ("c\r", "copied "),
];

const FILES_AND_PROCESSES: Steps = &[
    ("c", "curl http://127.0.0.1:8080/"),
    ("\r", "copied 127.0.0.1:8080"),
    ("w", "a row for each socket and process"),
    ("\r", "wrote "),
    ("K", "end a process"),
    ("n3", "filter :8080"),
];

fn see(live: &mut Live, steps: Steps) {
    for (keys, shown) in steps {
        live.press(keys);
        live.wait_for_text(shown);
    }
}

#[test]
fn the_live_table_sends_no_packet_whatever_is_opened() {
    let name = "silence::the_live_table_sends_no_packet_whatever_is_opened";
    watched(name, || {
        let mut live = Live::start_in((140, 40), &["--record", "recording"]);
        see(&mut live, TABLE);
        live.pty.send_key(Key::Esc);
        live.wait_without("┌ bind test");
        see(&mut live, BIND_TEST_OF_A_FREE_PORT);
        live.pty.send_key(Key::Esc);
        live.wait_without("┌ bind test");
        see(&mut live, FILES_AND_PROCESSES);
        live.pty.send_key(Key::Esc);
        live.wait_for_text("198.51.100.7:443");
        live.wait_for_a_reading();
        live.press("q");
        assert_eq!(live.pty.wait_exit(), 0);
    });
}
