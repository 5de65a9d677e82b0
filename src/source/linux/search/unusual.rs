//! Where a socket can be that is in no process's table of descriptors: with a single thread, with an
//! `io_uring`, or in a message between processes. Looked at only for what was found nowhere else.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags, fstat, openat};
use rustix::io;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use super::options;
use super::seek::Descriptor;
use crate::model::{Pid, Place};
use crate::source::linux::scan;

/// The most descriptors that a message can carry (`SCM_MAX_FD` of the kernel).
const MOST_IN_A_MESSAGE: usize = 253;

/// Threads of a process beyond this number are not looked at: whoever has so many shares one table.
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
    let mut look = Look::new(wanted);
    for pid in scan::pids(&proc)? {
        // Whoever can't be looked at is counted where every tool looks.
        if let Ok(process) = scan::open_directory(&proc, pid.to_string()) {
            look.at(&process, pid);
        }
    }
    look.couriers.dedup();
    Ok((look.found, look.couriers))
}

/// Whether one of these inodes is with this process, whose directory below `/proc` is given.
pub(crate) fn are_with(process: &OwnedFd, pid: Pid, wanted: &HashSet<u32>) -> bool {
    let mut look = Look::new(wanted);
    look.at(process, pid);
    !look.found.is_empty()
}

/// A look at some processes, one after the other.
struct Look<'a> {
    wanted: &'a HashSet<u32>,
    unix_sockets: HashSet<u32>,
    found: HashMap<u32, Found>,
    couriers: Vec<Pid>,
}

impl<'a> Look<'a> {
    fn new(wanted: &'a HashSet<u32>) -> Self {
        Self {
            wanted,
            unix_sockets: scan::inodes_in("unix", 6),
            found: HashMap::new(),
            couriers: Vec::new(),
        }
    }

    fn at(&mut self, process: &OwnedFd, pid: Pid) {
        let others = tasks(process).into_iter().filter(|&task| task != pid);
        for task in others.take(MAX_THREADS) {
            self.at_thread(process, pid, task);
        }
        let _ = scan::visit_links(process, "fd", |number, link| match link {
            b"anon_inode:[io_uring]" => {
                for inode in registered(&fdinfo(process, number)) {
                    self.add(inode, pid, Place::Ring);
                }
            }
            link => {
                let is_unix = scan::inode(link).is_some_and(|it| self.unix_sockets.contains(&it));
                if is_unix {
                    self.at_messages(process, Descriptor { pid, number });
                }
            }
        });
    }

    fn at_thread(&mut self, process: &OwnedFd, pid: Pid, task: Pid) {
        // Whatever can't be looked at is counted where the process itself is.
        let _ = scan::visit_sockets(process, &format!("task/{task}/fd"), |_, inode| {
            self.add(inode, pid, Place::Thread);
        });
    }

    fn at_messages(&mut self, process: &OwnedFd, descriptor: Descriptor) {
        let count = carried(&fdinfo(process, descriptor.number));
        if count == 0 {
            return;
        }
        let seen = peek(descriptor).unwrap_or_default();
        if seen.len() < count {
            self.couriers.push(descriptor.pid);
        }
        for inode in seen {
            self.add(inode, descriptor.pid, Place::InFlight);
        }
    }

    fn add(&mut self, inode: u32, pid: Pid, place: Place) {
        if !self.wanted.contains(&inode) {
            return;
        }
        let entry = self.found.entry(inode).or_insert_with(|| Found {
            pids: Vec::new(),
            place,
        });
        if entry.place == place && !entry.pids.contains(&pid) {
            entry.pids.push(pid);
            entry.pids.sort_unstable();
        }
    }
}

fn tasks(process: &OwnedFd) -> Vec<Pid> {
    let tasks = scan::open_directory(process, "task");
    tasks
        .and_then(|tasks| scan::pids(&tasks))
        .unwrap_or_default()
}

/// `UserFiles:` of a ring's `fdinfo` counts what is registered; a line for each follows, such as
/// `    0: socket:[4242]`.
fn registered(fdinfo: &str) -> impl Iterator<Item = u32> + '_ {
    let files = fdinfo
        .lines()
        .skip_while(|line| !line.starts_with("UserFiles:"));
    let files = files.skip(1).take_while(|line| line.starts_with(' '));
    files.filter_map(|line| scan::inode(line.split_once(": ")?.1.as_bytes()))
}

/// How many descriptors wait in the messages on a unix socket (`scm_fds`, since Linux 5.12).
fn carried(fdinfo: &str) -> usize {
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

fn fdinfo(process: &OwnedFd, number: u32) -> String {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = openat(process, format!("fdinfo/{number}"), flags, Mode::empty());
    file.map_err(std::io::Error::from)
        .and_then(|file| std::io::read_to_string(File::from(file)))
        .unwrap_or_default()
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
