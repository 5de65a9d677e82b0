//! This machine as a source: the table, the details, the holders, their processes, in this order.
//!
//! What differs between systems is behind `Platform`; here is what all of them share. Whatever
//! can't be read becomes a problem of the snapshot, with what to do about it.

use std::collections::{HashMap, HashSet};

#[cfg(target_os = "linux")]
use super::linux::Platform;
use super::meter::Meter;
use super::owners::{Owners, pids};
#[cfg(not(target_os = "linux"))]
use super::portable::Platform;
use super::process::Processes;
#[cfg(target_os = "linux")]
use super::users::{rename, rename_socket};
use super::{HiddenReason, OwnerPids, Source, SourceError, peers};
use crate::model::{
    Kinds, Moment, Origin, Owner, Problem, ProblemCode, Protocol, RefreshTimings, Snapshot, Socket,
    Text, counted,
};

/// Reads the sockets of this machine's current network namespace.
///
/// It keeps what it learned from one reading to the next, so a second one costs a fraction of the
/// first.
pub struct System {
    origin: Origin,
    platform: Platform,
    processes: Processes,
    owners: Owners,
    cost: RefreshTimings,
    kinds: Kinds,
    /// Whether there was a reading that later ones are compared with.
    has_begun: bool,
}

impl Default for System {
    fn default() -> Self {
        Self::new()
    }
}

impl System {
    /// A source that has not looked at anything yet.
    pub fn new() -> Self {
        Self {
            origin: Origin::own(),
            platform: Platform::default(),
            processes: Processes::default(),
            owners: Owners::default(),
            cost: RefreshTimings::default(),
            kinds: Kinds::DEFAULT,
            has_begun: false,
        }
    }

    /// The same, reading these kinds of sockets, TCP and UDP in any case.
    #[must_use]
    pub fn with_kinds(mut self, kinds: Kinds) -> Self {
        self.set_kinds(kinds);
        self
    }

    /// Takes one reading that stands for itself. Where nobody was found to have a socket, it looks a
    /// second time: it may have been on its way from one process to another, and only then is it the
    /// kernel's. Its [cost](Source::cost) is that of both looks.
    ///
    /// # Errors
    ///
    /// Those of [`Source::take`].
    pub fn take_once(&mut self, at: Moment) -> Result<Snapshot, SourceError> {
        self.take_with_owners_of(at, |sockets| vec![true; sockets.len()])
    }

    /// The same with the owners of those sockets that are `wanted`: it says that of each, in their
    /// order. The owners of others are [unknown](Owner::Unknown) where finding them would take time.
    ///
    /// # Errors
    ///
    /// Those of [`Source::take`].
    pub fn take_with_owners_of(
        &mut self,
        at: Moment,
        wanted: impl Fn(&[Socket]) -> Vec<bool>,
    ) -> Result<Snapshot, SourceError> {
        let first = self.read(at, Wanted::Those(&wanted));
        let is_open = |(socket, is_wanted): (&Socket, bool)| {
            let is_without_owner = matches!(socket.owner, Owner::None | Owner::Unknown);
            is_wanted && socket.inode.is_some() && is_without_owner
        };
        let mut with_wanted = first.sockets.iter().zip(wanted(&first.sockets));
        let mut snapshot = if with_wanted.any(is_open) {
            let cost = self.cost;
            let second = self.read(at, Wanted::Those(&wanted));
            self.cost = cost + self.cost;
            second
        } else {
            first
        };
        self.name_late(&mut snapshot);
        Ok(snapshot)
    }

    /// There is no later reading for names that come late: a moment is spent on them.
    #[cfg(target_os = "linux")]
    fn name_late(&mut self, snapshot: &mut Snapshot) {
        let names = self.processes.late_names();
        if names.is_empty() {
            return;
        }
        for socket in &mut snapshot.sockets {
            rename_socket(socket, &names);
        }
        for process in snapshot.processes.values_mut() {
            rename(process, &names);
        }
    }

    /// Names are known at once or not at all.
    #[cfg(not(target_os = "linux"))]
    #[expect(clippy::unused_self, reason = "as on Linux")]
    const fn name_late(&mut self, _: &mut Snapshot) {}

    fn read(&mut self, at: Moment, wanted: Wanted<'_>) -> Snapshot {
        let (mut problems, mut meter) = (Vec::new(), Meter::start());
        // What opened since the first of many is as old as its row.
        let ages = match wanted {
            Wanted::All => !std::mem::replace(&mut self.has_begun, true),
            Wanted::Those(_) => true,
        };
        let mut sockets = self.platform.sockets(at, ages, &mut problems);
        self.cost.dump = meter.lap();
        let is_wanted = match wanted {
            Wanted::All => None,
            Wanted::Those(wanted) => Some(with_neighbours(&sockets, wanted(&sockets))),
        };
        let is_wanted = is_wanted.as_deref();
        let owner_pids = self.owner_pids(&sockets, is_wanted, at, &mut problems);
        self.cost.owners = meter.lap();
        let owner_pids = self.of_the_living(&sockets, is_wanted, owner_pids, at);
        self.owners
            .assign(&mut sockets, &owner_pids, &self.processes);
        self.name_peers(&mut sockets);
        #[cfg(target_os = "linux")]
        name_users(&mut sockets, &mut self.processes.users);
        self.cost.processes = meter.lap();
        self.count_looks();
        self.platform.set_partial_owners_first();
        let hidden = count_hidden(&sockets, is_wanted);
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
        is_wanted: Option<&[bool]>,
        at: Moment,
        problems: &mut Vec<Problem>,
    ) -> Vec<OwnerPids> {
        match is_wanted {
            None => self.platform.owner_pids(sockets, at, problems),
            Some(these) => self
                .platform
                .requested_owner_pids(sockets, these, at, problems),
        }
    }

    /// The holders of every socket, all of them alive at the last look.
    fn of_the_living(
        &mut self,
        sockets: &[Socket],
        is_wanted: Option<&[bool]>,
        owner_pids: Vec<OwnerPids>,
        at: Moment,
    ) -> Vec<OwnerPids> {
        let gone = self.processes.refresh(&pids(&owner_pids), at);
        if gone.is_empty() || !self.platform.forget(&gone) {
            return owner_pids;
        }
        // A socket outlived the last process known to have it: somebody else has it.
        let owner_pids = self.owner_pids(sockets, is_wanted, at, &mut Vec::new());
        self.processes.refresh(&pids(&owner_pids), at);
        owner_pids
    }

    /// Says of unix sockets who is at the other end.
    fn name_peers(&self, sockets: &mut [Socket]) {
        if self.kinds.has(Protocol::Unix) {
            peers::name(sockets);
        }
    }

    fn count_looks(&mut self) {
        let looks = self.platform.take_scan_stats();
        self.cost.searched = looks.processes;
        self.cost.files = looks.descriptors + self.processes.take_files();
    }
}

/// Whose owners a reading is to find.
#[derive(Clone, Copy)]
enum Wanted<'a> {
    /// Those of all sockets, as far as it comes.
    All,
    /// Those of some, for certain.
    Those(&'a dyn Fn(&[Socket]) -> Vec<bool>),
}

/// Which sockets' owners it takes to tell all about those that are wanted: of what listens, also the
/// others on its port (whether they are in conflict); of what has no process yet, its listeners; of a unix
/// socket, the one at its other end.
fn with_neighbours(sockets: &[Socket], mut wanted: Vec<bool>) -> Vec<bool> {
    let port = |socket: &Socket| (socket.protocol, socket.local.port);
    let depends_on_port = |socket: &Socket| {
        socket.protocol.has_ports() && (socket.is_listening() || socket.inode.is_none())
    };
    let ports: HashSet<_> = sockets
        .iter()
        .zip(&wanted)
        .filter(|&(socket, &is_wanted)| is_wanted && depends_on_port(socket))
        .map(|(socket, _)| port(socket))
        .collect();
    let peer = |socket: &Socket| Some(socket.unix()?.peer.as_ref()?.inode);
    let peers: HashSet<u32> = sockets
        .iter()
        .zip(&wanted)
        .filter_map(|(socket, &is_wanted)| peer(socket).filter(|_| is_wanted))
        .collect();
    for (socket, is_wanted) in sockets.iter().zip(&mut wanted) {
        *is_wanted |= match socket.inode {
            Some(inode) if socket.unix().is_some() => peers.contains(&inode),
            _ => socket.is_listening() && ports.contains(&port(socket)),
        };
    }
    wanted
}

/// Sockets of one user mostly stand together.
#[cfg(target_os = "linux")]
fn name_users(sockets: &mut [Socket], users: &mut super::users::Users) {
    let mut last = (None, None);
    for socket in sockets {
        if socket.uid != last.0 {
            last = (socket.uid, socket.uid.and_then(|uid| users.name(uid)));
        }
        socket.user.clone_from(&last.1);
    }
}

impl Source for System {
    fn origin(&self) -> &Origin {
        &self.origin
    }

    fn take(&mut self, at: Moment) -> Result<Snapshot, SourceError> {
        Ok(self.read(at, Wanted::All))
    }

    fn take_without_owners(&mut self, at: Moment) -> Option<Snapshot> {
        self.platform.set_partial_owners_first();
        let (mut problems, mut meter) = (Vec::new(), Meter::start());
        let mut sockets = self.platform.sockets(at, true, &mut problems);
        for socket in sockets.iter_mut().filter(|socket| socket.inode.is_some()) {
            socket.owner = Owner::Unknown;
        }
        self.name_peers(&mut sockets);
        #[cfg(target_os = "linux")]
        name_users(&mut sockets, &mut self.processes.users);
        self.cost = RefreshTimings {
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
        *self = Self::new().with_kinds(self.kinds);
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
        self.cost
    }
}

/// How many of the sockets, or of those that are wanted, have a hidden owner.
fn count_hidden(sockets: &[Socket], is_wanted: Option<&[bool]>) -> usize {
    let hidden = (0..).zip(sockets).filter(|&(row, socket): &(usize, _)| {
        let is_wanted = is_wanted.is_none_or(|wanted| wanted.get(row) == Some(&true));
        is_wanted && socket.owner == Owner::Hidden
    });
    hidden.count()
}

/// Says how many owners are hidden and what would show them, unless it is because no process can
/// be read at all.
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
        brief: Text::new(&format!("{owners} hidden: {brief}")),
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
    fn hidden_owners_that_nobody_asked_about_are_not_counted() {
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
                "1 owner hidden: sudo"
            )
        );
        assert_eq!(
            told(2, HiddenReason::NotPermitted),
            pair(
                "owners of 2 sockets are hidden: run as root to see them",
                "2 owners hidden: sudo"
            )
        );
        assert_eq!(
            told(2, HiddenReason::OtherNamespace),
            pair(
                "owners of 2 sockets are outside this pid namespace: run on the host to see them",
                "2 owners hidden: outside this container"
            )
        );
    }
}
