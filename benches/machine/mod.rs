//! The stream of a machine, as the history gets it: a model, not a real one.
//!
//! *Busy*: 10,450 sockets, 100 openings and 100 closings a second; 70 % live 1.5 s on average, the others 5½ min. 40 % are
//! accepted, 40 % go out, 20 % are of this machine; 20,000 clients by Zipf's law, a quarter of them IPv6; the final numbers
//! are log-normal. *Quiet*: 60 sockets, 2 changes a second in bursts.
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the numbers are small"
)]

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use sockeye::model::{
    ClosedSocket, Endpoint, Moment, Owner, Process, Protocol, Queue, Snapshot, Socket, State,
    TcpInfo, Text,
};

/// A generator of pseudo-random numbers (xorshift64*).
pub struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 16) % limit
    }

    /// From 0 to 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    /// With this median and this deviation of its logarithm.
    fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        let angle = std::f64::consts::TAU * self.unit();
        let normal = (-2.0 * (1.0 - self.unit()).ln()).sqrt() * angle.cos();
        median * (sigma * normal).exp()
    }
}

/// What happens on the machine.
#[derive(Clone, Copy)]
pub struct Load {
    pub listeners: u16,
    pub opened_per_second: f64,
    /// Seconds between two bursts; 0: steadily.
    pub burst: u64,
    pub short: f64,
    pub long: f64,
    pub servers: usize,
    pub programs: usize,
    pub clients: usize,
}

pub const BUSY: Load = Load {
    listeners: 445,
    opened_per_second: 100.0,
    burst: 0,
    short: 1.5,
    long: 330.0,
    servers: 60,
    programs: 200,
    clients: 20_000,
};

pub const QUIET: Load = Load {
    listeners: 40,
    opened_per_second: 1.0,
    burst: 10,
    short: 1.5,
    long: 60.0,
    servers: 20,
    programs: 15,
    clients: 400,
};

struct Live {
    socket: Socket,
    ends_at: f64,
    is_seen: bool,
    rtt: f64,
}

pub struct Machine {
    load: Load,
    pub random: Random,
    now: f64,
    start: Timestamp,
    live: Vec<Live>,
    listeners: Vec<Socket>,
    processes: Vec<Arc<Process>>,
    clients: Vec<IpAddr>,
    /// The sum of the weights up to each client.
    weights: Vec<f64>,
    inode: u32,
    cookie: u64,
}

impl Machine {
    pub fn new(load: Load, start: Timestamp) -> Self {
        let mut random = Random(0x5eed_5eed_5eed_5eed);
        let clients: Vec<_> = (0..load.clients).map(|_| address(&mut random)).collect();
        let mut sum = 0.0;
        let weights = (1..=load.clients).map(|rank| {
            sum += 1.0 / rank as f64;
            sum
        });
        let weights = weights.collect();
        let processes = (0..load.servers + load.programs).map(process).collect();
        let mut machine = Self {
            load,
            random,
            now: 0.0,
            start,
            live: Vec::new(),
            listeners: Vec::new(),
            processes,
            clients,
            weights,
            inode: 40_000,
            cookie: 1,
        };
        for port in 0..load.listeners {
            let local = Endpoint::new(Ipv4Addr::UNSPECIFIED.into(), 1000 + port * 13);
            let owner = usize::from(port) % load.servers;
            let socket = machine.socket(local, None, State::Listen, owner);
            let queue = Some(Queue {
                receive: 0,
                send: 4096,
            });
            machine.listeners.push(Socket { queue, ..socket });
        }
        // As many long ones as there are on average.
        let long = load.opened_per_second * 0.3 * load.long;
        for _ in 0..long as usize {
            let lasts = machine.random.exponential(load.long);
            machine.open(0.0, lasts);
        }
        machine
    }

    /// The next snapshot, a second later.
    pub fn snapshot(&mut self) -> Snapshot {
        let before = self.now;
        self.now += 1.0;
        let burst = self.load.burst.max(1);
        if (self.now as u64).is_multiple_of(burst) {
            let count = self.load.opened_per_second * burst as f64;
            for _ in 0..count as usize {
                let at = before + self.random.unit();
                let is_short = self.random.unit() < 0.7;
                let mean = if is_short {
                    self.load.short
                } else {
                    self.load.long
                };
                let lasts = self.random.exponential(mean);
                self.open(at, lasts);
            }
        }
        let now = self.now;
        let mut ended: Vec<_> = self.live.extract_if(.., |one| one.ends_at <= now).collect();
        ended.sort_by(|one, other| one.ends_at.total_cmp(&other.ends_at));
        // The kernel gives a cookie when a socket is first reported or dumped; a dump is in the order of a hash.
        let mut closed = Vec::with_capacity(ended.len());
        for one in ended {
            closed.push(self.closed(one));
        }
        for live in &mut self.live {
            if !live.is_seen {
                live.is_seen = true;
                live.socket.cookie = NonZeroU64::new(self.cookie);
                self.cookie += 1;
            }
        }
        let live = self.live.iter().map(|live| &live.socket);
        let sockets = self.listeners.iter().chain(live).cloned().collect();
        let processes = self.processes.iter();
        Snapshot {
            taken_at: self.moment(self.now),
            sockets,
            processes: processes.map(|one| (one.pid, Arc::clone(one))).collect(),
            closed,
            ..Snapshot::default()
        }
    }

    fn moment(&self, at: f64) -> Moment {
        let steady = Duration::from_secs_f64(100.0 + at);
        let wall = self.start.checked_add(Duration::from_secs_f64(at));
        Moment {
            steady,
            wall: wall.expect("it is in this century"),
        }
    }

    fn open(&mut self, at: f64, lasts: f64) {
        let ephemeral = 32_768 + self.random.below(28_000) as u16;
        let server = self.random.below(self.load.servers as u64) as usize;
        let program = self.load.servers + self.random.below(self.load.programs as u64) as usize;
        let port = 1000 + (server * 13) as u16;
        let client = self.client();
        let own = match client {
            IpAddr::V4(_) => IpAddr::from([10, 0, 0, 5]),
            IpAddr::V6(_) => "2001:db8::5".parse().expect("it is an address"),
        };
        let loopback = IpAddr::from([127, 0, 0, 1]);
        let kind = self.random.below(10);
        let (local, remote, owner, rtt) = match kind {
            0..=3 => (
                Endpoint::new(own, port),
                Endpoint::new(client, ephemeral),
                server,
                self.random.log_normal(30_000.0, 0.8),
            ),
            4..=7 => {
                let far = if self.random.below(5) > 0 { 443 } else { port };
                (
                    Endpoint::new(own, ephemeral),
                    Endpoint::new(client, far),
                    program,
                    self.random.log_normal(20_000.0, 0.8),
                )
            }
            _ => {
                let ends = (
                    Endpoint::new(loopback, ephemeral),
                    Endpoint::new(loopback, port),
                );
                let rtt = self.random.log_normal(60.0, 0.6);
                if kind == 8 {
                    (ends.0, ends.1, program, rtt)
                } else {
                    (ends.1, ends.0, server, rtt)
                }
            }
        };
        let socket = self.socket(local, Some(remote), State::Established, owner);
        let queue = Some(Queue {
            receive: 0,
            send: 0,
        });
        self.live.push(Live {
            socket: Socket { queue, ..socket },
            ends_at: at + lasts,
            is_seen: false,
            rtt,
        });
        let at = self.random.below(self.live.len() as u64) as usize;
        let last = self.live.len() - 1;
        self.live.swap(at, last);
    }

    fn client(&mut self) -> IpAddr {
        let sum = self.weights[self.load.clients - 1];
        let at = self.random.unit() * sum;
        self.clients[self
            .weights
            .partition_point(|weight| *weight < at)
            .min(self.load.clients - 1)]
    }

    fn socket(
        &mut self,
        local: Endpoint,
        remote: Option<Endpoint>,
        state: State,
        owner: usize,
    ) -> Socket {
        self.inode += 1 + self.random.below(3) as u32;
        let process = Arc::clone(&self.processes[owner]);
        Socket {
            inode: Some(self.inode),
            uid: Some(if owner < self.load.servers { 33 } else { 1000 }),
            user: Some(Text::new(if owner < self.load.servers {
                "www-data"
            } else {
                "ann"
            })),
            owner: Owner::Known(Arc::from([process])),
            unit: Some(Text::new("web.service")),
            ..Socket::new(Protocol::Tcp, local, remote, state)
        }
    }

    fn closed(&mut self, live: Live) -> ClosedSocket {
        let mut socket = live.socket;
        if !live.is_seen {
            socket.cookie = NonZeroU64::new(self.cookie);
            self.cookie += 1;
        }
        let random = &mut self.random;
        let rtt = live.rtt;
        let micros = |time: f64| Duration::from_micros(time as u64);
        let retransmits = u32::from(random.below(25) == 0);
        let tcp = TcpInfo {
            bytes_sent: random.log_normal(8000.0, 2.0) as u64,
            bytes_received: random.log_normal(1200.0, 1.5) as u64,
            rtt: micros(rtt),
            min_rtt: Some(micros(rtt * (0.4 + 0.6 * random.unit()))),
            retransmits,
            bytes_retransmitted: u64::from(retransmits) * random.below(3000),
            since_sent: Duration::from_millis(random.below(4000)),
            busy: Duration::from_millis(random.below(1000)),
            send_window: Some(65_535),
            ..TcpInfo::default()
        };
        ClosedSocket {
            socket: Socket {
                inode: None,
                uid: None,
                user: None,
                owner: Owner::None,
                unit: None,
                queue: None,
                state: State::Closed,
                ..socket
            },
            at: self.moment(live.ends_at),
            tcp: Some(tcp),
        }
    }

    /// A port that a client used, for questions about it.
    pub fn client_port(&self) -> u16 {
        let is_client = |socket: &Socket| socket.local.port >= 32_768;
        let mut counts = BTreeMap::new();
        for live in self.live.iter().filter(|live| is_client(&live.socket)) {
            *counts.entry(live.socket.local.port).or_insert(0) += 1;
        }
        let most = counts.iter().max_by_key(|(_, count)| **count);
        most.map_or(40_000, |(port, _)| *port)
    }
}

fn address(random: &mut Random) -> IpAddr {
    if random.below(4) > 0 {
        return Ipv4Addr::from_bits(random.next() as u32 & 0x7fff_ffff | 0x1000_0000).into();
    }
    let prefix = 0x2a00_0000_0000_0000_u64 | random.next() >> 16;
    Ipv6Addr::from_bits(u128::from(prefix) << 64 | u128::from(random.next())).into()
}

fn process(number: usize) -> Arc<Process> {
    let pid = 1000 + number as u32 * 7;
    let name = format!("service-{pid}");
    let command = format!("/usr/lib/{name}/bin/{name} --config /etc/{name}.toml --workers 4");
    Arc::new(Process {
        parent: Some(1),
        executable: Some(Text::new(&format!("/usr/lib/{name}/bin/{name}"))),
        argv: Some(command.split(' ').map(Text::new).collect()),
        command: Some(Text::new(&command)),
        cwd: Some(Text::new("/srv")),
        user: Some(Text::new("www-data")),
        uid: Some(33),
        started_at: Timestamp::from_second(1_790_000_000 + i64::from(pid)).ok(),
        started_at_tick: Some(u64::from(pid) * 100),
        ..Process::new(pid, &*name)
    })
}
