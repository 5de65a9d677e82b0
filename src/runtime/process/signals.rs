//! Signals by which the system and the shell end, stop and continue this process.
//!
//! In raw mode Ctrl-C and Ctrl-Z arrive as keys. The signals come from elsewhere: `kill`, a
//! closing terminal, the shell's job control.

use std::io;
use std::ops::ControlFlow;

/// The request of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// End, by the signal of this number: `SIGTERM`, `SIGHUP`, `SIGINT`, and those that [`end_by`] passes on.
    Quit(i32),
    /// Stop until continued, as Ctrl-Z does (`SIGTSTP`).
    Suspend,
    /// The process was continued (`SIGCONT`) after it was stopped, by us or unnoticed.
    Resume,
}

/// The exit code of a program that a signal ended: 130 for `SIGINT`, 143 for `SIGTERM`.
pub fn exit_code(signal: i32) -> u8 {
    u8::try_from(128 + signal).unwrap_or(u8::MAX)
}

#[cfg(unix)]
pub use unix::*;
#[cfg(windows)]
pub use windows::*;

#[cfg(unix)]
mod unix {
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    use rustix::process::{self, kill_current_process_group};
    use signal_hook::consts::{
        SIGABRT, SIGALRM, SIGCONT, SIGHUP, SIGINT, SIGPROF, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1,
        SIGUSR2, SIGVTALRM, SIGXCPU, SIGXFSZ,
    };
    use signal_hook::iterator::Signals as Caught;

    use super::{ControlFlow, Signal, io};
    use crate::source::proc_stat;

    /// Signals that end a process without a handler, some with a core dump. They are caught to give the terminal
    /// back first; then they take their effect. Not those of a fault in the program itself (`SIGSEGV` and its
    /// like): after one of them nothing more can be done.
    const FATAL: [i32; 8] = [
        SIGQUIT, SIGUSR1, SIGUSR2, SIGABRT, SIGXCPU, SIGALRM, SIGVTALRM, SIGPROF,
    ];

    /// The signals that this process catches from now on.
    pub struct Signals(Caught);

    impl Signals {
        /// Begins to catch them. A fatal one that is ignored from the start, as in a shell's background job, stays
        /// ignored.
        ///
        /// # Errors
        /// If the system refuses.
        pub fn catch() -> io::Result<Self> {
            Self::catch_all(&[SIGTERM, SIGHUP, SIGINT, SIGTSTP, SIGCONT, SIGXFSZ])
        }

        /// The same for a program that may run in the background: each that is ignored from the start stays ignored, as
        /// `nohup` wants it for `SIGHUP`, and a shell without job control for `SIGINT`.
        ///
        /// # Errors
        /// If the system refuses.
        pub fn catch_in_background() -> io::Result<Self> {
            let mut always = vec![SIGCONT, SIGXFSZ];
            let ending = [SIGTERM, SIGHUP, SIGINT, SIGTSTP].into_iter();
            always.extend(ending.filter(|&number| !is_ignored(number)));
            Self::catch_all(&always)
        }

        fn catch_all(always: &[i32]) -> io::Result<Self> {
            let fatal = FATAL.into_iter().filter(|&number| !is_ignored(number));
            Caught::new(always.iter().copied().chain(fatal)).map(Self)
        }

        /// Passes each signal to `callback` until that breaks. Blocks the calling thread.
        pub fn forward(mut self, mut callback: impl FnMut(Signal) -> ControlFlow<()>) {
            for number in &mut self.0 {
                let signal = match number {
                    SIGTSTP => Signal::Suspend,
                    SIGCONT => Signal::Resume,
                    // Caught, so that the write that makes a file too large fails and is reported.
                    SIGXFSZ => continue,
                    number => Signal::Quit(number),
                };
                if callback(signal).is_break() {
                    return;
                }
            }
        }
    }

    /// Ends this process by a fatal signal, so that its parent sees that signal (and a core dump where the limits
    /// allow one). For another signal, returns the exit code. The terminal must have been left.
    pub fn end_by(number: i32) -> u8 {
        // No signal ends the first process of a pid namespace, such as that of a container.
        if FATAL.contains(&number) && std::process::id() != 1 {
            // Returns only where the system knows no such signal.
            let _ = signal_hook::low_level::emulate_default_handler(number);
        }
        super::exit_code(number)
    }

    /// From now on `SIGINT` and `SIGTERM` end the process at once with their [`super::exit_code`], unless they are
    /// ignored: for commands that have nothing to clean up.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn exit_on_signal() -> io::Result<()> {
        for number in ending() {
            let always = Arc::new(AtomicBool::new(true));
            let code = i32::from(super::exit_code(number));
            signal_hook::flag::register_conditional_shutdown(number, code, always)?;
        }
        Ok(())
    }

    /// The same for a command that has something to clean up first, such as a line on the terminal.
    ///
    /// # Errors
    /// If the system refuses, or starts no further thread.
    #[expect(
        clippy::disallowed_methods,
        reason = "the other threads may be asleep, and hold nothing that the kernel would not undo"
    )]
    pub fn exit_on_signal_after(tidy: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let mut caught = Caught::new(ending())?;
        let wait = move || {
            if let Some(number) = caught.forever().next() {
                tidy();
                std::process::exit(super::exit_code(number).into());
            }
        };
        let thread = std::thread::Builder::new().name("signal".to_owned());
        thread.spawn(wait).map(drop)
    }

    /// `SIGINT` and `SIGTERM`, where they are not ignored.
    fn ending() -> impl Iterator<Item = i32> {
        [SIGINT, SIGTERM]
            .into_iter()
            .filter(|&number| !is_ignored(number))
    }

    /// Whether this process ignores a signal, as it does one that its parent ignored. `false` without a `/proc`.
    pub fn is_ignored(number: i32) -> bool {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        mask.is_some_and(|mask| mask >> (number - 1) & 1 == 1)
    }

    /// Does what the terminal does on Ctrl-Z: every process of our job, `sudo` or `cargo`
    /// in front of us included, gets `SIGTSTP`. Ours comes back as [`Signal::Suspend`].
    ///
    /// # Errors
    /// If the system refuses.
    pub fn suspend_job() -> io::Result<()> {
        Ok(kill_current_process_group(process::Signal::TSTP)?)
    }

    /// Stops this process, and returns when it is continued, or at once if no shell could continue it. The terminal
    /// must have been left.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn stop_now() -> io::Result<()> {
        if can_be_continued() {
            signal_hook::low_level::emulate_default_handler(SIGTSTP)?;
        }
        Ok(())
    }

    /// Whether there is an ancestor outside our job but inside our session, such as a shell with job
    /// control. Without one (`xterm -e sockeye`) a stop would be for ever. `true` without a `/proc`.
    fn can_be_continued() -> bool {
        // An id may be 0 (a leader outside our PID namespace), which rustix's `getsid` and `getpgid` take for
        // impossible.
        let Some(own) = proc_stat::own() else {
            return true;
        };
        let mut parent = own.parent;
        while let Some(ancestor) = proc_stat::proc_stat(parent) {
            if ancestor.session != own.session {
                return false;
            }
            if ancestor.process_group != own.process_group {
                return true;
            }
            parent = ancestor.parent;
        }
        false
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_parent_of_this_process_is_found() {
            if cfg!(target_os = "linux") {
                let own = proc_stat::own().unwrap();
                assert_eq!(own.parent, std::os::unix::process::parent_id());
            }
        }
    }
}

/// Windows has no such signals: Ctrl-C is a key and ends a process, and there is no job control.
#[cfg(windows)]
#[expect(
    missing_docs,
    clippy::missing_errors_doc,
    reason = "as on unix; they do nothing"
)]
mod windows {
    use super::{ControlFlow, Signal, io};

    pub struct Signals;

    impl Signals {
        pub fn catch() -> io::Result<Self> {
            Ok(Self)
        }

        pub fn catch_in_background() -> io::Result<Self> {
            Self::catch()
        }

        pub fn forward(self, _: impl FnMut(Signal) -> ControlFlow<()>) {}
    }

    pub fn end_by(number: i32) -> u8 {
        super::exit_code(number)
    }

    pub fn exit_on_signal() -> io::Result<()> {
        Ok(())
    }

    pub fn exit_on_signal_after(_: impl FnOnce() + Send + 'static) -> io::Result<()> {
        Ok(())
    }

    pub fn suspend_job() -> io::Result<()> {
        Ok(())
    }

    pub fn stop_now() -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_ends_with_128_and_its_number() {
        assert_eq!(exit_code(2), 130);
        assert_eq!(exit_code(15), 143);
    }
}
