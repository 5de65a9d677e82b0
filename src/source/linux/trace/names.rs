//! The process of a record: its name and, if it could be read in time, all of it.
//!
//! Three sources, exact by time. `/proc/PID`, read soon after its first record; `PERF_RECORD_COMM`, which every new program
//! and name brings, of at most 15 bytes; and `PERF_RECORD_FORK`: a new process has the name of its parent. What was read
//! from `/proc` counts until the next of these records of that pid. No pid is confused with an earlier one: the kernel
//! records every new process, so a pid that is reused starts anew.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use super::owners::is_kernel_thread;
use super::record::Record;
use crate::model::{Pid, Process, Text};
use crate::source::lineage::own_pid;
use crate::source::linux::proc::net::TICK;
use crate::source::process::ProcessReader;

/// The most processes whose names are kept.
const MAX_KNOWN: usize = 8192;

/// The names of processes, by pid.
pub(super) struct Names {
    reader: ProcessReader,
    known: HashMap<Pid, Known>,
    /// In the order in which they became known; a pid may be in it twice.
    order: VecDeque<Pid>,
    /// Whether `/proc` has the pids of the records.
    is_same_pid_namespace: bool,
}

#[derive(Clone, Default)]
struct Known {
    comm: Option<Text>,
    process: Option<Arc<Process>>,
    /// Whether `/proc` was read since the last record of a name.
    is_read: bool,
}

/// A process as far as it is known.
pub(super) type NameOfProcess = (Text, Option<Arc<Process>>);

impl Default for Names {
    fn default() -> Self {
        Self {
            reader: ProcessReader::default(),
            known: HashMap::new(),
            order: VecDeque::new(),
            is_same_pid_namespace: own_pid() == Some(std::process::id()),
        }
    }
}

impl Names {
    /// Applies a record of a name or a new process. They have to be applied in the order of their times.
    pub(super) fn apply(&mut self, record: &Record) {
        match record {
            Record::Fork { pid, parent, .. } => {
                let parent = parent.and_then(|parent| self.known.get(&parent));
                let comm = parent.and_then(|known| known.comm.clone());
                self.insert(
                    *pid,
                    Known {
                        comm,
                        ..Known::default()
                    },
                );
            }
            Record::Comm { pid, comm, .. } => {
                let comm = Some(comm.clone());
                self.insert(
                    *pid,
                    Known {
                        comm,
                        ..Known::default()
                    },
                );
            }
            Record::Socket(_) | Record::Lost { .. } => {}
        }
    }

    /// The process with this pid at this time, which is now or a moment ago. `has_changed` is whether a later record of
    /// its pid is known: then what `/proc` has now is not what it had.
    pub(super) fn process_at(
        &mut self,
        pid: Pid,
        at: Duration,
        has_changed: bool,
    ) -> NameOfProcess {
        let known = self.known.get(&pid).cloned().unwrap_or_default();
        if known.is_read || has_changed {
            return named(known);
        }
        // With another name it has executed a program since the rings were read.
        let is_its = |found: &Arc<Process>| {
            let has_name = known.comm.as_ref().is_none_or(|comm| *comm == found.comm);
            // Of these the kernel adds to the name what they do.
            has_name || is_kernel_thread(found)
        };
        let found = self.read(pid, at).filter(is_its);
        let comm = found.as_ref().map(|found| found.comm.clone());
        let known = Known {
            comm: comm.or(known.comm),
            process: found,
            is_read: true,
        };
        self.insert(pid, known.clone());
        named(known)
    }

    /// Forgets all names: records were lost, among them perhaps a new process with a known pid.
    pub(super) fn clear(&mut self) {
        self.known.clear();
        self.order.clear();
    }

    /// Reads a process, unless it started after that time.
    fn read(&mut self, pid: Pid, at: Duration) -> Option<Arc<Process>> {
        if !self.is_same_pid_namespace {
            return None;
        }
        let process = self.reader.read(pid)?;
        let started_at = u32::try_from(process.started_at_tick?).ok()? * TICK;
        (started_at <= at + suspended()).then(|| Arc::new(process))
    }

    fn insert(&mut self, pid: Pid, known: Known) {
        if self.known.insert(pid, known).is_none() {
            self.order.push_back(pid);
        }
        if self.order.len() > MAX_KNOWN
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}

fn named(known: Known) -> NameOfProcess {
    (known.comm.unwrap_or_default(), known.process)
}

/// How long the machine was suspended since boot: start times count it, the times of records don't.
fn suspended() -> Duration {
    let read = |clock| clock_gettime(clock).map(Duration::from).unwrap_or_default();
    let running = read(ClockId::CLOCK_MONOTONIC);
    read(ClockId::CLOCK_BOOTTIME).saturating_sub(running)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_secs(1_000_000_000);

    fn comm(pid: Pid, comm: &str) -> Record {
        let (at, comm) = (Duration::ZERO, Text::new(comm));
        Record::Comm { at, pid, comm }
    }

    fn fork(pid: Pid, parent: Pid) -> Record {
        let (at, parent) = (Duration::ZERO, Some(parent));
        Record::Fork { at, pid, parent }
    }

    fn comm_of(names: &mut Names, pid: Pid) -> String {
        names.process_at(pid, SOON, true).0.to_string()
    }

    #[test]
    fn a_new_process_has_the_name_of_its_parent_until_it_has_another() {
        let mut names = Names::default();
        for record in [comm(7, "bash"), fork(8, 7), fork(9, 7), comm(9, "curl")] {
            names.apply(&record);
        }
        assert_eq!(comm_of(&mut names, 8), "bash");
        assert_eq!(comm_of(&mut names, 9), "curl");
        names.apply(&comm(7, "sh"));
        assert_eq!(comm_of(&mut names, 8), "bash");
    }

    #[test]
    fn a_reused_pid_and_one_after_a_loss_have_no_earlier_name() {
        let mut names = Names::default();
        names.apply(&comm(7, "bash"));
        names.apply(&fork(7, 1));
        assert_eq!(comm_of(&mut names, 7), "");
        names.apply(&comm(7, "bash"));
        names.clear();
        assert_eq!(comm_of(&mut names, 7), "");
    }

    #[test]
    fn a_running_process_is_read_but_not_if_it_started_later_or_changed_since() {
        let own = std::process::id();
        let mut names = Names::default();
        let (_, process) = names.process_at(own, Duration::ZERO, false);
        assert_eq!(process, None);
        let mut names = Names::default();
        assert_eq!(names.process_at(own, SOON, true).1, None);
        let (comm, process) = names.process_at(own, SOON, false);
        assert_eq!(process.as_ref().map(|process| process.pid), Some(own));
        assert_eq!(process.unwrap().comm, comm);
    }

    #[test]
    fn a_process_with_another_name_than_its_last_record_is_not_that_of_the_event() {
        let own = std::process::id();
        let mut names = Names::default();
        names.apply(&comm(own, "before exec"));
        let (comm, process) = names.process_at(own, SOON, false);
        assert_eq!((&*comm, process), ("before exec", None));
    }

    #[test]
    fn the_oldest_names_are_forgotten() {
        let mut names = Names::default();
        for pid in 1..=20_000 {
            names.apply(&comm(pid, "web"));
        }
        assert_eq!(names.known.len(), MAX_KNOWN);
        assert_eq!(names.order.len(), MAX_KNOWN);
        assert_eq!(comm_of(&mut names, 1), "");
        assert_eq!(comm_of(&mut names, 20_000), "web");
    }
}
