//! The sockets of our own probes and claims: what the kernel's reports and tables call them.

use std::num::NonZeroU64;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use socket2::Socket;

use crate::model::Recent;

/// How many of the last ones are remembered. A bind test of one port has at most 20.
const REMEMBERED: usize = 4096;

/// Their cookies, as the kernel reports them.
static COOKIES: LazyLock<Mutex<Recent<NonZeroU64, ()>>> =
    LazyLock::new(|| Mutex::new(Recent::new(REMEMBERED)));

fn cookies() -> MutexGuard<'static, Recent<NonZeroU64, ()>> {
    COOKIES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Remembers a socket before it is bound.
pub(super) fn remember(socket: &Socket) {
    if let Some(cookie) = cookie_of(socket) {
        cookies().insert(cookie, ());
    }
}

/// Whether this is the cookie of a socket of a probe.
pub fn is_own_probe(cookie: NonZeroU64) -> bool {
    cookies().contains(&cookie)
}

#[cfg(target_os = "linux")]
fn cookie_of(socket: &Socket) -> Option<NonZeroU64> {
    let cookie = rustix::net::sockopt::socket_cookie(socket);
    cookie.ok().and_then(NonZeroU64::new)
}

/// The inode of a socket, as the table has it.
#[cfg(target_os = "linux")]
pub(in crate::bind) fn inode_of(socket: &Socket) -> Option<u32> {
    let status = rustix::fs::fstat(socket).ok()?;
    u32::try_from(status.st_ino).ok()
}

/// Other systems list no inodes.
#[cfg(not(target_os = "linux"))]
pub(in crate::bind) const fn inode_of(_: &Socket) -> Option<u32> {
    None
}

/// Other systems report no closed sockets.
#[cfg(not(target_os = "linux"))]
const fn cookie_of(_: &Socket) -> Option<NonZeroU64> {
    None
}
