//! Which TCP or UDP sockets to dump, as the bytes of a request.

use netlink_packet_sock_diag::{AF_INET, AF_INET6, IPPROTO_TCP, IPPROTO_UDP, SOCK_DIAG_BY_FAMILY};

use crate::model::{Family, Protocol};
use crate::source::netstat::Part;

/// The older kind of request (`linux/inet_diag.h`), the only one by which the kernel walks its table of TCP sockets once
/// for both families. Measured beside 10,250 sockets: 8.5 ms, where a dump of each family takes 11.6.
pub(super) const TCPDIAG_GETSOCK: u16 = 18;

/// Bits of states by TCP's numbers, and of TCP sockets that are bound and nothing else. Kernels before 6.8 ignore that one.
const TCP_STATES: u32 = 0xfff;
const BOUND_INACTIVE: u32 = 1 << 13;

/// TCP's LISTEN, and CLOSE, which the kernel calls a UDP socket without a peer.
const WAITING: u32 = LISTEN | 1 << 7;
const LISTEN: u32 = 1 << 10;

/// The bit that requests `tcp_info` (`INET_DIAG_INFO`).
const INFO: u8 = 1 << 1;

/// The bit that requests the memory of the socket and its drops (`INET_DIAG_SKMEMINFO`).
const MEMORY: u8 = 1 << 6;

/// Which sockets to dump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DumpRequest {
    /// TCP of both families, in one walk of the kernel's table.
    Walk(Extras),
    /// TCP listeners of both families, for which the kernel does not walk its table of connections: 15 µs. Sockets that are
    /// only bound are not among them.
    Listeners(Extras),
    /// TCP sockets of both families that are bound and nothing else.
    Bound,
    /// Every socket of this part of the table.
    All(Part),
    /// This part of the table.
    Table(Part, Extras),
    /// The sockets of this part with this local port, with `tcp_info` where they have one.
    OnPort(Part, u16),
    /// The sockets of this part that wait for peers: for them the kernel need not walk its table of connections,
    /// which takes 10 ms.
    Waiting(Part),
}

/// What a dump includes besides sockets that listen or have a peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Extras {
    /// TCP sockets that are bound and nothing else. The kernel has them in another table: 2.5 ms more beside 10,250
    /// sockets, where a dump of their own takes 5. Kernels before 6.8 don't list them.
    pub(crate) bound: bool,
    /// `tcp_info`, which has the ages of connections: 0.19 µs more a row.
    pub(crate) ages: bool,
    /// The counters of each socket: `tcp_info` and drops.
    pub(crate) counters: bool,
}

impl Extras {
    const ALL: Self = Self {
        bound: true,
        ages: false,
        counters: false,
    };

    const fn states(self) -> u32 {
        TCP_STATES | if self.bound { BOUND_INACTIVE } else { 0 }
    }

    const fn extensions(self) -> u8 {
        match self {
            Self { counters: true, .. } => INFO | MEMORY,
            Self { ages: true, .. } => INFO,
            _ => 0,
        }
    }
}

impl DumpRequest {
    pub(super) const fn protocol(self) -> Protocol {
        match self {
            Self::Walk(_) | Self::Listeners(_) | Self::Bound => Protocol::Tcp,
            Self::All(part)
            | Self::Table(part, _)
            | Self::OnPort(part, _)
            | Self::Waiting(part) => part.protocol,
        }
    }

    /// The type of the message and its payload.
    pub(super) fn encode(self) -> (u16, Vec<u8>) {
        let (part, local_port, states, extensions) = match self {
            Self::Walk(extras) => return of_both_families(extras.states(), extras.extensions()),
            Self::Listeners(extras) => return of_both_families(LISTEN, extras.extensions()),
            Self::Bound => return of_both_families(BOUND_INACTIVE, 0),
            Self::All(part) => (part, 0, Extras::ALL.states(), 0),
            Self::Table(part, extras) => (part, 0, extras.states(), extras.extensions()),
            Self::OnPort(part, number) => (part, number, Extras::ALL.states(), INFO),
            Self::Waiting(part) => (part, 0, WAITING, 0),
        };
        let family = match part.family {
            Family::Ipv4 => AF_INET,
            Family::Ipv6 => AF_INET6,
        };
        let protocol = match part.protocol {
            Protocol::Tcp => IPPROTO_TCP,
            _ => IPPROTO_UDP,
        };
        let mut request = inet_request(family, protocol, states);
        request[2] = extensions;
        request[8..10].copy_from_slice(&local_port.to_be_bytes());
        (SOCK_DIAG_BY_FAMILY, request)
    }
}

/// A `struct inet_diag_req`: family, two prefix lengths and extensions (4 bytes), addresses and ports (48), states (4), and
/// 4 bytes that the kernel ignores, as it does the family.
fn of_both_families(states: u32, extensions: u8) -> (u16, Vec<u8>) {
    let mut request = vec![0; 60];
    request[3] = extensions;
    request[52..56].copy_from_slice(&states.to_ne_bytes());
    (TCPDIAG_GETSOCK, request)
}

/// A `struct inet_diag_req_v2` for any address: family, protocol, extensions and padding (4 bytes), states (4), ports,
/// addresses, interface and cookie (48).
pub(crate) fn inet_request(family: u8, protocol: u8, states: u32) -> Vec<u8> {
    let mut bytes = vec![0; 56];
    (bytes[0], bytes[1]) = (family, protocol);
    bytes[4..8].copy_from_slice(&states.to_ne_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_walk_is_laid_out_as_the_kernels_older_request() {
        let extras = Extras {
            bound: true,
            ages: true,
            counters: false,
        };
        let (message_type, bytes) = DumpRequest::Walk(extras).encode();
        let states = |bytes: &[u8]| u32::from_ne_bytes(bytes[52..56].try_into().unwrap());
        assert_eq!((message_type, bytes.len()), (18, 60));
        assert_eq!((bytes[3], states(&bytes)), (1 << 1, 0x2fff));
        let (_, plain) = DumpRequest::Walk(Extras::default()).encode();
        assert_eq!((plain[3], states(&plain)), (0, 0xfff));
    }

    #[test]
    fn counters_are_two_attributes_which_nothing_else_requests() {
        let extensions = |ages, counters| {
            let bound = false;
            let extras = Extras {
                bound,
                ages,
                counters,
            };
            let (_, walk) = DumpRequest::Walk(extras).encode();
            let (_, listeners) = DumpRequest::Listeners(extras).encode();
            assert_eq!(walk[3], listeners[3]);
            walk[3]
        };
        assert_eq!(extensions(true, true), 1 << 1 | 1 << 6);
        assert_eq!(extensions(false, true), 1 << 1 | 1 << 6);
        assert_eq!(extensions(true, false), 1 << 1);
    }

    #[test]
    fn a_port_is_requested_in_network_byte_order() {
        for part in Part::of(Protocol::Tcp) {
            let (message_type, bytes) = DumpRequest::OnPort(part, 8080).encode();
            let family = if part.family == Family::Ipv4 { 2 } else { 10 };
            assert_eq!((message_type, bytes.len()), (20, 56));
            assert_eq!(bytes[..4], [family, 6, 1 << 1, 0]);
            assert_eq!(bytes[4..8], 0x2fff_u32.to_ne_bytes());
            assert_eq!(bytes[8..10], [31, 144]);
        }
    }
}
