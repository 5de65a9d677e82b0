//! The owners of a socket: seven different answers that must not be confused.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use strum::{EnumDiscriminants, IntoStaticStr, VariantArray};

use crate::model::Process;

/// The owners of a socket, or why they are unknown. An `OwnerKind` is this without the processes, as JSON names it.
#[derive(Clone, Debug, PartialEq, Eq, EnumDiscriminants)]
#[strum_discriminants(
    name(OwnerKind),
    derive(Hash, Serialize, Deserialize, IntoStaticStr, VariantArray),
    serde(rename_all = "lowercase"),
    strum(serialize_all = "lowercase"),
    allow(missing_docs)
)]
pub enum Owner {
    /// Every process that has the socket, by pid ascending; never empty.
    Known(Arc<[Arc<Process>]>),
    /// Some process has it that this user may not read. The socket's uid is still known.
    Hidden,
    /// The kernel itself has it (VXLAN, NFS, …), or no process that could be read.
    Kernel,
    /// No process any more: it outlived its process or descriptor (`TIME_WAIT`, an orphan). These had it; never empty.
    #[strum_discriminants(serde(rename = "past"))]
    #[strum_discriminants(strum(serialize = "past"))]
    Former(Arc<[Arc<Process>]>),
    /// It was closed before any process was seen with it. These have the listener that accepted it, and may have passed it to
    /// another process; never empty.
    Inferred(Arc<[Arc<Process>]>),
    /// No process, and no known former owner.
    None,
    /// Not all processes were read yet; a later snapshot has the answer. Only in live tables.
    Unknown,
}

impl OwnerKind {
    /// The word that JSON and CSV use.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl Owner {
    /// Which of the seven it is.
    pub fn kind(&self) -> OwnerKind {
        self.into()
    }

    /// The processes that have or had the socket; empty where none can be named.
    pub fn processes(&self) -> &[Arc<Process>] {
        match self {
            Self::Known(processes) | Self::Former(processes) | Self::Inferred(processes) => {
                processes
            }
            Self::Hidden | Self::Kernel | Self::None | Self::Unknown => &[],
        }
    }

    /// The processes that have the socket now.
    pub fn present(&self) -> &[Arc<Process>] {
        if let Self::Known(processes) = self {
            processes
        } else {
            &[]
        }
    }

    /// Replaces the records of its processes by newer ones of the same processes.
    pub fn update(&mut self, newer: &[Arc<Process>]) {
        let (Self::Known(all) | Self::Former(all) | Self::Inferred(all)) = self else {
            return;
        };
        let newer_of = |old: &Process| newer.iter().find(|one| one.is_same(old));
        if all.iter().any(|one| newer_of(one).is_some()) {
            let updated = all
                .iter()
                .map(|one| Arc::clone(newer_of(one).unwrap_or(one)));
            *all = updated.collect();
        }
    }

    /// Whether a process is among both. Both lists are by pid, and may be long.
    pub fn shares_process_with(&self, other: &Self) -> bool {
        let (one, other) = (self.processes(), other.processes());
        let (few, many) = if one.len() < other.len() {
            (one, other)
        } else {
            (other, one)
        };
        few.iter().any(|process| is_among(many, process))
    }

    /// Whether this process has the socket now.
    pub fn has(&self, process: &Process) -> bool {
        is_among(self.present(), process)
    }

    /// Whether both are the same answer, with the same processes.
    pub fn is_same(&self, other: &Self) -> bool {
        let (one, another) = (self.processes(), other.processes());
        let are_same = || one.iter().zip(another).all(|(a, b)| a.is_same(b));
        self.kind() == other.kind()
            && one.len() == another.len()
            && (std::ptr::eq(one, another) || are_same())
    }
}

/// Whether a process is in a list that is by pid, and may be long.
fn is_among(processes: &[Arc<Process>], process: &Process) -> bool {
    let found = processes.binary_search_by_key(&process.pid, |one| one.pid);
    found.is_ok_and(|at| processes[at].is_same(process))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: u32, started_at_tick: u64) -> Arc<Process> {
        Arc::new(Process {
            started_at_tick: Some(started_at_tick),
            ..Process::new(pid, "server")
        })
    }

    #[test]
    fn an_owner_is_found_in_a_long_list_and_its_successor_is_not() {
        let all: Arc<[_]> = (1..=2000).map(|pid| process(pid * 3, 1)).collect();
        let owner = Owner::Known(Arc::clone(&all));
        assert!(all.iter().all(|process| owner.has(process)));
        assert!(
            !owner.has(&process(3, 2)),
            "another process of the same pid"
        );
        assert!(!owner.has(&process(4, 1)));
        assert!(
            !Owner::Former(Arc::clone(&all)).has(&all[0]),
            "it has it no more"
        );
        assert!(owner.shares_process_with(&Owner::Former(Arc::from([process(6000, 1)]))));
        assert!(!owner.shares_process_with(&Owner::Former(Arc::from([process(6000, 2)]))));
    }
}
