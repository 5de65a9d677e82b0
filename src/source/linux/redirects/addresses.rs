//! Every address of this network namespace, and whether one elsewhere is routed: a packet for another address reaches no server
//! here, whatever a rule does with it.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use socket2::{Domain, Protocol, Socket, Type};

use crate::source::linux::proc::{addresses, scan};

/// Every address; `None` if they can't be read.
pub(super) fn read() -> Option<Vec<IpNet>> {
    let own = addresses::of_process(scan::THIS_THREAD)?;
    let own: Vec<IpNet> = own.into_iter().map(|one| one.net).collect();
    (!own.is_empty()).then_some(own)
}

/// `IPPROTO_RAW` of `raw(7)`: such a socket has no port and receives nothing.
const RAW: i32 = 255;

/// Whether the kernel finds no route when a socket is connected to the address, which sends no packet. A raw socket has no
/// port; without `CAP_NET_RAW` a UDP socket does it.
pub(super) fn is_unreachable(address: IpAddr) -> bool {
    let address = SocketAddr::new(address, 0);
    let socket = Socket::new(
        Domain::for_address(address),
        Type::RAW,
        Some(Protocol::from(RAW)),
    );
    let datagram = |_| Socket::new(Domain::for_address(address), Type::DGRAM, None);
    let connected = socket
        .or_else(datagram)
        .and_then(|socket| socket.connect(&address.into()));
    connected.is_err_and(|error| {
        let kinds = [ErrorKind::NetworkUnreachable, ErrorKind::HostUnreachable];
        kinds.contains(&error.kind())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_always_there() {
        let own = read().expect("/proc is mounted");
        assert!(own.iter().all(|net| net.prefix_len() > 0), "{own:?}");
    }

    #[test]
    fn loopback_is_routed() {
        assert!(!is_unreachable("127.0.0.1".parse().unwrap()));
    }
}
