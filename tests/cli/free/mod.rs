//! `sockeye free`: what is chosen, kept and handed over, checked with the kernel.

mod choosing;
mod fleet;
mod handing_over;
mod keeping;
mod projects;

use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

use crate::cli::scene::sockeye;

/// The ports that were printed.
fn ports(args: &[&str]) -> Vec<u16> {
    let said = sockeye(&[&["free"], args].concat());
    assert_eq!((said.code, &*said.err), (0, ""), "{args:?}: {said:?}");
    said.out.lines().map(|line| line.parse().unwrap()).collect()
}

fn set(name: &str, value: &str) {
    std::fs::write(format!("/proc/sys/net/{name}"), value).unwrap();
}

/// Binds every IPv4 address, with the option or without, and listens if that is TCP.
fn server(kind: Type, port: u16, reuses: bool) -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, kind, None)?;
    socket.set_reuse_address(reuses)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)).into())?;
    if kind == Type::STREAM {
        socket.listen(1)?;
    }
    Ok(socket)
}

fn is_in_use(result: &std::io::Result<Socket>) -> bool {
    matches!(result, Err(error) if error.kind() == ErrorKind::AddrInUse)
}
