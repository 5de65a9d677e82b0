//! The sockets of our own probes, so that the reports of their end are not shown as something that happened.

use std::collections::{HashSet, VecDeque};
use std::num::NonZeroU64;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use socket2::Socket;

/// How many of the last ones are remembered. A bind test of one port has at most 20.
const REMEMBERED: usize = 4096;

/// Their cookies, as the kernel reports them.
#[derive(Default)]
struct Cookies {
    all: HashSet<NonZeroU64>,
    order: VecDeque<NonZeroU64>,
}

static COOKIES: LazyLock<Mutex<Cookies>> = LazyLock::new(Mutex::default);

fn cookies() -> MutexGuard<'static, Cookies> {
    COOKIES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Remembers a socket before it is bound.
pub(super) fn remember(socket: &Socket) {
    let Some(cookie) = cookie_of(socket) else {
        return;
    };
    let mut cookies = cookies();
    if cookies.order.len() == REMEMBERED
        && let Some(oldest) = cookies.order.pop_front()
    {
        cookies.all.remove(&oldest);
    }
    cookies.all.insert(cookie);
    cookies.order.push_back(cookie);
}

/// Whether this is the cookie of a socket of a probe.
pub fn is_own_probe(cookie: NonZeroU64) -> bool {
    cookies().all.contains(&cookie)
}

#[cfg(target_os = "linux")]
fn cookie_of(socket: &Socket) -> Option<NonZeroU64> {
    let cookie = rustix::net::sockopt::socket_cookie(socket);
    cookie.ok().and_then(NonZeroU64::new)
}

/// Other systems report no closed sockets.
#[cfg(not(target_os = "linux"))]
const fn cookie_of(_: &Socket) -> Option<NonZeroU64> {
    None
}
