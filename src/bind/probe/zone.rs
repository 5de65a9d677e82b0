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
pub fn interface(zone: Zone) -> Option<Zone> {
    named(zone).ok()
}

#[cfg(target_os = "linux")]
fn named(zone: Zone) -> io::Result<Zone> {
    use rustix::net::netdevice::{index_to_name, name_to_index};
    let socket = any_socket()?;
    // An interface may be called as a number is: its name counts.
    match (name_to_index(&socket, zone.as_str()), zone.number()) {
        (Ok(_), _) => Ok(zone),
        (Err(_), Some(number)) => {
            let name = index_to_name(&socket, number)?;
            Zone::new(&name).ok_or_else(|| io::ErrorKind::InvalidData.into())
        }
        (Err(error), None) => Err(error.into()),
    }
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

/// Elsewhere only numbers are understood.
#[cfg(not(target_os = "linux"))]
fn named(zone: Zone) -> io::Result<Zone> {
    number_of(zone).map(|_| zone)
}

#[cfg(not(target_os = "linux"))]
fn number_of(zone: Zone) -> io::Result<u32> {
    let number = zone.number().filter(|&number| number > 0);
    number.ok_or_else(|| io::ErrorKind::InvalidInput.into())
}
