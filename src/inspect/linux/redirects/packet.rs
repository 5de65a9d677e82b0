//! The packets that are traced. Pure.

use std::net::IpAddr;

use ipnet::IpNet;

use crate::model::Protocol;

/// The known properties of the traced packets.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    pub(super) protocol: Protocol,
    /// The destination port.
    pub(super) port: u16,
    pub(super) version: Version,
    pub(super) hook: Hook,
    /// Whether the chain changes addresses (type nat). Such a chain sees only the first packet of a connection,
    /// and none that comes back in by the loopback interface: the address of those was decided at output.
    pub(super) is_nat: bool,
    /// Every address of this machine, if they could be read.
    pub(super) own: Option<&'a [IpNet]>,
}

impl Packet<'_> {
    /// Whether a network has one of this machine's addresses, or one that many machines listen to. A packet for
    /// any other address reaches no server here.
    pub(super) fn may_be_for(&self, net: &IpNet) -> bool {
        let reaches_many = match net.addr() {
            IpAddr::V4(address) => address.is_multicast() || address.is_broadcast(),
            IpAddr::V6(address) => address.is_multicast(),
        };
        let overlaps = |own: &IpNet| own.contains(&net.addr()) || net.contains(&own.addr());
        reaches_many || self.own.is_none_or(|own| own.iter().any(overlaps))
    }

    /// Whether an address is certainly one of this machine's.
    pub(super) fn is_own(&self, address: IpAddr) -> bool {
        self.own
            .is_some_and(|own| own.iter().any(|net| net.contains(&address)))
    }
}

/// A version of IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    V4,
    V6,
}

/// The hook of a base chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Hook {
    /// For packets that arrive.
    Prerouting,
    /// For packets that programs here send.
    Output,
}
