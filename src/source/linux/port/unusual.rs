//! Where a socket can be that is in no process's table of descriptors: with a single thread, with an
//! `io_uring`, or in a message between processes. Looked at only for what was found nowhere else.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::fs::fstat;
use rustix::io;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use super::super::scan;
use super::options;
use super::seek::Descriptor;
use crate::model::{Pid, Place};

/// The most descriptors that a message can carry (`SCM_MAX_FD` of the kernel).
const MOST_IN_A_MESSAGE: usize = 253;

/// Threads beyond this number are not looked at: whoever has so many shares one table.
const MAX_THREADS: usize = 4096;

/// What was found of one inode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// The processes, ascending.
    pub(super) pids: Vec<Pid>,
    pub(super) place: Place,
}

/// Looks for these inodes. Also tells the processes in whose messages it could not look to the end.
///
/// # Errors
/// When `/proc` can't be read.
pub(super) fn seek(wanted: &HashSet<u32>) -> io::Result<(HashMap<u32, Found>, Vec<Pid>)> {
    let proc = scan::open_proc()?;
    let unix_sockets = scan::inodes_in("unix", 6);
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
                let count = if is_unix { carried(pid, number) } else { 0 };
                if count > 0 {
                    let seen = peek(Descriptor { pid, number }).unwrap_or_default();
                    if seen.len() < count {
                        couriers.push(pid);
                    }
                    for inode in seen.into_iter().filter(|inode| wanted.contains(inode)) {
                        add(&mut found, inode, pid, Place::InFlight);
                    }
                }
            }
        });
    }
    couriers.dedup();
    Ok((found, couriers))
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

/// How many descriptors wait in the messages on a unix socket (`scm_fds`, since Linux 5.12).
fn carried(pid: Pid, number: u32) -> usize {
    let fdinfo = fdinfo(pid, number);
    let mut counts = fdinfo
        .lines()
        .filter_map(|line| line.strip_prefix("scm_fds:"));
    counts
        .next()
        .and_then(|count| count.trim().parse().ok())
        .unwrap_or(0)
}

/// The inodes of the descriptors in the first message on a unix socket. The message stays where it is
/// (`MSG_PEEK`); the copies of its descriptors that come with the look are closed at once.
fn peek(descriptor: Descriptor) -> io::Result<Vec<u32>> {
    let socket = options::borrow(descriptor)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_IN_A_MESSAGE))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0; 1];
    let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    recvmsg(
        &socket,
        &mut [IoSliceMut::new(&mut byte)],
        &mut ancillary,
        flags,
    )?;
    let mut inodes = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(carried) = message {
            for one in carried {
                inodes.push(u32::try_from(fstat(&one)?.st_ino).unwrap_or(0));
            }
        }
    }
    Ok(inodes)
}

fn fdinfo(pid: Pid, number: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/fdinfo/{number}")).unwrap_or_default()
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
