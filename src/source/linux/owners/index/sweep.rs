//! Passes over all processes: a first one that fills the index, then later ones that find changes not visible in the
//! table. Their cost is limited by budgets.

use std::cmp::Reverse;
use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use rustix::io;

use super::{Inodes, OwnerIndex, ScanExtent};
use crate::model::{Moment, Pid};
use crate::source::linux::owners::procfs::Procfs;

/// A sweep checks each process once in this time.
pub(super) const SWEEP_TIME: Duration = Duration::from_secs(10);

/// How many descriptors one snapshot scans before anything is known: about 150 ms.
const FIRST_LIMIT: i64 = 50_000;

/// A number of descriptors that may be read; the last process may exceed it. Each costs about 3 µs when measured, and each
/// process as much as four.
pub(super) struct ScanBudget {
    left: i64,
    pub(super) per_second: i64,
    pub(super) limit: i64,
}

impl ScanBudget {
    /// For new sockets: 2 % of a core, or 100 ms at once after a time without any.
    pub(super) const SEARCH: Self = Self::new(6_000, 30_000);

    /// For the sweep: 0.5 % of a core. With more than 45,000 descriptors in processes that run all the time, a sweep
    /// takes longer than 30 seconds.
    pub(super) const SWEEP: Self = Self::new(1_500, 45_000);

    /// A full budget, which grows at this rate per second up to the limit.
    const fn new(per_second: i64, limit: i64) -> Self {
        Self {
            left: limit,
            per_second,
            limit,
        }
    }

    /// Adds the growth for this time.
    pub(super) fn refill(&mut self, elapsed: Duration) {
        let rate = self.per_second.cast_unsigned().into();
        let earned = elapsed.as_millis().saturating_mul(rate) / 1000;
        let earned = i64::try_from(earned).unwrap_or(self.limit);
        self.left = self.left.saturating_add(earned).min(self.limit);
    }

    /// How many descriptors may be read without exceeding it.
    pub(super) fn left(&self) -> u64 {
        self.left.try_into().unwrap_or(0)
    }

    pub(super) const fn is_spent(&self) -> bool {
        self.left <= 0
    }

    pub(super) fn spend(&mut self, descriptors: u64) {
        let descriptors = i64::try_from(descriptors).unwrap_or(i64::MAX);
        self.left = self.left.saturating_sub(descriptors);
    }
}

/// A pass over all processes.
#[derive(Default)]
pub(super) struct Sweep {
    pub(super) began_at: Option<Moment>,
    /// The number of processes when it began.
    size: usize,
    left: VecDeque<Pid>,
    /// Whether it is the first, which is not over yet.
    pub(super) is_first: bool,
}

impl<P: Procfs> OwnerIndex<P> {
    /// Starts a sweep. The first one begins with the processes that have many descriptors: those are servers.
    pub(super) fn begin_sweep(&mut self, at: Moment) -> io::Result<()> {
        let is_first = self.sweep.began_at.is_none();
        let mut pids = self.procfs.open()?;
        if is_first {
            let size = |pid| self.procfs.descriptor_table(pid).descriptors;
            pids.sort_by_cached_key(|&pid| Reverse((size(pid), pid)));
        } else {
            let existing: HashSet<Pid> = pids.iter().copied().collect();
            self.processes.retain(|pid| existing.contains(&pid));
        }
        self.sweep = Sweep {
            began_at: Some(at),
            size: pids.len(),
            left: pids.into(),
            is_first,
        };
        Ok(())
    }

    /// Continues the first sweep until everything wanted is found, so that it can be shown, or the limit is reached.
    pub(super) fn first_sweep_step(&mut self, wanted: &mut Inodes, extent: ScanExtent) {
        let mut budget = ScanBudget::new(0, FIRST_LIMIT);
        let was_wanting = !wanted.is_empty();
        while let Some(pid) = self.sweep.left.pop_front() {
            budget.spend(self.scan_process(pid, wanted));
            let has_all = was_wanting && wanted.is_empty();
            if extent == ScanExtent::Bounded && (has_all || budget.is_spent()) {
                break;
            }
        }
        self.sweep.is_first = !self.sweep.left.is_empty();
    }

    /// Checks as many processes as are due, and scans those that ran.
    pub(super) fn sweep_step(
        &mut self,
        wanted: &mut Inodes,
        elapsed: Duration,
        at: Moment,
    ) -> io::Result<()> {
        let share = elapsed.as_secs_f64() / SWEEP_TIME.as_secs_f64();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of a number of processes"
        )]
        let mut due = (self.sweep.size as f64 * share.min(1.0)).ceil() as usize;
        if elapsed >= SWEEP_TIME {
            // The rest of this sweep, and then all processes, new ones too.
            due = usize::MAX;
        }
        while due > 0 && !self.sweep_budget.is_spent() {
            let Some(pid) = self.sweep.left.pop_front() else {
                // Not twice for one snapshot, however long ago the last one was.
                if self.sweep.began_at == Some(at) {
                    break;
                }
                self.begin_sweep(at)?;
                continue;
            };
            due -= 1;
            let record = self.processes.get(pid);
            if record.is_none_or(|record| !self.procfs.is_idle_since(&record.clock)) {
                let cost = self.scan_process(pid, wanted);
                self.sweep_budget.spend(cost);
            }
        }
        Ok(())
    }
}
