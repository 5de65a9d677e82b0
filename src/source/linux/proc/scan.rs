//! Reads the processes below `/proc` and the descriptors of each, `/proc/PID/fd`.
//!
//! A descriptor of a socket is a link to `socket:[INODE]`. Measured: 117 ms for 1,120 processes with 36,000 descriptors, 32
//! of them for the lists and the rest for the links, which the kernel makes when they are read. A descriptor table that a
//! single thread has is not read.

use std::collections::HashSet;
use std::mem::MaybeUninit;

use rustix::fd::{AsFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, RawDir, openat, readlinkat_raw, stat};
use rustix::io::{self, Errno};

use crate::model::Pid;

/// The size of a buffer for about 300 entries of a directory.
const ENTRIES: usize = 8 * 1024;

/// `/proc`, if this process is in it.
pub(crate) fn open_proc() -> io::Result<OwnedFd> {
    let proc = open_directory(CWD, c"/proc")?;
    stat("/proc/self")?;
    Ok(proc)
}

/// Whether this is the error for a process that has ended.
pub(crate) const fn has_ended(error: Errno) -> bool {
    matches!(error, Errno::NOENT | Errno::SRCH)
}

/// The calling thread, in the place of a pid: its network namespace may be another one than that of its process, which
/// `self` has.
pub(crate) const THIS_THREAD: &str = "thread-self";

/// A number that differs between network namespaces: the inode of a file below `/proc/PID/net`. Reading it takes no right
/// over the process, while `/proc/PID/ns/net` takes the same right as the descriptors.
pub(crate) fn network_of(process: &str) -> io::Result<u64> {
    Ok(stat(format!("/proc/{process}/net/dev"))?.st_ino)
}

/// Whether the calling thread entered another network namespace than that of its process.
pub(crate) fn is_inside_another_network() -> bool {
    let networks = [THIS_THREAD, "self"].map(network_of);
    matches!(networks, [Ok(here), Ok(own)] if here != own)
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

/// Calls `visit` with the number and the inode of each socket in a directory below `/proc` such as `12/fd`.
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

/// Calls `visit` with the number and the link of each descriptor in such a directory.
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
        // A descriptor may be closed after it was listed; that is not an error.
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

/// The number in a link to a namespace: 4026531840 in `net:[4026531840]`.
pub(crate) fn namespace(link: &[u8], prefix: &[u8]) -> Option<u64> {
    let digits = link.strip_prefix(prefix)?.strip_suffix(b"]")?;
    str::from_utf8(digits).ok()?.parse().ok()
}

/// The inodes in a table below `/proc/thread-self/net` such as `unix`, where each is this word of its line, counted from 0.
pub(crate) fn inodes_in(table: &str, word: usize) -> HashSet<u32> {
    let text = std::fs::read(format!("/proc/thread-self/net/{table}")).unwrap_or_default();
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
    fn a_link_to_a_namespace_has_its_namespace() {
        assert_eq!(
            namespace(b"net:[4026531840]", b"net:["),
            Some(4_026_531_840)
        );
        for other in ["mnt:[4026531840]", "net:[", "net:[]", "net:[x]", ""] {
            assert_eq!(namespace(other.as_bytes(), b"net:["), None, "{other}");
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
