//! A call that waits until its port is free (`--wait`).

use std::fs;
use std::time::Duration;

use rustix::io::Errno;

use super::calls::{Answer, InetCall, Listener};
use crate::model::Pid;

/// The time between two attempts.
const INTERVAL: Duration = Duration::from_millis(10);

/// Signals that people and timers send: `SIGHUP`, `SIGINT`, `SIGQUIT`, `SIGUSR1`, `SIGUSR2`, `SIGALRM`, `SIGTERM` and
/// `SIGTSTP`, as bits of `/proc/PID/status`. While a call waits, no handler runs. The others are too frequent to give up for
/// (`SIGCHLD`, `SIGURG` in Go, `SIGPROF`).
const HANDLED: u64 = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 9 | 1 << 11 | 1 << 13 | 1 << 14 | STOP;
const STOP: u64 = 1 << 19;

pub(super) struct WaitingCall {
    pub(super) id: u64,
    pub(super) call: InetCall,
    error: Errno,
    /// On the clock of the supervisor, as the time of the next attempt.
    deadline: Duration,
    pub(super) retry_at: Duration,
    /// Whether its port is being freed: what ends the holder watches the port, so that it is not bound until then.
    pub(super) is_paused: bool,
}

impl WaitingCall {
    pub(super) fn new(
        id: u64,
        call: InetCall,
        error: Errno,
        deadline: Duration,
        now: Duration,
    ) -> Self {
        Self {
            id,
            call,
            error,
            deadline,
            retry_at: now + INTERVAL,
            is_paused: false,
        }
    }

    /// Does not try before [`Self::resume`].
    pub(super) const fn pause(&mut self) {
        self.is_paused = true;
    }

    /// Tries again from now on, until this time.
    pub(super) const fn resume(&mut self, deadline: Duration) {
        (self.is_paused, self.deadline) = (false, deadline);
    }

    /// Tries again when it is time. Returns the answer, if there is one by now.
    pub(super) fn retry(&mut self, listener: &Listener, now: Duration) -> Option<Answer> {
        if now < self.retry_at {
            return None;
        }
        self.retry_at = now + INTERVAL;
        let failed = Some(Answer::Done(Err(self.error)));
        if !listener.is_waiting(self.id) {
            return failed;
        }
        if self.is_paused {
            return failed.filter(|_| is_signalled(self.call.thread));
        }
        match self.call.perform() {
            Err(Errno::ADDRINUSE) if now >= self.deadline || is_signalled(self.call.thread) => {
                failed
            }
            Err(Errno::ADDRINUSE) => None,
            result => Some(Answer::Done(result)),
        }
    }
}

/// Whether a signal waits for the thread to return, which would handle it, or stop.
fn is_signalled(thread: Pid) -> bool {
    let status = fs::read_to_string(format!("/proc/{thread}/status")).unwrap_or_default();
    let mask = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
            .unwrap_or_default()
    };
    let pending = mask("SigPnd:") | mask("ShdPnd:");
    let pending = pending & !mask("SigBlk:");
    let stops = pending & STOP & !mask("SigIgn:");
    stops != 0 || pending & mask("SigCgt:") & HANDLED != 0
}
