//! Entering a network namespace.
//!
//! A thread enters (`setns(2)`), never this program: a thread that ends leaves nothing behind. It takes `CAP_SYS_ADMIN` in
//! the user namespace that owns the namespace and in that of this program, and for `/proc/PID/ns/net` `CAP_SYS_PTRACE`.
//!
//! What a path below `/proc/PID` leads to is chosen by the user of that process: a FIFO, a terminal, a device. So a path is
//! found first (`O_PATH`), which opens nothing, and only a network namespace is opened.

use std::io;
use std::os::fd::{AsFd as _, AsRawFd as _, OwnedFd};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, fstat, fstatfs, open, openat2};
use rustix::io::Errno;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::socket_network::{cookie_of, network_of_socket};
use crate::model::Pid;
use crate::source::linux::netlink;
use crate::source::linux::owners::{Descriptor, options};

/// The file system of the files that refer to namespaces (`NSFS_MAGIC` of `linux/magic.h`).
const NSFS: u64 = 0x6e73_6673;

/// A way into a network namespace.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Entry {
    way: Way,
    /// The number of the namespace, by which another one is noticed that the way leads to by now; `None` if it is unknown.
    inode: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Way {
    /// A file that refers to it: `/proc/PID/ns/net`, a bind mount, a descriptor of a process.
    File(PathBuf),
    /// A process has this socket of it.
    Socket(Descriptor),
}

impl Entry {
    /// By a file that refers to it.
    pub(crate) fn file(path: impl Into<PathBuf>, inode: Option<u64>) -> Self {
        let way = Way::File(path.into());
        Self { way, inode }
    }

    /// By a process in it.
    pub(crate) fn process(pid: Pid, inode: Option<u64>) -> Self {
        Self::file(format!("/proc/{pid}/ns/net"), inode)
    }

    /// By a socket of it in the descriptor table of a process.
    pub(crate) const fn socket(descriptor: Descriptor, inode: Option<u64>) -> Self {
        let way = Way::Socket(descriptor);
        Self { way, inode }
    }

    /// The same, if it is the namespace with this number.
    pub(super) fn expecting(self, inode: u64) -> Self {
        Self {
            inode: Some(inode),
            ..self
        }
    }

    /// The file, or the socket below `/proc`.
    pub(super) fn path(&self) -> PathBuf {
        match &self.way {
            Way::File(path) => path.clone(),
            Way::Socket(Descriptor { pid, number }) => format!("/proc/{pid}/fd/{number}").into(),
        }
    }

    /// Opens a file that refers to the namespace, which keeps the namespace as long as it is open. Fails with `ESTALE` if it
    /// is another one by now.
    pub(super) fn open(&self) -> io::Result<OwnedFd> {
        let file = match &self.way {
            Way::File(path) => reopen(&self.checked(find(path)?)?)?,
            Way::Socket(descriptor) => network_of_socket(options::borrow(*descriptor)?)?,
        };
        self.checked(file)
    }

    /// The number of the namespace that it leads to now; `None` if that is none, or this user may not find out.
    pub(super) fn inode_now(&self) -> Option<u64> {
        let file = match &self.way {
            Way::File(path) => find(path).ok()?,
            Way::Socket(_) => self.open().ok()?,
        };
        let file = self.checked(file).ok()?;
        Some(fstat(&file).ok()?.st_ino)
    }

    /// The process whose `/proc/PID/ns/net` it is.
    pub(super) fn pid(&self) -> Option<Pid> {
        let Way::File(path) = &self.way else {
            return None;
        };
        let pid = path.to_str()?.strip_prefix("/proc/")?;
        let pid = pid.strip_suffix("/ns/net")?;
        let is_number = pid.bytes().all(|byte| byte.is_ascii_digit());
        pid.parse().ok().filter(|_| is_number)
    }

    /// The file, if its path is the same for other programs and no other user can change it: not a descriptor, nor what is
    /// mounted for another process.
    pub(super) fn stable_path(&self) -> Option<&Path> {
        let Way::File(path) = &self.way else {
            return None;
        };
        let is_stable = match path.strip_prefix("/proc") {
            Ok(_) => path.ends_with("ns/net") && root_and_rest(path).is_none(),
            Err(_) => true,
        };
        is_stable.then_some(path)
    }

    /// Whether a search of all processes, threads and mounts comes across it.
    pub(super) fn is_found_by_number(&self) -> bool {
        let Way::File(path) = &self.way else {
            return false;
        };
        let below = path.strip_prefix("/proc").ok();
        let kind = below.and_then(|below| below.components().nth(1));
        kind != Some(Component::Normal("fd".as_ref()))
    }

    /// Returns the file if it refers to the namespace.
    fn checked(&self, file: OwnedFd) -> io::Result<OwnedFd> {
        let is_namespace = u64::try_from(fstatfs(&file)?.f_type) == Ok(NSFS);
        let is_expected = |inode| Ok::<_, io::Error>(fstat(&file)?.st_ino == inode);
        if !is_namespace || !self.inode.map_or(Ok(true), is_expected)? {
            return Err(Errno::STALE.into());
        }
        Ok(file)
    }

    /// Moves the calling thread into the namespace. The file is closed again.
    pub(super) fn enter(&self) -> io::Result<()> {
        enter(&self.open()?)
    }
}

/// Finds a file without opening it.
fn find(path: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    if let Some((root, rest)) = root_and_rest(path) {
        let root = open(root, flags | OFlags::DIRECTORY, Mode::empty())?;
        // A link in there must not lead out of what its process sees.
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        match openat2(&root, rest, flags, Mode::empty(), resolve) {
            // Linux before 5.6, or a sandbox that does not know the call.
            Err(Errno::NOSYS | Errno::PERM) => {}
            found => return Ok(found?),
        }
    }
    Ok(rustix::fs::openat(CWD, path, flags, Mode::empty())?)
}

/// The two parts of a path below `/proc/PID/root`.
fn root_and_rest(path: &Path) -> Option<(PathBuf, &Path)> {
    let below = path.strip_prefix("/proc").ok()?;
    let mut parts = below.components();
    let (pid, root) = (parts.next()?, parts.next()?);
    let is_root = root == Component::Normal("root".as_ref());
    is_root.then(|| (Path::new("/proc").join(pid).join(root), parts.as_path()))
}

/// Opens a namespace that was found.
fn reopen(found: &OwnedFd) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let path = format!("/proc/self/fd/{}", found.as_raw_fd());
    Ok(open(path, flags, Mode::empty())?)
}

/// Moves the calling thread into the namespace that the file refers to.
fn enter(file: &OwnedFd) -> io::Result<()> {
    let network = Some(LinkNameSpaceType::Network);
    Ok(move_into_link_name_space(file.as_fd(), network)?)
}

/// Runs an action on a thread in the namespace that a file refers to, and waits for its end. Threads that it starts are in the
/// namespace, too; `/proc/self/net` and `/proc/net` stay those of this program, `/proc/thread-self/net` is that of the
/// namespace. Fails with `ESTALE` if that has another cookie than this one: numbers are given again at once, cookies never.
pub(super) fn within<T: Send>(
    file: OwnedFd,
    cookie: Option<u64>,
    action: impl FnOnce() -> T + Send,
) -> io::Result<T> {
    on_own_thread(|| {
        enter(&file)?;
        drop(file);
        let now = cookie.and_then(|_| own_cookie());
        if now.is_some() && now != cookie {
            return Err(Errno::STALE.into());
        }
        Ok(action())
    })?
}

/// The cookie of the network namespace that the calling thread is in.
pub(super) fn own_cookie() -> Option<u64> {
    cookie_of(netlink::open().ok()?)
}

/// Runs an action on a thread of its own, which may enter namespaces, and waits for its end.
pub(super) fn on_own_thread<T: Send>(action: impl FnOnce() -> T + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().spawn_scoped(scope, action)?;
        let ended = thread.join();
        Ok(ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}

#[cfg(test)]
#[path = "tests/enter.rs"]
mod tests;
