//! Reads the descriptors of processes below `/proc`.

use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, stat, statat};
use rustix::io;

use crate::model::Pid;
use crate::source::HiddenReason;
use crate::source::linux::proc::descriptor_limit::Shortage;
use crate::source::linux::proc::{rights, scan};
use crate::source::proc_stat::proc_stat;
use crate::source::process::cpu_clock::CpuClock;

/// The inode of the initial pid namespace (`PROC_PID_INIT_INO` of the kernel).
const INITIAL_PID_NAMESPACE: u64 = 0xEFFF_FFFC;

/// What a scan needs of `/proc`; tests use one of their own.
pub(crate) trait Procfs {
    /// The CPU time of a process at one moment.
    type Clock: Default;

    /// Prepares for reading several processes, and lists all. Fails if no process can be read at all.
    fn open(&mut self) -> io::Result<Vec<Pid>>;

    fn descriptor_table(&self, pid: Pid) -> DescriptorTable;

    /// The CPU time of a process now.
    fn clock(&self, pid: Pid) -> Self::Clock;

    /// Whether a process has not run since.
    fn is_idle_since(&self, clock: &Self::Clock) -> bool;

    /// The sockets of a process; `None` if it has ended. Fails if this process has no descriptor left to read others; the
    /// result is then unknown.
    fn read(&self, pid: Pid) -> io::Result<Option<ProcessSockets>>;

    /// Whether a process that can't be read may have a socket of this table. One in another network namespace
    /// doesn't, unless it brought it along; one that is ending is in none and has no sockets.
    fn may_have_sockets_here(&self, pid: Pid) -> bool;

    /// The parent of a process, except pid 1, the ancestor of all.
    fn parent(&self, pid: Pid) -> Option<Pid>;

    /// Why owners may be hidden; `is_refused`: reading some process was.
    fn hidden_reason(&self, is_refused: bool) -> Option<HiddenReason>;
}

/// The size and the user of a descriptor table.
#[derive(Default)]
pub(crate) struct DescriptorTable {
    pub(crate) uid: Option<u32>,
    /// 0 before Linux 6.2, which doesn't report it.
    pub(crate) descriptors: u64,
}

/// The sockets in a process's descriptor table.
#[derive(Default)]
pub(crate) struct ProcessSockets {
    /// Inode and descriptor of each, in the order of descriptors. `None` if this user may not read them.
    pub(crate) sockets: Option<Vec<(u32, u32)>>,
    /// The number of each network namespace that it keeps by a descriptor, and that descriptor.
    pub(crate) networks: Vec<(u64, u32)>,
    /// How many descriptors of every kind there are.
    pub(crate) descriptors: u64,
}

/// `/proc` of this machine.
#[derive(Default)]
pub(crate) struct LiveProcfs {
    /// `/proc`; `None` before it was opened.
    proc: Option<OwnedFd>,
    /// Why there are processes that `/proc` does not list.
    unlisted: Option<HiddenReason>,
    own_network: Option<u64>,
    /// Whether the table has the sockets of other network namespaces, too.
    pub(crate) has_all_networks: bool,
}

impl Procfs for LiveProcfs {
    type Clock = CpuClock;

    fn open(&mut self) -> io::Result<Vec<Pid>> {
        *self = Self {
            has_all_networks: self.has_all_networks,
            ..Self::default()
        };
        let proc = self.proc.insert(scan::open_proc()?);
        // `/proc` may be mounted with `hidepid`, which hides pid 1 first of all, or not of the initial pid namespace.
        let own = stat("/proc/self/ns/pid");
        let is_initial = own.is_ok_and(|pid| pid.st_ino == INITIAL_PID_NAMESPACE);
        self.unlisted = match (stat("/proc/1"), is_initial) {
            (Err(_), _) => Some(rights::refusal()),
            (Ok(_), false) => Some(HiddenReason::OtherNamespace),
            (Ok(_), true) => None,
        };
        self.own_network = scan::network_of(scan::THIS_THREAD).ok();
        scan::pids(proc)
    }

    fn descriptor_table(&self, pid: Pid) -> DescriptorTable {
        let open = self.proc.as_ref();
        let table = open.and_then(|proc| statat(proc, format!("{pid}/fd"), AtFlags::empty()).ok());
        table.map_or_else(DescriptorTable::default, |table| DescriptorTable {
            uid: Some(table.st_uid),
            descriptors: table.st_size.try_into().unwrap_or(0),
        })
    }

    fn clock(&self, pid: Pid) -> CpuClock {
        CpuClock::read(pid)
    }

    fn is_idle_since(&self, clock: &CpuClock) -> bool {
        clock.has_not_advanced()
    }

    fn read(&self, pid: Pid) -> io::Result<Option<ProcessSockets>> {
        let proc = self.proc.as_ref().ok_or(io::Errno::NOENT)?;
        let (mut sockets, mut networks, mut descriptors) = (Vec::new(), Vec::new(), 0);
        let outcome = scan::visit_links(proc, &format!("{pid}/fd"), |number, link| {
            descriptors += 1;
            match scan::inode(link) {
                Some(inode) => sockets.push((inode, number)),
                None => networks.extend(scan::namespace(link, b"net:[").map(|one| (one, number))),
            }
        });
        let sockets = match outcome {
            Ok(()) => Some(sockets),
            Err(error) if scan::has_ended(error) => return Ok(None),
            Err(error) if Shortage::of(error).is_some() => return Err(error),
            Err(_) => None,
        };
        Ok(Some(ProcessSockets {
            sockets,
            networks,
            descriptors,
        }))
    }

    fn may_have_sockets_here(&self, pid: Pid) -> bool {
        match scan::network_of(&pid.to_string()) {
            Ok(network) => {
                self.has_all_networks || self.own_network.is_none_or(|own| own == network)
            }
            Err(error) => !scan::has_ended(error),
        }
    }

    fn parent(&self, pid: Pid) -> Option<Pid> {
        let parent = proc_stat(pid).map(|proc_stat| proc_stat.parent);
        parent.filter(|&parent| parent > 1)
    }

    fn hidden_reason(&self, is_refused: bool) -> Option<HiddenReason> {
        if is_refused {
            Some(rights::refusal())
        } else {
            self.unlisted
        }
    }
}
