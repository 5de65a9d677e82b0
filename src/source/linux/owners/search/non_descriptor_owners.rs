//! Owners of sockets that are in no process's descriptor table: they are in the table of a single thread, in an `io_uring`,
//! or in a message between processes.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{Mode, OFlags, fstat, openat};
use rustix::io;
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

use super::{Descriptor, options};
use crate::model::{FoundIn, Pid};
use crate::source::linux::owners::union;
use crate::source::linux::proc::scan;

/// The most descriptors that a message can carry (`SCM_MAX_FD` of the kernel).
const MAX_IN_MESSAGE: usize = 253;

/// How many threads of a process are scanned at most: a process with so many shares one table among them.
const MAX_THREADS: usize = 4096;

/// Searches for some inodes outside the descriptor tables of processes.
pub(crate) struct NonDescriptorSearch<'a> {
    wanted: &'a HashSet<u32>,
    unix_sockets: HashSet<u32>,
    /// The processes of each inode, ascending, and where they have it.
    pub(crate) found: HashMap<u32, (Arc<[Pid]>, FoundIn)>,
    /// The processes whose messages could not be read to the end.
    unread: Vec<Pid>,
}

impl<'a> NonDescriptorSearch<'a> {
    pub(crate) fn new(wanted: &'a HashSet<u32>) -> Self {
        Self {
            wanted,
            unix_sockets: scan::inodes_in("unix", 6),
            found: HashMap::new(),
            unread: Vec::new(),
        }
    }

    /// Searches all processes. Fails if `/proc` can't be read.
    pub(super) fn scan_all(&mut self) -> io::Result<()> {
        let proc = scan::open_proc()?;
        for pid in scan::pids(&proc)? {
            // That a process can't be read is known from the descriptor tables.
            if let Ok(process) = scan::open_directory(&proc, pid.to_string()) {
                self.scan(&process, pid);
            }
        }
        self.unread.dedup();
        Ok(())
    }

    /// The gap if a missing socket may be in an unreadable message.
    pub(super) fn unread_messages(&self) -> Option<String> {
        let is_found = |inode: &u32| self.found.contains_key(inode);
        if self.unread.is_empty() || self.wanted.iter().all(is_found) {
            return None;
        }
        let pids: Vec<_> = self.unread.iter().map(ToString::to_string).collect();
        Some(format!(
            "descriptors wait in messages to other processes (pid {}): a socket may be among them",
            pids.join(", ")
        ))
    }

    /// Searches one process, by its directory below `/proc`.
    pub(crate) fn scan(&mut self, process: &OwnedFd, pid: Pid) {
        let tasks = scan::open_directory(process, "task").and_then(|tasks| scan::pids(&tasks));
        let others = tasks.into_iter().flatten().filter(|&task| task != pid);
        for task in others.take(MAX_THREADS) {
            let _ = scan::visit_sockets(process, &format!("task/{task}/fd"), |_, inode| {
                self.add(inode, pid, FoundIn::Thread);
            });
        }
        let _ = scan::visit_links(process, "fd", |number, link| {
            if link == b"anon_inode:[io_uring]" {
                for inode in registered(&fdinfo(process, number)) {
                    self.add(inode, pid, FoundIn::Ring);
                }
            } else if scan::inode(link).is_some_and(|it| self.unix_sockets.contains(&it)) {
                let count = carried(&fdinfo(process, number));
                if count > 0 {
                    let inodes = peek(Descriptor { pid, number }).unwrap_or_default();
                    if inodes.len() < count {
                        self.unread.push(pid);
                    }
                    for inode in inodes {
                        self.add(inode, pid, FoundIn::InFlight);
                    }
                }
            }
        });
    }

    fn add(&mut self, inode: u32, pid: Pid, place: FoundIn) {
        if !self.wanted.contains(&inode) {
            return;
        }
        let found = self.found.entry(inode);
        let (pids, first_place) = found.or_insert_with(|| ([].into(), place));
        if *first_place == place {
            *pids = union(pids, &[pid]);
        }
    }
}

/// `UserFiles:` of a ring's `fdinfo` counts what is registered; a line for each follows, such as
/// `    0: socket:[4242]`.
fn registered(fdinfo: &str) -> impl Iterator<Item = u32> + '_ {
    let lines = fdinfo.lines();
    let files = lines.skip_while(|line| !line.starts_with("UserFiles:"));
    let files = files.skip(1).take_while(|line| line.starts_with(' '));
    files.filter_map(|line| scan::inode(line.split_once(": ")?.1.as_bytes()))
}

/// How many descriptors wait in the messages on a unix socket (`scm_fds`, since Linux 5.12).
fn carried(fdinfo: &str) -> usize {
    let mut lines = fdinfo.lines();
    let count = lines.find_map(|line| line.strip_prefix("scm_fds:")?.trim().parse().ok());
    count.unwrap_or(0)
}

/// The inodes of the descriptors in the first message on a unix socket. The message stays in the queue (`MSG_PEEK`); the
/// copies of its descriptors that come with it are closed at once.
fn peek(descriptor: Descriptor) -> io::Result<Vec<u32>> {
    let socket = options::borrow(descriptor)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_IN_MESSAGE))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0; 1];
    let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    let mut data = [IoSliceMut::new(&mut byte)];
    recvmsg(&socket, &mut data, &mut ancillary, flags)?;
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
