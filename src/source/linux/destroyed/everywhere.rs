//! Listens to the reports of other network namespaces, as root.
//!
//! A namespace made for it alone gives each of the others a number (`RTM_NEWNSID`), and a socket in there gets the reports of
//! all that have one, each with the number (`NETLINK_LISTEN_ALL_NSID`). Neither holds them: a namespace that ends is gone at
//! once, with its number. The numbers that containers' engines use in our own namespace stay as they are.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use nix::cmsg_space;
use nix::sched::{CloneFlags, unshare};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};
use rustix::io::{Errno, retry_on_intr};
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, connect, recv, send, socket_with,
};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::Pending;
use super::reader::{self, Reader};
use crate::source::linux::netlink::{u16_at, u32_at};

/// `linux/rtnetlink.h`, `linux/net_namespace.h`, `linux/netlink.h`.
const RTM_NEWNSID: u16 = 88;
const NETNSA_NSID: u16 = 1;
const NETNSA_FD: u16 = 3;
const NLMSG_ERROR: u16 = 2;
const REQUEST_WITH_ACK: u16 = 0x5;
const SOL_NETLINK: i32 = 270;
const NETLINK_LISTEN_ALL_NSID: i32 = 8;

/// The reports of all namespaces that were registered.
pub(in crate::source::linux) struct Everywhere {
    /// A routing socket in the namespace that the numbers are given in.
    route: OwnedFd,
    numbers: Mutex<Numbers>,
    reader: Reader,
}

/// The numbers that were given.
#[derive(Default)]
struct Numbers {
    last: u32,
    /// By the cookie of the namespace: a second number for the same one is refused.
    by_cookie: HashMap<u64, u32>,
}

impl Everywhere {
    /// Fails without `CAP_SYS_ADMIN`, `CAP_NET_ADMIN` or `CAP_NET_BROADCAST`.
    pub(super) fn start(pending: Arc<Mutex<Pending>>) -> io::Result<Self> {
        let (reports, route) = std::thread::scope(|scope| {
            let opening = scope.spawn(open_apart).join();
            opening.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })?;
        Ok(Self {
            route,
            numbers: Mutex::default(),
            reader: Reader::start(reports, receive, pending)?,
        })
    }

    /// Reads on the calling thread what there is now.
    pub(super) fn read(&self) {
        self.reader.read();
    }

    /// Gives a namespace with this cookie a number, which its reports have from now on.
    pub(in crate::source::linux) fn register(
        &self,
        namespace: impl AsFd,
        cookie: Option<u64>,
    ) -> io::Result<u32> {
        let mut numbers = self.numbers.lock().unwrap_or_else(PoisonError::into_inner);
        let known = cookie.and_then(|cookie| numbers.by_cookie.get(&cookie));
        if let Some(&number) = known {
            return Ok(number);
        }
        numbers.last += 1;
        let number = numbers.last;
        let file = namespace.as_fd().as_raw_fd().cast_unsigned();
        let request = new_number(number, file);
        send(&self.route, &request, SendFlags::empty())?;
        let mut answer = [0; 256];
        loop {
            let (_, length) =
                retry_on_intr(|| recv(&self.route, &mut answer[..], RecvFlags::empty()))?;
            if let Some(outcome) = acknowledged(number, &answer[..length.min(answer.len())]) {
                outcome?;
                break;
            }
        }
        numbers
            .by_cookie
            .extend(cookie.map(|cookie| (cookie, number)));
        Ok(number)
    }
}

/// On a thread of its own: opens both sockets in a new namespace, and returns to the one before, as a thread that stays in
/// another one would be found as such.
fn open_apart() -> io::Result<(OwnedFd, OwnedFd)> {
    let before = std::fs::File::open("/proc/thread-self/ns/net")?;
    unshare(CloneFlags::CLONE_NEWNET)?;
    let reports = reader::open(true)?;
    let flags = SocketFlags::CLOEXEC;
    // `NETLINK_ROUTE` is 0.
    let route = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
    connect(&route, &SocketAddrNetlink::new(0, 0))?;
    move_into_link_name_space(before.as_fd(), Some(LinkNameSpaceType::Network))?;
    Ok((reports, route))
}

/// A request to give the namespace of a file this number: a header, `struct rtgenmsg` with padding, two attributes.
fn new_number(number: u32, file: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(36);
    bytes.extend(36_u32.to_ne_bytes());
    bytes.extend(RTM_NEWNSID.to_ne_bytes());
    bytes.extend(REQUEST_WITH_ACK.to_ne_bytes());
    // The sequence number.
    bytes.extend(number.to_ne_bytes());
    bytes.extend([0; 8]);
    for (kind, value) in [(NETNSA_NSID, number), (NETNSA_FD, file)] {
        bytes.extend(8_u16.to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend(value.to_ne_bytes());
    }
    bytes
}

/// The outcome in an acknowledgement of this request; `None` if it is one of another.
fn acknowledged(sequence: u32, answer: &[u8]) -> Option<io::Result<()>> {
    if u16_at(answer, 4)? != NLMSG_ERROR || u32_at(answer, 8)? != sequence {
        return None;
    }
    Some(match u32_at(answer, 16)?.cast_signed() {
        0 => Ok(()),
        code => Err(io::Error::from_raw_os_error(code.saturating_neg())),
    })
}

/// The next datagram: its length and the number of the namespace that it is from.
fn receive(socket: &OwnedFd, buffer: &mut [u8]) -> Result<(usize, Option<u32>), Errno> {
    let mut space = cmsg_space!(i32);
    let mut parts = [io::IoSliceMut::new(buffer)];
    let raw = socket.as_raw_fd();
    let received = recvmsg::<()>(raw, &mut parts, Some(&mut space), MsgFlags::empty());
    let received = received.map_err(|error| Errno::from_raw_os_error(error as i32))?;
    let number = received
        .cmsgs()
        .ok()
        .and_then(|mut all| all.find_map(namespace_of));
    Ok((received.bytes, number))
}

fn namespace_of(message: ControlMessageOwned) -> Option<u32> {
    let ControlMessageOwned::Unknown(message) = message else {
        return None;
    };
    let header = message.cmsg_header;
    let is_number = (header.cmsg_level, header.cmsg_type) == (SOL_NETLINK, NETLINK_LISTEN_ALL_NSID);
    u32_at(&message.data_bytes, 0).filter(|_| is_number)
}
