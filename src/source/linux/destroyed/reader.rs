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
use rustix::net::{RecvFlags, recv, sockopt};

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

/// Reads a datagram: its length and the number of the network namespace that it is from, unless that is the socket's.
pub(super) type Receive = fn(&OwnedFd, &mut [u8]) -> Result<(usize, Option<u32>), Errno>;

/// A running thread, which ends when this is dropped.
pub(super) struct Reader(#[expect(dead_code, reason = "its end is noticed")] PipeWriter);

impl Reader {
    /// Reads this socket, each datagram by `receive`.
    pub(super) fn start(
        socket: OwnedFd,
        receive: Receive,
        pending: Arc<Mutex<Pending>>,
    ) -> io::Result<Self> {
        let pause = pause(sockopt::socket_recv_buffer_size(&socket)?);
        let (end, writer) = io::pipe()?;
        let run = move || {
            while wait(&socket, &end) {
                read_all(&socket, receive, &pending);
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

/// A socket in the groups, for the network namespace of this thread; `everywhere`: for all that have a number in it.
pub(super) fn open(everywhere: bool) -> io::Result<OwnedFd> {
    let mut socket = netlink_sys::Socket::new(netlink_sys::protocols::NETLINK_SOCK_DIAG)?;
    socket.set_non_blocking(true)?;
    if sockopt::set_socket_recv_buffer_size_force(&socket, BUFFER).is_err() {
        sockopt::set_socket_recv_buffer_size(&socket, BUFFER)?;
    }
    if everywhere {
        socket.set_listen_all_namespaces(true)?;
    }
    socket.bind(&netlink_sys::SocketAddr::new(0, DESTROY_GROUPS))?;
    socket.as_fd().try_clone_to_owned()
}

/// Receives from a socket of one namespace.
pub(super) fn receive(socket: &OwnedFd, buffer: &mut [u8]) -> Result<(usize, Option<u32>), Errno> {
    let (_, length) = recv(socket, buffer, RecvFlags::empty())?;
    Ok((length, None))
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

/// Reads until there is no message left.
#[expect(clippy::disallowed_methods, reason = "measures only")]
fn read_all(socket: &OwnedFd, receive: Receive, pending: &Mutex<Pending>) {
    let mut buffer = [0; DATAGRAM];
    let mut read: Vec<Message> = Vec::new();
    let mut overruns = 0;
    loop {
        match receive(socket, &mut buffer) {
            Ok((length, namespace)) => {
                let datagram = &buffer[..length.min(DATAGRAM)];
                message::parse(datagram, Instant::now(), |mut message| {
                    message.namespace = namespace;
                    read.push(message);
                });
            }
            // The buffer was full, and something is lost.
            Err(Errno::NOBUFS) => overruns += 1,
            Err(Errno::INTR) => {}
            Err(_) => break,
        }
    }
    let mut pending = pending.lock().unwrap_or_else(PoisonError::into_inner);
    pending.lost.overruns += overruns;
    for message in read {
        pending.push(message);
    }
}
