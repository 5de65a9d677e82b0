//! `SO_EXCLUSIVEADDRUSE`, which no safe interface has.
//!
//! On Windows a bind without it may succeed beside a socket that has the port (a wildcard beside a
//! single address), and `SO_REUSEADDR` takes the port away from its owner. With it the answer is that
//! of a server that wants the port for itself (Microsoft, "Using SO_REUSEADDR and
//! SO_EXCLUSIVEADDRUSE"). Not verified on Windows.
#![expect(
    unsafe_code,
    reason = "one call of setsockopt with an option that socket2 lacks"
)]

use std::io;
use std::os::windows::io::AsRawSocket as _;

use socket2::Socket;
use windows_sys::Win32::Networking::WinSock::{SO_EXCLUSIVEADDRUSE, SOL_SOCKET, setsockopt};

/// Sets the option, before the socket is bound.
pub(super) fn set_exclusive(socket: &Socket) -> io::Result<()> {
    let yes = 1_i32;
    let raw = usize::try_from(socket.as_raw_socket()).map_err(io::Error::other)?;
    // SAFETY: `yes` lives through the call, and its size is what is passed.
    let result = unsafe {
        setsockopt(
            raw,
            SOL_SOCKET,
            SO_EXCLUSIVEADDRUSE,
            std::ptr::from_ref(&yes).cast(),
            4,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
