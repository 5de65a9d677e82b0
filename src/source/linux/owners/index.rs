//! What the last look at each process found, and by that who holds each inode.
//!
//! Pure: told of looks, it keeps both directions in step.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use crate::model::{BuildSpread, Pid};

/// The processes that were looked at, and the index of their sockets; `A` is whatever tells later
/// whether a look still holds.
#[derive(Debug)]
pub(super) struct Census<A> {
    processes: HashMap<Pid, Record<A>, BuildSpread>,
    by_inode: ByInode,
    refused: usize,
}

/// Who holds each inode, ascending, never empty.
type ByInode = HashMap<u32, Arc<[Pid]>, BuildSpread>;

/// What a look at a process found.
#[derive(Debug)]
pub(super) struct Record<A> {
    /// How the process stood just before the look.
    pub(super) activity: A,
    /// How many descriptors of every kind it had.
    pub(super) descriptors: u64,
    found: Found,
    /// The process alone, as most sockets have it: one list for all of them.
    alone: Arc<[Pid]>,
}

/// The sockets of a process, or why they are not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) enum Found {
    /// The inodes of its sockets of every kind, ascending, each once.
    Sockets(Vec<u32>),
    /// It may not be looked at, and may hold sockets of this table.
    Refused,
}

impl Found {
    fn sockets(&self) -> &[u32] {
        match self {
            Self::Sockets(inodes) => inodes,
            Self::Refused => &[],
        }
    }
}

impl<A> Default for Census<A> {
    fn default() -> Self {
        Self {
            processes: HashMap::default(),
            by_inode: ByInode::default(),
            refused: 0,
        }
    }
}

impl<A> Record<A> {
    /// Whether it has a socket of any kind.
    pub(super) fn has_sockets(&self) -> bool {
        !self.found.sockets().is_empty()
    }

    /// Whether it has one of these.
    pub(super) fn has_any(&self, inodes: &super::Inodes) -> bool {
        self.found
            .sockets()
            .iter()
            .any(|inode| inodes.contains(inode))
    }

    /// Whether it could be looked at.
    pub(super) fn is_open(&self) -> bool {
        self.found != Found::Refused
    }
}

impl<A> Census<A> {
    /// Takes in a look, in place of the one before; returns the inodes of the process.
    pub(super) fn record(
        &mut self,
        pid: Pid,
        activity: A,
        (found, descriptors): (Found, u64),
    ) -> &[u32] {
        let before = self.processes.remove(&pid);
        let (alone, had) = match before {
            Some(before) => {
                self.refused -= usize::from(before.found == Found::Refused);
                (before.alone, before.found)
            }
            None => (Arc::from([pid]), Found::Refused),
        };
        let mut without = Changed::default();
        for_each_only_in(had.sockets(), found.sockets(), |inode| {
            remove(&mut self.by_inode, inode, pid, &mut without);
        });
        let mut with = Changed::default();
        for_each_only_in(found.sockets(), had.sockets(), |inode| {
            add(&mut self.by_inode, inode, &alone, &mut with);
        });
        self.refused += usize::from(found == Found::Refused);
        let record = Record {
            activity,
            descriptors,
            found,
            alone,
        };
        let record = self.processes.entry(pid).insert_entry(record).into_mut();
        record.found.sockets()
    }

    /// Forgets a process that is no more; whether a socket lost its last holder by that.
    pub(super) fn forget(&mut self, pid: Pid) -> bool {
        let Some(record) = self.processes.remove(&pid) else {
            return false;
        };
        self.refused -= usize::from(record.found == Found::Refused);
        let (mut is_any_lost, mut without) = (false, Changed::default());
        for &inode in record.found.sockets() {
            is_any_lost |= remove(&mut self.by_inode, inode, pid, &mut without);
        }
        is_any_lost
    }

    /// Forgets every process that is not as `is_there` says.
    pub(super) fn keep(&mut self, is_there: impl Fn(Pid) -> bool) {
        let pids = self.processes.keys().copied();
        let gone: Vec<_> = pids.filter(|&pid| !is_there(pid)).collect();
        for pid in gone {
            self.forget(pid);
        }
    }

    /// Who holds an inode, ascending, never empty; `None` if nobody was found.
    pub(super) fn holders(&self, inode: u32) -> Option<&Arc<[Pid]>> {
        self.by_inode.get(&inode)
    }

    /// What the last look at a process found.
    pub(super) fn get(&self, pid: Pid) -> Option<&Record<A>> {
        self.processes.get(&pid)
    }

    /// Whether a process that may hold something could not be looked at.
    pub(super) const fn has_refused(&self) -> bool {
        self.refused > 0
    }
}

/// What became of lists by one look at a process. Sockets that are inherited together have one list, which
/// is copied once for all of them: copied for each, 200 listeners of 2,000 processes took seconds.
#[derive(Default)]
struct Changed(HashMap<usize, Both, BuildSpread>);

/// A list before and after. The one before is held, so that no other gets its place in memory.
struct Both {
    _before: Arc<[Pid]>,
    after: Arc<[Pid]>,
}

impl Changed {
    /// What becomes of a list.
    fn of(&mut self, list: &Arc<[Pid]>, change: impl FnOnce(&[Pid]) -> Arc<[Pid]>) -> Arc<[Pid]> {
        let both = self.0.entry(list.as_ptr().addr()).or_insert_with(|| Both {
            _before: Arc::clone(list),
            after: change(list),
        });
        Arc::clone(&both.after)
    }
}

fn add(by_inode: &mut ByInode, inode: u32, alone: &Arc<[Pid]>, with: &mut Changed) {
    match by_inode.entry(inode) {
        Entry::Vacant(entry) => {
            entry.insert(Arc::clone(alone));
        }
        Entry::Occupied(mut entry) => {
            let all = with.of(entry.get(), |before| {
                let mut all = [before, &**alone].concat();
                all.sort_unstable();
                all.dedup();
                all.into()
            });
            entry.insert(all);
        }
    }
}

/// Whether that left the inode without a holder.
fn remove(by_inode: &mut ByInode, inode: u32, pid: Pid, without: &mut Changed) -> bool {
    let Entry::Occupied(mut entry) = by_inode.entry(inode) else {
        return false;
    };
    let others = without.of(entry.get(), |before| {
        before.iter().copied().filter(|&it| it != pid).collect()
    });
    if others.is_empty() {
        entry.remove();
        return true;
    }
    entry.insert(others);
    false
}

/// Calls `visit` with what is in the first list and not in the second; both are ascending.
fn for_each_only_in(one: &[u32], other: &[u32], mut visit: impl FnMut(u32)) {
    let mut other = other.iter().copied().peekable();
    for &inode in one {
        while other.next_if(|&next| next < inode).is_some() {}
        if other.peek() != Some(&inode) {
            visit(inode);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sockets(inodes: &[u32]) -> (Found, u64) {
        (Found::Sockets(inodes.to_vec()), 0)
    }

    #[test]
    fn a_second_look_replaces_the_first() {
        let mut census = Census::default();
        census.record(10, (), sockets(&[1, 2, 3]));
        census.record(11, (), sockets(&[2, 4]));
        census.record(10, (), sockets(&[2, 5]));
        let held = [1, 2, 3, 4, 5].map(|inode| census.holders(inode).map(|pids| pids.to_vec()));
        assert_eq!(
            held,
            [
                None,
                Some(vec![10, 11]),
                None,
                Some(vec![11]),
                Some(vec![10])
            ]
        );
    }

    #[test]
    fn who_ends_leaves_what_others_hold_to_them() {
        let mut census = Census::default();
        census.record(11, (), sockets(&[1, 2]));
        census.record(10, (), sockets(&[2]));
        assert!(!census.forget(10));
        assert_eq!(census.holders(2).map(|pids| &**pids), Some(&[11][..]));
        assert!(census.forget(11), "1 and 2 have no holder now");
        assert!(!census.forget(11), "it is forgotten already");
        assert!(census.by_inode.is_empty());
    }

    #[test]
    fn sockets_that_are_inherited_together_share_one_list_of_holders() {
        let mut census = Census::default();
        for pid in [12, 10, 11] {
            census.record(pid, (), sockets(&[1, 2, 3]));
        }
        census.record(20, (), sockets(&[3, 4]));
        let is_shared = |census: &Census<()>| {
            let [one, two] = [1, 2].map(|inode| census.holders(inode).unwrap());
            Arc::ptr_eq(one, two)
        };
        assert!(is_shared(&census));
        assert_eq!(**census.holders(1).unwrap(), [10, 11, 12]);
        assert_eq!(**census.holders(3).unwrap(), [10, 11, 12, 20]);
        census.forget(11);
        assert!(is_shared(&census));
        assert_eq!(**census.holders(1).unwrap(), [10, 12]);
        assert_eq!(**census.holders(3).unwrap(), [10, 12, 20]);
    }

    #[test]
    fn a_process_is_refused_until_a_look_is_allowed() {
        let mut census = Census::default();
        census.record(10, (), (Found::Refused, 0));
        census.record(10, (), (Found::Refused, 0));
        assert!(census.has_refused());
        census.record(10, (), sockets(&[1]));
        assert!(!census.has_refused());
        census.record(10, (), (Found::Refused, 0));
        assert!(census.holders(1).is_none());
        census.keep(|_| false);
        assert!(!census.has_refused());
    }
}
