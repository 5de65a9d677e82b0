//! TCP sockets that are bound and nothing else, which are not read each time.
//!
//! The kernel (since 6.8) has them in another hash table, all of which it walks for them, mostly for nothing, as
//! programs rarely stop between bind and listen: beside 10,250 sockets that is 2.5 ms of a walk of 11 ms. So they are
//! asked for as often as they earn what that costs: it may take 1 % of a core as long as there are such
//! sockets, and 0.1 % while there are none. On a quiet machine that is at every reading; beside 10,000 sockets a socket
//! that is newly bound is seen within three seconds, beside more within five; those that are known are up to date at
//! every reading of one a second. A reading that stands for itself always has them.
//!
//! The kernel looks at listeners first: a socket that begins to listen at that very moment is in neither of its tables.
//! The next reading has it.

use std::time::Duration;

use crate::model::{Moment, Socket};

/// How many times its cost passes before the next time: while there is something to see, and while
/// there is not.
const WHILE_SOME: u32 = 100;
const WHILE_NONE: u32 = 1000;

/// Which part of the time of a walk is spent on them.
const SHARE: u32 = 4;

/// However much it costs.
const AT_LEAST_EVERY: Duration = Duration::from_secs(5);

/// Those that were last read.
#[derive(Default)]
pub(super) struct BoundSockets {
    /// Each with the control group that it was made in.
    rows: Vec<(Socket, u64)>,
    /// When they are to be read next.
    due_at: Duration,
}

impl BoundSockets {
    /// Whether they are to be read now.
    pub(super) fn are_due(&self, at: Moment) -> bool {
        at.steady >= self.due_at
    }

    /// Takes those of a walk that was complete and took so much processor time.
    pub(super) fn replace(&mut self, rows: Vec<(Socket, u64)>, took: Duration, at: Moment) {
        self.rows = rows;
        let times = if self.rows.is_empty() {
            WHILE_NONE
        } else {
            WHILE_SOME
        };
        let pause = took / SHARE * times;
        self.due_at = at.steady + pause.min(AT_LEAST_EVERY);
    }

    /// Forgets those whose inode is in the table.
    pub(super) fn forget(&mut self, is_known: impl Fn(u32) -> bool) {
        self.rows
            .retain(|(socket, _)| !socket.inode.is_some_and(&is_known));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(Socket, u64)> {
        self.rows.iter()
    }
}

/// How much processor time this thread has used.
pub(super) fn processor_time() -> Duration {
    let time = nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID.now();
    time.map_or(Duration::ZERO, Duration::from)
}
