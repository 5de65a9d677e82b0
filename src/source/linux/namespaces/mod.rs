//! The other network namespaces of this machine: finding, entering, reading and naming them.
//!
//! Nothing here keeps a namespace: files that refer to one, sockets in it and threads that entered it are closed, or end,
//! before a function returns. A namespace that ends while it is read is gone at once with its devices.
//!
//! A thread enters one after the other and reads each from inside. Where this user may not enter, the files of a process
//! in it have its sockets, with less about each.

mod access;
mod by_owners;
mod enter;
mod find;
mod names;
mod published;
mod read;
mod socket_network;
mod target;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;

pub use self::access::{AccessError, NamespaceAccess};
use self::by_owners::ByOwners;
use self::enter::Entry;
use self::enter::on_own_thread;
use self::find::{Finder, Number, Reference};
use self::names::Names;
use self::published::{Members, Publishing};
use self::read::{Sockets, Wanted};
use super::owners::index::ByProducts;
use super::problems::Troubles;
use super::proc::rights;
use crate::model::{
    Moment, Namespace, NamespaceId, Pid, Problem, ProblemCode, Socket, Text, counted,
};

/// Sockets that are only bound are read again after this time.
const BOUND_AFTER: Duration = Duration::from_secs(5);

/// In how many namespaces one snapshot reads them again: 0.3 ms each, 2 ms beside 10,000 sockets.
const MOST_BOUND: usize = 4;

/// How long one snapshot of the live table reads files of processes: a table takes up to 4 ms. The next snapshot continues.
const OUTSIDE_TIME: Duration = Duration::from_millis(20);

/// The most namespaces that are read.
const MOST: usize = 4096;

/// The other namespaces, as they are known from one snapshot to the next.
#[derive(Default)]
pub(super) struct Namespaces {
    finder: Finder,
    known: BTreeMap<Number, Known>,
    names: Names,
    last_id: u32,
    /// Where the next snapshot begins to read from outside.
    outside_after: Option<Number>,
    /// Those that were first read by the last snapshot, but may have existed before.
    late: Vec<NamespaceId>,
    has_begun: bool,
    by_owners: ByOwners,
    publishing: Publishing,
}

struct Known {
    namespace: Arc<Namespace>,
    references: BTreeSet<Reference>,
    sockets: Sockets,
    access: Access,
    /// When it was found, unless that was at the start.
    found_at: Option<Moment>,
}

/// How a namespace is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Inside,
    /// From the files of a process: this user may not enter it.
    Outside,
    /// Not at all: no process in it is visible.
    None,
}

/// One namespace for the thread that enters them.
struct Job<'a> {
    entries: Vec<(Reference, Entry)>,
    sockets: &'a mut Sockets,
    wanted: Wanted,
    /// References that are gone.
    gone: Vec<Reference>,
    outcome: io::Result<Troubles>,
}

impl Namespaces {
    /// The sockets of all other namespaces, and the control group that each was made in. `is_complete`: there is no later
    /// snapshot. `process_with` returns a process that has a socket, by its inode.
    pub(super) fn read(
        &mut self,
        at: Moment,
        ages: bool,
        is_complete: bool,
        process_with: &dyn Fn(u32) -> Option<Pid>,
    ) -> (Vec<Socket>, Vec<u64>) {
        self.update(at, is_complete, process_with);
        if self.known.is_empty() {
            return (Vec::new(), Vec::new());
        }
        self.read_inside(at, ages, is_complete);
        self.read_outside(at, is_complete);
        self.names.update(&mut self.known, at);
        let count = self.known.values().map(|one| one.sockets.all.len()).sum();
        let (mut sockets, mut groups) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for known in self.known.values() {
            sockets.extend(known.sockets.all.iter().map(|socket| Socket {
                namespace: Some(Arc::clone(&known.namespace)),
                ..socket.clone()
            }));
            groups.extend(&known.sockets.groups);
        }
        (sockets, groups)
    }

    pub(super) fn take_late(&mut self) -> Vec<NamespaceId> {
        std::mem::take(&mut self.late)
    }

    /// Takes what the search for the owners of these sockets came across. Whether that is another namespace, which the next
    /// snapshot has.
    pub(super) fn learn(
        &mut self,
        found: &mut ByProducts,
        sockets: &[Socket],
        at: Moment,
        is_complete: bool,
    ) -> bool {
        self.by_owners.learn(found, sockets, at, is_complete)
    }

    /// Sets which ports of ours lead into other namespaces, once the owners are known, and adds rows for those that only a rule
    /// publishes.
    pub(super) fn publish(&mut self, sockets: &mut Vec<Socket>, at: Moment, is_complete: bool) {
        if self.known.is_empty() {
            return;
        }
        let namespaces = self.known.values().map(|known| {
            let members = known
                .references
                .iter()
                .filter_map(|reference| match reference {
                    Reference::Process(pid) => Some(*pid),
                    _ => None,
                });
            (Arc::clone(&known.namespace), members.collect())
        });
        let members = Members::of(namespaces);
        if self.publishing.add_to(sockets, &members, at, is_complete) {
            self.late.push(NamespaceId::OWN);
        }
    }

    /// Replaces the ids of containers by their names.
    pub(super) fn name_containers(&mut self, sockets: &mut [Socket], at: Moment) {
        self.names.name_containers(sockets, at);
    }

    /// One line about what could not be read, given the number of sockets in other namespaces with a hidden owner.
    pub(super) fn problem(&self, hidden_owners: usize) -> Option<Problem> {
        let count = |access| {
            self.known
                .values()
                .filter(|one| one.access == access)
                .count()
        };
        let (unread, in_part) = (count(Access::None), count(Access::Outside));
        // A bind mount may be one of a namespace that is also known by a process, with another number.
        let unread = unread.saturating_sub(in_part);
        let mut parts = Vec::new();
        if unread > 0 {
            parts.push(format!("{unread} not read"));
        }
        if in_part > 0 {
            parts.push(format!(
                "{in_part} read without bound sockets, units and backlogs"
            ));
        }
        if hidden_owners > 0 {
            let owners = counted(hidden_owners, "owner", "owners");
            parts.push(owners);
        }
        if parts.is_empty() {
            return None;
        }
        let hidden = rights::refusal().brief();
        let message = format!("other network namespaces: {}, {hidden}", parts.join(", "));
        let brief = match unread + in_part {
            0 => format!("{} in namespaces {hidden}", parts.join(", ")),
            some => format!(
                "{} in part {hidden}",
                counted(some, "namespace", "namespaces")
            ),
        };
        Some(Problem {
            code: ProblemCode::Namespaces,
            count: Some(unread + in_part),
            message: Text::new(&message),
            brief: Text::new(&brief),
        })
    }

    /// Finds the namespaces that there are now. One is the same as before if something that kept it still does.
    fn update(&mut self, at: Moment, is_complete: bool, process_with: &dyn Fn(u32) -> Option<Pid>) {
        let is_first = !std::mem::replace(&mut self.has_begun, true);
        let had_swept = self.finder.has_swept();
        let mut found = self.finder.find(at, is_complete).clone();
        self.by_owners.add_to(&mut found);
        found.retain(|&number, _| !self.finder.is_own(number));
        let mut before = std::mem::take(&mut self.known);
        for (number, references) in found.into_iter().take(MOST) {
            let known = before.remove(&number);
            let known = match known.filter(|known| is_same(&known.references, &references)) {
                Some(known) => Known {
                    references,
                    ..known
                },
                None => {
                    let is_late = !is_first && !self.would_be_new(number, &references, had_swept);
                    let found_at = (!is_first).then_some(at);
                    self.new_namespace(number, references, is_late, found_at)
                }
            };
            self.known.insert(number, known);
        }
        // What seems to have ended may have sockets that a process elsewhere has.
        for (number, known) in before {
            let sockets = &known.sockets.all;
            let references = self.by_owners.references_by_sockets(sockets, process_with);
            if !references.is_empty() {
                let known = Known {
                    references,
                    ..known
                };
                self.known.entry(number).or_insert(known);
            }
        }
    }

    /// Whether a namespace that is found by these now has begun since the last snapshot: it would have been found before.
    fn would_be_new(
        &self,
        number: Number,
        references: &BTreeSet<Reference>,
        had_swept: bool,
    ) -> bool {
        references.iter().any(|reference| match reference {
            Reference::Process(_) => true,
            Reference::Thread { .. } | Reference::Mount { .. } => had_swept,
            Reference::Descriptor(_) | Reference::Socket(_) => self.by_owners.is_new(number),
        })
    }

    fn new_namespace(
        &mut self,
        number: Number,
        references: BTreeSet<Reference>,
        is_late: bool,
        found_at: Option<Moment>,
    ) -> Known {
        self.last_id += 1;
        let id = NamespaceId(self.last_id);
        if is_late {
            self.late.push(id);
        }
        let inode = number.inode();
        Known {
            namespace: Arc::new(Namespace {
                id,
                inode,
                name: Text::default(),
                container: None,
            }),
            references,
            sockets: Sockets::default(),
            found_at,
            access: Access::Inside,
        }
    }

    /// Reads those that this user may enter, on a thread that enters one after the other.
    fn read_inside(&mut self, at: Moment, ages: bool, is_complete: bool) {
        let bound = self.due_for_bound(at, is_complete);
        let enterable = self.known.iter_mut();
        let enterable = enterable.filter(|(_, known)| known.access == Access::Inside);
        let jobs = enterable.map(|(&number, known)| {
            let wanted = Wanted {
                bound: bound.contains(&number),
                ages: ages || known.sockets.bound_at.is_none(),
            };
            (number, Job::new(number, known, wanted))
        });
        let mut jobs: Vec<(Number, Job<'_>)> = jobs.collect();
        if jobs.is_empty() {
            return;
        }
        let run = || jobs.iter_mut().for_each(|(_, job)| job.run(at));
        if on_own_thread(run).is_err() {
            // No thread can be started now: the sockets stay as they were.
            return;
        }
        let outcomes = jobs.into_iter();
        let outcomes = outcomes.map(|(number, job)| (number, job.gone, job.outcome));
        for (number, gone, outcome) in outcomes.collect::<Vec<_>>() {
            self.forget(number, &gone);
            let Some(known) = self.known.get_mut(&number) else {
                continue;
            };
            match outcome {
                Err(_) if known.references.is_empty() => {
                    self.known.remove(&number);
                }
                Err(error) if is_refused(&error) => known.access = Access::Outside,
                // Too few descriptors, for one: the sockets stay as they were.
                Ok(_) | Err(_) => {}
            }
        }
    }

    /// In which namespaces sockets that are only bound are read now: all of a single snapshot, else those that were never
    /// read and a few of the others.
    fn due_for_bound(&self, at: Moment, is_complete: bool) -> BTreeSet<Number> {
        let known = self.known.iter();
        let read_at = known.map(|(number, known)| {
            let read_at = known.sockets.bound_at;
            (read_at.map(|read_at| read_at.steady), *number)
        });
        let mut read_at: Vec<(Option<Duration>, Number)> = read_at.collect();
        read_at.sort_unstable();
        let never = read_at.partition_point(|(read_at, _)| read_at.is_none());
        let most = if is_complete {
            MOST
        } else {
            never.max(MOST_BOUND)
        };
        let is_due = |read_at: Option<Duration>| {
            read_at.is_none_or(|read_at| at.steady.saturating_sub(read_at) >= BOUND_AFTER)
        };
        let due = read_at.into_iter().take(most);
        let due = due.filter(|(read_at, _)| is_due(*read_at));
        due.map(|(_, number)| number).collect()
    }

    /// Forgets references to a namespace that are gone.
    fn forget(&mut self, number: Number, gone: &[Reference]) {
        if gone.is_empty() {
            return;
        }
        self.finder.forget(gone);
        self.by_owners.forget(gone);
        if let Some(known) = self.known.get_mut(&number) {
            known
                .references
                .retain(|reference| !gone.contains(reference));
        }
    }

    /// Reads the others from the files of a process in each, as many as there is time for.
    fn read_outside(&mut self, at: Moment, is_complete: bool) {
        let numbers: Vec<Number> = self
            .known
            .iter()
            .filter(|(_, known)| known.access != Access::Inside)
            .map(|(&number, _)| number)
            .collect();
        if numbers.is_empty() {
            return;
        }
        let start = numbers.partition_point(|&number| Some(number) <= self.outside_after);
        let began = monotonic();
        let (later, first) = numbers.split_at(start);
        for &number in first.iter().chain(later) {
            let Some(known) = self.known.get_mut(&number) else {
                continue;
            };
            let mut pids = known
                .references
                .iter()
                .filter_map(|reference| match reference {
                    Reference::Process(pid) => Some(*pid),
                    _ => None,
                });
            let is_read = pids.any(|pid| known.sockets.read_outside(pid, at));
            known.access = if is_read {
                Access::Outside
            } else {
                Access::None
            };
            self.outside_after = Some(number);
            if !is_complete && monotonic().saturating_sub(began) > OUTSIDE_TIME {
                break;
            }
        }
    }
}

impl<'a> Job<'a> {
    fn new(number: Number, known: &'a mut Known, wanted: Wanted) -> Self {
        let references = known.references.iter();
        let entries = references.map(|one| (one.clone(), one.entry(number)));
        Self {
            entries: entries.collect(),
            sockets: &mut known.sockets,
            wanted,
            gone: Vec::new(),
            outcome: Ok(Troubles::default()),
        }
    }

    fn run(&mut self, at: Moment) {
        let mut failed = io::Error::from(Errno::SRCH);
        for (reference, entry) in &self.entries {
            match entry.enter() {
                Ok(()) => {
                    self.outcome = Ok(self.sockets.read_inside(self.wanted, at));
                    return;
                }
                Err(error) => {
                    if is_gone(&error) {
                        self.gone.push(reference.clone());
                    }
                    failed = error;
                }
            }
        }
        self.outcome = Err(failed);
    }
}

/// Whether the namespace with these references is the one that had those before: something still refers to it. References
/// that were not checked now may be of the one before, whose number this one got.
fn is_same(before: &BTreeSet<Reference>, now: &BTreeSet<Reference>) -> bool {
    let up_to_date = |all: &BTreeSet<Reference>| {
        let all = all.iter().filter(|one| one.is_up_to_date());
        all.cloned().collect::<BTreeSet<_>>()
    };
    let (certain_before, certain) = (up_to_date(before), up_to_date(now));
    if certain_before.is_empty() || certain.is_empty() {
        return !before.is_disjoint(now);
    }
    !certain_before.is_disjoint(&certain)
}

/// The way led to no namespace, or to another one.
fn is_gone(error: &io::Error) -> bool {
    let error = Errno::from_io_error(error);
    matches!(
        error,
        Some(Errno::NOENT | Errno::SRCH | Errno::STALE | Errno::BADF | Errno::INVAL)
    )
}

fn is_refused(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::PERM | Errno::ACCESS)
    )
}

/// The time since the start of the system: it only measures.
fn monotonic() -> Duration {
    nix::time::ClockId::CLOCK_MONOTONIC
        .now()
        .map_or(Duration::ZERO, Duration::from)
}
