//! How `/proc/PID/fd` is read: which sockets a process holds.
//!
//! A descriptor of a socket is a link that reads `socket:[INODE]`. Measured: 117 ms for 1,120
//! processes with 36,000 descriptors, 32 of them for the lists alone and the rest in the kernel's
//! making of the links. Descriptors are read for the process as a whole, not for its threads; a thread
//! with a table of its own is not looked at.

use std::collections::HashSet;
use std::mem::MaybeUninit;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, RawDir, openat, readlinkat_raw, stat};
use rustix::io::{self, Errno};

use crate::model::Pid;

/// Room for the entries of a directory; about 300 at a time.
const ENTRIES: usize = 8 * 1024;

/// `/proc`, if it is the one that is meant: with this process in it.
pub(crate) fn open_proc() -> io::Result<OwnedFd> {
    let proc = open_directory(CWD, c"/proc")?;
    stat("/proc/self")?;
    Ok(proc)
}

/// Whether that is what the kernel says of a process that is no more.
pub(crate) const fn is_gone(error: Errno) -> bool {
    matches!(error, Errno::NOENT | Errno::SRCH)
}

/// What tells network namespaces apart without any right to look at the process: the files below
/// `/proc/PID/net` are the namespace's own, so their inodes differ. (`/proc/PID/ns/net`, which is
/// meant for that, takes the same right as the descriptors.)
pub(crate) fn network_of(process: &str) -> io::Result<u64> {
    Ok(stat(format!("/proc/{process}/net/dev"))?.st_ino)
}

/// Lets `/proc` be listed from its beginning again.
pub(crate) fn rewind(proc: &OwnedFd) -> io::Result<()> {
    rustix::fs::seek(proc, rustix::fs::SeekFrom::Start(0)).map(drop)
}

pub(crate) fn pids(proc: &OwnedFd) -> io::Result<Vec<Pid>> {
    let mut pids = Vec::new();
    let mut buffer = [MaybeUninit::uninit(); ENTRIES];
    let mut entries = RawDir::new(proc, &mut buffer);
    while let Some(entry) = entries.next() {
        pids.extend(decimal(entry?.file_name().to_bytes()));
    }
    Ok(pids)
}

/// Calls `visit` with the number and the inode of each descriptor that is a socket, in a directory
/// below `/proc` such as `12/fd`.
pub(crate) fn visit_sockets(
    proc: &OwnedFd,
    directory: &str,
    mut visit: impl FnMut(u32, u32),
) -> io::Result<()> {
    visit_links(proc, directory, |descriptor, link| {
        if let Some(inode) = inode(link) {
            visit(descriptor, inode);
        }
    })
}

/// Calls `visit` with the number of each descriptor in such a directory, and what it is a link to.
pub(crate) fn visit_links(
    proc: &OwnedFd,
    directory: &str,
    mut visit: impl FnMut(u32, &[u8]),
) -> io::Result<()> {
    let descriptors = open_directory(proc, directory)?;
    let mut buffer = [MaybeUninit::uninit(); ENTRIES];
    let mut link = [MaybeUninit::uninit(); 64];
    let mut entries = RawDir::new(&descriptors, &mut buffer);
    while let Some(entry) = entries.next() {
        let entry = entry?;
        let Some(descriptor) = decimal(entry.file_name().to_bytes()) else {
            continue;
        };
        // A descriptor may be closed between the list and this look; that is no error.
        match readlinkat_raw(&descriptors, entry.file_name(), &mut link) {
            Ok((target, _)) => visit(descriptor, target),
            Err(Errno::ACCESS | Errno::PERM) => return Err(Errno::ACCESS),
            Err(_) => {}
        }
    }
    Ok(())
}

pub(crate) fn open_directory(at: impl AsFd, path: impl rustix::path::Arg) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(at, path, flags, Mode::empty())
}

/// The inode of `socket:[4242]`; `None` for any other link.
pub(crate) fn inode(link: &[u8]) -> Option<u32> {
    decimal(link.strip_prefix(b"socket:[")?.strip_suffix(b"]")?)
}

/// The inodes in a table below `/proc/net` such as `unix`, where each is this word of its line, from 0.
pub(crate) fn inodes_in(table: &str, word: usize) -> HashSet<u32> {
    let text = std::fs::read(format!("/proc/net/{table}")).unwrap_or_default();
    let inode = |line: &[u8]| {
        let words = line.split(|&byte| byte == b' ');
        let mut words = words.filter(|word| !word.is_empty());
        decimal(words.nth(word)?)
    };
    text.split(|&byte| byte == b'\n')
        .filter_map(inode)
        .collect()
}

pub(crate) fn decimal(digits: &[u8]) -> Option<u32> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn only_links_to_sockets_have_an_inode() {
        assert_eq!(inode(b"socket:[4242]"), Some(4242));
        for other in [
            "pipe:[4242]",
            "socket:[",
            "socket:[]",
            "socket:[x]",
            "/dev/null",
            "",
        ] {
            assert_eq!(inode(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn the_descriptors_of_this_process_are_found() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let number = std::os::fd::AsRawFd::as_raw_fd(&socket);
        let path = format!("/proc/self/fd/{number}");
        let expected = u32::try_from(std::fs::metadata(path).unwrap().ino()).unwrap();
        let mut found = Vec::new();
        let proc = open_proc().unwrap();
        visit_sockets(&proc, "self/fd", |descriptor, inode| {
            found.push((descriptor, inode));
        })
        .unwrap();
        assert!(found.contains(&(number.cast_unsigned(), expected)));
    }
}
