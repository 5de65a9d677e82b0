//! What each operating system implements: reading its sockets and the pids of their owners.
//!
//! Functions that a system can't support have a default.

use super::{HiddenReason, OwnerPids};
use crate::model::{
    ClosedSocket, Counted, EphemeralPorts, Kinds, LostCloses, Moment, NamespaceId, Pid, Problem,
    RefreshTimings, Socket,
};

pub(crate) trait Platform {
    /// Reads the table and everything about its sockets except their owners. `ages`: also reads how old connections
    /// are.
    fn sockets(&mut self, at: Moment, ages: bool, problems: &mut Vec<Problem>) -> Vec<Socket>;

    /// Sets the kinds of sockets to read, besides TCP and UDP.
    fn set_kinds(&mut self, kinds: Kinds);

    /// Reads the counters of sockets from now on, or no longer.
    fn set_counters(&mut self, _has_counters: bool) {}

    /// The counters of the last table, if they are read.
    fn take_counters(&mut self) -> Vec<Counted> {
        Vec::new()
    }

    /// The owners of each socket of the last table, in its order. The first call finds all, unless partial owners are
    /// wanted first; later calls find as many as their budget allows.
    fn owner_pids(
        &mut self,
        sockets: &[Socket],
        at: Moment,
        problems: &mut Vec<Problem>,
    ) -> Vec<OwnerPids>;

    /// All owners of the requested sockets that can be found; for other sockets, the owners already known.
    fn requested_owner_pids(
        &mut self,
        sockets: &[Socket],
        _is_requested: &[bool],
        at: Moment,
        problems: &mut Vec<Problem>,
    ) -> Vec<OwnerPids> {
        self.owner_pids(sockets, at, problems)
    }

    /// The port range for outgoing connections.
    fn ephemeral(&mut self, _at: Moment) -> Option<EphemeralPorts> {
        None
    }

    /// Reads the sockets of other network namespaces, too, from now on.
    fn set_all_namespaces(&mut self) {}

    /// The namespaces that the last table has for the first time although they existed before.
    fn take_late_namespaces(&mut self) -> Vec<NamespaceId> {
        Vec::new()
    }

    /// Has the closed sockets in later snapshots, as far as the system reports them.
    fn set_closes(&mut self, _is_on: bool) {}

    /// Traces which processes open and close sockets. Returns why that is impossible.
    fn start_trace(&mut self) -> Result<(), String> {
        Err("processes can be traced on Linux only".to_owned())
    }

    /// How often the trace lost events since the last call.
    fn take_trace_losses(&mut self) -> u64 {
        0
    }

    /// Removes the closed sockets so far, before a table is read.
    fn drain_closed(&mut self) {}

    /// The closed sockets that were removed, given the table that was read then, at `at`.
    fn take_closed(&mut self, _dump: &[Socket], _at: Moment) -> (Vec<ClosedSocket>, LostCloses) {
        (Vec::new(), LostCloses::default())
    }

    /// Adds what depends on the owners: the ports that they publish, rows for ports that have no socket, names of containers.
    fn describe(&mut self, _sockets: &mut Vec<Socket>, _at: Moment) {}

    /// Whether the last search for owners came across another namespace, which the next table has.
    fn take_has_new_namespaces(&mut self) -> bool {
        false
    }

    /// What could not be read of other namespaces, given the number of sockets there with a hidden owner.
    fn namespace_problem(&self, _hidden_owners: usize) -> Option<Problem> {
        None
    }

    /// The table is shown without waiting for owners: later snapshots complete them.
    fn set_partial_owners_first(&mut self) {}

    /// Whether the next snapshot, taken at once, would find more owners.
    fn has_unscanned_processes(&self) -> bool {
        false
    }

    /// How much was read to find owners since the last call.
    fn take_scan_stats(&mut self) -> RefreshTimings {
        RefreshTimings::default()
    }

    /// Why owners may be hidden, from the last scan.
    fn hidden_reason(&self) -> Option<HiddenReason> {
        None
    }

    /// Removes processes that have ended. Returns whether a socket lost its last owner, so another search is
    /// worthwhile.
    fn forget(&mut self, _ended: &[Pid]) -> bool {
        false
    }
}
