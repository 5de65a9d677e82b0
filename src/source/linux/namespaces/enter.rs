//! Entering a network namespace.
//!
//! A thread enters (`setns(2)`), never this program: a thread that ends leaves nothing behind. It takes `CAP_SYS_ADMIN` in
//! the user namespace that owns the namespace and in that of this program, and for `/proc/PID/ns/net` `CAP_SYS_PTRACE`.

use std::fs::File;
use std::io;
use std::os::fd::AsFd as _;
use std::path::PathBuf;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// A file that refers to a network namespace: `/proc/PID/ns/net`, a bind mount, a descriptor of a process.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Entry(pub(crate) PathBuf);

impl Entry {
    /// Moves the calling thread into the namespace. The file is closed again.
    pub(crate) fn enter(&self) -> io::Result<()> {
        let file = File::open(&self.0)?;
        Ok(move_into_link_name_space(
            file.as_fd(),
            Some(LinkNameSpaceType::Network),
        )?)
    }
}

/// Runs an action on a thread in that namespace, and waits for its end. Threads that it starts are in the namespace, too;
/// `/proc/self/net` and `/proc/net` stay those of this program, `/proc/thread-self/net` is that of the namespace.
pub(crate) fn within<T: Send>(entry: &Entry, action: impl FnOnce() -> T + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        let inside = std::thread::Builder::new().spawn_scoped(scope, || {
            entry.enter()?;
            Ok(action())
        });
        let ended = inside?.join();
        ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
