//! One snapshot of the known namespaces: which of them is read how, and what follows from the outcome.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Duration;

use rustix::fs::{fstat, stat};
use rustix::io::Errno;

use super::enter::{Entry, on_own_thread};
use super::find::{Number, Reference};
use super::helper::{Helper, MAX_NETWORKS, UserNamespace};
use super::read::Sockets;
use super::socket_network::user_namespace_of;
use super::{Access, Known, MOST, Namespaces, processes};
use crate::model::{Moment, NamespaceId, Pid};
use crate::source::Meter;
use crate::source::linux::destroyed::Everywhere;
use crate::source::linux::netlink::Extras;

/// Sockets that are only bound are read again after this time.
const BOUND_AFTER: Duration = Duration::from_secs(5);

/// In how many namespaces one snapshot reads them again: 0.3 ms each, 2 ms beside 10,000 sockets.
const MOST_BOUND: usize = 4;

/// Of more namespaces than these, only one.
const MANY: usize = 20;

/// How long one snapshot of the live table reads files of processes: a table takes up to 4 ms. The next snapshot continues.
const OUTSIDE_TIME: Duration = Duration::from_millis(20);

/// What this user may not enter is tried again after this time.
const RETRY_AFTER: Duration = Duration::from_mins(1);

/// One namespace that is entered.
struct Job<'a> {
    number: Number,
    access: Access,
    entries: Vec<(Reference, Entry)>,
    sockets: &'a mut Sockets,
    wanted: Extras,
    is_read: bool,
    /// References that are gone.
    gone: Vec<Reference>,
}

impl Namespaces {
    /// Reads all of them, each as this user may.
    pub(super) fn read_all(
        &mut self,
        (at, extras, is_complete): (Moment, Extras, bool),
        everywhere: Option<&Everywhere>,
    ) {
        for known in self.known.values_mut() {
            let is_due = |refused_at: Moment| refused_at.age(at) >= RETRY_AFTER;
            if known.refused_at.is_some_and(is_due) {
                (known.access, known.refused_at) = (Access::Inside, None);
            }
        }
        let missed = self.read_by_entering((at, extras, is_complete), everywhere);
        self.missed = missed.len();
        self.read_outside(at, is_complete, &missed);
    }

    /// Reads those that this user may enter. Returns those that the helper should have read but did not.
    fn read_by_entering(
        &mut self,
        (at, extras, is_complete): (Moment, Extras, bool),
        everywhere: Option<&Everywhere>,
    ) -> BTreeSet<Number> {
        let bound = self.due_for_bound(at, is_complete);
        let enterable = self.known.iter_mut().filter(|(_, one)| one.is_enterable());
        let jobs = enterable.map(|(&number, known)| {
            let references = known.references.iter();
            let entries = references.map(|reference| (reference.clone(), reference.entry(number)));
            Job {
                number,
                access: known.access,
                entries: entries.collect(),
                wanted: Extras {
                    bound: bound.contains(&number),
                    ages: extras.ages || known.sockets.bound_at.is_none(),
                    ..extras
                },
                sockets: &mut known.sockets,
                is_read: false,
                gone: Vec::new(),
            }
        });
        let mut jobs: Vec<Job<'_>> = jobs.collect();
        run_inside(&mut jobs, self.helper.is_available(), (at, everywhere));
        run_by_helper(&mut jobs, &mut self.helper, at);
        let outcomes = jobs.into_iter().map(Job::into_outcome);
        let outcomes: Vec<_> = outcomes.collect();
        let mut missed = BTreeSet::new();
        for (number, access, is_read, gone) in outcomes {
            self.finder.forget(&gone);
            self.by_owners.forget(&gone);
            let Some(known) = self.known.get_mut(&number) else {
                continue;
            };
            known
                .references
                .retain(|reference| !gone.contains(reference));
            known.access = access;
            if access == Access::Outside {
                known.refused_at.get_or_insert(at);
            }
            if is_read {
                self.late.extend(known.set_read());
            } else if known.references.is_empty() {
                self.known.remove(&number);
            } else if known.is_enterable() {
                missed.insert(number);
            }
        }
        missed
    }

    /// The namespaces whose bound sockets are read by this snapshot.
    fn due_for_bound(&self, at: Moment, is_complete: bool) -> BTreeSet<Number> {
        let enterable = self.known.iter().filter(|(_, one)| one.is_enterable());
        let read_at = enterable.map(|(&number, known)| {
            let read_at = known.sockets.bound_at.map(|read_at| read_at.steady);
            (read_at, number)
        });
        let mut bound: Vec<(Option<Duration>, Number)> = read_at.collect();
        bound.sort_unstable();
        let is_due = |read_at: Option<Duration>| {
            read_at.is_none_or(|read_at| at.steady.saturating_sub(read_at) >= BOUND_AFTER)
        };
        let unread = bound.iter().filter(|(read_at, _)| read_at.is_none());
        let most = if is_complete {
            MOST
        } else if bound.len() > MANY {
            unread.count().max(1)
        } else {
            unread.count().max(MOST_BOUND)
        };
        let first = bound.into_iter().take(most);
        let due = first.filter(|(read_at, _)| is_due(*read_at));
        due.map(|(_, number)| number).collect()
    }

    /// Reads the others from the files of a process in each, as many as there is time for.
    fn read_outside(&mut self, at: Moment, is_complete: bool, missed: &BTreeSet<Number>) {
        let numbers: Vec<Number> = self
            .known
            .iter()
            .filter(|(number, known)| !known.is_enterable() || missed.contains(number))
            .map(|(&number, _)| number)
            .collect();
        let start = numbers.partition_point(|&number| Some(number) <= self.outside_after);
        let (mut meter, mut took) = (Meter::start(), Duration::ZERO);
        let (later, first) = numbers.split_at(start);
        for &number in first.iter().chain(later) {
            let Some(known) = self.known.get_mut(&number) else {
                continue;
            };
            let is_read =
                processes(&known.references).any(|pid| known.sockets.read_outside(pid, at));
            if is_read {
                self.late.extend(known.set_read());
            }
            if !known.is_enterable() {
                known.access = if is_read {
                    Access::Outside
                } else {
                    Access::None
                };
            }
            self.outside_after = Some(number);
            took += meter.lap();
            if !is_complete && took > OUTSIDE_TIME {
                break;
            }
        }
        // Those that are first read by a later snapshot were there before.
        for known in self.known.values_mut().filter(|known| !known.is_read) {
            known.is_late = true;
        }
    }
}

impl Known {
    /// It was read. Returns its id if that is the first time although it existed before.
    pub(super) fn set_read(&mut self) -> Option<NamespaceId> {
        let is_first = !std::mem::replace(&mut self.is_read, true);
        (is_first && self.is_late).then_some(self.namespace.id)
    }

    const fn is_enterable(&self) -> bool {
        matches!(self.access, Access::Inside | Access::Helper)
    }
}

/// Enters those that a thread may enter, one after the other. What is refused is left to the helper if there is one.
fn run_inside(
    jobs: &mut [Job<'_>],
    has_helper: bool,
    (at, everywhere): (Moment, Option<&Everywhere>),
) {
    let inside = jobs.iter_mut().filter(|job| job.access == Access::Inside);
    let mut inside: Vec<&mut Job<'_>> = inside.collect();
    if inside.is_empty() {
        return;
    }
    let run = || inside.iter_mut().for_each(|job| job.enter(at, everywhere));
    // If no thread can be started now, the sockets stay as they were.
    let _ = on_own_thread(run);
    let refused = inside
        .into_iter()
        .filter(|job| job.access != Access::Inside);
    // The other number is that of a namespace whose files may not be opened.
    let openable = refused.filter(|job| matches!(job.number, Number::Inode(_)));
    openable
        .filter(|_| has_helper)
        .for_each(|job| job.access = Access::Helper);
}

/// Lets the helper enter those that it has to enter.
fn run_by_helper(jobs: &mut [Job<'_>], helper: &mut Helper, at: Moment) {
    let by_helper = jobs.iter_mut().filter(|job| job.access == Access::Helper);
    let mut by_helper: Vec<&mut Job<'_>> = by_helper
        .filter_map(|job| (!job.is_empty()).then_some(job))
        .collect();
    for jobs in by_helper.chunks_mut(MAX_NETWORKS) {
        let (all, indices) = opened(jobs);
        if all.is_empty() {
            continue;
        }
        let outcome = helper.open(all, |user, network, opened| {
            let index = indices.get(user).and_then(|indices| indices.get(network));
            let Some(job) = index.and_then(|&index| jobs.get_mut(index)) else {
                return;
            };
            match opened {
                Ok(opened) => {
                    let pid = job.process();
                    let read = job.sockets.read_over(opened, pid, job.wanted, at);
                    job.is_read = read.is_ok();
                }
                Err(error) if is_refused(&error) => job.access = Access::Outside,
                // The files of a process have its sockets this time.
                Err(_) => {}
            }
        });
        if outcome.is_err() && !helper.is_available() {
            let missed = jobs.iter_mut().filter(|job| !job.is_read);
            missed.for_each(|job| job.access = Access::Outside);
        }
    }
}

/// Opens these network namespaces and the user namespaces that own them, which must be others than ours; with the indices
/// of the namespaces in `jobs`.
fn opened(jobs: &mut [&mut Job<'_>]) -> (Vec<UserNamespace>, Vec<Vec<usize>>) {
    let own = stat("/proc/self/ns/user").map(|own| own.st_ino);
    let mut all: BTreeMap<u64, (UserNamespace, Vec<usize>)> = BTreeMap::new();
    for (index, job) in jobs.iter_mut().enumerate() {
        let opened = job.first_way(|entry| {
            let network = entry.open()?;
            let user = user_namespace_of(&network)?;
            Ok((fstat(&user)?.st_ino, user, network))
        });
        match opened {
            Ok((number, ..)) if Ok(number) == own => job.access = Access::Outside,
            Ok((number, user, network)) => {
                let networks = Vec::new();
                let new = || (UserNamespace { user, networks }, Vec::new());
                let (one, indices) = all.entry(number).or_insert_with(new);
                one.networks.push(network);
                indices.push(index);
            }
            Err(error) if is_refused(&error) => job.access = Access::Outside,
            Err(_) => {}
        }
    }
    all.into_values().unzip()
}

impl Job<'_> {
    /// Moves this thread into the namespace, and reads it.
    fn enter(&mut self, at: Moment, everywhere: Option<&Everywhere>) {
        match self.first_way(Entry::enter) {
            Ok(()) => {
                self.is_read = self.sockets.read_inside(self.wanted, at, everywhere);
            }
            Err(error) if is_refused(&error) => self.access = Access::Outside,
            // Too few descriptors, for one: the sockets stay as they were.
            Err(_) => {}
        }
    }

    /// Whether it has no sockets by the counts that any process may read, so that it need not be entered: a browser has
    /// many such namespaces. That takes 0.05 ms instead of 1.
    fn is_empty(&mut self) -> bool {
        let pid = self.process().filter(|_| !self.wanted.bound);
        self.is_read = pid.is_some_and(|pid| self.sockets.read_empty(pid));
        self.is_read
    }

    /// A process that is still in it.
    fn process(&self) -> Option<Pid> {
        let mut entries = self.entries.iter();
        entries.find_map(|(reference, entry)| match reference {
            Reference::Process(pid) if entry.open().is_ok() => Some(*pid),
            _ => None,
        })
    }

    /// Tries one way into it after the other.
    fn first_way<T>(&mut self, open: impl Fn(&Entry) -> io::Result<T>) -> io::Result<T> {
        let mut failed = io::Error::from(Errno::SRCH);
        for (reference, entry) in &self.entries {
            match open(entry) {
                Ok(opened) => return Ok(opened),
                Err(error) if is_gone(&error) => self.gone.push(reference.clone()),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    fn into_outcome(self) -> (Number, Access, bool, Vec<Reference>) {
        (self.number, self.access, self.is_read, self.gone)
    }
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
