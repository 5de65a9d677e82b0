//! Interfaces of this system by name and number.

use std::io;
use std::net::{IpAddr, SocketAddr, SocketAddrV6};

use crate::model::Zone;

/// The address with a port, and with the number of its interface where it has one.
pub(in crate::bind) fn with_port(
    address: IpAddr,
    zone: Option<Zone>,
    port: u16,
) -> io::Result<SocketAddr> {
    match (address, zone) {
        (IpAddr::V6(v6), Some(zone)) => Ok(SocketAddrV6::new(v6, port, 0, number_of(zone)?).into()),
        _ => Ok(SocketAddr::new(address, port)),
    }
}

/// The interface by its name, if there is one of that name or number.
#[cfg(target_os = "linux")]
pub fn interface(zone: Zone) -> Option<Zone> {
    use rustix::net::netdevice::{index_to_name, name_to_index};
    let socket = any_socket().ok()?;
    // An interface may be called as a number is: its name counts.
    if name_to_index(&socket, zone.as_str()).is_ok() {
        return Some(zone);
    }
    Zone::new(&index_to_name(&socket, zone.number()?).ok()?)
}

#[cfg(target_os = "linux")]
fn number_of(zone: Zone) -> io::Result<u32> {
    use rustix::net::netdevice::name_to_index;
    Ok(name_to_index(any_socket()?, zone.as_str())?)
}

/// Any socket of the namespace works for the query.
#[cfg(target_os = "linux")]
fn any_socket() -> io::Result<rustix::fd::OwnedFd> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
    let (family, flags) = (AddressFamily::INET, SocketFlags::CLOEXEC);
    Ok(socket_with(family, SocketType::DGRAM, flags, None)?)
}

/// The interface by its number, if there is one: only numbers are understood here.
#[cfg(not(target_os = "linux"))]
pub fn interface(zone: Zone) -> Option<Zone> {
    number_of(zone).ok().map(|_| zone)
}

#[cfg(not(target_os = "linux"))]
fn number_of(zone: Zone) -> io::Result<u32> {
    let number = zone.number().filter(|&number| number > 0);
    number.ok_or_else(|| io::ErrorKind::InvalidInput.into())
}
