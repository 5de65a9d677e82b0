//! Made-up snapshots of any size, the same in every run: what the benches of the pure parts read.
//!
//! Of n sockets, 2 % listen, 2 % are UDP, and the rest are the two ends of connections over the
//! loopback. There are 20 owners and one more for each 200 sockets, which the ends share unevenly.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sockeye::model::{
    Endpoint, Kinds, Moment, Owner, Process, Protocol, Queue, Snapshot, Socket, State, Text,
};
use sockeye::track::{Table, Tracker};

/// The sizes at which a pure part is measured.
pub const SIZES: [usize; 3] = [1_000, 10_000, 100_000];

/// What a tenth of the owners is called, and nothing else.
pub const OF_A_TENTH: &str = "postgres";

const NAMES: [&str; 9] = [
    "nginx",
    "node",
    "java",
    "python3",
    "envoy",
    "redis-server",
    "beam.smp",
    "sshd",
    "haproxy",
];
const USERS: [&str; 5] = ["root", "www-data", "deploy", "ann", "systemd-network"];

/// The moment this many seconds after the first.
pub fn moment(seconds: u64) -> Moment {
    let steady = Duration::from_secs(1000 + seconds);
    let wall = Timestamp::UNIX_EPOCH + steady;
    Moment { steady, wall }
}

/// A reading of n sockets, this many seconds after the first.
pub fn snapshot(n: usize, seconds: u64) -> Snapshot {
    let tenants: Vec<Tenant> = (0..20 + n / 200).map(Tenant::new).collect();
    let listeners = (n / 50).max(1);
    let mut sockets: Vec<Socket> = (0..listeners).map(listener).collect();
    sockets.extend((0..n / 50).map(datagrams));
    sockets.extend((0..n / 2).flat_map(|pair| connection(pair, listeners)));
    sockets.truncate(n);
    for (index, socket) in sockets.iter_mut().enumerate() {
        let tenant = &tenants[spread(index) % tenants.len()];
        socket.inode = u32::try_from(100_000 + index).ok();
        socket.owner = tenant.owner.clone();
        socket.uid = Some(tenant.uid);
        socket.user = Some(tenant.user.clone());
        socket.unit = Some(tenant.unit.clone());
        socket.queue = Some(Queue {
            receive: 0,
            send: 0,
        });
    }
    Snapshot {
        kinds: Kinds::DEFAULT,
        late_namespaces: Vec::new(),
        counters: None,
        ephemeral: None,
        taken_at: moment(seconds),
        sockets,
        processes: processes(&tenants),
        problems: Vec::new(),
    }
}

/// The same sockets later, but that one in so many was replaced by one on another port.
pub fn later(before: &Snapshot, seconds: u64, one_in: usize) -> Snapshot {
    let mut snapshot = before.clone();
    snapshot.taken_at = moment(seconds);
    for socket in snapshot.sockets.iter_mut().rev().step_by(one_in) {
        // A port that no other socket has.
        socket.local.port = 53_000 + socket.local.port % 12_000;
        socket.inode = socket.inode.map(|inode| inode + 50_000_000);
    }
    snapshot
}

/// The tracked table of n sockets.
pub fn table(n: usize) -> Arc<Table> {
    Tracker::new(Duration::from_secs(10))
        .apply(snapshot(n, 0))
        .table
}

/// Numbers in an order without a pattern, the same each time.
fn spread(index: usize) -> usize {
    index.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33
}

/// A process with what its sockets say of it. Texts are shared by its sockets alone.
struct Tenant {
    owner: Owner,
    uid: u32,
    user: Text,
    unit: Text,
}

impl Tenant {
    fn new(index: usize) -> Self {
        let is_of_a_tenth = index % 10 == 3;
        let name = if is_of_a_tenth {
            OF_A_TENTH
        } else {
            NAMES[index % NAMES.len()]
        };
        let mut command =
            format!("/usr/local/bin/{name} --instance={index} --config=/etc/app/{index}.toml");
        // 60 to 200 characters.
        while command.len() < 60 + spread(index) % 120 {
            command.push_str(" --feature=on,verbose");
        }
        let user = Text::new(USERS[index % USERS.len()]);
        let process = Process {
            parent: Some(1),
            command: Some(Text::new(&command)),
            started_at: Some(Timestamp::UNIX_EPOCH),
            user: Some(user.clone()),
            ..Process::new(u32::try_from(300 + index * 7).expect("few processes"), name)
        };
        Self {
            owner: Owner::Known(Arc::new([Arc::new(process)])),
            uid: u32::try_from(index % USERS.len()).expect("few users"),
            user,
            unit: Text::new(&format!("{name}@{index}.service")),
        }
    }
}

fn processes(tenants: &[Tenant]) -> HashMap<u32, Arc<Process>> {
    let processes = tenants.iter().flat_map(|tenant| tenant.owner.processes());
    processes
        .map(|process| (process.pid, Arc::clone(process)))
        .collect()
}

/// Listeners have ports of their own from 3000 on; every fourth is IPv6.
fn listener(index: usize) -> Socket {
    let address = if index.is_multiple_of(4) {
        Ipv6Addr::UNSPECIFIED.into()
    } else {
        Ipv4Addr::UNSPECIFIED.into()
    };
    let local = Endpoint::new(address, port(3000 + index));
    Socket::new(Protocol::Tcp, local, None, State::Listen)
}

fn datagrams(index: usize) -> Socket {
    let local = Endpoint::new(Ipv4Addr::LOCALHOST.into(), port(3000 + index));
    Socket::new(Protocol::Udp, local, None, State::Unconn)
}

/// Both ends. Clients are on loopback addresses of their own, 20,000 ports each; every fourth of them IPv6.
fn connection(pair: usize, listeners: usize) -> [Socket; 2] {
    let net = u16::try_from(pair / 20_000).expect("few pairs");
    let (server, client): (IpAddr, IpAddr) = if pair.is_multiple_of(4) {
        let client = Ipv6Addr::new(0xfd00, 0, 0, net, 0, 0, 0x12, 0x34);
        (Ipv6Addr::LOCALHOST.into(), client.into())
    } else {
        let client = Ipv4Addr::from_bits(0x7f00_0101 + u32::from(net));
        (Ipv4Addr::LOCALHOST.into(), client.into())
    };
    let server = Endpoint::new(server, port(3000 + spread(pair) % listeners));
    let client = Endpoint::new(client, port(32_768 + pair % 20_000));
    let state = if pair % 16 == 5 {
        State::CloseWait
    } else {
        State::Established
    };
    [(client, server), (server, client)]
        .map(|(local, remote)| Socket::new(Protocol::Tcp, local, Some(remote), state))
}

fn port(number: usize) -> u16 {
    u16::try_from(number).expect("below 65,536")
}
