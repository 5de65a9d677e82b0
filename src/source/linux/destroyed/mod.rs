//! Listens to the kernel's reports of freed TCP and UDP sockets (`sock_diag(7)`), so that a socket that was open between
//! two snapshots only is known, too.
//!
//! Any user may join the groups, and gets the sockets of all users in the network namespace. A thread of its own reads the
//! messages, as the kernel drops what does not fit into the socket's buffer: for an ordinary user 6,500 messages where
//! `net.core.rmem_max` is 4 MiB (Linux 6.18), and 332 where it is 208 KiB. What is lost is counted in [`LostCloses`].

mod everywhere;
mod message;
mod payload;
mod reader;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

pub(super) use self::everywhere::Everywhere;
use self::message::Message;
use self::payload::Payloads;
use self::reader::Reader;
use super::interfaces::Interfaces;
use crate::model::{ClosedSocket, LostCloses, Moment, Namespace, Socket};

/// What was read since the last snapshot.
#[derive(Debug, Default)]
struct Pending {
    messages: Vec<Message>,
    lost: LostCloses,
}

/// No more messages than this are kept between two snapshots: 12 MB.
pub(super) const MAX_PENDING: usize = 50_000;

impl Pending {
    /// Adds a message, if there is room.
    fn push(&mut self, message: Message) {
        if self.messages.len() < MAX_PENDING {
            self.messages.push(message);
        } else {
            self.lost.dropped += 1;
        }
    }
}

/// The closed sockets of our network namespace and, as root, of others.
pub(super) struct Listener {
    pending: Arc<Mutex<Pending>>,
    payloads: Payloads,
    reader: Reader,
    everywhere: Option<Everywhere>,
}

/// The messages that were read before a snapshot.
#[derive(Debug, Default)]
pub(super) struct Drained(Pending);

impl Listener {
    /// Listens in the network namespace of this thread.
    pub(super) fn start() -> io::Result<Self> {
        let pending = Arc::new(Mutex::new(Pending::default()));
        let reader = Reader::start(reader::open(false)?, reader::receive, Arc::clone(&pending))?;
        Ok(Self {
            pending,
            payloads: Payloads::default(),
            reader,
            everywhere: None,
        })
    }

    /// Listens also to namespaces that are registered, if this user may.
    pub(super) fn listen_everywhere(&mut self) {
        if self.everywhere.is_none() {
            self.everywhere = Everywhere::start(Arc::clone(&self.pending)).ok();
        }
    }

    /// Registers other namespaces; `None` if this user may not listen to them.
    pub(super) const fn everywhere(&self) -> Option<&Everywhere> {
        self.everywhere.as_ref()
    }

    /// Removes the messages so far. Called before a dump: the sockets are not in it then, except as `TIME_WAIT`.
    pub(super) fn drain(&self) -> Drained {
        // Also those that the threads would read a moment later.
        self.reader.read();
        self.everywhere.iter().for_each(Everywhere::read);
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        Drained(std::mem::take(&mut *pending))
    }

    /// The sockets of these messages, given the dump that followed, which was taken at `at`. `namespace` returns the one
    /// that was registered with a number.
    pub(super) fn closed(
        &mut self,
        drained: Drained,
        (dump, at): (&[Socket], Moment),
        namespace: impl Fn(u32) -> Option<Arc<Namespace>>,
    ) -> (Vec<ClosedSocket>, LostCloses) {
        let Pending { messages, mut lost } = drained.0;
        if messages.is_empty() {
            return (Vec::new(), lost);
        }
        let received = self.payloads.received(&messages, dump);
        let mut interfaces = Interfaces::default();
        let closed = messages
            .iter()
            .zip(received)
            .filter_map(|(message, received)| {
                let mut socket = message.socket();
                if let Some(number) = message.namespace {
                    socket.namespace = Some(namespace(number)?);
                } else {
                    let name = |index| interfaces.name(index);
                    socket.interface = message.interface.map(name);
                }
                Some(ClosedSocket {
                    socket,
                    at: before(at, message.read_at),
                    tcp: received
                        .zip(message.counters.as_ref())
                        .map(|(bytes, last)| {
                            let mut tcp = last.tcp;
                            tcp.bytes_received = bytes;
                            tcp
                        }),
                })
            });
        let closed: Vec<_> = closed.collect();
        // Of namespaces that are not known any more.
        lost.dropped += (messages.len() - closed.len()) as u64;
        (closed, lost)
    }
}

/// The moment of an instant that was not long before `now`.
fn before(now: Moment, instant: Instant) -> Moment {
    let age = instant.elapsed();
    Moment {
        steady: now.steady.saturating_sub(age),
        wall: now.wall.checked_sub(age).unwrap_or(now.wall),
    }
}
