//! A pass over all processes that is spread over several snapshots.

use std::collections::VecDeque;
use std::time::Duration;

use crate::model::{Moment, Pid};

/// A pass reads each process once in this time.
const SWEEP_TIME: Duration = Duration::from_secs(30);

/// The most links that one snapshot reads: about 2 ms.
const MOST_LINKS: usize = 600;

#[derive(Default)]
pub(super) struct Sweep {
    left: VecDeque<Pid>,
    /// How many there were when it began.
    size: usize,
    stepped_at: Option<Moment>,
    /// Whether a whole pass is over.
    pub(super) is_over_once: bool,
}

impl Sweep {
    /// Begins a pass over these processes, if there is none: a pass that is left unfinished by a complete one ends.
    pub(super) fn begin(&mut self, is_complete: bool, pids: impl Iterator<Item = Pid>) {
        if is_complete || self.left.is_empty() {
            self.left = pids.collect();
            self.size = self.left.len();
        }
    }

    /// Visits as many processes as are due since the last step, or all. `visit` returns how many links it read.
    pub(super) fn step(
        &mut self,
        at: Moment,
        is_complete: bool,
        mut visit: impl FnMut(Pid) -> usize,
    ) {
        if is_complete {
            self.left.drain(..).for_each(|pid| {
                visit(pid);
            });
            (self.is_over_once, self.stepped_at) = (true, Some(at));
            return;
        }
        // The first step is at the start, when much else is to be done.
        let Some(last) = self.stepped_at.replace(at) else {
            return;
        };
        let share = last.age(at).as_secs_f64() / SWEEP_TIME.as_secs_f64();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of a number of processes"
        )]
        let due = (self.size as f64 * share.min(1.0)).ceil() as usize;
        let mut links = 0;
        for _ in 0..due {
            let Some(pid) = self.left.pop_front() else {
                break;
            };
            links += visit(pid);
            if links >= MOST_LINKS {
                break;
            }
        }
        self.is_over_once |= self.left.is_empty();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment {
            steady: Duration::from_secs(seconds),
            wall: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn every_process_is_visited_once_in_a_sweep() {
        let (mut sweep, mut visited) = (Sweep::default(), Vec::new());
        for second in 0..=30 {
            sweep.begin(false, 1..=90);
            sweep.step(at(second), false, |pid| {
                visited.push(pid);
                1
            });
        }
        assert_eq!(visited, (1..=90).collect::<Vec<_>>());
        assert!(sweep.is_over_once);
    }

    #[test]
    fn processes_with_many_threads_are_visited_over_several_snapshots() {
        let (mut sweep, mut visited) = (Sweep::default(), 0);
        for second in [0, 60, 120] {
            sweep.begin(false, 1..=10);
            sweep.step(at(second), false, |_| {
                visited += 1;
                MOST_LINKS / 2
            });
        }
        assert_eq!(visited, 4);
        assert!(!sweep.is_over_once);
    }
}
