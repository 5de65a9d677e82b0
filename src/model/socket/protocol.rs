//! Protocols and states.

use std::fmt;

use serde::{Deserialize, Serialize};
use strum::{IntoStaticStr, VariantArray};

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

/// State of a socket: TCP's states, `BOUND` for a TCP socket that has a port but neither listens
/// nor connects, and `UNCONN` for a UDP socket without a peer. A connected UDP socket is
/// `ESTABLISHED`, as `ss` says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[derive(IntoStaticStr, VariantArray)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
#[expect(missing_docs, reason = "RFC 9293 section 3.3.2 defines TCP's states")]
pub enum State {
    Listen,
    Bound,
    Unconn,
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
    pub const ALL: [Self; 13] = *Self::VARIANTS.first_chunk().expect("there are 13");

    /// The state as the screen, JSON and the filter spell it.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
