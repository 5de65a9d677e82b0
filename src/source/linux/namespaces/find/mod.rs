//! Finds the network namespaces of this machine, and how to get into each.
//!
//! | what keeps it | found by | in the live table |
//! |---|---|---|
//! | a process | `/proc/PID/ns/net`; without the right to read that, the inode of `/proc/PID/net/dev` | at the next snapshot, if a process started since |
//! | a thread that went elsewhere | `/proc/PID/task/TID/ns/net` | by the sweep |
//! | a bind mount, also in another mount namespace | `/proc/PID/mountinfo` | ours at the next snapshot, others by the sweep |
//! | a descriptor | a link `net:[INODE]` that the search for owners comes across | with the owners |
//! | a socket | a TCP or UDP socket that no table has | with the owners |
//!
//! The kernel lists no namespaces before 6.19 (`listns(2)`). The sweep reads every process again that ran since.

mod mounts;
mod processes;
mod sweep;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use rustix::fs::stat;

use self::mounts::Mounts;
use self::processes::Processes;
use super::enter::Entry;
use crate::model::{Moment, Pid};
use crate::source::linux::owners::Descriptor;
use crate::source::linux::scan;

/// The number by which a namespace is recognised, unless it has ended: numbers are given again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Number {
    /// That of `/proc/PID/ns/net`.
    Inode(u64),
    /// The inode of `/proc/PID/net/dev`, if the other one may not be read.
    Table(u64),
}

impl Number {
    pub(super) const fn inode(self) -> Option<u64> {
        match self {
            Self::Inode(inode) => Some(inode),
            Self::Table(_) => None,
        }
    }
}

/// Something that keeps a namespace, the most useful way into it first.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Reference {
    Process(Pid),
    Thread { pid: Pid, tid: Pid },
    Mount { id: u64, path: PathBuf },
    Descriptor(Descriptor),
    Socket(Descriptor),
}

impl Reference {
    pub(super) fn entry(&self, number: Number) -> Entry {
        let inode = number.inode();
        match self {
            Self::Process(pid) => Entry::process(*pid, inode),
            Self::Thread { pid, tid } => {
                Entry::file(format!("/proc/{pid}/task/{tid}/ns/net"), inode)
            }
            Self::Mount { path, .. } => Entry::file(path, inode),
            Self::Descriptor(one) => {
                Entry::file(format!("/proc/{}/fd/{}", one.pid, one.number), inode)
            }
            Self::Socket(one) => Entry::socket(*one, inode),
        }
    }

    /// Whether it is checked for each snapshot that it still refers to the namespace.
    pub(super) fn is_up_to_date(&self) -> bool {
        match self {
            Self::Process(_) => true,
            Self::Mount { path, .. } => !path.starts_with("/proc"),
            Self::Thread { .. } | Self::Descriptor(_) | Self::Socket(_) => false,
        }
    }

    /// The process that it is a part of.
    pub(super) const fn pid(&self) -> Option<Pid> {
        match self {
            Self::Process(pid) | Self::Thread { pid, .. } => Some(*pid),
            Self::Descriptor(one) | Self::Socket(one) => Some(one.pid),
            Self::Mount { .. } => None,
        }
    }
}

/// The references of each namespace.
pub(super) type Found = BTreeMap<Number, BTreeSet<Reference>>;

/// Finds them for one snapshot after another.
#[derive(Default)]
pub(super) struct Finder {
    /// Both numbers of our own namespace.
    own: Vec<Number>,
    processes: Processes,
    mounts: Mounts,
    /// The first number of a namespace by its second, as far as both were needed.
    inode_of_table: HashMap<u64, u64>,
    found: Found,
    /// Whether something that was found is gone.
    is_outdated: bool,
}

impl Finder {
    /// The namespaces but our own, with what keeps each in processes and mounts. `is_complete`: everything is read, as
    /// there is no later snapshot.
    pub(super) fn find(&mut self, at: Moment, is_complete: bool) -> &Found {
        if self.own.is_empty() {
            let inode = stat("/proc/self/ns/net").map(|own| Number::Inode(own.st_ino));
            let table = scan::network_of("self").map(Number::Table);
            self.own = [inode, table].into_iter().flatten().collect();
        }
        let mut is_changed = self.processes.update();
        is_changed |= self.processes.sweep(at, is_complete);
        is_changed |= self.mounts.update(&self.processes, at, is_complete);
        if std::mem::take(&mut self.is_outdated) || is_changed {
            self.collect();
        }
        &self.found
    }

    /// Forgets these, which are gone: the next snapshot lists the processes again.
    pub(super) fn forget(&mut self, gone: &[Reference]) {
        for reference in gone {
            if let Reference::Process(pid) | Reference::Thread { pid, .. } = reference {
                self.processes.forget(*pid);
                self.is_outdated = true;
            }
        }
    }

    /// Whether every process was read with its threads and mounts, so that what is found from now on is new.
    pub(super) const fn has_swept(&self) -> bool {
        self.processes.has_swept()
    }

    /// Whether this is our own namespace.
    pub(super) fn is_own(&self, number: Number) -> bool {
        self.own.contains(&number)
    }

    fn collect(&mut self) {
        let mut found = Found::new();
        let mounts = self.mounts.references();
        let mounts = mounts.map(|(inode, mount)| (Number::Inode(inode), mount));
        for (number, reference) in self.processes.references().chain(mounts) {
            if !self.is_own(number) {
                found.entry(number).or_default().insert(reference);
            }
        }
        self.join(&mut found);
        self.found = found;
    }

    /// Joins what is known of one namespace by either number: this user may read the first number of some of its
    /// processes, of others only the second.
    fn join(&mut self, found: &mut Found) {
        let tables: Vec<u64> = found
            .keys()
            .filter_map(|number| match number {
                Number::Table(table) => Some(*table),
                Number::Inode(_) => None,
            })
            .collect();
        if tables.is_empty() {
            return;
        }
        self.inode_of_table.clear();
        for (number, references) in &*found {
            if let (Number::Inode(inode), Some(Reference::Process(pid))) =
                (number, references.first())
                && let Ok(table) = scan::network_of(&pid.to_string())
            {
                self.inode_of_table.insert(table, *inode);
            }
        }
        for table in tables {
            if let Some(&inode) = self.inode_of_table.get(&table)
                && let Some(references) = found.remove(&Number::Table(table))
            {
                found
                    .entry(Number::Inode(inode))
                    .or_default()
                    .extend(references);
            }
        }
    }
}
