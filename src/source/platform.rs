//! What a system has to know to be a source: its sockets, and the pids of their owners.
//!
//! Every system's implementation is of this shape, and what a system can't know has a default.

use super::{HiddenReason, OwnerPids, ScanStats};
use crate::model::{EphemeralPorts, Kinds, Moment, Pid, Problem, Socket};

pub(crate) trait Platform {
    /// Reads the table and everything about its sockets except their owners. With `ages`, how old connections are.
    fn sockets(&mut self, at: Moment, ages: bool, problems: &mut Vec<Problem>) -> Vec<Socket>;

    /// Reads these kinds of sockets from now on, TCP and UDP in any case.
    fn set_kinds(&mut self, kinds: Kinds);

    /// The owners of each socket of the last table, in its order. The first time all are found, unless partial
    /// owners are wanted first; later as many as one snapshot of a series can find.
    fn owner_pids(
        &mut self,
        sockets: &[Socket],
        at: Moment,
        problems: &mut Vec<Problem>,
    ) -> Vec<OwnerPids>;

    /// The owners of the requested sockets, all that can be found; for the others those that are known.
    fn requested_owner_pids(
        &mut self,
        sockets: &[Socket],
        _is_requested: &[bool],
        at: Moment,
        problems: &mut Vec<Problem>,
    ) -> Vec<OwnerPids> {
        self.owner_pids(sockets, at, problems)
    }

    /// The ports that outgoing connections get.
    fn ephemeral(&mut self, _at: Moment) -> Option<EphemeralPorts> {
        None
    }

    /// The table is shown without waiting for owners: later snapshots complete them.
    fn set_partial_owners_first(&mut self) {}

    /// Whether the next snapshot, taken at once, would find more owners.
    fn has_unscanned_processes(&self) -> bool {
        false
    }

    /// The cost of finding owners since the last call.
    fn take_scan_stats(&mut self) -> ScanStats {
        ScanStats::default()
    }

    /// Why owners may be hidden, by the last scan.
    fn hidden_reason(&self) -> Option<HiddenReason> {
        None
    }

    /// Forgets processes that have ended. Whether a socket lost its last owner by that, so that it is worth looking
    /// for another.
    fn forget(&mut self, _ended: &[Pid]) -> bool {
        false
    }
}
