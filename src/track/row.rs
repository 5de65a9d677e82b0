//! One row of the live table: a socket, when it opened, and its last change.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::{SocketEnd, TroubleKind};
use crate::model::{Age, Moment, Owner, Socket, State};

/// Identifies one socket as long as it is tracked, whatever its state, owner or inode become, and
/// the next one on the same addresses if that opens while the closed row still lingers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RowId(pub u64);

/// A change of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It appeared after tracking began.
    Opened,
    /// Its state was `from` before.
    State {
        /// The state before.
        from: State,
    },
    /// Other processes than before have the same address.
    Owner {
        /// The owner before.
        from: Owner,
    },
    /// It closed.
    Closed,
    /// It opened and closed between two snapshots, as the kernel reported.
    GoneBetween,
}

/// The last change of a row, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// When it was seen.
    pub at: Moment,
    /// The change.
    pub kind: ChangeKind,
}

/// How a row is marked in the table: `+`, `~` or `-`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mark {
    /// Opened a moment ago.
    Opened,
    /// Changed state or owner a moment ago.
    Changed,
    /// Closed; the row will go.
    Closed,
}

impl Mark {
    /// The mark of a change that just happened.
    pub const fn of(kind: &ChangeKind) -> Self {
        match kind {
            ChangeKind::Opened => Self::Opened,
            ChangeKind::State { .. } | ChangeKind::Owner { .. } => Self::Changed,
            ChangeKind::Closed | ChangeKind::GoneBetween => Self::Closed,
        }
    }

    /// The glyph in the first column; colour never carries the meaning alone.
    pub const fn glyph(self) -> char {
        match self {
            Self::Opened => '+',
            Self::Changed => '~',
            Self::Closed => '-',
        }
    }
}

/// A tracked socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Identity within this run.
    pub id: RowId,
    /// The socket as last seen.
    pub socket: Socket,
    /// When it was first seen.
    pub first_seen: Moment,
    /// When its state was last seen to change; `first_seen` if it never did.
    pub state_since: Moment,
    /// Whether it was there when tracking began, so that its real age is not known.
    pub was_open_at_start: bool,
    /// Its last change; `None` if it has not changed since tracking began.
    pub change: Option<Change>,
    /// Whether another process has the same port of the same protocol.
    pub is_in_conflict: bool,
    /// What its counters prove to be wrong, while they are read.
    pub sign: Option<TroubleKind>,
    /// When the kernel removes it at the earliest, on the steady clock, if it ends by itself.
    pub ends_at: Option<Duration>,
    /// What the kernel reported about its end, which a `TIME_WAIT` outlives.
    pub end: Option<Arc<SocketEnd>>,
}

impl Row {
    /// Whether the socket is closed and the row only lingers.
    pub fn is_closed(&self) -> bool {
        let change = self.change.as_ref();
        change.is_some_and(|change| Mark::of(&change.kind) == Mark::Closed)
    }

    /// Whether it opened and closed between two snapshots, so that only its end is known.
    pub fn is_short(&self) -> bool {
        let change = self.change.as_ref();
        change.is_some_and(|change| change.kind == ChangeKind::GoneBetween)
    }

    /// Whether it may have listened although no snapshot had it.
    pub fn may_have_listened(&self) -> bool {
        self.end.as_ref().is_some_and(|end| end.may_have_listened)
    }

    /// Whether it is in the state in which it was found when tracking began.
    pub fn is_unchanged_since_start(&self) -> bool {
        self.was_open_at_start && self.state_since == self.first_seen
    }

    /// How long it has been in its state.
    pub fn age(&self, now: Moment) -> Age {
        let watched = self.state_since.age(now);
        match self.socket.age {
            _ if !self.is_unchanged_since_start() => Age::Exactly(watched),
            Some(then) => then.after(watched),
            None => Age::AtLeast(watched),
        }
    }

    /// The same, but of a listener older than what was watched the age of its oldest process: the best that is known, and
    /// what the table shows.
    pub fn shown_age(&self, now: Moment) -> Age {
        match self.process_start() {
            Some(started) => Age::Exactly(self.since(started, now)),
            None => self.age(now),
        }
    }

    /// Start of the oldest process of a listener older than what was watched. A history may know its age.
    pub fn process_start(&self) -> Option<Timestamp> {
        let processes = self.socket.owner.present().iter();
        let started = processes.filter_map(|process| process.started_at).min();
        let is_known = matches!(self.socket.age, Some(Age::Exactly(_)));
        started
            .filter(|_| self.is_unchanged_since_start() && self.socket.is_listening() && !is_known)
    }

    /// Time since then. Process starts use the wall clock as it was when this program started; the time since the row
    /// was first seen comes from the steady clock, so that a clock that is set has no effect.
    fn since(&self, started: Timestamp, now: Moment) -> Duration {
        let before = self.first_seen.wall.duration_since(started);
        let seen = self.first_seen.age(now).try_into();
        let whole = before.saturating_add(seen.unwrap_or(SignedDuration::MAX));
        whole.try_into().unwrap_or_default()
    }

    /// When it opened, if that is known.
    pub fn opened(&self) -> Option<Timestamp> {
        if self.is_short() {
            return None;
        }
        match (self.was_open_at_start, self.socket.age) {
            (false, _) => Some(self.first_seen.wall),
            (true, Some(Age::Exactly(before))) => self.first_seen.wall.checked_sub(before).ok(),
            (true, _) => None,
        }
    }

    /// When its state began, if that is known.
    pub fn state_began(&self) -> Option<Timestamp> {
        if self.is_unchanged_since_start() {
            self.opened()
        } else {
            Some(self.state_since.wall)
        }
    }

    /// The latest time at which its state can have begun, if that is before tracking began.
    pub fn state_began_by(&self) -> Option<Timestamp> {
        if self.is_unchanged_since_start() {
            let before = self.socket.age?.duration();
            self.first_seen.wall.checked_sub(before).ok()
        } else {
            Some(self.state_since.wall)
        }
    }

    /// The mark at `now`, if changes are highlighted for this long. A closed row keeps its mark.
    pub fn mark(&self, now: Moment, highlight: Duration) -> Option<Mark> {
        let change = self.change.as_ref()?;
        let mark = Mark::of(&change.kind);
        (mark == Mark::Closed || change.at.age(now) < highlight).then_some(mark)
    }
}

/// A row whose socket was in the last snapshot, or is missing from it for the first time.
#[derive(Debug)]
pub(super) struct Live {
    pub row: Arc<Row>,
    /// Its place in the last snapshot, if it was there under the key that it has now. Rows of the same
    /// key are in the same order there as here.
    pub dump_index: Option<usize>,
    /// The first snapshot that it was missing from.
    pub missing_since: Option<Moment>,
    /// The processes that have had it all the time, if others have it too.
    pub lasting: Option<Owner>,
    /// The missing listener whose address, and whose place in the table, this one took.
    pub replaced: Option<Arc<Row>>,
}

impl Live {
    pub(super) fn new(row: Arc<Row>) -> Self {
        Self {
            row,
            dump_index: None,
            missing_since: None,
            lasting: None,
            replaced: None,
        }
    }
}
