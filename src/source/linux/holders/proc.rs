//! The looks themselves: what `/proc` tells of the processes of this machine.

use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, statat};
use rustix::io;

use super::super::rights;
use super::super::room::Shortage;
use super::super::scan::{self, Sight};
use super::census::Found;
use crate::model::Pid;
use crate::source::HiddenReason;
use crate::source::cpu_clock::CpuClock;
use crate::source::proc_stat::proc_stat;

/// What the index asks about processes.
pub(in super::super) trait Proc {
    /// How a process stood at a moment.
    type CpuClock;

    /// Prepares for a series of looks.
    ///
    /// # Errors
    /// When processes can't be looked at at all.
    fn open(&mut self) -> io::Result<()>;

    /// Every process.
    fn pids(&self) -> io::Result<Vec<Pid>>;

    /// How many descriptors a process has; 0 where that is not told (before Linux 6.2).
    fn descriptors(&self, pid: Pid) -> u64;

    /// How a process stands now.
    fn activity(&self, pid: Pid) -> Self::CpuClock;

    /// Whether a process has not run since.
    fn has_rested(&self, since: &Self::CpuClock) -> bool;

    /// The sockets of a process, and how many descriptors that took; `None` if it is no more.
    ///
    /// # Errors
    /// When that says nothing of the process: this one has no descriptor left to look with.
    fn look(&self, pid: Pid) -> io::Result<Option<(Found, u64)>>;

    /// The parent of a process, but for what all processes descend from.
    fn parent(&self, pid: Pid) -> Option<Pid>;

    /// Why there may be processes that are not even listed.
    fn hidden_reason(&self) -> Option<HiddenReason>;

    /// Why a process may not be looked at.
    fn refusal(&self) -> HiddenReason;
}

/// `/proc` itself.
#[derive(Default)]
pub(in super::super) struct Real(Option<(OwnedFd, Sight)>);

impl Real {
    fn opened(&self) -> io::Result<&(OwnedFd, Sight)> {
        self.0.as_ref().ok_or(io::Errno::NOENT)
    }
}

impl Proc for Real {
    type CpuClock = CpuClock;

    fn open(&mut self) -> io::Result<()> {
        self.0 = None;
        self.0 = Some((scan::open_proc()?, Sight::here()));
        Ok(())
    }

    fn pids(&self) -> io::Result<Vec<Pid>> {
        let (proc, _) = self.opened()?;
        scan::rewind(proc)?;
        scan::pids(proc)
    }

    fn descriptors(&self, pid: Pid) -> u64 {
        let Ok((proc, _)) = self.opened() else {
            return 0;
        };
        let directory = statat(proc, format!("{pid}/fd"), AtFlags::empty());
        let size = directory.ok().map(|directory| directory.st_size);
        size.and_then(|size| size.try_into().ok()).unwrap_or(0)
    }

    fn activity(&self, pid: Pid) -> CpuClock {
        CpuClock::of(pid)
    }

    fn has_rested(&self, since: &CpuClock) -> bool {
        since.is_over()
    }

    fn look(&self, pid: Pid) -> io::Result<Option<(Found, u64)>> {
        let (proc, sight) = self.opened()?;
        let mut inodes = Vec::new();
        let mut descriptors = 0;
        let seen = scan::visit_links(proc, &format!("{pid}/fd"), |_, link| {
            descriptors += 1;
            inodes.extend(scan::inode(link));
        });
        let found = match seen {
            Ok(()) => {
                inodes.sort_unstable();
                inodes.dedup();
                Found::Sockets(inodes)
            }
            Err(error) if scan::is_gone(error) => return Ok(None),
            Err(error) if Shortage::of(error).is_some() => return Err(error),
            Err(_) if sight.may_hold(pid) => Found::Refused,
            Err(_) => Found::Sockets(Vec::new()),
        };
        Ok(Some((found, descriptors)))
    }

    fn parent(&self, pid: Pid) -> Option<Pid> {
        let parent = proc_stat(pid).map(|proc_stat| proc_stat.parent);
        parent.filter(|&parent| parent > 1)
    }

    fn hidden_reason(&self) -> Option<HiddenReason> {
        self.0.as_ref().and_then(|(_, sight)| sight.hidden_reason)
    }

    fn refusal(&self) -> HiddenReason {
        rights::refusal()
    }
}
