//! The processes behind sockets, and their ancestors, through sysinfo.
//!
//! Knows nothing of sockets: it is told which pids matter and looks at those alone. A record is
//! kept (the very same `Arc`) until something in it changes. On Linux a process that has not run since
//! the last look is as it was; of one that has, first its proc_stat is felt, and sysinfo is asked when that
//! changed, and every few seconds for what it does not show (a command line or user that changed without
//! a change of name). sysinfo 0.40
//! never updates the name of a pid that it knows, not even after an `exec`: the proc_stat has it.

mod sources;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, UpdateKind};

use self::sources::{Sources, with_links};
use super::cpu_clock::CpuClock;
use super::proc_stat::{ProcStat, proc_stat};
use super::program::{Arguments, LINKS, Links};
use super::users::Users;
#[cfg(target_os = "linux")]
use super::users::rename;
#[cfg(target_os = "linux")]
use crate::model::Text;
use crate::model::{Moment, Pid, Process};

/// How deep an ancestry may be; pids are not read at one instant, so their parents could even
/// form a ring.
const MAX_DEPTH: usize = 64;

/// How many processes sysinfo may remember beyond twice those that matter, before the dead among
/// them are looked for.
const SPARE: usize = 256;

/// After how long everything is asked again about every process, whatever its proc_stat.
const THOROUGH_AFTER: Duration = Duration::from_secs(5);

/// The processes that matter, kept from one reading to the next.
pub(crate) struct Processes {
    /// Lives as long as this: the start times it gives are relative to a boot time read once, and
    /// would all move when the wall clock is set.
    system: Option<sysinfo::System>,
    kept: HashMap<Pid, Kept>,
    thorough_at: Option<Moment>,
    prune_above: usize,
    /// How many files were read since that was last asked.
    files: u64,
    pub(crate) users: Users,
}

/// How many files are read of a process whose proc_stat changed: `stat` and `status` by sysinfo, `cmdline`.
const FILES_FOR_EACH: u64 = 3;

struct Kept {
    process: Arc<Process>,
    /// Of everything that the record was made from but the links of the process.
    basis: u64,
    /// Of the links too.
    fingerprint: u64,
    proc_stat: Option<ProcStat>,
    /// How it stood before sysinfo was asked.
    activity: CpuClock,
    /// Whether the proc_stat was the same at two looks. Just after an `exec` the kernel shows the new
    /// name and no command line yet, so what was seen when the proc_stat changed is not relied on.
    is_settled: bool,
}

impl Default for Processes {
    fn default() -> Self {
        Self {
            system: sysinfo::System::new().ok(),
            kept: HashMap::new(),
            thorough_at: None,
            prune_above: SPARE,
            files: 0,
            users: Users::default(),
        }
    }
}

impl Processes {
    /// Looks again at `holders` and their ancestors and forgets all others. Returns the holders
    /// that are no more, and those whose pid is another process than at the last look.
    pub(super) fn refresh(&mut self, holders: &[Pid], at: Moment) -> Vec<Pid> {
        let Some(mut system) = self.system.take() else {
            return holders.to_vec();
        };
        #[cfg(target_os = "linux")]
        self.rename_users();
        let mut before = std::mem::take(&mut self.kept);
        let is_thorough = self
            .thorough_at
            .is_none_or(|last| last.age(at) >= THOROUGH_AFTER);
        if is_thorough {
            self.thorough_at = Some(at);
        }
        let mut gone = Vec::new();
        let mut wave = holders.to_vec();
        for depth in 0..MAX_DEPTH {
            let missing = self.look(&mut system, &mut before, &wave, is_thorough);
            if depth == 0 {
                gone = missing;
            } else {
                self.expect_new_parents(&before, &missing);
            }
            let parents = wave
                .iter()
                .filter_map(|pid| self.kept.get(pid)?.process.parent);
            wave = parents
                .filter(|parent| !self.kept.contains_key(parent))
                .collect();
            if wave.is_empty() {
                break;
            }
            wave.sort_unstable();
            wave.dedup();
        }
        // sysinfo forgets a dead process only when it is asked about it.
        let lost: Vec<_> = before
            .into_keys()
            .filter(|pid| !self.kept.contains_key(pid))
            .collect();
        ask(&mut system, &lost);
        self.prune(&mut system);
        self.system = Some(system);
        gone
    }

    /// Gives users their names that were looked up since. Returns those names.
    #[cfg(target_os = "linux")]
    fn rename_users(&mut self) -> HashMap<u32, Text> {
        let names = self.users.take_late();
        if !names.is_empty() {
            for kept in self.kept.values_mut() {
                rename(&mut kept.process, &names);
            }
        }
        names
    }

    /// The names that users got a moment later: for one who asks once and waits for them.
    #[cfg(target_os = "linux")]
    pub(crate) fn late_names(&mut self) -> HashMap<u32, Text> {
        self.users.wait();
        self.rename_users()
    }

    /// Keeps a record of each of `pids`, the former one if it still holds. Returns those that are
    /// no more or not what they were.
    fn look(
        &mut self,
        system: &mut sysinfo::System,
        before: &mut HashMap<Pid, Kept>,
        pids: &[Pid],
        is_thorough: bool,
    ) -> Vec<Pid> {
        let mut unsure = Vec::new();
        for &pid in pids {
            let former = before.get(&pid);
            if former.is_some_and(|kept| kept.is_settled && kept.activity.is_over()) {
                self.kept.extend(before.remove_entry(&pid));
                continue;
            }
            let (activity, proc_stat) = (CpuClock::of(pid), proc_stat(pid));
            self.files += 1;
            match former {
                Some(kept) if !is_thorough && kept.is_settled && kept.proc_stat == proc_stat => {
                    self.kept.extend(before.remove_entry(&pid));
                }
                _ => unsure.push((pid, activity, proc_stat)),
            }
        }
        self.files += FILES_FOR_EACH * unsure.len() as u64;
        ask(
            system,
            &unsure.iter().map(|&(pid, ..)| pid).collect::<Vec<_>>(),
        );
        let mut others = Vec::new();
        for (pid, activity, proc_stat) in unsure {
            let former = before.get(&pid);
            match system.process(sysinfo::Pid::from_u32(pid)) {
                Some(found) => {
                    let kept = self.keep(pid, (activity, proc_stat), found, former);
                    if former.is_some_and(|former| !former.process.is_same(&kept.process)) {
                        others.push(pid);
                    }
                    self.kept.insert(pid, kept);
                }
                None => others.push(pid),
            }
        }
        others
    }

    /// The former record if all that it was made from is unchanged, else a new one. The links are read
    /// when the record is made and once more at the next look, when the process has settled: a server
    /// changes its folder as it starts (`daemon(3)`), and seldom later.
    fn keep(
        &mut self,
        pid: Pid,
        (activity, proc_stat): (CpuClock, Option<ProcStat>),
        found: &sysinfo::Process,
        former: Option<&Kept>,
    ) -> Kept {
        let sources = Sources {
            pid,
            comm: match &proc_stat {
                Some(proc_stat) => &proc_stat.name,
                None => found.name().as_encoded_bytes(),
            },
            started_at_tick: proc_stat
                .as_ref()
                .map(|proc_stat| proc_stat.started_at_tick),
            found,
            arguments: Arguments::read(pid, found),
        };
        let basis = sources.fingerprint();
        let (process, fingerprint) = match former {
            Some(former) if former.is_settled && former.basis == basis => {
                (Arc::clone(&former.process), former.fingerprint)
            }
            _ => {
                self.files += LINKS;
                let links = Links::read(pid, found);
                let fingerprint = with_links(basis, &links);
                let same = former.filter(|former| former.fingerprint == fingerprint);
                let process = match same {
                    Some(same) => Arc::clone(&same.process),
                    None => Arc::new(sources.record(&links, former, &mut self.users)),
                };
                (process, fingerprint)
            }
        };
        // A slow machine may show that at two looks.
        let is_executing = process.executable.is_some() && process.argv.is_none();
        let is_same_pulse = former.is_some_and(|former| former.proc_stat == proc_stat);
        Kept {
            process,
            basis,
            fingerprint,
            is_settled: proc_stat.is_some() && is_same_pulse && !is_executing,
            proc_stat,
            activity,
        }
    }

    /// A process gets another parent without running itself: where a parent is no more, its children
    /// are looked at again.
    fn expect_new_parents(&mut self, before: &HashMap<Pid, Kept>, missing: &[Pid]) {
        let mut ended = missing
            .iter()
            .filter(|pid| before.contains_key(pid))
            .peekable();
        if ended.peek().is_none() {
            return;
        }
        let ended: Vec<Pid> = ended.copied().collect();
        for kept in self.kept.values_mut() {
            let parent = kept.process.parent;
            kept.is_settled &= parent.is_none_or(|parent| !ended.contains(&parent));
        }
    }

    /// How many files were read since this was last asked.
    pub(super) fn take_files(&mut self) -> u64 {
        std::mem::take(&mut self.files)
    }

    /// The record of a process that mattered at the last refresh.
    pub(super) fn get(&self, pid: Pid) -> Option<&Arc<Process>> {
        self.kept.get(&pid).map(|kept| &kept.process)
    }

    /// Every record: the holders and their ancestors.
    pub(crate) fn all(&self) -> HashMap<Pid, Arc<Process>> {
        let records = self.kept.iter();
        records
            .map(|(&pid, kept)| (pid, Arc::clone(&kept.process)))
            .collect()
    }

    /// Has sysinfo forget the processes that died after they ceased to matter.
    fn prune(&mut self, system: &mut sysinfo::System) {
        if system.processes().len() > self.prune_above {
            let all: Vec<_> = system.processes().keys().copied().collect();
            let kind = ProcessRefreshKind::nothing();
            system.refresh_processes_specifics(ProcessesToUpdate::Some(&all), true, kind);
            self.prune_above = system.processes().len() * 2 + SPARE;
        }
    }
}

/// Asks sysinfo about these processes; it forgets those of them that are no more.
fn ask(system: &mut sysinfo::System, pids: &[Pid]) {
    if pids.is_empty() {
        return;
    }
    let pids: Vec<_> = pids
        .iter()
        .map(|&pid| sysinfo::Pid::from_u32(pid))
        .collect();
    let kind = ProcessRefreshKind::nothing().with_user(UpdateKind::Always);
    #[cfg(not(target_os = "linux"))]
    let kind = kind
        .with_cmd(UpdateKind::Always)
        .with_exe(UpdateKind::OnlyIfNotSet)
        .with_cwd(UpdateKind::OnlyIfNotSet);
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&pids), true, kind);
}

#[cfg(test)]
mod tests;
