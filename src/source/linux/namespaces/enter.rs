//! Entering a network namespace.
//!
//! A thread enters (`setns(2)`), never this program: a thread that ends leaves nothing behind. It takes `CAP_SYS_ADMIN` in
//! the user namespace that owns the namespace and in that of this program, and for `/proc/PID/ns/net` `CAP_SYS_PTRACE`.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::PathBuf;

use rustix::fs::{Mode, OFlags, fstat, open};
use rustix::io::Errno;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use super::socket_network::network_of_socket;
use crate::model::Pid;
use crate::source::linux::owners::{Descriptor, options};

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
            Way::File(path) => open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?,
            Way::Socket(descriptor) => network_of_socket(options::borrow(*descriptor)?)?,
        };
        match self.inode {
            Some(inode) if fstat(&file)?.st_ino != inode => Err(Errno::STALE.into()),
            _ => Ok(file),
        }
    }

    /// Moves the calling thread into the namespace. The file is closed again.
    pub(super) fn enter(&self) -> io::Result<()> {
        enter(&self.open()?)
    }
}

/// Moves the calling thread into the namespace that the file refers to.
fn enter(file: &OwnedFd) -> io::Result<()> {
    let network = Some(LinkNameSpaceType::Network);
    Ok(move_into_link_name_space(file.as_fd(), network)?)
}

/// Runs an action on a thread in the namespace that a file refers to, and waits for its end. Threads that it starts are in the
/// namespace, too; `/proc/self/net` and `/proc/net` stay those of this program, `/proc/thread-self/net` is that of the
/// namespace.
pub(super) fn within<T: Send>(file: OwnedFd, action: impl FnOnce() -> T + Send) -> io::Result<T> {
    on_own_thread(|| {
        enter(&file)?;
        drop(file);
        Ok(action())
    })?
}

/// Runs an action on a thread of its own, which may enter namespaces, and waits for its end.
pub(super) fn on_own_thread<T: Send>(action: impl FnOnce() -> T + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().spawn_scoped(scope, action)?;
        let ended = thread.join();
        Ok(ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    })
}
