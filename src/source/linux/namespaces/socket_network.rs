//! The network namespace of a socket, with its cookie, and the user namespace that owns a network namespace, as files that
//! refer to them.
#![expect(
    unsafe_code,
    reason = "no library has these requests of ioctl(2), which return a descriptor, nor SO_NETNS_COOKIE"
)]

use std::ffi::c_void;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, FromRawFd as _, OwnedFd, RawFd};
use std::ptr::null_mut;

use nix::libc;
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

/// The cookie of a socket's network namespace (`SO_NETNS_COOKIE`, since 5.14): unlike its number, it is never given again
/// until the system is restarted. `None` on an older kernel.
pub(crate) fn cookie_of(socket: impl AsFd) -> Option<u64> {
    let mut cookie: u64 = 0;
    let mut length = libc::socklen_t::try_from(size_of::<u64>()).ok()?;
    let descriptor = socket.as_fd().as_raw_fd();
    // SAFETY: both pointers are to variables of this function, and the kernel writes at most `length` bytes.
    let answer = unsafe {
        libc::getsockopt(
            descriptor,
            libc::SOL_SOCKET,
            libc::SO_NETNS_COOKIE,
            (&raw mut cookie).cast(),
            &raw mut length,
        )
    };
    (answer == 0).then_some(cookie)
}

#[cfg(test)]
#[path = "tests/socket_network.rs"]
mod tests;
