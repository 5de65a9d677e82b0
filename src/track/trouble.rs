//! Decides whether a row is in trouble: a state that an application should not stay in, or a queue that fills.
//!
//! Knows only the row, with the [sign](Row::sign) of its counters. A state is trouble once it has lasted for a while, so each has a moment at which it becomes one,
//! which is known beforehand. The age of a state that was there before tracking began is the kernel's lower bound;
//! without one it counts from the first snapshot.

use std::time::Duration;

use strum::{IntoStaticStr, VariantArray};

use super::Row;
use crate::model::{AcceptQueue, Fill, Moment, OwnerKind, Protocol, Socket, State};

/// What is wrong with a socket, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, IntoStaticStr, VariantArray)]
pub enum TroubleKind {
    /// The accept queue of a listener is full: new clients hang.
    #[strum(serialize = "accept queue full")]
    QueueFull,
    /// A listener drops handshakes, as its accept queue is full: new clients wait or hang.
    #[strum(serialize = "accept queue dropping")]
    QueueDropping,
    /// The peer has closed, its own program has not: a leak.
    #[strum(serialize = "CLOSE_WAIT")]
    CloseWait,
    /// The peer does not answer.
    #[strum(serialize = "SYN_SENT")]
    SynSent,
    /// The peer answers no segment of an established connection.
    #[strum(serialize = "peer silent")]
    PeerSilent,
    /// The peer's receive window is closed: it does not read what it gets.
    #[strum(serialize = "peer not reading")]
    PeerNotReading,
    /// Its own program does not read what has arrived.
    #[strum(serialize = "not reading")]
    NotReading,
    /// A socket drops packets, as its receive buffer is full.
    #[strum(serialize = "dropping packets")]
    PacketsDropped,
    /// Much has to be sent again.
    #[strum(serialize = "lossy")]
    Lossy,
    /// A connection without a process whose peer does not finish.
    #[strum(serialize = "orphans")]
    Orphan,
    /// The accept queue of a listener is half full or more.
    #[strum(serialize = "accept queue filling")]
    QueueFilling,
}

/// What is wrong with a row, and when that begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What it is.
    pub kind: TroubleKind,
    /// On the steady clock: from then on it is trouble, if the row stays as it is.
    pub begins_at: Duration,
}

impl TroubleKind {
    /// All of them, the most urgent first.
    pub const ALL: &[Self] = Self::VARIANTS;

    /// How long a socket has to be in that state; a queue is in trouble at once.
    pub const fn after(self) -> Duration {
        match self {
            Self::QueueFull | Self::QueueFilling => Duration::ZERO,
            // They are found of two snapshots, or say how long they have lasted.
            Self::QueueDropping | Self::PacketsDropped | Self::PeerSilent | Self::Lossy => {
                Duration::ZERO
            }
            Self::CloseWait => Duration::from_secs(30),
            Self::SynSent | Self::PeerNotReading => Duration::from_secs(3),
            Self::Orphan | Self::NotReading => Duration::from_secs(10),
        }
    }

    /// In a few words, for one socket or a number of them.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// What can be wrong with a socket, however long it has been in its state, and whatever its owner is.
    pub fn possible(socket: &Socket) -> Option<Self> {
        let queue = AcceptQueue::of(socket).map(AcceptQueue::fill);
        match (socket.state, queue) {
            (_, Some(Fill::Full)) => Some(Self::QueueFull),
            (_, Some(Fill::Filling)) => Some(Self::QueueFilling),
            _ if socket.protocol != Protocol::Tcp => None,
            (State::CloseWait, _) => Some(Self::CloseWait),
            (State::SynSent, _) => Some(Self::SynSent),
            (State::FinWait1 | State::FinWait2 | State::Closing | State::LastAck, _)
                if socket.inode.is_none() =>
            {
                Some(Self::Orphan)
            }
            _ => None,
        }
    }
}

impl Row {
    /// What is wrong with it, or will be if it stays as it is. A closed row has no trouble left.
    pub fn troubles(&self) -> impl Iterator<Item = Trouble> {
        let sign = self.sign.filter(|_| !self.is_closed()).map(|kind| Trouble {
            kind,
            begins_at: Duration::ZERO,
        });
        self.trouble_of_state().into_iter().chain(sign)
    }

    fn trouble_of_state(&self) -> Option<Trouble> {
        let kind = TroubleKind::possible(&self.socket).filter(|_| !self.is_closed())?;
        let owner = self.socket.owner.kind();
        if kind == TroubleKind::Orphan && !matches!(owner, OwnerKind::Former | OwnerKind::None) {
            return None;
        }
        let before = self.age(self.state_since).duration();
        let left = kind.after().saturating_sub(before);
        Some(Trouble {
            kind,
            begins_at: self.state_since.steady.saturating_add(left),
        })
    }

    /// What is wrong with it at `now`: the most urgent of what has begun.
    pub fn trouble(&self, now: Moment) -> Option<TroubleKind> {
        let begun = self.troubles().filter(|one| one.begins_at <= now.steady);
        begun.map(|one| one.kind).min()
    }
}

#[cfg(test)]
#[path = "tests/trouble.rs"]
mod tests;
