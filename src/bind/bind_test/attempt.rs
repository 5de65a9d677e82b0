//! A bind(2) or listen(2) of another program, and the kernel's answer to it. Pure.

use std::net::IpAddr;

use serde::Serialize;

use super::{Probe, ProbeResult, Target};
use crate::bind::Address;
use crate::model::{Protocol, Text, Zone};

/// The system call that was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BindCall {
    /// bind(2).
    Bind,
    /// listen(2): two sockets may be bound to the same port, and only one of them can listen.
    Listen,
}

/// What the rules need to know of a socket besides its address, if it is not one of our own probes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct SocketTraits {
    /// `SO_REUSEPORT`.
    pub reuse_port: bool,
    /// The uid of the socket: that of the process which opened it.
    pub uid: Option<u32>,
    /// The interface of `SO_BINDTODEVICE`.
    pub device: Option<Text>,
}

/// A call of a program, and the kernel's answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BindAttempt {
    /// Which call.
    pub call: BindCall,
    /// TCP or UDP.
    pub protocol: Protocol,
    /// The address of the call, or for listen(2) of the socket.
    pub address: IpAddr,
    /// The interface of a link-local address.
    pub zone: Option<Zone>,
    /// The port; 0 if the kernel was to choose it.
    pub port: u16,
    /// `IPV6_V6ONLY`; `None` for a socket of IPv4.
    pub v6only: Option<bool>,
    /// `SO_REUSEADDR`.
    pub reuse_address: bool,
    /// The rest of its options.
    pub traits: SocketTraits,
    /// The answer.
    pub result: ProbeResult,
}

impl BindCall {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bind => "bind",
            Self::Listen => "listen",
        }
    }
}

impl BindAttempt {
    /// The target that a bind test of the same address has: a dual-stack socket on `::` is on every address.
    pub fn target(&self) -> Target {
        let is_every = self.address.is_unspecified() && self.v6only == Some(false);
        let address = match (self.address, self.zone) {
            _ if is_every => Address::Every,
            (IpAddr::V6(v6), Some(zone)) => Address::Zoned(v6, zone),
            (one, _) => Address::One(one),
        };
        Target {
            protocol: self.protocol,
            address,
            ports: self.port..=self.port,
        }
    }

    /// The call as a trial bind with its result.
    pub fn probe(&self) -> Probe {
        Probe {
            address: self.address,
            v6only: self.v6only,
            reuse_address: self.reuse_address,
            result: self.result.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;

    #[test]
    fn only_a_dual_stack_wildcard_is_every_address() {
        let target = |address: &str, v6only| {
            let attempt = BindAttempt {
                call: BindCall::Bind,
                protocol: Protocol::Tcp,
                address: address.parse().unwrap(),
                zone: None,
                port: 80,
                v6only,
                reuse_address: false,
                traits: SocketTraits::default(),
                result: ProbeResult::Ok,
            };
            attempt.target().to_string()
        };
        assert_eq!(target("::", Some(false)), "80");
        assert_eq!(target("::", Some(true)), "[::]:80");
        assert_eq!(target("0.0.0.0", None), "0.0.0.0:80");
        assert_eq!(target("::1", Some(false)), "[::1]:80");
    }

    #[test]
    fn a_link_local_address_keeps_its_interface() {
        let zone = Zone::new("eth0").unwrap();
        let attempt = BindAttempt {
            call: BindCall::Bind,
            protocol: Protocol::Udp,
            address: Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1).into(),
            zone: Some(zone),
            port: 53,
            v6only: Some(false),
            reuse_address: false,
            traits: SocketTraits::default(),
            result: ProbeResult::Ok,
        };
        assert_eq!(attempt.target().to_string(), "[fe80::1%eth0]:53/udp");
    }
}
