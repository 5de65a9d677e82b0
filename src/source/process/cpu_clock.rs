//! Whether a process has run since it was read, by its CPU clock.
//!
//! Only its own threads change a process's descriptors, name, arguments and user, and a running thread uses time. So a
//! process whose clock has not advanced since it was read is unchanged, including its identity: another process with
//! its pid would have a different clock. One system call of less than a microsecond reads the clock
//! (`clock_getcpuclockid(3)`, nanoseconds, of all threads together), where opening a file below `/proc` takes ten, and
//! it takes no right. It does not show changes of a descriptor table that another process shares (`CLONE_FILES` without
//! `CLONE_THREAD`), nor a parent that ended. Where `/proc` is that of another pid namespace it shows nothing.
//!
//! The clock of a thread on another processor advances only at that processor's next tick (seen: up to 18 ms late), so a
//! reading is trusted only once it is older than that delay.

use crate::model::Pid;
#[cfg(target_os = "linux")]
use crate::source::lineage::own_pid;

#[cfg(target_os = "linux")]
use std::sync::LazyLock;

#[cfg(target_os = "linux")]
use nix::{sys::time::TimeSpec, time::ClockId};

/// The CPU clock of a process at one moment; `None` if it can't be read.
#[cfg(target_os = "linux")]
#[derive(Default)]
pub(crate) struct CpuClock(Option<ClockReading>);

#[cfg(target_os = "linux")]
struct ClockReading {
    clock: ClockId,
    time: TimeSpec,
    at: TimeSpec,
}

/// A clock may be late by this time: some ticks of the slowest kind, 10 ms.
#[cfg(target_os = "linux")]
const SOME_TICKS: TimeSpec = TimeSpec::new(0, 50_000_000);

#[cfg(target_os = "linux")]
impl CpuClock {
    /// Reads the clock of a process. Read before the process is, it shows later whether the process ran since.
    pub(crate) fn read(pid: Pid) -> Self {
        static IS_SAME_PID_NAMESPACE: LazyLock<bool> =
            LazyLock::new(|| own_pid() == Some(std::process::id()));
        let pid = i32::try_from(pid).ok().filter(|_| *IS_SAME_PID_NAMESPACE);
        Self(pid.and_then(|pid| {
            let clock = ClockId::pid_cpu_clock_id(nix::unistd::Pid::from_raw(pid)).ok()?;
            Some(ClockReading {
                clock,
                time: clock.now().ok()?,
                at: ClockId::CLOCK_MONOTONIC.now().ok()?,
            })
        }))
    }

    /// Whether the process has certainly not run since, and still exists.
    pub(crate) fn has_not_advanced(&self) -> bool {
        self.0.as_ref().is_some_and(|then| {
            let is_old = |now| now - then.at >= SOME_TICKS;
            ClockId::CLOCK_MONOTONIC.now().is_ok_and(is_old) && then.clock.now() == Ok(then.time)
        })
    }
}

/// There is no such clock: any process may have run.
#[cfg(not(target_os = "linux"))]
pub(crate) struct CpuClock;

#[cfg(not(target_os = "linux"))]
impl CpuClock {
    pub(crate) const fn read(_pid: Pid) -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "as on Linux")]
    pub(crate) const fn has_not_advanced(&self) -> bool {
        false
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::{BufRead as _, BufReader, Write as _};
    use std::process::{Command, Stdio};

    use super::*;

    #[test]
    fn a_process_that_waits_has_not_run_and_one_that_answered_has() {
        let mut child = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut say = child.stdin.take().unwrap();
        let mut answers = BufReader::new(child.stdout.take().unwrap());
        let mut ask = || {
            say.write_all(b"a line\n").unwrap();
            answers.read_line(&mut String::new()).unwrap();
        };
        ask();
        // It answered, and goes on to wait a moment later.
        let settled = (0..100).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(1));
            let clock = CpuClock::read(child.id());
            std::thread::sleep(std::time::Duration::from_millis(60));
            clock.has_not_advanced()
        });
        assert!(settled);
        let clock = CpuClock::read(child.id());
        ask();
        assert!(!clock.has_not_advanced());
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn of_a_process_that_is_no_more_nothing_is_said() {
        assert!(!CpuClock::read(Pid::MAX).has_not_advanced());
        let mut child = Command::new("true").spawn().unwrap();
        let pid = child.id();
        child.wait().unwrap();
        assert!(!CpuClock::read(pid).has_not_advanced());
    }
}
