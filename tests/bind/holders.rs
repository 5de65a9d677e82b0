//! Holders of a port, made for real: every kind of socket that can be in the way of a bind.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use rustix::process::Uid;
use socket2::{Domain, Protocol, Socket, Type};
use sockeye::model::{self, State};

use crate::support::wait_until;

/// How a socket is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of its own to the kernel"
)]
pub struct Manner {
    pub reuse_address: bool,
    pub reuse_port: bool,
    /// Whether it belongs to `nobody` instead of the test's user.
    pub is_of_nobody: bool,
    pub address: &'static str,
    /// `IPV6_V6ONLY`; means nothing for IPv4.
    pub v6only: bool,
    /// Whether a dual-stack socket has its connections over IPv4.
    pub over_ipv4: bool,
    /// The interface that it is bound to.
    pub device: Option<&'static str>,
}

/// What kind of holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Listen,
    Bound,
    ShutDown,
    FullBacklog,
    Multipath,
    MultipathBound,
    Client,
    /// One that left the choice of its port to the kernel.
    ClientUnbound,
    Server,
    Accepted,
    SynSent,
    CloseWait,
    /// A server that will write no more and still reads.
    HalfClosed,
    FinWait1,
    FinWait2,
    LastAck,
    TimeWaitOfServer,
    TimeWaitOfClient,
    TimeWaitOfClientUnbound,
    SelfConnect,
    Udp,
    UdpConnected,
    UdpMulticast,
}

pub const KINDS: [Kind; 23] = [
    Kind::Listen,
    Kind::Bound,
    Kind::ShutDown,
    Kind::FullBacklog,
    Kind::Multipath,
    Kind::MultipathBound,
    Kind::Client,
    Kind::ClientUnbound,
    Kind::Server,
    Kind::Accepted,
    Kind::SynSent,
    Kind::CloseWait,
    Kind::HalfClosed,
    Kind::FinWait1,
    Kind::FinWait2,
    Kind::LastAck,
    Kind::TimeWaitOfServer,
    Kind::TimeWaitOfClient,
    Kind::TimeWaitOfClientUnbound,
    Kind::SelfConnect,
    Kind::Udp,
    Kind::UdpConnected,
    Kind::UdpMulticast,
];

/// How long a holder waits for another one to answer.
const PATIENCE: Duration = Duration::from_millis(300);

/// A port of the dynamic range below the ephemeral one that no test takes by chance.
const FAR: u16 = 31_999;

impl Kind {
    pub const fn is_udp(self) -> bool {
        matches!(self, Self::Udp | Self::UdpConnected | Self::UdpMulticast)
    }

    pub const fn protocol(self) -> model::Protocol {
        if self.is_udp() {
            model::Protocol::Udp
        } else {
            model::Protocol::Tcp
        }
    }

    /// Whether its socket was never bound: it got port and address by connecting.
    pub const fn is_unbound(self) -> bool {
        matches!(self, Self::ClientUnbound | Self::TimeWaitOfClientUnbound)
    }

    /// The state of the row that it is made for; it may have others beside it.
    pub const fn state(self) -> State {
        match self {
            Self::Listen | Self::FullBacklog | Self::Multipath | Self::Server => State::Listen,
            Self::Bound | Self::ShutDown | Self::MultipathBound => State::Bound,
            Self::Client
            | Self::ClientUnbound
            | Self::Accepted
            | Self::SelfConnect
            | Self::UdpConnected => State::Established,
            Self::SynSent => State::SynSent,
            Self::CloseWait => State::CloseWait,
            Self::FinWait1 => State::FinWait1,
            Self::HalfClosed | Self::FinWait2 => State::FinWait2,
            Self::LastAck => State::LastAck,
            Self::TimeWaitOfServer | Self::TimeWaitOfClient | Self::TimeWaitOfClientUnbound => {
                State::TimeWait
            }
            Self::Udp | Self::UdpMulticast => State::Unconn,
        }
    }

    /// Makes the holder; it holds the port as long as what is returned lives, and leftovers longer.
    ///
    /// # Errors
    /// What the kernel says, such as that another holder is in the way.
    pub fn make(self, manner: Manner, port: u16) -> io::Result<Vec<Socket>> {
        match self {
            Self::Udp => Ok(vec![manner.bound(Type::DGRAM, None, port)?]),
            Self::UdpConnected => {
                let socket = manner.bound(Type::DGRAM, None, port)?;
                socket.connect(&manner.near(FAR).into())?;
                Ok(vec![socket])
            }
            Self::UdpMulticast => {
                let socket = manner.bound(Type::DGRAM, None, port)?;
                if manner.near(port).is_ipv4() {
                    let group = "224.0.0.251".parse().unwrap();
                    socket.join_multicast_v4(&group, &"127.0.0.1".parse().unwrap())?;
                } else {
                    socket.join_multicast_v6(&"ff02::fb".parse().unwrap(), LO)?;
                }
                Ok(vec![socket])
            }
            Self::Bound => Ok(vec![manner.bound(Type::STREAM, None, port)?]),
            Self::MultipathBound => Ok(vec![manner.bound(
                Type::STREAM,
                Some(MULTIPATH.into()),
                port,
            )?]),
            Self::Multipath => {
                let socket = manner.bound(Type::STREAM, Some(MULTIPATH.into()), port)?;
                socket.listen(8)?;
                Ok(vec![socket])
            }
            Self::Listen => Ok(vec![manner.listening(port, 8)?]),
            Self::ShutDown => {
                let socket = manner.listening(port, 8)?;
                socket.shutdown(std::net::Shutdown::Both)?;
                Ok(vec![socket])
            }
            Self::FullBacklog => {
                let listener = manner.listening(port, 0)?;
                Ok(vec![listener, reached(manner.near(port))?])
            }
            Self::SelfConnect => {
                let socket = manner.bound(Type::STREAM, None, port)?;
                socket.connect(&manner.near(port).into())?;
                Ok(vec![socket])
            }
            Self::SynSent => unanswered(manner, port),
            Self::Client
            | Self::ClientUnbound
            | Self::TimeWaitOfClient
            | Self::TimeWaitOfClientUnbound => client(self, manner, port),
            _ => served(self, manner, port),
        }
    }
}

/// Multipath TCP (`IPPROTO_MPTCP`).
const MULTIPATH: i32 = 262;

/// The index of the interface `lo`, the first of every network namespace.
const LO: u32 = 1;

impl Manner {
    /// With `SO_REUSEADDR` if the first bit of `options` is set, and `SO_REUSEPORT` if the second is.
    pub const fn with_options((address, v6only): (&'static str, bool), options: u16) -> Self {
        Self {
            reuse_address: options & 1 != 0,
            reuse_port: options & 2 != 0,
            is_of_nobody: false,
            address,
            v6only,
            over_ipv4: false,
            device: None,
        }
    }

    fn domain(self) -> Domain {
        Domain::for_address(self.at(0))
    }

    /// Its own address and a port.
    pub fn at(self, port: u16) -> SocketAddr {
        SocketAddr::new(self.address.parse().unwrap(), port)
    }

    /// An address that reaches a socket on its own address.
    fn near(self, port: u16) -> SocketAddr {
        let address = match self.address {
            "0.0.0.0" => "127.0.0.1",
            "::ffff:0.0.0.0" => "::ffff:127.0.0.1",
            "::" if self.over_ipv4 && !self.v6only => "::ffff:127.0.0.1",
            "::" => "::1",
            address => address,
        };
        SocketAddr::new(address.parse().unwrap(), port)
    }

    /// A socket made and bound in this manner.
    ///
    /// # Errors
    /// What the kernel says to the bind.
    pub fn bound(self, kind: Type, protocol: Option<Protocol>, port: u16) -> io::Result<Socket> {
        let socket = self.unbound(kind, protocol)?;
        socket.bind(&self.at(port).into())?;
        Ok(socket)
    }

    /// The user of a socket is the one who created it, whatever happens to it later.
    fn unbound(self, kind: Type, protocol: Option<Protocol>) -> io::Result<Socket> {
        let make = || Socket::new(self.domain(), kind, protocol);
        let socket = if self.is_of_nobody {
            as_nobody(make)?
        } else {
            make()?
        };
        if self.at(0).is_ipv6() {
            socket.set_only_v6(self.v6only)?;
        }
        socket.set_reuse_address(self.reuse_address)?;
        socket.set_reuse_port(self.reuse_port)?;
        if let Some(device) = self.device {
            socket.bind_device(Some(device.as_bytes()))?;
        }
        Ok(socket)
    }

    /// Whether the kernel treats its socket as IPv6-only: if that was requested, and if
    /// it was bound to a single IPv6 address.
    pub fn is_v6_alone(self, kind: Kind) -> bool {
        let is_one_v6 = self.address == "::1" && !kind.is_unbound();
        self.v6only || is_one_v6
    }

    fn listening(self, port: u16, backlog: i32) -> io::Result<Socket> {
        let socket = self.bound(Type::STREAM, None, port)?;
        socket.listen(backlog)?;
        // A client may be given to another holder that shares the port.
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(socket)
    }
}

/// Runs this as `nobody` on a separate thread: to the kernel each thread has its own uids.
pub fn as_nobody<T: Send>(body: impl FnOnce() -> T + Send) -> T {
    thread::scope(|scope| {
        let work = scope.spawn(|| {
            let (root, nobody) = (Uid::ROOT, Uid::from_raw(65_534));
            rustix::thread::set_thread_res_uid(root, nobody, root).unwrap();
            body()
        });
        work.join().unwrap()
    })
}

/// A connection to a listener; another holder of the port may be the one that does not answer.
fn reached(there: SocketAddr) -> io::Result<Socket> {
    Ok(TcpStream::connect_timeout(&there, PATIENCE)?.into())
}

/// The server's end of a connection, and what became of it.
fn served(kind: Kind, manner: Manner, port: u16) -> io::Result<Vec<Socket>> {
    let listener = manner.listening(port, 8)?;
    let client = reached(manner.near(port))?;
    let (server, _) = listener.accept()?;
    match kind {
        Kind::Server => return Ok(vec![listener, client, server]),
        Kind::Accepted => return Ok(vec![client, server]),
        Kind::CloseWait => {
            drop(client);
            wait_for_row(port, &["08"]);
            return Ok(vec![server]);
        }
        Kind::HalfClosed => {
            server.shutdown(std::net::Shutdown::Write)?;
            wait_for_row(port, &["05"]);
            return Ok(vec![client, server]);
        }
        Kind::FinWait1 => fill(&server)?,
        Kind::LastAck => {
            fill(&server)?;
            client.shutdown(std::net::Shutdown::Write)?;
            wait_for_row(port, &["08"]);
        }
        _ => {}
    }
    drop((server, listener));
    match kind {
        Kind::FinWait1 => wait_for_row(port, &["04"]),
        Kind::FinWait2 => wait_for_row(port, &["05"]),
        Kind::LastAck => wait_for_row(port, &["09"]),
        _ => {
            drop(client);
            wait_for_row(port, &["06"]);
            return Ok(Vec::new());
        }
    }
    Ok(vec![client])
}

/// Writes until nothing more goes in: the peer does not read, so it can't learn of a close.
fn fill(server: &Socket) -> io::Result<()> {
    server.set_nonblocking(true)?;
    while server.send(&[0; 4096]).is_ok() {}
    Ok(())
}

/// A connection that was opened from the port, or its leftover.
fn client(kind: Kind, manner: Manner, port: u16) -> io::Result<Vec<Socket>> {
    let server = Socket::new(manner.domain(), Type::STREAM, None)?;
    server.bind(&manner.near(0).into())?;
    server.listen(1)?;
    let there = server.local_addr()?;
    let from = if kind.is_unbound() {
        let from = manner.unbound(Type::STREAM, None)?;
        with_no_port_but(port, || from.connect(&there))?;
        from
    } else {
        let from = manner.bound(Type::STREAM, None, port)?;
        from.connect(&there)?;
        from
    };
    let (accepted, _) = server.accept()?;
    if kind.state() == State::Established {
        return Ok(vec![from, server, accepted]);
    }
    drop(from);
    wait_for_row(port, &["05"]);
    drop((accepted, server));
    wait_for_row(port, &["06"]);
    Ok(Vec::new())
}

/// Has the kernel choose this port for whatever `body` connects.
fn with_no_port_but(port: u16, body: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    let range = "/proc/sys/net/ipv4/ip_local_port_range";
    let usual = std::fs::read_to_string(range)?;
    std::fs::write(range, format!("{port} {port}"))?;
    let result = body();
    std::fs::write(range, usual)?;
    result
}

/// A connection that gets no answer: the queue of its listener is full.
fn unanswered(manner: Manner, port: u16) -> io::Result<Vec<Socket>> {
    let hung = Socket::new(manner.domain(), Type::STREAM, None)?;
    hung.bind(&manner.near(0).into())?;
    hung.listen(0)?;
    let there = hung.local_addr()?;
    let waiting = Socket::new(manner.domain(), Type::STREAM, None)?;
    waiting.connect(&there)?;
    let from = manner.bound(Type::STREAM, None, port)?;
    from.set_nonblocking(true)?;
    match from.connect(&there) {
        Err(error)
            if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {}
        other => other.and(Err(io::Error::from(ErrorKind::AlreadyExists)))?,
    }
    wait_for_row(port, &["02"]);
    Ok(vec![from, hung, waiting])
}

/// Waits until the port has a row of one of these states, as the kernel numbers them.
fn wait_for_row(port: u16, numbers: &[&str]) {
    let end_of_local = format!(":{port:04X} ");
    wait_until("the state", || {
        ["tcp", "tcp6"].iter().any(|file| {
            let table = std::fs::read_to_string(format!("/proc/net/{file}")).unwrap();
            let mut rows = table
                .lines()
                .filter_map(|line| line.split_once(&end_of_local));
            rows.any(|(_, rest)| {
                let state = rest.split_whitespace().nth(1);
                state.is_some_and(|state| numbers.contains(&state))
            })
        })
    });
}
