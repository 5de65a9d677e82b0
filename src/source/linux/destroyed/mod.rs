//! Listens to the kernel's reports of freed TCP and UDP sockets (`sock_diag(7)`), so that a socket that was open between
//! two snapshots only is known, too.
//!
//! Any user may join the groups, and gets the sockets of all users in the network namespace. A thread of its own reads the
//! messages, as the kernel drops what does not fit into the socket's buffer: for an ordinary user 6,500 messages where
//! `net.core.rmem_max` is 4 MiB (Linux 6.18), and 332 where it is 208 KiB. What is lost is counted in [`LostCloses`].

mod message;
mod payload;
mod reader;

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use self::message::Message;
use self::payload::Payloads;
use self::reader::Reader;
use super::interfaces::Interfaces;
use crate::model::{ClosedSocket, LostCloses, Moment, Socket};

/// What was read since the last snapshot.
#[derive(Debug, Default)]
struct Pending {
    messages: Vec<Message>,
    lost: LostCloses,
}

/// No more messages than this are kept between two snapshots: 12 MB.
const MAX_PENDING: usize = 50_000;

impl Pending {
    /// Moves the messages here, as far as there is room.
    fn append(&mut self, messages: &mut Vec<Message>) {
        let room = MAX_PENDING.saturating_sub(self.messages.len());
        let excess = messages.len().saturating_sub(room);
        self.lost.dropped += excess as u64;
        messages.truncate(room);
        self.messages.append(messages);
    }
}

/// The closed sockets of one network namespace.
pub(super) struct Listener {
    pending: Arc<Mutex<Pending>>,
    payloads: Payloads,
    /// Ends with it.
    _reader: Reader,
}

/// The messages that were read before a snapshot.
#[derive(Debug, Default)]
pub(super) struct Drained(Pending);

impl Listener {
    /// Listens in the network namespace of this thread.
    pub(super) fn start() -> io::Result<Self> {
        let pending = Arc::new(Mutex::new(Pending::default()));
        let reader = Reader::start(Arc::clone(&pending))?;
        Ok(Self {
            pending,
            payloads: Payloads::default(),
            _reader: reader,
        })
    }

    /// Removes the messages so far. Called before a dump: the sockets are not in it then, except as `TIME_WAIT`.
    pub(super) fn drain(&self) -> Drained {
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        Drained(std::mem::take(&mut *pending))
    }

    /// The sockets of these messages, given the dump that followed, which was taken at `at`.
    pub(super) fn closed(
        &mut self,
        drained: Drained,
        dump: &[Socket],
        at: Moment,
    ) -> (Vec<ClosedSocket>, LostCloses) {
        let Pending { messages, lost } = drained.0;
        if messages.is_empty() {
            return (Vec::new(), lost);
        }
        let read_at = |message: &Message| before(at, message.read_at);
        let received = self.payloads.received(&messages, dump);
        let mut interfaces = Interfaces::default();
        let closed = messages.iter().zip(received).map(|(message, received)| {
            let mut socket = message.socket();
            socket.interface = message.interface.map(|index| interfaces.name(index));
            ClosedSocket {
                socket,
                at: read_at(message),
                tcp: received
                    .zip(message.counters.as_ref())
                    .map(|(bytes, last)| {
                        let mut tcp = last.tcp;
                        tcp.bytes_received = bytes;
                        tcp
                    }),
            }
        });
        (closed.collect(), lost)
    }
}

/// The moment of an instant that was not long before `now`.
#[expect(clippy::disallowed_methods, reason = "measures only")]
fn before(now: Moment, instant: Instant) -> Moment {
    let age = instant.elapsed();
    Moment {
        steady: now.steady.saturating_sub(age),
        wall: now.wall.checked_sub(age).unwrap_or(now.wall),
    }
}
