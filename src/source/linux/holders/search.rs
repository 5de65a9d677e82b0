//! Where a new socket is looked for, the likeliest places first.

use std::collections::HashSet;

use rustix::io;

use super::census::Record;
use super::proc::Proc;
use super::{Effort, Holders, Inodes};
use crate::model::{Pid, Protocol, Socket, State};

impl<P: Proc> Holders<P> {
    /// Looks for new sockets. Whether it came to an end.
    ///
    /// First in those that listen on the port of a new connection; then in all processes that are new, as
    /// they have little and a new listener is mostly theirs, and in the parents of those that have one;
    /// then in those that have sockets, then in the others. One that is so large that a look would go into
    /// debt waits until the end: otherwise it would take all there is at every reading, as long as it
    /// runs, and what others have would never be found.
    pub(super) fn search(
        &mut self,
        sockets: &[Socket],
        wanted: &mut Inodes,
        effort: Effort,
    ) -> io::Result<bool> {
        let (near, _) = self.affordable(self.on_the_port(sockets, wanted), effort);
        let is_over = self.look_in_turn(&near, wanted, effort);
        if wanted.is_empty() || !is_over {
            return Ok(is_over);
        }
        self.proc.open()?;
        let all = self.proc.pids()?;
        let (mut new, known): (Vec<Pid>, Vec<Pid>) = all
            .into_iter()
            .partition(|&pid| self.census.get(pid).is_none());
        // The youngest before all.
        new.sort_unstable_by(|one, other| other.cmp(one));
        let parents = self.look_at_new(&new, wanted, effort);
        let (parents, _) = self.affordable(parents, effort);
        for pid in parents {
            self.look_and_pay(pid, wanted);
        }
        let (mut small, large) = self.affordable(known, effort);
        small.retain(|pid| !near.contains(pid));
        small.extend(large);
        Ok(self.look_in_turn(&small, wanted, effort))
    }

    /// Looks at all processes that are new, whether or not everything is found: what one has, its siblings
    /// and its parent mostly have too. Returns the parents of those that have something that was wanted.
    fn look_at_new(&mut self, new: &[Pid], wanted: &mut Inodes, effort: Effort) -> Vec<Pid> {
        let sought = wanted.clone();
        let mut parents = Vec::new();
        for &pid in new {
            if !self.can_go_on(effort) {
                break;
            }
            self.look_and_pay(pid, wanted);
            if self.census.get(pid).is_some_and(|one| one.has_any(&sought)) {
                parents.extend(self.proc.parent(pid));
            }
        }
        parents.sort_unstable();
        parents.dedup();
        parents
    }

    /// Those of these processes that may have what is wanted: first those that can be looked at without
    /// going into debt, those with sockets before the others; apart from them the larger ones. The fewest
    /// descriptors first.
    fn affordable(&self, mut pids: Vec<Pid>, effort: Effort) -> (Vec<Pid>, Vec<Pid>) {
        pids.retain(|&pid| {
            let record = self.census.get(pid);
            record.is_some_and(|record| self.may_have_more(record, effort))
        });
        let has_none = |pid| !self.census.get(pid).is_some_and(Record::has_sockets);
        let left = self.search.left();
        let (mut small, mut large): (Vec<Pid>, Vec<Pid>) =
            pids.into_iter().partition(|&pid| self.size(pid) < left);
        small.sort_unstable_by_key(|&pid| (has_none(pid), self.size(pid), pid));
        large.sort_unstable_by_key(|&pid| (self.size(pid), pid));
        (small, large)
    }

    /// How many descriptors a process had at its last look.
    fn size(&self, pid: Pid) -> u64 {
        self.census.get(pid).map_or(0, |record| record.descriptors)
    }

    /// Looks at these until everything is found; whether it came to an end.
    fn look_in_turn(&mut self, pids: &[Pid], wanted: &mut Inodes, effort: Effort) -> bool {
        for &pid in pids {
            if wanted.is_empty() {
                return true;
            }
            if !self.can_go_on(effort) {
                return false;
            }
            self.look_and_pay(pid, wanted);
        }
        true
    }

    const fn can_go_on(&self, effort: Effort) -> bool {
        matches!(effort, Effort::Whole) || !self.search.is_empty()
    }

    fn look_and_pay(&mut self, pid: Pid, wanted: &mut Inodes) {
        let looked_at = self.look(pid, wanted);
        self.search.pay(looked_at);
    }

    /// Who listens on a port on which something is wanted.
    fn on_the_port(&self, sockets: &[Socket], wanted: &Inodes) -> Vec<Pid> {
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
        let inodes = listeners.filter_map(|socket| socket.inode);
        let holders = inodes.filter_map(|inode| self.census.holders(inode));
        let mut pids: Vec<Pid> = holders.flat_map(|pids| pids.iter().copied()).collect();
        pids.sort_unstable();
        pids.dedup();
        pids
    }

    /// Whether a process may have got descriptors since it was looked at, and may be looked at. A reading
    /// that stands for itself trusts no clock: one that runs on another processor is told a tick late.
    fn may_have_more(&self, record: &Record<P::CpuClock>, effort: Effort) -> bool {
        record.is_open() && (effort == Effort::Whole || !self.proc.has_rested(&record.activity))
    }
}
