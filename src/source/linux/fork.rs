//! Forks, in a process that has a single thread.
#![expect(
    unsafe_code,
    reason = "no library has a safe fork(2), which may only be used in a process with a single thread"
)]

use std::{fs, io};

use nix::unistd::{ForkResult, close};
use rustix::fs::OFlags;
use rustix::process::Pid;

/// Starts a copy of this process. Returns the pid of the child, or `None` in the child.
///
/// # Errors
/// This process has several threads: another one may have a lock that the child would wait for. Or the system refuses.
pub(crate) fn fork() -> io::Result<Option<Pid>> {
    if fs::read_dir("/proc/self/task")?.count() != 1 {
        return Err(io::Error::other("can't fork: several threads run"));
    }
    // SAFETY: this process has one thread, so no other one can have a lock that the child would wait for.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Child => Ok(None),
        ForkResult::Parent { child } => Ok(Pid::from_raw(child.as_raw())),
    }
}

/// Descriptors that this process has inherited, besides standard input, output and error.
pub(crate) struct Inherited(Vec<i32>);

impl Inherited {
    /// Those that a program which it executes would inherit, too: our own ones are closed then.
    pub(crate) fn find() -> Self {
        Self(
            numbers()
                .into_iter()
                .filter(|&number| is_inherited(number))
                .collect(),
        )
    }

    /// Closes them, in this process.
    pub(crate) fn close(self) {
        for number in self.0 {
            let _ = close(number);
        }
    }
}

/// Whether a descriptor lacks `O_CLOEXEC` (`flags` of `/proc/PID/fdinfo`, see `proc_pid_fdinfo(5)`).
fn is_inherited(number: i32) -> bool {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{number}")).unwrap_or_default();
    let flags = info.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
    flags.is_some_and(|flags| flags & OFlags::CLOEXEC.bits() == 0)
}

/// Closes what this process has inherited, but for standard input, output and error.
pub(super) fn close_all_but_standard() {
    for number in numbers() {
        let _ = close(number);
    }
}

/// The numbers of all open descriptors but these three; also that of the folder that is read for it, closed by then.
fn numbers() -> Vec<i32> {
    let Ok(files) = fs::read_dir("/proc/self/fd") else {
        return Vec::new();
    };
    let numbers = files.flatten().filter_map(|file| {
        let number = file.file_name().to_str()?.parse::<i32>().ok()?;
        (number > 2).then_some(number)
    });
    numbers.collect()
}
