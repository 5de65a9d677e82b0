//! Bind mounts of network namespaces: those of `ip netns`, of Docker, of rootless engines in a mount namespace of theirs.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::stat;

use super::Reference;
use super::processes::Processes;
use crate::model::{Moment, Pid};
use crate::source::linux::mounts::mounts;
use crate::source::linux::scan;

/// The mounts of another mount namespace are read again after this time.
const REREAD_AFTER: Duration = Duration::from_secs(10);

/// How often it is checked which of them are due.
const CHECK_AFTER: Duration = Duration::from_secs(2);

/// The most of them to read for one snapshot: about 40 µs each.
const MOST_READ: usize = 8;

/// The most to read of them: any user may have many mounts.
const MOST_BYTES: u64 = 1 << 20;

/// A bind mount of a network namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
struct NetworkMount {
    inode: u64,
    id: u64,
    path: PathBuf,
}

#[derive(Default)]
pub(super) struct Mounts {
    /// `/proc/self/mountinfo`, which has an event when a mount changes (`proc_pid_mountinfo(5)`).
    file: Option<File>,
    own: Vec<NetworkMount>,
    /// By the number of the mount namespace.
    others: HashMap<u64, Other>,
    checked_at: Option<Moment>,
}

struct Other {
    read_at: Moment,
    mounts: Vec<NetworkMount>,
}

impl Mounts {
    /// Reads what has changed. Whether anything has.
    pub(super) fn update(&mut self, processes: &Processes, at: Moment, is_complete: bool) -> bool {
        let is_changed = self.update_own();
        is_changed | self.update_others(processes, at, is_complete)
    }

    pub(super) fn references(&self) -> impl Iterator<Item = (u64, Reference)> {
        let others = self.others.values().flat_map(|other| &other.mounts);
        self.own.iter().chain(others).map(|mount| {
            let NetworkMount { inode, id, path } = mount.clone();
            (inode, Reference::Mount { id, path })
        })
    }

    fn update_own(&mut self) -> bool {
        let is_first = self.file.is_none();
        if is_first {
            self.file = File::open("/proc/self/mountinfo").ok();
        }
        let Some(file) = &mut self.file else {
            return false;
        };
        let mut events = [PollFd::new(file, PollFlags::PRI)];
        let polled = poll(&mut events, Some(&Timespec::default()));
        if !is_first && polled == Ok(0) {
            return false;
        }
        let mut text = Vec::new();
        let read = file.rewind().and_then(|()| file.read_to_end(&mut text));
        if read.is_err() {
            self.file = None;
            return false;
        }
        let mounts = network_mounts(&text, Path::new("/"));
        let is_changed = mounts != self.own;
        self.own = mounts;
        is_changed
    }

    fn update_others(&mut self, processes: &Processes, at: Moment, is_complete: bool) -> bool {
        // Those are read by the sweep of the processes.
        if !is_complete && !processes.has_swept() && !self.others.is_empty() {
            return false;
        }
        let is_due = self
            .checked_at
            .is_none_or(|then| then.age(at) >= CHECK_AFTER);
        if !is_complete && !is_due {
            return false;
        }
        self.checked_at = Some(at);
        let Ok(own) = stat("/proc/self/ns/mnt").map(|own| own.st_ino) else {
            return false;
        };
        let mut namespaces = processes.mount_namespaces();
        namespaces.remove(&own);
        let known = self.others.len();
        self.others
            .retain(|number, _| namespaces.contains_key(number));
        let mut is_changed = self.others.len() != known;
        let mut left = if is_complete { usize::MAX } else { MOST_READ };
        for (number, pid) in namespaces {
            let before = self.others.get(&number);
            let is_due = before.is_none_or(|one| one.read_at.age(at) >= REREAD_AFTER);
            if !is_due || left == 0 {
                continue;
            }
            left -= 1;
            let mounts = of_process(pid);
            is_changed |= before.map_or(&[][..], |one| &one.mounts) != mounts;
            self.others.insert(
                number,
                Other {
                    read_at: at,
                    mounts,
                },
            );
        }
        is_changed
    }
}

fn of_process(pid: Pid) -> Vec<NetworkMount> {
    let mut text = Vec::new();
    let file = File::open(format!("/proc/{pid}/mountinfo"));
    if let Ok(file) = file {
        // What was read until an error counts.
        let _ = file.take(MOST_BYTES).read_to_end(&mut text);
    }
    network_mounts(&text, Path::new(&format!("/proc/{pid}/root")))
}

/// The network namespaces among the mounts of a `mountinfo`, with paths below this root.
fn network_mounts(mountinfo: &[u8], root: &Path) -> Vec<NetworkMount> {
    let is_network = |line: &&[u8]| line.windows(5).any(|word| word == b"net:[");
    let lines = mountinfo.split(|&byte| byte == b'\n').filter(is_network);
    let found = lines.flat_map(mounts).filter_map(|mount| {
        let point = mount.point.strip_prefix("/").unwrap_or(&mount.point);
        Some(NetworkMount {
            inode: scan::namespace(&mount.root, b"net:[").filter(|_| mount.kind == b"nsfs")?,
            id: mount.id,
            path: root.join(point),
        })
    });
    found.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_mounts_of_network_namespaces_are_found() {
        let mountinfo = b"31 23 0:28 / /sys/fs/cgroup rw shared:9 - tmpfs tmpfs rw\n\
            40 31 0:4 net:[4026532254] /run/netns/red rw shared:5 - nsfs nsfs rw\n\
            41 31 0:4 mnt:[4026532255] /run/other rw - nsfs nsfs rw\n\
            42 31 0:40 /net:[1] /odd rw - tmpfs tmpfs rw\n";
        let found = network_mounts(mountinfo, Path::new("/proc/7/root"));
        let expected = NetworkMount {
            inode: 4_026_532_254,
            id: 40,
            path: "/proc/7/root/run/netns/red".into(),
        };
        assert_eq!(found, [expected]);
    }
}
