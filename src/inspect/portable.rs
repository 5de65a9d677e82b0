//! Ports as netstat2 lists them, owners included: macOS and Windows.

use std::collections::HashSet;
use std::sync::Arc;

use super::PortInspector;
use crate::model::{
    Answered, Background, Evidence, Gap, GapCode, Holder, Limits, Moment, Protocol, Socket,
    UnixAddress, UnixEvidence,
};
use crate::source::owners::owners;
use crate::source::process::Processes;
use crate::source::{OwnerPids, excluded, netstat};

/// Reads the table through netstat2.
#[derive(Default)]
pub(super) struct TableInspector {
    processes: Processes,
    /// The owners of the last rows, in their order.
    owner_pids: Vec<OwnerPids>,
}

impl PortInspector for TableInspector {
    /// The system's other options and limits are unknown.
    fn rows(&mut self, protocol: Protocol, port: u16, at: Moment) -> Evidence {
        let (mut holders, mut gaps) = (Vec::new(), Vec::new());
        self.owner_pids.clear();
        let owner_pids = &mut self.owner_pids;
        let unreadable = netstat::read(|socket, info| {
            if socket.protocol == protocol && socket.local.port == port {
                holders.push(Holder::new(socket));
                owner_pids.push(OwnerPids::of(&info.associated_pids));
            }
        });
        for (part, reason) in unreadable {
            let message = format!("sockets of {} can't be read ({reason})", part.name());
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

    /// The system returns all rows or none: a survey saves nothing.
    fn survey(&mut self, _: Protocol) -> Option<HashSet<u16>> {
        None
    }

    fn surveyed_rows(&mut self, protocol: Protocol, port: u16, at: Moment) -> Evidence {
        self.rows(protocol, port, at)
    }

    /// Other namespaces and redirects are unknown.
    fn traffic(&mut self, protocol: Protocol, port: u16, at: Moment) -> Evidence {
        let mut evidence = self.rows(protocol, port, at);
        evidence.holders.clear();
        evidence
    }

    fn backgrounds(&mut self, _: &Socket) -> Vec<Background> {
        Vec::new()
    }

    fn unix_name(&mut self, _: &UnixAddress, _: Moment) -> Option<UnixEvidence> {
        None
    }

    /// Adds the owners.
    fn explain(&mut self, evidence: &mut Evidence, _: Protocol, _: u16, _: Answered) {
        let owners = owners(&self.owner_pids, &mut self.processes, evidence.taken_at);
        evidence.processes.extend(self.processes.all());
        for (holder, owner) in evidence.holders.iter_mut().zip(owners) {
            Arc::make_mut(&mut holder.socket).owner = owner;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::clock::Clock;
    use crate::model::State;

    #[test]
    fn a_listener_is_a_row_of_its_port() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut inspector = TableInspector::default();
        let mut evidence = inspector.rows(Protocol::Tcp, port, Clock::start().now());
        let states: Vec<_> = evidence
            .holders
            .iter()
            .map(|one| one.socket.state)
            .collect();
        assert_eq!(states, [State::Listen]);
        inspector.explain(&mut evidence, Protocol::Tcp, port, Answered::Refused);
        assert_eq!(evidence.gaps.len(), 1, "{:?}", evidence.gaps);
        let around = inspector.traffic(Protocol::Tcp, port, Clock::start().now());
        assert_eq!(around.holders, []);
    }
}
