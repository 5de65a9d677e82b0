//! Where a socket can be that is in no process's table of descriptors: with a single thread, with an
//! `io_uring`, or in a message between processes. Looked at only for what was found nowhere else.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::fd::OwnedFd;

use rustix::io;

use super::super::scan;
use crate::model::{Pid, Place};

/// Threads beyond this number are not looked at: whoever has so many shares one table.
const MAX_THREADS: usize = 4096;

/// What was found of one inode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The processes, ascending.
    pub(super) pids: Vec<Pid>,
    pub(super) place: Place,
}

/// Looks for these inodes.
///
/// # Errors
/// When `/proc` can't be read.
pub(super) fn seek(wanted: &HashSet<u32>) -> io::Result<HashMap<u32, Found>> {
    let proc = scan::open_proc()?;
    let unix_sockets = unix_sockets();
    let mut found = HashMap::new();
    let mut couriers = Vec::new();
    let mut threads = 0;
    for pid in scan::pids(&proc)? {
        for task in tasks(pid).into_iter().filter(|&task| task != pid) {
            threads += 1;
            if threads <= MAX_THREADS {
                look_at_thread(&proc, pid, task, wanted, &mut found);
            }
        }
        look_at_files(&proc, pid, |number, link| match link {
            b"anon_inode:[io_uring]" => look_at_ring(pid, number, wanted, &mut found),
            link => {
                let is_unix = scan::inode(link).is_some_and(|it| unix_sockets.contains(&it));
                if is_unix && carries_descriptors(pid, number) {
                    couriers.push(pid);
                }
            }
        });
    }
    couriers.dedup();
    for &inode in wanted.iter().filter(|_| !couriers.is_empty()) {
        found.entry(inode).or_insert_with(|| Found {
            pids: couriers.clone(),
            place: Place::InFlight,
        });
    }
    Ok(found)
}

fn add(found: &mut HashMap<u32, Found>, inode: u32, pid: Pid, place: Place) {
    let entry = found.entry(inode).or_insert_with(|| Found {
        pids: Vec::new(),
        place,
    });
    if entry.place == place && !entry.pids.contains(&pid) {
        entry.pids.push(pid);
        entry.pids.sort_unstable();
    }
}

fn tasks(pid: Pid) -> Vec<Pid> {
    let entries = fs::read_dir(format!("/proc/{pid}/task"));
    let names = entries.into_iter().flatten().flatten();
    names
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

fn look_at_thread(
    proc: &OwnedFd,
    pid: Pid,
    task: Pid,
    wanted: &HashSet<u32>,
    found: &mut HashMap<u32, Found>,
) {
    // Whatever can't be looked at is counted where the process itself is.
    let _ = scan::visit_sockets(proc, &format!("{pid}/task/{task}/fd"), |_, inode| {
        if wanted.contains(&inode) {
            add(found, inode, pid, Place::Thread);
        }
    });
}

fn look_at_files(proc: &OwnedFd, pid: Pid, visit: impl FnMut(u32, &[u8])) {
    let _ = scan::visit_links(proc, &format!("{pid}/fd"), visit);
}

/// `UserFiles:` of a ring's `fdinfo` counts what is registered; a line for each follows, such as
/// `    0: socket:[4242]`.
fn look_at_ring(pid: Pid, number: u32, wanted: &HashSet<u32>, found: &mut HashMap<u32, Found>) {
    for inode in registered(&fdinfo(pid, number)).filter(|inode| wanted.contains(inode)) {
        add(found, inode, pid, Place::Ring);
    }
}

fn registered(fdinfo: &str) -> impl Iterator<Item = u32> + '_ {
    let files = fdinfo
        .lines()
        .skip_while(|line| !line.starts_with("UserFiles:"));
    let files = files.skip(1).take_while(|line| line.starts_with(' '));
    files.filter_map(|line| scan::inode(line.split_once(": ")?.1.as_bytes()))
}

/// Whether messages with descriptors wait in a unix socket (`scm_fds` since Linux 5.12).
fn carries_descriptors(pid: Pid, number: u32) -> bool {
    let fdinfo = fdinfo(pid, number);
    let mut counts = fdinfo
        .lines()
        .filter_map(|line| line.strip_prefix("scm_fds:"));
    counts.any(|count| count.trim() != "0")
}

fn fdinfo(pid: Pid, number: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/fdinfo/{number}")).unwrap_or_default()
}

/// The inodes of this namespace's unix sockets, the seventh word of each line.
fn unix_sockets() -> HashSet<u32> {
    let text = fs::read("/proc/net/unix").unwrap_or_default();
    text.split(|&byte| byte == b'\n')
        .filter_map(|line| {
            let mut words = line
                .split(|&byte| byte == b' ')
                .filter(|word| !word.is_empty());
            scan::decimal(words.nth(6)?)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registered_files_of_a_ring_are_the_lines_below_their_count() {
        let fdinfo = "pos:\t0\nino:\t69584\nUserFiles:\t3\n    0: socket:[69585]\n    1: /dev/null\n    \
                      2: <none>\nUserBufs:\t1\n    0: socket:[1]\n";
        assert_eq!(registered(fdinfo).collect::<Vec<_>>(), [69_585]);
        assert_eq!(registered("UserFiles:\t0\nUserBufs:\t0\n").count(), 0);
        assert_eq!(registered("").count(), 0);
    }
}
