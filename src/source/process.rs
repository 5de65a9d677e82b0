//! The processes behind sockets, and their ancestors, through sysinfo.
//!
//! Knows nothing of sockets: it is told which pids matter and looks at those alone. A record is
//! kept (the very same `Arc`) until something in it changes. sysinfo 0.40 never updates the name
//! of a pid that it knows, not even after an `exec`; so on Linux the name is read here.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use jiff::Timestamp;
use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, UpdateKind};

use super::users::Users;
use crate::model::{Pid, Process, Text};

/// How deep an ancestry may be; pids are not read at one instant, so their parents could even
/// form a ring.
const MAX_DEPTH: usize = 64;

/// How many processes sysinfo may remember beyond twice those that matter, before the dead among
/// them are looked for.
const SPARE: usize = 256;

/// The processes that matter, kept from one reading to the next.
pub(super) struct Processes {
    /// Lives as long as this: the start times it gives are relative to a boot time read once, and
    /// would all move when the wall clock is set.
    system: Option<sysinfo::System>,
    kept: HashMap<Pid, Kept>,
    prune_above: usize,
    pub(super) users: Users,
}

struct Kept {
    process: Arc<Process>,
    /// Of everything that the record was made from.
    fingerprint: u64,
}

impl Default for Processes {
    fn default() -> Self {
        Self {
            system: sysinfo::System::new().ok(),
            kept: HashMap::new(),
            prune_above: SPARE,
            users: Users::default(),
        }
    }
}

impl Processes {
    /// Looks again at `holders` and their ancestors and forgets all others. Returns the holders
    /// that are no more, and those whose pid is another process than at the last look.
    pub(super) fn refresh(&mut self, holders: &[Pid]) -> Vec<Pid> {
        let Some(mut system) = self.system.take() else {
            return holders.to_vec();
        };
        let before = std::mem::take(&mut self.kept);
        // Those that mattered last time are asked about too: the ancestors mostly still matter,
        // and sysinfo forgets a dead process only when it is asked about it.
        let mut ask: Vec<Pid> = before.keys().chain(holders).copied().collect();
        ask.sort_unstable();
        ask.dedup();
        look(&mut system, &ask);
        let mut asked: HashSet<Pid> = ask.into_iter().collect();
        let mut wave = holders.to_vec();
        for _ in 0..MAX_DEPTH {
            let unasked: Vec<_> = wave
                .iter()
                .copied()
                .filter(|&pid| asked.insert(pid))
                .collect();
            look(&mut system, &unasked);
            wave.retain(|pid| !self.kept.contains_key(pid));
            wave = self.keep(&system, &before, &wave);
            if wave.is_empty() {
                break;
            }
        }
        self.prune(&mut system);
        self.system = Some(system);
        let is_other = |pid: &&Pid| match (self.kept.get(pid), before.get(pid)) {
            (Some(now), Some(then)) => !now.process.is_same(&then.process),
            (now, _) => now.is_none(),
        };
        holders.iter().filter(is_other).copied().collect()
    }

    /// The record of a process that mattered at the last refresh.
    pub(super) fn get(&self, pid: Pid) -> Option<&Arc<Process>> {
        self.kept.get(&pid).map(|kept| &kept.process)
    }

    /// Every record: the holders and their ancestors.
    pub(super) fn all(&self) -> HashMap<Pid, Arc<Process>> {
        let records = self.kept.iter();
        records
            .map(|(&pid, kept)| (pid, Arc::clone(&kept.process)))
            .collect()
    }

    /// Keeps a record of each of `pids`, the former one if it still holds; returns the parents.
    fn keep(
        &mut self,
        system: &sysinfo::System,
        before: &HashMap<Pid, Kept>,
        pids: &[Pid],
    ) -> Vec<Pid> {
        let mut parents = Vec::new();
        for &pid in pids {
            let Some(found) = system.process(sysinfo::Pid::from_u32(pid)) else {
                continue;
            };
            let name = name(pid, found);
            let fingerprint = fingerprint(&name, found);
            let process = match before.get(&pid) {
                Some(kept) if kept.fingerprint == fingerprint => Arc::clone(&kept.process),
                _ => Arc::new(record(pid, &name, found, &mut self.users)),
            };
            parents.extend(process.parent);
            self.kept.insert(
                pid,
                Kept {
                    process,
                    fingerprint,
                },
            );
        }
        parents
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

fn look(system: &mut sysinfo::System, pids: &[Pid]) {
    if pids.is_empty() {
        return;
    }
    let pids: Vec<_> = pids
        .iter()
        .map(|&pid| sysinfo::Pid::from_u32(pid))
        .collect();
    let kind = ProcessRefreshKind::nothing()
        .with_cmd(UpdateKind::Always)
        .with_user(UpdateKind::Always);
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&pids), true, kind);
}

fn record(pid: Pid, name: &OsStr, found: &sysinfo::Process, users: &mut Users) -> Process {
    Process {
        pid,
        parent: found.parent().map(sysinfo::Pid::as_u32),
        name: Text::from_bytes(name.as_encoded_bytes()),
        command: command(found.cmd()),
        started_at: started_at(found),
        user: users.of_process(found),
    }
}

fn command(arguments: &[OsString]) -> Option<Text> {
    let joined = arguments.join(OsStr::new(" "));
    (!joined.is_empty()).then(|| Text::from_bytes(joined.as_encoded_bytes()))
}

fn started_at(found: &sysinfo::Process) -> Option<Timestamp> {
    Timestamp::from_second(i64::try_from(found.start_time()).ok()?).ok()
}

#[cfg(target_os = "linux")]
fn name(pid: Pid, found: &sysinfo::Process) -> OsString {
    use std::os::unix::ffi::OsStringExt;
    match std::fs::read(format!("/proc/{pid}/comm")) {
        Ok(mut comm) => {
            comm.pop_if(|last| *last == b'\n');
            OsString::from_vec(comm)
        }
        Err(_) => found.name().to_owned(),
    }
}

#[cfg(not(target_os = "linux"))]
fn name(_pid: Pid, found: &sysinfo::Process) -> OsString {
    found.name().to_owned()
}

fn fingerprint(name: &OsStr, found: &sysinfo::Process) -> u64 {
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    found.cmd().hash(&mut hasher);
    found.parent().hash(&mut hasher);
    found.start_time().hash(&mut hasher);
    found.user_id().hash(&mut hasher);
    found.effective_user_id().hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests;
