//! Who holds which socket: an index from inode to pids, kept from one reading to the next.
//!
//! A known inode costs a hash lookup. A new one is looked for where it most likely is (who listens on its
//! port, processes that are new, who held sockets before, then the others), only in processes that have
//! run since their last look, and no longer than until it is found. One that nobody was found to hold is
//! looked for again at growing intervals. Beside that each process is checked about every ten seconds,
//! and looked at if it has run: that finds what forks, passed descriptors and closed ones changed without
//! a change in the table.
//!
//! What all this may cost is counted in descriptors, about 3 µs each, and bounded: see [`Purse`].

mod census;
mod proc;
mod purse;
mod rounds;
mod search;
mod unfound;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use rustix::io;

use self::census::Census;
use self::proc::{Proc, Real};
use self::purse::Purse;
use self::rounds::Round;
use self::unfound::Unfound;
use super::room::Shortage;
use crate::model::{BuildSpread, Moment, Pid, Socket};
use crate::source::{HiddenReason, OwnerPids, ScanStats};

/// Inodes of sockets; the kernel numbers them one after the other.
type Inodes = HashSet<u32, BuildSpread>;

/// What a look costs beside the descriptors: to open their list and to read it.
const A_LOOK: u64 = 4;

/// How much a reading may look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effort {
    /// As much as a table that goes on can afford; what it does not come to waits for the next one.
    Bounded,
    /// Everything, as it stands for itself.
    Whole,
}

/// The index.
pub(super) struct Holders<P: Proc = Real> {
    proc: P,
    census: Census<P::CpuClock>,
    unfound: HashMap<u32, Unfound, BuildSpread>,
    round: Round,
    search: Purse,
    rounds: Purse,
    updated_at: Option<Moment>,
    /// Whether the last reading was not the first.
    is_later: bool,
    /// What kept the last reading from looking at processes.
    trouble: Option<io::Errno>,
    looks: Looks,
}

impl Default for Holders {
    fn default() -> Self {
        Self::new(Real::default())
    }
}

impl<P: Proc> Holders<P> {
    fn new(proc: P) -> Self {
        Self {
            proc,
            census: Census::default(),
            unfound: HashMap::default(),
            round: Round::default(),
            search: Purse::SEARCH,
            rounds: Purse::ROUNDS,
            updated_at: None,
            is_later: false,
            trouble: None,
            looks: Looks::default(),
        }
    }

    /// Who holds each of the sockets of a reading, in their order, once the index is up to date with it;
    /// and the trouble if `/proc` can't be read: whoever is not known is then hidden.
    pub(super) fn owner_pids(
        &mut self,
        sockets: &[Socket],
        at: Moment,
        effort: Effort,
    ) -> (Vec<OwnerPids>, io::Result<()>) {
        let elapsed = self.updated_at.map_or(Duration::ZERO, |last| last.age(at));
        self.is_later = self.updated_at.is_some();
        self.updated_at = Some(at);
        self.search.refill(elapsed);
        self.rounds.refill(elapsed);
        let (mut owner_pids, mut wanted) = self.known(sockets);
        let looks = self.looks;
        self.trouble = None;
        let outcome = self
            .look_around(sockets, &mut wanted, at, effort)
            .and_then(|is_over| {
                if !self.round.is_first {
                    self.go_round(&mut wanted, elapsed, at)?;
                }
                Ok(is_over)
            });
        // One that could not be looked at is no reason not to look at the others.
        let outcome = outcome.and_then(|is_over| self.trouble.map_or(Ok(is_over), Err));
        self.trouble = outcome.err();
        let outcome = outcome.map(|is_over| self.settle(&wanted, is_over));
        let has_looked = self.looks != looks;
        for (socket, holding) in sockets.iter().zip(&mut owner_pids) {
            // What was known and not looked at since is as it was.
            if has_looked || *holding == OwnerPids::Unknown {
                *holding = socket.inode.map_or(OwnerPids::None, |inode| self.of(inode));
            }
        }
        (owner_pids, outcome)
    }

    /// What is known of each socket, and the inodes without a holder that it is time to look for. Those
    /// that are gone from the table are forgotten.
    fn known(&mut self, sockets: &[Socket]) -> (Vec<OwnerPids>, Inodes) {
        let mut before = std::mem::take(&mut self.unfound);
        let mut wanted = Inodes::default();
        let mut known = |socket: &Socket| {
            let Some(inode) = socket.inode else {
                return OwnerPids::None;
            };
            if let Some(pids) = self.census.holders(inode) {
                return OwnerPids::Known(Arc::clone(pids));
            }
            let mut unfound = before.remove(&inode).unwrap_or_default();
            if unfound.patience == 0 {
                wanted.insert(inode);
            }
            unfound.patience = unfound.patience.saturating_sub(1);
            self.unfound.insert(inode, unfound);
            OwnerPids::Unknown
        };
        (sockets.iter().map(&mut known).collect(), wanted)
    }

    /// Whether everything was looked at that may hold what is still wanted.
    fn look_around(
        &mut self,
        sockets: &[Socket],
        wanted: &mut Inodes,
        at: Moment,
        effort: Effort,
    ) -> io::Result<bool> {
        if wanted.is_empty() && self.round.began_at.is_none() {
            return Ok(true);
        }
        let is_beginning = self.round.began_at.is_none();
        if is_beginning {
            self.begin_first_round(at)?;
        }
        if self.round.is_first {
            self.look_at_all(wanted, effort);
        }
        if self.round.is_first || is_beginning {
            return Ok(!self.round.is_first);
        }
        Ok(wanted.is_empty() || self.search(sockets, wanted, effort)?)
    }

    /// Looks at a process and strikes out what it has; returns how many descriptors that is worth.
    fn look(&mut self, pid: Pid, wanted: &mut Inodes) -> u64 {
        let activity = self.proc.activity(pid);
        self.looks.processes += 1;
        let (found, descriptors) = match self.proc.look(pid) {
            Ok(Some(seen)) => seen,
            Ok(None) => {
                self.census.forget(pid);
                return A_LOOK;
            }
            Err(error) => {
                self.trouble = Some(error);
                return A_LOOK;
            }
        };
        self.looks.descriptors += descriptors;
        let inodes = self.census.record(pid, activity, (found, descriptors));
        if !wanted.is_empty() {
            for inode in inodes {
                wanted.remove(inode);
            }
        }
        descriptors + A_LOOK
    }

    /// Remembers what was not found.
    fn settle(&mut self, wanted: &Inodes, is_over: bool) {
        let census = &self.census;
        self.unfound
            .retain(|&inode, _| census.holders(inode).is_none());
        for inode in wanted {
            if let Some(unfound) = self.unfound.get_mut(inode) {
                unfound.is_open = !is_over;
                if is_over {
                    unfound.miss();
                }
            }
        }
    }

    /// Who holds an inode, as far as is known.
    ///
    /// Nobody at the first look may be a socket that was closed between table and look, or one in
    /// flight between processes; at the second look it is the kernel's, or that of a process outside this
    /// pid namespace. Without a descriptor to look with nobody was looked at.
    pub(super) fn of(&self, inode: u32) -> OwnerPids {
        if let Some(pids) = self.census.holders(inode) {
            return OwnerPids::Known(Arc::clone(pids));
        }
        match self.unfound.get(&inode) {
            // Its last holder was found without it just now: the next reading looks for another.
            None => OwnerPids::Unknown,
            Some(unfound) if unfound.is_open || self.is_short() => OwnerPids::Unknown,
            // What was there at first is told at once: most of it is outside and stays.
            Some(unfound)
                if self.is_later
                    && unfound.misses < 2
                    && self.hidden_reason() == Some(HiddenReason::OtherNamespace) =>
            {
                OwnerPids::Unknown
            }
            _ if self.hidden_reason().is_some() => OwnerPids::Hidden,
            Some(unfound) if unfound.misses > 1 => OwnerPids::Kernel,
            _ => OwnerPids::None,
        }
    }

    /// Whether the first round is not over and left sockets without an answer: the next reading goes on
    /// where this one ended. What could not look now is in no hurry to try again.
    pub(super) fn is_in_first_round(&self) -> bool {
        self.trouble.is_none()
            && self.round.is_first
            && self.unfound.values().any(|unfound| unfound.is_open)
    }

    /// Whether there was no descriptor to look with.
    fn is_short(&self) -> bool {
        self.trouble.and_then(Shortage::of).is_some()
    }

    /// Why holders may be hidden.
    pub(super) fn hidden_reason(&self) -> Option<HiddenReason> {
        if self.trouble.is_some() {
            Some(HiddenReason::NotPermitted)
        } else if self.census.has_refused() {
            Some(self.proc.refusal())
        } else {
            self.proc.hidden_reason()
        }
    }

    /// Removes processes that are no more. Whether that left a socket without a holder.
    pub(super) fn forget(&mut self, gone: &[Pid]) -> bool {
        let lost = gone.iter().map(|&pid| self.census.forget(pid));
        lost.fold(false, |is_any_lost, lost| is_any_lost | lost)
    }

    /// What was looked at since the last time that this was asked.
    pub(super) fn take_scan_stats(&mut self) -> ScanStats {
        std::mem::take(&mut self.looks)
    }
}

#[cfg(test)]
mod tests;
