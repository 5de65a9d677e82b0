//! Whether a process has run since it was last looked at, told by its CPU clock.
//!
//! What a process has (descriptors, name, arguments, user) is changed by its own threads alone, and
//! a thread that runs uses time. So a process whose clock stands where it stood before the last look
//! is as that look found it, and so is its identity: another one under its pid would have a clock of
//! its own. One system call of less than a microsecond tells (`clock_getcpuclockid(3)`, nanoseconds,
//! of all threads together), where opening a file below `/proc` takes ten, and no right is needed for
//! it. It does not tell of a descriptor table that another process shares (`CLONE_FILES` without
//! `CLONE_THREAD`), and not of a parent that ended. Where `/proc` counts pids otherwise than we do (it is
//! another pid namespace's), it tells nothing.
//!
//! The clock of a thread that is on another processor moves at that one's next tick only (seen: up to 18 ms
//! late), so a clock that stands still says something only if it was read a while ago.

use crate::model::Pid;

#[cfg(target_os = "linux")]
use std::sync::LazyLock;

#[cfg(target_os = "linux")]
use nix::{sys::time::TimeSpec, time::ClockId};

/// The CPU clock of a process, as it stood at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CpuClock {
    #[cfg(target_os = "linux")]
    clock: Option<Reading>,
}

/// A clock, what it told, and when that was.
#[cfg(target_os = "linux")]
#[derive(Clone, Copy, Debug)]
struct Reading {
    clock: ClockId,
    told: TimeSpec,
    at: TimeSpec,
}

/// For so long a clock is not trusted to have moved: some ticks of the slowest kind, 10 ms.
#[cfg(target_os = "linux")]
const SOME_TICKS: TimeSpec = TimeSpec::new(0, 50_000_000);

#[cfg(target_os = "linux")]
impl CpuClock {
    /// Reads the clock of a process. Taken before a look, it tells later whether that look still holds.
    pub(super) fn of(pid: Pid) -> Self {
        static COUNTS_AS_WE_DO: LazyLock<bool> = LazyLock::new(counts_as_we_do);
        let pid = i32::try_from(pid).ok().filter(|_| *COUNTS_AS_WE_DO);
        let clock = pid.and_then(|pid| {
            let clock = ClockId::pid_cpu_clock_id(nix::unistd::Pid::from_raw(pid)).ok()?;
            Some(Reading {
                clock,
                told: clock.now().ok()?,
                at: ClockId::CLOCK_MONOTONIC.now().ok()?,
            })
        });
        Self { clock }
    }

    /// Whether the process has not run since the clock was read. It has if it is no more, and where
    /// that can't be told.
    pub(super) fn is_over(&self) -> bool {
        self.clock.is_some_and(|then| {
            let is_old = |now| now - then.at >= SOME_TICKS;
            ClockId::CLOCK_MONOTONIC.now().is_ok_and(is_old) && then.clock.now() == Ok(then.told)
        })
    }
}

/// Whether the pids below `/proc` are those of this process's own pid namespace.
#[cfg(target_os = "linux")]
fn counts_as_we_do() -> bool {
    let own = std::fs::read_link("/proc/self");
    own.is_ok_and(|own| own.as_os_str() == std::process::id().to_string().as_str())
}

#[cfg(not(target_os = "linux"))]
impl CpuClock {
    /// There is no such clock.
    pub(super) const fn of(_pid: Pid) -> Self {
        Self {}
    }

    /// Nothing is known of any process.
    #[expect(clippy::unused_self, reason = "as on Linux")]
    pub(super) const fn is_over(&self) -> bool {
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
            let activity = CpuClock::of(child.id());
            std::thread::sleep(std::time::Duration::from_millis(60));
            activity.is_over()
        });
        assert!(settled);
        let activity = CpuClock::of(child.id());
        ask();
        assert!(!activity.is_over());
        child.kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn of_a_process_that_is_no_more_nothing_is_said() {
        assert!(!CpuClock::of(Pid::MAX).is_over());
        let mut child = Command::new("true").spawn().unwrap();
        let pid = child.id();
        child.wait().unwrap();
        assert!(!CpuClock::of(pid).is_over());
    }
}
