//! Who holds which socket: an index from inode to pids, kept from one reading to the next.
//!
//! A known inode costs a hash lookup. A new one is looked for where it most likely is (who listens on
//! its port, who held sockets before, processes that are new, then the others), only in processes that
//! have run since their last look, and no longer than until it is found. One that nobody was found to
//! hold is looked for again at growing intervals. Beside that each process is checked every ten
//! seconds, and looked at if it has run: that finds what forks, passed descriptors and closed ones
//! changed without a change in the table.
//!
//! What all this may cost is counted in descriptors, about 3 µs each, and bounded: see [`Purse`].

mod census;
mod proc;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use rustix::io;

use self::census::Census;
use self::proc::{Proc, Real};
use crate::model::{BuildSpread, Moment, Pid, Protocol, Socket, State};
use crate::source::{Blind, Holding, Looks};

/// Inodes of sockets; the kernel numbers them one after the other.
type Inodes = HashSet<u32, BuildSpread>;

/// In this time each process is checked once.
const ROUND: Duration = Duration::from_secs(10);

/// How many descriptors a reading looks at before anything is known: about 150 ms.
const AT_FIRST: i64 = 50_000;

/// How much a reading may look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effort {
    /// As much as a table that goes on can afford; what it does not come to waits for the next one.
    Bounded,
    /// Everything, as it stands for itself.
    Whole,
}

/// An account of descriptors that may be looked at; the last look may overdraw it.
#[derive(Debug)]
struct Purse {
    left: i64,
    per_second: i64,
    most: i64,
}

impl Purse {
    /// For sockets that are new: 2 % of a core, or 100 ms at once after a time without any.
    const SEARCH: Self = Self::new(6_000, 30_000);

    /// For the rounds: 0.5 % of a core. With more than 45,000 descriptors in processes that run all the
    /// time, a round takes longer than 30 seconds.
    const ROUNDS: Self = Self::new(1_500, 45_000);

    const fn new(per_second: i64, most: i64) -> Self {
        Self {
            left: most,
            per_second,
            most,
        }
    }

    fn refill(&mut self, elapsed: Duration) {
        let earned = elapsed
            .as_millis()
            .saturating_mul(self.per_second.cast_unsigned().into())
            / 1000;
        let earned = i64::try_from(earned).unwrap_or(self.most);
        self.left = self.left.saturating_add(earned).min(self.most);
    }

    const fn is_empty(&self) -> bool {
        self.left <= 0
    }

    fn pay(&mut self, looked_at: u64) {
        let looked_at = i64::try_from(looked_at).unwrap_or(i64::MAX);
        self.left = self.left.saturating_sub(looked_at);
    }
}

/// The index.
pub(super) struct Holders<P: Proc = Real> {
    proc: P,
    census: Census<P::Activity>,
    unfound: HashMap<u32, Unfound, BuildSpread>,
    round: Round,
    search: Purse,
    rounds: Purse,
    updated_at: Option<Moment>,
    is_readable: bool,
    looks: Looks,
}

/// One pass over all processes.
#[derive(Debug, Default)]
struct Round {
    began_at: Option<Moment>,
    /// How many processes there were when it began.
    size: usize,
    left: VecDeque<Pid>,
    /// Whether it is the first, that all others depend on.
    is_first: bool,
}

/// An inode that nobody was found to hold.
#[derive(Clone, Copy, Debug, Default)]
struct Unfound {
    /// How often in a row.
    misses: u32,
    /// How many readings to let pass before it is looked for again.
    patience: u32,
    /// Whether the last search ended before it had looked everywhere.
    is_open: bool,
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
            is_readable: true,
            looks: Looks::default(),
        }
    }

    /// Who holds each of the sockets of a reading, in their order, once the index is up to date with it;
    /// and the trouble if `/proc` can't be read: whoever is not known is then hidden.
    pub(super) fn holdings(
        &mut self,
        sockets: &[Socket],
        at: Moment,
        effort: Effort,
    ) -> (Vec<Holding>, io::Result<()>) {
        let elapsed = self.updated_at.map_or(Duration::ZERO, |last| last.age(at));
        self.updated_at = Some(at);
        self.search.refill(elapsed);
        self.rounds.refill(elapsed);
        let (mut holdings, mut wanted) = self.known(sockets);
        let looks = self.looks;
        let outcome = self
            .look_around(sockets, &mut wanted, at, effort)
            .and_then(|is_over| {
                if !self.round.is_first {
                    self.go_round(&mut wanted, elapsed, at)?;
                }
                Ok(is_over)
            });
        self.is_readable = outcome.is_ok();
        let outcome = outcome.map(|is_over| self.settle(&wanted, is_over));
        let has_looked = self.looks != looks;
        for (socket, holding) in sockets.iter().zip(&mut holdings) {
            // What was known and not looked at since is as it was.
            if has_looked || *holding == Holding::Unknown {
                *holding = socket.inode.map_or(Holding::None, |inode| self.of(inode));
            }
        }
        (holdings, outcome)
    }

    /// What is known of each socket, and the inodes without a holder that it is time to look for. Those
    /// that are gone from the table are forgotten.
    fn known(&mut self, sockets: &[Socket]) -> (Vec<Holding>, Inodes) {
        let mut before = std::mem::take(&mut self.unfound);
        let mut wanted = Inodes::default();
        let mut known = |socket: &Socket| {
            let Some(inode) = socket.inode else {
                return Holding::None;
            };
            if let Some(pids) = self.census.holders(inode) {
                return Holding::By(Arc::clone(pids));
            }
            let mut unfound = before.remove(&inode).unwrap_or_default();
            if unfound.patience == 0 {
                wanted.insert(inode);
            }
            unfound.patience = unfound.patience.saturating_sub(1);
            self.unfound.insert(inode, unfound);
            Holding::Unknown
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

    /// Those with the most descriptors first: servers have many.
    fn begin_first_round(&mut self, at: Moment) -> io::Result<()> {
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
    fn look_at_all(&mut self, wanted: &mut Inodes, effort: Effort) {
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

    /// Looks for new sockets. Whether it came to an end.
    fn search(
        &mut self,
        sockets: &[Socket],
        wanted: &mut Inodes,
        effort: Effort,
    ) -> io::Result<bool> {
        let likely = self.likely(sockets, wanted);
        if !self.look_in_turn(&likely, wanted, effort) {
            return Ok(false);
        }
        if wanted.is_empty() {
            return Ok(true);
        }
        self.proc.open()?;
        let is_likely: HashSet<Pid> = likely.into_iter().collect();
        let mut rest = self.proc.pids()?;
        rest.retain(|pid| {
            let record = self.census.get(*pid);
            !is_likely.contains(pid) && record.is_none_or(|record| self.may_have_more(record))
        });
        // The new ones first, the youngest of them before all.
        rest.sort_by_key(|&pid| (self.census.get(pid).is_some(), std::cmp::Reverse(pid)));
        Ok(self.look_in_turn(&rest, wanted, effort))
    }

    /// Looks at these until everything is found; whether it came to an end.
    fn look_in_turn(&mut self, pids: &[Pid], wanted: &mut Inodes, effort: Effort) -> bool {
        for &pid in pids {
            if wanted.is_empty() {
                return true;
            }
            if effort == Effort::Bounded && self.search.is_empty() {
                return false;
            }
            let looked_at = self.look(pid, wanted);
            self.search.pay(looked_at);
        }
        true
    }

    /// The known processes that may have what is wanted, the likeliest first: who listens on the port
    /// of a new connection, then who has sockets. Only those that have run since they were looked at.
    fn likely(&self, sockets: &[Socket], wanted: &Inodes) -> Vec<Pid> {
        let is_wanted =
            |socket: &&Socket| socket.inode.is_some_and(|inode| wanted.contains(&inode));
        let ports: HashSet<(Protocol, u16)> = sockets
            .iter()
            .filter(is_wanted)
            .map(|socket| (socket.protocol, socket.local.port))
            .collect();
        let listeners = sockets.iter().filter(|socket| {
            socket.state == State::Listen && ports.contains(&(socket.protocol, socket.local.port))
        });
        let mut likely: Vec<Pid> = Vec::new();
        for inode in listeners.filter_map(|socket| socket.inode) {
            likely.extend(
                self.census
                    .holders(inode)
                    .into_iter()
                    .flat_map(|pids| pids.iter()),
            );
        }
        let with_sockets = self
            .census
            .iter()
            .filter(|(_, record)| record.has_sockets());
        likely.extend(with_sockets.map(|(pid, _)| pid));
        let mut is_listed = HashSet::new();
        likely.retain(|&pid| {
            let record = self.census.get(pid);
            is_listed.insert(pid) && record.is_some_and(|record| self.may_have_more(record))
        });
        likely
    }

    /// Whether a process may have got descriptors since it was looked at, and may be looked at.
    fn may_have_more(&self, record: &census::Record<P::Activity>) -> bool {
        record.is_open() && !self.proc.has_rested(&record.activity)
    }

    /// Checks as many processes as their turn has come, and looks at those that have run.
    fn go_round(&mut self, wanted: &mut Inodes, elapsed: Duration, at: Moment) -> io::Result<()> {
        let share = elapsed.as_secs_f64() / ROUND.as_secs_f64();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of a number of processes"
        )]
        let mut due = (self.round.size as f64 * share.min(1.0)).ceil() as usize;
        if elapsed >= ROUND {
            self.begin_round(at)?;
            due = self.round.size;
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

    /// Looks at a process and strikes out what it has; returns how many descriptors that took, at
    /// least one.
    fn look(&mut self, pid: Pid, wanted: &mut Inodes) -> u64 {
        let activity = self.proc.activity(pid);
        self.looks.processes += 1;
        let Some((found, descriptors)) = self.proc.look(pid) else {
            self.census.forget(pid);
            return 1;
        };
        self.looks.descriptors += descriptors;
        let inodes = self.census.record(pid, activity, found);
        if !wanted.is_empty() {
            for inode in inodes {
                wanted.remove(inode);
            }
        }
        descriptors.max(1)
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
    /// flight between processes; at the second look it is the kernel's.
    pub(super) fn of(&self, inode: u32) -> Holding {
        if let Some(pids) = self.census.holders(inode) {
            return Holding::By(Arc::clone(pids));
        }
        match self.unfound.get(&inode) {
            Some(unfound) if unfound.is_open => Holding::Unknown,
            _ if self.blind().is_some() => Holding::Hidden,
            Some(unfound) if unfound.misses > 1 => Holding::Kernel,
            _ => Holding::None,
        }
    }

    /// Whether the first round is not over and left sockets without an answer: the next reading goes on
    /// where this one ended.
    pub(super) fn is_in_first_round(&self) -> bool {
        self.round.is_first && self.unfound.values().any(|unfound| unfound.is_open)
    }

    /// Why holders may be hidden.
    pub(super) fn blind(&self) -> Option<Blind> {
        if !self.is_readable {
            Some(Blind::NotPermitted)
        } else if self.census.has_refused() {
            Some(self.proc.refusal())
        } else {
            self.proc.blind()
        }
    }

    /// Removes processes that are no more. Whether that left a socket without a holder.
    pub(super) fn forget(&mut self, gone: &[Pid]) -> bool {
        let lost = gone.iter().map(|&pid| self.census.forget(pid));
        lost.fold(false, |is_any_lost, lost| is_any_lost | lost)
    }

    /// What was looked at since the last time that this was asked.
    pub(super) fn take_looks(&mut self) -> Looks {
        std::mem::take(&mut self.looks)
    }
}

impl Unfound {
    /// Nobody was found. The second look is at once, later ones after 1, 2, 4, … readings.
    fn miss(&mut self) {
        self.misses = self.misses.saturating_add(1);
        self.patience = match self.misses {
            1 => 0,
            misses => 1 << (misses - 2).min(16),
        };
    }
}

#[cfg(test)]
mod tests;
