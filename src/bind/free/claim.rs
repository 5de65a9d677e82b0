//! A port that is ours: bound by sockets of this process and kept. Touches the operating system.
//!
//! It is bound without `SO_REUSEADDR`. With it two programs that choose a port at the same time would
//! both get it, as long as neither listens; without it the kernel lets nobody in beside us. Only once
//! it is ours may the option be set, so that a server that sets it too can start while we keep the port
//! from everybody else. Measured on Linux 6.18: the kernel compares the options that sockets have when
//! a bind is asked for, not those that they were bound with.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use socket2::Socket;

use super::PortRequest;
use crate::bind::probe::{REUSE_SHARES, bound, outcome_of, zone};
use crate::bind::{Address, ProbeResult};
use crate::model::{Protocol, Zone};

/// As many connections wait for a program that we hand a listener as the kernel allows; it caps the
/// number at `net.core.somaxconn`.
const BACKLOG: i32 = 4096;

/// A port with the sockets that hold it. They are closed with it, and in any program that is executed.
#[derive(Debug)]
pub struct Claim {
    port: u16,
    sockets: Vec<(Protocol, Socket)>,
    /// Whether TCP is bound with `SO_REUSEADDR`.
    reuses: bool,
}

/// A bind that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The port; 0 where the kernel was to choose it and had none.
    pub port: u16,
    /// The kernel's answer, never `ok`.
    pub result: ProbeResult,
}

/// One bind that a request takes.
#[derive(Clone, Copy)]
struct Place {
    address: IpAddr,
    zone: Option<Zone>,
    v6only: bool,
    without_v6: WithoutV6,
}

/// What is done where this system has no IPv6, or has switched it off.
#[derive(Clone, Copy)]
enum WithoutV6 {
    Fail,
    LeaveOut,
    Bind(Ipv4Addr),
}

impl Claim {
    /// Binds `port` for everything that is requested for; port 0 lets the kernel choose one.
    ///
    /// # Errors
    /// The first bind that failed; nothing is bound then.
    pub fn of(request: &PortRequest, port: u16) -> Result<Self, Refusal> {
        Self::bound(request, port, false)
    }

    fn bound(request: &PortRequest, port: u16, reuses: bool) -> Result<Self, Refusal> {
        let mut claim = Self {
            port,
            sockets: Vec::new(),
            reuses,
        };
        for protocol in request.protocols() {
            for place in places(request.address) {
                claim.add(protocol, place).map_err(|error| Refusal {
                    port: claim.port,
                    result: outcome_of(&error),
                })?;
            }
        }
        Ok(claim)
    }

    /// The same for a port on which an earlier server left connections behind: binds TCP with
    /// `SO_REUSEADDR` and listens, which only one program can. Whoever keeps the port without listening
    /// would be overrun, so the caller makes sure that nobody does.
    ///
    /// # Errors
    /// As above; also where another program listens by now.
    pub fn beside_leftovers(request: &PortRequest, port: u16) -> Result<Self, Refusal> {
        let claim = Self::bound(request, port, true)?;
        claim.listen().map_err(|error| Refusal {
            port,
            result: outcome_of(&error),
        })?;
        Ok(claim)
    }

    /// The port.
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// Lets TCP servers that set `SO_REUSEADDR` bind the port while it is kept. Everybody else, and the
    /// kernel when it chooses a port, still finds it taken. Does nothing on Windows, where that option
    /// means something else.
    ///
    /// A UDP socket that is bound receives at once. Were it shared, it would take datagrams from the
    /// server that starts beside it (measured: all of them, where that sets `SO_REUSEPORT` too), and
    /// the kernel would choose its port for others that set the option. So it is kept from everybody.
    ///
    /// # Errors
    /// What the system says.
    pub fn share(&self) -> io::Result<()> {
        if !REUSE_SHARES {
            return Ok(());
        }
        let mut tcp = self.sockets.iter().filter(|(of, _)| *of == Protocol::Tcp);
        tcp.try_for_each(|(_, socket)| socket.set_reuse_address(true))
    }

    /// Lets go of the sockets of a protocol.
    pub fn release(&mut self, protocol: Protocol) {
        self.sockets.retain(|(of, _)| *of != protocol);
    }

    /// Takes out the socket for a server: of TCP it listens, of UDP (where no TCP was requested for) it
    /// is bound. All others are closed. `None` if the server would need several.
    ///
    /// # Errors
    /// What the system says.
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
            // The connections that it accepts get the option from it; without it, what they leave
            // behind would keep the server from starting again.
            if REUSE_SHARES {
                socket.set_reuse_address(true)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, protocol: Protocol, place: Place) -> io::Result<()> {
        let socket = match self.bind(protocol, (place.address, place.zone), place.v6only) {
            Err(error) if lacks_v6(&error) => match place.without_v6 {
                WithoutV6::Fail => return Err(error),
                WithoutV6::LeaveOut => return Ok(()),
                WithoutV6::Bind(v4) => self.bind(protocol, (v4.into(), None), false)?,
            },
            answer => answer?,
        };
        if self.port == 0 {
            let bound = socket.local_addr()?.as_socket();
            self.port = bound.map_or(0, |address| address.port());
        }
        self.sockets.push((protocol, socket));
        Ok(())
    }

    fn bind(
        &self,
        protocol: Protocol,
        (address, zone): (IpAddr, Option<Zone>),
        v6only: bool,
    ) -> io::Result<Socket> {
        let v6only = address.is_ipv6().then_some(v6only);
        let reuses = self.reuses && protocol == Protocol::Tcp && REUSE_SHARES;
        bound(
            protocol,
            zone::with_port(address, zone, self.port)?,
            v6only,
            reuses,
        )
    }
}

/// What is bound for an address. For every address one dual-stack socket, so that the kernel can't
/// choose a port that is taken in one family.
fn places(address: Address) -> Vec<Place> {
    let place = |address, v6only| Place {
        address,
        zone: None,
        v6only,
        without_v6: WithoutV6::Fail,
    };
    match address {
        Address::Every => vec![Place {
            without_v6: WithoutV6::Bind(Ipv4Addr::UNSPECIFIED),
            ..place(Ipv6Addr::UNSPECIFIED.into(), false)
        }],
        Address::Loopback => vec![
            place(Ipv4Addr::LOCALHOST.into(), false),
            Place {
                without_v6: WithoutV6::LeaveOut,
                ..place(Ipv6Addr::LOCALHOST.into(), false)
            },
        ],
        Address::One(one) => vec![place(one, one.is_unspecified())],
        Address::Zoned(one, zone) => vec![Place {
            zone: Some(zone),
            ..place(one.into(), false)
        }],
    }
}

/// Whether there is no IPv6 here, or it is switched off.
fn lacks_v6(error: &io::Error) -> bool {
    let result = outcome_of(error);
    result.is("EAFNOSUPPORT") || result.is("EADDRNOTAVAIL")
}
