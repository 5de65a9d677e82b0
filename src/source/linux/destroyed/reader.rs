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

use super::message;
use super::{MAX_PENDING, Pending};

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
pub(super) struct Reader {
    socket: Arc<OwnedFd>,
    receive: Receive,
    pending: Arc<Mutex<Pending>>,
    /// Its end is noticed.
    _end: PipeWriter,
}

impl Reader {
    /// Reads this socket, each datagram by `receive`.
    pub(super) fn start(
        socket: OwnedFd,
        receive: Receive,
        pending: Arc<Mutex<Pending>>,
    ) -> io::Result<Self> {
        let pause = pause(sockopt::socket_recv_buffer_size(&socket)?);
        let (end, writer) = io::pipe()?;
        let reader = Self {
            socket: Arc::new(socket),
            receive,
            pending,
            _end: writer,
        };
        let (socket, pending) = (Arc::clone(&reader.socket), Arc::clone(&reader.pending));
        let run = move || {
            while wait(&socket, &end) {
                read_all(&socket, receive, &pending);
                thread::sleep(pause);
            }
        };
        thread::Builder::new().name("destroyed".into()).spawn(run)?;
        Ok(reader)
    }

    /// Reads on the calling thread what there is now.
    pub(super) fn read(&self) {
        for _ in 0..=MAX_PENDING / MAX_BATCH {
            if !read_all(&self.socket, self.receive, &self.pending) {
                break;
            }
        }
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

/// The most messages that are read at a time, so that others can take them.
const MAX_BATCH: usize = 4096;

/// Reads until there is no message left, or many were read; whether there may be more. What was read is there for others as a
/// whole.
#[expect(clippy::disallowed_methods, reason = "measures only")]
fn read_all(socket: &OwnedFd, receive: Receive, pending: &Mutex<Pending>) -> bool {
    let mut buffer = [0; DATAGRAM];
    let mut pending = pending.lock().unwrap_or_else(PoisonError::into_inner);
    for _ in 0..MAX_BATCH {
        match receive(socket, &mut buffer) {
            Ok((length, namespace)) => {
                let datagram = &buffer[..length.min(DATAGRAM)];
                message::parse(datagram, Instant::now(), |mut message| {
                    message.namespace = namespace;
                    pending.push(message);
                });
            }
            // The buffer was full, and something is lost.
            Err(Errno::NOBUFS) => pending.lost.overruns += 1,
            Err(Errno::INTR) => {}
            Err(_) => return false,
        }
    }
    true
}
