//! A process that opens and closes sockets at random times and writes down when.
//!
//! No port is used twice, so that a row is identified by its addresses. Connections are reset, so that they
//! leave nothing behind.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use socket2::{Domain, Socket, Type};
use sockeye::model::Protocol;

use crate::kernel::scene::inode;

/// The life of one socket; times are those of the system's steady clock, which all processes share.
#[derive(Clone, Debug)]
pub struct Life {
    pub protocol: Protocol,
    pub local: SocketAddr,
    pub remote: Option<SocketAddr>,
    pub inode: u32,
    /// It was in no table before, and certainly in one after.
    pub opened: (Duration, Duration),
    /// It was certainly in the table before, and in none after.
    pub closed: (Duration, Duration),
}

/// The system's steady clock.
pub fn now() -> Duration {
    clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap().into()
}

/// xorshift64*.
pub struct Random(u64);

impl Random {
    pub const fn new(seed: u64) -> Self {
        // Neighbouring seeds shall not begin alike, and none may be 0.
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub const fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % end
    }
}

/// Sockets that live and die together.
struct Open {
    sockets: Vec<Socket>,
    lives: Vec<Life>,
    ends_at: Duration,
}

/// Opens sockets on ports from `first_port` on until `end`, no more than `most` at a time; returns their
/// lives.
pub fn act(seed: u64, first_port: u16, most: usize, end: Duration) -> Vec<Life> {
    let mut actor = Actor {
        random: Random::new(seed),
        ports: first_port..,
        open: Vec::new(),
        lives: Vec::new(),
    };
    while now() < end {
        actor.close_what_is_due(now());
        if actor.open.len() < most {
            actor.open();
        }
        std::thread::sleep(Duration::from_micros(actor.random.below(8_000)));
    }
    actor.close_what_is_due(Duration::MAX);
    actor.lives
}

struct Actor {
    random: Random,
    ports: std::ops::RangeFrom<u16>,
    open: Vec<Open>,
    lives: Vec<Life>,
}

impl Actor {
    fn open(&mut self) {
        let local = match self.random.below(3) {
            0 => SocketAddr::from((Ipv6Addr::LOCALHOST, self.port())),
            1 => SocketAddr::from((Ipv6Addr::UNSPECIFIED, self.port())),
            _ => SocketAddr::from((Ipv4Addr::LOCALHOST, self.port())),
        };
        let (sockets, lives) = match self.random.below(5) {
            0 => self.bound_then_listening(local),
            1 => udp(local),
            2 | 3 => {
                let client = SocketAddr::from((Ipv4Addr::new(127, 0, 0, 2), self.port()));
                // A third is bound for long enough to be seen before it connects.
                let pause = [0, 0, 300][usize::try_from(self.random.below(3)).unwrap()];
                let local = SocketAddr::from((Ipv4Addr::LOCALHOST, local.port()));
                connected(local, client, Duration::from_millis(pause))
            }
            _ => listening(local),
        };
        // Half of them are gone before two snapshots saw them.
        let longest = [150, 900][usize::from(self.random.below(2) == 0)];
        let ends_at = now() + Duration::from_millis(self.random.below(longest));
        self.open.push(Open {
            sockets,
            lives,
            ends_at,
        });
    }

    fn port(&mut self) -> u16 {
        self.ports.next().unwrap()
    }

    /// Certainly in the table from when it listens: what is merely bound is not read each time.
    fn bound_then_listening(&mut self, local: SocketAddr) -> (Vec<Socket>, Vec<Life>) {
        let begun = now();
        let socket = bound(local, Type::STREAM);
        std::thread::sleep(Duration::from_millis(self.random.below(300)));
        socket.listen(16).unwrap();
        let life = Life::begun(begun, &socket, local, None);
        (vec![socket], vec![life])
    }

    fn close_what_is_due(&mut self, time: Duration) {
        for at in (0..self.open.len()).rev() {
            if self.open[at].ends_at <= time {
                let open = self.open.swap_remove(at);
                let before = now();
                drop(open.sockets);
                let closed = (before, now());
                let ended = open.lives.into_iter().map(|life| Life { closed, ..life });
                self.lives.extend(ended);
            }
        }
    }
}

fn listening(local: SocketAddr) -> (Vec<Socket>, Vec<Life>) {
    let begun = now();
    let socket = bound(local, Type::STREAM);
    socket.listen(16).unwrap();
    let life = Life::begun(begun, &socket, local, None);
    (vec![socket], vec![life])
}

fn udp(local: SocketAddr) -> (Vec<Socket>, Vec<Life>) {
    let begun = now();
    let socket = bound(local, Type::DGRAM);
    let life = Life::begun(begun, &socket, local, None);
    (vec![socket], vec![life])
}

/// A listener, a client that is bound for a while first, and the server's end. Closing the client resets both ends.
fn connected(local: SocketAddr, client: SocketAddr, pause: Duration) -> (Vec<Socket>, Vec<Life>) {
    let (mut sockets, mut lives) = listening(local);
    let begun = now();
    let near = bound(client, Type::STREAM);
    std::thread::sleep(pause);
    near.connect(&local.into()).unwrap();
    let (far, _) = sockets[0].accept().unwrap();
    for end in [&near, &far] {
        end.set_linger(Some(Duration::ZERO)).unwrap();
    }
    lives.push(Life::begun(begun, &near, client, Some(local)));
    lives.push(Life::begun(begun, &far, local, Some(client)));
    sockets.extend([near, far]);
    (sockets, lives)
}

fn bound(local: SocketAddr, kind: Type) -> Socket {
    let socket = Socket::new(Domain::for_address(local), kind, None).unwrap();
    socket.bind(&local.into()).unwrap();
    socket
}

impl Life {
    /// A life whose end is not known yet.
    fn begun(
        begun: Duration,
        socket: &Socket,
        local: SocketAddr,
        remote: Option<SocketAddr>,
    ) -> Self {
        let is_stream = socket.r#type().unwrap() == Type::STREAM;
        Self {
            protocol: if is_stream {
                Protocol::Tcp
            } else {
                Protocol::Udp
            },
            local,
            remote,
            inode: inode(socket),
            opened: (begun, now()),
            closed: (Duration::MAX, Duration::MAX),
        }
    }

    /// As a line that [`Life::read`] understands.
    pub fn write(&self, to: &mut String) {
        let remote = self
            .remote
            .map_or("-".to_owned(), |remote| remote.to_string());
        let [a, b] = [self.opened.0, self.opened.1].map(|time| time.as_nanos());
        let [c, d] = [self.closed.0, self.closed.1].map(|time| time.as_nanos());
        let (protocol, local, inode) = (self.protocol.as_str(), self.local, self.inode);
        writeln!(to, "{protocol} {local} {remote} {inode} {a} {b} {c} {d}").unwrap();
    }

    pub fn read(line: &str) -> Self {
        let mut words = line.split(' ');
        let mut word = || words.next().unwrap();
        let protocol = if word() == "tcp" {
            Protocol::Tcp
        } else {
            Protocol::Udp
        };
        let (local, remote) = (parsed(word()), word());
        let remote = (remote != "-").then(|| parsed(remote));
        let inode = parsed(word());
        let mut time = || Duration::from_nanos(parsed(word()));
        Self {
            protocol,
            local,
            remote,
            inode,
            opened: (time(), time()),
            closed: (time(), time()),
        }
    }
}

fn parsed<T: FromStr<Err: std::fmt::Debug>>(word: &str) -> T {
    word.parse().unwrap()
}
