//! This machine as a source: the table, the owners of its sockets, their processes, in this order.
//!
//! [`Platform`] has what differs between systems; this is the shared part. A failed read becomes a problem of the
//! snapshot, with a fix.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

#[cfg(target_os = "linux")]
use super::linux::Platform as ThisPlatform;
use super::owners::{Owners, pids};
use super::platform::Platform;
#[cfg(not(target_os = "linux"))]
use super::portable::Portable as ThisPlatform;
use super::process::Processes;
use thiserror::Error;

use super::{HiddenReason, Meter, OwnerPids, Source, SourceError, peers};
use crate::model::{
    Kinds, LostCloses, Moment, Origin, Owner, Problem, ProblemCode, Protocol, RefreshTimings,
    Services, Snapshot, Socket, Text, counted,
};

/// Reads the sockets of this machine's current network namespace.
///
/// It caches data between snapshots, so a second one costs a fraction of the first.
#[derive(Default)]
pub struct System {
    platform: ThisPlatform,
    processes: Processes,
    owners: Owners,
    timings: RefreshTimings,
    kinds: Kinds,
    services: Services,
    extent: Extent,
    /// Of reports of closed sockets.
    losses: Losses,
    /// Of events of the trace.
    trace_losses: Losses,
    /// Why processes are not traced although that was requested.
    untraced: Option<Problem>,
    /// Whether a first snapshot was taken; later ones are compared with it.
    has_begun: bool,
}

/// When something was lost for the last time, and how many times in all.
#[derive(Clone, Copy, Default)]
struct Losses(Option<(Moment, u64)>);

impl Losses {
    /// Adds those of a snapshot. Returns how many there are in all, if the last one was not long ago.
    fn add(&mut self, times: u64, at: Moment) -> Option<String> {
        if times > 0 {
            let before = self.0.map_or(0, |(_, times)| times);
            self.0 = Some((at, before + times));
        }
        let (_, times) = self.0.filter(|(last, _)| last.age(at) < SHOW_LOSSES)?;
        Some(counted(times, "time", "times"))
    }
}

/// What is read besides the sockets of our own namespace.
#[derive(Clone, Copy, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is independent of the others"
)]
struct Extent {
    /// The sockets of other network namespaces.
    all_namespaces: bool,
    /// The sockets that were closed since the snapshot before.
    closes: bool,
    /// What the kernel counts about each socket.
    counters: bool,
    /// Which processes open and close sockets.
    trace: bool,
}

/// Why sockets can't be traced, and what to do.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct TraceUnavailable(String);

impl System {
    /// A source without any snapshot yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Like `new`, but also reads these kinds of sockets besides TCP and UDP.
    #[must_use]
    pub fn with_kinds(mut self, kinds: Kinds) -> Self {
        self.set_kinds(kinds);
        self
    }

    /// Like `new`, but also reads what the kernel counts about each TCP and UDP socket.
    #[must_use]
    pub fn with_counters(mut self, has_counters: bool) -> Self {
        self.set_counters(has_counters);
        self
    }

    /// Sets the user's own service names.
    #[must_use]
    pub fn with_services(self, services: Services) -> Self {
        Self { services, ..self }
    }

    /// Like `new`, but also reads the sockets of other network namespaces, as far as this user may.
    #[must_use]
    pub fn with_all_namespaces(mut self) -> Self {
        self.extent.all_namespaces = true;
        self.platform.set_all_namespaces();
        self
    }

    /// Like `new`, but snapshots also have the sockets that were closed since the one before, as far as the system reports
    /// them.
    #[must_use]
    pub fn with_closes(mut self) -> Self {
        self.extent.closes = true;
        self.platform.set_closes(true);
        self
    }

    /// Traces the processes that open and close TCP sockets, so that these are known of short-lived ones; implies
    /// [`with_closes`](Self::with_closes). While it runs, every connection of the machine takes 2 to 30 µs longer.
    ///
    /// # Errors
    /// When this user may not trace, or the system can't: why, and what to do.
    pub fn start_trace(&mut self) -> Result<(), TraceUnavailable> {
        self.extent.closes = true;
        // Also if it fails: a reset tries it again.
        self.extent.trace = true;
        self.platform.set_closes(true);
        self.platform.start_trace().map_err(TraceUnavailable)
    }

    /// The same; if it is impossible, snapshots have a problem that says why.
    pub fn try_trace(&mut self) {
        let untraced = self.start_trace().err();
        self.untraced = untraced.map(|why| {
            let message = format!("processes of short-lived sockets are not traced: {why}");
            Problem {
                brief: Text::new("not traced"),
                ..Problem::new(ProblemCode::ShortLived, &message)
            }
        });
    }

    /// Takes a single snapshot. If a socket seems to have no owner, it scans a second time, as the socket may have been
    /// passed between processes; if there is still none, the kernel owns it. Its [timings](Source::timings) cover both
    /// scans.
    ///
    /// # Errors
    /// Those of [`Source::take`].
    pub fn take_once(&mut self, at: Moment) -> Result<Snapshot, SourceError> {
        self.take_with_owners_of(at, |sockets| vec![true; sockets.len()])
    }

    /// The same, with owners of only the sockets that `requested` selects: it returns a flag for each socket, in order.
    /// The owners of others are [unknown](Owner::Unknown) if finding them would take time.
    ///
    /// # Errors
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
        let lacks_owner = sockets.any(lacks_owner);
        if self.platform.take_has_new_namespaces() || lacks_owner {
            let first = self.timings;
            snapshot = self.read(at, Some(&requested));
            self.timings = first + self.timings;
        }
        // There is no later snapshot that could show late names, so wait for them.
        #[cfg(target_os = "linux")]
        super::users::rename_all(&mut snapshot, &self.processes.late_names());
        Ok(snapshot)
    }

    /// `requested`: the sockets whose owners must be found; `None`: all sockets, as far as the budget of one snapshot
    /// allows.
    fn read(&mut self, at: Moment, requested: Option<&Requested<'_>>) -> Snapshot {
        let (mut problems, mut meter) = (Vec::new(), Meter::start());
        // After the first snapshot, the age of a new connection is the age of its row.
        let ages = requested.is_some() || !std::mem::replace(&mut self.has_begun, true);
        self.platform.drain_closed();
        let mut sockets = self.platform.sockets(at, ages, &mut problems);
        let (closed, lost_closes) = self.platform.take_closed(&sockets, at);
        Socket::name_services(&mut sockets, &self.services);
        self.timings.dump = meter.lap();
        let is_requested = requested.map(|these| with_related(&sockets, these(&sockets)));
        let is_requested = is_requested.as_deref();
        let mut owner_pids = self.owner_pids(&sockets, is_requested, at, &mut problems);
        self.timings.owners = meter.lap();
        let ended = self.processes.refresh(&pids(&owner_pids), at);
        if !ended.is_empty() && self.platform.forget(&ended) {
            // The last known owner ended but the socket is still open, so another process has it.
            owner_pids = self.owner_pids(&sockets, is_requested, at, &mut Vec::new());
            self.processes.refresh(&pids(&owner_pids), at);
        }
        // A project that came one snapshot later would add its column to a table that is already on the screen.
        self.processes.late_facts();
        self.owners
            .assign(&mut sockets, &owner_pids, &self.processes);
        self.add_names(&mut sockets);
        self.platform.describe(&mut sockets, at);
        self.timings.processes = meter.lap();
        let stats = self.platform.take_scan_stats();
        self.timings.searched = stats.searched;
        self.timings.files = stats.files + self.processes.take_files();
        self.platform.set_partial_owners_first();
        let (hidden, elsewhere) = count_hidden(&sockets, is_requested);
        let hidden = hidden_problem(hidden, self.platform.hidden_reason(), &problems);
        problems.extend(hidden);
        problems.extend(self.platform.namespace_problem(elsewhere));
        problems.extend(self.loss_problem(lost_closes, at));
        let trace_losses = self.platform.take_trace_losses();
        problems.extend(self.trace_problem(trace_losses, at));
        problems.extend(self.untraced.clone());
        Snapshot {
            taken_at: at,
            kinds: self.kinds,
            sockets,
            processes: self.processes.all(),
            problems,
            late_namespaces: self.platform.take_late_namespaces(),
            counters: self.extent.counters.then(|| self.platform.take_counters()),
            ephemeral: self.platform.ephemeral(at),
            closed,
            lost_closes,
        }
    }

    /// The problem while reports of closed sockets were lost not long ago.
    fn loss_problem(&mut self, lost: LostCloses, at: Moment) -> Option<Problem> {
        let times = u64::from(lost.overruns) + u64::from(lost.dropped > 0);
        let count = self.losses.add(times, at)?;
        let message = format!(
            "short-lived sockets may be missing: {count} too many closed at once, so that the kernel could not report all \
             (net.core.rmem_max limits what it keeps; root may have more)"
        );
        Some(Problem {
            code: ProblemCode::ShortLived,
            count: None,
            message: Text::new(&message),
            brief: Text::new("short-lived sockets may be missing"),
        })
    }

    /// The problem while the trace lost events not long ago.
    fn trace_problem(&mut self, times: u64, at: Moment) -> Option<Problem> {
        let count = self.trace_losses.add(times, at)?;
        let message = format!(
            "some short-lived connections have no process: the trace lost events {count}, as more came at once than \
             could be read"
        );
        Some(Problem {
            brief: Text::new(&format!("trace lost events {count}")),
            ..Problem::new(ProblemCode::ShortLived, &message)
        })
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

    /// Adds the names of users, and the peers of unix sockets.
    fn add_names(&mut self, sockets: &mut [Socket]) {
        if self.kinds.has(Protocol::Unix) {
            peers::name(sockets);
        }
        self.processes.users.name_sockets(sockets);
    }
}

/// For how long a loss is shown.
const SHOW_LOSSES: Duration = Duration::from_mins(1);

/// Whether the owner of each socket is requested.
type Requested<'a> = dyn Fn(&[Socket]) -> Vec<bool> + 'a;

/// Which owners are needed to describe the requested sockets. For a listener: also the owners of other sockets on its
/// port, to find conflicts; for a socket without a process yet: the owners of its listeners; for a unix socket: the
/// owner of its peer.
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
    fn origin(&self) -> Origin {
        Origin::Own
    }

    fn take(&mut self, at: Moment) -> Result<Snapshot, SourceError> {
        Ok(self.read(at, None))
    }

    fn take_without_owners(&mut self, at: Moment) -> Option<Snapshot> {
        self.platform.set_partial_owners_first();
        let (mut problems, mut meter) = (Vec::new(), Meter::start());
        // Sockets that closed before the first table may have opened long before.
        self.platform.drain_closed();
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
            late_namespaces: self.platform.take_late_namespaces(),
            counters: self.extent.counters.then(|| self.platform.take_counters()),
            ephemeral: self.platform.ephemeral(at),
            ..Snapshot::default()
        })
    }

    fn reset(&mut self) {
        let services = std::mem::take(&mut self.services);
        let extent = self.extent;
        *self = Self::new()
            .with_kinds(self.kinds)
            .with_services(services)
            .with_counters(extent.counters);
        if extent.all_namespaces {
            *self = std::mem::take(self).with_all_namespaces();
        }
        if extent.closes {
            *self = std::mem::take(self).with_closes();
        }
        if extent.trace {
            self.try_trace();
        }
    }

    fn set_kinds(&mut self, kinds: Kinds) -> bool {
        let kinds = kinds.and(Kinds::DEFAULT);
        let before = std::mem::replace(&mut self.kinds, kinds);
        self.platform.set_kinds(kinds);
        before != kinds
    }

    fn set_counters(&mut self, has_counters: bool) -> bool {
        self.platform.set_counters(has_counters);
        std::mem::replace(&mut self.extent.counters, has_counters) != has_counters
    }

    fn wants_immediate_retake(&self) -> bool {
        self.platform.has_unscanned_processes()
    }

    fn timings(&self) -> RefreshTimings {
        self.timings
    }
}

/// How many sockets, or how many of the requested ones, have a hidden owner: in our namespace, and in others.
fn count_hidden(sockets: &[Socket], is_requested: Option<&[bool]>) -> (usize, usize) {
    let (mut here, mut elsewhere) = (0, 0);
    for (at, socket) in sockets.iter().enumerate() {
        let is_requested = is_requested.is_none_or(|these| these.get(at) == Some(&true));
        if is_requested && socket.owner == Owner::Hidden {
            *(if socket.is_own() {
                &mut here
            } else {
                &mut elsewhere
            }) += 1;
        }
    }
    (here, elsewhere)
}

/// A problem with the number of hidden owners and how to see them; `None` if no process can be read at all.
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
    let reason = hidden_reason.unwrap_or(HiddenReason::NotPermitted);
    Some(Problem {
        code: ProblemCode::HiddenOwners,
        count: Some(count),
        message: Text::new(&format!("{who} {}", reason.describe(them))),
        brief: Text::new(&format!("{owners} {}", reason.brief())),
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
    fn a_loss_of_the_trace_is_a_problem_for_a_minute() {
        let mut system = System::new();
        let start = Moment::default();
        let mut message = |times, seconds| {
            let steady = start.steady + Duration::from_secs(seconds);
            let problem = system.trace_problem(times, Moment { steady, ..start })?;
            Some((problem.code, problem.brief.to_string()))
        };
        let lost = |times: &str| {
            let brief = format!("trace lost events {times}");
            Some((ProblemCode::ShortLived, brief))
        };
        assert_eq!(message(0, 1), None);
        assert_eq!(message(1, 2), lost("1 time"));
        assert_eq!(message(0, 61), lost("1 time"));
        assert_eq!(message(0, 62), None);
        assert_eq!(message(2, 90), lost("3 times"));
    }

    #[test]
    fn a_reset_keeps_the_problem_that_nothing_is_traced() {
        let mut system = System::new();
        system.try_trace();
        let before = system.untraced.clone();
        for _ in 0..2 {
            system.reset();
            assert_eq!(system.untraced, before);
        }
        println!("{before:?}");
    }

    #[test]
    fn hidden_owners_that_were_not_requested_are_not_counted() {
        let wanted = [true, false, true, false];
        assert_eq!(count_hidden(&hidden(4), Some(&wanted)), (2, 0));
        assert_eq!(count_hidden(&hidden(4), None), (4, 0));
    }

    #[test]
    fn hidden_owners_are_counted_with_what_would_show_them() {
        let problem_of = |count, hidden_reason| {
            let (hidden, _) = count_hidden(&hidden(count), None);
            let problem = hidden_problem(hidden, Some(hidden_reason), &[]);
            problem.map(|problem| (problem.message.to_string(), problem.brief.to_string()))
        };
        let pair = |message: &str, brief: &str| Some((message.to_owned(), brief.to_owned()));
        assert_eq!(problem_of(0, HiddenReason::NotPermitted), None);
        assert_eq!(
            problem_of(1, HiddenReason::NotPermitted),
            pair(
                "the owner of 1 socket is hidden: run as root to see it",
                "1 owner hidden (run with sudo)"
            )
        );
        assert_eq!(
            problem_of(2, HiddenReason::NotPermitted),
            pair(
                "owners of 2 sockets are hidden: run as root to see them",
                "2 owners hidden (run with sudo)"
            )
        );
        assert_eq!(
            problem_of(2, HiddenReason::OtherNamespace),
            pair(
                "owners of 2 sockets are outside this pid namespace: run on the host to see them",
                "2 owners hidden (outside this container)"
            )
        );
        assert_eq!(
            problem_of(1, HiddenReason::Forbidden),
            pair(
                "the owner of 1 socket is hidden even from root: a security module forbids reading it",
                "1 owner hidden by a security module"
            )
        );
    }
}
