//! The network namespace of a socket, and the user namespace that owns a network namespace, as files that refer to them.
#![expect(
    unsafe_code,
    reason = "no library has these requests of ioctl(2); they return a descriptor"
)]

use std::ffi::c_void;
use std::io;
use std::os::fd::{AsFd, FromRawFd as _, OwnedFd, RawFd};
use std::ptr::null_mut;

use rustix::ioctl::{Ioctl, IoctlOutput, Opcode, ioctl};

/// `SIOCGSKNS` of `linux/sockios.h`.
const SIOCGSKNS: Opcode = 0x894C;

/// `NS_GET_USERNS` of `linux/nsfs.h`.
const NS_GET_USERNS: Opcode = 0xB701;

/// One of these requests.
struct GetNamespace<const REQUEST: Opcode>;

// SAFETY: either request takes no argument, changes no memory of this program, and returns a new descriptor.
unsafe impl<const REQUEST: Opcode> Ioctl for GetNamespace<REQUEST> {
    type Output = OwnedFd;

    const IS_MUTATING: bool = false;

    fn opcode(&self) -> Opcode {
        REQUEST
    }

    fn as_ptr(&mut self) -> *mut c_void {
        null_mut()
    }

    unsafe fn output_from_ptr(
        output: IoctlOutput,
        _argument: *mut c_void,
    ) -> rustix::io::Result<OwnedFd> {
        let descriptor: RawFd = output;
        // SAFETY: the kernel has just opened it for this call, so that nothing else has it.
        Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
    }
}

/// Opens the network namespace of a socket (`sock_ioctl` of the kernel, since 4.10). It takes `CAP_NET_ADMIN` in the user
/// namespace that owns it.
pub(super) fn network_of_socket(socket: impl AsFd) -> io::Result<OwnedFd> {
    // SAFETY: `GetNamespace` describes the request as the kernel carries it out.
    let network = unsafe { ioctl(socket, GetNamespace::<SIOCGSKNS>) };
    Ok(network?)
}

/// Opens the user namespace that owns a network namespace, given a file that refers to the latter (`ioctl_ns(2)`, since
/// 4.9). It is refused unless that is ours or one below.
pub(super) fn user_namespace_of(network: impl AsFd) -> io::Result<OwnedFd> {
    // SAFETY: `GetNamespace` describes the request as the kernel carries it out.
    let user = unsafe { ioctl(network, GetNamespace::<NS_GET_USERNS>) };
    Ok(user?)
}

#[cfg(test)]
mod tests {
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
}
