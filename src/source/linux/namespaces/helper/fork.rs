//! Forks, in a process that has a single thread.
#![expect(
    unsafe_code,
    reason = "no library has a safe fork(2), which may only be used in a process with a single thread"
)]

use std::{fs, io};

use nix::unistd::{ForkResult, close};
use rustix::process::Pid;

/// Starts a copy of this process. Returns the pid of the child, or `None` in the child. Only for the helper, which never
/// starts a thread.
pub(super) fn fork() -> io::Result<Option<Pid>> {
    // SAFETY: this process has one thread, so no other one can have a lock that the child would wait for.
    match unsafe { nix::unistd::fork() }? {
        ForkResult::Child => Ok(None),
        ForkResult::Parent { child } => Ok(Pid::from_raw(child.as_raw())),
    }
}

/// Closes what this process has inherited, but for standard input, output and error.
pub(super) fn close_all_but_standard() {
    let Ok(files) = fs::read_dir("/proc/self/fd") else {
        return;
    };
    let numbers = files.flatten().filter_map(|file| {
        let number = file.file_name().to_str()?.parse::<i32>().ok()?;
        (number > 2).then_some(number)
    });
    // Collected first: the folder itself is open until then.
    for number in numbers.collect::<Vec<_>>() {
        let _ = close(number);
    }
}
