//! TCP sockets that are bound and nothing else, which take a dump of their own.
//!
//! The kernel (since 6.8) finds them in another hash table, all of which it walks for them: 2 to 4 ms
//! beside 10,000 sockets, mostly for nothing, as programs rarely stop between bind and listen. So that
//! dump is made as often as it earns what it costs: it may take 1 % of a core as long as there are such
//! sockets, and 0.1 % while there are none. On a quiet machine, where it takes 0.2 ms, that is at every
//! reading; beside 10,000 sockets a socket that is newly bound is seen within four seconds, beside more
//! within five; those that are known are up to date at every reading of one a second. A reading that stands for itself always
//! makes it.

use std::time::Duration;

use super::detail::Detail;
use super::problems;
use super::sock_diag::{Asked, DumpError, SockDiag};
use crate::model::{Moment, Problem, Protocol, State};
use crate::source::netstat::Part;

/// How many times its cost passes before the next dump: while there is something to see, and while
/// there is not.
const WHILE_SOME: u32 = 100;
const WHILE_NONE: u32 = 1000;

/// However much it costs.
const AT_LEAST_EVERY: Duration = Duration::from_secs(5);

/// What the last dump had.
#[derive(Default)]
pub(super) struct BoundSockets {
    details: Vec<Detail>,
    /// When the next dump is due.
    due_at: Duration,
}

impl BoundSockets {
    /// Makes the dump, if it is due.
    pub(super) fn refresh(&mut self, diag: &mut SockDiag, at: Moment, problems: &mut Vec<Problem>) {
        if at.steady < self.due_at {
            return;
        }
        let (mut details, began) = (Vec::new(), processor_time());
        for part in Part::of(Protocol::Tcp) {
            match diag.dump(Asked::Bound(part), &mut details) {
                Ok(()) => {}
                // What is known holds until it can be read.
                Err(DumpError::Interrupted) => return problems.push(problems::interrupted(part)),
                // What else is wrong is wrong with the table too, which says so.
                Err(DumpError::System(_) | DumpError::Malformed) => return,
            }
        }
        // A kernel that does not know the state tells of others. One without an inode is being closed: it
        // would be told as opened where it just ended, and be kept until the next dump.
        details.retain(|detail| detail.state == State::Bound && detail.inode.is_some());
        self.details = details;
        let times = if self.details.is_empty() {
            WHILE_NONE
        } else {
            WHILE_SOME
        };
        let pause = processor_time().saturating_sub(began) * times;
        self.due_at = at.steady + pause.min(AT_LEAST_EVERY);
    }

    /// Forgets those whose inode is in the table.
    pub(super) fn forget(&mut self, is_known: impl Fn(u32) -> bool) {
        self.details
            .retain(|detail| !detail.inode.is_some_and(&is_known));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.details.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Detail> {
        self.details.iter()
    }
}

/// How much processor time this thread has used.
fn processor_time() -> Duration {
    let time = nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID.now();
    time.map_or(Duration::ZERO, Duration::from)
}
