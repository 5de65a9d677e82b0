//! A process as it was at one moment. Another one that gets its pid is not this one.

use crate::model::{Moment, Pid, Process};

use super::Processes;

/// A process; stays that one if its pid is reused.
#[derive(Clone, Debug)]
pub struct PinnedProcess(Process);

impl PinnedProcess {
    /// The process that has this pid now. `None` if there is none that this user can see, or if it has ended and its
    /// parent has not noticed yet.
    pub fn of(pid: Pid) -> Option<Self> {
        let pinned = record(pid).map(Self)?;
        (!pinned.has_ended()).then_some(pinned)
    }

    /// Its record when it was pinned.
    pub const fn process(&self) -> &Process {
        &self.0
    }

    /// Whether it has ended.
    #[cfg(target_os = "linux")]
    pub fn has_ended(&self) -> bool {
        let now = super::proc_stat(self.0.pid);
        let start = self.0.started_at_tick;
        now.is_none_or(|now| now.has_ended || start.is_some_and(|tick| tick != now.started_at_tick))
    }

    /// Whether it has ended.
    #[cfg(not(target_os = "linux"))]
    pub fn has_ended(&self) -> bool {
        record(self.0.pid).is_none_or(|now| !now.is_same(&self.0))
    }
}

fn record(pid: Pid) -> Option<Process> {
    let mut processes = Processes::default();
    processes.refresh(&[pid], Moment::default());
    processes.get(pid).map(|process| (**process).clone())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn it_has_ended_before_its_parent_notices() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let pinned = PinnedProcess::of(child.id()).unwrap();
        assert!(!pinned.has_ended());
        assert_eq!(pinned.process().pid, child.id());
        child.kill().unwrap();
        let ends = (0..1000).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(5));
            pinned.has_ended()
        });
        assert!(ends && PinnedProcess::of(child.id()).is_none());
        child.wait().unwrap();
        assert!(pinned.has_ended() && PinnedProcess::of(child.id()).is_none());
    }

    #[test]
    fn another_process_with_its_pid_is_another() {
        let mut pinned = PinnedProcess::of(std::process::id()).unwrap();
        pinned.0.started_at_tick = pinned.0.started_at_tick.map(|tick| tick + 1);
        pinned.0.started_at = None;
        assert!(pinned.has_ended());
    }
}
