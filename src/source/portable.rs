//! The socket table where netstat2 knows the processes by itself: macOS and Windows.

use super::{HiddenReason, OwnerPids, ScanStats, netstat};
use crate::model::{
    EphemeralPorts, Kinds, Moment, Pid, Problem, ProblemCode, Protocol, Socket, Text,
};

/// This machine's sockets and who holds them.
#[derive(Default)]
pub(super) struct Platform {
    /// Of the sockets of the last reading, in their order.
    owner_pids: Vec<OwnerPids>,
    /// The kinds of sockets that are asked for.
    kinds: Kinds,
}

fn not_listed(protocol: Protocol) -> Problem {
    let message = format!("{} sockets can't be listed on this system", protocol.name());
    Problem {
        brief: Text::new(&format!("{} not listed", protocol.as_str())),
        ..Problem::new(ProblemCode::NotListed, &message)
    }
}

impl Platform {
    /// Reads the table. How old connections are is not known here.
    pub(super) fn sockets(
        &mut self,
        _at: Moment,
        _ages: bool,
        problems: &mut Vec<Problem>,
    ) -> Vec<Socket> {
        let mut sockets = Vec::new();
        self.owner_pids.clear();
        let owner_pids = &mut self.owner_pids;
        let unreadable = netstat::read(|socket, info| {
            sockets.push(socket);
            owner_pids.push(OwnerPids::of(&info.associated_pids));
        });
        problems.extend(unreadable.into_iter().map(|unreadable| {
            let (part, reason) = (unreadable.part.name(), unreadable.reason);
            let message =
                format!("sockets of {part} can't be read ({reason}): their rows are missing");
            Problem::new(ProblemCode::TableUnreadable, &message)
        }));
        problems.extend(self.kinds.optional().iter().map(not_listed));
        sockets
    }

    /// Nothing but TCP and UDP can be read; what else is asked for is a problem of the snapshot.
    pub(super) const fn set_kinds(&mut self, kinds: Kinds) {
        self.kinds = kinds;
    }

    /// It is not known which ports outgoing connections get.
    #[expect(clippy::unused_self, reason = "as on Linux")]
    pub(super) const fn ephemeral(&mut self, _at: Moment) -> Option<EphemeralPorts> {
        None
    }

    /// Owners come with the table.
    #[expect(clippy::unused_self, reason = "as on Linux")]
    pub(super) const fn set_partial_owners_first(&mut self) {}

    /// Who holds each of the sockets of the last reading, in their order.
    pub(super) fn owner_pids(
        &mut self,
        _sockets: &[Socket],
        _at: Moment,
        _problems: &mut Vec<Problem>,
    ) -> Vec<OwnerPids> {
        self.owner_pids.clone()
    }

    /// The same: netstat2 finds them for all or for none.
    pub(super) fn requested_owner_pids(
        &mut self,
        sockets: &[Socket],
        _is_wanted: &[bool],
        at: Moment,
        problems: &mut Vec<Problem>,
    ) -> Vec<OwnerPids> {
        self.owner_pids(sockets, at, problems)
    }

    /// Every reading is whole.
    #[expect(clippy::unused_self, reason = "as on Linux")]
    pub(super) const fn has_unscanned_processes(&self) -> bool {
        false
    }

    /// It is not known what netstat2 looks at.
    #[expect(clippy::unused_self, reason = "as on Linux")]
    pub(super) const fn take_scan_stats(&mut self) -> ScanStats {
        ScanStats {
            processes: 0,
            descriptors: 0,
        }
    }

    /// This is not known here.
    pub(super) const fn hidden_reason(&self) -> Option<HiddenReason> {
        None
    }

    /// The next reading asks for the holders anew.
    pub(super) fn forget(&mut self, _gone: &[Pid]) -> bool {
        false
    }
}
