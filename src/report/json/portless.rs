//! The JSON keys of sockets without ports.

use std::net::IpAddr;

use serde::Serialize;

use crate::model::{Endpoint, PacketType, Portless, Socket, UnixName, UnixPeer};

/// One end of a socket with an address. A raw socket has no port.
#[derive(Clone, Copy, Serialize)]
pub struct EndRecord {
    pub address: IpAddr,
    pub port: Option<u16>,
}

impl EndRecord {
    pub fn of(end: Option<Endpoint>, socket: &Socket) -> Option<Self> {
        let end = end.filter(|_| socket.has_address())?;
        Some(Self {
            address: end.address,
            port: socket.protocol.has_ports().then_some(end.port),
        })
    }
}

#[derive(Default, Serialize)]
pub struct PortlessRecord<'a> {
    /// `stream`, `datagram` or `seqpacket` of a unix socket, `raw` or `datagram` of a packet socket, `raw`
    /// or `ping` of a raw one.
    #[serde(rename = "type")]
    pub kind: Option<&'static str>,
    #[serde(flatten)]
    pub name: NameRecord<'a>,
    pub peer: Option<PeerRecord<'a>>,
    pub ethertype: Option<u16>,
    pub ip_protocol: Option<u8>,
    pub icmp_identifier: Option<u16>,
}

/// What a unix socket is bound to, its abstract name without the zero byte before it.
#[derive(Default, Serialize)]
pub struct NameRecord<'a> {
    pub path: Option<&'a str>,
    #[serde(rename = "abstract")]
    pub abstract_name: Option<&'a str>,
}

/// The other end of a unix socket.
#[derive(Serialize)]
pub struct PeerRecord<'a> {
    pub inode: u32,
    #[serde(flatten)]
    name: NameRecord<'a>,
    process: Option<&'a str>,
}

impl<'a> PortlessRecord<'a> {
    pub fn of(portless: &'a Portless) -> Self {
        match portless {
            Portless::Unix(unix) => Self {
                kind: Some(unix.kind.as_str()),
                name: NameRecord::of(unix.name.as_ref()),
                peer: unix.peer.as_ref().map(PeerRecord::of),
                ..Self::default()
            },
            Portless::Packet(packet) => Self {
                kind: Some(match packet.kind {
                    PacketType::Raw => "raw",
                    PacketType::Datagram => "datagram",
                }),
                ethertype: Some(packet.ethertype),
                ..Self::default()
            },
            Portless::Raw(raw) => Self {
                kind: Some(match raw.identifier {
                    None => "raw",
                    Some(_) => "ping",
                }),
                ip_protocol: Some(raw.number),
                icmp_identifier: raw.identifier,
                ..Self::default()
            },
        }
    }
}

impl<'a> NameRecord<'a> {
    fn of(name: Option<&'a UnixName>) -> Self {
        match name {
            None => Self::default(),
            Some(UnixName::Path(path)) => Self {
                path: Some(path),
                ..Self::default()
            },
            Some(UnixName::Abstract(name)) => Self {
                abstract_name: Some(name),
                ..Self::default()
            },
        }
    }
}

impl<'a> PeerRecord<'a> {
    fn of(peer: &'a UnixPeer) -> Self {
        Self {
            inode: peer.inode,
            name: NameRecord::of(peer.name.as_ref()),
            process: peer.process.as_deref(),
        }
    }
}
