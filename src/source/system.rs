//! This machine as a source: the table, the owners of its sockets, their processes, in this order.
//!
//! What differs between systems is behind [`Platform`]; here is what all of them share. Whatever
//! can't be read becomes a problem of the snapshot, with what to do about it.

use std::collections::{HashMap, HashSet};

#[cfg(target_os = "linux")]
use super::linux::Platform as ThisPlatform;
use super::meter::Meter;
use super::owners::{Owners, pids};
use super::platform::Platform;
#[cfg(not(target_os = "linux"))]
use super::portable::Portable as ThisPlatform;
use super::process::Processes;
use super::{HiddenReason, OwnerPids, Source, SourceError, peers};
use crate::model::{
    Kinds, Moment, Origin, Owner, Problem, ProblemCode, Protocol, RefreshTimings, Services,
    Snapshot, Socket, Text, counted,
};

/// Reads the sockets of this machine's current network namespace.
///
/// It keeps what it learned from one snapshot to the next, so a second one costs a fraction of the
/// first.
pub struct System {
    origin: Origin,
    platform: ThisPlatform,
    processes: Processes,
    owners: Owners,
    timings: RefreshTimings,
    kinds: Kinds,
    services: Services,
    /// Whether there was a snapshot that later ones are compared with.
    has_begun: bool,
}

impl Default for System {
    fn default() -> Self {
        Self::new()
    }
}

impl System {
    /// A source that has not read anything yet.
    pub fn new() -> Self {
        Self {
            origin: Origin::own(),
            platform: ThisPlatform::default(),
            processes: Processes::default(),
            owners: Owners::default(),
            timings: RefreshTimings::default(),
            kinds: Kinds::DEFAULT,
            services: Services::default(),
            has_begun: false,
        }
    }

    /// The same, reading these kinds of sockets, TCP and UDP in any case.
    #[must_use]
    pub fn with_kinds(mut self, kinds: Kinds) -> Self {
        self.set_kinds(kinds);
        self
    }

    /// The same with the user's names of services.
    #[must_use]
    pub fn with_services(self, services: Services) -> Self {
        Self { services, ..self }
    }

    /// Takes one snapshot that nothing is compared with. Where a socket seems to have no owner, it scans a
    /// second time: it may have been on its way from one process to another, and only then is it the
    /// kernel's. Its [timings](Source::timings) are those of both scans.
    ///
    /// # Errors
    ///
    /// Those of [`Source::take`].
    pub fn take_once(&mut self, at: Moment) -> Result<Snapshot, SourceError> {
        self.take_with_owners_of(at, |sockets| vec![true; sockets.len()])
    }

    /// The same with the owners of the `requested` sockets, which says that of each, in their order. The
    /// owners of others are [unknown](Owner::Unknown) where finding them would take time.
    ///
    /// # Errors
    ///
    /// Those of [`Source::take`].
    pub fn take_with_owners_of(
        &mut self,
        at: Moment,
        requested: impl Fn(&[Socket]) -> Vec<bool>,
    ) -> Result<Snapshot, SourceError> {
        let mut snapshot = self.read(at, Some(&requested));
        let lacks_owner = |(socket, is_requested): (&Socket, bool)| {
            let has_none = matches!(socket.owner, Owner::None | Owner::Unknown);
            is_requested && socket.inode.is_some() && has_none
        };
        let mut sockets = snapshot.sockets.iter().zip(requested(&snapshot.sockets));
        if sockets.any(lacks_owner) {
            let first = self.timings;
            snapshot = self.read(at, Some(&requested));
            self.timings = first + self.timings;
        }
        // No later snapshot has the names that come late: they are waited for.
        #[cfg(target_os = "linux")]
        super::users::rename_all(&mut snapshot, &self.processes.late_names());
        Ok(snapshot)
    }

    /// `requested`: whose owners are to be found for certain; `None` for those of all sockets, as many as one
    /// snapshot of a series can find.
    fn read(&mut self, at: Moment, requested: Option<&Requested<'_>>) -> Snapshot {
        let (mut problems, mut meter) = (Vec::new(), Meter::start());
        // A connection that opened since the first of a series is as old as its row.
        let ages = requested.is_some() || !std::mem::replace(&mut self.has_begun, true);
        let mut sockets = self.platform.sockets(at, ages, &mut problems);
        Socket::name_services(&mut sockets, &self.services);
        self.timings.dump = meter.lap();
        let is_requested = requested.map(|these| with_related(&sockets, these(&sockets)));
        let is_requested = is_requested.as_deref();
        let mut owner_pids = self.owner_pids(&sockets, is_requested, at, &mut problems);
        self.timings.owners = meter.lap();
        let ended = self.processes.refresh(&pids(&owner_pids), at);
        if !ended.is_empty() && self.platform.forget(&ended) {
            // A socket outlived the last process known to have it: another one has it.
            owner_pids = self.owner_pids(&sockets, is_requested, at, &mut Vec::new());
            self.processes.refresh(&pids(&owner_pids), at);
        }
        self.owners
            .assign(&mut sockets, &owner_pids, &self.processes);
        self.add_names(&mut sockets);
        self.timings.processes = meter.lap();
        let stats = self.platform.take_scan_stats();
        self.timings.searched = stats.processes;
        self.timings.files = stats.descriptors + self.processes.take_files();
        self.platform.set_partial_owners_first();
        let hidden = count_hidden(&sockets, is_requested);
        problems.extend(hidden_problem(
            hidden,
            self.platform.hidden_reason(),
            &problems,
        ));
        Snapshot {
            taken_at: at,
            kinds: self.kinds,
            sockets,
            processes: self.processes.all(),
            problems,
            ephemeral: self.platform.ephemeral(at),
        }
    }

    fn owner_pids(
        &mut self,
        sockets: &[Socket],
        is_requested: Option<&[bool]>,
        at: Moment,
        problems: &mut Vec<Problem>,
    ) -> Vec<OwnerPids> {
        let platform = &mut self.platform;
        match is_requested {
            None => platform.owner_pids(sockets, at, problems),
            Some(these) => platform.requested_owner_pids(sockets, these, at, problems),
        }
    }

    /// Adds the names of users, and of unix sockets what is at the other end.
    fn add_names(&mut self, sockets: &mut [Socket]) {
        if self.kinds.has(Protocol::Unix) {
            peers::name(sockets);
        }
        self.processes.users.name_sockets(sockets);
    }
}

/// Whether the owner of each socket is requested.
type Requested<'a> = dyn Fn(&[Socket]) -> Vec<bool> + 'a;

/// Which owners are needed to describe the requested sockets: of a listener, also those of the others on its port
/// (whether they are in conflict); of a socket that has no process yet, its listeners'; of a unix socket, that of its
/// peer.
fn with_related(sockets: &[Socket], mut is_requested: Vec<bool>) -> Vec<bool> {
    let port = |socket: &Socket| (socket.protocol, socket.local.port);
    let depends_on_port = |socket: &Socket| {
        socket.protocol.has_ports() && (socket.is_listening() || socket.inode.is_none())
    };
    let all = sockets.iter().zip(&is_requested);
    let requested = all.filter_map(|(socket, is_requested)| is_requested.then_some(socket));
    let ports = requested.clone().filter(|socket| depends_on_port(socket));
    let ports: HashSet<_> = ports.map(port).collect();
    let peer = |socket: &Socket| Some(socket.unix()?.peer.as_ref()?.inode);
    let peers: HashSet<u32> = requested.filter_map(peer).collect();
    for (socket, is_requested) in sockets.iter().zip(&mut is_requested) {
        *is_requested |= match socket.inode {
            Some(inode) if socket.unix().is_some() => peers.contains(&inode),
            _ => socket.is_listening() && ports.contains(&port(socket)),
        };
    }
    is_requested
}

impl Source for System {
    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn take(&mut self, at: Moment) -> Result<Snapshot, SourceError> {
        Ok(self.read(at, None))
    }

    fn take_without_owners(&mut self, at: Moment) -> Option<Snapshot> {
        self.platform.set_partial_owners_first();
        let (mut problems, mut meter) = (Vec::new(), Meter::start());
        let mut sockets = self.platform.sockets(at, true, &mut problems);
        for socket in sockets.iter_mut().filter(|socket| socket.inode.is_some()) {
            socket.owner = Owner::Unknown;
        }
        self.add_names(&mut sockets);
        self.timings = RefreshTimings {
            dump: meter.lap(),
            ..RefreshTimings::default()
        };
        Some(Snapshot {
            taken_at: at,
            kinds: self.kinds,
            sockets,
            processes: HashMap::new(),
            problems,
            ephemeral: self.platform.ephemeral(at),
        })
    }

    fn reset(&mut self) {
        let services = std::mem::take(&mut self.services);
        *self = Self::new().with_kinds(self.kinds).with_services(services);
    }

    fn set_kinds(&mut self, kinds: Kinds) -> bool {
        let kinds = kinds.and(Kinds::DEFAULT);
        let before = std::mem::replace(&mut self.kinds, kinds);
        self.platform.set_kinds(kinds);
        before != kinds
    }

    fn wants_immediate_retake(&self) -> bool {
        self.platform.has_unscanned_processes()
    }

    fn timings(&self) -> RefreshTimings {
        self.timings
    }
}

/// How many of the sockets, or of the requested ones, have a hidden owner.
fn count_hidden(sockets: &[Socket], is_requested: Option<&[bool]>) -> usize {
    let hidden = (0..).zip(sockets).filter(|&(at, socket): &(usize, _)| {
        let is_requested = is_requested.is_none_or(|these| these.get(at) == Some(&true));
        is_requested && socket.owner == Owner::Hidden
    });
    hidden.count()
}

/// A problem with the number of hidden owners and what would show them, unless the reason is that no process can be
/// read at all.
fn hidden_problem(
    count: usize,
    hidden_reason: Option<HiddenReason>,
    problems: &[Problem],
) -> Option<Problem> {
    let is_known = |problem: &Problem| problem.code == ProblemCode::ProcessesUnreadable;
    if count == 0 || problems.iter().any(is_known) {
        return None;
    }
    let (who, them) = match count {
        1 => ("the owner of 1 socket is".to_owned(), "it"),
        _ => (format!("owners of {count} sockets are"), "them"),
    };
    let owners = counted(count, "owner", "owners");
    let hidden_reason = hidden_reason.unwrap_or(HiddenReason::NotPermitted);
    let (remedy, brief) = (hidden_reason.describe(them), hidden_reason.brief());
    Some(Problem {
        code: ProblemCode::HiddenOwners,
        count: Some(count),
        message: Text::new(&format!("{who} {remedy}")),
        brief: Text::new(&format!("{owners} {brief}")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Endpoint, State};

    fn hidden(count: usize) -> Vec<Socket> {
        let local = Endpoint::new([127, 0, 0, 1].into(), 80);
        let mut socket = Socket::new(Protocol::Tcp, local, None, State::Listen);
        socket.owner = Owner::Hidden;
        vec![socket; count]
    }

    #[test]
    fn hidden_owners_that_were_not_requested_are_not_counted() {
        let wanted = [true, false, true, false];
        assert_eq!(count_hidden(&hidden(4), Some(&wanted)), 2);
        assert_eq!(count_hidden(&hidden(4), None), 4);
    }

    #[test]
    fn hidden_owners_are_counted_with_what_would_show_them() {
        let told = |count, hidden_reason| {
            let hidden = count_hidden(&hidden(count), None);
            let problem = hidden_problem(hidden, Some(hidden_reason), &[]);
            problem.map(|told| (told.message.to_string(), told.brief.to_string()))
        };
        let pair = |message: &str, brief: &str| Some((message.to_owned(), brief.to_owned()));
        assert_eq!(told(0, HiddenReason::NotPermitted), None);
        assert_eq!(
            told(1, HiddenReason::NotPermitted),
            pair(
                "the owner of 1 socket is hidden: run as root to see it",
                "1 owner hidden (run with sudo)"
            )
        );
        assert_eq!(
            told(2, HiddenReason::NotPermitted),
            pair(
                "owners of 2 sockets are hidden: run as root to see them",
                "2 owners hidden (run with sudo)"
            )
        );
        assert_eq!(
            told(2, HiddenReason::OtherNamespace),
            pair(
                "owners of 2 sockets are outside this pid namespace: run on the host to see them",
                "2 owners hidden (outside this container)"
            )
        );
        assert_eq!(
            told(1, HiddenReason::Forbidden),
            pair(
                "the owner of 1 socket is hidden even from root: a security module forbids reading it",
                "1 owner hidden by a security module"
            )
        );
    }
}
