//! Runs a program with a port: in place of this one, or as a child.
//!
//! In place of this one it inherits a socket, as systemd passes sockets (`sd_listen_fds(3)`): as descriptor 3, announced
//! in `LISTEN_FDS` and `LISTEN_PID`. This very process executes the program, so pid and exit code are the same, and the
//! port is never free in between. As a child it runs until it ends, so that this process keeps its descriptors open.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::io;
use std::process::{Command, ExitStatus};

use socket2::Socket;

/// Variables that announce passed sockets. Those set for us must not reach the command.
const LISTEN: [&str; 4] = [
    "LISTEN_FDS",
    "LISTEN_PID",
    "LISTEN_PIDFDID",
    "LISTEN_FDNAMES",
];

/// Executes a command in place of this program, with the socket as descriptor 3. `{}` in its words is
/// replaced by the port, which is in `PORT` as well.
///
/// # Errors
/// Why the command could not be executed; it does not return otherwise. Only Unix supports this.
pub fn exec_with_socket(words: &[OsString], socket: Socket, port: u16) -> io::Result<Infallible> {
    let mut command = command(words, port);
    command.env("LISTEN_FDS", "1");
    command.env("LISTEN_PID", std::process::id().to_string());
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;

        use command_fds::{CommandFdExt as _, FdMapping};
        let mapping = FdMapping {
            parent_fd: socket.into(),
            child_fd: 3,
        };
        let mapped = command.fd_mappings(vec![mapping]);
        Err(mapped.map_err(io::Error::other)?.exec())
    }
    #[cfg(not(unix))]
    {
        drop(socket);
        let message = "sockets can't be handed over on this system; --hold keeps the port instead";
        Err(io::Error::new(io::ErrorKind::Unsupported, message))
    }
}

/// The command with the port filled in, and without the variables of [`LISTEN`].
fn command(words: &[OsString], port: u16) -> Command {
    let mut words = words.iter().map(|word| filled(word, port));
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words).env("PORT", port.to_string());
    for name in LISTEN {
        command.env_remove(name);
    }
    command
}

/// The word with every `{}` replaced by the port.
#[cfg(unix)]
fn filled(word: &OsStr, port: u16) -> OsString {
    use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
    let (mut rest, mut filled) = (word.as_bytes(), Vec::new());
    while let Some(at) = rest.windows(2).position(|pair| pair == b"{}") {
        filled.extend_from_slice(&rest[..at]);
        filled.extend_from_slice(port.to_string().as_bytes());
        rest = &rest[at + 2..];
    }
    filled.extend_from_slice(rest);
    OsString::from_vec(filled)
}

/// The word with every `{}` replaced by the port; one that is not Unicode stays as it is.
#[cfg(not(unix))]
fn filled(word: &OsStr, port: u16) -> OsString {
    let text = word.to_str();
    text.map_or_else(
        || word.into(),
        |text| text.replace("{}", &port.to_string()).into(),
    )
}

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

fn code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return super::signals::exit_code(signal);
    }
    let code = status.code().and_then(|code| code.try_into().ok());
    code.unwrap_or(u8::MAX)
}

#[cfg(target_os = "linux")]
pub(crate) use unix::shell_of;

#[cfg(unix)]
mod unix {
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

    use super::{Command, ExitStatus, io};
    use crate::runtime::process::signals::is_ignored;

    /// The signals that are passed on. Those of the terminal's job control are not: the command gets them
    /// from the terminal, as we do.
    const PASSED_ON: [i32; 6] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2];

    /// The child, until it has ended.
    #[derive(Clone)]
    struct Target(Arc<Mutex<Option<Pid>>>);

    pub(super) fn run(command: &mut Command) -> io::Result<ExitStatus> {
        // A parent that ignores the end of its children would have us lose the command's. A signal that was
        // ignored when we were started (`nohup`) stays ignored for the command as well.
        signal_hook::flag::register(SIGCHLD, Arc::new(AtomicBool::new(false)))?;
        let caught = PASSED_ON.into_iter().filter(|&signal| !is_ignored(signal));
        let mut caught = SignalsInfo::<WithOrigin>::new(caught)?;
        let handle = caught.handle();
        // The thread is started first, as that can fail; the child comes through the channel.
        let (send, received) = mpsc::channel::<(SignalsInfo<WithOrigin>, Target)>();
        let passing_on = thread::Builder::new().spawn(move || {
            for (mut caught, child) in received {
                for origin in caught.forever() {
                    child.pass_on(&origin);
                }
            }
        })?;
        // A signal from before the command exists does not reach it. From here on it may: a slow machine runs
        // the command before us again. A key that is typed between these two lines reaches neither; to block
        // it would start the command with it blocked.
        let early: Vec<_> = caught.pending().collect();
        let mut child = spawn(command)?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let target = Target(Arc::new(Mutex::new(pid)));
        for origin in early {
            target.kill(origin.signal);
        }
        let _ = send.send((caught, target.clone()));
        drop(send);
        // The child keeps its pid, so that no other process can get it while a signal might be sent there.
        if let Some(pid) = pid {
            let end = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while matches!(waitid(WaitId::Pid(pid), end), Err(Errno::INTR)) {}
        }
        *target.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let status = child.wait()?;
        handle.close();
        // Its panic would have been printed.
        let _ = passing_on.join();
        Ok(status)
    }

    /// A script that names no interpreter is given to the shell, as a shell itself and `execvp` do.
    fn spawn(command: &mut Command) -> io::Result<std::process::Child> {
        match command.spawn() {
            Err(error) if error.raw_os_error() == Some(Errno::NOEXEC.raw_os_error()) => {
                shell_of(command).spawn()
            }
            started => started,
        }
    }

    /// A shell that runs the script of a command.
    pub(crate) fn shell_of(command: &Command) -> Command {
        let mut shell = Command::new("/bin/sh");
        shell.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        shell
    }

    impl Target {
        /// Passes a signal on, unless the command has got it already: the kernel sends what is typed at a
        /// terminal to every process of the foreground job. It sends the end of a terminal only to the leader
        /// of its session, which may be us.
        fn pass_on(&self, origin: &Origin) {
            let is_typed = origin.cause == Cause::Kernel && origin.signal != SIGHUP;
            let is_of_our_job = || {
                let child = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                child.is_some_and(|child| getpgid(Some(child)) == Ok(getpgrp()))
            };
            if !(is_typed && is_of_our_job()) {
                self.kill(origin.signal);
            }
        }

        fn kill(&self, number: i32) {
            let child = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let (Some(child), Some(signal)) = (*child, Signal::from_named_raw(number)) {
                // It may just have ended.
                let _ = kill_process(child, signal);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_braces_becomes_the_port() {
        let filled = |word: &str| filled(OsStr::new(word), 80);
        assert_eq!(filled("http://localhost:{}/{}"), "http://localhost:80/80");
        assert_eq!(filled("{}"), "80");
        assert_eq!(filled("{ }{"), "{ }{");
    }

    #[cfg(unix)]
    #[test]
    fn words_that_are_not_unicode_are_filled_too() {
        use std::os::unix::ffi::OsStrExt as _;
        let word = OsStr::from_bytes(b"\xff{}\xfe");
        assert_eq!(filled(word, 7).as_bytes(), b"\xff7\xfe");
    }
}
