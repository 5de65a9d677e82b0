//! The thread that reads the messages.
//!
//! It sleeps until there is one, reads all that are there, and then waits for as long as the buffer certainly has room:
//! one wake-up for many messages takes a fourth of the time.

use std::io::{self, PipeWriter};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::{Errno, retry_on_intr};
use rustix::net::netlink::{SOCK_DIAG, SocketAddrNetlink};
use rustix::net::{
    AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with, sockopt,
};

use super::Pending;
use super::message::{self, Message};

/// The groups 1 to 4 of `linux/sock_diag.h`: TCP and UDP over IPv4, then over IPv6.
const DESTROY_GROUPS: u32 = 0b1111;

/// The size of the buffer in the kernel. Without `CAP_NET_ADMIN` it is limited to `net.core.rmem_max`.
const BUFFER: usize = 8 << 20;

/// What one message takes of it: measured on 6.18.
const MESSAGE: usize = 1283;

/// The least time in which the kernel can send a message.
const MIN_TIME: Duration = Duration::from_micros(3);

/// The longest pause after reading.
const MAX_PAUSE: Duration = Duration::from_millis(20);

/// The longest datagram: one message of 400 bytes.
const DATAGRAM: usize = 4096;

/// A running thread, which ends when this is dropped.
pub(super) struct Reader(#[expect(dead_code, reason = "its end is noticed")] PipeWriter);

impl Reader {
    pub(super) fn start(pending: Arc<Mutex<Pending>>) -> io::Result<Self> {
        let socket = open()?;
        let pause = pause(sockopt::socket_recv_buffer_size(&socket)?);
        let (end, writer) = io::pipe()?;
        let run = move || {
            let mut messages = Vec::new();
            while wait(&socket, &end) {
                read_all(&socket, &mut messages, &pending);
                thread::sleep(pause);
            }
        };
        thread::Builder::new().name("destroyed".into()).spawn(run)?;
        Ok(Self(writer))
    }
}

/// For how long messages can't fill a buffer of this size.
fn pause(buffer: usize) -> Duration {
    let messages = u32::try_from(buffer / MESSAGE).unwrap_or(u32::MAX);
    MIN_TIME.saturating_mul(messages).min(MAX_PAUSE)
}

fn open() -> io::Result<OwnedFd> {
    let (family, kind) = (AddressFamily::NETLINK, SocketType::RAW);
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(family, kind, flags, Some(SOCK_DIAG))?;
    if sockopt::set_socket_recv_buffer_size_force(&socket, BUFFER).is_err() {
        sockopt::set_socket_recv_buffer_size(&socket, BUFFER)?;
    }
    bind(&socket, &SocketAddrNetlink::new(0, DESTROY_GROUPS))?;
    Ok(socket)
}

/// Waits for a message; `false` once the reader is to end.
fn wait(socket: &OwnedFd, end: &io::PipeReader) -> bool {
    let mut files = [
        PollFd::from_borrowed_fd(socket.as_fd(), PollFlags::IN),
        PollFd::from_borrowed_fd(end.as_fd(), PollFlags::IN),
    ];
    let ready = retry_on_intr(|| poll(&mut files, None));
    ready.is_ok() && files[1].revents().is_empty()
}

/// Reads until there is no message left. `messages` is empty before and afterwards; its memory is used again.
#[expect(clippy::disallowed_methods, reason = "measures only")]
fn read_all(socket: &OwnedFd, messages: &mut Vec<Message>, pending: &Mutex<Pending>) {
    let mut buffer = [0; DATAGRAM];
    let mut overruns = 0;
    loop {
        match recv(socket, &mut buffer[..], RecvFlags::empty()) {
            Ok((_, length)) => {
                let datagram = &buffer[..length.min(DATAGRAM)];
                message::parse(datagram, Instant::now(), |message| messages.push(message));
            }
            // The buffer was full, and something is lost.
            Err(Errno::NOBUFS) => overruns += 1,
            Err(Errno::INTR) => {}
            Err(_) => break,
        }
    }
    let mut pending = pending.lock().unwrap_or_else(PoisonError::into_inner);
    pending.lost.overruns += overruns;
    pending.append(messages);
}
