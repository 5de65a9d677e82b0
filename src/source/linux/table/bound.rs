//! TCP sockets that are only bound, which are not read for every snapshot.
//!
//! The kernel (since 6.8) has them in another hash table, all of which it walks for them, mostly for nothing, as programs
//! rarely stop between bind and listen: beside 10,250 sockets that is 2.5 ms of a walk of 11 ms. So reading them may take
//! 1 % of a core while there are such sockets, and 0.1 % while there are none. On a quiet machine that is every snapshot;
//! beside 10,000 sockets a newly bound one is seen within three seconds, beside more within five; known ones are up to
//! date in every snapshot. A single snapshot always has them.
//!
//! The kernel reads listeners first: a socket that begins to listen at that very moment is in neither of its tables. The
//! next snapshot has it.

use std::time::Duration;

use nix::time::ClockId;

use crate::model::{Moment, Socket};

/// After how many times their cost they are read again: while there are some, and while there are none.
const WHILE_SOME: u32 = 100;
const WHILE_NONE: u32 = 1000;

/// How many times longer a walk takes than they do.
const SHARE: u32 = 4;

/// They are read again after this time, whatever the cost.
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// The sockets that were last read.
#[derive(Default)]
pub(super) struct BoundSockets {
    /// Each with the control group that it was made in.
    pub(super) rows: Vec<(Socket, u64)>,
    due_at: Duration,
}

impl BoundSockets {
    pub(super) fn are_due(&self, at: Moment) -> bool {
        at.steady >= self.due_at
    }

    /// Takes those of a complete walk that took this much processor time.
    pub(super) fn replace(&mut self, rows: Vec<(Socket, u64)>, took: Duration, at: Moment) {
        self.rows = rows;
        let times = if self.rows.is_empty() {
            WHILE_NONE
        } else {
            WHILE_SOME
        };
        let pause = took / SHARE * times;
        self.due_at = at.steady + pause.min(MAX_PAUSE);
    }
}

/// The processor time that this thread has used.
pub(super) fn processor_time() -> Duration {
    let time = ClockId::CLOCK_THREAD_CPUTIME_ID.now();
    time.map_or(Duration::ZERO, Duration::from)
}
