//! What the system and the shell ask of the process: to end, to stop, to go on.
//!
//! In raw mode Ctrl-C and Ctrl-Z arrive as keys. The signals come from elsewhere: `kill`, a
//! closing terminal, the shell's job control.

use std::io;
use std::ops::ControlFlow;

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// End, by the signal of this number: `SIGTERM`, `SIGHUP`, `SIGINT`, and those that [`end_by`] passes on.
    Quit(i32),
    /// Stop until continued, as Ctrl-Z asks (`SIGTSTP`).
    Suspend,
    /// The process goes on after it was stopped (`SIGCONT`), by us or without our knowing.
    Resume,
}

/// The exit code of a program that ended because of a signal: 130 for `SIGINT`, 143 for `SIGTERM`.
pub fn exit_code(signal: i32) -> u8 {
    u8::try_from(128 + signal).unwrap_or(u8::MAX)
}

#[cfg(unix)]
pub use unix::{
    Signals, end_by, exit_on_signal, exit_on_signal_after, is_ignored, stop_now, suspend_job,
};
#[cfg(windows)]
pub use windows::{Signals, end_by, exit_on_signal, exit_on_signal_after, stop_now, suspend_job};

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

    /// Signals that end a process which does nothing about them, some with a core dump. They are caught so that
    /// the terminal is given back first; then they do what they would have done. Not those of a fault in
    /// the program itself (`SIGSEGV` and its like): after one of them nothing more can be done.
    const FATAL: [i32; 8] = [
        SIGQUIT, SIGUSR1, SIGUSR2, SIGABRT, SIGXCPU, SIGALRM, SIGVTALRM, SIGPROF,
    ];

    /// The signals that this process catches from now on.
    pub struct Signals(Caught);

    impl Signals {
        /// Begins to catch them. One of the fatal ones that was ignored when the program started, as a shell
        /// does for jobs in the background, stays so.
        ///
        /// # Errors
        /// If the system refuses.
        pub fn catch() -> io::Result<Self> {
            let asking = [SIGTERM, SIGHUP, SIGINT, SIGTSTP, SIGCONT, SIGXFSZ];
            let fatal = FATAL.into_iter().filter(|&number| !is_ignored(number));
            Caught::new(asking.into_iter().chain(fatal)).map(Self)
        }

        /// Hands each signal to `callback` until that breaks. For a thread of its own.
        pub fn forward(mut self, mut callback: impl FnMut(Signal) -> ControlFlow<()>) {
            for number in &mut self.0 {
                let signal = match number {
                    SIGTSTP => Signal::Suspend,
                    SIGCONT => Signal::Resume,
                    // Caught, the write that made a file too large fails, and whoever writes says so.
                    SIGXFSZ => continue,
                    number => Signal::Quit(number),
                };
                if callback(signal).is_break() {
                    return;
                }
            }
        }
    }

    /// Ends this process as a signal of this number does, so that its parent sees that signal (and a core dump where
    /// the limits ask for one); returns the exit code for one that only asks. The terminal must have been left.
    pub fn end_by(number: i32) -> u8 {
        if FATAL.contains(&number) {
            // Returns only where the system knows no such signal.
            let _ = signal_hook::low_level::emulate_default_handler(number);
        }
        super::exit_code(number)
    }

    /// From now on `SIGINT` and `SIGTERM` end the process at once with their [`super::exit_code`]:
    /// for commands that leave nothing behind which the kernel would not undo. A signal that was
    /// ignored when the program started, as a shell does for jobs in the background, stays so.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn exit_on_signal() -> io::Result<()> {
        for number in [SIGINT, SIGTERM] {
            if !is_ignored(number) {
                let always = Arc::new(AtomicBool::new(true));
                let code = i32::from(super::exit_code(number));
                signal_hook::flag::register_conditional_shutdown(number, code, always)?;
            }
        }
        Ok(())
    }

    /// The same for a command that has something to tidy up first, such as a line on the terminal.
    ///
    /// # Errors
    /// If the system refuses, or starts no further thread.
    #[expect(
        clippy::disallowed_methods,
        reason = "the other threads may be asleep, and hold nothing that the kernel would not undo"
    )]
    pub fn exit_on_signal_after(tidy: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let asked = [SIGINT, SIGTERM].into_iter();
        let mut caught = Caught::new(asked.filter(|&number| !is_ignored(number)))?;
        let wait = move || {
            if let Some(number) = caught.forever().next() {
                tidy();
                std::process::exit(super::exit_code(number).into());
            }
        };
        let thread = std::thread::Builder::new().name("signal".to_owned());
        thread.spawn(wait).map(drop)
    }

    /// Whether this process ignores a signal, as it does one that its parent had it ignore. Where
    /// there is no `/proc` to tell, it does not.
    pub fn is_ignored(number: i32) -> bool {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        mask.is_some_and(|mask| mask >> (number - 1) & 1 == 1)
    }

    /// Asks for what the terminal does on Ctrl-Z: every process of our job, `sudo` or `cargo`
    /// in front of us included, gets `SIGTSTP`. Ours comes back as [`Signal::Suspend`].
    ///
    /// # Errors
    /// If the system refuses.
    pub fn suspend_job() -> io::Result<()> {
        Ok(kill_current_process_group(process::Signal::TSTP)?)
    }

    /// Stops this process, and returns when it is continued. The terminal must have been left.
    /// Where no shell could continue it, it returns at once, as the kernel would ignore Ctrl-Z.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn stop_now() -> io::Result<()> {
        if somebody_can_continue_us() {
            signal_hook::low_level::emulate_default_handler(SIGTSTP)?;
        }
        Ok(())
    }

    /// Whether an ancestor outside our job but inside our session is there, as a shell with job
    /// control is. Without one (`xterm -e sockeye`) a stop would be for ever. Where there is no
    /// `/proc` to tell, we trust that there is.
    fn somebody_can_continue_us() -> bool {
        let Some(own) = Place::of("self") else {
            return true;
        };
        let mut ancestor = Place::of(&own.parent.to_string());
        while let Some(place) = ancestor {
            if place.session != own.session {
                return false;
            }
            if place.group != own.group {
                return true;
            }
            ancestor = Place::of(&place.parent.to_string());
        }
        false
    }

    /// Where a process stands. Read from `/proc`, as an id may be 0 (a leader outside our PID
    /// namespace), which rustix's `getsid` and `getpgid` take for impossible.
    struct Place {
        parent: u32,
        group: u32,
        session: u32,
    }

    impl Place {
        /// Fields 4 to 6 of `/proc/PID/stat`, after the name, which may hold anything.
        fn of(pid: &str) -> Option<Self> {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            let (_, fields) = stat.rsplit_once(") ")?;
            let mut ids = fields.split(' ').skip(1).map_while(|id| id.parse().ok());
            Some(Self {
                parent: ids.next()?,
                group: ids.next()?,
                session: ids.next()?,
            })
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn the_parent_of_this_process_is_found() {
            if cfg!(target_os = "linux") {
                let own = Place::of("self").unwrap();
                assert_eq!(own.parent, std::os::unix::process::parent_id());
            }
        }
    }
}

/// Windows has no such signals: Ctrl-C is a key, and there is no job control.
#[cfg(windows)]
mod windows {
    use super::{ControlFlow, Signal, io};

    /// No signals.
    pub struct Signals;

    impl Signals {
        /// Does nothing.
        ///
        /// # Errors
        /// Never.
        pub fn catch() -> io::Result<Self> {
            Ok(Self)
        }

        /// Returns at once.
        pub fn forward(self, _: impl FnMut(Signal) -> ControlFlow<()>) {}
    }

    /// The exit code of a program that such a signal ended.
    pub fn end_by(number: i32) -> u8 {
        super::exit_code(number)
    }

    /// Does nothing: Ctrl-C ends a process here.
    ///
    /// # Errors
    /// Never.
    pub fn exit_on_signal() -> io::Result<()> {
        Ok(())
    }

    /// Does nothing: Ctrl-C ends a process here.
    ///
    /// # Errors
    /// Never.
    pub fn exit_on_signal_after(_: impl FnOnce() + Send + 'static) -> io::Result<()> {
        Ok(())
    }

    /// Does nothing.
    ///
    /// # Errors
    /// Never.
    pub fn suspend_job() -> io::Result<()> {
        Ok(())
    }

    /// Does nothing.
    ///
    /// # Errors
    /// Never.
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
