//! Runs a program as a child until it ends, so that what this process holds is held as long.

use std::ffi::OsString;
use std::io;
use std::process::ExitStatus;

use super::hand_over::command;

/// Runs a command with the port filled in and waits for it. Signals that ask this process to end are
/// passed on, and it is waited for all the same; the code is then that of the signal, otherwise the
/// command's own, or 128 and the number of the signal that ended it.
///
/// # Errors
/// Why the command could not be started.
pub fn run(words: &[OsString], port: u16) -> io::Result<u8> {
    let mut command = command(words, port);
    #[cfg(unix)]
    return unix::run(&mut command);
    #[cfg(not(unix))]
    return command.status().map(code);
}

#[cfg(unix)]
fn code(status: ExitStatus) -> u8 {
    use std::os::unix::process::ExitStatusExt as _;
    let signal = status.signal().map(super::signals::exit_code);
    let code = status.code().and_then(|code| code.try_into().ok());
    signal.or(code).unwrap_or(u8::MAX)
}

#[cfg(not(unix))]
fn code(status: ExitStatus) -> u8 {
    let code = status.code().and_then(|code| code.try_into().ok());
    code.unwrap_or(u8::MAX)
}

#[cfg(unix)]
mod unix {
    use std::io;
    use std::process::{Child, Command};
    use std::sync::{Arc, Mutex, PoisonError};
    use std::thread;

    use rustix::io::Errno;
    use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, getpgrp, kill_process, waitid};
    use signal_hook::consts::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
    use signal_hook::iterator::Signals;

    use crate::runtime::signals::{exit_code, is_ignored};

    /// Who is to be told, as long as there is somebody; and the signal that came.
    #[derive(Default)]
    struct Told {
        child: Option<Pid>,
        signal: Option<i32>,
    }

    pub(super) fn run(command: &mut Command) -> io::Result<u8> {
        // Whoever started us with a signal ignored (`nohup`) wants it ignored by the command, too.
        let wanted = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];
        let caught = wanted.into_iter().filter(|&signal| !is_ignored(signal));
        let mut caught = Signals::new(caught)?;
        let mut child = command.spawn()?;
        let told = Arc::new(Mutex::new(Told {
            child: pid_of(&child),
            signal: None,
        }));
        let (handle, teller) = (caught.handle(), Arc::clone(&told));
        let telling = thread::spawn(move || {
            for number in &mut caught {
                tell(&teller, number);
            }
        });
        let status = wait(&mut child, &told)?;
        handle.close();
        // It only ends by itself; what it panicked about would have been printed.
        let _ = telling.join();
        let signal = told.lock().unwrap_or_else(PoisonError::into_inner).signal;
        Ok(signal.map_or_else(|| super::code(status), exit_code))
    }

    /// Waits for the end of the child, then makes sure that nobody is told any more, and only then
    /// gives its pid back to the system.
    fn wait(child: &mut Child, told: &Mutex<Told>) -> io::Result<std::process::ExitStatus> {
        if let Some(pid) = pid_of(child) {
            let end = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while matches!(waitid(WaitId::Pid(pid), end), Err(Errno::INTR)) {}
        }
        told.lock().unwrap_or_else(PoisonError::into_inner).child = None;
        child.wait()
    }

    /// Passes a signal on. What is typed at a terminal goes to every process of its foreground job, so
    /// the command has got it already.
    fn tell(told: &Mutex<Told>, number: i32) {
        let mut told = told.lock().unwrap_or_else(PoisonError::into_inner);
        told.signal.get_or_insert(number);
        let is_typed = matches!(number, SIGINT | SIGQUIT) && is_foreground();
        let signal = Signal::from_named_raw(number);
        if let (Some(child), Some(signal), false) = (told.child, signal, is_typed) {
            // It may have ended just now: then there is nobody to tell.
            let _ = kill_process(child, signal);
        }
    }

    fn is_foreground() -> bool {
        let terminal = std::fs::File::open("/dev/tty");
        let foreground = terminal.map(rustix::termios::tcgetpgrp);
        matches!(foreground, Ok(Ok(group)) if group == getpgrp())
    }

    fn pid_of(child: &Child) -> Option<Pid> {
        Pid::from_raw(i32::try_from(child.id()).ok()?)
    }
}
