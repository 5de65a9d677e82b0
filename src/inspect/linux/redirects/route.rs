//! Whether this machine has a route to an address at all (`rtnetlink(7)`, `RTM_GETROUTE`). No packet is
//! sent.

use std::net::IpAddr;

use netlink_sys::protocols::NETLINK_ROUTE;
use netlink_sys::{Socket, SocketAddr};
use rustix::io::Errno;

/// The message and attribute types of `linux/rtnetlink.h`, and the lengths of their heads.
const RTM_GETROUTE: u16 = 26;
const RTA_DST: u16 = 1;
const NLMSG_ERROR: u16 = 2;
const NLM_F_REQUEST: u16 = 1;
const MESSAGE_HEAD: usize = 16;
const ROUTE_HEAD: usize = 12;
const ATTRIBUTE_HEAD: usize = 4;

/// Whether the kernel says that there is none. What it does not answer is not missing.
pub(super) fn is_missing(address: IpAddr) -> bool {
    let none = [Errno::NETUNREACH, Errno::HOSTUNREACH].map(|errno| -errno.raw_os_error());
    answer(address).is_some_and(|error| none.contains(&error))
}

/// The negated error of a look-up; `None` if it found a route.
fn answer(address: IpAddr) -> Option<i32> {
    let mut socket = Socket::new(NETLINK_ROUTE).ok()?;
    socket.bind_auto().ok()?;
    socket.connect(&SocketAddr::new(0, 0)).ok()?;
    socket.send(&request(address)?, 0).ok()?;
    let mut buffer = Vec::with_capacity(4096);
    socket.recv(&mut buffer, 0).ok()?;
    let kind = u16::from_ne_bytes(buffer.get(4..6)?.try_into().ok()?);
    let error = i32::from_ne_bytes(
        buffer
            .get(MESSAGE_HEAD..MESSAGE_HEAD + 4)?
            .try_into()
            .ok()?,
    );
    (kind == NLMSG_ERROR).then_some(error)
}

fn request(address: IpAddr) -> Option<Vec<u8>> {
    let (family, octets) = match address {
        IpAddr::V4(address) => (2, address.octets().to_vec()),
        IpAddr::V6(address) => (10, address.octets().to_vec()),
    };
    let attribute = u16::try_from(ATTRIBUTE_HEAD + octets.len()).ok()?;
    let length = u32::try_from(MESSAGE_HEAD + ROUTE_HEAD).ok()? + u32::from(attribute);
    let bits = u8::try_from(octets.len() * 8).ok()?;
    let mut message = Vec::new();
    message.extend(length.to_ne_bytes());
    message.extend(RTM_GETROUTE.to_ne_bytes());
    message.extend(NLM_F_REQUEST.to_ne_bytes());
    // Sequence number and port: the kernel fills the latter in.
    message.extend([0; 8]);
    message.extend([family, bits, 0, 0, 0, 0, 0, 0]);
    message.extend([0; 4]);
    message.extend(attribute.to_ne_bytes());
    message.extend(RTA_DST.to_ne_bytes());
    message.extend(octets);
    Some(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_routed() {
        assert!(!is_missing("127.0.0.1".parse().unwrap()));
    }
}
