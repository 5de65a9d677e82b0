//! Sockets and their namespaces, by our own.

use rustix::fs::{fstat, stat};
use rustix::io::Errno;

use super::*;

#[test]
fn a_socket_of_ours_is_in_our_network_namespace() {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    match network_of_socket(&socket) {
        Ok(network) => {
            let own = stat("/proc/self/ns/net").unwrap().st_ino;
            assert_eq!(fstat(&network).unwrap().st_ino, own);
        }
        Err(error) => assert_eq!(Errno::from_io_error(&error), Some(Errno::PERM)),
    }
    let own = stat("/proc/self/ns/user").unwrap().st_ino;
    let network = std::fs::File::open("/proc/self/ns/net").unwrap();
    match user_namespace_of(&network) {
        Ok(user) => assert_eq!(fstat(&user).unwrap().st_ino, own),
        // That of a namespace above ours.
        Err(error) => assert_eq!(Errno::from_io_error(&error), Some(Errno::PERM)),
    }
    let file = std::fs::File::open("/dev/null").unwrap();
    let error = network_of_socket(&file).unwrap_err();
    assert_eq!(Errno::from_io_error(&error), Some(Errno::NOTTY));
}

#[test]
fn sockets_of_one_network_namespace_have_the_same_cookie() {
    let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let (unix, _other) = std::os::unix::net::UnixStream::pair().unwrap();
    assert_eq!(cookie_of(&udp), cookie_of(&unix));
    assert_ne!(cookie_of(&udp), Some(0));
    let file = std::fs::File::open("/dev/null").unwrap();
    assert_eq!(cookie_of(&file), None);
}
