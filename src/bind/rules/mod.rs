//! Which sockets conflict: whether the kernel would refuse a bind because of another socket.
//!
//! The only implementation of the kernel's rules (Linux: `inet_csk_get_port`, `udp_lib_get_port` and the address
//! comparisons below them). They were measured on 6.18 in 14,742 combinations of one holder and one bind without an
//! exception; `tests/bind/differential.rs` draws new ones, also with two holders, at every run. Pure: unknown facts
//! about a socket make an answer [`Answer::Depends`], not a guess.

#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv6Addr};

use crate::model::{Holder, Opening, Protocol, Socket, SocketOptions, State, Text};

/// A bind to predict, on the port of the holders that it is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Transport protocol: TCP and UDP never conflict.
    pub protocol: Protocol,
    /// The address to bind.
    pub address: IpAddr,
    /// `IPV6_V6ONLY`; means nothing for IPv4.
    pub v6only: bool,
    /// `SO_REUSEADDR`.
    pub reuse_address: bool,
    /// `SO_REUSEPORT`.
    pub reuse_port: bool,
    /// The effective uid; `None` if unknown.
    pub uid: Option<u32>,
    /// The interface of `SO_BINDTODEVICE`.
    pub device: Option<Text>,
}

/// The answer to a yes-no question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// No.
    No,
    /// It depends on data that could not be read.
    Depends,
    /// Yes.
    Yes,
}

impl Answer {
    fn and(self, other: Self) -> Self {
        self.min(other)
    }

    fn or(self, other: Self) -> Self {
        self.max(other)
    }

    const fn not(self) -> Self {
        match self {
            Self::No => Self::Yes,
            Self::Depends => Self::Depends,
            Self::Yes => Self::No,
        }
    }
}

impl From<bool> for Answer {
    fn from(is_so: bool) -> Self {
        if is_so { Self::Yes } else { Self::No }
    }
}

impl From<Option<bool>> for Answer {
    fn from(is_so: Option<bool>) -> Self {
        is_so.map_or(Self::Depends, Self::from)
    }
}

/// Whether `holder` makes the kernel refuse `request` with `EADDRINUSE`. Both are on the same port.
pub fn conflicts(request: &Request, holder: &Holder) -> Answer {
    let socket = &*holder.socket;
    if socket.protocol != request.protocol || !has_port(socket) {
        return Answer::No;
    }
    if let (Some(one), Some(other)) = (&socket.interface, &request.device)
        && one != other
    {
        return Answer::No;
    }
    overlap(request, holder).and(shares(request, holder).not())
}

/// A connection that a peer is still opening does not have the port, its listener does. It has no inode; one with an
/// inode opened at the same time as its peer and counts as any socket.
fn has_port(socket: &Socket) -> bool {
    let is_half_open = socket.state == State::SynRecv && socket.inode.is_none();
    !is_half_open && socket.state != State::Closed
}

/// The addresses of one family that a socket takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Nothing,
    Every,
    Only(IpAddr),
    /// All of IPv4 as an `AF_INET6` socket takes it, on `::ffff:0.0.0.0`.
    EveryMapped,
    /// Conflicts with the wildcard of this family and with no single address. An `AF_INET6` socket
    /// that got its IPv6 address without a bind to it (an outgoing connection, one accepted by a
    /// dual-stack listener) does that to `0.0.0.0`: the kernel never compares the families there. To
    /// `::ffff:0.0.0.0` it does not: two `AF_INET6` sockets are compared by their whole addresses.
    TheWildcard,
}

impl Reach {
    fn overlaps(self, other: Self) -> bool {
        match (self, other) {
            (Self::Nothing, _) | (_, Self::Nothing) => false,
            (Self::TheWildcard, other) | (other, Self::TheWildcard) => other == Self::Every,
            (Self::Every | Self::EveryMapped, _) | (_, Self::Every | Self::EveryMapped) => true,
            (Self::Only(one), Self::Only(other)) => one == other,
        }
    }
}

/// The addresses of IPv4 and of IPv6 that a socket takes.
fn reaches(address: IpAddr, v6only: bool) -> [Reach; 2] {
    let of_one = |address: IpAddr| {
        if address.is_unspecified() {
            Reach::Every
        } else {
            Reach::Only(address)
        }
    };
    match address.to_canonical() {
        v4 if v4 != address && v4.is_unspecified() => [Reach::EveryMapped, Reach::Nothing],
        v4 @ IpAddr::V4(_) => [of_one(v4), Reach::Nothing],
        v6 if v6only => [Reach::Nothing, of_one(v6)],
        v6 if v6 == IpAddr::V6(Ipv6Addr::UNSPECIFIED) => [Reach::Every, Reach::Every],
        v6 => [Reach::TheWildcard, of_one(v6)],
    }
}

fn overlap(request: &Request, holder: &Holder) -> Answer {
    // A bind to one IPv6 address excludes IPv4, whatever the option says.
    let is_one_v6 = !request.address.is_unspecified();
    let wanted = reaches(request.address, request.v6only || is_one_v6);
    let local = holder.socket.local.address;
    let overlaps = |v6only| {
        let taken = reaches(local, v6only);
        let mut families = wanted.into_iter().zip(taken);
        families.any(|(one, other)| one.overlaps(other))
    };
    match holder.v6only {
        Some(v6only) => overlaps(v6only).into(),
        None if overlaps(true) == overlaps(false) => overlaps(true).into(),
        None => Answer::Depends,
    }
}

/// Whether the options let both have an overlapping address.
fn shares(request: &Request, holder: &Holder) -> Answer {
    let socket = &*holder.socket;
    let option = |of: fn(&SocketOptions) -> bool| Answer::from(holder.options.as_ref().map(of));
    let both_reuse_address =
        Answer::from(request.reuse_address).and(option(|options| options.reuse_address));
    let both_reuse_port =
        Answer::from(request.reuse_port).and(option(|options| options.reuse_port));
    let is_same_user = Answer::from(request.uid.zip(socket.uid).map(|(one, other)| one == other));
    match request.protocol {
        Protocol::Tcp => {
            let is_silent = Answer::from(socket.state != State::Listen);
            // The kernel treats an orphan in `FIN_WAIT2` as `TIME_WAIT`.
            let is_orphan = socket.state == State::FinWait2 && socket.inode.is_none();
            let is_time_wait = socket.state == State::TimeWait || is_orphan;
            let by_port = is_same_user.or(is_time_wait.into());
            both_reuse_address
                .and(is_silent)
                .or(both_reuse_port.and(by_port))
        }
        _ => both_reuse_address.or(both_reuse_port.and(is_same_user)),
    }
}

/// The prediction for a bind beside some holders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prediction {
    /// The holders, by index, that refuse it for sure.
    pub blockers: Vec<usize>,
    /// Those that may refuse it, depending on unreadable data about them.
    pub doubtful: Vec<usize>,
}

impl Prediction {
    /// Whether the bind is refused.
    pub fn is_refused(&self) -> Answer {
        match (self.blockers.is_empty(), self.doubtful.is_empty()) {
            (false, _) => Answer::Yes,
            (true, false) => Answer::Depends,
            (true, true) => Answer::No,
        }
    }
}

/// Predicts a bind.
pub fn predict(request: &Request, holders: &[Holder]) -> Prediction {
    let mut prediction = Prediction::default();
    for (index, holder) in holders.iter().enumerate() {
        match conflicts(request, holder) {
            Answer::Yes => prediction.blockers.push(index),
            Answer::Depends => prediction.doubtful.push(index),
            Answer::No => {}
        }
    }
    if holders.iter().any(|holder| may_exempt(request, holder)) {
        prediction.doubtful.append(&mut prediction.blockers);
    }
    prediction
}

/// Whether a holder may let a bind with `SO_REUSEPORT` pass all others. With several holders on a port the kernel does
/// not check each: TCP caches for the port the last socket that shared it (`sk_reuseport_match`), and UDP stops at the
/// first socket of the same user that shares (`udp_lib_lport_inuse`), so that the answer depends on the order in which
/// they were bound.
///
/// What TCP caches may be a listener that is gone, as long as a connection that it accepted is left. The user of a
/// connection is the one that accepted it, not that of the listener. Found by `tests/bind/differential.rs` on 6.18.
fn may_exempt(request: &Request, holder: &Holder) -> bool {
    let socket = &*holder.socket;
    let is_of_port = socket.protocol == request.protocol && has_port(socket);
    let may_share = holder.options.is_none_or(|options| options.reuse_port);
    let is_tcp_connection = socket.protocol == Protocol::Tcp && socket.remote.is_some();
    let may_be_accepted = is_tcp_connection && holder.opening != Some(Opening::Active);
    let is_other_user = request
        .uid
        .zip(socket.uid)
        .is_some_and(|(one, other)| one != other);
    request.reuse_port && is_of_port && may_share && (may_be_accepted || !is_other_user)
}
