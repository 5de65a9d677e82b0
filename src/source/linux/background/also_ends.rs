//! Lists what else stops if a process ends: its other ports, and dependent apps.

use std::collections::HashMap;

use super::facts::{self, Facts, serving};
use crate::model::{AlsoEnds, AlsoEndsKind, Pid, Protocol, Supervisor, SupervisorKind};
use crate::source::linux::netlink::{DumpRequest, InetRow, SockDiag};
use crate::source::linux::scan;
use crate::source::netstat::Part;

/// The ports of unconnected sockets in our network namespace, by inode.
pub(super) struct WaitingPorts(HashMap<u32, (Protocol, u16)>);

impl WaitingPorts {
    pub(super) fn read() -> Self {
        let (mut diag, mut rows) = (SockDiag::default(), Vec::new());
        for part in Part::of(Protocol::Tcp).chain(Part::of(Protocol::Udp)) {
            let _ = diag.dump(DumpRequest::Waiting(part), &mut rows);
        }
        let waiting = rows.iter().filter(|row| row.remote.is_none());
        let port = |row: &InetRow| Some((row.inode?, (row.protocol, row.local.port)));
        Self(waiting.filter_map(port).collect())
    }

    /// The other ports of a process.
    pub(super) fn others(&self, pid: Pid, own: (Protocol, u16)) -> Vec<AlsoEnds> {
        let mut ports = Vec::new();
        if let Ok(proc) = scan::open_proc() {
            let _ = scan::visit_sockets(&proc, &format!("{pid}/fd"), |_, inode| {
                ports.extend(self.0.get(&inode).filter(|port| **port != own));
            });
        }
        ports.sort_unstable();
        ports.dedup();
        let name = |(protocol, port): &(Protocol, u16)| format!("{port}/{}", protocol.as_str());
        let names = ports.iter().map(name);
        names
            .map(|name| AlsoEnds::new(AlsoEndsKind::Port, &name))
            .collect()
    }
}

/// The other apps of foreman and similar tools, which all end when one ends.
pub(super) fn other_apps(supervisor: Option<&Supervisor>, line: &[Facts]) -> Vec<AlsoEnds> {
    let foreman = supervisor.filter(|one| one.kind == SupervisorKind::Foreman);
    let children = foreman.and_then(|one| one.pid).map(facts::children_of);
    let others = children.into_iter().flatten();
    let others = others.filter(|pid| line.iter().all(|own| own.pid != *pid));
    let app = |pid| {
        let app = serving(pid)?;
        let name = format!("{} ({})", app.name, app.pid);
        Some(AlsoEnds::new(AlsoEndsKind::Process, &name))
    };
    others.filter_map(app).collect()
}
