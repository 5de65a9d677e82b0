//! The processes that have sockets, and their ancestors, through sysinfo.
//!
//! Only the given pids are read. A record stays the very same `Arc` until something in it changes. On Linux a process
//! that has not run since it was read is unchanged; for others, `/proc/PID/stat` is read first, and the rest only if
//! that changed, and every few seconds to catch other changes (a new command line or user without a new name). sysinfo
//! 0.40 never updates the name of a pid that it knows, not even after an `exec`: the name is that of `/proc/PID/stat`.

pub(crate) mod cpu_clock;
mod members;
mod mine;
mod pinned;
pub(crate) mod proc_stat;
mod provenance;
mod record;
#[cfg(target_os = "linux")]
mod single;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use sysinfo::{ProcessRefreshKind, ProcessStatus, ProcessesToUpdate, UpdateKind};

use self::cpu_clock::CpuClock;
pub use self::members::is_of_project;
pub use self::mine::{Mine, is_own_users};
pub use self::pinned::PinnedProcess;
use self::proc_stat::{ProcStat, proc_stat};
use self::provenance::PlaceFacts;
use self::provenance::Provenance;
#[cfg(target_os = "linux")]
pub(crate) use self::provenance::start_background_thread;
pub use self::provenance::{Project, project_folder_of, project_of};
use self::record::{Arguments, LINKS, RecordSources};
#[cfg(target_os = "linux")]
pub(crate) use self::single::ProcessReader;
use super::users::Users;
#[cfg(target_os = "linux")]
use super::users::rename;
#[cfg(target_os = "linux")]
use crate::model::Text;
use crate::model::{Moment, Pid, Process};

/// The greatest depth of an ancestry; pids are not read at one instant, so their parents could even form a ring.
const MAX_DEPTH: usize = 64;

/// How many processes sysinfo may remember beyond twice those of the last time, before ended ones are removed.
const SPARE: usize = 256;

/// After this time everything is read again of every process.
const FULL_UPDATE_AFTER: Duration = Duration::from_secs(5);

/// How many files are read of a process that may have changed: `stat` and `status` by sysinfo, `cmdline`.
const FILES_OF_ONE: u64 = 3;

/// The processes that have sockets and their ancestors, kept from one snapshot to the next.
pub(crate) struct Processes {
    /// Kept as long as this: its start times are relative to a boot time read once, and would all move when the wall clock
    /// is set.
    system: Option<sysinfo::System>,
    known: HashMap<Pid, Known>,
    full_update_at: Option<Moment>,
    prune_above: usize,
    /// How many files were read since the last call of `take_files`.
    files: u64,
    pub(crate) users: Users,
    provenance: Provenance,
    /// Those of the last refresh.
    owners: Vec<Pid>,
}

struct Known {
    process: Arc<Process>,
    /// Of all sources of the record except the links.
    fingerprint: u64,
    stat: Option<ProcStat>,
    /// Read before the sources were.
    clock: CpuClock,
    ownership: Ownership,
    /// Whether `stat` was the same twice. Just after an `exec` the kernel shows the new name but no command line yet,
    /// so data read during the change is not reliable.
    is_stable: bool,
}

/// Whether a process has sockets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ownership {
    /// It is an ancestor of others.
    None,
    Now,
    /// It had some; this is the first time without any.
    Lost(Moment),
}

/// How long a process is in the snapshots that has lost its last socket: a socket is missing for certain when two snapshots
/// lack it, and whether its process has ended is known by then.
const KEPT: Duration = Duration::from_secs(1);

impl Known {
    /// Whether the process that was found is this one and has not ended.
    fn is_alive(&self, pid: Pid, found: &sysinfo::Process) -> bool {
        match &self.stat {
            Some(known) => proc_stat(pid)
                .is_some_and(|now| !now.is_ending && now.started_at_tick == known.started_at_tick),
            None => !matches!(found.status(), ProcessStatus::Zombie | ProcessStatus::Dead),
        }
    }

    fn has_identity_of(&self, stat: Option<&ProcStat>) -> bool {
        self.stat.as_ref().map(ProcStat::identity) == stat.map(ProcStat::identity)
    }
}

/// Read before the other sources of a record.
type Before = (CpuClock, Option<ProcStat>);

impl Default for Processes {
    fn default() -> Self {
        Self {
            system: sysinfo::System::new().ok(),
            known: HashMap::new(),
            full_update_at: None,
            prune_above: SPARE,
            files: 0,
            users: Users::default(),
            provenance: Provenance::default(),
            owners: Vec::new(),
        }
    }
}

impl Processes {
    /// Updates `owners` and their ancestors and forgets all others. Returns the owners that have ended, and those whose
    /// pid belongs to another process now.
    pub(super) fn refresh(&mut self, owners: &[Pid], at: Moment) -> Vec<Pid> {
        let Some(mut system) = self.system.take() else {
            return owners.to_vec();
        };
        #[cfg(target_os = "linux")]
        self.rename_users();
        self.add_projects();
        owners.clone_into(&mut self.owners);
        let mut former = std::mem::take(&mut self.known);
        let last = self.full_update_at;
        let is_full = last.is_none_or(|last| last.age(at) >= FULL_UPDATE_AFTER);
        if is_full {
            self.full_update_at = Some(at);
        }
        let mut ended_owners = Vec::new();
        let mut generation = owners.to_vec();
        for depth in 0..MAX_DEPTH {
            let ended = self.update(&mut system, &mut former, &generation, is_full);
            if depth == 0 {
                ended_owners = ended;
            } else {
                self.expect_new_parents(&former, &ended);
            }
            let parents = generation
                .iter()
                .filter_map(|pid| self.known.get(pid)?.process.parent);
            generation = parents
                .filter(|parent| !self.known.contains_key(parent))
                .collect();
            if generation.is_empty() {
                break;
            }
            generation.sort_unstable();
            generation.dedup();
        }
        // sysinfo removes an ended process only when it is refreshed.
        former.retain(|pid, _| !self.known.contains_key(pid));
        let forgotten: Vec<Pid> = former.keys().copied().collect();
        refresh_system(&mut system, &forgotten);
        self.keep_alive(former, &system, at);
        // Processes that ended after they lost their sockets.
        if system.processes().len() > self.prune_above {
            let all: Vec<_> = system.processes().keys().copied().collect();
            let kind = ProcessRefreshKind::nothing();
            system.refresh_processes_specifics(ProcessesToUpdate::Some(&all), true, kind);
            self.prune_above = system.processes().len() * 2 + SPARE;
        }
        self.system = Some(system);
        let known = &self.known;
        let is_alive = |pid: Pid| known.contains_key(&pid);
        self.provenance.request(&self.owners, is_alive, at);
        self.derive();
        ended_owners
    }

    /// Applies user names found since. Returns those names.
    #[cfg(target_os = "linux")]
    fn rename_users(&mut self) -> HashMap<u32, Text> {
        let names = self.users.take_late();
        if !names.is_empty() {
            for known in self.known.values_mut() {
                rename(&mut known.process, &names);
            }
        }
        names
    }

    /// Waits a moment for names of users that take longer, and returns them: for a caller with no later snapshot.
    #[cfg(target_os = "linux")]
    pub(crate) fn late_names(&mut self) -> HashMap<u32, Text> {
        self.users.wait();
        self.rename_users()
    }

    /// Adds the projects and branches found since. Returns the processes that got them.
    fn add_projects(&mut self) -> Vec<Pid> {
        let late = self.provenance.take_projects().into_iter();
        let add = |(pid, found): (Pid, PlaceFacts)| {
            let process = &mut self.known.get_mut(&pid)?.process;
            let process = Arc::make_mut(process);
            process.project = found.project;
            process.branch = found.branch;
            process.worktree = found.worktree;
            Some(pid)
        };
        late.filter_map(add).collect()
    }

    /// Adds to owners what started them and whether they are left over, where that has changed. Returns those.
    fn derive(&mut self) -> Vec<Pid> {
        let known = &self.known;
        let process_of = |pid: Pid| known.get(&pid).map(|known| &*known.process);
        let changed = self.provenance.derive(&self.owners, process_of);
        let pids = changed.iter().map(|&(pid, _)| pid).collect();
        for (pid, derived) in changed {
            if let Some(known) = self.known.get_mut(&pid) {
                let process = Arc::make_mut(&mut known.process);
                process.started_by = derived.started_by;
                process.left_over = derived.left_over;
            }
        }
        pids
    }

    /// Waits a moment for what is being looked for: projects, branches and starters. Returns the processes that got one.
    pub(crate) fn late_facts(&mut self) -> Vec<Arc<Process>> {
        let mut late = HashSet::new();
        // Twice: the facts of an owner may call for those of an ancestor.
        for _ in 0..2 {
            self.provenance.wait();
            late.extend(self.add_projects());
            late.extend(self.derive());
        }
        let processes = late.iter().filter_map(|&pid| self.get(pid));
        processes.map(Arc::clone).collect()
    }

    /// Updates the records of `pids`. Returns those that have ended or are another process now.
    fn update(
        &mut self,
        system: &mut sysinfo::System,
        former: &mut HashMap<Pid, Known>,
        pids: &[Pid],
        is_full: bool,
    ) -> Vec<Pid> {
        let mut changed: Vec<(Pid, Before)> = Vec::new();
        for &pid in pids {
            let known = former.get(&pid).filter(|known| known.is_stable);
            if known.is_some_and(|known| known.clock.has_not_advanced()) {
                self.known.extend(former.remove_entry(&pid));
                continue;
            }
            let (clock, stat) = (CpuClock::read(pid), proc_stat(pid));
            self.files += 1;
            if !is_full && known.is_some_and(|known| known.has_identity_of(stat.as_ref())) {
                self.known.extend(former.remove_entry(&pid));
            } else {
                changed.push((pid, (clock, stat)));
            }
        }
        self.files += FILES_OF_ONE * changed.len() as u64;
        let pids: Vec<Pid> = changed.iter().map(|&(pid, _)| pid).collect();
        refresh_system(system, &pids);
        let mut ended = Vec::new();
        for (pid, before) in changed {
            let Some(found) = system.process(sysinfo::Pid::from_u32(pid)) else {
                ended.push(pid);
                self.provenance.expect_change();
                continue;
            };
            let former = former.get(&pid);
            let known = self.read(pid, before, found, former);
            if former.is_some_and(|former| !former.process.is_same(&known.process)) {
                ended.push(pid);
            }
            self.known.insert(pid, known);
        }
        ended
    }

    /// Reads a process. The links are read when the record is made and once more at the next update, when the process is
    /// stable: a server changes its folder as it starts (`daemon(3)`), and seldom later.
    fn read(
        &mut self,
        pid: Pid,
        (clock, stat): Before,
        found: &sysinfo::Process,
        former: Option<&Known>,
    ) -> Known {
        let sources = RecordSources {
            pid,
            comm: match &stat {
                Some(stat) => &stat.name,
                None => found.name().as_encoded_bytes(),
            },
            started_at_tick: stat.as_ref().map(|stat| stat.started_at_tick),
            session: stat.as_ref().and_then(ProcStat::session),
            found,
            arguments: Arguments::read(pid, found),
        };
        let fingerprint = sources.fingerprint();
        let unchanged =
            former.filter(|former| former.is_stable && former.fingerprint == fingerprint);
        let process = if let Some(former) = unchanged {
            Arc::clone(&former.process)
        } else {
            self.files += LINKS;
            let former = former.map(|former| &former.process);
            let record = sources.record(
                former.map(|former| &**former),
                &mut self.users,
                &mut self.provenance,
            );
            match former {
                Some(former) if **former == record => Arc::clone(former),
                _ => {
                    self.provenance.forget(pid);
                    Arc::new(record)
                }
            }
        };
        // A slow machine may show that twice.
        let is_executing = process.executable.is_some() && process.argv.is_none();
        let is_unchanged = former.is_some_and(|former| former.has_identity_of(stat.as_ref()));
        Known {
            process,
            fingerprint,
            is_stable: stat.is_some() && is_unchanged && !is_executing,
            stat,
            clock,
            ownership: former.map_or(Ownership::None, |former| former.ownership),
        }
    }

    /// Keeps those that had sockets a moment ago and have not ended: then only the sockets were closed.
    fn keep_alive(&mut self, former: HashMap<Pid, Known>, system: &sysinfo::System, at: Moment) {
        for pid in &self.owners {
            if let Some(known) = self.known.get_mut(pid) {
                known.ownership = Ownership::Now;
            }
        }
        for (pid, mut known) in former {
            let lost_at = match known.ownership {
                Ownership::None => continue,
                Ownership::Now => at,
                Ownership::Lost(lost_at) => lost_at,
            };
            known.ownership = Ownership::Lost(lost_at);
            let found = system.process(sysinfo::Pid::from_u32(pid));
            if lost_at.age(at) < KEPT && found.is_some_and(|found| known.is_alive(pid, found)) {
                self.known.insert(pid, known);
            }
        }
    }

    /// A process gets another parent without running itself: where a parent has ended, its children are read again.
    fn expect_new_parents(&mut self, former: &HashMap<Pid, Known>, ended: &[Pid]) {
        let is_known = |pid: &&Pid| former.contains_key(pid);
        let ended: Vec<Pid> = ended.iter().filter(is_known).copied().collect();
        if ended.is_empty() {
            return;
        }
        for known in self.known.values_mut() {
            let parent = known.process.parent;
            known.is_stable &= parent.is_none_or(|parent| !ended.contains(&parent));
        }
    }

    /// How many files were read since the last call.
    pub(super) fn take_files(&mut self) -> u64 {
        std::mem::take(&mut self.files)
    }

    /// A process of the last refresh.
    pub(super) fn get(&self, pid: Pid) -> Option<&Arc<Process>> {
        self.known.get(&pid).map(|known| &known.process)
    }

    /// The owners and their ancestors, and those that have just lost their last socket.
    pub(crate) fn all(&self) -> HashMap<Pid, Arc<Process>> {
        let share = |(&pid, known): (&Pid, &Known)| (pid, Arc::clone(&known.process));
        self.known.iter().map(share).collect()
    }
}

/// Makes sysinfo read these processes; it removes those that have ended.
fn refresh_system(system: &mut sysinfo::System, pids: &[Pid]) {
    if pids.is_empty() {
        return;
    }
    let pids = pids.iter().map(|&pid| sysinfo::Pid::from_u32(pid));
    let pids: Vec<_> = pids.collect();
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
