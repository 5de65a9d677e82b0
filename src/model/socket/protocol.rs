//! Protocols, sets of them, and states.

use serde::{Deserialize, Serialize};
use strum::{Display, IntoStaticStr, VariantArray};

/// Transport protocol, or the kind of socket without one. TCP and UDP are in every snapshot, the others on request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[derive(IntoStaticStr, VariantArray)]
#[strum(serialize_all = "lowercase")]
pub enum Protocol {
    /// Transmission Control Protocol.
    Tcp,
    /// User Datagram Protocol.
    Udp,
    /// UDP-Lite (RFC 3828), which has ports of its own.
    UdpLite,
    /// Stream Control Transmission Protocol, which has ports of its own.
    Sctp,
    /// Raw IP and ping sockets.
    Raw,
    /// Packet sockets, which see what an interface sends and receives.
    Packet,
    /// Unix sockets.
    Unix,
}

impl Protocol {
    /// All of them, in the order in which a table sorts them.
    pub const ALL: [Self; 7] = *Self::VARIANTS.first_chunk().expect("there are 7");

    /// `tcp`, `udp`, `udplite`, `sctp`, `raw`, `packet` or `unix`.
    pub fn as_str(self) -> &'static str {
        self.into()
    }

    /// For use in a sentence: `UDP-Lite`, `unix`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::UdpLite => "UDP-Lite",
            Self::Sctp => "SCTP",
            Self::Raw => "raw",
            Self::Packet => "packet",
            Self::Unix => "unix",
        }
    }

    /// The protocol of that name, in any case.
    pub fn named(name: &str) -> Option<Self> {
        let is_it = |one: &Self| one.as_str().eq_ignore_ascii_case(name);
        Self::ALL.into_iter().find(is_it)
    }

    /// Whether its sockets have ports; the others have a [`Portless`](super::Portless) each.
    pub const fn has_ports(self) -> bool {
        matches!(self, Self::Tcp | Self::Udp | Self::UdpLite | Self::Sctp)
    }

    /// Whether a bind test can be made of its ports.
    pub const fn can_be_bind_tested(self) -> bool {
        matches!(self, Self::Tcp | Self::Udp)
    }

    /// A port for use in a sentence: `8080`, `5353/udp`.
    pub fn port_text(self, port: u16) -> String {
        match self {
            Self::Tcp => port.to_string(),
            other => format!("{port}/{}", other.as_str()),
        }
    }
}

/// TCP's states, `BOUND` for a TCP socket that has a port but neither listens nor connects, and `UNCONN` for a UDP
/// socket without a peer. A connected UDP socket is `ESTABLISHED`, as `ss` says it. `DNAT` is a port without a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[derive(Display, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "RFC 9293 section 3.3.2 defines TCP's states")]
pub enum State {
    Listen,
    Bound,
    Unconn,
    /// No socket: a rule of the packet filter alone sends the traffic for this port elsewhere.
    Dnat,
    SynSent,
    SynRecv,
    Established,
    #[serde(rename = "FIN_WAIT1")]
    FinWait1,
    #[serde(rename = "FIN_WAIT2")]
    FinWait2,
    CloseWait,
    LastAck,
    Closing,
    TimeWait,
    Closed,
}

impl State {
    /// Every state, in the order in which a table sorts them.
    pub const ALL: [Self; 14] = *Self::VARIANTS.first_chunk().expect("there are 14");

    /// The state as the screen, JSON and the filter spell it.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A set of protocols: which kinds of sockets are read and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Kinds(u8);

impl Default for Kinds {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Kinds {
    /// TCP and UDP, which every snapshot has.
    pub const DEFAULT: Self = Self::of(Protocol::Tcp).with(Protocol::Udp);

    /// No protocol.
    pub const NONE: Self = Self(0);

    /// Every protocol.
    pub const ALL: Self = Self((1 << Protocol::ALL.len()) - 1);

    /// One protocol.
    pub const fn of(protocol: Protocol) -> Self {
        Self(1 << protocol as u8)
    }

    /// Adds this protocol.
    #[must_use]
    pub const fn with(self, protocol: Protocol) -> Self {
        self.and(Self::of(protocol))
    }

    /// The union of both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Removes these protocols.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Toggles a protocol.
    #[must_use]
    pub const fn toggled(self, protocol: Protocol) -> Self {
        Self(self.0 ^ Self::of(protocol).0)
    }

    /// Whether this protocol is among them.
    pub const fn has(self, protocol: Protocol) -> bool {
        self.0 & Self::of(protocol).0 != 0
    }

    /// Whether it is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The protocols besides TCP and UDP, which are read only on request.
    #[must_use]
    pub const fn optional(self) -> Self {
        self.without(Self::DEFAULT)
    }

    /// Iterates in the order of [`Protocol::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Protocol> {
        Protocol::ALL
            .into_iter()
            .filter(move |&protocol| self.has(protocol))
    }
}

impl FromIterator<Protocol> for Kinds {
    fn from_iter<I: IntoIterator<Item = Protocol>>(protocols: I) -> Self {
        protocols.into_iter().fold(Self::NONE, Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_has_what_it_was_made_of_and_nothing_else() {
        let some: Kinds = [Protocol::Unix, Protocol::Tcp].into_iter().collect();
        assert_eq!(
            some.iter().collect::<Vec<_>>(),
            [Protocol::Tcp, Protocol::Unix]
        );
        assert_eq!(some.optional(), Kinds::of(Protocol::Unix));
        assert_eq!(some.toggled(Protocol::Unix), Kinds::of(Protocol::Tcp));
        assert!(Kinds::ALL.iter().eq(Protocol::ALL));
        assert!(Kinds::NONE.is_empty());
    }
}
