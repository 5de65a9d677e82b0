//! This machine as a witness about one port: everything that explains why a bind succeeds or fails.

use std::collections::HashSet;

use super::process::Processes;
use crate::model::{
    Answered, Background, Evidence, Moment, Protocol, Socket, UnixAddress, UnixEvidence,
};

#[cfg(target_os = "linux")]
use super::linux::port::PortPlatform;
#[cfg(not(target_os = "linux"))]
use super::portable::PortPlatform;

/// Finds out what this machine can tell about a port. It reads only; the binds are made elsewhere.
///
/// What it learned of processes and control groups is kept, so asking about several ports costs less
/// than asking anew for each.
#[derive(Default)]
pub struct PortInspector {
    platform: PortPlatform,
    processes: Processes,
}

impl PortInspector {
    /// One that has not looked at anything yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What the table says of `port`, with the limits of the system: what a bind will meet. Neither
    /// owners nor options are known yet. `at` becomes its time. Takes about a millisecond.
    pub fn rows(&mut self, protocol: Protocol, port: u16, at: Moment) -> Evidence {
        self.platform.rows(protocol, port, at)
    }

    /// Finds out which ports of a protocol have rows at all, for [`Self::surveyed_rows`]; returns them.
    /// Takes about 10 ms, as the rows of a single port do. `None` where not all rows can be read.
    pub fn survey(&mut self, protocol: Protocol) -> Option<HashSet<u16>> {
        self.platform.survey(protocol)
    }

    /// The same as [`Self::rows`], but a port without a row in the last survey is not asked for again.
    pub fn surveyed_rows(&mut self, protocol: Protocol, port: u16, at: Moment) -> Evidence {
        self.platform.surveyed_rows(protocol, port, at)
    }

    /// What matters for a port outside this namespace's table: other namespaces, redirects, limits.
    pub fn surroundings(&mut self, protocol: Protocol, port: u16, at: Moment) -> Evidence {
        let processes = &mut self.processes;
        self.platform.surroundings(processes, (protocol, port), at)
    }

    /// What is behind each owner of a socket of this machine, by pid. Takes some milliseconds, more where
    /// systemd or a container engine has to be asked.
    pub fn backgrounds(&mut self, socket: &Socket) -> Vec<Background> {
        self.platform.backgrounds(&mut self.processes, socket)
    }

    /// What is known of the name of a unix socket, `at` being its time; `None` where this system tells nothing
    /// of them. Nothing is made or removed, and no server notices.
    pub fn unix_name(&mut self, name: &UnixAddress, at: Moment) -> Option<UnixEvidence> {
        self.platform.unix_name(&mut self.processes, name, at)
    }

    /// Adds to rows that were just read who has them, their options, and all else that can be found
    /// out about `port`; says of each whether it was still there. Takes some 10 ms on a machine with
    /// a few hundred processes, up to 100 ms with a thousand.
    ///
    /// Where the binds were refused the port's place in other network namespaces and in the packet
    /// filter is not looked at; where nothing explains that and the table is not whole, sockets that
    /// are in no table are looked for.
    pub fn explain(
        &mut self,
        evidence: &mut Evidence,
        protocol: Protocol,
        port: u16,
        answered: Answered,
    ) {
        let processes = &mut self.processes;
        let port = (protocol, port);
        self.platform.explain(evidence, processes, port, answered);
    }
}
