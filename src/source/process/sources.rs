//! What the record of a process is made from, and how it is told whether that changed.

use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;

use super::super::program::{self, Arguments, Links};
use super::super::users::Users;
use super::Kept;
use crate::model::{Pid, Process};

/// What a record is made from.
pub(super) struct Sources<'a> {
    pub(super) pid: Pid,
    pub(super) comm: &'a [u8],
    pub(super) started_at_tick: Option<u64>,
    pub(super) found: &'a sysinfo::Process,
    pub(super) arguments: Arguments,
}

impl Sources<'_> {
    /// The record. One that has ended has no arguments any more: they stay as they were.
    pub(super) fn record(
        &self,
        links: &Links,
        former: Option<&Kept>,
        users: &mut Users,
    ) -> Process {
        let found = self.found;
        let program = program::process(self.pid, self.comm, &self.arguments, links);
        let mut record = Process {
            parent: found.parent().map(sysinfo::Pid::as_u32),
            started_at: started_at(found),
            started_at_tick: self.started_at_tick,
            user: users.of_process(found),
            uid: uid(found),
            ..program
        };
        if let Some(former) = former.map(|former| &*former.process)
            && self.arguments.is_empty()
            && former.argv.is_some()
            && former.comm == record.comm
            && former.is_same(&record)
        {
            record = Process {
                parent: record.parent,
                user: record.user,
                uid: record.uid,
                ..former.clone()
            };
        }
        record
    }

    /// Of everything but the links.
    pub(super) fn fingerprint(&self) -> u64 {
        let found = self.found;
        let mut hasher = DefaultHasher::new();
        self.comm.hash(&mut hasher);
        self.started_at_tick.hash(&mut hasher);
        self.arguments.hash(&mut hasher);
        found.parent().hash(&mut hasher);
        found.start_time().hash(&mut hasher);
        found.user_id().hash(&mut hasher);
        found.effective_user_id().hash(&mut hasher);
        hasher.finish()
    }
}

/// The effective uid; there is none on Windows.
#[cfg(unix)]
fn uid(found: &sysinfo::Process) -> Option<u32> {
    Some(**found.effective_user_id().or(found.user_id())?)
}

/// The effective uid; there is none on Windows.
#[cfg(not(unix))]
const fn uid(_: &sysinfo::Process) -> Option<u32> {
    None
}

fn started_at(found: &sysinfo::Process) -> Option<Timestamp> {
    Timestamp::from_second(i64::try_from(found.start_time()).ok()?).ok()
}

/// The basis with the links.
pub(super) fn with_links(basis: u64, links: &Links) -> u64 {
    let mut hasher = DefaultHasher::new();
    (basis, links).hash(&mut hasher);
    hasher.finish()
}
