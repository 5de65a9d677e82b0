//! Finds the processes that have each socket, by reading `/proc/PID/fd`.
//!
//! There are two scan policies over one reader (`procfs`):
//!
//! | policy | for | order | budget | stops |
//! |---|---|---|---|---|
//! | `index` | the live table: every socket, snapshot after snapshot | listeners on the port, new processes, those with sockets, the others; only those that ran since | descriptors per second | when every new socket is found; a sweep checks all processes every 10 s |
//! | `search` | one port or a few sockets, once | processes of the same control group, of the same user, those with many descriptors | none | when every socket is found, if the machine has many descriptors; then parents and children of the owners |
//!
//! A search also finds owners (`search::non_descriptor_owners`) for sockets that no descriptor table has.

pub(crate) mod accept_queue;
pub(crate) mod index;
mod procfs;
pub(crate) mod search;

use std::sync::Arc;

use crate::model::Pid;
use crate::source::{HiddenReason, OwnerPids};

pub(crate) use self::search::{Descriptor, Hints, Owners, joined, options, spawn};

impl OwnerPids {
    /// Of a socket that no scanned process has: `is_certain` from the second search on. At the first one it may have been
    /// closed between table and scan, or be in flight between processes.
    pub(super) fn not_found(hidden: Option<HiddenReason>, is_certain: bool) -> Self {
        match (hidden, is_certain) {
            (Some(HiddenReason::OtherNamespace), false) => Self::Unknown,
            (Some(_), _) => Self::Hidden,
            (None, true) => Self::Kernel,
            (None, false) => Self::None,
        }
    }
}

/// The pids of both lists, ascending, each once.
fn union(one: &[Pid], other: &[Pid]) -> Arc<[Pid]> {
    let mut all = [one, other].concat();
    all.sort_unstable();
    all.dedup();
    all.into()
}
