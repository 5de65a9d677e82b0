//! The process that the shell knows: it passes signals on to the program and ends as that does. The supervisor stops and
//! continues it as the program is stopped and continued.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::Duration;

use nix::libc;
use nix::sys::signal::{SigSet, Signal as NixSignal};
use nix::sys::signalfd::SignalFd;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Signal, getpgrp, pidfd_send_signal};

use super::channel::Report;
use crate::source::proc_stat::proc_stat;

/// How long the program may take to end after its supervisor was killed.
const GRACE: Duration = Duration::from_secs(5);

/// How the program ended.
pub(super) enum End {
    NotStarted(io::Error),
    Exited(i32),
    Killed(i32),
    /// The supervisor is gone, so the program was ended.
    Lost,
}

/// Passes signals on until the program ends.
pub(super) struct Front {
    pub(super) reports: OwnedFd,
    pub(super) signals: SignalFd,
    /// The program, once it runs.
    pub(super) program: Option<OwnedFd>,
}

impl Front {
    pub(super) fn run(&mut self) -> End {
        loop {
            // Signals that arrive before the program runs wait for it.
            let is_running = self.program.is_some();
            let signals = if is_running {
                PollFlags::IN
            } else {
                PollFlags::empty()
            };
            let mut events = [
                PollFd::new(&self.reports, PollFlags::IN),
                PollFd::new(&self.signals, signals),
            ];
            let _ = poll(&mut events, None);
            let [is_reported, is_signalled] = events.map(|event| !event.revents().is_empty());
            if is_signalled && is_running {
                self.pass_on();
            }
            if !is_reported {
                continue;
            }
            match Report::receive(&self.reports) {
                Ok(Some(Report::Started(program))) => {
                    self.program = Some(program);
                    super::detach_streams(false);
                }
                Ok(Some(Report::NotStarted(error))) => return End::NotStarted(error.into()),
                Ok(Some(Report::Exited(code))) => return End::Exited(code),
                Ok(Some(Report::Killed(signal))) => return End::Killed(signal),
                Ok(None) | Err(_) => return self.end(),
            }
        }
    }

    /// Passes on what the program has not got itself: the kernel sends what is typed at a terminal to every process of
    /// the foreground job. It sends the end of a terminal only to the leader of its session, which may be us.
    fn pass_on(&self) {
        while let Ok(Some(info)) = self.signals.read_signal() {
            let Some(program) = &self.program else {
                continue;
            };
            let number = i32::try_from(info.ssi_signo).unwrap_or_default();
            let is_typed = info.ssi_code == libc::SI_KERNEL && number != libc::SIGHUP;
            let is_ours = matches!(number, libc::SIGCHLD | libc::SIGTTIN | libc::SIGTTOU);
            if is_ours || is_typed && self.is_in_our_job() {
                continue;
            }
            if let Some(signal) = Signal::from_named_raw(number) {
                // It may just have ended.
                let _ = pidfd_send_signal(program, signal);
            }
        }
    }

    fn is_in_our_job(&self) -> bool {
        let group = self
            .pid()
            .and_then(proc_stat)
            .map(|stat| stat.process_group);
        group == u32::try_from(getpgrp().as_raw_nonzero().get()).ok()
    }

    /// The pid of the program (`Pid` of `/proc/self/fdinfo`, see `pidfd_open(2)`).
    fn pid(&self) -> Option<u32> {
        use std::os::fd::AsRawFd as _;
        let number = self.program.as_ref()?.as_raw_fd();
        let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{number}")).ok()?;
        let pid = info.lines().find_map(|line| line.strip_prefix("Pid:"))?;
        pid.trim().parse().ok()
    }

    /// Waits for the end of the program, which has got `SIGTERM` at that of the supervisor, and makes sure of it.
    fn end(&self) -> End {
        let Some(program) = &self.program else {
            return End::Lost;
        };
        let timeout = Timespec {
            tv_sec: GRACE.as_secs().try_into().unwrap_or_default(),
            tv_nsec: 0,
        };
        let has_ended = poll(&mut [PollFd::new(program, PollFlags::IN)], Some(&timeout));
        if has_ended == Ok(0) {
            let _ = pidfd_send_signal(program.as_fd(), Signal::KILL);
        }
        End::Lost
    }
}

/// Ends this process by the signal that ended the program, but without a core dump of its own. Returns if that signal
/// ends no process: none ends the first one of a pid namespace, such as that of a container.
pub(super) fn end_by(number: i32) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let core = Rlimit {
        current: Some(0),
        ..getrlimit(Resource::Core)
    };
    let _ = setrlimit(Resource::Core, core);
    let _ = SigSet::all().thread_unblock();
    if std::process::id() == 1 {
        return;
    }
    if number == NixSignal::SIGKILL as i32 {
        let _ = rustix::process::kill_process(rustix::process::getpid(), Signal::KILL);
    }
    let _ = signal_hook::low_level::emulate_default_handler(number);
}
