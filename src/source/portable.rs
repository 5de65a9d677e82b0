//! The socket table where netstat2 knows the processes by itself: macOS and Windows.

use std::collections::HashSet;
use std::sync::Arc;

use super::owners::owners;
use super::process::Processes;
use super::{HiddenReason, OwnerPids, ScanStats, excluded, netstat};
use crate::model::{
    Answered, Background, EphemeralPorts, Evidence, Gap, GapCode, Holder, Kinds, Limits, Moment,
    Pid, Problem, ProblemCode, Protocol, Socket, Text, UnixAddress, UnixEvidence,
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
            owner_pids.push(holding(&info.associated_pids));
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

/// Looks at ports, one at a time.
#[derive(Default)]
pub(super) struct PortPlatform {
    /// Who has the sockets of the last rows, in their order.
    owner_pids: Vec<OwnerPids>,
}

impl PortPlatform {
    /// No table tells of unix sockets.
    #[expect(clippy::unused_self, reason = "as on Linux")]
    pub(super) const fn unix_name(
        &mut self,
        _processes: &mut Processes,
        _name: &UnixAddress,
        _at: Moment,
    ) -> Option<UnixEvidence> {
        None
    }

    /// Nothing is known here of what is behind an owner.
    #[expect(clippy::unused_self, reason = "as on Linux")]
    pub(super) const fn backgrounds(
        &mut self,
        _processes: &mut Processes,
        _socket: &Socket,
    ) -> Vec<Background> {
        Vec::new()
    }

    /// The rows of the port. What the system's options and limits are is not known here.
    pub(super) fn rows(&mut self, protocol: Protocol, port: u16, at: Moment) -> Evidence {
        let (mut holders, mut gaps) = (Vec::new(), Vec::new());
        self.owner_pids.clear();
        let owner_pids = &mut self.owner_pids;
        let unreadable = netstat::read(|socket, info| {
            if socket.protocol == protocol && socket.local.port == port {
                holders.push(Holder::new(socket));
                owner_pids.push(holding(&info.associated_pids));
            }
        });
        for unreadable in unreadable {
            let (part, reason) = (unreadable.part.name(), unreadable.reason);
            let message = format!("sockets of {part} can't be read ({reason})");
            gaps.push(Gap::new(GapCode::Table, &message));
        }
        let message = "options of sockets can't be read on this system";
        gaps.push(Gap::new(GapCode::Options, message));
        Evidence {
            limits: Limits {
                excluded: excluded::ranges(protocol),
                ..Limits::default()
            },
            gaps,
            ..Evidence::new(at, holders)
        }
    }

    /// This system gives all rows or none: there is nothing to gain.
    #[expect(clippy::unused_self, reason = "as on Linux")]
    pub(super) fn survey(&mut self, _: Protocol) -> Option<HashSet<u16>> {
        None
    }

    /// Nothing is known of them here.
    pub(super) fn surroundings(
        &mut self,
        _: &mut Processes,
        (protocol, port): (Protocol, u16),
        at: Moment,
    ) -> Evidence {
        let mut evidence = self.rows(protocol, port, at);
        evidence.holders.clear();
        evidence
    }

    /// The same as the rows.
    pub(super) fn surveyed_rows(&mut self, protocol: Protocol, port: u16, at: Moment) -> Evidence {
        self.rows(protocol, port, at)
    }

    /// Adds the owners to rows that were just read.
    pub(super) fn explain(
        &mut self,
        evidence: &mut Evidence,
        processes: &mut Processes,
        _port: (Protocol, u16),
        _answered: Answered,
    ) {
        let owners = owners(&self.owner_pids, processes, evidence.taken_at);
        evidence.processes.extend(processes.all());
        for (holder, owner) in evidence.holders.iter_mut().zip(owners) {
            Arc::make_mut(&mut holder.socket).owner = owner;
        }
    }
}

/// Pid 0 stands for the system, or for nobody.
fn holding(pids: &[Pid]) -> OwnerPids {
    let mut pids: Vec<Pid> = pids.iter().copied().filter(|&pid| pid != 0).collect();
    pids.sort_unstable();
    pids.dedup();
    if pids.is_empty() {
        OwnerPids::None
    } else {
        OwnerPids::Known(pids.into())
    }
}
