//! A port that this process has bound and keeps. Touches the operating system.
//!
//! It is bound without `SO_REUSEADDR`: with it two programs that choose a port at the same time would both get it, as
//! long as neither listens. After the bind the option may be set, so that a server that sets it too can start, but no
//! other. Measured on Linux 6.18: the kernel compares the options that sockets have at the time of a bind, not those
//! that they were bound with.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use socket2::Socket;

use super::PortRequest;
use crate::bind::probe::{REUSE_SHARES, bound, inode_of, outcome_of, with_port};
use crate::bind::{Address, ProbeResult};
use crate::model::Protocol;

/// The backlog of a listener that is passed to a program: as much as the kernel allows, which caps it at
/// `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// A port with the sockets that have it. They are closed with it, and in any program that is executed.
#[derive(Debug)]
pub struct Claim {
    port: u16,
    sockets: Vec<(Protocol, Socket)>,
}

/// A bind that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The port; 0 if the kernel was to choose it and had none.
    pub port: u16,
    /// The error, never `ok`.
    pub result: ProbeResult,
}

impl Claim {
    /// Binds `port` for the whole request; port 0 lets the kernel choose one.
    ///
    /// # Errors
    /// The first bind that failed; nothing is bound then.
    pub fn of(request: &PortRequest, port: u16) -> Result<Self, Refusal> {
        Self::bound(request, port, false)
    }

    /// The same for a port on which an earlier server left connections: binds TCP with `SO_REUSEADDR`, as two programs
    /// can at the same time. So the caller reads the table after the bind, and keeps the claim only if no other socket
    /// is bound: of two programs at least one sees the other.
    ///
    /// # Errors
    /// As above.
    pub fn beside_leftovers(request: &PortRequest, port: u16) -> Result<Self, Refusal> {
        Self::bound(request, port, true)
    }

    /// Makes its TCP sockets listen, which only one program can.
    ///
    /// # Errors
    /// If another program listens by now.
    pub fn listening(self) -> Result<Self, Refusal> {
        let listens = self.listen();
        listens.map_err(|error| refusal(self.port, &error))?;
        Ok(self)
    }

    fn bound(request: &PortRequest, port: u16, reuses: bool) -> Result<Self, Refusal> {
        let address = request.address;
        let (mut port, mut sockets) = (port, Vec::new());
        // For every address one dual-stack socket: the kernel must not choose a port that is taken in one family.
        let ips = match address {
            Address::Every => vec![Ipv6Addr::UNSPECIFIED.into()],
            address => address.ips(),
        };
        for protocol in request.protocols() {
            let reuses = reuses && protocol == Protocol::Tcp && REUSE_SHARES;
            for &ip in &ips {
                let bind = |ip: IpAddr| {
                    let is_wildcard = address.single().is_some() && ip.is_unspecified();
                    let v6only = ip.is_ipv6().then_some(is_wildcard);
                    let to_bind = with_port(ip, address.zone(), port)?;
                    bound(protocol, to_bind, v6only, reuses)
                };
                let socket = match (bind(ip), address) {
                    (Err(error), Address::Every) if lacks_v6(&error) => {
                        bind(Ipv4Addr::UNSPECIFIED.into())
                    }
                    (Err(error), Address::Loopback) if ip.is_ipv6() && lacks_v6(&error) => continue,
                    (answer, _) => answer,
                };
                let socket = socket.map_err(|error| refusal(port, &error))?;
                if port == 0 {
                    let local = socket.local_addr();
                    let local = local.map_err(|error| refusal(port, &error))?.as_socket();
                    port = local.map_or(0, |address| address.port());
                }
                sockets.push((protocol, socket));
            }
        }
        Ok(Self { port, sockets })
    }

    /// The port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The inodes of its sockets, where the system has them.
    pub fn inodes(&self) -> Vec<u32> {
        let sockets = self.sockets.iter();
        sockets.filter_map(|(_, one)| inode_of(one)).collect()
    }

    /// Lets TCP servers that set `SO_REUSEADDR` bind the port while it is kept. All others, and the kernel when it
    /// chooses a port, still find it taken. Does nothing on Windows, where that option means something else.
    ///
    /// A UDP socket that is bound receives at once. If it were shared, it would take datagrams from the server that starts
    /// beside it (measured: all of them, if that sets `SO_REUSEPORT` too), and the kernel would choose its port
    /// for others that set the option. So it is kept from all.
    ///
    /// # Errors
    /// Those of the system.
    pub fn share(&self) -> io::Result<()> {
        let mut sockets = self.sockets.iter();
        sockets.try_for_each(|(protocol, socket)| match protocol {
            Protocol::Tcp if REUSE_SHARES => socket.set_reuse_address(true),
            _ => Ok(()),
        })
    }

    /// Closes the sockets of a protocol.
    pub fn release(&mut self, protocol: Protocol) {
        self.sockets.retain(|(of, _)| *of != protocol);
    }

    /// Takes the socket for a server: a TCP one listens, a UDP one (if the request is without TCP) is bound. All
    /// others are closed. `None` if the server would need several.
    ///
    /// # Errors
    /// Those of the system.
    pub fn into_server(mut self) -> io::Result<Option<Socket>> {
        if self.sockets.iter().any(|(of, _)| *of == Protocol::Tcp) {
            self.release(Protocol::Udp);
        }
        self.listen()?;
        let socket = self.sockets.pop().map(|(_, socket)| socket);
        Ok(socket.filter(|_| self.sockets.is_empty()))
    }

    fn listen(&self) -> io::Result<()> {
        let tcp = self.sockets.iter().filter(|(of, _)| *of == Protocol::Tcp);
        for (_, socket) in tcp {
            socket.listen(BACKLOG)?;
            // Accepted connections inherit the option; without it they would keep the server from starting again.
            if REUSE_SHARES {
                socket.set_reuse_address(true)?;
            }
        }
        Ok(())
    }
}

fn refusal(port: u16, error: &io::Error) -> Refusal {
    let result = outcome_of(error);
    Refusal { port, result }
}

/// Whether IPv6 is missing or disabled.
fn lacks_v6(error: &io::Error) -> bool {
    let result = outcome_of(error);
    result.is("EAFNOSUPPORT") || result.is("EADDRNOTAVAIL")
}
