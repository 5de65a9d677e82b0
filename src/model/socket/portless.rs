//! The identification of a socket without a port: type, name and peer of a unix socket, the ethertype of a packet
//! socket, the IP protocol number of a raw socket.

use std::fmt;

use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

use crate::model::{Protocol, Text};

/// What a socket of a protocol without ports is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Portless {
    /// `AF_UNIX`, see `unix(7)`.
    Unix(UnixSocket),
    /// `AF_PACKET`, see `packet(7)`.
    Packet(PacketSocket),
    /// `SOCK_RAW` over IP, see `raw(7)`, or a ping socket, see `icmp(7)`.
    Raw(RawSocket),
}

/// A unix socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnixSocket {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: UnixKind,
    /// What it is bound to; `None` for an unnamed one. Only its inode identifies that.
    pub name: Option<UnixName>,
    /// The socket at the other end, if it is connected to one.
    pub peer: Option<UnixPeer>,
}

/// Which kind of socket it is; a client must be of the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[derive(IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub enum UnixKind {
    /// `SOCK_STREAM`.
    Stream,
    /// `SOCK_DGRAM`: it receives once it is bound, and never listens.
    Datagram,
    /// `SOCK_SEQPACKET`.
    SeqPacket,
}

impl UnixKind {
    /// The word that JSON uses.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// What a unix socket is bound to. A path need not exist any more, and may be of another mount namespace.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnixName {
    /// A path, as it was given to `bind`: it may be relative.
    Path(Text),
    /// A name in the abstract namespace, without the zero byte before it.
    Abstract(Text),
}

/// The other end of a connected unix socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnixPeer {
    /// Its inode.
    pub inode: u32,
    /// What it is bound to.
    pub name: Option<UnixName>,
    /// Who has it, as `nginx(812)`; `None` where that is not known.
    pub process: Option<Text>,
}

/// A packet socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PacketSocket {
    /// Whether it receives whole frames.
    #[serde(rename = "type")]
    pub kind: PacketType,
    /// The ethertype that it receives: 3 for all, 0 for none.
    pub ethertype: u16,
}

/// The type of a packet socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PacketType {
    /// `SOCK_RAW`: with the link layer's header.
    Raw,
    /// `SOCK_DGRAM`: without it.
    Datagram,
}

/// A raw socket, or a ping socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawSocket {
    /// The number of the IP protocol: 1 for ICMP.
    pub number: u8,
    /// The ICMP identifier of a ping socket (`SOCK_DGRAM`); `None` for a raw one.
    pub identifier: Option<u16>,
}

impl Portless {
    /// The protocol that such a socket has.
    pub const fn protocol(&self) -> Protocol {
        match self {
            Self::Unix(_) => Protocol::Unix,
            Self::Packet(_) => Protocol::Packet,
            Self::Raw(_) => Protocol::Raw,
        }
    }
}

impl UnixName {
    /// As the kernel gives it: an abstract one begins with a zero byte, a path may end in one. `None` if empty.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [] => None,
            [0, name @ ..] => Some(Self::Abstract(Text::from_bytes(name))),
            path => {
                let path = path.split(|&byte| byte == 0).next();
                Some(Self::Path(Text::from_bytes(path.unwrap_or_default())))
            }
        }
    }

    /// The path, or the name without the `@` before it.
    pub const fn text(&self) -> &Text {
        match self {
            Self::Path(text) | Self::Abstract(text) => text,
        }
    }
}

impl fmt::Display for UnixName {
    /// `/run/app.sock`, `@name`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => f.write_str(path),
            Self::Abstract(name) => write!(f, "@{name}"),
        }
    }
}

impl fmt::Display for UnixPeer {
    /// `/run/app.sock nginx(812)`, or the known parts, at least `inode 4242`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.name, &self.process) {
            (Some(name), Some(process)) => write!(f, "{name} {process}"),
            (Some(name), None) => name.fmt(f),
            (None, Some(process)) => f.write_str(process),
            (None, None) => write!(f, "inode {}", self.inode),
        }
    }
}

impl fmt::Display for PacketSocket {
    /// The ethertype (`linux/if_ether.h`): `arp`, `all`, `0x88f7`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.ethertype {
            0 => "none",
            0x0003 => "all",
            0x0004 => "802.2",
            0x0800 => "ip",
            0x0806 => "arp",
            0x8100 => "vlan",
            0x86dd => "ipv6",
            0x8863 => "pppoe",
            0x888e => "eapol",
            0x88cc => "lldp",
            other => return write!(f, "{other:#06x}"),
        })
    }
}

impl fmt::Display for RawSocket {
    /// The protocol (IANA), and the identifier of a ping socket: `icmp`, `icmp/4242`, `200`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            1 => f.write_str("icmp")?,
            2 => f.write_str("igmp")?,
            6 => f.write_str("tcp")?,
            17 => f.write_str("udp")?,
            41 => f.write_str("ipv6")?,
            47 => f.write_str("gre")?,
            50 => f.write_str("esp")?,
            51 => f.write_str("ah")?,
            58 => f.write_str("icmp6")?,
            89 => f.write_str("ospf")?,
            103 => f.write_str("pim")?,
            112 => f.write_str("vrrp")?,
            132 => f.write_str("sctp")?,
            136 => f.write_str("udplite")?,
            255 => f.write_str("raw")?,
            other => write!(f, "{other}")?,
        }
        self.identifier.map_or(Ok(()), |id| write!(f, "/{id}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_path_or_abstract_and_shows_what_a_terminal_would_act_on() {
        let shown = |bytes: &[u8]| UnixName::from_bytes(bytes).map(|name| name.to_string());
        assert_eq!(shown(b""), None);
        assert_eq!(shown(b"/run/a.sock\0").as_deref(), Some("/run/a.sock"));
        assert_eq!(shown(b"relative").as_deref(), Some("relative"));
        assert_eq!(shown(b"\0a\0b").as_deref(), Some("@a\\x00b"));
        assert_eq!(shown(b"\0").as_deref(), Some("@"));
        assert_eq!(shown(b"\0\x1b[2J").as_deref(), Some("@\\x1b[2J"));
        assert_eq!(shown(b"/tmp/\xff\n").as_deref(), Some("/tmp/\u{fffd}\\n"));
    }

    #[test]
    fn numbers_without_a_name_are_shown_as_such() {
        let packet = |ethertype| {
            let kind = PacketType::Raw;
            PacketSocket { kind, ethertype }.to_string()
        };
        assert_eq!(packet(0x0806), "arp");
        assert_eq!(packet(0x88f7), "0x88f7");
        let raw = |number, identifier| RawSocket { number, identifier }.to_string();
        assert_eq!(raw(1, None), "icmp");
        assert_eq!(raw(1, Some(7)), "icmp/7");
        assert_eq!(raw(200, None), "200");
    }
}
