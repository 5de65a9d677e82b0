//! Where a new socket is looked for, the likeliest places first.

use std::collections::HashSet;

use rustix::io;

use super::census::Record;
use super::proc::Proc;
use super::{Effort, Holders, Inodes};
use crate::model::{Pid, Protocol, Socket, State};

impl<P: Proc> Holders<P> {
    /// Looks for new sockets. Whether it came to an end.
    pub(super) fn search(
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
    fn may_have_more(&self, record: &Record<P::Activity>) -> bool {
        record.is_open() && !self.proc.has_rested(&record.activity)
    }
}
