//! The sources of a process's record.

use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;

use crate::model::{Pid, Process};
use crate::source::program::{self, Arguments, Links};
use crate::source::users::Users;

/// The sources of a record besides links.
pub(super) struct RecordSources<'a> {
    pub(super) pid: Pid,
    pub(super) comm: &'a [u8],
    pub(super) started_at_tick: Option<u64>,
    pub(super) found: &'a sysinfo::Process,
    pub(super) arguments: Arguments,
}

impl RecordSources<'_> {
    /// The record. A process that has ended has no arguments any more: they stay as they were.
    pub(super) fn record(
        &self,
        links: &Links,
        former: Option<&Process>,
        users: &mut Users,
    ) -> Process {
        let found = self.found;
        let program = program::process(self.pid, self.comm, &self.arguments, links);
        let record = Process {
            parent: found.parent().map(sysinfo::Pid::as_u32),
            started_at: started_at(found),
            started_at_tick: self.started_at_tick,
            user: users.of_process(found),
            uid: uid(found),
            ..program
        };
        let has_lost_arguments = |former: &&Process| {
            self.arguments.is_empty()
                && former.argv.is_some()
                && former.comm == record.comm
                && former.is_same(&record)
        };
        match former.filter(has_lost_arguments) {
            Some(former) => Process {
                parent: record.parent,
                user: record.user,
                uid: record.uid,
                ..former.clone()
            },
            None => record,
        }
    }

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

/// The effective uid.
#[cfg(unix)]
fn uid(found: &sysinfo::Process) -> Option<u32> {
    Some(**found.effective_user_id().or(found.user_id())?)
}

/// Windows has none.
#[cfg(not(unix))]
const fn uid(_: &sysinfo::Process) -> Option<u32> {
    None
}

fn started_at(found: &sysinfo::Process) -> Option<Timestamp> {
    Timestamp::from_second(i64::try_from(found.start_time()).ok()?).ok()
}
