//! The other network namespaces of this machine: finding, entering, reading and naming them.
//!
//! Nothing here keeps a namespace: files that refer to one, sockets in it and threads that entered it are closed, or end,
//! before a function returns. A namespace that ends while it is read is gone at once with its devices.
//!
//! A thread enters one after the other and reads each from inside. Those of user namespaces that this user owns are entered
//! by a helper process instead. Where this user may not enter, the files of a process in it have its sockets, with less
//! about each.

mod access;
mod by_owners;
mod commands;
mod enter;
mod find;
mod helper;
mod names;
mod published;
mod read;
mod snapshot;
mod socket_network;
mod target;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

pub use self::access::NamespaceAccess;
use self::by_owners::ByOwners;
use self::enter::Entry;
use self::find::{Finder, Number, Reference};
use self::helper::Helper;
pub(crate) use self::helper::UserMap;
pub use self::helper::{run_namespace_helper, set_namespace_helper};
use self::names::Names;
use self::published::{Members, Publishing};
use self::read::Sockets;
pub(crate) use self::socket_network::cookie_of;
use super::destroyed::Everywhere;
use super::netlink::Extras;
use super::owners::index::ByProducts;
use super::proc::rights;
use super::table::of_namespace;
use crate::model::{
    Counted, Moment, Namespace, NamespaceId, Pid, Problem, ProblemCode, Socket, Text, counted,
};

/// The last id that was given: none is given twice, also by a source that begins anew after a crash, as rows keep theirs.
static LAST_ID: AtomicU32 = AtomicU32::new(0);

/// The most namespaces that are read.
const MOST: usize = 4096;

/// The other namespaces, as they are known from one snapshot to the next.
#[derive(Default)]
pub(super) struct Namespaces {
    finder: Finder,
    known: BTreeMap<Number, Known>,
    names: Names,
    /// Where the next snapshot begins to read from outside.
    outside_after: Option<Number>,
    /// Those that were first read by the last snapshot, but may have existed before.
    late: Vec<NamespaceId>,
    has_begun: bool,
    by_owners: ByOwners,
    publishing: Publishing,
    helper: Helper,
    /// Those that reports of closed sockets come from, by their numbers there.
    reporting: BTreeMap<u32, Arc<Namespace>>,
    /// How many the helper should have read for the last snapshot but did not.
    missed: usize,
}

struct Known {
    namespace: Arc<Namespace>,
    references: BTreeSet<Reference>,
    sockets: Sockets,
    access: Access,
    /// When this user was refused to enter it.
    refused_at: Option<Moment>,
    /// Whether it existed before the snapshot that found it, or that could have read it.
    is_late: bool,
    is_read: bool,
    /// When it was found, unless that was at the start.
    found_at: Option<Moment>,
}

/// How a namespace is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    Inside,
    /// By the helper, which enters its user namespace first.
    Helper,
    /// From the files of a process: this user may not enter it.
    Outside,
    /// Not at all: no process in it is visible.
    None,
}

impl Namespaces {
    /// The sockets of all other namespaces, and the control group that each was made in. `is_complete`: there is no later
    /// snapshot. `process_with` returns a process that has a socket, by its inode. Those that are entered are registered
    /// `everywhere` that reports of closed sockets are read.
    pub(super) fn read(
        &mut self,
        (at, extras, is_complete): (Moment, Extras, bool),
        process_with: &dyn Fn(u32) -> Option<Pid>,
        everywhere: Option<&Everywhere>,
    ) -> (Vec<Socket>, Vec<u64>) {
        self.update(at, is_complete, process_with);
        if self.known.is_empty() {
            return (Vec::new(), Vec::new());
        }
        self.read_all((at, extras, is_complete), everywhere);
        self.compare_cookies(at);
        self.names.update(&mut self.known, at);
        self.keep_reporting();
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

    /// The counters of their sockets in the last snapshot, if they were requested.
    pub(super) fn take_counters(&mut self) -> Vec<Counted> {
        let known = self.known.values_mut();
        let counters = known.flat_map(|known| {
            let id = known.namespace.id;
            let counters = std::mem::take(&mut known.sockets.counters).into_iter();
            counters.map(move |counted| of_namespace(id, counted))
        });
        counters.collect()
    }

    /// The namespaces that processes, threads and mounts refer to, with a way into each.
    fn discover() -> Vec<(Arc<Namespace>, Entry)> {
        let (mut all, at) = (Self::default(), Moment::default());
        all.update(at, true, &|_| None);
        all.names.update(&mut all.known, at);
        let known = all.known.iter();
        let found = known.filter_map(|(&number, known)| {
            let reference = known.references.first()?;
            Some((Arc::clone(&known.namespace), reference.entry(number)))
        });
        found.collect()
    }

    /// Remembers which namespace has which number in reports of closed sockets: these may be read after its end.
    fn keep_reporting(&mut self) {
        for known in self.known.values() {
            if let Some(number) = known.sockets.report_number {
                self.reporting.insert(number, Arc::clone(&known.namespace));
            }
        }
        if self.reporting.len() > 2 * MOST {
            let known = self.known.values();
            let known: BTreeSet<u32> = known.filter_map(|one| one.sockets.report_number).collect();
            self.reporting.retain(|number, _| known.contains(number));
        }
    }

    /// The namespace whose reports of closed sockets have this number.
    pub(super) fn of_reports(&self, number: u32) -> Option<Arc<Namespace>> {
        self.reporting.get(&number).cloned()
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
            let members = processes(&known.references).collect();
            (Arc::clone(&known.namespace), members)
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
        let (unread, in_part) = (count(Access::None), count(Access::Outside) + self.missed);
        let mut parts = Vec::new();
        if unread > 0 {
            // A bind mount may be one of a namespace that is also known by a process, with another number.
            let up_to = if in_part > 0 { "up to " } else { "" };
            parts.push(format!("{up_to}{unread} not read"));
        }
        if in_part > 0 {
            parts.push(format!(
                "{in_part} read without bound sockets, units and backlogs"
            ));
        }
        // `hidden (run with sudo)`
        let reason = rights::refusal().brief();
        if hidden_owners > 0 {
            let owners = counted(hidden_owners, "owner", "owners");
            parts.push(format!("{owners} hidden"));
        }
        if parts.is_empty() {
            return None;
        }
        let remedy = reason.strip_prefix("hidden ").unwrap_or(&reason);
        let all = parts.join(", ");
        let message = format!("other network namespaces: {all} {remedy}");
        let brief = match unread + in_part {
            0 => format!("{all} in namespaces {remedy}"),
            some => {
                let namespaces = counted(some, "namespace", "namespaces");
                format!("{namespaces} in part {remedy}")
            }
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
            let same = known.filter(|known| is_same(&known.references, &references));
            let known = if let Some(mut known) = same {
                if known.references != references {
                    known.references = references;
                    // What was refused by one of them may be allowed by another.
                    known.access = Access::Inside;
                }
                known
            } else {
                let is_late = !is_first && !self.would_be_new(number, &references, had_swept);
                let found_at = (!is_first).then_some(at);
                new_namespace(number, references, is_late, found_at)
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
            one if one.is_up_to_date() => true,
            Reference::Process(_) | Reference::Thread { .. } | Reference::Mount { .. } => had_swept,
            Reference::Descriptor(_) | Reference::Socket(_) => self.by_owners.is_new(number),
        })
    }

    /// Keeps the cookies that were read. A namespace with another one than before is another namespace, which got the number
    /// and a reference of the one before.
    fn compare_cookies(&mut self, at: Moment) {
        for known in self.known.values_mut() {
            let Some(cookie) = known.sockets.cookie else {
                continue;
            };
            match known.namespace.cookie {
                Some(before) if before == cookie => {}
                None => Arc::make_mut(&mut known.namespace).cookie = Some(cookie),
                Some(_) => {
                    known.namespace = Arc::new(Namespace {
                        id: new_id(),
                        inode: known.namespace.inode,
                        cookie: Some(cookie),
                        name: Text::default(),
                        container: None,
                    });
                    known.found_at = Some(at);
                }
            }
        }
    }
}

/// An id that no namespace has had.
fn new_id() -> NamespaceId {
    NamespaceId(LAST_ID.fetch_add(1, Ordering::Relaxed) + 1)
}

fn new_namespace(
    number: Number,
    references: BTreeSet<Reference>,
    is_late: bool,
    found_at: Option<Moment>,
) -> Known {
    let id = new_id();
    let inode = number.inode();
    Known {
        namespace: Arc::new(Namespace {
            id,
            inode,
            cookie: None,
            name: Text::default(),
            container: None,
        }),
        references,
        sockets: Sockets::default(),
        found_at,
        is_late,
        is_read: false,
        refused_at: None,
        access: Access::Inside,
    }
}

/// The processes that are in a namespace with all their threads.
fn processes(references: &BTreeSet<Reference>) -> impl Iterator<Item = Pid> {
    references.iter().filter_map(|reference| match reference {
        Reference::Process(pid) => Some(*pid),
        _ => None,
    })
}

/// Whether the namespace with these references is the one that had those before: something still refers to it. References
/// that were not checked now may be of the one before, whose number this one got; they count only if there are no others.
fn is_same(before: &BTreeSet<Reference>, now: &BTreeSet<Reference>) -> bool {
    let have_certain = [before, now].map(|all| all.iter().any(Reference::is_up_to_date));
    let must_be_certain = have_certain == [true, true];
    let mut common = before.intersection(now);
    common.any(|one| !must_be_certain || one.is_up_to_date())
}

#[cfg(test)]
#[path = "tests/cookies.rs"]
mod cookie_tests;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::linux::owners::Descriptor;

    fn process(pid: Pid) -> Reference {
        Reference::Process(pid)
    }

    fn descriptor(pid: Pid) -> Reference {
        Reference::Descriptor(Descriptor { pid, number: 3 })
    }

    fn mount(path: &str) -> Reference {
        let (id, path) = (40, path.into());
        Reference::Mount { id, path }
    }

    /// With more namespaces than one snapshot may read from outside, the sockets of the others were events.
    #[test]
    fn sockets_that_a_later_snapshot_reads_first_are_not_new() {
        let found = || new_namespace(Number::Inode(1), BTreeSet::from([process(7)]), false, None);
        let mut at_once = found();
        assert_eq!(at_once.set_read(), None);
        let mut later = found();
        later.is_late = true;
        assert_eq!(later.set_read(), Some(later.namespace.id));
        assert_eq!(later.set_read(), None, "only the first time");
        assert_ne!(at_once.namespace.id, later.namespace.id);
    }

    /// A container that started with the number of one that had just ended was taken for it, as an engine had had a
    /// descriptor of that one when it was last scanned.
    #[test]
    fn a_number_that_is_given_again_is_another_namespace_whatever_was_found_long_ago() {
        let same = |before: &[Reference], now: &[Reference]| {
            let set = |all: &[Reference]| all.iter().cloned().collect();
            is_same(&set(before), &set(now))
        };
        let stale = descriptor(1);
        assert!(same(&[process(7), process(8)], &[process(8)]));
        assert!(!same(&[process(7)], &[process(9)]));
        assert!(!same(
            &[process(7), stale.clone()],
            &[process(9), stale.clone()]
        ));
        // Only the descriptor is left, or was there before.
        assert!(same(
            &[process(7), stale.clone()],
            std::slice::from_ref(&stale)
        ));
        assert!(same(
            std::slice::from_ref(&stale),
            &[process(9), stale.clone()]
        ));
        let (own, elsewhere) = (mount("/run/netns/a"), mount("/proc/7/root/run/netns/a"));
        assert!(same(&[process(7), own.clone()], &[process(9), own]));
        assert!(!same(
            &[process(7), elsewhere.clone()],
            &[process(9), elsewhere]
        ));
    }
}
