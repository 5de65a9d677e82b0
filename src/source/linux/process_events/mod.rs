//! Processes that have ended, with their names and arguments, by the kernel's proc connector (`NETLINK_CONNECTOR`).
//!
//! A thread reads each process when it executes a program, so that it is known after it has ended, however short it
//! lived. Up to Linux 6.5 it takes `CAP_NET_ADMIN`, later no right, but the kernel answers only in the initial network
//! and pid namespaces. Where events come faster than they are read, the kernel drops some and says so (`ENOBUFS`).
//!
//! Up to Linux 6.5 the kernel goes on counting a program that was killed as a listener, and makes events that nothing reads.

mod lifetimes;
mod message;

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::netlink::{CONNECTOR, SocketAddrNetlink};
use rustix::net::sockopt::{set_socket_recv_buffer_size, set_socket_recv_buffer_size_force};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, send, socket_with,
};
use thiserror::Error;

use self::lifetimes::{Lifetimes, Reading};
use self::message::{Event, GROUP, JOIN, LEAVE, Message, request};
use super::update_thread::{UpdateThread, Updates};
use crate::model::{Pid, Process};
use crate::source::linux::proc::net::TICK;
use crate::source::process::ProcessReader;

/// Bytes of the receive buffer; without `CAP_NET_ADMIN` the kernel may give less. An event takes about 800.
const BUFFER: usize = 4 << 20;

/// How long the kernel has to answer. It does so during the request.
const TIMEOUT: Timespec = Timespec {
    tv_sec: 1,
    tv_nsec: 0,
};

/// Why the events of processes can't be read.
#[derive(Debug, Error)]
pub enum ProcessEventsError {
    /// `ECONNREFUSED`: this is not the initial network namespace.
    #[error("events of processes exist only in the initial network namespace (ECONNREFUSED)")]
    OtherNetworkNamespace,
    /// The request was not answered: this is not the initial pid namespace, or the kernel was built without them.
    #[error(
        "the kernel sends no events of processes here: container, or kernel without CONFIG_PROC_EVENTS"
    )]
    NoAnswer,
    /// `EPROTONOSUPPORT`.
    #[error("this kernel has no connectors (EPROTONOSUPPORT)")]
    Unsupported,
    /// `EPERM`, of kernels up to 6.5.
    #[error("events of processes take CAP_NET_ADMIN on this kernel (EPERM)")]
    Refused,
    /// Another system call failed.
    #[error("{call}: {}", super::netlink::errno_name(error))]
    System {
        /// Its name.
        call: &'static str,
        /// Part of the message, so not also the source of the error.
        error: io::Error,
    },
}

impl ProcessEventsError {
    fn of(call: &'static str, error: Errno) -> Self {
        match error {
            Errno::CONNREFUSED => Self::OtherNetworkNamespace,
            Errno::PROTONOSUPPORT => Self::Unsupported,
            Errno::PERM | Errno::ACCESS => Self::Refused,
            _ => Self::System {
                call,
                error: error.into(),
            },
        }
    }
}

/// Reads the events of processes until it is dropped.
pub struct ProcessEvents {
    socket: Arc<OwnedFd>,
    thread: UpdateThread<Known>,
}

impl ProcessEvents {
    /// Joins. Processes that ended before are unknown; those that run already are known from their next exec or fork.
    ///
    /// # Errors
    /// In other namespaces than the initial ones, and where the kernel has no such events.
    pub fn start() -> Result<Self, ProcessEventsError> {
        let socket = join()?;
        let failed = |call| move |error| ProcessEventsError::System { call, error };
        let ready = socket.try_clone().map_err(failed("dup"))?;
        let socket = Arc::new(socket);
        let receiver = Receiver {
            socket: Arc::clone(&socket),
            reader: ProcessReader::default(),
        };
        let run = move |updates| follow(updates, receiver, &[ready]);
        let thread = UpdateThread::start("processes", Known::default(), run);
        Ok(Self {
            socket,
            thread: thread.map_err(failed("clone"))?,
        })
    }

    /// The process that had this pid at this time (`CLOCK_MONOTONIC`, not in the future), as it was when it had last
    /// executed a program before. `None` if that is not certain. One that ended before it could be read has no arguments.
    pub fn process_at(&self, pid: Pid, at: Duration) -> Option<Arc<Process>> {
        if self.thread.lock().complete_until < at {
            self.thread.update();
        }
        let known = self.thread.lock();
        let is_complete = known.complete_until >= at;
        is_complete.then(|| known.lifetimes.process_at(pid, at))?
    }

    /// How often the kernel dropped events. No process that ran at a gap is known after it.
    pub fn gaps(&self) -> u64 {
        self.thread.lock().gaps
    }
}

impl Drop for ProcessEvents {
    /// Leaves at once: the program may end before the thread does.
    fn drop(&mut self) {
        let _ = send(&*self.socket, &request(LEAVE), SendFlags::empty());
    }
}

/// Opens a socket that receives the events.
fn join() -> Result<OwnedFd, ProcessEventsError> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::DGRAM,
        flags,
        Some(CONNECTOR),
    );
    let socket = socket.map_err(|error| ProcessEventsError::of("socket", error))?;
    if set_socket_recv_buffer_size_force(&socket, BUFFER).is_err() {
        let _ = set_socket_recv_buffer_size(&socket, BUFFER);
    }
    bind(&socket, &SocketAddrNetlink::new(0, GROUP))
        .map_err(|error| ProcessEventsError::of("bind", error))?;
    send(&socket, &request(JOIN), SendFlags::empty())
        .map_err(|error| ProcessEventsError::of("send", error))?;
    wait_for_answer(&socket)?;
    Ok(socket)
}

/// Events of others may come before the answer.
fn wait_for_answer(socket: &OwnedFd) -> Result<(), ProcessEventsError> {
    let mut buffer = [0; 1024];
    loop {
        match recv(socket, &mut buffer, RecvFlags::empty()) {
            Ok((length, _)) => match Message::parse(&buffer[..length]) {
                Some(Message::Acknowledged(0)) => return Ok(()),
                Some(Message::Acknowledged(number)) => {
                    let error = i32::try_from(number).unwrap_or(i32::MAX);
                    return Err(ProcessEventsError::of(
                        "join",
                        Errno::from_raw_os_error(error),
                    ));
                }
                _ => {}
            },
            Err(Errno::AGAIN) => {
                let mut ready = [PollFd::new(socket, PollFlags::IN)];
                if !matches!(poll(&mut ready, Some(&TIMEOUT)), Ok(1) | Err(Errno::INTR)) {
                    return Err(ProcessEventsError::NoAnswer);
                }
            }
            Err(Errno::INTR | Errno::NOBUFS) => {}
            Err(error) => return Err(ProcessEventsError::of("recv", error)),
        }
    }
}

/// Receives events until the thread is to end.
fn follow(mut updates: Updates<Known>, mut receiver: Receiver, ready: &[OwnedFd]) {
    while updates.wait(ready, None).is_some() {
        if receiver.receive(&updates).is_err() {
            break;
        }
    }
    // No event follows.
    updates.lock().lifetimes.lose();
}

/// What the events have shown.
#[derive(Default)]
struct Known {
    lifetimes: Lifetimes,
    /// All that a process did until this time has been received if it is before what it did then: the kernel sends an event
    /// before the process goes on.
    complete_until: Duration,
    gaps: u64,
}

/// The socket, and what reads the processes of its events.
struct Receiver {
    socket: Arc<OwnedFd>,
    reader: ProcessReader,
}

impl Receiver {
    /// Applies all events that are there. After `ENOBUFS` the rest is left out: the gap is somewhere in it, and it ends
    /// when the kernel's buffer is empty.
    fn receive(&mut self, updates: &Updates<Known>) -> Result<(), Errno> {
        let mut buffer = [0; 1024];
        let mut is_in_gap = false;
        loop {
            let now = clock(ClockId::CLOCK_MONOTONIC);
            match recv(&*self.socket, &mut buffer, RecvFlags::empty()) {
                Ok(_) if is_in_gap => {}
                Ok((length, _)) => {
                    if let Some(Message::Event(event)) = Message::parse(&buffer[..length]) {
                        self.apply(event, updates);
                    }
                }
                Err(Errno::NOBUFS) => {
                    is_in_gap = true;
                    let mut known = updates.lock();
                    known.gaps += 1;
                    known.lifetimes.lose();
                }
                Err(Errno::AGAIN) => {
                    updates.lock().complete_until = now;
                    return Ok(());
                }
                Err(Errno::INTR) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads the process of an event without the lock, as that may block.
    fn apply(&mut self, event: Event, updates: &Updates<Known>) {
        let unread = updates.lock().lifetimes.unread(&event);
        let reading = unread.map(|pid| read(&mut self.reader, pid, event.at));
        let mut known = updates.lock();
        known
            .lifetimes
            .apply(event, |_| reading.unwrap_or_default());
    }
}

fn clock(id: ClockId) -> Duration {
    clock_gettime(id).map(Duration::from).unwrap_or_default()
}

/// Reads a process of an event at this time, unless another one has its pid now.
fn read(reader: &mut ProcessReader, pid: Pid, at: Duration) -> Reading {
    let process = reader.read(pid);
    let read_at = clock(ClockId::CLOCK_MONOTONIC);
    let suspended = clock(ClockId::CLOCK_BOOTTIME).saturating_sub(read_at);
    let is_its = |process: &Process| {
        let tick = process
            .started_at_tick
            .and_then(|tick| u32::try_from(tick).ok());
        tick.is_some_and(|tick| tick * TICK <= at + suspended)
    };
    (process.filter(is_its).map(Arc::new), read_at)
}
