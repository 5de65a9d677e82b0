//! One pass over all processes after another: the first, that all others depend on, and those that find
//! what changed without a change in the table.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use rustix::io;

use super::budget::Purse;
use super::procfs::Proc;
use super::{Effort, Holders, Inodes};
use crate::model::{Moment, Pid};

/// In this time each process is checked once.
pub(super) const ROUND: Duration = Duration::from_secs(10);

/// How many descriptors a reading looks at before anything is known: about 150 ms.
const AT_FIRST: i64 = 50_000;

/// One pass over all processes.
#[derive(Debug, Default)]
pub(super) struct Round {
    pub(super) began_at: Option<Moment>,
    /// How many processes there were when it began.
    pub(super) size: usize,
    pub(super) left: VecDeque<Pid>,
    /// Whether it is the first, that all others depend on.
    pub(super) is_first: bool,
}

impl<P: Proc> Holders<P> {
    /// Those with the most descriptors first: servers have many.
    pub(super) fn begin_first_round(&mut self, at: Moment) -> io::Result<()> {
        self.proc.open()?;
        let pids = self.proc.pids()?;
        let mut by_size: Vec<_> = pids
            .into_iter()
            .map(|pid| (self.proc.descriptors(pid), pid))
            .collect();
        by_size.sort_unstable_by(|one, other| other.cmp(one));
        self.round = Round {
            began_at: Some(at),
            size: by_size.len(),
            left: by_size.into_iter().map(|(_, pid)| pid).collect(),
            is_first: true,
        };
        Ok(())
    }

    /// A part of the first round: until everything that is wanted is found, so that it can be shown,
    /// or until it has taken long enough.
    pub(super) fn look_at_all(&mut self, wanted: &mut Inodes, effort: Effort) {
        let mut purse = Purse::new(0, AT_FIRST);
        let was_wanting = !wanted.is_empty();
        while let Some(pid) = self.round.left.pop_front() {
            purse.pay(self.look(pid, wanted));
            let has_all = was_wanting && wanted.is_empty();
            if effort == Effort::Bounded && (has_all || purse.is_empty()) {
                break;
            }
        }
        self.round.is_first = !self.round.left.is_empty();
    }

    /// Checks as many processes as their turn has come, and looks at those that have run.
    pub(super) fn go_round(
        &mut self,
        wanted: &mut Inodes,
        elapsed: Duration,
        at: Moment,
    ) -> io::Result<()> {
        let share = elapsed.as_secs_f64() / ROUND.as_secs_f64();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of a number of processes"
        )]
        let mut due = (self.round.size as f64 * share.min(1.0)).ceil() as usize;
        if elapsed >= ROUND {
            // Those whose turn was coming, and then everybody, those who are new among them.
            due = usize::MAX;
        }
        while due > 0 && !self.rounds.is_empty() {
            let Some(pid) = self.round.left.pop_front() else {
                // Not twice in one reading, however long ago the last one was.
                if self.round.began_at == Some(at) {
                    break;
                }
                self.begin_round(at)?;
                continue;
            };
            due -= 1;
            let record = self.census.get(pid);
            if record.is_none_or(|record| !self.proc.has_rested(&record.activity)) {
                let looked_at = self.look(pid, wanted);
                self.rounds.pay(looked_at);
            }
        }
        Ok(())
    }

    fn begin_round(&mut self, at: Moment) -> io::Result<()> {
        self.proc.open()?;
        let pids = self.proc.pids()?;
        let is_there: HashSet<Pid> = pids.iter().copied().collect();
        self.census.keep(|pid| is_there.contains(&pid));
        self.round = Round {
            began_at: Some(at),
            size: pids.len(),
            left: pids.into(),
            is_first: false,
        };
        Ok(())
    }
}
