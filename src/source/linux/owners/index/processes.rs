//! The sockets that the last scan of each process found, and the owners of each inode. Pure.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use crate::model::{BuildSpread, Pid};
use crate::source::linux::owners::union;

/// The scanned processes, and an index of their sockets; `C` is a clock that shows whether a process ran since.
#[derive(Default)]
pub(super) struct ProcessIndex<C> {
    processes: HashMap<Pid, Record<C>, BuildSpread>,
    by_inode: ByInode,
    unreadable: usize,
}

/// The owners of each inode, ascending, never empty.
type ByInode = HashMap<u32, Arc<[Pid]>, BuildSpread>;

/// The result of the last scan of a process.
pub(super) struct Record<C> {
    /// Read just before the scan.
    pub(super) clock: C,
    /// How many descriptors of every kind it had.
    pub(super) descriptors: u64,
    /// The inodes of its sockets of every kind, ascending, each once. `None` if it may have sockets of this table but
    /// can't be read.
    pub(super) sockets: Option<Vec<u32>>,
    /// The process as the only owner, as of most sockets: one list for all of them.
    alone: Arc<[Pid]>,
}

impl<C> Record<C> {
    pub(super) fn sockets(&self) -> &[u32] {
        self.sockets.as_deref().unwrap_or_default()
    }
}

impl<C> ProcessIndex<C> {
    /// Replaces the last scan of a process; returns its inodes.
    pub(super) fn record(
        &mut self,
        pid: Pid,
        clock: C,
        sockets: Option<Vec<u32>>,
        descriptors: u64,
    ) -> &[u32] {
        let (alone, before) = match self.processes.remove(&pid) {
            Some(before) => {
                self.unreadable -= usize::from(before.sockets.is_none());
                (before.alone, before.sockets)
            }
            None => (Arc::from([pid]), None),
        };
        let (had, has) = (before.as_deref().unwrap_or_default(), sockets.as_deref());
        let has = has.unwrap_or_default();
        let mut removed = ChangedLists::default();
        for_each_only_in(had, has, |inode| {
            remove(&mut self.by_inode, inode, pid, &mut removed);
        });
        let mut added = ChangedLists::default();
        for_each_only_in(has, had, |inode| {
            let owners = self.by_inode.entry(inode);
            let all = owners.and_modify(|owners| {
                *owners = changed(&mut added, owners, |before| union(before, &alone));
            });
            all.or_insert_with(|| Arc::clone(&alone));
        });
        self.unreadable += usize::from(sockets.is_none());
        let record = Record {
            clock,
            descriptors,
            sockets,
            alone,
        };
        let record = self.processes.entry(pid).insert_entry(record).into_mut();
        record.sockets()
    }

    /// Removes a process that has ended; whether a socket lost its last owner.
    pub(super) fn forget(&mut self, pid: Pid) -> bool {
        let Some(record) = self.processes.remove(&pid) else {
            return false;
        };
        self.unreadable -= usize::from(record.sockets.is_none());
        let (mut is_any_lost, mut removed) = (false, ChangedLists::default());
        for &inode in record.sockets() {
            is_any_lost |= remove(&mut self.by_inode, inode, pid, &mut removed);
        }
        is_any_lost
    }

    /// Removes every process that does not exist any more.
    pub(super) fn retain(&mut self, exists: impl Fn(Pid) -> bool) {
        let pids = self.processes.keys().copied();
        let ended: Vec<_> = pids.filter(|&pid| !exists(pid)).collect();
        for pid in ended {
            self.forget(pid);
        }
    }

    /// The owners of an inode, ascending, never empty; `None` if none were found.
    pub(super) fn owners(&self, inode: u32) -> Option<&Arc<[Pid]>> {
        self.by_inode.get(&inode)
    }

    /// The last scan of a process.
    pub(super) fn get(&self, pid: Pid) -> Option<&Record<C>> {
        self.processes.get(&pid)
    }

    /// Whether a process that may have sockets could not be read.
    pub(super) const fn has_unreadable(&self) -> bool {
        self.unreadable > 0
    }
}

/// Lists of owners that one scan changed, by address: before and after. Sockets that were inherited together share a
/// list, and it is copied once for all of them: copied for each, 200 listeners of 2,000 processes took seconds. The
/// list before is kept, so that no other gets its address.
type ChangedLists = HashMap<usize, (Arc<[Pid]>, Arc<[Pid]>), BuildSpread>;

fn changed(
    lists: &mut ChangedLists,
    list: &Arc<[Pid]>,
    change: impl FnOnce(&[Pid]) -> Arc<[Pid]>,
) -> Arc<[Pid]> {
    let before_and_after = lists.entry(list.as_ptr().addr());
    let (_, after) = before_and_after.or_insert_with(|| (Arc::clone(list), change(list)));
    Arc::clone(after)
}

/// Whether that left the inode without an owner.
fn remove(by_inode: &mut ByInode, inode: u32, pid: Pid, lists: &mut ChangedLists) -> bool {
    let Entry::Occupied(mut entry) = by_inode.entry(inode) else {
        return false;
    };
    let others = changed(lists, entry.get(), |before| {
        before.iter().copied().filter(|&it| it != pid).collect()
    });
    if others.is_empty() {
        entry.remove();
        return true;
    }
    entry.insert(others);
    false
}

/// Calls `visit` with each inode of the first list that is not in the second; both are ascending.
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

    impl ProcessIndex<()> {
        fn scan(&mut self, pid: Pid, inodes: &[u32]) {
            self.record(pid, (), Some(inodes.to_vec()), 0);
        }
    }

    #[test]
    fn a_second_scan_replaces_the_first() {
        let mut index = ProcessIndex::default();
        index.scan(10, &[1, 2, 3]);
        index.scan(11, &[2, 4]);
        index.scan(10, &[2, 5]);
        let owners = [1, 2, 3, 4, 5].map(|inode| index.owners(inode).map(|pids| pids.to_vec()));
        assert_eq!(
            owners,
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
    fn a_process_that_ends_leaves_shared_sockets_to_the_others() {
        let mut index = ProcessIndex::default();
        index.scan(11, &[1, 2]);
        index.scan(10, &[2]);
        assert!(!index.forget(10));
        assert_eq!(index.owners(2).map(|pids| &**pids), Some(&[11][..]));
        assert!(index.forget(11), "1 and 2 have no owner now");
        assert!(!index.forget(11), "it is forgotten already");
        assert!(index.by_inode.is_empty());
    }

    #[test]
    fn sockets_that_are_inherited_together_share_one_list_of_owners() {
        let mut index = ProcessIndex::default();
        for pid in [12, 10, 11] {
            index.scan(pid, &[1, 2, 3]);
        }
        index.scan(20, &[3, 4]);
        let is_shared = |index: &ProcessIndex<()>| {
            let [one, two] = [1, 2].map(|inode| index.owners(inode).unwrap());
            Arc::ptr_eq(one, two)
        };
        assert!(is_shared(&index));
        assert_eq!(**index.owners(1).unwrap(), [10, 11, 12]);
        assert_eq!(**index.owners(3).unwrap(), [10, 11, 12, 20]);
        index.forget(11);
        assert!(is_shared(&index));
        assert_eq!(**index.owners(1).unwrap(), [10, 12]);
        assert_eq!(**index.owners(3).unwrap(), [10, 12, 20]);
    }

    #[test]
    fn a_process_is_unreadable_until_a_scan_is_allowed() {
        let mut index = ProcessIndex::default();
        index.record(10, (), None, 0);
        index.record(10, (), None, 0);
        assert!(index.has_unreadable());
        index.scan(10, &[1]);
        assert!(!index.has_unreadable());
        index.record(10, (), None, 0);
        assert!(index.owners(1).is_none());
        index.retain(|_| false);
        assert!(!index.has_unreadable());
    }
}
