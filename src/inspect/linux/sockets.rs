//! The owners of a port's sockets, with options and background.

use std::collections::HashSet;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rustix::io::Errno;

use super::{LinuxInspector, activation, rows};
use crate::model::{
    AcceptQueue, Answered, Evidence, Fill, Gap, GapCode, Holder, Protocol, Socket, State,
};
use crate::source::OwnerPids;
use crate::source::linux::background::BackgroundReader;
use crate::source::linux::owners::{Hints, Owners, accept_queue, options};
use crate::source::linux::problems;
use crate::source::owners::owners;

/// The most sockets to read options of, listeners and bound sockets first.
const MAX_OPTIONS: usize = 64;

/// The time between two readings of a full accept queue.
const QUEUE_INTERVAL: Duration = Duration::from_millis(100);

impl LinuxInspector {
    pub(super) fn explain_rows(
        &mut self,
        evidence: &mut Evidence,
        (protocol, port): (Protocol, u16),
        answered: Answered,
        found: &mut dyn FnMut(),
    ) {
        let mut inodes = evidence.holders.iter().map(|one| one.socket.inode);
        let mut listed = HashSet::new();
        if inodes.any(|inode| inode.is_some()) || answered == Answered::Unexplained {
            listed = rows::inodes(&mut self.diag, protocol, port);
        }
        for holder in &mut evidence.holders {
            let inode = holder.socket.inode;
            holder.is_still_open = inode.is_none_or(|inode| listed.contains(&inode));
        }
        self.add_owners(evidence, (protocol, port));
        found();
        self.check_accept_queues(evidence, (protocol, port));
        let is_relevant = |holder: &&mut Holder| {
            holder.is_still_open
                && (answered != Answered::Open || holder.socket.blocks_other_binds())
        };
        let holders: Vec<_> = evidence.holders.iter_mut().filter(is_relevant).collect();
        if !holders.is_empty() {
            BackgroundReader::new(&mut self.processes, (protocol, port)).add_to(holders);
        }
        if answered == Answered::Unexplained && evidence.may_lack_rows() {
            // If `/proc` can't be read, that is a gap of the owners.
            let found = options::unlisted(protocol, port, &listed).unwrap_or_default();
            let pids = found.iter().map(|one| one.pids.as_slice().into());
            let owner_pids: Vec<_> = pids.map(OwnerPids::Known).collect();
            let owners = owners(&owner_pids, &mut self.processes, evidence.taken_at);
            evidence.processes.extend(self.processes.all());
            for (mut one, owner) in found.into_iter().zip(owners) {
                Arc::make_mut(&mut one.holder.socket).owner = owner;
                evidence.holders.push(one.holder);
            }
        }
    }

    /// Finds the owners of the sockets that are still open, and data derived from them.
    fn add_owners(&mut self, evidence: &mut Evidence, (protocol, port): (Protocol, u16)) {
        let at = evidence.taken_at;
        let groups: HashSet<u64> = self.groups.values().copied().collect();
        self.cgroups.resolve(groups.iter().copied(), at);
        if groups.iter().any(|&id| self.cgroups.is_pending(id)) {
            let message = format!(
                "which units or containers some owners are in is not known: {}",
                problems::MANY_GROUPS
            );
            evidence.gaps.push(Gap::new(GapCode::Owners, &message));
        }
        let holders = &mut evidence.holders;
        let members = groups.iter().flat_map(|&id| self.cgroups.members(id));
        let hints = Hints {
            pids: members.collect(),
            uids: holders.iter().filter_map(|one| one.socket.uid).collect(),
        };
        let open = holders.iter().filter(|holder| holder.is_still_open);
        let open: HashSet<u32> = open.filter_map(|holder| holder.socket.inode).collect();
        let found = Owners::find(&open, &hints, &mut evidence.gaps);
        if open.iter().any(|&inode| found.is_ownerless(inode)) {
            // A socket that was closed during the search has no owner, and does not belong to the kernel.
            let listed = rows::inodes(&mut self.diag, protocol, port);
            for holder in holders.iter_mut() {
                let ownerless = holder.socket.inode.filter(|&one| found.is_ownerless(one));
                holder.is_still_open &= ownerless.is_none_or(|inode| listed.contains(&inode));
            }
        }
        let sockets: Vec<Socket> = holders.iter().map(|one| (*one.socket).clone()).collect();
        let pids = |holder: &Holder| {
            let open = Some(&holder.socket).filter(|_| holder.is_still_open);
            open.map_or(OwnerPids::None, |socket| found.of(socket))
        };
        let mut owner_pids: Vec<_> = holders.iter().map(pids).collect();
        accept_queue::assign(&sockets, &mut owner_pids);
        let owners = owners(&owner_pids, &mut self.processes, at);
        evidence.processes.extend(self.processes.all());
        let owned = sockets.into_iter().zip(owners);
        for ((mut socket, owner), holder) in owned.zip(holders.iter_mut()) {
            socket.owner = owner;
            socket.user = socket.uid.and_then(|uid| self.processes.users.name(uid));
            self.add_placement(&mut socket, holder);
            holder.found_in = found.place(&socket);
            holder.activation = activation::of(&socket);
            holder.socket = Arc::new(socket);
        }
        add_options(holders, &found, &mut evidence.gaps);
    }

    /// Adds the unit or container in which a socket was created.
    fn add_placement(&self, socket: &mut Socket, holder: &mut Holder) {
        let group = socket.inode.and_then(|inode| self.groups.get(&inode));
        let Some(&group) = group else { return };
        holder.is_user_unit = self.cgroups.is_of_user_manager(group);
        if let Some(placement) = self.cgroups.placement(group) {
            socket.unit.clone_from(&placement.unit);
            socket.container.clone_from(&placement.container);
        }
    }

    /// Reads full accept queues again: whether anything was accepted meanwhile.
    fn check_accept_queues(&mut self, evidence: &mut Evidence, (protocol, port): (Protocol, u16)) {
        let is_full = |holder: &Holder| {
            let queue = AcceptQueue::of(&holder.socket);
            queue.is_some_and(|queue| queue.fill() == Fill::Full)
        };
        if !evidence.holders.iter().any(is_full) {
            return;
        }
        // A connection that waits to be accepted has no inode yet.
        let waiting = |holders: &[Holder]| -> HashSet<_> {
            let sockets = holders.iter().map(|holder| &holder.socket);
            let waiting =
                sockets.filter(|one| one.state == State::Established && one.inode.is_none());
            waiting.map(|one| (one.local, one.remote)).collect()
        };
        thread::sleep(QUEUE_INTERVAL);
        let before = waiting(&evidence.holders);
        let after = waiting(&rows::read(&mut self.diag, protocol, port).holders);
        // A dump is not atomic: it may lack the connections of a listener.
        let has_stalled = (!before.is_empty()).then(|| before.is_subset(&after));
        for holder in evidence.holders.iter_mut().filter(|holder| is_full(holder)) {
            holder.has_stalled = has_stalled;
        }
    }
}

/// Reads the options of sockets, those of listeners and bound ones first.
fn add_options(holders: &mut [Holder], found: &Owners, gaps: &mut Vec<Gap>) {
    let mut is_refused = false;
    for holder in holders.iter_mut().take(MAX_OPTIONS) {
        let inode = holder.socket.inode;
        let Some((inode, descriptor)) = inode.and_then(|one| Some((one, found.descriptor(one)?)))
        else {
            continue;
        };
        match options::read(inode, descriptor) {
            Ok(read) => {
                holder.options = Some(read.options);
                holder.v6only = holder.v6only.or(read.v6only);
            }
            // It was closed meanwhile.
            Err(Errno::NOENT | Errno::SRCH | Errno::BADF) => {}
            Err(_) => is_refused = true,
        }
    }
    if is_refused {
        let message =
            "options of sockets of other processes can't be read: it takes CAP_SYS_PTRACE";
        gaps.push(Gap::new(GapCode::Options, message));
    }
}
