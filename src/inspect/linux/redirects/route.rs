//! Whether this machine has a route to an address.

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};

/// `IPPROTO_RAW` of `raw(7)`: such a socket has no port and receives nothing.
const RAW: i32 = 255;

/// Whether the kernel finds no route when a socket is connected to the address, which sends no packet. `false` where no
/// such socket may be opened.
pub(super) fn is_missing(address: IpAddr) -> bool {
    let address = SocketAddr::new(address, 0);
    let socket = Socket::new(
        Domain::for_address(address),
        Type::RAW,
        Some(Protocol::from(RAW)),
    );
    let connected = socket.and_then(|socket| socket.connect(&address.into()));
    connected.is_err_and(|error| {
        let kinds = [ErrorKind::NetworkUnreachable, ErrorKind::HostUnreachable];
        kinds.contains(&error.kind())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_routed() {
        assert!(!is_missing("127.0.0.1".parse().unwrap()));
    }
}
