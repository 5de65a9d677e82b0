//! Reads the evidence about one port on Linux, in two steps.
//!
//! First the rows, from `sock_diag` and filtered by the kernel: they predict the binds. After the binds, the owners of
//! the sockets, their options, and other evidence, from `/proc`. Reading a descriptor keeps its socket open for a moment
//! (`/proc/PID/fd` refers to the open file while a link is read, `pidfd_getfd` does so longer), which delays a close.
//! Measured with a server that restarts 100,000 times without a pause: 27 starts failed during 42,000 such reads, none
//! without them. So owners are searched only for sockets that still exist in the second step: their server does not
//! restart all the time.

mod activation;
mod limits;
mod namespaces;
mod rows;
mod sockets;
mod unix_name;

use std::collections::{HashMap, HashSet};
use std::io;
use std::mem;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use self::namespaces::Namespaces;
use self::rows::Rows;
use super::PortInspector;
use crate::model::{
    Answered, Background, Evidence, Gap, GapCode, Holder, Inside, Limits, Moment, Protocol, Socket,
    UnixAddress, UnixEvidence,
};
use crate::source::linux::background::BackgroundReader;
use crate::source::linux::cgroup::Cgroups;
use crate::source::linux::netlink::SockDiag;
use crate::source::linux::owners::{joined, spawn};
use crate::source::linux::problems;
use crate::source::linux::redirects::{PacketFilter, sk_lookup};
use crate::source::process::Processes;
use crate::source::users::{rename, rename_socket};

/// Data that all ports share is reread after this time, not for each port of a range. A user who tests again to see a
/// change does so later than this.
const SHARED_FOR: Duration = Duration::from_millis(500);

#[derive(Default)]
pub(super) struct LinuxInspector {
    /// The network namespace of the threads that use it; `None` for that of this program.
    inside: Option<Arc<Inside>>,
    processes: Processes,
    diag: SockDiag,
    cgroups: Cgroups,
    /// The control group of each socket of the last rows, by inode.
    groups: HashMap<u32, u64>,
    traffic: Traffic,
    /// The ports that had rows, of each protocol that was surveyed.
    surveys: HashMap<Protocol, HashSet<u16>>,
    /// The limits for ports without rows, with what could not be read of them.
    limits: Option<(Moment, Limits, Vec<Gap>)>,
}

/// Redirects of the packets of a port.
#[derive(Default)]
struct Traffic {
    namespaces: Namespaces,
    filter: PacketFilter,
    /// What is unknown because of BPF programs.
    programs: Option<Vec<Gap>>,
    read_at: Option<Moment>,
}

impl PortInspector for LinuxInspector {
    fn rows(&mut self, protocol: Protocol, port: u16, at: Moment) -> Evidence {
        let rows = rows::read(&mut self.diag, protocol, port);
        self.evidence(limits::read(self.inside.as_ref()), rows, at)
    }

    fn survey(&mut self, protocol: Protocol) -> Option<HashSet<u16>> {
        let ports = rows::ports(&mut self.diag, protocol);
        self.surveys.remove(&protocol);
        let survey = ports.clone().map(|ports| (protocol, ports));
        self.surveys.extend(survey);
        ports
    }

    fn surveyed_rows(&mut self, protocol: Protocol, port: u16, at: Moment) -> Evidence {
        let surveyed = self.surveys.get(&protocol);
        if surveyed.is_none_or(|ports| ports.contains(&port)) {
            return self.rows(protocol, port, at);
        }
        let known = self.limits.take();
        let known = known.filter(|(read_at, ..)| read_at.age(at) < SHARED_FOR);
        let (read_at, limits, gaps) = known.unwrap_or_else(|| {
            let (limits, gaps) = limits::read(self.inside.as_ref());
            (at, limits, gaps)
        });
        self.limits = Some((read_at, limits.clone(), gaps.clone()));
        self.evidence((limits, gaps), Rows::default(), at)
    }

    fn traffic(&mut self, protocol: Protocol, port: u16, at: Moment) -> Evidence {
        let mut evidence = self.evidence(limits::read(self.inside.as_ref()), Rows::default(), at);
        self.explain(&mut evidence, protocol, port, Answered::Open);
        evidence
    }

    fn backgrounds(&mut self, socket: &Socket) -> Vec<Background> {
        let port = (socket.protocol, socket.local.port);
        BackgroundReader::new(&mut self.processes, port).of_socket(socket)
    }

    fn unix_name(&mut self, name: &UnixAddress, at: Moment) -> Option<UnixEvidence> {
        let mut evidence = unix_name::evidence(name, &mut self.processes, at);
        evidence.limits.inside.clone_from(&self.inside);
        Some(evidence)
    }

    fn explain(
        &mut self,
        evidence: &mut Evidence,
        protocol: Protocol,
        port: u16,
        answered: Answered,
    ) {
        let at = evidence.taken_at;
        let mut traffic = mem::take(&mut self.traffic);
        if traffic
            .read_at
            .is_none_or(|then| then.age(at) >= SHARED_FOR)
        {
            traffic = Traffic {
                read_at: Some(at),
                ..Traffic::default()
            };
        }
        let Traffic {
            namespaces,
            filter,
            programs,
            ..
        } = &mut traffic;
        let is_open = answered == Answered::Open;
        thread::scope(|scope| {
            // Redirects matter to the next server, too.
            let is_known = filter.is_known();
            let filter = Search::start(scope, is_known, || filter.redirects(protocol, port));
            let elsewhere = is_open.then(|| {
                let is_known = namespaces.are_known(protocol);
                Search::start(scope, is_known, || namespaces.sockets(protocol, port))
            });
            self.explain_rows(evidence, (protocol, port), answered, &mut || {});
            let gaps = &mut evidence.gaps;
            if is_open {
                let programs =
                    programs.get_or_insert_with(|| sk_lookup::gap().into_iter().collect());
                gaps.extend_from_slice(programs);
            }
            if let Some(search) = elsewhere {
                let code = GapCode::Namespaces;
                evidence.elsewhere = search.finish("other network namespaces", code, gaps);
            }
            evidence.redirects = filter.finish("packet redirects", GapCode::Redirects, gaps);
        });
        self.traffic = traffic;
        if !(evidence.redirects.is_empty() && evidence.elsewhere.is_empty()) {
            let mut reader = BackgroundReader::new(&mut self.processes, (protocol, port));
            evidence.redirect_targets = reader.targets(&evidence.redirects);
            reader.name_containers(&mut evidence.elsewhere);
        }
        self.add_late_facts(evidence);
        self.mark(&mut evidence.holders);
    }

    fn explain_sockets(
        &mut self,
        evidence: &mut Evidence,
        target: (Protocol, u16),
        answered: Answered,
        found: &mut dyn FnMut(),
    ) {
        self.explain_rows(evidence, target, answered, found);
        self.add_late_facts(evidence);
        self.mark(&mut evidence.holders);
    }
}

impl LinuxInspector {
    pub(super) fn of(inside: Option<Arc<Inside>>) -> Self {
        Self {
            inside,
            ..Self::default()
        }
    }

    /// Facts about processes and names of users that came after the records were made.
    fn add_late_facts(&mut self, evidence: &mut Evidence) {
        let facts = self.processes.late_facts();
        let names = self.processes.late_names();
        if facts.is_empty() && names.is_empty() {
            return;
        }
        for holder in &mut evidence.holders {
            let socket = Arc::make_mut(&mut holder.socket);
            socket.owner.update(&facts);
            rename_socket(socket, &names);
        }
        for process in facts {
            if let Some(known) = evidence.processes.get_mut(&process.pid) {
                *known = process;
            }
        }
        for process in evidence.processes.values_mut() {
            rename(process, &names);
        }
    }

    /// Gives sockets the namespace that they are in, if it is not that of this program.
    fn mark(&self, holders: &mut [Holder]) {
        let namespace = self.inside.as_ref().map(|inside| &inside.namespace);
        for holder in holders.iter_mut().filter(|_| namespace.is_some()) {
            let socket = Arc::make_mut(&mut holder.socket);
            socket.namespace = namespace.cloned();
        }
    }

    fn evidence(
        &mut self,
        (limits, mut gaps): (Limits, Vec<Gap>),
        mut rows: Rows,
        at: Moment,
    ) -> Evidence {
        self.mark(&mut rows.holders);
        gaps.extend(rows.gaps);
        self.groups = rows.groups;
        Evidence {
            limits,
            gaps,
            ..Evidence::new(at, rows.holders)
        }
    }
}

/// Results besides the table, and what could not be read.
type Found<T> = (Vec<T>, Vec<Gap>);

/// A search parallel to the one for owners: on a thread, unless cached for an earlier port.
enum Search<'scope, T> {
    Known(Found<T>),
    OnThread(io::Result<thread::ScopedJoinHandle<'scope, Found<T>>>),
}

impl<'scope, T: Send + 'scope> Search<'scope, T> {
    fn start(
        scope: &'scope thread::Scope<'scope, '_>,
        is_known: bool,
        search: impl FnOnce() -> Found<T> + Send + 'scope,
    ) -> Self {
        if is_known {
            Self::Known(search())
        } else {
            Self::OnThread(spawn(scope, search))
        }
    }

    /// Waits for the result. Without a thread there is no result: a search may enter other namespaces, which this
    /// thread must not do.
    fn finish(self, what: &str, code: GapCode, gaps: &mut Vec<Gap>) -> Vec<T> {
        let (found, more) = match self {
            Self::Known(found) => found,
            Self::OnThread(Ok(thread)) => joined(thread),
            Self::OnThread(Err(error)) => {
                let why = problems::errno_name(&error);
                let message =
                    format!("{what} were not looked at: no thread can be started ({why})");
                (Vec::new(), vec![Gap::new(code, &message)])
            }
        };
        gaps.extend(more);
        found
    }
}
