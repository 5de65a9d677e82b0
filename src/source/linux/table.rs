//! The table of TCP and UDP, in one pass from the kernel's dump to sockets.
//!
//! netstat2 reads the same dump but keeps only what other systems have too; here every row has its queues, its
//! interface, its control group and whether it is dual-stack, which would take a second dump. TCP takes one walk for
//! both families; if that fails, a dump for each; if these fail too, `/proc/net`, with fewer details; netstat2 is the
//! last fallback.
//!
//! Bound-only TCP sockets cost a second walk (2.5 of 11 ms with 10,250 sockets), so it may use 1 % of a core if there are
//! any, else 0.1 %. The kernel (since 6.8) has them in another hash table, which it walks as a whole although it is mostly
//! empty: programs rarely stop between bind and listen. On a quiet machine every snapshot reads them. With 10,000 sockets a
//! newly bound one is seen within three seconds, with more within five; known ones are up to date in every snapshot. A
//! single snapshot always has them. The kernel reads listeners first, so a socket that starts to listen at that moment is in
//! neither table. The next snapshot has it.

use std::collections::HashSet;
use std::num::NonZeroU64;
use std::time::Duration;

use nix::time::ClockId;

use super::cgroup::Cgroups;
use super::netlink::{Extras, SockDiag};
use super::placement::Placement;
use super::problems;
use super::reading::Reading;
use crate::model::{Counted, Counters, Moment, NamespaceId, Pid, Problem, Protocol, Socket};
use crate::source::netstat::Part;

/// After how many times their cost bound sockets are read again: while there are some, and while there are none.
const WHILE_SOME: u32 = 100;
const WHILE_NONE: u32 = 1000;

/// How many times longer a walk takes than they do.
const SHARE: u32 = 4;

/// They are read again after this time, whatever the cost.
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// Reads the table for one snapshot after another.
#[derive(Default)]
pub(super) struct Table {
    diag: SockDiag,
    /// The bound sockets that were last read, each with the control group that it was made in.
    bound: Vec<(Socket, u64)>,
    bound_due_at: Duration,
    cgroups: Cgroups,
    /// The control group that each row of the last snapshot was made in; 0 for none.
    groups: Vec<u64>,
    /// The counters of the last snapshot, until they are taken.
    counters: Vec<Counted>,
}

impl Table {
    /// Every socket with all data except its owners; `extras`: what else to read of them. `others` returns the sockets of
    /// other namespaces, which come last, with the control group that each was made in. A failed read becomes a problem.
    pub(super) fn read(
        &mut self,
        at: Moment,
        extras: Extras,
        problems: &mut Vec<Problem>,
        others: impl FnOnce() -> (Vec<Socket>, Vec<u64>),
    ) -> Vec<Socket> {
        let mut reading = Reading::with_capacity(self.groups.len() + 64);
        let (bound, began) = (at.steady >= self.bound_due_at, processor_time());
        let is_complete = reading.add_tcp(Extras { bound, ..extras }, &mut self.diag);
        if bound && is_complete {
            let took = processor_time().saturating_sub(began);
            self.bound = reading.take_bound();
            let times = if self.bound.is_empty() {
                WHILE_NONE
            } else {
                WHILE_SOME
            };
            self.bound_due_at = at.steady + (took / SHARE * times).min(MAX_PAUSE);
        }
        for part in Part::of(Protocol::Udp) {
            reading.add(part, extras, &mut self.diag);
        }
        reading.add_bound(&mut self.bound);
        let mut sockets = reading.sockets;
        self.groups = reading.groups;
        if extras.counters {
            let own = reading.counters.into_iter();
            let own = own.map(|counted| of_namespace(NamespaceId::OWN, counted));
            self.counters = own.collect();
        }
        let (others, groups) = others();
        sockets.extend(others);
        self.groups.extend(groups);
        problems.extend(reading.troubles.problems());
        problems.extend(self.place(&mut sockets, at));
        sockets
    }

    /// The counters of the last snapshot in our own namespace, if they were requested.
    pub(super) fn take_counters(&mut self) -> Vec<Counted> {
        std::mem::take(&mut self.counters)
    }

    /// The processes in the control groups that these rows of the last snapshot were made in.
    pub(super) fn members<'a>(
        &'a self,
        rows: impl Iterator<Item = usize> + 'a,
    ) -> impl Iterator<Item = Pid> + 'a {
        let groups = rows.filter_map(|row| self.groups.get(row).copied());
        let groups: HashSet<u64> = groups.collect();
        groups.into_iter().flat_map(|id| self.cgroups.members(id))
    }

    /// Adds the unit or container that each row was made in; a problem says how many are not known yet. Rows of one group
    /// mostly come one after the other.
    fn place(&mut self, sockets: &mut [Socket], at: Moment) -> Option<Problem> {
        let groups = self.groups.iter().copied().filter(|&id| id != 0);
        self.cgroups.resolve(groups.clone(), at);
        let mut last: (u64, Option<&Placement>) = (0, None);
        for (socket, &group) in sockets.iter_mut().zip(&self.groups) {
            if group != last.0 {
                last = (group, self.cgroups.placement(group));
            }
            if let Some(place) = last.1 {
                socket.unit.clone_from(&place.unit);
                socket.container.clone_from(&place.container);
            }
        }
        let missing = groups.filter(|&id| self.cgroups.is_pending(id));
        problems::groups(missing.count())
    }
}

/// The counters of a socket of this namespace.
pub(super) const fn of_namespace(
    namespace: NamespaceId,
    (cookie, counters): (NonZeroU64, Counters),
) -> Counted {
    Counted {
        namespace,
        cookie,
        counters,
    }
}

/// The processor time that this thread has used.
fn processor_time() -> Duration {
    let time = ClockId::CLOCK_THREAD_CPUTIME_ID.now();
    time.map_or(Duration::ZERO, Duration::from)
}
