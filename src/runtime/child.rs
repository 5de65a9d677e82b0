//! Runs a program as a child until it ends, so that what this process holds is held as long.

use std::ffi::OsString;
use std::io;
use std::process::ExitStatus;

use super::hand_over::command;

/// Runs a command with the port filled in and waits for it. Signals are passed on. The code is the
/// command's own, or 128 and the number of the signal that ended it.
///
/// # Errors
/// Why the command could not be started.
pub fn run(words: &[OsString], port: u16) -> io::Result<u8> {
    #[cfg(unix)]
    return unix::run(&mut command(words, port)).map(code);
    #[cfg(not(unix))]
    return command(words, port).status().map(code);
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
    use std::process::Command;
    use std::sync::atomic::AtomicBool;
    use std::sync::{Arc, Mutex, PoisonError, mpsc};
    use std::thread;

    use rustix::io::Errno;
    use rustix::process::{
        Pid, Signal, WaitId, WaitIdOptions, getpgid, getpgrp, kill_process, waitid,
    };
    use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2};
    use signal_hook::iterator::SignalsInfo;
    use signal_hook::iterator::exfiltrator::origin::WithOrigin;
    use signal_hook::low_level::siginfo::{Cause, Origin};

    use super::{ExitStatus, io};
    use crate::runtime::process::signals::is_ignored;

    /// Every signal that is passed on. Those of the terminal's job control are not: they reach the
    /// command as they reach us.
    const PASSED_ON: [i32; 6] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2];

    /// Who is to be told, as long as there is somebody.
    type Told = Arc<Mutex<Option<Pid>>>;

    pub(super) fn run(command: &mut Command) -> io::Result<ExitStatus> {
        // Whoever started us with a signal ignored (`nohup`) wants it ignored by the command, too. A
        // parent that ignores the end of its children would have us lose the command's.
        signal_hook::flag::register(SIGCHLD, Arc::new(AtomicBool::new(false)))?;
        let caught = PASSED_ON.into_iter().filter(|&signal| !is_ignored(signal));
        let mut caught = SignalsInfo::<WithOrigin>::new(caught)?;
        let handle = caught.handle();
        // The thread, which may not start, has nothing to tell before there is somebody to be told.
        let (give, given) = mpsc::channel::<(SignalsInfo<WithOrigin>, Told)>();
        let telling = thread::Builder::new().spawn(move || {
            for (mut caught, told) in given {
                for origin in caught.forever() {
                    pass_on(&told, &origin);
                }
            }
        })?;
        // What comes before the command is there does not reach it, whoever sends it. What comes from here on
        // may: a slow machine runs the command before us again. Between these two lines a key that is typed
        // reaches neither; to block it would be to have the command start with it blocked.
        let early: Vec<_> = caught.pending().collect();
        let mut child = spawn(command)?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let told = Told::new(Mutex::new(pid));
        for origin in early {
            tell(&told, origin.signal);
        }
        let _ = give.send((caught, Arc::clone(&told)));
        drop(give);
        wait_without_reaping(&told);
        *told.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let status = child.wait()?;
        handle.close();
        // It only ends by itself; what it panicked about would have been printed.
        let _ = telling.join();
        Ok(status)
    }

    /// A script that names no interpreter is given to the shell, as a shell itself and `execvp` do.
    fn spawn(command: &mut Command) -> io::Result<std::process::Child> {
        match command.spawn() {
            Err(error) if error.raw_os_error() == Some(Errno::NOEXEC.raw_os_error()) => {
                let mut shell = Command::new("/bin/sh");
                shell.arg(command.get_program()).args(command.get_args());
                for (name, value) in command.get_envs() {
                    match value {
                        Some(value) => shell.env(name, value),
                        None => shell.env_remove(name),
                    };
                }
                shell.spawn()
            }
            started => started,
        }
    }

    /// Waits for the end of the child but leaves it its pid, so that nobody else can get it while it
    /// might be told something.
    fn wait_without_reaping(told: &Told) {
        let pid = *told.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pid) = pid {
            let end = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while matches!(waitid(WaitId::Pid(pid), end), Err(Errno::INTR)) {}
        }
    }

    /// Passes a signal on, unless the command has got it already: what is typed at a terminal, which the
    /// kernel sends, goes to every process of the foreground job. The end of a terminal is told only to
    /// the leader of its session, which may be us.
    fn pass_on(told: &Told, origin: &Origin) {
        let is_typed = origin.cause == Cause::Kernel && origin.signal != SIGHUP;
        if !(is_typed && is_of_our_job(told)) {
            tell(told, origin.signal);
        }
    }

    fn is_of_our_job(told: &Told) -> bool {
        let told = told.lock().unwrap_or_else(PoisonError::into_inner);
        let group = told.map(|child| getpgid(Some(child)));
        matches!(group, Some(Ok(group)) if group == getpgrp())
    }

    fn tell(told: &Told, number: i32) {
        let told = told.lock().unwrap_or_else(PoisonError::into_inner);
        if let (Some(child), Some(signal)) = (*told, Signal::from_named_raw(number)) {
            // It may have ended just now: then there is nobody to tell.
            let _ = kill_process(child, signal);
        }
    }
}
